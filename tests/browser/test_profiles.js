// SPDX-License-Identifier: GPL-3.0-or-later
// Profiles for uploads: added from a file or by hand, what is wrong with one, its versions as text.
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {assert, assertNoSideways, axe, shot, signIn, suite} from './support/suite.js';

const folder = mkdtempSync(join(tmpdir(), 'patella-profiles.'));
const FIRST = 'profile: clinic-export\nversion: 1\ndates: dmy\n';
const SECOND = `${FIRST}visits: {baseline_arm_1: BL, ${'a_name_of_a_visit_that_is_very_long_'.repeat(4)}: M3}\n`;

async function inspect(page, name) {
    await shot(page, `profiles-${name}`);
    await axe(page);
    await assertNoSideways(page);
}

await suite(async ({test, service}) => {
    const {anna, dora, mona, stefan} = service.accounts;
    const profiles = async () => (await service.as('dora').get('/api/v1/studies/demo/upload-profiles')).profiles;

    await test('a profile is added from a file, after its mistakes were said', async ({page}) => {
        await signIn(page, anna, '#/demo/uploads');
        await page.getByRole('link', {name: 'Upload profiles'}).click();
        await page.getByText('No profile has been added yet.').waitFor();
        await inspect(page, 'empty');
        await page.getByRole('link', {name: 'Add a profile'}).click();
        await page.getByRole('button', {name: 'Store the profile'}).click();
        await page.getByRole('heading', {name: 'There is a problem'}).waitFor();
        await axe(page);
        await page.getByLabel('YAML', {exact: true}).fill('profile: clinic-export\nversion: 1\ndates: yesterday\n');
        await page.getByRole('button', {name: 'Store the profile'}).click();
        await page.getByText(/line 3: .*yesterday/).waitFor();
        await inspect(page, 'refused');
        assert.deepEqual(await profiles(), []);
        const path = join(folder, 'clinic.yaml');
        writeFileSync(path, FIRST);
        await page.getByLabel('File', {exact: true}).setInputFiles(path);
        await page.waitForFunction((text) => document.querySelector('#profile-yaml')?.value === text, FIRST);
        await page.getByRole('button', {name: 'Store the profile'}).click();
        await page.getByRole('heading', {name: 'Profile clinic-export'}).waitFor();
        assert.deepEqual((await profiles()).map(({name, version, site}) => [name, version, site]),
                         [['clinic-export', 1, 1]]);
    });

    await test('what was typed is not left unasked', async ({page}) => {
        await signIn(page, anna, '#/demo/profiles');
        await page.getByRole('link', {name: 'Add a profile'}).click();
        await page.getByLabel('YAML', {exact: true}).fill('profile: half');
        await page.getByRole('link', {name: 'All profiles'}).click();
        await page.getByRole('alertdialog').or(page.getByRole('dialog')).waitFor();
    });

    await test('the next version begins with the one before; both are shown, copied and downloaded', async (
        {page, context}) => {
        await context.grantPermissions(['clipboard-read', 'clipboard-write']);
        await signIn(page, dora, '#/demo/profiles');
        await page.getByRole('link', {name: 'clinic-export'}).click();
        await page.getByRole('link', {name: 'Add the next version'}).click();
        const yaml = page.getByLabel('YAML', {exact: true});
        await page.waitForFunction((text) => document.querySelector('#profile-yaml')?.value === text, FIRST);
        assert.equal(await page.getByLabel('Site').inputValue(), '1');
        await inspect(page, 'next');
        await yaml.fill(SECOND);
        await page.getByRole('button', {name: 'Store the profile'}).click();
        const shown = page.getByRole('region', {name: 'YAML'});
        await shown.getByText('baseline_arm_1').waitFor();
        await inspect(page, 'one');
        await page.getByRole('button', {name: 'Copy'}).click();
        await page.getByText('Copied.').waitFor();
        assert.equal(await page.evaluate(() => navigator.clipboard.readText()), SECOND);
        await page.getByLabel('Version').selectOption('1');
        await shown.getByText('baseline_arm_1').waitFor({state: 'detached'});
        assert.equal(await shown.textContent(), FIRST);
        const coming = page.waitForEvent('download');
        await page.getByRole('button', {name: 'Download'}).click();
        const file = await coming;
        assert.equal(file.suggestedFilename(), 'clinic-export-1.yaml');
        assert.equal(readFileSync(await file.path(), 'utf8'), FIRST);
        await page.getByRole('link', {name: 'All profiles'}).click();
        await page.getByRole('row').filter({hasText: 'clinic-export'}).getByText('dora').waitFor();
        await inspect(page, 'list');
    });

    await test('the data manager adds one for the whole study; a site sees it and does not change it', async (
        {page}) => {
        await signIn(page, dora, '#/demo/profiles?add=*');
        assert.equal(await page.getByLabel('Site').inputValue(), '');
        await page.getByLabel('YAML', {exact: true}).fill('profile: all-sites\nversion: 1\n');
        await page.getByRole('button', {name: 'Store the profile'}).click();
        await page.getByText('For: the whole study').waitFor();
        await signIn(page, anna, '#/demo/profiles/all-sites');
        await page.getByText('For: the whole study').waitFor();
        await page.getByRole('button', {name: 'Download'}).waitFor();
        assert.equal(await page.getByRole('link', {name: 'Add the next version'}).count(), 0);
    });

    await test('a monitor reads and adds none; a statistician finds no profiles', async ({page}) => {
        await signIn(page, mona, '#/demo/profiles');
        await page.getByRole('link', {name: 'clinic-export'}).waitFor();
        assert.equal(await page.getByRole('link', {name: 'Add a profile'}).count(), 0);
        const refused = await service.as('mona').send('POST', '/api/v1/studies/demo/upload-profiles?site=1', FIRST,
                                                      {'Content-Type': 'application/yaml'});
        assert.equal(refused.status, 403);
        await signIn(page, stefan, '#/demo/profiles');
        await page.getByText(/does not open this page/).waitFor();
        assert.equal((await service.as('stefan').send('GET', '/api/v1/studies/demo/upload-profiles')).status, 403);
    });
});
rmSync(folder, {recursive: true, force: true});
