/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What each column of a file is, by its name: of each tool, and of sheets made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/upload_plan.h"

/* The demo study, and the same with a further form that shares ids with the KOOS. */
static const struct catalogue *demo, *with_koos12;

static const struct catalogue *load_demo(void *owner, const char *protocol_path)
{
    struct error error = {0};
    const struct catalogue *catalogue = catalogue_load(owner, protocol_path, "forms/instruments", &error);
    if (catalogue == NULL)
        fail_msg("%s", error.message);
    return catalogue;
}

static int set_up(void **state)
{
    void *owner = memory_owner(NULL, "test_upload_plan");
    *state = owner;
    demo = load_demo(owner, "forms/protocols/demo.yaml");
    struct catalogue *more = memory_new(owner, struct catalogue);
    struct protocol *protocol = memory_new(owner, struct protocol);
    const char **any_time = memory_new_array(owner, const char *, demo->protocol->any_time_count + 1);
    for (size_t i = 0; i < demo->protocol->any_time_count; i++)
        any_time[i] = demo->protocol->any_time[i];
    any_time[demo->protocol->any_time_count] = "koos12";
    *protocol = *demo->protocol;
    protocol->any_time = any_time;
    protocol->any_time_count = demo->protocol->any_time_count + 1;
    *more = *demo;
    more->protocol = protocol;
    with_koos12 = more;
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

/* What is said of a header whose names stand between bars. */
struct planned {
    void *owner;
    struct upload_plan *plan;
    struct upload_findings findings;
};

static struct csv_header split_header(const void *owner, const char *names)
{
    const char **cells = memory_new_array(owner, const char *, strlen(names) + 1);
    size_t count = 0;
    for (const char *at = names;; at++) {
        const char *end = strchr(at, '|');
        size_t length = end != NULL ? (size_t)(end - at) : strlen(at);
        cells[count++] = memory_copy_bytes(owner, at, length);
        if (end == NULL)
            return (struct csv_header){.cells = cells, .count = count, .line = 1};
        at = end;
    }
}

static struct planned plan_for(const struct catalogue *catalogue, const struct upload_profile *profile,
                               const char *names, const char *form)
{
    static const struct csv_dialect dialect = {.encoding = CSV_UTF8, .delimiter = ','};
    struct planned planned = {.owner = memory_owner(NULL, "planned")};
    struct csv_header header = split_header(planned.owner, names);
    header.form = form;
    planned.findings = upload_findings_begin(planned.owner);
    planned.plan = upload_plan_make(planned.owner, catalogue, profile, &dialect, &header, &planned.findings);
    return planned;
}

static const char *const role_names[] = {
    [UPLOAD_UNKNOWN] = "?",
    [UPLOAD_IGNORED] = "-",
    [UPLOAD_SUBJECT] = "SUBJECT",
    [UPLOAD_SITE] = "SITE",
    [UPLOAD_KNEE] = "KNEE",
    [UPLOAD_FORM] = "FORM",
    [UPLOAD_FORM_VERSION] = "FORM_VERSION",
    [UPLOAD_VISIT] = "VISIT",
    [UPLOAD_INSTANCE] = "INSTANCE",
    [UPLOAD_REPEAT_FORM] = "REPEAT_FORM",
    [UPLOAD_DATE] = "DATE",
    [UPLOAD_REASON] = "REASON",
    [UPLOAD_ITEM] = "",
    [UPLOAD_CHECKBOX] = "BOX",
    [UPLOAD_SCORE] = "SCORE",
    [UPLOAD_COMPLETE] = "COMPLETE",
    [UPLOAD_STATUS] = "STATUS",
    [UPLOAD_NAMELESS] = "NAMELESS",
    [UPLOAD_NOT_ANSWERED] = "NOT_ANSWERED",
    [UPLOAD_FIELD_NAME] = "FIELD_NAME",
    [UPLOAD_FIELD_VALUE] = "FIELD_VALUE",
    [UPLOAD_STUDY] = "STUDY",
};

/* "SUBJECT koos.p1 SCORE:koos.pain BOX:adverse_event.action=stopped koos.p1@M3/left#2". */
static const char *describe(const struct planned *planned)
{
    struct text *text = text_new(planned->owner);
    for (size_t i = 0; i < planned->plan->column_count; i++) {
        const struct upload_column *column = &planned->plan->columns[i];
        const char *role = role_names[column->role];
        text_append_format(text, "%s%s", i > 0 ? " " : "", role);
        if (column->form != NULL || column->id != NULL)
            text_append_format(text, "%s%s", role[0] != '\0' ? ":" : "", column->form != NULL ? column->form->id : "*");
        if (column->id != NULL)
            text_append_format(text, ".%s", column->id);
        if (column->choice != NULL)
            text_append_format(text, "=%s", column->choice->code);
        if (column->visit != NULL)
            text_append_format(text, "@%s", column->visit);
        if (column->knee != NULL)
            text_append_format(text, "/%s", column->knee);
        if (column->instance > 0)
            text_append_format(text, "#%d", column->instance);
        /* The index is that of the id. */
        if (column->item >= 0 && column->role == UPLOAD_SCORE)
            assert_string_equal(column->form->scores[column->item].id, column->id);
        else if (column->item >= 0)
            assert_string_equal(column->form->items[column->item].id, column->id);
    }
    return text->bytes;
}

static const struct upload_finding *find_finding(const struct planned *planned, const char *code)
{
    for (size_t i = 0; i < planned->findings.count; i++)
        if (strcmp(planned->findings.findings[i].code, code) == 0)
            return &planned->findings.findings[i];
    return NULL;
}

static void print_findings(const struct planned *planned)
{
    for (size_t i = 0; i < planned->findings.count; i++)
        print_message("# %s: %s\n", planned->findings.findings[i].code, planned->findings.findings[i].text);
}

struct shape {
    const char *names, *columns;
    enum upload_tool tool;
    const char *form;            /* of every row, or NULL */
};

static void check_shape(const struct catalogue *catalogue, const struct upload_profile *profile,
                        const struct shape *shape)
{
    struct planned planned = plan_for(catalogue, profile, shape->names, NULL);
    if (planned.plan == NULL) {
        print_findings(&planned);
        fail_msg("refused: %s", shape->names);
        return;
    }
    assert_string_equal(describe(&planned), shape->columns);
    assert_int_equal(planned.plan->tool, shape->tool);
    assert_string_equal(planned.plan->form != NULL ? planned.plan->form->id : "-", shape->form);
    assert_false(planned.findings.file_refused);
    talloc_free(planned.owner);
}

static void test_upload_plan_make_headers_of_each_tool_gives_roles(void **state)
{
    (void)state;
    static const struct shape shapes[] = {
        {"record_id|redcap_event_name|redcap_repeat_instrument|redcap_repeat_instance|redcap_data_access_group|"
         "redcap_survey_identifier|koos_timestamp|knee|koos_date|p1|p2|koos_complete|pain_vas_timestamp|pain_vas_date|"
         "vas|pain_vas_complete",
         "SUBJECT VISIT REPEAT_FORM INSTANCE - - - KNEE DATE:koos koos.p1 koos.p2 COMPLETE:koos - "
         "DATE:pain_vas pain_vas.vas COMPLETE:pain_vas", UPLOAD_REDCAP, "-"},
        {"record_id|redcap_event_name|visit_date|onset|action___none|action___stopped|action___other|"
         "adverse_event_complete",
         "SUBJECT VISIT DATE adverse_event.onset BOX:adverse_event.action=none BOX:adverse_event.action=stopped "
         "BOX:adverse_event.action=other COMPLETE:adverse_event", UPLOAD_REDCAP, "adverse_event"},
        {"Record ID|Event Name|Data Access Group|Survey Timestamp|Knee|Date|pain on twisting|Complete?",
         "SUBJECT VISIT - - KNEE DATE koos.p2 COMPLETE", UPLOAD_REDCAP, "koos"},
        {"SubmissionDate|subject|visit|knee|date|koos-p1|koos-p2|sport-sp1|meta-instanceID|KEY|SubmitterID|"
         "AttachmentsPresent|Status|ReviewState|DeviceID|Edits|FormVersion",
         "- SUBJECT VISIT KNEE DATE koos.p1 koos.p2 koos.sp1 - - - - STATUS STATUS - - -", UPLOAD_ODK, "koos"},
        {"Participant Id|Participant Status|Site Abbreviation|Randomization Id|Randomization Group|Randomized On|"
         "Participant Creation date|visit|visit_date|knee|vas",
         "SUBJECT - - - - - - VISIT DATE KNEE pain_vas.vas", UPLOAD_CASTOR, "pain_vas"},
        {"Castor Participant ID|Survey Completed On|Survey Package Name|date|"
         "outcome#recovered with sequelae|outcome#fatal",
         "SUBJECT - - DATE BOX:adverse_event.outcome=sequelae BOX:adverse_event.outcome=fatal", UPLOAD_CASTOR,
         "adverse_event"},
        {"subject|knee|visit|date|instance|version|status|p1|p2|pain|koos4|not_answered",
         "SUBJECT KNEE VISIT DATE INSTANCE - STATUS koos.p1 koos.p2 SCORE:koos.pain SCORE:koos.koos4 NOT_ANSWERED",
         UPLOAD_PATELLA, "koos"},
        {"subject|knee|visit|date|instance|version|status|vas|vas_score|not_answered",
         "SUBJECT KNEE VISIT DATE INSTANCE - STATUS pain_vas.vas SCORE:pain_vas.vas NOT_ANSWERED", UPLOAD_PATELLA,
         "pain_vas"},
        {"subject|knee|visit|date|instance|version|status|vas",
         "SUBJECT KNEE VISIT DATE INSTANCE - STATUS pain_vas.vas", UPLOAD_PATELLA, "pain_vas"},
        {"record|redcap_event_name|field_name|value", "SUBJECT VISIT FIELD_NAME FIELD_VALUE", UPLOAD_REDCAP_EAV, "-"},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        check_shape(demo, NULL, &shapes[i]);
}

static void test_upload_plan_make_names_written_otherwise_are_the_same(void **state)
{
    (void)state;
    static const struct shape shapes[] = {
        /* case, blanks, a mark, NBSP, hyphens of other kinds */
        {"\xEF\xBB\xBFSubject ID| Knee |VISIT|\xC2\xA0" "Date\xC2\xA0|P1|koos\xE2\x80\x91p2|KOOS_P3|Koos.P4",
         "SUBJECT KNEE VISIT DATE koos.p1 koos.p2 koos.p3 koos.p4", UPLOAD_BY_HAND, "koos"},
        /* labels */
        {"Patient|Side|Visit date|Event|swelling of the knee|Noises in the knee  on moving",
         "SUBJECT KNEE DATE VISIT koos.s1 koos.s2", UPLOAD_BY_HAND, "koos"},
        /* the same name is an item here, and the reason for the change there */
        {"subject|date|last_contact|reason", "SUBJECT DATE end_of_study.last_contact end_of_study.reason",
         UPLOAD_BY_HAND, "end_of_study"},
        {"subject|knee|visit|date|vas|reason", "SUBJECT KNEE VISIT DATE pain_vas.vas REASON", UPLOAD_BY_HAND,
         "pain_vas"},
        /* a file of R, and trailing columns of Excel */
        {"|subject|knee|visit|date|vas||", "NAMELESS SUBJECT KNEE VISIT DATE pain_vas.vas NAMELESS NAMELESS",
         UPLOAD_BY_HAND, "pain_vas"},
        {"Unnamed: 0|subject|knee|visit|date|vas", "NAMELESS SUBJECT KNEE VISIT DATE pain_vas.vas", UPLOAD_BY_HAND,
         "pain_vas"},
        /* refused rows that were mended */
        {"subject|knee|visit|date|vas|error_line|error_column|error_code|error_text",
         "SUBJECT KNEE VISIT DATE pain_vas.vas - - - -", UPLOAD_BY_HAND, "pain_vas"},
        /* a subject of ours beside the tool's record */
        {"record_id|subject|redcap_event_name|knee|visit_date|vas", "- SUBJECT VISIT KNEE DATE pain_vas.vas",
         UPLOAD_REDCAP, "pain_vas"},
        /* what these columns of the tools are in a sheet made by hand, nobody knows */
        {"subject|knee|visit|date|vas|status|version|value", "SUBJECT KNEE VISIT DATE pain_vas.vas ? ? ?",
         UPLOAD_BY_HAND, "pain_vas"},
        /* enrolment has an item called index knee */
        {"subject|date|index_knee|both_knees_affected",
         "SUBJECT DATE enrolment.index_knee enrolment.both_knees_affected", UPLOAD_BY_HAND, "enrolment"},
        /* files for patella-load */
        {"subject|knee|visit|instance|date|pga|#version|#reason|#confirm",
         "SUBJECT KNEE VISIT INSTANCE DATE patient_global.pga - REASON -", UPLOAD_BY_HAND, "patient_global"},
        /* several forms in one row; a name that nobody knows */
        {"subject|knee|visit|date|p1|vas|pga|colour",
         "SUBJECT KNEE VISIT DATE koos.p1 pain_vas.vas patient_global.pga ?",
         UPLOAD_BY_HAND, "-"},
        /* the row says the form */
        {"subject|knee|visit|date|form|form_version|p1|koos.p2|vas",
         "SUBJECT KNEE VISIT DATE FORM FORM_VERSION *.p1 koos.p2 *.vas", UPLOAD_BY_HAND, "-"},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        check_shape(demo, NULL, &shapes[i]);
}

static void test_upload_plan_make_ids_of_two_forms_are_told_apart(void **state)
{
    (void)state;
    static const struct shape shapes[] = {
        /* only the KOOS has all of them */
        {"subject|knee|visit|date|p1|s1", "SUBJECT KNEE VISIT DATE koos.p1 koos.s1", UPLOAD_BY_HAND, "koos"},
        /* the other form in the file says nothing against it */
        {"subject|knee|visit|date|p1|s1|vas", "SUBJECT KNEE VISIT DATE koos.p1 koos.s1 pain_vas.vas", UPLOAD_BY_HAND,
         "-"},
        {"subject|knee|visit|date|koos.p1|koos12.p1", "SUBJECT KNEE VISIT DATE koos.p1 koos12.p1", UPLOAD_BY_HAND,
         "-"},
        /* REDCap's columns stand before the _complete of their form */
        {"record_id|redcap_event_name|knee|visit_date|p1|p5|koos12_complete|vas|pain_vas_complete",
         "SUBJECT VISIT KNEE DATE koos12.p1 koos12.p5 COMPLETE:koos12 pain_vas.vas COMPLETE:pain_vas", UPLOAD_REDCAP,
         "-"},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        check_shape(with_koos12, NULL, &shapes[i]);
}

static void test_upload_plan_make_named_form_is_taken_over_others(void **state)
{
    (void)state;
    struct planned planned = plan_for(with_koos12, NULL, "subject|knee|visit|date|p1|p5|vas", "KOOS12");
    assert_non_null(planned.plan);
    assert_string_equal(describe(&planned), "SUBJECT KNEE VISIT DATE koos12.p1 koos12.p5 ?");
    assert_string_equal(planned.plan->form->id, "koos12");
    assert_non_null(strstr(planned.plan->columns[6].hint, "pain_vas.vas"));
    talloc_free(planned.owner);
}

static void test_upload_plan_make_unknown_column_gets_a_hint(void **state)
{
    (void)state;
    static const struct {
        const struct catalogue *const *catalogue;
        const char *names, *hint;
    } cases[] = {
        {&demo, "subject|knee|visit|date|vas|adherance", "take it out"},
        {&demo, "subject|date|onset|seriuos", "did you mean \"serious\""},
        {&demo, "subject|date|onset|action___tired", "has no choice \"tired\": none, postponed, stopped"},
        {&with_koos12, "subject|knee|visit|date|vas|p1", "it may be koos.p1 or koos12.p1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct planned planned = plan_for(*cases[i].catalogue, NULL, cases[i].names, NULL);
        if (planned.plan == NULL) {
            print_findings(&planned);
            fail_msg("refused: %s", cases[i].names);
            return;
        }
        const struct upload_column *last = &planned.plan->columns[planned.plan->column_count - 1];
        assert_int_equal(last->role, UPLOAD_UNKNOWN);
        if (strstr(last->hint, cases[i].hint) == NULL)
            fail_msg("%s: %s", last->name, last->hint);
        talloc_free(planned.owner);
    }
}

static void test_upload_plan_make_refused_header_names_columns(void **state)
{
    (void)state;
    static const struct {
        const char *names, *form, *code, *says;
    } cases[] = {
        {"subject|knee|visit|date|p1|p2| P1 ", NULL, "doubled_header", "columns 5 and 7"},
        {"subject|knee|visit|date|p1|koos.p1", NULL, "doubled_header", "columns 5 \"p1\" and 6 \"koos.p1\""},
        {"subject|patient|knee|visit|date|p1", NULL, "doubled_header", "columns 1 \"subject\" and 2 \"patient\""},
        {"knee|visit|date|p1", NULL, "no_key_column", "which subject"},
        {"subject|visit|date|p1", NULL, "no_key_column", "which knee"},
        {"subject|knee|date|p1", NULL, "no_key_column", "which visit"},
        {"subject|knee|visit|p1", NULL, "no_key_column", "date of the form"},
        {"subject|knee|visit|date|p1", "kos", "unknown_form", "did you mean \"koos\""},
        {"subject|knee|visit|date|colour", NULL, "unknown_form", "column 5 \"colour\""},
        {"subject|knee|visit|date|swelings", NULL, "unknown_form", "do not say which form"},
        {"subject|knee|visit|date", NULL, "unknown_form", "no column is an item"},
        {"Record ID|Event Name|knee|date|p1|Complete?|vas|Complete?", NULL, "ambiguous_labels", "columns 6 and 8"},
        {"subject|knee|visit|date|pain on twisting|pain on twisting", NULL, "ambiguous_labels", "columns 5 and 6"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct planned planned = plan_for(demo, NULL, cases[i].names, cases[i].form);
        assert_null(planned.plan);
        assert_true(planned.findings.file_refused);
        const struct upload_finding *finding = find_finding(&planned, cases[i].code);
        if (finding == NULL || strstr(finding->text, cases[i].says) == NULL) {
            print_findings(&planned);
            fail_msg("%s: no %s that says \"%s\"", cases[i].names, cases[i].code, cases[i].says);
        }
        assert_int_equal(finding->severity, UPLOAD_FILE_REFUSED);
        talloc_free(planned.owner);
    }
}

static void test_upload_plan_make_what_was_assumed_is_said(void **state)
{
    (void)state;
    struct planned planned = plan_for(demo, NULL,
                                      "record_id|redcap_event_name|redcap_survey_identifier|knee|visit_date|"
                                      "swelling of the knee", NULL);
    assert_non_null(planned.plan);
    static const char *const said[][2] = {
        {"tool", "REDCap"}, {"form", "koos"}, {"ignored_column", "redcap_survey_identifier"}, {"labels", "s1"}};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        const struct upload_finding *finding = find_finding(&planned, said[i][0]);
        assert_true(finding != NULL && finding->severity == UPLOAD_ASSUMED);
        assert_true(finding != NULL && strstr(finding->text, said[i][1]) != NULL);
    }
    talloc_free(planned.owner);
}

static void test_upload_plan_make_many_unknown_columns_are_answered(void **state)
{
    (void)state;
    enum { COLUMNS = 16384 };
    void *owner = memory_owner(NULL, "many");
    struct text *names = text_new(owner);
    text_append(names, "subject|knee|visit|date|vas");
    for (int i = 5; i < COLUMNS; i++)
        text_append_format(names, "|column_%d_complete", i);
    struct planned planned = plan_for(demo, NULL, names->bytes, NULL);
    assert_non_null(planned.plan);
    assert_int_equal(planned.plan->column_count, COLUMNS);
    assert_int_equal(planned.plan->columns[4].role, UPLOAD_ITEM);
    assert_int_equal(planned.plan->columns[COLUMNS - 1].role, UPLOAD_UNKNOWN);
    talloc_free(planned.owner);
    talloc_free(owner);
}

static void test_upload_plan_make_many_doubled_names_are_said_up_to_a_limit(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "many");
    struct text *names = text_new(owner);
    text_append(names, "subject|knee|visit|date|vas");
    for (int i = 0; i < 1000; i++)
        text_append(names, "|vas");
    struct planned planned = plan_for(demo, NULL, names->bytes, NULL);
    assert_null(planned.plan);
    assert_in_range(planned.findings.count, 1, 50);
    talloc_free(planned.owner);
    talloc_free(owner);
}

static void test_upload_is_header_line_with_a_key_is_the_header(void **state)
{
    (void)state;
    static const struct {
        const char *cells;
        bool is_header;
    } cases[] = {
        {"Study Subject ID|Protocol ID|StartDate_E1", true},
        {"record_id|p1", true},
        {"p1|\xEF\xBB\xBFSubject", true},
        {"knee|visit|date|p1", true},
        {"Dataset Name:|KOOS", false},
        {"Date:|2026-Mar-01", false},
        {"Protocol ID:|demo", false},
        {"Subjects:|12", false},
        {"07-0012|left|BL|2026-03-01|3", false},
        {"Results of the year", false},
        {"||", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "cells");
        struct csv_header header = split_header(owner, cases[i].cells);
        if (upload_is_header(NULL, header.cells, header.count) != cases[i].is_header)
            fail_msg("%s", cases[i].cells);
        talloc_free(owner);
    }
}

static void test_upload_visit_of_words_of_events_gives_visits(void **state)
{
    (void)state;
    static const struct {
        const char *word, *visit;
    } cases[] = {
        {"BL", "BL"},
        {" bl ", "BL"},
        {"Baseline", "BL"},
        {"baseline_arm_1", "BL"},
        {"3_months_arm_2", "M3"},
        {"3 Months", "M3"},
        {"m12_arm_1", "M12"},
        {"unscheduled", "unscheduled"},
        {"month_3_arm_1", NULL},
        {"V1", NULL},
        {"", NULL},
        {"_arm_1", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *visit = upload_visit_of(demo, NULL, cases[i].word);
        if (visit == NULL || cases[i].visit == NULL)
            assert_ptr_equal(visit, cases[i].visit);
        else
            assert_string_equal(visit, cases[i].visit);
    }
}

static void test_upload_knee_of_words_for_sides_gives_knees(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"L", "left"}, {"Left", "left"}, {"R", "right"}, {"right knee", "right"}, {"G", "left"},
        {"D", "right"}, {"rechts", "right"}, {"none", "none"}, {"both", NULL}, {"1", NULL}, {"", NULL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *knee = upload_knee_of(NULL, cases[i][0]);
        assert_true(knee == NULL ? cases[i][1] == NULL : cases[i][1] != NULL && strcmp(knee, cases[i][1]) == 0);
    }
}

static void test_upload_same_name_differences_nobody_sees_do_not_count(void **state)
{
    (void)state;
    assert_true(upload_same_name("Study Subject ID", "study\xC2\xA0subject id "));
    assert_true(upload_same_name("koos\xE2\x80\x93p1", "KOOS-P1"));
    assert_true(upload_same_name("\xEF\xBB\xBFp1", "p1"));
    assert_true(upload_same_name("gr\xC3\x96\xC3\x9F" "e", "GR\xC3\xB6\xC3\x9F" "E"));
    assert_false(upload_same_name("p1", "p11"));
    assert_false(upload_same_name("p_1", "p1"));
    assert_false(upload_same_name("", "p1"));
    assert_true(upload_same_name(" ", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upload_plan_make_headers_of_each_tool_gives_roles),
        cmocka_unit_test(test_upload_plan_make_names_written_otherwise_are_the_same),
        cmocka_unit_test(test_upload_plan_make_ids_of_two_forms_are_told_apart),
        cmocka_unit_test(test_upload_plan_make_named_form_is_taken_over_others),
        cmocka_unit_test(test_upload_plan_make_unknown_column_gets_a_hint),
        cmocka_unit_test(test_upload_plan_make_refused_header_names_columns),
        cmocka_unit_test(test_upload_plan_make_what_was_assumed_is_said),
        cmocka_unit_test(test_upload_plan_make_many_unknown_columns_are_answered),
        cmocka_unit_test(test_upload_plan_make_many_doubled_names_are_said_up_to_a_limit),
        cmocka_unit_test(test_upload_is_header_line_with_a_key_is_the_header),
        cmocka_unit_test(test_upload_visit_of_words_of_events_gives_visits),
        cmocka_unit_test(test_upload_knee_of_words_for_sides_gives_knees),
        cmocka_unit_test(test_upload_same_name_differences_nobody_sees_do_not_count),
    };
    memory_init();
    return cmocka_run_group_tests_name("upload_plan", tests, set_up, tear_down);
}
