/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a YAML file: refused with a line, or a tree that keeps every promise of forms/yaml.h. */
#define FUZZ_TARGET fuzz_yaml
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/yaml.h"

static void require_node(const struct yaml *node, int depth, int last_line)
{
    FUZZ_REQUIRE(depth <= YAML_DEPTH_LIMIT + 1);
    FUZZ_REQUIRE(node->line >= 1 && node->line <= last_line);
    if (node->kind == YAML_TEXT)
        FUZZ_REQUIRE(node->text != NULL && node->count == 0 && text_is_utf8(node->text, strlen(node->text)));
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml *child = node->children[i];
        FUZZ_REQUIRE(child->parent == node);
        FUZZ_REQUIRE((child->key != NULL) == (node->kind == YAML_MAP));
        if (node->kind == YAML_MAP && node->count <= 64)   /* keys are looked up one by one */
            FUZZ_REQUIRE(yaml_find(node, child->key) == child);
        require_node(child, depth + 1, last_line);
    }
}

/* Every getter on every value: a result, or a fault. */
static void get_all(const struct yaml *node, struct faults *faults)
{
    static const char *const words[] = {"one", "two", "three", NULL};
    static const char *const keys[] = {"form", "version", "items", NULL};
    yaml_allow_keys(node, keys, faults);
    for (size_t i = 0; i < node->count && faults->count < 100; i++) {
        const char *key = node->children[i]->key;
        get_all(node->children[i], faults);
        if (key == NULL || faults->count > 90)   /* a hundred are kept */
            continue;
        size_t before = faults->count;
        int integer = 7;
        yaml_get_integer(node, key, YAML_REQUIRED, (struct yaml_bounds){-5, 50}, &integer, faults);
        FUZZ_REQUIRE(integer >= -5 && integer <= 50);
        FUZZ_REQUIRE(integer == 7 || faults->count == before);
        double number = 0;
        yaml_get_number(node, key, YAML_REQUIRED, &number, faults);
        FUZZ_REQUIRE(isfinite(number));
        bool boolean = false;
        yaml_get_boolean(node, key, YAML_REQUIRED, &boolean, faults);
        before = faults->count;
        FUZZ_REQUIRE((yaml_get_word(node, key, YAML_REQUIRED, words, faults) < 0) == (faults->count > before));
        before = faults->count;
        FUZZ_REQUIRE((yaml_get_text(node, key, YAML_REQUIRED, faults) == NULL) == (faults->count > before));
        before = faults->count;
        FUZZ_REQUIRE((yaml_get_list(node, key, YAML_REQUIRED, faults) == NULL) == (faults->count > before));
        before = faults->count;
        FUZZ_REQUIRE((yaml_get_map(node, key, YAML_REQUIRED, faults) == NULL) == (faults->count > before));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *owner = memory_owner(NULL, "fuzz");
    struct error error = {0};
    const struct yaml *root = yaml_parse(owner, "fuzz.yaml", (const char *)data, size, &error);
    if (root == NULL) {
        fuzz_require_refusal(&error, ERROR_INPUT);
    } else {
        int last_line = 2;   /* the end of the document lies behind its last newline */
        for (size_t i = 0; i < size; i++)
            last_line += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80;   /* NEL, LS, PS break lines, too */
        require_node(root, 1, last_line);
        struct faults faults = faults_begin(owner);
        get_all(root, &faults);
        for (size_t i = 0; i < faults.count; i++)
            FUZZ_REQUIRE_WITH(text_is_utf8(faults.faults[i].text, strlen(faults.faults[i].text)),
                              faults.faults[i].text);
        struct error first = {0};
        if (!faults_to_error(&faults, &first))
            fuzz_require_refusal(&first, ERROR_INPUT);
    }
    talloc_free(owner);
    return 0;
}
