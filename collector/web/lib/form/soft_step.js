// SPDX-License-Identifier: GPL-3.0-or-later
// The step of its own in which unusual answers are confirmed with a reason each, or put right.
import { t } from '../i18n.js';
import { Button, Field, TextArea } from '../ui.js';
import { html, useEffect, useRef, useState } from '../vendor.js';
import { isReason } from './answer.js';
import { EntryErrors } from './errors.js';
import { answerIn, confirmationOf, itemsOf } from './engine.js';
import { answerText, itemLabel, problemText } from './words.js';

function keyOf(finding) {
    return `soft-${finding.item ?? 'form'}-${finding.rule}`;
}

function Finding({ form, entry, finding, error, onReason }) {
    const item = itemsOf(form).find((one) => one.id === finding.item);
    const id = keyOf(finding);
    return html`
        <section class="soft-finding">
            <h3>${item ? itemLabel(item) : form.title}</h3>
            ${item && html`<p class="soft-answer">${t('form.your_answer')} <strong>${
                answerText(item, answerIn(entry, item.id)) || t('form.no_answer')}</strong></p>`}
            <p>${problemText(finding)}</p>
            <${Field} id=${id} label=${t('form.reason_to_confirm')} error=${error}>
                <${TextArea} id=${id} rows="2" value=${confirmationOf(entry, finding)} onChange=${onReason} /><//>
        </section>`;
}

// findings: soft problems; onReason(finding, text), onBack(), onSend()
export function SoftStep({ form, entry, findings, busy, onReason, onBack, onSend }) {
    const heading = useRef(null);
    const [tries, setTries] = useState(0);
    useEffect(() => heading.current.focus(), []);
    const missing = tries === 0 ? [] : findings.filter((finding) => !isReason(confirmationOf(entry, finding)));
    const send = () => {
        if (findings.every((finding) => isReason(confirmationOf(entry, finding))))
            onSend();
        else
            setTries(tries + 1);
    };
    return html`
        <div class="soft-step">
            <h2 tabindex="-1" ref=${heading}>${t('form.soft_title', { n: findings.length })}</h2>
            <p>${t('form.soft_text')}</p>
            <${EntryErrors} round=${tries} problems=${missing.map((finding) => ({
                id: keyOf(finding), label: '', text: t('check.reason') }))} />
            ${findings.map((finding) => html`
                <${Finding} key=${keyOf(finding)} form=${form} entry=${entry} finding=${finding}
                    error=${missing.includes(finding) ? t('check.reason') : undefined}
                    onReason=${(text) => onReason(finding, text)} />`)}
            <div class="form-buttons">
                <${Button} busy=${busy} onClick=${send}>${t('form.confirm_and_send')}<//>
                <${Button} kind="secondary" onClick=${onBack}>${t('form.back_to_answers')}<//>
            </div>
        </div>`;
}
