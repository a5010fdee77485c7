-- SPDX-License-Identifier: GPL-3.0-or-later
-- What the collector may call without a token, or to find out whose a token is.

SET LOCAL ROLE patella_api;

-- Which migrations the database has: every program asks before it does anything else.
CREATE FUNCTION api.schema_status() RETURNS TABLE (number int, name text, sha256 bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT m.number, m.name, m.sha256 FROM patella_meta.migration m ORDER BY m.number
$$;

-- Moves on with any change of a study, site, protocol or form.
CREATE FUNCTION api.catalogue_version() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT c.version FROM core.catalogue_state c
$$;

CREATE FUNCTION api.list_studies()
RETURNS TABLE (study_id int, code text, title text, masking text, frozen boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT s.study_id, s.code, s.title, s.masking, s.frozen FROM core.study s ORDER BY s.study_id
$$;

CREATE FUNCTION api.list_sites() RETURNS TABLE (study_id int, site_id int, name text, time_zone text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT s.study_id, s.site_id, s.name, s.time_zone FROM core.site s ORDER BY s.study_id, s.site_id
$$;

CREATE FUNCTION api.list_protocols() RETURNS TABLE (study_id int, version int, yaml text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT p.study_id, p.version, p.yaml FROM core.protocol p ORDER BY p.study_id, p.version DESC
$$;

CREATE FUNCTION api.list_forms() RETURNS TABLE (study_id int, form text, version int, yaml text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT f.study_id, f.form, f.version, f.yaml FROM core.form f ORDER BY f.study_id, f.form, f.version DESC
$$;

RESET ROLE;

-- Owned by the owner of the credentials, who alone may write when one was last used.  A token without a row here is
-- unknown, revoked or expired; which of them is nobody's business.
CREATE FUNCTION api.find_credential(token bytea)
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
    IF COALESCE(found_credential.last_used_at, '-infinity') < pg_catalog.clock_timestamp() - interval '1 minute' THEN
        PERFORM pg_catalog.set_config('synchronous_commit', 'off', true);
        UPDATE sec.credential c
        SET last_used_at = pg_catalog.clock_timestamp()
        WHERE c.token_no = (SELECT x.token_no
                            FROM sec.credential x
                            WHERE x.token_no = found_credential.token_no
                            FOR UPDATE SKIP LOCKED);
    END IF;

    RETURN QUERY
    SELECT found_credential.account, found_credential.role, found_credential.study_id, s.code,
           found_credential.site_ids, found_credential.expires_at
    FROM core.study s
    WHERE s.study_id = found_credential.study_id;
END
$$;
ALTER FUNCTION api.find_credential(bytea) OWNER TO patella_sec_owner;

GRANT EXECUTE ON FUNCTION api.schema_status()
    TO patella_migrator, patella_collector, patella_auth, patella_reporter, patella_auditor, patella_sealer,
       patella_unblinder, patella_admin;
GRANT EXECUTE ON FUNCTION api.catalogue_version(), api.list_studies(), api.list_sites(), api.list_protocols(),
    api.list_forms(), api.find_credential(bytea)
    TO patella_collector;
