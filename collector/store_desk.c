/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store_desk.h"

#include <stdlib.h>

#include "collector/store_statements.h"
#include "forms/base/memory.h"

/* The forms that a schedule knows by name, as reports do. */
#define FORM_TREATMENT "treatment"
#define FORM_END_OF_STUDY "end_of_study"
#define FORM_SCREENING "screening"
#define ITEM_WITHDRAWAL "withdrawal_date"

static date_days read_date(const struct db_result *result, size_t row, size_t column)
{
    date_days date = DATE_NONE;
    if (!db_is_null(result, row, column) && !date_parse(db_text(result, row, column), &date))
        date = DATE_NONE;
    return date;
}

/* Parameters 2 and 3 of `count`. */
static struct db_parameters *filter_parameters(const void *owner, const struct store_reader *reader,
                                               const struct store_desk_filter *filter, size_t count)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, count);
    if (filter->site != 0)
        db_set_int(parameters, 2, filter->site);
    if (filter->subject != 0)
        db_set_int(parameters, 3, filter->subject);
    return parameters;
}

/* ---- subjects ---- */

/* Adds `by` at each number of "{4,17,4}". */
static void count_places(const char *array, int by, int *there, size_t places)
{
    for (const char *at = array; *at == '{' || *at == ',';) {
        char *end = NULL;
        unsigned long place = strtoul(at + 1, &end, 10);
        if (end == at + 1)
            return;
        if (place < places)
            there[place] += by;
        at = end;
    }
}

static void read_subject(const struct db_result *result, size_t row, size_t places,
                         struct store_desk_subject *subject)
{
    int *there = subject->there;
    *subject = (struct store_desk_subject){
        .site = (int)db_int(result, row, 0),
        .subject = (int)db_int(result, row, 1),
        .index_knee = schedule_knee_from_name(db_text(result, row, 2)),
        .enrolled = read_date(result, row, 3),
        .locked = db_bool(result, row, 4),
        .coordinator = db_text(result, row, 5),      /* lives as long as the list: it holds the result */
        .day1 = {DATE_NONE, read_date(result, row, 6), read_date(result, row, 7)},
        .there = there,
    };
    count_places(db_text(result, row, 8), 1, there, places);
    count_places(db_text(result, row, 9), -1, there, places);
}

struct store_desk_subjects *store_list_desk_subjects(const void *owner, struct store *store,
                                                     const struct store_reader *reader,
                                                     const struct schedule_plan *plan,
                                                     const struct store_desk_filter *filter, struct error *error)
{
    size_t slots = filter->with_records ? plan->slot_count : 0;
    struct db_parameters *parameters = filter_parameters(owner, reader, filter, 7);
    db_set_text(parameters, 4, FORM_TREATMENT);
    db_set_text_array(parameters, 5, plan->forms, slots);
    db_set_text_array(parameters, 6, plan->visits, slots);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_DESK_SUBJECTS, parameters, error);
    talloc_free(parameters);
    if (result == NULL)
        return NULL;
    struct store_desk_subjects *list = memory_new(owner, struct store_desk_subjects);
    list->count = db_rows(result);
    list->rows = memory_new_array(list, struct store_desk_subject, list->count);
    size_t places = memory_size_product(plan->slot_count, SCHEDULE_KNEES);
    int *there = memory_new_array(list, int, memory_size_product(list->count, places));
    for (size_t row = 0; row < list->count; row++) {
        list->rows[row].there = there + row * places;
        read_subject(result, row, places, &list->rows[row]);
    }
    talloc_steal(list, result);
    return list;
}

struct store_desk_endings *store_list_desk_endings(const void *owner, struct store *store,
                                                   const struct store_reader *reader,
                                                   const struct store_desk_filter *filter, struct error *error)
{
    struct db_parameters *parameters = filter_parameters(owner, reader, filter, 7);
    db_set_text(parameters, 4, FORM_END_OF_STUDY);
    db_set_text(parameters, 5, FORM_SCREENING);
    db_set_text(parameters, 6, ITEM_WITHDRAWAL);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_DESK_ENDINGS, parameters, error);
    talloc_free(parameters);
    if (result == NULL)
        return NULL;
    struct store_desk_endings *list = memory_new(owner, struct store_desk_endings);
    list->count = db_rows(result);
    list->rows = memory_new_array(list, struct store_desk_ending, list->count);
    for (size_t row = 0; row < list->count; row++)
        list->rows[row] = (struct store_desk_ending){
            .site = (int)db_int(result, row, 0),
            .subject = (int)db_int(result, row, 1),
            .form = db_text(result, row, 2),
            .form_version = (int)db_int(result, row, 3),
            .dated = read_date(result, row, 4),
            .content = db_text(result, row, 5),
        };
    talloc_steal(list, result);
    return list;
}

/* ---- what belongs to subjects of a page ---- */

static struct db_result *query_numbers(const void *owner, struct store *store, enum store_statement statement,
                                       const struct store_reader *reader, const struct store_desk_numbers *numbers,
                                       struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 4);
    db_set_int_array(parameters, 2, numbers->sites, numbers->count);
    db_set_int_array(parameters, 3, numbers->subjects, numbers->count);
    struct db_result *result = store_query(owner, store, statement, parameters, error);
    talloc_free(parameters);
    return result;
}

struct store_desk_records *store_list_desk_records(const void *owner, struct store *store,
                                                   const struct store_reader *reader,
                                                   const struct store_desk_numbers *numbers, struct error *error)
{
    struct db_result *result =
        query_numbers(owner, store, STATEMENT_LIST_DESK_RECORDS, reader, numbers, error);
    if (result == NULL)
        return NULL;
    struct store_desk_records *list = memory_new(owner, struct store_desk_records);
    list->count = db_rows(result);
    list->rows = memory_new_array(list, struct store_desk_record, list->count);
    for (size_t row = 0; row < list->count; row++)
        list->rows[row] = (struct store_desk_record){
            .site = (int)db_int(result, row, 0),
            .subject = (int)db_int(result, row, 1),
            .form = db_text(result, row, 2),
            .knee = schedule_knee_from_name(db_text(result, row, 3)),
            .visit = db_text(result, row, 4),
            .id = db_text(result, row, 5),
            .dated = db_text(result, row, 6),
        };
    talloc_steal(list, result);
    return list;
}

static const char *text_or_null(const struct db_result *result, size_t row, size_t column)
{
    return db_is_null(result, row, column) ? NULL : db_text(result, row, column);
}

struct store_desk_marks *store_list_desk_marks(const void *owner, struct store *store,
                                               const struct store_reader *reader,
                                               const struct store_desk_numbers *numbers, struct error *error)
{
    struct db_result *result = query_numbers(owner, store, STATEMENT_LIST_DESK_MARKS, reader, numbers, error);
    if (result == NULL)
        return NULL;
    struct store_desk_marks *list = memory_new(owner, struct store_desk_marks);
    list->count = db_rows(result);
    list->rows = memory_new_array(list, struct store_desk_mark, list->count);
    for (size_t row = 0; row < list->count; row++)
        list->rows[row] = (struct store_desk_mark){
            .site = (int)db_int(result, row, 0),
            .subject = (int)db_int(result, row, 1),
            .open_queries = db_int(result, row, 2),
            .cohorts = {text_or_null(result, row, 3), text_or_null(result, row, 4), text_or_null(result, row, 5)},
        };
    talloc_steal(list, result);
    return list;
}

/* ---- what waits beside visits ---- */

/* Takes the result over. */
static struct store_desk_items *read_items(const void *owner, struct db_result *result)
{
    struct store_desk_items *list = memory_new(owner, struct store_desk_items);
    list->count = db_rows(result);
    list->rows = memory_new_array(list, struct store_desk_item, list->count);
    for (size_t row = 0; row < list->count; row++)
        list->rows[row] = (struct store_desk_item){
            .kind = db_text(result, row, 0),
            .site = (int)db_int(result, row, 1),
            .subject = (int)db_int(result, row, 2),
            .knee = text_or_null(result, row, 3),
            .visit = text_or_null(result, row, 4),
            .form = text_or_null(result, row, 5),
            .id = db_text(result, row, 6),
            .record = text_or_null(result, row, 7),
            .title = text_or_null(result, row, 8),
            .since = text_or_null(result, row, 9),
            .until = text_or_null(result, row, 10),
            .person = text_or_null(result, row, 11),
            .version = (int)db_int(result, row, 12),
        };
    talloc_steal(list, result);
    return list;
}

struct store_desk_items *store_list_desk_items(const void *owner, struct store *store,
                                               const struct store_reader *reader, int site, struct error *error)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, 3);
    if (site != 0)
        db_set_int(parameters, 2, site);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_DESK_ITEMS, parameters, error);
    talloc_free(parameters);
    return result != NULL ? read_items(owner, result) : NULL;
}

struct store_desk_items *store_list_desk_drafts(const void *owner, struct store *store,
                                                const struct store_reader *reader,
                                                const struct store_desk_filter *filter, struct error *error)
{
    struct db_parameters *parameters = filter_parameters(owner, reader, filter, 4);
    struct db_result *result = store_query(owner, store, STATEMENT_LIST_DESK_DRAFTS, parameters, error);
    talloc_free(parameters);
    return result != NULL ? read_items(owner, result) : NULL;
}
