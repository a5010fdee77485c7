/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/suggestion.h"
#include "forms/upload_row.h"

enum { INSTANCE_MOST = 9999, SITE_MOST = 9999, SUBJECT_MOST = 999999 };

void upload_row_refuse(struct upload_reading *row, const char *code, size_t column, const char *format, ...)
{
    row->refused = true;
    if (row->findings == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(row, format, arguments);
    va_end(arguments);
    struct upload_place place = {.line = row->line->line};
    if (column < row->plan->column_count) {
        place.column = row->plan->columns[column].name;
        place.value = row->cells[column];
    }
    upload_finding_add(row->findings, UPLOAD_ROW_REFUSED, code, &place, "%s", text);
    talloc_free(text);
}

/* ---- subject ---- */

/* Digits, with ".0" behind them where a spreadsheet or R has been; `*behind` is what follows. */
static long take_number(const char *at, const char **behind)
{
    size_t digits = strspn(at, "0123456789");
    *behind = at + digits;
    if (digits == 0 || digits > 9)
        return -1;
    long number = strtol(at, NULL, 10);
    if (**behind == '.' && (*behind)[1 + strspn(*behind + 1, "0")] == '\0')
        *behind += strlen(*behind);
    return number;
}

static bool is_scientific(const char *cell)
{
    size_t digits = strspn(cell, "0123456789.,");
    if (digits == 0 || (cell[digits] != 'e' && cell[digits] != 'E'))
        return false;
    const char *exponent = cell + digits + 1;
    exponent += *exponent == '+' || *exponent == '-';
    return *exponent != '\0' && exponent[strspn(exponent, "0123456789")] == '\0';
}

/* The length of a hyphen of any kind. */
static size_t hyphen_length(const char *at)
{
    static const char *const wide[] = {"\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x92", "\xe2\x80\x93", "\xe2\x88\x92"};
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (strncmp(at, wide[i], 3) == 0)
            return 3;
    return *at == '-';
}

static void refuse_subject(struct upload_reading *row, size_t column)
{
    const char *cell = row->cells[column];
    if (is_scientific(cell))
        upload_row_refuse(row, "scientific_number", column,
                          "\"%.40s\" is a long number in scientific notation, its digits are lost; format the "
                          "column as text, and enter the numbers again",
                          cell);
    else
        upload_row_refuse(row, "unknown_subject", column,
                          "\"%.40s\" is no subject's number; write site and number, as in 07-0012", cell);
}

static void read_subject(struct upload_reading *row, size_t column)
{
    const char *at;
    long site = row->site, number = take_number(row->cells[column], &at);
    size_t hyphen = hyphen_length(at);
    if (number > 0 && hyphen > 0) {
        site = number;
        number = take_number(at + hyphen, &at);
    }
    if (number < 1 || number > SUBJECT_MOST || site < 0 || site > SITE_MOST || *at != '\0') {
        refuse_subject(row, column);
    } else if (site == 0) {
        upload_row_refuse(row, "unknown_subject", column,
                          "\"%.40s\" does not say the site; write site and number, as in 07-0012, or name the site "
                          "with the upload",
                          row->cells[column]);
    } else if (row->site != 0 && site != row->site) {
        upload_row_refuse(row, "unknown_subject", column,
                          "subject %.40s is of site %ld, the row of site %d; correct one", row->cells[column], site,
                          row->site);
    } else {
        char *subject = talloc_array(row, char, SUBJECT_TEXT_SIZE);
        subject_format((int)site, (int)number, subject);
        row->subject = subject;
    }
}

/* The number of a site; names of sites and of groups say nothing here. */
static void read_site(struct upload_reading *row, size_t column)
{
    const char *at;
    long site = take_number(row->cells[column], &at);
    if (site < 1 || site > SITE_MOST || *at != '\0')
        return;
    if (row->site != 0 && row->site != site)
        upload_row_refuse(row, "wrong_site", column, "the row is of site %ld, the upload of site %d; correct one",
                          site, row->site);
    row->site = (int)site;
}

/* ---- form, visit, knee, instance ---- */

static const struct form *find_form(const struct catalogue *catalogue, const char *word)
{
    const struct form *form = catalogue_find_form(catalogue, word, 0);
    for (size_t i = 0; form == NULL && i < catalogue->form_count; i++)
        if (upload_same_name(catalogue->forms[i]->id, word) || upload_same_name(catalogue->forms[i]->title, word))
            form = catalogue_find_form(catalogue, catalogue->forms[i]->id, 0);
    return form;
}

static void read_form(struct upload_reading *row, size_t column)
{
    const struct catalogue *catalogue = row->plan->catalogue;
    const char *word = row->cells[column];
    const struct form *form = row->form != NULL && strcmp(row->form->id, word) == 0 ? row->form
                                                                                     : find_form(catalogue, word);
    if (form != NULL) {
        row->form = form;
        return;
    }
    struct suggestion suggestion = suggestion_begin(word);
    for (size_t i = 0; i < catalogue->form_count; i++)
        suggestion_offer(&suggestion, catalogue->forms[i]->id);
    row->bad_form = true;
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    upload_row_refuse(row, "unknown_form", column,
                      "this study has no form \"%.60s\"%s", word,
                      hint[0] != '\0' ? hint : "; write the id of one of its forms");
}

static void read_version(struct upload_reading *row, size_t column)
{
    const char *at;
    long version = take_number(row->cells[column], &at);
    if (version < 1 || version > INSTANCE_MOST || *at != '\0')
        upload_row_refuse(row, "unknown_form", column, "\"%.40s\" is no version of a form; write a whole number",
                          row->cells[column]);
    else
        row->form_version = (int)version;
}

static void read_visit(struct upload_reading *row, size_t column)
{
    const struct upload_profile *profile = row->plan->profile;
    const char *word = row->cells[column];
    bool by_id = profile == NULL || profile->visits.count == 0;
    const struct visit *visit = by_id ? protocol_find_visit(row->plan->catalogue->protocol, word) : NULL;
    row->visit = visit != NULL ? visit->id : upload_visit_of(row->plan->catalogue, profile, word);
    row->visit_column = column;
    row->bad_visit = row->visit == NULL ? word : NULL;
}

static void read_knee(struct upload_reading *row, size_t column)
{
    const char *word = row->cells[column];
    row->knee = upload_knee_of(row->plan->profile, word);
    row->knee_column = column;
    row->bad_knee = row->knee == NULL ? word : NULL;
}

static void read_instance(struct upload_reading *row, size_t column)
{
    const char *at, *word = row->cells[column];
    long instance = take_number(word, &at);
    if (strcasecmp(word, "new") == 0)
        upload_row_refuse(row, "bad_instance", column,
                          "\"new\" would make a further record each time the file is sent; number the instances of a "
                          "subject 1, 2, 3 ...");
    else if (instance < 1 || instance > INSTANCE_MOST || *at != '\0')
        upload_row_refuse(row, "bad_instance", column, "\"%.40s\" is no instance; write a whole number from 1 to 9999",
                          word);
    else
        row->instance = (int)instance;
}

/* What ODK, LibreClinica and our own exports say of a row; other words say nothing. */
static void read_status(struct upload_reading *row, size_t column)
{
    const char *word = row->cells[column];
    if (strcasecmp(word, "not decrypted") == 0 || strcasecmp(word, "missing encrypted form data") == 0)
        upload_row_refuse(row, "not_decrypted", column,
                          "the row could not be decrypted when it was exported; export it again with the passphrase");
    else if (strcasecmp(word, "rejected") == 0)
        upload_row_refuse(row, "rejected_row", column,
                          "somebody rejected this row where it was entered; settle it there, or leave the row out");
    else if (strcasecmp(word, "void") == 0)
        upload_row_refuse(row, "rejected_row", column,
                          "the row is void where it was exported: there is nothing to take; leave it out");
}

/* ---- all of them ---- */

static void read_key(struct upload_reading *row, size_t column)
{
    if (row->cells[column][0] == '\0')
        return;
    switch (row->plan->columns[column].role) {
    case UPLOAD_FORM:
    case UPLOAD_REPEAT_FORM: read_form(row, column); break;
    case UPLOAD_FORM_VERSION: read_version(row, column); break;
    case UPLOAD_VISIT: read_visit(row, column); break;
    case UPLOAD_KNEE: read_knee(row, column); break;
    case UPLOAD_INSTANCE: read_instance(row, column); break;
    case UPLOAD_SITE: read_site(row, column); break;
    case UPLOAD_REASON: row->reason = row->cells[column]; break;
    case UPLOAD_STUDY:
    case UPLOAD_STATUS:
    case UPLOAD_UNKNOWN:
    case UPLOAD_IGNORED:
    case UPLOAD_SUBJECT:
    case UPLOAD_DATE:
    case UPLOAD_ITEM:
    case UPLOAD_CHECKBOX:
    case UPLOAD_SCORE:
    case UPLOAD_COMPLETE:
    case UPLOAD_NAMELESS:
    case UPLOAD_NOT_ANSWERED:
    case UPLOAD_FIELD_NAME:
    case UPLOAD_FIELD_VALUE: break;
    }
}

void upload_row_read_keys(struct upload_reading *row)
{
    const struct upload_plan *plan = row->plan;
    size_t subject = plan->column_count;
    for (size_t i = 0; i < plan->column_count; i++)
        if (plan->columns[i].role == UPLOAD_STATUS && row->cells[i][0] != '\0')
            read_status(row, i);
    row->left_out = row->refused;
    if (row->left_out)
        return;
    row->site = plan->site;
    row->form = plan->form;
    row->form_version = plan->profile != NULL ? plan->profile->form_version : 0;
    row->visit = plan->visit;
    row->knee = plan->knee;
    for (size_t i = 0; i < plan->column_count; i++) {
        read_key(row, i);
        bool found = subject < plan->column_count && row->cells[subject][0] != '\0';
        if (plan->columns[i].role == UPLOAD_SUBJECT && !found)
            subject = i;
    }
    if (subject < plan->column_count && row->cells[subject][0] != '\0')
        read_subject(row, subject);
    else
        upload_row_refuse(row, "unknown_subject", subject,
                          "the row has no subject; give site and number, as in 07-0012, or take the row out when it "
                          "is a total");
}
