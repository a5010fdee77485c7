// SPDX-License-Identifier: GPL-3.0-or-later
// Reports in the app: a data cut, a report of it, its files; and who gets none of them.
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {assert, assertNoSideways, axe, shot, signIn, suite} from './support/suite.js';

const REPORT_MS = 120000;

await suite(async ({test, service}) => {
    const {stefan, uma, adam, anna} = service.accounts;

    await test('without a cut there is nothing to report on, and the page says what to do', async ({page}) => {
        await signIn(page, stefan, '#/demo/reports');
        await page.getByText('There is no data cut yet. Make one first.').waitFor();
        await page.getByRole('button', {name: 'Make a data cut'}).click();
        await page.getByText('Give the new cut a name.').first().waitFor();
        await axe(page);
        await shot(page, 'reports-empty');
    });

    await test('a cut is made, a report of it, and its files are what their hashes say', async ({page}) => {
        await signIn(page, stefan, '#/demo/reports');
        await page.getByLabel('Name of the new cut').fill(
            'interim analysis, after the first forty subjects of all sites');
        await page.getByRole('button', {name: 'Make a data cut'}).click();
        await page.getByText('Its number is 1.').waitFor();
        await axe(page);
        await page.getByRole('button', {name: 'Generate the report'}).click();
        await page.getByText('The report is being made').waitFor();
        await axe(page);
        await shot(page, 'reports-waiting', {widths: [360, 1440]});
        service.startReports();
        await page.getByRole('heading', {name: 'Files', exact: true}).waitFor({timeout: REPORT_MS});
        await axe(page);
        await shot(page, 'reports-report', {dark: true});
        await assertNoSideways(page);

        const downloading = page.waitForEvent('download');
        await page.getByRole('button', {name: 'Download report.html'}).click();
        const bytes = readFileSync(await (await downloading).path());
        const hash = createHash('sha256').update(bytes).digest('hex');
        const row = page.getByRole('row').filter({hasText: 'report.html'});
        assert.equal(await row.locator('code.hash').getAttribute('title'), hash);

        await page.getByRole('link', {name: 'All reports'}).click();
        await page.getByRole('link', {name: /Report of cut 1/}).waitFor();
        await axe(page);
        await shot(page, 'reports-list');
        await assertNoSideways(page);
    });

    await test('an administrator sees that there is a report, and gets no file of it', async ({page}) => {
        await signIn(page, adam, '#/demo/reports');
        await page.getByRole('link', {name: /Report of cut 1/}).click();
        await page.getByText('The files are for statisticians.').waitFor();
        assert.equal(await page.getByRole('button', {name: /Download/}).count(), 0);
        const {reports} = await service.as('adam').get('/api/v1/studies/demo/reports');
        const file = await service.as('adam').send('GET',
            `/api/v1/studies/demo/reports/${reports[0].report}/files/report.html`);
        assert.equal(file.status, 403);
        await axe(page);
    });

    await test('a coordinator is not shown reports, and the server refuses them too', async ({page}) => {
        await signIn(page, anna, '#/demo/reports');
        await page.getByRole('heading', {level: 1}).waitFor();
        assert.equal(await page.getByRole('button', {name: 'Generate the report'}).count(), 0);
        assert.equal((await service.as('anna').send('GET', '/api/v1/studies/demo/reports')).status, 403);
        await axe(page);
    });

    await test('the list says that in an open study cohorts are told apart', async ({page}) => {
        await signIn(page, uma, '#/demo/reports');
        await page.getByRole('cell', {name: 'told apart'}).waitFor();
    });
});
