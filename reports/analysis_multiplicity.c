/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T19 the plan's hypotheses together: p values of the repeated-measures models, which stand among the
 * results, adjusted for their number.
 */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"
#include "reports/stat_multiplicity.h"

struct raw_p {
    double p;
    const char *reason;          /* why there is none */
};

static struct raw_p find_p(const struct dataset *dataset, const struct results *results,
                           const struct planned_hypothesis *hypothesis, const char *contrast)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    char *table = memory_format(NULL, "MMRM %s", protocol->endpoints[hypothesis->endpoint].id);
    char *row = memory_format(table, "diff %s", protocol->visits[hypothesis->visit].id);
    const char *stat = strcmp(protocol->df, "kenward_roger") == 0 ? "p_kr" : "p_satt";
    const struct result *result = results_find(results, table, row, contrast, stat);
    talloc_free(table);
    if (result == NULL)
        return (struct raw_p){(double)NAN, "the model has no such difference"};
    if (result->status[0] != '\0')
        return (struct raw_p){(double)NAN, result->note};
    return (struct raw_p){result->value, NULL};
}

/* Why an adjusted value is missing though the raw one is there. */
static const char untested[] = "an earlier hypothesis of the sequence could not be tested";

void analysis_multiplicity(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    const struct multiplicity_plan *plan = &protocol->plan.multiplicity;
    void *owner = memory_owner(NULL, "multiplicity");
    struct contrasts contrasts = contrasts_of(owner, dataset);
    size_t count = contrasts.count > 0 ? plan->hypothesis_count : 0;
    struct raw_p *raw = memory_new_array(owner, struct raw_p, count);
    double *p = memory_new_array(owner, double, count);
    double *adjusted = memory_new_array(owner, double, count);
    for (size_t h = 0; h < count; h++) {
        raw[h] =
            find_p(dataset, results, &plan->hypotheses[h], contrasts.at[plan->hypotheses[h].contrast].name);
        p[h] = raw[h].p;
    }
    if (plan->method == MULTIPLICITY_ORDERED)
        stat_adjust_fixed_sequence(p, count, adjusted);
    else
        stat_adjust_holm(owner, p, count, adjusted);
    for (size_t h = 0; h < count; h++) {
        const struct planned_hypothesis *hypothesis = &plan->hypotheses[h];
        char *row = memory_format(owner, "%s %s", protocol->endpoints[hypothesis->endpoint].id,
                                  protocol->visits[hypothesis->visit].id);
        const struct cell cell = {results, "multiplicity", row, contrasts.at[hypothesis->contrast].name};
        cell_add_count(&cell, "order", h + 1);
        cell_add_or_reason(&cell, "p_raw", p[h], raw[h].reason);
        cell_add_or_reason(&cell, "p_adjusted", adjusted[h],
                           raw[h].reason != NULL ? raw[h].reason : untested);
    }
    talloc_free(owner);
}
