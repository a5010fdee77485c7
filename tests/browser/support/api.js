// SPDX-License-Identifier: GPL-3.0-or-later
// The API as a test calls it beside the app: to prepare what a page shows, and to look what has become of it.

export class Api {
    constructor(url, token) {
        this.url = url;
        this.token = token;
    }

    /** {status, type, body}: the body as JSON where it is some, else as text. */
    async send(method, path, body, headers = {}) {
        const json = body !== undefined && typeof body !== 'string';
        const reply = await fetch(this.url + path, {
            method,
            headers: {...(this.token ? {Authorization: `Bearer ${this.token}`} : {}),
                      ...(json ? {'Content-Type': 'application/json'} : {}), ...headers},
            body: json ? JSON.stringify(body) : body,
        });
        const text = await reply.text();
        const type = reply.headers.get('Content-Type') ?? '';
        return {status: reply.status, type, body: type.includes('json') ? JSON.parse(text) : text};
    }

    /** The body; throws when the answer is no success. */
    async call(method, path, body, headers) {
        const reply = await this.send(method, path, body, headers);
        if (reply.status < 200 || reply.status > 299)
            throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
        return reply.body;
    }

    get(path) { return this.call('GET', path); }
    post(path, body) { return this.call('POST', path, body); }
}
