// SPDX-License-Identifier: GPL-3.0-or-later
// The state of a form that is being filled in.  Pure: no page, no network, no clock.
//
// An entry is what a draft holds (PUT .../drafts/{id}): {subject, knee, form, form_version, visit, instance, version,
// date, reason, answers: {item: what was typed or chosen}, not_answered: {item: reason},
// confirmed: [{item, rule, reason}], section, ...}.  Every function that changes one returns a new entry.

import {hasNumberCodes, toJson} from './answer.js';
import {checkEntry, itemsOf} from './check.js';
import {itemsOfExpression} from './expression.js';

export {checkEntry, itemsOf};

// key: {subject, knee, visit, instance}; date: 'YYYY-MM-DD' or null.
export function newEntry(form, key, date) {
    return {
        subject: key.subject ?? null, knee: key.knee ?? 'none', form: form.form, form_version: form.version,
        visit: key.visit ?? 'unscheduled', instance: key.instance ?? 1, version: 1, date, reason: null,
        answers: {}, not_answered: {}, confirmed: [], section: null,
    };
}

// The correction of a stored version: `content` is the canonical content of GET .../submissions/{id}.
export function correctionOf(content) {
    const {subject, knee, form, form_version: formVersion, visit, instance, version, date} = content;
    return {
        subject, knee, form, form_version: formVersion, visit, instance, version: version + 1, date, reason: null,
        answers: {...content.answers}, not_answered: {...content.not_answered},
        confirmed: [...(content.confirmed ?? [])], section: null,
    };
}

function without(object, key) {
    const copy = {...object};
    delete copy[key];
    return copy;
}

// What was confirmed for the old value of an item says nothing about a new one.
function confirmedWithout(form, entry, id) {
    const rules = new Map(form.rules.map((rule) => [rule.id, rule]));
    return entry.confirmed.filter(({item, rule}) => {
        const check = rules.get(rule)?.check;
        return check ? !itemsOfExpression(check).has(id) : item !== id;
    });
}

// value: text, number or boolean; '' or null takes the answer away.
export function setAnswer(form, entry, id, value) {
    const isEmpty = value === null || value === undefined || value === '';
    return {
        ...entry,
        answers: isEmpty ? without(entry.answers, id) : {...entry.answers, [id]: value},
        not_answered: isEmpty ? entry.not_answered : without(entry.not_answered, id),
        confirmed: confirmedWithout(form, entry, id),
    };
}

// reason: one of declineReasons, or null to take it back.
export function declineItem(form, entry, id, reason) {
    return {
        ...entry,
        answers: reason === null ? entry.answers : without(entry.answers, id),
        not_answered: reason === null ? without(entry.not_answered, id) : {...entry.not_answered, [id]: reason},
        confirmed: confirmedWithout(form, entry, id),
    };
}

function isSame(confirmation, finding) {
    return confirmation.rule === finding.rule && (confirmation.item ?? null) === (finding.item ?? null);
}

// finding: a soft problem; reason: '' takes the confirmation back.
export function confirmFinding(entry, finding, reason) {
    const others = entry.confirmed.filter((one) => !isSame(one, finding));
    if (reason === '')
        return {...entry, confirmed: others};
    const item = finding.item === null ? {} : {item: finding.item};
    return {...entry, confirmed: [...others, {...item, rule: finding.rule, reason}]};
}

export function confirmationOf(entry, finding) {
    return entry.confirmed.find((one) => isSame(one, finding))?.reason ?? '';
}

// The entry without what is not asked for with these answers: what is hidden is not sent, but not forgotten either.
function withoutHidden(form, entry, today) {
    let asked = entry;
    for (;;) {
        const check = checkEntry(form, asked, today);
        const skipped = check.problems.filter((problem) => problem.rule === 'skipped').map((problem) => problem.item);
        if (skipped.length === 0)
            return {asked, check};
        const keep = ([id]) => !skipped.includes(id);
        asked = {
            ...asked,
            answers: Object.fromEntries(Object.entries(asked.answers).filter(keep)),
            not_answered: Object.fromEntries(Object.entries(asked.not_answered).filter(keep)),
        };
    }
}


// What a page shows of an entry:
//   shown     Set of the ids of the items that are asked for
//   sections  [{id, title, items (those shown), done, total, problems (hard)}]; a section without items is left out
//   done, total   "31 of 42": items with an answer or a reason for none, of those shown
//   hard      problems that must be put right; soft: those that need a reason, confirmed or not ("findings")
//   check     what checkEntry gave
export function viewOf(form, entry, today) {
    const {asked, check} = withoutHidden(form, entry, today);
    const hard = check.problems.filter((problem) => !problem.soft && !isAboutConfirmation(problem));
    const isShown = (item) => {
        const state = check.states.get(item.id);
        const isFilled = item.id in asked.answers || item.id in asked.not_answered;
        return state === 'shown' || (state === 'unknown' && isFilled);
    };
    const isDone = (item) => check.answers.has(item.id) || check.declined.has(item.id);
    const sections = form.sections.map((section) => {
        const items = section.items.filter(isShown);
        const problems = hard.filter((problem) => items.some((item) => item.id === problem.item));
        const {id, title} = section;
        return {id, title, items, done: items.filter(isDone).length, total: items.length, problems};
    }).filter((section) => section.total > 0);
    const sum = (name) => sections.reduce((total, section) => total + section[name], 0);
    const shown = new Set(sections.flatMap((section) => section.items.map((item) => item.id)));
    return {shown, sections, done: sum('done'), total: sum('total'), hard, soft: check.findings, check, asked};
}

// Problems with what was confirmed are the page's own: it sends only what was found, and asks for the reason itself.
function isAboutConfirmation(problem) {
    return problem.rule === 'confirmed' || (problem.rule === 'doubled' && problem.key === 'confirmed_twice');
}

// The answers as they are sent: {answers, not_answered, confirmed}, without what is not asked for, what cannot be read
// and confirmations of what was not found.  more: soft problems that the server has found beside ours.
export function contentOf(form, entry, today, more = []) {
    const {asked, check} = withoutHidden(form, entry, today);
    const answers = {};
    const notAnswered = {};
    for (const item of itemsOf(form)) {
        if (check.answers.has(item.id))
            answers[item.id] = toJson(item, check.answers.get(item.id));
        else if (check.declined.has(item.id))
            notAnswered[item.id] = check.declined.get(item.id);
    }
    const confirmed = asked.confirmed.filter((one) =>
        [...check.findings, ...more].some((found) => isSame(one, found)));
    return {answers, not_answered: notAnswered, confirmed};
}

// The body of POST .../submissions (or .../second-entries) for an entry that viewOf finds nothing wrong with.
// id: a UUID of version 7, made once and kept.
export function submissionOf(form, entry, today, id, more = []) {
    const {subject, knee, form_version: formVersion, visit, instance, version, date, reason} = entry;
    const body = {
        id, subject, knee, form: entry.form, form_version: formVersion, visit, instance, version,
        status: 'complete', date,
        ...contentOf(form, entry, today, more),
    };
    return version > 1 ? {...body, reason} : body;
}

// One answer of a stored content: {value}, {declined: reason}, or null for none.
export function answerIn(content, id) {
    if (content.answers && id in content.answers)
        return {value: content.answers[id]};
    if (content.not_answered && id in content.not_answered)
        return {declined: content.not_answered[id]};
    return null;
}

// The items whose answers differ between two contents: [{item, before, after}], each as answerIn gives it.
export function differencesOf(form, before, after) {
    const key = (answer) => (answer === null ? '' : 'value' in answer ? `v${answer.value}` : `d${answer.declined}`);
    return itemsOf(form)
        .map((item) => ({item, before: answerIn(before, item.id), after: answerIn(after, item.id)}))
        .filter((one) => key(one.before) !== key(one.after));
}

function sameChoices(a, b) {
    return a.type === 'choice' && b.type === 'choice' && a.choices.length === b.choices.length
        && a.choices.every((choice, i) => choice.code === b.choices[i].code && choice.label === b.choices[i].label);
}

// How the items of a section stand on the page: neighbours with the same numbered choices form one grid.
// [{kind: 'grid', items}, {kind: 'single', items: [item]}]
export function groupsOf(items) {
    const groups = [];
    for (const item of items) {
        const last = groups.at(-1);
        if (last?.kind === 'grid' && sameChoices(last.items[0], item))
            last.items.push(item);
        else
            groups.push({kind: hasNumberCodes(item) ? 'grid' : 'single', items: [item]});
    }
    return groups;
}

// A visual analogue scale: a line of 100 mm.
export function isAnalogueScale(item) {
    return item.unit === 'mm' && item.min === 0 && item.max === 100;
}
