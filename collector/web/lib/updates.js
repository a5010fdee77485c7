// SPDX-License-Identifier: GPL-3.0-or-later
// The service worker, which opens the app without a network, and the newer app that it has fetched.
import { observed } from './observed.js';

const LOOK_EVERY_MS = 3600000;    // in a page that stays open all day

// {apply}: loads the newer app; null while there is none.
export const updates = observed({ apply: null });

// The one policy of Trusted Types that this site has: the one script whose address is handed to the browser as text.
function workerAddress() {
    const address = '/service_worker.js';
    if (!globalThis.trustedTypes)
        return address;
    return trustedTypes.createPolicy('patella', {
        createScriptURL: (url) => {
            if (url !== address)
                throw new TypeError(`no script of ours: ${url}`);
            return url;
        },
    }).createScriptURL(address);
}

function offer(worker) {
    updates.set({
        apply: () => {
            navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
            worker.postMessage('take over');
        },
    });
}

function watch(registration) {
    if (registration.waiting !== null && navigator.serviceWorker.controller !== null)
        offer(registration.waiting);
    registration.addEventListener('updatefound', () => {
        const worker = registration.installing;
        worker.addEventListener('statechange', () => {
            if (worker.state === 'installed' && navigator.serviceWorker.controller !== null)
                offer(worker);
        });
    });
}

export async function startUpdates() {
    if (!('serviceWorker' in navigator))
        return;
    try {
        const registration = await navigator.serviceWorker.register(workerAddress());
        watch(registration);
        setInterval(() => registration.update().catch(() => {}), LOOK_EVERY_MS);
    } catch (error) {
        console.warn(`the app will not open without a network: ${error.message}`);
    }
}
