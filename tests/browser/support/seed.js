// SPDX-License-Identifier: GPL-3.0-or-later
// What a test finds: study "demo" with two sites, a dozen subjects in all states as of today, accounts of every role.
import {mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {randomUUID} from 'node:crypto';
import {codeOfStep} from './account.js';
import {Api} from './api.js';
import {command, until} from './service.js';

const build = process.env.BUILD ?? 'build';
const DATA = 'ci/demo-study/data';
const PASSWORD = 'Feldspat-Kranich-83';

export const SITES = [[1, 'Knee clinic', 'Europe/Berlin'],
                      [2, 'University Hospital, Department of Orthopaedics, Trauma Surgery and Sports Medicine, ' +
                          'Building C', 'America/New_York']];

/** People, short names and long ones; `sites` null: all of the study. */
export const PEOPLE = [
    ['anna', 'Anna Li', 'coordinator', [1]],
    ['theresa', 'Maria Theresa Freifrau von Hohenstein-Waldburg-Zeil zu Oettingen', 'coordinator', [2]],
    ['carla', 'Carla Coordinator of all Sites', 'coordinator', null],
    ['ivan', 'Ivan Petrov', 'investigator', [1]],
    ['dora', 'Dora Data', 'data_manager', null],
    ['mona', 'Mona Monitor', 'monitor', null],
    ['stefan', 'Stefan Statistics', 'statistician', null],
    ['uma', 'Uma Unmasked', 'statistician_unmasked', null],
    ['adam', 'Adam Admin', 'administrator', null],
];

/**
 * Subjects of the demo study, each moved in time so that today is its study day `day`; rows that would lie in the
 * future are left out by patella-load, and those that `without` names (file, or file and visit).
 */
export const SUBJECTS = [
    {subject: '01-0001', day: 92, is: 'due today (M3)', without: ['05_koos M3', '06_pain_vas M3',
        '07_patient_global M3', '08_return_to_activity M3']},
    {subject: '01-0003', day: 103, is: 'window of M3 closes in three days', without: ['05_koos M3', '06_pain_vas M3',
        '07_patient_global M3', '08_return_to_activity M3']},
    {subject: '01-0004', day: 120, is: 'M3 overdue', without: ['05_koos M3', '06_pain_vas M3',
        '07_patient_global M3', '08_return_to_activity M3']},
    {subject: '01-0005', day: 100, is: 'M3 partly entered', without: ['05_koos M3', '08_return_to_activity M3']},
    {subject: '01-0006', day: 300, is: 'both knees, in the study for ten months', without: []},
    {subject: '01-0009', day: 600, is: 'M12 missed', without: ['05_koos M12', '06_pain_vas M12',
        '07_patient_global M12', '08_return_to_activity M12', '09_imaging M12']},
    {subject: '01-0002', day: 900, is: 'completed', without: []},
    {subject: '01-0035', day: 60, is: 'withdrawn', without: []},
    {subject: '01-0048', day: 1100, is: 'died', without: []},
    {subject: '01-0015', day: 40, is: 'screened, never treated', without: ['14_end_of_study'], from: 'enrolment'},
    {subject: '02-0001', day: 184, is: 'of site 2', without: []},
    {subject: '02-0002', day: 366, is: 'of site 2', without: []},
    {subject: '02-0016', day: 200, is: 'of site 2, both knees', without: []},
];

export function dateAgo(days) {
    return new Date(Date.now() - days * 86400000).toISOString().slice(0, 10);
}

/* ---- records ---- */

const lines = (file) => readFileSync(join(DATA, `${file}.csv`), 'utf8').split('\n');
const files = () => readdirSync(DATA).filter((name) => /^\d\d_.*\.csv$/.test(name)).map((name) => name.slice(0, -4));

function rowsOf(spec, file) {
    return lines(file).slice(1).filter((line) => {
        const [subject, , visit] = line.split(',');
        return subject === spec.subject && !spec.without.includes(file) && !spec.without.includes(`${file} ${visit}`);
    });
}

/** The day of the study that the subject's study day 1 (its first treatment) or enrolment is on. */
function firstDay(spec) {
    const rows = rowsOf(spec, spec.from === 'enrolment' ? '01_enrolment' : '04_treatment');
    return Math.min(...rows.map((row) => parseInt(row.split(',')[4], 10)));
}

async function loadSubject(service, spec, folder) {
    mkdirSync(folder);
    for (const file of files()) {
        const rows = rowsOf(spec, file);
        if (rows.length > 0)
            writeFileSync(join(folder, `${file}.csv`), [lines(file)[0], ...rows, ''].join('\n'));
    }
    command(join(build, 'bin/patella-load'),
            ['--url', service.url, '--ca', join(build, 'browser/ca.pem'), '--token-file', join(folder, '../token'),
             '--study', 'demo', '--forms', 'forms/instruments', '--start', dateAgo(spec.day - 1 + firstDay(spec)),
             folder]);
}

async function loadSubjects(service, tokens) {
    writeFileSync(join(service.folder, 'token'), `${tokens.carla}\n`, {mode: 0o600});
    for (const spec of SUBJECTS) {
        const folder = join(service.folder, spec.subject);
        await loadSubject(service, spec, folder);
        rmSync(folder, {recursive: true});
    }
    rmSync(join(service.folder, 'token'));
}

/** What a day's work leaves: a serious event of yesterday, an open and an answered query, a locked subject. */
async function addActs(service, tokens) {
    const study = '/api/v1/studies/demo';
    const as = (name) => new Api(service.url, tokens[name]);
    await as('carla').post(`${study}/submissions`, {
        id: randomUUID(), subject: '01-0006', form: 'adverse_event', form_version: 1, date: dateAgo(0),
        answers: {term: 'swollen calf, taken to hospital', onset: dateAgo(1), ongoing: true,
                  worsened_after_treatment: false, severity: 'severe', ctcae_grade: 3, special_interest: 'none',
                  serious: true, aware_on: dateAgo(0), serious_death: false, serious_life_threatening: false,
                  serious_hospitalisation: true, serious_disability: false, serious_congenital: false,
                  serious_important: false, related_product: 'possible', related_procedure: 'unlikely',
                  expected: 'unexpected', action: 'none', outcome: 'not_recovered', led_to_withdrawal: false}});
    const ask = {form: 'pain_vas', knee: 'left', visit: 'BL', item: 'vas'};
    const asked = randomUUID();
    await as('mona').post(`${study}/queries`,
        {query: asked, subject: '01-0001', ...ask, text: 'The source says 65 mm. Please check.'});
    const answered = randomUUID();
    await as('dora').post(`${study}/queries`,
        {query: answered, subject: '01-0004', form: 'patient_global', knee: 'left', visit: 'BL',
         text: 'Was this filled in by the subject?'});
    await as('anna').post(`${study}/queries/${answered}/answer`, {text: 'Yes, at the clinic.'});
    await as('dora').post(`${study}/subjects/01-0002/lock`, {reason: 'cleaned for the first analysis'});
}

/* ---- people ---- */

async function join_study(service, [account, name, role, sites]) {
    const place = sites ? ['--sites', sites.join(',')] : ['--all-sites'];
    service.admin('account', 'add', account, '--name', name);
    service.admin('membership', 'add', account, 'demo', '--role', role, ...place);
    const token = service.admin('token', 'add', account, '--study', 'demo', '--role', role, ...place, '--days', '2')
        .trim().split('\n').pop();
    const invitation = service.admin('account', 'invite', account).trim().split('\n').pop();
    const anyone = new Api(service.url);
    const made = await anyone.post(`/api/v1/invitations/${invitation}`, {password: PASSWORD});
    const step = Math.floor(Date.now() / 30000);
    await anyone.post(`/api/v1/invitations/${invitation}/confirm`, {code: codeOfStep(made.totp_secret, step)});
    return {token, known: {account, name, role, sites, password: PASSWORD, secret: made.totp_secret,
                           recovery: made.recovery_codes, lastStep: step}};
}

/** Fills a migrated database behind a daemon that runs; what tests need to know of it. */
export async function plant(service) {
    service.admin('study', 'add', 'demo', '--protocol', 'forms/protocols/demo.yaml', '--forms', 'forms/instruments');
    for (const [site, name, zone] of SITES)
        service.admin('site', 'add', 'demo', String(site), '--name', name, '--time-zone', zone);
    const seed = {accounts: {}, tokens: {}};
    for (const person of PEOPLE) {
        const {token, known} = await join_study(service, person);
        seed.accounts[known.account] = known;
        seed.tokens[known.account] = token;
    }
    await until('the daemon sees the study', async () =>
        (await new Api(service.url, seed.tokens.carla).send('GET', '/api/v1/studies/demo')).body.sites?.length === 2);
    await loadSubjects(service, seed.tokens);
    await addActs(service, seed.tokens);
    return seed;
}
