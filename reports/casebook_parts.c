/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/casebook_html.h"

static const char *or_dash(const char *text)
{
    return text[0] != '\0' ? text : DASH;
}

static const struct book_record *find_record(const struct book *book, const json_t *thing)
{
    for (size_t i = 0; i < book->record_count; i++)
        if (record_has(&book->records[i], thing))
            return &book->records[i];
    return NULL;
}

/* ---- serious events ---- */

/* When it was handed on, by the trail of the cut: "" while it was not. */
static const char *delivered_at(const struct book *book, const char *notice_id)
{
    size_t index;
    const json_t *event;
    json_array_foreach(book->trail, index, event) {
        const json_t *new = json_object_get(event, "new");
        bool delivered = strcmp(thing_text(event, "object"), "audit.notice") == 0 &&
                         strcmp(thing_text(event, "operation"), "UPDATE") == 0 &&
                         strcmp(thing_text(new, "notice_id"), notice_id) == 0 &&
                         thing_text(new, "delivered_at")[0] != '\0';
        if (delivered)
            return thing_text(event, "at");
    }
    return "";
}

/* "serious_event_worse" as people write it. */
static const char *plain(const struct text *out, const char *code)
{
    char *words = memory_copy_string(out, code);
    for (char *c = words; *c != '\0'; c++)
        if (*c == '_')
            *c = ' ';
    return words;
}

void casebook_append_safety(struct text *out, const struct book *book)
{
    size_t index;
    const json_t *notice;
    if (json_array_size(book_things(book, "notice")) == 0) {
        casebook_paragraph(out, "No notice of a serious event was written about this subject.");
        return;
    }
    casebook_paragraph(out, "Each version of a serious adverse event that is news to the sponsor leaves a notice; its "
                            "clocks run from receipt. The events themselves stand among the records.");
    casebook_begin_table(out, "beside", "Notices", "Event", "Version", "Notice", "Severity", "Noticed (UTC)",
                         "Sponsor by (UTC)", "Authority by (UTC)", "Handed on (UTC)", NULL);
    json_array_foreach(book_things(book, "notice"), index, notice) {
        const struct book_record *record = find_record(book, notice);
        casebook_row(out, record != NULL ? record->title : DASH, casebook_number(out, thing_number(notice, "version")),
                     plain(out, thing_text(notice, "kind")), plain(out, thing_text(notice, "severity")),
                     thing_text(notice, "noticed_at"), or_dash(thing_text(notice, "sponsor_due")),
                     or_dash(thing_text(notice, "authority_due")),
                     or_dash(delivered_at(book, thing_text(notice, "notice_id"))), NULL);
    }
    casebook_end_table(out);
}

/* ---- queries and signatures of all records ---- */

static const char *query_place(struct text *out, const struct book *book, const json_t *query)
{
    const char *item = thing_text(query, "item"), *form = thing_text(query, "form");
    const char *entered = find_record(book, query) != NULL ? "" : " (not entered)";
    return memory_format(out, "%s%s%s%s%s", book_record_title(book, query), entered, item[0] != '\0' ? ": " : "",
                         item[0] != '\0' ? book_item_title(book, form, item) : "",
                         casebook_query_is_open(query) ? " " DASH " open" : "");
}

void casebook_append_queries(struct text *out, const struct book *book)
{
    size_t index;
    const json_t *query;
    const json_t *queries = book_things(book, "query");
    if (json_array_size(queries) == 0) {
        casebook_paragraph(out, "No query was opened about this subject.");
        return;
    }
    casebook_begin_table(out, "beside", "All queries, in the order in which they were opened", "About", "Event",
                         "Text", "By", "At (UTC)", NULL);
    json_array_foreach(queries, index, query) {
        casebook_append_query(out, book, query, query_place(out, book, query));
    }
    casebook_end_table(out);
}

static const struct book_record *find_signed(const struct book *book, const json_t *signature, const json_t **version)
{
    for (size_t i = 0; i < book->record_count; i++) {
        *version = record_find_version(&book->records[i], thing_text(signature, "version_id"));
        if (*version != NULL)
            return &book->records[i];
    }
    return NULL;
}

void casebook_append_signatures(struct text *out, const struct book *book)
{
    size_t index;
    const json_t *signature;
    const json_t *signatures = book_things(book, "signature");
    if (json_array_size(signatures) == 0) {
        casebook_paragraph(out, "Nothing of this subject was signed.");
        return;
    }
    casebook_begin_table(out, "beside", "All signatures, in the order of time", "Record", "Name", "Meaning",
                         "At (UTC)", "Signed", "SHA-256 of what was signed", NULL);
    json_array_foreach(signatures, index, signature) {
        const json_t *version = NULL;
        const struct book_record *record = find_signed(book, signature, &version);
        casebook_row(out, record != NULL ? book_record_title(book, version) : DASH, thing_text(signature, "name"),
                     thing_text(signature, "meaning"), thing_text(signature, "at"),
                     record != NULL ? casebook_coverage(out, record, version) : "no version of the cut",
                     thing_text(signature, "sha256"), NULL);
    }
    casebook_end_table(out);
}

/* ---- the trail ---- */

static bool is_one_of(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}
#define IS_ONE_OF(name, names) is_one_of(name, names, sizeof(names) / sizeof *(names))

/* Members that stand in other columns or elsewhere in full; those that name a record, when all of them are there. */
static bool is_told_elsewhere(const json_t *row, const char *member)
{
    static const char *const told[] = {"subject_no", "recorded_by", "recorded_at", "reason",     "text",
                                       "rest",       "sha256",      "printed_name", "entered_by", "entered_at"};
    static const char *const of_record[] = {"form", "knee", "visit", "instance"};
    return IS_ONE_OF(member, told) || (json_object_get(row, "form") != NULL && IS_ONE_OF(member, of_record));
}

static const char *member_text(const void *owner, const json_t *value)
{
    char *dumped;
    if (json_is_string(value))
        return json_string_value(value);
    if (value == NULL || json_is_null(value))
        return DASH;
    dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    const char *text = memory_copy_string(owner, dumped);
    free(dumped);
    return text;
}

/* "version=2; status=complete", of an UPDATE what changed: "locked: false to true". */
static const char *event_details(const struct text *out, const json_t *event)
{
    const char *member;
    json_t *value;
    json_t *new = json_object_get(event, "new");
    const json_t *old = json_object_get(event, "old");
    struct text *details = text_new(out);
    json_object_foreach(new, member, value) {
        const json_t *before = json_object_get(old, member);
        if (is_told_elsewhere(new, member) || json_is_null(value) || (json_is_object(old) && json_equal(before, value)))
            continue;
        text_append_format(details, "%s%s", details->length > 0 ? "; " : "", member);
        if (json_is_object(old))
            text_append_format(details, ": %s to %s", member_text(details, before), member_text(details, value));
        else
            text_append_format(details, "=%s", member_text(details, value));
    }
    return details->bytes;
}

static const json_t *find_by_id(const struct book *book, const char *kind, const char *id)
{
    size_t index;
    const json_t *thing;
    json_array_foreach(book_things(book, kind), index, thing) {
        if (strcmp(thing_text(thing, "id"), id) == 0)
            return thing;
    }
    return NULL;
}

/* Id of the version that an event is about, "" when it names none. */
static const char *event_version(const struct book *book, const json_t *event)
{
    const json_t *new = json_object_get(event, "new");
    const char *id = thing_text(new, "submission_id");
    if (id[0] == '\0')
        id = thing_text(find_by_id(book, "redaction", thing_text(new, "redaction_id")), "version_id");
    return id[0] != '\0' ? id : thing_text(event, "row_id");
}

static const char *event_about(const struct text *out, const struct book *book, const json_t *event)
{
    const json_t *new = json_object_get(event, "new");
    const json_t *signature = NULL;
    if (thing_text(new, "form")[0] != '\0')
        return book_record_title(book, new);
    const json_t *query = find_by_id(book, "query", thing_text(new, "query_id"));
    if (query != NULL)
        return book_record_title(book, query);
    json_t *named = json_pack("{s:s}", "version_id", event_version(book, event));
    const struct book_record *record = find_signed(book, named, &signature);
    json_decref(named);
    return record != NULL ? memory_format(out, "%s, version %d", book_record_title(book, signature),
                                          thing_number(signature, "version"))
                          : DASH;
}

static const char *event_reason(const struct book *book, const json_t *event)
{
    const char *reason = thing_text(event, "reason");
    return reason[0] == '\0' && !book->frame->withheld ? DASH : book_words(book, reason);
}

static void append_events(struct text *out, const struct book *book, const json_t *events)
{
    size_t index;
    const json_t *event;
    json_array_foreach(events, index, event) {
        void *work = memory_owner(out, "event");
        struct text *details = text_new(work);
        casebook_row(out, thing_text(event, "at"), thing_text(event, "actor"), thing_text(event, "operation"),
                     thing_text(event, "object"), event_about(details, book, event), event_details(details, event),
                     event_reason(book, event), NULL);
        talloc_free(work);
    }
}

void casebook_append_trail(struct text *out, const struct book *book)
{
    casebook_paragraph(out, "Every row of the audit trail of the cut about this subject, in the order of time: what "
                            "was done to which table. Texts of queries stand with the queries, answers with the "
                            "records.");
    casebook_begin_table(out, "trail", "", "At (UTC)", "Who", "Operation", "Table", "About", "Details", "Reason",
                         NULL);
    append_events(out, book, book->trail);
    casebook_end_table(out);
    if (json_array_size(book->study_trail) == 0)
        return;
    casebook_begin_table(out, "trail", "Of the study as a whole: frozen or not", "At (UTC)", "Who", "Operation",
                         "Table", "About", "Details", "Reason", NULL);
    append_events(out, book, book->study_trail);
    casebook_end_table(out);
}

/* ---- people ---- */

static bool names_account(const char *member)
{
    static const char *const members[] = {"by", "recorded_by", "actor", "asked_by", "decided_by"};
    return IS_ONE_OF(member, members);
}

/* Every account that stands anywhere in `value`. */
static void gather_accounts(json_t *value, json_t *accounts)
{
    const char *member;
    json_t *inner;
    size_t index;
    if (json_is_object(value)) {
        json_object_foreach(value, member, inner) {
            if (json_is_string(inner) && names_account(member))
                json_object_set_new(accounts, json_string_value(inner), json_true());
            gather_accounts(inner, accounts);
        }
    } else if (json_is_array(value)) {
        json_array_foreach(value, index, inner) {
            gather_accounts(inner, accounts);
        }
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void casebook_append_people(struct text *out, const struct book *book)
{
    const char *account;
    json_t *ignored, *accounts = json_object();
    gather_accounts((json_t *)book->things, accounts);
    gather_accounts((json_t *)book->trail, accounts);
    gather_accounts((json_t *)book->study_trail, accounts);
    size_t count = 0;
    const char **names = memory_new_array(out, const char *, json_object_size(accounts));
    json_object_foreach(accounts, account, ignored)
        names[count++] = memory_copy_string(out, account);
    json_decref(accounts);
    qsort(names, count, sizeof *names, compare_names);
    casebook_begin_table(out, "beside", "", "Account", "Name", "Roles in the study until the cut", NULL);
    for (size_t i = 0; i < count; i++) {
        const json_t *person = json_object_get(book->frame->people, names[i]);
        bool program = strncmp(names[i], "db:", 3) == 0;
        const char *name = program ? "a role of the database, used by programs" : or_dash(thing_text(person, "name"));
        casebook_row(out, names[i], name, or_dash(thing_text(person, "roles")), NULL);
    }
    casebook_end_table(out);
}

/* ---- how to read this ---- */

void casebook_append_reading(struct text *out, const struct book *book)
{
    casebook_paragraph(out, "This casebook holds what the database held about the subject at the data cut and nothing "
                            "later, but for redactions, which take answers out of versions that the cut holds. Records "
                            "stand in the order of the protocol: by visit, form and knee. Times of receipt and of acts "
                            "are UTC; dates in forms are those of the site (%s).", book->frame->time_zone);
    casebook_paragraph(out, "Wording of items is that of the study's form files, version by version. " DASH " means "
                            "that no answer was given, or that the item was not asked for. A version is never changed: "
                            "a correction is a further version with a reason, a mistaken record is voided by one.");
    casebook_paragraph(out, "A verification mark or a signature is of one version: it says nothing of the versions "
                            "behind it. The SHA-256 of a version is that of its canonical text as it was received; it "
                            "stays when the answers are redacted.");
    casebook_paragraph(out, "Door is the way by which a version came, as the interface calls it.");
    if (book->frame->withheld)
        casebook_paragraph(out, "Withheld are items that reveal the arm, items with texts in somebody's own words, "
                                "those that ask for a harvest site, and every reason, query and other text that "
                                "somebody wrote. Changes of such items are not listed.");
}
