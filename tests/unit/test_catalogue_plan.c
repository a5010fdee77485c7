/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a protocol analyses held against its forms, and shown: faults, levels, conditions, JSON, codebook. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "forms/base/memory.h"
#include "forms/codebook.h"
#include "forms/faults.h"
#include "forms/protocol.h"
#include "tests/support/definitions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char whole[] =
    "protocol: {id: p, version: 1, title: P, masking: none, randomised: false}\n" /* 1 */
    "cohorts: [{id: A, title: A, kind: active}, {id: CS, title: C, kind: control}]\n"
    "visits:\n"
    "  - {id: BL, target: 1, due: [-30, 1], analysis: [min, 1], forms: [baseline, scale]}\n"
    "  - {id: M3, target: 92, due: [78, 106], analysis: [2, 137], forms: [scale, person]}\n" /* 5 */
    "any_time: [enrolment, adverse_event]\n"
    "endpoints: [{id: pain, score: scale.pain}, {id: mood, score: person.mood}]\n"
    "analysis:\n"
    "  reference: CS\n"
    "  subgroups:\n" /* 10 */
    "    - baseline.sex\n"
    "    - {id: kl, title: KL, item: baseline.kl, groups: [{title: low, codes: [1]}, {title: high, codes: "
    "[2, 3]}]}\n"
    "    - {id: bmi, item: baseline.bmi, cut: [25, 30]}\n"
    "    - {item: baseline.smoker, id: smoker}\n"
    "  margins: [{endpoint: pain, margin: 2, source: them}]\n" /* 15 */
    "  events: [{id: over, form: scale, when: \"a > 3\", date: since, days: [30]}]\n"
    "  contralateral: {endpoints: [pain], at_least: 4}\n"
    "  imaging: [{endpoint: pain, scale: ratio}]\n"
    "  cost: {amount: baseline.price, currency: baseline.currency}\n"
    "  estimands: [{endpoint: pain, population: \"<all>\", summary: mean,\n" /* 20 */
    "    intercurrent: [{event: rescue, strategy: composite}]}]\n"
    "  claims: [{id: safe, claim: \"<none>\", kind: harm, special_interest: infection, cohort: A, value: 0, "
    "refuted: above},\n"
    "    {id: grades, claim: w, kind: equivalence, endpoint: pain, visit: M3, cohort: A, subgroup: kl, level: low,\n"
    "     against: high},\n" /* 24 */
    "    {id: puff, claim: w, kind: difference, endpoint: pain, visit: M3, compare: [A, CS], subgroup: smoker,\n"
    "     level: \"true\", value: 0, refuted: above}]\n";

static const char enrolment[] =
    "form: enrolment\nversion: 1\ntitle: Enrolment\nsource: s\nabout: subject\ncreates_subject: true\n"
    "choices: {side: [{code: left, label: l}, {code: right, label: r}]}\n"
    "sections: [{id: x, title: X, items: [{id: index_knee, text: k, type: choice, choices: side, required: "
    "always}]}]\n";

static const char baseline[] =
    "form: baseline\nversion: 1\ntitle: Baseline\nsource: s\nabout: subject\n"
    "choices:\n  sex: [{code: f, label: woman}, {code: m, label: man}]\n"
    "  kl: [{code: 1, label: one}, {code: 2, label: two}, {code: 3, label: three}]\n"
    "sections: [{id: x, title: X, items: [{id: sex, text: sex, type: choice, choices: sex},\n"
    "  {id: kl, text: grade, type: choice, choices: kl}, {id: smoker, text: smokes, type: boolean},\n"
    "  {id: bmi, text: mass index, type: decimal, decimals: 1, min: 10, max: 80},\n"
    "  {id: price, text: price, type: decimal}, {id: currency, text: currency, type: text}]}]\n";

static const char scale[] =
    "form: scale\nversion: 1\ntitle: Scale\nsource: s\nabout: knee\n"
    "sections: [{id: x, title: X, items: [{id: a, text: a, type: integer, min: 0, max: 10},\n"
    "  {id: since, text: since, type: partial_date}, {id: sure, text: sure, type: boolean}]}]\n"
    "scores: [{id: pain, title: Pain, method: sum, items: [a], direction: higher_worse}]\n";

static const char person[] =
    "form: person\nversion: 1\ntitle: Person\nsource: s\nabout: subject\n"
    "sections: [{id: x, title: X, items: [{id: b, text: b, type: integer, min: -5, max: 5}]}]\n"
    "scores: [{id: mood, title: Mood, method: sum, items: [b], direction: higher_better}]\n";

static const char adverse_event[] =
    "form: adverse_event\nversion: 1\ntitle: Event\nsource: s\nabout: either\n"
    "choices: {interest: [{code: none, label: n}, {code: infection, label: i}]}\n"
    "sections: [{id: x, title: X, items: [{id: special_interest, text: i, type: choice, choices: "
    "interest}]}]\n";

static const char *const form_texts[] = {adverse_event, baseline, enrolment, person, scale};
enum { FORM_COUNT = 5 };

static const struct form *parse_form(const void *owner, const char *text)
{
    struct error error = {0};
    const struct form *form = form_parse(owner, "form.yaml", text, strlen(text), &error);
    if (form == NULL)
        fail_msg("form.yaml:%d: %s", error.line, error.message);
    return form;
}

static struct catalogue *make(const void *owner, const char *text)
{
    struct error error = {0};
    struct catalogue *catalogue = memory_new(owner, struct catalogue);
    const struct form **forms = memory_new_array(owner, const struct form *, FORM_COUNT + 1);
    for (size_t i = 0; i < FORM_COUNT; i++)
        forms[i] = parse_form(owner, form_texts[i]);
    catalogue->forms = forms;
    catalogue->form_count = FORM_COUNT;
    catalogue->study = "p";
    catalogue->protocol = protocol_parse(owner, "p.yaml", text, strlen(text), &error);
    if (catalogue->protocol == NULL)
        fail_msg("p.yaml:%d: %s", error.line, error.message);
    return catalogue;
}

/* Another version of baseline behind the newest one, as a catalogue holds it. */
static void add_old_baseline(const void *owner, struct catalogue *catalogue, const char *from, const char *to)
{
    const struct form **forms = memory_new_array(owner, const struct form *, FORM_COUNT + 1);
    memcpy(forms, catalogue->forms, 2 * sizeof forms[0]);
    forms[2] = parse_form(owner, definitions_altered(owner, baseline, from, to));
    memcpy(&forms[3], &catalogue->forms[2], (FORM_COUNT - 2) * sizeof forms[0]);
    catalogue->forms = forms;
    catalogue->form_count = FORM_COUNT + 1;
}

static void test_catalogue_check_plan_fits(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    if (!catalogue_check(make(owner, whole), "p.yaml", &error))
        fail_msg("p.yaml:%d: %s", error.line, error.message);
    talloc_free(owner);
}

static void test_catalogue_check_plan_faults_say_what_and_where(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
        int line;
        const char *says;
    } cases[] = {
        {"baseline.sex", "baseline.sexe", 11,
         "subgroups: form baseline has no item \"sexe\"; did you mean \"sex\"?"},
        {"baseline.sex", "base.sex", 11, "subgroups: no form \"base\""},
        {"baseline.sex", "baseline.currency", 11, "baseline.currency is a text"},
        {"baseline.sex", "baseline.price", 11,
         "has type decimal and no codes; say with \"cut\" where its groups begin"},
        {"codes: [1]", "codes: [1, 7]", 12, "kl: baseline.kl has no code \"7\""},
        {"codes: [2, 3]", "codes: [2]", 12,
         "code \"3\" of baseline.kl is in no group; put it into one, or name it"},
        {"codes: [2, 3]", "codes: [1, 2, 3]", 12, "code \"1\" of baseline.kl is in 2 groups"},
        {"codes: [2, 3]}]", "codes: [2, 3]}], leave_out: [3]", 12,
         "code \"3\" of baseline.kl is in 2 groups"},
        {"codes: [2, 3]}]", "codes: [2, 3]}], leave_out: [9]", 12, "has no code \"9\""},
        {"item: baseline.kl, groups", "item: baseline.bmi, groups", 12, "bmi has type decimal and no codes"},
        {"item: baseline.bmi, cut", "item: baseline.sex, cut", 13,
         "baseline.sex has type choice, and \"cut\" divides numbers"},
        {"cut: [25, 30]", "cut: [10, 30]", 13, "no value of baseline.bmi lies below 10"},
        {"cut: [25, 30]", "cut: [25, 81]", 13, "no value of baseline.bmi reaches 81"},
        {"margin: 2", "margin: 10", 15, "the margin 10 of pain is as wide as its scale, 0 to 10"},
        {"form: scale, when", "form: scael, when", 16, "over: no form \"scael\"; did you mean \"scale\"?"},
        {"a > 3", "aa > 3", 16, "over: when: "},
        {"a > 3", "a + 3", 16, "over: when: "},
        {"date: since", "among: {item: baseline.sex, codes: [f, x]}", 16,
         "over: among: baseline.sex has no code \"x\""},
        {"date: since", "among: {item: baseline.sez, codes: [f]}", 16, "form baseline has no item \"sez\""},
        {"date: since", "date: a", 16, "over: scale.a has type integer; \"date\" names a date"},
        {"date: since", "date: until", 16, "over: form scale has no item \"until\""},
        {"form: scale, when: \"a > 3\", date: since", "form: baseline, date: sex", 16,
         "has type choice; \"date\" names"},
        {"endpoints: [pain], at_least", "endpoints: [mood], at_least", 17,
         "endpoint mood is about the subject"},
        {"at_least: 4", "at_least: 40", 17, "at_least 40 lies outside the scale of pain, 0 to 10"},
        {"endpoint: pain, scale: ratio", "endpoint: mood, scale: ratio", 18,
         "mood can be negative, and has no ratio"},
        {"scale: ratio}", "scale: ratio, reader: scale.since, reading: scale.a}", 18,
         "reader: scale.since is a partial_date"},
        {"scale: ratio}", "scale: ratio, reader: scale.a, reading: scale.sure}", 18,
         "imaging: scale.sure has type boolean; \"reading\" names a whole number"},
        {"scale: ratio}", "scale: ratio, reader: scale.a, reading: scale.b}", 18, "form scale has no item \"b\""},
        {"amount: baseline.price", "amount: baseline.sex", 19,
         "baseline.sex has type choice; \"amount\" names a number"},
        {"currency: baseline.currency", "currency: baseline.bmi", 19,
         "\"currency\" names a text or a choice"},
        {"currency: baseline.currency", "currency: baseline.coin", 19, "form baseline has no item \"coin\""},
        {"special_interest: infection", "special_interest: infektion", 22,
         "safe: adverse_event.special_interest has no code \"infektion\"; did you mean \"infection\"?"},
        {"special_interest: infection", "special_interest: none", 22, "none is no event"},
        {"against: high", "against: hihg", 23,
         "grades: against: subgroup kl has no group \"hihg\"; did you mean \"high\"?"},
        {"level: low", "level: \"2\"", 23, "grades: level: subgroup kl has no group \"2\""},
        {"level: \"true\"", "level: often", 25, "puff: level: subgroup smoker has no group \"often\""},
    };
    void *owner = memory_owner(NULL, "test");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error error = {0};
        struct catalogue *catalogue =
            make(owner, definitions_altered(owner, whole, cases[i].from, cases[i].to));
        bool fits = catalogue_check(catalogue, "p.yaml", &error);
        if (fits || error.line != cases[i].line || strstr(error.message, cases[i].says) == NULL)
            fail_msg("%s: line %d: %s", cases[i].to, error.line, error.message);
    }
    talloc_free(owner);
}

/* A form that nobody is asked for has no events. */
static void test_catalogue_check_event_of_a_form_that_no_visit_has_is_refused(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    const char *text =
        definitions_altered(owner, whole, "form: scale, when: \"a > 3\", date: since", "form: person");
    assert_true(catalogue_check(make(owner, text), "p.yaml", &error));
    text = definitions_altered(owner, text, "forms: [scale, person]", "forms: [scale]");
    text = definitions_altered(owner, text, ", {id: mood, score: person.mood}", "");
    assert_false(catalogue_check(make(owner, text), "p.yaml", &error));
    assert_non_null(strstr(error.message, "over: no visit asks for the form person"));
    talloc_free(owner);
}

/* A code that only an older version of the form has must have its group as well: there are answers with it.
 */
static void test_catalogue_subgroup_codes_of_older_versions_count(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    struct catalogue *catalogue = make(owner, whole);
    add_old_baseline(owner, catalogue, "{code: 3, label: three}", "{code: 4, label: four}");
    assert_false(catalogue_check(catalogue, "p.yaml", &error));
    assert_non_null(strstr(error.message, "code \"4\" of baseline.kl is in no group"));
    size_t count = 0;
    const struct subgroup kl = {.id = "kl", .item = {"subgroups", "baseline", "kl", 1}};
    const struct subgroup_level *levels = catalogue_subgroup_levels(owner, catalogue, &kl, &count);
    static const char *const codes[] = {"1", "2", "3", "4"};
    assert_int_equal(count, COUNT(codes));
    for (size_t i = 0; i < count; i++)
        assert_string_equal(levels[i].codes[0], codes[i]);
    assert_string_equal(levels[3].title, "four");
    talloc_free(owner);
}

static void test_catalogue_subgroup_levels_of_codes_and_booleans(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct catalogue *catalogue =
        make(owner, definitions_altered(owner, whole, "id: smoker}", "id: smoker, leave_out: [\"true\"]}"));
    const struct subgroup *subgroups = catalogue->protocol->plan.subgroups;
    size_t count = 0;
    const struct subgroup_level *levels = catalogue_subgroup_levels(owner, catalogue, &subgroups[0], &count);
    assert_int_equal(count, 2);
    assert_string_equal(levels[0].title, "woman");
    assert_int_equal(subgroup_find_level(levels, count, "m", NAN), 1);
    levels = catalogue_subgroup_levels(owner, catalogue, &subgroups[3], &count);
    assert_int_equal(count, 1); /* the other is left out */
    assert_string_equal(levels[0].codes[0], "false");
    assert_string_equal(catalogue_subgroup_title(catalogue, &subgroups[3]), "smokes");
    assert_string_equal(catalogue_subgroup_title(catalogue, &subgroups[1]), "KL");
    talloc_free(owner);
}

static void test_event_condition_is_parsed_over_a_version_of_the_form(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct catalogue *catalogue = make(owner, whole);
    const struct timed_event *event = &catalogue->protocol->plan.events[0];
    struct error error = {0};
    const struct expression *condition =
        event_condition(owner, event, catalogue_find_form(catalogue, "scale", 0), &error);
    assert_non_null(condition);
    assert_string_equal(expression_source(condition), "a > 3");
    assert_null(event_condition(owner, event, catalogue_find_form(catalogue, "person", 0), &error));
    assert_int_equal(error.kind, ERROR_INPUT);
    struct timed_event every = *event;
    every.when = NULL;
    assert_null(event_condition(owner, &every, catalogue_find_form(catalogue, "scale", 0), &error));
    assert_int_equal(error.kind, ERROR_NONE);
    talloc_free(owner);
}

/* Two studies unlike ours, the demo and the simulated trial: each fits its forms and uses what it is there
 * for. */
static void test_catalogue_load_studies_of_every_shape(void **state)
{
    (void)state;
    static const struct {
        const char *protocol, *forms;
        size_t cohorts, visits, contrasts, subgroups, events, claims, hypotheses;
    } studies[] = {
        {"forms/protocols/demo.yaml", "forms/instruments", 3, 5, 3, 6, 4, 18, 2},
        {"tests/golden/trial1000/protocol.yaml", "forms/instruments", 3, 5, 2, 4, 1, 7, 2},
        {"tests/golden/other_studies/weeks/protocol.yaml", "tests/golden/other_studies/weeks/forms", 2, 4, 1,
         3, 1, 0, 1},
        {"tests/golden/other_studies/doses/protocol.yaml", "tests/golden/other_studies/doses/forms", 6, 11, 5,
         1, 0, 1, 5},
    };
    void *owner = memory_owner(NULL, "test");
    for (size_t i = 0; i < COUNT(studies); i++) {
        struct error error = {0};
        const struct catalogue *catalogue =
            catalogue_load(owner, studies[i].protocol, studies[i].forms, &error);
        if (catalogue == NULL)
            fail_msg("%s:%d: %s", error.file, error.line, error.message);
        const struct protocol *protocol = catalogue->protocol;
        const struct analysis_plan *plan = &protocol->plan;
        assert_int_equal(protocol->cohort_count, studies[i].cohorts);
        assert_int_equal(protocol->visit_count, studies[i].visits);
        assert_int_equal(plan->contrast_count, studies[i].contrasts);
        assert_int_equal(plan->subgroup_count, studies[i].subgroups);
        assert_int_equal(plan->event_count, studies[i].events);
        assert_int_equal(plan->claim_count, studies[i].claims);
        assert_int_equal(plan->multiplicity.hypothesis_count, studies[i].hypotheses);
    }
    talloc_free(owner);
}

static void test_protocol_to_json_has_the_plan(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    const struct catalogue *catalogue =
        catalogue_load(owner, "forms/protocols/demo.yaml", "forms/instruments", &error);
    struct text *text = text_new(owner);
    protocol_to_json(text, catalogue->protocol);
    json_t *json = json_loads(text->bytes, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    json_t *analysis = json_object_get(json, "analysis");
    const char *cohort, *against, *method, *event, *when, *kind, *subgroup, *strategy;
    double below = 0;
    assert_int_equal(json_unpack(analysis, "{s:[[s,s!]*]}", "compare", &cohort, &against), 0);
    assert_string_equal(cohort, "AD-MSC");
    assert_string_equal(against, "CS");
    const char *second_method, *third_method;
    assert_int_equal(json_unpack(analysis, "{s:{s:[s,s,s!]}}", "sensitivity", "methods", &method,
                                 &second_method, &third_method),
                     0);
    assert_string_equal(third_method, "cir");
    json_t *second = json_array_get(json_object_get(analysis, "subgroups"), 1);
    assert_int_equal(json_unpack(second, "{s:s, s:[{s:F}*]}", "id", &subgroup, "groups", "below", &below), 0);
    assert_true(strcmp(subgroup, "age") == 0 && below == 65);
    json_t *events = json_object_get(analysis, "events");
    assert_int_equal(json_unpack(json_array_get(events, 0), "{s:s, s:s}", "id", &event, "when", &when), 0);
    assert_string_equal(when, "kind = 'replacement'");
    assert_int_equal(
        json_unpack(analysis, "{s:[{s:[{s:s}*]}*]}", "estimands", "intercurrent", "strategy", &strategy), 0);
    assert_string_equal(strategy, "treatment_policy");
    json_t *claims = json_object_get(analysis, "claims");
    assert_int_equal(json_array_size(claims), 18);
    assert_int_equal(json_unpack(json_array_get(claims, 0), "{s:s}", "kind", &kind), 0);
    assert_string_equal(kind, "responder");
    json_decref(json);
    talloc_free(owner);
}

static void test_codebook_write_html_shows_the_plan_escaped(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "<caption>Analysis</caption>",
        "A against CS",
        "<caption>Subgroups</caption>",
        "25 to &lt; 30",
        "<caption>Time to event</caption>",
        "a &gt; 3",
        "<caption>Margins of equivalence</caption>",
        "<caption>Estimands (ICH E9(R1))</caption>",
        "&lt;all&gt;",
        "rescue: composite",
        "<caption>Claims</caption>",
        "&lt;none&gt;",
        "above it",
    };
    void *owner = memory_owner(NULL, "test");
    struct text *text = text_new(owner);
    codebook_write_html(text, make(owner, whole));
    for (size_t i = 0; i < COUNT(texts); i++)
        if (strstr(text->bytes, texts[i]) == NULL)
            fail_msg("no %s in %s", texts[i], text->bytes);
    assert_null(strstr(text->bytes, "<all>"));
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalogue_check_plan_fits),
        cmocka_unit_test(test_catalogue_check_plan_faults_say_what_and_where),
        cmocka_unit_test(test_catalogue_check_event_of_a_form_that_no_visit_has_is_refused),
        cmocka_unit_test(test_catalogue_subgroup_codes_of_older_versions_count),
        cmocka_unit_test(test_catalogue_subgroup_levels_of_codes_and_booleans),
        cmocka_unit_test(test_event_condition_is_parsed_over_a_version_of_the_form),
        cmocka_unit_test(test_catalogue_load_studies_of_every_shape),
        cmocka_unit_test(test_protocol_to_json_has_the_plan),
        cmocka_unit_test(test_codebook_write_html_shows_the_plan_escaped),
    };
    return cmocka_run_group_tests_name("catalogue plan", tests, NULL, NULL);
}
