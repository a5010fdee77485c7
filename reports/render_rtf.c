/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/render_rtf.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"
#include "reports/render_columns.h"

/* Twips (1/1440 inch): A4 landscape and its margins. */
enum {
    PAPER_WIDTH = 16838,
    PAPER_HEIGHT = 11906,
    MARGIN = 720,
    TEXT_WIDTH = PAPER_WIDTH - 2 * MARGIN,
    INDENT = 200,
    CELL_GAP = 60                /* half of what is between two cells */
};

/* Half points. */
enum { TYPE_TITLE = 20, TYPE_NOTE = 15, TYPE_NORMAL = 16, TYPE_SMALL = 14, TYPE_SMALLEST = 11 };

/* --- text ----------------------------------------------------------------------------------------------- */

/* One UTF-16 unit, which RTF takes as a signed number; '?' is for readers that know no Unicode. */
static void append_unit(struct text *out, unsigned unit)
{
    text_append_format(out, "\\u%d?", unit > 0x7fff ? (int)unit - 0x10000 : (int)unit);
}

/* The code point that begins at `c` (valid UTF-8); returns its bytes. */
static size_t take_code_point(const unsigned char *c, unsigned *point)
{
    static const unsigned char masks[] = {0x7f, 0x7f, 0x1f, 0x0f, 0x07};
    size_t length = *c >= 0xf0 ? 4 : *c >= 0xe0 ? 3 : *c >= 0xc0 ? 2 : 1;
    *point = *c & masks[length];
    for (size_t i = 1; i < length && c[i] != '\0'; i++)
        *point = *point << 6 | (c[i] & 0x3f);
    return length;
}

static void append_escaped(struct text *out, const char *string)
{
    const unsigned char *end = (const unsigned char *)string + strlen(string);
    for (const unsigned char *c = (const unsigned char *)string; c < end;) {
        unsigned point;
        c += take_code_point(c, &point);
        if (point == '\\' || point == '{' || point == '}')
            text_append_format(out, "\\%c", (char)point);
        else if (point == '\n')
            text_append(out, "\\line ");
        else if (point == '\t')
            text_append(out, "\\tab ");
        else if (point >= 0x10000) {
            append_unit(out, 0xd800 + ((point - 0x10000) >> 10));
            append_unit(out, 0xdc00 + ((point - 0x10000) & 0x3ff));
        } else if (point >= 0x7f)
            append_unit(out, point);
        else if (point >= ' ')
            text_append_format(out, "%c", (char)point);
    }
}

static void append_paragraph(struct text *out, int type, const char *label, const char *string)
{
    text_append_format(out, "\\pard\\plain\\f0\\fs%d ", type);
    if (label[0] != '\0') {
        append_escaped(out, label);
        text_append(out, ": ");
    }
    append_escaped(out, string);
    text_append(out, "\\par\n");
}

/* --- rows ----------------------------------------------------------------------------------------------- */

struct grid {
    struct text *out;
    const struct table *table;
    const struct columns *columns;
    struct columns_part part;
    const double *wanted;        /* characters that the label and each column would like to have */
    int type;
};

enum border { BORDER_NONE, BORDER_ABOVE = 1, BORDER_BELOW = 2 };

static void append_cell_end(const struct grid *grid, int right, int borders)
{
    if ((borders & BORDER_ABOVE) != 0)
        text_append(grid->out, "\\clbrdrt\\brdrs\\brdrw15");
    if ((borders & BORDER_BELOW) != 0)
        text_append(grid->out, "\\clbrdrb\\brdrs\\brdrw15");
    text_append_format(grid->out, "\\clvertalt\\cellx%d", right);
}

/* Characters of a page's width: one is about 0.54 of the size of type, and a half point has 10 twips. */
static double page_characters(int type)
{
    return TEXT_WIDTH / (0.54 * 10 * type);
}

/*
 * Characters that the label and each column cannot do without, with what is between them: texts have
 * capitals, which are wider than digits.
 */
static double label_need(const struct columns *columns)
{
    return columns->label + 3;
}

static double column_need(const struct table *table, const struct columns *columns, size_t column)
{
    return columns->characters[column] + (table->columns[column].kind == CELL_NUMBER ? 2 : 3);
}

static double needed_characters(const struct table *table, const struct columns *columns,
                                const struct columns_part *part)
{
    double needed = label_need(columns);
    for (size_t c = part->from; c < part->to; c++)
        needed += column_need(table, columns, c);
    return needed;
}

/* A listing is not parted: when its words would not fit, its type is smaller than that of tables. */
static int choose_type(const struct table *table, const struct columns *columns)
{
    if (columns->type != COLUMNS_SMALL)
        return TYPE_NORMAL;
    const struct columns_part all = {0, columns->count};
    bool fits = columns->most < columns->count ||
                needed_characters(table, columns, &all) <= page_characters(TYPE_SMALL);
    return fits ? TYPE_SMALL : TYPE_SMALLEST;
}

/* Texts that wrap get room by their length, so that no row is much taller than it must be; not more than this. */
enum { MOST_WANTED = 44 };

/* The label's, then each column's. */
static double *list_wanted(const void *owner, const struct table *table, const struct columns *columns)
{
    double *wanted = memory_new_array(owner, double, columns->count + 1);
    wanted[0] = label_need(columns);
    for (size_t c = 0; c < columns->count; c++)
        wanted[c + 1] = column_need(table, columns, c);
    for (size_t r = 0; r < columns_shown_rows(table); r++) {
        const struct table_row *row = &table->rows[r];
        wanted[0] = fmax(wanted[0], fmin(MOST_WANTED, (double)text_count_characters(row->label)));
        for (size_t c = 0; c < columns->count; c++) {
            double length = (double)text_count_characters(row->cells[c].text);
            wanted[c + 1] = fmax(wanted[c + 1], fmin(MOST_WANTED, length));
        }
    }
    return wanted;
}

/*
 * Right edges of the cells.  Each column has the characters that it cannot do without; what is left of the
 * page is shared by what they would like to have beyond that, or, when none would, by what they have.
 */
static void append_cell_ends(const struct grid *grid, int borders)
{
    const struct columns *columns = grid->columns;
    double needed = needed_characters(grid->table, columns, &grid->part);
    double wanted = grid->wanted[0] - label_need(columns);
    for (size_t c = grid->part.from; c < grid->part.to; c++)
        wanted += grid->wanted[c + 1] - column_need(grid->table, columns, c);
    double spare = fmax(0, page_characters(grid->type) - needed);
    double part = wanted > 0 ? fmin(1, spare / wanted) : 0, all = needed + part * wanted;
    double before = label_need(columns) + part * (grid->wanted[0] - label_need(columns));
    append_cell_end(grid, (int)(TEXT_WIDTH * before / all), borders);
    for (size_t c = grid->part.from; c < grid->part.to; c++) {
        double least = column_need(grid->table, columns, c);
        before += least + part * (grid->wanted[c + 1] - least);
        append_cell_end(grid, (int)(TEXT_WIDTH * before / all), borders);
    }
    text_append(grid->out, "\n");
}

static void begin_row(const struct grid *grid, bool head)
{
    text_append_format(grid->out, "\\trowd\\trgaph%d\\trkeep%s", CELL_GAP, head ? "\\trhdr" : "");
}

/* `style`: "\\ql", "\\qr", with an indent or bold. */
static void begin_cell(const struct grid *grid, const char *style)
{
    text_append_format(grid->out, "\\pard\\plain\\intbl\\f0\\fs%d%s ", grid->type, style);
}

static void append_head(const struct grid *grid)
{
    begin_row(grid, true);
    append_cell_ends(grid, BORDER_ABOVE | BORDER_BELOW);
    begin_cell(grid, "\\ql\\b");
    append_escaped(grid->out, grid->table->label_title);
    text_append(grid->out, "\\cell\n");
    for (size_t c = grid->part.from; c < grid->part.to; c++) {
        const struct table_column *column = &grid->table->columns[c];
        begin_cell(grid, column->kind == CELL_NUMBER ? "\\qr\\b" : "\\ql\\b");
        append_escaped(grid->out, column->title);
        if (column->subtitle[0] != '\0') {
            text_append(grid->out, "\\line\\b0 ");
            append_escaped(grid->out, column->subtitle);
        }
        text_append(grid->out, "\\cell\n");
    }
    text_append(grid->out, "\\row\n");
}

/* One cell over the whole width; `last` has the line below the table. */
static void append_whole_row(const struct grid *grid, const char *string, bool bold, bool last)
{
    begin_row(grid, false);
    append_cell_end(grid, TEXT_WIDTH, last ? BORDER_BELOW : BORDER_NONE);
    begin_cell(grid, bold ? "\\ql\\b\\keepn" : "\\ql");
    append_escaped(grid->out, string);
    text_append(grid->out, "\\cell\\row\n");
}

static void append_row(const struct grid *grid, const struct table_row *row, bool last)
{
    struct text *out = grid->out;
    begin_row(grid, false);
    append_cell_ends(grid, last ? BORDER_BELOW : BORDER_NONE);
    begin_cell(grid, row->strong ? "\\ql\\b" : "\\ql");
    text_append_format(out, "\\li%d ", INDENT * (row->indent + (row->group[0] != '\0' ? 1 : 0)));
    append_escaped(out, row->label);
    text_append(out, "\\cell\n");
    for (size_t c = grid->part.from; c < grid->part.to; c++) {
        const struct cell *cell = &row->cells[c];
        char letters[FORMAT_SIZE];
        begin_cell(grid, cell->kind == CELL_NUMBER ? "\\qr" : "\\ql");
        append_escaped(out, cell->text);
        if (cell->footnote > 0)
            text_append_format(out, "{\\super %s}", format_letters(letters, cell->footnote));
        text_append(out, "\\cell\n");
    }
    text_append(out, "\\row\n");
}

static void append_grid(const struct grid *grid)
{
    const struct table *table = grid->table;
    size_t shown = columns_shown_rows(table);
    const char *group = "";
    append_head(grid);
    for (size_t r = 0; r < shown; r++) {
        const struct table_row *row = &table->rows[r];
        if (strcmp(row->group, group) != 0)
            append_whole_row(grid, row->group, true, false);
        group = row->group;
        append_row(grid, row, r + 1 == shown);
    }
    if (shown == 0)
        append_whole_row(grid, "none", false, true);
}

/* --- the file ------------------------------------------------------------------------------------------- */

static void append_begin(struct text *out, const struct document *document, const struct table *table)
{
    text_append(out, "{\\rtf1\\ansi\\ansicpg1252\\uc1\\deff0{\\fonttbl{\\f0\\fswiss\\fcharset0 Arial;}}\n"
                     "{\\info{\\title ");
    append_escaped(out, table->number);
    text_append(out, " ");
    append_escaped(out, table->title);
    text_append_format(out,
                       "}}\n\\paperw%d\\paperh%d\\landscape\\margl%d\\margr%d\\margt%d\\margb%d\\sectd\\lndscpsxn"
                       "\\pgwsxn%d\\pghsxn%d\n",
                       PAPER_WIDTH, PAPER_HEIGHT, MARGIN, MARGIN, 1000, 900, PAPER_WIDTH, PAPER_HEIGHT);
    text_append_format(out, "{\\header\\pard\\plain\\f0\\fs%d ", TYPE_NOTE);
    append_escaped(out, document->title);
    text_append_format(out, "\\par}\n{\\footer\\pard\\plain\\f0\\fs%d\\tqr\\tx%d ", TYPE_NOTE, TEXT_WIDTH);
    append_escaped(out, document->cut != NULL ? document->cut : "");
    text_append(out, "\\tab Page {\\field{\\*\\fldinst PAGE}{\\fldrslt 1}} of "
                     "{\\field{\\*\\fldinst NUMPAGES}{\\fldrslt 1}}\\par}\n");
}

static void append_title(struct text *out, const struct table *table)
{
    text_append_format(out, "\\pard\\plain\\keepn\\outlinelevel0\\sa60\\f0\\fs%d\\b ", TYPE_TITLE);
    append_escaped(out, table->number);
    text_append(out, " ");
    append_escaped(out, table->title);
    text_append(out, "\\b0\\par\n");
    for (size_t i = 0; i < table->estimand_count; i++) {
        char *label = memory_format(out, "Estimand, %s", table->estimand[i].label);
        append_paragraph(out, TYPE_NORMAL, label, table->estimand[i].text);
        talloc_free(label);
    }
    for (size_t i = 0; i < table->fact_count; i++)
        append_paragraph(out, TYPE_NOTE, table->facts[i].label, table->facts[i].text);
}

static void append_footnotes(struct text *out, const struct table *table)
{
    struct text *more = text_new(out);
    columns_append_more(more, table);
    if (more->length > 0)
        append_paragraph(out, TYPE_NOTE, "", more->bytes);
    talloc_free(more);
    for (size_t i = 0; i < table->footnote_count; i++) {
        char letters[FORMAT_SIZE];
        text_append_format(out, "\\pard\\plain\\f0\\fs%d {\\super %s} ", TYPE_NOTE,
                           format_letters(letters, i + 1));
        append_escaped(out, table->footnotes[i]);
        text_append(out, "\\par\n");
    }
}

void render_rtf_table(struct text *out, const struct document *document, const struct table *table)
{
    void *owner = memory_owner(out, "rtf");
    struct columns columns = columns_divide(owner, table, COLUMNS_ACROSS);
    append_begin(out, document, table);
    append_title(out, table);
    struct grid grid = {.out = out, .table = table, .columns = &columns,
                        .wanted = list_wanted(owner, table, &columns),
                        .type = choose_type(table, &columns)};
    size_t from = 0;
    do {
        grid.part = columns_part_at(&columns, from);
        if (grid.part.to - grid.part.from < table->column_count) {
            char *line = memory_format(owner, "Columns %zu to %zu of %zu", grid.part.from + 1, grid.part.to,
                                       table->column_count);
            append_paragraph(out, TYPE_NOTE, "", line);
        }
        append_grid(&grid);
        text_append(out, "\\pard\\plain\\f0\\fs8\\par\n");
        from = grid.part.to;
    } while (from < table->column_count);
    append_footnotes(out, table);
    text_append(out, "}\n");
    talloc_free(owner);
}
