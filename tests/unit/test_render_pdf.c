/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way to WeasyPrint and back: by scripts that behave as a program may, then by WeasyPrint itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forms/base/memory.h"
#include "reports/render_html.h"
#include "reports/render_pdf.h"
#include "tests/support/command.h"
#include "tests/support/figures.h"
#include "tests/support/markup.h"

static const int64_t cut_us = (int64_t)1767225600 * 1000000;      /* 2026-01-01 */

struct fixture {
    char folder[64];
    struct text *html, *pdf;
    struct error error;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/test_render_pdf.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->html = text_new(fixture);
    fixture->pdf = text_new(fixture);
    text_append(fixture->html, "<!DOCTYPE html><title>t</title><p>text</p>");
    text_append(fixture->pdf, "before");
    *state = fixture;
    return 0;
}

static char *path_of(const struct fixture *fixture, const char *name)
{
    return memory_format(fixture, "%s/%s", fixture->folder, name);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    unlink(path_of(fixture, "program"));
    unlink(path_of(fixture, "report.pdf"));
    assert_int_equal(rmdir(fixture->folder), 0);
    return talloc_free(fixture);
}

/* A program that does `commands`. */
static const char *write_program(const struct fixture *fixture, const char *commands)
{
    const char *path = path_of(fixture, "program");
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", commands);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0700), 0);
    return path;
}

static bool convert(struct fixture *fixture, const struct pdf_options *options)
{
    return render_pdf(fixture->html, options, fixture->pdf, &fixture->error);
}

static void check_failed(const struct fixture *fixture, enum error_kind kind, const char *part)
{
    assert_int_equal(fixture->error.kind, kind);
    if (strstr(fixture->error.message, part) == NULL)
        fail_msg("%s", fixture->error.message);
    assert_string_equal(fixture->pdf->bytes, "before");
    assert_int_equal(fixture->pdf->length, strlen("before"));
}

static void test_render_pdf_without_the_program_names_the_package(void **state)
{
    struct fixture *fixture = *state;
    const char *nowhere = path_of(fixture, "nowhere");
    assert_false(convert(fixture, &(struct pdf_options){.program = nowhere}));
    check_failed(fixture, ERROR_NOT_FOUND, "install the package weasyprint");
}

/* More than any pipe holds, both ways at once. */
static void test_render_pdf_large_page_goes_through_whole(void **state)
{
    struct fixture *fixture = *state;
    enum { LINES = 200000 };
    for (size_t i = 0; i < LINES; i++)
        text_append_format(fixture->html, "line %zu\n", i);
    const char *program = write_program(fixture, "printf %%PDF-; cat");
    assert_true(convert(fixture, &(struct pdf_options){.program = program}));
    assert_int_equal(strncmp(fixture->pdf->bytes, "before%PDF-", 11), 0);
    assert_string_equal(fixture->pdf->bytes + 11, fixture->html->bytes);
}

static void test_render_pdf_program_sees_the_cut_and_little_else(void **state)
{
    struct fixture *fixture = *state;
    setenv("PGPASSWORD", "secret", 1);
    const char *program = write_program(fixture, "printf %%PDF-; env");
    assert_true(convert(fixture, &(struct pdf_options){.program = program, .cut_made_us = cut_us}));
    unsetenv("PGPASSWORD");
    assert_non_null(strstr(fixture->pdf->bytes, "SOURCE_DATE_EPOCH=1767225600\n"));
    assert_non_null(strstr(fixture->pdf->bytes, "LC_ALL=C.UTF-8\n"));
    assert_null(strstr(fixture->pdf->bytes, "PGPASSWORD"));
}

static void test_render_pdf_program_that_fails_is_quoted(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *commands, *part;
    } cases[] = {
        {"echo one >&2; echo 'two: no fonts' >&2; exit 3", "status 3: two: no fonts"},
        {"printf %%PDF-half; exit 1", "status 1: "},
        {"echo hello", "gave no PDF"},
        {"cat > /dev/null", "gave no PDF"},
        {"kill -9 $$", "signal 9"},
        {"exec 0<&-; exit 4", "status 4"},
    };
    for (size_t i = 0; i < 100000; i++)
        text_append(fixture->html, "not read by those that fail\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *program = write_program(fixture, cases[i].commands);
        assert_false(convert(fixture, &(struct pdf_options){.program = program}));
        check_failed(fixture, ERROR_IO, cases[i].part);
    }
}

static void test_render_pdf_program_that_does_not_end_is_ended(void **state)
{
    struct fixture *fixture = *state;
    static const char *const commands[] = {
        "exec sleep 1000", "exec sleep 1000 > /dev/null 2>&1 < /dev/null", "printf %%PDF-; exec sleep 1000",
    };
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        const char *program = write_program(fixture, commands[i]);
        assert_false(convert(fixture, &(struct pdf_options){.program = program, .timeout_seconds = 1}));
        check_failed(fixture, ERROR_BUSY, "took longer than 1 s");
    }
}

/* --- WeasyPrint ----------------------------------------------------------------------------------------- */

/* A report with every kind of figure and a table of several pages. */
static void write_report(struct fixture *fixture)
{
    struct layout layout = {.document = memory_new(fixture, struct document)};
    layout.document->title = "Trial of \"cells\"";
    layout.document->cut = "demo, data cut 2";
    layout_begin_chapter(&layout, 1, "chapter", "Figures");
    for (size_t i = 0; i < FIGURES_KINDS; i++) {
        struct figure *figure = layout_add_figure(&layout, "f", "f");
        struct table *data = figure->data;
        *figure = *figures_new(fixture, i, 3, 60);
        figure->data = data;
    }
    layout_begin_chapter(&layout, 2, "tables", "Tables");
    struct table *table = layout_add_table(&layout, "long", "Long");
    table->label_title = "Subject-column";
    table->listing = true;
    table_add_column(table, "Text", "", CELL_TEXT);
    for (size_t i = 0; i < 200; i++)
        table_set_cell(table, table_add_row(table, "", "row", 0), 0, CELL_TEXT, "knee pain");
    text_clear(fixture->html);
    render_html(fixture->html, layout.document);
}

/* The text of page `number`, or of all pages for 0, by pdftotext. */
static const char *read_page(const struct fixture *fixture, int number)
{
    char *range =
        number > 0 ? memory_format(fixture, "-f %d -l %d", number, number) : memory_copy_string(fixture, "");
    char *command =
        memory_format(fixture, "pdftotext %s -layout %s -", range, path_of(fixture, "report.pdf"));
    int status = -1;
    const char *page = command_run(fixture, command, &status);
    assert_int_equal(status, 0);
    return page;
}

/* A chapter with one table of `rows` rows of long texts, below a paragraph. */
static void write_long_texts(struct fixture *fixture, size_t rows)
{
    struct layout layout = {.document = memory_new(fixture, struct document)};
    layout.document->title = "Trial";
    layout_begin_chapter(&layout, 1, "claims", "Claims");
    layout_add_paragraph(&layout, "Paragraph over the table.");
    struct table *table = layout_add_table(&layout, "t", "Table title");
    table->label_title = "Columnhead";
    for (int c = 0; c < 5; c++)
        table_add_column(table, "Text", "", CELL_TEXT);
    for (size_t r = 0; r < rows; r++) {
        struct table_row *row = table_add_row(table, "", memory_format(table, "row%zu", r + 1), 0);
        for (size_t c = 0; c < 5; c++)
            table_set_cell(table, row, c, CELL_TEXT,
                           "the interval between every two groups lies wholly within the margin: they are alike, "
                           "whichever of the groups is named as the first one");
    }
    text_clear(fixture->html);
    render_html(fixture->html, layout.document);
}

static void save_pdf(struct fixture *fixture)
{
    text_clear(fixture->pdf);
    if (!convert(fixture, &(struct pdf_options){.cut_made_us = cut_us}))
        fail_msg("%s", fixture->error.message);
    FILE *file = fopen(path_of(fixture, "report.pdf"), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(fixture->pdf->bytes, 1, fixture->pdf->length, file), fixture->pdf->length);
    assert_int_equal(fclose(file), 0);
}

/* No page with a heading, or a title, or a head alone; a continued table repeats its head and not its title. */
static void test_render_pdf_headings_stand_with_the_first_rows_of_their_table(void **state)
{
    struct fixture *fixture = *state;
    enum { FIRST = 3 };          /* after the title page and the contents */
    write_long_texts(fixture, 30);
    save_pdf(fixture);
    const char *first = read_page(fixture, FIRST);
    static const char *const together[] = {"1. Claims", "Paragraph over", "Table title", "Columnhead", "row1 "};
    for (size_t i = 0; i < sizeof together / sizeof *together; i++)
        if (strstr(first, together[i]) == NULL)
            fail_msg("page %d lacks \"%s\":\n%s", FIRST, together[i], first);
    const char *second = read_page(fixture, FIRST + 1);
    assert_non_null(strstr(second, "Columnhead"));
    assert_null(strstr(second, "Table title"));
}

static void test_render_pdf_of_a_report_has_heads_page_numbers_and_the_same_bytes(void **state)
{
    struct fixture *fixture = *state;
    write_report(fixture);
    const struct pdf_options options = {.cut_made_us = cut_us};
    struct text *again = text_new(fixture);
    text_clear(fixture->pdf);
    if (!convert(fixture, &options) || !render_pdf(fixture->html, &options, again, &fixture->error))
        fail_msg("%s", fixture->error.message);
    assert_int_equal(again->length, fixture->pdf->length);
    assert_memory_equal(again->bytes, fixture->pdf->bytes, again->length);
    FILE *file = fopen(path_of(fixture, "report.pdf"), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(again->bytes, 1, again->length, file), again->length);
    assert_int_equal(fclose(file), 0);
    const char *all = read_page(fixture, 0);
    size_t pages = markup_count(all, "\f");
    assert_true(pages > 6);
    for (size_t page = 1; page <= pages; page++) {
        const char *text = read_page(fixture, (int)page);
        assert_non_null(strstr(text, memory_format(fixture, "Page %zu of %zu", page, pages)));
        assert_non_null(strstr(text, "demo, data cut 2"));
        assert_int_equal(markup_count(text, "Trial of \"cells\""), 1);
        if (strstr(text, "knee pain") != NULL)
            assert_int_equal(markup_count(text, "Subject-column"), 1);   /* the head repeats */
    }
    assert_true(markup_count(all, "Subject-column") >= 3);
    assert_int_equal(markup_count(all, "knee pain"), 200);
    assert_non_null(strstr(all, "At risk"));                 /* labels of drawings are text */
}

static void test_render_pdf_with_too_little_memory_fails(void **state)
{
    struct fixture *fixture = *state;
    write_report(fixture);
    assert_false(convert(fixture, &(struct pdf_options){.memory_bytes = (size_t)32 << 20}));
    assert_int_equal(fixture->error.kind, ERROR_IO);
    assert_string_equal(fixture->pdf->bytes, "before");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_render_pdf_without_the_program_names_the_package),
        TEST(test_render_pdf_large_page_goes_through_whole),
        TEST(test_render_pdf_program_sees_the_cut_and_little_else),
        TEST(test_render_pdf_program_that_fails_is_quoted),
        TEST(test_render_pdf_program_that_does_not_end_is_ended),
        TEST(test_render_pdf_headings_stand_with_the_first_rows_of_their_table),
        TEST(test_render_pdf_of_a_report_has_heads_page_numbers_and_the_same_bytes),
        TEST(test_render_pdf_with_too_little_memory_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
