/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The expression language of skip logic and cross-item rules: infix over item ids, parsed once into a syntax tree.
 *
 *   expression := or;  or := and {"or" and};  and := not {"and" not};  not := "not" not | comparison
 *   comparison := sum [("=" | "!=" | "<" | "<=" | ">" | ">=") sum | "in" "(" sum {"," sum} ")"]
 *   sum := product {("+" | "-") product};  product := unary {("*" | "/") unary};  unary := "-" unary | primary
 *   primary := number | 'text' | true | false | name | call | "(" expression ")"
 *   call := answered(item) | min(a, b, ...) | max(a, b, ...) | abs(a) | days(from, to)
 *   name := an item id | date (the form's date) | today (the date at the site)
 *
 * Values are numbers, texts (choice codes that are not all integers, text items), truth values and dates; a
 * choice whose codes are all integers is a number; a text in quotes beside a date is read as a (partial)
 * date.  Texts and truth values are compared with = and != only; a choice is compared by =, != and in with codes
 * that it has.  Numbers that differ by no more than 1e-9 * max(1, |a|, |b|) are equal, for every comparison sign: so
 * 0.1 + 0.2 = 0.3 though binary fractions differ.  A number or date that is not exactly known
 * (days() between partial dates) is an interval.  days(from, to) is to - from.  Logic has three values:
 * whatever needs an unanswered item is unknown, as is a comparison of partial dates that both outcomes are
 * still possible for; `and`, `or` are Kleene's; answered() is never unknown.  Types are checked when the form
 * is loaded, so that evaluation cannot fail.
 * The browser evaluates the same tree: expression_to_json gives it.
 */
#ifndef PATELLA_EXPRESSION_H
#define PATELLA_EXPRESSION_H

#include "forms/base/date.h"
#include "forms/base/error.h"
#include "forms/base/text.h"

struct form;
struct answer;
struct expression;

enum truth { TRUTH_FALSE, TRUTH_TRUE, TRUTH_UNKNOWN };

/* What an expression is evaluated over. */
struct expression_input {
    const struct form *form;
    const struct answer *answers;   /* form->item_count answers, in form order */
    date_days date;                 /* date of the form, DATE_NONE when unknown */
    date_days today;                /* date at the site */
};

/*
 * Parses `source` against the items of `form`.  `file` and `line` say where the expression stands.  The result must
 * be a truth value.  NULL and ERROR_INPUT (with column and hint) for bad syntax, an unknown name, a type mismatch,
 * nesting deeper than 64 or more than 4096 characters.
 */
struct expression *expression_parse(const void *owner, const struct form *form, const char *source, const char *file,
                                    int line, struct error *error) MUST_CHECK;

enum truth expression_evaluate(const struct expression *expression, const struct expression_input *input);

/* The expression as it was written, for people. */
const char *expression_source(const struct expression *expression);

/* Index of the last item (in form order) that the expression names; FORM_NONE (-1) when it names none. */
int expression_last_item(const struct expression *expression);

/* True when the expression names the date of the form. */
bool expression_names_form_date(const struct expression *expression);

/* True when it names an item whose entry in `marked` (one for each item of the form) is true. */
bool expression_names_any(const struct expression *expression, const bool *marked);

/*
 * The syntax tree as JSON: {"op":"and","args":[...]} with the operators as they are written, "negate" for a sign and
 * the names of the calls; {"item":"p1"}, {"field":"date"}, {"field":"today"}, {"number":"2"}, {"text":"other"},
 * {"boolean":true}, {"date":"2026-03"}.
 */
void expression_to_json(struct text *out, const struct expression *expression);

#endif
