/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * --profile of patella-upload: the name of a profile that the collector has, or a YAML file that is handed in first.
 * The same YAML handed in again is the same version.
 */
#ifndef PATELLA_UPLOAD_CLIENT_PROFILE_H
#define PATELLA_UPLOAD_CLIENT_PROFILE_H

#include "collector/upload_client_send.h"

struct upload_client_profile {
    const char *file, *name;
    const char *text;
    size_t length;
};

/*
 * Reads the file when `given` is one (it has a slash, or ends in .yaml or .yml); NULL otherwise.  ERROR_INPUT with
 * file:line when it is no YAML, or has no name; what it says about forms is checked by the collector.
 */
bool upload_client_profile_read(const void *owner, const char *given, struct upload_client_profile **profile,
                                struct error *error) MUST_CHECK;

/* Hands it in, as one of reading->site where that is given; reading->profile is then what the collector calls it. */
bool upload_client_profile_hand_in(struct upload_client *client, const void *owner,
                                   const struct upload_client_profile *profile, struct upload_client_reading *reading,
                                   struct error *error) MUST_CHECK;

#endif
