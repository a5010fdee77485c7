/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/api_client.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#include "collector/token_file.h"
#include "forms/base/memory.h"

enum { REPLY_LIMIT = 16 << 20, CONNECT_TIMEOUT_S = 10, SHORT_PAUSES = 4, SHORT_PAUSE_NS = 200000000 };

struct api_client {
    CURL *curl;
    struct api_target target;
    size_t server_length;        /* of target.url without the slash behind it */
    const char *authorization;
    struct curl_slist *headers;
    char *url;                   /* of the last request */
    struct text *reply;
    int file;
    int64_t file_bytes;
    int file_errno;
    char message[CURL_ERROR_SIZE];
};

static int free_client(struct api_client *client)
{
    curl_slist_free_all(client->headers);
    curl_easy_cleanup(client->curl);
    curl_global_cleanup();
    return 0;
}

struct api_client *api_client_new(const void *owner, const struct api_target *target, struct error *error)
{
    char *token;
    if (!token_file_read(owner, target->token_file, &token, error))
        return NULL;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        error_set(error, ERROR_INTERNAL, "libcurl does not start");
        return NULL;
    }
    struct api_client *client = memory_new(owner, struct api_client);
    talloc_set_destructor(client, free_client);
    client->curl = curl_easy_init();
    if (client->curl == NULL)
        memory_exhausted();
    client->target = *target;
    client->server_length = strlen(target->url);
    if (client->server_length > 0 && target->url[client->server_length - 1] == '/')
        client->server_length--;
    client->authorization = memory_format(client, "Authorization: Bearer %s", token);
    client->reply = text_new(client);
    return client;
}

/* ---- one request ---- */

static size_t write_file(struct api_client *client, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        ssize_t written = write(client->file, bytes + at, length - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            client->file_errno = written < 0 ? errno : EIO;
            return 0;
        }
        at += (size_t)written;
    }
    client->file_bytes += (int64_t)length;
    return length;
}

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    struct api_client *client = context;
    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);
    if (client->file > 0 && status == 200)
        return write_file(client, bytes, size * count);
    if (size * count > REPLY_LIMIT - client->reply->length)
        return 0;
    text_append_bytes(client->reply, bytes, size * count);
    return size * count;
}

static void append_header(struct api_client *client, const char *header)
{
    struct curl_slist *longer = curl_slist_append(client->headers, header);
    if (longer == NULL)
        memory_exhausted();
    client->headers = longer;
}

/* All headers of a request; an empty Expect keeps libcurl from asking before it sends. */
static void set_headers(struct api_client *client, const struct api_request *request)
{
    curl_slist_free_all(client->headers);
    client->headers = NULL;
    append_header(client, client->authorization);
    append_header(client, "Expect:");
    for (const char *const *header = request->headers; header != NULL && *header != NULL; header++)
        append_header(client, *header);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, client->headers);
}

static void set_connection(struct api_client *client)
{
    CURL *curl = client->curl;
    const struct api_target *target = &client->target;
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (target->ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, target->ca_file);
    if (target->certificate_file != NULL)
        curl_easy_setopt(curl, CURLOPT_SSLCERT, target->certificate_file);
    if (target->key_file != NULL)
        curl_easy_setopt(curl, CURLOPT_SSLKEY, target->key_file);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)target->silence_s);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->message);
}

static void set_request(struct api_client *client, const struct api_request *request)
{
    CURL *curl = client->curl;
    talloc_free(client->url);
    client->url = memory_format(client, "%.*s%s", (int)client->server_length, client->target.url, request->path);
    curl_easy_setopt(curl, CURLOPT_URL, client->url);
    if (request->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->length);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    }
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

/* Nobody there, or gone in the middle of it: may change in a moment.  A wrong certificate stays wrong. */
static bool may_come_back(CURLcode code)
{
    return code == CURLE_COULDNT_CONNECT || code == CURLE_OPERATION_TIMEDOUT || code == CURLE_GOT_NOTHING ||
           code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_PARTIAL_FILE ||
           code == CURLE_SSL_CONNECT_ERROR;
}

enum api_outcome api_client_send(struct api_client *client, const struct api_request *request,
                                 struct api_reply *reply)
{
    text_clear(client->reply);
    client->message[0] = '\0';
    client->file = request->file;
    client->file_bytes = 0;
    client->file_errno = 0;
    curl_easy_reset(client->curl);
    set_connection(client);
    set_headers(client, request);
    set_request(client, request);
    CURLcode code = curl_easy_perform(client->curl);
    *reply = (struct api_reply){.body = client->reply, .file_bytes = client->file_bytes};
    if (client->file_errno != 0)
        return API_FILE;
    if (code != CURLE_OK) {
        if (client->message[0] == '\0')
            strncpy(client->message, curl_easy_strerror(code), sizeof client->message - 1);
        return may_come_back(code) ? API_AWAY : API_NEVER;
    }
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &reply->status);
    return reply->status == 503 || reply->status == 429 ? API_AWAY : API_REPLY;
}

/* ---- what it came to ---- */

const char *api_client_header(struct api_client *client, const char *name)
{
    struct curl_header *header = NULL;
    return curl_easy_header(client->curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

int api_client_errno(const struct api_client *client)
{
    return client->file_errno;
}

const char *api_client_escape(struct api_client *client, const void *owner, const char *part)
{
    char *escaped = curl_easy_escape(client->curl, part, 0);
    if (escaped == NULL)
        memory_exhausted();
    const char *copy = memory_copy_string(owner, escaped);
    curl_free(escaped);
    return copy;
}

static const char *member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value != NULL ? value : "";
}

bool api_client_set_away(const struct api_client *client, const struct api_reply *reply, struct error *error)
{
    if (reply->status == 0)
        return error_set(error, ERROR_IO, "%s: %s; is patellad running there, and is --ca its CA?", client->url,
                         client->message);
    json_t *problem = json_loadb(client->reply->bytes, client->reply->length, 0, NULL);
    error_set(error, ERROR_BUSY,
              "%s: the server stayed busy (HTTP %ld: %s %s); try again later, nothing is sent twice", client->url,
              reply->status, member(problem, "code"), member(problem, "detail"));
    json_decref(problem);
    return false;
}

bool api_client_set_refused(const struct api_reply *reply, const char *what, struct error *error)
{
    json_t *problem = json_loadb(reply->body->bytes, reply->body->length, 0, NULL);
    error_set(error, reply->status == 401 || reply->status == 403 ? ERROR_DENIED : ERROR_INPUT,
              "the server refused the %s (HTTP %ld): %s %s", what, reply->status, member(problem, "code"),
              member(problem, "detail"));
    json_decref(problem);
    return false;
}

void api_client_pause(int attempt)
{
    const struct timespec pause = {.tv_sec = attempt < SHORT_PAUSES ? 0 : 1,
                                   .tv_nsec = attempt < SHORT_PAUSES ? SHORT_PAUSE_NS : 0};
    nanosleep(&pause, NULL);
}
