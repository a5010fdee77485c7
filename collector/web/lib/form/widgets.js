// SPDX-License-Identifier: GPL-3.0-or-later
// One item as a field: label, hint, unit, error, and the reason where there is no answer.
import { formatNumber } from '../format.js';
import { t } from '../i18n.js';
import { Choice, DateInput, Field, Select, TextArea, TextInput } from '../ui.js';
import { html } from '../vendor.js';
import { PartialDateInput } from './date_boxes.js';
import { DeclineSelect } from './decline.js';
import { isAnalogueScale } from './engine.js';
import { Grid } from './grid.js';
import { ScaleLine } from './scale.js';
import { choiceText, itemLabel } from './words.js';

const RADIOS_UP_TO = 7;
const LINE_UP_TO = 120;

function decimalMark() {
    return formatNumber(1.5, 1).charAt(1);
}

// The reader's decimal comma becomes the point that is stored; where the mark is a point, a comma is no number.
export function typedNumber(text, mark = decimalMark()) {
    const trimmed = text.trim();
    return mark === ',' && !trimmed.includes('.') && trimmed.split(',').length === 2 ? trimmed.replace(',', '.')
        : trimmed;
}

function rangeHint(item) {
    const { min = null, max = null } = item;
    if (min === null && max === null)
        return null;
    const values = { min: formatNumber(min), max: formatNumber(max), unit: item.unit ?? '' };
    if (min === null)
        return t('form.at_most', values).trim();
    return max === null ? t('form.at_least', values).trim() : t('form.from_to', values).trim();
}

function hintOf(item) {
    if (item.type === 'integer' || item.type === 'decimal')
        return rangeHint(item);
    if (item.type === 'date')
        return t('form.date_hint');
    return item.type === 'partial_date' ? t('form.partial_date_hint') : null;
}

function NumberInput({ id, item, value, onChange, label }) {
    const isDecimal = item.type === 'decimal';
    const shown = isDecimal ? String(value ?? '').replace('.', decimalMark()) : value;
    const input = html`<${TextInput} id=${id} value=${shown} size="10" autocomplete="off" class="number-input"
        inputmode=${isDecimal ? 'decimal' : 'numeric'}
        onChange=${(text) => onChange(isDecimal ? typedNumber(text) : text.trim())} />`;
    return html`
        <div class="number-field">${input}${item.unit && html`<span class="unit">${item.unit}</span>`}</div>
        ${isAnalogueScale(item) && html`
            <${ScaleLine} id=${id} item=${item} value=${value} label=${t('form.line_of', { item: label })}
                onChange=${onChange} />`}`;
}

function TextItem({ id, item, value, onChange }) {
    const most = item.max_length ?? 1000;
    const Input = most > LINE_UP_TO ? TextArea : TextInput;
    return html`<${Input} id=${id} value=${value} onChange=${onChange} autocomplete="off"
        class=${most <= 40 ? 'short-text' : ''} />`;
}

// Buttons cannot be let go of, so an answer can be taken away.
function Cleared({ value, onChange, children }) {
    const onKey = (event) => {
        if (event.key === 'Delete' || event.key === 'Backspace') {
            event.preventDefault();
            onChange('');
        }
    };
    const isEmpty = value === undefined || value === '';
    return html`<div class="clearable" onKeyDown=${onKey}>${children}${!isEmpty && html`
        <button type="button" class="btn btn-link btn-sm" onClick=${() => onChange('')}>${
            t('form.clear')}</button>`}</div>`;
}

function ChoiceItem({ id, item, value, onChange }) {
    const options = item.choices.map((choice) => ({ value: String(choice.code), label: choiceText(item, choice) }));
    const chosen = value === undefined ? '' : String(value);
    if (options.length > RADIOS_UP_TO)
        return html`<${Select} id=${id} value=${chosen} options=${options} empty=${t('form.choose')}
            onChange=${onChange} />`;
    return html`<${Cleared} value=${value} onChange=${onChange}>
        <${Choice} id=${id} value=${chosen} options=${options} onChange=${onChange}
            inline=${options.length <= 3} /><//>`;
}

function BooleanItem({ id, value, onChange }) {
    const options = [{ value: 'true', label: t('form.yes') }, { value: 'false', label: t('form.no') }];
    return html`<${Cleared} value=${value} onChange=${onChange}>
        <${Choice} id=${id} value=${value === undefined ? '' : String(value)} options=${options} inline
            onChange=${(word) => onChange(word === 'true')} /><//>`;
}

function DateItem({ id, value, onChange }) {
    return html`<${DateInput} id=${id} value=${value} onChange=${onChange} />`;
}

function PartialDateItem({ id, value, onChange, error }) {
    return html`<${PartialDateInput} id=${id} value=${value} onChange=${onChange} invalid=${Boolean(error)} />`;
}

const INPUTS = {
    choice: ChoiceItem, integer: NumberInput, decimal: NumberInput, boolean: BooleanItem, text: TextItem,
    date: DateItem, partial_date: PartialDateItem,
};

function isGroup(item) {
    return ['boolean', 'date', 'partial_date'].includes(item.type)
        || (item.type === 'choice' && item.choices.length <= RADIOS_UP_TO);
}

// onAnswer(item id, value), onDecline(item id, reason or null)
export function ItemField({ item, entry, error, onAnswer, onDecline }) {
    const id = `item-${item.id}`;
    const Input = INPUTS[item.type];
    const label = itemLabel(item);
    return html`
        <div class="item">
            <${Field} id=${id} group=${isGroup(item)} hint=${hintOf(item)} error=${error}
                label=${html`${label}${item.required && html` <span class="needed">${t('form.needed')}</span>`}`}>
                <${Input} id=${id} item=${item} value=${entry.answers[item.id]} error=${error} label=${label}
                    onChange=${(value) => onAnswer(item.id, value)} />
            <//>
            <${DeclineSelect} item=${item} reason=${entry.not_answered[item.id]} onDecline=${onDecline} />
        </div>`;
}

// A group of groupsOf(): a grid, or one field.
export function ItemGroup({ group, entry, errors, advance, onAnswer, onDecline }) {
    if (group.kind === 'grid')
        return html`<${Grid} items=${group.items} entry=${entry} errors=${errors} advance=${advance}
            onAnswer=${onAnswer} onDecline=${onDecline} />`;
    const [item] = group.items;
    return html`<${ItemField} item=${item} entry=${entry} error=${errors.get(item.id)} onAnswer=${onAnswer}
        onDecline=${onDecline} />`;
}
