// SPDX-License-Identifier: GPL-3.0-or-later
// Requests to the collector, and what it refuses.  Paths are relative to /api/v1.
import { observed } from './observed.js';
import { store } from './store.js';

const BASE = '/api/v1';
const TIMEOUT_MS = 60000;

// {online, since}: whether the last request reached the server, and when that changed.
export const network = observed({ online: true, since: null });

// A refusal of the server: what it said, as application/problem+json tells it.
export class ApiProblem extends Error {
    constructor(status, body, headers) {
        super(body.detail ?? body.title ?? String(status));
        this.name = 'ApiProblem';
        this.status = status;
        this.code = body.code ?? 'unavailable';
        this.title = body.title ?? '';
        this.detail = body.detail ?? '';
        this.problems = body.problems ?? [];
        this.body = body;
        this.requestId = headers.get('X-Request-Id');
        const wait = headers.get('Retry-After');
        this.retryAfter = wait === null ? null : Number(wait);
    }
}

// The request did not reach the server, or no answer came back: whether it was done is not known.
export class Offline extends Error {
    constructor() {
        super('no connection');
        this.name = 'Offline';
    }
}

let formToken = null;
let onLost = () => {};
let onStaleToken = async () => false;

function noteNetwork(online) {
    if (network.value.online !== online)
        network.set({ online, since: Date.now() });
}

// The signal of a request: the caller's, and the end of our patience.
function withDeadline(signal, timeout) {
    const deadline = AbortSignal.timeout(timeout ?? TIMEOUT_MS);
    return signal ? AbortSignal.any([signal, deadline]) : deadline;
}

function address(path, query) {
    const pairs = Object.entries(query ?? {}).filter(([, value]) => ![null, undefined, ''].includes(value));
    return BASE + path + (pairs.length > 0 ? `?${new URLSearchParams(pairs)}` : '');
}

async function send(method, path, { body, query, signal, timeout, headers } = {}) {
    const init = { method, headers: { ...headers }, credentials: 'same-origin', cache: 'no-store' };
    init.signal = withDeadline(signal, timeout);
    if (formToken !== null)
        init.headers['X-Patella-Form'] = formToken;
    if (body !== undefined) {
        init.headers['Content-Type'] ??= 'application/json';
        init.body = typeof body === 'string' || body instanceof Blob ? body : JSON.stringify(body);
    }
    try {
        const reply = await fetch(address(path, query), init);
        noteNetwork(true);
        return reply;
    } catch (error) {
        if (signal?.aborted)
            throw error;
        noteNetwork(false);
        throw new Offline();
    }
}

async function readProblem(reply) {
    let body = {};
    try {
        body = await reply.json();
    } catch {
        // Somebody between the server and us has answered: the status is all that is known.
    }
    return new ApiProblem(reply.status, body, reply.headers);
}

function endsSession(problem, path) {
    return problem.status === 401 && problem.code !== 'login_failed' && path !== '/session' &&
        !path.startsWith('/invitations/');
}

// The answer itself, for what is no JSON.
async function ask(method, path, options = {}) {
    let reply = await send(method, path, options);
    if (reply.ok)
        return reply;
    let problem = await readProblem(reply);
    if (problem.code === 'bad_form_token' && await onStaleToken()) {
        reply = await send(method, path, options);
        if (reply.ok)
            return reply;
        problem = await readProblem(reply);
    }
    if (endsSession(problem, path))
        onLost(problem);
    throw problem;
}

async function readBody(reply) {
    if (reply.status === 204)
        return null;
    const type = reply.headers.get('Content-Type') ?? '';
    return type.includes('json') ? reply.json() : reply.text();
}

function markStale(data, at) {
    if (data !== null && typeof data === 'object')
        Object.defineProperty(data, '$stale', { value: at });
    return data;
}

// The answer is kept on this device, encrypted, and stands in for the server while there is no network; then
// data.$stale says from when it is.
async function getKept(path, options) {
    const id = address(path, options.query);
    try {
        const data = await readBody(await ask('GET', path, options));
        if (store.isOpen)
            await store.put('reply', id, { at: Date.now(), data }).catch(() => {});
        return data;
    } catch (error) {
        const kept = error instanceof Offline && store.isOpen ? await store.get('reply', id) : null;
        if (!kept)
            throw error;
        return markStale(kept.data, kept.at);
    }
}

function saveFile(blob, name) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

export const api = {
    // options: {query, signal, timeout (ms), headers, offline: true (keep the answer for when there is no network)}
    async get(path, options = {}) {
        return options.offline ? getKept(path, options) : readBody(await ask('GET', path, options));
    },
    async post(path, body, options) {
        return readBody(await ask('POST', path, { ...options, body: body ?? {} }));
    },
    async put(path, body, options) {
        return readBody(await ask('PUT', path, { ...options, body }));
    },
    async delete(path, options) {
        return readBody(await ask('DELETE', path, options));
    },
    // The Response of any method, for headers and for bodies that are no JSON.
    ask,
    // Gets a file and hands it to the browser's downloads under this name.
    async download(path, name, options) {
        const reply = await ask('GET', path, options);
        saveFile(await reply.blob(), name);
    },
    // '/studies/STUDY/PART/...', each part encoded.
    path(study, ...parts) {
        return ['/studies', study, ...parts].map((part, i) => (i === 0 ? part : encodeURIComponent(part))).join('/');
    },
    get formToken() {
        return formToken;
    },
    set formToken(token) {
        formToken = token;
    },
    // Who is told, with the problem, that the session has ended on the server.
    set onLost(listener) {
        onLost = listener;
    },
    // Who is asked for the form token of now when another tab has renewed the session; false when there is none.
    set onStaleToken(renew) {
        onStaleToken = renew;
    },
};
