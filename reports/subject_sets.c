/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/subject_sets.h"

#include <math.h>
#include <string.h>

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

int subject_sets_deviations(const struct dataset *dataset)
{
    return dataset_form_number(dataset, "protocol_deviation");
}

bool subject_keeps_protocol(const struct dataset *dataset, size_t subject, int deviations)
{
    struct records records = dataset_records_of(dataset, subject, deviations);
    for (size_t i = 0; i < records.count; i++) {
        const struct answer *important = record_answer(dataset, &records.at[i], "important");
        if (important == NULL || strcmp(important->text, "false") != 0)
            return false;
    }
    return true;
}
