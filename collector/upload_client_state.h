/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What patella-upload remembers of an upload that has begun, so that a later run goes on with it: a small file in
 * $XDG_STATE_HOME/patella/uploads (~/.local/state/patella/uploads), removed once it is known what came of the upload.
 * It holds no token and nothing of the file's content but its SHA-256.
 */
#ifndef PATELLA_UPLOAD_CLIENT_STATE_H
#define PATELLA_UPLOAD_CLIENT_STATE_H

#include "collector/upload_client_file.h"

struct upload_client_state {
    const char *path;            /* of the small file; NULL: nothing is remembered, there is no home */
    const char *file;            /* real path of the file that is sent */
    const char *upload;          /* path of the upload on the collector, "/api/v1/uploads/ID?study=demo"; NULL: none */
    const char *sha256;          /* of the bytes that were begun with */
};

/*
 * What is remembered of `file` under `target` (server, study and whatever else makes it another upload).  A small file
 * that cannot be read counts as none.
 */
struct upload_client_state *upload_client_state_find(const void *owner, const char *target,
                                                     const struct upload_client_file *file);

/* Remembers that `upload` has begun with these bytes. */
bool upload_client_state_keep(struct upload_client_state *state, const char *upload, const char *sha256,
                              struct error *error) MUST_CHECK;

void upload_client_state_forget(struct upload_client_state *state);

#endif
