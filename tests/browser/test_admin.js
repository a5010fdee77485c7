// SPDX-License-Identifier: GPL-3.0-or-later
// What an administrator does in the app, and the audit trail.
import {readFileSync} from 'node:fs';
import {assert, assertNoSideways, axe, shot, signIn, suite} from './support/suite.js';

async function inspect(page, name) {
    await shot(page, `admin-${name}`);
    await axe(page);
    await assertNoSideways(page);
}

await suite(async ({test, service}) => {
    const {adam, anna, mona} = service.accounts;

    await test('people are added and invited, and a role is ended', async ({page}) => {
        await signIn(page, adam, '#/demo/admin/people');
        await page.getByRole('row').filter({hasText: 'Anna Li'}).waitFor();
        await inspect(page, 'people');
        await page.getByRole('button', {name: 'Add a person'}).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('Account').fill('Nora');
        await dialog.getByRole('button', {name: 'Add'}).click();
        await dialog.getByText('There is a problem').waitFor();
        assert.match(await dialog.innerText(), /Name the sites by their numbers/);
        await axe(page);
        await dialog.getByLabel('Account').fill('nora');
        await dialog.getByLabel('Name', {exact: true}).fill('Nora New');
        await dialog.getByLabel('Sites').fill('1');
        await dialog.getByRole('button', {name: 'Add'}).click();
        const nora = page.getByRole('row').filter({hasText: 'Nora New'});
        await nora.getByText('not invited yet').waitFor();
        await nora.getByRole('button', {name: 'Invite'}).click();
        await dialog.getByRole('button', {name: 'Invite'}).click();
        const told = await dialog.getByLabel('Link').inputValue();
        assert.ok(told.startsWith(`${service.url}/#/first-use/`), told);
        await axe(page);
        await dialog.getByRole('button', {name: 'Close'}).click();
        await nora.getByText(/^until/).waitFor();
        await nora.getByRole('button', {name: 'End the role'}).click();
        await dialog.getByRole('button', {name: 'End the role'}).click();
        await nora.waitFor({state: 'detached'});
    });

    await test('an account is disabled after a question, and its session ends', async ({page, context}) => {
        const {theresa} = service.accounts;
        await signIn(page, adam, '#/demo/admin/people');
        const row = page.getByRole('row').filter({hasText: 'Maria Theresa'});
        const dialog = page.getByRole('dialog');
        await row.getByRole('button', {name: 'Disable'}).click();
        await dialog.getByText(/A disabled account never comes back/).waitFor();
        await inspect(page, 'disable');
        await dialog.getByRole('button', {name: 'Cancel'}).click();
        await dialog.waitFor({state: 'detached'});
        assert.equal((await service.as('theresa').send('GET', '/api/v1/studies/demo/worklist')).status, 200);
        const other = await context.browser().newContext();
        const hers = await other.newPage();
        await signIn(hers, theresa, '#/demo/worklist');
        await hers.getByRole('heading', {name: 'Worklist', level: 1}).waitFor();
        await row.getByRole('button', {name: 'Disable'}).click();
        await dialog.getByRole('button', {name: 'Disable'}).click();
        await row.waitFor({state: 'detached'});
        assert.equal((await service.as('theresa').send('GET', '/api/v1/studies/demo/worklist')).status, 401);
        const status = () => hers.evaluate(async () => (await fetch('/api/v1/session')).status);
        assert.equal(await status(), 401);
        await other.close();
        const {account, password} = theresa;
        const again = await service.as('adam').send('POST', '/api/v1/session', {account, password,
            ...theresa.secondFactor()});
        assert.equal(again.status, 401);
    });

    await test('a token is shown once, works, and is revoked', async ({page}) => {
        await signIn(page, adam, '#/demo/admin/tokens');
        await page.getByRole('button', {name: 'Make a token'}).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('Account').fill('lab-export');
        await dialog.getByLabel('Name', {exact: true}).fill('Export of the laboratory');
        await dialog.getByLabel('Sites').fill('1');
        await dialog.getByRole('button', {name: 'Add'}).click();
        const token = await dialog.getByLabel('Token').inputValue();
        const uploads = () => fetch(`${service.url}/api/v1/uploads?study=demo`,
                                    {headers: {Authorization: `Bearer ${token}`}});
        assert.equal((await uploads()).status, 200);
        await dialog.getByRole('button', {name: 'Close'}).click();
        await inspect(page, 'tokens');
        await page.getByRole('row').filter({hasText: 'lab-export'}).getByRole('button', {name: 'Revoke'}).click();
        await dialog.getByRole('button', {name: 'Revoke'}).click();
        await page.getByRole('row').filter({hasText: 'lab-export'}).getByText('revoked').waitFor();
        assert.equal((await uploads()).status, 401);
    });

    await test('versions, sites and certificates are shown', async ({page}) => {
        await signIn(page, adam, '#/demo/admin/study');
        await page.getByText('Certificate of the server').waitFor();
        await page.getByText('University Hospital').waitFor();
        await inspect(page, 'study');
    });

    await test('the audit trail is filtered and exported', async ({page}) => {
        await signIn(page, mona, '#/demo/audit');
        await page.getByRole('table').waitFor();
        await page.getByLabel('Account').fill('nobody-at-all');
        await page.getByText('No event on this page fits these filters.').waitFor();
        await page.getByLabel('Account').fill('anna');
        await page.getByRole('row').filter({hasText: 'anna'}).first().waitFor();
        await inspect(page, 'audit');
        const coming = page.waitForEvent('download');
        await page.getByRole('button', {name: 'Export as CSV'}).click();
        const text = readFileSync(await (await coming).path(), 'utf8');
        assert.match(text, /anna/);
        assert.doesNotMatch(text, /,mona,/);
    });

    await test('a coordinator finds no administration, and the server refuses it', async ({page}) => {
        await signIn(page, anna, '#/demo/admin/people');
        await page.getByText(/does not open this page/).waitFor();
        assert.equal((await service.as('anna').send('GET', '/api/v1/studies/demo/tokens')).status, 403);
    });
});
