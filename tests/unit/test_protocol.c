/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include <jansson.h>

#include "forms/base/memory.h"
#include "forms/protocol.h"
#include "tests/support/definitions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char
    whole[] = "protocol: {id: demo, version: 2, title: Demo, masking: double, randomised: true, allocation: "
              "knee}\n" /* 1 */
              "cohorts:\n"
              "  - {id: AD-MSC, title: Adipose, kind: active}\n"
              "  - {id: CS, title: Steroid, kind: control}\n"
              "visits:\n" /* 5 */
              "  - {id: M12, title: One year, target: 366, due: [336, 396], analysis: [138, max], forms: "
              "[scale]}\n"
              "  - {id: SCR, target: -60, due: [-90, -31], analysis: [min, -31], forms: [scale]}\n"
              "  - {id: BL, target: 1, due: [-30, 1], analysis: [-30, 1], forms: [scale]}\n"
              "  - {id: M3, target: 92, due: [78, 106], analysis: [2, 137], forms: [scale]}\n"
              "any_time: [enrolment]\n" /* 10 */
              "endpoints:\n"
              "  - {id: pain, score: scale.pain, mcid: 10, source: them}\n"
              "  - {id: func, title: Function, score: scale.function}\n"
              "responders:\n"
              "  - {id: oarsi, rule: omeract_oarsi, pain: pain, function: func, source: Pham}\n" /* 15 */
              "  - {id: better, title: Better, endpoint: pain, improved_by: 10, source: them}\n"
              "  - {id: half, endpoint: pain, improved_percent: 50, source: them}\n"
              "  - {id: pass, endpoint: func, state: 32.3, source: them}\n"
              "analysis: {reference: CS, level: 0.9, lsmeans: observed, df: satterthwaite, covariates: "
              "[base, site, scale.a],\n"
              "  strata: [site], subgroups: [], primary: {endpoint: func, visit: M12}, baseline: "
              "[scale.a]}\n"; /* 20 */

static const char scale[] =
    "form: scale\nversion: 1\ntitle: Scale\nsource: s\nabout: subject\n"
    "sections: [{id: x, title: X, items: [{id: a, text: a, type: integer, min: 0, max: 10},\n"
    "  {id: t, text: t, type: text}]}]\n"
    "scores: [{id: pain, title: Pain, method: sum, items: [a], direction: higher_worse},\n"
    "         {id: function, title: Function, method: sum, items: [a], direction: higher_worse}]\n";

static const char enrolment[] =
    "form: enrolment\nversion: 1\ntitle: Enrolment\nsource: s\nabout: subject\ncreates_subject: true\n"
    "choices: {side: [{code: left, label: l}, {code: right, label: r}]}\n"
    "sections: [{id: x, title: X, items: [{id: index_knee, text: k, type: choice, choices: side, required: "
    "always}]}]\n";

static const struct protocol *parse(const void *owner, const char *text)
{
    struct error error = {0};
    const struct protocol *protocol = protocol_parse(owner, "demo.yaml", text, strlen(text), &error);
    if (protocol == NULL)
        fail_msg("demo.yaml:%d: %s", error.line, error.message);
    return protocol;
}

static void test_protocol_parse_head_and_cohorts(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct protocol *protocol = parse(owner, whole);
    assert_string_equal(protocol->id, "demo");
    assert_int_equal(protocol->version, 2);
    assert_int_equal(protocol->masking, MASKING_DOUBLE);
    assert_true(protocol->randomised);
    assert_int_equal(protocol->allocation, ALLOCATE_KNEE);
    assert_non_null(strstr(protocol_index_knee_text(protocol), "treated first"));
    assert_int_equal(protocol->cohort_count, 2);
    assert_int_equal(protocol_find_cohort(protocol, "CS"), 1);
    assert_int_equal(protocol_find_cohort(protocol, "cs"), -1);
    assert_int_equal(protocol->cohorts[1].kind, COHORT_CONTROL);
    talloc_free(owner);
}

static void test_protocol_parse_visits_are_in_order_and_one_is_baseline(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct protocol *protocol = parse(owner, whole);
    static const char *const order[] = {"SCR", "BL", "M3", "M12"};
    assert_int_equal(protocol->visit_count, COUNT(order));
    for (size_t i = 0; i < COUNT(order); i++) {
        assert_string_equal(protocol->visits[i].id, order[i]);
        assert_int_equal(protocol->visits[i].baseline, i == 1);
    }
    assert_int_equal(protocol->visits[0].analysis[0], WINDOW_OPEN_START);
    assert_int_equal(protocol->visits[3].analysis[1], WINDOW_OPEN_END);
    assert_string_equal(protocol->visits[3].title, "One year");
    assert_string_equal(protocol->visits[2].title, "M3");
    assert_null(protocol_find_visit(protocol, "M6"));
    assert_true(protocol_form_is_due(protocol_find_visit(protocol, "M3"), "scale"));
    assert_false(protocol_form_is_due(protocol_find_visit(protocol, "M3"), "enrolment"));
    assert_true(protocol_form_is_any_time(protocol, "enrolment"));
    assert_false(protocol_form_is_any_time(protocol, "scale"));
    talloc_free(owner);
}

static void test_protocol_parse_endpoints_responders_analysis(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct protocol *protocol = parse(owner, whole);
    assert_int_equal(protocol_find_endpoint(protocol, "func"), 1);
    assert_string_equal(protocol->endpoints[0].form, "scale");
    assert_string_equal(protocol->endpoints[0].score, "pain");
    assert_true(protocol->endpoints[0].mcid == 10 && isnan(protocol->endpoints[1].mcid));
    static const enum responder_kind kinds[] = {RESPONDER_OMERACT_OARSI, RESPONDER_IMPROVED_BY,
                                                RESPONDER_IMPROVED_PERCENT, RESPONDER_STATE};
    for (size_t i = 0; i < COUNT(kinds); i++)
        assert_int_equal(protocol->responders[i].kind, kinds[i]);
    assert_int_equal(protocol->responders[0].endpoints[1], 1);
    assert_int_equal(protocol->responders[0].endpoints[2], -1);
    assert_true(protocol->responders[3].threshold == 32.3);
    assert_string_equal(protocol->reference, "CS");
    assert_true(protocol->level == 0.9 && !protocol->lsmeans_equal);
    assert_string_equal(protocol->df, "satterthwaite");
    assert_int_equal(protocol->covariate_count, 3);
    assert_string_equal(protocol->primary_endpoint, "func");
    assert_string_equal(protocol->primary_visit, "M12");
    assert_int_equal(protocol->completeness_endpoint, 1);   /* the primary one */
    assert_string_equal(protocol->baseline[0].item, "a");
    talloc_free(owner);
}

static void test_protocol_parse_without_analysis_has_defaults(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct protocol *protocol = parse(
        owner, memory_format(owner, "%.*s", (int)(strstr(whole, "analysis: {reference") - whole), whole));
    assert_true(protocol->level == 0.95 && protocol->lsmeans_equal);
    assert_string_equal(protocol->df, "kenward_roger");
    assert_null(protocol->reference);
    assert_null(protocol->primary_endpoint);
    assert_int_equal(protocol->completeness_endpoint, 0);
    talloc_free(owner);
}

static void test_protocol_parse_faults_name_line_and_hint(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        int line;
        const char *says;
    } cases[] = {
        {"masking: double", "masking: triple", 1, "none or double"},
        {"randomised: true, ", "", 1, "\"randomised\" is missing"},
        {"version: 2", "version: two", 1, "whole number"},
        {"any_time:", "anytime:", 10, "unknown key \"anytime\"; did you mean \"any_time\"?"},
        {"id: CS,", "id: AD-MSC,", 4, "this cohort is here twice"},
        {"id: CS,", "id: 1CS,", 4, "must begin with a letter"},
        {"kind: control", "kind: comparator", 4, "active, control or placebo"},
        {"id: M3,", "id: BL,", 9, "this visit is here twice"},
        {"id: M3,", "id: unscheduled,", 9, "not be \"unscheduled\""},
        {"target: 92", "target: 0", 9, "there is no study day 0"},
        {"target: 92", "target: 150", 9, "outside the due window [78, 106]"},
        {"due: [78, 106]", "due: [78, 0]", 9, "there is no study day 0"},
        {"due: [78, 106]", "due: [106, 78]", 9, "ends before it begins"},
        {"due: [78, 106]", "due: [78, max]", 9, "\"max\" is no study day"},
        {"due: [78, 106]", "due: [78]", 9, "two study days"},
        {"analysis: [2, 137]", "analysis: [2, 90]", 9, "outside the analysis window"},
        {"analysis: [2, 137]", "analysis: [1, 137]", 9,
         "M3: its analysis window overlaps that of BL (line 8)"},
        {"analysis: [2, 137]", "analysis: [2, 138]", 6,
         "M12: its analysis window overlaps that of M3 (line 9)"},
        {"due: [78, 106], analysis: [2, 137], forms: [scale]",
         "due: [78, 106], analysis: [2, 137], forms: []", 9, "name the forms"},
        {"due: [78, 106], analysis: [2, 137], forms: [scale]",
         "due: [78, 106], analysis: [2, 137], forms: [scale, scale]", 9, "\"scale\" is in \"forms\" twice"},
        {"score: scale.pain", "score: pain", 12, "must be form.name"},
        {"mcid: 10, source: them}", "mcid: 10}", 12, "needs its \"source\""},
        {"mcid: 10", "mcid: -10", 12, "must be above 0"},
        {"id: func, title", "id: pain, title", 13, "this endpoint is here twice"},
        {"rule: omeract_oarsi", "rule: oarsi", 15, "must be omeract_oarsi"},
        {"pain: pain", "pain: pin", 15, "no endpoint \"pin\" in this protocol; did you mean \"pain\"?"},
        {"function: func, source", "endpoint: func, source", 15, "\"function\" is missing"},
        {", source: Pham", "", 15, "\"source\" is missing"},
        {"endpoint: pain, improved_by: 10", "endpoint: pain", 16, "one of \"improved_by\""},
        {"endpoint: pain, improved_by: 10", "endpoint: pain, improved_by: 10, state: 3", 16,
         "one of \"improved_by\""},
        {"endpoint: pain, improved_by: 10", "endpoint: pain, improved_by: -10", 16, "must be above 0"},
        {"endpoint: pain, improved_by: 10", "endpoint: pain, pain: pain, improved_by: 10", 16,
         "belongs to rule"},
        {"id: half", "id: better", 17, "this responder rule is here twice"},
        {"reference: CS", "reference: XX", 19, "no cohort \"XX\" in this protocol; name one of \"cohorts\""},
        {"reference: CS", "reference: AD-MCS", 19, "did you mean \"AD-MSC\"?"},
        {"strata: [site]", "strata: [sites]", 20, "unknown entry \"sites\" of \"strata\"; write site or form.item"},
        {"level: 0.9", "level: 95", 19, "between 0.5 and 1"},
        {"df: satterthwaite", "df: residual", 19, "kenward_roger or satterthwaite"},
        {"covariates: [base, site, scale.a]", "covariates: [age]", 19,
         "unknown entry \"age\" of \"covariates\"; write base, site or form.item"},
        {"visit: M12", "visit: M13", 20, "no visit \"M13\" in this protocol; did you mean \"M3\"?"},
        {"endpoint: func, visit", "endpoint: fun, visit", 20, "no endpoint \"fun\""},
        {"baseline: [scale.a]", "baseline: [scale]", 20, "must be form.name"},
        {"subgroups: []", "subgroups: none", 20, "must be a list"},
    };
    void *owner = memory_owner(NULL, "test");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error error = {0};
        const char *text = definitions_altered(owner, whole, cases[i].from, cases[i].to);
        const struct protocol *protocol = protocol_parse(owner, "demo.yaml", text, strlen(text), &error);
        if (protocol != NULL || error.line != cases[i].line || strstr(error.message, cases[i].says) == NULL)
            fail_msg("%s -> %s: line %d: %s", cases[i].from, cases[i].to, error.line, error.message);
    }
    talloc_free(owner);
}

static void test_protocol_parse_no_baseline_visit_is_refused(void **state)
{
    (void)state;
    static const char text[] =
        "protocol: {id: p, version: 1, title: P, masking: none, randomised: false}\n"
        "cohorts: [{id: A, title: A, kind: active}]\n"
        "visits: [{id: M3, target: 92, due: [78, 106], analysis: [2, 137], forms: [scale]}]\n";
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    assert_null(protocol_parse(owner, "p.yaml", text, strlen(text), &error));
    assert_non_null(strstr(error.message, "no baseline visit"));
    talloc_free(owner);
}

/* A directory with the files of a study; removed by directory_remove. */
static void directory_make(char path[64], const char *const files[][2], size_t count)
{
    snprintf(path, 64, "/tmp/patella_test_protocol_XXXXXX");
    assert_non_null(mkdtemp(path));
    for (size_t i = 0; i < count; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s/%s", path, files[i][0]);
        FILE *file = fopen(name, "wb");
        assert_non_null(file);
        fputs(files[i][1], file);
        fclose(file);
    }
}

static void directory_remove(const char path[64], const char *const files[][2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s/%s", path, files[i][0]);
        unlink(name);
    }
    rmdir(path);
}

static void test_catalogue_load_newest_version_first(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    char *second = memory_copy_string(owner, scale);
    second[strcspn(second, "1")] = '2';   /* version: 2 */
    const char *const files[][2] = {{"scale.yaml", scale},
                                    {"scale-2.yaml", second},
                                    {"enrolment.yaml", enrolment},
                                    {"notes.txt", "no form here"},
                                    {".hidden.yaml", "x"}};
    char directory[64];
    directory_make(directory, files, COUNT(files));
    char protocol_path[] = "/tmp/patella_test_demo_XXXXXX";
    int descriptor = mkstemp(protocol_path);
    assert_int_equal(write(descriptor, whole, strlen(whole)), strlen(whole));
    close(descriptor);
    struct error error = {0};
    const struct catalogue *catalogue = catalogue_load(owner, protocol_path, directory, &error);
    unlink(protocol_path);
    directory_remove(directory, files, COUNT(files));
    if (catalogue == NULL)
        fail_msg("%s:%d: %s", error.file, error.line, error.message);
    assert_string_equal(catalogue->study, "demo");
    assert_int_equal(catalogue->form_count, 3);
    assert_int_equal(catalogue_find_form(catalogue, "scale", 0)->version, 2);
    assert_int_equal(catalogue_find_form(catalogue, "scale", 1)->version, 1);
    assert_null(catalogue_find_form(catalogue, "scale", 3));
    assert_null(catalogue_find_form(catalogue, "koos", 0));
    assert_string_equal(catalogue_endpoint_score(catalogue, &catalogue->protocol->endpoints[1])->id,
                        "function");
    talloc_free(owner);
}

static void test_catalogue_load_two_files_of_one_version_are_refused(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const char *const files[][2] = {
        {"scale.yaml", scale}, {"copy.yaml", scale}, {"enrolment.yaml", enrolment}};
    char directory[64];
    directory_make(directory, files, COUNT(files));
    struct error error = {0};
    const struct catalogue *catalogue = catalogue_load(owner, "forms/protocols/demo.yaml", directory, &error);
    directory_remove(directory, files, COUNT(files));
    assert_null(catalogue);
    assert_non_null(strstr(error.message, "two files hold version 1 of form scale, this one and "));
    assert_non_null(strstr(error.file, ".yaml"));
    assert_int_equal(error.line, 2);
    assert_null(catalogue_load(owner, "forms/protocols/demo.yaml", directory, &error));
    assert_non_null(strstr(error.message, "cannot be read"));
    talloc_free(owner);
}

static void test_catalogue_check_unknown_references_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        int line;
        const char *says;
    } cases[] = {
        {"analysis: [2, 137], forms: [scale]", "analysis: [2, 137], forms: [scael]", 9,
         "M3: no form \"scael\"; did you mean \"scale\"?"},
        {"any_time: [enrolment]", "any_time: [surgery]", 10, "any_time: no form \"surgery\""},
        {"score: scale.pain", "score: scale.pane", 12, "pain: form scale has no score \"pane\""},
        {"score: scale.function", "score: koos.function", 13, "func: no form \"koos\""},
        {"baseline: [scale.a]", "baseline: [scale.b]", 20, "baseline: form scale has no item \"b\""},
        {"baseline: [scale.a]", "baseline: [other.b]", 20, "baseline: no form \"other\""},
        {"baseline: [scale.a]", "baseline: [scale.t]", 20,
         "baseline: scale.t is a text; name a number"},
        {"[base, site, scale.a]", "[base, scale.b]", 19, "covariates: form scale has no item \"b\""},
        {"[base, site, scale.a]", "[scael.a]", 19, "covariates: no form \"scael\"; did you mean \"scale\"?"},
        {"[base, site, scale.a]", "[scale.t]", 19, "covariates: scale.t is a text"},
        {"strata: [site]", "strata: [scale.b]", 20, "strata: form scale has no item \"b\""},
        {"subgroups: []", "subgroups: [{id: x, item: scale.a, cut: [5]}, scale.b]", 20,
         "subgroups: form scale has no item \"b\""},
    };
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    const struct form *forms[] = {form_parse(owner, "e", enrolment, strlen(enrolment), &error),
                                  form_parse(owner, "s", scale, strlen(scale), &error)};
    struct catalogue catalogue = {
        .study = "demo", .protocol = parse(owner, whole), .forms = forms, .form_count = 2};
    assert_true(catalogue_check(&catalogue, "demo.yaml", &error));
    for (size_t i = 0; i < COUNT(cases); i++) {
        catalogue.protocol = parse(owner, definitions_altered(owner, whole, cases[i].from, cases[i].to));
        assert_false(catalogue_check(&catalogue, "demo.yaml", &error));
        if (error.line != cases[i].line || strstr(error.message, cases[i].says) == NULL)
            fail_msg("%s: line %d: %s", cases[i].to, error.line, error.message);
    }
    talloc_free(owner);
}

static void test_catalogue_check_exactly_one_form_creates_subjects(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    char *other = memory_copy_string(owner, enrolment);
    memcpy(other, "form: enrolled ", 15);
    const struct form *forms[] = {form_parse(owner, "s", scale, strlen(scale), &error),
                                  form_parse(owner, "e", enrolment, strlen(enrolment), &error),
                                  form_parse(owner, "o", other, strlen(other), &error)};
    const char *text = definitions_altered(owner, whole, "any_time: [enrolment]", "any_time: []");
    struct catalogue catalogue = {
        .study = "demo", .protocol = parse(owner, text), .forms = forms, .form_count = 1};
    assert_false(catalogue_check(&catalogue, "demo.yaml", &error));
    assert_non_null(strstr(error.message, "no form of this study creates subjects"));
    catalogue.form_count = 2;
    assert_true(catalogue_check(&catalogue, "demo.yaml", &error));
    catalogue.form_count = 3;
    assert_false(catalogue_check(&catalogue, "demo.yaml", &error));
    assert_non_null(strstr(error.message, "both create subjects"));
    assert_string_equal(error.file, "o");
    assert_int_equal(error.line, 6);
    talloc_free(owner);
}

static void test_protocol_to_json_is_json_with_everything(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *text = text_new(owner);
    protocol_to_json(text, parse(owner, whole));
    json_error_t error;
    json_t *json = json_loads(text->bytes, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        fail_msg("%s in %s", error.text, text->bytes);
    json_t *screening = json_array_get(json_object_get(json, "visits"), 0);
    int target = 0, due = 0;
    assert_int_equal(json_unpack(screening, "{s:i, s:[i*]}", "target", &target, "due", &due), 0);
    assert_int_equal(target, -60);
    assert_true(json_is_null(json_array_get(json_object_get(screening, "analysis"), 0)));
    const char *score, *rule, *visit, *completeness;
    double threshold = 0;
    assert_int_equal(
        json_unpack(json_array_get(json_object_get(json, "endpoints"), 0), "{s:s}", "score", &score), 0);
    assert_string_equal(score, "scale.pain");
    json_t *responders = json_object_get(json, "responders");
    assert_int_equal(json_unpack(json_array_get(responders, 0), "{s:s}", "rule", &rule), 0);
    assert_int_equal(json_unpack(json_array_get(responders, 3), "{s:F}", "state", &threshold), 0);
    assert_true(threshold == 32.3);
    assert_int_equal(json_unpack(json_object_get(json, "analysis"), "{s:{s:s}, s:s}", "primary", "visit",
                                 &visit, "completeness", &completeness),
                     0);
    assert_string_equal(completeness, "func");
    json_decref(json);
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protocol_parse_head_and_cohorts),
        cmocka_unit_test(test_protocol_parse_visits_are_in_order_and_one_is_baseline),
        cmocka_unit_test(test_protocol_parse_endpoints_responders_analysis),
        cmocka_unit_test(test_protocol_parse_without_analysis_has_defaults),
        cmocka_unit_test(test_protocol_parse_faults_name_line_and_hint),
        cmocka_unit_test(test_protocol_parse_no_baseline_visit_is_refused),
        cmocka_unit_test(test_catalogue_load_newest_version_first),
        cmocka_unit_test(test_catalogue_load_two_files_of_one_version_are_refused),
        cmocka_unit_test(test_catalogue_check_unknown_references_are_refused),
        cmocka_unit_test(test_catalogue_check_exactly_one_form_creates_subjects),
        cmocka_unit_test(test_protocol_to_json_is_json_with_everything),
    };
    return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
