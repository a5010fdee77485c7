// SPDX-License-Identifier: GPL-3.0-or-later
// Reports: those there are, with the state of the data they are of; a new cut, a new report, and the files of one.
import { api } from '../lib/api.js';
import { formatInstant } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { link } from '../lib/router.js';
import { useSession } from '../lib/session.js';
import { DataTable, Loading, Page, Problem, useData } from '../lib/ui.js';
import { html } from '../lib/vendor.js';
import { NewCut, NewReport } from './reports/new.js';
import { Hash, Masking, ReportState } from './reports/parts.js';
import { ReportPage } from './reports/report.js';

function reportColumns(study, versions, masking) {
    return [
        { key: 'report', title: t('reports.open_report'), render: (report) => html`
            <a href=${link(study, 'reports', report.report)}>${t('reports.name',
                { cut: report.cut, label: report.cut_label })}</a>` },
        { key: 'state', title: t('reports.state'), render: (report) => html`<${ReportState} report=${report} />` },
        { key: 'version', title: t('reports.version'), align: 'right',
          render: ({ cut }) => versions.get(cut) ?? '' },
        { key: 'masking', title: t('reports.masking'), render: (report) => html`
            <${Masking} report=${report} masking=${masking} />` },
        { key: 'requested_by', title: t('reports.by') },
        { key: 'requested_at', title: t('reports.at'), render: ({ requested_at: at }) => formatInstant(at) },
        { key: 'sha256', title: t('reports.hash_short'), render: ({ sha256 }) => html`<${Hash} sha256=${sha256} />` },
    ];
}

function cutColumns() {
    return [
        { key: 'cut', title: t('reports.number') },
        { key: 'label', title: t('reports.cut') },
        { key: 'protocol_version', title: t('reports.version'), align: 'right' },
        { key: 'made_by', title: t('reports.made_by') },
        { key: 'made_at', title: t('reports.made_at'), render: ({ made_at: at }) => formatInstant(at) },
    ];
}

async function loadLists(study, signal) {
    const [about, reports, cuts] = await Promise.all([
        api.get(api.path(study), { signal }),
        api.get(api.path(study, 'reports'), { signal }),
        api.get(api.path(study, 'cuts'), { signal }),
    ]);
    return { masking: about.masking, reports: reports.reports, cuts: cuts.cuts };
}

function Lists({ study, data }) {
    const versions = new Map(data.cuts.map(({ cut, protocol_version: version }) => [cut, version]));
    return html`
        <section aria-labelledby="reports-title">
            <h2 id="reports-title">${t('reports.ledger')}</h2>
            <${DataTable} caption=${t('reports.ledger')} hideCaption rowKey="report" rows=${data.reports}
                columns=${reportColumns(study, versions, data.masking)} empty=${t('reports.none')} />
        </section>
        <section aria-labelledby="cuts-title">
            <h2 id="cuts-title">${t('reports.cuts')}</h2>
            <${DataTable} caption=${t('reports.cuts')} hideCaption columns=${cutColumns()} rows=${data.cuts}
                rowKey="cut" empty=${t('reports.cuts_none')} />
        </section>`;
}

export default function ReportsPage({ route }) {
    const session = useSession();
    const { study, parts } = route;
    const { data, problem, reload } = useData(({ signal }) =>
        (parts.length > 0 ? Promise.resolve(null) : loadLists(study, signal)), [study, parts.length]);
    if (parts.length > 0)
        return html`<${ReportPage} study=${study} id=${parts[0]} key=${parts[0]} />`;
    return html`
        <${Page} title=${t('reports.title')}>
            <${Problem} problem=${problem} onRetry=${reload} />
            ${!data && !problem && html`<${Loading} />`}
            ${data && html`
                ${session.can('make_report') && html`<${NewReport} study=${study} cuts=${data.cuts} />`}
                ${session.can('make_cut') && html`<${NewCut} study=${study} onMade=${reload} />`}
                <${Lists} study=${study} data=${data} />`}
        <//>`;
}
