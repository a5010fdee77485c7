/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Profiles made from sample files of each tool: they are profiles, and say what a person has to decide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/profile_write.h"
#include "forms/upload_plan.h"
#include "forms/upload_profile.h"

static const struct catalogue *demo;

static int set_up(void **state)
{
    struct error error = {0};
    *state = memory_owner(NULL, "test_profile_write");
    demo = catalogue_load(*state, "forms/protocols/demo.yaml", "forms/instruments", &error);
    if (demo == NULL)
        fail_msg("%s", error.message);
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

/* The YAML made of `sample`; NULL when it is refused. */
static const char *write_profile(const void *owner, const char *sample, size_t length,
                                 struct upload_findings *findings)
{
    struct profile_order order = {.file = "some/Site 07 (new).csv", .catalogue = demo};
    struct error error = {0};
    struct text *out = text_new(owner);
    *findings = upload_findings_begin(owner);
    if (!profile_write(out, &order, sample, length, findings, &error)) {
        assert_int_equal(error.kind, ERROR_NONE);
        return NULL;
    }
    return out->bytes;
}

/* Whatever was made is read without a fault. */
static struct upload_profile *require_profile(const void *owner, const char *yaml)
{
    struct faults faults = faults_begin(owner);
    struct upload_profile *profile = upload_profile_parse(owner, "made.yaml", yaml, strlen(yaml), demo, &faults);
    if (profile == NULL)
        fail_msg("%d: %s\n%s", faults.faults[0].line, faults.faults[0].text, yaml);
    return profile;
}

struct sample {
    const char *text;
    const char *lines[12];       /* of the profile */
};

static void check_sample(const struct sample *sample)
{
    void *owner = memory_owner(NULL, "sample");
    struct upload_findings findings;
    const char *yaml = write_profile(owner, sample->text, strlen(sample->text), &findings);
    if (yaml == NULL) {
        fail_msg("%s: %s", sample->text, findings.count > 0 ? findings.findings[0].text : "no finding");
        return;
    }
    for (size_t i = 0; i < 12 && sample->lines[i] != NULL; i++)
        if (strstr(yaml, sample->lines[i]) == NULL)
            fail_msg("no \"%s\" in\n%s", sample->lines[i], yaml);
    (void)require_profile(owner, yaml);
    talloc_free(owner);
}

static void test_profile_write_samples_of_each_tool_make_profiles(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {"record_id,redcap_event_name,redcap_survey_identifier,koos_timestamp,knee,koos_date,p1,p2,koos_complete\n"
         "1,baseline_arm_1,,,L,2026-02-01,1,-999,2\n1,visit_9_arm_1,,,mid,2026-02-17,ja,UNK,2\n",
         {"profile: \"site_07_new\"\nversion: 1\ndelimiter: \",\"\nencoding: utf-8\nform: koos\n",
          "  \"record_id\": subject\n", "  \"koos_date\": {role: date, form: koos}\n", "  \"p1\": koos.p1\n",
          "ignored:\n  - \"redcap_survey_identifier\"\n", "visits:\n  \"baseline_arm_1\": BL\n",
          "# DECIDE: which visit, or \"unscheduled\", is \"visit_9_arm_1\"", "  \"L\": left\n", "is \"mid\"?",
          "#   \"-999\": unknown\n", "\"ja\" in column \"p1\" is no answer to koos.p1"}},
        {"record,redcap_event_name,field_name,value\n1,baseline_arm_1,p1,2\n",
         {"\"field_name\": field_name\n", "\"value\": field_value\n", "\"baseline_arm_1\": BL\n"}},
        {"Dataset Name:\tpain\r\nStudy Event Definition 1\t6 months\tE3\r\nStudy Event Definition 2\tPhone\tE4\r\n"
         "Study Subject ID\tProtocol ID\tStartDate_E3\t VAS_E3_C1\tStartDate_E4\t VAS_E4_C1\r\n"
         "01-0001\tdemo\t2025-07-17\t22.5\t\t\r\n",
         {"delimiter: tab\n", "quotes: false\n", "\"Study Subject ID\": subject\n", "  \"E3\": M6\n",
          "is \"E4\"?", "it is called \"Phone\"", "the header is line 4"}},
        {"SubmissionDate,subject,visit,knee,today,koos-p1,meta-instanceID,KEY,Status,ReviewState\n"
         "2026-02-17T10:00:00.000Z,01-0001,M3,left,2026-02-17,2,uuid:1,uuid:1,,approved\n",
         {"\"koos-p1\": koos.p1\n", "\"ReviewState\": status\n", "  - \"meta-instanceID\"\n", "\"today\": date\n"}},
        {"Participant Id;Participant Status;Site Abbreviation;knee;visit;visit_date;severity#mild;severity#severe\n"
         "01-0001;Not Set;BER;right;M3;17-02-2026;1;0\n",
         {"delimiter: \";\"\n", "dates: dmy\n", "\"severity#mild\": {item: adverse_event.severity, choice: \"mild\"}\n",
          "form: adverse_event\n"}},
        {"\xEF\xBB\xBFResults of 2026;;;;;\r\nPatient;Seite;Visite;Date;vas;\"Kommentar: \"\"neu\"\"\"\r\n"
         "1;links;3 Months;01/02/2026;2,5;gut\r\n",
         {"encoding: utf-8\n", "decimal: \",\"\n", "# dates: dmy\n", "\"Patient\": subject\n",
          "  \"vas\": pain_vas.vas\n",
          "\"Seite\" holds \"links\"", "# DECIDE: no column says which knee",
          "\"Kommentar: \\\"neu\\\"\" holds \"gut\""}},
        {"Nr;Datum;Sch\xe4rfe\n1;01/13/2026;x\n",
         {"encoding: windows-1252\n# DECIDE:", "line 1 was taken for the header", "\"Sch\xc3\xa4rfe\" holds \"x\""}},
        {"subject,knee,visit,date,vas,VAS \n1,left,M3,17/01/2026,1,1\n2,left,M3,01/17/2026,1,1\n",
         {"# DECIDE: \"17/01/2026\" has the day first, \"01/17/2026\" the month",
          "columns 5 and 6 have the same name"}},
    };
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        check_sample(&samples[i]);
}

/* Plans the header with a profile, or with none. */
static const struct upload_plan *plan_with(const void *owner, const char *const *cells, size_t count,
                                           const struct upload_profile *profile)
{
    static const struct csv_dialect dialect = {.encoding = CSV_UTF8, .delimiter = ','};
    struct csv_header header = {.cells = cells, .count = count, .line = 1};
    struct upload_findings findings = upload_findings_begin(owner);
    const struct upload_plan *plan = upload_plan_make(owner, demo, profile, &dialect, &header, &findings);
    if (plan == NULL)
        fail_msg("%s", findings.findings[0].text);
    return plan;
}

static bool is_same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

/* A file whose columns are known has the same columns with the profile made of it. */
static void test_profile_write_profile_of_a_known_file_changes_nothing(void **state)
{
    (void)state;
    enum { COLUMNS = 12 };
    static const char *const headers[][COLUMNS] = {
        {"record_id", "redcap_event_name", "redcap_survey_identifier", "knee", "koos_date", "p1", "koos_complete",
         "vas", "pain_vas_date", "pain_vas_complete"},
        {"subject", "knee", "visit", "date", "instance", "version", "status", "p1", "p2", "pain", "koos4",
         "not_answered"},
        {"Participant Id", "Participant Status", "visit_date", "term", "outcome#fatal", "severity", "serious"},
        {"subject", "visit", "knee", "today", "koos-p1", "sport-sp1", "meta-instanceID", "KEY", "ReviewState"},
        {"Patient", "date", "last_contact", "reason"},
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        struct text *sample = text_new(owner);
        size_t count = 0;
        for (; count < COLUMNS && headers[i][count] != NULL; count++)
            text_append_format(sample, "%s%s", count > 0 ? "," : "", headers[i][count]);
        text_append(sample, "\n");
        struct upload_findings findings;
        const char *yaml = write_profile(owner, sample->bytes, sample->length, &findings);
        assert_non_null(yaml);
        const struct upload_plan *without = plan_with(owner, headers[i], count, NULL);
        const struct upload_plan *with = plan_with(owner, headers[i], count, require_profile(owner, yaml));
        assert_ptr_equal(with->form, without->form);
        for (size_t j = 0; j < count; j++) {
            const struct upload_column *one = &without->columns[j], *other = &with->columns[j];
            if (one->role != other->role || one->form != other->form || one->item != other->item
                || !is_same(one->id, other->id) || one->choice != other->choice)
                fail_msg("column %s:\n%s", one->name, yaml);
        }
        talloc_free(owner);
    }
}

static void test_profile_write_names_that_yaml_must_quote_are_read_back(void **state)
{
    (void)state;
    static const char sample[] = "subject,knee,visit,date,\"p1\","
                                 "\"a: b # c\",\"- [x]\",\"line\none\",\"q\"\"q\",\"\xC3\xA4\"\n"
                                 "1,\"a\"\"b: {c}\",\"null\",2026-01-01,1,1,1,1,1,1\n";
    void *owner = memory_owner(NULL, "test");
    struct upload_findings findings;
    const char *yaml = write_profile(owner, sample, sizeof sample - 1, &findings);
    assert_non_null(yaml);
    (void)require_profile(owner, yaml);
    talloc_free(owner);
}

/* A file cut anywhere makes a profile, or is refused with a finding. */
static void test_profile_write_sample_cut_at_any_byte_is_answered(void **state)
{
    (void)state;
    static const char sample[] = "\xEF\xBB\xBFrecord_id;redcap_event_name;knee;koos_date;p1;\"p 2\";s\xC3\xA4\r\n"
                                 "1;baseline_arm_1;\"L\";01/02/2026;1;\"a\"\"b\";\xC3\xA4\r\n";
    for (size_t length = 0; length < sizeof sample; length++) {
        void *owner = memory_owner(NULL, "test");
        struct upload_findings findings;
        const char *yaml = write_profile(owner, sample, length, &findings);
        if (yaml != NULL)
            (void)require_profile(owner, yaml);
        else
            assert_true(findings.file_refused);
        talloc_free(owner);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profile_write_samples_of_each_tool_make_profiles),
        cmocka_unit_test(test_profile_write_profile_of_a_known_file_changes_nothing),
        cmocka_unit_test(test_profile_write_names_that_yaml_must_quote_are_read_back),
        cmocka_unit_test(test_profile_write_sample_cut_at_any_byte_is_answered),
    };
    memory_init();
    return cmocka_run_group_tests_name("profile_write", tests, set_up, tear_down);
}
