/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store_record.h"

#include "collector/store_statements.h"
#include "forms/base/memory.h"

/* Columns of each statement's result. */
static const size_t column_counts[CALL_COUNT] = {
    [CALL_OPEN_QUERY] = 3,
    [CALL_ADD_QUERY_EVENT] = 3,
    [CALL_LIST_QUERIES] = 15,
    [CALL_LIST_QUERY_EVENTS] = 5,
    [CALL_VERIFY_VERSION] = 3,
    [CALL_LIST_VERIFICATIONS] = 13,
    [CALL_SIGN] = 3,
    [CALL_LIST_SIGNATURES] = 15,
    [CALL_LOCK_RECORD] = 3,
    [CALL_LOCK_SUBJECT] = 3,
    [CALL_FREEZE_STUDY] = 3,
    [CALL_LIST_LOCKS] = 11,
    [CALL_ASK_REDACTION] = 3,
    [CALL_DECIDE_REDACTION] = 3,
    [CALL_LIST_REDACTIONS] = 16,
    [CALL_ENTER_SECOND] = 3,
    [CALL_RECONCILE] = 3,
    [CALL_LIST_SECOND_ENTRIES] = 15,
    [CALL_LIST_DIFFERENCES] = 6,
    [CALL_REQUEST_UNBLINDING] = 3,
    [CALL_APPROVE_UNBLINDING] = 3,
    [CALL_LIST_UNBLINDINGS] = 9,
    [CALL_REQUEST_EMERGENCY] = 3,
    [CALL_REVEAL_ALLOCATION] = 4,
};

const char *store_cell(const struct store_table *table, size_t row, size_t column)
{
    return table->cells[row * table->columns + column];
}

static struct db_parameters *read_values(const void *owner, const struct store_reader *reader,
                                         const struct store_values *values)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, values->count + 2);
    for (size_t i = 0; i < values->count; i++)
        db_set_text(parameters, i + 2, values->values[i]);
    return parameters;
}

static struct store_table *copy_table(const void *owner, const struct db_result *result, size_t columns)
{
    struct store_table *table = memory_new(owner, struct store_table);
    table->rows = db_rows(result);
    table->columns = columns;
    table->cells = memory_new_array(table, const char *, memory_size_product(table->rows, columns));
    for (size_t row = 0; row < table->rows; row++)
        for (size_t column = 0; column < columns; column++)
            table->cells[row * columns + column] = store_copy(table, result, row, column);
    return table;
}

struct store_table *store_ask(const void *owner, struct store *store, enum store_call call,
                              const struct store_reader *reader, const struct store_values *values,
                              struct error *error)
{
    struct db_parameters *parameters = read_values(owner, reader, values);
    struct db_result *result =
        store_query(owner, store, (enum store_statement)(STATEMENT_CALLS + call), parameters, error);
    return result != NULL ? copy_table(owner, result, column_counts[call]) : NULL;
}

struct store_table *store_tell(const void *owner, struct store *store, enum store_call call,
                               const struct store_reader *reader, const struct store_values *values,
                               struct error *error)
{
    if (!store_ensure(store, error))
        return NULL;
    struct db_parameters *parameters = read_values(owner, reader, values);
    struct db_result *result =
        db_execute(owner, store->db, (size_t)STATEMENT_CALLS + (size_t)call, parameters, error);
    return result != NULL ? copy_table(owner, result, column_counts[call]) : NULL;
}
