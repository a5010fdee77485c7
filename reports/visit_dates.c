/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/visit_dates.h"

date_days visit_date_of_day(date_days day1, int day)
{
    return day1 + day - (day > 0);
}

bool visit_is_over(const struct dataset *dataset, const struct subject *subject, const struct visit *visit)
{
    return visit_date_of_day(subject->day1[KNEE_NONE], visit->due[1]) < dataset_cut_date(dataset);
}
