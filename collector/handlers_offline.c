/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys under which browsers keep what was entered without a network. */
#include "collector/handlers.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "collector/body.h"
#include "collector/problem_details.h"
#include "collector/request.h"
#include "collector/store_offline.h"
#include "collector/store_record.h"
#include "forms/json_write.h"

enum { REASON_MOST = 500, ACCOUNT_MOST = 63 };
enum { COLUMN_CODE, COLUMN_ACCOUNT, COLUMN_KEY, COLUMN_MADE_AT };

static const char *const no_parameters[] = {NULL};

static void reply_key(struct exchange *exchange, const struct store_listing *found, const char *browser)
{
    const char *code = listing_cell(found, 0, COLUMN_CODE);
    if (code != NULL) {
        exchange_reply_problem(exchange, problem_details_status(code), code, "%s", problem_details_text(code));
        return;
    }
    struct text *body = text_new(exchange);
    text_append(body, "{");
    json_text(body, "browser", browser);
    json_text(body, "account", listing_cell(found, 0, COLUMN_ACCOUNT));
    json_text(body, "key", listing_cell(found, 0, COLUMN_KEY));
    json_text(body, "made_at", listing_cell(found, 0, COLUMN_MADE_AT));
    text_append(body, "}");
    exchange_reply_json(exchange, 200, body);
}

void handle_offline_key(struct exchange *exchange, struct store *store)
{
    static const struct body_field fields[] = {{"browser", BODY_UUID, BODY_REQUIRED, 0, NULL}};
    struct error error = {0};
    const char *browser = NULL;
    uint8_t fresh[OFFLINE_KEY_BYTES];
    if (!request_allow_query(exchange, no_parameters) || !body_read(exchange, fields, 1, &browser))
        return;
    if (RAND_bytes(fresh, sizeof fresh) != 1) {
        exchange_reply_problem(exchange, 503, "unavailable", "the system has no random numbers now; try again");
        return;
    }
    const struct store_offline_browser wanted = {browser, fresh};
    struct store_listing *found = store_offline_key(exchange, store, exchange->session, &wanted, &error);
    OPENSSL_cleanse(fresh, sizeof fresh);
    if (found == NULL)
        request_reply_error(exchange, &error);
    else
        reply_key(exchange, found, browser);
}

void handle_release_offline_key(struct exchange *exchange, struct store *store)
{
    static const struct body_field fields[] = {
        {"browser", BODY_UUID, BODY_REQUIRED, 0, NULL},
        {"account", BODY_NAME, BODY_REQUIRED, ACCOUNT_MOST, NULL},
        {"reason", BODY_TEXT, BODY_REQUIRED, REASON_MOST, NULL},
    };
    struct error error = {0};
    const char *given[3] = {NULL};
    const struct catalogue_study *study = request_study(exchange);
    if (study == NULL || !request_allow_query(exchange, no_parameters) || !body_read(exchange, fields, 3, given))
        return;
    struct store_reader reader = request_reader(exchange, study);
    struct store_listing *found = store_tell(exchange, store, CALL_RELEASE_OFFLINE_KEY, &reader,
                                             &(struct store_values){given, 3}, &error);
    if (found == NULL)
        request_reply_error(exchange, &error);
    else
        reply_key(exchange, found, given[0]);
}
