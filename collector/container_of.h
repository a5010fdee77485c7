/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way from a member, which lists and libevent know, to the struct that it is a part of. */
#ifndef PATELLA_CONTAINER_OF_H
#define PATELLA_CONTAINER_OF_H

#include <stddef.h>

/* The `type` whose `member` is at `pointer`. */
#define CONTAINER_OF(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#endif
