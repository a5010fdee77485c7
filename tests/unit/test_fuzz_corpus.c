/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every file of the fuzz corpora through its target: what was once found stays found.  tests/fuzz/README.md */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <glob.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "tests/fuzz/fuzz.h"

#define TARGETS(X) \
    X(arguments) X(chunks) X(csv_reader) X(csv_table) X(expression) X(form) X(http_head) X(json_array) X(profile) \
    X(protocol) X(query) X(settings) X(submission) X(yaml)

#define DECLARE(name) int fuzz_##name(const uint8_t *data, size_t size);
TARGETS(DECLARE)

struct target {
    int (*run)(const uint8_t *data, size_t size);
    const char *corpus;   /* pattern of its files */
    const char *seeds;    /* pattern of further ones, or NULL */
};

enum { INPUT_LIMIT = 1 << 21 };

/* The block is as large as the file, so that the address sanitizer sees a read behind its end. */
static void run_file(const struct target *target, const char *path)
{
    fprintf(stderr, "# %s\n", path);   /* the last line when the target aborts */
    void *owner = memory_owner(NULL, "input");
    struct error error = {0};
    size_t length = 0;
    const char *text = text_read_file(owner, path, INPUT_LIMIT, &length, &error);
    if (text == NULL)
        fail_msg("%s", error.message);
    uint8_t *input = memory_zeroed(owner, length > 0 ? length : 1, 1, "input");
    memcpy(input, text, length);
    target->run(input, length);
    talloc_free(owner);
}

static size_t run_files(const struct target *target, const char *pattern)
{
    glob_t found;
    assert_int_equal(glob(pattern, 0, NULL, &found), 0);
    size_t count = found.gl_pathc;
    for (size_t i = 0; i < count; i++)
        run_file(target, found.gl_pathv[i]);
    globfree(&found);
    return count;
}

static void test_fuzz_target_corpus_is_free_of_findings(void **state)
{
    const struct target *target = *state;
    assert_true(run_files(target, target->corpus) >= 5);
    if (target->seeds != NULL)
        run_files(target, target->seeds);
    target->run((const uint8_t *)"", 0);
}

#define CORPUS(name) "tests/fuzz/corpus/" #name "/*"
#define FORMS "forms/instruments/*.yaml"
#define PROTOCOLS "forms/protocols/*.yaml"

static struct target arguments = {fuzz_arguments, CORPUS(arguments), NULL};
static struct target chunks = {fuzz_chunks, CORPUS(chunks), NULL};
static struct target csv_reader = {fuzz_csv_reader, CORPUS(csv_reader), NULL};
static struct target csv_table = {fuzz_csv_table, CORPUS(csv_table), NULL};
static struct target expression = {fuzz_expression, CORPUS(expression), NULL};
static struct target form = {fuzz_form, CORPUS(form), FORMS};
static struct target http_head = {fuzz_http_head, CORPUS(http_head), NULL};
static struct target json_array = {fuzz_json_array, CORPUS(json_array), NULL};
static struct target profile = {fuzz_profile, CORPUS(profile), NULL};
static struct target protocol = {fuzz_protocol, CORPUS(protocol), PROTOCOLS};
static struct target query = {fuzz_query, CORPUS(query), NULL};
static struct target settings = {fuzz_settings, CORPUS(settings), NULL};
static struct target submission = {fuzz_submission, CORPUS(submission), NULL};
static struct target yaml = {fuzz_yaml, CORPUS(yaml), FORMS};

int main(void)
{
#define TEST(name) {"test_fuzz_" #name "_corpus_is_free_of_findings", \
                    test_fuzz_target_corpus_is_free_of_findings, NULL, NULL, &(name)},
    const struct CMUnitTest tests[] = {TARGETS(TEST)};
    memory_init();
    return cmocka_run_group_tests_name("fuzz_corpus", tests, NULL, NULL);
}
