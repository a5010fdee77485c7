/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "tests/support/uploaded.h"

#define HEALTHY "rheumatoid_arthritis=false other_autoimmune_disease=false active_infection=false"

static struct upload_effect effect_of(struct uploaded *world)
{
    world->findings = upload_findings_begin(world->owner);
    return upload_effect_of(world->owner, &world->plan, &world->record, &world->stored, &world->judging,
                            &world->findings);
}

static void expect(struct uploaded *world, enum upload_verdict verdict, const char *only_code)
{
    struct upload_effect effect = effect_of(world);
    if (only_code == NULL && world->findings.count > 0)
        fail_msg("%s: %s", world->findings.findings[0].code, world->findings.findings[0].text);
    if (only_code != NULL) {
        uploaded_finding(world, only_code);
        assert_int_equal(world->findings.count, 1);
    }
    assert_int_equal(effect.verdict, verdict);
    assert_int_equal(effect.submission != NULL, verdict == UPLOAD_NEW || verdict == UPLOAD_CHANGED);
    assert_int_equal(world->findings.refusals, verdict == UPLOAD_REFUSED);
}

/* What the record does becomes what is stored. */
static struct upload_effect store(struct uploaded *world)
{
    struct upload_effect effect = effect_of(world);
    if (effect.submission == NULL)
        fail_msg("%s: %s", world->findings.findings[0].code, world->findings.findings[0].text);
    world->stored.version = effect.submission->version;
    world->stored.form_version = effect.submission->form->version;
    world->stored.content = effect.submission->canonical;
    world->stored.dated = world->record.input.date;
    return effect;
}

/* ---- verdicts ---- */

static void test_upload_effect_unknown_record_is_new_with_version_1_and_scores(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("pain_vas", 1, "M3");
    uploaded_answer(&world, "vas=41.5");
    struct upload_effect effect = effect_of(&world);
    assert_int_equal(effect.verdict, UPLOAD_NEW);
    assert_int_equal(effect.submission->version, 1);
    assert_true(effect.submission->scores[0] == 41.5);
    assert_int_equal(effect.submission->id[6] >> 4, 5);
    assert_int_equal(effect.submission->id[8] >> 6, 2);
    assert_int_equal(effect.change_count, 0);
    assert_int_equal(world.findings.count, 0);
    uploaded_end(&world);
}

static void test_upload_effect_same_again_is_unchanged_whatever_the_digits(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("pain_vas", 1, "M3");
    uploaded_answer(&world, "vas=41.5");
    store(&world);
    expect(&world, UPLOAD_UNCHANGED, NULL);
    uploaded_answer(&world, "vas=41.50");
    expect(&world, UPLOAD_UNCHANGED, NULL);
    uploaded_answer(&world, "");
    expect(&world, UPLOAD_UNCHANGED, NULL);
    world.record.input.date = NULL;
    expect(&world, UPLOAD_UNCHANGED, NULL);
    uploaded_end(&world);
}

static void test_upload_effect_change_names_old_and_new(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("koos", 1, "M3");
    world.judging.reason = "corrected at the site";
    uploaded_answer(&world, "p1=1 p2=2 s1=3 s2=!refused");
    store(&world);
    uploaded_answer(&world, "p1=4 p2=!unknown s2=0");
    world.record.input.date = "2026-03-16";
    struct upload_effect effect = effect_of(&world);
    static const struct upload_change expected[] = {{"date", "2026-03-15", "2026-03-16"},
                                                    {"s2", "[refused]", "0"},
                                                    {"p1", "1", "4"},
                                                    {"p2", "2", "[unknown]"}};
    assert_int_equal(effect.verdict, UPLOAD_CHANGED);
    assert_int_equal(effect.submission->version, 2);
    assert_string_equal(effect.submission->reason, "corrected at the site");
    assert_int_equal(effect.change_count, 4);
    for (size_t i = 0; i < effect.change_count; i++) {
        bool found = false;
        for (size_t k = 0; k < 4; k++)
            found |= strcmp(effect.changes[i].item, expected[k].item) == 0
                     && strcmp(effect.changes[i].before, expected[k].before) == 0
                     && strcmp(effect.changes[i].after, expected[k].after) == 0;
        assert_true(found);
    }
    assert_non_null(strstr(effect.submission->canonical, "\"s1\":3"));
    uploaded_end(&world);
}

static void test_upload_effect_blank_keeps_what_is_stored_and_warns(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("koos", 1, "M3");
    uploaded_answer(&world, "p1=1 p2=2 s1=3");
    store(&world);
    uploaded_answer(&world, "p1= s1=3");
    expect(&world, UPLOAD_UNCHANGED, "blank_kept");
    assert_string_equal(uploaded_finding(&world, "blank_kept")->column, "p1");
    uploaded_answer(&world, "p1= p2= s1=3");
    expect(&world, UPLOAD_UNCHANGED, "blank_kept");
    assert_non_null(strstr(uploaded_finding(&world, "blank_kept")->text, "2 cells"));
    uploaded_answer(&world, "p3=");
    expect(&world, UPLOAD_UNCHANGED, NULL);
    uploaded_end(&world);
}

static void test_upload_effect_blank_clears_where_the_profile_says_so(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("koos", 1, "M3");
    world.judging.reason = "corrected at the site";
    uploaded_answer(&world, "p1=1 p2=2");
    store(&world);
    uploaded_answer(&world, "p1= p2=2");
    ((bool *)world.record.blank_clears)[0] = true;
    struct upload_effect effect = effect_of(&world);
    assert_int_equal(effect.verdict, UPLOAD_CHANGED);
    assert_int_equal(effect.change_count, 1);
    assert_string_equal(effect.changes[0].before, "1");
    assert_null(effect.changes[0].after);
    assert_int_equal(world.findings.count, 0);
    uploaded_end(&world);
}

/* ---- identity ---- */

static void test_upload_effect_id_is_of_the_content_not_of_the_reason(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("koos", 1, "M3");
    uploaded_answer(&world, "p1=1");
    struct upload_effect first = effect_of(&world), again = effect_of(&world);
    assert_memory_equal(first.submission->id, again.submission->id, 16);
    assert_memory_equal(first.content, again.content, 32);
    uploaded_answer(&world, "p1=2");
    struct upload_effect other = store(&world);
    assert_memory_not_equal(first.submission->id, other.submission->id, 16);
    uploaded_answer(&world, "p1=3");
    world.judging.reason_pending = true;
    struct upload_effect preview = effect_of(&world);
    assert_string_equal(preview.submission->reason, upload_reason_pending);
    world.judging = (struct upload_judging){"demo", world.judging.today, "said at \"commit\"", false};
    struct upload_effect commit = effect_of(&world);
    assert_memory_equal(preview.submission->id, commit.submission->id, 16);
    assert_memory_equal(preview.content, commit.content, 32);
    uploaded_end(&world);
}

/* ---- reason for change ---- */

static void test_upload_effect_change_without_reason_is_refused(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("koos", 1, "M3");
    uploaded_answer(&world, "p1=1");
    store(&world);
    expect(&world, UPLOAD_UNCHANGED, NULL);
    uploaded_answer(&world, "p1=2");
    expect(&world, UPLOAD_REFUSED, "reason_missing");
    assert_string_equal(uploaded_finding(&world, "reason_missing")->column, "Why");
    world.record.input.reason = "no";
    expect(&world, UPLOAD_REFUSED, "reason_missing");
    world.record.input.reason = "read from the paper again";
    expect(&world, UPLOAD_CHANGED, NULL);
    uploaded_end(&world);
}

/* ---- problems ---- */

static void test_upload_effect_hard_problem_names_line_column_and_cell(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("pain_vas", 1, "M3");
    uploaded_answer(&world, "vas=140");
    static const char *const cells[] = {"140,0"};
    world.record.answer_cells = cells;
    expect(&world, UPLOAD_REFUSED, "range");
    const struct upload_finding *finding = uploaded_finding(&world, "range");
    assert_int_equal(finding->line, 7);
    assert_string_equal(finding->column, "vas");
    assert_string_equal(finding->value, "140,0");
    uploaded_end(&world);
}

static void test_upload_effect_missing_answer_names_its_column(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("baseline", 1, "BL");
    uploaded_answer(&world, "age_years=61 sex=f bmi=27.4 kl_grade= " HEALTHY);
    expect(&world, UPLOAD_REFUSED, "required");
    assert_string_equal(uploaded_finding(&world, "required")->column, "kl_grade");
    uploaded_end(&world);
}

static void test_upload_effect_fields_have_codes_of_their_own(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("pain_vas", 1, "M3");
    uploaded_answer(&world, "vas=40");
    static const struct {
        const char *subject, *knee, *visit, *date, *code, *column;
    } cases[] = {
        {"12", "left", "M3", "2026-03-15", "unknown_subject", "Patient"},
        {"07-0012", "middle", "M3", "2026-03-15", "unknown_knee", "Side"},
        {"07-0012", NULL, "M3", "2026-03-15", "unknown_knee", "Side"},
        {"07-0012", "left", "M4", "2026-03-15", "unknown_visit", "Event"},
        {"07-0012", "left", "M3", "15.3.26", "bad_date", "Date"},
        {"07-0012", "left", "M3", "2026-05-15", "future", "Date"},
        {"07-0012", "left", "M3", NULL, "required", "Date"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        world.record.input.subject = cases[i].subject;
        world.record.input.knee = cases[i].knee;
        world.record.input.visit = cases[i].visit;
        world.record.input.date = cases[i].date;
        expect(&world, UPLOAD_REFUSED, cases[i].code);
        assert_string_equal(uploaded_finding(&world, cases[i].code)->column, cases[i].column);
    }
    uploaded_end(&world);
}

static void test_upload_effect_soft_finding_warns_and_is_confirmed(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("baseline", 1, "BL");
    uploaded_answer(&world, "age_years=61 sex=f bmi=47.5 kl_grade=2 " HEALTHY);
    struct upload_effect effect = effect_of(&world);
    assert_int_equal(effect.verdict, UPLOAD_NEW);
    assert_int_equal(uploaded_finding(&world, "soft_range")->severity, UPLOAD_WARNING);
    assert_string_equal(uploaded_finding(&world, "soft_range")->column, "bmi");
    assert_non_null(strstr(effect.submission->canonical, upload_confirmation));
    uploaded_end(&world);
}

static void test_upload_effect_confirmation_that_is_stored_stays(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("baseline", 1, "BL");
    world.judging.reason = "age corrected";
    uploaded_answer(&world, "age_years=61 sex=f bmi=47.5 kl_grade=2 " HEALTHY);
    struct upload_effect effect = effect_of(&world);
    struct text *stored = text_new(world.owner);
    const char *reason = strstr(effect.submission->canonical, upload_confirmation);
    text_append_bytes(stored, effect.submission->canonical, (size_t)(reason - effect.submission->canonical));
    text_append(stored, "measured twice");
    text_append(stored, reason + strlen(upload_confirmation));
    world.stored.version = 1;
    world.stored.form_version = 1;
    world.stored.content = stored->bytes;
    uploaded_answer(&world, "age_years=62");
    effect = effect_of(&world);
    assert_int_equal(effect.verdict, UPLOAD_CHANGED);
    assert_non_null(strstr(effect.submission->canonical, "measured twice"));
    assert_null(strstr(effect.submission->canonical, upload_confirmation));
    uploaded_end(&world);
}

static void test_upload_effect_answer_that_is_kept_but_no_longer_asked_is_explained(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("return_to_activity", 1, "M3");
    world.judging.reason = "corrected at the site";
    uploaded_answer(&world, "work=returned work_date=2026-03");
    store(&world);
    uploaded_answer(&world, "work=not_yet work_date=");
    expect(&world, UPLOAD_REFUSED, "skipped");
    assert_non_null(strstr(uploaded_finding(&world, "skipped")->text, "stored one"));
    ((bool *)world.record.blank_clears)[0] = true;
    expect(&world, UPLOAD_CHANGED, NULL);
    uploaded_end(&world);
}

/* ---- what may not be written ---- */

static void test_upload_effect_holds_refuse_changes_only(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("koos", 1, "M3");
    world.judging.reason = "corrected at the site";
    uploaded_answer(&world, "p1=1");
    store(&world);
    const struct upload_stored base = world.stored;
    struct {
        struct upload_stored stored;
        const char *code;
    } cases[5];
    for (size_t i = 0; i < 5; i++)
        cases[i].stored = base;
    cases[0].stored.study_frozen = true, cases[0].code = "study_frozen";
    cases[1].stored.subject_locked = true, cases[1].code = "subject_locked";
    cases[2].stored.record_locked = true, cases[2].code = "record_locked";
    cases[3].stored.record_signed = true, cases[3].code = "record_signed";
    cases[4].stored.subject_known = false, cases[4].code = "unknown_subject";
    for (size_t i = 0; i < 5; i++) {
        world.stored = cases[i].stored;
        uploaded_answer(&world, "p1=1");
        expect(&world, UPLOAD_UNCHANGED, NULL);
        uploaded_answer(&world, "p1=2");
        expect(&world, UPLOAD_REFUSED, cases[i].code);
    }
    uploaded_end(&world);
}

static void test_upload_effect_void_record_is_refused_unless_an_upload_was_taken_back(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("koos", 1, "M3");
    world.judging.reason = "uploaded again";
    uploaded_answer(&world, "p1=1");
    store(&world);
    world.stored.version = 2;
    world.stored.is_void = true;
    expect(&world, UPLOAD_REFUSED, "record_void");
    world.stored.taken_back = true;
    struct upload_effect effect = effect_of(&world);
    assert_int_equal(effect.verdict, UPLOAD_CHANGED);
    assert_int_equal(effect.submission->version, 3);
    assert_int_equal(effect.change_count, 2);
    uploaded_end(&world);
}

static void test_upload_effect_enrolment_makes_the_subject_known(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("enrolment", 1, NULL);
    world.stored.subject_known = false;
    uploaded_answer(&world, "index_knee=left");
    expect(&world, UPLOAD_NEW, NULL);
    world = (uploaded_end(&world), uploaded_of("koos", 1, "M3"));
    world.stored.subject_known = false;
    uploaded_answer(&world, "p1=1");
    expect(&world, UPLOAD_REFUSED, "unknown_subject");
    assert_string_equal(uploaded_finding(&world, "unknown_subject")->value, "07-0012");
    uploaded_end(&world);
}

/* ---- days ---- */

static void test_upload_effect_day_is_held_against_the_treatment(void **state)
{
    (void)state;
    static const struct {
        const char *form, *visit, *treated, *date, *code;
        enum upload_verdict verdict;
    } cases[] = {
        {"pain_vas", "M3", "2025-12-15", "2026-03-15", NULL, UPLOAD_NEW},
        {"pain_vas", "M3", "2025-11-15", "2026-03-15", "outside_window", UPLOAD_NEW},
        {"pain_vas", "M3", "2026-03-16", "2026-03-15", "before_treatment", UPLOAD_REFUSED},
        {"pain_vas", "BL", "2026-03-14", "2026-03-15", "after_treatment", UPLOAD_REFUSED},
        {"pain_vas", "BL", "2026-03-15", "2026-03-15", NULL, UPLOAD_NEW},
        {"pain_vas", NULL, "2026-03-16", "2026-03-15", NULL, UPLOAD_NEW},
        {"return_to_activity", NULL, "2026-03-16", "2026-03-15", "before_treatment", UPLOAD_REFUSED},
        {"pain_vas", "M3", NULL, "2026-03-15", NULL, UPLOAD_NEW},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct uploaded world = uploaded_of(cases[i].form, 1, cases[i].visit);
        world.stored.treated_on = cases[i].treated;
        world.record.input.date = cases[i].date;
        uploaded_answer(&world, strcmp(cases[i].form, "pain_vas") == 0 ? "vas=3" : "work=not_yet");
        expect(&world, cases[i].verdict, cases[i].code);
        if (cases[i].code != NULL)
            assert_string_equal(uploaded_finding(&world, cases[i].code)->column, "Date");
        uploaded_end(&world);
    }
}

/* ---- scores and suspicions ---- */

static void give_score(struct uploaded *world, const char *id, double value, int decimals)
{
    const struct form *form = world->record.form;
    size_t *score = memory_new(world->owner, size_t), *column = memory_new(world->owner, size_t);
    double *values = memory_new(world->owner, double);
    int *digits = memory_new(world->owner, int);
    *score = (size_t)form_find_score(form, id);
    *column = UPLOADED_FIXED + form->item_count + *score;
    *values = value;
    *digits = decimals;
    world->record.scores = score;
    world->record.score_columns = column;
    world->record.score_values = values;
    world->record.score_decimals = digits;
    world->record.score_count = 1;
}

/* (1 + 1 + 1 + 1 + 2) / 5 = 1.2 of 4: 100 - 30 = 70; with p6 = 2 as well 65. */
static void test_upload_effect_score_must_agree_as_far_as_its_digits_go(void **state)
{
    (void)state;
    static const struct {
        double given;
        int decimals;
        enum upload_verdict verdict;
    } cases[] = {{70, 0, UPLOAD_NEW},       {70.4, 1, UPLOAD_REFUSED}, {70.01, 2, UPLOAD_NEW},
                 {70.02, 2, UPLOAD_REFUSED}, {71, 0, UPLOAD_REFUSED},   {70.009, 3, UPLOAD_NEW}};
    struct uploaded world = uploaded_of("koos", 1, "M3");
    uploaded_answer(&world, "p1=1 p2=1 p3=1 p4=1 p5=2");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        give_score(&world, "pain", cases[i].given, cases[i].decimals);
        expect(&world, cases[i].verdict, cases[i].verdict == UPLOAD_REFUSED ? "score_disagrees" : NULL);
        if (cases[i].verdict == UPLOAD_REFUSED)
            assert_string_equal(uploaded_finding(&world, "score_disagrees")->column, "score pain");
    }
    give_score(&world, "sport", 50, 0);
    expect(&world, UPLOAD_REFUSED, "score_disagrees");
    assert_non_null(strstr(uploaded_finding(&world, "score_disagrees")->text, "too few"));
    uploaded_end(&world);
}

static void test_upload_effect_answers_all_alike_warn_but_not_all_none(void **state)
{
    (void)state;
    static const char *const items[] = {"s1", "s2", "s3", "s4", "s5", "p1", "p2", "p3", "p4", "p5"};
    static const struct {
        size_t items;
        const char *codes;
        const char *code;
    } cases[] = {{10, "2222222222", "all_same"}, {9, "2222222222", NULL}, {10, "2222222221", NULL},
                 {10, "0000000000", NULL}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct uploaded world = uploaded_of("koos", 1, "M3");
        struct text *words = text_new(world.owner);
        for (size_t i = 0; i < cases[k].items; i++)
            text_append_format(words, "%s=%c ", items[i], cases[k].codes[i]);
        uploaded_answer(&world, words->bytes);
        expect(&world, UPLOAD_NEW, cases[k].code);
        uploaded_end(&world);
    }
}

/* ---- versions of a form ---- */

static void test_upload_effect_newer_form_version_is_kept(void **state)
{
    (void)state;
    struct uploaded world = uploaded_of("pain_vas", 1, "M3");
    uploaded_answer(&world, "vas=40");
    store(&world);
    struct form newer = *world.record.form;
    newer.version = 2;
    const struct form *forms[64];
    size_t count = world.catalogue->form_count;
    assert_true(count < 64);
    for (size_t i = 0, k = 0; i <= count; i++)
        forms[i] = k == i && world.catalogue->forms[k] == world.record.form ? &newer
                                                                             : world.catalogue->forms[k++];
    struct catalogue wider = *world.catalogue;
    wider.forms = forms;
    wider.form_count = count + 1;
    world.plan.catalogue = &wider;
    world.judging.reason = "corrected at the site";
    world.record.form = &newer;
    world.record.input.form_version = 2;
    expect(&world, UPLOAD_UNCHANGED, NULL);
    uploaded_answer(&world, "vas=41");
    expect(&world, UPLOAD_CHANGED, "form_version");
    struct upload_effect effect = store(&world);
    assert_int_equal(effect.submission->form->version, 2);
    world.record.form = catalogue_find_form(world.catalogue, "pain_vas", 1);
    world.record.input.form_version = 1;
    uploaded_answer(&world, "vas=42");
    effect = effect_of(&world);
    assert_int_equal(effect.verdict, UPLOAD_CHANGED);
    assert_int_equal(effect.submission->form->version, 2);
    assert_non_null(strstr(uploaded_finding(&world, "form_version")->text, "stays"));
    uploaded_end(&world);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_upload_effect_unknown_record_is_new_with_version_1_and_scores),
        cmocka_unit_test(test_upload_effect_same_again_is_unchanged_whatever_the_digits),
        cmocka_unit_test(test_upload_effect_change_names_old_and_new),
        cmocka_unit_test(test_upload_effect_blank_keeps_what_is_stored_and_warns),
        cmocka_unit_test(test_upload_effect_blank_clears_where_the_profile_says_so),
        cmocka_unit_test(test_upload_effect_id_is_of_the_content_not_of_the_reason),
        cmocka_unit_test(test_upload_effect_change_without_reason_is_refused),
        cmocka_unit_test(test_upload_effect_hard_problem_names_line_column_and_cell),
        cmocka_unit_test(test_upload_effect_missing_answer_names_its_column),
        cmocka_unit_test(test_upload_effect_fields_have_codes_of_their_own),
        cmocka_unit_test(test_upload_effect_soft_finding_warns_and_is_confirmed),
        cmocka_unit_test(test_upload_effect_confirmation_that_is_stored_stays),
        cmocka_unit_test(test_upload_effect_answer_that_is_kept_but_no_longer_asked_is_explained),
        cmocka_unit_test(test_upload_effect_holds_refuse_changes_only),
        cmocka_unit_test(test_upload_effect_void_record_is_refused_unless_an_upload_was_taken_back),
        cmocka_unit_test(test_upload_effect_enrolment_makes_the_subject_known),
        cmocka_unit_test(test_upload_effect_day_is_held_against_the_treatment),
        cmocka_unit_test(test_upload_effect_score_must_agree_as_far_as_its_digits_go),
        cmocka_unit_test(test_upload_effect_answers_all_alike_warn_but_not_all_none),
        cmocka_unit_test(test_upload_effect_newer_form_version_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
