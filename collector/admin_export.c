/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The data of a cut as a file, through the API and with a token: so what leaves goes through one door, with the role,
 * the sites and the masking of the token's account, and with its row on the trail.  Role patella_admin reads no
 * answers, and needs none here: this is the one command without a database.
 */
#include "collector/admin_result.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "collector/api_client.h"
#include "forms/base/memory.h"

enum { CUT_MOST = 2000000000, SILENCE_S = 120 };

/* True when the body came whole and is on the disk. */
static bool fetch(struct admin *admin, struct api_client *client, int cut, int file, int64_t *bytes,
                  struct error *error)
{
    const char *file_name = admin_option(admin, "out");
    const char *study = api_client_escape(client, admin->owner, admin_operand(admin, 0));
    const struct api_request request = {
        .method = "GET",
        .path = memory_format(admin->owner, "/api/v1/studies/%s/export?cut=%d", study, cut),
        .file = file,
    };
    struct api_reply reply;
    enum api_outcome outcome = api_client_send(client, &request, &reply);
    *bytes = reply.file_bytes;
    if (outcome == API_FILE)
        return error_io(error, api_client_errno(client), file_name);
    if (reply.status == 0)
        return api_client_set_away(client, &reply, error);
    if (reply.status != 200)
        return api_client_set_refused(&reply, "export", error);
    return fsync(file) == 0 || error_io(error, errno, file_name);
}

/* Nobody else may read the file, none is written over, and what is not whole does not stay. */
static bool export_cut(struct admin *admin, struct error *error)
{
    int cut = 0;
    int64_t bytes = 0;
    const struct api_target target = {.url = admin_option(admin, "url"),
                                      .ca_file = admin_option(admin, "ca"),
                                      .token_file = admin_option(admin, "token-file"),
                                      .silence_s = SILENCE_S};
    if (!admin_read_number(admin_option(admin, "cut"), "--cut", 1, CUT_MOST, &cut, error))
        return false;
    struct api_client *client = api_client_new(admin->owner, &target, error);
    if (client == NULL)
        return false;
    const char *path = admin_option(admin, "out");
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        return error_io(error, errno, path);
    bool whole = fetch(admin, client, cut, file, &bytes, error);
    close(file);
    if (!whole) {
        unlink(path);
        return false;
    }
    admin_tell_text(admin, "file", path);
    admin_tell_number(admin, "bytes", bytes);
    if (!admin_as_json(admin))
        printf("%s: %lld bytes\n", path, (long long)bytes);
    return true;
}

static const struct argument_option options[] = {
    {"cut", "N", true, "number of the data cut; `cut list` tells"},
    {"out", "FILE", true, "the ZIP to write; it must not be there yet"},
    {"url", "URL", true, "the collector, https://localhost:8443"},
    {"token-file", "FILE", true, "file whose first line is the token; its role decides what is masked"},
    {"ca", "FILE", false, "CA that signed the collector's certificate; default: the system's"},
};

static const struct admin_command commands[] = {
    {{"export", "STUDY", options, ADMIN_COUNT(options), "write the data of a cut to a ZIP, through the API"},
     export_cut},
};

const struct admin_group admin_export = {commands, ADMIN_COUNT(commands)};
