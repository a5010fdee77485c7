/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The data of a cut as a file, through the API and with a token: so what leaves goes through one door, with the role,
 * the sites and the masking of the token's account, and with its row on the trail.  Role patella_admin reads no
 * answers, and needs none here: this is the one command without a database.
 */
#include "collector/admin_result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#include "collector/token_file.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { CUT_MOST = 2000000000, CONNECT_TIMEOUT_S = 10, SILENCE_S = 120, REFUSAL_LIMIT = 1 << 16 };

struct download {
    CURL *curl;
    struct curl_slist *headers;
    int file;
    const char *path;
    struct text *refusal;                /* the body of another status than 200 */
    int64_t bytes;
    int failed;                          /* errno of the file */
    char message[CURL_ERROR_SIZE];
};

static int free_download(struct download *download)
{
    curl_slist_free_all(download->headers);
    curl_easy_cleanup(download->curl);
    curl_global_cleanup();
    if (download->file >= 0)
        close(download->file);
    return 0;
}

static size_t write_file(struct download *download, const char *bytes, size_t length)
{
    for (size_t at = 0; at < length;) {
        ssize_t written = write(download->file, bytes + at, length - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            download->failed = written < 0 ? errno : EIO;
            return 0;
        }
        at += (size_t)written;
    }
    download->bytes += (int64_t)length;
    return length;
}

static size_t take(char *bytes, size_t size, size_t count, void *context)
{
    struct download *download = context;
    long status = 0;
    curl_easy_getinfo(download->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status == 200)
        return write_file(download, bytes, size * count);
    if (size * count > REFUSAL_LIMIT - download->refusal->length)
        return 0;
    text_append_bytes(download->refusal, bytes, size * count);
    return size * count;
}

static void set_options(struct download *download, const char *url, const char *ca)
{
    CURL *curl = download->curl;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (ca != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, download->headers);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, download);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, download->message);
}

static struct download *begin_download(const void *owner, const char *token, struct error *error)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        error_set(error, ERROR_INTERNAL, "libcurl does not start");
        return NULL;
    }
    struct download *download = memory_new(owner, struct download);
    download->file = -1;
    talloc_set_destructor(download, free_download);
    download->curl = curl_easy_init();
    download->refusal = text_new(download);
    download->headers = curl_slist_append(NULL, memory_format(download, "Authorization: Bearer %s", token));
    return download;
}

static const char *member(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value != NULL ? value : "";
}

static bool set_refused(const struct download *download, long status, struct error *error)
{
    json_t *problem = json_loadb(download->refusal->bytes, download->refusal->length, 0, NULL);
    error_set(error, status == 401 || status == 403 ? ERROR_DENIED : ERROR_INPUT,
              "the server refused the export (HTTP %ld): %s %s", status, member(problem, "code"),
              member(problem, "detail"));
    json_decref(problem);
    return false;
}

/* True when the body came whole and is on the disk. */
static bool fetch(struct download *download, const char *url, struct error *error)
{
    long status = 0;
    CURLcode code = curl_easy_perform(download->curl);
    curl_easy_getinfo(download->curl, CURLINFO_RESPONSE_CODE, &status);
    if (download->failed != 0)
        return error_io(error, download->failed, download->path);
    if (code != CURLE_OK)
        return error_set(error, ERROR_IO, "%s: %s; is patellad running there, and is --ca its CA?", url,
                         download->message[0] != '\0' ? download->message : curl_easy_strerror(code));
    if (status != 200)
        return set_refused(download, status, error);
    return fsync(download->file) == 0 || error_io(error, errno, download->path);
}

static const char *export_url(struct admin *admin, struct download *download, int cut)
{
    const char *server = admin_option(admin, "url");
    size_t length = strlen(server);
    char *study = curl_easy_escape(download->curl, admin_operand(admin, 0), 0);
    if (study == NULL)
        memory_exhausted();
    const char *url = memory_format(download, "%.*s/api/v1/studies/%s/export?cut=%d",
                                    (int)(length - (length > 0 && server[length - 1] == '/')), server, study, cut);
    curl_free(study);
    return url;
}

/* Nobody else may read the file, none is written over, and what is not whole does not stay. */
static bool export_cut(struct admin *admin, struct error *error)
{
    int cut = 0;
    char *token = NULL;
    if (!admin_read_number(admin_option(admin, "cut"), "--cut", 1, CUT_MOST, &cut, error) ||
        !token_file_read(admin->owner, admin_option(admin, "token-file"), &token, error))
        return false;
    struct download *download = begin_download(admin->owner, token, error);
    if (download == NULL)
        return false;
    download->path = admin_option(admin, "out");
    download->file = open(download->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (download->file < 0)
        return error_io(error, errno, download->path);
    const char *url = export_url(admin, download, cut);
    set_options(download, url, admin_option(admin, "ca"));
    if (!fetch(download, url, error)) {
        unlink(download->path);
        return false;
    }
    admin_tell_text(admin, "file", download->path);
    admin_tell_number(admin, "bytes", download->bytes);
    if (!admin_as_json(admin))
        printf("%s: %lld bytes\n", download->path, (long long)download->bytes);
    return true;
}

static const struct argument_option options[] = {
    {"cut", "N", true, "number of the data cut; `cut list` tells"},
    {"out", "FILE", true, "the ZIP to write; it must not be there yet"},
    {"url", "URL", true, "the collector, https://localhost:8443"},
    {"token-file", "FILE", true, "file whose first line is the token; its role decides what is masked"},
    {"ca", "FILE", false, "CA that signed the collector's certificate; default: the system's"},
};

static const struct admin_command commands[] = {
    {{"export", "STUDY", options, ADMIN_COUNT(options), "write the data of a cut to a ZIP, through the API"},
     export_cut},
};

const struct admin_group admin_export = {commands, ADMIN_COUNT(commands)};
