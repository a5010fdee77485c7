/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times to events: curves, their comparison, and the Kaplan-Meier figure.  (T15, F4) */
#include <math.h>

#include "forms/base/memory.h"
#include "reports/event_times.h"
#include "reports/format.h"
#include "reports/layout_contrast.h"

/* Nothing closer than this can be told apart in the figure. */
static const double least_step = 0.001;

/* More subjects than these leave no room between the ticks of those censored. */
enum { MARKED_MOST = 200 };

static const struct analysis_plan *plan_of(const struct layout *layout)
{
    return &layout->dataset->catalogue->protocol->plan;
}

static const char *results_of(const struct layout *layout, const char *kind, const struct timed_event *event)
{
    return memory_format(layout->document, "%s %s", kind, event->id);
}

static const char *day_row(const struct layout *layout, int day)
{
    return memory_format(layout->document, "day %d", day);
}

/* -- what every table says ------------------------------------------------------------------------------- */

static const char *event_in_words(const struct layout *layout, const struct timed_event *event)
{
    const char *where = memory_format(layout->document, "first record of the form %s%s%s", event->form,
                                      event->when != NULL ? " with " : "", event->when != NULL ? event->when : "");
    const char *knee = event->knee == EVENT_INDEX_KNEE ? "index knee" : "either knee";
    return memory_format(layout->document, "%s, %s, after day 1%s", where, knee,
                         event->favourable ? " or on it" : "");
}

static void add_derivation(const struct layout *layout, struct table *table, const struct timed_event *event)
{
    const char *results = results_of(layout, "KM", event);
    double partial = layout_value(layout, results, "derivation", "overall", "partial_dates");
    double unread = layout_value(layout, results, "derivation", "overall", "records_unread");
    char number[FORMAT_SIZE];
    table_add_fact(table, "Event", "%s", event_in_words(layout, event));
    table_add_fact(table, "Time",
                   "study days; day 1 is the treatment of the index knee. Without the event censored at the last "
                   "contact%s",
                   event->death_competes ? "; death ends the time as a competing event" : "");
    if (partial > 0)
        table_add_fact(table, "Partial dates", "%s subjects: the %s day that the date can mean",
                       format_number(number, partial, 0), event->favourable ? "latest" : "earliest");
    if (unread > 0)
        table_add_fact(table, "Not read", "%s records of a version of the form that has not what the event is told by",
                       format_number(number, unread, 0));
}

/* -- curves ---------------------------------------------------------------------------------------------- */

static void add_days(const struct layout *layout, struct table *table, const struct timed_event *event)
{
    const char *level = layout_level(layout);
    const char *without = memory_format(table, "Without the event, %% [%s CI]", level);
    const char *with = memory_format(table, "With the event, %% [%s CI]", level);
    const char *survival = results_of(layout, "KM", event), *incidence = results_of(layout, "incidence", event);
    for (size_t d = 0; d < event->day_count; d++) {
        const char *group = memory_format(table, "Day %d", event->days[d]);
        struct result_key key = {.table = survival, .row = day_row(layout, event->days[d])};
        layout_add_cohort_row(layout, table, &key, group, &(struct line){"{n_risk}", "At risk", 0});
        layout_add_cohort_row(layout, table, &key, group, &(struct line){"{events}", "Events until then", 0});
        if (event->death_competes)
            layout_add_cohort_row(layout, table, &key, group, &(struct line){"{competing}", "Deaths before it", 0});
        if (!event->favourable)
            layout_add_cohort_row(layout, table, &key, group, &(struct line){"{%surv} [{%lo}, {%hi}]", without, 0});
        key.table = incidence;
        if (event->favourable || event->death_competes)
            layout_add_cohort_row(layout, table, &key, group, &(struct line){"{%inc} [{%lo}, {%hi}]", with, 0});
    }
}

static void add_summaries(const struct layout *layout, struct table *table, const struct timed_event *event)
{
    const char *level = layout_level(layout);
    struct result_key key = {.table = results_of(layout, "KM", event), .row = "quartiles"};
    const struct line whole[] = {
        {"{n}", "Subjects", 0}, {"{events}", "With the event", 0}, {"{competing}", "Died before it", 0},
        {"{censored}", "Censored", 0}, {"{last_day}", "Last day of follow-up", 0},
    };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (i != 2 || event->death_competes)
            layout_add_cohort_row(layout, table, &key, "All of the follow-up", &whole[i]);
    }
    const struct line quartiles[] = {
        {"{q25} [{q25_lo}, {q25_hi}]", memory_format(table, "A quarter have had it [%s CI]", level), 0},
        {"{median} [{median_lo}, {median_hi}]", memory_format(table, "Half have had it (median) [%s CI]", level), 0},
        {"{q75} [{q75_lo}, {q75_hi}]", memory_format(table, "Three quarters have had it [%s CI]", level), 0},
    };
    for (size_t i = 0; i < sizeof quartiles / sizeof *quartiles; i++)
        layout_add_cohort_row(layout, table, &key, "Day by which", &quartiles[i]);
    key.table = results_of(layout, "RMST", event);
    key.row = memory_format(table, "tau=%d", event->horizon);
    layout_add_cohort_row(layout, table, &key, memory_format(table, "Until day %d", event->horizon),
                          &(struct line){"{rmst} [{lo}, {hi}]",
                                         memory_format(table, "Mean days without the event [%s CI]", level), 0});
}

static const char *studied_in_words(const struct layout *layout, const struct timed_event *event)
{
    struct text *out = text_new(layout->document);
    text_append(out, "treated subjects");
    const struct item *item =
        event->among_codes != NULL ? layout_find_item(layout, event->among.form, event->among.item) : NULL;
    for (size_t k = 0; item != NULL && k < event->among_count; k++) {
        const struct choice *choice = item_find_choice(item, event->among_codes[k]);
        text_append_format(out, "%s%s", k == 0 ? ", at baseline " : " or ", k == 0 ? item->text : "");
        text_append_format(out, "%s%s", k == 0 ? ": " : "", choice != NULL ? choice->label : event->among_codes[k]);
    }
    return out->bytes;
}

static void add_curve_table(struct layout *layout, const struct timed_event *event)
{
    struct table *table = layout_add_table(layout, memory_format(layout->document, "t15-curves-%s", event->id),
                                           memory_format(layout->document, "Time to event: %s", event->title));
    table_add_fact(table, "Population", "%s", studied_in_words(layout, event));
    add_derivation(layout, table, event);
    table_add_fact(table, "Methods",
                   "Kaplan-Meier with log-log limits%s; no estimate after the last day on which anybody of the "
                   "cohort was followed; restricted mean: area under the curve",
                   event->death_competes
                       ? " (death censored: nobody would die); with the event: Aalen-Johansen, death competing"
                       : "");
    table->group_title = "Day";
    table->label_title = "Statistic";
    layout_add_cohort_columns(layout, table);
    add_days(layout, table, event);
    add_summaries(layout, table, event);
}

/* -- comparison ------------------------------------------------------------------------------------------ */

static void add_overall_test(const struct layout *layout, struct table *table, const char *results, const char *row,
                             const char *label)
{
    char chi_square[FORMAT_SIZE], df[FORMAT_SIZE], p[FORMAT_SIZE];
    double value = layout_value(layout, results, row, "overall", "chisq");
    if (isnan(value))
        return;
    table_add_fact(table, label, "all cohorts: chi-square %s, %s df, p = %s",
                   format_stat(chi_square, "chisq", value, 0),
                   format_number(df, layout_value(layout, results, row, "overall", "df"), 0),
                   format_p(p, layout_value(layout, results, row, "overall", "p")));
}

static void add_tests(const struct layout *layout, struct table *table, const struct timed_event *event)
{
    struct result_key key = {.table = results_of(layout, "KM", event), .row = "log-rank"};
    layout_add_contrast_row(layout, table, &key, "Tests", &(struct line){"{!p}", "p, log-rank", 0});
    key.row = "log-rank stratified";
    if (plan_of(layout)->stratum_count > 0)
        layout_add_contrast_row(layout, table, &key, "Tests", &(struct line){"{!p}", "p, log-rank within strata", 0});
    key = (struct result_key){.table = results_of(layout, "incidence", event), .row = "Gray"};
    if (event->death_competes)
        layout_add_contrast_row(layout, table, &key, "Tests", &(struct line){"{!p}", "p, Gray (death competing)", 0});
}

static void add_ratios(const struct layout *layout, struct table *table, const struct timed_event *event)
{
    static const struct {
        const char *row, *label;
        bool stratified;
    } models[] = {{"efron", "Cox", false}, {"efron stratified", "Cox within strata", true}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        /* a ratio's limits have the two decimals of the ratio */
        struct result_key key = {.table = results_of(layout, "Cox", event), .row = models[i].row, .collected = 1};
        if (models[i].stratified && plan_of(layout)->stratum_count == 0)
            continue;
        const char *label = memory_format(table, "%s [%s CI]", models[i].label, layout_level(layout));
        layout_add_contrast_row(layout, table, &key, "Hazard ratio", &(struct line){"{hr} [{lo}, {hi}]", label, 0});
        layout_add_contrast_row(layout, table, &key, "Hazard ratio", &(struct line){"{!p}", "p", 1});
    }
}

/* Points of per cent of those with the event by each day, and days without it. */
static void add_differences(const struct layout *layout, struct table *table, const struct timed_event *event)
{
    const char *level = layout_level(layout);
    const char *label = memory_format(table, "[%s CI]", level);
    for (size_t d = 0; d < event->day_count; d++) {
        struct result_key key = {.table = results_of(layout, "incidence", event),
                                 .row = day_row(layout, event->days[d])};
        layout_add_contrast_row(layout, table, &key, "Difference of those with the event, points of %",
                                &(struct line){"{%diff} [{%lo}, {%hi}]",
                                               memory_format(table, "Day %d %s", event->days[d], label), 0});
    }
    struct result_key key = {.table = results_of(layout, "RMST", event),
                             .row = memory_format(table, "tau=%d", event->horizon)};
    const char *group = memory_format(table, "Difference of mean days without the event until day %d", event->horizon);
    layout_add_contrast_row(layout, table, &key, group, &(struct line){"{diff} [{lo}, {hi}]", label, 0});
    layout_add_contrast_row(layout, table, &key, group, &(struct line){"{!p}", "p", 1});
}

static void add_comparison_table(struct layout *layout, const struct timed_event *event)
{
    struct table *table =
        layout_add_table(layout, memory_format(layout->document, "t15-comparison-%s", event->id),
                         memory_format(layout->document, "Time to event, cohorts compared: %s", event->title));
    table_set_estimand(table, &(struct estimand){
                                  .population = studied_in_words(layout, event),
                                  .treatment = "cohorts as allocated",
                                  .variable = memory_format(table, "time from treatment: %s", event->title),
                                  .summary = "hazard ratio, difference of proportions, difference of restricted means",
                              });
    if (event->death_competes)
        table_add_intercurrent(table, "death before the event",
                               "hypothetical in Kaplan-Meier, log-rank and Cox (as if censored); while alive in "
                               "differences of proportions");
    add_derivation(layout, table, event);
    layout_add_association_fact(layout, table);
    table_add_fact(table, "Reading", "hazard ratio above 1: the first cohort has the event sooner, which is %s",
                   event->favourable ? "hoped for" : "not hoped for");
    add_overall_test(layout, table, results_of(layout, "KM", event), "log-rank", "Log-rank");
    add_overall_test(layout, table, results_of(layout, "incidence", event), "Gray", "Gray");
    if (plan_of(layout)->stratum_count > 0)
        table_add_fact(table, "Strata", "%s", layout_strata_names(layout));
    table_add_fact(table, "Methods",
                   "Cox: proportional hazards, all cohorts in one model, ties by Efron (Breslow's are in results.csv); "
                   "differences of proportions and of restricted means with normal limits");
    table->group_title = "Comparison";
    table->label_title = "Statistic";
    layout_add_contrast_columns(layout, table);
    add_tests(layout, table, event);
    add_ratios(layout, table, event);
    add_differences(layout, table, event);
}

/* -- figure ---------------------------------------------------------------------------------------------- */

static double last_day(const struct timed_event *event)
{
    int last = event->horizon;
    if (event->day_count > 0 && event->days[event->day_count - 1] > last)
        last = event->days[event->day_count - 1];
    return last;
}

/* Events that one hopes for rise, the others fall. */
static struct figure_step step_of(const struct survival_step *step, bool rises)
{
    if (rises)
        return (struct figure_step){step->day, 100 * (1 - step->estimate), 100 * (1 - step->hi), 100 * (1 - step->lo)};
    return (struct figure_step){step->day, 100 * step->estimate, 100 * step->lo, 100 * step->hi};
}

static struct figure_curve curve_of(const struct figure *figure, const struct survival_curve *curve,
                                    const struct timed_event *event)
{
    double until = last_day(event);
    size_t thin_count = 0;
    struct survival_step *thin = stat_survival_thin(figure, curve, least_step, &thin_count);
    struct figure_step *steps = memory_new_array(figure, struct figure_step, thin_count + 1);
    double *marks = memory_new_array(figure, double, curve->step_count);
    struct figure_curve drawn = {.steps = steps, .marks = marks, .end = fmin(until, curve->last_day)};
    if (curve->n == 0)
        return drawn;
    steps[drawn.step_count++] =
        step_of(&(struct survival_step){.estimate = 1, .lo = (double)NAN, .hi = (double)NAN}, event->favourable);
    for (size_t i = 0; i < thin_count && thin[i].day <= until; i++)
        steps[drawn.step_count++] = step_of(&thin[i], event->favourable);
    for (size_t i = 0; curve->n <= MARKED_MOST && i < curve->step_count && curve->steps[i].day <= until; i++) {
        if (curve->steps[i].censored + curve->steps[i].competing > 0)
            marks[drawn.mark_count++] = curve->steps[i].day;
    }
    return drawn;
}

static void add_curves(const struct layout *layout, struct figure *figure, const struct timed_event *event)
{
    struct figure_curves *drawn = &figure->as.curves;
    const struct dataset *dataset = layout->dataset;
    void *scratch = memory_owner(NULL, "figure of times");
    struct event_sample sample = event_sample_of(scratch, dataset, event_times_of(scratch, dataset, event));
    const struct survival_table *table = stat_survival_table(scratch, &sample.data);
    double level = dataset->catalogue->protocol->level;
    struct figure_curve *curves = memory_new_array(figure, struct figure_curve, dataset->cohort_count);
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        curves[c] = curve_of(figure, stat_survival_curve(scratch, table, c, level), event);
        curves[c].title = dataset->cohorts[c];
        double *at_risk = memory_new_array(figure, double, drawn->tick_count);
        at_risk[0] = layout_value(layout, results_of(layout, "KM", event), "quartiles", dataset->cohorts[c], "n");
        for (size_t d = 0; d < event->day_count; d++)
            at_risk[d + 1] = layout_value(layout, results_of(layout, "KM", event), day_row(layout, event->days[d]),
                                          dataset->cohorts[c], "n_risk");
        curves[c].at_risk = at_risk;
    }
    drawn->curves = curves;
    drawn->curve_count = dataset->cohort_count;
    talloc_free(scratch);
}

/* Day 0, where the curves begin, and the days of the plan. */
static void add_ticks(struct figure *figure, const struct timed_event *event)
{
    struct figure_curves *curves = &figure->as.curves;
    double *ticks = memory_new_array(figure, double, event->day_count + 1);
    const char **titles = memory_new_array(figure, const char *, event->day_count + 1);
    titles[0] = "0";
    for (size_t d = 0; d < event->day_count; d++) {
        ticks[d + 1] = event->days[d];
        titles[d + 1] = memory_format(figure, "%d", event->days[d]);
    }
    curves->ticks = ticks;
    curves->tick_titles = titles;
    curves->tick_count = event->day_count + 1;
}

static void add_figure_data(const struct layout *layout, struct figure *figure, const struct timed_event *event)
{
    struct table *table = figure->data;
    const struct dataset *dataset = layout->dataset;
    const char *results = results_of(layout, event->favourable ? "incidence" : "KM", event);
    table->label_title = memory_format(table, "%s the event, %% [%s CI]", event->favourable ? "With" : "Without",
                                       layout_level(layout));
    for (size_t d = 0; d < event->day_count; d++)
        table_add_column(table, memory_format(table, "Day %d", event->days[d]), "", CELL_NUMBER);
    for (size_t c = 0; c < dataset->cohort_count; c++) {
        struct table_row *row = table_add_row(table, "", dataset->cohorts[c], 0);
        for (size_t d = 0; d < event->day_count; d++)
            layout_set_results(
                layout, table, row, d,
                &(struct result_key){results, day_row(layout, event->days[d]), dataset->cohorts[c], 0},
                event->favourable ? "{%inc} [{%lo}, {%hi}]" : "{%surv} [{%lo}, {%hi}]");
    }
}

static void add_figure(struct layout *layout, const struct timed_event *event)
{
    struct figure *figure = layout_add_figure(layout, memory_format(layout->document, "f4-%s", event->id),
                                              memory_format(layout->document, "Kaplan-Meier curves: %s", event->title));
    struct figure_curves *curves = &figure->as.curves;
    figure->kind = FIGURE_CURVES;
    curves->x_title = "Study day";
    curves->y_title = event->favourable ? "With the event, %" : "Without the event, %";
    curves->x_to = last_day(event);
    curves->y_to = 100;
    add_ticks(figure, event);
    add_curves(layout, figure, event);
    add_figure_data(layout, figure, event);
    figure->description = memory_format(
        figure,
        "Step curves of the part of treated subjects %s the event, one for each of %zu columns, with numbers at risk "
        "below. Curves %s with each event.",
        event->favourable ? "with" : "without", curves->curve_count, event->favourable ? "rise" : "fall");
}

/* -- chapter --------------------------------------------------------------------------------------------- */

static bool is_refused(const struct layout *layout, const struct timed_event *event)
{
    return results_find(layout->results, results_of(layout, "KM", event), "derivation", "overall", "partial_dates")
           == NULL;
}

void layout_events(struct layout *layout)
{
    const struct analysis_plan *plan = plan_of(layout);
    layout_begin_chapter(layout, (int)layout->document->chapter_count + 1, "events", "Time to events");
    if (plan->event_count == 0)
        layout_add_paragraph(layout, "The protocol names no events whose time is analysed.");
    else
        layout_explain_no_contrasts(layout);
    for (size_t i = 0; i < plan->event_count; i++) {
        const struct timed_event *event = &plan->events[i];
        if (is_refused(layout, event)) {
            layout_add_paragraph(layout, "%s: not shown, it would name an arm of a masked study.", event->title);
            continue;
        }
        add_curve_table(layout, event);
        add_figure(layout, event);
        if (layout_has_contrasts(layout))
            add_comparison_table(layout, event);
    }
}
