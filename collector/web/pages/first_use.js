// SPDX-License-Identifier: GPL-3.0-or-later
// An invitation's link: password, second factor, recovery codes, and a first code that shows that it works.
import { api } from '../lib/api.js';
import { t } from '../lib/i18n.js';
import { Alert, Button, ErrorSummary, Field, Page, Problem, TextInput } from '../lib/ui.js';
import { html, useEffect, useState } from '../lib/vendor.js';

const SHORTEST = 8;      // with a second factor, which everybody who comes here gets
const LONGEST = 128;

function invitation(token, ...more) {
    return `/invitations/${[token, ...more].map(encodeURIComponent).join('/')}`;
}

function letters(text) {
    return [...text.normalize('NFC')].length;
}

function checkPasswords(password, again) {
    if (letters(password) < SHORTEST)
        return [{ id: 'new-password', text: t('first_use.too_short', { n: SHORTEST }) }];
    if (letters(password) > LONGEST)
        return [{ id: 'new-password', text: t('first_use.too_long', { n: LONGEST }) }];
    return password === again ? [] : [{ id: 'again', text: t('first_use.not_same') }];
}

// What the server said, as [{id, text}] of the field `id`; [] for what Problem shows.
function refusalOf(problem, id) {
    if (problem.status === 401)
        return [{ id, text: t('first_use.wrong_code') }];
    return problem.code === 'weak_password' ? [{ id, text: t('first_use.weak') }] : [];
}

// One form with its busy state, its errors, and what the server said: `act` throws what it refuses.
function useSending(id, act) {
    const [state, setState] = useState({ busy: false, errors: [], problem: null });
    const send = async (event, errors) => {
        event.preventDefault();
        if (state.busy)
            return;
        setState({ busy: errors.length === 0, errors, problem: null });
        if (errors.length > 0)
            return;
        try {
            await act();
            setState({ busy: false, errors: [], problem: null });
        } catch (problem) {
            const refusal = refusalOf(problem, id);
            setState({ busy: false, errors: refusal, problem: refusal.length > 0 ? null : problem });
        }
    };
    const errorOf = (name) => state.errors.find((error) => error.id === name)?.text;
    return { ...state, send, errorOf };
}

function Wrong({ errors, problem }) {
    if (problem?.status === 404)
        return html`<${Alert} kind="danger" title=${t('first_use.used')}><p>${t('first_use.used_do')}</p><//>`;
    return html`<${ErrorSummary} problems=${errors} /><${Problem} problem=${problem} />`;
}

function PasswordStep({ token, onDone }) {
    const [password, setPassword] = useState('');
    const [again, setAgain] = useState('');
    const sending = useSending('new-password', async () => onDone(await api.post(invitation(token), { password })));
    return html`
        <${Page} title=${t('first_use.title')} error=${sending.errors.length > 0}>
            <${Wrong} ...${sending} />
            <p>${t('first_use.intro')}</p>
            <form onSubmit=${(event) => sending.send(event, checkPasswords(password, again))} novalidate>
                <${Field} id="new-password" label=${t('first_use.password')} hint=${t('first_use.rules')}
                        error=${sending.errorOf('new-password')}>
                    <${TextInput} id="new-password" type="password" autocomplete="new-password" value=${password}
                        onChange=${setPassword} /><//>
                <${Field} id="again" label=${t('first_use.again')} error=${sending.errorOf('again')}>
                    <${TextInput} id="again" type="password" autocomplete="new-password" value=${again}
                        onChange=${setAgain} /><//>
                <${Button} type="submit" busy=${sending.busy}>${t('first_use.next')}<//>
            </form>
        <//>`;
}

// One path for all the dark modules of a QR code, in units of a module.
function drawCode(qrcode, text) {
    const code = qrcode(0, 'M');
    code.addData(text);
    code.make();
    const size = code.getModuleCount();
    const path = [];
    for (let row = 0; row < size; row++)
        for (let column = 0; column < size; column++)
            if (code.isDark(row, column))
                path.push(`M${column + 4} ${row + 4}h1v1h-1z`);
    return { size: size + 8, path: path.join('') };
}

// The picture comes when its library has been fetched; the link and the secret in letters say the same.
function QrCode({ text }) {
    const [picture, setPicture] = useState(null);
    useEffect(() => {
        let wanted = true;
        import('../vendor/qrcode.js').then((module) => wanted && setPicture(drawCode(module.default, text)), () => {});
        return () => { wanted = false; };
    }, [text]);
    if (picture === null)
        return null;
    return html`
        <svg class="qr-code" role="img" aria-label=${t('first_use.qr')} viewBox=${`0 0 ${picture.size} ${picture.size}`}
            shape-rendering="crispEdges"><rect width="100%" height="100%" fill="#fff" /><path d=${picture.path}
            fill="#000" /></svg>`;
}

function inGroups(secret) {
    return secret.match(/.{1,4}/g).join(' ');
}

function saveCodes(account, codes) {
    const lines = [t('first_use.codes_file', { account }), ...codes, ''];
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([lines.join('\n')], { type: 'text/plain' }));
    link.download = `patella-recovery-codes-${account}.txt`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function SecretPart({ factor }) {
    return html`
        <h2>${t('first_use.factor')}</h2>
        <p>${t('first_use.factor_do')}</p>
        <${QrCode} text=${factor.totp_uri} />
        <p><a href=${factor.totp_uri}>${t('first_use.factor_link')}</a></p>
        <p>${t('first_use.secret')}<br /><code class="secret">${inGroups(factor.totp_secret)}</code></p>`;
}

function CodesPart({ factor }) {
    return html`
        <h2>${t('first_use.codes')}</h2>
        <p>${t('first_use.codes_do')}</p>
        <ul class="recovery-codes">${factor.recovery_codes.map((code) => html`
            <li key=${code}><code>${code}</code></li>`)}</ul>
        <p class="page-actions no-print">
            <${Button} kind="secondary" onClick=${() => print()}>${t('first_use.print')}<//>
            <${Button} kind="secondary" onClick=${() => saveCodes(factor.account, factor.recovery_codes)}>${
                t('first_use.save')}<//></p>`;
}

function FactorStep({ token, factor, onDone }) {
    const [code, setCode] = useState('');
    const digits = code.replace(/\s/g, '');
    const sending = useSending('first-code', async () => {
        await api.post(invitation(token, 'confirm'), { code: digits });
        onDone();
    });
    const errors = /^\d{6}$/.test(digits) ? [] : [{ id: 'first-code', text: t('first_use.six_digits') }];
    return html`
        <${Page} title=${t('first_use.factor_title', { account: factor.account })} error=${sending.errors.length > 0}>
            <${Wrong} ...${sending} />
            <${SecretPart} factor=${factor} />
            <${CodesPart} factor=${factor} />
            <form class="no-print" onSubmit=${(event) => sending.send(event, errors)} novalidate>
                <h2>${t('first_use.try')}</h2>
                <${Field} id="first-code" label=${t('sign_in.code')} hint=${t('first_use.try_hint')}
                        error=${sending.errorOf('first-code')}>
                    <${TextInput} id="first-code" inputmode="numeric" autocomplete="one-time-code" class="code-input"
                        value=${code} onChange=${setCode} /><//>
                <${Button} type="submit" busy=${sending.busy}>${t('first_use.finish')}<//>
            </form>
        <//>`;
}

export default function FirstUsePage({ route }) {
    const [token] = route.parts;
    const [step, setStep] = useState({ name: 'password', factor: null });
    const content = {
        password: () => html`<${PasswordStep} token=${token} key="password"
            onDone=${(factor) => setStep({ name: 'factor', factor })} />`,
        factor: () => html`<${FactorStep} token=${token} factor=${step.factor} key="factor"
            onDone=${() => setStep({ name: 'done', factor: null })} />`,
        done: () => html`<${Page} title=${t('first_use.done')} key="done">
            <${Alert} kind="success"><p>${t('first_use.done_do')}</p><//>
            <p><a class="btn btn-primary" href="#/sign-in">${t('sign_in.do')}</a></p><//>`,
    }[step.name];
    return html`<div class="narrow">${content()}</div>`;
}
