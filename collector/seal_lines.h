/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines of the checkpoint file against each other and against the blocks, for verify. */
#ifndef PATELLA_SEAL_LINES_H
#define PATELLA_SEAL_LINES_H

#include "collector/checkpoint.h"
#include "collector/seal_faults.h"

struct seal_lines;

/* Looks at the lines by themselves; `keys` NULL: not at their signatures. */
struct seal_lines *seal_lines_new(const void *owner, const struct checkpoint_list *list, const struct seal_keys *keys,
                                  struct seal_faults *faults);

void seal_lines_take_era(struct seal_lines *lines, const char *text, size_t length);     /* "2 12 reason" */
void seal_lines_take_block(struct seal_lines *lines, const struct seal_block *block);

/* After the last block, number `last`: blocks that the file has behind it. */
void seal_lines_finish(struct seal_lines *lines, int64_t last);

#endif
