// SPDX-License-Identifier: GPL-3.0-or-later
// Entering forms: a whole KOOS by the keyboard alone, checks, drafts, enrolment, and what the server refuses.
import {strict as assert} from 'node:assert';
import {assertNoSideways, axe, offline, shot, signIn, suite} from './support/suite.js';
import {until} from './support/service.js';

const entry = (query) => `#/demo/entry/NEW?${new URLSearchParams(query)}`;
const koos = entry({subject: '01-0001', form: 'koos', visit: 'M3', knee: 'left'});
const [year, month, day] = new Date().toISOString().slice(0, 10).split('-').map(Number);

async function typeDate(page) {
    await page.getByRole('group', {name: 'Date of the form'}).getByLabel('Day').fill(String(day));
    await page.getByRole('group', {name: 'Date of the form'}).getByLabel('Month').fill(String(month));
    await page.getByRole('group', {name: 'Date of the form'}).getByLabel('Year').fill(String(year));
}

const send = (page) => page.getByRole('button', {name: 'Check and send'}).click();
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim());

// Presses Tab until something with this id or text has the focus: nothing but the keyboard gets there.
async function tabTo(page, wanted, key = 'Tab') {
    for (let i = 0; i < 120; i++) {
        if ((await focused(page)).startsWith(wanted))
            return;
        await page.keyboard.press(key);
    }
    assert.fail(`${wanted} cannot be reached by ${key}; the focus is on ${await focused(page)}`);
}

const recordsOf = async (service, subject, form) => (await service.as('anna')
    .get(`/api/v1/studies/demo/submissions?subject=${subject}&form=${form}`)).submissions;

const countDrafts = async (service, subject) => (await service.as('anna')
    .get(`/api/v1/studies/demo/drafts?subject=${subject}`)).drafts.length;

await suite(async ({test, service}) => {
    const {anna} = service.accounts;

    await test('a form is shown with its banner, its sections and its progress', async ({page}) => {
        await signIn(page, anna, koos);
        await page.getByRole('heading', {name: 'Symptoms and stiffness'}).waitFor();
        await page.getByText('0 of 42').waitFor();
        assert.equal(await page.getByRole('navigation', {name: 'Sections of the form'}).getByRole('button').count(), 5);
        await axe(page);
        await shot(page, 'entry-koos');
        await page.setViewportSize({width: 320, height: 640});
        await assertNoSideways(page);
    });

    await test('a whole KOOS is entered by the keyboard alone', async ({page}) => {
        await signIn(page, anna, koos);
        await page.getByText('0 of 42').waitFor();
        await tabTo(page, 'form-date-day');
        await page.keyboard.type(String(day));
        await page.keyboard.press('Tab');
        await page.keyboard.type(new Intl.DateTimeFormat('en', {month: 'long'}).format(new Date(year, month - 1, 1)));
        await page.keyboard.press('Tab');
        await page.keyboard.type(String(year));
        const sections = {s: 7, p: 9, a: 17, sp: 5, q: 4};
        const names = ['Pain', 'Function in daily living', 'Sport and recreation', 'Knee-related quality of life'];
        for (const [prefix, count] of Object.entries(sections)) {
            await tabTo(page, `item-${prefix}1-`);
            for (let i = 0; i < count; i++) {
                await page.keyboard.press(String((i + count) % 5));
                if (i < count - 1)
                    await page.keyboard.press('Enter');
            }
            const next = names.shift();
            if (next) {
                await tabTo(page, `Next: ${next}`);
                await page.keyboard.press('Enter');
                await page.getByRole('heading', {name: next}).waitFor();
                await page.waitForFunction((title) => document.activeElement.textContent === title, next);
            }
        }
        await page.getByText('42 of 42').waitFor();
        await axe(page);
        await tabTo(page, 'Check and send');
        await page.keyboard.press('Enter');
        await page.getByRole('heading', {name: /receipt/}).waitFor();
        await page.getByRole('row', {name: /KOOS pain/}).waitFor();
        await page.getByRole('link', {name: /^Next: /}).waitFor();
        await axe(page);
        await shot(page, 'entry-receipt');
        const stored = await recordsOf(service, '01-0001', 'koos');
        const {content} = stored.find((one) => one.visit === 'M3');
        assert.equal(Object.keys(content.answers).length, 42);
        // The n-th of a section of c items was answered (n + c) mod 5.
        assert.deepEqual([content.answers.s1, content.answers.p9, content.answers.a17, content.answers.q4],
                         [7 % 5, (8 + 9) % 5, (16 + 17) % 5, (3 + 4) % 5]);
        assert.equal(await countDrafts(service, '01-0001'), 0);
    });

    await test('what is wrong stands above the form and beside the field in the same words', async ({page}) => {
        const event = {subject: '01-0003', form: 'adverse_event', visit: 'unscheduled', knee: 'left'};
        await signIn(page, anna, entry(event));
        await page.getByRole('heading', {name: 'Event', exact: true}).waitFor();
        await typeDate(page);
        await page.getByLabel('Year').nth(1).fill('2199');
        await send(page);
        const summary = page.getByRole('group', {name: 'There is a problem'});
        await summary.waitFor();
        assert.match(await page.evaluate(() => document.activeElement.className), /error-summary/);
        const lines = await summary.getByRole('link').allInnerTexts();
        assert.equal(lines.length, 3);
        assert.match(await page.title(), /^Error:/);
        assert.ok(lines.some((line) => line.startsWith('the onset lies after the date of this report')), String(lines));
        await page.locator('#item-onset .field-error, #item-onset-error').first()
            .getByText('the onset lies after the date of this report; correct one of the two dates').waitFor();
        await axe(page);
        await shot(page, 'entry-errors');
        // A section of its own: the link brings it onto the page and takes the focus to its field.
        await summary.getByRole('listitem').filter({hasText: 'serious'}).last().getByRole('link').click();
        await page.getByRole('heading', {name: 'Seriousness'}).waitFor();
        await page.waitForFunction(() => document.activeElement.closest('#item-serious') !== null);
        await page.getByRole('group', {name: /^serious/}).getByLabel('yes').check();
        await page.getByText('the site knew of it on').waitFor();   // skip logic
        await page.getByText('resulted in death').waitFor();
        await shot(page, 'entry-skip');
    });

    await test('an unusual answer is confirmed with a reason in a step of its own', async ({page}) => {
        await signIn(page, anna, entry({subject: '01-0015', form: 'imaging', visit: 'unscheduled', knee: 'right'}));
        await page.getByRole('heading', {name: 'Image and reading'}).waitFor();
        await typeDate(page);
        await page.getByLabel('magnetic resonance').check();
        await page.getByLabel(/number of the reader/).first().fill('1');
        await page.getByLabel(/reading number of this reader/).first().fill('1');
        await page.getByLabel(/volume of bone marrow lesions/).first().fill('70000.5');
        await send(page);
        await page.getByRole('heading', {name: 'Check this answer'}).waitFor();
        await page.getByText('70000.5 is above 60,000 mm3').waitFor();
        await axe(page);
        await shot(page, 'entry-soft');
        await page.getByRole('button', {name: 'Confirm and send'}).click();
        await page.getByRole('group', {name: 'There is a problem'}).waitFor();
        await page.getByLabel('Reason why this is right').fill('read twice, large oedema');
        await page.getByRole('button', {name: 'Confirm and send'}).click();
        await page.getByRole('heading', {name: /receipt/}).waitFor();
        const stored = await recordsOf(service, '01-0015', 'imaging');
        const {content} = stored.find((one) => one.content.answers.bone_marrow_lesion_mm3 === '70000.5');
        assert.deepEqual(content.confirmed, [{item: 'bone_marrow_lesion_mm3', rule: 'soft_range',
                                                     reason: 'read twice, large oedema'}]);
    });

    await test('a draft is kept, comes back as it was typed, and is gone when it is sent', async ({page}) => {
        await signIn(page, anna, entry({subject: '01-0004', form: 'pain_vas', visit: 'M3', knee: 'left'}));
        await page.getByText('0 of 1', {exact: true}).waitFor();
        await page.getByRole('group', {name: 'Date of the form'}).getByLabel('Day').fill('31');
        await page.getByLabel(/mm on the line/).first().fill('4x');
        await page.getByRole('button', {name: 'Save draft'}).click();
        await page.getByText(/Draft saved at/).waitFor();
        await page.waitForURL(/#\/demo\/entry\/[0-9a-f-]{36}$/);
        await page.reload();
        assert.equal(await page.getByRole('group', {name: 'Date of the form'}).getByLabel('Day').inputValue(), '31');
        assert.equal(await page.getByLabel(/mm on the line/).first().inputValue(), '4x');
        await axe(page);
        await typeDate(page);
        const line = page.getByRole('slider');
        assert.equal(await line.getAttribute('aria-valuetext'), 'no mark yet');
        await line.focus();
        await page.keyboard.press('End');
        await page.keyboard.press('PageDown');
        await page.keyboard.press('ArrowLeft');
        assert.equal(await page.getByLabel(/mm on the line/).first().inputValue(), '89');
        await shot(page, 'entry-scale');
        await send(page);
        await page.getByRole('heading', {name: /receipt/}).waitFor();
        assert.equal(await countDrafts(service, '01-0004'), 0);
    });

    await test('a draft that another browser has changed is not overwritten unasked', async ({page}) => {
        await signIn(page, anna, entry({subject: '01-0005', form: 'koos', visit: 'M3', knee: 'left'}));
        await page.locator('#item-s1-1').check();
        await page.getByRole('button', {name: 'Save draft'}).click();
        await page.getByText(/Draft saved at/).waitFor();
        const id = page.url().split('/').pop();
        const path = `/api/v1/studies/demo/drafts/${id}`;
        const {id: _, made_at, saved_at, ...draft} = await service.as('anna').get(path);
        await service.as('anna').send('PUT', path, {...draft, answers: {s1: 3, s2: 2}});
        await page.locator('#item-s1-4').check();
        await page.getByRole('button', {name: 'Save draft'}).click();
        await page.getByText('This draft was changed elsewhere').waitFor();
        await axe(page);
        await shot(page, 'entry-draft-changed');
        await page.getByRole('button', {name: 'Load the other'}).click();
        await page.getByText('2 of 42').waitFor();
        assert.ok(await page.locator('#item-s1-3').isChecked());
        await page.locator('#item-s3-0').check();
        await page.getByRole('button', {name: 'Save draft'}).click();
        await page.getByText(/Draft saved at/).waitFor();
        assert.deepEqual((await service.as('anna').get(path)).answers, {s1: 3, s2: 2, s3: 0});
    });

    await test('in German, with a decimal comma', async ({page}) => {
        await signIn(page, anna, entry({subject: '01-0006', form: 'pain_vas', visit: 'unscheduled', knee: 'left'}));
        const number = page.getByLabel(/mm on the line/).first();
        await number.fill('100,5');
        await page.getByRole('button', {name: 'Prüfen und senden'}).click();
        const problems = page.getByRole('group', {name: 'Es gibt ein Problem'});
        await problems.getByText('Der Wert liegt außerhalb von 0 bis 100 mm; berichtigen Sie ihn').waitFor();
        await problems.getByText('Das Datum des Bogens fehlt').waitFor();
        await axe(page);
        await shot(page, 'entry-german');
        await page.getByLabel('Tag').fill(String(day));
        await page.getByLabel('Monat').fill(new Intl.DateTimeFormat('de', {month: 'long'})
            .format(new Date(year, month - 1, 1)));
        await page.getByLabel('Jahr').fill(String(year));
        await number.fill('27,4');
        await page.getByRole('button', {name: 'Prüfen und senden'}).click();
        await page.getByRole('heading', {name: /Quittung/}).waitFor();
        assert.ok((await recordsOf(service, '01-0006', 'pain_vas')).some((one) => one.content.answers.vas === '27.4'));
    }, {context: {locale: 'de-DE'}});

    await test('leaving what is not saved asks first', async ({page}) => {
        await signIn(page, anna, entry({subject: '01-0004', form: 'patient_global', visit: 'M3', knee: 'left'}));
        await page.getByLabel(/how the knee affects/).first().fill('30');
        await page.getByRole('link', {name: 'Worklist'}).first().click();
        await page.getByRole('dialog').waitFor();
        await axe(page);
        await page.keyboard.press('Escape');
        assert.equal(await page.getByLabel(/how the knee affects/).first().inputValue(), '30');
    });

    await test('what only the server finds stands beside the field', async ({page}) => {
        await signIn(page, anna, entry({subject: '01-0005', form: 'koos', visit: 'M3', knee: 'left'}));
        await page.getByText('0 of 42').waitFor();
        await typeDate(page);
        // As if the server knew a rule that this page does not.
        await page.route('**/api/v1/studies/demo/submissions', (route) => route.fulfill({status: 422,
            contentType: 'application/problem+json', body: JSON.stringify({type: 'about:blank', title: 'Invalid',
                status: 422, code: 'invalid', detail: 'the submission has problems',
                problems: [{item: 'p3', rule: 'other', text: 'this does not fit; correct it', soft: false}]})}));
        await send(page);
        const problems = page.getByRole('group', {name: 'There is a problem'});
        await problems.getByText('this does not fit; correct it').waitFor();
        await page.getByRole('link', {name: 'this does not fit; correct it'}).click();
        await page.locator('#item-p3').getByText('this does not fit; correct it').waitFor();
        assert.equal(await page.locator('#item-p3 input').first().getAttribute('aria-invalid'), 'true');
        await page.locator('#item-p3').getByRole('radio').nth(1).check();
        await page.locator('#item-p3').getByText('this does not fit').waitFor({state: 'detached'});
    });

    await test('a form is entered without network and sent when it is back', async ({page}) => {
        const route = entry({subject: '01-0003', form: 'patient_global', visit: 'M3', knee: 'left'});
        await signIn(page, anna, route);
        await page.getByText('0 of 1', {exact: true}).waitFor();
        await typeDate(page);
        await offline(page);
        await page.getByLabel(/how the knee affects/).first().fill('42.5');
        await send(page);
        await page.getByText('Kept on this device', {exact: true}).waitFor();
        await axe(page);
        await shot(page, 'entry-waiting');
        await offline(page, false);
        await page.evaluate(() => window.dispatchEvent(new Event('online')));
        await until('the entry is stored', async () => (await recordsOf(service, '01-0003', 'patient_global'))
            .some((one) => one.visit === 'M3' && one.content.answers.pga === '42.5'));
    });

    await test('what has been entered once is not entered again', async ({page}) => {
        await signIn(page, anna, entry({subject: '01-0001', form: 'koos', visit: 'BL', knee: 'left'}));
        await page.getByText('This form has been entered already').waitFor();
        await axe(page);
        await shot(page, 'entry-exists');
        await page.getByRole('link', {name: 'Open the record'}).click();
        await page.getByRole('heading', {name: 'Answers'}).waitFor();
    });

    await test('what the link does not say is asked', async ({page}) => {
        await signIn(page, anna, entry({subject: '01-0001'}));
        await page.getByRole('button', {name: 'Go on to the form'}).click();
        await page.getByRole('group', {name: 'There is a problem'}).getByText('Choose the form').waitFor();
        await page.getByLabel('Form', {exact: true}).selectOption('joint_event');
        await page.getByLabel('Visit', {exact: true}).selectOption('unscheduled');
        await axe(page);
        await shot(page, 'entry-choose');
        await page.getByLabel('left').check();
        await page.getByRole('button', {name: 'Go on to the form'}).click();
        await page.getByRole('heading', {name: 'Joint event'}).waitFor();
    });

    await test('a subject is enrolled under the number that is free next', async ({page}) => {
        await signIn(page, anna, entry({form: 'enrolment'}));
        await page.getByText('01-0049 is free next; another number may be given').waitFor();
        assert.equal(await page.getByLabel('Number of the subject').inputValue(), '0049');
        await axe(page);
        await shot(page, 'entry-enrol');
        await page.getByLabel('Number of the subject').fill('');
        await typeDate(page);
        await send(page);
        const problems = page.getByRole('group', {name: 'There is a problem'});
        await problems.getByText("Give the subject's number").waitFor();
        await page.getByLabel('Number of the subject').fill('48');
        await page.getByRole('group', {name: /^index knee/}).getByLabel('left').check();
        await send(page);
        await page.getByText('There is a subject 01-0048 already').waitFor();
        await page.getByLabel('Number of the subject').fill('49');
        await send(page);
        await page.getByRole('heading', {name: '01-0049 is enrolled'}).waitFor();
        const subject = await service.as('anna').get('/api/v1/studies/demo/subjects/01-0049');
        assert.equal(subject.index_knee, 'left');
    });
});
