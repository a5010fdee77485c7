// SPDX-License-Identifier: GPL-3.0-or-later
// Who is in the study, and how far: a grid of subjects and visits.
//   subjects?q=&site=&state=&after=
import { api } from '../lib/api.js';
import { FilterBar, SelectFilter, SiteFilter, TextFilter, filtersOf } from '../lib/day/filters.js';
import { entryHref } from '../lib/day/places.js';
import { loadStudy } from '../lib/form/place.js';
import { formatDate, formatInstant } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { link, navigate } from '../lib/router.js';
import { session } from '../lib/session.js';
import { Alert, DataTable, Loading, Page, Pager, Problem, StateBadge, useData } from '../lib/ui.js';
import { html } from '../lib/vendor.js';

const FILTERS = ['q', 'site', 'state'];
const STATES = ['screened', 'active', 'completed', 'withdrawn', 'died', 'ended'];
const CELLS = ['not_due', 'due', 'closing', 'partial', 'done', 'overdue', 'missed', 'not_expected'];
const PAGE = 100;

async function load({ study, query }, signal) {
    const [info, list] = await Promise.all([
        loadStudy(study),
        api.get(api.path(study, 'schedule'), { query: { ...query, limit: PAGE }, signal, offline: true }),
    ]);
    return { info, list };
}

function Cell({ study, subject, cell, title }) {
    if (!cell || cell.state === 'not_expected')
        return html`<${StateBadge} state="not_expected" label=${html`<span class="visually-hidden">${
            t('grid.not_expected')}</span>`} />`;
    const isPart = cell.done > 0 && cell.done < cell.expected;
    const words = isPart ? t('grid.part', { word: t(`grid.${cell.state}`), done: cell.done, of: cell.expected })
        : t(`grid.${cell.state}`);
    return html`<a class="grid-cell" href=${link(study, 'subjects', subject, { visit: cell.visit })}
        title=${t('grid.of', { subject, visit: title, state: t(`state.${cell.state}`), done: cell.done,
                               of: cell.expected })}><${StateBadge} state=${cell.state} label=${words} /></a>`;
}

function SubjectCell({ study, subject }) {
    return html`<div><a href=${link(study, 'subjects', subject.subject)}>${subject.subject}</a>
        ${subject.locked && html`<div class="small"><${StateBadge} state="locked" /></div>`}
        ${subject.open_queries > 0 && html`<div class="small"><a href=${link(study, 'queries',
            { subject: subject.subject })}>${t('subjects.queries', { n: subject.open_queries })}</a></div>`}
        ${subject.drafts > 0 && html`<div class="small quiet">${
            t('subjects.drafts', { n: subject.drafts })}</div>`}</div>`;
}

// Day 1 of each knee that was treated; the index knee is marked.
function FirstDays({ subject }) {
    const knees = ['right', 'left'].filter((knee) => subject.day1[knee] !== null);
    if (knees.length === 0)
        return html`<span class="quiet">${t('subjects.untreated')}</span>`;
    return html`<div>${knees.map((knee) => html`<div key=${knee} class="no-wrap">${formatDate(subject.day1[knee])} <span
        class="quiet">${t(`knee.${knee}`)}${
        knee === subject.index_knee ? ` (${t('subjects.index')})` : ''}</span></div>`)}</div>`;
}

function columnsOf({ study, info, list }) {
    const cohorts = new Map(info.protocol.cohorts.map((cohort) => [cohort.id, cohort.title]));
    const hasCohorts = list.subjects.some((subject) => subject.cohort !== null);
    return [
        { key: 'subject', title: t('ui.subject'), render: (subject) => html`<${SubjectCell} study=${study}
            subject=${subject} />` },
        { key: 'state', title: t('subjects.state'), render: (subject) => html`<${StateBadge}
            state=${subject.state} />` },
        { key: 'day1', title: t('subjects.day1'), render: (subject) => html`<${FirstDays} subject=${subject} />` },
        ...hasCohorts ? [{ key: 'cohort', title: t('ui.cohort'),
                           render: (subject) => cohorts.get(subject.cohort) ?? subject.cohort ?? '' }] : [],
        ...list.visits.map(({ visit, title }) => ({
            key: `visit-${visit}`, title,
            render: (subject) => html`<${Cell} study=${study} subject=${subject.subject} title=${title}
                cell=${subject.cells.find((cell) => cell.visit === visit)} />`,
        })),
    ];
}

function Legend() {
    return html`<details class="legend"><summary>${t('grid.legend')}</summary><ul class="legend-list">${
        CELLS.map((state) => html`<li key=${state}><${StateBadge} state=${state}
            label=${state === 'not_expected' ? '' : t(`grid.${state}`)} /> <span>${
            t(`grid.${state}_means`)}</span></li>`)
    }</ul></details>`;
}

function Filters({ filters, info }) {
    return html`<${FilterBar} filters=${filters} names=${FILTERS}>
        <${TextFilter} filters=${filters} name="q" label=${t('subjects.search')} placeholder="07-00" size="10"
            inputmode="text" maxlength="12" />
        <${SiteFilter} filters=${filters} sites=${info.sites} />
        <${SelectFilter} filters=${filters} name="state" label=${t('subjects.state')} empty=${t('subjects.all_states')}
            options=${STATES.map((state) => ({ value: state, label: t(`state.${state}`) }))} />
    <//>`;
}

function Grid({ route, filters, info, list }) {
    const { study } = route;
    const isFiltered = FILTERS.some((name) => filters.values[name]);
    const empty = html`${t(isFiltered ? 'subjects.none_filtered' : 'subjects.none')} ${isFiltered &&
        html`<a href=${link(study, 'subjects')}>${t('day.clear_filters')}</a>`}`;
    return html`
        <${Filters} filters=${filters} info=${info} />
        <p class="quiet" role="status">${t('subjects.count', { n: list.total })}</p>
        <div class="wide-table" tabindex="0" role="region" aria-label=${t('subjects.grid')}>
            <${DataTable} caption=${t('subjects.grid')} hideCaption class="grid-table" rowKey="subject"
                columns=${columnsOf({ study, info, list })} rows=${list.subjects} empty=${empty} /></div>
        <${Pager} next=${list.next} onNext=${(after) => navigate(filters.href({ after }))}
            onFirst=${route.query.after ? () => navigate(filters.href({})) : undefined} />
        ${list.subjects.length > 0 && html`<${Legend} />`}`;
}

export default function SubjectsPage({ route }) {
    const filters = filtersOf(route);
    const { data, problem, loading, reload } = useData(({ signal }) => load(route, signal), [route.hash]);
    const enrol = data?.info.forms.find((form) => form.creates_subject);
    const actions = enrol && session.can('enrol') && html`
        <a class="btn btn-primary" href=${entryHref(route.study, { form: enrol.form })}>${t('subjects.enrol')}</a>`;
    return html`<${Page} title=${t('subjects.title')} actions=${actions}>
        ${data?.list.$stale && html`<${Alert} kind="warning"><p>${
            t('day.stale', { time: formatInstant(data.list.$stale) })}</p><//>`}
        <${Problem} problem=${problem} onRetry=${reload} />
        ${!data && loading && html`<${Loading} />`}
        ${data && html`<${Grid} route=${route} filters=${filters} ...${data} />`}
    <//>`;
}
