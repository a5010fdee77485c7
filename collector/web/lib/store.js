// SPDX-License-Identifier: GPL-3.0-or-later
// What stays on this device, in IndexedDB.  Secret values are encrypted under the key of account and browser, which
// the server hands out at each sign-in and which is held in memory only: after close() nobody reads them.  Their ids
// are stored as keyed hashes, since an id can name a subject.  Plain values are what is no secret: counts, times.
const DATABASE = 'patella';
const text = new TextEncoder();

// Nobody is signed in (any more) whose values these would be.
export class StoreClosed extends Error {
    constructor() {
        super('the store is closed');
        this.name = 'StoreClosed';
    }
}

let opened = null;    // {account, encryption, naming}
let database = null;

function promised(request) {
    return new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
}

function connect() {
    database ??= new Promise((resolve, reject) => {
        const request = indexedDB.open(DATABASE, 1);
        request.onupgradeneeded = () => {
            request.result.createObjectStore('secret', { keyPath: ['account', 'kind', 'name'] });
            request.result.createObjectStore('plain', { keyPath: ['kind', 'id'] });
        };
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => {
            database = null;
            reject(request.error);
        };
    });
    return database;
}

// Runs one request on an object store, done when it is durable.
async function run(name, mode, act) {
    const transaction = (await connect()).transaction(name, mode, { durability: 'strict' });
    const done = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
    });
    const result = await promised(act(transaction.objectStore(name)));
    await done;
    return result;
}

function fromBase64(base64) {
    return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function toHex(bytes) {
    return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// One key for values and one for names, both from the server's 32 bytes (HKDF-SHA-256, RFC 5869).
async function deriveKeys(account, keyBase64) {
    const master = await crypto.subtle.importKey('raw', fromBase64(keyBase64), 'HKDF', false, ['deriveKey']);
    const derive = (purpose, algorithm, uses) => crypto.subtle.deriveKey(
        { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: text.encode(`patella ${purpose}`) },
        master, algorithm, false, uses);
    return {
        account,
        encryption: await derive('values', { name: 'AES-GCM', length: 256 }, ['encrypt', 'decrypt']),
        naming: await derive('names', { name: 'HMAC', hash: 'SHA-256', length: 256 }, ['sign']),
    };
}

async function nameOf(keys, kind, id) {
    return toHex(await crypto.subtle.sign('HMAC', keys.naming, text.encode(`${kind}\n${id}`)));
}

// A value cannot be moved to another place unseen: its place is authenticated with it.
function sealing(keys, kind, name, iv) {
    return { name: 'AES-GCM', iv, additionalData: text.encode(`${keys.account}\n${kind}\n${name}`) };
}

async function seal(keys, kind, id, value) {
    const name = await nameOf(keys, kind, id);
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const bytes = await crypto.subtle.encrypt(sealing(keys, kind, name, iv), keys.encryption,
        text.encode(JSON.stringify({ id, value })));
    return { account: keys.account, kind, name, iv, bytes };
}

async function unseal(keys, row) {
    const bytes = await crypto.subtle.decrypt(sealing(keys, row.kind, row.name, row.iv), keys.encryption, row.bytes);
    return JSON.parse(new TextDecoder().decode(bytes));
}

function secretsOf(keys) {
    const range = (kind) => IDBKeyRange.bound([keys.account, kind], [keys.account, kind, []]);
    return {
        async put(kind, id, value) {
            const row = await seal(keys, kind, id, value);
            await run('secret', 'readwrite', (rows) => rows.put(row));
        },
        async get(kind, id) {
            const name = await nameOf(keys, kind, id);
            const row = await run('secret', 'readonly', (rows) => rows.get([keys.account, kind, name]));
            return row ? (await unseal(keys, row)).value : null;
        },
        async list(kind) {
            const rows = await run('secret', 'readonly', (all) => all.getAll(range(kind)));
            return Promise.all(rows.map((row) => unseal(keys, row)));
        },
        async remove(kind, id) {
            const name = await nameOf(keys, kind, id);
            await run('secret', 'readwrite', (rows) => rows.delete([keys.account, kind, name]));
        },
    };
}

function secrets() {
    if (opened === null)
        throw new StoreClosed();
    return secretsOf(opened);
}

export const store = {
    get isOpen() {
        return opened !== null;
    },
    get account() {
        return opened?.account ?? null;
    },
    // key: the server's 32 bytes in base64
    async open(account, key) {
        opened = await deriveKeys(account, key);
        // Firefox asks the user, who may leave the question open: nobody waits for the answer.
        globalThis.navigator?.storage?.persist?.().catch(() => {});
    },
    close() {
        opened = null;
    },
    // What another account left on this device, by a key that the server has released: {put, get, list, remove}.
    async openReleased(account, key) {
        return secretsOf(await deriveKeys(account, key));
    },
    put: async (kind, id, value) => secrets().put(kind, id, value),
    get: async (kind, id) => secrets().get(kind, id),
    list: async (kind) => secrets().list(kind),           // [{id, value}]
    remove: async (kind, id) => secrets().remove(kind, id),

    putPlain: (kind, id, value) => run('plain', 'readwrite', (rows) => rows.put({ kind, id, value })),
    getPlain: async (kind, id) =>
        (await run('plain', 'readonly', (rows) => rows.get([kind, id])))?.value ?? null,
    listPlain: (kind) =>
        run('plain', 'readonly', (rows) => rows.getAll(IDBKeyRange.bound([kind], [kind, []]))),   // [{id, value}]
    removePlain: (kind, id) => run('plain', 'readwrite', (rows) => rows.delete([kind, id])),
};
