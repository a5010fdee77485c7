/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Subgroup forest: differences between the levels of a factor within each group of subjects, each group with
 * a model of its own, and whether the differences depend on the group.
 */
#ifndef PATELLA_STAT_LINEAR_SUBGROUP_H
#define PATELLA_STAT_LINEAR_SUBGROUP_H

#include "reports/stat_linear.h"

struct subgroup_pair {
    size_t level, against;           /* of the factor */
};

struct subgroup_question {
    const struct linear_data *data;  /* the model of each group, e.g. change ~ cohort + baseline */
    int factor;                      /* the variable that is compared: a factor and one of the terms */
    const int *codes;                /* group of each record, 0 to groups - 1; negative: in no group */
    size_t groups;
    const struct subgroup_pair *pairs;
    size_t pair_count;
    double level;                    /* of the limits */
};

struct subgroup_difference {
    size_t n, n_against;             /* records used of the pair's two levels in the group */
    struct linear_estimate difference;
};

struct subgroup_answer {
    struct subgroup_difference *differences;   /* [group * pair_count + pair] */
    /*
     * F of factor x group in a model of all groups' records with the group and factor x group beside the
     * terms of data, against the same without factor x group.
     */
    struct linear_test interaction;
    /*
     * In the same model: a pair's difference in a group less its difference in the first group;
     * [group * pair_count + pair], those of the first group are zero.
     */
    struct linear_estimate *interactions;
};

/* What comes back hangs on owner.  Numbers of data are at their means over the records of the group. */
struct subgroup_answer *stat_linear_subgroup(const void *owner, const struct subgroup_question *question);

#endif
