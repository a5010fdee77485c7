// SPDX-License-Identifier: GPL-3.0-or-later
// What a page hides, the API refuses: for each role the pages that its menu lacks, opened by hand, show nothing, and
// what they would have asked of the API is refused from inside the browser, with its cookie and form token.
import {assert, signIn, suite} from './support/suite.js';

const STUDY = '/api/v1/studies/demo';
const ROLES = ['adam', 'dora', 'anna', 'ivan', 'mona', 'uma', 'stefan'];

// Reads that a role has for other ends than the page that it lacks: the end of the path, the action of lib/roles.js.
const OTHER_ENDS = [
    ['', 'see_study'], ['/forms', 'see_study'], ['/forms/*', 'see_study'],
    ['/subjects', 'see_subjects'], ['/subjects/*', 'see_subjects'], ['/subjects/*/schedule', 'see_subjects'],
    ['/schedule', 'see_subjects'], ['/adverse-events', 'see_events'], ['/queries', 'see_queries'],
    ['/submissions', 'see_records'], ['/submissions/*', 'see_records'], ['/second-entries', 'see_records'],
    ['/verifications', 'see_records'], ['/signatures', 'see_records'], ['/locks', 'see_records'],
    ['/cuts', 'see_cuts'], ['/unblindings', 'see_unblindings'], ['/notices', 'see_notices'],
    ['/redactions', 'see_redactions'], ['/drafts', 'draft'], ['/participant-links', 'link_participant'],
];

// What pages offer to do, by the action of lib/roles.js that offers it; `ID` is of a record, a query, or a report.
const ACTS = [
    ['submit', 'submissions'], ['open_query', 'queries'], ['answer_query', 'queries/ID/answer'],
    ['close_query', 'queries/ID/close'], ['close_query', 'queries/ID/reopen'], ['verify', 'submissions/ID/verify'],
    ['verify', 'submissions/ID/withdraw-verification'], ['sign', 'submissions/ID/sign'],
    ['lock', 'submissions/ID/lock'], ['lock', 'submissions/ID/unlock'], ['lock', 'subjects/01-0001/lock'],
    ['lock', 'subjects/01-0001/unlock'], ['freeze', 'freeze'], ['freeze', 'unfreeze'],
    ['redact', 'submissions/ID/redact'], ['approve_redaction', 'redactions/ID/approve'],
    ['approve_redaction', 'redactions/ID/decline'], ['second_entry', 'second-entries'],
    ['second_entry', 'second-entries/ID/reconcile'], ['request_unblinding', 'unblindings'],
    ['approve_unblinding', 'unblindings/ID/approve'], ['unblind_subject', 'subjects/01-0001/unblindings'],
    ['release_entries', 'offline-keys/release'], ['link_participant', 'participant-links'], ['make_cut', 'cuts'],
    ['make_report', 'reports'], ['add_profile', 'upload-profiles'], ['administer', 'memberships'],
    ['administer', 'invitations'], ['administer', 'tokens'],
];

/** Asks the API from inside the page, as its modules do: a list of {status, code}. */
function askFromPage(page, requests) {
    return page.evaluate(async (all) => {
        const {api} = await import('/app/lib/api.js');
        const answers = [];
        for (const {method, path, body} of all) {
            const headers = {'X-Patella-Form': api.formToken, 'Content-Type': 'application/json'};
            const reply = await fetch(path, {method, headers, body, cache: 'no-store'});
            const text = await reply.text();
            answers.push({status: reply.status, code: reply.ok ? null : JSON.parse(text).code});
        }
        return answers;
    }, requests);
}

/** The app at its first page, with all that it asks for at the beginning. */
async function enter(page, account) {
    await signIn(page, account);
    await page.locator('.account-menu').first().waitFor();
    await page.getByRole('heading', {level: 1}).waitFor();
    await page.waitForLoadState('networkidle');
}

/** The app's own tables: pages with their actions, and for each of the roles whether it may. */
function tablesOf(page) {
    return page.evaluate(async () => {
        const [{PAGES}, {mayDo}, {session}] = await Promise.all(
            ['/app/pages.js', '/app/lib/roles.js', '/app/lib/session.js'].map((file) => import(file)));
        const pages = PAGES.map(({path, action}) => ({path, may: mayDo(session.role, action)}));
        return {role: session.role, pages};
    });
}

function mayAct(page, actions) {
    return page.evaluate(async (all) => {
        const [{mayDo}, {session}] = await Promise.all(
            ['/app/lib/roles.js', '/app/lib/session.js'].map((file) => import(file)));
        return all.map((action) => mayDo(session.role, action));
    }, actions);
}

const apiCalls = (page, found) => page.on('request', (request) => {
    const url = new URL(request.url());
    if (request.method() === 'GET' && /^\/api\/v1\/(studies\/|uploads)/.test(url.pathname))
        found.add(url.pathname + url.search);
});

/** Which action opens this read beside the page that it was seen in; undefined: the page alone. */
function otherEnd(path) {
    if (!path.startsWith(STUDY))
        return undefined;
    const end = path.slice(STUDY.length).split('?')[0];
    return OTHER_ENDS.find(([pattern]) => new RegExp(`^${pattern.replaceAll('*', '[^/]+')}$`).test(end))?.[1];
}

await suite(async ({test, service}) => {
    const {submissions: [record]} = await service.as('dora').get(`${STUDY}/submissions?form=pain_vas&limit=1`);
    const {queries: [query]} = await service.as('dora').get(`${STUDY}/queries?limit=1`);
    const {cut} = await service.as('stefan').post(`${STUDY}/cuts`, {label: 'what others must not see'});
    const {report} = await service.as('stefan').post(`${STUDY}/reports`, {cut});
    const file = await service.as('anna').send('POST', '/api/v1/uploads?study=demo', 'subject\n',
        {'Content-Type': 'text/csv'});
    const place = {
        'worklist': 'worklist', 'subjects': 'subjects', 'subjects/*': 'subjects/01-0006', 'events': 'events',
        'queries': 'queries', 'uploads': 'uploads', 'uploads/*': `uploads/${file.body.upload ?? record.id}`,
        'reports': 'reports', 'reports/*': `reports/${report}`, 'admin': 'admin', 'admin/*': 'admin/people',
        'audit': 'audit', 'entry/*': 'entry/NEW?subject=01-0001&form=pain_vas&visit=M3&knee=left',
        'records/*': `records/${record.id}`, 'second-entry/*': `second-entry/NEW?of=${record.id}`,
        'waiting': 'waiting', 'profiles': 'profiles', 'profiles/*': 'profiles/new', 'audit/*': 'audit/review',
    };
    const calls = {};     // path of a page -> what it asks of the API

    await test('every page is opened by somebody who may, and asks the API', async ({page}) => {
        let found = new Set();
        apiCalls(page, {add: (path) => found.add(path)});
        for (const name of ['adam', 'anna', 'stefan']) {
            found = new Set();
            await enter(page, service.accounts[name]);
            const {pages} = await tablesOf(page);
            for (const {path, may} of pages.filter((one) => one.may && !(one.path in calls))) {
                assert.ok(path in place, `no example of the page ${path}: add one here`);
                found = calls[path] = new Set();
                await page.goto(`${service.url}/#/demo/${place[path]}`);
                await page.reload();
                await page.getByRole('heading', {level: 1}).waitFor();
                await page.waitForLoadState('networkidle');
            }
            await page.context().clearCookies();
        }
        assert.deepEqual(Object.keys(calls).sort(), Object.keys(place).sort());
        for (const [path, asked] of Object.entries(calls))
            console.log(`# ${path}: ${[...asked].join(' ')}`);
        for (const [path, asked] of Object.entries(calls).filter(([name]) => name !== 'waiting'))
            assert.ok(asked.size > 0, `${path} asks nothing of the API`);
    });

    for (const name of ROLES)
        await test(`what the pages of ${service.accounts[name].role} hide is refused`, async ({page}) => {
            await enter(page, service.accounts[name]);
            const {role, pages} = await tablesOf(page);
            assert.equal(role, service.accounts[name].role);
            const asked = new Set();
            apiCalls(page, asked);
            const hidden = pages.filter(({may}) => !may).map(({path}) => path);
            assert.ok(hidden.length > 0);
            for (const path of hidden) {
                await page.goto(`${service.url}/#/demo/${place[path]}`);
                await page.getByText(/^Your role \(.*\) does not open this page/).waitFor();
                assert.equal(await page.locator('main table, main form, main dl').count(), 0, path);
            }
            assert.deepEqual([...asked], [], 'a page that is not allowed has asked for data');

            const reads = [...new Set(hidden.flatMap((path) => [...calls[path]]))];
            const ends = reads.map(otherEnd);
            const known = await mayAct(page, ends.filter(Boolean));
            const open = new Map(ends.filter(Boolean).map((action, i) => [action, known[i]]));
            const refused = reads.filter((_, i) => !open.get(ends[i]));
            const answers = await askFromPage(page, refused.map((path) => ({method: 'GET', path})));
            const let_in = refused.filter((_, i) => ![403, 404].includes(answers[i].status));
            assert.deepEqual(let_in, []);
            console.log(`# ${role}: ${hidden.length} pages, ${refused.length} of ${reads.length} reads refused: ${
                refused.map((path) => path.split('?')[0].replace(STUDY, '')).join(' ')}`);

            const may = await mayAct(page, ACTS.map(([action]) => action));
            const acts = ACTS.filter((_, i) => !may[i]).map(([, path]) => ({method: 'POST', body: '',
                path: `${STUDY}/${path.replace('ID', path.startsWith('queries') ? query.query : record.id)}`}));
            assert.ok(acts.length > 0);
            const said = await askFromPage(page, acts);
            const wrong = acts.map(({path}, i) => ({path, ...said[i]})).filter(({status, code}) =>
                status !== 403 || code !== 'not_allowed');
            assert.deepEqual(wrong, []);
        });

    await test('who may is not refused for the role: the same requests reach their checks', async ({page}) => {
        for (const name of ['dora', 'ivan', 'mona', 'adam', 'uma']) {
            await enter(page, service.accounts[name]);
            const may = await mayAct(page, ACTS.map(([action]) => action));
            const acts = ACTS.filter((_, i) => may[i]).map(([, path]) => ({method: 'POST', body: '',
                path: `${STUDY}/${path.replace('ID', path.startsWith('queries') ? query.query : record.id)}`}));
            const said = await askFromPage(page, acts);
            assert.deepEqual(acts.filter((_, i) => said[i].code === 'not_allowed').map(({path}) => path), [], name);
            await page.context().clearCookies();
        }
    });
});
