// SPDX-License-Identifier: GPL-3.0-or-later
// Without a network: entries wait on the device, encrypted; session and browser end, the server is away; the same
// person signs in again, and each arrives once, under its own UUID.  What is refused stays until it is corrected or
// discarded.
import {randomUUID} from 'node:crypto';
import {assert, assertNoSideways, axe, newProfile, offline, shot, signIn, suite} from './support/suite.js';
import {until} from './support/service.js';

const STUDY = '/api/v1/studies/demo';
const ENTRY = '#/demo/entry/NEW?subject=01-0001&form=pain_vas&visit=M3&knee=left';
const today = new Date().toISOString().slice(0, 10);
const heading = (page, name) => page.getByRole('heading', {level: 1, name});
const header = (page, text) => page.locator('.connection').getByText(text);

function vas(subject, visit, value, knee = 'left') {
    return {id: randomUUID(), subject, form: 'pain_vas', form_version: 1, knee, visit, date: today,
            answers: {vas: value}};
}

async function useForm(page, account) {
    await page.getByLabel('Account', {exact: true}).fill(account.account);
    await page.getByLabel('Password', {exact: true}).fill(account.password);
    const {code, recovery_code: recovery} = account.secondFactor();
    if (recovery) {
        await page.getByRole('button', {name: 'Use a recovery code instead'}).click();
        await page.getByLabel('Recovery code').fill(recovery);
    } else {
        await page.getByLabel('One-time code').fill(code);
    }
    await page.getByRole('button', {name: 'Sign in'}).click();
}

function submit(page, submissions) {
    return page.evaluate(async (all) => {
        const {queue} = await import('/app/lib/queue.js');
        const states = [];
        for (const one of all)
            states.push((await queue.submit(one)).state);
        return states;
    }, submissions);
}

// Everything that this origin has stored on the device, as text: IndexedDB, and what pages keep by name.
function stored(page) {
    return page.evaluate(async () => {
        const database = await new Promise((resolve) => {
            const request = indexedDB.open('patella');
            request.onsuccess = () => resolve(request.result);
        });
        const rows = await Promise.all([...database.objectStoreNames].map((name) => new Promise((resolve) => {
            const request = database.transaction(name).objectStore(name).getAll();
            request.onsuccess = () => resolve(request.result);
        })));
        database.close();
        const text = (key, value) => (value instanceof ArrayBuffer || ArrayBuffer.isView(value)
            ? new TextDecoder('latin1').decode(value) : value);
        return JSON.stringify([rows, {...localStorage}, {...sessionStorage}], text);
    });
}

// The session ends on the server, whatever the page believes.
async function endSession(service, context) {
    const [{name, value}] = await context.cookies();
    const headers = {Cookie: `${name}=${value}`, Origin: service.url};
    const {form_token: token} = await (await fetch(`${service.url}/api/v1/session`, {headers})).json();
    const reply = await fetch(`${service.url}/api/v1/session`, {method: 'DELETE', headers: {...headers,
                                                                'X-Patella-Form': token}});
    assert.equal(reply.status, 204);
}

const idsOf = async (service, subject, person = 'carla') => (await service.as(person)
    .get(`${STUDY}/submissions?subject=${subject}&form=pain_vas&versions=all`)).submissions.map(({id}) => id);

async function openReady(page, account, route) {
    await signIn(page, account, route);
    await page.evaluate(async () => {
        await navigator.serviceWorker.ready;
        const {store} = await import('/app/lib/store.js');
        while (!store.isOpen)
            await new Promise((resolve) => { requestAnimationFrame(resolve); });
    });
}

await suite(async ({test, service}) => {
    const {anna, theresa, dora, carla} = service.accounts;
    const [profile, remove] = newProfile();
    const sent = [vas('01-0001', 'M3', '41', 'right'), vas('01-0003', 'M3', '17')];
    let typed = null;

    await test('entries that are made without a network wait on the device, and cannot be read there',
        async ({page, context}) => {
            await openReady(page, anna, ENTRY);
            const date = page.getByRole('group', {name: 'Date of the form'});
            await date.waitFor();
            await offline(page);
            const [year, month, day] = today.split('-').map(Number);
            await date.getByLabel('Day').fill(String(day));
            await date.getByLabel('Month').fill(String(month));
            await date.getByLabel('Year').fill(String(year));
            await page.getByLabel(/pain in this knee/).first().fill('62.5');
            await page.getByRole('button', {name: 'Check and send'}).click();
            await header(page, /No connection – 1 entry waits on this device since \d/).waitFor();
            typed = await page.evaluate(async () => (await import('/app/lib/queue.js')).queue.state.entries[0].id);
            await page.evaluate(() => { location.hash = '#/account'; });
            await heading(page, 'Account and settings').waitFor();
            assert.deepEqual(await submit(page, sent), ['waiting', 'waiting']);
            await header(page, /3 entries wait on this device/).waitFor();
            await page.getByRole('link', {name: 'Show', exact: true}).click();
            await heading(page, 'Entries on this device').waitFor();
            assert.equal(await page.getByRole('table').getByRole('row').count(), 4);
            await axe(page);
            await assertNoSideways(page);
            await shot(page, 'waiting', {dark: true});
            const text = await stored(page);
            assert.ok(text.includes('anna') && text.includes('waiting'), 'the counts are told');
            for (const secret of ['01-0001', '01-0003', 'pain_vas', '62.5', typed, sent[0].id])
                assert.ok(!text.includes(secret), `${secret} can be read on the device`);
            await endSession(service, context);
        }, {profile});

    await test('the app opens without its server, and tells how many wait but not what', async ({page}) => {
        await service.stopDaemon();
        await page.goto(`${service.url}/#/demo/waiting`);
        await heading(page, 'Sign in').waitFor();
        await page.getByText(/There is no connection to the server\. You can sign in when it is back/).waitFor();
        await header(page, /No connection – 3 entries wait on this device since \d/).waitFor();
        assert.ok(!(await page.content()).includes('01-0003'));
        await axe(page);
        await shot(page, 'offline-start', {widths: [360, 1440], dark: true});
        await service.startDaemon();
    }, {profile});

    await test('the same person signs in again: all arrive, once, under their UUIDs', async ({page}) => {
        assert.deepEqual((await idsOf(service, '01-0003')).includes(sent[1].id), false);
        await page.goto(`${service.url}/#/demo/waiting`);
        await heading(page, 'Sign in').waitFor();
        await useForm(page, anna);
        await heading(page, 'Entries on this device').waitFor();
        await page.getByText('No entry of yours waits on this device.').waitFor();
        const first = await idsOf(service, '01-0001');
        for (const id of [typed, sent[0].id])
            assert.equal(first.filter((one) => one === id).length, 1, id);
        assert.equal((await idsOf(service, '01-0003')).filter((one) => one === sent[1].id).length, 1);
        await header(page, /wait/).waitFor({state: 'detached'});
        assert.deepEqual(await submit(page, sent), ['stored', 'stored']);   // again: the first receipts
        assert.deepEqual(await idsOf(service, '01-0001'), first);
        assert.ok(!(await stored(page)).includes('"waiting"'));
    }, {profile});
    remove();

    await test('what the server did not judge is sent again; what it judged twice is stored once', async ({page}) => {
        await openReady(page, anna, '#/account');
        const one = vas('01-0005', 'unscheduled', '21', 'right');
        const submissions = '**/api/v1/studies/demo/submissions';
        await page.route(submissions, (route) => route.fulfill({status: 503, contentType: 'application/problem+json',
            body: JSON.stringify({type: 'x', title: 'x', status: 503, code: 'unavailable', detail: 'try again'})}));
        assert.deepEqual(await submit(page, [one]), ['waiting']);
        await header(page, /^1 entry waits on this device/).waitFor();
        await page.unroute(submissions);
        // The server stores it, and the answer is lost on its way.
        await page.route(submissions, async (route) => {
            await route.fetch();
            await route.abort('connectionreset');
        }, {times: 1});
        const send = () => page.evaluate(async () => (await import('/app/lib/queue.js')).queue.send());
        await send();
        assert.ok((await idsOf(service, '01-0005')).includes(one.id));
        await header(page, /1 entry waits/).waitFor();
        await send();
        await header(page, /waits/).waitFor({state: 'detached'});
        assert.equal((await idsOf(service, '01-0005')).filter((id) => id === one.id).length, 1);
    });

    await test('an entry that meets an ended session is kept, the page locks, and it is sent after signing in',
        async ({page, context}) => {
            await openReady(page, anna, '#/account');
            const one = vas('01-0005', 'unscheduled', '22');
            await endSession(service, context);
            assert.deepEqual(await submit(page, [one]), ['waiting']);
            await page.getByText(/^Your session has ended/).waitFor();
            await header(page, /1 entry waits on this device since/).waitFor();
            assert.ok(!(await idsOf(service, '01-0005')).includes(one.id));
            await useForm(page, anna);
            await heading(page, 'Account and settings').waitFor();
            await until('it has arrived', async () => (await idsOf(service, '01-0005')).includes(one.id));
            await header(page, /waits/).waitFor({state: 'detached'});
        });

    await test('an entry that the server refuses stays, with what it said, until it is discarded with a reason',
        async ({page}) => {
            await openReady(page, anna, '#/account');
            await offline(page);
            const exists = vas('01-0001', 'BL', '12');
            assert.deepEqual(await submit(page, [exists]), ['waiting']);
            await offline(page, false);
            await page.evaluate(async () => (await import('/app/lib/queue.js')).queue.send());
            await header(page, /1 entry was refused/).waitFor();
            await page.getByRole('link', {name: 'Show', exact: true}).click();
            const conflict = page.locator('.conflict');
            await conflict.getByText(/01-0001/).first().waitFor();
            await axe(page);
            await shot(page, 'waiting-conflict', {dark: true});
            await conflict.getByRole('button', {name: 'Discard'}).click();
            const sure = page.getByRole('dialog', {name: 'Discard this entry?'});
            await sure.waitFor();
            await axe(page);
            await sure.getByRole('button', {name: 'Keep it'}).click();
            assert.equal(await conflict.count(), 1);
            await conflict.getByRole('button', {name: 'Discard'}).click();
            await sure.getByRole('button', {name: 'Discard'}).click();
            const why = page.getByRole('dialog', {name: 'Why is it discarded?'});
            await why.getByRole('button', {name: 'Discard'}).click();
            await why.getByText('Say why, in at least 5 letters').waitFor();
            await why.getByLabel('Reason').fill('entered twice from one paper');
            await why.getByRole('button', {name: 'Discard'}).click();
            await conflict.waitFor({state: 'detached'});
            await page.getByRole('table').getByText('entered twice from one paper').waitFor();
            assert.ok(!(await idsOf(service, '01-0001')).includes(exists.id));
        });

    await test('a refused entry is opened, corrected, and arrives under its UUID', async ({page}) => {
        await openReady(page, anna, '#/account');
        await offline(page);
        const wrong = vas('01-0004', 'M3', '101');
        await submit(page, [wrong]);
        await offline(page, false);
        await page.evaluate(async () => (await import('/app/lib/queue.js')).queue.send());
        await header(page, /1 entry was refused/).waitFor();
        await page.getByRole('link', {name: 'Show', exact: true}).click();
        await page.getByRole('button', {name: 'Open and correct'}).click();
        const field = page.getByLabel(/pain in this knee/).first();
        await field.waitFor();
        assert.equal(await field.inputValue(), '101');
        await field.fill('10.1');
        await page.getByRole('button', {name: 'Check and send'}).click();
        await until('it has arrived', async () => (await idsOf(service, '01-0004')).includes(wrong.id));
        await header(page, /refused/).waitFor({state: 'detached'});
    });

    await test('entries of a disabled account are counted, and released by a data manager with a reason',
        async ({page}) => {
            const left = vas('02-0001', 'M6', '33', 'right');
            await openReady(page, theresa, '#/account');
            await offline(page);
            await submit(page, [left]);
            await page.evaluate(async () => (await import('/app/lib/session.js')).session.signOut());
            await heading(page, 'Sign in').waitFor();
            await offline(page, false);
            await signIn(page, carla, '#/demo/waiting');
            await page.getByText(/theresa: 1 entry since/).waitFor();
            assert.equal(await page.getByRole('button', {name: 'Release and send'}).count(), 0);
            await axe(page);
            await signIn(page, dora, '#/demo/waiting');
            await page.getByRole('button', {name: 'Release and send'}).click();
            const dialog = page.getByRole('dialog', {name: 'Release the entries of theresa'});
            await dialog.getByLabel('Reason').fill('has left the clinic');
            await dialog.getByRole('button', {name: 'Release and send'}).click();
            await dialog.getByRole('alert').waitFor();   // the account is not disabled yet
            service.sql(`UPDATE sec.account SET disabled_at = clock_timestamp() WHERE account = 'theresa'`);
            await dialog.getByRole('button', {name: 'Release and send'}).click();
            await page.getByText('1 entry was sent.').waitFor();
            await shot(page, 'waiting-released', {widths: [360, 1440]});
            const {submissions} = await service.as('dora')
                .get(`${STUDY}/submissions?subject=02-0001&form=pain_vas`);
            assert.equal(submissions.find(({id}) => id === left.id)?.recorded_by, 'dora');
        });
});
