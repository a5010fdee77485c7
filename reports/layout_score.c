/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/layout_score.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/format.h"

enum { COMPUTED_DECIMALS = 0, MOST_VERSIONS = 64 };

static int item_decimals(const struct item *item)
{
    return item->type == ITEM_DECIMAL ? item->decimals : 0;
}

int layout_collected_decimals(const struct form *form, const struct score *score)
{
    bool divided = score->rescaled || score->of_scores || score->method == SCORE_MEAN;
    if (divided)
        return COMPUTED_DECIMALS;
    int most = 0;
    for (size_t i = 0; i < score->part_count; i++) {
        int decimals = item_decimals(&form->items[score->parts[i]]);
        most = decimals > most ? decimals : most;
    }
    return most;
}

/* --- decimals that the data have ------------------------------------------------------------------------ */

/* Whether `value`, read from decimal text, has more than `decimals` digits behind the point. */
static bool has_more_decimals(double value, int decimals)
{
    double scaled = value * pow(10, decimals);
    return fabs(scaled - rint(scaled)) > 1e-6;
}

/* `used` or as many more as the value has, at most `most`; NAN has none. */
static int widen_decimals(int used, double value, int most)
{
    while (used < most && has_more_decimals(value, used))
        used++;
    return used;
}

static int endpoint_decimals(const struct layout *layout, const struct endpoint *endpoint, int most)
{
    const struct dataset *dataset = layout->dataset;
    const struct protocol *protocol = dataset->catalogue->protocol;
    int used = 0;
    for (size_t visit = 0; visit < protocol->visit_count && used < most; visit++) {
        const double *values = dataset_values(dataset, (size_t)(endpoint - protocol->endpoints), (int)visit);
        for (size_t subject = 0; subject < dataset->subject_count && used < most; subject++)
            used = widen_decimals(used, values[subject], most);
    }
    return used;
}

int layout_item_decimals(const struct layout *layout, const char *form, const struct item *item)
{
    const struct dataset *dataset = layout->dataset;
    int most = item_decimals(item), used = 0, number = dataset_form_number(dataset, form);
    for (size_t subject = 0; subject < dataset->subject_count && used < most; subject++) {
        struct records records = dataset_records_of(dataset, subject, number);
        for (size_t i = 0; i < records.count && used < most; i++) {
            const struct answer *answer = record_answer(dataset, &records.at[i], item->id);
            used = answer != NULL ? widen_decimals(used, answer->number, most) : used;
        }
    }
    return used;
}

/* "version 1", "versions 1 and 3", "versions 1, 2 and 4"; without any record the newest one. */
static const char *list_versions(const struct layout *layout, const struct form *form)
{
    const struct dataset *dataset = layout->dataset;
    bool present[MOST_VERSIONS + 1] = {false};
    size_t count = 0;
    for (size_t i = 0; i < dataset->catalogue->form_count; i++) {
        const struct form *used = dataset->catalogue->forms[i];
        if (dataset_form_records(dataset, i) == 0 || used->version > MOST_VERSIONS || strcmp(used->id, form->id) != 0)
            continue;
        count += !present[used->version];
        present[used->version] = true;
    }
    if (count == 0)
        return memory_format(layout->document, "version %d", form->version);
    struct text *out = text_new(layout->document);
    text_append(out, count > 1 ? "versions" : "version");
    size_t listed = 0;
    for (int version = 1; version <= MOST_VERSIONS; version++) {
        if (!present[version])
            continue;
        const char *before = listed == 0 ? " " : listed + 1 == count ? " and " : ", ";
        text_append_format(out, "%s%d", before, version);
        listed++;
    }
    return out->bytes;
}

struct outcome layout_find_outcome(const struct layout *layout, const struct endpoint *endpoint)
{
    struct outcome outcome = {.endpoint = endpoint, .title = layout_endpoint_title(layout, endpoint)};
    const struct catalogue *catalogue = layout->dataset->catalogue;
    for (size_t i = 0; i < catalogue->form_count && outcome.score == NULL; i++) {
        const struct form *form = catalogue->forms[i];
        int at = strcmp(form->id, endpoint->form) == 0 ? form_find_score(form, endpoint->score) : FORM_NONE;
        if (at == FORM_NONE)
            continue;
        outcome.form = form;
        outcome.score = &form->scores[at];
        outcome.versions = list_versions(layout, form);
        outcome.collected =
            endpoint_decimals(layout, endpoint, layout_collected_decimals(form, outcome.score));
    }
    return outcome;
}

static const char *direction_text(const struct score *score)
{
    return score->direction == SCORE_HIGHER_BETTER ? "higher is better" : "higher is worse";
}

/* A score that only maps another one to its scale has that one's rule for missing items. */
static const struct score *score_of_items(const struct form *form, const struct score *score)
{
    while (score->of_scores && score->part_count == 1)
        score = &form->scores[score->parts[0]];
    return score;
}

static const char *derived_text(const struct score *score)
{
    return score->note != NULL ? score->note : "computed from another instrument's items";
}

void layout_add_score_facts(struct table *table, const struct outcome *outcome)
{
    const struct form *form = outcome->form;
    const struct score *score = outcome->score;
    if (score == NULL)
        return;
    char from[FORMAT_SIZE], to[FORMAT_SIZE];
    table_add_fact(table, "Instrument", "%s (form %s, %s)", form->title, form->id, outcome->versions);
    table_add_fact(table, "Score", "%s (%s.%s), range %s to %s, %s", score->title, form->id, score->id,
                   format_exact(from, score->range[0]), format_exact(to, score->range[1]),
                   direction_text(score));
    if (score->derived)
        table_add_fact(table, "Derived", "%s", derived_text(score));
    else if (score->note != NULL)
        table_add_fact(table, "Note", "%s", score->note);
    const struct score *source = score_of_items(form, score);
    if (source->part_count > 1)
        table_add_fact(table, "Missing items", "scored when at least %zu of %zu %s are answered%s",
                       source->min_answered, source->part_count, source->of_scores ? "part scores" : "items",
                       source->missing == SCORE_MISSING_PERSON_MEAN ? "; the others count as their mean"
                                                                    : "");
}

const char *layout_score_line(const struct layout *layout, const struct outcome *outcome)
{
    const struct form *form = outcome->form;
    const struct score *score = outcome->score;
    if (score == NULL)
        return outcome->title;
    char from[FORMAT_SIZE], to[FORMAT_SIZE];
    return memory_format(layout->document, "%s: %s (form %s, %s), score %s.%s, range %s to %s, %s%s%s",
                         outcome->title, form->title, form->id, outcome->versions, form->id, score->id,
                         format_exact(from, score->range[0]), format_exact(to, score->range[1]),
                         direction_text(score), score->derived ? "; derived: " : "",
                         score->derived ? derived_text(score) : "");
}
