/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/dataset.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/dataset_store.h"

/* The forms that a report knows by name; all others it knows through the protocol. */
#define FORM_TREATMENT "treatment"
#define FORM_END_OF_STUDY "end_of_study"
#define FORM_SCREENING "screening"

#define MICROSECONDS_A_DAY INT64_C(86400000000)

/* What deriving asks of every record, found once. */
struct deriving {
    struct dataset *dataset;
    const struct protocol *protocol;
    int treatment, end_of_study, screening;      /* numbers of forms */
    struct record **best;                        /* room for one of each visit */
};

/* Here the records of a subject are filled in. */
static struct record *records_of(const struct dataset *dataset, size_t subject)
{
    return (struct record *)(uintptr_t)dataset_records(dataset, subject).at;
}

/* -- treatment and study days ---------------------------------------------------------------------------- */

/* Last value of the endpoint that decides between knees, on the day of the knee's treatment or before. */
static double baseline_pain(const struct deriving *deriving, size_t subject, enum knee_side knee)
{
    const struct dataset *dataset = deriving->dataset;
    const struct endpoint *pain = &deriving->protocol->endpoints[deriving->protocol->index_knee_pain];
    struct records records = dataset_records_of(dataset, subject, dataset_form_number(dataset, pain->form));
    double last = (double)NAN;
    for (size_t i = 0; i < records.count; i++) {
        const struct record *record = &records.at[i];
        if (record->knee != knee || record->date > dataset->subjects[subject].day1[knee]
            || record_is_unscheduled(dataset, record))
            continue;
        int score = form_find_score(record_form(dataset, record), pain->score);
        double value = score != FORM_NONE ? record_score(dataset, record, (size_t)score) : (double)NAN;
        last = isnan(value) ? last : value;
    }
    return last;
}

/* Of two knees treated on the same day: the worse one, then the right. */
static enum knee_side worse_knee(const struct deriving *deriving, size_t subject)
{
    const struct protocol *protocol = deriving->protocol;
    if (protocol->index_knee_pain < 0)
        return KNEE_RIGHT;
    const struct score *score = catalogue_endpoint_score(deriving->dataset->catalogue,
                                                         &protocol->endpoints[protocol->index_knee_pain]);
    double left = baseline_pain(deriving, subject, KNEE_LEFT);
    double right = baseline_pain(deriving, subject, KNEE_RIGHT);
    if (isnan(left) || isnan(right))
        return isnan(left) ? KNEE_RIGHT : KNEE_LEFT;
    bool left_is_worse = score->direction == SCORE_HIGHER_WORSE ? left > right : left < right;
    return left_is_worse ? KNEE_LEFT : KNEE_RIGHT;
}

static enum knee_side choose_index_knee(const struct deriving *deriving, size_t number)
{
    const struct subject *subject = &deriving->dataset->subjects[number];
    date_days left = subject->day1[KNEE_LEFT], right = subject->day1[KNEE_RIGHT];
    bool untreated = left == DATE_NONE && right == DATE_NONE;
    if (untreated || deriving->protocol->index_knee_rule == INDEX_KNEE_AS_ENROLLED)
        return subject->index_knee;
    if (left == right)
        return worse_knee(deriving, number);
    return right == DATE_NONE || (left != DATE_NONE && left < right) ? KNEE_LEFT : KNEE_RIGHT;
}

static void derive_treatment(const struct deriving *deriving, size_t number)
{
    const struct dataset *dataset = deriving->dataset;
    struct subject *subject = &dataset->subjects[number];
    struct records records = dataset_records_of(dataset, number, deriving->treatment);
    for (int knee = KNEE_NONE; knee <= KNEE_RIGHT; knee++)
        subject->day1[knee] = DATE_NONE;
    for (size_t i = 0; i < records.count; i++) {
        const struct record *record = &records.at[i];
        date_days *day1 = &subject->day1[record->knee];
        if (record->knee != KNEE_NONE && (*day1 == DATE_NONE || record->date < *day1))
            *day1 = record->date;
    }
    subject->index_knee = choose_index_knee(deriving, number);
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

static void derive_days(const struct deriving *deriving, size_t number)
{
    const struct subject *subject = &deriving->dataset->subjects[number];
    struct record *records = records_of(deriving->dataset, number);
    for (size_t i = 0; i < subject->record_count; i++) {
        struct record *record = &records[i];
        date_days day1 = subject->day1[record->knee];
        if (day1 == DATE_NONE)
            day1 = subject->day1[KNEE_NONE];
        bool has_day = day1 != DATE_NONE && record->date != DATE_NONE;
        record->day = has_day ? date_study_day(record->date, day1) : STUDY_DAY_NONE;
        bool assigned = has_day && !record_is_unscheduled(deriving->dataset, record);
        record->analysis_visit = (int16_t)(assigned ? visit_of_day(deriving->protocol, record->day) : NO_VISIT);
        record->selected = false;
    }
}

/* -- selection ------------------------------------------------------------------------------------------- */

/* `later` stands behind `best` in the dataset's order, so it is not older: a tie goes to it. */
static bool is_better(const struct record *later, const struct record *best, int target)
{
    return best == NULL || dataset_distance(later->day, target) <= dataset_distance(best->day, target);
}

static bool is_same_group(const struct dataset *dataset, const struct record *a, const struct record *b)
{
    const struct kept_form *forms = dataset->store->forms;
    return a->knee == b->knee && forms[a->form].number == forms[b->form].number;
}

/* Marks the selected records of each form and knee, which stand together. */
static void select_records(const struct deriving *deriving, size_t subject)
{
    const struct protocol *protocol = deriving->protocol;
    struct record *records = records_of(deriving->dataset, subject), **best = deriving->best;
    size_t count = deriving->dataset->subjects[subject].record_count;
    for (size_t from = 0, to; from < count; from = to) {
        memset(best, 0, protocol->visit_count * sizeof best[0]);
        for (to = from; to < count && is_same_group(deriving->dataset, &records[from], &records[to]); to++) {
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

static date_days date_answer(const struct dataset *dataset, const struct record *record, const char *item)
{
    const struct answer *answer = record_answer(dataset, record, item);
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

static void derive_end(const struct dataset *dataset, struct subject *subject, const struct record *record)
{
    const struct answer *reason = record_answer(dataset, record, "reason");
    subject->end_reason = reason != NULL ? reason->text : NULL;
    subject->last_contact = date_answer(dataset, record, "last_contact");
    date_days left = subject->last_contact != DATE_NONE ? subject->last_contact : record->date;
    if (subject->end_reason == NULL)
        return;
    if (ends_by_decision(subject->end_reason))
        subject->withdrawn = left;
    if (strcmp(subject->end_reason, "died") == 0) {
        date_days died = date_answer(dataset, record, "death_date");
        subject->died = died == DATE_NONE ? left : died < record->date ? died : record->date;
    }
}

/*
 * Date on which this screening form withdraws consent to follow-up; a withdrawal from treatment alone is
 * none.
 */
static date_days consent_withdrawn(const struct dataset *dataset, const struct record *record)
{
    const struct answer *scope = record_answer(dataset, record, "withdrawal_scope");
    bool treatment_only = scope != NULL && strcmp(scope->text, "treatment") == 0;
    return treatment_only ? DATE_NONE : date_answer(dataset, record, "withdrawal_date");
}

static date_days earlier(date_days a, date_days b)
{
    return a == DATE_NONE || (b != DATE_NONE && b < a) ? b : a;
}

static void derive_follow_up(const struct dataset *dataset, struct subject *subject, date_days last_record)
{
    date_days until = subject->last_contact != DATE_NONE ? subject->last_contact : last_record;
    until = until != DATE_NONE ? earlier(until, subject->died) : until;
    subject->followed_until = until != DATE_NONE ? earlier(until, dataset_cut_date(dataset)) : until;
}

/* The newest end-of-study form counts; records of one form stand in order of date. */
static void derive_ends(const struct deriving *deriving, size_t number)
{
    const struct dataset *dataset = deriving->dataset;
    struct subject *subject = &dataset->subjects[number];
    struct records records = dataset_records(dataset, number);
    subject->last_contact = subject->died = subject->withdrawn = DATE_NONE;
    subject->end_reason = NULL;
    date_days withdrawn = DATE_NONE, last = DATE_NONE;
    const struct record *end = NULL;
    for (size_t i = 0; i < records.count; i++) {
        const struct record *record = &records.at[i];
        if (record_is(dataset, record, deriving->end_of_study))
            end = record;
        else if (record_is(dataset, record, deriving->screening))
            withdrawn = earlier(withdrawn, consent_withdrawn(dataset, record));
        last = record->date > last ? record->date : last;    /* DATE_NONE is the least */
    }
    if (end != NULL)
        derive_end(dataset, subject, end);
    subject->withdrawn = earlier(subject->withdrawn, withdrawn);
    derive_follow_up(dataset, subject, last);
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
    record_store_begin_index(dataset->store);
    struct deriving deriving = {
        .dataset = dataset,
        .protocol = protocol,
        .treatment = dataset_form_number(dataset, FORM_TREATMENT),
        .end_of_study = dataset_form_number(dataset, FORM_END_OF_STUDY),
        .screening = dataset_form_number(dataset, FORM_SCREENING),
        .best = memory_new_array(dataset, struct record *, protocol->visit_count),
    };
    for (size_t i = 0; i < dataset->subject_count; i++) {
        record_store_index(dataset->store, i);
        derive_treatment(&deriving, i);
        derive_days(&deriving, i);
        select_records(&deriving, i);
        derive_ends(&deriving, i);
    }
    talloc_free(deriving.best);
    voided_settle(dataset->store);
    dataset_derive_values(dataset);
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

const struct record *dataset_selected(const struct dataset *dataset, size_t subject, enum knee_side knee,
                                      const char *form, int visit)
{
    struct records records = dataset_records_of(dataset, subject, dataset_form_number(dataset, form));
    for (const struct record *record = records.at, *end = record + records.count; record < end; record++) {
        if (record->selected && record->analysis_visit == visit && record->knee == knee)
            return record;
    }
    return NULL;
}

enum knee_side dataset_index_knee(const struct dataset *dataset, size_t subject, const struct form *form)
{
    return form->about == FORM_ABOUT_SUBJECT ? KNEE_NONE : dataset->subjects[subject].index_knee;
}
