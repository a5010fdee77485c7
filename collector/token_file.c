/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/token_file.h"

#include <string.h>

#include "forms/base/text.h"

enum { TOKEN_LIMIT = 4096 };

bool token_file_read(const void *owner, const char *path, char **token, struct error *error)
{
    size_t length;
    *token = text_read_file(owner, path, TOKEN_LIMIT, &length, error);
    if (!*token)
        return false;
    (*token)[strcspn(*token, "\r\n")] = '\0';
    if ((*token)[0] == '\0')
        return error_at(error, ERROR_INPUT, path, 1, "the file holds no token");
    return true;
}
