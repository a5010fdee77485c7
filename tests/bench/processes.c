/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/processes.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The file's first bytes, NUL-terminated; "" when there is none. */
static void read_start(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t length = file != NULL ? fread(out, 1, size - 1, file) : 0;
    if (file != NULL)
        fclose(file);
    out[length] = '\0';
}

static int64_t field_after(const char *text, const char *name)
{
    const char *found = strstr(text, name);
    return found != NULL ? strtoll(found + strlen(name), NULL, 10) : 0;
}

static void add_thread(pid_t pid, const char *thread, struct process_use *use)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/task/%.16s/schedstat", (int)pid, thread);
    read_start(path, text, sizeof text);
    use->cpu_us += strtoll(text, NULL, 10) / 1000;      /* its first number is nanoseconds on a processor */
    snprintf(path, sizeof path, "/proc/%d/task/%.16s/status", (int)pid, thread);
    read_start(path, text, sizeof text);
    use->switches += field_after(text, "\nvoluntary_ctxt_switches:");
}

struct process_use process_use(pid_t pid)
{
    char path[32];
    struct process_use use = {0};
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = opendir(path);
    if (threads == NULL)
        return use;
    for (struct dirent *thread; (thread = readdir(threads)) != NULL;)
        if (isdigit((unsigned char)thread->d_name[0]))
            add_thread(pid, thread->d_name, &use);
    closedir(threads);
    return use;
}

/* Field `number` of /proc/PID/stat (proc(5)); the name in its second field may hold blanks. */
static int64_t stat_field(pid_t pid, int number)
{
    char path[32], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    read_start(path, text, sizeof text);
    const char *place = strrchr(text, ')');
    for (int field = 2; place != NULL && field < number; field++)
        place = strchr(place + 1, ' ');
    return place != NULL ? strtoll(place + 1, NULL, 10) : 0;
}

enum { STAT_PARENT = 4, STAT_CHILDREN_USER = 16, STAT_CHILDREN_SYSTEM = 17 };

struct process_use process_use_postgres(pid_t postmaster)
{
    struct process_use sum = process_use(postmaster);
    int64_t ticks = stat_field(postmaster, STAT_CHILDREN_USER) + stat_field(postmaster, STAT_CHILDREN_SYSTEM);
    sum.cpu_us += ticks * 1000000 / sysconf(_SC_CLK_TCK);
    DIR *processes = opendir("/proc");
    if (processes == NULL)
        return sum;
    for (struct dirent *process; (process = readdir(processes)) != NULL;) {
        pid_t pid = (pid_t)strtol(process->d_name, NULL, 10);
        if (pid <= 0 || stat_field(pid, STAT_PARENT) != postmaster)
            continue;
        struct process_use use = process_use(pid);
        sum.cpu_us += use.cpu_us;
        sum.switches += use.switches;
    }
    closedir(processes);
    return sum;
}

struct process_memory process_memory(pid_t pid)
{
    char path[48], text[4096];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    read_start(path, text, sizeof text);
    return (struct process_memory){
        .rss = field_after(text, "\nRss:") * 1024,
        .pss = field_after(text, "\nPss:") * 1024,
        .uss = (field_after(text, "\nPrivate_Clean:") + field_after(text, "\nPrivate_Dirty:")) * 1024,
    };
}
