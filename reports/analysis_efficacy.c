/* SPDX-License-Identifier: GPL-3.0-or-later */
/* T6 values, changes and changes in per cent by visit: the index knee of treated subjects. */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"

enum measure { MEASURE_VALUE, MEASURE_CHANGE, MEASURE_PERCENT };

static double measure_change(double value, double baseline, enum measure measure)
{
    if (measure == MEASURE_VALUE)
        return value;
    if (measure == MEASURE_CHANGE)
        return value - baseline;
    return baseline != 0 ? 100 * (value - baseline) / baseline : (double)NAN;
}

/* What of a column is not missing into `values`; returns how many. */
static size_t collect_values(const struct dataset *dataset, const struct column *column, size_t endpoint,
                             int visit, enum measure measure, double *values)
{
    const double *baseline = dataset_values(dataset, endpoint, dataset_baseline(dataset));
    const double *at_visit = dataset_values(dataset, endpoint, visit);
    size_t n = 0;
    for (size_t i = 0; i < column->count; i++) {
        size_t subject = column->subjects[i];
        double value = measure_change(at_visit[subject], baseline[subject], measure);
        if (!isnan(value))
            values[n++] = value;
    }
    return n;
}

static void add_measure(const struct dataset *dataset, struct columns columns, size_t endpoint,
                        enum measure measure, struct results *results)
{
    static const char *const tables[] = {"value", "change", "pct_change"};
    const struct protocol *protocol = dataset->catalogue->protocol;
    double *values = memory_new_array(NULL, double, dataset->subject_count);
    char *table = memory_format(values, "%s %s", tables[measure], protocol->endpoints[endpoint].id);
    for (int visit = 0; visit < (int)protocol->visit_count; visit++) {
        if (measure != MEASURE_VALUE && !dataset_is_after_baseline(dataset, visit))
            continue;
        for (size_t c = 0; c < columns.count; c++) {
            size_t n = collect_values(dataset, &columns.at[c], endpoint, visit, measure, values);
            struct description d = stat_describe(values, n, protocol->level);
            struct cell cell = {results, table, protocol->visits[visit].id, columns.at[c].name};
            cell_add_description(&cell, &d, columns.at[c].count, DESCRIPTION_WITH_LIMITS);
        }
    }
    talloc_free(values);
}

void analysis_descriptives(const struct dataset *dataset, struct results *results)
{
    void *owner = memory_owner(NULL, "descriptives");
    struct columns columns = columns_of_treated(owner, dataset);
    for (size_t e = 0; e < dataset->catalogue->protocol->endpoint_count; e++) {
        add_measure(dataset, columns, e, MEASURE_VALUE, results);
        add_measure(dataset, columns, e, MEASURE_CHANGE, results);
        add_measure(dataset, columns, e, MEASURE_PERCENT, results);
    }
    talloc_free(owner);
}
