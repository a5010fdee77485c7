/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The `analysis` of a protocol as it is read: what each key becomes, its default, and each of its faults. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/faults.h"
#include "forms/protocol.h"
#include "forms/yaml.h"
#include "tests/support/definitions.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Everything before `analysis:`, which is line 14. */
static const char
    head[] = "protocol: {id: p, version: 1, title: P, masking: none, randomised: false}\n" /* 1 */
             "cohorts:\n"
             "  - {id: A, title: A, kind: active}\n"
             "  - {id: B, title: B, kind: active}\n"
             "  - {id: CS, title: C, kind: control}\n" /* 5 */
             "visits:\n"
             "  - {id: BL, target: 1, due: [-30, 1], analysis: [min, 1], forms: [koos, imaging]}\n"
             "  - {id: M3, target: 92, due: [78, 106], analysis: [2, 137], forms: [koos]}\n"
             "  - {id: M12, target: 366, due: [336, 396], analysis: [138, max], forms: [koos, imaging]}\n"
             "endpoints: [{id: pain, score: koos.womac_pain_0_100}, {id: func, score: "
             "koos.womac_function_0_100},\n" /* 10 */
             "  {id: bml, score: imaging.bone_marrow_lesion_mm3}]\n"
             "responders: [{id: half, endpoint: pain, improved_percent: 50, source: s},\n"
             "  {id: image, endpoint: bml, improved_by: 1, source: s}]\n"
             "analysis:\n";

static const char full[] =
    "  reference: CS\n" /* 15 */
    "  primary: {endpoint: pain, visit: M12}\n"
    "  compare: [[A, CS], [A, B]]\n"
    "  models: [func, pain]\n"
    "  covariates: [base, site, baseline.age_years]\n"
    "  strata: [site, baseline.kl_grade]\n" /* 20 */
    "  adjustment: [base, baseline.bmi]\n"
    "  subgroups:\n"
    "    - baseline.sex\n"
    "    - {id: kl, title: KL, item: baseline.kl_grade, groups: [{title: low, codes: [1, 2]}, {title: high, "
    "codes: [3, 4]}], leave_out: [0]}\n"
    "    - {id: bmi, item: baseline.bmi, cut: [25, 30]}\n" /* 25 */
    "    - {id: age, item: baseline.age_years, cut: [65], titles: [young, old]}\n"
    "  margins: [{endpoint: pain, margin: 5, source: them}]\n"
    "  sensitivity: {endpoints: [func], methods: [cr, cir], tipping: false}\n"
    "  events:\n"
    "    - {id: tkr, title: Replacement, form: joint_event, when: \"kind = 'replacement'\", knee: any, "
    "competing: death, horizon: 731, days: [92, 731]}\n" /* 30 */
    "    - {id: daily, form: return_to_activity, date: daily_activity_date, favourable: true}\n"
    "  safety: {periods: [3, 10, 20]}\n"
    "  contralateral: {endpoints: [pain], at_least: 40}\n"
    "  imaging: [{endpoint: bml, scale: ratio}]\n"
    "  cost: {amount: treatment.price, currency: treatment.currency}\n" /* 35 */
    "  multiplicity: {method: ordered, hypotheses: [{endpoint: pain, visit: M12, compare: [A, B]}, "
    "{endpoint: func, visit: M3, compare: [A, CS]}]}\n"
    "  estimands: [{endpoint: pain, population: all, summary: mean, intercurrent: [{event: rescue, strategy: "
    "hypothetical}]}]\n"
    "  claims:\n"
    "    - {id: c1, claim: w, source: s, kind: responder, responder: half, visit: M12, cohort: A, value: "
    "79.3, refuted: below}\n"
    "    - {id: c2, claim: w, kind: difference, endpoint: pain, visit: M3, compare: [A, CS], value: -12, "
    "refuted: above}\n" /* 40 */
    "    - {id: c3, claim: w, kind: durability, endpoint: pain, visit: M12, from: M3, compare: [A, CS], "
    "value: 0, refuted: outside}\n"
    "    - {id: c4, claim: w, kind: interaction, subgroup: kl, endpoint: pain, visit: M12, compare: [A, "
    "CS]}\n"
    "    - {id: c5, claim: w, kind: event, event: tkr, day: 731, compare: [A, CS], value: -2, refuted: "
    "above}\n"
    "    - {id: c6, claim: w, kind: harm, special_interest: infection, cohort: B, value: 0, refuted: above}\n"
    "    - {id: c7, claim: w, kind: contralateral, endpoint: pain, visit: M3, cohort: A, value: 0, refuted: "
    "above}\n"
    "    - {id: c8, claim: w, kind: equivalence, endpoint: pain, visit: M12, compare: [A, B]}\n"
    "    - {id: c9, claim: w, kind: imaging, endpoint: bml, visit: M12, cohort: A, value: -27, refuted: "
    "above}\n"
    "    - {id: c10, claim: w, kind: cost, cohort: A, value: 5000, refuted: above}\n"
    "    - {id: c11, claim: w, kind: change, endpoint: func, visit: M12, cohort: A, value: -9, refuted: "
    "above}\n"
    "    - {id: c12, claim: w, kind: equivalence, endpoint: pain, visit: M12, cohort: A, subgroup: kl, level: low, "
    "against: high}\n" /* 50 */
    "    - {id: c13, claim: w, kind: difference, endpoint: pain, visit: M12, compare: [A, CS], subgroup: age, "
    "level: old, value: 0, refuted: below}\n";

static const char *whole(const void *owner)
{
    return memory_format(owner, "%s%s", head, full);
}

static const struct protocol *parse(const void *owner, const char *text)
{
    struct error error = {0};
    const struct protocol *protocol = protocol_parse(owner, "p.yaml", text, strlen(text), &error);
    if (protocol == NULL)
        fail_msg("p.yaml:%d: %s", error.line, error.message);
    return protocol;
}

static void assert_contrast(const struct analysis_plan *plan, size_t at, int cohort, int against)
{
    assert_int_equal(plan->contrasts[at].cohort, cohort);
    assert_int_equal(plan->contrasts[at].against, against);
}

static void test_plan_compare_models_and_terms_are_indices(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct analysis_plan *plan = &parse(owner, whole(owner))->plan;
    assert_int_equal(plan->contrast_count, 2);
    assert_contrast(plan, 0, 0, 2);
    assert_contrast(plan, 1, 0, 1);
    assert_int_equal(plan_find_contrast(plan, 0, 1), 1);
    assert_int_equal(plan_find_contrast(plan, 1, 0), PLAN_NONE);
    assert_int_equal(plan->model_count, 2);
    assert_int_equal(plan->models[0], 1);
    assert_true(plan_has_model(plan, 0) && !plan_has_model(plan, 2));
    assert_int_equal(plan->covariate_count, 3);
    assert_int_equal(plan->covariates[0].kind, TERM_BASE);
    assert_int_equal(plan->covariates[1].kind, TERM_SITE);
    assert_string_equal(plan->covariates[2].item.item, "age_years");
    assert_int_equal(plan->stratum_count, 2);
    assert_int_equal(plan->strata[0].kind, TERM_SITE);
    assert_string_equal(plan->strata[1].item.form, "baseline");
    assert_int_equal(plan->adjustment_count, 2);
    assert_string_equal(plan->adjustment[1].item.item, "bmi");
    assert_int_equal(plan->primary_endpoint, 0);
    assert_int_equal(plan->primary_visit, 2);
    talloc_free(owner);
}

static void test_plan_subgroups_have_levels(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct analysis_plan *plan = &parse(owner, whole(owner))->plan;
    assert_int_equal(plan->subgroup_count, 4);
    const struct subgroup *sex = &plan->subgroups[0], *kl = &plan->subgroups[1], *bmi = &plan->subgroups[2];
    assert_string_equal(sex->id, "sex");
    assert_true(sex->title == NULL && sex->levels == NULL);
    assert_int_equal(kl->level_count, 2);
    assert_string_equal(kl->levels[1].title, "high");
    assert_int_equal(subgroup_find_level(kl->levels, 2, "2", 2), 0);
    assert_int_equal(subgroup_find_level(kl->levels, 2, "4", 4), 1);
    assert_int_equal(subgroup_find_level(kl->levels, 2, "0", 0), PLAN_NONE);
    assert_int_equal(subgroup_find_level(kl->levels, 2, NULL, NAN), PLAN_NONE);
    assert_string_equal(kl->left_out[0], "0");
    static const struct {
        double number;
        int level;
    } numbers[] = {{24.9, 0}, {25, 1}, {29.999, 1}, {30, 2}, {1e9, 2}, {-1e9, 0}, {NAN, PLAN_NONE}};
    assert_true(bmi->has_cuts && bmi->level_count == 3);
    for (size_t i = 0; i < COUNT(numbers); i++)
        assert_int_equal(subgroup_find_level(bmi->levels, 3, "x", numbers[i].number), numbers[i].level);
    assert_string_equal(bmi->levels[0].title, "< 25");
    assert_string_equal(bmi->levels[1].title, "25 to < 30");
    assert_string_equal(bmi->levels[2].title, ">= 30");
    assert_string_equal(plan->subgroups[3].levels[1].title, "old");
    talloc_free(owner);
}

static void test_plan_events_have_defaults_and_what_is_written(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct analysis_plan *plan = &parse(owner, whole(owner))->plan;
    const struct timed_event *replacement = &plan->events[0], *daily = &plan->events[1];
    assert_int_equal(plan->event_count, 2);
    assert_string_equal(replacement->when, "kind = 'replacement'");
    assert_null(replacement->date);
    assert_int_equal(replacement->knee, EVENT_ANY_KNEE);
    assert_true(replacement->death_competes && !replacement->favourable);
    assert_int_equal(replacement->horizon, 731);
    assert_int_equal(replacement->day_count, 2);
    assert_int_equal(replacement->days[1], 731);
    assert_string_equal(daily->title, "daily");
    assert_string_equal(daily->date, "daily_activity_date");
    assert_true(daily->when == NULL && daily->favourable && !daily->death_competes);
    assert_int_equal(daily->knee, EVENT_INDEX_KNEE);
    assert_int_equal(daily->horizon, 366);
    assert_int_equal(daily->day_count, 2); /* the targets after day 1 */
    assert_int_equal(daily->days[0], 92);
    assert_int_equal(daily->days[1], 366);
    talloc_free(owner);
}

static void test_plan_other_parts_are_read(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct analysis_plan *plan = &parse(owner, whole(owner))->plan;
    assert_true(plan_find_margin(plan, 0)->margin == 5 && plan_find_margin(plan, 1) == NULL);
    assert_int_equal(plan->sensitivity.endpoint_count, 1);
    assert_int_equal(plan->sensitivity.endpoints[0], 1);
    assert_int_equal(plan->sensitivity.methods, IMPUTE_CR | IMPUTE_CIR);
    assert_false(plan->sensitivity.tipping);
    assert_int_equal(plan->safety_period_count, 3);
    assert_int_equal(plan->safety_periods[2], 20);
    assert_int_equal(plan->contralateral.endpoints[0], 0);
    assert_true(plan->contralateral.at_least == 40);
    assert_int_equal(plan_find_imaging(plan, 2)->scale, IMAGING_RATIO);
    assert_null(plan_find_imaging(plan, 0));
    assert_true(plan->cost.analysed);
    assert_string_equal(plan->cost.currency.item, "currency");
    assert_int_equal(plan->multiplicity.method, MULTIPLICITY_ORDERED);
    assert_int_equal(plan->multiplicity.hypothesis_count, 2);
    assert_int_equal(plan->multiplicity.hypotheses[0].contrast, 1);
    assert_int_equal(plan->multiplicity.hypotheses[1].visit, 1);
    const struct planned_estimand *estimand = plan_find_estimand(plan, 0);
    assert_string_equal(estimand->population, "all");
    assert_int_equal(estimand->intercurrent[0].strategy, STRATEGY_HYPOTHETICAL);
    assert_null(plan_find_estimand(plan, 1));
    talloc_free(owner);
}

static void test_plan_claims_name_their_parts(void **state)
{
    (void)state;
    static const struct {
        enum claim_kind kind;
        int responder, endpoint, visit, from, cohort, contrast, event, subgroup, day;
    } expected[] = {
        {CLAIM_RESPONDER, 0, -1, 2, -1, 0, -1, -1, -1, 0},
        {CLAIM_DIFFERENCE, -1, 0, 1, -1, -1, 0, -1, -1, 0},
        {CLAIM_DURABILITY, -1, 0, 2, 1, -1, 0, -1, -1, 0},
        {CLAIM_INTERACTION, -1, 0, 2, -1, -1, 0, -1, 1, 0},
        {CLAIM_EVENT, -1, -1, -1, -1, -1, 0, 0, -1, 731},
        {CLAIM_HARM, -1, -1, -1, -1, 1, -1, -1, -1, 0},
        {CLAIM_CONTRALATERAL, -1, 0, 1, -1, 0, -1, -1, -1, 0},
        {CLAIM_EQUIVALENCE, -1, 0, 2, -1, -1, 1, -1, -1, 0},
        {CLAIM_IMAGING, -1, 2, 2, -1, 0, -1, -1, -1, 0},
        {CLAIM_COST, -1, -1, -1, -1, 0, -1, -1, -1, 0},
        {CLAIM_CHANGE, -1, 1, 2, -1, 0, -1, -1, -1, 0},
        {CLAIM_EQUIVALENCE, -1, 0, 2, -1, 0, -1, -1, 1, 0},
        {CLAIM_DIFFERENCE, -1, 0, 2, -1, -1, 0, -1, 3, 0},
    };
    void *owner = memory_owner(NULL, "test");
    const struct analysis_plan *plan = &parse(owner, whole(owner))->plan;
    assert_int_equal(plan->claim_count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        const struct claim *claim = &plan->claims[i];
        assert_int_equal(claim->kind, expected[i].kind);
        assert_int_equal(claim->responder, expected[i].responder);
        assert_int_equal(claim->endpoint, expected[i].endpoint);
        assert_int_equal(claim->visit, expected[i].visit);
        assert_int_equal(claim->from, expected[i].from);
        assert_int_equal(claim->cohort, expected[i].cohort);
        assert_int_equal(claim->contrast, expected[i].contrast);
        assert_int_equal(claim->event, expected[i].event);
        assert_int_equal(claim->subgroup, expected[i].subgroup);
        assert_int_equal(claim->day, expected[i].day);
    }
    assert_true(plan->claims[0].value == 79.3 && plan->claims[0].refuted == REFUTED_BELOW);
    assert_int_equal(plan->claims[2].refuted, REFUTED_OUTSIDE);
    assert_true(isnan(plan->claims[3].value));
    assert_string_equal(plan->claims[0].source, "s");
    assert_null(plan->claims[1].source);
    assert_string_equal(plan->claims[5].special_interest, "infection");
    assert_null(plan->claims[1].level);
    assert_string_equal(plan->claims[11].level, "low");
    assert_string_equal(plan->claims[11].against, "high");
    assert_string_equal(plan->claims[12].level, "old");
    assert_null(plan->claims[12].against);
    talloc_free(owner);
}

static void test_plan_of_an_old_protocol_has_the_defaults(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct analysis_plan *plan =
        &parse(owner, memory_format(
                          owner,
                          "%s  reference: CS\n  primary: {endpoint: pain, visit: M12}\n"
                          "  covariates: [base, site, baseline.age_years]\n  strata: []\n  subgroups: []\n",
                          head))
             ->plan;
    assert_int_equal(plan->contrast_count, 2);
    assert_contrast(plan, 0, 0, 2);
    assert_contrast(plan, 1, 1, 2);
    assert_int_equal(plan->model_count, 3);
    assert_int_equal(plan->adjustment_count, 2);
    assert_int_equal(plan->adjustment[0].kind, TERM_BASE);
    assert_string_equal(plan->adjustment[1].item.item, "age_years");
    assert_int_equal(plan->sensitivity.endpoint_count, 1);
    assert_int_equal(plan->sensitivity.endpoints[0], 0);
    assert_int_equal(plan->sensitivity.methods, IMPUTE_J2R);
    assert_true(plan->sensitivity.tipping);
    assert_int_equal(plan->safety_period_count, 2);
    assert_int_equal(plan->safety_periods[0], 7);
    assert_int_equal(plan->multiplicity.method, MULTIPLICITY_HOLM);
    assert_int_equal(plan->multiplicity.hypothesis_count, 2);
    assert_int_equal(plan->multiplicity.hypotheses[1].contrast, 1);
    assert_int_equal(plan->multiplicity.hypotheses[1].visit, 2);
    assert_false(plan->cost.analysed);
    assert_int_equal(plan->contralateral.endpoint_count + plan->imaging_count + plan->margin_count
                         + plan->event_count + plan->claim_count + plan->estimand_count,
                     0);
    talloc_free(owner);
}

/* Without a reference nothing is compared and nothing imputed; without an analysis there is no primary
 * endpoint. */
static void test_plan_without_a_reference_compares_nothing(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct analysis_plan *plan =
        &parse(owner, memory_format(owner, "%s  primary: {endpoint: pain, visit: M12}\n", head))->plan;
    assert_int_equal(plan->contrast_count, 0);
    assert_int_equal(plan->sensitivity.endpoint_count, 0);
    assert_int_equal(plan->multiplicity.hypothesis_count, 0);
    plan = &parse(owner, memory_format(owner, "%.*s", (int)(strstr(head, "analysis:\n") - head), head))->plan;
    assert_int_equal(plan->primary_endpoint, PLAN_NONE);
    assert_int_equal(plan->primary_visit, PLAN_NONE);
    assert_int_equal(plan->model_count, 3);
    talloc_free(owner);
}

struct fault_case {
    const char *from, *to;
    int line;
    const char *says;
};

static void assert_faults(const struct fault_case *cases, size_t count)
{
    void *owner = memory_owner(NULL, "test");
    for (size_t i = 0; i < count; i++) {
        struct error error = {0};
        const char *text = definitions_altered(owner, whole(owner), cases[i].from, cases[i].to);
        const struct protocol *protocol = protocol_parse(owner, "p.yaml", text, strlen(text), &error);
        if (protocol != NULL || error.line != cases[i].line || strstr(error.message, cases[i].says) == NULL)
            fail_msg("%s -> %s: line %d: %s", cases[i].from, cases[i].to, error.line, error.message);
    }
    talloc_free(owner);
}

static void test_plan_faults_of_comparisons_and_models(void **state)
{
    (void)state;
    static const struct fault_case cases[] = {
        {"compare: [[A, CS]", "compare: [[A, CX]", 17,
         "no cohort \"CX\" in this protocol; did you mean \"CS\"?"},
        {"compare: [[A, CS]", "compare: [[A, A]", 17, "A cannot be compared with itself"},
        {"compare: [[A, CS]", "compare: [[A, CS, B]", 17,
         "two cohorts, [cohort, against]; here stand 3 entries"},
        {"compare: [[A, CS]", "compare: [A", 17, "here must stand a list"},
        {"[A, B]]\n", "[A, CS]]\n", 17, "in \"compare\" twice"},
        {"[A, B]]\n", "[CS, A]]\n", 17, "in \"compare\" twice"},
        {"models: [func", "models: [fun", 18, "no endpoint \"fun\" in this protocol; did you mean \"func\"?"},
        {"models: [func, pain]", "models: [pain, pain]", 18, "\"pain\" is in \"models\" twice"},
        {"adjustment: [base", "adjustment: [bass", 21, "unknown entry \"bass\" of \"adjustment\""},
        {"adjustment: [base", "adjustment: [base, base", 21, "\"base\" is in \"adjustment\" twice"},
        {"strata: [site, ", "strata: [base, ", 20,
         "unknown entry \"base\" of \"strata\"; write site or form.item"},
        {"  compare:", "  comparisons:", 17, "unknown key \"comparisons\""},
        {"margin: 5", "margin: 0", 27, "\"margin\" must be above 0"},
        {"margin: 5, source: them", "margin: 5", 27, "\"source\" is missing"},
        {"[{endpoint: pain, margin: 5", "[{endpoint: bml, margin: 5", 27,
         "endpoint \"bml\" is not among \"models\"; add it there"},
        {"margins: [{", "margins: [{endpoint: pain, margin: 1, source: x}, {", 27, "is in \"margins\" twice"},
        {"endpoints: [func], methods", "endpoints: [bml], methods", 28, "is not among \"models\""},
        {"methods: [cr", "methods: [mar", 28, "unknown method \"mar\"; write j2r, cr or cir"},
        {"tipping: false", "tipping: maybe", 28, "must be false or true"},
        {"  reference: CS\n", "  level: 0.95\n", 28, "name one with \"reference\""},
        {"method: ordered", "method: hochberg", 36, "\"method\" must be holm or ordered"},
        {"ordered, hypotheses", "ordered, other", 36, "unknown key \"other\""},
        {"visit: M3, compare: [A, CS]}]}", "visit: M3, compare: [B, CS]}]}", 36,
         "the analysis does not compare [B, CS]; add it to \"compare\""},
        {"visit: M3, compare: [A, CS]}]}", "visit: M3, compare: [CS, A]}]}", 36, "turn the two round"},
        {"visit: M3, compare: [A, CS]}]}", "visit: BL, compare: [A, CS]}]}", 36,
         "visit BL does not lie after the baseline visit"},
        {"endpoint: func, visit: M3, compare: [A, CS]}]}", "endpoint: pain, visit: M12, compare: [A, B]}]}",
         36, "this hypothesis is here twice"},
        {"population: all, ", "", 37, "\"population\" is missing"},
        {"hypothetical}", "policy}", 37,
         "treatment_policy, hypothetical, composite, while_on_treatment or principal_stratum"},
        {"estimands: [{", "estimands: [{endpoint: pain, population: all, summary: x}, {", 37,
         "is in \"estimands\" twice"},
    };
    assert_faults(cases, COUNT(cases));
}

static void test_plan_faults_of_subgroups_and_events(void **state)
{
    (void)state;
    static const struct fault_case cases[] = {
        {"- baseline.sex", "- sex", 23, "\"sex\" must be form.name"},
        {"id: kl, title", "id: sex, title", 24, "subgroup \"sex\" is here twice"},
        {"item: baseline.kl_grade, groups", "groups", 24, "kl: \"item\" is missing"},
        {"codes: [3, 4]}", "codes: []}", 24, "name the codes of this group"},
        {", {title: high, codes: [3, 4]}", "", 24, "at least two groups"},
        {"{title: high, ", "{", 24, "\"title\" is missing"},
        {"leave_out: [0]", "cut: [2]", 24, "\"groups\" of codes or a \"cut\" of numbers"},
        {"leave_out: [0]", "titles: [a, b]", 24, "\"titles\" belong to \"cut\""},
        {"cut: [25, 30]", "cut: [30, 25]", 25, "\"cut\" must rise; 25 stands behind 30"},
        {"cut: [25, 30]", "cut: [thin]", 25, "must be a number"},
        {"cut: [25, 30]", "cut: []", 25, "name the value at which the second group begins"},
        {"cut: [25, 30]", "cut: [25], leave_out: [x]", 25, "does not fit a \"cut\""},
        {"titles: [young, old]", "titles: [young]", 26, "1 cuts make 2 groups, and 1 have titles"},
        {"titles: [young, old]", "names: [young, old]", 26, "unknown key \"names\""},
        {"form: joint_event", "form: Joint", 30, "\"Joint\" is no id; \"form\" names a form"},
        {"form: joint_event, ", "", 30, "\"form\" is missing"},
        {"knee: any", "knee: left", 30, "\"knee\" must be any or index"},
        {"competing: death", "competing: cancer", 30, "\"competing\" must be none or death"},
        {"horizon: 731", "horizon: 0", 30, "whole number from 1 to"},
        {"horizon: 731", "among: {item: baseline.sport_before}", 30, "\"codes\" is missing or empty"},
        {"horizon: 731", "among: {codes: [none]}", 30, "\"item\" is missing"},
        {"days: [92, 731]", "days: [731, 92]", 30, "\"days\" must rise; 92 stands behind 731"},
        {"days: [92, 731]", "days: [0]", 30, "whole numbers of days from 1 to"},
        {"id: daily, form", "id: tkr, form", 31, "this event is here twice"},
        {"date: daily_activity_date", "date: the.day", 31, "\"date\" names an item of the event's form"},
        {"periods: [3, 10", "periods: [10, 10", 32, "\"periods\" must rise"},
        {"periods: [3, 10", "periods: [-1, 10", 32, "from 0 to"},
        {"contralateral: {endpoints: [pain], ", "contralateral: {", 33, "\"endpoints\" is missing"},
        {"at_least: 40", "at_least: much", 33, "must be a number"},
        {"scale: ratio", "scale: log", 34, "\"scale\" must be difference or ratio"},
        {"imaging: [{", "imaging: [{endpoint: bml, scale: ratio}, {", 34, "is in \"imaging\" twice"},
        {"scale: ratio}", "scale: ratio, reader: imaging.reader}", 34, "\"reading\" is missing"},
        {"scale: ratio}", "scale: ratio, reader: imaging.reader, reading: koos.p1}", 34,
         "\"reading\" must be an item of imaging, the form of the endpoint, not of koos"},
        {"amount: treatment.price", "amount: price", 35, "must be form.name"},
        {", currency: treatment.currency", "", 35, "\"currency\" is missing"},
        {"amount: treatment.price, ", "", 35, "\"amount\" is missing"},
        {"currency: treatment.currency", "currency: cost.currency", 35,
         "items of one form, not of treatment and cost"},
    };
    assert_faults(cases, COUNT(cases));
}

static void test_plan_faults_of_claims(void **state)
{
    (void)state;
    static const struct fault_case cases[] = {
        {"id: c2", "id: c1", 40, "this claim is here twice"},
        {"{id: c1, claim: w", "{id: c1", 39, "c1: \"claim\" is missing"},
        {"kind: responder, responder", "kind: response, responder", 39,
         "\"kind\" must be responder, difference"},
        {"responder: half, visit", "responder: hall, visit", 39,
         "no responder \"hall\" in this protocol; did you mean"},
        {"responder: half, visit: M12", "responder: image, visit: M3", 39,
         "at visit M3 the form imaging of endpoint bml is not due"},
        {"cohort: A, value: 79.3", "value: 79.3", 39, "needs either \"cohort\" or \"compare\""},
        {"cohort: A, value: 79.3", "cohort: A, compare: [A, B], value: 79.3", 39,
         "either \"cohort\" or \"compare\""},
        {"value: 79.3", "value: 793", 39, "in per cent, from 0 to 100, not 793"},
        {"value: 79.3, ", "", 39, "\"value\" is missing"},
        {"value: 79.3, refuted: below", "value: 79.3", 39, "\"refuted\" is missing"},
        {"refuted: below", "refuted: never", 39, "above, below or outside"},
        {"kind: difference, endpoint: pain", "kind: difference, endpoint: bml", 40,
         "is not among \"models\""},
        {"kind: difference, endpoint: pain", "kind: difference, day: 3, endpoint: pain", 40,
         "\"day\" does not belong to kind: difference; remove it"},
        {"visit: M3, compare: [A, CS], value: -12", "visit: M3, value: -12", 40,
         "needs either \"cohort\" or \"compare\""},
        {"visit: M3, compare: [A, CS], value: -12", "visit: M3, cohort: A, subgroup: kl, level: low, value: -12", 40,
         "two levels of a subgroup are compared: \"against\" is missing; add it"},
        {"visit: M3, compare: [A, CS], value: -12", "visit: M3, cohort: A, value: -12", 40,
         "\"subgroup\" is missing"},
        {"visit: M3, compare: [A, CS], value: -12",
         "visit: M3, cohort: A, subgroup: kl, level: low, against: low, value: -12", 40,
         "level \"low\" is compared with itself"},
        {"visit: M3, compare: [A, CS], value", "visit: M3, compare: [A, CS], level: low, value", 40,
         "\"level\" needs \"subgroup\""},
        {"visit: M3, compare: [A, CS], value", "visit: M3, compare: [A, CS], subgroup: kl, value", 40,
         "\"subgroup\" needs \"level\""},
        {"visit: M3, compare: [A, CS], value",
         "visit: M3, compare: [A, CS], subgroup: kl, level: low, against: high, value", 40,
         "with \"compare\" remove it"},
        {"subgroup: kl, endpoint: pain", "subgroup: kl, level: low, endpoint: pain", 42,
         "\"level\" does not belong to kind: interaction"},
        {"from: M3", "from: M12", 41, "visit M12 does not lie before M12"},
        {"subgroup: kl", "subgroup: kk", 42, "no subgroup \"kk\" in this protocol; did you mean \"kl\"?"},
        {"event: tkr", "event: death", 43, "no event \"death\" in this protocol; name one of \"events\""},
        {"day: 731, compare", "compare", 43, "\"day\" is missing"},
        {"value: -2", "value: -200", 43, "from -100 to 100"},
        {"special_interest: infection, ", "", 44, "\"special_interest\" is missing"},
        {"kind: contralateral, endpoint: pain", "kind: contralateral, endpoint: func", 45,
         "is not among those of \"contralateral\""},
        {"kind: equivalence, endpoint: pain", "kind: equivalence, endpoint: func", 46,
         "has no margin; add one"},
        {"kind: imaging, endpoint: bml", "kind: imaging, endpoint: pain", 47,
         "is not in \"imaging\"; add it there"},
        {"  cost: {amount: treatment.price, currency: treatment.currency}\n", "", 47,
         "has no \"cost\"; add it"},
    };
    assert_faults(cases, COUNT(cases));
}

static void test_plan_faults_come_all_at_once(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct error error = {0};
    const char *text =
        memory_format(owner, "%s%s", head,
                      "  compare: [[A, X]]\n  models: [x]\n  subgroups: [sex]\n  margins: [{}]\n"
                      "  events: [{id: e}]\n  safety: {periods: [x]}\n  claims: [{id: c}]\n");
    const struct yaml *root = yaml_parse(owner, "p.yaml", text, strlen(text), &error);
    struct faults faults = faults_begin(owner);
    assert_null(protocol_read(owner, root, &faults));
    static const int lines[] = {15, 16, 17, 18, 19, 20, 21};
    for (size_t i = 0; i < COUNT(lines); i++) {
        size_t found = 0;
        for (size_t j = 0; j < faults.count; j++)
            found += faults.faults[j].line == lines[i];
        if (found == 0)
            fail_msg("no fault on line %d", lines[i]);
    }
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_compare_models_and_terms_are_indices),
        cmocka_unit_test(test_plan_subgroups_have_levels),
        cmocka_unit_test(test_plan_events_have_defaults_and_what_is_written),
        cmocka_unit_test(test_plan_other_parts_are_read),
        cmocka_unit_test(test_plan_claims_name_their_parts),
        cmocka_unit_test(test_plan_of_an_old_protocol_has_the_defaults),
        cmocka_unit_test(test_plan_without_a_reference_compares_nothing),
        cmocka_unit_test(test_plan_faults_of_comparisons_and_models),
        cmocka_unit_test(test_plan_faults_of_subgroups_and_events),
        cmocka_unit_test(test_plan_faults_of_claims),
        cmocka_unit_test(test_plan_faults_come_all_at_once),
    };
    return cmocka_run_group_tests_name("protocol plan", tests, NULL, NULL);
}
