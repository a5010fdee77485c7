/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For which sites a machine's certificate stands.  It says so by URIs among its alternative names, one for each site:
 * urn:patella:site:STUDY:SITE, such as urn:patella:site:demo:7 (the study's code, the site's number without leading
 * zeros).  Other names are not looked at.
 */
#ifndef PATELLA_MACHINE_SITES_H
#define PATELLA_MACHINE_SITES_H

#include <stdbool.h>

#include <openssl/ssl.h>

#define MACHINE_SITE_URI "urn:patella:site:"

struct machine_sites;

/* Those of the certificate that the peer has shown and OpenSSL has checked; none when there is no certificate. */
struct machine_sites *machine_sites_read(const void *owner, const SSL *ssl);

/* True when the certificate (NULL: none) names that site. */
bool machine_sites_have(const struct machine_sites *sites, const char *study, int site);

#endif
