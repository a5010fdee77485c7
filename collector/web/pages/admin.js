// SPDX-License-Identifier: GPL-3.0-or-later
// What the administrator of a study disposes of: admin/people, admin/tokens, admin/study.
import { People } from '../lib/admin/people.js';
import { Setup } from '../lib/admin/setup.js';
import { Tokens } from '../lib/admin/tokens.js';
import { t } from '../lib/i18n.js';
import { link } from '../lib/router.js';
import { session } from '../lib/session.js';
import { Alert, Page } from '../lib/ui.js';
import { html } from '../lib/vendor.js';

const PARTS = [['people', People], ['tokens', Tokens], ['study', Setup]];

export default function AdminPage({ route }) {
    const chosen = PARTS.find(([name]) => name === route.parts[0]) ?? PARTS[0];
    const [name, Part] = chosen;
    if (!session.secondFactor)
        return html`<${Page} title=${t('menu.admin')}><${Alert} kind="warning"><p>${
            t('admin.needs_second_factor')}</p><//><//>`;
    return html`<${Page} title=${t('menu.admin')}>
        <nav aria-label=${t('menu.admin')}><ul class="count-list">${PARTS.map(([part]) => html`<li key=${part}><a
            href=${link(route.study, 'admin', part)} aria-current=${part === name ? 'page' : undefined}>${
            t(`admin.${part}`)}</a></li>`)}</ul></nav>
        <${Part} study=${route.study} />
    <//>`;
}
