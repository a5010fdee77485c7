/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the pieces of a profile are read; only upload_profile*.c sees it. */
#ifndef PATELLA_UPLOAD_PROFILE_READ_H
#define PATELLA_UPLOAD_PROFILE_READ_H

#include "forms/upload_names.h"
#include "forms/upload_profile.h"
#include "forms/yaml.h"

struct profile_reader {
    struct upload_profile *profile;  /* everything is allocated on it */
    const struct catalogue *catalogue;
    const struct yaml *root;
    struct faults *faults;
    const struct form *form;         /* that every row is, or NULL */
};

/* A copy of `text` on the profile; NULL of NULL. */
const char *profile_keep(struct profile_reader *reader, const char *text);

/* The newest version of the form that the study asks for; NULL and a fault at `node` when there is none. */
const struct form *profile_find_form(struct profile_reader *reader, const struct yaml *node, const char *id);

/* The visit that `node` names; NULL and a fault when there is none. */
const char *profile_read_visit(struct profile_reader *reader, const struct yaml *node);

/* The knee under the key `knee`; NULL when it is absent. */
const char *profile_read_knee(struct profile_reader *reader, const struct yaml *map);

/* `columns` and `ignored`. */
void profile_read_columns(struct profile_reader *reader);

#endif
