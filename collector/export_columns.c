/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/export_columns.h"

#include <math.h>
#include <string.h>

#include "collector/json_reply.h"
#include "forms/base/memory.h"
#include "forms/csv_cell.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Texts of a dictionary, not of a person. */
static bool is_coded(const char *item)
{
    static const char *const coded[] = {"coded_term", "system_organ_class", "dictionary", "dictionary_version"};
    for (size_t i = 0; i < COUNT(coded); i++)
        if (strcmp(item, coded[i]) == 0)
            return true;
    return false;
}

/* In any version: what names the arm in one of them, names it in the others' records. */
static bool may_name_arm(const struct catalogue *catalogue, const char *form, const char *item)
{
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *version = catalogue->forms[i];
        int at = strcmp(version->id, form) == 0 ? form_find_item(version, item) : FORM_NONE;
        if (at != FORM_NONE && (version->items[at].reveals_arm ||
                                (version->items[at].type == ITEM_TEXT && !is_coded(item))))
            return true;
    }
    return false;
}

static bool is_listed(const char *const *ids, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(ids[i], id) == 0)
            return true;
    return false;
}

static void add(const void *owner, const char ***ids, size_t *count, const char *id)
{
    if (is_listed(*ids, *count, id))
        return;
    *ids = memory_resize_array(owner, *ids, const char *, *count + 1);
    (*ids)[(*count)++] = id;
}

struct export_columns *export_columns_new(const void *owner, const struct catalogue *catalogue, const char *form,
                                          bool masked)
{
    struct export_columns *columns = memory_new(owner, struct export_columns);
    columns->form = form;
    columns->catalogue = catalogue;
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *version = catalogue->forms[i];
        if (strcmp(version->id, form) != 0)
            continue;
        for (size_t j = 0; j < version->item_count; j++) {
            const char *item = version->items[j].id;
            if (masked && may_name_arm(catalogue, form, item))
                add(columns, &columns->hidden, &columns->hidden_count, item);
            else
                add(columns, &columns->items, &columns->item_count, item);
        }
        for (size_t j = 0; j < version->score_count; j++)
            add(columns, &columns->scores, &columns->score_count, version->scores[j].id);
    }
    return columns;
}

/* A score may be called as an item is; a column may not. */
void export_columns_append_score_name(const struct export_columns *columns, size_t score, struct text *out)
{
    const char *id = columns->scores[score];
    text_append_format(out, "%s%s", id, is_listed(columns->items, columns->item_count, id) ? "_score" : "");
}

void export_columns_append_names(const struct export_columns *columns, struct text *out)
{
    text_append(out, "subject,knee,visit,date,instance,version,status");
    for (size_t i = 0; i < columns->item_count; i++)
        text_append_format(out, ",%s", columns->items[i]);
    for (size_t i = 0; i < columns->score_count; i++) {
        text_append(out, ",");
        export_columns_append_score_name(columns, i, out);
    }
    text_append(out, ",not_answered\r\n");
}

static void append_key(const struct store_record *record, struct text *out)
{
    char subject[SUBJECT_TEXT_SIZE];
    subject_format(record->site, record->subject, subject);
    text_append_format(out, "%s,%s,", subject, record->knee);
    text_append_csv(out, record->visit);
    text_append_format(out, ",%s,%d,%d,%s", record->dated, record->instance, record->version, record->status);
}

/* Only what people wrote is disarmed: an apostrophe before a negative number would make it a text. */
static void append_items(const struct export_columns *columns, const struct form *form, const struct answer *answers,
                         struct text *out)
{
    for (size_t i = 0; i < columns->item_count; i++) {
        int at = form_find_item(form, columns->items[i]);
        text_append(out, ",");
        if (answers == NULL || at == FORM_NONE || answers[at].state != ANSWER_GIVEN)
            continue;
        if (form->items[at].type == ITEM_TEXT)
            csv_append_text(out, answers[at].text);
        else
            text_append_csv(out, answers[at].text);
    }
}

static void append_scores(const struct export_columns *columns, const struct form *form,
                          const struct store_record *record, struct text *out)
{
    bool fits = record->score_count == form->score_count;
    for (size_t i = 0; i < columns->score_count; i++) {
        int at = form_find_score(form, columns->scores[i]);
        text_append(out, ",");
        if (fits && at != FORM_NONE && isfinite(record->scores[at]))
            json_reply_number(out, record->scores[at]);
    }
}

static void append_reasons(const struct export_columns *columns, const struct form *form, const struct answer *answers,
                           struct text *out)
{
    const char *before = ",";
    for (size_t i = 0; answers != NULL && i < form->item_count; i++) {
        if (answers[i].state != ANSWER_DECLINED ||
            is_listed(columns->hidden, columns->hidden_count, form->items[i].id))
            continue;
        text_append_format(out, "%s%s=%s", before, form->items[i].id, answers[i].text);
        before = " ";
    }
    if (*before == ',')
        text_append(out, ",");
    text_append(out, "\r\n");
}

bool export_columns_append_record(const struct export_columns *columns, const struct store_record *record,
                                  struct text *out, struct error *error)
{
    const struct form *form = catalogue_find_form(columns->catalogue, record->form, record->form_version);
    if (form == NULL)
        return error_set(error, ERROR_INTERNAL, "form %s version %d is not loaded", record->form, record->form_version);
    struct answer *answers = NULL;
    bool has_answers = strcmp(record->status, "void") != 0 && record->content != NULL;
    if (has_answers) {
        answers = submission_read_answers(out, form, record->content, error);
        if (answers == NULL)
            return false;
    }
    append_key(record, out);
    append_items(columns, form, answers, out);
    append_scores(columns, form, record, out);
    append_reasons(columns, form, answers, out);
    talloc_free(answers);
    return true;
}
