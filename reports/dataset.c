/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"

/* The forms that a report knows by name; all others it knows through the protocol. */
#define FORM_TREATMENT "treatment"
#define FORM_END_OF_STUDY "end_of_study"
#define FORM_SCREENING "screening"
#define VISIT_UNSCHEDULED "unscheduled"

#define MICROSECONDS_A_DAY INT64_C(86400000000)

static bool is_form(const struct record *record, const char *form)
{
    return strcmp(record->form->id, form) == 0;
}

/* -- order ----------------------------------------------------------------------------------------------- */

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

/*
 * Same form and knee: the later date, then the later receipt stands later; one request may bring several at
 * once.
 */
static int compare_age(const struct record *a, const struct record *b)
{
    int order = compare_numbers(a->date, b->date);
    if (order == 0)
        order = compare_numbers(a->received_us, b->received_us);
    if (order == 0)
        order = compare_numbers(a->instance, b->instance);
    return order != 0 ? order : strcmp(a->id, b->id);
}

static int compare_group(const struct record *a, const struct record *b)
{
    int order = compare_numbers((int64_t)a->subject, (int64_t)b->subject);
    if (order == 0 && a->form != b->form)
        order = strcmp(a->form->id, b->form->id);
    return order != 0 ? order : compare_numbers((int64_t)a->knee, (int64_t)b->knee);
}

static int compare_records(const void *a, const void *b)
{
    int order = compare_group(a, b);
    return order != 0 ? order : compare_age(a, b);
}

static void order_records(struct dataset *dataset)
{
    struct record *records = dataset->records;
    bool ordered = true;
    for (size_t i = 1; i < dataset->record_count && ordered; i++)
        ordered = compare_records(&records[i - 1], &records[i]) <= 0;
    if (!ordered)
        qsort(records, dataset->record_count, sizeof records[0], compare_records);
    for (size_t i = 0; i < dataset->subject_count; i++)
        dataset->subjects[i].first_record = dataset->subjects[i].record_count = 0;
    for (size_t i = 0; i < dataset->record_count; i++) {
        struct subject *subject = &dataset->subjects[records[i].subject];
        if (subject->record_count++ == 0)
            subject->first_record = i;
    }
}

/* -- treatment and study days ---------------------------------------------------------------------------- */

/* Last value of the endpoint that decides between knees, on the day of the knee's treatment or before. */
static double baseline_pain(const struct protocol *protocol, const struct subject *subject,
                            const struct record *records, enum knee_side knee)
{
    double last = (double)NAN;
    const struct endpoint *pain = &protocol->endpoints[protocol->index_knee_pain];
    for (size_t i = 0; i < subject->record_count; i++) {
        const struct record *record = &records[i];
        if (record->knee != knee || !is_form(record, pain->form) || record->date > subject->day1[knee]
            || strcmp(record->visit, VISIT_UNSCHEDULED) == 0)
            continue;
        int score = form_find_score(record->form, pain->score);
        if (score != FORM_NONE && !isnan(record->scores[score]))
            last = record->scores[score];
    }
    return last;
}

/* Of two knees treated on the same day: the worse one, then the right. */
static enum knee_side worse_knee(const struct catalogue *catalogue, const struct subject *subject,
                                 const struct record *records)
{
    const struct protocol *protocol = catalogue->protocol;
    if (protocol->index_knee_pain < 0)
        return KNEE_RIGHT;
    const struct score *score =
        catalogue_endpoint_score(catalogue, &protocol->endpoints[protocol->index_knee_pain]);
    double left = baseline_pain(protocol, subject, records, KNEE_LEFT);
    double right = baseline_pain(protocol, subject, records, KNEE_RIGHT);
    if (isnan(left) || isnan(right))
        return isnan(left) ? KNEE_RIGHT : KNEE_LEFT;
    bool left_is_worse = score->direction == SCORE_HIGHER_WORSE ? left > right : left < right;
    return left_is_worse ? KNEE_LEFT : KNEE_RIGHT;
}

static enum knee_side choose_index_knee(const struct catalogue *catalogue, const struct subject *subject,
                                        const struct record *records)
{
    date_days left = subject->day1[KNEE_LEFT], right = subject->day1[KNEE_RIGHT];
    bool untreated = left == DATE_NONE && right == DATE_NONE;
    if (untreated || catalogue->protocol->index_knee_rule == INDEX_KNEE_AS_ENROLLED)
        return subject->index_knee;
    if (left == right)
        return worse_knee(catalogue, subject, records);
    return right == DATE_NONE || (left != DATE_NONE && left < right) ? KNEE_LEFT : KNEE_RIGHT;
}

static void derive_treatment(const struct catalogue *catalogue, struct subject *subject,
                             const struct record *records)
{
    for (int knee = KNEE_NONE; knee <= KNEE_RIGHT; knee++)
        subject->day1[knee] = DATE_NONE;
    for (size_t i = 0; i < subject->record_count; i++) {
        date_days *day1 = &subject->day1[records[i].knee];
        if (records[i].knee != KNEE_NONE && is_form(&records[i], FORM_TREATMENT)
            && (*day1 == DATE_NONE || records[i].date < *day1))
            *day1 = records[i].date;
    }
    subject->index_knee = choose_index_knee(catalogue, subject, records);
    subject->day1[KNEE_NONE] = subject->day1[subject->index_knee];
    subject->treated = subject->day1[KNEE_NONE] != DATE_NONE;
    int of_knee = subject->allocated[subject->index_knee];
    subject->cohort = of_knee != NO_COHORT ? of_knee : subject->allocated[KNEE_NONE];
}

static int visit_of_day(const struct protocol *protocol, int day)
{
    for (size_t i = 0; i < protocol->visit_count; i++) {
        if (day >= protocol->visits[i].analysis[0] && day <= protocol->visits[i].analysis[1])
            return (int)i;
    }
    return NO_VISIT;
}

static void derive_days(const struct protocol *protocol, const struct subject *subject,
                        struct record *records)
{
    for (size_t i = 0; i < subject->record_count; i++) {
        struct record *record = &records[i];
        date_days day1 = subject->day1[record->knee];
        if (day1 == DATE_NONE)
            day1 = subject->day1[KNEE_NONE];
        bool has_day = day1 != DATE_NONE && record->date != DATE_NONE;
        record->day = has_day ? date_study_day(record->date, day1) : STUDY_DAY_NONE;
        bool assigned = has_day && strcmp(record->visit, VISIT_UNSCHEDULED) != 0;
        record->analysis_visit = assigned ? visit_of_day(protocol, record->day) : NO_VISIT;
        record->selected = false;
    }
}

/* -- selection ------------------------------------------------------------------------------------------- */

/* `later` stands behind `best` in the dataset's order, so it is not older: a tie goes to it. */
static bool is_better(const struct record *later, const struct record *best, int target)
{
    return best == NULL || dataset_distance(later->day, target) <= dataset_distance(best->day, target);
}

/*
 * Marks the selected records of each form and knee, which stand together.  `best` has one entry for each
 * visit.
 */
static void select_records(const struct protocol *protocol, struct record *records, size_t count,
                           struct record **best)
{
    for (size_t from = 0, to; from < count; from = to) {
        memset(best, 0, protocol->visit_count * sizeof best[0]);
        for (to = from; to < count && compare_group(&records[from], &records[to]) == 0; to++) {
            int visit = records[to].analysis_visit;
            if (visit != NO_VISIT && is_better(&records[to], best[visit], protocol->visits[visit].target))
                best[visit] = &records[to];
        }
        for (size_t visit = 0; visit < protocol->visit_count; visit++) {
            if (best[visit] != NULL)
                best[visit]->selected = true;
        }
    }
}

/* -- end of study ---------------------------------------------------------------------------------------- */

static date_days date_answer(const struct record *record, const char *item)
{
    const struct answer *answer = record_answer(record, item);
    return answer != NULL ? date_latest(answer->date) : DATE_NONE;
}

/* A new knee joint or an address that is lost decides nothing: answers are due still. */
static bool ends_by_decision(const char *reason)
{
    static const char *const decisions[] = {"withdrew_consent", "adverse_event", "physician_decision",
                                            "study_stopped"};
    for (size_t i = 0; i < sizeof decisions / sizeof decisions[0]; i++) {
        if (strcmp(reason, decisions[i]) == 0)
            return true;
    }
    return false;
}

static void derive_end(struct subject *subject, const struct record *record)
{
    const struct answer *reason = record_answer(record, "reason");
    subject->end_reason = reason != NULL ? reason->text : NULL;
    subject->last_contact = date_answer(record, "last_contact");
    date_days left = subject->last_contact != DATE_NONE ? subject->last_contact : record->date;
    if (subject->end_reason == NULL)
        return;
    if (ends_by_decision(subject->end_reason))
        subject->withdrawn = left;
    if (strcmp(subject->end_reason, "died") == 0) {
        date_days died = date_answer(record, "death_date");
        subject->died = died == DATE_NONE ? left : died < record->date ? died : record->date;
    }
}

/*
 * Date on which this screening form withdraws consent to follow-up; a withdrawal from treatment alone is
 * none.
 */
static date_days consent_withdrawn(const struct record *record)
{
    const struct answer *scope = record_answer(record, "withdrawal_scope");
    bool treatment_only = scope != NULL && strcmp(scope->text, "treatment") == 0;
    return treatment_only ? DATE_NONE : date_answer(record, "withdrawal_date");
}

static date_days earlier(date_days a, date_days b)
{
    return a == DATE_NONE || (b != DATE_NONE && b < a) ? b : a;
}

/* The newest end-of-study form counts; records of one form stand in order of date. */
static void derive_ends(struct subject *subject, const struct record *records)
{
    subject->last_contact = subject->died = subject->withdrawn = DATE_NONE;
    subject->end_reason = NULL;
    date_days withdrawn = DATE_NONE;
    const struct record *end = NULL;
    for (size_t i = 0; i < subject->record_count; i++) {
        if (is_form(&records[i], FORM_END_OF_STUDY))
            end = &records[i];
        else if (is_form(&records[i], FORM_SCREENING))
            withdrawn = earlier(withdrawn, consent_withdrawn(&records[i]));
    }
    if (end != NULL)
        derive_end(subject, end);
    subject->withdrawn = earlier(subject->withdrawn, withdrawn);
}

/* -- values of endpoints --------------------------------------------------------------------------------- */

static double *value_at(const struct dataset *dataset, size_t subject, size_t endpoint, int visit)
{
    size_t visits = dataset->catalogue->protocol->visit_count;
    return &dataset->values[(subject * dataset->catalogue->protocol->endpoint_count + endpoint) * visits
                            + (size_t)visit];
}

static bool counts_for_baseline(const struct record *record)
{
    return record->day != STUDY_DAY_NONE && record->day <= 1 && strcmp(record->visit, VISIT_UNSCHEDULED) != 0;
}

/*
 * Records of a form stand in order of age, so that the last value at baseline stays.  Without a treatment the
 * index knee has no days, so that no record of it comes here.
 */
static void take_value(struct dataset *dataset, const struct record *record, size_t endpoint)
{
    const struct endpoint *wanted = &dataset->catalogue->protocol->endpoints[endpoint];
    int score = is_form(record, wanted->form) ? form_find_score(record->form, wanted->score) : FORM_NONE;
    if (score == FORM_NONE || record->knee != dataset_index_knee(dataset, record->subject, record->form))
        return;
    double value = record->scores[score];
    int baseline = dataset_baseline(dataset);
    if (counts_for_baseline(record) && !isnan(value))
        *value_at(dataset, record->subject, endpoint, baseline) = value;
    if (record->selected && record->analysis_visit != baseline)
        *value_at(dataset, record->subject, endpoint, record->analysis_visit) = value;
}

static void derive_values(struct dataset *dataset)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    size_t cells = memory_size_product(protocol->endpoint_count, protocol->visit_count);
    size_t count = memory_size_product(cells, dataset->subject_count);
    dataset->values = memory_new_array(dataset, double, count);
    for (size_t i = 0; i < count; i++)
        dataset->values[i] = (double)NAN;
    for (size_t i = 0; i < dataset->record_count; i++) {
        const struct record *record = &dataset->records[i];
        for (size_t e = 0; e < protocol->endpoint_count; e++)
            take_value(dataset, record, e);
    }
}

/* -- interface ------------------------------------------------------------------------------------------- */

bool dataset_derive(struct dataset *dataset, struct error *error)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    if (dataset_baseline(dataset) == NO_VISIT)
        return error_set(error, ERROR_INPUT,
                         "protocol %s has no baseline visit; give one visit an analysis window "
                         "that ends on day 1 or before",
                         protocol->id);
    order_records(dataset);
    struct record **best = memory_new_array(dataset, struct record *, protocol->visit_count);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        struct subject *subject = &dataset->subjects[i];
        struct record *records = dataset->records + subject->first_record;
        derive_treatment(dataset->catalogue, subject, records);
        derive_days(protocol, subject, records);
        select_records(protocol, records, subject->record_count, best);
        derive_ends(subject, records);
    }
    talloc_free(best);
    derive_values(dataset);
    return true;
}

int dataset_baseline(const struct dataset *dataset)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    int baseline = NO_VISIT;
    for (size_t i = 0; i < protocol->visit_count; i++) {
        if (protocol->visits[i].baseline)
            baseline = (int)i;
    }
    return baseline;
}

bool dataset_is_after_baseline(const struct dataset *dataset, int visit)
{
    return visit > dataset_baseline(dataset);
}

int dataset_distance(int day, int other)
{
    return abs((day > 0 ? day - 1 : day) - (other > 0 ? other - 1 : other));
}

int dataset_column(const struct dataset *dataset, size_t subject)
{
    return dataset->pooled ? 0 : dataset->subjects[subject].cohort;
}

date_days dataset_cut_date(const struct dataset *dataset)
{
    int64_t us = dataset->cut_made_us;
    return (date_days)(us / MICROSECONDS_A_DAY - (us % MICROSECONDS_A_DAY < 0));
}

bool dataset_item_may_name_arm(const struct item *item)
{
    static const char *const coded[] = {"coded_term", "system_organ_class", "dictionary",
                                        "dictionary_version"};
    for (size_t i = 0; i < sizeof coded / sizeof coded[0]; i++) {
        if (strcmp(item->id, coded[i]) == 0)
            return item->reveals_arm;
    }
    return item->reveals_arm || item->type == ITEM_TEXT;
}

const struct answer *record_answer(const struct record *record, const char *item)
{
    int index = form_find_item(record->form, item);
    if (index == FORM_NONE || record->answers[index].state != ANSWER_GIVEN)
        return NULL;
    return &record->answers[index];
}

const struct record *dataset_selected(const struct dataset *dataset, size_t subject, enum knee_side knee,
                                      const char *form, int visit)
{
    const struct record *record = dataset->records + dataset->subjects[subject].first_record;
    const struct record *end = record + dataset->subjects[subject].record_count;
    for (; record < end; record++) {
        if (record->selected && record->analysis_visit == visit && record->knee == knee &&
            is_form(record, form))
            return record;
    }
    return NULL;
}

enum knee_side dataset_index_knee(const struct dataset *dataset, size_t subject, const struct form *form)
{
    return form->about == FORM_ABOUT_SUBJECT ? KNEE_NONE : dataset->subjects[subject].index_knee;
}

double dataset_value(const struct dataset *dataset, size_t subject, size_t endpoint, int visit)
{
    return *value_at(dataset, subject, endpoint, visit);
}
