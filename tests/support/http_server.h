/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The collector's server in a thread of the test, with a certificate made on the spot, routes of the test's
 * own and no database: for what happens between the socket and the handler.
 */
#ifndef PATELLA_HTTP_SERVER_H
#define PATELLA_HTTP_SERVER_H

#include "collector/server.h"
#include "tests/support/tls_client.h"

struct http_server;

/*
 * Routes:
 * POST /echo              201, the body again (at most 64 KiB)         on the loop
 * GET  /echo              201, nothing                                 on the loop
 * GET  /probe             202                                          on the loop
 * GET  /large?bytes=N     200, N bytes                                 on the loop
 * GET  /worker            on a worker, which has no database: 503
 * POST /later?ms=N        200 from another thread after N ms
 * GET  /things/{thing}    200, the decoded name of the thing
 * GET  /secret            for those with a token
 * GET  /page              200, an empty page of HTML that may do anything (for tests in a browser)
 * GET  /silent            the handler gives no reply
 * GET  /hold              202, once http_server_release was called     on the loop, which stands still
 * `assignments` are settings ("idle_deadline_ms=200"), NULL-terminated or NULL.  SIGHUP to this process
 * reloads.
 */
struct http_server *http_server_start(const void *owner, const char *const *assignments);

int http_server_port(const struct http_server *server);

/* The folder with server.pem and key.pem. */
const char *http_server_folder(const struct http_server *server);

/* Makes a new certificate and key; the common name tells them apart. */
void http_server_write_certificate(const struct http_server *server, const char *common_name, int valid_days);

/* Begins the orderly stop. */
void http_server_stop(struct http_server *server);

/* The loop is in the handler of /hold; and lets it go on. */
void http_server_wait_until_held(void);
void http_server_release(void);

/* Waits for its end; the status of server_run. */
int http_server_join(struct http_server *server);

/* The server's socket of a connection whose other end is `client`, a socket of this process too. */
int http_server_end_of(int client);

struct tls_client *http_server_connect(const void *owner, const struct http_server *server);

#endif
