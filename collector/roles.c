/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/roles.h"

#include <string.h>

static const struct {
    enum role role;
    const char *name;
    bool has_sites;
} roles[ROLE_COUNT] = {
    {ROLE_ADMINISTRATOR, "administrator", false},
    {ROLE_DATA_MANAGER, "data_manager", true},
    {ROLE_COORDINATOR, "coordinator", true},
    {ROLE_INVESTIGATOR, "investigator", true},
    {ROLE_MONITOR, "monitor", true},
    {ROLE_STATISTICIAN, "statistician", false},
    {ROLE_STATISTICIAN_UNMASKED, "statistician_unmasked", false},
    {ROLE_SITE_MACHINE, "site_machine", true},
};

enum role role_from_name(const char *name)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (strcmp(roles[i].name, name) == 0)
            return roles[i].role;
    return ROLE_ANYONE;
}

const char *role_name(enum role role)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (roles[i].role == role)
            return roles[i].name;
    return "none";
}

bool role_has_sites(enum role role)
{
    for (size_t i = 0; i < ROLE_COUNT; i++)
        if (roles[i].role == role)
            return roles[i].has_sites;
    return false;
}
