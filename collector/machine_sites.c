/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/machine_sites.h"

#include <stdio.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "forms/base/memory.h"

struct machine_sites {
    const char **uris;           /* that begin with MACHINE_SITE_URI, whole */
    size_t count;
};

static void add_uri(struct machine_sites *sites, const GENERAL_NAME *name)
{
    const size_t prefix = strlen(MACHINE_SITE_URI);
    if (name->type != GEN_URI)
        return;
    const char *bytes = (const char *)ASN1_STRING_get0_data(name->d.uniformResourceIdentifier);
    size_t length = (size_t)ASN1_STRING_length(name->d.uniformResourceIdentifier);
    /* A NUL within would make two names look alike. */
    if (length > prefix && memchr(bytes, '\0', length) == NULL && strncmp(bytes, MACHINE_SITE_URI, prefix) == 0)
        sites->uris[sites->count++] = memory_copy_bytes(sites, bytes, length);
}

struct machine_sites *machine_sites_read(const void *owner, const SSL *ssl)
{
    struct machine_sites *sites = memory_new(owner, struct machine_sites);
    const X509 *certificate = SSL_get0_peer_certificate(ssl);
    GENERAL_NAMES *names =
        certificate != NULL ? X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL) : NULL;
    if (names == NULL)
        return sites;
    sites->uris = memory_new_array(sites, const char *, (size_t)sk_GENERAL_NAME_num(names));
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        add_uri(sites, sk_GENERAL_NAME_value(names, i));
    GENERAL_NAMES_free(names);
    return sites;
}

bool machine_sites_have(const struct machine_sites *sites, const char *study, int site)
{
    void *work = memory_owner(NULL, "site");
    const char *wanted = memory_format(work, MACHINE_SITE_URI "%s:%d", study, site);
    bool found = false;
    for (size_t i = 0; sites != NULL && i < sites->count; i++)
        found = found || strcmp(sites->uris[i], wanted) == 0;
    talloc_free(work);
    return found;
}
