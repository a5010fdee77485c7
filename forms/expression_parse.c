/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/expression.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/expression_tree.h"
#include "forms/form.h"
#include "forms/suggestion.h"

enum token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_STRING, TOKEN_WORD, TOKEN_SIGN };

struct token {
    enum token_kind kind;
    const char *start;
    size_t length;
};

struct parser {
    const void *owner;
    const struct form *form;
    const char *source, *file;
    int line;
    const char *at;          /* behind `token` */
    struct token token;      /* the next one, not yet taken */
    int nesting;
    struct error *error;
};

static const char *const type_names[] = {"a number", "a text", "true or false", "a date"};

static struct expression *parse_or(struct parser *parser);

static int column_of(const struct parser *parser, const char *place)
{
    return (int)(place - parser->source) + 1;
}

/* Always returns NULL, so that `return fail(...)` ends a rule of the grammar. */
static struct expression *fail(struct parser *parser, int column, const char *format, ...) PRINTF_LIKE(3, 4);
static struct expression *fail(struct parser *parser, int column, const char *format, ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    error_at(parser->error, ERROR_INPUT, parser->file, parser->line, "expression \"%.120s\", column %d: %s",
             parser->source, column, message);
    return NULL;
}

/* Reads the token at parser->at; false when no token begins with that character. */
static bool advance(struct parser *parser)
{
    const char *at = parser->at + strspn(parser->at, " \t\n");
    struct token token = {TOKEN_SIGN, at, 1};
    if (*at == '\0') {
        token = (struct token){TOKEN_END, at, 0};
    } else if (isdigit((unsigned char)*at)) {
        token.kind = TOKEN_NUMBER;
        token.length = strspn(at, "0123456789.");
    } else if (*at == '\'') {
        const char *end = strchr(at + 1, '\'');
        if (end == NULL)
            return fail(parser, column_of(parser, at), "a text without its closing quote; add '") != NULL;
        token = (struct token){TOKEN_STRING, at, (size_t)(end - at) + 1};
    } else if (isalpha((unsigned char)*at) || *at == '_') {
        token.kind = TOKEN_WORD;
        while (isalnum((unsigned char)at[token.length]) || at[token.length] == '_')
            token.length++;
    } else if (strncmp(at, "!=", 2) == 0 || strncmp(at, "<=", 2) == 0 || strncmp(at, ">=", 2) == 0) {
        token.length = 2;
    } else if (strchr("=<>+-*/(),", *at) == NULL) {
        return fail(parser, column_of(parser, at),
                    "unexpected \"%.1s\"; operators are or and not = != < <= > >= in "
                    "+ - * /, texts stand in '...'",
                    (unsigned char)*at < 0x80 ? at : "?")
               != NULL;
    }
    parser->token = token;
    parser->at = at + token.length;
    return true;
}

static bool token_is(const struct parser *parser, const char *text)
{
    const struct token *token = &parser->token;
    return (token->kind == TOKEN_WORD || token->kind == TOKEN_SIGN) && strlen(text) == token->length
           && strncmp(text, token->start, token->length) == 0;
}

static struct expression *unexpected(struct parser *parser, const char *wanted)
{
    int column = column_of(parser, parser->token.start);
    if (parser->token.kind == TOKEN_END)
        return fail(parser, column, "it ends where %s was expected", wanted);
    return fail(parser, column, "%s was expected, not \"%.*s\"", wanted,
                (int)(parser->token.length < 40 ? parser->token.length : 40), parser->token.start);
}

/* Takes the token when it is `text`. */
static bool take(struct parser *parser, const char *text)
{
    if (token_is(parser, text))
        return advance(parser);
    unexpected(parser, text);
    return false;
}

static struct expression *new_leaf(struct parser *parser, enum operation operation, enum expression_type type)
{
    struct expression *leaf = memory_new(parser->owner, struct expression);
    leaf->operation = operation;
    leaf->type = type;
    leaf->column = column_of(parser, parser->token.start);
    leaf->depth = 1;
    leaf->number = NAN;
    return leaf;
}

static bool add_argument(struct parser *parser, struct expression *node, struct expression *argument)
{
    node->arguments =
        memory_resize_array(parser->owner, node->arguments, struct expression *, node->count + 1);
    node->arguments[node->count++] = argument;
    if (node->depth <= argument->depth)
        node->depth = argument->depth + 1;
    if (node->depth <= EXPRESSION_DEPTH_LIMIT)
        return true;
    fail(parser, node->column, "nested deeper than %d; split it into several rules", EXPRESSION_DEPTH_LIMIT);
    return false;
}

static bool check_type(struct parser *parser, const struct expression *node, enum expression_type type)
{
    if (node->type == type)
        return true;
    fail(parser, node->column, "%s was expected here, this is %s", type_names[type], type_names[node->type]);
    return false;
}

/* A node over one or two arguments that must be of a type. */
static struct expression *new_operation(struct parser *parser, enum operation operation,
                                        struct expression *left, struct expression *right,
                                        enum expression_type type)
{
    struct expression *node = new_leaf(parser, operation, type);
    node->column = left->column;
    if (!check_type(parser, left, type) || !add_argument(parser, node, left))
        return NULL;
    if (right != NULL && (!check_type(parser, right, type) || !add_argument(parser, node, right)))
        return NULL;
    return node;
}

/* "or" and "and" take any number of arguments, so that long lists of conditions are not deep. */
static struct expression *parse_logic(struct parser *parser, const char *word, enum operation operation,
                                      struct expression *(*parse_part)(struct parser *))
{
    struct expression *node = parse_part(parser);
    struct expression *first = node;
    while (node != NULL && token_is(parser, word)) {
        struct expression *next = advance(parser) ? parse_part(parser) : NULL;
        if (next == NULL)
            return NULL;
        if (node == first)
            node = new_operation(parser, operation, first, next, TYPE_TRUTH);
        else if (!check_type(parser, next, TYPE_TRUTH) || !add_argument(parser, node, next))
            return NULL;
    }
    return node;
}

static enum expression_type type_of_item(const struct item *item)
{
    switch (item->type) {
    case ITEM_CHOICE: return item->choices_are_numbers ? TYPE_NUMBER : TYPE_TEXT;
    case ITEM_INTEGER:
    case ITEM_DECIMAL: return TYPE_NUMBER;
    case ITEM_DATE:
    case ITEM_PARTIAL_DATE: return TYPE_DATE;
    case ITEM_TEXT: return TYPE_TEXT;
    case ITEM_BOOLEAN: return TYPE_TRUTH;
    }
    return TYPE_TEXT;
}

static struct expression *parse_name(struct parser *parser)
{
    char *name = memory_copy_bytes(parser->owner, parser->token.start, parser->token.length);
    struct expression *node = NULL;
    if (strcmp(name, "true") == 0 || strcmp(name, "false") == 0) {
        node = new_leaf(parser, OP_BOOLEAN, TYPE_TRUTH);
        node->number = strcmp(name, "true") == 0;
    } else if (strcmp(name, "date") == 0 || strcmp(name, "today") == 0) {
        node = new_leaf(parser, strcmp(name, "date") == 0 ? OP_FORM_DATE : OP_TODAY, TYPE_DATE);
    } else {
        int index = form_find_item(parser->form, name);
        if (index == FORM_NONE) {
            struct suggestion suggestion = suggestion_begin(name);
            for (size_t i = 0; i < parser->form->item_count; i++)
                suggestion_offer(&suggestion, parser->form->items[i].id);
            char hint[SUGGESTION_TEXT_SIZE];
            suggestion_format(&suggestion, hint);
            return fail(parser, column_of(parser, parser->token.start), "no item \"%.64s\" in this form%s",
                        name, hint[0] != '\0' ? hint : "; texts stand in quotes: 'text'");
        }
        node = new_leaf(parser, OP_ITEM, type_of_item(&parser->form->items[index]));
        node->item = (size_t)index;
        node->item_id = parser->form->items[index].id;
    }
    return advance(parser) ? node : NULL;
}

static const struct call {
    const char *name;
    enum operation operation;
    enum expression_type argument, result;
    size_t least, most;
} calls[] = {
    {"answered", OP_ANSWERED, TYPE_TRUTH, TYPE_TRUTH, 1, 1},   /* the argument's type does not matter */
    {"min", OP_MIN, TYPE_NUMBER, TYPE_NUMBER, 2, 64},
    {"max", OP_MAX, TYPE_NUMBER, TYPE_NUMBER, 2, 64},
    {"abs", OP_ABS, TYPE_NUMBER, TYPE_NUMBER, 1, 1},
    {"days", OP_DAYS, TYPE_DATE, TYPE_NUMBER, 2, 2},
};

/* A quoted text where a date stands beside it becomes a date. */
static bool read_as_date(struct parser *parser, struct expression *node)
{
    if (node->operation != OP_STRING)
        return true;
    if (!date_parse_partial(node->text, &node->date)) {
        fail(parser, node->column, "'%.40s' is no date; write YYYY-MM-DD, YYYY-MM or YYYY", node->text);
        return false;
    }
    node->operation = OP_DATE;
    node->type = TYPE_DATE;
    return true;
}

static bool check_argument(struct parser *parser, const struct call *call, struct expression *argument)
{
    if (call->operation == OP_ANSWERED) {
        if (argument->operation == OP_ITEM)
            return true;
        fail(parser, argument->column, "answered() takes an item id");
        return false;
    }
    if (call->argument == TYPE_DATE && !read_as_date(parser, argument))
        return false;
    return check_type(parser, argument, call->argument);
}

static struct expression *parse_call(struct parser *parser, const struct call *call)
{
    struct expression *node = new_leaf(parser, call->operation, call->result);
    if (!advance(parser) || !take(parser, "("))
        return NULL;
    for (;;) {
        struct expression *argument = parse_or(parser);
        if (argument == NULL || !check_argument(parser, call, argument)
            || !add_argument(parser, node, argument))
            return NULL;
        if (!token_is(parser, ","))
            break;
        if (!advance(parser))
            return NULL;
    }
    if (!take(parser, ")"))
        return NULL;
    if (node->count < call->least || node->count > call->most)
        return fail(parser, node->column, "%s() takes %zu%s arguments, not %zu", call->name, call->least,
                    call->most > call->least ? " or more" : "", node->count);
    return node;
}

static struct expression *parse_number(struct parser *parser)
{
    struct expression *node = new_leaf(parser, OP_NUMBER, TYPE_NUMBER);
    node->text = memory_copy_bytes(parser->owner, parser->token.start, parser->token.length);
    if (!text_to_decimal(node->text, &node->number))
        return fail(parser, node->column, "\"%.40s\" is no number; write 12 or 0.5", node->text);
    return advance(parser) ? node : NULL;
}

static struct expression *parse_string(struct parser *parser)
{
    struct expression *node = new_leaf(parser, OP_STRING, TYPE_TEXT);
    const char *text = memory_copy_bytes(parser->owner, parser->token.start + 1, parser->token.length - 2);
    node->text = text_to_nfc(parser->owner, text);
    return advance(parser) ? node : NULL;
}

static bool is_keyword(const struct parser *parser)
{
    return token_is(parser, "or") || token_is(parser, "and") || token_is(parser, "not")
           || token_is(parser, "in");
}

static struct expression *parse_primary(struct parser *parser)
{
    if (parser->token.kind == TOKEN_NUMBER)
        return parse_number(parser);
    if (parser->token.kind == TOKEN_STRING)
        return parse_string(parser);
    if (token_is(parser, "(")) {
        struct expression *inner = advance(parser) ? parse_or(parser) : NULL;
        return inner != NULL && take(parser, ")") ? inner : NULL;
    }
    if (parser->token.kind != TOKEN_WORD || is_keyword(parser))
        return unexpected(parser, "an item, a number, a 'text' or a \"(\"");
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (token_is(parser, calls[i].name))
            return parse_call(parser, &calls[i]);
    return parse_name(parser);
}

/* Runs a rule of the grammar one level deeper; the limit protects the stack. */
static struct expression *parse_nested(struct parser *parser, struct expression *(*parse)(struct parser *))
{
    if (parser->nesting >= EXPRESSION_DEPTH_LIMIT)
        return fail(parser, column_of(parser, parser->token.start),
                    "nested deeper than %d; split it into several rules", EXPRESSION_DEPTH_LIMIT);
    parser->nesting++;
    struct expression *node = parse(parser);
    parser->nesting--;
    return node;
}

static struct expression *parse_unary(struct parser *parser)
{
    if (!token_is(parser, "-"))
        return parse_nested(parser, parse_primary);
    struct expression *inner = advance(parser) ? parse_nested(parser, parse_unary) : NULL;
    return inner != NULL ? new_operation(parser, OP_NEGATE, inner, NULL, TYPE_NUMBER) : NULL;
}

static struct expression *parse_product(struct parser *parser)
{
    struct expression *node = parse_unary(parser);
    while (node != NULL && (token_is(parser, "*") || token_is(parser, "/"))) {
        enum operation operation = token_is(parser, "*") ? OP_MULTIPLY : OP_DIVIDE;
        struct expression *right = advance(parser) ? parse_unary(parser) : NULL;
        node = right != NULL ? new_operation(parser, operation, node, right, TYPE_NUMBER) : NULL;
    }
    return node;
}

static struct expression *parse_sum(struct parser *parser)
{
    struct expression *node = parse_product(parser);
    while (node != NULL && (token_is(parser, "+") || token_is(parser, "-"))) {
        enum operation operation = token_is(parser, "+") ? OP_ADD : OP_SUBTRACT;
        struct expression *right = advance(parser) ? parse_product(parser) : NULL;
        node = right != NULL ? new_operation(parser, operation, node, right, TYPE_NUMBER) : NULL;
    }
    return node;
}

/* The number that a node writes out, with its sign; false when it is none. */
static bool is_written_number(const struct expression *node, double *number)
{
    bool negative = node->operation == OP_NEGATE;
    const struct expression *digits = negative ? node->arguments[0] : node;
    if (digits->operation != OP_NUMBER)
        return false;
    *number = negative ? -digits->number : digits->number;
    return true;
}

static bool has_number(const struct item *item, double number)
{
    for (size_t i = 0; i < item->choice_count; i++)
        if (item->choices[i].number == number)
            return true;
    return false;
}

/* A choice may only be equal to codes that it has; those with numbers may be more or less than any number. */
static bool check_code(struct parser *parser, const struct expression *item_node,
                       const struct expression *code_node)
{
    if (item_node->operation != OP_ITEM || parser->form->items[item_node->item].type != ITEM_CHOICE)
        return true;
    const struct item *item = &parser->form->items[item_node->item];
    double number = NAN;
    bool is_number = is_written_number(code_node, &number);
    if (is_number ? has_number(item, number)
                  : code_node->operation != OP_STRING || item_find_choice(item, code_node->text) != NULL)
        return true;
    struct suggestion suggestion = suggestion_begin(is_number ? "" : code_node->text);
    struct text *codes = text_new(parser->owner);
    for (size_t i = 0; i < item->choice_count; i++) {
        suggestion_offer(&suggestion, item->choices[i].code);
        text_append_format(codes, "%s%s", i > 0 ? ", " : "", item->choices[i].code);
    }
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    if (is_number)
        fail(parser, code_node->column, "item %s has no choice %.10g; write one of %.80s", item->id, number,
             codes->bytes);
    else
        fail(parser, code_node->column, "item %s has no choice '%.40s'%s%s%.80s", item->id, code_node->text,
             hint, hint[0] != '\0' ? "" : "; write one of ", hint[0] != '\0' ? "" : codes->bytes);
    return false;
}

/* Makes the two sides of a comparison one type, or fails. */
static bool check_sides(struct parser *parser, enum operation operation, struct expression *left,
                        struct expression *right)
{
    if (left->type == TYPE_DATE && !read_as_date(parser, right))
        return false;
    if (right->type == TYPE_DATE && !read_as_date(parser, left))
        return false;
    if (left->type != right->type) {
        fail(parser, right->column, "%s is compared with %s; both sides must be the same kind of value%s",
             type_names[left->type], type_names[right->type],
             left->type == TYPE_NUMBER && right->type == TYPE_TEXT ? "; write numbers without quotes" : "");
        return false;
    }
    bool is_equality = operation == OP_EQUAL || operation == OP_UNEQUAL || operation == OP_IN;
    return !is_equality || (check_code(parser, left, right) && check_code(parser, right, left));
}

static struct expression *parse_in(struct parser *parser, struct expression *value)
{
    struct expression *node = new_leaf(parser, OP_IN, TYPE_TRUTH);
    node->column = value->column;
    if (value->type == TYPE_TRUTH)
        return fail(parser, value->column, "\"in\" needs a number, a text or a date on its left");
    if (!add_argument(parser, node, value) || !advance(parser) || !take(parser, "("))
        return NULL;
    for (;;) {
        struct expression *element = parse_sum(parser);
        if (element == NULL || !check_sides(parser, OP_IN, value, element)
            || !add_argument(parser, node, element))
            return NULL;
        if (!token_is(parser, ","))
            return take(parser, ")") ? node : NULL;
        if (!advance(parser))
            return NULL;
    }
}

static const struct {
    const char *sign;
    enum operation operation;
} comparisons[] = {{"=", OP_EQUAL}, {"!=", OP_UNEQUAL}, {"<", OP_LESS},
                   {"<=", OP_AT_MOST}, {">", OP_GREATER}, {">=", OP_AT_LEAST}};

static struct expression *parse_comparison(struct parser *parser)
{
    struct expression *left = parse_sum(parser);
    if (left == NULL)
        return NULL;
    if (token_is(parser, "in"))
        return parse_in(parser, left);
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        if (!token_is(parser, comparisons[i].sign))
            continue;
        struct expression *node = new_leaf(parser, comparisons[i].operation, TYPE_TRUTH);
        struct expression *right = advance(parser) ? parse_sum(parser) : NULL;
        if (right == NULL || !check_sides(parser, comparisons[i].operation, left, right))
            return NULL;
        bool ordered = left->type == TYPE_NUMBER || left->type == TYPE_DATE;
        if (!ordered && i >= 2)
            return fail(parser, node->column,
                        "%s can only be compared with = and !=", type_names[left->type]);
        return add_argument(parser, node, left) && add_argument(parser, node, right) ? node : NULL;
    }
    return left;
}

static struct expression *parse_not(struct parser *parser)
{
    if (!token_is(parser, "not"))
        return parse_comparison(parser);
    struct expression *inner = advance(parser) ? parse_nested(parser, parse_not) : NULL;
    return inner != NULL ? new_operation(parser, OP_NOT, inner, NULL, TYPE_TRUTH) : NULL;
}

static struct expression *parse_and(struct parser *parser)
{
    return parse_logic(parser, "and", OP_AND, parse_not);
}

static struct expression *parse_or(struct parser *parser)
{
    return parse_logic(parser, "or", OP_OR, parse_and);
}

struct expression *expression_parse(const void *owner, const struct form *form, const char *source,
                                    const char *file, int line, struct error *error)
{
    struct parser parser = {.owner = owner,
                            .form = form,
                            .source = source,
                            .file = file,
                            .line = line,
                            .at = source,
                            .error = error};
    if (strlen(source) > EXPRESSION_LENGTH_LIMIT) {
        error_at(error, ERROR_INPUT, file, line,
                 "an expression of more than %d characters; split it into several rules",
                 EXPRESSION_LENGTH_LIMIT);
        return NULL;
    }
    struct expression *root = advance(&parser) ? parse_or(&parser) : NULL;
    if (root == NULL)
        return NULL;
    if (parser.token.kind != TOKEN_END)
        return unexpected(&parser, "the end or an operator");
    if (!check_type(&parser, root, TYPE_TRUTH))
        return NULL;
    root->source = memory_copy_string(owner, source);
    return root;
}

const char *expression_source(const struct expression *expression)
{
    return expression->source;
}
