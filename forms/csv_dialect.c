/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/csv_dialect.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "forms/base/memory.h"
#include "forms/csv_head.h"
#include "forms/csv_reader.h"
#include "forms/csv_rows.h"

/* In the order in which they are preferred when a header fits several, as one column does. */
static const struct {
    char delimiter;
    const char *name;
} delimiters[] = {{',', "commas"}, {';', "semicolons"}, {'\t', "tabs"}, {'|', "vertical bars"}, {'^', "carets"}};

/* Rows of one cell that are tried with other delimiters. */
enum { DELIMITERS = sizeof delimiters / sizeof delimiters[0], MIXED_TRIED = 100 };

struct search {
    void *scratch;
    struct csv_rows *rows, *other_rows;
    const char *text, *end;      /* UTF-8, behind the byte order mark and the "sep=" line */
    bool is_whole;               /* the file ends with it */
    bool is_cr_newline;
    int64_t first_line;          /* that `text` begins on: 2 behind a "sep=" line */
    csv_is_header *is_header;
    void *context;
};

/* The header, as one delimiter shows it. */
struct header {
    char delimiter;
    bool quoting;
    int64_t line;
    size_t cells;                /* 0: it was not found */
    const char *newline;
    const char *begin;           /* its first byte */
    const char *behind;          /* the first byte of the rows */
    int64_t line_behind;
    bool is_libreclinica;
};

/* How the rows of the head look. */
struct rows_seen {
    size_t same, other;          /* as many cells as the header, and not */
    bool bad_quotes;
    int64_t mixed_line;          /* of a row that another delimiter parts into as many cells; 0: none */
    char mixed_delimiter;
};

static const char *delimiter_name(char delimiter)
{
    for (size_t i = 0; i < DELIMITERS; i++)
        if (delimiters[i].delimiter == delimiter)
            return delimiters[i].name;
    return "another character";
}

static bool say(struct upload_findings *findings, enum upload_severity severity, const char *code, int64_t line,
                const char *text)
{
    upload_finding_add(findings, severity, code, &(struct upload_place){.line = line}, "%s", text);
    return severity != UPLOAD_FILE_REFUSED;
}

/* ---- the header ---- */

/* Without blanks and no-break spaces around it. */
static const char *trim(void *owner, const char *cell)
{
    size_t length = strlen(cell);
    for (size_t step = 1; step > 0 && length > 0;) {
        step = *cell == ' ' || *cell == '\t' ? 1 : strncmp(cell, "\xC2\xA0", 2) == 0 ? 2 : 0;
        cell += step;
        length -= step;
    }
    for (size_t step = 1; step > 0 && length > 0; length -= step) {
        char last = cell[length - 1];
        step = last == ' ' || last == '\t' ? 1 : length >= 2 && memcmp(cell + length - 2, "\xC2\xA0", 2) == 0 ? 2 : 0;
    }
    return memory_copy_bytes(owner, cell, length);
}

static bool is_header(const struct search *search, const struct csv_rows *rows, struct header *header)
{
    void *owner = memory_owner(search->scratch, "cells");
    const char **cells = memory_new_array(owner, const char *, rows->cell_count);
    bool is_libreclinica = false, is = true;
    for (size_t i = 0; i < rows->cell_count; i++) {
        is = is && strlen(rows->cells[i]) == csv_rows_cell_length(rows, i);   /* no NUL in it */
        cells[i] = trim(owner, rows->cells[i]);
        is_libreclinica = is_libreclinica || strcasecmp(cells[i], "Study Subject ID") == 0;
    }
    is = is && search->is_header(search->context, cells, rows->cell_count);
    talloc_free(owner);
    if (is) {
        header->cells = rows->cell_count;
        header->is_libreclinica = is_libreclinica && header->delimiter == '\t';
    }
    return is;
}

/* Behind the end of the line at `at`. */
static const char *next_line(const struct search *search, const char *at)
{
    while (at < search->end && *at != '\n' && !(search->is_cr_newline && *at == '\r'))
        at++;
    bool is_crlf = search->end - at >= 2 && at[0] == '\r' && at[1] == '\n';
    return at == search->end ? at : at + (is_crlf ? 2 : 1);
}

static enum csv_step take_row(const struct search *search, struct csv_rows *rows, const char **at)
{
    enum csv_step step = csv_rows_take(rows, at, search->end);
    return step == CSV_STEP_MORE && search->is_whole ? csv_rows_finish(rows) : step;
}

static const char *newline_before(const struct search *search, const char *behind)
{
    if (search->is_cr_newline)
        return "\r";
    return behind - search->text >= 2 && behind[-1] == '\n' && behind[-2] == '\r' ? "\r\n" : "\n";
}

/* Each line is tried by itself, for quotes in lines above the header need not be balanced. */
static struct header find_header(const struct search *search, char delimiter, bool quoting)
{
    struct header header = {.delimiter = delimiter, .quoting = quoting};
    const char *line = search->text;
    for (header.line = search->first_line; header.line <= CSV_BANNER_LINES && line < search->end; header.line++) {
        const char *at = line;
        csv_rows_begin(search->rows, delimiter, quoting, search->is_cr_newline, header.line);
        if (take_row(search, search->rows, &at) == CSV_STEP_ROW && is_header(search, search->rows, &header)) {
            header.newline = newline_before(search, at);
            header.begin = line;
            header.behind = at;
            header.line_behind = search->rows->line;
            break;
        }
        line = next_line(search, line);
    }
    return header;
}

/* The delimiter that parts the header into most cells. */
static struct header find_best(const struct search *search, const struct csv_dialect *declared)
{
    struct header best = {0};
    for (size_t i = 0; i < DELIMITERS; i++) {
        char delimiter = delimiters[i].delimiter;
        if (declared->delimiter != 0 && declared->delimiter != delimiter)
            continue;
        bool quoting = declared->quoting_declared ? declared->quoting : true;
        struct header header = find_header(search, delimiter, quoting);
        if (header.cells == 0 && delimiter == '\t' && !declared->quoting_declared)
            header = find_header(search, delimiter, false);
        if (header.cells > best.cells)
            best = header;
    }
    return best;
}

/* ---- the rows ---- */

/* The delimiter that parts a row of one cell into as many as the header has; 0: none. */
static char find_other_delimiter(const struct search *search, const struct header *header, const char *row)
{
    char other = 0;
    for (size_t i = 0; i < DELIMITERS && other == 0; i++) {
        if (delimiters[i].delimiter == header->delimiter)
            continue;
        struct csv_rows *rows = search->other_rows;
        csv_rows_begin(rows, delimiters[i].delimiter, header->quoting, search->is_cr_newline, 1);
        const char *at = row;
        if (take_row(search, rows, &at) == CSV_STEP_ROW && rows->cell_count == header->cells)
            other = delimiters[i].delimiter;
    }
    return other;
}

static struct rows_seen look_at_rows(const struct search *search, const struct header *header)
{
    struct rows_seen seen = {0};
    struct csv_rows *rows = search->rows;
    csv_rows_begin(rows, header->delimiter, header->quoting, search->is_cr_newline, header->line_behind);
    const char *at = header->behind, *row = at;
    enum csv_step step;
    for (; (step = take_row(search, rows, &at)) == CSV_STEP_ROW; row = at) {
        if (csv_rows_is_empty(rows))
            continue;
        bool is_same = rows->cell_count == header->cells;
        seen.same += is_same;
        seen.other += !is_same;
        if (is_same || rows->cell_count > 1 || seen.mixed_line != 0 || seen.other > MIXED_TRIED)
            continue;
        seen.mixed_delimiter = find_other_delimiter(search, header, row);
        if (seen.mixed_delimiter != 0)
            seen.mixed_line = rows->row_line;
    }
    seen.bad_quotes = step == CSV_STEP_BAD_QUOTE || (step == CSV_STEP_OPEN_QUOTE && search->is_whole);
    return seen;
}

/* Exports of LibreClinica have no quoting, nor has a file of tabs that can only be read so. */
static void find_quoting(const struct search *search, struct header *header, struct rows_seen *seen)
{
    if (header->delimiter != '\t' || !header->quoting)
        return;
    struct header bare = *header;
    bare.quoting = false;
    struct rows_seen seen_bare = look_at_rows(search, &bare);
    if (header->is_libreclinica || (seen->bad_quotes && seen_bare.other == 0)) {
        *header = bare;
        *seen = seen_bare;
    }
}

/* ---- what is said ---- */

static bool refuse_header(const struct search *search, const struct csv_dialect *declared,
                          struct upload_findings *findings)
{
    const char *end = next_line(search, search->text);
    char *first = memory_copy_bytes(search->scratch, search->text, (size_t)(end - search->text));
    first[strcspn(first, "\r\n")] = '\0';
    text_drop_broken(first);
    const struct upload_place place = {.line = search->first_line, .value = first};
    struct csv_dialect undeclared = {0};
    struct header other = declared->delimiter != 0 ? find_best(search, &undeclared) : (struct header){0};
    if (other.cells > 0)
        upload_finding_add(findings, UPLOAD_FILE_REFUSED, "no_header", &(struct upload_place){.line = other.line},
                           "no header was found with %s between the cells, as %s; with %s line %lld is one: correct "
                           "%s, or the file",
                           delimiter_name(declared->delimiter),
                           search->first_line > 1 ? "the \"sep=\" line says" : "the profile declares",
                           delimiter_name(other.delimiter), (long long)other.line,
                           search->first_line > 1 ? "that line" : "the profile's delimiter");
    else
        upload_finding_add(findings, UPLOAD_FILE_REFUSED, "no_header", &place,
                           "none of the first %d lines is a header: it must name the column with the subject's "
                           "number (as subject, record_id, Study Subject ID, Participant Id) or a column of the "
                           "site's profile", CSV_BANNER_LINES);
    return false;
}

static bool refuse_mixed(const struct header *header, const struct rows_seen *seen,
                         struct upload_findings *findings)
{
    upload_finding_add(findings, UPLOAD_FILE_REFUSED, "mixed_delimiters",
                       &(struct upload_place){.line = seen->mixed_line},
                       "the header has %s between its cells, and this line has %s; export the file anew with one "
                       "delimiter", delimiter_name(header->delimiter), delimiter_name(seen->mixed_delimiter));
    return false;
}

static void say_what_was_found(const struct search *search, const struct header *header,
                               const struct csv_dialect *declared, struct upload_findings *findings)
{
    if (declared->delimiter == 0)
        upload_finding_add(findings, UPLOAD_ASSUMED, "delimiter", NULL, "%s stand between the cells%s",
                           delimiter_name(header->delimiter),
                           header->quoting ? "" : ", and quotes are characters like others");
    if (header->line > search->first_line) {
        long long above = (long long)(header->line - search->first_line);
        const char *what = above == 1 ? "the line above it was"
                                      : memory_format(search->scratch, "the %lld lines above it were", above);
        upload_finding_add(findings, UPLOAD_ASSUMED, "banner", NULL, "the header is line %lld; %s passed over",
                           (long long)header->line, what);
    }
    if (strcmp(header->newline, "\n") != 0)
        say(findings, UPLOAD_ASSUMED, "newline", 0,
            strcmp(header->newline, "\r") == 0 ? "lines end with CR" : "lines end with CRLF");
}

/* ---- lines before the header that say something ---- */

/* "sep=;", which Excel heeds, with or without quotes around. */
static char read_sep_line(struct search *search)
{
    const char *end = next_line(search, search->text);
    const char *line = search->text;
    size_t length = (size_t)(end - line);
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
        length--;
    if (length == 7 && line[0] == '"' && line[6] == '"') {
        line++;
        length -= 2;
    }
    if (length != 5 || strncasecmp(line, "sep=", 4) != 0)
        return 0;
    for (size_t i = 0; i < DELIMITERS; i++)
        if (delimiters[i].delimiter == line[4]) {
            search->text = end;
            search->first_line = 2;
            return line[4];
        }
    return 0;
}

static bool is_blank(const struct search *search)
{
    for (const char *c = search->text; c < search->end; c++)
        if (!isspace((unsigned char)*c) && *c != '\0')
            return false;
    return true;
}

/* Tables in HTML or XML, which some programs call .xls. */
static bool is_markup(const struct search *search)
{
    const char *c = search->text;
    while (c < search->end && isspace((unsigned char)*c))
        c++;
    return search->end - c >= 2 && c[0] == '<' && (isalpha((unsigned char)c[1]) || c[1] == '!' || c[1] == '?');
}

static bool find_layout(struct search *search, struct csv_dialect *dialect, struct upload_findings *findings)
{
    if (is_blank(search))
        return say(findings, UPLOAD_FILE_REFUSED, "empty_file", 0, "the file is empty; was it written to its end?");
    if (is_markup(search))
        return say(findings, UPLOAD_FILE_REFUSED, "spreadsheet_file", 0,
                   "the file is HTML or XML and no CSV file, whatever its name ends with; open it in the program that "
                   "shows it, save it as \"CSV UTF-8\" and upload that");
    struct csv_dialect declared = *dialect;
    char sep = read_sep_line(search);
    dialect->sep_line = sep != 0;
    if (sep != 0 && declared.delimiter == 0) {
        declared.delimiter = sep;
        upload_finding_add(findings, UPLOAD_ASSUMED, "sep_line", NULL,
                           "%s stand between the cells, as the first line says", delimiter_name(sep));
    }
    struct header header = find_best(search, &declared);
    if (header.cells == 0)
        return refuse_header(search, &declared, findings);
    struct rows_seen seen = look_at_rows(search, &header);
    if (!declared.quoting_declared)
        find_quoting(search, &header, &seen);
    if (seen.mixed_line != 0)
        return refuse_mixed(&header, &seen, findings);
    say_what_was_found(search, &header, &declared, findings);
    dialect->delimiter = header.delimiter;
    dialect->quoting = header.quoting;
    dialect->header_line = header.line;
    dialect->newline = header.newline;
    dialect->banner = NULL;
    if (header.begin > search->text)
        dialect->banner = memory_copy_bytes(findings->owner, search->text, (size_t)(header.begin - search->text));
    return true;
}

bool csv_dialect_find(const void *bytes, size_t length, csv_is_header *is_header_line, void *context,
                      struct csv_dialect *dialect, struct upload_findings *findings)
{
    struct csv_head head = {.bytes = bytes, .length = length, .is_whole = length < CSV_HEAD_BYTES};
    head.scratch = memory_owner(findings->owner, "dialect");
    bool is_found = csv_head_decode(&head, dialect, findings);
    if (is_found) {
        struct search search = {
            .scratch = head.scratch,
            .rows = csv_rows_new(head.scratch),
            .other_rows = csv_rows_new(head.scratch),
            .text = head.text,
            .end = head.text + head.text_length,
            .is_whole = head.is_whole,
            .is_cr_newline = head.is_cr_newline,
            .first_line = 1,
            .is_header = is_header_line,
            .context = context,
        };
        is_found = find_layout(&search, dialect, findings);
    }
    talloc_free(head.scratch);
    return is_found;
}
