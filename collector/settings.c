/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "collector/settings.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "forms/base/memory.h"
#include "forms/faults.h"
#include "forms/suggestion.h"
#include "forms/yaml.h"

enum setting_type { SETTING_TEXT, SETTING_FILE, SETTING_INTEGER, SETTING_BOOLEAN, SETTING_LOG_LEVEL };

struct setting {
    const char *name;
    enum setting_type type;
    size_t offset;            /* in struct settings */
    const char *initial;      /* as it would be written in the file */
    int least, most;          /* integers */
    bool reloadable;
    const char *help;
};

#define TEXT_SETTING(member, initial, reloadable, help) \
    {#member, SETTING_TEXT, offsetof(struct settings, member), initial, 0, 0, reloadable, help}
#define FILE_SETTING(member, help) \
    {#member, SETTING_FILE, offsetof(struct settings, member), "", 0, 0, true, help}
#define INTEGER_SETTING(member, initial, least, most, reloadable, help) \
    {#member, SETTING_INTEGER, offsetof(struct settings, member), initial, least, most, reloadable, help}
#define BOOLEAN_SETTING(member, initial, reloadable, help) \
    {#member, SETTING_BOOLEAN, offsetof(struct settings, member), initial, 0, 0, reloadable, help}

static const struct setting settings_table[] = {
    TEXT_SETTING(listen_address, "localhost", false,
                 "name or address to listen on; every address of a name is used"),
    INTEGER_SETTING(listen_port, "8443", 0, 65535, false, "TCP port; 0 takes a free one and logs it"),
    FILE_SETTING(certificate, "file with the server's certificate chain, PEM, own certificate first; %d/ is the "
                              "service manager's folder of credentials"),
    FILE_SETTING(key, "file with the private key, PEM; not readable by others"),
    TEXT_SETTING(machine_listen_address, "", false,
                 "where sites' machines come in, with client certificates; empty: nowhere"),
    INTEGER_SETTING(machine_listen_port, "8444", 0, 65535, false,
                    "TCP port for sites' machines; 0 takes a free one and logs it"),
    FILE_SETTING(machine_client_ca, "file with the CA certificates that sites' machines are checked with, PEM"),
    FILE_SETTING(machine_crl, "file with the CAs' lists of revoked certificates, PEM"),
    TEXT_SETTING(database, "", false, "libpq connection string; empty: PGHOST, PGSERVICE and the like alone"),
    TEXT_SETTING(auth_database, "", false,
                 "libpq connection string of the process that checks passwords, which connects as patella_auth; "
                 "empty: nobody can log in, only tokens count"),
    {"allocation_keys", SETTING_FILE, offsetof(struct settings, allocation_keys), "", 0, 0, false,
     "file with the keys that the allocation of masked studies is sealed with; empty: no arm that is sealed can be "
     "revealed"},
    INTEGER_SETTING(session_idle_s, "900", 1, 3600, true, "after which a session that is not used ends"),
    INTEGER_SETTING(workers, "4", 1, 64, false, "threads that read from PostgreSQL, a connection each"),
    INTEGER_SETTING(worker_queue_limit, "1024", 1, 1000000, false,
                    "requests that wait for a worker; more get 503"),
    INTEGER_SETTING(queue_limit, "8192", 1, 1000000, false,
                    "submissions that wait for the writer; more get 503"),
    INTEGER_SETTING(max_connections, "2048", 1, 1000000, true, "open connections"),
    INTEGER_SETTING(max_connections_per_address, "512", 1, 1000000, true,
                    "open connections of one address (IPv6: of one /64 network)"),
    INTEGER_SETTING(max_held_bytes, "268435456", 65536, 2147483647, true,
                    "bytes of bodies, waiting submissions and unread replies, a quarter of them for one "
                    "address; more get 503"),
    INTEGER_SETTING(max_upload_mib, "2048", 1, 2048, true, "MiB that an uploaded file may have"),
    INTEGER_SETTING(upload_expires_h, "24", 1, 168, true,
                    "hours without a byte more after which an upload that is not whole is deleted"),
    INTEGER_SETTING(handshake_deadline_ms, "5000", 10, 600000, true, "for the TLS handshake"),
    INTEGER_SETTING(head_deadline_ms, "10000", 10, 600000, true, "for the whole head of a request"),
    INTEGER_SETTING(work_deadline_ms, "30000", 10, 600000, true, "for the work on a request; later: 503"),
    INTEGER_SETTING(write_wait_ms, "5000", 10, 600000, false,
                    "how long a submission waits for PostgreSQL; later: 503"),
    INTEGER_SETTING(idle_deadline_ms, "30000", 10, 3600000, true, "between two requests of a connection"),
    INTEGER_SETTING(rate_grace_ms, "5000", 10, 600000, true,
                    "stretch over which the least rates below are asked for"),
    INTEGER_SETTING(body_min_bytes_per_s, "1000", 0, 1000000000, true, "least rate of an arriving body"),
    INTEGER_SETTING(reply_min_bytes_per_s, "1000", 0, 1000000000, true, "least rate of reading a reply"),
    INTEGER_SETTING(body_deadline_ms, "60000", 10, 3600000, true,
                    "for a whole body, however fast it arrives; not for uploads"),
    INTEGER_SETTING(reply_deadline_ms, "60000", 10, 3600000, true,
                    "for reading a reply of 4 MiB or less; a longer one has more in proportion"),
    INTEGER_SETTING(stop_deadline_ms, "10000", 100, 600000, true, "from SIGTERM to the end, at most"),
    INTEGER_SETTING(token_cache_ms, "3000", 0, 60000, true, "how long a token that was found stays known"),
    INTEGER_SETTING(catalogue_refresh_ms, "2000", 100, 600000, false,
                    "between two looks for new studies and forms"),
    {"log_level", SETTING_LOG_LEVEL, offsetof(struct settings, log_level), "info", 0, 0, true,
     "debug, info, warning or error"},
    BOOLEAN_SETTING(access_log, "true", true, "a log line for each request"),
    BOOLEAN_SETTING(metrics_loopback_only, "true", true, "answer /metrics to this machine only"),
};

enum { SETTING_COUNT = sizeof settings_table / sizeof *settings_table };

static const struct setting *find_setting(const char *name)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (strcmp(settings_table[i].name, name) == 0)
            return &settings_table[i];
    return NULL;
}

static bool read_integer(const struct setting *setting, const char *value, int *out)
{
    int64_t number = 0;
    if (!text_to_int64(value, &number) || number < setting->least || number > setting->most)
        return false;
    *out = (int)number;
    return true;
}

/* "%d/NAME" is a credential that the service manager hands over (systemd.exec(5), LoadCredential=). */
static const char *assign_file(struct settings *settings, const char **member, const char *value)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    bool is_credential = strncmp(value, "%d/", strlen("%d/")) == 0;
    *member = memory_copy_string(settings, value);
    if (is_credential && folder == NULL)
        return "a path without %d, or start it by a service manager that sets CREDENTIALS_DIRECTORY";
    if (is_credential)
        *member = memory_format(settings, "%s%s", folder, value + strlen("%d"));
    return NULL;
}

/* Sets a value; on failure returns what would have been right. */
static const char *assign(struct settings *settings, const struct setting *setting, const char *value)
{
    void *member = (char *)settings + setting->offset;
    enum log_level level;
    switch (setting->type) {
    case SETTING_TEXT:
        *(const char **)member = memory_copy_string(settings, value);
        return NULL;
    case SETTING_FILE: return assign_file(settings, member, value);
    case SETTING_INTEGER:
        if (read_integer(setting, value, member))
            return NULL;
        return memory_format(settings, "a whole number from %d to %d", setting->least, setting->most);
    case SETTING_BOOLEAN:
        *(bool *)member = strcmp(value, "true") == 0;
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0 ? NULL : "true or false";
    case SETTING_LOG_LEVEL:
        *(const char **)member = memory_copy_string(settings, value);
        return log_parse_level(value, &level) ? NULL : "debug, info, warning or error";
    }
    return "nothing";
}

/* NULL-terminated. */
static const char *const *setting_names(const void *owner)
{
    const char **names = memory_new_array(owner, const char *, SETTING_COUNT + 1);
    for (size_t i = 0; i < SETTING_COUNT; i++)
        names[i] = settings_table[i].name;
    return names;
}

static void read_map(struct settings *settings, const struct yaml *map, struct faults *faults)
{
    yaml_allow_keys(map, setting_names(settings), faults);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct yaml *node = yaml_find(map, settings_table[i].name);
        if (node == NULL || !yaml_expect(node, YAML_TEXT, faults))
            continue;
        const char *expected = assign(settings, &settings_table[i], node->text);
        if (expected != NULL)
            yaml_fault(faults, node, "%s is '%s'; write %s", settings_table[i].name, node->text, expected);
    }
}

static bool read_file(struct settings *settings, const char *file, struct error *error)
{
    size_t length = 0;
    char *text = text_read_file(settings, file, YAML_SIZE_LIMIT, &length, error);
    if (text == NULL)
        return false;
    struct yaml *root = yaml_parse(settings, file, text, length, error);
    if (root == NULL)
        return false;
    struct faults faults = faults_begin(settings);
    if (yaml_expect(root, YAML_MAP, &faults))
        read_map(settings, root, &faults);
    return faults_to_error(&faults, error);
}

static bool refuse_name(const char *name, struct error *error)
{
    struct suggestion suggestion = suggestion_begin(name);
    for (size_t i = 0; i < SETTING_COUNT; i++)
        suggestion_offer(&suggestion, settings_table[i].name);
    char hint[SUGGESTION_TEXT_SIZE];
    suggestion_format(&suggestion, hint);
    return error_set(error, ERROR_USAGE, "--set %s: there is no such setting%s", name,
                     *hint != '\0' ? hint : "; --help lists them");
}

static bool read_assignment(struct settings *settings, const char *assignment, struct error *error)
{
    const char *equals = strchr(assignment, '=');
    if (equals == NULL)
        return error_set(error, ERROR_USAGE, "--set %s: write --set name=value", assignment);
    char *name = memory_copy_bytes(settings, assignment, (size_t)(equals - assignment));
    const struct setting *setting = find_setting(name);
    if (setting == NULL)
        return refuse_name(name, error);
    const char *expected = assign(settings, setting, equals + 1);
    if (expected != NULL)
        return error_set(error, ERROR_USAGE, "--set %s: '%s' is not %s", name, equals + 1, expected);
    return true;
}

static bool require(const char *value, const char *name, struct error *error)
{
    if (*value != '\0')
        return true;
    return error_set(error, ERROR_INPUT,
                     "setting %s is missing; name the file in patella.yaml or by --set %s=FILE", name, name);
}

struct settings *settings_load(const void *owner, const struct settings_source *source, struct error *error)
{
    struct settings *settings = memory_new(owner, struct settings);
    bool good = true;
    for (size_t i = 0; i < SETTING_COUNT; i++)
        good = good && assign(settings, &settings_table[i], settings_table[i].initial) == NULL;
    if (!good)
        error_set(error, ERROR_INTERNAL, "a default in the table of settings is out of its own range");
    if (good && source->file != NULL)
        good = read_file(settings, source->file, error);
    for (size_t i = 0; good && i < source->assignment_count; i++)
        good = read_assignment(settings, source->assignments[i], error);
    good = good && require(settings->certificate, "certificate", error) &&
           require(settings->key, "key", error);
    bool machines = *settings->machine_listen_address != '\0';
    good = good && (!machines || (require(settings->machine_client_ca, "machine_client_ca", error) &&
                                  require(settings->machine_crl, "machine_crl", error)));
    if (good)
        return settings;
    talloc_free(settings);
    return NULL;
}

/* Gives `setting` of `settings` the value that it has in `from`; true when that changed it. */
static bool keep(struct settings *settings, const struct settings *from, const struct setting *setting)
{
    void *to = (char *)settings + setting->offset;
    const void *old = (const char *)from + setting->offset;
    bool changed = false;
    switch (setting->type) {
    case SETTING_TEXT:
    case SETTING_FILE:
    case SETTING_LOG_LEVEL:
        changed = strcmp(*(const char **)to, *(const char *const *)old) != 0;
        *(const char **)to = memory_copy_string(settings, *(const char *const *)old);
        break;
    case SETTING_INTEGER:
        changed = *(int *)to != *(const int *)old;
        *(int *)to = *(const int *)old;
        break;
    case SETTING_BOOLEAN:
        changed = *(bool *)to != *(const bool *)old;
        *(bool *)to = *(const bool *)old;
        break;
    }
    return changed;
}

struct settings *settings_reload(const void *owner, const struct settings *current,
                                 const struct settings_source *source, struct text *kept, struct error *error)
{
    struct settings *settings = settings_load(owner, source, error);
    for (size_t i = 0; settings != NULL && i < SETTING_COUNT; i++)
        if (!settings_table[i].reloadable && keep(settings, current, &settings_table[i]))
            text_append_format(kept, " %s", settings_table[i].name);
    return settings;
}

enum log_level settings_log_level(const struct settings *settings)
{
    enum log_level level = LOG_LEVEL_INFO;
    return log_parse_level(settings->log_level, &level) ? level : LOG_LEVEL_INFO;
}

void settings_print_help(FILE *out)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const struct setting *setting = &settings_table[i];
        const char *initial = *setting->initial != '\0' ? setting->initial : "none";
        fprintf(out, "  %-28s %s%s\n", setting->name, setting->help, setting->reloadable ? " (SIGHUP)" : "");
        if (setting->type == SETTING_INTEGER)
            fprintf(out, "  %-28s default %s, %d to %d\n", "", initial, setting->least, setting->most);
        else
            fprintf(out, "  %-28s default %s\n", "", initial);
    }
}
