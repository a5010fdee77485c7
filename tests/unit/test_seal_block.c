/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of blocks and eras, their keys, and the checkpoint file that they go to. */
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

#include "collector/checkpoint.h"
#include "forms/base/memory.h"

struct fixture {
    char *folder, *key_path, *public_path, *path;
    struct seal_key *key;
    struct seal_keys *keys;
    struct error error;
};

static int set_up(void **state)
{
    struct fixture *f = memory_new(NULL, struct fixture);
    f->folder = memory_copy_string(f, "/tmp/patella-seal-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->key_path = memory_format(f, "%s/key", f->folder);
    f->public_path = memory_format(f, "%s/key.pub", f->folder);
    f->path = memory_format(f, "%s/checkpoints", f->folder);
    assert_true(seal_key_generate(f->key_path, f->public_path, &f->error));
    f->key = seal_key_load(f, f->key_path, &f->error);
    f->keys = seal_keys_load(f, f->public_path, &f->error);
    assert_non_null(f->key);
    assert_non_null(f->keys);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    (void)unlink(f->key_path);
    (void)unlink(f->public_path);
    (void)unlink(f->path);
    assert_int_equal(rmdir(f->folder), 0);
    return talloc_free(f);
}

static struct seal_block make_block(const struct fixture *f, int64_t number)
{
    struct seal_block block = {.number = number, .era = 1, .from = {700, 0}, .upto = {INT64_MAX, 12}, .rows = 3,
                               .sealed_us = 1790000000123456};
    merkle_sha256("root", 4, block.root);
    merkle_sha256("list", 4, block.list);
    merkle_sha256("before", 6, block.before);
    seal_block_sign(&block, f->key);
    return block;
}

/* ---- lines ---- */

static void test_seal_block_line_read_again_is_the_same_and_signed(void **state)
{
    struct fixture *f = *state;
    struct seal_block block = make_block(f, 7), read;
    char *line = seal_block_line(f, &block);
    assert_true(seal_block_parse(line, &read));
    assert_int_equal(read.number, 7);
    assert_int_equal(read.upto.xid, INT64_MAX);
    assert_int_equal(read.sealed_us, block.sealed_us);
    assert_memory_equal(read.root, block.root, MERKLE_HASH);
    assert_string_equal(seal_block_line(f, &read), line);
    assert_int_equal(seal_block_verify(&read, f->keys), SEAL_SIGNED);
}

static void test_seal_block_parse_of_any_changed_letter_fails_or_is_not_signed(void **state)
{
    struct fixture *f = *state;
    struct seal_block block = make_block(f, 7), read;
    char *line = seal_block_line(f, &block);
    size_t refused = 0, unsigned_ones = 0;
    for (size_t i = 0; line[i] != '\0'; i++) {
        char kept = line[i];
        line[i] = kept == '1' ? '2' : '1';
        if (!seal_block_parse(line, &read))
            refused++;
        else if (seal_block_verify(&read, f->keys) != SEAL_SIGNED)
            unsigned_ones++;
        else
            fail_msg("letter %zu may be changed: %s", i, line);
        line[i] = kept;
    }
    assert_true(refused > 0 && unsigned_ones > 0);
    assert_true(seal_block_parse(line, &read));
    assert_false(seal_block_parse(memory_format(f, "%s ", line), &read));
    line[strlen(line) - 1] = '\0';
    assert_false(seal_block_parse(line, &read));
    assert_false(seal_block_parse("", &read));
}

static void test_seal_era_line_keeps_its_reason(void **state)
{
    struct fixture *f = *state;
    static const char *const reasons[] = {"restored", "a signature 12 in it", "key deadbeef reason none",
                                          "Größe 5 %d"};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct seal_era era = {.era = 2, .after = 12, .opened_us = 5, .reason = reasons[i]}, read;
        seal_era_sign(&era, f->key);
        char *line = seal_era_line(f, &era);
        assert_true(seal_era_parse(f, line, &read));
        assert_string_equal(read.reason, reasons[i]);
        assert_int_equal(seal_era_verify(&read, f->keys), SEAL_SIGNED);
        read.after = 11;
        assert_int_equal(seal_era_verify(&read, f->keys), SEAL_NOT_SIGNED);
    }
}

static void test_seal_entry_read_again_is_the_same(void **state)
{
    (void)state;
    uint8_t leaf[MERKLE_HASH], bytes[SEAL_ENTRY];
    merkle_sha256("leaf", 4, leaf);
    const struct seal_entry entry = {{0x0102030405060708, 5}, 3, 9999, 258, leaf};
    seal_entry_write(&entry, bytes);
    const struct seal_entry read = seal_entry_read(bytes);
    assert_true(read.place.xid == entry.place.xid && read.place.seq == 5 && read.study == 3 && read.site == 9999);
    assert_int_equal(read.object, 258);
    assert_memory_equal(read.leaf, leaf, MERKLE_HASH);
}

/* ---- keys ---- */

static void test_seal_key_that_others_may_read_is_refused(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(chmod(f->key_path, 0640), 0);
    assert_null(seal_key_load(f, f->key_path, &f->error));
    assert_int_equal(f->error.kind, ERROR_DENIED);
    assert_non_null(strstr(f->error.message, "chmod 600"));
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", f->folder, 1), 0);     /* systemd's, with its list of who may */
    assert_non_null(seal_key_load(f, f->key_path, &f->error));
    assert_int_equal(chmod(f->key_path, 0644), 0);
    assert_null(seal_key_load(f, f->key_path, &f->error));
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void test_seal_key_generate_leaves_files_alone(void **state)
{
    struct fixture *f = *state;
    assert_false(seal_key_generate(f->key_path, f->public_path, &f->error));
    assert_int_equal(f->error.kind, ERROR_CONFLICT);
    assert_non_null(seal_key_load(f, f->key_path, &f->error));
}

static void test_seal_keys_of_another_key_are_unknown(void **state)
{
    struct fixture *f = *state;
    char *key_path = memory_format(f, "%s2", f->key_path), *public_path = memory_format(f, "%s2", f->public_path);
    struct seal_block block = make_block(f, 1);
    assert_true(seal_key_generate(key_path, public_path, &f->error));
    struct seal_keys *other = seal_keys_load(f, public_path, &f->error);
    assert_int_equal(seal_block_verify(&block, other), SEAL_KEY_UNKNOWN);
    FILE *both = fopen(public_path, "ae"), *first = fopen(f->public_path, "re");
    assert_true(both != NULL && first != NULL);
    for (int letter; (letter = fgetc(first)) != EOF;)
        assert_int_equal(fputc(letter, both), letter);
    assert_int_equal(fclose(both) | fclose(first), 0);
    assert_int_equal(seal_block_verify(&block, seal_keys_load(f, public_path, &f->error)), SEAL_SIGNED);
    assert_null(seal_keys_load(f, key_path, &f->error));                    /* no public key in it */
    (void)unlink(key_path);
    (void)unlink(public_path);
}

/* ---- the file ---- */

static void append(const struct fixture *f, const char *text)
{
    FILE *file = fopen(f->path, "ae");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void test_checkpoint_reads_on_where_another_wrote(void **state)
{
    struct fixture *f = *state;
    struct checkpoint *one = checkpoint_open(f, f->path, &f->error), *two = checkpoint_open(f, f->path, &f->error);
    struct seal_block block = make_block(f, 1);
    assert_true(checkpoint_lock(one, &f->error));
    assert_int_equal(checkpoint_tail(one)->number, 0);
    assert_true(checkpoint_add_block(one, &block, &f->error));
    checkpoint_unlock(one);
    assert_true(checkpoint_lock(two, &f->error));
    assert_int_equal(checkpoint_tail(two)->block.number, 1);
    block = make_block(f, 2);
    assert_true(checkpoint_add_block(two, &block, &f->error));
    checkpoint_unlock(two);
    assert_true(checkpoint_lock(one, &f->error));
    assert_int_equal(checkpoint_tail(one)->number, 2);
    struct seal_era era = {.era = 2, .after = 1, .reason = "restored"};
    seal_era_sign(&era, f->key);
    assert_true(checkpoint_add_era(one, &era, &f->error));
    checkpoint_unlock(one);
    assert_true(checkpoint_lock(two, &f->error));
    assert_int_equal(checkpoint_tail(two)->number, 1);
    assert_int_equal(checkpoint_tail(two)->block.number, 0);
    assert_int_equal(checkpoint_tail(two)->era, 2);
    checkpoint_unlock(two);
    assert_int_equal(checkpoint_load(f, f->path, &f->error)->count, 3);
}

/* What a crash left of a line is taken away; the next line follows the last whole one. */
static void test_checkpoint_torn_line_is_taken_away(void **state)
{
    struct fixture *f = *state;
    struct checkpoint *checkpoint = checkpoint_open(f, f->path, &f->error);
    struct seal_block block = make_block(f, 1);
    assert_true(checkpoint_lock(checkpoint, &f->error));
    assert_true(checkpoint_add_block(checkpoint, &block, &f->error));
    checkpoint_unlock(checkpoint);
    append(f, "patella block 2 era 1 from 7");
    struct checkpoint *later = checkpoint_open(f, f->path, &f->error);
    assert_true(checkpoint_lock(later, &f->error));
    assert_int_equal(checkpoint_tail(later)->number, 1);
    block = make_block(f, 2);
    assert_true(checkpoint_add_block(later, &block, &f->error));
    checkpoint_unlock(later);
    struct checkpoint_list *list = checkpoint_load(f, f->path, &f->error);
    assert_int_equal(list->count, 2);
    assert_int_equal(list->lines[1].kind, CHECKPOINT_BLOCK);
}

static void test_checkpoint_edited_line_is_refused(void **state)
{
    struct fixture *f = *state;
    append(f, "patella block 1, or so\n");
    struct checkpoint *checkpoint = checkpoint_open(f, f->path, &f->error);
    assert_false(checkpoint_lock(checkpoint, &f->error));
    assert_int_equal(f->error.kind, ERROR_CONFLICT);
    assert_int_equal(f->error.line, 1);
    assert_int_equal(checkpoint_load(f, f->path, &f->error)->lines[0].kind, CHECKPOINT_BROKEN);
}

static void test_checkpoint_file_that_became_shorter_is_refused(void **state)
{
    struct fixture *f = *state;
    struct checkpoint *checkpoint = checkpoint_open(f, f->path, &f->error);
    struct seal_block block = make_block(f, 1);
    assert_true(checkpoint_lock(checkpoint, &f->error));
    assert_true(checkpoint_add_block(checkpoint, &block, &f->error));
    checkpoint_unlock(checkpoint);
    assert_int_equal(truncate(f->path, 0), 0);
    assert_false(checkpoint_lock(checkpoint, &f->error));
    assert_non_null(strstr(f->error.message, "shorter"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_seal_block_line_read_again_is_the_same_and_signed),
        TEST(test_seal_block_parse_of_any_changed_letter_fails_or_is_not_signed),
        TEST(test_seal_era_line_keeps_its_reason),
        TEST(test_seal_entry_read_again_is_the_same),
        TEST(test_seal_key_that_others_may_read_is_refused),
        TEST(test_seal_key_generate_leaves_files_alone),
        TEST(test_seal_keys_of_another_key_are_unknown),
        TEST(test_checkpoint_reads_on_where_another_wrote),
        TEST(test_checkpoint_torn_line_is_taken_away),
        TEST(test_checkpoint_edited_line_is_refused),
        TEST(test_checkpoint_file_that_became_shorter_is_refused),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
