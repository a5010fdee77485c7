/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/layout_contrast.h"

#include <string.h>

#include "forms/base/memory.h"

static const struct analysis_plan *plan_of(const struct layout *layout)
{
    return &layout->dataset->catalogue->protocol->plan;
}

bool layout_has_contrasts(const struct layout *layout)
{
    return !layout->dataset->pooled && plan_of(layout)->contrast_count > 0;
}

void layout_explain_no_contrasts(struct layout *layout)
{
    if (!layout->dataset->pooled && plan_of(layout)->contrast_count == 0)
        layout_add_paragraph(layout, "The protocol names no cohorts to compare.");
}

const char *layout_contrast_name(const struct layout *layout, size_t index)
{
    const struct cohort_contrast *contrast = &plan_of(layout)->contrasts[index];
    return memory_format(layout->document, "%s - %s", layout->dataset->cohorts[contrast->cohort],
                         layout->dataset->cohorts[contrast->against]);
}

void layout_add_contrast_columns(const struct layout *layout, struct table *table)
{
    for (size_t i = 0; layout_has_contrasts(layout) && i < plan_of(layout)->contrast_count; i++)
        table_add_column(table, layout_contrast_name(layout, i), "", CELL_NUMBER);
}

void layout_add_contrast_row(const struct layout *layout, struct table *table, const struct result_key *key,
                             const char *group, const struct line *line)
{
    struct table_row *row = table_add_row(table, group, line->label, line->indent);
    for (size_t i = 0; i < table->column_count; i++) {
        struct result_key cell = *key;
        cell.col = table->columns[i].title;
        layout_set_results(layout, table, row, i, &cell, line->pattern);
    }
}

const char *layout_strata_names(const struct layout *layout)
{
    const struct analysis_plan *plan = plan_of(layout);
    struct text *out = text_new(layout->document);
    for (size_t i = 0; i < plan->stratum_count; i++) {
        const struct model_term *term = &plan->strata[i];
        const struct item *item =
            term->kind == TERM_ITEM ? layout_find_item(layout, term->item.form, term->item.item) : NULL;
        text_append_format(out, "%s%s", i > 0 ? ", " : "", item != NULL ? item->text : "site");
    }
    return out->bytes;
}

const char *layout_term_title(const struct layout *layout, const struct model_term *term)
{
    if (term->kind == TERM_BASE)
        return "value at baseline";
    if (term->kind == TERM_SITE)
        return "site";
    const struct item *item = layout_find_item(layout, term->item.form, term->item.item);
    return item != NULL ? item->text : term->item.item;
}

void layout_add_association_fact(const struct layout *layout, struct table *table)
{
    if (!layout->dataset->catalogue->protocol->randomised)
        table_add_fact(table, "Not randomised",
                       "subjects were not allocated to the cohorts at random; differences are associations "
                       "and no proof of cause");
}

static const char *or_else(const char *text, const char *otherwise)
{
    return text != NULL ? text : otherwise;
}

/* "treatment_policy" as words. */
static const char *strategy_in_words(struct table *table, enum strategy strategy)
{
    char *words = memory_copy_string(table, strategy_words[strategy]);
    for (char *c = words; (c = strchr(c, '_')) != NULL;)
        *c = ' ';
    return words;
}

void layout_set_planned_estimand(const struct layout *layout, struct table *table, int endpoint,
                                 const struct estimand *estimand)
{
    const struct planned_estimand *planned = plan_find_estimand(plan_of(layout), endpoint);
    const struct estimand box = {
        .population = or_else(estimand->population, or_else(planned != NULL ? planned->population : NULL,
                                                            "treated subjects, index knee")),
        .treatment = or_else(estimand->treatment, "cohorts as allocated"),
        .variable = estimand->variable,
        .summary = or_else(estimand->summary, planned != NULL ? planned->summary : NULL),
    };
    table_set_estimand(table, &box);
    for (size_t i = 0; planned != NULL && i < planned->intercurrent_count; i++)
        table_add_intercurrent(table, planned->intercurrent[i].event,
                               strategy_in_words(table, planned->intercurrent[i].strategy));
}
