/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/progress.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STEP_SIZE = 80 };

/* One thread shows what another one does: all of this under the lock. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    pthread_t thread;
    const char *program;
    char step[STEP_SIZE];
    char shown[STEP_SIZE];       /* last step that was shown elsewhere than on a terminal */
    bool running, over, terminal, drawn;
    time_t since;                /* seconds of the monotonic clock */
} progress = {.lock = PTHREAD_MUTEX_INITIALIZER, .program = ""};

static time_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void erase(void)
{
    if (progress.drawn)
        fputs("\r\033[K", stderr);
    progress.drawn = false;
}

static void draw(void)
{
    long seconds = (long)(seconds_now() - progress.since);
    if (progress.step[0] == '\0')
        return;
    if (progress.terminal) {
        fprintf(stderr, "\r\033[K%s: %s, %ld s", progress.program, progress.step, seconds);
        progress.drawn = true;
        fflush(stderr);
    } else if (strcmp(progress.step, progress.shown) != 0) {
        memcpy(progress.shown, progress.step, sizeof progress.shown);
        fprintf(stderr, "%s: %s, %ld s\n", progress.program, progress.step, seconds);
    }
}

static void *show(void *nothing)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&progress.lock);
    while (!progress.over) {
        until.tv_sec++;
        int waited = 0;
        while (!progress.over && waited != ETIMEDOUT)
            waited = pthread_cond_timedwait(&progress.ended, &progress.lock, &until);
        if (!progress.over)
            draw();
    }
    pthread_mutex_unlock(&progress.lock);
    return nothing;
}

void progress_begin(const char *program, bool wanted)
{
    pthread_condattr_t attributes;
    progress.program = program;
    progress.terminal = isatty(STDERR_FILENO) == 1;
    progress.since = seconds_now();
    if (!wanted || pthread_condattr_init(&attributes) != 0)
        return;
    /* Signals are for the thread that works. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    progress.running = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
                       pthread_cond_init(&progress.ended, &attributes) == 0 &&
                       pthread_create(&progress.thread, NULL, show, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_condattr_destroy(&attributes);
}

void progress_step(const char *what)
{
    pthread_mutex_lock(&progress.lock);
    snprintf(progress.step, sizeof progress.step, "%s", what);
    pthread_mutex_unlock(&progress.lock);
}

void progress_tell(const char *line)
{
    pthread_mutex_lock(&progress.lock);
    erase();
    fprintf(stderr, "%s: %s\n", progress.program, line);
    pthread_mutex_unlock(&progress.lock);
}

void progress_end(void)
{
    if (!progress.running)
        return;
    pthread_mutex_lock(&progress.lock);
    progress.over = true;
    pthread_cond_signal(&progress.ended);
    pthread_mutex_unlock(&progress.lock);
    pthread_join(progress.thread, NULL);
    progress.running = false;
    erase();
}
