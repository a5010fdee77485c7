/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/ars_source.h"

#include <stddef.h>
#include <string.h>

/* Of tables whose names begin so; the first that fits. */
static const struct {
    const char *prefix;
    struct ars_source source;
} sources[] = {
    {"analysis sets", {"ADSL", NULL, "AS_ENROLLED", NULL}},
    {"left out", {NULL, NULL, NULL, NULL}},
    {"disposition", {"ADSL", "EOSSTT", "AS_ENROLLED", NULL}},
    {"protocol deviations", {NULL, NULL, "AS_ENROLLED", NULL}},
    {"baseline", {"ADSL", NULL, "AS_TREATED", NULL}},
    {"completeness", {"ADQS", NULL, "AS_TREATED", NULL}},
    {"value ", {"ADQS", "AVAL", "AS_TREATED", NULL}},
    {"change ", {"ADQS", "CHG", "AS_TREATED", NULL}},
    {"pct_change ", {"ADQS", "PCHG", "AS_TREATED", NULL}},
    {"ANCOVA ", {"ADQS", "CHG", "AS_TREATED", NULL}},
    {"MMRM ", {"ADQS", "CHG", "AS_TREATED", NULL}},
    {"sensitivity ", {"ADQS", "CHG", "AS_TREATED", NULL}},
    {"forest ", {"ADQS", "CHG", "AS_TREATED", NULL}},
    {"adjusted responder ", {"ADQS", NULL, "AS_TREATED", NULL}},
    {"adjusted ", {"ADQS", "CHG", "AS_TREATED", NULL}},
    {"responder ", {"ADQS", NULL, "AS_TREATED", NULL}},
    {"AE", {"ADAE", NULL, "AS_TREATED", "DS_EMERGENT"}},
    {"KM ", {"ADTTE", "AVAL", "AS_TREATED", NULL}},
    {"incidence ", {"ADTTE", "AVAL", "AS_TREATED", NULL}},
    {"Cox ", {"ADTTE", "AVAL", "AS_TREATED", NULL}},
    {"RMST ", {"ADTTE", "AVAL", "AS_TREATED", NULL}},
};

const struct ars_source *ars_source_find(const char *table)
{
    static const struct ars_source unknown = {NULL, NULL, NULL, NULL};
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        if (strncmp(table, sources[i].prefix, strlen(sources[i].prefix)) == 0)
            return &sources[i].source;
    return &unknown;
}
