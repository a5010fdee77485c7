/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "migrations/db_copy.h"

#include <endian.h>
#include <math.h>
#include <poll.h>
#include <string.h>

#include "migrations/db_copy_connection.h"

/* 2000-01-01, from which PostgreSQL counts days and microseconds. */
enum { POSTGRES_EPOCH_DAYS = 10957 };
#define POSTGRES_EPOCH_US INT64_C(946684800000000)

/* "PGCOPY\\n\\377\\r\\n\\0", flags, length of an extension. */
enum { SIGNATURE = 11, COPY_HEADER = SIGNATURE + 8, FIELD_COUNT = 2, FIELD_LENGTH = 4 };

/* Dimensions, has-null flag, element type; for one dimension its length and lower bound. */
enum { ARRAY_HEADER_EMPTY = 12, ARRAY_HEADER = 20 };

/* ---- columns ---- */

static int64_t read_number(const unsigned char *at, size_t length)
{
    uint32_t four;
    uint64_t eight;
    if (length == sizeof eight)
        return (int64_t)be64toh(*(const uint64_t *)memcpy(&eight, at, sizeof eight));
    if (length == sizeof four)
        return (int32_t)be32toh(*(const uint32_t *)memcpy(&four, at, sizeof four));
    uint64_t number = length > 0 && (at[0] & 0x80) ? UINT64_MAX : 0;
    for (size_t i = 0; i < length; i++)
        number = number << 8 | at[i];
    return (int64_t)number;
}

bool db_row_bytes(struct db_row *row, const char **bytes, size_t *length)
{
    *bytes = "";
    *length = 0;
    if (row->end - row->at < FIELD_LENGTH)
        return false;
    int64_t field = read_number(row->at, FIELD_LENGTH);
    row->at += FIELD_LENGTH;
    if (field < 0 || field > row->end - row->at)
        return false;
    *bytes = (const char *)row->at;
    *length = (size_t)field;
    row->at += field;
    return true;
}

bool db_row_int(struct db_row *row, int64_t *value)
{
    const char *bytes;
    size_t length;
    *value = 0;
    if (!db_row_bytes(row, &bytes, &length) || (length != 8 && length != 4 && length != 2))
        return false;
    *value = read_number((const unsigned char *)bytes, length);
    return true;
}

bool db_row_date(struct db_row *row, int32_t *days)
{
    int64_t value;
    if (!db_row_int(row, &value))
        return false;
    *days = (int32_t)(value + POSTGRES_EPOCH_DAYS);
    return true;
}

int64_t db_time_of_bytes(const char *bytes)
{
    return read_number((const unsigned char *)bytes, 8) + POSTGRES_EPOCH_US;
}

static double read_double(const unsigned char *at)
{
    int64_t bits = read_number(at, sizeof bits);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

bool db_row_doubles(struct db_row *row, double *values, size_t most, size_t *count)
{
    struct db_row array;
    const char *bytes;
    size_t length;
    *count = 0;
    if (!db_row_bytes(row, &bytes, &length) || length < ARRAY_HEADER_EMPTY)
        return false;
    array.at = (const unsigned char *)bytes;
    array.end = array.at + length;
    int64_t dimensions = read_number(array.at, 4);
    if (dimensions == 0)
        return true;
    if (dimensions != 1 || length < ARRAY_HEADER)
        return false;
    int64_t elements = read_number(array.at + ARRAY_HEADER_EMPTY, 4);
    array.at += ARRAY_HEADER;
    for (int64_t i = 0; i < elements && *count < most; i++) {
        bool given = db_row_bytes(&array, &bytes, &length);
        if (given && length != sizeof(double))
            return false;
        values[(*count)++] = given ? read_double((const unsigned char *)bytes) : (double)NAN;
    }
    *count = (size_t)elements;
    return true;
}

/* ---- rows ---- */

enum state { STATE_HEADER, STATE_ROWS, STATE_ENDED };

struct source {
    const struct db_copy *copy;
    enum state state;
};

/* The header comes with the first row, or alone; a field count of -1 is the end. */
static bool take_row(struct source *source, const char *bytes, size_t length, struct error *error)
{
    struct db_row row = {(const unsigned char *)bytes, (const unsigned char *)bytes + length};
    if (source->state == STATE_HEADER) {
        if (length < COPY_HEADER || memcmp(bytes, "PGCOPY\n\377\r\n", SIGNATURE) != 0)
            return error_set(error, ERROR_DATABASE, "the rows are not in PostgreSQL's binary format");
        row.at += COPY_HEADER;
        source->state = STATE_ROWS;
    }
    if (row.end - row.at < FIELD_COUNT || read_number(row.at, FIELD_COUNT) < 0)
        return true;
    row.at += FIELD_COUNT;
    return source->copy->row(source->copy->context, &row, error);
}

/* All rows that have arrived; false on a failure. */
static bool take_arrived(struct source *source, struct error *error)
{
    char *bytes;
    int length;
    PGconn *connection = db_connection(source->copy->db);
    while ((length = PQgetCopyData(connection, &bytes, 1)) > 0) {
        bool taken = take_row(source, bytes, (size_t)length, error);
        PQfreemem(bytes);
        if (!taken)
            return false;
    }
    if (length == 0)
        return true;
    source->state = STATE_ENDED;     /* by the last row, or by an error, which db_end_copy tells */
    return db_end_copy(source->copy->db, source->copy->statement, error);
}

static size_t list_waiting(struct source *sources, size_t count, struct pollfd *waits, struct source **who)
{
    size_t waiting = 0;
    for (size_t i = 0; i < count; i++) {
        if (sources[i].state == STATE_ENDED)
            continue;
        waits[waiting] = (struct pollfd){.fd = PQsocket(db_connection(sources[i].copy->db)), .events = POLLIN};
        who[waiting++] = &sources[i];
    }
    return waiting;
}

static bool take_all(struct source *sources, size_t count, struct error *error)
{
    struct pollfd waits[DB_COPY_CONNECTIONS];
    struct source *who[DB_COPY_CONNECTIONS];
    for (size_t i = 0; i < count; i++)
        if (!take_arrived(&sources[i], error))
            return false;
    for (size_t waiting; (waiting = list_waiting(sources, count, waits, who)) > 0;) {
        if (poll(waits, waiting, -1) <= 0)
            continue;
        for (size_t i = 0; i < waiting; i++) {
            if (waits[i].revents == 0)
                continue;
            PQconsumeInput(db_connection(who[i]->copy->db));     /* a failure shows below */
            if (!take_arrived(who[i], error))
                return false;
        }
    }
    return true;
}

bool db_copy(const struct db_copy *copies, size_t count, struct error *error)
{
    struct source sources[DB_COPY_CONNECTIONS];
    size_t begun = 0;
    if (count > DB_COPY_CONNECTIONS)
        return error_set(error, ERROR_INTERNAL, "%zu connections to copy from", count);
    while (begun < count && db_begin_copy(copies[begun].db, copies[begun].statement, error)) {
        sources[begun] = (struct source){&copies[begun], STATE_HEADER};
        begun++;
    }
    bool done = begun == count && take_all(sources, count, error);
    for (size_t i = 0; i < begun && !done; i++)
        if (sources[i].state != STATE_ENDED)
            db_cancel_copy(copies[i].db);
    return done;
}
