/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A casebook, and the index of a site's archive, as HTML files that need nothing else; made for paper as for the
 * screen: contents with page numbers, running heads, tables whose heads repeat.  No script runs in them.
 *
 * casebook_html.c has the page and its tables; casebook_items.c answers and changes, casebook_record.c what stands
 * beside versions, casebook_parts.c what is about the whole subject.
 */
#ifndef PATELLA_CASEBOOK_HTML_H
#define PATELLA_CASEBOOK_HTML_H

#include "reports/casebook_book.h"

/* The whole file. */
void casebook_render(struct text *out, const struct book *book);

/* A line of the index: a subject of the archive. */
struct casebook_entry {
    const char *name;            /* "07-0012" */
    size_t records, versions, voided, open_queries, signatures;
    bool pdf;
};
void casebook_render_index(struct text *out, const struct casebook_frame *frame, const struct casebook_entry *entries,
                           size_t count);
/* Counts for the index. */
struct casebook_entry casebook_count(const struct book *book);

/* casebook_style.c: the style sheet. */
extern const char casebook_style[];

/* ---- for casebook_*.c ---- */

#define DASH "\xe2\x80\x94"      /* nothing is there */

/* `title` of the page, `head` and `foot` of printed pages. */
void casebook_begin_page(struct text *out, const char *title, const char *head, const char *foot);
void casebook_end_page(struct text *out);

void casebook_begin_chapter(struct text *out, const char *anchor, const char *title, bool across);
void casebook_end_chapter(struct text *out);
void casebook_paragraph(struct text *out, const char *format, ...) PRINTF_LIKE(2, 3);

/* A term and what it says, within casebook_begin_facts and _end_facts. */
void casebook_begin_facts(struct text *out);
void casebook_fact(struct text *out, const char *term, const char *format, ...) PRINTF_LIKE(3, 4);
void casebook_end_facts(struct text *out);

/* Texts follow, ended by NULL; a cell whose text is book_withheld shows as such. */
void casebook_begin_table(struct text *out, const char *class, const char *caption, ...) __attribute__((sentinel));
void casebook_row(struct text *out, ...) __attribute__((sentinel));
/* A heading within a table of so many columns. */
void casebook_group(struct text *out, size_t columns, const char *title);
void casebook_end_table(struct text *out);

/* "2", in memory of `out`. */
const char *casebook_number(const struct text *out, int number);

/* ---- parts ---- */

/* casebook_items.c: what the newest version that is not void says, and what each version changed. */
void casebook_append_answers(struct text *out, const struct book *book, const struct book_record *record);
void casebook_append_changes(struct text *out, const struct book *book, const struct book_record *record);
/* Compares an entry with a version: a row for each item that differs, with how it was settled. */
void casebook_append_differences(struct text *out, const struct book *book, const struct book_record *record,
                                 const json_t *version, const json_t *entry);

/* casebook_record.c */
void casebook_append_record(struct text *out, const struct book *book, const struct book_record *record,
                            const char *number);
/* Events of a query as rows of a table: "1", about, event, text, by, at. */
void casebook_append_query(struct text *out, const struct book *book, const json_t *query, const char *about);
bool casebook_query_is_open(const json_t *query);
/* What a mark or a signature of `version` says of the newest one: "newest version", "version 1, not the newest (2)". */
const char *casebook_coverage(const struct text *out, const struct book_record *record, const json_t *version);

/* casebook_parts.c: chapters behind the records. */
void casebook_append_safety(struct text *out, const struct book *book);
void casebook_append_queries(struct text *out, const struct book *book);
void casebook_append_signatures(struct text *out, const struct book *book);
void casebook_append_trail(struct text *out, const struct book *book);
void casebook_append_people(struct text *out, const struct book *book);
void casebook_append_reading(struct text *out, const struct book *book);

#endif
