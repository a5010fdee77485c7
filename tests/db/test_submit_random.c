/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api.submit_batch with calls made at random, from seeds that are printed when one fails.  Two databases get
 * the same rows and must give the same verdicts and hold the same rows afterwards: one with the function as
 * 0009 wrote it and one with it as it is; or one that gets row by row and one that gets calls of many rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "migrations/migration_list.h"
#include "tests/support/test_database.h"
#include "tests/support/test_submission.h"

enum { CALLS = 400, ROWS_MAX = 48, HISTORY = 64, IDS = 2000, FIRST_SUBMIT_MIGRATION = 9, LAST_OF_0009 = 12 };

struct side {
    struct test_database *database;
    struct db *superuser, *collector;
};

struct pair {
    void *owner;
    struct side first, second;
};

/* ---------------------------------------------------------------------------------------------- databases */

/* The migrations up to the one before api.submit_batch was written anew. */
static struct test_database *database_of_0009(const void *owner)
{
    struct test_database *database = test_database_new_empty(owner);
    struct db *db = test_database_connect(NULL, database, NULL);
    test_run(db, "CREATE SCHEMA patella_meta; "
                 "CREATE TABLE patella_meta.migration (number int PRIMARY KEY, name text, sha256 bytea)");
    for (size_t i = 0; i < LAST_OF_0009; i++)
        test_run(db, memory_format(db, "BEGIN;\n%s\nCOMMIT", migration_list[i].sql));
    assert_non_null(strstr(migration_list[FIRST_SUBMIT_MIGRATION - 1].sql, "FUNCTION api.submit_batch("));
    talloc_free(db);
    return database;
}

static void open_side(const void *owner, struct side *side, struct test_database *database)
{
    side->database = database;
    test_database_seed(database);
    side->superuser = test_database_connect(owner, database, NULL);
    side->collector = test_database_connect(owner, database, "patella_collector");
    test_run(side->collector, "SET synchronous_commit = off");      /* faster; nothing crashes here */
}

static int setup_with(void **state, struct test_database *make_first(const void *owner))
{
    void *owner = memory_owner(NULL, "random submissions");
    struct pair *pair = memory_new(owner, struct pair);
    pair->owner = owner;
    open_side(owner, &pair->first, make_first(owner));
    open_side(owner, &pair->second, test_database_new(owner));
    *state = pair;
    return 0;
}

static int setup_0009_and_now(void **state)
{
    return setup_with(state, database_of_0009);
}

static int setup_two_alike(void **state)
{
    return setup_with(state, test_database_new);
}

static int teardown(void **state)
{
    struct pair *pair = *state;
    talloc_free(pair->owner);
    return 0;
}

static void run_on_both(const struct pair *pair, const char *sql)
{
    test_run(pair->first.superuser, sql);
    test_run(pair->second.superuser, sql);
}

/* ---------------------------------------------------------------------------------------------- rows */

static unsigned next_random(unsigned *state, unsigned below)
{
    *state = *state * 1664525U + 1013904223U;
    return (*state >> 8) % below;
}

/* One of a list in which what should come often stands often. */
#define CHOOSE(state, list) ((list)[next_random(state, sizeof(list) / sizeof(list)[0])])

static const char *choose_token(unsigned *state)
{
    static const char *const tokens[] = {
        "coordinator",  "coordinator", "coordinator", "coordinator",  "coordinator1", "coordinator1",
        "coordinator2", "machine1",    "nobody",      "statistician", "expired",      "coordinator_other",
    };
    return CHOOSE(state, tokens);
}

static struct test_row random_enrolment(unsigned *state)
{
    static const char *const continued[] = {
        NULL, NULL, NULL, "01-0001", "01-0003", "02-0002", "02-0009", "somebody",
    };
    struct test_row row = {
        .form = "enrolment", .knee = "none", .visit = "unscheduled", .continues = CHOOSE(state, continued),
    };
    if (next_random(state, 3) > 0)
        row.index_knee = next_random(state, 2) ? "left" : "right";
    return row;
}

static struct test_row random_record(unsigned *state, int first_id)
{
    static const char *const forms[] = {"koos", "koos", "koos", "koos", "adverse_event", "womac"};
    static const char *const visits[] = {"M3", "M6"};
    struct test_row row = {
        .form = CHOOSE(state, forms),
        .visit = CHOOSE(state, visits),
        .instance = first_id / 40 + 1 + (int)next_random(state, 2),
    };
    if (next_random(state, 30) == 0)
        row.form_version = 2;
    return row;
}

/* Few subjects and, at a time, few records: rows meet each other and what is stored.  Ids seldom do. */
static struct test_row random_row(unsigned *state, int first_id)
{
    static const int versions[] = {1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, -1};
    static const char *const reasons[] = {NULL, "wrong knee", "wrong knee", "wrong knee", "oops"};
    static const char *const contents[] = {NULL, NULL, NULL, "{\"p1\": 1}", "{\"p1\":2}"};
    bool enrols = next_random(state, 4) == 0;
    struct test_row row = enrols ? random_enrolment(state) : random_record(state, first_id);
    row.token = choose_token(state);
    row.id = first_id + (int)next_random(state, IDS);
    row.site = 1 + (int)next_random(state, 2);
    row.subject = 1 + (int)next_random(state, 3);
    row.version = CHOOSE(state, versions);
    row.reason = CHOOSE(state, reasons);
    row.content = CHOOSE(state, contents);
    if (next_random(state, 5) == 0)
        row.status = "void";
    if (next_random(state, 30) == 0)
        row.study = 2;
    if (next_random(state, 60) == 0)
        row.protocol_version = 7;
    return row;
}

static bool is_enrolment(const struct test_row *row)
{
    return strcmp(row->form, "enrolment") == 0;
}

static bool is_same_subject(const struct test_row *a, const struct test_row *b)
{
    return a->site == b->site && a->subject == b->subject;
}

/* As the collector parts rows into calls: the same id or record, a subject's enrolment and its records. */
static bool depend(const struct test_row *a, const struct test_row *b)
{
    bool continues = a->continues != NULL || b->continues != NULL;
    if (a->id == b->id || (continues && is_enrolment(a) && is_enrolment(b)))
        return true;
    if (!is_same_subject(a, b))
        return false;
    return is_enrolment(a) || is_enrolment(b) ||
           (strcmp(a->form, b->form) == 0 && strcmp(a->visit, b->visit) == 0 && a->instance == b->instance);
}

static bool depends_on_any(const struct test_row *row, const struct test_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (depend(row, &rows[i]))
            return true;
    return false;
}

/* Rows of the calls before, some of which are sent again. */
struct history {
    struct test_row rows[HISTORY];
    size_t count;
};

/* A row sent again as it was or with other content, or the version that follows it. */
static struct test_row row_of_history(unsigned *state, const struct history *history, int first_id)
{
    struct test_row row = history->rows[next_random(state, (unsigned)history->count)];
    unsigned fate = next_random(state, 5);
    if (fate == 0)
        row.content = "{\"p1\": 3}";
    if (fate < 3)
        return row;
    row.version++;
    row.id = first_id + (int)next_random(state, IDS);
    row.reason = "wrong knee";
    row.status = next_random(state, 3) > 0 ? "void" : NULL;
    return row;
}

static size_t random_rows(unsigned *state, struct history *history, int first_id, bool independent,
                          struct test_row *rows)
{
    size_t wanted = 1 + next_random(state, next_random(state, 3) == 0 ? 2 : ROWS_MAX), count = 0;
    for (size_t tried = 0; tried < wanted; tried++) {
        bool again = history->count > 0 && next_random(state, 3) == 0;
        struct test_row row = again ? row_of_history(state, history, first_id) : random_row(state, first_id);
        if (!independent || !depends_on_any(&row, rows, count))
            rows[count++] = row;
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = history->count < HISTORY ? history->count++ : next_random(state, HISTORY);
        history->rows[at] = rows[i];
    }
    return count;
}

/* ---------------------------------------------------------------------------------------------- comparing */

/* Everything but times, transactions, scores (by position in the call) and the order of the trail. */
#define ALL_OF "SELECT string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\") FROM "
static const char *const contents_of_tables[] = {
    ALL_OF "(SELECT v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.version, "
    "v.id, v.status, v.form_version, "
    "v.protocol_version, v.dated, v.content::text, v.sha256, v.prev_sha256, v.reason, v.door, v.token_no, "
    "v.recorded_by, v.era FROM core.submission v) t",
    ALL_OF "(SELECT s.study_id, s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance, s.index_knee, "
    "s.enrolled_on, s.continues, s.locked, "
    "s.token_no, s.recorded_by, s.era FROM core.subject s) t",
    ALL_OF "core.knee t",
    ALL_OF "(SELECT e.era, e.actor, e.token_no, e.db_role, e.operation, e.object, e.study_id, e.site_id, "
    "e.row_id, e.digest, "
    "e.old - '{recorded_at,xid}'::text[] AS old, e.new - '{recorded_at,xid,rest}'::text[] AS new, e.reason "
    "FROM audit.event e "
    "WHERE e.object IN ('core.submission', 'core.subject', 'core.knee')) t",
};

static const char contents_of_scores[] =
    ALL_OF "(SELECT v.site_id, v.id, v.scores FROM core.submission v) t";

static void check_same_value(const struct pair *pair, unsigned seed, const char *sql)
{
    const char *first = test_value(pair->first.superuser, sql);
    const char *second = test_value(pair->second.superuser, sql);
    size_t at = 0;
    while (first[at] != '\0' && first[at] == second[at])
        at++;
    if (first[at] != second[at])
        fail_msg("seed %u: the tables differ at %.200s and %.200s: %s", seed, first + at, second + at, sql);
}

static void check_same_tables(const struct pair *pair, unsigned seed)
{
    for (size_t i = 0; i < sizeof contents_of_tables / sizeof contents_of_tables[0]; i++)
        check_same_value(pair, seed, contents_of_tables[i]);
}

/* Every accepted row stands once in the table and once in the trail, with the hash of what is stored. */
static void check_trail(const struct side *side, unsigned seed)
{
    const char *wrong = test_value(side->superuser,
        "SELECT count(*) FROM core.submission v "
        "WHERE v.sha256 <> sha256(convert_to(v.content::text, 'UTF8')) OR 1 <> "
        "(SELECT count(*) FROM audit.event e WHERE e.operation = 'INSERT' AND e.xid = v.xid "
        "AND e.row_id = v.id AND e.site_id = v.site_id AND e.digest = v.sha256 AND e.at = v.recorded_at "
        "AND e.token_no = v.token_no "
        "AND e.actor = v.recorded_by AND (e.new ->> 'version')::int = v.version)");
    if (strcmp(wrong, "0") != 0)
        fail_msg("seed %u: %s rows without their audit row or with a wrong hash", seed, wrong);
}

static const char *submit_one_by_one(struct db *db, const struct test_row *rows, size_t count)
{
    struct text *verdicts = text_new(db);
    for (size_t i = 0; i < count; i++)
        text_append_format(verdicts, "%s%s", i > 0 ? " " : "", test_submit(db, &rows[i], 1));
    return verdicts->bytes;
}

/* A lock and a freeze come and go between the calls. */
static void turn_switches(const struct pair *pair, unsigned *state)
{
    const char *locked = next_random(state, 3) == 0 ? "true" : "false";
    const char *frozen = next_random(state, 12) == 0 ? "true" : "false";
    run_on_both(pair, memory_format(pair->owner,
        "SELECT admin.lock_subject('demo', s.site_id, s.subject_no, %s, 'data are clean') "
        "FROM core.subject s WHERE (s.study_id, s.site_id, s.subject_no) = (1, 1, 2) "
        "AND s.locked <> %s", locked, locked));
    run_on_both(pair, memory_format(pair->owner,
        "SELECT admin.freeze_study(s.code, %s, 'database lock') FROM core.study s "
        "WHERE s.study_id = 1 AND s.frozen <> %s", frozen, frozen));
}

/* ---------------------------------------------------------------------------------------------- verdicts */

/* A generator that never comes to a verdict would test nothing of it. */
static const char *const verdicts[] = {
    "accepted",       "replayed",         "no_session",        "not_allowed",         "unknown_subject",
    "uuid_reused",    "version_conflict", "reason_missing",    "unknown_form",        "study_frozen",
    "record_exists",  "subject_exists",   "continues_unknown", "subject_has_records", "subject_locked",
    "record_void",
};
enum { VERDICTS = sizeof verdicts / sizeof verdicts[0], OFTEN = 12 };

static void check_were_given(const struct pair *pair, const struct text *given, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strstr(given->bytes, memory_format(pair->owner, " %s ", verdicts[i])) == NULL)
            fail_msg("no row of any seed was %s", verdicts[i]);
}

static void compare_verdicts(const struct test_row *rows, size_t count, const char *first, const char *second,
                             unsigned seed)
{
    if (strcmp(first, second) == 0)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct test_row *row = &rows[i];
        print_message("row %zu: id %d site %d subject %d %s %s %d version %d %s token %s\n", i + 1, row->id,
                      row->site, row->subject, row->form, row->visit ? row->visit : "-", row->instance,
                      row->version, row->status ? row->status : "complete", row->token);
    }
    fail_msg("seed %u: %s\n    instead of %s", seed, second, first);
}

static void test_submit_batch_random_calls_give_what_0009_gave(void **state)
{
    struct pair *pair = *state;
    struct text *given = text_new(pair->owner);
    struct history history = {.count = 0};
    for (unsigned seed = 1; seed <= CALLS; seed++) {
        struct test_row rows[ROWS_MAX];
        unsigned random = seed;
        turn_switches(pair, &random);
        size_t count = random_rows(&random, &history, 1 + 2 * (int)seed, false, rows);
        const char *first = test_submit(pair->first.collector, rows, count);
        const char *second = test_submit(pair->second.collector, rows, count);
        compare_verdicts(rows, count, first, second, seed);
        if (seed % 10 == 0) {
            check_same_tables(pair, seed);
            check_same_value(pair, seed, contents_of_scores);
        }
        text_append_format(given, " %s ", second);
    }
    check_trail(&pair->second, CALLS);
    check_were_given(pair, given, VERDICTS);
}

static void test_submit_batch_random_calls_give_what_row_by_row_gives(void **state)
{
    struct pair *pair = *state;
    struct text *given = text_new(pair->owner);
    struct history history = {.count = 0};
    for (unsigned seed = 1001; seed <= 1000 + CALLS; seed++) {
        struct test_row rows[ROWS_MAX];
        unsigned random = seed;
        turn_switches(pair, &random);
        size_t count = random_rows(&random, &history, 1 + 2 * (int)seed, true, rows);
        const char *first = submit_one_by_one(pair->first.collector, rows, count);
        const char *second = test_submit(pair->second.collector, rows, count);
        compare_verdicts(rows, count, first, second, seed);
        if (seed % 10 == 0)
            check_same_tables(pair, seed);
        text_append_format(given, " %s ", second);
    }
    check_trail(&pair->second, 1000 + CALLS);
    check_were_given(pair, given, OFTEN);
}

#define CASE(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        CASE(test_submit_batch_random_calls_give_what_0009_gave, setup_0009_and_now),
        CASE(test_submit_batch_random_calls_give_what_row_by_row_gives, setup_two_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
