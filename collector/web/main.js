// SPDX-License-Identifier: GPL-3.0-or-later
// The app's beginning: who is signed in decides what is drawn, the place (router.js) which page.
import { useObserved } from './lib/hooks.js';
import { language, loadLanguage, preferredLanguage, t } from './lib/i18n.js';
import { startDrafts } from './lib/drafts.js';
import { startIdle } from './lib/idle.js';
import { startQueue } from './lib/queue.js';
import { link, navigate, startRouter, useRoute } from './lib/router.js';
import { session, useSession } from './lib/session.js';
import { Frame } from './lib/shell.js';
import { Alert, Button, Loading, Page, Problem } from './lib/ui.js';
import { startUpdates } from './lib/updates.js';
import { Component, html, render, useEffect, useState } from './lib/vendor.js';
import { PAGES, findPage } from './pages.js';
import SignInPage from './pages/sign_in.js';

const modules = new Map();

// The module of a page, loaded when it is first wanted: {module, problem}.
function useModule(load) {
    const [, draw] = useState(0);
    useEffect(() => {
        if (modules.get(load)?.module !== undefined)
            return;
        load().then((module) => modules.set(load, { module }), (problem) => modules.set(load, { problem }))
            .then(() => draw((count) => count + 1));
    }, [load]);
    return modules.get(load) ?? {};
}

function LazyPage({ page, route }) {
    const { module, problem } = useModule(page.load);
    if (problem)
        return html`<${Page} title=${t('main.not_loaded')} error>
            <${Alert} kind="danger"><p>${t('main.not_loaded_do')}</p>
                <${Button} kind="secondary" onClick=${() => location.reload()}>${t('main.reload')}<//><//><//>`;
    return module ? html`<${module.default} route=${route} />` : html`<${Loading} />`;
}

// What a page's own mistake leaves: the frame stays, and other pages can be opened.
class Boundary extends Component {
    componentDidCatch(problem) {
        console.error(problem);
        this.setState({ problem });
    }
    render({ children }, { problem }) {
        return problem ? html`<${Page} title=${t('main.broken')} error>
            <p>${t('main.broken_do')}</p><${Problem} problem=${problem} /><//>` : children;
    }
}

function NotThere({ text }) {
    return html`<${Page} title=${t('main.not_there')} error><p>${text}</p>
        <p><a href="#/">${t('main.to_start')}</a></p><//>`;
}

function StudyChoice() {
    const { memberships } = useSession();
    if (memberships.length === 0)
        return html`<${Page} title=${t('main.no_study')}><p>${t('main.no_study_do')}</p><//>`;
    return html`<${Page} title=${t('main.choose_study')}>
        <ul class="plain-list">${memberships.map(({ study, role }) => html`
            <li key=${study}><a class="big-link" href=${link(study)} onClick=${() => session.choose(study)}
                >${study}</a> ${t(`role.${role}`)}</li>`)}</ul><//>`;
}

// '#/' and '#/STUDY': to the first page that the role may see.
function Home() {
    const target = PAGES.find((page) => page.menu && session.can(page.action));
    useEffect(() => {
        if (target)
            navigate(link(session.study, target.path), { replace: true });
    }, [session.study]);
    return target ? html`<${Loading} />` : html`<${NotThere} text=${t('main.nothing')} />`;
}

function StudyPage({ route }) {
    const page = findPage(route);
    const known = session.memberships.some((membership) => membership.study === route.study);
    useEffect(() => {
        if (known && session.study !== route.study)
            session.choose(route.study);
    }, [route.study, known]);
    if (!known)
        return html`<${NotThere} text=${t('main.not_your_study', { study: route.study })} />`;
    if (session.study !== route.study)
        return html`<${Loading} />`;
    if (route.page === '')
        return html`<${Home} />`;
    if (page === undefined)
        return html`<${NotThere} text=${t('main.no_page')} />`;
    if (!session.can(page.action))
        return html`<${NotThere} text=${t('main.not_allowed', { role: t(`role.${session.role}`) })} />`;
    return html`<${LazyPage} page=${page} route=${route} key=${`${page.path} ${route.visit}`} />`;
}

function Content() {
    const route = useRoute();
    const { status } = useSession();
    const own = route.study === null ? findPage(route) : undefined;
    if (own && (own.open || status === 'open'))
        return html`<${LazyPage} page=${own} route=${route} key=${`${own.path} ${route.visit}`} />`;
    if (status === 'starting')
        return html`<${Loading} />`;
    if (status !== 'open')
        return html`<${SignInPage} key=${status} />`;
    if (route.study !== null)
        return html`<${StudyPage} route=${route} />`;
    return session.study === null ? html`<${StudyChoice} />` : html`<${Home} />`;
}

function App() {
    useObserved(language);
    const route = useRoute();
    return html`<${Frame}><${Boundary} key=${route.visit}><${Content} /><//><//>`;
}

async function start() {
    await loadLanguage(preferredLanguage());
    startRouter();
    startIdle();
    startQueue();
    startDrafts();
    startUpdates();
    render(html`<${App} />`, document.getElementById('app'));
    await session.start();
}

start();
