/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The date of today at the site that a submission is about. */
#ifndef PATELLA_SITE_DATE_H
#define PATELLA_SITE_DATE_H

#include "collector/catalogues.h"
#include "collector/exchange.h"
#include "forms/base/date.h"
#include "forms/submission.h"

/*
 * A site that the caller may not see has the time zone of one that it may: nothing tells that the site
 * exists.
 */
date_days site_date_of(const struct exchange *exchange, const struct catalogue_study *study,
                       const struct submission_input *input);

#endif
