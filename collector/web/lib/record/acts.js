// SPDX-License-Identifier: GPL-3.0-or-later
// What can be done with a record as a whole: correct, void, ask, enter again, verify, sign, lock.  Each button is there
// only where the role may; the server refuses the others.
import { api } from '../api.js';
import { t } from '../i18n.js';
import { queue } from '../queue.js';
import { link } from '../router.js';
import { confirmIdentity, useSession } from '../session.js';
import { Button, Dialog, Field, Problem, ReasonDialog, Select } from '../ui.js';
import { uuid7 } from '../uuid.js';
import { html, useState } from '../vendor.js';
import { AskDialog } from './queries.js';
import { isLocked, verificationOf } from './load.js';

const MEANINGS = [['authorship', 'sign.authorship'], ['review', 'sign.review'], ['approval', 'sign.approval'],
                  ['responsibility', 'sign.responsibility']];

function voidVersion({ id, version }, newest, reason) {
    const { subject, knee, form, form_version: formVersion, visit, instance, date } = newest;
    return { id, subject, knee, form, form_version: formVersion, visit, instance, version, status: 'void', date,
             reason };
}

function VoidDialog({ study, record, onDone, onClose }) {
    const [id] = useState(uuid7);
    const send = async (reason) => {
        const body = voidVersion({ id, version: record.version + 1 }, record, reason);
        await queue.submit(body, { study, label: `${record.subject} ${record.form}` });
        onDone();
    };
    return html`<${ReasonDialog} title=${t('record.void_title')} kind="danger" submit=${t('record.void_do')}
        onSubmit=${send} onClose=${onClose}><p>${t('record.void_text')}</p><//>`;
}

function SignDialog({ study, record, onDone, onClose }) {
    const [signature] = useState(uuid7);
    const [meaning, setMeaning] = useState('review');
    const [state, setState] = useState({ busy: false, problem: null });
    const sign = async () => {
        setState({ busy: true, problem: null });
        try {
            if (!await confirmIdentity()) {
                setState({ busy: false, problem: null });
                return;
            }
            await api.post(api.path(study, 'submissions', record.id, 'sign'),
                { signature, sha256: record.sha256, meaning });
            onDone();
        } catch (problem) {
            setState({ busy: false, problem });
        }
    };
    return html`
        <${Dialog} title=${t('sign.title')} onClose=${onClose}>
            <p>${t('sign.text', { version: record.version })}</p>
            <${Problem} problem=${state.problem} />
            <${Field} id="sign-meaning" label=${t('sign.meaning')}>
                <${Select} id="sign-meaning" value=${meaning} onChange=${setMeaning}
                    options=${MEANINGS.map(([value, key]) => ({ value, label: t(key) }))} /><//>
            <div class="dialog-buttons">
                <${Button} busy=${state.busy} onClick=${sign}>${t('sign.do')}<//>
                <${Button} kind="secondary" onClick=${onClose}>${t('ui.cancel')}<//>
            </div>
        <//>`;
}

// Acts that need a reason alone: [word of the route, title].
const REASONED = {
    lock: 'record.lock', unlock: 'record.unlock', 'withdraw-verification': 'record.withdraw_verification',
};

function ReasonedDialog({ study, record, act, onDone, onClose }) {
    const send = async (reason) => {
        await api.post(api.path(study, 'submissions', record.id, act), { reason });
        onDone();
    };
    return html`<${ReasonDialog} title=${t(REASONED[act])} submit=${t(REASONED[act])} onSubmit=${send}
        onClose=${onClose} />`;
}

// [{act, text}] that this role may do with this record now.
function actsOf(session, { newest, locks, verifications }) {
    const locked = isLocked(locks);
    const isVoid = newest.status === 'void';
    const verified = verificationOf(verifications, newest.id) !== null;
    return [
        ['void', session.can('correct') && !locked && !isVoid, 'record.void'],
        ['ask', session.can('open_query'), 'record.ask_whole'],
        ['verify', session.can('verify') && !verified, 'record.verify'],
        ['withdraw-verification', session.can('verify') && verified, 'record.withdraw_verification'],
        ['sign', session.can('sign'), 'record.sign'],
        ['lock', session.can('lock') && !locked, 'record.lock'],
        ['unlock', session.can('lock') && locked, 'record.unlock'],
    ].filter(([, may]) => may).map(([act, , key]) => ({ act, text: t(key) }));
}

// onDone(): something was done, the record is to be loaded anew
export function Acts({ study, data, onDone }) {
    const session = useSession();
    const [open, setOpen] = useState(null);
    const [problem, setProblem] = useState(null);
    const { newest, locks } = data;
    const close = () => setOpen(null);
    const done = () => {
        close();
        onDone();
    };
    const verify = () => api.post(api.path(study, 'submissions', newest.id, 'verify'), {}).then(onDone, setProblem);
    const parts = { study, record: newest, onDone: done, onClose: close };
    const canEnterAgain = session.can('second_entry') && newest.status !== 'void'
        && data.versions.every((version) => version.recorded_by !== session.account);
    return html`
        <div class="form-buttons record-acts">
            ${session.can('correct') && !isLocked(locks) && html`
                <a class="btn btn-primary" href=${link(study, 'entry', 'NEW', { correct: newest.id })}>${
                    t(newest.status === 'void' ? 'record.enter_anew' : 'record.correct')}</a>`}
            ${canEnterAgain && html`<a class="btn btn-outline-secondary"
                href=${link(study, 'second-entry', 'NEW', { of: newest.id })}>${t('record.second_entry')}</a>`}
            ${actsOf(session, data).map(({ act, text }) => html`
                <${Button} key=${act} kind="secondary"
                    onClick=${act === 'verify' ? verify : () => setOpen(act)}>${text}<//>`)}
        </div>
        <${Problem} problem=${problem} />
        ${open === 'void' && html`<${VoidDialog} ...${parts} />`}
        ${open === 'ask' && html`<${AskDialog} ...${parts} item=${null} />`}
        ${open === 'sign' && html`<${SignDialog} ...${parts} />`}
        ${open in REASONED && html`<${ReasonedDialog} ...${parts} act=${open} />`}`;
}
