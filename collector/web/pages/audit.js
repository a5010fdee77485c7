// SPDX-License-Identifier: GPL-3.0-or-later
// The audit trail, in order of time, with its filters and its export.
//   audit?from=&to=&account=&operation=&object=&subject=&after=
import { api } from '../lib/api.js';
import { AuditPlaces } from '../lib/admin/audit_places.js';
import { FilterBar, TextFilter, filtersOf } from '../lib/day/filters.js';
import { formatInstant } from '../lib/format.js';
import { t } from '../lib/i18n.js';
import { navigate } from '../lib/router.js';
import { Button, DataTable, Loading, Page, Pager, Problem, useData } from '../lib/ui.js';
import { html, useState } from '../lib/vendor.js';

const FILTERS = ['from', 'to', 'account', 'operation', 'object', 'subject'];

// What is still being typed is not sent.
function sent({ from, to, subject, ...rest }) {
    const isDay = (text) => /^\d{4}-\d{2}-\d{2}(T.*Z)?$/.test(text ?? '');
    return { ...rest, from: isDay(from) ? from : null, to: isDay(to) ? to : null,
             subject: /^\d{2,4}-\d{4,6}$/.test(subject ?? '') ? subject : null };
}

function Change({ event }) {
    if (event.withheld)
        return t('audit.withheld');
    if (event.old === null && event.new === null)
        return '';
    return html`<details><summary>${t('audit.values')}</summary>${['old', 'new'].map((which) => event[which] && html`
        <div class="small" key=${which}>${t(`audit.${which}`)}<pre class="words">${
            JSON.stringify(event[which], null, 1)}</pre></div>`)}</details>`;
}

function columns() {
    return [
        { key: 'at', title: t('audit.at'), render: (event) => html`<span class="no-wrap">${
            formatInstant(event.at)}</span>` },
        { key: 'account', title: t('admin.account') },
        { key: 'operation', title: t('audit.operation') },
        { key: 'object', title: t('audit.object') },
        { key: 'subject', title: t('ui.subject'), render: (event) => event.subject ?? event.site ?? '' },
        { key: 'reason', title: t('ui.reason') },
        { key: 'change', title: t('audit.change'), render: (event) => html`<${Change} event=${event} />` },
    ];
}

function Export({ study, query }) {
    const [state, setState] = useState({ busy: null, problem: null });
    const get = async (format) => {
        setState({ busy: format, problem: null });
        try {
            await api.download(api.path(study, 'audit'), `${study}-audit.${format}`,
                { query: { ...sent(query), after: null, format }, timeout: 600000 });
            setState({ busy: null, problem: null });
        } catch (problem) {
            setState({ busy: null, problem });
        }
    };
    return html`${['csv', 'jsonl'].map((format) => html`<${Button} key=${format} kind="secondary"
        busy=${state.busy === format} onClick=${() => get(format)}>${t(`audit.${format}`)}<//>`)}
        <${Problem} problem=${state.problem} />`;
}

export default function AuditPage({ route }) {
    const { study, query } = route;
    const filters = filtersOf(route);
    const { data, problem, loading, reload } = useData(({ signal }) => api.get(api.path(study, 'audit'),
        { query: { ...sent(query), limit: 100 }, signal }), [route.hash]);
    return html`<${Page} title=${t('menu.audit')} actions=${html`<${Export} study=${study} query=${query} />`}>
        <${AuditPlaces} study=${study} here="trail" />
        <p class="measure quiet">${t('audit.text')}</p>
        <${FilterBar} filters=${filters} names=${FILTERS}>${FILTERS.map((name) => html`<${TextFilter} key=${name}
            filters=${filters} name=${name} label=${t(`audit.filter_${name}`)} size="12"
            placeholder=${name === 'from' || name === 'to' ? '2026-03-01' : undefined} />`)}<//>
        <${Problem} problem=${problem} onRetry=${reload} />
        ${!data && loading && html`<${Loading} />`}
        ${data && html`<${DataTable} caption=${t('menu.audit')} hideCaption rows=${data.events}
            rowKey=${(event) => event.at + event.object + event.row} columns=${columns()} empty=${t('audit.none')} />
            <${Pager} next=${data.next} onNext=${(after) => navigate(filters.href({ after }))}
                onFirst=${query.after ? () => navigate(filters.href({})) : undefined} />`}
    <//>`;
}
