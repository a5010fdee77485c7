/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/analysis_strata.h"

#include <string.h>

#include "forms/base/memory.h"

/* -- answers --------------------------------------------------------------------------------------------- */

/* A form that no visit asks for (treatment) is always unscheduled: then the day alone counts. */
static bool is_due_anywhere(const struct protocol *protocol, const char *form)
{
    for (size_t i = 0; i < protocol->visit_count; i++) {
        if (protocol_form_is_due(&protocol->visits[i], form))
            return true;
    }
    return false;
}

const struct answer **answers_at_baseline(const void *owner, const struct dataset *dataset,
                                          const struct item_reference *item)
{
    const struct answer **answers = memory_new_array(owner, const struct answer *, dataset->subject_count);
    bool by_visit = is_due_anywhere(dataset->catalogue->protocol, item->form);
    int form = dataset_form_number(dataset, item->form);
    for (size_t subject = 0; subject < dataset->subject_count; subject++) {
        struct records records = dataset_records_of(dataset, subject, form);
        for (size_t i = 0; i < records.count; i++) { /* those of a form stand in order of age */
            const struct record *record = &records.at[i];
            if (record->day == STUDY_DAY_NONE || record->day > 1
                || (by_visit && record_is_unscheduled(dataset, record))
                || (record->knee != KNEE_NONE && record->knee != dataset->subjects[subject].index_knee))
                continue;
            const struct answer *answer = record_answer(dataset, record, item->item);
            if (answer != NULL)
                answers[subject] = answer;
        }
    }
    return answers;
}

/* -- strata ---------------------------------------------------------------------------------------------- */

/* A level of a term: a site, or an answer's text (NULL: not answered). */
struct level {
    int site;
    const char *text;
};

/* What a stratum of some terms and a level of the next one become together. */
struct refinement {
    struct {
        uint32_t from, to;
        struct level level;
        bool taken;
    } * slots;
    size_t slot_count; /* power of two, at least twice `count` */
    uint32_t count;
};

static bool is_same_level(struct level a, struct level b)
{
    if (a.text == NULL || b.text == NULL)
        return a.text == b.text && a.site == b.site;
    return strcmp(a.text, b.text) == 0;
}

static size_t find_slot(const struct refinement *refinement, uint32_t from, struct level level)
{
    uint64_t hash = (UINT64_C(14695981039346656037) ^ from) * UINT64_C(1099511628211);
    hash = (hash ^ (uint64_t)level.site) * UINT64_C(1099511628211);
    for (const char *c = level.text; c != NULL && *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
    size_t mask = refinement->slot_count - 1, at = (size_t)(hash ^ hash >> 32) & mask;
    while (refinement->slots[at].taken
           && (refinement->slots[at].from != from || !is_same_level(refinement->slots[at].level, level)))
        at = (at + 1) & mask;
    return at;
}

static void grow(const void *owner, struct refinement *refinement)
{
    struct refinement grown = {.slot_count = memory_size_product(refinement->slot_count, 2),
                               .count = refinement->count};
    grown.slot_count = grown.slot_count == 0 ? 64 : grown.slot_count;
    grown.slots = memory_zeroed(owner, grown.slot_count, sizeof *grown.slots, "strata");
    for (size_t i = 0; i < refinement->slot_count; i++) {
        if (refinement->slots[i].taken)
            grown.slots[find_slot(&grown, refinement->slots[i].from, refinement->slots[i].level)] =
                refinement->slots[i];
    }
    talloc_free(refinement->slots);
    *refinement = grown;
}

static uint32_t refine(const void *owner, struct refinement *refinement, uint32_t from, struct level level)
{
    if (2 * ((size_t)refinement->count + 1) > refinement->slot_count)
        grow(owner, refinement);
    size_t at = find_slot(refinement, from, level);
    if (!refinement->slots[at].taken) {
        refinement->slots[at].taken = true;
        refinement->slots[at].from = from;
        refinement->slots[at].level = level;
        refinement->slots[at].to = refinement->count++;
    }
    return refinement->slots[at].to;
}

struct strata strata_of(const void *owner, const struct dataset *dataset, const struct model_term *terms,
                        size_t term_count)
{
    uint32_t *of_subject = memory_new_array(owner, uint32_t, dataset->subject_count);
    size_t count = 1;
    for (size_t t = 0; t < term_count; t++) {
        void *scratch = memory_owner(NULL, "strata");
        struct refinement refinement = {0};
        const struct answer **answers =
            terms[t].kind == TERM_ITEM ? answers_at_baseline(scratch, dataset, &terms[t].item) : NULL;
        for (size_t i = 0; i < dataset->subject_count; i++) {
            struct level level = {answers == NULL ? dataset->subjects[i].site : 0,
                                  answers != NULL && answers[i] != NULL ? answers[i]->text : NULL};
            of_subject[i] = refine(scratch, &refinement, of_subject[i], level);
        }
        count = refinement.count > 0 ? refinement.count : 1;
        talloc_free(scratch);
    }
    return (struct strata){of_subject, count};
}
