// SPDX-License-Identifier: GPL-3.0-or-later
// Opens the app without a network: its files, as of one version, and nothing of the API ever.  The build puts a line
// before this one with PATELLA_VERSION and PATELLA_FILES.
/* global PATELLA_VERSION, PATELLA_FILES */
const CACHE = `patella-${PATELLA_VERSION}`;

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

self.addEventListener('install', (event) => event.waitUntil(keepFiles()));
self.addEventListener('activate', (event) => event.waitUntil(dropOthers()));

self.addEventListener('fetch', (event) => {
    const { method, url } = event.request;
    const { origin, pathname } = new URL(url);
    if (method === 'GET' && origin === self.location.origin && PATELLA_FILES.includes(pathname))
        event.respondWith(answer(event.request));
});

self.addEventListener('message', (event) => {
    if (event.data === 'take over')
        self.skipWaiting();
});
