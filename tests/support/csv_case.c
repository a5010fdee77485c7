/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/support/csv_case.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "forms/base/memory.h"
#include "tests/support/command.h"

enum { CASES_LIMIT = 1 << 20, CASE_ROOM = 1024, LINES_ROOM = 64 };

static const char *const count_names[CSV_COUNTS] = {"new", "changed", "unchanged", "refused", "warned"};

static const struct {
    const char *word;
    enum upload_severity severity;
} severities[] = {
    {"assumes", UPLOAD_ASSUMED},
    {"warns", UPLOAD_WARNING},
    {"refuses", UPLOAD_ROW_REFUSED},
    {"stops", UPLOAD_FILE_REFUSED},
};

/* ---- reading ---- */

struct case_reader {
    const char *path;
    int line;
    struct csv_case *cases;
    size_t count;
    struct csv_expected *expected;
    struct csv_value *values;
};

#define fail_line(reader, what, rest) fail_msg("%s:%d: %s: %s", (reader)->path, (reader)->line, what, rest)

/* Cuts the first word off `*rest`. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, " ");
    char *end = word + strcspn(word, " ");
    *rest = end + strspn(end, " ");
    *end = '\0';
    return word;
}

static void begin_case(struct case_reader *reader, const char *name)
{
    for (size_t i = 0; i < reader->count; i++)
        if (strcmp(reader->cases[i].name, name) == 0)
            fail_line(reader, "the case stands twice", name);
    assert_true(reader->count < CASE_ROOM);
    reader->expected = memory_new_array(reader->cases, struct csv_expected, LINES_ROOM);
    reader->values = memory_new_array(reader->cases, struct csv_value, LINES_ROOM);
    reader->cases[reader->count++] = (struct csv_case){
        .name = name, .about = "", .expected = reader->expected, .values = reader->values};
}

static void read_counts(struct case_reader *reader, struct csv_case *into, char *rest)
{
    while (*rest != '\0') {
        char *word = next_word(&rest), *number = strchr(word, '=');
        size_t i = 0;
        if (number == NULL)
            fail_line(reader, "no count", word);
        *number = '\0';
        while (i < CSV_COUNTS && strcmp(count_names[i], word) != 0)
            i++;
        if (i == CSV_COUNTS || !text_to_int64(number + 1, &into->counts[i]))
            fail_line(reader, "no count", word);
    }
}

static void read_finding(struct case_reader *reader, struct csv_case *into, enum upload_severity severity, char *rest)
{
    assert_true(into->expected_count < LINES_ROOM);
    struct csv_expected *expected = &reader->expected[into->expected_count++];
    *expected = (struct csv_expected){.severity = severity, .code = next_word(&rest)};
    if (*rest != '\0' && !text_to_int64(next_word(&rest), &expected->line))
        fail_line(reader, "the line is no number", expected->code);
    expected->column = rest;
}

static void read_assumed(struct case_reader *reader, struct csv_case *into, char *rest)
{
    while (*rest != '\0') {
        assert_true(into->expected_count < LINES_ROOM);
        reader->expected[into->expected_count++] =
            (struct csv_expected){.severity = UPLOAD_ASSUMED, .code = next_word(&rest), .column = ""};
    }
}

static void read_value(struct case_reader *reader, struct csv_case *into, char *rest)
{
    assert_true(into->value_count < LINES_ROOM);
    struct csv_value *value = &reader->values[into->value_count++];
    if (!text_to_int64(next_word(&rest), &value->line))
        fail_line(reader, "the line is no number", rest);
    value->item = next_word(&rest);
    value->value = rest;
}

static bool is_about_bytes(const char *word)
{
    static const char *const words[] = {"|", "bytes", "member", "fill", "times"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i], word) == 0)
            return true;
    return false;
}

static bool read_finding_line(struct case_reader *reader, struct csv_case *into, const char *word, char *rest)
{
    for (size_t i = 0; i < sizeof severities / sizeof severities[0]; i++) {
        if (strcmp(severities[i].word, word) != 0)
            continue;
        if (severities[i].severity == UPLOAD_ASSUMED)
            read_assumed(reader, into, rest);
        else
            read_finding(reader, into, severities[i].severity, rest);
        return true;
    }
    return false;
}

static void read_line(struct case_reader *reader, char *line)
{
    char *rest = line;
    const char *word = next_word(&rest);
    if (word[0] == '\0' || word[0] == '#' || is_about_bytes(word))
        return;
    if (strcmp(word, "case") == 0) {
        begin_case(reader, rest);
        return;
    }
    if (reader->count == 0)
        fail_line(reader, "no case has begun", word);
    struct csv_case *into = &reader->cases[reader->count - 1];
    int64_t site = 0;
    if (strcmp(word, "about") == 0)
        into->about = rest;
    else if (strcmp(word, "form") == 0)
        into->form = rest;
    else if (strcmp(word, "profile") == 0)
        into->profile = rest;
    else if (strcmp(word, "site") == 0 && text_to_int64(rest, &site))
        into->site = (int)site;
    else if (strcmp(word, "frozen") == 0)
        into->frozen = true;
    else if (strcmp(word, "refused") == 0)
        into->refused = true;
    else if (strcmp(word, "rows") == 0)
        read_counts(reader, into, rest);
    else if (strcmp(word, "value") == 0)
        read_value(reader, into, rest);
    else if (strcmp(word, "says") == 0 && into->expected_count > 0)
        reader->expected[into->expected_count - 1].says = rest;
    else if (!read_finding_line(reader, into, word, rest))
        fail_line(reader, "nobody knows this line", word);
}

static void read_cases(struct case_reader *reader, const char *path)
{
    struct error error = {0};
    size_t length = 0;
    char *text = text_read_file(reader->cases, path, CASES_LIMIT, &length, &error);
    if (text == NULL)
        fail_msg("%s: %s", path, error.message);
    reader->path = path;
    reader->line = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        reader->line++;
        read_line(reader, line);
    }
}

struct csv_case *csv_cases_load(const void *owner, size_t *count)
{
    struct case_reader reader = {.cases = memory_new_array(owner, struct csv_case, CASE_ROOM)};
    glob_t found;
    assert_int_equal(glob("tests/golden/csv/cases/*.cases", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_cases(&reader, memory_copy_string(reader.cases, found.gl_pathv[i]));
    globfree(&found);
    *count = reader.count;
    return reader.cases;
}

const char *csv_cases_make(const void *owner)
{
    const char *build = getenv("BUILD");
    const char *folder = memory_format(owner, "%s/golden-csv.%ld", build != NULL ? build : "build", (long)getpid());
    int status = 0;
    const char *output = command_run(owner, memory_format(owner, "tests/golden/csv/make '%s' 2>&1", folder), &status);
    if (status != 0)
        fail_msg("tests/golden/csv/make: %s", output);
    return folder;
}

void csv_cases_remove(const char *folder)
{
    int status = 0;
    void *owner = memory_owner(NULL, "command");
    command_run(owner, memory_format(owner, "rm -rf '%s'", folder), &status);
    talloc_free(owner);
    assert_int_equal(status, 0);
}

/* ---- comparing ---- */

/* Blanks around the name of a column are not looked at: a case cannot write them. */
static bool same_column(const char *expected, const char *seen)
{
    const char *column = seen != NULL ? seen : "";
    column += strspn(column, " ");
    size_t length = strlen(column);
    while (length > 0 && column[length - 1] == ' ')
        length--;
    return strlen(expected) == length && memcmp(expected, column, length) == 0;
}

static bool is_met(const struct csv_expected *expected, const struct upload_finding *finding)
{
    if (expected->severity != finding->severity || strcmp(expected->code, finding->code) != 0)
        return false;
    if (expected->severity == UPLOAD_ASSUMED)
        return true;
    return expected->line == finding->line && same_column(expected->column, finding->column);
}

static void describe_seen(struct text *out, const struct upload_finding *finding)
{
    text_append_format(out, "%s %s, line %lld, column %s, value %s: %s\n", upload_severity_name(finding->severity),
                       finding->code, (long long)finding->line, finding->column != NULL ? finding->column : "-",
                       finding->value != NULL ? finding->value : "-", finding->text);
}

static const struct upload_finding *find_unused(const struct csv_expected *expected, const struct csv_seen *seen,
                                                bool *used)
{
    for (size_t i = 0; i < seen->finding_count; i++) {
        if (used[i] || !is_met(expected, &seen->findings[i]))
            continue;
        used[i] = expected->severity != UPLOAD_ASSUMED;
        return &seen->findings[i];
    }
    return NULL;
}

static void compare_findings(struct text *out, const struct csv_case *expected, const struct csv_seen *seen)
{
    bool *used = memory_new_array(out, bool, seen->finding_count + 1);
    for (size_t i = 0; i < expected->expected_count; i++) {
        const struct csv_expected *one = &expected->expected[i];
        const struct upload_finding *finding = find_unused(one, seen, used);
        if (finding == NULL)
            text_append_format(out, "not said: %s %s, line %lld, column %s\n", upload_severity_name(one->severity),
                               one->code, (long long)one->line, one->column);
        else if (one->says != NULL && strstr(finding->text, one->says) == NULL)
            text_append_format(out, "%s does not say \"%s\": %s\n", one->code, one->says, finding->text);
    }
    for (size_t i = 0; i < seen->finding_count; i++) {
        if (seen->findings[i].severity == UPLOAD_ASSUMED || used[i])
            continue;
        text_append(out, "not expected: ");
        describe_seen(out, &seen->findings[i]);
    }
}

static void compare_counts(struct text *out, const struct csv_case *expected, const struct csv_seen *seen)
{
    if (expected->refused != seen->refused)
        text_append_format(out, "the file is %srefused\n", seen->refused ? "" : "not ");
    for (size_t i = 0; i < CSV_COUNTS && !expected->refused; i++)
        if (expected->counts[i] != seen->counts[i])
            text_append_format(out, "rows %s: %lld instead of %lld\n", count_names[i], (long long)seen->counts[i],
                               (long long)expected->counts[i]);
}

static void compare_values(struct text *out, const struct csv_case *expected, const struct csv_seen *seen)
{
    for (size_t i = 0; i < expected->value_count; i++) {
        const struct csv_value *value = &expected->values[i];
        const char *found = "-";
        for (size_t j = 0; j < seen->value_count; j++)
            if (seen->values[j].line == value->line && strcmp(seen->values[j].item, value->item) == 0)
                found = seen->values[j].value;
        if (strcmp(found, value->value) != 0)
            text_append_format(out, "line %lld: %s is %s instead of %s\n", (long long)value->line, value->item, found,
                               value->value);
    }
}

const char *csv_case_compare(const void *owner, const struct csv_case *expected, const struct csv_seen *seen)
{
    struct text *out = text_new(owner);
    compare_counts(out, expected, seen);
    compare_findings(out, expected, seen);
    compare_values(out, expected, seen);
    if (out->length > 0)
        for (size_t i = 0; i < seen->finding_count; i++)
            if (seen->findings[i].severity == UPLOAD_ASSUMED)
                describe_seen(out, &seen->findings[i]);
    return out->bytes;
}
