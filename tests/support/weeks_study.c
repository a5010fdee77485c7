/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/weeks_study.h"

#include <stdio.h>

#define WEEKS "tests/golden/other_studies/weeks"

enum { ITEMS = 14, VISITS = 4 };

static size_t scatter(size_t a, size_t b, size_t c, size_t below)
{
    return (a * 7919 + b * 104729 + c * 1299709 + a * b * 31 + a * c * 17) % 9973 % below;
}

static void add_activities(struct study *study, size_t subject, size_t visit, date_days first)
{
    static const char *const visits[VISITS] = {"W0", "W4", "W8", "W13"};
    static const int days[VISITS] = {0, 28, 56, 91};
    struct study_record *record =
        study_add_record(study, subject, "activities", KNEE_RIGHT, visits[visit], first + days[visit]);
    for (size_t item = 1; item <= ITEMS; item++) {
        char id[8], code[8];
        snprintf(id, sizeof id, "d%zu", item);
        snprintf(code, sizeof code, "%zu", 1 + scatter(subject, visit, item, 5));
        study_answer(study, record, id, code);
    }
    study_answer(study, record, "knee_now", scatter(subject, visit, 15, 2) == 0 ? "2" : "4");
}

static void add_baseline(struct study *study, size_t subject, date_days first, bool no_severity)
{
    static const char *const severities[] = {"light", "middling", "heavy"};
    char age[8];
    struct study_record *record = study_add_record(study, subject, "baseline", KNEE_NONE, "W0", first);
    snprintf(age, sizeof age, "%zu", 30 + scatter(subject, 1, 2, 45));
    study_answer(study, record, "age_years", age);
    study_answer(study, record, "works", scatter(subject, 3, 1, 2) == 0 ? "true" : "false");
    if (!no_severity || subject % 4 != 0)
        study_answer(study, record, "severity", severities[scatter(subject, 2, 2, 3)]);
}

struct study *weeks_study_new(const void *owner, const struct weeks_shape *shape)
{
    struct study *study = study_new_with_forms(owner, WEEKS "/protocol.yaml", WEEKS "/forms");
    date_days first = study_date("2025-02-03");
    for (size_t i = 0; i < shape->subjects; i++) {
        int site = shape->one_site ? 1 : 1 + (int)scatter(i, 5, 5, 3);
        size_t subject = study_add_subject(study, site, (int)i + 1, KNEE_RIGHT,
                                           shape->one_cohort || i % 2 == 0 ? "PLASMA" : "SALINE");
        study_add_record(study, subject, "treatment", KNEE_RIGHT, "unscheduled", first);
        add_baseline(study, subject, first, shape->no_severity);
        for (size_t visit = 0; visit < (shape->unmeasured ? 1 : VISITS); visit++)
            add_activities(study, subject, visit, first);
    }
    return study;
}
