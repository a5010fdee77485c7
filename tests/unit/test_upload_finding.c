/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/upload_finding.h"

static void test_upload_finding_add_keeps_place_and_counts_refusals(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct upload_findings findings = upload_findings_begin(owner);
    char column[] = "p1", value[] = "5", code[] = "choice";
    const struct upload_place place = {.line = 7, .column = column, .value = value};
    upload_finding_add(&findings, UPLOAD_ASSUMED, "delimiter", NULL, "the cells are parted by %s", "commas");
    upload_finding_add(&findings, UPLOAD_WARNING, "soft_range", &place, "look at it");
    assert_int_equal(findings.refusals, 0);
    upload_finding_add(&findings, UPLOAD_ROW_REFUSED, code, &place, "5 is not in the list 0..4");
    assert_int_equal(findings.refusals, 1);
    assert_false(findings.file_refused);
    memset(column, 'x', 2), memset(value, 'x', 1), memset(code, 'x', 6);
    assert_int_equal(findings.count, 3);
    assert_string_equal(findings.findings[0].text, "the cells are parted by commas");
    assert_int_equal(findings.findings[0].line, 0);
    assert_null(findings.findings[0].column);
    assert_null(findings.findings[0].value);
    const struct upload_finding *refusal = &findings.findings[2];
    assert_string_equal(refusal->code, "choice");
    assert_int_equal(refusal->line, 7);
    assert_string_equal(refusal->column, "p1");
    assert_string_equal(refusal->value, "5");
    talloc_free(owner);
}

static void test_upload_finding_add_cuts_values_after_whole_characters(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct upload_findings findings = upload_findings_begin(owner);
    char value[300] = "", first_eighty[161] = "";
    for (int i = 0; i < 100; i++)
        strcat(value, "\xC3\xB6");
    for (int i = 0; i < 80; i++)
        strcat(first_eighty, "\xC3\xB6");
    upload_finding_add(&findings, UPLOAD_WARNING, "soft_range", &(struct upload_place){.line = 2, .value = value}, "-");
    assert_string_equal(findings.findings[0].value, first_eighty);
    talloc_free(owner);
}

static void test_upload_finding_add_beyond_the_limit_counts_and_keeps_what_is_about_the_file(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct upload_findings findings = upload_findings_begin(owner);
    findings.limit = 10;
    for (int line = 2; line < 102; line++)
        upload_finding_add(&findings, UPLOAD_ROW_REFUSED, "choice", &(struct upload_place){.line = line}, "-");
    assert_int_equal(findings.count, 10);
    assert_int_equal(findings.dropped, 90);
    assert_int_equal(findings.refusals, 100);
    upload_finding_add(&findings, UPLOAD_ASSUMED, "decimal", NULL, "-");
    upload_finding_add(&findings, UPLOAD_FILE_REFUSED, "unterminated_quote", &(struct upload_place){.line = 102}, "-");
    assert_true(findings.file_refused);
    assert_int_equal(findings.count, 12);
    assert_string_equal(findings.findings[11].code, "unterminated_quote");
    assert_int_equal(findings.refusals, 101);
    assert_int_equal(findings.dropped, 90);
    talloc_free(owner);
}

static void test_upload_severity_name_names_each(void **state)
{
    (void)state;
    assert_string_equal(upload_severity_name(UPLOAD_ASSUMED), "assumed");
    assert_string_equal(upload_severity_name(UPLOAD_WARNING), "warning");
    assert_string_equal(upload_severity_name(UPLOAD_ROW_REFUSED), "row_refused");
    assert_string_equal(upload_severity_name(UPLOAD_FILE_REFUSED), "file_refused");
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upload_finding_add_keeps_place_and_counts_refusals),
        cmocka_unit_test(test_upload_finding_add_cuts_values_after_whole_characters),
        cmocka_unit_test(test_upload_finding_add_beyond_the_limit_counts_and_keeps_what_is_about_the_file),
        cmocka_unit_test(test_upload_severity_name_names_each),
    };
    return cmocka_run_group_tests_name("upload_finding", tests, NULL, NULL);
}
