// SPDX-License-Identifier: GPL-3.0-or-later
// How the study is set up: protocol versions, sites, certificates.  Changed by patella-admin, shown here.
import { api } from '../api.js';
import { formatInstant } from '../format.js';
import { t } from '../i18n.js';
import { DataTable, Loading, Problem, StateBadge, useData } from '../ui.js';
import { html } from '../vendor.js';

function load(study, signal) {
    return Promise.all(['protocols', 'sites', 'certificates']
        .map((list) => api.get(api.path(study, list), { signal })));
}

export function Setup({ study }) {
    const { data, problem, reload } = useData(({ signal }) => load(study, signal), [study]);
    if (!data)
        return problem ? html`<${Problem} problem=${problem} onRetry=${reload} />` : html`<${Loading} />`;
    const [{ protocols }, { sites }, { certificates }] = data;
    return html`
        <h2>${t('admin.protocols')}</h2>
        <p class="measure quiet">${t('admin.protocols_text')}</p>
        <${DataTable} caption=${t('admin.protocols')} hideCaption rows=${protocols} rowKey="version" columns=${[
            { key: 'version', title: t('admin.version') },
            { key: 'added_at', title: t('admin.added'), render: (one) => formatInstant(one.added_at) },
            { key: 'added_by', title: t('admin.by'), render: (one) => html`<span class="no-wrap">${
                one.added_by ?? t('admin.unknown')}</span>` },
            { key: 'sha256', title: 'SHA-256', render: (one) => html`<code class="small">${one.sha256}</code>` },
        ]} />
        <h2>${t('admin.study_sites')}</h2>
        <p class="measure quiet">${t('admin.sites_text')}</p>
        <${DataTable} caption=${t('admin.study_sites')} hideCaption rows=${sites} rowKey="site" columns=${[
            { key: 'site', title: t('admin.number') }, { key: 'name', title: t('admin.name') },
            { key: 'time_zone', title: t('admin.time_zone'), render: (one) => html`<span class="no-wrap">${
                one.time_zone}</span>` },
            { key: 'subjects', title: t('menu.subjects'), align: 'right' },
            { key: 'added_at', title: t('admin.added'), render: (one) => formatInstant(one.added_at) },
        ]} empty=${t('admin.no_sites')} />
        <h2>${t('admin.certificates')}</h2>
        <p class="measure quiet">${t('admin.certificates_text')}</p>
        <${DataTable} caption=${t('admin.certificates')} hideCaption rows=${certificates} rowKey="kind" columns=${[
            { key: 'kind', title: t('admin.certificate'), render: (one) => t(`admin.${one.kind}`) },
            { key: 'ends_at', title: t('admin.ends'), render: (one) => formatInstant(one.ends_at) },
            { key: 'ends_soon', title: t('queries.state'), render: (one) => html`<${StateBadge}
                state=${one.ends_soon ? 'overdue' : 'done'}
                label=${t(one.ends_soon ? 'admin.ends_soon' : 'admin.token_valid')} />` },
        ]} />`;
}
