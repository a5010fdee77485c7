// SPDX-License-Identifier: GPL-3.0-or-later
// What a form is filled in for: study, form, subject, visit, knee and instance.
import { Offline, api } from '../api.js';
import { session } from '../session.js';

export function siteOf(subject) {
    return Number(subject.split('-')[0]);
}

// '07' and 12 -> '07-0012'
export function subjectNumber(site, number) {
    return `${String(site).padStart(2, '0')}-${String(number).padStart(4, '0')}`;
}

// The date at a site of the study, as the server knows it; without a network the day of this device.
export function todayAt(info, site) {
    const known = info.$stale === undefined ? info.sites.find((one) => one.site === site)?.today : undefined;
    if (known !== undefined)
        return known;
    const now = new Date();
    const parts = [now.getFullYear(), now.getMonth() + 1, now.getDate()];
    return parts.map((part) => String(part).padStart(2, '0')).join('-');
}

export function loadStudy(study) {
    return api.get(api.path(study), { offline: true });
}

export function loadForm(study, form, version) {
    return api.get(api.path(study, 'forms', form), { query: { version }, offline: true });
}

export function loadSubmission(study, id) {
    return api.get(api.path(study, 'submissions', id));
}

// What is optional beside a form: null when the server does not give it, or there is no network.
async function ifThere(promise) {
    try {
        return await promise;
    } catch (error) {
        if (error instanceof Offline || error.status === 403 || error.status === 404)
            return null;
        throw error;
    }
}

// The subject's visits with their windows and forms, or null.
export function loadSchedule(study, subject) {
    return ifThere(api.get(api.path(study, 'subjects', subject, 'schedule'), { offline: true }));
}

// All versions or the newest of each record of a subject's form.
export async function loadRecords(study, subject, form, versions = 'latest') {
    const records = [];
    let after = null;
    do {
        const page = await api.get(api.path(study, 'submissions'),
            { query: { subject, form, versions, after, limit: 1000 }, offline: true });
        records.push(...page.submissions);
        after = page.next;
    } while (after !== null);
    return records;
}

export function isSameRecord(a, b) {
    return ['subject', 'form', 'knee', 'visit', 'instance'].every((field) => a[field] === b[field]);
}

export function newestForms(info) {
    const newest = new Map();
    for (const form of info.forms)
        if ((newest.get(form.form)?.version ?? 0) < form.version)
            newest.set(form.form, form);
    return [...newest.values()];
}

// Visits at which a form may be sent, 'unscheduled' the last.
export function visitsFor(info, form) {
    const due = info.protocol.visits.filter((visit) => visit.forms.includes(form));
    return [...due.map((visit) => visit.id), 'unscheduled'];
}

export function visitTitle(info, visit, t) {
    return info.protocol.visits.find((one) => one.id === visit)?.title ?? t('form.unscheduled');
}

// Which instance a new form of this key is: {instance}, or {record} where it has been filled in and is asked for once.
export function nextInstance(form, records, { knee, visit, instance }) {
    const same = records.filter((record) => record.knee === knee && record.visit === visit);
    if (instance !== undefined) {
        const record = same.find((one) => one.instance === instance);
        return record ? { record } : { instance };
    }
    if (same.length === 0)
        return { instance: 1 };
    if (form.repeats || visit === 'unscheduled')
        return { instance: Math.max(...same.map((record) => record.instance)) + 1 };
    return { record: same[0] };
}

// The number that the next subject of a site may have.
export async function proposeSubject(study, site) {
    let after = site > 1 ? `${String(site - 1).padStart(2, '0')}-999999` : null;
    let highest = 0;
    for (;;) {
        const page = await api.get(api.path(study, 'subjects'), { query: { after, limit: 1000 } });
        const here = page.subjects.filter((one) => one.site === site);
        highest = Math.max(highest, ...here.map((one) => Number(one.subject.split('-')[1])));
        if (page.next === null || here.length < page.subjects.length)
            return subjectNumber(site, highest + 1);
        after = page.next;
    }
}

// The sites of the study at which the session may enter.
export function ownSites(info) {
    return session.allSites ? info.sites : info.sites.filter((site) => session.sites.includes(site.site));
}
