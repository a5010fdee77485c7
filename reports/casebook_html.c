/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/casebook_html.h"

#include <stdarg.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"
#include "reports/render_html_table.h"

#define EM_SPACE "\xe2\x80\x83"

/* --- the page ------------------------------------------------------------------------------------------ */

void casebook_begin_page(struct text *out, const char *title, const char *head, const char *foot)
{
    text_append(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                     "style-src 'unsafe-inline'\">\n");
    html_append_element(out, "title", title);
    text_append(out, "\n<style>\n");
    text_append(out, casebook_style);
    html_append_running(out, head, foot);
    text_append(out, "</style>\n</head>\n<body>\n");
}

void casebook_end_page(struct text *out)
{
    text_append(out, "</body>\n</html>\n");
}

void casebook_begin_chapter(struct text *out, const char *anchor, const char *title, bool across)
{
    text_append_format(out, "<section%s>\n<h2 id=\"%s\">", across ? " class=\"across\"" : "", anchor);
    text_append_html(out, title);
    text_append(out, "</h2>\n");
}

void casebook_end_chapter(struct text *out)
{
    text_append(out, "</section>\n");
}

void casebook_paragraph(struct text *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(out, format, arguments);
    va_end(arguments);
    html_append_element(out, "p", text);
    text_append(out, "\n");
    talloc_free(text);
}

void casebook_begin_facts(struct text *out)
{
    text_append(out, "<dl>\n");
}

void casebook_fact(struct text *out, const char *term, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(out, format, arguments);
    va_end(arguments);
    text_append(out, "<div>");
    html_append_element(out, "dt", term);
    html_append_element(out, strcmp(text, book_withheld) == 0 ? "dd class=\"withheld\"" : "dd", text);
    text_append(out, "</div>\n");
    talloc_free(text);
}

void casebook_end_facts(struct text *out)
{
    text_append(out, "</dl>\n");
}

/* --- tables -------------------------------------------------------------------------------------------- */

void casebook_begin_table(struct text *out, const char *class, const char *caption, ...)
{
    va_list heads;
    text_append_format(out, "<div class=\"scroll\"><table class=\"%s\">\n", class);
    if (caption[0] != '\0')
        html_append_element(out, "caption", caption);
    text_append(out, "<thead><tr>");
    va_start(heads, caption);
    for (const char *head; (head = va_arg(heads, const char *)) != NULL;)
        html_append_element(out, "th scope=\"col\"", head);
    va_end(heads);
    text_append(out, "</tr></thead>\n<tbody>\n");
}

/* "2026-11-21 23:15:04" and the like. */
static bool is_instant(const char *text)
{
    return strlen(text) == strlen("2026-11-21 23:15:04") && text[4] == '-' && text[7] == '-' && text[13] == ':';
}

static bool is_hash(const char *text)
{
    return strlen(text) >= 64 && strspn(text, "0123456789abcdef") == 64;
}

static void append_cell(struct text *out, const char *text, bool first)
{
    const char *tag = first ? "th scope=\"row\"" : "td";
    const char *class = text == book_withheld ? "withheld" : is_instant(text) ? "at" : is_hash(text) ? "hash" : NULL;
    if (class != NULL)
        text_append_format(out, "<%s class=\"%s\">", tag, class);
    else
        text_append_format(out, "<%s>", tag);
    text_append_html(out, text);
    text_append(out, first ? "</th>" : "</td>");
}

void casebook_row(struct text *out, ...)
{
    va_list cells;
    bool first = true;
    va_start(cells, out);
    text_append(out, "<tr>");
    for (const char *cell; (cell = va_arg(cells, const char *)) != NULL; first = false)
        append_cell(out, cell, first);
    text_append(out, "</tr>\n");
    va_end(cells);
}

void casebook_group(struct text *out, size_t columns, const char *title)
{
    text_append_format(out, "<tr class=\"group\"><th scope=\"colgroup\" colspan=\"%zu\">", columns);
    text_append_html(out, title);
    text_append(out, "</th></tr>\n");
}

void casebook_end_table(struct text *out)
{
    text_append(out, "</tbody></table></div>\n");
}

const char *casebook_number(const struct text *out, int number)
{
    return memory_format(out, "%d", number);
}

/* --- the first page ------------------------------------------------------------------------------------ */

static void append_source(struct text *out, const struct casebook_frame *frame)
{
    const struct dataset *dataset = frame->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    char instant[FORMAT_SIZE];
    casebook_fact(out, "Study", "%s (%s)", dataset->study_title, dataset->catalogue->study);
    casebook_fact(out, "Protocol at the cut", "%s, version %d", protocol->id, protocol->version);
    casebook_fact(out, "Site", "%02d, %s; time zone %s", frame->site, frame->site_name, frame->time_zone);
    casebook_fact(out, "Data cut", "%d, \"%s\", made at %s", dataset->cut_no, dataset->cut_label,
                  format_instant(instant, dataset->cut_made_us));
    casebook_fact(out, "Audit trail of the cut", "%s",
                  dataset->cut_sealed ? "sealed: every row of it is in a signed block" : "not sealed");
    casebook_fact(out, "Masking", "%s",
                  !frame->masked ? "the study is not masked"
                  : frame->withheld ? "the study is masked; what may name the arm is withheld"
                                    : "the study is masked; this copy is unmasked");
    if (frame->unblinding != NULL)
        casebook_fact(out, "Unmasked by request", "%s", frame->unblinding);
    casebook_fact(out, "Made", "%s by patella-report %s", frame->made_at, PATELLA_VERSION);
}

static const char *index_knee_of(const struct book *book, const json_t *enrolment)
{
    for (size_t i = 0; i < book->record_count; i++) {
        const struct book_record *record = &book->records[i];
        if (record->definition == NULL || !record->definition->creates_subject)
            continue;
        const json_t *answers = json_object_get(json_object_get(record_newest_complete(record), "content"), "answers");
        const char *knee = thing_text(answers, "index_knee");
        return knee[0] != '\0' ? knee : thing_text(enrolment, "index_knee");
    }
    return thing_text(enrolment, "index_knee");
}

static void append_allocation(struct text *out, const struct book *book)
{
    const char *knee;
    const json_t *cohort;
    struct text *words = text_new(out);
    json_t *knees = json_object_get(book->frame->allocation, casebook_number(out, book->number));
    json_object_foreach(knees, knee, cohort) {
        int at = protocol_find_cohort(book->frame->dataset->catalogue->protocol, json_string_value(cohort));
        const char *side = book_knee_title(knee);
        text_append_format(words, "%s%s%s%s", words->length > 0 ? "; " : "", side, side[0] != '\0' ? ": " : "",
                           at >= 0 ? book->frame->dataset->catalogue->protocol->cohorts[at].title
                                   : json_string_value(cohort));
    }
    if (book->frame->withheld)
        casebook_fact(out, "Allocation", "%s", book_withheld);
    else
        casebook_fact(out, "Allocation at the cut", "%s", words->length > 0 ? words->bytes : "none");
    talloc_free(words);
}

static void append_subject(struct text *out, const struct book *book)
{
    const json_t *enrolment = json_array_get(book_things(book, "subject"), 0);
    casebook_fact(out, "Subject", "%s", book->name);
    casebook_fact(out, "Enrolled", "first entered as of %s, by %s at %s UTC", thing_text(enrolment, "enrolled_on"),
                  thing_text(enrolment, "recorded_by"), thing_text(enrolment, "recorded_at"));
    casebook_fact(out, "Index knee as enrolled", "%s", index_knee_of(book, enrolment));
    if (thing_text(enrolment, "continues")[0] != '\0')
        casebook_fact(out, "Continues", "subject %s", thing_text(enrolment, "continues"));
    append_allocation(out, book);
}

static bool enrolment_is_void(const struct book *book)
{
    for (size_t i = 0; i < book->record_count; i++)
        if (book->records[i].definition != NULL && book->records[i].definition->creates_subject)
            return version_is_void(record_newest(&book->records[i]));
    return false;
}

static size_t count_redacted(const struct book *book)
{
    size_t redacted = 0;
    for (size_t i = 0; i < book->record_count; i++)
        for (size_t v = 0; v < book->records[i].version_count; v++)
            redacted += version_is_redacted(book->records[i].versions[v]);
    return redacted;
}

static void append_notices(struct text *out, const struct book *book)
{
    const struct casebook_frame *frame = book->frame;
    size_t redacted = count_redacted(book);
    bool voided = enrolment_is_void(book);
    if (frame->dataset->cut_sealed && !frame->masked && redacted == 0 && !voided)
        return;
    text_append(out, "<ul class=\"notices\">\n");
    if (voided)
        html_append_element(out, "li", "The enrolment is void: nobody is enrolled under this number.");
    if (frame->withheld)
        html_append_element(out, "li", "The study is masked. Answers that may name the arm, and all texts in "
                                       "somebody's own words, such as reasons and queries, are withheld, whether "
                                       "they are there or not.");
    else if (frame->masked)
        html_append_element(out, "li", "This copy is unmasked: it names the arm. It is for those who may know it.");
    if (redacted > 0)
        html_append_element(out, "li", "Answers of at least one version are redacted; who asked for it, who approved "
                                       "it and why stands beside the record.");
    if (!frame->dataset->cut_sealed)
        html_append_element(out, "li", "The audit trail of the data cut was not sealed when this was made: whoever "
                                       "administers the database could have changed its rows.");
    text_append(out, "</ul>\n");
}

/* --- contents ------------------------------------------------------------------------------------------ */

static void append_entry(struct text *out, const char *anchor, const char *number, const char *title)
{
    text_append_format(out, "<li><a href=\"#%s\">", anchor);
    if (number[0] != '\0')
        html_append_element(out, "span", number);
    text_append_html(out, title);
    text_append(out, "</a>");
}

static const char *record_number(const struct book *book, const struct book_record *record)
{
    size_t first = book->chapters[record->chapter].first_record;
    return memory_format(book, "%zu.%zu", record->chapter + 2, (size_t)(record - book->records) - first + 1);
}

static const char *const last_chapters[][2] = {
    {"safety", "Serious events"},       {"queries", "Queries"}, {"signatures", "Signatures"},
    {"trail", "Audit trail"},           {"people", "People"},   {"reading", "How to read this"},
};
enum { LAST_CHAPTERS = sizeof last_chapters / sizeof *last_chapters };

static const char *chapter_heading(const struct book *book, size_t number, const char *title)
{
    return memory_format(book, "%zu" EM_SPACE "%s", number, title);
}

static void append_contents(struct text *out, const struct book *book)
{
    text_append(out, "<nav aria-labelledby=\"contents\"><h2 id=\"contents\">Contents</h2>\n<ol>\n");
    append_entry(out, "overview", "1", "Records at a glance");
    text_append(out, "</li>\n");
    for (size_t c = 0; c < book->chapter_count; c++) {
        const struct book_chapter *chapter = &book->chapters[c];
        append_entry(out, memory_format(out, "chapter-%zu", c), casebook_number(out, (int)c + 2), chapter->title);
        text_append(out, "\n<ul>\n");
        for (size_t i = 0; i < chapter->record_count; i++) {
            const struct book_record *record = &book->records[chapter->first_record + i];
            append_entry(out, record->anchor, record_number(book, record), record->title);
            text_append(out, "</li>\n");
        }
        text_append(out, "</ul></li>\n");
    }
    for (size_t i = 0; i < LAST_CHAPTERS; i++) {
        append_entry(out, last_chapters[i][0], casebook_number(out, (int)(book->chapter_count + 2 + i)),
                     last_chapters[i][1]);
        text_append(out, "</li>\n");
    }
    text_append(out, "</ol></nav>\n");
}

/* --- the overview -------------------------------------------------------------------------------------- */

static size_t count_queries(const struct book *book, const struct book_record *record, bool open_only)
{
    size_t index, count = 0;
    const json_t *query;
    json_array_foreach(book_things(book, "query"), index, query)
        count += (record == NULL || record_has(record, query)) && (!open_only || casebook_query_is_open(query));
    return count;
}

/* "newest version", "an older version only", or nothing. */
static const char *covers(const struct book *book, const struct book_record *record, const char *kind)
{
    const char *covered = DASH;
    const char *newest = thing_text(record_newest(record), "id");
    size_t index;
    const json_t *thing;
    json_array_foreach(book_things(book, kind), index, thing) {
        const char *id = thing_text(thing, "version_id");
        bool counts = strcmp(thing_text(thing, "kind"), "withdrawn") != 0;
        if (record_find_version(record, id) == NULL)
            continue;
        if (strcmp(id, newest) == 0)
            covered = counts ? "newest version" : "withdrawn";
        else if (strcmp(covered, "newest version") != 0)
            covered = counts ? "older version only" : "withdrawn";
    }
    return covered;
}

static void append_overview(struct text *out, const struct book *book)
{
    casebook_begin_chapter(out, "overview", "1" EM_SPACE "Records at a glance", false);
    casebook_begin_table(out, "overview", "", "Record", "Date", "Versions", "State", "Open queries", "Verified",
                         "Signed", NULL);
    for (size_t i = 0; i < book->record_count; i++) {
        const struct book_record *record = &book->records[i];
        const json_t *newest = record_newest(record);
        if (i == book->chapters[record->chapter].first_record)
            casebook_group(out, 7, book->chapters[record->chapter].title);
        size_t open_queries = count_queries(book, record, true);
        casebook_row(out, memory_format(out, "%s" EM_SPACE "%s", record_number(book, record), record->title),
                     thing_text(newest, "dated"), casebook_number(out, (int)record->version_count),
                     version_is_void(newest)       ? "void"
                     : version_is_redacted(newest) ? "redacted"
                                                   : "complete",
                     open_queries > 0 ? casebook_number(out, (int)open_queries) : DASH,
                     covers(book, record, "verification"), covers(book, record, "signature"), NULL);
    }
    casebook_end_table(out);
    casebook_end_chapter(out);
}

/* --- the whole ----------------------------------------------------------------------------------------- */

typedef void part_writer(struct text *out, const struct book *book);
static part_writer *const last_parts[LAST_CHAPTERS] = {
    casebook_append_safety, casebook_append_queries, casebook_append_signatures,
    casebook_append_trail,  casebook_append_people,  casebook_append_reading,
};

static void append_front(struct text *out, const struct book *book)
{
    text_append(out, "<header>\n<p class=\"kind\">Casebook</p>\n");
    html_append_element(out, "h1", memory_format(out, "Subject %s", book->name));
    text_append(out, "\n");
    casebook_begin_facts(out);
    append_subject(out, book);
    append_source(out, book->frame);
    casebook_end_facts(out);
    append_notices(out, book);
    text_append(out, "</header>\n");
}

static const char *foot_of(const struct text *out, const struct casebook_frame *frame)
{
    char instant[FORMAT_SIZE];
    return memory_format(out, "Cut %d, %s, %s%s; made %s", frame->dataset->cut_no,
                         format_instant(instant, frame->dataset->cut_made_us),
                         frame->dataset->cut_sealed ? "sealed" : "not sealed",
                         !frame->masked ? "" : frame->withheld ? ", masked" : ", UNMASKED", frame->made_at);
}

void casebook_render(struct text *out, const struct book *book)
{
    const char *study = book->frame->dataset->catalogue->study;
    casebook_begin_page(out, memory_format(out, "Casebook of subject %s, study %s", book->name, study),
                        memory_format(out, "Study %s, subject %s", study, book->name), foot_of(out, book->frame));
    append_front(out, book);
    append_contents(out, book);
    text_append(out, "<main>\n");
    append_overview(out, book);
    for (size_t c = 0; c < book->chapter_count; c++) {
        const struct book_chapter *chapter = &book->chapters[c];
        casebook_begin_chapter(out, memory_format(out, "chapter-%zu", c),
                               chapter_heading(book, c + 2, chapter->title), false);
        for (size_t i = 0; i < chapter->record_count; i++) {
            const struct book_record *record = &book->records[chapter->first_record + i];
            casebook_append_record(out, book, record, record_number(book, record));
        }
        casebook_end_chapter(out);
    }
    for (size_t i = 0; i < LAST_CHAPTERS; i++) {
        casebook_begin_chapter(out, last_chapters[i][0],
                               chapter_heading(book, book->chapter_count + 2 + i, last_chapters[i][1]),
                               strcmp(last_chapters[i][0], "trail") == 0);
        last_parts[i](out, book);
        casebook_end_chapter(out);
    }
    text_append(out, "</main>\n");
    casebook_end_page(out);
}

/* --- the index of an archive --------------------------------------------------------------------------- */

struct casebook_entry casebook_count(const struct book *book)
{
    struct casebook_entry entry = {.name = book->name, .records = book->record_count};
    for (size_t i = 0; i < book->record_count; i++) {
        entry.versions += book->records[i].version_count;
        entry.voided += version_is_void(record_newest(&book->records[i]));
    }
    entry.open_queries = count_queries(book, NULL, true);
    entry.signatures = json_array_size(book_things(book, "signature"));
    return entry;
}

static void append_line(struct text *out, const struct casebook_entry *entry)
{
    text_append_format(out, "<tr><th scope=\"row\">%s</th><td>%zu</td><td>%zu</td><td>%zu</td><td>%zu</td><td>%zu</td>"
                            "<td><a href=\"%s.html\">HTML</a>",
                       entry->name, entry->records, entry->versions, entry->voided, entry->open_queries,
                       entry->signatures, entry->name);
    if (entry->pdf)
        text_append_format(out, " <a href=\"%s.pdf\">PDF</a>", entry->name);
    text_append(out, "</td></tr>\n");
}

void casebook_render_index(struct text *out, const struct casebook_frame *frame, const struct casebook_entry *entries,
                           size_t count)
{
    const char *study = frame->dataset->catalogue->study;
    casebook_begin_page(out, memory_format(out, "Archive of site %02d, study %s", frame->site, study),
                        memory_format(out, "Study %s, site %02d", study, frame->site), foot_of(out, frame));
    text_append(out, "<header>\n<p class=\"kind\">Archive of a site</p>\n");
    html_append_element(out, "h1", memory_format(out, "Site %02d, %s", frame->site, frame->site_name));
    casebook_begin_facts(out);
    casebook_fact(out, "Subjects", "%zu", count);
    append_source(out, frame);
    casebook_fact(out, "Other files", "contents.csv: every version in this archive with its SHA-256; manifest.json: "
                                      "every file with its SHA-256; `patella-report verify` compares them");
    casebook_end_facts(out);
    text_append(out, "</header>\n<main>\n");
    casebook_begin_table(out, "overview", "Casebooks", "Subject", "Records", "Versions", "Void", "Open queries",
                         "Signatures", "Casebook", NULL);
    for (size_t i = 0; i < count; i++)
        append_line(out, &entries[i]);
    casebook_end_table(out);
    text_append(out, "</main>\n");
    casebook_end_page(out);
}
