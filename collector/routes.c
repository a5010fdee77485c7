/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/exchange.h"
#include "collector/handlers.h"
#include "collector/metrics.h"

#define STUDY "/api/v1/studies/{study}"

enum {
    SUBMISSIONS_LIMIT = 1 << 20,
    SMALL_LIMIT = 4096,
    STATISTICIANS = ROLE_STATISTICIAN | ROLE_STATISTICIAN_UNMASKED,
    READERS = ROLE_DATA_MANAGER | ROLE_COORDINATOR | ROLE_INVESTIGATOR | ROLE_MONITOR | STATISTICIANS,
    CUTTERS = ROLE_DATA_MANAGER | STATISTICIANS,
    CUTS = CUTTERS | ROLE_ADMINISTRATOR | ROLE_COORDINATOR,
    REPORTS = ROLE_ADMINISTRATOR | STATISTICIANS,
    SENDERS = ROLE_DATA_MANAGER | ROLE_COORDINATOR | ROLE_INVESTIGATOR | ROLE_SITE_MACHINE
};

/* Who may do what: authorisation, body limit and way of handling act before the handler is called. */
const struct route route_table[] = {
    {"GET", "/healthz", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_healthz},
    {"GET", "/readyz", ROLE_ANYONE, 0, HANDLE_ON_WORKER, handle_readyz},
    {"GET", "/metrics", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_metrics},

    {"GET", "/api/v1/openapi.yaml", ROLE_ANYONE, 0, HANDLE_ON_LOOP, handle_openapi},
    {"GET", "/api/v1/me", ROLE_EVERYONE, 0, HANDLE_ON_LOOP, handle_me},
    {"GET", "/api/v1/studies", ROLE_EVERYONE, 0, HANDLE_ON_LOOP, handle_list_studies},
    {"GET", STUDY, ROLE_EVERYONE, 0, HANDLE_ON_LOOP, handle_show_study},
    {"GET", STUDY "/forms", ROLE_EVERYONE, 0, HANDLE_ON_LOOP, handle_list_forms},
    {"GET", STUDY "/forms/{form}", ROLE_EVERYONE, 0, HANDLE_ON_LOOP, handle_show_form},

    {"GET", STUDY "/subjects", READERS, 0, HANDLE_ON_WORKER, handle_list_subjects},
    {"GET", STUDY "/subjects/{subject}", READERS, 0, HANDLE_ON_WORKER, handle_show_subject},
    {"POST", STUDY "/submissions", SENDERS, SUBMISSIONS_LIMIT, HANDLE_BY_WRITER, handle_submit},
    {"GET", STUDY "/submissions", READERS, 0, HANDLE_ON_WORKER, handle_list_submissions},
    {"GET", STUDY "/submissions/{id}", READERS, 0, HANDLE_ON_WORKER, handle_show_submission},
    {"GET", STUDY "/adverse-events", READERS, 0, HANDLE_ON_WORKER, handle_list_adverse_events},

    {"GET", STUDY "/cuts", CUTS, 0, HANDLE_ON_WORKER, handle_list_cuts},
    {"POST", STUDY "/cuts", CUTTERS, SMALL_LIMIT, HANDLE_ON_WORKER, handle_make_cut},
    {"GET", STUDY "/reports", REPORTS, 0, HANDLE_ON_WORKER, handle_list_reports},
    {"POST", STUDY "/reports", STATISTICIANS, SMALL_LIMIT, HANDLE_ON_WORKER, handle_request_report},
    {"GET", STUDY "/reports/{report}", REPORTS, 0, HANDLE_ON_WORKER, handle_show_report},
    {"GET", STUDY "/reports/{report}/files/{name}", STATISTICIANS, 0, HANDLE_ON_WORKER,
     handle_download_file},
};

const size_t route_count = sizeof route_table / sizeof route_table[0];
