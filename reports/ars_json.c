/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/ars_json.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/json_write.h"
#include "reports/ars_source.h"
#include "reports/format.h"
#include "reports/layout_score.h"

#define GROUPING_COHORT "GF_COHORT"
#define GROUPING_VISIT "GF_VISIT"
#define GROUPING_ROW "GF_ROW"
#define GROUPING_COLUMN "GF_COLUMN"

enum { NOT_THERE = -1 };

/* One table of the results. */
struct analysis {
    const char *table;
    size_t first, count;         /* its rows: event->order[first .. first + count) */
    size_t method;
    int endpoint;                /* that its name holds, NOT_THERE */
    bool by_cohort, by_visit, by_row, by_column;
    const char **notes;          /* distinct reasons why something could not be computed */
    size_t note_count;
};

/* The statistics of one or more tables, in order. */
struct method {
    const char **operations;
    size_t count;
};

struct event {
    const struct dataset *dataset;
    const struct protocol *protocol;
    const struct results *results;
    struct analysis *analyses;
    size_t analysis_count;
    size_t *order;               /* indices of result rows, by analysis */
    struct method *methods;
    size_t method_count;
};

/* --- reading the results ------------------------------------------------------------------------------- */

/* "x.CELLS" in column CELLS is the operation "x". */
static size_t operation_length(const struct result *row)
{
    size_t length = strlen(row->stat), col = strlen(row->col);
    bool named = length > col + 1 && row->stat[length - col - 1] == '.' &&
                 strcmp(row->stat + length - col, row->col) == 0;
    return named ? length - col - 1 : length;
}

static size_t find_operation(const struct method *method, const struct result *row)
{
    size_t length = operation_length(row);
    for (size_t i = 0; i < method->count; i++)
        if (strncmp(method->operations[i], row->stat, length) == 0 && method->operations[i][length] == '\0')
            return i;
    return method->count;
}

static bool is_same_method(const struct method *a, const struct method *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = strcmp(a->operations[i], b->operations[i]) == 0;
    return same;
}

static size_t find_analysis(const struct event *event, const char *table, size_t last)
{
    if (last < event->analysis_count && strcmp(event->analyses[last].table, table) == 0)
        return last;
    for (size_t i = 0; i < event->analysis_count; i++)
        if (strcmp(event->analyses[i].table, table) == 0)
            return i;
    return event->analysis_count;
}

/* Endpoint that the name of a table holds as a word: "change pain". */
static int endpoint_of(const struct protocol *protocol, const char *table)
{
    for (size_t e = 0; e < protocol->endpoint_count; e++) {
        const char *id = protocol->endpoints[e].id;
        size_t length = strlen(id);
        for (const char *at = table; (at = strstr(at, id)) != NULL; at++)
            if (at > table && at[-1] == ' ' && (at[length] == '\0' || at[length] == ' '))
                return (int)e;
    }
    return NOT_THERE;
}

/* Finds the tables in order of their first rows, and puts the rows of each together. */
static void split_tables(struct event *event)
{
    size_t count = results_count(event->results), last = 0;
    size_t *of_row = memory_new_array(event, size_t, count);
    event->analyses = memory_new_array(event, struct analysis, count);
    event->order = memory_new_array(event, size_t, count);
    for (size_t i = 0; i < count; i++) {
        const char *table = results_at(event->results, i)->table;
        last = find_analysis(event, table, last);
        if (last == event->analysis_count)
            event->analyses[event->analysis_count++].table = table;
        of_row[i] = last;
        event->analyses[last].count++;
    }
    for (size_t a = 0, next = 0; a < event->analysis_count; a++) {
        event->analyses[a].first = next;
        next += event->analyses[a].count;
        event->analyses[a].count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct analysis *analysis = &event->analyses[of_row[i]];
        event->order[analysis->first + analysis->count++] = i;
    }
    talloc_free(of_row);
}

static const struct result *row_of(const struct event *event, const struct analysis *analysis, size_t index)
{
    return results_at(event->results, event->order[analysis->first + index]);
}

static int cohort_of(const struct event *event, const char *col)
{
    for (size_t i = 0; i < event->dataset->cohort_count && !event->dataset->pooled; i++)
        if (strcmp(event->dataset->cohorts[i], col) == 0)
            return (int)i;
    return NOT_THERE;
}

static int visit_of(const struct event *event, const char *row)
{
    const struct visit *visit = protocol_find_visit(event->protocol, row);
    return visit != NULL ? (int)(visit - event->protocol->visits) : NOT_THERE;
}

/* A column that stands for everybody is no group. */
static bool is_everybody(const char *col)
{
    return col[0] == '\0' || strcmp(col, "Pooled") == 0 || strcmp(col, "(all)") == 0;
}

static void take_groups(const struct event *event, struct analysis *analysis, const struct result *row)
{
    if (visit_of(event, row->row) != NOT_THERE)
        analysis->by_visit = true;
    else if (row->row[0] != '\0')
        analysis->by_row = true;
    if (cohort_of(event, row->col) != NOT_THERE)
        analysis->by_cohort = true;
    else if (!is_everybody(row->col))
        analysis->by_column = true;
}

static void take_note(const struct event *event, struct analysis *analysis, const char *note)
{
    for (size_t i = 0; i < analysis->note_count; i++)
        if (strcmp(analysis->notes[i], note) == 0)
            return;
    if (note[0] == '\0')
        return;
    analysis->notes = memory_resize_array(event, analysis->notes, const char *, analysis->note_count + 1);
    analysis->notes[analysis->note_count++] = note;
}

static void take_method(struct event *event, struct analysis *analysis)
{
    struct method method = {memory_new_array(event, const char *, analysis->count), 0};
    for (size_t i = 0; i < analysis->count; i++) {
        const struct result *row = row_of(event, analysis, i);
        if (find_operation(&method, row) == method.count)
            method.operations[method.count++] = memory_copy_bytes(event, row->stat, operation_length(row));
    }
    for (analysis->method = 0; analysis->method < event->method_count; analysis->method++)
        if (is_same_method(&event->methods[analysis->method], &method))
            return;
    event->methods[event->method_count++] = method;
}

static struct event *read_results(const void *owner, const struct dataset *dataset,
                                  const struct results *results)
{
    struct event *event = memory_new(owner, struct event);
    event->dataset = dataset;
    event->protocol = dataset->catalogue->protocol;
    event->results = results;
    split_tables(event);
    event->methods = memory_new_array(event, struct method, event->analysis_count);
    for (size_t a = 0; a < event->analysis_count; a++) {
        struct analysis *analysis = &event->analyses[a];
        analysis->endpoint = endpoint_of(event->protocol, analysis->table);
        for (size_t i = 0; i < analysis->count; i++) {
            const struct result *row = row_of(event, analysis, i);
            take_groups(event, analysis, row);
            take_note(event, analysis, row->note);
        }
        take_method(event, analysis);
    }
    return event;
}

/* --- writing ------------------------------------------------------------------------------------------- */

/* The next object of an array. */
static void begin_object(struct text *out)
{
    text_append(out, out->bytes[out->length - 1] == '[' ? "\n{" : ",\n{");
}

/* "PREFIX_1": ids are counted from one. */
static void json_id(struct text *out, const char *key, const char *prefix, size_t index)
{
    json_key(out, key);
    text_append_format(out, "\"%s_%zu\"", prefix, index + 1);
}

static void append_condition(struct text *out, const char *dataset, const char *variable, const char *value)
{
    json_key(out, "condition");
    text_append(out, "{");
    json_text(out, "dataset", dataset);
    json_text(out, "variable", variable);
    json_text(out, "comparator", "EQ");
    json_texts(out, "value", &value, 1);
    text_append(out, "}");
}

static void append_contents(struct text *out, const struct event *event)
{
    json_key(out, "mainListOfContents");
    text_append(out, "{");
    json_text(out, "name", "Tables of results.csv");
    json_key(out, "contentsList");
    text_append(out, "{\"listItems\":[");
    for (size_t a = 0; a < event->analysis_count; a++) {
        begin_object(out);
        json_number(out, "level", 1);
        json_number(out, "order", (double)(a + 1));
        json_text(out, "name", event->analyses[a].table);
        json_id(out, "analysisId", "AN", a);
        text_append(out, "}");
    }
    text_append(out, "]}}");
}

static void append_sets(struct text *out)
{
    static const struct {
        const char *id, *name, *variable;
    } sets[] = {
        {"AS_ENROLLED", "Enrolled", "ENRLFL"},
        {"AS_TREATED", "Treated (safety set)", "SAFFL"},
        {"AS_FAS", "Full analysis set", "FASFL"},
        {"AS_PER_PROTOCOL", "Per-protocol set", "PPROTFL"},
        {"AS_COMPLETERS", "Completers", "COMPLFL"},
    };
    json_key(out, "analysisSets");
    text_append(out, "[");
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        begin_object(out);
        json_text(out, "id", sets[i].id);
        json_text(out, "name", sets[i].name);
        json_number(out, "level", 1);
        json_number(out, "order", (double)(i + 1));
        append_condition(out, "ADSL", sets[i].variable, "Y");
        text_append(out, "}");
    }
    text_append(out, "]");
}

static void append_clause(struct text *out, int order, const char *variable, const char *value)
{
    begin_object(out);
    json_number(out, "level", 2);
    json_number(out, "order", order);
    append_condition(out, "ADQS", variable, value);
    text_append(out, "}");
}

/* For each endpoint the values that are used; of adverse events the treatment-emergent ones. */
static void append_subsets(struct text *out, const struct event *event)
{
    size_t count = event->protocol->endpoint_count;
    json_key(out, "dataSubsets");
    text_append(out, "[");
    for (size_t e = 0; e < count; e++) {
        const char *id = event->protocol->endpoints[e].id;
        begin_object(out);
        json_id(out, "id", "DS_ENDPOINT", e);
        json_text(out, "name", id);
        json_number(out, "level", 1);
        json_number(out, "order", (double)(e + 1));
        json_key(out, "compoundExpression");
        text_append(out, "{\"logicalOperator\":\"AND\",\"whereClauses\":[");
        append_clause(out, 1, "PARAMCD", id);
        append_clause(out, 2, "ANL01FL", "Y");
        text_append(out, "]}}");
    }
    begin_object(out);
    json_text(out, "id", "DS_EMERGENT");
    json_text(out, "name", "Treatment-emergent adverse events");
    json_number(out, "level", 1);
    json_number(out, "order", (double)(count + 1));
    append_condition(out, "ADAE", "TRTEMFL", "Y");
    text_append(out, "}]");
}

/* A grouping whose groups are known: a value of `variable` for each. */
struct grouping {
    const char *id, *name, *dataset, *variable;
};

static void begin_grouping(struct text *out, const struct grouping *grouping, bool data_driven)
{
    begin_object(out);
    json_text(out, "id", grouping->id);
    json_text(out, "name", grouping->name);
    json_text(out, "groupingDataset", grouping->dataset);
    json_text(out, "groupingVariable", grouping->variable);
    json_boolean(out, "dataDriven", data_driven);
}

static void append_group(struct text *out, const struct grouping *grouping, size_t index, const char *name,
                         const char *value)
{
    begin_object(out);
    json_id(out, "id", grouping->id, index);
    json_text(out, "name", name);
    json_number(out, "level", 1);
    json_number(out, "order", (double)(index + 1));
    append_condition(out, grouping->dataset, grouping->variable, value);
    text_append(out, "}");
}

static void append_groupings(struct text *out, const struct event *event)
{
    const struct dataset *dataset = event->dataset;
    const struct grouping cohorts = {GROUPING_COHORT, "Cohort", "ADSL", "COHORT"};
    const struct grouping visits = {GROUPING_VISIT, "Analysis visit", "ADQS", "AVISIT"};
    const struct grouping rows = {GROUPING_ROW, "Row of the table in results.csv", NULL, NULL};
    const struct grouping columns = {GROUPING_COLUMN, "Column of the table in results.csv", NULL, NULL};
    json_key(out, "analysisGroupings");
    text_append(out, "[");
    if (!dataset->pooled) {
        begin_grouping(out, &cohorts, false);
        text_append(out, ",\"groups\":[");
        for (size_t i = 0; i < dataset->cohort_count; i++)
            append_group(out, &cohorts, i, dataset->cohort_titles[i], dataset->cohorts[i]);
        text_append(out, "]}");
    }
    begin_grouping(out, &visits, false);
    text_append(out, ",\"groups\":[");
    for (size_t i = 0; i < event->protocol->visit_count; i++)
        append_group(out, &visits, i, event->protocol->visits[i].title, event->protocol->visits[i].id);
    text_append(out, "]}");
    begin_grouping(out, &rows, true);
    text_append(out, "}");
    begin_grouping(out, &columns, true);
    text_append(out, "}]");
}

static void json_operation(struct text *out, const char *key, size_t method, size_t operation)
{
    json_key(out, key);
    text_append_format(out, "\"MT_%zu_%zu\"", method + 1, operation + 1);
}

static void append_methods(struct text *out, const struct event *event)
{
    json_key(out, "methods");
    text_append(out, "[");
    for (size_t m = 0; m < event->method_count; m++) {
        const struct method *method = &event->methods[m];
        struct text *name = text_new(event);
        for (size_t i = 0; i < method->count; i++)
            text_append_format(name, "%s%s", i > 0 ? ", " : "", method->operations[i]);
        begin_object(out);
        json_id(out, "id", "MT", m);
        json_text(out, "name", name->bytes);
        json_key(out, "operations");
        text_append(out, "[");
        for (size_t i = 0; i < method->count; i++) {
            begin_object(out);
            json_operation(out, "id", m, i);
            json_text(out, "name", method->operations[i]);
            json_number(out, "order", (double)(i + 1));
            text_append(out, "}");
        }
        text_append(out, "]}");
    }
    text_append(out, "]");
}

/* --- analyses ------------------------------------------------------------------------------------------ */

static void append_term(struct text *out, const char *key, const char *term)
{
    json_key(out, key);
    text_append(out, "{");
    json_text(out, "controlledTerm", term);
    text_append(out, "}");
}

static const char *purpose_of(const struct event *event, const struct analysis *analysis)
{
    if (analysis->endpoint == NOT_THERE)
        return "EXPLORATORY OUTCOME MEASURE";
    const char *primary = event->protocol->primary_endpoint;
    bool is_primary =
        primary != NULL && strcmp(primary, event->protocol->endpoints[analysis->endpoint].id) == 0;
    return is_primary ? "PRIMARY OUTCOME MEASURE" : "SECONDARY OUTCOME MEASURE";
}

static void append_ordered_groupings(struct text *out, const struct analysis *analysis)
{
    const struct {
        bool used;
        const char *id;
    } groupings[] = {{analysis->by_cohort, GROUPING_COHORT}, {analysis->by_visit, GROUPING_VISIT},
                     {analysis->by_row, GROUPING_ROW}, {analysis->by_column, GROUPING_COLUMN}};
    int order = 0;
    json_key(out, "orderedGroupings");
    text_append(out, "[");
    for (size_t i = 0; i < sizeof groupings / sizeof groupings[0]; i++) {
        if (!groupings[i].used)
            continue;
        text_append(out, order > 0 ? ",{" : "{");
        json_number(out, "order", ++order);
        json_text(out, "groupingId", groupings[i].id);
        json_boolean(out, "resultsByGroup", true);
        text_append(out, "}");
    }
    text_append(out, "]");
}

static void append_result_group(struct text *out, const char *grouping, int group, const char *value)
{
    text_append(out, out->bytes[out->length - 1] == '[' ? "{" : ",{");
    json_text(out, "groupingId", grouping);
    if (group != NOT_THERE)
        json_id(out, "groupId", grouping, (size_t)group);
    else
        json_text(out, "groupValue", value);
    text_append(out, "}");
}

static void append_result_groups(struct text *out, const struct event *event, const struct result *row)
{
    int cohort = cohort_of(event, row->col), visit = visit_of(event, row->row);
    json_key(out, "resultGroups");
    text_append(out, "[");
    if (cohort != NOT_THERE)
        append_result_group(out, GROUPING_COHORT, cohort, NULL);
    if (visit != NOT_THERE)
        append_result_group(out, GROUPING_VISIT, visit, NULL);
    else if (row->row[0] != '\0')
        append_result_group(out, GROUPING_ROW, NOT_THERE, row->row);
    if (cohort == NOT_THERE && !is_everybody(row->col))
        append_result_group(out, GROUPING_COLUMN, NOT_THERE, row->col);
    text_append(out, "]");
}

/* Decimals that the data of an analysis were collected with. */
static int collected_decimals(const struct event *event, const struct analysis *analysis)
{
    if (analysis->endpoint == NOT_THERE)
        return 0;
    const struct catalogue *catalogue = event->dataset->catalogue;
    const struct endpoint *endpoint = &event->protocol->endpoints[analysis->endpoint];
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *form = catalogue->forms[i];
        int score = strcmp(form->id, endpoint->form) == 0 ? form_find_score(form, endpoint->score) : FORM_NONE;
        if (score != FORM_NONE)
            return layout_collected_decimals(form, &form->scores[score]);
    }
    return 0;
}

static void append_results(struct text *out, const struct event *event, const struct analysis *analysis)
{
    const struct method *method = &event->methods[analysis->method];
    int collected = collected_decimals(event, analysis);
    json_key(out, "results");
    text_append(out, "[");
    for (size_t i = 0; i < analysis->count; i++) {
        const struct result *row = row_of(event, analysis, i);
        size_t operation = find_operation(method, row);
        char formatted[FORMAT_SIZE];
        begin_object(out);
        json_operation(out, "operationId", analysis->method, operation);
        append_result_groups(out, event, row);
        if (!isnan(row->value)) {
            json_key(out, "rawValue");
            text_append_format(out, "\"%.12g\"", row->value);
        }
        json_text(out, "formattedValue",
                  format_stat(formatted, method->operations[operation], row->value, collected));
        text_append(out, "}");
    }
    text_append(out, "]");
}

static void append_description(struct text *out, const struct analysis *analysis)
{
    if (analysis->note_count == 0)
        return;
    struct text *description = text_new(out);
    text_append(description, "Not estimable (NE) are results for these reasons: ");
    for (size_t i = 0; i < analysis->note_count; i++)
        text_append_format(description, "%s%s", i > 0 ? "; " : "", analysis->notes[i]);
    json_text(out, "description", description->bytes);
    talloc_free(description);
}

static void append_analysis(struct text *out, const struct event *event, size_t index)
{
    const struct analysis *analysis = &event->analyses[index];
    const struct ars_source *source = ars_source_find(analysis->table);
    bool of_endpoint = analysis->endpoint != NOT_THERE && (source->dataset == NULL || source->variable != NULL);
    begin_object(out);
    json_id(out, "id", "AN", index);
    json_number(out, "version", 1);
    json_text(out, "name", analysis->table);
    append_description(out, analysis);
    append_term(out, "reason", "SPECIFIED IN PROTOCOL");
    append_term(out, "purpose", purpose_of(event, analysis));
    json_text(out, "dataset", of_endpoint ? "ADQS" : source->dataset);
    json_text(out, "variable", source->variable);
    json_text(out, "analysisSetId", source->set);
    if (of_endpoint)
        json_id(out, "dataSubsetId", "DS_ENDPOINT", (size_t)analysis->endpoint);
    else
        json_text(out, "dataSubsetId", source->subset);
    append_ordered_groupings(out, analysis);
    json_id(out, "methodId", "MT", analysis->method);
    append_results(out, event, analysis);
    text_append(out, "}");
}

void ars_json_write(struct text *out, const struct dataset *dataset, const struct results *results)
{
    struct event *event = read_results(out, dataset, results);
    char *id = memory_format(event, "%s.%d", dataset->catalogue->study, dataset->cut_no);
    char *label = memory_format(event, "Data cut %d \"%s\"", dataset->cut_no, dataset->cut_label);
    text_append(out, "{");
    json_text(out, "id", id);
    json_number(out, "version", 1);
    json_text(out, "name", dataset->study_title);
    json_text(out, "label", label);
    append_contents(out, event);
    append_sets(out);
    append_subsets(out, event);
    append_groupings(out, event);
    append_methods(out, event);
    json_key(out, "analyses");
    text_append(out, "[");
    for (size_t a = 0; a < event->analysis_count; a++)
        append_analysis(out, event, a);
    text_append(out, "]}\n");
    talloc_free(event);
}
