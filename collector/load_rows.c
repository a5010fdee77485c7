/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/load_rows.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/csv_table.h"

/* Columns that are no items, and what they are called in a submission. */
enum field_kind { FIELD_TEXT, FIELD_NUMBER, FIELD_DATE, FIELD_CONFIRM };

struct field {
    const char *column;
    const char *member;
    enum field_kind kind;
};

static const struct field fields[] = {
    {"subject", "subject", FIELD_TEXT}, {"knee", "knee", FIELD_TEXT},
    {"visit", "visit", FIELD_TEXT},     {"instance", "instance", FIELD_NUMBER},
    {"date", "date", FIELD_DATE},       {"#version", "version", FIELD_NUMBER},
    {"#reason", "reason", FIELD_TEXT},  {"#confirm", NULL, FIELD_CONFIRM},
};

/* What a column of a file is. */
struct column {
    const struct field *field;   /* NULL: an item */
    const struct item *item;
};

struct reading {
    const struct load_options *options;
    const struct form *form;
    const struct csv_table *table;
    const struct column *columns;    /* of the table */
    const char *file;
};

static bool fail(const struct reading *reading, int line, struct error *error, const char *what,
                 const char *cell)
{
    return error_at(error, ERROR_INPUT, reading->file, line, "%s: \"%s\"", what, cell);
}

/* ---- dates ---- */

/*
 * A cell that holds a count of days, as a date; other texts are left as they are, for the server to judge.
 * `latest` is moved to it when it lies later.
 */
static const char *read_date(const void *owner, const struct load_options *options, const char *cell,
                             date_days *latest)
{
    size_t digits = strspn(cell, "0123456789");
    size_t known = cell[digits] == 'm' ? 7 : cell[digits] == 'y' ? 4 : 10;
    bool counts_days = digits > 0 && digits < 7 && strlen(cell) == digits + (known < 10);
    date_days date = counts_days ? options->first_day + (date_days)strtol(cell, NULL, 10) : DATE_NONE;
    if (!counts_days && !date_parse(cell, &date))
        return cell;
    *latest = date > *latest ? date : *latest;
    char text[DATE_TEXT_SIZE];
    date_format(date, text);
    text[counts_days ? known : 10] = '\0';
    return memory_copy_string(owner, text);
}

/* ---- one row ---- */

static void append_member(struct text *out, const char *name, const char *value, bool number)
{
    if (out->length > 0)
        text_append(out, ",");
    text_append_json(out, name);
    text_append(out, ":");
    if (number)
        text_append(out, value);
    else
        text_append_json(out, value);
}

struct row_texts {
    struct text *fields, *answers, *not_answered;
    date_days latest;
};

static bool append_field(const struct reading *reading, const struct field *field, const char *cell,
                         struct load_row *row, struct row_texts *texts, struct error *error)
{
    int64_t number;
    switch (field->kind) {
    case FIELD_TEXT:
        append_member(texts->fields, field->member, cell, false);
        return true;
    case FIELD_NUMBER:
        if (!text_to_int64(cell, &number))
            return fail(reading, row->line, error, "a whole number is wanted", cell);
        append_member(texts->fields, field->member, cell, true);
        return true;
    case FIELD_DATE:
        append_member(texts->fields, field->member,
                      read_date(texts->fields, reading->options, cell, &texts->latest), false);
        return true;
    case FIELD_CONFIRM:
        row->confirm = cell;
        return true;
    }
    return true;
}

static void append_item(const struct reading *reading, const struct item *item, const char *cell,
                        struct row_texts *texts)
{
    if (cell[0] == '!')
        append_member(texts->not_answered, item->id, cell + 1, false);
    else if (item->type == ITEM_DATE || item->type == ITEM_PARTIAL_DATE)
        append_member(texts->answers, item->id,
                      read_date(texts->answers, reading->options, cell, &texts->latest), false);
    else
        append_member(texts->answers, item->id, cell, false);
}

/* Version 5 (RFC 9562, 5.5) in a name space of Patella's own. */
static void make_uuid(const char *study, const char *content, char out[37])
{
    static const uint8_t name_space[16] = {0x6b, 0x1f, 0x0e, 0x0a, 0x5d, 0x43, 0x4c, 0x0b,
                                           0x9a, 0x57, 0x2b, 0x5e, 0x90, 0x5c, 0x3d, 0x11};
    uint8_t digest[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool hashed = context && EVP_DigestInit_ex(context, EVP_sha1(), NULL) == 1 &&
                  EVP_DigestUpdate(context, name_space, sizeof name_space) == 1 &&
                  EVP_DigestUpdate(context, study, strlen(study) + 1) == 1 &&
                  EVP_DigestUpdate(context, content, strlen(content)) == 1 &&
                  EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    if (!hashed)
        abort();
    digest[6] = (digest[6] & 0x0f) | 0x50;
    digest[8] = (digest[8] & 0x3f) | 0x80;
    text_from_uuid(digest, out);
}

/* `latest` is the latest date that the row holds. */
static bool read_row(const void *owner, const struct reading *reading, const struct csv_row *cells,
                     struct load_row *row, date_days *latest, struct error *error)
{
    struct row_texts texts = {text_new(owner), text_new(owner), text_new(owner), DATE_NONE};
    append_member(texts.fields, "form", reading->form->id, false);
    text_append_format(texts.fields, ",\"form_version\":%d", reading->form->version);
    for (size_t i = 0; i < reading->table->column_count; i++) {
        const struct column *column = &reading->columns[i];
        if (cells->cells[i][0] == '\0')
            continue;
        if (!column->field)
            append_item(reading, column->item, cells->cells[i], &texts);
        else if (!append_field(reading, column->field, cells->cells[i], row, &texts, error))
            return false;
    }
    text_append_format(texts.fields, ",\"answers\":{%s}", texts.answers->bytes);
    if (texts.not_answered->length > 0)
        text_append_format(texts.fields, ",\"not_answered\":{%s}", texts.not_answered->bytes);
    row->fields = texts.fields->bytes;
    make_uuid(reading->options->study, row->fields, row->id);
    *latest = texts.latest;
    return true;
}

/* ---- one file ---- */

static const struct field *find_field(const char *column)
{
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].column, column) == 0)
            return &fields[i];
    return NULL;
}

static const struct column *read_columns(const void *owner, const struct reading *reading,
                                         struct error *error)
{
    struct column *columns = memory_new_array(owner, struct column, reading->table->column_count);
    for (size_t i = 0; i < reading->table->column_count; i++) {
        const char *name = reading->table->columns[i];
        int item = form_find_item(reading->form, name);
        columns[i].field = find_field(name);
        if (!columns[i].field && item == FORM_NONE) {
            fail(reading, 1, error, "the form has no item of this column's name", name);
            return NULL;
        }
        columns[i].item = columns[i].field ? NULL : &reading->form->items[item];
    }
    return columns;
}

static void add_row(const void *owner, struct load_list *list, const struct load_row *row)
{
    if (list->count % 1024 == 0)
        list->rows = memory_resize_array(owner, list->rows, struct load_row, list->count + 1024);
    list->rows[list->count++] = *row;
}

static bool read_file(const void *owner, const struct load_options *options, const char *path,
                      const char *form_id, struct load_list *list, struct error *error)
{
    struct reading reading = {.options = options, .file = path};
    reading.form = catalogue_find_form(options->forms, form_id, 0);
    if (!reading.form)
        return error_at(error, ERROR_INPUT, path, 0, "there is no form \"%s\" in the folder of --forms",
                        form_id);
    reading.table = csv_table_load(owner, path, error);
    reading.columns = reading.table ? read_columns(owner, &reading, error) : NULL;
    if (!reading.columns)
        return false;
    for (size_t i = 0; i < reading.table->row_count; i++) {
        struct load_row row = {.file = path, .line = reading.table->rows[i].line};
        date_days latest;
        if (!read_row(owner, &reading, &reading.table->rows[i], &row, &latest, error))
            return false;
        if (latest > options->last_day)
            list->left_out++;
        else
            add_row(owner, list, &row);
    }
    return true;
}

/* ---- the folder ---- */

static int is_form_file(const struct dirent *entry)
{
    const char *name = entry->d_name;
    size_t length = strlen(name);
    return length > 7 && isdigit((unsigned char)name[0]) && isdigit((unsigned char)name[1]) &&
           name[2] == '_' && strcmp(name + length - 4, ".csv") == 0;
}

bool load_read_folder(const void *owner, const struct load_options *options, const char *folder,
                      struct load_list *list, struct error *error)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_form_file, alphasort);
    if (count < 0)
        return error_io(error, errno, folder);
    bool read = count > 0 ||
                error_at(error, ERROR_INPUT, folder, 0, "there is no NN_FORM.csv in this folder");
    *list = (struct load_list){0};
    for (int i = 0; i < count; i++) {
        const char *path = memory_format(owner, "%s/%s", folder, entries[i]->d_name);
        char *form = memory_copy_string(owner, entries[i]->d_name + 3);
        form[strlen(form) - 4] = '\0';
        read = read && read_file(owner, options, path, form, list, error);
        free(entries[i]);
    }
    free(entries);
    return read;
}

void load_row_to_json(struct text *out, const struct load_row *row)
{
    text_append_format(out, "{\"id\":\"%s\",%s", row->id, row->fields);
    if (row->confirmed)
        text_append_format(out, ",\"confirmed\":%s", row->confirmed);
    text_append(out, "}");
}
