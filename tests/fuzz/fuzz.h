/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What every fuzz target shares.  A target is tests/fuzz/fuzz_NAME.c: it defines FUZZ_TARGET as fuzz_NAME, includes
 * this header and defines LLVMFuzzerTestOneInput.  For `make fuzz` that is the entry of libFuzzer; everywhere else it
 * is called fuzz_NAME, so that tests/unit/test_fuzz_corpus.c can hold all of them.
 * A broken invariant aborts.  Not for: faults and load, which need a daemon.
 */
#ifndef PATELLA_FUZZ_H
#define PATELLA_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "forms/base/error.h"
#include "forms/base/text.h"
#include "forms/form.h"
#include "forms/submission.h"

#ifdef FUZZ_TARGET
#ifndef FUZZ_ENGINE
#define LLVMFuzzerTestOneInput FUZZ_TARGET
#endif
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#endif

/* Ends the program, naming the condition, when it does not hold. */
#define FUZZ_REQUIRE(condition) \
    do { \
        if (!(condition)) \
            fuzz_fail(__FILE__, __LINE__, #condition, ""); \
    } while (0)

/* The same with a text that shows what was found. */
#define FUZZ_REQUIRE_WITH(condition, shown) \
    do { \
        if (!(condition)) \
            fuzz_fail(__FILE__, __LINE__, #condition, shown); \
    } while (0)

_Noreturn void fuzz_fail(const char *file, int line, const char *condition, const char *shown);

/* Input that was refused: a kind, and a message that can be shown as it is. */
void fuzz_require_refusal(const struct error *error, enum error_kind kind);

/* One JSON value, in UTF-8, with no key twice. */
void fuzz_require_json(const char *text);

/* The shipped form instruments/NAME.yaml, which lives as long as `owner`. */
const struct form *fuzz_shipped_form(const void *owner, const char *name);

/* Two lists of answers to `form` say the same. */
void fuzz_require_same_answers(const struct form *form, const struct answer *one, const struct answer *other);

#endif
