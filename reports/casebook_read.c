/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/casebook_read.h"

#include <string.h>

#include "forms/allocation_seal.h"
#include "forms/base/memory.h"

#define READ_ONLY "25006"        /* SQLSTATE: read only transaction, as every one of a standby */

#define AT(statement) [(statement)-EXTRACT_STATEMENTS]

const struct db_statement casebook_statements[CASEBOOK_STATEMENTS_END - EXTRACT_STATEMENTS] = {
    AT(CASEBOOK_SITE) = {"find site",
        "SELECT name, time_zone\n"
        "FROM core.site\n"
        "WHERE study_id = $1::int AND site_id = $2::int"},
    AT(CASEBOOK_SUBJECTS) = {"list subjects for casebooks",
        "SELECT s.subject_no\n"
        "FROM core.subject s\n"
        "JOIN core.cut c ON c.study_id = s.study_id AND c.cut_no = $2::int\n"
        "WHERE s.study_id = $1::int AND s.site_id = $3::int AND s.subject_no > $4::int\n"
        "    AND ($5::int = 0 OR s.subject_no = $5::int)\n"
        "    AND core.is_in_cut(s.xid, s.era, c.snapshot, c.era)\n"
        "ORDER BY s.subject_no\n"
        "LIMIT $6::int"},
    AT(CASEBOOK_OPEN) = {"open casebook",
        "SELECT rep.open_casebook($1::int, $2::int, $3::int, NULLIF($4::int, 0), $5::uuid)"},
    AT(CASEBOOK_ROWS) = {"read casebook",
        "SELECT kind, thing FROM rep.casebook_rows($1::int, $2::int, $3::int, $4::int)"},
    AT(CASEBOOK_TRAIL) = {"read trail of subjects",
        "SELECT subject_no::text, event FROM rep.casebook_trail($1::int, $2::uuid, $3::int, $4::int)"},
    AT(CASEBOOK_NOTICES) = {"read notices",
        "SELECT 'notice', notice FROM rep.casebook_notices($1::int, $2::uuid, $3::int) notice"},
    AT(CASEBOOK_PEOPLE) = {"read people",
        "SELECT account, full_name, roles FROM rep.casebook_people($1::int, $2::uuid)"},
    AT(CASEBOOK_ALLOCATION) = {"read allocation of a site",
        "SELECT subject_no, knee, entry, cohort, sealed\n"
        "FROM rep.allocation($1::int, $2::int, $3::uuid)\n"
        "WHERE site_id = $4::int AND ($5::int = 0 OR subject_no = $5::int)"},
    AT(CASEBOOK_VERSIONS) = {"list versions",
        "SELECT v.subject_no, v.form, v.knee, v.visit, v.instance, v.version, v.status, v.dated, v.id,\n"
        "    encode(v.sha256, 'hex'), v.recorded_by, rep.instant(v.recorded_at)\n"
        "FROM core.submission v\n"
        "JOIN core.cut c ON c.study_id = v.study_id AND c.cut_no = $2::int\n"
        "WHERE v.study_id = $1::int AND v.site_id = $3::int AND ($4::int = 0 OR v.subject_no = $4::int)\n"
        "    AND core.is_in_cut(v.xid, v.era, c.snapshot, c.era)\n"
        "ORDER BY v.subject_no, v.form, v.knee, v.visit, v.instance, v.version"},
};

/* $1 to $3 of most: study, cut and site. */
static struct db_parameters *place(const struct casebook_source *source, size_t count)
{
    struct db_parameters *parameters = db_parameters_new(source->db, count);
    db_set_int(parameters, 0, source->study_id);
    db_set_int(parameters, 1, source->cut_no);
    db_set_int(parameters, 2, source->site);
    return parameters;
}

/* $1 and $2 of the functions that ask for the first step. */
static struct db_parameters *opened(const struct casebook_source *source, size_t count)
{
    struct db_parameters *parameters = db_parameters_new(source->db, count);
    db_set_int(parameters, 0, source->study_id);
    db_set_text(parameters, 1, source->request);
    return parameters;
}

bool casebook_find_site(const void *owner, const struct casebook_source *source, const char **name,
                        const char **time_zone, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(source->db, 2);
    db_set_int(parameters, 0, source->study_id);
    db_set_int(parameters, 1, source->site);
    struct db_result *result = db_execute(parameters, source->db, CASEBOOK_SITE, parameters, error);
    bool found = result != NULL && db_rows(result) == 1;
    if (result != NULL && !found)
        error_set(error, ERROR_NOT_FOUND, "the study has no site %d; `patella-admin site list` shows its sites",
                  source->site);
    if (found) {
        *name = memory_copy_string(owner, db_text(result, 0, 0));
        *time_zone = memory_copy_string(owner, db_text(result, 0, 1));
    }
    talloc_free(parameters);
    return found;
}

bool casebook_list_subjects(const struct casebook_source *source, int after, int *numbers, size_t most, size_t *count,
                            struct error *error)
{
    struct db_parameters *parameters = place(source, 6);
    db_set_int(parameters, 3, after);
    db_set_int(parameters, 4, source->subject);
    db_set_int(parameters, 5, (int64_t)most);
    struct db_result *result = db_execute(parameters, source->db, CASEBOOK_SUBJECTS, parameters, error);
    *count = result != NULL ? db_rows(result) : 0;
    for (size_t i = 0; i < *count; i++)
        numbers[i] = (int)db_int(result, i, 0);
    bool listed = result != NULL;
    talloc_free(parameters);
    return listed;
}

bool casebook_open(const void *owner, struct casebook_source *source, struct error *error)
{
    struct db_parameters *parameters = place(source, 5);
    db_set_int(parameters, 3, source->subject);
    db_set_text(parameters, 4, source->unblinding);
    struct db_result *result = db_execute(parameters, source->db, CASEBOOK_OPEN, parameters, error);
    bool done = result != NULL;
    if (!done && strcmp(error->sqlstate, READ_ONLY) == 0)
        error_set(error, ERROR_USAGE, "the database is a standby, and casebooks are recorded where they are read "
                                      "from; name the primary with --db");
    if (done)
        source->request = memory_copy_string(owner, db_text(result, 0, 0));
    talloc_free(parameters);
    if (done && source->unblinding != NULL) {
        struct db_parameters *opening = db_parameters_new(source->db, 3);
        db_set_int(opening, 0, source->study_id);
        db_set_int(opening, 1, source->cut_no);
        db_set_text(opening, 2, source->unblinding);
        done = db_run(source->db, EXTRACT_OPEN_ALLOCATION, opening, error);
        talloc_free(opening);
    }
    return done;
}

/* ---- rows as JSON ---- */

struct gathering {
    json_t *lists;               /* {KIND: [...]} */
};

/* Column 0 is the kind of the thing, column 1 the thing. */
static bool gather(void *context, const struct db_result *result, struct error *error)
{
    const struct gathering *gathering = context;
    json_error_t cause;
    const char *kind = db_text(result, 0, 0);
    json_t *thing = json_loads(db_text(result, 0, 1), 0, &cause);
    if (thing == NULL)
        return error_set(error, ERROR_DATABASE, "a row for a casebook is no JSON: %s", cause.text);
    json_t *list = json_object_get(gathering->lists, kind);
    if (list == NULL) {
        list = json_array();
        json_object_set_new(gathering->lists, kind, list);
    }
    json_array_append_new(list, thing);
    return true;
}

/* Adds the rows of a statement to `lists`; gives the parameters back. */
static bool read_lists(const struct casebook_source *source, size_t statement, struct db_parameters *parameters,
                       json_t *lists, struct error *error)
{
    struct gathering gathering = {lists};
    bool read = db_stream(source->db, statement, parameters, gather, &gathering, error);
    talloc_free(parameters);
    return read;
}

json_t *casebook_read_subject(const struct casebook_source *source, int subject, struct error *error)
{
    json_t *lists = json_object();
    struct db_parameters *rows = place(source, 4), *notices = opened(source, 3);
    db_set_int(rows, 3, subject);
    db_set_int(notices, 2, subject);
    bool begun = db_begin(source->db, DB_REPEATABLE_READ_ONLY, error);
    bool read = begun && read_lists(source, CASEBOOK_ROWS, rows, lists, error) &&
                read_lists(source, CASEBOOK_NOTICES, notices, lists, error);
    if (begun)
        db_rollback(source->db);
    if (read)
        return lists;
    json_decref(lists);
    return NULL;
}

json_t *casebook_read_trail(const struct casebook_source *source, int first, int last, struct error *error)
{
    json_t *lists = json_object();
    struct db_parameters *parameters = opened(source, 4);
    db_set_int(parameters, 2, first);
    db_set_int(parameters, 3, last);
    if (read_lists(source, CASEBOOK_TRAIL, parameters, lists, error))
        return lists;
    json_decref(lists);
    return NULL;
}

json_t *casebook_read_people(const struct casebook_source *source, struct error *error)
{
    struct db_parameters *parameters = opened(source, 2);
    struct db_result *result = db_execute(parameters, source->db, CASEBOOK_PEOPLE, parameters, error);
    json_t *people = result != NULL ? json_object() : NULL;
    for (size_t i = 0; result != NULL && i < db_rows(result); i++)
        json_object_set_new(people, db_text(result, i, 0), json_pack("{s:s, s:s}", "name", db_text(result, i, 1),
                                                                    "roles", db_text(result, i, 2)));
    talloc_free(parameters);
    return people;
}

/* What the row says, or what was sealed for it; memory of `work`. */
static const char *row_cohort(const void *work, const struct casebook_source *source, const struct db_result *result,
                              size_t row, struct error *error)
{
    size_t length;
    char *cohort = memory_new_array(work, char, ALLOCATION_COHORT_SIZE);
    const struct allocation_place at = {source->study, source->site, (int)db_int(result, row, 0),
                                        db_text(result, row, 1), (int)db_int(result, row, 2)};
    if (!db_is_null(result, row, 3))
        return db_text(result, row, 3);
    const uint8_t *sealed = db_bytes(work, result, row, 4, &length);
    return allocation_open(extract_keys(), &at, sealed, length, cohort, error) ? cohort : NULL;
}

static bool take_cohort(const void *work, const struct casebook_source *source, const struct db_result *result,
                        size_t row, json_t *allocation, struct error *error)
{
    char *subject = memory_format(work, "%d", (int)db_int(result, row, 0));
    const char *cohort = row_cohort(work, source, result, row, error);
    json_t *knees = json_object_get(allocation, subject);
    if (cohort == NULL)
        return false;
    if (knees == NULL) {
        knees = json_object();
        json_object_set_new(allocation, subject, knees);
    }
    json_object_set_new(knees, db_text(result, row, 1), json_string(cohort));
    return true;
}

json_t *casebook_read_allocation(const struct casebook_source *source, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(source->db, 5);
    db_set_int(parameters, 0, source->study_id);
    db_set_int(parameters, 1, source->cut_no);
    db_set_text(parameters, 2, source->unblinding);
    db_set_int(parameters, 3, source->site);
    db_set_int(parameters, 4, source->subject);
    struct db_result *result = db_execute(parameters, source->db, CASEBOOK_ALLOCATION, parameters, error);
    json_t *allocation = json_object();
    bool read = result != NULL;
    for (size_t i = 0; read && i < db_rows(result); i++)
        read = take_cohort(parameters, source, result, i, allocation, error);
    talloc_free(parameters);
    if (read)
        return allocation;
    json_decref(allocation);
    return NULL;
}

bool casebook_stream_versions(const struct casebook_source *source, db_row_function *take, void *context,
                              struct error *error)
{
    struct db_parameters *parameters = place(source, 4);
    db_set_int(parameters, 3, source->subject);
    bool streamed = db_stream(source->db, CASEBOOK_VERSIONS, parameters, take, context, error);
    talloc_free(parameters);
    return streamed;
}
