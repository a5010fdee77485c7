/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T18 treated subjects with a rescue treatment after day 1 or on it, any and by kind: the form concomitant_treatment
 * with `rescue`, of the index knee or of no knee.  Without that form and item there are no rows.
 */
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"

#define FORM_RESCUE "concomitant_treatment"

static bool is_rescue(const struct dataset *dataset, const struct record *record)
{
    const struct subject *subject = &dataset->subjects[record->subject];
    const struct answer *rescue = record_answer(dataset, record, "rescue");
    if (rescue == NULL || rescue->number != 1 || (record->knee != KNEE_NONE && record->knee != subject->index_knee))
        return false;
    const struct answer *start = record_answer(dataset, record, "start");
    date_days last = start != NULL ? date_latest(start->date) : record->date;
    return last == DATE_NONE || last >= subject->day1[KNEE_NONE];
}

/* Marks the rows that the subject counts in: the first is `any`, then the kinds. */
static void mark_subject(const struct dataset *dataset, size_t subject, int form, const struct codes *kinds,
                         bool *marked)
{
    struct records records = dataset_records_of(dataset, subject, form);
    memset(marked, 0, (kinds->count + 1) * sizeof *marked);
    for (size_t i = 0; i < records.count; i++) {
        const struct record *record = &records.at[i];
        if (!is_rescue(dataset, record))
            continue;
        const struct answer *kind = record_answer(dataset, record, "kind");
        size_t at = kind != NULL ? codes_find(kinds, kind->text) : kinds->count;
        marked[0] = true;
        if (at < kinds->count)
            marked[at + 1] = true;
    }
}

static void add_column(const struct dataset *dataset, struct results *results, const struct column *column,
                       const struct codes *kinds)
{
    void *scratch = memory_owner(NULL, "rescue");
    bool *marked = memory_new_array(scratch, bool, kinds->count + 1);
    size_t *subjects = memory_new_array(scratch, size_t, kinds->count + 1);
    int form = dataset_form_number(dataset, FORM_RESCUE);
    for (size_t i = 0; i < column->count; i++) {
        mark_subject(dataset, column->subjects[i], form, kinds, marked);
        for (size_t k = 0; k <= kinds->count; k++)
            subjects[k] += marked[k] ? 1 : 0;
    }
    for (size_t k = 0; k <= kinds->count; k++) {
        const struct cell cell = {results, "rescue", k == 0 ? "any" : kinds->at[k - 1], column->name};
        struct proportion part = stat_proportion(subjects[k], column->count, dataset->catalogue->protocol->level);
        cell_add_count(&cell, "subjects", subjects[k]);
        cell_add_percent(&cell, "pct", subjects[k], column->count);
        cell_add_limits(&cell, &part);
    }
    talloc_free(scratch);
}

void analysis_rescue(const struct dataset *dataset, struct results *results)
{
    void *owner = memory_owner(NULL, "rescue");
    struct codes rescue = codes_of_item(owner, dataset->catalogue, FORM_RESCUE, "rescue");
    struct codes kinds = codes_of_item(owner, dataset->catalogue, FORM_RESCUE, "kind");
    struct columns columns = columns_of_treated(owner, dataset);
    for (size_t c = 0; rescue.count > 0 && c < columns.count; c++)
        add_column(dataset, results, &columns.at[c], &kinds);
    talloc_free(owner);
}
