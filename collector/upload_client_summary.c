/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_client_summary.h"

#include <inttypes.h>
#include <string.h>

#include "collector/upload_client.h"

static const struct {
    const char *severity, *title;
} sections[] = {
    {"file_refused", "the file is refused"},
    {"row_refused", "refused rows"},
    {"warning", "to be looked at"},
    {"assumed", "assumed"},
};

/* ---- pieces ---- */

/* C0, DEL and C1 (c2 80 to c2 9f in UTF-8). */
void upload_client_append_plain(struct text *out, const char *string)
{
    for (const unsigned char *at = (const unsigned char *)string; *at != '\0'; at++) {
        bool c1 = at[0] == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f;
        if (c1 || *at < ' ' || *at == 0x7f)
            text_append(out, "?");
        else
            text_append_bytes(out, at, 1);
        at += c1;
    }
}

static int append_dumped(const char *bytes, size_t length, void *out)
{
    text_append_bytes(out, bytes, length);
    return 0;
}

void upload_client_append_json(struct text *out, const json_t *json)
{
    if (json_dump_callback(json, append_dumped, out, JSON_COMPACT | JSON_PRESERVE_ORDER) != 0)
        text_append(out, "null");
}

static void append_counted(struct text *out, int64_t count, const char *what)
{
    upload_client_append_count(out, count);
    text_append_format(out, " %s", what);
}

static void append_rows(struct text *out, int64_t count)
{
    append_counted(out, count, count == 1 ? "row" : "rows");
}

static void append_counts(struct text *out, const json_t *rows)
{
    append_counted(out, upload_client_number(rows, "new"), "new, ");
    append_counted(out, upload_client_number(rows, "changed"), "changed, ");
    append_counted(out, upload_client_number(rows, "unchanged"), "unchanged, ");
    append_counted(out, upload_client_number(rows, "refused"), "refused");
    if (upload_client_number(rows, "warned") > 0) {
        text_append(out, "; ");
        append_counted(out, upload_client_number(rows, "warned"), "to be looked at");
    }
}

/* ---- a preview ---- */

static void append_head(struct text *out, const json_t *upload)
{
    const json_t *file = json_object_get(upload, "file"), *profile = json_object_get(upload, "profile");
    const json_t *site = json_object_get(upload, "site");
    upload_client_append_plain(out, upload_client_text(file, "name"));
    text_append(out, ": ");
    append_rows(out, upload_client_number(json_object_get(upload, "rows"), "read"));
    text_append(out, ", ");
    upload_client_append_bytes(out, upload_client_number(file, "size"));
    text_append_format(out, ", study %s", upload_client_text(upload, "study"));
    if (json_is_integer(site))
        text_append_format(out, ", site %" JSON_INTEGER_FORMAT, json_integer_value(site));
    if (json_is_object(profile))
        text_append_format(out, ", profile %s version %" PRId64, upload_client_text(profile, "name"),
                           upload_client_number(profile, "version"));
    text_append(out, "\n  ");
    append_counts(out, json_object_get(upload, "rows"));
    text_append(out, "\n");
}

static void append_value(struct text *out, const json_t *value)
{
    if (json_is_string(value))
        upload_client_append_plain(out, json_string_value(value));
    else
        text_append(out, "(nothing)");
}

static void append_changed(struct text *out, const json_t *row)
{
    const json_t *changes = json_object_get(row, "changes");
    text_append_format(out, "  line %" PRId64 " ", upload_client_number(row, "line"));
    upload_client_append_plain(out, upload_client_text(row, "record"));
    for (size_t i = 0; i < json_array_size(changes); i++) {
        const json_t *change = json_array_get(changes, i);
        text_append(out, i == 0 ? ": " : "; ");
        upload_client_append_plain(out, upload_client_text(change, "item"));
        text_append(out, " ");
        append_value(out, json_object_get(change, "before"));
        text_append(out, " -> ");
        append_value(out, json_object_get(change, "after"));
    }
    text_append(out, "\n");
}

static void append_changes(struct text *out, const json_t *upload, const json_t *changed)
{
    const json_t *rows = json_object_get(changed, "rows");
    int64_t all = upload_client_number(json_object_get(upload, "rows"), "changed");
    size_t shown = json_array_size(rows) < UPLOAD_CLIENT_SHOWN_CHANGES ? json_array_size(rows)
                                                                      : UPLOAD_CLIENT_SHOWN_CHANGES;
    if (shown == 0)
        return;
    text_append(out, "changed");
    if ((int64_t)shown < all)
        text_append_format(out, ", the first %zu", shown);
    text_append(out, ":\n");
    for (size_t i = 0; i < shown; i++)
        append_changed(out, json_array_get(rows, i));
}

/* "3 rows, lines 17, 20, 31" or "line 17"; nothing for what is about the file. */
static void append_lines(struct text *out, const json_t *finding)
{
    const json_t *lines = json_object_get(finding, "lines");
    int64_t count = upload_client_number(finding, "count");
    size_t shown = json_array_size(lines) < UPLOAD_CLIENT_SHOWN_LINES ? json_array_size(lines)
                                                                      : UPLOAD_CLIENT_SHOWN_LINES;
    if (shown == 0)
        return;
    text_append(out, " (");
    if (count > 1) {
        append_rows(out, count);
        text_append(out, ", ");
    }
    text_append(out, shown == 1 ? "line " : "lines ");
    for (size_t i = 0; i < shown; i++)
        text_append_format(out, "%s%" JSON_INTEGER_FORMAT, i > 0 ? ", " : "",
                           json_integer_value(json_array_get(lines, i)));
    text_append(out, (int64_t)shown < count ? ", ...)" : ")");
}

static void append_finding(struct text *out, const json_t *finding)
{
    const char *column = upload_client_text(finding, "column"), *value = upload_client_text(finding, "value");
    text_append_format(out, "  %s", upload_client_text(finding, "code"));
    append_lines(out, finding);
    text_append(out, ": ");
    if (column[0] != '\0') {
        text_append(out, "column ");
        upload_client_append_plain(out, column);
        text_append(out, value[0] != '\0' ? ", " : ": ");
    }
    if (value[0] != '\0') {
        text_append(out, "\"");
        upload_client_append_plain(out, value);
        text_append(out, "\": ");
    }
    upload_client_append_plain(out, upload_client_text(finding, "text"));
    text_append(out, "\n");
}

static void append_section(struct text *out, const json_t *findings, const char *severity, const char *title)
{
    bool begun = false;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *finding = json_array_get(findings, i);
        if (strcmp(upload_client_text(finding, "severity"), severity) != 0)
            continue;
        if (!begun)
            text_append_format(out, "%s:\n", title);
        begun = true;
        append_finding(out, finding);
    }
}

void upload_client_append_preview(struct text *out, const json_t *upload, const json_t *changed)
{
    append_head(out, upload);
    append_changes(out, upload, changed);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        append_section(out, json_object_get(upload, "findings"), sections[i].severity, sections[i].title);
}

enum upload_client_task upload_client_task_of(const json_t *upload)
{
    const json_t *rows = json_object_get(upload, "rows");
    bool refused = upload_client_number(rows, "refused") > 0;
    bool good = upload_client_number(rows, "new") > 0 || upload_client_number(rows, "changed") > 0;
    if (strcmp(upload_client_text(upload, "state"), "refused") == 0 || (refused && !good))
        return UPLOAD_CLIENT_REFUSED;
    if (!good)
        return UPLOAD_CLIENT_NOTHING;
    return refused ? UPLOAD_CLIENT_STORE_GOOD : UPLOAD_CLIENT_STORE;
}

/* ---- what came of it ---- */

void upload_client_append_receipt(struct text *out, const json_t *receipt)
{
    text_append_format(out, "batch %" PRId64 ": ", upload_client_number(receipt, "batch"));
    append_counts(out, json_object_get(receipt, "rows"));
    text_append(out, "; stored ");
    upload_client_append_plain(out, upload_client_text(receipt, "committed_at"));
    text_append(out, " by ");
    upload_client_append_plain(out, upload_client_text(receipt, "by"));
    text_append(out, "\n");
}

void upload_client_append_line(struct text *out, const json_t *upload)
{
    text_append_format(out, "%s  %-10s  ", upload_client_text(upload, "id"), upload_client_text(upload, "state"));
    upload_client_append_plain(out, upload_client_text(json_object_get(upload, "file"), "name"));
    if (json_is_object(json_object_get(upload, "rows"))) {
        text_append(out, ": ");
        append_counts(out, json_object_get(upload, "rows"));
    }
    text_append(out, "\n");
}
