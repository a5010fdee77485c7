/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/protocol.h"

#include <math.h>
#include <string.h>

#include "forms/json_write.h"

const struct visit *protocol_find_visit(const struct protocol *protocol, const char *id)
{
    for (size_t i = 0; i < protocol->visit_count; i++)
        if (strcmp(protocol->visits[i].id, id) == 0)
            return &protocol->visits[i];
    return NULL;
}

int protocol_find_cohort(const struct protocol *protocol, const char *id)
{
    for (size_t i = 0; i < protocol->cohort_count; i++)
        if (strcmp(protocol->cohorts[i].id, id) == 0)
            return (int)i;
    return -1;
}

int protocol_find_endpoint(const struct protocol *protocol, const char *id)
{
    for (size_t i = 0; i < protocol->endpoint_count; i++)
        if (strcmp(protocol->endpoints[i].id, id) == 0)
            return (int)i;
    return -1;
}

static bool is_among(const char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i], text) == 0)
            return true;
    return false;
}

bool protocol_form_is_due(const struct visit *visit, const char *form)
{
    return is_among(visit->forms, visit->form_count, form);
}

bool protocol_form_is_any_time(const struct protocol *protocol, const char *form)
{
    return is_among(protocol->any_time, protocol->any_time_count, form);
}

/* Opens an object of a list, with the comma that it needs. */
static void open_element(struct text *out, size_t index)
{
    text_append(out, index > 0 ? ",{" : "{");
}

static void cohorts_to_json(struct text *out, const struct protocol *protocol)
{
    static const char *const kinds[] = {"active", "control", "placebo"};
    json_key(out, "cohorts");
    text_append(out, "[");
    for (size_t i = 0; i < protocol->cohort_count; i++) {
        const struct cohort *cohort = &protocol->cohorts[i];
        open_element(out, i);
        json_text(out, "id", cohort->id);
        json_text(out, "title", cohort->title);
        json_text(out, "kind", kinds[cohort->kind]);
        text_append(out, "}");
    }
    text_append(out, "]");
}

/* An open end is null. */
static void window_to_json(struct text *out, const char *key, const int window[2])
{
    json_key(out, key);
    text_append(out, "[");
    for (size_t i = 0; i < 2; i++) {
        text_append(out, i > 0 ? "," : "");
        if (window[i] == WINDOW_OPEN_START || window[i] == WINDOW_OPEN_END)
            text_append(out, "null");
        else
            text_append_format(out, "%d", window[i]);
    }
    text_append(out, "]");
}

static void visits_to_json(struct text *out, const struct protocol *protocol)
{
    json_key(out, "visits");
    text_append(out, "[");
    for (size_t i = 0; i < protocol->visit_count; i++) {
        const struct visit *visit = &protocol->visits[i];
        open_element(out, i);
        json_text(out, "id", visit->id);
        json_text(out, "title", visit->title);
        json_number(out, "target", visit->target);
        window_to_json(out, "due", visit->due);
        window_to_json(out, "analysis", visit->analysis);
        json_boolean(out, "baseline", visit->baseline);
        json_texts(out, "forms", visit->forms, visit->form_count);
        text_append(out, "}");
    }
    text_append(out, "]");
}

static void endpoints_to_json(struct text *out, const struct protocol *protocol)
{
    json_key(out, "endpoints");
    text_append(out, "[");
    for (size_t i = 0; i < protocol->endpoint_count; i++) {
        const struct endpoint *endpoint = &protocol->endpoints[i];
        open_element(out, i);
        json_text(out, "id", endpoint->id);
        json_text(out, "title", endpoint->title);
        json_key(out, "score");
        text_append_format(out, "\"%s.%s\"", endpoint->form, endpoint->score);
        json_number(out, "mcid", endpoint->mcid);
        json_text(out, "source", endpoint->source);
        text_append(out, "}");
    }
    text_append(out, "]");
}

static void responders_to_json(struct text *out, const struct protocol *protocol)
{
    static const char *const threshold_keys[] = {NULL, "improved_by", "improved_percent", "state"};
    static const char *const domains[] = {"pain", "function", "global"};
    json_key(out, "responders");
    text_append(out, "[");
    for (size_t i = 0; i < protocol->responder_count; i++) {
        const struct responder *responder = &protocol->responders[i];
        bool oarsi = responder->kind == RESPONDER_OMERACT_OARSI;
        open_element(out, i);
        json_text(out, "id", responder->id);
        json_text(out, "title", responder->title);
        json_text(out, "rule", oarsi ? "omeract_oarsi" : NULL);
        for (size_t j = 0; j < (oarsi ? 3 : 1); j++)
            if (responder->endpoints[j] >= 0)
                json_text(out, oarsi ? domains[j] : "endpoint",
                          protocol->endpoints[responder->endpoints[j]].id);
        if (!oarsi)
            json_number(out, threshold_keys[responder->kind], responder->threshold);
        json_text(out, "source", responder->source);
        text_append(out, "}");
    }
    text_append(out, "]");
}

static void analysis_to_json(struct text *out, const struct protocol *protocol)
{
    json_key(out, "analysis");
    text_append(out, "{");
    json_text(out, "reference", protocol->reference);
    json_number(out, "level", protocol->level);
    json_text(out, "lsmeans", protocol->lsmeans_equal ? "equal" : "observed");
    json_text(out, "df", protocol->df);
    json_texts(out, "covariates", protocol->covariates, protocol->covariate_count);
    json_texts(out, "strata", protocol->strata, protocol->stratum_count);
    if (protocol->primary_endpoint != NULL && protocol->primary_visit != NULL) {
        json_key(out, "primary");
        text_append(out, "{");
        json_text(out, "endpoint", protocol->primary_endpoint);
        json_text(out, "visit", protocol->primary_visit);
        text_append(out, "}");
    }
    if (protocol->completeness_endpoint >= 0)
        json_text(out, "completeness", protocol->endpoints[protocol->completeness_endpoint].id);
    if (protocol->index_knee_pain >= 0)
        json_text(out, "index_knee_pain", protocol->endpoints[protocol->index_knee_pain].id);
    json_key(out, "baseline");
    text_append(out, "[");
    for (size_t i = 0; i < protocol->baseline_count; i++)
        text_append_format(out, "%s\"%s.%s\"", i > 0 ? "," : "", protocol->baseline[i].form,
                           protocol->baseline[i].item);
    text_append(out, "]");
    analysis_plan_to_json(out, protocol);
    text_append(out, "}");
}

const char *protocol_index_knee_text(const struct protocol *protocol)
{
    if (protocol->index_knee_rule == INDEX_KNEE_AS_ENROLLED)
        return "the knee named at enrolment";
    return "the knee treated first; of two treated on the same day the one with the worse baseline pain, then "
           "the right; the knee named at enrolment until one is treated";
}

void protocol_to_json(struct text *out, const struct protocol *protocol)
{
    text_append(out, "{");
    json_text(out, "id", protocol->id);
    json_number(out, "version", protocol->version);
    json_text(out, "title", protocol->title);
    json_text(out, "masking", protocol->masking == MASKING_DOUBLE ? "double" : "none");
    json_boolean(out, "randomised", protocol->randomised);
    json_text(out, "allocation", protocol->allocation == ALLOCATE_KNEE ? "knee" : "subject");
    json_text(out, "index_knee_rule",
              protocol->index_knee_rule == INDEX_KNEE_AS_ENROLLED ? "as_enrolled" : "first_treated");
    cohorts_to_json(out, protocol);
    visits_to_json(out, protocol);
    json_texts(out, "any_time", protocol->any_time, protocol->any_time_count);
    endpoints_to_json(out, protocol);
    responders_to_json(out, protocol);
    analysis_to_json(out, protocol);
    text_append(out, "}");
}
