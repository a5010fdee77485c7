/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a command of patella-admin tells: words for people, or with --json one document on stdout.
 *
 * Lists are arrays of objects, the audit trail lines of objects, everything else one object with what came of it, {}
 * when there is nothing to say.  With --json each mistake is a line of stderr: {"error":{"kind":...,"message":...}}.
 */
#ifndef PATELLA_ADMIN_RESULT_H
#define PATELLA_ADMIN_RESULT_H

#include "collector/admin.h"

bool admin_as_json(const struct admin *admin);

/* A member of the object; nothing without --json. */
void admin_tell_text(struct admin *admin, const char *name, const char *value);          /* NULL: null */
void admin_tell_number(struct admin *admin, const char *name, int64_t value);
void admin_tell_truth(struct admin *admin, const char *name, bool value);

/* Words on stderr; nothing with --json. */
void admin_note(const struct admin *admin, const char *format, ...) PRINTF_LIKE(2, 3);
/* A line on stdout, for people and simple scripts: the member of that name with --json. */
void admin_print(struct admin *admin, const char *name, const char *value);

/* The document itself has been printed: no object comes at the end. */
void admin_printed(struct admin *admin);
/* The object, at the end of a command that did what it was asked. */
void admin_print_document(const struct admin *admin);

/* "patella-admin: file:line: message", or the same as a line of JSON. */
void admin_print_error(const struct error *error, bool as_json);
/* {"warning":{"message":...}} */
void admin_print_warning(const char *message);

#endif
