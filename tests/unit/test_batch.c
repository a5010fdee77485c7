/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which submissions may go to the database in one call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector/batch.h"
#include "forms/base/memory.h"

/* A row in short: a letter for the id, the subject's number, then what it is. */
struct sketch {
    char id;
    int site, subject;
    const char *form;            /* "enrolment" enrols */
    const char *visit;
    int instance, version;
    const char *continues;
};

static const struct form enrolment = {.id = "enrolment", .creates_subject = true};
static const struct form koos = {.id = "koos"};
static const struct form pain = {.id = "pain_vas"};

static const struct form *form_of(const char *name)
{
    if (strcmp(name, "enrolment") == 0)
        return &enrolment;
    return strcmp(name, "koos") == 0 ? &koos : &pain;
}

static struct batch_row **make_rows(const void *owner, const struct sketch *sketches, size_t count)
{
    struct batch_row **rows = memory_new_array(owner, struct batch_row *, count);
    for (size_t i = 0; i < count; i++) {
        const struct sketch *from = &sketches[i];
        struct submission *submission = memory_new(owner, struct submission);
        memset(submission->id, from->id, sizeof submission->id);
        submission->site = from->site;
        submission->subject = from->subject;
        submission->form = form_of(from->form);
        submission->knee = "right";
        submission->visit = from->visit;
        submission->instance = from->instance;
        submission->version = from->version;
        rows[i] = memory_new(owner, struct batch_row);
        rows[i]->fate = BATCH_WAITING;
        rows[i]->write.study_id = 1;
        rows[i]->write.submission = submission;
        rows[i]->write.index_knee = submission->form->creates_subject && from->version == 1 ? "right" : NULL;
        rows[i]->write.continues = from->continues;
    }
    return rows;
}

static void test_batch_segment_end_dependent_rows_are_parted(void **state)
{
    static const struct {
        const char *label;
        struct sketch rows[3];
        size_t count;
        size_t ends[3];          /* of the segments, 0 for none */
    } cases[] = {
        {"unrelated rows stay together",
         {{'a', 1, 1, "koos", "M3", 1, 1, NULL},
          {'b', 1, 2, "koos", "M3", 1, 1, NULL},
          {'c', 2, 1, "koos", "M3", 1, 1, NULL}},
         3,
         {3}},
        {"forms of one subject stay together",
         {{'a', 1, 1, "koos", "M3", 1, 1, NULL},
          {'b', 1, 1, "pain", "M3", 1, 1, NULL},
          {'c', 1, 1, "koos", "M6", 1, 1, NULL}},
         3,
         {3}},
        {"instances of one form stay together",
         {{'a', 1, 1, "koos", "M3", 1, 1, NULL}, {'b', 1, 1, "koos", "M3", 2, 1, NULL}},
         2,
         {2}},
        {"the same id twice",
         {{'a', 1, 1, "koos", "M3", 1, 1, NULL}, {'a', 1, 2, "koos", "M3", 1, 1, NULL}},
         2,
         {1, 2}},
        {"two versions of a record",
         {{'a', 1, 1, "koos", "M3", 1, 1, NULL},
          {'b', 1, 1, "koos", "M3", 1, 2, NULL},
          {'c', 1, 1, "koos", "M3", 1, 3, NULL}},
         3,
         {1, 2, 3}},
        {"an enrolment and a form of the subject",
         {{'a', 1, 1, "enrolment", "unscheduled", 1, 1, NULL},
          {'b', 1, 1, "koos", "BL", 1, 1, NULL},
          {'c', 1, 1, "pain", "BL", 1, 1, NULL}},
         3,
         {1, 3}},
        {"a form before the enrolment of the subject",
         {{'a', 1, 1, "koos", "BL", 1, 1, NULL}, {'b', 1, 1, "enrolment", "unscheduled", 1, 1, NULL}},
         2,
         {1, 2}},
        {"enrolments of several subjects stay together",
         {{'a', 1, 1, "enrolment", "unscheduled", 1, 1, NULL},
          {'b', 1, 2, "enrolment", "unscheduled", 1, 1, NULL}},
         2,
         {2}},
        {"a further version of an enrolment, which may be void, and a form of the subject",
         {{'a', 1, 1, "enrolment", "unscheduled", 1, 2, NULL}, {'b', 1, 1, "koos", "BL", 1, 1, NULL}},
         2,
         {1, 2}},
        {"an enrolment that continues one of the same batch",
         {{'a', 1, 1, "enrolment", "unscheduled", 1, 1, NULL},
          {'b', 2, 1, "enrolment", "unscheduled", 1, 1, "01-0001"}},
         2,
         {1, 2}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        struct batch_row **rows = make_rows(owner, cases[i].rows, cases[i].count);
        size_t from = 0;
        for (size_t segment = 0; segment < 3 && cases[i].ends[segment] != 0; segment++) {
            size_t end = batch_segment_end(rows, from, cases[i].count);
            if (end != cases[i].ends[segment])
                fail_msg("%s: segment %zu ends at %zu, not %zu", cases[i].label, segment, end,
                         cases[i].ends[segment]);
            from = end;
        }
        assert_int_equal(from, cases[i].count);
        talloc_free(owner);
    }
}

static void test_batch_segment_end_other_study_does_not_depend(void **state)
{
    static const struct sketch sketches[] = {{'a', 1, 1, "enrolment", "unscheduled", 1, 1, NULL},
                                             {'b', 1, 1, "koos", "BL", 1, 1, NULL}};
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct batch_row **rows = make_rows(owner, sketches, 2);
    rows[1]->write.study_id = 2;
    assert_int_equal(batch_segment_end(rows, 0, 2), 2);
    talloc_free(owner);
}

static void test_batch_depends_on_looks_at_waiting_rows_only(void **state)
{
    static const struct sketch held[] = {{'a', 1, 1, "koos", "M3", 1, 1, NULL},
                                         {'b', 1, 2, "enrolment", "unscheduled", 1, 1, NULL}};
    static const struct {
        const char *label;
        struct sketch rows[2];
        bool depends;
    } cases[] = {
        {"other records, of a subject too",
         {{'c', 1, 1, "koos", "M6", 1, 1, NULL}, {'d', 1, 3, "koos", "M3", 1, 1, NULL}}, false},
        {"the next version",
         {{'c', 1, 3, "koos", "M6", 1, 1, NULL}, {'d', 1, 1, "koos", "M3", 1, 2, NULL}}, true},
        {"the same id", {{'b', 2, 3, "koos", "M6", 1, 1, NULL}, {'d', 1, 3, "koos", "M3", 1, 2, NULL}}, true},
        {"a form of who is being enrolled",
         {{'c', 1, 3, "koos", "M6", 1, 1, NULL}, {'d', 1, 2, "koos", "BL", 1, 1, NULL}}, true},
        {"who continues somebody who is being enrolled",
         {{'c', 1, 3, "koos", "M6", 1, 1, NULL}, {'d', 2, 1, "enrolment", "unscheduled", 1, 1, "01-0002"}},
         true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        void *owner = memory_owner(NULL, "test");
        struct batch_row **others = make_rows(owner, held, 2), **made = make_rows(owner, cases[i].rows, 2);
        struct batch_row rows[] = {*made[0], *made[1]};
        struct batch_request request = {.rows = rows, .count = 2};
        if (batch_depends_on(&request, others, 2) != cases[i].depends)
            fail_msg("%s", cases[i].label);
        assert_false(batch_depends_on(&request, NULL, 0));
        rows[0].fate = rows[1].fate = BATCH_JUDGED;
        assert_false(batch_depends_on(&request, others, 2));
        talloc_free(owner);
    }
}

static void test_batch_collect_waiting_keeps_the_order_of_requests(void **state)
{
    (void)state;
    struct batch_row rows[4] = {{.fate = BATCH_WAITING}, {.fate = BATCH_JUDGED}, {.fate = BATCH_WAITING},
                                {.fate = BATCH_WAITING}};
    struct batch_request second = {.rows = rows + 2, .count = 2};
    struct batch_request first = {.rows = rows, .count = 2, .next = &second};
    size_t count = 0;
    struct batch_row **found = batch_collect_waiting(NULL, &first, &count);
    assert_int_equal(count, 3);
    assert_ptr_equal(found[0], &rows[0]);
    assert_ptr_equal(found[1], &rows[2]);
    assert_ptr_equal(found[2], &rows[3]);
    talloc_free(found);
}

static void test_batch_count_waiting_counts_only_checked_rows(void **state)
{
    (void)state;
    struct batch_row rows[4] = {{.fate = BATCH_WAITING}, {.fate = BATCH_INVALID}, {.fate = BATCH_WAITING},
                                {.fate = BATCH_JUDGED}};
    struct batch_request request = {.rows = rows, .count = 4};
    assert_int_equal(batch_count_waiting(&request), 2);
}

static void test_batch_settle_replay_only_is_a_replay_or_invalid(void **state)
{
    static const struct {
        bool replay_only;
        enum store_verdict_kind kind;
        enum batch_fate fate;
    } cases[] = {
        {false, STORE_ACCEPTED, BATCH_JUDGED}, {false, STORE_REPLAYED, BATCH_JUDGED},
        {false, STORE_REFUSED, BATCH_JUDGED},  {true, STORE_REPLAYED, BATCH_JUDGED},
        {true, STORE_REFUSED, BATCH_INVALID},  {false, STORE_UNJUDGED, BATCH_FAILED},
        {true, STORE_UNJUDGED, BATCH_FAILED},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct batch_row row = {.fate = BATCH_WAITING, .replay_only = cases[i].replay_only,
                                .verdict = {.kind = cases[i].kind}};
        batch_settle(&row);
        assert_int_equal(row.fate, cases[i].fate);
    }
}

static void test_batch_name_requests_gives_each_id_once_and_ends_in_time(void **state)
{
    (void)state;
    char ids[BATCH_IDS_SIZE], names[40][20];
    struct batch_row rows[40] = {0}, *list[40];
    for (size_t i = 0; i < 40; i++) {
        snprintf(names[i], sizeof names[i], "%016zx", i);
        rows[i].request_id = names[i];
        list[i] = &rows[i];
    }
    batch_name_requests(list, 0, ids);
    assert_string_equal(ids, "");
    rows[1].request_id = names[0];
    batch_name_requests(list, 3, ids);
    assert_string_equal(ids, "0000000000000000,0000000000000002");
    batch_name_requests(list, 40, ids);
    assert_true(strlen(ids) < BATCH_IDS_SIZE);
    assert_string_equal(ids + strlen(ids) - 4, ",...");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_name_requests_gives_each_id_once_and_ends_in_time),
        cmocka_unit_test(test_batch_settle_replay_only_is_a_replay_or_invalid),
        cmocka_unit_test(test_batch_segment_end_dependent_rows_are_parted),
        cmocka_unit_test(test_batch_segment_end_other_study_does_not_depend),
        cmocka_unit_test(test_batch_depends_on_looks_at_waiting_rows_only),
        cmocka_unit_test(test_batch_collect_waiting_keeps_the_order_of_requests),
        cmocka_unit_test(test_batch_count_waiting_counts_only_checked_rows),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
