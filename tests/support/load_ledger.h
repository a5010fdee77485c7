/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The load engine's ledger: one entry for each submission, by its number (see load.h). */
#ifndef PATELLA_TEST_LOAD_LEDGER_H
#define PATELLA_TEST_LOAD_LEDGER_H

#include "tests/support/load.h"

enum load_fate { LOAD_IN_FLIGHT, LOAD_ACKNOWLEDGED, LOAD_REFUSED, LOAD_UNKNOWN };

struct load_entry {
    uint8_t id[16];
    uint8_t sha256[32];          /* of the receipt */
    bool has_sha256;
    uint8_t fate;
    uint16_t status;             /* of the last answer */
    char code[24];               /* of a refusal */
};

struct load_ledger {
    struct load_entry *entries;
    uint64_t count, capacity;
};

/* A new entry, in flight. */
struct load_entry *load_ledger_add(struct load_ledger *ledger);

/* False when it is not 64 hexadecimal digits. */
bool load_sha256_from_hex(const char *hex, uint8_t sha256[32]);

/* What load_check_ledger compares, beside the ledger itself. */
bool load_ledger_check(const struct load_ledger *ledger, const struct load_options *options, struct db *db,
                       struct load_findings *findings);

#endif
