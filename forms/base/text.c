/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "forms/base/memory.h"

struct text *text_new(const void *owner)
{
    return text_new_with_room(owner, 63);
}

struct text *text_new_with_room(const void *owner, size_t room)
{
    struct text *text = memory_new(owner, struct text);
    text->capacity = memory_size_sum(room, 1);
    text->bytes = memory_resize_array(text, NULL, char, text->capacity);
    text->bytes[0] = '\0';
    return text;
}

void text_clear(struct text *text)
{
    text->length = 0;
    text->bytes[0] = '\0';
}

static void grow(struct text *text, size_t more)
{
    size_t needed = memory_size_sum(memory_size_sum(text->length, more), 1);
    size_t capacity = memory_size_product(text->capacity, 2);
    if (capacity < needed)
        capacity = needed;
    text->bytes = memory_resize_array(text, text->bytes, char, capacity);
    text->capacity = capacity;
}

/* For `more` bytes and the NUL. */
static inline void make_room(struct text *text, size_t more)
{
    if (more >= text->capacity - text->length)
        grow(text, more);
}

void text_append_bytes(struct text *text, const void *bytes, size_t length)
{
    if (length == 0)
        return;
    make_room(text, length);
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void text_append(struct text *text, const char *string)
{
    text_append_bytes(text, string, strlen(string));
}

void text_append_format(struct text *text, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(text->bytes + text->length, text->capacity - text->length, format, arguments);
    va_end(arguments);
    if (length > 0 && (size_t)length >= text->capacity - text->length) {
        make_room(text, (size_t)length);
        vsnprintf(text->bytes + text->length, text->capacity - text->length, format, again);
    }
    va_end(again);
    if (length > 0)
        text->length += (size_t)length;
}

size_t text_from_number(uint64_t number, size_t width, char *out)
{
    char digits[TEXT_NUMBER_SIZE];
    size_t count = 0;
    while (number > 0 || count < width || count == 0) {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    }
    for (size_t i = 0; i < count; i++)
        out[i] = digits[count - 1 - i];
    out[count] = '\0';
    return count;
}

void text_append_integer(struct text *text, int64_t number)
{
    make_room(text, TEXT_NUMBER_SIZE);
    if (number < 0)
        text->bytes[text->length++] = '-';
    uint64_t magnitude = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    text->length += text_from_number(magnitude, 1, text->bytes + text->length);
}

/* Bytes from `string` on that stand in a JSON string as they are; the NUL ends them. */
static size_t count_plain(const char *string)
{
    const unsigned char *c = (const unsigned char *)string;
    while (*c >= 0x20 && *c != '"' && *c != '\\')
        c++;
    return (size_t)((const char *)c - string);
}

static void append_escape(struct text *text, char c)
{
    static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    for (const char *s = shorts; *s != '\0'; s += 2)
        if (*s == c) {
            text_append_format(text, "\\%c", s[1]);
            return;
        }
    text_append_format(text, "\\u%04x", (unsigned)c);
}

void text_append_json(struct text *text, const char *string)
{
    size_t plain = count_plain(string);
    make_room(text, memory_size_sum(plain, 1));
    text->bytes[text->length++] = '"';
    text_append_bytes(text, string, plain);
    for (string += plain; *string != '\0'; string += plain) {
        append_escape(text, *string++);
        plain = count_plain(string);
        text_append_bytes(text, string, plain);
    }
    text_append_bytes(text, "\"", 1);
}

void text_append_html(struct text *text, const char *string)
{
    for (const char *c = string; *c != '\0'; c++) {
        switch (*c) {
        case '&': text_append(text, "&amp;"); break;
        case '<': text_append(text, "&lt;"); break;
        case '>': text_append(text, "&gt;"); break;
        case '"': text_append(text, "&quot;"); break;
        case '\'': text_append(text, "&#39;"); break;
        default: text_append_bytes(text, c, 1);
        }
    }
}

void text_append_csv(struct text *text, const char *string)
{
    if (strpbrk(string, ",\"\r\n") == NULL) {
        text_append(text, string);
        return;
    }
    text_append_bytes(text, "\"", 1);
    for (const char *c = string; *c != '\0'; c++)
        text_append_bytes(text, *c == '"' ? "\"\"" : c, *c == '"' ? 2 : 1);
    text_append_bytes(text, "\"", 1);
}

/* RFC 3629, section 4. */
size_t text_character_length(const char *bytes, size_t left)
{
    const unsigned char *c = (const unsigned char *)bytes;
    if (left == 0)
        return 0;
    if (c[0] < 0x80)
        return c[0] != 0 ? 1 : 0;
    size_t length = c[0] < 0xC2 ? 0 : c[0] < 0xE0 ? 2 : c[0] < 0xF0 ? 3 : c[0] < 0xF5 ? 4 : 0;
    if (length == 0 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((c[i] & 0xC0) != 0x80)
            return 0;
    bool overlong = (c[0] == 0xE0 && c[1] < 0xA0) || (c[0] == 0xF0 && c[1] < 0x90);
    bool surrogate = c[0] == 0xED && c[1] >= 0xA0;
    bool too_high = c[0] == 0xF4 && c[1] >= 0x90;
    return overlong || surrogate || too_high ? 0 : length;
}

bool text_is_utf8(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t step = text_character_length(bytes + i, length - i);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

void text_drop_broken(char *string)
{
    size_t length = strlen(string), kept = 0;
    for (size_t i = 0; i < length;) {
        size_t step = text_character_length(string + i, length - i);
        memmove(string + kept, string + i, step);
        kept += step;
        i += step > 0 ? step : 1;
    }
    string[kept] = '\0';
}

static bool is_ascii(const char *string)
{
    for (const char *c = string; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            return false;
    return true;
}

const char *text_to_nfc(const void *owner, const char *string)
{
    if (is_ascii(string))
        return string;
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *nfc = unorm2_getNFCInstance(&status);
    if (U_FAILURE(status) || strlen(string) > INT32_MAX / 8)
        return string;
    int32_t bytes = (int32_t)strlen(string);
    UChar *wide = memory_new_array(owner, UChar, (size_t)bytes + 1);
    int32_t length = 0;
    u_strFromUTF8(wide, bytes + 1, &length, string, bytes, &status);
    if (U_FAILURE(status) || unorm2_isNormalized(nfc, wide, length, &status)) {
        talloc_free(wide);
        return string;
    }
    int32_t room = length * 3 + 1;   /* NFC grows by at most a factor of 3 in UTF-16 (UAX 15) */
    UChar *normal = memory_new_array(owner, UChar, (size_t)room);
    int32_t normal_length = unorm2_normalize(nfc, wide, length, normal, room, &status);
    char *result = memory_new_array(owner, char, (size_t)normal_length * 3 + 1);
    u_strToUTF8(result, normal_length * 3 + 1, NULL, normal, normal_length, &status);
    talloc_free(wide);
    talloc_free(normal);
    return U_FAILURE(status) ? string : result;
}

bool text_has_control(const char *string)
{
    for (const unsigned char *c = (const unsigned char *)string; *c != '\0'; c++) {
        if ((*c < 0x20 && *c != '\t' && *c != '\n') || *c == 0x7F)
            return true;
        if (*c == 0xC2 && c[1] >= 0x80 && c[1] <= 0x9F)   /* C1 controls */
            return true;
    }
    return false;
}

size_t text_count_characters(const char *string)
{
    size_t count = 0;
    for (const char *c = string; *c != '\0'; c++)
        if (((unsigned char)*c & 0xC0) != 0x80)
            count++;
    return count;
}

/* The code point of the sequence at `c`. */
static uint32_t code_point(const unsigned char *c)
{
    if (*c < 0x80)
        return *c;
    size_t more = *c >= 0xF0 ? 3 : *c >= 0xE0 ? 2 : 1;
    uint32_t point = *c & (0x3FU >> more);
    for (size_t i = 1; i <= more && c[i] != '\0'; i++)
        point = point << 6 | (c[i] & 0x3FU);
    return point;
}

static bool is_blank(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } blanks[] = {
        {0x09, 0x0D},     {0x1C, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0xAD, 0xAD},     {0x1680, 0x1680},
        {0x180E, 0x180E}, {0x2000, 0x200F}, {0x2028, 0x202F}, {0x205F, 0x2060}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF},
    };
    for (size_t i = 0; i < sizeof blanks / sizeof blanks[0]; i++)
        if (point >= blanks[i].first && point <= blanks[i].last)
            return true;
    return false;
}

size_t text_count_visible(const char *string)
{
    size_t count = 0;
    for (const unsigned char *c = (const unsigned char *)string; *c != '\0'; c++)
        count += (*c & 0xC0) != 0x80 && !is_blank(code_point(c));
    return count;
}

char *text_read_file(const void *owner, const char *path, size_t limit, size_t *length, struct error *error)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        error_io(error, errno, path);
        return NULL;
    }
    struct text *text = text_new(owner);
    char buffer[8192];
    size_t count;
    while ((count = fread(buffer, 1, sizeof buffer, file)) > 0 && text->length <= limit)
        text_append_bytes(text, buffer, count);
    bool failed = ferror(file) != 0;
    int failure = errno;
    fclose(file);
    if (failed) {
        error_io(error, failure, path);
        return NULL;
    }
    if (text->length > limit) {
        error_at(error, ERROR_INPUT, path, 0, "larger than the limit of %zu bytes", limit);
        return NULL;
    }
    if (length != NULL)
        *length = text->length;
    return text->bytes;
}

bool text_to_int64(const char *string, int64_t *value)
{
    const char *digits = *string == '-' ? string + 1 : string;
    if (*digits == '\0' || strspn(digits, "0123456789") != strlen(digits))
        return false;
    errno = 0;
    int64_t parsed = strtoimax(string, NULL, 10);
    if (errno != 0)
        return false;
    *value = parsed;
    return true;
}

bool text_to_decimal(const char *string, double *value)
{
    const char *digits = *string == '-' ? string + 1 : string;
    size_t whole = strspn(digits, "0123456789");
    if (whole == 0 || whole > 18)
        return false;
    const char *rest = digits + whole;
    if (*rest == '.') {
        size_t decimals = strspn(rest + 1, "0123456789");
        if (decimals == 0 || decimals > 18)
            return false;
        rest += 1 + decimals;
    }
    if (*rest != '\0')
        return false;
    *value = strtod(string, NULL);   /* programs never call setlocale: the decimal mark is the point */
    return true;
}

void text_to_hex(const void *bytes, size_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[from[i] >> 4];
        out[2 * i + 1] = digits[from[i] & 15];
    }
    out[2 * length] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char small = (char)(c | 0x20);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

bool text_to_uuid(const char *string, uint8_t uuid[16])
{
    if (strlen(string) != 36)
        return false;
    uint8_t parsed[16];
    size_t at = 0;
    for (size_t i = 0; i < 36;) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (string[i++] != '-')
                return false;
            continue;
        }
        int high = hex_digit(string[i]), low = hex_digit(string[i + 1]);
        if (high < 0 || low < 0)
            return false;
        parsed[at++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    memcpy(uuid, parsed, sizeof parsed);
    return true;
}

void text_from_uuid(const uint8_t uuid[16], char out[37])
{
    size_t at = 0;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[at++] = '-';
        text_to_hex(uuid + i, 1, out + at);
        at += 2;
    }
}
