/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uploads of CSV files as the database keeps them: the bytes while they arrive, what a reading of them found, what
 * became of them.  migrations/README.md ("Uploads") says how the tables are protected.
 *
 * States:
 *   receiving -> queued -> checking -> previewed -> committing -> committed -> taking_back -> taken_back
 *   checking -> queued        put back: the daemon stops, or died
 *   checking -> refused       nothing of the file is taken
 *   checking -> repeated      the same bytes were committed before (`same_as`)
 *   checking -> committing    with a mode that was given at once
 *   committing -> queued      another preview is wanted: `problem` says why
 *   committing -> refused     a mode that was given at once, and a row that is refused
 *   taking_back -> committed  not taken back: `problem` says why
 *   receiving, previewed -> expired, and after 7 days that nobody asked for it: queued, checking, committing
 *   receiving, queued, previewed, refused -> deleted
 *
 * An upload is seen by who sees all sites that it may be about: its site, or without one all sites that the token
 * covered that began it.  Everybody else gets ERROR_NOT_FOUND.  Ids are texts of UUIDs; what is no UUID is not found.
 * Times are RFC 3339 in UTC, those named ..._s unix seconds.  An outcome's code says why something was not done; that
 * is no failure of the call.
 */
#ifndef PATELLA_STORE_UPLOAD_H
#define PATELLA_STORE_UPLOAD_H

#include "collector/store.h"

enum {
    STORE_UPLOAD_PIECE = 256 * 1024,      /* most bytes of one call */
    STORE_UPLOAD_ROWS = 1000              /* most rows, keys or versions of one call */
};

/* Which upload, and for whom. */
struct store_upload_at {
    const char *token;
    int study_id;
    const char *id;
};

struct store_upload_outcome {
    char code[32];               /* empty: it was done */
    char id[40];                 /* of another upload, where a function says so; else empty */
};

/* One row of the ledger. */
struct store_upload {
    const char *id;
    int site;                    /* 0: the rows name it */
    const char *account;         /* who began it */
    const char *name;            /* of the file */
    const char *form;            /* every row is this form, or NULL */
    const char *profile;         /* or NULL */
    int profile_version;         /* 0 without a profile */
    int profile_site;            /* whose profile it is; 0: the study's, for all sites */
    const char *metadata;        /* as it was given at the beginning, or NULL */
    int64_t size;                /* -1: not known yet */
    int64_t received;
    const char *sha256;          /* hexadecimal, NULL until it was told */
    const char *state;
    const char *problem;         /* code of why it was refused, or is to be previewed again; or NULL */
    const char *mode;            /* "all-or-nothing", "good-rows"; NULL: a preview only, so far */
    const char *reason;          /* for change, given at the beginning or with the commit; or NULL */
    const char *begun_at;
    int64_t expires_s;           /* of receiving: then it ends */
    const char *phase;           /* of a job, or NULL */
    int64_t rows_done, bytes_done;
    int64_t phase_began_s, noted_s;          /* 0: never */
    const char *counts;          /* JSON of the last reading, or NULL */
    const char *digest;          /* of the effect, hexadecimal, or NULL */
    bool reason_needed;
    const char *previewed_at;    /* or NULL */
    int64_t preview_ends_s;      /* 0: there is no preview */
    int batch;                   /* 0: not committed; counted for its site */
    const char *committed_by, *committed_at;
    const char *receipt;         /* the very text that was stored (of the first one when repeated), or NULL */
    const char *same_as;         /* of "repeated": the upload whose receipt it is */
    const char *taken_back_by, *taken_back_at, *taken_back_reason;
    const char *findings, *dialect;          /* JSON of the last reading; NULL in lists, and after 30 days */
};

struct store_uploads {
    struct store_upload *rows;   /* newest first */
    size_t count;
};

struct store_upload_filter {
    int site;                    /* 0: any */
    const char *state;           /* NULL: any */
    const char *after;           /* id of the last one seen, NULL: from the newest */
    int most;
};

struct store_upload *store_find_upload(const void *owner, struct store *store, const struct store_upload_at *at,
                                       struct error *error) MUST_CHECK;
struct store_uploads *store_list_uploads(const void *owner, struct store *store, const struct store_reader *reader,
                                         const struct store_upload_filter *filter, struct error *error) MUST_CHECK;

/* ---- receiving ---- */

struct store_new_upload {
    int site;                    /* 0: the rows name it; of a token for one site: that one */
    const char *name;            /* of the file: 1 to 255 characters */
    const char *form;            /* or NULL */
    const char *profile;         /* or NULL; of the site, else of the study */
    int profile_version;         /* 0: the newest */
    int64_t size;                /* -1: not known yet */
    const char *mode;            /* or NULL */
    const char *reason;          /* or NULL */
    const char *metadata;        /* at most 4 KiB, or NULL */
    int hours;                   /* between two pieces, before it expires; 1 to 168 */
};

/* Code: unknown_site, unknown_form, unknown_profile, bad_mode, bad_name, reason_missing, too_large; else the rest. */
struct store_upload_begun {
    struct store_upload_outcome outcome;     /* with the id of the new upload */
    int site;
    int64_t expires_s;
};

/* Who may submit may begin; the upload is that account's: others see it and cannot add to it. */
bool store_begin_upload(struct store *store, const struct store_reader *reader,
                        const struct store_new_upload *upload, struct store_upload_begun *begun,
                        struct error *error) MUST_CHECK;

struct store_upload_piece {
    int64_t offset;
    const void *bytes;
    size_t length;               /* 1 to STORE_UPLOAD_PIECE */
};

/* Code: wrong_offset, not_receiving, expired, too_large (beyond the size that was said, or beyond 2 GiB). */
struct store_upload_offset {
    struct store_upload_outcome outcome;
    int64_t offset;              /* as it is now */
    int64_t expires_s;
};

/* The very piece that was stored before is done and not stored twice: when the answer was lost, it is sent again. */
bool store_append_upload(struct store *store, const struct store_upload_at *at,
                         const struct store_upload_piece *piece, struct store_upload_offset *now,
                         struct error *error) MUST_CHECK;

/*
 * All bytes are there: receiving -> queued.  `sha256`: 64 hexadecimal digits, or NULL when a job is to find it.  With
 * it the same bytes may turn out to be `repeated` at once; `id` is then the upload that was committed before.  Code:
 * incomplete, not_receiving, expired, too_large.
 */
bool store_end_upload(struct store *store, const struct store_upload_at *at, int64_t size, const char *sha256,
                      struct store_upload_outcome *outcome, struct error *error) MUST_CHECK;

/* Its bytes go.  Code: under_way (a job has it), committed. */
bool store_delete_upload(struct store *store, const struct store_upload_at *at,
                         struct store_upload_outcome *outcome, struct error *error) MUST_CHECK;

/* ---- jobs ---- */

/*
 * One of the two slots that all daemons of the database share: it is this connection's until store_leave_slot, or
 * until the connection is lost.  `*taken` false: both are in use.
 */
bool store_take_slot(struct store *store, bool *taken, struct error *error) MUST_CHECK;
/* Gives back the slot and the upload that was taken with it. */
bool store_leave_slot(struct store *store, struct error *error) MUST_CHECK;

/*
 * The upload is this connection's until store_leave_slot, or until the connection is lost: queued -> checking, or,
 * when who had it has gone, checking -> checking.  Rows and findings of an earlier reading go.  An upload that is
 * `committing` or `taking_back` is taken as it is.  Code: taken (another has it), not_queued, gone (its bytes are),
 * not_yours: who began it, or asked for the commit or the taking back, was another account.
 */
bool store_take_upload(struct store *store, const struct store_upload_at *at, struct store_upload_outcome *outcome,
                       struct error *error) MUST_CHECK;
/* checking -> queued; nothing when it is something else. */
bool store_put_upload_back(struct store *store, const struct store_upload_at *at, struct error *error) MUST_CHECK;

/* Bytes from `offset` on, at most STORE_UPLOAD_PIECE of them; none behind the end. */
struct store_upload_bytes {
    const void *bytes;
    size_t length;
};
struct store_upload_bytes *store_read_upload(const void *owner, struct store *store,
                                             const struct store_upload_at *at, int64_t offset,
                                             struct error *error) MUST_CHECK;

/*
 * For GET; nothing when it is not under way.  On another connection while a commit is under way: it waits for nothing
 * that the commit holds.
 */
struct store_upload_progress {
    const char *phase;           /* 1 to 40 characters */
    int64_t rows, bytes;
};
bool store_note_upload(struct store *store, const struct store_upload_at *at,
                       const struct store_upload_progress *progress, struct error *error) MUST_CHECK;

/*
 * Its SHA-256 (64 hexadecimal digits; the same in each reading), while it is `checking`.  When `id` is set it is the
 * upload with the same bytes, site, form and profile that was committed and not taken back: this one is `repeated`,
 * and there is nothing to do.
 */
bool store_hash_upload(struct store *store, const struct store_upload_at *at, const char *sha256,
                       struct store_upload_outcome *outcome, struct error *error) MUST_CHECK;

/* One line of the file, kept for its preview. */
struct store_upload_row {
    int line;
    const char *verdict;         /* "new", "changed", "unchanged", "refused" */
    bool warned;
    const char *record;          /* for people: "07-0012 right koos M3 1", or NULL */
    const char *detail;          /* JSON */
    const char *cells;           /* JSON, of a refused row; else NULL */
};

struct store_upload_rows {
    struct store_upload_row *rows;
    size_t count;
};

/* At most STORE_UPLOAD_ROWS; of a line that is there already nothing is changed. */
bool store_add_upload_rows(struct store *store, const struct store_upload_at *at,
                           const struct store_upload_rows *rows, struct error *error) MUST_CHECK;

struct store_upload_row_filter {
    const char *verdict;         /* "warned" too; NULL: any */
    int after;                   /* line; 0: from the start */
    int most;
};
/* By line. */
struct store_upload_rows *store_list_upload_rows(const void *owner, struct store *store,
                                                 const struct store_upload_at *at,
                                                 const struct store_upload_row_filter *filter,
                                                 struct error *error) MUST_CHECK;

/* How a check ended: checking -> `state`. */
struct store_upload_check {
    const char *state;           /* "previewed", "refused" */
    const char *problem;         /* of "refused": code; NULL: as it is */
    const char *counts, *findings, *dialect;     /* JSON */
    const char *digest;          /* of the effect, 64 hexadecimal digits; NULL when refused */
    const char *token_sha256;    /* of the preview's token, 64 hexadecimal digits; NULL when refused */
    bool reason_needed;
};
bool store_end_check(struct store *store, const struct store_upload_at *at, const struct store_upload_check *check,
                     int64_t *preview_ends_s, struct error *error) MUST_CHECK;

/* ---- what is stored ---- */

struct store_upload_key {
    int site, subject;
    const char *knee, *form, *visit;
    int instance;
};

struct store_upload_keys {
    const struct store_upload_key *keys;
    size_t count;                /* at most STORE_UPLOAD_ROWS */
    const char *treatment;       /* id of the form that makes day 1: the date of its oldest record that is not void */
};

struct store_upload_found {
    bool subject_known;          /* enrolled, not void, at a site that the token covers */
    bool subject_locked, record_locked, record_signed, study_frozen;
    int version;                 /* 0: there is none */
    bool is_void;
    bool taken_back;             /* ... by taking back an upload */
    int form_version;
    const char *dated, *content;
    const char *treated_on;      /* YYYY-MM-DD: day 1 of the knee, of the index knee for "none"; NULL: not treated */
    const char *index_knee;      /* as the enrolment's newest version says */
};

/* What is stored of each key, in their order.  Within a transaction it sees what that has stored. */
struct store_upload_found *store_look_up(const void *owner, struct store *store, const struct store_reader *reader,
                                         const struct store_upload_keys *keys, struct error *error) MUST_CHECK;

/* ---- committing ---- */

/* BEGIN; store_submit (neither first nor last), store_look_up and the like; store_finish_upload; store_commit. */
bool store_begin(struct store *store, struct error *error) MUST_CHECK;

struct store_upload_commit {
    const char *token_sha256;    /* hexadecimal, of the preview's token; NULL: a mode was given at once */
    const char *mode;            /* NULL: as it was given at once */
    const char *reason;          /* NULL: as it was given at the beginning */
};

/*
 * previewed -> committing, or (by the job) checking -> committing with a mode that was given at once: a transaction of
 * its own, so that everybody sees it.  Code: not_previewed, preview_expired, token_wrong, bad_mode, reason_missing;
 * under_way when it is `committing` already.
 */
bool store_ask_commit(struct store *store, const struct store_upload_at *at,
                      const struct store_upload_commit *commit, struct store_upload_outcome *outcome,
                      struct error *error) MUST_CHECK;

/*
 * committing -> `state` (queued or refused), after ROLLBACK; `problem`: code, such as changed_since_preview, which
 * stays until the next commit is asked for.  One that is queued has no mode any more: it comes to a preview.
 */
bool store_fail_commit(struct store *store, const struct store_upload_at *at, const char *state, const char *problem,
                       struct error *error) MUST_CHECK;

/*
 * Within the transaction, behind the last row: what the receipt says.  From here on other commits of the same site that
 * have come as far wait; the end is near.
 */
struct store_upload_batch {
    int batch;
    const char *committed_at, *committed_by;
};
/* Only over the connection that has the upload (store_take_upload), as are the ends of commits and of taking back. */
struct store_upload_batch *store_number_upload(const void *owner, struct store *store,
                                               const struct store_upload_at *at, struct error *error) MUST_CHECK;

/* Within the transaction, last: committing -> committed.  The receipt's very text is kept. */
struct store_upload_receipt {
    const struct store_upload_batch *batch;
    const char *counts, *receipt;        /* JSON */
};
bool store_finish_upload(struct store *store, const struct store_upload_at *at,
                         const struct store_upload_receipt *receipt, struct error *error) MUST_CHECK;

/* ---- taking back ---- */

/* committed -> taking_back.  Code: not_committed, reason_missing; under_way when it is `taking_back` already. */
bool store_ask_take_back(struct store *store, const struct store_upload_at *at, const char *reason,
                         struct store_upload_outcome *outcome, struct error *error) MUST_CHECK;

struct store_upload_content {
    const char *content;         /* canonical text */
    const char *status, *dated;
    int form_version, protocol_version;
};

/* A version that the upload stored. */
struct store_upload_version {
    int64_t place;               /* for the next page; for nobody's eyes */
    const char *id;              /* of the version */
    struct store_upload_key key;
    int version, newest;         /* `newest` > `version`: a later change stands on it */
    bool redacted;               /* so does this */
    struct store_upload_content now;
    struct store_upload_content before;      /* content NULL: it was new */
};

struct store_upload_versions {
    struct store_upload_version *rows;
    size_t count;
};

/* Newest first, behind `after` (0: from the newest). */
struct store_upload_versions *store_list_upload_versions(const void *owner, struct store *store,
                                                         const struct store_upload_at *at, int64_t after, int most,
                                                         struct error *error) MUST_CHECK;

/* taking_back -> taken_back within the transaction; or -> committed after ROLLBACK, with the code of why not. */
bool store_finish_take_back(struct store *store, const struct store_upload_at *at, struct error *error) MUST_CHECK;
bool store_fail_take_back(struct store *store, const struct store_upload_at *at, const char *problem,
                          struct error *error) MUST_CHECK;

/* ---- profiles ---- */

struct store_upload_profile {
    int site;                    /* 0: the study's, for all sites */
    const char *name;
    int version;
    const char *yaml;            /* NULL in lists */
    const char *sha256;          /* of the YAML, hexadecimal */
    const char *added_by, *added_at;
};

struct store_upload_profiles {
    struct store_upload_profile *rows;       /* the newest version of each, by site and name */
    size_t count;
};

/*
 * The next version of `name` at `site` (0: for all sites, by a token that covers all), of which only site, name and
 * yaml are read.  The newest one's very bytes again: that version, nothing is stored.  NULL with ERROR_INPUT for a name
 * or a size that cannot be, with ERROR_NOT_FOUND for a site that is not the token's.
 */
struct store_upload_profile *store_add_upload_profile(const void *owner, struct store *store,
                                                      const struct store_reader *reader,
                                                      const struct store_upload_profile *added,
                                                      struct error *error) MUST_CHECK;
struct store_upload_profiles *store_list_upload_profiles(const void *owner, struct store *store,
                                                         const struct store_reader *reader,
                                                         struct error *error) MUST_CHECK;
/* Of site, name and version (0: the newest): of the site, else of the study.  ERROR_NOT_FOUND. */
struct store_upload_profile *store_find_upload_profile(const void *owner, struct store *store,
                                                       const struct store_reader *reader,
                                                       const struct store_upload_profile *wanted,
                                                       struct error *error) MUST_CHECK;

/* ---- keeping house ---- */

/*
 * What has expired is marked so; bytes of what is decided go, and rows and findings after 30 days.  At most a thousand
 * rows a call: `*more` when there is more to do.  Needs no token.
 */
bool store_purge_uploads(struct store *store, bool *more, struct error *error) MUST_CHECK;

#endif
