/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a protocol, together with the shipped forms: refused with a line, or a protocol that can be written as
 * JSON and whose visits, cohorts and endpoints are found; and, where the catalogue has no fault, has a codebook.
 */
#define FUZZ_TARGET fuzz_protocol
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/codebook.h"
#include "forms/faults.h"

static const struct form *const *shipped_forms(size_t *count)
{
    static const struct form **forms;
    static size_t form_count;
    if (forms == NULL) {
        const void *owner = memory_owner(NULL, "shipped forms");
        struct faults faults = faults_begin(owner);
        forms = catalogue_load_forms(owner, "forms/instruments", &form_count, &faults);
        FUZZ_REQUIRE(form_count > 0 && faults.count == 0);
    }
    *count = form_count;
    return forms;
}

static void require_ids(const struct protocol *protocol)
{
    for (size_t i = 0; i < protocol->visit_count; i++) {
        FUZZ_REQUIRE(protocol_find_visit(protocol, protocol->visits[i].id) == &protocol->visits[i]);
        FUZZ_REQUIRE(i == 0 || protocol->visits[i].target > protocol->visits[i - 1].target);
    }
    for (size_t i = 0; i < protocol->cohort_count; i++)
        FUZZ_REQUIRE(protocol_find_cohort(protocol, protocol->cohorts[i].id) == (int)i);
    for (size_t i = 0; i < protocol->endpoint_count; i++)
        FUZZ_REQUIRE(protocol_find_endpoint(protocol, protocol->endpoints[i].id) == (int)i);
    for (size_t i = 0; i < protocol->responder_count; i++)
        for (size_t j = 0; j < 3; j++)
            FUZZ_REQUIRE(protocol->responders[i].endpoints[j] < (int)protocol->endpoint_count);
    FUZZ_REQUIRE(protocol->completeness_endpoint < (int)protocol->endpoint_count);
    FUZZ_REQUIRE(protocol->index_knee_pain < (int)protocol->endpoint_count);
    FUZZ_REQUIRE(protocol->level > 0 && protocol->level < 1);
}

static void require_below(int index, size_t count)
{
    FUZZ_REQUIRE(index >= PLAN_NONE && index < (int)count);
}

static void require_endpoints(const struct protocol *protocol, const int *endpoints, size_t count)
{
    for (size_t i = 0; i < count; i++)
        FUZZ_REQUIRE(endpoints[i] >= 0 && endpoints[i] < (int)protocol->endpoint_count);
}

static void require_rising(const int *days, size_t count)
{
    for (size_t i = 1; i < count; i++)
        FUZZ_REQUIRE(days[i] > days[i - 1]);
}

static void require_claim(const struct protocol *protocol, const struct claim *claim)
{
    const struct analysis_plan *plan = &protocol->plan;
    FUZZ_REQUIRE(claim->claim != NULL && claim_kind_words[claim->kind] != NULL);
    require_below(claim->responder, protocol->responder_count);
    require_below(claim->endpoint, protocol->endpoint_count);
    require_below(claim->visit, protocol->visit_count);
    require_below(claim->from, protocol->visit_count);
    require_below(claim->cohort, protocol->cohort_count);
    require_below(claim->contrast, plan->contrast_count);
    require_below(claim->event, plan->event_count);
    require_below(claim->subgroup, plan->subgroup_count);
    FUZZ_REQUIRE(claim->from < 0 || claim->from < claim->visit);
}

/* Each number is in the level that its place says, and in one only. */
static void require_levels(const struct subgroup *subgroup)
{
    FUZZ_REQUIRE(subgroup->levels != NULL || subgroup->level_count == 0);
    for (size_t i = 0; subgroup->has_cuts && i < subgroup->level_count; i++) {
        const struct subgroup_level *level = &subgroup->levels[i];
        double inside = isfinite(level->from) ? level->from : nextafter(level->below, -INFINITY);
        FUZZ_REQUIRE(level->from < level->below && level->title != NULL);
        FUZZ_REQUIRE(subgroup_find_level(subgroup->levels, subgroup->level_count, NULL, inside) == (int)i);
    }
    for (size_t i = 0; !subgroup->has_cuts && i < subgroup->level_count; i++)
        FUZZ_REQUIRE(subgroup->levels[i].code_count > 0 && subgroup->levels[i].title != NULL);
}

static void require_plan(const struct protocol *protocol)
{
    const struct analysis_plan *plan = &protocol->plan;
    for (size_t i = 0; i < plan->contrast_count; i++) {
        const struct cohort_contrast *contrast = &plan->contrasts[i];
        FUZZ_REQUIRE(contrast->cohort >= 0 && contrast->cohort < (int)protocol->cohort_count);
        FUZZ_REQUIRE(contrast->against >= 0 && contrast->against < (int)protocol->cohort_count);
        FUZZ_REQUIRE(contrast->cohort != contrast->against);
        FUZZ_REQUIRE(plan_find_contrast(plan, contrast->cohort, contrast->against) == (int)i);
    }
    require_endpoints(protocol, plan->models, plan->model_count);
    require_endpoints(protocol, plan->sensitivity.endpoints, plan->sensitivity.endpoint_count);
    require_endpoints(protocol, plan->contralateral.endpoints, plan->contralateral.endpoint_count);
    for (size_t i = 0; i < plan->margin_count; i++)
        FUZZ_REQUIRE(plan_find_margin(plan, plan->margins[i].endpoint) == &plan->margins[i]
                     && plan->margins[i].margin > 0);
    for (size_t i = 0; i < plan->subgroup_count; i++)
        require_levels(&plan->subgroups[i]);
    require_rising(plan->safety_periods, plan->safety_period_count);
    for (size_t i = 0; i < plan->event_count; i++)
        require_rising(plan->events[i].days, plan->events[i].day_count);
    for (size_t i = 0; i < plan->multiplicity.hypothesis_count; i++) {
        const struct planned_hypothesis *hypothesis = &plan->multiplicity.hypotheses[i];
        FUZZ_REQUIRE(plan_has_model(plan, hypothesis->endpoint));
        FUZZ_REQUIRE(hypothesis->contrast >= 0 && hypothesis->contrast < (int)plan->contrast_count);
        FUZZ_REQUIRE(hypothesis->visit >= 0 && hypothesis->visit < (int)protocol->visit_count);
    }
    for (size_t i = 0; i < plan->claim_count; i++)
        require_claim(protocol, &plan->claims[i]);
}

/* What passed the check has conditions and levels. */
static void require_fitting_plan(const void *owner, const struct catalogue *catalogue)
{
    const struct analysis_plan *plan = &catalogue->protocol->plan;
    for (size_t i = 0; i < plan->event_count; i++) {
        const struct form *form = catalogue_find_form(catalogue, plan->events[i].form, 0);
        struct error error;
        FUZZ_REQUIRE(form != NULL);
        const struct expression *condition = event_condition(owner, &plan->events[i], form, &error);
        FUZZ_REQUIRE(error.kind == ERROR_NONE && (condition != NULL) == (plan->events[i].when != NULL));
    }
    for (size_t i = 0; i < plan->subgroup_count; i++) {
        size_t count = 0;
        (void)catalogue_subgroup_levels(owner, catalogue, &plan->subgroups[i], &count);
        FUZZ_REQUIRE(count > 0 || plan->subgroups[i].left_out_count > 0);
        FUZZ_REQUIRE(catalogue_subgroup_title(catalogue, &plan->subgroups[i]) != NULL);
    }
}

static void require_catalogue(const void *owner, const struct protocol *protocol)
{
    struct catalogue catalogue = {.study = protocol->id, .protocol = protocol};
    catalogue.forms = shipped_forms(&catalogue.form_count);
    struct faults faults = faults_begin(owner);
    catalogue_find_faults(&catalogue, "fuzz.yaml", &faults);
    struct error error = {0};
    FUZZ_REQUIRE(catalogue_check(&catalogue, "fuzz.yaml", &error) == (faults.count == 0));
    if (faults.count > 0) {
        fuzz_require_refusal(&error, ERROR_INPUT);
        return;
    }
    for (size_t i = 0; i < protocol->endpoint_count; i++)
        FUZZ_REQUIRE(catalogue_endpoint_score(&catalogue, &protocol->endpoints[i]) != NULL);
    require_fitting_plan(owner, &catalogue);
    struct text *codebook = text_new(owner);
    codebook_write_csv(codebook, &catalogue);
    codebook_write_html(codebook, &catalogue);
    FUZZ_REQUIRE(text_is_utf8(codebook->bytes, codebook->length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *owner = memory_owner(NULL, "fuzz");
    struct error error = {0};
    const struct protocol *protocol = protocol_parse(owner, "fuzz.yaml", (const char *)data, size, &error);
    if (protocol == NULL) {
        fuzz_require_refusal(&error, ERROR_INPUT);
    } else {
        struct text *json = text_new(owner);
        protocol_to_json(json, protocol);
        fuzz_require_json(json->bytes);
        require_ids(protocol);
        require_plan(protocol);
        FUZZ_REQUIRE(protocol_index_knee_text(protocol) != NULL);
        require_catalogue(owner, protocol);
    }
    talloc_free(owner);
    return 0;
}
