// SPDX-License-Identifier: GPL-3.0-or-later
// First and second entry side by side, and what is taken.
import { isReason } from '../form/answer.js';
import { answerText, itemLabel } from '../form/words.js';
import { ItemField } from '../form/widgets.js';
import { formatDate } from '../format.js';
import { t } from '../i18n.js';
import { Choice, DataTable, DateInput, Field, TextArea } from '../ui.js';
import { html } from '../vendor.js';
import { enteredAnswer, findItem } from './settle.js';

const CHOICES = { first: 'second.take_first', second: 'second.take_second', neither: 'second.take_other' };

function labelOf(form, id) {
    const item = findItem(form, id);
    return item ? itemLabel(item) : t('form.date');
}

function enteredText(form, id, text) {
    const item = findItem(form, id);
    const answer = enteredAnswer(text);
    if (answer === null)
        return t('record.no_answer');
    return item ? answerText(item, answer) : formatDate(answer.value);
}

// What is still to be said: [{id, item, label, text}]
export function findMissing(form, items, decisions) {
    return items.flatMap(({ item }) => {
        const { choice, reason } = decisions[item] ?? {};
        const label = labelOf(form, item);
        if (!choice)
            return [{ id: `settle-${item}`, item, label, text: t('second.choose_missing') }];
        return choice === 'neither' && !isReason(reason)
            ? [{ id: `settle-${item}-reason`, item, label, text: t('check.reason') }] : [];
    });
}

function OtherValue({ form, id, decision, set }) {
    const item = findItem(form, id);
    if (!item)
        return html`<${Field} id="settle-date-value" group label=${t('form.date')} hint=${t('form.date_hint')}>
            <${DateInput} id="settle-date-value" value=${decision.value} onChange=${(value) => set({ value })} /><//>`;
    const entry = {
        answers: decision.value === undefined ? {} : { [id]: decision.value },
        not_answered: decision.declined ? { [id]: decision.declined } : {},
    };
    return html`<${ItemField} item=${item} entry=${entry}
        onAnswer=${(_, value) => set({ value: value === '' ? undefined : value, declined: null })}
        onDecline=${(_, declined) => set({ value: undefined, declined })} />`;
}

function Decide({ form, row, label, decision = {}, error, onDecide }) {
    const id = `settle-${row.item}`;
    const set = (change) => onDecide(row.item, { ...decision, ...change });
    const options = Object.entries(CHOICES).map(([value, key]) => ({ value, label: t(key) }));
    return html`<div class="settle-choice">
        <${Field} id=${id} group label=${html`<span class="visually-hidden">${label}: </span>${t('second.take')}`}
            error=${decision.choice ? undefined : error}>
            <${Choice} id=${id} value=${decision.choice} options=${options} onChange=${(choice) => set({ choice })} />
        <//>
        ${decision.choice === 'neither' && html`
            <${OtherValue} form=${form} id=${row.item} decision=${decision} set=${set} />
            <${Field} id=${`${id}-reason`} label=${t('second.reason')} error=${error}>
                <${TextArea} id=${`${id}-reason`} rows="2" value=${decision.reason}
                    onChange=${(reason) => set({ reason })} /><//>`}
    </div>`;
}

function Decided({ row }) {
    return html`<div>${row.choice ? t(CHOICES[row.choice]) : t('second.open')}${
        row.reason && html`<br />${row.reason}`}</div>`;
}

// Without onDecide: what was settled.
export function SettleTable({ form, items, decisions = {}, errors = [], onDecide }) {
    const columns = [
        { key: 'item', title: t('record.item'), render: (row) => labelOf(form, row.item) },
        { key: 'first', title: t('second.first'), render: (row) => enteredText(form, row.item, row.first) },
        { key: 'second', title: t('second.second'), render: (row) => enteredText(form, row.item, row.second) },
        { key: 'taken', title: t('second.taken'),
          render: (row) => (onDecide ? html`
              <${Decide} form=${form} row=${row} label=${labelOf(form, row.item)} decision=${decisions[row.item]}
                  onDecide=${onDecide} error=${errors.find((one) => one.item === row.item)?.text} />`
              : html`<${Decided} row=${row} />`) },
    ];
    return html`<${DataTable} caption=${t('second.differences')} columns=${columns} rows=${items} rowKey="item" />`;
}
