/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes of images adjusted for the baseline, and agreement of readings, against R (tests/golden/imaging). */
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
#include "reports/analysis.h"
#include "reports/stat_agreement.h"
#include "tests/support/golden.h"
#include "tests/support/study.h"

#define NAMES(...) ((const char *const[4]){__VA_ARGS__})
#define GOLDEN "tests/golden/imaging/"
#define DAY_1 "2024-03-01"
#define DAY_366 "2025-03-01"
enum { SUBJECTS = 48 };

/* A line of images.csv. */
struct image {
    int subject;
    char cohort[8], visit[4], mocart[8], lesion[12], reader[4], reading[4];
};

static size_t load_images(struct image *images, size_t most)
{
    FILE *file = fopen(GOLDEN "images.csv", "r");
    char line[128];
    size_t count = 0;
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file) != NULL && count < most) {
        struct image *i = &images[count++];
        assert_int_equal(sscanf(line, "%d,%7[^,],%3[^,],%7[^,],%11[^,],%3[^,],%3[0-9]", &i->subject, i->cohort,
                                i->visit, i->mocart, i->lesion, i->reader, i->reading),
                         7);
    }
    fclose(file);
    return count;
}

/* The demo study with the images; the protocol names the items that tell readings apart. */
static struct dataset *load(const void *owner)
{
    static const char *const cohorts[] = {"AD-MSC", "UC-MSC", "CS"};
    static struct image images[400];
    size_t count = load_images(images, sizeof images / sizeof *images);
    struct study *study = study_new(owner, "forms/protocols/demo.yaml");
    for (int i = 0; i < SUBJECTS; i++) {
        size_t subject = study_add_subject(study, 1, i + 1, KNEE_RIGHT, cohorts[i % 3]);
        study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date(DAY_1));
    }
    for (size_t i = 0; i < count; i++) {
        const struct image *image = &images[i];
        bool before = strcmp(image->visit, "BL") == 0;
        struct study_record *record = study_add_record(study, (size_t)image->subject - 1, "imaging", KNEE_RIGHT,
                                                       image->visit, study_date(before ? DAY_1 : DAY_366));
        record->instance = (int)i + 1;
        study_answer(study, record, "mocart", image->mocart);
        study_answer(study, record, "bone_marrow_lesion_mm3", image->lesion);
        study_answer(study, record, "reader", image->reader);
        study_answer(study, record, "reading_number", image->reading);
    }
    return study_finish(study);
}

static void test_analysis_imaging_adjusted_and_agreement_are_the_numbers_of_r(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct results *results = results_new(owner);
    const struct dataset *dataset = load(owner);
    analysis_imaging(dataset, results);
    analysis_readings(dataset, results);
    struct golden_outcome outcome = golden_compare(results, &(struct golden_rules){.path = GOLDEN "expected.csv"});
    assert_int_equal(outcome.compared, 2 * (3 * 4 + 3 * 5) + 4 * 6);
    assert_int_equal(outcome.mismatches, 0);
    talloc_free(owner);
}

static void test_analysis_imaging_adjusted_without_images_says_why(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct results *results = results_new(owner);
    const struct dataset *dataset = study_finish(study_new(owner, "forms/protocols/demo.yaml"));
    analysis_imaging(dataset, results);
    analysis_readings(dataset, results);
    assert_result(results, NAMES("readings mocart", "between readers", "all", "images"), 0);
    assert_result_status(results, NAMES("readings mocart", "between readers", "all", "icc"), "not_estimable");
    assert_result_status(results, NAMES("readings mocart", "within readers", "all", "icc_lo"), "not_estimable");
    assert_result_status(results, NAMES("imaging bml", "M12", "AD-MSC - CS", "ratio_adjusted"), "not_estimable");
    talloc_free(owner);
}

/* Shrout & Fleiss 1979, tables 2 and 4: six targets, four judges. */
static void test_stat_agreement_of_published_ratings(void **state)
{
    (void)state;
    static const double ratings[] = {9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7};
    struct agreement agreement = stat_agreement(ratings, 6, 4, 0.95);
    assert_true(fabs(agreement.icc - 0.29) < 0.005);
    assert_true(fabs(agreement.lo - 0.019) < 0.0005);
    assert_true(fabs(agreement.hi - 0.761) < 0.0005);
}

static void test_stat_agreement_of_readings_that_are_alike_is_one_without_limits(void **state)
{
    (void)state;
    static const double alike[] = {0.1, 0.1, 0.7, 0.7, 0.3, 0.3}, same[] = {2, 2, 2, 2};
    struct agreement agreement = stat_agreement(alike, 3, 2, 0.95);
    assert_true(agreement.icc == 1 && agreement.reason == NULL && isnan(agreement.lo));
    assert_string_equal(agreement.limits_reason, "the readings are all alike");
    agreement = stat_agreement(same, 2, 2, 0.95);
    assert_string_equal(agreement.reason, "the images do not differ");
    assert_true(isnan(agreement.icc));
    agreement = stat_agreement(alike, 1, 2, 0.95);
    assert_string_equal(agreement.reason, "fewer than two images with all these readings");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_analysis_imaging_adjusted_and_agreement_are_the_numbers_of_r),
        cmocka_unit_test(test_analysis_imaging_adjusted_without_images_says_why),
        cmocka_unit_test(test_stat_agreement_of_published_ratings),
        cmocka_unit_test(test_stat_agreement_of_readings_that_are_alike_is_one_without_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
