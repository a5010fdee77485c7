/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/seal_tables.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "collector/seal_json.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { FINGERPRINT = 16, SLOTS_FIRST = 1024, STRANGERS_MOST = 1000, SHOWN = 160, REST_HEX = 64 };

static const char submission_name[] = "core.submission";
static const char rest_key[] = ", \"rest\": \"";

struct object {
    const char *name;
    char **left_out;
    size_t left_out_count;
};

/* How often a row of these very values must be in its table still. */
struct slot {
    uint8_t fingerprint[FINGERPRINT];
    struct seal_place place;         /* of the audit row that made it */
    int64_t block;
    uint64_t bare;                   /* of a submission: hash of its columns but for "rest" */
    int32_t study, site;
    int32_t object, count;           /* object -1: the slot is free */
};

/* A submission whose answers went by the approval of two persons. */
struct redaction {
    int32_t study, site;
    uint8_t id[16], digest[MERKLE_HASH];     /* of the text that is there instead */
};

/* A row of a table that the trail does not have like this. */
struct stranger {
    int object;
    int32_t study, site;
    int64_t xid;                     /* of a submission, else 0 */
    uint64_t bare;
    const char *text;
    bool redacted, matched;
};

struct seal_tables {
    struct seal_faults *faults;
    struct seal_counts *counts;
    struct object *objects;          /* [0] is core.submission */
    int object_count, current;
    struct slot *slots;
    size_t slot_count, used;
    struct stranger *strangers;
    size_t stranger_count;
    struct redaction *redactions;
    size_t redaction_count;
    int64_t study, site, subject, version;   /* of the version before */
    uint8_t sha256[MERKLE_HASH];
    struct text *work;
};

static int add_object(struct seal_tables *tables, const char *name, size_t length)
{
    tables->objects = memory_resize_array(tables, tables->objects, struct object, (size_t)tables->object_count + 1);
    tables->objects[tables->object_count] = (struct object){.name = memory_copy_bytes(tables, name, length)};
    return tables->object_count++;
}

static void make_slots(struct seal_tables *tables, size_t count)
{
    tables->slots = memory_new_array(tables, struct slot, count);
    tables->slot_count = count;
    for (size_t i = 0; i < count; i++)
        tables->slots[i].object = -1;
}

struct seal_tables *seal_tables_new(const void *owner, struct seal_faults *faults, struct seal_counts *counts)
{
    struct seal_tables *tables = memory_new(owner, struct seal_tables);
    tables->faults = faults;
    tables->counts = counts;
    tables->work = text_new(tables);
    add_object(tables, submission_name, sizeof submission_name - 1);
    make_slots(tables, SLOTS_FIRST);
    return tables;
}

static int find_object(const struct seal_tables *tables, const char *name, size_t length)
{
    for (int i = 0; i < tables->object_count; i++)
        if (strlen(tables->objects[i].name) == length && memcmp(tables->objects[i].name, name, length) == 0)
            return i;
    return -1;
}

void seal_tables_add_object(struct seal_tables *tables, const char *object, size_t length)
{
    char *copy = memory_copy_bytes(tables, object, length), *rest = copy;
    const char *name = strsep(&rest, "\n");
    int at = add_object(tables, name, strlen(name));
    struct object *added = &tables->objects[at];
    for (const char *column; rest != NULL && (column = strsep(&rest, ",")) != NULL;) {
        if (*column == '\0')
            continue;
        added->left_out = memory_resize_array(tables, added->left_out, char *, added->left_out_count + 1);
        added->left_out[added->left_out_count++] = memory_copy_string(tables, column);
    }
    talloc_free(copy);
}

/* ---- the set ---- */

/* The slot of a fingerprint, or the free one where it belongs; `slots` are never all used. */
static struct slot *find_slot(const struct seal_tables *tables, const uint8_t *fingerprint, int object)
{
    uint64_t start;
    memcpy(&start, fingerprint, sizeof start);
    for (size_t at = start & (tables->slot_count - 1);; at = (at + 1) & (tables->slot_count - 1)) {
        struct slot *slot = &tables->slots[at];
        if (slot->object < 0 ||
            (slot->object == object && memcmp(slot->fingerprint, fingerprint, FINGERPRINT) == 0))
            return slot;
    }
}

static void grow(struct seal_tables *tables)
{
    struct slot *old = tables->slots;
    size_t count = tables->slot_count;
    make_slots(tables, 2 * count);
    for (size_t i = 0; i < count; i++)
        if (old[i].object >= 0)
            *find_slot(tables, old[i].fingerprint, old[i].object) = old[i];
    talloc_free(old);
}

static void expect(struct seal_tables *tables, const struct slot *wanted)
{
    if (tables->used * 4 >= tables->slot_count * 3)
        grow(tables);
    struct slot *slot = find_slot(tables, wanted->fingerprint, wanted->object);
    int32_t count = slot->object < 0 ? 0 : slot->count;
    if (slot->object < 0)
        tables->used++;
    if (slot->object < 0 || wanted->count > 0)
        *slot = *wanted;
    slot->count = count + wanted->count;
}

/* True when the trail has such a row that was not met yet. */
static bool meet(const struct seal_tables *tables, const uint8_t *fingerprint, int object)
{
    struct slot *slot = find_slot(tables, fingerprint, object);
    if (slot->object < 0 || slot->count <= 0)
        return false;
    slot->count--;
    return true;
}

static void hash_work(const struct seal_tables *tables, uint8_t fingerprint[FINGERPRINT])
{
    uint8_t hash[MERKLE_HASH];
    merkle_sha256(tables->work->bytes, tables->work->length, hash);
    memcpy(fingerprint, hash, FINGERPRINT);
}

static void add_stranger(struct seal_tables *tables, const struct stranger *stranger)
{
    if (tables->stranger_count == STRANGERS_MOST)
        return;
    tables->strangers = memory_resize_array(tables, tables->strangers, struct stranger, tables->stranger_count + 1);
    tables->strangers[tables->stranger_count] = *stranger;
    char *text = memory_format(tables, "%.*s", SHOWN, stranger->text);
    text_drop_broken(text);
    tables->strangers[tables->stranger_count++].text = text;
}

/* ---- whole rows ---- */

static bool read_json(struct seal_tables *tables, const struct seal_column *json, int object, json_t **row)
{
    const struct object *table = &tables->objects[object];
    *row = seal_json_read(json->bytes, json->length, (const char *const *)table->left_out, table->left_out_count);
    if (*row == NULL)
        return false;
    text_clear(tables->work);
    seal_json_write(*row, tables->work);
    return true;
}

static void expect_json(struct seal_tables *tables, const struct seal_column *json, struct slot *slot, int count)
{
    json_t *row;
    if (json->bytes == NULL || !read_json(tables, json, slot->object, &row))
        return;
    hash_work(tables, slot->fingerprint);
    slot->count = count;
    expect(tables, slot);
    json_decref(row);
}

void seal_tables_begin(struct seal_tables *tables, const char *object, size_t length)
{
    tables->current = find_object(tables, object, length);
}

void seal_tables_take_table_row(struct seal_tables *tables, const struct seal_column *json)
{
    json_t *row;
    uint8_t fingerprint[FINGERPRINT];
    tables->counts->table_rows++;
    if (tables->current < 0 || json->bytes == NULL || !read_json(tables, json, tables->current, &row))
        return;
    hash_work(tables, fingerprint);
    if (!meet(tables, fingerprint, tables->current)) {
        const struct stranger stranger = {
            .object = tables->current,
            .study = (int32_t)json_integer_value(json_object_get(row, "study_id")),
            .site = (int32_t)json_integer_value(json_object_get(row, "site_id")),
            .text = tables->work->bytes,
        };
        add_stranger(tables, &stranger);
    }
    json_decref(row);
}

/* ---- submissions ---- */

static void add_column(struct text *text, const struct seal_column *column)
{
    char length[sizeof column->length];
    memcpy(length, &column->length, sizeof length);
    text_append_bytes(text, length, sizeof length);
    if (column->bytes != NULL)
        text_append_bytes(text, column->bytes, column->length);
    text_append(text, column->bytes != NULL ? "+" : "-");
}

/* The fingerprint of a version: columns that a row of the trail and one of the table both have, then "rest". */
static void hash_version(const struct seal_tables *tables, const struct seal_column *const *columns, size_t count,
                         const struct seal_column *rest, uint8_t fingerprint[FINGERPRINT])
{
    text_clear(tables->work);
    for (size_t i = 0; i < count; i++)
        add_column(tables->work, columns[i]);
    add_column(tables->work, rest);
    hash_work(tables, fingerprint);
}

/*
 * Takes the member "rest" out of jsonb's text.  Keys are in a fixed order, and a text with such a quote in it would
 * have a backslash before.
 */
static struct seal_column split_rest(const void *owner, const struct seal_column *json, struct seal_column *rest)
{
    const char *found = memmem(json->bytes, json->length, rest_key, sizeof rest_key - 1);
    size_t before = found != NULL ? (size_t)(found - json->bytes) : json->length;
    size_t member = sizeof rest_key - 1 + REST_HEX + 1;
    *rest = (struct seal_column){NULL, 0};
    if (found == NULL || json->length - before < member)
        return *json;
    *rest = (struct seal_column){found + sizeof rest_key - 1, REST_HEX};
    char *plain = memory_new_array(owner, char, json->length);
    memcpy(plain, json->bytes, before);
    memcpy(plain + before, found + member, json->length - before - member);
    return (struct seal_column){plain, json->length - member};
}

static uint64_t hash_bare(const struct seal_tables *tables, const struct seal_column *const *columns, size_t count)
{
    const struct seal_column none = {NULL, 0};
    uint8_t fingerprint[FINGERPRINT];
    uint64_t bare;
    hash_version(tables, columns, count, &none, fingerprint);
    memcpy(&bare, fingerprint, sizeof bare);
    return bare;
}

static void take_redaction(struct seal_tables *tables, const struct seal_row *row)
{
    const struct seal_column *id = &row->columns[ROW_ID], *digest = &row->columns[ROW_DIGEST];
    if (id->length != sizeof tables->redactions->id || digest->length != MERKLE_HASH)
        return;
    tables->redactions = memory_resize_array(tables, tables->redactions, struct redaction,
                                             tables->redaction_count + 1);
    struct redaction *redaction = &tables->redactions[tables->redaction_count++];
    redaction->study = (int32_t)seal_column_int(&row->columns[ROW_STUDY]);
    redaction->site = (int32_t)seal_column_int(&row->columns[ROW_SITE]);
    memcpy(redaction->id, id->bytes, sizeof redaction->id);
    memcpy(redaction->digest, digest->bytes, MERKLE_HASH);
}

/* True when the trail says that this very text stands for the answers. */
static bool is_redacted(const struct seal_tables *tables, const struct seal_row *row)
{
    const struct seal_column *at = row->columns;
    for (size_t i = 0; i < tables->redaction_count; i++) {
        const struct redaction *redaction = &tables->redactions[i];
        if (redaction->study == seal_column_int(&at[VERSION_STUDY]) &&
            redaction->site == seal_column_int(&at[VERSION_SITE]) && at[VERSION_ID].length == sizeof redaction->id &&
            memcmp(at[VERSION_ID].bytes, redaction->id, sizeof redaction->id) == 0 &&
            at[VERSION_DIGEST].length == MERKLE_HASH &&
            memcmp(at[VERSION_DIGEST].bytes, redaction->digest, MERKLE_HASH) == 0)
            return true;
    }
    return false;
}

static void expect_version(struct seal_tables *tables, const struct seal_row *row, struct slot *slot)
{
    const struct seal_column *at = row->columns;
    struct seal_column rest, json = seal_column_json(&at[ROW_NEW]);
    if (json.bytes == NULL)
        return;
    void *work = memory_owner(tables, "version");
    struct seal_column plain = split_rest(work, &json, &rest);
    const struct seal_column *const columns[] = {
        &at[ROW_XID], &at[ROW_ERA], &at[ROW_AT], &at[ROW_ACTOR], &at[ROW_TOKEN], &at[ROW_STUDY],
        &at[ROW_SITE], &at[ROW_ID], &at[ROW_DIGEST], &plain, &at[ROW_REASON],
    };
    hash_version(tables, columns, sizeof columns / sizeof *columns, &rest, slot->fingerprint);
    slot->bare = hash_bare(tables, columns, sizeof columns / sizeof *columns);
    slot->count = 1;
    expect(tables, slot);
    talloc_free(work);
}

static void name_version(const struct seal_row *row, char out[80])
{
    char id[37] = "";
    if (row->columns[VERSION_ID].length == 16)
        text_from_uuid((const uint8_t *)row->columns[VERSION_ID].bytes, id);
    snprintf(out, 80, "submission %s, version %d", id, (int)seal_column_int(&row->columns[VERSION_NUMBER]));
}

static void add_version_fault(struct seal_tables *tables, const struct seal_row *row, enum seal_fault_kind kind,
                              const char *what)
{
    char name[80];
    name_version(row, name);
    char *text = memory_format(NULL, "%s: %s", name, what);
    const struct seal_fault fault = {
        .kind = kind,
        .object = submission_name,
        .study = (int)seal_column_int(&row->columns[VERSION_STUDY]),
        .site = (int)seal_column_int(&row->columns[VERSION_SITE]),
        .text = text,
    };
    seal_faults_add(tables->faults, &fault);
    talloc_free(text);
}

static bool is_equal(const struct seal_column *a, const struct seal_column *b)
{
    return a->bytes != NULL && b->bytes != NULL && a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static void check_link(struct seal_tables *tables, const struct seal_row *row)
{
    const struct seal_column *at = row->columns, last = {(const char *)tables->sha256, MERKLE_HASH};
    int64_t study = seal_column_int(&at[VERSION_STUDY]), site = seal_column_int(&at[VERSION_SITE]);
    int64_t subject = seal_column_int(&at[VERSION_SUBJECT]), version = seal_column_int(&at[VERSION_NUMBER]);
    bool same_subject = study == tables->study && site == tables->site && subject == tables->subject;
    if (version > 1 && (!same_subject || version != tables->version + 1))
        add_version_fault(tables, row, FAULT_LINK, "the version before it is not there");
    else if (version > 1 && !is_equal(&at[VERSION_PREV], &last))
        add_version_fault(tables, row, FAULT_LINK, "it is linked to another text than that of the version before");
    else if (version == 1 && at[VERSION_PREV].bytes != NULL)
        add_version_fault(tables, row, FAULT_LINK, "a first version that is linked to one before it");
    tables->study = study;
    tables->site = site;
    tables->subject = subject;
    tables->version = version;
    memset(tables->sha256, 0, sizeof tables->sha256);
    if (at[VERSION_SHA256].length == MERKLE_HASH)
        memcpy(tables->sha256, at[VERSION_SHA256].bytes, MERKLE_HASH);
}

void seal_tables_take_version(struct seal_tables *tables, const struct seal_row *row)
{
    const struct seal_column *at = row->columns, json = seal_column_json(&at[VERSION_NEW]);
    const struct seal_column none = {NULL, 0};
    uint8_t fingerprint[FINGERPRINT];
    bool redacted = is_redacted(tables, row);
    const struct seal_column *const columns[] = {
        &at[VERSION_XID], &at[VERSION_ERA], &at[VERSION_AT], &at[VERSION_ACTOR], &at[VERSION_TOKEN],
        &at[VERSION_STUDY], &at[VERSION_SITE], &at[VERSION_ID], redacted ? &at[VERSION_SHA256] : &at[VERSION_DIGEST],
        &json, &at[VERSION_REASON],
    };
    tables->counts->submissions++;
    if (!redacted && !is_equal(&at[VERSION_DIGEST], &at[VERSION_SHA256]))
        add_version_fault(tables, row, FAULT_CONTENT, "its answers do not have the SHA-256 that stands beside them");
    check_link(tables, row);
    hash_version(tables, columns, sizeof columns / sizeof *columns, &at[VERSION_REST], fingerprint);
    if (meet(tables, fingerprint, 0))
        return;
    hash_version(tables, columns, sizeof columns / sizeof *columns, &none, fingerprint);
    if (meet(tables, fingerprint, 0))
        return;
    char name[80];
    name_version(row, name);
    const struct stranger stranger = {
        .object = 0,
        .study = (int32_t)seal_column_int(&at[VERSION_STUDY]),
        .site = (int32_t)seal_column_int(&at[VERSION_SITE]),
        .xid = seal_column_int(&at[VERSION_XID]),
        .bare = redacted ? hash_bare(tables, columns, sizeof columns / sizeof *columns) : 0,
        .text = name,
        .redacted = redacted,
    };
    add_stranger(tables, &stranger);
}

/* ---- the trail ---- */

void seal_tables_take_row(struct seal_tables *tables, const struct seal_row *row, int64_t block)
{
    const struct seal_column *at = row->columns;
    bool inserts = seal_column_is(&at[ROW_OPERATION], "INSERT");
    struct slot slot = {
        .place = seal_row_place(row),
        .block = block,
        .study = (int32_t)seal_column_int(&at[ROW_STUDY]),
        .site = (int32_t)seal_column_int(&at[ROW_SITE]),
        .object = at[ROW_OBJECT].bytes != NULL ? find_object(tables, at[ROW_OBJECT].bytes, at[ROW_OBJECT].length) : -1,
    };
    if (slot.object == 0 && seal_column_is(&at[ROW_OPERATION], "REDACT"))
        take_redaction(tables, row);
    if (slot.object < 0 || (!inserts && !seal_column_is(&at[ROW_OPERATION], "UPDATE")))
        return;
    if (slot.object == 0) {
        if (inserts)
            expect_version(tables, row, &slot);
        return;
    }
    struct seal_column before = seal_column_json(&at[ROW_OLD]), after = seal_column_json(&at[ROW_NEW]);
    if (!inserts)
        expect_json(tables, &before, &slot, -1);
    expect_json(tables, &after, &slot, 1);
}

/* ---- the end ---- */

/* A row that is there, but otherwise: the same transaction's, else one of the same site. */
static struct stranger *find_stranger(const struct seal_tables *tables, const struct slot *slot)
{
    struct stranger *found = NULL;
    for (size_t i = 0; i < tables->stranger_count; i++) {
        struct stranger *stranger = &tables->strangers[i];
        if (stranger->matched || stranger->object != slot->object)
            continue;
        if (stranger->xid == slot->place.xid)
            return stranger;
        if (found == NULL && stranger->study == slot->study && stranger->site == slot->site)
            found = stranger;
    }
    return found;
}

/* Scores go with the answers: what is left of a redacted version is compared without them. */
static bool was_redacted(const struct seal_tables *tables, const struct slot *slot)
{
    for (size_t i = 0; i < tables->stranger_count; i++) {
        struct stranger *stranger = &tables->strangers[i];
        if (stranger->redacted && !stranger->matched && slot->object == 0 && stranger->bare == slot->bare) {
            stranger->matched = true;
            return true;
        }
    }
    return false;
}

static void tell_slot(const struct seal_tables *tables, const struct slot *slot)
{
    if (was_redacted(tables, slot))
        return;
    struct stranger *stranger = find_stranger(tables, slot);
    char *text = stranger != NULL
        ? memory_format(NULL, "not in the table as the trail says; the table has %s", stranger->text)
        : memory_copy_string(NULL, "a row that the trail says is there is not in the table");
    const struct seal_fault fault = {
        .kind = stranger != NULL ? FAULT_CHANGED : FAULT_MISSING,
        .block = slot->block,
        .place = slot->place,
        .object = tables->objects[slot->object].name,
        .study = slot->study,
        .site = slot->site,
        .text = text,
    };
    if (stranger != NULL)
        stranger->matched = true;
    seal_faults_add(tables->faults, &fault);
    talloc_free(text);
}

static void tell_stranger(const struct seal_tables *tables, const struct stranger *stranger)
{
    char *text = memory_format(NULL, "no row of the trail brought it: %s", stranger->text);
    const struct seal_fault fault = {
        .kind = FAULT_ADDED,
        .object = tables->objects[stranger->object].name,
        .study = stranger->study,
        .site = stranger->site,
        .text = text,
    };
    seal_faults_add(tables->faults, &fault);
    talloc_free(text);
}

void seal_tables_finish(struct seal_tables *tables)
{
    for (size_t i = 0; i < tables->slot_count; i++)
        if (tables->slots[i].object >= 0 && tables->slots[i].count > 0)
            tell_slot(tables, &tables->slots[i]);
    for (size_t i = 0; i < tables->stranger_count; i++)
        if (!tables->strangers[i].matched)
            tell_stranger(tables, &tables->strangers[i]);
}
