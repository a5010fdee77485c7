/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/seal_lines.h"

#include <inttypes.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

struct seal_lines {
    const struct checkpoint_list *list;
    const struct seal_keys *keys;
    struct seal_faults *faults;
    const struct seal_block **blocks;    /* [number - first]: the line that counts, NULL: none */
    int64_t first;                       /* number of the first line of a block, 0: there is none */
    size_t count;
    int64_t not_there;                   /* blocks that the file does not have yet */
};

static void tell(const struct seal_lines *lines, enum seal_fault_kind kind, int64_t block, const char *format, ...)
    PRINTF_LIKE(4, 5);

static void tell(const struct seal_lines *lines, enum seal_fault_kind kind, int64_t block, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = memory_format_list(NULL, format, arguments);
    va_end(arguments);
    const struct seal_fault fault = {.kind = kind, .block = block, .text = text};
    seal_faults_add(lines->faults, &fault);
    talloc_free(text);
}

static void check_signature(const struct seal_lines *lines, const struct checkpoint_line *line)
{
    if (lines->keys == NULL)
        return;
    bool is_block = line->kind == CHECKPOINT_BLOCK;
    enum seal_verdict verdict = is_block ? seal_block_verify(&line->block, lines->keys)
                                         : seal_era_verify(&line->era, lines->keys);
    if (verdict != SEAL_SIGNED)
        tell(lines, FAULT_SIGNATURE, is_block ? line->block.number : 0, "line %d of the checkpoint file: %s",
             line->line, verdict == SEAL_NOT_SIGNED ? "not what was signed"
                                                    : "signed with a key that is not in the file of public keys");
}

/* Blocks behind `after` count no more; a line that says so is signed. */
static void give_up(struct seal_lines *lines, const struct seal_era *era)
{
    size_t kept = era->after < lines->first || lines->first == 0 ? 0 : (size_t)(era->after - lines->first + 1);
    if (lines->count > kept) {
        seal_faults_note(lines->faults, "blocks %" PRId64 " to %" PRId64 " of the checkpoint file were given up when "
                         "era %d was opened: %s", lines->first + (int64_t)kept,
                         lines->first + (int64_t)lines->count - 1, era->era, era->reason);
        lines->count = kept;
    }
}

static bool is_linked(const struct seal_lines *lines, const struct seal_block *block)
{
    uint8_t hash[MERKLE_HASH];
    if (lines->count == 0)
        return true;
    const struct seal_block *before = lines->blocks[lines->count - 1];
    seal_block_hash(before, hash);
    return block->number == before->number + 1 && memcmp(hash, block->before, MERKLE_HASH) == 0;
}

static void take_line(struct seal_lines *lines, const struct checkpoint_line *line)
{
    if (line->kind == CHECKPOINT_BROKEN) {
        tell(lines, FAULT_CHECKPOINT, 0, "line %d of the checkpoint file is no line of a block", line->line);
        return;
    }
    check_signature(lines, line);
    if (line->kind == CHECKPOINT_ERA) {
        give_up(lines, &line->era);
        return;
    }
    if (lines->count == 0)
        lines->first = line->block.number;
    if (!is_linked(lines, &line->block))
        tell(lines, FAULT_CHECKPOINT, line->block.number,
             "line %d of the checkpoint file does not follow the line before it", line->line);
    else
        lines->blocks[lines->count++] = &line->block;
}

struct seal_lines *seal_lines_new(const void *owner, const struct checkpoint_list *list, const struct seal_keys *keys,
                                  struct seal_faults *faults)
{
    struct seal_lines *lines = memory_new(owner, struct seal_lines);
    lines->list = list;
    lines->keys = keys;
    lines->faults = faults;
    lines->blocks = memory_new_array(lines, const struct seal_block *, list->count);
    for (size_t i = 0; i < list->count; i++)
        take_line(lines, &list->lines[i]);
    return lines;
}

/* A file that was kept while an era was opened has its line. */
void seal_lines_take_era(struct seal_lines *lines, const char *text, size_t length)
{
    int64_t era, after;
    char *copy = memory_copy_bytes(lines, text, length), *rest = copy;
    const char *words[] = {strsep(&rest, " "), strsep(&rest, " ")};
    bool known = words[1] == NULL || !text_to_int64(words[0], &era) || !text_to_int64(words[1], &after) || era <= 1 ||
                 lines->count == 0;
    for (size_t i = 0; i < lines->list->count && !known; i++) {
        const struct checkpoint_line *line = &lines->list->lines[i];
        known = line->kind == CHECKPOINT_ERA && line->era.era == era && line->era.after == after;
    }
    if (!known)
        tell(lines, FAULT_CHECKPOINT, 0, "the database has an era %" PRId64 " behind block %" PRId64
             " of which the checkpoint file does not know", era, after);
    talloc_free(copy);
}

void seal_lines_take_block(struct seal_lines *lines, const struct seal_block *block)
{
    uint8_t hash[MERKLE_HASH], promised[MERKLE_HASH];
    int64_t at = block->number - lines->first;
    if (lines->count == 0 || at < 0 || at >= (int64_t)lines->count) {
        lines->not_there++;
        return;
    }
    seal_block_hash(block, hash);
    seal_block_hash(lines->blocks[at], promised);
    if (memcmp(hash, promised, MERKLE_HASH) != 0)
        tell(lines, FAULT_CHECKPOINT, block->number, "another block than the one in the checkpoint file");
}

void seal_lines_finish(struct seal_lines *lines, int64_t last)
{
    if (lines->not_there > 0)
        seal_faults_note(lines->faults, "%" PRId64 " block(s) are not in the checkpoint file", lines->not_there);
    for (size_t i = 0; i < lines->count; i++) {
        const struct seal_block *block = lines->blocks[i];
        if (block->number > last)
            tell(lines, FAULT_CUT_OFF, block->number, "the checkpoint file has this block with %" PRId64
                 " rows, from %" PRId64 ".%" PRId64 " up to %" PRId64 ".%" PRId64 " of era %d; the database ends "
                 "before it", block->rows, block->from.xid, block->from.seq, block->upto.xid, block->upto.seq,
                 block->era);
    }
}
