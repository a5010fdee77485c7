/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What must hold for every file: records that are written in any dialect and order and read again are unchanged, and no
 * order of columns or rows makes another effect.  Records, dialects and orders are drawn from seeds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/csv_cell.h"
#include "forms/upload_effect.h"
#include "forms/upload_scan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { RECORDS = 12, FIXED = 5, COLUMNS_MOST = 120, SEEDS = 150, PIECE = 97 };

/* ---- chance ---- */

struct chance {
    uint64_t state;
};

static unsigned draw(struct chance *chance, unsigned below)
{
    chance->state = chance->state * 6364136223846793005U + 1442695040888963407U;
    return (unsigned)(chance->state >> 33) % below;
}

static void shuffle(struct chance *chance, size_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        numbers[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t other = draw(chance, (unsigned)i), kept = numbers[i - 1];
        numbers[i - 1] = numbers[other];
        numbers[other] = kept;
    }
}

/* ---- records ---- */

static const char *draw_text(struct chance *chance)
{
    static const char *const texts[] = {
        "swelling", "a, b; c | d ^ e", "felt a \"click\"", "two\nlines", "=1+1", "-2 degrees", "@home", "+pain",
        "Kn\xc3\xb6" "chel gen\xc3\xa9", "UNK", "NA", ".", "'tight'", "tab\there", "'=odd", "1,5", "<1", "true",
    };
    return texts[draw(chance, COUNT(texts))];
}

static const char *draw_number(const void *owner, struct chance *chance, const struct item *item)
{
    double low = item->min > -1000 ? item->min : 0, high = item->max < 1000 ? item->max : low + 50;
    long whole = (long)low + (long)draw(chance, (unsigned)(high - low) + 1);
    if (item->type == ITEM_INTEGER || draw(chance, 2) == 0)
        return memory_format(owner, "%ld", whole);
    return memory_format(owner, "%ld.%u", whole, 1 + draw(chance, 9));
}

static const char *draw_date(const void *owner, struct chance *chance, bool partial)
{
    unsigned shape = partial ? draw(chance, 3) : 0;
    unsigned year = 2024 + draw(chance, 2), month = 1 + draw(chance, 12), day = 1 + draw(chance, 28);
    if (shape == 0)
        return memory_format(owner, "%u-%02u-%02u", year, month, day);
    return shape == 1 ? memory_format(owner, "%u-%02u", year, month) : memory_format(owner, "%u", year);
}

static const char *draw_answer(const void *owner, struct chance *chance, const struct item *item)
{
    switch (item->type) {
    case ITEM_CHOICE: return item->choices[draw(chance, (unsigned)item->choice_count)].code;
    case ITEM_INTEGER:
    case ITEM_DECIMAL: return draw_number(owner, chance, item);
    case ITEM_DATE:
    case ITEM_PARTIAL_DATE: return draw_date(owner, chance, item->type == ITEM_PARTIAL_DATE);
    case ITEM_TEXT: return draw_text(chance);
    case ITEM_BOOLEAN: return draw(chance, 2) == 0 ? "true" : "false";
    }
    return "";
}

struct world {
    void *owner;
    const struct catalogue *catalogue;
    const struct form *form;
    const struct submission *records[RECORDS];
};

/* Takes what the problems are about out of the answers; soft ones are confirmed. */
static void mend(const void *owner, struct submission_input *input, const struct problem_list *problems)
{
    struct raw_answer *answers = memory_new_array(owner, struct raw_answer, input->answer_count);
    struct raw_reason *confirmed = memory_new_array(owner, struct raw_reason, problems->count);
    size_t kept = 0, soft = 0;
    for (size_t i = 0; i < input->answer_count; i++) {
        bool wrong = false;
        for (size_t k = 0; k < problems->count; k++)
            wrong |= !problems->problems[k].soft && problems->problems[k].item != NULL
                     && strcmp(problems->problems[k].item, input->answers[i].item) == 0;
        if (!wrong)
            answers[kept++] = input->answers[i];
    }
    for (size_t k = 0; k < problems->count; k++)
        if (problems->problems[k].soft)
            confirmed[soft++] = (struct raw_reason){problems->problems[k].item, problems->problems[k].rule,
                                                    "looked at twice"};
    input->answers = answers;
    input->answer_count = kept;
    input->confirmed = kept == input->answer_count ? confirmed : NULL;
    input->confirmed_count = soft;
}

/* A record that every door would take, or NULL where chance made none of it. */
static const struct submission *draw_record(const struct world *world, struct chance *chance, unsigned number)
{
    static const char *const reasons[] = {"refused", "not_done", "unknown", "not_applicable", "illegible"};
    const struct form *form = world->form;
    const struct visit *visits = world->catalogue->protocol->visits;
    bool any_time = protocol_form_is_any_time(world->catalogue->protocol, form->id);
    struct raw_answer *answers = memory_new_array(world->owner, struct raw_answer, form->item_count);
    struct raw_reason *declined = memory_new_array(world->owner, struct raw_reason, form->item_count);
    struct submission_input input = {
        .id = "00000000-0000-0000-0000-000000000000", .subject = memory_format(world->owner, "07-%04u", number + 1),
        .knee = form->about == FORM_ABOUT_SUBJECT ? "none" : draw(chance, 2) == 0 ? "left" : "right",
        .form = form->id, .form_version = form->version, .date = "2026-03-15", .answers = answers,
        .visit = any_time ? "unscheduled" : visits[draw(chance, 5)].id, .not_answered = declined};
    for (size_t i = 0; i < form->item_count; i++) {
        const struct item *item = &form->items[i];
        unsigned kind = draw(chance, 10);
        if (kind < 7 || item->must_be_answered)
            answers[input.answer_count++] = (struct raw_answer){item->id, RAW_TEXT,
                                                                draw_answer(world->owner, chance, item)};
        else if (kind < 8 && item->show == NULL)
            declined[input.not_answered_count++] = (struct raw_reason){.item = item->id,
                                                                       .reason = reasons[draw(chance, 5)]};
    }
    for (int attempt = 0; attempt < 12; attempt++) {
        struct problem_list problems = {NULL, 0};
        const struct submission *submission = submission_check(world->owner, world->catalogue, &input,
                                                               date_from_civil(2026, 4, 1), &problems);
        if (submission != NULL)
            return submission;
        mend(world->owner, &input, &problems);
    }
    return NULL;
}

static struct world world_of(const struct catalogue *catalogue, struct chance *chance)
{
    static const char *const forms[] = {"koos", "pain_vas", "adverse_event", "baseline", "return_to_activity",
                                        "imaging", "concomitant_treatment", "patient_global"};
    struct world world = {.owner = memory_owner(NULL, "world"), .catalogue = catalogue};
    world.form = catalogue_find_form(catalogue, forms[draw(chance, COUNT(forms))], 0);
    for (unsigned i = 0; i < RECORDS; i++)
        world.records[i] = draw_record(&world, chance, i);
    return world;
}

/* ---- writing ---- */

struct manner {
    char delimiter, decimal;
    enum csv_encoding encoding;
    bool mark, all_quoted, sep_line;
    const char *newline;
    enum upload_date_order dates;
};

static struct manner draw_manner(struct chance *chance)
{
    static const char delimiters[] = ",;\t|^";
    static const char *const newlines[] = {"\n", "\r\n", "\r"};
    struct manner manner = {.dates = (enum upload_date_order)draw(chance, 3), .newline = newlines[draw(chance, 3)]};
    manner.delimiter = delimiters[draw(chance, 5)];
    manner.decimal = draw(chance, 2) == 0 ? '.' : ',';
    manner.encoding = (enum csv_encoding)(CSV_UTF8 + draw(chance, 4));
    manner.mark = manner.encoding > CSV_WINDOWS_1252 || (manner.encoding == CSV_UTF8 && draw(chance, 2) == 0);
    manner.all_quoted = draw(chance, 2) == 0;
    manner.sep_line = draw(chance, 4) == 0;
    return manner;
}

static void write_cell(struct text *out, const struct manner *manner, const char *cell)
{
    bool quoted = manner->all_quoted || strpbrk(cell, "\"\r\n") != NULL || strchr(cell, manner->delimiter) != NULL;
    if (cell[0] == '\0')
        quoted = false;
    if (quoted)
        text_append(out, "\"");
    for (const char *at = cell; *at != '\0'; at++) {
        if (*at == '"')
            text_append(out, "\"");
        text_append_bytes(out, at, 1);
    }
    if (quoted)
        text_append(out, "\"");
}

/* The date in the file's order. */
static const char *order_date(const void *owner, const struct manner *manner, const char *date)
{
    if (strlen(date) != 10 || manner->dates == UPLOAD_DATES_ISO)
        return date;
    bool day_first = manner->dates == UPLOAD_DATES_DMY;
    return memory_format(owner, "%.2s/%.2s/%.4s", date + (day_first ? 8 : 5), date + (day_first ? 5 : 8), date);
}

static const char *item_cell(const void *owner, const struct manner *manner, const struct item *item,
                             const struct answer *answer)
{
    if (answer->state != ANSWER_GIVEN)
        return "";
    char *cell = memory_copy_string(owner, answer->text);
    if (item->type == ITEM_DATE || item->type == ITEM_PARTIAL_DATE)
        return order_date(owner, manner, cell);
    if (item->type == ITEM_DECIMAL && strchr(cell, '.') != NULL)
        *strchr(cell, '.') = manner->decimal;
    bool is_formula = item->type == ITEM_TEXT && strchr("=+-@\t\r", cell[0]) != NULL;
    return is_formula ? memory_format(owner, "'%s", cell) : cell;
}

static const char *reasons_cell(const void *owner, const struct submission *record)
{
    struct text *out = text_new(owner);
    for (size_t i = 0; i < record->form->item_count; i++)
        if (record->answers[i].state == ANSWER_DECLINED)
            text_append_format(out, "%s%s=%s", out->length > 0 ? " " : "", record->form->items[i].id,
                               record->answers[i].text);
    return out->bytes;
}

/* Column 0 to 3 are the keys and the date, 4 the reasons for no answer, then the items. */
static const char *cell_of(const void *owner, const struct manner *manner, const struct submission *record,
                           size_t column)
{
    char subject[SUBJECT_TEXT_SIZE];
    switch (column) {
    case 0: subject_format(record->site, record->subject, subject); return memory_copy_string(owner, subject);
    case 1: return record->knee;
    case 2: return record->visit;
    case 3: return order_date(owner, manner, "2026-03-15");
    case 4: return reasons_cell(owner, record);
    default: return item_cell(owner, manner, &record->form->items[column - FIXED], &record->answers[column - FIXED]);
    }
}

static const char *name_of(const struct form *form, size_t column)
{
    static const char *const fixed[FIXED] = {"subject", "knee", "visit", "date", "not_answered"};
    return column < FIXED ? fixed[column] : form->items[column - FIXED].id;
}

/* One character of UTF-8, none above U+00FF is in the texts. */
static unsigned next_character(const char **at)
{
    unsigned first = (unsigned char)*(*at)++;
    return first < 0x80 ? first : (first & 0x1F) << 6 | ((unsigned char)*(*at)++ & 0x3F);
}

static struct text *encode(const void *owner, const struct manner *manner, const struct text *utf8)
{
    struct text *out = text_new(owner);
    if (manner->mark)
        text_append_bytes(out, manner->encoding == CSV_UTF8      ? "\xef\xbb\xbf"
                               : manner->encoding == CSV_UTF16LE ? "\xff\xfe"
                                                                 : "\xfe\xff",
                          manner->encoding == CSV_UTF8 ? 3 : 2);
    if (manner->encoding == CSV_UTF8) {
        text_append_bytes(out, utf8->bytes, utf8->length);
        return out;
    }
    for (const char *at = utf8->bytes; *at != '\0';) {
        unsigned c = next_character(&at);
        char low = (char)(unsigned char)c;
        if (manner->encoding == CSV_UTF16BE)
            text_append_bytes(out, "", 1);
        text_append_bytes(out, &low, 1);
        if (manner->encoding == CSV_UTF16LE)
            text_append_bytes(out, "", 1);
    }
    return out;
}

static struct text *write_file(const struct world *world, const struct manner *manner, struct chance *chance)
{
    size_t columns = FIXED + world->form->item_count, order[COLUMNS_MOST], rows[RECORDS];
    struct text *out = text_new(world->owner);
    assert_true(columns <= COLUMNS_MOST);
    shuffle(chance, order, columns);
    shuffle(chance, rows, RECORDS);
    if (manner->sep_line)
        text_append_format(out, "sep=%c%s", manner->delimiter, manner->newline);
    for (size_t i = 0; i <= RECORDS; i++) {
        const struct submission *record = i > 0 ? world->records[rows[i - 1]] : NULL;
        if (i > 0 && record == NULL)
            continue;
        for (size_t k = 0; k < columns; k++) {
            if (k > 0)
                text_append_bytes(out, &manner->delimiter, 1);
            write_cell(out, manner,
                       i == 0 ? name_of(world->form, order[k]) : cell_of(world->owner, manner, record, order[k]));
        }
        text_append(out, manner->newline);
    }
    return encode(world->owner, manner, out);
}

/* ---- reading ---- */

struct bytes {
    const struct text *text;
    size_t at;
};

static bool read_bytes(void *context, const char **bytes, size_t *length, struct error *error)
{
    struct bytes *from = context;
    (void)error;
    size_t left = from->text->length - from->at;
    *bytes = from->text->bytes + from->at;
    *length = left < PIECE ? left : PIECE;
    from->at += *length;
    return true;
}

/* What became of each record, by its subject's number. */
struct outcome {
    enum upload_verdict verdict[RECORDS];
    uint8_t content[RECORDS][32];
    size_t rows;
};

struct judge {
    const struct world *world;
    const struct upload_profile *profile;
    struct upload_findings findings;
    struct csv_dialect dialect;
    struct upload_plan *plan;
    struct upload_scan *scan;
    bool stored;                     /* the records are there already */
};

static void fail_with(const struct judge *judge, const char *what)
{
    for (size_t i = 0; i < judge->findings.count; i++) {
        const struct upload_finding *finding = &judge->findings.findings[i];
        if (finding->severity >= UPLOAD_WARNING)
            print_message("# %s %s %s: %s\n", finding->code, finding->column != NULL ? finding->column : "-",
                          finding->value != NULL ? finding->value : "-", finding->text);
    }
    fail_msg("form %s, delimiter %c, encoding %d, newline %d: %s", judge->world->form->id, judge->dialect.delimiter,
             (int)judge->dialect.encoding, judge->dialect.newline != NULL ? judge->dialect.newline[0] : 0, what);
}

static struct csv_reader *open_reader(struct judge *judge, struct bytes *bytes)
{
    struct error error = {0};
    const char *head = NULL;
    size_t length = 0;
    bytes->at = 0;
    struct csv_source *source =
        csv_source_open(judge->world->owner, read_bytes, bytes, &judge->findings, &error);
    judge->dialect = judge->profile->dialect;
    if (source == NULL || !csv_source_peek(source, &head, &length, &error)
        || !csv_dialect_find(head, length, upload_is_header, (void *)(uintptr_t)judge->profile, &judge->dialect,
                             &judge->findings))
        fail_with(judge, "the dialect was not found");
    struct csv_reader *reader =
        csv_reader_new(judge->world->owner, source, &judge->dialect, &judge->findings, &error);
    if (reader == NULL)
        fail_with(judge, "the file cannot be read");
    return reader;
}

static void judge_record(struct judge *judge, const struct upload_record *record, struct outcome *outcome)
{
    long number = strtol(record->input.subject + 3, NULL, 10) - 1;
    const struct submission *submission = judge->world->records[number];
    struct upload_stored stored = {.subject_known = true};
    if (judge->stored) {
        stored.version = 1;
        stored.form_version = submission->form->version;
        stored.dated = "2026-03-15";
        stored.content = submission->canonical;
    }
    const struct upload_judging judging = {.study = "demo", .today = date_from_civil(2026, 4, 1)};
    struct upload_effect effect = upload_effect_of(judge->world->owner, judge->plan, record, &stored, &judging,
                                                   &judge->findings);
    outcome->verdict[number] = effect.verdict;
    memcpy(outcome->content[number], effect.content, sizeof effect.content);
    outcome->rows++;
}

static void read_once(struct judge *judge, struct csv_reader *reader, struct outcome *outcome)
{
    const struct csv_line *line;
    struct error error = {0};
    enum csv_next next = csv_reader_next(reader, &line, &error);
    assert_int_equal(next, CSV_ROW);
    if (judge->plan == NULL) {
        const struct csv_header header = {line->cells, line->cell_count, line->line, judge->world->form->id, 7};
        judge->plan = upload_plan_make(judge->world->owner, judge->world->catalogue, judge->profile, &judge->dialect,
                                       &header, &judge->findings);
        if (judge->plan == NULL)
            fail_with(judge, "there is no plan");
        judge->scan = upload_scan_new(judge->world->owner, judge->plan, RECORDS);
    }
    while ((next = csv_reader_next(reader, &line, &error)) == CSV_ROW) {
        if (outcome == NULL) {
            upload_scan_row(judge->scan, line);
            continue;
        }
        struct upload_row row = upload_row_read(judge->world->owner, judge->plan, line, &judge->findings);
        if (row.refused || row.record_count != 1)
            fail_with(judge, "a row was refused");
        judge_record(judge, row.records, outcome);
    }
    if (next != CSV_END)
        fail_with(judge, "the file was refused");
}

static struct outcome judge_file(const struct world *world, const struct manner *manner, const struct text *file,
                                 bool stored)
{
    struct upload_profile profile = {.name = "drawn", .version = 1, .dates = manner->dates,
                                     .dates_declared = manner->dates != UPLOAD_DATES_ISO};
    if (manner->encoding == CSV_WINDOWS_1252)
        profile.dialect.encoding = CSV_WINDOWS_1252;
    profile.dialect.decimal = manner->decimal;
    struct judge judge = {.world = world, .profile = &profile, .stored = stored,
                          .findings = upload_findings_begin(world->owner)};
    struct bytes bytes = {.text = file};
    struct outcome outcome = {.rows = 0};
    read_once(&judge, open_reader(&judge, &bytes), NULL);
    if (!upload_scan_end(judge.scan, judge.plan, &judge.findings))
        fail_with(&judge, "the scan refused the file");
    read_once(&judge, open_reader(&judge, &bytes), &outcome);
    for (unsigned i = 0; stored && i < RECORDS; i++)
        if (world->records[i] != NULL && outcome.verdict[i] != UPLOAD_UNCHANGED)
            fail_with(&judge, memory_format(world->owner, "record %u is not unchanged: %s", i,
                                            world->records[i]->canonical));
    return outcome;
}

/* ---- the properties ---- */

static const struct catalogue *load(const void *owner)
{
    struct error error = {0};
    const struct catalogue *catalogue =
        catalogue_load(owner, "forms/protocols/demo.yaml", "forms/instruments", &error);
    if (catalogue == NULL)
        fail_msg("%s", error.message);
    return catalogue;
}

static size_t count_records(const struct world *world)
{
    size_t count = 0;
    for (size_t i = 0; i < RECORDS; i++)
        count += world->records[i] != NULL;
    return count;
}

static void test_upload_of_what_is_stored_is_unchanged_in_every_dialect(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct catalogue *catalogue = load(owner);
    size_t written = 0;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct chance chance = {seed};
        struct world world = world_of(catalogue, &chance);
        const struct manner manner = draw_manner(&chance);
        if (count_records(&world) > 0) {
            struct outcome outcome = judge_file(&world, &manner, write_file(&world, &manner, &chance), true);
            assert_int_equal(outcome.rows, count_records(&world));
            written += outcome.rows;
        }
        talloc_free(world.owner);
    }
    assert_true(written > SEEDS * RECORDS / 2);
    talloc_free(owner);
}

/* The same records in two files of other dialects and orders: each record has the same effect in both. */
static void test_upload_has_the_same_effects_in_any_order(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    const struct catalogue *catalogue = load(owner);
    size_t fresh = 0;
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        struct chance chance = {seed + 1000};
        struct world world = world_of(catalogue, &chance);
        struct outcome outcomes[2];
        for (int i = 0; i < 2 && count_records(&world) > 0; i++) {
            const struct manner manner = draw_manner(&chance);
            outcomes[i] = judge_file(&world, &manner, write_file(&world, &manner, &chance), false);
        }
        for (size_t k = 0; k < RECORDS && count_records(&world) > 0; k++) {
            if (world.records[k] == NULL)
                continue;
            assert_int_equal(outcomes[0].verdict[k], outcomes[1].verdict[k]);
            assert_memory_equal(outcomes[0].content[k], outcomes[1].content[k], 32);
            fresh += outcomes[0].verdict[k] == UPLOAD_NEW;
        }
        talloc_free(world.owner);
    }
    assert_true(fresh > SEEDS * RECORDS / 2);
    talloc_free(owner);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upload_of_what_is_stored_is_unchanged_in_every_dialect),
        cmocka_unit_test(test_upload_has_the_same_effects_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
