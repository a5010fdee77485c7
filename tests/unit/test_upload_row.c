/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/sheet.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct upload_profile dmy = {.name = "demo", .version = 1, .dates = UPLOAD_DATES_DMY,
                                          .dates_declared = true};

/* A row and the records that it is, or the codes that refuse it with their columns. */
struct example {
    const char *row;
    const char *expected[3];
};

static void expect_records(struct sheet *sheet, const struct example *example)
{
    struct upload_row row = sheet_read(sheet, example->row);
    if (row.refused)
        fail_msg("%s: %s: %s", example->row, sheet->findings.findings[0].code, sheet->findings.findings[0].text);
    for (size_t i = 0; i < row.record_count; i++) {
        if (i >= COUNT(example->expected) || example->expected[i] == NULL)
            fail_msg("%s: one more: %s", example->row, sheet_describe(sheet, &row.records[i]));
        assert_string_equal(sheet_describe(sheet, &row.records[i]), example->expected[i]);
        assert_int_equal(row.records[i].line, sheet->line.line);
    }
    if (row.record_count < COUNT(example->expected))
        assert_null(example->expected[row.record_count]);
}

static void expect_refusal(struct sheet *sheet, const struct example *example)
{
    struct upload_row row = sheet_read(sheet, example->row);
    if (!row.refused)
        fail_msg("%s: not refused: %s", example->row,
                 row.record_count > 0 ? sheet_describe(sheet, &row.records[0]) : "no record");
    assert_int_equal(row.record_count, 0);
    for (size_t i = 0; i < sheet->findings.count; i++) {
        const struct upload_finding *finding = &sheet->findings.findings[i];
        const char *got = memory_format(sheet->owner, "%s %s", finding->code,
                                        finding->column != NULL ? finding->column : "-");
        if (i >= COUNT(example->expected) || example->expected[i] == NULL)
            fail_msg("%s: one more: %s (%s)", example->row, got, finding->text);
        assert_string_equal(got, example->expected[i]);
        assert_int_equal(finding->severity, UPLOAD_ROW_REFUSED);
        assert_int_equal(finding->line, sheet->line.line);
    }
    if (sheet->findings.count < COUNT(example->expected))
        assert_null(example->expected[sheet->findings.count]);
}

#define EXPECT(function, sheet, examples)                                                                         \
    for (size_t i_ = 0; i_ < COUNT(examples); i_++)                                                               \
    function(sheet, &(examples)[i_])

/* ---- keys ---- */

static void test_upload_row_subject_is_read_in_every_usual_shape(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("Subject|Knee|Visit|Date|vas", (struct sheet_manner){.site = 7});
    static const struct example good[] = {
        {"07-0012|left|M3|2026-03-15|1", {"07-0012 left M3 2026-03-15 pain_vas vas=1"}},
        {"7-12|left|M3|2026-03-15|1", {"07-0012 left M3 2026-03-15 pain_vas vas=1"}},
        {"12|left|M3|2026-03-15|1", {"07-0012 left M3 2026-03-15 pain_vas vas=1"}},
        {"0012|left|M3|2026-03-15|1", {"07-0012 left M3 2026-03-15 pain_vas vas=1"}},
        {"12.0|left|M3|2026-03-15|1", {"07-0012 left M3 2026-03-15 pain_vas vas=1"}},
        {" \xc2\xa0" "07\xe2\x80\x91" "0012 |left|M3|2026-03-15|1", {"07-0012 left M3 2026-03-15 pain_vas vas=1"}},
    };
    static const struct example bad[] = {
        {"|left|M3|2026-03-15|1", {"unknown_subject Subject"}},
        {"Jan 12|left|M3|2026-03-15|1", {"unknown_subject Subject"}},
        {"08-0012|left|M3|2026-03-15|1", {"unknown_subject Subject"}},
        {"1.23E+11|left|M3|2026-03-15|1", {"scientific_number Subject"}},
        {"1,23e11|left|M3|2026-03-15|1", {"scientific_number Subject"}},
        {"07-0000|left|M3|2026-03-15|1", {"unknown_subject Subject"}},
        {"12345678|left|M3|2026-03-15|1", {"unknown_subject Subject"}},
    };
    EXPECT(expect_records, &sheet, good);
    EXPECT(expect_refusal, &sheet, bad);
    sheet_end(&sheet);
}

static void test_upload_row_number_alone_needs_the_site(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("subject|knee|visit|date|vas", (struct sheet_manner){.site = 0});
    static const struct example bad[] = {{"12|left|M3|2026-03-15|1", {"unknown_subject subject"}}};
    EXPECT(expect_refusal, &sheet, bad);
    sheet_end(&sheet);
    sheet = sheet_of("site|subject|knee|visit|date|vas", (struct sheet_manner){.site = 0});
    static const struct example good[] = {
        {"7|12|left|M3|2026-03-15|1", {"07-0012 left M3 2026-03-15 pain_vas vas=1"}}};
    EXPECT(expect_records, &sheet, good);
    sheet_end(&sheet);
}

static void test_upload_row_knee_and_visit_are_words(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("subject|knee|visit|date|vas", (struct sheet_manner){.site = 7});
    static const struct example good[] = {
        {"12|L|M3|2026-03-15|1", {"07-0012 left M3 2026-03-15 pain_vas vas=1"}},
        {"12|Rechts|3 months|2026-03-15|1", {"07-0012 right M3 2026-03-15 pain_vas vas=1"}},
        {"12|right|unscheduled|2026-03-15|1", {"07-0012 right - 2026-03-15 pain_vas vas=1"}},
        {"12|right||2026-03-15|1", {"07-0012 right - 2026-03-15 pain_vas vas=1"}},
    };
    static const struct example bad[] = {
        {"12|both|M3|2026-03-15|1", {"unknown_knee knee"}},
        {"12|left|M9|2026-03-15|1", {"unknown_visit visit"}},
        {"Nr|side|name|day|mm",
         {"unknown_subject subject", "unknown_visit visit", "unknown_knee knee"}},
    };
    EXPECT(expect_records, &sheet, good);
    for (size_t i = 0; i < 2; i++)
        expect_refusal(&sheet, &bad[i]);
    struct upload_row row = sheet_read(&sheet, bad[2].row);
    assert_true(row.refused);
    assert_int_equal(sheet.findings.count, 5);   /* with the date and the number */
    sheet_end(&sheet);
}

static void test_upload_row_leaves_out_what_does_not_matter_to_the_form(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("subject|knee|visit|date|form|index_knee|term", (struct sheet_manner){.site = 7});
    static const struct example good[] = {
        {"12|left|BL|2026-03-15|enrolment|right|", {"07-0012 - - 2026-03-15 enrolment index_knee=right"}},
        {"12|left|M3|2026-03-15|Adverse event||rash", {"07-0012 left - 2026-03-15 adverse_event term=rash"}},
        {"12|none|M3|2026-03-15|adverse_event||rash", {"07-0012 - - 2026-03-15 adverse_event term=rash"}},
    };
    static const struct example bad[] = {
        {"12|left|BL|2026-03-15|enrolment|right|rash", {"unknown term"}},
        {"12|left|BL|2026-03-15|enrolmnt|right|", {"unknown_form form"}},
    };
    EXPECT(expect_records, &sheet, good);
    EXPECT(expect_refusal, &sheet, bad);
    sheet_end(&sheet);
}

static void test_upload_row_instance_is_a_number_and_never_new(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("subject|knee|date|instance|term", (struct sheet_manner){.site = 7});
    static const struct example good[] = {
        {"12|left|2026-03-15|2|rash", {"07-0012 left - 2026-03-15 adverse_event#2 term=rash"}},
        {"12|left|2026-03-15|2.0|rash", {"07-0012 left - 2026-03-15 adverse_event#2 term=rash"}},
        {"12|left|2026-03-15||rash", {"07-0012 left - 2026-03-15 adverse_event term=rash"}},
    };
    static const struct example bad[] = {
        {"12|left|2026-03-15|new|rash", {"bad_instance instance"}},
        {"12|left|2026-03-15|0|rash", {"bad_instance instance"}},
        {"12|left|2026-03-15|first|rash", {"bad_instance instance"}},
        {"12|left|2026-03-15|10000|rash", {"bad_instance instance"}},
    };
    EXPECT(expect_records, &sheet, good);
    EXPECT(expect_refusal, &sheet, bad);
    sheet_end(&sheet);
}

/* ---- the row as a whole ---- */

static void test_upload_row_of_another_length_is_refused(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("subject|knee|visit|date|vas", (struct sheet_manner){.site = 7});
    static const struct example bad[] = {
        {"12|left|M3|2026-03-15", {"field_count -"}},
        {"12|left|M3|2026-03-15|1|", {"field_count -"}},
    };
    EXPECT(expect_refusal, &sheet, bad);
    struct csv_line line = *sheet_line(&sheet, "12|left|M3|2026-03-15|1");
    line.fault = "control_character";
    line.fault_cell = 4;
    sheet.findings = upload_findings_begin(sheet.owner);
    struct upload_row row = upload_row_read(sheet.owner, sheet.plan, &line, &sheet.findings);
    assert_true(row.refused);
    assert_string_equal(sheet.findings.findings[0].code, "control_character");
    assert_string_equal(sheet.findings.findings[0].column, "vas");
    sheet_end(&sheet);
}

static void test_upload_row_rejected_or_void_rows_say_nothing_else(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("subject|knee|visit|date|vas|KEY|Status|ReviewState",
                                  (struct sheet_manner){.site = 7});
    static const struct example bad[] = {
        {"||||||not decrypted|", {"not_decrypted Status"}},
        {"12|left|M3|2026-03-15|1|k||rejected", {"rejected_row ReviewState"}},
    };
    static const struct example good[] = {
        {"12|left|M3|2026-03-15|1|k||approved", {"07-0012 left M3 2026-03-15 pain_vas vas=1"}}};
    EXPECT(expect_refusal, &sheet, bad);
    EXPECT(expect_records, &sheet, good);
    sheet_end(&sheet);
}

static void test_upload_row_of_several_forms_is_several_records(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("record_id|redcap_event_name|knee|pain_vas_date|vas|pain_vas_complete|"
                                  "patient_global_date|pga|patient_global_complete",
                                  (struct sheet_manner){.site = 7});
    static const struct example good[] = {
        {"12|6_months_arm_1|left|2026-03-15|1|2|2026-03-16|2|2",
         {"07-0012 left M6 2026-03-15 pain_vas vas=1", "07-0012 left M6 2026-03-16 patient_global pga=2"}},
        {"12|6_months_arm_1|left|2026-03-15|1|2|||0", {"07-0012 left M6 2026-03-15 pain_vas vas=1"}},
        {"12|6_months_arm_1|left|||0|||0", {NULL}},
        {"12|no_visit_arm_1|left|||0|||", {NULL}},
        {"12|6_months_arm_1|left|2026-03-15||2|||0", {"07-0012 left M6 2026-03-15 pain_vas vas="}},
    };
    EXPECT(expect_records, &sheet, good);
    sheet_end(&sheet);
}

static void test_upload_row_of_a_repeating_instrument_is_of_its_form_alone(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("record_id|redcap_repeat_instrument|redcap_repeat_instance|knee|"
                                  "adverse_event_date|term|concomitant_treatment_date|name",
                                  (struct sheet_manner){.site = 7});
    static const struct example good[] = {
        {"12|adverse_event|2|left|2026-03-15|rash||", {"07-0012 left - 2026-03-15 adverse_event#2 term=rash"}},
        {"12|Adverse event|1|left|2026-03-15|rash||", {"07-0012 left - 2026-03-15 adverse_event term=rash"}},
    };
    static const struct example bad[] = {
        {"12|adverse_event|2|left|2026-03-15|rash|2026-03-15|", {"unknown_form concomitant_treatment_date"}},
        {"12|ae_log|2|left|2026-03-15|rash||", {"unknown_form redcap_repeat_instrument"}},
    };
    EXPECT(expect_records, &sheet, good);
    EXPECT(expect_refusal, &sheet, bad);
    sheet_end(&sheet);
}

static void test_upload_row_checkboxes_are_one_answer(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("record_id|knee|adverse_event_date|term|severity___mild|severity___moderate|"
                                  "adverse_event_complete",
                                  (struct sheet_manner){.site = 7});
    static const struct example good[] = {
        {"12|left|2026-03-15|a|0|1|2", {"07-0012 left - 2026-03-15 adverse_event term=a severity=moderate"}},
        {"12|left|2026-03-15|a|Checked|Unchecked|2", {"07-0012 left - 2026-03-15 adverse_event term=a severity=mild"}},
        {"12|left|2026-03-15|a|0|0|2", {"07-0012 left - 2026-03-15 adverse_event term=a severity="}},
        {"12|left|2026-03-15|a|||2", {"07-0012 left - 2026-03-15 adverse_event term=a severity="}},
    };
    static const struct example bad[] = {
        {"12|left|2026-03-15|a|1|1|2", {"choice severity___moderate"}},
        {"12|left|2026-03-15|a|maybe|1|2", {"choice severity___mild"}},
    };
    EXPECT(expect_records, &sheet, good);
    EXPECT(expect_refusal, &sheet, bad);
    sheet_end(&sheet);
}

static void test_upload_row_our_export_carries_reasons_and_scores(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("subject|knee|visit|date|instance|version|status|vas|vas_score|not_answered",
                                  (struct sheet_manner){.form = "pain_vas"});
    static const struct example good[] = {
        {"07-0012|left|M3|2026-03-15|1|3|complete|1.5|1.5|",
         {"07-0012 left M3 2026-03-15 pain_vas vas=1.5 (vas 1.5)"}},
        {"07-0012|left|M3|2026-03-15|1|3|complete|||vas=refused",
         {"07-0012 left M3 2026-03-15 pain_vas vas=[refused]"}},
    };
    static const struct example bad[] = {
        {"07-0012|left|M3|2026-03-15|1|3|void|||", {"rejected_row status"}},
        {"07-0012|left|M3|2026-03-15|1|3|complete|||p1=refused", {"not_answered not_answered"}},
        {"07-0012|left|M3|2026-03-15|1|3|complete|1||vas=refused", {"doubled not_answered"}},
    };
    EXPECT(expect_records, &sheet, good);
    EXPECT(expect_refusal, &sheet, bad);
    sheet_end(&sheet);
}

/* ---- cells ---- */

/* One cell of one item, in a row that is good otherwise. */
struct cell_example {
    const char *cell;
    const char *expected;            /* "vas=1", or a code */
};

static void expect_cells(struct sheet *sheet, const char *row, const struct cell_example *examples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct upload_row read = sheet_read(sheet, memory_format(sheet->owner, "%s%s", row, examples[i].cell));
        const char *got = NULL;
        if (read.refused) {
            assert_int_equal(sheet->findings.count, 1);
            got = sheet->findings.findings[0].code;
        } else {
            assert_int_equal(read.record_count, 1);
            got = sheet_describe(sheet, &read.records[0]);
            for (int words = 0; words < 5; words++)
                got = strchr(got, ' ') + 1;
        }
        if (strcmp(got, examples[i].expected) != 0)
            fail_msg("\"%s\" is read as %s and not %s", examples[i].cell, got, examples[i].expected);
    }
}

#define EXPECT_CELLS(sheet, row, examples) expect_cells(sheet, row, examples, COUNT(examples))

static void test_upload_row_numbers_with_a_point(void **state)
{
    (void)state;
    static const struct cell_example examples[] = {
        {"1", "vas=1"}, {".34", "vas=0.34"}, {"-.5", "vas=-0.5"}, {"5.", "vas=5"}, {"007", "vas=7"}, {"+3", "vas=3"},
        {"22.50", "vas=22.5"}, {"0.0", "vas=0.0"}, {"-0", "vas=0"}, {"\xe2\x88\x92" "3", "vas=-3"},
        {"22.555", "vas=22.555"}, {"1,5", "bad_number"}, {"1 234", "bad_number"}, {"5 cm", "bad_number"},
        {"5cm", "bad_number"}, {"12%", "bad_number"}, {"<1", "bad_number"}, {"2.2E+01", "bad_number"},
        {"1.234.567", "bad_number"}, {"#N/A", "bad_number"}, {"abc", "bad_number"}, {"PINF", "bad_number"},
        {"OTH", "bad_number"}, {"'-3", "vas=-3"},
    };
    struct sheet sheet = sheet_of("subject|knee|visit|date|vas", (struct sheet_manner){.site = 7});
    sheet.plan->decimal = '.';
    EXPECT_CELLS(&sheet, "12|left|M3|2026-03-15|", examples);
    sheet_end(&sheet);
}

static void test_upload_row_numbers_with_a_comma(void **state)
{
    (void)state;
    static const struct cell_example examples[] = {
        {"1", "vas=1"}, {",34", "vas=0.34"}, {"22,50", "vas=22.5"}, {"22.5", "bad_number"}, {"1.234,5", "bad_number"},
    };
    struct sheet sheet = sheet_of("subject|knee|visit|date|vas", (struct sheet_manner){.site = 7});
    sheet.plan->decimal = ',';
    EXPECT_CELLS(&sheet, "12|left|M3|2026-03-15|", examples);
    char marks[5] = {0, 0, 0, 0, '.'};
    sheet.plan->column_decimals = marks;
    static const struct cell_example points[] = {{"22.5", "vas=22.5"}, {"22,5", "bad_number"}};
    EXPECT_CELLS(&sheet, "12|left|M3|2026-03-15|", points);
    sheet_end(&sheet);
}

static void test_upload_row_missing_codes_are_reasons_or_blanks(void **state)
{
    (void)state;
    static const struct cell_example examples[] = {
        {"UNK", "p1=[unknown]"}, {"NI", "p1=[unknown]"}, {"NAV", "p1=[unknown]"}, {"ASKU", "p1=[unknown]"},
        {"NASK", "p1=[not_done]"}, {"NP", "p1=[not_done]"}, {"ND", "p1=[not_done]"}, {"MSK", "p1=[refused]"},
        {"NA", "p1="}, {"N/A", "p1="}, {"n/a", "p1="}, {".", "p1="}, {"-", "p1="}, {"[not completed]", "p1="},
        {"", "p1="}, {"OTH", "choice"}, {"-99", "p1=-99"},
    };
    struct sheet sheet = sheet_of("subject|knee|visit|date|p1", (struct sheet_manner){.site = 7});
    EXPECT_CELLS(&sheet, "12|left|M3|2026-03-15|", examples);
    sheet.plan->tool = UPLOAD_CASTOR;
    static const struct cell_example castor[] = {
        {"-95", "p1=[not_done]"}, {"-96", "p1=[not_applicable]"}, {"-97", "p1=[unknown]"}, {"-99", "p1=[unknown]"}};
    EXPECT_CELLS(&sheet, "12|left|M3|2026-03-15|", castor);
    sheet_end(&sheet);
}

static void test_upload_row_missing_code_that_is_a_value_is_the_value(void **state)
{
    (void)state;
    static const struct upload_word words[] = {{"-999", "unknown", 1}, {"9", "blank", 1}};
    static const struct upload_profile profile = {.name = "demo", .version = 1, .missing = {words, COUNT(words)}};
    struct sheet sheet = sheet_of("subject|knee|visit|date|vas", (struct sheet_manner){.profile = &profile, .site = 7});
    static const struct cell_example examples[] = {{"-999", "vas=[unknown]"}, {"9", "vas=9"}};
    EXPECT_CELLS(&sheet, "12|left|M3|2026-03-15|", examples);
    sheet_end(&sheet);
    sheet = sheet_of("subject|knee|visit|date|p1", (struct sheet_manner){.profile = &profile, .site = 7});
    static const struct cell_example choices[] = {{"9", "p1="}, {"3", "p1=3"}};
    EXPECT_CELLS(&sheet, "12|left|M3|2026-03-15|", choices);
    sheet_end(&sheet);
}

static void test_upload_row_choices_are_codes_or_labels(void **state)
{
    (void)state;
    static const struct cell_example examples[] = {
        {"2", "p1=2"}, {"2.0", "p1=2"}, {"about once a month", "p1=1"}, {"About once a month", "p1=1"},
        {"sometimes", "p1=sometimes"},
    };
    struct sheet sheet = sheet_of("subject|knee|visit|date|p1", (struct sheet_manner){.site = 7});
    EXPECT_CELLS(&sheet, "12|left|M3|2026-03-15|", examples);
    sheet_end(&sheet);
}

static void test_upload_row_booleans_are_words(void **state)
{
    (void)state;
    static const struct cell_example examples[] = {
        {"TRUE", "serious=true"}, {"false", "serious=false"}, {"1", "serious=true"}, {"0.0", "serious=false"},
        {"Yes", "serious=true"}, {"nein", "serious=false"}, {"maybe", "serious=maybe"},
    };
    struct sheet sheet = sheet_of("subject|knee|date|serious", (struct sheet_manner){.site = 7});
    EXPECT_CELLS(&sheet, "12|left|2026-03-15|", examples);
    sheet_end(&sheet);
}

static void test_upload_row_texts_lose_only_our_apostrophe(void **state)
{
    (void)state;
    static const struct cell_example examples[] = {
        {"'=cmd", "term==cmd"}, {"'-2 degrees", "term=-2 degrees"}, {"'-", "term=-"}, {"'tight'", "term='tight'"},
        {"+pain", "term=+pain"}, {"a\r\nb", "term=a\nb"}, {"<U+043E>k", "term=\xd0\xbek"},
        {"<U+1F600>", "term=\xf0\x9f\x98\x80"}, {"<U+00>", "term=<U+00>"}, {"\xc2\xa0x ", "term=x"},
    };
    struct sheet sheet = sheet_of("subject|knee|date|term", (struct sheet_manner){.site = 7});
    EXPECT_CELLS(&sheet, "12|left|2026-03-15|", examples);
    sheet_end(&sheet);
}

/* ---- dates ---- */

static void test_upload_row_dates_that_can_be_read_in_one_way(void **state)
{
    (void)state;
    static const struct cell_example examples[] = {
        {"2026-02-01", "onset=2026-02-01"}, {"2026-02", "onset=2026-02"}, {"2026", "onset=2026"},
        {"2026-02-01 00:00:00", "onset=2026-02-01"}, {"2026-02-01 09:41", "onset=2026-02-01"},
        {"2026-02-01T09:41:12.123Z", "onset=2026-02-01"}, {"2026-02-01T09:41:12+02:00", "onset=2026-02-01"},
        {"2026/02/01", "onset=2026-02-01"}, {"2026.2.1", "onset=2026-02-01"}, {"20260201", "onset=2026-02-01"},
        {"1-Feb-2026", "onset=2026-02-01"}, {"01 February 2026", "onset=2026-02-01"},
        {"Feb 1, 2026", "onset=2026-02-01"},
        {"1. Februar 2026", "onset=2026-02-01"}, {"1 f\xc3\xa9vrier 2026", "onset=2026-02-01"},
        {"2026-Feb-01", "onset=2026-02-01"}, {"Feb 2026", "onset=2026-02"}, {"02/2026", "onset=2026-02"},
        {"UK-02-2026", "onset=2026-02"}, {"UK-UK-2026", "onset=2026"}, {"UNK-FEB-2026", "onset=2026-02"},
        {"2026\xe2\x80\x91" "02\xe2\x80\x91" "01", "onset=2026-02-01"}, {"NI", "onset=[unknown]"},
        {"01/02/2026", "ambiguous_date"}, {"17.2.2026", "ambiguous_date"}, {"01/02/26", "ambiguous_date"},
        {"1-Feb-26", "two_digit_year"}, {"45689", "serial_date"}, {"45689.5", "serial_date"},
        {"2026-02-30", "bad_date"}, {"13/13/2026", "bad_date"}, {"last week", "bad_date"}, {"########", "bad_date"},
        {"1 Jui 2026", "bad_date"}, {"2026-02-01 later", "bad_date"}, {"1234567", "bad_date"}, {"0", "bad_date"},
        {"2026-02-01-03", "bad_date"}, {"1st Feb 2026", "bad_date"}, {"9999-01-01", "bad_date"},
    };
    struct sheet sheet = sheet_of("subject|knee|date|onset", (struct sheet_manner){.site = 7});
    EXPECT_CELLS(&sheet, "12|left|2026-03-15|", examples);
    struct upload_row row = sheet_read(&sheet, "12|left|2026-03-15|45689");
    assert_true(row.refused);
    assert_non_null(strstr(sheet.findings.findings[0].text, "2025-02-01"));
    sheet_end(&sheet);
}

static void test_upload_row_dates_in_the_declared_order(void **state)
{
    (void)state;
    static const struct cell_example days_first[] = {
        {"01/02/2026", "onset=2026-02-01"}, {"1.2.26", "onset=2026-02-01"}, {"1-Feb-26", "onset=2026-02-01"},
        {"1/2/69", "onset=1969-02-01"}, {"02/13/2026", "bad_date"}, {"2026-02-01", "onset=2026-02-01"},
        {"01-02-2026 10:30", "onset=2026-02-01"},
    };
    struct sheet sheet = sheet_of("subject|knee|date|onset", (struct sheet_manner){.site = 7, .profile = &dmy});
    EXPECT_CELLS(&sheet, "12|left|2026-03-15|", days_first);
    sheet.plan->dates = UPLOAD_DATES_MDY;
    static const struct cell_example months_first[] = {{"01/02/2026", "onset=2026-01-02"}, {"13/02/2026", "bad_date"}};
    EXPECT_CELLS(&sheet, "12|left|2026-03-15|", months_first);
    sheet_end(&sheet);
}

static void test_upload_row_date_of_the_form_is_whole(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("subject|knee|visit|date|vas", (struct sheet_manner){.site = 7, .profile = &dmy});
    static const struct example bad[] = {
        {"12|left|M3|2026-03|1", {"bad_date date"}},
        {"12|left|M3|UK-03-2026|1", {"bad_date date"}},
    };
    static const struct example good[] = {
        {"12|left|M3|15.3.2026|1", {"07-0012 left M3 2026-03-15 pain_vas vas=1"}},
        {"12|left|M3||1", {"07-0012 left M3 - pain_vas vas=1"}},
    };
    EXPECT(expect_refusal, &sheet, bad);
    EXPECT(expect_records, &sheet, good);
    sheet_end(&sheet);
}

/* ---- what a record says, as a hash ---- */

static void test_upload_record_hash_is_of_what_is_said(void **state)
{
    (void)state;
    struct sheet sheet = sheet_of("subject|knee|visit|date|p1|p2", (struct sheet_manner){.site = 7});
    struct sheet other = sheet_of("p2|p1|date|visit|knee|subject", (struct sheet_manner){.site = 7});
    uint8_t one[32], same[32], different[32];
    upload_record_hash(sheet_read(&sheet, "12|left|M3|2026-03-15|1|2").records, one);
    upload_record_hash(sheet_read(&other, "2|1|2026-03-15|3 months|L|7-12").records, same);
    assert_memory_equal(one, same, 32);
    upload_record_hash(sheet_read(&sheet, "12|left|M3|2026-03-15|2|1").records, different);
    assert_memory_not_equal(one, different, 32);
    upload_record_hash(sheet_read(&sheet, "12|left|M3|2026-03-15|1|UNK").records, different);
    assert_memory_not_equal(one, different, 32);
    sheet_end(&sheet);
    sheet_end(&other);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upload_row_subject_is_read_in_every_usual_shape),
        cmocka_unit_test(test_upload_row_number_alone_needs_the_site),
        cmocka_unit_test(test_upload_row_knee_and_visit_are_words),
        cmocka_unit_test(test_upload_row_leaves_out_what_does_not_matter_to_the_form),
        cmocka_unit_test(test_upload_row_instance_is_a_number_and_never_new),
        cmocka_unit_test(test_upload_row_of_another_length_is_refused),
        cmocka_unit_test(test_upload_row_rejected_or_void_rows_say_nothing_else),
        cmocka_unit_test(test_upload_row_of_several_forms_is_several_records),
        cmocka_unit_test(test_upload_row_of_a_repeating_instrument_is_of_its_form_alone),
        cmocka_unit_test(test_upload_row_checkboxes_are_one_answer),
        cmocka_unit_test(test_upload_row_our_export_carries_reasons_and_scores),
        cmocka_unit_test(test_upload_row_numbers_with_a_point),
        cmocka_unit_test(test_upload_row_numbers_with_a_comma),
        cmocka_unit_test(test_upload_row_missing_codes_are_reasons_or_blanks),
        cmocka_unit_test(test_upload_row_missing_code_that_is_a_value_is_the_value),
        cmocka_unit_test(test_upload_row_choices_are_codes_or_labels),
        cmocka_unit_test(test_upload_row_booleans_are_words),
        cmocka_unit_test(test_upload_row_texts_lose_only_our_apostrophe),
        cmocka_unit_test(test_upload_row_dates_that_can_be_read_in_one_way),
        cmocka_unit_test(test_upload_row_dates_in_the_declared_order),
        cmocka_unit_test(test_upload_row_date_of_the_form_is_whole),
        cmocka_unit_test(test_upload_record_hash_is_of_what_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
