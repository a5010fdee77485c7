/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/analysis.h"

void analysis_run(const struct dataset *dataset, struct results *results)
{
    analysis_populations(dataset, results);
    analysis_baseline(dataset, results);
    analysis_exposure(dataset, results);
    analysis_completeness(dataset, results);
    analysis_descriptives(dataset, results);
    analysis_responders(dataset, results);
    analysis_effect_sizes(dataset, results);
    analysis_adverse_events(dataset, results);
}
