// SPDX-License-Identifier: GPL-3.0-or-later
// Debian's Firefox ESR, driven by playwright-core over WebDriver BiDi: no program between them, no build of Firefox of
// its own.  The CA is in the NSS database of each profile, so certificates are judged as a user's Firefox does.
import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

const require = createRequire(join(process.env.BROWSER_MODULES, 'node_modules/'));
const {firefox} = require('playwright-core');

// Firefox asks nobody but the tests' daemon for anything, and does not move.
const PREFERENCES = {'services.settings.server': 'data:,', 'app.normandy.enabled': false,
                     'nimbus.rollouts.enabled': false, 'network.captive-portal-service.enabled': false,
                     'network.connectivity-service.enabled': false, 'ui.prefersReducedMotion': 1};

function certutil(...args) {
    const ended = spawnSync('certutil', args, {encoding: 'utf8'});
    if (ended.status !== 0)
        throw new Error(`certutil ${args.join(' ')}: ${ended.error ?? ended.stderr}`);
}

/** A Firefox with an empty profile, as a context of Playwright; its close() ends it and removes the profile. */
export async function openFirefox(options, {believes = true} = {}) {
    const profile = mkdtempSync(join(tmpdir(), 'patella-firefox.'));
    const remove = () => rmSync(profile, {recursive: true, force: true, maxRetries: 20});
    try {
        certutil('-d', `sql:${profile}`, '-N', '--empty-password');
        if (believes)
            certutil('-d', `sql:${profile}`, '-A', '-n', 'Patella browser test CA', '-t', 'C,,',
                     '-i', join(process.env.BROWSER_STATE, 'ca.pem'));
        const context = await firefox.launchPersistentContext(profile, {
            channel: 'moz-firefox', executablePath: process.env.FIREFOX, headless: true, firefoxUserPrefs: PREFERENCES,
            ...options});
        const close = context.close.bind(context);
        context.close = () => close().finally(remove);
        return context;
    } catch (error) {
        remove();
        throw error;
    }
}
