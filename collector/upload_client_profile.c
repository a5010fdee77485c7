/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/upload_client_profile.h"

#include <inttypes.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/yaml.h"

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static bool is_file(const char *given)
{
    return given != NULL && (strchr(given, '/') != NULL || ends_with(given, ".yaml") || ends_with(given, ".yml"));
}

bool upload_client_profile_read(const void *owner, const char *given, struct upload_client_profile **profile,
                                struct error *error)
{
    *profile = NULL;
    if (!is_file(given))
        return true;
    struct upload_client_profile *read = memory_new(owner, struct upload_client_profile);
    struct faults faults = faults_begin(read);
    read->file = given;
    char *text = text_read_file(read, given, YAML_SIZE_LIMIT, &read->length, error);
    const struct yaml *yaml = text != NULL ? yaml_parse(read, given, text, read->length, error) : NULL;
    if (yaml == NULL)
        return false;
    read->text = text;
    if (yaml_expect(yaml, YAML_MAP, &faults))
        read->name = yaml_get_text(yaml, "profile", YAML_REQUIRED, &faults);
    *profile = read;
    return faults_to_error(&faults, error);
}

bool upload_client_profile_hand_in(struct upload_client *client, const void *owner,
                                   const struct upload_client_profile *profile, struct upload_client_reading *reading,
                                   struct error *error)
{
    static const char *const headers[] = {"Content-Type: application/yaml", NULL};
    if (client->study == NULL)
        return error_set(error, ERROR_USAGE, "--study is missing: a profile is handed in to a study");
    const char *path = memory_format(owner, "/api/v1/studies/%s/upload-profiles",
                                     api_client_escape(client->api, owner, client->study));
    if (reading->site != NULL)
        path = memory_format(owner, "%s?site=%s", path, api_client_escape(client->api, owner, reading->site));
    const struct api_request request = {
        .method = "POST", .path = path, .headers = headers, .body = profile->text, .length = profile->length};
    struct api_reply reply;
    if (!upload_client_request(client, &request, &reply, error))
        return false;
    if (reply.status != 200 && reply.status != 201)
        return api_client_set_refused(&reply, "profile", error);
    json_t *stored = json_loadb(reply.body->bytes, reply.body->length, 0, NULL);
    reading->profile = profile->name;
    reading->profile_version = memory_format(owner, "%" PRId64, upload_client_number(stored, "version"));
    json_decref(stored);
    return true;
}
