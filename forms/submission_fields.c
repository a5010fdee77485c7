/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/submission_check.h"

#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/suggestion.h"

enum { NUMBER_LIMIT = 9999 };   /* of instances and versions */

static void refuse(struct checking *checking, const char *field, const char *rule, const char *text)
{
    problem_add(checking->owner, checking->problems, false, field, rule, "%s", text);
}

const char *submission_read_reason(const void *owner, const char *reason)
{
    if (text_has_control(reason))
        return NULL;
    const char *text = text_to_nfc(owner, reason);
    if (text_count_visible(text) < 5 || text_count_characters(text) > REASON_LENGTH_LIMIT)
        return NULL;
    return text == reason ? memory_copy_string(owner, reason) : text;
}

static void check_identity(struct checking *checking)
{
    const struct submission_input *input = checking->input;
    struct submission *submission = checking->submission;
    if (input->id == NULL)
        refuse(checking, "id", "required",
               "\"id\" is missing; send a UUID that is made once for this version and kept");
    else if (!text_to_uuid(input->id, submission->id))
        refuse(checking, "id", "format", "\"id\" is no UUID; write it as 8-4-4-4-12 hexadecimal digits");
    if (input->subject == NULL)
        refuse(checking, "subject", "required",
               "\"subject\" is missing; send site and number, as in 07-0012");
    else if (!subject_parse(input->subject, &submission->site, &submission->subject))
        refuse(checking, "subject", "format",
               "\"subject\" must be site and number with at least two and four digits, as "
               "in 07-0012");
}

static bool check_form(struct checking *checking)
{
    const struct submission_input *input = checking->input;
    const struct catalogue *catalogue = checking->catalogue;
    char quote[ANSWER_QUOTE_SIZE];
    if (input->form == NULL) {
        refuse(checking, "form", "required", "\"form\" is missing; name the form");
        return false;
    }
    if (catalogue_find_form(catalogue, input->form, 0) == NULL) {
        struct suggestion suggestion = suggestion_begin(input->form);
        for (size_t i = 0; i < catalogue->form_count; i++)
            suggestion_offer(&suggestion, catalogue->forms[i]->id);
        char hint[SUGGESTION_TEXT_SIZE];
        suggestion_format(&suggestion, hint);
        problem_add(checking->owner, checking->problems, false, "form", "unknown",
                    "this study has no form %s%s", answer_quote(input->form, quote), hint);
        return false;
    }
    if (input->form_version == 0)
        problem_add(checking->owner, checking->problems, false, "form_version", "required",
                    "\"form_version\" is missing; send the version of the form that was filled in, which for "
                    "the newest is %d",
                    catalogue_find_form(catalogue, input->form, 0)->version);
    int version =
        input->form_version >= 0 && input->form_version <= NUMBER_LIMIT ? (int)input->form_version : -1;
    checking->submission->form = version >= 0 ? catalogue_find_form(catalogue, input->form, version) : NULL;
    if (checking->submission->form != NULL)
        return true;
    problem_add(checking->owner, checking->problems, false, "form_version", "unknown",
                "form %s has no such version; the newest is %d", input->form,
                catalogue_find_form(catalogue, input->form, 0)->version);
    return false;
}

static void check_knee(struct checking *checking)
{
    static const char *const knees[] = {"none", "left", "right"};
    const char *knee = checking->input->knee != NULL ? checking->input->knee : "none";
    for (size_t i = 0; i < 3; i++)
        if (strcmp(knee, knees[i]) == 0)
            checking->submission->knee = knees[i];
    if (checking->submission->knee == NULL) {
        refuse(checking, "knee", "format", "\"knee\" must be left, right or none");
        return;
    }
    bool is_none = checking->submission->knee == knees[0];
    enum form_about about = checking->submission->form->about;
    if (about == FORM_ABOUT_KNEE && is_none)
        refuse(checking, "knee", "knee", "this form is about one knee; send \"knee\" as left or right");
    if (about == FORM_ABOUT_SUBJECT && !is_none)
        refuse(checking, "knee", "knee", "this form is about the subject, not a knee; leave \"knee\" out");
}

static void check_visit(struct checking *checking)
{
    const struct protocol *protocol = checking->catalogue->protocol;
    const struct form *form = checking->submission->form;
    const char *visit = checking->input->visit;
    char quote[ANSWER_QUOTE_SIZE];
    bool due_somewhere = form->creates_subject || protocol_form_is_any_time(protocol, form->id);
    for (size_t i = 0; i < protocol->visit_count; i++)
        due_somewhere |= protocol_form_is_due(&protocol->visits[i], form->id);
    if (!due_somewhere) {
        refuse(checking, "form", "visit", "the protocol asks for this form at no visit and at no other time");
        return;
    }
    if (visit == NULL || strcmp(visit, "unscheduled") == 0) {
        checking->submission->visit = "unscheduled";
        return;
    }
    const struct visit *found = protocol_find_visit(protocol, visit);
    if (found == NULL)
        problem_add(checking->owner, checking->problems, false, "visit", "unknown",
                    "the protocol has no visit %s; send one of its visits, or unscheduled",
                    answer_quote(visit, quote));
    else if (!protocol_form_is_due(found, form->id))
        problem_add(checking->owner, checking->problems, false, "visit", "visit",
                    "form %s is not due at visit %s; send \"visit\": \"unscheduled\"", form->id, found->id);
    else
        checking->submission->visit = found->id;
}

static void check_numbers(struct checking *checking)
{
    const struct submission_input *input = checking->input;
    struct submission *submission = checking->submission;
    int64_t instance = input->instance == 0 ? 1 : input->instance;
    int64_t version = input->version == 0 ? 1 : input->version;
    if (instance < 1 || instance > NUMBER_LIMIT)
        refuse(checking, "instance", "format", "\"instance\" must lie between 1 and 9999");
    else
        submission->instance = (int)instance;
    if (version < 1 || version > NUMBER_LIMIT)
        refuse(checking, "version", "format", "\"version\" must lie between 1 and 9999");
    else
        submission->version = (int)version;
    const struct form *form = submission->form;
    bool unscheduled = submission->visit != NULL && strcmp(submission->visit, "unscheduled") == 0;
    if (submission->instance > 1 && !form->repeats && (!unscheduled || form->creates_subject))
        refuse(checking, "instance", "instance",
               "this form is filled in once here; send instance 1, or the further one as "
               "unscheduled");
}

static void check_status(struct checking *checking)
{
    const char *status = checking->input->status;
    struct submission *submission = checking->submission;
    submission->status = SUBMISSION_COMPLETE;
    if (status != NULL && strcmp(status, "void") == 0)
        submission->status = SUBMISSION_VOID;
    else if (status != NULL && strcmp(status, "complete") != 0)
        refuse(checking, "status", "format", "\"status\" must be complete or void");
    if (submission->status == SUBMISSION_VOID && submission->version == 1)
        refuse(checking, "status", "status",
               "a record that does not exist cannot be voided; send the version that follows "
               "its latest one");
}

static void check_date(struct checking *checking)
{
    const char *date = checking->input->date;
    checking->submission->date = DATE_NONE;
    if (date == NULL)
        refuse(checking, "date", "required",
               "\"date\" is missing; send the date that the form is about, YYYY-MM-DD");
    else if (!date_parse(date, &checking->submission->date))
        refuse(checking, "date", "format", "\"date\" is no date; write it as YYYY-MM-DD");
    else if (checking->submission->date > checking->today)
        refuse(checking, "date", "future", "the date lies in the future at the site; correct it");
}

static void check_reason(struct checking *checking)
{
    const char *reason = checking->input->reason;
    struct submission *submission = checking->submission;
    if (submission->version == 1 && reason != NULL)
        refuse(checking, "reason", "version",
               "a first version has no reason for change; leave \"reason\" out");
    if (submission->version <= 1)
        return;
    submission->reason = reason != NULL ? submission_read_reason(checking->owner, reason) : NULL;
    if (reason == NULL)
        refuse(checking, "reason", "required", "a correction needs a reason for change; send \"reason\"");
    else if (submission->reason == NULL)
        refuse(checking, "reason", "format",
               "the reason for change needs 5 to 1000 characters that are not blank, and no "
               "control characters");
}

bool submission_check_fields(struct checking *checking)
{
    check_identity(checking);
    check_date(checking);
    bool has_form = check_form(checking);
    if (has_form) {
        check_knee(checking);
        check_visit(checking);
        check_numbers(checking);
        check_status(checking);
        check_reason(checking);
    }
    return has_form;
}
