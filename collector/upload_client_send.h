/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes of a file on their way to a collector, by the tus protocol 1.0: in pieces, going on where it stopped when
 * the line broke, the collector was started anew or an earlier run ended.  https://tus.io/protocols/resumable-upload
 */
#ifndef PATELLA_UPLOAD_CLIENT_SEND_H
#define PATELLA_UPLOAD_CLIENT_SEND_H

#include "collector/upload_client.h"
#include "collector/upload_client_state.h"

/* Pieces grow while they take less than two seconds: a fast line waits for few replies, and a bar still moves. */
enum { UPLOAD_CLIENT_LEAST_PIECE = 1 << 18, UPLOAD_CLIENT_MOST_PIECE = 1 << 24 };

/* How the file is to be read; NULL where it was not said. */
struct upload_client_reading {
    const char *site, *form, *profile;
    const char *profile_version;         /* NULL: the newest */
    const char *mode;            /* in which it is stored without a question, or NULL */
};

/* Size of the next piece after one of `length` bytes that took `took_us`. */
size_t upload_client_next_piece(size_t length, int64_t took_us);

/*
 * Sends the file, or the rest of it when `state` remembers an upload of these bytes; that of other bytes is ended and
 * the file sent anew.  A preview that was shown is gone on with only to store it: whoever wants to see one wants a
 * fresh one, and so does whoever was refused, because what was missing may be there by now.  The upload's path, on
 * `owner`; NULL when it could not be sent.
 */
const char *upload_client_send(struct upload_client *client, const void *owner, const struct upload_client_file *file,
                               const struct upload_client_reading *reading, struct upload_client_state *state,
                               struct error *error) MUST_CHECK;

#endif
