// SPDX-License-Identifier: GPL-3.0-or-later
// What the ledger and the page of a file both draw.
import { formatNumber } from '../../lib/format.js';
import { t } from '../../lib/i18n.js';
import { StateBadge } from '../../lib/ui.js';
import { html } from '../../lib/vendor.js';

const LOOKS = {
    receiving: ['◷', 'warning'], queued: ['◷', 'info'], checking: ['◷', 'info'], refused: ['✕', 'danger'],
    previewed: ['◆', 'warning'], committing: ['◷', 'info'], committed: ['✓', 'success'],
    taking_back: ['◷', 'info'], taken_back: ['⊘', 'quiet'], repeated: ['✓', 'quiet'], expired: ['○', 'quiet'],
    deleted: ['⊘', 'quiet'],
};

// In words, shape and colour.
export function UploadState({ upload }) {
    const [shape, kind] = LOOKS[upload.state] ?? ['●', 'quiet'];
    return html`<${StateBadge} state=${upload.state} label=${t(`uploads.state_${upload.state}`)} shape=${shape}
        kind=${kind} />`;
}

export const WORKING = ['queued', 'checking', 'committing', 'taking_back'];

// A bar with its numbers beside it; `of` 0: how much there is to do is not known yet.
export function Progress({ label, done, of, children }) {
    const percent = of > 0 ? Math.floor(100 * done / of) : 0;
    return html`
        <div class="upload-progress">
            <label>${label}
                <progress max=${of || 1} value=${of > 0 ? done : undefined}>${percent} %</progress>
            </label>
            <span aria-hidden="true">${of > 0 && t('uploads.percent', { n: formatNumber(percent) })}</span>
            ${children}
        </div>`;
}
