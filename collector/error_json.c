/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/error_json.h"

#include <stdio.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

static const char *kind_name(enum error_kind kind)
{
    switch (kind) {
    case ERROR_NONE: return "none";
    case ERROR_INPUT: return "input";
    case ERROR_USAGE: return "usage";
    case ERROR_NOT_FOUND: return "not_found";
    case ERROR_CONFLICT: return "conflict";
    case ERROR_DENIED: return "denied";
    case ERROR_BUSY: return "busy";
    case ERROR_DATABASE: return "database";
    case ERROR_IO: return "io";
    case ERROR_INTERNAL: return "internal";
    }
    return "internal";
}

void error_print_json(const struct error *error)
{
    struct text *out = text_new(NULL);
    text_append_format(out, "{\"error\":{\"kind\":\"%s\"", kind_name(error->kind));
    if (error->file[0] != '\0') {
        text_append(out, ",\"file\":");
        text_append_json(out, error->file);
    }
    if (error->line > 0)
        text_append_format(out, ",\"line\":%d", error->line);
    if (error->sqlstate[0] != '\0')
        text_append_format(out, ",\"sqlstate\":\"%s\"", error->sqlstate);
    text_append(out, ",\"message\":");
    text_append_json(out, error->message);
    text_append(out, "}}\n");
    fputs(out->bytes, stderr);
    talloc_free(out);
}
