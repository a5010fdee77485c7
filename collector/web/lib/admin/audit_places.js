// SPDX-License-Identifier: GPL-3.0-or-later
// The two pages about the audit trail, each a click from the other.
import { t } from '../i18n.js';
import { link } from '../router.js';
import { html } from '../vendor.js';

const PLACES = [['trail', []], ['review', ['review']]];

export function AuditPlaces({ study, here }) {
    return html`<nav aria-label=${t('menu.audit')}><ul class="count-list">${PLACES.map(([place, parts]) => html`
        <li key=${place}><a href=${link(study, 'audit', ...parts)}
            aria-current=${place === here ? 'page' : undefined}>${t(`review.place_${place}`)}</a></li>`)}</ul></nav>`;
}
