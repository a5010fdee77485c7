/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/subject_sets.h"

#include <math.h>

int subject_sets_endpoint(const struct protocol *protocol)
{
    if (protocol->endpoint_count == 0)
        return -1;
    int primary = protocol->primary_endpoint != NULL
                      ? protocol_find_endpoint(protocol, protocol->primary_endpoint)
                      : -1;
    return primary >= 0 ? primary : protocol->completeness_endpoint;
}

struct subject_sets subject_sets_of(const struct dataset *dataset, size_t subject)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    int endpoint = subject_sets_endpoint(protocol);
    bool any = false, last = false;
    for (int visit = 0; endpoint >= 0 && visit < (int)protocol->visit_count; visit++) {
        if (!dataset_is_after_baseline(dataset, visit))
            continue;
        last = !isnan(dataset_value(dataset, subject, (size_t)endpoint, visit));
        any = any || last;
    }
    return (struct subject_sets){
        .treated = dataset->subjects[subject].treated,
        .full_analysis =
            any && !isnan(dataset_value(dataset, subject, (size_t)endpoint, dataset_baseline(dataset))),
        .completer = last,
    };
}
