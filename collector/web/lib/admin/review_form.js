// SPDX-License-Identifier: GPL-3.0-or-later
// What a review of the audit trail asks for.
import { t } from '../i18n.js';
import { Button, DateInput, ErrorSummary, Field, Select, TextInput } from '../ui.js';
import { html, useState } from '../vendor.js';

// The numbers that each kind has, and which ones they may be: least, most, and what is usual (collector/review.c).
const NUMBERS = { days: [0, 3650, 14], changes: [2, 100000, 20], minutes: [1, 1440, 10], opens: [0, 23, 7],
                  closes: [1, 24, 19] };
const KINDS = { late_entries: ['days'], bulk_edits: ['changes', 'minutes'], out_of_hours: ['opens', 'closes'],
                after_signature: [], accounts: [] };

function faultOfNumber(name, text) {
    const [least, most] = NUMBERS[name];
    const number = /^\d{1,6}$/.test(text.trim()) ? Number(text) : -1;
    return number < least || number > most
        ? { id: `review-${name}`, text: t('review.number_wrong', { name: t(`review.${name}`), least, most }) } : null;
}

function faultOfDay(name, value) {
    return value !== '' && !/^\d{4}-\d{2}-\d{2}$/.test(value)
        ? { id: `review-${name}`, text: t('review.day_wrong', { name: t(`review.${name}`) }) } : null;
}

// -> {query} of GET audit/review, or {faults: [{id, text}]}
export function readReviewForm({ kind, from, to, ...numbers }) {
    const faults = [faultOfDay('from', from), faultOfDay('to', to),
                    ...KINDS[kind].map((name) => faultOfNumber(name, numbers[name]))].filter(Boolean);
    const chosen = Object.fromEntries(KINDS[kind].map((name) => [name, Number(numbers[name])]));
    return faults.length > 0 ? { faults } : { query: { kind, from, to, ...chosen } };
}

// onAsk(query): what was chosen
export function ReviewForm({ busy, onAsk }) {
    const usual = Object.fromEntries(Object.entries(NUMBERS).map(([name, range]) => [name, String(range[2])]));
    const [values, setValues] = useState({ kind: 'late_entries', from: '', to: '', ...usual });
    const [faults, setFaults] = useState([]);
    const set = (name) => (value) => setValues((before) => ({ ...before, [name]: value }));
    const errorOf = (id) => faults.find((fault) => fault.id === id)?.text;
    const send = (event) => {
        event.preventDefault();
        const { query, faults: found = [] } = readReviewForm(values);
        setFaults(found);
        if (query)
            onAsk(query);
    };
    const day = (name) => html`<${Field} id=${`review-${name}`} group label=${t(`review.${name}`)}
        error=${errorOf(`review-${name}`)}><${DateInput} id=${`review-${name}`} value=${values[name]}
            onChange=${set(name)} /><//>`;
    const number = (name) => html`<${Field} key=${name} id=${`review-${name}`} label=${t(`review.${name}`)}
        error=${errorOf(`review-${name}`)}><${TextInput} id=${`review-${name}`} value=${values[name]}
            class="review-number" onChange=${set(name)} inputmode="numeric" autocomplete="off" /><//>`;
    return html`<form onSubmit=${send} novalidate>
        <${ErrorSummary} problems=${faults} />
        <${Field} id="review-kind" label=${t('review.kind')} hint=${t(`review.hint_${values.kind}`)}>
            <${Select} id="review-kind" class="review-kind" value=${values.kind} onChange=${set('kind')}
                options=${Object.keys(KINDS).map((kind) => ({ value: kind, label: t(`review.kind_${kind}`) }))} /><//>
        <div class="review-bounds">${KINDS[values.kind].map(number)}</div>
        <div class="review-bounds">${day('from')}${day('to')}</div>
        <p class="quiet">${t('review.recorded')}</p>
        <${Button} type="submit" busy=${busy}>${t('review.ask')}<//>
    </form>`;
}
