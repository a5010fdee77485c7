/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names of columns taken apart: what names the item, and what says choice, visit, knee and instance. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/upload_planning.h"

static bool is_named(const struct planning *planning, const char *folded)
{
    size_t count;
    return upload_index_find(planning->index, folded, &count) != NULL;
}

/* ---- LibreClinica: ITEM_E1[_rep]_C1[_grp] ---- */

/* Of at most six digits. */
static int number_of(const char *digits)
{
    return (int)strtol(digits, NULL, 10);
}

/* Cuts "_12" off the end of `name`: its number; 0 when there is none. */
static int cut_number(char *name)
{
    size_t length = strlen(name), digits = 0;
    while (digits < length && isdigit((unsigned char)name[length - digits - 1]))
        digits++;
    if (digits == 0 || digits > 6 || digits + 1 >= length || name[length - digits - 1] != '_')
        return 0;
    int number = number_of(name + length - digits);
    if (number > 0)
        name[length - digits - 1] = '\0';
    return number;
}

/* Cuts "_e12" (`letter` e) off the end: what stands behind the _; NULL when there is none. */
static const char *cut_part(char *name, char letter)
{
    char *last = strrchr(name, '_');
    if (last == NULL || last == name || last[1] != letter || last[2] == '\0'
        || strspn(last + 2, "0123456789") != strlen(last + 2) || strlen(last + 2) > 6)
        return NULL;
    *last = '\0';
    return last + 1;
}

/* What the end of a wide name says. */
struct wide_end {
    const char *event;           /* "e1" */
    int crf;                     /* 1 of "c1"; 0: of the event itself */
    int occurrence, row;         /* 0: not named */
};

static bool cut_wide_end(const void *owner, const char *folded, char **stem, struct wide_end *end)
{
    char *name = memory_copy_string(owner, folded);
    *end = (struct wide_end){.row = cut_number(name)};
    const char *crf = cut_part(name, 'c');
    if (crf != NULL) {
        end->crf = number_of(crf + 1);
        end->occurrence = cut_number(name);
    } else {
        end->occurrence = end->row;
        end->row = 0;
    }
    end->event = cut_part(name, 'e');
    *stem = name;
    return end->event != NULL;
}

/* Columns about the event or the CRF as such: "" when they are ignored. */
static const struct {
    const char *stem;
    enum upload_role role;
} event_columns[] = {
    {"startdate", UPLOAD_DATE},         {"interviewdate", UPLOAD_DATE}, {"enddate", UPLOAD_IGNORED},
    {"location", UPLOAD_IGNORED},       {"age", UPLOAD_IGNORED},        {"eventstatus", UPLOAD_IGNORED},
    {"interviewer", UPLOAD_IGNORED},    {"versionname", UPLOAD_IGNORED}, {"crfversionstatus", UPLOAD_IGNORED},
};

static void split_event_column(struct planning *planning, size_t at)
{
    struct column_name *name = &planning->names[at];
    struct upload_column *column = &planning->columns[at];
    struct wide_end end;
    char *stem;
    if (!cut_wide_end(planning->scratch, name->folded, &stem, &end))
        return;
    name->stem = stem;
    name->event = end.event;
    name->group = (size_t)end.crf <= planning->header->count ? (size_t)end.crf : 0;
    column->visit = upload_visit_of_event(planning, end.event);
    column->instance = end.row > 1 || end.occurrence == 0 ? end.row : end.occurrence;
    for (size_t i = 0; i < sizeof event_columns / sizeof event_columns[0]; i++)
        if (strcmp(event_columns[i].stem, stem) == 0
            && upload_index_find(planning->index, stem, &(size_t){0}) == NULL) {
            column->role = column->visit != NULL ? event_columns[i].role : UPLOAD_IGNORED;
            name->open = false;
        }
}

/* ---- REDCap: the fields of a form stand before its _complete ---- */

static bool is_complete(const char *folded)
{
    static const char end[] = "_complete";
    size_t length = strlen(folded);
    return length > sizeof end - 1 && strcmp(folded + length - (sizeof end - 1), end) == 0;
}

static void group_by_complete(struct planning *planning)
{
    size_t first = 0, group = 1;
    for (size_t i = 0; i < planning->header->count; i++) {
        if (!is_complete(planning->names[i].folded))
            continue;
        for (; first <= i; first++)
            planning->names[first].group = group;
        group++;
    }
}

/* ---- choices, ODK's groups, wide columns of a profile ---- */

/* A name in parts. */
struct parts {
    const char *stem, *choice, *visit, *knee;
};

static bool split_stem(struct planning *planning, const char *folded, int depth, struct parts *parts);

static bool split_choice(struct planning *planning, const char *folded, struct parts *parts)
{
    static const char *const marks[] = {"___", "#", "/"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        const char *mark = strstr(folded, marks[i]);
        if (mark == NULL || mark == folded || mark[strlen(marks[i])] == '\0')
            continue;
        char *stem = memory_copy_bytes(planning->scratch, folded, (size_t)(mark - folded));
        struct parts found = *parts;
        if (!split_stem(planning, stem, 1, &found))
            continue;
        *parts = found;
        parts->choice = memory_copy_string(planning->scratch, mark + strlen(marks[i]));
        return true;
    }
    return false;
}

/* True when `group` is called as a form or a section is. */
static bool is_group(const struct planning *planning, const char *group)
{
    for (size_t i = 0; i < planning->index->form_count; i++) {
        const struct form *form = planning->index->forms[i];
        if (strcmp(form->id, group) == 0)
            return true;
        for (size_t j = 0; j < form->section_count; j++)
            if (strcmp(form->sections[j].id, group) == 0)
                return true;
    }
    return false;
}

static bool split_group(struct planning *planning, const char *folded, struct parts *parts)
{
    const char *between = strrchr(folded, '-');
    if (between == NULL || between[1] == '\0' || !is_named(planning, between + 1))
        return false;
    char *group = memory_copy_bytes(planning->scratch, folded, (size_t)(between - folded));
    const char *last = strrchr(group, '-');
    if (planning->plan->tool != UPLOAD_ODK && !is_group(planning, last != NULL ? last + 1 : group))
        return false;
    parts->stem = memory_copy_string(planning->scratch, between + 1);
    return true;
}

/* `name` without `word` at its beginning or end and what stands between; NULL when it is not there. */
static const char *without_word(const void *owner, const char *name, const char *word, bool at_end)
{
    size_t length = strlen(name), word_length = strlen(word);
    if (word_length == 0 || length <= word_length)
        return NULL;
    const char *from = at_end ? name : name + word_length;
    size_t rest = length - word_length;
    if (strncmp(at_end ? name + rest : name, word, word_length) != 0)
        return NULL;
    if (at_end && strchr("_.-:/", from[rest - 1]) != NULL)
        rest--;
    else if (!at_end && strchr("_.-:/", from[0]) != NULL) {
        from++;
        rest--;
    }
    return rest > 0 ? memory_copy_bytes(owner, from, rest) : NULL;
}

static bool split_word(struct planning *planning, const char *folded, int depth, const char *word,
                       struct parts *parts)
{
    for (int at_end = 1; at_end >= 0; at_end--) {
        const char *rest = without_word(planning->scratch, folded, word, at_end == 1);
        if (rest != NULL && split_stem(planning, rest, depth + 1, parts))
            return true;
    }
    return false;
}

static bool split_visit(struct planning *planning, const char *folded, int depth, struct parts *parts)
{
    for (size_t i = 0; i < planning->visit_words.count; i++) {
        struct parts found = *parts;
        found.visit = planning->visit_words.words[i].means;
        if (!split_word(planning, folded, depth, planning->visit_words.words[i].folded, &found))
            continue;
        *parts = found;
        return true;
    }
    return false;
}

static bool split_knee(struct planning *planning, const char *folded, int depth, struct parts *parts)
{
    for (size_t i = 0; i < planning->knee_words.count; i++) {
        struct parts found = *parts;
        found.knee = planning->knee_words.words[i].means;
        if (!split_word(planning, folded, depth, planning->knee_words.words[i].folded, &found))
            continue;
        *parts = found;
        return true;
    }
    return false;
}

/* At most a visit, a knee and a choice are taken off. */
static bool split_stem(struct planning *planning, const char *folded, int depth, struct parts *parts)
{
    const struct known_key *key = depth > 0 ? upload_find_key(folded) : NULL;
    if (is_named(planning, folded) || (key != NULL && key->role == UPLOAD_DATE)) {
        parts->stem = folded;
        return true;
    }
    if (depth > 3)
        return false;
    if ((parts->choice == NULL && split_choice(planning, folded, parts)) || split_group(planning, folded, parts))
        return true;
    if (parts->visit == NULL && split_visit(planning, folded, depth, parts))
        return true;
    return parts->knee == NULL && split_knee(planning, folded, depth, parts);
}

static void split_column(struct planning *planning, size_t at)
{
    struct column_name *name = &planning->names[at];
    struct upload_column *column = &planning->columns[at];
    struct parts parts = {.stem = NULL};
    if (!split_stem(planning, name->stem, name->event != NULL ? 1 : 0, &parts))
        return;
    const struct known_key *key = upload_find_key(parts.stem);
    name->stem = parts.stem;
    name->choice = parts.choice;
    column->visit = parts.visit != NULL ? parts.visit : column->visit;
    column->knee = parts.knee != NULL ? parts.knee : column->knee;
    if (key != NULL && key->role == UPLOAD_DATE && !is_named(planning, parts.stem)) {
        column->role = UPLOAD_DATE;
        name->open = false;
    }
}

static void add_word(struct planning *planning, struct wide_words *words, const char *word, const char *means)
{
    words->words[words->count++] = (struct wide_word){upload_fold_name(planning->scratch, word), means};
}

/* The profile's words stand before the usual ones. */
static void find_wide_words(struct planning *planning, const struct upload_profile *profile)
{
    static const char *const usual[] = {"left", "right", "l", "r", "links", "rechts", "gauche", "droite"};
    enum { USUAL = sizeof usual / sizeof usual[0] };
    const struct protocol *protocol = planning->plan->catalogue->protocol;
    struct wide_words *visits = &planning->visit_words, *knees = &planning->knee_words;
    size_t visit_count = profile->visits.count + protocol->visit_count;
    visits->words = memory_new_array(planning->scratch, struct wide_word, visit_count);
    knees->words = memory_new_array(planning->scratch, struct wide_word, profile->knees.count + USUAL);
    for (size_t i = 0; i < profile->visits.count; i++)
        add_word(planning, visits, profile->visits.words[i].file, profile->visits.words[i].means);
    for (size_t i = 0; i < protocol->visit_count; i++)
        add_word(planning, visits, protocol->visits[i].id, protocol->visits[i].id);
    for (size_t i = 0; i < profile->knees.count; i++)
        add_word(planning, knees, profile->knees.words[i].file, profile->knees.words[i].means);
    for (size_t i = 0; i < USUAL; i++)
        add_word(planning, knees, usual[i], upload_knee_of(profile, usual[i]));
}

void upload_split_names(struct planning *planning)
{
    const struct upload_profile *profile = planning->plan->profile;
    if (profile != NULL && profile->wide)
        find_wide_words(planning, profile);
    if (planning->plan->tool == UPLOAD_REDCAP)
        group_by_complete(planning);
    for (size_t i = 0; i < planning->header->count; i++) {
        if (!planning->names[i].open)
            continue;
        if (planning->plan->tool == UPLOAD_LIBRECLINICA)
            split_event_column(planning, i);
        if (planning->names[i].open)
            split_column(planning, i);
    }
}
