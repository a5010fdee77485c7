/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The store of records by itself: versions, order, what is kept of answers, who gets which records. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "reports/dataset_build.h"
#include "tests/support/study.h"

#define PROTOCOL "tests/golden/trial1000/protocol.yaml"

static struct dataset *new_dataset(const void *owner, size_t subjects, bool masked)
{
    struct study *study = study_new(owner, PROTOCOL);
    for (size_t i = 0; i < subjects; i++)
        study_add_subject(study, 1, (int)i + 1, KNEE_RIGHT, NULL);
    struct dataset *dataset = study_dataset(study);
    dataset->pooled = masked;
    record_store_new(dataset, masked);
    return dataset;
}

static size_t form_at(const struct dataset *dataset, const char *form)
{
    size_t at = 0;
    while (strcmp(dataset->catalogue->forms[at]->id, form) != 0)
        at++;
    return at;
}

/* One version of a record; what is 0 or NULL: a first version of instance 1, VAS 50, origin not known. */
struct version {
    uint32_t person;
    const char *form, *visit, *answers;
    size_t older;                /* the form's version before the newest, if 1 */
    int instance, version;
    bool voided;
    const char *date;
    double score;
    int64_t received;            /* 0: not known */
    uint8_t id;
};

static bool try_to_add(struct dataset *dataset, const struct version *version, struct error *error)
{
    const char *form = version->form != NULL ? version->form : "pain_vas";
    double scores[16] = {version->score};
    const struct record_origin origin = {version->received, {version->id}};
    char *content = version->answers != NULL
                        ? memory_format(dataset,
                                        "{\"form\":\"%s\",\"form_version\":1,\"answers\":{%s},\"confirmed\":[]}",
                                        form, version->answers)
                        : NULL;
    const struct record_input input = {
        .person = version->person,
        .form = form_at(dataset, form) + version->older,
        .knee = KNEE_RIGHT,
        .visit = version->visit != NULL ? version->visit : "M3",
        .visit_length = strlen(version->visit != NULL ? version->visit : "M3"),
        .instance = version->instance > 0 ? version->instance : 1,
        .version = version->version > 0 ? version->version : 1,
        .voided = version->voided,
        .date = study_date(version->date != NULL ? version->date : "2024-04-01"),
        .scores = scores,
        .content = content,
        .content_length = content != NULL ? strlen(content) : 0,
        .origin = version->received != 0 ? &origin : NULL,
    };
    return record_store_add(dataset->store, &input, error);
}

static void add(struct dataset *dataset, const struct version *version)
{
    struct error error = {0};
    if (!try_to_add(dataset, version, &error))
        fail_msg("%s", error.message);
}

static void finish(struct dataset *dataset)
{
    record_store_close(dataset->store);
    for (uint32_t i = 0; i < dataset->subject_count; i++)
        record_store_give(dataset->store, i, &i, 1);
}

static double score_at(const struct dataset *dataset, size_t subject, size_t at)
{
    assert_true(at < dataset_records(dataset, subject).count);
    return record_score(dataset, &dataset_records(dataset, subject).at[at], 0);
}

/* ---- versions and order ---- */

static void test_record_store_close_keeps_the_newest_version_in_any_order_of_adding(void **state)
{
    static const struct version versions[] = {
        {.version = 3, .score = 30}, {.version = 1, .score = 10}, {.version = 2, .score = 20},
        {.visit = "M6", .version = 2, .voided = true}, {.visit = "M6", .score = 60},
        {.instance = 2, .score = 5, .date = "2024-03-01"}, {.person = 1, .version = 2, .score = 7},
    };
    struct dataset *dataset = new_dataset(*state, 3, false);
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        add(dataset, &versions[i]);
    finish(dataset);
    assert_int_equal(dataset_records(dataset, 0).count, 2);      /* M6 is void */
    assert_true(score_at(dataset, 0, 0) == 5);
    assert_true(score_at(dataset, 0, 1) == 30);
    assert_int_equal(dataset_records(dataset, 0).at[1].version, 3);
    assert_true(score_at(dataset, 1, 0) == 7);
    assert_int_equal(dataset_records(dataset, 2).count, 0);
    assert_int_equal(dataset->record_count, 3);
}

static void test_record_store_close_correction_keeps_the_first_receipt_and_the_newest_id(void **state)
{
    struct dataset *dataset = new_dataset(*state, 1, false);
    add(dataset, &(struct version){.version = 2, .score = 2, .received = 900, .id = 9});
    add(dataset, &(struct version){.version = 1, .score = 1, .received = 100, .id = 1});
    add(dataset, &(struct version){.visit = "M6", .score = 3, .received = 500, .id = 5});
    finish(dataset);
    assert_true(score_at(dataset, 0, 0) == 2);
    const struct record_origin *origin = record_origin(dataset, &dataset_records(dataset, 0).at[0]);
    assert_int_equal(origin->received_us, 100);
    assert_int_equal(origin->id[0], 9);
}

static void test_record_store_close_orders_by_form_date_receipt_instance_and_id(void **state)
{
    static const struct version versions[] = {
        {.score = 7, .visit = "d", .received = 20, .instance = 2, .id = 1},
        {.score = 6, .visit = "c", .received = 20, .instance = 1, .id = 8},
        {.score = 5, .visit = "b", .received = 20, .instance = 1, .id = 7},
        {.score = 4, .visit = "a", .received = 10, .instance = 9, .id = 9},
        {.score = 3, .visit = "a", .received = 99, .date = "2024-03-31", .id = 1},
        {.score = 8, .form = "patient_global", .received = 1, .date = "2023-01-01"},
    };
    struct dataset *dataset = new_dataset(*state, 1, false);
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        add(dataset, &versions[i]);
    finish(dataset);
    for (size_t i = 0; i < 6; i++)
        assert_true(score_at(dataset, 0, i) == (double)(3 + i));
}

/* More than are sorted by insertion, and more persons than stand in a block. */
static void test_record_store_close_many_records_and_persons(void **state)
{
    enum { PERSONS = 3000, RECORDS = 100 };
    struct dataset *dataset = new_dataset(*state, PERSONS, false);
    for (int i = RECORDS; i >= 1; i--)
        add(dataset, &(struct version){.person = 2500, .instance = i, .score = i});
    for (uint32_t i = 0; i < PERSONS; i++)
        add(dataset, &(struct version){.person = i, .score = i, .date = "2024-05-01"});
    finish(dataset);
    for (size_t i = 0; i < PERSONS; i++)
        assert_true(score_at(dataset, i, i == 2500 ? RECORDS : 0) == (double)i);
    for (size_t i = 0; i < RECORDS; i++)
        assert_true(score_at(dataset, 2500, i) == (double)(i + 1));
}

/* ---- ties ---- */

static void test_record_store_settle_orders_what_only_origins_tell_apart(void **state)
{
    static const struct version versions[] = {
        {.visit = "M3", .score = 2}, {.visit = "M6", .score = 1}, {.visit = "BL", .score = 9, .date = "2024-01-01"},
        {.person = 1, .visit = "M3", .score = 5},
    };
    struct dataset *dataset = new_dataset(*state, 2, false);
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        add(dataset, &versions[i]);
    finish(dataset);
    size_t count;
    const struct record_tie *ties = record_store_ties(dataset->store, &count);
    assert_int_equal(count, 2);
    struct record_origin origins[2] = {{0}};
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ties[i].subject, 0);
        const struct record *record = &dataset_records(dataset, 0).at[ties[i].at];
        assert_null(record_origin(dataset, record));
        origins[i].received_us = strcmp(record_visit(dataset, record), "M6") == 0 ? 100 : 200;
    }
    record_store_settle(dataset->store, origins);
    assert_true(score_at(dataset, 0, 0) == 9 && score_at(dataset, 0, 1) == 1 && score_at(dataset, 0, 2) == 2);
    assert_int_equal(record_origin(dataset, &dataset_records(dataset, 0).at[1])->received_us, 100);
}

/* ---- who gets which ---- */

static void test_record_store_give_joins_the_records_of_several_persons(void **state)
{
    struct dataset *dataset = new_dataset(*state, 2, false);
    add(dataset, &(struct version){.person = 1200, .score = 2, .date = "2024-02-02"});
    add(dataset, &(struct version){.person = 1200, .form = "end_of_study",
                                   .answers = "\"last_contact\":\"2024-03-03\",\"reason\":\"completed\""});
    add(dataset, &(struct version){.person = 0, .score = 1, .date = "2024-01-01"});
    add(dataset, &(struct version){.person = 0, .score = 3, .date = "2024-03-03"});
    record_store_close(dataset->store);
    record_store_give(dataset->store, 1, (uint32_t[]){0, 1200}, 2);
    struct records records = dataset_records(dataset, 1);
    assert_int_equal(records.count, 4);
    assert_string_equal(record_answer(dataset, &records.at[0], "reason")->text, "completed");
    for (size_t i = 1; i < 4; i++) {
        assert_true(score_at(dataset, 1, i) == (double)i);
        assert_int_equal(records.at[i].subject, 1);
    }
    assert_int_equal(dataset_form_records(dataset, form_at(dataset, "pain_vas")), 3);
}

/* ---- answers ---- */

static const struct record *only_record(const struct dataset *dataset)
{
    assert_int_equal(dataset_records(dataset, 0).count, 1);
    return dataset_records(dataset, 0).at;
}

static void test_record_answer_gives_text_number_and_date(void **state)
{
    struct dataset *dataset = new_dataset(*state, 1, false);
    add(dataset, &(struct version){
        .form = "adverse_event", .received = 1,
        .answers = "\"term\":\"a \\\"b\\\"\\u00e9, {c}\",\"onset\":\"2024-03\",\"ongoing\":true,\"ctcae_grade\":2,"
                   "\"serious\":false"});
    finish(dataset);
    const struct record *record = only_record(dataset);
    assert_string_equal(record_answer(dataset, record, "term")->text, "a \"b\"\u00e9, {c}");
    assert_int_equal(record_answer(dataset, record, "onset")->date.month, 3);
    assert_int_equal(record_answer(dataset, record, "onset")->date.day, 0);
    assert_string_equal(record_answer(dataset, record, "ongoing")->text, "true");
    assert_true(record_answer(dataset, record, "ctcae_grade")->number == 2);
    assert_null(record_answer(dataset, record, "severity"));
    assert_null(record_answer(dataset, record, "no_such_item"));
}

static void test_record_answer_is_there_for_items_that_were_given(void **state)
{
    struct dataset *dataset = new_dataset(*state, 1, false);
    add(dataset, &(struct version){.form = "end_of_study", .received = 1,
                                   .answers = "\"last_contact\":\"2024-03-03\",\"reason\":\"completed\""});
    finish(dataset);
    const struct form *form = record_form(dataset, only_record(dataset));
    for (size_t i = 0; i < form->item_count; i++) {
        bool given = strcmp(form->items[i].id, "last_contact") == 0 || strcmp(form->items[i].id, "reason") == 0;
        assert_int_equal(record_answer(dataset, only_record(dataset), form->items[i].id) != NULL, given);
        assert_int_equal(record_item_answered(dataset, only_record(dataset), i), given);
    }
}

static void test_record_item_answered_is_known_of_forms_whose_answers_are_not_kept(void **state)
{
    struct dataset *dataset = new_dataset(*state, 3, false);
    size_t womac = form_at(dataset, "womac_lk"), vas = form_at(dataset, "pain_vas");
    assert_true(record_store_wants_content(dataset->store, womac));
    assert_false(record_store_wants_content(dataset->store, vas));
    add(dataset, &(struct version){.form = "womac_lk", .answers = "\"w1\":0,\"w3\":4,\"w24\":2"});
    add(dataset, &(struct version){.person = 1, .score = 5});
    add(dataset, &(struct version){.person = 2, .score = (double)NAN});
    finish(dataset);
    const struct record *record = dataset_records(dataset, 0).at;
    for (size_t i = 0; i < 24; i++)
        assert_int_equal(record_item_answered(dataset, record, i), i == 0 || i == 2 || i == 23);
    assert_null(record_answer(dataset, record, "w1"));
    assert_true(record_item_answered(dataset, dataset_records(dataset, 1).at, 0));
    assert_false(record_item_answered(dataset, dataset_records(dataset, 2).at, 0));
}

static void test_record_score_that_no_endpoint_names_is_not_kept(void **state)
{
    struct dataset *dataset = new_dataset(*state, 1, false);
    add(dataset, &(struct version){.form = "womac_lk", .answers = "", .score = 11});
    finish(dataset);
    const struct record *record = only_record(dataset);
    assert_true(isnan(record_score(dataset, record, 0)));        /* pain 0-20 */
    int pain = form_find_score(record_form(dataset, record), "pain_0_100");
    assert_true(record_score(dataset, record, (size_t)pain) == 0);
}

static void test_record_store_add_what_is_not_canonical_is_refused(void **state)
{
    static const char *const cases[] = {
        "\"reason\":\"completed\",\"last_contact\":\"2024-03-03\"",  /* not the form's order */
        "\"no_such_item\":1",
        "\"reason\":\"no such code\"",
        "\"reason\":\"completed\" ,\"reason_other\":\"x\"",
        "\"last_contact\":\"2024-02-30\"",
        "\"reason\":\"completed",
        "\"reason\":",
        "\"reason\"",
        "reason",
    };
    struct error error;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dataset *dataset = new_dataset(*state, 1, false);
        const struct version version = {.form = "end_of_study", .received = 1, .answers = cases[i]};
        error = (struct error){0};
        if (try_to_add(dataset, &version, &error))
            fail_msg("taken in: %s", cases[i]);
        assert_int_equal(error.kind, ERROR_DATABASE);
    }
}

static void test_record_store_of_a_masked_study_takes_nothing_in_that_names_the_arm(void **state)
{
    struct dataset *dataset = new_dataset(*state, 2, true);
    add(dataset, &(struct version){
        .form = "treatment", .received = 1,
        .answers = "\"product_kind\":\"cells\",\"product_lot\":\"LOT \\\"7\\\"\",\"imaging_guidance\":\"none\""});
    add(dataset, &(struct version){.person = 1, .form = "adverse_event", .received = 2, .version = 1,
                                   .answers = "\"special_interest\":\"swelling\""});
    add(dataset, &(struct version){.person = 1, .form = "adverse_event", .received = 2, .version = 2,
                                   .answers = "\"special_interest\":\"harvest_site\""});
    finish(dataset);
    const struct record *treatment = only_record(dataset);
    const struct form *form = record_form(dataset, treatment);
    for (size_t i = 0; i < form->item_count; i++)
        assert_int_equal(record_item_answered(dataset, treatment, i),
                         strcmp(form->items[i].id, "imaging_guidance") == 0);
    assert_non_null(record_answer(dataset, treatment, "imaging_guidance"));
    assert_null(record_answer(dataset, treatment, "product_kind"));
    assert_int_equal(dataset_records(dataset, 1).count, 0);      /* the newest version is at the harvest site */
}

/* Version 2 of the form says that injections_planned names the arm, version 1 does not yet. */
static void test_record_store_of_a_masked_study_hides_what_any_version_of_the_form_says_names_the_arm(void **state)
{
    for (int masked = 0; masked < 2; masked++) {
        struct dataset *dataset = new_dataset(*state, 1, masked == 1);
        add(dataset, &(struct version){.form = "treatment", .older = 1, .received = 1,
                                       .answers = "\"injections_planned\":2,\"imaging_guidance\":\"none\""});
        finish(dataset);
        const struct record *treatment = only_record(dataset);
        const struct form *form = record_form(dataset, treatment);
        int item = form_find_item(form, "injections_planned");
        assert_int_equal(form->version, 1);
        assert_false(form->items[item].reveals_arm);
        assert_int_equal(record_answer(dataset, treatment, "injections_planned") == NULL, masked == 1);
        assert_int_equal(record_item_answered(dataset, treatment, (size_t)item), masked == 0);
        assert_non_null(record_answer(dataset, treatment, "imaging_guidance"));
    }
}

/* Each distinct answer is kept once, whatever their number. */
static void test_record_store_add_same_answers_again_takes_no_room_for_them(void **state)
{
    enum { DISTINCT = 2048, TIMES = 40 };
    struct dataset *dataset = new_dataset(*state, 1, false);
    struct version version = {.form = "end_of_study", .received = 1};
    size_t taken[TIMES];
    for (int times = 0; times < TIMES; times++) {
        for (int i = 0; i < DISTINCT; i++) {
            char text[64], date[DATE_TEXT_SIZE];
            date_format(i, date);
            snprintf(text, sizeof text, "\"last_contact\":\"%s\"", date);
            version.answers = text;
            version.instance = i + 1;
            version.version = times + 1;
            add(dataset, &version);
        }
        taken[times] = talloc_total_blocks(dataset->store);
    }
    assert_int_equal(taken[TIMES - 1], taken[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int set_up(void **state)
{
    *state = memory_owner(NULL, "test");
    return 0;
}

static int tear_down(void **state)
{
    return talloc_free(*state);
}

/* Ids of one or two letters: less than eight bytes are left where the last answer begins. */
static void test_record_store_add_reads_a_short_answer_at_the_end_of_the_text(void **state)
{
    static const char text[] = "{\"form\":\"womac_lk\",\"answers\":{\"w1\":1}";
    struct dataset *dataset = new_dataset(*state, 1, false);
    struct error error;
    const double scores[16] = {0};
    const struct record_input input = {
        .form = form_at(dataset, "womac_lk"), .knee = KNEE_RIGHT, .visit = "M3", .visit_length = 2, .instance = 1,
        .version = 1, .date = study_date("2024-04-01"), .scores = scores, .content = text,
        .content_length = sizeof text - 1, .content_answers = sizeof "{\"form\":\"womac_lk\"" - 1,
    };
    assert_true(record_store_add(dataset->store, &input, &error));
    finish(dataset);
    const struct record *record = dataset_records(dataset, 0).at;
    assert_true(record_item_answered(dataset, record, 0));
    assert_false(record_item_answered(dataset, record, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_record_store_close_keeps_the_newest_version_in_any_order_of_adding),
        TEST(test_record_store_close_correction_keeps_the_first_receipt_and_the_newest_id),
        TEST(test_record_store_close_orders_by_form_date_receipt_instance_and_id),
        TEST(test_record_store_close_many_records_and_persons),
        TEST(test_record_store_settle_orders_what_only_origins_tell_apart),
        TEST(test_record_store_give_joins_the_records_of_several_persons),
        TEST(test_record_answer_gives_text_number_and_date),
        TEST(test_record_answer_is_there_for_items_that_were_given),
        TEST(test_record_item_answered_is_known_of_forms_whose_answers_are_not_kept),
        TEST(test_record_score_that_no_endpoint_names_is_not_kept),
        TEST(test_record_store_add_reads_a_short_answer_at_the_end_of_the_text),
        TEST(test_record_store_add_what_is_not_canonical_is_refused),
        TEST(test_record_store_of_a_masked_study_takes_nothing_in_that_names_the_arm),
        TEST(test_record_store_of_a_masked_study_hides_what_any_version_of_the_form_says_names_the_arm),
        TEST(test_record_store_add_same_answers_again_takes_no_room_for_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
