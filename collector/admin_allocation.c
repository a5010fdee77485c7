/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/admin_result.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "collector/admin_definitions.h"
#include "forms/allocation_seal.h"
#include "forms/base/memory.h"
#include "forms/csv_table.h"
#include "forms/submission.h"

/* The rows of an allocation file as the database takes them. */
struct allocation {
    int32_t *sites, *subjects;
    const char **knees, **cohorts;
    size_t count;
    size_t mistakes;
    bool as_json;                /* how these are told */
};

struct allocation_columns {
    int subject, knee, cohort;
};

static void report_mistake(struct allocation *allocation, const char *path, int line, const char *format, ...)
    PRINTF_LIKE(4, 5);

/* Every mistake is printed, not only the first: the file is mended in one go. */
static void report_mistake(struct allocation *allocation, const char *path, int line, const char *format, ...)
{
    struct error error = {0};
    va_list arguments;
    va_start(arguments, format);
    error_set_va(&error, ERROR_INPUT, format, arguments);
    va_end(arguments);
    error_at(&error, ERROR_INPUT, path, line, "%s", memory_format(allocation, "%s", error.message));
    admin_print_error(&error, allocation->as_json);
    allocation->mistakes++;
}

static bool find_columns(const struct csv_table *table, const char *path, struct allocation_columns *columns,
                         struct error *error)
{
    columns->subject = csv_table_column(table, "subject");
    columns->knee = csv_table_column(table, "knee");
    columns->cohort = csv_table_column(table, "cohort");
    if (columns->subject == CSV_NO_COLUMN || columns->cohort == CSV_NO_COLUMN)
        return error_at(error, ERROR_INPUT, path, 1,
                        "the columns are subject,knee,cohort; knee may be left out when "
                        "subjects are allocated");
    return true;
}

static const char *read_knee(const struct protocol *protocol, const char *knee)
{
    if (protocol->allocation == ALLOCATE_SUBJECT)
        return knee[0] == '\0' || strcmp(knee, "none") == 0 ? "none" : NULL;
    return strcmp(knee, "left") == 0 || strcmp(knee, "right") == 0 ? knee : NULL;
}

static void read_row(struct allocation *allocation, const struct protocol *protocol, const char *path,
                     const struct csv_row *row, const struct allocation_columns *columns)
{
    const char *subject = row->cells[columns->subject];
    const char *cohort = row->cells[columns->cohort];
    const char *knee = read_knee(protocol, columns->knee == CSV_NO_COLUMN ? "" : row->cells[columns->knee]);
    int site, number;
    if (!subject_parse(subject, &site, &number)) {
        report_mistake(allocation, path, row->line, "\"%s\" is no subject number, such as 07-0012", subject);
        return;
    }
    if (!knee) {
        report_mistake(allocation, path, row->line, protocol->allocation == ALLOCATE_SUBJECT
                       ? "this protocol allocates subjects; leave knee empty"
                       : "this protocol allocates knees; knee is left or right");
        return;
    }
    if (protocol_find_cohort(protocol, cohort) < 0) {
        report_mistake(allocation, path, row->line, "the protocol has no cohort \"%s\"", cohort);
        return;
    }
    size_t at = allocation->count++;
    allocation->sites[at] = site;
    allocation->subjects[at] = number;
    allocation->knees[at] = knee;
    allocation->cohorts[at] = cohort;
}

struct allocation_key {
    int site, subject;
    const char *knee;
    int line;
};

static int compare_keys(const void *left, const void *right)
{
    const struct allocation_key *a = left, *b = right;
    int order = a->site != b->site ? a->site - b->site : a->subject - b->subject;
    if (order == 0)
        order = strcmp(a->knee, b->knee);
    return order ? order : a->line - b->line;
}

/* Two rows for the same unit: which one counts would depend on their order. */
static void check_doubles(struct allocation *allocation, const char *path, const struct csv_table *table)
{
    struct allocation_key *keys = memory_new_array(allocation, struct allocation_key, allocation->count);
    for (size_t i = 0; i < allocation->count; i++)
        keys[i] = (struct allocation_key){allocation->sites[i], allocation->subjects[i], allocation->knees[i],
                                          table->rows[i].line};
    qsort(keys, allocation->count, sizeof keys[0], compare_keys);
    for (size_t i = 1; i < allocation->count; i++) {
        struct allocation_key before = keys[i - 1], here = keys[i];
        before.line = here.line;
        if (compare_keys(&before, &here) == 0)
            report_mistake(allocation, path, here.line, "%02d-%04d stands in line %d already", here.site,
                           here.subject, keys[i - 1].line);
    }
}

static struct allocation *read_allocation(const struct admin *admin, const struct protocol *protocol,
                                          const char *path, struct error *error)
{
    struct allocation *allocation = memory_new(admin->owner, struct allocation);
    allocation->as_json = admin_as_json(admin);
    struct allocation_columns columns;
    const struct csv_table *table = csv_table_load(allocation, path, error);
    if (!table || !find_columns(table, path, &columns, error))
        return NULL;
    allocation->sites = memory_new_array(allocation, int32_t, table->row_count);
    allocation->subjects = memory_new_array(allocation, int32_t, table->row_count);
    allocation->knees = memory_new_array(allocation, const char *, table->row_count);
    allocation->cohorts = memory_new_array(allocation, const char *, table->row_count);
    for (size_t i = 0; i < table->row_count; i++)
        read_row(allocation, protocol, path, &table->rows[i], &columns);
    if (allocation->mistakes == 0)
        check_doubles(allocation, path, table);
    if (allocation->mistakes > 0) {
        error_set(error, ERROR_INPUT, "%zu mistakes in %s; nothing was written", allocation->mistakes, path);
        return NULL;
    }
    return allocation;
}

/* ---- entering them ---- */

/* In the clear; the database refuses it when the study has a key. */
static struct db_result *allocate_plain(struct admin *admin, const struct allocation *list, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(admin->owner, 6);
    db_set_text(parameters, 0, admin_operand(admin, 0));
    db_set_int_array(parameters, 1, list->sites, list->count);
    db_set_int_array(parameters, 2, list->subjects, list->count);
    db_set_text_array(parameters, 3, list->knees, list->count);
    db_set_text_array(parameters, 4, list->cohorts, list->count);
    db_set_text(parameters, 5, admin_option(admin, "reason"));   /* none: refused where it changes a cohort */
    return db_execute(admin->owner, admin->db, ADMIN_ALLOCATE, parameters, error);
}

/* What goes to the database instead of cohorts; admin.allocate_sealed says what for. */
struct sealed_allocation {
    int32_t *after;
    const uint8_t **same, **sealed;
};

static struct sealed_allocation *new_sealed(const void *owner, size_t count)
{
    struct sealed_allocation *made = memory_new(owner, struct sealed_allocation);
    made->after = memory_new_array(made, int32_t, count);
    made->same = memory_new_array(made, const uint8_t *, count);
    made->sealed = memory_new_array(made, const uint8_t *, count);
    return made;
}

static const uint8_t *seal_row(struct sealed_allocation *made, const struct allocation_keys *keys, const char *id,
                               const struct allocation_place *place, const char *cohort, struct error *error)
{
    uint8_t *sealed = memory_new_array(made, uint8_t, ALLOCATION_SEALED);
    return allocation_seal(keys, id, place, cohort, sealed, error) ? sealed : NULL;
}

/* `newest`: number and key of the newest entry of each row of the list, `id`: the key for new ones. */
static struct sealed_allocation *seal_list(struct admin *admin, const struct allocation *list,
                                           const struct allocation_keys *keys, const char *id,
                                           const struct db_result *newest, struct error *error)
{
    struct sealed_allocation *made = new_sealed(admin->owner, list->count);
    for (size_t i = 0; i < list->count; i++) {
        struct allocation_place place = {admin_operand(admin, 0), list->sites[i], list->subjects[i], list->knees[i],
                                         (int)db_int(newest, i, 0)};
        made->after[i] = place.entry;
        if (!db_is_null(newest, i, 1)) {
            made->same[i] = seal_row(made, keys, db_text(newest, i, 1), &place, list->cohorts[i], error);
            if (made->same[i] == NULL)
                return NULL;
        }
        place.entry++;
        made->sealed[i] = seal_row(made, keys, id, &place, list->cohorts[i], error);
        if (made->sealed[i] == NULL)
            return NULL;
    }
    return made;
}

static struct db_result *find_newest(struct admin *admin, const struct allocation *list, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(admin->owner, 4);
    db_set_text(parameters, 0, admin_operand(admin, 0));
    db_set_int_array(parameters, 1, list->sites, list->count);
    db_set_int_array(parameters, 2, list->subjects, list->count);
    db_set_text_array(parameters, 3, list->knees, list->count);
    struct db_result *newest = db_execute(admin->owner, admin->db, ADMIN_NEWEST_ENTRIES, parameters, error);
    if (newest != NULL && db_rows(newest) != list->count) {
        error_set(error, ERROR_DATABASE, "the database told of %zu rows, of %zu that were asked for", db_rows(newest),
                  list->count);
        return NULL;
    }
    return newest;
}

static struct db_result *allocate_sealed(struct admin *admin, const struct allocation *list, const char *id,
                                         struct error *error)
{
    struct allocation_keys *keys =
        allocation_keys_load(admin->owner, admin_option(admin, "allocation-keys"), error);
    struct db_result *newest = keys != NULL ? find_newest(admin, list, error) : NULL;
    const struct sealed_allocation *made = newest != NULL ? seal_list(admin, list, keys, id, newest, error) : NULL;
    if (made == NULL)
        return NULL;
    struct db_parameters *parameters = db_parameters_new(admin->owner, 8);
    db_set_text(parameters, 0, admin_operand(admin, 0));
    db_set_int_array(parameters, 1, list->sites, list->count);
    db_set_int_array(parameters, 2, list->subjects, list->count);
    db_set_text_array(parameters, 3, list->knees, list->count);
    db_set_int_array(parameters, 4, made->after, list->count);
    db_set_bytes_array(parameters, 5, made->same, ALLOCATION_SEALED, list->count);
    db_set_bytes_array(parameters, 6, made->sealed, ALLOCATION_SEALED, list->count);
    db_set_text(parameters, 7, admin_option(admin, "reason"));
    return db_execute(admin->owner, admin->db, ADMIN_ALLOCATE_SEALED, parameters, error);
}

/* Whether there is a key is asked first: cohorts of a study that has one do not go to the server in the clear. */
static struct db_result *enter(struct admin *admin, const struct allocation *list, struct error *error)
{
    struct db_result *key = admin_execute(admin, ADMIN_NEWEST_ALLOCATION_KEY, admin->arguments->operands, 1, error);
    if (key == NULL)
        return NULL;
    const char *study = admin_operand(admin, 0), *id = db_rows(key) > 0 ? db_text(key, 0, 0) : NULL;
    bool given = admin_option(admin, "allocation-keys") != NULL;
    if (id != NULL && !given)
        error_set(error, ERROR_USAGE, "the allocation of study \"%s\" is kept under key %s; name the file that has it "
                                      "by --allocation-keys FILE", study, id);
    else if (id == NULL && given)
        error_set(error, ERROR_USAGE, "study \"%s\" has no allocation key; `patella-admin allocation-key add %s FILE` "
                                      "gives it one, or leave --allocation-keys away", study, study);
    else
        return id != NULL ? allocate_sealed(admin, list, id, error) : allocate_plain(admin, list, error);
    return NULL;
}

static bool allocate(struct admin *admin, struct error *error)
{
    struct definitions *definitions = definitions_new(admin->owner);
    if (!definitions_add_stored(definitions, admin, admin_operand(admin, 0), error))
        return false;
    const struct allocation *list =
        read_allocation(admin, definitions_protocol(definitions), admin_operand(admin, 1), error);
    struct db_result *made = list != NULL ? enter(admin, list, error) : NULL;
    if (made == NULL)
        return false;
    admin_tell_number(admin, "rows", (int64_t)list->count);
    admin_tell_number(admin, "new", db_int(made, 0, 0));
    admin_note(admin, "%zu rows, %s of them new", list->count, db_text(made, 0, 0));
    return true;
}

static const struct argument_option options[] = {
    {"reason", "TEXT", false, "why, when an allocation changes; then it is needed"},
    {"allocation-keys", "FILE", false, "keys of a masked study; needed when it has one"},
    ADMIN_DATABASE_OPTION,
};

static const struct admin_command commands[] = {
    {{"allocate", "STUDY FILE", options, ADMIN_COUNT(options),
      "allocate subjects or knees to cohorts; FILE is CSV with subject,knee,cohort"},
     allocate},
};

const struct admin_group admin_allocation = {commands, ADMIN_COUNT(commands)};
