/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether a visit of a treated subject is over at the cut. */
#ifndef PATELLA_VISIT_DATES_H
#define PATELLA_VISIT_DATES_H

#include "reports/dataset.h"

/* The date of a study day (no day 0). */
date_days visit_date_of_day(date_days day1, int day);

/* The due window closed before the day of the cut (UTC). */
bool visit_is_over(const struct dataset *dataset, const struct subject *subject, const struct visit *visit);

#endif
