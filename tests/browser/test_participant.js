// SPDX-License-Identifier: GPL-3.0-or-later
// The subject's own page: from the link to thanks, on another day, and that its token opens nothing else.
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {until} from './support/service.js';
import {assert, assertNoSideways, axe, shot, signIn, suite} from './support/suite.js';

const STUDY = '/api/v1/studies/demo';

function heading(page, name) {
    return page.getByRole('heading', {level: 1, name});
}

async function anyLink(service, subject, language) {
    const {subjects} = await service.as('anna').get(`${STUDY}/subjects`);
    const {index_knee: knee} = subjects.find((one) => one.subject === subject);
    return service.as('anna').post(`${STUDY}/participant-links`,
        {subject, form: 'koos', knee, visit: 'M3', language, days: 7});
}

// The first choice, or a number.
async function answer(page) {
    const radios = page.locator('.item input[type=radio]');
    if (await radios.count() > 0)
        await radios.first().check();
    else
        await page.locator('.item input[type=text]').first().fill('12');
    await page.getByRole('button', {name: /^(Next|Weiter)$/}).click();
}

await suite(async ({test, service}) => {
    await test('a subject answers a form by its link, question by question, and sends it once', async ({page}) => {
        const link = await anyLink(service, '01-0001', 'en');
        await page.goto(`${service.url}${link.path}`);
        await heading(page, /\S/).waitFor();
        await page.getByRole('button', {name: 'Start'}).waitFor();
        assert.equal(new URL(page.url()).hash, '');                            // out of the address
        assert.ok(!(await page.locator('body').innerText()).includes('0001'));  // no subject number
        await axe(page);
        await shot(page, 'participant-start', {dark: true});
        await page.getByRole('button', {name: 'Start'}).click();
        await heading(page, /^Question 1 of \d+$/).waitFor();
        await page.getByRole('button', {name: 'Next'}).click();
        await page.getByRole('heading', {name: 'There is a problem'}).waitFor();
        assert.match(await page.title(), /^Error: /);
        await axe(page);
        await shot(page, 'participant-error');
        const small = await page.locator('button, .form-check, select').evaluateAll((all) => all
            .map((one) => one.getBoundingClientRect()).filter(({height}) => height > 0 && height < 44).length);
        assert.equal(small, 0, 'targets below 44 px');
        await answer(page);
        await heading(page, /^Question 2 of/).waitFor();
        await page.locator('.item select').selectOption('refused');
        await page.getByRole('button', {name: 'Next'}).click();
        await heading(page, /^Question 3 of/).waitFor();
        await shot(page, 'participant-question', {dark: true});
        await assertNoSideways(page);

        // Another day: the same link goes on where it was left.
        await page.waitForFunction(async (token) => {
            const reply = await fetch('/api/v1/participant',
                {headers: {Authorization: `Bearer ${token}`}, credentials: 'omit'});
            return (await reply.json()).revision >= 2;
        }, link.token);
        await page.reload();
        await page.getByRole('button', {name: 'Go on'}).click();
        await heading(page, /^Question 3 of/).waitFor();
        while (!await heading(page, 'Check your answers').isVisible()) {
            const before = await page.locator('h1').innerText();
            await answer(page);
            await page.waitForFunction((old) => document.querySelector('h1').innerText !== old, before);
        }
        await axe(page);
        await shot(page, 'participant-review');
        await page.getByRole('button', {name: 'Send my answers'}).click();
        await heading(page, 'Thank you').waitFor();
        await axe(page);
        await shot(page, 'participant-thanks');
        const record = await service.as('anna').get(`${STUDY}/submissions/${link.id}`);
        assert.equal(record.door, 'participant');
        assert.ok(Object.values(record.content.not_answered).includes('refused'));
        await page.goto('about:blank');
        await page.goto(`${service.url}${link.path}`);
        await heading(page, 'Your answers have been sent').waitFor();
        await axe(page);
    });

    await test('the page is in the language of the link', async ({page}) => {
        const link = await anyLink(service, '01-0003', 'de');
        await page.goto(`${service.url}${link.path}`);
        await page.getByRole('button', {name: 'Beginnen'}).click();
        await heading(page, /^Frage 1 von/).waitFor();
        assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
        await axe(page);
    });

    await test('the questions are in the words of the link\'s language', async ({page}) => {
        const folder = mkdtempSync(join(tmpdir(), 'patella-wording.'));
        const file = join(folder, 'koos-de.yaml');
        writeFileSync(file, 'wording: {form: koos, version: 1, language: de, source: made up for this test}\n'
            + 'title: Fragen zum Knie\nitems: {s1: "Wie oft ist Ihr Knie dick?"}\n'
            + 'choices: {s1: {0: "zu keiner Zeit", 4: "die ganze Zeit"}}\n');
        service.admin('wording', 'add', 'demo', file);
        rmSync(folder, {recursive: true});
        await until('the daemon has the wording', async () => (await service.as('anna').get(`${STUDY}/forms`)).forms
            .some((form) => form.form === 'koos' && form.languages.includes('de')));
        const link = await anyLink(service, '01-0003', 'de');
        await page.goto(`${service.url}${link.path}`);
        await heading(page, 'Fragen zum Knie').waitFor();
        assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
        await page.getByRole('button', {name: 'Beginnen'}).click();
        await page.getByRole('group', {name: /^Wie oft ist Ihr Knie dick\?/}).waitFor();
        await page.getByRole('radio', {name: 'zu keiner Zeit', exact: true}).check();   // no code before it
        assert.equal(await page.locator('.item select option').first().innerText(), 'Ich kann das nicht beantworten');
        const [needs, has] = await page.locator('.decline select').evaluate((one) => {
            const free = one.parentNode.appendChild(one.cloneNode(true));
            free.style.width = 'max-content';
            const widths = [free, one].map((each) => each.getBoundingClientRect().width);
            free.remove();
            return widths;
        });
        assert.ok(needs <= has, `reasons need ${needs} px and have ${has}`);
        await axe(page);
        await shot(page, 'participant-german');
    });

    await test('what another page has kept in between is shown, and that it is', async ({page}) => {
        const link = await anyLink(service, '01-0005', 'en');
        await page.goto(`${service.url}${link.path}`);
        await page.getByRole('button', {name: 'Start'}).click();
        await heading(page, /^Question 1 of/).waitFor();
        const kept = await page.evaluate(async (token) => {
            const headers = {Authorization: `Bearer ${token}`, 'Content-Type': 'application/json'};
            const body = JSON.stringify({answers: {s1: 4, s2: 3, s3: 2}, not_answered: {}, confirmed: [],
                                         section: null, revision: 0});
            return (await fetch('/api/v1/participant', {method: 'PUT', credentials: 'omit', headers, body})).status;
        }, link.token);
        assert.equal(kept, 200);
        await answer(page);
        await page.getByText('Your answers were changed on another page').waitFor();
        await heading(page, /^Question 4 of/).waitFor();
        await axe(page);
        await answer(page);                                          // upon what the other page kept
        await heading(page, /^Question 5 of/).waitFor();
        await page.getByText('Your answers were changed on another page').waitFor({state: 'detached'});
        const stored = await page.evaluate(async (token) => (await (await fetch('/api/v1/participant',
            {headers: {Authorization: `Bearer ${token}`}, credentials: 'omit'})).json()), link.token);
        assert.equal(stored.revision, 2);
        assert.deepEqual([stored.answers.s1, stored.answers.s2, stored.answers.s3, 's4' in stored.answers],
                         [4, 3, 2, true]);
    });

    await test('nothing else is reachable with the token of a link', async ({page}) => {
        const link = await anyLink(service, '01-0003', null);
        await page.goto(`${service.url}/participant`);
        await heading(page, 'This link is not valid any more').waitFor();
        const found = await page.evaluate(async (token) => {
            const paths = ['/api/v1/me', '/api/v1/studies', '/api/v1/studies/demo', '/api/v1/studies/demo/forms',
                '/api/v1/studies/demo/subjects', '/api/v1/studies/demo/submissions', '/api/v1/studies/demo/worklist',
                '/api/v1/studies/demo/schedule', '/api/v1/studies/demo/drafts', '/api/v1/studies/demo/audit',
                '/api/v1/studies/demo/participant-links'];
            return Promise.all(paths.map(async (path) => (await fetch(path,
                {headers: {Authorization: `Bearer ${token}`}, credentials: 'omit'})).status));
        }, link.token);
        assert.deepEqual([...new Set(found)], [403]);
    });

    await test('a coordinator makes a link by the dialog, with a code, and revokes it', async ({page}) => {
        await signIn(page, service.accounts.anna, '#/demo/subjects/01-0004');
        await page.getByRole('button', {name: /link/i}).first().click();
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('button', {name: 'Make the link'}).click();
        await dialog.locator('svg.link-code').waitFor();
        assert.match(await dialog.locator('#link-mail').inputValue(), /\/participant#p_/);
        await axe(page);
        await shot(page, 'participant-link');
        await dialog.getByRole('button', {name: 'Revoke'}).first().click();
        await dialog.getByText('No link is open.').waitFor();
    });
});
