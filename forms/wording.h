/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wording overlay: a site's own file with the official texts of a form in one language, laid over the descriptors.
 *   wording: {form: koos, version: 1, language: de, source: "licence ..."}
 *   title: "..."   items: {p1: "..."}   choices: {p1: {0: "..."}}   sections: {pain: "..."}
 */
#ifndef PATELLA_WORDING_H
#define PATELLA_WORDING_H

#include "forms/form.h"

/*
 * A copy of `form` with the texts of a wording file; NULL and faults when it names what the form has not.  The copy
 * shares the form's rules and expressions: `form` must live as long.
 */
struct form *wording_apply(const void *owner, const struct form *form, const struct yaml *root,
                           struct faults *faults) MUST_CHECK;

/* The form id and version that a wording file says it is for; NULL and a fault when it does not. */
const char *wording_target(const struct yaml *root, int *version, struct faults *faults);

/* True for a tag such as de or de-CH, 20 characters at most: ^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$. */
bool wording_is_language(const char *text);

/* The language that a wording file says it is in; NULL and a fault when it does not. */
const char *wording_language(const struct yaml *root, struct faults *faults);

#endif
