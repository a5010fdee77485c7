/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A mistake as a line of JSON, for programs that call ours with --json. */
#ifndef PATELLA_ERROR_JSON_H
#define PATELLA_ERROR_JSON_H

#include "forms/base/error.h"

/* {"error":{"kind":"input","file":"a.csv","line":3,"message":"..."}} to stderr; without what is not known. */
void error_print_json(const struct error *error);

#endif
