/* SPDX-License-Identifier: GPL-3.0-or-later */
/* patella-seal: seals the audit trail, and says whether it is as it was sealed. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "collector/arguments.h"
#include "collector/seal.h"
#include "collector/seal_verify.h"
#include "forms/base/log.h"
#include "forms/base/memory.h"
#include "forms/base/text.h"
#include "migrations/migrate.h"

static const char program[] = "patella-seal";

enum { EVERY_S = 5, EVERY_MOST_S = 86400, ROWS_MOST = 1000000, FAILURES_QUIET = 12 };

#define DATABASE \
    {"db", "CONNINFO", false, "libpq connection string; default: libpq's environment, role patella_sealer"}
#define KEY {"key", "FILE", true, "private key, readable by the sealer alone"}
#define CHECKPOINTS {"checkpoints", "FILE", true, "checkpoint file; each block adds a line"}
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct argument_option run_options[] = {
    KEY, CHECKPOINTS,
    {"every", "SECONDS", false, "how often to look for finished rows, 1 to 86400; default 5"},
    {"rows", "N", false, "rows in a block at most, 1 to 1000000; default 100000"},
    {"once", NULL, false, "seal what is finished, then end"},
    DATABASE,
};

static const struct argument_option verify_options[] = {
    {"checkpoints", "FILE", false, "checkpoint file, as it came from the other host"},
    {"public-key", "FILE", false, "public key, or several one behind the other"},
    {"from-block", "N", false, "look at blocks from number N on, and not at the tables"},
    {"file", "FILE", false, "read what `patella-seal export` wrote, not a database"},
    {"json", NULL, false, "print one JSON object"},
    DATABASE,
};

static const struct argument_option export_options[] = {DATABASE};

static const struct argument_option keygen_options[] = {
    KEY,
    {"public-key", "FILE", true, "public key, for everybody"},
};

static const struct argument_option era_options[] = {
    {"reason", "TEXT", true, "why, such as the restore that made it necessary"},
    KEY, CHECKPOINTS,
    {"db", "CONNINFO", true, "libpq connection string of a superuser"},
};

enum command { COMMAND_RUN, COMMAND_VERIFY, COMMAND_EXPORT, COMMAND_KEYGEN, COMMAND_ERA, COMMAND_COMPLETION };

static const struct argument_command commands[] = {
    [COMMAND_RUN] = {"run", "", run_options, COUNT(run_options), "Seals finished rows of the audit trail."},
    [COMMAND_VERIFY] = {"verify", "", verify_options, COUNT(verify_options),
                        "Says whether trail and tables are as they were sealed; exit 0: they are, 1: not."},
    [COMMAND_EXPORT] = {"export", "FILE", export_options, COUNT(export_options), "Writes what verify needs to FILE."},
    [COMMAND_KEYGEN] = {"keygen", "", keygen_options, COUNT(keygen_options), "Makes a key to sign blocks with."},
    [COMMAND_ERA] = {"new-era", "", era_options, COUNT(era_options),
                     "Opens a new era after a restore from a dump or to an earlier time."},
    [COMMAND_COMPLETION] = {"completion", "", NULL, 0, "Prints what makes bash complete words and options."},
};

struct call {
    const void *owner;
    const struct arguments *arguments;
    bool faults;                 /* verify found some */
};

static const char *option(const struct call *call, const char *name)
{
    return arguments_value(call->arguments, name);
}

static bool read_number(const struct call *call, const char *name, int64_t most, int64_t *number, struct error *error)
{
    const char *text = option(call, name);
    if (text == NULL || (text_to_int64(text, number) && *number >= 1 && *number <= most))
        return true;
    return error_set(error, ERROR_USAGE, "--%s is a number from 1 to %" PRId64 ", not \"%s\"", name, most, text);
}

/* ---- run ---- */

static volatile sig_atomic_t stopping;

static void stop(int number)
{
    (void)number;
    stopping = 1;
}

/* Held back but while waiting, so that none is missed. */
static void catch_signals(sigset_t *waiting)
{
    struct sigaction action = {.sa_handler = stop};
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, waiting);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static void wait_seconds(int64_t seconds, const sigset_t *waiting)
{
    const struct timespec time = {.tv_sec = (time_t)seconds};
    if (!stopping)
        (void)pselect(0, NULL, NULL, NULL, &time, waiting);
}

static bool open_sealer(const struct call *call, struct sealer *sealer, struct error *error)
{
    sealer->key = seal_key_load(call->owner, option(call, "key"), error);
    if (sealer->key == NULL)
        return false;
    sealer->public_keys = seal_key_public(call->owner, sealer->key);
    sealer->checkpoint = checkpoint_open(call->owner, option(call, "checkpoints"), error);
    if (sealer->checkpoint == NULL)
        return false;
    sealer->db = store_seal_open(call->owner, option(call, "db"), error);
    return sealer->db != NULL;
}

static void tell_round(const struct seal_round *round)
{
    char number[TEXT_NUMBER_SIZE + 1] = "", rows[TEXT_NUMBER_SIZE + 1] = "";
    snprintf(number, sizeof number, "%" PRId64, round->block > 0 ? round->block : round->caught_up);
    snprintf(rows, sizeof rows, "%" PRId64, round->rows);
    if (round->caught_up > 0)
        log_write(LOG_LEVEL_WARNING, "lines added that the checkpoint file was missing", NULL);
    if (round->block > 0)
        log_write(LOG_LEVEL_INFO, "sealed", "block", number, "rows", rows, NULL);
}

/* All that is finished; false on a failure. */
static bool seal_all(struct sealer *sealer, struct error *error)
{
    struct seal_round round = {.more = true};
    while (round.more && !stopping) {
        if (!db_is_alive(sealer->db) && !db_reopen(sealer->db, error))
            return false;
        if (!seal_round(sealer, &round, error))
            return false;
        tell_round(&round);
    }
    return true;
}

/*
 * Somebody must be told; also when there is no connection yet, because the key or the file was no good.  Nothing is
 * written to a database whose transactions went back.
 */
static void note_failure(const struct call *call, struct sealer *sealer)
{
    struct error untold;
    if (sealer->db == NULL)
        sealer->db = store_seal_open(call->owner, option(call, "db"), &untold);
    bool connected = sealer->db != NULL && (db_is_alive(sealer->db) || db_reopen(sealer->db, &untold));
    if (!connected || !migrate_check_era(sealer->db, &untold) || !store_seal_note_failure(sealer->db, &untold))
        log_write(LOG_LEVEL_WARNING, "no notice of the failure was left", "error", untold.message, NULL);
}

/* Until it is stopped; false on a failure that another try does not mend. */
static bool seal_for_ever(const struct call *call, struct sealer *sealer, int64_t every_s, struct error *error)
{
    sigset_t waiting;
    int failures = 0;
    catch_signals(&waiting);
    while (!stopping) {
        bool sealed = seal_all(sealer, error);
        if (!sealed && (option(call, "once") != NULL || !db_is_transient(error)))
            return false;
        failures = sealed ? 0 : failures + 1;
        if (!sealed)
            log_write(LOG_LEVEL_WARNING, "not sealed, trying again", "error", error->message, NULL);
        if (failures == FAILURES_QUIET)
            note_failure(call, sealer);
        if (option(call, "once") != NULL)
            return true;
        wait_seconds(every_s, &waiting);
    }
    return true;
}

static bool run(struct call *call, struct error *error)
{
    struct sealer sealer = {.most = SEAL_ROWS};
    int64_t every_s = EVERY_S;
    if (!read_number(call, "every", EVERY_MOST_S, &every_s, error) ||
        !read_number(call, "rows", ROWS_MOST, &sealer.most, error))
        return false;
    bool done = open_sealer(call, &sealer, error) && migrate_check_era(sealer.db, error) &&
                seal_for_ever(call, &sealer, every_s, error);
    if (!done)
        note_failure(call, &sealer);
    return done;
}

/* ---- the others ---- */

static bool stream(const struct call *call, const struct seal_verify_order *order, struct seal_verifier *verifier,
                   struct error *error)
{
    if (option(call, "file") != NULL)
        return seal_stream_file(option(call, "file"), seal_verifier_take, verifier, error);
    struct db *db = store_seal_open(call->owner, option(call, "db"), error);
    return db != NULL && seal_stream_database(db, order->from_block, seal_verifier_take, verifier, error);
}

static bool verify(struct call *call, struct error *error)
{
    const char *keys = option(call, "public-key"), *checkpoints = option(call, "checkpoints");
    struct seal_verify_order order = {.from_block = 1};
    if (!read_number(call, "from-block", INT64_MAX - 1, &order.from_block, error))
        return false;
    if (option(call, "file") != NULL && (option(call, "db") != NULL || order.from_block > 1))
        return error_set(error, ERROR_USAGE, "--file is read whole and without a database; leave --db and --from-block "
                         "away");
    if (keys != NULL && (order.keys = seal_keys_load(call->owner, keys, error)) == NULL)
        return false;
    if (checkpoints != NULL && (order.checkpoints = checkpoint_load(call->owner, checkpoints, error)) == NULL)
        return false;
    struct seal_verifier *verifier = seal_verifier_new(call->owner, &order);
    struct seal_counts counts;
    if (!stream(call, &order, verifier, error))
        return false;
    const struct seal_faults *faults = seal_verifier_finish(verifier, &counts);
    seal_faults_print(faults, &counts, option(call, "json") != NULL, stdout);
    call->faults = seal_faults_count(faults) > 0;
    return true;
}

static bool export(struct call *call, struct error *error)
{
    struct db *db = store_seal_open(call->owner, option(call, "db"), error);
    return db != NULL && seal_stream_export(db, call->arguments->operands[0], error);
}

static bool keygen(struct call *call, struct error *error)
{
    return seal_key_generate(option(call, "key"), option(call, "public-key"), error);
}

static bool new_era(struct call *call, struct error *error)
{
    struct sealer sealer = {.most = SEAL_ROWS};
    struct seal_era era;
    if (!open_sealer(call, &sealer, error) || !seal_new_era(&sealer, option(call, "reason"), &era, error))
        return false;
    printf("era %d is open; blocks up to %" PRId64 " count\n", era.era, era.after);
    return true;
}

static bool completion(struct call *call, struct error *error)
{
    (void)call;
    (void)error;
    arguments_print_completion(stdout, program, commands, COUNT(commands));
    return true;
}

static bool call_command(struct call *call, char *const *argv, struct error *error)
{
    static bool (*const functions[])(struct call *call, struct error *error) = {
        [COMMAND_RUN] = run, [COMMAND_VERIFY] = verify, [COMMAND_EXPORT] = export,
        [COMMAND_KEYGEN] = keygen, [COMMAND_ERA] = new_era, [COMMAND_COMPLETION] = completion,
    };
    struct arguments *arguments = memory_new(call->owner, struct arguments);
    if (!arguments_parse(call->owner, commands, COUNT(commands), argv, arguments, error))
        return false;
    if (arguments->version) {
        printf("%s %s\n", program, PATELLA_VERSION);
        return true;
    }
    if (arguments->help) {
        arguments_print_help(stdout, program, commands, COUNT(commands), arguments->command);
        return true;
    }
    call->arguments = arguments;
    return functions[arguments->command - commands](call, error);
}

int main(int argc, char **argv)
{
    (void)argc;
    memory_init();
    void *owner = memory_owner(NULL, program);
    struct call call = {.owner = owner};
    struct error error = {0};
    int status = 0;
    if (!call_command(&call, argv, &error)) {
        error_print(&error, program);
        status = error_exit_status(&error);
    } else if (fflush(stdout) != 0) {
        perror(program);
        status = 1;
    } else if (call.faults) {
        status = 1;
    }
    talloc_free(owner);
    return status;
}
