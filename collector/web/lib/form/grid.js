// SPDX-License-Identifier: GPL-3.0-or-later
// Items with the same numbered choices as one grid of radio buttons, for the keyboard: a number key answers the row,
// Enter goes to the next one, Delete takes the answer back.
import { t } from '../i18n.js';
import { html } from '../vendor.js';
import { DeclineSelect } from './decline.js';
import { itemLabel } from './words.js';

// The row behind this one, in this grid or a later one on the page.
export function focusNextRow(row) {
    const rows = [...row.ownerDocument.querySelectorAll('.answer-row')];
    const next = rows[rows.indexOf(row) + 1];
    (next?.querySelector('input:checked') ?? next?.querySelector('input'))?.focus();
}

// What a key does in a row: {code}, {clear: true}, {next: true} or null.
export function keyAction(item, key) {
    if (key === 'Enter')
        return { next: true };
    if (key === 'Delete' || key === 'Backspace')
        return { clear: true };
    const choice = /^\d$/.test(key) ? item.choices.find((one) => one.code === Number(key)) : undefined;
    return choice ? { code: choice.code } : null;
}

function Cell({ id, item, choice, checked, invalid, onAnswer }) {
    const own = `${id}-${choice.code}`;
    return html`
        <label class="answer-cell" for=${own}>
            <input type="radio" class="form-check-input" id=${own} name=${id} value=${choice.code} checked=${checked}
                aria-invalid=${invalid} onChange=${() => onAnswer(item.id, choice.code)} />
            <span class="answer-code">${choice.code}</span> <span class="answer-label">${choice.label}</span>
        </label>`;
}

function Row({ item, entry, error, advance, onAnswer, onDecline }) {
    const id = `item-${item.id}`;
    const value = entry.answers[item.id];
    const onKey = (event) => {
        const action = event.target.matches('input') && !event.ctrlKey && !event.metaKey && !event.altKey
            ? keyAction(item, event.key) : null;
        if (action === null)
            return;
        event.preventDefault();
        const row = event.currentTarget;
        if (action.code !== undefined) {
            onAnswer(item.id, action.code);
            row.querySelector(`input[value="${action.code}"]`).focus();
        }
        if (action.clear)
            onAnswer(item.id, '');
        if (action.next || (action.code !== undefined && advance))
            focusNextRow(row);
    };
    return html`
        <div class=${`answer-row ${error ? 'answer-row-wrong' : ''}`} id=${id} onKeyDown=${onKey}>
            <div class="answer-text" id=${`${id}-label`}>${itemLabel(item)}${
                item.required && html` <span class="needed">${t('form.needed')}</span>`}
                ${error && html`<div class="field-error" id=${`${id}-error`}><span class="visually-hidden">${
                    t('ui.error_prefix')}</span>${error}</div>`}</div>
            <div class="answer-choices" role="radiogroup" aria-labelledby=${`${id}-label`}>
                ${item.choices.map((choice) => html`
                    <${Cell} key=${choice.code} id=${id} item=${item} choice=${choice} onAnswer=${onAnswer}
                        invalid=${error ? 'true' : undefined} checked=${String(value) === String(choice.code)} />`)}
            </div>
            <${DeclineSelect} item=${item} reason=${entry.not_answered[item.id]} onDecline=${onDecline} />
        </div>`;
}

// errors: Map item id -> text; advance: a number key also goes to the next row
export function Grid({ items, entry, errors, advance, onAnswer, onDecline }) {
    const { choices } = items[0];
    return html`
        <div class="answer-grid">
            <div class="answer-head" aria-hidden="true">
                <div></div>
                <div class="answer-choices">${choices.map((choice) => html`<div class="answer-cell" key=${choice.code}>
                    <span class="answer-code">${choice.code}</span> <span>${choice.label}</span></div>`)}</div>
                <div></div>
            </div>
            ${items.map((item) => html`
                <${Row} key=${item.id} item=${item} entry=${entry} error=${errors.get(item.id)} advance=${advance}
                    onAnswer=${onAnswer} onDecline=${onDecline} />`)}
        </div>`;
}
