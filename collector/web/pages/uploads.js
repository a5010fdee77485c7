// SPDX-License-Identifier: GPL-3.0-or-later
// Files: the ledger of what was uploaded, a new one, and what has become of one.
import { api } from '../lib/api.js';
import { formatBytes, formatInstant, formatNumber } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { link } from '../lib/router.js';
import { useSession } from '../lib/session.js';
import { DataTable, Loading, Page, Pager, Problem, Select, Field, useData } from '../lib/ui.js';
import { html, useState } from '../lib/vendor.js';
import { UploadFile } from './uploads/file.js';
import { NewUpload } from './uploads/new.js';
import { UploadState } from './uploads/parts.js';

const LIMIT = 50;
const STATES = ['receiving', 'queued', 'checking', 'refused', 'previewed', 'committing', 'committed', 'taking_back',
    'taken_back', 'repeated', 'expired', 'deleted'];

function columnsOf(study) {
    return [
        { key: 'name', title: t('uploads.file'), render: (upload) => html`
            <a href=${link(study, 'uploads', upload.id)}>${upload.file.name || t('uploads.no_name')}</a>` },
        { key: 'state', title: t('uploads.state'), render: (upload) => html`<${UploadState} upload=${upload} />` },
        { key: 'form', title: t('uploads.form'), render: ({ form, profile }) =>
            form ?? (profile ? t('uploads.profile_named', profile) : t('uploads.form_by_rows')) },
        { key: 'rows', title: t('uploads.rows'), align: 'right',
          render: ({ rows }) => rows && formatNumber(rows.read) },
        { key: 'refused', title: t('uploads.refused'), align: 'right',
          render: ({ rows }) => rows && formatNumber(rows.refused) },
        { key: 'size', title: t('uploads.size'), align: 'right', render: ({ file }) => formatBytes(file.size) },
        { key: 'begun_by', title: t('uploads.by') },
        { key: 'begun_at', title: t('uploads.at'), render: ({ begun_at: at }) => formatInstant(at) },
    ];
}

function Ledger({ study }) {
    const [filter, setFilter] = useState({ state: '', after: null });
    const { data, problem, loading, reload } = useData(({ signal }) => api.get('/uploads',
        { query: { study, state: filter.state, after: filter.after, limit: LIMIT }, signal }),
    [study, filter.state, filter.after]);
    const choose = (state) => setFilter({ state, after: null });
    const states = STATES.map((state) => ({ value: state, label: t(`uploads.state_${state}`) }));
    return html`
        <section aria-labelledby="ledger-title">
            <h2 id="ledger-title">${t('uploads.ledger')}</h2>
            ${(filter.state || data?.uploads.length > 0) && html`
                <${Field} id="upload-state" label=${t('uploads.filter_state')} class="upload-filter">
                    <${Select} id="upload-state" value=${filter.state} onChange=${choose} options=${states}
                        empty=${t('uploads.all_states')} /><//>`}
            <${Problem} problem=${problem} onRetry=${reload} />
            ${loading && !data && html`<${Loading} />`}
            ${data && html`
                <${DataTable} caption=${t('uploads.ledger')} hideCaption columns=${columnsOf(study)}
                    rows=${data.uploads} empty=${filter.state ? t('uploads.none_of_state') : t('uploads.none')} />
                <${Pager} next=${data.next} busy=${loading} onNext=${(after) => setFilter({ ...filter, after })}
                    onFirst=${filter.after && (() => setFilter({ ...filter, after: null }))} />`}
        </section>`;
}

export default function UploadsPage({ route }) {
    const session = useSession();
    if (route.parts.length > 0)
        return html`<${UploadFile} study=${route.study} id=${route.parts[0]} key=${route.parts[0]} />`;
    const actions = session.can('see_upload_rows') && html`
        <a href=${link(route.study, 'profiles')}>${t('uploads.to_profiles')}</a>`;
    return html`
        <${Page} title=${t('uploads.title')} actions=${actions}>
            ${session.can('upload') && html`<${NewUpload} study=${route.study} />`}
            <${Ledger} study=${route.study} />
        <//>`;
}
