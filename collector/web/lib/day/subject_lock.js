// SPDX-License-Identifier: GPL-3.0-or-later
// Locking a subject, and taking that back: with a reason each.
import { api } from '../api.js';
import { t } from '../i18n.js';
import { Button, ReasonDialog } from '../ui.js';
import { html, useState } from '../vendor.js';

export function SubjectLock({ study, schedule, onDone }) {
    const [open, setOpen] = useState(false);
    const { subject, locked } = schedule;
    const what = locked ? 'unlock' : 'lock';
    const send = async (reason) => {
        await api.post(api.path(study, 'subjects', subject, what), { reason });
        setOpen(false);
        onDone();
    };
    return html`<${Button} kind="secondary" onClick=${() => setOpen(true)}>${t(`subject.${what}`)}<//>
        ${open && html`<${ReasonDialog} title=${t(`subject.${what}_title`, { subject })} submit=${t(`subject.${what}`)}
            onSubmit=${send} onClose=${() => setOpen(false)}><p>${t(`subject.${what}_text`)}</p><//>`}`;
}
