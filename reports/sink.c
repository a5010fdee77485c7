/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/sink.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "forms/base/memory.h"

enum { PASS_AT = 64 * 1024, DIGEST_SIZE = 32 };

struct sink {
    struct text *text;
    sink_function *pass;
    void *context;
    EVP_MD_CTX *digest;
    size_t size;
    bool failed;
    struct error error;          /* the first one, when failed */
};

static int free_digest(struct sink *sink)
{
    EVP_MD_CTX_free(sink->digest);
    return 0;
}

struct sink *sink_new(const void *owner, sink_function *pass, void *context)
{
    struct sink *sink = memory_new(owner, struct sink);
    sink->text = text_new_with_room(sink, PASS_AT);
    sink->pass = pass;
    sink->context = context;
    sink->digest = EVP_MD_CTX_new();
    if (sink->digest == NULL || EVP_DigestInit_ex(sink->digest, EVP_sha256(), NULL) != 1)
        abort();
    talloc_set_destructor(sink, free_digest);
    return sink;
}

struct text *sink_text(struct sink *sink)
{
    return sink->text;
}

static void pass_on(struct sink *sink)
{
    const struct text *text = sink->text;
    if (EVP_DigestUpdate(sink->digest, text->bytes, text->length) != 1)
        abort();
    sink->size += text->length;
    if (!sink->failed && sink->pass != NULL && text->length > 0)
        sink->failed = !sink->pass(sink->context, text->bytes, text->length, &sink->error);
    text_clear(sink->text);
}

void sink_step(struct sink *sink)
{
    if (sink->text->length >= PASS_AT)
        pass_on(sink);
}

bool sink_end(struct sink *sink, size_t *size, char sha256[65], struct error *error)
{
    unsigned char digest[DIGEST_SIZE];
    pass_on(sink);
    if (EVP_DigestFinal_ex(sink->digest, digest, NULL) != 1)
        abort();
    text_to_hex(digest, sizeof digest, sha256);
    *size = sink->size;
    if (sink->failed)
        *error = sink->error;
    return !sink->failed;
}
