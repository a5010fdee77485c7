/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/casebook_write.h"

#include <stdio.h>
#include <string.h>

#include "forms/base/memory.h"
#include "reports/output.h"

struct writing {
    struct output *output;
    int64_t dated_us;
    struct text *names;
};

static bool begin(void *context, const char *name, struct error *error)
{
    const struct writing *writing = context;
    return output_begin_file(writing->output, name, error);
}

static bool piece(void *context, const void *bytes, size_t length, struct error *error)
{
    const struct writing *writing = context;
    return output_piece(writing->output, bytes, length, error);
}

static bool end(void *context, const char *name, const char *sha256, struct error *error)
{
    struct writing *writing = context;
    (void)sha256;
    text_append_format(writing->names, "%s\n", name);
    return output_end_file(writing->output, writing->dated_us, error);
}

/* Paths are printed once they are there. */
static void print_names(const char *directory, char *names)
{
    for (char *at = names, *line_end; (line_end = strchr(at, '\n')) != NULL; at = line_end + 1)
        printf("%s/%.*s\n", directory, (int)(line_end - at), at);
}

bool casebook_write(struct db *db, const struct casebook_order *order, const char *directory, bool replace,
                    struct error *error)
{
    void *work = memory_owner(NULL, "casebooks");
    struct writing writing = {.output = output_begin(work, directory, replace, error), .names = text_new(work)};
    const struct casebook_taker taker = {begin, piece, end, &writing, &writing.dated_us};
    bool written = writing.output != NULL && casebook_make(db, order, &taker, error) &&
                   output_commit(writing.output, error);
    if (written)
        print_names(directory, writing.names->bytes);
    talloc_free(work);
    return written;
}
