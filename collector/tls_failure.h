/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Why OpenSSL failed. */
#ifndef PATELLA_TLS_FAILURE_H
#define PATELLA_TLS_FAILURE_H

/*
 * OpenSSL's reason for a failure: the first of its queue, what follows only says who called.  The queue is left
 * empty, because a connection would trip over the rest.
 */
const char *tls_failure_reason(void);

#endif
