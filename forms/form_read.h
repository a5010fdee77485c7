/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the pieces of a form's YAML are read; only form*.c and protocol_read.c see it. */
#ifndef PATELLA_FORM_READ_H
#define PATELLA_FORM_READ_H

#include <stdbool.h>

#include "forms/faults.h"
#include "forms/form.h"
#include "forms/yaml.h"

/* A form in the making; everything is allocated on it. */
struct form_reader {
    struct form *form;
    const struct yaml *root;
    struct faults *faults;
};

/* Sections and items, without skip logic; then the index by id. */
void form_read_items(struct form_reader *reader);

/* Skip logic and cross-item rules; needs all items. */
void form_read_rules(struct form_reader *reader);

/* Scores; needs all items. */
void form_read_scores(struct form_reader *reader);

/* True for [a-z][a-z0-9_]* of at most 63 characters. */
bool form_is_id(const char *text);

/* The `id` of a map: checked, or NULL and a fault. */
const char *form_read_id(const struct yaml *map, struct faults *faults);

/* A copy of an optional or required text on the form; NULL when there is none. */
const char *form_read_text(struct form_reader *reader, const struct yaml *map, const char *key, enum yaml_need need);

#endif
