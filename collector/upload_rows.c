/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_rows.h"

#include <string.h>
#include <time.h>

#include "forms/base/memory.h"

enum { ROOM_AT_FIRST = 256, ROW_OBJECTS = 64, ROW_BYTES = 8192 };

/* Owner of a row, with room for what one of a questionnaire takes: some hundred small pieces of memory. */
struct row {
    char nothing;
};

/* ---- a batch ---- */

struct upload_batch *upload_batch_new(const void *owner)
{
    struct upload_batch *batch = memory_new(owner, struct upload_batch);
    batch->owner = batch;
    return batch;
}

bool upload_batch_is_full(const struct upload_batch *batch)
{
    return batch->records >= UPLOAD_BATCH_RECORDS || batch->count >= UPLOAD_BATCH_RECORDS ||
           batch->bytes >= UPLOAD_BATCH_BYTES;
}

/* Bytes of the cells. */
static size_t copy_line(const void *owner, const struct csv_line *line, struct csv_line *copy)
{
    const char **cells = memory_new_array(owner, const char *, line->cell_count + 1);
    bool *quoted = memory_new_array(owner, bool, line->cell_count + 1);
    size_t total = 0, at = 0;
    for (size_t i = 0; i < line->cell_count; i++)
        total = memory_size_sum(total, strlen(line->cells[i]) + 1);
    char *texts = memory_new_array(owner, char, total + 1);
    for (size_t i = 0; i < line->cell_count; i++) {
        size_t length = strlen(line->cells[i]) + 1;
        memcpy(texts + at, line->cells[i], length);
        cells[i] = texts + at;
        at += length;
        quoted[i] = line->quoted != NULL && line->quoted[i];
    }
    *copy = *line;
    copy->cells = cells;
    copy->quoted = quoted;
    return total;
}

/* What others rest on decides for the row. */
static enum upload_sweep sweep_of_row(const struct upload_row *row, const struct upload_plan *plan)
{
    enum upload_sweep first = row->record_count > 0 ? SWEEP_OTHERS : upload_sweep_of_nothing(plan);
    for (size_t i = 0; i < row->record_count; i++)
        if (upload_sweep_of(row->records[i].form) < first)
            first = upload_sweep_of(row->records[i].form);
    return first;
}

static struct store_upload_key key_of(const struct upload_record *record)
{
    const struct submission_input *input = &record->input;
    struct store_upload_key key = {
        .knee = input->knee != NULL ? input->knee : "none", .form = record->form->id,
        .visit = input->visit != NULL ? input->visit : "unscheduled",
        .instance = input->instance > 0 && input->instance <= INT32_MAX ? (int)input->instance : 1};
    if (input->subject == NULL || !subject_parse(input->subject, &key.site, &key.subject))
        key.site = key.subject = 0;
    return key;
}

void upload_batch_add(struct upload_batch *batch, const struct upload_rules *rules, const struct csv_line *line,
                      enum upload_sweep sweep)
{
    struct upload_judged row = {.owner = memory_new_pool(batch, struct row, ROW_OBJECTS, ROW_BYTES)};
    size_t bytes = copy_line(row.owner, line, &row.line);
    row.findings = upload_findings_begin(row.owner);
    row.row = upload_row_read(row.owner, rules->reading->plan, &row.line, &row.findings);
    if (sweep_of_row(&row.row, rules->reading->plan) != sweep) {
        talloc_free(row.owner);
        return;
    }
    row.keys = memory_new_array(row.owner, struct store_upload_key, row.row.record_count + 1);
    row.effects = memory_new_array(row.owner, struct upload_effect, row.row.record_count + 1);
    for (size_t i = 0; i < row.row.record_count; i++)
        row.keys[i] = key_of(&row.row.records[i]);
    if (batch->count == batch->room) {
        batch->room = batch->room > 0 ? 2 * batch->room : ROOM_AT_FIRST;
        batch->rows = memory_resize_array(batch, batch->rows, struct upload_judged, batch->room);
    }
    batch->rows[batch->count++] = row;
    batch->records += row.row.record_count;
    batch->bytes += bytes;
}

/* ---- what is stored ---- */

static struct upload_stored stored_of(const struct store_upload_found *found)
{
    return (struct upload_stored){
        .subject_known = found->subject_known, .subject_locked = found->subject_locked,
        .record_locked = found->record_locked, .record_signed = found->record_signed,
        .study_frozen = found->study_frozen, .version = found->version, .is_void = found->is_void,
        .form_version = found->form_version, .dated = found->dated, .content = found->content,
        .treated_on = found->treated_on, .taken_back = found->taken_back};
}

/* For all records of the batch, one after the other. */
static struct store_upload_found *look_up(struct upload_batch *batch, const struct upload_rules *rules,
                                          struct error *error)
{
    struct store_upload_found *found = memory_new_array(batch, struct store_upload_found, batch->records + 1);
    struct store_upload_key *keys = memory_new_array(batch, struct store_upload_key, batch->records + 1);
    struct store_reader reader = {rules->work->at.token, rules->work->at.study_id};
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++)
        for (size_t record = 0; record < batch->rows[i].row.record_count; record++)
            keys[count++] = batch->rows[i].keys[record];
    for (size_t from = 0; from < count; from += STORE_UPLOAD_ROWS) {
        size_t most = count - from < STORE_UPLOAD_ROWS ? count - from : STORE_UPLOAD_ROWS;
        struct store_upload_keys wanted = {keys + from, most, UPLOAD_TREATMENT_FORM};
        struct store_upload_found *part = store_look_up(batch, rules->work->store, &reader, &wanted, error);
        if (part == NULL)
            return NULL;
        memcpy(found + from, part, most * sizeof *part);
    }
    return found;
}

/* ---- what the file has told before ---- */

static int side_of(const char *knee)
{
    return strcmp(knee, "left") == 0 ? 0 : strcmp(knee, "right") == 0 ? 1 : -1;
}

static int index_side(const struct upload_subject *told, const struct store_upload_found *found)
{
    if (told->index_knee != '\0')
        return told->index_knee == 'l' ? 0 : 1;
    return found->index_knee != NULL ? side_of(found->index_knee) : -1;
}

static void add_told(const void *owner, const struct upload_subject *told, const struct store_upload_key *key,
                     const struct store_upload_found *found, struct upload_stored *stored)
{
    int side = side_of(key->knee) >= 0 ? side_of(key->knee) : index_side(told, found);
    stored->subject_known = stored->subject_known || told->enrolled;
    if (side < 0 || told->treated[side] == DATE_NONE)
        return;
    char date[DATE_TEXT_SIZE];
    date_format(told->treated[side], date);
    stored->treated_on = memory_copy_string(owner, date);
}

/* Day 1 by a record of the file: the oldest, unless that one was what this record corrects. */
static date_days day_1(const struct upload_subject *told, int side, const struct store_upload_found *found,
                       const struct submission *submission)
{
    date_days before = told->treated[side];
    bool corrects = found->version > 0 && found->dated != NULL && found->treated_on != NULL &&
                    strcmp(found->dated, found->treated_on) == 0;
    if (before == DATE_NONE && !corrects && (found->treated_on == NULL || !date_parse(found->treated_on, &before)))
        before = DATE_NONE;
    return before == DATE_NONE || submission->date < before ? submission->date : before;
}

/* What an accepted record tells of its subject. */
static void tell(struct upload_subject *told, const struct store_upload_key *key,
                 const struct store_upload_found *found, const struct submission *submission)
{
    if (submission->form->creates_subject) {
        int item = form_find_item(submission->form, "index_knee");
        const struct answer *answer = item != FORM_NONE ? &submission->answers[item] : NULL;
        told->enrolled = told->enrolled || submission->version == 1;
        if (answer != NULL && answer->state == ANSWER_GIVEN && side_of(answer->text) >= 0)
            told->index_knee = answer->text[0];
    }
    int side = side_of(key->knee);
    if (upload_sweep_of(submission->form) == SWEEP_TREATMENTS && side >= 0)
        told->treated[side] = day_1(told, side, found, submission);
}

/* ---- judging ---- */

static date_days today_at(struct upload_rules *rules, int site)
{
    const struct catalogue_study *study = rules->work->study;
    for (size_t i = 0; i < study->site_count; i++) {
        if (study->sites[i].site != site)
            continue;
        struct error ignored;
        if (rules->todays[i] == DATE_NONE &&
            !date_today(study->sites[i].time_zone, rules->now, &rules->todays[i], &ignored))
            rules->todays[i] = (date_days)(rules->now / 86400);
        return rules->todays[i];
    }
    return (date_days)(rules->now / 86400);
}

/* A key that stood before: the same again is passed over, other content refused. */
static bool judge_doubles(struct upload_judged *row, const struct upload_record *record,
                          const struct upload_rules *rules)
{
    uint8_t hash[32];
    bool same = false;
    upload_record_hash(record, hash);
    int64_t before = upload_scan_seen(rules->reading->scan, record, hash, &same);
    if (before == 0)
        return false;
    struct upload_place place = {row->line.line, NULL, NULL};
    if (same)
        upload_finding_add(&row->findings, UPLOAD_WARNING, "doubled_row", &place,
                           "line %lld says the same of this record; it is taken once", (long long)before);
    else
        upload_finding_add(&row->findings, UPLOAD_ROW_REFUSED, "doubled_key", &place,
                           "line %lld says something else of this record; leave the right one of the two in the file",
                           (long long)before);
    return same;
}

static void judge_record(struct upload_judged *row, size_t at, struct upload_rules *rules,
                         const struct store_upload_found *found, const struct upload_subject *told)
{
    const struct upload_record *record = &row->row.records[at];
    struct upload_stored stored = stored_of(found);
    bool again = judge_doubles(row, record, rules);
    add_told(row->owner, told, &row->keys[at], found, &stored);
    rules->judging.today = today_at(rules, row->keys[at].site);
    row->effects[at] =
        upload_effect_of(row->owner, rules->reading->plan, record, &stored, &rules->judging, &row->findings);
    if (again && row->effects[at].verdict != UPLOAD_REFUSED)
        row->effects[at] = (struct upload_effect){.verdict = UPLOAD_UNCHANGED};
}

static enum upload_verdict verdict_of(const struct upload_judged *row)
{
    bool has[UPLOAD_REFUSED + 1] = {false};
    for (size_t i = 0; i < row->row.record_count; i++)
        has[row->effects[i].verdict] = true;
    if (row->row.refused || row->findings.refusals > 0 || has[UPLOAD_REFUSED])
        return UPLOAD_REFUSED;
    return has[UPLOAD_CHANGED] ? UPLOAD_CHANGED : has[UPLOAD_NEW] ? UPLOAD_NEW : UPLOAD_UNCHANGED;
}

static bool has_warning(const struct upload_findings *findings)
{
    for (size_t i = 0; i < findings->count; i++)
        if (findings->findings[i].severity == UPLOAD_WARNING)
            return true;
    return false;
}

/* What the records of a row tell counts for those behind them, and for later rows only when all of the row is taken. */
struct telling {
    int site, subject;
    struct upload_subject told;
    bool changed;
};

static struct telling *telling_of(struct telling *tellings, size_t *count, const struct upload_rules *rules,
                                  const struct store_upload_key *key)
{
    for (size_t i = 0; i < *count; i++)
        if (tellings[i].site == key->site && tellings[i].subject == key->subject)
            return &tellings[i];
    struct telling *telling = &tellings[(*count)++];
    *telling = (struct telling){.site = key->site, .subject = key->subject};
    upload_known_find(rules->known, key->site, key->subject, &telling->told);
    return telling;
}

static void judge_row(struct upload_judged *row, struct upload_rules *rules, const struct store_upload_found *found,
                      struct error *error)
{
    struct telling *tellings = memory_new_array(row->owner, struct telling, row->row.record_count + 1);
    size_t count = 0;
    for (int sweep = 0; sweep < SWEEP_COUNT; sweep++)
        for (size_t i = 0; i < row->row.record_count; i++) {
            if (upload_sweep_of(row->row.records[i].form) != (enum upload_sweep)sweep)
                continue;
            struct telling *telling = telling_of(tellings, &count, rules, &row->keys[i]);
            judge_record(row, i, rules, &found[i], &telling->told);
            const struct upload_effect *effect = &row->effects[i];
            if (effect->submission == NULL || effect->verdict == UPLOAD_REFUSED || sweep == SWEEP_OTHERS)
                continue;
            tell(&telling->told, &row->keys[i], &found[i], effect->submission);
            telling->changed = true;
        }
    row->verdict = verdict_of(row);
    row->warned = has_warning(&row->findings);
    for (size_t i = 0; row->verdict != UPLOAD_REFUSED && i < count; i++)
        if (tellings[i].changed &&
            !upload_known_put(rules->known, tellings[i].site, tellings[i].subject, &tellings[i].told))
            error_set(error, ERROR_INPUT, "the file is about more than %d subjects", UPLOAD_KNOWN_MOST);
}

bool upload_batch_judge(struct upload_batch *batch, struct upload_rules *rules, struct error *error)
{
    struct store_upload_found *found = look_up(batch, rules, error);
    error->kind = found != NULL ? ERROR_NONE : error->kind;
    for (size_t i = 0, record = 0; found != NULL && i < batch->count && error->kind == ERROR_NONE; i++) {
        judge_row(&batch->rows[i], rules, found + record, error);
        record += batch->rows[i].row.record_count;
    }
    return found != NULL && error->kind == ERROR_NONE;
}

struct upload_rules *upload_rules_new(struct upload_work *work, struct upload_reading *reading)
{
    struct upload_rules *rules = memory_new(work->owner, struct upload_rules);
    *rules = (struct upload_rules){.work = work, .reading = reading, .now = (int64_t)time(NULL),
                                   .judging = {.study = work->study->code}};
    rules->known = upload_known_new(rules);
    rules->todays = memory_new_array(rules, date_days, work->study->site_count + 1);
    for (size_t i = 0; i < work->study->site_count; i++)
        rules->todays[i] = DATE_NONE;
    return rules;
}

char *upload_key_text(const void *owner, const struct store_upload_key *key)
{
    char subject[SUBJECT_TEXT_SIZE] = "?";
    if (key->site > 0)
        subject_format(key->site, key->subject, subject);
    return memory_format(owner, "%s %s %s %s %d", subject, key->knee, key->form, key->visit, key->instance);
}
