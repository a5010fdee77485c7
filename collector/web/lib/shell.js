// SPDX-License-Identifier: GPL-3.0-or-later
// What stands around every page: header, menu, state of the connection, footer, and the dialogs that can come over
// any page.
import { PAGES } from '../pages.js';
import { network } from './api.js';
import { formatTime } from './format.js';
import { useObserved } from './hooks.js';
import { LANGUAGES, chooseLanguage, language, t } from './i18n.js';
import { ConfirmDialog, IdleWarning, LeaveDialog } from './prompts.js';
import { useQueue } from './queue.js';
import { link, useRoute } from './router.js';
import { session, useSession } from './session.js';
import { updates } from './updates.js';
import { Button } from './ui.js';
import { html, useEffect, useRef, useState } from './vendor.js';

const WIDE = '(min-width: 62em)';

function useWide() {
    const [wide, setWide] = useState(matchMedia(WIDE).matches);
    useEffect(() => {
        const query = matchMedia(WIDE);
        const change = () => setWide(query.matches);
        query.addEventListener('change', change);
        return () => query.removeEventListener('change', change);
    }, []);
    return wide;
}

function SkipLink() {
    const skip = (event) => {
        event.preventDefault();
        document.getElementById('main').focus();
    };
    return html`<a class="skip-link" href="#main" onClick=${skip}>${t('shell.skip')}</a>`;
}

// Opens and closes by itself on narrow screens only; a choice or Escape closes it.
function Folding({ summary, class: more, always, children }) {
    const box = useRef(null);
    const close = () => {
        if (!always)
            box.current.open = false;
    };
    const onKey = (event) => {
        if (event.key === 'Escape' && box.current.open && !always) {
            close();
            box.current.querySelector('summary').focus();
        }
    };
    const onOut = (event) => {
        if (event.relatedTarget !== null && !box.current.contains(event.relatedTarget))
            close();
    };
    return html`
        <details class=${more} ref=${box} open=${always} onKeyDown=${onKey} onFocusOut=${onOut}>
            <summary hidden=${always}>${summary}</summary>
            <div class="folded" onClick=${(event) => event.target.closest('a') && close()}>${children}</div>
        </details>`;
}

function Menu() {
    const route = useRoute();
    const wide = useWide();
    const pages = PAGES.filter((page) => page.menu && session.can(page.action));
    if (session.study === null || pages.length === 0)
        return null;
    return html`
        <nav class="menu" aria-label=${t('shell.menu')}>
            <${Folding} summary=${t('shell.menu')} always=${wide} key=${wide}>
                <ul>${pages.map((page) => html`
                    <li key=${page.path}><a href=${link(session.study, page.path)}
                        aria-current=${route.page === page.path ? 'page' : undefined}>${t(page.menu)}</a></li>`)}</ul>
            <//>
        </nav>`;
}

export function LanguageChoice() {
    const { language: code } = useObserved(language);
    return html`
        <label class="language">${t('shell.language')}
            <select class="form-select form-select-sm" value=${code}
                    onChange=${(event) => chooseLanguage(event.currentTarget.value)}>
                ${LANGUAGES.map(([value, name]) => html`
                    <option value=${value} lang=${value} key=${value} selected=${value === code}>${name}</option>`)}
            </select>
        </label>`;
}

function AccountMenu() {
    const { account, fullName, memberships, role } = useSession();
    return html`
        <${Folding} class="account-menu" summary=${html`<span class="visually-hidden">${t('shell.account')}: </span>${
            fullName}`}>
            <p class="account-who">${account}${role && html`<br />${t(`role.${role}`)}`}</p>
            <ul>
                <li><a href="#/account">${t('shell.settings')}</a></li>
                ${memberships.length > 1 && memberships.map(({ study }) => html`
                    <li key=${study}><a href=${link(study)}>${t('shell.study', { study })}</a></li>`)}
                <li><${Button} kind="link" onClick=${session.signOut}>${t('shell.sign_out')}<//></li>
            </ul>
        <//>`;
}

function Header() {
    const { status, study, sites, allSites } = useSession();
    const isOpen = status === 'open';
    const where = sites.length > 0 && !allSites ? t('shell.sites', { n: sites.length, sites: sites.join(', ') }) : null;
    return html`
        <header class="header">
            <div class="header-line">
                <a class="brand" href="#/"><img src="/app/icon.svg" alt="" width="24" height="24" />Patella</a>
                ${isOpen && study && html`<p class="where"><strong>${study}</strong>${where && ` · ${where}`}</p>`}
                ${isOpen ? html`<${AccountMenu} />` : html`<${LanguageChoice} />`}
            </div>
            ${isOpen && html`<${Menu} />`}
        </header>`;
}

// "No connection - 3 entries wait on this device since 09:12", and what else was not sent.
function Connection() {
    const { online } = useObserved(network);
    const { waiting, since, failed, others } = useQueue();
    const { status, study } = useSession();
    const foreign = others.reduce((sum, other) => sum + other.count, 0);
    const isOpen = status === 'open';
    const parts = [
        !online && t('shell.offline'),
        waiting > 0 && t('shell.waiting', { n: waiting, since: formatTime(since) }),
        failed.length > 0 && t('shell.conflicts', { n: failed.length }),
        foreign > 0 && isOpen && t('shell.others', { n: foreign }),
        foreign > 0 && !isOpen && t('shell.waiting',
            { n: foreign, since: formatTime(Math.min(...others.map((other) => other.since))) }),
    ].filter(Boolean);
    const canOpen = isOpen && study !== null && (waiting > 0 || failed.length > 0 || foreign > 0) &&
        session.can('submit');
    return html`
        <div class=${parts.length > 0 ? `connection ${online ? '' : 'connection-off'}` : ''} role="status">
            ${parts.join(' – ')} ${canOpen && html`<a href=${link(study, 'waiting')}>${t('shell.show_waiting')}</a>`}
        </div>`;
}

function Update() {
    const { apply } = useObserved(updates);
    return html`<div role="status" class=${apply ? 'connection' : ''}>${apply && html`
        ${t('shell.update')} <${Button} kind="secondary" small onClick=${apply}>${t('shell.reload')}<//>`}</div>`;
}

function Footer() {
    return html`<footer class="footer"><p><strong>${t('shell.help')}</strong> ${t('shell.help_text')}</p></footer>`;
}

export function Frame({ children }) {
    return html`
        <${SkipLink} />
        <${Header} />
        <${Connection} />
        <${Update} />
        <main id="main" tabindex="-1">${children}</main>
        <${Footer} />
        <${IdleWarning} /><${LeaveDialog} /><${ConfirmDialog} />`;
}
