// SPDX-License-Identifier: GPL-3.0-or-later
// Tokens of programs: made once, shown once, refused from then on when they are ended.
import { api } from '../api.js';
import { formatInstant } from '../format.js';
import { t } from '../i18n.js';
import { Button, DataTable, Loading, Problem, StateBadge, useData } from '../ui.js';
import { html, useState } from '../vendor.js';
import { AccountForm } from './account_form.js';
import { Confirm, sitesText } from './people.js';
import { ToldOnce } from './told_once.js';

const ROLES = ['site_machine', 'coordinator', 'investigator', 'data_manager', 'monitor', 'statistician'];

export function tokenState(token, now = Date.now()) {
    if (token.revoked_at)
        return 'revoked';
    return Date.parse(token.expires_at) <= now ? 'expired' : 'valid';
}

const LOOKS = { valid: 'done', expired: 'closed', revoked: 'void' };

function columns(onAct) {
    return [
        { key: 'number', title: t('admin.number') },
        { key: 'account', title: t('admin.program'), render: (token) => html`<div>${token.account}<div
            class="quiet small">${token.full_name}</div></div>` },
        { key: 'role', title: t('admin.role'), render: (token) => t(`role.${token.role}`) },
        { key: 'sites', title: t('admin.sites'), render: sitesText },
        { key: 'state', title: t('queries.state'), render: (token) => html`<div><${StateBadge}
            state=${LOOKS[tokenState(token)]} label=${t(`admin.token_${tokenState(token)}`)} /><div
            class="quiet small">${t('clock.until', {
            time: formatInstant(token.revoked_at ?? token.expires_at) })}</div></div>` },
        { key: 'last_used_at', title: t('admin.last_used'), render: (token) => formatInstant(token.last_used_at)
            || t('admin.never') },
        { key: 'do', title: t('day.do'), render: (token) => tokenState(token) === 'valid' && html`<${Button} small
            kind="secondary" onClick=${() => onAct({ act: 'revoke', token })}>${t('admin.revoke')}<span
            class="visually-hidden"> ${token.number}</span><//>` },
    ];
}

export function Tokens({ study }) {
    const { data, problem, reload } = useData(({ signal }) => api.get(api.path(study, 'tokens'), { signal }), [study]);
    const [acting, setActing] = useState(null);
    const close = () => setActing(null);
    const add = async (body) => {
        const made = await api.post(api.path(study, 'tokens'), body);
        setActing({ act: 'told', made });
        reload();
    };
    const revoke = async () => {
        await api.delete(api.path(study, 'tokens', String(acting.token.number)));
        close();
        reload();
    };
    if (!data)
        return problem ? html`<${Problem} problem=${problem} onRetry=${reload} />` : html`<${Loading} />`;
    return html`
        <p class="measure">${t('admin.tokens_text')}</p>
        <p><${Button} onClick=${() => setActing({ act: 'add' })}>${t('admin.add_token')}<//></p>
        <${DataTable} caption=${t('admin.tokens')} hideCaption rows=${data.tokens} rowKey="number"
            columns=${columns(setActing)} empty=${t('admin.no_tokens')} />
        ${acting?.act === 'add' && html`<${AccountForm} title=${t('admin.add_token')} roles=${ROLES} withDays
            onSubmit=${add} onClose=${close} />`}
        ${acting?.act === 'revoke' && html`<${Confirm} title=${t('admin.revoke_title', { n: acting.token.number })}
            text=${t('admin.revoke_text')} action=${t('admin.revoke')} onConfirm=${revoke} onClose=${close} />`}
        ${acting?.act === 'told' && html`<${ToldOnce} title=${t('admin.token_title', { account: acting.made.account })}
            text=${t('admin.token_text', { time: formatInstant(acting.made.expires_at) })} label=${t('admin.token')}
            secret=${acting.made.token} onClose=${close} />`}`;
}
