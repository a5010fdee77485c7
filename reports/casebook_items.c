/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "forms/base/memory.h"
#include "reports/casebook_html.h"
#include "reports/format.h"

/* ---- what one version says of an item ---- */

static const char *value_text(const void *owner, const json_t *value)
{
    if (json_is_integer(value))
        return memory_format(owner, "%lld", (long long)json_integer_value(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    return json_is_string(value) ? json_string_value(value) : "";
}

/* "moderate (2)", "12 mm", "yes". */
static const char *answer_text(const void *owner, const struct item *item, const json_t *value)
{
    const char *text = value_text(owner, value);
    const struct choice *choice = item != NULL ? item_find_choice(item, text) : NULL;
    if (choice != NULL)
        return strcmp(choice->label, choice->code) == 0 ? text
                                                        : memory_format(owner, "%s (%s)", choice->label, text);
    return item != NULL && item->unit != NULL ? memory_format(owner, "%s %s", text, item->unit) : text;
}

/* "not_done" as people write it. */
static const char *decline_text(const void *owner, const char *reason)
{
    char *text = memory_format(owner, "not answered: %s", reason);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '_')
            *c = ' ';
    return text;
}

static const struct item *item_of(const struct form *form, const char *id)
{
    int at = form != NULL ? form_find_item(form, id) : FORM_NONE;
    return at != FORM_NONE ? &form->items[at] : NULL;
}

/* What a canonical text says of an item: of `date`, of the form itself. */
static const char *content_says(const void *owner, const struct form *form, const char *id, const json_t *content)
{
    const json_t *value = json_object_get(json_object_get(content, "answers"), id);
    const char *declined = thing_text(json_object_get(content, "not_answered"), id);
    if (value != NULL)
        return answer_text(owner, item_of(form, id), value);
    if (declined[0] != '\0')
        return decline_text(owner, declined);
    return json_is_true(json_object_get(content, "redacted")) ? "redacted" : DASH;
}

static const json_t *content_of(const json_t *version)
{
    return json_object_get(version, "content");
}

static const char *version_says(const struct book *book, const struct book_record *record, const struct item *item,
                                const json_t *version)
{
    if (book_hides(book, record->form, item->id))
        return book_withheld;
    return content_says(book, record->definition, item->id, content_of(version));
}

/* ---- answers ---- */

/* Why a soft finding about the item, or about none, stands. */
static const char *remark_on(const struct book *book, const struct book_record *record, const char *item,
                             const json_t *version)
{
    size_t index;
    const json_t *finding;
    struct text *remark = text_new(book);
    json_array_foreach(json_object_get(content_of(version), "confirmed"), index, finding) {
        const char *about = thing_text(finding, "item");
        bool known = item_of(record->definition, about) != NULL;
        if (strcmp(known ? about : "", item) != 0)
            continue;
        const char *reason = book_words(book, thing_text(finding, "reason"));
        text_append_format(remark, "%sconfirmed (%s): %s", remark->length > 0 ? "; " : "",
                           thing_text(finding, "rule"), reason);
    }
    return remark->bytes;
}

static void append_scores(struct text *out, const struct book_record *record, const json_t *version)
{
    const struct form *form = record->definition;
    const json_t *scores = json_object_get(version, "scores");
    if (form->score_count == 0 || json_array_size(scores) != form->score_count || version_is_redacted(version))
        return;
    casebook_group(out, 3, "Computed scores");
    for (size_t i = 0; i < form->score_count; i++) {
        char number[FORMAT_SIZE];
        const json_t *score = json_array_get(scores, i);
        casebook_row(out, form->scores[i].title,
                     json_is_number(score) ? memory_copy_string(out, format_exact(number, json_number_value(score)))
                                           : "not computable",
                     "", NULL);
    }
}

static void append_unknown_form(struct text *out, const struct book_record *record)
{
    casebook_paragraph(out, "The study has no definition of form %s, version %d, at this cut: its answers cannot be "
                            "shown.", record->form, thing_number(record_newest(record), "form_version"));
}

void casebook_append_answers(struct text *out, const struct book *book, const struct book_record *record)
{
    const struct form *form = record->definition;
    const json_t *version = record_newest_complete(record);
    if (form == NULL) {
        append_unknown_form(out, record);
        return;
    }
    char *caption = memory_format(out, "Answers of version %d%s", thing_number(version, "version"),
                                  version_is_void(record_newest(record)) ? ", which has been voided since" : "");
    casebook_begin_table(out, "answers", caption, "Item", "Answer", "Remark", NULL);
    casebook_row(out, "Date of the form", thing_text(version, "dated"), remark_on(book, record, "", version), NULL);
    for (size_t s = 0; s < form->section_count; s++) {
        const struct section *section = &form->sections[s];
        casebook_group(out, 3, section->title);
        for (size_t i = 0; i < section->item_count; i++) {
            const struct item *item = &form->items[section->first_item + i];
            bool hidden = book_hides(book, record->form, item->id);
            char *title = item->code != NULL ? memory_format(out, "%s  %s", item->code, item->text) : NULL;
            casebook_row(out, title != NULL ? title : item->text, version_says(book, record, item, version),
                         hidden ? "" : remark_on(book, record, item->id, version), NULL);
        }
    }
    append_scores(out, record, version);
    casebook_end_table(out);
}

/* ---- changes ---- */

struct changes_of {
    struct text *out;
    const struct book *book;
    const struct book_record *record;
    const json_t *version;       /* that changed something */
    size_t rows;
};

static void append_change(struct changes_of *changes, const char *item, const char *before, const char *after)
{
    const json_t *version = changes->version;
    casebook_row(changes->out, item, casebook_number(changes->out, thing_number(version, "version")), before, after,
                 book_words(changes->book, thing_text(version, "reason")), thing_text(version, "recorded_by"),
                 thing_text(version, "recorded_at"), thing_text(version, "door"), NULL);
    changes->rows++;
}

/* Items of a form that `done` does not have; hidden ones are not even counted. */
static void compare_items(struct changes_of *changes, const struct form *form, const struct form *done,
                          const json_t *before)
{
    const char *form_id = changes->record->form;
    for (size_t i = 0; form != NULL && i < form->item_count; i++) {
        const struct item *item = &form->items[i];
        if ((done != NULL && item_of(done, item->id) != NULL) || book_hides(changes->book, form_id, item->id))
            continue;
        const char *old = content_says(changes->out, form, item->id, content_of(before));
        const char *new = content_says(changes->out, form, item->id, content_of(changes->version));
        if (strcmp(old, new) != 0)
            append_change(changes, item->text, old, new);
    }
}

static const struct form *form_of(const struct book *book, const struct book_record *record, const json_t *version)
{
    return catalogue_find_form(book->frame->dataset->catalogue, record->form, thing_number(version, "form_version"));
}

/* `before`: the version in front, or the last one with answers when that is void. */
static void append_version_changes(struct changes_of *changes, const json_t *previous, const json_t *before)
{
    const json_t *version = changes->version;
    size_t rows = changes->rows;
    if (version_is_void(version) || version_is_void(previous))
        append_change(changes, "the whole record", version_is_void(previous) ? "void" : "complete",
                      version_is_void(version) ? "void" : "complete");
    if (version_is_void(version))
        return;
    if (version_is_redacted(version) || version_is_redacted(before)) {
        append_change(changes, "all answers", version_is_redacted(before) ? "redacted" : "not shown",
                      version_is_redacted(version) ? "redacted" : "as shown for this version");
        return;
    }
    if (strcmp(thing_text(before, "dated"), thing_text(version, "dated")) != 0)
        append_change(changes, "date of the form", thing_text(before, "dated"), thing_text(version, "dated"));
    const struct form *newer = form_of(changes->book, changes->record, version);
    compare_items(changes, newer, NULL, before);
    compare_items(changes, form_of(changes->book, changes->record, before), newer, before);
    if (changes->rows == rows)
        append_change(changes, changes->book->frame->withheld ? "no item, or withheld ones" : "no item", DASH, DASH);
}

void casebook_append_changes(struct text *out, const struct book *book, const struct book_record *record)
{
    struct changes_of changes = {.out = out, .book = book, .record = record};
    if (record->version_count < 2)
        return;
    casebook_begin_table(out, "changes", "Changes", "Item", "Version", "Before", "After", "Reason", "By", "At (UTC)",
                         "Door", NULL);
    const json_t *before = record->versions[0];
    for (size_t i = 1; i < record->version_count; i++) {
        changes.version = record->versions[i];
        append_version_changes(&changes, record->versions[i - 1], before);
        if (!version_is_void(changes.version))
            before = changes.version;
    }
    casebook_end_table(out);
}

/* ---- second entries ---- */

static const json_t *settled_item(const json_t *entry, const char *item)
{
    size_t index;
    const json_t *settled;
    json_array_foreach(json_object_get(entry, "settled"), index, settled) {
        if (strcmp(thing_text(settled, "item"), item) == 0)
            return settled;
    }
    return NULL;
}

static bool append_difference(struct text *out, const struct book *book, const json_t *entry, const struct item *item,
                              const char *const says[2])
{
    const json_t *settled = settled_item(entry, item->id);
    if (strcmp(says[0], says[1]) == 0 && settled == NULL)
        return false;
    const char *reason = thing_text(settled, "reason");
    casebook_row(out, item->text, says[0], says[1],
                 settled == NULL ? "not settled" : memory_format(out, "%s entry", thing_text(settled, "choice")),
                 reason[0] != '\0' ? book_words(book, reason) : DASH, thing_text(settled, "by"),
                 thing_text(settled, "at"), NULL);
    return true;
}

void casebook_append_differences(struct text *out, const struct book *book, const struct book_record *record,
                                 const json_t *version, const json_t *entry)
{
    const struct form *form = form_of(book, record, version);
    const json_t *first = content_of(version), *second = content_of(entry);
    const struct item date = {.id = "date", .text = "Date of the form"};
    const char *dates[] = {thing_text(version, "dated"), thing_text(second, "date")};
    size_t differences = 0;
    casebook_begin_table(out, "changes", memory_format(out, "Second entry of version %d by %s at %s UTC",
                         thing_number(version, "version"), thing_text(entry, "by"), thing_text(entry, "at")),
                         "Item that differs", "First entry", "Second entry", "Settled for the", "Reason", "By",
                         "At (UTC)", NULL);
    bool redacted = version_is_redacted(version) || json_is_true(json_object_get(second, "redacted"));
    if (redacted)
        casebook_row(out, "all answers", "redacted", "redacted", DASH, DASH, "", "", NULL);
    else
        differences += append_difference(out, book, entry, &date, dates);
    for (size_t i = 0; form != NULL && !redacted && i < form->item_count; i++) {
        const struct item *item = &form->items[i];
        const char *says[] = {content_says(out, form, item->id, first), content_says(out, form, item->id, second)};
        if (!book_hides(book, record->form, item->id))
            differences += append_difference(out, book, entry, item, says);
    }
    if (!redacted && differences == 0)
        casebook_row(out, book->frame->withheld ? "none that is shown" : "none: both entries agree", DASH, DASH, DASH,
                     DASH, "", "", NULL);
    casebook_end_table(out);
}
