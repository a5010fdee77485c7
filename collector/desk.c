/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/desk.h"

#include <string.h>
#include <time.h>

#include "collector/json_reply.h"
#include "collector/request.h"
#include "forms/base/memory.h"
#include "forms/json_write.h"
#include "forms/submission.h"

const char *const desk_state_names[DESK_STATES + 1] = {
    [DESK_SCREENED] = "screened",   [DESK_ACTIVE] = "active", [DESK_COMPLETED] = "completed",
    [DESK_WITHDRAWN] = "withdrawn", [DESK_DIED] = "died",     [DESK_ENDED] = "ended"};

/* ---- how follow-up ended; the rules are those of reports/dataset.c ---- */

struct ending {
    date_days died, withdrawn, ended;
    bool is_complete;
};

static const struct answer *find_answer(const struct form *form, const struct answer *answers, const char *item)
{
    int at = form_find_item(form, item);
    return at != FORM_NONE && answers[at].state == ANSWER_GIVEN ? &answers[at] : NULL;
}

static date_days date_answer(const struct form *form, const struct answer *answers, const char *item)
{
    const struct answer *answer = find_answer(form, answers, item);
    return answer != NULL ? date_latest(answer->date) : DATE_NONE;
}

static date_days earlier(date_days a, date_days b)
{
    return a == DATE_NONE || (b != DATE_NONE && b < a) ? b : a;
}

static bool is_decision(const char *reason)
{
    static const char *const decisions[] = {"withdrew_consent", "adverse_event", "physician_decision",
                                            "study_stopped"};
    for (size_t i = 0; i < sizeof decisions / sizeof decisions[0]; i++)
        if (strcmp(reason, decisions[i]) == 0)
            return true;
    return false;
}

/* A later end of study takes the place of one before; a withdrawal of consent stays. */
static void read_end(const struct form *form, const struct answer *answers, date_days dated, struct ending *ending,
                     date_days consent)
{
    const struct answer *reason = find_answer(form, answers, "reason");
    date_days contact = date_answer(form, answers, "last_contact");
    date_days left = contact != DATE_NONE ? contact : dated;
    *ending = (struct ending){.died = DATE_NONE, .withdrawn = consent, .ended = DATE_NONE};
    if (reason == NULL)
        return;
    if (strcmp(reason->text, "died") == 0) {
        date_days died = date_answer(form, answers, "death_date");
        ending->died = died == DATE_NONE ? left : died < dated ? died : dated;
    } else if (is_decision(reason->text)) {
        ending->withdrawn = earlier(left, consent);
    } else {
        ending->ended = left;
        ending->is_complete = strcmp(reason->text, "completed") == 0;
    }
}

static date_days read_consent(const struct form *form, const struct answer *answers)
{
    const struct answer *scope = find_answer(form, answers, "withdrawal_scope");
    bool treatment_only = scope != NULL && strcmp(scope->text, "treatment") == 0;
    return treatment_only ? DATE_NONE : date_answer(form, answers, "withdrawal_date");
}

/* Of the rows of one subject; one whose answers are gone (redacted) ends nothing. */
static struct ending derive_ending(const void *owner, const struct catalogue *catalogue,
                                   const struct store_desk_ending *rows, size_t count)
{
    struct ending ending = {.died = DATE_NONE, .withdrawn = DATE_NONE, .ended = DATE_NONE};
    date_days consent = DATE_NONE;
    for (size_t i = 0; i < count; i++) {
        struct error ignored;
        const struct form *form = catalogue_find_form(catalogue, rows[i].form, rows[i].form_version);
        struct answer *answers =
            form != NULL ? submission_read_answers(owner, form, rows[i].content, &ignored) : NULL;
        if (answers == NULL)
            continue;
        if (form_find_item(form, "last_contact") != FORM_NONE)
            read_end(form, answers, rows[i].dated, &ending, consent);
        else
            consent = earlier(consent, read_consent(form, answers));
        ending.withdrawn = earlier(ending.withdrawn, consent);
    }
    return ending;
}

static enum desk_state find_state(const struct store_desk_subject *stored, const struct ending *ending)
{
    if (ending->died != DATE_NONE)
        return DESK_DIED;
    if (ending->withdrawn != DATE_NONE)
        return DESK_WITHDRAWN;
    if (ending->ended != DATE_NONE)
        return ending->is_complete ? DESK_COMPLETED : DESK_ENDED;
    bool treated = stored->day1[SCHEDULE_LEFT] != DATE_NONE || stored->day1[SCHEDULE_RIGHT] != DATE_NONE;
    return treated ? DESK_ACTIVE : DESK_SCREENED;
}

/* ---- reading ---- */

static date_days today_at(const struct catalogue_study *study, int site, int64_t now)
{
    for (size_t i = 0; i < study->site_count; i++) {
        struct error ignored;
        date_days today = DATE_NONE;
        if (study->sites[i].site == site && date_today(study->sites[i].time_zone, now, &today, &ignored))
            return today;
    }
    return (date_days)(now / 86400);
}

static const char *instant(const void *owner, int64_t at)
{
    char string[32] = "";
    struct tm utc;
    time_t seconds = (time_t)at;
    if (gmtime_r(&seconds, &utc) != NULL)
        strftime(string, sizeof string, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return memory_copy_string(owner, string);
}

static void add_facts(const struct desk *desk, const struct store_desk_subject *stored,
                      const struct ending *ending, struct desk_subject *subject)
{
    subject->stored = stored;
    subject->state = find_state(stored, ending);
    subject->facts = (struct schedule_facts){
        .index_knee = stored->index_knee,
        .enrolled = stored->enrolled,
        .day1 = {DATE_NONE, stored->day1[SCHEDULE_LEFT], stored->day1[SCHEDULE_RIGHT]},
        .left = earlier(ending->died, ending->withdrawn),
        .ended = ending->ended,
        .there = stored->there,
    };
    subject->index_knee = schedule_index_knee(desk->plan, &subject->facts);
}

static bool is_before(const struct store_desk_ending *ending, const struct store_desk_subject *subject)
{
    return ending->site < subject->site || (ending->site == subject->site && ending->subject < subject->subject);
}

static bool is_of(const struct store_desk_ending *ending, const struct store_desk_subject *subject)
{
    return ending->site == subject->site && ending->subject == subject->subject;
}

/* Both lists are by site and number; the second was read later, and may have subjects that the first has not. */
static void join(struct desk *desk, const struct store_desk_subjects *subjects,
                 const struct store_desk_endings *endings, int64_t now)
{
    size_t at = 0;
    int site = 0;
    date_days today = DATE_NONE;
    void *work = memory_owner(desk, "endings");
    for (size_t i = 0; i < subjects->count; i++) {
        const struct store_desk_subject *stored = &subjects->rows[i];
        while (at < endings->count && is_before(&endings->rows[at], stored))
            at++;
        size_t first = at;
        while (at < endings->count && is_of(&endings->rows[at], stored))
            at++;
        struct ending ending =
            derive_ending(work, &desk->study->catalogue, &endings->rows[first], at - first);
        talloc_free_children(work);
        if (stored->site != site)
            today = today_at(desk->study, stored->site, now);
        site = stored->site;
        add_facts(desk, stored, &ending, &desk->subjects[i]);
        desk->subjects[i].today = today;
    }
    talloc_free(work);
}

struct desk *desk_read(struct exchange *exchange, struct store *store, const struct catalogue_study *study,
                       const struct store_desk_filter *filter, struct error *error)
{
    struct store_reader reader = request_reader(exchange, study);
    struct desk *desk = memory_new(exchange, struct desk);
    int64_t now = (int64_t)time(NULL);
    desk->study = study;
    desk->plan = schedule_plan_new(desk, &study->catalogue);
    desk->as_of = instant(desk, now);
    struct store_desk_subjects *subjects =
        store_list_desk_subjects(desk, store, &reader, desk->plan, filter, error);
    if (subjects == NULL)
        return NULL;
    struct store_desk_endings *endings = store_list_desk_endings(desk, store, &reader, filter, error);
    if (endings == NULL)
        return NULL;
    desk->count = subjects->count;
    desk->subjects = memory_new_array(desk, struct desk_subject, desk->count);
    join(desk, subjects, endings, now);
    return desk;
}

size_t desk_find(const struct desk *desk, int site, int subject)
{
    size_t first = 0, behind = desk->count;
    while (first < behind) {
        size_t middle = first + (behind - first) / 2;
        const struct store_desk_subject *at = desk->subjects[middle].stored;
        if (at->site < site || (at->site == site && at->subject < subject))
            first = middle + 1;
        else
            behind = middle;
    }
    bool found = first < desk->count && desk->subjects[first].stored->site == site &&
                 desk->subjects[first].stored->subject == subject;
    return found ? first : desk->count;
}

struct store_desk_numbers desk_numbers(const void *owner, const struct desk *desk, const size_t *subjects,
                                       size_t count)
{
    int32_t *sites = memory_new_array(owner, int32_t, count), *numbers = memory_new_array(owner, int32_t, count);
    for (size_t i = 0; i < count; i++) {
        sites[i] = desk->subjects[subjects[i]].stored->site;
        numbers[i] = desk->subjects[subjects[i]].stored->subject;
    }
    return (struct store_desk_numbers){.sites = sites, .subjects = numbers, .count = count};
}

void desk_count_records(struct desk *desk, const struct store_desk_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        const struct store_desk_record *record = &records->rows[i];
        size_t subject = desk_find(desk, record->site, record->subject);
        for (size_t slot = 0; subject < desk->count && slot < desk->plan->slot_count; slot++)
            if (strcmp(desk->plan->forms[slot], record->form) == 0 &&
                strcmp(desk->plan->visits[slot], record->visit) == 0)
                desk->subjects[subject].stored->there[slot * SCHEDULE_KNEES + record->knee]++;
    }
}

/* The first record of the subject or of one behind it. */
static size_t first_record(const struct store_desk_records *records, const struct store_desk_subject *of)
{
    size_t first = 0, behind = records->count;
    while (first < behind) {
        size_t middle = first + (behind - first) / 2;
        const struct store_desk_record *at = &records->rows[middle];
        if (at->site < of->site || (at->site == of->site && at->subject < of->subject))
            first = middle + 1;
        else
            behind = middle;
    }
    return first;
}

const struct store_desk_record *desk_find_record(const struct desk *desk, const struct store_desk_records *records,
                                                 size_t subject, size_t slot, enum schedule_knee knee)
{
    const struct desk_subject *of = &desk->subjects[subject];
    bool either = desk->plan->slots[slot].form->about == FORM_ABOUT_EITHER;
    for (size_t i = first_record(records, of->stored); i < records->count; i++) {
        const struct store_desk_record *record = &records->rows[i];
        if (record->site != of->stored->site || record->subject != of->stored->subject)
            return NULL;
        if ((record->knee == knee || (either && record->knee == of->index_knee)) &&
            strcmp(record->form, desk->plan->forms[slot]) == 0 &&
            strcmp(record->visit, desk->plan->visits[slot]) == 0)
            return record;
    }
    return NULL;
}

const struct store_desk_item *desk_find_draft(const struct desk *desk, const struct store_desk_items *drafts,
                                              size_t subject, size_t slot, enum schedule_knee knee)
{
    const struct store_desk_subject *of = desk->subjects[subject].stored;
    for (size_t i = 0; i < drafts->count; i++) {
        const struct store_desk_item *draft = &drafts->rows[i];
        if (draft->site == of->site && draft->subject == of->subject && draft->version == 1 &&
            schedule_knee_from_name(draft->knee) == knee && strcmp(draft->form, desk->plan->forms[slot]) == 0 &&
            strcmp(draft->visit, desk->plan->visits[slot]) == 0)
            return draft;
    }
    return NULL;
}

/* ---- JSON ---- */

void desk_append_date(struct text *out, const char *key, date_days date)
{
    char text[DATE_TEXT_SIZE];
    if (date != DATE_NONE)
        date_format(date, text);
    json_reply_nullable(out, key, date != DATE_NONE ? text : NULL);
}

void desk_append_dates(struct text *out, date_days from, date_days to, date_days target)
{
    desk_append_date(out, "from", from);
    desk_append_date(out, "to", to);
    desk_append_date(out, "target", target);
}

void desk_append_visits(struct text *out, const struct protocol *protocol)
{
    json_key(out, "visits");
    text_append(out, "[");
    for (size_t v = 0; v < protocol->visit_count; v++) {
        text_append(out, v > 0 ? ",{" : "{");
        json_text(out, "visit", protocol->visits[v].id);
        json_text(out, "title", protocol->visits[v].title);
        text_append(out, "}");
    }
    text_append(out, "]");
}
