-- SPDX-License-Identifier: GPL-3.0-or-later
-- What the pages of a study's administrator show beside people: tokens of programs, protocol versions, sites.

GRANT USAGE, CREATE ON SCHEMA api TO patella_sec_owner;
SET LOCAL ROLE patella_sec_owner;

-- Tokens of programs of the study, newest first, without those that sessions opened.  `number` counts them in the order
-- in which they were made: token_no would count those of other studies, and everybody's sessions.
CREATE FUNCTION sec.number_tokens(study int)
RETURNS TABLE (number int, token_no int)
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT (pg_catalog.row_number() OVER (ORDER BY c.token_no))::int, c.token_no
    FROM sec.credential c
    WHERE c.study_id = study
      AND c.session_no IS NULL
$$;

CREATE FUNCTION api.list_tokens(token bytea, study int)
RETURNS TABLE (number int, account text, full_name text, role text, site_ids int[], created_at timestamptz,
               expires_at timestamptz, revoked_at timestamptz, last_used_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter_administration(token, study);
    RETURN QUERY
    SELECT n.number, c.account, a.full_name, c.role, c.site_ids, c.created_at, c.expires_at, c.revoked_at,
           c.last_used_at
    FROM sec.number_tokens(study) n
    JOIN sec.credential c USING (token_no)
    JOIN sec.account a USING (account)
    ORDER BY n.number DESC;
END
$$;

-- Of an account that is a program's: a person signs in, and a token of hers in other hands would act in her name.
-- Not for roles that a session needs its second factor for, beyond what one study's programs do.
CREATE FUNCTION api.add_token(token bytea, study int, name text, full_name text, role text, sites int[],
                              token_sha256 bytea, days int)
RETURNS TABLE (number int, expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    ends timestamptz := pg_catalog.now() + pg_catalog.make_interval(days => days);
    added int;
    site int;
BEGIN
    PERFORM sec.enter_administration(token, study);
    IF role IN ('administrator', 'statistician_unmasked') OR days NOT BETWEEN 1 AND 366 THEN
        RAISE EXCEPTION 'no token of this kind' USING ERRCODE = '42501';
    END IF;
    IF full_name IS NOT NULL THEN
        INSERT INTO sec.account (account, full_name) VALUES (name, full_name);
    END IF;
    PERFORM sec.lock_account(name);
    IF EXISTS (SELECT FROM sec.membership m WHERE m.account = name)
       OR EXISTS (SELECT FROM sec.person p WHERE p.account = name)
       OR EXISTS (SELECT FROM sec.credential c
                  WHERE c.account = name AND (c.study_id <> study OR c.session_no IS NOT NULL))
       OR (full_name IS NULL
           AND NOT EXISTS (SELECT FROM sec.credential c WHERE (c.account, c.study_id) = (name, study)))
    THEN
        RAISE EXCEPTION 'account "%" is no program of this study alone', name USING ERRCODE = '42501';
    END IF;
    FOREACH site IN ARRAY sites LOOP
        IF NOT EXISTS (SELECT FROM core.site s WHERE (s.study_id, s.site_id) = (study, site)) THEN
            RAISE EXCEPTION 'the study has no site %', site USING ERRCODE = 'P0002';
        END IF;
    END LOOP;
    SELECT COALESCE(pg_catalog.max(c.token_no), 0) + 1 INTO added FROM sec.credential c;
    INSERT INTO sec.credential (token_no, token_sha256, account, study_id, role, site_ids, expires_at)
    VALUES (added, token_sha256, name, study, role, sites, ends);
    RETURN QUERY
    SELECT n.number, ends FROM sec.number_tokens(study) n WHERE n.token_no = added;
END
$$;

CREATE FUNCTION api.revoke_token(token bytea, study int, number int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM sec.enter_administration(token, study);
    UPDATE sec.credential c
    SET revoked_at = COALESCE(c.revoked_at, pg_catalog.clock_timestamp())
    WHERE c.token_no = (SELECT n.token_no FROM sec.number_tokens(study) n WHERE n.number = revoke_token.number);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no token %', number USING ERRCODE = 'P0002';
    END IF;
END
$$;

RESET ROLE;
REVOKE CREATE ON SCHEMA api FROM patella_sec_owner;

-- ---------------------------------------------------------------------------------------------- who added it

SET LOCAL ROLE patella_audit_owner;

-- Who added a row of the context's study; `keys` as the trail has them.  NULL: the trail does not say.
CREATE FUNCTION audit.find_adder(object_name text, added_at timestamptz, keys jsonb) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT e.actor
    FROM audit.event e
    WHERE e.study_id = sec.context_study()
      AND e.at BETWEEN added_at - interval '1 minute' AND added_at + interval '1 minute'
      AND e.operation = 'INSERT'
      AND e.object = object_name
      AND e.new @> keys
    LIMIT 1
$$;
GRANT EXECUTE ON FUNCTION audit.find_adder(text, timestamptz, jsonb) TO patella_api;

RESET ROLE;
SET LOCAL ROLE patella_api;

CREATE FUNCTION api.list_protocol_versions(token bytea, study int)
RETURNS TABLE (version int, sha256 bytea, added_at timestamptz, added_by text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.need_second_factor(token);
    PERFORM sec.enter_whole_study(token, study, 'administrator');
    RETURN QUERY
    SELECT p.version, p.sha256, p.created_at,
           audit.find_adder('core.protocol', p.created_at, pg_catalog.jsonb_build_object('version', p.version))
    FROM core.protocol p
    WHERE p.study_id = study
    ORDER BY p.version DESC;
END
$$;

CREATE FUNCTION api.list_study_sites(token bytea, study int)
RETURNS TABLE (site_id int, name text, time_zone text, added_at timestamptz, subjects bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.need_second_factor(token);
    PERFORM sec.enter_whole_study(token, study, 'administrator');
    RETURN QUERY
    SELECT s.site_id, s.name, s.time_zone, s.created_at,
           (SELECT pg_catalog.count(*) FROM core.subject j WHERE (j.study_id, j.site_id) = (s.study_id, s.site_id))
    FROM core.site s
    WHERE s.study_id = study
    ORDER BY s.site_id;
END
$$;

RESET ROLE;
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT p.oid::pg_catalog.regprocedure AS fun
        FROM pg_catalog.pg_proc p
        WHERE p.pronamespace = 'api'::pg_catalog.regnamespace
          AND p.proname IN ('list_tokens', 'add_token', 'revoke_token', 'list_protocol_versions', 'list_study_sites')
    LOOP
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO patella_collector', one.fun);
    END LOOP;
END
$$;
