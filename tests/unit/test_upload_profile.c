/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Site profiles: what is read of them, every fault with its line, and the columns that they name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "forms/base/memory.h"
#include "forms/upload_plan.h"
#include "forms/upload_profile.h"
#include "tests/support/definitions.h"

static const struct catalogue *demo;

static int set_up(void **state)
{
    struct error error = {0};
    *state = memory_owner(NULL, "test_upload_profile");
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

static struct upload_profile *parse(const void *owner, const char *text, struct faults *faults)
{
    *faults = faults_begin(owner);
    return upload_profile_parse(owner, "site.yaml", text, strlen(text), demo, faults);
}

static struct upload_profile *parse_whole(const void *owner, const char *text)
{
    struct faults faults;
    struct upload_profile *profile = parse(owner, text, &faults);
    for (size_t i = 0; i < faults.count; i++)
        print_message("# %d: %s\n", faults.faults[i].line, faults.faults[i].text);
    assert_non_null(profile);
    assert_int_equal(faults.count, 0);
    return profile;
}

static const char whole[] = "profile: site-07\n"
                            "version: 3\n"
                            "delimiter: \";\"\n"
                            "encoding: windows-1252\n"
                            "decimal: \",\"\n"
                            "quotes: false\n"
                            "dates: dmy\n"
                            "form: koos\n"
                            "form_version: 1\n"
                            "knee: left\n"
                            "visit: M3\n"
                            "wide: true\n"
                            "columns:\n"
                            "  Pat. Nr: subject\n"
                            "  KOOS Datum: {role: date, form: koos}\n"
                            "  Frage 1: koos.p1\n"
                            "  Frage 2: p2\n"
                            "  Gesamt: {score: pain}\n"
                            "  \"Schmerz re 6M\": {item: koos.p3, knee: right, visit: M6, instance: 2, "
                            "blank_clears: true}\n"
                            "  Schwere 1: {item: adverse_event.severity, choice: mild}\n"
                            "  p4: {blank_clears: true}\n"
                            "ignored: [Kommentar]\n"
                            "visits: {Monat 3: M3, Telefon: unscheduled}\n"
                            "knees: {li: left}\n"
                            "missing: {\"-999\": unknown, k.A.: blank}\n"
                            "codes: {ja: \"true\", weiblich: f}\n";

static void test_upload_profile_parse_whole_profile_gives_every_part(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct upload_profile *profile = parse_whole(owner, whole);
    assert_string_equal(profile->name, "site-07");
    assert_int_equal(profile->version, 3);
    assert_int_equal(profile->dialect.delimiter, ';');
    assert_int_equal(profile->dialect.encoding, CSV_WINDOWS_1252);
    assert_int_equal(profile->dialect.decimal, ',');
    assert_true(profile->dialect.quoting_declared && !profile->dialect.quoting);
    assert_true(profile->dates_declared && profile->dates == UPLOAD_DATES_DMY);
    assert_string_equal(profile->form, "koos");
    assert_int_equal(profile->form_version, 1);
    assert_string_equal(profile->knee, "left");
    assert_string_equal(profile->visit, "M3");
    assert_true(profile->wide);
    assert_int_equal(profile->visits.count, 2);
    assert_string_equal(profile->visits.words[1].means, "unscheduled");
    assert_string_equal(profile->knees.words[0].file, "li");
    assert_string_equal(profile->missing.words[1].means, "blank");
    assert_string_equal(profile->codes.words[1].means, "f");
    assert_string_equal(profile->canonical, whole);
    talloc_free(owner);
}

static void test_upload_profile_parse_columns_have_roles(void **state)
{
    (void)state;
    static const struct {
        enum upload_role role;
        const char *form, *item, *choice;
    } wanted[] = {
        {UPLOAD_SUBJECT, NULL, NULL, NULL},
        {UPLOAD_DATE, "koos", NULL, NULL},
        {UPLOAD_ITEM, "koos", "p1", NULL},
        {UPLOAD_ITEM, "koos", "p2", NULL},
        {UPLOAD_SCORE, "koos", "pain", NULL},
        {UPLOAD_ITEM, "koos", "p3", NULL},
        {UPLOAD_CHECKBOX, "adverse_event", "severity", "mild"},
        {UPLOAD_UNKNOWN, NULL, NULL, NULL},
        {UPLOAD_IGNORED, NULL, NULL, NULL},
    };
    void *owner = memory_owner(NULL, "test");
    struct upload_profile *profile = parse_whole(owner, whole);
    assert_int_equal(profile->column_count, sizeof wanted / sizeof wanted[0]);
    for (size_t i = 0; i < profile->column_count; i++) {
        const struct upload_column_rule *rule = &profile->columns[i];
        assert_int_equal(rule->role, wanted[i].role);
        const char *const pairs[][2] = {
            {rule->form, wanted[i].form}, {rule->item, wanted[i].item}, {rule->choice, wanted[i].choice}};
        for (size_t j = 0; j < 3; j++)
            assert_string_equal(pairs[j][0] != NULL ? pairs[j][0] : "-", pairs[j][1] != NULL ? pairs[j][1] : "-");
    }
    const struct upload_column_rule *wide = &profile->columns[5];
    assert_string_equal(wide->knee, "right");
    assert_string_equal(wide->visit, "M6");
    assert_int_equal(wide->instance, 2);
    assert_true(wide->blank_clears && profile->columns[7].blank_clears);
    assert_int_equal(wide->line, 19);
    talloc_free(owner);
}

/* Two lines that every profile has; the fault is expected below them. */
#define HEAD "profile: p\nversion: 1\n"

static void test_upload_profile_parse_fault_has_line_and_hint(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int line;
        const char *says;
    } cases[] = {
        {"version: 1\n", 1, "\"profile\" is missing"},
        {"profile: p\n", 1, "\"version\" is missing"},
        {"profile: \"a b\"\nversion: 1\n", 1, "letters, digits"},
        {"profile: p\nversion: 0\n", 2, "from 1 to 9999"},
        {"[a, b]\n", 1, "must stand a map"},
        {"", 0, ""},
        {"profile: [\n", 2, "not YAML"},
        {HEAD "delimeter: \";\"\n", 3, "did you mean \"delimiter\""},
        {HEAD "delimiter: \"::\"\n", 3, "is no delimiter"},
        {HEAD "encoding: latin9\n", 3, "windows-1252"},
        {HEAD "decimal: \";\"\n", 3, "must be . or ,"},
        {HEAD "dates: ymd\n", 3, "must be iso, dmy or mdy"},
        {HEAD "quotes: maybe\n", 3, "must be false or true"},
        {HEAD "form: kos\n", 3, "did you mean \"koos\""},
        {HEAD "form: koos12\n", 3, "asks for no form \"koos12\""},
        {HEAD "form_version: 2\n", 3, "needs \"form\""},
        {HEAD "form: koos\nform_version: 7\n", 4, "has no version 7"},
        {HEAD "knee: both\n", 3, "left, right or none"},
        {HEAD "visit: M13\n", 3, "did you mean \"M3\""},
        {HEAD "columns: [a]\n", 3, "must be a map"},
        {HEAD "columns:\n  a: subjct\n", 4, "did you mean \"subject\""},
        {HEAD "columns:\n  a: koos.p99\n", 4, "has no item \"p99\""},
        {HEAD "columns:\n  a: kos.p1\n", 4, "asks for no form \"kos\""},
        {HEAD "columns:\n  a: p1\n", 4, "form.item, as in koos.p1"},
        {HEAD "form: koos\ncolumns:\n  a: p1x\n", 5, "did you mean \"p1\""},
        {HEAD "columns:\n  a: subject\n  A : knee\n", 5, "is here twice"},
        {HEAD "columns:\n  a: subject\nignored: [b, A]\n", 5, "first in line 4"},
        {HEAD "columns:\n  a: {role: date, item: koos.p1}\n", 4, "one thing"},
        {HEAD "columns:\n  a: {itm: koos.p1}\n", 4, "did you mean \"item\""},
        {HEAD "columns:\n  a: {score: koos.p1}\n", 4, "has no item \"p1\""},
        {HEAD "columns:\n  a: {item: koos.p1, choice: \"9\"}\n", 4, "has no choice \"9\""},
        {HEAD "columns:\n  a: {choice: mild}\n", 4, "needs the \"item\""},
        {HEAD "columns:\n  a: {item: koos.p1, visit: M5}\n", 4, "no visit \"M5\""},
        {HEAD "columns:\n  a: {item: koos.p1, instance: 0}\n", 4, "from 1 to 9999"},
        {HEAD "columns:\n  a: {role: date, blank_clears: true}\n", 4, "is for columns with the answers"},
        {HEAD "columns:\n  a: {form: koos}\n", 4, "needs a \"role\""},
        {HEAD "columns:\n  a: [koos.p1]\n", 4, "must be a role"},
        {HEAD "columns:\n  \" \": subject\n", 4, "must have a name"},
        {HEAD "visits: {a: M99}\n", 3, "no visit \"M99\""},
        {HEAD "visits:\n  a: M3\n  A: M6\n", 5, "is in \"visits\" twice"},
        {HEAD "visits:\n  \" \": M3\n", 4, "a blank is no word"},
        {HEAD "knees: {a: lft}\n", 3, "did you mean \"left\""},
        {HEAD "missing: {a: unknwn}\n", 3, "did you mean \"unknown\""},
        {HEAD "codes: {a: quite_red}\n", 3, "no choice of this study"},
        {HEAD "ignored: {a: b}\n", 3, "must be a list"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        struct faults faults;
        assert_null(parse(owner, cases[i].text, &faults));
        assert_true(faults.count >= 1);
        bool said = false;
        for (size_t j = 0; j < faults.count && !said; j++)
            said = strstr(faults.faults[j].text, cases[i].says) != NULL
                   && (cases[i].line == 0 || faults.faults[j].line == cases[i].line);
        if (!said)
            fail_msg("%s: line %d: %s", cases[i].text, faults.faults[0].line, faults.faults[0].text);
        talloc_free(owner);
    }
}

/* The example of forms/README.md, and the profiles of the golden files. */
static void test_upload_profile_parse_shown_profiles_are_profiles(void **state)
{
    (void)state;
    static const char *const paths[] = {"tests/fuzz/corpus/profile/whole", "tests/golden/csv/profiles/castor_wide.yaml",
                                        "tests/golden/csv/profiles/libreclinica.yaml"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        (void)parse_whole(owner, definitions_read_file(owner, paths[i]));
        talloc_free(owner);
    }
}

static void test_upload_profile_parse_says_all_faults_at_once(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct faults faults;
    assert_null(parse(owner, "profile: p\nversion: x\ndates: ymd\ncolumns: {a: nothing, b: koos.p99}\n"
                             "visits: {c: M99}\n", &faults));
    assert_int_equal(faults.count, 5);
    talloc_free(owner);
}

/* ---- with a header ---- */

/* `banner`: the lines above the header, NULL for none. */
static struct upload_plan *plan_below(const void *owner, const char *profile, const char *banner,
                                      const char *const *cells, size_t count)
{
    const struct csv_dialect dialect = {.encoding = CSV_UTF8, .delimiter = banner != NULL ? '\t' : ',',
                                        .banner = banner};
    struct csv_header header = {.cells = cells, .count = count, .line = 1};
    struct upload_findings findings = upload_findings_begin(owner);
    struct upload_profile *read = parse_whole(owner, profile);
    assert_true(upload_is_header(read, cells, count));
    struct upload_plan *plan = upload_plan_make(owner, demo, read, &dialect, &header, &findings);
    for (size_t i = 0; i < findings.count; i++)
        print_message("# %s: %s\n", findings.findings[i].code, findings.findings[i].text);
    assert_non_null(plan);
    return plan;
}

static struct upload_plan *plan_with(const void *owner, const char *profile, const char *const *cells, size_t count)
{
    return plan_below(owner, profile, NULL, cells, count);
}

static void test_upload_plan_make_names_of_a_profile_are_its_columns(void **state)
{
    (void)state;
    static const char *const cells[] = {"Pat. Nr", "Seite", "Zeitpunkt", "Datum", " FRAGE 1", "p2", "Notiz", "pain"};
    void *owner = memory_owner(NULL, "test");
    struct upload_plan *plan = plan_with(owner, HEAD "columns: {pat. nr: subject, Seite: knee, Zeitpunkt: visit, "
                                         "Datum: date, Frage 1: koos.p1, p2: {blank_clears: true}}\nignored: [Notiz]\n",
                                         cells, sizeof cells / sizeof cells[0]);
    static const enum upload_role roles[] = {UPLOAD_SUBJECT, UPLOAD_KNEE, UPLOAD_VISIT,   UPLOAD_DATE,
                                             UPLOAD_ITEM,    UPLOAD_ITEM, UPLOAD_IGNORED, UPLOAD_SCORE};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        assert_int_equal(plan->columns[i].role, roles[i]);
    assert_string_equal(plan->columns[4].id, "p1");
    assert_false(plan->columns[4].blank_clears);
    assert_true(plan->columns[5].blank_clears);
    assert_string_equal(plan->form->id, "koos");
    talloc_free(owner);
}

static void test_upload_plan_make_fields_of_a_profile_make_a_field_a_row(void **state)
{
    (void)state;
    static const char *const cells[] = {"Patient", "Visit", "Frage", "Antwort"};
    void *owner = memory_owner(NULL, "test");
    struct upload_plan *plan = plan_with(owner, HEAD "columns: {Frage: field_name, Antwort: field_value}\n", cells, 4);
    assert_int_equal(plan->tool, UPLOAD_REDCAP_EAV);
    assert_int_equal(plan->columns[2].role, UPLOAD_FIELD_NAME);
    assert_int_equal(plan->columns[3].role, UPLOAD_FIELD_VALUE);
    talloc_free(owner);
}

static void test_upload_plan_make_wide_columns_name_visits_and_knees(void **state)
{
    (void)state;
    static const char *const cells[] = {"subject",  "M6_date", "M6_p1_left", "M6_p1_right", "p2 rechts 3 Monate",
                                        "date.M12", "p1_M12_l", "M7_p1_left"};
    static const struct {
        const char *id, *visit, *knee;
    } wanted[] = {{"-", "-", "-"},      {"-", "M6", "-"},  {"p1", "M6", "left"}, {"p1", "M6", "right"},
                  {"p2", "M3", "right"}, {"-", "M12", "-"}, {"p1", "M12", "left"}, {"-", "-", "-"}};
    void *owner = memory_owner(NULL, "test");
    struct upload_plan *plan = plan_with(owner, HEAD "wide: true\nform: koos\nvisits: {3 Monate: M3}\n", cells,
                                         sizeof cells / sizeof cells[0]);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const struct upload_column *column = &plan->columns[i];
        assert_string_equal(column->id != NULL ? column->id : "-", wanted[i].id);
        assert_string_equal(column->visit != NULL ? column->visit : "-", wanted[i].visit);
        assert_string_equal(column->knee != NULL ? column->knee : "-", wanted[i].knee);
    }
    assert_int_equal(plan->columns[5].role, UPLOAD_DATE);
    assert_int_equal(plan->columns[7].role, UPLOAD_UNKNOWN);
    talloc_free(owner);
}

static void test_upload_plan_make_libreclinica_events_are_visits(void **state)
{
    (void)state;
    static const char *const cells[] = {"Study Subject ID", "Protocol ID",          "Sex",          "StartDate_E1",
                                        "Event Status_E1",  "Interview Date_E1_C1", " P1_E1_C1 ",   "P1_E2_C1",
                                        "TERM_E3_2_C2",     "TERM_E3_C2_4",         "ONSET_E3_2_C2", "P1_E9_C1",
                                        "StartDate_E9",     "knee"};
    static const struct {
        enum upload_role role;
        const char *form, *visit;
        int instance;
    } wanted[] = {
        {UPLOAD_SUBJECT, "-", "-", 0},     {UPLOAD_IGNORED, "-", "-", 0},   {UPLOAD_IGNORED, "-", "-", 0},
        {UPLOAD_DATE, "-", "BL", 0},       {UPLOAD_IGNORED, "-", "BL", 0},  {UPLOAD_DATE, "koos", "BL", 0},
        {UPLOAD_ITEM, "koos", "BL", 0},    {UPLOAD_ITEM, "koos", "M3", 0},
        {UPLOAD_ITEM, "adverse_event", "unscheduled", 2}, {UPLOAD_ITEM, "adverse_event", "unscheduled", 4},
        {UPLOAD_ITEM, "adverse_event", "unscheduled", 2},
        {UPLOAD_UNKNOWN, "-", "-", 0},     {UPLOAD_IGNORED, "-", "-", 0},   {UPLOAD_KNEE, "-", "-", 0},
    };
    void *owner = memory_owner(NULL, "test");
    struct upload_plan *plan = plan_with(owner, HEAD "visits: {E1: BL, E2: M3, E3: unscheduled}\n", cells,
                                         sizeof cells / sizeof cells[0]);
    assert_int_equal(plan->tool, UPLOAD_LIBRECLINICA);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        const struct upload_column *column = &plan->columns[i];
        assert_int_equal(column->role, wanted[i].role);
        assert_string_equal(column->form != NULL ? column->form->id : "-", wanted[i].form);
        assert_string_equal(column->visit != NULL ? column->visit : "-", wanted[i].visit);
        assert_int_equal(column->instance, wanted[i].instance);
    }
    assert_non_null(strstr(plan->columns[11].hint, "event E9"));
    talloc_free(owner);
}

/* The profile's word counts first, then the name in the lines above, then the code itself. */
static void test_upload_plan_make_libreclinica_events_are_named_above_the_header(void **state)
{
    (void)state;
    static const char *const cells[] = {"Study Subject ID", "Protocol ID", "P1_E1_C1", "P1_E2_C1", "P1_E3_C1",
                                        "P1_E4_C1", "knee", "StartDate_E1"};
    static const char *const visits[] = {"-", "-", "BL", "M6", "M12", "-", "-", "BL"};
    static const char banner[] = "Dataset Name:\tE1\r\nStudy Event Definition 1\tBaseline\tE1\r\n"
                                 "\"Study Event Definition 2\"\t\"3 months\"\t\"E2\"\t\t\r\nCRF\tKOOS\tC1\r\n"
                                 "Study Event Definition 3 (Repeating)\t 12 Months \tE3\r\n"
                                 "Study Event Definition 4\tPhone call\tE4\r\n\r\n";
    void *owner = memory_owner(NULL, "test");
    struct upload_plan *plan = plan_below(owner, HEAD "visits: {E2: M6}\n", banner, cells,
                                          sizeof cells / sizeof cells[0]);
    for (size_t i = 0; i < sizeof visits / sizeof visits[0]; i++)
        assert_string_equal(plan->columns[i].visit != NULL ? plan->columns[i].visit : "-", visits[i]);
    assert_non_null(strstr(plan->columns[5].hint, "event E4 \"Phone call\", which is no visit"));
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upload_profile_parse_whole_profile_gives_every_part),
        cmocka_unit_test(test_upload_profile_parse_columns_have_roles),
        cmocka_unit_test(test_upload_profile_parse_fault_has_line_and_hint),
        cmocka_unit_test(test_upload_profile_parse_shown_profiles_are_profiles),
        cmocka_unit_test(test_upload_profile_parse_says_all_faults_at_once),
        cmocka_unit_test(test_upload_plan_make_names_of_a_profile_are_its_columns),
        cmocka_unit_test(test_upload_plan_make_fields_of_a_profile_make_a_field_a_row),
        cmocka_unit_test(test_upload_plan_make_wide_columns_name_visits_and_knees),
        cmocka_unit_test(test_upload_plan_make_libreclinica_events_are_visits),
        cmocka_unit_test(test_upload_plan_make_libreclinica_events_are_named_above_the_header),
    };
    memory_init();
    return cmocka_run_group_tests_name("upload_profile", tests, set_up, tear_down);
}
