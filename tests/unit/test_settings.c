/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/settings.h"
#include "forms/base/memory.h"

struct fixture {
    char file[64];
    void *owner;
    struct error error;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    fixture->owner = fixture;
    snprintf(fixture->file, sizeof fixture->file, "/tmp/patella-settings-XXXXXX");
    int descriptor = mkstemp(fixture->file);
    assert_true(descriptor >= 0);
    close(descriptor);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    unlink(fixture->file);
    talloc_free(fixture);
    return 0;
}

static void write_file(const struct fixture *fixture, const char *text)
{
    FILE *file = fopen(fixture->file, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static const char *const certificate_and_key[] = {"certificate=c.pem", "key=k.pem"};

static void test_settings_load_without_file_gives_defaults(void **state)
{
    struct fixture *fixture = *state;
    struct settings_source source = {NULL, certificate_and_key, 2};
    const struct settings *settings = settings_load(fixture->owner, &source, &fixture->error);
    assert_non_null(settings);
    assert_string_equal(settings->listen_address, "localhost");
    assert_int_equal(settings->listen_port, 8443);
    assert_int_equal(settings->handshake_deadline_ms, 5000);
    assert_int_equal(settings->head_deadline_ms, 10000);
    assert_int_equal(settings->idle_deadline_ms, 30000);
    assert_true(settings->metrics_loopback_only);
    assert_int_equal(settings_log_level(settings), LOG_LEVEL_INFO);
}

static void test_settings_load_flag_wins_over_file(void **state)
{
    struct fixture *fixture = *state;
    write_file(fixture, "listen_port: 9000\nworkers: 2\nkey: k.pem\ncertificate: c.pem\n"
                        "metrics_loopback_only: false\n");
    static const char *const flags[] = {"listen_port=9001", "log_level=debug"};
    struct settings_source source = {fixture->file, flags, 2};
    const struct settings *settings = settings_load(fixture->owner, &source, &fixture->error);
    assert_non_null(settings);
    assert_int_equal(settings->listen_port, 9001);
    assert_int_equal(settings->workers, 2);
    assert_false(settings->metrics_loopback_only);
    assert_int_equal(settings_log_level(settings), LOG_LEVEL_DEBUG);
}

static void test_settings_load_wrong_file_names_line_and_hint(void **state)
{
    struct fixture *fixture = *state;
    static const struct {
        const char *text;
        int line;
        const char *says;
    } cases[] = {
        {"key: k\nlisten_prot: 1\n", 2, "listen_port"},
        {"listen_port: many\n", 1, "whole number from 0 to 65535"},
        {"listen_port: 65536\n", 1, "whole number from 0 to 65535"},
        {"listen_port: -1\n", 1, "whole number from 0 to 65535"},
        {"key: k\nworkers: 0\n", 2, "whole number from 1 to 64"},
        {"key: k\n\nworkers: [1, 2]\n", 3, "workers"},
        {"access_log: yes\n", 1, "true or false"},
        {"log_level: loud\n", 1, "debug, info, warning or error"},
        {"key: a\nkey: b\n", 2, "key"},
        {"- key\n", 1, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(fixture, cases[i].text);
        struct settings_source source = {fixture->file, certificate_and_key, 2};
        fixture->error = (struct error){0};
        assert_null(settings_load(fixture->owner, &source, &fixture->error));
        assert_int_equal(fixture->error.kind, ERROR_INPUT);
        if (fixture->error.line != cases[i].line || strstr(fixture->error.message, cases[i].says) == NULL)
            fail_msg("case %zu: line %d: %s", i, fixture->error.line, fixture->error.message);
        assert_string_equal(fixture->error.file, fixture->file);
    }
}

static void test_settings_load_wrong_flag_is_a_usage_error(void **state)
{
    struct fixture *fixture = *state;
    static const char *const wrong[] = {"listen_port", "listen_prot=1", "listen_port=x", "listen_port=",
                                        "access_log=1"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct settings_source source = {NULL, &wrong[i], 1};
        fixture->error = (struct error){0};
        assert_null(settings_load(fixture->owner, &source, &fixture->error));
        assert_int_equal(fixture->error.kind, ERROR_USAGE);
        assert_int_equal(error_exit_status(&fixture->error), 2);
    }
}

static void test_settings_load_missing_certificate_says_so(void **state)
{
    struct fixture *fixture = *state;
    struct settings_source source = {NULL, NULL, 0};
    assert_null(settings_load(fixture->owner, &source, &fixture->error));
    assert_non_null(strstr(fixture->error.message, "certificate"));
    struct settings_source no_file = {"/nonexistent/patella.yaml", certificate_and_key, 2};
    assert_null(settings_load(fixture->owner, &no_file, &fixture->error));
    assert_int_equal(fixture->error.kind, ERROR_IO);
}

static void test_settings_reload_keeps_what_needs_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct settings_source source = {fixture->file, certificate_and_key, 2};
    write_file(fixture, "listen_port: 9000\nidle_deadline_ms: 1000\nlisten_address: a\n");
    const struct settings *first = settings_load(fixture->owner, &source, &fixture->error);
    assert_non_null(first);
    write_file(fixture, "listen_port: 9001\nidle_deadline_ms: 2000\nlisten_address: a\nlog_level: error\n");
    struct text *kept = text_new(fixture->owner);
    const struct settings *second = settings_reload(fixture->owner, first, &source, kept, &fixture->error);
    assert_non_null(second);
    assert_int_equal(second->listen_port, 9000);
    assert_int_equal(second->idle_deadline_ms, 2000);
    assert_int_equal(settings_log_level(second), LOG_LEVEL_ERROR);
    assert_string_equal(kept->bytes, " listen_port");
}

static void test_settings_print_help_names_every_setting(void **state)
{
    (void)state;
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    settings_print_help(out);
    fclose(out);
    assert_non_null(strstr(text, "listen_address"));
    assert_non_null(strstr(text, "default 8443, 0 to 65535"));
    assert_non_null(strstr(text, "metrics_loopback_only"));
    free(text);
}

/* Words "(SIGHUP)" in the paragraph of `file` that begins with `begin` and ends with `end`. */
static bool says_reloadable(const void *owner, const char *text, const char *begin, const char *end)
{
    const char *at = strstr(text, begin);
    if (at == NULL)
        fail_msg("nothing about \"%s\"", begin);
    const char *behind = strstr(at + strlen(begin), end);
    char *paragraph = memory_copy_bytes(owner, at, behind != NULL ? (size_t)(behind - at) : strlen(at));
    return strstr(paragraph, "(SIGHUP)") != NULL;
}

/* The example has "# help (SIGHUP)" above "#name: value"; the manual has it below ".It Cm name". */
static bool example_says_reloadable(const void *owner, const char *example, const char *name)
{
    const char *at = strstr(example, memory_format(owner, "#%s: ", name));
    if (at == NULL)
        at = strstr(example, memory_format(owner, "\n%s: ", name));
    if (at == NULL)
        fail_msg("the example has no %s", name);
    const char *begin = at;
    while (begin > example && strncmp(begin, "\n\n", 2) != 0)
        begin--;
    return strstr(memory_copy_bytes(owner, begin, (size_t)(at - begin)), "(SIGHUP)") != NULL;
}

static void test_settings_reloadable_is_told_alike_everywhere(void **state)
{
    struct fixture *fixture = *state;
    size_t length = 0;
    char *manual = text_read_file(fixture, "collector/patellad.8", 1 << 20, &length, &fixture->error);
    char *example = text_read_file(fixture, "collector/patella.yaml.example", 1 << 20, &length, &fixture->error);
    char *help = NULL, *rest = NULL;
    FILE *out = open_memstream(&help, &length);
    assert_non_null(out);
    assert_non_null(manual);
    assert_non_null(example);
    settings_print_help(out);
    fclose(out);
    for (char *line = strtok_r(help, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        if (strncmp(line, "   ", 3) == 0)
            continue;   /* default and range of the line before */
        bool reloadable = strstr(line, "(SIGHUP)") != NULL;
        char *name = memory_copy_bytes(fixture, line + 2, strcspn(line + 2, " "));
        bool in_manual = says_reloadable(fixture, manual, memory_format(fixture, ".It Cm %s\n", name), "\n.");
        if (in_manual != reloadable || example_says_reloadable(fixture, example, name) != reloadable)
            fail_msg("%s: manual or example tell otherwise whether SIGHUP reads it", name);
    }
    free(help);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_settings_load_without_file_gives_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings_load_flag_wins_over_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings_load_wrong_file_names_line_and_hint, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings_load_wrong_flag_is_a_usage_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings_load_missing_certificate_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_settings_reload_keeps_what_needs_a_restart, set_up, tear_down),
        cmocka_unit_test(test_settings_print_help_names_every_setting),
        cmocka_unit_test_setup_teardown(test_settings_reloadable_is_told_alike_everywhere, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
