// SPDX-License-Identifier: GPL-3.0-or-later
// The app as a newcomer's browser gets it: what it loads, from where, how much.
import {assert, axe, shot, suite} from './support/suite.js';

const MOST_BYTES = 150000;

await suite(async ({test, service}) => {
    await test('the app loads without error, from one host, in at most 150 kB', async ({page}) => {
        const sizes = [];
        page.on('requestfinished', async (request) => sizes.push(request.sizes().then((all) =>
            [new URL(request.url()).pathname, all.responseBodySize])));
        await page.goto(`${service.url}/`, {waitUntil: 'networkidle'});
        await page.locator('h1').first().waitFor();
        assert.match(await page.title(), /Patella/);
        const files = await Promise.all(sizes);
        const bytes = files.reduce((sum, [, size]) => sum + size, 0);
        console.log(`# ${files.length} requests, ${bytes} bytes of bodies as sent`);
        assert.ok(files.some(([path]) => path === '/app/main.js'), 'main.js was loaded');
        assert.ok(bytes > 30000, `${bytes} bytes: not counted rightly`);
        assert.ok(bytes <= MOST_BYTES, `${bytes} bytes of ${JSON.stringify(files)}`);
        await axe(page);
        await shot(page, 'first-load', {dark: true});
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
