/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>

#include "forms/base/memory.h"
#include "forms/csv_source.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- ZIP files that are made here ---- */

static la_ssize_t on_write(struct archive *archive, void *context, const void *bytes, size_t length)
{
    (void)archive;
    text_append_bytes(context, bytes, length);
    return (la_ssize_t)length;
}

/* `options` of libarchive: "compression=store", "encryption=zipcrypt". */
static struct archive *begin_zip(struct text *out, const char *options)
{
    struct archive *zip = archive_write_new();
    assert_non_null(zip);
    assert_int_equal(archive_write_set_format_zip(zip), ARCHIVE_OK);
    assert_int_equal(archive_write_set_options(zip, options), ARCHIVE_OK);
    assert_int_equal(archive_write_set_passphrase(zip, "secret"), ARCHIVE_OK);
    assert_int_equal(archive_write_set_bytes_per_block(zip, 0), ARCHIVE_OK);
    assert_int_equal(archive_write_open(zip, out, NULL, on_write, NULL), ARCHIVE_OK);
    return zip;
}

/* `times` times the text; a name that ends with a slash is a folder. */
static void add_file(struct archive *zip, const char *name, const char *text, size_t times)
{
    struct archive_entry *entry = archive_entry_new();
    bool is_folder = name[strlen(name) - 1] == '/';
    archive_entry_set_pathname_utf8(entry, name);
    archive_entry_set_filetype(entry, is_folder ? AE_IFDIR : AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_size(entry, is_folder ? 0 : (la_int64_t)(strlen(text) * times));
    assert_int_equal(archive_write_header(zip, entry), ARCHIVE_OK);
    for (size_t i = 0; i < times && !is_folder; i++)
        assert_int_equal(archive_write_data(zip, text, strlen(text)), strlen(text));
    archive_entry_free(entry);
}

static void end_zip(struct archive *zip)
{
    assert_int_equal(archive_write_close(zip), ARCHIVE_OK);
    archive_write_free(zip);
}

/* ---- what a source gives of it ---- */

struct pieces {
    const char *bytes;
    size_t length, at, step;
    size_t fails_at;         /* 0: never */
};

static bool read_pieces(void *context, const char **bytes, size_t *length, struct error *error)
{
    struct pieces *pieces = context;
    if (pieces->fails_at != 0 && pieces->at >= pieces->fails_at)
        return error_set(error, ERROR_DATABASE, "the database went away");
    *length = pieces->length - pieces->at < pieces->step ? pieces->length - pieces->at : pieces->step;
    *bytes = pieces->bytes + pieces->at;
    pieces->at += *length;
    return true;
}

struct reading {
    void *owner;
    struct text *file;
    struct upload_findings findings;
    struct error error;
    bool is_read;
    int64_t bytes;
    size_t head_length;
};

static struct reading read_pieces_of(struct pieces pieces, bool peeks)
{
    struct reading reading = {.owner = memory_owner(NULL, "reading")};
    reading.file = text_new(reading.owner);
    reading.findings = upload_findings_begin(reading.owner);
    struct csv_source *source =
        csv_source_open(reading.owner, read_pieces, &pieces, &reading.findings, &reading.error);
    const char *bytes = NULL;
    size_t length = 1;
    reading.is_read = source != NULL;
    if (reading.is_read && peeks)
        reading.is_read = csv_source_peek(source, &bytes, &reading.head_length, &reading.error);
    while (reading.is_read && length > 0) {
        reading.is_read = csv_source_next(source, &bytes, &length, &reading.error);
        text_append_bytes(reading.file, bytes, reading.is_read ? length : 0);
    }
    if (source != NULL)
        reading.bytes = csv_source_bytes(source);
    return reading;
}

static const char *last_code(const struct reading *reading)
{
    return reading->findings.count > 0 ? reading->findings.findings[reading->findings.count - 1].code : "";
}

static void require_file(const struct text *upload, const char *file, size_t length)
{
    for (size_t step = 1; step <= upload->length * 2; step *= 3)
        for (int peeks = 0; peeks < 2; peeks++) {
            struct reading reading = read_pieces_of(
                (struct pieces){.bytes = upload->bytes, .length = upload->length, .step = step}, peeks);
            if (!reading.is_read)
                fail_msg("pieces of %zu: %s %s", step, last_code(&reading), reading.error.message);
            assert_int_equal(reading.file->length, length);
            assert_memory_equal(reading.file->bytes, file, length);
            assert_int_equal(reading.bytes, upload->length);
            assert_int_equal(reading.head_length, peeks ? (length < CSV_HEAD_BYTES ? length : CSV_HEAD_BYTES) : 0);
            talloc_free(reading.owner);
        }
}

static struct text *make_large_file(const void *owner, size_t length)
{
    struct text *file = text_new(owner);
    uint32_t random = 7;
    while (file->length < length) {
        random = random * 1664525U + 1013904223U;
        text_append_format(file, "%u,%u\n", (unsigned)(random >> 20), (unsigned)(random >> 28));
    }
    return file;
}

static void test_csv_source_next_gives_the_bytes_of_a_plain_file(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *file = text_new(owner);
    require_file(file, "", 0);
    for (int i = 0; i < 20; i++) {
        text_append(file, "x");
        require_file(file, file->bytes, file->length);
    }
    struct text *large = make_large_file(owner, 2 * CSV_HEAD_BYTES + 11);
    struct text *packed = text_new(owner);
    struct archive *zip = begin_zip(packed, "compression=deflate");
    add_file(zip, "large.csv", large->bytes, 1);
    end_zip(zip);
    require_file(large, large->bytes, large->length);
    require_file(packed, large->bytes, large->length);
    talloc_free(owner);
}

static void test_csv_source_next_gives_the_one_csv_file_of_a_zip(void **state)
{
    (void)state;
    static const char *const options[] = {"compression=deflate", "compression=store"};
    for (size_t i = 0; i < COUNT(options); i++) {
        void *owner = memory_owner(NULL, "test");
        struct text *upload = text_new(owner);
        struct archive *zip = begin_zip(upload, options[i]);
        add_file(zip, "export/", "", 0);
        add_file(zip, "__MACOSX/export/._data.csv", "not this one", 1);
        add_file(zip, "export/.DS_Store", "nor this", 1);
        add_file(zip, "export/media/photo.jpg", "a photo", 100);
        add_file(zip, "export/M\xC3\xA4rz.CSV", "subject,a\n1,2\n", 1000);
        add_file(zip, "notes.pdf", "a page", 1);
        end_zip(zip);
        struct text *file = text_new(owner);
        for (int times = 0; times < 1000; times++)
            text_append(file, "subject,a\n1,2\n");
        require_file(upload, file->bytes, file->length);
        struct reading reading = read_pieces_of(
            (struct pieces){.bytes = upload->bytes, .length = upload->length, .step = 1000}, true);
        assert_int_equal(reading.findings.count, 2);
        assert_string_equal(reading.findings.findings[0].code, "zip");
        assert_int_equal(reading.findings.findings[0].severity, UPLOAD_ASSUMED);
        assert_string_equal(reading.findings.findings[0].text, "read export/M\xC3\xA4rz.CSV in the ZIP file");
        assert_string_equal(reading.findings.findings[1].text, "passed over in the ZIP file: 2 files that are no CSV");
        talloc_free(reading.owner);
        talloc_free(owner);
    }
}

/* Refused with the code, whether it is peeked into or not, in pieces of every kind. */
static void require_refusal(const struct text *upload, const char *code, const char *says)
{
    for (size_t step = 1; step <= upload->length * 2 + 1; step *= 10)
        for (int peeks = 0; peeks < 2; peeks++) {
            struct reading reading = read_pieces_of(
                (struct pieces){.bytes = upload->bytes, .length = upload->length, .step = step}, peeks);
            assert_false(reading.is_read);
            assert_int_equal(reading.error.kind, ERROR_NONE);
            assert_true(reading.findings.file_refused);
            assert_string_equal(last_code(&reading), code);
            const char *text = reading.findings.findings[reading.findings.count - 1].text;
            if (strstr(text, says) == NULL)
                fail_msg("\"%s\" is not said: %s", says, text);
            talloc_free(reading.owner);
        }
}

static void test_csv_source_open_other_zips_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        const char *names[3];
        const char *code, *says;
    } cases[] = {
        {"compression=deflate", {"a.csv", "b.tsv"}, "zip_not_one_file", "a.csv and b.tsv; upload one file at a time"},
        {"compression=deflate", {"a.txt", "readme.pdf", "x/b.csv"}, "zip_not_one_file", "a.txt and x/b.csv"},
        {"compression=deflate", {"readme.pdf"}, "zip_not_one_file", "holds no file that ends with .csv"},
        {"compression=deflate", {"__MACOSX/._a.csv"}, "zip_not_one_file", "holds no file"},
        {"compression=deflate", {"[Content_Types].xml", "xl/workbook.xml"}, "spreadsheet_file",
         "save it as \"CSV UTF-8\""},
        {"compression=deflate", {"mimetype", "content.xml"}, "spreadsheet_file", "workbook"},
        {"compression=store,encryption=zipcrypt", {"a.csv"}, "zip_not_one_file", "encrypted"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *owner = memory_owner(NULL, "test");
        struct text *upload = text_new(owner);
        struct archive *zip = begin_zip(upload, cases[i].options);
        for (size_t j = 0; j < COUNT(cases[i].names) && cases[i].names[j] != NULL; j++)
            add_file(zip, cases[i].names[j], "subject,a\n1,2\n", 10);
        end_zip(zip);
        require_refusal(upload, cases[i].code, cases[i].says);
        talloc_free(owner);
    }
}

/* The decoder of LZMA would take as much memory as the file tells it to. */
static void test_csv_source_open_zip_packed_otherwise_is_refused(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *upload = text_new(owner);
    struct archive *zip = begin_zip(upload, "compression=deflate");
    add_file(zip, "a.csv", "subject,a\n1,2\n", 10);
    end_zip(zip);
    enum { METHOD_AT = 8, LZMA = 14 };   /* APPNOTE.TXT, 4.3.7 and 4.4.5 */
    upload->bytes[METHOD_AT] = LZMA;
    require_refusal(upload, "zip_not_one_file", "in a way that few programs know");
    talloc_free(owner);
}

static void test_csv_source_open_empty_zip_and_other_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *code, *says;
    } cases[] = {
        {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and so on", "spreadsheet_file", "save it as \"CSV UTF-8\""},
        {"PK\5\6 and so on", "zip_not_one_file", "empty"},
        {"PK\7\10PK\3\4", "zip_not_one_file", "several parts"},
        {"PK\3\4 and nothing of it", "zip_not_one_file", "cannot be read"},
        {"\x1F\x8B\x08", "zip_not_one_file", "gzip"},
        {"7z\xBC\xAF\x27\x1C", "zip_not_one_file", "7-Zip"},
        {"%PDF-1.7", "no_header", "PDF"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *owner = memory_owner(NULL, "test");
        struct text *upload = text_new(owner);
        text_append(upload, cases[i].bytes);
        require_refusal(upload, cases[i].code, cases[i].says);
        talloc_free(owner);
    }
}

/* A ZIP that was cut, or of which a byte is another, gives the file or is refused: never other bytes. */
static void test_csv_source_next_damaged_zip_never_gives_other_bytes(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *file = make_large_file(owner, 3000), *upload = text_new(owner);
    struct archive *zip = begin_zip(upload, "compression=deflate");
    add_file(zip, "data.csv", file->bytes, 1);
    end_zip(zip);
    size_t refused = 0;
    for (size_t i = 0; i < 2 * upload->length; i++) {
        char *damaged = memory_copy_bytes(owner, upload->bytes, upload->length);
        bool is_cut = i < upload->length;
        if (!is_cut)
            damaged[i - upload->length] ^= 0x10;
        struct reading reading = read_pieces_of(
            (struct pieces){.bytes = damaged, .length = is_cut ? i : upload->length, .step = 100}, true);
        if (reading.is_read && i >= 4 && i - upload->length >= 4) {
            assert_int_equal(reading.file->length, file->length);
            assert_memory_equal(reading.file->bytes, file->bytes, file->length);
        }
        refused += !reading.is_read;
        talloc_free(reading.owner);
        talloc_free(damaged);
    }
    assert_true(refused > upload->length);
    talloc_free(owner);
}

static void test_csv_source_next_zip_that_grows_beyond_measure_is_refused(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *upload = text_new(owner);
    char *zeros = memory_zeroed(owner, (1 << 20) + 1, 1, "zeros");
    memset(zeros, '0', 1 << 20);
    struct archive *zip = begin_zip(upload, "compression=deflate");
    add_file(zip, "data.csv", zeros, 80);
    end_zip(zip);
    struct reading reading = read_pieces_of(
        (struct pieces){.bytes = upload->bytes, .length = upload->length, .step = 4096}, false);
    assert_false(reading.is_read);
    assert_string_equal(last_code(&reading), "too_large");
    assert_in_range(reading.file->length, CSV_ZIP_FREE_BYTES - (1 << 20), CSV_ZIP_FREE_BYTES);
    talloc_free(reading.owner);
    talloc_free(owner);
}

static void test_csv_source_next_lost_database_is_an_error_in_a_zip_too(void **state)
{
    (void)state;
    void *owner = memory_owner(NULL, "test");
    struct text *file = make_large_file(owner, 3000), *upload = text_new(owner);
    struct archive *zip = begin_zip(upload, "compression=deflate");
    add_file(zip, "data.csv", file->bytes, 1);
    end_zip(zip);
    for (size_t fails_at = 1; fails_at < upload->length; fails_at += 50) {
        struct reading reading = read_pieces_of(
            (struct pieces){.bytes = upload->bytes, .length = upload->length, .step = 10, .fails_at = fails_at}, true);
        assert_false(reading.is_read);
        assert_int_equal(reading.error.kind, ERROR_DATABASE);
        assert_false(reading.findings.file_refused);
        talloc_free(reading.owner);
    }
    talloc_free(owner);
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_source_next_gives_the_bytes_of_a_plain_file),
        cmocka_unit_test(test_csv_source_next_gives_the_one_csv_file_of_a_zip),
        cmocka_unit_test(test_csv_source_open_other_zips_are_refused),
        cmocka_unit_test(test_csv_source_open_zip_packed_otherwise_is_refused),
        cmocka_unit_test(test_csv_source_open_empty_zip_and_other_files_are_refused),
        cmocka_unit_test(test_csv_source_next_damaged_zip_never_gives_other_bytes),
        cmocka_unit_test(test_csv_source_next_zip_that_grows_beyond_measure_is_refused),
        cmocka_unit_test(test_csv_source_next_lost_database_is_an_error_in_a_zip_too),
    };
    return cmocka_run_group_tests_name("csv_source", tests, NULL, NULL);
}
