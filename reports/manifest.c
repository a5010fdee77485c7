/* SPDX-License-Identifier: GPL-3.0-or-later */
#define MATHLIB_STANDALONE 1   /* without it Rmath.h wants R's own headers, which r-mathlib does not bring */
#include "reports/manifest.h"

#include <gnu/libc-version.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <Rmath.h>
#include <cblas.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <unicode/uversion.h>
#include <yaml.h>

#include "forms/base/memory.h"
#include "forms/json_write.h"
#include "reports/changes.h"
#include "reports/format.h"
#include "reports/report.h"

void manifest_hash(const void *bytes, size_t length, char out[65])
{
    unsigned char digest[32];
    if (EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL) != 1)
        abort();
    text_to_hex(digest, sizeof digest, out);
}

void manifest_append_pair(struct text *out, const char *name, const char *value, const char *end)
{
    text_append_json(out, name);
    text_append(out, ": ");
    text_append_json(out, value);
    text_append(out, end);
}

/* In alphabetical order, as they are read back. */
char *manifest_libraries(const void *owner)
{
    struct text *out = text_new(owner);
    UVersionInfo icu;
    char icu_text[U_MAX_VERSION_STRING_LENGTH];
    u_getVersion(icu);
    u_versionToString(icu, icu_text);
    text_append(out, "{");
    manifest_append_pair(out, "glibc", gnu_get_libc_version(), ", ");
    manifest_append_pair(out, "icu", icu_text, ", ");
    manifest_append_pair(out, "libyaml", yaml_get_version_string(), ", ");
    manifest_append_pair(out, "openblas", openblas_get_config(), ", ");
    manifest_append_pair(out, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING), ", ");
    manifest_append_pair(out, "r-mathlib", R_VERSION_STRING, "}");
    return out->bytes;
}

void manifest_append_source(struct text *out, const struct dataset *dataset)
{
    const struct protocol *protocol = dataset->catalogue->protocol;
    char instant[FORMAT_SIZE];
    manifest_append_pair(out, "study", dataset->catalogue->study, ",\n  \"protocol\": {");
    manifest_append_pair(out, "id", protocol->id, ", ");
    text_append_format(out, "\"version\": %d},\n  \"cut\": {\"number\": %d, ", protocol->version, dataset->cut_no);
    manifest_append_pair(out, "label", dataset->cut_label, ", ");
    manifest_append_pair(out, "made_at", format_instant(instant, dataset->cut_made_us), ", ");
    text_append_format(out, "\"source_date_epoch\": %" PRId64 ", \"sealed\": %s},\n  ",
                       dataset->cut_made_us / 1000000, dataset->cut_sealed ? "true" : "false");
}

void manifest_append_file(struct text *out, bool first, const struct manifest_file *file)
{
    text_append(out, first ? "\n    {" : ",\n    {");
    manifest_append_pair(out, "name", file->name, ", ");
    text_append_format(out, "\"size\": %zu, ", file->size);
    manifest_append_pair(out, "sha256", file->sha256, "}");
}

static const char *columns_name(bool pooled)
{
    return pooled ? "pooled" : "cohorts";
}

static void append_making(struct text *out, const struct report *report)
{
    const struct dataset *dataset = report->dataset;
    char *formats = report_format_names(out, report->formats);
    char *command = memory_format(out, "patella-report --study %s --cut %d --columns %s%s --formats %s%s --out DIR",
                                  dataset->catalogue->study, dataset->cut_no, columns_name(dataset->pooled),
                                  dataset->unblinding != NULL ? " --unblinding REQUEST" : "", formats,
                                  report->changes != NULL ? " --compare OLD" : "");
    text_append(out, "  ");
    manifest_append_pair(out, "columns", columns_name(dataset->pooled), ",\n  ");
    if (dataset->unblinding != NULL)
        manifest_append_pair(out, "unblinding", dataset->unblinding, ",\n  ");
    manifest_append_pair(out, "formats", formats, ",\n  ");
    if (report->changes != NULL) {
        text_append_format(out, "\"compared_with\": {\"cut\": %d, ", report->changes->cut_no);
        manifest_append_pair(out, "results_sha256", report->changes->results_sha256, "},\n  ");
    }
    manifest_append_pair(out, "command", command, ",\n");
}

void manifest_write(struct text *out, const struct report *report)
{
    const struct dataset *dataset = report->dataset;
    char *libraries = manifest_libraries(out);
    text_append(out, "{\n  \"program\": {");
    manifest_append_pair(out, "name", "patella-report", ", ");
    manifest_append_pair(out, "version", PATELLA_VERSION, "},\n");
    text_append_format(out, "  \"libraries\": %s,\n  ", libraries);
    manifest_append_source(out, dataset);
    text_append_format(out, "\"subjects\": %zu,\n  \"records\": %zu,\n", dataset->subject_count,
                       dataset->record_count);
    append_making(out, report);
    text_append(out, "  \"files\": [");
    for (size_t i = 0; i < report->file_count; i++) {
        const struct report_file *file = &report->files[i];
        if (strcmp(file->name, MANIFEST_FILE) == 0)
            continue;
        manifest_append_file(out, i == 0, &(struct manifest_file){file->name, file->sha256, file->size});
    }
    text_append(out, "\n  ]\n}\n");
}
