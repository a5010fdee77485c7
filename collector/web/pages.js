// SPDX-License-Identifier: GPL-3.0-or-later
// Every page: where it is, who may see it, what the menu calls it.  The first row that somebody may see is their home.
// path    'PAGE' or 'PAGE/*' (with further parts), below '#/STUDY/'
// action  of lib/roles.js
// menu    key of its words in the menu; none: reached from other pages
export const PAGES = [
    { path: 'worklist', load: () => import('./pages/worklist.js'), action: 'see_worklist', menu: 'menu.worklist' },
    { path: 'subjects', load: () => import('./pages/subjects.js'), action: 'see_subjects', menu: 'menu.subjects' },
    { path: 'subjects/*', load: () => import('./pages/subject.js'), action: 'see_subjects' },
    { path: 'events', load: () => import('./pages/events.js'), action: 'see_events', menu: 'menu.events' },
    { path: 'queries', load: () => import('./pages/queries.js'), action: 'see_queries', menu: 'menu.queries' },
    { path: 'uploads', load: () => import('./pages/uploads.js'), action: 'see_uploads', menu: 'menu.uploads' },
    { path: 'uploads/*', load: () => import('./pages/uploads.js'), action: 'see_uploads' },
    { path: 'profiles', load: () => import('./pages/profiles.js'), action: 'see_upload_rows' },
    { path: 'profiles/*', load: () => import('./pages/profiles.js'), action: 'see_upload_rows' },
    { path: 'reports', load: () => import('./pages/reports.js'), action: 'see_reports', menu: 'menu.reports' },
    { path: 'reports/*', load: () => import('./pages/reports.js'), action: 'see_reports' },
    { path: 'admin', load: () => import('./pages/admin.js'), action: 'administer', menu: 'menu.admin' },
    { path: 'admin/*', load: () => import('./pages/admin.js'), action: 'administer' },
    { path: 'audit', load: () => import('./pages/audit.js'), action: 'see_audit', menu: 'menu.audit' },
    { path: 'audit/*', load: () => import('./pages/review.js'), action: 'see_audit' },
    { path: 'entry/*', load: () => import('./pages/entry.js'), action: 'submit' },
    { path: 'records/*', load: () => import('./pages/record.js'), action: 'see_records' },
    { path: 'second-entry/*', load: () => import('./pages/second_entry.js'), action: 'second_entry' },
    { path: 'waiting', load: () => import('./pages/waiting.js'), action: 'submit' },
];

// Pages without a study; `open`: also for who is not signed in.
export const OWN_PAGES = [
    { path: 'account', load: () => import('./pages/account.js') },
    { path: 'first-use/*', load: () => import('./pages/first_use.js'), open: true },
    { path: 'viewed', load: () => import('./pages/viewed.js'), open: true },
];

// The row of a route, or undefined.
export function findPage(route) {
    const table = route.study === null ? OWN_PAGES : PAGES;
    const path = route.parts.length > 0 ? `${route.page}/*` : route.page;
    return table.find((page) => page.path === path);
}
