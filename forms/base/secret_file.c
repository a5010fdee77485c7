/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "forms/base/secret_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "forms/base/memory.h"

static const char credential[] = "%d/";

static const char *credentials_folder(void)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    return folder != NULL && *folder != '\0' ? folder : NULL;
}

/* systemd lets its service in by an access control list, whose mask shows as the group's right to read. */
static bool is_closed(const char *path, const struct stat *status)
{
    const char *folder = credentials_folder();
    size_t length = folder != NULL ? strlen(folder) : 0;
    bool is_credential = length > 0 && strncmp(path, folder, length) == 0 && path[length] == '/';
    mode_t too_much = S_IWGRP | S_IXGRP | S_IRWXO | (is_credential ? 0 : S_IRGRP);
    return (status->st_mode & too_much) == 0;
}

static FILE *open_closed(const char *path, struct error *error)
{
    struct stat status;
    FILE *file = fopen(path, "re");
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        error_io(error, errno, path);
        if (file != NULL)
            fclose(file);
        return NULL;
    }
    if (is_closed(path, &status))
        return file;
    error_set(error, ERROR_DENIED, "%s: others may read the key; `chmod 600` it, and make a new one if they did", path);
    fclose(file);
    return NULL;
}

FILE *secret_file_open(const char *path, struct error *error)
{
    if (strncmp(path, credential, strlen(credential)) != 0)
        return open_closed(path, error);
    const char *folder = credentials_folder();
    if (folder == NULL) {
        error_set(error, ERROR_INPUT, "%s: there is no folder of credentials; name a path without %%d, or start the "
                                      "program by a service manager that sets CREDENTIALS_DIRECTORY", path);
        return NULL;
    }
    char *name = memory_format(NULL, "%s/%s", folder, path + strlen(credential));
    FILE *file = open_closed(name, error);
    talloc_free(name);
    return file;
}
