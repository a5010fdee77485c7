/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/extract.h"

#include <string.h>

#include "forms/base/memory.h"
#include "migrations/db_copy.h"
#include "migrations/migrate.h"
#include "reports/casebook_read.h"
#include "reports/extract_records.h"
#include "reports/extract_trace.h"

/* The columns are in the order in which the readers below count them. */
static const struct db_statement statements[EXTRACT_STATEMENTS] = {
    [EXTRACT_FIND_STUDY] = {"find study",
        "SELECT study_id, title, masking\n"
        "FROM core.study\n"
        "WHERE code = $1::text"},
    [EXTRACT_MAKE_CUT] = {"make cut",
        "SELECT rep.make_cut($1::int,\n"
        "    to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'))"},
    [EXTRACT_FIND_CUT] = {"find cut",
        "SELECT cut_no, label, protocol_version, (EXTRACT(EPOCH FROM made_at) * 1000000)::bigint\n"
        "FROM core.cut\n"
        "WHERE study_id = $1::int AND (cut_no::text = $2::text OR label = $2::text)\n"
        "ORDER BY cut_no::text = $2::text DESC\n"
        "LIMIT 1"},
    [EXTRACT_OPEN_ALLOCATION] = {"open allocation", "SELECT rep.open_allocation($1::int, $2::int, $3::uuid)"},
    [EXTRACT_OPEN_CUT] = {"open cut", "SELECT rep.open_cut($1::int, $2::int)"},
    [EXTRACT_CUT_IS_SEALED] = {"is cut sealed", "SELECT rep.cut_is_sealed($1::int, $2::int)"},
    [EXTRACT_PROTOCOL] = {"read protocol",
        "SELECT yaml\n"
        "FROM core.protocol\n"
        "WHERE study_id = $1::int AND version = $2::int"},
    [EXTRACT_FORMS] = {"read forms",
        "SELECT f.form, f.version, f.yaml\n"
        "FROM core.form f\n"
        "JOIN core.cut c ON c.study_id = f.study_id AND c.cut_no = $2::int\n"
        "WHERE f.study_id = $1::int AND core.is_in_cut(f.xid, f.era, c.snapshot, c.era)\n"
        "ORDER BY f.form, f.version DESC"},
    /* Blocks of the table, and whether the study has a tenth of all subjects: then its blocks are read in order. */
    [EXTRACT_SIZES] = {"look at sizes",
        "SELECT pg_catalog.pg_relation_size('core.submission')\n"
        "        / pg_catalog.current_setting('block_size')::bigint,\n"
        "    $2::bigint * 10 >= (\n"
        "        SELECT c.reltuples FROM pg_catalog.pg_class c WHERE c.oid = 'core.subject'::regclass\n"
        "    )\n"
        "FROM core.study s\n"
        "WHERE s.study_id = $1::int AND EXISTS (SELECT FROM core.submission) IS NOT NULL"},
    /* COPY has no parameters: these settings of the transaction are theirs. */
    [EXTRACT_SET_PART] = {"choose what to copy",
        "SELECT pg_catalog.set_config(setting.name, setting.value, true)\n"
        "FROM core.cut c,\n"
        "LATERAL (VALUES\n"
        "    ('patella_report.study', c.study_id::text),\n"
        "    ('patella_report.cut', c.cut_no::text),\n"
        "    ('patella_report.snapshot', c.snapshot::text),\n"
        "    ('patella_report.oldest', pg_catalog.pg_snapshot_xmin(c.snapshot)::text),\n"
        "    ('patella_report.era', c.era::text),\n"
        "    ('patella_report.first', $3::text),\n"
        "    ('patella_report.behind', $4::text),\n"
        "    ('patella_report.unblinding', COALESCE($6::text, '')),\n"
        "    ('enable_seqscan', $5::text),\n"
        "    ('enable_tidscan', $5::text),\n"
        "    ('jit', 'off')\n"
        ") setting (name, value)\n"
        "WHERE c.study_id = $1::int AND c.cut_no = $2::int"},
    [EXTRACT_SUBJECTS] = {.name = "read subjects", .copies = true, .sql =
        "COPY (\n"
        "    SELECT s.site_id, s.subject_no, s.index_knee, s.enrolled_on, s.form, s.knee, s.visit, s.instance\n"
        "    FROM core.subject s\n"
        "    JOIN core.cut c ON c.study_id = s.study_id\n"
        "        AND c.cut_no = (SELECT pg_catalog.current_setting('patella_report.cut')::int)\n"
        "    WHERE s.study_id = (SELECT pg_catalog.current_setting('patella_report.study')::int)\n"
        "        AND core.is_in_cut(s.xid, s.era, c.snapshot, c.era)\n"
        "    ORDER BY s.site_id, s.subject_no\n"
        ") TO STDOUT (FORMAT binary)"},
    [EXTRACT_ALLOCATION] = {.name = "read allocation", .copies = true, .sql =
        "COPY (\n"
        "    SELECT site_id, subject_no, knee, COALESCE(entry, 0), COALESCE(cohort, ''), COALESCE(sealed, '')\n"
        "    FROM rep.allocation(pg_catalog.current_setting('patella_report.study')::int,\n"
        "        pg_catalog.current_setting('patella_report.cut')::int,\n"
        "        NULLIF(pg_catalog.current_setting('patella_report.unblinding'), '')::uuid)\n"
        "    ORDER BY site_id, subject_no, knee COLLATE \"C\"\n"
        ") TO STDOUT (FORMAT binary)"},
    /*
     * All versions, in the table's order: putting them in order is dearer there than here.  The text says itself which
     * record it is: each column more is as dear as reading the row.  core.is_in_cut is written out, for sub-selects
     * keep it from being inlined; what is older than all that was under way at the cut needs no further look.
     */
    [EXTRACT_SUBMISSIONS] = {.name = "read submissions", .copies = true, .sql =
        "COPY (\n"
        "    SELECT s.content, s.scores,\n"
        "        CASE WHEN pg_catalog.cardinality(s.scores) = 0\n"
        "            THEN pg_catalog.uuid_send(s.id) || pg_catalog.timestamptz_send(s.recorded_at)\n"
        "        END\n"
        "    FROM core.submission s\n"
        "    WHERE s.study_id = (SELECT pg_catalog.current_setting('patella_report.study')::int)\n"
        "        AND s.ctid >= (SELECT pg_catalog.current_setting('patella_report.first')::tid)\n"
        "        AND s.ctid < (SELECT pg_catalog.current_setting('patella_report.behind')::tid)\n"
        "        AND (\n"
        "            s.era < (SELECT pg_catalog.current_setting('patella_report.era')::smallint)\n"
        "            OR s.era = (SELECT pg_catalog.current_setting('patella_report.era')::smallint) AND (\n"
        "                s.xid < (SELECT pg_catalog.current_setting('patella_report.oldest')::xid8)\n"
        "                OR pg_catalog.pg_visible_in_snapshot(s.xid,\n"
        "                    (SELECT pg_catalog.current_setting('patella_report.snapshot')::pg_snapshot))\n"
        "            )\n"
        "        )\n"
        ") TO STDOUT (FORMAT binary)"},
    [EXTRACT_ORIGINS] = {"read origins",
        "SELECT (EXTRACT(EPOCH FROM first.recorded_at) * 1000000)::bigint, newest.id\n"
        "FROM unnest($2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[])\n"
        "    WITH ORDINALITY AS r (site_id, subject_no, form, knee, visit, instance, version, place)\n"
        "JOIN core.submission first\n"
        "    ON (first.study_id, first.site_id, first.subject_no, first.form, first.knee, first.visit,\n"
        "        first.instance, first.version)\n"
        "     = ($1::int, r.site_id, r.subject_no, r.form, r.knee, r.visit, r.instance, 1)\n"
        "JOIN core.submission newest\n"
        "    ON (newest.study_id, newest.site_id, newest.subject_no, newest.form, newest.knee, newest.visit,\n"
        "        newest.instance, newest.version)\n"
        "     = ($1::int, r.site_id, r.subject_no, r.form, r.knee, r.visit, r.instance, r.version)\n"
        "ORDER BY r.place"},
    [EXTRACT_TAKE_JOB] = {"take job", "SELECT job_id, study, cut_no FROM rep.take_job($1::int)"},
    [EXTRACT_JOB_UNBLINDING] = {"job's unblinding", "SELECT rep.job_unblinding($1::uuid)"},
    [EXTRACT_ADD_FILE] = {"add file", "SELECT rep.add_file($1::uuid, $2::text, $3::text, $4::bytea)"},
    [EXTRACT_FINISH_JOB] = {"finish job", "SELECT rep.finish_job($1::uuid, $2::boolean, $3::text)"},
    [EXTRACT_RELEASE_JOBS] = {"release jobs", "SELECT rep.release_stale_jobs()"},
};

/* Where the table's last half ends: behind whatever it grows to. */
#define BEHIND_ALL "(4294967295,0)"

enum { CONNECTIONS = 2, BLOCKS_FOR_TWO = 1024 };

static const struct allocation_keys *keys_of_program;    /* or NULL */

void extract_use_keys(const struct allocation_keys *keys)
{
    keys_of_program = keys;
}

const struct allocation_keys *extract_keys(void)
{
    return keys_of_program;
}

struct extract {
    struct dataset *dataset;
    struct db *db;
    int study_id, cut_no, protocol_version;
    bool masked;
    const char *unblinding;      /* request by which the allocation of a masked study is read, or NULL */
    struct catalogue *catalogue;
    struct intake *intake;
};

static struct db *open_with(const void *owner, const char *conninfo, size_t statement_count,
                            struct error *error)
{
    static struct db_statement all[CASEBOOK_STATEMENTS_END];
    memcpy(all, statements, sizeof statements);
    memcpy(all + EXTRACT_STATEMENTS, casebook_statements, sizeof casebook_statements);
    const struct db_options options = {
        .conninfo = conninfo,
        .default_user = "patella_reporter",
        .application_name = "patella-report",
        .statements = all,
        .statement_count = statement_count,
    };
    return db_open(owner, &options, error);
}

/*
 * The schema is looked at before statements are prepared: a pending migration is a better message than a
 * missing table.
 */
struct db *extract_open(const void *owner, const char *conninfo, struct error *error)
{
    struct db *plain = open_with(owner, conninfo, 0, error);
    bool fits = plain != NULL && migrate_check(plain, error) && migrate_check_era(plain, error);
    talloc_free(plain);
    return fits ? open_with(owner, conninfo, CASEBOOK_STATEMENTS_END, error) : NULL;
}

/* $1 and $2 of most statements: study and cut. */
static struct db_parameters *study_and_cut(const void *owner, const struct extract *extract)
{
    struct db_parameters *parameters = db_parameters_new(owner, 2);
    db_set_int(parameters, 0, extract->study_id);
    db_set_int(parameters, 1, extract->cut_no);
    return parameters;
}

/* --- study and cut ------------------------------------------------------------------------------------- */

static bool find_study(struct extract *extract, const char *code, struct error *error)
{
    void *work = memory_owner(extract, "find study");
    struct db_parameters *parameters = db_parameters_new(work, 1);
    db_set_text(parameters, 0, code);
    struct db_result *result = db_execute(work, extract->db, EXTRACT_FIND_STUDY, parameters, error);
    bool found = result != NULL && db_rows(result) == 1;
    if (result != NULL && !found)
        error_set(error, ERROR_NOT_FOUND,
                  "there is no study \"%s\" that this database role may read; "
                  "`patella-admin study list` shows the studies, `patella-admin reporter grant` opens one to "
                  "a role",
                  code);
    if (found) {
        extract->study_id = (int)db_int(result, 0, 0);
        extract->dataset->study_title = memory_copy_string(extract->dataset, db_text(result, 0, 1));
        extract->masked = strcmp(db_text(result, 0, 2), "none") != 0;
    }
    talloc_free(work);
    return found;
}

static bool find_cut(struct extract *extract, const char *study, const char *cut, struct error *error)
{
    struct dataset *dataset = extract->dataset;
    void *work = memory_owner(extract, "find cut");
    struct db_parameters *parameters = db_parameters_new(work, 2);
    db_set_int(parameters, 0, extract->study_id);
    db_set_text(parameters, 1, cut);
    struct db_result *result = db_execute(work, extract->db, EXTRACT_FIND_CUT, parameters, error);
    bool found = result != NULL && db_rows(result) == 1;
    if (result != NULL && !found)
        error_set(error, ERROR_NOT_FOUND,
                  "study \"%s\" has no cut with the number or label \"%s\"; `patella-admin cut "
                  "list %s` shows its cuts",
                  study, cut, study);
    if (found) {
        extract->cut_no = dataset->cut_no = (int)db_int(result, 0, 0);
        dataset->cut_label = memory_copy_string(dataset, db_text(result, 0, 1));
        extract->protocol_version = (int)db_int(result, 0, 2);
        dataset->cut_made_us = db_int(result, 0, 3);
    }
    talloc_free(work);
    return found;
}

static bool ask_seal(const struct extract *extract, bool *sealed, struct error *error)
{
    struct db_result *result =
        db_execute(extract, extract->db, EXTRACT_CUT_IS_SEALED, study_and_cut(extract, extract), error);
    if (result != NULL)
        *sealed = db_bool(result, 0, 0);
    return result != NULL;
}

bool extract_cut_is_sealed(struct db *db, const char *study, int cut_no, bool *sealed, struct error *error)
{
    struct extract *extract = memory_new(NULL, struct extract);
    extract->db = db;
    extract->dataset = memory_new(extract, struct dataset);
    extract->cut_no = cut_no;
    bool asked = find_study(extract, study, error) && ask_seal(extract, sealed, error);
    talloc_free(extract);
    return asked;
}

static bool refuse_cohorts(const char *study, struct error *error)
{
    return error_set(error, ERROR_DENIED,
                     "study \"%s\" is masked: a report by cohort would unblind it; leave "
                     "--columns away, give --columns pooled, or name an approved request with --unblinding",
                     study);
}

bool extract_make_cut(struct db *db, const char *study, enum extract_columns columns, int *cut_no,
                      struct error *error)
{
    struct extract *extract = memory_new(NULL, struct extract);
    extract->db = db;
    extract->dataset = memory_new(extract, struct dataset);
    bool made = find_study(extract, study, error);
    if (made && extract->masked && columns == EXTRACT_COLUMNS_COHORTS)
        made = refuse_cohorts(study, error);
    if (made) {
        struct db_parameters *parameters = db_parameters_new(extract, 1);
        db_set_int(parameters, 0, extract->study_id);
        struct db_result *result = db_execute(extract, db, EXTRACT_MAKE_CUT, parameters, error);
        made = result != NULL || extract_refuse_standby(error);
        *cut_no = made ? (int)db_int(result, 0, 0) : 0;
    }
    talloc_free(extract);
    return made;
}

/* --- definitions --------------------------------------------------------------------------------------- */

static bool read_protocol(struct extract *extract, struct error *error)
{
    void *work = memory_owner(extract, "read protocol");
    struct db_parameters *parameters = db_parameters_new(work, 2);
    db_set_int(parameters, 0, extract->study_id);
    db_set_int(parameters, 1, extract->protocol_version);
    struct db_result *result = db_execute(work, extract->db, EXTRACT_PROTOCOL, parameters, error);
    bool read = result != NULL;
    if (read && db_rows(result) != 1)
        read =
            error_set(error, ERROR_DATABASE, "the database has no protocol version %d, which the cut names",
                      extract->protocol_version);
    if (read) {
        const char *yaml = db_text(result, 0, 0);
        char *file = memory_format(work, "protocol version %d", extract->protocol_version);
        extract->catalogue->protocol = protocol_parse(extract->catalogue, file, yaml, strlen(yaml), error);
        read = extract->catalogue->protocol != NULL;
    }
    talloc_free(work);
    return read;
}

static bool read_forms(struct extract *extract, struct error *error)
{
    void *work = memory_owner(extract, "read forms");
    struct db_result *result =
        db_execute(work, extract->db, EXTRACT_FORMS, study_and_cut(work, extract), error);
    size_t count = result != NULL ? db_rows(result) : 0;
    const struct form **forms = memory_new_array(extract->catalogue, const struct form *, count);
    bool read = result != NULL;
    for (size_t i = 0; i < count && read; i++) {
        const char *yaml = db_text(result, i, 2);
        char *file = memory_format(work, "form %s version %s", db_text(result, i, 0), db_text(result, i, 1));
        forms[i] = form_parse(extract->catalogue, file, yaml, strlen(yaml), error);
        read = forms[i] != NULL;
    }
    extract->catalogue->forms = forms;
    extract->catalogue->form_count = count;
    talloc_free(work);
    return read;
}

static bool read_catalogue(struct extract *extract, const char *study, struct error *error)
{
    extract->catalogue = memory_new(extract->dataset, struct catalogue);
    extract->catalogue->study = memory_copy_string(extract->catalogue, study);
    extract->dataset->catalogue = extract->catalogue;
    return read_protocol(extract, error) && read_forms(extract, error) &&
           catalogue_check(extract->catalogue, "protocol", error);
}

/* --- columns ------------------------------------------------------------------------------------------- */

static bool choose_columns(struct extract *extract, enum extract_columns columns, struct error *error)
{
    struct dataset *dataset = extract->dataset;
    const struct protocol *protocol = extract->catalogue->protocol;
    bool masked = (extract->masked || protocol->masking != MASKING_NONE) && extract->unblinding == NULL;
    if (masked && columns == EXTRACT_COLUMNS_COHORTS)
        return refuse_cohorts(extract->catalogue->study, error);
    dataset->pooled = masked || columns == EXTRACT_COLUMNS_POOLED;
    dataset->cohort_count = dataset->pooled ? 1 : protocol->cohort_count;
    const char **ids = memory_new_array(dataset, const char *, dataset->cohort_count);
    const char **titles = memory_new_array(dataset, const char *, dataset->cohort_count);
    for (size_t i = 0; i < dataset->cohort_count; i++) {
        ids[i] = dataset->pooled ? "Pooled" : protocol->cohorts[i].id;
        titles[i] = dataset->pooled ? "All subjects" : protocol->cohorts[i].title;
    }
    dataset->cohorts = ids;
    dataset->cohort_titles = titles;
    return true;
}

/* --- rows ---------------------------------------------------------------------------------------------- */

/* Which rows of submissions a connection reads, or a copy of anything else: all. */
struct part {
    const char *first, *behind;
    bool in_order;               /* of the table; otherwise by the index on the study */
};

static const struct part whole = {"(0,0)", BEHIND_ALL, true};

static bool set_part(const struct extract *extract, struct db *db, const struct part *part, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(extract, 6);
    db_set_int(parameters, 0, extract->study_id);
    db_set_int(parameters, 1, extract->cut_no);
    db_set_text(parameters, 5, extract->unblinding);
    db_set_text(parameters, 2, part->first);
    db_set_text(parameters, 3, part->behind);
    db_set_text(parameters, 4, part->in_order ? "on" : "off");
    bool set = db_run(db, EXTRACT_SET_PART, parameters, error);
    talloc_free(parameters);
    return set;
}

static bool read_subjects(struct extract *extract, struct error *error)
{
    const struct db_copy copy = {extract->db, EXTRACT_SUBJECTS, intake_take_person, extract->intake};
    return set_part(extract, extract->db, &whole, error) && db_copy(&copy, 1, error);
}

static bool read_allocation(struct extract *extract, struct error *error)
{
    const struct db_copy copy = {extract->db, EXTRACT_ALLOCATION, intake_take_allocation, extract->intake};
    return extract->dataset->pooled || db_copy(&copy, 1, error);
}

static bool look_at_sizes(const struct extract *extract, int64_t *blocks, bool *in_order, struct error *error)
{
    struct db_parameters *parameters = db_parameters_new(extract, 2);
    db_set_int(parameters, 0, extract->study_id);
    db_set_int(parameters, 1, (int64_t)intake_person_count(extract->intake));
    const struct db_result *result = db_execute(parameters, extract->db, EXTRACT_SIZES, parameters, error);
    if (result != NULL) {
        *blocks = db_int(result, 0, 0);
        *in_order = db_bool(result, 0, 1);
    }
    bool looked = result != NULL;
    talloc_free(parameters);
    return looked;
}

/*
 * The same rows as over one connection, though it has a snapshot of its own: what the cut holds had committed before,
 * and is never changed.  It stays where it is, too, because our other transaction has read from the table.
 */
static bool read_halves(struct extract *extract, struct db *other, int64_t blocks, struct error *error)
{
    char *middle = memory_format(extract, "(%lld,0)", (long long)(blocks / CONNECTIONS));
    const struct part parts[CONNECTIONS] = {{"(0,0)", middle, true}, {middle, BEHIND_ALL, true}};
    const struct db_copy copies[CONNECTIONS] = {
        {extract->db, EXTRACT_SUBMISSIONS, intake_take_record, extract->intake},
        {other, EXTRACT_SUBMISSIONS, intake_take_record, extract->intake},
    };
    return db_begin(other, DB_REPEATABLE_READ_ONLY, error) && set_part(extract, extract->db, &parts[0], error)
        && set_part(extract, other, &parts[1], error) && db_copy(copies, CONNECTIONS, error);
}

static bool read_submissions(struct extract *extract, struct error *error)
{
    int64_t blocks;
    bool in_order;
    struct error ignored;
    if (!look_at_sizes(extract, &blocks, &in_order, error))
        return false;
    bool large = in_order && blocks >= BLOCKS_FOR_TWO;
    struct db *other = large ? db_open_beside(extract, extract->db, &ignored) : NULL;
    bool read;
    if (other != NULL) {
        read = read_halves(extract, other, blocks, error);
        talloc_free(other);
    } else {
        const struct part part = {"(0,0)", BEHIND_ALL, in_order};
        const struct db_copy copy = {extract->db, EXTRACT_SUBMISSIONS, intake_take_record, extract->intake};
        read = set_part(extract, extract->db, &part, error) && db_copy(&copy, 1, error);
    }
    return read;
}

/* --- origins ------------------------------------------------------------------------------------------- */

static const char *knee_name(unsigned knee)
{
    return knee == KNEE_LEFT ? "left" : knee == KNEE_RIGHT ? "right" : "none";
}

static struct db_parameters *origin_parameters(const struct extract *extract, const struct record_tie *ties,
                                               size_t count)
{
    const struct dataset *dataset = extract->dataset;
    struct db_parameters *parameters = db_parameters_new(extract, 8);
    int32_t *numbers = memory_new_array(parameters, int32_t, memory_size_product(count, 4));
    int32_t *sites = numbers, *subjects = sites + count, *instances = subjects + count, *versions = instances + count;
    const char **forms = memory_new_array(parameters, const char *, memory_size_product(count, 3));
    const char **knees = forms + count, **visits = knees + count;
    for (size_t i = 0; i < count; i++) {
        struct records records = dataset_records(dataset, ties[i].subject);
        const struct record *record = &records.at[ties[i].at];
        intake_person(extract->intake, ties[i].person, &sites[i], &subjects[i]);
        forms[i] = record_form(dataset, record)->id;
        knees[i] = knee_name(record->knee);
        visits[i] = record_visit(dataset, record);
        instances[i] = record->instance;
        versions[i] = record->version;
    }
    db_set_int(parameters, 0, extract->study_id);
    db_set_int_array(parameters, 1, sites, count);
    db_set_int_array(parameters, 2, subjects, count);
    db_set_text_array(parameters, 3, forms, count);
    db_set_text_array(parameters, 4, knees, count);
    db_set_text_array(parameters, 5, visits, count);
    db_set_int_array(parameters, 6, instances, count);
    db_set_int_array(parameters, 7, versions, count);
    return parameters;
}

/* Of the few records that only their origin puts in order. */
static bool read_origins(struct extract *extract, struct error *error)
{
    size_t count;
    const struct record_tie *ties = record_store_ties(extract->dataset->store, &count);
    if (count == 0)
        return true;
    struct db_parameters *parameters = origin_parameters(extract, ties, count);
    struct db_result *result = db_execute(parameters, extract->db, EXTRACT_ORIGINS, parameters, error);
    bool read = result != NULL && db_rows(result) == count;
    if (result != NULL && !read)
        error_set(error, ERROR_DATABASE, "of %zu records %zu are there still", count, db_rows(result));
    struct record_origin *origins = memory_new_array(parameters, struct record_origin, count);
    for (size_t i = 0; i < count && read; i++) {
        origins[i].received_us = db_int(result, i, 0);
        read = text_to_uuid(db_text(result, i, 1), origins[i].id);
    }
    if (read)
        record_store_settle(extract->dataset->store, origins);
    talloc_free(parameters);
    return read;
}

static bool read_records(struct extract *extract, struct error *error)
{
    extract->intake = intake_new(extract, extract->dataset, keys_of_program);
    return read_subjects(extract, error) && read_allocation(extract, error) && read_submissions(extract, error)
        && intake_close(extract->intake, error) && read_origins(extract, error);
}

/* --- the whole ----------------------------------------------------------------------------------------- */

static bool leave_trace(const struct extract *extract, const char *study, struct error *error)
{
    const struct dataset *dataset = extract->dataset;
    const struct extract_trace trace = {
        .study = study,
        .study_id = extract->study_id,
        .cut_no = extract->cut_no,
        .cut_label = dataset->cut_label,
        .cut_made_us = dataset->cut_made_us,
        .masked = extract->masked,
        .unblinding = extract->unblinding,
    };
    return extract_leave_trace(extract->db, &trace, error);
}

bool extract_frame(const void *owner, struct db *db, const char *study, const char *cut, struct extract_frame *frame,
                   struct error *error)
{
    struct dataset *dataset = memory_new(owner, struct dataset);
    struct extract *extract = memory_new(dataset, struct extract);
    extract->dataset = dataset;
    extract->db = db;
    bool read = find_study(extract, study, error) && find_cut(extract, study, cut, error) &&
                ask_seal(extract, &dataset->cut_sealed, error) && read_catalogue(extract, study, error);
    *frame = (struct extract_frame){
        .dataset = dataset,
        .study_id = extract->study_id,
        .masked = read && (extract->masked || extract->catalogue->protocol->masking != MASKING_NONE),
    };
    talloc_free(extract);
    if (!read)
        talloc_free(dataset);
    return read;
}

struct view {
    const char *study, *cut;
    enum extract_columns columns;
    const char *unblinding;
};

static struct dataset *extract_view(const void *owner, struct db *db, const struct view *view, struct error *error)
{
    struct dataset *dataset = memory_new(owner, struct dataset);
    struct extract *extract = memory_new(dataset, struct extract);
    extract->dataset = dataset;
    extract->db = db;
    if (view->unblinding != NULL)
        extract->unblinding = dataset->opened_by = dataset->unblinding = memory_copy_string(dataset, view->unblinding);
    bool read = find_study(extract, view->study, error) && find_cut(extract, view->study, view->cut, error) &&
                ask_seal(extract, &dataset->cut_sealed, error) &&
                leave_trace(extract, view->study, error) && db_begin(db, DB_REPEATABLE_READ_ONLY, error);
    if (read) {
        read = read_catalogue(extract, view->study, error) && choose_columns(extract, view->columns, error) &&
               read_records(extract, error);
        db_rollback(db);
    }
    talloc_free(extract);
    if (read)
        return dataset;
    talloc_free(dataset);
    return NULL;
}

struct dataset *extract_dataset(const void *owner, struct db *db, const char *study, const char *cut,
                                enum extract_columns columns, struct error *error)
{
    return extract_view(owner, db, &(struct view){study, cut, columns, NULL}, error);
}

struct dataset *extract_unmasked(const void *owner, struct db *db, const char *study, const char *cut,
                                 const char *unblinding, struct error *error)
{
    return extract_view(owner, db, &(struct view){study, cut, EXTRACT_COLUMNS_COHORTS, unblinding}, error);
}
