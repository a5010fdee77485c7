/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small file system in memory, to be filled.  It is mounted in a mount namespace of this process, so that
 * nobody else sees it and nothing stays mounted after its end.
 */
#ifndef PATELLA_TEST_SMALL_DISK_H
#define PATELLA_TEST_SMALL_DISK_H

#include <stddef.h>

struct small_disk;

/* NULL where mounting is not allowed; `why` says so.  Whatever is started from here on sees it, too. */
struct small_disk *small_disk_new(const void *owner, size_t bytes, const char **why);

const char *small_disk_folder(const struct small_disk *disk);

/* Takes all that is free; gives it back. */
void small_disk_fill(struct small_disk *disk);
void small_disk_relieve(struct small_disk *disk);

#endif
