/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wording overlay: a site's own file with the official texts of a form in one language, laid over the descriptors.
 *   wording: {form: koos, version: 1, language: de, source: "licence ..."}
 *   items: {p1: "..."}   choices: {p1: {0: "..."}}   sections: {pain: "..."}
 */
#ifndef PATELLA_WORDING_H
#define PATELLA_WORDING_H

#include "forms/form.h"

/* A copy of `form` with the texts of the wording file; NULL and ERROR_INPUT when it names what the form has not. */
struct form *wording_apply(const void *owner, const struct form *form, const char *file, const char *text,
                           size_t length, struct error *error) MUST_CHECK;

#endif
