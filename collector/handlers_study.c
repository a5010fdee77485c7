/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a client needs to know before it sends anything: itself, the study, its sites, its forms. */
#include "collector/handlers.h"

#include <string.h>
#include <time.h>

#include "collector/json_reply.h"
#include "collector/openapi.h"
#include "collector/request.h"
#include "collector/roles.h"
#include "forms/base/date.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"
#include "forms/wording.h"

static const char *const no_parameters[] = {NULL};

void handle_openapi(struct exchange *exchange, struct store *store)
{
    (void)store;
    if (!request_allow_query(exchange, no_parameters))
        return;
    struct text *body = text_new(exchange);
    text_append_bytes(body, openapi_yaml, openapi_yaml_length);
    exchange->status = 200;
    exchange->reply_type = "application/yaml";
    exchange->reply = body;
}

void handle_me(struct exchange *exchange, struct store *store)
{
    (void)store;
    const struct principal *principal = exchange->principal;
    if (!request_allow_query(exchange, no_parameters))
        return;
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "account", principal->account);
    json_text(body, "role", role_name(principal->role));
    json_text(body, "study", principal->study);
    json_reply_sites(body, principal->sites, principal->site_count);
    json_reply_instant(body, "expires_at", principal->expires_at);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

static void append_summary(struct text *out, const struct catalogue_study *study)
{
    const struct protocol *protocol = study->catalogue.protocol;
    json_text(out, "study", study->code);
    json_text(out, "title", study->title);
    json_boolean(out, "frozen", study->frozen);
    json_text(out, "masking", protocol->masking == MASKING_DOUBLE ? "double" : "none");
    json_number(out, "protocol_version", protocol->version);
}

/* Nothing while the study has no protocol. */
static void append_listed(struct text *out, const struct exchange *exchange, const char *code)
{
    const struct catalogue_study *study = catalogues_find(exchange->catalogues, code);
    if (study == NULL)
        return;
    text_append(out, out->bytes[out->length - 1] == '[' ? "{" : ",{");
    append_summary(out, study);
    text_append(out, "}");
}

void handle_list_studies(struct exchange *exchange, struct store *store)
{
    (void)store;
    const struct principal *principal = exchange->principal;
    if (!request_allow_query(exchange, no_parameters))
        return;
    struct text *body = text_new(exchange);
    text_append(body, "{\"studies\":[");
    if (principal->study != NULL)
        append_listed(body, exchange, principal->study);
    for (size_t i = 0; i < principal->study_count; i++)
        append_listed(body, exchange, principal->studies[i]);
    text_append(body, "]}");
    exchange_reply_json(exchange, 200, body);
}

static void append_sites(struct text *out, const struct exchange *exchange,
                         const struct catalogue_study *study)
{
    json_key(out, "sites");
    text_append(out, "[");
    bool first = true;
    for (size_t i = 0; i < study->site_count; i++) {
        const struct catalogue_site *site = &study->sites[i];
        struct error ignored;
        date_days today = DATE_NONE;
        char date[DATE_TEXT_SIZE];
        if (!request_sees_site(exchange, site->site))
            continue;
        text_append(out, first ? "{" : ",{");
        first = false;
        json_number(out, "site", site->site);
        json_text(out, "name", site->name);
        json_text(out, "time_zone", site->time_zone);
        if (date_today(site->time_zone, time(NULL), &today, &ignored)) {
            date_format(today, date);
            json_text(out, "today", date);
        }
        text_append(out, "}");
    }
    text_append(out, "]");
}

static const char *about_name(enum form_about about)
{
    switch (about) {
    case FORM_ABOUT_SUBJECT: return "subject";
    case FORM_ABOUT_KNEE: return "knee";
    case FORM_ABOUT_EITHER: break;
    }
    return "either";
}

/* Languages in which there is a wording of the form. */
static void append_languages(struct text *out, const struct catalogue_study *study, const struct form *form)
{
    bool first = true;
    json_key(out, "languages");
    text_append(out, "[");
    for (size_t i = 0; i < study->wording_count; i++) {
        if (study->wordings[i].base != form)
            continue;
        text_append(out, first ? "" : ",");
        first = false;
        text_append_json(out, study->wordings[i].language);
    }
    text_append(out, "]");
}

/* Every version of every form, newest version of a form first. */
static void append_forms(struct text *out, const struct catalogue_study *study)
{
    const struct catalogue *catalogue = &study->catalogue;
    json_key(out, "forms");
    text_append(out, "[");
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *form = catalogue->forms[i];
        text_append(out, i > 0 ? ",{" : "{");
        json_text(out, "form", form->id);
        json_number(out, "version", form->version);
        json_text(out, "title", form->title);
        json_text(out, "about", about_name(form->about));
        json_boolean(out, "creates_subject", form->creates_subject);
        json_boolean(out, "repeats", form->repeats);
        append_languages(out, study, form);
        text_append(out, "}");
    }
    text_append(out, "]");
}

void handle_show_study(struct exchange *exchange, struct store *store)
{
    (void)store;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters))
        return;
    struct text *body = text_new(exchange);
    text_append(body, "{");
    append_summary(body, study);
    append_sites(body, exchange, study);
    append_forms(body, study);
    json_key(body, "protocol");
    protocol_to_json(body, study->catalogue.protocol);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

void handle_list_forms(struct exchange *exchange, struct store *store)
{
    (void)store;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters))
        return;
    struct text *body = text_new(exchange);
    text_append(body, "{");
    append_forms(body, study);
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

/* The form in the language of the query, its own words without one; NULL and a reply when there is no such wording. */
static const struct form *in_language(struct exchange *exchange, const struct catalogue_study *study,
                                      const struct form *form)
{
    const char *language = exchange_query(exchange, "language");
    if (language == NULL)
        return form;
    if (!wording_is_language(language)) {
        exchange_reply_problem(exchange, 400, "invalid_parameter", "`language` is a tag such as de or de-CH");
        return NULL;
    }
    const struct form *worded = catalogues_find_wording(study, form, language);
    if (worded != NULL)
        return worded;
    struct text *there = text_new(exchange);
    for (size_t i = 0; i < study->wording_count; i++)
        if (study->wordings[i].base == form)
            text_append_format(there, "%s%s", there->length > 0 ? ", " : "", study->wordings[i].language);
    if (there->length > 0)
        exchange_reply_problem(exchange, 404, "not_found", "form %s version %d has no wording in this language; it "
                               "has %s", form->id, form->version, there->bytes);
    else
        exchange_reply_problem(exchange, 404, "not_found", "form %s version %d has no wording in any language; leave "
                               "`language` out for its own words", form->id, form->version);
    return NULL;
}

void handle_show_form(struct exchange *exchange, struct store *store)
{
    static const char *const parameters[] = {"version", "language", NULL};
    (void)store;
    int version = 0;
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, parameters) ||
        !request_query_number(exchange, "version", 1, 9999, &version))
        return;
    const struct form *form = catalogue_find_form(&study->catalogue, exchange_parameter(exchange, "form"), version);
    if (form == NULL) {
        exchange_reply_problem(exchange, 404, "not_found", "the study has no such form in this version; GET "
                               "/api/v1/studies/%s/forms lists its forms", study->code);
        return;
    }
    form = in_language(exchange, study, form);
    if (form == NULL)
        return;
    struct text *body = text_new(exchange);
    form_to_json(body, form);
    exchange_reply_json(exchange, 200, body);
}
