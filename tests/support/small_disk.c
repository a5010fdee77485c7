/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/small_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "forms/base/memory.h"

struct small_disk {
    char *folder, *ballast;
    bool mounted;
};

static bool enter_namespace(void)
{
    static bool entered;
    if (!entered)
        entered = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
    return entered;
}

static int destroy(struct small_disk *disk)
{
    if (disk->mounted)
        umount2(disk->folder, MNT_DETACH);
    rmdir(disk->folder);
    return 0;
}

struct small_disk *small_disk_new(const void *owner, size_t bytes, const char **why)
{
    struct small_disk *disk = memory_new(owner, struct small_disk);
    const char *temporary = getenv("TMPDIR");
    disk->folder = memory_format(disk, "%s/patella-disk.XXXXXX", temporary != NULL ? temporary : "/tmp");
    assert_non_null(mkdtemp(disk->folder));
    disk->ballast = memory_format(disk, "%s/ballast", disk->folder);
    talloc_set_destructor(disk, destroy);
    char *options = memory_format(disk, "size=%zu,mode=0755", bytes);
    disk->mounted = enter_namespace() && mount("none", disk->folder, "tmpfs", 0, options) == 0;
    if (disk->mounted)
        return disk;
    *why = strerror(errno);
    talloc_free(disk);
    return NULL;
}

const char *small_disk_folder(const struct small_disk *disk)
{
    return disk->folder;
}

/* Somebody else takes of it at the same time: asked for until there is none. */
void small_disk_fill(struct small_disk *disk)
{
    static const char zeros[4096];
    int file = open(disk->ballast, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    while (write(file, zeros, sizeof zeros) > 0)
        continue;
    assert_int_equal(errno, ENOSPC);
    close(file);
}

void small_disk_relieve(struct small_disk *disk)
{
    assert_int_equal(unlink(disk->ballast), 0);
}
