/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bodies of requests that are one flat JSON object: the fields that a route takes are a table.  A body that does not
 * fit is answered with its problem: 400 for what is no such object, 422 for a value that will not do.
 * Not for submissions (forms/submission.h).
 */
#ifndef PATELLA_BODY_H
#define PATELLA_BODY_H

#include "collector/exchange.h"

enum body_kind {
    BODY_TEXT,           /* 1 to `most` characters that can be seen or part them, line ends among them */
    BODY_NAME,           /* the same without line ends */
    BODY_NUMBER,         /* a whole number from 1 to `most` */
    BODY_SUBJECT,        /* "07-0012" */
    BODY_UUID,
    BODY_SHA256,         /* 64 hexadecimal digits */
    BODY_CHOICE,         /* one of `choices` */
    BODY_ARRAY,          /* a list, as JSON text: what is in it, the caller looks at */
    BODY_OBJECT,         /* an object, likewise */
    BODY_COUNT           /* a whole number from 0 to `most` */
};

enum body_need {
    BODY_OPTIONAL,
    BODY_REQUIRED,
    BODY_NULLABLE        /* may be left out, and null means the same */
};

struct body_field {
    const char *name;
    enum body_kind kind;
    enum body_need need;
    size_t most;
    const char *const *choices;      /* NULL-terminated */
};

/*
 * The value of each field as text, in the order of `fields`; NULL where a field that is not required was left out.
 * False when the exchange has a refusal instead.
 */
bool body_read(struct exchange *exchange, const struct body_field *fields, size_t count, const char **values)
    __attribute__((warn_unused_result));

#endif
