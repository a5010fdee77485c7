// SPDX-License-Identifier: GPL-3.0-or-later
// Reports in the app: a data cut, a report of it, its files; and who gets none of them.
import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {assert, assertNoSideways, axe, shot, signIn, suite} from './support/suite.js';

const REPORT_MS = 120000, CONTROLLED_MS = 60000;
const NO_SCRIPT = /Blocked script execution/;   // Chromium of a sandboxed document, of Playwright's own scripts too
const GONE = 'A report is shown once and not kept in the browser.';
// A document that tries what a report must not: scripts, the session, a file from the network.
const HOSTILE = `<!doctype html><html lang="en"><head><title>quiet</title>
    <style>p { color: rgb(1, 2, 3) }</style></head>
    <body onload="document.title = 'loaded'"><p style="font-size: 33px">text</p>
    <img src="/app/icon.svg?hostile" alt="">
    <script>document.title = 'ran'; fetch('/api/v1/session?hostile');</script></body></html>`;

// The app with its service worker in charge of the page.
async function controlled(page) {
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null, null, {timeout: CONTROLLED_MS});
    return page.context().serviceWorkers()[0];
}

// Hands HTML to the service worker as the page of a report does, and gives the tab that opens.
async function showHtml(page, html) {
    const opening = page.waitForEvent('popup');
    await page.evaluate(async (text) => (await import('/app/lib/view.js')).showDocument(text), html);
    const tab = await opening;
    await tab.waitForLoadState();
    return tab;
}

await suite(async ({test, service}) => {
    const {stefan, uma, adam, anna} = service.accounts;

    await test('without a cut there is nothing to report on, and the page says what to do', async ({page}) => {
        await signIn(page, stefan, '#/demo/reports');
        await page.getByText('There is no data cut yet. Make one first.').waitFor();
        await page.getByRole('button', {name: 'Make a data cut'}).click();
        await page.getByText('Give the new cut a name.').first().waitFor();
        await axe(page);
        await shot(page, 'reports-empty');
    });

    await test('a cut is made, a report of it, and its files are what their hashes say', async ({page}) => {
        await signIn(page, stefan, '#/demo/reports');
        await page.getByLabel('Name of the new cut').fill(
            'interim analysis, after the first forty subjects of all sites');
        await page.getByRole('button', {name: 'Make a data cut'}).click();
        await page.getByText('Its number is 1.').waitFor();
        await axe(page);
        await page.getByRole('button', {name: 'Generate the report'}).click();
        await page.getByText('The report is being made').waitFor();
        await axe(page);
        await shot(page, 'reports-waiting', {widths: [360, 1440]});
        service.startReports();
        await page.getByRole('heading', {name: 'Files', exact: true}).waitFor({timeout: REPORT_MS});
        await axe(page);
        await shot(page, 'reports-report', {dark: true});
        await assertNoSideways(page);

        const downloading = page.waitForEvent('download');
        await page.getByRole('button', {name: 'Download report.html'}).click();
        const bytes = readFileSync(await (await downloading).path());
        const hash = createHash('sha256').update(bytes).digest('hex');
        const row = page.getByRole('row').filter({hasText: 'report.html'});
        assert.equal(await row.locator('code.hash').getAttribute('title'), hash);

        const opening = page.waitForEvent('popup');
        await page.getByRole('button', {name: 'Open report.html'}).click();
        const tab = await opening;
        await tab.waitForLoadState();
        assert.equal(await tab.title(), /<title>(.*?)<\/title>/.exec(bytes)[1]);
        const look = await tab.evaluate(() => [self.origin, document.styleSheets.length > 0,
            document.querySelectorAll('svg').length > 0, getComputedStyle(document.body).fontFamily]);
        assert.deepEqual(look.slice(0, 3), ['null', true, true]);
        assert.match(look[3], /Liberation Sans/);   // its own style's, not a browser's
        const picture = join(process.env.BUILD, 'screenshots', 'reports-opened-1024.png');
        await tab.screenshot({path: picture});   // shot() waits for a frame by a script, and here none runs

        await page.getByRole('link', {name: 'All reports'}).click();
        await page.getByRole('link', {name: /Report of cut 1/}).waitFor();
        await axe(page);
        await shot(page, 'reports-list');
        await assertNoSideways(page);
    }, {allow: [NO_SCRIPT]});

    await test('an opened document has its styles, no origin, no script and no network', async ({page, context}) => {
        await signIn(page, stefan, '#/demo/reports');
        await controlled(page);
        const answered = [];
        context.on('response', (response) => answered.push(response.url()));   // what is blocked has none
        const tab = await showHtml(page, HOSTILE);
        const found = await tab.evaluate(() => ({
            origin: self.origin, title: document.title, opener: window.opener, image:
            document.images[0].naturalWidth, colour: getComputedStyle(document.querySelector('p')).color,
            size: getComputedStyle(document.querySelector('p')).fontSize}));
        assert.deepEqual(found, {origin: 'null', title: 'quiet', opener: null, image: 0, colour: 'rgb(1, 2, 3)',
                                 size: '33px'});
        assert.deepEqual(answered.filter((url) => url.includes('hostile')), []);
        const kept = await page.evaluate(async () => {
            const names = await caches.keys();
            const all = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
            return all.flat().map((request) => new URL(request.url).pathname);
        });
        assert.deepEqual(kept.filter((path) => path.startsWith('/view')), []);
        assert.ok(kept.includes('/app/main.js'));
    }, {allow: [NO_SCRIPT, /Content Security Policy/]});

    await test('a document is shown once', async ({page}) => {
        await signIn(page, stefan, '#/demo/reports');
        await controlled(page);
        const tab = await showHtml(page, '<!doctype html><title>once</title><p>only once</p>');
        const address = tab.url();
        await tab.getByText('only once').waitFor();
        await tab.reload();
        await tab.getByRole('heading', {name: 'Page not found'}).waitFor();
        await tab.getByText(GONE).waitFor();
        await axe(tab);
        await shot(tab, 'reports-gone', {widths: [360, 1440]});
        await page.goto(address);
        await page.getByText(GONE).waitFor();
    });

    await test('a document that nobody opens is forgotten after a minute', async ({page}) => {
        await signIn(page, stefan, '#/demo/reports');
        const worker = await controlled(page);
        await worker.evaluate(() => {
            self.later = [];
            self.setTimeout = (work, ms) => self.later.push([work, ms]);
        });
        const addresses = await page.evaluate(async () => {
            const opened = [];
            window.open = (address) => opened.push(address);
            const {showDocument} = await import('/app/lib/view.js');
            await showDocument('<!doctype html><title>a</title><p>first');
            await showDocument('<!doctype html><title>b</title><p>second');
            return opened;
        });
        const waits = await worker.evaluate(() => {
            self.later[0][0]();
            return self.later.map(([, ms]) => ms);
        });
        assert.deepEqual(waits, [60000, 60000]);
        await page.goto(service.url + addresses[1]);
        await page.getByText('second').waitFor();
        await page.goto(service.url + addresses[0]);
        await page.getByText(GONE).waitFor();
    });

    await test('a document from elsewhere than a page of this origin is not taken', async ({page}) => {
        await signIn(page, stefan, '#/demo/reports');
        const worker = await controlled(page);
        await worker.evaluate(async (own) => {
            const source = (await clients.matchAll({includeUncontrolled: true}))[0];
            const send = (view, more) => self.dispatchEvent(new ExtendableMessageEvent('message',
                {data: {view, html: `<p>taken ${view}`}, ...more}));
            send('a', {origin: 'https://elsewhere.example', source});
            send('b', {origin: own});
            send('c', {origin: own, source});
        }, service.url);
        for (const id of ['a', 'b']) {
            await page.goto(`${service.url}/view/${id}`);
            await page.getByText(GONE).waitFor();
        }
        await page.goto(`${service.url}/view/c`);
        await page.getByText('taken c').waitFor();
    });

    await test('without a service worker the page says to download', async ({page}) => {
        await signIn(page, stefan, '#/demo/reports');
        await page.getByRole('link', {name: /Report of cut 1/}).click();
        await page.getByText('opens in any browser once it is downloaded').waitFor();
        await page.getByRole('button', {name: 'Download report.html'}).waitFor();
        assert.equal(await page.getByRole('button', {name: 'Open report.html'}).count(), 0);
        await axe(page);
    }, {context: {serviceWorkers: 'block'}, allow: [/will not open without a network/]});

    await test('an administrator sees that there is a report, and gets no file of it', async ({page}) => {
        await signIn(page, adam, '#/demo/reports');
        await page.getByRole('link', {name: /Report of cut 1/}).click();
        await page.getByText('The files are for statisticians.').waitFor();
        assert.equal(await page.getByRole('button', {name: /Download/}).count(), 0);
        const {reports} = await service.as('adam').get('/api/v1/studies/demo/reports');
        const file = await service.as('adam').send('GET',
            `/api/v1/studies/demo/reports/${reports[0].report}/files/report.html`);
        assert.equal(file.status, 403);
        await axe(page);
    });

    await test('a coordinator is not shown reports, and the server refuses them too', async ({page}) => {
        await signIn(page, anna, '#/demo/reports');
        await page.getByRole('heading', {level: 1}).waitFor();
        assert.equal(await page.getByRole('button', {name: 'Generate the report'}).count(), 0);
        assert.equal((await service.as('anna').send('GET', '/api/v1/studies/demo/reports')).status, 403);
        await axe(page);
    });

    await test('the list says that in an open study cohorts are told apart', async ({page}) => {
        await signIn(page, uma, '#/demo/reports');
        await page.getByRole('cell', {name: 'told apart'}).waitFor();
    });
});
