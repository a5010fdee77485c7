/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/upload_finding.h"

#include <stdarg.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { VALUE_CHARACTERS = 80 };

struct upload_findings upload_findings_begin(const void *owner)
{
    return (struct upload_findings){.owner = owner};
}

/* The first VALUE_CHARACTERS of it, in whole characters. */
static const char *copy_value(const void *owner, const char *value)
{
    size_t length = 0, characters = 0;
    while (value[length] != '\0') {
        bool continues = ((unsigned char)value[length] & 0xC0) == 0x80;
        if (!continues && characters++ == VALUE_CHARACTERS)
            break;
        length++;
    }
    return memory_copy_bytes(owner, value, length);
}

/* There is no field for the capacity: room doubles whenever the count is a power of two. */
static struct upload_finding *append(struct upload_findings *findings)
{
    bool is_full = (findings->count & (findings->count - 1)) == 0;
    if (is_full) {
        size_t room = findings->count == 0 ? 1 : memory_size_product(findings->count, 2);
        findings->findings = memory_resize_array(findings->owner, findings->findings, struct upload_finding, room);
    }
    return &findings->findings[findings->count++];
}

void upload_finding_add(struct upload_findings *findings, enum upload_severity severity, const char *code,
                        const struct upload_place *place, const char *format, ...)
{
    static const struct upload_place whole_file = {0};
    if (place == NULL)
        place = &whole_file;
    findings->refusals += severity >= UPLOAD_ROW_REFUSED;
    findings->file_refused = findings->file_refused || severity == UPLOAD_FILE_REFUSED;
    bool is_about_file = severity == UPLOAD_FILE_REFUSED || place->line == 0;
    if (findings->limit != 0 && findings->count >= findings->limit && !is_about_file) {
        findings->dropped++;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(findings->owner, format, arguments);
    va_end(arguments);
    text_drop_broken(text);
    *append(findings) = (struct upload_finding){
        .severity = severity,
        .code = memory_copy_string(findings->owner, code),
        .line = place->line,
        .column = place->column != NULL ? memory_copy_string(findings->owner, place->column) : NULL,
        .value = place->value != NULL ? copy_value(findings->owner, place->value) : NULL,
        .text = text,
    };
}

const char *upload_severity_name(enum upload_severity severity)
{
    switch (severity) {
    case UPLOAD_ASSUMED: return "assumed";
    case UPLOAD_WARNING: return "warning";
    case UPLOAD_ROW_REFUSED: return "row_refused";
    case UPLOAD_FILE_REFUSED: return "file_refused";
    }
    return "file_refused";
}
