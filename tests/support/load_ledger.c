/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/load_ledger.h"

#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/load_record.h"

enum { FIRST_ROOM = 4096, ROWS_AT_ONCE = 20000 };

struct load_entry *load_ledger_add(struct load_ledger *ledger)
{
    if (ledger->count == ledger->capacity) {
        ledger->capacity = ledger->capacity > 0 ? ledger->capacity * 2 : FIRST_ROOM;
        ledger->entries = memory_resize_array(NULL, ledger->entries, struct load_entry, ledger->capacity);
    }
    struct load_entry *entry = &ledger->entries[ledger->count++];
    *entry = (struct load_entry){.fate = LOAD_IN_FLIGHT};
    return entry;
}

static int digit_of(char character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

bool load_sha256_from_hex(const char *hex, uint8_t sha256[32])
{
    if (strlen(hex) != 64)
        return false;
    for (size_t i = 0; i < 32; i++) {
        int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        sha256[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

/* ---- into the database ---- */

static const char make_table[] =
    "DROP TABLE IF EXISTS pg_temp.load_ledger; "
    "CREATE TEMP TABLE load_ledger (id uuid, fate int, site int, subject int, knee text, visit text, instance int, "
    "sha256 text, sent text, scores text)";

static const char add_rows[] =
    "INSERT INTO pg_temp.load_ledger SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[], "
    "$6::text[], $7::int[], $8::text[], $9::text[], $10::text[])";

/* Of the canonical text that was to be stored, in hexadecimal. */
static const char *hash_canonical(const void *owner, struct text *text, const struct load_options *options,
                                  uint64_t number)
{
    unsigned char sha256[SHA256_DIGEST_LENGTH];
    char hex[2 * SHA256_DIGEST_LENGTH + 1];
    text_clear(text);
    load_append_canonical(text, options, number);
    SHA256((const unsigned char *)text->bytes, text->length, sha256);
    text_to_hex(sha256, sizeof sha256, hex);
    return memory_copy_string(owner, hex);
}

/* The scores as PostgreSQL writes an array. */
static const char *write_scores(const void *owner, uint64_t number)
{
    double s[LOAD_KOOS_SCALES];
    load_koos_scores(number, s);
    return memory_format(owner, "{%.17g,%.17g,%.17g,%.17g,%.17g}", s[0], s[1], s[2], s[3], s[4]);
}

/* What was sent, made anew from the numbers, not kept since. */
static void set_sent(struct db_parameters *parameters, const struct load_options *options, uint64_t first, size_t count)
{
    const char **contents = memory_new_array(parameters, const char *, count);
    const char **scores = memory_new_array(parameters, const char *, count);
    struct text *text = text_new(parameters);
    for (size_t i = 0; i < count; i++) {
        contents[i] = hash_canonical(contents, text, options, first + i);
        scores[i] = write_scores(scores, first + i);
    }
    db_set_text_array(parameters, 8, contents, count);
    db_set_text_array(parameters, 9, scores, count);
}

/* Columns of the rows from `first` on, which live on `work`. */
static struct db_parameters *rows_from(void *work, const struct load_ledger *ledger,
                                       const struct load_options *options, uint64_t first, size_t count)
{
    uint8_t(*ids)[16] = talloc_zero_size(work, count * 16);
    int32_t *fates = memory_new_array(work, int32_t, count), *sites = memory_new_array(work, int32_t, count);
    int32_t *subjects = memory_new_array(work, int32_t, count), *instances = memory_new_array(work, int32_t, count);
    const char **knees = memory_new_array(work, const char *, count);
    const char **visits = memory_new_array(work, const char *, count);
    const char **digests = memory_new_array(work, const char *, count);
    for (size_t i = 0; i < count; i++) {
        const struct load_entry *entry = &ledger->entries[first + i];
        struct load_record record = load_record_at(options, first + i);
        char hex[65];
        memcpy(ids[i], entry->id, 16);
        text_to_hex(entry->sha256, 32, hex);
        digests[i] = entry->has_sha256 ? memory_copy_string(work, hex) : NULL;
        fates[i] = entry->fate;
        sites[i] = record.site;
        subjects[i] = record.subject;
        instances[i] = record.instance;
        knees[i] = record.knee;
        visits[i] = record.visit;
    }
    struct db_parameters *parameters = db_parameters_new(work, 10);
    db_set_uuid_array(parameters, 0, (const uint8_t(*)[16])ids, count);
    db_set_int_array(parameters, 1, fates, count);
    db_set_int_array(parameters, 2, sites, count);
    db_set_int_array(parameters, 3, subjects, count);
    db_set_text_array(parameters, 4, knees, count);
    db_set_text_array(parameters, 5, visits, count);
    db_set_int_array(parameters, 6, instances, count);
    db_set_text_array(parameters, 7, digests, count);
    set_sent(parameters, options, first, count);
    return parameters;
}

static bool send_ledger(const struct load_ledger *ledger, const struct load_options *options, struct db *db,
                        struct error *error)
{
    bool good = db_run_script(db, make_table, error);
    for (uint64_t first = 0; good && first < ledger->count; first += ROWS_AT_ONCE) {
        void *work = memory_owner(NULL, "ledger rows");
        uint64_t left = ledger->count - first;
        size_t count = left < ROWS_AT_ONCE ? (size_t)left : ROWS_AT_ONCE;
        good = db_query(work, db, add_rows, rows_from(work, ledger, options, first, count), error) != NULL;
        talloc_free(work);
    }
    /* The planner may know nothing of core.submission yet: without an index it could choose a loop in a loop. */
    return good && db_run_script(db, "CREATE INDEX ON pg_temp.load_ledger (id); ANALYZE pg_temp.load_ledger", error);
}

/* ---- the comparison ---- */

/* Each gives the ids at fault; fates are those of load_fate. */
static const struct question {
    const char *fault;
    size_t offset;               /* of its count in struct load_findings */
    const char *sql;
} questions[] = {
    {"lost", offsetof(struct load_findings, lost),
     "SELECT l.id FROM load_ledger l WHERE l.fate = 1 "
     "AND NOT EXISTS (SELECT FROM core.submission s WHERE s.study_id = (SELECT study_id FROM study) AND s.id = l.id)"},
    {"doubled", offsetof(struct load_findings, doubled),
     "SELECT l.id FROM load_ledger l JOIN core.submission s ON s.id = l.id GROUP BY l.id HAVING count(*) > 1"},
    {"altered", offsetof(struct load_findings, altered),
     "SELECT l.id FROM load_ledger l JOIN core.submission s ON s.id = l.id "
     "WHERE (s.study_id, s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance, s.version, s.status) "
     "IS DISTINCT FROM ((SELECT study_id FROM study), l.site, l.subject, 'koos', l.knee, l.visit, l.instance, 1, "
     "'complete') OR encode(s.sha256, 'hex') <> l.sha256 "
     "OR s.sha256 <> sha256(convert_to(s.content::text, 'UTF8'))"},
    /* Daily living has 17 items: the last digit of its score depends on how it is computed. */
    {"not as sent", offsetof(struct load_findings, not_as_sent),
     "SELECT l.id FROM load_ledger l JOIN core.submission s ON s.id = l.id "
     "WHERE encode(sha256(convert_to(s.content::text, 'UTF8')), 'hex') <> l.sent "
     "OR (s.form_version, s.dated) IS DISTINCT FROM (1, date '2024-02-02') "
     "OR (s.token_no, s.recorded_by) IS DISTINCT FROM ((SELECT token_no FROM sender), (SELECT account FROM sender)) "
     "OR EXISTS (SELECT FROM unnest(s.scores[1:5], l.scores::float8[]) u (stored, sent) "
     "WHERE abs(u.stored - u.sent) < 1e-9 IS NOT TRUE)"},
    {"without sha256", offsetof(struct load_findings, without_sha256),
     "SELECT l.id FROM load_ledger l WHERE l.fate = 1 AND l.sha256 IS NULL"},
    {"misaudited", offsetof(struct load_findings, misaudited),
     "SELECT l.id FROM load_ledger l "
     "LEFT JOIN (SELECT s.id, s.sha256, count(*) AS n FROM core.submission s JOIN load_ledger USING (id) "
     "GROUP BY s.id, s.sha256) stored ON stored.id = l.id "
     "LEFT JOIN (SELECT e.row_id, count(*) AS n, min(encode(e.digest, 'hex')) AS digest FROM audit.event e "
     "JOIN load_ledger ON id = e.row_id WHERE e.operation = 'INSERT' AND e.object = 'core.submission' "
     "GROUP BY e.row_id) audited ON audited.row_id = l.id "
     "WHERE COALESCE(stored.n, 0) <> COALESCE(audited.n, 0) OR audited.digest <> encode(stored.sha256, 'hex')"},
    {"refused and stored", offsetof(struct load_findings, refused_stored),
     "SELECT l.id FROM load_ledger l WHERE l.fate = 2 "
     "AND EXISTS (SELECT FROM core.submission s WHERE s.study_id = (SELECT study_id FROM study) AND s.id = l.id)"},
    {"never sent", offsetof(struct load_findings, never_sent),
     "SELECT s.id FROM core.submission s WHERE s.study_id = (SELECT study_id FROM study) AND s.site_id = $2 "
     "AND s.subject_no BETWEEN $3 AND $4 AND s.form = 'koos' "
     "AND NOT EXISTS (SELECT FROM load_ledger l WHERE l.id = s.id)"},
};

static const char stored_sql[] =
    "SELECT l.id FROM load_ledger l "
    "WHERE EXISTS (SELECT FROM core.submission s WHERE s.study_id = (SELECT study_id FROM study) AND s.id = l.id)";

static void append(struct load_findings *findings, const char *format, ...) PRINTF_LIKE(2, 3);
static void append(struct load_findings *findings, const char *format, ...)
{
    size_t length = strlen(findings->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(findings->text + length, sizeof findings->text - length, format, arguments);
    va_end(arguments);
}

/* How many ids the question gives, which may look at study and sender; the first five of a fault go to the text. */
static bool ask(const void *work, struct db *db, const char *sql, const struct load_options *options,
                struct db_result **answer, struct error *error)
{
    const char *whole = memory_format(work,
                                      "WITH study AS (SELECT study_id FROM core.study WHERE code = $1::text), "
                                      "place AS (SELECT $2::int, $3::int, $4::int), "
                                      "sender AS MATERIALIZED (SELECT token_no, account FROM sec.credential "
                                      "WHERE token_sha256 = sha256(convert_to($5::text, 'UTF8'))), "
                                      "found AS MATERIALIZED (%s) "
                                      "SELECT count(*), COALESCE((array_agg(f.id::text ORDER BY f.id))[1:5]::text, "
                                      "'') FROM found f",
                                      sql);
    struct db_parameters *parameters = db_parameters_new(work, 5);
    db_set_text(parameters, 0, options->study);
    db_set_int(parameters, 1, options->site);
    db_set_int(parameters, 2, options->first_subject);
    db_set_int(parameters, 3, options->first_subject + options->subjects - 1);
    db_set_text(parameters, 4, options->token);
    *answer = db_query(work, db, whole, parameters, error);
    return *answer != NULL;
}

static bool compare(const void *work, const struct load_options *options, struct db *db,
                    struct load_findings *findings, struct error *error)
{
    struct db_result *answer;
    if (!ask(work, db, stored_sql, options, &answer, error))
        return false;
    findings->stored = (uint64_t)db_int(answer, 0, 0);
    append(findings, "%llu acknowledged, %llu refused, %llu unknown, %llu stored",
           (unsigned long long)findings->acknowledged, (unsigned long long)findings->refused,
           (unsigned long long)findings->unknown, (unsigned long long)findings->stored);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        if (!ask(work, db, questions[i].sql, options, &answer, error))
            return false;
        uint64_t count = (uint64_t)db_int(answer, 0, 0);
        memcpy((char *)findings + questions[i].offset, &count, sizeof count);
        if (count > 0)
            append(findings, "; %llu %s: %s", (unsigned long long)count, questions[i].fault, db_text(answer, 0, 1));
    }
    return true;
}

static void count_fates(const struct load_ledger *ledger, struct load_findings *findings)
{
    for (uint64_t i = 0; i < ledger->count; i++) {
        findings->acknowledged += ledger->entries[i].fate == LOAD_ACKNOWLEDGED;
        findings->refused += ledger->entries[i].fate == LOAD_REFUSED;
        findings->unknown += ledger->entries[i].fate == LOAD_UNKNOWN || ledger->entries[i].fate == LOAD_IN_FLIGHT;
    }
}

bool load_ledger_check(const struct load_ledger *ledger, const struct load_options *options, struct db *db,
                       struct load_findings *findings)
{
    void *work = memory_owner(NULL, "ledger");
    struct error error = {0};
    *findings = (struct load_findings){0};
    count_fates(ledger, findings);
    bool compared = send_ledger(ledger, options, db, &error) && compare(work, options, db, findings, &error);
    if (!compared)
        append(findings, "the ledger was not compared: %s %s", error.sqlstate, error.message);
    talloc_free(work);
    return compared && findings->lost + findings->doubled + findings->altered + findings->not_as_sent +
                               findings->without_sha256 + findings->misaudited + findings->refused_stored +
                               findings->never_sent == 0;
}
