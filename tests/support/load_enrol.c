/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Enrols the load engine's subjects, before the run, over one connection that waits for its answers (see load.h). */
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "collector/clock.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/load_engine.h"
#include "tests/support/load_reply.h"

enum { ARRAY_MOST = 256, ANSWER_US = 30 * 1000000, REPLY_LIMIT = 2 << 20 };

/* An id that is the same on every run, so that enrolling twice is no failure. */
static void append_enrolment(struct text *body, const struct load_options *options, int subject)
{
    text_append_format(body,
                       "{\"id\":\"0190a1b2-c3d4-7e5f-8a9b-%04d%08d\",\"subject\":\"%02d-%04d\","
                       "\"form\":\"enrolment\",\"form_version\":1,\"date\":\"2024-02-01\","
                       "\"answers\":{\"index_knee\":\"right\"}}",
                       options->site, subject, options->site, subject);
}

static char *array_of(const void *owner, const struct load_options *options, int first, int count)
{
    struct text *body = text_new(owner);
    text_append(body, "[");
    for (int i = 0; i < count; i++) {
        text_append(body, i > 0 ? "," : "");
        append_enrolment(body, options, first + i);
    }
    text_append(body, "]");
    return load_request_text(owner, options, body->bytes);
}

/* The socket does not block; whoever waits, waits here. */
static bool wait_for(struct load_connection *connection, int result, int64_t until_us)
{
    int wanted = SSL_get_error(connection->ssl, result);
    if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE)
        return false;
    struct pollfd ready = {.fd = connection->socket, .events = wanted == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT};
    int64_t left_us = until_us - clock_now_us();
    return left_us > 0 && poll(&ready, 1, (int)(left_us / 1000) + 1) > 0;
}

static bool write_all(struct load_connection *connection, const char *bytes, int64_t until_us)
{
    int result;
    while ((result = SSL_write(connection->ssl, bytes, (int)strlen(bytes))) <= 0)
        if (!wait_for(connection, result, until_us))
            return false;
    return true;
}

static bool read_whole(struct load_connection *connection, char *input, struct load_reply *reply, int64_t until_us)
{
    size_t filled = 0;
    while (filled < REPLY_LIMIT) {
        int result = SSL_read(connection->ssl, input + filled, (int)(REPLY_LIMIT - filled));
        if (result <= 0 && !wait_for(connection, result, until_us))
            return false;
        filled += result > 0 ? (size_t)result : 0;
        enum load_reading reading = load_reply_read(input, filled, reply);
        if (reading != LOAD_READ_PART)
            return reading == LOAD_READ_WHOLE;
    }
    return false;
}

static bool enrol_some(struct load *load, struct load_connection *connection, int first, int count,
                       struct error *error)
{
    void *work = memory_owner(NULL, "enrolment");
    struct load_reply reply = {0};
    char *input = memory_new_array(work, char, REPLY_LIMIT);
    int64_t until_us = clock_now_us() + ANSWER_US;
    bool done = write_all(connection, array_of(work, &load->options, first, count), until_us) &&
                read_whole(connection, input, &reply, until_us) && (reply.status == 201 || reply.status == 200);
    if (!done)
        error_set(error, ERROR_IO, "subjects from %d on were not enrolled: status %d, %.*s", first, reply.status,
                  (int)(reply.body_length < 500 ? reply.body_length : 500), reply.body != NULL ? reply.body : "");
    talloc_free(work);
    return done;
}

static bool open_waiting(struct load_connection *connection, const struct load_place *place)
{
    int64_t until_us = clock_now_us() + ANSWER_US;
    int result;
    if (load_connection_open(connection, place) == LOAD_LOST)
        return false;
    while ((result = SSL_do_handshake(connection->ssl)) != 1)
        if (!wait_for(connection, result, until_us))
            return false;
    return true;
}

bool load_enrol(struct load *load, struct error *error)
{
    const struct load_options *options = &load->options;
    struct load_connection connection = {.socket = -1, .entry = -1};
    load->place.port = atomic_load(&load->port);
    bool good = open_waiting(&connection, &load->place) ||
                error_set(error, ERROR_IO, "no connection to port %d to enrol subjects over", load->place.port);
    for (int done = 0; good && done < options->subjects; done += ARRAY_MOST) {
        int left = options->subjects - done;
        good = enrol_some(load, &connection, options->first_subject + done, left < ARRAY_MOST ? left : ARRAY_MOST,
                          error);
    }
    load_connection_close(&connection, true);
    return good;
}
