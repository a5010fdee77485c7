/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/extract_records.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/extract_header.h"

#define NO_PERSON UINT32_MAX

/* Of a record's origin: its id, then when it was received. */
enum { ID_BYTES = 16, ORIGIN_BYTES = ID_BYTES + 8 };

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
    size_t *site_persons;            /* where the persons of each site begin, and behind the last */
    int site_count;                  /* sites from 0 on, whether there are such or not */
    char *begin;                     /* how the texts of the study begin */
    double *scores;                  /* room for those of any form */
    size_t score_room;
    size_t *form_lengths;            /* of the catalogue's forms' ids */
    const struct allocation_keys *keys;      /* or NULL */
    char opened[ALLOCATION_COHORT_SIZE];     /* the cohort of the row that is being read */
};

struct intake *intake_new(const void *owner, struct dataset *dataset, const struct allocation_keys *keys)
{
    struct intake *intake = memory_new(owner, struct intake);
    intake->dataset = dataset;
    intake->keys = keys;
    intake->begin = record_header_begin(intake, dataset->catalogue->study);
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

static void index_sites(struct intake *intake)
{
    intake->site_count = intake->person_count > 0 ? intake->persons[intake->person_count - 1].site + 1 : 0;
    intake->site_persons = memory_new_array(intake, size_t, (size_t)intake->site_count + 1);
    for (size_t i = 0; i < intake->person_count; i++)
        intake->site_persons[intake->persons[i].site + 1]++;
    for (int site = 0; site < intake->site_count; site++)
        intake->site_persons[site + 1] += intake->site_persons[site];
}

/* Numbers of a site mostly have no gaps: then a person stands where its number says, and need not be looked at. */
static struct person *find_person(struct intake *intake, int site, int number)
{
    if (intake->site_persons == NULL)
        index_sites(intake);
    if (site < 0 || site >= intake->site_count || number < 1)
        return NULL;
    size_t from = intake->site_persons[site], behind = intake->site_persons[site + 1];
    size_t at = from + (size_t)(number - 1);
    if (at < behind && intake->persons[behind - 1].number == (int)(behind - from))
        return &intake->persons[at];
    while (from < behind) {
        at = from + (behind - from) / 2;
        if (intake->persons[at].number == number)
            return &intake->persons[at];
        if (intake->persons[at].number < number)
            from = at + 1;
        else
            behind = at;
    }
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

static bool refuse_record(const struct record_header *record, const char *what, struct error *error)
{
    return error_set(error, ERROR_DATABASE, "a record of subject %02d-%04d, form %.*s: %s", record->site,
                     record->number, (int)record->form_length, record->form, what);
}

static bool take_scores(const struct intake *intake, struct db_row *row, const struct record_header *header,
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
        return refuse_record(header, text, error);
    }
    input->scores = intake->scores;
    return true;
}

static bool take_origin(struct db_row *row, struct record_origin *origin)
{
    const char *bytes;
    size_t length;
    if (!db_row_bytes(row, &bytes, &length) || length != ORIGIN_BYTES)
        return false;
    memcpy(origin->id, bytes, ID_BYTES);
    origin->received_us = db_time_of_bytes(bytes + ID_BYTES);
    return true;
}

/* The columns behind the text. */
static bool take_rest(const struct intake *intake, struct db_row *row, const struct record_header *header,
                      struct record_input *input, struct error *error)
{
    struct record_origin origin;
    struct error cause = {.kind = ERROR_NONE};
    if (!take_scores(intake, row, header, input, error))
        return false;
    if (take_origin(row, &origin))
        input->origin = &origin;
    bool added = record_store_add(intake->dataset->store, input, &cause);
    input->origin = NULL;
    return added || refuse_record(header, cause.message, error);
}

/* Why a version was voided; NULL where it does not say. */
static const char *void_reason(const void *owner, const char *content, size_t length)
{
    json_t *json = json_loadb(content, length, 0, NULL);
    const char *reason = json_string_value(json_object_get(json, "reason"));
    char *copy = reason != NULL ? memory_copy_string(owner, reason) : NULL;
    json_decref(json);
    return copy;
}

bool intake_take_record(void *context, struct db_row *row, struct error *error)
{
    struct intake *intake = context;
    const char *content;
    size_t content_length;
    struct record_header header;
    if (!db_row_bytes(row, &content, &content_length)
        || !record_header_read(content, content_length, intake->begin, &header))
        return refuse_row(error, "submissions");
    const struct catalogue *catalogue = intake->dataset->catalogue;
    const struct person *person = find_person(intake, header.site, header.number);
    size_t form = find_form(intake, header.form, header.form_length, header.form_version);
    if (person == NULL || form == catalogue->form_count)
        return refuse_record(&header, person == NULL ? "the cut has no such subject"
                                                     : "the cut has no such version of its form", error);
    bool wanted = !header.voided && record_store_wants_content(intake->dataset->store, form);
    struct record_input input = {
        .person = (uint32_t)(person - intake->persons),
        .form = form,
        .knee = header.knee,
        .visit = header.visit,
        .visit_length = header.visit_length,
        .instance = header.instance,
        .version = header.version,
        .voided = header.voided,
        .reason = header.voided ? void_reason(intake, content, content_length) : NULL,
        .date = header.date,
        .content = wanted ? content : NULL,
        .content_length = content_length,
        .content_answers = header.behind,
    };
    return take_rest(intake, row, &header, &input, error);
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

/* What the row says, or what was sealed for it. */
static bool take_cohort(struct intake *intake, const struct allocation_place *place, struct db_row *row,
                        const char **cohort, size_t *length, struct error *error)
{
    const char *sealed;
    size_t sealed_length;
    if (!db_row_bytes(row, cohort, length) || !db_row_bytes(row, &sealed, &sealed_length))
        return refuse_row(error, "the allocation");
    if (sealed_length == 0)
        return true;
    if (!allocation_open(intake->keys, place, (const uint8_t *)sealed, sealed_length, intake->opened, error))
        return false;
    *cohort = intake->opened;
    *length = strlen(intake->opened);
    return true;
}

bool intake_take_allocation(void *context, struct db_row *row, struct error *error)
{
    static const char *const knee_names[] = {[KNEE_NONE] = "none", [KNEE_LEFT] = "left", [KNEE_RIGHT] = "right"};
    struct intake *intake = context;
    const char *knee, *cohort;
    int entry;
    size_t knee_length, cohort_length, count = intake->allocated_count;
    struct allocated allocated;
    if (!take_small(row, &allocated.site) || !take_small(row, &allocated.number)
        || !db_row_bytes(row, &knee, &knee_length) || !take_small(row, &entry))
        return refuse_row(error, "the allocation");
    allocated.knee = knee_of(knee, knee_length);
    const struct allocation_place place = {intake->dataset->catalogue->study, allocated.site, allocated.number,
                                           knee_names[allocated.knee], entry};
    if (!take_cohort(intake, &place, row, &cohort, &cohort_length, error))
        return false;
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
