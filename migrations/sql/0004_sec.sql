-- SPDX-License-Identifier: GPL-3.0-or-later
-- Accounts, the tokens they hold, and the context that row-level security reads.

GRANT REFERENCES ON core.study TO patella_sec_owner;

SET LOCAL ROLE patella_sec_owner;

CREATE TABLE sec.account (
    account text COLLATE "C" PRIMARY KEY CHECK (account ~ '^[a-z][a-z0-9._-]{0,62}$'),
    full_name text NOT NULL CHECK (pg_catalog.length(pg_catalog.btrim(full_name)) > 0),
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- A token is kept as its SHA-256: it is 32 random bytes, so that a slow hash would protect nothing.  Disabling an
-- account revokes its tokens, so that who asks for a token need not ask for the account.
CREATE TABLE sec.credential (
    token_no int PRIMARY KEY CHECK (token_no >= 1),
    token_sha256 bytea NOT NULL UNIQUE CHECK (pg_catalog.octet_length(token_sha256) = 32),
    account text COLLATE "C" NOT NULL REFERENCES sec.account,
    study_id int NOT NULL REFERENCES core.study,
    role text NOT NULL CHECK (role IN ('administrator', 'coordinator', 'site_machine', 'statistician')),
    site_ids int[] NOT NULL CHECK (pg_catalog.array_position(site_ids, NULL) IS NULL),      -- {}: every site
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    last_used_at timestamptz,
    CONSTRAINT credential_year_check CHECK (expires_at <= created_at + interval '366 days')
);

-- Which role of PostgreSQL may read which study for reports.
CREATE TABLE sec.reporter_grant (
    role name NOT NULL,
    study_id int NOT NULL REFERENCES core.study,
    PRIMARY KEY (role, study_id)
);

CREATE TRIGGER keep_rows BEFORE UPDATE ON sec.account
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change_except('disabled_at');
CREATE TRIGGER keep_rows_whole BEFORE DELETE ON sec.account
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON sec.account
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_insert AFTER INSERT ON sec.account REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert();
CREATE TRIGGER record_update AFTER UPDATE ON sec.account
    FOR EACH ROW EXECUTE FUNCTION audit.record_update();

CREATE TRIGGER keep_rows BEFORE UPDATE ON sec.credential
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change_except('revoked_at', 'last_used_at');
CREATE TRIGGER keep_rows_whole BEFORE DELETE ON sec.credential
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON sec.credential
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_insert AFTER INSERT ON sec.credential REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert('token_sha256');
CREATE TRIGGER record_update AFTER UPDATE ON sec.credential
    FOR EACH ROW EXECUTE FUNCTION audit.record_update('token_sha256', 'last_used_at');

CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON sec.reporter_grant
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON sec.reporter_grant
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_insert AFTER INSERT ON sec.reporter_grant REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert();

-- ---------------------------------------------------------------------------------------------- context

-- The first statement of every function that reads for a token.  It overwrites whatever the session had set, for
-- this transaction; nothing reads these settings before it ran.
CREATE FUNCTION sec.enter(token bytea, study int, VARIADIC roles text[]) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    found_credential sec.credential;
    sites int[];
BEGIN
    SELECT c.* INTO found_credential
    FROM sec.credential c
    WHERE c.token_sha256 = pg_catalog.sha256(token)
      AND c.revoked_at IS NULL
      AND c.expires_at > pg_catalog.clock_timestamp();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no valid token' USING ERRCODE = '28000';
    END IF;
    IF found_credential.study_id IS DISTINCT FROM study OR found_credential.role <> ALL (roles) THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;

    sites := found_credential.site_ids;
    IF sites = '{}' THEN
        SELECT COALESCE(pg_catalog.array_agg(s.site_id), '{}') INTO sites FROM core.site s WHERE s.study_id = study;
    END IF;
    PERFORM pg_catalog.set_config('patella.account', found_credential.account, true),
            pg_catalog.set_config('patella.study', study::text, true),
            pg_catalog.set_config('patella.sites', sites::text, true);
    RETURN found_credential.account;
END
$$;

-- The same for what counts all sites, reports and cuts: a token for some sites is refused.
CREATE FUNCTION sec.enter_whole_study(token bytea, study int, VARIADIC roles text[]) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, VARIADIC roles);
BEGIN
    IF EXISTS (SELECT FROM sec.credential c
               WHERE c.token_sha256 = pg_catalog.sha256(token)
                 AND c.site_ids <> '{}')
    THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
    RETURN account;
END
$$;

CREATE FUNCTION sec.context_study() RETURNS int
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT NULLIF(pg_catalog.current_setting('patella.study', true), '')::int
$$;

CREATE FUNCTION sec.context_sites() RETURNS int[]
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT NULLIF(pg_catalog.current_setting('patella.sites', true), '')::int[]
$$;

-- True when the role of PostgreSQL that is connected may read the study for reports.
CREATE FUNCTION sec.is_reporter(study int) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM sec.reporter_grant g WHERE g.study_id = study AND g.role = session_user)
$$;

GRANT USAGE ON SCHEMA sec
    TO patella_api, patella_writer, patella_admin_owner, patella_report_owner, patella_blind_owner, patella_reporter;
GRANT EXECUTE ON FUNCTION sec.enter(bytea, int, text[]), sec.enter_whole_study(bytea, int, text[]), sec.context_study(),
    sec.context_sites()
    TO patella_api;
GRANT EXECUTE ON FUNCTION sec.is_reporter(int) TO patella_report_owner, patella_blind_owner;
GRANT SELECT ON sec.reporter_grant TO patella_reporter, patella_report_owner, patella_admin_owner;
GRANT SELECT ON sec.credential TO patella_writer;
GRANT SELECT, INSERT ON sec.account, sec.credential TO patella_admin_owner;
GRANT UPDATE (disabled_at) ON sec.account TO patella_admin_owner;
GRANT UPDATE (revoked_at) ON sec.credential TO patella_admin_owner;
GRANT INSERT ON sec.reporter_grant TO patella_admin_owner;
