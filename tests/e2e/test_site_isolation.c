/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The differential test: what the people and machines of a site are answered does not depend on what others
 * have.
 *
 * The same requests go by turns to three registries: one where the site is alone, one beside another study,
 * and one beside that and another site of its own study.  Both others have the same subjects, ids, queries,
 * signatures, locks, second entries and unblindings, and more.  Who is bound to the site is answered the same
 * in all three; who sees the whole study, the same in the first two.  likeness.h says what is compared and
 * what by its form only.  Times go out as two distributions and are judged by nobody.
 *
 * Not here: /metrics, which only the machine itself may read; and names of accounts, which are one list for
 * all studies, so that an administrator is told that a name is taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "collector/router.h"
#include "forms/base/memory.h"
#include "tests/support/likeness.h"
#include "tests/support/openapi.h"
#include "tests/support/people.h"
#include "tests/support/site_acts.h"

enum { PAGES_MOST = 400, TIMES_MOST = 20000 };

/* Who acts: at_site are bound to a site and are compared in all three; the others in the first two. */
static const struct actor {
    char letter;
    const char *name, *role;
    enum role bit;
    bool at_site, everywhere; /* everywhere: answered the same in all three though it belongs to no site */
} cast[] = {
    {'d', "manager", "data_manager", ROLE_DATA_MANAGER, true, false},
    {'c', "coordinator", "coordinator", ROLE_COORDINATOR, true, false},
    {'i', "investigator", "investigator", ROLE_INVESTIGATOR, true, false},
    {'o', "monitor", "monitor", ROLE_MONITOR, true, false},
    {'m', "machine", "site_machine", ROLE_SITE_MACHINE, true, false},
    {'t', "local-statistician", "statistician", ROLE_STATISTICIAN, true, false},
    {'D', "head", "data_manager", ROLE_DATA_MANAGER, false, false},
    {'a', "administrator", "administrator", ROLE_ADMINISTRATOR, false, false},
    {'s', "statistician", "statistician", ROLE_STATISTICIAN, false, false},
    {'u', "unmasked", "statistician_unmasked", ROLE_STATISTICIAN_UNMASKED, false, false},
    {'-', NULL, NULL, ROLE_ANYONE, false, true}, /* without a token */
    {'p', NULL, NULL, ROLE_SESSION, false,
     true}, /* somebody invited, monitor of the site, who has logged in */
};

enum { CAST = sizeof cast / sizeof cast[0] };

struct place {
    const char *study;
    int site, other;
};

/* Somebody's acts at a place of one of the registries. */
struct stage {
    struct registry *registry;
    struct place place;
    json_t *saved;
    struct person *person;
};

enum { ALONE, BESIDE_STUDY, BESIDE_SITE, STAGES };

struct play {
    struct stage *stages[STAGES];
    struct likeness *studywide[2], *sitewide[2]; /* of the first and second; of the first and third */
    bool seen[200][CAST], done[200];             /* by route */
    long long times_us[2][TIMES_MOST];
    size_t times;
};

/* ---- texts ---- */

static const char *find_word(struct stage *stage, const struct actor *actor, const char *name)
{
    const struct place *place = &stage->place;
    struct person *person = stage->person;
    if (strcmp(name, "study") == 0)
        return place->study;
    if (strcmp(name, "n") == 0)
        return memory_format(stage, "%d", place->site);
    if (strcmp(name, "site") == 0 || strcmp(name, "other") == 0)
        return memory_format(stage, "%02d", name[0] == 's' ? place->site : place->other);
    if (strcmp(name, "none64") == 0)
        return memory_format(stage, "%064d", 0);
    if (strcmp(name, "code") == 0) {
        person->secret = json_string_value(json_object_get(stage->saved, "secret"));
        return people_next_code(person);
    }
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, "_me") == 0)
        name = memory_format(stage, "%.*s_%c", (int)length - 3, name, actor->letter);
    const char *value = json_string_value(json_object_get(stage->saved, name));
    return value != NULL ? value : "0";
}

static const char *expand(struct stage *stage, const struct actor *actor, const char *pattern)
{
    struct text *out = text_new(stage);
    for (const char *at = pattern; *at != '\0';) {
        size_t plain = strcspn(at, "$");
        text_append_bytes(out, at, plain);
        at += plain;
        if (*at == '\0')
            break;
        size_t length = strspn(++at, "abcdefghijklmnopqrstuvwxyz_0123456789");
        text_append(out, find_word(stage, actor, memory_copy_bytes(stage, at, length)));
        at += length;
    }
    return out->bytes;
}

/* "name=path name=path" of a reply that is no refusal. */
static void save(struct stage *stage, const struct actor *actor, const char *what,
                 const struct client_reply *reply)
{
    char *list = memory_copy_string(stage, what), *rest = NULL;
    if (reply->status >= 300)
        return;
    for (char *name = strtok_r(list, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest)) {
        char *path = strchr(name, '=');
        *path++ = '\0';
        const json_t *member = json_object_get(reply->json, path);
        const char *value = json_is_integer(member)
                                ? memory_format(stage, "%lld", (long long)json_integer_value(member))
                                : json_text_at(reply->json, path);
        json_object_set_new(stage->saved, name, json_string(value));
        json_object_set_new(stage->saved, memory_format(stage, "%s_%c", name, actor->letter),
                            json_string(value));
    }
}

/* ---- acts ---- */

static const char *token_of(struct stage *stage, const struct actor *actor)
{
    if (actor->bit == ROLE_ANYONE)
        return NULL;
    if (actor->bit == ROLE_SESSION)
        return memory_copy_string(stage, find_word(stage, actor, "session"));
    return memory_format(stage, "%s-%s%d", actor->name, stage->place.study, stage->place.site);
}

/* The oldest report that waits, made by the functions that patella-report calls. */
static void make_report(const struct stage *stage)
{
    struct db *reporter = test_database_connect(stage, stage->registry->database, "patella_reporter");
    const char *report;
    while (*(report = test_value(reporter, "SELECT job_id FROM rep.take_job()")) != '\0') {
        test_run(reporter,
                 memory_format(stage,
                               "SELECT rep.add_file('%s', 'report.html', 'text/html; charset=utf-8', "
                               "'<p>nothing</p>'::bytea)",
                               report));
        test_run(reporter, memory_format(stage, "SELECT rep.finish_job('%s', true, NULL)", report));
    }
    talloc_free(reporter);
}

static struct client_reply *send_typed(struct stage *stage, const struct act *act, const char *token,
                                       const char *path, const char *body)
{
    struct client *client = client_new(stage, stage->registry->daemon, token);
    client_add_header(client, memory_format(client, "Content-Type: %s", act->type));
    struct client_reply *reply = client_send_typed(client, path, body);
    openapi_assert_reply(act->method, path, reply);
    return reply;
}

/* NULL for what is no request; `after` goes behind the query. */
static struct client_reply *perform(struct stage *stage, const struct act *act, const struct actor *actor,
                                    const char *after)
{
    if (strcmp(act->method, "REPORT") == 0) {
        make_report(stage);
        return NULL;
    }
    const char *path = memory_format(stage, "%s%s%s", expand(stage, actor, act->path),
                                     after != NULL ? "&after=" : "", after != NULL ? after : "");
    if (strcmp(act->method, "SQL") == 0) {
        test_run(stage->registry->db, path);
        return NULL;
    }
    const char *body = act->body != NULL ? expand(stage, actor, act->body) : NULL;
    struct client_reply *reply = act->type != NULL
                                     ? send_typed(stage, act, token_of(stage, actor), path, body)
                                     : api_send(stage->registry, token_of(stage, actor), act->method, path, body);
    if (reply->status >= 500)
        fail_msg("%s %s by %c: %d %s", act->method, path, actor->letter, reply->status, reply->body);
    if (act->save != NULL)
        save(stage, actor, act->save, reply);
    return reply;
}

static size_t route_of(const char *method, const char *path)
{
    const struct router_table table = {route_table, route_count};
    const struct http_slice slice = {path, strcspn(path, "?")};
    struct router_match match;
    router_match(&table, method, slice, &match);
    if (match.route == NULL)
        fail_msg("no route for %s %s", method, path);
    return (size_t)(match.route - route_table);
}

static bool is_request(const struct act *act)
{
    return act->path != NULL && act->path[0] == '/';
}

static bool acts_in(const struct act *act, const struct actor *actor)
{
    if (!is_request(act))
        return actor == &cast[0];
    if (act->local && !actor->at_site)
        return false;
    if (act->by != NULL)
        return strchr(act->by, actor->letter) != NULL;
    return (route_table[route_of(act->method, act->path)].roles & actor->bit) != 0 &&
           actor->bit != ROLE_SESSION;
}

/*
 * What others do: all of it in another study, at a neighbour site what its own people do.  Of what they read, what is
 * wanted later.
 */
static void act_away(struct stage *stage, bool whole_study)
{
    for (size_t i = 0; i < site_act_count; i++)
        for (size_t j = 0; j < CAST && site_acts[i].where != HOME; j++) {
            if (strcmp(site_acts[i].method, "GET") == 0 && site_acts[i].save == NULL)
                continue;
            bool here = whole_study || cast[j].at_site || site_acts[i].by_office;
            if (here && acts_in(&site_acts[i], &cast[j]))
                talloc_free(perform(stage, &site_acts[i], &cast[j], NULL));
        }
}

/* ---- registries ---- */

static int free_saved(struct stage *stage)
{
    json_decref(stage->saved);
    return 0;
}

static struct stage *stage_new(struct registry *registry, struct place place)
{
    struct stage *stage = memory_new(registry, struct stage);
    stage->registry = registry;
    stage->place = place;
    stage->saved = json_object();
    stage->person = memory_new(stage, struct person);
    talloc_set_destructor(stage, free_saved);
    for (size_t i = 0; i < CAST; i++) {
        if (cast[i].name == NULL)
            continue;
        const char *token = token_of(stage, &cast[i]);
        char sites[16] = "{}";
        if (cast[i].at_site)
            snprintf(sites, sizeof sites, "{%d}", place.site);
        test_run(registry->db,
                 memory_format(stage,
                               "SELECT admin.add_account('%1$s', 'Name of %1$s'), admin.add_token("
                               "'%1$s', '%2$s', '%3$s', '%4$s', sha256('%1$s'), now() + interval '9 days')",
                               token, place.study, cast[i].role, sites));
    }
    return stage;
}

/* Signing is open to tokens of programs here, which hold no password: test_record_signing.c has the people's.
 */
static struct registry *start_registry(void)
{
    struct registry *registry = registry_new_stopped(NULL);
    test_run(registry->db, "SELECT admin.add_site('other', 2, 'Second clinic', 'Europe/Berlin')");
    test_run(registry->db,
             "CREATE OR REPLACE FUNCTION sec.confirmed(token bytea) RETURNS boolean LANGUAGE plpgsql "
             "SECURITY DEFINER SET search_path = '' AS $$BEGIN RETURN true; END$$");
    const char *const settings[] = {
        memory_format(registry, "auth_database=%s",
                      test_database_conninfo(registry, registry->database, "patella_auth")),
        NULL};
    registry->daemon = daemon_start(
        registry, test_database_conninfo(registry, registry->database, "patella_collector"), settings);
    return registry;
}

static void stop_registry(struct registry *registry)
{
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry->db);
    talloc_free(registry);
}

static struct play *play_new(const char *study)
{
    struct play *play = memory_new(NULL, struct play);
    bool of_demo = strcmp(study, "demo") == 0;
    for (size_t i = 0; i < STAGES; i++) {
        struct registry *registry = start_registry();
        play->stages[i] = stage_new(registry, (struct place){study, 1, 2});
        if (i >= BESIDE_STUDY)
            act_away(stage_new(registry, (struct place){of_demo ? "other" : "demo", 1, 2}), true);
        if (i == BESIDE_SITE)
            act_away(stage_new(registry, (struct place){study, 2, 1}), false);
    }
    for (size_t i = 0; i < 2; i++) {
        play->studywide[i] = likeness_new(play);
        play->sitewide[i] = likeness_new(play);
    }
    return play;
}

/* ---- comparing ---- */

static long long now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void compare(struct likeness *const likeness[2], const struct act *act, const struct actor *actor,
                    struct client_reply *const replies[2], const char *beside)
{
    void *work = memory_owner(NULL, "likeness");
    const char *difference = likeness_difference(work, likeness_of(likeness[0], work, replies[0]),
                                                 likeness_of(likeness[1], work, replies[1]));
    if (difference != NULL)
        fail_msg("%s %s by %c is answered otherwise beside another %s, %s", act->method, act->path,
                 actor->letter, beside, difference);
    talloc_free(work);
}

/* One request in each registry, compared; the next page, NULL: none. */
static const char *compare_page(struct play *play, const struct act *act, const struct actor *actor,
                                const char *const after[STAGES], const char *next[STAGES])
{
    struct client_reply *replies[STAGES];
    bool everywhere = actor->at_site || actor->everywhere;
    for (size_t i = 0; i < STAGES; i++) {
        long long began = now_us();
        replies[i] = perform(play->stages[i], act, actor, after[i]);
        if (everywhere && i != BESIDE_STUDY && play->times < TIMES_MOST)
            play->times_us[i == BESIDE_SITE][play->times] = now_us() - began;
        if (replies[i] == NULL)
            continue;
        next[i] = json_string_value(json_object_get(replies[i]->json, "next"));
        next[i] = next[i] != NULL ? memory_copy_string(play, next[i]) : NULL;
    }
    if (replies[ALONE] == NULL)
        return NULL;
    size_t route = route_of(act->method, act->path);
    play->seen[route][actor - cast] = true;
    play->done[route] = play->done[route] || replies[ALONE]->status < 300;
    play->times += everywhere;
    compare(play->studywide, act, actor, (struct client_reply *[]){replies[ALONE], replies[BESIDE_STUDY]},
            "study");
    if (everywhere)
        compare(play->sitewide, act, actor, (struct client_reply *[]){replies[ALONE], replies[BESIDE_SITE]},
                "site");
    for (size_t i = 0; i < STAGES; i++)
        talloc_free(replies[i]);
    return next[ALONE];
}

static void compare_act(struct play *play, const struct act *act, const struct actor *actor)
{
    const char *next[STAGES] = {NULL}, *after[STAGES] = {NULL};
    size_t pages = 1;
    while (compare_page(play, act, actor, after, next) != NULL && act->pages) {
        memcpy(after, next, sizeof after);
        assert_true(++pages < PAGES_MOST);
    }
}

/* What carries header fields of its own; test_uploads_limits.c asks it of others' uploads. */
static bool is_of_tus(const struct route *route)
{
    return strncmp(route->pattern, "/api/v1/uploads", strlen("/api/v1/uploads")) == 0 &&
           strcmp(route->method, "GET") != 0 && strcmp(route->method, "POST") != 0;
}

static void assert_every_route_was_asked(const struct play *play)
{
    assert_true(route_count <= sizeof play->done / sizeof play->done[0]);
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &route_table[i];
        if (route->roles == ROLE_PARTICIPANT)
            continue;   /* of one record: test_participant.c */
        if (strcmp(route->pattern, "/metrics") == 0 || is_of_tus(route))
            continue;
        for (size_t j = 0; j < CAST; j++) {
            bool let_in =
                route->roles == ROLE_ANYONE ? cast[j].bit == ROLE_ANYONE : (route->roles & cast[j].bit) != 0;
            if (let_in && !play->seen[i][j])
                fail_msg("no act asks %s %s by %c", route->method, route->pattern, cast[j].letter);
        }
        bool of_masked = strstr(route->pattern, "/unblindings") != NULL && route->roles != ROLE_ANYONE;
        if (!play->done[i] && !of_masked)
            fail_msg("%s %s was refused to everybody", route->method, route->pattern);
    }
}

/* The list in one page. */
static struct act whole(const void *owner, const struct act *list)
{
    struct act act = *list;
    const char *limit = strstr(act.path, "limit=") + strlen("limit=");
    act.path = memory_format(owner, "%.*s1000%s", (int)(limit - act.path), act.path,
                             limit + strspn(limit, "0123456789"));
    return act;
}

/* The control: the lists of somebody who sees all sites differ where there is another site. */
static void assert_reader_of_all_sites_differs(const struct play *play)
{
    static const int with_site[] = {ALONE, BESIDE_SITE};
    size_t lists = 0;
    for (size_t i = 0; i < site_act_count; i++) {
        if (!site_acts[i].pages)
            continue;
        void *work = memory_owner(NULL, "control");
        const struct actor *head = &cast[6];
        const struct act list = whole(work, &site_acts[i]);
        const char *seen[2];
        assert_int_equal(head->letter, 'D');
        for (size_t j = 0; j < 2; j++)
            seen[j] = likeness_of(likeness_new(work), work,
                                  perform(play->stages[with_site[j]], &list, head, NULL));
        if (likeness_difference(work, seen[0], seen[1]) == NULL)
            fail_msg("%s is the same for who sees all sites", list.path);
        lists++;
        talloc_free(work);
    }
    assert_true(lists > 10);
}

/* ---- times ---- */

static int by_time(const void *first, const void *second)
{
    long long a = *(const long long *)first, b = *(const long long *)second;
    return (a > b) - (a < b);
}

static void print_times(struct play *play)
{
    static const struct {
        const char *name;
        double part;
    } quantiles[] = {{"p10", 0.1}, {"p25", 0.25}, {"p50", 0.5}, {"p75", 0.75}, {"p90", 0.9}, {"p99", 0.99}};
    static const char *const worlds[] = {"alone", "beside others"};
    for (size_t i = 0; i < 2; i++) {
        struct text *line = text_new(play);
        qsort(play->times_us[i], play->times, sizeof play->times_us[i][0], by_time);
        for (size_t j = 0; j < sizeof quantiles / sizeof quantiles[0]; j++)
            text_append_format(line, " %s %lld", quantiles[j].name,
                               play->times_us[i][(size_t)((double)play->times * quantiles[j].part)]);
        print_message("# %s, site %s: %zu replies, us:%s\n", play->stages[0]->place.study, worlds[i],
                      play->times, line->bytes);
    }
}

static void compare_whole_study(const char *study)
{
    struct play *play = play_new(study);
    for (size_t i = 0; i < site_act_count; i++)
        for (size_t j = 0; j < CAST && site_acts[i].where != AWAY; j++)
            if (acts_in(&site_acts[i], &cast[j]))
                compare_act(play, &site_acts[i], &cast[j]);
    assert_every_route_was_asked(play);
    assert_reader_of_all_sites_differs(play);
    print_times(play);
    for (size_t i = 0; i < STAGES; i++)
        stop_registry(play->stages[i]->registry);
    talloc_free(play);
}

static void test_site_is_answered_as_if_it_were_alone_in_an_open_study(void **state)
{
    (void)state;
    compare_whole_study("demo");
}

static void test_site_is_answered_as_if_it_were_alone_in_a_masked_study(void **state)
{
    (void)state;
    compare_whole_study("other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_site_is_answered_as_if_it_were_alone_in_an_open_study),
        cmocka_unit_test(test_site_is_answered_as_if_it_were_alone_in_a_masked_study),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
