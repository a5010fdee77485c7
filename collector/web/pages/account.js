// SPDX-License-Identifier: GPL-3.0-or-later
import { t } from '../lib/i18n.js';
import { useSession } from '../lib/session.js';
import { LanguageChoice } from '../lib/shell.js';
import { Alert, Choice, DataTable, Field, Page } from '../lib/ui.js';
import { html, useState } from '../lib/vendor.js';

const THEMES = ['auto', 'light', 'dark'];

function Theme() {
    const [theme, setTheme] = useState(localStorage.getItem('patella.theme') ?? 'auto');
    const choose = (value) => {
        localStorage.setItem('patella.theme', value);
        dispatchEvent(new Event('patella-theme'));
        setTheme(value);
    };
    return html`<${Field} id="theme" label=${t('account.theme')} group>
        <${Choice} id="theme-choice" value=${theme} onChange=${choose} inline
            options=${THEMES.map((value) => ({ value, label: t(`account.theme_${value}`) }))} /><//>`;
}

function sitesOf({ all_sites: all, sites }) {
    return all || sites.length === 0 ? t('account.all_sites') : sites.join(', ');
}

function SecondFactor({ secondFactor, left }) {
    if (!secondFactor)
        return html`<${Alert} kind="warning"><p>${t('account.no_second_factor')}</p><//>`;
    const few = left !== null && left <= 3;
    return html`<p>${t('account.second_factor')}</p>
        ${left !== null && html`<${Alert} kind=${few ? 'warning' : 'info'}><p>${
            t('account.recovery_left', { n: left })} ${few && t('account.recovery_few')}</p><//>`}`;
}

export default function AccountPage() {
    const { account, fullName, memberships, secondFactor, recoveryCodesLeft } = useSession();
    return html`
        <${Page} title=${t('account.title')}>
            <div class="measure">
                <p>${fullName} (${account})</p>
                <${DataTable} caption=${t('account.studies')} rows=${memberships} rowKey="study" columns=${[
                    { key: 'study', title: t('account.study') },
                    { key: 'role', title: t('account.role'), render: ({ role }) => t(`role.${role}`) },
                    { key: 'sites', title: t('account.sites'), render: sitesOf }]} />
                <h2>${t('account.sign_in')}</h2>
                <${SecondFactor} secondFactor=${secondFactor} left=${recoveryCodesLeft} />
                <h2>${t('account.look')}</h2>
                <div class="field"><${LanguageChoice} /></div>
                <${Theme} />
            </div>
        <//>`;
}
