/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a certificate is for, from the command line into the words of OpenSSL's subjectAltName. */
#ifndef PATELLA_CERTIFICATE_NAMES_H
#define PATELLA_CERTIFICATE_NAMES_H

#include "forms/base/error.h"

/* "demo:7,other:1" -> "URI:urn:patella:site:demo:7,URI:urn:patella:site:other:1" (machine_sites.h).  ERROR_USAGE. */
const char *certificate_names_of_sites(const void *owner, const char *sites, struct error *error) MUST_CHECK;

/* "localhost,127.0.0.1" -> "DNS:localhost,IP:127.0.0.1".  ERROR_USAGE. */
const char *certificate_names_of_hosts(const void *owner, const char *hosts, struct error *error) MUST_CHECK;

/* True when files may be called so: 1 to 60 letters, digits, ".", "_", "-", no point or dash first.  ERROR_USAGE. */
bool certificate_names_check_file(const char *name, struct error *error) MUST_CHECK;

#endif
