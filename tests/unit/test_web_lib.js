// SPDX-License-Identifier: GPL-3.0-or-later
// Dates, numbers, texts, places, identifiers and the session's end, as the app's modules reckon them.  The argument is
// the folder of the built app.  Prints TAP.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const web = pathToFileURL(`${process.argv[2]}/`);
const load = (name) => import(new URL(name, web));
const { setMessages, t } = await load('lib/i18n.js');
const format = await load('lib/format.js');
const { link, parseHash } = await load('lib/router.js');
const { uuid7 } = await load('lib/uuid.js');
const { observed } = await load('lib/observed.js');
const { mayDo } = await load('lib/roles.js');
const { endOf } = await load('lib/idle.js');
const { PAGES, findPage } = await load('pages.js');

const texts = Object.fromEntries(['en', 'de'].map((code) =>
    [code, JSON.parse(readFileSync(new URL(`messages/${code}.json`, web), 'utf8'))]));

let count = 0;
let failed = 0;
function test(name, body) {
    count += 1;
    try {
        body();
        console.log(`ok ${count} - ${name}`);
    } catch (error) {
        failed += 1;
        console.log(`not ok ${count} - ${name}\n${String(error.stack).replace(/^/gm, '# ')}`);
    }
}

function inGerman(body) {
    setMessages('de', texts.de);
    try {
        body();
    } finally {
        setMessages('en', texts.en);
    }
}

setMessages('en', texts.en);

test('what was typed as a date is one date or none', () => {
    const cases = [
        ['27', '3', '2026', '2026-03-27'], ['1', '03', '2026', '2026-03-01'], [' 27 ', ' 3 ', ' 2026 ', '2026-03-27'],
        ['27', 'mar', '2026', '2026-03-27'], ['27', 'March', '2026', '2026-03-27'], ['27.', '3.', '2026', '2026-03-27'],
        ['29', '2', '2024', '2024-02-29'], ['29', '2', '2026', null], ['31', '4', '2026', null],
        ['0', '3', '2026', null], ['27', '13', '2026', null], ['27', '0', '2026', null], ['27', '3', '26', null],
        ['27', 'ma', '2026', null], ['27', 'jul', '2026', '2026-07-27'], ['27', 'ju', '2026', null],
        ['', '', '', null], ['27', '', '2026', null], ['x', '3', '2026', null], ['1e1', '3', '2026', null],
        [null, undefined, '2026', null], ['1', '1', '0099', '0099-01-01'],
    ];
    for (const [day, month, year, expected] of cases)
        assert.equal(format.parseDate(day, month, year), expected, `${day} ${month} ${year}`);
});

test('months have their German names, with umlaut or without', () => inGerman(() => {
    for (const month of ['März', 'maerz'.replace('ae', 'a'), 'MÄR', 'march', '3'])
        assert.equal(format.parseDate('1', month, '2026'), '2026-03-01', month);
    assert.equal(format.parseDate('1', 'Dez', '2026'), '2026-12-01');
    assert.equal(format.parseDate('1', 'Mai', '2026'), '2026-05-01');
    assert.equal(format.parseDate('27', 'juli', '2026'), '2026-07-27');
    assert.equal(format.formatDate('2026-03-01'), '1. März 2026');
    assert.equal(format.formatNumber(1234.5, 1), '1.234,5');
}));

test('a date is written as its reader does, and no time zone moves it', () => {
    for (const zone of ['Pacific/Kiritimati', 'America/Los_Angeles', 'UTC']) {
        process.env.TZ = zone;
        assert.match(format.formatDate('2026-03-01'), /Mar 1, 2026|1 Mar 2026/);
        assert.equal(format.addDays('2026-03-28', 1), '2026-03-29');
        assert.equal(format.addDays('2026-01-01', -1), '2025-12-31');
        assert.equal(format.daysBetween('2026-03-28', '2026-03-30'), 2);   // clocks change in between
        assert.equal(format.daysBetween('2026-03-30', '2026-03-28'), -2);
        assert.equal(format.parseDate('29', '3', '2026'), '2026-03-29');
    }
    assert.equal(format.formatDate('2026-03'), 'Mar 2026');
    assert.equal(format.formatDate('2026'), '2026');
    assert.equal(format.formatDate(null), '');
});

test('numbers and sizes have as many digits as they should', () => {
    assert.equal(format.formatNumber(12), '12');
    assert.equal(format.formatNumber('62.5', 2), '62.50');
    assert.equal(format.formatNumber(null), '');
    assert.equal(format.formatNumber(0), '0');
    assert.match(format.formatBytes(150000), /^150\s?kB$/);
    assert.match(format.formatBytes(1), /^1 byte$/);
});

test('texts take their values, and the form of what is counted', () => {
    assert.equal(t('shell.waiting', { n: 1, since: '09:12' }), '1 entry waits on this device since 09:12');
    assert.equal(t('shell.waiting', { n: 3, since: '09:12' }), '3 entries wait on this device since 09:12');
    assert.equal(t('no.such.key'), 'no.such.key');
    assert.equal(t('main.not_your_study', { study: '{n}' }), 'Your account has no role in the study "{n}".');
    inGerman(() => assert.equal(t('shell.waiting', { n: 0, since: 'x' }),
        '0 Einträge warten auf diesem Gerät seit x'));
});

test('a place is read as it was written', () => {
    const hash = link('demo', 'subjects', '07-0012', { tab: 'plot', empty: '', none: null, text: 'a b&c' });
    assert.equal(hash, '#/demo/subjects/07-0012?tab=plot&text=a+b%26c');
    const { study, page, parts, query } = parseHash(hash);
    assert.deepEqual({ study, page, parts, query },
        { study: 'demo', page: 'subjects', parts: ['07-0012'], query: { tab: 'plot', text: 'a b&c' } });
    assert.equal(parseHash(link('demo', 'entry', 'a/b?c')).parts[0], 'a/b?c');
    for (const [start, page_] of [['', ''], ['#', ''], ['#/', ''], ['#/sign-in', 'sign-in'], ['#/account', 'account']])
        assert.deepEqual([parseHash(start).study, parseHash(start).page], [null, page_], start);
    assert.deepEqual(parseHash('#/first-use/TOKEN-_x').parts, ['TOKEN-_x']);
    assert.equal(parseHash('#/demo/subjects/%E0%A4%A').parts[0], '%E0%A4%A');   // no UTF-8: as it stands
});

test('each place has its page', () => {
    const pathOf = (hash) => findPage(parseHash(hash))?.path;
    assert.equal(pathOf('#/demo/subjects'), 'subjects');
    assert.equal(pathOf('#/demo/subjects/07-0012'), 'subjects/*');
    assert.equal(pathOf('#/first-use/abc'), 'first-use/*');
    assert.equal(pathOf('#/demo/nothing'), undefined);
    for (const page of PAGES)
        assert.equal(typeof mayDo('monitor', page.action), 'boolean', page.path);
    assert.throws(() => mayDo('monitor', 'fly'), /no action fly/);
});

test('UUIDs are of version 7, in the order of their times, and all different', () => {
    const pattern = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
    const made = Array.from({ length: 1000 }, () => uuid7());
    assert.ok(made.every((id) => pattern.test(id)), made[0]);
    assert.equal(new Set(made).size, made.length);
    assert.equal(uuid7(Date.UTC(2022, 1, 22, 19, 22, 22)).slice(0, 13), '017f22e2-79b0');   // RFC 9562, A.6
    assert.ok(uuid7(1000) < uuid7(2000));
});

test('who listens is told of changes only', () => {
    const source = observed({ a: 1, b: 2 });
    const told = [];
    const end = source.subscribe((value) => told.push(value));
    source.set(source.value);
    source.change({ b: 3 });
    end();
    source.change({ b: 4 });
    assert.deepEqual(told, [{ a: 1, b: 3 }]);
    assert.deepEqual(source.value, { a: 1, b: 4 });
});

test('a session ends by a pause, or after its longest time, whichever comes first', () => {
    const minute = 60000;
    const session = { idleMs: 15 * minute, expiresAt: 20 * minute, endsAt: new Date(720 * minute).toISOString() };
    assert.deepEqual(endOf(session, 4 * minute, true), [19 * minute, 'idle']);
    assert.deepEqual(endOf(session, 6 * minute, true), [20 * minute, 'idle']);    // the server was not told since
    assert.deepEqual(endOf(session, 6 * minute, false), [21 * minute, 'idle']);   // it cannot be told
    assert.deepEqual(endOf({ ...session, expiresAt: 719 * minute + 15 * minute }, 719 * minute, true),
        [720 * minute, 'long']);
});

console.log(`1..${count}`);
process.exit(failed > 0 ? 1 : 0);
