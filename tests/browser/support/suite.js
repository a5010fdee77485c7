// SPDX-License-Identifier: GPL-3.0-or-later
// A test program: one service, one browser, TAP.
//
//     import {suite, signIn, axe, shot} from './support/suite.js';
//     await suite(async ({test, service}) => {
//         await test('the worklist names who is due', async ({page}) => {
//             await signIn(page, service.accounts.anna, '#/demo/worklist');
//             ...
//         });
//     });
//
// Each test gets a page of its own with an empty profile.  It fails when it throws, and when the page logged an error,
// was kept from something by its Content-Security-Policy, asked another host or got no file of the app; `allow` in its
// options lists regular expressions of console errors that belong to it.
import assert from 'node:assert/strict';
import {mkdirSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {openFirefox} from './firefox.js';
import {startService} from './service.js';

const require = createRequire(join(process.env.BROWSER_MODULES, 'node_modules/'));
const {chromium} = require('playwright-core');
const shots = join(process.env.BUILD, 'screenshots');
const WIDTHS = [360, 768, 1440];
const launch = {
    executablePath: process.env.CHROMIUM,
    env: {...process.env, HOME: join(process.env.BROWSER_STATE, 'home')},
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking',
           '--disable-dev-shm-usage', '--disable-component-update', '--no-first-run'],
};
// Without motion: else axe-core would judge colours that are on their way to others.
const page_options = {viewport: {width: 1024, height: 768}, locale: 'en-GB', timezoneId: 'Europe/Berlin',
                      reducedMotion: 'reduce'};

/* ---- what a page must not do ---- */

// A status is the app's to handle; a page without network says so in its own words.
const OF_STATUS = /^Failed to load resource: (the server responded with a status of|net::ERR_)/;

function watch(context, service, faults, allow) {
    context.on('console', (message) => {
        const text = message.text();
        if (message.type() === 'error' && !OF_STATUS.test(text) && !allow.some((pattern) => pattern.test(text)))
            faults.push(`console: ${text}`);
    });
    context.on('weberror', (error) => faults.push(`error: ${error.error().stack ?? error.error()}`));
    context.on('request', (request) => {
        const url = request.url();
        if (!url.startsWith(`${service.url}/`) && !/^(data|blob|about):/.test(url))
            faults.push(`asks another host: ${url}`);
    });
    context.on('response', (response) => {
        const path = new URL(response.url()).pathname;
        if (response.status() >= 400 && !path.startsWith('/api/'))
            faults.push(`${response.status()} for ${path}`);
    });
}

/* ---- a program ---- */

class Suite {
    constructor(service, browser) {
        Object.assign(this, {service, browser, count: 0, failed: 0});
    }

    say(passed, name, why) {
        this.count++;
        console.log(`${passed ? 'ok' : 'not ok'} ${this.count} - ${name}`);
        if (!passed) {
            this.failed++;
            console.log(String(why).replace(/^/gm, '# '));
        }
    }

    open(profile, options) {
        if (!this.browser)
            return openFirefox(options);
        return profile ? chromium.launchPersistentContext(profile, {...launch, ...options})
            : this.browser.newContext(options);
    }

    /** `options`: allow, context (Playwright's), profile (a folder, kept by the test: a browser that comes back). */
    async test(name, body, {allow = [], context: more = {}, profile = null} = {}) {
        const faults = [];
        const options = {...page_options, ...more};
        const context = await this.open(profile, options);
        context.setDefaultTimeout(20000);
        watch(context, this.service, faults, allow);
        const page = await context.newPage();
        try {
            await body({page, context, service: this.service, faults});
            assert.deepEqual(faults, [], 'the page did what it must not');
            this.say(true, name);
        } catch (error) {
            const file = join(shots, `failed-${name.replace(/\W+/g, '-').slice(0, 60)}.png`);
            await page.screenshot({path: file, fullPage: true}).catch(() => {});
            const text = await page.locator('body').innerText({timeout: 1000}).catch(() => '');
            this.say(false, name,
                     `${error.stack}\n${faults.join('\n')}\nat ${page.url()}, ${file}, which says:\n${text}`);
        } finally {
            await context.close().catch(() => {});
        }
    }
}

/**
 * Runs `body({test, service, browser})`; `settings` are of the daemon ("session_idle_s=60").  With `engine` 'firefox'
 * each test has a Firefox of its own and `browser` is null.
 */
export async function suite(body, {settings = [], engine = 'chromium'} = {}) {
    mkdirSync(shots, {recursive: true});
    const service = await startService(settings);
    const browser = engine === 'chromium' ? await chromium.launch(launch) : null;
    const program = new Suite(service, browser);
    try {
        await body({test: program.test.bind(program), service, browser});
    } catch (error) {
        program.say(false, 'the program itself', error.stack);
    } finally {
        await browser?.close();
        await service.stop();
    }
    console.log(`1..${program.count}`);
    process.exitCode = program.failed > 0 ? 1 : 0;
}

/** A folder for the profile of a browser that is closed and comes back; remove it with its second value. */
export function newProfile() {
    const folder = mkdtempSync(join(tmpdir(), 'patella-profile.'));
    return [folder, () => rmSync(folder, {recursive: true, force: true})];
}

/* ---- what tests do with a page ---- */

/** Signs in by the API, as quickly as can be, and opens the app at `route`; the form is tested where it is made. */
export async function signIn(page, account, route = '') {
    if (!page.url().startsWith('https:'))
        await page.goto(`${account.url}/`);
    const status = await page.evaluate(async (body) => {
        const reply = await fetch('/api/v1/session', {method: 'POST', body: JSON.stringify(body),
                                                      headers: {'Content-Type': 'application/json'}});
        localStorage.removeItem('patella.ending');   // as lib/session.js: the session before is over
        return reply.status;
    }, {account: account.account, password: account.password, ...account.secondFactor(), cookie: true});
    assert.equal(status, 200, `sign-in of ${account.account}`);
    await page.goto(`${account.url}/${route}`);
    await page.reload();   // a change of the fragment alone would not ask for the session again
}

/** Cuts the network of all pages of the context, or gives it back. */
export function offline(page, away = true) {
    return page.context().setOffline(away);
}

/** No barrier that axe-core finds (WCAG 2.2 AA and its best practices); `part` is a selector, else the whole page. */
export async function axe(page, {part = null, without = []} = {}) {
    const known = await page.evaluate(() => typeof window.axe);
    if (known === 'undefined')
        await page.evaluate(axeSource());
    const found = await page.evaluate(async ([where, off]) => {
        const rules = Object.fromEntries(off.map((rule) => [rule, {enabled: false}]));
        const result = await window.axe.run(where ?? document, {resultTypes: ['violations'], rules});
        return result.violations.map((violation) => `${violation.id}: ${violation.help}\n` + violation.nodes
            .map((node) => `    ${node.target.join(' ')}: ${node.failureSummary}`).join('\n'));
    }, [part, without]);
    assert.deepEqual(found, [], `axe at ${page.url()}:\n${found.join('\n')}`);
}

let axe_source = null;
function axeSource() {
    const file = join(process.env.BROWSER_MODULES, 'node_modules/axe-core/axe.min.js');
    axe_source ??= readFileSync(file, 'utf8');
    return axe_source;
}

/** Pictures of the page at 360, 768 and 1440 px in build/screenshots, to be looked at; `dark`: dark ones, too. */
export async function shot(page, name, {widths = WIDTHS, dark = false} = {}) {
    const before = page.viewportSize();
    for (const scheme of dark ? ['light', 'dark'] : ['light']) {
        await page.emulateMedia({colorScheme: scheme});
        for (const width of widths) {
            await page.setViewportSize({width, height: width < 700 ? 740 : 900});
            await page.evaluate(() => window.scrollTo(0, 0));   // else what is sticky is drawn in the middle
            await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
            await page.screenshot({path: join(shots, `${name}-${width}${scheme === 'dark' ? '-dark' : ''}.png`),
                                   fullPage: true, animations: 'disabled'});
        }
    }
    await page.emulateMedia({colorScheme: 'light'});
    await page.setViewportSize(before);
    await assertNoSideways(page, 320);
    await assertNoSideways(page, 360);
}

/** Nothing stands out to the side at this width (WCAG 1.4.10): what does is named. */
export async function assertNoSideways(page, width = 320) {
    const before = page.viewportSize();
    await page.setViewportSize({width, height: 640});
    const wide = await page.evaluate((most) => {
        const all = [...document.querySelectorAll('body *')].filter((one) => one.getBoundingClientRect().right > most);
        const named = all.slice(-3).map((one) => `${one.tagName}.${one.className}: ${one.textContent.slice(0, 40)}`);
        return document.documentElement.scrollWidth > most ? named : null;
    }, width);
    await page.setViewportSize(before);
    assert.equal(wide, null, `wider than ${width} px: ${page.url()}: ${wide?.join('; ')}`);
}

export {assert};
