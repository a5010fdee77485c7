/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/seal_faults.h"

#include <inttypes.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { FAULTS_SHOWN = 1000 };

static const char *const kind_names[FAULT_KINDS] = {
    [FAULT_EDITED] = "edited",         [FAULT_DELETED] = "deleted",       [FAULT_INSERTED] = "inserted",
    [FAULT_SWAPPED] = "swapped",       [FAULT_BLOCK] = "block",           [FAULT_CHAIN] = "chain",
    [FAULT_SIGNATURE] = "signature",   [FAULT_CHECKPOINT] = "checkpoint", [FAULT_CUT_OFF] = "cut_off",
    [FAULT_COUNT] = "count",           [FAULT_CHANGED] = "changed",       [FAULT_MISSING] = "missing",
    [FAULT_ADDED] = "added",           [FAULT_CONTENT] = "content",       [FAULT_LINK] = "link",
};

struct seal_faults {
    struct seal_fault *kept;     /* the first FAULTS_SHOWN */
    size_t kept_count, count;
    const char **notes;
    size_t note_count;
};

struct seal_faults *seal_faults_new(const void *owner)
{
    return memory_new(owner, struct seal_faults);
}

void seal_faults_add(struct seal_faults *faults, const struct seal_fault *fault)
{
    if (faults->count++ >= FAULTS_SHOWN)
        return;
    faults->kept = memory_resize_array(faults, faults->kept, struct seal_fault, faults->kept_count + 1);
    struct seal_fault *kept = &faults->kept[faults->kept_count++];
    *kept = *fault;
    kept->object = fault->object != NULL ? memory_copy_string(faults, fault->object) : NULL;
    kept->text = memory_copy_string(faults, fault->text);
}

void seal_faults_note(struct seal_faults *faults, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    faults->notes = memory_resize_array(faults, faults->notes, const char *, faults->note_count + 1);
    faults->notes[faults->note_count++] = memory_format_list(faults, format, arguments);
    va_end(arguments);
}

size_t seal_faults_count(const struct seal_faults *faults)
{
    return faults->count;
}

/* ---- for people ---- */

static void print_fault(const struct seal_fault *fault, FILE *out)
{
    fprintf(out, "%s:", kind_names[fault->kind]);
    if (fault->block > 0)
        fprintf(out, " block %" PRId64, fault->block);
    if (fault->place.xid > 0)
        fprintf(out, " row %" PRId64 ".%" PRId64, fault->place.xid, fault->place.seq);
    if (fault->object != NULL)
        fprintf(out, " of %s", fault->object);
    if (fault->study > 0)
        fprintf(out, " study %d", fault->study);
    if (fault->site > 0)
        fprintf(out, " site %d", fault->site);
    bool located = fault->block > 0 || fault->place.xid > 0 || fault->object != NULL || fault->study > 0;
    fprintf(out, "%s %s\n", located ? ":" : "", fault->text);
}

static void print_people(const struct seal_faults *faults, const struct seal_counts *counts, FILE *out)
{
    for (size_t i = 0; i < faults->kept_count; i++)
        print_fault(&faults->kept[i], out);
    if (faults->count > faults->kept_count)
        fprintf(out, "and %zu more\n", faults->count - faults->kept_count);
    for (size_t i = 0; i < faults->note_count; i++)
        fprintf(out, "note: %s\n", faults->notes[i]);
    fprintf(out, "%" PRId64 " blocks with %" PRId64 " rows, %" PRId64 " rows not sealed yet, %" PRId64
            " submissions, %" PRId64 " rows of other tables: ", counts->blocks, counts->rows, counts->unsealed_rows,
            counts->submissions, counts->table_rows);
    if (faults->count == 0)
        fputs("all as they were sealed\n", out);
    else
        fprintf(out, "%zu fault(s)\n", faults->count);
}

/* ---- JSON ---- */

static void append_fault(struct text *text, const struct seal_fault *fault)
{
    text_append_format(text, "{\"fault\":\"%s\",\"block\":%" PRId64 ",\"xid\":%" PRId64 ",\"seq\":%" PRId64
                       ",\"object\":", kind_names[fault->kind], fault->block, fault->place.xid, fault->place.seq);
    text_append_json(text, fault->object != NULL ? fault->object : "");
    text_append_format(text, ",\"study\":%d,\"site\":%d,\"text\":", fault->study, fault->site);
    text_append_json(text, fault->text);
    text_append(text, "}");
}

static void print_json(const struct seal_faults *faults, const struct seal_counts *counts, FILE *out)
{
    struct text *text = text_new(NULL);
    text_append_format(text, "{\"whole\":%s,\"blocks\":%" PRId64 ",\"rows\":%" PRId64 ",\"unsealed_rows\":%" PRId64
                       ",\"submissions\":%" PRId64 ",\"table_rows\":%" PRId64 ",\"fault_count\":%zu,\"faults\":[",
                       faults->count == 0 ? "true" : "false", counts->blocks, counts->rows, counts->unsealed_rows,
                       counts->submissions, counts->table_rows, faults->count);
    for (size_t i = 0; i < faults->kept_count; i++) {
        text_append(text, i > 0 ? ",\n" : "\n");
        append_fault(text, &faults->kept[i]);
    }
    text_append(text, "],\"notes\":[");
    for (size_t i = 0; i < faults->note_count; i++) {
        text_append(text, i > 0 ? "," : "");
        text_append_json(text, faults->notes[i]);
    }
    text_append(text, "]}\n");
    fwrite(text->bytes, 1, text->length, out);
    talloc_free(text);
}

void seal_faults_print(const struct seal_faults *faults, const struct seal_counts *counts, bool json, FILE *out)
{
    if (json)
        print_json(faults, counts, out);
    else
        print_people(faults, counts, out);
}
