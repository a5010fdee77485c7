/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "forms/base/memory.h"
#include "reports/manifest.h"
#include "reports/sink.h"

enum { ROWS = 100000, PIECE_LIMIT = 128 * 1024 };

struct receiver {
    struct text *all;
    size_t largest, calls, fails_at;   /* 0: never */
};

static bool receive(void *context, const void *bytes, size_t length, struct error *error)
{
    struct receiver *receiver = context;
    receiver->calls++;
    if (receiver->calls == receiver->fails_at)
        return error_set(error, ERROR_IO, "the disk is full");
    if (length > receiver->largest)
        receiver->largest = length;
    text_append_bytes(receiver->all, bytes, length);
    return true;
}

static void write_rows(struct sink *sink)
{
    for (int i = 0; i < ROWS; i++) {
        text_append_format(sink_text(sink), "row %d\n", i);
        sink_step(sink);
    }
}

static void test_sink_passes_all_bytes_on_in_pieces_with_size_and_hash(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct receiver receiver = {.all = text_new(owner)};
    struct error error;
    size_t size;
    char hash[65], expected[65];
    struct sink *sink = sink_new(owner, receive, &receiver);
    write_rows(sink);
    assert_true(sink_end(sink, &size, hash, &error));
    struct text *whole = text_new(owner);
    for (int i = 0; i < ROWS; i++)
        text_append_format(whole, "row %d\n", i);
    assert_int_equal(size, whole->length);
    assert_string_equal(receiver.all->bytes, whole->bytes);
    manifest_hash(whole->bytes, whole->length, expected);
    assert_string_equal(hash, expected);
    assert_true(receiver.calls > 5);
    assert_true(receiver.largest < PIECE_LIMIT);
    talloc_free(owner);
}

static void test_sink_without_receiver_counts_and_hashes_the_same(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct receiver receiver = {.all = text_new(owner)};
    struct error error;
    size_t sizes[2];
    char hashes[2][65];
    struct sink *first = sink_new(owner, receive, &receiver), *second = sink_new(owner, NULL, NULL);
    write_rows(first);
    write_rows(second);
    assert_true(sink_end(first, &sizes[0], hashes[0], &error));
    assert_true(sink_end(second, &sizes[1], hashes[1], &error));
    assert_int_equal(sizes[0], sizes[1]);
    assert_string_equal(hashes[0], hashes[1]);
    talloc_free(owner);
}

static void test_sink_end_gives_the_first_failure(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct receiver receiver = {.all = text_new(owner), .fails_at = 2};
    struct error error;
    size_t size;
    char hash[65];
    struct sink *sink = sink_new(owner, receive, &receiver);
    write_rows(sink);
    assert_false(sink_end(sink, &size, hash, &error));
    assert_string_equal(error.message, "the disk is full");
    assert_int_equal(receiver.calls, 2);   /* nothing is passed on after it */
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sink_passes_all_bytes_on_in_pieces_with_size_and_hash),
        cmocka_unit_test(test_sink_without_receiver_counts_and_hashes_the_same),
        cmocka_unit_test(test_sink_end_gives_the_first_failure),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
