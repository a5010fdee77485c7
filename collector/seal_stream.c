/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/seal_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { LENGTH_BYTES = 8 };
#define ITEM_MOST ((uint64_t)1 << 30)

static const char head[] = "patella-seal export 1\n";

/* ---- from the database ---- */

struct source {
    struct db *db;
    seal_take *take;
    void *context;
    enum seal_item_kind kind;    /* of the rows that are read */
};

static bool give(const struct source *source, enum seal_item_kind kind, const void *bytes, size_t length,
                 struct error *error)
{
    const struct seal_item item = {.kind = kind, .bytes = bytes, .length = length};
    return source->take(source->context, &item, error);
}

static bool give_text(const struct source *source, enum seal_item_kind kind, char *text, struct error *error)
{
    bool taken = give(source, kind, text, strlen(text), error);
    talloc_free(text);
    return taken;
}

static bool give_row(void *context, struct db_row *row, struct error *error)
{
    const struct source *source = context;
    return give(source, source->kind, row->at, (size_t)(row->end - row->at), error);
}

static bool give_rows(struct source *source, int era, struct seal_place from, struct seal_place upto,
                      struct error *error)
{
    const struct store_seal_range range = {era, from, upto, INT64_MAX};
    source->kind = ITEM_ROW;
    return store_seal_rows(source->db, &range, give_row, source, error);
}

static bool give_count(const struct source *source, struct error *error)
{
    int64_t count;
    uint8_t bytes[LENGTH_BYTES];
    if (!store_seal_count(source->db, &count, error))
        return false;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--, count >>= 8)
        bytes[i] = (uint8_t)count;
    return give(source, ITEM_COUNT, bytes, sizeof bytes, error);
}

static bool give_objects(const struct source *source, const struct store_seal_objects *objects, struct error *error)
{
    for (size_t i = 0; i < objects->count; i++)
        if (!give_text(source, ITEM_OBJECT, memory_format(NULL, "%s\n%s", objects->names[i], objects->left_out[i]),
                       error))
            return false;
    return true;
}

static bool give_eras(const struct source *source, const struct store_seal_eras *eras, struct error *error)
{
    for (size_t i = 0; i < eras->count; i++)
        if (!give_text(source, ITEM_ERA, memory_format(NULL, "%d %" PRId64 " %s", eras->at[i].era, eras->at[i].after,
                                                       eras->at[i].reason), error))
            return false;
    return true;
}

/* Where the rows go on behind the blocks that were given. */
struct position {
    int era;
    struct seal_place place;
};

/* Rows that no block covers, up to a place, era after era. */
static bool give_unsealed(struct source *source, struct position *at, int era, struct seal_place upto,
                          struct error *error)
{
    if (at->era > era || (at->era == era && seal_place_compare(at->place, upto) >= 0))
        return true;
    if (!give(source, ITEM_UNSEALED, NULL, 0, error))
        return false;
    for (; at->era < era; at->era++, at->place = (struct seal_place){0, 0})
        if (!give_rows(source, at->era, at->place, (struct seal_place){SEAL_LAST_XID, 0}, error))
            return false;
    bool given = give_rows(source, era, at->place, upto, error);
    at->place = upto;
    return given;
}

static bool give_block(struct source *source, const struct seal_block *block, struct position *at,
                       struct error *error)
{
    const struct seal_item item = {.kind = ITEM_BLOCK, .block = block};
    if (!give_unsealed(source, at, block->era, block->from, error) || !source->take(source->context, &item, error) ||
        !give_rows(source, block->era, block->from, block->upto, error))
        return false;
    if (block->era > at->era || (block->era == at->era && seal_place_compare(block->upto, at->place) > 0))
        *at = (struct position){block->era, block->upto};
    if (at->place.xid == SEAL_LAST_XID)
        *at = (struct position){at->era + 1, {0, 0}};
    return true;
}

static bool give_blocks(struct source *source, int64_t from_block, int newest_era, struct error *error)
{
    struct position at = {1, {0, 0}};
    bool found = true, begun = from_block <= 1;
    for (int64_t number = from_block; found;) {
        struct seal_block block;
        void *work = memory_owner(NULL, "block");
        bool given = store_seal_block(work, source->db, number, &block, &found, error);
        if (given && found) {
            if (!begun)
                at = (struct position){block.era, block.from};
            begun = true;
            given = give_block(source, &block, &at, error);
            number = block.number + 1;
        }
        talloc_free(work);
        if (!given)
            return false;
    }
    return give_unsealed(source, &at, newest_era, (struct seal_place){SEAL_LAST_XID, 0}, error);
}

static bool give_tables(struct source *source, const struct store_seal_objects *objects, struct error *error)
{
    for (size_t i = 0; i < objects->count; i++) {
        if (!give(source, ITEM_TABLE, objects->names[i], strlen(objects->names[i]), error))
            return false;
        source->kind = ITEM_TABLE_ROW;
        if (!store_seal_table(source->db, objects->names[i], give_row, source, error))
            return false;
    }
    source->kind = ITEM_VERSION;
    return store_seal_submissions(source->db, give_row, source, error);
}

static bool give_all(struct source *source, const void *work, int64_t from_block, struct error *error)
{
    const struct store_seal_objects *objects = store_seal_objects(work, source->db, error);
    const struct store_seal_eras *eras = objects != NULL ? store_seal_eras(work, source->db, error) : NULL;
    if (eras == NULL || !give_count(source, error) || !give_objects(source, objects, error) ||
        !give_eras(source, eras, error))
        return false;
    int newest = eras->count > 0 ? eras->at[eras->count - 1].era : 1;
    return give_blocks(source, from_block, newest, error) &&
           (from_block > 1 || give_tables(source, objects, error)) && give(source, ITEM_END, NULL, 0, error);
}

bool seal_stream_database(struct db *db, int64_t from_block, seal_take *take, void *context, struct error *error)
{
    struct source source = {.db = db, .take = take, .context = context};
    if (!db_begin(db, DB_REPEATABLE_READ_ONLY, error))
        return false;
    void *work = memory_owner(NULL, "stream");
    bool given = give_all(&source, work, from_block, error);
    talloc_free(work);
    db_rollback(db);
    return given;
}

/* ---- to a file ---- */

struct export {
    FILE *file;
    const char *path;
};

static bool write_item(const struct export *export, enum seal_item_kind kind, const void *bytes, size_t length,
                       struct error *error)
{
    uint8_t start[1 + LENGTH_BYTES] = {(uint8_t)kind};
    for (int i = 0; i < LENGTH_BYTES; i++)
        start[1 + i] = (uint8_t)((uint64_t)length >> (8 * (LENGTH_BYTES - 1 - i)));
    bool written = fwrite(start, 1, sizeof start, export->file) == sizeof start &&
                   (length == 0 || fwrite(bytes, 1, length, export->file) == length);
    return written || error_io(error, errno, export->path);
}

static bool export_item(void *context, const struct seal_item *item, struct error *error)
{
    const struct export *export = context;
    if (item->kind != ITEM_BLOCK)
        return write_item(export, item->kind, item->bytes, item->length, error);
    struct text *text = text_new(NULL);
    text_append(text, seal_block_line(text, item->block));
    text_append(text, "\n");
    text_append(text, item->block->objects);
    text_append_bytes(text, "", 1);
    text_append_bytes(text, item->block->entries, (size_t)item->block->rows * SEAL_ENTRY);
    bool written = write_item(export, item->kind, text->bytes, text->length, error);
    talloc_free(text);
    return written;
}

bool seal_stream_export(struct db *db, const char *path, struct error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    struct export export = {descriptor >= 0 ? fdopen(descriptor, "w") : NULL, path};
    if (export.file == NULL)
        return errno == EEXIST ? error_set(error, ERROR_CONFLICT, "%s is there already; choose another name", path)
                               : error_io(error, errno, path);
    bool done = fputs(head, export.file) >= 0 || error_io(error, errno, path);
    done = done && seal_stream_database(db, 1, export_item, &export, error);
    if (done && (fflush(export.file) != 0 || fsync(descriptor) != 0))
        done = error_io(error, errno, path);
    fclose(export.file);
    if (!done)
        (void)unlink(path);
    return done;
}

/* ---- from a file ---- */

static bool refuse_file(const char *path, struct error *error)
{
    return error_set(error, ERROR_INPUT, "%s: not a whole file of `patella-seal export`", path);
}

static bool read_block(const void *owner, const struct seal_item *item, struct seal_block *block)
{
    char *line = memory_copy_bytes(owner, item->bytes, item->length);
    char *end = memchr(line, '\n', item->length);
    char *objects_end = end != NULL ? memchr(end, '\0', (size_t)(line + item->length - end)) : NULL;
    if (objects_end == NULL)
        return false;
    *end = '\0';
    if (!seal_block_parse(line, block))
        return false;
    block->objects = end + 1;
    block->entries = (const uint8_t *)objects_end + 1;
    size_t length = (size_t)(line + item->length - (objects_end + 1));
    return block->rows <= (int64_t)(length / SEAL_ENTRY);
}

/* *ended at the end of the file. */
static bool read_item(const void *owner, FILE *file, struct seal_item *item, bool *ended)
{
    uint8_t start[1 + LENGTH_BYTES];
    size_t got = fread(start, 1, sizeof start, file);
    uint64_t length = 0;
    *ended = got == 0 && feof(file);
    if (got != sizeof start)
        return *ended;
    for (int i = 0; i < LENGTH_BYTES; i++)
        length = length << 8 | start[1 + i];
    if (length > ITEM_MOST)
        return false;
    uint8_t *bytes = memory_new_array(owner, uint8_t, (size_t)length + 1);
    *item = (struct seal_item){.kind = (enum seal_item_kind)start[0], .bytes = bytes, .length = (size_t)length};
    return fread(bytes, 1, (size_t)length, file) == length;
}

static bool read_items(FILE *file, const char *path, seal_take *take, void *context, struct error *error)
{
    enum seal_item_kind last = ITEM_COUNT;
    for (bool ended = false;;) {
        struct seal_item item = {.kind = ITEM_END};
        struct seal_block block;
        void *work = memory_owner(NULL, "item");
        bool good = read_item(work, file, &item, &ended) || refuse_file(path, error);
        if (good && !ended && item.kind == ITEM_BLOCK) {
            good = read_block(work, &item, &block) || refuse_file(path, error);
            item.block = &block;
        }
        good = good && (ended || take(context, &item, error));
        if (good && !ended)
            last = item.kind;
        talloc_free(work);
        if (!good || ended)
            return good && (last == ITEM_END || refuse_file(path, error));
    }
}

bool seal_stream_file(const char *path, seal_take *take, void *context, struct error *error)
{
    char start[sizeof head];
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return error_io(error, errno, path);
    bool ours = fread(start, 1, sizeof head - 1, file) == sizeof head - 1 &&
                memcmp(start, head, sizeof head - 1) == 0;
    bool done = ours ? read_items(file, path, take, context, error) : refuse_file(path, error);
    fclose(file);
    return done;
}
