/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>

#include "forms/codebook.h"
#include "forms/codebook_table.h"

static const char style[] =
    "body{font:15px/1.45 system-ui,sans-serif;color:#1b1b1b;background:#fff;max-width:76rem;margin:2rem auto;"
    "padding:0 1rem}\n"
    "h1{font-size:1.7rem}h2{margin-top:2.5rem;border-top:3px solid #1f4e79;padding-top:.6rem}\n"
    "h3{margin:1.4rem 0 .4rem}table{border-collapse:collapse;width:100%;margin:.4rem 0 1rem}\n"
    "caption{text-align:left;font-weight:600;padding:.3rem 0}\n"
    "th,td{border:1px solid #b9c2cc;padding:.25rem .45rem;text-align:left;vertical-align:top}\n"
    "thead th{background:#eaf0f6}code{font:.92em ui-monospace,monospace}\n"
    "nav ul{columns:2;list-style:none;padding:0}.note{color:#444}.scroll{overflow-x:auto}\n"
    "@media print{body{margin:0;max-width:none;font-size:10px}h2{break-before:page}tr{break-inside:avoid}\n"
    "nav{display:none}"
    "a{color:inherit;text-decoration:none}.scroll{overflow:visible}}\n";

static void put_window(struct text *out, const int window[2])
{
    bool from = window[0] != WINDOW_OPEN_START, to = window[1] != WINDOW_OPEN_END;
    if (from && to)
        text_append_format(out, "<td>%d to %d</td>", window[0], window[1]);
    else if (to)
        text_append_format(out, "<td>up to %d</td>", window[1]);
    else if (from)
        text_append_format(out, "<td>from %d</td>", window[0]);
    else
        text_append(out, "<td>any day</td>");
}

static void put_names(struct text *out, const char *const *names, size_t count)
{
    text_append(out, "<td>");
    for (size_t i = 0; i < count; i++) {
        text_append_format(out, "%s<a href=\"#", i > 0 ? ", " : "");
        text_append_html(out, names[i]);
        text_append(out, "\">");
        text_append_html(out, names[i]);
        text_append(out, "</a>");
    }
    text_append(out, "</td>");
}

static void write_visits(struct text *out, const struct protocol *protocol)
{
    static const char *const names[] = {"Visit",           "Title", "Target day", "Due",
                                        "Analysis window", "Forms", NULL};
    codebook_open_table(out, "Visits (study days; the day of treatment is 1, there is no day 0)", names);
    for (size_t i = 0; i < protocol->visit_count; i++) {
        const struct visit *visit = &protocol->visits[i];
        codebook_open_row(out, visit->id);
        codebook_put(out, "td", visit->title);
        text_append_format(out, "<td>%d</td>", visit->target);
        put_window(out, visit->due);
        put_window(out, visit->analysis);
        put_names(out, visit->forms, visit->form_count);
        text_append(out, "</tr>\n");
    }
    text_append(out, "<tr><th scope=\"row\">at any time</th><td></td><td></td><td></td><td></td>");
    put_names(out, protocol->any_time, protocol->any_time_count);
    text_append(out, "</tr>\n");
    codebook_close_table(out);
}

static void write_cohorts(struct text *out, const struct protocol *protocol)
{
    static const char *const names[] = {"Cohort", "Title", "Kind", NULL};
    static const char *const kinds[] = {"active", "control", "placebo"};
    codebook_open_table(out, "Cohorts", names);
    for (size_t i = 0; i < protocol->cohort_count; i++) {
        codebook_open_row(out, protocol->cohorts[i].id);
        codebook_put(out, "td", protocol->cohorts[i].title);
        codebook_put(out, "td", kinds[protocol->cohorts[i].kind]);
        text_append(out, "</tr>\n");
    }
    codebook_close_table(out);
}

static void write_endpoints(struct text *out, const struct catalogue *catalogue)
{
    static const char *const names[] = {
        "Endpoint", "Title", "Score", "Range", "Direction", "Minimal important change", "Source", NULL};
    const struct protocol *protocol = catalogue->protocol;
    if (protocol->endpoint_count == 0)
        return;
    codebook_open_table(out, "Endpoints", names);
    for (size_t i = 0; i < protocol->endpoint_count; i++) {
        const struct endpoint *endpoint = &protocol->endpoints[i];
        const struct score *score = catalogue_endpoint_score(catalogue, endpoint);
        codebook_open_row(out, endpoint->id);
        codebook_put(out, "td", endpoint->title != NULL ? endpoint->title : score->title);
        text_append_format(out, "<td><code>%s.%s</code></td><td>%.10g to %.10g</td><td>%s</td><td>",
                           endpoint->form, endpoint->score, score->range[0], score->range[1],
                           score->direction == SCORE_HIGHER_BETTER ? "higher is better" : "higher is worse");
        if (!isnan(endpoint->mcid))
            text_append_format(out, "%.10g", endpoint->mcid);
        text_append(out, "</td>");
        codebook_put(out, "td", endpoint->source);
        text_append(out, "</tr>\n");
    }
    codebook_close_table(out);
}

static void describe_responder(struct text *out, const struct protocol *protocol,
                               const struct responder *responder)
{
    const char *endpoint = protocol->endpoints[responder->endpoints[0]].id;
    text_append(out, "<td>");
    switch (responder->kind) {
    case RESPONDER_OMERACT_OARSI:
        text_append_format(out, "OMERACT-OARSI: pain <code>%s</code>, function <code>%s</code>, global ",
                           endpoint, protocol->endpoints[responder->endpoints[1]].id);
        if (responder->endpoints[2] >= 0)
            text_append_format(out, "<code>%s</code>", protocol->endpoints[responder->endpoints[2]].id);
        else
            text_append(out, "not collected");
        break;
    case RESPONDER_IMPROVED_BY:
        text_append_format(out, "<code>%s</code> improved by at least %.10g points", endpoint,
                           responder->threshold);
        break;
    case RESPONDER_IMPROVED_PERCENT:
        text_append_format(out, "<code>%s</code> improved by at least %.10g %% of baseline", endpoint,
                           responder->threshold);
        break;
    case RESPONDER_STATE:
        text_append_format(out, "<code>%s</code> at least as good as %.10g", endpoint, responder->threshold);
        break;
    }
    text_append(out, "</td>");
}

static void write_responders(struct text *out, const struct protocol *protocol)
{
    static const char *const names[] = {"Responder", "Title", "Rule", "Source", NULL};
    if (protocol->responder_count == 0)
        return;
    codebook_open_table(out, "Responder rules", names);
    for (size_t i = 0; i < protocol->responder_count; i++) {
        const struct responder *responder = &protocol->responders[i];
        codebook_open_row(out, responder->id);
        codebook_put(out, "td", responder->title);
        describe_responder(out, protocol, responder);
        codebook_put(out, "td", responder->source);
        text_append(out, "</tr>\n");
    }
    codebook_close_table(out);
}

static void put_range(struct text *out, double least, double most)
{
    text_append(out, "<td>");
    if (!isnan(least) || !isnan(most)) {
        if (!isnan(least))
            text_append_format(out, "%.10g", least);
        text_append(out, isnan(least) ? "to " : isnan(most) ? " and more" : " to ");
        if (!isnan(most))
            text_append_format(out, "%.10g", most);
    }
    text_append(out, "</td>");
}

static void put_type(struct text *out, const struct item *item)
{
    text_append(out, "<td>");
    text_append(out, item->type == ITEM_PARTIAL_DATE ? "date, may be partial" : item_type_name(item->type));
    if (item->type == ITEM_DECIMAL)
        text_append_format(out, ", %d digits after the point", item->decimals);
    if (item->type == ITEM_TEXT)
        text_append_format(out, ", up to %d characters", item->max_length);
    for (size_t i = 0; i < item->choice_count; i++) {
        text_append(out, "<br><code>");
        text_append_html(out, item->choices[i].code);
        text_append(out, "</code> ");
        text_append_html(out, item->choices[i].label);
    }
    text_append(out, "</td>");
}

static void put_asked(struct text *out, const struct item *item)
{
    text_append(out, item->must_be_answered ? "<td>required, a reason is not enough"
                     : item->required       ? "<td>required"
                                            : "<td>optional");
    if (item->show != NULL) {
        text_append(out, ", when <code>");
        text_append_html(out, expression_source(item->show));
        text_append(out, "</code>");
    }
    text_append(out, item->reveals_arm ? "; names the arm</td>" : "</td>");
}

static void write_section(struct text *out, const struct form *form, const struct section *section)
{
    static const char *const names[] = {"Item",     "Code",  "Text",  "Type", "Unit",
                                        "Possible", "Usual", "Asked", NULL};
    codebook_open_table(out, section->title, names);
    for (size_t i = 0; i < section->item_count; i++) {
        const struct item *item = &form->items[section->first_item + i];
        codebook_open_row(out, item->id);
        codebook_put(out, "td", item->code);
        codebook_put(out, "td", item->text);
        put_type(out, item);
        codebook_put(out, "td", item->unit);
        put_range(out, item->min, item->max);
        put_range(out, item->warn_min, item->warn_max);
        put_asked(out, item);
        text_append(out, "</tr>\n");
    }
    codebook_close_table(out);
}

static void write_rules(struct text *out, const struct form *form)
{
    static const char *const names[] = {"Rule", "Item", "Must hold", "Message", "Kind", NULL};
    if (form->rule_count == 0)
        return;
    codebook_open_table(out, "Rules", names);
    for (size_t i = 0; i < form->rule_count; i++) {
        const struct rule *rule = &form->rules[i];
        codebook_open_row(out, rule->id);
        codebook_put(out, "td", rule->item);
        text_append(out, "<td><code>");
        text_append_html(out, expression_source(rule->check));
        text_append(out, "</code></td>");
        codebook_put(out, "td", rule->text);
        codebook_put(out, "td", rule->soft ? "to be confirmed with a reason" : "refused");
        text_append(out, "</tr>\n");
    }
    codebook_close_table(out);
}

static void put_computation(struct text *out, const struct form *form, const struct score *score)
{
    text_append_format(out, "<td>%s of ", score->method == SCORE_MEAN ? "mean" : "sum");
    for (size_t i = 0; i < score->part_count; i++)
        text_append_format(out, "%s<code>%s</code>", i > 0 ? ", " : "",
                           score->of_scores ? form->scores[score->parts[i]].id
                                            : form->items[score->parts[i]].id);
    if (score->rescaled)
        text_append_format(out, "; %.10g to %.10g becomes %.10g to %.10g", score->from[0], score->from[1],
                           score->to[0], score->to[1]);
    text_append_format(out, "</td><td>at least %zu of %zu%s</td>", score->min_answered, score->part_count,
                       score->missing == SCORE_MISSING_PERSON_MEAN ? "; the person's mean for the others"
                                                                   : "");
}

static void write_scores(struct text *out, const struct form *form)
{
    static const char *const names[] = {"Score", "Title",     "Computed as", "Answered",
                                        "Range", "Direction", "Source",      NULL};
    if (form->score_count == 0)
        return;
    codebook_open_table(out, "Scores", names);
    for (size_t i = 0; i < form->score_count; i++) {
        const struct score *score = &form->scores[i];
        codebook_open_row(out, score->id);
        codebook_put(out, "td", score->title);
        put_computation(out, form, score);
        put_range(out, score->range[0], score->range[1]);
        codebook_put(out, "td",
                     score->direction == SCORE_HIGHER_BETTER ? "higher is better" : "higher is worse");
        text_append(out, "<td>");
        text_append_html(out, score->source != NULL ? score->source : form->source);
        text_append(out, score->derived ? "; derived, never pooled with collected values" : "");
        if (score->note != NULL) {
            text_append(out, "<br>");
            text_append_html(out, score->note);
        }
        text_append(out, "</td></tr>\n");
    }
    codebook_close_table(out);
}

static void write_form(struct text *out, const struct form *form)
{
    static const char *const abouts[] = {"the subject", "one knee", "the subject or one knee"};
    text_append_format(out, "<section id=\"%s\">", form->id);
    codebook_put(out, "h2", form->title);
    text_append_format(out, "<p class=\"note\"><code>%s</code> version %d, about %s", form->id, form->version,
                       abouts[form->about]);
    text_append(out, form->repeats ? ", may repeat" : "");
    if (form->recall != NULL) {
        text_append(out, ", recall ");
        text_append_html(out, form->recall);
    }
    text_append(out, ". Source: ");
    text_append_html(out, form->source);
    text_append(out, "</p>\n");
    for (size_t i = 0; i < form->section_count; i++)
        write_section(out, form, &form->sections[i]);
    write_rules(out, form);
    write_scores(out, form);
    text_append(out, "</section>\n");
}

void codebook_write_html(struct text *out, const struct catalogue *catalogue)
{
    const struct protocol *protocol = catalogue->protocol;
    size_t count = 0;
    const struct form **forms = codebook_forms(out, catalogue, &count);
    text_append(
        out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Codebook: ");
    text_append_html(out, protocol->title);
    text_append_format(out, "</title>\n<style>\n%s</style></head><body>\n<main>", style);
    codebook_put(out, "h1", protocol->title);
    text_append_format(out, "<p class=\"note\">Codebook of protocol <code>%s</code> version %d. Index knee: ",
                       protocol->id, protocol->version);
    text_append_html(out, protocol_index_knee_text(protocol));
    text_append(out, ".</p>\n<nav aria-label=\"Forms\"><ul>\n");
    for (size_t i = 0; i < count; i++) {
        text_append_format(out, "<li><a href=\"#%s\">", forms[i]->id);
        text_append_html(out, forms[i]->title);
        text_append(out, "</a></li>\n");
    }
    text_append(out, "</ul></nav>\n");
    write_visits(out, protocol);
    write_cohorts(out, protocol);
    write_endpoints(out, catalogue);
    write_responders(out, protocol);
    codebook_write_plan(out, catalogue);
    for (size_t i = 0; i < count; i++)
        write_form(out, forms[i]);
    text_append(out, "</main></body></html>\n");
}
