/* SPDX-License-Identifier: GPL-3.0-or-later */
/* T4 exposure of treated subjects: injections, cell dose, follow-up. */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/adverse_event.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"

#define DAYS_A_YEAR 365.25
#define FORM_TREATMENT "treatment"
#define ITEM_DOSE "dose_million_cells"
static const char table[] = "exposure";

enum { MOST_INJECTIONS = 5 }; /* so many and more are one row */

/* What a subject was given, both knees together. */
struct given {
    size_t injections;
    double dose; /* million cells; NAN: no injection has one */
};

static struct given find_given(const struct dataset *dataset, size_t subject, int treatment, bool dosed)
{
    struct given given = {0, (double)NAN};
    struct records records = dataset_records_of(dataset, subject, treatment);
    for (size_t i = 0; i < records.count; i++) {
        given.injections++;
        const struct answer *dose = dosed ? record_answer(dataset, &records.at[i], ITEM_DOSE) : NULL;
        if (dose != NULL && !isnan(dose->number))
            given.dose = isnan(given.dose) ? dose->number : given.dose + dose->number;
    }
    return given;
}

/* The newest version of the study's form that has the item, or NULL. */
static const struct item *find_dose(const struct catalogue *catalogue)
{
    const struct form *form = catalogue_find_form(catalogue, FORM_TREATMENT, 0);
    int item = form != NULL ? form_find_item(form, ITEM_DOSE) : FORM_NONE;
    return item != FORM_NONE ? &form->items[item] : NULL;
}

struct exposure {
    const struct dataset *dataset;
    const struct column *column;
    const struct given *given; /* of each of the column's subjects */
    struct results *results;
    double *values; /* scratch, one for each of them */
};

static void add_values(const struct exposure *exposure, const char *row, size_t n)
{
    struct cell cell = {exposure->results, table, row, exposure->column->name};
    struct description d = stat_describe(exposure->values, n, exposure->dataset->catalogue->protocol->level);
    cell_add_description(&cell, &d, exposure->column->count, DESCRIPTION_PLAIN);
}

static void add_injections(const struct exposure *exposure)
{
    static const char *const rows[MOST_INJECTIONS] = {"1", "2", "3", "4", "5+"};
    const struct column *column = exposure->column;
    struct cell cell = {exposure->results, table, "injections", column->name};
    size_t counts[MOST_INJECTIONS] = {0}, all = 0;
    for (size_t i = 0; i < column->count; i++) {
        size_t injections = exposure->given[i].injections;
        exposure->values[i] = (double)injections;
        all += injections;
        counts[injections > MOST_INJECTIONS ? MOST_INJECTIONS - 1 : injections - 1]++;
    }
    cell_add_count(&cell, "total", all);
    add_values(exposure, "injections", column->count);
    for (size_t k = 0; k < MOST_INJECTIONS; k++) {
        cell.row = rows[k];
        cell_add_count(&cell, "subjects", counts[k]);
        cell_add_percent(&cell, "pct", counts[k], column->count);
    }
}

static void add_dose(const struct exposure *exposure)
{
    size_t n = 0;
    for (size_t i = 0; i < exposure->column->count; i++) {
        if (!isnan(exposure->given[i].dose))
            exposure->values[n++] = exposure->given[i].dose;
    }
    add_values(exposure, "dose", n);
}

/* From the first treatment of either knee to the last contact, at least the day of treatment. */
static void add_follow_up(const struct exposure *exposure)
{
    struct cell cell = {exposure->results, table, "follow_up", exposure->column->name};
    int64_t all = 0;
    for (size_t i = 0; i < exposure->column->count; i++) {
        const struct subject *subject = &exposure->dataset->subjects[exposure->column->subjects[i]];
        int days = adverse_event_follow_up(subject);
        exposure->values[i] = days / DAYS_A_YEAR;
        all += days;
    }
    cell_add(&cell, "py", (double)all / DAYS_A_YEAR);
    add_values(exposure, "follow_up", exposure->column->count);
}

void analysis_exposure(const struct dataset *dataset, struct results *results)
{
    void *owner = memory_owner(NULL, "exposure");
    struct columns columns = columns_of_treated(owner, dataset);
    const struct item *dose = find_dose(dataset->catalogue);
    bool refused = dose != NULL && dataset->pooled && dataset_item_may_name_arm(dose);
    int treatment = dataset_form_number(dataset, FORM_TREATMENT);
    for (size_t c = 0; c < columns.count; c++) {
        const struct column *column = &columns.at[c];
        struct given *given = memory_new_array(owner, struct given, column->count);
        for (size_t i = 0; i < column->count; i++)
            given[i] = find_given(dataset, column->subjects[i], treatment, dose != NULL && !refused);
        struct exposure exposure = {dataset, column, given, results,
                                    memory_new_array(owner, double, column->count)};
        struct cell cell = {results, table, "dose", column->name};
        add_injections(&exposure);
        if (refused)
            cell_add_refused(&cell, "n");
        else if (dose != NULL)
            add_dose(&exposure);
        add_follow_up(&exposure);
    }
    talloc_free(owner);
}
