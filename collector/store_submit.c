/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store.h"

#include <stdio.h>
#include <string.h>

#include "collector/store_statements.h"
#include "forms/base/memory.h"

bool store_commit(struct store *store, bool *unknown, struct error *error)
{
    return db_commit(store->db, unknown, error);
}

bool store_await_commit(struct store *store, int timeout_ms)
{
    return db_await_commit(store->db, timeout_ms);
}

void store_rollback(struct store *store)
{
    db_rollback(store->db);
}

/* The order of the parameters of api.submit_batch; columns are arrays, one element for each row. */
enum submit_parameter {
    SUBMIT_TOKENS,
    SUBMIT_IDS,
    SUBMIT_STUDIES,
    SUBMIT_SITES,
    SUBMIT_SUBJECTS,
    SUBMIT_KNEES,
    SUBMIT_FORMS,
    SUBMIT_FORM_VERSIONS,
    SUBMIT_VISITS,
    SUBMIT_INSTANCES,
    SUBMIT_VERSIONS,
    SUBMIT_STATUSES,
    SUBMIT_DATES,
    SUBMIT_PROTOCOL_VERSIONS,
    SUBMIT_CONTENTS,
    SUBMIT_SCORES,
    SUBMIT_SCORE_FROMS,
    SUBMIT_SCORE_TOS,
    SUBMIT_REASONS,
    SUBMIT_DOORS,
    SUBMIT_INDEX_KNEES,
    SUBMIT_CONTINUES,
    SUBMIT_PARAMETERS
};

static const char *text_of(const struct store_write *row, enum submit_parameter parameter)
{
    const struct submission *submission = row->submission;
    switch ((int)parameter) {
    case SUBMIT_TOKENS: return row->token;
    case SUBMIT_KNEES: return submission->knee;
    case SUBMIT_FORMS: return submission->form->id;
    case SUBMIT_VISITS: return submission->visit;
    case SUBMIT_STATUSES: return submission->status == SUBMISSION_VOID ? "void" : "complete";
    case SUBMIT_CONTENTS: return submission->canonical;
    case SUBMIT_REASONS: return submission->reason;
    case SUBMIT_DOORS: return row->door;
    case SUBMIT_INDEX_KNEES: return row->index_knee;
    case SUBMIT_CONTINUES: return row->continues;
    default: return NULL;
    }
}

static int32_t int_of(const struct store_write *row, enum submit_parameter parameter)
{
    const struct submission *submission = row->submission;
    switch ((int)parameter) {
    case SUBMIT_STUDIES: return row->study_id;
    case SUBMIT_SITES: return submission->site;
    case SUBMIT_SUBJECTS: return submission->subject;
    case SUBMIT_FORM_VERSIONS: return submission->form->version;
    case SUBMIT_INSTANCES: return submission->instance;
    case SUBMIT_VERSIONS: return submission->version;
    case SUBMIT_PROTOCOL_VERSIONS: return row->protocol_version;
    case SUBMIT_DATES: return submission->date;
    default: return 0;
    }
}

static void set_texts(struct db_parameters *parameters, const struct store_write *const *rows, size_t count)
{
    static const enum submit_parameter columns[] = {
        SUBMIT_KNEES,   SUBMIT_FORMS, SUBMIT_VISITS,      SUBMIT_STATUSES,  SUBMIT_CONTENTS,
        SUBMIT_REASONS, SUBMIT_DOORS, SUBMIT_INDEX_KNEES, SUBMIT_CONTINUES, SUBMIT_TOKENS,
    };
    const char **values = memory_new_array(parameters, const char *, count);
    for (size_t column = 0; column < sizeof columns / sizeof columns[0]; column++) {
        for (size_t i = 0; i < count; i++)
            values[i] = text_of(rows[i], columns[column]);
        if (columns[column] == SUBMIT_TOKENS)
            db_set_text_as_bytes_array(parameters, SUBMIT_TOKENS, values, count);
        else
            db_set_text_array(parameters, columns[column], values, count);
    }
}

static void set_ints(struct db_parameters *parameters, const struct store_write *const *rows, size_t count)
{
    static const enum submit_parameter columns[] = {
        SUBMIT_STUDIES,   SUBMIT_SITES,    SUBMIT_SUBJECTS,          SUBMIT_FORM_VERSIONS,
        SUBMIT_INSTANCES, SUBMIT_VERSIONS, SUBMIT_PROTOCOL_VERSIONS, SUBMIT_DATES,
    };
    int32_t *values = memory_new_array(parameters, int32_t, count);
    for (size_t column = 0; column < sizeof columns / sizeof columns[0]; column++) {
        for (size_t i = 0; i < count; i++)
            values[i] = int_of(rows[i], columns[column]);
        if (columns[column] == SUBMIT_DATES)
            db_set_date_array(parameters, SUBMIT_DATES, values, count);
        else
            db_set_int_array(parameters, columns[column], values, count);
    }
}

/* One flat array; row i owns scores[froms[i] .. tos[i]], counted from 1, nothing when from > to. */
static void set_scores(struct db_parameters *parameters, const struct store_write *const *rows, size_t count)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total = memory_size_sum(total, rows[i]->submission->form->score_count);
    double *scores = memory_new_array(parameters, double, total);
    int32_t *froms = memory_new_array(parameters, int32_t, count);
    int32_t *tos = memory_new_array(parameters, int32_t, count);
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        const struct submission *submission = rows[i]->submission;
        size_t more = submission->scores != NULL ? submission->form->score_count : 0;
        froms[i] = (int32_t)used + 1;
        for (size_t score = 0; score < more; score++)
            scores[used++] = submission->scores[score];
        tos[i] = (int32_t)used;
    }
    db_set_double_array(parameters, SUBMIT_SCORES, scores, used);
    db_set_int_array(parameters, SUBMIT_SCORE_FROMS, froms, count);
    db_set_int_array(parameters, SUBMIT_SCORE_TOS, tos, count);
}

static struct db_parameters *submit_parameters(const void *owner, const struct store_write *const *rows,
                                               size_t count)
{
    struct db_parameters *parameters = db_parameters_new(owner, SUBMIT_PARAMETERS);
    uint8_t(*ids)[16] = (uint8_t(*)[16])memory_new_array(parameters, uint8_t, memory_size_product(count, 16));
    for (size_t i = 0; i < count; i++)
        memcpy(ids[i], rows[i]->submission->id, 16);
    db_set_uuid_array(parameters, SUBMIT_IDS, (const uint8_t(*)[16])ids, count);
    set_texts(parameters, rows, count);
    set_ints(parameters, rows, count);
    set_scores(parameters, rows, count);
    return parameters;
}

static bool read_verdict(const struct db_result *result, size_t row, struct store_verdict *verdict)
{
    const char *kind = db_text(result, row, 1);
    memset(verdict, 0, sizeof *verdict);
    if (strcmp(kind, "accepted") == 0)
        verdict->kind = STORE_ACCEPTED;
    else if (strcmp(kind, "replayed") == 0)
        verdict->kind = STORE_REPLAYED;
    else if (strcmp(kind, "refused") == 0)
        verdict->kind = STORE_REFUSED;
    else
        return false;
    snprintf(verdict->code, sizeof verdict->code, "%s", db_text(result, row, 2));
    snprintf(verdict->sha256, sizeof verdict->sha256, "%s", db_text(result, row, 3));
    snprintf(verdict->recorded_at, sizeof verdict->recorded_at, "%s", db_text(result, row, 4));
    return true;
}

/* The function may answer in any order; `ord` counts from 1. */
static bool read_verdicts(const void *owner, const struct db_result *result,
                          struct store_verdict *const *verdicts, size_t count, struct error *error)
{
    bool *seen = memory_new_array(owner, bool, count);
    if (db_rows(result) != count)
        return error_set(error, ERROR_INTERNAL, "submit_batch gave %zu verdicts for %zu rows",
                         db_rows(result), count);
    for (size_t row = 0; row < count; row++) {
        int64_t ord = db_int(result, row, 0);
        if (ord < 1 || ord > (int64_t)count || seen[ord - 1] || !read_verdict(result, row, verdicts[ord - 1]))
            return error_set(error, ERROR_INTERNAL, "submit_batch gave a verdict that does not fit");
        seen[ord - 1] = true;
    }
    return true;
}

bool store_submit(struct store *store, const struct store_segment *segment, bool *unknown, struct error *error)
{
    unsigned bounds = (segment->first ? DB_BEGINS : 0U) | (segment->last ? DB_COMMITS : 0U);
    struct db_parameters *parameters = submit_parameters(NULL, segment->rows, segment->count);
    struct db_result *result =
        db_execute_bound(parameters, store->db, STATEMENT_SUBMIT, parameters, bounds, error);
    *unknown = result == NULL && strcmp(error->sqlstate, DB_UNKNOWN_OUTCOME) == 0;
    bool done = result != NULL && read_verdicts(parameters, result, segment->verdicts, segment->count, error);
    talloc_free(parameters);
    return done;
}

/* ---- rows that are ready ---- */

struct store_parcel {
    struct db_parameters *parameters;
    size_t count;
};

struct store_parcel *store_parcel_new(const void *owner, const struct store_write *const *rows, size_t count)
{
    struct store_parcel *parcel = memory_new(owner, struct store_parcel);
    *parcel = (struct store_parcel){.parameters = submit_parameters(parcel, rows, count), .count = count};
    return parcel;
}

bool store_parcel_send(struct store *store, const struct store_parcel *parcel, size_t *refused, char code[32],
                     struct error *error)
{
    struct db_result *result = db_execute(NULL, store->db, STATEMENT_SUBMIT_ALL, parcel->parameters, error);
    *refused = parcel->count;
    code[0] = '\0';
    if (result != NULL && db_rows(result) > 0) {
        const char *said = strcmp(db_text(result, 0, 1), "replayed") == 0 ? "uuid_reused" : db_text(result, 0, 2);
        *refused = (size_t)(db_int(result, 0, 0) - 1);
        snprintf(code, 32, "%s", said);
    }
    bool done = result != NULL;
    talloc_free(result);
    return done;
}
