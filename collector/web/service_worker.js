// SPDX-License-Identifier: GPL-3.0-or-later
// Opens the app without a network: its files, as of one version, and nothing of the API ever.  The build puts a line
// before this one with PATELLA_VERSION and PATELLA_FILES.  And shows a document that a page hands over (lib/view.js),
// once, out of memory: it is never in a cache.
/* global PATELLA_VERSION, PATELLA_FILES */
const CACHE = `patella-${PATELLA_VERSION}`;
const VIEW = '/view/';
const FORGOTTEN_MS = 60000;    // a document that nobody opens

// Of no origin and without scripts: what stands in it reaches neither the session nor the network.
const VIEW_HEADERS = {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
        "font-src data:; frame-ancestors 'none'",
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
};

const documents = new Map();   // id -> HTML

async function keepFiles() {
    const cache = await caches.open(CACHE);
    await cache.addAll(PATELLA_FILES.map((file) => new Request(file, { cache: 'no-cache' })));
}

async function dropOthers() {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith('patella-') && name !== CACHE)
        .map((name) => caches.delete(name)));
    await self.clients.claim();
}

// From the files of this version; what is none of them goes to the server.
async function answer(request) {
    const cache = await caches.open(CACHE);
    return await cache.match(request, { ignoreVary: true }) ?? fetch(request);
}

// The document of this id, and no second time; then the app says that it is gone.
function showOnce(id) {
    const html = documents.get(id);
    documents.delete(id);
    return html === undefined ? Response.redirect('/#/viewed') : new Response(html, { headers: VIEW_HEADERS });
}

// From pages of this origin only.
function takeDocument({ origin, source, ports, data: { view, html } }) {
    if (origin !== self.location.origin || !(source instanceof WindowClient) || typeof html !== 'string')
        return;
    documents.set(view, html);
    setTimeout(() => documents.delete(view), FORGOTTEN_MS);
    ports[0]?.postMessage('taken');
}

self.addEventListener('install', (event) => event.waitUntil(keepFiles()));
self.addEventListener('activate', (event) => event.waitUntil(dropOthers()));

self.addEventListener('fetch', (event) => {
    const { method, url, destination } = event.request;
    const { origin, pathname } = new URL(url);
    if (method !== 'GET' || origin !== self.location.origin)
        return;
    if (PATELLA_FILES.includes(pathname))
        event.respondWith(answer(event.request));
    else if (pathname.startsWith(VIEW) && destination === 'document')
        event.respondWith(showOnce(pathname.slice(VIEW.length)));
});

self.addEventListener('message', (event) => {
    if (event.data === 'take over')
        self.skipWaiting();
    else if (event.data?.view)
        takeDocument(event);
});
