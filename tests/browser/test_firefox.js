// SPDX-License-Identifier: GPL-3.0-or-later
// The same app in Firefox ESR: what a coordinator does first, in a browser that shares no code with Chromium.
import {openFirefox} from './support/firefox.js';
import {until} from './support/service.js';
import {assert, assertNoSideways, axe, signIn, suite} from './support/suite.js';

const [year, month, day] = new Date().toISOString().slice(0, 10).split('-').map(Number);
const heading = (page, name) => page.getByRole('heading', {name, level: 1}).waitFor();
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());

async function tabTo(page, wanted) {
    for (let i = 0; i < 120; i++) {
        if ((await focused(page)).startsWith(wanted))
            return;
        await page.keyboard.press('Tab');
    }
    assert.fail(`${wanted} cannot be reached by Tab; the focus is on ${await focused(page)}`);
}

await suite(async ({test, service}) => {
    const {anna, carla} = service.accounts;

    await test('this is Firefox, and without the CA it refuses the address', async ({page}) => {
        await page.goto(`${service.url}/`);
        assert.match(await page.evaluate(() => navigator.userAgent), /Gecko\/\d+ Firefox\/\d+/);
        const stranger = await openFirefox({}, {believes: false});
        try {
            const other = await stranger.newPage();
            await assert.rejects(other.goto(`${service.url}/`), /SEC_ERROR_UNKNOWN_ISSUER|UNKNOWN_ISSUER/);
        } finally {
            await stranger.close();
        }
    });

    await test('the policy keeps scripts and other hosts out, and the test hears of it', async ({page, faults}) => {
        await page.goto(`${service.url}/`);
        await heading(page, 'Sign in');
        const ran = await page.evaluate(async () => {
            const script = document.createElement('script');
            try {
                script.text = 'window.wasRun = true';
                document.head.append(script);
            } catch (error) {
                console.info(String(error));
            }
            await fetch('https://127.0.0.2:1/x').catch(() => {});
            return window.wasRun === true;
        });
        assert.equal(ran, false);
        for (const directive of ['require-trusted-types-for', 'connect-src'])
            await until(`a fault of ${directive}`, () => faults.some((fault) =>
                fault.includes('Content-Security-Policy') && fault.includes(directive)));
        faults.length = 0;
    });

    await test('the form signs in and leads to the worklist', async ({page}) => {
        await page.goto(`${service.url}/#/demo/worklist`);
        await page.getByLabel('Account', {exact: true}).fill(carla.account);
        await page.getByLabel('Password', {exact: true}).fill(carla.password);
        const factor = carla.secondFactor();
        if (factor.recovery_code)
            await page.getByRole('button', {name: 'Use a recovery code instead'}).click();
        await page.getByLabel(factor.code ? 'One-time code' : 'Recovery code').fill(Object.values(factor)[0]);
        await page.keyboard.press('Enter');
        await heading(page, 'Worklist');
        await page.getByRole('region', {name: /^Overdue/}).getByRole('link', {name: '01-0004'}).first().waitFor();
        assert.equal(await page.evaluate(() => document.cookie), '');
        await axe(page);
        await assertNoSideways(page);
    });

    await test('subjects are searched, and one of them shows its visits and its course', async ({page}) => {
        await signIn(page, carla, '#/demo/subjects');
        await page.getByText('13 subjects', {exact: true}).waitFor();
        await axe(page);
        await assertNoSideways(page);
        await page.getByLabel('Subject number').fill('01-0006');
        await page.getByText('1 subject', {exact: true}).waitFor();
        await page.getByRole('link', {name: '01-0006', exact: true}).click();
        await heading(page, 'Subject 01-0006');
        await page.getByRole('heading', {name: 'Pain and function over time'}).waitFor();
        await page.getByRole('img', {name: /Course/}).waitFor();
        await axe(page);
        await assertNoSideways(page);
    });

    await test('a short form is entered by the keyboard alone, and stored', async ({page}) => {
        const form = {subject: '01-0001', form: 'pain_vas', visit: 'M3', knee: 'left'};
        await signIn(page, anna, `#/demo/entry/NEW?${new URLSearchParams(form)}`);
        await page.getByText('0 of 1', {exact: true}).waitFor();
        await tabTo(page, 'form-date-day');
        for (const part of [day, month, year]) {
            await page.keyboard.type(String(part));
            await page.keyboard.press('Tab');
        }
        await tabTo(page, 'item-vas');
        await page.keyboard.type('37');
        await page.getByText('1 of 1', {exact: true}).waitFor();
        await axe(page);
        await tabTo(page, 'Check and send');
        await page.keyboard.press('Enter');
        await page.getByRole('heading', {name: /receipt/}).waitFor();
        const {submissions} = await service.as('anna')
            .get('/api/v1/studies/demo/submissions?subject=01-0001&form=pain_vas&visit=M3');
        assert.deepEqual(submissions.map((one) => one.content.answers.vas), ['37']);
    });

    await test('the sign-in and the worklist are there in German', async ({page}) => {
        await page.goto(`${service.url}/`);
        await page.getByLabel('Language').selectOption('de');
        await heading(page, 'Anmelden');
        await signIn(page, anna, '#/demo/worklist');
        await heading(page, 'Arbeitsliste');
        assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
        await page.getByRole('region', {name: /^Überfällig/}).waitFor();
        await axe(page);
        await assertNoSideways(page);
    });

    await test('the app opens while the server is away', async ({page}) => {
        await page.goto(`${service.url}/`);
        await heading(page, 'Sign in');
        await page.evaluate(async () => { await navigator.serviceWorker.ready; });
        await service.stopDaemon();
        await page.reload();
        await page.locator('h1').first().waitFor();
        assert.match(await page.title(), /Patella/);
        await service.startDaemon();
    });
}, {engine: 'firefox'});
