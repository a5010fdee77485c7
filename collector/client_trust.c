/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/client_trust.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "collector/tls_failure.h"

enum { NAME_SIZE = 128 };

/* -1: no time. */
static int64_t unix_time(const ASN1_TIME *time)
{
    struct tm parts;
    return time != NULL && ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : -1;
}

static const char *name_of(const X509_NAME *name, char text[NAME_SIZE])
{
    X509_NAME_oneline(name, text, NAME_SIZE);
    return text;
}

static bool refuse_file(const char *file, const char *what, struct error *error)
{
    return error_at(error, ERROR_INPUT, file, 0, "no %s can be read: %s; give PEM", what, tls_failure_reason());
}

/* ---- the CAs ---- */

static bool add_ca(SSL_CTX *context, X509 *ca, const char *file, int64_t *first_end, struct error *error)
{
    char name[NAME_SIZE];
    name_of(X509_get_subject_name(ca), name);
    if (X509_check_ca(ca) != 1)
        return error_at(error, ERROR_INPUT, file, 0, "the certificate of %s is no CA's; give the CA's certificate, not "
                        "a machine's", name);
    if (X509_cmp_current_time(X509_get0_notAfter(ca)) <= 0)
        return error_at(error, ERROR_INPUT, file, 0, "the CA's certificate of %s has expired; put a new one in its "
                        "place", name);
    int64_t ends = unix_time(X509_get0_notAfter(ca));
    if (*first_end == 0 || ends < *first_end)
        *first_end = ends;
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca) != 1 || SSL_CTX_add_client_CA(context, ca) != 1)
        return refuse_file(file, "certificate", error);
    return true;
}

static bool read_cas(SSL_CTX *context, const char *file, STACK_OF(X509) *cas, int64_t *first_end,
                     struct error *error)
{
    FILE *stream = fopen(file, "re");
    if (stream == NULL)
        return error_io(error, errno, file);
    bool good = true;
    *first_end = 0;
    for (X509 *ca; good && (ca = PEM_read_X509(stream, NULL, NULL, NULL)) != NULL;)
        good = sk_X509_push(cas, ca) > 0 && add_ca(context, ca, file, first_end, error);
    fclose(stream);
    if (good && sk_X509_num(cas) == 0)
        good = refuse_file(file, "CA's certificate", error);
    tls_failure_reason();   /* what stands behind the last one */
    return good;
}

/* ---- their lists ---- */

static X509 *find_issuer(const STACK_OF(X509) *cas, const X509_CRL *list)
{
    for (int i = 0; i < sk_X509_num(cas); i++)
        if (X509_NAME_cmp(X509_get_subject_name(sk_X509_value(cas, i)), X509_CRL_get_issuer(list)) == 0)
            return sk_X509_value(cas, i);
    return NULL;
}

static bool check_list(const STACK_OF(X509) *cas, X509_CRL *list, const char *file, int64_t *ends,
                       struct error *error)
{
    char name[NAME_SIZE];
    name_of(X509_CRL_get_issuer(list), name);
    X509 *issuer = find_issuer(cas, list);
    if (issuer == NULL || X509_CRL_verify(list, X509_get0_pubkey(issuer)) != 1)
        return error_at(error, ERROR_INPUT, file, 0, "the list of %s was not signed by a CA of machine_client_ca; "
                        "give the list of that CA", name);
    *ends = unix_time(X509_CRL_get0_nextUpdate(list));
    if (*ends < 0)
        return error_at(error, ERROR_INPUT, file, 0, "the list of %s has no end (nextUpdate); give one that has", name);
    if (*ends <= (int64_t)time(NULL))
        return error_at(error, ERROR_INPUT, file, 0, "the list of %s has expired; have the CA make a new one "
                        "(patella-admin ca crl DIR)", name);
    return true;
}

static bool need_list_of_each(const STACK_OF(X509) *cas, X509_STORE *store, const char *file, struct error *error)
{
    STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_num(cas); i++) {
        X509_NAME *name = X509_get_subject_name(sk_X509_value(cas, i));
        char text[NAME_SIZE];
        if (X509_OBJECT_retrieve_by_subject(objects, X509_LU_CRL, name) == NULL)
            return error_at(error, ERROR_INPUT, file, 0, "there is no list of the CA %s; add it: without it no "
                            "certificate of that CA can be checked", name_of(name, text));
    }
    return true;
}

static bool read_lists(X509_STORE *store, const STACK_OF(X509) *cas, const char *file, int64_t *first_end,
                       struct error *error)
{
    FILE *stream = fopen(file, "re");
    if (stream == NULL)
        return error_io(error, errno, file);
    bool good = true;
    *first_end = 0;
    for (X509_CRL *list; good && (list = PEM_read_X509_CRL(stream, NULL, NULL, NULL)) != NULL;) {
        int64_t ends = 0;
        good = check_list(cas, list, file, &ends, error);
        if (good && X509_STORE_add_crl(store, list) != 1)
            good = refuse_file(file, "list of revoked certificates", error);
        if (*first_end == 0 || ends < *first_end)
            *first_end = ends;
        X509_CRL_free(list);
    }
    fclose(stream);
    if (good && *first_end == 0)
        good = refuse_file(file, "list of revoked certificates", error);
    tls_failure_reason();
    return good && need_list_of_each(cas, store, file, error);
}

bool client_trust_load(SSL_CTX *context, const char *ca_file, const char *crl_file, struct client_trust_ends *ends,
                       struct error *error)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    STACK_OF(X509) *cas = sk_X509_new_null();
    bool good = cas != NULL || error_set(error, ERROR_INTERNAL, "OpenSSL has no memory");
    good = good && read_cas(context, ca_file, cas, &ends->authorities, error) &&
           read_lists(store, cas, crl_file, &ends->lists, error);
    sk_X509_pop_free(cas, X509_free);
    if (!good)
        return false;
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    SSL_CTX_set_purpose(context, X509_PURPOSE_SSL_CLIENT);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return true;
}
