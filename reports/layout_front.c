/* SPDX-License-Identifier: GPL-3.0-or-later */
/* First page, cohorts, visits, how to read. */
#include "reports/layout.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

static const char *kind_name(enum cohort_kind kind)
{
    switch (kind) {
    case COHORT_ACTIVE: return "active";
    case COHORT_CONTROL: return "control";
    case COHORT_PLACEBO: return "placebo";
    }
    return "";
}

/* "AD-MSC 72 of 76, CS 85 of 95": treated of enrolled. */
static const char *list_cohorts(const struct layout *layout)
{
    const struct dataset *dataset = layout->dataset;
    struct text *out = text_new(layout->document);
    for (size_t i = 0; i < dataset->cohort_count; i++) {
        const char *cohort = dataset->cohorts[i];
        char treated[FORMAT_SIZE], enrolled[FORMAT_SIZE];
        text_append_format(
            out, "%s%s %s of %s", i > 0 ? ", " : "", cohort,
            format_number(treated, layout_value(layout, "analysis sets", "treated", cohort, "n"), 0),
            format_number(enrolled, layout_value(layout, "analysis sets", "enrolled", cohort, "n"), 0));
    }
    return out->bytes;
}

static void add_facts(struct layout *layout)
{
    const struct dataset *dataset = layout->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    char instant[FORMAT_SIZE];
    layout_add_document_fact(layout, "Study", "%s", dataset->catalogue->study);
    layout_add_document_fact(layout, "Protocol", "%s, version %d: %s", protocol->id, protocol->version,
                             protocol->title);
    layout_add_document_fact(layout, "Data cut", "number %d, \"%s\", made %s", dataset->cut_no,
                             dataset->cut_label, format_instant(instant, dataset->cut_made_us));
    layout_add_document_fact(layout, "Seal", "%s", dataset->cut_sealed ? "sealed" : "not sealed");
    layout_add_document_fact(layout, "Masking", "%s",
                             protocol->masking == MASKING_DOUBLE
                                 ? "double: nobody in the study sees the cohorts"
                                 : "none (open study)");
    layout_add_document_fact(layout, "Allocation", "%s, by %s",
                             protocol->randomised ? "randomised" : "not randomised",
                             protocol->allocation == ALLOCATE_KNEE ? "knee" : "subject");
    layout_add_document_fact(layout, "Columns", "%s",
                             dataset->pooled ? "all subjects pooled" : "one for each cohort");
    layout_add_document_fact(layout, "Treated of enrolled", "%s", list_cohorts(layout));
    if (protocol->reference != NULL && !dataset->pooled)
        layout_add_document_fact(layout, "Reference cohort", "%s", protocol->reference);
    layout_add_document_fact(layout, "Confidence level", "%s", layout_level(layout));
    layout_add_document_fact(layout, "Made by", "patella-report %s", PATELLA_VERSION);
}

static void add_notices(struct layout *layout)
{
    const struct dataset *dataset = layout->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    if (dataset->pooled && protocol->masking == MASKING_DOUBLE)
        layout_add_notice(
            layout,
            "The study is masked. All subjects are shown in one column; items that name the "
            "product, texts in somebody's own words and adverse events at a harvest site are left out, "
            "because they could give the cohorts away.");
    else if (dataset->pooled)
        layout_add_notice(layout,
                          "All subjects are shown in one column; items that name the product, texts in "
                          "somebody's own words and adverse events at a harvest site are left out.");
    if (dataset->unblinding != NULL)
        layout_add_notice(layout,
                          "This report is unmasked: it shows the cohorts of a masked study, by request %s. It may be "
                          "read only by those who may be unmasked.", dataset->unblinding);
    if (dataset->pooled)
        layout_add_notice(layout,
                          "Cohorts are not told apart and not compared: differences, sensitivity to missing "
                          "values, subgroups and tests of several hypotheses are in a report that shows cohorts.");
    if (!protocol->randomised && !dataset->pooled)
        layout_add_notice(layout,
                          "Cohorts were not randomised: differences between them are associations, no causal "
                          "claim can be made from them.");
    if (!dataset->cut_sealed)
        layout_add_notice(layout,
                          "The data cut is not sealed: its rows are not yet covered by a signed chain.");
}

static void set_count(const struct layout *layout, struct table *table, struct table_row *row, size_t column,
                      const char *set)
{
    layout_set_results(layout, table, row, column,
                       &(struct result_key){.table = "analysis sets", .row = set, .col = row->label}, "{n}");
}

static void add_cohorts(struct layout *layout)
{
    const struct dataset *dataset = layout->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    struct table *table = layout_add_table(layout, "cohorts", "Cohorts and their subjects");
    table->label_title = "Cohort";
    table_add_column(table, "Title", "", CELL_TEXT);
    table_add_column(table, "Kind", "", CELL_TEXT);
    table_add_column(table, "Enrolled", "", CELL_NUMBER);
    table_add_column(table, "Treated (N)", "", CELL_NUMBER);
    for (size_t i = 0; i < dataset->cohort_count; i++) {
        struct table_row *row = table_add_row(table, "", dataset->cohorts[i], 0);
        table_set_cell(table, row, 0, CELL_TEXT, dataset->cohort_titles[i]);
        int cohort = dataset->pooled ? -1 : protocol_find_cohort(protocol, dataset->cohorts[i]);
        table_set_cell(table, row, 1, CELL_TEXT,
                       cohort < 0 ? "all" : kind_name(protocol->cohorts[cohort].kind));
        set_count(layout, table, row, 2, "enrolled");
        set_count(layout, table, row, 3, "treated");
    }
}

/* Title of the newest version. */
static const char *form_title(const struct layout *layout, const char *id)
{
    const struct catalogue *catalogue = layout->dataset->catalogue;
    for (size_t i = 0; i < catalogue->form_count; i++)
        if (strcmp(catalogue->forms[i]->id, id) == 0)
            return catalogue->forms[i]->title;
    return id;
}

static const char *list_forms(const struct layout *layout, const struct visit *visit)
{
    struct text *out = text_new(layout->document);
    for (size_t i = 0; i < visit->form_count; i++)
        text_append_format(out, "%s%s", i > 0 ? "; " : "", form_title(layout, visit->forms[i]));
    return out->bytes;
}

static void add_visits(struct layout *layout)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    struct table *table = layout_add_table(layout, "visits", "Visits: study days of target and windows");
    table->label_title = "Visit";
    table_add_column(table, "Target day", "", CELL_NUMBER);
    table_add_column(table, "Due window", "", CELL_NUMBER);
    table_add_column(table, "Analysis window", "", CELL_NUMBER);
    table_add_column(table, "Forms due", "", CELL_TEXT);
    for (size_t i = 0; i < protocol->visit_count; i++) {
        const struct visit *visit = &protocol->visits[i];
        struct table_row *row = table_add_row(table, "", layout_visit_title(layout, visit), 0);
        char number[FORMAT_SIZE];
        table_set_cell(table, row, 0, CELL_NUMBER, format_number(number, visit->target, 0));
        table_set_cell(table, row, 1, CELL_NUMBER, layout_window(layout, visit->due));
        table_set_cell(table, row, 2, CELL_NUMBER, layout_window(layout, visit->analysis));
        table_set_cell(table, row, 3, CELL_TEXT, list_forms(layout, visit));
    }
}

static void add_reading_notes(struct layout *layout)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    layout_add_paragraph(layout,
                         "The unit of the outcome tables is the index knee, one for each subject, so that n "
                         "counts subjects. Rule for the index knee: %s.",
                         protocol_index_knee_text(protocol));
    layout_add_paragraph(layout,
                         "Day 1 of a knee is its first treatment in the study; there is no day 0, and a "
                         "re-injection does not move it. Subjects without a treatment are in the disposition "
                         "and in no table of effect or safety. N is the number of treated subjects.");
    layout_add_paragraph(
        layout, "A record counts for the visit whose analysis window holds its date, whichever visit "
                "was chosen when it was entered: the record closest to the target, of two equally "
                "close ones the later day, of one day the one whose first version was received later. "
                "Baseline is the last value that is not missing on day 1 or before, score by score, from "
                "any visit of that time. Records entered as unscheduled count for none. Records that "
                "were not used are listed in the last chapter.");
    layout_add_paragraph(
        layout,
        "n counts values, \"missing\" is N - n. SD is the standard deviation with n - 1; "
        "quartiles are of type 2 (Hyndman and Fan 1996, the default of SAS); confidence "
        "intervals of means use Student's t distribution at %s. Numbers are rounded once, "
        "here, half away from zero: smallest and largest value as the data are collected, mean, "
        "median, quartiles and limits with one decimal more, SD and SE with two more, "
        "percentages with one. A score of one item, or a sum, is collected with the decimals that its "
        "values have, at most those that its form allows; means and scores mapped to another scale count "
        "as collected in whole points. Thresholds and "
        "ranges stand as the protocol writes them.",
        layout_level(layout));
    layout_add_paragraph(
        layout, "NE: not estimable; \"-\": no value. A letter beside a cell leads to the reason below "
                "its table. Every table is also a CSV file, named "
                "after its anchor; results.csv holds all numbers with 12 digits.");
}

void layout_front(struct layout *layout)
{
    const struct dataset *dataset = layout->dataset;
    layout->document->title = memory_copy_string(layout->document, dataset->study_title);
    layout->document->cut =
        memory_format(layout->document, "%s, data cut %d \"%s\"%s", dataset->catalogue->study,
                      dataset->cut_no, dataset->cut_label, dataset->pooled ? ", all subjects pooled" : "");
    add_facts(layout);
    add_notices(layout);
    layout_begin_chapter(layout, 1, "reading", "How to read this report");
    add_reading_notes(layout);
    add_cohorts(layout);
    add_visits(layout);
}
