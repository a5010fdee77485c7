// SPDX-License-Identifier: GPL-3.0-or-later
// What the list of reports and the page of one both draw.
import { t } from '../../lib/i18n.js';
import { StateBadge } from '../../lib/ui.js';
import { html } from '../../lib/vendor.js';

const LOOKS = { queued: ['◷', 'info'], running: ['◷', 'info'], done: ['✓', 'success'],
    failed: ['✕', 'danger'] };

export function ReportState({ report }) {
    const [shape, kind] = LOOKS[report.state] ?? ['●', 'quiet'];
    return html`<${StateBadge} state=${report.state} label=${t(`reports.state_${report.state}`)} shape=${shape}
        kind=${kind} />`;
}

// masking  of the study: in an open one cohorts are told apart by every report
export function Masking({ report, masking }) {
    return report.unblinding || masking === 'none' ? t('reports.unmasked') : t('reports.masked');
}

// The first digits tell reports apart; the whole stands in the title and on the report's own page.
export function Hash({ sha256, whole = false }) {
    if (!sha256)
        return null;
    return html`<code class="hash" title=${sha256}>${whole ? sha256 : `${sha256.slice(0, 12)}…`}</code>`;
}
