/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of endpoints: a column of numbers for each visit, one a subject. */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/dataset_store.h"

/* Which records count for one endpoint, and where their values go. */
struct collecting {
    const struct dataset *dataset;
    size_t endpoint;
    int form;                    /* dataset_form_number of the endpoint's */
    enum dataset_knee knee;
    enum dataset_window window;
    int *scores;                 /* of the endpoint in each form of the catalogue, FORM_NONE */
    double **columns;
    int *distances;              /* of the value taken so far at each visit; by the strict window only */
};

static void find_scores(struct collecting *collecting)
{
    const struct catalogue *catalogue = collecting->dataset->catalogue;
    const struct endpoint *wanted = &catalogue->protocol->endpoints[collecting->endpoint];
    for (size_t i = 0; i < catalogue->form_count; i++)
        collecting->scores[i] = strcmp(catalogue->forms[i]->id, wanted->form) == 0
                                    ? form_find_score(catalogue->forms[i], wanted->score)
                                    : FORM_NONE;
}

static bool is_wanted_knee(const struct collecting *collecting, const struct record *record)
{
    enum knee_side index = collecting->dataset->subjects[record->subject].index_knee;
    bool about_subject = record_form(collecting->dataset, record)->about == FORM_ABOUT_SUBJECT;
    if (collecting->knee == DATASET_OTHER_KNEE)
        return !about_subject && record->knee != KNEE_NONE && record->knee != index;
    return record->knee == (about_subject ? KNEE_NONE : index);
}

static bool counts_for_baseline(const struct dataset *dataset, const struct record *record)
{
    return record->day != STUDY_DAY_NONE && record->day <= 1 && !record_is_unscheduled(dataset, record);
}

static int due_visit(const struct protocol *protocol, int day)
{
    for (size_t i = 0; i < protocol->visit_count; i++) {
        if (day >= protocol->visits[i].due[0] && day <= protocol->visits[i].due[1])
            return (int)i;
    }
    return NO_VISIT;
}

/* The visit that a record counts for, of those other than baseline; as select_records chooses between several. */
static int visit_taken(const struct collecting *collecting, const struct record *record, int baseline)
{
    const struct protocol *protocol = collecting->dataset->catalogue->protocol;
    if (collecting->window == DATASET_ANALYSIS_WINDOW)
        return record->selected && record->analysis_visit != baseline ? record->analysis_visit : NO_VISIT;
    bool assigned = record->day != STUDY_DAY_NONE && !record_is_unscheduled(collecting->dataset, record);
    int visit = assigned ? due_visit(protocol, record->day) : NO_VISIT;
    if (visit == NO_VISIT || visit == baseline)
        return NO_VISIT;
    int distance = dataset_distance(record->day, protocol->visits[visit].target);
    if (distance > collecting->distances[visit])
        return NO_VISIT;
    collecting->distances[visit] = distance;
    return visit;
}

/* A score that a derived column has is nearer at hand there than beside its record. */
static double value_of(const struct collecting *collecting, const struct record *record, size_t score, int baseline)
{
    const struct dataset *dataset = collecting->dataset;
    bool derived = collecting->window == DATASET_DUE_WINDOW && collecting->knee == DATASET_INDEX_KNEE
                && record->selected && record->analysis_visit != baseline;
    return derived ? dataset_value(dataset, record->subject, collecting->endpoint, record->analysis_visit)
                   : record_score(dataset, record, score);
}

/*
 * Records of a form stand in order of age, so that the last value at baseline stays.  Without a treatment the
 * index knee has no days, so that no record of it counts.
 */
static void collect_subject(const struct collecting *collecting, size_t subject, int baseline)
{
    const struct dataset *dataset = collecting->dataset;
    size_t visits = dataset->catalogue->protocol->visit_count;
    struct records records = dataset_records_of(dataset, subject, collecting->form);
    for (size_t v = 0; v < visits; v++) {
        collecting->columns[v][subject] = (double)NAN;
        collecting->distances[v] = INT32_MAX;
    }
    for (size_t i = 0; i < records.count; i++) {
        const struct record *record = &records.at[i];
        int score = collecting->scores[record->form];
        if (score == FORM_NONE || !is_wanted_knee(collecting, record))
            continue;
        double value = value_of(collecting, record, (size_t)score, baseline);
        if (counts_for_baseline(dataset, record) && !isnan(value))
            collecting->columns[baseline][subject] = value;
        int visit = visit_taken(collecting, record, baseline);
        if (visit != NO_VISIT)
            collecting->columns[visit][subject] = value;
    }
}

static struct collecting begin(const void *owner, const struct dataset *dataset, size_t endpoint)
{
    size_t visits = dataset->catalogue->protocol->visit_count;
    struct collecting collecting = {
        .dataset = dataset,
        .endpoint = endpoint,
        .form = dataset_form_number(dataset, dataset->catalogue->protocol->endpoints[endpoint].form),
        .columns = memory_new_array(owner, double *, visits),
        .scores = memory_new_array(owner, int, dataset->catalogue->form_count),
        .distances = memory_new_array(owner, int, visits),
    };
    for (size_t v = 0; v < visits; v++)
        collecting.columns[v] = memory_resize_array(collecting.columns, NULL, double, dataset->subject_count);
    find_scores(&collecting);
    return collecting;
}

static void end(struct collecting *collecting)
{
    talloc_free(collecting->scores);
    talloc_free(collecting->distances);
}

double **dataset_collect_values(const void *owner, const struct dataset *dataset, size_t endpoint,
                                enum dataset_knee knee, enum dataset_window window)
{
    struct collecting collecting = begin(owner, dataset, endpoint);
    int baseline = dataset_baseline(dataset);
    collecting.knee = knee;
    collecting.window = window;
    for (size_t i = 0; i < dataset->subject_count; i++)
        collect_subject(&collecting, i, baseline);
    end(&collecting);
    return collecting.columns;
}

/* All endpoints in one pass, subject by subject: their records are at hand then. */
void dataset_derive_values(struct dataset *dataset)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    struct collecting *all = memory_new_array(dataset, struct collecting, protocol->endpoint_count);
    int baseline = dataset_baseline(dataset);
    dataset->values = memory_new_array(dataset, double **, protocol->endpoint_count);
    for (size_t e = 0; e < protocol->endpoint_count; e++) {
        all[e] = begin(dataset, dataset, e);
        dataset->values[e] = all[e].columns;
    }
    for (size_t i = 0; i < dataset->subject_count; i++)
        for (size_t e = 0; e < protocol->endpoint_count; e++)
            collect_subject(&all[e], i, baseline);
    for (size_t e = 0; e < protocol->endpoint_count; e++)
        end(&all[e]);
    talloc_free(all);
}

const double *dataset_values(const struct dataset *dataset, size_t endpoint, int visit)
{
    return dataset->values[endpoint][visit];
}

double dataset_value(const struct dataset *dataset, size_t subject, size_t endpoint, int visit)
{
    return dataset->values[endpoint][visit][subject];
}
