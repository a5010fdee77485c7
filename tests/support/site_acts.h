/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the people and machines of a site do in the course of a study, by every route: for the differential
 * test, and for filling a registry with something of everything.
 */
#ifndef PATELLA_TEST_SITE_ACTS_H
#define PATELLA_TEST_SITE_ACTS_H

#include <stdbool.h>
#include <stddef.h>

enum where { ANYWHERE, HOME, AWAY };

/*
 * An act of everybody whom its route lets in, one after the other, or of those whose letters are in `by`.  In
 * path and body stand $study, $site ("01"), $n ("1"), $other (the neighbour site's $site), $code (of the
 * second factor), and what was saved: "name=member" keeps a member of the reply as $name, and as $name_me for
 * the same actor.
 */
struct act {
    const char *method, *path, *body; /* "SQL": `path` is run; "REPORT": the oldest report is made */
    const char *type;                 /* of the body; NULL: JSON */
    const char *by, *save;
    enum where where;
    bool pages;     /* a list of what sites have: read to its end, and different for who sees all sites */
    bool by_office; /* at the neighbour site done by people of no site too */
    bool local; /* only by people of the site: who sees all sites would be told of ids at others */
};

extern const struct act site_acts[];
extern const size_t site_act_count;

#endif
