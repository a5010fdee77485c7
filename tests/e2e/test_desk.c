/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Worklist and schedule of the running daemon, at sites whose days begin at different times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "forms/base/date.h"
#include "forms/base/memory.h"
#include "tests/support/registry.h"

enum { KIRITIMATI_HOURS = 14, NIUE_HOURS = -11 };    /* of sites 2 and 3, from UTC; neither has summer time */

static date_days today_at(int hours)
{
    return (date_days)((time(NULL) + hours * 3600) / 86400);
}

static const char *date_text(struct registry *registry, date_days days)
{
    char *text = memory_format(registry, "%*s", DATE_TEXT_SIZE, "");
    date_format(days, text);
    return text;
}

/* Submits `more` of a record (",\"form\":...") of a subject; its id. */
static const char *submit(struct registry *registry, const char *subject, date_days date, const char *more)
{
    const char *id = registry_new_id(registry);
    assert_status(api_submit(registry, "coordinator",
                             memory_format(registry, "{\"id\":\"%s\",\"subject\":\"%s\",\"form_version\":1,"
                                           "\"date\":\"%s\"%s}", id, subject, date_text(registry, date), more)), 201);
    return id;
}

static void treat(struct registry *registry, const char *subject, const char *knee, date_days date)
{
    submit(registry, subject, date,
           memory_format(registry, ",\"form\":\"treatment\",\"knee\":\"%s\",\"answers\":{\"injections_planned\":1}",
                         knee));
}

/* The pain of the right knee at a visit. */
static const char *pain(struct registry *registry, const char *subject, const char *visit, date_days date)
{
    return submit(registry, subject, date,
                  memory_format(registry, ",\"form\":\"pain_vas\",\"knee\":\"right\",\"visit\":\"%s\","
                                "\"answers\":{\"vas\":\"20.5\"}", visit));
}

static const json_t *get(struct registry *registry, const char *token, const char *path)
{
    struct client_reply *reply = api_get(registry, token, memory_format(registry, DEMO "%s", path));
    assert_status(reply, 200);
    return reply->json;
}

/* How many of a list have this text. */
static size_t count_with(const json_t *list, const char *name, const char *text)
{
    size_t count = 0, index;
    json_t *row;
    json_array_foreach(list, index, row) {
        const char *value = json_string_value(json_object_get(row, name));
        count += value != NULL && strcmp(value, text) == 0;
    }
    return count;
}

static const json_t *find(const json_t *list, const char *name, const char *text)
{
    size_t index;
    json_t *row;
    json_array_foreach(list, index, row) {
        const char *value = json_string_value(json_object_get(row, name));
        if (value != NULL && strcmp(value, text) == 0)
            return row;
    }
    fail_msg("there is none with %s %s", name, text);
    return NULL;
}

/* That of the form and the knee. */
static const json_t *find_form(const json_t *forms, const char *form, const char *knee)
{
    size_t index;
    json_t *row;
    json_array_foreach(forms, index, row)
        if (strcmp(json_text_at(row, "form"), form) == 0 && strcmp(json_text_at(row, "knee"), knee) == 0)
            return row;
    return NULL;
}

static const json_t *cell_of(const json_t *subject, const char *visit)
{
    return find(json_object_get(subject, "cells"), "visit", visit);
}

/* M3 is due on days 78 to 106: yesterday was the last of them at site 2, where at site 3 today or tomorrow is. */
static void test_worklist_knows_the_date_at_each_site(void **state)
{
    struct registry *registry = *state;
    date_days day1 = today_at(KIRITIMATI_HOURS) - 106;
    registry_enrol(registry, "coordinator", "02-0001");
    registry_enrol(registry, "coordinator", "03-0001");
    treat(registry, "02-0001", "right", day1);
    treat(registry, "03-0001", "right", day1);

    const json_t *two = get(registry, "coordinator2", "/worklist");
    assert_int_equal(json_number_at(two, "counts.overdue"), 1);
    assert_int_equal(json_number_at(two, "counts.closing"), 0);
    assert_string_equal(json_text_at(two, "items.0.kind"), "overdue");
    assert_string_equal(json_text_at(two, "items.0.subject"), "02-0001");
    assert_string_equal(json_text_at(two, "items.0.visit"), "M3");
    assert_string_equal(json_text_at(two, "items.0.title"), "3 months");
    assert_string_equal(json_text_at(two, "items.0.from"), date_text(registry, day1 + 77));
    assert_string_equal(json_text_at(two, "items.0.to"), date_text(registry, day1 + 105));
    assert_string_equal(json_text_at(two, "items.0.target"), date_text(registry, day1 + 91));
    assert_string_equal(json_text_at(two, "items.0.coordinator"), "coordinator");
    assert_int_equal(json_array_size(json_object_get(two, "items")), 1);
    assert_string_equal(json_text_at(two, "coordinators.0"), "coordinator");
    assert_string_equal(json_text_at(two, "visits.1.visit"), "M3");

    const json_t *three = get(registry, "coordinator", "/worklist?site=3");
    assert_int_equal(json_number_at(three, "counts.overdue"), 0);
    assert_int_equal(json_number_at(three, "counts.closing"), 1);
    assert_string_equal(json_text_at(get(registry, "coordinator", "/schedule?site=3"), "subjects.0.today"),
                        date_text(registry, today_at(NIUE_HOURS)));
    assert_string_equal(json_text_at(get(registry, "coordinator", "/schedule?site=2"), "subjects.0.today"),
                        date_text(registry, today_at(KIRITIMATI_HOURS)));
}

/* Of an item's forms, what is there; a draft of one's own; nothing of another's. */
static void test_worklist_says_what_of_a_visit_is_there(void **state)
{
    struct registry *registry = *state;
    static const char path[] = "/worklist?site=2&kind=overdue";
    const char *id = pain(registry, "02-0001", "M3", today_at(KIRITIMATI_HOURS) - 20);
    const char *draft = registry_new_id(registry);
    const json_t *forms = json_array_get(json_object_get(get(registry, "coordinator2", path), "items"), 0);
    forms = json_object_get(forms, "forms");
    assert_int_equal(json_array_size(forms), 4);
    assert_string_equal(json_text_at(find_form(forms, "pain_vas", "right"), "state"), "done");
    assert_string_equal(json_text_at(find_form(forms, "pain_vas", "right"), "id"), id);
    assert_string_equal(json_text_at(find_form(forms, "koos", "right"), "state"), "open");
    assert_true(json_is_null(json_object_get(find_form(forms, "koos", "right"), "id")));
    assert_null(find_form(forms, "koos", "left"));

    assert_status(api_send(registry, "coordinator2", "PUT", memory_format(registry, DEMO "/drafts/%s", draft),
                           "{\"subject\":\"02-0001\",\"knee\":\"right\",\"form\":\"koos\",\"form_version\":1,"
                           "\"visit\":\"M3\",\"instance\":1,\"version\":1,\"date\":null,\"reason\":null,"
                           "\"answers\":{\"p1\":2},\"not_answered\":{},\"confirmed\":[],\"section\":null,"
                           "\"second_of\":null,\"revision\":0}"), 200);
    const json_t *list = get(registry, "coordinator2", "/worklist");
    assert_int_equal(json_number_at(list, "counts.draft"), 1);
    const json_t *item = find(json_object_get(list, "items"), "kind", "draft");
    assert_string_equal(json_text_at(item, "id"), draft);
    assert_string_equal(json_text_at(item, "visit"), "M3");
    assert_string_equal(json_text_at(item, "forms.0.form"), "koos");
    assert_string_equal(json_text_at(item, "forms.0.state"), "draft");
    item = find(json_object_get(list, "items"), "kind", "overdue");
    assert_string_equal(json_text_at(find_form(json_object_get(item, "forms"), "koos", "right"), "state"), "draft");
    assert_int_equal(json_number_at(get(registry, "coordinator", "/worklist"), "counts.draft"), 0);

    const json_t *subject = get(registry, "coordinator2", "/subjects/02-0001/schedule");
    assert_int_equal(json_number_at(subject, "drafts"), 1);
    const json_t *form = find_form(json_object_get(cell_of(subject, "M3"), "forms"), "koos", "right");
    assert_string_equal(json_text_at(form, "state"), "draft");
    assert_string_equal(json_text_at(form, "id"), draft);
    assert_int_equal(json_number_at(cell_of(subject, "M3"), "done"), 1);
    assert_int_equal(json_number_at(cell_of(subject, "M3"), "expected"), 4);
    assert_string_equal(json_text_at(cell_of(subject, "M3"), "state"), "overdue");
    assert_string_equal(json_text_at(cell_of(subject, "BL"), "state"), "missed");
    assert_string_equal(json_text_at(cell_of(subject, "M6"), "state"), "not_due");
    assert_int_equal(json_number_at(get(registry, "coordinator", "/subjects/02-0001/schedule"), "drafts"), 0);
}

static void test_worklist_has_clocks_first_and_queries_behind_visits(void **state)
{
    struct registry *registry = *state;
    const char *query = registry_new_id(registry);
    const char *event = submit(registry, "02-0001", today_at(KIRITIMATI_HOURS) - 5,
                               ",\"form\":\"adverse_event\",\"answers\":{\"term\":\"fall\",\"onset\":\"2025-01\","
                               "\"serious\":true,\"serious_hospitalisation\":true}");
    assert_status(api_send(registry, "monitor", "POST", DEMO "/queries",
                           memory_format(registry, "{\"query\":\"%s\",\"subject\":\"02-0001\",\"form\":\"pain_vas\","
                                         "\"knee\":\"right\",\"visit\":\"M3\",\"text\":\"in the source?\"}", query)),
                  200);
    const json_t *list = get(registry, "coordinator2", "/worklist");
    static const char *const kinds[] = {"event_clock", "overdue", "query", "draft"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        assert_string_equal(json_text_at(list, memory_format(registry, "items.%zu.kind", i)), kinds[i]);
    assert_string_equal(json_text_at(list, "items.0.id"), event);
    assert_string_equal(json_text_at(list, "items.0.title"), "fall");
    assert_true(strcmp(json_text_at(list, "items.0.until"), json_text_at(list, "as_of")) > 0);
    assert_string_equal(json_text_at(list, "items.2.id"), query);
    assert_string_equal(json_text_at(list, "items.2.title"), "in the source?");
    assert_string_equal(json_text_at(list, "items.2.forms.0.state"), "done");
    assert_int_equal(json_number_at(get(registry, "coordinator2", "/schedule"), "subjects.0.open_queries"), 1);
}

/* All of the pages of one item, in order, are the list. */
static void test_worklist_pages_are_the_whole_list(void **state)
{
    struct registry *registry = *state;
    const json_t *whole = json_object_get(get(registry, "coordinator", "/worklist"), "items");
    const char *path = "/worklist?limit=1";
    size_t count = json_array_size(whole);
    assert_true(count >= 4);
    for (size_t i = 0; i < count; i++) {
        const json_t *page = get(registry, "coordinator", path);
        assert_int_equal(json_array_size(json_object_get(page, "items")), 1);
        assert_true(json_equal(json_array_get(json_object_get(page, "items"), 0), json_array_get(whole, i)));
        if (i + 1 == count)
            assert_true(json_is_null(json_object_get(page, "next")));
        else
            path = memory_format(registry, "/worklist?limit=1&after=%s", json_text_at(page, "next"));
    }
}

static void test_worklist_filters_leave_what_they_say_and_count_it(void **state)
{
    struct registry *registry = *state;
    static const struct {
        const char *query;
        int items, overdue, closing, query_count;
    } filters[] = {
        {"kind=overdue", 1, 1, 1, 1},       {"visit=M3", 3, 1, 1, 1},         {"visit=M6", 0, 0, 0, 0},
        {"visit=unscheduled", 1, 0, 0, 0},  {"coordinator=nobody", 0, 0, 0, 0},
        {"coordinator=coordinator", 4, 1, 1, 1}, {"site=2&kind=closing", 0, 1, 0, 1},
    };
    for (size_t i = 0; i < sizeof filters / sizeof filters[0]; i++) {
        const json_t *list =
            get(registry, "coordinator", memory_format(registry, "/worklist?%s", filters[i].query));
        size_t items = json_array_size(json_object_get(list, "items"));
        if (items != (size_t)filters[i].items || json_number_at(list, "counts.overdue") != filters[i].overdue ||
            json_number_at(list, "counts.closing") != filters[i].closing ||
            json_number_at(list, "counts.query") != filters[i].query_count)
            fail_msg("%s: %zu items, %s", filters[i].query, items,
                     json_dumps(json_object_get(list, "counts"), JSON_COMPACT));
    }
    assert_problem(api_get(registry, "coordinator", DEMO "/worklist?visit=M99"), 400, "invalid_parameter");
    assert_problem(api_get(registry, "coordinator", DEMO "/worklist?kind=late"), 400, "invalid_parameter");
    static const char *const after[] = {"1", "9,2026-01-01,1,1,0,0,-", "1,2026-01-01,1,1,0,3,-", "1,x,1,1,0,0,y",
                                        "1,2026-01-01,1,1,0,0", "1,2026-01-01,1,1,0,0,-,"};
    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++)
        assert_problem(api_get(registry, "coordinator", memory_format(registry, DEMO "/worklist?after=%s", after[i])),
                       400, "invalid_parameter");
}

/* ---- the schedule ---- */

static void test_schedule_finds_subjects_by_number_and_state(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator", "01-0001");
    registry_enrol(registry, "coordinator", "01-0021");
    treat(registry, "01-0021", "right", today_at(0) - 400);
    submit(registry, "01-0021", today_at(0) - 290,
           memory_format(registry, ",\"form\":\"end_of_study\",\"answers\":{\"last_contact\":\"%s\","
                         "\"reason\":\"withdrew_consent\"}", date_text(registry, today_at(0) - 300)));
    const json_t *all = get(registry, "statistician", "/schedule");
    assert_int_equal(json_number_at(all, "total"), 4);
    assert_int_equal(count_with(json_object_get(all, "subjects"), "state", "active"), 2);
    assert_int_equal(json_number_at(get(registry, "coordinator", "/schedule?q=-0001"), "total"), 3);
    assert_int_equal(json_number_at(get(registry, "coordinator", "/schedule?q=02"), "total"), 2);   /* 01-0021 too */
    assert_int_equal(json_number_at(get(registry, "coordinator1", "/schedule"), "total"), 2);
    const json_t *left = get(registry, "coordinator", "/schedule?state=withdrawn");
    assert_int_equal(json_number_at(left, "total"), 1);
    assert_string_equal(json_text_at(left, "subjects.0.subject"), "01-0021");
    assert_string_equal(json_text_at(cell_of(json_array_get(json_object_get(left, "subjects"), 0), "M12"), "state"),
                        "not_expected");
    assert_int_equal(json_number_at(get(registry, "coordinator", "/schedule?state=screened"), "total"), 1);
    const json_t *page = get(registry, "coordinator", "/schedule?limit=3");
    assert_int_equal(json_array_size(json_object_get(page, "subjects")), 3);
    page = get(registry, "coordinator", memory_format(registry, "/schedule?limit=3&after=%s",
                                                      json_text_at(page, "next")));
    assert_int_equal(json_array_size(json_object_get(page, "subjects")), 1);
    assert_int_equal(json_number_at(page, "total"), 4);
    assert_true(json_is_null(json_object_get(page, "next")));
    assert_problem(api_get(registry, "coordinator", DEMO "/schedule?state=lost"), 400, "invalid_parameter");
}

static void test_schedule_of_an_untreated_subject_asks_for_baseline(void **state)
{
    struct registry *registry = *state;
    const json_t *subject = get(registry, "coordinator1", "/subjects/01-0001/schedule");
    assert_string_equal(json_text_at(subject, "state"), "screened");
    assert_string_equal(json_text_at(cell_of(subject, "BL"), "state"), "due");
    assert_string_equal(json_text_at(cell_of(subject, "BL"), "from"), "2024-02-01");
    assert_true(json_is_null(json_object_get(cell_of(subject, "BL"), "to")));
    assert_string_equal(json_text_at(cell_of(subject, "M3"), "state"), "not_expected");
    assert_true(json_is_null(json_object_get(json_object_get(subject, "day1"), "right")));
    assert_int_equal(json_number_at(get(registry, "coordinator1", "/worklist?kind=due"), "counts.due"), 1);
    assert_problem(api_get(registry, "coordinator1", DEMO "/subjects/01-0099/schedule"), 404, "not_found");
    assert_problem(api_get(registry, "coordinator1", DEMO "/subjects/02-0001/schedule"), 404, "not_found");
    assert_problem(api_get(registry, "coordinator1", DEMO "/subjects/one/schedule"), 404, "not_found");
}

/* The left knee, treated twenty days later, and again: its windows count from the first time. */
static void test_schedule_of_a_second_knee_has_its_own_days(void **state)
{
    struct registry *registry = *state;
    date_days day1 = today_at(0) - 100;
    registry_enrol(registry, "coordinator", "01-0002");
    treat(registry, "01-0002", "right", day1);
    treat(registry, "01-0002", "left", day1 + 20);
    submit(registry, "01-0002", day1 + 40,
           ",\"form\":\"treatment\",\"knee\":\"left\",\"instance\":2,\"answers\":{\"injections_planned\":2}");
    const json_t *subject = get(registry, "coordinator1", "/subjects/01-0002/schedule");
    const json_t *forms = json_object_get(cell_of(subject, "M3"), "forms");
    assert_string_equal(json_text_at(subject, "day1.left"), date_text(registry, day1 + 20));
    assert_string_equal(json_text_at(subject, "index_knee"), "right");
    assert_string_equal(json_text_at(find_form(forms, "koos", "right"), "from"), date_text(registry, day1 + 77));
    assert_string_equal(json_text_at(find_form(forms, "koos", "left"), "from"), date_text(registry, day1 + 97));
    const json_t *items = json_object_get(get(registry, "coordinator1", "/worklist?visit=M3"), "items");
    assert_int_equal(json_array_size(items), 2);
    const json_t *of_left = find(items, "knee", "left");
    assert_string_equal(json_text_at(of_left, "from"), date_text(registry, day1 + 97));
    assert_null(find_form(json_object_get(of_left, "forms"), "koos", "right"));
    assert_non_null(find_form(json_object_get(of_left, "forms"), "koos", "left"));
}

static void test_schedule_shows_the_cohort_unless_the_study_is_masked(void **state)
{
    struct registry *registry = *state;
    static const char other[] = "/api/v1/studies/other";
    test_run(registry->db, "SELECT admin.allocate('demo', '{1}', '{1}', '{none}', '{AD-MSC}', NULL)");
    assert_string_equal(json_text_at(get(registry, "coordinator1", "/subjects/01-0001/schedule"), "cohort"), "AD-MSC");
    assert_string_equal(json_text_at(get(registry, "statistician", "/schedule?q=01-0001"), "subjects.0.cohort"),
                        "AD-MSC");
    assert_status(api_send(registry, "coordinator_other", "POST", memory_format(registry, "%s/submissions", other),
                           registry_enrolment(registry, NULL, "01-0001")), 201);
    test_run(registry->db, "SELECT admin.allocate('other', '{1}', '{1}', '{none}', '{AD-MSC}', NULL)");
    struct client_reply *page = api_get(registry, "coordinator_other", memory_format(registry, "%s/schedule", other));
    assert_status(page, 200);
    assert_string_equal(json_text_at(page->json, "subjects.0.subject"), "01-0001");
    assert_true(json_is_null(json_object_get(json_array_get(json_object_get(page->json, "subjects"), 0), "cohort")));
    page = api_get(registry, "coordinator_other", memory_format(registry, "%s/subjects/01-0001/schedule", other));
    assert_true(json_is_null(json_object_get(page->json, "cohort")));
    assert_null(strstr(page->body, "AD-MSC"));
}

int main(void)
{
    memory_init();
    /* They build on each other. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worklist_knows_the_date_at_each_site),
        cmocka_unit_test(test_worklist_says_what_of_a_visit_is_there),
        cmocka_unit_test(test_worklist_has_clocks_first_and_queries_behind_visits),
        cmocka_unit_test(test_worklist_pages_are_the_whole_list),
        cmocka_unit_test(test_worklist_filters_leave_what_they_say_and_count_it),
        cmocka_unit_test(test_schedule_finds_subjects_by_number_and_state),
        cmocka_unit_test(test_schedule_of_an_untreated_subject_asks_for_baseline),
        cmocka_unit_test(test_schedule_of_a_second_knee_has_its_own_days),
        cmocka_unit_test(test_schedule_shows_the_cohort_unless_the_study_is_masked),
    };
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
