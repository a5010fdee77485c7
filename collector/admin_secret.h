/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands about accounts share: lists of sites, and secrets that go into a file. */
#ifndef PATELLA_ADMIN_SECRET_H
#define PATELLA_ADMIN_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"

enum { ADMIN_MOST_SITES = 1000 };

struct admin_site_list {
    int32_t sites[ADMIN_MOST_SITES];
    size_t count;                /* 0: all sites */
};

/* "1,2,7"; NULL: all of them. */
bool admin_read_sites(const void *owner, const char *text, struct admin_site_list *list,
                      struct error *error) MUST_CHECK;

/* A file that only its owner may read, and that was not there before: an older secret is never lost. */
bool admin_write_secret(const char *path, const char *secret, struct error *error) MUST_CHECK;

#endif
