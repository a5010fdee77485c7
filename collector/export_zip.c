/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/export_zip.h"

#include <archive.h>
#include <archive_entry.h>

#include "forms/base/memory.h"

struct export_zip {
    struct archive *archive;
    struct text *out;
    int64_t time;
};

static int free_zip(struct export_zip *zip)
{
    archive_write_fail(zip->archive);   /* what was not ended is not written any more */
    archive_write_free(zip->archive);
    return 0;
}

static la_ssize_t on_write(struct archive *archive, void *context, const void *bytes, size_t length)
{
    (void)archive;
    struct export_zip *zip = context;
    text_append_bytes(zip->out, bytes, length);
    return (la_ssize_t)length;
}

struct export_zip *export_zip_new(const void *owner, int64_t time)
{
    struct export_zip *zip = memory_new(owner, struct export_zip);
    zip->time = time;
    zip->archive = archive_write_new();
    if (zip->archive == NULL)
        memory_exhausted();
    talloc_set_destructor(zip, free_zip);
    return zip;
}

void export_zip_set_output(struct export_zip *zip, struct text *out)
{
    zip->out = out;
}

static bool check(const struct export_zip *zip, int result, struct error *error)
{
    if (result >= ARCHIVE_OK)
        return true;
    const char *why = archive_error_string(zip->archive);
    return error_set(error, ERROR_INTERNAL, "the archive cannot be written: %s", why != NULL ? why : "unknown");
}

/* At the first file: what is written goes out at once, not in blocks. */
static bool open_archive(struct export_zip *zip, struct error *error)
{
    if (archive_write_get_bytes_per_block(zip->archive) == 0)
        return true;
    return check(zip, archive_write_set_format_zip(zip->archive), error) &&
           check(zip, archive_write_set_bytes_per_block(zip->archive, 0), error) &&
           check(zip, archive_write_open(zip->archive, zip, NULL, on_write, NULL), error);
}

bool export_zip_begin_file(struct export_zip *zip, const char *name, struct error *error)
{
    if (!open_archive(zip, error))
        return false;
    struct archive_entry *entry = archive_entry_new();
    if (entry == NULL)
        memory_exhausted();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, zip->time, 0);
    bool begun = check(zip, archive_write_header(zip->archive, entry), error);
    archive_entry_free(entry);
    return begun;
}

bool export_zip_write(struct export_zip *zip, const struct text *bytes, struct error *error)
{
    if (bytes->length == 0)
        return true;
    la_ssize_t written = archive_write_data(zip->archive, bytes->bytes, bytes->length);
    if (written == (la_ssize_t)bytes->length)
        return true;
    return check(zip, ARCHIVE_FATAL, error);
}

bool export_zip_end(struct export_zip *zip, struct error *error)
{
    return check(zip, archive_write_close(zip->archive), error);
}
