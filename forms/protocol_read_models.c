/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `compare`, `models` and what models are made of: `covariates`, `strata`, `adjustment`. */
#include <string.h>

#include "forms/base/memory.h"
#include "forms/protocol_read.h"

static void add_contrast(struct cohort_contrast *contrasts, struct analysis_plan *plan,
                         struct cohort_contrast contrast)
{
    contrasts[plan->contrast_count++] = contrast;
}

/* Each other cohort against the reference. */
static void set_default_contrasts(struct protocol *protocol)
{
    if (protocol->reference == NULL)
        return;
    int reference = protocol_find_cohort(protocol, protocol->reference);
    struct cohort_contrast *contrasts =
        memory_new_array(protocol, struct cohort_contrast, protocol->cohort_count);
    protocol->plan.contrasts = contrasts;
    for (int i = 0; i < (int)protocol->cohort_count; i++)
        if (i != reference)
            add_contrast(contrasts, &protocol->plan,
                         (struct cohort_contrast){.cohort = i, .against = reference});
}

static void read_contrasts(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct protocol *protocol = reader->protocol;
    struct analysis_plan *plan = &protocol->plan;
    const struct yaml *list = yaml_get_list(analysis, "compare", YAML_OPTIONAL, reader->faults);
    if (list == NULL) {
        set_default_contrasts(protocol);
        return;
    }
    struct cohort_contrast *contrasts = memory_new_array(protocol, struct cohort_contrast, list->count);
    plan->contrasts = contrasts;
    for (size_t i = 0; i < list->count; i++) {
        struct cohort_contrast contrast = {0};
        if (!protocol_read_pair(reader, list->children[i], &contrast))
            continue;
        if (plan_find_contrast(plan, contrast.cohort, contrast.against) >= 0
            || plan_find_contrast(plan, contrast.against, contrast.cohort) >= 0)
            yaml_fault(reader->faults, list->children[i],
                       "these two cohorts are in \"compare\" twice; remove one");
        else
            add_contrast(contrasts, plan, contrast);
    }
}

static void read_model_endpoints(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct protocol *protocol = reader->protocol;
    struct analysis_plan *plan = &protocol->plan;
    int *models = protocol_read_endpoint_list(reader, analysis, "models", YAML_OPTIONAL, &plan->model_count);
    if (models == NULL) {
        models = memory_new_array(protocol, int, protocol->endpoint_count);
        for (size_t i = 0; i < protocol->endpoint_count; i++)
            models[i] = (int)i;
        plan->model_count = protocol->endpoint_count;
    }
    plan->models = models;
}

/* Lists of terms; `words` may stand beside form.item. */
struct term_list {
    const char *key, *words[3];
    const char *hint;
};
static const struct term_list covariate_terms = {
    "covariates", {"base", "site"}, "write base, site or form.item"};
static const struct term_list stratum_terms = {"strata", {"site"}, "write site or form.item"};
static const struct term_list adjustment_terms = {
    "adjustment", {"base", "site"}, "write base, site or form.item"};

static bool read_term(struct protocol_reader *reader, const struct yaml *node, const struct term_list *terms,
                      struct model_term *term)
{
    if (node->kind != YAML_TEXT)
        return false;
    if (strchr(node->text, '.') == NULL) {
        bool known = false;
        for (const char *const *word = terms->words; *word != NULL && !known; word++)
            known = strcmp(*word, node->text) == 0;
        if (!known)
            yaml_fault(reader->faults, node, "unknown entry \"%.64s\" of \"%s\"; %s", node->text, terms->key,
                       terms->hint);
        term->kind = strcmp(node->text, "base") == 0 ? TERM_BASE : TERM_SITE;
        return known;
    }
    term->kind = TERM_ITEM;
    term->item = (struct item_reference){.key = terms->key, .line = node->line};
    if (!protocol_read_reference(reader, node, &term->item.form, &term->item.item))
        return false;
    protocol_add_model_item(reader, &term->item);
    return true;
}

static struct model_term *read_terms(struct protocol_reader *reader, const struct yaml *analysis,
                                     const struct term_list *list, size_t *count)
{
    *count = 0;
    const struct yaml *node = yaml_find(analysis, list->key);
    if (node == NULL || node->kind != YAML_LIST)
        return NULL;
    struct model_term *terms = memory_new_array(reader->protocol, struct model_term, node->count);
    for (size_t i = 0; i < node->count; i++)
        if (read_term(reader, node->children[i], list, &terms[*count]))
            (*count)++;
    return terms;
}

static void set_default_adjustment(struct protocol *protocol)
{
    struct analysis_plan *plan = &protocol->plan;
    struct model_term *terms = memory_new_array(protocol, struct model_term, plan->covariate_count);
    for (size_t i = 0; i < plan->covariate_count; i++)
        if (plan->covariates[i].kind != TERM_SITE)
            terms[plan->adjustment_count++] = plan->covariates[i];
    plan->adjustment = terms;
}

void protocol_read_models(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct protocol *protocol = reader->protocol;
    struct analysis_plan *plan = &protocol->plan;
    size_t adjustment_texts = 0;
    read_contrasts(reader, analysis);
    read_model_endpoints(reader, analysis);
    protocol->covariates = protocol_read_texts(reader, analysis, "covariates", &protocol->covariate_count);
    protocol->strata = protocol_read_texts(reader, analysis, "strata", &protocol->stratum_count);
    (void)protocol_read_texts(reader, analysis, "adjustment", &adjustment_texts);
    plan->covariates = read_terms(reader, analysis, &covariate_terms, &plan->covariate_count);
    plan->strata = read_terms(reader, analysis, &stratum_terms, &plan->stratum_count);
    if (yaml_find(analysis, "adjustment") != NULL)
        plan->adjustment = read_terms(reader, analysis, &adjustment_terms, &plan->adjustment_count);
    else
        set_default_adjustment(protocol);
}
