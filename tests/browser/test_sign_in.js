// SPDX-License-Identifier: GPL-3.0-or-later
// Signing in by the form: what is right, what is wrong and told alike, too much of it, and an invitation's first use.
import {codeOfStep} from './support/account.js';
import {assert, assertNoSideways, axe, shot, signIn, suite} from './support/suite.js';

const STEP_MS = 30000;

async function fill(page, {account, password, code = '', recovery_code: recovery}) {
    await page.getByLabel('Account', {exact: true}).fill(account);
    await page.getByLabel('Password', {exact: true}).fill(password);
    if (recovery) {
        await page.getByRole('button', {name: 'Use a recovery code instead'}).click();
        await page.getByLabel('Recovery code').fill(recovery);
    } else {
        await page.getByLabel('One-time code').fill(code);
    }
    await page.getByRole('button', {name: 'Sign in'}).click();
}

function heading(page, name) {
    return page.getByRole('heading', {level: 1, name});
}

await suite(async ({test, service}) => {
    await test('the form signs in by password and code, and leads to where the address says', async ({page}) => {
        const {anna} = service.accounts;
        await page.goto(`${service.url}/#/account`);
        await fill(page, {account: anna.account, password: anna.password, ...anna.secondFactor()});
        await heading(page, 'Account and settings').waitFor();
        assert.match(await page.getByRole('main').innerText(), /recovery codes? (is|are) left/);
        assert.equal(await page.evaluate(() => document.cookie), '');
        await axe(page);
        await shot(page, 'account', {dark: true});
        await page.reload();   // the cookie is enough
        await heading(page, 'Account and settings').waitFor();
        await page.locator('.account-menu summary').click();
        await shot(page, 'account-menu', {widths: [360, 1440]});
        await axe(page);
        await page.getByRole('button', {name: 'Sign out'}).click();
        await heading(page, 'Sign in').waitFor();
        await page.getByText('You have signed out.').waitFor();
        assert.equal(await page.evaluate(async () => (await fetch('/api/v1/session')).status), 401);
    });

    await test('password managers find their fields, and the order of the keyboard is that of the page',
        async ({page}) => {
            await page.goto(`${service.url}/`);
            await heading(page, 'Sign in').waitFor();
            const names = await page.locator('main input').evaluateAll((all) =>
                all.map((input) => `${input.autocomplete} ${input.type}`));
            assert.deepEqual(names, ['username text', 'current-password password', 'one-time-code text']);
            const order = [];
            for (let i = 0; i < 8; i++) {
                await page.keyboard.press('Tab');
                order.push(await page.evaluate(() => document.activeElement.id || document.activeElement.className ||
                    document.activeElement.tagName));
            }
            assert.deepEqual(order.map((name) => name.split(' ')[0]), ['skip-link', 'brand', 'form-select', 'account',
                'password', 'code', 'btn', 'btn']);
            await assertNoSideways(page);
        });

    await test('a recovery code signs in; wrong name, password and code are told alike', async ({page}) => {
        const {ivan} = service.accounts;
        await page.goto(`${service.url}/#/account`);
        const texts = [];
        const wrongs = [{account: 'nobody-is-called-so', password: ivan.password, code: '123456'},
                        {account: ivan.account, password: 'not this password', code: '123456'},
                        {account: ivan.account, password: ivan.password, code: '000000'}];
        for (const wrong of wrongs) {
            await fill(page, wrong);
            await page.getByRole('group', {name: 'There is a problem'}).waitFor();
            await page.getByRole('button', {name: 'Sign in'}).and(page.locator(':not([aria-disabled])')).waitFor();
            texts.push(await page.getByRole('main').innerText());
            assert.match(await page.title(), /^Error: /);
        }
        assert.equal(texts[1], texts[0]);
        assert.equal(texts[2], texts[0]);
        assert.equal(await page.getByLabel('Account', {exact: true}).inputValue(), ivan.account);
        await axe(page);
        await shot(page, 'sign-in-wrong', {dark: true});
        await fill(page, {account: ivan.account, password: ivan.password, recovery_code: ivan.nextRecoveryCode()});
        await page.locator('.account-menu').waitFor();
    });

    await test('after too many failures the page says how long to wait', async ({page}) => {
        await page.goto(`${service.url}/`);
        const problem = page.getByRole('group', {name: 'There is a problem'});
        for (let i = 0; i < 30; i++) {
            const reply = page.waitForResponse((one) => one.url().endsWith('/api/v1/session') &&
                one.request().method() === 'POST');
            await fill(page, {account: 'mona', password: `wrong ${i} is wrong`});
            if ((await reply).status() === 429)
                break;
        }
        await problem.getByText(/Too many sign-ins have failed\. Try again in \d+ (second|minute)s?\./).waitFor();
        await axe(page);
        await shot(page, 'sign-in-wait', {widths: [360, 1440]});
    });

    await test('an empty form says what is missing, in German too', async ({page}) => {
        await page.goto(`${service.url}/`);
        await page.getByLabel('Language').selectOption('de');
        await heading(page, 'Anmelden').waitFor();
        await page.getByRole('button', {name: 'Anmelden'}).click();
        const problem = page.getByRole('group', {name: 'Es gibt ein Problem'});
        await problem.waitFor();
        assert.equal(await page.evaluate(() => document.activeElement.className.includes('error-summary')), true);
        await problem.getByRole('link', {name: 'Geben Sie Ihr Passwort ein'}).click();
        assert.equal(await page.evaluate(() => document.activeElement.id), 'password');
        assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
        await axe(page);
        await shot(page, 'sign-in-empty-de', {widths: [360, 1440]});
    }, {context: {locale: 'en-GB'}});

    await test('an invitation leads to password, second factor, recovery codes, and then a sign-in',
        async ({page}) => {
            service.admin('account', 'add', 'frieda', '--name', 'Frieda Neumann-Oestergaard');
            service.admin('membership', 'add', 'frieda', 'demo', '--role', 'coordinator', '--sites', '1');
            const token = service.admin('account', 'invite', 'frieda').trim().split('\n').pop();
            await page.goto(`${service.url}/#/first-use/${token}`);
            await heading(page, 'Welcome: choose a password').waitFor();
            const password = page.getByLabel('New password');
            const again = page.getByLabel('The same password again');
            const next = page.getByRole('button', {name: 'Next'});
            await axe(page);
            await shot(page, 'first-use-password');
            await password.fill('short');
            await next.click();
            await page.getByRole('link', {name: /too short: at least 8 characters/}).waitFor();
            await password.fill('password123');
            await again.fill('password123');
            await next.click();
            await page.getByRole('link', {name: /one of those that are tried first/}).waitFor();
            await axe(page);
            await password.fill('seven grey otters whistle');
            await again.fill('seven grey otters whistle');
            await next.click();
            await heading(page, 'Second factor of frieda').waitFor();
            await page.getByRole('img', {name: /QR code/}).waitFor();
            const secret = (await page.locator('.secret').innerText()).replace(/ /g, '');
            assert.match(secret, /^[A-Z2-7]{32}$/);
            const uri = await page.getByRole('link', {name: /authenticator app of this device/}).getAttribute('href');
            assert.ok(uri.startsWith('otpauth://totp/') && uri.includes(secret), uri);
            const codes = await page.locator('.recovery-codes li').allInnerTexts();
            assert.equal(new Set(codes).size, 10);
            await axe(page);
            await shot(page, 'first-use-factor');
            await page.getByLabel('One-time code').fill('12');
            await page.getByRole('button', {name: 'Finish'}).click();
            await page.getByRole('link', {name: /Enter the six digits/}).waitFor();
            await page.getByLabel('One-time code').fill(codeOfStep(secret, Math.floor(Date.now() / STEP_MS)));
            await page.getByRole('button', {name: 'Finish'}).click();
            await heading(page, 'Your account is ready').waitFor();
            assert.ok(!(await page.content()).includes(secret), 'the secret has left the page');
            await page.getByRole('link', {name: 'Sign in'}).click();
            await heading(page, 'Sign in').waitFor();
            await page.goto(`${service.url}/#/account`);
            await fill(page, {account: 'frieda', password: 'seven grey otters whistle', recovery_code: codes[0]});
            await heading(page, 'Account and settings').waitFor();
        });

    await test('an invitation that was used says so', async ({page}) => {
        await page.goto(`${service.url}/#/first-use/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`);
        await page.getByLabel('New password').fill('seven grey otters whistle');
        await page.getByLabel('The same password again').fill('seven grey otters whistle');
        await page.getByRole('button', {name: 'Next'}).click();
        await page.getByText('This invitation does not count any more').waitFor();
        await axe(page);
    });

    await test('who has several studies chooses one, and goes from one to the other', async ({page}) => {
        service.admin('study', 'add', 'second', '--protocol', 'forms/protocols/demo.yaml', '--forms',
                      'forms/instruments');
        service.admin('membership', 'add', 'dora', 'second', '--role', 'monitor', '--all-sites');
        await page.goto(`${service.url}/#/account`);
        await signIn(page, service.accounts.dora, '#/');
        await heading(page, 'Choose a study').waitFor();
        await axe(page);
        await shot(page, 'choose-study', {widths: [360, 1440]});
        await page.goto(`${service.url}/#/second/waiting`);
        await page.getByText('Your role (monitor) does not open this page.').waitFor();
        assert.match(await page.locator('.where').innerText(), /second/);
        await page.goto(`${service.url}/#/demo/waiting`);
        await heading(page, 'Entries on this device').waitFor();
        await page.goto(`${service.url}/#/foreign/worklist`);
        await page.getByText('Your account has no role in the study "foreign".').waitFor();
    });

    await test('a page of another role is not offered, and says so when it is opened', async ({page}) => {
        const {carla} = service.accounts;
        await signIn(page, carla, '#/demo/admin');
        await heading(page, 'Page not found').waitFor();
        await page.getByText('Your role (coordinator) does not open this page.').waitFor();
        assert.equal(await page.getByRole('navigation').getByRole('link', {name: 'Administration'}).count(), 0);
        await axe(page);
        const status = await page.evaluate(async () => {
            const {api} = await import('/app/lib/api.js');
            return api.get('/studies/demo/memberships').then(() => 200, (problem) => problem.status);
        });
        assert.equal(status, 403);
    });
});
