// SPDX-License-Identifier: GPL-3.0-or-later
// Dialogs that come over any page: the session's end, leaving unsaved changes, confirming who signs.
import { ApiProblem } from './api.js';
import { useObserved } from './hooks.js';
import { t } from './i18n.js';
import { goOn, idle } from './idle.js';
import { leaving } from './router.js';
import { confirmWith, confirmation } from './session.js';
import { Button, Dialog, Field, Problem, TextInput } from './ui.js';
import { html, useState } from './vendor.js';

function clock(seconds) {
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

// The time runs on silently; what is read out is the minutes when the dialog opens, and the last half minute.
function Countdown({ seconds }) {
    const spoken = seconds > 30 ? t('idle.minutes', { n: Math.ceil(seconds / 60) }) : t('idle.half_minute');
    return html`<p class="countdown" aria-hidden="true">${clock(seconds)}</p>
        <p class="visually-hidden" role="status">${spoken}</p>`;
}

export function IdleWarning() {
    const { left, canExtend } = useObserved(idle);
    if (left === null)
        return null;
    return html`
        <${Dialog} title=${t('idle.title')} role="alertdialog" onClose=${goOn}>
            <p>${canExtend ? t('idle.text') : t('idle.text_long')}</p>
            <${Countdown} seconds=${left} />
            <div class="dialog-buttons"><${Button} onClick=${goOn}>${canExtend ? t('idle.go_on') : t('ui.ok')}<//></div>
        <//>`;
}

export function LeaveDialog() {
    const question = useObserved(leaving);
    if (question === null)
        return null;
    return html`
        <${Dialog} title=${t('leave.title')} onClose=${question.stay}>
            <p>${t('leave.text')}</p>
            <div class="dialog-buttons">
                <${Button} onClick=${question.stay}>${t('leave.stay')}<//>
                <${Button} kind="danger" onClick=${question.go}>${t('leave.go')}<//>
            </div>
        <//>`;
}

function refusalText(problem) {
    if (!(problem instanceof ApiProblem))
        return null;
    if (problem.status === 401)
        return t('confirm.wrong');
    return problem.status === 429 ? t('sign_in.wait', { n: Math.ceil((problem.retryAfter ?? 60) / 60) }) : null;
}

// The server wants both the first time, then one of them within ten minutes; both are always right.
function ConfirmForm({ close }) {
    const [factors, setFactors] = useState({ password: '', code: '' });
    const [state, setState] = useState({ busy: false, problem: null });
    const set = (name) => (value) => setFactors((last) => ({ ...last, [name]: value }));
    const send = async (event) => {
        event.preventDefault();
        setState({ busy: true, problem: null });
        try {
            await confirmWith(Object.fromEntries(Object.entries(factors).filter(([, value]) => value !== '')));
        } catch (problem) {
            setState({ busy: false, problem });
        }
    };
    const refusal = refusalText(state.problem);
    return html`
        <form onSubmit=${send} novalidate>
            <p>${t('confirm.text')}</p>
            ${refusal ? html`<p class="field-error" role="alert">${refusal}</p>` : html`<${Problem} ...${state} />`}
            <${Field} id="confirm-password" label=${t('sign_in.password')}>
                <${TextInput} id="confirm-password" type="password" autocomplete="current-password"
                    value=${factors.password} onChange=${set('password')} /><//>
            <${Field} id="confirm-code" label=${t('sign_in.code')} hint=${t('sign_in.code_hint')}>
                <${TextInput} id="confirm-code" inputmode="numeric" autocomplete="one-time-code" class="code-input"
                    value=${factors.code} onChange=${set('code')} /><//>
            <div class="dialog-buttons">
                <${Button} type="submit" busy=${state.busy}>${t('confirm.do')}<//>
                <${Button} kind="secondary" onClick=${close}>${t('ui.cancel')}<//>
            </div>
        </form>`;
}

export function ConfirmDialog() {
    const asked = useObserved(confirmation);
    if (asked === null)
        return null;
    const close = () => {
        asked.resolve(false);
        confirmation.set(null);
    };
    return html`<${Dialog} title=${t('confirm.title')} onClose=${close}><${ConfirmForm} close=${close} /><//>`;
}
