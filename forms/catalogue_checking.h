/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a protocol is held against the forms of its study; only catalogue*.c sees it. */
#ifndef PATELLA_CATALOGUE_CHECKING_H
#define PATELLA_CATALOGUE_CHECKING_H

#include "forms/faults.h"
#include "forms/protocol.h"

/* What is being checked: the message goes to a line of `file`. */
struct checking {
    const struct catalogue *catalogue;
    const char *file;
    struct faults *faults;
};

/* The newest version of a form; NULL and a fault of `what` at `line` when there is none. */
const struct form *checking_find_form(struct checking *checking, int line, const char *what, const char *form);

/* The item in the newest version of its form; NULL and a fault when there is none. */
const struct item *checking_find_item(struct checking *checking, const struct item_reference *reference);

/* Subgroups, margins, events, contralateral knee, imaging, cost and claims. */
void checking_plan(struct checking *checking);

#endif
