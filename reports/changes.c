/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/changes.h"

#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/csv_cell.h"
#include "reports/format.h"
#include "reports/manifest.h"

/* What is kept of a cut: a line for each subject and each record, in order. */
struct line {
    int site, number;
    const char *form, *visit;    /* NULL for subjects */
    int knee, instance;
    int version;                 /* subjects: 1, 2 when the study has ended for them */
};

struct lines {
    struct line *at;
    size_t count, subjects;
    const char **names;          /* of forms and visits: each text once */
    size_t name_count;
};

enum { IN_STUDY = 1, ENDED = 2 };

static const char *intern(struct lines *lines, const char *name)
{
    for (size_t i = lines->name_count; i-- > 0;)
        if (strcmp(lines->names[i], name) == 0)
            return lines->names[i];
    lines->names = memory_resize_array(lines, lines->names, const char *, lines->name_count + 1);
    return lines->names[lines->name_count++] = memory_copy_string(lines, name);
}

static int compare_numbers(int a, int b)
{
    return (a > b) - (a < b);
}

/* Subjects first. */
static int compare_lines(const struct line *a, const struct line *b)
{
    int order = compare_numbers(a->form != NULL, b->form != NULL);
    order = order != 0 ? order : compare_numbers(a->site, b->site);
    order = order != 0 ? order : compare_numbers(a->number, b->number);
    if (order != 0 || a->form == NULL)
        return order;
    order = strcmp(a->form, b->form);
    order = order != 0 ? order : compare_numbers(a->knee, b->knee);
    order = order != 0 ? order : strcmp(a->visit, b->visit);
    return order != 0 ? order : compare_numbers(a->instance, b->instance);
}

static int compare_for_sort(const void *a, const void *b)
{
    return compare_lines(a, b);
}

static struct lines *list_lines(const void *owner, const struct dataset *dataset)
{
    struct lines *lines = memory_new(owner, struct lines);
    lines->subjects = dataset->subject_count;
    lines->count = memory_size_sum(dataset->subject_count, dataset->record_count);
    lines->at = memory_new_array(lines, struct line, lines->count);
    struct line *next = lines->at;
    for (size_t i = 0; i < dataset->subject_count; i++) {
        const struct subject *subject = &dataset->subjects[i];
        bool ended = subject->end_reason != NULL || subject->withdrawn != DATE_NONE;
        *next++ = (struct line){
            .site = subject->site, .number = subject->number, .version = ended ? ENDED : IN_STUDY};
    }
    for (size_t i = 0; i < dataset->subject_count; i++) {
        const struct subject *subject = &dataset->subjects[i];
        struct records records = dataset_records(dataset, i);
        for (size_t k = 0; k < records.count; k++)
            *next++ = (struct line){subject->site,
                                    subject->number,
                                    intern(lines, record_form(dataset, &records.at[k])->id),
                                    intern(lines, record_visit(dataset, &records.at[k])),
                                    (int)records.at[k].knee,
                                    records.at[k].instance,
                                    records.at[k].version};
    }
    if (lines->count > 0)
        qsort(lines->at, lines->count, sizeof lines->at[0], compare_for_sort);
    return lines;
}

/* --- merging ------------------------------------------------------------------------------------------- */

static void add_change(struct changes *changes, enum change_kind kind, const struct line *line, int before,
                       int after)
{
    size_t count = changes->count;
    if ((count & (count - 1)) == 0)
        changes->at = memory_resize_array(changes, changes->at, struct change,
                                          count == 0 ? 1 : memory_size_product(count, 2));
    changes->at[changes->count++] = (struct change){
        .kind = kind,
        .site = line->site,
        .number = line->number,
        .form = line->form,
        .knee = (enum knee_side)line->knee,
        .visit = line->visit,
        .instance = line->instance,
        .before = before,
        .after = after,
    };
}

static void add_gone(struct changes *changes, const struct line *before)
{
    enum change_kind kind = before->form != NULL ? CHANGE_RECORD_VOIDED : CHANGE_SUBJECT_GONE;
    add_change(changes, kind, before, before->version, 0);
}

static void add_new(struct changes *changes, const struct line *after)
{
    enum change_kind kind = after->form != NULL ? CHANGE_RECORD_NEW : CHANGE_SUBJECT_NEW;
    add_change(changes, kind, after, 0, after->version);
}

static void compare_pair(struct changes *changes, const struct line *before, const struct line *after)
{
    if (after->form != NULL && before->version != after->version)
        add_change(changes, CHANGE_RECORD_CORRECTED, after, before->version, after->version);
    if (after->form == NULL && before->version == IN_STUDY && after->version == ENDED)
        add_change(changes, CHANGE_SUBJECT_LEFT, after, before->version, after->version);
}

static void merge(struct changes *changes, const struct lines *before, const struct lines *after)
{
    size_t b = 0, a = 0;
    while (b < before->count && a < after->count) {
        int order = compare_lines(&before->at[b], &after->at[a]);
        if (order < 0)
            add_gone(changes, &before->at[b++]);
        else if (order > 0)
            add_new(changes, &after->at[a++]);
        else
            compare_pair(changes, &before->at[b++], &after->at[a++]);
    }
    while (b < before->count)
        add_gone(changes, &before->at[b++]);
    while (a < after->count)
        add_new(changes, &after->at[a++]);
}

/* --- the earlier report -------------------------------------------------------------------------------- */

static bool check_earlier(const struct manifest *manifest, const struct dataset *dataset, const char *folder,
                          struct error *error)
{
    const char *study = dataset->catalogue->study;
    if (strcmp(manifest->study, study) != 0)
        return error_set(error, ERROR_INPUT,
                         "%s holds a report of study \"%s\", not of \"%s\"; give a report of this study to "
                         "--compare",
                         folder, manifest->study, study);
    if (manifest->pooled != dataset->pooled)
        return error_set(error, ERROR_INPUT,
                         "%s holds a report with columns %s, this one has %s; give --columns so that both have "
                         "the same",
                         folder, manifest->pooled ? "pooled" : "cohorts", dataset->pooled ? "pooled" : "cohorts");
    return true;
}

static bool check_cut(const struct manifest *manifest, const struct dataset *earlier, struct error *error)
{
    char made_at[FORMAT_SIZE];
    format_instant(made_at, earlier->cut_made_us);
    if (strcmp(manifest->cut_label, earlier->cut_label) == 0 && strcmp(manifest->cut_made_at, made_at) == 0)
        return true;
    return error_set(error, ERROR_INPUT,
                     "the earlier report is of cut %d \"%s\" made at %s, this database's cut %d is \"%s\" made at "
                     "%s: it is another database",
                     manifest->cut, manifest->cut_label, manifest->cut_made_at, earlier->cut_no,
                     earlier->cut_label, made_at);
}

/* Lines of the earlier cut; the dataset that they come from is freed again. */
static struct lines *read_earlier(struct changes *changes, struct db *db, const struct manifest *manifest,
                                  const char *opened_by, struct error *error)
{
    char *cut = memory_format(changes, "%d", manifest->cut);
    enum extract_columns columns = manifest->pooled ? EXTRACT_COLUMNS_POOLED : EXTRACT_COLUMNS_COHORTS;
    struct dataset *earlier =
        manifest->unblinding != NULL && opened_by != NULL
            ? extract_unmasked(changes, db, manifest->study, cut, opened_by, error)
            : extract_dataset(changes, db, manifest->study, cut, columns, error);
    if (earlier == NULL)
        return NULL;
    struct lines *lines = NULL;
    if (check_cut(manifest, earlier, error) && dataset_derive(earlier, error)) {
        lines = list_lines(changes, earlier);
        changes->subject_count = earlier->subject_count;
        changes->record_count = earlier->record_count;
    }
    talloc_free(earlier);
    return lines;
}

static bool compare_numbers_of(struct changes *changes, const struct report *report,
                               const struct manifest *manifest, const char *folder, struct error *error)
{
    struct results_text before;
    struct text *now = text_new(changes);
    before.text = manifest_load(changes, manifest, folder, "results.csv", &before.length, error);
    if (before.text == NULL)
        return false;
    results_write_csv(report->results, now);
    const struct results_text after = {now->bytes, now->length};
    changes->numbers = results_compare(changes, &before, &after, 0, error);
    changes->results_sha256 = manifest_find(manifest, "results.csv")->sha256;
    return changes->numbers != NULL;
}

struct changes *changes_find(const void *owner, struct db *db, const struct report *report, const char *folder,
                             struct error *error)
{
    struct changes *changes = memory_new(owner, struct changes);
    struct manifest *manifest = manifest_read(changes, folder, error);
    struct lines *before = NULL;
    if (manifest != NULL && check_earlier(manifest, report->dataset, folder, error) &&
        compare_numbers_of(changes, report, manifest, folder, error))
        before = read_earlier(changes, db, manifest, report->dataset->opened_by, error);
    if (before == NULL) {
        talloc_free(changes);
        return NULL;
    }
    changes->cut_no = manifest->cut;
    changes->cut_label = manifest->cut_label;
    changes->cut_made_at = manifest->cut_made_at;
    struct lines *after = list_lines(changes, report->dataset);
    merge(changes, before, after);
    return changes;
}

/* --- CSV ----------------------------------------------------------------------------------------------- */

const char *change_name(enum change_kind kind)
{
    static const char *const names[CHANGE_KINDS] = {
        [CHANGE_SUBJECT_NEW] = "new",
        [CHANGE_SUBJECT_LEFT] = "left",
        [CHANGE_SUBJECT_GONE] = "no longer a subject",
        [CHANGE_RECORD_NEW] = "new",
        [CHANGE_RECORD_CORRECTED] = "corrected",
        [CHANGE_RECORD_VOIDED] = "voided",
    };
    return names[kind];
}

static void append_change(struct text *out, const struct change *change)
{
    static const char *const knees[] = {[KNEE_NONE] = "", [KNEE_LEFT] = "left", [KNEE_RIGHT] = "right"};
    char subject[SUBJECT_TEXT_SIZE];
    subject_format(change->site, change->number, subject);
    if (change->form == NULL) {
        text_append_format(out, "subject,%s,%s,,,,,,,,,,\n", change_name(change->kind), subject);
        return;
    }
    text_append_format(out, "record,%s,%s,", change_name(change->kind), subject);
    csv_append_text(out, change->form);
    text_append_format(out, ",%s,", knees[change->knee]);
    csv_append_text(out, change->visit);
    text_append_format(out, ",%d,,,,,", change->instance);
    if (change->before > 0)
        text_append_format(out, "version %d", change->before);
    text_append(out, ",");
    if (change->after > 0)
        text_append_format(out, "version %d", change->after);
    text_append(out, "\n");
}

/* The names come from results.csv, where they were disarmed. */
static void append_difference(struct text *out, const struct difference *difference)
{
    static const char *const kinds[] = {
        [DIFFERENCE_NEW] = "new", [DIFFERENCE_GONE] = "gone", [DIFFERENCE_CHANGED] = "changed"};
    const char *const cells[] = {difference->table, difference->row, difference->col, difference->stat,
                                 difference->before != NULL ? difference->before : "",
                                 difference->after != NULL ? difference->after : ""};
    text_append_format(out, "number,%s,,,,,", kinds[difference->kind]);
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        text_append(out, ",");
        text_append_csv(out, cells[i]);
    }
    text_append(out, "\n");
}

void changes_write_csv(const struct changes *changes, struct text *out)
{
    text_append(out, "kind,change,subject,form,knee,visit,instance,table,row,col,stat,before,after\n");
    for (size_t i = 0; i < changes->count; i++)
        append_change(out, &changes->at[i]);
    for (size_t i = 0; i < changes->numbers->count; i++)
        append_difference(out, &changes->numbers->at[i]);
}
