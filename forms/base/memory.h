/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory with an owner (talloc).
 *
 * Whatever allocates takes its owner first.  Out of memory and a size that overflows abort the process: nothing was
 * acknowledged, and PostgreSQL rolls back.  Sizes that a client chooses are limited before they come here.
 */
#ifndef PATELLA_MEMORY_H
#define PATELLA_MEMORY_H

#include <stdarg.h>
#include <stddef.h>
#include <talloc.h>

/* Products and sums of sizes; abort on overflow. */
size_t memory_size_product(size_t a, size_t b);
size_t memory_size_sum(size_t a, size_t b);

/* One zeroed object, or `count` of them, of type `type`. */
#define memory_new(owner, type) ((type *)memory_zeroed(owner, 1, sizeof(type), #type))
#define memory_new_array(owner, type, count) ((type *)memory_zeroed(owner, count, sizeof(type), #type))

/* `array` (NULL, or from memory_new_array) with room for `count` objects; new objects are not zeroed. */
#define memory_resize_array(owner, array, type, count) \
    ((type *)memory_resized(owner, array, count, sizeof(type), #type))

/* One object, not zeroed, with room in its block for `objects` of its own that have `bytes` in all. */
#define memory_new_pool(owner, type, objects, bytes) \
    ((type *)memory_pooled(owner, sizeof(type), #type, objects, bytes))

void *memory_zeroed(const void *owner, size_t count, size_t size, const char *name);
void *memory_pooled(const void *owner, size_t size, const char *name, unsigned objects, size_t bytes);
void *memory_resized(const void *owner, void *block, size_t count, size_t size, const char *name);

char *memory_copy_string(const void *owner, const char *string);
char *memory_copy_bytes(const void *owner, const void *bytes, size_t length);   /* with a NUL behind */
char *memory_format(const void *owner, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *memory_format_list(const void *owner, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* A context that owns others; free with talloc_free. */
void *memory_owner(const void *owner, const char *name);

/*
 * For libraries: malloc and realloc that abort, and the end for those that say out of memory in a way of their own.
 * Some would pass it off as something else: jansson as a text that is no JSON, ICU as a time zone that there is not.
 */
void *memory_allocate(size_t size);
void *memory_reallocate(void *block, size_t size);
_Noreturn void memory_exhausted(void);

/*
 * Makes talloc, jansson and ICU abort rather than return NULL; every program calls it first.  patellad does the
 * same to libevent (event_set_mem_functions in its main) and to OpenSSL (tls_init): that a buffer of libevent
 * cannot grow for lack of memory is therefore not looked for.
 */
void memory_init(void);

#endif
