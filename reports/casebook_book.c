/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/casebook_book.h"

#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"

const char book_withheld[] = "withheld (masked study)";

const char *thing_text(const json_t *thing, const char *member)
{
    const char *text = json_string_value(json_object_get(thing, member));
    return text != NULL ? text : "";
}

int thing_number(const json_t *thing, const char *member)
{
    return (int)json_integer_value(json_object_get(thing, member));
}

const json_t *book_things(const struct book *book, const char *kind)
{
    return json_object_get(book->things, kind);
}

/* ---- records ---- */

bool record_has(const struct book_record *record, const json_t *thing)
{
    return record->instance == thing_number(thing, "instance") && strcmp(record->form, thing_text(thing, "form")) == 0
        && strcmp(record->knee, thing_text(thing, "knee")) == 0
        && strcmp(record->visit, thing_text(thing, "visit")) == 0;
}

const json_t *record_find_version(const struct book_record *record, const char *id)
{
    for (size_t i = 0; i < record->version_count; i++)
        if (strcmp(thing_text(record->versions[i], "id"), id) == 0)
            return record->versions[i];
    return NULL;
}

const json_t *record_newest(const struct book_record *record)
{
    return record->versions[record->version_count - 1];
}

bool version_is_void(const json_t *version)
{
    return strcmp(thing_text(version, "status"), "void") == 0;
}

bool version_is_redacted(const json_t *version)
{
    return json_is_true(json_object_get(json_object_get(version, "content"), "redacted"));
}

const json_t *record_newest_complete(const struct book_record *record)
{
    size_t at = record->version_count - 1;
    while (at > 0 && version_is_void(record->versions[at]))
        at--;
    return record->versions[at];
}

/* ---- names ---- */

const char *book_knee_title(const char *knee)
{
    return strcmp(knee, "left") == 0 ? "left knee" : strcmp(knee, "right") == 0 ? "right knee" : "";
}

const char *book_subject_name(const void *owner, int site, int number)
{
    char name[SUBJECT_TEXT_SIZE];
    subject_format(site, number, name);
    return memory_copy_string(owner, name);
}

const char *book_item_title(const struct book *book, const char *form, const char *item)
{
    const struct form *definition = catalogue_find_form(book->frame->dataset->catalogue, form, 0);
    int at = definition != NULL ? form_find_item(definition, item) : FORM_NONE;
    return at != FORM_NONE ? definition->items[at].text : item;
}

/* "KOOS, left knee, 2nd of its kind": whatever tells it apart. */
static const char *make_title(const void *owner, const struct form *form, const json_t *thing)
{
    const char *knee = book_knee_title(thing_text(thing, "knee"));
    int instance = thing_number(thing, "instance");
    char *title = memory_format(owner, "%s%s%s", form != NULL ? form->title : thing_text(thing, "form"),
                                knee[0] != '\0' ? ", " : "", knee);
    return instance > 1 || (form != NULL && form->repeats) ? memory_format(owner, "%s, no. %d", title, instance)
                                                           : title;
}

const char *book_record_title(const struct book *book, const json_t *thing)
{
    const struct form *form =
        catalogue_find_form(book->frame->dataset->catalogue, thing_text(thing, "form"), 0);
    const char *visit = thing_text(thing, "visit");
    const char *title = make_title(book, form, thing);
    return strcmp(visit, VISIT_UNSCHEDULED) == 0 ? title : memory_format(book, "%s %s", visit, title);
}

/* ---- order ---- */

static size_t find_name(const char *const *names, size_t count, const char *name)
{
    size_t at = 0;
    while (at < count && strcmp(names[at], name) != 0)
        at++;
    return at;
}

/* Enrolment, the visits of the protocol, visits that its version at the cut does not have, and the rest. */
static void place_record(struct book_record *record, const struct protocol *protocol)
{
    const struct visit *visit = protocol_find_visit(protocol, record->visit);
    size_t behind = protocol->visit_count + 1;
    if (record->definition != NULL && record->definition->creates_subject) {
        record->chapter = 0;
    } else if (visit != NULL) {
        record->chapter = 1 + (size_t)(visit - protocol->visits);
        record->rank = find_name(visit->forms, visit->form_count, record->form);
    } else if (strcmp(record->visit, VISIT_UNSCHEDULED) != 0) {
        record->chapter = behind;
    } else {
        record->chapter = behind + 1;
        record->rank = find_name(protocol->any_time, protocol->any_time_count, record->form);
    }
}

static const char *chapter_title(const struct book *book, size_t chapter)
{
    const struct protocol *protocol = book->frame->dataset->catalogue->protocol;
    if (chapter == 0)
        return "Enrolment";
    if (chapter == protocol->visit_count + 1)
        return "Visits that the protocol does not have";
    if (chapter > protocol->visit_count + 1)
        return "Unscheduled and at any time";
    const struct visit *visit = &protocol->visits[chapter - 1];
    return strcmp(visit->title, visit->id) == 0 ? visit->title
                                                : memory_format(book, "%s (%s)", visit->title, visit->id);
}

static int compare_sizes(size_t a, size_t b)
{
    return a < b ? -1 : a > b;
}

/* none, left, right */
static int knee_rank(const char *knee)
{
    return strcmp(knee, "none") == 0 ? 0 : strcmp(knee, "left") == 0 ? 1 : 2;
}

static int compare_records(const void *a, const void *b)
{
    const struct book_record *x = a, *y = b;
    int order = compare_sizes(x->chapter, y->chapter);
    if (order == 0)
        order = strcmp(x->visit, y->visit);
    if (order == 0)
        order = compare_sizes(x->rank, y->rank);
    if (order == 0)
        order = strcmp(x->form, y->form);
    if (order == 0)
        order = knee_rank(x->knee) - knee_rank(y->knee);
    return order != 0 ? order : x->instance - y->instance;
}

/* Versions of a record come behind each other. */
static void group_versions(struct book *book)
{
    const json_t *versions = book_things(book, "version");
    size_t count = json_array_size(versions);
    const json_t **all = memory_new_array(book, const json_t *, count);
    book->records = memory_new_array(book, struct book_record, count);
    for (size_t i = 0; i < count; i++) {
        struct book_record *last = book->record_count > 0 ? &book->records[book->record_count - 1] : NULL;
        all[i] = json_array_get(versions, i);
        if (last != NULL && record_has(last, all[i])) {
            last->version_count++;
            continue;
        }
        book->records[book->record_count++] = (struct book_record){
            .form = thing_text(all[i], "form"),
            .knee = thing_text(all[i], "knee"),
            .visit = thing_text(all[i], "visit"),
            .instance = thing_number(all[i], "instance"),
            .versions = &all[i],
            .version_count = 1,
        };
    }
}

static void describe_records(struct book *book)
{
    const struct catalogue *catalogue = book->frame->dataset->catalogue;
    for (size_t i = 0; i < book->record_count; i++) {
        struct book_record *record = &book->records[i];
        const json_t *newest = record_newest(record);
        record->definition = catalogue_find_form(catalogue, record->form, thing_number(newest, "form_version"));
        record->title = make_title(book, record->definition, newest);
        place_record(record, catalogue->protocol);
    }
    qsort(book->records, book->record_count, sizeof book->records[0], compare_records);
}

static void add_chapters(struct book *book)
{
    book->chapters = memory_new_array(book, struct book_chapter, book->record_count);
    for (size_t i = 0; i < book->record_count; i++) {
        struct book_record *record = &book->records[i];
        record->anchor = memory_format(book, "record-%zu", i + 1);
        if (i == 0 || record->chapter != book->records[i - 1].chapter)
            book->chapters[book->chapter_count++] =
                (struct book_chapter){chapter_title(book, record->chapter), i, 0};
        struct book_chapter *chapter = &book->chapters[book->chapter_count - 1];
        chapter->record_count++;
    }
    for (size_t c = 0; c < book->chapter_count; c++)
        for (size_t i = 0; i < book->chapters[c].record_count; i++)
            book->records[book->chapters[c].first_record + i].chapter = c;
}

struct book *book_new(const void *owner, const struct casebook_frame *frame, int number, const json_t *things)
{
    struct book *book = memory_new(owner, struct book);
    book->frame = frame;
    book->number = number;
    book->name = book_subject_name(book, frame->site, number);
    book->things = things;
    group_versions(book);
    describe_records(book);
    add_chapters(book);
    return book;
}

/* ---- what may be shown ---- */

const char *book_words(const struct book *book, const char *text)
{
    return book->frame->withheld ? book_withheld : text;
}

/* Tissue is harvested from some cohorts only: an event there names the cohort, by its coded term, too. */
static bool asks_for_harvest(const struct item *item)
{
    for (size_t i = 0; i < item->choice_count; i++)
        if (strcmp(item->choices[i].code, HARVEST_SITE) == 0)
            return true;
    return false;
}

static bool has_harvest(const struct form *form)
{
    for (size_t i = 0; i < form->item_count; i++)
        if (asks_for_harvest(&form->items[i]))
            return true;
    return false;
}

static bool hides_in(const struct form *form, const struct item *item)
{
    return dataset_item_may_name_arm(item) || asks_for_harvest(item)
        || (item->type == ITEM_TEXT && has_harvest(form));
}

/* In any version of the form: what names the arm in one of them, names it in the others' records. */
bool book_hides(const struct book *book, const char *form, const char *item)
{
    const struct catalogue *catalogue = book->frame->dataset->catalogue;
    if (!book->frame->withheld)
        return false;
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *version = catalogue->forms[i];
        int at = strcmp(version->id, form) == 0 ? form_find_item(version, item) : FORM_NONE;
        if (at != FORM_NONE && !version->creates_subject && hides_in(version, &version->items[at]))
            return true;
    }
    return false;
}
