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

/*
 * `raw` on the scale that is printed.  Where the ratio of the two scales is exact (5 for 0-20 on 0-100) it is
 * multiplied by it and rounded once: raw / 20 * 100 would make 11 points 55.000000000000007, and equal changes
 * unequal.
 */
static double rescale(const struct score *score, double raw)
{
    double width = score->from[1] - score->from[0], to_width = score->to[1] - score->to[0];
    double ratio = to_width / width, above = raw - score->from[0];
    bool exact = fma(ratio, width, -to_width) == 0;
    return score->to[0] + (exact ? above * ratio : above / width * to_width);
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
    return score->rescaled ? rescale(score, raw) : raw;
}

void score_compute(const struct form *form, const struct answer *answers, double *values)
{
    for (size_t i = 0; i < form->score_count; i++)
        values[i] = compute(&form->scores[i], answers, values);
}
