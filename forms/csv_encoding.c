/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/csv_encoding.h"

#include <string.h>

/* Characters of the bytes 0x80 .. 0x9F; 0: none.  Source: Unicode, MAPPINGS/VENDORS/MICSFT/WINDOWS/CP1252.TXT. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0,
    0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A,
    0x0153, 0,      0x017E, 0x0178,
};

static const struct {
    enum csv_encoding encoding;
    const char *name;
    const char *mark;
    size_t mark_length;
} encodings[] = {
    {CSV_UTF8, "utf-8", "\xEF\xBB\xBF", 3},
    {CSV_WINDOWS_1252, "windows-1252", "", 0},
    {CSV_UTF16LE, "utf-16le", "\xFF\xFE", 2},
    {CSV_UTF16BE, "utf-16be", "\xFE\xFF", 2},
};

enum { ENCODINGS = sizeof encodings / sizeof encodings[0] };

const char *csv_encoding_name(enum csv_encoding encoding)
{
    for (size_t i = 0; i < ENCODINGS; i++)
        if (encodings[i].encoding == encoding)
            return encodings[i].name;
    return "unknown";
}

enum csv_encoding csv_encoding_of(const char *name)
{
    for (size_t i = 0; i < ENCODINGS; i++)
        if (strcmp(encodings[i].name, name) == 0)
            return encodings[i].encoding;
    return CSV_ENCODING_UNKNOWN;
}

const char *csv_encoding_mark(enum csv_encoding encoding, size_t *length)
{
    for (size_t i = 0; i < ENCODINGS; i++)
        if (encodings[i].encoding == encoding) {
            *length = encodings[i].mark_length;
            return encodings[i].mark;
        }
    *length = 0;
    return "";
}

static void append_character(struct text *out, uint32_t character)
{
    char bytes[4];
    size_t length;
    if (character < 0x80) {
        length = 1;
        bytes[0] = (char)character;
    } else {
        length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
        for (size_t i = length - 1; i > 0; i--, character >>= 6)
            bytes[i] = (char)(0x80 | (character & 0x3F));
        bytes[0] = (char)((0xF00U >> length & 0xFF) | character);
    }
    text_append_bytes(out, bytes, length);
}

static void decode_windows_1252(const unsigned char *bytes, size_t length, struct text *out)
{
    for (size_t i = 0; i < length;) {
        size_t plain = i;
        while (plain < length && bytes[plain] < 0x80)
            plain++;
        text_append_bytes(out, bytes + i, plain - i);
        i = plain;
        if (i == length)
            break;
        uint32_t character = bytes[i] < 0xA0 ? windows_1252[bytes[i] - 0x80] : bytes[i];
        if (character == 0)
            text_append_bytes(out, CSV_UNREADABLE, 1);
        else
            append_character(out, character);
        i++;
    }
}

static void decode_unit(struct csv_decoder *decoder, uint16_t unit, struct text *out)
{
    bool is_low = unit >= 0xDC00 && unit <= 0xDFFF, is_high = unit >= 0xD800 && unit <= 0xDBFF;
    if (decoder->high != 0 && !is_low)
        text_append_bytes(out, CSV_UNREADABLE, 1);
    if (is_low && decoder->high == 0)
        text_append_bytes(out, CSV_UNREADABLE, 1);
    else if (is_low)
        append_character(out, 0x10000 + ((uint32_t)(decoder->high - 0xD800) << 10) + (unit - 0xDC00U));
    else if (!is_high)
        append_character(out, unit);
    decoder->high = is_high ? unit : 0;
}

static void decode_utf16(struct csv_decoder *decoder, const unsigned char *bytes, size_t length, struct text *out)
{
    for (size_t i = 0; i < length; i++) {
        if (!decoder->has_half) {
            decoder->half = bytes[i];
            decoder->has_half = true;
            continue;
        }
        decoder->has_half = false;
        bool is_little = decoder->encoding == CSV_UTF16LE;
        unsigned high = is_little ? bytes[i] : decoder->half, low = is_little ? decoder->half : bytes[i];
        decode_unit(decoder, (uint16_t)(high << 8 | low), out);
    }
}

void csv_decode(struct csv_decoder *decoder, const char *bytes, size_t length, struct text *out)
{
    switch (decoder->encoding) {
    case CSV_WINDOWS_1252: decode_windows_1252((const unsigned char *)bytes, length, out); break;
    case CSV_UTF16LE:
    case CSV_UTF16BE: decode_utf16(decoder, (const unsigned char *)bytes, length, out); break;
    case CSV_ENCODING_UNKNOWN:
    case CSV_UTF8: text_append_bytes(out, bytes, length); break;
    }
}

void csv_decode_end(struct csv_decoder *decoder, struct text *out)
{
    if (decoder->has_half || decoder->high != 0)
        text_append_bytes(out, CSV_UNREADABLE, 1);
    decoder->has_half = false;
    decoder->high = 0;
}

/* The character that valid UTF-8 begins with. */
static uint32_t first_character(const char *bytes, size_t length)
{
    if (length == 1)
        return (unsigned char)bytes[0];
    uint32_t character = (unsigned char)bytes[0] & (0xFFU >> (length + 1));
    for (size_t i = 1; i < length; i++)
        character = character << 6 | ((unsigned char)bytes[i] & 0x3F);
    return character;
}

static void encode_windows_1252(uint32_t character, struct text *out)
{
    unsigned char byte = 0;
    if (character < 0x80 || (character >= 0xA0 && character <= 0xFF))
        byte = (unsigned char)character;
    for (unsigned i = 0; i < 32 && byte == 0; i++)
        if (windows_1252[i] == character)
            byte = (unsigned char)(0x80 + i);
    if (byte != 0)
        text_append_bytes(out, &byte, 1);
    else
        text_append_format(out, "<U+%04X>", (unsigned)character);
}

static void append_unit(enum csv_encoding encoding, uint32_t unit, struct text *out)
{
    unsigned char high = (unsigned char)(unit >> 8), low = (unsigned char)unit;
    bool is_little = encoding == CSV_UTF16LE;
    unsigned char bytes[2] = {is_little ? low : high, is_little ? high : low};
    text_append_bytes(out, bytes, 2);
}

static void encode_utf16(enum csv_encoding encoding, uint32_t character, struct text *out)
{
    if (character < 0x10000) {
        append_unit(encoding, character, out);
        return;
    }
    append_unit(encoding, 0xD800 + ((character - 0x10000) >> 10), out);
    append_unit(encoding, 0xDC00 + ((character - 0x10000) & 0x3FF), out);
}

void csv_encode(enum csv_encoding encoding, const char *string, size_t length, struct text *out)
{
    if (encoding == CSV_UTF8 || encoding == CSV_ENCODING_UNKNOWN) {
        text_append_bytes(out, string, length);
        return;
    }
    for (size_t i = 0; i < length;) {
        size_t step = text_character_length(string + i, length - i);
        uint32_t character = step > 0 ? first_character(string + i, step) : 0xFFFD;
        if (encoding == CSV_WINDOWS_1252)
            encode_windows_1252(character, out);
        else
            encode_utf16(encoding, character, out);
        i += step > 0 ? step : 1;
    }
}
