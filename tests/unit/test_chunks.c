/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bodies in chunks: the same bytes however they are cut, and nothing but what everybody reads alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector/chunks.h"

#define BYTES(literal) literal, sizeof literal - 1

enum { ROOM = 4096 };

struct body {
    char bytes[ROOM];
    size_t length;
    size_t used;                 /* of the input */
    enum chunks_state state;
};

/* `in` in parts of `part` bytes, out in pieces of `room`. */
static void read_all(const char *in, size_t length, size_t part, size_t room, struct body *body)
{
    struct chunks chunks = {0};
    body->length = body->used = 0;
    while (body->used < length && chunks.state != CHUNKS_ENDED && chunks.state != CHUNKS_BROKEN) {
        size_t made = 0, given = length - body->used < part ? length - body->used : part;
        assert_true(body->length + room <= ROOM);
        size_t used = chunks_read(&chunks, in + body->used, given, body->bytes + body->length, room, &made);
        assert_true(used <= given && made <= room);
        assert_true(used > 0 || made == room);
        body->length += made;
        body->used += used;
    }
    body->state = chunks.state;
}

static const struct {
    const char *label, *bytes;
    size_t length;
    const char *body;            /* NULL: broken */
    size_t rest;                 /* bytes behind the end */
} cases[] = {
    {"two chunks", BYTES("5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n"), "hello, world", 0},
    {"nothing", BYTES("0\r\n\r\n"), "", 0},
    {"zeros", BYTES("00000000\r\n\r\n"), "", 0},
    {"hexadecimal", BYTES("0000000A\r\n0123456789\r\nb\r\nabcdefghijk\r\n0\r\n\r\n"), "0123456789abcdefghijk", 0},
    {"what looks like chunks", BYTES("5\r\n0\r\n\r\n\r\n0\r\n\r\n"), "0\r\n\r\n", 0},
    {"another request behind", BYTES("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), "a", 16},
    {"no size", BYTES("\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {"nine digits", BYTES("000000001\r\na\r\n0\r\n\r\n"), NULL, 0},
    {"2^64", BYTES("10000000000000000\r\nhello\r\n"), NULL, 0},
    {"+5", BYTES("+5\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {"-5", BYTES("-5\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {"0x5", BYTES("0x5\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {"5g", BYTES("5g\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {"blank before", BYTES(" 5\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {"blank behind", BYTES("5 \r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {"extension", BYTES("5;a=b\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {"extension of the last", BYTES("5\r\nhello\r\n0;a=b\r\n\r\n"), NULL, 0},
    {"bare LF behind a size", BYTES("5\nhello\r\n0\r\n\r\n"), NULL, 0},
    {"bare LF behind a chunk", BYTES("5\r\nhello\n0\r\n\r\n"), NULL, 0},
    {"CR and no LF", BYTES("5\r\nhello\r0\r\n\r\n"), NULL, 0},
    {"bare CR behind a size", BYTES("5\rhello\r\n0\r\n\r\n"), NULL, 0},
    {"longer than its size", BYTES("4\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {"shorter than its size", BYTES("6\r\nhello\r\n0\r\n\r\n"), NULL, 0},
    {"trailer", BYTES("5\r\nhello\r\n0\r\nHost: evil\r\n\r\n"), NULL, 0},
    {"bare LF at the end", BYTES("5\r\nhello\r\n0\r\n\n"), NULL, 0},
    {"NUL", BYTES("\0005\r\nhello\r\n0\r\n\r\n"), NULL, 0},
};

static void test_chunks_read_is_the_same_however_it_is_cut(void **state)
{
    (void)state;
    static const size_t rooms[] = {1, 2, 5, 512};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t part = 1; part <= cases[i].length; part++)
            for (size_t j = 0; j < sizeof rooms / sizeof *rooms; j++) {
                struct body body;
                read_all(cases[i].bytes, cases[i].length, part, rooms[j], &body);
                if (body.state != (cases[i].body != NULL ? CHUNKS_ENDED : CHUNKS_BROKEN))
                    fail_msg("%s in parts of %zu: state %d", cases[i].label, part, (int)body.state);
                if (cases[i].body == NULL)
                    continue;
                assert_int_equal(body.used, cases[i].length - cases[i].rest);
                assert_int_equal(body.length, strlen(cases[i].body));
                assert_memory_equal(body.bytes, cases[i].body, body.length);
            }
}

static void test_chunks_read_every_cut_is_unfinished(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t length = 0; cases[i].body != NULL && length < cases[i].length - cases[i].rest; length++) {
            struct body body;
            read_all(cases[i].bytes, length, 3, 512, &body);
            assert_true(body.state != CHUNKS_ENDED && body.state != CHUNKS_BROKEN);
            assert_int_equal(body.used, length);
        }
}

static void test_chunks_read_without_room_waits_in_front_of_the_bytes(void **state)
{
    (void)state;
    struct chunks chunks = {0};
    char out[4];
    size_t made = 0;
    assert_int_equal(chunks_read(&chunks, "3\r\nabc\r\n", 8, out, 0, &made), 3);
    assert_int_equal(made, 0);
    assert_int_equal(chunks_read(&chunks, "abc\r\n", 5, out, 2, &made), 2);
    assert_int_equal(made, 2);
    assert_memory_equal(out, "ab", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunks_read_is_the_same_however_it_is_cut),
        cmocka_unit_test(test_chunks_read_every_cut_is_unfinished),
        cmocka_unit_test(test_chunks_read_without_room_waits_in_front_of_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
