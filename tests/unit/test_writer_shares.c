/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose requests are written next, and who finds room in the queue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "collector/writer_shares.h"
#include "forms/base/memory.h"

enum { LIMIT = 100000, CUT_US = 2000, ROW_US = 50, LONG_AGO_US = 1000000000 };

static const struct form koos = {.id = "koos"}, enrolment = {.id = "enrolment", .creates_subject = true};

static struct principal ann = {.account = (char[]){"ann"}, .study_id = 1};
static struct principal bob = {.account = (char[]){"bob"}, .study_id = 1};
static struct principal ann_elsewhere = {.account = (char[]){"ann"}, .study_id = 2};

struct fixture {
    struct shares *shares;
    uint32_t last_subject;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    fixture->shares = shares_new(fixture, LIMIT);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

/* ---- requests ---- */

/* About `subjects` subjects in turn, a record each: with one, each row depends on the one before. */
static struct batch_request *make(struct fixture *fixture, struct principal *principal, size_t rows,
                                  size_t subjects)
{
    struct batch_request *request = memory_new(fixture, struct batch_request);
    struct submission *submissions = memory_new_array(request, struct submission, rows);
    request->exchange = memory_new(request, struct exchange);
    request->exchange->principal = principal;
    request->rows = memory_new_array(request, struct batch_row, rows);
    request->count = rows;
    request->deadline_ms = 1000;
    for (size_t i = 0; i < rows; i++) {
        int subject = (int)(fixture->last_subject + i % subjects);
        submissions[i] =
            (struct submission){.subject = subject, .form = &koos, .knee = "right", .visit = "M3"};
        memcpy(submissions[i].id, &(uint32_t){fixture->last_subject + (uint32_t)i}, sizeof(uint32_t));
        request->rows[i].fate = BATCH_WAITING;
        request->rows[i].write =
            (struct store_write){.study_id = principal->study_id, .submission = &submissions[i]};
    }
    fixture->last_subject += (uint32_t)rows;
    batch_prepare(request);
    return request;
}

static struct batch_request *add(struct fixture *fixture, struct principal *principal, size_t rows)
{
    struct batch_request *request = make(fixture, principal, rows, rows);
    assert_true(shares_add(fixture->shares, request, LONG_AGO_US));
    return request;
}

static struct batch_request *take(struct fixture *fixture, int64_t now_us)
{
    struct share *share = shares_first(fixture->shares, now_us);
    if (share == NULL)
        return NULL;
    struct batch_piece piece = shares_next_piece(fixture->shares, share);
    assert_true(piece.rows > 0);
    return shares_take(fixture->shares, share, &piece, now_us);
}

/* In a batch of its own. */
static struct batch_request *take_alone(struct fixture *fixture, int64_t now_us)
{
    shares_begin_batch(fixture->shares, CUT_US, now_us);
    return take(fixture, now_us);
}

static bool put_back(struct fixture *fixture, struct batch_request *request, int64_t spent_us, int64_t now_us)
{
    request->spent_us = spent_us;
    request->waiting = batch_count_waiting(request);
    return shares_put_back(fixture->shares, request, now_us);
}

static void decide_taken(struct batch_request *request)
{
    for (size_t i = 0; i < request->taken_end; i++)
        request->rows[i].fate = BATCH_JUDGED;
}

static void decide(struct fixture *fixture, struct batch_request *request, int64_t spent_us)
{
    for (size_t i = 0; i < request->count; i++)
        request->rows[i].fate = BATCH_JUDGED;
    assert_false(put_back(fixture, request, spent_us, LONG_AGO_US));
}

/* ---- room ---- */

static void test_shares_have_room_for_as_much_as_is_left_free(void **state)
{
    struct fixture *fixture = *state;
    struct shares *shares = shares_new(fixture, 100);
    char name[] = "eve";
    struct principal eve = {.account = name, .study_id = 1};
    assert_true(shares_have_room(shares, &ann, 256));
    assert_true(shares_add(shares, make(fixture, &ann, 50, 50), 0));
    assert_false(shares_have_room(shares, &ann, 1));
    assert_false(shares_add(shares, make(fixture, &ann, 1, 1), 0));
    assert_true(shares_have_room(shares, &bob, 50));
    assert_false(shares_have_room(shares, &bob, 51));
    assert_true(shares_add(shares, make(fixture, &bob, 25, 25), 0));
    assert_false(shares_have_room(shares, &bob, 1));
    assert_true(shares_add(shares, make(fixture, &ann_elsewhere, 12, 12), 0));
    assert_true(shares_have_room(shares, &eve, 13));
    assert_int_equal(shares_count_rows(shares), 87);
}

static void test_shares_add_empty_queue_takes_a_long_array(void **state)
{
    struct fixture *fixture = *state;
    struct shares *shares = shares_new(fixture, 8);
    assert_true(shares_add(shares, make(fixture, &ann, 256, 256), 0));
    assert_false(shares_add(shares, make(fixture, &bob, 1, 1), 0));
}

/* ---- whose turn it is ---- */

static void test_shares_take_keeps_the_order_of_an_account(void **state)
{
    struct fixture *fixture = *state;
    struct batch_request *first = add(fixture, &ann, 1), *second = add(fixture, &ann, 1);
    struct batch_request *third = add(fixture, &ann, 1);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), first);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), second);
    assert_true(put_back(fixture, second, 10, LONG_AGO_US));
    assert_true(put_back(fixture, first, 10, LONG_AGO_US));
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), first);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), second);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), third);
    assert_null(take_alone(fixture, LONG_AGO_US));
    assert_int_equal(shares_count_rows(fixture->shares), 0);
}

/* One whose rows cost ten times as much has a tenth of the rows, however many it sends. */
static void test_shares_take_divides_time_and_not_rows(void **state)
{
    struct fixture *fixture = *state;
    int64_t spent_us[2] = {0, 0};
    size_t rows[2] = {0, 0};
    for (int i = 0; i < 500; i++) {
        add(fixture, &ann, 1);
        add(fixture, &bob, 10);
    }
    for (int i = 0; i < 300; i++) {
        struct batch_request *request = take_alone(fixture, LONG_AGO_US);
        bool is_bob = request->exchange->principal == &bob;
        int64_t cost_us = (int64_t)request->count * (is_bob ? 1000 : 5000);
        spent_us[is_bob] += cost_us;
        rows[is_bob] += request->count;
        decide(fixture, request, cost_us);
    }
    assert_in_range(spent_us[0], spent_us[1] - 20000, spent_us[1] + 20000);
    assert_in_range(rows[1], 4 * rows[0], 6 * rows[0]);
}

static void test_shares_take_newcomer_has_saved_nothing_up(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 4; i++)
        add(fixture, &ann, 1);
    for (int i = 0; i < 2; i++)
        decide(fixture, take_alone(fixture, LONG_AGO_US), 10000);
    struct batch_request *first = add(fixture, &bob, 1), *second = add(fixture, &bob, 1);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), first);
    decide(fixture, first, 10001);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US)->exchange->principal, &ann);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), second);
}

static void test_shares_take_singles_of_many_accounts_share_a_batch(void **state)
{
    struct fixture *fixture = *state;
    struct principal many[200];
    char names[200][8];
    for (size_t i = 0; i < 200; i++) {
        snprintf(names[i], sizeof names[i], "a%zu", i);
        many[i] = (struct principal){.account = names[i], .study_id = 1 + (int)(i % 3)};
        add(fixture, &many[i], 1);
    }
    shares_begin_batch(fixture->shares, CUT_US, LONG_AGO_US);
    for (size_t i = 0; i < 200; i++)
        assert_non_null(take(fixture, LONG_AGO_US));
    shares_end_batch(fixture->shares);
    assert_null(take_alone(fixture, LONG_AGO_US));
}

/* Time that passes while its rows are with PostgreSQL takes nothing off its charge. */
static void test_shares_take_charges_who_is_in_hand(void **state)
{
    struct fixture *fixture = *state;
    struct batch_request *array = add(fixture, &ann, 256);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), array);
    struct batch_request *first = add(fixture, &bob, 1), *second = add(fixture, &bob, 1);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), first);
    decide(fixture, first, 5000);
    assert_true(put_back(fixture, array, 20000, LONG_AGO_US + 20000));
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US + 20000), second);
}

/* ---- pieces ---- */

static void test_shares_next_piece_is_a_turn_beside_others(void **state)
{
    struct fixture *fixture = *state;
    struct batch_request *array = add(fixture, &ann, 256);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), array);
    assert_int_equal(array->taken_end, 256);
    assert_true(put_back(fixture, array, 0, LONG_AGO_US));
    struct batch_request *single = add(fixture, &bob, 1);
    shares_begin_batch(fixture->shares, CUT_US, LONG_AGO_US);
    assert_ptr_equal(take(fixture, LONG_AGO_US), array);
    assert_int_equal(array->taken_end, CUT_US / ROW_US);
    decide_taken(array);
    assert_ptr_equal(take(fixture, LONG_AGO_US), single);
    shares_end_batch(fixture->shares);
    assert_int_equal(shares_count_rows(fixture->shares), 256 - CUT_US / ROW_US);
    assert_true(put_back(fixture, array, 0, LONG_AGO_US));
    assert_int_equal(shares_count_rows(fixture->shares), 256 - CUT_US / ROW_US);
    /* Beside who was there a moment ago too; not much later. */
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), array);
    assert_int_equal(array->taken_end, 2 * (CUT_US / ROW_US));
    assert_true(put_back(fixture, array, 0, LONG_AGO_US));
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US + 60000), array);
    assert_int_equal(array->taken_end, 256);
}

/* A row that needs a call of its own counts as nine. */
static void test_shares_next_piece_counts_calls(void **state)
{
    struct fixture *fixture = *state;
    struct batch_request *array = make(fixture, &ann, 256, 1);
    assert_true(shares_add(fixture->shares, array, LONG_AGO_US));
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), array);
    assert_int_equal(array->taken_end, 112);
    assert_true(put_back(fixture, array, 0, LONG_AGO_US));
    add(fixture, &bob, 1);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), array);
    assert_int_equal(array->taken_end, 5);
}

/* Whole requests of 10 ms; what does not fit into the rest of them is not cut for it. */
static void test_shares_next_piece_has_had_its_turn(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, &ann, 20);
    add(fixture, &ann, 20);
    for (int i = 0; i < 160; i++)
        add(fixture, &ann, 1);
    add(fixture, &ann, 2);
    add(fixture, &bob, 1);
    shares_begin_batch(fixture->shares, CUT_US, LONG_AGO_US);
    for (int i = 0; i < 162 + 1; i++)
        assert_non_null(take(fixture, LONG_AGO_US));
    struct share *share = shares_first(fixture->shares, LONG_AGO_US);
    assert_int_equal(shares_next_piece(fixture->shares, share).rows, 0);
    shares_set_aside(fixture->shares, share);
    assert_null(shares_first(fixture->shares, LONG_AGO_US));
    shares_end_batch(fixture->shares);
    assert_ptr_equal(shares_first(fixture->shares, LONG_AGO_US), share);
}

/* Rows that turn out to cost four times as much, or a fourth, are fewer, or more. */
static void test_shares_next_piece_learns_what_rows_cost(void **state)
{
    static const struct {
        int64_t row_us;
        size_t rows;                 /* of a piece, in the end */
    } cases[] = {{4 * ROW_US, CUT_US / ROW_US / 4}, {ROW_US / 4, 4 * CUT_US / ROW_US}};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct batch_request *array = add(fixture, &ann, 256);
        add(fixture, &bob, 1);
        for (int times = 0; times < 20000; times++) {
            shares_begin_batch(fixture->shares, CUT_US, LONG_AGO_US);
            struct batch_request *request = take(fixture, LONG_AGO_US);
            assert_true(put_back(fixture, request, (int64_t)request->taken_end * cases[i].row_us, LONG_AGO_US));
        }
        while (take_alone(fixture, LONG_AGO_US) != array)
            continue;
        assert_in_range(array->taken_end, cases[i].rows * 8 / 10, cases[i].rows * 12 / 10);
        array->spent_us = 0;
        decide(fixture, array, 0);
        while (take_alone(fixture, LONG_AGO_US) != NULL)
            continue;
    }
}

/* However much its rows have cost: nobody waits behind them. */
static void test_shares_next_piece_alone_is_whole(void **state)
{
    struct fixture *fixture = *state;
    struct batch_request *array = add(fixture, &ann, 256);
    for (int times = 0; times < 10; times++) {
        assert_ptr_equal(take_alone(fixture, LONG_AGO_US), array);
        assert_int_equal(array->taken_end, 256);
        assert_true(put_back(fixture, array, 100000, LONG_AGO_US));
    }
}

/* Whoever comes when nobody was served for a while is alone, although it is another one than before. */
static void test_shares_next_piece_after_a_silence_is_alone(void **state)
{
    struct fixture *fixture = *state;
    int64_t later_us = LONG_AGO_US + 60000;
    add(fixture, &ann, 1);
    decide(fixture, take_alone(fixture, LONG_AGO_US), 10);
    add(fixture, &bob, 1);
    decide(fixture, take_alone(fixture, later_us), 10);
    const struct batch_request *request = add(fixture, &bob, 200);
    take_alone(fixture, later_us + 1000);
    assert_int_equal(request->taken_end, 200);
}

static void test_shares_next_piece_singly_is_a_row(void **state)
{
    struct fixture *fixture = *state;
    struct batch_request *array = add(fixture, &ann, 3);
    array->company = BATCH_SINGLY;
    for (size_t row = 1; row <= 3; row++) {
        assert_ptr_equal(take_alone(fixture, LONG_AGO_US), array);
        assert_int_equal(array->taken_end, row);
        decide_taken(array);
        assert_int_equal(put_back(fixture, array, 0, LONG_AGO_US), row < 3);
    }
}

/* ---- who may not ---- */

static void test_shares_block_passes_over_until_it_is_too_often(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, &ann, 1);
    struct share *share = shares_first(fixture->shares, LONG_AGO_US);
    add(fixture, &bob, 1);
    for (int times = 1; times <= 8; times++) {
        shares_block(fixture->shares, share);
        assert_int_equal(shares_count_ready_rows(fixture->shares), 1);
        struct share *other = shares_first(fixture->shares, LONG_AGO_US);
        assert_non_null(other);
        assert_ptr_not_equal(other, share);
        shares_unblock(fixture->shares);
        assert_int_equal(shares_count_ready_rows(fixture->shares), 2);
    }
    shares_block(fixture->shares, share);
    assert_null(shares_first(fixture->shares, LONG_AGO_US));
    shares_unblock(fixture->shares);
    assert_non_null(shares_first(fixture->shares, LONG_AGO_US));
}

static void test_shares_put_back_pauses_the_study(void **state)
{
    struct fixture *fixture = *state;
    struct batch_request *request = add(fixture, &ann, 1);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), request);
    add(fixture, &bob, 1);
    struct batch_request *elsewhere = add(fixture, &ann_elsewhere, 1);
    request->pause_ms = 30;
    assert_true(put_back(fixture, request, 10, LONG_AGO_US));
    assert_int_equal(shares_pause_end_us(fixture->shares), LONG_AGO_US + 30000);
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), elsewhere);
    assert_null(take_alone(fixture, LONG_AGO_US + 29999));
    assert_non_null(take_alone(fixture, LONG_AGO_US + 30000));
    assert_non_null(take_alone(fixture, LONG_AGO_US + 30000));
    assert_int_equal(shares_pause_end_us(fixture->shares), INT64_MAX);
}

/* Who wants the study for itself pauses alone. */
static void test_shares_put_back_end_of_an_enrolment_pauses_alone(void **state)
{
    struct fixture *fixture = *state;
    struct batch_request *request = add(fixture, &ann, 1);
    struct submission ends = {.form = &enrolment, .version = 2, .status = SUBMISSION_VOID};
    request->rows[0].write.submission = &ends;
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), request);
    struct batch_request *other = add(fixture, &bob, 1);
    request->pause_ms = 800;
    assert_true(put_back(fixture, request, 10, LONG_AGO_US));
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US), other);
    assert_null(take_alone(fixture, LONG_AGO_US + 799999));
    assert_ptr_equal(take_alone(fixture, LONG_AGO_US + 800000), request);
}

/* ---- the end of waiting ---- */

static void test_shares_take_expired_by_deadline(void **state)
{
    struct fixture *fixture = *state;
    int64_t next_ms = 0;
    struct batch_request *first = add(fixture, &ann, 2), *second = add(fixture, &ann, 3);
    struct batch_request *other = add(fixture, &bob, 4);
    first->deadline_ms = 10;
    second->deadline_ms = 20;
    other->deadline_ms = 15;
    assert_null(shares_take_expired(fixture->shares, 9, LONG_AGO_US, &next_ms));
    assert_int_equal(next_ms, 10);
    shares_block(fixture->shares, shares_first(fixture->shares, LONG_AGO_US));
    struct batch_request *expired = shares_take_expired(fixture->shares, 15, LONG_AGO_US, &next_ms);
    assert_true((expired == first && first->next == other) || (expired == other && other->next == first));
    assert_int_equal(next_ms, 20);
    assert_int_equal(shares_count_rows(fixture->shares), 3);
    shares_hurry(fixture->shares, 12);
    assert_ptr_equal(shares_take_expired(fixture->shares, 12, LONG_AGO_US, &next_ms), second);
    assert_int_equal(next_ms, INT64_MAX);
    assert_int_equal(shares_count_rows(fixture->shares), 0);
}

/* A charge melts with time; then nothing is left of the account. */
static void test_shares_take_expired_forgets_who_is_idle(void **state)
{
    struct fixture *fixture = *state;
    int64_t next_ms = 0;
    add(fixture, &ann, 1);
    size_t with_one = talloc_total_blocks(fixture->shares);
    for (int i = 0; i < 100; i++) {
        char name[8];
        snprintf(name, sizeof name, "b%d", i);
        struct principal principal = {.account = name, .study_id = 1};
        add(fixture, &principal, 1);
        struct batch_request *request = NULL;
        while ((request = take_alone(fixture, LONG_AGO_US)) != NULL && request->exchange->principal == &ann)
            assert_true(put_back(fixture, request, 100000, LONG_AGO_US));
        decide(fixture, request, 100000);
    }
    assert_true(talloc_total_blocks(fixture->shares) > with_one);
    assert_null(shares_take_expired(fixture->shares, 0, LONG_AGO_US + 10000000, &next_ms));
    assert_int_equal(talloc_total_blocks(fixture->shares), with_one);
}

int main(void)
{
#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_shares_have_room_for_as_much_as_is_left_free),
        CASE(test_shares_add_empty_queue_takes_a_long_array),
        CASE(test_shares_take_keeps_the_order_of_an_account),
        CASE(test_shares_take_divides_time_and_not_rows),
        CASE(test_shares_take_newcomer_has_saved_nothing_up),
        CASE(test_shares_take_singles_of_many_accounts_share_a_batch),
        CASE(test_shares_take_charges_who_is_in_hand),
        CASE(test_shares_next_piece_is_a_turn_beside_others),
        CASE(test_shares_next_piece_counts_calls),
        CASE(test_shares_next_piece_has_had_its_turn),
        CASE(test_shares_next_piece_learns_what_rows_cost),
        CASE(test_shares_next_piece_alone_is_whole),
        CASE(test_shares_next_piece_after_a_silence_is_alone),
        CASE(test_shares_next_piece_singly_is_a_row),
        CASE(test_shares_block_passes_over_until_it_is_too_often),
        CASE(test_shares_put_back_pauses_the_study),
        CASE(test_shares_put_back_end_of_an_enrolment_pauses_alone),
        CASE(test_shares_take_expired_by_deadline),
        CASE(test_shares_take_expired_forgets_who_is_idle),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
