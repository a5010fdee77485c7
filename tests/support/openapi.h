/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replies held against collector/openapi.yaml. */
#ifndef PATELLA_TEST_OPENAPI_H
#define PATELLA_TEST_OPENAPI_H

#include "forms/yaml.h"
#include "tests/support/client.h"

/* The file, read once for a process. */
const struct yaml *openapi_document(void);

/* The operation of a method ("GET") on a path of the file, NULL when there is none. */
const struct yaml *openapi_operation(const char *method, const char *pattern);

/* What a node means: itself, or what its $ref points to; a reference to nothing fails the test. */
const struct yaml *openapi_resolve(const struct yaml *node);

/* What openapi_assert_reply would say, NULL when the reply is as described; good until the next call. */
const char *openapi_check_reply(const char *method, const char *path, const struct client_reply *reply);

/*
 * Fails the test when the file does not describe this reply to a request: an unknown path or method, a status
 * that is not listed, another media type, a field that is not described, is missing or has another type.
 */
void openapi_assert_reply(const char *method, const char *path, const struct client_reply *reply);

#endif
