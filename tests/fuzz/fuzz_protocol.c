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
        FUZZ_REQUIRE(protocol_index_knee_text(protocol) != NULL);
        require_catalogue(owner, protocol);
    }
    talloc_free(owner);
    return 0;
}
