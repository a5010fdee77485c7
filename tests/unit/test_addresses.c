/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections counted by address: which addresses are one, and how many it may have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "collector/addresses.h"
#include "forms/base/memory.h"

static struct sockaddr_storage address_of(const char *text)
{
    struct sockaddr_storage storage = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&storage;
    storage.ss_family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
    void *bytes = storage.ss_family == AF_INET6 ? (void *)&six->sin6_addr : (void *)&four->sin_addr;
    assert_int_equal(inet_pton(storage.ss_family, text, bytes), 1);
    return storage;
}

static struct address *take(struct address_table *table, const char *text, size_t limit)
{
    struct sockaddr_storage peer = address_of(text);
    return address_take(table, (const struct sockaddr *)&peer, limit);
}

static void test_address_take_counts_networks(void **state)
{
    static const struct {
        const char *one, *other;
        bool same;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1", true},
        {"192.0.2.1", "192.0.2.2", false},
        {"192.0.2.1", "::ffff:192.0.2.1", true},
        {"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
        {"2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true},
        {"2001:db8::1", "2001:db8:0:1::1", false},
        {"fe80::1", "fe80::2", true},
        {"::1", "::1", true},
        {"::1", "127.0.0.1", false},
        {"::1", "::2", false},
        {"::1", "0.0.0.1", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address_table *table = address_table_new(NULL);
        assert_non_null(take(table, cases[i].one, 1));
        bool same = take(table, cases[i].other, 1) == NULL;
        if (same != cases[i].same)
            fail_msg("%s and %s are %s", cases[i].one, cases[i].other, same ? "one" : "two");
        talloc_free(table);
    }
}

static void test_address_release_makes_room_again(void **state)
{
    (void)state;
    struct address_table *table = address_table_new(NULL);
    struct address *first = take(table, "192.0.2.1", 2);
    assert_ptr_equal(take(table, "192.0.2.1", 2), first);
    assert_null(take(table, "192.0.2.1", 2));
    assert_non_null(take(table, "192.0.2.2", 2));
    address_release(table, first);
    assert_ptr_equal(take(table, "192.0.2.1", 2), first);
    assert_null(take(table, "192.0.2.1", 2));
    talloc_free(table);
}

/* What has no connection any more is forgotten: a table does not grow with the addresses that were ever seen. */
static void test_address_release_of_the_last_frees_the_address(void **state)
{
    (void)state;
    struct address_table *table = address_table_new(NULL);
    char text[ADDRESS_TEXT_SIZE];
    size_t before = talloc_total_blocks(table);
    struct address *taken[5000];
    for (size_t i = 0; i < 5000; i++) {
        struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0A000000u + (uint32_t)i)};
        taken[i] = address_take(table, (const struct sockaddr *)&peer, 1);
        assert_non_null(taken[i]);
        address_format((const struct sockaddr *)&peer, text);
        assert_int_equal(strncmp(text, "10.0.", 5), 0);
    }
    assert_int_equal(talloc_total_blocks(table), before + 5000);
    for (size_t i = 0; i < 5000; i++)
        address_release(table, taken[i * 7 % 5000]);
    assert_int_equal(talloc_total_blocks(table), before);
    talloc_free(table);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address_take_counts_networks),
        cmocka_unit_test(test_address_release_makes_room_again),
        cmocka_unit_test(test_address_release_of_the_last_frees_the_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
