// SPDX-License-Identifier: GPL-3.0-or-later
// The versions of a record, and every item that was changed: old, new, who, when, why.
import { differencesOf } from '../form/engine.js';
import { answerText, itemLabel } from '../form/words.js';
import { formatDate, formatInstant } from '../format.js';
import { t } from '../i18n.js';
import { link } from '../router.js';
import { DataTable, StateBadge } from '../ui.js';
import { html } from '../vendor.js';

export const STATUS = { complete: 'record.complete', void: 'record.voided' };

// One row for each change between a version and the one before it.
export function changesOf(form, versions) {
    return versions.slice(1).flatMap((after, i) => {
        const before = versions[i];
        const rows = differencesOf(form, before.content, after.content).map((change) => ({
            key: `${after.version} ${change.item.id}`, label: itemLabel(change.item),
            before: answerText(change.item, change.before), after: answerText(change.item, change.after),
            version: after,
        }));
        const dates = before.date === after.date ? [] : [{
            key: `${after.version} date`, label: t('form.date'), before: formatDate(before.date),
            after: formatDate(after.date), version: after,
        }];
        return [...dates, ...rows];
    });
}

function who(version) {
    return `${version.recorded_by}, ${formatInstant(version.received_at)}`;
}

export function Versions({ study, versions, shown }) {
    const columns = [
        { key: 'version', title: t('form.version'),
          render: (row) => (row.id === shown ? html`<strong>${row.version}</strong>`
              : html`<a href=${link(study, 'records', row.id)}>${row.version}</a>`) },
        { key: 'status', title: t('record.status'), render: (row) => html`<${StateBadge}
            state=${row.status === 'void' ? 'void' : 'done'} label=${t(STATUS[row.status])} />` },
        { key: 'who', title: t('record.who'), render: (row) => row.recorded_by },
        { key: 'when', title: t('record.when'), render: (row) => formatInstant(row.received_at) },
        { key: 'reason', title: t('record.why'), render: (row) => row.reason ?? t('record.first_version') },
    ];
    return html`<${DataTable} caption=${t('record.versions')} columns=${columns} rows=${versions} rowKey="id" />`;
}

export function Changes({ form, versions }) {
    const columns = [
        { key: 'label', title: t('record.item') },
        { key: 'before', title: t('record.old'), render: (row) => row.before || t('record.no_answer') },
        { key: 'after', title: t('record.new'), render: (row) => row.after || t('record.no_answer') },
        { key: 'who', title: t('record.who_when'), render: (row) => who(row.version) },
        { key: 'why', title: t('record.why'), render: (row) => row.version.reason },
    ];
    return html`<${DataTable} caption=${t('record.changes')} columns=${columns} rows=${changesOf(form, versions)}
        rowKey="key" empty=${t('record.no_changes')} />`;
}
