/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uploads a file of random bytes by tus-js-client, through a proxy that cuts the line again and again.
 *
 *   node upload.js PORT CERTIFICATE TOKEN BYTES CUTS      sends all
 *   node upload.js PORT CERTIFICATE TOKEN BYTES end       sends the first half, then ends the upload
 *
 * Says what happens, a line each: "cut N", "sha256 HEX", "done URL".
 */
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const https = require('https');
const net = require('net');
const tus = require('tus-js-client');

const [port, certificate, token, size, last] = process.argv.slice(2);
const cuts = last === 'end' ? 0 : Number(last);
const file = crypto.randomBytes(Number(size));
let done = 0;

/* Lets through so many bytes of each connection, as long as there are cuts to be made. */
const proxy = net.createServer((client) => {
    const server = net.connect(Number(port), '127.0.0.1');
    let room = done < cuts ? Math.floor(file.length / (cuts + 1)) : Infinity;
    const end = () => {
        client.destroy();
        server.destroy();
    };
    client.on('data', (bytes) => {
        if (bytes.length >= room) {
            client.pause();
            server.write(bytes.subarray(0, room), end);
            room = Infinity;
            done += 1;
            console.log(`cut ${done}`);
        } else {
            room -= bytes.length;
            if (!server.write(bytes))
                client.pause();
        }
    });
    server.on('drain', () => client.resume());
    server.on('data', (bytes) => client.write(bytes));
    for (const socket of [client, server]) {
        socket.on('error', end);
        socket.on('close', end);
    }
});

function fail(error) {
    console.log(`failed ${error}`);
    process.exit(1);
}

function finish(upload) {
    console.log(`sha256 ${crypto.createHash('sha256').update(file).digest('hex')}`);
    console.log(`done ${upload.url}`);
    process.exit(0);
}

proxy.listen(0, '127.0.0.1', () => {
    const agent = new https.Agent({
        ca: fs.readFileSync(certificate),
        servername: 'localhost',
        keepAlive: true,
    });
    const options = {
        endpoint: `https://127.0.0.1:${proxy.address().port}/api/v1/uploads?study=demo&site=1`,
        headers: {Authorization: `Bearer ${token}`},
        metadata: {filename: 'koos.csv', filetype: 'text/csv'},
        retryDelays: [100, 200, 400, 800].concat(new Array(40).fill(1000)),
        httpStack: new tus.DefaultHttpStack({agent}),
        onError: fail,
    };
    if (last === 'end') {
        const upload = new tus.Upload(file, {
            ...options,
            chunkSize: Math.ceil(file.length / 2),
            onChunkComplete: () => upload.abort(true).then(() => finish(upload), fail),
        });
        upload.start();
    } else {
        const upload = new tus.Upload(file, {...options, onSuccess: () => finish(upload)});
        upload.start();
    }
});
