// SPDX-License-Identifier: GPL-3.0-or-later
// One report: how far it is, what it is of, its files.
import { api } from '../../lib/api.js';
import { formatBytes, formatInstant } from '../../lib/format.js';
import { useObserved } from '../../lib/hooks.js';
import { t } from '../../lib/i18n.js';
import { link } from '../../lib/router.js';
import { useSession } from '../../lib/session.js';
import { Alert, Button, DataTable, Loading, Page, Problem } from '../../lib/ui.js';
import { NotShown, showDocument, viewing } from '../../lib/view.js';
import { html, useEffect, useState } from '../../lib/vendor.js';
import { Hash, Masking, ReportState } from './parts.js';

const POLL_MS = 1000;
const WORKING = ['queued', 'running'];

function useReport(study, id) {
    const [state, setState] = useState({ report: null, masking: null, problem: null });
    useEffect(() => {
        const stop = new AbortController();
        let timer = null;
        const look = async () => {
            try {
                const [about, report] = await Promise.all([
                    api.get(api.path(study), { signal: stop.signal }),
                    api.get(api.path(study, 'reports', id), { signal: stop.signal })]);
                setState({ report, masking: about.masking, problem: null });
                if (WORKING.includes(report.state))
                    timer = setTimeout(look, POLL_MS);
            } catch (problem) {
                if (!stop.signal.aborted)
                    setState((last) => ({ ...last, problem }));
            }
        };
        look();
        return () => {
            stop.abort();
            clearTimeout(timer);
        };
    }, [study, id]);
    return state;
}

function Fact({ name, children }) {
    return children ? html`<div><dt>${name}</dt><dd>${children}</dd></div>` : null;
}

function Facts({ report, masking }) {
    return html`
        <dl class="facts">
            <${Fact} name=${t('reports.state')}><${ReportState} report=${report} /><//>
            <${Fact} name=${t('reports.cut')}>${report.cut}: ${report.cut_label}<//>
            <${Fact} name=${t('reports.masking')}><${Masking} report=${report} masking=${masking} /><//>
            <${Fact} name=${t('reports.by')}>${report.requested_by}<//>
            <${Fact} name=${t('reports.at')}>${formatInstant(report.requested_at)}<//>
            <${Fact} name=${t('reports.finished')}>${formatInstant(report.finished_at)}<//>
            <${Fact} name=${t('reports.hash')}>${report.sha256 && html`<${Hash} sha256=${report.sha256} whole />`}<//>
        </dl>`;
}

// What people open; the others are the single tables and figures.
const isMain = ({ name }) => /^(report|results|manifest|compare)\b/.test(name);

// HTML is shown in a tab of its own where the browser can (lib/view.js).
const canOpen = (file) => viewing.value && file.media_type.startsWith('text/html');

function FileButtons({ study, report, file, onEnd }) {
    const [busy, setBusy] = useState(false);
    const path = api.path(study, 'reports', report.report, 'files', file.name);
    const act = async (work) => {
        setBusy(true);
        await work().then(() => onEnd(null), onEnd);
        setBusy(false);
    };
    const show = () => act(async () => showDocument(await (await api.ask('GET', path)).text()));
    const get = () => act(() => api.download(path, file.name));
    return html`
        <span class="file-buttons">
            ${canOpen(file) && html`<${Button} small busy=${busy} onClick=${show} aria-label=${
                `${t('reports.open')} ${file.name}`}>${t('reports.open')}<//> `}
            <${Button} kind="secondary" small busy=${busy} onClick=${get} aria-label=${
                `${t('reports.download')} ${file.name}`}>${t('reports.download')}<//>
        </span>`;
}

function FilesProblem({ problem }) {
    return problem instanceof NotShown
        ? html`<${Alert} kind="danger"><p class="mb-0">${t('reports.not_opened')}</p><//>`
        : html`<${Problem} problem=${problem} />`;
}

function filesText(session) {
    if (!session.can('make_report'))
        return t('reports.files_masked');
    return viewing.value ? t('reports.files_open') : t('reports.files_do');
}

function Files({ study, report }) {
    const session = useSession();
    useObserved(viewing);
    const [problem, setProblem] = useState(null);
    const others = report.files.filter((file) => !isMain(file));
    const columns = [
        { key: 'name', title: t('reports.file'), render: ({ name }) => html`<code>${name}</code>` },
        { key: 'media_type', title: t('reports.type') },
        { key: 'size', title: t('uploads.size'), align: 'right', render: ({ size }) => formatBytes(size) },
        { key: 'sha256', title: t('reports.hash_short'), render: ({ sha256 }) => html`<${Hash} sha256=${sha256} />` },
        ...(session.can('make_report') ? [{ key: 'get', title: t('reports.download'), render: (file) => html`
            <${FileButtons} study=${study} report=${report} file=${file} onEnd=${setProblem} />` }] : []),
    ];
    return html`
        <section aria-labelledby="files-title">
            <h2 id="files-title">${t('reports.files')}</h2>
            <p>${filesText(session)}</p>
            <${FilesProblem} problem=${problem} />
            <${DataTable} caption=${t('reports.files')} hideCaption columns=${columns} rowKey="name"
                rows=${report.files.filter(isMain)} />
            ${others.length > 0 && html`
                <details>
                    <summary>${t('reports.other_files', { n: others.length })}</summary>
                    <${DataTable} caption=${t('reports.other_files', { n: others.length })} hideCaption
                        columns=${columns} rowKey="name" rows=${others} />
                </details>`}
        </section>`;
}

export function ReportPage({ study, id }) {
    const { report, masking, problem } = useReport(study, id);
    const title = report ? t('reports.name', { cut: report.cut, label: report.cut_label }) : t('reports.open_report');
    return html`
        <${Page} title=${title} key=${title}>
            <p><a href=${link(study, 'reports')}>${t('reports.to_list')}</a></p>
            <${Problem} problem=${problem} />
            ${!report && !problem && html`<${Loading} />`}
            ${report && html`
                ${WORKING.includes(report.state) && html`
                    <div role="status"><p class="upload-progress"><label>${t('reports.working')}
                        <progress></progress></label></p></div>
                    <p class="form-text">${t('reports.working_hint')}</p>`}
                ${report.state === 'failed' && html`
                    <${Alert} kind="danger" title=${t('reports.failed')}>
                        <p class="mb-0" lang="en">${report.message}</p><//>`}
                <${Facts} report=${report} masking=${masking} />
                ${report.state === 'done' && html`<${Files} study=${study} report=${report} />`}`}
        <//>`;
}
