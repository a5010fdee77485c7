// SPDX-License-Identifier: GPL-3.0-or-later
// A database and a daemon for a test program: the real ones, on a free port,
// with the certificate that Chromium believes.
import {spawn, spawnSync} from 'node:child_process';
import {mkdtempSync, openSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {Api} from './api.js';
import {Account} from './account.js';

const build = process.env.BUILD ?? 'build';
const state = process.env.BROWSER_STATE ?? join(build, 'browser');
const START_MS = 30000, STOP_MS = 20000;

/** Runs a program to its end and gives its standard output; throws with what it said when it fails. */
export function command(program, args, {env = {}, input} = {}) {
    const ended = spawnSync(program, args, {env: {...process.env, ...env}, input, encoding: 'utf8',
                                            maxBuffer: 1 << 26});
    if (ended.error || ended.status !== 0)
        throw new Error(`${program} ${args.join(' ')}: ${ended.error ?? ended.stderr}`);
    return ended.stdout;
}

export function sql(database, text) {
    return command('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database], {input: text}).trim();
}

/** Looks again and again until `look` gives something true; throws after `ms`. */
export async function until(what, look, ms = START_MS) {
    for (const end = Date.now() + ms; Date.now() < end;) {
        const found = await look();
        if (found)
            return found;
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
    throw new Error(`${what}: not within ${ms} ms`);
}

export class Service {
    constructor(database, seed) {
        this.database = database;
        this.folder = mkdtempSync(join(tmpdir(), 'patella-browser.'));
        this.logFile = join(this.folder, 'log');
        this.port = 0;
        this.seed = seed;
        this.programs = [];
    }

    /** Accounts of the seed by name; each counts its codes (account.js). */
    useAccounts() {
        this.accounts = Object.fromEntries(Object.entries(this.seed.accounts)
            .map(([name, known]) => [name, new Account(known, this.url)]));
    }

    get url() { return `https://localhost:${this.port}`; }
    get log() { return readFileSync(this.logFile, 'utf8'); }

    /** patella-admin with these arguments. */
    admin(...args) {
        return command(join(build, 'bin/patella-admin'), args, {env: this.environment()});
    }

    sql(text) { return sql(this.database, text); }

    /** The API as one of the seed's people, 'anna', 'mona', by a token; see api.js. */
    as(name) { return new Api(this.url, this.seed.tokens[name]); }

    /** Programs connect as roles of their own, so PGUSER is not for them. */
    environment() { return {PGDATABASE: this.database, PGUSER: undefined}; }

    start(settings = []) {
        const own = [`listen_port=${this.port}`, 'listen_address=127.0.0.1',
                     `certificate=${join(state, 'certificate.pem')}`, `key=${join(state, 'key.pem')}`,
                     `database=dbname=${this.database} user=patella_collector`,
                     `auth_database=dbname=${this.database} user=patella_auth`, 'catalogue_refresh_ms=200'];
        this.settings = settings;
        this.daemon = this.spawn('patellad', [...own, ...settings].flatMap((setting) => ['--set', setting]));
        return this.waitReady();
    }

    spawn(program, args) {
        const env = {...process.env, ...this.environment()};
        const log = openSync(this.logFile, 'a', 0o600);
        const child = spawn(join(build, 'bin', program), args, {env, stdio: ['ignore', log, log]});
        child.gone = new Promise((resolve) => child.once('exit', resolve));
        this.programs.push(child);
        return child;
    }

    async waitReady() {
        await until('patellad listens and is ready', async () => {
            if (this.daemon.exitCode !== null)
                throw new Error(`patellad ended:\n${this.log}`);
            const port = [...this.log.matchAll(/msg=listening .*?port=(\d+)/g)].pop();
            this.port = port ? Number(port[1]) : this.port;
            const reply = this.port ? await fetch(`${this.url}/readyz`).catch(() => null) : null;
            return reply?.ok;
        });
    }

    /** The worker that makes reports. */
    startReports() {
        this.reports = this.spawn('patella-report', ['--jobs']);
    }

    async end(program) {
        program.kill('SIGTERM');
        const killing = setTimeout(() => program.kill('SIGKILL'), STOP_MS);
        await program.gone;
        clearTimeout(killing);
        this.programs = this.programs.filter((other) => other !== program);
    }

    /** For tests of what the app does without its server: ends the daemon, and starts it again on its port. */
    stopDaemon() { return this.end(this.daemon); }
    startDaemon() { return this.start(this.settings); }

    async stop() {
        for (const program of [...this.programs])
            await this.end(program);
        sql('postgres', `DROP DATABASE IF EXISTS ${this.database} WITH (FORCE)`);
        rmSync(this.folder, {recursive: true, force: true});
    }
}

/** A database of its own from the seed, with a daemon; stop() ends and drops both. */
export async function startService(settings = []) {
    const seed = JSON.parse(readFileSync(join(state, 'seed.json'), 'utf8'));
    const database = `patella_browser_${process.pid}`;
    sql('postgres', `DROP DATABASE IF EXISTS ${database} WITH (FORCE)`);
    sql('postgres', `CREATE DATABASE ${database} TEMPLATE ${seed.database}`);
    sql(database, 'SELECT patella_meta.close_database()');   // privileges of a database are not copied with it
    const service = new Service(database, seed);
    try {
        await service.start(settings);
        service.useAccounts();
    } catch (error) {
        await service.stop();
        throw error;
    }
    return service;
}
