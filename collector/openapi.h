/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The description of the API (openapi.yaml), which stands inside the program. */
#ifndef PATELLA_OPENAPI_H
#define PATELLA_OPENAPI_H

#include <stddef.h>

extern const char openapi_yaml[];
extern const size_t openapi_yaml_length;

#endif
