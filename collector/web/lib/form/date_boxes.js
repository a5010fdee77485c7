// SPDX-License-Identifier: GPL-3.0-or-later
// A date that may be known in part: three boxes, of which the day, or day and month, may stay empty.
import { parseDate } from '../format.js';
import { t } from '../i18n.js';
import { html, useState } from '../vendor.js';

const PARTS = [['day', 'numeric', 2], ['month', 'text', 12], ['year', 'numeric', 4]];

// The three texts of 'YYYY', 'YYYY-MM', 'YYYY-MM-DD', or of what was half typed: 'day/month/year'.
export function splitPartialDate(value) {
    const iso = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$/.exec(value ?? '');
    if (iso !== null)
        return [iso[3], iso[2]].map((part) => (part ? String(Number(part)) : '')).concat(iso[1]);
    const [day = '', month = '', year = ''] = (value ?? '').split('/');
    return [day, month, year];
}

export function joinPartialDate([day, month, year]) {
    const [d, m, y] = [day, month, year].map((text) => text.trim());
    if (d === '' && m === '' && (y === '' || /^\d{4}$/.test(y)))
        return y;
    const date = d === '' ? parseDate('1', m, y)?.slice(0, 7) : parseDate(d, m, y);
    return date ?? [day, month, year].join('/');
}

// value, onChange(value): as splitPartialDate takes it; stands inside a Field with `group`.
export function PartialDateInput({ id, value, onChange, invalid }) {
    const [typed, setTyped] = useState({ value, texts: splitPartialDate(value) });
    const texts = (value ?? '') === (typed.value ?? '') ? typed.texts : splitPartialDate(value);
    const change = (i) => (event) => {
        const next = texts.map((text, k) => (k === i ? event.currentTarget.value : text));
        setTyped({ value: joinPartialDate(next), texts: next });
        onChange(joinPartialDate(next));
    };
    return html`<div class="date-input">${PARTS.map(([part, inputmode, length], i) => html`
        <div key=${part}>
            <label class="form-label small" for=${`${id}-${part}`}>${t(`ui.${part}`)}</label>
            <input id=${`${id}-${part}`} class=${`form-control date-${part} ${invalid ? 'is-invalid' : ''}`} type="text"
                inputmode=${inputmode} maxlength=${length} autocomplete="off" value=${texts[i]}
                aria-invalid=${invalid ? 'true' : undefined} onInput=${change(i)} />
        </div>`)}</div>`;
}
