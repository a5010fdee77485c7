/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Responder rules over baseline and follow-up values of endpoints. */
#ifndef PATELLA_RESPONDER_H
#define PATELLA_RESPONDER_H

#include "forms/form.h"
#include "forms/protocol.h"

enum response { RESPONSE_NO, RESPONSE_YES, RESPONSE_NOT_EVALUABLE };

/* One domain of a rule: its values and its scale. */
struct response_domain {
    double baseline;             /* scale points, NAN when missing */
    double value;                /* at follow-up, NAN when missing */
    double range[2];             /* of the score */
    enum score_direction direction;
    bool collected;              /* false: the study does not collect this domain */
};

/*
 * OMERACT-OARSI set of responder criteria on 0-100 scales: (pain or function improved by >= 50 % and >= 20 points), or
 * at least two of pain, function, global improved by >= 20 % and >= 10 points.  Improvement is relative to baseline on
 * the scale turned so that higher is worse; a baseline of 0 cannot respond.  Missing values: yes when decided already,
 * no only when no value within the scale's range could make it a response, otherwise not evaluable.
 * rule   out, may be NULL: 1 when the high improvement decided, 2 when two of three did, 0 otherwise
 * Source: Pham et al., J Rheumatol 2003;30:1648; Osteoarthritis Cartilage 2004;12:389.
 */
enum response responder_omeract_oarsi(const struct response_domain domains[3], int *rule);

/* Any responder rule; `domains` as many as the rule uses (3 or 1).  Thresholds are inclusive, compared with 1e-9. */
enum response responder_evaluate(const struct responder *responder, const struct response_domain *domains);

#endif
