// SPDX-License-Identifier: GPL-3.0-or-later
// The app as a newcomer's browser gets it: what it loads, from where, how much.
import {assert, axe, shot, signIn, suite} from './support/suite.js';

const MOST_BYTES = 150000;

// Bodies as sent of all that the page asks for: a function that gives the files with their sizes, and the sum.
function countBytes(page) {
    const sizes = [];
    page.on('requestfinished', (request) => sizes.push(request.response().then(async (response) => {
        const length = Number(response.headers()['content-length'] ?? NaN);
        return [new URL(request.url()).pathname, Number.isNaN(length) ? (await response.body()).length : length];
    })));
    return async () => {
        const files = await Promise.all(sizes);
        return {files, bytes: files.reduce((sum, [, size]) => sum + size, 0)};
    };
}

await suite(async ({test, service}) => {
    await test('the app loads without error, from one host, in at most 150 kB', async ({page}) => {
        const count = countBytes(page);
        await page.goto(`${service.url}/`, {waitUntil: 'networkidle'});
        await page.locator('h1').first().waitFor();
        assert.match(await page.title(), /Patella/);
        const {files, bytes} = await count();
        console.log(`# ${files.length} requests, ${bytes} bytes of bodies as sent`);
        assert.ok(files.some(([path]) => path === '/app/main.js'), 'main.js was loaded');
        assert.ok(bytes > 30000, `${bytes} bytes: not counted rightly`);
        assert.ok(bytes <= MOST_BYTES, `${bytes} bytes of ${JSON.stringify(files)}`);
        await axe(page);
        await shot(page, 'first-load', {dark: true});
    });

    await test('until the worklist stands it is at most 150 kB, data and all', async ({page, context}) => {
        await signIn(page, service.accounts.carla);
        const other = await context.newPage();   // with the session, and nothing in its memory or cache
        const wire = await context.newCDPSession(other);
        await wire.send('Network.setCacheDisabled', {cacheDisabled: true});
        await wire.send('Network.setBypassServiceWorker', {bypass: true});
        const count = countBytes(other);
        await other.goto(`${service.url}/#/demo/worklist`, {waitUntil: 'networkidle'});
        await other.getByRole('link', {name: '01-0004'}).first().waitFor();
        const {files, bytes} = await count();
        console.log(`# ${files.length} requests, ${bytes} bytes of bodies as sent`);
        assert.ok(files.some(([path, size]) => path.endsWith('/worklist') && size > 100), 'the data are counted');
        assert.ok(files.some(([path, size]) => path.endsWith('/bootstrap.css') && size > 20000), 'so are the files');
        assert.ok(bytes <= MOST_BYTES, `${bytes} bytes of ${JSON.stringify(files)}`);
    });

    await test('the browser keeps scripts of a page out', async ({page}) => {
        await page.goto(`${service.url}/`);
        const outcome = await page.evaluate(() => {
            const script = document.createElement('script');
            let refused = false;
            try {
                script.text = 'window.wasRun = true';
                document.head.append(script);
            } catch {
                refused = true;
            }
            return {refused, ran: window.wasRun === true};
        });
        assert.equal(outcome.ran, false);
        assert.equal(outcome.refused, true, 'Trusted Types refuse a text as script');
    }, {allow: [/TrustedScript|Trusted Type|Content Security Policy/]});

    await test('a page that loads from another host is found', async ({page, faults}) => {
        await page.goto(`${service.url}/`);
        await page.evaluate(() => fetch('https://127.0.0.2:1/x').catch(() => {}));
        assert.ok(faults.some((fault) => /Content Security Policy|another host/.test(fault)), String(faults));
        faults.length = 0;
    });

    await test('service workers are registered under this certificate', async ({page}) => {
        await page.goto(`${service.url}/`);
        const scope = await page.evaluate(async () => {
            try {   // refused when the app has made the one policy of this name: then it has registered as well
                const policy = window.trustedTypes.createPolicy('patella', {createScriptURL: (url) => url});
                await navigator.serviceWorker.register(policy.createScriptURL('/service_worker.js'));
            } catch (error) {
                console.info(String(error));
            }
            return (await navigator.serviceWorker.ready).scope;
        });
        assert.equal(scope, `${service.url}/`);
    }, {allow: [/TrustedTypePolicy|Content Security Policy/]});
});
