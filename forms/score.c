/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/score.h"

#include <math.h>

/* The value of a part: an item's answer, or a score that stands before this one.  NAN when there is none. */
static double part_value(const struct score *score, size_t part, const struct answer *answers,
                         const double *values)
{
    if (score->of_scores)
        return values[part];
    return answers[part].state == ANSWER_GIVEN ? answers[part].number : (double)NAN;
}

static double compute(const struct score *score, const struct answer *answers, const double *values)
{
    double sum = 0;
    size_t answered = 0;
    for (size_t i = 0; i < score->part_count; i++) {
        double value = part_value(score, score->parts[i], answers, values);
        if (isnan(value))
            continue;
        sum += value;
        answered++;
    }
    if (answered == 0 || answered < score->min_answered)
        return NAN;
    /* read_score lets a sum have missing parts only with the person mean, so one formula serves both. */
    double raw = score->method == SCORE_MEAN ? sum / (double)answered
                 : answered == score->part_count ? sum
                                                 : sum / (double)answered * (double)score->part_count;
    if (!score->rescaled)
        return raw;
    return score->to[0]
           + (raw - score->from[0]) / (score->from[1] - score->from[0]) * (score->to[1] - score->to[0]);
}

void score_compute(const struct form *form, const struct answer *answers, double *values)
{
    for (size_t i = 0; i < form->score_count; i++)
        values[i] = compute(&form->scores[i], answers, values);
}
