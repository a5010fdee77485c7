/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The cases of tests/golden/csv below the daemon: source, dialect, plan, scan, rows and effects, held against records
 * that stand in memory.  tests/e2e/test_golden_csv.c sends the same files to the daemon.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "forms/base/memory.h"
#include "forms/csv_reader.h"
#include "forms/upload_pivot.h"
#include "forms/upload_scan.h"
#include "tests/support/csv_case.h"

enum { FILE_LIMIT = 4 << 20, PIECE_BYTES = 700, RECORDS_ROOM = 256, FINDINGS_LIMIT = 1000 };

static const char study_code[] = "demo";

/* ---- what is stored ---- */

struct stored_record {
    const struct submission *submission;
    const char *then;            /* what was done to it: "lock", "sign", "lock_subject", "void"; or NULL */
};

struct world {
    void *owner;
    const struct catalogue *catalogue;
    date_days today;
    struct stored_record records[RECORDS_ROOM];
    size_t count;
    size_t stored;               /* of them, before a file came */
    const char *folder;          /* of the files of the cases */
};

static const struct submission *store(struct world *world, json_t *object)
{
    struct problem_list problems = {NULL, 0};
    json_object_set_new(object, "id", json_string("00000000-0000-7000-8000-000000000000"));
    json_object_set_new(object, "form_version", json_integer(1));
    char *text = json_dumps(object, JSON_COMPACT);
    struct submission_input *input = submission_read_json(world->owner, text, strlen(text), &problems);
    struct submission *submission =
        input != NULL ? submission_check(world->owner, world->catalogue, input, world->today, &problems) : NULL;
    if (submission == NULL)
        fail_msg("stored.json: %s: %s", text, problems.problems[0].text);
    free(text);
    return submission;
}

static void load_stored(struct world *world)
{
    json_error_t error;
    size_t i;
    json_t *object, *all = json_load_file("tests/golden/csv/stored.json", 0, &error);
    if (all == NULL)
        fail_msg("stored.json:%d: %s", error.line, error.text);
    json_array_foreach(all, i, object)
    {
        const char *then = json_string_value(json_object_get(object, "then"));
        struct stored_record *record = &world->records[world->count++];
        record->then = then != NULL ? memory_copy_string(world->owner, then) : NULL;
        json_object_del(object, "then");
        record->submission = store(world, object);
    }
    json_decref(all);
    world->stored = world->count;
}

static bool same_subject(const struct submission *one, int site, int subject)
{
    return one->site == site && one->subject == subject;
}

/* Day 1 of the knee; of the index knee for `none`. */
static date_days find_treatment(const struct world *world, int site, int subject, const char *knee)
{
    date_days first = DATE_NONE;
    for (size_t i = 0; i < world->count; i++) {
        const struct submission *one = world->records[i].submission;
        if (same_subject(one, site, subject) && strcmp(one->form->id, "enrolment") == 0 && strcmp(knee, "none") == 0)
            knee = one->answers[form_find_item(one->form, "index_knee")].text;
    }
    for (size_t i = 0; i < world->count; i++) {
        const struct submission *one = world->records[i].submission;
        if (same_subject(one, site, subject) && strcmp(one->form->id, "treatment") == 0
            && strcmp(one->knee, knee) == 0 && (first == DATE_NONE || one->date < first))
            first = one->date;
    }
    return first;
}

static const char *text_of_date(const void *owner, date_days date)
{
    char text[DATE_TEXT_SIZE];
    date_format(date, text);
    return memory_copy_string(owner, text);
}

static bool is_record(const struct submission *one, const struct submission_input *input)
{
    return strcmp(one->form->id, input->form) == 0
           && strcmp(one->knee, input->knee != NULL ? input->knee : "none") == 0
           && strcmp(one->visit, input->visit != NULL ? input->visit : "unscheduled") == 0
           && one->instance == (input->instance != 0 ? input->instance : 1);
}

static void fill_stored(const void *owner, const struct stored_record *record, struct upload_stored *stored)
{
    const struct submission *one = record->submission;
    stored->version = one->version;
    stored->form_version = one->form->version;
    stored->dated = text_of_date(owner, one->date);
    stored->content = one->canonical;
    stored->record_locked = record->then != NULL && strcmp(record->then, "lock") == 0;
    stored->record_signed = record->then != NULL && strcmp(record->then, "sign") == 0;
    stored->is_void = record->then != NULL && strcmp(record->then, "void") == 0;
}

static struct upload_stored look_up(const void *owner, const struct world *world, int site_of_upload,
                                    const struct submission_input *input)
{
    struct upload_stored stored = {0};
    int site, subject;
    if (input->subject == NULL || !subject_parse(input->subject, &site, &subject)
        || (site_of_upload != 0 && site != site_of_upload))
        return stored;
    for (size_t i = 0; i < world->count; i++) {
        const struct stored_record *record = &world->records[i];
        if (!same_subject(record->submission, site, subject))
            continue;
        stored.subject_known |= record->submission->form->creates_subject;
        stored.subject_locked |= record->then != NULL && strcmp(record->then, "lock_subject") == 0;
        if (is_record(record->submission, input))
            fill_stored(owner, record, &stored);
    }
    date_days treated = find_treatment(world, site, subject, input->knee != NULL ? input->knee : "none");
    stored.treated_on = treated != DATE_NONE ? text_of_date(owner, treated) : NULL;
    return stored;
}

/* ---- one file ---- */

struct bytes {
    const char *bytes;
    size_t length, at;
};

static bool read_piece(void *context, const char **bytes, size_t *length, struct error *error)
{
    struct bytes *all = context;
    (void)error;
    *bytes = all->bytes + all->at;
    *length = all->length - all->at < PIECE_BYTES ? all->length - all->at : PIECE_BYTES;
    all->at += *length;
    return true;
}

struct drive {
    void *owner;
    struct world *world;
    const struct csv_case *expected;
    struct bytes bytes;
    const struct upload_profile *profile;
    struct csv_dialect dialect;
    struct upload_plan *plan;
    struct upload_scan *scan;
    struct upload_fields *fields;    /* of a file with a field a row, else NULL */
    int sweep;
    struct upload_findings findings;
    struct csv_seen seen;
    struct csv_value *values;
    size_t refusals_before;
};

/* A reader that stands behind the header; `line` is the header. */
static struct csv_reader *open_file(struct drive *drive, struct upload_findings *findings,
                                    const struct csv_line **line)
{
    struct error error = {0};
    const char *head;
    size_t length;
    drive->bytes.at = 0;
    struct csv_source *source = csv_source_open(drive->owner, read_piece, &drive->bytes, findings, &error);
    if (source == NULL)
        return NULL;
    if (!csv_source_peek(source, &head, &length, &error)) {
        assert_true(findings->file_refused);
        return NULL;
    }
    drive->dialect = drive->profile != NULL ? drive->profile->dialect : (struct csv_dialect){0};
    if (!csv_dialect_find(head, length, upload_is_header, (void *)(uintptr_t)drive->profile, &drive->dialect, findings))
        return NULL;
    struct csv_reader *reader = csv_reader_new(drive->owner, source, &drive->dialect, findings, &error);
    if (reader == NULL)
        return NULL;
    enum csv_next next = csv_reader_next(reader, line, &error);
    if (next == CSV_FAILED)
        fail_msg("%s", error.message);
    return next == CSV_ROW ? reader : NULL;
}

static void make_plan(struct drive *drive, const char *const *cells, size_t count)
{
    const struct csv_header header = {.cells = cells, .count = count, .line = drive->dialect.header_line,
                                      .form = drive->expected->form, .site = drive->expected->site};
    drive->plan = upload_plan_make(drive->owner, drive->world->catalogue, drive->profile, &drive->dialect, &header,
                                   &drive->findings);
    drive->scan = drive->plan != NULL ? upload_scan_new(drive->owner, drive->plan, 100) : NULL;
}

static void plan_file(struct drive *drive, const struct csv_line *header)
{
    const char **cells = memory_new_array(drive->owner, const char *, header->cell_count);
    for (size_t i = 0; i < header->cell_count; i++)
        cells[i] = memory_copy_string(drive->owner, header->cells[i]);
    make_plan(drive, cells, header->cell_count);
    if (drive->plan != NULL && drive->plan->tool == UPLOAD_REDCAP_EAV)
        drive->fields = upload_fields_new(drive->owner, drive->plan);
}

static void scan_row(struct drive *drive, const struct csv_line *line)
{
    if (drive->fields == NULL)
        upload_scan_row(drive->scan, line);
    else
        assert_true(upload_fields_add(drive->fields, line));
}

static void scan_flat_row(struct drive *drive, const struct csv_line *line)
{
    upload_scan_row(drive->scan, line);
}

/* A further reading. */
static void read_again(struct drive *drive, void (*on_row)(struct drive *, const struct csv_line *))
{
    struct error error = {0};
    const struct csv_line *line;
    struct upload_findings again = upload_findings_begin(drive->owner);
    struct csv_reader *reader = open_file(drive, &again, &line);
    assert_non_null(reader);
    struct upload_pivot *pivot = drive->fields != NULL ? upload_pivot_new(drive->owner, drive->fields) : NULL;
    while (csv_reader_next(reader, &line, &error) == CSV_ROW) {
        const struct csv_line *given = pivot != NULL ? upload_pivot_add(pivot, line) : line;
        if (given != NULL)
            on_row(drive, given);
    }
    line = pivot != NULL ? upload_pivot_end(pivot) : NULL;
    if (line != NULL)
        on_row(drive, line);
}

/* The rows of a file with a field a row, as flat ones. */
static void scan_flat(struct drive *drive)
{
    size_t count;
    const char *const *names = upload_fields_header(drive->fields, &count);
    make_plan(drive, names, count);
    if (drive->plan != NULL)
        read_again(drive, scan_flat_row);
}

/* The first reading. */
static bool scan_file(struct drive *drive)
{
    struct error error = {0};
    const struct csv_line *line;
    struct csv_reader *reader = open_file(drive, &drive->findings, &line);
    if (reader == NULL)
        return false;
    plan_file(drive, line);
    if (drive->plan == NULL)
        return false;
    enum csv_next next;
    while ((next = csv_reader_next(reader, &line, &error)) == CSV_ROW)
        scan_row(drive, line);
    if (next == CSV_FAILED)
        fail_msg("%s", error.message);
    int64_t empty = csv_reader_empty_rows(reader);
    if (empty > 0)
        upload_finding_add(&drive->findings, UPLOAD_ASSUMED, "empty_rows", NULL, "%lld empty rows are passed over",
                           (long long)empty);
    if (next == CSV_END && drive->fields != NULL)
        scan_flat(drive);
    return next == CSV_END && drive->plan != NULL
           && upload_scan_end(drive->scan, drive->plan, &drive->findings) && !drive->findings.file_refused;
}

/* ---- its rows ---- */

static void keep_value(struct drive *drive, int64_t line, const char *item, const char *value)
{
    drive->values = memory_resize_array(drive->owner, drive->values, struct csv_value, drive->seen.value_count + 1);
    drive->values[drive->seen.value_count++] = (struct csv_value){line, item, value};
    drive->seen.values = drive->values;
}

static void keep_values(struct drive *drive, int64_t line, const struct submission *submission)
{
    const struct form *form = submission->form;
    keep_value(drive, line, "date", text_of_date(drive->owner, submission->date));
    for (size_t i = 0; i < form->item_count; i++) {
        const struct answer *answer = &submission->answers[i];
        if (answer->state == ANSWER_GIVEN)
            keep_value(drive, line, form->items[i].id, answer->text);
        else if (answer->state == ANSWER_DECLINED)
            keep_value(drive, line, form->items[i].id, memory_format(drive->owner, "[%s]", answer->text));
    }
}

static bool refuse_doubled(struct drive *drive, const struct upload_record *record)
{
    uint8_t hash[32];
    bool same = false;
    upload_record_hash(record, hash);
    int64_t before = upload_scan_seen(drive->scan, record, hash, &same);
    const struct upload_place place = {.line = record->line};
    if (before != 0)
        upload_finding_add(&drive->findings, same ? UPLOAD_WARNING : UPLOAD_ROW_REFUSED,
                           same ? "doubled_row" : "doubled_key", &place, "as line %lld", (long long)before);
    return before != 0 && !same;
}

static enum upload_verdict judge_record(struct drive *drive, const struct upload_record *record)
{
    struct world *world = drive->world;
    const struct upload_judging judging = {.study = study_code, .today = world->today, .reason_pending = true};
    if (refuse_doubled(drive, record))
        return UPLOAD_REFUSED;
    struct upload_stored stored = look_up(drive->owner, world, drive->expected->site, &record->input);
    stored.study_frozen = drive->expected->frozen;
    const struct upload_effect effect =
        upload_effect_of(drive->owner, drive->plan, record, &stored, &judging, &drive->findings);
    if (effect.submission != NULL && (effect.verdict == UPLOAD_NEW || effect.verdict == UPLOAD_CHANGED)) {
        keep_values(drive, record->line, effect.submission);
        assert_true(world->count < RECORDS_ROOM);
        world->records[world->count++] = (struct stored_record){effect.submission, NULL};
    }
    return effect.verdict;
}

/* Refused stands above changed, changed above new, new above unchanged. */
static enum csv_count judge_row(struct drive *drive, const struct upload_row *row)
{
    static const enum csv_count counts[] = {[UPLOAD_NEW] = CSV_NEW, [UPLOAD_CHANGED] = CSV_CHANGED,
                                            [UPLOAD_UNCHANGED] = CSV_UNCHANGED, [UPLOAD_REFUSED] = CSV_REFUSED};
    static const int ranks[CSV_COUNTS] = {[CSV_UNCHANGED] = 0, [CSV_NEW] = 1, [CSV_CHANGED] = 2, [CSV_REFUSED] = 3};
    enum csv_count worst = row->refused ? CSV_REFUSED : CSV_UNCHANGED;
    for (size_t i = 0; i < row->record_count && !row->refused; i++) {
        enum csv_count count = counts[judge_record(drive, &row->records[i])];
        worst = ranks[count] > ranks[worst] ? count : worst;
    }
    return worst;
}

/* Rows that enrol come first, then those that treat, so that their order in the file does not matter. */
static int sweep_of(const struct upload_row *row)
{
    int sweep = 2;
    for (size_t i = 0; i < row->record_count; i++) {
        const struct form *form = row->records[i].form;
        int own = form->creates_subject ? 0 : strcmp(form->id, "treatment") == 0 ? 1 : 2;
        sweep = own < sweep ? own : sweep;
    }
    return sweep;
}

static bool has_warning(const struct upload_findings *findings, size_t from)
{
    for (size_t i = from; i < findings->count; i++)
        if (findings->findings[i].severity == UPLOAD_WARNING)
            return true;
    return false;
}

static void take_row(struct drive *drive, const struct csv_line *line)
{
    size_t from = drive->findings.count;
    struct upload_row row = upload_row_read(drive->owner, drive->plan, line, &drive->findings);
    if (sweep_of(&row) != drive->sweep) {
        drive->findings.count = from;
        return;
    }
    enum csv_count count = judge_row(drive, &row);
    drive->seen.counts[count]++;
    drive->seen.counts[CSV_WARNED] += count != CSV_REFUSED && has_warning(&drive->findings, from);
}

static void collect_row(struct drive *drive, const struct csv_line *line)
{
    upload_scan_collect(drive->scan, line);
}

static void judge_file(struct drive *drive)
{
    if (upload_scan_has_suspects(drive->scan))
        read_again(drive, collect_row);
    for (drive->sweep = 0; drive->sweep < 3; drive->sweep++)
        read_again(drive, take_row);
}

/* ---- the cases ---- */

static const struct upload_profile *load_profile(struct drive *drive)
{
    if (drive->expected->profile == NULL)
        return NULL;
    struct error error = {0};
    size_t length;
    const char *path = memory_format(drive->owner, "tests/golden/csv/profiles/%s.yaml", drive->expected->profile);
    const char *text = text_read_file(drive->owner, path, FILE_LIMIT, &length, &error);
    if (text == NULL)
        fail_msg("%s", error.message);
    struct faults faults = faults_begin(drive->owner);
    const struct upload_profile *profile =
        upload_profile_parse(drive->owner, path, text, length, drive->world->catalogue, &faults);
    if (profile == NULL)
        fail_msg("%s:%d: %s", path, faults.faults[0].line, faults.faults[0].text);
    return profile;
}

static struct world world;

static void test_case(void **state)
{
    const struct csv_case *expected = *state;
    struct drive drive = {.owner = memory_owner(NULL, expected->name), .world = &world, .expected = expected};
    struct error error = {0};
    const char *path = memory_format(drive.owner, "%s/%s", world.folder, expected->name);
    drive.bytes.bytes = text_read_file(drive.owner, path, FILE_LIMIT, &drive.bytes.length, &error);
    if (drive.bytes.bytes == NULL)
        fail_msg("%s", error.message);
    drive.findings = upload_findings_begin(drive.owner);
    drive.findings.limit = FINDINGS_LIMIT;
    drive.profile = load_profile(&drive);
    world.count = world.stored;
    if (scan_file(&drive))
        judge_file(&drive);
    drive.seen.refused = drive.findings.file_refused;
    drive.seen.findings = drive.findings.findings;
    drive.seen.finding_count = drive.findings.count;
    const char *difference = csv_case_compare(drive.owner, expected, &drive.seen);
    if (difference[0] != '\0')
        fail_msg("%s (%s)\n%s", expected->name, expected->about, difference);
    talloc_free(drive.owner);
}

static int begin(void **state)
{
    struct error error = {0};
    (void)state;
    world.today = date_from_civil(2026, 11, 20);
    world.catalogue = catalogue_load(world.owner, "forms/protocols/demo.yaml", "forms/instruments", &error);
    if (world.catalogue == NULL)
        fail_msg("%s", error.message);
    load_stored(&world);
    world.folder = csv_cases_make(world.owner);
    return 0;
}

static int end(void **state)
{
    (void)state;
    csv_cases_remove(world.folder);
    return 0;
}

int main(void)
{
    size_t count;
    world.owner = memory_owner(NULL, "world");
    struct csv_case *cases = csv_cases_load(world.owner, &count);
    struct CMUnitTest *tests = memory_new_array(world.owner, struct CMUnitTest, count);
    for (size_t i = 0; i < count; i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].name, .test_func = test_case, .initial_state = &cases[i]};
    int failed = _cmocka_run_group_tests("golden_csv", tests, count, begin, end);
    talloc_free(world.owner);
    return failed;
}
