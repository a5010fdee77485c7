/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CSV files uploaded to a running collector (registry.h), and what is decided about them. */
#ifndef PATELLA_TEST_UPLOAD_RUN_H
#define PATELLA_TEST_UPLOAD_RUN_H

#include "tests/support/registry.h"

#define UPLOADS "/api/v1/uploads"

/*
 * POST of `csv` with further query parameters ("form=pain_vas&commit=good-rows"), waits until it is judged; the reply
 * is 201 with the upload.
 */
struct client_reply *upload_send(struct registry *registry, const char *token, const char *query, const char *csv);

/* The same, held to a state; its id, which lives as long as the registry. */
const char *upload_to(struct registry *registry, const char *token, const char *query, const char *csv,
                      const char *state);

/* GET of the upload, once nothing is left to do for it. */
struct client_reply *upload_get(struct registry *registry, const char *token, const char *id);

/* POST of a commit with the token of the preview that GET tells; `reason` NULL: none. */
struct client_reply *upload_commit(struct registry *registry, const char *token, const char *id, const char *mode,
                                   const char *reason);
struct client_reply *upload_take_back(struct registry *registry, const char *token, const char *id,
                                      const char *reason);

/* GET of what stands behind its address: "rows?verdict=new" or "refused". */
struct client_reply *upload_part(struct registry *registry, const char *token, const char *id, const char *part);

/* rows.new, changed, unchanged, refused of the upload in a reply. */
void assert_upload_rows(const struct client_reply *reply, int fresh, int changed, int unchanged, int refused);

/* The file as a whole, or one of its rows, has a finding of that code. */
bool upload_has_finding(const struct client_reply *reply, const char *code);

/* Records of the study as the superuser counts them: `where` behind core.submission. */
long long count_submissions(struct registry *registry, const char *where);

#endif
