/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a body in chunks.  How they are cut, and how much room there is, does not matter; and libhttp-parser,
 * which accepts far more, ends a body that is accepted at the same byte and reads the same bytes from it.
 */
#define FUZZ_TARGET fuzz_chunks
#include "tests/fuzz/fuzz.h"

#include <http_parser.h>
#include <stdlib.h>
#include <string.h>

#include "collector/chunks.h"

struct body {
    char *bytes;
    size_t length, used;
    struct chunks chunks;
    bool ended;                  /* says the oracle */
};

static void read_body(const char *in, size_t size, size_t part, struct body *body)
{
    while (body->used < size && body->chunks.state != CHUNKS_ENDED && body->chunks.state != CHUNKS_BROKEN) {
        size_t given = size - body->used < part ? size - body->used : part, made = 0;
        size_t used = chunks_read(&body->chunks, in + body->used, given, body->bytes + body->length, part, &made);
        FUZZ_REQUIRE(used <= given && made <= used && made <= part);
        FUZZ_REQUIRE(used > 0);
        body->used += used;
        body->length += made;
    }
}

static int on_body(http_parser *parser, const char *at, size_t length)
{
    struct body *body = parser->data;
    memcpy(body->bytes + body->length, at, length);
    body->length += length;
    return 0;
}

static int on_message_complete(http_parser *parser)
{
    struct body *body = parser->data;
    body->ended = true;
    return 0;
}

static void ask_oracle(const char *in, size_t length, struct body *body)
{
    static const char head[] = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    static const http_parser_settings settings = {.on_body = on_body, .on_message_complete = on_message_complete};
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = body;
    http_parser_execute(&parser, &settings, head, sizeof head - 1);
    size_t read = http_parser_execute(&parser, &settings, in, length);
    FUZZ_REQUIRE_WITH(read == length && HTTP_PARSER_ERRNO(&parser) == HPE_OK,
                      http_errno_description(HTTP_PARSER_ERRNO(&parser)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct body whole = {.bytes = calloc(1, size + 1)}, cut = {.bytes = calloc(1, size + 1)},
                oracle = {.bytes = calloc(1, size + 1)};
    FUZZ_REQUIRE(whole.bytes != NULL && cut.bytes != NULL && oracle.bytes != NULL);
    read_body(bytes, size, size + 1, &whole);
    for (size_t part = 1; part <= 3; part++) {
        cut.length = cut.used = 0;
        cut.chunks = (struct chunks){0};
        read_body(bytes, size, part, &cut);
        FUZZ_REQUIRE(cut.chunks.state == whole.chunks.state && cut.used == whole.used && cut.length == whole.length);
        FUZZ_REQUIRE(memcmp(cut.bytes, whole.bytes, whole.length) == 0);
    }
    if (whole.chunks.state != CHUNKS_BROKEN && size > 0) {   /* no bytes would tell it that the line was cut */
        ask_oracle(bytes, whole.used, &oracle);
        FUZZ_REQUIRE(oracle.ended == (whole.chunks.state == CHUNKS_ENDED));
        FUZZ_REQUIRE(oracle.length == whole.length && memcmp(oracle.bytes, whole.bytes, whole.length) == 0);
    }
    free(whole.bytes);
    free(cut.bytes);
    free(oracle.bytes);
    return 0;
}
