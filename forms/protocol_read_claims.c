/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/form_read.h"
#include "forms/protocol_read.h"

enum claim_part {
    PART_RESPONDER = 1,
    PART_ENDPOINT = 2,
    PART_VISIT = 4,
    PART_FROM = 8,
    PART_EVENT = 16,
    PART_DAY = 32,
    PART_SUBGROUP = 64,
    PART_INTEREST = 128,
    PART_COHORT = 256,
    PART_COMPARE = 512,
    PART_EITHER = PART_COHORT | PART_COMPARE, /* exactly one of the two */
    PART_VALUE = 1024,
    PART_REFUTED = 2048,
    PART_LEVEL = 4096,
    PART_AGAINST = 8192,
    PART_MODEL = 16384,   /* no key: the endpoint is one of `models` */
    PART_PERCENT = 32768, /* no key: the value is a percentage */
    PART_LEVELS = 65536   /* no key: subgroup, level and against are optional, a cohort needs all three */
};
enum {
    PART_BOUND = PART_VALUE | PART_REFUTED,
    PART_SHARE = PART_BOUND | PART_PERCENT,
    PART_CHANGE = PART_ENDPOINT | PART_VISIT | PART_MODEL,
    PART_WITHIN = PART_EITHER | PART_SUBGROUP | PART_LEVEL | PART_AGAINST | PART_LEVELS
};

static const char *const part_keys[] = {"responder", "endpoint", "visit",    "from",
                                        "event",     "day",      "subgroup", "special_interest",
                                        "cohort",    "compare",  "value",    "refuted",
                                        "level",     "against"};
enum { PART_KEY_COUNT = 14 };

/* What each kind needs; every other part is a fault. */
static const unsigned claim_parts[] = {
    [CLAIM_RESPONDER] = PART_RESPONDER | PART_VISIT | PART_EITHER | PART_SHARE,
    [CLAIM_DIFFERENCE] = PART_CHANGE | PART_WITHIN | PART_BOUND,
    [CLAIM_CHANGE] = PART_CHANGE | PART_COHORT | PART_BOUND,
    [CLAIM_DURABILITY] = PART_CHANGE | PART_FROM | PART_COMPARE | PART_BOUND,
    [CLAIM_INTERACTION] = PART_CHANGE | PART_SUBGROUP | PART_COMPARE,
    [CLAIM_EVENT] = PART_EVENT | PART_DAY | PART_EITHER | PART_SHARE,
    [CLAIM_HARM] = PART_INTEREST | PART_COHORT | PART_SHARE,
    [CLAIM_CONTRALATERAL] = PART_ENDPOINT | PART_VISIT | PART_EITHER | PART_BOUND,
    [CLAIM_EQUIVALENCE] = PART_CHANGE | PART_WITHIN,
    [CLAIM_IMAGING] = PART_ENDPOINT | PART_VISIT | PART_COHORT | PART_BOUND,
    [CLAIM_COST] = PART_COHORT | PART_BOUND,
};

static const char *const claim_keys[] = {
    "id",  "claim",    "source", "kind",    "responder",        "endpoint", "visit",   "from", "event",
    "day", "subgroup", "cohort", "compare", "special_interest", "value",    "refuted", "level", "against", NULL};

/* Keys that do not belong to the kind; and neither or both of cohort and compare. */
static void check_parts(struct protocol_reader *reader, const struct yaml *node, enum claim_kind kind)
{
    unsigned parts = claim_parts[kind];
    for (unsigned i = 0; i < PART_KEY_COUNT; i++)
        if ((parts & (1U << i)) == 0 && yaml_find(node, part_keys[i]) != NULL)
            yaml_fault(reader->faults, yaml_find(node, part_keys[i]),
                       "\"%s\" does not belong to kind: %s; remove it", part_keys[i], claim_kind_words[kind]);
    bool cohort = yaml_find(node, "cohort") != NULL, compare = yaml_find(node, "compare") != NULL;
    if ((parts & PART_EITHER) == PART_EITHER && cohort == compare)
        yaml_fault(reader->faults, node, "a claim of kind: %s needs either \"cohort\" or \"compare\"",
                   claim_kind_words[kind]);
}

/* Of whom a difference is: of cohorts, of cohorts in a level, or of two levels in a cohort. */
static void check_levels(struct protocol_reader *reader, const struct yaml *node)
{
    static const char *const keys[] = {"subgroup", "level", "against"};
    const struct yaml *at[3];
    bool cohort = yaml_find(node, "cohort") != NULL;
    for (size_t i = 0; i < 3; i++)
        at[i] = yaml_find(node, keys[i]);
    for (size_t i = 0; i < 3; i++)
        if (cohort && at[i] == NULL)
            yaml_fault(reader->faults, node,
                       "with \"cohort\" two levels of a subgroup are compared: \"%s\" is missing; add it, or name "
                       "two cohorts under \"compare\"",
                       keys[i]);
    if (cohort)
        return;
    if ((at[0] == NULL) != (at[1] == NULL))
        yaml_fault(reader->faults, at[0] != NULL ? at[0] : at[1],
                   "\"%s\" needs \"%s\": the group in which the cohorts are compared", keys[at[0] == NULL],
                   keys[at[0] != NULL]);
    if (at[2] != NULL)
        yaml_fault(reader->faults, at[2],
                   "\"against\" names the level that a level of one \"cohort\" is compared with; with \"compare\" "
                   "remove it");
}

static void read_levels(struct protocol_reader *reader, const struct yaml *node, struct claim *claim)
{
    check_levels(reader, node);
    claim->subgroup = protocol_read_named(reader, node, "subgroup", YAML_OPTIONAL, LIST_SUBGROUPS);
    claim->level = protocol_read_text(reader, node, "level", YAML_OPTIONAL);
    claim->against = protocol_read_text(reader, node, "against", YAML_OPTIONAL);
    if (claim->level != NULL && claim->against != NULL && strcmp(claim->level, claim->against) == 0)
        yaml_fault(reader->faults, yaml_find(node, "against"),
                   "level \"%.64s\" is compared with itself; name another one", claim->level);
}

/* The endpoint must have been analysed in the way that the kind needs. */
static void check_endpoint(struct protocol_reader *reader, const struct yaml *node, const struct claim *claim)
{
    const struct analysis_plan *plan = &reader->protocol->plan;
    const struct yaml *place = yaml_find(node, "endpoint");
    if (claim->endpoint < 0)
        return;
    const char *id = reader->protocol->endpoints[claim->endpoint].id;
    bool contralateral = false;
    for (size_t i = 0; i < plan->contralateral.endpoint_count; i++)
        contralateral |= plan->contralateral.endpoints[i] == claim->endpoint;
    if (claim_parts[claim->kind] & PART_MODEL)
        protocol_require_model(reader, place, claim->endpoint);
    if (claim->kind == CLAIM_CONTRALATERAL && !contralateral)
        yaml_fault(reader->faults, place,
                   "endpoint \"%.64s\" is not among those of \"contralateral\"; add it there", id);
    if (claim->kind == CLAIM_EQUIVALENCE && plan_find_margin(plan, claim->endpoint) == NULL)
        yaml_fault(reader->faults, place, "endpoint \"%.64s\" has no margin; add one to \"margins\"", id);
    if (claim->kind == CLAIM_IMAGING && plan_find_imaging(plan, claim->endpoint) == NULL)
        yaml_fault(reader->faults, place, "endpoint \"%.64s\" is not in \"imaging\"; add it there", id);
}

static void read_measure(struct protocol_reader *reader, const struct yaml *node, struct claim *claim)
{
    const struct protocol *protocol = reader->protocol;
    unsigned parts = claim_parts[claim->kind];
    if (parts & PART_RESPONDER)
        claim->responder = protocol_read_named(reader, node, "responder", YAML_REQUIRED, LIST_RESPONDERS);
    if (parts & PART_ENDPOINT)
        claim->endpoint = protocol_read_named(reader, node, "endpoint", YAML_REQUIRED, LIST_ENDPOINTS);
    check_endpoint(reader, node, claim);
    int measured =
        claim->responder >= 0 ? protocol->responders[claim->responder].endpoints[0] : claim->endpoint;
    if (parts & PART_VISIT)
        claim->visit = protocol_read_later_visit(reader, node, "visit", measured);
    if (parts & PART_FROM)
        claim->from = protocol_read_later_visit(reader, node, "from", measured);
    if (claim->visit >= 0 && claim->from >= claim->visit)
        yaml_fault(reader->faults, yaml_find(node, "from"),
                   "visit %s does not lie before %s; name an earlier one", protocol->visits[claim->from].id,
                   protocol->visits[claim->visit].id);
    if (parts & PART_EVENT)
        claim->event = protocol_read_named(reader, node, "event", YAML_REQUIRED, LIST_EVENTS);
    if (parts & PART_DAY)
        yaml_get_integer(node, "day", YAML_REQUIRED, (struct yaml_bounds){1, 99999}, &claim->day,
                         reader->faults);
    if (parts & PART_LEVELS)
        read_levels(reader, node, claim);
    else if (parts & PART_SUBGROUP)
        claim->subgroup = protocol_read_named(reader, node, "subgroup", YAML_REQUIRED, LIST_SUBGROUPS);
    if (parts & PART_INTEREST)
        claim->special_interest = protocol_read_text(reader, node, "special_interest", YAML_REQUIRED);
}

static void read_value(struct protocol_reader *reader, const struct yaml *node, struct claim *claim)
{
    yaml_get_number(node, "value", YAML_REQUIRED, &claim->value, reader->faults);
    int refuted = yaml_get_word(node, "refuted", YAML_REQUIRED, claim_refuted_words, reader->faults);
    claim->refuted = refuted >= 0 ? (enum claim_refuted)refuted : REFUTED_OUTSIDE;
    if ((claim_parts[claim->kind] & PART_PERCENT) == 0)
        return;
    double least = claim->contrast >= 0 ? -100 : 0;
    if (claim->value < least || claim->value > 100)
        yaml_fault(reader->faults, yaml_find(node, "value"),
                   "\"value\" is in per cent, from %.0f to 100, not %.10g", least, claim->value);
}

static void read_claim(struct protocol_reader *reader, const struct yaml *node, struct claim *claim)
{
    struct protocol *protocol = reader->protocol;
    yaml_allow_keys(node, claim_keys, reader->faults);
    const char *id = form_read_id(node, reader->faults);
    *claim = (struct claim){.responder = -1,
                            .endpoint = -1,
                            .visit = -1,
                            .from = -1,
                            .cohort = -1,
                            .contrast = -1,
                            .event = -1,
                            .subgroup = -1,
                            .value = NAN,
                            .line = node->line};
    claim->id = memory_copy_string(protocol, id != NULL ? id : "");
    claim->claim = protocol_read_text(reader, node, "claim", YAML_REQUIRED);
    claim->source = protocol_read_text(reader, node, "source", YAML_OPTIONAL);
    for (size_t i = 0; id != NULL && i < protocol->plan.claim_count; i++)
        if (strcmp(protocol->plan.claims[i].id, id) == 0)
            yaml_fault(reader->faults, node, "this claim is here twice; give it another id");
    int kind = yaml_get_word(node, "kind", YAML_REQUIRED, claim_kind_words, reader->faults);
    if (kind < 0)
        return;
    claim->kind = (enum claim_kind)kind;
    unsigned parts = claim_parts[kind];
    check_parts(reader, node, claim->kind);
    read_measure(reader, node, claim);
    bool either = (parts & PART_EITHER) == PART_EITHER;
    if ((parts & PART_COHORT) && (!either || yaml_find(node, "cohort") != NULL))
        claim->cohort = protocol_read_named(reader, node, "cohort", YAML_REQUIRED, LIST_COHORTS);
    if ((parts & PART_COMPARE) && (!either || yaml_find(node, "compare") != NULL))
        claim->contrast = protocol_read_contrast(reader, node, "compare");
    if (parts & PART_BOUND)
        read_value(reader, node, claim);
    if (claim->kind == CLAIM_COST && !protocol->plan.cost.analysed)
        yaml_fault(reader->faults, node, "the analysis has no \"cost\"; add it");
}

void protocol_read_claims(struct protocol_reader *reader, const struct yaml *analysis)
{
    struct analysis_plan *plan = &reader->protocol->plan;
    const struct yaml *list = yaml_get_list(analysis, "claims", YAML_OPTIONAL, reader->faults);
    if (list == NULL)
        return;
    struct claim *claims = memory_new_array(reader->protocol, struct claim, list->count);
    plan->claims = claims;
    for (size_t i = 0; i < list->count; i++)
        if (yaml_expect(list->children[i], YAML_MAP, reader->faults)) {
            read_claim(reader, list->children[i], &claims[plan->claim_count]);
            plan->claim_count++;
        }
}
