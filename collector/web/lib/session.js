// SPDX-License-Identifier: GPL-3.0-or-later
// Who is signed in, and what that opens.
//   starting  nothing is known yet
//   none      nobody is signed in
//   open      somebody is
//   locked    the session has ended while pages were open: their data is gone from memory, the place is kept
import { Offline, api } from './api.js';
import { useObserved } from './hooks.js';
import { observed } from './observed.js';
import { mayDo } from './roles.js';
import { store } from './store.js';
import { uuid7 } from './uuid.js';

const LOCK_PATIENCE_MS = 3000;
const ENDING = 'patella.ending';    // in localStorage while the server has not been told that the session is over
const NOBODY = {
    account: null, fullName: null, memberships: [], study: null, role: null, sites: [], allSites: false,
    secondFactor: false, confirmedAt: null, expiresAt: null, endsAt: null, idleMs: null, recoveryCodesLeft: null,
    why: null,
};
const current = observed({ ...NOBODY, status: 'starting' });
const beforeLock = new Set();
const tabs = 'BroadcastChannel' in globalThis ? new BroadcastChannel('patella') : null;

// Asked by a page that signs: {resolve} while the dialog stands.
export const confirmation = observed(null);

export const session = {
    can: (action) => current.value.role !== null && mayDo(current.value.role, action),
    observed: current,
};
for (const field of [...Object.keys(NOBODY), 'status'])
    Object.defineProperty(session, field, { get: () => current.value[field], enumerable: true });

export function useSession() {
    useObserved(current);
    return session;
}

// Saves what would be lost, before the session's keys leave memory; returns how to be forgotten.
export function onLock(save) {
    beforeLock.add(save);
    return () => beforeLock.delete(save);
}

// This browser's name towards the server, which keeps a key for it.
export function browserId() {
    let id = localStorage.getItem('patella.browser');
    if (id === null) {
        id = uuid7();
        localStorage.setItem('patella.browser', id);
    }
    return id;
}

async function openStore(account) {
    if (store.isOpen && store.account === account)
        return;
    try {
        const reply = await api.post('/session/offline-key', { browser: browserId() });
        await store.open(account, reply.key);
    } catch (error) {
        store.close();
        if (!(error instanceof Offline))
            console.warn(`entries cannot be kept on this device: ${error.message}`);
    }
}

function membershipOf(memberships, study) {
    const found = memberships.find((membership) => membership.study === study);
    return found === undefined ? { study: null, role: null, sites: [], allSites: false }
        : { study, role: found.role, sites: found.sites, allSites: found.all_sites };
}

function firstStudy(memberships) {
    const last = localStorage.getItem('patella.study');
    const known = memberships.map((membership) => membership.study);
    if (known.length === 1)
        return known[0];
    return known.includes(last) ? last : null;
}

// How long the server waits for the next use; by its clock, since ours may be wrong.
function idleOf(reply, body) {
    const now = Date.parse(reply.headers.get('Date'));
    return Math.max(0, Date.parse(body.expires_at) - (Number.isNaN(now) ? Date.now() : now));
}

// Asks who is signed in, which is a use of the session too.
async function refresh() {
    const reply = await api.ask('GET', '/session');
    const body = await reply.json();
    const left = idleOf(reply, body);
    api.formToken = body.form_token;
    const study = membershipOf(body.memberships, session.study).study ?? firstStudy(body.memberships);
    return {
        account: body.account, fullName: body.full_name, memberships: body.memberships,
        secondFactor: body.second_factor, confirmedAt: body.confirmed_at, endsAt: body.ends_at,
        expiresAt: Date.now() + left, idleMs: Math.max(left, session.idleMs ?? 0),
        ...membershipOf(body.memberships, study),
    };
}

async function open(more) {
    const fields = await refresh();
    await openStore(fields.account);
    current.set({ ...NOBODY, ...fields, ...more, status: 'open' });
}

// Without a network the server does not hear of it, and the cookie stays: then the next start of a page tells it.
async function endOnServer() {
    localStorage.setItem(ENDING, 'yes');
    try {
        await api.delete('/session', { timeout: LOCK_PATIENCE_MS });
    } catch (error) {
        if (error instanceof Offline || error.status >= 500)
            return;
    }
    localStorage.removeItem(ENDING);
}

async function endLate() {
    try {
        api.formToken = (await (await api.ask('GET', '/session')).json()).form_token;
        await api.delete('/session', { timeout: LOCK_PATIENCE_MS });
    } catch (error) {
        if (error.status !== 401)
            throw error;
    }
    localStorage.removeItem(ENDING);
}

// At the page's start: goes on with a session that the browser has a cookie of, unless it was signed out of.
session.start = async () => {
    try {
        if (localStorage.getItem(ENDING) !== null)
            await endLate();
        await open({});
    } catch (error) {
        current.set({ ...NOBODY, status: 'none', why: error instanceof Offline ? 'offline' : null });
    }
};

// factors: {account, password, code or recovery_code}
session.signIn = async (factors) => {
    const reply = await api.post('/session', { ...factors, cookie: true });
    api.formToken = reply.form_token;
    localStorage.removeItem(ENDING);
    await open({ recoveryCodesLeft: reply.recovery_codes_left });
    tabs?.postMessage({ what: 'signed_in', account: reply.account });
};

session.choose = (study) => {
    localStorage.setItem('patella.study', study);
    current.change(membershipOf(session.memberships, study));
};

// Uses the session, so that it goes on for its whole idle time.
session.extend = async () => {
    try {
        current.change(await refresh());
    } catch (error) {
        if (error.status === 401)
            await lock('ended');
        else
            throw error;
    }
};

function leave(status, why) {
    store.close();
    api.formToken = null;
    confirmation.value?.resolve(false);
    confirmation.set(null);
    current.set(status === 'locked' ? { ...NOBODY, account: session.account, status, why }
        : { ...NOBODY, status, why });
}

// Saves, but does not wait for ever: a lock that does not come is worse than a draft of a minute ago.
async function saveAll() {
    const saved = Promise.allSettled([...beforeLock].map(async (save) => save()));
    await Promise.race([saved, new Promise((resolve) => { setTimeout(resolve, LOCK_PATIENCE_MS); })]);
}

let locking = null;

// why: 'idle', 'ended' (on the server), 'elsewhere' (in another tab), 'long' (its twelve hours are over)
function lock(why) {
    if (session.status !== 'open')
        return Promise.resolve();
    locking ??= (async () => {
        await saveAll();
        if (why === 'idle')
            await endOnServer();
        leave('locked', why);
        if (why !== 'elsewhere')
            tabs?.postMessage({ what: 'locked' });
        locking = null;
    })();
    return locking;
}
session.lock = lock;

session.signOut = async () => {
    await saveAll();
    await endOnServer();
    leave('none', 'signed_out');
    tabs?.postMessage({ what: 'locked' });
};

// A signature's confirmation: resolves to true when password or code were right, false when the dialog was closed.
export function confirmIdentity() {
    return new Promise((resolve) => confirmation.set({ resolve }));
}

// factors as for signIn, without the account.  The session has a new token afterwards.
export async function confirmWith(factors) {
    const reply = await api.post('/session/confirm', factors);
    api.formToken = reply.form_token;
    await session.extend();
    confirmation.value?.resolve(true);
    confirmation.set(null);
}

api.onLost = () => lock('ended');

// A confirmation in another tab gives the session a new token.  When somebody else has signed in there, the cookie is
// theirs, and nothing more is done here in the name of whom this page shows.
api.onStaleToken = async () => {
    const body = await (await api.ask('GET', '/session')).json();
    if (body.account !== session.account) {
        lock('elsewhere');
        return false;
    }
    api.formToken = body.form_token;
    return true;
};

tabs?.addEventListener('message', ({ data }) => {
    if (data.what === 'locked' || (data.what === 'signed_in' && data.account !== session.account))
        lock('elsewhere');
    if (data.what === 'signed_in' && session.status !== 'open' && [null, data.account].includes(session.account))
        session.start();
});
