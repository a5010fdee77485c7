/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/adverse_event.h"

#include <string.h>

#include "forms/base/memory.h"

#define FORM_ADVERSE_EVENT "adverse_event"
#define HARVEST_SITE "harvest_site"

enum { GRADE_DEATH = 5 };

static const char *text_of(const struct record *record, const char *item)
{
    const struct answer *answer = record_answer(record, item);
    return answer != NULL ? answer->text : NULL;
}

static bool is_true(const struct record *record, const char *item)
{
    const char *text = text_of(record, item);
    return text != NULL && strcmp(text, "true") == 0;
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; text != NULL && *words != NULL; words++) {
        if (strcmp(text, *words) == 0)
            return true;
    }
    return false;
}

/* -- treatment-emergent ---------------------------------------------------------------------------------- */

date_days adverse_event_day_1(const struct subject *subject)
{
    date_days left = subject->day1[KNEE_LEFT];
    date_days right = subject->day1[KNEE_RIGHT];
    return left == DATE_NONE || (right != DATE_NONE && right < left) ? right : left;
}

static bool is_at_harvest_site(const struct record *record)
{
    const char *interest = text_of(record, "special_interest");
    return interest != NULL && strcmp(interest, HARVEST_SITE) == 0;
}

static date_days first_harvest(const struct dataset *dataset, const struct subject *subject)
{
    date_days first = DATE_NONE;
    for (size_t i = 0; i < subject->record_count; i++) {
        const struct record *record = &dataset->records[subject->first_record + i];
        const struct answer *harvest =
            strcmp(record->form->id, "treatment") == 0 ? record_answer(record, "harvest_date") : NULL;
        date_days date = harvest != NULL ? date_earliest(harvest->date) : DATE_NONE;
        if (date != DATE_NONE && (first == DATE_NONE || date < first))
            first = date;
    }
    return first;
}

/* The day from which on an event counts. */
static date_days first_exposure(const struct dataset *dataset, const struct record *record)
{
    const struct subject *subject = &dataset->subjects[record->subject];
    date_days treated = adverse_event_day_1(subject);
    date_days harvest = is_at_harvest_site(record) ? first_harvest(dataset, subject) : DATE_NONE;
    return harvest != DATE_NONE && harvest < treated ? harvest : treated;
}

enum emergence adverse_event_emergence(const struct dataset *dataset, const struct record *record)
{
    if (!dataset->subjects[record->subject].treated)
        return EMERGENCE_NONE;
    date_days exposed = first_exposure(dataset, record);
    const struct answer *onset = record_answer(record, "onset");
    const struct answer *end = record_answer(record, "end");
    date_days earliest = onset != NULL ? date_earliest(onset->date) : DATE_NONE;
    date_days latest = onset != NULL ? date_latest(onset->date) : DATE_NONE;
    if (is_true(record, "worsened_after_treatment"))
        return EMERGENCE_CERTAIN;
    bool ended_before =
        end != NULL && date_latest(end->date) != DATE_NONE && date_latest(end->date) < exposed;
    if (ended_before || (latest != DATE_NONE && latest < exposed))
        return EMERGENCE_NONE;
    return earliest == DATE_NONE || earliest < exposed ? EMERGENCE_IMPUTED : EMERGENCE_CERTAIN;
}

/* -- classification -------------------------------------------------------------------------------------- */

bool adverse_event_is_form(const struct record *record)
{
    return strcmp(record->form->id, FORM_ADVERSE_EVENT) == 0;
}

bool adverse_event_is_fatal(const struct record *record)
{
    static const char *const fatal[] = {"fatal", NULL};
    const struct answer *grade = record_answer(record, "ctcae_grade");
    return is_true(record, "serious_death") || is_one_of(text_of(record, "outcome"), fatal)
        || (grade != NULL && grade->number >= GRADE_DEATH);
}

bool adverse_event_is_serious(const struct record *record)
{
    return text_of(record, "serious") == NULL || is_true(record, "serious") || adverse_event_is_fatal(record);
}

static enum severity severity_of(const struct record *record)
{
    static const char *const names[SEVERITY_COUNT] = {"", "mild", "moderate", "severe"};
    const char *text = text_of(record, "severity");
    for (int s = SEVERITY_MILD; text != NULL && s < SEVERITY_COUNT; s++) {
        if (strcmp(text, names[s]) == 0)
            return (enum severity)s;
    }
    const struct answer *grade = record_answer(record, "ctcae_grade");
    if (grade == NULL)
        return SEVERITY_MISSING;
    return grade->number <= 1 ? SEVERITY_MILD : grade->number <= 2 ? SEVERITY_MODERATE : SEVERITY_SEVERE;
}

static void classify_relation(const struct record *record, struct adverse_event *event)
{
    static const char *const related[] = {"possible", "probable", "definite", NULL};
    const char *product = text_of(record, "related_product");
    bool stated = is_one_of(product, related) || is_one_of(text_of(record, "related_procedure"), related);
    event->relation_missing = product == NULL && !stated;
    event->related = stated || product == NULL;
}

static const char *interest_of(const struct record *record)
{
    const char *code = text_of(record, "special_interest");
    return code != NULL && strcmp(code, "none") != 0 ? code : NULL;
}

/* Terms are people's texts: they must not look like the row "ANY" or like a pair of terms. */
static char *plain_term(const void *owner, const char *term)
{
    char *copy = memory_copy_string(owner, strcmp(term, "ANY") == 0 ? "Any" : term);
    for (char *bar = copy; (bar = strchr(bar, '|')) != NULL;)
        *bar = '/';
    return copy;
}

/* The reporter's own words may name the arm: a pooled report has coded terms only. */
static void set_terms(const void *owner, const struct dataset *dataset, const struct record *record,
                      struct adverse_event *event)
{
    const char *soc = text_of(record, "system_organ_class");
    const char *coded = text_of(record, "coded_term");
    const char *verbatim = dataset->pooled ? NULL : text_of(record, "term");
    event->soc = plain_term(owner, soc != NULL ? soc : "Uncoded");
    const char *term = coded != NULL ? coded : verbatim != NULL ? verbatim : "Uncoded";
    event->term = memory_format(owner, "%s | %s", event->soc, plain_term(owner, term));
}

struct adverse_event adverse_event_read(const void *owner, const struct dataset *dataset,
                                        const struct record *record)
{
    struct adverse_event event = {
        .subject = record->subject,
        .column = dataset_column(dataset, record->subject),
        .severity = severity_of(record),
        .serious = adverse_event_is_serious(record),
        .fatal = adverse_event_is_fatal(record),
        .led_to_withdrawal = is_true(record, "led_to_withdrawal"),
        .interest = interest_of(record),
    };
    event.serious_missing = text_of(record, "serious") == NULL && !event.fatal;
    event.names_arm = dataset->pooled && is_at_harvest_site(record);
    classify_relation(record, &event);
    set_terms(owner, dataset, record, &event);
    return event;
}

struct adverse_events adverse_events_of(const void *owner, const struct dataset *dataset)
{
    struct adverse_events list = {0};
    size_t most = 0;
    for (size_t i = 0; i < dataset->record_count; i++)
        most += adverse_event_is_form(&dataset->records[i]);
    list.events = memory_new_array(owner, struct adverse_event, most);
    for (size_t i = 0; i < dataset->record_count; i++) {
        const struct record *record = &dataset->records[i];
        if (!adverse_event_is_form(record) || dataset_column(dataset, record->subject) == NO_COHORT)
            continue;
        enum emergence emergence = adverse_event_emergence(dataset, record);
        if (emergence == EMERGENCE_NONE)
            continue;
        list.events[list.count] = adverse_event_read(list.events, dataset, record);
        list.events[list.count++].imputed = emergence == EMERGENCE_IMPUTED;
    }
    return list;
}
