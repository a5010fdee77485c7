/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/event_times.h"

#include <math.h>
#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "reports/analysis_strata.h"
#include "forms/expression.h"

/* The event's condition over one form of the catalogue. */
struct condition {
    struct expression *when;     /* NULL: every record, or no record when it does not fit */
    bool fits;
    struct answer *answers;      /* of the form's items; those that the condition does not name stay missing */
    size_t *items;               /* that it names */
    size_t item_count;
};

struct deriving {
    const struct dataset *dataset;
    const struct timed_event *event;
    struct condition *conditions;    /* one for each of catalogue->forms */
    int form;                        /* dataset_form_number */
    struct event_times *times;
};

/* Days that an event can have happened on; first is DATE_NONE when it does not count. */
struct span {
    date_days first, last;
};

static bool is_of_event(const struct deriving *deriving, const struct form *form)
{
    return strcmp(form->id, deriving->event->form) == 0;
}

static void find_items(const struct deriving *deriving, const struct form *form, struct condition *condition)
{
    bool *marked = memory_new_array(deriving->conditions, bool, form->item_count);
    condition->answers = memory_new_array(deriving->conditions, struct answer, form->item_count);
    condition->items = memory_new_array(deriving->conditions, size_t, form->item_count);
    for (size_t i = 0; i < form->item_count; i++) {
        condition->answers[i] = answer_missing();
        marked[i] = true;
        if (condition->when != NULL && expression_names_any(condition->when, marked))
            condition->items[condition->item_count++] = i;
        marked[i] = false;
    }
}

static bool may_name_arm(const struct deriving *deriving, const struct form *form, const struct condition *condition)
{
    int date = deriving->event->date != NULL ? form_find_item(form, deriving->event->date) : FORM_NONE;
    bool may = date != FORM_NONE && dataset_item_may_name_arm(&form->items[date]);
    for (size_t i = 0; i < condition->item_count; i++)
        may |= dataset_item_may_name_arm(&form->items[condition->items[i]]);
    return may;
}

static void read_conditions(struct deriving *deriving)
{
    const struct catalogue *catalogue = deriving->dataset->catalogue;
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *form = catalogue->forms[i];
        struct condition *condition = &deriving->conditions[i];
        struct error error;
        if (!is_of_event(deriving, form))
            continue;
        condition->when = event_condition(deriving->conditions, deriving->event, form, &error);
        condition->fits = condition->when != NULL || error.kind == ERROR_NONE;
        find_items(deriving, form, condition);
        if (deriving->dataset->pooled && may_name_arm(deriving, form, condition))
            deriving->times->refused = true;
    }
}

static bool is_wanted_knee(const struct deriving *deriving, const struct record *record)
{
    if (deriving->event->knee == EVENT_ANY_KNEE
        || record_form(deriving->dataset, record)->about == FORM_ABOUT_SUBJECT)
        return true;
    return record->knee == deriving->dataset->subjects[record->subject].index_knee;
}

static bool is_event(struct deriving *deriving, const struct record *record)
{
    const struct condition *condition = &deriving->conditions[record->form];
    if (!is_wanted_knee(deriving, record))
        return false;
    if (!condition->fits)
        deriving->times->unread++;
    if (condition->when == NULL)
        return condition->fits;
    const struct form *form = record_form(deriving->dataset, record);
    for (size_t i = 0; i < condition->item_count; i++) {
        size_t item = condition->items[i];
        const struct answer *answer = record_answer(deriving->dataset, record, form->items[item].id);
        condition->answers[item] = answer != NULL ? *answer : answer_missing();
    }
    const struct expression_input input = {
        .form = form,
        .answers = condition->answers,
        .date = record->date,
        .today = dataset_cut_date(deriving->dataset),
    };
    return expression_evaluate(condition->when, &input) == TRUTH_TRUE;
}

/* As the date is given; not after the record, unless all of it is. */
static struct span given_span(const struct deriving *deriving, const struct record *record)
{
    const struct answer *answer =
        deriving->event->date != NULL ? record_answer(deriving->dataset, record, deriving->event->date) : NULL;
    struct span span = {record->date, record->date};
    if (answer == NULL || date_earliest(answer->date) == DATE_NONE)
        return span;
    span.first = date_earliest(answer->date);
    if (date_latest(answer->date) < record->date)
        span.last = date_latest(answer->date);
    if (span.last < span.first)
        span.last = span.first;
    return span;
}

static struct span event_span(const struct deriving *deriving, const struct record *record)
{
    const struct subject *subject = &deriving->dataset->subjects[record->subject];
    struct span span = given_span(deriving, record);
    date_days earliest = subject->day1[KNEE_NONE] + (deriving->event->favourable ? 0 : 1);
    if (span.first < earliest)
        span.first = earliest;
    if (subject->died != DATE_NONE && span.last > subject->died)
        span.last = subject->died;
    if (span.first > span.last)
        span.first = DATE_NONE;
    return span;
}

static void derive_subject(struct deriving *deriving, size_t index)
{
    const struct subject *subject = &deriving->dataset->subjects[index];
    struct event_times *times = deriving->times;
    struct records records = dataset_records_of(deriving->dataset, index, deriving->form);
    date_days found = DATE_NONE, end = subject->followed_until;
    for (size_t i = 0; i < records.count; i++) {
        if (!is_event(deriving, &records.at[i]))
            continue;
        struct span span = event_span(deriving, &records.at[i]);
        date_days day = deriving->event->favourable ? span.last : span.first;
        if (span.first == DATE_NONE || (found != DATE_NONE && day >= found))
            continue;
        found = day;
        times->imputed[index] = span.first != span.last;
    }
    times->status[index] = SURVIVAL_CENSORED;
    if (found != DATE_NONE) {
        times->status[index] = SURVIVAL_EVENT;
        end = found;
    } else if (deriving->event->death_competes && subject->died != DATE_NONE) {
        times->status[index] = SURVIVAL_COMPETING;
        end = subject->died;
    }
    times->days[index] = end != DATE_NONE ? fmax(1, date_study_day(end, subject->day1[KNEE_NONE])) : 1;
    times->imputed_count += times->imputed[index] ? 1 : 0;
}

/* Who is studied: by the answer at baseline.  Sets `refused` when a masked report may not read it. */
static bool *find_studied(const void *owner, const struct dataset *dataset, const struct timed_event *event,
                          bool *refused)
{
    bool *studied = memory_new_array(owner, bool, dataset->subject_count);
    const struct answer **answers =
        event->among_codes != NULL ? answers_at_baseline(owner, dataset, &event->among) : NULL;
    for (size_t i = 0; i < dataset->subject_count; i++) {
        studied[i] = answers == NULL;
        for (size_t k = 0; answers != NULL && answers[i] != NULL && k < event->among_count; k++)
            studied[i] = studied[i] || strcmp(answers[i]->text, event->among_codes[k]) == 0;
    }
    for (size_t f = 0; answers != NULL && dataset->pooled && f < dataset->catalogue->form_count; f++) {
        const struct form *form = dataset->catalogue->forms[f];
        int at = strcmp(form->id, event->among.form) == 0 ? form_find_item(form, event->among.item) : FORM_NONE;
        *refused = *refused || (at != FORM_NONE && dataset_item_may_name_arm(&form->items[at]));
    }
    return studied;
}

struct event_times *event_times_of(const void *owner, const struct dataset *dataset, const struct timed_event *event)
{
    struct event_times *times = memory_new(owner, struct event_times);
    struct deriving deriving = {
        .dataset = dataset,
        .event = event,
        .conditions = memory_new_array(times, struct condition, dataset->catalogue->form_count),
        .form = dataset_form_number(dataset, event->form),
        .times = times,
    };
    times->event = event;
    times->days = memory_new_array(times, double, dataset->subject_count);
    times->status = memory_new_array(times, unsigned char, dataset->subject_count);
    times->imputed = memory_new_array(times, bool, dataset->subject_count);
    read_conditions(&deriving);
    bool *studied = find_studied(times, dataset, event, &times->refused);
    for (size_t i = 0; i < dataset->subject_count; i++) {
        times->days[i] = (double)NAN;
        if (!times->refused && studied[i] && dataset->subjects[i].treated
            && dataset_column(dataset, i) != NO_COHORT)
            derive_subject(&deriving, i);
    }
    talloc_free(studied);
    talloc_free(deriving.conditions);
    return times;
}

struct event_sample event_sample_of(const void *owner, const struct dataset *dataset, const struct event_times *times)
{
    size_t count = 0;
    for (size_t i = 0; i < dataset->subject_count; i++)
        count += isnan(times->days[i]) ? 0 : 1;
    size_t *subjects = memory_new_array(owner, size_t, count);
    double *days = memory_new_array(owner, double, count);
    unsigned char *status = memory_new_array(owner, unsigned char, count);
    unsigned *group = memory_new_array(owner, unsigned, count);
    size_t n = 0;
    for (size_t i = 0; i < dataset->subject_count; i++) {
        if (isnan(times->days[i]))
            continue;
        subjects[n] = i;
        days[n] = times->days[i];
        status[n] = times->status[i];
        group[n++] = (unsigned)dataset_column(dataset, i);
    }
    return (struct event_sample){
        .data = {.days = days, .status = status, .group = group, .count = count,
                 .group_count = dataset->cohort_count, .stratum_count = 1},
        .subjects = subjects,
    };
}
