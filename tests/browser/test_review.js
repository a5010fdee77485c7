// SPDX-License-Identifier: GPL-3.0-or-later
// The review of the audit trail: what is asked, what is found, and what is concluded from it.
import {randomUUID} from 'node:crypto';
import {assert, assertNoSideways, axe, shot, signIn, suite} from './support/suite.js';

const STUDY = '/api/v1/studies/demo';

async function inspect(page, name, options) {
    await shot(page, `review-${name}`, options);
    await axe(page);
    await assertNoSideways(page);
}

// Two corrections of one record by anna.
async function correctTwice(service) {
    const anna = service.as('anna');
    const list = await anna.get(`${STUDY}/submissions?subject=01-0001&form=pain_vas`);
    const {content} = list.submissions.find((one) => one.visit === 'BL');
    const {subject, knee, form, form_version, visit, instance, version, date} = content;
    for (const [i, vas] of [[1, 20], [2, 21]])
        await anna.post(`${STUDY}/submissions`, {id: randomUUID(), subject, knee, form, form_version, visit, instance,
            version: version + i, date, reason: 'read again from the paper form', answers: {...content.answers, vas}});
}

async function ask(page, kind, numbers = {}) {
    await page.getByLabel('What is asked').selectOption(kind);
    for (const [name, value] of Object.entries(numbers))
        await page.getByLabel(name, {exact: true}).fill(String(value));
    await page.getByRole('button', {name: 'Look through the trail'}).click();
}

const found = (page) => page.getByRole('region', {name: /^Found: /});
const list = (page) => page.getByRole('region', {name: 'Reviews so far'});
const reviews = async (service) => (await service.as('dora').get(`${STUDY}/audit/reviews`)).reviews;

await suite(async ({test, service}) => {
    const {adam, anna, dora, mona} = service.accounts;
    await correctTwice(service);

    await test('nothing is asked, and so recorded, before the button is pressed', async ({page}) => {
        await signIn(page, mona, '#/demo/audit');
        await page.getByRole('link', {name: 'Review', exact: true}).click();
        await page.getByText('Nobody has reviewed the trail yet.').waitFor();
        await inspect(page, 'empty');
        await ask(page, 'late_entries', {'Days after its date, more than': 'many'});
        await page.getByRole('heading', {name: 'There is a problem'}).waitFor();
        await page.getByRole('link', {name: /as a whole number from 0 to 3650/}).click();
        assert.equal(await page.evaluate(() => document.activeElement.id), 'review-days');
        await inspect(page, 'wrong', {widths: [360]});
        assert.deepEqual(await reviews(service), []);
    });

    await test('late entries are found, and what is concluded is stored once', async ({page}) => {
        await signIn(page, mona, '#/demo/audit/review');
        await ask(page, 'late_entries', {'Days after its date, more than': 1100});
        await found(page).getByRole('link', {name: '01-0048'}).first().waitFor();
        const {review} = (await reviews(service))[0];
        await inspect(page, 'late', {dark: true});
        await found(page).getByRole('button', {name: 'Conclude'}).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('Conclusion').fill('odd');
        await dialog.getByRole('button', {name: 'Conclude'}).click();
        await dialog.getByText('Say why, in at least 5 letters').waitFor();
        await dialog.getByLabel('Conclusion').fill('Loaded from the paper of the years before');
        await inspect(page, 'conclude', {widths: [360, 1440]});
        await dialog.getByRole('button', {name: 'Conclude'}).click();
        await page.getByText('The conclusion is stored.').waitFor();
        await list(page).getByText('Loaded from the paper of the years before').waitFor();
        const stored = (await reviews(service)).find((one) => one.review === review);
        assert.equal(stored.conclusion, 'Loaded from the paper of the years before');
        assert.equal(stored.filter.days, 1100);
        assert.equal(await found(page).getByRole('button').count(), 0);
        await inspect(page, 'concluded');
    });

    await test('corrections at once are found by their number and minutes, and in their time only', async ({page}) => {
        await signIn(page, dora, '#/demo/audit/review');
        await ask(page, 'bulk_edits', {'Corrections, at least': 2, 'Within minutes': 60});
        const row = found(page).getByRole('row').filter({hasText: 'anna'});
        await row.waitFor();
        const bound = page.getByRole('group', {name: 'Until before (day of UTC)'});
        for (const [part, text] of [['Day', '1'], ['Month', '1'], ['Year', '2000']])
            await bound.getByLabel(part).fill(text);
        await page.getByRole('button', {name: 'Look through the trail'}).click();
        await found(page).getByText('0 findings.').waitFor();
        const [last] = await reviews(service);
        assert.equal(last.filter.to.slice(0, 10), '2000-01-01');
        await list(page).getByText('Until before (day of UTC): 1 Jan 2000', {exact: true}).waitFor();
        const notMine = list(page).getByRole('row').filter({hasText: 'mona'});
        assert.equal(await notMine.getByRole('button').count(), 0);
        const mine = list(page).getByRole('row').filter({hasText: '2000'});
        await mine.getByRole('button', {name: /^Conclude/}).click();
        await page.getByRole('dialog').getByLabel('Conclusion').fill('Nothing before the study');
        await page.getByRole('dialog').getByRole('button', {name: 'Conclude'}).click();
        await list(page).getByText('Nothing before the study').waitFor();
    });

    await test('each kind has its table', async ({page}) => {
        await signIn(page, adam, '#/demo/audit/review');
        await ask(page, 'accounts');
        const did = found(page).getByRole('row').filter({hasText: 'anna'});
        await did.getByText('Corrections 2').waitFor();
        await inspect(page, 'accounts');
        await ask(page, 'out_of_hours', {'Working hours begin at': 23, 'Working hours end at': 1});
        await found(page).getByRole('row').filter({hasText: '01-0048'}).first().waitFor();
        assert.equal(await found(page).getByRole('link').count(), 0);
        await ask(page, 'after_signature');
        await found(page).getByText(/^\d+ findings?\.$/).waitFor();
    });

    await test('a coordinator does not review, and the server refuses it', async ({page}) => {
        await signIn(page, anna, '#/demo/audit/review');
        await page.getByText(/does not open this page/).waitFor();
        const asked = await service.as('anna').send('GET', `${STUDY}/audit/review?kind=accounts`);
        assert.equal(asked.status, 403);
    });
});
