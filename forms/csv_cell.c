/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/csv_cell.h"

#include <string.h>

#include "forms/base/memory.h"

void csv_append_text(struct text *out, const char *string)
{
    if (string[0] == '\0' || strchr("=+-@\t\r", string[0]) == NULL) {
        text_append_csv(out, string);
        return;
    }
    char *disarmed = memory_format(out, "'%s", string);
    text_append_csv(out, disarmed);
    talloc_free(disarmed);
}
