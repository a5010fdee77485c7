// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of the worklist for what was begun and not ended: a draft, and a file with refused rows.
import {randomUUID} from 'node:crypto';
import {dateAgo} from './support/seed.js';
import {assert, assertNoSideways, axe, shot, signIn, suite} from './support/suite.js';

const STUDY = '/api/v1/studies/demo';

async function makeDraft(service) {
    const anna = service.as('anna');
    const list = await anna.get(`${STUDY}/submissions?subject=01-0004&form=pain_vas`);
    const {knee, content} = list.submissions.find((one) => one.visit === 'BL');
    const id = randomUUID();
    await anna.call('PUT', `${STUDY}/drafts/${id}`, {subject: '01-0004', knee, form: 'pain_vas',
        form_version: content.form_version, visit: 'M3', instance: 1, version: 1, date: dateAgo(1), reason: null,
        answers: {vas: '37'}, not_answered: {}, confirmed: [], section: null, second_of: null, revision: 0});
    return {id, knee};
}

// One good row and one of a subject that is not there; the good one is stored.
async function uploadSomeRefused(service) {
    const csv = ['subject,knee,visit,date,vas', `01-9999,left,M3,${dateAgo(0)},20`,
                 `01-0004,left,unscheduled,${dateAgo(0)},30`, ''].join('\n');
    return service.as('anna').call('POST', '/api/v1/uploads?study=demo&form=pain_vas&name=ward%20seven.csv' +
        '&commit=good-rows', csv, {'Content-Type': 'text/csv', Prefer: 'wait=30'});
}

await suite(async ({test, service}) => {
    const {anna, carla} = service.accounts;
    const draft = await makeDraft(service);
    const file = await uploadSomeRefused(service);
    const section = (page, name) => page.getByRole('region', {name});

    await test('a draft is a row of its own, and goes on where it was left', async ({page}) => {
        await signIn(page, anna, '#/demo/worklist');
        const row = section(page, /^Drafts/).getByRole('row').filter({hasText: '01-0004'});
        await row.waitFor();
        await page.getByRole('link', {name: /^Drafts 1/}).click();
        await page.waitForURL(/kind=draft/);
        await shot(page, 'tasks-draft');
        await axe(page);
        await assertNoSideways(page);
        await row.getByRole('link', {name: 'Resume'}).click();
        await page.waitForURL(new RegExp(`#/demo/entry/${draft.id}$`));
        await page.getByLabel(/mm on the line/).first().waitFor();
        assert.equal(await page.getByLabel(/mm on the line/).first().inputValue(), '37');
    });

    await test('a draft is nobody else\'s', async ({page}) => {
        await signIn(page, carla, '#/demo/worklist');
        await section(page, /^Overdue/).waitFor();
        assert.equal(await section(page, /^Drafts/).count(), 0);
    });

    await test('a file with refused rows is a row of its own, and opens', async ({page}) => {
        assert.equal(file.state, 'committed');
        await signIn(page, anna, '#/demo/worklist?kind=refused_upload');
        const row = section(page, /refused/i).getByRole('row').filter({hasText: 'ward seven.csv'});
        await row.waitFor();
        await shot(page, 'tasks-upload');
        await axe(page);
        await assertNoSideways(page);
        await row.getByRole('link', {name: 'ward seven.csv'}).click();
        await page.waitForURL(new RegExp(`#/demo/uploads/${file.id}$`));
        await page.getByText('01-9999').first().waitFor();
        await page.getByRole('button', {name: 'Download refused rows'}).waitFor();
    });
});
