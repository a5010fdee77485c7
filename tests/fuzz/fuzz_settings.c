/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The input up to the first NUL as patella.yaml, what lies between further NULs as values of --set.  Refused with a
 * message, or settings within their ranges that read the same a second time.
 */
#define FUZZ_TARGET fuzz_settings
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/settings.h"
#include "forms/base/memory.h"

enum { ASSIGNMENT_LIMIT = 16 };

/* A file in memory; its name opens it anew, from the start. */
static const char *write_file(const void *data, size_t size)
{
    static int descriptor = -1;
    static char name[64];
    if (descriptor < 0) {
        descriptor = memfd_create("patella.yaml", MFD_CLOEXEC);
        snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
    }
    FUZZ_REQUIRE(ftruncate(descriptor, 0) == 0);
    FUZZ_REQUIRE(pwrite(descriptor, data, size, 0) == (ssize_t)size);
    return name;
}

static void require_ranges(const struct settings *settings)
{
    FUZZ_REQUIRE(settings->listen_port >= 0 && settings->listen_port <= 65535);
    FUZZ_REQUIRE(settings->workers >= 1 && settings->workers <= 64);
    FUZZ_REQUIRE(settings->queue_limit >= 1 && settings->worker_queue_limit >= 1);
    FUZZ_REQUIRE(settings->max_connections >= 1 && settings->max_connections_per_address >= 1);
    FUZZ_REQUIRE(settings->handshake_deadline_ms >= 10 && settings->head_deadline_ms >= 10);
    FUZZ_REQUIRE(settings->work_deadline_ms >= 10 && settings->write_wait_ms >= 10);
    FUZZ_REQUIRE(settings->idle_deadline_ms >= 10 && settings->stop_deadline_ms >= 100);
    FUZZ_REQUIRE(settings->body_min_bytes_per_s >= 0 && settings->reply_min_bytes_per_s >= 0);
    FUZZ_REQUIRE(settings->token_cache_ms >= 0 && settings->catalogue_refresh_ms >= 100);
    FUZZ_REQUIRE(settings->certificate[0] != '\0' && settings->key[0] != '\0');
    FUZZ_REQUIRE(settings->listen_address != NULL && settings->database != NULL);
    enum log_level level;
    FUZZ_REQUIRE(log_parse_level(settings->log_level, &level) && level == settings_log_level(settings));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *owner = memory_owner(NULL, "fuzz");
    const char *text = memory_copy_bytes(owner, data, size), *end = text + size;
    const char *assignments[ASSIGNMENT_LIMIT];
    struct settings_source source = {write_file(text, strlen(text)), assignments, 0};
    for (const char *at = text + strlen(text) + 1; at <= end && source.assignment_count < ASSIGNMENT_LIMIT;
         at += strlen(at) + 1)
        if (text_is_utf8(at, strlen(at)))   /* a command line of this machine's user */
            assignments[source.assignment_count++] = at;
    struct error error = {0};
    const struct settings *settings = settings_load(owner, &source, &error);
    if (settings == NULL) {
        fuzz_require_refusal(&error, error.kind == ERROR_USAGE ? ERROR_USAGE : ERROR_INPUT);
    } else {
        require_ranges(settings);
        struct text *kept = text_new(owner);
        const struct settings *again = settings_reload(owner, settings, &source, kept, &error);
        FUZZ_REQUIRE_WITH(again != NULL, error.message);
        FUZZ_REQUIRE_WITH(kept->length == 0, kept->bytes);
        require_ranges(again);
        FUZZ_REQUIRE(strcmp(again->database, settings->database) == 0);
    }
    talloc_free(owner);
    return 0;
}
