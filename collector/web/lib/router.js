// SPDX-License-Identifier: GPL-3.0-or-later
// Places of the app: '#/STUDY/PAGE/PART...?QUERY', and without a study '#/sign-in', '#/first-use/TOKEN',
// '#/account', '#/viewed'.
import { useEffect } from './vendor.js';
import { useObserved } from './hooks.js';
import { observed } from './observed.js';

const WITHOUT_STUDY = ['sign-in', 'first-use', 'account', 'viewed'];

// '#/demo/subjects/07-0012?tab=plot' -> {study: 'demo', page: 'subjects', parts: ['07-0012'], query: {tab: 'plot'}}
export function parseHash(hash) {
    const [path, search = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
    const parts = path.split('/').filter((part) => part !== '').map(decode);
    const query = Object.fromEntries(new URLSearchParams(search));
    const study = parts.length > 0 && !WITHOUT_STUDY.includes(parts[0]) ? parts.shift() : null;
    return { study, page: parts.shift() ?? '', parts, query, hash, visit: 0 };
}

function decode(part) {
    try {
        return decodeURIComponent(part);
    } catch {
        return part;
    }
}

// link('demo', 'subjects', '07-0012', {tab: 'plot'}) -> its href; a last object is the query.
export function link(...parts) {
    const query = typeof parts.at(-1) === 'object' && parts.at(-1) !== null ? parts.pop() : {};
    const pairs = Object.entries(query).filter(([, value]) => ![null, undefined, ''].includes(value));
    const search = pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : '';
    return `#/${parts.map((part) => encodeURIComponent(part)).join('/')}${search}`;
}

export const route = observed(parseHash(globalThis.location?.hash ?? ''));

// Asked while a page would be left whose changes are not saved: {go, stay}.
export const leaving = observed(null);

const guards = new Set();
let shown = globalThis.location?.hash ?? '';

function isDirty() {
    return [...guards].some((guard) => guard());
}

// `visit` counts: a page is drawn from nothing for another visit, but not when its own place gets another name.
function show(hash, isSame = false) {
    shown = hash;
    route.set({ ...parseHash(hash), visit: route.value.visit + (isSame ? 0 : 1) });
}

// Goes there, after the question whether unsaved changes are to be left; `replace` takes the place of the last entry
// of the browser's history, without a question: it is the same page under its right name.
export function navigate(hash, { replace = false } = {}) {
    if (hash === shown)
        return;
    if (!replace && isDirty()) {
        leaving.set({ go: () => go(hash), stay: () => leaving.set(null) });
        return;
    }
    if (replace)
        history.replaceState(null, '', hash);
    else
        history.pushState(null, '', hash);
    show(hash, replace);
}

function go(hash) {
    guards.clear();
    leaving.set(null);
    navigate(hash);
}

// The browser's own back, or an address that was typed: the place has changed already, so it is put back.
function onPopState() {
    const wanted = location.hash;
    if (wanted === shown)
        return;
    if (!isDirty()) {
        show(wanted);
        return;
    }
    history.pushState(null, '', shown);
    leaving.set({ go: () => go(wanted), stay: () => leaving.set(null) });
}

function onClick(event) {
    const anchor = event.target.closest?.('a[href^="#/"]');
    if (!anchor || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey)
        return;
    event.preventDefault();
    navigate(anchor.getAttribute('href'));
}

export function startRouter() {
    window.addEventListener('popstate', onPopState);
    document.addEventListener('click', onClick);
    window.addEventListener('beforeunload', (event) => {
        if (isDirty())
            event.preventDefault();
    });
}

export function useRoute() {
    return useObserved(route);
}

// While `dirty` is true, leaving the page asks first.
export function useLeaveGuard(dirty) {
    useEffect(() => {
        if (!dirty)
            return undefined;
        const guard = () => true;
        guards.add(guard);
        return () => guards.delete(guard);
    }, [dirty]);
}
