// SPDX-License-Identifier: GPL-3.0-or-later
// The bytes of a file on their way, by tus: a line that is cut goes on where it was, and so does a file that is chosen
// again after the page was closed.  What is known of a file that is under way stands in localStorage: its name, its
// size and the upload's address.
import { api } from '../../lib/api.js';

const RETRY_MS = [0, 1000, 3000, 5000, 10000, 20000, 30000];
const PIECE_BYTES = 4 << 20;

// The same file for the same study and settings: only then are bytes that are there already its own.
function fingerprintOf(file, study, query) {
    return ['patella', study, ...Object.entries(query).flat(), file.name, file.size, file.lastModified].join(' ');
}

async function loadClient() {
    if (!globalThis.tus)
        await import('../../vendor/tus.js');
    return globalThis.tus;
}

// The id of the upload at an address that the server gave.
export function idOfAddress(address) {
    return /\/uploads\/([0-9a-f-]{36})/.exec(address ?? '')?.[1] ?? null;
}

// What the server said instead of taking the bytes, as lib/ui.js shows it.
function problemOf(error) {
    const reply = error.originalResponse;
    if (!reply)
        return error;
    let body = {};
    try {
        body = JSON.parse(reply.getBody());
    } catch {
        body = { detail: error.message };
    }
    return { status: reply.getStatus(), code: body.code, title: body.title, detail: body.detail ?? error.message,
             problems: body.problems ?? [], requestId: reply.getHeader('X-Request-Id') };
}

// Sends a file.  query  {form, profile, site}, what is empty left out; only for a new upload
//                address  of an upload that was begun, whose first bytes are there; null: looked up by the file
//                on     {progress(bytes, size), known(id), done(id), failed(problem)}; known as soon as there is an id
// -> {stop()}
export async function sendFile(file, study, { query = {}, address = null, on }) {
    const tus = await loadClient();
    const search = new URLSearchParams({ study, ...query });
    const upload = new tus.Upload(file, {
        endpoint: `/api/v1/uploads?${search}`,
        metadata: { filename: file.name },
        chunkSize: PIECE_BYTES,
        retryDelays: RETRY_MS,
        removeFingerprintOnSuccess: true,
        fingerprint: async () => fingerprintOf(file, study, query),
        onBeforeRequest: (request) => request.setHeader('X-Patella-Form', api.formToken ?? ''),
        onShouldRetry: (error) => {
            const status = error.originalResponse?.getStatus() ?? 0;
            return status === 0 || status === 409 || status === 423 || status >= 500;
        },
        onUploadUrlAvailable: () => on.known?.(idOfAddress(upload.url)),
        onProgress: (bytes, size) => on.progress(bytes, size),
        onSuccess: () => on.done(idOfAddress(upload.url)),
        onError: (error) => on.failed(problemOf(error)),
    });
    const before = address ? [] : await upload.findPreviousUploads();
    if (address)
        upload.url = address;
    else if (before.length > 0)
        upload.resumeFromPreviousUpload(before.at(-1));
    upload.start();
    return { stop: () => upload.abort() };
}
