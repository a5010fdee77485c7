/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sealed cohorts: what opens them, what does not, and what their bytes tell; and the files of their keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/allocation_seal.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

struct fixture {
    char *folder, *path;
    char id[ALLOCATION_KEY_ID_SIZE];
    struct allocation_keys *keys;
    struct error error;
};

static const struct allocation_place place = {"demo", 7, 12, "left", 1};

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

static int set_up(void **state)
{
    struct fixture *f = memory_new(NULL, struct fixture);
    f->folder = memory_copy_string(f, "/tmp/patella-key-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->path = memory_format(f, "%s/key", f->folder);
    write_file(f->path, allocation_key_text(f, f->id));
    f->keys = allocation_keys_load(f, f->path, &f->error);
    assert_non_null(f->keys);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0);
    return talloc_free(f);
}

/* The keys of a file that says this. */
static struct allocation_keys *load_text(struct fixture *f, const char *text)
{
    write_file(f->path, text);
    return allocation_keys_load(f, f->path, &f->error);
}

static void seal(struct fixture *f, const struct allocation_place *at, const char *cohort,
                 uint8_t sealed[ALLOCATION_SEALED])
{
    if (!allocation_seal(f->keys, f->id, at, cohort, sealed, &f->error))
        fail_msg("%s", f->error.message);
}

static bool opens(struct fixture *f, const struct allocation_place *at, const uint8_t *sealed, const char *cohort)
{
    char opened[ALLOCATION_COHORT_SIZE] = "untouched";
    if (!allocation_open(f->keys, at, sealed, ALLOCATION_SEALED, opened, &f->error)) {
        assert_string_equal(opened, "untouched");
        return false;
    }
    assert_string_equal(opened, cohort);
    return true;
}

/* ---- sealing ---- */

static void test_allocation_seal_opens_at_its_place(void **state)
{
    static const char *const cohorts[] = {"CS", "AD-MSC", "", "Größe",
                                          "123456789012345678901234567890123456789012345678901234567890123"};
    uint8_t sealed[ALLOCATION_SEALED];
    for (size_t i = 0; i < sizeof cohorts / sizeof *cohorts; i++) {
        seal(*state, &place, cohorts[i], sealed);
        assert_true(opens(*state, &place, sealed, cohorts[i]));
    }
}

static void test_allocation_seal_of_64_bytes_is_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t sealed[ALLOCATION_SEALED];
    static const char long_one[] = "1234567890123456789012345678901234567890123456789012345678901234";
    assert_false(allocation_seal(f->keys, f->id, &place, long_one, sealed, &f->error));
    assert_int_equal(f->error.kind, ERROR_INPUT);
}

/* A subject's entries, or the cohorts of two subjects, tell nothing side by side; the same again is the same. */
static void test_allocation_seal_bytes_differ_with_place_and_cohort_alone(void **state)
{
    static const struct allocation_place places[] = {
        {"demo", 7, 12, "left", 1}, {"demo2", 7, 12, "left", 1}, {"demo", 8, 12, "left", 1},
        {"demo", 7, 13, "left", 1}, {"demo", 7, 12, "right", 1}, {"demo", 7, 12, "left", 2},
    };
    enum { PLACES = sizeof places / sizeof *places, BODY = ALLOCATION_KEY_ID_BYTES };
    uint8_t sealed[2 * PLACES][ALLOCATION_SEALED], again[ALLOCATION_SEALED];
    for (size_t i = 0; i < PLACES; i++) {
        seal(*state, &places[i], "CS", sealed[2 * i]);
        seal(*state, &places[i], "AD-MSC", sealed[2 * i + 1]);
        seal(*state, &places[i], "CS", again);
        assert_memory_equal(again, sealed[2 * i], ALLOCATION_SEALED);
    }
    for (size_t i = 0; i < (size_t)2 * PLACES; i++)
        for (size_t j = 0; j < i; j++) {
            assert_memory_equal(sealed[i], sealed[j], BODY);     /* the key's id */
            assert_memory_not_equal(sealed[i] + BODY, sealed[j] + BODY, 12);
            assert_memory_not_equal(sealed[i] + BODY + 12, sealed[j] + BODY + 12, ALLOCATION_COHORT_SIZE);
        }
}

static void test_allocation_seal_moved_to_another_row_does_not_open(void **state)
{
    struct fixture *f = *state;
    static const struct allocation_place others[] = {
        {"demo2", 7, 12, "left", 1}, {"demo", 8, 12, "left", 1}, {"demo", 7, 13, "left", 1},
        {"demo", 7, 12, "right", 1}, {"demo", 7, 12, "left", 2}, {"demo", 71, 2, "left", 1},
    };
    uint8_t sealed[ALLOCATION_SEALED];
    seal(f, &place, "CS", sealed);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(opens(f, &others[i], sealed, ""));
        assert_int_equal(f->error.kind, ERROR_INPUT);
        assert_null(strstr(f->error.message, "CS"));
    }
    assert_true(opens(f, &place, sealed, "CS"));
}

static void test_allocation_seal_altered_does_not_open(void **state)
{
    struct fixture *f = *state;
    uint8_t sealed[ALLOCATION_SEALED];
    seal(f, &place, "CS", sealed);
    for (size_t i = 0; i < ALLOCATION_SEALED; i++) {
        sealed[i] ^= 1;
        assert_false(opens(f, &place, sealed, ""));
        assert_int_equal(f->error.kind, i < ALLOCATION_KEY_ID_BYTES ? ERROR_NOT_FOUND : ERROR_INPUT);
        sealed[i] ^= 1;
    }
    char opened[ALLOCATION_COHORT_SIZE];
    for (size_t length = 0; length < ALLOCATION_SEALED; length++)
        assert_false(allocation_open(f->keys, &place, sealed, length, opened, &f->error));
    assert_true(opens(f, &place, sealed, "CS"));
}

static void test_allocation_seal_without_its_key_names_it(void **state)
{
    struct fixture *f = *state;
    char other_id[ALLOCATION_KEY_ID_SIZE], opened[ALLOCATION_COHORT_SIZE];
    uint8_t sealed[ALLOCATION_SEALED];
    seal(f, &place, "CS", sealed);
    const struct allocation_keys *other = load_text(f, allocation_key_text(f, other_id));
    assert_non_null(other);
    const struct allocation_keys *const without[] = {other, NULL};
    for (size_t i = 0; i < 2; i++) {
        assert_false(allocation_open(without[i], &place, sealed, sizeof sealed, opened, &f->error));
        assert_int_equal(f->error.kind, ERROR_NOT_FOUND);
        assert_non_null(strstr(f->error.message, f->id));
        assert_non_null(strstr(f->error.message, "--allocation-keys"));
        assert_false(allocation_seal(without[i], f->id, &place, "CS", sealed, &f->error));
    }
}

/* ---- files ---- */

static void test_allocation_keys_of_a_file_with_two_open_what_each_sealed(void **state)
{
    struct fixture *f = *state;
    char second[ALLOCATION_KEY_ID_SIZE];
    char *lines = allocation_key_text(f, second);
    uint8_t old[ALLOCATION_SEALED], new[ALLOCATION_SEALED];
    seal(f, &place, "CS", old);
    const char *first = text_read_file(f, f->path, 4096, &(size_t){0}, &f->error);
    f->keys = load_text(f, memory_format(f, "%s\n\n# older above\n%s\n", first, lines));
    assert_non_null(f->keys);
    assert_int_equal(allocation_keys_count(f->keys), 2);
    assert_string_equal(allocation_keys_id(f->keys, 1), second);
    assert_true(allocation_keys_has(f->keys, f->id));
    assert_true(allocation_seal(f->keys, second, &place, "CS", new, &f->error));
    assert_memory_not_equal(old, new, ALLOCATION_SEALED);
    assert_true(opens(f, &place, old, "CS"));
    assert_true(opens(f, &place, new, "CS"));
}

static void test_allocation_keys_that_others_may_read_are_refused(void **state)
{
    struct fixture *f = *state;
    static const mode_t modes[] = {0640, 0604, 0620, 0601};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        assert_int_equal(chmod(f->path, modes[i]), 0);
        assert_null(allocation_keys_load(f, f->path, &f->error));
        assert_int_equal(f->error.kind, ERROR_DENIED);
    }
}

static void test_allocation_keys_are_found_among_credentials(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_null(allocation_keys_load(f, "%d/key", &f->error));
    assert_non_null(strstr(f->error.message, "CREDENTIALS_DIRECTORY"));
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", f->folder, 1), 0);
    assert_int_equal(chmod(f->path, 0440), 0);       /* systemd's list of who may shows like this */
    assert_non_null(allocation_keys_load(f, "%d/key", &f->error));
    assert_null(allocation_keys_load(f, "%d/none", &f->error));
    assert_int_equal(f->error.kind, ERROR_IO);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void test_allocation_keys_with_a_mistake_are_refused_with_the_line(void **state)
{
    struct fixture *f = *state;
    char id[ALLOCATION_KEY_ID_SIZE];
    char *text = allocation_key_text(f, id), *key = strrchr(text, ' ') + 1;
    const char *const wrong[] = {
        memory_format(f, "\npatella-allocation-key %s %.63s", id, key),
        memory_format(f, "\npatella-allocation-key %s %.63s%c", id, key, key[63] == '0' ? '1' : '0'),
        memory_format(f, "\npatella-allocation-key %s %sg", id, key),
        memory_format(f, "\npatella-allocation-key %s", id),
        memory_format(f, "\npatella-allocation-key 0000000000000000 %s", key),
        memory_format(f, "\npatella-seal-key %s %s", id, key),
        "\n-----BEGIN PRIVATE KEY-----\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_null(load_text(f, wrong[i]));
        assert_int_equal(f->error.kind, ERROR_INPUT);
        assert_int_equal(f->error.line, 2);
        assert_null(strstr(f->error.message, key));
    }
    assert_null(load_text(f, memory_format(f, "%s\n%s\n", text, text)));
    assert_int_equal(f->error.line, 4);
    assert_null(load_text(f, "# no key here\n"));
    assert_non_null(strstr(f->error.message, "allocation-key new"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_allocation_seal_opens_at_its_place),
        CASE(test_allocation_seal_of_64_bytes_is_refused),
        CASE(test_allocation_seal_bytes_differ_with_place_and_cohort_alone),
        CASE(test_allocation_seal_moved_to_another_row_does_not_open),
        CASE(test_allocation_seal_altered_does_not_open),
        CASE(test_allocation_seal_without_its_key_names_it),
        CASE(test_allocation_keys_of_a_file_with_two_open_what_each_sealed),
        CASE(test_allocation_keys_that_others_may_read_are_refused),
        CASE(test_allocation_keys_are_found_among_credentials),
        CASE(test_allocation_keys_with_a_mistake_are_refused_with_the_line),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
