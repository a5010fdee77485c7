/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/extract_records.h"

#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"

#define NO_PERSON UINT32_MAX

/* Of a slot: 14 bits of the site, 20 of the number. */
enum { INDEX_BITS = 30, NUMBER_KEY_BITS = 20 };

enum { SITE_SHIFT = 40, NUMBER_SHIFT = 16, NUMBER_BITS = 24, INSTANCE_MASK = 0xFFFF, VERSION_SHIFT = 32 };

/* Which record enrols; nearly all persons have the same. */
struct enrolling {
    const char *form, *knee, *visit;
    int instance;
};

/* A row of core.subject. */
struct person {
    int site, number;
    enum knee_side index_knee;
    date_days enrolled;
    uint32_t enrolling;              /* index */
    bool voided;                     /* the enrolment was a mistake: nobody stands behind the number */
    int continues_site, continues_number;    /* 0: nobody */
    uint32_t subject;                /* index: its own, or of the subject that it continues */
    uint32_t next;                   /* person of the same subject, or NO_PERSON */
};

struct allocated {
    int site, number, cohort;
    enum knee_side knee;
    const char *unknown;             /* a cohort that the protocol does not have, or NULL */
};

struct intake {
    struct dataset *dataset;
    struct person *persons;          /* by site and number */
    size_t person_count, person_room;
    struct enrolling *enrolling;
    size_t enrolling_count;
    struct allocated *allocated;
    size_t allocated_count;
    uint64_t *slots;                 /* open addressing: person_key << INDEX_BITS | index + 1, 0 where free */
    size_t slot_count;
    double *scores;                  /* room for those of any form */
    size_t score_room;
    size_t *form_lengths;            /* of the catalogue's forms' ids */
};

struct intake *intake_new(const void *owner, struct dataset *dataset)
{
    struct intake *intake = memory_new(owner, struct intake);
    intake->dataset = dataset;
    record_store_new(dataset, dataset->pooled);
    intake->form_lengths = memory_new_array(intake, size_t, dataset->catalogue->form_count);
    for (size_t i = 0; i < dataset->catalogue->form_count; i++) {
        size_t count = dataset->catalogue->forms[i]->score_count;
        intake->form_lengths[i] = strlen(dataset->catalogue->forms[i]->id);
        intake->score_room = count > intake->score_room ? count : intake->score_room;
    }
    intake->scores = memory_new_array(intake, double, intake->score_room);
    return intake;
}

static bool refuse_row(struct error *error, const char *what)
{
    return error_set(error, ERROR_DATABASE, "a row of %s has columns of other types than this program reads", what);
}

static bool is_text(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static enum knee_side knee_of(const char *knee, size_t length)
{
    return is_text(knee, length, "left") ? KNEE_LEFT : is_text(knee, length, "right") ? KNEE_RIGHT : KNEE_NONE;
}

static bool take_small(struct db_row *row, int *value)
{
    int64_t wide;
    bool taken = db_row_int(row, &wide);
    *value = (int)wide;
    return taken;
}

/* ---- persons ---- */

static bool take_enrolling(struct intake *intake, struct db_row *row, uint32_t *index)
{
    const char *form, *knee, *visit;
    size_t form_length, knee_length, visit_length;
    int instance;
    if (!db_row_bytes(row, &form, &form_length) || !db_row_bytes(row, &knee, &knee_length)
        || !db_row_bytes(row, &visit, &visit_length) || !take_small(row, &instance))
        return false;
    for (*index = 0; *index < intake->enrolling_count; (*index)++) {
        const struct enrolling *known = &intake->enrolling[*index];
        if (known->instance == instance && is_text(form, form_length, known->form)
            && is_text(knee, knee_length, known->knee) && is_text(visit, visit_length, known->visit))
            return true;
    }
    intake->enrolling = memory_resize_array(intake, intake->enrolling, struct enrolling, intake->enrolling_count + 1);
    intake->enrolling[intake->enrolling_count++] = (struct enrolling){
        memory_copy_bytes(intake, form, form_length),
        memory_copy_bytes(intake, knee, knee_length),
        memory_copy_bytes(intake, visit, visit_length),
        instance,
    };
    return true;
}

bool intake_take_person(void *context, struct db_row *row, struct error *error)
{
    struct intake *intake = context;
    const char *knee;
    size_t knee_length;
    struct person person = {.voided = true, .next = NO_PERSON};
    if (!take_small(row, &person.site) || !take_small(row, &person.number)
        || !db_row_bytes(row, &knee, &knee_length) || !db_row_date(row, &person.enrolled)
        || !take_enrolling(intake, row, &person.enrolling))
        return refuse_row(error, "subjects");
    person.index_knee = knee_of(knee, knee_length);
    if (intake->person_count == intake->person_room) {
        intake->person_room = memory_size_sum(memory_size_product(intake->person_room, 2), 1024);
        intake->persons = memory_resize_array(intake, intake->persons, struct person, intake->person_room);
    }
    intake->persons[intake->person_count++] = person;
    return true;
}

size_t intake_person_count(const struct intake *intake)
{
    return intake->person_count;
}

void intake_person(const struct intake *intake, uint32_t person, int *site, int *number)
{
    *site = intake->persons[person].site;
    *number = intake->persons[person].number;
}

static uint64_t key_of(int site, int number)
{
    return (uint64_t)(unsigned)site << NUMBER_KEY_BITS | (unsigned)number;
}

static size_t slot_of(const struct intake *intake, uint64_t key)
{
    return (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 32) & (intake->slot_count - 1);
}

static void index_persons(struct intake *intake)
{
    intake->slot_count = 1024;
    while (intake->slot_count < 2 * intake->person_count)
        intake->slot_count *= 2;
    intake->slots = memory_new_array(intake, uint64_t, intake->slot_count);
    for (size_t i = 0; i < intake->person_count; i++) {
        uint64_t key = key_of(intake->persons[i].site, intake->persons[i].number);
        size_t at = slot_of(intake, key);
        while (intake->slots[at] != 0)
            at = (at + 1) & (intake->slot_count - 1);
        intake->slots[at] = key << INDEX_BITS | (i + 1);
    }
}

static struct person *find_person(struct intake *intake, int site, int number)
{
    if (intake->slots == NULL)
        index_persons(intake);
    uint64_t key = key_of(site, number);
    for (size_t at = slot_of(intake, key); intake->slots[at] != 0; at = (at + 1) & (intake->slot_count - 1))
        if (intake->slots[at] >> INDEX_BITS == key)
            return &intake->persons[(intake->slots[at] & ((UINT64_C(1) << INDEX_BITS) - 1)) - 1];
    return NULL;
}

/* ---- records ---- */

static size_t find_form(const struct intake *intake, const char *form, size_t length, int version)
{
    const struct catalogue *catalogue = intake->dataset->catalogue;
    size_t at = 0;
    while (at < catalogue->form_count
           && !(intake->form_lengths[at] == length && memcmp(form, catalogue->forms[at]->id, length) == 0
                && catalogue->forms[at]->version == version))
        at++;
    return at;
}

/* What a message calls the record by. */
struct named_record {
    int site, number;
    const char *form;
    size_t form_length;
};

static bool refuse_record(const struct named_record *record, const char *what, struct error *error)
{
    return error_set(error, ERROR_DATABASE, "a record of subject %02d-%04d, form %.*s: %s", record->site,
                     record->number, (int)record->form_length, record->form, what);
}

static bool take_scores(const struct intake *intake, struct db_row *row, const struct named_record *named,
                        struct record_input *input, struct error *error)
{
    const struct form *form = intake->dataset->catalogue->forms[input->form];
    size_t count;
    if (!db_row_doubles(row, intake->scores, intake->score_room, &count))
        return refuse_row(error, "submissions");
    if (!input->voided && count != form->score_count) {
        char text[128];
        snprintf(text, sizeof text, "it has %zu scores, version %d of the form defines %zu", count, form->version,
                 form->score_count);
        return refuse_record(named, text, error);
    }
    input->scores = intake->scores;
    return true;
}

static bool add_record(const struct intake *intake, const struct named_record *named,
                       const struct record_input *input, struct error *error)
{
    struct error cause = {.kind = ERROR_NONE};
    if (input->content == NULL && !input->voided && record_store_wants_content(intake->dataset->store, input->form))
        return refuse_row(error, "submissions");
    return record_store_add(intake->dataset->store, input, &cause) || refuse_record(named, cause.message, error);
}

/* The columns behind the form. */
static bool take_rest(const struct intake *intake, struct db_row *row, const struct named_record *named,
                      struct record_input *input, struct error *error)
{
    const char *knee, *id;
    size_t knee_length, id_length;
    struct record_origin origin;
    if (!db_row_bytes(row, &knee, &knee_length) || !db_row_bytes(row, &input->visit, &input->visit_length)
        || !db_row_date(row, &input->date))
        return refuse_row(error, "submissions");
    input->knee = knee_of(knee, knee_length);
    if (!take_scores(intake, row, named, input, error))
        return false;
    if (!db_row_bytes(row, &input->content, &input->content_length))
        input->content = NULL;
    if (db_row_bytes(row, &id, &id_length) && id_length == sizeof origin.id
        && db_row_time(row, &origin.received_us)) {
        memcpy(origin.id, id, sizeof origin.id);
        input->origin = &origin;
    }
    bool added = add_record(intake, named, input, error);
    input->origin = NULL;
    return added;
}

bool intake_take_record(void *context, struct db_row *row, struct error *error)
{
    struct intake *intake = context;
    int64_t who, which;
    struct named_record named;
    if (!db_row_int(row, &who) || !db_row_int(row, &which) || !db_row_bytes(row, &named.form, &named.form_length))
        return refuse_row(error, "submissions");
    named.site = (int)(who >> SITE_SHIFT);
    named.number = (int)(who >> NUMBER_SHIFT & ((1 << NUMBER_BITS) - 1));
    const struct catalogue *catalogue = intake->dataset->catalogue;
    const struct person *person = find_person(intake, named.site, named.number);
    struct record_input input = {
        .form = find_form(intake, named.form, named.form_length, (int)(which >> VERSION_SHIFT)),
        .instance = (int)(who & INSTANCE_MASK),
        .version = (int)((which & UINT32_MAX) >> 1),
        .voided = which & 1,
    };
    if (person == NULL || input.form == catalogue->form_count)
        return refuse_record(&named, person == NULL ? "the cut has no such subject"
                                                    : "the cut has no such version of its form", error);
    input.person = (uint32_t)(person - intake->persons);
    return take_rest(intake, row, &named, &input, error);
}

/* ---- subjects ---- */

/* What the newest version of the enrolment says; a person without one is voided. */
static void read_enrolment(const struct intake *intake, uint32_t index)
{
    const struct dataset *dataset = intake->dataset;
    struct person *person = &intake->persons[index];
    const struct enrolling *enrolling = &intake->enrolling[person->enrolling];
    int form = dataset_form_number(dataset, enrolling->form);
    enum knee_side knee = knee_of(enrolling->knee, strlen(enrolling->knee));
    struct records records = record_store_of(dataset->store, index);
    for (size_t i = 0; i < records.count; i++) {
        const struct record *record = &records.at[i];
        if (!record_is(dataset, record, form) || record->knee != knee || record->instance != enrolling->instance
            || strcmp(record_visit(dataset, record), enrolling->visit) != 0)
            continue;
        const struct answer *side = record_store_answer(dataset->store, record, "index_knee");
        const struct answer *continues = record_store_answer(dataset->store, record, "continues");
        person->voided = false;
        person->enrolled = record->date;
        if (side != NULL)
            person->index_knee = knee_of(side->text, strlen(side->text));
        if (continues != NULL && !subject_parse(continues->text, &person->continues_site, &person->continues_number))
            person->continues_site = person->continues_number = 0;
        return;
    }
}

/*
 * The first number of whoever moved; a chain that runs in a circle ends where it began, one that runs into a
 * voided enrolment before that.
 */
static struct person *first_number(struct intake *intake, struct person *person)
{
    struct person *first = person;
    for (size_t steps = 0; steps < intake->person_count && first->continues_site != 0; steps++) {
        struct person *before = find_person(intake, first->continues_site, first->continues_number);
        if (before == NULL || before->voided)
            return first;
        first = before;
    }
    return first->continues_site == 0 ? first : person;
}

static void number_subjects(struct intake *intake)
{
    struct dataset *dataset = intake->dataset;
    dataset->subjects = memory_new_array(dataset, struct subject, intake->person_count);
    for (size_t i = 0; i < intake->person_count; i++) {
        struct person *person = &intake->persons[i];
        dataset->voided_count += person->voided;
        if (person->voided || first_number(intake, person) != person)
            continue;
        person->subject = (uint32_t)dataset->subject_count++;
        dataset->subjects[person->subject] = (struct subject){
            .site = person->site,
            .number = person->number,
            .index_knee = person->index_knee,
            .enrolled = person->enrolled,
            .allocated = {NO_COHORT, NO_COHORT, NO_COHORT},
        };
    }
}

/* Persons behind the first number of a subject, by site and number. */
static void join_persons(struct intake *intake)
{
    for (size_t i = intake->person_count; i-- > 0;) {
        struct person *person = &intake->persons[i], *first = person->voided ? person : first_number(intake, person);
        if (first == person)
            continue;
        person->subject = first->subject;
        person->next = first->next;
        first->next = (uint32_t)i;
    }
}

static void give_records(struct intake *intake)
{
    uint32_t *persons = memory_new_array(intake, uint32_t, intake->person_count);
    for (size_t i = 0; i < intake->person_count; i++) {
        struct person *person = &intake->persons[i];
        size_t count = 0;
        if (person->voided || first_number(intake, person) != person)
            continue;
        for (uint32_t at = (uint32_t)i; at != NO_PERSON; at = intake->persons[at].next)
            persons[count++] = at;
        record_store_give(intake->dataset->store, person->subject, persons, count);
    }
    talloc_free(persons);
}

/* ---- allocation ---- */

static int find_cohort(const struct protocol *protocol, const char *cohort, size_t length)
{
    for (size_t i = 0; i < protocol->cohort_count; i++) {
        if (is_text(cohort, length, protocol->cohorts[i].id))
            return (int)i;
    }
    return NO_COHORT;
}

bool intake_take_allocation(void *context, struct db_row *row, struct error *error)
{
    struct intake *intake = context;
    const char *knee, *cohort;
    size_t knee_length, cohort_length, count = intake->allocated_count;
    struct allocated allocated;
    if (!take_small(row, &allocated.site) || !take_small(row, &allocated.number)
        || !db_row_bytes(row, &knee, &knee_length) || !db_row_bytes(row, &cohort, &cohort_length))
        return refuse_row(error, "the allocation");
    allocated.knee = knee_of(knee, knee_length);
    allocated.cohort = find_cohort(intake->dataset->catalogue->protocol, cohort, cohort_length);
    allocated.unknown = allocated.cohort == NO_COHORT ? memory_copy_bytes(intake, cohort, cohort_length) : NULL;
    if ((count & (count - 1)) == 0)
        intake->allocated = memory_resize_array(intake, intake->allocated, struct allocated,
                                                count == 0 ? 1 : memory_size_product(count, 2));
    intake->allocated[intake->allocated_count++] = allocated;
    return true;
}

/* Allocations of the first number go before those of later ones. */
static bool allocate(struct intake *intake, const struct allocated *allocated, struct error *error)
{
    const struct person *person = find_person(intake, allocated->site, allocated->number);
    if (person == NULL || person->voided)
        return true;
    if (allocated->unknown != NULL)
        return error_set(error, ERROR_DATABASE,
                         "subject %02d-%04d is allocated to cohort \"%s\", which protocol version %d does not have; "
                         "allocate it anew, or add the cohort to the protocol",
                         allocated->site, allocated->number, allocated->unknown,
                         intake->dataset->catalogue->protocol->version);
    struct subject *subject = &intake->dataset->subjects[person->subject];
    bool own = subject->site == person->site && subject->number == person->number;
    if (own || subject->allocated[allocated->knee] == NO_COHORT)
        subject->allocated[allocated->knee] = allocated->cohort;
    return true;
}

bool intake_close(struct intake *intake, struct error *error)
{
    record_store_close(intake->dataset->store);
    for (size_t i = 0; i < intake->person_count; i++)
        read_enrolment(intake, (uint32_t)i);
    number_subjects(intake);
    join_persons(intake);
    give_records(intake);
    for (size_t i = 0; i < intake->allocated_count; i++)
        if (!allocate(intake, &intake->allocated[i], error))
            return false;
    return true;
}
