/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What rows of a file have told of subjects before the database has it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/upload_known.h"
#include "forms/base/memory.h"

enum { MANY = 20000 };

static void test_nothing_is_known_at_first(void **state)
{
    struct upload_subject told = {.enrolled = true, .index_knee = 'l', .treated = {1, 2}};
    (void)state;
    struct upload_known *known = upload_known_new(NULL);
    assert_false(upload_known_find(known, 1, 1, &told));
    assert_false(told.enrolled);
    assert_int_equal(told.index_knee, '\0');
    assert_int_equal(told.treated[0], DATE_NONE);
    assert_int_equal(told.treated[1], DATE_NONE);
    talloc_free(known);
}

static void test_put_replaces_what_was_told_before(void **state)
{
    struct upload_subject told = {.enrolled = true, .index_knee = 'r', .treated = {DATE_NONE, 19000}};
    (void)state;
    struct upload_known *known = upload_known_new(NULL);
    assert_true(upload_known_put(known, 9999, 999999, &told));
    told.index_knee = 'l';
    told.treated[0] = 0;   /* 1970-01-01 is a day */
    assert_true(upload_known_put(known, 9999, 999999, &told));
    struct upload_subject found;
    assert_true(upload_known_find(known, 9999, 999999, &found));
    assert_true(found.enrolled);
    assert_int_equal(found.index_knee, 'l');
    assert_int_equal(found.treated[0], 0);
    assert_int_equal(found.treated[1], 19000);
    talloc_free(known);
}

static void test_many_subjects_keep_what_each_was_told(void **state)
{
    (void)state;
    struct upload_known *known = upload_known_new(NULL);
    for (int i = 0; i < MANY; i++) {
        struct upload_subject told = {.enrolled = i % 2 == 0, .treated = {i, DATE_NONE}};
        assert_true(upload_known_put(known, i % 7 + 1, i, &told));
    }
    for (int i = 0; i < MANY; i++) {
        struct upload_subject found;
        assert_true(upload_known_find(known, i % 7 + 1, i, &found));
        assert_int_equal(found.enrolled, i % 2 == 0);
        assert_int_equal(found.treated[0], i);
        assert_false(upload_known_find(known, (i + 1) % 7 + 1, i, &found));
    }
    talloc_free(known);
}

static void test_more_subjects_than_memory_is_meant_for_are_refused(void **state)
{
    struct upload_subject told = {.enrolled = true, .treated = {DATE_NONE, DATE_NONE}};
    (void)state;
    struct upload_known *known = upload_known_new(NULL);
    for (int i = 0; i < UPLOAD_KNOWN_MOST; i++)
        assert_true(upload_known_put(known, i / 500000 + 1, i % 500000 + 1, &told));
    assert_false(upload_known_put(known, 9, 1, &told));
    assert_true(upload_known_put(known, 1, 1, &told));   /* is known already */
    talloc_free(known);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_known_at_first),
        cmocka_unit_test(test_put_replaces_what_was_told_before),
        cmocka_unit_test(test_many_subjects_keep_what_each_was_told),
        cmocka_unit_test(test_more_subjects_than_memory_is_meant_for_are_refused),
    };
    return cmocka_run_group_tests_name("upload_known", tests, NULL, NULL);
}
