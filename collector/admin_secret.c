/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/admin_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "collector/admin.h"
#include "forms/base/memory.h"

bool admin_read_sites(const void *owner, const char *text, struct admin_site_list *list, struct error *error)
{
    list->count = 0;
    if (!text)
        return true;
    char *copy = memory_copy_string(owner, text);
    for (char *part = copy, *end; part; part = end) {
        end = strchr(part, ',');
        if (end)
            *end++ = '\0';
        int site;
        if (!admin_read_number(part, "a site", 1, 9999, &site, error))
            return false;
        if (list->count == ADMIN_MOST_SITES)
            return error_set(error, ERROR_USAGE, "--sites has more than %d sites; write --all-sites",
                             ADMIN_MOST_SITES);
        list->sites[list->count++] = site;
    }
    return true;
}

bool admin_write_secret(const char *path, const char *secret, struct error *error)
{
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return error_io(error, errno, path);
    size_t length = strlen(secret);
    bool written =
        write(file, secret, length) == (ssize_t)length && write(file, "\n", 1) == 1 && fsync(file) == 0;
    if (!written)
        error_io(error, errno, path);
    close(file);
    return written;
}
