/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/manifest.h"
#include "reports/render_columns.h"
#include "reports/render_csv.h"
#include "reports/render_html.h"
#include "reports/report.h"
#include "tests/support/markup.h"
#include "tests/support/study.h"

enum { LISTED = 250 };

/* A layout with one chapter, for tables made by hand. */
static struct layout new_layout(const void *owner)
{
    struct layout layout = {.document = memory_new(owner, struct document)};
    layout.document->title = "Report";
    layout_begin_chapter(&layout, 1, "chapter", "Chapter");
    return layout;
}

static struct table *new_table(struct layout *layout, const char *const *texts, size_t count)
{
    struct table *table = layout_add_table(layout, "T 1: texts", "Texts");
    table->label_title = "Row";
    table_add_column(table, "Text", "", CELL_TEXT);
    table_add_column(table, "Number", "N = 3", CELL_NUMBER);
    for (size_t i = 0; i < count; i++) {
        struct table_row *row = table_add_row(table, "", "row", 0);
        table_set_cell(table, row, 0, CELL_TEXT, texts[i]);
        table_set_cell(table, row, 1, CELL_NUMBER, "-4.5");
    }
    return table;
}

static void test_render_csv_table_disarms_formulas_but_not_numbers(void **state)
{
    (void)state;
    static const char *const texts[] = {"=1+1",      "+49 30", "-x", "@SUM(A1)", "\tx", "plain, with comma",
                                        "say \"so\""};
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct text *out = text_new(owner);
    render_csv_table(out, new_table(&layout, texts, sizeof texts / sizeof *texts));
    assert_string_equal(out->bytes, "Row,Text,Number (N = 3)\n"
                                    "row,'=1+1,-4.5\n"
                                    "row,'+49 30,-4.5\n"
                                    "row,'-x,-4.5\n"
                                    "row,'@SUM(A1),-4.5\n"
                                    "row,'\tx,-4.5\n"
                                    "row,\"plain, with comma\",-4.5\n"
                                    "row,\"say \"\"so\"\"\",-4.5\n");
    talloc_free(owner);
}

static void test_render_html_texts_from_outside_are_escaped(void **state)
{
    (void)state;
    static const char *const texts[] = {"<script>alert(1)</script>", "\" onload=\"x", "a & b"};
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    new_table(&layout, texts, sizeof texts / sizeof *texts);
    layout_add_notice(&layout, "%s", texts[0]);
    layout_add_document_fact(&layout, "Study", "%s", texts[1]);
    layout_add_paragraph(&layout, "%s", texts[0]);
    struct text *out = text_new(owner);
    render_html(out, layout.document);
    markup_check(out->bytes);
    assert_int_equal(markup_count(out->bytes, "<script"), 1);     /* the page's own */
    assert_null(strstr(out->bytes, "\" onload"));
    assert_int_equal(markup_count(out->bytes, "&lt;script&gt;alert(1)"), 3);
    talloc_free(owner);
}

static void test_render_html_long_listing_shows_the_first_rows_and_says_so(void **state)
{
    (void)state;
    const char *texts[LISTED];
    for (size_t i = 0; i < LISTED; i++)
        texts[i] = "cell-text";
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct table *table = new_table(&layout, texts, LISTED);
    table->html_rows = 200;
    struct text *html = text_new(owner), *csv = text_new(owner);
    render_html(html, layout.document);
    render_csv_table(csv, table);
    assert_int_equal(markup_count(html->bytes, "cell-text"), 200);
    assert_non_null(strstr(html->bytes, "The first 200 of 250 rows"));
    assert_int_equal(markup_count(csv->bytes, "cell-text"), LISTED);
    talloc_free(owner);
}

static void test_render_html_footnotes_are_shared_and_linked(void **state)
{
    (void)state;
    static const char *const texts[] = {"a", "b", "c"};
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct table *table = new_table(&layout, texts, 3);
    table->rows[0].cells[1].footnote = table_footnote(table, "one value has no standard deviation");
    table->rows[1].cells[1].footnote = table_footnote(table, "nobody");
    table->rows[2].cells[1].footnote = table_footnote(table, "one value has no standard deviation");
    struct text *out = text_new(owner);
    render_html(out, layout.document);
    markup_check(out->bytes);
    assert_int_equal(markup_count(out->bytes, "href=\"#t-1-texts-1\">a</a>"), 2);
    assert_int_equal(markup_count(out->bytes, "href=\"#t-1-texts-2\">b</a>"), 1);
    assert_int_equal(markup_count(out->bytes, "one value has no standard deviation"), 1);
    talloc_free(owner);
}

/*
 * The policy names the hash of the script as it stands between its tags: a browser would not run it
 * otherwise.
 */
static void test_render_html_policy_lets_its_own_script_run(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct text *out = text_new(owner);
    render_html(out, layout.document);
    const char *script = strstr(out->bytes, "<script>") + strlen("<script>");
    char hash[65], named[65];
    manifest_hash(script, (size_t)(strstr(script, "</script>") - script), hash);
    const char *policy = strstr(out->bytes, "script-src 'sha256-");
    assert_non_null(policy);
    policy += strlen("script-src 'sha256-");
    unsigned char digest[33];
    assert_int_equal(strcspn(policy, "'"), 44);
    assert_int_equal(EVP_DecodeBlock(digest, (const unsigned char *)policy, 44), 33);
    text_to_hex(digest, 32, named);
    assert_string_equal(hash, named);
    talloc_free(owner);
}

/* Columns of a table with `count` columns of wide numbers. */
static struct table *new_wide_table(struct layout *layout, size_t count)
{
    struct table *table = layout_add_table(layout, "wide", "Wide");
    table->label_title = "Statistic";
    for (size_t c = 0; c < count; c++)
        table_add_column(table, memory_format(layout->document, "COHORT-%zu", c + 1), "N = 80", CELL_NUMBER);
    struct table_row *row = table_add_row(table, "", "95 % CI of the mean", 0);
    for (size_t c = 0; c < count; c++)
        table_set_cell(table, row, c, CELL_NUMBER, "-16.43 [-18.20, -14.71]");
    return table;
}

/* Their padding is smaller than that of other tables; a line that belongs to the one above it stays indented. */
static void test_render_html_small_print_keeps_indents(void **state)
{
    (void)state;
    const char *small = strstr(render_html_style, "table.wide th,");
    assert_non_null(small);
    assert_non_null(strstr(small, "table.wide th.i1{padding-left:"));
}

static void test_render_html_table_that_is_too_wide_is_parted_by_columns(void **state)
{
    (void)state;
    static const struct {
        size_t columns, parts;
    } cases[] = {{0, 1}, {3, 1}, {6, 1}, {12, 2}, {40, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *owner = memory_owner(NULL, "test");
        struct layout layout = new_layout(owner);
        new_wide_table(&layout, cases[i].columns);
        struct text *out = text_new(owner);
        render_html(out, layout.document);
        markup_check(out->bytes);
        assert_int_equal(markup_count(out->bytes, "<table "), cases[i].parts);
        assert_int_equal(markup_count(out->bytes, "-16.43 [-18.20"), cases[i].columns);
        assert_int_equal(markup_count(out->bytes, ">95 % CI of the mean<"), cases[i].parts);
        assert_int_equal(markup_count(out->bytes, "<caption>Columns "),
                         cases[i].parts > 1 ? cases[i].parts : 0);
        talloc_free(owner);
    }
}

/* Pages turn for what fits no upright one, and no oftener: a chapter of such tables turns as a whole. */
static void test_render_html_pages_turn_for_wide_tables_only(void **state)
{
    (void)state;
    static const struct {
        size_t columns[4];       /* of each table, to the first 0 */
        const char *chapter;
        size_t turned;           /* tables that turn by themselves */
    } cases[] = {
        {{3}, "class=\"chapter\"", 0},
        {{5}, "class=\"chapter\"", 0},      /* signs and blanks are narrow */
        {{12}, "class=\"chapter across\"", 0},
        {{3, 12, 3}, "class=\"chapter\"", 1},
        {{12, 3, 3}, "class=\"chapter across\"", 0},
        {{3, 12, 12}, "class=\"chapter across\"", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *owner = memory_owner(NULL, "test");
        struct layout layout = new_layout(owner);
        for (size_t t = 0; cases[i].columns[t] > 0; t++)
            new_wide_table(&layout, cases[i].columns[t])->id = memory_format(owner, "wide-%zu", t);
        struct text *out = text_new(owner);
        render_html(out, layout.document);
        markup_check(out->bytes);
        assert_int_equal(markup_count(out->bytes, cases[i].chapter), 1);
        assert_int_equal(markup_count(out->bytes, "<section class=\"table short across\""), cases[i].turned);
        talloc_free(owner);
    }
}

/* What print keeps together fits on a page: groups of few rows, tables of few lines, their texts wrapped. */
static void test_render_html_print_keeps_together_what_fits_on_a_page(void **state)
{
    (void)state;
    static const char words[] = "the interval between every two groups lies wholly within the margin: they "
                                "are alike, whichever of them is the first, and the study says so";
    static const struct {
        size_t rows;
        const char *group, *text;
        size_t whole, kept;
    } cases[] = {{12, "Group", "short", 1, 1}, {17, "Group", "short", 0, 1}, {12, "", "short", 0, 1},
                 {40, "", "short", 0, 0},      {20, "", words, 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *owner = memory_owner(NULL, "test");
        struct layout layout = new_layout(owner);
        struct table *table = layout_add_table(&layout, "t", "Texts");
        for (int c = 0; c < 6; c++)
            table_add_column(table, "Text", "", CELL_TEXT);
        for (size_t r = 0; r < cases[i].rows; r++)
            table_set_cell(table, table_add_row(table, cases[i].group, "row", 0), 0, CELL_TEXT, cases[i].text);
        struct text *out = text_new(owner);
        render_html(out, layout.document);
        markup_check(out->bytes);
        assert_int_equal(markup_count(out->bytes, "<tbody class=\"whole\">"), cases[i].whole);
        assert_int_equal(markup_count(out->bytes, "<section class=\"table short\""), cases[i].kept);
        talloc_free(owner);
    }
}

/* A screen reader announces a head without text as an empty one; a chapter may have the id of its table. */
static void test_render_html_heads_have_texts_and_anchors_are_unique(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct table *table = layout_add_table(&layout, "chapter", "Counts");
    static const char *const groups[] = {"First", "", "Last"};
    table->group_title = "Visit";
    table_add_column(table, "n", "", CELL_NUMBER);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        table_set_cell(table, table_add_row(table, groups[i], "row", 0), 0, CELL_NUMBER, "1");
    struct text *out = text_new(owner);
    render_html(out, layout.document);
    markup_check(out->bytes);
    assert_int_equal(markup_count(out->bytes, "scope=\"rowgroup\""), 2);
    assert_int_equal(markup_count(out->bytes, "<tbody"), 3);
    assert_null(strstr(out->bytes, "<span></span>"));
    assert_int_equal(markup_count(out->bytes, "href=\"#chapter-chapter\""), 1);
    assert_int_equal(markup_count(out->bytes, "href=\"#chapter\""), 1);
    talloc_free(owner);
}

/* A long narrow table leaves no page empty beside it. */
static void test_render_html_narrow_long_table_prints_in_columns(void **state)
{
    (void)state;
    static const struct {
        size_t columns, rows;
        const char *class;
    } cases[] = {
        {1, 30, "class=\"scroll kept beside4\""},
        {1, 8, "class=\"scroll kept\""},                 /* too short to be worth it */
        {2, 60, "class=\"scroll kept beside4\""},
        {10, 60, "class=\"scroll beside2\""},
        {20, 60, "class=\"scroll\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *owner = memory_owner(NULL, "test");
        struct layout layout = new_layout(owner);
        struct table *table = layout_add_table(&layout, "narrow", "Narrow");
        for (size_t c = 0; c < cases[i].columns; c++)
            table_add_column(table, "n", "", CELL_NUMBER);
        for (size_t r = 0; r < cases[i].rows; r++)
            table_add_row(table, "", "0.05", 0);
        struct text *out = text_new(owner);
        render_html(out, layout.document);
        if (markup_count(out->bytes, cases[i].class) != 1)
            fail_msg("%zu columns, %zu rows: not %s", cases[i].columns, cases[i].rows, cases[i].class);
        talloc_free(owner);
    }
}

static void test_render_html_names_of_a_whole_column_stay_on_one_line(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct table *table = layout_add_table(&layout, "l", "Records");
    table->listing = true;
    table_add_column(table, "Form", "", CELL_TEXT);
    table_add_column(table, "Decision", "", CELL_TEXT);
    table->columns[0].whole = true;
    struct table_row *row = table_add_row(table, "", "01-0001", 0);
    table_set_cell(table, row, 0, CELL_TEXT, "Knee pain, visual analogue scale");
    table_set_cell(table, row, 1, CELL_TEXT, "the record of day 92 is closer to the target");
    struct text *out = text_new(owner);
    render_html(out, layout.document);
    assert_int_equal(markup_count(out->bytes, "<td class=\"word\">Knee pain"), 1);
    assert_int_equal(markup_count(out->bytes, "<td>the record"), 1);
    struct columns columns = columns_divide(owner, table, COLUMNS_ACROSS);
    assert_true(columns.characters[0] >= 32 && columns.characters[1] < 12);
    talloc_free(owner);
}

/* Ids of cohorts and subjects: "AD-MSC" broken at its hyphen makes every row of a listing two lines. */
static void test_render_html_words_with_hyphens_stay_whole(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t whole;
    } cases[] = {{"AD-MSC", 1},
                 {"steroid", 0},
                 {"non-steroidal and others", 0},
                 {"a-very-long-word-that-cannot-stay", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        void *owner = memory_owner(NULL, "test");
        struct layout layout = new_layout(owner);
        new_table(&layout, &cases[i].text, 1);
        struct text *out = text_new(owner);
        render_html(out, layout.document);
        assert_int_equal(markup_count(out->bytes, "<td class=\"word\">"), cases[i].whole);
        talloc_free(owner);
    }
}

/* An estimate with a sentence beside it does not take the page's width. */
static void test_render_html_long_number_takes_several_lines(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct table *table = new_wide_table(&layout, 3);
    table_set_cell(table, &table->rows[0], 1, CELL_NUMBER,
                   "-6.54 [-12.64, -0.43]; adjusted, E-value 2.13 (of the limit 1.17)");
    struct text *out = text_new(owner);
    render_html(out, layout.document);
    assert_int_equal(markup_count(out->bytes, "<td class=\"n several\">-6.54"), 1);
    assert_int_equal(markup_count(out->bytes, "<td class=\"n\">-16.43"), 2);
    assert_int_equal(markup_count(out->bytes, "class=\"chapter\""), 1);
    talloc_free(owner);
}

static void test_render_html_estimand_stands_over_its_table(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    struct table *table = new_wide_table(&layout, 2);
    table_set_estimand(table,
                       &(struct estimand){"treated subjects", NULL, "change of pain at M12", "difference"});
    table_add_intercurrent(table, "rescue <injection>", "treatment policy");
    struct text *out = text_new(owner);
    render_html(out, layout.document);
    markup_check(out->bytes);
    const char *box = strstr(out->bytes, "class=\"estimand\"");
    assert_non_null(box);
    assert_true(box > strstr(out->bytes, "id=\"wide\"") && box < strstr(out->bytes, "<table "));
    assert_non_null(strstr(box, "rescue &lt;injection&gt;: treatment policy"));
    assert_null(strstr(out->bytes, "<dt>Treatment</dt>"));
    talloc_free(owner);
}

static void test_render_html_title_in_the_running_head_cannot_leave_the_style(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct layout layout = new_layout(owner);
    layout.document->title = "</style><b>\"}body{display:none}\\ trial";
    layout.document->cut = "cut \"1\"";
    struct text *out = text_new(owner);
    render_html(out, layout.document);
    markup_check(out->bytes);
    assert_int_equal(markup_count(out->bytes, "<b>"), 0);
    assert_non_null(strstr(
        out->bytes, "@top-left{content:\"\\3c /style\\3e \\3c b\\3e \\22 }body{display:none}\\5c  trial\"}"));
    assert_non_null(strstr(out->bytes, "@bottom-left{content:\"cut \\22 1\\22 \"}"));
    talloc_free(owner);
}

/* --- a whole report ------------------------------------------------------------------------------------ */

static struct report *new_report(const void *owner)
{
    struct study *study = study_new(owner, "tests/support/study.yaml");
    for (int i = 0; i < 20; i++) {
        size_t subject = study_add_subject(study, 1, i + 1, KNEE_RIGHT, i % 2 == 0 ? "CELLS" : "CS");
        study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date("2026-01-10"));
        struct study_record *record = study_add_record(study, subject, "pain_vas", KNEE_RIGHT, "BL",
                                                 study_date("2026-01-10"));
        study_answer(study, record, "vas", memory_format(owner, "%d", 40 + i));
        record = study_add_record(study, subject, "pain_vas", KNEE_RIGHT, "M3", study_date("2026-04-11"));
        study_answer(study, record, "vas", memory_format(owner, "%d", 20 + i * 7 % 20));
    }
    struct error error;
    return report_build(owner, study_finish(study), NULL, &(struct report_order){0}, &error);
}

static const struct report_file *find_file(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->file_count; i++)
        if (strcmp(report->files[i].name, name) == 0)
            return &report->files[i];
    fail_msg("no file %s", name);
    return NULL;
}

static void test_report_build_html_is_sound_and_needs_nothing_else(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const char *html = find_file(new_report(owner), "report.html")->bytes->bytes;
    markup_check(html);
    assert_true(text_is_utf8(html, strlen(html)));
    assert_int_equal(markup_count(html, "http://") + markup_count(html, "https://"), 0);
    assert_int_equal(markup_count(html, " src="), 0);
    assert_int_equal(markup_count(html, "<script"), 1);
    assert_int_equal(markup_count(html, "<th>"), 0);      /* every header cell has its scope */
    assert_int_equal(markup_count(html, "<caption"), markup_count(html, "<table "));
    assert_true(markup_count(html, "<svg ") >= 2); /* value and change of the one endpoint with values */
    assert_int_equal(markup_count(html, "nan"), markup_count(html, "finance"));
    talloc_free(owner);
}

static void test_report_build_twice_gives_the_same_bytes(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct report *first = new_report(owner), *second = new_report(owner);
    assert_int_equal(first->file_count, second->file_count);
    for (size_t i = 0; i < first->file_count; i++) {
        assert_string_equal(first->files[i].name, second->files[i].name);
        assert_string_equal(first->files[i].sha256, second->files[i].sha256);
    }
    talloc_free(owner);
}

static void test_report_build_manifest_has_the_hash_of_every_file(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct report *report = new_report(owner);
    const char *manifest = find_file(report, "manifest.json")->bytes->bytes;
    assert_string_equal(report->files[report->file_count - 1].name, "manifest.json");
    for (size_t i = 0; i + 1 < report->file_count; i++) {
        const struct report_file *file = &report->files[i];
        char *line = memory_format(owner, "{\"name\": \"%s\", \"size\": %zu, \"sha256\": \"%s\"}", file->name,
                                   file->bytes->length, file->sha256);
        assert_int_equal(markup_count(manifest, line), 1);
    }
    assert_non_null(strstr(manifest, "\"sealed\": false"));
    talloc_free(owner);
}

/* The API serves files by one path segment: the manifest must name them so. */
static void test_report_build_names_are_one_segment_and_unique(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct report *report = new_report(owner);
    for (size_t i = 0; i < report->file_count; i++) {
        const char *name = report->files[i].name;
        assert_int_equal(strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_."), strlen(name));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(name, report->files[k].name);
    }
    find_file(report, "t3-baseline.csv");
    find_file(report, "l3-adverse-events.csv");
    assert_non_null(strstr(find_file(report, "report.html")->bytes->bytes, "named after its anchor"));
    talloc_free(owner);
}

static void test_manifest_hash_is_sha256(void **state)
{
    (void)state;
    char hash[65];
    manifest_hash("abc", 3, hash);       /* FIPS 180-2, B.1 */
    assert_string_equal(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_render_csv_table_disarms_formulas_but_not_numbers),
        cmocka_unit_test(test_render_html_texts_from_outside_are_escaped),
        cmocka_unit_test(test_render_html_long_listing_shows_the_first_rows_and_says_so),
        cmocka_unit_test(test_render_html_footnotes_are_shared_and_linked),
        cmocka_unit_test(test_render_html_policy_lets_its_own_script_run),
        cmocka_unit_test(test_render_html_small_print_keeps_indents),
        cmocka_unit_test(test_render_html_table_that_is_too_wide_is_parted_by_columns),
        cmocka_unit_test(test_render_html_pages_turn_for_wide_tables_only),
        cmocka_unit_test(test_render_html_print_keeps_together_what_fits_on_a_page),
        cmocka_unit_test(test_render_html_heads_have_texts_and_anchors_are_unique),
        cmocka_unit_test(test_render_html_narrow_long_table_prints_in_columns),
        cmocka_unit_test(test_render_html_names_of_a_whole_column_stay_on_one_line),
        cmocka_unit_test(test_render_html_words_with_hyphens_stay_whole),
        cmocka_unit_test(test_render_html_long_number_takes_several_lines),
        cmocka_unit_test(test_render_html_estimand_stands_over_its_table),
        cmocka_unit_test(test_render_html_title_in_the_running_head_cannot_leave_the_style),
        cmocka_unit_test(test_report_build_html_is_sound_and_needs_nothing_else),
        cmocka_unit_test(test_report_build_twice_gives_the_same_bytes),
        cmocka_unit_test(test_report_build_manifest_has_the_hash_of_every_file),
        cmocka_unit_test(test_report_build_names_are_one_segment_and_unique),
        cmocka_unit_test(test_manifest_hash_is_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
