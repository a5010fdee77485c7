/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What patella-upload asks a collector for, one request after the other: an upload, how far it is, to store it, to
 * take it back, its refused rows.  A collector that is away or busy is tried again for a while.
 *
 * Not for sending the bytes (upload_client_send.h) nor for words (upload_client_summary.h).
 */
#ifndef PATELLA_UPLOAD_CLIENT_H
#define PATELLA_UPLOAD_CLIENT_H

#include <jansson.h>

#include "collector/api_client.h"
#include "collector/upload_client_progress.h"

struct upload_client {
    struct api_client *api;
    struct upload_client_progress *progress;
    const char *url;             /* of the collector */
    const char *study;           /* NULL: the token's */
    int64_t patience_us;
    bool try_again;              /* what failed may go well later: nothing is known to be wrong with the file */
};

struct upload_client_order {
    const struct api_target *target;
    const char *study;
    int patience_s;              /* how long a collector that is away is tried again */
};

struct upload_client *upload_client_new(const void *owner, const struct upload_client_order *order,
                                        struct upload_client_progress *progress, struct error *error) MUST_CHECK;

/* ---- paths ---- */

/* "/api/v1/uploads/ID?study=demo" */
const char *upload_client_path(struct upload_client *client, const void *owner, const char *id);

/* Of something below an upload: ("/ID?study=demo", "/rows", "limit=3") -> "/ID/rows?study=demo&limit=3" */
const char *upload_client_below(const void *owner, const char *upload, const char *below, const char *query);

/* ---- requests ---- */

/*
 * Sends a request until there is a reply, or patience ends: then it fails with `try_again` set.  For requests that may
 * be sent twice.  A file for the body is emptied before each try.
 */
bool upload_client_request(struct upload_client *client, const struct api_request *request, struct api_reply *reply,
                           struct error *error) MUST_CHECK;

/* GET of JSON, which hangs on `owner`; another status than 200 and 202 fails in the collector's words. */
json_t *upload_client_get(struct upload_client *client, const void *owner, const char *path,
                          struct error *error) MUST_CHECK;

/*
 * The upload once somebody has to decide, or nothing more will come of it: previewed, refused, committed, repeated,
 * taken_back, expired.  Shows how far it is meanwhile.
 */
json_t *upload_client_follow(struct upload_client *client, const void *owner, const char *upload,
                             struct error *error) MUST_CHECK;

/* What to do with a preview. */
struct upload_client_commit {
    const char *token;
    const char *mode;            /* "all-or-nothing", "good-rows" */
    const char *reason;          /* for change, or NULL */
};

/*
 * Stores what was previewed and waits for its end; the upload as it is then.  NULL when nothing was stored: *moved
 * tells that there is a new preview, because what is stored has changed since; else `error` says why.
 */
json_t *upload_client_commit(struct upload_client *client, const void *owner, const char *upload,
                             const struct upload_client_commit *commit, bool *moved, struct error *error) MUST_CHECK;

json_t *upload_client_take_back(struct upload_client *client, const void *owner, const char *upload,
                                const char *reason, struct error *error) MUST_CHECK;

/* Writes a reply's body to a new file that only its owner may read; what is not whole does not stay. */
bool upload_client_save(struct upload_client *client, const char *path, const char *file,
                        struct error *error) MUST_CHECK;

/* A member that is a text; "" when it is none. */
const char *upload_client_text(const json_t *object, const char *name);
int64_t upload_client_number(const json_t *object, const char *name);

#endif
