// SPDX-License-Identifier: GPL-3.0-or-later
// Who has which role in the study: add, invite, end, disable.
import { api } from '../api.js';
import { formatInstant } from '../format.js';
import { t } from '../i18n.js';
import { session } from '../session.js';
import { Button, DataTable, Dialog, Loading, Problem, StateBadge, useData } from '../ui.js';
import { html, useState } from '../vendor.js';
import { AccountForm } from './account_form.js';
import { ToldOnce } from './told_once.js';

const ROLES = ['coordinator', 'investigator', 'data_manager', 'monitor', 'statistician', 'statistician_unmasked',
               'administrator'];

export function sitesText(row) {
    return row.all_sites ? t('day.all_sites') : row.sites.join(', ');
}

function SignInState({ person }) {
    if (person.invited_until)
        return html`<div><${StateBadge} state="waiting" label=${t('admin.invited')} />
            <div class="quiet small">${t('clock.until', { time: formatInstant(person.invited_until) })}</div></div>`;
    if (!person.password_set)
        return html`<${StateBadge} state="open" label=${t('admin.no_password')} />`;
    return html`<${StateBadge} state=${person.second_factor ? 'done' : 'partial'}
        label=${t(person.second_factor ? 'admin.second_factor' : 'admin.no_second_factor')} />`;
}

// Asks once more before what cannot be taken back.
export function Confirm({ title, text, action, onConfirm, onClose }) {
    const [state, setState] = useState({ busy: false, problem: null });
    const go = async () => {
        setState({ busy: true, problem: null });
        try {
            await onConfirm();
        } catch (problem) {
            setState({ busy: false, problem });
        }
    };
    return html`<${Dialog} title=${title} onClose=${onClose}>
        <p>${text}</p><${Problem} problem=${state.problem} />
        <div class="dialog-buttons"><${Button} kind="danger" busy=${state.busy} onClick=${go}>${action}<//>
            <${Button} kind="secondary" onClick=${onClose}>${t('ui.cancel')}<//></div><//>`;
}

function Acts({ person, onAct }) {
    if (person.account === session.account)
        return html`<span class="quiet">${t('admin.yourself')}</span>`;
    return html`<div class="form-links">${['invite', 'end', 'disable'].map((act) => html`<${Button} key=${act} small
        kind="secondary" onClick=${() => onAct({ act, person })}>${t(`admin.${act}`)}<span
        class="visually-hidden"> ${person.account}</span><//>`)}</div>`;
}

function columns(onAct) {
    return [
        { key: 'account', title: t('admin.account') },
        { key: 'full_name', title: t('admin.name') },
        { key: 'role', title: t('admin.role'), render: (person) => t(`role.${person.role}`) },
        { key: 'sites', title: t('admin.sites'), render: sitesText },
        { key: 'state', title: t('admin.sign_in'), render: (person) => html`<${SignInState} person=${person} />` },
        { key: 'do', title: t('day.do'), render: (person) => html`<${Acts} person=${person} onAct=${onAct} />` },
    ];
}

export function People({ study }) {
    const { data, problem, reload } = useData(({ signal }) => api.get(api.path(study, 'memberships'), { signal }),
        [study]);
    const [acting, setActing] = useState(null);
    const close = () => setActing(null);
    const done = () => {
        close();
        reload();
    };
    const add = async (body) => {
        await api.post(api.path(study, 'memberships'), body);
        done();
    };
    const { act, person } = acting ?? {};
    const confirm = async () => {
        if (act === 'invite') {
            const made = await api.post(api.path(study, 'invitations'), { account: person.account });
            setActing({ act: 'told', person, secret: `${location.origin}/#/first-use/${made.token}`,
                        until: made.expires_at });
            reload();
            return;
        }
        await api.delete(api.path(study, act === 'end' ? 'memberships' : 'accounts', person.account));
        done();
    };
    if (!data)
        return problem ? html`<${Problem} problem=${problem} onRetry=${reload} />` : html`<${Loading} />`;
    return html`
        <p><${Button} onClick=${() => setActing({ act: 'add' })}>${t('admin.add_person')}<//></p>
        <${DataTable} caption=${t('admin.people')} hideCaption rows=${data.memberships} rowKey="account"
            class="whole-words" columns=${columns(setActing)} />
        ${act === 'add' && html`<${AccountForm} title=${t('admin.add_person')} roles=${ROLES} onSubmit=${add}
            onClose=${close} />`}
        ${['invite', 'end', 'disable'].includes(act) && html`<${Confirm} action=${t(`admin.${act}`)}
            title=${t(`admin.${act}_title`, { account: person.account })} text=${t(`admin.${act}_text`)}
            onConfirm=${confirm} onClose=${close} />`}
        ${act === 'told' && html`<${ToldOnce} title=${t('admin.link_title', { account: person.account })}
            text=${t('admin.link_text', { time: formatInstant(acting.until) })} label=${t('admin.link')}
            secret=${acting.secret} onClose=${close} />`}`;
}
