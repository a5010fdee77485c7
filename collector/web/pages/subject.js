// SPDX-License-Identifier: GPL-3.0-or-later
// One subject: what is due and what is there, its course, how pain and function went, what is asked about it.
//   subjects/07-0012?visit=M3   a visit to be scrolled to
import { api } from '../lib/api.js';
import { courseOf, kneesOf, plottedEndpoints, pointsOf } from '../lib/day/course.js';
import { entryHref } from '../lib/day/places.js';
import { ScorePlot } from '../lib/day/plot.js';
import { AnyTimeForms, Knees, Visits } from '../lib/day/subject_parts.js';
import { SubjectLock } from '../lib/day/subject_lock.js';
import { Timeline } from '../lib/day/timeline.js';
import { loadForm, loadStudy, newestForms, visitTitle } from '../lib/form/place.js';
import { formatInstant } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { link } from '../lib/router.js';
import { session } from '../lib/session.js';
import { Alert, Button, DataTable, Loading, Page, Problem, StateBadge, SubjectBanner, useData } from '../lib/ui.js';
import { html, useEffect, useState } from '../lib/vendor.js';

const URGENT = ['overdue', 'closing', 'due'];

async function loadAll(path, list, subject, signal) {
    const rows = [];
    let after = null, stale;
    do {
        const page = await api.get(path, { query: { subject, after, limit: 1000 }, signal, offline: true });
        rows.push(...page[list]);
        after = page.next;
        stale ??= page.$stale;
    } while (after !== null);
    return { rows, stale };
}

// The scores that are plotted, with what their forms say of them.
async function loadScores(study, info) {
    return Promise.all(plottedEndpoints(info.protocol).map(async (endpoint) => {
        const form = await loadForm(study, endpoint.form);
        const score = form.scores.find((one) => one.id === endpoint.score);
        return { ...endpoint, title: endpoint.title ?? score.title, range: score.range, direction: score.direction };
    }));
}

async function load({ study, parts: [subject] }, signal) {
    const [info, schedule, records, queries] = await Promise.all([
        loadStudy(study),
        api.get(api.path(study, 'subjects', subject, 'schedule'), { signal, offline: true }),
        loadAll(api.path(study, 'submissions'), 'submissions', subject, signal),
        loadAll(api.path(study, 'queries'), 'queries', subject, signal),
    ]);
    return { info, schedule, records: records.rows, queries: queries.rows, scores: await loadScores(study, info),
             stale: schedule.$stale ?? records.stale };
}

function cohortOf(info, schedule) {
    if (info.protocol.masking !== 'none')
        return t('subject.masked');
    return info.protocol.cohorts.find((cohort) => cohort.id === schedule.cohort)?.title ?? t('subject.no_cohort');
}

// What wants doing most, else the last visit that has begun.
function currentCell({ cells, today }) {
    const urgent = cells.filter((cell) => URGENT.includes(cell.state))
        .sort((a, b) => URGENT.indexOf(a.state) - URGENT.indexOf(b.state));
    return urgent[0] ?? cells.findLast((cell) => cell.from && cell.from <= today);
}

function Banner({ info, schedule }) {
    const cell = currentCell(schedule);
    return html`<${SubjectBanner} subject=${schedule.subject} knee=${schedule.index_knee}
        site=${info.sites.find((site) => site.site === schedule.site)?.name} cohort=${cohortOf(info, schedule)}
        visit=${cell && visitTitle(info, cell.visit, t)} window=${cell?.from && cell?.to ? cell : undefined}>
        <p class="subject-states"><${StateBadge} state=${schedule.state} />
            ${schedule.locked && html`<${StateBadge} state="locked" />`}</p>
    <//>`;
}

function Plots({ study, info, records, scores }) {
    const shown = scores.map((score) => ({ score, points: pointsOf(records, score) }))
        .filter(({ points }) => points.length > 0);
    if (shown.length === 0)
        return html`<p class="empty">${t('plot.none')}</p>`;
    return shown.map(({ score, points }) => html`<${ScorePlot} key=${score.id} id=${`plot-${score.id}`} study=${study}
        score=${score} points=${points} visitTitle=${(visit) => visitTitle(info, visit, t)} />`);
}

function Queries({ study, info, queries }) {
    const title = (id) => newestForms(info).find((form) => form.form === id)?.title ?? id;
    return html`<${DataTable} caption=${t('subject.queries')} hideCaption rows=${queries} rowKey="query"
        empty=${t('subject.no_queries')} columns=${[
            { key: 'text', title: t('queries.question'), render: (query) => html`<a class="words" href=${
                link(study, 'queries', { subject: query.subject, state: 'all', query: query.query })}>${
                query.text}</a>` },
            { key: 'state', title: t('queries.state'), render: (query) => html`<${StateBadge}
                state=${query.state} />` },
            { key: 'form', title: t('day.form'), render: (query) => title(query.form) },
            { key: 'visit', title: t('ui.visit'), render: (query) => visitTitle(info, query.visit, t) },
            { key: 'changed_at', title: t('queries.changed'), render: (query) => formatInstant(query.changed_at) },
        ]} />`;
}

// The dialog is loaded when it is wanted.
function ParticipantLink({ study, schedule }) {
    const [Shown, setShown] = useState(null);
    const [problem, setProblem] = useState(null);
    const open = () => import('../lib/participant_link.js').then(
        (module) => setShown(() => module.ParticipantLinkDialog), setProblem);
    return html`<${Button} kind="secondary" onClick=${open}>${t('subject.link')}<//>
        <${Problem} problem=${problem} />
        ${Shown && html`<${Shown} study=${study} subject=${schedule.subject} schedule=${schedule}
            onClose=${() => setShown(null)} />`}`;
}

function Actions({ study, schedule, reload }) {
    return html`
        ${session.can('submit') && !schedule.locked && html`<a class="btn btn-primary" href=${
            entryHref(study, { subject: schedule.subject })}>${t('subject.enter')}</a>`}
        ${session.can('link_participant') && html`<${ParticipantLink} study=${study} schedule=${schedule} />`}
        ${session.can('lock') && html`<${SubjectLock} study=${study} schedule=${schedule} onDone=${reload} />`}`;
}

function Section({ id, title, children }) {
    return html`<section class="page-section" aria-labelledby=${id}>
        <h2 id=${id} tabindex="-1">${title}</h2>${children}</section>`;
}

function Course({ study, info, schedule, records }) {
    const creating = new Set(info.forms.filter((form) => form.creates_subject).map((form) => form.form));
    return html`<${Timeline} study=${study} today=${schedule.today}
        events=${courseOf(records, schedule.visits, creating)} />`;
}

function Subject({ study, visit, info, schedule, records, queries, scores }) {
    useEffect(() => {
        if (visit)
            document.getElementById(`visit-${visit}`)?.scrollIntoView();
    }, [visit]);
    const place = { study, info, schedule, records };
    return html`
        <${Banner} info=${info} schedule=${schedule} />
        <${Section} id="subject-visits" title=${t('subject.visits')}><${Visits} ...${place} /><//>
        <${Section} id="subject-knees" title=${t('subject.knees')}><${Knees} schedule=${schedule}
            knees=${kneesOf(records)} /><//>
        <${Section} id="subject-any" title=${t('subject.any_time')}><${AnyTimeForms} ...${place} /><//>
        <${Section} id="subject-course" title=${t('course.title')}><${Course} ...${place} /><//>
        <${Section} id="subject-plot" title=${t('plot.title')}><${Plots} study=${study} info=${info} records=${records}
            scores=${scores} /><//>
        <${Section} id="subject-queries" title=${t('subject.queries')}><${Queries} study=${study} info=${info}
            queries=${queries} /><//>`;
}

export default function SubjectPage({ route }) {
    const { study, parts: [subject], query } = route;
    const { data, problem, loading, reload } = useData(({ signal }) => load(route, signal), [subject]);
    const actions = data && html`<${Actions} study=${study} schedule=${data.schedule} reload=${reload} />`;
    return html`<${Page} title=${t('subject.title', { subject })} actions=${actions}>
        ${data?.stale && html`<${Alert} kind="warning"><p>${
            t('day.stale', { time: formatInstant(data.stale) })}</p><//>`}
        <${Problem} problem=${problem} onRetry=${reload} />
        ${!data && loading && html`<${Loading} />`}
        ${data && html`<${Subject} study=${study} visit=${query.visit} ...${data} />`}
    <//>`;
}
