/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys that the allocation of masked studies is sealed with: made here, kept by two custodians, not in the database. */
#include "collector/admin_result.h"

#include <string.h>

#include <openssl/crypto.h>

#include "collector/admin_secret.h"
#include "forms/allocation_seal.h"

static bool make_key(struct admin *admin, struct error *error)
{
    char id[ALLOCATION_KEY_ID_SIZE];
    const char *path = admin_operand(admin, 0);
    char *text = allocation_key_text(admin->owner, id);
    bool written = admin_write_secret(path, text, error);
    OPENSSL_cleanse(text, strlen(text));
    if (!written)
        return false;
    admin_print(admin, "key", id);
    admin_tell_text(admin, "file", path);
    admin_note(admin, "%s holds key %s and nothing else does: give two custodians a copy each, apart from each other "
                      "and from the database's backups. Whoever loses it loses the arms; who has it knows them.", path,
               id);
    return true;
}

/* The last one of the file: in front of it may stand older ones. */
static bool add_key(struct admin *admin, struct error *error)
{
    const struct allocation_keys *keys = allocation_keys_load(admin->owner, admin_operand(admin, 1), error);
    if (keys == NULL)
        return false;
    const char *id = allocation_keys_id(keys, allocation_keys_count(keys) - 1);
    const char *const texts[] = {admin_operand(admin, 0), id};
    const struct db_result *added = admin_execute(admin, ADMIN_ADD_ALLOCATION_KEY, texts, 2, error);
    if (added == NULL)
        return false;
    bool is_new = db_bool(added, 0, 0);
    admin_tell_text(admin, "key", id);
    admin_tell_truth(admin, "added", is_new);
    admin_note(admin, is_new ? "from now on study %s takes allocations sealed with key %s only"
                             : "study %s has key %s as its newest already", texts[0], id);
    return true;
}

static bool list_keys(struct admin *admin, struct error *error)
{
    static const struct admin_column columns[] = {
        {"number", ADMIN_NUMBER}, {"key", ADMIN_TEXT}, {"added_by", ADMIN_TEXT},
        {"added_at", ADMIN_TEXT}, {"entries", ADMIN_NUMBER},
    };
    return admin_print_list(admin, ADMIN_LIST_ALLOCATION_KEYS, 1, columns, ADMIN_COUNT(columns), error);
}

/* For custodians: whether the copy in their hands still opens everything. */
static bool check_keys(struct admin *admin, struct error *error)
{
    const struct allocation_keys *keys = allocation_keys_load(admin->owner, admin_operand(admin, 1), error);
    const struct db_result *needed =
        keys == NULL ? NULL
                     : admin_execute(admin, ADMIN_LIST_ALLOCATION_KEYS, admin->arguments->operands, 1, error);
    if (needed == NULL)
        return false;
    for (size_t i = 0; i < db_rows(needed); i++) {
        const char *id = db_text(needed, i, 1);
        if (!db_is_null(needed, i, 1) && !allocation_keys_has(keys, id))
            return error_set(error, ERROR_NOT_FOUND, "%s does not have key %s, which %s entries of study %s are sealed "
                             "with; look for another copy", admin_operand(admin, 1), id, db_text(needed, i, 4),
                             admin_operand(admin, 0));
    }
    admin_note(admin, "%s has every key of study %s", admin_operand(admin, 1), admin_operand(admin, 0));
    return true;
}

static const struct argument_option options[] = {ADMIN_DATABASE_OPTION};

static const struct admin_command commands[] = {
    {{"allocation-key new", "FILE", NULL, 0, "make a key for the allocation of a masked study"}, make_key},
    {{"allocation-key add", "STUDY FILE", options, ADMIN_COUNT(options),
      "seal the allocation of a masked study with the last key of FILE from now on"},
     add_key},
    {{"allocation-key list", "STUDY", options, ADMIN_COUNT(options),
      "which keys the arms of a study need, and how many entries each"},
     list_keys},
    {{"allocation-key check", "STUDY FILE", options, ADMIN_COUNT(options),
      "whether FILE has every key that the arms of a study need"},
     check_keys},
};

const struct admin_group admin_allocation_keys = {commands, ADMIN_COUNT(commands)};
