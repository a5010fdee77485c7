/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/test_submission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "forms/base/date.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

static const char submit_sql[] =
    "SELECT COALESCE(v.code, v.verdict)\n"
    "FROM api.submit_batch($1::bytea[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::text[], $7::text[],\n"
    "    $8::int[], $9::text[], $10::int[], $11::int[], $12::text[], $13::date[], $14::int[], $15::text[],\n"
    "    $16::float8[], $17::int[], $18::int[], $19::text[], $20::text[], $21::text[], $22::text[]) v\n"
    "ORDER BY v.ord";

static const char *text_or(const char *value, const char *otherwise)
{
    return value ? value : otherwise;
}

static int int_or(int value, int otherwise)
{
    return value != 0 ? value : otherwise;
}

static struct test_row with_defaults(const void *owner, const struct test_row *row)
{
    struct test_row full = *row;
    bool enrols = row->index_knee != NULL;
    full.token = text_or(row->token, "coordinator");
    full.id = int_or(row->id, 1);
    full.study = int_or(row->study, 1);
    full.site = int_or(row->site, 1);
    full.subject = int_or(row->subject, 1);
    full.form = text_or(row->form, enrols ? "enrolment" : "koos");
    full.knee = text_or(row->knee, enrols ? "none" : "left");
    full.visit = text_or(row->visit, enrols ? "unscheduled" : "M3");
    full.instance = int_or(row->instance, 1);
    full.version = int_or(row->version, 1);
    full.status = text_or(row->status, "complete");
    full.date = text_or(row->date, "2026-03-01");
    full.form_version = int_or(row->form_version, 1);
    full.protocol_version = int_or(row->protocol_version, 1);
    if (enrols && !row->content)
        full.content = memory_format(owner, "{\"form\":\"%s\",\"id\":%d,\"answers\":{\"index_knee\":\"%s\"}}",
                                     full.form, full.id, row->index_knee);
    else if (!row->content)
        full.content = memory_format(owner, "{\"form\":\"%s\",\"id\":%d}", full.form, full.id);
    return full;
}

enum { COLUMNS = 22 };

static void set_texts(struct db_parameters *parameters, const struct test_row *rows, size_t count)
{
    static const struct {
        size_t at;
        size_t offset;
    } columns[] = {
        {5, offsetof(struct test_row, knee)},        {6, offsetof(struct test_row, form)},
        {8, offsetof(struct test_row, visit)},       {11, offsetof(struct test_row, status)},
        {14, offsetof(struct test_row, content)},    {18, offsetof(struct test_row, reason)},
        {20, offsetof(struct test_row, index_knee)}, {21, offsetof(struct test_row, continues)},
    };
    const char **values = memory_new_array(parameters, const char *, count);
    for (size_t column = 0; column < sizeof columns / sizeof columns[0]; column++) {
        for (size_t i = 0; i < count; i++)
            memcpy(&values[i], (const char *)&rows[i] + columns[column].offset, sizeof values[i]);
        db_set_text_array(parameters, columns[column].at, values, count);
    }
    for (size_t i = 0; i < count; i++)
        values[i] = rows[i].token;
    db_set_text_as_bytes_array(parameters, 0, values, count);
    for (size_t i = 0; i < count; i++)
        values[i] = "json";
    db_set_text_array(parameters, 19, values, count);
}

static void set_ints(struct db_parameters *parameters, const struct test_row *rows, size_t count)
{
    static const struct {
        size_t at;
        size_t offset;
    } columns[] = {
        {2, offsetof(struct test_row, study)},        {3, offsetof(struct test_row, site)},
        {4, offsetof(struct test_row, subject)},      {7, offsetof(struct test_row, form_version)},
        {9, offsetof(struct test_row, instance)},     {10, offsetof(struct test_row, version)},
        {13, offsetof(struct test_row, protocol_version)},
    };
    int32_t *values = memory_new_array(parameters, int32_t, count);
    for (size_t column = 0; column < sizeof columns / sizeof columns[0]; column++) {
        for (size_t i = 0; i < count; i++)
            memcpy(&values[i], (const char *)&rows[i] + columns[column].offset, sizeof values[i]);
        db_set_int_array(parameters, columns[column].at, values, count);
    }
}

/* Two scores each: the row's position, and one that was not scored. */
static void set_scores(struct db_parameters *parameters, size_t count)
{
    double *scores = memory_new_array(parameters, double, 2 * count);
    int32_t *froms = memory_new_array(parameters, int32_t, count), *tos = memory_new_array(parameters, int32_t, count);
    for (size_t i = 0; i < count; i++) {
        scores[2 * i] = (double)i;
        scores[2 * i + 1] = __builtin_nan("");
        froms[i] = (int32_t)(2 * i + 1);
        tos[i] = (int32_t)(2 * i + 2);
    }
    db_set_double_array(parameters, 15, scores, 2 * count);
    db_set_int_array(parameters, 16, froms, count);
    db_set_int_array(parameters, 17, tos, count);
}

static struct db_parameters *parameters_for(const void *owner, const struct test_row *given, size_t count)
{
    struct db_parameters *parameters = db_parameters_new(owner, COLUMNS);
    struct test_row *rows = memory_new_array(parameters, struct test_row, count);
    uint8_t(*ids)[16] = (uint8_t(*)[16])memory_new_array(parameters, uint8_t, 16 * count);
    int32_t *days = memory_new_array(parameters, int32_t, count);
    for (size_t i = 0; i < count; i++) {
        rows[i] = with_defaults(parameters, &given[i]);
        if (!text_to_uuid(memory_format(parameters, "00000000-0000-0000-0000-%012d", rows[i].id), ids[i]))
            fail_msg("no id: %d", rows[i].id);
        if (!date_parse(rows[i].date, &days[i]))
            fail_msg("not a date: %s", rows[i].date);
    }
    db_set_uuid_array(parameters, 1, (const uint8_t(*)[16])ids, count);
    db_set_date_array(parameters, 12, days, count);
    set_texts(parameters, rows, count);
    set_ints(parameters, rows, count);
    set_scores(parameters, count);
    return parameters;
}

static struct db_result *call(struct db *db, const struct test_row *rows, size_t count, struct error *error)
{
    return db_query(db, db, submit_sql, parameters_for(db, rows, count), error);
}

const char *test_submit(struct db *db, const struct test_row *rows, size_t count)
{
    struct error error;
    struct db_result *result = call(db, rows, count, &error);
    if (!result)
        fail_msg("%s %s", error.sqlstate, error.message);
    struct text *verdicts = text_new(db);
    for (size_t i = 0; i < db_rows(result); i++)
        text_append_format(verdicts, "%s%s", i > 0 ? " " : "", db_text(result, i, 0));
    return verdicts->bytes;
}

const char *test_submit_sqlstate(struct db *db, const struct test_row *rows, size_t count)
{
    struct error error;
    return call(db, rows, count, &error) ? "" : memory_copy_string(db, error.sqlstate);
}

void test_enrol(struct db *db, int site, int subject)
{
    const struct test_row row = {.id = 1000 * site + subject, .site = site, .subject = subject, .index_knee = "left"};
    assert_string_equal(test_submit(db, &row, 1), "accepted");
}
