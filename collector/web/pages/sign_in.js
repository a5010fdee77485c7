// SPDX-License-Identifier: GPL-3.0-or-later
import { Offline, network } from '../lib/api.js';
import { useObserved } from '../lib/hooks.js';
import { t } from '../lib/i18n.js';
import { useSession } from '../lib/session.js';
import { Alert, Button, ErrorSummary, Field, Page, Problem, TextInput } from '../lib/ui.js';
import { html, useState } from '../lib/vendor.js';

const EMPTY = { account: '', password: '', code: '', recovery_code: '' };

// How long to wait, from Retry-After: minutes when it is more than one.
function waitText(seconds) {
    return seconds > 90 ? t('sign_in.wait', { n: Math.ceil(seconds / 60) })
        : t('sign_in.wait_seconds', { n: Math.max(1, seconds) });
}

// What is wrong with what was entered: [{id, text}].  The server says one thing whatever of the three is wrong.
function refusalOf(problem) {
    if (problem?.status === 401)
        return [{ id: 'account', text: t('sign_in.wrong') }];
    return problem?.status === 429 ? [{ id: null, text: waitText(problem.retryAfter ?? 60) }] : [];
}

function findMissing(factors) {
    return [['account', 'sign_in.account_missing'], ['password', 'sign_in.password_missing']]
        .filter(([name]) => factors[name] === '').map(([id, key]) => ({ id, text: t(key) }));
}

function factorsToSend({ account, password, code, recovery_code: recoveryCode }, byRecovery) {
    const name = byRecovery ? 'recovery_code' : 'code';
    const value = byRecovery ? recoveryCode.trim().toUpperCase() : code.replace(/\s/g, '');
    return { account: account.trim(), password, ...(value === '' ? {} : { [name]: value }) };
}

function SecondFactor({ factors, set, byRecovery, setByRecovery }) {
    const toggle = html`<${Button} kind="link" class="under-field" onClick=${() => setByRecovery(!byRecovery)}>${
        byRecovery ? t('sign_in.by_code') : t('sign_in.by_recovery')}<//>`;
    if (byRecovery)
        return html`<${Field} id="recovery-code" label=${t('sign_in.recovery')} hint=${t('sign_in.recovery_hint')}>
            <${TextInput} id="recovery-code" autocomplete="off" autocapitalize="characters" spellcheck="false"
                value=${factors.recovery_code} onChange=${set('recovery_code')} />${toggle}<//>`;
    return html`<${Field} id="code" label=${t('sign_in.code')} hint=${t('sign_in.code_hint')}>
        <${TextInput} id="code" inputmode="numeric" autocomplete="one-time-code" class="code-input"
            value=${factors.code} onChange=${set('code')} />${toggle}<//>`;
}

// Why nobody is signed in any more.
function Reason({ why }) {
    const { online } = useObserved(network);
    if (!online)
        return html`<${Alert} kind="warning"><p>${t('sign_in.offline')}</p><//>`;
    const key = { idle: 'sign_in.idle', long: 'sign_in.long', ended: 'sign_in.ended', elsewhere: 'sign_in.elsewhere',
                  signed_out: 'sign_in.signed_out' }[why];
    return key ? html`<${Alert} kind="info"><p>${t(key)}</p><//>` : null;
}

// In the place of any page while nobody is signed in; that page comes afterwards.
export default function SignInPage() {
    const session = useSession();
    const [factors, setFactors] = useState({ ...EMPTY, account: session.account ?? '' });
    const [byRecovery, setByRecovery] = useState(false);
    const [state, setState] = useState({ busy: false, errors: [], problem: null });
    const set = (name) => (value) => setFactors((last) => ({ ...last, [name]: value }));
    const errorOf = (id) => state.errors.find((error) => error.id === id)?.text;
    const send = async (event) => {
        event.preventDefault();
        const missing = findMissing(factors);
        if (missing.length > 0 || state.busy) {
            setState((last) => ({ ...last, errors: missing, problem: null }));
            return;
        }
        setState({ busy: true, errors: [], problem: null });
        try {
            await session.signIn(factorsToSend(factors, byRecovery));
        } catch (problem) {
            const errors = refusalOf(problem);
            const isSaid = errors.length > 0 || problem instanceof Offline;
            setState({ busy: false, errors, problem: isSaid ? null : problem });
        }
    };
    return html`
        <div class="narrow">
            <${Page} title=${t('sign_in.title')} error=${state.errors.length > 0}>
                <${Reason} why=${session.why} />
                <${ErrorSummary} problems=${state.errors} />
                <${Problem} problem=${state.problem} />
                <form onSubmit=${send} novalidate>
                    <${Field} id="account" label=${t('sign_in.account')} error=${errorOf('account')}>
                        <${TextInput} id="account" name="username" autocomplete="username" autocapitalize="none"
                            spellcheck="false" value=${factors.account} onChange=${set('account')} /><//>
                    <${Field} id="password" label=${t('sign_in.password')} error=${errorOf('password')}>
                        <${TextInput} id="password" type="password" autocomplete="current-password"
                            value=${factors.password} onChange=${set('password')} /><//>
                    <${SecondFactor} factors=${factors} set=${set} byRecovery=${byRecovery}
                        setByRecovery=${setByRecovery} />
                    <${Button} type="submit" busy=${state.busy}>${t('sign_in.do')}<//>
                </form>
                <p class="under-form">${t('sign_in.help')}</p>
            <//>
        </div>`;
}
