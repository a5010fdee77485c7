/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passwords, one-time codes, and what is derived from a session's token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector/password.h"
#include "collector/session_token.h"
#include "forms/base/memory.h"

static void test_password_fault_names_what_is_tried_first(void **state)
{
    static const char *const wrong[] = {
        "", "1234567", "password", "Password1!", "P@ssw0rd2026", "qwertyuiop", "Qwertz123456", "asdfghjkl;",
        "20012026", "12345678901234567890", "!!!!!!!!!!!!", "aaaaaaaaaaaaaaaa", "patella2026", "KneeKnee2025",
        "welcome2024!!", "Stemcells2026", "letmein-letmein", "anna1987!!", "AnnaAnna2026", "summer!winter",
        "abcdefghijklmno", "koos-womac-1",
    };
    static const char *const good[] = {
        "nine green kettles whistle", "xK7#mQ2!vT", "Bäume rauschen", "correct horse battery staple", "zb4rrq9pl",
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (password_fault(wrong[i], "anna") == NULL)
            fail_msg("'%s' is taken", wrong[i]);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (password_fault(good[i], "anna") != NULL)
            fail_msg("'%s': %s", good[i], password_fault(good[i], "anna"));
}

static void test_password_length_is_counted_in_characters(void **state)
{
    char most[2 * (PASSWORD_MOST + 1) + 1];
    (void)state;
    for (size_t i = 0; i < PASSWORD_MOST + 1; i++)
        memcpy(most + 2 * i, i % 2 == 0 ? "ä" : "ö", 2);
    most[sizeof most - 1] = '\0';
    assert_non_null(password_fault(most, "anna"));
    most[sizeof most - 3] = '\0';
    assert_null(password_fault(most, "anna"));
    assert_non_null(password_fault("äöüßxyk", "anna"));
    assert_null(password_fault("äöüßxykw", "anna"));
    assert_false(password_is_long("fourteen chars"));
    assert_true(password_is_long("fifteen chars, "));
}

static void test_password_verify_knows_the_one_that_was_hashed(void **state)
{
    char hash[PASSWORD_HASH_SIZE], again[PASSWORD_HASH_SIZE];
    (void)state;
    assert_true(password_hash("nine green kettles", hash));
    assert_true(password_hash("nine green kettles", again));
    assert_string_not_equal(hash, again);
    assert_int_equal(strncmp(hash, "$argon2id$v=19$m=65536,t=3,p=1$", 31), 0);
    assert_true(password_verify("nine green kettles", hash));
    assert_false(password_verify("nine green kettle", hash));
    assert_false(password_verify("", hash));
    assert_false(password_verify("nine green kettles", NULL));
    assert_false(password_verify("", NULL));
    assert_false(password_verify("nine green kettles", "$argon2id$nonsense"));
}

static void test_password_hash_of_other_costs_is_old(void **state)
{
    static const char *const old[] = {
        "$argon2id$v=19$m=65536,t=2,p=1$c2FsdHNhbHQ$aGFzaA", "$argon2id$v=19$m=32768,t=3,p=1$c2FsdHNhbHQ$aGFzaA",
        "$argon2id$v=16$m=65536,t=3,p=1$c2FsdHNhbHQ$aGFzaA", "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaA",
        "$argon2i$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ$aGFzaA", "", "$argon2id$",
    };
    (void)state;
    for (size_t i = 0; i < sizeof old / sizeof old[0]; i++)
        assert_true(password_hash_is_old(old[i]));
    assert_false(password_hash_is_old("$argon2id$v=19$m=65536,t=3,p=1$c2FsdHNhbHQ$aGFzaA"));
}

/* RFC 6238, appendix B, the last six of its eight digits. */
static void test_totp_check_gives_the_codes_of_the_standard(void **state)
{
    static const struct {
        time_t at;
        const char *code;
    } vectors[] = {
        {59, "287082"}, {1111111109, "081804"}, {1111111111, "050471"}, {1234567890, "005924"},
        {2000000000, "279037"}, {20000000000, "353130"},
    };
    (void)state;
    const uint8_t *secret = (const uint8_t *)"12345678901234567890";
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        time_t at = vectors[i].at;
        int64_t step = at / 30;
        assert_int_equal(totp_check(secret, vectors[i].code, at, 0), step);
        assert_int_equal(totp_check(secret, vectors[i].code, at + 30, 0), step);
        assert_int_equal(totp_check(secret, vectors[i].code, at - 30, 0), step);
        assert_int_equal(totp_check(secret, vectors[i].code, at + 60, 0), 0);
        if (at > 60)
            assert_int_equal(totp_check(secret, vectors[i].code, at - 60, 0), 0);
        assert_int_equal(totp_check(secret, vectors[i].code, at, step - 1), step);
        assert_int_equal(totp_check(secret, vectors[i].code, at, step), 0);   /* used */
    }
    assert_int_equal(totp_check(secret, "28708", 59, 0), 0);
    assert_int_equal(totp_check(secret, "2870822", 59, 0), 0);
    assert_int_equal(totp_check(secret, "28708a", 59, 0), 0);
    assert_int_equal(totp_check(secret, "", 59, 0), 0);
}

static void test_recovery_code_hash_takes_it_as_people_write_it(void **state)
{
    char code[RECOVERY_CODE_SIZE], other[RECOVERY_CODE_SIZE];
    uint8_t one[32], two[32];
    (void)state;
    assert_true(recovery_code_make(code));
    assert_true(recovery_code_make(other));
    assert_string_not_equal(code, other);
    assert_int_equal(strlen(code), 19);
    assert_true(recovery_code_hash("ABCD-EFGH-JKLM-NPQ2", one));
    assert_true(recovery_code_hash("abcdefghjklmnpq2", two));
    assert_memory_equal(one, two, sizeof one);
    assert_false(recovery_code_hash("ABCD-EFGH-JKLM-NPQ", one));
    assert_false(recovery_code_hash("ABCD-EFGH-JKLM-NPQ22", one));
    assert_false(recovery_code_hash("ABCD-EFGH-JKLM-NPQ1", one));
}

/*
 * The expected values by: printf 'patella study 7' |
 *     openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f -binary | basenc --base64url
 */
static void test_session_token_derives_what_others_can_recompute(void **state)
{
    static const char token[] = "s_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    char study[SESSION_SECRET_SIZE], form[SESSION_SECRET_SIZE], other[SESSION_SECRET_SIZE];
    (void)state;
    assert_true(session_token_is(token));
    session_token_for_study(token, 7, study);
    session_token_for_study(token, 8, other);
    session_token_for_form(token, form);
    assert_string_equal(study, "w3JORjUsEwIVGPovbGjxV6G-LezY7Jkct5m_DxHAkLY");
    assert_string_equal(form, "agCGoRu3GO2L0YDw-w8LI0TY8v_UxQuEQ7GLGIuTKR4");
    assert_string_not_equal(other, study);
}

static void test_session_token_is_refuses_what_is_none(void **state)
{
    static const char *const wrong[] = {
        "", "s_", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "s_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
        "s_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A", "s_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9",
        "s_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdH+8", "t_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
    };
    char made[SESSION_TOKEN_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (session_token_is(wrong[i]))
            fail_msg("'%s' is taken", wrong[i]);
    assert_true(session_token_make(made));
    assert_true(session_token_is(made));
}

static void test_session_cookie_read_finds_its_own(void **state)
{
    static const char token[] = "s_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    static const struct {
        const char *header;
        bool found;
    } cases[] = {
        {"__Host-patella=s_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", true},
        {"a=b; __Host-patella=s_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8; c=d", true},
        {"a=__Host-patella=s_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false},
        {"patella=s_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false},
        {"__Host-patella=AAAA", false}, {"__Host-patella=", false}, {"", false}, {";;;", false},
    };
    char found[SESSION_TOKEN_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool is = session_cookie_read(cases[i].header, strlen(cases[i].header), found);
        if (is != cases[i].found || (is && strcmp(found, token) != 0))
            fail_msg("'%s'", cases[i].header);
    }
}

int main(void)
{
    memory_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_password_fault_names_what_is_tried_first),
        cmocka_unit_test(test_password_length_is_counted_in_characters),
        cmocka_unit_test(test_password_verify_knows_the_one_that_was_hashed),
        cmocka_unit_test(test_password_hash_of_other_costs_is_old),
        cmocka_unit_test(test_totp_check_gives_the_codes_of_the_standard),
        cmocka_unit_test(test_recovery_code_hash_takes_it_as_people_write_it),
        cmocka_unit_test(test_session_token_derives_what_others_can_recompute),
        cmocka_unit_test(test_session_token_is_refuses_what_is_none),
        cmocka_unit_test(test_session_cookie_read_finds_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
