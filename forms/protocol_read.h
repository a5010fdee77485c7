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
/* Its parts, in this order: later ones name earlier ones.  A part that is absent gets its default. */
void protocol_read_models(struct protocol_reader *reader, const struct yaml *analysis);
void protocol_read_subgroups(struct protocol_reader *reader, const struct yaml *analysis);
void protocol_read_events(struct protocol_reader *reader, const struct yaml *analysis);
void protocol_read_plan(struct protocol_reader *reader, const struct yaml *analysis);
void protocol_read_claims(struct protocol_reader *reader, const struct yaml *analysis);

/* A copy of a text on the protocol; NULL when there is none. */
const char *protocol_read_text(struct protocol_reader *reader, const struct yaml *map, const char *key,
                               enum yaml_need need);

/* Copies of the texts of a list under `key`; NULL and `count` 0 when absent.  The same text twice is a fault. */
const char *const *protocol_read_texts(struct protocol_reader *reader, const struct yaml *map, const char *key,
                                       size_t *count);

/* A copy of the id of a cohort or visit: letters, digits, - and _, a letter first.  "" and a fault otherwise. */
const char *protocol_read_name(struct protocol_reader *reader, const struct yaml *map);

/* What can be named in `analysis`. */
enum protocol_list {
    LIST_COHORTS,
    LIST_VISITS,
    LIST_ENDPOINTS,
    LIST_RESPONDERS,
    LIST_SUBGROUPS,
    LIST_EVENTS
};

/* Index of the thing that a text names, -1 when there is none; no fault. */
int protocol_find_in(const struct protocol *protocol, enum protocol_list list, const char *id);

/* Index of the thing that `node` names, -1 and a fault with a suggestion when there is none. */
int protocol_read_index(struct protocol_reader *reader, const struct yaml *node, enum protocol_list list);

/* The same for the text under `key`; -1 when it is absent, too. */
int protocol_read_named(struct protocol_reader *reader, const struct yaml *map, const char *key,
                        enum yaml_need need, enum protocol_list list);

/* Indices of the endpoints of a list under `key`; NULL and `count` 0 when absent.  One twice is a fault. */
int *protocol_read_endpoint_list(struct protocol_reader *reader, const struct yaml *map, const char *key,
                                 enum yaml_need need, size_t *count);

/* Reads [cohort, against], two different cohorts; false and a fault when `node` is not that. */
bool protocol_read_pair(struct protocol_reader *reader, const struct yaml *node,
                        struct cohort_contrast *contrast);

/* Index of the contrast [cohort, against] under `key`; -1 and a fault when it is not in `compare`. */
int protocol_read_contrast(struct protocol_reader *reader, const struct yaml *map, const char *key);

/* A fault at `node` unless `endpoint` is one of `models`. */
void protocol_require_model(struct protocol_reader *reader, const struct yaml *node, int endpoint);

/*
 * The visit under `key`: after baseline, and one where the endpoint's form is due (`endpoint` -1: any form).
 * -1 and a fault otherwise.
 */
int protocol_read_later_visit(struct protocol_reader *reader, const struct yaml *map, const char *key,
                              int endpoint);

/* Study days or days of a list, rising; NULL and `count` 0 when absent. */
int *protocol_read_days(struct protocol_reader *reader, const struct yaml *map, const char *key,
                        struct yaml_bounds bounds, size_t *count);

/* Adds an item that the models need; catalogue_check looks at it. */
void protocol_add_model_item(struct protocol_reader *reader, const struct item_reference *reference);

/* Splits "form.name" into copies; false and a fault when it is not of that shape. */
bool protocol_read_reference(struct protocol_reader *reader, const struct yaml *node, const char **form,
                             const char **name);

#endif
