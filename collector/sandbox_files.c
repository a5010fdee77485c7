/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/sandbox_files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/landlock.h>

#include "forms/base/log.h"

/* What came after the headers that some systems still have; the kernel is asked what it knows. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP
#define LANDLOCK_ACCESS_NET_BIND_TCP (1ULL << 0)
#endif
#ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL (1ULL << 1)
#endif

/* Versions of the interface that brought something. */
enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_IOCTL = 5, ABI_SCOPE = 6 };

#define ALL_OF_ABI_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define FILE_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE)
#define FOLDER_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* As of the newest version that is used here; shorter for an older kernel. */
struct ruleset {
    uint64_t files;
    uint64_t net;        /* ABI_NET */
    uint64_t scoped;     /* ABI_SCOPE */
};

/* What libraries read: code (names are looked up by modules), names, time zones, the kernel's answers. */
static const char *const system_paths[] = {
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/etc/localtime",
    "/etc/ld.so.cache", "/etc/hosts", "/etc/host.conf", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
    "/etc/services", "/etc/protocols", "/etc/passwd", "/etc/krb5.conf", "/etc/postgresql-common",
    "/etc/ssl/openssl.cnf", "/etc/ssl/certs", "/etc/pki/tls/certs", "/run/systemd/resolve", "/dev/null", "/dev/urandom",
    "/sys/devices/system/cpu",
};

static int create_ruleset(const struct ruleset *ruleset, size_t size, uint32_t flags)
{
    return (int)syscall(SYS_landlock_create_ruleset, ruleset, size, flags);
}

/* A path that is not there, or of a kind that has no rules, is passed over. */
static void allow_path(int ruleset, const char *path)
{
    struct stat status;
    int file = open(path, O_PATH | O_CLOEXEC);
    if (file < 0)
        return;
    bool is_folder = fstat(file, &status) == 0 && S_ISDIR(status.st_mode);
    struct landlock_path_beneath_attr rule = {.parent_fd = file,
                                              .allowed_access = is_folder ? FOLDER_RIGHTS : FILE_RIGHTS};
    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(file);
}

/* Too much lies in these for the sake of one file: a file that takes another's place there needs a restart. */
static bool is_shared_folder(const char *folder)
{
    static const char *const shared[] = {"/", "/etc", "/tmp", "/var/tmp", "/home", "/root", "/usr", "/var", "/run"};
    char resolved[PATH_MAX];
    if (realpath(folder, resolved) == NULL)
        return true;
    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        if (strcmp(resolved, shared[i]) == 0)
            return true;
    return false;
}

static void allow_folder_of(int ruleset, const char *path)
{
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    const char *folder = dirname(copy);
    if (!is_shared_folder(folder))
        allow_path(ruleset, folder);
}

static void allow_file(int ruleset, const char *path)
{
    struct stat status;
    char resolved[PATH_MAX];
    allow_path(ruleset, path);
    if (stat(path, &status) != 0 || S_ISDIR(status.st_mode))
        return;
    allow_folder_of(ruleset, path);
    if (realpath(path, resolved) != NULL)
        allow_folder_of(ruleset, resolved);
}

static int make_ruleset(int abi)
{
    struct ruleset ruleset = {.files = ALL_OF_ABI_1};
    size_t size = sizeof ruleset.files;
    if (abi >= ABI_REFER)
        ruleset.files |= LANDLOCK_ACCESS_FS_REFER;
    if (abi >= ABI_TRUNCATE)
        ruleset.files |= LANDLOCK_ACCESS_FS_TRUNCATE;
    if (abi >= ABI_NET) {
        ruleset.net = LANDLOCK_ACCESS_NET_BIND_TCP;
        size += sizeof ruleset.net;
    }
    if (abi >= ABI_IOCTL)
        ruleset.files |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
    if (abi >= ABI_SCOPE) {
        ruleset.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
        size += sizeof ruleset.scoped;
    }
    return create_ruleset(&ruleset, size, 0);
}

bool sandbox_limit_files(const char *const *files, struct error *error)
{
    int abi = create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) {
        log_write(LOG_LEVEL_WARNING, "this kernel has no Landlock: files are guarded by their owners alone", NULL);
        return true;
    }
    int ruleset = make_ruleset(abi);
    if (ruleset < 0)
        return error_io(error, errno, "Landlock's rules");
    for (size_t i = 0; i < sizeof system_paths / sizeof *system_paths; i++)
        allow_path(ruleset, system_paths[i]);
    for (; *files != NULL; files++)
        allow_file(ruleset, *files);
    bool good = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0 || error_io(error, errno, "Landlock");
    close(ruleset);
    return good;
}
