/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/submission_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/expression.h"

static const char soft_range[] = "soft_range";

static void add_finding(struct checking *checking, const char *item, int position, const char *rule,
                        const char *text)
{
    checking->findings = memory_resize_array(checking->owner, checking->findings, struct finding,
                                             checking->finding_count + 1);
    checking->findings[checking->finding_count++] =
        (struct finding){.item = item, .rule = rule, .position = position, .text = text, .reason = NULL};
}

static void find_unusual(struct checking *checking)
{
    const struct form *form = checking->submission->form;
    for (size_t i = 0; i < form->item_count; i++) {
        const struct item *item = &form->items[i];
        const struct answer *answer = &checking->answers[i];
        if (!answer_is_unusual(item, answer))
            continue;
        bool low = answer->number < item->warn_min;
        const char *text =
            memory_format(checking->owner,
                          "%s is %s %.10g%s%s, which is unusual; correct it, or confirm it "
                          "with a reason",
                          answer->text, low ? "below" : "above", low ? item->warn_min : item->warn_max,
                          item->unit != NULL ? " " : "", item->unit != NULL ? item->unit : "");
        add_finding(checking, item->id, (int)i, soft_range, text);
    }
}

static void evaluate_rules(struct checking *checking)
{
    const struct submission *submission = checking->submission;
    const struct form *form = submission->form;
    struct expression_input input = {.form = form, .answers = checking->answers, .date = submission->date,
                                     .today = checking->today};
    for (size_t i = 0; i < form->rule_count; i++) {
        const struct rule *rule = &form->rules[i];
        if (expression_names_any(rule->check, checking->invalid)
            || expression_evaluate(rule->check, &input) != TRUTH_FALSE)
            continue;
        if (!rule->soft)
            problem_add(checking->owner, checking->problems, false, rule->item, rule->id, "%s", rule->text);
        else
            add_finding(checking, rule->item,
                        rule->item != NULL ? form_find_item(form, rule->item) : (int)form->item_count,
                        rule->id, rule->text);
    }
}

static int compare_findings(const void *a, const void *b)
{
    const struct finding *left = a, *right = b;
    if (left->position != right->position)
        return left->position < right->position ? -1 : 1;
    return strcmp(left->rule, right->rule);
}

static bool same_item(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* True when the form has a soft check of that name for that item, found or not. */
static bool is_soft_check(const struct form *form, const char *item, const char *rule)
{
    if (strcmp(rule, soft_range) == 0) {
        int index = item != NULL ? form_find_item(form, item) : FORM_NONE;
        return index != FORM_NONE
               && (!isnan(form->items[index].warn_min) || !isnan(form->items[index].warn_max));
    }
    for (size_t i = 0; i < form->rule_count; i++)
        if (form->rules[i].soft && strcmp(form->rules[i].id, rule) == 0
            && same_item(form->rules[i].item, item))
            return true;
    return false;
}

/* `judged`: nothing else is wrong, so that a check which found nothing has nothing to confirm. */
static void confirm(struct checking *checking, const struct raw_reason *raw, bool judged)
{
    char quote[ANSWER_QUOTE_SIZE];
    struct finding *finding = NULL;
    for (size_t i = 0; i < checking->finding_count && finding == NULL; i++)
        if (strcmp(checking->findings[i].rule, raw->rule) == 0
            && same_item(checking->findings[i].item, raw->item))
            finding = &checking->findings[i];
    const char *reason = submission_read_reason(checking->owner, raw->reason);
    if (finding == NULL && !is_soft_check(checking->submission->form, raw->item, raw->rule))
        problem_add(checking->owner, checking->problems, false, raw->item, "confirmed",
                    "no soft check %s for this item; remove it from \"confirmed\"",
                    answer_quote(raw->rule, quote));
    else if (finding == NULL && judged)
        problem_add(checking->owner, checking->problems, false, raw->item, "confirmed",
                    "the check %s found nothing to "
                    "confirm; remove it from \"confirmed\"",
                    answer_quote(raw->rule, quote));
    else if (finding != NULL && finding->reason != NULL)
        problem_add(checking->owner, checking->problems, false, raw->item, "doubled",
                    "the check %s is confirmed twice; confirm it once", answer_quote(raw->rule, quote));
    else if (reason == NULL)
        problem_add(checking->owner, checking->problems, false, raw->item, "confirmed",
                    "the reason needs 5 to 1000 characters "
                    "that are not blank, and no control characters");
    if (finding != NULL)
        finding->reason = reason != NULL ? reason : "";   /* asked for once, not twice */
}

void submission_check_rules(struct checking *checking)
{
    find_unusual(checking);
    evaluate_rules(checking);
    if (checking->finding_count > 1)
        qsort(checking->findings, checking->finding_count, sizeof checking->findings[0], compare_findings);
    bool judged = checking->problems->count == 0;
    for (size_t i = 0; i < checking->input->confirmed_count; i++)
        confirm(checking, &checking->input->confirmed[i], judged);
    for (size_t i = 0; i < checking->finding_count; i++) {
        const struct finding *finding = &checking->findings[i];
        if (finding->reason == NULL)
            problem_add(checking->owner, checking->problems, true, finding->item, finding->rule, "%s",
                        finding->text);
    }
}
