/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_tally.h"

#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "forms/base/memory.h"
#include "forms/json_write.h"

enum { LINES_SHOWN = 5, ENTRIES_MOST = 1000, LINE_TEXT = 64 };

/* Findings of one code, and column, together. */
struct entry {
    enum upload_severity severity;
    const char *code;
    const char *column, *value, *text;       /* of the first one */
    int64_t count;
    int64_t lines[LINES_SHOWN];
    size_t line_count;
};

struct upload_tally {
    struct upload_counts counts;
    bool needs_reason;
    struct entry *entries;
    size_t entry_count;
    int64_t kept_new, kept_unchanged;
    EVP_MD_CTX *hash;
};

static int free_tally(struct upload_tally *tally)
{
    EVP_MD_CTX_free(tally->hash);
    return 0;
}

struct upload_tally *upload_tally_new(const void *owner)
{
    struct upload_tally *tally = memory_new(owner, struct upload_tally);
    tally->entries = memory_new_array(tally, struct entry, ENTRIES_MOST);
    tally->hash = EVP_MD_CTX_new();
    talloc_set_destructor(tally, free_tally);
    if (tally->hash == NULL || EVP_DigestInit_ex(tally->hash, EVP_sha256(), NULL) != 1)
        memory_exhausted();
    return tally;
}

/* ---- findings ---- */

static bool is_same(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static const char *copy(const void *owner, const char *text)
{
    return text != NULL ? memory_copy_string(owner, text) : NULL;
}

static struct entry *entry_of(struct upload_tally *tally, const struct upload_finding *finding)
{
    for (size_t i = 0; i < tally->entry_count; i++) {
        struct entry *entry = &tally->entries[i];
        if (entry->severity == finding->severity && strcmp(entry->code, finding->code) == 0 &&
            is_same(entry->column, finding->column))
            return entry;
    }
    if (tally->entry_count == ENTRIES_MOST)
        return NULL;
    struct entry *entry = &tally->entries[tally->entry_count++];
    *entry = (struct entry){.severity = finding->severity, .code = memory_copy_string(tally, finding->code),
                            .column = copy(tally, finding->column), .value = copy(tally, finding->value),
                            .text = copy(tally, finding->text)};
    return entry;
}

void upload_tally_add_findings(struct upload_tally *tally, const struct upload_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++) {
        const struct upload_finding *finding = &findings->findings[i];
        struct entry *entry = entry_of(tally, finding);
        if (entry == NULL)
            continue;
        entry->count++;
        if (finding->line > 0 && entry->line_count < LINES_SHOWN)
            entry->lines[entry->line_count++] = finding->line;
    }
}

static void append_entry(struct text *out, const struct entry *entry, bool with_value)
{
    text_append(out, out->bytes[out->length - 1] == '[' ? "{" : ",{");
    json_text(out, "severity", upload_severity_name(entry->severity));
    json_text(out, "code", entry->code);
    json_key(out, "count");
    text_append_integer(out, entry->count);
    json_key(out, "lines");
    text_append(out, "[");
    for (size_t line = 0; line < entry->line_count; line++)
        text_append_format(out, "%s%lld", line > 0 ? "," : "", (long long)entry->lines[line]);
    text_append(out, "]");
    json_text(out, "column", entry->column);
    json_text(out, "value", with_value ? entry->value : NULL);
    json_text(out, "text", entry->text);
    text_append(out, "}");
}

/* Worst first, then in the order in which they were met. */
void upload_tally_findings_to_json(struct text *out, const struct upload_tally *tally)
{
    text_append(out, "[");
    for (int severity = UPLOAD_FILE_REFUSED; severity >= (int)UPLOAD_ASSUMED; severity--)
        for (size_t i = 0; i < tally->entry_count; i++)
            if (tally->entries[i].severity == (enum upload_severity)severity)
                append_entry(out, &tally->entries[i], true);
    text_append(out, "]");
}

void upload_tally_assumed_to_json(struct text *out, const struct upload_tally *tally)
{
    text_append(out, "[");
    for (size_t i = 0; i < tally->entry_count; i++)
        if (tally->entries[i].severity == UPLOAD_ASSUMED)
            append_entry(out, &tally->entries[i], false);
    text_append(out, "]");
}

/* ---- counts and digest ---- */

static void hash_text(struct upload_tally *tally, const char *text, size_t length)
{
    if (EVP_DigestUpdate(tally->hash, text, length) != 1)
        memory_exhausted();   /* it fails for nothing else */
}

static void hash_row(struct upload_tally *tally, const struct upload_judged *row)
{
    char begin[LINE_TEXT];
    int length = snprintf(begin, sizeof begin, "%lld %d\n", (long long)row->line.line, (int)row->verdict);
    hash_text(tally, begin, (size_t)length);
    for (size_t i = 0; row->verdict != UPLOAD_REFUSED && i < row->row.record_count; i++) {
        const struct upload_effect *effect = &row->effects[i];
        char *key = upload_key_text(row->owner, &row->keys[i]);
        hash_text(tally, key, strlen(key) + 1);
        if (effect->submission == NULL)
            continue;
        length = snprintf(begin, sizeof begin, " %d ", effect->submission->version);
        hash_text(tally, begin, (size_t)length);
        hash_text(tally, (const char *)effect->content, sizeof effect->content);
    }
}

static bool needs_reason(const struct upload_judged *row)
{
    for (size_t i = 0; row->verdict == UPLOAD_CHANGED && i < row->row.record_count; i++)
        if (row->effects[i].verdict == UPLOAD_CHANGED && row->row.records[i].input.reason == NULL)
            return true;
    return false;
}

void upload_tally_add_batch(struct upload_tally *tally, const struct upload_batch *batch)
{
    struct upload_counts *counts = &tally->counts;
    for (size_t i = 0; i < batch->count; i++) {
        const struct upload_judged *row = &batch->rows[i];
        counts->read++;
        counts->new += row->verdict == UPLOAD_NEW;
        counts->changed += row->verdict == UPLOAD_CHANGED;
        counts->unchanged += row->verdict == UPLOAD_UNCHANGED;
        counts->refused += row->verdict == UPLOAD_REFUSED;
        counts->warned += row->warned && row->verdict != UPLOAD_REFUSED;
        tally->needs_reason = tally->needs_reason || needs_reason(row);
        upload_tally_add_findings(tally, &row->findings);
        hash_row(tally, row);
    }
}

const struct upload_counts *upload_tally_counts(const struct upload_tally *tally)
{
    return &tally->counts;
}

bool upload_tally_needs_reason(const struct upload_tally *tally)
{
    return tally->needs_reason;
}

void upload_tally_digest(struct upload_tally *tally, char digest[65])
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_DigestFinal_ex(tally->hash, bytes, &length) != 1)
        memory_exhausted();
    text_to_hex(bytes, 32, digest);
}

void upload_counts_to_json(struct text *out, const struct upload_counts *counts)
{
    text_append_format(out, "{\"read\":%lld,\"new\":%lld,\"changed\":%lld,\"unchanged\":%lld,\"refused\":%lld,"
                       "\"warned\":%lld}", (long long)counts->read, (long long)counts->new,
                       (long long)counts->changed, (long long)counts->unchanged, (long long)counts->refused,
                       (long long)counts->warned);
}

/* ---- rows that are kept ---- */

static const char *const verdict_names[] = {"new", "changed", "unchanged", "refused"};

static void append_changes(struct text *out, const struct upload_judged *row)
{
    text_append(out, "[");
    for (size_t i = 0; i < row->row.record_count; i++)
        for (size_t change = 0; row->effects[i].verdict == UPLOAD_CHANGED && change < row->effects[i].change_count;
             change++) {
            const struct upload_change *one = &row->effects[i].changes[change];
            text_append(out, out->bytes[out->length - 1] == '[' ? "{" : ",{");
            json_text(out, "record", row->row.record_count > 1 ? upload_key_text(row->owner, &row->keys[i]) : NULL);
            json_text(out, "item", one->item);
            json_key(out, "before");
            one->before != NULL ? text_append_json(out, one->before) : text_append(out, "null");
            json_key(out, "after");
            one->after != NULL ? text_append_json(out, one->after) : text_append(out, "null");
            text_append(out, "}");
        }
    text_append(out, "]");
}

static void append_findings(struct text *out, const struct upload_findings *findings)
{
    text_append(out, "[");
    for (size_t i = 0; i < findings->count; i++) {
        const struct upload_finding *finding = &findings->findings[i];
        text_append(out, i > 0 ? ",{" : "{");
        json_text(out, "severity", upload_severity_name(finding->severity));
        json_text(out, "code", finding->code);
        json_key(out, "line");
        text_append_integer(out, finding->line);
        json_text(out, "column", finding->column);
        json_text(out, "value", finding->value);
        json_text(out, "text", finding->text);
        text_append(out, "}");
    }
    text_append(out, "]");
}

static const char *cells_to_json(const struct upload_judged *row)
{
    struct text *out = text_new(row->owner);
    text_append(out, "[");
    for (size_t i = 0; i < row->line.cell_count; i++) {
        text_append(out, i > 0 ? "," : "");
        text_append_json(out, row->line.cells[i]);
    }
    text_append(out, "]");
    return out->bytes;
}

static bool is_kept(struct upload_tally *tally, const struct upload_judged *row)
{
    if (row->warned || row->verdict == UPLOAD_CHANGED || row->verdict == UPLOAD_REFUSED)
        return true;
    int64_t *kept = row->verdict == UPLOAD_NEW ? &tally->kept_new : &tally->kept_unchanged;
    return (*kept)++ < UPLOAD_PLAIN_ROWS_KEPT;
}

static struct store_upload_row kept_row(const struct upload_judged *row)
{
    struct text *detail = text_new(row->owner);
    text_append(detail, "{\"changes\":");
    append_changes(detail, row);
    text_append(detail, ",\"findings\":");
    append_findings(detail, &row->findings);
    text_append(detail, "}");
    return (struct store_upload_row){
        .line = (int)row->line.line, .verdict = verdict_names[row->verdict], .warned = row->warned,
        .record = row->row.record_count > 0 ? upload_key_text(row->owner, &row->keys[0]) : NULL,
        .detail = detail->bytes, .cells = row->verdict == UPLOAD_REFUSED ? cells_to_json(row) : NULL};
}

bool upload_tally_keep(struct upload_tally *tally, struct upload_work *work, const struct upload_batch *batch,
                       struct error *error)
{
    struct store_upload_rows kept = {memory_new_array(batch, struct store_upload_row, batch->count + 1), 0};
    bool good = true;
    for (size_t i = 0; i < batch->count && good; i++) {
        if (is_kept(tally, &batch->rows[i]))
            kept.rows[kept.count++] = kept_row(&batch->rows[i]);
        if (kept.count == STORE_UPLOAD_ROWS) {
            good = store_add_upload_rows(work->store, &work->at, &kept, error);
            kept.count = 0;
        }
    }
    return good && (kept.count == 0 || store_add_upload_rows(work->store, &work->at, &kept, error));
}
