// SPDX-License-Identifier: GPL-3.0-or-later
// The session's end.  The server ends it when it was not used for a while, and after its longest time.  What the
// person does here is a use of it: at most once a minute the server is told.  Two minutes before the end the page
// warns; then it locks.  While there is no network the person's own pauses count.
import { Offline, network } from './api.js';
import { observed } from './observed.js';
import { session } from './session.js';

export const WARNING_MS = 120000;
const TELL_EVERY_MS = 60000;
const TICK_MS = 1000;

// {left, canExtend}: seconds until the page locks while it warns, else null.
export const idle = observed({ left: null, canExtend: true });

let lastActivity = 0;
let lastTold = 0;
let wasOpen = false;
let noticed = false;      // that the longest time ends was read
let shares = null;        // activity of the other tabs

// When the page locks, and why: [milliseconds, 'idle' or 'long'].
export function endOf({ expiresAt, endsAt, idleMs }, activity, online) {
    const byPause = online ? Math.min(expiresAt, activity + idleMs) : activity + idleMs;
    const longest = Date.parse(endsAt);
    return byPause <= longest ? [byPause, 'idle'] : [longest, 'long'];
}

async function tellServer() {
    lastTold = Date.now();
    try {
        await session.extend();
    } catch (error) {
        if (!(error instanceof Offline) && error.status === undefined)
            throw error;
    }
}

function noteActivity(at) {
    lastActivity = Math.max(lastActivity, at);
}

// Nothing that is done while the page warns counts but the answer to it.
function onActivity() {
    if (session.status !== 'open' || idle.value.left !== null)
        return;
    const now = Date.now();
    noteActivity(now);
    if (now - lastTold >= TELL_EVERY_MS) {
        shares?.postMessage(now);
        tellServer();
    }
}

// The answer to the warning.
export async function goOn() {
    if (idle.value.canExtend) {
        noteActivity(Date.now());
        shares?.postMessage(Date.now());
        await tellServer();
    } else {
        noticed = true;
    }
    tick();
}

function tick() {
    if (session.status !== 'open') {
        idle.set(idle.value.left === null ? idle.value : { left: null, canExtend: true });
        return;
    }
    const [end, why] = endOf(session, lastActivity, network.value.online);
    const left = end - Date.now();
    if (left <= 0) {
        idle.set({ left: null, canExtend: true });
        session.lock(why);
    } else if (left <= WARNING_MS && !(why === 'long' && noticed)) {
        idle.set({ left: Math.ceil(left / 1000), canExtend: why === 'idle' });
    } else if (idle.value.left !== null) {
        idle.set({ left: null, canExtend: true });
    }
}

function onSession({ status }) {
    if (status === 'open' && !wasOpen) {
        noteActivity(Date.now());
        lastTold = Date.now();
        noticed = false;
    }
    wasOpen = status === 'open';
}

export function startIdle() {
    for (const event of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'])
        addEventListener(event, onActivity, { passive: true, capture: true });
    if ('BroadcastChannel' in globalThis) {
        shares = new BroadcastChannel('patella-activity');
        shares.addEventListener('message', ({ data }) => {
            noteActivity(data);
            if (session.status === 'open')
                tellServer().then(tick);
        });
    }
    session.observed.subscribe(onSession);
    document.addEventListener('visibilitychange', tick);
    setInterval(tick, TICK_MS);
}
