/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include <jansson.h>

#include "forms/base/memory.h"
#include "reports/manifest.h"
#include "reports/report.h"

enum { MANIFEST_LIMIT = 16 << 20, FILE_LIMIT = 1 << 30, HASH_DIGITS = 64 };

static bool refuse(const char *folder, const char *what, struct error *error)
{
    return error_set(error, ERROR_INPUT,
                     "%s/" MANIFEST_FILE " is no manifest of patella-report: %s; give the folder that --out named",
                     folder, what);
}

static const char *text_at(const void *owner, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? memory_copy_string(owner, text) : NULL;
}

static char *libraries_of(const void *owner, json_t *root)
{
    struct text *out = text_new(owner);
    const char *key;
    json_t *value;
    text_append(out, "{");
    json_object_foreach(json_object_get(root, "libraries"), key, value) {
        text_append(out, out->length > 1 ? ", " : "");
        text_append_json(out, key);
        text_append(out, ": ");
        text_append_json(out, json_is_string(value) ? json_string_value(value) : "");
    }
    text_append(out, "}");
    return out->bytes;
}

/* A name may not lead out of the folder. */
static bool is_one_segment(const char *name)
{
    return name != NULL && name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

static bool read_files(struct manifest *manifest, const json_t *root, const char *folder, struct error *error)
{
    const json_t *list = json_object_get(root, "files");
    size_t count = json_array_size(list);
    struct manifest_file *files = memory_new_array(manifest, struct manifest_file, count);
    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i);
        files[i].name = text_at(manifest, entry, "name");
        files[i].sha256 = text_at(manifest, entry, "sha256");
        json_int_t size = json_integer_value(json_object_get(entry, "size"));
        if (!is_one_segment(files[i].name) || files[i].sha256 == NULL ||
            strlen(files[i].sha256) != HASH_DIGITS || size < 0)
            return refuse(folder, "an entry of `files` has no name, size or hash", error);
        files[i].size = (size_t)size;
    }
    manifest->files = files;
    manifest->file_count = count;
    return count > 0 || refuse(folder, "it names no files", error);
}

static bool read_making(struct manifest *manifest, const json_t *root, struct error *error)
{
    const char *formats = json_string_value(json_object_get(root, "formats"));
    const char *columns = json_string_value(json_object_get(root, "columns"));
    const json_t *compared = json_object_get(root, "compared_with");
    manifest->kind = text_at(manifest, root, "kind");
    manifest->subject = text_at(manifest, root, "subject");
    manifest->site = (int)json_integer_value(json_object_get(root, "site"));
    manifest->made_at = text_at(manifest, root, "made_at");
    manifest->pooled = columns != NULL && strcmp(columns, "pooled") == 0;
    manifest->unblinding = text_at(manifest, root, "unblinding");
    manifest->compared_cut = (int)json_integer_value(json_object_get(compared, "cut"));
    manifest->compared_sha256 = text_at(manifest, compared, "results_sha256");
    manifest->formats = REPORT_FORMATS_DEFAULT;
    return formats == NULL || report_read_formats(formats, &manifest->formats, error);
}

static bool read_source(struct manifest *manifest, const json_t *root, const char *folder, struct error *error)
{
    const json_t *cut = json_object_get(root, "cut"), *protocol = json_object_get(root, "protocol");
    const char *program = json_string_value(json_object_get(json_object_get(root, "program"), "name"));
    manifest->version = text_at(manifest, json_object_get(root, "program"), "version");
    manifest->study = text_at(manifest, root, "study");
    manifest->protocol = text_at(manifest, protocol, "id");
    manifest->protocol_version = (int)json_integer_value(json_object_get(protocol, "version"));
    manifest->cut = (int)json_integer_value(json_object_get(cut, "number"));
    manifest->cut_label = text_at(manifest, cut, "label");
    manifest->cut_made_at = text_at(manifest, cut, "made_at");
    manifest->cut_sealed = json_is_true(json_object_get(cut, "sealed"));
    if (program == NULL || strcmp(program, "patella-report") != 0 || manifest->version == NULL)
        return refuse(folder, "it names another program", error);
    if (manifest->study == NULL || manifest->protocol == NULL || manifest->cut <= 0 ||
        manifest->cut_label == NULL || manifest->cut_made_at == NULL)
        return refuse(folder, "study, protocol or cut is missing", error);
    return true;
}

struct manifest *manifest_read(const void *owner, const char *folder, struct error *error)
{
    struct manifest *manifest = memory_new(owner, struct manifest);
    size_t length;
    char *path = memory_format(manifest, "%s/" MANIFEST_FILE, folder);
    char *text = text_read_file(manifest, path, MANIFEST_LIMIT, &length, error);
    json_t *root = text != NULL ? json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL) : NULL;
    bool read = root != NULL || (text != NULL && refuse(folder, "it is no JSON", error));
    if (text == NULL) {
        const struct error cause = *error;
        error_set(error, cause.kind, "%s; give the folder of a report, as --out named it", cause.message);
    }
    if (read) {
        manifest->libraries = libraries_of(manifest, root);
        read = read_source(manifest, root, folder, error) && read_making(manifest, root, error) &&
               read_files(manifest, root, folder, error);
    }
    json_decref(root);
    if (read)
        return manifest;
    talloc_free(manifest);
    return NULL;
}

const struct manifest_file *manifest_find(const struct manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->file_count; i++)
        if (strcmp(manifest->files[i].name, name) == 0)
            return &manifest->files[i];
    return NULL;
}

char *manifest_load(const void *owner, const struct manifest *manifest, const char *folder, const char *file,
                    size_t *length, struct error *error)
{
    const struct manifest_file *entry = manifest_find(manifest, file);
    char *path = memory_format(owner, "%s/%s", folder, file);
    char *text = text_read_file(owner, path, FILE_LIMIT, length, error);
    char hash[65];
    if (text == NULL)
        return NULL;
    manifest_hash(text, *length, hash);
    if (entry != NULL && strcmp(entry->sha256, hash) == 0)
        return text;
    error_set(error, ERROR_CONFLICT,
              "%s is not as it was written: its hash is not the one in " MANIFEST_FILE
              "; `patella-report verify %s` tells what was changed",
              path, folder);
    return NULL;
}
