/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/admin.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "collector/admin_definitions.h"
#include "forms/base/memory.h"
#include "forms/csv_table.h"
#include "forms/submission.h"

/* The rows of an allocation file as the database takes them. */
struct allocation {
    int32_t *sites, *subjects;
    const char **knees, **cohorts;
    size_t count;
    size_t mistakes;
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
    error_print(&error, "patella-admin");
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

static struct allocation *read_allocation(const void *owner, const struct protocol *protocol,
                                          const char *path, struct error *error)
{
    struct allocation *allocation = memory_new(owner, struct allocation);
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

static bool allocate(struct admin *admin, struct error *error)
{
    const char *study = admin->arguments->operands[0];
    const char *reason = arguments_value(admin->arguments, "reason");
    struct definitions *definitions = definitions_new(admin->owner);
    if (!definitions_add_stored(definitions, admin, study, error))
        return false;
    const struct allocation *list = read_allocation(admin->owner, definitions_protocol(definitions),
                                                    admin->arguments->operands[1], error);
    if (!list)
        return false;
    struct db_parameters *parameters = db_parameters_new(admin->owner, 6);
    db_set_text(parameters, 0, study);
    db_set_int_array(parameters, 1, list->sites, list->count);
    db_set_int_array(parameters, 2, list->subjects, list->count);
    db_set_text_array(parameters, 3, list->knees, list->count);
    db_set_text_array(parameters, 4, list->cohorts, list->count);
    db_set_text(parameters, 5, reason);   /* none: then the database refuses another cohort than before */
    struct db_result *made = db_execute(admin->owner, admin->db, ADMIN_ALLOCATE, parameters, error);
    if (made)
        fprintf(stderr, "%zu rows, %s of them new\n", list->count, db_text(made, 0, 0));
    return made != NULL;
}

static const struct argument_option options[] = {
    {"reason", "TEXT", false, "why, when an allocation changes; then it is needed"},
    ADMIN_DATABASE_OPTION,
};

static const struct admin_command commands[] = {
    {{"allocate", "STUDY FILE", options, ADMIN_COUNT(options),
      "allocate subjects or knees to cohorts; FILE is CSV with subject,knee,cohort"},
     allocate},
};

const struct admin_group admin_allocation = {commands, ADMIN_COUNT(commands)};
