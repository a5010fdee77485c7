/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expected numbers: tests/golden/trial1000/expected/mmrm_*.csv and tests/golden/mmrm (R scripts beside). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/stat_mmrm.h"
#include "tests/support/golden.h"
#include "tests/support/mmrm_data.h"

#define GOLDEN "tests/golden/mmrm/"
#define TOLERANCE 1e-6
#define GLS 1e-3                 /* nlme stops before the maximum: its Sigma is right to some 4 digits */

/* One fit and how the expected rows name its visits and cohorts. */
struct subject {
    const struct mmrm_fit *fit;
    const char *const *cohorts;
    const char *const *visits;
    enum mmrm_margins margins;
};

static const char *const letters[] = {"A", "B", "C", "D", "E", "F", NULL};
static const char *const numbered[] = {"V01", "V02", "V03", "V04", "V05", "V06",
                                       "V07", "V08", "V09", "V10", NULL};
static const char *const trial_cohorts[] = {"PLACEBO", "AD-MSC", "UC-MSC", NULL};
static const char *const trial_visits[] = {"M3", "M6", "M12", "M24", NULL};

static int find_name(const char *const *names, const char *name, size_t length)
{
    for (int i = 0; names[i] != NULL; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0)
            return i;
    }
    fail_msg("no name %s", name);
    return -1;
}

/* "A", or "B - A". */
static void read_cohorts(const struct subject *subject, const char *col, struct mmrm_contrast *contrast)
{
    const char *minus = strstr(col, " - ");
    size_t length = minus == NULL ? strlen(col) : (size_t)(minus - col);
    contrast->cohort = find_name(subject->cohorts, col, length);
    contrast->reference =
        minus == NULL ? MMRM_NO_COHORT : find_name(subject->cohorts, minus + 3, strlen(minus + 3));
}

/* "lsmean M3", "diff averaged over visits", "diff V04 - V02". */
static struct mmrm_contrast read_contrast(const struct subject *subject, const struct golden_row *row)
{
    struct mmrm_contrast contrast = {.visit = MMRM_ALL_VISITS, .minus_visit = MMRM_NO_VISIT,
                                     .margins = subject->margins};
    const char *name = strchr(row->row, ' ') + 1;
    read_cohorts(subject, row->col, &contrast);
    if (strcmp(name, "averaged over visits") == 0)
        return contrast;
    const char *minus = strstr(name, " - ");
    size_t length = minus == NULL ? strlen(name) : (size_t)(minus - name);
    contrast.visit = find_name(subject->visits, name, length);
    if (minus != NULL)
        contrast.minus_visit = find_name(subject->visits, minus + 3, strlen(minus + 3));
    return contrast;
}

static bool ends_with(const char *text, const char *end)
{
    return strlen(text) >= strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0;
}

static enum mmrm_method method_of(const char *stat)
{
    return ends_with(stat, "_kr_exp") ? MMRM_KENWARD_ROGER_EXPECTED
         : ends_with(stat, "_kr")     ? MMRM_KENWARD_ROGER
                                      : MMRM_SATTERTHWAITE;
}

static double pick_estimate(const struct subject *subject, const struct golden_row *row)
{
    struct mmrm_contrast contrast = read_contrast(subject, row);
    struct mmrm_estimate e = stat_mmrm_estimate(subject->fit, &contrast, method_of(row->stat), 0.95);
    if (e.reason != NULL)
        fail_msg("%s %s %s: %s", row->table, row->row, row->col, e.reason);
    const struct {
        const char *start;
        double value;
    } all[] = {{"lsmean", e.estimate}, {"diff", e.estimate}, {"se", e.se}, {"df", e.df},
               {"lo", e.lo},           {"hi", e.hi},         {"p", e.p},   {"t", e.t}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strncmp(row->stat, all[i].start, strlen(all[i].start)) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s", row->stat);
    return 0;
}

static double pick_fit(const struct mmrm_fit *fit, const char *stat)
{
    const struct {
        const char *stat;
        double value;
    } all[] = {
        {"subjects", (double)fit->subjects}, {"records", (double)fit->records},
        {"n_coef", (double)fit->coefficients}, {"n_pattern", (double)fit->patterns},
        {"m2reml", fit->m2ll}, {"aic", fit->aic},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].stat, stat) == 0)
            return all[i].value;
    }
    fail_msg("no statistic %s of the fit", stat);
    return 0;
}

static double pick_sigma(const struct mmrm_fit *fit, const struct golden_row *row)
{
    size_t i = 0, j = 0;
    assert_int_equal(sscanf(row->row[0] == 's' ? row->col : row->row, "%zu,%zu", &i, &j), 2);
    size_t at = (i - 1) * fit->used_count + j - 1;
    return row->stat[0] == 'e' ? fit->sigma[at] : fit->sigma_se[at];
}

static double pick_test(const struct subject *subject, const struct golden_row *row)
{
    static const struct {
        const char *row;
        enum mmrm_hypothesis hypothesis;
        size_t term;
    } all[] = {
        {"joint F all arm contrasts", MMRM_COHORT_ANYWHERE, 0},
        {"type 3 F arm x visit", MMRM_COHORT_BY_VISIT, 0},
        {"type 3 F cohort", MMRM_COHORT, 0},
        {"cohort", MMRM_COHORT, 0},
        {"base", MMRM_TERM, 0},
        {"base by visit", MMRM_TERM_BY_VISIT, 0},
        {"site", MMRM_TERM, 1},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        if (strcmp(all[i].row, row->row) != 0)
            continue;
        struct mmrm_test test =
            stat_mmrm_test(subject->fit, all[i].hypothesis, all[i].term, method_of(row->stat));
        if (test.reason != NULL)
            fail_msg("%s %s: %s", row->table, row->row, test.reason);
        return row->stat[0] == 'F'                 ? test.f
             : row->stat[0] == 'p'                 ? test.p
             : strncmp(row->stat, "df1", 3) == 0   ? test.df1
                                                   : test.df2;
    }
    fail_msg("no test %s", row->row);
    return 0;
}

static double pick(const struct subject *subject, const struct golden_row *row)
{
    if (strncmp(row->row, "lsmean", 6) == 0 || strncmp(row->row, "diff", 4) == 0)
        return pick_estimate(subject, row);
    if (strncmp(row->row, "fit", 3) == 0)
        return pick_fit(subject->fit, row->stat);
    if (strcmp(row->row, "sigma") == 0)
        return pick_sigma(subject->fit, row);
    return pick_test(subject, row);
}

/* emmeans weighs the visits as well when its margins are those observed; here their mean is always plain. */
static bool is_compared(const struct subject *subject, const struct golden_row *row)
{
    if (subject->margins == MMRM_OBSERVED_MARGINS && strstr(row->row, "averaged") != NULL)
        return false;
    return strcmp(row->row, "coef") != 0 && strcmp(row->stat, "newton_iter") != 0;
}

/* Rows of `table` within `tolerance` relative; with MMRM_TEST_PRINT set the largest difference is printed. */
static size_t compare_rows(const struct subject *subject, const char *path, const char *table,
                           double tolerance)
{
    size_t count = 0, compared = 0;
    double worst = 0;
    struct golden_row *rows = golden_load(subject->fit, path, &count);
    if (subject->fit->reason != NULL)
        fail_msg("%s: %s", table, subject->fit->reason);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].table, table) != 0 || !is_compared(subject, &rows[i]))
            continue;
        double expected = strtod(rows[i].value, NULL);
        double found = pick(subject, &rows[i]);
        double difference = fabs(found - expected) / (fabs(expected) + 1e-300);
        if (!(difference <= tolerance))
            fail_msg("%s, %s, %s, %s: expected %s, found %.12g", table, rows[i].row, rows[i].col,
                     rows[i].stat, rows[i].value, found);
        worst = fmax(worst, difference);
        compared++;
    }
    if (getenv("MMRM_TEST_PRINT") != NULL)
        print_message("%s: %zu rows, largest relative difference %.1e\n", table, compared, worst);
    return compared;
}

/* Satterthwaite's df of a test of cohorts depends on the cohort that comes first. */
static void put_placebo_first(struct mmrm_input *input)
{
    static const int codes[] = {1, 0, 2};    /* of AD-MSC, PLACEBO, UC-MSC */
    int *cohort = memory_new_array(input, int, input->subject_count);
    for (size_t i = 0; i < input->subject_count; i++)
        cohort[i] = codes[input->cohort[i]];
    input->cohort = cohort;
}

/* ---- against the trial -------------------------------------------------------------------------------- */

static void test_stat_mmrm_trial_gives_the_expected_numbers(void **state)
{
    (void)state;
    static const char *const endpoints[] = {"pain", "func", "vas"};
    for (size_t k = 0; k < 3; k++) {
        char path[64], table[16];
        void *owner = memory_owner(NULL, "test");
        struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "trial1000.csv", endpoints[k], 4);
        mmrm_data_use(input, MMRM_DATA_BASE | MMRM_DATA_SITE, MMRM_DATA_BASE);
        put_placebo_first(input);
        const struct subject subject = {stat_mmrm_fit(owner, input), trial_cohorts, trial_visits,
                                        MMRM_EQUAL_MARGINS};
        snprintf(path, sizeof path, "tests/golden/trial1000/expected/mmrm_%s.csv", endpoints[k]);
        snprintf(table, sizeof table, "MMRM %s", endpoints[k]);
        size_t rows = 6 + 20 + 12 * 9 + 8 * 15 + 3 * 5 + 2 * 7 + 14;
        assert_int_equal(compare_rows(&subject, path, table, TOLERANCE), rows);
        assert_int_equal(subject.fit->structure, MMRM_UNSTRUCTURED);
        assert_true(subject.fit->gradient_max < 1e-6 && subject.fit->iterations < 10);
        talloc_free(owner);
    }
}

/* ---- against tests/golden/mmrm ------------------------------------------------------------------------ */

enum { BASE = MMRM_DATA_BASE, SITE = MMRM_DATA_SITE, STRATUM = MMRM_DATA_STRATUM, FEWEST_ROWS = 14 };

struct case_of_r {
    const char *data, *table;
    size_t visits;
    unsigned terms, by_visit;
    enum mmrm_margins margins;
    enum mmrm_structure structure;
    double tolerance;
};

static void check_case(const struct case_of_r *at)
{
    void *owner = memory_owner(NULL, "test");
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", at->data, at->visits);
    mmrm_data_use(input, at->terms, at->by_visit);
    input->structure = at->structure;
    const struct subject subject = {stat_mmrm_fit(owner, input), letters, numbered, at->margins};
    assert_true(compare_rows(&subject, GOLDEN "expected.csv", at->table, at->tolerance) >= FEWEST_ROWS);
    talloc_free(owner);
}

static void test_stat_mmrm_cases_give_the_numbers_of_r(void **state)
{
    (void)state;
    static const struct case_of_r cases[] = {
        {.data = "gaps", .table = "gaps", .visits = 4, .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "gaps", .table = "terms", .visits = 4, .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "margins", .table = "margins", .visits = 4, .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE, .margins = MMRM_OBSERVED_MARGINS},
        {.data = "two cohorts", .table = "two cohorts", .visits = 3,
         .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "six cohorts", .table = "six cohorts", .visits = 4,
         .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "ten visits", .table = "ten visits", .visits = 10,
         .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "ties", .table = "ties", .visits = 4, .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "stratum by visit", .table = "stratum by visit", .visits = 3,
         .terms = BASE | SITE | STRATUM, .by_visit = STRATUM,
         .tolerance = TOLERANCE},
        {.data = "one site", .table = "one site", .visits = 4, .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "one arm", .table = "one arm", .visits = 4, .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "one visit", .table = "one visit lm", .visits = 1,
         .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "empty cell", .table = "empty cell", .visits = 3, .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "gaps", .table = "toeplitz", .visits = 4, .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE, .structure = MMRM_TOEPLITZ_H},
        {.data = "gaps", .table = "ar1", .visits = 4, .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE, .structure = MMRM_AR1_H},
        {.data = "never together", .table = "never together", .visits = 4,
         .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "pairs", .table = "pairs", .visits = 6, .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "no correlation", .table = "no correlation", .visits = 4,
         .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = TOLERANCE},
        {.data = "gaps", .table = "gaps gls", .visits = 4, .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = GLS},
        {.data = "two cohorts", .table = "two cohorts gls", .visits = 3,
         .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = GLS},
        {.data = "six cohorts", .table = "six cohorts gls", .visits = 4,
         .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = GLS},
        {.data = "one site", .table = "one site gls", .visits = 4, .terms = BASE | SITE, .by_visit = BASE,
         .tolerance = GLS},
        {.data = "cs", .table = "cs lmer", .visits = 4, .terms = BASE, .by_visit = 0,
         .tolerance = TOLERANCE, .structure = MMRM_COMPOUND_SYMMETRY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        check_case(&cases[i]);
}

/* Without common coefficients a Sigma for each cohort is each cohort by itself. */
static void test_stat_mmrm_sigma_by_cohort_is_each_cohort_by_itself(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    size_t count = 0, compared = 0;
    double m2ll = 0;
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", "two cohorts", 3);
    mmrm_data_use(input, 0, 0);
    input->sigma_by_cohort = true;
    const struct subject subject = {stat_mmrm_fit(owner, input), letters, numbered, MMRM_EQUAL_MARGINS};
    assert_null(subject.fit->reason);
    struct golden_row *rows = golden_load(owner, GOLDEN "expected.csv", &count);
    for (size_t i = 0; i < count; i++) {
        static const size_t elements[] = {0, 3, 4, 6, 7, 8};     /* 1,1  2,1  2,2  3,1  3,2  3,3 */
        size_t h = 0;
        double found = 0;
        if (strcmp(rows[i].table, "apart") != 0)
            continue;
        compared++;
        if (strcmp(rows[i].row, "fit") == 0) {
            m2ll += strtod(rows[i].value, NULL);
            continue;
        }
        if (sscanf(rows[i].row, "sigma %zu", &h) == 1) {
            size_t at = (size_t)(rows[i].col[0] - 'A') * 9 + elements[h - 1];
            found = rows[i].stat[0] == 'e' ? subject.fit->sigma[at] : subject.fit->sigma_se[at];
        } else {
            found = pick_estimate(&subject, &rows[i]);
        }
        if (!golden_matches(rows[i].stat, rows[i].value, found))
            fail_msg("%s %s %s: expected %s, found %.12g", rows[i].row, rows[i].col, rows[i].stat,
                     rows[i].value, found);
    }
    assert_true(compared == 2 * (1 + 12 + 9) && fabs(subject.fit->m2ll - m2ll) < TOLERANCE * m2ll);
    talloc_free(owner);
}

/* ---- what cannot be estimated ------------------------------------------------------------------------- */

static struct mmrm_contrast contrast_of(int cohort, int reference, int visit)
{
    return (struct mmrm_contrast){cohort, reference, visit, MMRM_NO_VISIT, MMRM_EQUAL_MARGINS};
}

static void assert_no_estimate(const struct mmrm_fit *fit, struct mmrm_contrast contrast, const char *reason)
{
    for (int method = 0; method < MMRM_METHODS; method++) {
        struct mmrm_estimate e = stat_mmrm_estimate(fit, &contrast, (enum mmrm_method)method, 0.95);
        assert_true(isnan(e.estimate) && isnan(e.se) && isnan(e.df) && isnan(e.p));
        assert_non_null(e.reason);
        if (strstr(e.reason, reason) == NULL)
            fail_msg("the reason is \"%s\"", e.reason);
    }
}

static void test_stat_mmrm_empty_cell_is_not_estimable_and_the_rest_is(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", "empty cell", 3);
    mmrm_data_use(input, BASE | SITE, BASE);
    const struct mmrm_fit *fit = stat_mmrm_fit(owner, input);
    assert_no_estimate(fit, contrast_of(2, MMRM_NO_COHORT, 2), "the cohort has no value");
    assert_no_estimate(fit, contrast_of(2, 0, MMRM_ALL_VISITS), "the cohort has no value");
    assert_no_estimate(fit, contrast_of(0, 2, 2), "that is compared with has no value");
    struct mmrm_test test = stat_mmrm_test(fit, MMRM_COHORT_BY_VISIT, 0, MMRM_KENWARD_ROGER);
    assert_true(test.reduced && test.df1 == 3);
    test = stat_mmrm_test(fit, MMRM_TERM, 0, MMRM_KENWARD_ROGER);
    assert_true(!test.reduced && test.df1 == 1);
    talloc_free(owner);
}

static void test_stat_mmrm_cohort_with_a_site_of_its_own_cannot_be_told_apart(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", "two cohorts", 3);
    mmrm_data_use(input, BASE | SITE, BASE);
    ((struct mmrm_term *)input->terms)[1].level = input->cohort;
    const struct mmrm_fit *fit = stat_mmrm_fit(owner, input);
    assert_null(fit->reason);
    assert_no_estimate(fit, contrast_of(1, 0, 1), "told apart");
    /* Between two visits the site falls out. */
    struct mmrm_contrast change = {1, 0, 2, 0, MMRM_EQUAL_MARGINS};
    assert_null(stat_mmrm_estimate(fit, &change, MMRM_KENWARD_ROGER, 0.95).reason);
    talloc_free(owner);
}

static void test_stat_mmrm_fallback_says_what_was_tried(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t visits;
        enum mmrm_structure structure;
        bool sandwich;
    } cases[] = {{"gaps", 4, MMRM_UNSTRUCTURED, false},
                 {"never together", 4, MMRM_TOEPLITZ_H, false},
                 {"pairs", 6, MMRM_AR1_H, false},
                 {"no correlation", 4, MMRM_COMPOUND_SYMMETRY, true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", cases[i].data, cases[i].visits);
        mmrm_data_use(input, BASE | SITE, BASE);
        const struct mmrm_fit *fit = stat_mmrm_fit(owner, input);
        assert_int_equal(fit->structure, cases[i].structure);
        assert_int_equal(fit->sandwich, cases[i].sandwich);
        assert_int_equal(fit->attempt_count, (size_t)cases[i].structure + 1);
        for (size_t k = 0; k + 1 < fit->attempt_count; k++)
            assert_non_null(fit->attempts[k].reason);
        assert_null(fit->attempts[fit->attempt_count - 1].reason);
        talloc_free(owner);
    }
}

/* Values that replace those of a visit. */
static void set_visit(struct mmrm_input *input, size_t visit, double (*value)(size_t subject, double y))
{
    double *y = memory_new_array(input, double, input->subject_count * input->visit_count);
    for (size_t k = 0; k < input->subject_count * input->visit_count; k++) {
        size_t subject = k / input->visit_count;
        y[k] = k % input->visit_count == visit ? value(subject, input->y[k]) : input->y[k];
    }
    input->y = y;
}

static double constant(size_t subject, double y)
{
    (void)subject;
    (void)y;
    return 7;
}

static double only_one(size_t subject, double y)
{
    (void)y;
    return subject == 3 ? 12.5 : (double)NAN;
}

static double only_three(size_t subject, double y)
{
    return subject < 3 ? y + (double)subject : (double)NAN;
}

static void test_stat_mmrm_visit_that_tells_nothing_is_left_out_with_a_note(void **state)
{
    (void)state;
    static const struct {
        double (*value)(size_t subject, double y);
        const char *note;
    } cases[] = {{constant, "equal"}, {only_one, "only one subject"}, {only_three, "3 coefficients"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", "two cohorts", 3);
        mmrm_data_use(input, BASE | SITE, BASE);
        set_visit(input, 1, cases[i].value);
        const struct mmrm_fit *fit = stat_mmrm_fit(owner, input);
        assert_null(fit->reason);
        assert_int_equal(fit->used_count, 2);
        assert_non_null(fit->visit_notes[1]);
        if (strstr(fit->visit_notes[1], cases[i].note) == NULL)
            fail_msg("the note is \"%s\"", fit->visit_notes[1]);
        assert_no_estimate(fit, contrast_of(1, 0, 1), "left out");
        struct mmrm_contrast last = contrast_of(1, 0, 2);
        assert_null(stat_mmrm_estimate(fit, &last, MMRM_KENWARD_ROGER, 0.95).reason);
        talloc_free(owner);
    }
}

static void test_stat_mmrm_perfect_fit_and_no_data_have_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", "two cohorts", 3);
    double *y = memory_new_array(owner, double, input->subject_count * 3);
    mmrm_data_use(input, BASE, BASE);
    for (size_t i = 0; i < input->subject_count; i++) {
        for (size_t j = 0; j < 3; j++)
            y[i * 3 + j] = 2.5 * input->terms[0].covariate[i] + (double)j + input->cohort[i];
    }
    input->y = y;
    const struct mmrm_fit *fit = stat_mmrm_fit(owner, input);
    assert_non_null(fit->reason);
    assert_non_null(strstr(fit->reason, "exactly"));
    assert_no_estimate(fit, contrast_of(1, 0, 1), "exactly");
    assert_non_null(stat_mmrm_test(fit, MMRM_COHORT, 0, MMRM_KENWARD_ROGER).reason);
    input->subject_count = 0;
    assert_non_null(stat_mmrm_fit(owner, input)->reason);
    input->visit_count = MMRM_VISITS_MOST + 1;
    assert_non_null(strstr(stat_mmrm_fit(owner, input)->reason, "at most"));
    talloc_free(owner);
}

static void assert_no_test(struct mmrm_test test, const char *reason)
{
    assert_true(isnan(test.f) && isnan(test.df1) && isnan(test.df2) && isnan(test.p));
    assert_non_null(test.reason);
    assert_non_null(strstr(test.reason, reason));
}

static void test_stat_mmrm_tests_that_there_are_not_have_a_reason(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct mmrm_input *input = mmrm_data_load(owner, GOLDEN "data.csv", "one arm", 4);
    mmrm_data_use(input, BASE | SITE, BASE);
    const struct mmrm_fit *fit = stat_mmrm_fit(owner, input);
    assert_no_test(stat_mmrm_test(fit, MMRM_COHORT, 0, MMRM_SATTERTHWAITE), "one cohort");
    assert_no_test(stat_mmrm_test(fit, MMRM_TERM_BY_VISIT, 1, MMRM_SATTERTHWAITE), "one effect");
    input = mmrm_data_load(owner, GOLDEN "data.csv", "one visit", 1);
    mmrm_data_use(input, BASE | SITE, BASE);
    fit = stat_mmrm_fit(owner, input);
    assert_no_test(stat_mmrm_test(fit, MMRM_COHORT_BY_VISIT, 0, MMRM_SATTERTHWAITE), "one visit");
    talloc_free(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat_mmrm_trial_gives_the_expected_numbers),
        cmocka_unit_test(test_stat_mmrm_cases_give_the_numbers_of_r),
        cmocka_unit_test(test_stat_mmrm_sigma_by_cohort_is_each_cohort_by_itself),
        cmocka_unit_test(test_stat_mmrm_empty_cell_is_not_estimable_and_the_rest_is),
        cmocka_unit_test(test_stat_mmrm_cohort_with_a_site_of_its_own_cannot_be_told_apart),
        cmocka_unit_test(test_stat_mmrm_fallback_says_what_was_tried),
        cmocka_unit_test(test_stat_mmrm_visit_that_tells_nothing_is_left_out_with_a_note),
        cmocka_unit_test(test_stat_mmrm_perfect_fit_and_no_data_have_a_reason),
        cmocka_unit_test(test_stat_mmrm_tests_that_there_are_not_have_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
