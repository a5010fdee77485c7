-- SPDX-License-Identifier: GPL-3.0-or-later
-- Who there is.  Owners never log in; whoever logs in owns nothing.
--
-- Roles belong to the whole cluster, and several databases may live in it: everything here can be said twice.

-- The server's log must not repeat what people answered: not as a failed statement, not as a bound parameter, not in
-- the text of an error.  Programs log SQLSTATE and constraint name themselves.
CREATE FUNCTION patella_meta.log_settings() RETURNS TABLE (setting text, value text)
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    VALUES ('log_min_messages', 'log'), ('log_min_error_statement', 'panic'), ('log_error_verbosity', 'terse'),
           ('log_statement', 'none'), ('log_parameter_max_length', '0'), ('log_parameter_max_length_on_error', '0')
$$;

-- A role does not inherit settings: whoever makes one that logs in calls this as superuser.
CREATE FUNCTION patella_meta.keep_values_out_of_log(role name) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN SELECT s.setting, s.value FROM patella_meta.log_settings() s LOOP
        EXECUTE pg_catalog.format('ALTER ROLE %I SET %I = %L', role, wanted.setting, wanted.value);
    END LOOP;
END
$$;

CREATE FUNCTION patella_meta.keeps_values_out_of_log(role name) RETURNS boolean
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT COALESCE((
        SELECT r.rolconfig @> ARRAY(SELECT s.setting || '=' || s.value FROM patella_meta.log_settings() s)
        FROM pg_catalog.pg_roles r
        WHERE r.rolname = role), false)
$$;
REVOKE EXECUTE ON FUNCTION patella_meta.log_settings(), patella_meta.keep_values_out_of_log(name),
    patella_meta.keeps_values_out_of_log(name) FROM PUBLIC;

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY[
        'patella_owner',            -- tables of studies, subjects, submissions
        'patella_api',              -- the functions that the collector reads through; owns no table
        'patella_writer',           -- the one function that stores submissions; owns no table
        'patella_admin_owner',      -- the functions of the administration; owns no table
        'patella_sec_owner',        -- accounts and credentials
        'patella_audit_owner',      -- audit trail
        'patella_blind_owner',      -- allocation
        'patella_report_owner'      -- report jobs and their files
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I', wanted);
        END IF;
        EXECUTE pg_catalog.format(
            'ALTER ROLE %I NOLOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', wanted);
    END LOOP;

    FOREACH wanted IN ARRAY ARRAY[
        'patella_migrator',         -- releases; may become patella_owner, nothing else
        'patella_collector',        -- patellad
        'patella_auth',             -- checks passwords and mints sessions
        'patella_reporter',         -- patella-report
        'patella_auditor',          -- reads the audit trail
        'patella_sealer',           -- seals it
        'patella_unblinder',        -- opens an allocation, in two steps
        'patella_admin'             -- patella-admin
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I', wanted);
        END IF;
        EXECUTE pg_catalog.format(
            'ALTER ROLE %I LOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', wanted);

        PERFORM patella_meta.keep_values_out_of_log(wanted);
        EXECUTE pg_catalog.format('ALTER ROLE %I SET search_path = %L', wanted, '');
    END LOOP;
END
$$;

-- No writing transaction of the daemon lasts longer than 5 s; a lock that takes longer is somebody else's.
ALTER ROLE patella_collector SET lock_timeout = '5s';
ALTER ROLE patella_collector SET statement_timeout = '10s';
ALTER ROLE patella_collector SET idle_in_transaction_session_timeout = '15s';

GRANT patella_owner TO patella_migrator;

CREATE SCHEMA audit AUTHORIZATION patella_audit_owner;
CREATE SCHEMA core AUTHORIZATION patella_owner;
CREATE SCHEMA sec AUTHORIZATION patella_sec_owner;
CREATE SCHEMA blind AUTHORIZATION patella_blind_owner;
CREATE SCHEMA rep AUTHORIZATION patella_report_owner;
CREATE SCHEMA api AUTHORIZATION patella_api;
CREATE SCHEMA admin AUTHORIZATION patella_admin_owner;

GRANT USAGE ON SCHEMA api TO patella_migrator, patella_collector, patella_auth, patella_reporter, patella_auditor,
    patella_sealer, patella_unblinder, patella_admin;
GRANT USAGE ON SCHEMA admin TO patella_admin;
GRANT USAGE ON SCHEMA rep TO patella_reporter;

-- A new function may be called by nobody, until it says by whom.
DO $$
DECLARE
    owner name;
BEGIN
    FOR owner IN
        SELECT DISTINCT pg_catalog.pg_get_userbyid(n.nspowner)
        FROM pg_catalog.pg_namespace n
        WHERE n.nspname IN ('audit', 'core', 'sec', 'blind', 'rep', 'api', 'admin')
        UNION SELECT 'patella_writer'
        UNION SELECT CURRENT_USER
    LOOP
        EXECUTE pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC',
                                  owner);
    END LOOP;
END
$$;

-- What everybody may do in a fresh database, and nobody needs here.
REVOKE ALL ON SCHEMA public FROM PUBLIC;

DO $$
DECLARE
    large_object regprocedure;
BEGIN
    FOR large_object IN
        SELECT p.oid
        FROM pg_catalog.pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace
          AND (p.proname LIKE 'lo\_%' OR p.proname IN ('loread', 'lowrite'))
    LOOP
        EXECUTE pg_catalog.format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', large_object);
    END LOOP;
END
$$;

-- Privileges of the database itself are not copied from a template and not restored by pg_restore, so they are a
-- function that `patella-migrate up` calls at the end of each run.  Without TEMP nobody can put a table of his own
-- before one of ours.
CREATE FUNCTION patella_meta.close_database() RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM PUBLIC', pg_catalog.current_database());
    EXECUTE pg_catalog.format(
        'GRANT CONNECT ON DATABASE %I TO patella_migrator, patella_collector, patella_auth, patella_reporter, '
        'patella_auditor, patella_sealer, patella_unblinder, patella_admin', pg_catalog.current_database());
END
$$;
REVOKE EXECUTE ON FUNCTION patella_meta.close_database() FROM PUBLIC;

GRANT USAGE ON SCHEMA patella_meta TO patella_api, patella_admin_owner;
GRANT EXECUTE ON FUNCTION patella_meta.log_settings(), patella_meta.keeps_values_out_of_log(name)
    TO patella_admin_owner;
GRANT SELECT ON patella_meta.migration TO patella_api;
