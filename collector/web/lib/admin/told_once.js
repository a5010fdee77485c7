// SPDX-License-Identifier: GPL-3.0-or-later
// A secret that is shown once, to be copied.
import { t } from '../i18n.js';
import { Button, Dialog, Field, TextInput } from '../ui.js';
import { html, useState } from '../vendor.js';

export function ToldOnce({ title, text, label, secret, onClose }) {
    const [copied, setCopied] = useState(false);
    const copy = () => navigator.clipboard.writeText(secret).then(() => setCopied(true), () => setCopied(false));
    return html`<${Dialog} title=${title} onClose=${onClose}>
        <p>${text}</p>
        <${Field} id="told-once" label=${label}>
            <${TextInput} id="told-once" value=${secret} readonly onChange=${() => {}}
                onFocus=${(event) => event.currentTarget.select()} /><//>
        <p role="status">${copied && t('admin.copied')}</p>
        <div class="dialog-buttons"><${Button} onClick=${copy}>${t('admin.copy')}<//>
            <${Button} kind="secondary" onClick=${onClose}>${t('admin.close')}<//></div><//>`;
}
