/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/store_record.h"

#include "collector/store_listing.h"

static struct db_parameters *read_values(const void *owner, const struct store_reader *reader,
                                         const struct store_values *values)
{
    struct db_parameters *parameters = store_reader_parameters(owner, reader, values->count + 2);
    for (size_t i = 0; i < values->count; i++)
        db_set_text(parameters, i + 2, values->values[i]);
    return parameters;
}

static enum store_statement statement_of(enum store_call call)
{
    return (enum store_statement)(STATEMENT_CALLS + (int)call);
}

struct store_listing *store_ask(const void *owner, struct store *store, enum store_call call,
                                const struct store_reader *reader, const struct store_values *values,
                                struct error *error)
{
    return store_read_listing(owner, store, statement_of(call), read_values(owner, reader, values), false, error);
}

struct store_listing *store_tell(const void *owner, struct store *store, enum store_call call,
                                 const struct store_reader *reader, const struct store_values *values,
                                 struct error *error)
{
    return store_read_listing(owner, store, statement_of(call), read_values(owner, reader, values), true, error);
}
