// SPDX-License-Identifier: GPL-3.0-or-later
// Files in the app: sent, looked at, stored, taken back; on a line that is cut, and by a page that is loaded anew.
import {createHash, randomBytes} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {dateAgo} from './support/seed.js';
import {assert, assertNoSideways, axe, shot, signIn, suite} from './support/suite.js';
import {until} from './support/service.js';

const folder = mkdtempSync(join(tmpdir(), 'patella-files.'));
const HEADER = 'subject,knee,visit,date,vas';

function csv(name, rows) {
    const path = join(folder, name);
    writeFileSync(path, `${[HEADER, ...rows].join('\n')}\n`);
    return path;
}

async function baseline(service, subject) {
    const list = await service.as('anna').get(`/api/v1/studies/demo/submissions?subject=${subject}&form=pain_vas`);
    return list.submissions.find((one) => one.visit === 'BL' || one.content?.visit === 'BL');
}

async function upload(page, path) {
    await page.getByLabel('File', {exact: true}).setInputFiles(path);
    await page.getByLabel('What the rows are').selectOption('form pain_vas');
    await page.getByRole('button', {name: 'Upload and look at the changes'}).click();
}

const fileOf = (service, id) => service.as('anna').get(`/api/v1/uploads/${id}?study=demo`);
const stateOf = async (service, id) => (await fileOf(service, id)).state;
const idOf = (page) => /uploads\/([0-9a-f-]{36})/.exec(page.url())?.[1];

await suite(async ({test, service}) => {
    const {anna, stefan, mona} = service.accounts;

    await test('the empty ledger says so, and what is missing is said beside the field', async ({page}) => {
        await signIn(page, anna, '#/demo/uploads');
        await page.getByText('No file has been uploaded yet.').waitFor();
        await page.getByRole('button', {name: 'Upload and look at the changes'}).click();
        await page.getByRole('heading', {name: 'There is a problem'}).waitFor();
        await axe(page);
        await shot(page, 'uploads-empty');
        await assertNoSideways(page);
    });

    const first = await baseline(service, '01-0001');
    await test('a file is looked at row by row, stored with a reason and taken back with one', async ({page}) => {
        const path = csv('vas of the summer, second export with a long name.csv', [
            `01-0001,${first.knee},M3,${dateAgo(0)},33`,
            `01-0001,${first.knee},BL,${first.date},12`,
            `01-9999,left,M3,${dateAgo(0)},20`,
            `01-0003,left,M3,${dateAgo(0)},140`,
        ]);
        await signIn(page, anna, '#/demo/uploads');
        await upload(page, path);
        await page.getByRole('heading', {name: 'Store these rows?'}).waitFor();
        const refused = page.getByRole('button', {name: /2\s*refused/});
        assert.equal(await refused.getAttribute('aria-pressed'), 'true');
        await page.getByRole('rowheader', {name: '4', exact: true}).waitFor();
        await axe(page);
        await shot(page, 'uploads-preview', {dark: true});
        await assertNoSideways(page);
        await page.getByRole('button', {name: /1\s*changed/}).click();
        await page.getByRole('cell', {name: /vas.*12/}).waitFor();
        await shot(page, 'uploads-preview-changed');

        const downloading = page.waitForEvent('download');
        await page.getByRole('button', {name: 'Download refused rows'}).click();
        const text = readFileSync(await (await downloading).path(), 'utf8');
        assert.match(text, /01-9999/);
        assert.match(text, /error_text/);

        await page.getByRole('button', {name: 'Store the 2 good rows'}).or(page.getByRole('button',
            {name: 'Store 2 rows'})).click();
        await page.getByRole('heading', {name: 'There is a problem'}).waitFor();
        await axe(page);
        await shot(page, 'uploads-reason-missing', {widths: [360]});
        await page.getByLabel('Why do stored records change?').fill('read again from the paper forms');
        await page.getByRole('button', {name: 'Store 2 rows'}).click();
        await page.getByText('New: 1. Changed: 1. Unchanged: 0. Refused: 2.').waitFor();
        assert.equal(await stateOf(service, idOf(page)), 'committed');
        assert.equal((await baseline(service, '01-0001')).version, 2);
        await axe(page);
        await shot(page, 'uploads-receipt');

        await page.getByRole('button', {name: 'Take back'}).click();
        await page.getByLabel('Why is this file taken back?').fill('the export was of another visit');
        await axe(page);
        await shot(page, 'uploads-take-back', {widths: [360, 1440]});
        await page.getByRole('dialog').getByRole('button', {name: 'Take back'}).click();
        await page.getByText('the export was of another visit').waitFor();
        assert.equal((await baseline(service, '01-0001')).version, 3);
        await page.getByRole('link', {name: 'All files'}).click();
        await page.getByRole('link', {name: /vas of the summer/}).waitFor();
        await axe(page);
        await shot(page, 'uploads-ledger');
    });

    await test('a file that is no such file is refused with what to do', async ({page}) => {
        const path = join(folder, 'letter.csv');
        writeFileSync(path, 'Dear colleague;\nplease find\n');
        await signIn(page, anna, '#/demo/uploads');
        await upload(page, path);
        await page.getByText('This file cannot be taken').waitFor();
        await axe(page);
        await shot(page, 'uploads-refused');
    });

    await test('a line that is cut and a page that is loaded anew cost no byte twice', async ({page, context}) => {
        const path = join(folder, 'large.csv');
        const bytes = randomBytes(9 << 20).toString('base64').replace(/(.{96})/g, '$1\n');
        writeFileSync(path, `${HEADER}\n${bytes}`);
        const wire = await context.newCDPSession(page);
        const network = (away) => wire.send('Network.emulateNetworkConditions',
            {offline: away, latency: 0, downloadThroughput: -1, uploadThroughput: 1500000});
        const sent = [];
        page.on('request', (request) => request.method() === 'PATCH' &&
            sent.push(Number(request.headers()['upload-offset'])));
        await signIn(page, anna, '#/demo/uploads');
        await network(false);
        await upload(page, path);
        const bar = page.getByRole('progressbar');
        const share = async () => await bar.count() > 0 ? bar.evaluate((one) => one.value / one.max) : 0;
        await until('some of it is sent', async () => await share() > 0.25);
        await shot(page, 'uploads-sending', {widths: [360, 1440]});
        await network(true);
        await until('the browser tells the page', () => page.evaluate(() => !navigator.onLine));
        await network(false);
        await until('more of it is sent', async () => await share() > 0.55);
        const [{id}] = (await service.as('anna').get('/api/v1/uploads?study=demo&state=receiving')).uploads;
        sent.length = 0;
        await page.reload();
        await page.getByRole('link', {name: 'large.csv'}).click();
        await page.getByRole('heading', {name: 'Not all of it has arrived'}).waitFor();
        await axe(page);
        await shot(page, 'uploads-go-on');
        await page.getByLabel('File', {exact: true}).setInputFiles(path);
        await page.getByRole('button', {name: 'Go on'}).click();
        await until('the server has judged it', async () =>
            !['receiving', 'queued', 'checking'].includes(await stateOf(service, id)), 120000);
        assert.ok(sent[0] > 4 << 20, `it went on at ${sent[0]}`);
        const hash = createHash('sha256').update(readFileSync(path)).digest('hex');
        await page.getByText(hash).waitFor();
        assert.equal(service.sql("SELECT count(*) FROM upload.file WHERE name = 'large.csv'"), '1');
    });

    await test('statisticians see the ledger and no rows; monitors see rows and store none', async ({page}) => {
        await signIn(page, stefan, '#/demo/uploads');
        await page.getByRole('link', {name: /vas of the summer/}).click();
        await page.getByText('Taken back').first().waitFor();
        assert.equal(await page.getByRole('button', {name: 'Download refused rows'}).count(), 0);
        const rows = await service.as('stefan').send('GET', `/api/v1/uploads/${idOf(page)}/rows?study=demo`);
        assert.equal(rows.status, 403);
        await axe(page);
        await page.goto('about:blank');
        await page.context().clearCookies();
        await signIn(page, mona, '#/demo/uploads');
        await page.getByRole('link', {name: /vas of the summer/}).waitFor();
        assert.equal(await page.getByLabel('File', {exact: true}).count(), 0);
        assert.equal((await service.as('mona').send('POST', '/api/v1/uploads?study=demo&form=pain_vas', 'subject\n',
                                                    {'Content-Type': 'text/csv'})).status, 403);
    });
});
rmSync(folder, {recursive: true});
