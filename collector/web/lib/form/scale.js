// SPDX-License-Identifier: GPL-3.0-or-later
// A visual analogue scale: the number, and a line to click on.  Nothing is marked before somebody marks it, and
// nothing needs dragging.
import { t } from '../i18n.js';
import { html } from '../vendor.js';

const STEPS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 };

function clamp(item, number) {
    return Math.min(item.max, Math.max(item.min, number));
}

// Where the pointer is on the line, in whole units of the item.
function valueAt(event, item) {
    const line = event.currentTarget.getBoundingClientRect();
    return clamp(item, Math.round(item.min + (event.clientX - line.left) / line.width * (item.max - item.min)));
}

function valueOfKey(key, item, number) {
    if (key === 'Home' || key === 'End')
        return key === 'Home' ? item.min : item.max;
    if (!(key in STEPS))
        return null;
    if (number === null)
        return STEPS[key] > 0 ? item.min : item.max;
    return clamp(item, Math.round(number) + STEPS[key]);
}

// value: text or ''; onChange(text)
export function ScaleLine({ id, label, item, value, onChange }) {
    const number = /^\d+(\.\d+)?$/.test(value ?? '') && Number(value) <= item.max ? Number(value) : null;
    const onKey = (event) => {
        const next = valueOfKey(event.key, item, number);
        if (next === null)
            return;
        event.preventDefault();
        onChange(String(next));
    };
    const x = number === null ? 0 : (number - item.min) / (item.max - item.min) * 1000;
    return html`
        <div class="scale-line" role="slider" tabindex="0" id=${`${id}-line`} aria-label=${label}
             aria-valuemin=${item.min} aria-valuemax=${item.max} aria-valuenow=${number ?? item.min}
             aria-valuetext=${number === null ? t('form.no_mark') : `${value} ${item.unit}`}
             onClick=${(event) => onChange(String(valueAt(event, item)))} onKeyDown=${onKey}>
            <svg viewBox="0 0 1000 40" preserveAspectRatio="none" aria-hidden="true">
                <path class="scale-axis" d="M0 20H1000M1 8V32M999 8V32" />
                ${number !== null && html`<path class="scale-mark" d=${`M${x} 2V38`} />`}
            </svg>
        </div>
        <div class="scale-ends" aria-hidden="true"><span>${item.min}</span><span>${item.max}</span></div>`;
}
