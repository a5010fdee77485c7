// SPDX-License-Identifier: GPL-3.0-or-later
// Everything about one record: its versions, and what was said, signed, verified and locked about it.
import { api } from '../api.js';
import { isSameRecord, loadForm, loadRecords, loadStudy, loadSubmission } from '../form/place.js';

async function loadAbout(study, list, name, record) {
    const about = [];
    let after = null;
    do {
        const page = await api.get(api.path(study, list), { query: { subject: record.subject, after, limit: 1000 } });
        about.push(...page[name].filter((one) => isSameRecord(one, record)));
        after = page.next;
    } while (after !== null);
    return about;
}

// -> {info, form, record (the version that was asked for), newest, versions (oldest first), queries, signatures,
// verifications, locks, seconds}
export async function loadRecord(study, id) {
    const record = await loadSubmission(study, id);
    const lists = [['queries', 'queries'], ['signatures', 'signatures'], ['verifications', 'verifications'],
                   ['locks', 'locks'], ['second-entries', 'second_entries']];
    const [info, form, all, queries, signatures, verifications, locks, seconds] = await Promise.all([
        loadStudy(study), loadForm(study, record.form, record.form_version),
        loadRecords(study, record.subject, record.form, 'all'),
        ...lists.map(([list, name]) => loadAbout(study, list, name, record)),
    ]);
    const versions = all.filter((one) => isSameRecord(one, record)).sort((a, b) => a.version - b.version);
    const newest = versions.at(-1) ?? record;
    return { info, form, record, newest, versions, queries, signatures, verifications, locks, seconds };
}

export function isLocked(locks) {
    return locks.some((lock) => lock.state === 'locked');
}

// The mark that still stands for a version: compared with its source.
export function verificationOf(verifications, id) {
    return verifications.find((one) => one.id === id && one.state === 'verified') ?? null;
}
