/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/collected.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector/store.h"
#include "forms/base/memory.h"

#define PROTOCOL "tests/support/study.yaml"
#define FORMS "forms/instruments"

enum { YAML_LIMIT = 1 << 20, MOST_ITEMS = 32 };

struct collected {
    struct test_database *database;
    struct db *db;
    struct catalogue *catalogue;
    struct store *store;
    unsigned submissions;
};

static char *read_yaml(const void *owner, const char *path)
{
    struct error error;
    size_t length;
    char *yaml = text_read_file(owner, path, YAML_LIMIT, &length, &error);
    if (yaml == NULL)
        fail_msg("%s", error.message);
    return yaml;
}

static void put_definitions(const struct collected *collected, const char *masking)
{
    void *work = memory_owner(collected, "definitions");
    char *protocol = read_yaml(work, PROTOCOL);
    const char *at = strstr(protocol, "masking: none");
    assert_non_null(at);
    test_run(collected->db,
             memory_format(work, "SELECT admin.put_protocol('demo', 1, $$%.*smasking: %s%s$$, '%s')",
                           (int)(at - protocol), protocol, masking, at + strlen("masking: none"), masking));
    for (size_t i = 0; i < collected->catalogue->form_count; i++) {
        const char *form = collected->catalogue->forms[i]->id;
        char *yaml = read_yaml(work, memory_format(work, FORMS "/%s.yaml", form));
        test_run(collected->db,
                 memory_format(work, "SELECT admin.put_form('demo', '%s', 1, $$%s$$)", form, yaml));
    }
    talloc_free(work);
}

struct collected *collected_new(const void *owner, const char *masking)
{
    struct error error;
    struct collected *collected = memory_new(owner, struct collected);
    collected->database = test_database_new(collected);
    collected->db = test_database_connect(collected, collected->database, NULL);
    collected->catalogue = catalogue_load(collected, PROTOCOL, FORMS, &error);
    if (collected->catalogue == NULL)
        fail_msg("%s", error.message);
    collected->catalogue->study = "demo";
    test_run(collected->db, memory_format(collected, "SELECT admin.add_study('demo', 'A study', '%s', "
                                          "'patella_reporter')", masking));
    test_run(collected->db, "SELECT admin.add_site('demo', 1, 'First', 'Europe/Berlin'), "
                            "admin.add_site('demo', 2, 'Second', 'Europe/Berlin')");
    put_definitions(collected, masking);
    test_run(collected->db, "SELECT admin.add_account('coordinator', 'Coordinator'); "
                            "SELECT admin.add_token('coordinator', 'demo', 'coordinator', '{}', "
                            "sha256('coordinator'), now() + interval '30 days'); "
                            "SELECT admin.add_account('statistician', 'Statistician'); "
                            "SELECT admin.add_token('statistician', 'demo', 'statistician', '{}', "
                            "sha256('statistician'), now() + interval '30 days')");
    const char *conninfo = test_database_conninfo(collected, collected->database, "patella_collector");
    collected->store = store_open_writer(collected, conninfo, 0, &error);
    if (collected->store == NULL)
        fail_msg("%s", error.message);
    return collected;
}

struct test_database *collected_database(const struct collected *collected)
{
    return collected->database;
}

struct db *collected_db(const struct collected *collected)
{
    return collected->db;
}

/* Checks with every soft finding confirmed: first without, to learn which they are. */
static struct submission *check(const struct collected *collected, struct submission_input *input)
{
    struct problem_list problems = {NULL, 0};
    date_days today = date_from_civil(2040, 1, 1);
    struct submission *submission =
        submission_check(collected, collected->catalogue, input, today, &problems);
    if (submission != NULL)
        return submission;
    struct raw_reason *confirmed = memory_new_array(collected, struct raw_reason, problems.count);
    for (size_t i = 0; i < problems.count; i++) {
        const struct problem *problem = &problems.problems[i];
        if (!problem->soft)
            fail_msg("%s %s: %s", input->form, problem->item != NULL ? problem->item : "", problem->text);
        confirmed[i] = (struct raw_reason){problem->item, problem->rule, "made for a test"};
    }
    input->confirmed = confirmed;
    input->confirmed_count = problems.count;
    submission = submission_check(collected, collected->catalogue, input, today, &problems);
    assert_non_null(submission);
    return submission;
}

static const char *given_text(const struct submission_input *input, const char *item)
{
    for (size_t i = 0; i < input->answer_count; i++)
        if (strcmp(input->answers[i].item, item) == 0)
            return input->answers[i].text;
    return NULL;
}

static void store(const struct collected *collected, const struct submission_input *input,
                  const struct submission *submission)
{
    bool enrols = submission->form->creates_subject && submission->version == 1;
    const struct store_write row = {
        .token = "coordinator", .study_id = 1, .protocol_version = 1, .submission = submission, .door = "api",
        .index_knee = enrols ? given_text(input, "index_knee") : NULL,
        .continues = enrols ? given_text(input, "continues") : NULL,
    };
    const struct store_write *rows[] = {&row};
    struct store_verdict verdict, *verdicts[] = {&verdict};
    const struct store_segment segment = {.rows = rows, .verdicts = verdicts, .count = 1, .first = true, .last = true};
    struct error error;
    bool unknown;
    if (!store_submit(collected->store, &segment, &unknown, &error) ||
        !store_commit(collected->store, &unknown, &error))
        fail_msg("%s", error.message);
    if (verdict.kind != STORE_ACCEPTED)
        fail_msg("%s of %s: %s", input->form, input->subject, verdict.code);
}

void collected_submit(struct collected *collected, const struct collected_form *form, ...)
{
    struct raw_answer answers[MOST_ITEMS];
    struct raw_reason reasons[MOST_ITEMS];
    size_t count = 0, reason_count = 0;
    va_list items;
    va_start(items, form);
    for (const char *item; (item = va_arg(items, const char *)) != NULL && count + reason_count < MOST_ITEMS;) {
        const char *text = va_arg(items, const char *);
        if (text[0] == '!')
            reasons[reason_count++] = (struct raw_reason){item, NULL, text + 1};
        else
            answers[count++] = (struct raw_answer){item, RAW_TEXT, text};
    }
    va_end(items);
    struct submission_input input = {
        .id = memory_format(collected, "00000000-0000-4000-8000-%012u", ++collected->submissions),
        .subject = form->subject,
        .knee = form->knee,
        .form = form->form,
        .form_version = 1,
        .visit = form->visit,
        .instance = form->instance,
        .version = form->version,
        .status = form->status,
        .date = form->date,
        .reason = form->version > 1 ? "corrected for a test" : NULL,
        .answers = answers,
        .answer_count = count,
        .not_answered = reasons,
        .not_answered_count = reason_count,
    };
    store(collected, &input, check(collected, &input));
}

static void add_vas(struct collected *collected, const char *subject, const char *visit, const char *date,
                    const char *vas)
{
    collected_submit(collected,
                     &(struct collected_form){subject, "pain_vas", "right", visit, date, 1, 1, NULL}, "vas",
                     vas, NULL);
}

static void add_event(struct collected *collected, const char *subject, const char *kind)
{
    const struct collected_form form = {
        .subject = subject, .form = "adverse_event", .knee = "right", .date = "2026-02-01",
    };
    collected_submit(collected, &form, "term", "something happened", "coded_term", kind, "onset",
                     "2026-01-20", "severity", "mild", "serious", "false", "ongoing", "true",
                     "special_interest", kind, NULL);
}

void collected_fill(struct collected *collected)
{
    static const char *const subjects[] = {"01-0001", "01-0002", "01-0003", "01-0004", "02-0001"};
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        const char *subject = subjects[i];
        collected_submit(
            collected,
            &(struct collected_form){.subject = subject, .form = "enrolment", .date = "2026-01-05"},
            "index_knee", "right", NULL);
        collected_submit(collected,
                         &(struct collected_form){
                             .subject = subject, .form = "treatment", .knee = "right", .date = "2026-01-10"},
                         "injections_planned", "1", "product_kind", "cells", "product_lot", "LOT-7", NULL);
        add_vas(collected, subject, "BL", "2026-01-09", "60");
        add_vas(collected, subject, "M3", "2026-04-11", "40");
        int site = atoi(subject), number = atoi(subject + 3);
        test_run(collected->db, memory_format(collected,
                                              "SELECT admin.allocate('demo', '{%d}', '{%d}', '{none}', "
                                              "'{%s}', 'made for a test')",
                                              site, number, i % 2 ? "CS" : "CELLS"));
    }
    add_event(collected, "01-0001", "swelling");
    add_event(collected, "01-0002", "harvest_site");
}

int collected_cut(struct collected *collected, const char *label)
{
    return atoi(
        test_value(collected->db, memory_format(collected, "SELECT admin.make_cut('demo', '%s')", label)));
}
