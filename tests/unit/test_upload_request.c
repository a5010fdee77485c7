/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The header fields of uploads, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/upload_request.h"
#include "forms/base/memory.h"

static void test_upload_read_number_takes_digits_only(void **state)
{
    static const char *const wrong[] = {NULL, "", "-1", "+1", " 1", "1 ", "0x10", "1e3", "9999999999999999999"};
    int64_t number = 0;
    (void)state;
    assert_true(upload_read_number("0", &number) && number == 0);
    assert_true(upload_read_number("2147483648", &number) && number == 2147483648);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(upload_read_number(wrong[i], &number));
}

static void test_upload_read_metadata_finds_the_name(void **state)
{
    static const struct {
        const char *metadata, *name;             /* NULL: refused */
    } cases[] = {
        {NULL, "before"},
        {"", "before"},
        {"filename a29vcy5jc3Y=", "koos.csv"},
        {"type dGV4dA==,filename a29vcy5jc3Y=", "koos.csv"},
        {"secret,filename a29vcy5jc3Y=", "koos.csv"},
        {"filename QzpcZmFrZXBhdGhca29vcy5jc3Y=", "koos.csv"},       /* C:\fakepath\koos.csv */
        {"filename L3RtcC9rb29zLmNzdg==", "koos.csv"},               /* /tmp/koos.csv */
        {"name a29vcy5jc3Y=", "before"},
        {"filename", NULL},                                           /* a name of nothing */
        {"filename a29vcy5jc3Y", NULL},
        {"filename a29v*y5jc3Y=", NULL},
        {"filename a=29vcy5jc3Y", NULL},
        {"filename ====", NULL},
        {"filename a29v AAAA", NULL},
        {"filename YQBi", NULL},                                      /* a NUL */
        {"filename YQpi", NULL},                                      /* a line end */
        {"filename //79", NULL},                                      /* no UTF-8 */
        {"filename L3RtcC8=", NULL},                                  /* a folder */
        {",", NULL},
        {"a,,b", NULL},
        {"a,", NULL},
        {" dGV4dA==", NULL},
        {"\xC3\xA4 dGV4dA==", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = "before";
        bool good = upload_read_metadata(*state, cases[i].metadata, &name);
        if (good != (cases[i].name != NULL) || (good && strcmp(name, cases[i].name) != 0))
            fail_msg("%s: %s", cases[i].metadata, good ? name : "refused");
    }
    char *longest = memory_new_array(*state, char, UPLOAD_METADATA_MOST + 2);
    const char *name = "before";
    memset(longest, 'a', UPLOAD_METADATA_MOST);
    assert_true(upload_read_metadata(*state, longest, &name));
    longest[UPLOAD_METADATA_MOST] = 'a';
    assert_false(upload_read_metadata(*state, longest, &name));
}

/* Digests by coreutils: printf hello | sha1sum, sha256sum, md5sum. */
static void test_upload_checksum_fits_its_bytes_only(void **state)
{
    static const char *const fitting[] = {"sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00=", "md5 XUFAKrxLKna5cZ2REBfFkg==",
                                          "sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="};
    static const char *const wrong[] = {"", "sha1", "sha1 ", "sha1  qvTGHdzF6KLavt4PO0gs2a6pQ00=", "sha512 AAAA",
                                        "SHA1 qvTGHdzF6KLavt4PO0gs2a6pQ00=", "sha1 XUFAKrxLKna5cZ2REBfFkg==",
                                        "sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00", "crc32 AAAAAA==", "null AAAA"};
    struct upload_checksum checksum;
    (void)state;
    for (size_t i = 0; i < sizeof fitting / sizeof *fitting; i++) {
        assert_true(upload_read_checksum(fitting[i], &checksum));
        assert_true(upload_fits_checksum(&checksum, "hello", 5));
        assert_false(upload_fits_checksum(&checksum, "hellO", 5));
        assert_false(upload_fits_checksum(&checksum, "hello", 4));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(upload_read_checksum(wrong[i], &checksum));
}

static void test_upload_read_wait_finds_its_preference(void **state)
{
    static const struct {
        const char *prefer;
        int seconds;
    } cases[] = {
        {NULL, 10},        {"", 10},          {"wait=0", 0},        {"wait=5", 5},
        {"wait=61", 60},   {"Wait=\"7\"", 7}, {"wait = 7", 7},      {"respond-async, wait=7", 7},
        {"wait", 10},      {"wait=", 10},     {"wait=-1", 10},      {"wait=7s", 10},
        {"waits=7", 10},   {"x;wait=7", 10},  {"wait=7;a=b", 7},    {"wait=99999999999", 10},
        {"wait=x,wait=3", 3}, {",,wait=3", 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (upload_read_wait(cases[i].prefer, 10, 60) != cases[i].seconds)
            fail_msg("%s: %d", cases[i].prefer, upload_read_wait(cases[i].prefer, 10, 60));
}

static int set_up(void **state)
{
    *state = memory_owner(NULL, "test");
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upload_read_number_takes_digits_only),
        cmocka_unit_test_setup_teardown(test_upload_read_metadata_finds_the_name, set_up, tear_down),
        cmocka_unit_test(test_upload_checksum_fits_its_bytes_only),
        cmocka_unit_test(test_upload_read_wait_finds_its_preference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
