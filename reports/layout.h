/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From result rows to a document: chapters, tables of text cells, figures.
 *
 * Layout decides what stands where and calls format.h for every number; it computes nothing.  A document
 * knows neither HTML nor CSV: render_html and render_csv write the same one.  Everything hangs on the
 * document.
 */
#ifndef PATELLA_LAYOUT_H
#define PATELLA_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/dataset.h"
#include "reports/figure.h"
#include "reports/results.h"

/* Texts are from people: render_csv disarms them.  Numbers are ours. */
enum cell_kind { CELL_TEXT, CELL_NUMBER };

struct cell {
    const char *text;
    enum cell_kind kind;
    size_t footnote;             /* 1-based index into the table's footnotes, 0: none */
};

struct table_column {
    const char *title;
    const char *subtitle;        /* "N = 80", "" when there is none */
    enum cell_kind kind;
    bool whole;                  /* texts are names, which stay on one line */
};

struct table_row {
    const char *group;           /* heading that the row stands under, "" in a table without groups */
    const char *label;
    int indent;                  /* of the label, 0.. */
    bool strong;                 /* label of a heading that has numbers of its own */
    struct cell *cells;          /* column_count */
};

struct fact {
    const char *label, *text;
};

struct table;

/* Calls `take` with each row of a table, in order; a row lives as long as the call. */
typedef void table_take(void *to, const struct table_row *row);
typedef void table_source(const struct table *table, table_take *take, void *to);

struct table {
    const char *id;              /* [a-z0-9_-]+: anchor and name of the CSV file */
    const char *number;          /* "Table 6.1" */
    const char *title;
    struct fact *estimand;       /* the box above the table (ICH E9(R1)), in the order in which it is read */
    size_t estimand_count;
    struct fact *facts;          /* population, instrument, score, range, ... */
    size_t fact_count;
    const char *group_title;     /* of the groups, "" in a table without */
    const char *label_title;     /* of the first column */
    struct table_column *columns;
    size_t column_count;
    struct table_row *rows;
    size_t row_count;
    const char **footnotes;
    size_t footnote_count;
    size_t html_rows;            /* most rows that HTML shows, 0: all; CSV always has all */
    table_source *source;        /* NULL: `rows` holds all; else it holds the first html_rows, and this gives all */
    const void *source_context;
    bool listing;                /* rows are records, not statistics */
    bool sortable;               /* rows stand for themselves, so that a reader may sort them; listings are */
};

struct block {                   /* one of the two */
    struct table *table;
    struct figure *figure;
};

struct chapter {
    const char *id;
    const char *title;
    const char **paragraphs;
    size_t paragraph_count;
    struct block *blocks;
    size_t block_count;
};

struct document {
    const char *title;
    const char *cut;             /* foot of every printed page: study, data cut, masking */
    struct fact *facts;          /* first page */
    size_t fact_count;
    const char **notices;        /* what the reader must know first: not randomised, masked, not sealed */
    size_t notice_count;
    struct chapter **chapters;
    size_t chapter_count;
};

/* What layouts read and where they write. */
struct layout {
    const struct dataset *dataset;
    const struct results *results;
    struct document *document;
    struct chapter *chapter;     /* the one being filled */
    int chapter_number;
    int table_number, figure_number;   /* within the chapter */
};

/* The whole report. */
struct document *layout_document(const void *owner, const struct dataset *dataset,
                                 const struct results *results);

/* The parts, each adds its chapters; in layout_<part>.c. */
void layout_front(struct layout *layout);            /* first page, how to read */
void layout_claims(struct layout *layout);           /* what is claimed, and the answer */
void layout_populations(struct layout *layout);      /* analysis sets, disposition, completeness, baseline */
void layout_outcomes(struct layout *layout);         /* descriptives, figures */
void layout_ancova(struct layout *layout);           /* each visit on its own */
void layout_mmrm(struct layout *layout);             /* models for repeated measures */
void layout_figures(struct layout *layout);          /* figures of the outcomes chapter: single values */
void layout_responders(struct layout *layout);
void layout_effect_sizes(struct layout *layout);
void layout_sensitivity(struct layout *layout);      /* imputation by the reference cohort */
void layout_subgroups(struct layout *layout);        /* forest plots */
void layout_multiplicity(struct layout *layout);     /* hypotheses together */
void layout_adjusted(struct layout *layout);         /* overlap weights, unless randomised */
void layout_events(struct layout *layout);           /* time to event, Kaplan-Meier figures */
void layout_secondary(struct layout *layout);        /* untreated knee, imaging, rescue treatments, cost */
void layout_exposure(struct layout *layout);         /* a table of the safety chapter */
void layout_safety(struct layout *layout);           /* exposure, adverse events */
void layout_listings(struct layout *layout);

/* Building. */
void layout_begin_chapter(struct layout *layout, int number, const char *id, const char *title);
void layout_add_paragraph(struct layout *layout, const char *format, ...) PRINTF_LIKE(2, 3);
void layout_add_notice(struct layout *layout, const char *format, ...) PRINTF_LIKE(2, 3);
void layout_add_document_fact(struct layout *layout, const char *label, const char *format, ...)
    PRINTF_LIKE(3, 4);
/* A new table at the end of the chapter, with number and caption; `id` is turned into [a-z0-9_-]. */
struct table *layout_add_table(struct layout *layout, const char *id, const char *title);
struct figure *layout_add_figure(struct layout *layout, const char *id, const char *title);

void table_add_fact(struct table *table, const char *label, const char *format, ...) PRINTF_LIKE(3, 4);
/*
 * What a table of effect estimates, after ICH E9(R1).  NULL or "" leaves a line out; intercurrent events
 * follow, one line each, by table_add_intercurrent.
 */
struct estimand {
    const char *population, *treatment, *variable, *summary;
};
void table_set_estimand(struct table *table, const struct estimand *estimand);
void table_add_intercurrent(struct table *table, const char *event, const char *strategy);

void table_add_column(struct table *table, const char *title, const char *subtitle, enum cell_kind kind);
/* Row with empty cells; after the last table_add_column. */
struct table_row *table_add_row(struct table *table, const char *group, const char *label, int indent);
/* Cell `column` of `row`; the text is copied. */
void table_set_cell(struct table *table, struct table_row *row, size_t column, enum cell_kind kind,
                    const char *text);
/* 1-based index of the footnote, added when it is not there yet; 0 for "". */
size_t table_footnote(struct table *table, const char *text);

/* A column for each cohort with "N = treated" below. */
void layout_add_cohort_columns(const struct layout *layout, struct table *table);

/*
 * One cell from several statistics of one result (table, row, col).  `pattern` holds {stat} for a statistic
 * with the decimals of its name, {%stat} for a proportion as a percentage, {!stat} for a p value: "{mean}
 * ({sd})".  A statistic that is not there or has a status shows "NE" (or "-" when all of them are missing),
 * its note becomes a footnote.
 */
struct result_key {
    const char *table, *row, *col;
    int collected;               /* decimals of the data */
};
struct line {
    const char *pattern, *label;
    int indent;
};
void layout_set_results(const struct layout *layout, struct table *table, struct table_row *row,
                        size_t column, const struct result_key *key, const char *pattern);

/* A row with such a cell for each cohort (key->col is not read); the table has the cohorts' columns only. */
void layout_add_cohort_row(const struct layout *layout, struct table *table, const struct result_key *key,
                           const char *group, const struct line *line);

/* Value of a result, NAN when it is not there or has a status. */
double layout_value(const struct layout *layout, const char *table, const char *row, const char *col,
                    const char *stat);

/*
 * Names of the rows (or columns) of a result table in their order, `*count` of them; a row counts when the
 * first column of the table has it.
 */
const char **layout_list_rows(const struct layout *layout, const char *table, size_t *count);
const char **layout_list_columns(const struct layout *layout, const char *table, size_t *count);

/* The newest form that has that item, or NULL. */
const struct item *layout_find_item(const struct layout *layout, const char *form, const char *item);

/* `label` with a capital first letter (a to z), as headings and row labels begin. */
const char *layout_capital(const struct layout *layout, const char *label);
/* "95 %" of the protocol's level. */
const char *layout_level(const struct layout *layout);
/* Its own title, else that of its score. */
const char *layout_endpoint_title(const struct layout *layout, const struct endpoint *endpoint);
/* "Month 3 (M3)", or the id alone when the visit has no title of its own. */
const char *layout_visit_title(const struct layout *layout, const struct visit *visit);
/* "2 to 137", "up to 1". */
const char *layout_window(const struct layout *layout, const int window[2]);

#endif
