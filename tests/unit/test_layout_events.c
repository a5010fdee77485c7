/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables and figures of times to events, and of the untreated knee, imaging, rescue and cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/layout.h"
#include "tests/support/study.h"

#define DAY_1 "2024-03-01"

static void add_subject(struct study *study, const char *cohort, const char *returned)
{
    int number = (int)study_dataset(study)->subject_count + 1;
    size_t subject = study_add_subject(study, 1, number, KNEE_RIGHT, cohort);
    struct study_record *record =
        study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date(DAY_1));
    study_answer(study, record, "price", "1000.00");
    study_answer(study, record, "currency", "EUR");
    record = study_add_record(study, subject, "return_to_activity", KNEE_RIGHT, "M3", study_date("2024-05-31"));
    study_answer(study, record, "daily_activity", "returned");
    study_answer(study, record, "daily_activity_date", returned);
    record = study_add_record(study, subject, "joint_event", KNEE_RIGHT, "unscheduled", study_date(returned));
    study_answer(study, record, "kind", "replacement");
    study_add_record(study, subject, "protocol_deviation", KNEE_NONE, "unscheduled", study_date("2025-03-01"));
}

static struct study *new_study(size_t subjects)
{
    static const char *const cohorts[] = {"AD-MSC", "UC-MSC", "CS"};
    static const char *const returns[] = {"2024-03-02", "2024-03-08", "2024-04-12", "2024-03-20"};
    struct study *study = study_new(NULL, "forms/protocols/demo.yaml");
    for (size_t i = 0; i < subjects; i++)
        add_subject(study, cohorts[i % 3], returns[i % 4]);
    return study;
}

static struct document *lay_out(struct study *study)
{
    const struct dataset *dataset = study_finish(study);
    struct results *results = results_new(study);
    struct document *document = memory_new(study, struct document);
    struct layout layout = {.dataset = dataset, .results = results, .document = document};
    analysis_populations(dataset, results);
    analysis_events(dataset, results);
    analysis_contralateral(dataset, results);
    analysis_imaging(dataset, results);
    analysis_rescue(dataset, results);
    analysis_cost(dataset, results);
    layout_events(&layout);
    layout_secondary(&layout);
    return document;
}

static const struct block *find_block(const struct document *document, const char *id)
{
    for (size_t c = 0; c < document->chapter_count; c++) {
        for (size_t b = 0; b < document->chapters[c]->block_count; b++) {
            const struct block *block = &document->chapters[c]->blocks[b];
            if (strcmp(block->table != NULL ? block->table->id : block->figure->id, id) == 0)
                return block;
        }
    }
    return NULL;
}

static const struct figure_curve *first_curve(const struct document *document, const char *id)
{
    const struct block *block = find_block(document, id);
    assert_non_null(block);
    assert_true(figure_has_points(block->figure));
    return &block->figure->as.curves.curves[0];
}

static void test_layout_events_hoped_for_rise_and_others_fall(void **state)
{
    (void)state;
    struct study *study = new_study(12);
    const struct document *document = lay_out(study);
    const struct figure_curve *fall = first_curve(document, "f4-replacement");
    const struct figure_curve *rise = first_curve(document, "f4-daily");
    assert_true(fall->steps[0].value == 100 && fall->steps[fall->step_count - 1].value < 100);
    assert_true(rise->steps[0].value == 0 && rise->steps[rise->step_count - 1].value > 0);
    assert_true(rise->at_risk[0] == 4);
    talloc_free(study);
}

static void test_layout_events_have_tables_of_each_event(void **state)
{
    static const char *const ids[] = {
        "t15-curves-replacement", "t15-comparison-replacement", "t15-curves-sport", "t15-comparison-sport",
        "t18-contralateral-pain", "t18-imaging-bml",            "t18-rescue",       "t18-cost-eur",
    };
    (void)state;
    for (size_t subjects = 0; subjects <= 12; subjects += 6) {
        struct study *study = new_study(subjects);
        const struct document *document = lay_out(study);
        for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
            bool cost = strcmp(ids[i], "t18-cost-eur") == 0;
            if ((find_block(document, ids[i]) == NULL) != (cost && subjects == 0))
                fail_msg("%zu subjects: %s", subjects, ids[i]);
        }
        talloc_free(study);
    }
}

static void test_layout_events_pooled_compares_nothing_and_says_what_it_hides(void **state)
{
    static const char *const pooled[] = {"Pooled"};
    (void)state;
    struct study *study = new_study(6);
    struct dataset *dataset = study_dataset(study);
    dataset->pooled = true;
    dataset->cohorts = dataset->cohort_titles = pooled;
    dataset->cohort_count = 1;
    const struct document *document = lay_out(study);
    assert_non_null(find_block(document, "t15-curves-replacement"));
    assert_null(find_block(document, "t15-comparison-replacement"));
    assert_null(find_block(document, "t18-cost-eur"));
    assert_non_null(strstr(document->chapters[1]->paragraphs[0], "would name an arm"));
    talloc_free(study);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_events_hoped_for_rise_and_others_fall),
        cmocka_unit_test(test_layout_events_have_tables_of_each_event),
        cmocka_unit_test(test_layout_events_pooled_compares_nothing_and_says_what_it_hides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
