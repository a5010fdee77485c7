/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the pieces of a protocol's YAML are read; only protocol*.c sees it. */
#ifndef PATELLA_PROTOCOL_READ_H
#define PATELLA_PROTOCOL_READ_H

#include "forms/faults.h"
#include "forms/protocol.h"
#include "forms/yaml.h"

/* A protocol in the making; everything is allocated on it. */
struct protocol_reader {
    struct protocol *protocol;
    const struct yaml *root;
    struct faults *faults;
};

void protocol_read_visits(struct protocol_reader *reader);
/* Endpoints, then responder rules over them. */
void protocol_read_endpoints(struct protocol_reader *reader);
/* The `analysis` map; needs cohorts, visits and endpoints. */
void protocol_read_analysis(struct protocol_reader *reader);

/* A copy of a text on the protocol; NULL when there is none. */
const char *protocol_read_text(struct protocol_reader *reader, const struct yaml *map, const char *key,
                               enum yaml_need need);

/* Copies of the texts of a list under `key`; NULL and `count` 0 when absent.  The same text twice is a fault. */
const char *const *protocol_read_texts(struct protocol_reader *reader, const struct yaml *map, const char *key,
                                       size_t *count);

/* A copy of the id of a cohort or visit: letters, digits, - and _, a letter first.  "" and a fault otherwise. */
const char *protocol_read_name(struct protocol_reader *reader, const struct yaml *map);

/* Index of an endpoint that is named under `key`, -1 when absent or unknown (a fault). */
int protocol_read_endpoint_name(struct protocol_reader *reader, const struct yaml *map, const char *key,
                                enum yaml_need need);

/* Splits "form.name" into copies; false and a fault when it is not of that shape. */
bool protocol_read_reference(struct protocol_reader *reader, const struct yaml *node, const char **form,
                             const char **name);

#endif
