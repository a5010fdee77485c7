/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The syntax tree of an expression; only the expression_*.c files see it. */
#ifndef PATELLA_EXPRESSION_TREE_H
#define PATELLA_EXPRESSION_TREE_H

#include <stddef.h>

#include "forms/base/date.h"
#include "forms/expression.h"

enum expression_type { TYPE_NUMBER, TYPE_TEXT, TYPE_TRUTH, TYPE_DATE };

enum operation {
    OP_OR, OP_AND, OP_NOT,
    OP_EQUAL, OP_UNEQUAL, OP_LESS, OP_AT_MOST, OP_GREATER, OP_AT_LEAST, OP_IN,
    OP_ADD, OP_SUBTRACT, OP_MULTIPLY, OP_DIVIDE, OP_NEGATE,
    OP_ANSWERED, OP_MIN, OP_MAX, OP_ABS, OP_DAYS,
    OP_NUMBER, OP_STRING, OP_BOOLEAN, OP_DATE, OP_ITEM, OP_FORM_DATE, OP_TODAY
};

enum { EXPRESSION_DEPTH_LIMIT = 64, EXPRESSION_LENGTH_LIMIT = 4096 };

struct expression {
    enum operation operation;
    enum expression_type type;
    int column;                  /* 1-based, in the source */
    int depth;                   /* 1 for a leaf */
    struct expression **arguments;
    size_t count;
    size_t item;                 /* OP_ITEM: index into the form's items */
    const char *item_id;         /* ... and its id */
    double number;               /* OP_NUMBER; OP_BOOLEAN: 0 or 1 */
    const char *text;            /* OP_STRING, OP_DATE, and OP_NUMBER as written */
    struct partial_date date;    /* OP_DATE */
    const char *source;          /* of the whole expression, at its root */
};

#endif
