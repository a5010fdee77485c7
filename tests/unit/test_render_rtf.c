/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/render_rtf.h"
#include "tests/support/markup.h"

/* What a reader of RTF finds: rows with their cells, and the text of the body without controls. */
struct reading {
    size_t rows, head_rows, cells_of_row, ends_of_row;
    struct text *plain;          /* UTF-8; cells end with '|', rows and paragraphs with '\n' */
    unsigned high;               /* first half of a pair of units */
};

static void take_code_point(struct reading *reading, unsigned point)
{
    char bytes[4];
    size_t length = 0;
    if (point < 0x800) {
        bytes[length++] = (char)(0xc0 | point >> 6);
    } else if (point < 0x10000) {
        bytes[length++] = (char)(0xe0 | point >> 12);
        bytes[length++] = (char)(0x80 | (point >> 6 & 0x3f));
    } else {
        bytes[length++] = (char)(0xf0 | point >> 18);
        bytes[length++] = (char)(0x80 | (point >> 12 & 0x3f));
        bytes[length++] = (char)(0x80 | (point >> 6 & 0x3f));
    }
    bytes[length++] = (char)(0x80 | (point & 0x3f));
    text_append_bytes(reading->plain, bytes, length);
}

static void take_unit(struct reading *reading, long number)
{
    unsigned unit = number < 0 ? (unsigned)(number + 0x10000) : (unsigned)number;
    if (unit >= 0xd800 && unit < 0xdc00)
        reading->high = unit;
    else if (unit >= 0xdc00 && unit < 0xe000)
        take_code_point(reading, 0x10000 + ((reading->high - 0xd800) << 10) + (unit - 0xdc00));
    else
        take_code_point(reading, unit);
}

static void take_word(struct reading *reading, const char *word, long number)
{
    if (strcmp(word, "trowd") == 0) {
        reading->cells_of_row = reading->ends_of_row = 0;
    } else if (strcmp(word, "trhdr") == 0) {
        reading->head_rows++;
    } else if (strcmp(word, "cellx") == 0) {
        reading->ends_of_row++;
    } else if (strcmp(word, "cell") == 0) {
        reading->cells_of_row++;
        text_append(reading->plain, "|");
    } else if (strcmp(word, "row") == 0) {
        assert_int_equal(reading->cells_of_row, reading->ends_of_row);
        reading->rows++;
        text_append(reading->plain, "\n");
    } else if (strcmp(word, "par") == 0 || strcmp(word, "line") == 0) {
        text_append(reading->plain, "\n");
    } else if (strcmp(word, "u") == 0) {
        take_unit(reading, number);
    }
}

/* Reads the control at `c` (a backslash); returns what follows it. */
static const char *take_control(struct reading *reading, const char *c)
{
    if (strchr("\\{}", c[1]) != NULL) {
        text_append_bytes(reading->plain, c + 1, 1);
        return c + 2;
    }
    if (c[1] == '*')
        return c + 2;
    size_t length = strspn(c + 1, "abcdefghijklmnopqrstuvwxyz");
    assert_true(length > 0 && length < 32);
    char *word = memory_copy_bytes(reading->plain, c + 1, length);
    const char *after = c + 1 + length;
    long number = strtol(after, NULL, 10);
    if (*after == ' ')
        number = 0;              /* the blank ends the control, what follows is text */
    else
        after += strspn(after, "-0123456789");
    take_word(reading, word, number);
    if (strcmp(word, "u") == 0) {
        assert_int_equal(*after, '?');
        return after + 1;
    }
    return *after == ' ' ? after + 1 : after;
}

static struct reading read_rtf(const void *owner, const char *rtf)
{
    struct reading reading = {.plain = text_new(owner)};
    long depth = 0;
    assert_int_equal(strncmp(rtf, "{\\rtf1", 6), 0);
    for (const char *c = rtf; *c != '\0';) {
        assert_true((unsigned char)*c < 0x80);
        if (*c == '\\') {
            c = take_control(&reading, c);
            continue;
        }
        depth += *c == '{' ? 1 : *c == '}' ? -1 : 0;
        assert_true(depth >= 0 && (depth > 0 || c[1] == '\n' || c[1] == '\0' || *c == '\n'));
        if (strchr("{}\n", *c) == NULL)
            text_append_bytes(reading.plain, c, 1);
        c++;
    }
    assert_int_equal(depth, 0);
    return reading;
}

static struct layout new_layout(const void *owner)
{
    struct layout layout = {.document = memory_new(owner, struct document)};
    layout.document->title = "A trial of {cells}";
    layout.document->cut = "demo, data cut 2";
    layout_begin_chapter(&layout, 1, "chapter", "Chapter");
    return layout;
}

static struct table *new_table(struct layout *layout, size_t columns, size_t rows)
{
    struct table *table = layout_add_table(layout, "t1", "Values");
    table->label_title = "Statistic";
    for (size_t c = 0; c < columns; c++)
        table_add_column(table, memory_format(table, "COHORT-%zu", c + 1), "N = 80", CELL_NUMBER);
    for (size_t r = 0; r < rows; r++) {
        struct table_row *row = table_add_row(table, r < rows / 2 ? "Month 3" : "Month 6", "Mean", 0);
        for (size_t c = 0; c < columns; c++)
            table_set_cell(table, row, c, CELL_NUMBER, "-16.43 [-18.20, -14.71]");
    }
    return table;
}

static void test_render_rtf_table_has_all_rows_and_a_head_that_repeats(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct table *table = new_table(&layout, 3, 4);
    table->rows[1].cells[2].footnote = table_footnote(table, "one value has no limits");
    table_set_estimand(table, &(struct estimand){"treated subjects", NULL, "change", "difference"});
    struct text *out = text_new(owner);
    render_rtf_table(out, layout.document, table);
    struct reading reading = read_rtf(owner, out->bytes);
    assert_int_equal(reading.rows, 1 + 2 + 4);   /* head, two groups, rows */
    assert_int_equal(reading.head_rows, 1);
    assert_non_null(strstr(out->bytes, "\\landscape"));
    assert_non_null(
        strstr(reading.plain->bytes, "Statistic|COHORT-1\nN = 80|COHORT-2\nN = 80|COHORT-3\nN = 80|\n"));
    assert_non_null(strstr(reading.plain->bytes, "Month 3|\nMean|-16.43 [-18.20, -14.71]|"));
    assert_non_null(strstr(reading.plain->bytes, "-14.71]a|\nMonth 6|\n"));
    assert_non_null(strstr(reading.plain->bytes, "a one value has no limits\n"));
    assert_non_null(strstr(reading.plain->bytes, "Estimand, Population: treated subjects\n"));
    assert_non_null(strstr(reading.plain->bytes, "A trial of {cells}"));
    assert_int_equal(
        markup_count(out->bytes, "\\fldinst PAGE}") + markup_count(out->bytes, "\\fldinst NUMPAGES}"), 2);
    talloc_free(owner);
}

/* Twips from the left of each cell's right edge in the last row. */
static void read_last_edges(const char *rtf, long *edges, size_t count)
{
    const char *row = rtf;
    for (const char *next = rtf; (next = strstr(next, "\\trowd")) != NULL; next++)
        row = next;
    for (size_t i = 0; i < count; i++) {
        row = strstr(row, "\\cellx");
        assert_non_null(row);
        row += strlen("\\cellx");
        edges[i] = strtol(row, NULL, 10);
    }
}

static void test_render_rtf_table_gives_long_texts_the_room_that_numbers_leave(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct table *table = layout_add_table(&layout, "t", "Claims");
    table_add_column(table, "Population", "", CELL_TEXT);
    table_add_column(table, "Estimate", "", CELL_NUMBER);
    struct table_row *row = table_add_row(table, "", "row", 0);
    table_set_cell(table, row, 0, CELL_TEXT, "treated, with a change at the visit and at least one later one");
    table_set_cell(table, row, 1, CELL_NUMBER, "10.8 [-1.1, 22.8]");
    struct text *out = text_new(owner);
    render_rtf_table(out, layout.document, table);
    long edges[3];
    read_last_edges(out->bytes, edges, 3);
    assert_true(edges[1] - edges[0] > 2 * (edges[2] - edges[1]));
    assert_int_equal(edges[2], 15398);                   /* the page without its margins */
    talloc_free(owner);
}

static void test_render_rtf_table_escapes_what_people_write(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "back\\slash {brace}",
        "5 \xc2\xb5g, \xe2\x89\xa5 2", "\xe8\x86\x9d", "\xf0\x9f\xa6\xb5 knee",
        "\\par \\'e4 \\u228?",
        "first\tsecond",
    };
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct table *table = layout_add_table(&layout, "t", "Texts");
    table->label_title = "Row";
    table_add_column(table, "Text", "", CELL_TEXT);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        table_set_cell(table, table_add_row(table, "", "row", 0), 0, CELL_TEXT, texts[i]);
    struct text *out = text_new(owner);
    render_rtf_table(out, layout.document, table);
    struct reading reading = read_rtf(owner, out->bytes);
    assert_int_equal(reading.rows, 1 + sizeof texts / sizeof *texts);
    for (size_t i = 0; i + 1 < sizeof texts / sizeof *texts; i++) {
        char *cell = memory_format(owner, "row|%s|\n", texts[i]);
        if (strstr(reading.plain->bytes, cell) == NULL)
            fail_msg("lost: %s", texts[i]);
    }
    assert_non_null(strstr(out->bytes, "first\\tab second"));
    assert_non_null(strstr(out->bytes, "\\u-32355?"));       /* U+819D does not fit 15 bits */
    talloc_free(owner);
}

static void test_render_rtf_table_that_is_too_wide_is_parted(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct text *out = text_new(owner);
    render_rtf_table(out, layout.document, new_table(&layout, 12, 4));
    struct reading reading = read_rtf(owner, out->bytes);
    assert_int_equal(reading.head_rows, 2);
    assert_int_equal(reading.rows, 2 * (1 + 2 + 4));
    assert_non_null(strstr(reading.plain->bytes, "Columns 1 to 6 of 12\n"));
    assert_int_equal(markup_count(reading.plain->bytes, "-16.43 ["), 12 * 4);
    talloc_free(owner);
}

static void test_render_rtf_table_long_or_empty_says_so(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct table *table = new_table(&layout, 2, 30);
    table->html_rows = 10;
    struct text *out = text_new(owner);
    render_rtf_table(out, layout.document, table);
    struct reading reading = read_rtf(owner, out->bytes);
    assert_int_equal(markup_count(reading.plain->bytes, "Mean|"), 10);
    assert_non_null(strstr(reading.plain->bytes, "The first 10 of 30 rows; all of them are in t1.csv.\n"));
    text_clear(out);
    render_rtf_table(out, layout.document, new_table(&layout, 0, 0));
    reading = read_rtf(owner, out->bytes);
    assert_int_equal(reading.rows, 2);
    assert_non_null(strstr(reading.plain->bytes, "none|\n"));
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_render_rtf_table_has_all_rows_and_a_head_that_repeats),
        cmocka_unit_test(test_render_rtf_table_gives_long_texts_the_room_that_numbers_leave),
        cmocka_unit_test(test_render_rtf_table_escapes_what_people_write),
        cmocka_unit_test(test_render_rtf_table_that_is_too_wide_is_parted),
        cmocka_unit_test(test_render_rtf_table_long_or_empty_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
