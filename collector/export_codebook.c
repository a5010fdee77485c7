/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/export_codebook.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/csv_cell.h"

/* Cells behind the first one of a line. */
static void put_words(struct text *out, const char *words)
{
    text_append(out, ",");
    if (words != NULL)
        csv_append_text(out, words);
}

static void put_number(struct text *out, double number)
{
    text_append(out, ",");
    if (isfinite(number))
        text_append_format(out, "%.12g", number);
}

static void put_codes(struct text *out, const struct item *item)
{
    struct text *list = text_new(out);
    for (size_t i = 0; i < item->choice_count; i++)
        text_append_format(list, "%s%s=%s", i > 0 ? "; " : "", item->choices[i].code, item->choices[i].label);
    put_words(out, list->bytes);
    talloc_free(list);
}

static bool has_part(const struct score *score, size_t part)
{
    for (size_t i = 0; i < score->part_count; i++)
        if (score->parts[i] == part)
            return true;
    return false;
}

/* Ids of the scores that an item, or a score when `of_scores`, goes into. */
static void put_scored_in(struct text *out, const struct form *form, size_t part, bool of_scores)
{
    const char *before = "";
    text_append(out, ",");
    for (size_t i = 0; i < form->score_count; i++) {
        const struct score *score = &form->scores[i];
        if (score->of_scores != of_scores || !has_part(score, part))
            continue;
        text_append_format(out, "%s%s", before, score->id);
        before = " ";
    }
}

static void append_item(struct text *out, const struct form *form, size_t at)
{
    const struct item *item = &form->items[at];
    text_append_format(out, "%s,item,%d", item->id, form->version);
    put_words(out, item->text);
    put_words(out, item_type_name(item->type));
    put_number(out, item->min);
    put_number(out, item->max);
    put_number(out, item->type == ITEM_DECIMAL ? item->decimals : (double)NAN);
    put_codes(out, item);
    put_words(out, item->unit);
    put_words(out, item->must_be_answered ? "always" : item->required ? "true" : "false");
    put_words(out, item->show != NULL ? expression_source(item->show) : NULL);
    put_scored_in(out, form, at, false);
    text_append(out, "\r\n");
}

static void append_score(const struct export_columns *columns, size_t column, const struct form *form, size_t at,
                         struct text *out)
{
    const struct score *score = &form->scores[at];
    export_columns_append_score_name(columns, column, out);
    text_append_format(out, ",score,%d", form->version);
    put_words(out, score->title);
    put_words(out, score->method == SCORE_MEAN ? "mean" : "sum");
    put_number(out, score->range[0]);
    put_number(out, score->range[1]);
    text_append(out, ",,,,,");
    put_scored_in(out, form, at, true);
    text_append(out, "\r\n");
}

/* The newest version of the form with that item, or score; its index goes to `*at`. */
static const struct form *find_newest(const struct export_columns *columns, const char *id, bool score, size_t *at)
{
    for (size_t i = 0; i < columns->catalogue->form_count; i++) {
        const struct form *form = columns->catalogue->forms[i];
        if (strcmp(form->id, columns->form) != 0)
            continue;
        int found = score ? form_find_score(form, id) : form_find_item(form, id);
        if (found != FORM_NONE) {
            *at = (size_t)found;
            return form;
        }
    }
    return NULL;
}

void export_codebook_append(const struct export_columns *columns, struct text *out)
{
    size_t at = 0;
    text_append(out, "column,kind,form_version,text,type,min,max,decimals,codes,unit,required,shown_when,"
                     "scored_in\r\n");
    for (size_t i = 0; i < columns->item_count; i++) {
        const struct form *form = find_newest(columns, columns->items[i], false, &at);
        if (form != NULL)
            append_item(out, form, at);
    }
    for (size_t i = 0; i < columns->score_count; i++) {
        const struct form *form = find_newest(columns, columns->scores[i], true, &at);
        if (form != NULL)
            append_score(columns, i, form, at, out);
    }
}
