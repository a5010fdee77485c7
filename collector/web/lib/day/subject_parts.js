// SPDX-License-Identifier: GPL-3.0-or-later
// Parts of a subject's page: knees, visits with their forms, forms for any time.
import { newestForms } from '../form/place.js';
import { formatDate } from '../format.js';
import { t } from '../i18n.js';
import { link } from '../router.js';
import { session } from '../session.js';
import { DataTable, StateBadge } from '../ui.js';
import { html } from '../vendor.js';
import { windowDates, windowWords } from './clock.js';
import { entryHref, formHref, kneeName } from './places.js';

export function Knees({ schedule, knees }) {
    const rows = ['right', 'left'].map((knee) => ({ knee, ...knees[knee], day1: schedule.day1[knee] }));
    return html`<${DataTable} caption=${t('subject.knees')} hideCaption class="narrow-table" rows=${rows}
        rowKey="knee" columns=${[
        { key: 'knee', title: t('ui.knee'), render: ({ knee }) => html`<span>${kneeName(knee)}${
            knee === schedule.index_knee ? html` <strong>${t('subject.is_index')}</strong>` : ''}</span>` },
        { key: 'day1', title: t('subject.day1'), render: ({ day1 }) => formatDate(day1)
            || t('subject.not_treated') },
        { key: 'treatments', title: t('subject.treatments'), align: 'right' },
        { key: 'replacedOn', title: t('course.replacement'), render: ({ replacedOn }) => (replacedOn
            ? formatDate(replacedOn) : t('subject.none')) },
    ]} />`;
}

// ---- visits ----

function FormState({ study, subject, visit, form }) {
    const href = formHref(study, subject, visit, form);
    const what = { form: form.title, knee: kneeName(form.knee) || t('subject.whole') };
    if (form.state === 'done')
        return html`<a href=${href}><${StateBadge} state="done"
            label=${formatDate(form.date) || t('state.done')} /><span
            class="visually-hidden"> ${t('subject.of', what)}</span></a>`;
    if (form.state === 'not_expected' && !href)
        return html`<${StateBadge} state="not_expected" />`;
    if (href === null)
        return html`<${StateBadge} state=${form.state} />`;
    const look = form.state === 'not_expected' ? 'btn-link' : 'btn-outline-primary';
    return html`<a class=${`btn btn-sm ${look}`} href=${href}>${
        t(form.state === 'draft' ? 'day.resume' : 'day.enter')}<span class="visually-hidden"> ${
        t('subject.of', what)}</span></a>`;
}

function knees(cell) {
    return ['right', 'left', 'none'].filter((knee) => cell.forms.some((form) => form.knee === knee));
}

// A row a form, a column a knee.
function FormTable({ study, subject, cell, title }) {
    const ids = [...new Set(cell.forms.map((form) => form.form))];
    const rows = ids.map((id) => ({ id, forms: cell.forms.filter((form) => form.form === id) }));
    return html`<${DataTable} caption=${t('subject.forms_of', { visit: title })} hideCaption rows=${rows} columns=${[
        { key: 'id', title: t('day.form'), render: ({ forms }) => forms[0].title },
        ...knees(cell).map((knee) => ({
            key: knee, title: knee === 'none' ? t('subject.whole') : t(`subject.knee_${knee}`),
            render: ({ forms }) => forms.filter((form) => form.knee === knee).map((form) => html`<${FormState}
                key=${form.id ?? form.state} study=${study} subject=${subject} visit=${cell.visit} form=${form} />`),
        })),
    ]} />`;
}

// Forms are wanted now.
export function isCurrent(cell, today) {
    return ['due', 'closing', 'overdue'].includes(cell.state)
        || (cell.state === 'partial' && today <= (cell.to ?? today));
}

function Visit({ study, schedule, cell, title }) {
    const isOpen = isCurrent(cell, schedule.today);
    return html`<details class="visit" id=${`visit-${cell.visit}`} open=${isOpen}>
        <summary><h3>${title}</h3> <${StateBadge} state=${cell.state} />
            <span class="quiet small">${t('subject.forms_done', { done: cell.done, of: cell.expected })}</span>
            <span class="quiet small">${windowDates(cell)}${isOpen && cell.to
                ? ` – ${windowWords(cell, schedule.today)}` : ''}</span></summary>
        <${FormTable} study=${study} subject=${schedule.subject} cell=${cell} title=${title} />
    </details>`;
}

export function Visits({ study, schedule }) {
    const titles = new Map(schedule.visits.map(({ visit, title }) => [visit, title]));
    return schedule.cells.map((cell) => html`<${Visit} key=${cell.visit} study=${study} schedule=${schedule}
        cell=${cell} title=${titles.get(cell.visit) ?? cell.visit} />`);
}

// ---- forms for any time ----

function Records({ study, records }) {
    if (records.length === 0)
        return html`<span class="quiet">${t('subject.none')}</span>`;
    return html`<ul class="record-list">${records.map((record) => html`<li key=${record.id}><a href=${
        link(study, 'records', record.id)}>${formatDate(record.date)}${record.knee !== 'none'
            ? html` <span class="quiet">${kneeName(record.knee)}</span>` : ''}</a>${record.status === 'void'
        ? html` <${StateBadge} state="void" />` : ''}</li>`)}</ul>`;
}

// Whether another record of the form can be entered now.
function canAdd(form, records, schedule) {
    const isOver = !form.repeats && form.about === 'subject' && records.length > 0;
    return session.can('submit') && !schedule.locked && !isOver && !form.creates_subject;
}

export function AnyTimeForms({ study, info, schedule, records }) {
    const forms = newestForms(info).filter((form) => info.protocol.any_time.includes(form.form));
    const rows = forms.map((form) => ({
        ...form, records: records.filter((record) => record.form === form.form && record.visit === 'unscheduled')
            .sort((a, b) => a.date.localeCompare(b.date)),
    }));
    return html`<${DataTable} caption=${t('subject.any_time')} hideCaption rows=${rows} rowKey="form" columns=${[
        { key: 'title', title: t('day.form') },
        { key: 'records', title: t('subject.records'), render: (form) => html`<${Records} study=${study}
            records=${form.records} />` },
        { key: 'do', title: t('day.do'), render: (form) => canAdd(form, form.records, schedule) && html`<a
            class="btn btn-sm btn-outline-primary" href=${entryHref(study, { subject: schedule.subject, form: form.form,
                visit: 'unscheduled' })}>${t('day.enter')}<span class="visually-hidden"> ${form.title}</span></a>` },
    ]} />`;
}
