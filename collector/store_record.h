/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is said about records beside their versions: queries, verification, signatures, locks, redactions, second
 * entries.  The functions of schema api behind it are alike, and so is this: a call with its values as text, and a
 * table of texts back.
 *
 * An act gives back one row: code of a refusal (or NULL), number, time.  A list takes one, site, subject, state,
 * after_site, after_id, most, and gives rows by site and id, of which the first columns are id, site and subject.
 */
#ifndef PATELLA_STORE_RECORD_H
#define PATELLA_STORE_RECORD_H

#include "collector/store.h"

struct store_listing;    /* store_listing.h */

enum store_call {
    CALL_OPEN_QUERY,
    CALL_ADD_QUERY_EVENT,
    CALL_LIST_QUERIES,
    CALL_LIST_QUERY_EVENTS,
    CALL_VERIFY_VERSION,
    CALL_LIST_VERIFICATIONS,
    CALL_SIGN,
    CALL_LIST_SIGNATURES,
    CALL_LOCK_RECORD,
    CALL_LOCK_SUBJECT,
    CALL_FREEZE_STUDY,
    CALL_LIST_LOCKS,
    CALL_ASK_REDACTION,
    CALL_DECIDE_REDACTION,
    CALL_LIST_REDACTIONS,
    CALL_ENTER_SECOND,
    CALL_RECONCILE,
    CALL_LIST_SECOND_ENTRIES,
    CALL_LIST_DIFFERENCES,
    CALL_REQUEST_UNBLINDING,
    CALL_APPROVE_UNBLINDING,
    CALL_LIST_UNBLINDINGS,
    CALL_REQUEST_EMERGENCY,
    CALL_REVEAL_ALLOCATION,
    CALL_PUT_DRAFT,
    CALL_LIST_DRAFTS,
    CALL_DROP_DRAFT,
    CALL_RELEASE_OFFLINE_KEY,
    CALL_ADD_PARTICIPANT_LINK,
    CALL_LIST_PARTICIPANT_LINKS,
    CALL_REVOKE_PARTICIPANT_LINK,
    CALL_FIND_PARTICIPANT_LINK,
    CALL_PUT_PARTICIPANT_ANSWERS,
    CALL_COUNT
};

/* Behind the reader's token and study come `count` values in the order of the function; NULL is SQL NULL. */
struct store_values {
    const char *const *values;
    size_t count;
};

struct store_listing *store_ask(const void *owner, struct store *store, enum store_call call,
                                const struct store_reader *reader, const struct store_values *values,
                                struct error *error) MUST_CHECK;

/* The same for what writes: it is not sent a second time when the answer was lost. */
struct store_listing *store_tell(const void *owner, struct store *store, enum store_call call,
                                 const struct store_reader *reader, const struct store_values *values,
                                 struct error *error) MUST_CHECK;

#endif
