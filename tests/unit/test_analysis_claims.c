/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Claims of every kind against rows that stand in for the analyses, and against the analyses of the simulated
 * trial. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/layout.h"
#include "tests/support/golden.h"
#include "tests/support/study.h"
#include "tests/support/trial1000_study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})
#define AD_CS "AD-MSC - CS"

/* Every claim of the example protocol, the rows that its estimate is read from, and what must come of them.
 */
struct claim_case {
    const char *claim, *table, *row, *col;
    const char *stats[3]; /* estimate, lower and upper limit */
    double values[3];
    double unit; /* of the estimate in the table of claims */
    bool excluded, refuted, borne_out;
};

static const struct claim_case cases[] = {
    {"noticeable",
     "responder oarsi non-responder imputation",
     "M12",
     "AD-MSC",
     {"p.AD-MSC", "wilson_lo", "wilson_hi"},
     {0.6, 0.5, 0.7},
     100,
     true,
     true,
     false},
    {"more_responders",
     "adjusted responder oarsi",
     "M12",
     AD_CS,
     {"diff", "lo", "hi"},
     {0.2, 0.05, 0.3},
     100,
     true,
     false,
     true},
    {"one_is_enough",
     "adjusted pain",
     "M12 Injections planned 1 - 2 or more",
     "AD-MSC",
     {"diff", "lo", "hi"},
     {7, 5.5, 8.5},
     1,
     true,
     true,
     false},
    {"not_superior",
     "adjusted vas",
     "M12",
     AD_CS,
     {"diff", "lo", "hi"},
     {-5, -12, 2},
     1,
     false,
     false,
     false},
    {"same_source",
     "adjusted vas",
     "M12",
     "AD-MSC - UC-MSC",
     {"diff", "lo", "hi"},
     {5, 2, 8},
     1,
     true,
     true,
     false},
    {"as_good",
     "adjusted pain",
     "M12",
     AD_CS,
     {"diff", "lo", "hi"},
     {-1, -3, 1},
     1,
     false,
     false,
     true},
    {"lasts",
     "MMRM pain",
     "lsmean M24",
     "AD-MSC",
     {"lsmean", "lo_kr", "hi_kr"},
     {-15, -20, -10},
     1,
     false,
     false,
     true},
    {"durable",
     "MMRM pain",
     "diff M24 - M6",
     AD_CS,
     {"diff", "lo_kr", "hi_kr"},
     {4, 1, 7},
     1,
     true,
     true,
     false},
    {"other_knee",
     "contralateral pain",
     "M6",
     "AD-MSC",
     {"mean", "lo", "hi"},
     {-3, -6, 0.5},
     1,
     false,
     false,
     false},
    {"cartilage", "imaging mocart", "M12", "AD-MSC", {"mean", "lo", "hi"}, {5, 3, 7}, 1, true, true, false},
    {"marrow",
     "imaging bml",
     "M12",
     "AD-MSC",
     {"pct_change", "lo", "hi"},
     {-30, -40, -20},
     1,
     false,
     false,
     false},
    {"daily_soon",
     "incidence daily",
     "day 3",
     "AD-MSC",
     {"inc", "lo", "hi"},
     {0.7, 0.6, 0.8},
     100,
     true,
     false,
     true},
    {"sport_soon",
     "incidence sport",
     "day 43",
     "AD-MSC",
     {"inc", "lo", "hi"},
     {0.3, 0.2, 0.4},
     100,
     true,
     true,
     false},
    {"no_infection",
     "AE special interest",
     "septic_arthritis",
     "AD-MSC",
     {"pct", "cp_lo", "cp_hi"},
     {1.25, 0.0003, 0.0625},
     1,
     true,
     true,
     false},
    {"no_tumour",
     "AE special interest",
     "neoplasm",
     "AD-MSC",
     {"pct", "cp_lo", "cp_hi"},
     {0, 0, 0.05},
     1,
     false,
     false,
     false},
    {"avoids",
     "incidence replacement",
     "day 731",
     AD_CS,
     {"diff", "lo", "hi"},
     {-0.05, -0.2, 0.1},
     100,
     false,
     false,
     false},
    {"price", "cost EUR", "amount", "AD-MSC", {"mean", "lo", "hi"}, {6000, 5500, 6500}, 1, true, true, false},
};
enum { CASES = sizeof cases / sizeof *cases };

struct fixture {
    struct study *study;
    struct results *results;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    fixture->study = study_new(fixture, "forms/protocols/demo.yaml");
    fixture->results = results_new(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

static void add_source(struct results *results, const struct claim_case *one)
{
    for (size_t i = 0; i < 3; i++)
        results_add(results, one->table, one->row, one->col, one->stats[i], one->values[i]);
    if (strcmp(one->table, "cost EUR") == 0)
        results_add(results, one->table, one->row, one->col, "n", 30);
}

static const struct analysis_plan *demo_plan(struct fixture *fixture)
{
    return &study_dataset(fixture->study)->catalogue->protocol->plan;
}

static const struct table *find_claims(const struct document *document)
{
    size_t at = 0;
    while (at < document->chapter_count && strcmp(document->chapters[at]->id, "claims") != 0)
        at++;
    assert_true(at < document->chapter_count);
    return document->chapters[at]->blocks[0].table;
}

static void make_pooled(struct dataset *dataset)
{
    static const char *const pooled[] = {"Pooled"};
    dataset->pooled = true;
    dataset->cohorts = dataset->cohort_titles = pooled;
    dataset->cohort_count = 1;
}

static void test_analysis_claims_each_kind_is_judged_by_its_interval(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < CASES; i++)
        add_source(fixture->results, &cases[i]);
    analysis_claims(study_finish(fixture->study), fixture->results);
    for (size_t i = 0; i < CASES; i++) {
        const struct claim_case *one = &cases[i];
        assert_result(fixture->results, NAMES("claims", one->claim, one->col, "est"),
                      one->unit * one->values[0]);
        assert_result(fixture->results, NAMES("claims", one->claim, one->col, "excluded"), one->excluded);
        assert_result(fixture->results, NAMES("claims", one->claim, one->col, "refuted"), one->refuted);
        assert_result(fixture->results, NAMES("claims", one->claim, one->col, "borne_out"), one->borne_out);
    }
    assert_result(fixture->results, NAMES("claims", "no_infection", "AD-MSC", "hi"), 6.25);
    assert_result(fixture->results, NAMES("claims", "price", "AD-MSC", "n"), 30);
}

/* A new kind, or a claim that the cases above forget, fails here. */
static void test_analysis_claims_cases_hold_every_claim_but_interactions(void **state)
{
    const struct analysis_plan *plan = demo_plan(*state);
    size_t interactions = 0;
    for (size_t i = 0; i < plan->claim_count; i++)
        interactions += plan->claims[i].kind == CLAIM_INTERACTION;
    assert_int_equal(CASES + interactions, plan->claim_count);
}

static void test_analysis_claims_without_rows_each_is_not_estimable_with_a_reason(void **state)
{
    struct fixture *fixture = *state;
    analysis_claims(study_finish(fixture->study), fixture->results);
    size_t verdicts = 0;
    for (size_t i = 0; i < results_count(fixture->results); i++) {
        const struct result *row = results_at(fixture->results, i);
        if (strcmp(row->stat, "refuted") != 0)
            continue;
        verdicts++;
        assert_string_equal(row->status, "not_estimable");
        assert_true(strlen(row->note) > 0);
    }
    assert_int_equal(verdicts, demo_plan(fixture)->claim_count);
}

static void test_analysis_claims_reason_of_the_analysis_is_passed_on(void **state)
{
    struct fixture *fixture = *state;
    static const struct result missing = {"incidence sport", "day 43",           "AD-MSC", "inc", NAN,
                                          "not_estimable",   "nobody is at risk"};
    results_add_missing(fixture->results, &missing);
    analysis_claims(study_finish(fixture->study), fixture->results);
    const struct result *row = results_find(fixture->results, "claims", "sport_soon", "AD-MSC", "refuted");
    assert_non_null(row);
    assert_string_equal(row->note, "nobody is at risk");
}

static void test_analysis_claims_amounts_in_two_currencies_are_not_estimable(void **state)
{
    struct fixture *fixture = *state;
    add_source(fixture->results, &cases[CASES - 1]);
    results_add(fixture->results, "cost CHF", "amount", "AD-MSC", "n", 3);
    analysis_claims(study_finish(fixture->study), fixture->results);
    assert_result_status(fixture->results, NAMES("claims", "price", "AD-MSC", "refuted"), "not_estimable");
}

static void test_analysis_claims_pooled_says_why_and_names_no_cohort(void **state)
{
    struct fixture *fixture = *state;
    struct dataset *dataset = study_finish(fixture->study);
    make_pooled(dataset);
    for (size_t i = 0; i < CASES; i++)
        add_source(fixture->results, &cases[i]);
    size_t before = results_count(fixture->results);
    analysis_claims(dataset, fixture->results);
    for (size_t i = before; i < results_count(fixture->results); i++) {
        const struct result *row = results_at(fixture->results, i);
        assert_string_equal(row->col, "Pooled");
        if (strcmp(row->stat, "refuted") == 0)
            assert_string_equal(row->status, "not_estimable");
    }
    assert_non_null(results_find(fixture->results, "claims", "price", "Pooled", "refuted"));
}

/* -- cohorts that were not randomised -------------------------------------------------------------------- */

/* Of the claim "cells are not better", whose value is 0 and which an interval below 0 refutes. */
static void add_model_and_weights(struct results *results)
{
    static const struct claim_case model = {
        .table = "MMRM vas", .row = "diff M12", .col = AD_CS, .stats = {"diff", "lo_kr", "hi_kr"},
        .values = {-9, -12, -6}};
    static const struct claim_case weights = {
        .table = "adjusted vas", .row = "M12", .col = AD_CS, .stats = {"diff", "lo", "hi"},
        .values = {-2, -6, 2}};
    add_source(results, &model);
    add_source(results, &weights);
    results_add(results, "adjusted vas", "M12", AD_CS, "n1", 40);
    results_add(results, "adjusted vas", "M12", AD_CS, "n0", 30);
    results_add(results, "adjusted vas", "M12", AD_CS, "evalue", 1.5);
    results_add(results, "adjusted vas", "M12", AD_CS, "evalue_limit", 1);
}

static void test_analysis_claims_not_randomised_difference_is_the_adjusted_one(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *stat;
        double value;
    } expected[] = {{"est", -2},    {"lo", -6},      {"hi", 2},           {"n", 40},      {"n_against", 30},
                    {"evalue", 1.5}, {"evalue_limit", 1}, {"adjusted", 1}, {"refuted", 0}};
    add_model_and_weights(fixture->results);
    analysis_claims(study_finish(fixture->study), fixture->results);
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_result(fixture->results, NAMES("claims", "not_superior", AD_CS, expected[i].stat),
                      expected[i].value);
    assert_result(fixture->results, NAMES("claims", "durable", AD_CS, "adjusted"), 0);
    assert_null(results_find(fixture->results, "claims", "noticeable", "AD-MSC", "adjusted"));
}

static void test_analysis_claims_randomised_difference_is_the_model_s(void **state)
{
    struct fixture *fixture = *state;
    ((struct protocol *)study_dataset(fixture->study)->catalogue->protocol)->randomised = true;
    add_model_and_weights(fixture->results);
    analysis_claims(study_finish(fixture->study), fixture->results);
    assert_result(fixture->results, NAMES("claims", "not_superior", AD_CS, "est"), -9);
    assert_result(fixture->results, NAMES("claims", "not_superior", AD_CS, "refuted"), 1);
    assert_null(results_find(fixture->results, "claims", "not_superior", AD_CS, "adjusted"));
    assert_null(results_find(fixture->results, "claims", "not_superior", AD_CS, "evalue"));
}

static void test_analysis_claims_adjusted_for_nothing_is_unadjusted(void **state)
{
    struct fixture *fixture = *state;
    ((struct protocol *)study_dataset(fixture->study)->catalogue->protocol)->plan.adjustment_count = 0;
    add_model_and_weights(fixture->results);
    analysis_claims(study_finish(fixture->study), fixture->results);
    assert_result(fixture->results, NAMES("claims", "not_superior", AD_CS, "adjusted"), 0);
}

/* -- interactions ---------------------------------------------------------------------------------------- */

static void add_interaction(struct results *results, const char *level, double value, double lo, double hi)
{
    results_add(results, "forest M12 pain", level, AD_CS, "interaction", value);
    results_add(results, "forest M12 pain", level, AD_CS, "interaction_lo", lo);
    results_add(results, "forest M12 pain", level, AD_CS, "interaction_hi", hi);
}

static const struct result *judge_early(struct fixture *fixture, double second, double third, double p)
{
    const struct analysis_plan *plan = demo_plan(fixture);
    const struct catalogue *catalogue = study_dataset(fixture->study)->catalogue;
    size_t count, at = 0;
    while (strcmp(plan->subgroups[at].id, "kl") != 0)
        at++;
    const struct subgroup_level *levels =
        catalogue_subgroup_levels(fixture, catalogue, &plan->subgroups[at], &count);
    const char *title = catalogue_subgroup_title(catalogue, &plan->subgroups[at]);
    assert_int_equal(count, 3);
    results_add(fixture->results, "forest M12 pain", title, "interaction", "p", p);
    add_interaction(fixture->results, memory_format(fixture, "%s %s", title, levels[1].title), second,
                    second - 1, second + 1);
    add_interaction(fixture->results, memory_format(fixture, "%s %s", title, levels[2].title), third,
                    third - 1, third + 1);
    analysis_claims(study_finish(fixture->study), fixture->results);
    return results_find(fixture->results, "claims", "early", AD_CS, "refuted");
}

static void test_analysis_claims_interaction_shows_the_largest_difference(void **state)
{
    struct fixture *fixture = *state;
    assert_true(judge_early(fixture, 2, -9, 0.01)->value == 0);
    assert_result(fixture->results, NAMES("claims", "early", AD_CS, "est"), -9);
    assert_result(fixture->results, NAMES("claims", "early", AD_CS, "p_interaction"), 0.01);
    assert_result(fixture->results, NAMES("claims", "early", AD_CS, "differ"), 1);
}

static void test_analysis_claims_interaction_without_direction_is_never_borne_out(void **state)
{
    struct fixture *fixture = *state;
    assert_true(judge_early(fixture, -9, 9, 0.01)->value == 0);
    assert_null(results_find(fixture->results, "claims", "early", AD_CS, "borne_out"));
}

/* Each is within 5 of the first group, but they are 6 apart. */
static void test_analysis_claims_interaction_holds_later_groups_against_each_other(void **state)
{
    struct fixture *fixture = *state;
    assert_true(judge_early(fixture, 3, -3, 0.6)->value == 0);
    assert_result(fixture->results, NAMES("claims", "early", AD_CS, "differ"), 0);
}

static void test_analysis_claims_interaction_within_the_margin_is_refuted(void **state)
{
    assert_true(judge_early(*state, 1, -2, 0.6)->value == 1);
}

/* -- the simulated trial --------------------------------------------------------------------------------- */

enum { POPULATION = 1, ESTIMATE = 2, VERDICT = 6 }; /* columns of the table of claims */

static const char agrees[] = "not refuted; the whole interval agrees";

/* The cell of a claim; claims are rows in the plan's order. */
static const char *claim_cell(struct fixture *fixture, const struct table *table, const char *claim,
                              size_t cell)
{
    const struct analysis_plan *plan = demo_plan(fixture);
    size_t at = 0;
    while (at < plan->claim_count && strcmp(plan->claims[at].id, claim) != 0)
        at++;
    assert_true(at < plan->claim_count);
    return table->rows[at].cells[cell].text;
}

static const char *find_fact(const struct table *table, const char *label)
{
    for (size_t i = 0; i < table->fact_count; i++) {
        if (strcmp(table->facts[i].label, label) == 0)
            return table->facts[i].text;
    }
    return "";
}

static const struct table *lay_out_cases(struct fixture *fixture)
{
    struct dataset *dataset = study_finish(fixture->study);
    for (size_t i = 0; i < CASES; i++)
        add_source(fixture->results, &cases[i]);
    results_add(fixture->results, "adjusted pain", "M12", AD_CS, "evalue", 1.5);
    results_add(fixture->results, "adjusted pain", "M12", AD_CS, "evalue_limit", 1);
    results_add(fixture->results, "adjusted responder oarsi", "M12", AD_CS, "n1", 41);
    results_add(fixture->results, "adjusted responder oarsi", "M12", AD_CS, "n0", 31);
    results_add(fixture->results, "adjusted responder oarsi", "M12", AD_CS, "evalue", 2.5);
    results_add(fixture->results, "adjusted responder oarsi", "M12", AD_CS, "evalue_limit", 1.2);
    analysis_claims(dataset, fixture->results);
    return find_claims(layout_document(fixture, dataset, fixture->results));
}

static void test_layout_claims_unadjusted_comparison_bears_nothing_out(void **state)
{
    struct fixture *fixture = *state;
    static const char unadjusted[] = "not refuted by an unadjusted comparison";
    const struct table *table = lay_out_cases(fixture);
    assert_string_equal(claim_cell(fixture, table, "avoids", VERDICT), unadjusted);
    assert_string_equal(claim_cell(fixture, table, "durable", VERDICT),
                        "refuted, by an unadjusted comparison");
    assert_non_null(strstr(claim_cell(fixture, table, "durable", POPULATION), "unadjusted"));
    assert_string_equal(claim_cell(fixture, table, "more_responders", VERDICT), agrees);
    assert_non_null(strstr(claim_cell(fixture, table, "more_responders", POPULATION), "weighted"));
    assert_non_null(strstr(claim_cell(fixture, table, "more_responders", ESTIMATE), "; adjusted, E-value 2.5"));
    assert_result(fixture->results, NAMES("claims", "more_responders", AD_CS, "n"), 41);
    assert_result(fixture->results, NAMES("claims", "more_responders", AD_CS, "n_against"), 31);
    assert_string_equal(claim_cell(fixture, table, "as_good", VERDICT), agrees);
    assert_non_null(strstr(claim_cell(fixture, table, "as_good", POPULATION), "weighted"));
    assert_non_null(strstr(claim_cell(fixture, table, "as_good", ESTIMATE), "; adjusted, E-value 1.5"));
    assert_null(strstr(claim_cell(fixture, table, "noticeable", POPULATION), "unadjusted"));
    assert_string_equal(claim_cell(fixture, table, "lasts", VERDICT), agrees);
}

static void test_layout_claims_randomised_comparison_may_agree(void **state)
{
    struct fixture *fixture = *state;
    static const struct claim_case plain = {
        .table = "responder oarsi non-responder imputation", .row = "M12", .col = AD_CS,
        .stats = {"rd", "newcombe_lo", "newcombe_hi"}, .values = {0.3, 0.1, 0.4}};
    ((struct protocol *)study_dataset(fixture->study)->catalogue->protocol)->randomised = true;
    add_source(fixture->results, &plain);
    const struct table *table = lay_out_cases(fixture);
    assert_string_equal(claim_cell(fixture, table, "more_responders", VERDICT), agrees);
    assert_null(strstr(claim_cell(fixture, table, "more_responders", POPULATION), "unadjusted"));
    assert_null(strstr(claim_cell(fixture, table, "more_responders", POPULATION), "weighted"));
    assert_result(fixture->results, NAMES("claims", "more_responders", AD_CS, "est"), 30);
    assert_string_equal(find_fact(table, "Adjusted"), "");
}

static void test_layout_claims_equivalence_says_which_limits_judge_it(void **state)
{
    const char *fact = find_fact(lay_out_cases(*state), "Equivalence");
    assert_non_null(strstr(fact, "95 % limits, as two one-sided tests at 2.5 % each"));
    assert_non_null(strstr(fact, "a test at 5 %, that is by 90 % limits"));
}

static void test_analysis_claims_trial1000_agree_with_the_tables_they_cite(void **state)
{
    struct fixture *fixture = *state;
    struct study *study = trial1000_study_new(fixture);
    struct dataset *dataset = study_finish(study);
    analysis_run(dataset, fixture->results);
    const struct results *results = fixture->results;
    const struct result *p =
        results_find(results, "responder noticeable non-responder imputation", "M12", "AD-MSC", "p.AD-MSC");
    assert_non_null(p);
    assert_result(results, NAMES("claims", "noticeable", "AD-MSC", "est"), 100 * p->value);
    assert_result(results, NAMES("claims", "noticeable", "AD-MSC", "refuted"), 1);
    const struct result *interaction =
        results_find(results, "forest M12 pain", "KL 3-4", "AD-MSC - PLACEBO", "interaction");
    assert_non_null(interaction);
    assert_result(results, NAMES("claims", "early", "AD-MSC - PLACEBO", "est"), interaction->value);
    const struct analysis_plan *plan = &dataset->catalogue->protocol->plan;
    const struct table *table = find_claims(layout_document(fixture, dataset, results));
    assert_int_equal(table->row_count, plan->claim_count);
    assert_string_equal(table->rows[0].cells[6].text, "refuted");
    assert_string_equal(table->rows[0].cells[5].text, "yes");
    assert_string_equal(table->rows[0].cells[4].text, "the interval lies wholly below 79.3 %");
}

/* The rows of the adjusted comparison have the names by which claims look for them. */
static void test_analysis_claims_trial1000_as_a_registry_finds_the_adjusted_rows(void **state)
{
    struct fixture *fixture = *state;
    struct study *study = trial1000_study_new(fixture);
    ((struct protocol *)study_dataset(study)->catalogue->protocol)->randomised = false;
    analysis_run(study_finish(study), fixture->results);
    static const char *const stats[][2] = {
        {"est", "diff"}, {"lo", "lo"}, {"hi", "hi"}, {"n", "n1"}, {"n_against", "n0"}, {"evalue", "evalue"}};
    for (size_t i = 0; i < sizeof stats / sizeof *stats; i++) {
        const struct result *row = results_find(fixture->results, "adjusted pain", "M12", "UC-MSC - PLACEBO",
                                                stats[i][1]);
        assert_non_null(row);
        assert_string_equal(row->status, "");
        assert_result(fixture->results, NAMES("claims", "like_placebo", "UC-MSC - PLACEBO", stats[i][0]),
                      row->value);
    }
}

#define WITH_STUDY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STUDY(test_analysis_claims_each_kind_is_judged_by_its_interval),
        WITH_STUDY(test_analysis_claims_cases_hold_every_claim_but_interactions),
        WITH_STUDY(test_analysis_claims_without_rows_each_is_not_estimable_with_a_reason),
        WITH_STUDY(test_analysis_claims_reason_of_the_analysis_is_passed_on),
        WITH_STUDY(test_analysis_claims_amounts_in_two_currencies_are_not_estimable),
        WITH_STUDY(test_analysis_claims_pooled_says_why_and_names_no_cohort),
        WITH_STUDY(test_analysis_claims_not_randomised_difference_is_the_adjusted_one),
        WITH_STUDY(test_analysis_claims_randomised_difference_is_the_model_s),
        WITH_STUDY(test_analysis_claims_adjusted_for_nothing_is_unadjusted),
        WITH_STUDY(test_analysis_claims_interaction_without_direction_is_never_borne_out),
        WITH_STUDY(test_analysis_claims_interaction_holds_later_groups_against_each_other),
        WITH_STUDY(test_layout_claims_unadjusted_comparison_bears_nothing_out),
        WITH_STUDY(test_layout_claims_randomised_comparison_may_agree),
        WITH_STUDY(test_layout_claims_equivalence_says_which_limits_judge_it),
        WITH_STUDY(test_analysis_claims_interaction_shows_the_largest_difference),
        WITH_STUDY(test_analysis_claims_interaction_within_the_margin_is_refuted),
        WITH_STUDY(test_analysis_claims_trial1000_agree_with_the_tables_they_cite),
        WITH_STUDY(test_analysis_claims_trial1000_as_a_registry_finds_the_adjusted_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
