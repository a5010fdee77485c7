// SPDX-License-Identifier: GPL-3.0-or-later
// Entries that wait on this device, and those that the server has refused: nothing leaves this list unseen.
import { api } from '../lib/api.js';
import { formatDate, formatInstant } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { drafts } from '../lib/drafts.js';
import { queue, useQueue } from '../lib/queue.js';
import { link, navigate } from '../lib/router.js';
import { browserId, useSession } from '../lib/session.js';
import { Alert, Button, DataTable, Dialog, Empty, Page, Problem, ReasonDialog, StateBadge } from '../lib/ui.js';
import { html, useEffect, useState } from '../lib/vendor.js';

// Form, visit and knee; the label may begin with the subject, which stands beside it.
function titleOf({ submission, label }) {
    const { form, visit, knee, subject } = submission;
    const name = label?.startsWith(`${subject} `) ? label.slice(subject.length + 1) : label ?? form;
    return [name, visit, knee && knee !== 'none' && t(`knee.${knee}`)].filter(Boolean).join(', ');
}

function subjectOf({ submission }) {
    return submission.subject ?? '';
}

// The refused entry as a draft, in the form that it came from.  It keeps its UUID: the server has nothing under it.
async function openToCorrect(entry) {
    const { id, subject, form, form_version: formVersion, knee = 'none', visit = 'unscheduled', instance = 1,
            version = 1, date, reason = null, answers = {}, not_answered: notAnswered = {}, confirmed = [] } =
        entry.submission;
    await drafts.save({
        id, study: entry.study, subject, form, form_version: formVersion, knee, visit, instance, version, date, reason,
        answers, not_answered: notAnswered, confirmed, revision: (await drafts.load(id, entry.study))?.revision ?? 0,
    });
    navigate(link(entry.study, 'entry', id, { waiting: id }));
}

function whatItSaid({ problem }) {
    return html`<p lang="en">${problem.detail || problem.title}</p>
        ${problem.problems?.length > 0 && html`<ul lang="en">${problem.problems.map((finding) => html`
            <li>${finding.item && html`<code>${finding.item}</code>`} ${finding.text}</li>`)}</ul>`}
        ${problem.requestId && html`<p class="small">${t('problem.request', { id: problem.requestId })}</p>`}`;
}

// Discarding asks twice: whether, and why.
function DiscardDialogs({ entry, onClose }) {
    const [sure, setSure] = useState(false);
    if (sure)
        return html`<${ReasonDialog} title=${t('waiting.discard_why')} kind="danger" submit=${t('waiting.discard')}
            onClose=${onClose} onSubmit=${async (reason) => {
                await queue.discard(entry.id, reason);
                onClose();
            }}><p>${titleOf(entry)} ${subjectOf(entry)}</p><//>`;
    return html`
        <${Dialog} title=${t('waiting.discard_sure')} onClose=${onClose}>
            <p>${t('waiting.discard_text', { entry: titleOf(entry), subject: subjectOf(entry) })}</p>
            <div class="dialog-buttons">
                <${Button} onClick=${onClose}>${t('waiting.keep')}<//>
                <${Button} kind="danger" onClick=${() => setSure(true)}>${t('waiting.discard')}<//>
            </div>
        <//>`;
}

function Conflict({ entry, onDiscard }) {
    const [state, setState] = useState({ busy: false, problem: null });
    const act = (deed) => async () => {
        setState({ busy: true, problem: null });
        try {
            await deed();
            setState({ busy: false, problem: null });
        } catch (problem) {
            setState({ busy: false, problem });
        }
    };
    return html`
        <li class="conflict">
            <h3>${titleOf(entry)} ${subjectOf(entry)} <${StateBadge} state="conflict" /></h3>
            <p class="small">${t('waiting.entered', { at: formatInstant(entry.at),
                date: formatDate(entry.submission.date) })}${entry.from && ` ${t('waiting.from', entry)}`}</p>
            ${whatItSaid(entry)}
            <${Problem} problem=${state.problem} />
            <div class="page-actions">
                <${Button} busy=${state.busy} onClick=${act(() => openToCorrect(entry))}>${t('waiting.correct')}<//>
                <${Button} kind="secondary" onClick=${act(() => queue.retry(entry.id))}>${t('waiting.again')}<//>
                <${Button} kind="secondary" onClick=${onDiscard}>${t('waiting.discard')}<//>
            </div>
        </li>`;
}

function Waiting({ entries, sending }) {
    return html`
        <h2>${t('waiting.waiting')}</h2>
        ${entries.length === 0 ? html`<${Empty}>${t('waiting.nothing')}<//>` : html`
            <${DataTable} caption=${t('waiting.waiting_caption')} hideCaption rows=${entries} columns=${[
                { key: 'title', title: t('waiting.entry'), render: titleOf },
                { key: 'subject', title: t('ui.subject'), render: subjectOf },
                { key: 'date', title: t('waiting.date'), render: (entry) => formatDate(entry.submission.date) },
                { key: 'at', title: t('waiting.since'), render: (entry) => formatInstant(entry.at) }]} />
            <p><${Button} busy=${sending} onClick=${() => queue.send()}>${t('waiting.send')}<//></p>`}`;
}

// What another account left here: counted only, until the server releases it to a data manager.
function Others({ others, study, mayRelease }) {
    const [asked, setAsked] = useState(null);
    const [result, setResult] = useState(null);
    const release = async (reason) => {
        const reply = await api.post(api.path(study, 'offline-keys', 'release'),
            { browser: browserId(), account: asked, reason });
        setResult(await queue.sendReleased(asked, reply.key));
        setAsked(null);
    };
    return html`
        ${result && html`<${Alert} kind=${result.refused.length > 0 ? 'warning' : 'success'}><p>${
            t('waiting.released', { n: result.sent })} ${
            result.refused.length > 0 && t('waiting.released_refused', { n: result.refused.length })}</p><//>`}
        ${others.length > 0 && html`<h2>${t('waiting.others')}</h2>
            <p>${mayRelease ? t('waiting.others_release') : t('waiting.others_text')}</p>
            <ul class="plain-list">${others.map(({ account, count, since }) => html`
                <li key=${account}>${account}: ${t('waiting.count', { n: count, since: formatInstant(since) })} ${
                    mayRelease && html`<${Button} kind="secondary" small onClick=${() => setAsked(account)}>${
                        t('waiting.release')}<//>`}</li>`)}</ul>`}
        ${asked && html`<${ReasonDialog} title=${t('waiting.release_title', { account: asked })}
            submit=${t('waiting.release')} onSubmit=${release} onClose=${() => setAsked(null)}>
            <p>${t('waiting.release_text')}</p><//>`}`;
}

function Discarded({ round }) {
    const [rows, setRows] = useState([]);
    useEffect(() => {
        queue.discarded().then(setRows, () => setRows([]));
    }, [round]);
    return rows.length > 0 && html`<h2>${t('waiting.discarded')}</h2>
        <${DataTable} caption=${t('waiting.discarded')} hideCaption rows=${rows} columns=${[
            { key: 'title', title: t('waiting.entry'), render: titleOf },
            { key: 'subject', title: t('ui.subject'), render: subjectOf },
            { key: 'discardedAt', title: t('waiting.when'), render: (row) => formatInstant(row.discardedAt) },
            { key: 'reason', title: t('ui.reason') }]} />`;
}

export default function WaitingPage() {
    const { entries, failed, others, sending } = useQueue();
    const session = useSession();
    const [discarding, setDiscarding] = useState(null);
    return html`
        <${Page} title=${t('waiting.title')}>
            <p class="measure">${t('waiting.intro')}</p>
            ${failed.length > 0 && html`<h2>${t('waiting.refused')}</h2>
                <ul class="plain-list">${failed.map((entry) => html`
                    <${Conflict} entry=${entry} key=${entry.id} onDiscard=${() => setDiscarding(entry)} />`)}</ul>`}
            <${Waiting} entries=${entries.filter((entry) => entry.problem === null)} sending=${sending} />
            <${Others} others=${others} study=${session.study} mayRelease=${session.can('release_entries')} />
            <${Discarded} round=${entries.length} />
            ${discarding && html`<${DiscardDialogs} entry=${discarding} onClose=${() => setDiscarding(null)} />`}
        <//>`;
}
