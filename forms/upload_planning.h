/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the columns of a file are made out; only upload_plan*.c sees it. */
#ifndef PATELLA_UPLOAD_PLANNING_H
#define PATELLA_UPLOAD_PLANNING_H

#include <stdint.h>

#include "forms/upload_names.h"
#include "forms/upload_plan.h"

/* ---- names of keys and of the tools' own columns (upload_plan_keys.c) ---- */

/* A name that is known in every file.  Of two columns with one role the lower rank counts, the other is ignored. */
struct known_key {
    const char *name;            /* folded */
    enum upload_role role;
    int rank;
    bool weak;                   /* an item with this id is meant rather */
};

/* By folded name; NULL when it is none. */
const struct known_key *upload_find_key(const char *folded);
/* The same of a file that `tool` wrote. */
const struct known_key *upload_find_key_of(enum upload_tool tool, const char *folded);

/* Which tool wrote a file with these folded names. */
enum upload_tool upload_find_tool(const char *const *folded, size_t count);
const char *upload_tool_title(enum upload_tool tool);

/* True when the tool writes such a column for itself. */
bool upload_is_administrative(enum upload_tool tool, const char *folded);

/* ---- names of items and scores (upload_plan_index.c) ---- */

/* How a name is written; of two meanings in one form the one that stands first here is meant. */
enum name_rank {
    NAME_FULL,                   /* koos.p1 */
    NAME_ID,                     /* p1 */
    NAME_JOINED,                 /* koos_p1, koos-p1 */
    NAME_CODE,                   /* P1: the instrument's own number */
    NAME_SCORE,                  /* koos.pain, koos_pain, pain_score, pain */
    NAME_LABEL                   /* pain on stairs */
};

struct named {
    const char *name;            /* folded */
    enum name_rank rank;
    const struct form *form;
    int item;                    /* or score */
    bool score;
};

struct name_index {
    const struct named *names;   /* in order of name, then rank */
    size_t count;
    const struct form *const *forms;     /* that the protocol names, newest versions */
    size_t form_count;
};

struct name_index *upload_index_names(const void *owner, const struct catalogue *catalogue);

/* The first of `*count` entries with that name. */
const struct named *upload_index_find(const struct name_index *index, const char *folded, size_t *count);

/*
 * What the name is in `form`: the entry of the lowest rank, NULL when there is none; `*doubled` when several items have
 * it at that rank (labels).
 */
const struct named *upload_index_in_form(const struct name_index *index, const char *folded, const struct form *form,
                                         bool *doubled);

const char *upload_named_id(const struct named *named);

/* ---- a header in the making ---- */

/* A column's name taken apart. */
struct column_name {
    char *folded;                /* "" : nameless */
    const char *stem;            /* what names the item: "item" of "item_e1_c1", of "group-item", of "item___2" */
    const char *choice;          /* "2" of "item___2", or NULL */
    const char *event;           /* "e1" of LibreClinica's wide columns, or NULL */
    size_t group;                /* columns of one form in all likelihood (before a _complete, of one CRF); 0: none */
    const struct known_key *key; /* what it is unless it is an item, or NULL */
    bool open;                   /* no role yet: an item in all likelihood */
    bool known;                  /* some form has an item of that name */
};

/* A word for a visit or a knee within the names of wide columns. */
struct wide_word {
    const char *folded;
    const char *means;
};

struct wide_words {
    struct wide_word *words;
    size_t count;
};

/* An event of LibreClinica's wide columns. */
struct wide_event {
    const char *code;            /* "e1" */
    const char *name;            /* above the header, or NULL */
    const char *visit;           /* NULL: it is none */
    bool by_name;                /* which says the visit */
};

struct planning {
    struct upload_plan *plan;    /* owns whatever is made */
    void *scratch;
    const struct csv_header *header;
    struct upload_findings *findings;
    const struct name_index *index;
    struct upload_column *columns;
    struct column_name *names;
    const struct form **group_forms;     /* by group, header->count + 1 of them; NULL: not known */
    bool form_by_row;
    struct wide_words visit_words, knee_words;   /* of wide files, else none */
    struct wide_event *events;   /* of LibreClinica, as they were met */
    size_t event_count;
};

/* Where a column stands: "column 3 \"p1\"" in findings. */
struct upload_place upload_place_of(const struct planning *planning, size_t column);

/* Takes the names of open columns apart as the file's tool writes them: stems, choices, visits, instances, groups. */
void upload_split_names(struct planning *planning);

/* The visit of the event "e1", by the profile, the lines above the header, or its code; NULL when it is none. */
const char *upload_visit_of_event(struct planning *planning, const char *code);
/* What was found out about it; NULL: no column is of it. */
const struct wide_event *upload_find_event(const struct planning *planning, const char *code);

/*
 * Gives every open column that is an item, a score or a choice its role, form and item; then plan->form, when all are
 * of one.  Adds ambiguous_labels.
 */
void upload_find_items(struct planning *planning);

/* True when `column` is the item `named`: it gets the role.  False when its choice is none of the item's. */
bool upload_take_item(struct planning *planning, size_t column, const struct named *named);

/* Says why nobody knows the columns that are left. */
void upload_add_hints(struct planning *planning);

/* ---- the columns as a whole (upload_plan_check.c) ---- */

/* What a profile says of the column, or NULL. */
const struct upload_column_rule *upload_find_rule(const struct upload_profile *profile, const char *name);

bool upload_has_role(const struct planning *planning, enum upload_role role);

/* doubled_header, or ambiguous_labels. */
void upload_find_doubled_names(struct planning *planning);
void upload_find_doubled_items(struct planning *planning);

/* unknown_form and no_key_column. */
void upload_require_keys(struct planning *planning);

/* What was assumed of events. */
void upload_say_events(struct planning *planning);

/* What was assumed: tool, visit, labels, ignored_column. */
void upload_say_columns(struct planning *planning);

#endif
