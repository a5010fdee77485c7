/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The definitions of a study, a protocol and its forms, with their YAML texts: from files, from the database,
 * or a file laid over what the database has.  They are checked as a whole before anything is written.
 */
#ifndef PATELLA_ADMIN_DEFINITIONS_H
#define PATELLA_ADMIN_DEFINITIONS_H

#include "collector/admin.h"
#include "forms/protocol.h"

struct definitions;

struct definitions *definitions_new(const void *owner);

/* Adds the protocol file, or every *.yaml of a folder.  ERROR_INPUT with file:line for the first mistake. */
bool definitions_add_protocol(struct definitions *definitions, const char *path,
                              struct error *error) MUST_CHECK;
bool definitions_add_forms(struct definitions *definitions, const char *folder,
                           struct error *error) MUST_CHECK;

/* Adds what the database has of the study and was not added before: its newest protocol, its forms. */
bool definitions_add_stored(struct definitions *definitions, struct admin *admin, const char *study,
                            struct error *error) MUST_CHECK;

/* Checks everything together; fails as catalogue_check does. */
bool definitions_check(struct definitions *definitions, const char *study, struct error *error) MUST_CHECK;

/* Writes what came from files, in the caller's transaction. */
bool definitions_store(const struct definitions *definitions, struct admin *admin, const char *study,
                       struct error *error) MUST_CHECK;

const struct protocol *definitions_protocol(const struct definitions *definitions);
size_t definitions_form_count(const struct definitions *definitions);

/* Its masking as the database knows it. */
const char *definitions_masking(const struct definitions *definitions);

#endif
