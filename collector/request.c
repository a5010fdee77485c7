/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/request.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "forms/answer.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"

#define NEEDS_SECOND_FACTOR "42S2F"      /* sec.need_second_factor */

const struct catalogue_study *request_study(struct exchange *exchange)
{
    if (exchange->catalogues == NULL) {
        exchange_reply_problem(exchange, 503, "unavailable", "the studies are not loaded yet; try again");
        return NULL;
    }
    const struct catalogue_study *study = catalogues_find(exchange->catalogues, exchange->principal->study);
    if (study == NULL)
        exchange_reply_problem(exchange, 404, "not_found",
                               "the study has no protocol yet; the administrator adds it "
                               "with patella-admin");
    return study;
}

bool request_sees_site(const struct exchange *exchange, int site)
{
    const struct principal *principal = exchange->principal;
    for (size_t i = 0; i < principal->site_count; i++)
        if (principal->sites[i] == site)
            return true;
    return principal->site_count == 0;
}

/* ---- the query ---- */

static bool is_in(const char *const *names, const char *name)
{
    for (size_t i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static char *list_names(const void *owner, const char *const *names)
{
    struct text *list = text_new(owner);
    for (size_t i = 0; names[i] != NULL; i++)
        text_append_format(list, "%s%s", i > 0 ? ", " : "", names[i]);
    if (names[0] == NULL)
        text_append(list, "none");
    return list->bytes;
}

bool request_allow_query(struct exchange *exchange, const char *const *names)
{
    for (size_t i = 0; i < exchange->query_count; i++) {
        const char *name = exchange->query[i].name;
        if (!is_in(names, name)) {
            char quote[ANSWER_QUOTE_SIZE];
            exchange_reply_problem(exchange, 400, "invalid_parameter",
                                   "unknown query parameter %s; this address knows: %s", answer_quote(name, quote),
                                   list_names(exchange, names));
            return false;
        }
        for (size_t before = 0; before < i; before++)
            if (strcmp(exchange->query[before].name, name) == 0) {
                exchange_reply_problem(exchange, 400, "invalid_parameter",
                                       "query parameter `%s` is given twice; give it once", name);
                return false;
            }
    }
    return true;
}

/* What a parameter is, and what it must be. */
static bool refuse_parameter(struct exchange *exchange, const char *name, const char *wanted)
{
    char quote[ANSWER_QUOTE_SIZE];
    exchange_reply_problem(exchange, 400, "invalid_parameter", "query parameter `%s` is %s; it must be %s", name,
                           answer_quote(exchange_query(exchange, name), quote), wanted);
    return false;
}

bool request_query_number(struct exchange *exchange, const char *name, int least, int most, int *value)
{
    const char *string = exchange_query(exchange, name);
    int64_t number = 0;
    if (string == NULL)
        return true;
    if (!text_to_int64(string, &number) || number < least || number > most)
        return refuse_parameter(exchange, name,
                                memory_format(exchange, "a whole number from %d to %d", least, most));
    *value = (int)number;
    return true;
}

bool request_query_record(struct exchange *exchange, const char *name, int *site, const char **id)
{
    uint8_t uuid[16];
    int64_t number = 0;
    const char *value = exchange_query(exchange, name);
    *id = NULL;
    if (value == NULL)
        return true;
    size_t digits = strcspn(value, ".");
    const char *text = memory_copy_bytes(exchange, value, digits);
    if (value[digits] == '.' && text_to_uuid(value + digits + 1, uuid) && text_to_int64(text, &number) &&
        number >= 1 && number <= 9999) {
        *site = (int)number;
        *id = value + digits + 1;
        return true;
    }
    return refuse_parameter(exchange, name,
                            "`next` of the page before, such as 7.0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b");
}

bool request_query_uuid(struct exchange *exchange, const char *name, const char **uuid)
{
    uint8_t bytes[16];
    *uuid = exchange_query(exchange, name);
    return *uuid == NULL || text_to_uuid(*uuid, bytes) || refuse_parameter(exchange, name, "a UUID");
}

/* Digits where `pattern` has 0, the very characters elsewhere. */
static bool is_like(const char *text, const char *pattern)
{
    size_t i = 0;
    for (; pattern[i] != '\0'; i++)
        if (pattern[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != pattern[i])
            return false;
    return true;
}

bool request_is_instant(const char *text)
{
    char day[] = "0000-00-00";
    date_days days;
    if (!is_like(text, day))
        return false;
    memcpy(day, text, sizeof day - 1);
    const char *time = text + sizeof day - 1;
    if (!date_parse(day, &days))
        return false;
    if (*time == '\0')
        return true;
    if (!is_like(time, "T00:00:00") || memcmp(time + 1, "24", 2) >= 0 || time[4] > '5' || time[7] > '5')
        return false;
    time += strlen("T00:00:00");
    if (*time == '.') {
        size_t digits = strspn(time + 1, "0123456789");
        if (digits < 1 || digits > 6)
            return false;
        time += 1 + digits;
    }
    return strcmp(time, "Z") == 0;
}

bool request_query_instant(struct exchange *exchange, const char *name, const char **instant)
{
    *instant = exchange_query(exchange, name);
    return *instant == NULL || request_is_instant(*instant) ||
           refuse_parameter(exchange, name, "a day such as 2026-03-01 or an instant such as 2026-03-01T12:00:00Z");
}

bool request_has_etag(const struct exchange *exchange, const char *etag)
{
    return strcmp(exchange->if_none_match, "*") == 0 || strstr(exchange->if_none_match, etag) != NULL;
}

const char *request_path_uuid(struct exchange *exchange, const char *name)
{
    uint8_t uuid[16];
    const char *value = exchange_parameter(exchange, name);
    if (text_to_uuid(value, uuid))
        return value;
    exchange_reply_problem(exchange, 404, "not_found", "the address does not end with a UUID");
    return NULL;
}

bool request_query_subject(struct exchange *exchange, const char *name, int site_and_subject[2])
{
    const char *string = exchange_query(exchange, name);
    site_and_subject[0] = site_and_subject[1] = 0;
    if (string == NULL || subject_parse(string, &site_and_subject[0], &site_and_subject[1]))
        return true;
    return refuse_parameter(exchange, name, "site-subject, such as 07-0012");
}

/* ---- the body ---- */

/* Parameters of the media type: only a charset, which JSON has no choice of (RFC 8259, 8.1). */
static bool is_utf8_parameter(const char *parameters)
{
    parameters += strspn(parameters, " \t;");
    return parameters[0] == '\0' || strcasecmp(parameters, "charset=utf-8") == 0 ||
           strcasecmp(parameters, "charset=\"utf-8\"") == 0;
}

bool request_is_json(struct exchange *exchange)
{
    static const char wanted[] = "application/json";
    size_t length = sizeof wanted - 1;
    const char *type = exchange->content_type;
    if (strncasecmp(type, wanted, length) == 0 && strchr("; \t", type[length]) != NULL &&
        is_utf8_parameter(type + length))
        return true;
    exchange_reply_problem(exchange, 415, "wrong_type", "the body must be JSON in UTF-8; send it with "
                           "`Content-Type: application/json`");
    return false;
}

static int free_json(json_t **json)
{
    json_decref(*json);
    return 0;
}

json_t *request_read_json(struct exchange *exchange)
{
    json_error_t reason;
    if (!request_is_json(exchange))
        return NULL;
    json_t *body = json_loadb(exchange->body, exchange->body_length, JSON_REJECT_DUPLICATES, &reason);
    if (body == NULL) {
        exchange_reply_problem(exchange, 400, "not_json", "the body is not JSON: line %d, column %d",
                               reason.line, reason.column);
        return NULL;
    }
    json_t **holder = memory_new(exchange, json_t *);
    *holder = body;
    talloc_set_destructor(holder, free_json);
    return body;
}

/* The value of the one field that the body has. */
static json_t *body_field(struct exchange *exchange, const char *field)
{
    json_t *body = request_read_json(exchange);
    if (body == NULL)
        return NULL;
    json_t *value = json_object_get(body, field);
    if (value == NULL || json_object_size(body) != 1) {
        exchange_reply_problem(exchange, 400, "malformed",
                               "the body must be a JSON object with the field `%s` and no other",
                               field);
        return NULL;
    }
    return value;
}

const char *request_body_text(struct exchange *exchange, const char *field, size_t most)
{
    json_t *value = body_field(exchange, field);
    if (value == NULL)
        return NULL;
    const char *string = json_string_value(value);   /* NULL for what is no text; never with a NUL inside */
    if (string != NULL && string[0] != '\0' && text_count_characters(string) <= most &&
        !text_has_control(string))
        return string;
    exchange_reply_problem(exchange, 422, "invalid",
                           "`%s` must be a text of 1 to %zu characters, none of them a control character", field,
                           most);
    return NULL;
}

/* ---- the store ---- */

struct store_reader request_reader(const struct exchange *exchange, const struct catalogue_study *study)
{
    return (struct store_reader){.token = exchange->principal->token, .study_id = study->study_id};
}

static void log_failure(const struct exchange *exchange, const struct error *error)
{
    log_write(LOG_LEVEL_ERROR, "a request failed", "request", exchange->request_id, "reason", error->message,
              "sqlstate", error->sqlstate, NULL);
}

void request_reply_error(struct exchange *exchange, const struct error *error)
{
    if (strncmp(error->sqlstate, "28", 2) == 0) {
        exchange_reply_problem(exchange, 401, "bad_token",
                               "the token is not valid any more; ask the administrator for "
                               "a new one");
    } else if (strcmp(error->sqlstate, NEEDS_SECOND_FACTOR) == 0) {
        exchange_reply_problem(exchange, 403, "second_factor_missing",
                               "this takes a session with the second factor: log in with a code of it; who has none "
                               "yet asks the administrator for an invitation");
    } else if (error->kind == ERROR_DENIED) {
        exchange_reply_problem(exchange, 403, "not_allowed", "the token does not allow this");
    } else if (error->kind == ERROR_NOT_FOUND) {
        exchange_reply_problem(exchange, 404, "not_found",
                               "there is nothing at this address that the token may see");
    } else if (error->kind == ERROR_CONFLICT) {
        exchange_reply_problem(exchange, 409, "exists", "it exists already; choose another name");
    } else if (error->kind == ERROR_INPUT) {
        log_failure(exchange, error);
        exchange_reply_problem(exchange, 422, "invalid", "the database does not take what was sent");
    } else if (store_is_unavailable(error)) {
        log_failure(exchange, error);
        exchange_reply_problem(exchange, 503, "unavailable", "the database does not answer now; try again");
    } else {
        log_failure(exchange, error);
        exchange_reply_problem(exchange, 500, "internal",
                               "an error of the collector; report it with the request id");
    }
}

void request_reply_stream(struct exchange *exchange, struct store *store, const char *type, stream_function *stream,
                          void *context)
{
    struct error error = {0};
    exchange->piece = text_new(exchange);
    if (stream(context, store, exchange->piece, &exchange->piece_is_last, &error))
        exchange_reply_stream(exchange, type, stream, context);
    else
        request_reply_error(exchange, &error);
}
