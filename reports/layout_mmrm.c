/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mixed models for repeated measures: means, differences, tests, how the fits went.  (T8, F2) */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/analysis_repeated.h"
#include "reports/format.h"
#include "reports/layout_contrast.h"
#include "reports/layout_score.h"

/* Names of the statistics of the method that the protocol chose (analysis_mmrm.c writes both). */
struct shown {
    const char *method;
    const char *se, *lo, *hi, *df, *f, *df2, *p;
};

static const struct shown kenward_roger = {
    "Kenward and Roger (observed information, linear)",
    "se_kr",
    "lo_kr",
    "hi_kr",
    "df_kr",
    "F_kr",
    "df2_kr",
    "p_kr",
};
static const struct shown satterthwaite = {
    "Satterthwaite", "se", "lo", "hi", "df_satt", "F_satt", "df2_satt", "p_satt",
};

static const char over_visits[] = "averaged over visits";

struct model {
    int endpoint;
    struct outcome outcome;
    const char *results; /* table of its rows */
    const struct shown *shown;
};

static const struct protocol *protocol_of(const struct layout *layout)
{
    return layout->dataset->catalogue->protocol;
}

static struct model model_of(const struct layout *layout, size_t index)
{
    const struct protocol *protocol = protocol_of(layout);
    int endpoint = protocol->plan.models[index];
    return (struct model){
        .endpoint = endpoint,
        .outcome = layout_find_outcome(layout, &protocol->endpoints[endpoint]),
        .results = memory_format(layout->document, "MMRM %s", protocol->endpoints[endpoint].id),
        .shown = strcmp(protocol->df, "satterthwaite") == 0 ? &satterthwaite : &kenward_roger,
    };
}

/* -- above the tables ------------------------------------------------------------------------------------ */

/* The structure in the fit, and why the ones before it were given up. */
static const char *covariance_of(const struct layout *layout, const struct model *model)
{
    struct text *out = text_new(layout->document);
    for (int s = 0; s < MMRM_STRUCTURES; s++) {
        const char *name = stat_mmrm_structure_name((enum mmrm_structure)s);
        const struct result *taken = results_find(layout->results, model->results, "fit", name, "taken");
        if (taken == NULL)
            continue;
        if (taken->status[0] != '\0')
            text_append_format(out, "%s%s given up: %s", out->length > 0 ? "; " : "", name, taken->note);
        else
            text_append_format(out, "%s%s", out->length > 0 ? "; " : "", name);
    }
    if (layout_value(layout, model->results, "fit", "model", "sandwich") > 0)
        text_append(out, ", with empirical (sandwich) standard errors");
    return out->length > 0 ? out->bytes : "none";
}

static void add_model_facts(const struct layout *layout, struct table *table, const struct model *model)
{
    const struct protocol *protocol = protocol_of(layout);
    table_add_fact(table, "Model", "%s, by restricted maximum likelihood; covariance of the visits: %s",
                   repeated_formula(table, layout->dataset), covariance_of(layout, model));
    table_add_fact(table, "Standard errors, df", "%s", model->shown->method);
    table_add_fact(table, "Margins",
                   "numbers at their mean over the values in the model, levels of factors weighted %s",
                   protocol->lsmeans_equal ? "equally" : "as observed");
    table_add_fact(table, "Missing values",
                   "none imputed; valid when missing at random, given the visits before and the covariates");
}

/* `means`: the table is of means, else of differences. */
static void set_estimand(const struct layout *layout, struct table *table, const struct model *model, bool means)
{
    const struct planned_estimand *planned = plan_find_estimand(&protocol_of(layout)->plan, model->endpoint);
    bool has_summary = planned != NULL && planned->summary != NULL && !means;
    layout_set_planned_estimand(
        layout, table, model->endpoint,
        &(struct estimand){
            .population = planned != NULL && planned->population != NULL
                              ? NULL
                              : "treated subjects with a value at baseline, at least one later and every "
                                "covariate; index knee",
            .treatment = layout->dataset->pooled ? "all cohorts together" : NULL,
            .variable = memory_format(table, "change from baseline at each visit: %s", model->outcome.title),
            .summary = means         ? "least squares mean of the change"
                       : has_summary ? NULL
                                     : "difference of least squares means",
        });
}

static void add_facts(const struct layout *layout, struct table *table, const struct model *model, bool means)
{
    set_estimand(layout, table, model, means);
    layout_add_score_facts(table, &model->outcome);
    add_model_facts(layout, table, model);
}

/* -- means ----------------------------------------------------------------------------------------------- */

/* Rows of the result `kind NAME` for each visit after baseline, and for the mean over all of them. */
typedef void add_rows(const struct layout *layout, struct table *table, const struct model *model,
                      const struct result_key *key, const char *group);

static void add_visits(const struct layout *layout, struct table *table, const struct model *model,
                       const char *kind, add_rows *add)
{
    const struct protocol *protocol = protocol_of(layout);
    struct result_key key = {.table = model->results, .collected = model->outcome.collected};
    for (size_t v = 0; v < protocol->visit_count; v++) {
        if (!dataset_is_after_baseline(layout->dataset, (int)v))
            continue;
        key.row = memory_format(table, "%s %s", kind, protocol->visits[v].id);
        add(layout, table, model, &key, layout_visit_title(layout, &protocol->visits[v]));
    }
    key.row = memory_format(table, "%s %s", kind, over_visits);
    add(layout, table, model, &key, "Mean over visits");
}

static void add_mean_rows(const struct layout *layout, struct table *table, const struct model *model,
                          const struct result_key *key, const char *group)
{
    const struct shown *shown = model->shown;
    const struct line lines[] = {
        {"{n}", "n with a value in the model", 0},
        {memory_format(table, "{lsmean} ({%s})", shown->se), "LS mean (SE)", 0},
        {memory_format(table, "[{%s}, {%s}]", shown->lo, shown->hi),
         memory_format(table, "%s CI", layout_level(layout)), 0},
    };
    bool visit = strstr(key->row, over_visits) == NULL;
    for (size_t i = visit ? 0 : 1; i < sizeof lines / sizeof *lines; i++)
        layout_add_cohort_row(layout, table, key, group, &lines[i]);
}

static void add_means(struct layout *layout, const struct model *model)
{
    struct table *table = layout_add_table(
        layout, memory_format(layout->document, "t8-means-%s", model->outcome.endpoint->id),
        memory_format(layout->document, "%s: least squares means of the change from baseline",
                      model->outcome.title));
    add_facts(layout, table, model, true);
    table->group_title = "Visit";
    table->label_title = "Statistic";
    layout_add_cohort_columns(layout, table);
    add_visits(layout, table, model, "lsmean", add_mean_rows);
}

/* -- figure ---------------------------------------------------------------------------------------------- */

static void add_series(const struct layout *layout, struct figure *figure, const struct model *model)
{
    const struct dataset *dataset = layout->dataset;
    struct figure_lines *lines = &figure->as.lines;
    struct figure_series *series = memory_new_array(figure, struct figure_series, dataset->cohort_count);
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        struct figure_point *points = memory_new_array(figure, struct figure_point, lines->position_count);
        for (size_t i = 0; i < lines->position_count; i++) {
            const char *row = memory_format(points, "lsmean %s", lines->position_titles[i]),
                       *col = dataset->cohorts[c];
            points[i] = (struct figure_point){
                layout_value(layout, model->results, row, col, "lsmean"),
                layout_value(layout, model->results, row, col, model->shown->lo),
                layout_value(layout, model->results, row, col, model->shown->hi),
            };
        }
        series[c] = (struct figure_series){dataset->cohorts[c], points};
    }
    lines->series = series;
    lines->series_count = dataset->cohort_count;
}

static void add_positions(const struct layout *layout, struct figure *figure)
{
    const struct protocol *protocol = protocol_of(layout);
    struct figure_lines *lines = &figure->as.lines;
    double *days = memory_new_array(figure, double, protocol->visit_count);
    const char **titles = memory_new_array(figure, const char *, protocol->visit_count);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        if (!dataset_is_after_baseline(layout->dataset, (int)v))
            continue;
        days[lines->position_count] = protocol->visits[v].target;
        titles[lines->position_count++] = protocol->visits[v].id;
    }
    lines->days = days;
    lines->position_titles = titles;
}

static void add_figure_data(const struct layout *layout, struct figure *figure, const struct model *model)
{
    const struct figure_lines *lines = &figure->as.lines;
    struct table *table = figure->data;
    table_add_fact(table, "Model", "%s", repeated_formula(table, layout->dataset));
    table->label_title = memory_format(table, "LS mean [%s CI]", layout_level(layout));
    for (size_t i = 0; i < lines->position_count; i++)
        table_add_column(table, lines->position_titles[i], "", CELL_NUMBER);
    const char *pattern = memory_format(table, "{lsmean} [{%s}, {%s}]", model->shown->lo, model->shown->hi);
    for (size_t c = 0; c < layout->dataset->cohort_count; c++) {
        struct table_row *row = table_add_row(table, "", layout->dataset->cohorts[c], 0);
        for (size_t i = 0; i < lines->position_count; i++) {
            const struct result_key key = {model->results,
                                           memory_format(table, "lsmean %s", lines->position_titles[i]),
                                           layout->dataset->cohorts[c], model->outcome.collected};
            layout_set_results(layout, table, row, i, &key, pattern);
        }
    }
}

static const char *describe(const struct layout *layout, const struct figure *figure, int collected)
{
    const struct figure_lines *lines = &figure->as.lines;
    struct text *out = text_new(figure);
    text_append_format(
        out, "Line chart of the least squares mean change with its %s confidence interval at %zu visits.",
        layout_level(layout), lines->position_count);
    for (size_t s = 0; s < lines->series_count; s++) {
        size_t last = lines->position_count - 1;
        char number[FORMAT_SIZE];
        text_append_format(out, " %s: %s at %s.", lines->series[s].title,
                           format_stat(number, "lsmean", lines->series[s].points[last].mean, collected),
                           lines->position_titles[last]);
    }
    return out->bytes;
}

static bool has_means(const struct layout *layout, const struct model *model)
{
    const struct protocol *protocol = protocol_of(layout);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        const char *row = memory_format(layout->document, "lsmean %s", protocol->visits[v].id);
        for (size_t c = 0; c < layout->dataset->cohort_count; c++) {
            if (!isnan(layout_value(layout, model->results, row, layout->dataset->cohorts[c], "lsmean")))
                return true;
        }
    }
    return false;
}

static void add_figure(struct layout *layout, const struct model *model)
{
    if (!has_means(layout, model))
        return;
    const struct score *score = model->outcome.score;
    struct figure *figure = layout_add_figure(
        layout, memory_format(layout->document, "f2-lsmeans-%s", model->outcome.endpoint->id),
        memory_format(layout->document, "%s: least squares mean change over time", model->outcome.title));
    figure->kind = FIGURE_LINES;
    figure->as.lines.change = true;
    figure->as.lines.y_title =
        memory_format(figure, "LS mean change from baseline (%s CI)", layout_level(layout));
    figure->as.lines.better = score != NULL && score->direction == SCORE_HIGHER_BETTER
                                  ? "higher is better \xe2\x86\x91"
                                  : "lower is better \xe2\x86\x93";
    add_positions(layout, figure);
    add_series(layout, figure, model);
    add_figure_data(layout, figure, model);
    figure->description = describe(layout, figure, model->outcome.collected);
}

/* -- differences ----------------------------------------------------------------------------------------- */

static void add_difference_rows(const struct layout *layout, struct table *table, const struct model *model,
                                const struct result_key *key, const char *group)
{
    const struct shown *shown = model->shown;
    const struct equivalence_margin *margin = plan_find_margin(&protocol_of(layout)->plan, model->endpoint);
    const struct line lines[] = {
        {memory_format(table, "{diff} [{%s}, {%s}]", shown->lo, shown->hi),
         memory_format(table, "Difference [%s CI]", layout_level(layout)), 0},
        {memory_format(table, "{%s}; {%s}", shown->se, shown->df), "SE; df", 1},
        {memory_format(table, "{!%s}", shown->p), "p", 1},
        {"{!tost_p}", "p, equivalence within the margin", 1},
    };
    bool at_visits = strstr(key->row, " - ") == NULL;
    for (size_t i = 0; i < sizeof lines / sizeof *lines - (margin != NULL && at_visits ? 0 : 1); i++)
        layout_add_contrast_row(layout, table, key, group, &lines[i]);
}

/* Differences of differences that claims ask for, each once. */
static void add_durability(const struct layout *layout, struct table *table, const struct model *model)
{
    const struct protocol *protocol = protocol_of(layout);
    const struct analysis_plan *plan = &protocol->plan;
    for (size_t k = 0; k < plan->claim_count; k++) {
        const struct claim *claim = &plan->claims[k];
        bool again = claim->kind != CLAIM_DURABILITY || claim->endpoint != model->endpoint;
        for (size_t before = 0; !again && before < k; before++) {
            const struct claim *other = &plan->claims[before];
            again = other->kind == CLAIM_DURABILITY && other->endpoint == claim->endpoint &&
                    other->visit == claim->visit && other->from == claim->from;
        }
        if (again)
            continue;
        const char *visits = memory_format(table, "%s - %s", protocol->visits[claim->visit].id,
                                           protocol->visits[claim->from].id);
        const struct result_key key = {.table = model->results,
                                       .row = memory_format(table, "diff %s", visits),
                                       .collected = model->outcome.collected};
        add_difference_rows(layout, table, model, &key,
                            memory_format(table, "Change of the difference, %s", visits));
    }
}

static void add_differences(struct layout *layout, const struct model *model)
{
    struct table *table = layout_add_table(
        layout, memory_format(layout->document, "t8-differences-%s", model->outcome.endpoint->id),
        memory_format(layout->document, "%s: differences of least squares means", model->outcome.title));
    const struct equivalence_margin *margin = plan_find_margin(&protocol_of(layout)->plan, model->endpoint);
    add_facts(layout, table, model, false);
    layout_add_association_fact(layout, table);
    if (margin != NULL) {
        char number[FORMAT_SIZE];
        table_add_fact(table, "Margin", "%s points to either side (%s); two one-sided tests, the greater p",
                       format_exact(number, margin->margin), margin->source);
    }
    table->group_title = "Visit";
    table->label_title = "Statistic";
    layout_add_contrast_columns(layout, table);
    add_visits(layout, table, model, "diff", add_difference_rows);
    add_durability(layout, table, model);
}

/* -- tests ----------------------------------------------------------------------------------------------- */

static void add_test_row(const struct layout *layout, struct table *table, const struct model *model,
                         const char *const names[2], const char *label)
{
    const struct shown *shown = model->shown;
    const struct result_key key = {.table = model->results, .row = names[0], .col = names[1]};
    const char *const patterns[] = {
        memory_format(table, "{%s}", shown->f),
        "{df1}",
        memory_format(table, "{%s}", shown->df2),
        memory_format(table, "{!%s}", shown->p),
    };
    struct table_row *row = table_add_row(table, model->outcome.title, label, 0);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        layout_set_results(layout, table, row, i, &key, patterns[i]);
    if (layout_value(layout, model->results, names[0], names[1], "reduced") > 0)
        row->cells[0].footnote = table_footnote(
            table, "some cohorts have no value at some visit: what can be estimated is tested");
}

static void add_term_rows(const struct layout *layout, struct table *table, const struct model *model)
{
    const struct analysis_plan *plan = &protocol_of(layout)->plan;
    for (size_t t = 0; t < plan->covariate_count; t++) {
        const struct model_term *term = &plan->covariates[t];
        const struct item *item =
            term->kind == TERM_ITEM ? layout_find_item(layout, term->item.form, term->item.item) : NULL;
        const char *name = covariates_name(table, term);
        const char *label = term->kind == TERM_BASE   ? "Baseline"
                            : term->kind == TERM_SITE ? "Site"
                            : item != NULL            ? layout_capital(layout, item->text)
                                                      : name;
        add_test_row(layout, table, model,
                     (const char *const[2]){memory_format(table, "type 3 F %s", name), "mean over visits"},
                     label);
        if (term->kind == TERM_BASE)
            add_test_row(layout, table, model, (const char *const[2]){"type 3 F base x visit", "interaction"},
                         "Baseline x visit");
    }
}

static void add_tests(struct layout *layout)
{
    struct table *table = layout_add_table(layout, "t8-tests", "Tests of the terms of the models");
    table_add_fact(table, "Tests", "type III F tests, %s; cohort and baseline: of the mean over visits",
                   model_of(layout, 0).shown->method);
    layout_add_association_fact(layout, table);
    table->group_title = "Endpoint";
    table->label_title = "Term";
    table_add_column(table, "F", "", CELL_NUMBER);
    table_add_column(table, "df", "", CELL_NUMBER);
    table_add_column(table, "Residual df", "", CELL_NUMBER);
    table_add_column(table, "p", "", CELL_NUMBER);
    for (size_t m = 0; m < protocol_of(layout)->plan.model_count; m++) {
        struct model model = model_of(layout, m);
        if (!layout->dataset->pooled) {
            add_test_row(layout, table, &model, (const char *const[2]){"type 3 F arm", "mean over visits"},
                         "Cohort");
            add_test_row(layout, table, &model, (const char *const[2]){"type 3 F arm x visit", "interaction"},
                         "Cohort x visit");
            add_test_row(layout, table, &model,
                         (const char *const[2]){"joint F all arm contrasts", "all visits"},
                         "Cohort at any visit");
        }
        add_term_rows(layout, table, &model);
    }
}

/* -- how the fits went ----------------------------------------------------------------------------------- */

static void add_fit_row(const struct layout *layout, struct table *table, const struct model *model)
{
    static const char *const patterns[] = {"{subjects}",    "{left_out}", "{records}",
                                           "{n_pattern}",   "{n_coef}",   "{m2reml}",
                                           "{newton_iter}", NULL,         "{condition}"};
    const struct result_key key = {.table = model->results, .row = "fit", .col = "model"};
    struct table_row *row = table_add_row(table, model->outcome.title, covariance_of(layout, model), 0);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        char gradient[FORMAT_SIZE];
        double value = layout_value(layout, key.table, key.row, key.col, "gradient_max");
        if (patterns[i] != NULL || isnan(value)) {
            layout_set_results(layout, table, row, i, &key,
                               patterns[i] != NULL ? patterns[i] : "{gradient_max}");
        } else {
            snprintf(gradient, sizeof gradient, "%.0e", value);
            table_set_cell(table, row, i, CELL_NUMBER, gradient);
        }
    }
}

/* Visits that a model left out stand below it, with their reason. */
static void add_dropped_visits(const struct layout *layout, struct table *table, const struct model *model)
{
    const struct protocol *protocol = protocol_of(layout);
    for (size_t v = 0; v < protocol->visit_count; v++) {
        const struct result *used =
            results_find(layout->results, model->results, "fit", protocol->visits[v].id, "used");
        if (used != NULL && used->status[0] != '\0')
            table_add_row(
                table, model->outcome.title,
                memory_format(table, "%s: %s", layout_visit_title(layout, &protocol->visits[v]), used->note),
                1);
    }
}

static void add_fits(struct layout *layout)
{
    static const char *const columns[] = {"Subjects",   "Left out",         "Values",
                                          "Patterns",   "Coefficients",     "-2 log L (REML)",
                                          "Iterations", "Largest gradient", "Condition"};
    struct table *table = layout_add_table(layout, "t8-fits", "How the models were fitted");
    table_add_fact(
        table, "Method",
        "Newton's method on the elements of the covariance matrix; structures are tried in this order: "
        "unstructured, heterogeneous Toeplitz, heterogeneous AR(1), compound symmetry with empirical "
        "standard "
        "errors");
    table_add_fact(table, "Left out", "subjects with a change, but without a covariate");
    table_add_fact(table, "Condition",
                   "of the correlation matrix of the visits; the greater, the nearer to singular");
    table->group_title = "Endpoint";
    table->label_title = "Covariance of the visits";
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        table_add_column(table, columns[i], "", CELL_NUMBER);
    for (size_t m = 0; m < protocol_of(layout)->plan.model_count; m++) {
        struct model model = model_of(layout, m);
        add_fit_row(layout, table, &model);
        add_dropped_visits(layout, table, &model);
    }
}

static void add_covariance_rows(const struct layout *layout, struct table *table, const struct model *model)
{
    const struct protocol *protocol = protocol_of(layout);
    size_t columns[MMRM_VISITS_MOST] = {0}, count = 0, column = 0;
    for (size_t v = 0; v < protocol->visit_count; v++) {
        if (!dataset_is_after_baseline(layout->dataset, (int)v))
            continue;
        bool used = layout_value(layout, model->results, "fit", protocol->visits[v].id, "used") > 0;
        if (used && count < MMRM_VISITS_MOST) {
            struct table_row *row = table_add_row(table, model->outcome.title,
                                                  layout_visit_title(layout, &protocol->visits[v]), 0);
            columns[count++] = column;
            for (size_t j = 0; j < count; j++) {
                const struct result_key key = {model->results, "sigma",
                                               memory_format(table, "%zu,%zu", count, j + 1),
                                               model->outcome.collected};
                layout_set_results(layout, table, row, columns[j], &key,
                                   j + 1 == count ? "{est}" : "{est} ({corr})");
            }
        }
        column++;
    }
}

static void add_covariances(struct layout *layout)
{
    const struct protocol *protocol = protocol_of(layout);
    struct table *table = layout_add_table(layout, "t8-covariances", "Covariance of the visits");
    table_add_fact(table, "Cells",
                   "variance; covariance (correlation), of the changes given the terms of the model");
    table->group_title = "Endpoint";
    table->label_title = "Visit";
    for (size_t v = 0; v < protocol->visit_count; v++) {
        if (dataset_is_after_baseline(layout->dataset, (int)v))
            table_add_column(table, protocol->visits[v].id, "", CELL_NUMBER);
    }
    for (size_t m = 0; m < protocol->plan.model_count; m++) {
        struct model model = model_of(layout, m);
        add_covariance_rows(layout, table, &model);
    }
}

void layout_mmrm(struct layout *layout)
{
    size_t models = protocol_of(layout)->plan.model_count;
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "mmrm",
                         "Mixed models for repeated measures");
    if (models == 0) {
        layout_add_paragraph(layout, "The protocol names no endpoints to be modelled.");
        return;
    }
    layout_add_paragraph(
        layout, "All visits of a subject in one model, so that those who left early count for what is "
                "known of them. The coefficients are in results.csv.");
    layout_explain_no_contrasts(layout);
    for (size_t m = 0; m < models; m++) {
        struct model model = model_of(layout, m);
        add_means(layout, &model);
        add_figure(layout, &model);
        if (layout_has_contrasts(layout))
            add_differences(layout, &model);
    }
    add_tests(layout);
    add_fits(layout);
    add_covariances(layout);
}
