/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The analyses of the report: each reads the derived dataset and adds result rows.  reports/README.md lists
 * the tables, rows, columns and statistics that each one writes.
 */
#ifndef PATELLA_ANALYSIS_H
#define PATELLA_ANALYSIS_H

#include "reports/dataset.h"
#include "reports/results.h"

void analysis_populations(const struct dataset *dataset, struct results *results);    /* T1, T2 */
void analysis_baseline(const struct dataset *dataset, struct results *results);       /* T3 */
void analysis_exposure(const struct dataset *dataset, struct results *results);       /* T4 */
void analysis_completeness(const struct dataset *dataset, struct results *results);   /* T5 */
void analysis_descriptives(const struct dataset *dataset, struct results *results);   /* T6 */
void analysis_responders(const struct dataset *dataset, struct results *results);     /* T9 */
void analysis_effect_sizes(const struct dataset *dataset, struct results *results);   /* T10 */
void analysis_adverse_events(const struct dataset *dataset, struct results *results); /* T11 to T14 */

/* All of them, in this order. */
void analysis_run(const struct dataset *dataset, struct results *results);

#endif
