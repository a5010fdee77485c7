// SPDX-License-Identifier: GPL-3.0-or-later
// What was sent: the receipt of the server, or that it waits on this device.
import { formatDate, formatInstant, formatNumber } from '../format.js';
import { t } from '../i18n.js';
import { link } from '../router.js';
import { session } from '../session.js';
import { Alert, DataTable } from '../ui.js';
import { html } from '../vendor.js';

// The form that comes next for a subject: the first open one of a visit whose window is open or over, but not the one
// that has just been entered (it may still wait on this device).
export function nextForm(schedule, entered) {
    const now = ['overdue', 'closing', 'due', 'partial'];
    const isNew = (form, visit) => form.form !== entered.form || form.knee !== entered.knee || visit !== entered.visit;
    for (const cell of schedule?.cells ?? []) {
        const open = now.includes(cell.state)
            ? cell.forms?.find((form) => form.state === 'open' && isNew(form, cell.visit)) : undefined;
        if (open)
            return { ...open, visit: cell.visit };
    }
    return null;
}

export function ScoreTable({ form, scores }) {
    const rows = form.scores.filter((score) => score.id in (scores ?? {}))
        .map((score) => ({ ...score, value: scores[score.id] }));
    if (rows.length === 0)
        return null;
    const columns = [
        { key: 'title', title: t('form.score') },
        { key: 'value', title: t('form.value'), align: 'right',
          render: (row) => (row.value === null ? t('form.no_score') : formatNumber(row.value, 1)) },
        { key: 'range', title: t('form.range'), align: 'right',
          render: ({ range: [min, max] }) => t('form.from_to',
              { min: formatNumber(min), max: formatNumber(max), unit: '' }) },
        { key: 'direction', title: t('form.direction'),
          render: (row) => t(row.direction === 'higher_worse' ? 'form.higher_worse' : 'form.higher_better') },
    ];
    return html`<${DataTable} caption=${t('form.scores')} columns=${columns} rows=${rows} class="answers" />`;
}

function Facts({ receipt }) {
    return html`
        <dl class="facts">
            <div><dt>${t('ui.subject')}</dt><dd>${receipt.subject}</dd></div>
            <div><dt>${t('form.date')}</dt><dd>${formatDate(receipt.date)}</dd></div>
            <div><dt>${t('form.version')}</dt><dd>${receipt.version}</dd></div>
            <div><dt>${t('form.received_at')}</dt><dd>${formatInstant(receipt.received_at)}</dd></div>
            <div><dt>${t('form.received_by')}</dt><dd>${session.fullName ?? session.account}</dd></div>
            <div><dt>${t('form.receipt_id')}</dt><dd><code>${receipt.id}</code></dd></div>
        </dl>`;
}

// result: of queue.submit(); links: [{href, text, primary}]
export function Receipt({ form, result, links }) {
    const isStored = result.state === 'stored';
    return html`
        <${Alert} kind=${isStored ? 'success' : 'warning'} title=${t(isStored ? 'form.stored' : 'form.waiting')}>
            ${!isStored && html`<p>${t('form.waiting_text')}</p>`}
        <//>
        ${isStored && html`<${Facts} receipt=${result.receipt} />
            <${ScoreTable} form=${form} scores=${result.receipt.scores} />`}
        <p class="form-buttons">${links.map(({ href, text, primary }) => html`
            <a key=${href} href=${href} class=${`btn ${primary ? 'btn-primary' : 'btn-outline-secondary'}`}>${
                text}</a>`)}</p>`;
}

export function usualLinks(study, subject) {
    return [
        { href: link(study, 'subjects', subject), text: t('form.to_subject', { subject }) },
        { href: link(study, 'worklist'), text: t('form.to_worklist') },
    ];
}
