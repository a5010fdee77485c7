/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/site_date.h"

#include <time.h>

#include "collector/request.h"

static const char *time_zone_of(const struct exchange *exchange, const struct catalogue_study *study,
                                int site)
{
    const char *fallback = "UTC";
    for (size_t i = study->site_count; i > 0; i--) {
        if (!request_sees_site(exchange, study->sites[i - 1].site))
            continue;
        fallback = study->sites[i - 1].time_zone;
        if (study->sites[i - 1].site == site)
            return fallback;
    }
    return fallback;
}

date_days site_date_of(const struct exchange *exchange, const struct catalogue_study *study,
                       const struct submission_input *input)
{
    int site = 0, subject = 0;
    date_days today = DATE_NONE;
    struct error ignored;
    int64_t now = (int64_t)time(NULL);
    if (input->subject != NULL && !subject_parse(input->subject, &site, &subject))
        site = 0;
    if (!date_today(time_zone_of(exchange, study, site), now, &today, &ignored))
        today = (date_days)(now / 86400);
    return today;
}
