/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wordings: added by patella-admin, laid over forms by the daemon that is running, shown to a subject by a link. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/command.h"
#include "tests/support/registry.h"

#define ITEM "sections.0.items.0."

enum { WAIT_MS = 20000 };

static const char german[] = "wording: {form: pain_vas, version: 1, language: de, source: made up for this test}\n"
                             "title: Schmerz im Knie\n"
                             "items: {vas: \"Wie stark war der Schmerz? (%s)\"}\n"
                             "sections: {pain: Schmerz}\n";

/* Runs patella-admin wording with these words of a shell. */
static const char *wording(struct registry *registry, const char *words, int status)
{
    const char *conninfo = test_database_conninfo(registry, registry->database, "patella_admin");
    int ended = -1;
    const char *output = command_run(registry, memory_format(registry, "%s wording %s --db \"%s\" 2>&1",
                                     command_program(registry, "patella-admin"), words, conninfo), &ended);
    if (ended != status)
        fail_msg("patella-admin wording %s: %d, not %d: %s", words, ended, status, output);
    return output;
}

/* Adds a file of this text; what patella-admin says. */
static const char *add(struct registry *registry, const char *text, int status)
{
    char *path = memory_format(registry, "%s/wording.yaml", registry->daemon->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return wording(registry, memory_format(registry, "add demo %s", path), status);
}

/* Waits until the daemon has the catalogue in which the first item of the form reads so. */
static struct client_reply *wait_for(struct registry *registry, const char *path, const char *text)
{
    long long deadline = test_now_ms() + WAIT_MS;
    for (;;) {
        struct client_reply *reply = api_get(registry, "coordinator1", path);
        if (reply->status == 200 && strcmp(json_text_at(reply->json, ITEM "text"), text) == 0)
            return reply;
        if (test_now_ms() >= deadline)
            fail_msg("%s: %s", path, reply->body);
        test_pause();
    }
}

static void test_wording_is_laid_over_the_form_that_is_asked_for_in_its_language(void **state)
{
    struct registry *registry = *state;
    struct client_reply *none = api_get(registry, "coordinator1", DEMO "/forms/pain_vas?language=de");
    assert_problem(none, 404, "not_found");
    assert_non_null(strstr(none->body, "no wording in any language"));
    add(registry, memory_format(registry, german, "erste"), 0);
    struct client_reply *shown =
        wait_for(registry, DEMO "/forms/pain_vas?language=de", "Wie stark war der Schmerz? (erste)");
    assert_string_equal(json_text_at(shown->json, "title"), "Schmerz im Knie");
    assert_string_equal(json_text_at(shown->json, "sections.0.title"), "Schmerz");
    assert_string_equal(json_text_at(shown->json, ITEM "id"), "vas");
    assert_int_equal(json_number_at(shown->json, ITEM "max"), 100);
    struct client_reply *own = api_get(registry, "coordinator1", DEMO "/forms/pain_vas");
    assert_null(strstr(own->body, "Schmerz"));
    struct client_reply *missing = api_get(registry, "coordinator1", DEMO "/forms/pain_vas?language=fr");
    assert_problem(missing, 404, "not_found");
    assert_non_null(strstr(missing->body, "it has de"));

    /* The newest counts. */
    add(registry, memory_format(registry, german, "zweite"), 0);
    wait_for(registry, DEMO "/forms/pain_vas?language=de&version=1", "Wie stark war der Schmerz? (zweite)");
    assert_non_null(strstr(add(registry, memory_format(registry, german, "zweite"), 0), "already"));
    assert_non_null(strstr(wording(registry, "list demo --json", 0),
                           "\"form\":\"pain_vas\",\"version\":1,\"language\":\"de\",\"revision\":2"));

    size_t index;
    json_t *form;
    const char *const paths[] = {DEMO "/forms", DEMO};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        json_array_foreach(json_object_get(api_get(registry, "monitor", paths[i])->json, "forms"), index, form) {
            bool is_worded = strcmp(json_text_at(form, "form"), "pain_vas") == 0;
            assert_int_equal(json_array_size(json_object_get(form, "languages")), is_worded);
            if (is_worded)
                assert_string_equal(json_text_at(form, "languages.0"), "de");
        }
}

static void test_wording_that_does_not_fit_is_told_with_its_line(void **state)
{
    struct registry *registry = *state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"wording: {form: pain_vas, version: 1, language: de, source: s}\nitems:\n  vaz: x\n",
         "wording.yaml:3: form pain_vas has no item \"vaz\""},
        {"wording: {form: pain_vas, version: 2, language: de, source: s}\n", "wording.yaml:1: study demo has no form"},
        {"wording: {form: lysholm, version: 1, language: de, source: s}\n", "wording.yaml:1: study demo has no form"},
        {"wording: {form: pain_vas, version: 1, language: German, source: s}\n", "wording.yaml:1: \"German\" is no"},
        {"wording: {form: pain_vas, version: 1, language: de}\n", "wording.yaml:1: \"source\" is missing"},
        {"title: x\n", "\"wording\" is missing"},
        {"wording: [\n", "wording.yaml:"},
    };
    const char *before = test_value(registry->db, "SELECT count(*) FROM core.wording");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *output = add(registry, cases[i].text, 1);
        if (strstr(output, cases[i].says) == NULL)
            fail_msg("%s instead of %s", output, cases[i].says);
    }
    assert_string_equal(test_value(registry->db, "SELECT count(*) FROM core.wording"), before);
    wording(registry, "add demo /nowhere/wording.yaml", 1);
    wording(registry, "list nowhere", 1);
    wording(registry, "add demo", 2);
}

/* What a link of this language shows: its reply. */
static struct client_reply *by_link(struct registry *registry, const char *subject, const char *language)
{
    registry_enrol(registry, "coordinator1", subject);
    struct client_reply *made = api_send(
        registry, "coordinator1", "POST", DEMO "/participant-links",
        memory_format(registry, "{\"subject\":\"%s\",\"form\":\"pain_vas\",\"knee\":\"right\",\"visit\":\"M3\","
                      "\"language\":%s,\"days\":14}", subject, language));
    assert_status(made, 201);
    struct client_reply *shown = api_get(registry, json_text_at(made->json, "token"), "/api/v1/participant");
    assert_status(shown, 200);
    return shown;
}

static void test_link_shows_the_wording_of_its_language(void **state)
{
    struct registry *registry = *state;
    add(registry, memory_format(registry, german, "dritte"), 0);
    wait_for(registry, DEMO "/forms/pain_vas?language=de", "Wie stark war der Schmerz? (dritte)");
    struct client_reply *shown = by_link(registry, "01-0031", "\"de\"");
    assert_string_equal(json_text_at(shown->json, "language"), "de");
    assert_string_equal(json_text_at(shown->json, "form." ITEM "text"), "Wie stark war der Schmerz? (dritte)");
    shown = by_link(registry, "01-0032", "null");
    assert_true(json_is_null(json_object_get(shown->json, "language")));
    assert_null(strstr(shown->body, "Schmerz"));
    shown = by_link(registry, "01-0033", "\"fr\"");                 /* has no wording: the form's own words */
    assert_string_equal(json_text_at(shown->json, "language"), "fr");
    assert_null(strstr(shown->body, "Schmerz"));
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wording_is_laid_over_the_form_that_is_asked_for_in_its_language),
        cmocka_unit_test(test_wording_that_does_not_fit_is_told_with_its_line),
        cmocka_unit_test(test_link_shows_the_wording_of_its_language),
    };
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
