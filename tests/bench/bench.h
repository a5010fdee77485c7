/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tests/bench/run calls: one program, a command for each thing to be measured.  Every command prints "name value"
 * lines, or one of tab-separated values, and judges nothing.  On the cluster of libpq's environment.
 */
#ifndef PATELLA_BENCH_H
#define PATELLA_BENCH_H

#include <stdint.h>
#include <sys/types.h>

/* Options of all commands; each uses some. */
struct bench_options {
    int port, connections, seconds, site, first_subject, subjects, submissions, xid;
    int patient;                 /* 1: answers 503 are no failure of a round */
    pid_t daemon, postmaster, client;
    const char *certificate, *database, *ids, *kind;
};

/* A registry with its daemon (settings: "name=value", NULL-terminated), until standard input ends. */
int bench_registry(const struct bench_options *options, const char *const *settings);

/* Enrols the subjects of a site. */
int bench_enrol(const struct bench_options *options);

/* A round of submissions for subjects that are enrolled, or `submissions` of them when that is not 0. */
int bench_load(const struct bench_options *options);

/*
 * A CSV file for an upload on standard output: `submissions` KOOS rows of the subjects from `first_subject` on, subject
 * by subject, whose records no round of theirs has made.
 */
int bench_file(const struct bench_options *options);

/* CPU time and switches of PostgreSQL and of another process, beside the time. */
int bench_sample(const struct bench_options *options);

/* New connections, one after the other on each of `connections` sockets, with one GET each. */
int bench_handshakes(const struct bench_options *options);

/* The daemon's memory while `connections` stand open that have said something once. */
int bench_idle(const struct bench_options *options);

/*
 * Hostile clients of a kind (tests/support/hostile.h), until standard input ends; whoever is closed comes again.
 * Prints a line "ready", for those with a token once each has sent something whole or been turned away; at the end how
 * many connected, could begin, were closed and were open, and how many arrays were judged and refused.
 */
int bench_hostile(const struct bench_options *options);

/*
 * The simulated trial of tests/bench/trial.h with `subjects` subjects as lines for COPY, by `kind`: "submission" (in
 * order of dates, as they would have come), "subject", "knee" or "allocation"; written by transaction `xid`.
 */
int bench_trial(const struct bench_options *options);

/* The report of study trial1000 at the newest cut of `database`, stage by stage. */
int bench_report(const struct bench_options *options);

#endif
