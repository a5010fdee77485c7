/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/http.h"

#include <string.h>
#include <strings.h>

static const struct {
    int status;
    const char *code;
    const char *detail;
} refusals[HTTP_REFUSAL_COUNT] = {
    [HTTP_REFUSED_NOTHING] = {500, "internal", "the request was not refused"},
    [HTTP_REFUSED_REQUEST_LINE] = {400, "bad_request_line",
                                   "the request line is not METHOD SP TARGET SP HTTP/1.1"},
    [HTTP_REFUSED_TARGET] =
        {400, "bad_target",
         "the request target must be a path that begins with one '/', with everything else percent-encoded"},
    [HTTP_REFUSED_METHOD] = {501, "unknown_method", "the method is not known to this server"},
    [HTTP_REFUSED_VERSION] = {505, "bad_version", "send HTTP/1.1"},
    [HTTP_REFUSED_LINE_END] = {400, "bad_line_end", "lines of the head must end with CR LF"},
    [HTTP_REFUSED_FIELD] =
        {400, "bad_header",
         "a header line is not NAME: VALUE, or holds a blank or control character where none may be"},
    [HTTP_REFUSED_FOLDING] = {400, "folded_header",
                              "a header line begins with a blank; write it on one line"},
    [HTTP_REFUSED_TOO_LARGE] = {431, "head_too_large", "the head of a request may have 8192 bytes"},
    [HTTP_REFUSED_TOO_MANY_FIELDS] = {431, "too_many_headers", "a request may have 64 headers"},
    [HTTP_REFUSED_DUPLICATE] = {400, "duplicate_header", "a header that may stand once was sent twice"},
    [HTTP_REFUSED_HOST] = {400, "bad_host", "send one Host header with the name of this server"},
    [HTTP_REFUSED_LENGTH] = {400, "bad_content_length", "Content-Length must be one number of digits only"},
    [HTTP_REFUSED_LENGTH_AND_CODING] = {400, "length_and_transfer_encoding",
                                        "Content-Length and Transfer-Encoding exclude each other"},
    [HTTP_REFUSED_TRANSFER_CODING] =
        {501, "transfer_encoding", "transfer codings are not supported here; send the body with Content-Length"},
    [HTTP_REFUSED_LENGTH_MISSING] = {411, "length_required", "send Content-Length"},
    [HTTP_REFUSED_BODY] = {400, "body_not_allowed", "this method takes no body"},
    [HTTP_REFUSED_EXPECTATION] = {417, "bad_expectation", "the only expectation is 100-continue"},
};

int http_refusal_status(enum http_refusal refusal)
{
    return refusals[refusal].status;
}

const char *http_refusal_code(enum http_refusal refusal)
{
    return refusals[refusal].code;
}

const char *http_refusal_detail(enum http_refusal refusal)
{
    return refusals[refusal].detail;
}

const char *http_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"}, {207, "Multi-Status"},
        {304, "Not Modified"}, {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"},
        {404, "Not Found"}, {405, "Method Not Allowed"}, {406, "Not Acceptable"}, {408, "Request Timeout"},
        {409, "Conflict"}, {410, "Gone"}, {411, "Length Required"}, {412, "Precondition Failed"},
        {413, "Content Too Large"}, {415, "Unsupported Media Type"}, {417, "Expectation Failed"},
        {422, "Unprocessable Content"}, {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
        {460, "Checksum Mismatch"}, {500, "Internal Server Error"}, {501, "Not Implemented"},
        {503, "Service Unavailable"}, {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}

bool http_slice_is(struct http_slice slice, const char *text)
{
    return slice.bytes != NULL && strlen(text) == slice.length &&
           strncasecmp(slice.bytes, text, slice.length) == 0;
}

/* Classes of octets: RFC 9110 tchar and field-value octets, RFC 3986 path and query octets. */
enum { IS_TOKEN = 1, IS_VALUE = 2, IS_TARGET = 4, IS_HOST = 8 };

#define ALPHANUMERIC (IS_TOKEN | IS_VALUE | IS_TARGET | IS_HOST)

#define DELIMITER (IS_VALUE | IS_TARGET | IS_HOST)

static const unsigned char octet_classes[256] = {
    ['0' ... '9'] = ALPHANUMERIC, ['A' ... 'Z'] = ALPHANUMERIC, ['a' ... 'z'] = ALPHANUMERIC,
    ['-'] = ALPHANUMERIC, ['.'] = ALPHANUMERIC, ['_'] = ALPHANUMERIC, ['~'] = ALPHANUMERIC,
    ['!'] = ALPHANUMERIC, ['$'] = ALPHANUMERIC, ['%'] = ALPHANUMERIC, ['&'] = ALPHANUMERIC,
    ['\''] = ALPHANUMERIC, ['*'] = ALPHANUMERIC, ['+'] = ALPHANUMERIC,
    ['('] = DELIMITER, [')'] = DELIMITER, [','] = DELIMITER, [';'] = DELIMITER, ['='] = DELIMITER,
    [':'] = DELIMITER,
    ['@'] = IS_VALUE | IS_TARGET, ['/'] = IS_VALUE | IS_TARGET, ['?'] = IS_VALUE | IS_TARGET,
    ['['] = IS_VALUE | IS_HOST, [']'] = IS_VALUE | IS_HOST,
    ['#'] = IS_VALUE | IS_TOKEN, ['^'] = IS_VALUE | IS_TOKEN, ['`'] = IS_VALUE | IS_TOKEN,
    ['|'] = IS_VALUE | IS_TOKEN,
    ['\t'] = IS_VALUE, [' '] = IS_VALUE, ['"'] = IS_VALUE, ['<'] = IS_VALUE, ['>'] = IS_VALUE,
    ['\\'] = IS_VALUE, ['{'] = IS_VALUE, ['}'] = IS_VALUE, [0x80 ... 0xFF] = IS_VALUE,
};

static bool all_of(const char *bytes, size_t length, unsigned class)
{
    for (size_t i = 0; i < length; i++)
        if ((octet_classes[(unsigned char)bytes[i]] & class) == 0)
            return false;
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static enum http_refusal refuse_target(const char *target, size_t length)
{
    if (length == 0 || target[0] != '/' || (length > 1 && target[1] == '/'))
        return HTTP_REFUSED_TARGET;
    if (!all_of(target, length, IS_TARGET))
        return HTTP_REFUSED_TARGET;
    for (size_t i = 0; i < length; i++)
        if (target[i] == '%' && (i + 2 >= length || !is_hex(target[i + 1]) || !is_hex(target[i + 2])))
            return HTTP_REFUSED_TARGET;
    return HTTP_REFUSED_NOTHING;
}

static enum http_refusal read_version(const char *version, size_t length, struct http_head *head)
{
    bool shaped = length == 8 && memcmp(version, "HTTP/", 5) == 0 && version[6] == '.' && version[5] >= '0' &&
                  version[5] <= '9' && version[7] >= '0' && version[7] <= '9';
    if (!shaped)
        return HTTP_REFUSED_REQUEST_LINE;
    if (version[5] != '1' || version[7] > '1')
        return HTTP_REFUSED_VERSION;
    head->minor_version = version[7] - '0';
    return HTTP_REFUSED_NOTHING;
}

static const char *find_method(const char *name, size_t length)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strlen(methods[i]) == length && memcmp(methods[i], name, length) == 0)
            return methods[i];
    return NULL;
}

static enum http_refusal read_request_line(const char *line, size_t length, struct http_head *head)
{
    const char *end = line + length;
    const char *method_end = memchr(line, ' ', length);
    if (method_end == NULL || method_end == line || !all_of(line, (size_t)(method_end - line), IS_TOKEN))
        return HTTP_REFUSED_REQUEST_LINE;
    const char *target = method_end + 1;
    const char *target_end = memchr(target, ' ', (size_t)(end - target));
    if (target_end == NULL)
        return HTTP_REFUSED_REQUEST_LINE;
    size_t target_length = (size_t)(target_end - target);
    enum http_refusal refusal = refuse_target(target, target_length);
    if (refusal == HTTP_REFUSED_NOTHING)
        refusal = read_version(target_end + 1, (size_t)(end - target_end - 1), head);
    if (refusal != HTTP_REFUSED_NOTHING)
        return refusal;
    head->method = find_method(line, (size_t)(method_end - line));
    if (head->method == NULL)
        return HTTP_REFUSED_METHOD;
    const char *mark = memchr(target, '?', target_length);
    head->path = (struct http_slice){target, mark != NULL ? (size_t)(mark - target) : target_length};
    if (mark != NULL)
        head->query = (struct http_slice){mark + 1, (size_t)(target_end - mark - 1)};
    return HTTP_REFUSED_NOTHING;
}

/* One member of Connection's list. */
static void read_connection_option(struct http_slice option, struct http_head *head)
{
    while (option.length > 0 && (option.bytes[0] == ' ' || option.bytes[0] == '\t')) {
        option.bytes++;
        option.length--;
    }
    while (option.length > 0 &&
           (option.bytes[option.length - 1] == ' ' || option.bytes[option.length - 1] == '\t'))
        option.length--;
    if (http_slice_is(option, "close"))
        head->keep_alive = false;
}

static void read_connection(struct http_slice value, struct http_head *head)
{
    const char *at = value.bytes, *end = value.bytes + value.length;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma != NULL ? comma : end;
        read_connection_option((struct http_slice){at, (size_t)(stop - at)}, head);
        at = stop + 1;
    }
}

static const struct {
    const char *name;
    bool once;           /* a second one is refused; otherwise the first counts */
} known_fields[HTTP_FIELD_COUNT] = {
    [HTTP_HOST] = {"host", true},
    [HTTP_CONTENT_LENGTH] = {"content-length", true},
    [HTTP_TRANSFER_ENCODING] = {"transfer-encoding", false},
    [HTTP_CONNECTION] = {"connection", false},
    [HTTP_EXPECT] = {"expect", true},
    [HTTP_AUTHORIZATION] = {"authorization", true},
    [HTTP_CONTENT_TYPE] = {"content-type", true},
    [HTTP_CONTENT_ENCODING] = {"content-encoding", true},
    [HTTP_IF_NONE_MATCH] = {"if-none-match", false},
    [HTTP_COOKIE] = {"cookie", true},
    [HTTP_ORIGIN] = {"origin", true},
    [HTTP_FORM_TOKEN] = {"x-patella-form", true},
    [HTTP_PREFER] = {"prefer", false},
    [HTTP_ACCEPT_ENCODING] = {"accept-encoding", false},
    [HTTP_TUS_RESUMABLE] = {"tus-resumable", true},
    [HTTP_UPLOAD_LENGTH] = {"upload-length", true},
    [HTTP_UPLOAD_OFFSET] = {"upload-offset", true},
    [HTTP_UPLOAD_METADATA] = {"upload-metadata", true},
    [HTTP_UPLOAD_CHECKSUM] = {"upload-checksum", true},
};

static enum http_refusal keep_field(struct http_slice name, struct http_slice value, struct http_head *head)
{
    for (size_t i = 0; i < HTTP_FIELD_COUNT; i++) {
        if (!http_slice_is(name, known_fields[i].name))
            continue;
        if (i == HTTP_CONNECTION)
            read_connection(value, head);   /* a list that may be spread over several lines */
        if (head->fields[i].bytes == NULL)
            head->fields[i] = value;
        else if (i == HTTP_TRANSFER_ENCODING)
            head->fields[i].length = 0;     /* several codings: none that is known */
        else if (known_fields[i].once)
            return i == HTTP_CONTENT_LENGTH ? HTTP_REFUSED_LENGTH : HTTP_REFUSED_DUPLICATE;
        break;
    }
    return HTTP_REFUSED_NOTHING;
}

static enum http_refusal read_field(const char *line, size_t length, struct http_head *head)
{
    if (line[0] == ' ' || line[0] == '\t')
        return HTTP_REFUSED_FOLDING;
    const char *colon = memchr(line, ':', length);
    if (colon == NULL || colon == line || !all_of(line, (size_t)(colon - line), IS_TOKEN))
        return HTTP_REFUSED_FIELD;
    const char *start = colon + 1, *end = line + length;
    while (start < end && (*start == ' ' || *start == '\t'))
        start++;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    struct http_slice value = {start, (size_t)(end - start)};
    if (!all_of(value.bytes, value.length, IS_VALUE))
        return HTTP_REFUSED_FIELD;
    return keep_field((struct http_slice){line, (size_t)(colon - line)}, value, head);
}

static bool read_length(struct http_slice value, int64_t *length)
{
    if (value.length == 0)
        return false;
    int64_t total = 0;
    for (size_t i = 0; i < value.length; i++) {
        if (value.bytes[i] < '0' || value.bytes[i] > '9')
            return false;
        bool overflows = __builtin_mul_overflow(total, 10, &total) ||
                         __builtin_add_overflow(total, value.bytes[i] - '0', &total);
        if (overflows)
            return false;
    }
    *length = total;
    return true;
}

/* Where the body ends: the part of the grammar that smuggling lives on. */
static enum http_refusal read_framing(struct http_head *head)
{
    struct http_slice length = head->fields[HTTP_CONTENT_LENGTH], coding = head->fields[HTTP_TRANSFER_ENCODING];
    bool carries = head->method[0] == 'P';   /* POST, PUT, PATCH */
    if (coding.bytes != NULL && length.bytes != NULL)
        return HTTP_REFUSED_LENGTH_AND_CODING;
    if (coding.bytes != NULL) {
        head->chunked = carries && head->minor_version == 1 && http_slice_is(coding, "chunked");
        return head->chunked ? HTTP_REFUSED_NOTHING : HTTP_REFUSED_TRANSFER_CODING;
    }
    if (length.bytes != NULL && !read_length(length, &head->content_length))
        return HTTP_REFUSED_LENGTH;
    if (carries && length.bytes == NULL)
        return HTTP_REFUSED_LENGTH_MISSING;
    if (!carries && head->content_length > 0)
        return HTTP_REFUSED_BODY;
    return HTTP_REFUSED_NOTHING;
}

static enum http_refusal judge(struct http_head *head)
{
    struct http_slice host = head->fields[HTTP_HOST];
    bool host_is_good = host.bytes != NULL ? host.length > 0 && all_of(host.bytes, host.length, IS_HOST)
                                           : head->minor_version == 0;
    if (!host_is_good)
        return HTTP_REFUSED_HOST;
    enum http_refusal refusal = read_framing(head);
    if (refusal != HTTP_REFUSED_NOTHING)
        return refusal;
    if (head->minor_version == 0)
        head->keep_alive = false;
    struct http_slice expect = head->fields[HTTP_EXPECT];
    if (expect.bytes == NULL || head->minor_version == 0)   /* RFC 9110, 10.1.1: 1.0 is ignored */
        return HTTP_REFUSED_NOTHING;
    if (!http_slice_is(expect, "100-continue"))
        return HTTP_REFUSED_EXPECTATION;
    head->expects_continue = head->content_length > 0 || head->chunked;
    return HTTP_REFUSED_NOTHING;
}

/* What can be said of a line that has not ended yet: so that garbage and bare LF need no deadline. */
static enum http_refusal judge_tail(const char *tail, size_t length, bool first_line)
{
    if (length > 0 && tail[length - 1] == '\r')
        length--;
    if (all_of(tail, length, IS_VALUE))
        return HTTP_REFUSED_NOTHING;
    return first_line ? HTTP_REFUSED_REQUEST_LINE : HTTP_REFUSED_FIELD;
}

static enum http_refusal read_line(const char *line, size_t length, size_t number, struct http_head *head)
{
    if (number == 0)
        return read_request_line(line, length, head);
    return number > HTTP_FIELD_LIMIT ? HTTP_REFUSED_TOO_MANY_FIELDS : read_field(line, length, head);
}

enum http_outcome http_read_head(const char *bytes, size_t length, struct http_head *head)
{
    *head = (struct http_head){.keep_alive = true};
    size_t limit = length < HTTP_HEAD_LIMIT ? length : HTTP_HEAD_LIMIT;
    size_t at = 0;
    for (size_t number = 0; at < limit && head->refusal == HTTP_REFUSED_NOTHING; number++) {
        const char *line = bytes + at;
        const char *end = memchr(line, '\n', limit - at);
        head->refused_line = number + 1;
        if (end == NULL) {
            head->refusal = judge_tail(line, limit - at, number == 0);
            break;
        }
        if (end == line || end[-1] != '\r') {
            head->refusal = HTTP_REFUSED_LINE_END;
            break;
        }
        size_t line_length = (size_t)(end - line) - 1;
        at += line_length + 2;
        if (line_length == 0 && number > 0) {
            head->length = at;
            head->refused_line = 0;
            head->refusal = judge(head);
            return head->refusal == HTTP_REFUSED_NOTHING ? HTTP_COMPLETE : HTTP_REFUSED;
        }
        head->refusal = read_line(line, line_length, number, head);
    }
    if (head->refusal == HTTP_REFUSED_NOTHING && length >= HTTP_HEAD_LIMIT) {
        head->refusal = HTTP_REFUSED_TOO_LARGE;
        head->refused_line = 0;
    }
    return head->refusal == HTTP_REFUSED_NOTHING ? HTTP_INCOMPLETE : HTTP_REFUSED;
}
