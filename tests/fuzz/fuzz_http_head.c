/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as the start of a connection.  How they are cut does not matter; a head that is accepted has the framing
 * that it claims; and libhttp-parser, which accepts far more, reads the same method, target and length from it.
 */
#define FUZZ_TARGET fuzz_http_head
#include "tests/fuzz/fuzz.h"

#include <http_parser.h>
#include <string.h>

#include "collector/http.h"

enum { CUTS_OF_ALL = 300 };   /* heads up to this length are cut everywhere, longer ones at CUTS_OF_ALL places */

static bool lies_within(struct http_slice slice, const char *bytes, size_t length)
{
    return slice.bytes == NULL || (slice.bytes >= bytes && slice.bytes + slice.length <= bytes + length);
}

static void require_same_slice(struct http_slice one, struct http_slice other)
{
    FUZZ_REQUIRE(one.bytes == other.bytes && one.length == other.length);
}

static void require_same_head(const struct http_head *one, const struct http_head *other)
{
    FUZZ_REQUIRE(one->length == other->length && one->method == other->method);
    FUZZ_REQUIRE(one->content_length == other->content_length && one->keep_alive == other->keep_alive);
    FUZZ_REQUIRE(one->chunked == other->chunked);
    FUZZ_REQUIRE(one->expects_continue == other->expects_continue && one->minor_version == other->minor_version);
    require_same_slice(one->path, other->path);
    require_same_slice(one->query, other->query);
    for (size_t i = 0; i < HTTP_FIELD_COUNT; i++)
        require_same_slice(one->fields[i], other->fields[i]);
}

/* Once refused, refused; complete from its last byte on; otherwise incomplete. */
static void require_same_when_cut(const char *bytes, size_t size, enum http_outcome outcome,
                                  const struct http_head *head)
{
    size_t step = size / CUTS_OF_ALL + 1;
    for (size_t length = 0; length < size; length += step) {
        struct http_head cut;
        enum http_outcome found = http_read_head(bytes, length, &cut);
        if (found == HTTP_COMPLETE)
            require_same_head(&cut, head);
        if (outcome == HTTP_COMPLETE)
            FUZZ_REQUIRE(found == (length < head->length ? HTTP_INCOMPLETE : HTTP_COMPLETE));
        else if (outcome == HTTP_INCOMPLETE)
            FUZZ_REQUIRE(found == HTTP_INCOMPLETE);
        else
            FUZZ_REQUIRE(found != HTTP_COMPLETE);
    }
}

static void require_framing(const char *bytes, size_t size, const struct http_head *head)
{
    FUZZ_REQUIRE(head->refusal == HTTP_REFUSED_NOTHING);
    FUZZ_REQUIRE(head->length <= size && head->length <= HTTP_HEAD_LIMIT && head->length >= 4);
    FUZZ_REQUIRE(memcmp(bytes + head->length - 4, "\r\n\r\n", 4) == 0);
    FUZZ_REQUIRE(memmem(bytes, head->length - 1, "\r\n\r\n", 4) == NULL);
    FUZZ_REQUIRE(memchr(bytes, '\0', head->length) == NULL);
    for (size_t i = 0; i < head->length; i++)
        FUZZ_REQUIRE(bytes[i] == '\n' ? i > 0 && bytes[i - 1] == '\r' : bytes[i] != '\r' || bytes[i + 1] == '\n');
    FUZZ_REQUIRE((head->fields[HTTP_TRANSFER_ENCODING].bytes != NULL) == head->chunked);
    FUZZ_REQUIRE(!head->chunked || (head->fields[HTTP_CONTENT_LENGTH].bytes == NULL && head->minor_version == 1));
    FUZZ_REQUIRE(!head->chunked || head->method[0] == 'P');
    FUZZ_REQUIRE(head->content_length >= 0);
    FUZZ_REQUIRE(head->content_length == 0 || head->fields[HTTP_CONTENT_LENGTH].bytes != NULL);
    FUZZ_REQUIRE(head->content_length == 0 || head->method[0] == 'P');
    FUZZ_REQUIRE(!head->expects_continue || head->content_length > 0 || head->chunked);
    FUZZ_REQUIRE(head->minor_version == 1 || (head->minor_version == 0 && !head->keep_alive));
    FUZZ_REQUIRE(head->path.length > 0 && head->path.bytes[0] == '/');
    FUZZ_REQUIRE(lies_within(head->path, bytes, head->length) && lies_within(head->query, bytes, head->length));
    for (size_t i = 0; i < HTTP_FIELD_COUNT; i++)
        FUZZ_REQUIRE(lies_within(head->fields[i], bytes, head->length));
}

struct oracle {
    struct http_slice target;
    bool complete;
};

static int on_url(http_parser *parser, const char *at, size_t length)
{
    struct oracle *oracle = parser->data;
    if (oracle->target.bytes == NULL)
        oracle->target.bytes = at;
    oracle->target.length += length;
    return 0;
}

static int on_headers_complete(http_parser *parser)
{
    struct oracle *oracle = parser->data;
    oracle->complete = true;
    return 0;
}

/*
 * libhttp-parser gets all bytes but the last, then the last: the head ends there for it, too.  It refuses a tab behind
 * Content-Length, where RFC 9110, section 5.5, allows one: so it gets blanks for tabs.
 */
static void require_same_as_oracle(const char *original, const struct http_head *head)
{
    char bytes[HTTP_HEAD_LIMIT + 1] = {0};
    memcpy(bytes, original, head->length);
    for (char *tab = bytes; (tab = strchr(tab, '\t')) != NULL;)   /* there is no NUL: require_framing */
        *tab = ' ';
    FUZZ_REQUIRE((strcasestr(bytes, "\ntransfer-encoding:") != NULL) == head->chunked);
    if (!head->chunked && strcasestr(bytes, "\ntransfer-encoding") != NULL)
        return;   /* it takes Transfer-EncodingX for Transfer-Encoding */
    static const http_parser_settings settings = {.on_url = on_url, .on_headers_complete = on_headers_complete};
    struct oracle oracle = {{NULL, 0}, false};
    http_parser parser;
    http_parser_init(&parser, HTTP_REQUEST);
    parser.data = &oracle;
    size_t most = head->length - 1;
    size_t read = http_parser_execute(&parser, &settings, bytes, most);
    const char *reason = http_errno_description(HTTP_PARSER_ERRNO(&parser));
    FUZZ_REQUIRE_WITH(read == most && HTTP_PARSER_ERRNO(&parser) == HPE_OK, reason);
    FUZZ_REQUIRE(!oracle.complete);
    http_parser_execute(&parser, &settings, bytes + most, 1);
    FUZZ_REQUIRE_WITH(HTTP_PARSER_ERRNO(&parser) == HPE_OK, http_errno_description(HTTP_PARSER_ERRNO(&parser)));
    FUZZ_REQUIRE(oracle.complete);
    FUZZ_REQUIRE(strcmp(http_method_str(parser.method), head->method) == 0);
    size_t target_length = head->path.length + (head->query.bytes != NULL ? head->query.length + 1 : 0);
    require_same_slice(oracle.target, (struct http_slice){bytes + (head->path.bytes - original), target_length});
    FUZZ_REQUIRE(parser.http_major == 1 && parser.http_minor == head->minor_version);
    FUZZ_REQUIRE(((parser.flags & F_CHUNKED) != 0) == head->chunked);
    bool has_length = head->fields[HTTP_CONTENT_LENGTH].bytes != NULL;
    FUZZ_REQUIRE(((parser.flags & F_CONTENTLENGTH) != 0) == has_length);
    /* It counts a body down and takes no length for ULLONG_MAX. */
    if (head->content_length > 0)
        FUZZ_REQUIRE(parser.content_length == (uint64_t)head->content_length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct http_head head;
    enum http_outcome outcome = http_read_head(bytes, size, &head);
    require_same_when_cut(bytes, size, outcome, &head);
    if (outcome == HTTP_COMPLETE) {
        require_framing(bytes, size, &head);
        require_same_as_oracle(bytes, &head);
    } else if (outcome == HTTP_REFUSED) {
        int status = http_refusal_status(head.refusal);
        FUZZ_REQUIRE(head.refusal > HTTP_REFUSED_NOTHING && head.refusal < HTTP_REFUSAL_COUNT);
        FUZZ_REQUIRE((status >= 400 && status < 500) || status == 501 || status == 505);
        FUZZ_REQUIRE(http_refusal_code(head.refusal)[0] != '\0' && http_refusal_detail(head.refusal)[0] != '\0');
    } else {
        FUZZ_REQUIRE(size < HTTP_HEAD_LIMIT);
    }
    return 0;
}
