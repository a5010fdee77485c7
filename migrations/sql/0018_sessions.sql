-- SPDX-License-Identifier: GPL-3.0-or-later
-- Logging in.  Schema auth is for the one process that checks passwords (role patella_auth): it reads hashes, and it
-- alone makes sessions.  What a session opens are credentials, one for each study of its holder, whose tokens only the
-- bearer of the session's token can derive: HMAC-SHA256 of "patella study N" under its 32 bytes.  So a session that
-- was read from these tables opens nothing, and functions that take a token know nothing of sessions.

CREATE SCHEMA auth AUTHORIZATION patella_sec_owner;
GRANT USAGE ON SCHEMA auth TO patella_auth;
GRANT USAGE, CREATE ON SCHEMA api TO patella_sec_owner;

SET LOCAL ROLE patella_sec_owner;

-- ---------------------------------------------------------------------------------------------- throttle

CREATE FUNCTION sec.network_of(address inet) RETURNS inet
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    SELECT pg_catalog.set_masklen(pg_catalog.network(pg_catalog.set_masklen(address, m.bits))::inet, m.bits)
    FROM (SELECT CASE pg_catalog.family(address) WHEN 6 THEN 64 ELSE 32 END AS bits) m
$$;

-- What failures are counted under: an account, or for a name that nobody has some bits of its SHA-256.
CREATE FUNCTION sec.failure_name(name text) RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT COALESCE((SELECT a.account FROM sec.account a WHERE a.account = name),
                    '#' || pg_catalog.left(
                        pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(name, 'UTF8')), 'hex'), 8))
$$;

-- Seconds until the next try may be made, 0: now.  Ten failures of a name in 15 minutes, thirty of a network, 120 of
-- everybody in a minute.  From an address where an account has logged in within a month only what failed from there
-- counts against it: others cannot shut its holder out.  Success wipes nothing away, for that would tell strangers
-- whether somebody has the name.
CREATE FUNCTION sec.login_wait(name text, address inet) RETURNS int
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    now timestamptz := pg_catalog.clock_timestamp();
    net inet := sec.network_of(address);
    known boolean := EXISTS (SELECT FROM sec.session s
                             WHERE s.account = name
                               AND sec.network_of(s.address) = net
                               AND s.opened_at > now - interval '30 days');
    free_at timestamptz;
BEGIN
    free_at := GREATEST(
        (SELECT f.at + interval '15 minutes'
         FROM sec.login_failure f
         WHERE f.name = login_wait.name
           AND f.at BETWEEN now - interval '15 minutes' AND now
           AND (NOT known OR f.network = net)
         ORDER BY f.at DESC OFFSET 9 LIMIT 1),
        (SELECT f.at + interval '15 minutes'
         FROM sec.login_failure f
         WHERE f.network = net
           AND f.at BETWEEN now - interval '15 minutes' AND now
         ORDER BY f.at DESC OFFSET 29 LIMIT 1),
        (SELECT f.at + interval '1 minute'
         FROM sec.login_failure f
         WHERE NOT known
           AND f.at BETWEEN now - interval '1 minute' AND now
         ORDER BY f.at DESC OFFSET 119 LIMIT 1));
    RETURN COALESCE(GREATEST(pg_catalog.ceil(EXTRACT(epoch FROM free_at - now)), 0), 0)::int;
END
$$;

-- ---------------------------------------------------------------------------------------------- schema auth

-- What a try to log in is judged by; one row always.  A name that nobody has and a disabled account have no hash: the
-- caller compares with one that nothing fits, so that both take the same way.
CREATE FUNCTION auth.begin_login(name text, address inet)
RETURNS TABLE (wait_s int, account text, full_name text, password_hash text, password_is_long boolean,
               totp_secret bytea, totp_step bigint, second_factor boolean, disabled boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT sec.login_wait(sec.failure_name(name), address), p.account, p.full_name, p.password_hash,
           p.password_is_long, p.totp_secret, p.totp_step, p.second_factor, p.disabled
    FROM (VALUES (1)) one (row)
    LEFT JOIN (SELECT a.account, a.full_name, a.disabled_at IS NOT NULL AS disabled,
                      CASE WHEN a.disabled_at IS NULL THEN q.password_hash END AS password_hash,
                      q.password_is_long, q.totp_secret, q.totp_step, q.second_factor_at IS NOT NULL AS second_factor
               FROM sec.account a
               LEFT JOIN sec.person q USING (account)
               WHERE a.account = name) p ON true;
END
$$;

CREATE FUNCTION auth.fail_login(name text, address inet, why text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    counted text := sec.failure_name(name);
    now timestamptz := pg_catalog.clock_timestamp();
BEGIN
    PERFORM pg_catalog.set_config('patella.account', counted, true);
    PERFORM pg_catalog.pg_advisory_xact_lock(75, 1);
    INSERT INTO sec.login_failure (failure_no, name, network, at, why, locks_out)
    SELECT COALESCE((SELECT f.failure_no FROM sec.login_failure f ORDER BY f.failure_no DESC LIMIT 1), 0) + 1,
           counted, sec.network_of(address), now, why,
           (SELECT pg_catalog.count(*) FROM sec.login_failure f
            WHERE f.name = counted AND f.at > now - interval '15 minutes') = 9;
END
$$;

CREATE FUNCTION auth.list_studies(name text) RETURNS TABLE (study_id int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT m.study_id FROM sec.membership m WHERE m.account = name AND m.ended_at IS NULL ORDER BY m.study_id
$$;

-- Takes the second factor that was given; 28000 when it was taken before, by another process at the same time too.
CREATE FUNCTION sec.use_second_factor(name text, step bigint, recovery bytea) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF step IS NOT NULL THEN
        UPDATE sec.person p SET totp_step = step WHERE p.account = name AND p.totp_step < step;
    ELSIF recovery IS NOT NULL THEN
        UPDATE sec.person p
        SET recovery_sha256 = pg_catalog.array_remove(p.recovery_sha256, recovery),
            recovery_left = pg_catalog.cardinality(pg_catalog.array_remove(p.recovery_sha256, recovery))
        WHERE p.account = name
          AND recovery = ANY (p.recovery_sha256);
    ELSE
        RETURN;
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the second factor was used before' USING ERRCODE = '28000';
    END IF;
END
$$;

-- The session's credentials, for those of the studies in which the account has a role.
CREATE FUNCTION sec.add_credentials(session sec.session, studies int[], tokens_sha256 bytea[]) RETURNS void
LANGUAGE sql SET search_path = ''
AS $$
    INSERT INTO sec.credential (token_no, token_sha256, account, study_id, role, site_ids, expires_at, session_no)
    SELECT (SELECT COALESCE(pg_catalog.max(c.token_no), 0) FROM sec.credential c)
               + pg_catalog.row_number() OVER (ORDER BY m.study_id),
           g.token_sha256, m.account, m.study_id, m.role, m.site_ids, session.expires_at, session.session_no
    FROM ROWS FROM (pg_catalog.unnest(studies), pg_catalog.unnest(tokens_sha256)) g (study_id, token_sha256)
    JOIN sec.membership m ON m.study_id = g.study_id AND m.account = session.account AND m.ended_at IS NULL
$$;

CREATE FUNCTION auth.open_session(name text, session_sha256 bytea, address inet, idle_s int, step bigint,
                                  recovery bytea, new_hash text, studies int[], tokens_sha256 bytea[])
RETURNS TABLE (expires_at timestamptz, ends_at timestamptz, recovery_left int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    now timestamptz := pg_catalog.clock_timestamp();
    opened sec.session;
BEGIN
    PERFORM pg_catalog.set_config('patella.account', name, true);
    PERFORM sec.lock_account(name);
    PERFORM sec.use_second_factor(name, step, recovery);
    IF new_hash IS NOT NULL THEN
        UPDATE sec.person p SET password_hash = new_hash WHERE p.account = name;
    END IF;
    INSERT INTO sec.session AS s (session_no, session_sha256, account, address, opened_at, second_factor_at, idle,
                                  expires_at, ends_at)
    SELECT (SELECT COALESCE(pg_catalog.max(x.session_no), 0) + 1 FROM sec.session x), session_sha256, name, address,
           now, CASE WHEN step IS NOT NULL OR recovery IS NOT NULL THEN now END,
           pg_catalog.make_interval(secs => idle_s), now + pg_catalog.make_interval(secs => idle_s),
           now + interval '12 hours'
    RETURNING s.* INTO opened;
    PERFORM sec.add_credentials(opened, studies, tokens_sha256);
    RETURN QUERY
    SELECT opened.expires_at, opened.ends_at, p.recovery_left FROM sec.person p WHERE p.account = name;
END
$$;

-- The session that has this token and has not ended; no row: there is none.
CREATE FUNCTION sec.live_session(token bytea) RETURNS SETOF sec.session
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT s.*
    FROM sec.session s
    WHERE s.session_sha256 = pg_catalog.sha256(token)
      AND s.ended_at IS NULL
      AND s.expires_at > pg_catalog.clock_timestamp()
$$;

-- `confirmed`: password and second factor were both given within ten minutes, so that one of them is enough now.
CREATE FUNCTION auth.find_session(token bytea) RETURNS TABLE (account text, confirmed boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT s.account, COALESCE(s.confirmed_at > pg_catalog.clock_timestamp() - interval '10 minutes', false)
    FROM sec.live_session(token) s
$$;

-- The same session under a new token, confirmed for signatures.
CREATE FUNCTION auth.renew_session(token bytea, session_sha256 bytea, step bigint, recovery bytea, studies int[],
                                   tokens_sha256 bytea[])
RETURNS TABLE (expires_at timestamptz, ends_at timestamptz, recovery_left int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    now timestamptz := pg_catalog.clock_timestamp();
    old sec.session;
    opened sec.session;
BEGIN
    SELECT s.* INTO old FROM sec.live_session(token) s;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such session' USING ERRCODE = '28000';
    END IF;
    PERFORM pg_catalog.set_config('patella.account', old.account, true);
    PERFORM sec.lock_account(old.account);
    PERFORM sec.use_second_factor(old.account, step, recovery);
    PERFORM sec.end_sessions(old.account, old.session_no, 'renewed');
    INSERT INTO sec.session AS s (session_no, session_sha256, account, address, opened_at, second_factor_at,
                                  confirmed_at, idle, expires_at, ends_at)
    SELECT (SELECT pg_catalog.max(x.session_no) + 1 FROM sec.session x), session_sha256, old.account, old.address, now,
           CASE WHEN step IS NOT NULL OR recovery IS NOT NULL THEN now ELSE old.second_factor_at END, now,
           old.idle, LEAST(now + old.idle, old.ends_at), old.ends_at
    RETURNING s.* INTO opened;
    PERFORM sec.add_credentials(opened, studies, tokens_sha256);
    RETURN QUERY
    SELECT opened.expires_at, opened.ends_at, p.recovery_left FROM sec.person p WHERE p.account = old.account;
END
$$;

CREATE FUNCTION auth.close_session(token bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    old sec.session;
BEGIN
    SELECT s.* INTO old FROM sec.live_session(token) s;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM pg_catalog.set_config('patella.account', old.account, true);
    PERFORM sec.end_sessions(old.account, old.session_no, 'logout');
    RETURN true;
END
$$;

-- `totp_secret` once a password was set by it.
CREATE FUNCTION auth.find_invitation(token bytea)
RETURNS TABLE (account text, full_name text, totp_secret bytea, totp_step bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT i.account, a.full_name, CASE WHEN i.opened_at IS NOT NULL THEN p.totp_secret END, p.totp_step
    FROM sec.invitation i
    JOIN sec.account a USING (account)
    LEFT JOIN sec.person p USING (account)
    WHERE i.token_sha256 = pg_catalog.sha256(token)
      AND i.closed_at IS NULL
      AND i.expires_at > pg_catalog.clock_timestamp()
      AND a.disabled_at IS NULL
$$;

-- First step of an invitation: the password counts from now on, what was there before does not.
CREATE FUNCTION auth.set_password(token bytea, password_hash text, password_is_long boolean, totp_secret bytea,
                                  recovery_sha256 bytea[])
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    name text := (SELECT f.account FROM auth.find_invitation(token) f);
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'no such invitation' USING ERRCODE = '28000';
    END IF;
    PERFORM pg_catalog.set_config('patella.account', name, true);
    PERFORM sec.lock_account(name);
    INSERT INTO sec.person AS p (account, password_hash, password_set_at, password_is_long, totp_secret,
                                 recovery_sha256, recovery_left)
    VALUES (name, password_hash, pg_catalog.clock_timestamp(), password_is_long, totp_secret, recovery_sha256,
            pg_catalog.cardinality(recovery_sha256))
    ON CONFLICT (account) DO UPDATE
    SET password_hash = EXCLUDED.password_hash, password_set_at = EXCLUDED.password_set_at,
        password_is_long = EXCLUDED.password_is_long, totp_secret = EXCLUDED.totp_secret, totp_step = 0,
        second_factor_at = NULL, recovery_sha256 = EXCLUDED.recovery_sha256, recovery_left = EXCLUDED.recovery_left;
    UPDATE sec.invitation i
    SET opened_at = pg_catalog.clock_timestamp()
    WHERE i.token_sha256 = pg_catalog.sha256(token);
    PERFORM sec.end_sessions(name, NULL, 'password');
END
$$;

-- Second step: a first code was right.
CREATE FUNCTION auth.accept_invitation(token bytea, step bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    name text := (SELECT f.account FROM auth.find_invitation(token) f WHERE f.totp_secret IS NOT NULL);
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'no such invitation' USING ERRCODE = '28000';
    END IF;
    PERFORM pg_catalog.set_config('patella.account', name, true);
    PERFORM sec.lock_account(name);
    PERFORM sec.use_second_factor(name, step, NULL);
    UPDATE sec.person p SET second_factor_at = pg_catalog.clock_timestamp() WHERE p.account = name;
    PERFORM sec.close_invitations(name, 'accepted');
END
$$;

GRANT EXECUTE ON FUNCTION auth.begin_login(text, inet), auth.fail_login(text, inet, text), auth.list_studies(text),
    auth.open_session(text, bytea, inet, int, bigint, bytea, text, int[], bytea[]), auth.find_session(bytea),
    auth.renew_session(bytea, bytea, bigint, bytea, int[], bytea[]), auth.close_session(bytea),
    auth.find_invitation(bytea), auth.set_password(bytea, text, boolean, bytea, bytea[]),
    auth.accept_invitation(bytea, bigint)
    TO patella_auth;

-- For signatures, as 0017 has it: each one takes a confirmation.  Within ten minutes of the one before, password or
-- second factor alone is enough for the next.
CREATE OR REPLACE FUNCTION sec.confirmed(token bytea) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN sec.take_confirmation(token);
END
$$;

-- ---------------------------------------------------------------------------------------------- for the collector

-- Moves the end of a session that is used on, at most once a minute, and its credentials' with it.
CREATE FUNCTION sec.touch_session(number int) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    now timestamptz := pg_catalog.clock_timestamp();
    moved sec.session;
BEGIN
    PERFORM pg_catalog.set_config('synchronous_commit', 'off', true);
    UPDATE sec.session s
    SET expires_at = LEAST(now + s.idle, s.ends_at)
    WHERE s.session_no = (SELECT x.session_no
                          FROM sec.session x
                          WHERE x.session_no = number
                            AND x.ended_at IS NULL
                            AND x.expires_at BETWEEN now
                                AND LEAST(now + x.idle, x.ends_at) - LEAST(interval '1 minute', x.idle / 4)
                          FOR UPDATE SKIP LOCKED)
    RETURNING s.* INTO moved;
    IF FOUND THEN
        UPDATE sec.credential c
        SET expires_at = moved.expires_at, last_used_at = now
        WHERE c.session_no = number
          AND c.revoked_at IS NULL;
    END IF;
END
$$;

-- A row for each role of the session's holder; one with NULLs when there is none.
CREATE FUNCTION api.find_session(token bytea)
RETURNS TABLE (account text, full_name text, second_factor boolean, confirmed_at timestamptz, expires_at timestamptz,
               ends_at timestamptz, study_id int, study text, role text, site_ids int[])
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.touch_session(s.session_no) FROM sec.live_session(token) s;
    RETURN QUERY
    SELECT s.account, a.full_name, s.second_factor_at IS NOT NULL, s.confirmed_at, s.expires_at, s.ends_at,
           c.study_id, t.code, c.role, c.site_ids
    FROM sec.live_session(token) s
    JOIN sec.account a USING (account)
    LEFT JOIN sec.credential c ON c.session_no = s.session_no AND c.revoked_at IS NULL
    LEFT JOIN core.study t ON t.study_id = c.study_id
    ORDER BY t.code;
END
$$;

-- As in 0007, but that the use of a session moves its end on.
CREATE OR REPLACE FUNCTION api.find_credential(token bytea)
RETURNS TABLE (account text, role text, study_id int, study text, site_ids int[], expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    found_credential sec.credential;
BEGIN
    SELECT c.* INTO found_credential
    FROM sec.credential c
    WHERE c.token_sha256 = pg_catalog.sha256(token)
      AND c.revoked_at IS NULL
      AND c.expires_at > pg_catalog.clock_timestamp();
    IF NOT FOUND THEN
        RETURN;
    END IF;

    -- Once a minute is enough, and nobody waits for anybody else's stamp, nor a reader for a standby: this statement is
    -- a transaction of its own.
    IF found_credential.session_no IS NOT NULL THEN
        PERFORM sec.touch_session(found_credential.session_no);
    ELSIF COALESCE(found_credential.last_used_at, '-infinity') < pg_catalog.clock_timestamp() - interval '1 minute' THEN
        PERFORM pg_catalog.set_config('synchronous_commit', 'off', true);
        UPDATE sec.credential c
        SET last_used_at = pg_catalog.clock_timestamp()
        WHERE c.token_no = (SELECT x.token_no
                            FROM sec.credential x
                            WHERE x.token_no = found_credential.token_no
                            FOR UPDATE SKIP LOCKED);
    END IF;

    RETURN QUERY
    SELECT c.account, c.role, c.study_id, s.code, c.site_ids, c.expires_at
    FROM sec.credential c
    JOIN core.study s USING (study_id)
    WHERE c.token_no = found_credential.token_no;
END
$$;

RESET ROLE;
REVOKE CREATE ON SCHEMA api FROM patella_sec_owner;
GRANT EXECUTE ON FUNCTION api.find_session(bytea) TO patella_collector;
ALTER ROLE patella_auth SET lock_timeout = '5s';
ALTER ROLE patella_auth SET statement_timeout = '10s';
ALTER ROLE patella_auth SET idle_in_transaction_session_timeout = '15s';
SELECT guard.record();
