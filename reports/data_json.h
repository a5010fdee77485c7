/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An analysis dataset as CDISC Dataset-JSON 1.1 in its NDJSON form: the first line is an object with the
 * metadata, each further one an array with the values of a row.
 *
 * Time of creation is the data cut's, so that the same cut gives the same bytes.  Dates are ISO 8601 texts,
 * numbers have 12 significant digits, what is missing is null. Source: CDISC Dataset-JSON 1.1, specification
 * and NDJSON schema (https://cdisc-org.github.io/DataExchange-DatasetJson/doc/dataset-json1-1.html).
 */
#ifndef PATELLA_DATA_JSON_H
#define PATELLA_DATA_JSON_H

#include "reports/data_table.h"
#include "reports/sink.h"

void data_json_write(struct sink *sink, const struct data_table *table);

#endif
