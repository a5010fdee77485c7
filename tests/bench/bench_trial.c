/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The simulated trial as lines for COPY: what the collector stores, in the order in which it would have come. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "forms/base/memory.h"
#include "forms/submission.h"
#include "tests/bench/bench.h"
#include "tests/bench/trial.h"

#define PROTOCOL "tests/golden/trial1000/protocol.yaml"
#define FORMS "forms/instruments"
#define ACCOUNT "trial-coordinator"

/* Records of a subject: the first three, at most three of each visit, its events, a replacement, the end. */
enum { MOST_ANSWERS = 32, FIRST_RECORDS = 3, VISIT_FORMS = 3,
       MOST_RECORDS = FIRST_RECORDS + VISIT_FORMS * TRIAL_VISITS + TRIAL_EVENTS + 2 };

/* A record before it is checked; texts are constants or lie in `texts`. */
struct draft {
    const char *form, *knee, *visit;
    int instance;
    date_days date;
    struct raw_answer answers[MOST_ANSWERS];
    size_t answer_count;
    char texts[MOST_ANSWERS][16];
};

struct trial {
    struct catalogue *catalogue;
    unsigned long xid;
};

static void answer(struct draft *draft, const char *item, const char *text)
{
    draft->answers[draft->answer_count++] = (struct raw_answer){item, RAW_TEXT, text};
}

static void answer_number(struct draft *draft, const char *item, double number)
{
    char *text = draft->texts[draft->answer_count];
    snprintf(text, sizeof draft->texts[0], "%g", number);
    answer(draft, item, text);
}

static void answer_date(struct draft *draft, const char *item, date_days date)
{
    char *text = draft->texts[draft->answer_count];
    date_format(date, text);
    answer(draft, item, text);
}

static struct draft new_draft(const char *form, const char *knee, date_days date)
{
    return (struct draft){.form = form, .knee = knee, .visit = "unscheduled", .instance = 1, .date = date};
}

/* ---- the forms ---- */

static void draft_first(const struct trial_subject *subject, int form, struct draft *draft)
{
    static const char *const sexes[] = {"m", "f"};
    switch (form) {
    case 0:
        *draft = new_draft("enrolment", NULL, subject->enrolled);
        answer(draft, "index_knee", "right");
        break;
    case 1:
        *draft = new_draft("baseline", NULL, subject->enrolled);
        draft->visit = trial_visit_names[0];
        answer_number(draft, "age_years", subject->age);
        answer(draft, "sex", sexes[subject->female]);
        answer_number(draft, "bmi", subject->bmi);
        answer_number(draft, "kl_grade", subject->grade);
        break;
    default:
        *draft = new_draft("treatment", "right", subject->treated);
        answer_number(draft, "injections_planned", subject->injections);
        answer_number(draft, "number_in_course", 1);
        break;
    }
}

static void draft_visit(const struct trial_subject *subject, int number, int form, struct draft *draft)
{
    static const char *const forms[VISIT_FORMS] = {"womac_lk", "pain_vas", "patient_global"};
    static const char *const items[TRIAL_ITEMS] = {
        "w1",  "w2",  "w3",  "w4",  "w5",  "w6",  "w7",  "w8",  "w9",  "w10", "w11", "w12",
        "w13", "w14", "w15", "w16", "w17", "w18", "w19", "w20", "w21", "w22", "w23", "w24"};
    const struct trial_visit *visit = &subject->visits[number];
    *draft = new_draft(forms[form], "right", visit->date);
    draft->visit = trial_visit_names[number];
    if (form == 1)
        answer_number(draft, "vas", visit->vas);
    else if (form == 2)
        answer_number(draft, "pga", visit->pga);
    for (int i = 0; form == 0 && i < TRIAL_ITEMS; i++)
        if (visit->items[i] >= 0)
            answer_number(draft, items[i], visit->items[i]);
}

static void draft_event(const struct trial_subject *subject, int number, struct draft *draft)
{
    const struct trial_event *event = &subject->events[number];
    *draft = new_draft("adverse_event", NULL, event->onset);
    draft->instance = number + 1;
    answer(draft, "term", event->term);
    answer_date(draft, "onset", event->onset);
    answer(draft, "severity", event->severity);
    answer(draft, "serious", event->serious ? "true" : "false");
    answer(draft, "related_product", event->related);
    answer(draft, "coded_term", event->term);
    answer(draft, "system_organ_class", event->system);
}

static void draft_end(const struct trial_subject *subject, struct draft *draft)
{
    *draft = new_draft("end_of_study", NULL, subject->last_contact);
    answer_date(draft, "last_contact", subject->last_contact);
    answer(draft, "reason", subject->completed ? "completed" : "lost_to_follow_up");
}

/* Record `number` of a subject, of MOST_RECORDS; false when it has none. */
static bool draft_record(const struct trial_subject *subject, int number, struct draft *draft)
{
    int at = number - FIRST_RECORDS;
    if (at < 0) {
        draft_first(subject, number, draft);
        return true;
    }
    if (at < VISIT_FORMS * TRIAL_VISITS) {
        draft_visit(subject, at / VISIT_FORMS, at % VISIT_FORMS, draft);
        return subject->visits[at / VISIT_FORMS].kept;
    }
    at -= VISIT_FORMS * TRIAL_VISITS;
    if (at < TRIAL_EVENTS) {
        if (at < subject->event_count)
            draft_event(subject, at, draft);
        return at < subject->event_count;
    }
    if (at > TRIAL_EVENTS) {
        draft_end(subject, draft);
        return true;
    }
    *draft = new_draft("joint_event", "right", subject->replaced);
    answer(draft, "kind", "replacement");
    return subject->replaced != DATE_NONE;
}

/* ---- checking ---- */

static struct submission *check(const void *work, const struct trial *trial, struct submission_input *input)
{
    struct problem_list problems = {NULL, 0};
    struct submission *submission = submission_check(work, trial->catalogue, input, TRIAL_LAST_DAY, &problems);
    if (submission != NULL)
        return submission;
    struct raw_reason *confirmed = memory_new_array(work, struct raw_reason, problems.count);
    for (size_t i = 0; i < problems.count; i++)
        confirmed[i] = (struct raw_reason){problems.problems[i].item, problems.problems[i].rule, "as simulated"};
    input->confirmed = confirmed;
    input->confirmed_count = problems.count;
    return submission_check(work, trial->catalogue, input, TRIAL_LAST_DAY, &problems);
}

/* Version 7 in shape, of no instant: the subject and the number of the record. */
static void make_id(int subject, int number, char id[37])
{
    snprintf(id, 37, "%08x-%04x-7000-8000-000000000000", (unsigned)subject, (unsigned)number);
}

static struct submission *check_draft(const void *work, const struct trial *trial,
                                      const struct trial_subject *subject, const struct draft *draft, const char *id)
{
    char number[SUBJECT_TEXT_SIZE], date[DATE_TEXT_SIZE];
    subject_format(subject->site, subject->number, number);
    date_format(draft->date, date);
    struct submission_input input = {
        .id = id, .subject = number, .knee = draft->knee, .form = draft->form, .form_version = 1,
        .visit = draft->visit, .instance = draft->instance, .date = date,
        .answers = draft->answers, .answer_count = draft->answer_count,
    };
    return check(work, trial, &input);
}

/* ---- lines ---- */

static void print_hash(const char *content)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)content, strlen(content), hash);
    fputs("\t\\\\x", stdout);
    for (size_t i = 0; i < sizeof hash; i++)
        printf("%02x", hash[i]);
}

static void print_escaped(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            putchar('\\');
        putchar(*text);
    }
}

static void print_submission(const struct trial *trial, const struct submission *submission, const char *id)
{
    char date[DATE_TEXT_SIZE];
    date_format(submission->date, date);
    printf("1\t%d\t%d\t%s\t%s\t%s\t%d\t1\t%s\tcomplete\t1\t1\t%s\t", submission->site, submission->subject,
           submission->form->id, submission->knee, submission->visit, submission->instance, id, date);
    print_escaped(submission->canonical);
    print_hash(submission->canonical);
    fputs("\t\\N\t{", stdout);
    for (size_t i = 0; i < submission->form->score_count; i++)
        printf(isnan(submission->scores[i]) ? "%sNaN" : "%s%.17g", i > 0 ? "," : "", submission->scores[i]);
    printf("}\t\\N\tapi\t1\t" ACCOUNT "\t%s 12:00:00+00\t%lu\t1\n", date, trial->xid);
}

static bool print_record(const struct trial *trial, int subject_number, int record)
{
    struct trial_subject subject;
    struct draft draft;
    char id[37];
    trial_make_subject(subject_number, &subject);
    draft_record(&subject, record, &draft);
    make_id(subject_number, record, id);
    void *work = memory_owner(NULL, "record");
    const struct submission *submission = check_draft(work, trial, &subject, &draft, id);
    if (submission != NULL)
        print_submission(trial, submission, id);
    else
        fprintf(stderr, "bench: record %d of subject %d was refused\n", record, subject_number);
    talloc_free(work);
    return submission != NULL;
}

/* ---- in the order of days ---- */

struct entry {
    int subject;
    int record;
};

static size_t count_days(int subjects, size_t *first_of_day)
{
    struct trial_subject subject;
    struct draft draft;
    int days = TRIAL_LAST_DAY - TRIAL_FIRST_DAY;
    for (int i = 0; i < subjects; i++) {
        trial_make_subject(i, &subject);
        for (int record = 0; record < MOST_RECORDS; record++)
            if (draft_record(&subject, record, &draft))
                first_of_day[draft.date - TRIAL_FIRST_DAY + 1]++;
    }
    for (int day = 1; day <= days; day++)
        first_of_day[day] += first_of_day[day - 1];
    return first_of_day[days];
}

static void sort_by_day(int subjects, size_t *first_of_day, struct entry *entries)
{
    struct trial_subject subject;
    struct draft draft;
    for (int i = 0; i < subjects; i++) {
        trial_make_subject(i, &subject);
        for (int record = 0; record < MOST_RECORDS; record++)
            if (draft_record(&subject, record, &draft))
                entries[first_of_day[draft.date - TRIAL_FIRST_DAY]++] = (struct entry){i, record};
    }
}

static bool print_submissions(const struct trial *trial, int subjects)
{
    size_t *first_of_day = memory_allocate((size_t)(TRIAL_LAST_DAY - TRIAL_FIRST_DAY + 1) * sizeof *first_of_day);
    memset(first_of_day, 0, (size_t)(TRIAL_LAST_DAY - TRIAL_FIRST_DAY + 1) * sizeof *first_of_day);
    size_t count = count_days(subjects, first_of_day);
    struct entry *entries = memory_allocate(count * sizeof *entries);   /* more than talloc's most */
    sort_by_day(subjects, first_of_day, entries);
    bool done = true;
    for (size_t i = 0; i < count && done; i++)
        done = print_record(trial, entries[i].subject, entries[i].record);
    free(entries);
    free(first_of_day);
    return done;
}

/* What enrolling adds, and the allocation. */
static void print_subjects(const struct trial *trial, const char *kind, int subjects)
{
    char date[DATE_TEXT_SIZE];
    struct trial_subject subject;
    for (int i = 0; i < subjects; i++) {
        trial_make_subject(i, &subject);
        date_format(subject.enrolled, date);
        if (strcmp(kind, "subject") == 0)
            printf("1\t%d\t%d\tenrolment\tnone\tunscheduled\t1\tright\t%s\t1\t" ACCOUNT "\t%s 12:00:00+00\t%lu\t1\n",
                   subject.site, subject.number, date, date, trial->xid);
        else if (strcmp(kind, "knee") == 0)
            printf("1\t%1$d\t%2$d\tleft\n1\t%1$d\t%2$d\tright\n", subject.site, subject.number);
        else
            printf("1\t%d\t%d\tnone\t1\t%s\tadministrator\t%s 12:00:00+00\t%lu\t1\n", subject.site, subject.number,
                   subject.cohort, date, trial->xid);
    }
}

int bench_trial(const struct bench_options *options)
{
    struct error error = {0};
    struct trial trial = {.catalogue = catalogue_load(NULL, PROTOCOL, FORMS, &error),
                          .xid = (unsigned long)options->xid};
    if (trial.catalogue == NULL) {
        error_print(&error, "bench");
        return 1;
    }
    trial.catalogue->study = "trial1000";
    bool done = true;
    if (strcmp(options->kind, "submission") == 0)
        done = print_submissions(&trial, options->subjects);
    else
        print_subjects(&trial, options->kind, options->subjects);
    talloc_free(trial.catalogue);
    return done && fflush(stdout) == 0 ? 0 : 1;
}
