/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the routes about records have in common (store_record.h): a list by pages, one row of it, and the outcome of an
 * act.  Each function gives the exchange its reply, also of a refusal.
 */
#ifndef PATELLA_RECORD_REPLY_H
#define PATELLA_RECORD_REPLY_H

#include "collector/catalogues.h"
#include "collector/store_listing.h"
#include "collector/store_record.h"

enum member_kind {
    MEMBER_TEXT,         /* left out when it is NULL */
    MEMBER_NULLABLE,
    MEMBER_NUMBER,
    MEMBER_BOOLEAN,
    MEMBER_JSON,         /* a value that is written already */
    MEMBER_SUBJECT       /* of two columns, site and subject; left out when they are NULL */
};

struct member {
    const char *name;    /* NULL behind the last one */
    enum member_kind kind;
};

struct record_list {
    enum store_call call;
    const char *key;                     /* of the list in the reply */
    const struct member *members;        /* the first one is the id, the second the subject */
    const char *const *states;           /* what ?state= may be, NULL-terminated; NULL: it is no parameter */
};

/* {"KEY":[{...},...],"next":...} */
void record_reply_list(struct exchange *exchange, struct store *store, const struct record_list *list);

/* The row of the list with this id, alone in its table; NULL and a reply when it is not there or cannot be had. */
struct store_listing *record_find(struct exchange *exchange, struct store *store, const struct record_list *list,
                                  const char *id);

/* The members of a row, for an object that the caller opens and closes. */
void record_append_members(struct text *out, const struct store_listing *table, size_t row,
                           const struct member *members);

/* What belongs to one row; asked for by site and id. */
struct record_rows {
    enum store_call call;
    const char *key;
    const struct member *members;
};

/* {...,"KEY":[{...},...]}: the row of the list with the id `{name}` of the path, and its rows. */
void record_reply_with_rows(struct exchange *exchange, struct store *store, const struct record_list *list,
                            const char *name, const struct record_rows *rows);

/* "KEY":[{...},...] of all rows of the table. */
void record_append_rows(struct text *out, const char *key, const struct store_listing *table,
                        const struct member *members);

/* `{name}` of the path when it is a UUID, and there are no query parameters; NULL and a reply otherwise. */
const char *record_path_id(struct exchange *exchange, const char *name);

/* Site and subject of "07-0012", which was read as one, as texts. */
void record_split_subject(const void *owner, const char *subject, const char *numbers[2]);

/* Does it, and answers {"id":ID,"number":...,"recorded_at":...} or the refusal. */
void record_act(struct exchange *exchange, struct store *store, enum store_call call, const char *id,
                const struct store_values *values);

#endif
