/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "migrations/db_parameters.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/date.h"
#include "forms/base/memory.h"

/* Type numbers of PostgreSQL's own types; they never change (pg_type.dat). */
enum { OID_BYTEA = 17, OID_INT4 = 23, OID_TEXT = 25, OID_FLOAT8 = 701, OID_DATE = 1082, OID_UUID = 2950 };

/* 2000-01-01, from which PostgreSQL counts days. */
enum { POSTGRES_EPOCH_DAYS = 10957 };

/* array_send's header: dimensions, has-null flag, element type, and for one dimension its length and lower bound. */
enum { ARRAY_HEADER = 20, ARRAY_HEADER_EMPTY = 12, ELEMENT_HEADER = 4 };

struct array_writer {
    char *bytes;
    size_t length;
};

struct db_parameters *db_parameters_new(const void *owner, size_t count)
{
    struct db_parameters *parameters = memory_new(owner, struct db_parameters);
    parameters->count = count;
    parameters->values = memory_new_array(parameters, const char *, count);
    parameters->lengths = memory_new_array(parameters, int, count);
    parameters->formats = memory_new_array(parameters, int, count);
    return parameters;
}

static void set_value(struct db_parameters *parameters, size_t at, const char *value, size_t length, bool binary)
{
    if (at >= parameters->count || length > INT_MAX) {
        fprintf(stderr, "patella: parameter $%zu of %zu, %zu bytes: does not fit\n", at + 1, parameters->count,
                length);
        abort();
    }
    parameters->values[at] = value;
    parameters->lengths[at] = (int)length;
    parameters->formats[at] = binary ? 1 : 0;
}

void db_set_text(struct db_parameters *parameters, size_t at, const char *value)
{
    const char *copy = value ? memory_copy_string(parameters, value) : NULL;
    set_value(parameters, at, copy, 0, false);
}

void db_set_int(struct db_parameters *parameters, size_t at, int64_t value)
{
    set_value(parameters, at, memory_format(parameters, "%" PRId64, value), 0, false);
}

void db_set_bytes(struct db_parameters *parameters, size_t at, const void *bytes, size_t length)
{
    const char *copy = bytes ? memory_copy_bytes(parameters, bytes, length) : NULL;
    set_value(parameters, at, copy, copy ? length : 0, true);
}

static void write_int32(struct array_writer *writer, uint32_t value)
{
    const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
    memcpy(writer->bytes + writer->length, bytes, sizeof bytes);
    writer->length += sizeof bytes;
}

static void write_bytes(struct array_writer *writer, const void *bytes, size_t length)
{
    write_int32(writer, (uint32_t)length);
    if (length > 0)
        memcpy(writer->bytes + writer->length, bytes, length);
    writer->length += length;
}

static void write_null(struct array_writer *writer)
{
    write_int32(writer, UINT32_MAX);
}

/* `size` is that of all elements together, without their headers. */
static struct array_writer array_begin(struct db_parameters *parameters, uint32_t type, size_t count, size_t size)
{
    size_t headers = memory_size_sum(ARRAY_HEADER, memory_size_product(count, ELEMENT_HEADER));
    size_t room = memory_size_sum(headers, size);
    struct array_writer writer = {memory_new_array(parameters, char, room), 0};
    write_int32(&writer, count > 0 ? 1 : 0);
    write_int32(&writer, count > 0 ? 1 : 0);   /* "may hold NULL" is allowed to be wrong in this direction */
    write_int32(&writer, type);
    if (count > 0) {
        write_int32(&writer, (uint32_t)count);
        write_int32(&writer, 1);
    }
    return writer;
}

static void array_end(struct db_parameters *parameters, size_t at, const struct array_writer *writer)
{
    set_value(parameters, at, writer->bytes, writer->length, true);
}

void db_set_int_array(struct db_parameters *parameters, size_t at, const int32_t *values, size_t count)
{
    struct array_writer writer = array_begin(parameters, OID_INT4, count, memory_size_product(count, 4));
    for (size_t i = 0; i < count; i++) {
        write_int32(&writer, 4);
        write_int32(&writer, (uint32_t)values[i]);
    }
    array_end(parameters, at, &writer);
}

void db_set_double_array(struct db_parameters *parameters, size_t at, const double *values, size_t count)
{
    struct array_writer writer = array_begin(parameters, OID_FLOAT8, count, memory_size_product(count, 8));
    for (size_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        write_int32(&writer, 8);
        write_int32(&writer, (uint32_t)(bits >> 32));
        write_int32(&writer, (uint32_t)bits);
    }
    array_end(parameters, at, &writer);
}

/* Texts are sent as they are, whether the element type is text or bytea. */
static void set_string_array(struct db_parameters *parameters, size_t at, uint32_t type, const char *const *values,
                             size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size = memory_size_sum(size, values[i] ? strlen(values[i]) : 0);
    struct array_writer writer = array_begin(parameters, type, count, size);
    for (size_t i = 0; i < count; i++) {
        if (values[i])
            write_bytes(&writer, values[i], strlen(values[i]));
        else
            write_null(&writer);
    }
    array_end(parameters, at, &writer);
}

void db_set_text_array(struct db_parameters *parameters, size_t at, const char *const *values, size_t count)
{
    set_string_array(parameters, at, OID_TEXT, values, count);
}

void db_set_text_as_bytes_array(struct db_parameters *parameters, size_t at, const char *const *values, size_t count)
{
    set_string_array(parameters, at, OID_BYTEA, values, count);
}

void db_set_bytes_array(struct db_parameters *parameters, size_t at, const uint8_t *const *values, size_t length,
                        size_t count)
{
    struct array_writer writer = array_begin(parameters, OID_BYTEA, count, memory_size_product(count, length));
    for (size_t i = 0; i < count; i++) {
        if (values[i] == NULL)
            write_null(&writer);
        else
            write_bytes(&writer, values[i], length);
    }
    array_end(parameters, at, &writer);
}

void db_set_uuid_array(struct db_parameters *parameters, size_t at, const uint8_t (*values)[16], size_t count)
{
    struct array_writer writer = array_begin(parameters, OID_UUID, count, memory_size_product(count, 16));
    for (size_t i = 0; i < count; i++)
        write_bytes(&writer, values[i], 16);
    array_end(parameters, at, &writer);
}

void db_set_date_array(struct db_parameters *parameters, size_t at, const int32_t *days, size_t count)
{
    struct array_writer writer = array_begin(parameters, OID_DATE, count, memory_size_product(count, 4));
    for (size_t i = 0; i < count; i++) {
        if (days[i] == DATE_NONE) {
            write_null(&writer);
            continue;
        }
        write_int32(&writer, 4);
        write_int32(&writer, (uint32_t)(days[i] - POSTGRES_EPOCH_DAYS));
    }
    array_end(parameters, at, &writer);
}
