/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The data of a cut as a ZIP, read back: its files, columns and cells, and what a masked study leaves out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/command.h"
#include "tests/support/registry.h"

enum { RECORDS = 450 };          /* more than two pages of a file */

/* A file of a ZIP that is open, as text; `names` NULL, or all names in their order, each with a blank behind it. */
static const char *read_entry(const void *owner, struct archive *zip, const char *wanted, struct text *names)
{
    struct archive_entry *entry = NULL;
    struct text *found = NULL;
    int next;
    while ((next = archive_read_next_header(zip, &entry)) == ARCHIVE_OK) {
        char buffer[4096];
        bool is_wanted = strcmp(archive_entry_pathname(entry), wanted) == 0;
        if (names != NULL)
            text_append_format(names, "%s ", archive_entry_pathname(entry));
        if (is_wanted)
            found = text_new(owner);
        for (la_ssize_t got; is_wanted && (got = archive_read_data(zip, buffer, sizeof buffer)) > 0;)
            text_append_bytes(found, buffer, (size_t)got);
    }
    assert_int_equal(next, ARCHIVE_EOF);
    archive_read_free(zip);
    if (found == NULL)
        fail_msg("no file %s", wanted);
    return found->bytes;
}

static const char *unzip(const struct client_reply *reply, const char *wanted, struct text *names)
{
    struct archive *zip = archive_read_new();
    archive_read_support_format_zip(zip);
    assert_int_equal(archive_read_open_memory(zip, reply->body, reply->length), ARCHIVE_OK);
    return read_entry(reply, zip, wanted, names);
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (const char *end = text; (end = strchr(end, '\n')) != NULL; end++)
        lines++;
    return lines;
}

static struct client_reply *export_cut(struct registry *registry, const char *token, const char *label)
{
    struct client_reply *cut = api_send(registry, "statistician", "POST", DEMO "/cuts",
                                        memory_format(registry, "{\"label\":\"%s\"}", label));
    assert_status(cut, 201);
    struct client_reply *reply = api_get(registry, token, memory_format(registry, DEMO "/export?cut=%lld",
                                                                        json_number_at(cut->json, "cut")));
    assert_status(reply, 200);
    return reply;
}

static void submit(struct registry *registry, const char *body)
{
    assert_status(api_submit(registry, "coordinator", body), 201);
}

static void test_export_has_its_files_in_order(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator", "01-0001");
    struct client_reply *reply = export_cut(registry, "data_manager", "files");
    assert_string_equal(client_header(reply, "Content-Type"), "application/zip");
    assert_non_null(strstr(client_header(reply, "Content-Disposition"), "demo-cut-"));
    struct text *names = text_new(registry);
    const char *readme = unzip(reply, "README.txt", names);
    static const char first[] = "README.txt codebook.csv forms/adverse_event.csv forms/adverse_event.codebook.csv ";
    static const char last[] = " versions.csv queries.csv signatures.csv verifications.csv ";
    assert_int_equal(strncmp(names->bytes, first, sizeof first - 1), 0);
    assert_non_null(strstr(names->bytes, " forms/pain_vas.csv forms/pain_vas.codebook.csv "));
    assert_string_equal(names->bytes + names->length - (sizeof last - 1), last);
    assert_non_null(strstr(readme, "(files)"));
    assert_non_null(strstr(readme, "data_manager"));
    assert_null(strstr(readme, "left out"));
    assert_string_equal(unzip(reply, "forms/pain_vas.csv", NULL),
                        "subject,knee,visit,date,instance,version,status,vas,vas_score,not_answered\r\n");
    assert_int_equal(count_lines(unzip(reply, "forms/enrolment.csv", NULL)), 2);
}

static void test_export_holds_the_newest_version_of_the_cut(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator", "01-0002");
    submit(registry, registry_pain(registry, NULL, "01-0002", 40, ""));
    submit(registry, registry_pain(registry, NULL, "01-0002", 50, ",\"version\":2,\"reason\":\"=misread\""));
    struct client_reply *reply = export_cut(registry, "statistician", "newest");
    submit(registry, registry_pain(registry, NULL, "01-0002", 60, ",\"version\":3,\"reason\":\"misread again\""));
    const char *pain = unzip(reply, "forms/pain_vas.csv", NULL);
    assert_non_null(strstr(pain, "\r\n01-0002,right,BL,2024-02-02,1,2,complete,50.5,"));
    assert_int_equal(count_lines(pain), 2);
    const char *versions = unzip(reply, "versions.csv", NULL);
    assert_non_null(strstr(versions, "\r\n01-0002,right,pain_vas,BL,1,1,complete,2024-02-02,1,"));
    assert_non_null(strstr(versions, ",'=misread,"));
    assert_null(strstr(versions, "misread again"));
}

static void test_texts_of_people_are_disarmed_and_numbers_are_not(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator", "01-0003");
    submit(registry, registry_event(registry, NULL, "01-0003", "=HYPERLINK(1), \\\"x\\\"", ""));
    submit(registry, registry_event(registry, NULL, "01-0003", "-1 on waking", ",\"instance\":2"));
    const char *events = unzip(export_cut(registry, "statistician", "formulas"), "forms/adverse_event.csv", NULL);
    assert_non_null(strstr(events, ",\"'=HYPERLINK(1), \"\"x\"\"\","));
    assert_non_null(strstr(events, ",'-1 on waking,"));
    assert_non_null(strstr(events, "\r\n01-0003,none,unscheduled,2024-03-01,2,1,complete,"));
}

static void test_codebook_of_a_form_has_a_line_for_each_column(void **state)
{
    struct registry *registry = *state;
    struct client_reply *reply = export_cut(registry, "data_manager", "codebooks");
    const char *pain = unzip(reply, "forms/pain_vas.codebook.csv", NULL);
    static const char names[] =
        "column,kind,form_version,text,type,min,max,decimals,codes,unit,required,shown_when,scored_in\r\n";
    assert_int_equal(strncmp(pain, names, sizeof names - 1), 0);
    assert_non_null(strstr(pain, "\r\nvas,item,1,"));
    assert_non_null(strstr(pain, ",decimal,0,100,1,,mm,"));
    assert_non_null(strstr(pain, ",vas\r\nvas_score,score,1,"));
    assert_int_equal(count_lines(pain), 3);
    /* Every column of every form but those of the key is explained, in the same order. */
    const char *koos = unzip(reply, "forms/koos.csv", NULL), *book = unzip(reply, "forms/koos.codebook.csv", NULL);
    const char *column = strstr(koos, "status,");
    assert_non_null(column);
    column += strlen("status,");
    size_t columns = 0;
    for (; strncmp(column, "not_answered", 12) != 0; column = strchr(column, ',') + 1, columns++) {
        book = strstr(book, memory_format(registry, "\n%.*s,", (int)strcspn(column, ","), column));
        assert_non_null(book);
    }
    assert_true(columns > 42);
    assert_int_equal(count_lines(book), 2);      /* the last column's line, behind the end of the one before */
    assert_non_null(strstr(unzip(reply, "forms/koos.codebook.csv", NULL), ",0=none; 1=slight; 2=medium; "));
}

static void ask_and_verify(struct registry *registry, const char *subject, const char *id)
{
    const char *query = registry_new_id(registry);
    registry_enrol(registry, "coordinator", subject);
    submit(registry, registry_pain(registry, id, subject, 40, ""));
    assert_status(api_send(registry, "monitor", "POST", DEMO "/queries", memory_format(registry,
        "{\"query\":\"%s\",\"subject\":\"%s\",\"form\":\"pain_vas\",\"knee\":\"right\","
        "\"visit\":\"BL\","
        "\"item\":\"vas\",\"text\":\"=40.5?\"}", query, subject)), 200);
    assert_status(api_send(registry, "coordinator", "POST", memory_format(registry, DEMO "/queries/%s/answer", query),
                           "{\"text\":\"yes, read twice\"}"), 200);
    assert_status(api_send(registry, "monitor", "POST", memory_format(registry, DEMO "/submissions/%s/verify", id),
                           "{}"), 200);
    test_run(registry->db, memory_format(registry,
        "INSERT INTO core.signature (study_id, site_id, signature_id, submission_id, sha256, meaning, printed_name, "
        "recorded_by) SELECT study_id, site_id, gen_random_uuid(), id, sha256, 'review', 'Ina Investigator', "
        "'investigator1' FROM core.submission WHERE id = '%s'", id));
}

static void test_queries_signatures_and_marks_are_those_of_the_cut(void **state)
{
    struct registry *registry = *state;
    const char *id = registry_new_id(registry);
    ask_and_verify(registry, "01-0005", id);
    struct client_reply *reply = export_cut(registry, "statistician", "beside");
    submit(registry, registry_pain(registry, NULL, "01-0005", 50, ",\"version\":2,\"reason\":\"misread\""));
    assert_non_null(strstr(unzip(reply, "queries.csv", NULL), "\r\n01-0005,right,pain_vas,BL,1,1,vas,"));
    assert_non_null(strstr(unzip(reply, "queries.csv", NULL), ",1,opened,monitor,"));
    assert_non_null(strstr(unzip(reply, "queries.csv", NULL), ",'=40.5?\r\n"));
    assert_non_null(strstr(unzip(reply, "queries.csv", NULL), ",\"yes, read twice\"\r\n"));
    const char *key = memory_format(registry, "\r\n01-0005,right,pain_vas,BL,1,1,%s,", id);
    assert_non_null(strstr(unzip(reply, "signatures.csv", NULL), key));
    assert_non_null(strstr(unzip(reply, "signatures.csv", NULL), ",review,Ina Investigator,investigator1,"));
    assert_non_null(strstr(unzip(reply, "signatures.csv", NULL), ",true\r\n"));
    assert_non_null(strstr(unzip(reply, "verifications.csv", NULL), memory_format(registry, "%s1,verified,monitor,",
                                                                                  key)));
    reply = export_cut(registry, "statistician", "beside later");
    assert_null(strstr(unzip(reply, "signatures.csv", NULL), ",true\r\n"));
    assert_null(strstr(unzip(reply, "verifications.csv", NULL), ",true,"));
}

/* More than two pages. */
static void test_many_queries_come_once_each(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator", "02-0006");
    test_run(registry->db, memory_format(registry,
        "WITH q AS (INSERT INTO core.query (study_id, site_id, query_id, subject_no, form, knee, visit, instance, "
        "item, version, recorded_by) SELECT 1, 2, gen_random_uuid(), 6, 'koos', 'left', 'M3', 1, NULL, 0, 'monitor' "
        "FROM generate_series(1, %d) RETURNING study_id, site_id, query_id) "
        "INSERT INTO core.query_event (study_id, site_id, query_id, event_no, kind, text, recorded_by) "
        "SELECT study_id, site_id, query_id, 1, 'opened', 'number ' || row_number() OVER () || '.', 'monitor' FROM q",
        RECORDS));
    const char *queries = unzip(export_cut(registry, "unmasked", "many queries"), "queries.csv", NULL);
    for (int i = 1; i <= RECORDS; i++) {
        const char *words = memory_format(registry, ",number %d.\r\n", i);
        const char *found = strstr(queries, words);
        assert_non_null(found);
        assert_null(strstr(found + 1, words));
    }
}

static void test_many_records_come_once_each(void **state)
{
    struct registry *registry = *state;
    registry_enrol(registry, "coordinator", "02-0004");
    for (int i = 0; i < RECORDS; i++)
        submit(registry, registry_event(registry, NULL, "02-0004", "fall", memory_format(registry,
            ",\"instance\":%d", i + 1)));
    const char *events = unzip(export_cut(registry, "unmasked", "many"), "forms/adverse_event.csv", NULL);
    for (int i = 1; i <= RECORDS; i++) {
        const char *line = memory_format(registry, "\r\n02-0004,none,unscheduled,2024-03-01,%d,1,complete,", i);
        const char *found = strstr(events, line);
        assert_non_null(found);
        assert_null(strstr(found + 1, line));
    }
}

static void test_export_is_on_the_trail_before_it_goes(void **state)
{
    struct registry *registry = *state;
    const char *before = test_value(registry->db, "SELECT count(*) FROM rep.reading WHERE what = 'export'");
    assert_problem(api_get(registry, "statistician", DEMO "/export?cut=999"), 404, "not_found");
    assert_problem(api_get(registry, "statistician", DEMO "/export"), 400, "invalid_parameter");
    assert_problem(api_get(registry, "statistician", DEMO "/export?cut=x"), 400, "invalid_parameter");
    assert_problem(api_get(registry, "coordinator", DEMO "/export?cut=1"), 403, "not_allowed");
    assert_string_equal(test_value(registry->db, "SELECT count(*) FROM rep.reading WHERE what = 'export'"), before);
    export_cut(registry, "data_manager", "trail");
    assert_string_equal(test_value(registry->db,
        "SELECT actor FROM audit.event WHERE operation = 'EXPORT' AND object = 'core.cut' ORDER BY seq DESC LIMIT 1"),
        "data_manager");
}

/* The other study, which is masked: the same for everybody but the unmasked statistician. */
static void test_masked_study_leaves_out_what_may_name_the_arm(void **state)
{
    struct registry *registry = *state;
    test_run(registry->db,
        "SELECT admin.add_account('manager_other', 'Manager'); SELECT admin.add_account('unmasked_other', "
        "'Statistician'); "
        "SELECT admin.add_token('manager_other', 'other', 'data_manager', '{}', sha256('manager_other'), now() + "
        "interval '1 day'); "
        "SELECT admin.add_token('unmasked_other', 'other', 'statistician_unmasked', '{}', "
        "sha256('unmasked_other'), now() + "
        "interval '1 day'); SELECT admin.make_cut('other', 'masked')");
    static const char path[] = "/api/v1/studies/other/export?cut=1";
    struct client_reply *masked = api_get(registry, "manager_other", path), *open = api_get(registry,
        "unmasked_other", path);
    assert_non_null(strstr(unzip(open, "forms/treatment.csv", NULL), ",product_kind,"));
    assert_null(strstr(unzip(masked, "forms/treatment.csv", NULL), "product_"));
    assert_non_null(strstr(unzip(masked, "README.txt", NULL), "  treatment.product_kind\r\n"));
    assert_null(strstr(unzip(open, "README.txt", NULL), "treatment.product_kind"));
    assert_null(strstr(unzip(masked, "forms/adverse_event.csv", NULL), ",term,"));
    assert_non_null(strstr(unzip(masked, "forms/adverse_event.csv", NULL), ",coded_term,"));
    assert_null(strstr(unzip(masked, "versions.csv", NULL), "reason"));
    assert_non_null(strstr(unzip(open, "versions.csv", NULL), ",reason,"));
    assert_non_null(strstr(unzip(open, "forms/treatment.codebook.csv", NULL), "\nproduct_kind,"));
    assert_null(strstr(unzip(masked, "forms/treatment.codebook.csv", NULL), "product_"));
    assert_non_null(strstr(unzip(open, "queries.csv", NULL), ",text\r\n"));
    assert_null(strstr(unzip(masked, "queries.csv", NULL), "text"));
    assert_non_null(strstr(unzip(open, "verifications.csv", NULL), ",covers,reason\r\n"));
    assert_non_null(strstr(unzip(masked, "verifications.csv", NULL), ",covers\r\n"));
}

/* ---- patella-admin export ---- */

/* What it says; its exit status goes to `*status`.  `arguments` beside server and token. */
static const char *admin_export(struct registry *registry, const char *token, const char *arguments, int *status)
{
    const char *folder = registry->daemon->folder;
    char *command = memory_format(registry,
        "printf '%s\n' > %s/token; %s export %s --url https://localhost:%d --token-file %s/token "
        "--ca %s 2>&1; s=$?; rm %s/token; exit $s", token, folder,
        command_program(registry, "patella-admin"), arguments, registry->daemon->port, folder,
        registry->daemon->certificate, folder);
    return command_run(registry, command, status);
}

static void test_patella_admin_writes_what_the_api_gives(void **state)
{
    struct registry *registry = *state;
    struct client_reply *reply = export_cut(registry, "data_manager", "by the operator");
    const char *cut = test_value(registry->db, "SELECT max(cut_no) FROM core.cut WHERE study_id = 1");
    const char *path = memory_format(registry, "%s/cut.zip", registry->daemon->folder);
    const char *before = test_value(registry->db, "SELECT count(*) FROM rep.reading WHERE what = 'export'");
    int status = -1;
    const char *said = admin_export(registry, "data_manager",
                                    memory_format(registry, "demo --cut %s --out %s", cut, path), &status);
    assert_int_equal(status, 0);
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_string_equal(said, memory_format(registry, "%s: %lld bytes\n", path, (long long)file.st_size));
    static const char *const names[] = {"forms/adverse_event.csv", "forms/koos.codebook.csv", "versions.csv",
                                        "queries.csv", "signatures.csv"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct archive *zip = archive_read_new();
        archive_read_support_format_zip(zip);
        assert_int_equal(archive_read_open_filename(zip, path, 4096), ARCHIVE_OK);
        assert_string_equal(read_entry(registry, zip, names[i], NULL), unzip(reply, names[i], NULL));
    }
    assert_string_equal(test_value(registry->db, memory_format(registry,
        "SELECT count(*) - %s || ' ' || (array_agg(requested_by ORDER BY requested_at DESC))[1] FROM rep.reading "
        "WHERE what = 'export'", before)), "1 data_manager");
    /* A file that is there is left alone, and nothing is asked for. */
    said = admin_export(registry, "data_manager", memory_format(registry, "demo --cut %s --out %s", cut, path),
                        &status);
    assert_int_equal(status, 1);
    assert_non_null(strstr(said, "File exists"));
    assert_string_equal(test_value(registry->db, memory_format(registry,
        "SELECT count(*) - %s FROM rep.reading WHERE what = 'export'", before)), "1");
    assert_int_equal(unlink(path), 0);
}

static void test_patella_admin_tells_an_export_as_one_document(void **state)
{
    struct registry *registry = *state;
    const char *cut = test_value(registry->db, "SELECT max(cut_no) FROM core.cut WHERE study_id = 1");
    const char *path = memory_format(registry, "%s/told.zip", registry->daemon->folder);
    int status = -1;
    struct stat file;
    const char *said = admin_export(registry, "data_manager",
                                    memory_format(registry, "demo --cut %s --out %s --json", cut, path), &status);
    assert_int_equal(status, 0);
    assert_int_equal(stat(path, &file), 0);
    assert_string_equal(said, memory_format(registry, "{\"file\":\"%s\",\"bytes\":%lld}\n", path,
                                            (long long)file.st_size));
    assert_int_equal(unlink(path), 0);
}

static void test_patella_admin_says_why_not_and_leaves_no_file(void **state)
{
    static const struct {
        const char *token, *arguments, *says;
        int status;
    } cases[] = {
        {"coordinator", "demo --cut 1", "not_allowed", 1},
        {"nobody", "demo --cut 1", "bad_token", 1},
        {"statistician", "demo --cut 999", "not_found", 1},
        {"statistician", "other --cut 1", "not bound to this study", 1},
        {"statistician", "demo --cut 0", "--cut is a number", 2},
        {"statistician", "demo --cut first", "--cut is a number", 2},
        {"", "demo --cut 1", "holds no token", 1},
    };
    struct registry *registry = *state;
    const char *path = memory_format(registry, "%s/refused.zip", registry->daemon->folder);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status = -1;
        const char *said = admin_export(registry, cases[i].token,
                                        memory_format(registry, "%s --out %s", cases[i].arguments, path), &status);
        if (status != cases[i].status || strstr(said, cases[i].says) == NULL)
            fail_msg("%s %s: %d %s", cases[i].token, cases[i].arguments, status, said);
        assert_int_not_equal(access(path, F_OK), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_export_has_its_files_in_order),
        cmocka_unit_test(test_export_holds_the_newest_version_of_the_cut),
        cmocka_unit_test(test_texts_of_people_are_disarmed_and_numbers_are_not),
        cmocka_unit_test(test_codebook_of_a_form_has_a_line_for_each_column),
        cmocka_unit_test(test_queries_signatures_and_marks_are_those_of_the_cut),
        cmocka_unit_test(test_many_queries_come_once_each),
        cmocka_unit_test(test_many_records_come_once_each),
        cmocka_unit_test(test_export_is_on_the_trail_before_it_goes),
        cmocka_unit_test(test_masked_study_leaves_out_what_may_name_the_arm),
        cmocka_unit_test(test_patella_admin_writes_what_the_api_gives),
        cmocka_unit_test(test_patella_admin_tells_an_export_as_one_document),
        cmocka_unit_test(test_patella_admin_says_why_not_and_leaves_no_file),
    };
    memory_init();
    return cmocka_run_group_tests(tests, registry_setup, registry_teardown);
}
