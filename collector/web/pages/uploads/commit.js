// SPDX-License-Identifier: GPL-3.0-or-later
// Storing what a preview shows: everything or nothing, or the good rows; with the reason when stored records change.
import { api } from '../../lib/api.js';
import { formatInstant, formatNumber } from '../../lib/format.js';
import { t } from '../../lib/i18n.js';
import { Alert, Button, Choice, ErrorSummary, Field, Problem, TextArea } from '../../lib/ui.js';
import { html, useState } from '../../lib/vendor.js';

const LEAST_REASON = 5;

function goodOf(rows) {
    return rows.new + rows.changed;
}

function counted(n) {
    return { n, count: formatNumber(n) };
}

function faultOf(upload, reason) {
    const short = [...reason.trim()].length < LEAST_REASON;
    return upload.preview.reason_needed && short ? t('uploads.reason_missing', { n: LEAST_REASON }) : null;
}

// With refused rows there is only the choice of the good ones; without, both are the same.
function Mode({ rows, mode, onChange }) {
    if (rows.refused === 0)
        return null;
    return html`
        <${Field} id="commit-mode" group label=${t('uploads.which')}>
            <${Choice} id="commit-mode" value=${mode} onChange=${onChange} options=${[
                { value: 'good-rows', label: t('uploads.store_good', counted(goodOf(rows))),
                  hint: t('uploads.store_good_hint', counted(rows.refused)) },
                { value: 'all-or-nothing', label: t('uploads.store_none'), hint: t('uploads.store_none_hint') },
            ]} /><//>`;
}

// onChange(upload) after it was stored, or previewed anew; onDeleted() after it was given up.
export function CommitForm({ upload, study, onChange, onDeleted, reload }) {
    const { rows, preview } = upload;
    const [reason, setReason] = useState('');
    const [mode, setMode] = useState('good-rows');
    const [state, setState] = useState({ busy: false, fault: null, problem: null });
    const act = async (what) => {
        setState({ busy: true, fault: null, problem: null });
        try {
            await what();
            setState({ busy: false, fault: null, problem: null });
        } catch (problem) {
            setState({ busy: false, fault: null, problem });
            if (problem.code === 'changed_since_preview' || problem.code === 'preview_expired')
                reload();
        }
    };
    const giveUp = () => act(async () => {
        await api.delete(`/uploads/${upload.id}`, { query: { study }, headers: { 'Tus-Resumable': '1.0.0' } });
        onDeleted();
    });
    const submit = (event) => {
        event.preventDefault();
        const fault = faultOf(upload, reason);
        if (fault) {
            setState({ busy: false, fault, problem: null });
            return;
        }
        if (rows.refused > 0 && mode === 'all-or-nothing') {
            giveUp();
            return;
        }
        const body = { token: preview.token, mode: rows.refused > 0 ? 'good-rows' : 'all-or-nothing' };
        if (preview.reason_needed)
            body.reason = reason.trim();
        act(async () => onChange(await api.post(`/uploads/${upload.id}/commit`, body, { query: { study, wait: 5 } })));
    };
    if (goodOf(rows) === 0)
        return html`
            <${Alert} kind="info" title=${t('uploads.nothing_to_store')}>
                <p>${rows.refused > 0 ? t('uploads.nothing_good') : t('uploads.nothing_new')}</p>
                <${Problem} problem=${state.problem} />
                <${Button} kind="secondary" busy=${state.busy} onClick=${giveUp}>${t('uploads.give_up')}<//><//>`;
    return html`
        <form onSubmit=${submit} novalidate class="commit-form">
            <h2>${t('uploads.store_title')}</h2>
            <${ErrorSummary} problems=${state.fault ? [{ id: 'commit-reason', text: state.fault }] : []} />
            <${Problem} problem=${state.problem} />
            <p>${t('uploads.store_text', { new: formatNumber(rows.new), changed: formatNumber(rows.changed),
                at: formatInstant(preview.expires_at) })}</p>
            <${Mode} rows=${rows} mode=${mode} onChange=${setMode} />
            ${preview.reason_needed && html`
                <${Field} id="commit-reason" label=${t('uploads.reason_for_change')} error=${state.fault}
                    hint=${t('uploads.reason_hint')}>
                    <${TextArea} id="commit-reason" value=${reason} onChange=${setReason} maxlength="1000" /><//>`}
            <p class="button-row">
                <${Button} type="submit" busy=${state.busy}>${rows.refused > 0 && mode === 'all-or-nothing'
                    ? t('uploads.give_up') : t('uploads.store', counted(goodOf(rows)))}<//>
                ${!(rows.refused > 0 && mode === 'all-or-nothing') && html`
                    <${Button} kind="secondary" busy=${state.busy} onClick=${giveUp}>${t('uploads.give_up')}<//>`}
            </p>
        </form>`;
}
