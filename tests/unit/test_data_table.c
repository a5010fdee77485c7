/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Analysis datasets: what they hold gives the numbers of the report again; CSV, Dataset-JSON, codebook,
 * loaders.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/csv_table.h"
#include "reports/analysis.h"
#include "reports/data_csv.h"
#include "reports/data_json.h"
#include "tests/support/study.h"

#define NEAR 1e-9

struct fixture {
    struct dataset *dataset;
    struct results *results;
    struct data_table **tables;
    size_t count;
};

static void add_vas(struct study *study, size_t subject, const char *visit, const char *date, const char *vas)
{
    struct study_record *record = study_add_record(study, subject, "pain_vas", KNEE_RIGHT, visit, study_date(date));
    if (vas != NULL)
        study_answer(study, record, "vas", vas);
}

static void add_event(struct study *study, size_t subject, const char *onset, const char *severity)
{
    struct study_record *record = study_add_record(study, subject, "adverse_event", KNEE_RIGHT, "unscheduled",
                                             study_date("2026-03-01"));
    study_answer(study, record, "term", "=knee, \"hot\"\nand sore");
    study_answer(study, record, "coded_term", "Arthralgia");
    study_answer(study, record, "system_organ_class", "Musculoskeletal");
    study_answer(study, record, "onset", onset);
    study_answer(study, record, "severity", severity);
    study_answer(study, record, "serious", "false");
}

static void add_baseline(struct study *study, size_t subject, const char *age)
{
    struct study_record *record = study_add_record(study, subject, "baseline", KNEE_NONE, "BL",
                                                   study_date("2026-01-08"));
    study_answer(study, record, "age_years", age);
    study_answer(study, record, "sex", "f");
}

static void fill(struct study *study)
{
    static const struct {
        const char *cohort, *before, *after, *age;
    } subjects[] = {{"CELLS", "61", "30", "58"}, {"CS", "72", "44", NULL},   {"CELLS", "80", NULL, "71"},
                    {"CS", "55", "50", "49"},    {"CELLS", "0", "29", "66"}, {NULL, "40", "41", "50"}};
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        size_t subject = study_add_subject(study, 7, (int)i + 1, KNEE_RIGHT, subjects[i].cohort);
        study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date("2026-01-10"));
        add_vas(study, subject, "BL", "2026-01-09", subjects[i].before);
        add_vas(study, subject, "M3", "2026-04-11", subjects[i].after);
        if (subjects[i].age != NULL)
            add_baseline(study, subject, subjects[i].age);
    }
    add_vas(study, 0, "M3", "2026-05-01", "35");            /* farther from the target */
    add_vas(study, 1, "unscheduled", "2026-02-01", "12");
    add_vas(study, 3, "M6", "2026-07-12", "47");
    add_event(study, 0, "2026-01-12", "severe");
    add_event(study, 0, "2026-01", "mild");                 /* may lie before the treatment */
    add_event(study, 3, "2025-12-30", "mild");              /* lies before it */
    /* Important, not important, and not said, which counts as important. */
    static const char *const important[] = {"true", "false", NULL};
    for (size_t i = 0; i < 3; i++) {
        struct study_record *record = study_add_record(study, i == 2 ? 4 : i, "protocol_deviation", KNEE_NONE,
                                                       "unscheduled", study_date("2026-02-01"));
        study_answer(study, record, "category", "consent");
        if (important[i] != NULL)
            study_answer(study, record, "important", important[i]);
    }
    size_t untreated = study_add_subject(study, 7, 20, KNEE_LEFT, "CS");
    add_vas(study, untreated, "BL", "2026-01-09", "33");
}

static struct fixture *new_fixture(bool pooled)
{
    static const char *const ids[] = {"Pooled"}, *const titles[] = {"All subjects"};
    struct fixture *fixture = memory_new(NULL, struct fixture);
    struct study *study = study_new(fixture, "tests/support/study.yaml");
    fill(study);
    if (pooled) {
        struct dataset *dataset = study_dataset(study);
        dataset->pooled = true;
        dataset->cohorts = ids;
        dataset->cohort_titles = titles;
        dataset->cohort_count = 1;
    }
    fixture->dataset = study_finish(study);
    fixture->results = results_new(fixture);
    analysis_run(fixture->dataset, fixture->results);
    fixture->tables = data_tables(fixture, fixture->dataset, &fixture->count);
    return fixture;
}

static int set_up(void **state)
{
    *state = new_fixture(false);
    return 0;
}

static int set_up_pooled(void **state)
{
    *state = new_fixture(true);
    return 0;
}

static int tear_down(void **state)
{
    return talloc_free(*state);
}

static struct data_table *find_table(const struct fixture *fixture, const char *name)
{
    for (size_t i = 0; i < fixture->count; i++)
        if (strcmp(fixture->tables[i]->name, name) == 0)
            return fixture->tables[i];
    fail_msg("no table %s", name);
    return NULL;
}

static bool collect(void *context, const void *bytes, size_t length, struct error *error)
{
    (void)error;
    text_append_bytes(context, bytes, length);
    return true;
}

static struct text *written(const struct fixture *fixture, const struct data_table *table,
                            void (*write)(struct sink *sink, const struct data_table *table))
{
    struct text *text = text_new(fixture);
    struct error error;
    size_t size;
    char hash[65];
    struct sink *sink = sink_new(fixture, collect, text);
    write(sink, table);
    assert_true(sink_end(sink, &size, hash, &error));
    return text;
}

static const struct csv_table *read_csv(const struct fixture *fixture, const char *name)
{
    struct error error;
    const struct text *text = written(fixture, find_table(fixture, name), data_csv_write);
    struct csv_table *table = csv_table_read(fixture, name, text->bytes, text->length, &error);
    if (table == NULL)
        fail_msg("%s:%d: %s", error.file, error.line, error.message);
    return table;
}

static const char *cell(const struct csv_table *table, size_t row, const char *column)
{
    int at = csv_table_column(table, column);
    if (at == CSV_NO_COLUMN)
        fail_msg("no column %s", column);
    return table->rows[row].cells[at];
}

static bool is(const struct csv_table *table, size_t row, const char *column, const char *value)
{
    return strcmp(cell(table, row, column), value) == 0;
}

static double value_of(const struct fixture *fixture, const char *table, const char *row, const char *col,
                       const char *stat)
{
    const struct result *result = results_find(fixture->results, table, row, col, stat);
    if (result == NULL)
        fail_msg("no result %s, %s, %s, %s", table, row, col, stat);
    return result->value;
}

/* --- the report's numbers from the datasets ------------------------------------------------------------ */

static void check_set(const struct fixture *fixture, const struct csv_table *adsl, const char *flag, const char *set)
{
    static const char *const cohorts[] = {"CELLS", "CS"};
    for (size_t c = 0; c < 2; c++) {
        int count = 0;
        for (size_t i = 0; i < adsl->row_count; i++)
            count += is(adsl, i, "COHORT", cohorts[c]) && is(adsl, i, flag, "Y");
        assert_int_equal(count, (int)value_of(fixture, "analysis sets", set, cohorts[c], "n"));
    }
}

static void test_adsl_flags_give_the_analysis_sets(void **state)
{
    struct fixture *fixture = *state;
    const struct csv_table *adsl = read_csv(fixture, "ADSL");
    assert_int_equal(adsl->row_count, fixture->dataset->subject_count);
    check_set(fixture, adsl, "ENRLFL", "enrolled");
    check_set(fixture, adsl, "SAFFL", "treated");
    check_set(fixture, adsl, "FASFL", "fas");
    check_set(fixture, adsl, "PPROTFL", "per_protocol");
    check_set(fixture, adsl, "COMPLFL", "completers");
    const double per_protocol = value_of(fixture, "analysis sets", "per_protocol", "CELLS", "n");
    assert_true(per_protocol + 2 == value_of(fixture, "analysis sets", "fas", "CELLS", "n"));
}

static void test_adsl_holds_dates_and_baseline_of_a_subject(void **state)
{
    struct fixture *fixture = *state;
    const struct csv_table *adsl = read_csv(fixture, "ADSL");
    assert_string_equal(cell(adsl, 0, "USUBJID"), "07-0001");
    assert_string_equal(cell(adsl, 0, "SITEID"), "07");
    assert_string_equal(cell(adsl, 0, "TRTSDT"), "2026-01-10");
    assert_string_equal(cell(adsl, 0, "AGE_YEARS"), "58");
    assert_string_equal(cell(adsl, 0, "SEX"), "f");
    assert_string_equal(cell(adsl, 1, "AGE_YEARS"), "");
    assert_string_equal(cell(adsl, 5, "COHORT"), "");
}

static void check_mean(const struct fixture *fixture, const struct csv_table *adqs, const char *variable,
                       const char *table, const char *visit)
{
    static const char *const cohorts[] = {"CELLS", "CS"};
    for (size_t c = 0; c < 2; c++) {
        double sum = 0;
        int n = 0;
        for (size_t i = 0; i < adqs->row_count; i++) {
            if (!is(adqs, i, "COHORT", cohorts[c]) || !is(adqs, i, "AVISIT", visit) || !is(adqs, i, "SAFFL", "Y") ||
                !is(adqs, i, "PARAMCD", "vas") || !is(adqs, i, "ANL01FL", "Y") || is(adqs, i, variable, ""))
                continue;
            sum += strtod(cell(adqs, i, variable), NULL);
            n++;
        }
        assert_int_equal(n, (int)value_of(fixture, table, visit, cohorts[c], "n"));
        if (n > 0)
            assert_true(fabs(sum / n - value_of(fixture, table, visit, cohorts[c], "mean")) < NEAR);
    }
}

static void test_adqs_values_in_use_give_means_of_values_and_changes(void **state)
{
    struct fixture *fixture = *state;
    const struct csv_table *adqs = read_csv(fixture, "ADQS");
    static const char *const visits[] = {"BL", "M3", "M6"};
    for (size_t i = 0; i < 3; i++)
        check_mean(fixture, adqs, "AVAL", "value vas", visits[i]);
    for (size_t i = 1; i < 3; i++)
        check_mean(fixture, adqs, "CHG", "change vas", visits[i]);
}

static void test_adqs_per_cent_of_a_baseline_of_nothing_is_missing(void **state)
{
    struct fixture *fixture = *state;
    const struct csv_table *adqs = read_csv(fixture, "ADQS");
    int zeros = 0, others = 0;
    for (size_t i = 0; i < adqs->row_count; i++) {
        if (is(adqs, i, "CHG", ""))
            continue;
        double base = strtod(cell(adqs, i, "BASE"), NULL), change = strtod(cell(adqs, i, "CHG"), NULL);
        bool is_zero = base <= 0;
        assert_int_equal(is(adqs, i, "PCHG", ""), is_zero);
        if (!is_zero)
            assert_true(fabs(strtod(cell(adqs, i, "PCHG"), NULL) - 100 * change / base) < 1e-8);
        zeros += is_zero;
        others += !is_zero;
    }
    assert_true(zeros > 0 && others > 0);
}

static void test_adqs_baseline_of_a_screening_visit_stands_at_baseline_too(void **state)
{
    (void)state;
    struct fixture *fixture = memory_new(NULL, struct fixture);
    struct study *study = study_new(fixture, "tests/support/study_screening.yaml");
    const struct visit *screening = &study_dataset(study)->catalogue->protocol->visits[0];
    size_t subject = study_add_subject(study, 1, 1, KNEE_RIGHT, NULL);
    date_days day1 = study_date("2026-01-10");
    study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", day1);
    struct study_record *record =
        study_add_record(study, subject, "pain_vas", KNEE_RIGHT, screening->id, day1 + screening->target);
    study_answer(study, record, "vas", "64");
    fixture->dataset = study_finish(study);
    fixture->tables = data_tables(fixture, fixture->dataset, &fixture->count);
    const struct csv_table *adqs = read_csv(fixture, "ADQS");
    int baselines = 0;
    for (size_t i = 0; i < adqs->row_count; i++)
        baselines += is(adqs, i, "PARAMCD", "vas") && is(adqs, i, "ABLFL", "Y") && is(adqs, i, "AVAL", "64");
    assert_int_equal(adqs->row_count, 2);
    assert_int_equal(baselines, 1);
    assert_string_equal(cell(adqs, 0, "AVISIT"), screening->id);
    assert_string_equal(cell(adqs, 1, "ABLFL"), "Y");
    talloc_free(fixture);
}

static void test_adae_emergent_events_are_those_of_the_tables(void **state)
{
    struct fixture *fixture = *state;
    const struct csv_table *adae = read_csv(fixture, "ADAE");
    int emergent = 0, imputed = 0;
    assert_int_equal(adae->row_count, 3);
    for (size_t i = 0; i < adae->row_count; i++) {
        emergent += is(adae, i, "TRTEMFL", "Y") && is(adae, i, "COHORT", "CELLS");
        imputed += is(adae, i, "TRTEMIFL", "Y");
        assert_int_equal(is(adae, i, "ASTDT", ""), strlen(cell(adae, i, "AESTDTC")) < strlen("2026-01-01"));
    }
    assert_int_equal(emergent, (int)value_of(fixture, "AE", "ANY", "CELLS", "events"));
    assert_int_equal(imputed, 1);
    assert_string_equal(cell(adae, 0, "AETERM"), "'=knee, \"hot\" and sore");
}

/* --- Dataset-JSON -------------------------------------------------------------------------------------- */

static json_t *read_line(const char **at)
{
    const char *end = strchr(*at, '\n');
    json_error_t fault;
    if (end == NULL)
        fail_msg("a line without end: %s", *at);
    json_t *json = json_loadb(*at, (size_t)(end - *at), JSON_REJECT_DUPLICATES, &fault);
    if (json == NULL)
        fail_msg("%d: %s", fault.column, fault.text);
    *at = end + 1;
    return json;
}

static void check_metadata(const struct data_table *table, const json_t *metadata)
{
    /* in the order of the specification */
    static const char *const names[] = {"datasetJSONCreationDateTime", "datasetJSONVersion", "fileOID",
                                        "dbLastModifiedDateTime", "originator", "sourceSystem", "studyOID",
                                        "metaDataVersionOID", "itemGroupOID", "records", "name", "label",
                                        "columns"};
    const char *name;
    json_t *value;
    size_t at = 0;
    json_object_foreach((json_t *)metadata, name, value) {
        assert_true(at < sizeof names / sizeof names[0]);
        assert_string_equal(name, names[at++]);
    }
    assert_int_equal(at, sizeof names / sizeof names[0]);
    const char *version = json_string_value(json_object_get(metadata, "datasetJSONVersion"));
    assert_string_equal(version, "1.1.0");
    assert_int_equal(json_array_size(json_object_get(metadata, "columns")), table->column_count);
}

/* Members of a column in Dataset-JSON 1.1 that we write: the first four are required. */
static void check_column(const struct data_table *table, size_t index, const json_t *column)
{
    static const char *const names[] = {"itemOID", "name", "label", "dataType", "length", "keySequence"};
    const struct data_column *written = &table->columns[index];
    size_t known = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const json_t *member = json_object_get(column, names[i]);
        assert_true(i < 4 ? json_string_length(member) > 0 : member == NULL || json_integer_value(member) >= 1);
        known += member != NULL;
    }
    assert_int_equal(known, json_object_size(column));
    assert_string_equal(json_string_value(json_object_get(column, "name")), written->name);
    assert_int_equal(json_integer_value(json_object_get(column, "keySequence")), written->key);
    assert_true((json_object_get(column, "length") != NULL) == (written->type == DATA_TEXT));
}

/* "2099-12-31T00:00:00Z" */
static void check_instant(const json_t *value)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:ddZ";
    const char *text = json_string_value(value);
    assert_non_null(text);
    assert_int_equal(strlen(text), strlen(shape));
    for (size_t i = 0; shape[i] != '\0'; i++)
        assert_true(shape[i] == 'd' ? isdigit((unsigned char)text[i]) != 0 : text[i] == shape[i]);
}

static void check_header(const struct data_table *table, const json_t *metadata)
{
    const json_t *source = json_object_get(metadata, "sourceSystem"), *columns = json_object_get(metadata, "columns");
    check_instant(json_object_get(metadata, "datasetJSONCreationDateTime"));
    check_instant(json_object_get(metadata, "dbLastModifiedDateTime"));
    assert_true(json_string_length(json_object_get(source, "name")) > 0);
    assert_true(json_string_length(json_object_get(source, "version")) > 0);
    assert_int_equal(json_object_size(source), 2);
    assert_string_equal(json_string_value(json_object_get(metadata, "name")), table->name);
    assert_true(json_string_length(json_object_get(metadata, "label")) > 0);
    for (size_t i = 0; i < table->column_count; i++) {
        check_column(table, i, json_array_get(columns, i));
        for (size_t k = 0; k < i; k++)
            assert_false(json_equal(json_object_get(json_array_get(columns, k), "itemOID"),
                                    json_object_get(json_array_get(columns, i), "itemOID")));
    }
}

static bool fits(const json_t *value, const char *type)
{
    if (json_is_null(value))
        return true;
    if (strcmp(type, "integer") == 0)
        return json_is_integer(value);
    if (strcmp(type, "float") == 0)
        return json_is_number(value);
    date_days date;
    return json_is_string(value) &&
           (strcmp(type, "date") != 0 || date_parse(json_string_value(value), &date));
}

/* The same value as in the CSV file, where nothing stands for null. */
static bool is_same(const json_t *value, const char *csv)
{
    if (json_is_null(value))
        return csv[0] == '\0';
    if (json_is_number(value))
        return fabs(json_number_value(value) - strtod(csv, NULL)) <= 1e-11 * fabs(json_number_value(value));
    return strcmp(json_string_value(value), csv) == 0 || strchr(json_string_value(value), '\n') != NULL;
}

static void check_json(const struct fixture *fixture, const struct data_table *table)
{
    const char *at = written(fixture, table, data_json_write)->bytes;
    const struct csv_table *csv = read_csv(fixture, table->name);
    json_t *metadata = read_line(&at);
    const json_t *columns = json_object_get(metadata, "columns");
    size_t rows = 0;
    check_metadata(table, metadata);
    check_header(table, metadata);
    for (; *at != '\0'; rows++) {
        json_t *row = read_line(&at);
        assert_int_equal(json_array_size(row), table->column_count);
        for (size_t i = 0; i < table->column_count; i++) {
            const json_t *column = json_array_get(columns, i);
            assert_true(fits(json_array_get(row, i), json_string_value(json_object_get(column, "dataType"))));
            assert_true(is_same(json_array_get(row, i), csv->rows[rows].cells[i]));
        }
        json_decref(row);
    }
    assert_int_equal(rows, json_integer_value(json_object_get(metadata, "records")));
    assert_int_equal(rows, csv->row_count);
    json_decref(metadata);
}

static void test_data_json_has_the_specified_shape_and_the_values_of_the_csv(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < fixture->count; i++)
        check_json(fixture, fixture->tables[i]);
}

/* --- names, codebook, loaders -------------------------------------------------------------------------- */

static void check_names(const struct data_table *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i].name;
        assert_true(strlen(name) < DATA_NAME_SIZE && isupper((unsigned char)name[0]));
        for (const char *c = name; *c != '\0'; c++)
            assert_true(isupper((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(name, table->columns[k].name);
    }
}

static void test_data_tables_names_are_unique_and_fit_sas(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < fixture->count; i++)
        check_names(fixture->tables[i]);
}

static void test_codebook_has_a_row_with_derivation_for_each_column(void **state)
{
    struct fixture *fixture = *state;
    struct error error;
    struct text *text = text_new(fixture);
    data_codebook_write(text, fixture->tables, fixture->count);
    struct csv_table *codebook = csv_table_read(fixture, "codebook.csv", text->bytes, text->length, &error);
    assert_non_null(codebook);
    size_t at = 0;
    for (size_t t = 0; t < fixture->count; t++) {
        for (size_t i = 0; i < fixture->tables[t]->column_count; i++, at++) {
            assert_string_equal(cell(codebook, at, "dataset"), fixture->tables[t]->name);
            assert_string_equal(cell(codebook, at, "variable"), fixture->tables[t]->columns[i].name);
            assert_true(strlen(cell(codebook, at, "label")) > 0);
            assert_true(strlen(cell(codebook, at, "derivation")) > 0);
        }
    }
    assert_int_equal(codebook->row_count, at);
}

static void test_loaders_name_every_column(void **state)
{
    struct fixture *fixture = *state;
    struct text *r = text_new(fixture), *sas = text_new(fixture);
    data_loader_r_write(r, fixture->tables, fixture->count);
    data_loader_sas_write(sas, fixture->tables, fixture->count);
    for (size_t t = 0; t < fixture->count; t++) {
        for (size_t i = 0; i < fixture->tables[t]->column_count; i++) {
            assert_non_null(strstr(r->bytes, fixture->tables[t]->columns[i].name));
            assert_non_null(strstr(sas->bytes, fixture->tables[t]->columns[i].name));
        }
    }
}

static void test_data_tables_of_a_masked_study_name_no_arm(void **state)
{
    struct fixture *fixture = *state;
    struct text *codebook = text_new(fixture);
    data_codebook_write(codebook, fixture->tables, fixture->count);
    assert_null(strstr(codebook->bytes, "COHORT"));
    assert_null(strstr(codebook->bytes, "CELLS"));
    assert_null(strstr(codebook->bytes, "AETERM"));
    assert_null(strstr(codebook->bytes, "DOSE"));
    for (size_t i = 0; i < fixture->count; i++) {
        assert_null(strstr(written(fixture, fixture->tables[i], data_csv_write)->bytes, "CELLS"));
        assert_null(strstr(written(fixture, fixture->tables[i], data_json_write)->bytes, "CELLS"));
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define POOLED(name) cmocka_unit_test_setup_teardown(name, set_up_pooled, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_adsl_flags_give_the_analysis_sets),
        TEST(test_adsl_holds_dates_and_baseline_of_a_subject),
        TEST(test_adqs_values_in_use_give_means_of_values_and_changes),
        TEST(test_adqs_per_cent_of_a_baseline_of_nothing_is_missing),
        cmocka_unit_test(test_adqs_baseline_of_a_screening_visit_stands_at_baseline_too),
        TEST(test_adae_emergent_events_are_those_of_the_tables),
        TEST(test_data_json_has_the_specified_shape_and_the_values_of_the_csv),
        TEST(test_data_tables_names_are_unique_and_fit_sas),
        TEST(test_codebook_has_a_row_with_derivation_for_each_column),
        TEST(test_loaders_name_every_column),
        POOLED(test_data_tables_of_a_masked_study_name_no_arm),
        POOLED(test_data_json_has_the_specified_shape_and_the_values_of_the_csv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
