/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "forms/base/memory.h"
#include "reports/casebook_html.h"

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : DASH;
}

/* Reasons and the like; a dash where there is none, unless that is withheld, too. */
static const char *words_or_dash(const struct book *book, const json_t *thing, const char *member)
{
    return or_dash(book_words(book, thing_text(thing, member)));
}

/* ---- state ---- */

const char *casebook_coverage(const struct text *out, const struct book_record *record, const json_t *version)
{
    int number = thing_number(version, "version"), newest = thing_number(record_newest(record), "version");
    if (number == newest)
        return memory_format(out, "version %d, the newest", number);
    return memory_format(out, "version %d only; it does not cover version %d", number, newest);
}

bool casebook_query_is_open(const json_t *query)
{
    const json_t *events = json_object_get(query, "events");
    const json_t *last = json_array_get(events, json_array_size(events) - 1);
    return last != NULL && strcmp(thing_text(last, "kind"), "closed") != 0;
}

static bool is_locked(const struct book *book, const struct book_record *record)
{
    bool locked = false;
    size_t index;
    const json_t *lock;
    json_array_foreach(book_things(book, "lock"), index, lock) {
        if (record_has(record, lock))
            locked = json_is_true(json_object_get(lock, "locked"));
    }
    return locked;
}

static void append_states(struct text *out, const struct book *book, const struct book_record *record)
{
    const json_t *newest = record_newest(record);
    if (version_is_void(newest))
        text_append(out, "<span class=\"state\">void</span>");
    if (version_is_redacted(record_newest_complete(record)))
        text_append(out, "<span class=\"state\">redacted</span>");
    if (is_locked(book, record))
        text_append(out, "<span class=\"state\">locked</span>");
}

/* ---- versions ---- */

static const char *form_words(const struct text *out, const json_t *version)
{
    return memory_format(out, "%d / %d", thing_number(version, "form_version"),
                         thing_number(version, "protocol_version"));
}

static void append_hash(struct text *out, const json_t *version, size_t columns)
{
    text_append_format(out, "<tr><td></td><td class=\"hash\" colspan=\"%zu\">id ", columns - 1);
    text_append_html(out, thing_text(version, "id"));
    text_append(out, ", SHA-256 ");
    text_append_html(out, thing_text(version, "sha256"));
    text_append(out, "</td></tr>\n");
}

static void append_versions(struct text *out, const struct book *book, const struct book_record *record)
{
    casebook_begin_table(out, "versions", "Versions", "Version", "State", "Date of the form", "Received (UTC)", "By",
                         "Door", "Form / protocol version", "Reason for change", NULL);
    for (size_t i = 0; i < record->version_count; i++) {
        const json_t *version = record->versions[i];
        bool first = thing_number(version, "version") == 1;
        casebook_row(out, casebook_number(out, thing_number(version, "version")),
                     version_is_redacted(version) ? memory_format(out, "%s, redacted", thing_text(version, "status"))
                                                  : thing_text(version, "status"),
                     thing_text(version, "dated"), thing_text(version, "recorded_at"),
                     thing_text(version, "recorded_by"), thing_text(version, "door"), form_words(out, version),
                     first ? DASH : words_or_dash(book, version, "reason"), NULL);
        append_hash(out, version, 8);
    }
    casebook_end_table(out);
}

/* A version must name the hash of the one before. */
static void append_links(struct text *out, const struct book_record *record)
{
    for (size_t i = 1; i < record->version_count; i++)
        if (strcmp(thing_text(record->versions[i], "prev_sha256"), thing_text(record->versions[i - 1], "sha256")) != 0)
            casebook_paragraph(out, "Version %d does not name the SHA-256 of the version before it: `patella-seal "
                                    "verify` tells what was changed.",
                               thing_number(record->versions[i], "version"));
}

/* ---- what stands beside versions: one table each, where there is something ---- */

static void append_signatures(struct text *out, const struct book *book, const struct book_record *record)
{
    size_t index;
    const json_t *signature;
    bool begun = false;
    json_array_foreach(book_things(book, "signature"), index, signature) {
        const json_t *version = record_find_version(record, thing_text(signature, "version_id"));
        if (version == NULL)
            continue;
        if (!begun)
            casebook_begin_table(out, "beside", "Signatures", "Name", "Account", "Meaning", "At (UTC)", "Signed",
                                 NULL);
        begun = true;
        casebook_row(out, thing_text(signature, "name"), thing_text(signature, "by"), thing_text(signature, "meaning"),
                     thing_text(signature, "at"),
                     json_is_true(json_object_get(signature, "same"))
                         ? casebook_coverage(out, record, version)
                         : "another content than that of the version", NULL);
    }
    if (begun)
        casebook_end_table(out);
}

static void append_verifications(struct text *out, const struct book *book, const struct book_record *record)
{
    size_t index;
    const json_t *mark;
    bool begun = false;
    json_array_foreach(book_things(book, "verification"), index, mark) {
        const json_t *version = record_find_version(record, thing_text(mark, "version_id"));
        if (version == NULL)
            continue;
        if (!begun)
            casebook_begin_table(out, "beside", "Source data verification", "Mark", "By", "At (UTC)", "Of", "Reason",
                                 NULL);
        begun = true;
        bool withdrawn = strcmp(thing_text(mark, "kind"), "withdrawn") == 0;
        casebook_row(out, thing_text(mark, "kind"), thing_text(mark, "by"), thing_text(mark, "at"),
                     casebook_coverage(out, record, version),
                     withdrawn ? words_or_dash(book, mark, "reason") : DASH, NULL);
    }
    if (begun)
        casebook_end_table(out);
}

static void append_locks(struct text *out, const struct book *book, const struct book_record *record)
{
    size_t index;
    const json_t *lock;
    bool begun = false;
    json_array_foreach(book_things(book, "lock"), index, lock) {
        if (!record_has(record, lock))
            continue;
        if (!begun)
            casebook_begin_table(out, "beside", "Locks", "Record was", "By", "At (UTC)", "Reason", NULL);
        begun = true;
        casebook_row(out, json_is_true(json_object_get(lock, "locked")) ? "locked" : "unlocked",
                     thing_text(lock, "by"), thing_text(lock, "at"), words_or_dash(book, lock, "reason"), NULL);
    }
    if (begun)
        casebook_end_table(out);
}

static const char *decision_words(const struct text *out, const json_t *redaction)
{
    const char *decision = thing_text(redaction, "decision");
    if (decision[0] == '\0')
        return "not decided";
    bool after = json_is_true(json_object_get(redaction, "after_cut"));
    return after ? memory_format(out, "%s, after the cut", decision) : decision;
}

static void append_redactions(struct text *out, const struct book *book, const struct book_record *record)
{
    size_t index;
    const json_t *redaction;
    bool begun = false;
    json_array_foreach(book_things(book, "redaction"), index, redaction) {
        const json_t *version = record_find_version(record, thing_text(redaction, "version_id"));
        if (version == NULL)
            continue;
        if (!begun)
            casebook_begin_table(out, "beside", "Redaction", "Version", "Asked by", "At (UTC)", "Reason", "Decision",
                                 "By", "At (UTC)", "Its reason", NULL);
        begun = true;
        casebook_row(out, casebook_number(out, thing_number(version, "version")), thing_text(redaction, "asked_by"),
                     thing_text(redaction, "asked_at"), words_or_dash(book, redaction, "reason"),
                     decision_words(out, redaction), or_dash(thing_text(redaction, "decided_by")),
                     or_dash(thing_text(redaction, "decided_at")),
                     words_or_dash(book, redaction, "decision_reason"), NULL);
    }
    if (begun)
        casebook_end_table(out);
}

static void append_second_entries(struct text *out, const struct book *book, const struct book_record *record)
{
    size_t index;
    const json_t *entry;
    json_array_foreach(book_things(book, "second_entry"), index, entry) {
        const json_t *version = record_find_version(record, thing_text(entry, "version_id"));
        if (version != NULL)
            casebook_append_differences(out, book, record, version, entry);
    }
}

/* ---- queries ---- */

void casebook_append_query(struct text *out, const struct book *book, const json_t *query, const char *about)
{
    size_t index;
    const json_t *event;
    json_array_foreach(json_object_get(query, "events"), index, event) {
        casebook_row(out, index == 0 ? about : "", thing_text(event, "kind"),
                     book_words(book, thing_text(event, "text")), thing_text(event, "by"), thing_text(event, "at"),
                     NULL);
    }
}

static void append_queries(struct text *out, const struct book *book, const struct book_record *record)
{
    size_t index;
    const json_t *query;
    bool begun = false;
    json_array_foreach(book_things(book, "query"), index, query) {
        if (!record_has(record, query))
            continue;
        if (!begun)
            casebook_begin_table(out, "beside", "Queries", "About", "Event", "Text", "By", "At (UTC)", NULL);
        begun = true;
        const char *item = thing_text(query, "item");
        const char *title = item[0] != '\0' ? book_item_title(book, record->form, item) : "the record";
        casebook_append_query(out, book, query,
                              memory_format(out, "%s (version %d)%s", title, thing_number(query, "version"),
                                            casebook_query_is_open(query) ? ", open" : ""));
    }
    if (begun)
        casebook_end_table(out);
}

/* ---- the record ---- */

void casebook_append_record(struct text *out, const struct book *book, const struct book_record *record,
                            const char *number)
{
    text_append_format(out, "<h3 id=\"%s\"><span>%s</span>", record->anchor, number);
    text_append_html(out, record->title);
    append_states(out, book, record);
    text_append(out, "</h3>\n");
    casebook_append_answers(out, book, record);
    casebook_append_changes(out, book, record);
    append_versions(out, book, record);
    append_links(out, record);
    append_second_entries(out, book, record);
    append_verifications(out, book, record);
    append_signatures(out, book, record);
    append_queries(out, book, record);
    append_locks(out, book, record);
    append_redactions(out, book, record);
}
