// SPDX-License-Identifier: GPL-3.0-or-later
// A coordinator's day: worklist, subjects, one subject, adverse events, queries.
import {assert, assertNoSideways, axe, offline, shot, signIn, suite} from './support/suite.js';

/** Looks at a page in every way that each has to stand. */
async function inspect(page, name, options) {
    await shot(page, `day-${name}`, options);
    await axe(page);
    await assertNoSideways(page);
}

const heading = (page, name) => page.getByRole('heading', {name, level: 1}).waitFor();
const section = (page, name) => page.getByRole('region', {name});
const row = (page, text) => page.getByRole('row').filter({hasText: text});

await suite(async ({test, service}) => {
    const {anna, carla, dora, mona, stefan} = service.accounts;

    await test('the worklist names what waits, with its windows, and leads to the form', async ({page}) => {
        await signIn(page, carla, '#/demo/worklist');
        await section(page, /^Overdue/).waitFor();
        await inspect(page, 'worklist', {dark: true});
        assert.match(await section(page, /^Overdue/).innerText(), /01-0004/);
        assert.match(await section(page, /^Window closing/).innerText(), /01-0003[\s\S]*ends in 3 days/);
        assert.match(await section(page, /^Due/).innerText(), /01-0001[\s\S]*3 months/);
        assert.match(await section(page, /^Serious events/).innerText(), /swollen calf[\s\S]*2[34] hours left/);
        assert.match(await section(page, /^Open queries/).innerText(), /The source says 65 mm/);
        await section(page, /^Due/).getByRole('row').filter({hasText: '01-0001'})
            .getByRole('link', {name: 'Enter KOOS, left'}).click();
        await page.waitForURL(/#\/demo\/entry\//);
        await heading(page, /KOOS/);
        assert.match(await page.getByRole('region', {name: 'Subject'}).innerText(), /01-0001/);
    });

    await test('filters of the worklist stand in its address and outlive a reload', async ({page}) => {
        await signIn(page, carla, '#/demo/worklist');
        await page.getByLabel('Site').selectOption('2');
        await page.waitForURL(/site=2/);
        await page.waitForFunction(() => !document.body.innerText.includes('01-0004'));
        await page.reload();
        await section(page, /^Due/).waitFor();
        assert.doesNotMatch(await page.locator('main').innerText(), /01-0004/);
        await page.getByRole('link', {name: /^Overdue 0/}).click();
        await page.getByText('Nothing fits these filters.').waitFor();
        await shot(page, 'day-worklist-empty');
        await axe(page);
        await page.getByRole('link', {name: 'Clear filters'}).first().click();
        await section(page, /^Overdue/).waitFor();
        assert.equal(new URL(page.url()).hash, '#/demo/worklist');
    });

    await test('a coordinator of one site sees nothing of another', async ({page}) => {
        await signIn(page, anna, '#/demo/worklist');
        await section(page, /^Due/).waitFor();
        assert.doesNotMatch(await page.locator('main').innerText(), /02-0/);
        assert.equal(await page.getByLabel('Site').count(), 0);
    });

    await test('subjects are searched by a part of the number, and lead to one of them', async ({page}) => {
        await signIn(page, carla, '#/demo/subjects');
        await page.getByText('13 subjects', {exact: true}).waitFor();
        await page.getByText('What the states mean').click();
        await inspect(page, 'subjects');
        assert.match(await row(page, '01-0009').innerText(), /missed/);
        assert.match(await row(page, '01-0035').innerText(), /withdrawn/);
        await page.getByLabel('Subject number').fill('02-');
        await page.getByText('3 subjects', {exact: true}).waitFor();
        assert.match(page.url(), /q=02-/);
        await page.getByLabel('Subject number').fill('99');
        await page.getByText('No subject fits these filters.').waitFor();
        await shot(page, 'day-subjects-empty');
        await page.getByLabel('Subject number').fill('01-0006');
        await page.getByText('1 subject', {exact: true}).waitFor();
        await page.getByRole('link', {name: '01-0006', exact: true}).click();
        await heading(page, 'Subject 01-0006');
    });

    await test('a subject shows its visits, both knees, course and scores', async ({page}) => {
        await signIn(page, carla, '#/demo/subjects/01-0006');
        await page.getByRole('heading', {name: 'Pain and function over time'}).waitFor();
        await inspect(page, 'subject', {dark: true});
        const knees = section(page, 'Knees');
        assert.match(await knees.innerText(), /right \(index knee\)/);
        assert.equal(await page.getByRole('img', {name: /Course/}).count(), 1);
        assert.match(await page.getByRole('table', {name: 'Course, in order of time'}).innerText(),
                     /Treatment[\s\S]*Serious adverse event: swollen calf/);
        const scores = page.getByRole('table', {name: /WOMAC pain/});
        const shown = await scores.getByRole('row').filter({hasText: 'Baseline'}).innerText();
        const stored = await service.as('carla').get(
            '/api/v1/studies/demo/submissions?subject=01-0006&form=koos&visit=BL');
        for (const record of stored.submissions)
            assert.match(shown, new RegExp(record.scores.womac_pain_0_100.toFixed(1)));
        await page.locator('#visit-M6 summary').click();
        await page.locator('#visit-M6').getByRole('link', {name: /Enter.*Return to daily activity.*left/}).click();
        await page.waitForURL(/#\/demo\/entry\//);
        await heading(page, /Return to daily/);
    });

    await test('a data manager locks and unlocks a subject with a reason', async ({page}) => {
        await signIn(page, dora, '#/demo/subjects/01-0005');
        await page.getByRole('button', {name: 'Lock'}).click();
        await page.getByRole('dialog').getByRole('button', {name: 'Lock'}).click();
        await page.getByText('Say why, in at least 5 letters').waitFor();
        await page.getByLabel('Reason').fill('all data are clean');
        await page.getByRole('dialog').getByRole('button', {name: 'Lock'}).click();
        await page.getByRole('button', {name: 'Unlock'}).waitFor();
        assert.equal((await service.as('dora').get('/api/v1/studies/demo/subjects/01-0005')).locked, true);
        assert.equal(await page.getByRole('link', {name: /^Enter a form/}).count(), 0);
        await page.getByRole('button', {name: 'Unlock'}).click();
        await page.getByLabel('Reason').fill('a form came late');
        await page.getByRole('dialog').getByRole('button', {name: 'Unlock'}).click();
        await page.getByRole('button', {name: 'Lock', exact: true}).waitFor();
    });

    await test('adverse events show their clocks, are filtered, and followed up', async ({page}) => {
        await signIn(page, carla, '#/demo/events');
        await row(page, 'headache').waitFor();
        await inspect(page, 'events');
        await page.getByLabel('Show').selectOption('yes');
        await row(page, 'headache').waitFor({state: 'detached'});
        const event = row(page, 'swollen calf');
        assert.match(await event.innerText(), /Sponsor[\s\S]*2[34] hours left[\s\S]*Authority[\s\S]*1[45] days left/);
        await event.getByRole('link', {name: /^Follow-up/}).click();
        await page.waitForURL(/#\/demo\/entry\//);
        await heading(page, /Adverse event/);
    });

    await test('a query is answered in its place by the coordinator', async ({page}) => {
        await signIn(page, anna, '#/demo/worklist');
        await section(page, /^Open queries/).getByRole('link', {name: 'Open'}).click();
        await page.getByLabel('Your words').waitFor();
        await inspect(page, 'query-open');
        assert.equal(await page.getByRole('button', {name: 'Close the query'}).count(), 0);
        await page.getByRole('button', {name: 'Answer'}).click();
        await page.getByText('Write what you want to say about it').waitFor();
        await page.getByLabel('Your words').fill('The source is right; corrected.');
        await page.getByRole('button', {name: 'Answer'}).click();
        await page.getByText(/^answered by anna/).waitFor();
    });

    await test('the monitor closes her own query and may not answer it', async ({page}) => {
        await signIn(page, mona, '#/demo/queries?state=all');
        const mine = page.getByRole('listitem').filter({hasText: 'The source says 65 mm'}).first();
        await mine.getByRole('button', {name: /^Show/}).click();
        await page.getByLabel('Your words').fill('Thank you.');
        assert.equal(await page.getByRole('button', {name: 'Answer'}).count(), 0);
        await page.getByRole('button', {name: 'Close the query'}).click();
        await page.getByText(/^closed by mona/).waitFor();
        await inspect(page, 'queries');
    });

    await test('a statistician sees subjects without anything to enter', async ({page}) => {
        await signIn(page, stefan, '#/demo/subjects/01-0001');
        await page.getByRole('heading', {name: 'Visits'}).waitFor();
        assert.equal(await page.getByRole('link', {name: /^Enter/}).count(), 0);
        await page.goto(`${service.url}/#/demo/worklist`);
        await page.getByText(/does not open this page/).waitFor();
    });

    await test('the worklist is kept for when there is no network', async ({page}) => {
        await signIn(page, carla, '#/demo/worklist');
        await section(page, /^Overdue/).waitFor();
        await page.getByRole('link', {name: 'Subjects', exact: true}).click();
        await page.getByText('13 subjects', {exact: true}).waitFor();
        await offline(page);
        await page.getByRole('link', {name: 'Worklist', exact: true}).click();
        await page.getByText(/^There is no connection. This is as it was at/).waitFor();
        await section(page, /^Overdue/).waitFor();
        await shot(page, 'day-worklist-offline', {widths: [768]});
    });

    await test('a form is reached from the worklist with the keyboard alone', async ({page}) => {
        await signIn(page, carla, '#/demo/worklist?kind=due');
        await section(page, /^Due/).waitFor();
        await page.locator('body').press('Tab');
        const wanted = /Enter KOOS, left/;
        for (let i = 0; i < 80; i++) {
            const name = await page.evaluate(() => document.activeElement.textContent.replace(/\s+/g, ' ').trim());
            if (wanted.test(name))
                break;
            await page.keyboard.press('Tab');
        }
        await page.keyboard.press('Enter');
        await page.waitForURL(/#\/demo\/entry\//);
    });
});
