/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/certificate_names.h"

#include <ctype.h>
#include <string.h>

#include <arpa/inet.h>

#include "collector/machine_sites.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { NAME_MOST = 60, SITE_MOST = 999999 };

static const char lower_or_digit[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char in_code[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
static const char in_host[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-*";
static const char in_name[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

/* A study's code and a site's number without leading zeros: as machine_sites_have spells them. */
static bool is_site(const char *text)
{
    int64_t site = 0;
    size_t code = strspn(text, in_code);
    return code > 0 && code <= 40 && strchr(lower_or_digit, text[0]) != NULL && text[code] == ':' &&
           text[code + 1] != '0' && isdigit((unsigned char)text[code + 1]) && text_to_int64(text + code + 1, &site) &&
           site <= SITE_MOST;
}

static bool is_host(const char *text)
{
    return *text != '\0' && text[strspn(text, in_host)] == '\0';
}

static bool is_address(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

/* Comma-separated parts of `list`, without empty ones among them; `word` gives each its prefix, NULL refuses it. */
static const char *join(const void *owner, const char *list, const char *(*word)(const char *part), const char *hint,
                        struct error *error)
{
    struct text *joined = text_new(owner);
    for (const char *at = list; at != NULL; at = strchr(at, ',') != NULL ? strchr(at, ',') + 1 : NULL) {
        const char *part = memory_copy_bytes(owner, at, strcspn(at, ","));
        const char *prefix = word(part);
        if (prefix == NULL) {
            error_set(error, ERROR_USAGE, "\"%s\" is not %s", part, hint);
            return NULL;
        }
        text_append(joined, joined->length > 0 ? "," : "");
        text_append(joined, prefix);
        text_append(joined, part);
    }
    return joined->bytes;
}

static const char *word_of_site(const char *part)
{
    return is_site(part) ? "URI:" MACHINE_SITE_URI : NULL;
}

static const char *word_of_host(const char *part)
{
    if (!is_host(part))
        return NULL;
    return is_address(part) ? "IP:" : "DNS:";
}

const char *certificate_names_of_sites(const void *owner, const char *sites, struct error *error)
{
    return join(owner, sites, word_of_site, "a site; write STUDY:NUMBER,..., such as demo:7", error);
}

const char *certificate_names_of_hosts(const void *owner, const char *hosts, struct error *error)
{
    return join(owner, hosts, word_of_host, "a host; write names and addresses, such as localhost,127.0.0.1", error);
}

bool certificate_names_check_file(const char *name, struct error *error)
{
    size_t length = strlen(name);
    bool good = length > 0 && length <= NAME_MOST && name[strspn(name, in_name)] == '\0' &&
                isalnum((unsigned char)name[0]) != 0 && strcmp(name, "ca") != 0 && strcmp(name, "crl") != 0;
    return good || error_set(error, ERROR_USAGE, "\"%s\" is no name for a certificate; write at most %d letters, "
                             "digits, \".\", \"_\", \"-\", and neither ca nor crl", name, NAME_MOST);
}
