/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * File descriptors: connections must leave enough of them for everything else, above all for a database that has to be
 * reached again while every client holds on to its connection.
 */
#ifndef PATELLA_DESCRIPTORS_H
#define PATELLA_DESCRIPTORS_H

#include <stddef.h>

#include "collector/settings.h"

/*
 * How many connections may be open: max_connections, when the limit of open files can be raised so far, else what is
 * left of that limit (a warning is logged), but one at least.
 */
size_t descriptors_allow_connections(const struct settings *settings);

#endif
