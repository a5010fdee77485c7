/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What `patella-seal verify` found, and how it is printed: for people, or as JSON. */
#ifndef PATELLA_SEAL_FAULTS_H
#define PATELLA_SEAL_FAULTS_H

#include <stdbool.h>
#include <stdio.h>

#include "collector/seal_block.h"

enum seal_fault_kind {
    FAULT_EDITED,        /* a row of the audit trail is not as it was sealed */
    FAULT_DELETED,       /* a sealed row is gone */
    FAULT_INSERTED,      /* a row came among those that were sealed */
    FAULT_SWAPPED,       /* two rows have changed places */
    FAULT_BLOCK,         /* a block's own list does not have its hash */
    FAULT_CHAIN,         /* blocks do not follow each other */
    FAULT_SIGNATURE,
    FAULT_CHECKPOINT,    /* the checkpoint file says something else */
    FAULT_CUT_OFF,       /* the checkpoint file has a block that is not there */
    FAULT_COUNT,         /* rows that lie in no block and behind none */
    FAULT_CHANGED,       /* a row of a table is not as the audit trail says */
    FAULT_MISSING,       /* a row of a table is gone */
    FAULT_ADDED,         /* a row of a table that the audit trail does not know */
    FAULT_CONTENT,       /* answers that do not have the SHA-256 that stands beside them */
    FAULT_LINK,          /* versions of a record that do not follow each other */
    FAULT_KINDS
};

struct seal_fault {
    enum seal_fault_kind kind;
    int64_t block;               /* 0: none */
    struct seal_place place;     /* of a row of the audit trail; xid 0: none */
    const char *object;          /* table, NULL: none; copied */
    int study, site;             /* 0: none */
    const char *text;            /* what was found; copied */
};

struct seal_faults;

struct seal_counts {
    int64_t blocks, rows, unsealed_rows, table_rows, submissions;
};

struct seal_faults *seal_faults_new(const void *owner);
void seal_faults_add(struct seal_faults *faults, const struct seal_fault *fault);
/* A remark that is no fault; printf. */
void seal_faults_note(struct seal_faults *faults, const char *format, ...) PRINTF_LIKE(2, 3);
size_t seal_faults_count(const struct seal_faults *faults);

void seal_faults_print(const struct seal_faults *faults, const struct seal_counts *counts, bool json, FILE *out);

#endif
