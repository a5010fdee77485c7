// SPDX-License-Identifier: GPL-3.0-or-later
// A subject's course through the study, made of the newest version of each record.  Pure: no page, no network.

const TREATMENT = 'treatment';
const EVENT = 'adverse_event';
const JOINT = 'joint_event';
const END = 'end_of_study';
export const SUBJECT_LANE = 'none';

function isThere(record) {
    return record.status !== 'void';
}

function answersOf(record) {
    return record.content?.answers ?? {};
}

// What is told of a record beside its date: {kind, detail (the reporter's words), mark}.
function describe(record, creating) {
    const answers = answersOf(record);
    if (creating.has(record.form))
        return { kind: 'enrolment' };
    if (record.form === TREATMENT)
        return { kind: 'treatment' };
    if (record.form === EVENT)
        return { kind: answers.serious === true ? 'serious_event' : 'event', detail: answers.term };
    if (record.form === JOINT)
        return { kind: answers.kind === 'replacement' ? 'replacement' : 'joint_event' };
    return record.form === END ? { kind: 'end' } : null;
}

// The day an event belongs to: its onset when that is known to the day, else the day of its form.
function dayOf(record) {
    const { onset } = answersOf(record);
    return record.form === EVENT && /^\d{4}-\d{2}-\d{2}$/.test(onset ?? '') ? onset : record.date;
}

function visitEvents(records, visits) {
    return visits.flatMap(({ visit, title }) => {
        const own = records.filter((record) => record.visit === visit);
        if (own.length === 0)
            return [];
        const dates = own.map((record) => record.date).sort();
        return [{ kind: 'visit', date: dates[0], until: dates.at(-1), knee: SUBJECT_LANE, visit, title,
                  count: own.length, id: null }];
    });
}

// In the order of time: {kind, date, knee ('left', 'right', 'none'), id of the record or null, title or detail}.
// visits    [{visit, title}] of the schedule
// creating  ids of the forms that enrol
export function courseOf(records, visits, creating = new Set(['enrolment'])) {
    const known = records.filter(isThere);
    const single = known.flatMap((record) => {
        const told = describe(record, creating);
        const { knee, id, form } = record;
        return told === null ? [] : [{ date: dayOf(record), knee, id, form, ...told }];
    });
    const order = (event) => `${event.date} ${event.kind === 'enrolment' ? 0 : 1}`;
    return [...visitEvents(known, visits), ...single].sort((a, b) => order(a).localeCompare(order(b)));
}

// {right: {treatments, replacedOn}, left: ...}
export function kneesOf(records) {
    const known = records.filter(isThere);
    return Object.fromEntries(['right', 'left'].map((knee) => {
        const own = known.filter((record) => record.knee === knee);
        const replaced = own.filter((record) => record.form === JOINT && answersOf(record).kind === 'replacement');
        return [knee, {
            treatments: own.filter((record) => record.form === TREATMENT).length,
            replacedOn: replaced.map((record) => record.date).sort()[0] ?? null,
        }];
    }));
}

// The protocol's endpoints for pain and function, as its responder rule names them; otherwise its first two.
export function plottedEndpoints(protocol) {
    const rule = protocol.responders.find((responder) => responder.pain && responder.function);
    const wanted = rule ? [rule.pain, rule.function] : protocol.endpoints.slice(0, 2).map((endpoint) => endpoint.id);
    return wanted.map((id) => protocol.endpoints.find((endpoint) => endpoint.id === id)).filter(Boolean)
        .map((endpoint) => {
            const [form, score] = endpoint.score.split('.');
            return { ...endpoint, form, score };
        });
}

// [{date, visit, knee, value, id}] of a score, in the order of time.
export function pointsOf(records, { form, score }) {
    const hasScore = (record) => record.form === form && Number.isFinite(record.scores?.[score]);
    return records.filter((record) => isThere(record) && hasScore(record))
        .map((record) => ({ date: record.date, visit: record.visit, knee: record.knee, value: record.scores[score],
                            id: record.id }))
        .sort((a, b) => a.date.localeCompare(b.date));
}

const DAY_MS = 86400000;

function dayNumber(date) {
    const [year, month, day] = date.split('-').map(Number);
    return Date.UTC(year, month - 1, day) / DAY_MS;
}

function monthsOf(from, to) {
    return (Number(to.slice(0, 4)) - Number(from.slice(0, 4))) * 12 + Number(to.slice(5, 7)) - Number(from.slice(5, 7));
}

const STEPS = [1, 2, 3, 6, 12, 24, 60];

// First days of months between two dates, `most` at most: where an axis of time has its ticks.
export function monthTicks(from, to, most = 6) {
    const step = STEPS.find((months) => monthsOf(from, to) / months <= most) ?? 120;
    const ticks = [];
    let [year, month] = from.split('-').map(Number);
    for (;;) {
        const tick = `${year}-${String(month).padStart(2, '0')}-01`;
        if (tick > to)
            return ticks;
        if (tick >= from && (year * 12 + month - 1) % step === 0)
            ticks.push(tick);
        month++;
        if (month > 12)
            [year, month] = [year + 1, 1];
    }
}

// date -> x between `left` and `right`
export function timeScale(dates, left, right) {
    const sorted = [...dates].sort();
    const [first, last] = [dayNumber(sorted[0]), dayNumber(sorted.at(-1))];
    const span = Math.max(1, last - first);
    const scale = (date) => left + (right - left) * (dayNumber(date) - first) / span;
    return Object.assign(scale, { from: sorted[0], to: sorted.at(-1) });
}
