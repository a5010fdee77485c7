/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/analysis.h"

int analysis_main_visit(const struct dataset *dataset)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    int visit = protocol->plan.primary_visit;
    if (visit == PLAN_NONE)
        visit = (int)protocol->visit_count - 1;
    return visit >= 0 && dataset_is_after_baseline(dataset, visit) ? visit : NO_VISIT;
}

/* In the order of the tables' numbers, but for those that read the rows of others. */
const struct analysis analyses[] = {
    {"populations", analysis_populations},
    {"flow", analysis_flow},
    {"compliance", analysis_compliance},
    {"baseline", analysis_baseline},
    {"exposure", analysis_exposure},
    {"completeness", analysis_completeness},
    {"missingness", analysis_missingness},
    {"descriptives", analysis_descriptives},
    {"distribution", analysis_distribution},
    {"ancova", analysis_ancova},
    {"mmrm", analysis_mmrm},
    {"responders", analysis_responders},
    {"effect sizes", analysis_effect_sizes},
    {"adverse events", analysis_adverse_events},
    {"sensitivity", analysis_sensitivity},
    {"events", analysis_events},
    {"contralateral", analysis_contralateral},
    {"imaging", analysis_imaging},
    {"rescue", analysis_rescue},
    {"cost", analysis_cost},
    {"subgroups", analysis_subgroups},
    {"multiplicity", analysis_multiplicity},
    {"adjusted", analysis_adjusted},
    {"claims", analysis_claims},
    {NULL, NULL},
};

void analysis_run(const struct dataset *dataset, struct results *results)
{
    for (const struct analysis *analysis = analyses; analysis->run != NULL; analysis++)
        analysis->run(dataset, results);
}
