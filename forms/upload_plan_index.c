/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every name that an item or a score of the study may have in the header of a file. */
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "forms/upload_planning.h"

struct indexing {
    struct name_index *index;
    struct named *names;
    size_t count, room;
};

static void add_name(struct indexing *indexing, const char *name, const struct named *named)
{
    char *folded = upload_fold_name(indexing->index, name);
    if (folded[0] == '\0')
        return;
    if (indexing->count == indexing->room) {
        indexing->room = indexing->room == 0 ? 256 : memory_size_product(indexing->room, 2);
        indexing->names = memory_resize_array(indexing->index, indexing->names, struct named, indexing->room);
    }
    struct named *entry = &indexing->names[indexing->count++];
    *entry = *named;
    entry->name = folded;
}

/* "FORM.ID" and its like, `between` each. */
static void add_joined(struct indexing *indexing, const char *between, const char *id, const struct named *named)
{
    char *name = memory_format(indexing->index, "%s%s%s", named->form->id, between, id);
    add_name(indexing, name, named);
    talloc_free(name);
}

static void add_item(struct indexing *indexing, const struct form *form, int at)
{
    const struct item *item = &form->items[at];
    struct named named = {.form = form, .item = at, .rank = NAME_FULL};
    add_joined(indexing, ".", item->id, &named);
    named.rank = NAME_ID;
    add_name(indexing, item->id, &named);
    named.rank = NAME_JOINED;
    add_joined(indexing, "_", item->id, &named);
    add_joined(indexing, "-", item->id, &named);
    named.rank = NAME_CODE;
    if (item->code != NULL)
        add_name(indexing, item->code, &named);
    named.rank = NAME_LABEL;
    add_name(indexing, item->text, &named);
}

static void add_score(struct indexing *indexing, const struct form *form, int at)
{
    const struct score *score = &form->scores[at];
    struct named named = {.form = form, .item = at, .rank = NAME_SCORE, .score = true};
    add_joined(indexing, ".", score->id, &named);
    add_joined(indexing, "_", score->id, &named);
    add_name(indexing, score->id, &named);
    char *name = memory_format(indexing->index, "%s_score", score->id);
    add_name(indexing, name, &named);
    talloc_free(name);
    named.rank = NAME_LABEL;
    add_name(indexing, score->title, &named);
}

/* Items and scores that newer versions of the form do not have any more are known still. */
static void add_form(struct indexing *indexing, const struct form *form, const struct form *newest)
{
    for (size_t i = 0; i < form->item_count; i++)
        if (form == newest || form_find_item(newest, form->items[i].id) == FORM_NONE)
            add_item(indexing, form, (int)i);
    for (size_t i = 0; i < form->score_count; i++)
        if (form == newest || form_find_score(newest, form->scores[i].id) == FORM_NONE)
            add_score(indexing, form, (int)i);
}

static int compare_names(const void *a, const void *b)
{
    const struct named *one = a, *other = b;
    int order = strcmp(one->name, other->name);
    if (order == 0)
        order = (one->rank > other->rank) - (one->rank < other->rank);
    if (order == 0)
        order = strcmp(one->form->id, other->form->id);
    if (order == 0)
        order = (one->form->version < other->form->version) - (one->form->version > other->form->version);
    return order != 0 ? order : (one->item > other->item) - (one->item < other->item);
}

struct name_index *upload_index_names(const void *owner, const struct catalogue *catalogue)
{
    struct name_index *index = memory_new(owner, struct name_index);
    struct indexing indexing = {.index = index};
    const struct form **forms = memory_new_array(index, const struct form *, catalogue->form_count);
    for (size_t i = 0; i < catalogue->form_count; i++) {
        const struct form *form = catalogue->forms[i], *newest = catalogue_find_form(catalogue, form->id, 0);
        if (!upload_is_asked(catalogue->protocol, form->id))
            continue;
        add_form(&indexing, form, newest);
        if (form == newest)
            forms[index->form_count++] = form;
    }
    if (indexing.count > 0)
        qsort(indexing.names, indexing.count, sizeof indexing.names[0], compare_names);
    index->forms = forms;
    index->names = indexing.names;
    index->count = indexing.count;
    return index;
}

const struct named *upload_index_find(const struct name_index *index, const char *folded, size_t *count)
{
    size_t low = 0, high = index->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(index->names[middle].name, folded) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *count = 0;
    while (low + *count < index->count && strcmp(index->names[low + *count].name, folded) == 0)
        (*count)++;
    return *count > 0 ? &index->names[low] : NULL;
}

const struct named *upload_index_in_form(const struct name_index *index, const char *folded, const struct form *form,
                                         bool *doubled)
{
    size_t count;
    const struct named *names = upload_index_find(index, folded, &count), *found = NULL;
    *doubled = false;
    for (size_t i = 0; names != NULL && i < count; i++) {
        if (strcmp(names[i].form->id, form->id) != 0)
            continue;
        if (found == NULL)
            found = &names[i];
        else if (names[i].rank == found->rank && strcmp(upload_named_id(&names[i]), upload_named_id(found)) != 0)
            *doubled = true;
    }
    return found;
}

const char *upload_named_id(const struct named *named)
{
    return named->score ? named->form->scores[named->item].id : named->form->items[named->item].id;
}
