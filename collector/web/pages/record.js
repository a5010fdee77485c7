// SPDX-License-Identifier: GPL-3.0-or-later
// One version of a record: answers, scores, versions, changes, queries, signatures, and what may be done with it.
import { ScoreTable } from '../lib/form/receipt.js';
import { siteOf, visitTitle } from '../lib/form/place.js';
import { formatDate, formatInstant } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { Acts } from '../lib/record/acts.js';
import { Answers } from '../lib/record/answers.js';
import { Changes, STATUS, Versions } from '../lib/record/history.js';
import { isLocked, loadRecord, verificationOf } from '../lib/record/load.js';
import { AskDialog, Queries } from '../lib/record/queries.js';
import { link } from '../lib/router.js';
import { useSession } from '../lib/session.js';
import { Alert, DataTable, Loading, Page, Problem, StateBadge, SubjectBanner, useData } from '../lib/ui.js';
import { html, useState } from '../lib/vendor.js';

const MEANINGS = { authorship: 'sign.authorship', review: 'sign.review', approval: 'sign.approval',
                   responsibility: 'sign.responsibility' };

const SECOND = { agrees: 'second.agrees', differs: 'second.differs', reconciled: 'second.reconciled',
                 redacted: 'second.redacted' };

function States({ data }) {
    const { record, locks, signatures, verifications } = data;
    const signed = signatures.filter((one) => one.id === record.id);
    const verified = verificationOf(verifications, record.id);
    return html`<p class="record-states">
        <${StateBadge} state=${record.status === 'void' ? 'void' : 'done'} label=${t(STATUS[record.status])} />
        ${isLocked(locks) && html`<${StateBadge} state="locked" />`}
        ${signed.length > 0 && html`<${StateBadge} state="signed" />`}
        ${verified && html`<${StateBadge} state="verified" />`}</p>`;
}

function Facts({ record }) {
    return html`
        <dl class="facts">
            <div><dt>${t('form.date')}</dt><dd>${formatDate(record.date)}</dd></div>
            <div><dt>${t('form.version')}</dt><dd>${record.version}</dd></div>
            ${record.instance > 1 && html`<div><dt>${t('record.instance')}</dt><dd>${record.instance}</dd></div>`}
            <div><dt>${t('form.received_at')}</dt><dd>${formatInstant(record.received_at)}</dd></div>
            <div><dt>${t('form.received_by')}</dt><dd>${record.recorded_by}</dd></div>
            ${record.reason && html`<div><dt>${t('form.reason_for_change')}</dt><dd>${record.reason}</dd></div>`}
        </dl>`;
}

function Signatures({ signatures }) {
    if (signatures.length === 0)
        return null;
    const columns = [
        { key: 'printed_name', title: t('sign.name') },
        { key: 'meaning', title: t('sign.meaning'), render: (row) => t(MEANINGS[row.meaning]) },
        { key: 'version', title: t('form.version') },
        { key: 'when', title: t('record.when'), render: (row) => formatInstant(row.recorded_at) },
        { key: 'covers', title: t('sign.covers'), render: (row) => t(row.covers ? 'form.yes' : 'sign.not_newest') },
    ];
    return html`<${DataTable} caption=${t('sign.list')} columns=${columns} rows=${signatures} rowKey="signature" />`;
}

function SecondEntries({ study, seconds }) {
    if (seconds.length === 0)
        return null;
    const columns = [
        { key: 'when', title: t('record.when'), render: (row) => formatInstant(row.recorded_at) },
        { key: 'who', title: t('record.who'), render: (row) => row.recorded_by },
        { key: 'state', title: t('record.status'), render: (row) => html`<a
            href=${link(study, 'second-entry', row.entry)}>${t(SECOND[row.state])}</a>` },
        { key: 'differences', title: t('second.differences'), align: 'right' },
    ];
    return html`<${DataTable} caption=${t('second.list')} columns=${columns} rows=${seconds} rowKey="entry" />`;
}

function Record({ study, data, reload }) {
    const session = useSession();
    const [asked, setAsked] = useState(null);
    const { record, newest, form, info, queries } = data;
    const close = () => setAsked(null);
    const done = () => {
        close();
        reload();
    };
    return html`
        <${SubjectBanner} subject=${record.subject} knee=${record.knee} visit=${visitTitle(info, record.visit, t)}
            site=${info.sites.find((site) => site.site === siteOf(record.subject))?.name} />
        <${States} data=${data} />
        ${newest.id !== record.id && html`
            <${Alert} kind="warning" title=${t('record.newer', { version: newest.version })}>
            <p><a href=${link(study, 'records', newest.id)}>${t('record.open_newest')}</a></p><//>`}
        <${Facts} record=${record} />
        <${Acts} study=${study} data=${data} onDone=${reload} />
        <h2>${t('record.answers')}</h2>
        <${Answers} form=${form} record=${record} queries=${queries}
            onAsk=${session.can('open_query') ? setAsked : undefined} />
        <${ScoreTable} form=${form} scores=${record.scores} />
        <h2>${t('record.queries')}</h2>
        <${Queries} study=${study} form=${form} queries=${queries} onDone=${reload} />
        <h2>${t('record.history')}</h2>
        <${Versions} study=${study} versions=${data.versions} shown=${record.id} />
        <${Changes} form=${form} versions=${data.versions} />
        <${Signatures} signatures=${data.signatures} />
        <${SecondEntries} study=${study} seconds=${data.seconds} />
        ${asked && html`<${AskDialog} study=${study} record=${newest} item=${asked} onDone=${done}
            onClose=${close} />`}`;
}

export default function RecordPage({ route }) {
    const { study, parts } = route;
    const { data, problem, reload } = useData(() => loadRecord(study, parts[0]), [parts[0]]);
    const title = data ? data.form.title : t('record.title');
    return html`<${Page} title=${title}>
        <${Problem} problem=${problem} onRetry=${reload} />
        ${!problem && !data && html`<${Loading} />`}
        ${data && html`<${Record} study=${study} data=${data} reload=${reload} />`}
    <//>`;
}
