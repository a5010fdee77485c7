/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/stat_overlap.h"

#include <math.h>

#include "forms/base/memory.h"
#include "reports/stat_distribution.h"
#include "reports/stat_linear_solve.h"
#include "reports/stat_logistic.h"

#define UNDEFINED ((double)NAN)

struct work {
    const struct overlap_question *question;
    struct overlap_answer *answer;
    struct linear_data data;         /* response: 1 first, 0 second, NAN neither or no outcome */
    double *propensity;              /* of each record used */
    double total[2];                 /* sums of weights */
    double mean[2];                  /* weighted, of the outcome */
    double *slope[2];                /* (X'WX)^- sum of d psi / d coefficients, for each mean */
    double covariance[3];            /* of the means: 1-1, 2-2, 1-2 */
};

static void find_cohorts(struct work *work)
{
    const struct overlap_question *question = work->question;
    double *first = memory_new_array(work->answer, double, question->data->records);
    for (size_t i = 0; i < question->data->records; i++) {
        bool is_first = question->codes[i] == question->first;
        bool is_second = question->codes[i] == question->second;
        bool used = (is_first || is_second) && isfinite(question->data->response[i]);
        first[i] = used ? (double)is_first : UNDEFINED;
    }
    work->data = *question->data;
    work->data.response = first;
}

/* 0: of the first cohort, 1: of the second */
static int side(const struct work *work, size_t record)
{
    return work->data.response[record] == 1 ? 0 : 1;
}

static double weight(const struct work *work, size_t record)
{
    double e = work->propensity[record];
    return side(work, record) == 0 ? 1 - e : e;
}

static double outcome(const struct work *work, size_t record)
{
    return work->question->data->response[record];
}

static void add_weights(struct work *work)
{
    struct overlap_answer *answer = work->answer;
    const struct linear_design *design = answer->propensity->design;
    double squares[2] = {0, 0}, sums[2] = {0, 0}, centre = 0;
    for (size_t r = 0; r < design->used; r++) {
        size_t i = design->rows[r];
        centre += (outcome(work, i) - centre) / (double)(r + 1);
    }
    for (size_t r = 0; r < design->used; r++) {
        size_t i = design->rows[r];
        int s = side(work, i);
        double w = weight(work, i);
        int bin = (int)(work->propensity[i] * OVERLAP_BINS);
        answer->histogram[s][bin < OVERLAP_BINS ? bin : OVERLAP_BINS - 1]++;
        work->total[s] += w;
        squares[s] += w * w;
        sums[s] += w * (outcome(work, i) - centre);
    }
    for (int s = 0; s < 2; s++) {
        answer->effective[s] = work->total[s] * work->total[s] / squares[s];
        work->mean[s] = centre + sums[s] / work->total[s];
    }
}

/* How the means move with the coefficients: d(1 - e) = -e (1 - e) x, d e = e (1 - e) x. */
static void find_slopes(struct work *work, struct linear_entry *entries)
{
    const struct linear_fit *fit = work->answer->propensity;
    const struct linear_design *design = fit->design;
    size_t n = design->columns;
    double *sums[2];
    for (int s = 0; s < 2; s++) {
        sums[s] = memory_new_array(work->answer, double, n);
        work->slope[s] = memory_new_array(work->answer, double, n);
    }
    for (size_t r = 0; r < design->used; r++) {
        size_t i = design->rows[r];
        int s = side(work, i);
        double e = work->propensity[i];
        double factor = (s == 0 ? -1 : 1) * e * (1 - e) * (outcome(work, i) - work->mean[s]);
        size_t count = linear_design_row(design, i, entries);
        for (size_t k = 0; k < count; k++)
            sums[s][entries[k].column] += factor * entries[k].value;
    }
    for (int s = 0; s < 2; s++) {
        linear_multiply(fit->inverse, sums[s], n, work->slope[s]);
        talloc_free(sums[s]);
    }
}

/* A record's influence on the mean of a side. */
static double influence(const struct work *work, size_t record, int s, const struct linear_entry *entries,
                        size_t count)
{
    double slope = 0;
    for (size_t k = 0; k < count; k++)
        slope += work->slope[s][entries[k].column] * entries[k].value;
    double sum = slope * (work->data.response[record] - work->propensity[record]);
    if (side(work, record) == s)
        sum += weight(work, record) * (outcome(work, record) - work->mean[s]);
    return sum / work->total[s];
}

static void find_covariance(struct work *work)
{
    const struct linear_design *design = work->answer->propensity->design;
    struct linear_entry *entries =
        memory_new_array(work->answer, struct linear_entry, work->data.term_count + 1);
    find_slopes(work, entries);
    for (size_t r = 0; r < design->used; r++) {
        size_t i = design->rows[r];
        size_t count = linear_design_row(design, i, entries);
        double first = influence(work, i, 0, entries, count);
        double second = influence(work, i, 1, entries, count);
        work->covariance[0] += first * first;
        work->covariance[1] += second * second;
        work->covariance[2] += first * second;
    }
    talloc_free(entries);
}

static struct linear_estimate none(const char *reason)
{
    double no = UNDEFINED;
    return (struct linear_estimate){no, no, no, no, no, no, no, reason};
}

static struct linear_estimate with_limits(double estimate, double variance, double level)
{
    struct linear_estimate e = none(NULL);
    e.estimate = estimate;
    if (!(variance > 0)) {
        e.reason = "the outcome does not vary within the cohorts";
        return e;
    }
    e.se = sqrt(variance);
    e.df = (double)INFINITY;
    e.t = estimate / e.se;
    e.p = stat_normal_two_sided(e.t);
    double half = stat_normal_quantile((1 + level) / 2) * e.se;
    e.lo = estimate - half;
    e.hi = estimate + half;
    return e;
}

static void estimate(struct work *work)
{
    struct overlap_answer *answer = work->answer;
    double a = work->mean[0], b = work->mean[1], level = work->question->level;
    const double *v = work->covariance;
    answer->means[0] = with_limits(a, v[0], level);
    answer->means[1] = with_limits(b, v[1], level);
    answer->difference = with_limits(a - b, v[0] + v[1] - 2 * v[2], level);
    if (a > 0 && b > 0)
        answer->log_ratio =
            with_limits(log(a / b), v[0] / (a * a) + v[1] / (b * b) - 2 * v[2] / (a * b), level);
    else
        answer->log_ratio = none("a ratio needs two positive means");
}

/* -- balance -------------------------------------------------------------------------------------------- */

/* Sums of a number less its mean, or of 1 at a level, by cohort. */
struct moments {
    double sum[2], squares[2], weighted[2];
};

static double spread(const struct moments *m, int s, double n, bool is_share)
{
    double mean = m->sum[s] / n;
    if (is_share)
        return mean * (1 - mean);
    return n > 1 ? (m->squares[s] - n * mean * mean) / (n - 1) : UNDEFINED;
}

static double standardize(double difference, double variance)
{
    if (variance > 0)
        return difference / sqrt(variance);
    return difference == 0 ? 0 : UNDEFINED;
}

static void compare(const struct work *work, const struct moments *m, struct overlap_balance *balance)
{
    const struct overlap_answer *answer = work->answer;
    bool is_share = work->data.variables[balance->variable].levels > 0;
    double n[2] = {(double)answer->n[0], (double)answer->n[1]};
    double variance = (spread(m, 0, n[0], is_share) + spread(m, 1, n[1], is_share)) / 2;
    balance->before = standardize(m->sum[0] / n[0] - m->sum[1] / n[1], variance);
    if (answer->reason != NULL)
        return;
    double after = m->weighted[0] / work->total[0] - m->weighted[1] / work->total[1];
    balance->after = standardize(after, variance);
}

/* Adds a record to the sums of each variable; those of variable v begin at first[v]. */
static void add_moments(const struct work *work, size_t record, const size_t *first, struct moments *moments)
{
    const struct linear_design *design = work->answer->propensity->design;
    int s = side(work, record);
    double w = weight(work, record);
    for (size_t v = 0; v < work->data.variable_count; v++) {
        const struct linear_variable *variable = &work->data.variables[v];
        bool is_number = variable->levels == 0;
        double x = is_number ? variable->values[record] - design->centres[v] : 1;
        struct moments *m = &moments[first[v] + (is_number ? 0 : (size_t)variable->codes[record])];
        m->sum[s] += x;
        m->squares[s] += x * x;
        m->weighted[s] += w * x;
    }
}

static void find_balance(struct work *work)
{
    struct overlap_answer *answer = work->answer;
    const struct linear_design *design = answer->propensity->design;
    void *owner = memory_owner(NULL, "balance");
    size_t *first = memory_new_array(owner, size_t, work->data.variable_count + 1);
    for (size_t v = 0; v < work->data.variable_count; v++) {
        size_t levels = work->data.variables[v].levels;
        first[v + 1] = first[v] + (levels == 0 ? 1 : levels);
    }
    size_t most = first[work->data.variable_count];
    struct moments *moments = memory_new_array(owner, struct moments, most);
    for (size_t r = 0; r < design->used; r++)
        add_moments(work, design->rows[r], first, moments);
    answer->balance = memory_new_array(answer, struct overlap_balance, most);
    for (size_t v = 0; v < work->data.variable_count; v++) {
        for (size_t l = 0; l < first[v + 1] - first[v]; l++) {
            if (design->counts[v] != NULL && design->counts[v][l] == 0)
                continue;
            struct overlap_balance *balance = &answer->balance[answer->balance_count++];
            *balance = (struct overlap_balance){v, l, UNDEFINED, UNDEFINED};
            compare(work, &moments[first[v] + l], balance);
        }
    }
    talloc_free(owner);
}

static void count_cohorts(struct work *work)
{
    const struct linear_design *design = work->answer->propensity->design;
    for (size_t r = 0; r < design->used; r++)
        work->answer->n[side(work, design->rows[r])]++;
}

static const char *find_reason(const struct overlap_answer *answer)
{
    if (answer->propensity->design != NULL && (answer->n[0] == 0 || answer->n[1] == 0))
        return "no record in one of the cohorts";
    return answer->propensity->reason;
}

static void compute(struct work *work)
{
    struct overlap_answer *answer = work->answer;
    const struct linear_fit *fit = answer->propensity;
    work->propensity = memory_new_array(answer, double, work->data.records);
    answer->effective[0] = answer->effective[1] = UNDEFINED;
    if (fit->design != NULL)
        count_cohorts(work);
    answer->reason = find_reason(answer);
    answer->means[0] = answer->means[1] = answer->difference = answer->log_ratio = none(answer->reason);
    if (fit->design == NULL || answer->reason != NULL)
        return;
    stat_logistic_probabilities(fit, work->propensity);
    add_weights(work);
    find_covariance(work);
    estimate(work);
}

struct overlap_answer *stat_overlap(const void *owner, const struct overlap_question *question)
{
    struct overlap_answer *answer = memory_new(owner, struct overlap_answer);
    struct work *work = memory_new(answer, struct work);
    work->question = question;
    work->answer = answer;
    find_cohorts(work);
    answer->propensity = stat_logistic_fit(answer, &work->data);
    compute(work);
    if (answer->propensity->design != NULL)
        find_balance(work);
    return answer;
}
