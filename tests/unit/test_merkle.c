/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tree hashes against those of tests/golden/merkle/make_merkle.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/merkle.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { HEX = 2 * MERKLE_HASH };

static void add_row(struct merkle *merkle, int number)
{
    char row[32] = "";
    uint8_t leaf[MERKLE_HASH];
    if (number != 3)
        snprintf(row, sizeof row, "row %d", number);
    merkle_hash_leaf(merkle, row, strlen(row), leaf);
    merkle_add(merkle, leaf);
}

static void assert_root(struct merkle *merkle, const char *expected)
{
    uint8_t root[MERKLE_HASH];
    char hex[HEX + 1];
    merkle_root(merkle, root);
    text_to_hex(root, sizeof root, hex);
    assert_string_equal(hex, expected);
}

/* One tree that grows from line to line, and for each line one of its own. */
static void test_merkle_root_of_golden_trees_is_the_same(void **state)
{
    (void)state;
    FILE *file = fopen("tests/golden/merkle/expected.csv", "re");
    assert_non_null(file);
    struct merkle *growing = merkle_new(NULL), *other = merkle_new(NULL);
    int count, lines = 0, grown = 0;
    char expected[HEX + 1];
    assert_int_equal(fscanf(file, "n,root"), 0);
    for (; fscanf(file, "%d,%64s", &count, expected) == 2; lines++) {
        for (; grown < count; grown++)
            add_row(growing, grown);
        assert_root(growing, expected);
        merkle_clear(other);
        for (int i = 0; i < count; i++)
            add_row(other, i);
        assert_root(other, expected);
        assert_int_equal(merkle_count(other), count);
    }
    assert_int_equal(lines, 16);
    fclose(file);
    talloc_free(growing);
    talloc_free(other);
}

/* The order of leaves counts, and a node cannot pass for a leaf. */
static void test_merkle_root_of_swapped_leaves_differs(void **state)
{
    (void)state;
    struct merkle *merkle = merkle_new(NULL);
    uint8_t one[MERKLE_HASH], other[MERKLE_HASH];
    add_row(merkle, 0);
    add_row(merkle, 1);
    merkle_root(merkle, one);
    merkle_clear(merkle);
    add_row(merkle, 1);
    add_row(merkle, 0);
    merkle_root(merkle, other);
    assert_memory_not_equal(one, other, MERKLE_HASH);
    talloc_free(merkle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merkle_root_of_golden_trees_is_the_same),
        cmocka_unit_test(test_merkle_root_of_swapped_leaves_differs),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
