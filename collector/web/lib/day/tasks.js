// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of the worklist: what each kind of task says, and the one click that leads to it.
import { siteOf, todayAt, visitTitle } from '../form/place.js';
import { formatInstant } from '../format.js';
import { t } from '../i18n.js';
import { link } from '../router.js';
import { StateBadge } from '../ui.js';
import { html } from '../vendor.js';
import { ClockBadge, windowDates, windowWords } from './clock.js';
import { formHref, formName, kneeName } from './places.js';

function SubjectCell({ study, item }) {
    return html`<a class="no-wrap" href=${link(study, 'subjects', item.subject)}>${item.subject}</a>`;
}

// A form that is asked for, as a button; one that is there, as a quiet link.
export function FormLink({ study, subject, visit, form }) {
    const href = formHref(study, subject, visit, form);
    const name = formName(form);
    if (form.state === 'done')
        return html`<a class="form-link form-done" href=${href}><${StateBadge} state="done" label=${name} /></a>`;
    if (href === null)
        return html`<span class="form-link"><${StateBadge} state=${form.state} label=${name} /></span>`;
    const word = t(form.state === 'draft' ? 'day.resume' : 'day.enter');
    return html`<a class="btn btn-sm btn-outline-primary form-link" href=${href}>${form.state === 'draft'
        ? word : html`<span class="visually-hidden">${word}</span>`} ${name}</a>`;
}

function Forms({ study, item }) {
    const open = item.forms.filter((form) => form.state !== 'done');
    const done = item.forms.length - open.length;
    return html`<div class="form-links">
        ${open.map((form) => html`<${FormLink} key=${form.form + form.knee} study=${study} subject=${item.subject}
            visit=${item.visit} form=${form} />`)}
        ${done > 0 && html`<span class="quiet small">${t('worklist.forms_done', { n: done })}</span>`}
    </div>`;
}

function Window({ info, item }) {
    const today = todayAt(info, item.site ?? siteOf(item.subject));
    return html`<div>${windowWords(item, today)} <div class="quiet small">${windowDates(item)}</div></div>`;
}

function About({ info, item }) {
    const form = item.forms[0];
    const visit = item.visit && visitTitle(info, item.visit, t);
    return html`<div>${form ? formName(form) : ''}${visit && html`<div class="quiet small">${visit}</div>`}</div>`;
}

function subjectColumn({ study }) {
    return { key: 'subject', title: t('ui.subject'), render: (item) => html`<${SubjectCell} study=${study}
        item=${item} />` };
}

function visitColumns(place) {
    const { study, info } = place;
    return [
        subjectColumn(place),
        { key: 'visit', title: t('ui.visit'), render: (item) => html`<div>${item.title}${
            item.knee && html`<div class="quiet small">${t('day.knee', { knee: kneeName(item.knee) })}</div>`}</div>` },
        { key: 'window', title: t('ui.window'), render: (item) => html`<${Window} info=${info} item=${item} />` },
        { key: 'forms', title: t('day.forms'), render: (item) => html`<${Forms} study=${study} item=${item} />` },
        { key: 'coordinator', title: t('worklist.coordinator') },
    ];
}

function clockColumns(place) {
    const { study } = place;
    return [
        subjectColumn(place),
        { key: 'title', title: t('events.term'), render: (item) => html`<a href=${
            link(study, 'records', item.forms[0]?.id ?? item.id)}>${item.title ?? t('events.no_term')}</a>` },
        { key: 'until', title: t('events.clock'), render: (item) => html`<${ClockBadge} until=${item.until} />` },
        { key: 'to', title: t('day.do'), render: () => html`<a class="btn btn-sm btn-outline-primary"
            href=${link(study, 'events', { serious: 'yes' })}>${t('worklist.to_events')}</a>` },
    ];
}

function queryColumns(place) {
    const { study, info } = place;
    return [
        subjectColumn(place),
        { key: 'about', title: t('queries.about'), render: (item) => html`<${About} info=${info} item=${item} />` },
        { key: 'title', title: t('queries.question'), render: (item) => html`<span class="words">${
            item.title}</span>` },
        { key: 'since', title: t('day.since'), render: (item) => formatInstant(item.since) },
        { key: 'do', title: t('day.do'), render: (item) => html`<a class="btn btn-sm btn-outline-primary"
            href=${link(study, 'queries', { query: item.id })}>${t('worklist.open_query')}</a>` },
    ];
}

function draftColumns(place) {
    const { study, info } = place;
    return [
        subjectColumn(place),
        { key: 'about', title: t('day.form'), render: (item) => html`<${About} info=${info} item=${item} />` },
        { key: 'since', title: t('worklist.saved'), render: (item) => formatInstant(item.since) },
        { key: 'do', title: t('day.do'), render: (item) => html`<a class="btn btn-sm btn-outline-primary"
            href=${link(study, 'entry', item.id)}>${t('day.resume')}</a>` },
    ];
}

function uploadColumns({ study }) {
    return [
        { key: 'title', title: t('worklist.file'), render: (item) => html`<a href=${link(study, 'uploads', item.id)}>${
            item.title ?? t('worklist.no_file_name')}</a>` },
        { key: 'site', title: t('ui.site'), render: (item) => item.site ?? t('day.several_sites') },
        { key: 'since', title: t('day.since'), render: (item) => formatInstant(item.since) },
        { key: 'coordinator', title: t('worklist.sent_by') },
        { key: 'do', title: t('day.do'), render: (item) => html`<a class="btn btn-sm btn-outline-primary"
            href=${link(study, 'uploads', item.id)}>${t('worklist.open_upload')}</a>` },
    ];
}

// Columns for a DataTable of tasks of one kind; place: {study, info (of the study)}.
export function columnsOf(kind, place) {
    const own = { event_clock: clockColumns, query: queryColumns, draft: draftColumns, refused_upload: uploadColumns };
    return (own[kind] ?? visitColumns)(place);
}
