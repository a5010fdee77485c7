/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The untreated knee, imaging, rescue treatments and cost, on the demo study with subjects counted by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "tests/support/golden.h"
#include "tests/support/study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})

/* Day 92 is 2024-05-31, day 366 is 2025-03-01. */
#define DAY_1 "2024-03-01"
#define WEEKS "tests/golden/other_studies/weeks/"

typedef void analysis_function(const struct dataset *dataset, struct results *results);

static const struct results *run(struct study *study, analysis_function *analyse)
{
    struct results *results = results_new(study);
    analyse(study_finish(study), results);
    for (size_t i = 0; i < results_count(results); i++) {
        const struct result *row = results_at(results, i);
        assert_true(isnan(row->value) == (row->status[0] != '\0'));
        assert_true(row->status[0] == '\0' || row->note[0] != '\0');
    }
    return results;
}

static void assert_near(const struct results *results, const char *const names[4], double value)
{
    const struct result *found = results_find(results, names[0], names[1], names[2], names[3]);
    if (found == NULL || found->status[0] != '\0' || fabs(found->value - value) > 1e-6 * fabs(value))
        fail_msg("%s / %s / %s / %s: expected %.12g, found %.12g", names[0], names[1], names[2], names[3], value,
                 found != NULL ? found->value : (double)NAN);
}

static struct study_record *treat(struct study *study, size_t subject, enum knee_side knee, const char *price,
                                  const char *currency)
{
    struct study_record *record = study_add_record(study, subject, "treatment", knee, "unscheduled", study_date(DAY_1));
    if (price != NULL)
        study_answer(study, record, "price", price);
    if (currency != NULL)
        study_answer(study, record, "currency", currency);
    return record;
}

static size_t add_subject(struct study *study, const char *cohort)
{
    int number = (int)study_dataset(study)->subject_count + 1;
    return study_add_subject(study, 1, number, KNEE_RIGHT, cohort);
}

static size_t add_treated(struct study *study, const char *cohort)
{
    size_t subject = add_subject(study, cohort);
    treat(study, subject, KNEE_RIGHT, NULL, NULL);
    return subject;
}

static void add_vas(struct study *study, size_t subject, enum knee_side knee, const char *before, const char *after)
{
    struct study_record *record = study_add_record(study, subject, "pain_vas", knee, "BL", study_date(DAY_1));
    study_answer(study, record, "vas", before);
    record = study_add_record(study, subject, "pain_vas", knee, "M3", study_date("2024-05-31"));
    study_answer(study, record, "vas", after);
}

/* -- the untreated knee ---------------------------------------------------------------------------------- */

static void test_analysis_contralateral_counts_untreated_knees_that_were_bad(void **state)
{
    static const struct {
        const char *before, *after;      /* of the untreated knee */
    } knees[] = {{"40", "30"}, {"60", "40"}, {"70", "72"}, {"39", "10"}};
    struct study *study = *state;
    for (size_t i = 0; i < sizeof knees / sizeof *knees; i++) {
        size_t subject = add_treated(study, "AD-MSC");
        add_vas(study, subject, KNEE_RIGHT, "80", "50");
        add_vas(study, subject, KNEE_LEFT, knees[i].before, knees[i].after);
    }
    size_t both = add_treated(study, "AD-MSC");
    treat(study, both, KNEE_LEFT, NULL, NULL);
    add_vas(study, both, KNEE_LEFT, "90", "10");
    add_vas(study, add_treated(study, "CS"), KNEE_LEFT, "50", "45");
    const struct results *results = run(study, analysis_contralateral);
    assert_result(results, NAMES("contralateral vas", "M3", "AD-MSC", "n"), 3);
    assert_near(results, NAMES("contralateral vas", "M3", "AD-MSC", "mean"), -28.0 / 3);
    assert_near(results, NAMES("contralateral vas", "M3", "AD-MSC", "diff_paired"), -30 + 28.0 / 3);
    /* R 4.2.2: t.test(c(-10, -20, 2)) */
    assert_near(results, NAMES("contralateral vas", "M3", "AD-MSC", "lo"), -36.6964607266);
    assert_near(results, NAMES("contralateral vas", "M3", "AD-MSC", "hi"), 18.0297940599);
    assert_near(results, NAMES("contralateral vas", "M3", "AD-MSC - CS", "diff"), -28.0 / 3 + 5);
    assert_result_status(results, NAMES("contralateral vas", "M3", "CS", "lo"), "not_estimable");
    assert_result_status(results, NAMES("contralateral vas", "M3", "UC-MSC", "mean"), "not_estimable");
    assert_result(results, NAMES("contralateral pain", "M24", "CS", "n"), 0);
}

/* -- imaging --------------------------------------------------------------------------------------------- */

static void add_image(struct study *study, size_t subject, const char *visit, const char *date, const char *values[2])
{
    struct study_record *record = study_add_record(study, subject, "imaging", KNEE_RIGHT, visit, study_date(date));
    study_answer(study, record, "mocart", values[0]);
    study_answer(study, record, "bone_marrow_lesion_mm3", values[1]);
}

static void test_analysis_imaging_gives_differences_and_ratios(void **state)
{
    static const char *images[][4] = {
        /* MOCART and lesion before and after */
        {"50", "1000.0", "60", "500.0"}, {"55", "2000.0", "61", "2000.0"}, {"40", "800.0", "52", "0.0"},
        {"45", "0.0", "45", "100.0"},    {"50", "400.0", "55", "100.0"},
    };
    struct study *study = *state;
    for (size_t i = 0; i < sizeof images / sizeof *images; i++) {
        size_t subject = add_treated(study, "AD-MSC");
        add_image(study, subject, "BL", DAY_1, &images[i][0]);
        add_image(study, subject, "M12", "2025-03-01", &images[i][2]);
    }
    const struct results *results = run(study, analysis_imaging);
    assert_result(results, NAMES("imaging mocart", "M12", "AD-MSC", "n"), 5);
    assert_near(results, NAMES("imaging mocart", "M12", "AD-MSC", "mean"), 6.6);
    assert_result(results, NAMES("imaging mocart", "M12", "AD-MSC", "median"), 6);
    /* ratios 1/2, 1, 1/4: their geometric mean is 1/2; % changes -75, -50, 0 and -100 */
    assert_result(results, NAMES("imaging bml", "M12", "AD-MSC", "n"), 3);
    assert_near(results, NAMES("imaging bml", "M12", "AD-MSC", "pct_change"), -50);
    /* R 4.2.2: 100 * (exp(t.test(log(c(1/2, 1, 1/4)))$conf.int) - 1) */
    assert_near(results, NAMES("imaging bml", "M12", "AD-MSC", "lo"), -91.0634469103);
    assert_near(results, NAMES("imaging bml", "M12", "AD-MSC", "hi"), 179.7499186651);
    assert_result(results, NAMES("imaging bml", "M12", "AD-MSC", "n_median"), 4);
    assert_result(results, NAMES("imaging bml", "M12", "AD-MSC", "median"), -62.5);
    assert_result_status(results, NAMES("imaging bml", "M12", "AD-MSC - CS", "ratio"), "not_estimable");
    assert_result_status(results, NAMES("imaging bml", "M24", "AD-MSC", "pct_change"), "not_estimable");
}

/* -- rescue ---------------------------------------------------------------------------------------------- */

static void add_concomitant(struct study *study, size_t subject, enum knee_side knee, const char *start,
                            const char *rescue)
{
    struct study_record *record = study_add_record(study, subject, "concomitant_treatment", knee, "unscheduled",
                                                   study_date("2024-09-01"));
    study_answer(study, record, "kind", "analgesic");
    study_answer(study, record, "start", start);
    study_answer(study, record, "rescue", rescue);
}

static void test_analysis_rescue_counts_a_subject_once_after_day_1(void **state)
{
    static const struct {
        enum knee_side knee;
        const char *start, *rescue;
    } cases[] = {{KNEE_NONE, "2024-03-02", "true"},  {KNEE_RIGHT, "2024-03", "true"}, {KNEE_LEFT, "2024-04", "true"},
                 {KNEE_NONE, "2024-02-29", "true"},  {KNEE_NONE, "2024-04", "false"}};
    struct study *study = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t subject = add_treated(study, "CS");
        add_concomitant(study, subject, cases[i].knee, cases[i].start, cases[i].rescue);
        add_concomitant(study, subject, cases[i].knee, cases[i].start, cases[i].rescue);
    }
    const struct results *results = run(study, analysis_rescue);
    assert_result(results, NAMES("rescue", "any", "CS", "subjects"), 2);
    assert_result(results, NAMES("rescue", "any", "CS", "pct"), 40);
    assert_result(results, NAMES("rescue", "analgesic", "CS", "subjects"), 2);
    assert_result(results, NAMES("rescue", "opioid", "CS", "subjects"), 0);
    assert_result_status(results, NAMES("rescue", "any", "AD-MSC", "pct"), "empty");
}

static void test_analysis_rescue_without_the_form_adds_nothing(void **state)
{
    (void)state;
    struct study *study =
        study_new_with_forms(NULL, WEEKS "protocol.yaml", WEEKS "forms");
    add_treated(study, "PLASMA");
    assert_int_equal(results_count(run(study, analysis_rescue)), 0);
    assert_int_equal(results_count(run(study, analysis_cost)), 0);
    assert_int_equal(results_count(run(study, analysis_imaging)), 0);
    assert_int_equal(results_count(run(study, analysis_contralateral)), 0);
    talloc_free(study);
}

/* -- cost ------------------------------------------------------------------------------------------------ */

static void add_bills(struct study *study)
{
    static const struct {
        const char *price, *currency;
    } bills[] = {{"1000.00", "EUR"}, {"2000.00", "EUR"}, {"4000.00", "EUR"}, {"900.00", "CHF"}, {NULL, NULL}};
    for (size_t i = 0; i < sizeof bills / sizeof *bills; i++)
        treat(study, add_subject(study, "AD-MSC"), KNEE_RIGHT, bills[i].price, bills[i].currency);
    size_t twice = add_subject(study, "AD-MSC"), mixed = add_subject(study, "AD-MSC");
    treat(study, twice, KNEE_RIGHT, "500.50", "EUR");
    treat(study, twice, KNEE_RIGHT, "499.50", "EUR")->instance = 2;
    treat(study, twice, KNEE_LEFT, "7000.00", "EUR");
    treat(study, mixed, KNEE_RIGHT, "500.00", "EUR");
    treat(study, mixed, KNEE_RIGHT, "500.00", "CHF")->instance = 2;
}

static void test_analysis_cost_keeps_currencies_apart(void **state)
{
    struct study *study = *state;
    add_bills(study);
    const struct results *results = run(study, analysis_cost);
    assert_result(results, NAMES("cost EUR", "amount", "AD-MSC", "n"), 4);
    assert_result(results, NAMES("cost EUR", "amount", "AD-MSC", "mean"), 2000);
    assert_result(results, NAMES("cost EUR", "amount", "AD-MSC", "median"), 1500);
    assert_result(results, NAMES("cost EUR", "amount", "AD-MSC", "no_amount"), 1);
    assert_result(results, NAMES("cost EUR", "amount", "AD-MSC", "several_currencies"), 1);
    assert_result(results, NAMES("cost CHF", "amount", "AD-MSC", "n"), 1);
    assert_result_status(results, NAMES("cost CHF", "amount", "AD-MSC", "lo"), "not_estimable");
    assert_result_status(results, NAMES("cost EUR", "amount", "CS", "mean"), "empty");
    assert_result(results, NAMES("cost per responder EUR", "pass", "AD-MSC", "responders"), 0);
    assert_result_status(results, NAMES("cost per responder EUR", "pass", "AD-MSC", "mean"), "not_estimable");
}

static void test_analysis_cost_per_responder_is_mean_cost_over_share(void **state)
{
    struct study *study = *state;
    for (int i = 0; i < 8; i++) {
        size_t subject = add_subject(study, "CS");
        treat(study, subject, KNEE_RIGHT, i % 2 == 0 ? "100.00" : "200.00", "EUR");
        struct study_record *record =
            study_add_record(study, subject, "pain_vas", KNEE_RIGHT, "M12", study_date("2025-03-01"));
        study_answer(study, record, "vas", i < 6 ? "20" : "50");
    }
    const struct results *results = run(study, analysis_cost);
    assert_result(results, NAMES("cost per responder EUR", "pass", "CS", "responders"), 6);
    assert_near(results, NAMES("cost per responder EUR", "pass", "CS", "mean"), 200);
}

/* One came early and one has no value yet: months after the treatment neither counts, at the default cut both do. */
static void test_analysis_cost_per_responder_is_of_visits_that_are_over(void **state)
{
    struct study *study = *state;
    size_t early = add_subject(study, "CS");
    treat(study, early, KNEE_RIGHT, "100.00", "EUR");
    treat(study, add_subject(study, "CS"), KNEE_RIGHT, "100.00", "EUR");
    struct study_record *record =
        study_add_record(study, early, "pain_vas", KNEE_RIGHT, "M12", study_date("2025-01-20"));
    study_answer(study, record, "vas", "20");
    study_dataset(study)->cut_made_us = (int64_t)study_date("2025-01-21") * 86400000000;
    const struct results *results = run(study, analysis_cost);
    assert_result(results, NAMES("cost EUR", "amount", "CS", "n"), 2);
    assert_result(results, NAMES("cost per responder EUR", "pass", "CS", "n"), 0);
    assert_result(results, NAMES("cost per responder EUR", "pass", "CS", "responders"), 0);
    study_dataset(study)->cut_made_us = (int64_t)study_date("2026-09-01") * 86400000000;
    results = run(study, analysis_cost);
    assert_result(results, NAMES("cost per responder EUR", "pass", "CS", "n"), 2);
    assert_result(results, NAMES("cost per responder EUR", "pass", "CS", "responders"), 1);
}

static void test_analysis_cost_pooled_is_refused(void **state)
{
    static const char *const pooled[] = {"Pooled"};
    struct study *study = *state;
    struct dataset *dataset = study_dataset(study);
    add_bills(study);
    dataset->pooled = true;
    dataset->cohorts = dataset->cohort_titles = pooled;
    dataset->cohort_count = 1;
    const struct results *results = run(study, analysis_cost);
    assert_int_equal(results_count(results), 1);
    assert_result_status(results, NAMES("cost", "amount", "Pooled", "n"), "refused");
}

static int set_up(void **state)
{
    *state = study_new(NULL, "forms/protocols/demo.yaml");
    return 0;
}

static int tear_down(void **state)
{
    return talloc_free(*state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_analysis_contralateral_counts_untreated_knees_that_were_bad),
        TEST(test_analysis_imaging_gives_differences_and_ratios),
        TEST(test_analysis_rescue_counts_a_subject_once_after_day_1),
        cmocka_unit_test(test_analysis_rescue_without_the_form_adds_nothing),
        TEST(test_analysis_cost_keeps_currencies_apart),
        TEST(test_analysis_cost_per_responder_is_mean_cost_over_share),
        TEST(test_analysis_cost_per_responder_is_of_visits_that_are_over),
        TEST(test_analysis_cost_pooled_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
