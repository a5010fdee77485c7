/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * E-value: how strongly, as a risk ratio, a confounder that was not measured would have to go with both the
 * group and the outcome to explain an association away.
 * Source: VanderWeele & Ding, Ann Intern Med 2017;167:268.
 */
#ifndef PATELLA_STAT_EVALUE_H
#define PATELLA_STAT_EVALUE_H

struct evalue {
    double risk_ratio;       /* the ratio that the two numbers belong to */
    double estimate;         /* >= 1 */
    double limit;            /* of the limit that is nearer to 1; 1 when the interval holds 1 */
    const char *reason;      /* NULL, or why all are NAN */
};

/* r + sqrt(r (r - 1)) with r the ratio or its inverse, whichever is above 1; lo and hi: its limits. */
struct evalue stat_evalue_risk_ratio(double ratio, double lo, double hi);

/*
 * A difference in units of the outcome's standard deviation, by its approximate risk ratio exp(0.91 d) with
 * limits exp(0.91 d -+ 1.78 se).
 */
struct evalue stat_evalue_difference(double d, double se);

#endif
