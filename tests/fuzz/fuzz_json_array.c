/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes behind a '['.  The elements lie in order, parted by one comma and blanks; and jansson finds the same ones:
 * it reads the whole exactly when the array ends and it reads each element alone, and each is the same then.
 */
#define FUZZ_TARGET fuzz_json_array
#include "tests/fuzz/fuzz.h"

#include <jansson.h>
#include <string.h>

#include "collector/json_array.h"
#include "forms/base/memory.h"

enum { ELEMENTS_MOST = 4096, DEPTH_MOST = 64 };

struct piece {
    const char *bytes;
    size_t length;
};

static void require_gap(const char *from, const char *to, bool first)
{
    size_t commas = 0;
    for (; from < to; from++) {
        FUZZ_REQUIRE(strchr(" \t\r\n,", *from) != NULL && *from != '\0');
        commas += *from == ',';
    }
    FUZZ_REQUIRE(commas == (first ? 0 : 1));
}

static enum json_array_step split(const char *text, size_t length, struct piece *pieces, size_t *count)
{
    struct json_array array = json_array_begin(text, length);
    const char *behind = memchr(text, '[', length);
    enum json_array_step step;
    struct piece piece;
    *count = 0;
    behind++;
    while ((step = json_array_next(&array, &piece.bytes, &piece.length)) == JSON_ARRAY_ELEMENT) {
        FUZZ_REQUIRE(piece.length > 0 && piece.bytes >= behind && piece.bytes + piece.length <= text + length);
        require_gap(behind, piece.bytes, *count == 0);
        behind = piece.bytes + piece.length;
        if (*count < ELEMENTS_MOST)
            pieces[(*count)++] = piece;
    }
    FUZZ_REQUIRE(array.at >= text && array.at <= text + length);
    return step;
}

/* Open brackets at most, outside texts; what jansson would refuse may be counted wrongly. */
static size_t depth_of(const char *text, size_t length)
{
    size_t depth = 0, deepest = 0;
    bool in_text = false;
    for (size_t i = 0; i < length; i++) {
        if (in_text && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_text = !in_text;
        else if (!in_text && (text[i] == '[' || text[i] == '{'))
            depth++;
        else if (!in_text && (text[i] == ']' || text[i] == '}') && depth > 0)
            depth--;
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest;
}

static bool all_read(const json_t *whole, const struct piece *pieces, size_t count)
{
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        json_t *one = json_loadb(pieces[i].bytes, pieces[i].length, JSON_DECODE_ANY, NULL);
        all = all && one != NULL;
        FUZZ_REQUIRE(whole == NULL || (one != NULL && json_equal(json_array_get(whole, i), one)));
        json_decref(one);
    }
    return all;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct piece pieces[ELEMENTS_MOST];
    size_t count, blanks = size > 0 ? data[0] % 3 : 0;
    void *owner = memory_owner(NULL, "fuzz");
    struct text *text = text_new(owner);
    text_append_bytes(text, " \n", blanks);
    text_append(text, "[");
    text_append_bytes(text, (const char *)data, size);
    /* A block of just these bytes, so that the address sanitizer sees a read behind them. */
    char *exact = memory_new_array(owner, char, text->length);
    memcpy(exact, text->bytes, text->length);
    enum json_array_step step = split(exact, text->length, pieces, &count);
    json_t *whole = json_loadb(exact, text->length, 0, NULL);
    if (count < ELEMENTS_MOST) {
        FUZZ_REQUIRE(whole == NULL || depth_of(exact, text->length) > DEPTH_MOST ||
                     (step == JSON_ARRAY_END && json_array_size(whole) == count));
        bool all = all_read(step == JSON_ARRAY_END ? whole : NULL, pieces, count);
        FUZZ_REQUIRE(step != JSON_ARRAY_END || all == (whole != NULL));
    }
    json_decref(whole);
    talloc_free(owner);
    return 0;
}
