/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the load engine sends: records by number, ids, and the bytes of a request (see load.h). */
#ifndef PATELLA_TEST_LOAD_RECORD_H
#define PATELLA_TEST_LOAD_RECORD_H

#include "forms/base/text.h"
#include "tests/support/load.h"

enum { LOAD_KOOS_ITEMS = 42, LOAD_KOOS_SCALES = 5 };

struct load_record {
    int site, subject;
    const char *knee;
    const char *visit;
    int instance;
};

/* How many records the subjects of `options` have room for, and the one with this number. */
uint64_t load_record_limit(const struct load_options *options);
struct load_record load_record_at(const struct load_options *options, uint64_t number);

/* A source of ids; not for secrets. */
struct load_random {
    uint64_t state;
};
struct load_random load_random_seed(void);
void load_make_id(struct load_random *random, enum load_ids ids, uint8_t id[16]);

/* One request that is patched for every submission; `bytes` and `length` are what is to be sent. */
struct load_request {
    char *bytes;
    size_t length;
    char *id, *subject, *knee, *visit, *instance;              /* where to patch */
    char *answers;
    size_t answer_at[LOAD_KOOS_ITEMS];                         /* digits behind `answers` */
};
struct load_request *load_request_new(const void *owner, const struct load_options *options);
void load_request_patch(struct load_request *request, const struct load_record *record, const uint8_t id[16],
                        uint64_t number);

/*
 * What must become of the submission with this number: its canonical text, as collector/openapi.yaml describes it
 * (appended), and the scores that the form begins with: pain, symptoms, daily living, sport, quality of life.
 */
void load_append_canonical(struct text *text, const struct load_options *options, uint64_t number);
void load_koos_scores(uint64_t number, double scores[LOAD_KOOS_SCALES]);

/* The same submission as a row of a CSV file, and the row above: subject, knee, visit, instance, date, items. */
void load_append_csv_header(struct text *text);
void load_append_csv(struct text *text, const struct load_options *options, uint64_t number);

/* A whole POST of `body` to the study's submissions. */
char *load_request_text(const void *owner, const struct load_options *options, const char *body);

#endif
