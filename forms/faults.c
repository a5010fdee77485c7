/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/faults.h"

#include <stdarg.h>
#include <stdio.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

/* More would only bury the first ones. */
enum { FAULTS_SHOWN = 100 };

struct faults faults_begin(const void *owner)
{
    return (struct faults){.owner = owner, .faults = NULL, .count = 0};
}

static void append(struct faults *faults, const char *file, int line, const char *text)
{
    faults->faults = memory_resize_array(faults->owner, faults->faults, struct fault, faults->count + 1);
    faults->faults[faults->count++] = (struct fault){
        .file = memory_copy_string(faults->owner, file),
        .line = line,
        .text = memory_copy_string(faults->owner, text),
    };
}

/* Once, as the last one. */
static void say_there_are_more(struct faults *faults)
{
    const struct fault last = faults->faults[faults->count - 1];
    if (faults->count == FAULTS_SHOWN)
        append(faults, last.file, last.line, "there are more faults; correct these first");
}

void faults_add(struct faults *faults, const char *file, int line, const char *format, ...)
{
    if (faults->count >= FAULTS_SHOWN) {
        say_there_are_more(faults);
        return;
    }
    char text[sizeof(((struct error *)0)->message)];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    text_drop_broken(text);
    append(faults, file, line, text);
}

void faults_add_error(struct faults *faults, const char *file, const struct error *error)
{
    if (faults->count >= FAULTS_SHOWN)
        say_there_are_more(faults);
    else
        append(faults, error->file[0] != '\0' ? error->file : file, error->line, error->message);
}

bool faults_to_error(const struct faults *faults, struct error *error)
{
    if (faults->count == 0)
        return true;
    const struct fault *first = &faults->faults[0];
    for (size_t i = 1; i < faults->count; i++)
        if (faults->faults[i].line < first->line)
            first = &faults->faults[i];
    return error_at(error, ERROR_INPUT, first->file, first->line, "%s", first->text);
}
