/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/profile_write.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/profile_sample.h"
#include "forms/suggestion.h"
#include "forms/upload_profile.h"

/* A profile in the making. */
struct writing {
    void *scratch;
    struct text *out;
    const struct profile_order *order;
    const char *bytes;
    size_t length;               /* that is not read yet */
    struct csv_dialect dialect;
    bool encoding_decided;       /* nothing but a person can say that the encoding is right */
    bool header_guessed;
    struct upload_plan *plan;
    struct profile_sample *sample;
    struct upload_findings draft;    /* of the plan: what a person has to decide */
    struct upload_findings *findings;
};

/* ---- texts ---- */

/* In double quotes, as YAML reads it. */
static void append_quoted(struct text *out, const char *text)
{
    text_append_json(out, text);
}

/* One comment line; control characters are blanks, and what is long is cut. */
static void comment(struct writing *writing, const char *indent, const char *format, ...) PRINTF_LIKE(3, 4);
static void comment(struct writing *writing, const char *indent, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(writing->scratch, format, arguments);
    va_end(arguments);
    for (char *c = text; *c != '\0'; c++)
        if (iscntrl((unsigned char)*c))
            *c = ' ';
    if (strlen(text) > 300)
        text[300] = '\0';
    text_drop_broken(text);
    text_append_format(writing->out, "%s# %s\n", indent, text);
    talloc_free(text);
}

/* ---- reading the sample ---- */

static bool next_bytes(void *context, const char **bytes, size_t *length, struct error *error)
{
    struct writing *writing = context;
    (void)error;
    *bytes = writing->bytes;
    *length = writing->length;
    writing->length = 0;
    return true;
}

/* Any line with two names: where no line has a column that is known. */
static bool looks_like_header(void *context, const char *const *cells, size_t count)
{
    size_t names = 0;
    (void)context;
    for (size_t i = 0; i < count; i++)
        names += isalpha((unsigned char)cells[i][0]) || (unsigned char)cells[i][0] >= 0x80;
    return names >= 2 && 2 * names > count;
}

static bool has_code(const struct upload_findings *findings, const char *code)
{
    for (size_t i = 0; i < findings->count; i++)
        if (strcmp(findings->findings[i].code, code) == 0)
            return true;
    return false;
}

/* Tried again with what a person may decide otherwise: another encoding, a header of unknown names. */
static bool find_dialect(struct writing *writing, const char *head, size_t length)
{
    for (;;) {
        struct upload_findings findings = upload_findings_begin(writing->findings->owner);
        csv_is_header *is_header = writing->header_guessed ? looks_like_header : upload_is_header;
        writing->dialect = (struct csv_dialect){.encoding = CSV_ENCODING_UNKNOWN};
        if (writing->encoding_decided)
            writing->dialect.encoding = CSV_WINDOWS_1252;
        if (csv_dialect_find(head, length, is_header, NULL, &writing->dialect, &findings))
            return true;
        if (has_code(&findings, "encoding_undeclared") && !writing->encoding_decided)
            writing->encoding_decided = true;
        else if (has_code(&findings, "no_header") && !writing->header_guessed)
            writing->header_guessed = true;
        else {
            *writing->findings = findings;
            return false;
        }
    }
}

static struct csv_reader *open_reader(struct writing *writing, struct error *error)
{
    const char *head;
    size_t length;
    struct csv_source *source = csv_source_open(writing->scratch, next_bytes, writing, writing->findings, error);
    if (source == NULL || !csv_source_peek(source, &head, &length, error) || !find_dialect(writing, head, length))
        return NULL;
    return csv_reader_new(writing->scratch, source, &writing->dialect, writing->findings, error);
}

static bool read_sample(struct writing *writing, struct error *error)
{
    const struct csv_line *line;
    struct csv_reader *reader = open_reader(writing, error);
    if (reader == NULL || csv_reader_next(reader, &line, error) != CSV_ROW)
        return false;
    struct csv_header header = {
        .cells = line->cells, .count = line->cell_count, .line = line->line, .form = writing->order->form};
    writing->draft = upload_findings_begin(writing->scratch);
    writing->plan = upload_plan_draft(writing->scratch, writing->order->catalogue, &writing->dialect, &header,
                                      &writing->draft);
    writing->sample = profile_sample_begin(writing->scratch, writing->plan);
    enum csv_next next;
    while ((next = csv_reader_next(reader, &line, error)) == CSV_ROW)
        profile_sample_row(writing->sample, line);
    return next == CSV_END;
}

/* ---- head and dialect ---- */

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Of the file's name what a profile may be called; "site" when nothing is left. */
static char *name_of(struct writing *writing)
{
    const struct profile_order *order = writing->order;
    char *slug = upload_slug(writing->scratch, order->name != NULL ? order->name : file_name(order->file));
    char *end = strrchr(slug, '_');
    if (order->name != NULL)
        return memory_copy_string(writing->scratch, order->name);
    if (end != NULL && end != slug && strlen(end) <= 4)
        *end = '\0';             /* .csv */
    size_t kept = 0;
    for (const char *c = slug; *c != '\0' && kept < 64; c++)
        if ((unsigned char)*c < 0x80)
            slug[kept++] = *c;
    slug[kept] = '\0';
    return kept > 0 ? slug : memory_copy_string(writing->scratch, "site");
}

static void write_head(struct writing *writing)
{
    comment(writing, "", "Made from %s (%lld rows) by patella-form profile.", file_name(writing->order->file),
            (long long)writing->sample->rows);
    comment(writing, "", "What stands here was found. Where it says DECIDE, only a person of the site can know.");
    text_append(writing->out, "profile: ");
    append_quoted(writing->out, name_of(writing));
    text_append(writing->out, "\nversion: 1\n");
}

static void write_dialect(struct writing *writing)
{
    const struct csv_dialect *dialect = &writing->dialect;
    char delimiter[2] = {dialect->delimiter, '\0'};
    text_append(writing->out, "delimiter: ");
    if (dialect->delimiter == '\t')
        text_append(writing->out, "tab");
    else
        append_quoted(writing->out, delimiter);
    text_append_format(writing->out, "\nencoding: %s\n", csv_encoding_name(dialect->encoding));
    if (writing->encoding_decided)
        comment(writing, "", "DECIDE: the file is no UTF-8; look whether its letters are right as windows-1252");
    if (!dialect->quoting)
        text_append(writing->out, "quotes: false\n");
    if (writing->sample->decimal_comma.text != NULL)
        text_append(writing->out, "decimal: \",\"\n");
    if (dialect->header_line > 1)
        comment(writing, "", "the header is line %lld; what stands above is passed over",
                (long long)dialect->header_line);
    if (writing->header_guessed)
        comment(writing, "", "DECIDE: no line names a column that is known; line %lld was taken for the header",
                (long long)dialect->header_line);
}

static void write_dates(struct writing *writing)
{
    const struct profile_sample *sample = writing->sample;
    const struct sample_date *day = &sample->day_first, *month = &sample->month_first, *either = &sample->either;
    if (day->text != NULL && month->text != NULL)
        comment(writing, "", "DECIDE: \"%s\" has the day first, \"%s\" the month: correct the file, it cannot be read "
                "so", day->text, month->text);
    else if (day->text != NULL || month->text != NULL) {
        const struct sample_date *date = day->text != NULL ? day : month;
        text_append_format(writing->out, "dates: %s\n", day->text != NULL ? "dmy" : "mdy");
        comment(writing, "", "DECIDE: \"%s\" in column \"%s\" can only be so; are all dates of the file written thus?",
                date->text, writing->plan->columns[date->column].name);
    } else if (either->text != NULL) {
        comment(writing, "", "DECIDE: is \"%s\" in column \"%s\" day, month, year (dmy) or month, day, year (mdy)?",
                either->text, writing->plan->columns[either->column].name);
        text_append(writing->out, "# dates: dmy\n");
    }
}

static void write_form(struct writing *writing)
{
    if (writing->plan->form != NULL) {
        text_append_format(writing->out, "form: %s\n", writing->plan->form->id);
        return;
    }
    for (size_t i = 0; i < writing->draft.count; i++)
        if (strcmp(writing->draft.findings[i].code, "unknown_form") == 0) {
            comment(writing, "", "DECIDE: which form is it? %s", writing->draft.findings[i].text);
            text_append(writing->out, "# form: ...\n");
            return;
        }
}

/* Keys that no column has: the whole file may be about one visit, or one knee. */
static void write_absent_keys(struct writing *writing)
{
    for (size_t i = 0; i < writing->draft.count; i++) {
        const struct upload_finding *finding = &writing->draft.findings[i];
        if (strcmp(finding->code, "no_key_column") != 0 && strcmp(finding->code, "doubled_header") != 0
            && strcmp(finding->code, "ambiguous_labels") != 0)
            continue;
        comment(writing, "", "DECIDE: %s", finding->text);
        if (strstr(finding->text, "which knee") != NULL)
            text_append(writing->out, "# knee: right\n");
        if (strstr(finding->text, "at which visit") != NULL)
            text_append_format(writing->out, "# visit: %s\n", writing->order->catalogue->protocol->visits[0].id);
    }
}

/* ---- columns ---- */

enum { COLUMNS_MOST = 2000, NAME_MOST = 500 };

static const char *role_word(enum upload_role role)
{
    for (const struct upload_role_word *known = upload_role_words; known->word != NULL; known++)
        if (known->role == role)
            return known->word;
    return NULL;
}

static void write_item(struct text *out, const struct upload_column *column)
{
    bool plain = column->visit == NULL && column->knee == NULL && column->instance == 0
                 && column->role == UPLOAD_ITEM;
    if (plain) {
        text_append_format(out, "%s.%s", column->form->id, column->id);
        return;
    }
    text_append_format(out, "{%s: %s.%s", column->role == UPLOAD_SCORE ? "score" : "item", column->form->id,
                       column->id);
    if (column->choice != NULL) {
        text_append(out, ", choice: ");
        append_quoted(out, column->choice->code);
    }
    if (column->visit != NULL)
        text_append_format(out, ", visit: %s", column->visit);
    if (column->knee != NULL)
        text_append_format(out, ", knee: %s", column->knee);
    if (column->instance > 0)
        text_append_format(out, ", instance: %d", column->instance);
    text_append(out, "}");
}

/* A column whose form the row says is known by its name alone: it is left out. */
static bool is_written(const struct upload_column *column)
{
    if (column->role == UPLOAD_UNKNOWN || column->role == UPLOAD_NAMELESS || column->role == UPLOAD_IGNORED)
        return false;
    return column->id == NULL || (column->form != NULL && column->item >= 0);
}

static void write_column(struct writing *writing, const struct upload_column *column)
{
    text_append(writing->out, "  ");
    append_quoted(writing->out, column->name);
    text_append(writing->out, ": ");
    const char *word = role_word(column->role);
    if (column->id != NULL)
        write_item(writing->out, column);
    else if (column->form == NULL && column->visit == NULL)
        text_append(writing->out, word);
    else {
        text_append_format(writing->out, "{role: %s", word);
        if (column->form != NULL)
            text_append_format(writing->out, ", form: %s", column->form->id);
        if (column->visit != NULL)
            text_append_format(writing->out, ", visit: %s", column->visit);
        text_append(writing->out, "}");
    }
    text_append(writing->out, "\n");
}

static bool stands_before(const struct upload_plan *plan, size_t column)
{
    for (size_t i = 0; i < column; i++)
        if (upload_same_name(plan->columns[i].name, plan->columns[column].name))
            return true;
    return false;
}

static void write_columns(struct writing *writing)
{
    const struct upload_plan *plan = writing->plan;
    size_t written = 0;
    for (size_t i = 0; i < plan->column_count; i++) {
        const struct upload_column *column = &plan->columns[i];
        if (!is_written(column) || stands_before(plan, i) || strlen(column->name) > NAME_MOST
            || text_has_control(column->name))
            continue;
        if (written == COLUMNS_MOST) {
            comment(writing, "  ", "further columns are known by their names");
            break;
        }
        if (written++ == 0)
            text_append(writing->out, "columns:\n");
        write_column(writing, column);
    }
}

/* "E1" in "P1_E1_C1", or NULL. */
static const char *event_in(const char *name, size_t *length)
{
    for (const char *event = strstr(name, "_E"); event != NULL; event = strstr(event + 1, "_E")) {
        size_t digits = strspn(event + 2, "0123456789");
        *length = digits + 1;
        if (digits > 0 && digits <= 6 && (event[2 + digits] == '_' || strchr(" ", event[2 + digits]) != NULL))
            return event + 1;
    }
    return NULL;
}

static bool is_of_event(const struct writing *writing, const char *name)
{
    size_t length;
    return writing->plan->tool == UPLOAD_LIBRECLINICA && event_in(name, &length) != NULL;
}

static void write_ignored(struct writing *writing)
{
    const struct upload_plan *plan = writing->plan;
    size_t written = 0;
    for (size_t i = 0; i < plan->column_count && written < COLUMNS_MOST; i++) {
        const struct upload_column *column = &plan->columns[i];
        if (column->role != UPLOAD_IGNORED || stands_before(plan, i) || strlen(column->name) > NAME_MOST
            || text_has_control(column->name) || is_of_event(writing, column->name))
            continue;
        if (written++ == 0)
            text_append(writing->out, "ignored:\n");
        text_append(writing->out, "  - ");
        append_quoted(writing->out, column->name);
        text_append(writing->out, "\n");
    }
}

/* Columns that nobody knows and that hold something: the file is refused until they are named or ignored. */
static void write_unknown(struct writing *writing)
{
    size_t written = 0;
    for (size_t i = 0; i < writing->plan->column_count && written < COLUMNS_MOST; i++) {
        const struct upload_column *column = &writing->plan->columns[i];
        const char *example = writing->sample->examples[i];
        if (column->role != UPLOAD_UNKNOWN || example == NULL || is_of_event(writing, column->name))
            continue;
        if (written++ == 0)
            comment(writing, "", "DECIDE: nobody knows the following columns; name each under \"columns\", as in \"its "
                    "name\": koos.p1, or list it under \"ignored\"");
        struct text *name = text_new(writing->scratch);
        append_quoted(name, column->name);
        comment(writing, "", "  %.200s holds \"%.40s\"%s", name->bytes, example, column->hint);
    }
}

/* ---- words ---- */

/* "  # DECIDE: ..." with the visit that is called most alike. */
static void comment_visit(struct writing *writing, const char *word)
{
    const struct protocol *protocol = writing->order->catalogue->protocol;
    struct suggestion suggestion = suggestion_begin(word);
    for (size_t i = 0; i < protocol->visit_count; i++) {
        suggestion_offer(&suggestion, protocol->visits[i].id);
        suggestion_offer(&suggestion, protocol->visits[i].title);
    }
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    struct text *quoted = text_new(writing->scratch);
    append_quoted(quoted, word);
    comment(writing, "", "DECIDE: which visit, or \"unscheduled\", is %.200s%s", quoted->bytes,
            hint[0] != '\0' ? hint : "?");
    comment(writing, "", "  %.200s: %s", quoted->bytes, protocol->visits[0].id);
}

static void write_pair(struct writing *writing, const char *key, size_t *written, const char *word, const char *means)
{
    if (strlen(word) > NAME_MOST || text_has_control(word))
        return;
    if ((*written)++ == 0)
        text_append_format(writing->out, "%s:\n", key);
    text_append(writing->out, "  ");
    append_quoted(writing->out, word);
    text_append_format(writing->out, ": %s\n", means);
}

/* "E1" of the columns of a wide file of LibreClinica. */
static void find_events(struct writing *writing, struct sample_words *events)
{
    for (size_t i = 0; i < writing->plan->column_count && events->count < SAMPLE_WORDS_MOST; i++) {
        size_t length = 0;
        const char *event = event_in(writing->plan->columns[i].name, &length);
        bool known = event == NULL;
        for (size_t j = 0; !known && j < events->count; j++)
            known = strlen(events->words[j]) == length && strncmp(events->words[j], event, length) == 0;
        if (known)
            continue;
        events->words = memory_resize_array(writing->scratch, events->words, char *, events->count + 1);
        events->words[events->count++] = memory_copy_bytes(writing->scratch, event, length);
    }
}

/* By what the export says of its events; otherwise a person decides. */
static void write_events(struct writing *writing, size_t *written)
{
    struct sample_words events = {.count = 0};
    find_events(writing, &events);
    for (size_t i = 0; i < events.count; i++) {
        const char *name = upload_event_name(writing->scratch, &writing->dialect, events.words[i]);
        const char *visit = name != NULL ? upload_visit_of(writing->order->catalogue, NULL, name) : NULL;
        if (visit == NULL)
            continue;
        write_pair(writing, "visits", written, events.words[i], visit);
        comment(writing, "  ", "%s is \"%s\"", events.words[i], name);
    }
    for (size_t i = 0; i < events.count; i++) {
        const char *name = upload_event_name(writing->scratch, &writing->dialect, events.words[i]);
        if (name != NULL && upload_visit_of(writing->order->catalogue, NULL, name) != NULL)
            continue;
        comment_visit(writing, events.words[i]);
        if (name != NULL)
            comment(writing, "", "  it is called \"%s\"", name);
    }
}

static void write_visits(struct writing *writing)
{
    const struct catalogue *catalogue = writing->order->catalogue;
    const struct sample_words words = writing->sample->visits;
    size_t written = 0;
    if (writing->plan->tool == UPLOAD_LIBRECLINICA)
        write_events(writing, &written);
    for (size_t i = 0; i < words.count; i++) {
        const char *visit = upload_visit_of(catalogue, NULL, words.words[i]);
        if (visit != NULL)
            write_pair(writing, "visits", &written, words.words[i], visit);
    }
    for (size_t i = 0; i < words.count; i++)
        if (upload_visit_of(catalogue, NULL, words.words[i]) == NULL)
            comment_visit(writing, words.words[i]);
    if (words.more)
        comment(writing, "", "DECIDE: the column of the visit has more words than can be shown here");
}

static void write_knees(struct writing *writing)
{
    const struct sample_words *words = &writing->sample->knees;
    size_t written = 0;
    for (size_t i = 0; i < words->count; i++) {
        const char *knee = upload_knee_of(NULL, words->words[i]);
        if (knee != NULL)
            write_pair(writing, "knees", &written, words->words[i], knee);
    }
    for (size_t i = 0; i < words->count; i++)
        if (upload_knee_of(NULL, words->words[i]) == NULL)
            comment(writing, "", "DECIDE: which knee (left, right, none) is \"%s\"? Say it under \"knees\"",
                    words->words[i]);
}

static void write_forms(struct writing *writing)
{
    const struct sample_words *words = &writing->sample->forms;
    for (size_t i = 0; i < words->count; i++)
        if (upload_form_of(writing->order->catalogue, words->words[i]) == NULL)
            comment(writing, "", "DECIDE: \"%s\" is no form of the study; its rows will be refused", words->words[i]);
}

static void write_answers(struct writing *writing)
{
    const struct profile_sample *sample = writing->sample;
    for (size_t i = 0; i < sample->missing.count; i++) {
        if (i == 0)
            comment(writing, "", "DECIDE: do these say why there is no answer? Then so, with the right reasons (or "
                    "blank):");
        if (i == 0)
            comment(writing, "", "missing:");
        struct text *quoted = text_new(writing->scratch);
        append_quoted(quoted, sample->missing.words[i]);
        comment(writing, "", "  %.200s: unknown", quoted->bytes);
    }
    for (size_t i = 0; i < writing->plan->column_count; i++)
        for (size_t j = 0; j < sample->answers[i].count && j < 5; j++)
            comment(writing, "", "DECIDE: \"%.60s\" in column \"%.60s\" is no answer to %s.%s; say under \"codes\" or "
                    "\"missing\" what it means", sample->answers[i].words[j], writing->plan->columns[i].name,
                    writing->plan->columns[i].form->id, writing->plan->columns[i].id);
}

bool profile_write(struct text *out, const struct profile_order *order, const char *bytes, size_t length,
                   struct upload_findings *findings, struct error *error)
{
    if (order->form != NULL && upload_form_of(order->catalogue, order->form) == NULL)
        return error_set(error, ERROR_INPUT, "the study asks for no form \"%.64s\"; name one of its forms",
                         order->form);
    struct writing writing = {.scratch = memory_owner(NULL, "profile_write"), .out = out, .order = order,
                              .bytes = bytes, .length = length, .findings = findings};
    bool read = read_sample(&writing, error);
    if (read) {
        write_head(&writing);
        write_dialect(&writing);
        write_dates(&writing);
        write_form(&writing);
        write_absent_keys(&writing);
        write_unknown(&writing);
        write_columns(&writing);
        write_ignored(&writing);
        write_visits(&writing);
        write_knees(&writing);
        write_forms(&writing);
        write_answers(&writing);
    }
    talloc_free(writing.scratch);
    return read;
}
