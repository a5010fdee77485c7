/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The definition of a form: items, rules and scores, as written in YAML (forms/README.md describes the format).
 *
 * A definition is read once, checked completely, and never changed; all of it hangs on the owner given to form_parse.
 * Not for: answers (submission.h), wording in other languages (wording.h), visits (protocol.h).
 */
#ifndef PATELLA_FORM_H
#define PATELLA_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"
#include "forms/base/text.h"
#include "forms/expression.h"

struct faults;   /* faults.h */
struct yaml;     /* yaml.h */

enum form_about { FORM_ABOUT_SUBJECT, FORM_ABOUT_KNEE, FORM_ABOUT_EITHER };

enum item_type { ITEM_CHOICE, ITEM_INTEGER, ITEM_DECIMAL, ITEM_DATE, ITEM_PARTIAL_DATE, ITEM_TEXT, ITEM_BOOLEAN };

struct choice {
    const char *code;    /* as stored: "0", "mild" */
    const char *label;
    double number;       /* value of an integer code, NAN otherwise */
};

struct item {
    const char *id;          /* [a-z][a-z0-9_]*, unique in the form */
    const char *code;        /* the instrument's own item number ("P1"), or NULL */
    const char *text;        /* short descriptor in our own words */
    const char *section;     /* id of its section */
    enum item_type type;
    const char *unit;        /* UCUM or plain unit, or NULL */
    const struct choice *choices;
    size_t choice_count;
    bool choices_are_numbers;   /* every code is an integer: stored and compared as numbers */
    bool required;           /* a value, or a reason why there is none */
    bool must_be_answered;   /* required: always; no reason can stand for the value */
    bool reveals_arm;        /* left out of reports of a masked study */
    double min, max;         /* hard range of integers and decimals, NAN when open */
    double warn_min, warn_max;   /* soft range, NAN when open */
    int decimals;            /* most digits after the point, decimals only */
    int max_length;          /* characters, texts only */
    const struct expression *show;   /* asked only when true; NULL: always asked */
    int line;
};

struct section {
    const char *id;
    const char *title;
    size_t first_item;       /* items of a section stand together */
    size_t item_count;
};

struct rule {
    const char *id;          /* unique in the form */
    const char *text;        /* what the person reads when the rule does not hold, and what to do */
    const char *item;        /* item that the message stands beside, or NULL */
    const struct expression *check;   /* must not be false */
    bool soft;               /* asks for a confirmation with a reason instead of refusing */
    int line;
};

enum score_method { SCORE_SUM, SCORE_MEAN };
enum score_missing { SCORE_MISSING_NONE, SCORE_MISSING_PERSON_MEAN };
enum score_direction { SCORE_HIGHER_WORSE, SCORE_HIGHER_BETTER };

struct score {
    const char *id;          /* unique among the form's scores */
    const char *title;
    const char *source;      /* citation, or NULL */
    enum score_method method;
    const size_t *parts;     /* indices of items, or of earlier scores when of_scores */
    size_t part_count;
    bool of_scores;
    size_t min_answered;     /* fewest parts with a value; otherwise the score is missing */
    enum score_missing missing;
    bool rescaled;           /* linear map of from[0]..from[1] onto to[0]..to[1] */
    double from[2], to[2];
    double range[2];         /* least and largest possible value, as reported (least first) */
    enum score_direction direction;
    bool derived;            /* computed from another instrument's items; never pooled silently */
    const char *note;        /* printed beside the score, or NULL */
    int line;
};

struct form {
    const char *file;        /* where it was read from, for messages */
    int version_line, creates_subject_line;
    const char *id;          /* "koos" */
    int version;             /* 1, 2, ... of this definition */
    const char *title;
    const char *source;      /* where items, ranges and scoring come from */
    const char *recall;      /* "1 week", or NULL */
    enum form_about about;
    bool creates_subject;    /* the enrolment form */
    bool repeats;            /* several instances at one visit */
    const struct section *sections;
    size_t section_count;
    const struct item *items;
    size_t item_count;
    const uint16_t *items_by_id;   /* indices of items, in the order of their ids: form_find_item searches it */
    const struct rule *rules;
    size_t rule_count;
    const struct score *scores;
    size_t score_count;
};

enum { FORM_FILE_LIMIT = 1 << 20, FORM_NONE = -1 };

/* Reads a definition from `text`; `file` names it in messages.  NULL and ERROR_INPUT with file:line and hint. */
struct form *form_parse(const void *owner, const char *file, const char *text, size_t length, struct error *error)
    MUST_CHECK;
/* The same from a YAML tree, with every fault at once; NULL when there was any.  Nothing points into the tree. */
struct form *form_read(const void *owner, const struct yaml *root, struct faults *faults) MUST_CHECK;
struct form *form_load(const void *owner, const char *path, struct error *error) MUST_CHECK;

/* Index of an item or score by id, FORM_NONE when there is none. */
int form_find_item(const struct form *form, const char *id);
int form_find_score(const struct form *form, const char *id);

/* The choice with that code, or NULL. */
const struct choice *item_find_choice(const struct item *item, const char *code);

const char *item_type_name(enum item_type type);

/* The definition as JSON for clients: everything above, expressions as syntax trees. */
void form_to_json(struct text *out, const struct form *form);

#endif
