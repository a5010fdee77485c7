/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sqlmap and wapiti against the running daemon, with tokens that get them past the door.  What they try
 * stands in the route table and in collector/openapi.yaml: every part of a path, every parameter of a query,
 * every value of a body, and the headers that carry tokens.  Here a few routes; `make attack` (ATTACK=long)
 * tries all of them.
 *
 * Beside their reports the daemon's and PostgreSQL's word count: no reply 500, and no statement that
 * PostgreSQL could not read.  The control is a server that is open to both (tests/attack/vulnerable).
 */
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "collector/exchange.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "tests/support/openapi.h"
#include "tests/support/people.h"

#define ID(n) "0190a1b2-c3d4-7e5f-8a9b-00000000000" n

enum { LOG_LIMIT = 256 << 20 };

struct attack {
    void *owner;
    char folder[64];
    struct text *urls;
    size_t requests;
};

struct findings {
    size_t clean, finding, unclear;
    const char *names; /* of those that are not clean */
};

static bool is_long(void)
{
    const char *attack = getenv("ATTACK");
    return attack != NULL && strcmp(attack, "long") == 0;
}

static bool are_installed(void)
{
    return access("/usr/bin/sqlmap", X_OK) == 0 && access("/usr/bin/wapiti", X_OK) == 0;
}

static void write_file(const struct attack *attack, const char *name, const char *content)
{
    FILE *file = fopen(memory_format(attack->owner, "%s/%s", attack->folder, name), "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static struct attack *attack_new(int port, const char *header, const char *dbms)
{
    void *owner = memory_owner(NULL, "attack");
    struct attack *attack = memory_new(owner, struct attack);
    attack->owner = owner;
    attack->urls = text_new(owner);
    snprintf(attack->folder, sizeof attack->folder, "/tmp/patella-attack-XXXXXX");
    assert_non_null(mkdtemp(attack->folder));
    assert_int_equal(mkdir(memory_format(owner, "%s/requests", attack->folder), 0700), 0);
    write_file(attack, "base", memory_format(owner, "https://127.0.0.1:%d", port));
    write_file(attack, "header", header);
    write_file(attack, "dbms", dbms);
    return attack;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static void attack_free(struct attack *attack)
{
    nftw(attack->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    talloc_free(attack->owner);
}

/* ---- what is tried ---- */

/* Values that fit, by the name in a path or a query. */
static const struct {
    const char *name, *value;
} values[] = {
    {"study", "demo"},
    {"subject", "01-0001"},
    {"form", "koos"},
    {"id", ID("2")},
    {"query", ID("3")},
    {"redaction", ID("4")},
    {"entry", ID("5")},
    {"request", ID("6")},
    {"report", ID("7")},
    {"review", ID("8")},
    {"name", "report.html"},
    {"account", "nobody"},
    {"number", "1"},
    {"token", "none"},
    {"version", "1"},
    {"visit", "BL"},
    {"versions", "all"},
    {"cut", "1"},
    {"limit", "10"},
    {"from", "2024-01-01"},
    {"to", "2034-01-01"},
    {"operation", "INSERT"},
    {"object", "core.submission"},
    {"format", "json"},
    {"kind", "late_entries"},
    {"days", "3"},
    {"changes", "2"},
    {"minutes", "10"},
    {"opens", "7"},
    {"closes", "19"},
};

/* Bodies, by the end of the path; those that are nothing else have an example in the description. */
static const struct {
    const char *end, *body;
} bodies[] = {
    {"/session", "{\"account\":\"anna\",\"password\":\"nine green kettles\",\"code\":\"123456\"}"},
    {"/session/confirm", "{\"password\":\"nine green kettles\",\"code\":\"123456\"}"},
    {"/invitations/{token}", "{\"password\":\"nine green kettles\"}"},
    {"/invitations/{token}/confirm", "{\"code\":\"123456\"}"},
    {"/submissions",
     "{\"id\":\"" ID(
         "9") "\",\"subject\":\"01-0001\",\"form\":\"adverse_event\",\"form_version\":1,"
              "\"knee\":\"right\",\"visit\":\"unscheduled\",\"instance\":2,\"date\":\"2024-03-01\","
              "\"answers\":{\"term\":\"fall\",\"onset\":\"2024-02\",\"serious\":false}}"},
    {"/cuts", "{\"label\":\"first\"}"},
    {"/reports", "{\"cut\":1,\"unblinding\":\"" ID("6") "\"}"},
    {"/memberships", "{\"account\":\"new-one\",\"full_name\":\"New\",\"role\":\"monitor\",\"sites\":[1]}"},
    {"/studies/{study}/invitations", "{\"account\":\"new-one\"}"},
};

static const char *value_of(const char *name)
{
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        if (strcmp(values[i].name, name) == 0)
            return values[i].value;
    return "1.00000000-0000-7000-8000-000000000000"; /* `after` */
}

static void append_path(struct text *out, const char *pattern, const char *mark)
{
    for (const char *at = pattern; *at != '\0';) {
        size_t plain = strcspn(at, "{");
        text_append_bytes(out, at, plain);
        at += plain;
        if (*at == '\0')
            break;
        char name[32] = "";
        assert_int_equal(sscanf(at, "{%31[a-z]}", name), 1);
        text_append_format(out, "%s%s", value_of(name), mark);
        at += strlen(name) + 2;
    }
}

static size_t append_query(struct text *out, const struct yaml *described, const char *mark)
{
    const struct yaml *list = yaml_find(described, "parameters");
    size_t parameters = 0;
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        const struct yaml *parameter = openapi_resolve(list->children[i]);
        const char *name = yaml_find(parameter, "name")->text;
        bool twofold = strcmp(name, "after") == 0; /* the page behind nothing is refused */
        if (strcmp(yaml_find(parameter, "in")->text, "query") == 0 && !(twofold && *mark == '\0'))
            text_append_format(out, "%c%s=%s%s", parameters++ == 0 ? '?' : '&', name, value_of(name), mark);
    }
    return parameters;
}

/* Every value gets its mark: texts before their last quotation mark, numbers behind. */
static void append_marked(struct text *out, const char *json)
{
    for (const char *at = json; *at != '\0';) {
        size_t length = *at == '"' ? strcspn(at + 1, "\"") + 2 : strspn(at, "0123456789.");
        if (length == 0) {
            text_append_bytes(out, at++, 1);
            continue;
        }
        bool is_text = *at == '"', is_key = is_text && at[length] == ':';
        text_append_bytes(out, at, length - (is_text && !is_key));
        text_append(out, is_key ? "" : is_text ? "*\"" : "*");
        at += length;
    }
}

static char *json_of_example(const void *owner, const struct yaml *node)
{
    struct text *out = text_new(owner);
    const char *separator = "";
    if (node->kind == YAML_TEXT) {
        bool number = *node->text != '\0' && strspn(node->text, "0123456789") == strlen(node->text);
        text_append_format(out, number ? "%s" : "\"%s\"", node->text);
        return out->bytes;
    }
    text_append(out, node->kind == YAML_MAP ? "{" : "[");
    for (size_t i = 0; i < node->count; i++, separator = ",") {
        text_append(out, separator);
        if (node->kind == YAML_MAP)
            text_append_format(out, "\"%s\":", node->children[i]->key);
        text_append(out, json_of_example(owner, node->children[i]));
    }
    text_append(out, node->kind == YAML_MAP ? "}" : "]");
    return out->bytes;
}

/* Media type of its body: JSON, or the first that is described. */
static const char *type_of(const struct yaml *described)
{
    const struct yaml *body = yaml_find(yaml_find(described, "requestBody"), "content");
    return yaml_find(body, "application/json") != NULL ? "application/json" : body->children[0]->key;
}

static const char *body_of(const void *owner, const struct route *route, const struct yaml *described)
{
    size_t length = strlen(route->pattern);
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        size_t end = strlen(bodies[i].end);
        if (length >= end && strcmp(route->pattern + length - end, bodies[i].end) == 0)
            return bodies[i].body;
    }
    const struct yaml *body = yaml_find(yaml_find(described, "requestBody"), "content");
    const struct yaml *example = yaml_find(yaml_find(body, type_of(described)), "example");
    if (example != NULL && example->kind == YAML_TEXT)
        return example->text;
    if (example == NULL)
        fail_msg("no body for %s %s: give it an example, or a row here", route->method, route->pattern);
    return json_of_example(owner, example);
}

/* Whose token gets furthest. */
static const char *token_for(const struct route *route, const char *session)
{
    static const struct {
        enum role role;
        const char *token;
    } holders[] = {{ROLE_DATA_MANAGER, "data_manager"}, {ROLE_INVESTIGATOR, "investigator1"},
                   {ROLE_MONITOR, "monitor"},           {ROLE_STATISTICIAN_UNMASKED, "unmasked"},
                   {ROLE_STATISTICIAN, "statistician"}, {ROLE_ADMINISTRATOR, "administrator"}};
    for (size_t i = 0; i < sizeof holders / sizeof holders[0]; i++)
        if ((route->roles & holders[i].role) != 0)
            return holders[i].token;
    return route->roles == ROLE_SESSION ? session : NULL;
}

static void write_request(struct attack *attack, const char *name, const struct text *request)
{
    write_file(attack, memory_format(attack->owner, "requests/%03zu-%s.http", ++attack->requests, name),
               request->bytes);
}

static void add_route(struct attack *attack, const struct route *route, const char *session, int port)
{
    const struct yaml *described = openapi_operation(route->method, route->pattern);
    struct text *request = text_new(attack->owner), *url = text_new(attack->owner);
    const char *token = token_for(route, session);
    char name[200];
    text_append_format(request, "%s ", route->method);
    append_path(request, route->pattern, "*");
    append_query(request, described, "*");
    text_append_format(request, " HTTP/1.1\nHost: 127.0.0.1:%d\n", port);
    if (token != NULL)
        text_append_format(request, "Authorization: Bearer %s\n", token);
    if (route->body_limit > 0) {
        text_append_format(request, "Content-Type: %s\n\n", type_of(described));
        append_marked(request, body_of(attack->owner, route, described));
    } else {
        text_append(request, "\n");
    }
    snprintf(name, sizeof name, "%s%s", route->method, route->pattern);
    for (char *c = name; *c != '\0'; c++)
        if (strchr("/{}.", *c) != NULL)
            *c = '-';
    if (strchr(request->bytes, '*') != NULL)
        write_request(attack, name, request);
    text_append_format(url, "https://127.0.0.1:%d", port);
    append_path(url, route->pattern, "");
    if (append_query(url, described, "") > 0 && token != NULL && strcmp(token, "data_manager") == 0)
        text_append_format(attack->urls, "%s\n", url->bytes);
}

static void add_headers(struct attack *attack, int port)
{
    static const char *const requests[] = {
        "GET " DEMO "/subjects HTTP/1.1\nHost: 127.0.0.1:%d\nAuthorization: Bearer data_manager*\n\n",
        "GET " DEMO
        "/subjects HTTP/1.1\nHost: 127.0.0.1:%d\nCookie: __Host-patella=s_AAAAAAAA*\nX-Patella-Form: AAAA*\n"
        "Origin: https://127.0.0.1*\nIf-None-Match: \"x*\"\n\n",
        "GET /api/v1/session HTTP/1.1\nHost: 127.0.0.1:%d\nAuthorization: Bearer s_AAAAAAAAAAAA*\n\n",
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct text *request = text_new(attack->owner);
        const char *at = strstr(requests[i], "%d");
        text_append_bytes(request, requests[i], (size_t)(at - requests[i]));
        text_append_format(request, "%d%s", port, at + 2);
        write_request(attack, "headers", request);
    }
}

/* ---- the attack and what it says ---- */

static struct findings run(struct attack *attack)
{
    struct findings findings = {.names = ""};
    char line[400], tool[16], name[256], verdict[16];
    write_file(attack, "urls", attack->urls->bytes);
    const char *command = memory_format(attack->owner, "tests/attack/run %s", attack->folder);
    FILE *lines = popen(command, "r");   /* NOLINT(cert-env33-c): the command is this test's own */
    assert_non_null(lines);
    while (fgets(line, sizeof line, lines) != NULL) {
        print_message("# %s", line);
        assert_int_equal(sscanf(line, "%15s %255s %15s", tool, name, verdict), 3);
        bool clean = strcmp(verdict, "clean") == 0, finding = strcmp(verdict, "finding") == 0;
        findings.clean += clean;
        findings.finding += finding;
        findings.unclear += !clean && !finding;
        if (!clean)
            findings.names = memory_format(attack->owner, "%s %s/%s:%s", findings.names, tool, name, verdict);
    }
    assert_int_equal(pclose(lines), 0);
    assert_int_equal(findings.clean + findings.finding + findings.unclear, attack->requests + 1);
    return findings;
}

/* Where PostgreSQL writes what it refuses (ci/cluster). */
static char *read_postgres_log(struct registry *registry)
{
    struct error error;
    size_t length = 0;
    char *path = memory_format(registry, "%s/../postgres.log",
                               test_value(registry->db, "SELECT current_setting('data_directory')"));
    char *log = text_read_file(registry, path, LOG_LIMIT, &length, &error);
    if (log == NULL)
        fail_msg("%s", error.message);
    return log;
}

static void assert_postgres_could_read_everything(struct registry *registry, size_t from)
{
    static const char *const signs[] = {"syntax error", "unterminated", "does not exist at character"};
    const char *log = read_postgres_log(registry) + from;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (strstr(log, signs[i]) != NULL)
            fail_msg("PostgreSQL's log: %.200s", strstr(log, signs[i]));
}

static long requests_of(struct registry *registry)
{
    long requests = 0;
    for (const char *at = api_get(registry, NULL, "/metrics")->body; at != NULL; at = strchr(at + 1, '\n'))
        if (strncmp(at, "\npatella_requests_total{", 24) == 0)
            requests += atol(strstr(at, "} ") + 1);
    return requests;
}

static bool is_of_the_short_one(const struct route *route)
{
    return (strcmp(route->method, "GET") == 0 && strstr(route->pattern, "/subjects/{subject}") != NULL) ||
           strstr(route->pattern, "/answer") != NULL;
}

static void add_content(struct registry *registry)
{
    registry_enrol(registry, "coordinator1", "01-0001");
    assert_status(api_submit(registry, "coordinator1", registry_pain(registry, ID("2"), "01-0001", 10, "")),
                  201);
    assert_status(
        api_send(registry, "data_manager", "POST", DEMO "/queries",
                 "{\"query\":\"" ID("3") "\",\"subject\":\"01-0001\",\"form\":\"koos\",\"text\":\"?\"}"),
        200);
    assert_status(api_send(registry, "data_manager", "POST", DEMO "/submissions/" ID("2") "/redact",
                           "{\"redaction\":\"" ID("4") "\",\"reason\":\"a name in it\"}"),
                  200);
    assert_status(api_send(registry, "coordinator", "POST", DEMO "/second-entries",
                           registry_pain(registry, ID("5"), "01-0001", 20, "")),
                  200);
    assert_status(api_send(registry, "statistician", "POST", DEMO "/cuts", "{\"label\":\"cut\"}"), 201);
}

static void test_attackers_find_nothing(void **state)
{
    (void)state;
    if (!are_installed())
        skip();
    struct registry *registry = people_registry_new(NULL, NULL);
    int port = registry->daemon->port;
    add_content(registry);
    const char *session =
        people_log_in(people_join(registry, "anna", "\"role\":\"monitor\",\"all_sites\":true"));
    struct attack *attack = attack_new(port, "Authorization: Bearer data_manager", "PostgreSQL");
    for (size_t i = 0; i < route_count; i++)
        if (is_long() || is_of_the_short_one(&route_table[i]))
            add_route(attack, &route_table[i], session, port);
    if (is_long())
        add_headers(attack, port);
    else
        text_append_format(attack->urls, "https://127.0.0.1:%d" DEMO "/submissions?form=koos&limit=5\n",
                           port);
    const char *tables =
        "SELECT string_agg(relname, ' ' ORDER BY oid) FROM pg_class WHERE relkind = 'r' AND oid > 16384";
    const char *before = test_value(registry->db, tables);
    size_t log_before = strlen(read_postgres_log(registry));
    long requests = requests_of(registry);
    struct findings findings = run(attack);
    print_message("# %zu reports clean, %zu findings, %zu unclear; %ld requests%s\n", findings.clean,
                  findings.finding, findings.unclear, requests_of(registry) - requests, findings.names);
    assert_string_equal(findings.names, "");
    assert_true(requests_of(registry) - requests > 100);
    assert_postgres_could_read_everything(registry, log_before);
    assert_null(strstr(api_get(registry, NULL, "/metrics")->body, "{code=\"internal\"} 1"));
    assert_string_equal(test_value(registry->db, tables), before);
    attack_free(attack);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry->db);
    talloc_free(registry);
}

/* The control: both tools find the hole that is there. */
static void test_attackers_find_what_is_there(void **state)
{
    (void)state;
    if (!are_installed())
        skip();
    struct registry *registry = registry_new(NULL); /* for its certificate */
    int port = 0, process = 0;
    const char *command = memory_format(registry, "exec tests/attack/vulnerable %s %s",
                                        registry->daemon->certificate, registry->daemon->key);
    FILE *vulnerable = popen(command, "r");   /* NOLINT(cert-env33-c): the command is this test's own */
    assert_non_null(vulnerable);
    assert_int_equal(fscanf(vulnerable, "%d %d", &port, &process), 2);
    struct attack *attack = attack_new(port, "Accept: */*", "SQLite");
    struct text *request = text_new(attack->owner);
    text_append_format(request, "GET /thing?id=1* HTTP/1.1\nHost: 127.0.0.1:%d\n\n", port);
    write_request(attack, "thing", request);
    text_append_format(attack->urls, "https://127.0.0.1:%d/thing?id=1\n", port);
    struct findings findings = run(attack);
    assert_int_equal(findings.finding, 2);
    attack_free(attack);
    kill(process, SIGTERM);
    pclose(vulnerable);
    assert_int_equal(daemon_stop(registry->daemon), 0);
    talloc_free(registry->db);
    talloc_free(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attackers_find_what_is_there),
        cmocka_unit_test(test_attackers_find_nothing),
    };
    memory_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
