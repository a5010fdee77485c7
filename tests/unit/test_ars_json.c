/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Results as a reporting event of CDISC ARS 1.0: the model's classes, references, and every number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis.h"
#include "reports/ars_json.h"
#include "tests/support/study.h"

struct fixture {
    struct dataset *dataset;
    struct results *results;
    json_t *json;
};

static void add_subject(struct study *study, int number, const char *cohort, const char *before, const char *after)
{
    size_t subject = study_add_subject(study, 1, number, KNEE_RIGHT, cohort);
    study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", study_date("2026-01-10"));
    struct study_record *record =
        study_add_record(study, subject, "pain_vas", KNEE_RIGHT, "BL", study_date("2026-01-09"));
    study_answer(study, record, "vas", before);
    if (after == NULL)
        return;
    record = study_add_record(study, subject, "pain_vas", KNEE_RIGHT, "M3", study_date("2026-04-11"));
    study_answer(study, record, "vas", after);
}

static struct fixture *new_fixture(bool pooled)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    struct study *study = study_new(fixture, "tests/support/study.yaml");
    if (pooled) {
        struct dataset *dataset = study_dataset(study);
        static const char *const ids[] = {"Pooled"}, *const titles[] = {"All subjects"};
        dataset->pooled = true;
        dataset->cohorts = ids;
        dataset->cohort_titles = titles;
        dataset->cohort_count = 1;
    }
    static const char *const befores[] = {"61", "72", "80", "55", "47"};
    static const char *const afters[] = {"30", "44", NULL, "50", "29"};
    for (int i = 0; i < 5; i++)
        add_subject(study, i + 1, i % 2 == 0 ? "CELLS" : "CS", befores[i], afters[i]);
    fixture->dataset = study_finish(study);
    fixture->results = results_new(fixture);
    analysis_run(fixture->dataset, fixture->results);
    struct text *out = text_new(fixture);
    json_error_t fault;
    ars_json_write(out, fixture->dataset, fixture->results);
    fixture->json = json_loadb(out->bytes, out->length, JSON_REJECT_DUPLICATES, &fault);
    if (fixture->json == NULL)
        fail_msg("%d:%d: %s", fault.line, fault.column, fault.text);
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
    struct fixture *fixture = *state;
    json_decref(fixture->json);
    return talloc_free(fixture);
}

/* --- the model ----------------------------------------------------------------------------------------- */

enum kind { STRING, INTEGER, BOOLEAN, STRINGS, OBJECT, LIST };

/* A member of a class of the model; `of`: class of an object, or of a list's elements. */
struct member {
    const char *class, *name;
    enum kind kind;
    const char *of;
    bool required;
};

/* Those classes and members of ARS 1.0.0 (April 2024) that we write. */
static const struct member members[] = {
    {"ReportingEvent", "id", STRING, NULL, true},
    {"ReportingEvent", "version", INTEGER, NULL, false},
    {"ReportingEvent", "name", STRING, NULL, true},
    {"ReportingEvent", "label", STRING, NULL, false},
    {"ReportingEvent", "mainListOfContents", OBJECT, "ListOfContents", true},
    {"ReportingEvent", "analysisSets", LIST, "AnalysisSet", false},
    {"ReportingEvent", "dataSubsets", LIST, "DataSubset", false},
    {"ReportingEvent", "analysisGroupings", LIST, "GroupingFactor", false},
    {"ReportingEvent", "methods", LIST, "AnalysisMethod", false},
    {"ReportingEvent", "analyses", LIST, "Analysis", false},
    {"ListOfContents", "name", STRING, NULL, true},
    {"ListOfContents", "contentsList", OBJECT, "NestedList", true},
    {"NestedList", "listItems", LIST, "OrderedListItem", false},
    {"OrderedListItem", "level", INTEGER, NULL, true},
    {"OrderedListItem", "order", INTEGER, NULL, true},
    {"OrderedListItem", "name", STRING, NULL, true},
    {"OrderedListItem", "analysisId", STRING, NULL, false},
    {"AnalysisSet", "id", STRING, NULL, true},
    {"AnalysisSet", "name", STRING, NULL, true},
    {"AnalysisSet", "level", INTEGER, NULL, true},
    {"AnalysisSet", "order", INTEGER, NULL, true},
    {"AnalysisSet", "condition", OBJECT, "WhereClauseCondition", false},
    {"WhereClauseCondition", "dataset", STRING, NULL, true},
    {"WhereClauseCondition", "variable", STRING, NULL, true},
    {"WhereClauseCondition", "comparator", STRING, NULL, true},
    {"WhereClauseCondition", "value", STRINGS, NULL, true},
    {"DataSubset", "id", STRING, NULL, true},
    {"DataSubset", "name", STRING, NULL, true},
    {"DataSubset", "level", INTEGER, NULL, true},
    {"DataSubset", "order", INTEGER, NULL, true},
    {"DataSubset", "condition", OBJECT, "WhereClauseCondition", false},
    {"DataSubset", "compoundExpression", OBJECT, "CompoundSubsetExpression", false},
    {"CompoundSubsetExpression", "logicalOperator", STRING, NULL, true},
    {"CompoundSubsetExpression", "whereClauses", LIST, "WhereClause", false},
    {"WhereClause", "level", INTEGER, NULL, true},
    {"WhereClause", "order", INTEGER, NULL, true},
    {"WhereClause", "condition", OBJECT, "WhereClauseCondition", false},
    {"GroupingFactor", "id", STRING, NULL, true},
    {"GroupingFactor", "name", STRING, NULL, true},
    {"GroupingFactor", "groupingDataset", STRING, NULL, false},
    {"GroupingFactor", "groupingVariable", STRING, NULL, false},
    {"GroupingFactor", "dataDriven", BOOLEAN, NULL, true},
    {"GroupingFactor", "groups", LIST, "Group", false},
    {"Group", "id", STRING, NULL, true},
    {"Group", "name", STRING, NULL, true},
    {"Group", "level", INTEGER, NULL, true},
    {"Group", "order", INTEGER, NULL, true},
    {"Group", "condition", OBJECT, "WhereClauseCondition", false},
    {"AnalysisMethod", "id", STRING, NULL, true},
    {"AnalysisMethod", "name", STRING, NULL, true},
    {"AnalysisMethod", "operations", LIST, "Operation", true},
    {"Operation", "id", STRING, NULL, true},
    {"Operation", "name", STRING, NULL, true},
    {"Operation", "order", INTEGER, NULL, true},
    {"Analysis", "id", STRING, NULL, true},
    {"Analysis", "version", INTEGER, NULL, true},
    {"Analysis", "name", STRING, NULL, true},
    {"Analysis", "description", STRING, NULL, false},
    {"Analysis", "reason", OBJECT, "Term", true},
    {"Analysis", "purpose", OBJECT, "Term", true},
    {"Analysis", "dataset", STRING, NULL, false},
    {"Analysis", "variable", STRING, NULL, false},
    {"Analysis", "analysisSetId", STRING, NULL, false},
    {"Analysis", "dataSubsetId", STRING, NULL, false},
    {"Analysis", "orderedGroupings", LIST, "OrderedGroupingFactor", false},
    {"Analysis", "methodId", STRING, NULL, true},
    {"Analysis", "results", LIST, "OperationResult", false},
    {"Term", "controlledTerm", STRING, NULL, true},
    {"OrderedGroupingFactor", "order", INTEGER, NULL, true},
    {"OrderedGroupingFactor", "groupingId", STRING, NULL, true},
    {"OrderedGroupingFactor", "resultsByGroup", BOOLEAN, NULL, true},
    {"OperationResult", "operationId", STRING, NULL, true},
    {"OperationResult", "resultGroups", LIST, "ResultGroup", false},
    {"OperationResult", "rawValue", STRING, NULL, false},
    {"OperationResult", "formattedValue", STRING, NULL, false},
    {"ResultGroup", "groupingId", STRING, NULL, true},
    {"ResultGroup", "groupId", STRING, NULL, false},
    {"ResultGroup", "groupValue", STRING, NULL, false},
};

enum { MEMBER_COUNT = sizeof members / sizeof members[0] };

static const struct member *find_member(const char *class, const char *name)
{
    for (size_t i = 0; i < MEMBER_COUNT; i++)
        if (strcmp(members[i].class, class) == 0 && strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

static bool has_kind(const json_t *value, enum kind kind)
{
    switch (kind) {
    case STRING: return json_is_string(value);
    case INTEGER: return json_is_integer(value);
    case BOOLEAN: return json_is_boolean(value);
    case OBJECT: return json_is_object(value);
    case STRINGS: return json_is_array(value) && json_is_string(json_array_get(value, 0));
    case LIST: return json_is_array(value);
    default: return false;
    }
}

/* Objects whose members are still to be looked at. */
struct waiting {
    const char *class;
    json_t *object;
};

static void check_object(const struct waiting *at, struct waiting **stack, size_t *count)
{
    const char *name;
    json_t *value;
    for (size_t i = 0; i < MEMBER_COUNT; i++)
        if (strcmp(members[i].class, at->class) == 0 && members[i].required &&
            json_object_get(at->object, members[i].name) == NULL)
            fail_msg("%s has no %s", at->class, members[i].name);
    json_object_foreach(at->object, name, value) {
        const struct member *member = find_member(at->class, name);
        if (member == NULL || !has_kind(value, member->kind))
            fail_msg("%s.%s is no member of the model, or of another kind", at->class, name);
        size_t size = member->kind == LIST ? json_array_size(value) : member->kind == OBJECT;
        *stack = memory_resize_array(NULL, *stack, struct waiting, *count + size + 1);
        for (size_t i = 0; i < size; i++)
            (*stack)[(*count)++] = (struct waiting){
                member->of, member->kind == LIST ? json_array_get(value, i) : value};
    }
}

static void test_ars_json_holds_the_classes_of_the_model_and_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    struct waiting *stack = memory_new_array(NULL, struct waiting, 1);
    size_t count = 1, seen = 0;
    stack[0] = (struct waiting){"ReportingEvent", fixture->json};
    while (count > 0) {
        const struct waiting at = stack[--count];
        check_object(&at, &stack, &count);
        seen++;
    }
    assert_true(seen > results_count(fixture->results));
    talloc_free(stack);
}

/* --- references ---------------------------------------------------------------------------------------- */

static json_t *find_by_id(const json_t *list, const char *id)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *other = json_string_value(json_object_get(json_array_get(list, i), "id"));
        if (other != NULL && id != NULL && strcmp(other, id) == 0)
            return json_array_get(list, i);
    }
    return NULL;
}

static const char *text_at(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static json_t *find_grouping(const struct fixture *fixture, const char *id)
{
    return find_by_id(json_object_get(fixture->json, "analysisGroupings"), id);
}

static void check_group(const struct fixture *fixture, const json_t *analysis, const json_t *group)
{
    const json_t *ordered = json_object_get(analysis, "orderedGroupings");
    const char *id = text_at(group, "groupingId");
    const json_t *grouping = find_grouping(fixture, id);
    bool used = false;
    assert_non_null(grouping);
    for (size_t i = 0; i < json_array_size(ordered); i++)
        used = used || strcmp(text_at(json_array_get(ordered, i), "groupingId"), id) == 0;
    assert_true(used);
    if (json_is_true(json_object_get(grouping, "dataDriven")))
        assert_non_null(text_at(group, "groupValue"));
    else
        assert_non_null(find_by_id(json_object_get(grouping, "groups"), text_at(group, "groupId")));
}

static void check_analysis(const struct fixture *fixture, const json_t *analysis)
{
    const json_t *method =
        find_by_id(json_object_get(fixture->json, "methods"), text_at(analysis, "methodId"));
    const json_t *results = json_object_get(analysis, "results");
    assert_non_null(method);
    if (text_at(analysis, "analysisSetId") != NULL)
        assert_non_null(find_by_id(json_object_get(fixture->json, "analysisSets"),
                                   text_at(analysis, "analysisSetId")));
    if (text_at(analysis, "dataSubsetId") != NULL)
        assert_non_null(
            find_by_id(json_object_get(fixture->json, "dataSubsets"), text_at(analysis, "dataSubsetId")));
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i), *groups = json_object_get(result, "resultGroups");
        assert_non_null(find_by_id(json_object_get(method, "operations"), text_at(result, "operationId")));
        for (size_t g = 0; g < json_array_size(groups); g++)
            check_group(fixture, analysis, json_array_get(groups, g));
    }
}

static void test_ars_json_every_reference_is_to_something(void **state)
{
    struct fixture *fixture = *state;
    const json_t *list = json_object_get(fixture->json, "analyses");
    const json_t *items = json_object_get(
        json_object_get(json_object_get(fixture->json, "mainListOfContents"), "contentsList"), "listItems");
    assert_int_equal(json_array_size(items), json_array_size(list));
    for (size_t i = 0; i < json_array_size(list); i++) {
        check_analysis(fixture, json_array_get(list, i));
        assert_non_null(find_by_id(list, text_at(json_array_get(items, i), "analysisId")));
    }
}

/* --- numbers ------------------------------------------------------------------------------------------- */

static const char *operation_name(const struct fixture *fixture, const json_t *analysis, const char *id)
{
    const json_t *method =
        find_by_id(json_object_get(fixture->json, "methods"), text_at(analysis, "methodId"));
    return text_at(find_by_id(json_object_get(method, "operations"), id), "name");
}

/* The value that stands for a group: of a cohort or visit its id, else the value itself. */
static const char *group_value(const struct fixture *fixture, const json_t *result, const char *grouping)
{
    const json_t *groups = json_object_get(result, "resultGroups");
    for (size_t i = 0; i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i);
        if (strcmp(text_at(group, "groupingId"), grouping) != 0)
            continue;
        if (text_at(group, "groupValue") != NULL)
            return text_at(group, "groupValue");
        const json_t *found = find_by_id(json_object_get(find_grouping(fixture, grouping), "groups"),
                                         text_at(group, "groupId"));
        return json_string_value(
            json_array_get(json_object_get(json_object_get(found, "condition"), "value"), 0));
    }
    return "";
}

/* The row of the results that a result came from: its row and its column each are in one of two groupings. */
static const struct result *find_row(const struct fixture *fixture, const json_t *analysis, const json_t *result)
{
    static const char *const everybody[] = {"", "(all)", "Pooled"};
    const char *row = group_value(fixture, result, "GF_VISIT"), *col = group_value(fixture, result, "GF_COHORT");
    row = row[0] != '\0' ? row : group_value(fixture, result, "GF_ROW");
    col = col[0] != '\0' ? col : group_value(fixture, result, "GF_COLUMN");
    const char *stat = operation_name(fixture, analysis, text_at(result, "operationId"));
    const struct result *found = NULL;
    for (size_t i = 0; i < sizeof everybody / sizeof everybody[0] && found == NULL; i++) {
        const char *column = col[0] != '\0' ? col : everybody[i];
        char *named = memory_format(NULL, "%s.%s", stat, column);
        found = results_find(fixture->results, text_at(analysis, "name"), row, column, stat);
        if (found == NULL)
            found = results_find(fixture->results, text_at(analysis, "name"), row, column, named);
        talloc_free(named);
    }
    return found;
}

static size_t check_numbers(const struct fixture *fixture, const json_t *analysis)
{
    const json_t *results = json_object_get(analysis, "results");
    for (size_t i = 0; i < json_array_size(results); i++) {
        const json_t *result = json_array_get(results, i);
        const struct result *row = find_row(fixture, analysis, result);
        const char *raw = text_at(result, "rawValue");
        if (row == NULL)
            fail_msg("%s: result %zu is no row of the results", text_at(analysis, "name"), i);
        if (isnan(row->value)) {
            assert_null(raw);
            assert_string_equal(text_at(result, "formattedValue"), "NE");
            assert_non_null(strstr(text_at(analysis, "description"), row->note));
        } else {
            char expected[32];
            snprintf(expected, sizeof expected, "%.12g", row->value);
            assert_string_equal(raw, expected);
            assert_non_null(text_at(result, "formattedValue"));
        }
    }
    return json_array_size(results);
}

static void test_ars_json_holds_every_number_with_twelve_digits(void **state)
{
    struct fixture *fixture = *state;
    const json_t *list = json_object_get(fixture->json, "analyses");
    size_t numbers = 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        numbers += check_numbers(fixture, json_array_get(list, i));
    assert_int_equal(numbers, results_count(fixture->results));
    assert_true(numbers > 100);
}

static void test_ars_json_of_a_masked_study_names_no_cohort(void **state)
{
    struct fixture *fixture = *state;
    char *text = json_dumps(fixture->json, 0);
    assert_null(strstr(text, "CELLS"));
    assert_null(strstr(text, "COHORT"));
    assert_null(find_grouping(fixture, "GF_COHORT"));
    free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define POOLED(name) cmocka_unit_test_setup_teardown(name, set_up_pooled, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ars_json_holds_the_classes_of_the_model_and_nothing_else),
        TEST(test_ars_json_every_reference_is_to_something),
        TEST(test_ars_json_holds_every_number_with_twelve_digits),
        POOLED(test_ars_json_holds_the_classes_of_the_model_and_nothing_else),
        POOLED(test_ars_json_holds_every_number_with_twelve_digits),
        POOLED(test_ars_json_of_a_masked_study_names_no_cohort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
