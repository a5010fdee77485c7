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

static bool set_time(int descriptor, int64_t us)
{
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

struct output {
    const char *directory;       /* where it goes */
    const char *fresh;           /* where it is made; NULL once it has gone there */
    const char *path;            /* of the file being written */
    int descriptor;              /* -1: no file is being written */
};

static int discard(struct output *output)
{
    if (output->descriptor >= 0)
        close(output->descriptor);
    if (output->fresh != NULL)
        remove_tree(output->fresh);
    return 0;
}

struct output *output_begin(const void *owner, const char *directory, bool replace, struct error *error)
{
    if (!output_check(directory, replace, error))
        return NULL;
    struct output *output = memory_new(owner, struct output);
    char *target = memory_copy_string(output, directory);
    for (size_t length = strlen(target); length > 1 && target[length - 1] == '/'; length--)
        target[length - 1] = '\0';
    output->directory = target;
    output->descriptor = -1;
    char *fresh = memory_format(output, "%s.new-%ld", target, (long)getpid());
    if (mkdir(fresh, 0777) != 0) {
        error_io(error, errno, fresh);
        talloc_free(output);
        return NULL;
    }
    output->fresh = fresh;
    talloc_set_destructor(output, discard);
    return output;
}

bool output_begin_file(struct output *output, const char *name, struct error *error)
{
    output->path = memory_format(output, "%s/%s", output->fresh, name);
    output->descriptor = open(output->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return output->descriptor >= 0 || error_io(error, errno, output->path);
}

bool output_piece(void *context, const void *bytes, size_t length, struct error *error)
{
    const struct output *output = context;
    return write_all(output->descriptor, bytes, length) || error_io(error, errno, output->path);
}

bool output_end_file(struct output *output, int64_t dated_us, struct error *error)
{
    int descriptor = output->descriptor;
    bool written = set_time(descriptor, dated_us) && fsync(descriptor) == 0;
    if (!written)
        error_io(error, errno, output->path);
    output->descriptor = -1;
    if (close(descriptor) != 0 && written)
        written = error_io(error, errno, output->path);
    talloc_free((void *)output->path);
    return written;
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

bool output_commit(struct output *output, struct error *error)
{
    if (!put_in_place(output->fresh, output->directory, error))
        return false;
    output->fresh = NULL;
    return true;
}

static bool write_file(struct output *output, struct report *report, size_t index, struct error *error)
{
    return output_begin_file(output, report->files[index].name, error) &&
           report_send_file(report, index, output_piece, output, error) &&
           output_end_file(output, report->dataset->cut_made_us, error);
}

bool output_write(struct report *report, const char *directory, bool replace, struct error *error)
{
    struct output *output = output_begin(NULL, directory, replace, error);
    bool written = output != NULL;
    for (size_t i = 0; i < report->file_count && written; i++)
        written = write_file(output, report, i, error);
    written = written && output_commit(output, error);
    talloc_free(output);
    return written;
}
