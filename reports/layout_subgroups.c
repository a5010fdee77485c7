/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Differences of change within subgroups, as tables and as forest plots.  (T17, F5) */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/analysis_subgroups.h"
#include "reports/format.h"
#include "reports/layout_contrast.h"
#include "reports/layout_score.h"

/* One forest: its table of results, and how its rows are named. */
struct view {
    struct outcome outcome;
    const struct visit *visit;
    int endpoint;
    const char *results;
    const char *id;              /* of tables and figures */
};

static const struct analysis_plan *plan_of(const struct layout *layout)
{
    return &layout->dataset->catalogue->protocol->plan;
}

static struct view view_of(const struct layout *layout, const struct forest *forest)
{
    const struct protocol *protocol = layout->dataset->catalogue->protocol;
    struct view view = {.endpoint = forest->endpoint, .visit = &protocol->visits[forest->visit]};
    view.outcome = layout_find_outcome(layout, &protocol->endpoints[forest->endpoint]);
    view.id = memory_format(layout->document, "%s-%s", view.visit->id, view.outcome.endpoint->id);
    view.results = memory_format(layout->document, "forest %s %s", view.visit->id, view.outcome.endpoint->id);
    return view;
}

/* A level of a subgroup. */
struct level {
    const char *title, *row;     /* "1-2", "KL 1-2" */
};
struct levels {
    struct level *at;
    size_t count;
};

static struct levels levels_of(const struct layout *layout, size_t subgroup)
{
    const struct catalogue *catalogue = layout->dataset->catalogue;
    struct levels levels = {0};
    const struct subgroup_level *found = catalogue_subgroup_levels(
        layout->document, catalogue, &plan_of(layout)->subgroups[subgroup], &levels.count);
    const char *name = subgroup_row(layout->document, catalogue, subgroup);
    levels.at = memory_new_array(layout->document, struct level, levels.count);
    for (size_t i = 0; i < levels.count; i++)
        levels.at[i] =
            (struct level){found[i].title, memory_format(layout->document, "%s %s", name, found[i].title)};
    return levels;
}

/* -- tables ---------------------------------------------------------------------------------------------- */

static void add_facts(const struct layout *layout, struct table *table, const struct view *view)
{
    layout_set_planned_estimand(
        layout, table, view->endpoint,
        &(struct estimand){
            .population =
                "treated subjects of the subgroup with a value at baseline and one at the visit, index knee",
            .variable = memory_format(table, "change from baseline at %s: %s",
                                      layout_visit_title(layout, view->visit), view->outcome.title),
            .summary = "difference of adjusted mean changes",
        });
    layout_add_score_facts(table, &view->outcome);
    layout_add_association_fact(layout, table);
    table_add_fact(
        table, "Model",
        "analysis of covariance of each level on its own: cohort and, where the plan adjusts for it, the "
        "value at baseline");
}

static void add_level(const struct layout *layout, struct table *table, const struct view *view,
                      const struct levels *levels, size_t level, const char *group)
{
    struct result_key key = {
        .table = view->results, .row = levels->at[level].row, .collected = view->outcome.collected};
    layout_add_contrast_row(
        layout, table, &key, group,
        &(struct line){"{n1}, {n0}; {diff} [{lo}, {hi}]; {!p}", levels->at[level].title, 0});
    if (level > 0)
        layout_add_contrast_row(
            layout, table, &key, group,
            &(struct line){"{interaction} [{interaction_lo}, {interaction_hi}]; {!interaction_p}",
                           memory_format(table, "less the difference in %s", levels->at[0].title), 1});
}

static void add_differences(struct layout *layout, const struct view *view)
{
    struct table *table =
        layout_add_table(layout, memory_format(layout->document, "t17-subgroups-%s", view->id),
                         memory_format(layout->document, "%s: differences within subgroups at %s",
                                       view->outcome.title, layout_visit_title(layout, view->visit)));
    add_facts(layout, table, view);
    table_add_fact(table, "Cells", "n of each cohort; difference [%s CI]; p of no difference",
                   layout_level(layout));
    table->group_title = "Subgroup";
    table->label_title = "Level";
    layout_add_contrast_columns(layout, table);
    layout_add_contrast_row(layout, table,
                            &(struct result_key){.table = view->results,
                                                 .row = FOREST_EVERYBODY,
                                                 .collected = view->outcome.collected},
                            "", &(struct line){"{n1}, {n0}; {diff} [{lo}, {hi}]; {!p}", "All subjects", 0});
    for (size_t s = 0; s < plan_of(layout)->subgroup_count; s++) {
        const char *group = layout_capital(layout, subgroup_row(table, layout->dataset->catalogue, s));
        struct levels levels = levels_of(layout, s);
        for (size_t l = 0; l < levels.count; l++)
            add_level(layout, table, view, &levels, l, group);
    }
}

/* Of all forests: a row for each subgroup. */
static struct table *begin_interactions(struct layout *layout)
{
    struct table *table =
        layout_add_table(layout, "t17-interactions", "Do the differences depend on the subgroup?");
    table_add_fact(
        table, "Test",
        "F test of cohort x subgroup in one model of all subjects, all cohorts at once; a large p does "
        "not show that the subgroups are alike");
    table_add_fact(table, "Left out", "subjects with a change whose answer is in no level, or who gave none");
    layout_add_association_fact(layout, table);
    table->group_title = "Endpoint";
    table->label_title = "Subgroup";
    table_add_column(table, "F (df)", "", CELL_NUMBER);
    table_add_column(table, "p", "", CELL_NUMBER);
    table_add_column(table, "In no level", "", CELL_NUMBER);
    table_add_column(table, "Not answered", "", CELL_NUMBER);
    return table;
}

static void add_interactions(const struct layout *layout, struct table *table, const struct view *view)
{
    const char *group =
        memory_format(table, "%s at %s", view->outcome.title, layout_visit_title(layout, view->visit));
    for (size_t s = 0; s < plan_of(layout)->subgroup_count; s++) {
        const char *name = subgroup_row(table, layout->dataset->catalogue, s);
        struct table_row *row = table_add_row(table, group, layout_capital(layout, name), 0);
        const struct result_key test = {.table = view->results, .row = name, .col = "interaction"};
        const struct result_key left = {.table = view->results, .row = name, .col = "left out"};
        layout_set_results(layout, table, row, 0, &test, "{F} ({df1}, {df2})");
        layout_set_results(layout, table, row, 1, &test, "{!p}");
        layout_set_results(layout, table, row, 2, &left, "{in_no_level}");
        layout_set_results(layout, table, row, 3, &left, "{not_answered}");
    }
}

/* -- figure ---------------------------------------------------------------------------------------------- */

enum { COUNTS = 2 };     /* cells of a row: n of each cohort */

/* A row of the figure and of the table below it. */
static struct figure_forest_row draw_row(const struct layout *layout, struct figure *figure,
                                         const struct view *view, const char *name, const char *contrast)
{
    static const char *const counts[COUNTS] = {"n1", "n0"};
    const char **cells = memory_new_array(figure, const char *, COUNTS);
    char number[FORMAT_SIZE], lo[FORMAT_SIZE], hi[FORMAT_SIZE];
    for (size_t i = 0; i < COUNTS; i++)
        cells[i] = memory_copy_string(
            figure, format_number(number, layout_value(layout, view->results, name, contrast, counts[i]), 0));
    struct figure_forest_row row = {
        .group = "",
        .label = name,
        .cells = cells,
        .estimate = layout_value(layout, view->results, name, contrast, "diff"),
        .lo = layout_value(layout, view->results, name, contrast, "lo"),
        .hi = layout_value(layout, view->results, name, contrast, "hi"),
    };
    int collected = view->outcome.collected;
    row.text = isnan(row.estimate) ? "NE"
                                   : memory_format(figure, "%s [%s, %s]",
                                                   format_stat(number, "diff", row.estimate, collected),
                                                   format_stat(lo, "lo", row.lo, collected),
                                                   format_stat(hi, "hi", row.hi, collected));
    return row;
}

static void add_figure_rows(const struct layout *layout, struct figure *figure, const struct view *view,
                            const char *contrast)
{
    const struct analysis_plan *plan = plan_of(layout);
    struct figure_forest_row *rows = memory_new_array(figure, struct figure_forest_row, 1);
    size_t count = 0;
    rows[count] = draw_row(layout, figure, view, FOREST_EVERYBODY, contrast);
    rows[count].label = "All subjects";
    rows[count++].overall = true;
    for (size_t s = 0; s < plan->subgroup_count; s++) {
        const char *name = subgroup_row(figure, layout->dataset->catalogue, s);
        struct levels levels = levels_of(layout, s);
        rows = memory_resize_array(figure, rows, struct figure_forest_row, count + levels.count);
        for (size_t l = 0; l < levels.count; l++) {
            rows[count] = draw_row(layout, figure, view, levels.at[l].row, contrast);
            rows[count].group = layout_capital(layout, name);
            rows[count++].label = levels.at[l].title;
        }
    }
    figure->as.forest.rows = rows;
    figure->as.forest.row_count = count;
}

static void add_figure_data(const struct layout *layout, struct figure *figure)
{
    struct table *table = figure->data;
    const struct figure_forest *forest = &figure->as.forest;
    layout_add_association_fact(layout, table);
    table->group_title = "Subgroup";
    table->label_title = "Level";
    for (size_t i = 0; i < forest->cell_count; i++)
        table_add_column(table, forest->cell_titles[i], "", CELL_NUMBER);
    table_add_column(table, forest->text_title, "", CELL_NUMBER);
    for (size_t r = 0; r < forest->row_count; r++) {
        struct table_row *row = table_add_row(table, forest->rows[r].group, forest->rows[r].label, 0);
        for (size_t i = 0; i < forest->cell_count; i++)
            table_set_cell(table, row, i, CELL_NUMBER, forest->rows[r].cells[i]);
        table_set_cell(table, row, forest->cell_count, CELL_NUMBER, forest->rows[r].text);
    }
}

static void add_figure(struct layout *layout, const struct view *view, size_t contrast)
{
    const struct cohort_contrast *pair = &plan_of(layout)->contrasts[contrast];
    const char *const *cohorts = layout->dataset->cohorts;
    const char *name = layout_contrast_name(layout, contrast), *level = layout_level(layout);
    const struct equivalence_margin *margin = plan_find_margin(plan_of(layout), view->endpoint);
    struct figure *figure =
        layout_add_figure(layout, memory_format(layout->document, "f5-%s-%zu", view->id, contrast + 1),
                          memory_format(layout->document, "%s: subgroups at %s, %s", view->outcome.title,
                                        layout_visit_title(layout, view->visit), name));
    bool rise = view->outcome.score != NULL && view->outcome.score->direction == SCORE_HIGHER_BETTER;
    const char **titles = memory_new_array(figure, const char *, COUNTS);
    titles[0] = memory_format(figure, "n %s", cohorts[pair->cohort]);
    titles[1] = memory_format(figure, "n %s", cohorts[pair->against]);
    figure->kind = FIGURE_FOREST;
    figure->as.forest = (struct figure_forest){
        .label_title = "Subgroup",
        .cell_titles = titles,
        .cell_count = COUNTS,
        .text_title = memory_format(figure, "Difference [%s CI]", level),
        .x_title = "Difference of adjusted mean changes, points",
        .left = memory_format(figure, "%s better", cohorts[rise ? pair->against : pair->cohort]),
        .right = memory_format(figure, "%s better", cohorts[rise ? pair->cohort : pair->against]),
        .margin_from = margin != NULL ? -margin->margin : (double)NAN,
        .margin_to = margin != NULL ? margin->margin : (double)NAN,
    };
    add_figure_rows(layout, figure, view, name);
    add_figure_data(layout, figure);
    figure->description = memory_format(
        figure,
        "Forest plot of the difference %s with its %s confidence interval: all subjects, then %zu rows of "
        "subgroups. All numbers stand in the table below.",
        name, level, figure->as.forest.row_count - 1);
}

/* -- chapter --------------------------------------------------------------------------------------------- */

void layout_subgroups(struct layout *layout)
{
    const struct analysis_plan *plan = plan_of(layout);
    if (layout->dataset->pooled)
        return;
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "subgroups", "Subgroups");
    if (plan->subgroup_count == 0) {
        layout_add_paragraph(layout, "The protocol names no subgroups.");
        return;
    }
    layout_add_paragraph(layout,
                         "Subgroups are small and many; a difference in one of them and none in another "
                         "says little. Whether differences depend on the subgroup is what the test of the "
                         "interaction asks.");
    layout_explain_no_contrasts(layout);
    struct forests forests = forests_of(layout->document, layout->dataset);
    for (size_t f = 0; f < forests.count; f++) {
        struct view view = view_of(layout, &forests.at[f]);
        for (size_t c = 0; f == 0 && c < plan->contrast_count; c++)
            add_figure(layout, &view, c);
        add_differences(layout, &view);
    }
    struct table *interactions = forests.count > 0 ? begin_interactions(layout) : NULL;
    for (size_t f = 0; f < forests.count; f++) {
        struct view view = view_of(layout, &forests.at[f]);
        add_interactions(layout, interactions, &view);
    }
}
