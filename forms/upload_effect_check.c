/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms/answer.h"
#include "forms/base/memory.h"
#include "forms/score.h"
#include "forms/upload_judge.h"

/* ---- where something stands ---- */

static const char *column_name(const struct upload_judge *judge, size_t column)
{
    return column < judge->plan->column_count ? judge->plan->columns[column].name : NULL;
}

/* The cell of an item that is answered, or has a reason; false when the file has neither. */
static bool find_cell(const struct upload_judge *judge, const char *item, struct upload_place *place)
{
    const struct upload_record *record = judge->record;
    for (size_t i = 0; i < record->input.answer_count; i++)
        if (strcmp(record->input.answers[i].item, item) == 0) {
            place->column = column_name(judge, record->answer_columns[i]);
            place->value = record->answer_cells != NULL ? record->answer_cells[i] : record->input.answers[i].text;
            return true;
        }
    for (size_t i = 0; i < record->input.not_answered_count; i++)
        if (strcmp(record->input.not_answered[i].item, item) == 0) {
            place->column = column_name(judge, record->not_answered_columns[i]);
            place->value = record->not_answered_cells != NULL ? record->not_answered_cells[i]
                                                              : record->input.not_answered[i].reason;
            return true;
        }
    return false;
}

/* How well a column fits the record: columns of its form or visit before those of every row; 0: of another one. */
static int fitness(const struct upload_judge *judge, const struct upload_column *column)
{
    const struct submission_input *input = &judge->record->input;
    bool other_form = column->form != NULL && strcmp(column->form->id, judge->form->id) != 0;
    bool other_visit = column->visit != NULL && (input->visit == NULL || strcmp(column->visit, input->visit) != 0);
    return other_form || other_visit ? 0 : 1 + 2 * (column->form != NULL) + (column->visit != NULL);
}

struct upload_place upload_judge_place(const struct upload_judge *judge, const char *item)
{
    struct upload_place place = {.line = judge->record->line};
    if (find_cell(judge, item, &place))
        return place;
    for (size_t i = 0; i < judge->plan->column_count && place.column == NULL; i++) {
        const struct upload_column *column = &judge->plan->columns[i];
        bool is_items = column->role == UPLOAD_ITEM || column->role == UPLOAD_CHECKBOX;
        if (is_items && column->id != NULL && strcmp(column->id, item) == 0 && fitness(judge, column) > 0)
            place.column = column->name;
    }
    return place;
}

struct upload_place upload_judge_role_place(const struct upload_judge *judge, enum upload_role role)
{
    struct upload_place place = {.line = judge->record->line};
    int best = 0;
    for (size_t i = 0; i < judge->plan->column_count; i++) {
        const struct upload_column *column = &judge->plan->columns[i];
        int fits = column->role == role ? fitness(judge, column) : 0;
        if (fits > best) {
            best = fits;
            place.column = column->name;
        }
    }
    return place;
}

void upload_judge_refuse(struct upload_judge *judge, const char *code, const struct upload_place *place,
                         const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(judge, format, arguments);
    va_end(arguments);
    judge->refused = true;
    upload_finding_add(judge->findings, UPLOAD_ROW_REFUSED, code, place, "%s", text);
}

/* ---- problems of submission_check ---- */

/* Fields of a submission beside its answers: what their problems are called here. */
struct field {
    const char *name;
    const char *code;            /* NULL: the problem's rule */
    enum upload_role role;
};

static const struct field fields[] = {
    {"subject", "unknown_subject", UPLOAD_SUBJECT},
    {"knee", "unknown_knee", UPLOAD_KNEE},
    {"form", "unknown_form", UPLOAD_FORM},
    {"form_version", "unknown_form", UPLOAD_FORM_VERSION},
    {"visit", "unknown_visit", UPLOAD_VISIT},
    {"instance", "bad_instance", UPLOAD_INSTANCE},
    {"date", NULL, UPLOAD_DATE},
    {"reason", "reason_missing", UPLOAD_REASON},
};

/* An item may have the name of a field; rules of fields tell them apart, but for a date that is missing. */
static const struct field *find_field(const struct upload_judge *judge, const struct problem *problem)
{
    static const char *const rules[] = {"format", "future", "visit", "knee", "instance", "version"};
    if (problem->item == NULL)
        return NULL;
    bool is_fields = form_find_item(judge->form, problem->item) == FORM_NONE
                     || (strcmp(problem->item, "date") == 0 && judge->date == NULL);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        is_fields |= strcmp(problem->rule, rules[i]) == 0;
    for (size_t i = 0; is_fields && i < sizeof fields / sizeof fields[0]; i++)
        if (strcmp(fields[i].name, problem->item) == 0)
            return &fields[i];
    return NULL;
}

/* What the file holds for a field, as it was read. */
static const char *field_value(const struct upload_judge *judge, const struct field *field)
{
    const struct submission_input *input = &judge->record->input;
    switch ((int)field->role) {
    case UPLOAD_SUBJECT: return input->subject;
    case UPLOAD_KNEE: return input->knee;
    case UPLOAD_VISIT: return input->visit;
    case UPLOAD_DATE: return input->date;
    case UPLOAD_REASON: return input->reason;
    default: return NULL;
    }
}

static void say_field(struct upload_judge *judge, const struct field *field, const struct problem *problem)
{
    const struct submission_input *input = &judge->record->input;
    struct upload_place place = upload_judge_role_place(judge, field->role);
    place.value = field_value(judge, field);
    bool keeps_rule = field->code == NULL || strcmp(problem->rule, "visit") == 0;
    const char *code = !keeps_rule ? field->code : strcmp(problem->rule, "format") == 0 ? "bad_date" : problem->rule;
    if (field->role == UPLOAD_DATE && judge->date == NULL)
        upload_judge_refuse(judge, code, &place,
                            "the row has no date for form %s; give the date that the form is about in a column "
                            "\"date\", or in one that the site's profile names",
                            judge->form->id);
    else if (field->role == UPLOAD_VISIT && strcmp(problem->rule, "visit") == 0)
        upload_judge_refuse(judge, code, &place,
                            "form %s is not due at visit %s; leave the visit empty (or write unscheduled), or correct "
                            "it",
                            judge->form->id, input->visit);
    else
        upload_judge_refuse(judge, code, &place, "%s", problem->text);
}

/* True when what the problem is about was kept from the stored version. */
static bool is_kept(const struct upload_judge *judge, const struct problem *problem)
{
    struct upload_place place = {0};
    int index = problem->item != NULL ? form_find_item(judge->form, problem->item) : FORM_NONE;
    return index != FORM_NONE && judge->before != NULL && judge->merged[index].text != NULL
           && !find_cell(judge, problem->item, &place);
}

void upload_judge_say_problems(struct upload_judge *judge, const struct problem_list *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct problem *problem = &problems->problems[i];
        const struct field *field = find_field(judge, problem);
        struct upload_place place = {.line = judge->record->line};
        if (field != NULL) {
            say_field(judge, field, problem);
            continue;
        }
        if (problem->item != NULL)
            place = upload_judge_place(judge, problem->item);
        if (!problem->soft)
            upload_judge_refuse(judge, problem->rule, &place, "%s%s", problem->text,
                                is_kept(judge, problem) ? " (its answer is the stored one: a blank cell never takes it "
                                                          "away unless the site's profile says so)"
                                                        : "");
        else if (!is_kept(judge, problem))
            upload_finding_add(judge->findings, UPLOAD_WARNING, problem->rule, &place, "%s; taken as confirmed: %s",
                               problem->text, upload_confirmation);
    }
}

/* ---- what may not be written ---- */

void upload_judge_check_holds(struct upload_judge *judge)
{
    const struct upload_stored *stored = judge->stored;
    struct upload_place row = {.line = judge->record->line};
    struct upload_place subject = upload_judge_role_place(judge, UPLOAD_SUBJECT);
    subject.value = judge->record->input.subject;
    if (stored->study_frozen)
        upload_judge_refuse(judge, "study_frozen", &row,
                            "the study is frozen: nothing can be written; ask the data manager");
    if (!stored->subject_known && !judge->form->creates_subject)
        upload_judge_refuse(judge, "unknown_subject", &subject,
                            "no subject %s is enrolled here; correct the number, or enrol the subject first",
                            subject.value != NULL ? subject.value : "without a number");
    if (stored->subject_locked)
        upload_judge_refuse(judge, "subject_locked", &subject,
                            "the subject is locked; ask the data manager to unlock it, or leave the row out");
    if (stored->record_locked)
        upload_judge_refuse(judge, "record_locked", &row,
                            "the record is locked; ask the data manager to unlock it, or leave the row out");
    if (stored->record_signed)
        upload_judge_refuse(judge, "record_signed", &row,
                            "the record is signed and differs from the row; correct it by hand, so that it is signed "
                            "again, or leave the row out");
    if (stored->version > 0 && stored->is_void && !stored->taken_back)
        upload_judge_refuse(judge, "record_void", &row,
                            "somebody declared this record void; enter it by hand if that was wrong, or leave the row "
                            "out");
}

/* ---- days ---- */

enum time_of_form { AT_ANY_TIME, AT_BASELINE, AFTER_TREATMENT };

/* When a record of this visit is made; for `unscheduled` ones: when all visits that ask for the form are. */
static enum time_of_form time_of(const struct upload_judge *judge, const struct visit *visit)
{
    const struct protocol *protocol = judge->plan->catalogue->protocol;
    if (visit != NULL)
        return visit->baseline ? AT_BASELINE : AFTER_TREATMENT;
    if (judge->form->creates_subject || protocol_form_is_any_time(protocol, judge->form->id))
        return AT_ANY_TIME;
    bool at_baseline = false, later = false;
    for (size_t i = 0; i < protocol->visit_count; i++)
        if (protocol_form_is_due(&protocol->visits[i], judge->form->id)) {
            at_baseline |= protocol->visits[i].baseline;
            later |= !protocol->visits[i].baseline;
        }
    return at_baseline == later ? AT_ANY_TIME : at_baseline ? AT_BASELINE : AFTER_TREATMENT;
}

static void refuse_day(struct upload_judge *judge, const struct upload_place *place, enum time_of_form when,
                       const struct visit *visit)
{
    const char *treated = judge->stored->treated_on;
    const char *what = visit != NULL ? visit->title : judge->form->title;
    if (when == AFTER_TREATMENT)
        upload_judge_refuse(judge, "before_treatment", place,
                            "%s is dated %s, before the treatment on %s, which it follows; correct the date or the "
                            "visit",
                            what, judge->date, treated);
    else
        upload_judge_refuse(judge, "after_treatment", place,
                            "%s is dated %s, after the treatment on %s, which it precedes; correct the date or the "
                            "visit",
                            what, judge->date, treated);
}

void upload_judge_check_day(struct upload_judge *judge, date_days date, bool date_is_new)
{
    date_days treated;
    if (!date_is_new || judge->stored->treated_on == NULL || !date_parse(judge->stored->treated_on, &treated))
        return;
    const char *id = judge->record->input.visit;
    const struct visit *visit = id != NULL ? protocol_find_visit(judge->plan->catalogue->protocol, id) : NULL;
    struct upload_place place = upload_judge_role_place(judge, UPLOAD_DATE);
    place.value = judge->date;
    enum time_of_form when = time_of(judge, visit);
    int day = date_study_day(date, treated);
    if ((when == AFTER_TREATMENT && date < treated) || (when == AT_BASELINE && date > treated))
        refuse_day(judge, &place, when, visit);
    else if (visit != NULL && (day < visit->due[0] || day > visit->due[1]))
        upload_finding_add(judge->findings, UPLOAD_WARNING, "outside_window", &place,
                           "study day %d is outside the window of %s, days %d to %d; look at date and visit", day,
                           visit->title, visit->due[0], visit->due[1]);
}

/* ---- scores ---- */

/* How far a score that is written with so many digits may lie from the computed one. */
static double tolerance_of(int decimals)
{
    static const double halves[] = {0.5, 0.05};
    return (decimals < 2 ? halves[decimals < 0 ? 0 : decimals] : 0.01) + 1e-9;
}

void upload_judge_check_scores(struct upload_judge *judge, const struct form *form, const double *scores)
{
    const struct upload_record *record = judge->record;
    for (size_t i = 0; i < record->score_count; i++) {
        const char *id = record->form->scores[record->scores[i]].id;
        int index = form_find_score(form, id);
        double given = record->score_values[i], computed = index != FORM_NONE ? scores[index] : (double)NAN;
        double tolerance = tolerance_of(record->score_decimals != NULL ? record->score_decimals[i] : 2);
        char value[32];
        snprintf(value, sizeof value, "%.12g", given);
        const struct upload_place place = {record->line, column_name(judge, record->score_columns[i]), value};
        if (isnan(computed))
            upload_judge_refuse(judge, "score_disagrees", &place,
                                "the file gives %.12g for the score %s, which cannot be computed: too few of its items "
                                "are answered; correct the items, or empty the cell",
                                given, id);
        else if (fabs(given - computed) > tolerance)
            upload_judge_refuse(judge, "score_disagrees", &place,
                                "the file gives %.12g for the score %s, its items give %.10g (they may differ by "
                                "%.2g); correct the items, or empty the cell",
                                given, id, computed, tolerance);
    }
}

/* ---- what is to be looked at ---- */

void upload_judge_warn_kept(struct upload_judge *judge)
{
    const struct upload_record *record = judge->record;
    struct upload_place place = {.line = record->line};
    const char *first = NULL;
    size_t kept = 0;
    for (size_t i = 0; judge->before != NULL && i < record->blank_count; i++) {
        const char *id = record->form->items[record->blanks[i]].id;
        int index = judge->form == record->form ? (int)record->blanks[i] : form_find_item(judge->form, id);
        if (record->blank_clears[i] || index == FORM_NONE || judge->old[index].text == NULL)
            continue;
        if (kept++ == 0) {
            first = id;
            if (record->blank_columns != NULL)
                place.column = column_name(judge, record->blank_columns[i]);
        }
    }
    if (kept == 1)
        upload_finding_add(judge->findings, UPLOAD_WARNING, "blank_kept", &place,
                           "the cell is blank, and an answer is stored for %s: the stored one is kept", first);
    else if (kept > 1)
        upload_finding_add(judge->findings, UPLOAD_WARNING, "blank_kept", &place,
                           "%zu cells are blank where answers are stored, %s first: the stored ones are kept", kept,
                           first);
}

static bool is_least(const struct item *item, double number)
{
    for (size_t i = 0; i < item->choice_count; i++)
        if (item->choices[i].number < number)
            return false;
    return true;
}

void upload_judge_warn_alike(struct upload_judge *judge, const struct submission *submission)
{
    enum { FEWEST = 10 };
    const struct form *form = submission->form;
    const char *common = NULL;
    bool all_least = true;
    size_t count = 0;
    for (size_t i = 0; i < form->item_count; i++) {
        const struct item *item = &form->items[i];
        const struct answer *answer = &submission->answers[i];
        if (item->type != ITEM_CHOICE || !item->choices_are_numbers || answer->state != ANSWER_GIVEN)
            continue;
        if (common != NULL && strcmp(common, answer->text) != 0)
            return;
        common = answer->text;
        all_least = all_least && is_least(item, answer->number);
        count++;
    }
    const struct upload_place place = {.line = judge->record->line};
    if (count >= FEWEST && !all_least)
        upload_finding_add(judge->findings, UPLOAD_WARNING, "all_same", &place,
                           "all %zu answers of form %s are %s; look whether the form was filled in with care", count,
                           form->id, common);
}
