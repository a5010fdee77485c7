/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "forms/codebook_table.h"

/* -- methods: one row for each key of the protocol ------------------------------------------------------- */

static void open_method(struct text *out, const char *key)
{
    codebook_open_row(out, key);
    text_append(out, "<td>");
}

static void close_method(struct text *out)
{
    text_append(out, "</td></tr>\n");
}

static void put_endpoints(struct text *out, const struct protocol *protocol, const int *endpoints,
                          size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_append_format(out, "%s<code>%s</code>", i > 0 ? ", " : "", protocol->endpoints[endpoints[i]].id);
}

static void put_contrast(struct text *out, const struct protocol *protocol, int contrast)
{
    const struct cohort_contrast *pair = &protocol->plan.contrasts[contrast];
    text_append_format(out, "%s against %s", protocol->cohorts[pair->cohort].id,
                       protocol->cohorts[pair->against].id);
}

static void put_terms(struct text *out, const struct model_term *terms, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        text_append(out, i > 0 ? ", <code>" : "<code>");
        if (terms[i].kind == TERM_ITEM)
            text_append_format(out, "%s.%s", terms[i].item.form, terms[i].item.item);
        else
            text_append(out, terms[i].kind == TERM_BASE ? "base" : "site");
        text_append(out, "</code>");
    }
    text_append(out, count == 0 ? "none" : "");
}

static void put_days(struct text *out, const int *days, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_append_format(out, "%s%d", i > 0 ? ", " : "", days[i]);
}

static void write_models(struct text *out, const struct protocol *protocol)
{
    const struct analysis_plan *plan = &protocol->plan;
    open_method(out, "compare");
    for (size_t i = 0; i < plan->contrast_count; i++) {
        text_append(out, i > 0 ? "<br>" : "");
        put_contrast(out, protocol, (int)i);
    }
    text_append(out, plan->contrast_count == 0 ? "nothing: no reference cohort" : "");
    close_method(out);
    open_method(out, "models");
    put_endpoints(out, protocol, plan->models, plan->model_count);
    close_method(out);
    open_method(out, "covariates");
    put_terms(out, plan->covariates, plan->covariate_count);
    close_method(out);
    open_method(out, "strata");
    put_terms(out, plan->strata, plan->stratum_count);
    close_method(out);
    if (protocol->randomised)
        return;
    open_method(out, "adjustment");
    put_terms(out, plan->adjustment, plan->adjustment_count);
    close_method(out);
}

static void write_multiplicity(struct text *out, const struct protocol *protocol)
{
    const struct multiplicity_plan *multiplicity = &protocol->plan.multiplicity;
    if (multiplicity->hypothesis_count == 0)
        return;
    open_method(out, "multiplicity");
    text_append(out, multiplicity->method == MULTIPLICITY_HOLM ? "Holm"
                                                               : "in this order, to the first not rejected");
    for (size_t i = 0; i < multiplicity->hypothesis_count; i++) {
        const struct planned_hypothesis *hypothesis = &multiplicity->hypotheses[i];
        text_append_format(out, "<br><code>%s</code> at %s: ", protocol->endpoints[hypothesis->endpoint].id,
                           protocol->visits[hypothesis->visit].id);
        put_contrast(out, protocol, hypothesis->contrast);
    }
    close_method(out);
}

static void write_sensitivity(struct text *out, const struct protocol *protocol)
{
    const struct sensitivity_plan *sensitivity = &protocol->plan.sensitivity;
    if (sensitivity->endpoint_count == 0)
        return;
    open_method(out, "sensitivity");
    put_endpoints(out, protocol, sensitivity->endpoints, sensitivity->endpoint_count);
    for (size_t i = 0; imputation_words[i] != NULL; i++)
        if (sensitivity->methods & (1U << i))
            text_append_format(out, ", %s", imputation_words[i]);
    text_append(out, sensitivity->tipping ? ", tipping point" : "");
    close_method(out);
}

static void write_special(struct text *out, const struct protocol *protocol)
{
    const struct analysis_plan *plan = &protocol->plan;
    const struct contralateral_plan *contralateral = &plan->contralateral;
    open_method(out, "safety");
    text_append(out, "periods after an injection end on day ");
    put_days(out, plan->safety_periods, plan->safety_period_count);
    close_method(out);
    if (contralateral->endpoint_count > 0) {
        open_method(out, "contralateral");
        put_endpoints(out, protocol, contralateral->endpoints, contralateral->endpoint_count);
        if (!isnan(contralateral->at_least))
            text_append_format(out, ", %.10g or worse at baseline", contralateral->at_least);
        close_method(out);
    }
    if (plan->imaging_count > 0)
        open_method(out, "imaging");
    for (size_t i = 0; i < plan->imaging_count; i++)
        text_append_format(out, "%s<code>%s</code> (%s)", i > 0 ? ", " : "",
                           protocol->endpoints[plan->imaging[i].endpoint].id,
                           imaging_scale_words[plan->imaging[i].scale]);
    if (plan->imaging_count > 0)
        close_method(out);
    if (!plan->cost.analysed)
        return;
    open_method(out, "cost");
    text_append_format(out, "<code>%s.%s</code> in <code>%s.%s</code>", plan->cost.amount.form,
                       plan->cost.amount.item, plan->cost.currency.form, plan->cost.currency.item);
    close_method(out);
}

static void write_methods(struct text *out, const struct protocol *protocol)
{
    static const char *const names[] = {"Key", "Analysis", NULL};
    codebook_open_table(out, "Analysis", names);
    write_models(out, protocol);
    write_multiplicity(out, protocol);
    write_sensitivity(out, protocol);
    write_special(out, protocol);
    codebook_close_table(out);
}

/* -- lists ----------------------------------------------------------------------------------------------- */

static void put_level(struct text *out, const struct subgroup_level *level)
{
    text_append_html(out, level->title);
    text_append(out, level->code_count > 0 ? ":" : "");
    for (size_t i = 0; i < level->code_count; i++) {
        text_append(out, i > 0 ? ", <code>" : " <code>");
        text_append_html(out, level->codes[i]);
        text_append(out, "</code>");
    }
}

static void write_subgroups(struct text *out, const struct catalogue *catalogue)
{
    static const char *const names[] = {"Subgroup", "Title", "Item", "Groups", "Left out", NULL};
    const struct analysis_plan *plan = &catalogue->protocol->plan;
    if (plan->subgroup_count == 0)
        return;
    codebook_open_table(out, "Subgroups", names);
    for (size_t i = 0; i < plan->subgroup_count; i++) {
        const struct subgroup *subgroup = &plan->subgroups[i];
        size_t count = 0;
        const struct subgroup_level *levels = catalogue_subgroup_levels(out, catalogue, subgroup, &count);
        codebook_open_row(out, subgroup->id);
        codebook_put(out, "td", catalogue_subgroup_title(catalogue, subgroup));
        text_append_format(out, "<td><code>%s.%s</code></td><td>", subgroup->item.form, subgroup->item.item);
        for (size_t j = 0; j < count; j++) {
            text_append(out, j > 0 ? "<br>" : "");
            put_level(out, &levels[j]);
        }
        text_append(out, "</td><td>");
        for (size_t j = 0; j < subgroup->left_out_count; j++) {
            text_append(out, j > 0 ? ", <code>" : "<code>");
            text_append_html(out, subgroup->left_out[j]);
            text_append(out, "</code>");
        }
        text_append(out, "</td></tr>\n");
    }
    codebook_close_table(out);
}

static void write_events(struct text *out, const struct analysis_plan *plan)
{
    static const char *const names[] = {"Event", "Title",       "First record of", "When",
                                        "Date",  "Read on day", "Notes",           NULL};
    if (plan->event_count == 0)
        return;
    codebook_open_table(out, "Time to event", names);
    for (size_t i = 0; i < plan->event_count; i++) {
        const struct timed_event *event = &plan->events[i];
        codebook_open_row(out, event->id);
        codebook_put(out, "td", event->title);
        text_append_format(out, "<td><a href=\"#%s\">%s</a></td><td><code>", event->form, event->form);
        text_append_html(out, event->when != NULL ? event->when : "");
        text_append_format(out, "</code></td><td>%s</td><td>",
                           event->date != NULL ? event->date : "of the record");
        put_days(out, event->days, event->day_count);
        text_append_format(out, "; means to %d</td><td>%s knee%s%s", event->horizon,
                           event->knee == EVENT_INDEX_KNEE ? "index" : "either",
                           event->death_competes ? "; death competes" : "",
                           event->favourable ? "; hoped for" : "");
        for (size_t k = 0; k < event->among_count; k++) {
            if (k == 0)
                text_append_format(out, "; among <code>%s.%s</code>: ", event->among.form, event->among.item);
            text_append(out, k > 0 ? ", " : "");
            text_append_html(out, event->among_codes[k]);
        }
        text_append(out, "</td></tr>\n");
    }
    codebook_close_table(out);
}

static void write_margins(struct text *out, const struct protocol *protocol)
{
    static const char *const names[] = {"Endpoint", "Margin", "Source", NULL};
    if (protocol->plan.margin_count == 0)
        return;
    codebook_open_table(out, "Margins of equivalence", names);
    for (size_t i = 0; i < protocol->plan.margin_count; i++) {
        const struct equivalence_margin *margin = &protocol->plan.margins[i];
        codebook_open_row(out, protocol->endpoints[margin->endpoint].id);
        text_append_format(out, "<td>%.10g</td>", margin->margin);
        codebook_put(out, "td", margin->source);
        text_append(out, "</tr>\n");
    }
    codebook_close_table(out);
}

static void write_estimands(struct text *out, const struct protocol *protocol)
{
    static const char *const names[] = {"Endpoint", "Population", "Intercurrent events", "Summary", NULL};
    static const char *const strategies[] = {"treatment policy", "hypothetical", "composite",
                                             "while on treatment", "principal stratum"};
    if (protocol->plan.estimand_count == 0)
        return;
    codebook_open_table(out, "Estimands (ICH E9(R1))", names);
    for (size_t i = 0; i < protocol->plan.estimand_count; i++) {
        const struct planned_estimand *estimand = &protocol->plan.estimands[i];
        codebook_open_row(out, protocol->endpoints[estimand->endpoint].id);
        codebook_put(out, "td", estimand->population);
        text_append(out, "<td>");
        for (size_t j = 0; j < estimand->intercurrent_count; j++) {
            text_append(out, j > 0 ? "<br>" : "");
            text_append_html(out, estimand->intercurrent[j].event);
            text_append_format(out, ": %s", strategies[estimand->intercurrent[j].strategy]);
        }
        text_append(out, "</td>");
        codebook_put(out, "td", estimand->summary);
        text_append(out, "</tr>\n");
    }
    codebook_close_table(out);
}

/* What is measured, of whom and when. */
static void put_measure(struct text *out, const struct protocol *protocol, const struct claim *claim)
{
    const struct analysis_plan *plan = &protocol->plan;
    text_append(out, claim_kind_words[claim->kind]);
    if (claim->responder >= 0)
        text_append_format(out, " <code>%s</code>", protocol->responders[claim->responder].id);
    if (claim->endpoint >= 0)
        text_append_format(out, " <code>%s</code>", protocol->endpoints[claim->endpoint].id);
    if (claim->event >= 0)
        text_append_format(out, " <code>%s</code> by day %d", plan->events[claim->event].id, claim->day);
    if (claim->special_interest != NULL) {
        text_append(out, " <code>");
        text_append_html(out, claim->special_interest);
        text_append(out, "</code>");
    }
    if (claim->subgroup >= 0)
        text_append_format(out, ", %s <code>%s</code>", claim->level != NULL ? "subgroup" : "subgroups",
                           plan->subgroups[claim->subgroup].id);
    if (claim->level != NULL) {
        text_append(out, ": ");
        text_append_html(out, claim->level);
    }
    if (claim->against != NULL) {
        text_append(out, " against ");
        text_append_html(out, claim->against);
    }
    if (claim->visit >= 0)
        text_append_format(out, " at %s", protocol->visits[claim->visit].id);
    if (claim->from >= 0)
        text_append_format(out, " and %s", protocol->visits[claim->from].id);
    if (claim->cohort >= 0)
        text_append_format(out, ", %s", protocol->cohorts[claim->cohort].id);
    if (claim->contrast >= 0) {
        text_append(out, ", ");
        put_contrast(out, protocol, claim->contrast);
    }
}

static void write_claims(struct text *out, const struct protocol *protocol)
{
    static const char *const names[] = {"Claim",  "In words", "Measure", "Value", "Refuted by an interval",
                                        "Source", NULL};
    if (protocol->plan.claim_count == 0)
        return;
    codebook_open_table(out, "Claims", names);
    for (size_t i = 0; i < protocol->plan.claim_count; i++) {
        const struct claim *claim = &protocol->plan.claims[i];
        codebook_open_row(out, claim->id);
        codebook_put(out, "td", claim->claim);
        text_append(out, "<td>");
        put_measure(out, protocol, claim);
        if (isnan(claim->value))
            text_append(out, "</td><td></td><td></td>");
        else
            text_append_format(out, "</td><td>%.10g</td><td>%s it</td>", claim->value,
                               claim_refuted_words[claim->refuted]);
        codebook_put(out, "td", claim->source);
        text_append(out, "</tr>\n");
    }
    codebook_close_table(out);
}

void codebook_write_plan(struct text *out, const struct catalogue *catalogue)
{
    const struct protocol *protocol = catalogue->protocol;
    write_methods(out, protocol);
    write_subgroups(out, catalogue);
    write_events(out, &protocol->plan);
    write_margins(out, protocol);
    write_estimands(out, protocol);
    write_claims(out, protocol);
}
