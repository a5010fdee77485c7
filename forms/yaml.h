/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A YAML file as a tree that knows its lines.
 *
 * Only the plain part of YAML: maps, lists and texts.  Aliases, anchors, tags, doubled keys, more than one document,
 * nesting deeper than 16, more than 1 MiB and invalid UTF-8 are refused.  Every scalar is a text; the getters say what
 * it should be.  They add what is wrong to `faults`, naming file:line, the nearest `id`, the key, what was found and
 * what to write instead, and the caller goes on.
 */
#ifndef PATELLA_YAML_H
#define PATELLA_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "forms/base/error.h"
#include "forms/faults.h"

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };
enum yaml_need { YAML_OPTIONAL, YAML_REQUIRED };
enum { YAML_SIZE_LIMIT = 1 << 20, YAML_DEPTH_LIMIT = 16, YAML_KEY_LIMIT = 4096 };

struct yaml {
    enum yaml_kind kind;
    const char *file;
    int line;                    /* where the value begins */
    const char *key;             /* in the map above, NULL in a list */
    int key_line;
    const char *text;            /* of a YAML_TEXT */
    bool quoted;                 /* written in quotes or as a block: "null" is then a text */
    const struct yaml *parent;   /* NULL at the root */
    struct yaml **children;      /* of a list or a map, in file order */
    size_t count;
};

/* The tree of a document; NULL and ERROR_INPUT with file:line. */
struct yaml *yaml_parse(const void *owner, const char *file, const char *text, size_t length, struct error *error)
    MUST_CHECK;

/* The value of a key, NULL when it is not there.  `map` may be any node; only maps have keys. */
const struct yaml *yaml_find(const struct yaml *map, const char *key);

/* Adds a fault at `node`, with the nearest id in front. */
void yaml_fault(struct faults *faults, const struct yaml *node, const char *format, ...) PRINTF_LIKE(3, 4);

/* True when `node` is of that kind; otherwise a fault. */
bool yaml_expect(const struct yaml *node, enum yaml_kind kind, struct faults *faults);

/* Every key of `map` must be one of `keys`, a NULL-terminated array; others are faults, with a suggestion. */
void yaml_allow_keys(const struct yaml *map, const char *const *keys, struct faults *faults);

/* The text of a scalar node (an element of a list, say); NULL and a fault when it is none, or empty. */
const char *yaml_text(const struct yaml *node, struct faults *faults);

/*
 * Getters of a map.  When the key is absent: a fault if it is YAML_REQUIRED; the result is NULL, or `value` stays as it
 * was.  When it is wrong: a fault, and the same.
 */
const char *yaml_get_text(const struct yaml *map, const char *key, enum yaml_need need, struct faults *faults);
const struct yaml *yaml_get_list(const struct yaml *map, const char *key, enum yaml_need need, struct faults *faults);
const struct yaml *yaml_get_map(const struct yaml *map, const char *key, enum yaml_need need, struct faults *faults);
/* A number from least to most, which keep to int. */
struct yaml_bounds {
    int least, most;
};
void yaml_get_integer(const struct yaml *map, const char *key, enum yaml_need need, struct yaml_bounds bounds,
                      int *value, struct faults *faults);
void yaml_get_number(const struct yaml *map, const char *key, enum yaml_need need, double *value,
                     struct faults *faults);
void yaml_get_boolean(const struct yaml *map, const char *key, enum yaml_need need, bool *value,
                      struct faults *faults);
/* Index of the key's text in `words`, a NULL-terminated array; -1 when absent or another word (a fault). */
int yaml_get_word(const struct yaml *map, const char *key, enum yaml_need need, const char *const *words,
                  struct faults *faults);

/* The number that a scalar node says; false and a fault when it is none. */
bool yaml_number(const struct yaml *node, double *value, struct faults *faults);

#endif
