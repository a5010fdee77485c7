/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/client.h"

#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { TIMEOUT_S = 60 };

struct client {
    CURL *curl;
    struct curl_slist *headers;
    const char *base;            /* "https://localhost:12345" */
    char failure[CURL_ERROR_SIZE];
};

static int destroy(struct client *client)
{
    curl_slist_free_all(client->headers);
    curl_easy_cleanup(client->curl);
    return 0;
}

struct client *client_new(const void *owner, const struct daemon_process *daemon, const char *token)
{
    struct client *client = memory_new(owner, struct client);
    client->curl = curl_easy_init();
    assert_non_null(client->curl);
    talloc_set_destructor(client, destroy);
    client->base = memory_format(client, "https://127.0.0.1:%d", daemon->port);
    curl_easy_setopt(client->curl, CURLOPT_CAINFO, daemon->certificate);
    curl_easy_setopt(client->curl, CURLOPT_ERRORBUFFER, client->failure);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(client->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(client->curl, CURLOPT_PROTOCOLS_STR, "https");
    client_add_header(client, "Expect:");
    if (token != NULL)
        client_add_header(client, memory_format(client, "Authorization: Bearer %s", token));
    return client;
}

void client_use_certificate(struct client *client, int port, const char *certificate, const char *key)
{
    client->base = memory_format(client, "https://127.0.0.1:%d", port);
    curl_easy_setopt(client->curl, CURLOPT_SSLCERT, certificate);
    curl_easy_setopt(client->curl, CURLOPT_SSLKEY, key);
}

void client_add_header(struct client *client, const char *header)
{
    client->headers = curl_slist_append(client->headers, header);
}

static size_t collect(char *bytes, size_t size, size_t count, void *context)
{
    text_append_bytes(context, bytes, size * count);
    return size * count;
}

static int free_json(struct client_reply *reply)
{
    json_decref(reply->json);
    return 0;
}

static struct client_reply *read_reply(struct client *client, const struct text *headers,
                                       const struct text *body)
{
    struct client_reply *reply = memory_new(client, struct client_reply);
    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    reply->status = (int)status;
    reply->headers = headers->bytes;
    reply->body = body->bytes;
    reply->length = body->length;
    const char *type = client_header(reply, "Content-Type");
    reply->type = type != NULL ? type : "";
    if (strstr(reply->type, "json") != NULL)
        reply->json = json_loadb(body->bytes, body->length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    talloc_set_destructor(reply, free_json);
    return reply;
}

static void set_body(struct client *client, const char *body, size_t length)
{
    curl_easy_setopt(client->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE, (long)length);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, body);
}

/* `type` is one more header, or NULL; `body` NULL: none. */
static struct client_reply *perform(struct client *client, const char *method, const char *path,
                                    const char *body, size_t length, const char *type)
{
    struct text *headers = text_new(client), *received = text_new(client);
    struct curl_slist *own = NULL;
    for (struct curl_slist *header = client->headers; header != NULL; header = header->next)
        own = curl_slist_append(own, header->data);
    if (type != NULL)
        own = curl_slist_append(own, type);
    curl_easy_setopt(client->curl, CURLOPT_URL, memory_format(client, "%s%s", client->base, path));
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, own);
    curl_easy_setopt(client->curl, CURLOPT_HTTPGET, 1L);
    if (body != NULL)
        set_body(client, body, length);
    if (strcmp(method, "HEAD") == 0)
        curl_easy_setopt(client->curl, CURLOPT_NOBODY, 1L);   /* HTTPGET takes it back */
    curl_easy_setopt(client->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(client->curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(client->curl, CURLOPT_WRITEDATA, received);
    curl_easy_setopt(client->curl, CURLOPT_HEADERFUNCTION, collect);
    curl_easy_setopt(client->curl, CURLOPT_HEADERDATA, headers);
    CURLcode code = curl_easy_perform(client->curl);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(own);
    return code == CURLE_OK ? read_reply(client, headers, received) : NULL;
}

static struct client_reply *need_reply(const struct client *client, const char *path,
                                       struct client_reply *reply)
{
    if (reply == NULL)
        fail_msg("%s: %s", path, client->failure);
    return reply;
}

struct client_reply *client_try(struct client *client, const char *method, const char *path, const char *body)
{
    return body != NULL ? perform(client, method, path, body, strlen(body), "Content-Type: application/json")
                        : perform(client, method, path, NULL, 0, NULL);
}

struct client_reply *client_send(struct client *client, const char *method, const char *path,
                                 const char *body)
{
    return need_reply(client, path, client_try(client, method, path, body));
}

struct client_reply *client_send_typed(struct client *client, const char *path, const char *body)
{
    return client_send_bytes(client, path, body, strlen(body));
}

struct client_reply *client_send_bytes(struct client *client, const char *path, const void *bytes, size_t length)
{
    return need_reply(client, path, perform(client, "POST", path, bytes, length, NULL));
}

const char *client_header(const struct client_reply *reply, const char *name)
{
    size_t length = strlen(name);
    for (const char *line = reply->headers; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncasecmp(line, name, length) != 0 || line[length] != ':')
            continue;
        const char *value = line + length + 1;
        value += strspn(value, " ");
        return memory_copy_bytes(reply, value, strcspn(value, "\r\n"));
    }
    return NULL;
}
