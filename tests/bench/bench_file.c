/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/bench.h"

#include <stdio.h>

#include "forms/base/memory.h"
#include "tests/support/load_record.h"

enum { FLUSHED_BYTES = 1 << 20 };

int bench_file(const struct bench_options *options)
{
    const struct load_options load_options = {
        .site = options->site, .first_subject = options->first_subject, .subjects = options->subjects};
    int each = (options->submissions + options->subjects - 1) / options->subjects, left = options->submissions;
    struct text *rows = text_new(NULL);
    load_append_csv_header(rows);
    for (int subject = 0; subject < options->subjects && left > 0; subject++)
        for (int i = 0; i < each && left > 0; i++, left--) {
            load_append_csv(rows, &load_options, (uint64_t)i * (uint64_t)options->subjects + (uint64_t)subject);
            if (rows->length >= FLUSHED_BYTES) {
                fwrite(rows->bytes, 1, rows->length, stdout);
                text_clear(rows);
            }
        }
    fwrite(rows->bytes, 1, rows->length, stdout);
    talloc_free(rows);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
