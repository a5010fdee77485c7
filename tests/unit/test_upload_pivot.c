/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files with a field a row become flat ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/upload_pivot.h"

enum { COLUMNS = 4 };

static const struct upload_column columns[COLUMNS] = {
    {.name = "record", .role = UPLOAD_SUBJECT},
    {.name = "redcap_event_name", .role = UPLOAD_VISIT},
    {.name = "field_name", .role = UPLOAD_FIELD_NAME},
    {.name = "value", .role = UPLOAD_FIELD_VALUE},
};
static const struct upload_plan plan = {.tool = UPLOAD_REDCAP_EAV, .columns = columns, .column_count = COLUMNS};

struct row {
    const char *cells[COLUMNS];
    size_t count;                /* 0: all of them */
    const char *fault;
};

static struct csv_line line_of(const struct row *row, int64_t number)
{
    static const bool quoted[COLUMNS] = {false};
    return (struct csv_line){.number = number, .line = number + 1, .cells = row->cells, .quoted = quoted,
                             .cell_count = row->count == 0 ? COLUMNS : row->count, .fault = row->fault};
}

static void append_line(struct text *text, const struct csv_line *line)
{
    if (line == NULL)
        return;
    text_append_format(text, "%d@%d", (int)line->number, (int)line->line);
    for (size_t i = 0; i < line->cell_count; i++)
        text_append_format(text, "|%s", line->cells[i]);
    text_append_format(text, "%s%s\n", line->fault != NULL ? "!" : "", line->fault != NULL ? line->fault : "");
}

/* Header and rows of the flat file, a line each. */
static void check_pivot(const struct row *rows, size_t count, const char *wanted)
{
    void *owner = memory_owner(NULL, "test");
    struct text *text = text_new(owner);
    struct upload_fields *fields = upload_fields_new(owner, &plan);
    for (size_t i = 0; i < count; i++) {
        struct csv_line line = line_of(&rows[i], (int64_t)i + 1);
        assert_true(upload_fields_add(fields, &line));
    }
    size_t header_count;
    const char *const *header = upload_fields_header(fields, &header_count);
    for (size_t i = 0; i < header_count; i++)
        text_append_format(text, "%s%s", i > 0 ? "|" : "", header[i]);
    text_append(text, "\n");
    struct upload_pivot *pivot = upload_pivot_new(owner, fields);
    for (size_t i = 0; i < count; i++) {
        struct csv_line line = line_of(&rows[i], (int64_t)i + 1);
        append_line(text, upload_pivot_add(pivot, &line));
    }
    append_line(text, upload_pivot_end(pivot));
    assert_null(upload_pivot_end(pivot));
    assert_string_equal(text->bytes, wanted);
    talloc_free(owner);
}

static void test_upload_pivot_add_rows_of_records_make_flat_rows(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {{"1", "bl", "knee", "left"}, 0, NULL}, {{"1", "bl", "p1", "2"}, 0, NULL},   {{"1", "m3", "p1", "3"}, 0, NULL},
        {{"1", "m3", "p2", "a,b"}, 0, NULL},    {{"2", "m3", "knee", "right"}, 0, NULL},
    };
    check_pivot(rows, 5, "record|redcap_event_name|knee|p1|p2\n1@2|1|bl|left|2|\n2@4|1|m3||3|a,b\n3@6|2|m3|right||\n");
}

static void test_upload_pivot_add_field_with_several_values_has_all(void **state)
{
    (void)state;
    static const struct row rows[] = {{{"1", "bl", "box", "mild"}, 0, NULL},
                                      {{"1", "bl", "box", "severe"}, 0, NULL},
                                      {{"1", "bl", "p1", "2"}, 0, NULL},
                                      {{"1", "bl", "p1", "2"}, 0, NULL}};
    check_pivot(rows, 4, "record|redcap_event_name|box|p1\n1@2|1|bl|mild,severe|2\n");
}

static void test_upload_pivot_add_rows_that_are_not_whole_stay_so(void **state)
{
    (void)state;
    static const struct row rows[] = {{{"1", "bl", "p1", "2"}, 0, NULL},
                                      {{"1", "bl", "p1"}, 3, NULL},
                                      {{"1", "bl", "p2", "\xEF\xBF\xBD"}, 0, "invalid_utf8"},
                                      {{"1", "bl", "", "2"}, 0, NULL},
                                      {{"1", "bl", "p3", "4"}, 0, NULL}};
    /* A cell more than the header has, or the fault. */
    check_pivot(rows, 5, "record|redcap_event_name|p1|p3\n1@2|1|bl|2|\n2@3|1|bl|||\n3@4|1|bl||!invalid_utf8\n"
                         "4@5|1|bl|||\n5@6|1|bl||4\n");
}

static void test_upload_pivot_add_nothing_gives_no_rows(void **state)
{
    (void)state;
    check_pivot(NULL, 0, "record|redcap_event_name\n");
}

static void test_upload_fields_add_more_fields_than_a_header_has_is_refused(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct upload_fields *fields = upload_fields_new(owner, &plan);
    size_t taken = 0, count;
    for (bool good = true; good; taken += good) {
        char name[32];
        snprintf(name, sizeof name, "field_%zu", taken);
        struct row row = {{"1", "bl", name, "2"}, 0, NULL};
        struct csv_line line = line_of(&row, (int64_t)taken + 1);
        good = upload_fields_add(fields, &line);
    }
    (void)upload_fields_header(fields, &count);
    assert_int_equal(count, CSV_ROW_CELLS);
    assert_int_equal(taken, CSV_ROW_CELLS - 2);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upload_pivot_add_rows_of_records_make_flat_rows),
        cmocka_unit_test(test_upload_pivot_add_field_with_several_values_has_all),
        cmocka_unit_test(test_upload_pivot_add_rows_that_are_not_whole_stay_so),
        cmocka_unit_test(test_upload_pivot_add_nothing_gives_no_rows),
        cmocka_unit_test(test_upload_fields_add_more_fields_than_a_header_has_is_refused),
    };
    memory_init();
    return cmocka_run_group_tests_name("upload_pivot", tests, NULL, NULL);
}
