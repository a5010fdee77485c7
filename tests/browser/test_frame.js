// SPDX-License-Identifier: GPL-3.0-or-later
// What stands around every page: skip link, menu, long names, narrow windows, and the newer app that is offered.
import {readFileSync} from 'node:fs';
import {createServer} from 'node:https';
import {join} from 'node:path';
import {assert, assertNoSideways, axe, shot, signIn, suite} from './support/suite.js';

const ACCOUNT = '#/account';
const TYPES = {js: 'text/javascript', css: 'text/css', json: 'application/json', svg: 'image/svg+xml',
               html: 'text/html'};

// The files of the app under another version, on the port of a daemon that is away.
function serveNewer(port) {
    const web = join(process.env.BUILD, 'web');
    const state = process.env.BROWSER_STATE;
    const fileOf = (path) => (path === '/' ? '/index.html' : path === '/participant' ? '/participant.html'
        : path.replace(/^\/app\//, '/'));
    const server = createServer({cert: readFileSync(join(state, 'certificate.pem')),
                                 key: readFileSync(join(state, 'key.pem'))}, (request, reply) => {
        const path = new URL(request.url, 'https://localhost').pathname;
        if (path.startsWith('/api/')) {
            reply.writeHead(401, {'Content-Type': 'application/problem+json'}).end('{"status": 401}');
            return;
        }
        const bytes = readFileSync(join(web, fileOf(path)));
        const isWorker = path === '/service_worker.js';
        reply.writeHead(200, {'Content-Type': TYPES[fileOf(path).split('.').pop()]});
        reply.end(isWorker ? bytes.toString().replace(/PATELLA_VERSION = '\w/, "PATELLA_VERSION = 'f") : bytes);
    });
    return new Promise((ready) => { server.listen(port, '127.0.0.1', () => ready(server)); });
}
const focused = (page) => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);

await suite(async ({test, service}) => {
    await test('a long name and the menu fit a narrow window, by the keyboard alone', async ({page}) => {
        await signIn(page, service.accounts.theresa, ACCOUNT);
        await page.getByRole('heading', {level: 1}).waitFor();
        await page.setViewportSize({width: 320, height: 640});
        await page.evaluate(() => document.activeElement.blur());
        await page.keyboard.press('Tab');
        assert.equal(await page.evaluate(() => document.activeElement.className), 'skip-link');
        await page.keyboard.press('Enter');
        assert.equal(await focused(page), 'main');
        const menu = page.getByRole('navigation', {name: 'Menu'});
        const summary = menu.locator('summary');
        await summary.focus();
        await page.keyboard.press('Enter');
        await menu.getByRole('link', {name: 'Subjects'}).waitFor();
        await assertNoSideways(page);
        await axe(page);
        await shot(page, 'frame-menu', {widths: [360], dark: true});
        await page.setViewportSize({width: 320, height: 640});
        await page.keyboard.press('Escape');
        await menu.getByRole('link', {name: 'Subjects'}).waitFor({state: 'hidden'});
        assert.equal(await focused(page), 'SUMMARY');
        await page.keyboard.press('Enter');
        await menu.getByRole('link', {name: 'Uploads'}).click();
        await page.waitForURL(/#\/demo\/uploads$/);
        await page.waitForFunction(() => document.activeElement.tagName === 'H1');   // where reading begins
    });

    await test('high contrast, no motion and print leave everything to be read', async ({page}) => {
        await page.emulateMedia({forcedColors: 'active', reducedMotion: 'reduce'});
        await signIn(page, service.accounts.carla, ACCOUNT);
        await page.getByRole('heading', {level: 1}).waitFor();
        await axe(page);
        // Bootstrap draws what is chosen by a picture, which high contrast takes away: the browser draws it then.
        assert.equal(await page.getByLabel('as this device').evaluate((radio) => getComputedStyle(radio).appearance),
                     'auto');
        await shot(page, 'frame-forced-colours', {widths: [768]});
        await page.emulateMedia({forcedColors: 'none', media: 'print'});
        assert.equal(await page.locator('.header').isVisible(), false);
        assert.equal(await page.getByRole('heading', {level: 1}).isVisible(), true);
        await shot(page, 'frame-print', {widths: [768]});
    });

    await test('brightness and language are kept', async ({page}) => {
        await signIn(page, service.accounts.carla, ACCOUNT);
        await page.getByLabel('dark').check();
        await page.getByLabel('Language').selectOption('de');
        await page.getByRole('heading', {name: 'Konto und Einstellungen'}).waitFor();
        await page.reload();
        await page.getByRole('heading', {name: 'Konto und Einstellungen'}).waitFor();
        assert.equal(await page.evaluate(() => document.documentElement.dataset.bsTheme), 'dark');
        assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
        await axe(page);
    });

    await test('a newer app is offered, and comes when it is asked for', async ({page}) => {
        await page.goto(`${service.url}/`);
        await page.evaluate(async () => {
            await navigator.serviceWorker.ready;
            while (navigator.serviceWorker.controller === null)
                await new Promise((resolve) => { requestAnimationFrame(resolve); });
        });
        await service.stopDaemon();
        const newer = await serveNewer(service.port);
        await page.evaluate(async () => (await navigator.serviceWorker.getRegistration()).update());
        await page.getByText('A newer version of this app is ready.').waitFor();
        await axe(page);
        await shot(page, 'frame-update', {widths: [360, 1440]});
        const loaded = page.waitForEvent('load');
        await page.getByRole('button', {name: 'Reload'}).click();
        await loaded;
        await page.getByRole('heading', {name: 'Sign in'}).waitFor();
        assert.deepEqual(await page.evaluate(async () => (await caches.keys()).map((name) => name.slice(0, 9))),
                         ['patella-f']);
        newer.closeAllConnections();
        await new Promise((closed) => { newer.close(closed); });
        await service.startDaemon();
    });
});
