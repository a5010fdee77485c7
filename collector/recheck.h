/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A second look at a submission that today's check refuses, for it may be stored already.
 *
 * What passed when it was stored may not pass when it is sent again: a newer protocol no longer asks for the
 * form, a rule that names today has another outcome on another day, or this machine's clock was set back before
 * its date.  This must not turn a retry into a refusal; whether the submission is stored, and with this very
 * content, only the database can say.
 */
#ifndef PATELLA_RECHECK_H
#define PATELLA_RECHECK_H

#include "forms/submission.h"

/*
 * The submission, refused today for `problems`, as it passes without the protocol's rules on some day from its
 * date to `today`, at least on its date; NULL when it passes on none.  All such days give the same canonical
 * text: passing means that what the rules found is exactly what is confirmed.
 */
struct submission *recheck_as_before(const void *owner, const struct catalogue *catalogue,
                                     const struct submission_input *input, date_days today,
                                     const struct problem_list *problems) MUST_CHECK;

#endif
