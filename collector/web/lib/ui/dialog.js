// SPDX-License-Identifier: GPL-3.0-or-later
import { t } from '../i18n.js';
import { html, useEffect, useRef, useState } from '../vendor.js';
import { Field, TextArea } from './fields.js';
import { Button, Problem } from './parts.js';

let dialogs = 0;

// A modal dialog: the browser keeps the focus inside and gives it back.  Escape is onClose; without it there is no way
// out but the buttons.  role: 'alertdialog' for what cannot wait.
export function Dialog({ title, onClose, role, children }) {
    const box = useRef(null);
    const id = useRef(null);
    id.current ??= `dialog-${++dialogs}`;
    useEffect(() => {
        const dialog = box.current;
        const before = document.activeElement;
        dialog.showModal();
        return () => {
            dialog.close();
            if (before?.isConnected)
                before.focus();
        };
    }, []);
    const cancel = (event) => {
        event.preventDefault();
        onClose?.();
    };
    return html`
        <dialog ref=${box} class="app-dialog" role=${role} aria-labelledby=${id.current} onCancel=${cancel}
                aria-describedby=${role === 'alertdialog' ? `${id.current}-text` : undefined}>
            <h2 id=${id.current}>${title}</h2>
            <div id=${`${id.current}-text`}>${children}</div>
        </dialog>`;
}

// Asks why, then onSubmit(reason), which may be refused by the server: then the dialog stays and says so.
export function ReasonDialog({ title, label, hint, min = 5, max = 1000, kind = 'primary', submit, onSubmit, onClose,
                               children }) {
    const [reason, setReason] = useState('');
    const [state, setState] = useState({ busy: false, error: null, problem: null });
    const send = async (event) => {
        event.preventDefault();
        if ([...reason.trim()].length < min) {
            setState({ busy: false, error: t('ui.reason_short', { n: min }), problem: null });
            document.getElementById('dialog-reason').focus();
            return;
        }
        setState({ busy: true, error: null, problem: null });
        try {
            await onSubmit(reason.trim());
        } catch (problem) {
            setState({ busy: false, error: null, problem });
        }
    };
    return html`
        <${Dialog} title=${title} onClose=${onClose}>
            <form onSubmit=${send} novalidate>
                ${children}
                <${Problem} problem=${state.problem} />
                <${Field} id="dialog-reason" label=${label ?? t('ui.reason')} hint=${hint} error=${state.error}>
                    <${TextArea} id="dialog-reason" value=${reason} onChange=${setReason} maxlength=${max} />
                <//>
                <div class="dialog-buttons">
                    <${Button} kind=${kind} type="submit" busy=${state.busy}>${submit ?? t('ui.ok')}<//>
                    <${Button} kind="secondary" onClick=${onClose}>${t('ui.cancel')}<//>
                </div>
            </form>
        <//>`;
}
