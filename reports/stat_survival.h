/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Time to an event: counts by day, the Kaplan-Meier curve and what is read from it.
 *
 * Subjects are sorted once, into a table of counts by day; curves, log-rank test, restricted mean and
 * cumulative incidence are made from the table, none depends on the order of the subjects.
 * Comparisons: stat_survival_compare.h.  Competing risks: stat_competing.h.  Regression: stat_cox.h.
 *
 * `reason`, here and in those: why members that are NAN have no value, a phrase for readers, NULL when all
 * have one.  Made by the owner that was given, or constant.
 */
#ifndef PATELLA_STAT_SURVIVAL_H
#define PATELLA_STAT_SURVIVAL_H

#include <stdbool.h>
#include <stddef.h>

enum survival_status {
    SURVIVAL_CENSORED,
    SURVIVAL_EVENT,
    SURVIVAL_COMPETING           /* an event after which the one of interest cannot come any more: death */
};

struct survival_data {
    const double *days;          /* count; > 0: to the event, or to the end of follow-up */
    const unsigned char *status; /* count; enum survival_status */
    const unsigned *group;       /* count; 0 .. group_count - 1; NULL: all are in group 0 */
    const unsigned *stratum;     /* count; 0 .. stratum_count - 1; NULL: all are in stratum 0 */
    size_t count;
    size_t group_count;          /* >= 1, as stratum_count; groups and strata may be empty */
    size_t stratum_count;
};

/* Who of one group and stratum leaves on one day, and why. */
struct survival_cell {
    double day;
    unsigned stratum, group;
    unsigned events, competing, censored;
};

struct survival_table {
    struct survival_cell *cells; /* by day, then stratum, then group; only where somebody leaves */
    size_t cell_count;
    size_t group_count, stratum_count;
};

struct survival_table *stat_survival_table(const void *owner, const struct survival_data *data);

struct survival_step {
    double day;
    size_t at_risk;              /* followed until this day at least */
    size_t events, competing, censored;          /* on this day */
    double estimate;             /* from this day on: Kaplan-Meier: S, 1 to 0; cumulative incidence: 0 to 1 */
    double se, lo, hi;           /* pointwise */
};

enum survival_curve_kind { SURVIVAL_KAPLAN_MEIER, SURVIVAL_CUMULATIVE_INCIDENCE };

/* A curve begins on day 0 at 1 (Kaplan-Meier) or 0 (cumulative incidence), with everybody at risk. */
struct survival_curve {
    enum survival_curve_kind kind;
    double level;                /* of the two-sided limits, e.g. 0.95 */
    size_t n, events, competing, censored;       /* subjects; n is the sum of the others */
    double last_day;             /* the last event or censoring; NAN when n = 0 */
    bool complete;               /* nobody was still followed without any event after last_day */
    struct survival_step *steps; /* one for each day on which somebody leaves, ascending */
    size_t step_count;
};

/* Every group, where a group is asked for: one curve of all subjects. */
#define SURVIVAL_ALL_GROUPS ((size_t)-1)

/* Counts of a curve without estimates (NAN): for those who make curves. */
struct survival_curve *stat_survival_count(const void *owner, const struct survival_table *table,
                                           size_t group);

/*
 * Kaplan-Meier curve of a group, over its strata; competing events count as censored.
 * Standard error: Greenwood.  Limits: log-log, S^exp(-+z se / (S log S)), of which there are none at S = 1
 * and S = 0; nor is there a standard error at S = 0 (as in R).
 * Sources: Kaplan & Meier, JASA 1958;53:457; Kalbfleisch & Prentice 2002, 1.4; R survfit(conf.type =
 * "log-log"), SAS PROC LIFETEST (its default).
 */
struct survival_curve *stat_survival_curve(const void *owner, const struct survival_table *table,
                                           size_t group, double level);

struct survival_at {
    double day;
    size_t at_risk;              /* followed until `day` at least */
    size_t events, competing, censored;          /* until `day`, that day included */
    double estimate, se, lo, hi;
    const char *reason;
};

/*
 * A curve of either kind on a day >= 0.  After the last day that anybody was followed there is no estimate
 * (as in SAS; R may carry the last one forward), unless the curve is complete and cannot change any more.
 */
struct survival_at stat_survival_at(const void *owner, const struct survival_curve *curve, double day);

struct survival_quantile {
    double p;
    double day, lo, hi;
    const char *day_reason, *lo_reason, *hi_reason;
};

/*
 * Day by which a share p, 0 < p < 1, has had the event: the first day with S <= 1 - p; limits: the same of
 * the curves of the limits (Brookmeyer & Crowley, Biometrics 1982;38:29, on the log-log scale).
 * A curve that runs level at 1 - p (within 1.5e-8) and falls on a later day gives the middle of the two days,
 * as in R and SAS; one that never falls below 1 - p again gives none, as in SAS.
 */
struct survival_quantile stat_survival_quantile(const struct survival_curve *curve, double p);

/*
 * Steps to draw: those of which estimate or a limit is `tolerance` or more away from the last step taken, the
 * first change, and the last step.  What is drawn from them is nowhere more than `tolerance` off, with some
 * 3 / tolerance steps at most, whatever the number of subjects.  tolerance 0: every change of the estimate.
 * Returns *count steps; their counts are those of their own day alone.
 */
struct survival_step *stat_survival_thin(const void *owner, const struct survival_curve *curve,
                                         double tolerance, size_t *count);

#endif
