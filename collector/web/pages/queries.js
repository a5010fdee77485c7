// SPDX-License-Identifier: GPL-3.0-or-later
// Questions about what was entered: a list, and one of them open in its place.
//   queries?state=open|answered|closed|all&site=&subject=&query=UUID&after=
import { api } from '../lib/api.js';
import { FilterBar, SelectFilter, SiteFilter, TextFilter, filtersOf } from '../lib/day/filters.js';
import { kneeName } from '../lib/day/places.js';
import { OpenQuery } from '../lib/day/query.js';
import { loadStudy, newestForms, siteOf, visitTitle } from '../lib/form/place.js';
import { formatInstant } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { link, navigate } from '../lib/router.js';
import { Alert, Empty, Loading, Page, Pager, Problem, StateBadge, useData } from '../lib/ui.js';
import { html } from '../lib/vendor.js';

const STATES = ['open', 'answered', 'closed'];
const FILTERS = ['state', 'site', 'subject'];
const SUBJECT = /^\d{2,4}-\d{4,6}$/;

// Without a state: the open ones, or all when one is named.
function stateOf({ state, query }) {
    if (STATES.includes(state))
        return state;
    return state === 'all' || query ? null : 'open';
}

async function load({ study, query }, signal) {
    const subject = SUBJECT.test(query.subject ?? '') ? query.subject : null;
    const [info, list, named] = await Promise.all([
        loadStudy(study),
        api.get(api.path(study, 'queries'),
            { query: { state: stateOf(query), subject, after: query.after, limit: 200 }, signal, offline: true }),
        query.query ? api.get(api.path(study, 'queries', query.query), { signal, offline: true }) : null,
    ]);
    const isListed = named === null || list.queries.some((one) => one.query === named.query);
    return { info, list, queries: isListed ? list.queries : [named, ...list.queries] };
}

function isShown(one, { site, subject, query }) {
    return one.query === query ||
        ((!site || siteOf(one.subject) === Number(site)) && (!subject || one.subject.includes(subject)));
}

function Query({ route, filters, info, query, reload }) {
    const isOpen = route.query.query === query.query;
    const form = newestForms(info).find((one) => one.form === query.form)?.title ?? query.form;
    const what = [form, kneeName(query.knee), visitTitle(info, query.visit, t), query.item]
        .filter(Boolean).join(' · ');
    const toggle = () => filters.set({ query: isOpen ? null : query.query, after: route.query.after,
                                       state: route.query.state ?? (isOpen ? null : stateOf(route.query)) });
    return html`<li class="query ${isOpen ? 'query-open' : ''}">
        <div class="query-head">
            <${StateBadge} state=${query.state} />
            <a href=${link(route.study, 'subjects', query.subject)}>${query.subject}</a>
            <span>${what}</span>
            <span class="quiet small">${t('queries.asked_by', { account: query.opened_by,
                                                               time: formatInstant(query.opened_at) })}</span>
        </div>
        <p class="words">${query.text}</p>
        <button type="button" class="btn btn-sm btn-outline-secondary" aria-expanded=${isOpen ? 'true' : 'false'}
            onClick=${toggle}>${t(isOpen ? 'queries.close_view' : 'queries.open_view')}<span
            class="visually-hidden"> ${query.subject} ${what}</span></button>
        ${isOpen && html`<${OpenQuery} study=${route.study} id=${query.query} onChange=${reload} />`}
    </li>`;
}

function Filters({ filters, info, state }) {
    return html`<${FilterBar} filters=${filters} names=${FILTERS}>
        <${SelectFilter} filters=${{ ...filters, values: { ...filters.values, state: state ?? 'all' } }} name="state"
            label=${t('queries.state')} options=${[...STATES.map((value) => ({ value, label: t(`state.${value}`) })),
                { value: 'all', label: t('queries.all_states') }]} />
        <${SiteFilter} filters=${filters} sites=${info.sites} />
        <${TextFilter} filters=${filters} name="subject" label=${t('subjects.search')} size="10" maxlength="12" />
    <//>`;
}

function List({ route, filters, info, list, queries, reload }) {
    const shown = queries.filter((query) => isShown(query, route.query));
    return html`
        <${Filters} filters=${filters} info=${info} state=${stateOf(route.query)} />
        ${shown.length === 0 ? html`<${Empty}>${t('queries.none')}<//>`
            : html`<ul class="query-list">${shown.map((query) => html`<${Query} key=${query.query} route=${route}
                filters=${filters} info=${info} query=${query} reload=${reload} />`)}</ul>`}
        <${Pager} next=${list.next} onNext=${(after) => navigate(filters.href({ after, query: null }))}
            onFirst=${route.query.after ? () => navigate(filters.href({})) : undefined} />`;
}

export default function QueriesPage({ route }) {
    const { study, query } = route;
    const filters = filtersOf(route);
    const { data, problem, loading, reload } = useData(({ signal }) => load(route, signal),
        [study, query.state, query.after, query.subject, query.query]);
    return html`<${Page} title=${t('queries.title')}>
        ${data?.list.$stale && html`<${Alert} kind="warning"><p>${
            t('day.stale', { time: formatInstant(data.list.$stale) })}</p><//>`}
        <${Problem} problem=${problem} onRetry=${reload} />
        ${!data && loading && html`<${Loading} />`}
        ${data && html`<${List} route=${route} filters=${filters} reload=${reload} ...${data} />`}
    <//>`;
}
