/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/upload_effect.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/score.h"
#include "forms/upload_cell.h"
#include "forms/upload_judge.h"

enum { SCRATCH_BLOCKS = 64, SCRATCH_BYTES = 24 * 1024, HASH_ROOM = 64 };

const char upload_confirmation[] = "as in the uploaded file";
const char upload_reason_pending[] = "given when the upload is committed";

static const char nil_uuid[] = "00000000-0000-0000-0000-000000000000";

/* ---- what is stored ---- */

/*
 * The stored version as an input, NULL when it cannot be read: its canonical text is what a client would send, but for
 * the study, which stands first.
 */
static const struct submission_input *read_stored(const void *owner, const char *canonical)
{
    const char *members = strstr(canonical, ",\"subject\":");
    if (members == NULL)
        return NULL;
    char *text = memory_copy_string(owner, members);
    text[0] = '{';
    struct problem_list problems = {NULL, 0};
    return submission_read_json(owner, text, strlen(text), &problems);
}

/* Items mostly come in the order of the form: the one behind the last is looked at first. */
static int find_item(const struct form *form, const char *id, int last)
{
    size_t next = last == FORM_NONE ? 0 : (size_t)last + 1;
    return next < form->item_count && strcmp(form->items[next].id, id) == 0 ? (int)next : form_find_item(form, id);
}

static void lay_stored(struct upload_judge *judge)
{
    const struct submission_input *before = judge->before;
    int index = FORM_NONE;
    judge->gone = memory_new_array(judge, struct raw_answer, before->answer_count);
    for (size_t i = 0; i < before->answer_count; i++) {
        index = find_item(judge->form, before->answers[i].item, index);
        if (index != FORM_NONE)
            judge->old[index].text = before->answers[i].text;
        else
            judge->gone[judge->gone_count++] = before->answers[i];
    }
    index = FORM_NONE;
    for (size_t i = 0; i < before->not_answered_count; i++) {
        index = find_item(judge->form, before->not_answered[i].item, index);
        if (index != FORM_NONE)
            judge->old[index].reason = before->not_answered[i].reason;
    }
    memcpy(judge->merged, judge->old, judge->form->item_count * sizeof judge->old[0]);
}

/* ---- the file over it ---- */

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* A stored text is the file's when only blanks around it differ, or when it is the cell as it stands there. */
static bool same_words(const void *owner, const char *stored, const char *text, const char *cell)
{
    const char *trimmed = upload_cell_trim(memory_copy_string(owner, stored));
    return strcmp(trimmed, text) == 0 || (cell != NULL && strcmp(trimmed, cell) == 0);
}

/* 27.40 is 27.4. */
static bool same_answer(const struct upload_judge *judge, int index, const char *text, const char *cell)
{
    const struct item *item = &judge->form->items[index];
    const char *stored = judge->old[index].text;
    double left, right;
    if (same_text(stored, text))
        return true;
    if (stored == NULL)
        return false;
    if (item->type == ITEM_TEXT)
        return same_words(judge, stored, text, cell);
    return (item->type == ITEM_DECIMAL || item->type == ITEM_INTEGER) && text_to_decimal(stored, &left)
           && text_to_decimal(text, &right) && left == right;
}

static void refuse_unknown_item(struct upload_judge *judge, const char *id)
{
    const struct upload_place place = upload_judge_place(judge, id);
    upload_judge_refuse(judge, "unknown", &place,
                        "the record is stored with version %d of form %s, which has no item \"%s\"; empty the cell, "
                        "or correct the record by hand",
                        judge->form->version, judge->form->id, id);
}

static void lay_answers(struct upload_judge *judge)
{
    const struct submission_input *input = &judge->record->input;
    const char *const *cells = judge->record->answer_cells;
    int index = FORM_NONE;
    for (size_t i = 0; i < input->answer_count; i++) {
        index = find_item(judge->form, input->answers[i].item, index);
        if (index == FORM_NONE) {
            refuse_unknown_item(judge, input->answers[i].item);
            continue;
        }
        struct upload_slot *slot = &judge->merged[index];
        if (!same_answer(judge, index, input->answers[i].text, cells != NULL ? cells[i] : NULL))
            slot->text = input->answers[i].text;
        slot->reason = NULL;
    }
}

static void lay_reasons(struct upload_judge *judge)
{
    const struct submission_input *input = &judge->record->input;
    const char *const *cells = judge->record->not_answered_cells;
    for (size_t i = 0; i < input->not_answered_count; i++) {
        int index = form_find_item(judge->form, input->not_answered[i].item);
        const char *stored = index != FORM_NONE ? judge->old[index].text : NULL;
        if (index == FORM_NONE)
            refuse_unknown_item(judge, input->not_answered[i].item);
        else if (stored == NULL || cells == NULL || judge->form->items[index].type != ITEM_TEXT
                 || !same_words(judge, stored, cells[i], NULL))   /* somebody wrote "UNK", and it came back */
            judge->merged[index] = (struct upload_slot){.reason = input->not_answered[i].reason};
    }
}

static void lay_blanks(struct upload_judge *judge)
{
    const struct upload_record *record = judge->record;
    for (size_t i = 0; i < record->blank_count; i++) {
        int index = record->blank_clears[i] ? form_find_item(judge->form, record->form->items[record->blanks[i]].id)
                                            : FORM_NONE;
        if (index != FORM_NONE)
            judge->merged[index] = (struct upload_slot){NULL, NULL};
    }
}

static void merge(struct upload_judge *judge)
{
    const struct upload_stored *stored = judge->stored;
    judge->form = judge->record->form;
    if (stored->version > 0 && !stored->is_void) {
        const struct upload_place row = {.line = judge->record->line};
        judge->before = read_stored(judge, stored->content);
        if (judge->before == NULL)
            upload_judge_refuse(judge, "record_unreadable", &row,
                                "what is stored of this record cannot be read; tell the data manager");
        const struct form *form =
            catalogue_find_form(judge->plan->catalogue, judge->form->id, stored->form_version);
        if (form != NULL && form->version > judge->form->version)
            judge->form = form;
    }
    judge->old = memory_new_array(judge, struct upload_slot, judge->form->item_count);
    judge->merged = memory_new_array(judge, struct upload_slot, judge->form->item_count);
    if (judge->before != NULL)
        lay_stored(judge);
    lay_answers(judge);
    lay_reasons(judge);
    lay_blanks(judge);
    judge->date = judge->record->input.date;
    if (judge->date == NULL && judge->before != NULL)
        judge->date = judge->before->date;
}

/* The file says what is stored, to the letter: nothing needs to be judged but its scores. */
static bool is_plainly_unchanged(const struct upload_judge *judge)
{
    if (judge->before == NULL || judge->refused || !same_text(judge->date, judge->before->date))
        return false;
    for (size_t i = 0; i < judge->form->item_count; i++)
        if (!same_text(judge->old[i].text, judge->merged[i].text)
            || !same_text(judge->old[i].reason, judge->merged[i].reason))
            return false;
    return true;
}

/* ---- judging ---- */

static void lay_out(const struct upload_judge *judge, struct submission_input *input)
{
    size_t items = judge->form->item_count;
    struct raw_answer *answers = memory_new_array(judge, struct raw_answer, items);
    struct raw_reason *reasons = memory_new_array(judge, struct raw_reason, items);
    input->answers = answers;
    input->not_answered = reasons;
    input->answer_count = input->not_answered_count = 0;
    for (size_t i = 0; i < items; i++) {
        const struct upload_slot *slot = &judge->merged[i];
        const char *id = judge->form->items[i].id;
        if (slot->text != NULL)
            answers[input->answer_count++] = (struct raw_answer){id, RAW_TEXT, slot->text};
        else if (slot->reason != NULL)
            reasons[input->not_answered_count++] = (struct raw_reason){.item = id, .reason = slot->reason};
    }
}

static const char *stored_confirmation(const struct upload_judge *judge, const struct problem *problem)
{
    for (size_t i = 0; judge->before != NULL && i < judge->before->confirmed_count; i++) {
        const struct raw_reason *confirmed = &judge->before->confirmed[i];
        if (same_text(confirmed->item, problem->item) && same_text(confirmed->rule, problem->rule))
            return confirmed->reason;
    }
    return NULL;
}

static const struct raw_reason *confirm(const struct upload_judge *judge, const struct problem_list *problems)
{
    struct raw_reason *confirmed = memory_new_array(judge, struct raw_reason, problems->count);
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->problems[i];
        const char *reason = stored_confirmation(judge, problem);
        confirmed[i] = (struct raw_reason){.item = problem->item, .rule = problem->rule,
                                           .reason = reason != NULL ? reason : upload_confirmation};
    }
    return confirmed;
}

static bool all_are_soft(const struct problem_list *problems)
{
    for (size_t i = 0; i < problems->count; i++)
        if (!problems->problems[i].soft)
            return false;
    return true;
}

static const char *reason_for_change(const struct upload_judge *judge)
{
    const char *own = judge->record->input.reason;
    return own != NULL && own[0] != '\0' ? own : judge->judging->reason;
}

/* `soft`: out, what was confirmed.  NULL: refused, and said. */
static struct submission *check(struct upload_judge *judge, struct problem_list *soft)
{
    const struct catalogue *catalogue = judge->plan->catalogue;
    struct submission_input input = judge->record->input;
    int version = judge->stored->version + 1;
    const char *reason = reason_for_change(judge);
    input.id = nil_uuid;
    input.form = judge->form->id;
    input.form_version = judge->form->version;
    input.version = version;
    input.status = NULL;
    input.date = judge->date;
    input.reason = version == 1 ? NULL : reason != NULL ? reason : upload_reason_pending;
    input.confirmed = NULL;
    input.confirmed_count = 0;
    lay_out(judge, &input);
    struct problem_list problems = {NULL, 0};
    struct submission *submission =
        submission_check(judge->owner, catalogue, &input, judge->judging->today, &problems);
    if (submission == NULL && all_are_soft(&problems)) {
        *soft = problems;
        input.confirmed = confirm(judge, soft);
        input.confirmed_count = soft->count;
        problems = (struct problem_list){NULL, 0};
        submission = submission_check(judge->owner, catalogue, &input, judge->judging->today, &problems);
    }
    if (submission == NULL)
        upload_judge_say_problems(judge, &problems);
    return submission;
}

/* ---- what differs ---- */

/* An answer as text; a reason for none in brackets; NULL for neither. */
static const char *describe(const void *owner, const char *text, const char *reason)
{
    if (text != NULL)
        return memory_copy_string(owner, text);
    return reason != NULL ? memory_format(owner, "[%s]", reason) : NULL;
}

static bool is_same(const struct upload_slot *old, const struct answer *answer)
{
    return same_text(old->text, answer->state == ANSWER_GIVEN ? answer->text : NULL)
           && same_text(old->reason, answer->state == ANSWER_DECLINED ? answer->text : NULL);
}

static void add_change(struct upload_effect *effect, struct upload_change **changes, const char *item,
                       const char *before, const char *after)
{
    (*changes)[effect->change_count++] = (struct upload_change){item, before, after};
}

static void find_changes(const struct upload_judge *judge, const struct submission *submission,
                         struct upload_effect *effect)
{
    const struct form *form = judge->form;
    struct upload_change *changes =
        memory_new_array(judge->owner, struct upload_change, form->item_count + judge->gone_count + 1);
    const char *date = judge->before != NULL ? judge->before->date : NULL;
    if (!same_text(date, judge->date))
        add_change(effect, &changes, "date", describe(judge->owner, date, NULL),
                   describe(judge->owner, judge->date, NULL));
    for (size_t i = 0; i < form->item_count; i++) {
        const struct answer *answer = &submission->answers[i];
        if (is_same(&judge->old[i], answer))
            continue;
        bool given = answer->state == ANSWER_GIVEN;
        add_change(effect, &changes, form->items[i].id,
                   describe(judge->owner, judge->old[i].text, judge->old[i].reason),
                   describe(judge->owner, given ? answer->text : NULL, given ? NULL : answer->text));
    }
    for (size_t i = 0; effect->change_count > 0 && i < judge->gone_count; i++) {
        const struct raw_answer *gone = &judge->gone[i];
        add_change(effect, &changes, memory_copy_string(judge->owner, gone->item),
                   describe(judge->owner, gone->text, NULL), NULL);
    }
    effect->changes = changes;
}

/* ---- identity ---- */

static void digest(const EVP_MD *kind, const struct text *bytes, uint8_t *out)
{
    uint8_t whole[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (EVP_Digest(bytes->bytes, bytes->length, whole, &length, kind, NULL) != 1)
        abort();
    memcpy(out, whole, length < 32 ? length : 32);
}

/* The canonical text without its member "reason", which stands behind the date as this program writes it. */
static struct text *without_reason(const void *owner, const struct submission *submission)
{
    const char *canonical = submission->canonical;
    struct text *text = text_new_with_room(owner, strlen(canonical) + HASH_ROOM);
    const char *answers = canonical;
    if (submission->reason != NULL) {
        struct text *member = text_new(owner);
        text_append(member, ",\"reason\":");
        text_append_json(member, submission->reason);
        const char *found = strstr(canonical, member->bytes);
        if (found == NULL)
            abort();
        text_append_bytes(text, canonical, (size_t)(found - canonical));
        answers = found + member->length;
    }
    text_append(text, answers);
    return text;
}

static void identify(const struct upload_judge *judge, struct upload_effect *effect)
{
    static const uint8_t name_space[16] = {0x3d, 0x52, 0x8c, 0x91, 0x0e, 0x47, 0x4f, 0x1a,
                                           0xb6, 0x23, 0x7a, 0xc4, 0x5f, 0x90, 0x61, 0xe8};
    struct submission *submission = effect->submission;
    struct text *content = without_reason(judge, submission);
    digest(EVP_sha256(), content, effect->content);
    struct text *name = text_new_with_room(judge, content->length + HASH_ROOM);
    text_append_bytes(name, name_space, sizeof name_space);
    text_append_bytes(name, content->bytes, content->length);
    uint8_t sha1[32];
    digest(EVP_sha1(), name, sha1);
    memcpy(submission->id, sha1, sizeof submission->id);
    submission->id[6] = (submission->id[6] & 0x0f) | 0x50;   /* RFC 9562, 5.5 */
    submission->id[8] = (submission->id[8] & 0x3f) | 0x80;
}

/* ---- the verdict ---- */

/* What is new or changed, held against everything that may still refuse it. */
static void judge_writing(struct upload_judge *judge, const struct submission *submission,
                          const struct upload_effect *effect)
{
    bool date_is_new = judge->before == NULL || !same_text(judge->before->date, judge->date);
    upload_judge_check_holds(judge);
    if (judge->stored->version > 0 && reason_for_change(judge) == NULL && !judge->judging->reason_pending) {
        struct upload_place place = upload_judge_role_place(judge, UPLOAD_REASON);
        upload_judge_refuse(judge, "reason_missing", &place,
                            "the row changes what is stored, and no reason is given; give one when you commit, or in "
                            "a column for the reason");
    }
    upload_judge_check_day(judge, submission->date, date_is_new);
    upload_judge_warn_alike(judge, submission);
    const struct upload_place row = {.line = judge->record->line};
    if (judge->before != NULL && judge->form->version != judge->record->form->version)
        upload_finding_add(judge->findings, UPLOAD_ASSUMED, "form_version", &row,
                           "the record is stored with version %d of form %s and stays in that version, for it is "
                           "newer than the file's",
                           judge->form->version, judge->form->id);
    else if (judge->before != NULL && judge->stored->form_version != judge->form->version)
        upload_finding_add(judge->findings, UPLOAD_ASSUMED, "form_version", &row,
                           "the record was stored with version %d of form %s and goes on in version %d%s",
                           judge->stored->form_version, judge->form->id, judge->form->version,
                           effect->change_count > 0 && judge->gone_count > 0
                               ? ", which has not all of its items: they are listed as changes"
                               : "");
}

static void find_verdict(struct upload_judge *judge, struct upload_effect *effect)
{
    struct problem_list soft = {NULL, 0};
    struct submission *submission = check(judge, &soft);
    if (submission == NULL) {
        upload_judge_check_holds(judge);
        return;
    }
    if (judge->record->score_count > 0)
        upload_judge_check_scores(judge, submission->form, submission->scores);
    if (judge->stored->version > 0)
        find_changes(judge, submission, effect);
    if (judge->before != NULL && effect->change_count == 0) {
        effect->verdict = judge->refused ? UPLOAD_REFUSED : UPLOAD_UNCHANGED;
        return;
    }
    upload_judge_say_problems(judge, &soft);
    judge_writing(judge, submission, effect);
    if (judge->refused)
        return;
    effect->verdict = judge->stored->version > 0 ? UPLOAD_CHANGED : UPLOAD_NEW;
    effect->submission = submission;
    identify(judge, effect);
}

/* The scores of what is stored, by the form that it is stored with. */
static void check_stored_scores(struct upload_judge *judge)
{
    const struct submission_input *before = judge->before;
    const struct form *form =
        catalogue_find_form(judge->plan->catalogue, judge->form->id, judge->stored->form_version);
    if (form == NULL)
        form = judge->form;
    struct answer *answers = memory_new_array(judge, struct answer, form->item_count);
    double *scores = memory_new_array(judge, double, form->score_count);
    struct problem_list problems = {NULL, 0};
    for (size_t i = 0; i < form->item_count; i++)
        answers[i] = answer_missing();
    int index = FORM_NONE;
    for (size_t i = 0; i < before->answer_count; i++) {
        index = find_item(form, before->answers[i].item, index);
        if (index != FORM_NONE
            && !answer_read(judge, &form->items[index], &before->answers[i], &answers[index], &problems))
            answers[index] = answer_missing();
    }
    score_compute(form, answers, scores);
    upload_judge_check_scores(judge, form, scores);
}

struct upload_effect upload_effect_of(const void *owner, const struct upload_plan *plan,
                                      const struct upload_record *record, const struct upload_stored *stored,
                                      const struct upload_judging *judging, struct upload_findings *findings)
{
    struct upload_judge *judge = memory_new_pool(owner, struct upload_judge, SCRATCH_BLOCKS, SCRATCH_BYTES);
    *judge = (struct upload_judge){.owner = owner, .plan = plan, .record = record, .stored = stored,
                                   .judging = judging, .findings = findings};
    struct upload_effect effect = {.verdict = UPLOAD_REFUSED};
    merge(judge);
    if (!is_plainly_unchanged(judge)) {
        find_verdict(judge, &effect);
    } else {
        if (record->score_count > 0)
            check_stored_scores(judge);
        effect.verdict = judge->refused ? UPLOAD_REFUSED : UPLOAD_UNCHANGED;
    }
    if (effect.verdict != UPLOAD_REFUSED)
        upload_judge_warn_kept(judge);
    if (effect.verdict != UPLOAD_CHANGED)
        effect.change_count = 0;
    talloc_free(judge);
    return effect;
}
