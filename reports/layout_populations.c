/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who was studied: analysis sets, disposition, completeness, baseline.  (T1, T2, T3, T5) */
#include "reports/layout_populations.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"
#include "reports/layout_score.h"

#define ALL_SUBJECTS "(all)"     /* column of the results that holds every enrolled subject */
static const double smd_flag = 0.1;

struct label {
    const char *name, *label;
};

static const struct label set_labels[] = {
    {"enrolled", "Enrolled"},
    {"allocated", "Allocated to a cohort"},
    {"treated", "Treated (safety set, N)"},
    {"treated_without_records", "Treated, and no record in any analysis window"},
    {"fas", "Full analysis set: baseline and at least one value after it"},
    {"per_protocol", "Per-protocol set: of these, without an important deviation"},
    {"completers", "Completers: value at the last visit"},
};

static const char *find_label(const struct label *labels, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(labels[i].name, name) == 0)
            return labels[i].label;
    return name;
}

/* Columns of the results themselves, with N = enrolled. */
static const char **add_enrolled_columns(struct layout *layout, struct table *table, const char *results)
{
    size_t count;
    const char **columns = layout_list_columns(layout, results, &count);
    for (size_t i = 0; i < count; i++) {
        char number[FORMAT_SIZE];
        double enrolled = layout_value(layout, "analysis sets", "enrolled", columns[i], "n");
        format_number(number, isnan(enrolled) ? 0 : enrolled, 0);
        const char *title = strcmp(columns[i], ALL_SUBJECTS) == 0 ? "All enrolled" : columns[i];
        table_add_column(table, title, memory_format(table, "enrolled = %s", number), CELL_NUMBER);
    }
    return columns;
}

static const char *disposition_label(const struct layout *layout, const char *reason)
{
    if (strcmp(reason, "in_study") == 0)
        return "Still in the study";
    const struct item *item = layout_find_item(layout, "end_of_study", "reason");
    const struct choice *choice = item != NULL ? item_find_choice(item, reason) : NULL;
    return choice != NULL ? choice->label : reason;
}

static void add_set_facts(struct layout *layout, struct table *table)
{
    char number[FORMAT_SIZE];
    format_number(number, layout_value(layout, "left out", "enrolment_voided", ALL_SUBJECTS, "n"), 0);
    table_add_fact(table, "Left out", "%s subjects whose enrolment is void, with all their records", number);
    table_add_fact(table, "Without record",
                   "nobody came to a visit yet, or the date of the treatment is wrong");
    table_add_fact(table, "Per protocol",
                   dataset_form_number(layout->dataset, "protocol_deviation") >= 0
                       ? "a deviation is important when its form says so, or does not say; no table is of this set "
                         "alone"
                       : "the study has no form for protocol deviations, so that nobody is left out");
}

static void add_counts(struct layout *layout, const char *id, const char *title, const char *results)
{
    struct table *table = layout_add_table(layout, id, title);
    table_add_fact(table, "Population", "enrolled subjects");
    table_add_fact(table, "Cells", "n (%% of the enrolled of the column)");
    const char **columns = add_enrolled_columns(layout, table, results);
    size_t count;
    const char **rows = layout_list_rows(layout, results, &count);
    bool sets = strcmp(results, "analysis sets") == 0;
    if (sets)
        add_set_facts(layout, table);
    table->label_title = sets ? "Set" : "Status or reason for the end of study";
    for (size_t i = 0; i < count; i++) {
        const char *label = sets ? find_label(set_labels, sizeof set_labels / sizeof *set_labels, rows[i])
                                 : disposition_label(layout, rows[i]);
        struct table_row *row = table_add_row(table, "", layout_capital(layout, label), 0);
        for (size_t c = 0; c < table->column_count; c++)
            layout_set_results(layout, table, row, c,
                               &(struct result_key){.table = results, .row = rows[i], .col = columns[c]},
                               "{n} ({pct})");
    }
}

static void add_deviations(struct layout *layout)
{
    static const char results[] = "protocol deviations";
    size_t count;
    const char **rows = layout_list_rows(layout, results, &count);
    if (count == 0)
        return;
    struct table *table =
        layout_add_table(layout, "t2-protocol-deviations", "Protocol deviations by category");
    table_add_fact(table, "Population", "enrolled subjects; a subject counts once in a row");
    table_add_fact(table, "Cells", "subjects (%% of the enrolled of the column), deviations");
    const char **columns = add_enrolled_columns(layout, table, results);
    const struct item *item = layout_find_item(layout, "protocol_deviation", "category");
    table->label_title = "Category";
    for (size_t i = 0; i < count; i++) {
        const struct choice *choice = item != NULL ? item_find_choice(item, rows[i]) : NULL;
        const char *label = choice != NULL ? choice->label : i == 0 ? "any deviation" : rows[i];
        struct table_row *row = table_add_row(table, "", layout_capital(layout, label), 0);
        for (size_t c = 0; c < table->column_count; c++)
            layout_set_results(layout, table, row, c,
                               &(struct result_key){.table = results, .row = rows[i], .col = columns[c]},
                               "{subjects} ({pct} %), {events}");
    }
}

/* --- completeness -------------------------------------------------------------------------------------- */

static void add_completeness_visit(struct layout *layout, struct table *table, const struct result_key *key,
                                   const char *form)
{
    static const struct line lines[] = {
        {"{submissions} ({pct})", "Received (% of N)", 0},
        {"{expected}", "Expected by the cut", 0},
        {"{expected_submissions} ({pct_expected})", "Received of the expected (%)", 0},
    };
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    const struct visit *visit = protocol_find_visit(protocol, key->row);
    const char *group = visit != NULL ? layout_visit_title(layout, visit) : key->row;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        layout_add_cohort_row(layout, table, key, group, &lines[i]);
    for (size_t e = 0; e < protocol->endpoint_count; e++) {
        const struct endpoint *endpoint = &protocol->endpoints[e];
        if (strcmp(endpoint->form, form) != 0)
            continue;
        struct line line = {
            memory_format(table, "{%s_scorable} ({pct_%s_scorable})", endpoint->id, endpoint->id),
            memory_format(table, "%s: computable (%% of N)", layout_endpoint_title(layout, endpoint)), 0};
        layout_add_cohort_row(layout, table, key, group, &line);
    }
}

static void add_completeness(struct layout *layout, const char *form_id)
{
    const char *results = memory_format(layout->document, "completeness %s", form_id);
    size_t count;
    const char **visits = layout_list_rows(layout, results, &count);
    if (count == 0)
        return;
    const struct form *form = catalogue_find_form(layout->dataset->catalogue, form_id, 0);
    struct table *table = layout_add_table(
        layout, memory_format(layout->document, "t5-completeness-%s", form_id),
        memory_format(layout->document, "Completeness by visit: %s", form != NULL ? form->title : form_id));
    table_add_fact(table, "Population", "treated subjects (N); index knee");
    table_add_fact(
        table, "Expected",
        "treated, the due window closed before the day of the cut, and by the target day of the visit "
        "the subject had neither died nor ended follow-up by withdrawal of consent, an adverse event, "
        "the physician's decision or the stop of the study; joint replacement, lost to follow-up and "
        "any other reason stay expected");
    table_add_fact(table, "Computable",
                   "the score has a value; at baseline: on any visit on day 1 or before");
    table->group_title = "Visit";
    table->label_title = "Count";
    layout_add_cohort_columns(layout, table);
    for (size_t v = 0; v < count; v++)
        add_completeness_visit(layout, table, &(struct result_key){.table = results, .row = visits[v]},
                               form_id);
}

static void add_all_completeness(struct layout *layout)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    for (size_t e = 0; e < protocol->endpoint_count; e++) {
        bool done = false;
        for (size_t before = 0; before < e; before++)
            done = done || strcmp(protocol->endpoints[before].form, protocol->endpoints[e].form) == 0;
        if (done)
            continue;
        add_completeness(layout, protocol->endpoints[e].form);
        layout_missing_items(layout, protocol->endpoints[e].form);
    }
}

/* --- baseline ------------------------------------------------------------------------------------------ */

/* UCUM's short units of time are no words. */
static const char *unit_words(const char *unit)
{
    static const struct label words[] = {{"a", "years"}, {"mo", "months"}, {"wk", "weeks"}, {"d", "days"}};
    return find_label(words, sizeof words / sizeof *words, unit);
}

static const char *item_title(const struct layout *layout, const struct item *item)
{
    const char *title = layout_capital(layout, item->text);
    const char *unit = item->unit != NULL ? unit_words(item->unit) : "";
    if (unit[0] == '\0' || strstr(title, unit) != NULL)
        return title;
    return memory_format(layout->document, "%s (%s)", title, unit);
}

/* Grades are known by their number: "2: minimal". */
static const char *choice_title(const struct layout *layout, const struct item *item,
                                const struct choice *choice)
{
    if (!item->choices_are_numbers)
        return choice->label;
    return memory_format(layout->document, "%s: %s", choice->code, choice->label);
}

static void add_baseline_item(struct layout *layout, struct table *table, const char *form,
                              const struct item *item)
{
    static const struct line number_lines[] = {
        {"{n} ({nmiss})", "n (missing)", 0},
        {"{mean} ({sd})", "Mean (SD)", 0},
        {"{median} [{q1}, {q3}]", "Median [Q1, Q3]", 0},
        {"{min}, {max}", "Min, max", 0},
    };
    static const struct label boolean_choices[] = {{"true", "yes"}, {"false", "no"}};
    const char *results = memory_format(layout->document, "baseline %s.%s", form, item->id);
    struct result_key key = {.table = results, .row = "", .collected = layout_item_decimals(layout, form, item)};
    const char *group = item_title(layout, item);
    bool numeric = item->type == ITEM_INTEGER || item->type == ITEM_DECIMAL;
    size_t lines = numeric ? sizeof number_lines / sizeof *number_lines : 1;
    for (size_t i = 0; i < lines; i++)
        layout_add_cohort_row(layout, table, &key, group, &number_lines[i]);
    for (size_t i = 0; item->type == ITEM_CHOICE && i < item->choice_count; i++) {
        key.row = item->choices[i].code;
        layout_add_cohort_row(
            layout, table, &key, group,
            &(struct line){"{n} ({pct})", choice_title(layout, item, &item->choices[i]), 0});
    }
    for (size_t i = 0; item->type == ITEM_BOOLEAN && i < 2; i++) {
        key.row = boolean_choices[i].name;
        layout_add_cohort_row(layout, table, &key, group,
                              &(struct line){"{n} ({pct})", boolean_choices[i].label, 0});
    }
}

static const struct item *baseline_item(const struct layout *layout, size_t index)
{
    const struct item_reference *reference = &layout->dataset->catalogue->protocol->baseline[index];
    const struct item *item = layout_find_item(layout, reference->form, reference->item);
    return item != NULL && !(layout->dataset->pooled && dataset_item_may_name_arm(item)) ? item : NULL;
}

static void add_baseline(struct layout *layout)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    struct table *table = layout_add_table(layout, "t3-baseline", "Characteristics at baseline");
    table_add_fact(table, "Population",
                   "treated subjects (N); last value on day 1 or before; items about a knee: "
                   "index knee");
    table_add_fact(table, "Cells", "categories: n (%% of the non-missing)");
    table->group_title = "Characteristic";
    table->label_title = "Statistic or category";
    layout_add_cohort_columns(layout, table);
    for (size_t i = 0; i < protocol->baseline_count; i++) {
        const struct item *item = baseline_item(layout, i);
        if (item != NULL)
            add_baseline_item(layout, table, protocol->baseline[i].form, item);
    }
}

static void add_smd_row(struct layout *layout, struct table *table, const struct result_key *key,
                        const struct item *item, const char **columns)
{
    struct table_row *row = table_add_row(table, "", item_title(layout, item), 0);
    for (size_t c = 0; c < table->column_count; c++) {
        struct result_key cell = *key;
        cell.col = columns[c];
        double smd = layout_value(layout, key->table, key->row, columns[c], "smd");
        bool large = fabs(smd) > smd_flag && !layout->dataset->catalogue->protocol->randomised;
        layout_set_results(layout, table, row, c, &cell, large ? "{smd} *" : "{smd}");
    }
}

static void add_smd(struct layout *layout)
{
    static const char results[] = "baseline smd";
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    size_t count;
    const char **columns = layout_list_columns(layout, results, &count);
    if (count == 0)
        return;
    struct table *table =
        layout_add_table(layout, "t3-baseline-differences",
                         "Standardised differences at baseline, against the reference cohort");
    table_add_fact(table, "Population", "treated subjects with a value");
    table_add_fact(table, "Cells",
                   "numbers: difference of means by the pooled standard deviation; categories: "
                   "Mahalanobis distance of the proportions, without sign");
    if (!protocol->randomised)
        table_add_fact(table, "*", "larger than 0.1 either way: the cohorts differ at baseline");
    table->label_title = "Characteristic";
    for (size_t c = 0; c < count; c++)
        table_add_column(table, columns[c], "", CELL_NUMBER);
    for (size_t i = 0; i < protocol->baseline_count; i++) {
        const struct item_reference *reference = &protocol->baseline[i];
        const struct item *item = baseline_item(layout, i);
        const char *row = memory_format(layout->document, "%s.%s", reference->form, reference->item);
        if (item != NULL)
            add_smd_row(layout, table, &(struct result_key){.table = results, .row = row}, item, columns);
    }
}

void layout_populations(struct layout *layout)
{
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "subjects", "Subjects");
    layout_flow(layout);
    add_counts(layout, "t1-analysis-sets", "Analysis sets", "analysis sets");
    add_counts(layout, "t2-disposition", "Disposition", "disposition");
    add_deviations(layout);
    layout_compliance(layout);
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "completeness",
                         "Completeness of follow-up");
    add_all_completeness(layout);
    layout_missing_patterns(layout);
    layout_completers(layout);
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "baseline", "Baseline");
    add_baseline(layout);
    add_smd(layout);
}
