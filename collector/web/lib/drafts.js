// SPDX-License-Identifier: GPL-3.0-or-later
// Drafts: on the server, which every browser of the same account sees, and on this device while there is no network.
// A draft is {id, study, subject, knee, form, form_version, visit, instance, version, date, reason, answers,
// not_answered, confirmed, section, second_of, revision}; the id is the UUID that the submission will have.
import { ApiProblem, Offline, api, network } from './api.js';
import { session } from './session.js';
import { StoreClosed, store } from './store.js';

const KIND = 'draft';
const GONE = 'draft_gone';

function pathOf(study, ...parts) {
    return api.path(study, 'drafts', ...parts);
}

function bodyOf({ id, study, saved_at: savedAt, revision = 0, ...rest }) {
    return { ...rest, revision };
}

async function keepHere(draft, dirty) {
    if (store.isOpen)
        await store.put(KIND, draft.id, { draft, dirty });
}

async function findHere(id) {
    return store.isOpen ? store.get(KIND, id) : null;
}

async function forgetHere(id) {
    if (store.isOpen)
        await store.remove(KIND, id);
}

async function putOnServer(draft) {
    const reply = await api.put(pathOf(draft.study, draft.id), bodyOf(draft));
    const saved = { ...draft, revision: reply.revision, saved_at: reply.saved_at };
    await keepHere(saved, false);
    return saved;
}

async function findOnServer(study, id) {
    try {
        return { ...await api.get(pathOf(study, id)), study };
    } catch (error) {
        if (error.status === 404)
            return null;
        throw error;
    }
}

// What cannot be judged now is tried again when there is a network.
function isLater(error) {
    return error instanceof Offline || error instanceof StoreClosed ||
        (error instanceof ApiProblem && (error.status >= 500 || error.status === 401));
}

let syncing = null;

async function sendDirty() {
    const { account } = store;
    const isMine = () => session.status === 'open' && store.account === account;
    if (account === null || !isMine())
        return;
    for (const { id, value: study } of await store.list(GONE)) {
        await api.delete(pathOf(study, id)).catch((error) => {
            if (error.status !== 404)
                throw error;
        });
        await store.remove(GONE, id);
    }
    for (const { value: { draft, dirty } } of await store.list(KIND))
        if (dirty && isMine())
            await putOnServer(draft).catch((error) => {
                if (isLater(error))
                    throw error;
                // The server has another one, or refuses this one: its page says so when it is opened.
            });
}

export const drafts = {
    // Saves on this device first, then on the server -> the draft with its new revision, and where: 'server' or
    // 'device'.  Throws the ApiProblem when the server refuses: `draft_changed` has the stored one in
    // problem.body.draft.
    async save(draft) {
        const whole = { study: session.study, revision: 0, ...draft };
        await keepHere({ ...whole, saved_at: new Date().toISOString() }, true);
        try {
            return { ...await putOnServer(whole), where: 'server' };
        } catch (error) {
            if (!isLater(error) || !store.isOpen)
                throw error;
            return { ...whole, saved_at: new Date().toISOString(), where: 'device' };
        }
    },
    // -> the draft or null; `conflict` holds the server's when both have changed.
    async load(id, study = session.study) {
        const here = await findHere(id);
        let there;
        try {
            there = await findOnServer(study, id);
        } catch (error) {
            if (!isLater(error) || here === null)
                throw error;
            return { ...here.draft, where: 'device' };
        }
        if (here === null || !here.dirty)
            return there === null ? null : { ...there, where: 'server' };
        if (there !== null && there.revision > (here.draft.revision ?? 0))
            return { ...here.draft, where: 'device', conflict: there };
        return { ...here.draft, where: 'device' };
    },
    // Own drafts, those that only this device has too -> [draft]
    async list({ study = session.study, subject } = {}) {
        const rows = store.isOpen ? await store.list(KIND) : [];
        const here = rows.map((row) => row.value)
            .filter(({ draft }) => draft.study === study && (subject === undefined || draft.subject === subject));
        let there;
        try {
            there = (await api.get(pathOf(study), { query: { subject } })).drafts;
        } catch (error) {
            if (!isLater(error))
                throw error;
            return here.map(({ draft }) => ({ ...draft, where: 'device' }));
        }
        const dirty = here.filter((row) => row.dirty).map((row) => row.draft);
        const known = new Set(dirty.map((draft) => draft.id));
        return [...dirty.map((draft) => ({ ...draft, where: 'device' })),
                ...there.filter((draft) => !known.has(draft.id))
                    .map((draft) => ({ ...draft, study, where: 'server' }))];
    },
    async remove(id, study = session.study) {
        await forgetHere(id);
        try {
            await api.delete(pathOf(study, id));
        } catch (error) {
            if (isLater(error) && store.isOpen)
                await store.put(GONE, id, study);
            else if (error.status !== 404)
                throw error;
        }
    },
    // Sends what only this device has.
    sync() {
        syncing ??= sendDirty().catch((error) => {
            if (!isLater(error))
                throw error;
        }).finally(() => { syncing = null; });
        return syncing;
    },
};

export function startDrafts() {
    const later = () => drafts.sync().catch((error) => console.error(error));
    let wasOpen = false;
    session.observed.subscribe(({ status }) => {
        if (status === 'open' && !wasOpen)
            later();
        wasOpen = status === 'open';
    });
    network.subscribe(({ online }) => online && later());
}
