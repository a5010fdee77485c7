// SPDX-License-Identifier: GPL-3.0-or-later
import { t } from '../i18n.js';
import { html } from '../vendor.js';
import { Button, Empty } from './parts.js';

function cellOf(column, row) {
    return column.render ? column.render(row) : row[column.key] ?? '';
}

function alignment(column) {
    return column.align === 'right' ? 'text-end' : '';
}

function Row({ columns, row }) {
    return html`<tr role="row">${columns.map((column, i) => {
        const isHead = column.rowHeader ?? i === 0;
        const attributes = { 'data-label': column.title, class: alignment(column), key: column.key };
        return isHead
            ? html`<th scope="row" role="rowheader" ...${attributes}>${cellOf(column, row)}</th>`
            : html`<td role="cell" ...${attributes}>${cellOf(column, row)}</td>`;
    })}</tr>`;
}

// A table that becomes one card a row under 576 px; the roles keep it a table for screen readers then.
// columns   [{key, title, align ('right'), render (row) => node, rowHeader (of the first column by itself)}]
// rowKey    name of the row's key, or a function of the row
// empty     what stands instead of no rows
export function DataTable({ caption, hideCaption = false, columns, rows, rowKey = 'id', empty, class: more = '' }) {
    if (rows.length === 0 && empty !== undefined)
        return html`<${Empty}>${empty}<//>`;
    const keyOf = typeof rowKey === 'function' ? rowKey : (row) => row[rowKey];
    return html`
        <table role="table" class=${`table table-sm data-table ${more}`}>
            <caption class=${hideCaption ? 'visually-hidden' : ''}>${caption}</caption>
            <thead role="rowgroup"><tr role="row">${columns.map((column) => html`
                <th scope="col" role="columnheader" class=${alignment(column)} key=${column.key}>${column.title}</th>`)}
            </tr></thead>
            <tbody role="rowgroup">${rows.map((row) => html`
                <${Row} columns=${columns} row=${row} key=${keyOf(row)} />`)}</tbody>
        </table>`;
}

// `next`: what the server said about a further page, null on the last; `onFirst` leads back to the first.
export function Pager({ next, onNext, onFirst, busy }) {
    if (!next && !onFirst)
        return null;
    return html`
        <nav class="pager" aria-label=${t('ui.pages')}>
            ${onFirst && html`<${Button} kind="secondary" onClick=${onFirst}>${t('ui.first_page')}<//>`}
            ${next && html`<${Button} kind="secondary" busy=${busy} onClick=${() => onNext(next)}>${
                t('ui.next_page')}<//>`}
        </nav>`;
}
