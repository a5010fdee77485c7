/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections before TLS: a few begin each turn of the loop, in the order of their first bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/arrivals.h"
#include "forms/base/memory.h"

enum { CROWD = 23, A_TURN_MOST = 4 };

struct visitor {
    struct arrival arrival;      /* first */
    int theirs;                  /* the other end of the socket */
    bool begun, ended;
};

static struct visitor visitors[CROWD];
static size_t begun_order[CROWD], begun_count;

static void begin(struct arrival *arrival, bool ended)
{
    struct visitor *visitor = (struct visitor *)arrival;
    int taken = arrivals_take(arrival);
    assert_true(taken >= 0);
    assert_int_equal(arrivals_take(arrival), -1);
    close(taken);
    visitor->begun = true;
    visitor->ended = ended;
    begun_order[begun_count++] = (size_t)(visitor - visitors);
}

struct fixture {
    struct event_base *base;
    struct arrivals *arrivals;
};

static int set_up(void **state)
{
    static struct fixture fixture;
    fixture.base = event_base_new();
    fixture.arrivals = arrivals_new(NULL, fixture.base, begin);
    assert_non_null(fixture.arrivals);
    begun_count = 0;
    for (size_t i = 0; i < CROWD; i++) {
        int ends[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        visitors[i] = (struct visitor){.theirs = ends[1]};
        assert_true(arrivals_wait(fixture.arrivals, &visitors[i].arrival, ends[0]));
    }
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < CROWD; i++) {
        int ours = arrivals_take(&visitors[i].arrival);
        if (ours >= 0)
            close(ours);
        close(visitors[i].theirs);
    }
    talloc_free(fixture->arrivals);
    event_base_free(fixture->base);
    return 0;
}

/* How many began in one turn. */
static size_t turn(const struct fixture *fixture)
{
    size_t before = begun_count;
    assert_true(event_base_loop(fixture->base, EVLOOP_ONCE | EVLOOP_NONBLOCK) >= 0);
    return begun_count - before;
}

static void test_arrivals_of_a_crowd_begin_a_few_a_turn_in_order(void **state)
{
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(write(visitors[(i * 7) % CROWD].theirs, "x", 1), 1);
        assert_true(turn(*state) <= A_TURN_MOST);
    }
    for (int turns = 0; begun_count < CROWD && turns < 100; turns++)
        assert_true(turn(*state) <= A_TURN_MOST);
    assert_int_equal(begun_count, CROWD);
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(begun_order[i], i * 7 % CROWD);
        assert_false(visitors[i].ended);
    }
}

static void test_arrivals_all_at_once_take_several_turns(void **state)
{
    int turns = 0;
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(write(visitors[i].theirs, "x", 1), 1);
    for (; begun_count < CROWD && turns < 100; turns++)
        assert_true(turn(*state) <= A_TURN_MOST);
    assert_int_equal(begun_count, CROWD);
    assert_true(turns >= CROWD / A_TURN_MOST);
}

static void test_arrivals_without_a_byte_never_begin(void **state)
{
    assert_int_equal(write(visitors[3].theirs, "x", 1), 1);
    for (int turns = 0; turns < 10; turns++)
        turn(*state);
    assert_int_equal(begun_count, 1);
    assert_true(visitors[3].begun);
}

/* They need no turn: nothing is begun with them. */
static void test_arrivals_that_leave_are_told_at_once(void **state)
{
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(shutdown(visitors[i].theirs, SHUT_WR), 0);
    assert_int_equal(turn(*state), CROWD);
    for (size_t i = 0; i < CROWD; i++)
        assert_true(visitors[i].ended);
}

/* At a deadline, wherever they stand in the line: the others keep their places. */
static void test_arrivals_take_from_anywhere_in_the_line(void **state)
{
    static const size_t taken[] = {22, 4, 5, 12, 21};
    for (size_t i = 0; i < CROWD; i++)
        assert_int_equal(write(visitors[i].theirs, "x", 1), 1);
    while (begun_count == 0)
        turn(*state);
    assert_in_range(begun_count, 1, A_TURN_MOST);
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        int ours = arrivals_take(&visitors[taken[i]].arrival);
        assert_true(ours >= 0);
        close(ours);
    }
    for (int turns = 0; turns < 100; turns++)
        turn(*state);
    assert_int_equal(begun_count, CROWD - sizeof taken / sizeof taken[0]);
    for (size_t i = 1; i < begun_count; i++)
        assert_true(begun_order[i - 1] < begun_order[i]);
}

#define ARRIVALS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        ARRIVALS_TEST(test_arrivals_of_a_crowd_begin_a_few_a_turn_in_order),
        ARRIVALS_TEST(test_arrivals_all_at_once_take_several_turns),
        ARRIVALS_TEST(test_arrivals_without_a_byte_never_begin),
        ARRIVALS_TEST(test_arrivals_that_leave_are_told_at_once),
        ARRIVALS_TEST(test_arrivals_take_from_anywhere_in_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
