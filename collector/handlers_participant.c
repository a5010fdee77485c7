/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Links by which a subject answers one form: made and revoked by people, and the three routes that such a link opens.
 * The record is the link's; of the request come answers alone.
 */
#include "collector/handlers.h"

#include <string.h>
#include <time.h>

#include <openssl/sha.h>

#include "collector/body.h"
#include "collector/json_reply.h"
#include "collector/problem_details.h"
#include "collector/record_reply.h"
#include "collector/request.h"
#include "collector/session_token.h"
#include "forms/base/date.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"

enum { ID_MOST = 63, DAYS_MOST = 30, NUMBER_MOST = 1000000000 };

static const char *const no_parameters[] = {NULL};

static bool reply_code(struct exchange *exchange, const char *code)
{
    if (code != NULL)
        exchange_reply_problem(exchange, problem_details_status(code), code, "%s", problem_details_text(code));
    return code != NULL;
}

/* ---- for people ---- */

static const struct member link_members[] = {
    {"id", MEMBER_TEXT},           {"subject", MEMBER_SUBJECT},   {"form", MEMBER_TEXT},
    {"form_version", MEMBER_NUMBER}, {"knee", MEMBER_TEXT},       {"visit", MEMBER_TEXT},
    {"language", MEMBER_NULLABLE}, {"state", MEMBER_TEXT},        {"expires_at", MEMBER_TEXT},
    {"made_by", MEMBER_TEXT},      {"made_at", MEMBER_TEXT},      {NULL, MEMBER_TEXT},
};
static const char *const link_states[] = {"open", "sent", "expired", "revoked", NULL};
static const struct record_list link_list = {CALL_LIST_PARTICIPANT_LINKS, "links", link_members, link_states};

void handle_list_participant_links(struct exchange *exchange, struct store *store)
{
    record_reply_list(exchange, store, &link_list);
}

void handle_revoke_participant_link(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const char *id = record_path_id(exchange, "link");
    if (id == NULL)
        return;
    struct store_reader reader = request_reader(exchange, request_study(exchange));
    const struct store_values given = {&id, 1};
    if (store_tell(exchange, store, CALL_REVOKE_PARTICIPANT_LINK, &reader, &given, &error) == NULL)
        request_reply_error(exchange, &error);
    else
        exchange->status = 204;
}

enum { NEW_SUBJECT, NEW_FORM, NEW_KNEE, NEW_VISIT, NEW_LANGUAGE, NEW_DAYS, NEW_FIELDS };

static const char *const knees[] = {"none", "left", "right", NULL};
static const struct body_field new_fields[NEW_FIELDS] = {
    [NEW_SUBJECT] = {.name = "subject", .kind = BODY_SUBJECT, .need = BODY_REQUIRED},
    [NEW_FORM] = {.name = "form", .kind = BODY_NAME, .need = BODY_REQUIRED, .most = ID_MOST},
    [NEW_KNEE] = {.name = "knee", .kind = BODY_CHOICE, .need = BODY_REQUIRED, .choices = knees},
    [NEW_VISIT] = {.name = "visit", .kind = BODY_NAME, .need = BODY_REQUIRED, .most = ID_MOST},
    [NEW_LANGUAGE] = {.name = "language", .kind = BODY_NAME, .need = BODY_NULLABLE, .most = 20},
    [NEW_DAYS] = {.name = "days", .kind = BODY_NUMBER, .need = BODY_REQUIRED, .most = DAYS_MOST},
};

static bool fits_knee(const struct form *form, const char *knee)
{
    bool none = strcmp(knee, "none") == 0;
    return form->about == FORM_ABOUT_EITHER || none == (form->about == FORM_ABOUT_SUBJECT);
}

/* The newest version of the form, when a subject may be asked for it there; NULL and a reply otherwise. */
static const struct form *find_form(struct exchange *exchange, const struct catalogue_study *study,
                                    const char *const *given)
{
    const struct form *form = catalogue_find_form(&study->catalogue, given[NEW_FORM], 0);
    const struct visit *visit = protocol_find_visit(study->catalogue.protocol, given[NEW_VISIT]);
    if (form == NULL || form->creates_subject) {
        reply_code(exchange, "unknown_form");
    } else if (visit == NULL || !protocol_form_is_due(visit, form->id)) {
        exchange_reply_problem(exchange, 422, "invalid", "the protocol does not ask for this form at this visit");
    } else if (!fits_knee(form, given[NEW_KNEE])) {
        exchange_reply_problem(exchange, 422, "invalid", "`knee` is not what the form is about: left or right of a "
                               "form about a knee, none of one about the subject");
    }
    return exchange->status == 0 ? form : NULL;
}

static void reply_new_link(struct exchange *exchange, const struct store_listing *made, const char *token)
{
    if (reply_code(exchange, listing_cell(made, 0, 0)))
        return;
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "id", listing_cell(made, 0, 1));
    json_text(body, "token", token);
    json_text(body, "path", memory_format(exchange, "/participant#%s", token));
    json_text(body, "expires_at", listing_cell(made, 0, 2));
    text_append(body, "}");
    exchange_reply_json(exchange, 201, body);
}

void handle_add_participant_link(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const char *given[NEW_FIELDS] = {NULL}, *subject[2] = {NULL};
    char secret[SESSION_SECRET_SIZE], hash[2 * SHA256_DIGEST_LENGTH + 1];
    uint8_t sha256[SHA256_DIGEST_LENGTH];
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters) ||
        !body_read(exchange, new_fields, NEW_FIELDS, given))
        return;
    const struct form *form = find_form(exchange, study, given);
    if (form == NULL)
        return;
    if (!session_secret_make(secret)) {
        exchange_reply_problem(exchange, 503, "unavailable", "the system has no random numbers now; try again");
        return;
    }
    const char *token = memory_format(exchange, "p_%s", secret);
    SHA256((const unsigned char *)token, strlen(token), sha256);
    text_to_hex(sha256, sizeof sha256, hash);
    record_split_subject(exchange, given[NEW_SUBJECT], subject);
    const char *const values[] = {
        hash, subject[0], subject[1], form->id, memory_format(exchange, "%d", form->version), given[NEW_KNEE],
        given[NEW_VISIT], given[NEW_LANGUAGE], given[NEW_DAYS]};
    struct store_reader reader = request_reader(exchange, study);
    struct store_listing *made = store_tell(exchange, store, CALL_ADD_PARTICIPANT_LINK, &reader,
                                            &(struct store_values){values, 9}, &error);
    if (made == NULL)
        request_reply_error(exchange, &error);
    else
        reply_new_link(exchange, made, token);
}

/* ---- for the subject ---- */

enum {
    LINK_CODE, LINK_ID, LINK_SITE, LINK_SUBJECT, LINK_FORM, LINK_FORM_VERSION, LINK_KNEE, LINK_VISIT, LINK_LANGUAGE,
    LINK_EXPIRES_AT, LINK_ANSWERS, LINK_REVISION, LINK_SENT_ON
};

/* The link of the token, whatever its code; NULL and a reply when there is none. */
static const struct store_listing *find_link(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters))
        return NULL;
    struct store_reader reader = request_reader(exchange, study);
    const struct store_listing *link =
        store_tell(exchange, store, CALL_FIND_PARTICIPANT_LINK, &reader, &(struct store_values){NULL, 0}, &error);
    if (link == NULL)
        request_reply_error(exchange, &error);
    else if (link->rows != 1)
        exchange_reply_problem(exchange, 401, "bad_token", "the token is unknown, expired or revoked");
    return exchange->status == 0 ? link : NULL;
}

static const struct form *form_of(struct exchange *exchange, const struct store_listing *link)
{
    int64_t version = 0;
    const struct catalogue_study *study = request_study(exchange);
    const struct form *form = text_to_int64(listing_cell(link, 0, LINK_FORM_VERSION), &version)
                                  ? catalogue_find_form(&study->catalogue, listing_cell(link, 0, LINK_FORM),
                                                        (int)version)
                                  : NULL;
    if (form == NULL)
        reply_code(exchange, "unknown_form");
    return form;
}

void handle_show_participant(struct exchange *exchange, struct store *store)
{
    static const char empty[] = "{\"answers\":{},\"not_answered\":{},\"confirmed\":[],\"section\":null}";
    const struct store_listing *link = find_link(exchange, store);
    if (link == NULL || reply_code(exchange, listing_cell(link, 0, LINK_CODE)))
        return;
    const struct form *form = form_of(exchange, link);
    if (form == NULL)
        return;
    const struct catalogue_study *study = request_study(exchange);
    const struct visit *visit = protocol_find_visit(study->catalogue.protocol, listing_cell(link, 0, LINK_VISIT));
    const char *answers = listing_cell(link, 0, LINK_ANSWERS);
    const char *language = listing_cell(link, 0, LINK_LANGUAGE);
    const struct form *worded = language != NULL ? catalogues_find_wording(study, form, language) : NULL;
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "study_title", study->title);
    json_text(body, "knee", listing_cell(link, 0, LINK_KNEE));
    json_text(body, "visit_title", visit != NULL ? visit->title : listing_cell(link, 0, LINK_VISIT));
    json_reply_nullable(body, "language", language);
    json_text(body, "expires_at", listing_cell(link, 0, LINK_EXPIRES_AT));
    json_key(body, "revision");
    text_append(body, listing_cell(link, 0, LINK_REVISION));
    json_key(body, "form");
    form_to_json(body, worded != NULL ? worded : form);
    text_append_format(body, ",%s", (answers != NULL ? answers : empty) + 1);
    exchange_reply_json(exchange, 200, body);
}

enum { FIELD_ANSWERS, FIELD_NOT_ANSWERED, FIELD_CONFIRMED, FIELD_SECTION, FIELD_REVISION, ANSWER_FIELDS };

static const struct body_field answer_fields[ANSWER_FIELDS] = {
    [FIELD_ANSWERS] = {.name = "answers", .kind = BODY_OBJECT, .need = BODY_REQUIRED},
    [FIELD_NOT_ANSWERED] = {.name = "not_answered", .kind = BODY_OBJECT, .need = BODY_REQUIRED},
    [FIELD_CONFIRMED] = {.name = "confirmed", .kind = BODY_ARRAY, .need = BODY_REQUIRED},
    [FIELD_SECTION] = {.name = "section", .kind = BODY_NAME, .need = BODY_NULLABLE, .most = ID_MOST},
    [FIELD_REVISION] = {.name = "revision", .kind = BODY_COUNT, .need = BODY_REQUIRED, .most = NUMBER_MOST},
};

/* Members answers, not_answered and confirmed, without the brackets around them. */
static void append_answers(struct text *out, const char *const *given)
{
    for (int field = FIELD_ANSWERS; field <= FIELD_CONFIRMED; field++) {
        json_key(out, answer_fields[field].name);
        text_append(out, given[field]);
    }
}

void handle_put_participant(struct exchange *exchange, struct store *store)
{
    struct error error = {0};
    const char *given[ANSWER_FIELDS] = {NULL};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters) ||
        !body_read(exchange, answer_fields, ANSWER_FIELDS, given))
        return;
    struct text *content = text_new(exchange);
    text_append(content, "{");
    append_answers(content, given);
    json_reply_nullable(content, "section", given[FIELD_SECTION]);
    text_append(content, "}");
    const char *const values[] = {content->bytes, given[FIELD_REVISION]};
    struct store_reader reader = request_reader(exchange, study);
    struct store_listing *outcome = store_tell(exchange, store, CALL_PUT_PARTICIPANT_ANSWERS, &reader,
                                               &(struct store_values){values, 2}, &error);
    if (outcome == NULL) {
        request_reply_error(exchange, &error);
        return;
    }
    if (reply_code(exchange, listing_cell(outcome, 0, 0)))
        return;
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_key(body, "revision");
    text_append(body, listing_cell(outcome, 0, 1));
    json_text(body, "saved_at", listing_cell(outcome, 0, 2));
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

/* The day of the record: today at the site, or of a submission that is stored, its day, so that sending it again is the
 * same. */
static bool write_day(const struct exchange *exchange, const struct store_listing *link, char day[DATE_TEXT_SIZE])
{
    struct error ignored;
    int64_t number = 0;
    date_days today = DATE_NONE;
    const char *sent_on = listing_cell(link, 0, LINK_SENT_ON);
    const struct catalogue_study *study = catalogues_find(exchange->catalogues, exchange->principal->study);
    if (sent_on != NULL && date_parse(sent_on, &today)) {
        date_format(today, day);
        return true;
    }
    for (size_t i = 0; text_to_int64(listing_cell(link, 0, LINK_SITE), &number) && i < study->site_count; i++)
        if (study->sites[i].site == number && date_today(study->sites[i].time_zone, time(NULL), &today, &ignored)) {
            date_format(today, day);
            return true;
        }
    return false;
}

/* The submission that the answers make of the link, as it comes by the other doors. */
static bool compose(struct exchange *exchange, const struct store_listing *link, const char *const *given)
{
    static const struct {
        const char *name;
        int column;
    } texts[] = {{"id", LINK_ID}, {"form", LINK_FORM}, {"knee", LINK_KNEE}, {"visit", LINK_VISIT}};
    int64_t site = 0, subject = 0;
    char number[SUBJECT_TEXT_SIZE], day[DATE_TEXT_SIZE];
    if (!text_to_int64(listing_cell(link, 0, LINK_SITE), &site) ||
        !text_to_int64(listing_cell(link, 0, LINK_SUBJECT), &subject) || !write_day(exchange, link, day))
        return false;
    subject_format((int)site, (int)subject, number);
    struct text *body = text_new(exchange);
    text_append(body, "{");
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        json_text(body, texts[i].name, listing_cell(link, 0, (size_t)texts[i].column));
    json_text(body, "subject", number);
    json_key(body, "form_version");
    text_append(body, listing_cell(link, 0, LINK_FORM_VERSION));
    json_text(body, "date", day);
    append_answers(body, given);
    text_append(body, "}");
    exchange->body = body->bytes;
    exchange->body_length = body->length;
    return true;
}

void handle_submit_participant(struct exchange *exchange, struct store *store)
{
    const char *given[FIELD_SECTION] = {NULL};
    const struct store_listing *link = find_link(exchange, store);
    if (link == NULL || !body_read(exchange, answer_fields, FIELD_SECTION, given))
        return;
    const char *code = listing_cell(link, 0, LINK_CODE);
    if (code != NULL && strcmp(code, "link_sent") != 0) {
        reply_code(exchange, code);
        return;
    }
    if (compose(exchange, link, given))
        exchange->then = handle_submit;
    else
        exchange_reply_problem(exchange, 503, "unavailable", "the day at the site cannot be told; try again");
}
