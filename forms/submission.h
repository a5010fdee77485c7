/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A submission: one version of one record, from what came through a door to what is stored.
 *
 * Every door (JSON, CSV, later FHIR) fills a `struct submission_input` with what was sent, as text.
 * submission_check is the one place that judges it; what it accepts has a canonical text, which is what is stored,
 * hashed, signed and compared.  Neither knows the database, nor the time: "today" is a parameter.
 */
#ifndef PATELLA_SUBMISSION_H
#define PATELLA_SUBMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forms/base/date.h"
#include "forms/base/error.h"
#include "forms/base/text.h"
#include "forms/form.h"
#include "forms/protocol.h"

/* How a value was written by the sender; CSV sends everything as RAW_TEXT and RAW_TEXT is accepted for every type. */
enum raw_kind { RAW_TEXT, RAW_INTEGER, RAW_REAL, RAW_BOOLEAN, RAW_NULL, RAW_OTHER };

struct raw_answer {
    const char *item;        /* item id as sent */
    enum raw_kind kind;
    const char *text;        /* valid UTF-8; digits, "true"/"false", or the text; "" for RAW_NULL and RAW_OTHER */
};

struct raw_reason {
    const char *item;        /* item id, or NULL for a rule that stands beside no item */
    const char *rule;        /* rule id ("soft_range" for soft ranges); NULL in `not_answered` */
    const char *reason;
};

/* What was sent.  Texts that were not sent are NULL, numbers 0. */
struct submission_input {
    const char *id;              /* UUID */
    const char *subject;         /* "07-0012" */
    const char *knee;            /* "left", "right", "none"; NULL means none */
    const char *form;
    int64_t form_version;        /* required: a guess would change when a newer one is put between two tries */
    const char *visit;           /* visit id, or "unscheduled"; NULL means unscheduled */
    int64_t instance;            /* 0 means 1 */
    int64_t version;             /* 0 means 1 */
    const char *status;          /* "complete" or "void"; NULL means complete */
    const char *date;            /* YYYY-MM-DD */
    const char *reason;          /* reason for change, version > 1 */
    const struct raw_answer *answers;
    size_t answer_count;
    const struct raw_reason *not_answered;   /* items left open on purpose: answer_decline_reasons (answer.h) */
    size_t not_answered_count;
    const struct raw_reason *confirmed;      /* soft findings that the sender stands by, with reason */
    size_t confirmed_count;
};

enum answer_state { ANSWER_MISSING, ANSWER_GIVEN, ANSWER_DECLINED };   /* declined: left open with a reason */

struct answer {
    enum answer_state state;
    const char *text;            /* canonical: digits as sent, code, date, NFC text, "true"; reason if declined */
    double number;               /* integers, decimals, integer choices, booleans as 0 and 1; NAN otherwise */
    struct partial_date date;    /* dates and partial dates */
};

enum submission_status { SUBMISSION_COMPLETE, SUBMISSION_VOID };

struct submission {
    uint8_t id[16];
    const char *study;
    int site;                    /* 1..9999 */
    int subject;                 /* 1..999999, within the site */
    const char *knee;            /* "left", "right", "none" */
    const struct form *form;
    const char *visit;
    int instance;                /* 1..9999 */
    int version;
    enum submission_status status;
    date_days date;
    const char *reason;          /* NULL for version 1 */
    const struct answer *answers;   /* form->item_count of them, in form order */
    const char *canonical;       /* canonical text, UTF-8 */
    double *scores;              /* form->score_count values, NAN where not scored; NULL when void */
};

/*
 * What `rule` of a problem may be, beside the ids of the form's own rules:
 *   json          not JSON, or not of the described shape
 *   format        a field of the submission is not written as it must be
 *   required      a field or an answer is missing
 *   unknown       an item, form, visit or rule that does not exist
 *   doubled       sent twice
 *   future        a date after today
 *   visit, knee, instance, version, status   the field does not fit the form or the protocol
 *   type, choice, range, decimals, length, control   the value does not fit the item
 *   soft_range    outside warn_min and warn_max
 *   skipped       the item is not asked for with these answers
 *   not_answered  a value and a reason for having none, or no such reason
 *   confirmed     nothing to confirm, or no reason
 */
struct problem {
    const char *item;            /* item id or a field of the submission ("date", "visit"); NULL: the whole */
    const char *rule;            /* one of problem_rule's, or the id of a rule of the form */
    const char *text;            /* what was found and what to do, for people */
    bool soft;                   /* goes away with a confirmation and a reason */
};

struct problem_list {
    struct problem *problems;
    size_t count;
};

enum { PROBLEM_LIMIT = 256 };   /* of one submission; further ones are dropped, the last says so */

/* Limits of what is sent. */
enum { SUBMISSION_JSON_LIMIT = 256 * 1024, SUBMISSION_JSON_DEPTH = 8, REASON_LENGTH_LIMIT = 1000 };

/*
 * Judges `input` for the study of `catalogue` with `today` the date at the site.  Returns the submission, scored, with
 * its canonical text; or NULL with at least one problem in `problems`.  All problems are reported at once.  The result
 * points into `catalogue`, not into `input`.  The date may not lie in the future; a form that is due at visits must
 * name a visit that asks for it, or "unscheduled"; `knee` must fit the form's `about`.
 */
struct submission *submission_check(const void *owner, const struct catalogue *catalogue,
                                    const struct submission_input *input, date_days today,
                                    struct problem_list *problems) MUST_CHECK;

/*
 * Reads {"id":...,"subject":...,"answers":{...},...} (collector/openapi.yaml) from JSON text.  Returns NULL and fills
 * `problems` for what is not JSON, is no object, has unknown or doubled fields, or fields of the wrong JSON type.
 * `text` is one submission object.
 */
struct submission_input *submission_read_json(const void *owner, const char *text, size_t length,
                                              struct problem_list *problems) MUST_CHECK;

/* The study site's two numbers of "07-0012"; false when it is not of that shape. */
bool subject_parse(const char *string, int *site, int *subject) MUST_CHECK;
/* "07-0012": at least two and four digits. */
#define SUBJECT_TEXT_SIZE 16
void subject_format(int site, int subject, char out[SUBJECT_TEXT_SIZE]);

/*
 * Reads the answers of a stored canonical text back, in form order (form->item_count of them).
 * NULL and ERROR_INPUT when the text is not canonical for `form`.
 */
struct answer *submission_read_answers(const void *owner, const struct form *form, const char *canonical,
                                       struct error *error) MUST_CHECK;

void problem_add(const void *owner, struct problem_list *list, bool soft, const char *item, const char *rule,
                 const char *format, ...) PRINTF_LIKE(6, 7);

#endif
