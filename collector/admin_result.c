/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/admin_result.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "collector/error_json.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

bool admin_as_json(const struct admin *admin)
{
    return admin_option(admin, "json") != NULL;
}

/* The text that the value of the next member goes to; NULL without --json. */
static struct text *begin_member(struct admin *admin, const char *name)
{
    if (!admin_as_json(admin))
        return NULL;
    if (admin->members == NULL)
        admin->members = text_new(admin->owner);
    else
        text_append(admin->members, ",");
    text_append_json(admin->members, name);
    text_append(admin->members, ":");
    return admin->members;
}

void admin_tell_text(struct admin *admin, const char *name, const char *value)
{
    struct text *out = begin_member(admin, name);
    if (out != NULL && value != NULL)
        text_append_json(out, value);
    else if (out != NULL)
        text_append(out, "null");
}

void admin_tell_number(struct admin *admin, const char *name, int64_t value)
{
    struct text *out = begin_member(admin, name);
    if (out != NULL)
        text_append_integer(out, value);
}

void admin_tell_truth(struct admin *admin, const char *name, bool value)
{
    struct text *out = begin_member(admin, name);
    if (out != NULL)
        text_append(out, value ? "true" : "false");
}

void admin_note(const struct admin *admin, const char *format, ...)
{
    va_list arguments;
    if (admin_as_json(admin))
        return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void admin_print(struct admin *admin, const char *name, const char *value)
{
    if (admin_as_json(admin))
        admin_tell_text(admin, name, value);
    else
        puts(value);
}

void admin_printed(struct admin *admin)
{
    admin->printed = true;
}

void admin_print_document(const struct admin *admin)
{
    if (admin_as_json(admin) && !admin->printed)
        printf("{%s}\n", admin->members != NULL ? admin->members->bytes : "");
}

void admin_print_warning(const char *message)
{
    struct text *out = text_new(NULL);
    text_append(out, "{\"warning\":{\"message\":");
    text_append_json(out, message);
    text_append(out, "}}\n");
    fputs(out->bytes, stderr);
    talloc_free(out);
}

void admin_print_error(const struct error *error, bool as_json)
{
    if (as_json)
        error_print_json(error);
    else
        error_print(error, "patella-admin");
}
