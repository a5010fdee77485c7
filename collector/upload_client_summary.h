/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An upload in words: what a preview says would happen, what a receipt says has happened, and what is to be done next.
 *
 * The arguments are the JSON of openapi.yaml (Upload, UploadRows).  What comes out of a file is shown without its
 * control characters: it goes to a terminal.
 */
#ifndef PATELLA_UPLOAD_CLIENT_SUMMARY_H
#define PATELLA_UPLOAD_CLIENT_SUMMARY_H

#include <jansson.h>

#include "forms/base/text.h"

/* What a preview leaves to do. */
enum upload_client_task {
    UPLOAD_CLIENT_NOTHING,       /* every row is stored already as it is in the file */
    UPLOAD_CLIENT_STORE,         /* rows to store, none refused */
    UPLOAD_CLIENT_STORE_GOOD,    /* rows to store, and rows that are refused */
    UPLOAD_CLIENT_REFUSED        /* the file, or all that is not stored already */
};
enum upload_client_task upload_client_task_of(const json_t *upload);

enum { UPLOAD_CLIENT_SHOWN_CHANGES = 5, UPLOAD_CLIENT_SHOWN_LINES = 5 };

/* Counts, what was assumed, changes with value before and after (`changed` is NULL or a page of rows), findings. */
void upload_client_append_preview(struct text *out, const json_t *upload, const json_t *changed);

/* One line: number of the batch, counts, when and by whom. */
void upload_client_append_receipt(struct text *out, const json_t *receipt);

/* One line of a list: id, state, counts, name. */
void upload_client_append_line(struct text *out, const json_t *upload);

/* The JSON on one line, its members in their order. */
void upload_client_append_json(struct text *out, const json_t *json);

/* `string` without control characters: each becomes a question mark. */
void upload_client_append_plain(struct text *out, const char *string);

#endif
