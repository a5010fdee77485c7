// SPDX-License-Identifier: GPL-3.0-or-later
// One file: how far it is, what it would change, storing it, its receipt, taking it back.
import { api } from '../../lib/api.js';
import { formatBytes, formatInstant, formatNumber } from '../../lib/format.js';
import { t } from '../../lib/i18n.js';
import { link, navigate } from '../../lib/router.js';
import { useSession } from '../../lib/session.js';
import { Alert, Button, Loading, Page, Problem, ReasonDialog } from '../../lib/ui.js';
import { html, useCallback, useEffect, useState } from '../../lib/vendor.js';
import { CommitForm } from './commit.js';
import { Progress, UploadState, WORKING } from './parts.js';
import { GoOn } from './go_on.js';
import { UploadRows } from './rows.js';

const POLL_MS = 500, AGAIN_MS = 5000;

// The upload as it is now: asked for again and again while the server works on it.
function useUpload(study, id) {
    const [state, setState] = useState({ upload: null, problem: null });
    const [round, setRound] = useState(0);
    useEffect(() => {
        const stop = new AbortController();
        let timer = null;
        const look = async () => {
            try {
                const upload = await api.get(`/uploads/${id}`, { query: { study }, signal: stop.signal });
                setState({ upload, problem: null });
                if (WORKING.includes(upload.state))
                    timer = setTimeout(look, POLL_MS);
            } catch (problem) {
                if (stop.signal.aborted)
                    return;
                setState((last) => ({ ...last, problem }));
                if (problem.name === 'Offline')
                    timer = setTimeout(look, AGAIN_MS);
            }
        };
        look();
        return () => {
            stop.abort();
            clearTimeout(timer);
        };
    }, [study, id, round]);
    const reload = useCallback(() => setRound((count) => count + 1), []);
    return { ...state, reload, show: (upload) => {
        setState({ upload, problem: null });
        setRound((count) => count + 1);
    } };
}

function Fact({ name, children }) {
    return children ? html`<div><dt>${name}</dt><dd>${children}</dd></div>` : null;
}

function Facts({ upload }) {
    const { file, receipt } = upload;
    return html`
        <dl class="facts">
            <${Fact} name=${t('uploads.state')}><${UploadState} upload=${upload} /><//>
            <${Fact} name=${t('uploads.size')}>${formatBytes(file.size)}<//>
            <${Fact} name=${t('uploads.form')}>${upload.form}<//>
            <${Fact} name=${t('uploads.profile_title')}>${
                upload.profile && t('uploads.profile_named', upload.profile)}<//>
            <${Fact} name=${t('uploads.site')}>${upload.site}<//>
            <${Fact} name=${t('uploads.by')}>${upload.begun_by}<//>
            <${Fact} name=${t('uploads.at')}>${formatInstant(upload.begun_at)}<//>
            <${Fact} name=${t('uploads.batch')}>${receipt && formatNumber(receipt.batch)}<//>
            <${Fact} name=${t('uploads.committed_at')}>${receipt && formatInstant(receipt.committed_at)}<//>
            <${Fact} name=${t('uploads.mode')}>${upload.mode && t(`uploads.mode_${upload.mode}`)}<//>
            <${Fact} name=${t('uploads.reason')}>${upload.reason}<//>
            <${Fact} name=${t('uploads.hash')}>${file.sha256 && html`<code class="hash">${file.sha256}</code>`}<//>
        </dl>`;
}

function Working({ upload }) {
    const { progress } = upload;
    return html`
        <div role="status">
            <${Progress} label=${t(`uploads.phase_${progress?.phase ?? 'waiting'}`)} done=${progress?.bytes ?? 0}
                of=${progress?.of_bytes ?? 0}>
                ${progress && progress.rows > 0 && html`<span class="form-text">${
                    t('uploads.rows_so_far', { n: progress.rows, count: formatNumber(progress.rows) })}</span>`}
            <//>
        </div>
        <p class="form-text">${t('uploads.working_hint')}</p>`;
}

function Finding({ finding }) {
    return html`<li>${finding.column && html`<code>${finding.column}</code>${' '}`}
        <span lang="en">${finding.text}</span>
        ${finding.lines.length > 0 && html`<span class="text-body-secondary">${' '}(${t('uploads.on_lines', {
            n: finding.count, lines: finding.lines.map((line) => formatNumber(line)).join(', ') })})</span>`}</li>`;
}

function Findings({ list }) {
    return list.length > 0 && html`<ul>${list.map((finding, i) => html`
        <${Finding} key=${i} finding=${finding} />`)}</ul>`;
}

// What is to be said of the file, worst first; statisticians are told none of it, for it quotes cells.
function FileFindings({ upload }) {
    const worst = upload.findings.filter(({ severity }) => severity === 'file_refused');
    const others = upload.findings.filter(({ severity }) => severity !== 'file_refused');
    return html`
        ${upload.state === 'refused' && html`
            <${Alert} kind="danger" title=${t('uploads.file_refused')}>
                <${Findings} list=${worst.length > 0 ? worst : others} />
                <p class="mb-0">${t('uploads.file_refused_do')}</p>
            <//>`}
        ${others.length > 0 && upload.state !== 'refused' && html`
            <details class="findings" open=${others.length <= 5}>
                <summary>${t('uploads.noticed', { n: others.length })}</summary>
                <${Findings} list=${others} />
            </details>`}`;
}

const SAID = { committed: 'success', taken_back: 'info', repeated: 'info', expired: 'warning', deleted: 'info' };

function Outcome({ upload, study }) {
    if (!(upload.state in SAID))
        return null;
    const counts = upload.receipt?.rows ?? upload.rows;
    const values = { new: formatNumber(counts?.new ?? 0), changed: formatNumber(counts?.changed ?? 0),
        unchanged: formatNumber(counts?.unchanged ?? 0), refused: formatNumber(counts?.refused ?? 0),
        by: upload.taken_back_by ?? '', at: formatInstant(upload.taken_back_at),
        reason: upload.taken_back_reason ?? '' };
    return html`
        <${Alert} kind=${SAID[upload.state]} title=${t(`uploads.is_${upload.state}`)}>
            <p class="mb-0">${t(`uploads.is_${upload.state}_text`, values)}</p>
            ${upload.same_as && html`<p class="mb-0"><a href=${link(study, 'uploads', upload.same_as)}>${
                t('uploads.to_first')}</a></p>`}
        <//>`;
}

// Whatever can be done with it besides storing it.
function Acts({ upload, study, onChange }) {
    const session = useSession();
    const [asking, setAsking] = useState(false);
    const [problem, setProblem] = useState(null);
    const refused = session.can('see_upload_rows') && upload.refused_rows !== null;
    const download = () => api.download(`/uploads/${upload.id}/refused`, `refused-${upload.file.name || 'rows.csv'}`,
                                        { query: { study } }).then(() => setProblem(null), setProblem);
    const takeBack = async (reason) => {
        const after = await api.post(`/uploads/${upload.id}/take-back`, { reason }, { query: { study, wait: 20 } });
        setAsking(false);
        onChange(after);
    };
    return html`
        <${Problem} problem=${problem} />
        <p class="button-row">
            ${refused && html`<${Button} kind="secondary" onClick=${download}>${t('uploads.download_refused')}<//>`}
            ${upload.state === 'committed' && session.can('upload') && html`
                <${Button} kind="secondary" onClick=${() => setAsking(true)}>${t('uploads.take_back')}<//>`}
        </p>
        ${asking && html`
            <${ReasonDialog} title=${t('uploads.take_back_title')} submit=${t('uploads.take_back')} kind="danger"
                label=${t('uploads.take_back_reason')} onSubmit=${takeBack} onClose=${() => setAsking(false)}>
                <p>${t('uploads.take_back_text')}</p><//>`}`;
}

function Content({ upload, study, onChange, reload }) {
    const session = useSession();
    const rows = upload.rows !== null && session.can('see_upload_rows') &&
        ['previewed', 'committed', 'refused'].includes(upload.state);
    return html`
        <${Outcome} upload=${upload} study=${study} />
        <${Facts} upload=${upload} />
        ${upload.state === 'receiving' && session.can('upload') && html`
            <${GoOn} upload=${upload} study=${study} onDone=${reload} />`}
        ${WORKING.includes(upload.state) && html`<${Working} upload=${upload} />`}
        <${FileFindings} upload=${upload} />
        ${upload.state === 'previewed' && session.can('upload') && html`
            <${CommitForm} upload=${upload} study=${study} onChange=${onChange} reload=${reload}
                onDeleted=${() => navigate(link(study, 'uploads'))} />`}
        <${Acts} upload=${upload} study=${study} onChange=${onChange} />
        ${rows && html`<${UploadRows} study=${study} id=${upload.id} counts=${upload.rows}
            round=${upload.preview?.token} />`}`;
}

export function UploadFile({ study, id }) {
    const { upload, problem, reload, show } = useUpload(study, id);
    const title = upload ? upload.file.name || t('uploads.no_name') : t('uploads.file');
    return html`
        <${Page} title=${title} key=${title}>
            <p><a href=${link(study, 'uploads')}>${t('uploads.to_ledger')}</a></p>
            <${Problem} problem=${problem} onRetry=${reload} />
            ${!upload && !problem && html`<${Loading} />`}
            ${upload && html`<${Content} upload=${upload} study=${study} onChange=${show} reload=${reload} />`}
        <//>`;
}
