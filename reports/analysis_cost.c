/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * T18 what the treatment of a subject cost: the amounts of all its records of the plan's form (index knee), summed.
 * Currencies are never added up: each has its table, and whoever was billed in more than one is in none.  Subjects
 * without an amount are missing, not free of charge.
 */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/responder.h"
#include "reports/analysis.h"
#include "reports/analysis_responders.h"
#include "reports/analysis_rows.h"
#include "reports/stat_fieller.h"
#include "reports/stat_rank.h"
#include "reports/visit_dates.h"

#define NO_CURRENCY "(currency not given)"

enum { BILL_NONE = -1, BILL_MIXED = -2 };

struct cost {
    const struct dataset *dataset;
    const struct cost_plan *plan;
    struct columns columns;
    struct results *results;
    struct codes currencies;     /* as given, in the order in which the dataset has them */
    double *amounts;             /* of each subject */
    int *bills;                  /* index of the currency of each subject, or BILL_ */
    double *values, *responses;  /* scratch: one for each subject */
    double level;
    void *owner;
};

static bool may_name_arm(const struct dataset *dataset, const struct item_reference *reference)
{
    for (size_t i = 0; i < dataset->catalogue->form_count; i++) {
        const struct form *form = dataset->catalogue->forms[i];
        int item = strcmp(form->id, reference->form) == 0 ? form_find_item(form, reference->item) : FORM_NONE;
        if (item != FORM_NONE && dataset_item_may_name_arm(&form->items[item]))
            return true;
    }
    return false;
}

/* ---- bills ---- */

static void add_bill(struct cost *cost, const struct record *record)
{
    const struct answer *amount = record_answer(cost->dataset, record, cost->plan->amount.item);
    if (amount == NULL || isnan(amount->number))
        return;
    const struct answer *currency = record_answer(cost->dataset, record, cost->plan->currency.item);
    const char *code = currency != NULL ? currency->text : NO_CURRENCY;
    codes_append(cost->owner, &cost->currencies, code);
    int at = (int)codes_find(&cost->currencies, code), *bill = &cost->bills[record->subject];
    *bill = *bill == BILL_NONE || *bill == at ? at : BILL_MIXED;
    cost->amounts[record->subject] += amount->number;
}

static void collect_bills(struct cost *cost)
{
    const struct dataset *dataset = cost->dataset;
    int form = dataset_form_number(dataset, cost->plan->amount.form);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        struct records records = dataset_records_of(dataset, i, form);
        cost->bills[i] = BILL_NONE;
        for (size_t k = 0; k < records.count && dataset->subjects[i].treated; k++) {
            const struct record *record = &records.at[k];
            if (record->knee == KNEE_NONE || record->knee == dataset->subjects[i].index_knee)
                add_bill(cost, record);
        }
    }
}

static size_t count_bills(const struct cost *cost, const struct column *column, int bill)
{
    size_t count = 0;
    for (size_t i = 0; i < column->count; i++)
        count += cost->bills[column->subjects[i]] == bill ? 1 : 0;
    return count;
}

/* ---- rows ---- */

static void add_amounts(const struct cost *cost, int currency)
{
    struct cell cell = {cost->results, memory_format(cost->owner, "cost %s", cost->currencies.at[currency]), "amount",
                        NULL};
    for (size_t c = 0; c < cost->columns.count; c++) {
        const struct column *column = &cost->columns.at[c];
        size_t n = 0;
        for (size_t i = 0; i < column->count; i++) {
            if (cost->bills[column->subjects[i]] == currency)
                cost->values[n++] = cost->amounts[column->subjects[i]];
        }
        struct description of_amounts = stat_describe(cost->values, n, cost->level);
        const struct sample sample = {cost->values, n};
        struct estimate median = stat_median(&sample, cost->level);
        cell.col = column->name;
        cell_add_description(&cell, &of_amounts, column->count, DESCRIPTION_WITH_LIMITS);
        cell_add_estimate(&cell, (const char *const[4]){NULL, "median_lo", "median_hi", NULL}, &median);
        cell_add_count(&cell, "no_amount", count_bills(cost, column, BILL_NONE));
        cell_add_count(&cell, "several_currencies", count_bills(cost, column, BILL_MIXED));
    }
}

static bool is_over(const struct cost *cost, size_t subject)
{
    const struct visit *visit = &cost->dataset->catalogue->protocol->visits[analysis_main_visit(cost->dataset)];
    return visit_is_over(cost->dataset, &cost->dataset->subjects[subject], visit);
}

/*
 * Mean cost over the part of the same subjects who respond: those for whom the visit is over; who of them is not
 * evaluable has not responded.
 */
static void add_per_responder(const struct cost *cost, int currency, const struct responder *responder,
                              const unsigned char *responses)
{
    struct cell cell = {cost->results,
                        memory_format(cost->owner, "cost per responder %s", cost->currencies.at[currency]),
                        responder->id, NULL};
    for (size_t c = 0; c < cost->columns.count; c++) {
        const struct column *column = &cost->columns.at[c];
        size_t n = 0, responders = 0;
        for (size_t i = 0; i < column->count; i++) {
            size_t subject = column->subjects[i];
            if (cost->bills[subject] != currency || !is_over(cost, subject))
                continue;
            cost->values[n] = cost->amounts[subject];
            cost->responses[n++] = responses[subject] == RESPONSE_YES;
            responders += responses[subject] == RESPONSE_YES ? 1 : 0;
        }
        struct estimate ratio = stat_ratio_of_means(cost->values, cost->responses, n, cost->level);
        if (n > 0 && responders == 0)
            ratio = stat_not_estimable("no responder");
        cell.col = column->name;
        cell_add_count(&cell, "n", n);
        cell_add_count(&cell, "responders", responders);
        cell_add_estimate(&cell, (const char *const[4]){"mean", "lo", "hi", NULL}, &ratio);
    }
}

static void add_all_per_responder(const struct cost *cost)
{
    const struct protocol *protocol = cost->dataset->catalogue->protocol;
    int visit = analysis_main_visit(cost->dataset);
    unsigned char *responses = memory_new_array(cost->owner, unsigned char, cost->dataset->subject_count);
    for (size_t r = 0; visit != NO_VISIT && r < protocol->responder_count; r++) {
        responders_at(cost->dataset, &protocol->responders[r], visit, responses);
        for (size_t i = 0; i < cost->currencies.count; i++)
            add_per_responder(cost, (int)i, &protocol->responders[r], responses);
    }
}

static void refuse(const struct cost *cost)
{
    for (size_t c = 0; c < cost->columns.count; c++) {
        const struct cell cell = {cost->results, "cost", "amount", cost->columns.at[c].name};
        cell_add_refused(&cell, "n");
    }
}

void analysis_cost(const struct dataset *dataset, struct results *results)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    if (!protocol->plan.cost.analysed)
        return;
    void *owner = memory_owner(NULL, "cost");
    struct cost cost = {
        .dataset = dataset,
        .plan = &protocol->plan.cost,
        .columns = columns_of_treated(owner, dataset),
        .results = results,
        .amounts = memory_new_array(owner, double, dataset->subject_count),
        .bills = memory_new_array(owner, int, dataset->subject_count),
        .values = memory_new_array(owner, double, dataset->subject_count),
        .responses = memory_new_array(owner, double, dataset->subject_count),
        .level = protocol->level,
        .owner = owner,
    };
    if (dataset->pooled && (may_name_arm(dataset, &cost.plan->amount) || may_name_arm(dataset, &cost.plan->currency))) {
        refuse(&cost);
    } else {
        collect_bills(&cost);
        for (size_t i = 0; i < cost.currencies.count; i++)
            add_amounts(&cost, (int)i);
        add_all_per_responder(&cost);
    }
    talloc_free(owner);
}
