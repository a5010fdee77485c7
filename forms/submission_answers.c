/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/submission_check.h"

#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/expression.h"
#include "forms/suggestion.h"

static void add_unknown_item(struct checking *checking, const char *id)
{
    const struct form *form = checking->submission->form;
    if (checking->problems->count >= PROBLEM_LIMIT)
        return;   /* looking for suggestions is the dear part */
    struct suggestion suggestion = suggestion_begin(id);
    for (size_t i = 0; i < form->item_count; i++)
        suggestion_offer(&suggestion, form->items[i].id);
    char hint[SUGGESTION_TEXT_SIZE], quote[ANSWER_QUOTE_SIZE];
    suggestion_format(&suggestion, hint);
    problem_add(checking->owner, checking->problems, false, id, "unknown",
                "form %s version %d has no item %s%s", form->id, form->version, answer_quote(id, quote),
                hint[0] != '\0' ? hint : "; leave it out");
}

/* Answers mostly come in the order of the form: the item behind the last one is looked at first. */
static int find_item(const struct form *form, const char *id, int last)
{
    size_t next = last == FORM_NONE ? 0 : (size_t)last + 1;
    return next < form->item_count && strcmp(form->items[next].id, id) == 0 ? (int)next
                                                                            : form_find_item(form, id);
}

static void read_values(struct checking *checking, bool *sent)
{
    const struct form *form = checking->submission->form;
    int index = FORM_NONE;
    for (size_t i = 0; i < checking->input->answer_count; i++) {
        const struct raw_answer *raw = &checking->input->answers[i];
        index = find_item(form, raw->item, index);
        if (index == FORM_NONE) {
            add_unknown_item(checking, raw->item);
            continue;
        }
        if (sent[index])
            problem_add(checking->owner, checking->problems, false, raw->item, "doubled",
                        "this item was sent twice; send it once");
        else if (!answer_read(checking->owner, &form->items[index], raw, &checking->answers[index],
                              checking->problems))
            checking->invalid[index] = true;
        sent[index] = true;
    }
}

/* The constant of answer_decline_reasons, or NULL. */
static const char *find_decline_reason(const char *reason)
{
    for (const char *const *known = answer_decline_reasons; *known != NULL; known++)
        if (strcmp(*known, reason) == 0)
            return *known;
    return NULL;
}

static void decline(struct checking *checking, size_t index, const char *reason)
{
    const struct form *form = checking->submission->form;
    const struct item *item = &form->items[index];
    struct answer *answer = &checking->answers[index];
    const char *known = find_decline_reason(reason);
    char quote[ANSWER_QUOTE_SIZE];
    if (known == NULL)
        problem_add(checking->owner, checking->problems, false, item->id, "not_answered",
                    "%s is no reason for having no "
                    "answer; send refused, not_done, unknown, not_applicable or illegible",
                    answer_quote(reason, quote));
    else if (answer->state == ANSWER_DECLINED)
        problem_add(checking->owner, checking->problems, false, item->id, "doubled",
                    "this item has two reasons for having no answer; send one");
    else if (answer->state == ANSWER_GIVEN || checking->invalid[index])
        problem_add(checking->owner, checking->problems, false, item->id, "not_answered",
                    "a value and a reason for having none were both sent; send one of the two");
    else if (item->must_be_answered)
        problem_add(checking->owner, checking->problems, false, item->id, "required",
                    "this item needs a value (%s), no reason can stand for it; answer it", item->text);
    if (known == NULL || answer->state != ANSWER_MISSING || checking->invalid[index]
        || item->must_be_answered) {
        checking->invalid[index] = true;
        return;
    }
    answer->state = ANSWER_DECLINED;
    answer->text = known;
}

static void read_declined(struct checking *checking)
{
    const struct form *form = checking->submission->form;
    for (size_t i = 0; i < checking->input->not_answered_count; i++) {
        const struct raw_reason *raw = &checking->input->not_answered[i];
        int index = form_find_item(form, raw->item);
        if (index == FORM_NONE)
            add_unknown_item(checking, raw->item);
        else
            decline(checking, (size_t)index, raw->reason);
    }
}

/* Top to bottom: skip logic looks back only, and an item that was skipped counts as not answered. */
static void check_presence(struct checking *checking)
{
    const struct submission *submission = checking->submission;
    const struct form *form = submission->form;
    struct expression_input input = {.form = form, .answers = checking->answers, .date = submission->date,
                                     .today = checking->today};
    for (size_t i = 0; i < form->item_count; i++) {
        const struct item *item = &form->items[i];
        struct answer *answer = &checking->answers[i];
        if (item->show != NULL && expression_names_any(item->show, checking->invalid))
            continue;   /* whether it is asked for is not known before that is put right */
        bool shown = item->show == NULL || expression_evaluate(item->show, &input) == TRUTH_TRUE;
        if (!shown && (answer->state != ANSWER_MISSING || checking->invalid[i])) {
            problem_add(
                checking->owner, checking->problems, false, item->id, "skipped",
                "this item is not asked for with these answers; leave it out or correct what it depends on");
            *answer = answer_missing();
            checking->invalid[i] = true;
        } else if (shown && item->required && answer->state == ANSWER_MISSING && !checking->invalid[i]) {
            problem_add(checking->owner, checking->problems, false, item->id, "required",
                        "an answer is needed (%s); give it%s", item->text,
                        item->must_be_answered ? "" : ", or the reason why there is none");
        }
    }
}

/* A void version says only that the record does not count. */
static void check_void(struct checking *checking)
{
    const struct submission_input *input = checking->input;
    if (input->answer_count > 0 || input->not_answered_count > 0 || input->confirmed_count > 0)
        problem_add(checking->owner, checking->problems, false, "answers", "status",
                    "a void version carries no answers; leave answers, not_answered and confirmed out");
}

void submission_check_answers(struct checking *checking)
{
    const struct form *form = checking->submission->form;
    checking->answers = memory_new_array(checking->owner, struct answer, form->item_count);
    checking->invalid = memory_new_array(checking->owner, bool, form->item_count);
    for (size_t i = 0; i < form->item_count; i++)
        checking->answers[i] = answer_missing();
    checking->submission->answers = checking->answers;
    if (checking->submission->status == SUBMISSION_VOID) {
        check_void(checking);
        return;
    }
    bool *sent = memory_new_array(checking->owner, bool, form->item_count);
    read_values(checking, sent);
    talloc_free(sent);
    read_declined(checking);
    check_presence(checking);
    submission_check_rules(checking);
}
