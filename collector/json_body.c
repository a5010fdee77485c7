/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/json_body.h"

#include <string.h>

#include "collector/request.h"
#include "forms/base/memory.h"

enum { MOST_NUMBERS = 1000, ACCOUNT_MOST = 63 };

static bool is_listed(const char *name, const char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

json_t *json_body_read(struct exchange *exchange, const char *const *names)
{
    json_t *body = request_read_json(exchange);
    if (body == NULL)
        return NULL;
    const char *name;
    json_t *value;
    json_object_foreach(body, name, value)
        if (!is_listed(name, names)) {
            exchange_reply_problem(exchange, 400, "malformed", "the body has a field that this address does not take");
            return NULL;
        }
    if (json_is_object(body))
        return body;
    exchange_reply_problem(exchange, 400, "malformed", "the body must be a JSON object");
    return NULL;
}

bool json_body_text(struct exchange *exchange, json_t *body, const char *name, bool required, size_t most,
                    const char **value)
{
    json_t *member = json_object_get(body, name);
    *value = json_string_value(member);   /* NULL for what is no text; never with a NUL inside */
    if (member == NULL && !required)
        return true;
    if (member == NULL)
        exchange_reply_problem(exchange, 400, "malformed", "the field `%s` is missing", name);
    else if (*value == NULL || **value == '\0' || strlen(*value) > most || text_has_control(*value))
        exchange_reply_problem(exchange, 422, "invalid",
                               "`%s` must be a text of 1 to %zu bytes without control characters", name, most);
    return exchange->status == 0;
}

static bool is_account_name(const char *name)
{
    size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return name[0] >= 'a' && name[0] <= 'z' && name[good] == '\0' && good <= 40 && strcmp(name, "s") != 0;
}

bool json_body_account(struct exchange *exchange, json_t *body, const char **value)
{
    if (!json_body_text(exchange, body, "account", true, ACCOUNT_MOST, value))
        return false;
    if (*value != NULL && is_account_name(*value))
        return true;
    exchange_reply_problem(exchange, 422, "invalid", "`account` must be a small letter, then small letters, "
                           "digits and dashes, 40 at most, and not \"s\"");
    return false;
}

bool json_body_switch(struct exchange *exchange, json_t *body, const char *name, bool *value)
{
    json_t *member = json_object_get(body, name);
    *value = json_is_true(member);
    if (member == NULL || json_is_boolean(member))
        return true;
    exchange_reply_problem(exchange, 422, "invalid", "`%s` must be true or false", name);
    return false;
}

bool json_body_numbers(struct exchange *exchange, json_t *body, const char *name, int32_t **values, size_t *count)
{
    json_t *member = json_object_get(body, name);
    *count = json_array_size(member);   /* 0 for what is no array */
    *values = memory_new_array(exchange, int32_t, *count + 1);
    bool good = member == NULL || (json_is_array(member) && *count <= MOST_NUMBERS);
    for (size_t i = 0; good && i < *count; i++) {
        json_int_t number = json_integer_value(json_array_get(member, i));
        good = number >= 1 && number <= 9999;
        (*values)[i] = good ? (int32_t)number : 0;
    }
    if (!good)
        exchange_reply_problem(exchange, 422, "invalid", "`%s` must be a list of whole numbers from 1 to 9999", name);
    return good;
}
