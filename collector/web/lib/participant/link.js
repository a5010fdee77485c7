// SPDX-License-Identifier: GPL-3.0-or-later
// The token of the link, and the three requests that it opens.  No cookie goes with them: somebody else may be signed
// in with this browser.

const KEPT = 'patella.link';
const ADDRESS = '/api/v1/participant';

// Out of the address and of the history at once; kept for a reload of this tab.
export function takeToken() {
    const given = location.hash.slice(1);
    if (given !== '') {
        sessionStorage.setItem(KEPT, given);
        history.replaceState(null, '', location.pathname);
    }
    return given || sessionStorage.getItem(KEPT);
}

export function forgetToken() {
    sessionStorage.removeItem(KEPT);
}

export class LinkProblem extends Error {
    constructor(status, body) {
        super(body?.detail ?? String(status));
        this.status = status;
        this.code = body?.code ?? 'offline';
        this.problems = body?.problems ?? [];
    }
}

async function ask(token, method, path, body) {
    let reply;
    try {
        reply = await fetch(path, {
            method, credentials: 'omit', cache: 'no-store',
            headers: { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) },
            body: body && JSON.stringify(body),
        });
    } catch {
        throw new LinkProblem(0, null);
    }
    const answer = await reply.json().catch(() => null);
    if (!reply.ok)
        throw new LinkProblem(reply.status, answer);
    return answer;
}

export const openLink = (token) => ask(token, 'GET', ADDRESS);
export const keepAnswers = (token, answers) => ask(token, 'PUT', ADDRESS, answers);
export const sendAnswers = (token, answers) => ask(token, 'POST', `${ADDRESS}/submission`, answers);
