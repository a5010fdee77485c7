// SPDX-License-Identifier: GPL-3.0-or-later
// The session's end: a pause and its warning, twelve hours, an end elsewhere; drafts stay, and who comes back is where
// they were.  The clock of the page is moved on, the server's is not.
import {assert, assertNoSideways, axe, shot, signIn, suite} from './support/suite.js';
import {until} from './support/service.js';

const ENTRY = '#/demo/entry/NEW?subject=01-0001&form=pain_vas&visit=M3&knee=left';
const warning = (page) => page.getByRole('alertdialog', {name: 'Are you still there?'});
const heading = (page, name) => page.getByRole('heading', {level: 1, name});
const sessionStatus = (page) => page.evaluate(async () => (await fetch('/api/v1/session')).status);

async function signInAgain(page, account) {
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

await suite(async ({test, service}) => {
    const {anna, carla, dora} = service.accounts;

    await test('two minutes before a pause is over the page warns, and goes on when told to', async ({page}) => {
        await page.clock.install();
        await signIn(page, carla, '#/account');
        await heading(page, 'Account and settings').waitFor();
        await page.clock.fastForward('12:30');
        assert.equal(await warning(page).count(), 0);
        await page.clock.fastForward('00:45');
        await warning(page).waitFor();
        await warning(page).getByText(/^1:\d\d$/).waitFor();
        assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Go on');
        await axe(page);
        await shot(page, 'idle-warning', {dark: true});
        await assertNoSideways(page);
        const extended = page.waitForResponse((reply) => reply.url().endsWith('/api/v1/session'));
        await page.keyboard.press('Enter');
        assert.equal((await extended).status(), 200);
        await warning(page).waitFor({state: 'detached'});
        await page.clock.fastForward('12:30');   // a whole pause from then on
        await heading(page, 'Account and settings').waitFor();
        assert.equal(await warning(page).count(), 0);
    });

    await test('without an answer the page locks: data and keys are gone, the session has ended', async ({page}) => {
        await page.clock.install();
        await signIn(page, dora, '#/account');
        await page.getByText('Dora Data (dora)').waitFor();
        await page.clock.fastForward('13:10');
        await warning(page).waitFor();
        await page.clock.fastForward('02:00');
        await heading(page, 'Sign in').waitFor();
        await page.getByText(/^This page was locked because nothing was done/).waitFor();
        assert.equal(await page.getByText('Dora Data').count(), 0);
        assert.equal(await page.getByLabel('Account', {exact: true}).inputValue(), 'dora');
        assert.equal(await page.evaluate(async () => (await import('/app/lib/store.js')).store.isOpen), false);
        assert.equal(await sessionStatus(page), 401);
        await axe(page);
        await shot(page, 'locked', {dark: true});
        await signInAgain(page, dora);
        await page.getByText('Dora Data (dora)').waitFor();   // the same page
    });

    await test('who does something is not warned', async ({page}) => {
        await page.clock.install();
        await signIn(page, carla, '#/account');
        await heading(page, 'Account and settings').waitFor();
        for (let i = 0; i < 3; i++) {
            await page.clock.fastForward('10:00');
            const told = page.waitForResponse((reply) => reply.url().endsWith('/api/v1/session'));
            await page.keyboard.press('Shift');
            await told;
        }
        assert.equal(await warning(page).count(), 0);
    });

    await test('a draft survives the lock, and its form is there again after signing in', async ({page}) => {
        await page.clock.install();
        await signIn(page, anna, ENTRY);
        const year = page.getByRole('group', {name: 'Date of the form'}).getByLabel('Year');
        await year.fill('1999');
        await page.clock.fastForward('13:10');
        await warning(page).waitFor();
        await page.clock.fastForward('02:00');
        await heading(page, 'Sign in').waitFor();
        assert.equal(await page.locator('.subject-banner').count(), 0);
        await signInAgain(page, anna);
        await year.waitFor();
        assert.equal(await year.inputValue(), '1999');
    });

    await test('what another tab does counts, and a sign-out there locks this page', async ({page, context}) => {
        await page.clock.install();
        await signIn(page, carla, '#/account');
        await heading(page, 'Account and settings').waitFor();
        const other = await context.newPage();
        await other.goto(`${service.url}/#/account`);
        await heading(other, 'Account and settings').waitFor();
        await page.clock.fastForward('13:10');
        await warning(page).waitFor();
        await other.evaluate(() => new BroadcastChannel('patella-activity').postMessage(Date.now() + 14 * 60000));
        await warning(page).waitFor({state: 'detached'});
        await other.locator('.account-menu summary').click();
        await other.getByRole('button', {name: 'Sign out'}).click();
        await heading(page, 'Sign in').waitFor();
        await page.getByText(/signed out in another window/).waitFor();
    });

    await test('who signs out without a network is signed out when it is back', async ({page, context}) => {
        await signIn(page, carla, '#/account');
        await heading(page, 'Account and settings').waitFor();
        await context.setOffline(true);
        await page.locator('.account-menu summary').click();
        await page.getByRole('button', {name: 'Sign out'}).click();
        await heading(page, 'Sign in').waitFor();
        await context.setOffline(false);
        await page.reload();
        await until('the session has ended', async () => await sessionStatus(page) === 401, 5000);
        await heading(page, 'Sign in').waitFor();
    });

    await test('a session that ended on the server locks the page at its next request', async ({page}) => {
        await signIn(page, carla, '#/account');
        await heading(page, 'Account and settings').waitFor();
        const problem = await page.evaluate(async () => {
            const {api} = await import('/app/lib/api.js');
            await fetch('/api/v1/session', {method: 'DELETE', headers: {'X-Patella-Form': api.formToken}});
            return api.get('/studies/demo').then(() => null, ({status, code}) => `${status} ${code}`);
        });
        assert.match(problem, /^401 /);
        await heading(page, 'Sign in').waitFor();
        await page.getByText(/^Your session has ended/).waitFor();
    });

    await test('somebody else who signs in here does not act for who was here before', async ({page, context}) => {
        await signIn(page, carla, '#/account');
        await heading(page, 'Account and settings').waitFor();
        const other = await context.newPage();
        await other.goto(`${service.url}/#/account`);
        await signIn(other, dora, '#/account');   // by the API: no tab tells the other
        await other.getByText('Dora Data (dora)').waitFor();
        const outcome = await page.evaluate(async () => {
            const {api} = await import('/app/lib/api.js');
            return api.get('/studies/demo').then(() => 'read', (problem) => problem.code);
        });
        assert.equal(outcome, 'bad_form_token');
        await heading(page, 'Sign in').waitFor();
    });

    await test('a signature is asked for in a dialog, which says when the code is wrong', async ({page}) => {
        await signIn(page, carla, '#/account');
        await heading(page, 'Account and settings').waitFor();
        await page.evaluate(async () => {
            const {confirmIdentity} = await import('/app/lib/session.js');
            window.confirmed = null;
            confirmIdentity().then((value) => { window.confirmed = value; });
        });
        const dialog = page.getByRole('dialog', {name: 'Confirm that it is you'});
        await dialog.waitFor();
        await axe(page);
        await shot(page, 'confirm', {widths: [360, 1440]});
        await dialog.getByLabel('Password').fill('not this one');
        await dialog.getByLabel('One-time code').fill('000000');
        await dialog.getByRole('button', {name: 'Confirm'}).click();
        await dialog.getByRole('alert').getByText(/Password or code is not right/).waitFor();
        await page.keyboard.press('Escape');
        await until('the dialog says no', () => page.evaluate(() => window.confirmed === false));
        assert.equal(await dialog.count(), 0);
    });
});
