/* SPDX-License-Identifier: GPL-3.0-or-later */
/* T6 values and changes by visit, T9 responders: the index knee of treated subjects. */
#include <math.h>

#include "forms/base/memory.h"
#include "forms/responder.h"
#include "reports/analysis.h"
#include "reports/analysis_rows.h"

/* -- T6 -------------------------------------------------------------------------------------------------- */

enum measure { MEASURE_VALUE, MEASURE_CHANGE };

/* Non-missing values (or changes) of a column into `values`; returns how many. */
static size_t collect_values(const struct dataset *dataset, const struct column *column, size_t endpoint,
                             int visit, enum measure measure, double *values)
{
    int baseline = dataset_baseline(dataset);
    size_t n = 0;
    for (size_t i = 0; i < column->count; i++) {
        double value = dataset_value(dataset, column->subjects[i], endpoint, visit);
        if (measure == MEASURE_CHANGE)
            value -= dataset_value(dataset, column->subjects[i], endpoint, baseline);
        if (!isnan(value))
            values[n++] = value;
    }
    return n;
}

static void add_measure(const struct dataset *dataset, struct columns columns, size_t endpoint,
                        enum measure measure, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    double *values = memory_new_array(NULL, double, dataset->subject_count);
    char *table = memory_format(values, "%s %s", measure == MEASURE_CHANGE ? "change" : "value",
                                protocol->endpoints[endpoint].id);
    for (int visit = 0; visit < (int)protocol->visit_count; visit++) {
        if (measure == MEASURE_CHANGE && !dataset_is_after_baseline(dataset, visit))
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
    }
    talloc_free(owner);
}

/* -- T9 -------------------------------------------------------------------------------------------------- */

enum { MOST_DOMAINS = 3 };

struct rule_input {
    const struct responder *responder;
    const struct score *scores[MOST_DOMAINS];    /* NULL: not collected */
    size_t domain_count;
};

static struct rule_input rule_input_of(const struct catalogue *catalogue, const struct responder *responder)
{
    struct rule_input input = {.responder = responder};
    input.domain_count = responder->kind == RESPONDER_OMERACT_OARSI ? MOST_DOMAINS : 1;
    for (size_t i = 0; i < input.domain_count; i++) {
        int endpoint = responder->endpoints[i];
        if (endpoint >= 0)
            input.scores[i] = catalogue_endpoint_score(catalogue, &catalogue->protocol->endpoints[endpoint]);
    }
    return input;
}

/*
 * A subject without any value at the visit is not evaluable, even where the scale's range would rule a
 * response out: the rule is for forms with gaps, not for forms that never came.
 */
static enum response respond(const struct dataset *dataset, const struct rule_input *rule, size_t subject,
                             int visit)
{
    struct response_domain domains[MOST_DOMAINS] = {0};
    int baseline = dataset_baseline(dataset);
    bool came = false;
    for (size_t i = 0; i < rule->domain_count; i++) {
        domains[i].baseline = domains[i].value = (double)NAN;
        if (rule->scores[i] == NULL)
            continue;
        size_t endpoint = (size_t)rule->responder->endpoints[i];
        domains[i] = (struct response_domain){
            .baseline = dataset_value(dataset, subject, endpoint, baseline),
            .value = dataset_value(dataset, subject, endpoint, visit),
            .range = {rule->scores[i]->range[0], rule->scores[i]->range[1]},
            .direction = rule->scores[i]->direction,
            .collected = true,
        };
        came = came || !isnan(domains[i].value);
    }
    return came ? responder_evaluate(rule->responder, domains) : RESPONSE_NOT_EVALUABLE;
}

struct response_counts {
    size_t yes, evaluable;
};

static struct response_counts count_responses(const struct dataset *dataset, const struct rule_input *rule,
                                              const struct column *column, int visit)
{
    struct response_counts counts = {0};
    for (size_t i = 0; i < column->count; i++) {
        enum response response = respond(dataset, rule, column->subjects[i], visit);
        counts.yes += response == RESPONSE_YES;
        counts.evaluable += response != RESPONSE_NOT_EVALUABLE;
    }
    return counts;
}

/* All rows of the observed table stand before those of the imputed one. */
static void add_responder(const struct dataset *dataset, struct columns columns,
                          const struct rule_input *rule, bool imputed, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    char *table = memory_format(NULL, "responder %s %s", rule->responder->id,
                                imputed ? "non-responder imputation" : "observed");
    for (int visit = 0; visit < (int)protocol->visit_count; visit++) {
        if (!dataset_is_after_baseline(dataset, visit))
            continue;
        for (size_t c = 0; c < columns.count; c++) {
            struct response_counts counts = count_responses(dataset, rule, &columns.at[c], visit);
            size_t n = imputed ? columns.at[c].count : counts.evaluable;
            struct proportion p = stat_proportion(counts.yes, n, protocol->level);
            struct cell cell = {results, table, protocol->visits[visit].id, columns.at[c].name};
            cell_add_proportion(&cell, &p);
        }
    }
    talloc_free(table);
}

void analysis_responders(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    void *owner = memory_owner(NULL, "responders");
    struct columns columns = columns_of_treated(owner, dataset);
    for (size_t r = 0; r < protocol->responder_count; r++) {
        struct rule_input rule = rule_input_of(dataset->catalogue, &protocol->responders[r]);
        add_responder(dataset, columns, &rule, false, results);
        add_responder(dataset, columns, &rule, true, results);
    }
    talloc_free(owner);
}
