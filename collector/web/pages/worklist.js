// SPDX-License-Identifier: GPL-3.0-or-later
// Home: what waits for somebody, most urgent first, each one click from where it is done.
//   worklist?kind=&site=&visit=&coordinator=&after=   the filters, and where a page begins
import { api } from '../lib/api.js';
import { FilterBar, SelectFilter, SiteFilter, filtersOf } from '../lib/day/filters.js';
import { entryHref } from '../lib/day/places.js';
import { columnsOf } from '../lib/day/tasks.js';
import { loadStudy } from '../lib/form/place.js';
import { formatInstant } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { link, navigate } from '../lib/router.js';
import { session } from '../lib/session.js';
import { Alert, DataTable, Empty, Loading, Page, Pager, Problem, useData } from '../lib/ui.js';
import { html } from '../lib/vendor.js';

const KINDS = ['event_clock', 'overdue', 'closing', 'due', 'query', 'draft', 'refused_upload'];
const FILTERS = ['kind', 'site', 'visit', 'coordinator'];
const PAGE = 100;

async function load({ study, query }, signal) {
    const [info, list] = await Promise.all([
        loadStudy(study),
        api.get(api.path(study, 'worklist'), { query: { ...query, limit: PAGE }, signal, offline: true }),
    ]);
    return { info, list };
}

// How much there is of each kind; each leads to these alone.
function Counts({ filters, counts }) {
    const total = KINDS.reduce((sum, kind) => sum + counts[kind], 0);
    const chosen = filters.values.kind ?? '';
    const item = (kind, words, count) => html`<li key=${kind}>
        <a href=${filters.href({ kind })} aria-current=${chosen === kind ? 'true' : undefined}
            class=${count === 0 ? 'count-none' : ''}>${words} <strong>${count}</strong></a></li>`;
    return html`<nav aria-label=${t('worklist.kinds')}><ul class="count-list">
        ${item('', t('worklist.all'), total)}
        ${KINDS.map((kind) => item(kind, t(`worklist.${kind}`), counts[kind]))}
    </ul></nav>`;
}

function Filters({ filters, info, list }) {
    return html`<${FilterBar} filters=${filters} names=${FILTERS}>
        <${SiteFilter} filters=${filters} sites=${info.sites} />
        <${SelectFilter} filters=${filters} name="visit" label=${t('ui.visit')} empty=${t('worklist.all_visits')}
            options=${list.visits.map(({ visit, title }) => ({ value: visit, label: title }))} />
        ${list.coordinators.length > 1 && html`<${SelectFilter} filters=${filters} name="coordinator"
            label=${t('worklist.coordinator')} empty=${t('worklist.all_coordinators')}
            options=${list.coordinators.map((account) => ({ value: account, label: account }))} />`}
    <//>`;
}

function keyOf(item) {
    return [item.kind, item.id, item.subject, item.visit, item.knee, item.forms[0]?.form].join(' ');
}

function Section({ kind, items, count, place }) {
    const title = t(`worklist.${kind}`);
    return html`<section class="task-section" aria-labelledby=${`tasks-${kind}`}>
        <h2 id=${`tasks-${kind}`}>${title} <span class="quiet">${
            items.length < count ? t('worklist.some_of', { n: items.length, count }) : count}</span></h2>
        <${DataTable} caption=${title} hideCaption class="task-table" columns=${columnsOf(kind, place)}
            rows=${items} rowKey=${keyOf} />
    </section>`;
}

function Nothing({ filters, study }) {
    const isFiltered = FILTERS.some((name) => filters.values[name]);
    return html`<${Empty}>${isFiltered ? t('worklist.none_filtered') : t('worklist.none')} ${
        isFiltered ? html`<a href=${link(study, 'worklist')}>${t('day.clear_filters')}</a>`
            : html`<a href=${link(study, 'subjects')}>${t('worklist.to_subjects')}</a>`}<//>`;
}

function List({ route, filters, info, list }) {
    const place = { study: route.study, info };
    const isLater = Boolean(route.query.after);
    return html`
        <${Counts} filters=${filters} counts=${list.counts} />
        <${Filters} filters=${filters} info=${info} list=${list} />
        ${list.items.length === 0 && html`<${Nothing} filters=${filters} study=${route.study} />`}
        ${KINDS.map((kind) => {
            const items = list.items.filter((item) => item.kind === kind);
            return items.length > 0 && html`<${Section} key=${kind} kind=${kind} items=${items}
                count=${list.counts[kind]} place=${place} />`;
        })}
        <${Pager} next=${list.next} onNext=${(after) => navigate(filters.href({ after }))}
            onFirst=${isLater ? () => navigate(filters.href({})) : undefined} />`;
}

export default function WorklistPage({ route }) {
    const filters = filtersOf(route);
    const { data, problem, loading, reload } = useData(({ signal }) => load(route, signal), [route.hash]);
    const enrol = data?.info.forms.find((form) => form.creates_subject);
    const actions = enrol && session.can('enrol') && html`
        <a class="btn btn-primary" href=${entryHref(route.study, { form: enrol.form })}>${t('subjects.enrol')}</a>`;
    const stale = data?.list.$stale;
    return html`<${Page} title=${t('worklist.title')} actions=${actions}>
        ${stale && html`<${Alert} kind="warning"><p>${
            t('day.stale', { time: formatInstant(stale) })}</p><//>`}
        <${Problem} problem=${problem} onRetry=${reload} />
        ${!data && loading && html`<${Loading} />`}
        ${data && html`<${List} route=${route} filters=${filters} ...${data} />`}
    <//>`;
}
