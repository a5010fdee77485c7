/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/analysis_adjusted.h"

#include <math.h>

#include "reports/stat_evalue.h"

/* SD of the changes within both groups, of the subjects that the weights are of; NAN with fewer than 3. */
static double pooled_sd(const struct overlap_question *question, const struct overlap_answer *answer)
{
    const struct linear_design *design = answer->propensity->design;
    double mean[2] = {0, 0}, squares[2] = {0, 0};
    size_t n[2] = {0, 0};
    for (size_t r = 0; design != NULL && r < design->used; r++) {
        size_t i = design->rows[r];
        int side = question->codes[i] == question->first ? 0 : 1;
        double step = question->data->response[i] - mean[side];
        mean[side] += step / (double)++n[side];
        squares[side] += step * (question->data->response[i] - mean[side]);
    }
    if (n[0] == 0 || n[1] == 0 || n[0] + n[1] < 3)
        return (double)NAN;
    return sqrt((squares[0] + squares[1]) / (double)(n[0] + n[1] - 2));
}

static void add_evalue(struct cell cell, const struct linear_estimate *difference, double sd)
{
    struct evalue evalue = {.reason = difference->reason};
    if (evalue.reason == NULL && !(sd > 0))
        evalue.reason = "the changes do not vary within the cohorts";
    if (evalue.reason == NULL)
        evalue = stat_evalue_difference(difference->estimate / sd, difference->se / sd);
    else
        evalue.estimate = evalue.limit = (double)NAN;
    cell_add_or_reason(&cell, "sd_pooled", sd, evalue.reason);
    cell_add_or_reason(&cell, "evalue", evalue.estimate, evalue.reason);
    cell_add_or_reason(&cell, "evalue_limit", evalue.limit, evalue.reason);
}

void adjusted_add_means(const struct cell *cell, const struct overlap_answer *answer)
{
    const struct linear_estimate *difference = &answer->difference;
    cell_add_count(cell, "n1", answer->n[0]);
    cell_add_count(cell, "n0", answer->n[1]);
    cell_add_or_reason(cell, "effective_1", answer->effective[0], answer->reason);
    cell_add_or_reason(cell, "effective_0", answer->effective[1], answer->reason);
    cell_add_or_reason(cell, "mean_1", answer->means[0].estimate, answer->means[0].reason);
    cell_add_or_reason(cell, "mean_0", answer->means[1].estimate, answer->means[1].reason);
    cell_add_or_reason(cell, "diff", difference->estimate, difference->reason);
    cell_add_or_reason(cell, "se", difference->se, difference->reason);
    cell_add_or_reason(cell, "lo", difference->lo, difference->reason);
    cell_add_or_reason(cell, "hi", difference->hi, difference->reason);
    cell_add_or_reason(cell, "p", difference->p, difference->reason);
}

void adjusted_add_difference(struct cell cell, const struct overlap_question *question,
                             const struct overlap_answer *answer)
{
    adjusted_add_means(&cell, answer);
    add_evalue(cell, &answer->difference, pooled_sd(question, answer));
}
