// SPDX-License-Identifier: GPL-3.0-or-later
// Entering a form: a new one, a draft that is gone on with, a correction of a stored version, an enrolment.
//   entry/NEW?subject=&form=&visit=&knee=&instance=   what is not given is asked
//   entry/NEW?correct=ID                              the next version of the record of that submission
//   entry/DRAFT-ID
import { drafts } from '../lib/drafts.js';
import { ChoosePlace } from '../lib/form/choose.js';
import { entryOfDraft } from '../lib/form/draft.js';
import { correctionOf, newEntry } from '../lib/form/engine.js';
import { EnrolmentEntry } from '../lib/form/enrolment.js';
import { EntryForm } from '../lib/form/entry_form.js';
import { isSameRecord, loadForm, loadRecords, loadSchedule, loadStudy, loadSubmission, newestForms, nextInstance,
         siteOf, todayAt, visitTitle, visitsFor } from '../lib/form/place.js';
import { Receipt, nextForm, usualLinks } from '../lib/form/receipt.js';
import { formatInstant } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { queue } from '../lib/queue.js';
import { link, navigate } from '../lib/router.js';
import { Alert, Loading, Page, Problem, SubjectBanner, useData } from '../lib/ui.js';
import { uuid7 } from '../lib/uuid.js';
import { html, useEffect, useState } from '../lib/vendor.js';

// What is still to be said before a new form can be shown: null when nothing is.
function isWhole(info, { form, subject, visit, knee }) {
    const definition = newestForms(info).find((one) => one.form === form);
    if (!definition)
        return false;
    if (definition.creates_subject)
        return true;
    const isAsked = visit && visitsFor(info, form).includes(visit);
    return Boolean(subject && isAsked && (definition.about === 'subject' || knee));
}

async function openNew(study, info, query) {
    if (!isWhole(info, query))
        return { kind: 'choose', info };
    const form = await loadForm(study, query.form, query.version);
    if (form.creates_subject)
        return { kind: 'enrol', info, form };
    const { subject, visit } = query;
    const knee = form.about === 'subject' ? 'none' : query.knee;
    const records = await loadRecords(study, subject, form.form).catch((error) => {
        if (error.name !== 'Offline')
            throw error;
        return [];
    });
    const instance = query.instance ? Number(query.instance) : undefined;
    const next = nextInstance(form, records, { knee, visit, instance });
    if (next.record)
        return { kind: 'exists', info, form, record: next.record };
    const key = { subject, knee, visit, instance: next.instance };
    return { kind: 'form', info, form, id: uuid7(), revision: 0, entry: newEntry(form, key, null) };
}

// The newest version of the record is what is corrected; a void one is entered anew.
async function openCorrection(study, info, id) {
    const named = await loadSubmission(study, id);
    const records = await loadRecords(study, named.subject, named.form);
    const newest = records.find((record) => isSameRecord(record, named)) ?? named;
    const form = await loadForm(study, newest.form, newest.form_version);
    const entry = correctionOf(newest.status === 'void' ? { ...newest.content, answers: {} } : newest.content);
    return { kind: 'form', info, form, id: uuid7(), revision: 0, entry };
}

async function openDraft(study, info, id) {
    const draft = await drafts.load(id, study);
    if (draft === null)
        return { kind: 'gone', info };
    if (draft.second_of)
        return { kind: 'second', info, draft };
    const form = await loadForm(study, draft.form, draft.form_version);
    return { kind: 'form', info, form, id, revision: draft.revision ?? 0, entry: entryOfDraft(draft) };
}

async function open({ study, parts, query }) {
    const info = await loadStudy(study);
    const [what = 'NEW'] = parts;
    let place;
    if (what !== 'NEW')
        place = await openDraft(study, info, what);
    else
        place = query.correct ? await openCorrection(study, info, query.correct) : await openNew(study, info, query);
    if (place.kind !== 'form')
        return place;
    const { subject } = place.entry;
    return { ...place, today: todayAt(info, siteOf(subject)), schedule: await loadSchedule(study, subject) };
}

// A draft of a second entry is gone on with where it was begun.
function ToSecondEntry({ study, draft }) {
    useEffect(() => navigate(link(study, 'second-entry', 'NEW', { of: draft.second_of, draft: draft.id }),
        { replace: true }), []);
    return html`<${Loading} />`;
}

function Exists({ study, place }) {
    const { record, form } = place;
    return html`<${Page} title=${form.title}>
        <${Alert} kind="info" title=${t('entry.exists')}><p>${t('entry.exists_text')}</p><//>
        <p class="form-buttons"><a class="btn btn-primary" href=${link(study, 'records', record.id)}>${
            t('entry.open_record')}</a></p><//>`;
}

function Banner({ place, entry, view }) {
    const { info, schedule } = place;
    const cell = (schedule?.cells ?? []).find((one) => one.visit === entry.visit);
    const cohort = info.protocol.cohorts.find((one) => one.id === schedule?.cohort)?.title;
    return html`
        <${SubjectBanner} subject=${entry.subject} knee=${entry.knee} cohort=${cohort}
            visit=${visitTitle(info, entry.visit, t)} window=${cell?.from && cell?.to ? cell : undefined}
            site=${info.sites.find((site) => site.site === siteOf(entry.subject))?.name}>
            <p class="entry-progress"><strong>${t('form.done_of', view)}</strong>
                <progress max=${view.total} value=${view.done} aria-label=${t('form.progress')}></progress></p>
        <//>`;
}

// What is stored now of the record that an entry is about.
function NewestVersion({ study, entry }) {
    const { data: records } = useData(() => loadRecords(study, entry.subject, entry.form), []);
    const newest = records?.find((record) => isSameRecord(record, entry));
    return newest ? html`<p>${t('entry.stored_by', { version: newest.version, account: newest.recorded_by,
        time: formatInstant(newest.received_at), reason: newest.reason ?? '' })}
        ${' '}<a href=${link(study, 'records', newest.id)}>${t('entry.open_record')}</a></p>` : null;
}

function Refused({ study, problem, entry }) {
    if (problem.code !== 'version_conflict' && problem.code !== 'record_exists')
        return html`<${Problem} problem=${problem} />`;
    const isNewer = problem.code === 'version_conflict';
    return html`<${Alert} kind="warning" title=${t(isNewer ? 'entry.newer' : 'entry.exists')}>
        <p>${t(isNewer ? 'entry.newer_text' : 'entry.exists_meanwhile')}</p>
        <${NewestVersion} study=${study} entry=${entry} /><//>`;
}

function Done({ study, place, result, body }) {
    const { data: schedule } = useData(() => loadSchedule(study, body.subject), [body.id]);
    const next = nextForm(schedule, body);
    const title = (id) => newestForms(place.info).find((form) => form.form === id)?.title ?? id;
    const links = [
        ...(next ? [{ primary: true, text: t('entry.next_form', { title: title(next.form) }),
                      href: link(study, 'entry', 'NEW', { subject: body.subject, form: next.form, visit: next.visit,
                                                          knee: next.knee }) }] : []),
        ...(result.state === 'stored'
            ? [{ href: link(study, 'records', result.receipt.id), text: t('entry.open_record') }] : []),
        ...usualLinks(study, body.subject),
    ];
    return html`<${Page} title=${t('entry.receipt', { title: place.form.title })}>
        <${Receipt} form=${place.form} result=${result} links=${links} /><//>`;
}

function FormEntry({ study, place, onLoadOther }) {
    const { form, entry } = place;
    const [done, setDone] = useState(null);
    const [wrong, setWrong] = useState(false);
    if (done)
        return html`<${Done} study=${study} place=${place} ...${done} />`;
    const label = `${entry.subject} ${form.title}`;
    const title = entry.version > 1 ? t('entry.correct', { title: form.title }) : form.title;
    return html`<${Page} title=${title} error=${wrong}>
        <${EntryForm} form=${form} first=${entry} today=${place.today} id=${place.id} study=${study}
            revision=${place.revision}
            banner=${(view) => html`<${Banner} place=${place} entry=${entry} view=${view} />`}
            refusal=${(problem) => html`<${Refused} study=${study} problem=${problem} entry=${entry} />`}
            send=${(body) => queue.submit(body, { study, label })}
            onSaved=${() => navigate(link(study, 'entry', place.id), { replace: true })}
            onLoadOther=${onLoadOther} onProblems=${setWrong}
            onDone=${(result, body) => setDone({ result, body })} />
    <//>`;
}

export default function EntryPage({ route }) {
    const [start] = useState(route);
    const { study } = start;
    const { data, problem, reload } = useData(() => open(start), []);
    const [other, setOther] = useState(null);   // the draft of another browser, which was chosen instead
    const place = data && other ? { ...data, entry: entryOfDraft(other), revision: other.revision } : data;
    if (problem)
        return html`<${Page} title=${t('entry.title')}><${Problem} problem=${problem} onRetry=${reload} /><//>`;
    if (!place)
        return html`<${Page} title=${t('entry.title')}><${Loading} /><//>`;
    if (place.kind === 'choose')
        return html`<${ChoosePlace} study=${study} info=${place.info} query=${start.query} />`;
    if (place.kind === 'gone')
        return html`<${Page} title=${t('entry.title')}><${Alert} kind="info" title=${t('entry.no_draft')}>
            <p>${t('entry.no_draft_text')}</p><//>
            <p><a href=${link(study, 'worklist')}>${t('form.to_worklist')}</a></p><//>`;
    if (place.kind === 'second')
        return html`<${ToSecondEntry} study=${study} draft=${place.draft} />`;
    if (place.kind === 'exists')
        return html`<${Exists} study=${study} place=${place} />`;
    return place.kind === 'enrol' ? html`<${EnrolmentEntry} study=${study} ...${place} />`
        : html`<${FormEntry} key=${place.revision} study=${study} place=${place} onLoadOther=${setOther} />`;
}
