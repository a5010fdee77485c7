/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/upload_names.h"

#include <stdint.h>
#include <string.h>

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/upload_plan.h"

/* Nothing that one sees: white space, joiners, marks of order and of direction, the soft hyphen. */
static bool is_unseen(UChar32 c)
{
    return u_isUWhiteSpace(c) || c == 0xAD || c == 0xFEFF || c == 0x2060 || (c >= 0x200B && c <= 0x200F);
}

static bool is_hyphen(UChar32 c)
{
    return (c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xFE58 || c == 0xFE63 || c == 0xFF0D;
}

static UChar32 straighten(UChar32 c)
{
    if (is_hyphen(c))
        return '-';
    if (c == 0x2018 || c == 0x2019)
        return '\'';
    return c == 0x201C || c == 0x201D ? '"' : c;
}

/* The next character that counts, folded, from `*at` on; 0 at the end.  What is no UTF-8 is U+FFFD. */
static UChar32 next_character(const char *name, size_t length, size_t *at)
{
    while (*at < length) {
        UChar32 c;
        U8_NEXT_OR_FFFD((const uint8_t *)name, *at, length, c);
        if (!is_unseen(c))
            return u_foldCase(straighten(c), U_FOLD_CASE_DEFAULT);
    }
    return 0;
}

bool upload_same_name(const char *one, const char *other)
{
    size_t one_length = strlen(one), other_length = strlen(other), one_at = 0, other_at = 0;
    for (;;) {
        UChar32 a = next_character(one, one_length, &one_at);
        if (a != next_character(other, other_length, &other_at))
            return false;
        if (a == 0)
            return true;
    }
}

static void append_character(struct text *text, UChar32 c)
{
    uint8_t bytes[U8_MAX_LENGTH];
    size_t count = 0;
    U8_APPEND_UNSAFE(bytes, count, c);
    text_append_bytes(text, bytes, count);
}

char *upload_fold_name(const void *owner, const char *name)
{
    size_t length = strlen(name), at = 0;
    struct text *folded = text_new_with_room(owner, length + 1);
    for (UChar32 c = next_character(name, length, &at); c != 0; c = next_character(name, length, &at))
        append_character(folded, c);
    char *bytes = talloc_steal(owner, folded->bytes);
    talloc_free(folded);
    return bytes;
}

char *upload_slug(const void *owner, const char *name)
{
    size_t length = strlen(name), at = 0;
    struct text *slug = text_new_with_room(owner, length + 1);
    bool between = false;
    while (at < length) {
        UChar32 c;
        U8_NEXT_OR_FFFD((const uint8_t *)name, at, length, c);
        if (!u_isalnum(c)) {
            between = slug->length > 0;
            continue;
        }
        if (between)
            text_append(slug, "_");
        between = false;
        append_character(slug, u_foldCase(c, U_FOLD_CASE_DEFAULT));
    }
    char *bytes = talloc_steal(owner, slug->bytes);
    talloc_free(slug);
    return bytes;
}

/* What `word` means by the profile, or NULL. */
static const char *find_word(const struct upload_words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (upload_same_name(words->words[i].file, word))
            return words->words[i].means;
    return NULL;
}

/* "3_months" of "3_months_arm_1"; what has no such ending stays as it is. */
static void cut_arm(char *slug)
{
    char *arm = NULL;
    for (char *at = slug; (at = strstr(at, "_arm_")) != NULL; at++)
        arm = at;
    if (arm != NULL && arm[5] != '\0' && strspn(arm + 5, "0123456789") == strlen(arm + 5))
        *arm = '\0';
}

/* The only visit whose id or title has this slug. */
static const char *find_slug(const void *owner, const struct protocol *protocol, const char *slug)
{
    const char *found = NULL;
    for (size_t i = 0; i < protocol->visit_count; i++) {
        const struct visit *visit = &protocol->visits[i];
        const char *const names[] = {visit->id, visit->title};
        bool same = false;
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++)
            same |= names[j] != NULL && strcmp(upload_slug(owner, names[j]), slug) == 0;
        if (same && found != NULL)
            return NULL;
        found = same ? visit->id : found;
    }
    return found;
}

static const char *find_title(const struct protocol *protocol, const char *word)
{
    const char *found = NULL;
    for (size_t i = 0; i < protocol->visit_count; i++) {
        if (!upload_same_name(protocol->visits[i].title, word))
            continue;
        if (found != NULL)
            return NULL;
        found = protocol->visits[i].id;
    }
    return found;
}

const char *upload_visit_in_profile(const struct upload_profile *profile, const char *word)
{
    return profile != NULL ? find_word(&profile->visits, word) : NULL;
}

const char *upload_visit_of(const struct catalogue *catalogue, const struct upload_profile *profile, const char *word)
{
    const struct protocol *protocol = catalogue->protocol;
    const char *means = upload_visit_in_profile(profile, word);
    if (means != NULL)
        return means;
    for (size_t i = 0; i < protocol->visit_count; i++)
        if (upload_same_name(protocol->visits[i].id, word))
            return protocol->visits[i].id;
    if (upload_same_name("unscheduled", word))
        return "unscheduled";
    means = find_title(protocol, word);
    if (means != NULL)
        return means;
    void *scratch = memory_owner(NULL, "visit word");
    char *slug = upload_slug(scratch, word);
    cut_arm(slug);
    means = slug[0] != '\0' ? find_slug(scratch, protocol, slug) : NULL;
    talloc_free(scratch);
    return means;
}

static const struct {
    const char *word, *knee;
} knee_words[] = {
    {"left", "left"},     {"right", "right"},   {"none", "none"},       {"l", "left"},         {"r", "right"},
    {"lt", "left"},       {"rt", "right"},      {"left knee", "left"},  {"right knee", "right"},
    {"gauche", "left"},   {"droite", "right"},  {"droit", "right"},     {"g", "left"},         {"d", "right"},
    {"links", "left"},    {"rechts", "right"},  {"li", "left"},         {"re", "right"},
    {"izquierda", "left"}, {"derecha", "right"}, {"sinistra", "left"},  {"destra", "right"},
};

const char *upload_knee_of(const struct upload_profile *profile, const char *word)
{
    const char *means = profile != NULL ? find_word(&profile->knees, word) : NULL;
    for (size_t i = 0; means == NULL && i < sizeof knee_words / sizeof knee_words[0]; i++)
        if (upload_same_name(knee_words[i].word, word))
            means = knee_words[i].knee;
    return means;
}

bool upload_is_asked(const struct protocol *protocol, const char *form)
{
    for (size_t i = 0; i < protocol->visit_count; i++)
        if (protocol_form_is_due(&protocol->visits[i], form))
            return true;
    return protocol_form_is_any_time(protocol, form);
}

const struct form *upload_form_of(const struct catalogue *catalogue, const char *word)
{
    const struct form *titled = NULL;
    size_t titles = 0;
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *form = catalogue->forms[i];
        if (!upload_is_asked(catalogue->protocol, form->id) || form != catalogue_find_form(catalogue, form->id, 0))
            continue;
        if (upload_same_name(form->id, word))
            return form;
        if (!upload_same_name(form->title, word))
            continue;
        titled = form;
        titles++;
    }
    return titles == 1 ? titled : NULL;
}
