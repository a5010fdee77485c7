/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/tls_failure.h"

#include <stddef.h>
#include <string.h>

#include <openssl/err.h>

const char *tls_failure_reason(void)
{
    unsigned long code = ERR_peek_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    if (ERR_SYSTEM_ERROR(code))
        reason = strerror(ERR_GET_REASON(code));
    ERR_clear_error();
    return reason != NULL ? reason : "unknown reason";
}
