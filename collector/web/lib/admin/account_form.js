// SPDX-License-Identifier: GPL-3.0-or-later
// The dialog that asks for an account, its role and its sites; `days` as well where a token ends.
import { t } from '../i18n.js';
import { Button, Dialog, ErrorSummary, Field, Problem, Select, TextInput } from '../ui.js';
import { html, useState } from '../vendor.js';

const WITH_SITES = ['coordinator', 'investigator', 'data_manager', 'monitor', 'site_machine'];

// "1, 2" -> {sites: [1, 2]}, the word for all -> {all_sites: true}; null for nothing, and for anything else.
function readSites(text) {
    const parts = text.trim().toLowerCase().split(/[\s,;]+/);
    if (parts.length === 1 && parts[0] === t('admin.all_word'))
        return { all_sites: true };
    return parts.every((part) => /^[1-9]\d{0,3}$/.test(part)) ? { sites: parts.map(Number) } : null;
}

// {body} as the API takes it, or {problems: [{id, text}]}.
export function readAccountForm({ account, fullName, role, sites, days }) {
    const problems = [];
    const hasSites = WITH_SITES.includes(role);
    const place = hasSites ? readSites(sites) : {};
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(account.trim()))
        problems.push({ id: 'account', text: t('admin.account_wrong') });
    if (place === null)
        problems.push({ id: 'sites', text: t('admin.sites_wrong') });
    if (days !== undefined && !/^([1-9]\d?|[12]\d\d|3[0-5]\d|36[0-6])$/.test(days.trim()))
        problems.push({ id: 'days', text: t('admin.days_wrong') });
    const body = { account: account.trim(), role, ...place, ...fullName.trim() && { full_name: fullName.trim() },
                   ...days !== undefined && { days: Number(days) } };
    return problems.length > 0 ? { problems } : { body };
}

export function AccountForm({ title, roles, withDays = false, onSubmit, onClose }) {
    const [values, setValues] = useState({ account: '', fullName: '', role: roles[0], sites: '',
                                           ...withDays && { days: '90' } });
    const [state, setState] = useState({ busy: false, problems: [], problem: null });
    const set = (name) => (value) => setValues((before) => ({ ...before, [name]: value }));
    const errorOf = (id) => state.problems.find((problem) => problem.id === id)?.text;
    const send = async (event) => {
        event.preventDefault();
        const { body, problems = [] } = readAccountForm(values);
        setState({ busy: problems.length === 0, problems, problem: null });
        if (problems.length > 0)
            return;
        try {
            await onSubmit(body);
        } catch (problem) {
            setState({ busy: false, problems: [], problem });
        }
    };
    const field = (id, name, label, hint) => html`<${Field} id=${id} label=${label} hint=${hint} error=${errorOf(id)}>
        <${TextInput} id=${id} value=${values[name]} onChange=${set(name)} autocomplete="off" /><//>`;
    return html`<${Dialog} title=${title} onClose=${onClose}><form onSubmit=${send} novalidate>
        <${ErrorSummary} problems=${state.problems} /><${Problem} problem=${state.problem} />
        ${field('account', 'account', t('admin.account'), t('admin.account_hint'))}
        ${field('full-name', 'fullName', t('admin.name'), t('admin.name_hint'))}
        <${Field} id="role" label=${t('admin.role')}><${Select} id="role" value=${values.role} onChange=${set('role')}
            options=${roles.map((role) => ({ value: role, label: t(`role.${role}`) }))} /><//>
        ${WITH_SITES.includes(values.role) && field('sites', 'sites', t('admin.sites'), t('admin.sites_hint'))}
        ${withDays && field('days', 'days', t('admin.days'), t('admin.days_hint'))}
        <div class="dialog-buttons"><${Button} type="submit" busy=${state.busy}>${t('admin.add')}<//>
            <${Button} kind="secondary" onClick=${onClose}>${t('ui.cancel')}<//></div>
    </form><//>`;
}
