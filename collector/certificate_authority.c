/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/certificate_authority.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "collector/certificate_names.h"
#include "collector/tls_failure.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { SERIAL_BYTES = 16, FILE_LIMIT = 16 << 20, DAY_S = 86400, SKEW_S = 300 };

struct certificate_authority {
    const char *folder;
    int lock;                    /* the folder, locked */
    X509 *certificate;
    EVP_PKEY *key;
};

static int close_ca(struct certificate_authority *ca)
{
    X509_free(ca->certificate);
    EVP_PKEY_free(ca->key);
    if (ca->lock >= 0)
        close(ca->lock);
    return 0;
}

static bool set_openssl_error(const char *what, struct error *error)
{
    return error_set(error, ERROR_INTERNAL, "OpenSSL cannot make %s: %s", what, tls_failure_reason());
}

static char *path_in(const struct certificate_authority *ca, const char *name)
{
    return memory_format(ca, "%s/%s", ca->folder, name);
}

/* ---- files ---- */

/* The file is on disk before its name is there; `fresh`: ERROR_CONFLICT when the name is taken. */
static bool write_whole(const char *path, BIO *content, bool fresh, struct error *error)
{
    char *bytes = NULL;
    long length = BIO_get_mem_data(content, &bytes);
    void *work = memory_owner(NULL, "write");
    char *made = fresh ? memory_copy_string(work, path) : memory_format(work, "%s.new", path);
    int file = open(made, O_WRONLY | O_CREAT | O_CLOEXEC | (fresh ? O_EXCL : O_TRUNC), 0600);
    bool good = file >= 0;
    if (!good && errno == EEXIST)
        error_set(error, ERROR_CONFLICT, "%s is there already; choose another name, or another folder", path);
    else if (!good)
        error_io(error, errno, made);
    if (good && (write(file, bytes, (size_t)length) != length || fsync(file) != 0))
        good = error_io(error, errno, made);
    if (file >= 0)
        close(file);
    if (good && !fresh && rename(made, path) != 0)
        good = error_io(error, errno, path);
    talloc_free(work);
    return good;
}

static bool write_certificate(const char *path, X509 *certificate, struct error *error)
{
    BIO *out = BIO_new(BIO_s_mem());
    bool good = (out != NULL && PEM_write_bio_X509(out, certificate) == 1) || set_openssl_error("a file", error);
    good = good && write_whole(path, out, true, error);
    BIO_free(out);
    return good;
}

static bool write_key(const char *path, EVP_PKEY *key, struct error *error)
{
    BIO *out = BIO_new(BIO_s_mem());
    bool good = (out != NULL && PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1) ||
                set_openssl_error("a file", error);
    good = good && write_whole(path, out, true, error);
    BIO_free(out);
    return good;
}

static bool append_line(const struct certificate_authority *ca, const char *name, const char *line,
                        struct error *error)
{
    char *path = path_in(ca, name);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0)
        return error_io(error, errno, path);
    bool good = write(file, line, strlen(line)) == (ssize_t)strlen(line) && fsync(file) == 0;
    if (!good)
        error_io(error, errno, path);
    close(file);
    return good;
}

/* "" when there is no such file yet. */
static char *read_lines(const void *owner, const struct certificate_authority *ca, const char *name,
                        struct error *error)
{
    size_t length = 0;
    char *path = path_in(ca, name);
    if (access(path, F_OK) != 0)
        return memory_copy_string(owner, "");
    return text_read_file(owner, path, FILE_LIMIT, &length, error);
}

/* ---- certificates ---- */

static bool set_serial(X509 *certificate, char hex[CA_SERIAL_SIZE])
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (bytes[0] & 0x3F) | 0x40;      /* positive, and always of that length */
    text_to_hex(bytes, sizeof bytes, hex);
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool good = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return good;
}

static bool set_days(X509 *certificate, int days)
{
    return X509_gmtime_adj(X509_getm_notBefore(certificate), -SKEW_S) != NULL &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), days, 0, NULL) != NULL;
}

static bool set_name(X509 *certificate, const char *name)
{
    return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                                      (const unsigned char *)name, -1, -1, 0) == 1;
}

struct extension {
    int nid;
    const char *value;           /* as in openssl.cnf */
};

static bool add_extensions(X509 *certificate, X509 *issuer, const struct extension *extensions, size_t count)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid, extensions[i].value);
        bool added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
        X509_EXTENSION_free(extension);
        if (!added)
            return false;
    }
    return true;
}

/* NULL when OpenSSL fails; to be signed and freed. */
static X509 *begin_certificate(const char *name, int days, EVP_PKEY *key, char serial[CA_SERIAL_SIZE])
{
    X509 *certificate = X509_new();
    if (certificate != NULL && X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate, serial) &&
        set_days(certificate, days) && set_name(certificate, name) && X509_set_pubkey(certificate, key) == 1)
        return certificate;
    X509_free(certificate);
    return NULL;
}

static bool sign_ca(X509 *certificate, EVP_PKEY *key)
{
    static const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
        {NID_key_usage, "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier, "hash"},
    };
    return X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
           add_extensions(certificate, certificate, extensions, sizeof extensions / sizeof *extensions) &&
           X509_sign(certificate, key, EVP_sha256()) > 0;
}

static bool sign_issued(const struct certificate_authority *ca, X509 *certificate, const char *names, bool server)
{
    const struct extension extensions[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, server ? "serverAuth" : "clientAuth"},
        {NID_subject_key_identifier, "hash"},
        {NID_authority_key_identifier, "keyid:always"},
        {NID_subject_alt_name, names},
    };
    return X509_set_issuer_name(certificate, X509_get_subject_name(ca->certificate)) == 1 &&
           add_extensions(certificate, ca->certificate, extensions, sizeof extensions / sizeof *extensions) &&
           X509_sign(certificate, ca->key, EVP_sha256()) > 0;
}

static int64_t end_of(const X509 *certificate)
{
    struct tm parts;
    return ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

/* ---- making and opening ---- */

static bool write_ca(struct certificate_authority *ca, const char *name, int days, struct error *error)
{
    char serial[CA_SERIAL_SIZE];
    ca->key = EVP_EC_gen("P-256");
    if (ca->key != NULL)
        ca->certificate = begin_certificate(name, days, ca->key, serial);
    if (ca->certificate == NULL || !sign_ca(ca->certificate, ca->key))
        return set_openssl_error("a CA", error);
    return write_key(path_in(ca, "ca-key.pem"), ca->key, error) &&
           write_certificate(path_in(ca, "ca.pem"), ca->certificate, error);
}

static struct certificate_authority *lock_folder(const void *owner, const char *folder, struct error *error)
{
    struct certificate_authority *ca = memory_new(owner, struct certificate_authority);
    ca->folder = memory_copy_string(ca, folder);
    ca->lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    talloc_set_destructor(ca, close_ca);
    if (ca->lock < 0)
        error_io(error, errno, folder);
    else if (flock(ca->lock, LOCK_EX | LOCK_NB) != 0)
        error_set(error, ERROR_BUSY, "somebody else works with the CA in %s; try again", folder);
    else
        return ca;
    talloc_free(ca);
    return NULL;
}

bool ca_create(const char *folder, const char *name, int days, int list_days, struct error *error)
{
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return error_io(error, errno, folder);
    struct certificate_authority *ca = lock_folder(NULL, folder, error);
    bool good = ca != NULL && write_ca(ca, name, days, error) && ca_write_list(ca, list_days, error);
    talloc_free(ca);
    return good;
}

static bool check_key_is_private(const char *path, struct error *error)
{
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set(error, ERROR_NOT_FOUND, "%s: %s; patella-admin ca init DIR makes a CA", path,
                         strerror(errno));
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) == 0)
        return true;
    return error_set(error, ERROR_INPUT, "%s: others may read or write the CA's key; chmod 0600 it", path);
}

static bool load_ca(struct certificate_authority *ca, struct error *error)
{
    char *key_path = path_in(ca, "ca-key.pem"), *path = path_in(ca, "ca.pem");
    if (!check_key_is_private(key_path, error))
        return false;
    FILE *file = fopen(key_path, "re");
    if (file != NULL) {
        ca->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
    }
    file = fopen(path, "re");
    if (file != NULL) {
        ca->certificate = PEM_read_X509(file, NULL, NULL, NULL);
        fclose(file);
    }
    if (ca->key == NULL || ca->certificate == NULL || X509_check_private_key(ca->certificate, ca->key) != 1)
        return error_set(error, ERROR_INPUT, "%s and ca-key.pem are no CA: %s; restore them", path,
                         tls_failure_reason());
    return true;
}

struct certificate_authority *ca_open(const void *owner, const char *folder, struct error *error)
{
    struct certificate_authority *ca = lock_folder(owner, folder, error);
    if (ca != NULL && load_ca(ca, error))
        return ca;
    talloc_free(ca);
    return NULL;
}

/* ---- issuing ---- */

static bool store_issued(const struct certificate_authority *ca, const struct ca_request *request, X509 *certificate,
                         EVP_PKEY *key, const char *serial, struct error *error)
{
    char *certificate_path = path_in(ca, memory_format(ca, "%s.pem", request->name));
    char *key_path = path_in(ca, memory_format(ca, "%s-key.pem", request->name));
    char *line = memory_format(ca, "%s %" PRId64 " %s %s\n", serial, end_of(certificate), request->name,
                               request->sites != NULL ? request->sites : request->hosts);
    /* First the line: what is not in it cannot be revoked. */
    return append_line(ca, "issued", line, error) && write_key(key_path, key, error) &&
           write_certificate(certificate_path, certificate, error);
}

static bool refuse_taken_name(const struct certificate_authority *ca, const char *name, struct error *error)
{
    const char *paths[] = {path_in(ca, memory_format(ca, "%s.pem", name)),
                           path_in(ca, memory_format(ca, "%s-key.pem", name))};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (access(paths[i], F_OK) == 0)
            return error_set(error, ERROR_CONFLICT, "%s is there already; choose another name", paths[i]);
    return true;
}

bool ca_issue(struct certificate_authority *ca, const struct ca_request *request, char serial[CA_SERIAL_SIZE],
              struct error *error)
{
    const char *names = request->sites != NULL ? certificate_names_of_sites(ca, request->sites, error)
                                               : certificate_names_of_hosts(ca, request->hosts, error);
    if (names == NULL || !certificate_names_check_file(request->name, error) ||
        !refuse_taken_name(ca, request->name, error))
        return false;
    if ((int64_t)time(NULL) + (int64_t)request->days * DAY_S > end_of(ca->certificate))
        return error_set(error, ERROR_INPUT, "the certificate would end after its CA; give fewer --days, or make a "
                         "new CA");
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key != NULL ? begin_certificate(request->name, request->days, key, serial) : NULL;
    bool good = certificate != NULL && sign_issued(ca, certificate, names, request->sites == NULL);
    if (!good)
        set_openssl_error("a certificate", error);
    good = good && store_issued(ca, request, certificate, key, serial, error);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return good;
}

/* ---- what was issued and revoked ---- */

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static void mark_revoked(struct ca_entry *entries, size_t count, char *revoked)
{
    char *rest = NULL;
    for (char *line = strtok_r(revoked, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *at = strchr(line, ' ');
        if (at == NULL)
            continue;
        *at = '\0';
        for (size_t i = 0; i < count; i++)
            if (strcmp(entries[i].serial, line) == 0)
                entries[i].revoked_at = strtoll(at + 1, NULL, 10);
    }
}

struct ca_entry *ca_entries(const void *owner, struct certificate_authority *ca, size_t *count, struct error *error)
{
    char *issued = read_lines(owner, ca, "issued", error);
    char *revoked = issued != NULL ? read_lines(owner, ca, "revoked", error) : NULL;
    char *rest = NULL;
    *count = 0;
    if (revoked == NULL)
        return NULL;
    struct ca_entry *entries = memory_new_array(owner, struct ca_entry, count_lines(issued) + 1);
    for (char *line = strtok_r(issued, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        char *words[4] = {line}, *word_rest = NULL;
        size_t found = 0;
        for (char *word = strtok_r(line, " ", &word_rest); word != NULL && found < 4; found++) {
            words[found] = word;
            word = strtok_r(NULL, " ", &word_rest);
        }
        if (found == 4)
            entries[(*count)++] = (struct ca_entry){words[0], words[2], words[3], strtoll(words[1], NULL, 10), 0};
    }
    mark_revoked(entries, *count, revoked);
    return entries;
}

bool ca_revoke(struct certificate_authority *ca, const char *serial, struct error *error)
{
    size_t count = 0;
    const struct ca_entry *entries = ca_entries(ca, ca, &count, error);
    for (size_t i = 0; entries != NULL && i < count; i++) {
        if (strcmp(entries[i].serial, serial) != 0)
            continue;
        if (entries[i].revoked_at != 0)
            return error_set(error, ERROR_CONFLICT, "certificate %s is revoked already", serial);
        return append_line(ca, "revoked", memory_format(ca, "%s %" PRId64 "\n", serial, (int64_t)time(NULL)), error);
    }
    return entries != NULL && error_set(error, ERROR_NOT_FOUND, "this CA has issued no certificate %s; patella-admin "
                                        "ca list DIR shows the numbers", serial);
}

/* ---- the list ---- */

static bool add_revoked(X509_CRL *list, const struct ca_entry *entry)
{
    X509_REVOKED *revoked = X509_REVOKED_new();
    ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)entry->revoked_at);
    BIGNUM *number = NULL;
    ASN1_INTEGER *serial = BN_hex2bn(&number, entry->serial) > 0 ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
    bool good = revoked != NULL && at != NULL && serial != NULL &&
                X509_REVOKED_set_serialNumber(revoked, serial) == 1 &&
                X509_REVOKED_set_revocationDate(revoked, at) == 1 && X509_CRL_add0_revoked(list, revoked) == 1;
    if (!good)
        X509_REVOKED_free(revoked);
    ASN1_TIME_free(at);
    ASN1_INTEGER_free(serial);
    BN_free(number);
    return good;
}

static bool add_list_extensions(const struct certificate_authority *ca, X509_CRL *list, int64_t number)
{
    X509V3_CTX context;
    char value[24];
    snprintf(value, sizeof value, "%" PRId64, number);
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, ca->certificate, NULL, NULL, list, 0);
    X509_EXTENSION *of_key =
        X509V3_EXT_conf_nid(NULL, &context, NID_authority_key_identifier, "keyid:always");
    ASN1_INTEGER *count = s2i_ASN1_INTEGER(NULL, value);
    bool good = of_key != NULL && count != NULL && X509_CRL_add_ext(list, of_key, -1) == 1 &&
                X509_CRL_add1_ext_i2d(list, NID_crl_number, count, 0, 0) == 1;
    X509_EXTENSION_free(of_key);
    ASN1_INTEGER_free(count);
    return good;
}

static X509_CRL *make_list(const struct certificate_authority *ca, const struct ca_entry *entries, size_t count,
                           int64_t number, int days)
{
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *now = X509_gmtime_adj(NULL, -SKEW_S), *end = X509_time_adj_ex(NULL, days, 0, NULL);
    bool good = list != NULL && now != NULL && end != NULL && X509_CRL_set_version(list, X509_CRL_VERSION_2) == 1 &&
                X509_CRL_set_issuer_name(list, X509_get_subject_name(ca->certificate)) == 1 &&
                X509_CRL_set1_lastUpdate(list, now) == 1 && X509_CRL_set1_nextUpdate(list, end) == 1;
    for (size_t i = 0; good && i < count; i++)
        good = entries[i].revoked_at == 0 || add_revoked(list, &entries[i]);
    good = good && add_list_extensions(ca, list, number) && X509_CRL_sort(list) == 1 &&
           X509_CRL_sign(list, ca->key, EVP_sha256()) > 0;
    ASN1_TIME_free(now);
    ASN1_TIME_free(end);
    if (good)
        return list;
    X509_CRL_free(list);
    return NULL;
}

/* The number first: two lists never have the same. */
static bool write_list(const struct certificate_authority *ca, X509_CRL *list, int64_t number, struct error *error)
{
    BIO *numbered = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    bool good = numbered != NULL && out != NULL && BIO_printf(numbered, "%" PRId64 "\n", number) > 0 &&
                PEM_write_bio_X509_CRL(out, list) == 1;
    if (!good)
        set_openssl_error("a file", error);
    good = good && write_whole(path_in(ca, "crl-number"), numbered, false, error) &&
           write_whole(path_in(ca, "crl.pem"), out, false, error);
    BIO_free(numbered);
    BIO_free(out);
    return good;
}

bool ca_write_list(struct certificate_authority *ca, int days, struct error *error)
{
    size_t count = 0;
    const struct ca_entry *entries = ca_entries(ca, ca, &count, error);
    const char *number = entries != NULL ? read_lines(ca, ca, "crl-number", error) : NULL;
    if (number == NULL)
        return false;
    int64_t next = strtoll(number, NULL, 10) + 1;
    X509_CRL *list = make_list(ca, entries, count, next, days);
    bool good = list != NULL ? write_list(ca, list, next, error) : set_openssl_error("a list", error);
    X509_CRL_free(list);
    return good;
}
