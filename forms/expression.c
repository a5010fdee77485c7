/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/expression.h"

#include <math.h>
#include <string.h>

#include "forms/expression_tree.h"
#include "forms/form.h"
#include "forms/submission.h"

/* What a node is worth: numbers and dates (in days) are the interval low..high, a point when exactly known.
 */
struct value {
    bool known;
    double low, high;
    const char *text;
    enum truth truth;
};

static const struct value unknown_value = {.known = false, .low = NAN, .high = NAN, .truth = TRUTH_UNKNOWN};

static struct value evaluate(const struct expression *node, const struct expression_input *input);

static struct value from_interval(double low, double high)
{
    if (!isfinite(low) || !isfinite(high))
        return unknown_value;
    return (struct value){.known = true, .low = low, .high = high, .truth = TRUTH_UNKNOWN};
}

static struct value from_truth(enum truth truth)
{
    return (struct value){.known = truth != TRUTH_UNKNOWN, .low = NAN, .high = NAN, .truth = truth};
}

static enum truth truth_of(bool holds)
{
    return holds ? TRUTH_TRUE : TRUTH_FALSE;
}

static enum truth negate(enum truth truth)
{
    return truth == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : truth_of(truth == TRUTH_FALSE);
}

static struct value from_dates(date_days earliest, date_days latest)
{
    if (earliest == DATE_NONE || latest == DATE_NONE)
        return unknown_value;
    return from_interval(earliest, latest);
}

static struct value value_of_item(const struct expression *node, const struct expression_input *input)
{
    const struct answer *answer = &input->answers[node->item];
    if (answer->state != ANSWER_GIVEN)
        return unknown_value;
    switch (node->type) {
    case TYPE_NUMBER: return from_interval(answer->number, answer->number);
    case TYPE_TRUTH: return from_truth(truth_of(answer->number != 0));
    case TYPE_DATE: return from_dates(date_earliest(answer->date), date_latest(answer->date));
    case TYPE_TEXT: break;
    }
    return (struct value){.known = true, .text = answer->text, .truth = TRUTH_UNKNOWN};
}

/* Decimal fractions such as 0.1 are not exact in binary: this much is no difference. */
static double tolerance(double a, double b)
{
    return 1e-9 * fmax(1, fmax(fabs(a), fabs(b)));
}

static bool is_below(double a, double b)
{
    return b - a > tolerance(a, b);
}

static enum truth compare_equal(enum expression_type type, const struct value *a, const struct value *b)
{
    if (!a->known || !b->known)
        return TRUTH_UNKNOWN;
    if (type == TYPE_TEXT)   /* a known text is never NULL */
        return truth_of(a->text != NULL && b->text != NULL && strcmp(a->text, b->text) == 0);
    if (type == TYPE_TRUTH)
        return truth_of(a->truth == b->truth);
    if (is_below(a->high, b->low) || is_below(b->high, a->low))
        return TRUTH_FALSE;
    bool points = a->low == a->high && b->low == b->high;
    return points ? TRUTH_TRUE : TRUTH_UNKNOWN;
}

/* a < b, or a <= b when `or_equal`; unknown while both outcomes are possible. */
static enum truth compare_less(const struct value *a, const struct value *b, bool or_equal)
{
    if (!a->known || !b->known)
        return TRUTH_UNKNOWN;
    if (or_equal ? !is_below(b->low, a->high) : is_below(a->high, b->low))
        return TRUTH_TRUE;
    if (or_equal ? is_below(b->high, a->low) : !is_below(a->low, b->high))
        return TRUTH_FALSE;
    return TRUTH_UNKNOWN;
}

static enum truth compare(const struct expression *node, const struct expression_input *input)
{
    struct value a = evaluate(node->arguments[0], input);
    struct value b = evaluate(node->arguments[1], input);
    enum expression_type type = node->arguments[0]->type;
    switch ((int)node->operation) {
    case OP_EQUAL: return compare_equal(type, &a, &b);
    case OP_UNEQUAL: return negate(compare_equal(type, &a, &b));
    case OP_LESS: return compare_less(&a, &b, false);
    case OP_AT_MOST: return compare_less(&a, &b, true);
    case OP_GREATER: return compare_less(&b, &a, false);
    default: return compare_less(&b, &a, true);
    }
}

static enum truth is_in(const struct expression *node, const struct expression_input *input)
{
    struct value value = evaluate(node->arguments[0], input);
    enum truth found = TRUTH_FALSE;
    for (size_t i = 1; i < node->count && found != TRUTH_TRUE; i++) {
        struct value element = evaluate(node->arguments[i], input);
        enum truth equal = compare_equal(node->arguments[0]->type, &value, &element);
        if (equal != TRUTH_FALSE)
            found = equal;
    }
    return found;
}

/* Kleene's "and" and "or": one false (true) decides, otherwise one unknown makes it unknown. */
static enum truth join(const struct expression *node, const struct expression_input *input)
{
    enum truth deciding = node->operation == OP_AND ? TRUTH_FALSE : TRUTH_TRUE;
    enum truth result = negate(deciding);
    for (size_t i = 0; i < node->count; i++) {
        enum truth truth = evaluate(node->arguments[i], input).truth;
        if (truth == deciding)
            return deciding;
        if (truth == TRUTH_UNKNOWN)
            result = TRUTH_UNKNOWN;
    }
    return result;
}

static struct value divide(const struct value *a, const struct value *b)
{
    if (b->low <= 0 && b->high >= 0)
        return unknown_value;
    double q[] = {a->low / b->low, a->low / b->high, a->high / b->low, a->high / b->high};
    return from_interval(fmin(fmin(q[0], q[1]), fmin(q[2], q[3])), fmax(fmax(q[0], q[1]), fmax(q[2], q[3])));
}

static struct value multiply(const struct value *a, const struct value *b)
{
    double p[] = {a->low * b->low, a->low * b->high, a->high * b->low, a->high * b->high};
    return from_interval(fmin(fmin(p[0], p[1]), fmin(p[2], p[3])), fmax(fmax(p[0], p[1]), fmax(p[2], p[3])));
}

static struct value calculate(const struct expression *node, const struct expression_input *input)
{
    struct value a = evaluate(node->arguments[0], input);
    struct value b = node->count > 1 ? evaluate(node->arguments[1], input) : a;
    if (!a.known || !b.known)
        return unknown_value;
    switch ((int)node->operation) {
    case OP_ADD: return from_interval(a.low + b.low, a.high + b.high);
    case OP_SUBTRACT: return from_interval(a.low - b.high, a.high - b.low);
    case OP_MULTIPLY: return multiply(&a, &b);
    case OP_DIVIDE: return divide(&a, &b);
    case OP_NEGATE: return from_interval(-a.high, -a.low);
    case OP_DAYS: return from_interval(b.low - a.high, b.high - a.low);
    default: break;   /* OP_ABS */
    }
    if (a.low >= 0)
        return a;
    return from_interval(a.high <= 0 ? -a.high : 0, fmax(-a.low, a.high));
}

static struct value extreme(const struct expression *node, const struct expression_input *input)
{
    struct value result = evaluate(node->arguments[0], input);
    for (size_t i = 1; i < node->count; i++) {
        struct value next = evaluate(node->arguments[i], input);
        if (!result.known || !next.known)
            return unknown_value;
        bool least = node->operation == OP_MIN;
        result.low = least ? fmin(result.low, next.low) : fmax(result.low, next.low);
        result.high = least ? fmin(result.high, next.high) : fmax(result.high, next.high);
    }
    return result;
}

static struct value evaluate(const struct expression *node, const struct expression_input *input)
{
    switch (node->operation) {
    case OP_OR:
    case OP_AND: return from_truth(join(node, input));
    case OP_NOT: return from_truth(negate(evaluate(node->arguments[0], input).truth));
    case OP_EQUAL:
    case OP_UNEQUAL:
    case OP_LESS:
    case OP_AT_MOST:
    case OP_GREATER:
    case OP_AT_LEAST: return from_truth(compare(node, input));
    case OP_IN: return from_truth(is_in(node, input));
    case OP_ADD:
    case OP_SUBTRACT:
    case OP_MULTIPLY:
    case OP_DIVIDE:
    case OP_NEGATE:
    case OP_ABS:
    case OP_DAYS: return calculate(node, input);
    case OP_MIN:
    case OP_MAX: return extreme(node, input);
    case OP_ANSWERED:
        return from_truth(truth_of(input->answers[node->arguments[0]->item].state == ANSWER_GIVEN));
    case OP_NUMBER: return from_interval(node->number, node->number);
    case OP_STRING: return (struct value){.known = true, .text = node->text, .truth = TRUTH_UNKNOWN};
    case OP_BOOLEAN: return from_truth(truth_of(node->number != 0));
    case OP_DATE: return from_dates(date_earliest(node->date), date_latest(node->date));
    case OP_ITEM: return value_of_item(node, input);
    case OP_FORM_DATE: return from_dates(input->date, input->date);
    case OP_TODAY: return from_dates(input->today, input->today);
    }
    return unknown_value;
}

enum truth expression_evaluate(const struct expression *expression, const struct expression_input *input)
{
    return evaluate(expression, input).truth;
}

int expression_last_item(const struct expression *expression)
{
    if (expression->operation == OP_ITEM)
        return (int)expression->item;
    int last = FORM_NONE;
    for (size_t i = 0; i < expression->count; i++) {
        int item = expression_last_item(expression->arguments[i]);
        if (item > last)
            last = item;
    }
    return last;
}

bool expression_names_any(const struct expression *expression, const bool *marked)
{
    if (expression->operation == OP_ITEM)
        return marked[expression->item];
    for (size_t i = 0; i < expression->count; i++)
        if (expression_names_any(expression->arguments[i], marked))
            return true;
    return false;
}

bool expression_names_form_date(const struct expression *expression)
{
    if (expression->operation == OP_FORM_DATE)
        return true;
    for (size_t i = 0; i < expression->count; i++)
        if (expression_names_form_date(expression->arguments[i]))
            return true;
    return false;
}

static const char *const operation_names[] = {
    [OP_OR] = "or",       [OP_AND] = "and",  [OP_NOT] = "not",       [OP_EQUAL] = "=",
    [OP_UNEQUAL] = "!=",  [OP_LESS] = "<",   [OP_AT_MOST] = "<=",    [OP_GREATER] = ">",
    [OP_AT_LEAST] = ">=", [OP_IN] = "in",    [OP_ADD] = "+",         [OP_SUBTRACT] = "-",
    [OP_MULTIPLY] = "*",  [OP_DIVIDE] = "/", [OP_NEGATE] = "negate", [OP_ANSWERED] = "answered",
    [OP_MIN] = "min",     [OP_MAX] = "max",  [OP_ABS] = "abs",       [OP_DAYS] = "days",
};

static void leaf_to_json(struct text *out, const char *kind, const char *value)
{
    text_append_format(out, "{\"%s\":", kind);
    text_append_json(out, value);
    text_append(out, "}");
}

void expression_to_json(struct text *out, const struct expression *expression)
{
    switch ((int)expression->operation) {
    case OP_NUMBER: leaf_to_json(out, "number", expression->text); return;
    case OP_STRING: leaf_to_json(out, "text", expression->text); return;
    case OP_DATE: leaf_to_json(out, "date", expression->text); return;
    case OP_ITEM: leaf_to_json(out, "item", expression->item_id); return;
    case OP_FORM_DATE: leaf_to_json(out, "field", "date"); return;
    case OP_TODAY: leaf_to_json(out, "field", "today"); return;
    case OP_BOOLEAN:
        text_append(out, expression->number != 0 ? "{\"boolean\":true}" : "{\"boolean\":false}");
        return;
    default: break;
    }
    text_append_format(out, "{\"op\":\"%s\",\"args\":[", operation_names[expression->operation]);
    for (size_t i = 0; i < expression->count; i++) {
        text_append(out, i > 0 ? "," : "");
        expression_to_json(out, expression->arguments[i]);
    }
    text_append(out, "]}");
}
