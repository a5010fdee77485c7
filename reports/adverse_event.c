/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/adverse_event.h"

#include <string.h>

#include "forms/base/memory.h"

#define FORM_ADVERSE_EVENT "adverse_event"

enum { GRADE_DEATH = 5 };

static const char *text_of(const struct dataset *dataset, const struct record *record, const char *item)
{
    const struct answer *answer = record_answer(dataset, record, item);
    return answer != NULL ? answer->text : NULL;
}

static bool is_true(const struct dataset *dataset, const struct record *record, const char *item)
{
    const char *text = text_of(dataset, record, item);
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

int adverse_event_follow_up(const struct subject *subject)
{
    date_days day1 = adverse_event_day_1(subject), until = subject->followed_until;
    return until == DATE_NONE || until < day1 ? 1 : until - day1 + 1;
}

static bool is_at_harvest_site(const struct dataset *dataset, const struct record *record)
{
    const char *interest = text_of(dataset, record, "special_interest");
    return interest != NULL && strcmp(interest, HARVEST_SITE) == 0;
}

static date_days first_harvest(const struct dataset *dataset, size_t subject)
{
    date_days first = DATE_NONE;
    struct records records = dataset_records_of(dataset, subject, dataset_form_number(dataset, "treatment"));
    for (size_t i = 0; i < records.count; i++) {
        const struct answer *harvest = record_answer(dataset, &records.at[i], "harvest_date");
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
    date_days harvest = is_at_harvest_site(dataset, record) ? first_harvest(dataset, record->subject) : DATE_NONE;
    return harvest != DATE_NONE && harvest < treated ? harvest : treated;
}

enum emergence adverse_event_emergence(const struct dataset *dataset, const struct record *record)
{
    if (!dataset->subjects[record->subject].treated)
        return EMERGENCE_NONE;
    date_days exposed = first_exposure(dataset, record);
    const struct answer *onset = record_answer(dataset, record, "onset");
    const struct answer *end = record_answer(dataset, record, "end");
    date_days earliest = onset != NULL ? date_earliest(onset->date) : DATE_NONE;
    date_days latest = onset != NULL ? date_latest(onset->date) : DATE_NONE;
    if (is_true(dataset, record, "worsened_after_treatment"))
        return EMERGENCE_CERTAIN;
    bool ended_before =
        end != NULL && date_latest(end->date) != DATE_NONE && date_latest(end->date) < exposed;
    if (ended_before || (latest != DATE_NONE && latest < exposed))
        return EMERGENCE_NONE;
    return earliest == DATE_NONE || earliest < exposed ? EMERGENCE_IMPUTED : EMERGENCE_CERTAIN;
}

/* -- classification -------------------------------------------------------------------------------------- */

bool adverse_event_is_form(const struct dataset *dataset, const struct record *record)
{
    return strcmp(record_form(dataset, record)->id, FORM_ADVERSE_EVENT) == 0;
}

bool adverse_event_is_fatal(const struct dataset *dataset, const struct record *record)
{
    static const char *const fatal[] = {"fatal", NULL};
    const struct answer *grade = record_answer(dataset, record, "ctcae_grade");
    return is_true(dataset, record, "serious_death") || is_one_of(text_of(dataset, record, "outcome"), fatal)
        || (grade != NULL && grade->number >= GRADE_DEATH);
}

bool adverse_event_is_serious(const struct dataset *dataset, const struct record *record)
{
    return text_of(dataset, record, "serious") == NULL || is_true(dataset, record, "serious")
        || adverse_event_is_fatal(dataset, record);
}

static enum severity severity_of(const struct dataset *dataset, const struct record *record)
{
    static const char *const names[SEVERITY_COUNT] = {"", "mild", "moderate", "severe"};
    const char *text = text_of(dataset, record, "severity");
    for (int s = SEVERITY_MILD; text != NULL && s < SEVERITY_COUNT; s++) {
        if (strcmp(text, names[s]) == 0)
            return (enum severity)s;
    }
    const struct answer *grade = record_answer(dataset, record, "ctcae_grade");
    if (grade == NULL)
        return SEVERITY_MISSING;
    return grade->number <= 1 ? SEVERITY_MILD : grade->number <= 2 ? SEVERITY_MODERATE : SEVERITY_SEVERE;
}

static void classify_relation(const struct dataset *dataset, const struct record *record, struct adverse_event *event)
{
    static const char *const related[] = {"possible", "probable", "definite", NULL};
    const char *product = text_of(dataset, record, "related_product");
    bool stated = is_one_of(product, related) || is_one_of(text_of(dataset, record, "related_procedure"), related);
    event->relation_missing = product == NULL && !stated;
    event->related = stated || product == NULL;
}

static const char *interest_of(const struct dataset *dataset, const struct record *record)
{
    const char *code = text_of(dataset, record, "special_interest");
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

/* As it was entered; NULL: not given.  The same answer of different records is at the same place. */
struct terms {
    const char *soc, *term;
};

/* The reporter's own words may name the arm: a pooled report has coded terms only. */
static struct terms terms_of(const struct dataset *dataset, const struct record *record)
{
    const char *coded = text_of(dataset, record, "coded_term");
    return (struct terms){
        .soc = text_of(dataset, record, "system_organ_class"),
        .term = coded != NULL || dataset->pooled ? coded : text_of(dataset, record, "term"),
    };
}

static void set_terms(const void *owner, struct terms terms, struct adverse_event *event)
{
    event->soc = plain_term(owner, terms.soc != NULL ? terms.soc : "Uncoded");
    event->term =
        memory_format(owner, "%s | %s", event->soc, plain_term(owner, terms.term != NULL ? terms.term : "Uncoded"));
}

static struct adverse_event read_event(const struct dataset *dataset, const struct record *record)
{
    const char *serious = text_of(dataset, record, "serious");
    const struct answer *onset = record_answer(dataset, record, "onset");
    struct adverse_event event = {
        .subject = record->subject,
        .column = dataset_column(dataset, record->subject),
        .onset_first = onset != NULL ? date_earliest(onset->date) : DATE_NONE,
        .onset_last = onset != NULL ? date_latest(onset->date) : DATE_NONE,
        .severity = severity_of(dataset, record),
        .fatal = adverse_event_is_fatal(dataset, record),
        .led_to_withdrawal = is_true(dataset, record, "led_to_withdrawal"),
        .interest = interest_of(dataset, record),
    };
    event.serious = serious == NULL || strcmp(serious, "true") == 0 || event.fatal;
    event.serious_missing = serious == NULL && !event.fatal;
    event.names_arm = dataset->pooled && is_at_harvest_site(dataset, record);
    classify_relation(dataset, record, &event);
    return event;
}

struct adverse_event adverse_event_read(const void *owner, const struct dataset *dataset,
                                        const struct record *record)
{
    struct adverse_event event = read_event(dataset, record);
    set_terms(owner, terms_of(dataset, record), &event);
    return event;
}

/* -- list ------------------------------------------------------------------------------------------------ */

/* Names of terms, each made once. */
struct naming {
    struct {
        struct terms terms;
        const char *soc, *term;      /* NULL: free */
    } *slots;
    size_t slot_count, count;        /* power of two, at least twice `count` */
};

static size_t find_terms(const struct naming *naming, struct terms terms)
{
    uint64_t hash = (uintptr_t)terms.soc * UINT64_C(0x9E3779B97F4A7C15) + (uintptr_t)terms.term;
    size_t mask = naming->slot_count - 1;
    size_t at = (size_t)(hash * UINT64_C(0xD1342543DE82EF95) >> 32) & mask;
    while (naming->slots[at].term != NULL
           && (naming->slots[at].terms.soc != terms.soc || naming->slots[at].terms.term != terms.term))
        at = (at + 1) & mask;
    return at;
}

static void grow_naming(const void *owner, struct naming *naming)
{
    struct naming grown = {.slot_count = naming->slot_count == 0 ? 256 : memory_size_product(naming->slot_count, 2),
                           .count = naming->count};
    grown.slots = memory_zeroed(owner, grown.slot_count, sizeof *grown.slots, "terms");
    for (size_t i = 0; i < naming->slot_count; i++)
        if (naming->slots[i].term != NULL)
            grown.slots[find_terms(&grown, naming->slots[i].terms)] = naming->slots[i];
    talloc_free(naming->slots);
    *naming = grown;
}

static void name_terms(const void *owner, struct naming *naming, struct terms terms, struct adverse_event *event)
{
    if (2 * (naming->count + 1) > naming->slot_count)
        grow_naming(owner, naming);
    size_t at = find_terms(naming, terms);
    if (naming->slots[at].term == NULL) {
        set_terms(owner, terms, event);
        naming->slots[at].terms = terms;
        naming->slots[at].soc = event->soc;
        naming->slots[at].term = event->term;
        naming->count++;
    }
    event->soc = naming->slots[at].soc;
    event->term = naming->slots[at].term;
}

static struct adverse_event *new_event(const void *owner, struct adverse_events *list)
{
    if ((list->count & (list->count - 1)) == 0)
        list->events = memory_resize_array(owner, list->events, struct adverse_event,
                                           list->count == 0 ? 1 : memory_size_product(list->count, 2));
    return &list->events[list->count++];
}

struct adverse_events adverse_events_of(const void *owner, const struct dataset *dataset)
{
    struct adverse_events list = {0};
    struct naming naming = {0};
    int form = dataset_form_number(dataset, FORM_ADVERSE_EVENT);
    for (size_t subject = 0; subject < dataset->subject_count; subject++) {
        struct records records = dataset_records_of(dataset, subject, form);
        if (dataset_column(dataset, subject) == NO_COHORT)
            continue;
        for (size_t i = 0; i < records.count; i++) {
            enum emergence emergence = adverse_event_emergence(dataset, &records.at[i]);
            if (emergence == EMERGENCE_NONE)
                continue;
            struct adverse_event *event = new_event(owner, &list);
            *event = read_event(dataset, &records.at[i]);
            event->imputed = emergence == EMERGENCE_IMPUTED;
            name_terms(owner, &naming, terms_of(dataset, &records.at[i]), event);
        }
    }
    talloc_free(naming.slots);
    return list;
}
