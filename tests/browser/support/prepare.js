// SPDX-License-Identifier: GPL-3.0-or-later
// Makes the database that tests are given copies of, once for each day and each change of what it is made from.
import {createHash} from 'node:crypto';
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {plant} from './seed.js';
import {command, Service, sql} from './service.js';

const state = join(process.env.BUILD, 'browser');
const seedFile = join(state, 'seed.json');

function keyOfToday() {
    const hash = createHash('sha256').update(new Date().toISOString().slice(0, 10));
    for (const folder of ['migrations/sql', 'forms/instruments', 'forms/protocols', 'ci/demo-study/data',
                          'tests/browser/support'])
        for (const name of readdirSync(folder).sort())
            hash.update(name).update(readFileSync(join(folder, name)));
    return hash.digest('hex').slice(0, 16);
}

const database = `patella_browser_seed_${keyOfToday()}`;
const there = sql('postgres', "SELECT datname FROM pg_database WHERE datname LIKE 'patella_browser_seed_%'")
    .split('\n');
const known = existsSync(seedFile) ? JSON.parse(readFileSync(seedFile, 'utf8')) : {};
if (!there.includes(database) || known.database !== database) {
    for (const name of new Set([...there, database]))
        if (name !== '')
            sql('postgres', `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    const working = `${database}_new`;
    sql('postgres', `DROP DATABASE IF EXISTS ${working} WITH (FORCE)`);
    sql('postgres', `CREATE DATABASE ${working} TEMPLATE template0 ENCODING 'UTF8'`);
    const service = new Service(working, {});
    try {
        command(join(process.env.BUILD, 'bin/patella-migrate'), ['up'],
                {env: {PGDATABASE: working, PGUSER: 'postgres'}});
        await service.start();
        const seed = await plant(service);
        for (const program of [...service.programs])
            await service.end(program);
        sql('postgres', `ALTER DATABASE ${working} RENAME TO ${database}`);
        writeFileSync(seedFile, JSON.stringify({database, ...seed}), {mode: 0o600});
    } catch (error) {
        console.error(service.log.split('\n').slice(-8).join('\n'));
        throw error;
    } finally {
        await service.stop();
    }
}
