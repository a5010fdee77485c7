/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_client_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/sha.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"

enum { STATE_LIMIT = 1 << 16 };

/* The folder for what programs remember (XDG Base Directory 0.8), NULL when there is none. */
static const char *state_folder(const void *owner)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state != NULL && state[0] == '/')
        return memory_format(owner, "%s/patella/uploads", state);
    if (home != NULL && home[0] == '/')
        return memory_format(owner, "%s/.local/state/patella/uploads", home);
    return NULL;
}

static const char *state_path(const void *owner, const char *target, const char *file)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char name[2 * SHA256_DIGEST_LENGTH + 1];
    const char *folder = state_folder(owner);
    const char *key = memory_format(owner, "%s\n%s", target, file);
    SHA256((const unsigned char *)key, strlen(key), digest);
    text_to_hex(digest, sizeof digest, name);
    return folder != NULL ? memory_format(owner, "%s/%.32s.json", folder, name) : NULL;
}

static const char *member(const void *owner, const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));
    return value != NULL ? memory_copy_string(owner, value) : NULL;
}

struct upload_client_state *upload_client_state_find(const void *owner, const char *target,
                                                     const struct upload_client_file *file)
{
    struct upload_client_state *state = memory_new(owner, struct upload_client_state);
    struct error unreadable;
    size_t length = 0;
    state->file = file->real_path;
    state->path = state_path(state, target, file->real_path);
    char *text = state->path != NULL ? text_read_file(state, state->path, STATE_LIMIT, &length, &unreadable) : NULL;
    json_t *json = text != NULL ? json_loadb(text, length, 0, NULL) : NULL;
    const char *upload = member(state, json, "upload"), *sha256 = member(state, json, "sha256");
    json_decref(json);
    if (upload != NULL && sha256 != NULL) {
        state->upload = upload;
        state->sha256 = sha256;
    }
    return state;
}

/* Every folder on the way to `path`, as far as it is not there. */
static bool make_folders(const char *path, struct error *error)
{
    char *folder = memory_copy_string(NULL, path);
    bool made = true;
    for (char *slash = strchr(folder + 1, '/'); made && slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        made = mkdir(folder, 0700) == 0 || errno == EEXIST || error_io(error, errno, folder);
        *slash = '/';
    }
    talloc_free(folder);
    return made;
}

static bool write_whole(const char *path, const struct text *text, struct error *error)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = file >= 0 && write(file, text->bytes, text->length) == (ssize_t)text->length && fsync(file) == 0;
    if (!written)
        error_io(error, errno, path);
    if (file >= 0)
        close(file);
    return written;
}

bool upload_client_state_keep(struct upload_client_state *state, const char *upload, const char *sha256,
                              struct error *error)
{
    state->upload = memory_copy_string(state, upload);
    state->sha256 = memory_copy_string(state, sha256);
    if (state->path == NULL)
        return true;
    const char *new_path = memory_format(state, "%s.new", state->path);
    struct text *text = text_new(state);
    text_append(text, "{\"file\":");
    text_append_json(text, state->file);
    text_append(text, ",\"upload\":");
    text_append_json(text, upload);
    text_append(text, ",\"sha256\":");
    text_append_json(text, sha256);
    text_append(text, "}\n");
    return make_folders(state->path, error) && write_whole(new_path, text, error) &&
           (rename(new_path, state->path) == 0 || error_io(error, errno, state->path));
}

void upload_client_state_forget(struct upload_client_state *state)
{
    state->upload = NULL;
    state->sha256 = NULL;
    if (state->path != NULL)
        unlink(state->path);
}
