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

void analysis_run(const struct dataset *dataset, struct results *results)
{
    analysis_populations(dataset, results);
    analysis_baseline(dataset, results);
    analysis_exposure(dataset, results);
    analysis_completeness(dataset, results);
    analysis_descriptives(dataset, results);
    analysis_ancova(dataset, results);
    analysis_mmrm(dataset, results);
    analysis_responders(dataset, results);
    analysis_effect_sizes(dataset, results);
    analysis_adverse_events(dataset, results);
    analysis_subgroups(dataset, results);
    analysis_multiplicity(dataset, results);
    analysis_adjusted(dataset, results);
}
