/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/profile_sample.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"

struct profile_sample *profile_sample_begin(const void *owner, const struct upload_plan *plan)
{
    struct profile_sample *sample = memory_new(owner, struct profile_sample);
    sample->plan = plan;
    sample->examples = memory_new_array(sample, char *, plan->column_count);
    sample->answers = memory_new_array(sample, struct sample_words, plan->column_count);
    return sample;
}

static void add_word(struct profile_sample *sample, struct sample_words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (upload_same_name(words->words[i], word))
            return;
    words->more = words->count == SAMPLE_WORDS_MOST;
    if (words->more)
        return;
    words->words = memory_resize_array(sample, words->words, char *, words->count + 1);
    words->words[words->count++] = memory_copy_string(sample, word);
}

static void note_date(struct profile_sample *sample, struct sample_date *date, const char *text, size_t column)
{
    if (date->text != NULL)
        return;
    date->text = memory_copy_string(sample, text);
    date->column = column;
}

/* 01/02/2026 and its like; what has the year first, or the month's name, can be read in one way. */
static void look_at_date(struct profile_sample *sample, const char *text, size_t column)
{
    char *end = NULL;
    long first = isdigit((unsigned char)text[0]) ? strtol(text, &end, 10) : 0;
    if (first < 1 || first > 31 || *end == '\0' || strchr("/.-", *end) == NULL || !isdigit((unsigned char)end[1]))
        return;
    long second = strtol(end + 1, &end, 10);
    if (second < 1 || second > 31 || *end == '\0' || strchr("/.-", *end) == NULL)
        return;
    if (first > 12)
        note_date(sample, &sample->day_first, text, column);
    else if (second > 12)
        note_date(sample, &sample->month_first, text, column);
    else if (first != second)
        note_date(sample, &sample->either, text, column);
}

static bool is_number(const char *text, double *value)
{
    char *end;
    *value = strtod(text, &end);
    return end != text && *end == '\0' && isfinite(*value);
}

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (upload_same_name(*words, text))
            return true;
    return false;
}

/* Blanks and missing codes that are read in every file. */
static bool is_known_missing(const char *text)
{
    static const char *const words[] = {"UNK", "NI", "NAV", "ASKU", "NASK", "NP", "ND", "MSK", "NA", "N/A", ".", "-",
                                        "[not completed]", "[document]", NULL};
    return is_one_of(text, words);
}

static bool is_choice(const struct item *item, const char *text)
{
    for (size_t i = 0; i < item->choice_count; i++)
        if (upload_same_name(item->choices[i].code, text) || upload_same_name(item->choices[i].label, text))
            return true;
    return false;
}

/* -999 and its like, where the item has no such value. */
static bool is_odd_number(const struct item *item, const char *text)
{
    double value;
    if (!is_number(text, &value) || value > -9 || floor(value) != value)
        return false;
    return item->type == ITEM_CHOICE || isnan(item->min) || value < item->min;
}

static void look_at_answer(struct profile_sample *sample, const struct item *item, const char *text, size_t column)
{
    static const char *const booleans[] = {"true", "false", "yes", "no", "y", "n", "1", "0", "checked", "unchecked",
                                           NULL};
    double value;
    if (is_known_missing(text))
        return;
    if (item->type == ITEM_DATE || item->type == ITEM_PARTIAL_DATE)
        look_at_date(sample, text, column);
    else if (item->type == ITEM_CHOICE && is_choice(item, text))
        return;
    else if (item->type != ITEM_TEXT && is_odd_number(item, text))
        add_word(sample, &sample->missing, text);
    else if ((item->type == ITEM_CHOICE && !is_number(text, &value))
             || (item->type == ITEM_BOOLEAN && !is_one_of(text, booleans)))
        add_word(sample, &sample->answers[column], text);
    else if (item->type == ITEM_DECIMAL && strchr(text, ',') != NULL && strpbrk(text, ". ") == NULL)
        note_date(sample, &sample->decimal_comma, text, column);
}

static void look_at_cell(struct profile_sample *sample, const char *text, size_t column)
{
    const struct upload_column *planned = &sample->plan->columns[column];
    if (sample->examples[column] == NULL)
        sample->examples[column] = memory_copy_string(sample, text);
    if (planned->role == UPLOAD_VISIT)
        add_word(sample, &sample->visits, text);
    else if (planned->role == UPLOAD_KNEE)
        add_word(sample, &sample->knees, text);
    else if (planned->role == UPLOAD_FORM || planned->role == UPLOAD_REPEAT_FORM)
        add_word(sample, &sample->forms, text);
    else if (planned->role == UPLOAD_DATE)
        look_at_date(sample, text, column);
    else if (planned->role == UPLOAD_ITEM && planned->form != NULL && planned->item >= 0)
        look_at_answer(sample, &planned->form->items[planned->item], text, column);
}

/* The cell without the blanks around it. */
static char *trimmed(const void *owner, const char *cell)
{
    size_t length = strlen(cell);
    while (length > 0 && isspace((unsigned char)cell[length - 1]))
        length--;
    while (length > 0 && isspace((unsigned char)cell[0])) {
        cell++;
        length--;
    }
    return memory_copy_bytes(owner, cell, length);
}

void profile_sample_row(struct profile_sample *sample, const struct csv_line *line)
{
    sample->rows++;
    for (size_t i = 0; i < line->cell_count && i < sample->plan->column_count; i++) {
        if (line->cells[i][0] == '\0')
            continue;
        char *text = trimmed(sample, line->cells[i]);
        if (text[0] != '\0')
            look_at_cell(sample, text, i);
        talloc_free(text);
    }
}
