/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files of the app.  Anyone may have them: what the app shows, it asks the API for. */
#include "collector/handlers.h"

#include <string.h>
#include <strings.h>

#include "collector/http.h"
#include "collector/request.h"
#include "collector/web_files.h"
#include "forms/base/memory.h"

/*
 * Scripts, styles and everything else from here only, none of it inline; no form is sent but by script; text becomes
 * markup or a script's address nowhere (Trusted Types).
 */
#define APP_POLICY \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " \
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " \
    "require-trusted-types-for 'script'; trusted-types patella"

static const char *const no_parameters[] = {NULL};

/* By the path as it was sent: there is one way to write the address of a file. */
static const struct web_file *find_file(const char *path)
{
    for (size_t i = 0; i < web_file_count; i++)
        if (strcmp(web_files[i].path, path) == 0)
            return &web_files[i];
    return NULL;
}

/* True for ";q=0", ";q=0.000", however blanks stand in it. */
static bool is_weightless(struct http_slice parameters)
{
    const char *at = parameters.bytes, *end = at + parameters.length;
    while (at < end && strchr("; \t", *at) != NULL)
        at++;
    if (end - at < 3 || strncasecmp(at, "q=0", 3) != 0)
        return false;
    return strspn(at + 2, "0. \t") >= (size_t)(end - at - 2);
}

/* Accept-Encoding names gzip, and not with the weight 0 (RFC 9110, 12.5.3). */
static bool takes_gzip(const char *accepted)
{
    while (accepted != NULL && *accepted != '\0') {
        accepted += strspn(accepted, " \t,");
        size_t length = strcspn(accepted, ","), name = strcspn(accepted, " \t,;");
        if (name == 4 && strncasecmp(accepted, "gzip", name) == 0)
            return !is_weightless((struct http_slice){accepted + name, length - name});
        accepted += length;
    }
    return false;
}

/*
 * Pages go as they are: they are small, and no page of this server is ever compressed, whatever comes to stand in one
 * (BREACH).  Scripts, styles and texts are the same bytes for everybody.
 */
static bool is_page(const struct web_file *file)
{
    return strncmp(file->type, "text/html", strlen("text/html")) == 0;
}

void handle_web_file(struct exchange *exchange, struct store *store)
{
    (void)store;
    const struct web_file *file = find_file(exchange->path);
    if (file == NULL) {
        exchange_reply_problem(exchange, 404, "not_found", "there is no such page");
        return;
    }
    if (!request_allow_query(exchange, no_parameters))
        return;
    bool compressed = !is_page(file) && takes_gzip(exchange->fields[FIELD_ACCEPT_ENCODING]);
    const char *etag = memory_format(exchange, "\"%s%s\"", file->sha256, compressed ? "-gzip" : "");
    exchange_add_header(exchange, "Cache-Control", "no-cache");
    exchange_add_header(exchange, "Content-Security-Policy", APP_POLICY);
    exchange_add_header(exchange, "Cross-Origin-Opener-Policy", "same-origin");
    exchange_add_header(exchange, "ETag", etag);
    exchange_add_header(exchange, "Vary", "Accept-Encoding");
    exchange->reply_type = file->type;
    exchange->reply = text_new(exchange);
    exchange->status = request_has_etag(exchange, etag) ? 304 : 200;
    if (exchange->status != 200)
        return;
    if (compressed)
        exchange_add_header(exchange, "Content-Encoding", "gzip");
    text_append_bytes(exchange->reply, compressed ? file->gzip : file->bytes,
                      compressed ? file->gzip_length : file->length);
}
