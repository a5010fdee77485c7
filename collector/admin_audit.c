/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The audit trail of a study on stdout, page by page: bounded memory, however long it is. */
#include "collector/admin_result.h"

#include <stdio.h>
#include <string.h>

#include "collector/review.h"
#include "collector/trail.h"
#include "forms/base/memory.h"
#include "forms/submission.h"

enum { PAGE_EVENTS = 500 };

typedef void append_function(struct text *out, const struct store_listing *page, size_t row);

static void append_csv(struct text *out, const struct store_listing *page, size_t row)
{
    listing_append_csv(out, page, row, trail_columns, TRAIL_COLUMNS);
}

static void append_line(struct text *out, const struct store_listing *page, size_t row)
{
    listing_append_json(out, page, row, trail_columns, TRAIL_COLUMNS);
    text_append(out, "\n");
}

/* For people: when, who, what, about whom, why. */
static void append_words(struct text *out, const struct store_listing *page, size_t row)
{
    static const size_t shown[] = {0, 1, 2, 3, 5, 10};
    for (size_t i = 0; i < ADMIN_COUNT(shown); i++) {
        const char *cell = listing_cell(page, row, shown[i]);
        text_append_format(out, "%s%s", i > 0 ? "  " : "", cell != NULL ? cell : "-");
    }
    text_append(out, "\n");
}

/* Its id; NULL when it is refused. */
static const char *request_trail(struct admin *admin, const char *format, struct error *error)
{
    int site = 0, subject = 0;
    const char *about = admin_option(admin, "subject");
    if (about != NULL && !subject_parse(about, &site, &subject)) {
        error_set(error, ERROR_USAGE, "\"%s\" is no subject number, such as 07-0012", about);
        return NULL;
    }
    const char *texts[] = {
        admin_operand(admin, 0),
        format,
        admin_option(admin, "from"),
        admin_option(admin, "to"),
        admin_option(admin, "account"),
        admin_option(admin, "operation"),
        admin_option(admin, "object"),
        about != NULL ? memory_format(admin->owner, "%d", site) : NULL,
        about != NULL ? memory_format(admin->owner, "%d", subject) : NULL,
    };
    struct db_result *requested = admin_execute(admin, ADMIN_REQUEST_AUDIT, texts, ADMIN_COUNT(texts), error);
    return requested != NULL ? db_text(requested, 0, 0) : NULL;
}

/* One page behind `place` (time and number), which moves on; `*more` when there is another. */
static bool print_page(struct admin *admin, const char *request, char place[2][40], append_function *append, bool *more,
                       struct error *error)
{
    bool begun = place[0][0] != '\0';
    const char *texts[] = {admin_operand(admin, 0), request, begun ? place[0] : NULL, begun ? place[1] : NULL,
                           memory_format(admin->owner, "%d", PAGE_EVENTS)};
    struct db_result *result = admin_execute(admin, ADMIN_READ_AUDIT, texts, ADMIN_COUNT(texts), error);
    if (result == NULL)
        return false;
    struct store_listing *page = store_new_listing(admin->owner, result);
    struct text *out = text_new(page);
    *more = trail_has_more(page);
    for (size_t row = 0; row + *more < page->rows; row++)
        append(out, page, row);
    if (*more) {
        snprintf(place[0], sizeof place[0], "%s", listing_cell(page, page->rows - 1, TRAIL_AT));
        snprintf(place[1], sizeof place[1], "%s", listing_cell(page, page->rows - 1, TRAIL_NTH));
    }
    size_t written = fwrite(out->bytes, 1, out->length, stdout);
    bool whole = written == out->length;
    talloc_free(page);
    return whole || error_set(error, ERROR_IO, "stdout does not take the trail");
}

static bool print_trail(struct admin *admin, const char *format, append_function *append, struct error *error)
{
    char place[2][40] = {"", ""};
    const char *request = request_trail(admin, format, error);
    bool more = request != NULL;
    bool good = more;
    while (good && more) {
        const void *owner = admin->owner;
        void *page = memory_owner(owner, "page");
        admin->owner = page;
        good = print_page(admin, request, place, append, &more, error);
        admin->owner = owner;
        talloc_free(page);
    }
    return good;
}

static bool audit_list(struct admin *admin, struct error *error)
{
    admin_printed(admin);
    return print_trail(admin, "list", admin_as_json(admin) ? append_line : append_words, error);
}

static bool audit_export(struct admin *admin, struct error *error)
{
    const char *given = admin_option(admin, "format");
    const char *format = given != NULL ? given : admin_as_json(admin) ? "jsonl" : "csv";
    bool csv = strcmp(format, "csv") == 0;
    if (csv && admin_as_json(admin))
        return error_set(error, ERROR_USAGE, "--json and --format csv exclude each other");
    admin_printed(admin);
    if (!csv && strcmp(format, "jsonl") != 0)
        return error_set(error, ERROR_USAGE, "--format is csv or jsonl, not \"%s\"", format);
    if (csv && admin_database(admin, error) != NULL) {
        struct text *names = text_new(admin->owner);
        listing_append_csv_names(names, trail_columns, TRAIL_COLUMNS);
        fputs(names->bytes, stdout);
    }
    return print_trail(admin, format, csv ? append_csv : append_line, error);
}

/* ---- review ---- */

enum { FINDINGS_SHOWN = 10000 };

/* Its id; NULL when it is refused. */
static const char *request_review(struct admin *admin, struct error *error)
{
    const char *kind_given = admin_option(admin, "kind");
    const struct review_kind *kind = review_find_kind(kind_given);
    const char *texts[4 + REVIEW_NUMBERS] = {admin_operand(admin, 0), kind_given, admin_option(admin, "from"),
                                             admin_option(admin, "to")};
    if (kind == NULL) {
        error_set(error, ERROR_USAGE, "--kind is " REVIEW_KINDS ", not \"%s\"", kind_given);
        return NULL;
    }
    for (size_t i = 0; i < REVIEW_NUMBERS; i++) {
        const struct review_number *number = &review_numbers[i];
        const char *given = admin_option(admin, number->name);
        int value = number->initial;
        if (given != NULL && !review_takes(kind, i)) {
            error_set(error, ERROR_USAGE, "--%s does not belong to --kind %s", number->name, kind->name);
            return NULL;
        }
        if (given != NULL && !admin_read_number(given, memory_format(admin->owner, "--%s", number->name),
                                                number->least, number->most, &value, error))
            return NULL;
        texts[4 + i] = review_takes(kind, i) ? memory_format(admin->owner, "%d", value) : NULL;
    }
    struct db_result *requested = admin_execute(admin, ADMIN_REQUEST_REVIEW, texts, ADMIN_COUNT(texts), error);
    return requested != NULL ? db_text(requested, 0, 0) : NULL;
}

/* That it was looked at is on the trail before anything is shown. */
static bool audit_review(struct admin *admin, struct error *error)
{
    static const struct listing_column columns[] = {
        {"at", LISTING_TEXT}, {"account", LISTING_TEXT}, {"site", LISTING_NUMBER}, {"subject", LISTING_TEXT},
        {"detail", LISTING_JSON},
    };
    const char *request = request_review(admin, error);
    if (request == NULL)
        return false;
    const char *texts[] = {admin_operand(admin, 0), request, memory_format(admin->owner, "%d", FINDINGS_SHOWN)};
    struct db_result *result = admin_execute(admin, ADMIN_READ_REVIEW, texts, ADMIN_COUNT(texts), error);
    if (result == NULL)
        return false;
    struct store_listing *findings = store_new_listing(admin->owner, result);
    struct text *out = text_new(findings);
    for (size_t row = 0; row < findings->rows; row++) {
        if (admin_as_json(admin)) {
            listing_append_json(out, findings, row, columns, ADMIN_COUNT(columns));
        } else {
            for (size_t i = 0; i < ADMIN_COUNT(columns); i++) {
                const char *cell = listing_cell(findings, row, i);
                text_append_format(out, "%s%s", i > 0 ? "  " : "", cell != NULL ? cell : "-");
            }
        }
        text_append(out, "\n");
    }
    admin_printed(admin);
    fputs(out->bytes, stdout);
    const char *found = findings->rows > 0 ? listing_cell(findings, 0, ADMIN_COUNT(columns)) : "0";
    fprintf(stderr, "review %s: %s found, %zu shown\n", request, found, findings->rows);
    return true;
}

#define FILTER_OPTIONS \
    {"from", "TIME", false, "a day of UTC or an instant, inclusive"}, \
        {"to", "TIME", false, "a day of UTC or an instant, exclusive"}, {"account", "ACCOUNT", false, "whose events"}, \
        {"operation", "NAME", false, "INSERT, UPDATE, REPLAY, REFUSE, EXPORT ..."}, \
        {"object", "TABLE", false, "such as core.submission"}, \
        {"subject", "SUBJECT", false, "whose events, such as 07-0012"}, ADMIN_DATABASE_OPTION

static const struct argument_option list_options[] = {FILTER_OPTIONS};
static const struct argument_option export_options[] = {
    {"format", "FORMAT", false, "csv or jsonl; default csv"},
    FILTER_OPTIONS,
};

static const struct argument_option review_options[] = {
    {"kind", "KIND", true, REVIEW_KINDS},
    {"from", "TIME", false, "a day of UTC or an instant, inclusive"},
    {"to", "TIME", false, "a day of UTC or an instant, exclusive"},
    {"days", "N", false, "late_entries: how many days are not late; default 14"},
    {"changes", "N", false, "bulk_edits: how many corrections are many; default 20"},
    {"minutes", "N", false, "bulk_edits: within how many minutes; default 10"},
    {"opens", "HOUR", false, "out_of_hours: when the site begins; default 7"},
    {"closes", "HOUR", false, "out_of_hours: when it ends; default 19"},
    ADMIN_DATABASE_OPTION,
};

static const struct admin_command commands[] = {
    {{"audit list", "STUDY", list_options, ADMIN_COUNT(list_options), "list what was done in a study"}, audit_list},
    {{"audit export", "STUDY", export_options, ADMIN_COUNT(export_options), "write the audit trail of a study"},
     audit_export},
    {{"audit review", "STUDY", review_options, ADMIN_COUNT(review_options),
      "list what a review of the audit trail should look at"},
     audit_review},
};

const struct admin_group admin_audit = {commands, ADMIN_COUNT(commands)};
