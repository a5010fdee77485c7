/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/recheck.h"

#include <string.h>

#include "forms/base/memory.h"

enum { DAYS_BACK = 3 };   /* a client tries again within days; the day of the date stands for the rest */

static bool is_rule(const struct form *form, const char *id)
{
    for (size_t i = 0; i < form->rule_count; i++)
        if (strcmp(form->rules[i].id, id) == 0)
            return true;
    return false;
}

/* True when another protocol or another day may have judged otherwise. */
static bool may_pass_before(const struct form *form, const struct problem *problem)
{
    bool of_visit = problem->item != NULL && strcmp(problem->item, "visit") == 0;
    return of_visit || strcmp(problem->rule, "visit") == 0 || strcmp(problem->rule, "future") == 0 ||
           strcmp(problem->rule, "confirmed") == 0 || is_rule(form, problem->rule);
}

static bool may_have_passed(const struct catalogue *catalogue, const struct submission_input *input,
                            const struct problem_list *problems)
{
    const struct form *form = NULL;
    if (input->form != NULL && input->form_version > 0 && input->form_version <= INT_MAX)
        form = catalogue_find_form(catalogue, input->form, (int)input->form_version);
    for (size_t i = 0; form != NULL && i < problems->count; i++)
        if (!may_pass_before(form, &problems->problems[i]))
            return false;
    return form != NULL;
}

/* The protocol that asks for this form at this visit, whatever they are. */
static struct protocol *lenient_protocol(const void *owner, const struct protocol *protocol,
                                         const struct submission_input *input)
{
    struct protocol *lenient = memory_new(owner, struct protocol);
    struct visit *visit = memory_new(lenient, struct visit);
    const char **form = memory_new(lenient, const char *);
    *form = memory_copy_string(lenient, input->form);
    visit->id = memory_copy_string(lenient, input->visit != NULL ? input->visit : "unscheduled");
    visit->forms = form;
    visit->form_count = 1;
    *lenient = *protocol;
    lenient->visits = visit;
    lenient->visit_count = 1;
    lenient->any_time = form;
    lenient->any_time_count = 1;
    return lenient;
}

struct submission *recheck_as_before(const void *owner, const struct catalogue *catalogue,
                                     const struct submission_input *input, date_days today,
                                     const struct problem_list *problems)
{
    date_days dated = DATE_NONE;
    if (!may_have_passed(catalogue, input, problems) || input->date == NULL ||
        !date_parse(input->date, &dated))
        return NULL;
    struct catalogue lenient = *catalogue;
    lenient.protocol = lenient_protocol(owner, catalogue->protocol, input);
    void *work = memory_owner(owner, "recheck");
    struct submission *submission = NULL;
    for (int back = 0; submission == NULL && back <= DAYS_BACK + 1; back++) {
        /* Before its own date, which a clock that was set back makes of today, it can never have passed. */
        date_days day = back <= DAYS_BACK && today - back > dated ? today - back : dated;
        struct problem_list ignored = {0};
        submission = submission_check(work, &lenient, input, day, &ignored);
        if (day == dated)
            break;
    }
    if (submission == NULL)
        talloc_free(work);
    return submission;
}
