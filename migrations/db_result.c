/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "migrations/db_result.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"

static int result_destroy(struct db_result *result)
{
    PQclear(result->result);
    return 0;
}

struct db_result *db_result_new(const void *owner, PGresult *taken)
{
    struct db_result *result = memory_new(owner, struct db_result);
    result->result = taken;
    talloc_set_destructor(result, result_destroy);
    return result;
}

size_t db_rows(const struct db_result *result)
{
    return (size_t)PQntuples(result->result);
}

size_t db_columns(const struct db_result *result)
{
    return (size_t)PQnfields(result->result);
}

bool db_is_null(const struct db_result *result, size_t row, size_t column)
{
    return PQgetisnull(result->result, (int)row, (int)column) != 0;
}

const char *db_text(const struct db_result *result, size_t row, size_t column)
{
    const char *value = PQgetvalue(result->result, (int)row, (int)column);
    return value ? value : "";   /* NULL only for a row or column that is not there */
}

int64_t db_int(const struct db_result *result, size_t row, size_t column)
{
    return strtoll(db_text(result, row, column), NULL, 10);
}

bool db_bool(const struct db_result *result, size_t row, size_t column)
{
    return strcmp(db_text(result, row, column), "t") == 0;
}

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)(c - 'a') + 10;
}

void *db_bytes(const void *owner, const struct db_result *result, size_t row, size_t column, size_t *length)
{
    const char *text = db_text(result, row, column);   /* \x... : bytea_output is pinned */
    size_t digits = strncmp(text, "\\x", 2) == 0 ? strlen(text) - 2 : 0;
    char *bytes = memory_new_array(owner, char, digits / 2 + 1);
    for (size_t i = 0; i < digits / 2; i++)
        bytes[i] = (char)(hex_digit(text[2 + 2 * i]) << 4 | hex_digit(text[3 + 2 * i]));
    *length = digits / 2;
    return bytes;
}

double *db_doubles(const void *owner, const struct db_result *result, size_t row, size_t column, size_t *count)
{
    const char *text = db_text(result, row, column);   /* {1.5,NULL,NaN} */
    size_t commas = 0;
    for (const char *at = text; *at; at++)
        commas += *at == ',';
    double *values = memory_new_array(owner, double, commas + 1);
    *count = 0;
    const char *at = *text == '{' ? text + 1 : "";
    while (*at && *at != '}') {
        char *end = NULL;
        double value = strtod(at, &end);
        values[(*count)++] = end == at ? (double)NAN : value;   /* NULL is no number */
        at += strcspn(at, ",}");
        at += *at == ',';
    }
    return values;
}

bool db_run(struct db *db, size_t statement, const struct db_parameters *parameters, struct error *error)
{
    struct db_result *result = db_execute(NULL, db, statement, parameters, error);
    talloc_free(result);
    return result != NULL;
}
