/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a site's files look: profiles for uploads, in versions. */
#include "collector/handlers.h"

#include <string.h>
#include <strings.h>

#include "collector/json_reply.h"
#include "collector/request.h"
#include "collector/store_upload.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"
#include "forms/upload_profile.h"

enum { SITE_MOST = 9999, VERSION_MOST = 1000000, FAULTS_SHOWN = 10 };

static void append_profile(struct text *out, const struct store_upload_profile *profile)
{
    text_append(out, "{");
    json_text(out, "name", profile->name);
    json_key(out, "version");
    text_append_integer(out, profile->version);
    json_key(out, "site");
    profile->site > 0 ? text_append_integer(out, profile->site) : text_append(out, "null");
    json_text(out, "sha256", profile->sha256);
    json_text(out, "added_by", profile->added_by);
    json_text(out, "added_at", profile->added_at);
    text_append(out, "}");
}

void handle_list_profiles(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {NULL};
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct store_upload_profiles *profiles = store_list_upload_profiles(exchange, store, &reader, &error);
    if (profiles == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{\"profiles\":[");
    for (size_t i = 0; i < profiles->count; i++) {
        text_append(body, i > 0 ? "," : "");
        append_profile(body, &profiles->rows[i]);
    }
    text_append(body, "]}");
    exchange_reply_json(exchange, 200, body);
}

void handle_show_profile(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"site", "version", NULL};
    struct error error = {0};
    struct store_upload_profile wanted = {.name = exchange_parameter(exchange, "name")};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) ||
        !request_query_number(exchange, "site", 1, SITE_MOST, &wanted.site) ||
        !request_query_number(exchange, "version", 1, VERSION_MOST, &wanted.version))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct store_upload_profile *profile = store_find_upload_profile(exchange, store, &reader, &wanted, &error);
    if (profile == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    exchange_add_header(exchange, "ETag", memory_format(exchange, "\"%s\"", profile->sha256));
    exchange_add_header(exchange, "X-Profile-Version", memory_format(exchange, "%d", profile->version));
    exchange->status = 200;
    exchange->reply_type = "application/yaml";
    exchange->reply = text_new(exchange);
    text_append(exchange->reply, profile->yaml);
}

/* ---- adding one ---- */

static bool is_yaml(struct exchange *exchange)
{
    static const char *const types[] = {"application/yaml", "application/x-yaml", "text/yaml"};
    size_t length = strcspn(exchange->content_type, "; \t");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (length == strlen(types[i]) && strncasecmp(exchange->content_type, types[i], length) == 0)
            return true;
    exchange_reply_problem(exchange, 415, "wrong_type", "the body must be a profile in YAML; send it with "
                           "`Content-Type: application/yaml`");
    return false;
}

static void reply_faults(struct exchange *exchange, const struct faults *faults)
{
    struct text *said = text_new(exchange);
    for (size_t i = 0; i < faults->count && i < FAULTS_SHOWN; i++)
        text_append_format(said, "%sline %d: %s", i > 0 ? "; " : "", faults->faults[i].line, faults->faults[i].text);
    if (faults->count > FAULTS_SHOWN)
        text_append_format(said, "; and %zu more", faults->count - FAULTS_SHOWN);
    exchange_reply_problem(exchange, 422, "invalid", "the profile: %s", said->bytes);
}

/* The profile that the body is, as it was sent; NULL and a reply when it does not fit the study. */
static const struct upload_profile *read_profile(struct exchange *exchange, const struct catalogue_study *study)
{
    struct faults faults = faults_begin(exchange);
    if (!text_is_utf8(exchange->body, exchange->body_length)) {
        exchange_reply_problem(exchange, 422, "invalid", "the profile is not UTF-8; save it as UTF-8");
        return NULL;
    }
    const struct upload_profile *profile = upload_profile_parse(exchange, "profile", exchange->body,
                                                                exchange->body_length, &study->catalogue, &faults);
    if (profile != NULL && faults.count == 0)
        return profile;
    reply_faults(exchange, &faults);
    return NULL;
}

void handle_add_profile(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"site", NULL};
    struct error error = {0};
    struct store_upload_profile added = {.yaml = exchange->body};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) ||
        !request_query_number(exchange, "site", 1, SITE_MOST, &added.site) || !is_yaml(exchange))
        return;
    const struct upload_profile *profile = read_profile(exchange, study);
    if (profile == NULL)
        return;
    added.name = profile->name;
    struct store_reader reader = request_reader(exchange, study);
    struct store_upload_profile *stored = store_add_upload_profile(exchange, store, &reader, &added, &error);
    if (stored == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    struct text *body = text_new(exchange);
    append_profile(body, stored);
    exchange_reply_json(exchange, 201, body);
}
