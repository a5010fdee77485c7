/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/schedule.h"

#include <string.h>

#include "forms/base/memory.h"

/* ---- the plan ---- */

static bool is_asked_for(const struct protocol *protocol, const char *form)
{
    return !protocol_form_is_any_time(protocol, form);
}

static size_t count_forms(const struct protocol *protocol)
{
    size_t count = 0;
    for (size_t v = 0; v < protocol->visit_count; v++)
        count = memory_size_sum(count, protocol->visits[v].form_count);
    return count;
}

static void add_slots(struct schedule_plan *plan, struct schedule_slot *slots, const struct catalogue *catalogue,
                      size_t visit)
{
    const struct visit *of = &plan->protocol->visits[visit];
    for (size_t i = 0; i < of->form_count; i++) {
        const struct form *form = catalogue_find_form(catalogue, of->forms[i], 0);
        if (form == NULL || !is_asked_for(plan->protocol, of->forms[i]))
            continue;
        plan->forms[plan->slot_count] = form->id;
        plan->visits[plan->slot_count] = of->id;
        slots[plan->slot_count++] = (struct schedule_slot){.visit = visit, .form = form};
    }
}

struct schedule_plan *schedule_plan_new(const void *owner, const struct catalogue *catalogue)
{
    struct schedule_plan *plan = memory_new(owner, struct schedule_plan);
    size_t most = count_forms(catalogue->protocol);
    struct schedule_slot *slots = memory_new_array(plan, struct schedule_slot, most);
    plan->protocol = catalogue->protocol;
    plan->baseline = -1;
    plan->forms = memory_new_array(plan, const char *, most);
    plan->visits = memory_new_array(plan, const char *, most);
    for (size_t v = 0; v < plan->protocol->visit_count; v++) {
        add_slots(plan, slots, catalogue, v);
        if (plan->protocol->visits[v].baseline)
            plan->baseline = (int)v;
    }
    plan->slots = slots;
    return plan;
}

/* ---- knees and days ---- */

static enum schedule_knee other_knee(enum schedule_knee knee)
{
    return knee == SCHEDULE_LEFT ? SCHEDULE_RIGHT : SCHEDULE_LEFT;
}

enum schedule_knee schedule_index_knee(const struct schedule_plan *plan, const struct schedule_facts *facts)
{
    date_days left = facts->day1[SCHEDULE_LEFT], right = facts->day1[SCHEDULE_RIGHT];
    if (left == right || plan->protocol->index_knee_rule == INDEX_KNEE_AS_ENROLLED)
        return facts->index_knee;
    return right == DATE_NONE || (left != DATE_NONE && left < right) ? SCHEDULE_LEFT : SCHEDULE_RIGHT;
}

/* The date of a study day; there is no day 0. */
static date_days date_of_day(date_days day1, int day)
{
    return day1 + day - (day > 0);
}

/* The other knee when it was treated, and on another day; else SCHEDULE_NO_KNEE. */
static enum schedule_knee knee_apart(const struct schedule_facts *facts, enum schedule_knee index)
{
    enum schedule_knee other = other_knee(index);
    bool apart = facts->day1[other] != DATE_NONE && facts->day1[other] != facts->day1[index];
    return apart ? other : SCHEDULE_NO_KNEE;
}

static bool asks(const struct schedule_slot *slot, const struct schedule_facts *facts, enum schedule_knee index,
                 enum schedule_knee knee)
{
    if (slot->form->about != FORM_ABOUT_KNEE)
        return knee == SCHEDULE_NO_KNEE;
    return knee == index || (knee == other_knee(index) && facts->day1[knee] != DATE_NONE);
}

bool schedule_asks(const struct schedule_plan *plan, const struct schedule_facts *facts, size_t slot,
                   enum schedule_knee knee, size_t *window)
{
    enum schedule_knee index = schedule_index_knee(plan, facts);
    *window = knee != SCHEDULE_NO_KNEE && knee == knee_apart(facts, index);
    return asks(&plan->slots[slot], facts, index, knee);
}

bool schedule_has(const struct schedule_plan *plan, const struct schedule_facts *facts, size_t slot,
                  enum schedule_knee knee)
{
    const int *there = &facts->there[slot * SCHEDULE_KNEES];
    if (plan->slots[slot].form->about != FORM_ABOUT_EITHER)
        return there[knee] > 0;
    return there[SCHEDULE_NO_KNEE] > 0 || there[schedule_index_knee(plan, facts)] > 0;
}

/* ---- windows ---- */

/* The last day on which somebody who owes a form is asked for it. */
static date_days last_day(const struct visit *visit, date_days day1)
{
    date_days due = date_of_day(day1, visit->due[1]);
    if (visit->analysis[1] == WINDOW_OPEN_END)
        return due + SCHEDULE_OPEN_DAYS;
    date_days analysis = date_of_day(day1, visit->analysis[1]);
    return analysis > due + SCHEDULE_PAPER_DAYS ? analysis : due + SCHEDULE_PAPER_DAYS;
}

/* Sets the dates; false when the visit is none for this subject. */
static bool place_window(const struct schedule_plan *plan, const struct schedule_facts *facts, size_t number,
                         date_days day1, struct schedule_window *window)
{
    const struct visit *visit = &plan->protocol->visits[number];
    if (day1 == DATE_NONE) {
        bool before = (int)number <= plan->baseline;
        window->from = before ? facts->enrolled : DATE_NONE;
        return before && facts->left == DATE_NONE && facts->ended == DATE_NONE;
    }
    window->from = date_of_day(day1, visit->due[0]);
    window->to = date_of_day(day1, visit->due[1]);
    window->target = date_of_day(day1, visit->target);
    if (facts->left != DATE_NONE && facts->left <= window->target)
        return false;
    if (facts->left != DATE_NONE && facts->left < window->to)
        window->to = facts->left;
    return facts->ended == DATE_NONE || facts->ended >= window->from;
}

/* What a window in which forms are missing asks for today. */
static enum schedule_state find_task(const struct visit *visit, const struct schedule_window *window, date_days day1,
                                     date_days today)
{
    if (day1 == DATE_NONE)
        return SCHEDULE_DUE;
    if (today < window->from)
        return SCHEDULE_NOT_DUE;
    if (today <= window->to)
        return window->to - today <= SCHEDULE_CLOSING_DAYS ? SCHEDULE_CLOSING : SCHEDULE_DUE;
    return today <= last_day(visit, day1) ? SCHEDULE_OVERDUE : SCHEDULE_MISSED;
}

static void judge(const struct visit *visit, date_days day1, date_days today, bool wanted,
                  struct schedule_window *window)
{
    if (!wanted)
        window->expected = window->done;     /* what came, came */
    if (window->done == window->expected) {
        window->state = window->expected > 0 ? SCHEDULE_DONE : SCHEDULE_NOT_EXPECTED;
        return;
    }
    enum schedule_state task = find_task(visit, window, day1, today);
    bool asked = task == SCHEDULE_DUE || task == SCHEDULE_CLOSING || task == SCHEDULE_OVERDUE;
    window->task = asked ? task : SCHEDULE_NOT_EXPECTED;
    window->state = window->done > 0 && task != SCHEDULE_OVERDUE ? SCHEDULE_PARTIAL : task;
}

/* ---- cells ---- */

static void count_slot(const struct schedule_plan *plan, const struct schedule_facts *facts, size_t slot,
                       enum schedule_knee index, struct schedule_cell *cell)
{
    enum schedule_knee apart = knee_apart(facts, index);
    for (int k = SCHEDULE_NO_KNEE; k < SCHEDULE_KNEES; k++) {
        enum schedule_knee knee = (enum schedule_knee)k;
        if (!asks(&plan->slots[slot], facts, index, knee))
            continue;
        struct schedule_window *window = &cell->windows[knee != SCHEDULE_NO_KNEE && knee == apart];
        window->expected++;
        window->done += schedule_has(plan, facts, slot, knee);
    }
}

static void finish_cell(struct schedule_cell *cell)
{
    const struct schedule_window *shown = &cell->windows[0];
    for (size_t w = 0; w < cell->window_count; w++) {
        cell->done += cell->windows[w].done;
        cell->expected += cell->windows[w].expected;
        if (cell->windows[w].state > shown->state)
            shown = &cell->windows[w];
    }
    cell->state = shown->state;
    cell->from = shown->from;
    cell->to = shown->to;
    cell->target = shown->target;
}

void schedule_make(const struct schedule_plan *plan, const struct schedule_facts *facts, date_days today,
                   struct schedule_cell *cells)
{
    enum schedule_knee index = schedule_index_knee(plan, facts), apart = knee_apart(facts, index);
    static const struct schedule_window blank = {.from = DATE_NONE, .to = DATE_NONE, .target = DATE_NONE};
    for (size_t v = 0; v < plan->protocol->visit_count; v++) {
        cells[v] = (struct schedule_cell){.windows = {blank, blank}, .window_count = 1};
        cells[v].windows[1].knee = apart;
        if (apart != SCHEDULE_NO_KNEE)
            cells[v].window_count = 2;
    }
    for (size_t slot = 0; slot < plan->slot_count; slot++)
        count_slot(plan, facts, slot, index, &cells[plan->slots[slot].visit]);
    for (size_t v = 0; v < plan->protocol->visit_count; v++) {
        for (size_t w = 0; w < cells[v].window_count; w++) {
            struct schedule_window *window = &cells[v].windows[w];
            date_days day1 = facts->day1[w == 0 ? index : apart];
            bool wanted = place_window(plan, facts, v, day1, window);
            judge(&plan->protocol->visits[v], day1, today, wanted, window);
        }
        finish_cell(&cells[v]);
    }
}

/* ---- names ---- */

const char *schedule_state_name(enum schedule_state state)
{
    static const char *const names[SCHEDULE_STATES] = {
        [SCHEDULE_NOT_EXPECTED] = "not_expected", [SCHEDULE_DONE] = "done",       [SCHEDULE_NOT_DUE] = "not_due",
        [SCHEDULE_MISSED] = "missed",             [SCHEDULE_PARTIAL] = "partial", [SCHEDULE_DUE] = "due",
        [SCHEDULE_CLOSING] = "closing",           [SCHEDULE_OVERDUE] = "overdue"};
    return names[state];
}

static const char *const knee_names[SCHEDULE_KNEES] = {"none", "left", "right"};

const char *schedule_knee_name(enum schedule_knee knee)
{
    return knee_names[knee];
}

enum schedule_knee schedule_knee_from_name(const char *name)
{
    if (strcmp(name, knee_names[SCHEDULE_LEFT]) == 0)
        return SCHEDULE_LEFT;
    return strcmp(name, knee_names[SCHEDULE_RIGHT]) == 0 ? SCHEDULE_RIGHT : SCHEDULE_NO_KNEE;
}
