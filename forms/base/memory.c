/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/base/memory.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>
#include <unicode/uclean.h>

void memory_exhausted(void)
{
    fputs("patella: out of memory\n", stderr);
    abort();
}

static void *not_null(void *block)
{
    if (block == NULL)
        memory_exhausted();
    return block;
}

static size_t not_overflown(bool overflown, size_t size)
{
    if (overflown) {
        fputs("patella: a size does not fit\n", stderr);
        abort();
    }
    return size;
}

size_t memory_size_product(size_t a, size_t b)
{
    size_t product = 0;
    bool overflown = __builtin_mul_overflow(a, b, &product);
    return not_overflown(overflown, product);
}

size_t memory_size_sum(size_t a, size_t b)
{
    size_t sum = 0;
    bool overflown = __builtin_add_overflow(a, b, &sum);
    return not_overflown(overflown, sum);
}

void *memory_zeroed(const void *owner, size_t count, size_t size, const char *name)
{
    void *block = not_null(_talloc_zero(owner, memory_size_product(count, size), name));
    return block;
}

void *memory_pooled(const void *owner, size_t size, const char *name, unsigned objects, size_t bytes)
{
    return not_null(_talloc_pooled_object(owner, size, name, objects, bytes));
}

void *memory_resized(const void *owner, void *block, size_t count, size_t size, const char *name)
{
    /* talloc frees on a size of 0; an empty array must stay a valid block. */
    size_t bytes = memory_size_product(count > 0 ? count : 1, size);
    return not_null(_talloc_realloc(owner, block, bytes, name));
}

char *memory_copy_string(const void *owner, const char *string)
{
    return not_null(talloc_strdup(owner, string));
}

char *memory_copy_bytes(const void *owner, const void *bytes, size_t length)
{
    char *copy = not_null(talloc_size(owner, memory_size_sum(length, 1)));
    if (length > 0)
        __builtin_memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

char *memory_format(const void *owner, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(owner, format, arguments);
    va_end(arguments);
    return text;
}

char *memory_format_list(const void *owner, const char *format, va_list arguments)
{
    return not_null(talloc_vasprintf(owner, format, arguments));
}

void *memory_owner(const void *owner, const char *name)
{
    return not_null(talloc_named_const(owner, 0, name));
}

/* ---- libraries ---- */

void *memory_allocate(size_t size)
{
    return not_null(malloc(size));
}

void *memory_reallocate(void *block, size_t size)
{
    return not_null(realloc(block, size > 0 ? size : 1));
}

static void *allocate_for_icu(const void *context, size_t size)
{
    (void)context;
    return memory_allocate(size);
}

static void *reallocate_for_icu(const void *context, void *block, size_t size)
{
    (void)context;
    return memory_reallocate(block, size);
}

static void free_for_icu(const void *context, void *block)
{
    (void)context;
    free(block);
}

static void abort_with_reason(const char *reason)
{
    fprintf(stderr, "patella: memory: %s\n", reason);
    abort();
}

void memory_init(void)
{
    UErrorCode status = U_ZERO_ERROR;
    talloc_set_abort_fn(abort_with_reason);
    json_set_alloc_funcs(memory_allocate, free);
    u_setMemoryFunctions(NULL, allocate_for_icu, reallocate_for_icu, free_for_icu, &status);
    if (U_FAILURE(status))
        abort_with_reason(u_errorName(status));
}
