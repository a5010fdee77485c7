/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A real Chromium without a window, driven by its own WebDriver (W3C WebDriver, JSON over HTTP on the
 * loopback).  It reaches this machine only and takes any certificate.  What goes wrong fails the test, with
 * what the driver said.
 */
#ifndef PATELLA_TEST_BROWSER_H
#define PATELLA_TEST_BROWSER_H

#include <jansson.h>
#include <stdbool.h>

struct browser;

/* Starts both; freeing it ends both. */
struct browser *browser_new(const void *owner);

/* Loads a page and waits until it is there. */
void browser_open(struct browser *browser, const char *url);

/*
 * Runs the body of an async function in the page, or in the frame that was entered, and gives what it
 * returns; good until the next call.  A script that throws gives an object with `thrown`.
 */
const json_t *browser_run(struct browser *browser, const char *script);

/* The same for one that returns text. */
const char *browser_run_text(struct browser *browser, const char *script);

/* Scripts act inside the page's frame number `index`; or in the page again. */
void browser_enter_frame(struct browser *browser, int index);
void browser_leave_frame(struct browser *browser);

/*
 * Whether pages that are loaded from now on may do what their Content-Security-Policy forbids: for a script
 * of the test in a page that has none of its own.
 */
void browser_bypass_policy(struct browser *browser, bool bypass);

#endif
