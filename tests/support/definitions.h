/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forms and catalogues written inline in a test; one that cannot be read fails the test with its message. */
#ifndef PATELLA_TEST_DEFINITIONS_H
#define PATELLA_TEST_DEFINITIONS_H

#include "forms/form.h"
#include "forms/protocol.h"

/* A form "test", version 1, about the subject: `body` is what follows the head (choices, sections, rules, scores). */
const struct form *definitions_form(const void *owner, const char *body);

/* A form of one section whose items are `items`, one flow map a line: "{id: a, text: a, type: integer}\n...". */
const struct form *definitions_form_of_items(const void *owner, const char *items);

/* The error of a form that must be refused; `text` is the whole file. */
struct error definitions_refused_form(const char *text);

/*
 * Study "demo" with visits BL (day <= 1) and M3; "form" is the form under test, due at both, and may come at any time
 * when it repeats.  Beside it an enrolment form, unless `form` creates subjects itself.
 */
const struct catalogue *definitions_catalogue(const void *owner, const struct form *form);

/* The whole of a file; the test fails when it cannot be read. */
const char *definitions_read_file(const void *owner, const char *path);

/* `whole` with its first `from` replaced by `to`; the test fails when there is none. */
const char *definitions_altered(const void *owner, const char *whole, const char *from, const char *to);

#endif
