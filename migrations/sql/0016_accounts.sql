-- SPDX-License-Identifier: GPL-3.0-or-later
-- Accounts of people: eight roles instead of four, memberships, passwords and second factors, invitations, sessions.

-- ---------------------------------------------------------------------------------------------- roles

SET LOCAL ROLE patella_sec_owner;

ALTER TABLE sec.credential
    DROP CONSTRAINT credential_role_check,
    ADD CONSTRAINT credential_role_check
        CHECK (role IN ('administrator', 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                        'statistician_unmasked', 'site_machine'));

RESET ROLE;

-- Functions that name roles are those of 0008 to 0015 but for the names: each text is replaced where it stands, so that
-- a long function need not stand here again; a text that is not there stops the migration.
DO $$
DECLARE
    change record;
    definition text;
BEGIN
    FOR change IN
        SELECT c.fun::regprocedure AS fun, c.old, c.new
        FROM (VALUES
            -- Who reads what was recorded.
            ('api.list_subjects(bytea, int, int, int, int)',
             '''coordinator'', ''statistician'')',
             '''data_manager'', ''coordinator'', ''investigator'', ''monitor'', ''statistician'', '
             '''statistician_unmasked'')'),
            ('api.find_submission(bytea, int, uuid)',
             '''coordinator'', ''statistician'')',
             '''data_manager'', ''coordinator'', ''investigator'', ''monitor'', ''statistician'', '
             '''statistician_unmasked'')'),
            ('api.list_submissions(bytea, int, int, int, text, text, int, boolean, int, uuid, int)',
             '''coordinator'', ''statistician'')',
             '''data_manager'', ''coordinator'', ''investigator'', ''monitor'', ''statistician'', '
             '''statistician_unmasked'')'),
            -- Cuts and reports.
            ('api.list_cuts(bytea, int)',
             '''statistician'')', '''statistician'', ''statistician_unmasked'', ''data_manager'')'),
            ('api.make_cut(bytea, int, text)',
             '''statistician'')', '''statistician'', ''statistician_unmasked'', ''data_manager'')'),
            ('api.request_report(bytea, int, int)',
             '''statistician'')', '''statistician'', ''statistician_unmasked'')'),
            ('api.list_reports(bytea, int)',
             '''statistician'')', '''statistician'', ''statistician_unmasked'')'),
            ('api.list_report_files(bytea, int, uuid)',
             '''statistician'')', '''statistician'', ''statistician_unmasked'')'),
            ('api.request_report_file(bytea, int, uuid, text)',
             '''statistician'')', '''statistician'', ''statistician_unmasked'')'),
            ('api.read_report_file(bytea, int, uuid)',
             '''statistician'')', '''statistician'', ''statistician_unmasked'')'),
            -- Who sends.
            ('api.read_rest(int[], bytea[], uuid[], int[], int[], int[], text[], text[], int[], text[], int[], int[], '
             'text[], date[], int[], text[], float8[], int[], int[], text[], text[], text[], text[], timestamptz)',
             'c.role NOT IN (''coordinator'', ''site_machine'')',
             'c.role NOT IN (''coordinator'', ''investigator'', ''data_manager'', ''site_machine'')'),
            ('api.submit_batch(bytea[], uuid[], int[], int[], int[], text[], text[], int[], text[], int[], int[], '
             'text[], date[], int[], text[], float8[], int[], int[], text[], text[], text[], text[])',
             'x.role IN (''coordinator'', ''site_machine'')',
             'x.role IN (''coordinator'', ''investigator'', ''data_manager'', ''site_machine'')')
        ) c (fun, old, new)
    LOOP
        definition := pg_catalog.pg_get_functiondef(change.fun);
        IF pg_catalog.strpos(definition, change.old) = 0 THEN
            RAISE EXCEPTION '% does not hold %', change.fun, change.old;
        END IF;
        EXECUTE pg_catalog.replace(definition, change.old, change.new);
    END LOOP;
END
$$;

DELETE FROM guard.protection
WHERE kind = 'policy' AND object IN ('core.subject writer_adds', 'core.submission writer_adds');

DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['subject', 'submission'] LOOP
        EXECUTE pg_catalog.format(
            'ALTER POLICY writer_adds ON core.%1$I WITH CHECK (EXISTS ('
            'SELECT FROM sec.credential c '
            'WHERE c.token_no = %1$I.token_no AND c.account = %1$I.recorded_by AND c.study_id = %1$I.study_id '
            'AND (c.site_ids = ''{}'' OR %1$I.site_id = ANY (c.site_ids)) '
            'AND c.role IN (''coordinator'', ''investigator'', ''data_manager'', ''site_machine'') '
            'AND c.revoked_at IS NULL AND c.expires_at > pg_catalog.statement_timestamp()))', tab);
    END LOOP;
END
$$;

-- ---------------------------------------------------------------------------------------------- tables

SET LOCAL ROLE patella_sec_owner;

-- What a person may do in a study.  Ended, never deleted: another role is another row.
CREATE TABLE sec.membership (
    membership_no int PRIMARY KEY CHECK (membership_no >= 1),
    account text COLLATE "C" NOT NULL REFERENCES sec.account,
    study_id int NOT NULL REFERENCES core.study,
    role text NOT NULL,
    site_ids int[] NOT NULL CHECK (pg_catalog.array_position(site_ids, NULL) IS NULL),      -- {}: every site
    added_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    ended_at timestamptz,
    CONSTRAINT membership_role_check
        CHECK (role IN ('administrator', 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                        'statistician_unmasked')),
    CONSTRAINT membership_sites_check
        CHECK (site_ids = '{}' OR role IN ('data_manager', 'coordinator', 'investigator', 'monitor'))
);
CREATE UNIQUE INDEX membership_current ON sec.membership (account, study_id) WHERE ended_at IS NULL;

-- How a person shows who it is.  The password as argon2id's encoded hash.  The secret of the second factor as it is:
-- whoever checks a code needs it in the clear, so that a key would lie beside it, and a key that is lost would shut
-- everybody out; only functions of schema auth read this table, and no backup of it leaves unencrypted, for it holds
-- what patients answered.  Recovery codes are 80 random bits each, so that SHA-256 is enough.
CREATE TABLE sec.person (
    account text COLLATE "C" PRIMARY KEY REFERENCES sec.account,
    password_hash text NOT NULL CHECK (password_hash ~ '^\$argon2id\$'),
    password_set_at timestamptz NOT NULL,
    password_is_long boolean NOT NULL,          -- enough without a second factor
    totp_secret bytea NOT NULL CHECK (pg_catalog.octet_length(totp_secret) = 20),
    totp_step bigint NOT NULL DEFAULT 0,        -- of the newest code that was used: each counts once
    second_factor_at timestamptz,               -- when a first code showed that it works; NULL: not yet
    recovery_sha256 bytea[] NOT NULL CHECK (pg_catalog.array_position(recovery_sha256, NULL) IS NULL),
    recovery_left int NOT NULL,
    CONSTRAINT person_recovery_check CHECK (recovery_left = pg_catalog.cardinality(recovery_sha256))
);

-- A link that sets password and second factor, for 72 hours; the newest of an account counts.
CREATE TABLE sec.invitation (
    invitation_no int PRIMARY KEY CHECK (invitation_no >= 1),
    account text COLLATE "C" NOT NULL REFERENCES sec.account,
    token_sha256 bytea NOT NULL UNIQUE CHECK (pg_catalog.octet_length(token_sha256) = 32),
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    expires_at timestamptz NOT NULL,
    opened_at timestamptz,                      -- when a password was set by it
    closed_at timestamptz,
    closed_why text CHECK (closed_why IN ('accepted', 'withdrawn', 'replaced', 'disabled')),
    CONSTRAINT invitation_end_check CHECK ((closed_at IS NULL) = (closed_why IS NULL)),
    CONSTRAINT invitation_72_h_check CHECK (expires_at <= made_at + interval '72 hours')
);
CREATE UNIQUE INDEX invitation_open ON sec.invitation (account) WHERE closed_at IS NULL;

CREATE TABLE sec.session (
    session_no int PRIMARY KEY CHECK (session_no >= 1),
    session_sha256 bytea NOT NULL UNIQUE CHECK (pg_catalog.octet_length(session_sha256) = 32),
    account text COLLATE "C" NOT NULL REFERENCES sec.account,
    address inet NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    second_factor_at timestamptz,
    confirmed_at timestamptz,                   -- re-authenticated, for signatures
    confirmation_used_at timestamptz,
    idle interval NOT NULL CHECK (idle BETWEEN interval '1 second' AND interval '1 hour'),
    expires_at timestamptz NOT NULL,            -- unless it is used before
    ends_at timestamptz NOT NULL,               -- however it is used
    ended_at timestamptz,
    ended_why text CHECK (ended_why IN ('logout', 'renewed', 'disabled', 'password', 'administrator')),
    CONSTRAINT session_end_check CHECK ((ended_at IS NULL) = (ended_why IS NULL)),
    CONSTRAINT session_12_h_check CHECK (expires_at <= ends_at AND ends_at <= opened_at + interval '12 hours')
);
CREATE INDEX session_account ON sec.session (account, opened_at);

-- What failed.  A name that nobody has is kept as some bits of its SHA-256: it may be a password in the wrong field.
CREATE TABLE sec.login_failure (
    failure_no bigint PRIMARY KEY,
    name text COLLATE "C" NOT NULL,
    network inet NOT NULL,                      -- of an IPv6 address its /64
    at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    why text NOT NULL CHECK (why IN ('name', 'disabled', 'password', 'code', 'recovery_code', 'second_factor')),
    locks_out boolean NOT NULL                  -- the one that closed the account for a while
);
CREATE INDEX login_failure_name ON sec.login_failure (name, at);
CREATE INDEX login_failure_network ON sec.login_failure (network, at);
CREATE INDEX login_failure_at ON sec.login_failure (at);

ALTER TABLE sec.credential ADD COLUMN session_no int REFERENCES sec.session;    -- NULL: a token of its own
CREATE INDEX credential_session ON sec.credential (session_no) WHERE session_no IS NOT NULL;

DO $$
DECLARE
    change record;
BEGIN
    FOR change IN
        SELECT c.tab, c.may_change, c.secret
        FROM (VALUES
            ('membership', 'ended_at', ''),
            ('person', 'password_hash password_set_at password_is_long totp_secret totp_step second_factor_at '
                       'recovery_sha256 recovery_left',
             'password_hash totp_secret totp_step recovery_sha256'),
            ('invitation', 'opened_at closed_at closed_why', 'token_sha256'),
            ('session', 'confirmation_used_at expires_at ended_at ended_why', 'session_sha256 expires_at'),
            ('login_failure', '', '')) c (tab, may_change, secret)
    LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_rows BEFORE UPDATE ON sec.%I FOR EACH ROW EXECUTE FUNCTION audit.%s(%s)',
            change.tab, CASE change.may_change WHEN '' THEN 'refuse_change' ELSE 'refuse_change_except' END,
            pg_catalog.replace(change.may_change, ' ', ', '));
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_rows_whole BEFORE DELETE ON sec.%I FOR EACH ROW '
            'EXECUTE FUNCTION audit.refuse_change()', change.tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_table BEFORE TRUNCATE ON sec.%I FOR EACH STATEMENT '
            'EXECUTE FUNCTION audit.refuse_change()', change.tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER record_insert AFTER INSERT ON sec.%I REFERENCING NEW TABLE AS added '
            'FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert(%s)',
            change.tab, pg_catalog.replace(change.secret, ' ', ', '));
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER record_update AFTER UPDATE ON sec.%I FOR EACH ROW '
            'EXECUTE FUNCTION audit.record_update(%s)', change.tab, pg_catalog.replace(change.secret, ' ', ', '));
    END LOOP;
END
$$;

RESET ROLE;
DELETE FROM guard.protection
WHERE kind = 'trigger' AND object IN ('sec.credential keep_rows', 'sec.credential record_update');
SET LOCAL ROLE patella_sec_owner;

-- The end of a session's credential moves on while it is used; that leaves no trace.
DROP TRIGGER keep_rows ON sec.credential;
CREATE TRIGGER keep_rows BEFORE UPDATE ON sec.credential
    FOR EACH ROW WHEN (OLD.session_no IS NULL)
    EXECUTE FUNCTION audit.refuse_change_except('revoked_at', 'last_used_at');
CREATE TRIGGER keep_rows_of_session BEFORE UPDATE ON sec.credential
    FOR EACH ROW WHEN (OLD.session_no IS NOT NULL)
    EXECUTE FUNCTION audit.refuse_change_except('revoked_at', 'last_used_at', 'expires_at');
DROP TRIGGER record_update ON sec.credential;
CREATE TRIGGER record_update AFTER UPDATE ON sec.credential
    FOR EACH ROW EXECUTE FUNCTION audit.record_update('token_sha256', 'last_used_at', 'expires_at');

-- ---------------------------------------------------------------------------------------------- changes

-- Ends what a session opened; `number` NULL: all sessions of the account.
CREATE FUNCTION sec.end_sessions(name text, number int, why text) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    UPDATE sec.credential c
    SET revoked_at = pg_catalog.clock_timestamp()
    WHERE c.account = name
      AND c.session_no IS NOT NULL
      AND (number IS NULL OR c.session_no = number)
      AND c.revoked_at IS NULL;
    UPDATE sec.session s
    SET ended_at = pg_catalog.clock_timestamp(), ended_why = why
    WHERE s.account = name
      AND (number IS NULL OR s.session_no = number)
      AND s.ended_at IS NULL;
END
$$;

CREATE FUNCTION sec.close_invitations(name text, why text) RETURNS void
LANGUAGE sql SET search_path = ''
AS $$
    UPDATE sec.invitation i
    SET closed_at = pg_catalog.clock_timestamp(), closed_why = why
    WHERE i.account = name
      AND i.closed_at IS NULL
$$;

-- A lock of the account's row, so that nothing slips in beside disabling it; and the one under which numbers of this
-- schema are counted.
CREATE FUNCTION sec.lock_account(name text) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM FROM sec.account a WHERE a.account = name AND a.disabled_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no account "%" that is not disabled', name USING ERRCODE = 'P0002';
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(75, 0);
END
$$;

CREATE FUNCTION sec.add_membership(study int, name text, role text, sites int[]) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    number int;
    site int;
BEGIN
    PERFORM sec.lock_account(name);
    FOREACH site IN ARRAY sites LOOP
        IF NOT EXISTS (SELECT FROM core.site s WHERE (s.study_id, s.site_id) = (study, site)) THEN
            RAISE EXCEPTION 'the study has no site %', site USING ERRCODE = 'P0002';
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM sec.membership m WHERE (m.account, m.study_id) = (name, study) AND m.ended_at IS NULL) THEN
        RAISE EXCEPTION 'account "%" has a role in the study already', name
            USING ERRCODE = '23505', CONSTRAINT = 'membership_current', HINT = 'end it first';
    END IF;
    SELECT COALESCE(pg_catalog.max(m.membership_no), 0) + 1 INTO number FROM sec.membership m;
    INSERT INTO sec.membership (membership_no, account, study_id, role, site_ids)
    VALUES (number, name, study, role, sites);
    RETURN number;
END
$$;

-- What was opened by it ends at once; tokens of their own are not its business.
CREATE FUNCTION sec.end_membership(study int, name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE sec.membership m
    SET ended_at = pg_catalog.clock_timestamp()
    WHERE (m.account, m.study_id) = (name, study)
      AND m.ended_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account "%" has no role in the study', name USING ERRCODE = 'P0002';
    END IF;
    UPDATE sec.credential c
    SET revoked_at = pg_catalog.clock_timestamp()
    WHERE (c.account, c.study_id) = (name, study)
      AND c.session_no IS NOT NULL
      AND c.revoked_at IS NULL;
END
$$;

-- Replaces an older one; what the account has as password stays until the link is used.
CREATE FUNCTION sec.add_invitation(name text, token_sha256 bytea) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    number int;
BEGIN
    PERFORM sec.lock_account(name);
    PERFORM sec.close_invitations(name, 'replaced');
    SELECT COALESCE(pg_catalog.max(i.invitation_no), 0) + 1 INTO number FROM sec.invitation i;
    INSERT INTO sec.invitation (invitation_no, account, token_sha256, made_at, expires_at)
    VALUES (number, name, token_sha256, pg_catalog.now(), pg_catalog.now() + interval '72 hours');
    RETURN number;
END
$$;

CREATE FUNCTION sec.end_invitation(number bigint, study int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE sec.invitation i
    SET closed_at = pg_catalog.clock_timestamp(), closed_why = 'withdrawn'
    WHERE i.invitation_no = number
      AND i.closed_at IS NULL
      AND (study IS NULL
           OR EXISTS (SELECT FROM sec.membership m
                      WHERE (m.account, m.study_id) = (i.account, study) AND m.ended_at IS NULL));
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no open invitation %', number USING ERRCODE = 'P0002';
    END IF;
END
$$;

-- With it go sessions, tokens, roles and an open invitation, at once.
CREATE FUNCTION sec.disable_account(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE sec.account a
    SET disabled_at = COALESCE(a.disabled_at, pg_catalog.clock_timestamp())
    WHERE a.account = name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no account "%"', name USING ERRCODE = 'P0002';
    END IF;
    PERFORM sec.end_sessions(name, NULL, 'disabled');
    PERFORM sec.close_invitations(name, 'disabled');
    UPDATE sec.membership m
    SET ended_at = pg_catalog.clock_timestamp()
    WHERE m.account = name
      AND m.ended_at IS NULL;
    UPDATE sec.credential c
    SET revoked_at = pg_catalog.clock_timestamp()
    WHERE c.account = name
      AND c.revoked_at IS NULL;
END
$$;

-- ---------------------------------------------------------------------------------------------- for other functions

-- For what needs the second factor: signing, administration, exports.  A token that is no session's has none; it was
-- made for a machine by whoever runs the server.
CREATE FUNCTION sec.need_second_factor(token bytea) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF EXISTS (SELECT FROM sec.credential c
               JOIN sec.session s USING (session_no)
               WHERE c.token_sha256 = pg_catalog.sha256(token)
                 AND s.second_factor_at IS NULL)
    THEN
        RAISE EXCEPTION 'the session has no second factor' USING ERRCODE = '42501';
    END IF;
END
$$;

-- For a signature: true once for each confirmation of the session, within ten minutes.  A token that is no session's
-- signs nothing.
CREATE FUNCTION sec.take_confirmation(token bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE sec.session s
    SET confirmation_used_at = pg_catalog.clock_timestamp()
    FROM sec.credential c
    WHERE c.token_sha256 = pg_catalog.sha256(token)
      AND c.session_no = s.session_no
      AND c.revoked_at IS NULL
      AND s.ended_at IS NULL
      AND s.second_factor_at IS NOT NULL
      AND s.confirmed_at > pg_catalog.clock_timestamp() - interval '10 minutes'
      AND s.confirmation_used_at IS NULL;
    RETURN FOUND;
END
$$;

GRANT EXECUTE ON FUNCTION sec.need_second_factor(bytea), sec.take_confirmation(bytea) TO patella_api;
GRANT EXECUTE ON FUNCTION sec.add_membership(int, text, text, int[]), sec.end_membership(int, text),
    sec.add_invitation(text, bytea), sec.end_invitation(bigint, int), sec.disable_account(text)
    TO patella_admin_owner;

RESET ROLE;
SELECT guard.record();
