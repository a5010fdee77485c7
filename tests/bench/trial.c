/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/trial.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

const char *const trial_visit_names[TRIAL_VISITS] = {"BL", "M3", "M6", "M12", "M24"};

static const int visit_days[TRIAL_VISITS] = {0, 91, 183, 365, 730};
static const double trajectory[2][TRIAL_VISITS] = {{0, -.25, -.25, -.2, -.12}, {0, .8, 1, .95, .8}};
static const double drop_out[TRIAL_VISITS] = {0, .05, .07, .09, .13};

/* ---- random numbers: splitmix64 (Steele et al., OOPSLA 2014), normal ones by Box and Muller ---- */

static double uniform(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return ((double)((z ^ (z >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static double normal(uint64_t *state, double mean, double sd)
{
    double radius = sqrt(-2 * log(uniform(state)));
    return mean + sd * radius * cos(6.283185307179586 * uniform(state));
}

static int below(uint64_t *state, int count)
{
    return (int)(uniform(state) * count);
}

static int choose(uint64_t *state, const double *weights, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += weights[i];
    double left = uniform(state) * sum;
    int chosen = 0;
    while (chosen < count - 1 && (left -= weights[chosen]) >= 0)
        chosen++;
    return chosen;
}

static int poisson(uint64_t *state, double mean)
{
    double left = exp(-mean), product = uniform(state);
    int count = 0;
    while (product > left) {
        product *= uniform(state);
        count++;
    }
    return count;
}

static double limited(double value, double least, double most)
{
    return value < least ? least : value > most ? most : value;
}

/* ---- a subject ---- */

static void make_person(uint64_t *state, struct trial_subject *subject)
{
    static const char *const cohorts[] = {"PLACEBO", "AD-MSC", "UC-MSC"};
    static const double grades[] = {.1, .35, .4, .15}, injections[] = {.7, .2, .1};
    subject->cohort = cohorts[below(state, 3)];
    subject->female = uniform(state) < .6;
    subject->age = (int)limited(round(normal(state, 62, 9)), 20, 99);
    subject->bmi = limited(round(normal(state, 29, 4.5) * 10) / 10, 14, 60);
    subject->grade = 1 + choose(state, grades, 4);
    subject->injections = 1 + choose(state, injections, 3);
    subject->treated = date_from_civil(2021, 1, 1) + below(state, 901);
}

static double effect(const struct trial_subject *subject)
{
    double size = strcmp(subject->cohort, "AD-MSC") == 0 ? -.30 : strcmp(subject->cohort, "UC-MSC") == 0 ? -.38 : 0;
    return size * (1 - .12 * (subject->grade - 2));
}

static void fill_visit(uint64_t *state, double level, struct trial_visit *visit)
{
    for (int i = 0; i < TRIAL_ITEMS; i++) {
        double item = limited(round(level + normal(state, 0, .6)), 0, 4);
        visit->items[i] = uniform(state) < .008 ? -1 : (int)item;
    }
    visit->vas = (int)limited(round(25 * level + normal(state, 0, 10)), 0, 100);
    visit->pga = (int)limited(round(25 * level + normal(state, 0, 12)), 0, 100);
}

static void make_visits(uint64_t *state, struct trial_subject *subject)
{
    double own = normal(state, 0, .55), size = effect(subject);
    bool gone = false;
    for (int v = 0; v < TRIAL_VISITS; v++) {
        struct trial_visit *visit = &subject->visits[v];
        double level = 1.9 + .12 * (subject->grade - 2.5) + own + trajectory[0][v] + size * trajectory[1][v]
                     + normal(state, 0, .35);
        gone = gone || uniform(state) < drop_out[v] * (1 + .6 * (level > 2.2));
        bool skipped = v > 0 && uniform(state) < .03;
        int day = v == 0 ? -below(state, 15) : visit_days[v] + (int)round(normal(state, 0, 9));
        visit->kept = !gone && !skipped;
        visit->date = subject->treated + day;
        fill_visit(state, level, visit);
        if (visit->kept)
            subject->last_contact = visit->date;
    }
    subject->enrolled = subject->visits[0].date;
    subject->completed = subject->visits[TRIAL_VISITS - 1].kept;
}

static void make_events(uint64_t *state, struct trial_subject *subject)
{
    static const char *const terms[][2] = {
        {"Musculoskeletal", "Joint swelling"}, {"Musculoskeletal", "Joint stiffness"},
        {"Musculoskeletal", "Arthralgia"}, {"Musculoskeletal", "Joint effusion"}, {"Injection site", "Redness"},
        {"Injection site", "Discomfort"}, {"Injection site", "Bleeding"},
        {"Infections", "Injection site infection"}, {"Infections", "Septic arthritis"},
        {"Infections", "Nasopharyngitis"}, {"Nervous system", "Headache"},
        {"Nervous system", "Peripheral nerve injury"}, {"Nervous system", "Dizziness"},
        {"Immune system", "Allergic reaction"}, {"Neoplasms", "Benign neoplasm"}, {"Neoplasms", "Malignant neoplasm"},
    };
    static const double weights[] = {20, 15, 25, 12, 14, 18, 6, 2, .2, 10, 10, .5, 6, 3, .3, .2};
    static const char *const severities[] = {"mild", "moderate", "severe"}, *const relations[] = {"none", "possible",
                                                                                                 "probable"};
    static const double severe[] = {.65, .3, .05}, related[] = {.5, .3, .2};
    int count = poisson(state, 1.4);
    subject->event_count = count < TRIAL_EVENTS ? count : TRIAL_EVENTS;
    for (int i = 0; i < subject->event_count; i++) {
        const char *const *term = terms[choose(state, weights, sizeof weights / sizeof *weights)];
        subject->events[i] = (struct trial_event){
            .system = term[0],
            .term = term[1],
            .onset = subject->treated + below(state, 730),
            .severity = severities[choose(state, severe, 3)],
            .related = relations[choose(state, related, 3)],
            .serious = uniform(state) < .03,
        };
    }
}

static void make_replacement(uint64_t *state, struct trial_subject *subject)
{
    double a_year = strcmp(subject->cohort, "PLACEBO") == 0 ? .10 : strcmp(subject->cohort, "AD-MSC") == 0 ? .07 : .06;
    double days = -log(uniform(state)) / (a_year * (subject->grade / 2.5) / 365.25);
    subject->replaced = subject->treated + days <= subject->last_contact ? subject->treated + (int)days : DATE_NONE;
}

void trial_make_subject(int number, struct trial_subject *subject)
{
    uint64_t state = UINT64_C(20250101) + (uint64_t)number * UINT64_C(0xD1342543DE82EF95);
    uniform(&state);
    *subject = (struct trial_subject){.site = 1 + number % TRIAL_SITES, .number = 1 + number / TRIAL_SITES};
    make_person(&state, subject);
    make_visits(&state, subject);
    make_events(&state, subject);
    make_replacement(&state, subject);
}
