/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/csv_head.h"

#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/csv_encoding.h"

/* What the bytes show when they are read as UTF-8. */
struct utf8_seen {
    size_t multibyte;            /* characters that are not ASCII */
    int64_t multibyte_line;      /* of the first one */
    bool has_bad;
    size_t bad_at;               /* the first byte that is none */
    int64_t bad_line;
    size_t nuls;
};

/* The end of a head that was cut: the beginning of a character. */
static bool is_cut_character(const struct csv_head *head, size_t at)
{
    size_t left = head->length - at;
    unsigned char first = (unsigned char)head->bytes[at];
    size_t wanted = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
    if (head->is_whole || left >= wanted)
        return false;
    for (size_t i = 1; i < left; i++)
        if (((unsigned char)head->bytes[at + i] & 0xC0) != 0x80)
            return false;
    return true;
}

static struct utf8_seen look(const struct csv_head *head, bool is_cr_newline)
{
    struct utf8_seen seen = {0};
    int64_t line = 1;
    for (size_t i = 0; i < head->length;) {
        char byte = head->bytes[i];
        size_t step = text_character_length(head->bytes + i, head->length - i);
        bool is_crlf = byte == '\r' && i + 1 < head->length && head->bytes[i + 1] == '\n';
        line += byte == '\n' || (is_cr_newline && byte == '\r' && !is_crlf);
        seen.nuls += byte == '\0';
        if (step > 1 && seen.multibyte++ == 0)
            seen.multibyte_line = line;
        if (step == 0 && byte != '\0' && is_cut_character(head, i))
            break;
        if (step == 0 && byte != '\0' && !seen.has_bad) {
            seen.has_bad = true;
            seen.bad_at = i;
            seen.bad_line = line;
        }
        i += step > 0 ? step : 1;
    }
    return seen;
}

/* The byte at `at` with its neighbours, up to what may be the cell's edges, as windows-1252 has them. */
static const char *show_as_windows_1252(const struct csv_head *head, size_t at)
{
    enum { NEIGHBOURS = 20 };
    size_t from = at, to = at;
    while (from > 0 && at - from < NEIGHBOURS && strchr(",;\t|^\"\r\n", head->bytes[from - 1]) == NULL)
        from--;
    while (to < head->length && to - at < NEIGHBOURS && strchr(",;\t|^\"\r\n", head->bytes[to]) == NULL)
        to++;
    struct csv_decoder decoder = {.encoding = CSV_WINDOWS_1252};
    struct text *shown = text_new(head->scratch);
    csv_decode(&decoder, head->bytes + from, to - from, shown);
    text_drop_broken(shown->bytes);
    return shown->bytes;
}

static bool refuse_bad_byte(const struct csv_head *head, const struct utf8_seen *seen,
                            struct upload_findings *findings)
{
    const char *shown = show_as_windows_1252(head, seen->bad_at);
    const struct upload_place place = {.line = seen->bad_line, .value = shown};
    unsigned byte = (unsigned char)head->bytes[seen->bad_at];
    if (seen->multibyte > 0)
        upload_finding_add(findings, UPLOAD_FILE_REFUSED, "two_encodings", &place,
                           "line %lld holds a character of UTF-8, and line %lld the byte %02X that is none (windows-"
                           "1252 would be \"%s\"): two encodings in one file; export it anew as \"CSV UTF-8\", or "
                           "declare its encoding in the profile", (long long)seen->multibyte_line,
                           (long long)seen->bad_line, byte, shown);
    else
        upload_finding_add(findings, UPLOAD_FILE_REFUSED, "encoding_undeclared", &place,
                           "line %lld holds the byte %02X, which is no UTF-8; as windows-1252 it is \"%s\": save the "
                           "file as \"CSV UTF-8\", or declare its encoding in the profile (encoding: windows-1252)",
                           (long long)seen->bad_line, byte, shown);
    return false;
}

/* Programs, pictures, documents: control characters wherever one looks, but not NUL at every other place alone. */
static bool is_no_text(const struct csv_head *head)
{
    size_t controls = 0, nuls[2] = {0, 0};
    for (size_t i = 0; i < head->length; i++) {
        unsigned char byte = (unsigned char)head->bytes[i];
        nuls[i % 2] += byte == 0;
        controls += byte != 0 && byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r';
    }
    size_t least = nuls[0] < nuls[1] ? nuls[0] : nuls[1], most = nuls[0] + nuls[1] - least;
    enum { FEW = 4 };
    return controls > FEW && controls > head->length / 20 && (most < head->length / 4 || least > most / 10);
}

static bool refuse_no_text(struct upload_findings *findings)
{
    upload_finding_add(findings, UPLOAD_FILE_REFUSED, "spreadsheet_file", NULL,
                       "the file is no text file; open it in the program that it is of, save the table as "
                       "\"CSV UTF-8\" and upload that");
    return false;
}

/* Every other byte of text in UTF-16 is NUL as long as it is in English. */
static bool refuse_utf16(const struct csv_head *head, struct upload_findings *findings)
{
    size_t odd = 0, even = 0;
    for (size_t i = 0; i < head->length; i++)
        *(i % 2 == 0 ? &even : &odd) += head->bytes[i] == '\0';
    upload_finding_add(findings, UPLOAD_FILE_REFUSED, "encoding_undeclared", &(struct upload_place){.line = 1},
                       "the file looks like UTF-16 without a byte order mark; save it as \"CSV UTF-8\", or declare its "
                       "encoding in the profile (encoding: %s)",
                       csv_encoding_name(odd >= even ? CSV_UTF16LE : CSV_UTF16BE));
    return false;
}

static bool is_utf16(enum csv_encoding encoding)
{
    return encoding == CSV_UTF16LE || encoding == CSV_UTF16BE;
}

/* The mark stands above what is declared: there is no other way to read it. */
static bool find_mark(struct csv_head *head, struct csv_dialect *dialect, struct upload_findings *findings)
{
    static const enum csv_encoding marked[] = {CSV_UTF8, CSV_UTF16LE, CSV_UTF16BE};
    for (size_t i = 0; i < sizeof marked / sizeof marked[0]; i++) {
        size_t length;
        const char *mark = csv_encoding_mark(marked[i], &length);
        if (head->length < length || memcmp(head->bytes, mark, length) != 0)
            continue;
        bool is_as_declared = dialect->encoding == CSV_ENCODING_UNKNOWN || dialect->encoding == marked[i];
        const char *declared = csv_encoding_name(dialect->encoding);
        upload_finding_add(findings, UPLOAD_ASSUMED, "byte_order_mark", NULL,
                           "the file begins with the byte order mark of %s%s%s", csv_encoding_name(marked[i]),
                           is_as_declared ? "" : ", and is read so although the profile says ",
                           is_as_declared ? "" : declared);
        dialect->encoding = marked[i];
        dialect->byte_order_mark = true;
        head->bytes += length;
        head->length -= length;
        return true;
    }
    return false;
}

/* Nothing is declared. */
static bool guess_encoding(const struct csv_head *head, const struct utf8_seen *seen, struct csv_dialect *dialect,
                           struct upload_findings *findings)
{
    if (is_no_text(head))
        return refuse_no_text(findings);
    if (seen->nuls > 1 && seen->nuls >= head->length / 4)
        return refuse_utf16(head, findings);
    if (seen->has_bad)
        return refuse_bad_byte(head, seen, findings);
    dialect->encoding = CSV_UTF8;
    dialect->encoding_guessed = true;
    upload_finding_add(findings, UPLOAD_ASSUMED, "encoding", NULL, "the characters are read as UTF-8");
    return true;
}

/*
 * Text in another encoding is hardly ever valid UTF-8 with characters beyond ASCII, nor is text in UTF-16 without any
 * NUL: then a declaration is older than the file.
 */
static void correct_declared(const struct utf8_seen *seen, struct csv_dialect *dialect,
                             struct upload_findings *findings)
{
    bool is_wrong = !seen->has_bad && seen->nuls == 0 && (seen->multibyte > 0 || is_utf16(dialect->encoding));
    if (dialect->encoding == CSV_UTF8 || !is_wrong)
        return;
    upload_finding_add(findings, UPLOAD_ASSUMED, "encoding", NULL,
                       "the characters are read as UTF-8, which they are, although the profile says %s",
                       csv_encoding_name(dialect->encoding));
    dialect->encoding = CSV_UTF8;
    dialect->encoding_guessed = true;
}

static bool begins_with_cr_line(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n')
            return false;
        if (text[i] == '\r')
            return i + 1 < length && text[i + 1] != '\n';
    }
    return false;
}

bool csv_head_decode(struct csv_head *head, struct csv_dialect *dialect, struct upload_findings *findings)
{
    dialect->byte_order_mark = false;
    dialect->encoding_guessed = false;
    if (!find_mark(head, dialect, findings)) {
        struct utf8_seen seen = look(head, begins_with_cr_line(head->bytes, head->length));
        if (dialect->encoding == CSV_ENCODING_UNKNOWN && !guess_encoding(head, &seen, dialect, findings))
            return false;
        correct_declared(&seen, dialect, findings);
    }
    head->text = head->bytes;
    head->text_length = head->length;
    if (dialect->encoding != CSV_UTF8) {
        struct csv_decoder decoder = {.encoding = dialect->encoding};
        struct text *decoded = text_new_with_room(head->scratch, head->length);
        csv_decode(&decoder, head->bytes, head->length, decoded);
        if (head->is_whole)
            csv_decode_end(&decoder, decoded);
        head->text = decoded->bytes;
        head->text_length = decoded->length;
    }
    head->is_cr_newline = begins_with_cr_line(head->text, head->text_length);
    return true;
}
