/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who responded, for whoever needs it beside the tables of responders. */
#ifndef PATELLA_ANALYSIS_RESPONDERS_H
#define PATELLA_ANALYSIS_RESPONDERS_H

#include "reports/dataset.h"

/* The enum response of each of dataset->subjects by a rule at a visit, into `responses`. */
void responders_at(const struct dataset *dataset, const struct responder *responder, int visit,
                   unsigned char *responses);

#endif
