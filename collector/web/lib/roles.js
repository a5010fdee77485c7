// SPDX-License-Identifier: GPL-3.0-or-later
// Who may do what: what pages show.  The server's own table (collector/routes.c) decides; this one mirrors it so that
// nobody is offered what would be refused.
const STATISTICIANS = ['statistician', 'statistician_unmasked'];
const READERS = ['data_manager', 'coordinator', 'investigator', 'monitor', ...STATISTICIANS];
const SENDERS = ['data_manager', 'coordinator', 'investigator'];
const EVERYONE = ['administrator', ...READERS];

const ACTIONS = {
    see_study: EVERYONE,
    see_worklist: ['data_manager', 'coordinator', 'investigator', 'monitor'],
    see_subjects: READERS,
    see_records: READERS,
    see_events: READERS,
    see_queries: READERS,
    submit: SENDERS,
    enrol: SENDERS,
    correct: SENDERS,
    draft: SENDERS,
    second_entry: ['data_manager', 'coordinator'],
    open_query: ['data_manager', 'monitor', 'investigator'],
    answer_query: SENDERS,
    close_query: ['data_manager', 'monitor'],
    verify: ['monitor'],
    sign: ['investigator'],
    lock: ['data_manager'],
    freeze: ['data_manager', 'administrator'],
    redact: ['data_manager'],
    approve_redaction: ['administrator'],
    see_redactions: EVERYONE,
    release_entries: ['data_manager'],
    link_participant: SENDERS,
    see_uploads: READERS,
    see_upload_rows: [...SENDERS, 'monitor'],
    upload: SENDERS,
    add_profile: ['data_manager', 'coordinator'],
    see_notices: ['data_manager', 'coordinator', 'investigator', 'monitor'],
    see_reports: ['administrator', ...STATISTICIANS],
    make_report: STATISTICIANS,
    see_cuts: ['administrator', 'coordinator', 'data_manager', ...STATISTICIANS],
    make_cut: ['data_manager', ...STATISTICIANS],
    export: ['data_manager', ...STATISTICIANS],
    administer: ['administrator'],
    see_audit: ['administrator', 'data_manager', 'monitor'],
    see_unblindings: ['administrator', 'data_manager', 'investigator', 'statistician_unmasked'],
    request_unblinding: ['statistician_unmasked'],
    approve_unblinding: ['administrator'],
    unblind_subject: ['investigator'],
};

export function mayDo(role, action) {
    if (!(action in ACTIONS))
        throw new Error(`lib/roles.js: no action ${action}`);
    return ACTIONS[action].includes(role);
}
