/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The collector's connection to PostgreSQL: one per thread, all statements prepared, functions of schema api
 * only.
 *
 * Every function that acts for somebody takes that person's token and passes it on: the database itself
 * decides what it allows.  Failures carry the SQLSTATE: 28000 the token is not valid, 42501 not allowed,
 * P0002 not there or not to be seen (kinds ERROR_DENIED, ERROR_DENIED and ERROR_NOT_FOUND).  Results hang on
 * `owner`.
 */
#ifndef PATELLA_STORE_H
#define PATELLA_STORE_H

#include "collector/exchange.h"
#include "forms/base/date.h"
#include "forms/base/error.h"
#include "forms/submission.h"

struct store;

/*
 * Connects as patella_collector (unless conninfo or the environment names another user) and prepares
 * everything.
 */
struct store *store_open(const void *owner, const char *conninfo, struct error *error) MUST_CHECK;

/* False when the database has pending, unknown or altered migrations; `error` says which. */
bool store_check_schema(struct store *store, struct error *error) MUST_CHECK;

/* Connects again when the connection was lost; cheap when it was not. */
bool store_ensure(struct store *store, struct error *error) MUST_CHECK;

/*
 * The holder of `token`: a talloc context without parent, or NULL; then `error` is ERROR_DENIED for a token
 * that is unknown, expired or revoked, anything else when the database could not be asked.
 */
struct principal *store_find_principal(struct store *store, const char *token,
                                       struct error *error) MUST_CHECK;

/* The holder of a session as such (ROLE_SESSION); otherwise the same. */
struct principal *store_find_session_principal(struct store *store, const char *token,
                                               struct error *error) MUST_CHECK;

/* True when the database answers at all: for /readyz. */
bool store_ping(struct store *store, struct error *error) MUST_CHECK;

/* False after the connection was lost. */
bool store_is_connected(const struct store *store);

/* True for a failure that another try may mend: connection, shutdown, full disk, timeout, lost race. */
bool store_is_unavailable(const struct error *error);

/* ---- the catalogue ---- */

struct store_study {
    int study_id;
    const char *code;
    const char *title;
    bool frozen;
};

struct store_site {
    int study_id;
    int site;
    const char *name;
    const char *time_zone;
};

struct store_definition {        /* a form, or a protocol (then `form` is NULL) */
    int study_id;
    const char *form;
    int version;
    const char *yaml;
};

struct store_wording {
    int study_id;
    const char *form;
    int version;                 /* of the form */
    const char *language;
    const char *yaml;
};

struct store_catalogue {
    int64_t version;
    struct store_study *studies;
    size_t study_count;
    struct store_site *sites;
    size_t site_count;
    struct store_definition *protocols;
    size_t protocol_count;
    struct store_definition *forms;
    size_t form_count;
    struct store_wording *wordings;      /* by study, form, version and language */
    size_t wording_count;
};

bool store_catalogue_version(struct store *store, int64_t *version, struct error *error) MUST_CHECK;

/* Age in seconds of the oldest row of the audit trail that is not sealed (0: none), of the last block (-1: none). */
bool store_seal_status(struct store *store, int64_t *unsealed_s, int64_t *block_s, struct error *error) MUST_CHECK;

/* That `what` (api.note_expiry) ends then, in unix seconds: a notice, once a day. */
bool store_note_expiry(struct store *store, const char *what, int64_t ends_at, struct error *error) MUST_CHECK;

/* All of one moment (one snapshot). */
struct store_catalogue *store_read_catalogue(const void *owner, struct store *store,
                                             struct error *error) MUST_CHECK;

/* ---- what is stored ---- */

/* For whom, and of which study. */
struct store_reader {
    const char *token;
    int study_id;
};

struct store_subject {
    int site;
    int subject;
    const char *index_knee;
    const char *enrolled_on;     /* YYYY-MM-DD */
    bool locked;
    int64_t records;
};

struct store_record {
    const char *id;
    int site;
    int subject;
    const char *knee;
    const char *form;
    const char *visit;
    int instance;
    int version;
    const char *status;
    int form_version;
    int protocol_version;
    const char *dated;           /* YYYY-MM-DD */
    const char *content;         /* canonical text */
    const char *sha256;          /* hexadecimal */
    const char *prev_sha256;     /* NULL for version 1 */
    const double *scores;        /* in the form's order, NAN where not scored */
    size_t score_count;
    const char *reason;          /* NULL for version 1 */
    const char *door;
    const char *recorded_by;
    const char *recorded_at;     /* RFC 3339, UTC */
};

struct store_cut {
    int cut;
    const char *label;
    int protocol_version;
    const char *made_by;
    const char *made_at;
};

struct store_report {
    const char *id;
    int cut;
    const char *cut_label;
    const char *state;
    const char *requested_by;
    const char *requested_at;
    const char *started_at;      /* NULL: not yet */
    const char *finished_at;     /* NULL: not yet */
    const char *message;         /* NULL: none */
    const char *sha256;          /* NULL: none */
    const char *unblinding;      /* the request by which it tells cohorts of a masked study apart; NULL: none */
};

struct store_file {
    const char *name;
    const char *media_type;
    int64_t size;
    const char *sha256;
};

struct store_file_content {
    const char *media_type;
    const char *sha256;
    const void *bytes;
    size_t length;
};

/* Which records; 0 and NULL mean any. */
struct store_filter {
    int site;                    /* with `subject` */
    int subject;
    const char *form;
    const char *visit;
    int cut;                     /* as of that cut; 0: now */
    bool all_versions;           /* else the newest of each record */
    int after_site;              /* with `after` */
    const char *after;           /* id of the last record seen, NULL: from the start */
    int most;
};

enum { STORE_PAGE_BYTES = 4 << 20 };

struct store_subjects {
    struct store_subject *rows;
    size_t count;
};

struct store_records {
    struct store_record *rows;
    size_t count;
    bool more;                   /* the page is full: there may be more behind it */
};

struct store_cuts {
    struct store_cut *rows;
    size_t count;
};

struct store_reports {
    struct store_report *rows;
    size_t count;
};

struct store_files {
    struct store_file *rows;
    size_t count;
};

struct store_subject_page {
    int after_site, after_subject;   /* the last one seen; zeros: from the start */
    int most;
};

/* By site and number. */
struct store_subjects *store_list_subjects(const void *owner, struct store *store,
                                           const struct store_reader *reader,
                                           const struct store_subject_page *page,
                                           struct error *error) MUST_CHECK;

/*
 * By site, subject, form, knee, visit, instance and version.  The page is full with `most` records, or
 * earlier when their contents have STORE_PAGE_BYTES.
 */
struct store_records *store_list_records(const void *owner, struct store *store,
                                         const struct store_reader *reader, const struct store_filter *filter,
                                         struct error *error) MUST_CHECK;

/* The submission with that id; NULL and ERROR_NOT_FOUND when there is none to be seen. */
struct store_record *store_find_record(const void *owner, struct store *store,
                                       const struct store_reader *reader, const char *id,
                                       struct error *error) MUST_CHECK;

/* Where a page of the data of a cut begins; api.read_export. */
struct store_export_page {
    const char *request;         /* store_request_export */
    const char *form;            /* its newest versions as of the cut; NULL: all versions, without contents, scores */
    const struct store_record *after;   /* NULL: from the start */
    int most;
};

/* The first step of an export: it is on record.  Id of the request, or NULL. */
const char *store_request_export(const void *owner, struct store *store, const struct store_reader *reader, int cut,
                                 struct error *error) MUST_CHECK;
struct store_records *store_read_export(const void *owner, struct store *store, const struct store_reader *reader,
                                        const struct store_export_page *page, struct error *error) MUST_CHECK;

struct store_cuts *store_list_cuts(const void *owner, struct store *store, const struct store_reader *reader,
                                   struct error *error) MUST_CHECK;
bool store_make_cut(struct store *store, const struct store_reader *reader, const char *label, int *cut,
                    struct error *error) MUST_CHECK;

struct store_reports *store_list_reports(const void *owner, struct store *store,
                                         const struct store_reader *reader, struct error *error) MUST_CHECK;
const char *store_request_report(const void *owner, struct store *store, const struct store_reader *reader,
                                 int cut, const char *unblinding, struct error *error) MUST_CHECK;
struct store_files *store_list_files(const void *owner, struct store *store,
                                     const struct store_reader *reader, const char *report,
                                     struct error *error) MUST_CHECK;
struct store_file_content *store_read_file(const void *owner, struct store *store,
                                           const struct store_reader *reader, const char *report,
                                           const char *name, struct error *error) MUST_CHECK;

/* ---- submissions: for the writer only ---- */

enum store_verdict_kind { STORE_UNJUDGED, STORE_ACCEPTED, STORE_REPLAYED, STORE_REFUSED };

/*
 * Instead of a protocol's version: the row may be a replay of what is stored and is refused otherwise, for no
 * study has this version.
 */
enum { STORE_NO_PROTOCOL = 0 };

struct store_write {             /* one row of a batch */
    const char *token;
    int study_id;
    int protocol_version;
    const struct submission *submission;
    const char *door;            /* "api" */
    const char *index_knee;      /* of an enrolment's first version, which makes the subject; else NULL */
    const char *continues;       /* of any version of an enrolment, NULL when it names nobody or is void */
};

struct store_verdict {
    enum store_verdict_kind kind;
    char code[32];               /* of a refusal */
    char sha256[65];             /* hexadecimal */
    char recorded_at[32];        /* RFC 3339, UTC */
};

/* Like store_open, with the writer's deadline for every statement. */
struct store *store_open_writer(const void *owner, const char *conninfo, int statement_timeout_ms,
                                struct error *error) MUST_CHECK;

/* Submissions of which none depends on another: what one call of the database takes. */
struct store_segment {
    const struct store_write *const *rows;
    struct store_verdict *const *verdicts;   /* out: one for each row, worth nothing before COMMIT */
    size_t count;
    bool first, last;                        /* of its transaction */
};

/*
 * Writes a segment.  The first one begins the transaction; with the last one COMMIT is sent, and store_commit awaits
 * it.  False: nothing was committed, unless `unknown` says that nobody can tell.
 */
bool store_submit(struct store *store, const struct store_segment *segment, bool *unknown,
                  struct error *error) MUST_CHECK;

/* The same rows for a transaction that has begun, made ready by one thread for another to send. */
struct store_parcel;
struct store_parcel *store_parcel_new(const void *owner, const struct store_write *const *rows, size_t count);
/* `refused`: position of the first row that is not accepted, the number of rows when all are; `code`: why. */
bool store_parcel_send(struct store *store, const struct store_parcel *parcel, size_t *refused, char code[32],
                     struct error *error) MUST_CHECK;

bool store_commit(struct store *store, bool *unknown, struct error *error) MUST_CHECK;
/* Whether the COMMIT that was sent has ended; waits for at most `timeout_ms`. */
bool store_await_commit(struct store *store, int timeout_ms) MUST_CHECK;
void store_rollback(struct store *store);

#endif
