// SPDX-License-Identifier: GPL-3.0-or-later
import { parseDate } from '../format.js';
import { t } from '../i18n.js';
import { createContext, html, useContext, useState } from '../vendor.js';

const FieldContext = createContext({});

// Ids of what stands beside the field: its hint and its error.
function describedBy(id, own) {
    const field = useContext(FieldContext);
    const of = field.id === id ? { ...field, ...own } : own;
    const ids = [of.hint && `${id}-hint`, of.error && `${id}-error`].filter(Boolean);
    return { described: ids.length > 0 ? ids.join(' ') : undefined, invalid: of.error ? 'true' : undefined };
}

// A label with what belongs to it.  `group`: the children are several boxes or buttons, under one legend.
export function Field({ id, label, hint, error, group = false, class: more = '', children }) {
    const beside = html`
        ${hint && html`<div id=${`${id}-hint`} class="form-text">${hint}</div>`}
        ${error && html`<div id=${`${id}-error`} class="field-error"><span class="visually-hidden">${
            t('ui.error_prefix')} </span>${error}</div>`}`;
    const inner = html`<${FieldContext.Provider} value=${{ id, hint, error }}>${children}<//>`;
    const classes = `field ${error ? 'field-wrong' : ''} ${more}`;
    if (group) {
        const about = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
        return html`<fieldset id=${id} class=${classes} aria-describedby=${about || undefined}>
            <legend class="form-label">${label}</legend>${beside}${inner}</fieldset>`;
    }
    return html`<div class=${classes}>
        <label for=${id} class="form-label">${label}</label>${beside}${inner}</div>`;
}

// onChange(text).  Further attributes (inputmode, autocomplete, maxlength, size ...) are the input's.
export function TextInput({ id, value, onChange, type = 'text', error, class: more = '', ...rest }) {
    const { described, invalid } = describedBy(id, error ? { error } : {});
    return html`<input id=${id} name=${rest.name ?? id} type=${type} value=${value ?? ''}
        class=${`form-control ${invalid ? 'is-invalid' : ''} ${more}`} aria-describedby=${described}
        aria-invalid=${invalid} onInput=${(event) => onChange(event.currentTarget.value)} ...${rest} />`;
}

export function TextArea({ id, value, onChange, rows = 3, error, class: more = '', ...rest }) {
    const { described, invalid } = describedBy(id, error ? { error } : {});
    return html`<textarea id=${id} name=${id} rows=${rows} value=${value ?? ''}
        class=${`form-control ${invalid ? 'is-invalid' : ''} ${more}`} aria-describedby=${described}
        aria-invalid=${invalid} onInput=${(event) => onChange(event.currentTarget.value)} ...${rest}></textarea>`;
}

// options: [{value, label}]; `empty`: the words of the first line, which means nothing was chosen.
export function Select({ id, value, onChange, options, empty, error, class: more = '', ...rest }) {
    const { described, invalid } = describedBy(id, error ? { error } : {});
    return html`<select id=${id} name=${id} value=${value ?? ''} aria-describedby=${described} aria-invalid=${invalid}
            class=${`form-select ${invalid ? 'is-invalid' : ''} ${more}`}
            onChange=${(event) => onChange(event.currentTarget.value)} ...${rest}>
        ${empty !== undefined && html`<option value="">${empty}</option>`}
        ${options.map((option) => html`<option value=${option.value} key=${option.value}
            selected=${String(option.value) === String(value ?? '')}>${option.label}</option>`)}
    </select>`;
}

// Radio buttons.  options: [{value, label, hint}]; onChange(value) gives the option's value as it was put in.
export function Choice({ id, name, value, onChange, options, inline = false, disabled = false }) {
    return html`<div class=${inline ? 'choices choices-inline' : 'choices'}>${options.map((option, i) => html`
        <div class=${`form-check ${inline ? 'form-check-inline' : ''}`} key=${option.value}>
            <input type="radio" class="form-check-input" id=${`${id}-${i}`} name=${name ?? id} value=${option.value}
                checked=${option.value === value} disabled=${disabled} onChange=${() => onChange(option.value)}
                aria-describedby=${option.hint ? `${id}-${i}-hint` : undefined} />
            <label class="form-check-label" for=${`${id}-${i}`}>${option.label}</label>
            ${option.hint && html`<div class="form-text" id=${`${id}-${i}-hint`}>${option.hint}</div>`}
        </div>`)}</div>`;
}

const PARTS = [['day', 'ui.day', 'numeric', 2], ['month', 'ui.month', 'text', 12],
               ['year', 'ui.year', 'numeric', 4]];

function splitDate(value) {
    const iso = /^(\d{4})-(\d{2})-(\d{2})$/.exec(value ?? '');
    if (iso !== null)
        return [String(Number(iso[3])), String(Number(iso[2])), iso[1]];
    const [day = '', month = '', year = ''] = (value ?? '').split('/');
    return [day, month, year];
}

function joinDate(texts) {
    return parseDate(...texts) ?? (texts.every((text) => text.trim() === '') ? '' : texts.join('/'));
}

// Day, month (number or name) and year, in three boxes inside a Field with `group`.
// value, onChange(value)  'YYYY-MM-DD', '' when all is empty, otherwise what was typed as 'day/month/year'
export function DateInput({ id, value, onChange, error, disabled = false }) {
    const [typed, setTyped] = useState({ value, texts: splitDate(value) });
    const texts = (value ?? '') === (typed.value ?? '') ? typed.texts : splitDate(value);
    const { invalid } = describedBy(id, error ? { error } : {});
    const change = (i) => (event) => {
        const next = texts.map((text, k) => (k === i ? event.currentTarget.value : text));
        setTyped({ value: joinDate(next), texts: next });
        onChange(joinDate(next));
    };
    return html`<div class="date-input">${PARTS.map(([part, label, inputmode, length], i) => html`
        <div key=${part}>
            <label class="form-label small" for=${`${id}-${part}`}>${t(label)}</label>
            <input id=${`${id}-${part}`} class=${`form-control date-${part} ${invalid ? 'is-invalid' : ''}`} type="text"
                inputmode=${inputmode} maxlength=${length} autocomplete="off" value=${texts[i]} disabled=${disabled}
                aria-invalid=${invalid} onInput=${change(i)} />
        </div>`)}</div>`;
}
