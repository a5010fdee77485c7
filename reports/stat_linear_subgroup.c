/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_linear_subgroup.h"

#include <string.h>

#include "forms/base/memory.h"

static void compare_pairs(const struct subgroup_question *question, const struct linear_fit *fit,
                          struct subgroup_difference *out)
{
    const size_t *counts = fit->design == NULL ? NULL : fit->design->counts[question->factor];
    for (size_t p = 0; p < question->pair_count; p++) {
        const struct subgroup_pair *pair = &question->pairs[p];
        const struct linear_mean a = {question->factor, pair->level, LINEAR_MAIN, 0, LINEAR_EQUAL};
        const struct linear_mean b = {question->factor, pair->against, LINEAR_MAIN, 0, LINEAR_EQUAL};
        out[p].difference = stat_linear_difference(fit, &a, &b, question->level);
        if (counts == NULL)
            continue;
        out[p].n = counts[pair->level];
        out[p].n_against = counts[pair->against];
    }
}

static void compare_groups(const struct subgroup_question *question, struct subgroup_answer *answer)
{
    struct linear_data data = *question->data;
    bool *included = memory_new_array(answer, bool, data.records);
    for (size_t g = 0; g < question->groups; g++) {
        for (size_t i = 0; i < data.records; i++) {
            bool in = question->data->included == NULL || question->data->included[i];
            included[i] = in && question->codes[i] == (int)g;
        }
        data.included = included;
        struct linear_fit *fit = stat_linear_fit(answer, &data, LINEAR_MODEL_VARIANCE);
        compare_pairs(question, fit, answer->differences + g * question->pair_count);
        talloc_free(fit);
    }
    talloc_free(included);
}

/* The model of all groups; what it is made of hangs on owner. */
static struct linear_fit *fit_interaction(const void *owner, const struct subgroup_question *question)
{
    struct linear_data *data = memory_new(owner, struct linear_data);
    *data = *question->data;
    size_t v = data->variable_count, t = data->term_count;
    struct linear_variable *variables = memory_new_array(owner, struct linear_variable, v + 1);
    struct linear_term *terms = memory_new_array(owner, struct linear_term, t + 2);
    if (v > 0)
        memcpy(variables, data->variables, v * sizeof *variables);
    if (t > 0)
        memcpy(terms, data->terms, t * sizeof *terms);
    variables[v] = (struct linear_variable){question->groups, question->codes, NULL};
    terms[t] = (struct linear_term){(int)v, LINEAR_MAIN};
    terms[t + 1] = (struct linear_term){question->factor, (int)v};
    data->variables = variables;
    data->variable_count = v + 1;
    data->terms = terms;
    data->term_count = t + 2;
    return stat_linear_fit(owner, data, LINEAR_MODEL_VARIANCE);
}

static void compare_differences(const struct subgroup_question *question, const struct linear_fit *fit,
                                struct linear_estimate *out)
{
    int f = question->factor, within = (int)question->data->variable_count;
    for (size_t g = 1; g < question->groups; g++) {
        for (size_t p = 0; p < question->pair_count; p++) {
            size_t a = question->pairs[p].level, b = question->pairs[p].against;
            const struct linear_mean means[4] = {{f, a, within, g, LINEAR_EQUAL},
                                                 {f, b, within, g, LINEAR_EQUAL},
                                                 {f, a, within, 0, LINEAR_EQUAL},
                                                 {f, b, within, 0, LINEAR_EQUAL}};
            out[g * question->pair_count + p] = stat_linear_interaction(fit, means, question->level);
        }
    }
}

static void test_interaction(const struct subgroup_question *question, struct subgroup_answer *answer)
{
    void *owner = memory_owner(NULL, "interaction");
    const struct linear_fit *fit = fit_interaction(owner, question);
    answer->interaction = stat_linear_term(fit, question->data->term_count + 1);
    compare_differences(question, fit, answer->interactions);
    talloc_free(owner);
}

struct subgroup_answer *stat_linear_subgroup(const void *owner, const struct subgroup_question *question)
{
    struct subgroup_answer *answer = memory_new(owner, struct subgroup_answer);
    size_t count = memory_size_product(question->groups, question->pair_count);
    answer->differences = memory_new_array(answer, struct subgroup_difference, count);
    answer->interactions = memory_new_array(answer, struct linear_estimate, count);
    compare_groups(question, answer);
    test_interaction(question, answer);
    return answer;
}
