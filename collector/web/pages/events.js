// SPDX-License-Identifier: GPL-3.0-or-later
// Adverse events: their newest versions, the clocks of serious ones, a report, a follow-up.
//   events?serious=yes&subject=07-0012&site=&after=
import { api } from '../lib/api.js';
import { ClockBadge } from '../lib/day/clock.js';
import { clocksOf } from '../lib/day/event_clocks.js';
import { FilterBar, SelectFilter, SiteFilter, TextFilter, filtersOf } from '../lib/day/filters.js';
import { entryHref, kneeName } from '../lib/day/places.js';
import { answerText } from '../lib/form/words.js';
import { loadForm, loadStudy, siteOf } from '../lib/form/place.js';
import { itemsOf } from '../lib/form/check.js';
import { formatDate, formatInstant } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { link, navigate } from '../lib/router.js';
import { session } from '../lib/session.js';
import { Alert, DataTable, Loading, Page, Pager, Problem, StateBadge, useData } from '../lib/ui.js';
import { html } from '../lib/vendor.js';

const FORM = 'adverse_event';
const FILTERS = ['serious', 'subject', 'site'];
const SUBJECT = /^\d{2,4}-\d{4,6}$/;

async function loadNotices(study, signal) {
    if (!session.can('see_notices'))
        return [];
    const notices = [];
    let after = null;
    do {
        const page = await api.get(api.path(study, 'notices'),
            { query: { after, limit: 1000 }, signal, offline: true });
        notices.push(...page.notices);
        after = page.next;
    } while (after !== null);
    return notices;
}

async function load({ study, query }, signal) {
    const subject = SUBJECT.test(query.subject ?? '') ? query.subject : null;
    const [info, form, list, notices] = await Promise.all([
        loadStudy(study), loadForm(study, FORM),
        api.get(api.path(study, 'adverse-events'),
            { query: { subject, after: query.after, limit: 500 }, signal, offline: true }),
        loadNotices(study, signal),
    ]);
    return { info, form, list, clocks: clocksOf(list.adverse_events, notices) };
}

// Serious ones first while their clocks run, then the newest.
function inOrder(events, clocks) {
    const due = (event) => clocks.get(event.id)?.sponsorDue ?? '9';
    return events.toSorted((a, b) => due(a).localeCompare(due(b)) || b.date.localeCompare(a.date));
}

function isShown(event, { serious, site, subject }) {
    return (serious !== 'yes' || event.answers.serious === true) && (!site || siteOf(event.subject) === Number(site)) &&
        (!subject || event.subject.includes(subject));
}

function Clocks({ clock }) {
    if (!clock)
        return '';
    return html`<dl class="clock-list">
        ${clock.sponsorDue && html`<div><dt>${t('events.sponsor')}</dt><dd><${ClockBadge}
            until=${clock.sponsorDue} /></dd></div>`}
        ${clock.authorityDue && html`<div><dt>${t('events.authority')}</dt><dd><${ClockBadge}
            until=${clock.authorityDue} /></dd></div>`}
    </dl>`;
}

function words(form, event, id) {
    const item = itemsOf(form).find((one) => one.id === id);
    return item && event.answers[id] !== undefined ? answerText(item, { value: event.answers[id] }) : '';
}

function Event({ study, event }) {
    return html`<div><a href=${link(study, 'records', event.id)}>${event.answers.term ?? t('events.no_term')}</a>
        ${event.version > 1 && html`<div class="small quiet">${
            t('events.version', { n: event.version })}</div>`}</div>`;
}

function columnsOf({ study, form, clocks }) {
    const columns = [
        { key: 'term', title: t('events.term'), render: (event) => html`<${Event} study=${study} event=${event} />` },
        { key: 'subject', title: t('ui.subject'), render: (event) => html`<div><a class="no-wrap" href=${
            link(study, 'subjects', event.subject)}>${event.subject}</a>${event.knee !== 'none'
            && html`<div class="small quiet">${kneeName(event.knee)}</div>`}</div>` },
        { key: 'onset', title: t('events.onset'), render: (event) => html`<span class="no-wrap">${
            formatDate(event.answers.onset)}</span>` },
        { key: 'severity', title: t('events.severity'), render: (event) => words(form, event, 'severity') },
        { key: 'serious', title: t('events.serious'), render: (event) => (event.answers.serious === true
            ? html`<${StateBadge} kind="danger" shape="▲" label=${t('events.is_serious')} />`
            : t('events.not_serious')) },
        { key: 'related', title: t('events.related'), render: (event) => words(form, event, 'related_product') },
        { key: 'outcome', title: t('events.outcome'), render: (event) => words(form, event, 'outcome') },
    ];
    if (clocks.size > 0)
        columns.push({ key: 'clock', title: t('events.clock'), render: (event) => html`<${Clocks}
            clock=${clocks.get(event.id)} />` });
    if (session.can('correct'))
        columns.push({ key: 'do', title: t('day.do'), render: (event) => html`<a
            class="btn btn-sm btn-outline-primary no-wrap" href=${
            entryHref(study, { correct: event.id })}>${t('events.follow_up')}<span class="visually-hidden"> ${
            event.answers.term}</span></a>` });
    return columns;
}

function Filters({ filters, info }) {
    return html`<${FilterBar} filters=${filters} names=${FILTERS}>
        <${SelectFilter} filters=${filters} name="serious" label=${t('events.which')} empty=${t('events.all')}
            options=${[{ value: 'yes', label: t('events.serious_only') }]} />
        <${SiteFilter} filters=${filters} sites=${info.sites} />
        <${TextFilter} filters=${filters} name="subject" label=${t('subjects.search')} size="10" maxlength="12" />
    <//>`;
}

function List({ route, filters, info, form, list, clocks }) {
    const events = inOrder(list.adverse_events.filter((event) => isShown(event, route.query)), clocks);
    const isFiltered = FILTERS.some((name) => filters.values[name]);
    return html`
        <${Filters} filters=${filters} info=${info} />
        <${DataTable} caption=${t('events.title')} hideCaption rows=${events}
            columns=${columnsOf({ study: route.study, form, clocks })}
            empty=${t(isFiltered ? 'events.none_filtered' : 'events.none')} />
        ${clocks.size > 0 && html`<p class="quiet small">${t('events.clock_text')}</p>`}
        <${Pager} next=${list.next} onNext=${(after) => navigate(filters.href({ after }))}
            onFirst=${route.query.after ? () => navigate(filters.href({})) : undefined} />`;
}

export default function EventsPage({ route }) {
    const { query: { after, subject } } = route;
    const { data, problem, loading, reload } = useData(({ signal }) => load(route, signal),
        [after, SUBJECT.test(subject ?? '') ? subject : null]);
    const filters = filtersOf(route);
    const actions = session.can('submit') && html`<a class="btn btn-primary" href=${
        entryHref(route.study, { form: FORM })}>${t('events.report')}</a>`;
    return html`<${Page} title=${t('events.title')} actions=${actions}>
        ${data?.list.$stale && html`<${Alert} kind="warning"><p>${
            t('day.stale', { time: formatInstant(data.list.$stale) })}</p><//>`}
        <${Problem} problem=${problem} onRetry=${reload} />
        ${!data && loading && html`<${Loading} />`}
        ${data && html`<${List} route=${route} filters=${filters} ...${data} />`}
    <//>`;
}
