/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/extract_trace.h"

#include <string.h>

#include "forms/base/memory.h"
#include "reports/extract.h"

#define READ_ONLY "25006"        /* SQLSTATE of a server in recovery */

bool extract_record_on(struct db *db, const char *conninfo, struct error *error)
{
    struct db *writer = extract_open(db, conninfo, error);
    if (writer != NULL)
        db_set_writer(db, writer);
    return writer != NULL;
}

bool extract_refuse_standby(struct error *error)
{
    if (strcmp(error->sqlstate, READ_ONLY) == 0)
        error_set(error, ERROR_USAGE,
                  "the database is a standby, and the audit trail has to say first that its data are read; name the "
                  "primary with --record-on \"host=...\", and a cut that it has with --cut");
    return false;
}

/* Rows of a statement with two parameters; NULL on a failure. */
static struct db_result *ask(const void *owner, struct db *db, enum extract_statement statement, int study_id,
                             const char *cut, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(owner, 2);
    db_set_int(parameters, 0, study_id);
    db_set_text(parameters, 1, cut);
    return db_execute(owner, db, statement, parameters, error);
}

/* A row about another database's cut would say nothing of what is read. */
static bool check_writer(const void *work, struct db *writer, const struct extract_trace *trace, struct error *error)
{
    const char *cut = memory_format(work, "%d", trace->cut_no);
    struct db_parameters *parameters = db_parameters_new(work, 1);
    db_set_text(parameters, 0, trace->study);
    struct db_result *study = db_execute(work, writer, EXTRACT_FIND_STUDY, parameters, error);
    struct db_result *found = study != NULL ? ask(work, writer, EXTRACT_FIND_CUT, trace->study_id, cut, error) : NULL;
    if (found == NULL)
        return false;
    bool same = db_rows(study) == 1 && db_int(study, 0, 0) == trace->study_id && db_rows(found) == 1 &&
                db_int(found, 0, 0) == trace->cut_no && strcmp(db_text(found, 0, 1), trace->cut_label) == 0 &&
                db_int(found, 0, 3) == trace->cut_made_us;
    return same || error_set(error, ERROR_CONFLICT,
                             "the database of --record-on does not have cut %d \"%s\" of study \"%s\": it is not the "
                             "primary of the one that is read", trace->cut_no, trace->cut_label, trace->study);
}

static bool open_allocation(const void *work, struct db *writer, const struct extract_trace *trace,
                            struct error *error)
{
    if (!trace->masked)
        return error_set(error, ERROR_USAGE, "the study is not masked, so that there is nothing to be unblinded; "
                                             "leave --unblinding away");
    struct db_parameters *parameters = db_parameters_new(work, 3);
    db_set_int(parameters, 0, trace->study_id);
    db_set_int(parameters, 1, trace->cut_no);
    db_set_text(parameters, 2, trace->unblinding);
    if (db_run(writer, EXTRACT_OPEN_ALLOCATION, parameters, error))
        return true;
    return error->kind != ERROR_DENIED ? false
        : error_set(error, ERROR_DENIED,
                    "no request for unblinding %s was approved within seven days; ask for one and have it approved "
                    "through the API, or leave --unblinding away", trace->unblinding);
}

bool extract_leave_trace(struct db *db, const struct extract_trace *trace, struct error *error)
{
    void *work = memory_owner(NULL, "trace");
    struct db *writer = db_writer(db);
    struct db_parameters *parameters = db_parameters_new(work, 2);
    db_set_int(parameters, 0, trace->study_id);
    db_set_int(parameters, 1, trace->cut_no);
    bool left = writer == db || check_writer(work, writer, trace, error);
    if (left && !db_run(writer, EXTRACT_OPEN_CUT, parameters, error))
        left = extract_refuse_standby(error);
    if (left && trace->unblinding != NULL)
        left = open_allocation(work, writer, trace, error);
    talloc_free(work);
    return left;
}
