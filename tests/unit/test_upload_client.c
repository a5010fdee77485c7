/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What patella-upload says and remembers, without a collector: e2e/test_patella_upload.sh has the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/upload_client_profile.h"
#include "collector/upload_client_send.h"
#include "collector/upload_client_summary.h"
#include "forms/base/memory.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct fixture {
    char folder[64];
    struct text *out;
    struct error error;
    json_t *json;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(NULL, struct fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/test_upload_client.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->out = text_new(fixture);
    *state = fixture;
    return setenv("XDG_STATE_HOME", fixture->folder, 1);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char *command = memory_format(fixture, "rm -r %s", fixture->folder);
    assert_int_equal(system(command), 0);        /* NOLINT(cert-env33-c): the test's own folder */
    json_decref(fixture->json);
    return talloc_free(fixture);
}

static const char *write_file(const struct fixture *fixture, const char *name, const char *bytes, size_t length)
{
    const char *path = memory_format(fixture, "%s/%s", fixture->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    return path;
}

/* JSON with ' for ". */
static const json_t *json_of(struct fixture *fixture, const char *text)
{
    char *quoted = memory_copy_string(fixture, text);
    for (char *at = quoted; (at = strchr(at, '\'')) != NULL;)
        *at = '"';
    json_decref(fixture->json);
    fixture->json = json_loads(quoted, 0, NULL);
    assert_non_null(fixture->json);
    return fixture->json;
}

/* ---- words ---- */

static void test_append_bytes_takes_the_unit_that_fits(void **state)
{
    static const struct {
        int64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"}, {999, "999 B"}, {1000, "1.0 kB"}, {12345, "12.3 kB"}, {999949, "999.9 kB"}, {999950, "1.0 MB"},
        {60000000, "60.0 MB"}, {1073741824, "1.07 GB"}, {INT64_C(2000000000000), "2000.00 GB"},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        text_clear(fixture->out);
        upload_client_append_bytes(fixture->out, cases[i].bytes);
        assert_string_equal(fixture->out->bytes, cases[i].text);
    }
}

static void test_append_count_has_commas(void **state)
{
    static const struct {
        int64_t count;
        const char *text;
    } cases[] = {{0, "0"}, {999, "999"}, {1000, "1,000"}, {123456, "123,456"}, {1234567, "1,234,567"}};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        text_clear(fixture->out);
        upload_client_append_count(fixture->out, cases[i].count);
        assert_string_equal(fixture->out->bytes, cases[i].text);
    }
}

static void test_append_duration_takes_two_units(void **state)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {{0, "0 s"}, {59, "59 s"}, {60, "1 min 00 s"}, {125, "2 min 05 s"}, {3599, "59 min 59 s"},
                 {3600, "1 h 00 min"}, {90061, "25 h 01 min"}};
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        text_clear(fixture->out);
        upload_client_append_duration(fixture->out, cases[i].seconds);
        assert_string_equal(fixture->out->bytes, cases[i].text);
    }
}

static void test_append_plain_shows_no_control_character(void **state)
{
    struct fixture *fixture = *state;
    upload_client_append_plain(fixture->out, "a\x1b[31m\tb\x7f\xc2\x9b" "c\xc2\xa0\xc3\xa9\xe2\x82\xac");
    assert_string_equal(fixture->out->bytes, "a?[31m?b??c\xc2\xa0\xc3\xa9\xe2\x82\xac");
}

/* ---- progress ---- */

/* What is shown of these instants, each a second after the other. */
static const char *shown(struct fixture *fixture, bool is_terminal, const struct upload_client_step *steps,
                         size_t count)
{
    char *bytes = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&bytes, &length);
    assert_non_null(stream);
    struct upload_client_progress *progress = upload_client_progress_new(fixture, stream, is_terminal);
    for (size_t i = 0; i < count; i++)
        upload_client_progress_show(progress, (int64_t)i * 1000000, &steps[i]);
    upload_client_progress_end(progress);
    assert_int_equal(fclose(stream), 0);
    const char *text = memory_copy_string(fixture, bytes);
    free(bytes);
    return text;
}

#define SENDING(bytes) \
    {.what = "sending", .unit = UPLOAD_CLIENT_BYTES, .done = (bytes), .part = (bytes), .whole = 100000, .left_s = -1}
#define CHECKING(rows, bytes, seconds) \
    {.what = "checking", .unit = UPLOAD_CLIENT_ROWS, .done = (rows), .part = (bytes), .whole = 100000, \
     .per_s = 812.5, .left_s = (seconds)}

static void test_progress_in_a_log_has_a_line_a_tenth(void **state)
{
    static const struct upload_client_step steps[] = {SENDING(0), SENDING(5000), SENDING(10000), SENDING(15000),
                                                      SENDING(100000)};
    assert_string_equal(shown(*state, false, steps, COUNT(steps)),
                        "sending 0 %, 0 B of 100.0 kB\n"
                        "sending 10 %, 10.0 kB of 100.0 kB, 5.0 kB/s, 18 s left\n"
                        "sending 100 %, 100.0 kB of 100.0 kB, 18.3 kB/s\n");
}

static void test_progress_of_another_step_begins_anew(void **state)
{
    static const struct upload_client_step steps[] = {SENDING(100000), CHECKING(0, 0, -1), CHECKING(1200, 20000, 75)};
    assert_string_equal(shown(*state, false, steps, COUNT(steps)),
                        "sending 100 %, 100.0 kB of 100.0 kB\n"
                        "checking 0 %, 0 rows, 813 rows/s\n"
                        "checking 20 %, 1,200 rows, 813 rows/s, 1 min 15 s left\n");
}

static void test_progress_on_a_terminal_is_one_line(void **state)
{
    static const struct upload_client_step steps[] = {SENDING(0), SENDING(50000)};
    assert_string_equal(shown(*state, true, steps, COUNT(steps)),
                        "\rsending [                              ] 0 %, 0 B of 100.0 kB\033[K"
                        "\rsending [###############               ] 50 %, 50.0 kB of 100.0 kB, 50.0 kB/s, "
                        "1 s left\033[K"
                        "\n");
}

static void test_progress_that_went_back_is_measured_anew(void **state)
{
    static const struct upload_client_step steps[] = {SENDING(60000), SENDING(10000), SENDING(70000)};
    assert_string_equal(shown(*state, false, steps, COUNT(steps)),
                        "sending 60 %, 60.0 kB of 100.0 kB\n"
                        "sending 70 %, 70.0 kB of 100.0 kB, 60.0 kB/s, 1 s left\n");
}

static void test_progress_without_a_stream_is_silent(void **state)
{
    static const struct upload_client_step step = SENDING(10);
    struct upload_client_progress *progress = upload_client_progress_new(*state, NULL, true);
    upload_client_progress_show(progress, 0, &step);
    upload_client_progress_note(progress, "waiting for %s", "nobody");
    upload_client_progress_end(progress);
}

/* ---- sending ---- */

static void test_next_piece_follows_the_line(void **state)
{
    (void)state;
    assert_int_equal(upload_client_next_piece(1 << 18, 100), 1 << 19);
    assert_int_equal(upload_client_next_piece(1 << 20, 5000000), 1 << 20);
    assert_int_equal(upload_client_next_piece(1 << 20, 9000000), 1 << 19);
    assert_int_equal(upload_client_next_piece(UPLOAD_CLIENT_LEAST_PIECE, 60000000), UPLOAD_CLIENT_LEAST_PIECE);
    assert_int_equal(upload_client_next_piece(UPLOAD_CLIENT_MOST_PIECE, 100), UPLOAD_CLIENT_MOST_PIECE);
}

static void test_below_keeps_the_query(void **state)
{
    static const struct {
        const char *upload, *below, *query, *path;
    } cases[] = {
        {"/u/1?study=demo", "/rows", "limit=3", "/u/1/rows?study=demo&limit=3"},
        {"/u/1?study=demo", "/commit", "", "/u/1/commit?study=demo"},
        {"/u/1", "", "wait=2", "/u/1?wait=2"},
        {"/u/1", "/refused", "", "/u/1/refused"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(upload_client_below(*state, cases[i].upload, cases[i].below, cases[i].query),
                            cases[i].path);
}

/* ---- the file ---- */

static void test_file_open_knows_name_size_and_hash(void **state)
{
    struct fixture *fixture = *state;
    const char *path = write_file(fixture, "week.csv", "abc", 3);
    struct upload_client_file *file = upload_client_file_open(fixture, path, &fixture->error);
    assert_non_null(file);
    assert_string_equal(file->name, "week.csv");
    assert_int_equal(file->size, 3);
    /* The first example of FIPS 180-4. */
    assert_string_equal(file->sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char bytes[2];
    assert_true(upload_client_file_read(file, 1, bytes, 2, &fixture->error));
    assert_memory_equal(bytes, "bc", 2);
    assert_true(upload_client_file_check(file, &fixture->error));
    write_file(fixture, "week.csv", "abcd", 4);
    assert_false(upload_client_file_check(file, &fixture->error));
    assert_int_equal(fixture->error.kind, ERROR_CONFLICT);
    write_file(fixture, "week.csv", "a", 1);
    assert_false(upload_client_file_read(file, 1, bytes, 2, &fixture->error));
    assert_non_null(strstr(fixture->error.message, "shorter"));
}

static void test_file_open_refuses_what_is_no_csv(void **state)
{
    static const struct {
        const char *name, *bytes, *says;
        size_t length;
    } cases[] = {
        {"empty.csv", "", "empty_file: ", 0},
        {"old.xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "spreadsheet_file: ", 12},
        {"new.xlsx", "PK\x03\x04\x14\0\x06\0\x08\0....[Content_Types].xml", "spreadsheet_file: ", 33},
        {"named.csv", "PK\x03\x04\x14\0\0\0\0\0....xl/workbook.xml", "spreadsheet_file: ", 29},
        {"calc.ods", "PK\x03\x04\x14\0\0\0....mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
         "spreadsheet_file: ", 66},
    };
    struct fixture *fixture = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *path = write_file(fixture, cases[i].name, cases[i].bytes, cases[i].length);
        assert_null(upload_client_file_open(fixture, path, &fixture->error));
        assert_int_equal(fixture->error.kind, ERROR_INPUT);
        if (strstr(fixture->error.message, cases[i].says) == NULL)
            fail_msg("%s: %s", cases[i].name, fixture->error.message);
    }
    assert_null(upload_client_file_open(fixture, fixture->folder, &fixture->error));
    assert_non_null(strstr(fixture->error.message, "no file"));
    assert_null(upload_client_file_open(fixture, "/nowhere/a.csv", &fixture->error));
    assert_int_equal(fixture->error.kind, ERROR_IO);
}

static void test_file_open_leaves_a_zip_with_a_csv_to_the_collector(void **state)
{
    struct fixture *fixture = *state;
    const char *path = write_file(fixture, "export.zip", "PK\x03\x04\x14\0\0\0\x08\0....export.csv", 24);
    assert_non_null(upload_client_file_open(fixture, path, &fixture->error));
}

/* ---- what is remembered ---- */

static void test_state_is_found_by_target_and_file(void **state)
{
    struct fixture *fixture = *state;
    const char *path = write_file(fixture, "week.csv", "abc", 3);
    struct upload_client_file *file = upload_client_file_open(fixture, path, &fixture->error);
    struct upload_client_state *first = upload_client_state_find(fixture, "server\ndemo", file);
    assert_null(first->upload);
    assert_true(upload_client_state_keep(first, "/api/v1/uploads/1", file->sha256, &fixture->error));
    struct upload_client_state *again = upload_client_state_find(fixture, "server\ndemo", file);
    assert_string_equal(again->upload, "/api/v1/uploads/1");
    assert_string_equal(again->sha256, file->sha256);
    assert_null(upload_client_state_find(fixture, "server\nother", file)->upload);
    upload_client_state_forget(again);
    assert_null(upload_client_state_find(fixture, "server\ndemo", file)->upload);
    assert_int_not_equal(access(again->path, F_OK), 0);
}

static void test_state_that_cannot_be_read_is_none(void **state)
{
    struct fixture *fixture = *state;
    const char *path = write_file(fixture, "week.csv", "abc", 3);
    struct upload_client_file *file = upload_client_file_open(fixture, path, &fixture->error);
    struct upload_client_state *first = upload_client_state_find(fixture, "server", file);
    assert_true(upload_client_state_keep(first, "/api/v1/uploads/1", file->sha256, &fixture->error));
    FILE *broken = fopen(first->path, "w");
    assert_non_null(broken);
    assert_true(fputs("{\"upload\":", broken) >= 0);
    assert_int_equal(fclose(broken), 0);
    assert_null(upload_client_state_find(fixture, "server", file)->upload);
}

/* ---- profiles ---- */

static void test_profile_read_names_what_is_wrong(void **state)
{
    struct fixture *fixture = *state;
    struct upload_client_profile *profile = NULL;
    assert_true(upload_client_profile_read(fixture, NULL, &profile, &fixture->error));
    assert_true(upload_client_profile_read(fixture, "redcap", &profile, &fixture->error));
    assert_null(profile);        /* a name, not a file */
    const char *good = write_file(fixture, "good.yaml", "profile: redcap\n", 16);
    assert_true(upload_client_profile_read(fixture, good, &profile, &fixture->error));
    assert_string_equal(profile->name, "redcap");
    const char *nameless = write_file(fixture, "nameless.yml", "dates: dmy\n", 11);
    assert_false(upload_client_profile_read(fixture, nameless, &profile, &fixture->error));
    assert_non_null(strstr(fixture->error.message, "\"profile\" is missing"));
    const char *broken = write_file(fixture, "broken.yaml", "profile: [\n", 11);
    assert_false(upload_client_profile_read(fixture, broken, &profile, &fixture->error));
    assert_true(fixture->error.line > 0);
    assert_false(upload_client_profile_read(fixture, "nowhere.yaml", &profile, &fixture->error));
    assert_int_equal(fixture->error.kind, ERROR_IO);
}

/* ---- previews and receipts ---- */

static void test_task_of_counts_decides(void **state)
{
    static const struct {
        const char *upload;
        enum upload_client_task task;
    } cases[] = {
        {"{'state':'previewed','rows':{'new':0,'changed':0,'unchanged':9,'refused':0}}", UPLOAD_CLIENT_NOTHING},
        {"{'state':'previewed','rows':{'new':1,'changed':0,'unchanged':9,'refused':0}}", UPLOAD_CLIENT_STORE},
        {"{'state':'previewed','rows':{'new':0,'changed':1,'unchanged':0,'refused':0}}", UPLOAD_CLIENT_STORE},
        {"{'state':'previewed','rows':{'new':0,'changed':1,'unchanged':0,'refused':2}}", UPLOAD_CLIENT_STORE_GOOD},
        {"{'state':'previewed','rows':{'new':0,'changed':0,'unchanged':5,'refused':2}}", UPLOAD_CLIENT_REFUSED},
        {"{'state':'refused','rows':null}", UPLOAD_CLIENT_REFUSED},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(upload_client_task_of(json_of(*state, cases[i].upload)), cases[i].task);
}

static void test_append_preview_tells_counts_changes_and_findings(void **state)
{
    struct fixture *fixture = *state;
    json_t *changed = json_incref((json_t *)json_of(
        fixture, "{'rows':[{'line':17,'record':'07-0012 right koos M3 1',"
                 "'changes':[{'item':'p1','before':'2','after':'3'},"
                 "{'item':'date','before':null,'after':'2026-03-01'}]}]}"));
    const json_t *upload = json_of(
        fixture, "{'study':'demo','site':7,'state':'previewed','file':{'name':'week.csv','size':81230},"
                 "'profile':{'name':'redcap','version':2},"
                 "'rows':{'read':1234,'new':120,'changed':3,'unchanged':1100,'refused':11,'warned':1},"
                 "'findings':[{'severity':'assumed','code':'delimiter','count':1,'lines':[],'text':'semicolons'},"
                 "{'severity':'row_refused','code':'bad_date','count':11,'lines':[1,2,3,4,5,6],'column':'visit_date',"
                 "'value':'31.13.2026','text':'is no date'},"
                 "{'severity':'warning','code':'soft_range','count':1,'lines':[9],'column':'age',"
                 "'text':'is unlikely'}]}");
    upload_client_append_preview(fixture->out, upload, changed);
    json_decref(changed);
    assert_string_equal(fixture->out->bytes,
                        "week.csv: 1,234 rows, 81.2 kB, study demo, site 7, profile redcap version 2\n"
                        "  120 new, 3 changed, 1,100 unchanged, 11 refused; 1 to be looked at\n"
                        "changed, the first 1:\n"
                        "  line 17 07-0012 right koos M3 1: p1 2 -> 3; date (nothing) -> 2026-03-01\n"
                        "refused rows:\n"
                        "  bad_date (11 rows, lines 1, 2, 3, 4, 5, ...): column visit_date, \"31.13.2026\": "
                        "is no date\n"
                        "to be looked at:\n"
                        "  soft_range (line 9): column age: is unlikely\n"
                        "assumed:\n"
                        "  delimiter: semicolons\n");
}

static void test_append_preview_of_a_refused_file_says_why(void **state)
{
    struct fixture *fixture = *state;
    upload_client_append_preview(
        fixture->out,
        json_of(fixture, "{'study':'demo','site':null,'state':'refused','file':{'name':'a.csv','size':9},"
                         "'profile':null,'rows':null,"
                         "'findings':[{'severity':'file_refused','code':'no_header','count':1,'lines':[],"
                         "'text':'no line names a subject'}]}"),
        NULL);
    assert_non_null(strstr(fixture->out->bytes, "\nthe file is refused:\n  no_header: no line names a subject\n"));
}

static void test_append_receipt_and_line_fit_a_line(void **state)
{
    struct fixture *fixture = *state;
    upload_client_append_receipt(
        fixture->out, json_of(fixture, "{'batch':4,'rows':{'new':1,'changed':2,'unchanged':3,'refused':0,'warned':0},"
                                       "'committed_at':'2026-11-22T03:00:00Z','by':'anna'}"));
    assert_string_equal(fixture->out->bytes, "batch 4: 1 new, 2 changed, 3 unchanged, 0 refused; stored "
                                             "2026-11-22T03:00:00Z by anna\n");
    text_clear(fixture->out);
    upload_client_append_line(
        fixture->out, json_of(fixture, "{'id':'7','state':'queued','file':{'name':'a.csv'},'rows':null}"));
    assert_string_equal(fixture->out->bytes, "7  queued      a.csv\n");
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_append_bytes_takes_the_unit_that_fits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_append_count_has_commas, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_append_duration_takes_two_units, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_append_plain_shows_no_control_character, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_progress_in_a_log_has_a_line_a_tenth, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_progress_of_another_step_begins_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_progress_on_a_terminal_is_one_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_progress_that_went_back_is_measured_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_progress_without_a_stream_is_silent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_next_piece_follows_the_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_below_keeps_the_query, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_open_knows_name_size_and_hash, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_open_refuses_what_is_no_csv, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_open_leaves_a_zip_with_a_csv_to_the_collector, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_state_is_found_by_target_and_file, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_state_that_cannot_be_read_is_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_profile_read_names_what_is_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_task_of_counts_decides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_append_preview_tells_counts_changes_and_findings, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_append_preview_of_a_refused_file_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_append_receipt_and_line_fit_a_line, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
