// SPDX-License-Identifier: GPL-3.0-or-later
// Shows a document that the server has made, a report, in a tab of its own.  The app's pages allow neither its styles
// nor a frame for it; so it is handed to the service worker, which answers '/view/ID' with it once, from memory, as a
// document of no origin in which no script runs.
import { observed } from './observed.js';

const ACKNOWLEDGED_MS = 5000;

const workers = globalThis.navigator?.serviceWorker;

// Whether documents can be shown: a service worker controls this page.
export const viewing = observed(Boolean(workers?.controller));
workers?.addEventListener('controllerchange', () => viewing.set(workers.controller !== null));

// The service worker has not taken the document: there is none, or it is of an app from before there were views.
export class NotShown extends Error {
    constructor() {
        super('no service worker shows documents');
        this.name = 'NotShown';
    }
}

function handOver(id, html) {
    return new Promise((resolve, reject) => {
        const { port1, port2 } = new MessageChannel();
        const patience = setTimeout(() => reject(new NotShown()), ACKNOWLEDGED_MS);
        port1.onmessage = () => {
            clearTimeout(patience);
            port1.close();
            resolve();
        };
        workers.controller.postMessage({ view: id, html }, [port2]);
    });
}

// Opens a new tab with this HTML; throws NotShown.
export async function showDocument(html) {
    if (!workers?.controller)
        throw new NotShown();
    const id = crypto.randomUUID();
    await handOver(id, html);
    open(`/view/${id}`, '_blank', 'noopener');
}
