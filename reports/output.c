/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forms/base/memory.h"

enum { OPEN_FOLDERS = 16 };

enum place { PLACE_FREE, PLACE_EMPTY, PLACE_REPORT, PLACE_OTHER };

static enum place look_at(const void *owner, const char *directory)
{
    DIR *folder = opendir(directory);
    if (folder == NULL)
        return errno == ENOENT ? PLACE_FREE : PLACE_OTHER;
    size_t entries = 0;
    while (readdir(folder) != NULL)
        entries++;
    closedir(folder);
    if (entries <= 2)            /* . and .. */
        return PLACE_EMPTY;
    return access(memory_format(owner, "%s/manifest.json", directory), F_OK) == 0 ? PLACE_REPORT
                                                                                  : PLACE_OTHER;
}

bool output_check(const char *directory, bool replace, struct error *error)
{
    void *work = memory_owner(NULL, "output check");
    enum place place = look_at(work, directory);
    talloc_free(work);
    if (place == PLACE_OTHER)
        return error_set(error, ERROR_CONFLICT,
                         "%s is not an empty folder and holds no report; choose another --out", directory);
    if (place == PLACE_REPORT && !replace)
        return error_set(error, ERROR_CONFLICT,
                         "%s holds a report already; choose another --out, or replace it with "
                         "--force",
                         directory);
    return true;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

static void remove_tree(const char *path)
{
    nftw(path, remove_entry, OPEN_FOLDERS, FTW_DEPTH | FTW_PHYS);
}

static bool set_time(int descriptor, const struct report *report)
{
    int64_t us = report->dataset->cut_made_us;
    const struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    const struct timespec times[] = {time, time};
    return futimens(descriptor, times) == 0;
}

static bool write_all(int descriptor, const void *from, size_t length)
{
    const char *bytes = from;
    while (length > 0) {
        ssize_t written = write(descriptor, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

struct target {
    int descriptor;
    const char *path;
};

static bool write_piece(void *context, const void *bytes, size_t length, struct error *error)
{
    const struct target *target = context;
    return write_all(target->descriptor, bytes, length) || error_io(error, errno, target->path);
}

static bool write_file(struct report *report, size_t index, const char *path, struct error *error)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return error_io(error, errno, path);
    struct target target = {descriptor, path};
    bool written = report_send_file(report, index, write_piece, &target, error);
    if (written && (!set_time(descriptor, report) || fsync(descriptor) != 0))
        written = error_io(error, errno, path);
    if (close(descriptor) != 0 && written)
        written = error_io(error, errno, path);
    return written;
}

static bool write_files(const void *owner, struct report *report, const char *folder, struct error *error)
{
    if (mkdir(folder, 0777) != 0)
        return error_io(error, errno, folder);
    for (size_t i = 0; i < report->file_count; i++)
        if (!write_file(report, i, memory_format(owner, "%s/%s", folder, report->files[i].name), error))
            return false;
    return true;
}

/* Swaps in one step where the file system can; the old report goes afterwards. */
static bool put_in_place(const char *fresh, const char *directory, struct error *error)
{
    if (rename(fresh, directory) == 0)
        return true;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return error_io(error, errno, directory);
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, directory, RENAME_EXCHANGE) != 0)
        return error_io(error, errno, directory);
    remove_tree(fresh);
    return true;
}

bool output_write(struct report *report, const char *directory, bool replace, struct error *error)
{
    if (!output_check(directory, replace, error))
        return false;
    void *work = memory_owner(NULL, "output");
    char *target = memory_copy_string(work, directory);
    for (size_t length = strlen(target); length > 1 && target[length - 1] == '/'; length--)
        target[length - 1] = '\0';
    char *fresh = memory_format(work, "%s.new-%ld", target, (long)getpid());
    bool written = write_files(work, report, fresh, error) && put_in_place(fresh, target, error);
    if (!written)
        remove_tree(fresh);
    talloc_free(work);
    return written;
}
