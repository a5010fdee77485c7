/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The roles' names, as the database and the API write them. */
#ifndef PATELLA_ROLES_H
#define PATELLA_ROLES_H

#include <stdbool.h>

#include "collector/exchange.h"

enum { ROLE_COUNT = 8 };

/* ROLE_ANYONE for a name that is none. */
enum role role_from_name(const char *name);

/* "none" for what is no single role. */
const char *role_name(enum role role);

/* Every role's name, "A, B or C". */
#define ROLE_NAMES \
    "administrator, data_manager, coordinator, investigator, monitor, statistician, statistician_unmasked or " \
    "site_machine"

/* True for a role that may be bound to some sites of a study; the others see all of them. */
bool role_has_sites(enum role role);

#endif
