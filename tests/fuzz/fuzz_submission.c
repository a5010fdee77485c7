/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as the body of a submission to a study with the shipped forms koos, adverse_event and enrolment.
 * Refused: with problems that can be shown.  Accepted: the canonical text is JSON, gives the same answers when it is
 * read back, and the same bytes when its content is sent again.
 */
#define FUZZ_TARGET fuzz_submission
#include "tests/fuzz/fuzz.h"

#include <math.h>
#include <string.h>

#include "forms/base/memory.h"

static const char protocol_text[] =
    "protocol: {id: demo, version: 1, title: Demo, masking: none, randomised: false}\n"
    "cohorts: [{id: A, title: A, kind: active}]\n"
    "visits:\n"
    "  - {id: BL, target: 1, due: [-30, 1], analysis: [min, 1], forms: [koos]}\n"
    "  - {id: M3, target: 92, due: [78, 106], analysis: [2, 137], forms: [koos]}\n"
    "any_time: [adverse_event]\n";

static const struct catalogue *study(void)
{
    static struct catalogue catalogue;
    static const struct form *forms[3];
    if (catalogue.protocol != NULL)
        return &catalogue;
    const void *owner = memory_owner(NULL, "study");
    struct error error = {0};
    forms[0] = fuzz_shipped_form(owner, "adverse_event");
    forms[1] = fuzz_shipped_form(owner, "enrolment");
    forms[2] = fuzz_shipped_form(owner, "koos");
    catalogue = (struct catalogue){.study = "demo", .forms = forms, .form_count = 3};
    catalogue.protocol = protocol_parse(owner, "demo.yaml", protocol_text, sizeof protocol_text - 1, &error);
    FUZZ_REQUIRE_WITH(catalogue.protocol != NULL, error.message);
    return &catalogue;
}

static void require_problems(const struct problem_list *problems)
{
    FUZZ_REQUIRE(problems->count >= 1 && problems->count <= PROBLEM_LIMIT);
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->problems[i];
        FUZZ_REQUIRE(problem->rule != NULL && problem->rule[0] != '\0' && problem->text[0] != '\0');
        FUZZ_REQUIRE_WITH(text_is_utf8(problem->text, strlen(problem->text)), problem->text);
    }
}

static struct submission *check(const void *owner, const char *text, size_t length)
{
    struct problem_list problems = {NULL, 0};
    const struct submission_input *input = submission_read_json(owner, text, length, &problems);
    struct submission *submission =
        input != NULL ? submission_check(owner, study(), input, date_from_civil(2026, 6, 30), &problems) : NULL;
    if (submission == NULL)
        require_problems(&problems);
    else
        FUZZ_REQUIRE(problems.count == 0);
    return submission;
}

static void require_scores(const struct submission *submission)
{
    FUZZ_REQUIRE((submission->scores == NULL) == (submission->status == SUBMISSION_VOID));
    for (size_t i = 0; submission->scores != NULL && i < submission->form->score_count; i++) {
        const struct score *score = &submission->form->scores[i];
        double value = submission->scores[i];
        FUZZ_REQUIRE_WITH(isnan(value) || (value >= score->range[0] - 1e-9 && value <= score->range[1] + 1e-9),
                          score->id);
    }
}

/* What is stored, sent again under a UUID: {"study":"demo", gives way to {"id":"...", */
static void require_same_again(const void *owner, const struct submission *submission)
{
    static const char study_field[] = "{\"study\":\"demo\",";
    const size_t field_length = sizeof study_field - 1;
    FUZZ_REQUIRE(strncmp(submission->canonical, study_field, field_length) == 0);
    char id[37];
    text_from_uuid(submission->id, id);
    const char *text = memory_format(owner, "{\"id\":\"%s\",%s", id, submission->canonical + field_length);
    const struct submission *again = check(owner, text, strlen(text));
    FUZZ_REQUIRE_WITH(again != NULL, text);
    FUZZ_REQUIRE_WITH(strcmp(again->canonical, submission->canonical) == 0, again->canonical);
    fuzz_require_same_answers(submission->form, again->answers, submission->answers);
}

/* Text by text: the canonical text as a whole may join the letter of an escape with a mark behind it. */
static void require_nfc(const void *owner, const struct submission *submission)
{
    for (size_t i = 0; i < submission->form->item_count; i++) {
        const char *text = submission->answers[i].text;
        FUZZ_REQUIRE_WITH(text == NULL || strcmp(text_to_nfc(owner, text), text) == 0, text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    void *owner = memory_owner(NULL, "fuzz");
    const struct submission *submission = check(owner, (const char *)data, size);
    if (submission != NULL) {
        fuzz_require_json(submission->canonical);
        require_nfc(owner, submission);
        require_scores(submission);
        struct error error = {0};
        const struct answer *answers =
            submission_read_answers(owner, submission->form, submission->canonical, &error);
        FUZZ_REQUIRE_WITH(answers != NULL, error.message);
        fuzz_require_same_answers(submission->form, answers, submission->answers);
        require_same_again(owner, submission);
    }
    talloc_free(owner);
    return 0;
}
