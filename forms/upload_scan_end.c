/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/upload_keys.h"
#include "forms/upload_scanning.h"

/* A scan that ends. */
struct ending {
    const struct upload_scan *scan;
    const struct upload_plan *plan;
    struct upload_findings *findings;
};

static struct upload_place place_of(const struct ending *ending, const struct evidence *evidence)
{
    const char *name = ending->plan->columns[evidence->column].name;
    return (struct upload_place){.line = evidence->line, .column = name[0] != '\0' ? name : NULL,
                                 .value = evidence->value};
}

/* The one that came first says what was expected, the other one is where it went wrong. */
static const struct evidence *later(const struct evidence *a, const struct evidence *b)
{
    return a->line >= b->line ? a : b;
}

static int64_t earlier_line(const struct evidence *a, const struct evidence *b)
{
    return a->line < b->line ? a->line : b->line;
}

/* ---- what refuses the file ---- */

static const char *delimiter_name(char delimiter)
{
    switch (delimiter) {
    case ';': return "semicolons";
    case ',': return "commas";
    case '\t': return "tabs";
    case '|': return "bars (|)";
    case '^': return "carets (^)";
    default: return "other characters";
    }
}

static void refuse_counts(const struct ending *ending)
{
    const struct upload_scan *scan = ending->scan;
    const struct upload_place place = {.line = scan->wrong_count_line};
    char other[64] = "";
    if (scan->other_delimiter != '\0')
        snprintf(other, sizeof other, ", with %s in them", delimiter_name(scan->other_delimiter));
    upload_finding_add(ending->findings, UPLOAD_FILE_REFUSED, "mixed_delimiters", &place,
                       "%lld of %lld rows have another number of cells than the header, which has %zu with %s between; "
                       "this first one has %zu%s; %s",
                       (long long)scan->wrong_counts, (long long)scan->rows, ending->plan->column_count,
                       delimiter_name(ending->plan->dialect.delimiter), scan->wrong_count, other,
                       scan->other_delimiter != '\0'
                           ? "save the file again with one delimiter"
                           : "look whether rows end with delimiters that the header has not, or stand in quotes as a "
                             "whole, and save the file again");
}

static void check_rows(const struct ending *ending)
{
    const struct upload_scan *scan = ending->scan;
    if (scan->rows == 0)
        upload_finding_add(ending->findings, UPLOAD_FILE_REFUSED, "empty_file", NULL,
                           "the file has a header and no row below it; look whether the export went well");
    else if (scan->wrong_counts * 2 > scan->rows)
        refuse_counts(ending);
    if (upload_keys_are_too_many(scan->keys))
        upload_finding_add(ending->findings, UPLOAD_FILE_REFUSED, "doubled_key", NULL,
                           "more than %d records stand twice in the file; look whether it was put together twice",
                           UPLOAD_KEYS_SUSPECTS);
}

static const char *what_to_do(const struct upload_column *column)
{
    return column->hint != NULL && column->hint[0] != '\0'
               ? column->hint
               : "; give it the name of what it is, or take it out";
}

static void check_unknown(const struct ending *ending)
{
    for (size_t i = 0; i < ending->plan->column_count; i++) {
        const struct upload_column *column = &ending->plan->columns[i];
        const struct evidence *evidence = &ending->scan->columns[i].unknown;
        if (evidence->count == 0)
            continue;
        struct upload_place place = place_of(ending, evidence);
        place.line = ending->plan->dialect.header_line;
        upload_finding_add(ending->findings, UPLOAD_FILE_REFUSED, "unknown_column", &place,
                           "nobody knows what column %zu%s%.60s%s holds (%lld of its cells, the first in line %lld)%s",
                           i + 1, column->name[0] != '\0' ? " \"" : "", column->name,
                           column->name[0] != '\0' ? "\"" : ", which has no name,", (long long)evidence->count,
                           (long long)evidence->line, what_to_do(column));
    }
}

static void check_places(const struct ending *ending)
{
    const struct upload_scan *scan = ending->scan;
    if (scan->wrong_site.count > 0) {
        const struct upload_place place = place_of(ending, &scan->wrong_site);
        upload_finding_add(ending->findings, UPLOAD_FILE_REFUSED, "wrong_site", &place,
                           "the upload is of site %d, and %lld rows are of another one; send each site's rows by "
                           "themselves",
                           ending->plan->site, (long long)scan->wrong_site.count);
    }
    if (scan->wrong_study.count > 0) {
        const struct upload_place place = place_of(ending, &scan->wrong_study);
        upload_finding_add(ending->findings, UPLOAD_FILE_REFUSED, "wrong_study", &place,
                           "the upload is of study %s, and %lld rows say another one; send them to that one",
                           ending->plan->catalogue->study, (long long)scan->wrong_study.count);
    }
    if (scan->day_first.count > 0 && scan->month_first.count > 0) {
        const struct evidence *wrong = later(&scan->day_first, &scan->month_first);
        const struct upload_place place = place_of(ending, wrong);
        upload_finding_add(ending->findings, UPLOAD_FILE_REFUSED, "mixed_dates", &place,
                           "the %s comes first here, and second in line %lld: the file mixes two orders of dates; "
                           "write all of them as YYYY-MM-DD",
                           wrong == &scan->day_first ? "day" : "month",
                           (long long)earlier_line(&scan->day_first, &scan->month_first));
    }
}

/* ---- decimal marks ---- */

/* The mark of a column's numbers; 0 when none has one. */
static char find_mark(const struct ending *ending, size_t index)
{
    const struct column_evidence *column = &ending->scan->columns[index];
    bool points = column->points.count > 0, commas = column->commas.count > 0;
    bool semicolons = ending->plan->dialect.delimiter == ';';
    if (!points && !commas)
        return '\0';
    if (semicolons && (commas || column->points_are_thousands))
        return ',';
    if (!semicolons && commas && !column->commas_are_thousands)
        return ',';
    return '.';
}

static bool is_mixed(const struct column_evidence *column)
{
    return column->points.count > 0 && column->commas.count > 0 && !column->points_are_thousands
           && !column->commas_are_thousands;
}

static void find_marks(const struct ending *ending, char *marks)
{
    const struct evidence *first = NULL;
    for (size_t i = 0; i < ending->plan->column_count; i++) {
        const struct column_evidence *column = &ending->scan->columns[i];
        marks[i] = find_mark(ending, i);
        if (is_mixed(column)) {
            const struct upload_place place = place_of(ending, later(&column->points, &column->commas));
            upload_finding_add(ending->findings, UPLOAD_FILE_REFUSED, "mixed_decimals", &place,
                               "the column has decimal points and decimal commas (another one in line %lld); write all "
                               "of them in one way",
                               (long long)earlier_line(&column->points, &column->commas));
        } else if (marks[i] == ',' && first == NULL) {
            first = &column->commas;
        }
    }
    if (first == NULL)
        return;
    const struct upload_place place = place_of(ending, first);
    upload_finding_add(ending->findings, UPLOAD_ASSUMED, "decimal", &place,
                       "commas are decimal marks, where every number of a column has them");
}

static void set_marks(const struct ending *ending, struct upload_scan *scan, struct upload_plan *plan)
{
    char declared = plan->dialect.decimal;
    if (plan->profile != NULL && plan->profile->dialect.decimal != '\0')
        declared = plan->profile->dialect.decimal;
    plan->column_decimals = NULL;
    if (declared != '\0') {
        plan->decimal = declared;
        return;
    }
    char *marks = talloc_zero_array(scan, char, plan->column_count + 1);
    find_marks(ending, marks);
    plan->column_decimals = marks;
    plan->decimal = plan->dialect.delimiter == ';' ? ',' : '.';
}

/* ---- what was taken for granted ---- */

static void say_notes(const struct ending *ending)
{
    static const struct {
        const char *code, *text;
    } says[SCAN_NOTES] = {
        [SCAN_LABEL] = {"labels", "cells hold labels or words, which are read as the codes of the form"},
        [SCAN_MISSING] = {"missing_codes",
                          "cells hold codes for a missing value: reasons for none, or blanks (NA, ., -)"},
        [SCAN_TIME] = {"time_dropped", "dates have a time behind them, which is left out"},
        [SCAN_POINT] = {"integer_point", "whole numbers have a point behind them, as in 3.0"},
        [SCAN_APOSTROPHE] = {"apostrophe",
                             "cells begin with the apostrophe that our exports put before a formula; it is taken away"},
        [SCAN_ESCAPE] = {"encoding", "cells hold letters as R writes them in Windows (<U+043E>); they are read as the "
                                     "letters"},
        [SCAN_INCOMPLETE] = {"incomplete_form", "forms are not marked as complete; they are taken all the same"},
        [SCAN_KNEE] = {"knee", "cells name the knee in other words than left, right and none"},
        [SCAN_VISIT] = {"visit", "cells name the visit in other words than its id"},
        [SCAN_DATE_ORDER] = {"date_order", NULL},
    };
    for (size_t i = 0; i < SCAN_NOTES; i++) {
        const struct evidence *evidence = &ending->scan->notes[i];
        if (evidence->count == 0 || says[i].text == NULL)
            continue;
        const struct upload_place place = place_of(ending, evidence);
        upload_finding_add(ending->findings, UPLOAD_ASSUMED, says[i].code, &place, "%lld %s",
                           (long long)evidence->count, says[i].text);
    }
    const struct evidence *order = &ending->scan->notes[SCAN_DATE_ORDER];
    if (order->count == 0 || !ending->plan->dates_declared || ending->plan->dates == UPLOAD_DATES_ISO)
        return;
    const struct upload_place place = place_of(ending, order);
    upload_finding_add(ending->findings, UPLOAD_ASSUMED, "date_order", &place,
                       "%lld dates are read with the %s first, as the site's profile declares",
                       (long long)order->count, ending->plan->dates == UPLOAD_DATES_DMY ? "day" : "month");
}

static void say_columns(const struct ending *ending)
{
    size_t empty = 0;
    for (size_t i = 0; i < ending->plan->column_count; i++) {
        enum upload_role role = ending->plan->columns[i].role;
        const struct column_evidence *column = &ending->scan->columns[i];
        if (role == UPLOAD_NAMELESS && column->row_number > 0 && column->unknown.count == 0) {
            const struct upload_place place = {.line = ending->plan->dialect.header_line};
            upload_finding_add(ending->findings, UPLOAD_ASSUMED, "ignored_column", &place,
                               "column %zu numbers the rows and is not read", i + 1);
        }
        empty += (role == UPLOAD_NAMELESS || role == UPLOAD_UNKNOWN) && !column->is_filled;
    }
    const struct upload_place place = {.line = ending->plan->dialect.header_line};
    if (empty > 0)
        upload_finding_add(ending->findings, UPLOAD_ASSUMED, "empty_columns", &place,
                           "%zu columns that nobody knows are empty and passed over", empty);
}

bool upload_scan_end(struct upload_scan *scan, struct upload_plan *plan, struct upload_findings *findings)
{
    const struct ending ending = {.scan = scan, .plan = plan, .findings = findings};
    check_rows(&ending);
    check_unknown(&ending);
    check_places(&ending);
    set_marks(&ending, scan, plan);
    say_notes(&ending);
    say_columns(&ending);
    return !findings->file_refused;
}
