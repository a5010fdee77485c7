/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/load_rows.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

static const char form_yaml[] =
    "form: event\n"
    "version: 1\n"
    "title: Event\n"
    "source: made up\n"
    "about: either\n"
    "repeats: true\n"
    "sections:\n"
    "  - id: event\n"
    "    title: Event\n"
    "    items:\n"
    "      - {id: term, text: what happened, type: text}\n"
    "      - {id: onset, text: begin, type: partial_date}\n"
    "      - {id: seen, text: seen on, type: date}\n"
    "      - {id: grade, text: grade, type: integer, min: 1, max: 5}\n";

struct fixture {
    struct catalogue forms;
    struct load_options options;
    const char *folder;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    struct error error = {0};
    const struct form **forms = memory_new_array(fixture, const struct form *, 1);
    forms[0] = form_parse(fixture, "event.yaml", form_yaml, strlen(form_yaml), &error);
    if (!forms[0])
        fail_msg("%s", error.message);
    fixture->forms = (struct catalogue){.study = "demo", .forms = forms, .form_count = 1};
    fixture->options = (struct load_options){.study = "demo", .forms = &fixture->forms};
    fixture->options.first_day = date_from_civil(2024, 1, 1);
    fixture->options.last_day = date_from_civil(2024, 12, 31);
    char path[] = "/tmp/patella-rows-XXXXXX";
    assert_non_null(mkdtemp(path));
    fixture->folder = memory_copy_string(fixture, path);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    remove(memory_format(fixture, "%s/01_event.csv", fixture->folder));
    remove(fixture->folder);
    talloc_free(fixture);
    return 0;
}

/* Reads `csv` as the folder's only file. */
static bool read_rows(struct fixture *fixture, const char *csv, struct load_list *list, struct error *error)
{
    FILE *file = fopen(memory_format(fixture, "%s/01_event.csv", fixture->folder), "w");
    assert_non_null(file);
    assert_true(fputs(csv, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return load_read_folder(fixture, &fixture->options, fixture->folder, list, error);
}

static const char *json_of(struct fixture *fixture, const struct load_row *row)
{
    struct text *out = text_new(fixture);
    load_row_to_json(out, row);
    return strchr(out->bytes, ',') + 1;      /* without the id */
}

static void test_load_read_folder_days_and_partial_dates_become_dates(void **state)
{
    static const struct {
        const char *cells, *json;
    } cases[] = {
        {"01-0001,31,,,", "\"date\":\"2024-02-01\",\"answers\":{}}"},
        {"01-0001,2024-02-29,,,", "\"date\":\"2024-02-29\",\"answers\":{}}"},
        {"01-0001,60,a fall,59m,60", "\"date\":\"2024-03-01\",\"answers\":{\"term\":\"a fall\","
                                     "\"onset\":\"2024-02\",\"seen\":\"2024-03-01\"}}"},
        {"01-0001,60,,0y,", "\"date\":\"2024-03-01\",\"answers\":{\"onset\":\"2024\"}}"},
        {"01-0001,60,,2023-07,", "\"date\":\"2024-03-01\",\"answers\":{\"onset\":\"2023-07\"}}"},
        {"01-0001,60,!unknown,!refused,", "\"date\":\"2024-03-01\",\"answers\":{},\"not_answered\":"
                                          "{\"term\":\"unknown\",\"onset\":\"refused\"}}"},
        {"01-0001,tomorrow,,,", "\"date\":\"tomorrow\",\"answers\":{}}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct load_list list;
        struct error error = {0};
        assert_true(read_rows(*state,
                              memory_format(*state, "subject,date,term,onset,seen\n%s\n", cases[i].cells),
                              &list, &error));
        assert_int_equal(list.count, 1);
        const char *start = "\"form\":\"event\",\"form_version\":1,\"subject\":\"01-0001\",";
        const char *expected = memory_format(*state, "%s%s", start, cases[i].json);
        assert_string_equal(json_of(*state, &list.rows[0]), expected);
    }
}

static void test_load_read_folder_same_row_has_the_same_uuid(void **state)
{
    struct load_list first, second;
    struct error error = {0};
    struct fixture *fixture = *state;
    const char *csv = "subject,date,instance,#version,#reason,#confirm,term\n"
                      "01-0001,5,1,,,,a fall\n01-0001,5,2,,,,a fall\n"
                      "01-0001,5,1,2,it was a stumble,,a stumble\n";
    assert_true(read_rows(fixture, csv, &first, &error));
    assert_true(read_rows(fixture, csv, &second, &error));
    assert_int_equal(first.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(first.rows[i].id, second.rows[i].id);
        assert_int_equal(first.rows[i].id[14], '5');
        assert_non_null(strchr("89ab", first.rows[i].id[19]));
        assert_string_not_equal(first.rows[i].id, first.rows[(i + 1) % 3].id);
    }
    fixture->options.study = "other";
    assert_true(read_rows(fixture, csv, &second, &error));
    assert_string_not_equal(first.rows[0].id, second.rows[0].id);
    fixture->options.study = "demo";
}

static void test_load_read_folder_any_later_date_leaves_the_row_out(void **state)
{
    struct load_list list;
    struct error error = {0};
    /* 2024 has days 0 to 365 */
    assert_true(read_rows(*state,
                          "subject,date,onset,seen\n01-0001,365,365m,365\n01-0001,366,,\n01-0001,1,366,\n"
                          "01-0001,1,366y,\n01-0001,1,,2025-01-01\n",
                          &list, &error));
    assert_int_equal(list.count, 1);
    assert_int_equal(list.left_out, 4);
    assert_int_equal(list.rows[0].line, 2);
}

static void test_load_row_to_json_confirmations_stand_at_the_end(void **state)
{
    struct load_list list;
    struct error error = {0};
    assert_true(read_rows(*state, "subject,date,#confirm\n01-0001,1,measured twice\n", &list, &error));
    assert_string_equal(list.rows[0].confirm, "measured twice");
    assert_null(strstr(json_of(*state, &list.rows[0]), "measured"));
    list.rows[0].confirmed = "[1]";
    assert_non_null(strstr(json_of(*state, &list.rows[0]), "\"answers\":{},\"confirmed\":[1]}"));
}

static void test_load_read_folder_mistakes_name_file_and_line(void **state)
{
    static const struct {
        const char *csv, *says;
        int line;
    } cases[] = {
        {"subject,date,pain\n01-0001,1,3\n", "\"pain\"", 1},
        {"subject,date,instance\n01-0001,1,1\n01-0001,1,two\n", "whole number", 3},
        {"subject,date\n01-0001\n", "1 cells", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct load_list list;
        struct error error = {0};
        assert_false(read_rows(*state, cases[i].csv, &list, &error));
        assert_int_equal(error.line, cases[i].line);
        assert_non_null(strstr(error.file, "01_event.csv"));
        assert_non_null(strstr(error.message, cases[i].says));
    }
}

static void test_load_read_folder_without_files_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct load_list list;
    struct error error = {0};
    remove(memory_format(fixture, "%s/01_event.csv", fixture->folder));
    assert_false(load_read_folder(fixture, &fixture->options, fixture->folder, &list, &error));
    assert_non_null(strstr(error.message, "NN_FORM.csv"));
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_read_folder_days_and_partial_dates_become_dates),
        cmocka_unit_test(test_load_read_folder_same_row_has_the_same_uuid),
        cmocka_unit_test(test_load_read_folder_any_later_date_leaves_the_row_out),
        cmocka_unit_test(test_load_row_to_json_confirmations_stand_at_the_end),
        cmocka_unit_test(test_load_read_folder_mistakes_name_file_and_line),
        cmocka_unit_test(test_load_read_folder_without_files_is_refused),
    };
    return cmocka_run_group_tests_name("load_rows", tests, set_up, tear_down);
}
