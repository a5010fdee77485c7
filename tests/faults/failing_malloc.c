/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See failing_malloc.h.  Whatever glibc itself allocates comes through here too. */
#include "tests/faults/failing_malloc.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own, under the names that nobody can take. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

enum { DEPTH = 12 };

static struct failing_malloc *control;
static _Thread_local int inside;

__attribute__((constructor)) static void begin(void)
{
    void *first[1];
    const char *path = getenv(FAILING_MALLOC_FILE);
    int file = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    backtrace(first, 1);      /* loads what it needs, now */
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED)
        control = mapped;
}

static void note_stack(int64_t call)
{
    void *stack[DEPTH];
    uint32_t hash = 2166136261U;   /* FNV-1a */
    inside++;
    int depth = backtrace(stack, DEPTH);
    inside--;
    for (int i = 2; i < depth; i++)
        hash = (hash ^ (uint32_t)(uintptr_t)stack[i]) * 16777619U;
    if (call <= FAILING_MALLOC_STACKS)
        control->stacks[call - 1] = hash;
}

static int fails(void)
{
    if (control == NULL || inside > 0)
        return 0;
    int64_t call = atomic_fetch_add(&control->calls, 1) + 1;
    int64_t first = atomic_load(&control->first);
    if (atomic_load(&control->records) != 0)
        note_stack(call);
    if (first == 0 || call < first || call >= first + atomic_load(&control->count))
        return 0;
    atomic_fetch_add(&control->failed, 1);
    errno = ENOMEM;
    return 1;
}

/* glibc's headers have other names for the parameters. */
/* NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */

void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
    return fails() ? NULL : __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    if (fails())
        return ENOMEM;
    void *got = __libc_memalign(alignment, size);
    if (got == NULL)
        return ENOMEM;
    *block = got;
    return 0;
}

/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */
