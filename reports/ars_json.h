/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The results as one reporting event of the CDISC Analysis Results Standard 1.0, in JSON.
 *
 * A table of results.csv is an analysis.  Its statistics are the operations of a method, which analyses with
 * the same statistics share.  Rows that are visits and columns that are cohorts are groups that are defined
 * beforehand; other rows and columns (terms, categories, contrasts) are groups driven by the data.
 * `rawValue` has 12 significant digits, as results.csv; what could not be computed has no rawValue, `NE` as
 * formattedValue, and its reason in the description of the analysis.  Variables are those of the analysis
 * datasets (data_table.h). Source: CDISC ARS 1.0, logical model and JSON schema
 * (https://www.cdisc.org/ars/1-0).
 */
#ifndef PATELLA_ARS_JSON_H
#define PATELLA_ARS_JSON_H

#include "reports/dataset.h"
#include "reports/results.h"

void ars_json_write(struct text *out, const struct dataset *dataset, const struct results *results);

#endif
