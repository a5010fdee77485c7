/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/uploaded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"

static void plan_columns(struct uploaded *world, const struct form *form)
{
    static const struct upload_column fixed[UPLOADED_FIXED] = {
        [UPLOADED_SUBJECT] = {.name = "Patient", .role = UPLOAD_SUBJECT, .item = -1},
        [UPLOADED_KNEE] = {.name = "Side", .role = UPLOAD_KNEE, .item = -1},
        [UPLOADED_VISIT] = {.name = "Event", .role = UPLOAD_VISIT, .item = -1},
        [UPLOADED_DATE] = {.name = "Date", .role = UPLOAD_DATE, .item = -1},
        [UPLOADED_REASON] = {.name = "Why", .role = UPLOAD_REASON, .item = -1},
    };
    size_t count = UPLOADED_FIXED + form->item_count + form->score_count;
    struct upload_column *columns = memory_new_array(world->owner, struct upload_column, count);
    memcpy(columns, fixed, sizeof fixed);
    for (size_t i = 0; i < form->item_count; i++)
        columns[UPLOADED_FIXED + i] = (struct upload_column){
            .name = form->items[i].id, .role = UPLOAD_ITEM, .form = form, .item = (int)i, .id = form->items[i].id};
    for (size_t i = 0; i < form->score_count; i++)
        columns[UPLOADED_FIXED + form->item_count + i] =
            (struct upload_column){.name = memory_format(world->owner, "score %s", form->scores[i].id),
                                   .role = UPLOAD_SCORE, .form = form, .item = (int)i, .id = form->scores[i].id};
    world->plan = (struct upload_plan){.catalogue = world->catalogue, .decimal = '.', .form = form,
                                       .columns = columns, .column_count = count};
}

struct uploaded uploaded_of(const char *form_id, int version, const char *visit)
{
    struct uploaded world = {.owner = memory_owner(NULL, "test")};
    struct error error = {0};
    world.catalogue = catalogue_load(world.owner, "forms/protocols/demo.yaml", "forms/instruments", &error);
    if (world.catalogue == NULL)
        fail_msg("%s", error.message);
    const struct form *form = catalogue_find_form(world.catalogue, form_id, version);
    plan_columns(&world, form);
    world.record = (struct upload_record){
        .line = 7, .form = form,
        .input = {.subject = "07-0012", .knee = form->about == FORM_ABOUT_KNEE ? "left" : NULL, .form = form_id,
                  .form_version = form->version, .visit = visit, .date = "2026-03-15"}};
    world.stored = (struct upload_stored){.subject_known = true};
    world.judging = (struct upload_judging){.study = "demo", .today = date_from_civil(2026, 4, 1)};
    world.findings = upload_findings_begin(world.owner);
    return world;
}

void uploaded_end(struct uploaded *world)
{
    talloc_free(world->owner);
}

void uploaded_answer(struct uploaded *world, const char *words)
{
    enum { MOST = 100 };
    const struct form *form = world->record.form;
    struct raw_answer *answers = memory_new_array(world->owner, struct raw_answer, MOST);
    struct raw_reason *reasons = memory_new_array(world->owner, struct raw_reason, MOST);
    size_t *columns = memory_new_array(world->owner, size_t, MOST);
    size_t *reason_columns = memory_new_array(world->owner, size_t, MOST);
    size_t *blanks = memory_new_array(world->owner, size_t, MOST);
    size_t *blank_columns = memory_new_array(world->owner, size_t, MOST);
    size_t answered = 0, declined = 0, blank = 0;
    char *rest = NULL;
    for (char *word = strtok_r(memory_copy_string(world->owner, words), " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        int index = form_find_item(form, word);
        size_t column = UPLOADED_FIXED + (size_t)index;
        if (*value == '\0') {
            blanks[blank] = (size_t)index;
            blank_columns[blank++] = column;
        } else if (*value == '!') {
            reason_columns[declined] = column;
            reasons[declined++] = (struct raw_reason){.item = word, .reason = value + 1};
        } else {
            columns[answered] = column;
            answers[answered++] = (struct raw_answer){word, RAW_TEXT, value};
        }
    }
    struct upload_record *record = &world->record;
    record->input.answers = answers;
    record->input.answer_count = answered;
    record->answer_columns = columns;
    record->input.not_answered = reasons;
    record->input.not_answered_count = declined;
    record->not_answered_columns = reason_columns;
    record->blanks = blanks;
    record->blank_columns = blank_columns;
    record->blank_clears = memory_new_array(world->owner, bool, MOST);
    record->blank_count = blank;
}

const struct upload_finding *uploaded_finding(const struct uploaded *world, const char *code)
{
    for (size_t i = 0; i < world->findings.count; i++)
        if (strcmp(world->findings.findings[i].code, code) == 0)
            return &world->findings.findings[i];
    for (size_t i = 0; i < world->findings.count; i++)
        print_message("# %s: %s\n", world->findings.findings[i].code, world->findings.findings[i].text);
    fail_msg("no finding %s among %zu", code, world->findings.count);
    return NULL;
}
