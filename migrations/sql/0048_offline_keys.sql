-- SPDX-License-Identifier: GPL-3.0-or-later
-- Keys under which a browser keeps what was entered without a network: one for each account and browser, handed out at
-- each sign-in and kept by the page in memory only.  Without a session nobody reads what a device holds; when the same
-- account signs in there again, it comes back.
--
-- The key is needed as it is, so it stands here as it is: wrapped under another one, that one would lie beside it.
-- Only the two functions below read it; it is in no trail and no log.

GRANT EXECUTE ON FUNCTION audit.record(text, text, int, int, uuid, bytea, jsonb, text, text, int) TO patella_sec_owner;
GRANT EXECUTE ON FUNCTION core.is_reason(text) TO patella_sec_owner;
GRANT USAGE, CREATE ON SCHEMA api TO patella_sec_owner;

SET LOCAL ROLE patella_sec_owner;

CREATE TABLE sec.offline_key (
    account text COLLATE "C" NOT NULL REFERENCES sec.account,
    browser uuid NOT NULL,                      -- made by the browser
    key bytea NOT NULL CHECK (pg_catalog.octet_length(key) = 32),
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (account, browser)
);
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON sec.offline_key
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON sec.offline_key
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_insert AFTER INSERT ON sec.offline_key REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert('key');

-- The key of the session's holder for this browser, `fresh` when there was none.  Ten new ones a day, a hundred in all:
-- who could have as many as he likes would fill the table.
CREATE FUNCTION api.offline_key(token bytea, browser uuid, fresh bytea)
RETURNS TABLE (code text, account text, key bytea, made_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    holder text := (SELECT s.account FROM sec.live_session(token) s);
    found_key sec.offline_key;
BEGIN
    IF holder IS NULL THEN
        RAISE EXCEPTION 'no such session' USING ERRCODE = '28000';
    END IF;
    PERFORM pg_catalog.set_config('patella.account', holder, true);
    PERFORM sec.lock_account(holder);
    SELECT k.* INTO found_key FROM sec.offline_key k WHERE (k.account, k.browser) = (holder, offline_key.browser);
    IF NOT FOUND THEN
        IF (SELECT pg_catalog.count(*) >= 100
                   OR pg_catalog.count(*)
                      FILTER (WHERE k.made_at > pg_catalog.clock_timestamp() - interval '1 day') >= 10
            FROM sec.offline_key k
            WHERE k.account = holder)
        THEN
            RETURN QUERY SELECT 'too_many_browsers', holder, NULL::bytea, NULL::timestamptz;
            RETURN;
        END IF;
        INSERT INTO sec.offline_key AS k (account, browser, key)
        VALUES (holder, offline_key.browser, fresh)
        RETURNING k.* INTO found_key;
    END IF;
    PERFORM audit.record('HAND OUT', 'sec.offline_key', NULL, NULL, found_key.browser, NULL, NULL, NULL);
    RETURN QUERY SELECT NULL::text, holder, found_key.key, found_key.made_at;
END
$$;

-- For what somebody has entered who may not send it any more.  The key is that of the account and the browser: it opens
-- what the account entered there, in whichever study, to who has the device as well.
CREATE FUNCTION api.release_offline_key(token bytea, study int, browser uuid, name text, reason text)
RETURNS TABLE (code text, account text, key bytea, made_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    manager text := sec.enter(token, study, 'data_manager');
    found_key sec.offline_key;
BEGIN
    PERFORM sec.need_second_factor(token);
    SELECT k.* INTO found_key
    FROM sec.offline_key k
    WHERE (k.account, k.browser) = (name, release_offline_key.browser)
      AND EXISTS (SELECT FROM sec.membership m
                  WHERE (m.account, m.study_id) = (name, study)
                    AND CASE m.site_ids
                        WHEN '{}' THEN NOT EXISTS (SELECT FROM core.site s
                                                   WHERE s.study_id = study
                                                     AND s.site_id <> ALL (sec.context_sites()))
                        ELSE m.site_ids <@ sec.context_sites() END);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such key' USING ERRCODE = 'P0002';
    END IF;
    IF EXISTS (SELECT FROM sec.membership m
               JOIN sec.account a USING (account)
               WHERE (m.account, m.study_id) = (name, study) AND m.ended_at IS NULL AND a.disabled_at IS NULL)
    THEN
        RETURN QUERY SELECT 'account_active', name, NULL::bytea, NULL::timestamptz;
        RETURN;
    END IF;
    IF NOT core.is_reason(reason) THEN
        RETURN QUERY SELECT 'reason_missing', name, NULL::bytea, NULL::timestamptz;
        RETURN;
    END IF;
    PERFORM audit.record('RELEASE', 'sec.offline_key', study, NULL, found_key.browser, NULL,
                         pg_catalog.jsonb_build_object('account', name), reason);
    RETURN QUERY SELECT NULL::text, name, found_key.key, found_key.made_at;
END
$$;

RESET ROLE;
REVOKE CREATE ON SCHEMA api FROM patella_sec_owner;
GRANT EXECUTE ON FUNCTION api.offline_key(bytea, uuid, bytea), api.release_offline_key(bytea, int, uuid, text, text)
    TO patella_collector;
SELECT guard.record();
