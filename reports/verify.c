/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "reports/verify.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "forms/base/memory.h"
#include "reports/casebook.h"
#include "reports/format.h"
#include "reports/manifest.h"
#include "reports/report.h"
#include "reports/results_compare.h"

#define TOLERANCE 1e-9

enum { PIECE = 1 << 16, SHOWN_NUMBERS = 20 };

struct verification {
    const struct verify_order *order;
    struct manifest *manifest;
    FILE *out;
    bool sealed;                 /* the cut is, now */
    bool results_intact;         /* results.csv of the folder is as it was written */
};

/* --- the folder ---------------------------------------------------------------------------------------- */

static bool hash_stream(FILE *file, char sha256[65])
{
    unsigned char piece[PIECE], digest[32];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool hashed = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t length; hashed && (length = fread(piece, 1, sizeof piece, file)) > 0;)
        hashed = EVP_DigestUpdate(context, piece, length) == 1;
    hashed = hashed && !ferror(file) && EVP_DigestFinal_ex(context, digest, NULL) == 1;
    EVP_MD_CTX_free(context);
    if (hashed)
        text_to_hex(digest, sizeof digest, sha256);
    return hashed;
}

/* *there false when there is no such file. */
static bool hash_file(const struct verification *v, const char *name, bool *there, char sha256[65],
                      struct error *error)
{
    char *path = memory_format(v->manifest, "%s/%s", v->order->folder, name);
    FILE *file = fopen(path, "rbe");
    *there = file != NULL;
    if (file == NULL)
        return errno == ENOENT || error_io(error, errno, path);
    bool hashed = hash_stream(file, sha256);
    if (!hashed)
        error_io(error, errno, path);
    fclose(file);
    return hashed;
}

static bool check_file(struct verification *v, const struct manifest_file *file, size_t *faults,
                       struct error *error)
{
    bool there;
    char sha256[65];
    if (!hash_file(v, file->name, &there, sha256, error))
        return false;
    bool same = there && strcmp(sha256, file->sha256) == 0;
    if (strcmp(file->name, "results.csv") == 0)
        v->results_intact = same;
    if (!same) {
        fprintf(v->out, "%s: %s\n", file->name, there ? "changed since it was written" : "missing");
        ++*faults;
    }
    return true;
}

static bool check_strangers(const struct verification *v, size_t *faults, struct error *error)
{
    DIR *folder = opendir(v->order->folder);
    if (folder == NULL)
        return error_io(error, errno, v->order->folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, MANIFEST_FILE) == 0 ||
            manifest_find(v->manifest, name) != NULL)
            continue;
        fprintf(v->out, "%s: not part of the report\n", name);
        ++*faults;
    }
    closedir(folder);
    return true;
}

static bool check_folder(struct verification *v, size_t *faults, struct error *error)
{
    for (size_t i = 0; i < v->manifest->file_count; i++)
        if (!check_file(v, &v->manifest->files[i], faults, error))
            return false;
    return check_strangers(v, faults, error);
}

/* --- once more ----------------------------------------------------------------------------------------- */

static struct report *make_again(const struct verification *v, struct db *db, struct error *error)
{
    const struct manifest *manifest = v->manifest;
    const struct report_order order = {
        .study = manifest->study,
        .cut = memory_format(manifest, "%d", manifest->cut),
        .columns = manifest->pooled ? EXTRACT_COLUMNS_POOLED : EXTRACT_COLUMNS_COHORTS,
        .formats = manifest->formats,
        .compare = v->order->compare,
        .unblinding = v->order->unblinding != NULL ? v->order->unblinding : manifest->unblinding,
        .said_unblinding = manifest->unblinding,
        .sealed = &manifest->cut_sealed,
        .step = v->order->step,
    };
    if (manifest->compared_cut != 0 && order.compare == NULL) {
        error_set(error, ERROR_INPUT,
                  "the report was compared with an earlier one, of cut %d; give that one's folder with --compare",
                  manifest->compared_cut);
        return NULL;
    }
    if (manifest->compared_cut == 0 && order.compare != NULL) {
        error_set(error, ERROR_INPUT, "the report was not compared with an earlier one; leave --compare away");
        return NULL;
    }
    return report_make(manifest, db, &order, error);
}

static bool check_seal(struct verification *v, struct db *db, struct error *error)
{
    const struct manifest *manifest = v->manifest;
    if (!extract_cut_is_sealed(db, manifest->study, manifest->cut, &v->sealed, error))
        return false;
    return v->sealed || v->order->unsealed_ok ||
           error_set(error, ERROR_DENIED,
                     "cut %d of study %s is not sealed: whoever administers the database could have changed its rows; "
                     "let patella-seal run, or verify it all the same with --unsealed-ok",
                     manifest->cut, manifest->study);
}

/* Lines about what the report was made from, where the database gives something else. */
static size_t compare_sources(const struct verification *v, const struct dataset *dataset)
{
    const struct manifest *manifest = v->manifest;
    const struct protocol *protocol = dataset->catalogue->protocol;
    char made_at[FORMAT_SIZE];
    size_t other = 0;
    format_instant(made_at, dataset->cut_made_us);
    if (strcmp(manifest->cut_label, dataset->cut_label) != 0 || strcmp(manifest->cut_made_at, made_at) != 0) {
        fprintf(v->out, "cut %d: \"%s\" made at %s in the manifest, \"%s\" made at %s in the database\n",
                manifest->cut, manifest->cut_label, manifest->cut_made_at, dataset->cut_label, made_at);
        other++;
    }
    if (strcmp(manifest->protocol, protocol->id) != 0 || manifest->protocol_version != protocol->version) {
        fprintf(v->out, "protocol: %s version %d in the manifest, %s version %d at the cut\n", manifest->protocol,
                manifest->protocol_version, protocol->id, protocol->version);
        other++;
    }
    if (!v->sealed && manifest->cut_sealed) {
        fprintf(v->out, "cut %d: sealed in the manifest, not sealed in the database\n", manifest->cut);
        other++;
    } else if (!v->sealed) {
        fputs("note: the data cut is not sealed: whoever administers the database could have changed its rows\n",
              v->out);
    } else if (!manifest->cut_sealed) {
        fputs("note: the data cut has been sealed since the report was made\n", v->out);
    }
    return other;
}

/* Each file of the new report against the manifest, the manifest itself against the one in the folder. */
static bool compare_file(const struct verification *v, struct report *report, size_t index, size_t *other,
                         struct error *error)
{
    const struct report_file *file = &report->files[index];
    const struct manifest_file *written = manifest_find(v->manifest, file->name);
    char sha256[65];
    bool there = true;
    if (v->order->step != NULL)
        v->order->step(file->name);
    if (!report_send_file(report, index, NULL, NULL, error))
        return false;
    if (strcmp(file->name, MANIFEST_FILE) == 0 && !hash_file(v, file->name, &there, sha256, error))
        return false;
    const char *expected = strcmp(file->name, MANIFEST_FILE) == 0 ? sha256
                           : written != NULL                      ? written->sha256
                                                                  : NULL;
    if (expected != NULL && strcmp(expected, file->sha256) == 0)
        return true;
    fprintf(v->out, "%s: made again it %s\n", file->name, expected != NULL ? "has other bytes" : "is a new file");
    ++*other;
    return true;
}

static bool is_made_again(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->file_count; i++)
        if (strcmp(report->files[i].name, name) == 0)
            return true;
    return false;
}

static bool compare_files(const struct verification *v, struct report *report, size_t *other,
                          struct error *error)
{
    for (size_t i = 0; i < report->file_count; i++)
        if (!compare_file(v, report, i, other, error))
            return false;
    for (size_t i = 0; i < v->manifest->file_count; i++) {
        if (is_made_again(report, v->manifest->files[i].name))
            continue;
        fprintf(v->out, "%s: not made again\n", v->manifest->files[i].name);
        ++*other;
    }
    return true;
}

/* --- numbers ------------------------------------------------------------------------------------------- */

static void show_difference(FILE *out, const struct difference *difference)
{
    fprintf(out, "results.csv: %s, %s, %s, %s: %s, made again %s\n", difference->table, difference->row,
            difference->col, difference->stat, difference->before != NULL ? difference->before : "not there",
            difference->after != NULL ? difference->after : "not there");
}

/* *same false when a number differs, or when the folder's numbers are not those that were written. */
static bool compare_numbers(const struct verification *v, const struct report *report, bool *same,
                            struct error *error)
{
    struct results_text before;
    struct text *now = text_new(v->manifest);
    *same = false;
    if (!v->results_intact) {
        fputs("numbers cannot be compared: results.csv is not as it was written\n", v->out);
        return true;
    }
    before.text = manifest_load(v->manifest, v->manifest, v->order->folder, "results.csv", &before.length, error);
    if (before.text == NULL)
        return false;
    results_write_csv(report->results, now);
    const struct results_text after = {now->bytes, now->length};
    struct differences *differences = results_compare(v->manifest, &before, &after, TOLERANCE, error);
    if (differences == NULL)
        return false;
    for (size_t i = 0; i < differences->count && i < SHOWN_NUMBERS; i++)
        show_difference(v->out, &differences->at[i]);
    fprintf(v->out, "numbers at 1e-9: %zu of %zu rows differ; largest relative difference %.3g\n",
            differences->count, differences->after_rows, differences->largest);
    *same = differences->count == 0;
    return true;
}

static bool has_same_versions(const struct verification *v)
{
    char *libraries = manifest_libraries(v->manifest);
    bool program = strcmp(v->manifest->version, PATELLA_VERSION) == 0;
    bool same = strcmp(v->manifest->libraries, libraries) == 0;
    if (!program)
        fprintf(v->out, "program: version %s then, %s now\n", v->manifest->version, PATELLA_VERSION);
    if (!same)
        fprintf(v->out, "libraries: %s then, %s now\n", v->manifest->libraries, libraries);
    return program && same;
}

static bool compare_again(const struct verification *v, struct report *report, enum verify_status *status,
                          struct error *error)
{
    bool same_versions = has_same_versions(v), same_numbers = true;
    size_t sources = compare_sources(v, report->dataset), other = 0;
    *status = VERIFY_SAME;
    if (!compare_files(v, report, &other, error))
        return false;
    if (other > 0 && !compare_numbers(v, report, &same_numbers, error))
        return false;
    if (sources > 0 || !same_numbers || (other > 0 && same_versions))
        *status = VERIFY_OTHER;
    else if (other > 0)
        *status = VERIFY_SAME_NUMBERS;
    return true;
}

static void tell(const struct verification *v, size_t faults, enum verify_status again)
{
    static const char *const verdicts[] = {
        [VERIFY_SAME] = "same bytes",
        [VERIFY_OTHER] = "another report",
        [VERIFY_SAME_NUMBERS] = "other bytes, because the program or a library has another version; the same numbers",
    };
    if (faults > 0)
        fprintf(v->out, "folder: %zu file(s) are not as they were written\n", faults);
    else
        fprintf(v->out, "folder: %zu files, all as they were written\n", v->manifest->file_count);
    bool casebooks = v->manifest->kind != NULL;
    fprintf(v->out, "made again from study %s, cut %d: %s\n", v->manifest->study, v->manifest->cut,
            casebooks && again == VERIFY_SAME_NUMBERS
                ? "other bytes, because the program or a library has another version; the same versions of records"
            : casebooks && again == VERIFY_OTHER ? "another " CASEBOOK_KIND
                                                 : verdicts[again]);
}

/* --- casebooks ----------------------------------------------------------------------------------------- */

struct remaking {
    const struct verification *v;
    size_t made, other;
    bool other_contents;         /* contents.csv: other versions of records */
};

static bool begin_again(void *context, const char *name, struct error *error)
{
    const struct remaking *remaking = context;
    (void)error;
    if (remaking->v->order->step != NULL)
        remaking->v->order->step(name);
    return true;
}

static bool end_again(void *context, const char *name, const char *sha256, struct error *error)
{
    struct remaking *remaking = context;
    const struct manifest_file *written = manifest_find(remaking->v->manifest, name);
    char expected[65] = "";
    bool there = written != NULL;
    if (strcmp(name, MANIFEST_FILE) == 0 && !hash_file(remaking->v, name, &there, expected, error))
        return false;
    remaking->made++;
    if (there && strcmp(written != NULL ? written->sha256 : expected, sha256) == 0)
        return true;
    fprintf(remaking->v->out, "%s: made again it %s\n", name, there ? "has other bytes" : "is a new file");
    remaking->other++;
    remaking->other_contents |= strcmp(name, CASEBOOK_CONTENTS) == 0;
    return true;
}

static bool remake_casebooks(struct verification *v, struct db *db, enum verify_status *status, struct error *error)
{
    const struct manifest *manifest = v->manifest;
    const struct casebook_order order = {
        .study = manifest->study,
        .cut = memory_format(manifest, "%d", manifest->cut),
        .subject = strcmp(manifest->kind, CASEBOOK_KIND) == 0 ? manifest->subject : NULL,
        .site = manifest->site,
        .formats = manifest->formats,
        .unblinding = v->order->unblinding != NULL ? v->order->unblinding : manifest->unblinding,
        .said_unblinding = manifest->unblinding,
        .sealed = &manifest->cut_sealed,
        .made_at = manifest->made_at,
        .step = v->order->step,
    };
    struct remaking remaking = {.v = v};
    const struct casebook_taker taker = {.begin = begin_again, .end = end_again, .context = &remaking};
    if (v->order->compare != NULL)
        return error_set(error, ERROR_INPUT, "the folder holds casebooks, not a report; leave --compare away");
    if (!casebook_make(db, &order, &taker, error))
        return false;
    if (remaking.made < manifest->file_count + 1) {
        fprintf(v->out, "%zu file(s) were not made again\n", manifest->file_count + 1 - remaking.made);
        remaking.other++;
    }
    bool same_versions = has_same_versions(v);
    bool another = same_versions || remaking.other_contents;
    *status = remaking.other == 0 ? VERIFY_SAME : another ? VERIFY_OTHER : VERIFY_SAME_NUMBERS;
    return true;
}

static bool make_and_compare(struct verification *v, struct db *db, enum verify_status *status, struct error *error)
{
    if (v->manifest->kind != NULL)
        return remake_casebooks(v, db, status, error);
    struct report *report = make_again(v, db, error);
    return report != NULL && compare_again(v, report, status, error);
}

bool verify_report(struct db *db, const struct verify_order *order, FILE *out, enum verify_status *status,
                   struct error *error)
{
    void *owner = memory_owner(NULL, "verify");
    struct verification v = {.order = order, .out = out, .manifest = manifest_read(owner, order->folder, error)};
    size_t faults = 0;
    bool verified = v.manifest != NULL && check_folder(&v, &faults, error);
    verified = verified && check_seal(&v, db, error) && make_and_compare(&v, db, status, error);
    if (verified) {
        tell(&v, faults, *status);
        *status = faults > 0 ? VERIFY_TAMPERED : *status;
    }
    talloc_free(owner);
    return verified;
}
