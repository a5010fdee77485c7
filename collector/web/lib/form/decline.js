// SPDX-License-Identifier: GPL-3.0-or-later
import { t } from '../i18n.js';
import { html } from '../vendor.js';
import { declineReasons } from './answer.js';
import { itemLabel, reasonText } from './words.js';

// Why an item has no answer; nothing for an item that must have one.  onDecline(item id, reason or null)
export function DeclineSelect({ item, reason, onDecline }) {
    if (item.must_be_answered)
        return html`<div class="decline"></div>`;
    return html`
        <div class="decline">
            <select id=${`item-${item.id}-decline`}
                    class=${`form-select form-select-sm ${reason ? 'decline-chosen' : ''}`}
                    aria-label=${t('form.decline_of', { item: itemLabel(item) })}
                    onChange=${(event) => onDecline(item.id, event.currentTarget.value || null)}>
                <option value="" selected=${!reason}>${
                    t(item.plain ? 'participant.cannot_answer' : 'form.decline')}</option>
                ${declineReasons.map((one) => html`<option value=${one} key=${one} selected=${one === reason}>${
                    reasonText(one)}</option>`)}
            </select>
        </div>`;
}
