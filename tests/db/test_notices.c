/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Notices: which submissions leave one, its clocks, who sees it, and how it is handed on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

#define EVENT .form = "adverse_event", .knee = "none", .visit = "unscheduled"
#define SERIOUS "{\"answers\":{\"term\":\"canary-term\",\"serious\":true,\"serious_hospitalisation\":true}}"
#define FATAL "{\"answers\":{\"serious\":true,\"serious_death\":true}}"
#define HARMLESS "{\"answers\":{\"serious\":false}}"

static int setup(void **state)
{
    test_fixture_setup(state);
    struct test_fixture *fixture = *state;
    test_enrol(fixture->collector, 1, 1);
    test_enrol(fixture->collector, 2, 1);
    return 0;
}

static void submit(struct test_fixture *fixture, struct test_row row)
{
    assert_string_equal(test_submit(fixture->collector, &row, 1), "accepted");
}

/* Kind, severity, hours of both clocks; of the newest notice. */
static const char *newest(const struct test_fixture *fixture)
{
    return test_value(fixture->superuser,
        "SELECT concat_ws(' ', kind, severity, extract(epoch FROM sponsor_due - noticed_at)::int / 3600, "
        "extract(epoch FROM authority_due - noticed_at)::int / 3600) FROM audit.notice "
        "ORDER BY noticed_at DESC, version DESC LIMIT 1");
}

static const struct {
    const char *label, *content, *notice;
} cases[] = {
    {"not serious", HARMLESS, ""},
    {"a stay in hospital", SERIOUS, "serious_event serious 24 360"},
    {"death", FATAL, "serious_event fatal_or_life_threatening 24 168"},
    {"a threat to life", "{\"answers\":{\"serious\":true,\"serious_life_threatening\":true}}",
     "serious_event fatal_or_life_threatening 24 168"},
    {"grade 4", "{\"answers\":{\"ctcae_grade\":4,\"serious\":true}}", "serious_event fatal_or_life_threatening 24 168"},
    {"grade 4, said not to be serious", "{\"answers\":{\"ctcae_grade\":4,\"serious\":false}}", ""},
    {"a fatal outcome", "{\"answers\":{\"serious\":false,\"outcome\":\"fatal\"}}",
     "serious_event fatal_or_life_threatening 24 168"},
    {"nothing said of seriousness", "{\"answers\":{}}", "serious_event serious 24 360"},
    {"no answers at all", "{}", "serious_event serious 24 360"},
    {"no object", "7", "serious_event serious 24 360"},
};

static void test_adverse_event_starts_the_clocks_of_its_severity(void **state)
{
    struct test_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *before = test_value(fixture->superuser, "SELECT count(*) FROM audit.notice");
        submit(fixture, (struct test_row){EVENT, .id = (int)i + 1, .instance = (int)i + 1,
                                          .content = cases[i].content});
        bool told = strcmp(before, test_value(fixture->superuser, "SELECT count(*) FROM audit.notice")) != 0;
        if (strcmp(told ? newest(fixture) : "", cases[i].notice) != 0)
            fail_msg("%s: \"%s\"", cases[i].label, told ? newest(fixture) : "");
    }
}

static void test_other_form_leaves_no_notice(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){.id = 1, .content = FATAL});
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM audit.notice"), "0");
    /* Of rows of other forms nothing but the form's name is looked at. */
    assert_string_equal(test_value(fixture->superuser,
        "SELECT pg_get_triggerdef(oid) LIKE '%FOR EACH ROW WHEN (((new.form)::text = ''adverse_event''::text))%' "
        "OR pg_get_triggerdef(oid) LIKE '%FOR EACH ROW WHEN ((new.form = ''adverse_event''::text))%' "
        "FROM pg_trigger WHERE tgname = 'note_serious_event'"), "t");
}

static void test_corrections_tell_what_became_of_the_event(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){EVENT, .id = 1, .content = SERIOUS});
    submit(fixture, (struct test_row){EVENT, .id = 2, .version = 2, .reason = "more is known", .content = SERIOUS});
    assert_string_equal(newest(fixture), "serious_event_changed serious");
    submit(fixture, (struct test_row){EVENT, .id = 3, .version = 3, .reason = "died since", .content = FATAL});
    assert_string_equal(newest(fixture), "serious_event_worse fatal_or_life_threatening 24 168");
    submit(fixture, (struct test_row){EVENT, .id = 4, .version = 4, .reason = "another subject", .content = HARMLESS});
    assert_string_equal(newest(fixture), "serious_event_withdrawn information");
    submit(fixture, (struct test_row){EVENT, .id = 5, .version = 5, .reason = "not serious", .content = HARMLESS});
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM audit.notice"), "4");
    submit(fixture, (struct test_row){EVENT, .id = 6, .version = 6, .reason = "serious again", .content = SERIOUS});
    assert_string_equal(newest(fixture), "serious_event serious 24 360");
    submit(fixture, (struct test_row){EVENT, .id = 7, .version = 7, .reason = "was a mistake", .status = "void"});
    assert_string_equal(newest(fixture), "serious_event_withdrawn information");
}

static void test_notice_goes_with_its_transaction(void **state)
{
    struct test_fixture *fixture = *state;
    test_run(fixture->collector, "BEGIN");
    submit(fixture, (struct test_row){EVENT, .id = 1, .content = SERIOUS});
    test_run(fixture->collector, "ROLLBACK");
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM audit.notice"), "0");
}

static const char *list(struct test_fixture *fixture, const char *token)
{
    return test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT string_agg(subject, ' ' ORDER BY subject) FROM api.list_notices('%s', 1, NULL, 100)", token));
}

static void test_notices_are_seen_at_their_sites_only(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){EVENT, .id = 1, .content = SERIOUS});
    submit(fixture, (struct test_row){EVENT, .id = 2, .site = 2, .content = SERIOUS});
    assert_string_equal(list(fixture, "coordinator1"), "01-0001");
    assert_string_equal(list(fixture, "coordinator2"), "02-0001");
    assert_string_equal(list(fixture, "investigator1"), "01-0001");
    assert_string_equal(list(fixture, "data_manager"), "01-0001 02-0001");
    assert_string_equal(list(fixture, "monitor"), "01-0001 02-0001");
    assert_string_equal(test_sqlstate(fixture->collector,
                                      "SELECT api.list_notices('statistician', 1, NULL, 9)"), "42501");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.list_notices('machine1', 1, NULL, 9)"), "42501");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT api.list_notices('nobody', 1, NULL, 9)"), "28000");
    assert_string_equal(test_value(fixture->collector,
        "SELECT count(*) FROM (SELECT * FROM api.list_notices('monitor', 1, NULL, 1)) f, "
        "LATERAL api.list_notices('monitor', 1, f.notice_id, 5) s WHERE s.notice_id <> f.notice_id"), "1");
    /* One that is hidden is not there. */
    assert_string_equal(test_sqlstate(fixture->collector, memory_format(fixture->owner,
        "SELECT api.list_notices('coordinator1', 1, '%s', 9)", test_value(fixture->superuser,
        "SELECT notice_id FROM audit.notice WHERE site_id = 2"))), "P0002");
}

/* ---- handing on ---- */

static struct db *connect_admin(const struct test_fixture *fixture)
{
    return test_database_connect(fixture->owner, fixture->database, "patella_admin");
}

static void test_notice_that_was_taken_comes_again_until_it_was_told(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *admin = connect_admin(fixture);
    submit(fixture, (struct test_row){EVENT, .id = 1, .content = SERIOUS});
    const char *notice = test_value(admin, "SELECT notice_id FROM admin.take_notice(120)");
    assert_string_not_equal(notice, "");
    assert_string_equal(test_value(admin, "SELECT count(*) FROM admin.take_notice(120)"), "0");
    test_run(admin, memory_format(fixture->owner, "SELECT admin.finish_notice('%s', false, 'exit status 1')", notice));
    assert_string_equal(test_value(admin, "SELECT concat_ws(' ', tries, last_outcome) FROM admin.list_notices('demo')"),
                        "1 exit status 1");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT next_try_at BETWEEN clock_timestamp() + interval '30 s' AND clock_timestamp() + interval '90 s' "
        "FROM audit.notice"), "t");
    test_run(fixture->superuser, "UPDATE audit.notice SET next_try_at = now() - interval '1 s'");
    assert_string_equal(test_value(admin, "SELECT notice_id FROM admin.take_notice(120)"), notice);
    test_run(admin, memory_format(fixture->owner, "SELECT admin.finish_notice('%s', true, 'delivered')", notice));
    test_run(fixture->superuser, "UPDATE audit.notice SET next_try_at = now() - interval '1 s'");
    assert_string_equal(test_value(admin, "SELECT count(*) FROM admin.take_notice(120)"), "0");
    /* Each try and its outcome are on the trail, by whom. */
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(new ->> 'last_outcome', ', ' ORDER BY seq) FROM audit.event "
        "WHERE object = 'audit.notice' AND operation = 'UPDATE' AND actor LIKE 'db:patella_admin%'"),
        "under way, exit status 1, under way, delivered");
}

static void test_two_that_take_get_different_notices(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *one = connect_admin(fixture), *other = connect_admin(fixture);
    submit(fixture, (struct test_row){EVENT, .id = 1, .content = SERIOUS});
    submit(fixture, (struct test_row){EVENT, .id = 2, .instance = 2, .content = SERIOUS});
    test_run(one, "BEGIN");
    const char *first = test_value(one, "SELECT notice_id FROM admin.take_notice(120)");
    const char *second = test_value(other, "SELECT notice_id FROM admin.take_notice(120)");
    assert_string_not_equal(second, "");
    assert_string_not_equal(first, second);
    test_run(one, "ROLLBACK");          /* whoever took it died: it is there at once */
    assert_string_equal(test_value(other, "SELECT notice_id FROM admin.take_notice(120)"), first);
}

static void test_message_says_where_to_look_and_nothing_clinical(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *admin = connect_admin(fixture);
    submit(fixture, (struct test_row){EVENT, .id = 1, .content = SERIOUS});
    const char *message = test_value(admin, "SELECT message FROM admin.take_notice(120)");
    assert_null(strstr(message, "canary"));
    assert_string_equal(test_value(fixture->superuser, memory_format(fixture->owner,
        "SELECT string_agg(k, ' ' ORDER BY k) FROM jsonb_object_keys('%s'::jsonb) k", message)),
        "authority_due form instance kind knee notice noticed_at object severity site sponsor_due study subject try "
        "version visit");
    assert_string_equal(test_value(fixture->superuser, memory_format(fixture->owner,
        "SELECT concat_ws(' ', '%s'::jsonb ->> 'study', '%s'::jsonb ->> 'subject')", message, message)),
            "demo 01-0001");
}

static void test_notices_are_kept(void **state)
{
    struct test_fixture *fixture = *state;
    submit(fixture, (struct test_row){EVENT, .id = 1, .content = SERIOUS});
    assert_string_equal(test_sqlstate(fixture->superuser, "UPDATE audit.notice SET sponsor_due = NULL"), "42501");
    assert_string_equal(test_sqlstate(fixture->superuser, "DELETE FROM audit.notice"), "42501");
    assert_string_equal(test_sqlstate(fixture->superuser, "TRUNCATE audit.notice"), "42501");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT * FROM audit.notice"), "42501");
    assert_string_equal(test_sqlstate(fixture->collector, "SELECT admin.take_notice(1)"), "42501");
}

static void test_notice_added_by_hand_is_told_once_a_day(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *admin = connect_admin(fixture);
    static const char *const refused[] = {
        "SELECT admin.add_notice('serious_event', 'core.submission 1')",
        "SELECT admin.add_notice('seal_failed', NULL)",
        "SELECT admin.add_notice(NULL, 'block 7')",
        "SELECT admin.add_notice('seal_failed', '')",
        "SELECT admin.add_notice('seal_failed', E'two\\nlines')",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        if (test_sqlstate(admin, refused[i])[0] == '\0')
            fail_msg("%s", refused[i]);
    static const char add[] = "SELECT admin.add_notice('certificate_expires', 'CN=site7')";
    assert_string_equal(test_value(admin, add), "t");
    assert_string_equal(test_value(admin, add), "f");
    assert_string_equal(test_value(admin, "SELECT severity FROM admin.list_notices(NULL)"), "failure");
    assert_string_equal(test_value(fixture->collector, "SELECT count(*) FROM api.list_notices('monitor', 1, NULL, 9)"),
                        "0");
}

/* ---- by programs ---- */

static const char *note_expiry(const struct test_fixture *fixture, const char *what, const char *in)
{
    return test_value(fixture->collector, memory_format(fixture->owner,
        "SELECT api.note_expiry('%s', clock_timestamp() + interval '%s')", what, in));
}

/* As if all had been told so long ago. */
static void age_notices(const struct test_fixture *fixture, const char *by)
{
    test_run(fixture->superuser, memory_format(fixture->owner,
        "SET session_replication_role = replica; UPDATE audit.notice SET noticed_at = noticed_at - interval '%s'; "
        "RESET session_replication_role", by));
}

static void test_certificate_that_ends_is_told_in_its_time_once_a_day(void **state)
{
    static const struct {
        const char *what, *in, *told;
    } ends[] = {
        {"server_certificate", "15 days", "f"}, {"server_certificate", "13 days", "t"},
        {"server_certificate", "13 days", "f"}, {"machine_ca", "15 days", "f"},
        {"machine_ca", "13 days", "t"},         {"machine_crl", "49 hours", "f"},
        {"machine_crl", "47 hours", "t"},       {"machine_crl", "47 hours", "f"},
        {"machine_crl", "-1 hour", "t"},        {"machine_crl", "-2 hours", "f"},
    };
    struct test_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (strcmp(note_expiry(fixture, ends[i].what, ends[i].in), ends[i].told) != 0)
            fail_msg("%s %s: not %s", ends[i].what, ends[i].in, ends[i].told);
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(DISTINCT concat_ws(' ', kind, severity, study_id, "
        "regexp_replace(object, '20..-..-..', 'DAY')), '; ') FROM audit.notice"),
        "certificate_expires failure certificate of the CA of machines, until DAY; "
        "certificate_expires failure certificate of the server, until DAY; "
        "certificate_expires failure list of revoked certificates of machines, ended; "
        "certificate_expires failure list of revoked certificates of machines, until DAY");
    age_notices(fixture, "23 hours");
    assert_string_equal(note_expiry(fixture, "machine_crl", "-1 hour"), "f");
    age_notices(fixture, "2 hours");
    assert_string_equal(note_expiry(fixture, "machine_crl", "-1 hour"), "t");
}

static void test_collector_says_no_words_of_its_own(void **state)
{
    static const char *const refused[][2] = {
        {"SELECT api.note_expiry('anything', now())", "22023"},
        {"SELECT api.note_expiry(NULL, now())", "22023"},
        {"SELECT api.note_expiry('machine_crl', NULL)", "22023"},
        {"SELECT audit.add_notice_once('seal_failed', 'block 7')", "42501"},
        {"SELECT audit.add_notice('seal_failed', 'failure', NULL, NULL, NULL, 'block 7')", "42501"},
        {"SELECT audit.note_failed_seal()", "42501"},
    };
    struct test_fixture *fixture = *state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_string_equal(test_sqlstate(fixture->collector, refused[i][0]), refused[i][1]);
    assert_string_equal(test_value(fixture->superuser, "SELECT count(*) FROM audit.notice"), "0");
}

/* Kinds, objects and sites of what machines were refused. */
static const char *refused_uploads(const struct test_fixture *fixture)
{
    return test_value(fixture->superuser,
        "SELECT string_agg(concat_ws(' ', severity, study_id, site_id, subject_no, object), ', ' ORDER BY object) "
        "FROM audit.notice WHERE kind = 'upload_refused'");
}

static void test_refused_submission_of_a_machine_is_told_once_a_day(void **state)
{
    struct test_fixture *fixture = *state;
    const struct test_row first = {.id = 1, .token = "machine1"}, taken = {.id = 2, .token = "machine1"};
    const struct test_row unknown = {.id = 3, .token = "machine1", .subject = 9};
    const struct test_row rows[] = {{.id = 4, .token = "machine1"}, {.id = 5, .token = "machine1"}};
    test_run(fixture->collector, "BEGIN");
    submit(fixture, first);
    assert_string_equal(test_submit(fixture->collector, &taken, 1), "record_exists");
    assert_string_equal(refused_uploads(fixture), "");
    test_run(fixture->collector, "ROLLBACK");
    submit(fixture, first);
    assert_string_equal(test_submit(fixture->collector, &first, 1), "replayed");
    assert_string_equal(refused_uploads(fixture), "");
    assert_string_equal(test_submit(fixture->collector, &taken, 1), "record_exists");
    assert_string_equal(test_submit(fixture->collector, rows, 2), "record_exists record_exists");
    assert_string_equal(test_submit(fixture->collector, &unknown, 1), "unknown_subject");
    assert_string_equal(refused_uploads(fixture),
                        "failure 1 1 submission record_exists, failure 1 1 submission unknown_subject");
    age_notices(fixture, "25 hours");
    assert_string_equal(test_submit(fixture->collector, &taken, 1), "record_exists");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT count(*) FROM audit.notice WHERE object = 'submission record_exists'"), "2");
}

/* People read the reply; a site that the machine has nothing to do with is told nothing of it. */
static void test_other_refusals_leave_no_notice(void **state)
{
    struct test_fixture *fixture = *state;
    const struct test_row first = {.id = 1}, taken = {.id = 2};
    const struct test_row foreign = {.id = 3, .token = "machine1", .site = 2}, stranger = {.id = 4, .token = "nobody"};
    submit(fixture, first);
    assert_string_equal(test_submit(fixture->collector, &taken, 1), "record_exists");
    assert_string_equal(test_submit(fixture->collector, &stranger, 1), "no_session");
    assert_string_not_equal(test_submit(fixture->collector, &foreign, 1), "accepted");
    assert_string_equal(refused_uploads(fixture), "");
}

static void test_failed_seal_is_told_once_a_day_of_each_block(void **state)
{
    struct test_fixture *fixture = *state;
    struct db *sealer = test_database_connect(fixture->owner, fixture->database, "patella_sealer");
    static const char note[] = "SELECT audit.note_failed_seal()";
    assert_string_equal(test_value(sealer, note), "t");
    assert_string_equal(test_value(sealer, note), "f");
    test_run(fixture->superuser,
        "INSERT INTO audit.block SELECT 1, 1, '0', 0, '3', 0, 0, h, h, h, now(), '12345678', h, h || h, '', '' "
        "FROM (SELECT decode(repeat('00', 32), 'hex') AS h) z");
    assert_string_equal(test_value(sealer, note), "t");
    assert_string_equal(test_value(fixture->superuser,
        "SELECT string_agg(concat_ws(' ', kind, severity, object), ', ' ORDER BY object) FROM audit.notice"),
        "seal_failed failure block 1, seal_failed failure block 2");
    assert_string_equal(test_sqlstate(sealer, "SELECT api.note_expiry('machine_crl', now())"), "42501");
    assert_string_equal(test_sqlstate(sealer, "SELECT audit.add_notice_once('seal_failed', 'block 7')"), "42501");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, test_fixture_teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_adverse_event_starts_the_clocks_of_its_severity),
        CASE(test_other_form_leaves_no_notice),
        CASE(test_corrections_tell_what_became_of_the_event),
        CASE(test_notice_goes_with_its_transaction),
        CASE(test_notices_are_seen_at_their_sites_only),
        CASE(test_notice_that_was_taken_comes_again_until_it_was_told),
        CASE(test_two_that_take_get_different_notices),
        CASE(test_message_says_where_to_look_and_nothing_clinical),
        CASE(test_notices_are_kept),
        CASE(test_notice_added_by_hand_is_told_once_a_day),
        CASE(test_certificate_that_ends_is_told_in_its_time_once_a_day),
        CASE(test_collector_says_no_words_of_its_own),
        CASE(test_refused_submission_of_a_machine_is_told_once_a_day),
        CASE(test_other_refusals_leave_no_notice),
        CASE(test_failed_seal_is_told_once_a_day_of_each_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
