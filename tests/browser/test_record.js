// SPDX-License-Identifier: GPL-3.0-or-later
// Records: what is stored, corrections, queries, signatures, locks, and entering the same paper a second time.
import {strict as assert} from 'node:assert';
import {randomUUID} from 'node:crypto';
import {axe, shot, signIn, suite} from './support/suite.js';

const STUDY = '/api/v1/studies/demo';

const findRecord = async (service, subject, form, visit) => (await service.as('dora')
    .get(`${STUDY}/submissions?subject=${subject}&form=${form}`)).submissions.find((one) => one.visit === visit);

const place = (id) => `#/demo/records/${id}`;

async function saySomething(page, text, button) {
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').fill(text);
    await dialog.getByRole('button', {name: button}).click();
    await dialog.waitFor({state: 'detached'});
}

// A new version behind the page's back.
async function correct(service, record, answers, reason) {
    const {subject, knee, form, form_version, visit, instance, version, date} = record.content;
    await service.as('anna').post(`${STUDY}/submissions`, {id: randomUUID(), subject, knee, form, form_version, visit,
        instance, version: version + 1, date, reason, answers: {...record.content.answers, ...answers}});
}

await suite(async ({test, service}) => {
    const {anna, carla, dora, ivan, mona} = service.accounts;

    await test('a record shows its answers and scores, and each role what it may do', async ({page}) => {
        const record = await findRecord(service, '01-0001', 'koos', 'BL');
        await signIn(page, anna, place(record.id));
        await page.getByRole('heading', {name: 'Answers'}).waitFor();
        await page.getByRole('row', {name: /KOOS pain/}).waitFor();
        assert.deepEqual(await page.locator('.record-acts').getByRole('button').allInnerTexts(), ['Declare void']);
        await page.getByRole('link', {name: 'Correct'}).waitFor();
        await axe(page);
        await shot(page, 'record');
    });

    await test('a correction needs its reason, and the history says who, when, old, new and why', async ({page}) => {
        const record = await findRecord(service, '01-0001', 'koos', 'BL');
        await signIn(page, anna, place(record.id));
        await page.getByRole('link', {name: 'Correct'}).click();
        await page.getByRole('heading', {name: /^Correct: /}).waitFor();
        const old = record.content.answers.s1;
        const next = (old + 1) % 5;
        await page.locator(`#item-s1-${next}`).check();
        await page.getByRole('button', {name: 'Check and send'}).click();
        const problems = page.getByRole('group', {name: 'There is a problem'});
        await problems.getByText('Give a reason of at least five letters').waitFor();
        await page.getByLabel('Reason for change').fill('misread the paper');
        await axe(page);
        await shot(page, 'record-correct');
        await page.getByRole('button', {name: 'Check and send'}).click();
        await page.getByRole('heading', {name: /receipt/}).waitFor();
        await page.getByRole('link', {name: 'Open the record'}).click();
        const row = page.getByRole('table', {name: 'What was changed'}).getByRole('row', {name: /^S1 /});
        await row.waitFor();
        const cells = await row.getByRole('cell').allInnerTexts();
        assert.ok(cells[0].startsWith(`${old} `) && cells[1].startsWith(`${next} `), String(cells));
        assert.ok(cells[2].startsWith('anna') && cells[3].includes('misread the paper'), String(cells));
        await axe(page);
        await shot(page, 'record-history');
    });

    await test('a correction of what somebody else has corrected meanwhile shows the newer version', async ({page}) => {
        const record = await findRecord(service, '01-0006', 'koos', 'BL');
        await signIn(page, anna, `#/demo/entry/NEW?correct=${record.id}`);
        await page.getByLabel('Reason for change').fill('misread the paper');
        await correct(service, record, {q1: (record.content.answers.q1 + 1) % 5}, 'found in the audit');
        await page.locator(`#item-s1-${(record.content.answers.s1 + 1) % 5}`).check();
        await page.getByRole('button', {name: 'Check and send'}).click();
        await page.getByText('There is a newer version').waitFor();
        await page.getByText(/Version 2, by anna.*found in the audit/).waitFor();
        await page.getByRole('link', {name: 'Open the record'}).waitFor();
        await axe(page);
        await shot(page, 'record-newer');
    });

    await test('a record is declared void and entered anew', async ({page}) => {
        const record = await findRecord(service, '01-0009', 'pain_vas', 'M3');
        await signIn(page, anna, place(record.id));
        await page.getByRole('button', {name: 'Declare void'}).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('textbox').fill('no');
        await dialog.getByRole('button', {name: 'Declare void'}).click();
        await dialog.getByText(/at least 5/).waitFor();
        await axe(page);
        await shot(page, 'record-void');
        await saySomething(page, 'entered for the wrong subject', 'Declare void');
        await page.getByText('Version 2 is newer').waitFor();
        await page.getByRole('link', {name: 'Open the newest version'}).click();
        await page.getByText('This version says that the record does not count').waitFor();
        await page.getByRole('link', {name: 'Enter anew'}).click();
        await page.getByText('0 of 1', {exact: true}).waitFor();
    });

    await test('a query about an item goes from the monitor to the coordinator and back', async ({page, context}) => {
        const record = await findRecord(service, '01-0005', 'pain_vas', 'BL');
        await signIn(page, mona, place(record.id));
        await page.getByRole('button', {name: /^Ask about: pain in this knee/}).click();
        await axe(page);
        await saySomething(page, 'The source says 61 mm.', 'Open the query');
        await page.getByText('The source says 61 mm.').waitFor();
        await context.clearCookies();
        await signIn(page, anna, place(record.id));
        await page.getByRole('button', {name: 'Answer the query'}).click();
        await saySomething(page, 'It was measured again.', 'Answer the query');
        await page.getByText('It was measured again.').waitFor();
        assert.equal(await page.getByRole('button', {name: 'Close the query'}).count(), 0);
        await axe(page);
        await shot(page, 'record-query');
        await context.clearCookies();
        await signIn(page, mona, place(record.id));
        await page.getByRole('button', {name: 'Close the query'}).click();
        await saySomething(page, 'Agreed.', 'Close the query');
        await page.getByRole('button', {name: 'Ask again'}).waitFor();
    });

    await test('an investigator signs with password and code, and reads what the signature covers', async ({page}) => {
        const record = await findRecord(service, '01-0004', 'koos', 'BL');
        await signIn(page, ivan, place(record.id));
        await page.getByRole('button', {name: 'Sign', exact: true}).click();
        await page.getByLabel('Meaning').selectOption('approval');
        await axe(page);
        await shot(page, 'record-sign');
        await page.getByRole('dialog').getByRole('button', {name: 'Sign', exact: true}).click();
        const confirm = page.getByRole('dialog', {name: 'Confirm that it is you'});
        await confirm.getByLabel('Password').fill(ivan.password);
        await confirm.getByLabel(/code/i).fill(await ivan.nextCode());
        await confirm.getByRole('button', {name: 'Confirm'}).click();
        await page.getByRole('table', {name: 'Signatures'}).getByRole('row', {name: /I approve this record/}).waitFor();
        await axe(page);
        await shot(page, 'record-signed');
    });

    await test('a monitor verifies, a data manager locks and unlocks', async ({page, context}) => {
        const record = await findRecord(service, '01-0003', 'koos', 'BL');
        await signIn(page, mona, place(record.id));
        await page.getByRole('button', {name: 'Mark as compared with the source'}).click();
        await page.locator('.record-states').getByText('verified').waitFor();
        await context.clearCookies();
        await signIn(page, dora, place(record.id));
        await page.getByRole('button', {name: 'Lock the record'}).click();
        await saySomething(page, 'the data are clean', 'Lock the record');
        await page.locator('.record-states').getByText('locked').waitFor();
        assert.equal(await page.getByRole('link', {name: 'Correct'}).count(), 0);
        await axe(page);
        await page.getByRole('button', {name: 'Unlock the record'}).click();
        await saySomething(page, 'a correction is needed', 'Unlock the record');
        await page.getByRole('link', {name: 'Correct'}).waitFor();
    });

    await test('who may not do it is not offered it, and the server refuses it', async ({page}) => {
        const record = await findRecord(service, '01-0003', 'koos', 'BL');
        await signIn(page, anna, place(record.id));
        await page.getByRole('heading', {name: 'Answers'}).waitFor();
        for (const name of ['Sign', 'Lock the record', 'Mark as compared with the source', 'Ask about the record'])
            assert.equal(await page.getByRole('button', {name, exact: true}).count(), 0, name);
        for (const act of ['lock', 'verify', 'sign']) {
            const body = {lock: {reason: 'the data are clean'}, verify: {},
                          sign: {signature: randomUUID(), sha256: record.sha256, meaning: 'review'}}[act];
            const reply = await service.as('anna').send('POST', `${STUDY}/submissions/${record.id}/${act}`, body);
            assert.equal(reply.status, 403, act);
        }
    });

    await test('a second person enters the paper blind, and each difference is settled', async ({page}) => {
        const id = randomUUID();
        const first = {id, subject: '01-0005', knee: 'left', form: 'koos', form_version: 1, visit: 'unscheduled',
                       date: new Date().toISOString().slice(0, 10), answers: {s1: 1, s2: 2, s3: 3}};
        await service.as('anna').post(`${STUDY}/submissions`, first);
        await signIn(page, dora, place(id));
        await page.getByRole('link', {name: 'Enter a second time'}).click();
        await page.getByText('0 of 42').waitFor();   // blind: nothing of the first entry
        const [year, month, day] = first.date.split('-').map(Number);
        await page.getByLabel('Day').first().fill(String(day));
        await page.getByLabel('Month').first().fill(String(month));
        await page.getByLabel('Year').first().fill(String(year));
        await page.locator('#item-s1-1').check();
        await page.locator('#item-s2-3').check();
        await page.locator('#item-s3-4').check();
        await axe(page);
        await shot(page, 'second-blind');
        await page.getByRole('button', {name: 'Check and compare'}).click();
        await page.getByRole('table', {name: 'Differences'}).getByRole('row', {name: /^S2/}).waitFor();
        await page.getByRole('button', {name: 'Settle'}).click();
        await page.getByRole('group', {name: 'There is a problem'}).getByText('Choose what is taken').first().waitFor();
        const row = (name) => page.getByRole('table', {name: 'Differences'}).getByRole('row', {name});
        await row(/^S2/).getByLabel('the second entry').check();
        await row(/^S3/).getByLabel('another value').check();
        await row(/^S3/).locator('#item-s3-0').check();
        await axe(page);
        await shot(page, 'second-settle');
        await row(/^S3/).getByLabel('Reason for the other value').fill('0 stands on the paper');
        await page.getByRole('button', {name: 'Settle'}).click();
        await page.getByText('All differences are settled').waitFor();
        await axe(page);
        await shot(page, 'second-settled');
        const newest = await findRecord(service, '01-0005', 'koos', 'unscheduled');
        assert.equal(newest.version, 2);
        assert.deepEqual([newest.content.answers.s1, newest.content.answers.s2, newest.content.answers.s3], [1, 3, 0]);
        assert.match(newest.reason, /0 stands on the paper/);
    });

    await test('two entries that agree say so', async ({page}) => {
        const id = randomUUID();
        const body = {subject: '01-0004', knee: 'left', form: 'pain_vas', form_version: 1, visit: 'unscheduled',
                      date: new Date().toISOString().slice(0, 10), answers: {vas: '12'}};
        await service.as('anna').post(`${STUDY}/submissions`, {id, ...body});
        const entry = randomUUID();
        await service.as('carla').post(`${STUDY}/second-entries`, {id: entry, ...body});
        await signIn(page, carla, `#/demo/second-entry/${entry}`);
        await page.getByText('Both entries agree').waitFor();
        await axe(page);
    });
});
