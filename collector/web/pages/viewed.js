// SPDX-License-Identifier: GPL-3.0-or-later
// Where the service worker sends who asks for a document that was shown already (lib/view.js): nobody keeps it.
import { t } from '../lib/i18n.js';
import { Page } from '../lib/ui.js';
import { html } from '../lib/vendor.js';

export default function ViewedPage() {
    return html`
        <${Page} title=${t('main.not_there')} error>
            <p>${t('viewed.gone')}</p>
            <p><a href="#/">${t('main.to_start')}</a></p><//>`;
}
