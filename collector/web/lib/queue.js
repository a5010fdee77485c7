// SPDX-License-Identifier: GPL-3.0-or-later
// Entries on their way to the server.  Each is kept encrypted on this device before it is sent, and is gone from here
// when the server has it, under its own UUID: however often it is sent, it is stored once.  What the server refuses
// stays, with what it said, until it is corrected or discarded.
import { ApiProblem, Offline, api, network } from './api.js';
import { useObserved } from './hooks.js';
import { observed } from './observed.js';
import { session } from './session.js';
import { StoreClosed, store } from './store.js';

const KIND = 'entry';
const EVERY_MS = 60000;
const NOTHING = { waiting: 0, since: null, entries: [], failed: [], others: [], sending: false };

// waiting   how many are to be sent; since: when the first of them was entered (ms)
// entries   [{id, study, submission, label, at, problem}], oldest first; problem: null, or what the server said
// failed    those of them that were refused
// others    [{account, count, since}]: what other accounts left on this device
const state = observed(NOTHING);

// What was sent in the background: (id, receipt) => ...
const listeners = new Set();

async function readOthers() {
    const rows = await store.listPlain('waiting');
    return rows.map((row) => row.value).filter((row) => row.account !== store.account && row.count > 0);
}

// Counts of this account, which may be told while nobody is signed in.
async function writeCounts(account, entries) {
    if (entries.length === 0)
        await store.removePlain('waiting', account);
    else
        await store.putPlain('waiting', account, { account, count: entries.length, since: entries[0].at });
}

async function refresh() {
    if (!store.isOpen) {
        state.set({ ...NOTHING, others: await readOthers() });
        return;
    }
    const account = store.account;
    const entries = (await store.list(KIND)).map((row) => row.value).sort((a, b) => a.at - b.at);
    await writeCounts(account, entries);
    const waiting = entries.filter((entry) => entry.problem === null);
    state.change({
        waiting: waiting.length, since: waiting[0]?.at ?? null, entries,
        failed: entries.filter((entry) => entry.problem !== null), others: await readOthers(),
    });
}

// The server did not judge it: it is sent again later.  Everything else is its answer.
function isUnjudged(error) {
    if (error instanceof Offline)
        return true;
    const { status, code } = error;
    return status === undefined || status >= 500 || [401, 408, 429].includes(status) || code === 'bad_form_token';
}

function told({ status, code, title, detail, problems, requestId }) {
    return { status, code, title, detail, problems, requestId };
}

function post(entry) {
    return api.post(api.path(entry.study, 'submissions'), entry.submission);
}

// One of the queue: true when the next may be tried.
async function sendOne(entry) {
    const account = store.account;
    try {
        const receipt = await post(entry);
        if (store.account === account)
            await store.remove(KIND, entry.id);
        for (const listener of listeners)
            listener(entry.id, receipt);
        return true;
    } catch (error) {
        if (isUnjudged(error) || store.account !== account)
            return false;
        await store.put(KIND, entry.id, { ...entry, problem: told(error) });
        return true;
    }
}

async function sendInOrder() {
    const waiting = state.value.entries.filter((entry) => entry.problem === null);
    for (const entry of waiting)
        if (session.status !== 'open' || !await sendOne(entry))
            break;
}

let sending = null;

// Sends what waits, in the order of entry; in one tab at a time where the browser can say so.
function send() {
    sending ??= (async () => {
        const exclusive = globalThis.navigator?.locks
            ? (act) => navigator.locks.request('patella.queue', act) : (act) => act();
        await exclusive(async () => {
            await refresh();
            if (store.isOpen && session.status === 'open' && state.value.waiting > 0) {
                state.change({ sending: true });
                await sendInOrder();
                await refresh();
                state.change({ sending: false });
            }
        });
    })().finally(() => { sending = null; });
    return sending;
}

async function keep(entry) {
    await store.put(KIND, entry.id, entry);
    await refresh();
}

// Without a key for this browser nothing can be kept: the entry is sent, or the page is told that it was not.
async function submitAtOnce(entry) {
    return { state: 'stored', receipt: await post(entry) };
}

// The page that sent it shows the refusal; what had been in the list of conflicts stays there.
async function keepOrForget(entry, wasRefused, error) {
    if (!store.isOpen)
        return;
    if (wasRefused)
        await store.put(KIND, entry.id, { ...entry, problem: told(error) });
    else
        await store.remove(KIND, entry.id);
}

export const queue = {
    get state() {
        return state.value;
    },
    observed: state,
    refresh,
    send,
    // Sends a submission (the body of POST .../submissions).
    // label  what the list of waiting entries calls it
    // -> {state: 'stored', receipt} or {state: 'waiting'}; throws the ApiProblem when the server refuses it
    async submit(submission, { study = session.study, label = null } = {}) {
        const entry = { id: submission.id, study, submission, label, at: Date.now(), problem: null };
        if (!store.isOpen)
            return submitAtOnce(entry);
        const wasRefused = await store.get(KIND, entry.id) !== null;
        await store.put(KIND, entry.id, entry);
        await writeCounts(store.account, [...state.value.entries, entry]);
        try {
            const receipt = await post(entry);
            await store.remove(KIND, entry.id);
            return { state: 'stored', receipt };
        } catch (error) {
            if (!isUnjudged(error)) {
                await keepOrForget(entry, wasRefused, error);
                throw error;
            }
            return { state: 'waiting', problem: error instanceof ApiProblem ? error : null };
        } finally {
            await refresh();
        }
    },
    // A refused entry again, as it is or corrected (then under a new UUID if the server has seen the old one).
    async retry(id, submission) {
        const entry = await store.get(KIND, id);
        if (submission !== undefined && submission.id !== id)
            await store.remove(KIND, id);
        await keep({ ...entry, id: submission?.id ?? id, submission: submission ?? entry.submission, problem: null });
        await send();
    },
    // Takes an entry off the queue for good; what it was and why stays on this device, for who entered it.
    async discard(id, reason) {
        const entry = await store.get(KIND, id);
        await store.put('discarded', id, { ...entry, reason, discardedAt: Date.now() });
        await store.remove(KIND, id);
        await refresh();
    },
    discarded: async () => (await store.list('discarded')).map((row) => row.value)
        .sort((a, b) => b.discardedAt - a.discardedAt),
    // The entries of an account that is disabled, by the key that the server has released to a data manager; they are
    // sent under the data manager's session.  -> {sent, refused: [{entry, problem}]}; throws Offline half-way.
    async sendReleased(account, key) {
        const theirs = await store.openReleased(account, key);
        const refused = [];
        let sent = 0;
        const entries = (await theirs.list(KIND)).map((row) => row.value).sort((a, b) => a.at - b.at);
        for (const entry of entries) {
            try {
                await post(entry);
                await theirs.remove(KIND, entry.id);
                sent += 1;
            } catch (problem) {
                if (isUnjudged(problem))
                    throw problem;
                await theirs.remove(KIND, entry.id);
                await keep({ ...entry, problem: told(problem), from: account });
                refused.push({ entry, problem });
            }
        }
        await store.removePlain('waiting', account);
        await refresh();
        return { sent, refused };
    },
    // listener(id, receipt) for each that arrives later; -> how to be forgotten
    onArrival(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
    },
};

export function useQueue() {
    return useObserved(state);
}

export function startQueue() {
    const later = () => send().catch((error) => error instanceof StoreClosed || console.error(error));
    let wasOpen = false;
    session.observed.subscribe(({ status }) => {
        if ((status === 'open') !== wasOpen) {
            wasOpen = status === 'open';
            later();
        }
    });
    network.subscribe(({ online }) => online && later());
    addEventListener('online', later);
    setInterval(() => state.value.waiting > 0 && later(), EVERY_MS);
    later();
}
