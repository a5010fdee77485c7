/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/extract.h"

#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "migrations/migrate.h"

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
    [EXTRACT_OPEN_CUT] = {"open cut", "SELECT rep.open_cut($1::int, $2::int)"},
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
    [EXTRACT_SUBJECTS] = {"read subjects",
        "SELECT s.site_id, s.subject_no, COALESCE(e.index_knee, s.index_knee),\n"
        "    COALESCE(e.enrolled_on, s.enrolled_on), e.continues, e.site_id IS NULL\n"
        "FROM core.subject s\n"
        "JOIN core.cut c ON c.study_id = s.study_id AND c.cut_no = $2::int\n"
        "LEFT JOIN rep.list_subjects($1::int, $2::int) e\n"
        "    ON e.site_id = s.site_id AND e.subject_no = s.subject_no\n"
        "WHERE s.study_id = $1::int AND core.is_in_cut(s.xid, s.era, c.snapshot, c.era)\n"
        "ORDER BY s.site_id, s.subject_no"},
    [EXTRACT_SUBMISSIONS] = {"read submissions",
        "SELECT site_id, subject_no, form, form_version, knee, visit, instance, version, dated,\n"
        "    (EXTRACT(EPOCH FROM CASE WHEN version = 1 THEN recorded_at ELSE (\n"
        "        SELECT f.recorded_at\n"
        "        FROM core.submission f\n"
        "        WHERE (f.study_id, f.site_id, f.subject_no, f.form, f.knee, f.visit, f.instance,\n"
        "               f.version)\n"
        "            = (newest.study_id, newest.site_id, newest.subject_no, newest.form, newest.knee,\n"
        "               newest.visit, newest.instance, 1)\n"
        "    ) END) * 1000000)::bigint, id, content, scores\n"
        "FROM (\n"
        "    SELECT DISTINCT ON (s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance) s.*\n"
        "    FROM core.submission s\n"
        "    JOIN core.cut c ON c.study_id = s.study_id AND c.cut_no = $2::int\n"
        "    WHERE s.study_id = $1::int AND core.is_in_cut(s.xid, s.era, c.snapshot, c.era)\n"
        "    ORDER BY s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance, s.version DESC\n"
        ") newest\n"
        "WHERE status <> 'void'\n"
        "ORDER BY site_id, subject_no, form, knee, visit, instance"},
    [EXTRACT_ALLOCATION] = {"read allocation",
        "SELECT site_id, subject_no, knee, cohort\n"
        "FROM rep.allocation($1::int, $2::int)\n"
        "ORDER BY site_id, subject_no, knee COLLATE \"C\""},
    [EXTRACT_TAKE_JOB] = {"take job", "SELECT job_id, study, cut_no FROM rep.take_job()"},
    [EXTRACT_ADD_FILE] = {"add file", "SELECT rep.add_file($1::uuid, $2::text, $3::text, $4::bytea)"},
    [EXTRACT_FINISH_JOB] = {"finish job", "SELECT rep.finish_job($1::uuid, $2::boolean, $3::text)"},
    [EXTRACT_RELEASE_JOBS] = {"release jobs", "SELECT rep.release_stale_jobs()"},
};

/* A row of core.subject. */
struct enrolled {
    int site, number;
    bool voided;    /* the enrolment was a mistake: nobody stands behind the number */
    size_t subject; /* index into dataset->subjects: its own, or of the subject that it continues */
    int continues_site, continues_number;    /* 0: nobody */
};

struct extract {
    struct dataset *dataset;
    struct db *db;
    int study_id, cut_no, protocol_version;
    bool masked;
    struct catalogue *catalogue;
    struct enrolled *enrolled;   /* by site and number */
    size_t enrolled_count;
};

static struct db *open_with(const void *owner, const char *conninfo, size_t statement_count,
                            struct error *error)
{
    const struct db_options options = {
        .conninfo = conninfo,
        .default_user = "patella_reporter",
        .application_name = "patella-report",
        .statements = statements,
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
    bool fits = plain != NULL && migrate_check(plain, error);
    talloc_free(plain);
    return fits ? open_with(owner, conninfo, EXTRACT_STATEMENTS, error) : NULL;
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

static bool refuse_cohorts(const char *study, struct error *error)
{
    return error_set(error, ERROR_DENIED,
                     "study \"%s\" is masked: a report by cohort would unblind it; leave "
                     "--columns away, or give --columns pooled",
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
        made = result != NULL;
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
    bool masked = extract->masked || protocol->masking != MASKING_NONE;
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

/* --- subjects ------------------------------------------------------------------------------------------ */

static int compare_enrolled(const void *a, const void *b)
{
    const struct enrolled *left = a, *right = b;
    if (left->site != right->site)
        return left->site < right->site ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

static struct enrolled *find_enrolled(const struct extract *extract, int site, int number)
{
    const struct enrolled key = {.site = site, .number = number};
    return bsearch(&key, extract->enrolled, extract->enrolled_count, sizeof key, compare_enrolled);
}

/*
 * The first number of whoever moved; a chain that runs in a circle ends where it began, one that runs into a
 * voided enrolment before that.
 */
static struct enrolled *first_number(const struct extract *extract, struct enrolled *enrolled)
{
    struct enrolled *first = enrolled;
    for (size_t steps = 0; steps < extract->enrolled_count && first->continues_site != 0; steps++) {
        struct enrolled *before = find_enrolled(extract, first->continues_site, first->continues_number);
        if (before == NULL || before->voided)
            return first;
        first = before;
    }
    return first->continues_site == 0 ? first : enrolled;
}

static enum knee_side knee_of(const char *knee)
{
    return strcmp(knee, "left") == 0 ? KNEE_LEFT : strcmp(knee, "right") == 0 ? KNEE_RIGHT : KNEE_NONE;
}

static void read_enrolled(struct extract *extract, const struct db_result *result)
{
    extract->enrolled_count = db_rows(result);
    extract->enrolled = memory_new_array(extract, struct enrolled, extract->enrolled_count);
    for (size_t i = 0; i < extract->enrolled_count; i++) {
        struct enrolled *enrolled = &extract->enrolled[i];
        enrolled->site = (int)db_int(result, i, 0);
        enrolled->number = (int)db_int(result, i, 1);
        enrolled->voided = strcmp(db_text(result, i, 5), "t") == 0;
        extract->dataset->voided_count += enrolled->voided ? 1 : 0;
        if (!db_is_null(result, i, 4) &&
            !subject_parse(db_text(result, i, 4), &enrolled->continues_site, &enrolled->continues_number))
            enrolled->continues_site = enrolled->continues_number = 0;
    }
}

static void number_subjects(struct extract *extract, const struct db_result *result)
{
    struct dataset *dataset = extract->dataset;
    dataset->subjects = memory_new_array(dataset, struct subject, extract->enrolled_count);
    for (size_t i = 0; i < extract->enrolled_count; i++) {
        struct enrolled *enrolled = &extract->enrolled[i];
        if (enrolled->voided || first_number(extract, enrolled) != enrolled)
            continue;
        enrolled->subject = dataset->subject_count++;
        dataset->subjects[enrolled->subject] = (struct subject){
            .site = enrolled->site,
            .number = enrolled->number,
            .index_knee = knee_of(db_text(result, i, 2)),
            .enrolled = db_date(result, i, 3),
            .allocated = {NO_COHORT, NO_COHORT, NO_COHORT},
        };
    }
    for (size_t i = 0; i < extract->enrolled_count; i++)
        extract->enrolled[i].subject = first_number(extract, &extract->enrolled[i])->subject;
}

static bool read_subjects(struct extract *extract, struct error *error)
{
    void *work = memory_owner(extract, "read subjects");
    struct db_result *result =
        db_execute(work, extract->db, EXTRACT_SUBJECTS, study_and_cut(work, extract), error);
    if (result != NULL) {
        read_enrolled(extract, result);
        number_subjects(extract, result);
    }
    talloc_free(work);
    return result != NULL;
}

/* --- allocation ---------------------------------------------------------------------------------------- */

static bool take_allocation(void *context, const struct db_result *result, struct error *error)
{
    struct extract *extract = context;
    const struct enrolled *enrolled =
        find_enrolled(extract, (int)db_int(result, 0, 0), (int)db_int(result, 0, 1));
    if (enrolled == NULL || enrolled->voided)
        return true;
    struct subject *subject = &extract->dataset->subjects[enrolled->subject];
    enum knee_side knee = knee_of(db_text(result, 0, 2));
    int cohort = protocol_find_cohort(extract->catalogue->protocol, db_text(result, 0, 3));
    if (cohort < 0)
        return error_set(error, ERROR_DATABASE,
                         "subject %02d-%04d is allocated to cohort \"%s\", which protocol "
                         "version %d does not have; allocate it anew, or add the cohort to the protocol",
                         enrolled->site, enrolled->number, db_text(result, 0, 3), extract->protocol_version);
    bool own = subject->site == enrolled->site && subject->number == enrolled->number;
    if (own || subject->allocated[knee] == NO_COHORT)
        subject->allocated[knee] = cohort;
    return true;
}

static bool read_allocation(struct extract *extract, struct error *error)
{
    if (extract->dataset->pooled)
        return true;
    struct db_parameters *parameters = study_and_cut(extract, extract);
    return db_stream(extract->db, EXTRACT_ALLOCATION, parameters, take_allocation, extract, error);
}

/* --- submissions --------------------------------------------------------------------------------------- */

static void hide_arm(const struct form *form, struct answer *answers)
{
    for (size_t i = 0; i < form->item_count; i++)
        if (dataset_item_may_name_arm(&form->items[i]))
            answers[i] = (struct answer){.state = ANSWER_MISSING, .text = ""};
}

static const struct answer *find_answer(const struct record *record, const char *item)
{
    int at = form_find_item(record->form, item);
    return at != FORM_NONE && record->answers[at].state == ANSWER_GIVEN ? &record->answers[at] : NULL;
}

/* Tissue is harvested from some cohorts only: an event there names the cohort. */
static bool is_harvest_event(const struct record *record)
{
    const struct answer *kind = find_answer(record, "special_interest");
    return kind != NULL && strcmp(kind->text, "harvest_site") == 0;
}

static struct record *new_record(struct dataset *dataset)
{
    size_t count = dataset->record_count;
    if ((count & (count - 1)) == 0)
        dataset->records = memory_resize_array(dataset, dataset->records, struct record,
                                               count == 0 ? 1 : memory_size_product(count, 2));
    struct record *record = &dataset->records[count];
    *record = (struct record){.analysis_visit = NO_VISIT, .day = STUDY_DAY_NONE};
    return record;
}

static bool read_answers(const struct extract *extract, const struct db_result *result, struct record *record,
                         struct error *error)
{
    struct error cause = {.kind = ERROR_NONE};
    size_t score_count;
    struct answer *answers =
        submission_read_answers(extract->dataset, record->form, db_text(result, 0, 11), &cause);
    if (answers == NULL)
        return error_set(error, ERROR_DATABASE, "submission %s: %s", record->id, cause.message);
    record->answers = answers;
    record->scores = db_doubles(extract->dataset, result, 0, 12, &score_count);
    if (score_count != record->form->score_count)
        return error_set(error, ERROR_DATABASE,
                         "submission %s has %zu scores, form %s version %d defines %zu", record->id,
                         score_count, record->form->id, record->form->version, record->form->score_count);
    if (extract->dataset->pooled)
        hide_arm(record->form, answers);
    return true;
}

static bool take_submission(void *context, const struct db_result *result, struct error *error)
{
    struct extract *extract = context;
    struct dataset *dataset = extract->dataset;
    const struct enrolled *enrolled =
        find_enrolled(extract, (int)db_int(result, 0, 0), (int)db_int(result, 0, 1));
    if (enrolled != NULL && enrolled->voided)
        return true;
    const char *form = db_text(result, 0, 2);
    int form_version = (int)db_int(result, 0, 3);
    struct record *record = new_record(dataset);
    record->form = catalogue_find_form(extract->catalogue, form, form_version);
    memcpy(record->id, db_text(result, 0, 10), sizeof record->id - 1);
    if (enrolled == NULL || record->form == NULL)
        return error_set(error, ERROR_DATABASE, "submission %s: the cut has no %s", record->id,
                         enrolled == NULL ? "such subject" : "such version of its form");
    record->subject = enrolled->subject;
    record->knee = knee_of(db_text(result, 0, 4));
    record->visit = memory_copy_string(dataset, db_text(result, 0, 5));
    record->instance = (int)db_int(result, 0, 6);
    record->version = (int)db_int(result, 0, 7);
    record->date = db_date(result, 0, 8);
    record->received_us = db_int(result, 0, 9);
    if (!read_answers(extract, result, record, error))
        return false;
    if (!dataset->pooled || !is_harvest_event(record))
        dataset->record_count++;
    return true;
}

static bool read_submissions(struct extract *extract, struct error *error)
{
    struct db_parameters *parameters = study_and_cut(extract, extract);
    return db_stream(extract->db, EXTRACT_SUBMISSIONS, parameters, take_submission, extract, error);
}

/* --- the whole ----------------------------------------------------------------------------------------- */

/* What is read leaves the database: the audit trail has to say so before, whatever happens then. */
static bool leave_trace(struct extract *extract, struct error *error)
{
    return db_run(extract->db, EXTRACT_OPEN_CUT, study_and_cut(extract, extract), error);
}

struct dataset *extract_dataset(const void *owner, struct db *db, const char *study, const char *cut,
                                enum extract_columns columns, struct error *error)
{
    struct dataset *dataset = memory_new(owner, struct dataset);
    struct extract *extract = memory_new(dataset, struct extract);
    extract->dataset = dataset;
    extract->db = db;
    bool read = find_study(extract, study, error) && find_cut(extract, study, cut, error) &&
                leave_trace(extract, error) && db_begin(db, DB_REPEATABLE_READ_ONLY, error);
    if (read) {
        read = read_catalogue(extract, study, error) && choose_columns(extract, columns, error) &&
               read_subjects(extract, error) && read_submissions(extract, error) &&
               read_allocation(extract, error);
        db_rollback(db);
    }
    talloc_free(extract);
    if (read)
        return dataset;
    talloc_free(dataset);
    return NULL;
}
