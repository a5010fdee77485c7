/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checks definition files together: forms, protocols and wording files, told apart by their first key.
 *
 * Protocols and wordings are held against the forms among the files and those of a directory; a form among the files
 * takes the place of the directory's form of the same id and version.
 */
#ifndef PATELLA_DEFINITION_CHECK_H
#define PATELLA_DEFINITION_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "forms/faults.h"
#include "forms/protocol.h"

struct definition_counts {
    size_t forms, protocols, wordings;   /* without faults */
};

/*
 * Adds every fault of the files to `faults`.
 * forms_directory   more forms, or NULL
 */
struct definition_counts definition_check(const void *owner, const char *const *paths, size_t path_count,
                                          const char *forms_directory, struct faults *faults);

#endif
