/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * F7 the cumulative distribution of the change of the deciding endpoint at the main visit, read at 21 changes
 * from the greatest fall to the greatest rise that its scale allows.
 */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"
#include "reports/stat_sort.h"
#include "reports/subject_sets.h"

enum { GRID_STEPS = 10 }; /* to either side */

static double *sorted_changes(const void *owner, const struct column *column, const double *baseline,
                              const double *values, size_t *count)
{
    double *changes = memory_new_array(owner, double, column->count);
    *count = 0;
    for (size_t i = 0; i < column->count; i++) {
        double change = values[column->subjects[i]] - baseline[column->subjects[i]];
        if (!isnan(change))
            changes[(*count)++] = change;
    }
    stat_sort(changes, *count);
    return changes;
}

void analysis_distribution(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    int endpoint = subject_sets_endpoint(protocol), visit = analysis_main_visit(dataset);
    if (endpoint < 0 || visit == NO_VISIT)
        return;
    const struct score *score = catalogue_endpoint_score(dataset->catalogue, &protocol->endpoints[endpoint]);
    double range = score != NULL ? score->range[1] - score->range[0] : (double)NAN;
    if (!isfinite(range))
        return;
    void *owner = memory_owner(NULL, "distribution");
    struct columns columns = columns_of_treated(owner, dataset);
    const double *baseline = dataset_values(dataset, (size_t)endpoint, dataset_baseline(dataset));
    const double *values = dataset_values(dataset, (size_t)endpoint, visit);
    const char *table = memory_format(owner, "cumulative %s", protocol->endpoints[endpoint].id);
    for (size_t c = 0; c < columns.count; c++) {
        size_t count, below = 0;
        const double *changes = sorted_changes(owner, &columns.at[c], baseline, values, &count);
        for (int step = -GRID_STEPS; step <= GRID_STEPS; step++) {
            double at = range * step / GRID_STEPS;
            const struct cell cell = {results, table, memory_format(owner, "%.10g", at), columns.at[c].name};
            while (below < count && changes[below] <= at + 1e-9 * range)
                below++;
            cell_add_count(&cell, "n", below);
            cell_add_percent(&cell, "pct", below, count);
        }
    }
    talloc_free(owner);
}
