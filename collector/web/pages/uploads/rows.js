// SPDX-License-Identifier: GPL-3.0-or-later
// What becomes of the rows of a file: new, changed, unchanged, refused, warned; a page of each at a time.
import { api } from '../../lib/api.js';
import { formatNumber } from '../../lib/format.js';
import { t } from '../../lib/i18n.js';
import { DataTable, Loading, Pager, Problem, useData } from '../../lib/ui.js';
import { html, useState } from '../../lib/vendor.js';

const LIMIT = 50;
export const VERDICTS = ['refused', 'warned', 'changed', 'new', 'unchanged'];
const SHAPES = { refused: '✕', warned: '▲', changed: '◆', new: '+', unchanged: '=' };

function Changes({ changes }) {
    return html`<ul class="plain-list">${changes.map((change, i) => html`
        <li key=${i}>${change.record && html`<span class="text-body-secondary">${change.record}: </span>`}
            <code>${change.item}</code>${' '}<span class="visually-hidden">${t('uploads.before')} </span
            ><del>${change.before ?? t('uploads.nothing')}</del>${' → '}<span class="visually-hidden">${
            t('uploads.after')} </span><ins>${change.after ?? t('uploads.nothing')}</ins></li>`)}</ul>`;
}

function Findings({ findings }) {
    return html`<ul class="plain-list" lang="en">${findings.map((finding, i) => html`
        <li key=${i}>${finding.column && html`<code>${finding.column}</code>${' '}`}${finding.text}</li>`)}</ul>`;
}

// Columns that have nothing to show for any of the rows are left out.
function columnsFor(rows) {
    const any = (key) => rows.some((row) => row[key].length > 0);
    return [
        { key: 'line', title: t('uploads.line'), align: 'right', render: ({ line }) => formatNumber(line) },
        { key: 'record', title: t('uploads.record'), render: ({ record }) => record ?? t('uploads.no_record') },
        ...(any('changes') ? [{ key: 'changes', title: t('uploads.changes'),
            render: ({ changes }) => html`<${Changes} changes=${changes} />` }] : []),
        ...(any('findings') ? [{ key: 'findings', title: t('uploads.findings'),
            render: ({ findings }) => html`<${Findings} findings=${findings} />` }] : []),
    ];
}

// Buttons with the counts, of which one is pressed.
function Verdicts({ counts, verdict, onChoose }) {
    return html`<div class="verdicts" role="group" aria-label=${t('uploads.show_rows')}>${VERDICTS.map((name) => html`
        <button key=${name} type="button" class=${`btn verdict verdict-${name}`} aria-pressed=${name === verdict}
            disabled=${counts[name] === 0} onClick=${() => onChoose(name)}>
            <span class="verdict-count"><span aria-hidden="true">${SHAPES[name]} </span>${
                formatNumber(counts[name])}</span>
            <span>${t(`uploads.verdict_${name}`)}</span>
        </button>`)}</div>`;
}

// counts  of the upload, by verdict
// round   changes when the rows do (a new preview)
export function UploadRows({ study, id, counts, round }) {
    const first = VERDICTS.find((name) => counts[name] > 0) ?? 'new';
    const [shown, setShown] = useState({ verdict: first, after: null });
    const { data, problem, loading, reload } = useData(({ signal }) => api.get(`/uploads/${id}/rows`,
        { query: { study, verdict: shown.verdict, after: shown.after, limit: LIMIT }, signal }),
    [id, shown.verdict, shown.after, round]);
    const caption = t('uploads.rows_of', { verdict: t(`uploads.verdict_${shown.verdict}`) });
    return html`
        <section aria-labelledby="rows-title">
            <h2 id="rows-title">${t('uploads.what_becomes')}</h2>
            <p>${t('uploads.rows_read', { n: counts.read, count: formatNumber(counts.read) })}</p>
            <${Verdicts} counts=${counts} verdict=${shown.verdict}
                onChoose=${(verdict) => setShown({ verdict, after: null })} />
            <${Problem} problem=${problem} onRetry=${reload} />
            ${loading && !data && html`<${Loading} />`}
            ${data && html`
                <${DataTable} caption=${caption} columns=${columnsFor(data.rows)} rows=${data.rows} rowKey="line"
                    class="upload-rows" empty=${t('uploads.no_rows')} />
                <${Pager} next=${data.next} busy=${loading} onNext=${(after) => setShown({ ...shown, after })}
                    onFirst=${shown.after !== null && (() => setShown({ ...shown, after: null }))} />`}
        </section>`;
}
