/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forms/base/memory.h"

struct checkpoint {
    const char *path;
    int descriptor;
    off_t read;                  /* up to here the lines are known */
    int line;                    /* so many */
    struct checkpoint_tail tail;
};

static int destroy(struct checkpoint *checkpoint)
{
    if (checkpoint->descriptor >= 0)
        close(checkpoint->descriptor);
    return 0;
}

/* A new file is there after a crash only when its folder is on the disk, too. */
static bool sync_folder(const void *owner, const char *path, struct error *error)
{
    char *folder = dirname(memory_copy_string(owner, path));
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = descriptor >= 0 && fsync(descriptor) == 0;
    if (!synced)
        error_io(error, errno, folder);
    if (descriptor >= 0)
        close(descriptor);
    return synced;
}

struct checkpoint *checkpoint_open(const void *owner, const char *path, struct error *error)
{
    struct checkpoint *checkpoint = memory_new(owner, struct checkpoint);
    checkpoint->path = memory_copy_string(checkpoint, path);
    checkpoint->descriptor = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR | S_IRGRP);
    if (checkpoint->descriptor < 0)
        error_io(error, errno, path);
    talloc_set_destructor(checkpoint, destroy);
    if (checkpoint->descriptor >= 0 && sync_folder(checkpoint, path, error))
        return checkpoint;
    talloc_free(checkpoint);
    return NULL;
}

/* ---- lines ---- */

static void take_block(struct checkpoint_tail *tail, const struct seal_block *block)
{
    tail->number = block->number;
    tail->block = *block;
    seal_block_hash(block, tail->hash);
}

static void take_era(struct checkpoint_tail *tail, const struct seal_era *era)
{
    tail->number = era->after;
    tail->block = (struct seal_block){0};
    memcpy(tail->hash, era->before, MERKLE_HASH);
    tail->era = era->era;
}

static void parse_line(const void *owner, char *text, struct checkpoint_line *line)
{
    text[strcspn(text, "\n")] = '\0';
    if (seal_block_parse(text, &line->block))
        line->kind = CHECKPOINT_BLOCK;
    else if (seal_era_parse(owner, text, &line->era))
        line->kind = CHECKPOINT_ERA;
    else
        line->kind = CHECKPOINT_BROKEN;
}

static bool take_line(struct checkpoint *checkpoint, char *text, struct error *error)
{
    void *work = memory_owner(checkpoint, "line");
    struct checkpoint_line line = {.line = ++checkpoint->line};
    parse_line(work, text, &line);
    if (line.kind == CHECKPOINT_BLOCK)
        take_block(&checkpoint->tail, &line.block);
    else if (line.kind == CHECKPOINT_ERA)
        take_era(&checkpoint->tail, &line.era);
    talloc_free(work);
    return line.kind != CHECKPOINT_BROKEN ||
           error_at(error, ERROR_CONFLICT, checkpoint->path, line.line,
                    "not a line of a checkpoint file; was it edited? `patella-seal verify` says what holds");
}

static bool drop_torn(struct checkpoint *checkpoint, struct error *error)
{
    return (ftruncate(checkpoint->descriptor, checkpoint->read) == 0 && fsync(checkpoint->descriptor) == 0) ||
           error_io(error, errno, checkpoint->path);
}

static bool read_new(struct checkpoint *checkpoint, FILE *file, struct error *error)
{
    char *text = NULL;
    size_t size = 0;
    bool good = true, torn = false;
    for (ssize_t length; good && !torn && (length = getline(&text, &size, file)) > 0;) {
        torn = text[length - 1] != '\n';
        good = torn || take_line(checkpoint, text, error);
        if (good && !torn)
            checkpoint->read += length;
    }
    free(text);
    if (good && ferror(file))
        good = error_io(error, errno, checkpoint->path);
    return good && (!torn || drop_torn(checkpoint, error));
}

bool checkpoint_lock(struct checkpoint *checkpoint, struct error *error)
{
    struct stat status;
    if (flock(checkpoint->descriptor, LOCK_EX) != 0 || fstat(checkpoint->descriptor, &status) != 0)
        return error_io(error, errno, checkpoint->path);
    if (status.st_size < checkpoint->read) {
        checkpoint_unlock(checkpoint);
        return error_at(error, ERROR_CONFLICT, checkpoint->path, 0, "the file has become shorter; somebody cut it");
    }
    int copy = fcntl(checkpoint->descriptor, F_DUPFD_CLOEXEC, 0);
    FILE *file = copy >= 0 ? fdopen(copy, "r") : NULL;
    bool good = file != NULL && fseeko(file, checkpoint->read, SEEK_SET) == 0;
    if (!good)
        error_io(error, errno, checkpoint->path);
    good = good && read_new(checkpoint, file, error);
    if (file != NULL)
        fclose(file);
    if (!good)
        checkpoint_unlock(checkpoint);
    return good;
}

void checkpoint_unlock(struct checkpoint *checkpoint)
{
    (void)flock(checkpoint->descriptor, LOCK_UN);
}

const struct checkpoint_tail *checkpoint_tail(const struct checkpoint *checkpoint)
{
    return &checkpoint->tail;
}

/* ---- adding ---- */

/* One write; what is not all there is taken away by the next lock. */
static bool add_line(struct checkpoint *checkpoint, char *line, struct error *error)
{
    size_t length = strlen(line);
    line[length++] = '\n';       /* in place of the NUL */
    ssize_t written = write(checkpoint->descriptor, line, length);
    if (written != (ssize_t)length)
        return error_io(error, written < 0 ? errno : ENOSPC, checkpoint->path);
    if (fsync(checkpoint->descriptor) != 0)
        return error_io(error, errno, checkpoint->path);
    checkpoint->read += written;
    checkpoint->line++;
    return true;
}

bool checkpoint_add_block(struct checkpoint *checkpoint, const struct seal_block *block, struct error *error)
{
    char *line = seal_block_line(checkpoint, block);
    bool added = add_line(checkpoint, line, error);
    if (added)
        take_block(&checkpoint->tail, block);
    talloc_free(line);
    return added;
}

bool checkpoint_add_era(struct checkpoint *checkpoint, const struct seal_era *era, struct error *error)
{
    char *line = seal_era_line(checkpoint, era);
    bool added = add_line(checkpoint, line, error);
    if (added)
        take_era(&checkpoint->tail, era);
    talloc_free(line);
    return added;
}

/* ---- the whole file ---- */

struct checkpoint_list *checkpoint_load(const void *owner, const char *path, struct error *error)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        error_io(error, errno, path);
        return NULL;
    }
    struct checkpoint_list *list = memory_new(owner, struct checkpoint_list);
    char *text = NULL;
    size_t size = 0, room = 0;
    while (getline(&text, &size, file) > 0) {
        if (list->count == room)
            list->lines = memory_resize_array(list, list->lines, struct checkpoint_line, room = 2 * room + 64);
        struct checkpoint_line *line = &list->lines[list->count++];
        *line = (struct checkpoint_line){.line = (int)list->count};
        parse_line(list, text, line);
    }
    free(text);
    bool failed = ferror(file);
    fclose(file);
    if (!failed)
        return list;
    error_io(error, EIO, path);
    talloc_free(list);
    return NULL;
}
