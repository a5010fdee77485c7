/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an SQLSTATE means for the caller.  Not for callers: they look at error->kind and db_is_transient. */
#ifndef PATELLA_DB_SQLSTATE_H
#define PATELLA_DB_SQLSTATE_H

#include "forms/base/error.h"

/* ERROR_DATABASE for a state that says nothing special, and for "". */
enum error_kind db_sqlstate_kind(const char *sqlstate);

#endif
