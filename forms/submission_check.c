/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/submission_check.h"

#include <string.h>

#include "forms/base/memory.h"
#include "forms/json_write.h"
#include "forms/score.h"

struct submission *submission_check(const void *owner, const struct catalogue *catalogue,
                                    const struct submission_input *input, date_days today,
                                    struct problem_list *problems)
{
    size_t problems_before = problems->count;
    struct checking checking = {.owner = owner, .catalogue = catalogue, .input = input, .today = today,
                                .problems = problems, .submission = memory_new(owner, struct submission)};
    struct submission *submission = checking.submission;
    submission->study = catalogue->study;
    if (submission_check_fields(&checking))
        submission_check_answers(&checking);
    if (problems->count > problems_before)
        return NULL;
    if (submission->status == SUBMISSION_COMPLETE) {
        submission->scores = memory_new_array(owner, double, submission->form->score_count);
        score_compute(submission->form, submission->answers, submission->scores);
    }
    submission->canonical = submission_write_canonical(&checking);
    return submission;
}

static void write_value(struct text *out, const struct item *item, const struct answer *answer)
{
    bool is_bare = item->type == ITEM_INTEGER || item->type == ITEM_BOOLEAN
                   || (item->type == ITEM_CHOICE && item->choices_are_numbers);
    json_key(out, item->id);
    if (is_bare)
        text_append(out, answer->text);
    else
        text_append_json(out, answer->text);
}

static void write_answers(struct text *out, const struct form *form, const struct answer *answers)
{
    bool any_declined = false;
    json_key(out, "answers");
    text_append(out, "{");
    for (size_t i = 0; i < form->item_count; i++) {
        any_declined |= answers[i].state == ANSWER_DECLINED;
        if (answers[i].state == ANSWER_GIVEN)
            write_value(out, &form->items[i], &answers[i]);
    }
    text_append(out, "}");
    if (!any_declined)
        return;
    json_key(out, "not_answered");
    text_append(out, "{");
    for (size_t i = 0; i < form->item_count; i++)
        if (answers[i].state == ANSWER_DECLINED)
            json_text(out, form->items[i].id, answers[i].text);
    text_append(out, "}");
}

static void write_confirmed(struct text *out, const struct checking *checking)
{
    if (checking->finding_count == 0)
        return;
    json_key(out, "confirmed");
    text_append(out, "[");
    for (size_t i = 0; i < checking->finding_count; i++) {
        const struct finding *finding = &checking->findings[i];
        text_append(out, i > 0 ? ",{" : "{");
        json_text(out, "item", finding->item);
        json_text(out, "rule", finding->rule);
        json_text(out, "reason", finding->reason);
        text_append(out, "}");
    }
    text_append(out, "]");
}

const char *submission_write_canonical(const struct checking *checking)
{
    const struct submission *submission = checking->submission;
    char subject[SUBJECT_TEXT_SIZE], date[DATE_TEXT_SIZE];
    subject_format(submission->site, submission->subject, subject);
    date_format(submission->date, date);
    struct text *out = text_new_with_room(checking->owner, 256 + 16 * submission->form->item_count);
    text_append(out, "{");
    json_text(out, "study", submission->study);
    json_text(out, "subject", subject);
    json_text(out, "knee", submission->knee);
    json_text(out, "form", submission->form->id);
    json_number(out, "form_version", submission->form->version);
    json_text(out, "visit", submission->visit);
    json_number(out, "instance", submission->instance);
    json_number(out, "version", submission->version);
    json_text(out, "status", submission->status == SUBMISSION_VOID ? "void" : "complete");
    json_text(out, "date", date);
    json_text(out, "reason", submission->reason);
    write_answers(out, submission->form, submission->answers);
    write_confirmed(out, checking);
    text_append(out, "}");
    return out->bytes;
}
