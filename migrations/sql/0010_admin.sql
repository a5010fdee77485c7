-- SPDX-License-Identifier: GPL-3.0-or-later
-- What patella-admin may do.  It holds no privilege on any table: every change goes through one of these functions,
-- says who made it (admin.enter), and is recorded by the triggers of the table.
--
-- SQLSTATE P0002: what was named is not there; 23505: it is there already; 22023: a value that will not do.

SET LOCAL ROLE patella_admin_owner;

-- First statement of every function that changes something.  The program says which person of the operating system
-- it works for (patella.operator); PostgreSQL knows the role itself.
CREATE FUNCTION admin.enter(reason text DEFAULT NULL) RETURNS text
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    operator text := pg_catalog.left(NULLIF(pg_catalog.current_setting('patella.operator', true), ''), 63);
    actor text := 'db:' || session_user || COALESCE(':' || operator, '');
BEGIN
    PERFORM pg_catalog.set_config('patella.account', actor, true),
            pg_catalog.set_config('patella.reason', COALESCE(reason, ''), true);
    RETURN actor;
END
$$;

CREATE FUNCTION admin.find_study(code text) RETURNS int
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    found_id int;
BEGIN
    SELECT s.study_id INTO found_id FROM core.study s WHERE s.code = find_study.code;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no study "%"', code
            USING ERRCODE = 'P0002', HINT = 'patella-admin study list shows the studies';
    END IF;
    RETURN found_id;
END
$$;

CREATE FUNCTION admin.need_reason(reason text) RETURNS void
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
    IF NOT core.is_reason(reason) THEN
        RAISE EXCEPTION 'a reason is missing'
            USING ERRCODE = '22023', HINT = 'give one of at least five characters that are not blank';
    END IF;
END
$$;

-- ---------------------------------------------------------------------------------------------- studies

-- Numbers are counted under a lock, not taken from a sequence, so that a number tells nothing but the order.
CREATE FUNCTION admin.add_study(code text, title text, masking text, reporter name DEFAULT 'patella_reporter')
RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    number int;
BEGIN
    PERFORM admin.enter();
    PERFORM pg_catalog.pg_advisory_xact_lock(74, 0);
    IF EXISTS (SELECT FROM core.study s WHERE s.code = add_study.code) THEN
        RAISE EXCEPTION 'study "%" exists already', code
            USING ERRCODE = '23505', CONSTRAINT = 'study_code_key';
    END IF;
    IF code !~ '^[a-z0-9][a-z0-9_-]{0,39}$' THEN
        RAISE EXCEPTION 'study code "%" will not do', code
            USING ERRCODE = '22023', HINT = 'use up to 40 lower-case letters, digits, - and _';
    END IF;
    SELECT COALESCE(pg_catalog.max(s.study_id), 0) + 1 INTO number FROM core.study s;
    INSERT INTO core.study (study_id, code, title, masking) VALUES (number, code, title, masking);
    PERFORM admin.grant_reporter(code, COALESCE(reporter, 'patella_reporter'));
    RETURN number;
END
$$;

CREATE FUNCTION admin.grant_reporter(study text, reporter name) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
BEGIN
    PERFORM admin.enter();
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = reporter) THEN
        RAISE EXCEPTION 'PostgreSQL has no role "%"', reporter
            USING ERRCODE = 'P0002', HINT = 'make it first: CREATE ROLE ... LOGIN IN ROLE patella_reporter';
    END IF;
    IF NOT patella_meta.keeps_values_out_of_log(reporter) THEN
        RAISE EXCEPTION 'what role "%" reads would get into the log of the server', reporter
            USING ERRCODE = '22023', HINT = pg_catalog.format(
                'run as superuser: SELECT patella_meta.keep_values_out_of_log(%L)', reporter);
    END IF;
    INSERT INTO sec.reporter_grant (role, study_id) VALUES (reporter, study_no) ON CONFLICT DO NOTHING;
END
$$;

-- True when it was added; false when the very same text was there already.  `masking` is what the text says, as its
-- reader understood it.
CREATE FUNCTION admin.put_protocol(study text, version int, yaml text, masking text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
    study_masking text;
    digest bytea := pg_catalog.sha256(pg_catalog.convert_to(yaml, 'UTF8'));
    kept bytea;
    newest int;
BEGIN
    PERFORM admin.enter();
    SELECT s.masking INTO study_masking FROM core.study s WHERE s.study_id = study_no;
    IF masking IS DISTINCT FROM study_masking THEN
        RAISE EXCEPTION 'the protocol has masking "%", the study has "%"', COALESCE(masking, ''), study_masking
            USING ERRCODE = '22023', HINT = 'correct the file: the masking of a study is for ever';
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(74, study_no);
    SELECT p.sha256 INTO kept FROM core.protocol p WHERE p.study_id = study_no AND p.version = put_protocol.version;
    IF FOUND AND kept = digest THEN
        RETURN false;
    END IF;
    SELECT pg_catalog.max(p.version) INTO newest FROM core.protocol p WHERE p.study_id = study_no;
    IF version <= newest THEN
        RAISE EXCEPTION 'the study has version % of its protocol, and this version % is another text', newest, version
            USING ERRCODE = '23505', CONSTRAINT = 'protocol_pkey', HINT = 'raise the version in the file';
    END IF;
    INSERT INTO core.protocol (study_id, version, yaml, sha256) VALUES (study_no, version, yaml, digest);
    RETURN true;
END
$$;

CREATE FUNCTION admin.put_form(study text, form text, version int, yaml text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
    digest bytea := pg_catalog.sha256(pg_catalog.convert_to(yaml, 'UTF8'));
    kept bytea;
    newest int;
BEGIN
    PERFORM admin.enter();
    PERFORM pg_catalog.pg_advisory_xact_lock(74, study_no);
    SELECT f.sha256 INTO kept
    FROM core.form f
    WHERE (f.study_id, f.form, f.version) = (study_no, put_form.form, put_form.version);
    IF FOUND AND kept = digest THEN
        RETURN false;
    END IF;
    SELECT pg_catalog.max(f.version) INTO newest
    FROM core.form f
    WHERE (f.study_id, f.form) = (study_no, put_form.form);
    IF version <= newest THEN
        RAISE EXCEPTION 'the study has version % of form "%", and this version % is another text', newest, form, version
            USING ERRCODE = '23505', CONSTRAINT = 'form_pkey', HINT = 'raise the version in the file';
    END IF;
    INSERT INTO core.form (study_id, form, version, yaml, sha256) VALUES (study_no, form, version, yaml, digest);
    RETURN true;
END
$$;

CREATE FUNCTION admin.add_site(study text, site int, name text, time_zone text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
BEGIN
    PERFORM admin.enter();
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_timezone_names z WHERE z.name = time_zone) THEN
        RAISE EXCEPTION 'no time zone "%"', time_zone
            USING ERRCODE = '22023', HINT = 'use a name such as Europe/Berlin';
    END IF;
    IF EXISTS (SELECT FROM core.site s WHERE (s.study_id, s.site_id) = (study_no, site)) THEN
        RAISE EXCEPTION 'the study has a site % already', site
            USING ERRCODE = '23505', CONSTRAINT = 'site_pkey';
    END IF;
    INSERT INTO core.site (study_id, site_id, name, time_zone) VALUES (study_no, site, name, time_zone);
END
$$;

CREATE FUNCTION admin.freeze_study(study text, frozen boolean, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
BEGIN
    PERFORM admin.enter(reason);
    PERFORM admin.need_reason(reason);
    UPDATE core.study s SET frozen = freeze_study.frozen WHERE s.study_id = study_no;
END
$$;

CREATE FUNCTION admin.lock_subject(study text, site int, subject int, locked boolean, reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
BEGIN
    PERFORM admin.enter(reason);
    PERFORM admin.need_reason(reason);
    UPDATE core.subject s
    SET locked = lock_subject.locked
    WHERE (s.study_id, s.site_id, s.subject_no) = (study_no, site, subject);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the study has no such subject at site %', site USING ERRCODE = 'P0002';
    END IF;
END
$$;

CREATE FUNCTION admin.make_cut(study text, label text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN core.add_cut(admin.find_study(study), label, admin.enter());
END
$$;

-- ---------------------------------------------------------------------------------------------- people

CREATE FUNCTION admin.add_account(name text, full_name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM admin.enter();
    IF name !~ '^[a-z][a-z0-9._-]{0,62}$' THEN
        RAISE EXCEPTION 'account name "%" will not do', name
            USING ERRCODE = '22023', HINT = 'use a lower-case letter, then letters, digits, ".", "_" and "-"';
    END IF;
    IF EXISTS (SELECT FROM sec.account a WHERE a.account = name) THEN
        RAISE EXCEPTION 'account "%" exists already', name
            USING ERRCODE = '23505', CONSTRAINT = 'account_pkey', HINT = 'names are never given a second time';
    END IF;
    INSERT INTO sec.account (account, full_name) VALUES (name, full_name);
END
$$;

-- With it go its tokens, at once.
CREATE FUNCTION admin.disable_account(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM admin.enter();
    UPDATE sec.account a
    SET disabled_at = COALESCE(a.disabled_at, pg_catalog.clock_timestamp())
    WHERE a.account = name;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no account "%"', name USING ERRCODE = 'P0002';
    END IF;
    UPDATE sec.credential c
    SET revoked_at = pg_catalog.clock_timestamp()
    WHERE c.account = name
      AND c.revoked_at IS NULL;
END
$$;

-- `sites` '{}': every site of the study, those to come too.  Only the token's SHA-256 comes here.
CREATE FUNCTION admin.add_token(account text, study text, role text, sites int[], token_sha256 bytea,
                                expires_at timestamptz)
RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
    number int;
    site int;
BEGIN
    PERFORM admin.enter();
    -- A lock of the account's row, so that a token cannot slip in beside disabling it.
    PERFORM FROM sec.account a WHERE a.account = add_token.account AND a.disabled_at IS NULL FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no account "%" that is not disabled', account USING ERRCODE = 'P0002';
    END IF;
    FOREACH site IN ARRAY sites LOOP
        IF NOT EXISTS (SELECT FROM core.site s WHERE (s.study_id, s.site_id) = (study_no, site)) THEN
            RAISE EXCEPTION 'the study has no site %', site USING ERRCODE = 'P0002';
        END IF;
    END LOOP;
    IF expires_at NOT BETWEEN pg_catalog.now() AND pg_catalog.now() + interval '366 days' THEN
        RAISE EXCEPTION 'the token would not end within a year'
            USING ERRCODE = '22023', HINT = 'choose an end between now and one year from now';
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(75, 0);
    SELECT COALESCE(pg_catalog.max(c.token_no), 0) + 1 INTO number FROM sec.credential c;
    INSERT INTO sec.credential (token_no, token_sha256, account, study_id, role, site_ids, expires_at)
    VALUES (number, token_sha256, account, study_no, role, sites, expires_at);
    RETURN number;
END
$$;

CREATE FUNCTION admin.revoke_token(token_no bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM admin.enter();
    UPDATE sec.credential c
    SET revoked_at = COALESCE(c.revoked_at, pg_catalog.clock_timestamp())
    WHERE c.token_no = revoke_token.token_no;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no token %', token_no USING ERRCODE = 'P0002';
    END IF;
END
$$;

-- ---------------------------------------------------------------------------------------------- lists

CREATE FUNCTION admin.list_studies()
RETURNS TABLE (code text, title text, masking text, frozen boolean, protocol_version int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT s.code, s.title, s.masking, s.frozen,
           (SELECT pg_catalog.max(p.version) FROM core.protocol p WHERE p.study_id = s.study_id)
    FROM core.study s
    ORDER BY s.code
$$;

CREATE FUNCTION admin.list_sites(study text) RETURNS TABLE (site_id int, name text, time_zone text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT s.site_id, s.name, s.time_zone
    FROM core.site s
    WHERE s.study_id = admin.find_study(study)
    ORDER BY s.site_id
$$;

CREATE FUNCTION admin.list_protocols(study text) RETURNS TABLE (version int, yaml text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT p.version, p.yaml
    FROM core.protocol p
    WHERE p.study_id = admin.find_study(study)
    ORDER BY p.version DESC
$$;

CREATE FUNCTION admin.list_forms(study text) RETURNS TABLE (form text, version int, yaml text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT f.form, f.version, f.yaml
    FROM core.form f
    WHERE f.study_id = admin.find_study(study)
    ORDER BY f.form, f.version DESC
$$;

CREATE FUNCTION admin.list_accounts() RETURNS TABLE (account text, full_name text, disabled boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT a.account, a.full_name, a.disabled_at IS NOT NULL FROM sec.account a ORDER BY a.account
$$;

-- NULL: the tokens of all studies.
CREATE FUNCTION admin.list_tokens(study text)
RETURNS TABLE (token_no int, account text, study text, role text, sites int[], expires_at timestamptz,
               revoked_at timestamptz, last_used_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT c.token_no, c.account, s.code, c.role, c.site_ids, c.expires_at, c.revoked_at, c.last_used_at
    FROM sec.credential c
    JOIN core.study s USING (study_id)
    WHERE $1 IS NULL OR s.study_id = admin.find_study($1)
    ORDER BY c.token_no
$$;

CREATE FUNCTION admin.list_cuts(study text)
RETURNS TABLE (cut_no int, label text, protocol_version int, made_by text, made_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT c.cut_no, c.label, c.protocol_version, c.made_by, c.made_at
    FROM core.cut c
    WHERE c.study_id = admin.find_study(study)
    ORDER BY c.cut_no
$$;

GRANT EXECUTE ON FUNCTION admin.add_study(text, text, text, name), admin.grant_reporter(text, name),
    admin.put_protocol(text, int, text, text), admin.put_form(text, text, int, text),
    admin.add_site(text, int, text, text),
    admin.freeze_study(text, boolean, text), admin.lock_subject(text, int, int, boolean, text),
    admin.make_cut(text, text), admin.add_account(text, text), admin.disable_account(text),
    admin.add_token(text, text, text, int[], bytea, timestamptz), admin.revoke_token(bigint), admin.list_studies(),
    admin.list_sites(text), admin.list_protocols(text), admin.list_forms(text), admin.list_accounts(),
    admin.list_tokens(text), admin.list_cuts(text)
    TO patella_admin;

GRANT USAGE ON SCHEMA admin TO patella_blind_owner;
GRANT EXECUTE ON FUNCTION admin.enter(text), admin.find_study(text) TO patella_blind_owner;

RESET ROLE;

-- ---------------------------------------------------------------------------------------------- allocation

-- Owned by the owner of the allocation table: nobody else may write it.  Entries that say what the newest one says
-- are left out, so that the same list can be given again; another cohort than before needs a reason.
CREATE FUNCTION admin.allocate(study text, sites int[], subjects int[], knees text[], cohorts text[], reason text)
RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
    actor text := admin.enter(reason);
    odd record;
    added int;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(76, study_no);

    -- The list as a whole is right, or nothing of it is entered.
    SELECT r.site, r.subject, s.subject_no IS NULL AS unknown, newest.cohort <> r.cohort AS changes INTO odd
    FROM ROWS FROM (pg_catalog.unnest(sites), pg_catalog.unnest(subjects), pg_catalog.unnest(knees),
                    pg_catalog.unnest(cohorts)) WITH ORDINALITY r (site, subject, knee, cohort, ord)
    LEFT JOIN core.subject s ON (s.study_id, s.site_id, s.subject_no) = (study_no, r.site, r.subject)
    LEFT JOIN LATERAL (
        SELECT a.cohort
        FROM blind.allocation a
        WHERE (a.study_id, a.site_id, a.subject_no, a.knee) = (study_no, r.site, r.subject, r.knee)
        ORDER BY a.entry DESC
        LIMIT 1) newest ON true
    WHERE s.subject_no IS NULL
       OR (newest.cohort <> r.cohort AND NOT core.is_reason(reason))
    ORDER BY r.ord
    LIMIT 1;
    IF odd.unknown THEN
        RAISE EXCEPTION 'no subject %-% in the study', odd.site, odd.subject
            USING ERRCODE = 'P0002', HINT = 'enrol it first, or correct the list';
    ELSIF odd.changes THEN
        RAISE EXCEPTION 'subject %-% is allocated to another cohort already', odd.site, odd.subject
            USING ERRCODE = '22023', HINT = 'give a reason of at least five characters to change it';
    END IF;

    INSERT INTO blind.allocation (study_id, site_id, subject_no, knee, entry, cohort, reason, entered_by, entered_at,
                                  xid, era)
    SELECT study_no, r.site, r.subject, r.knee, COALESCE(newest.entry, 0) + 1, r.cohort, NULLIF(reason, ''), actor,
           pg_catalog.clock_timestamp(), pg_catalog.pg_current_xact_id(), audit.current_era()
    FROM ROWS FROM (pg_catalog.unnest(sites), pg_catalog.unnest(subjects), pg_catalog.unnest(knees),
                    pg_catalog.unnest(cohorts)) r (site, subject, knee, cohort)
    LEFT JOIN LATERAL (
        SELECT a.entry, a.cohort
        FROM blind.allocation a
        WHERE (a.study_id, a.site_id, a.subject_no, a.knee) = (study_no, r.site, r.subject, r.knee)
        ORDER BY a.entry DESC
        LIMIT 1) newest ON true
    WHERE newest.entry IS NULL
       OR newest.cohort IS DISTINCT FROM r.cohort;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END
$$;
ALTER FUNCTION admin.allocate(text, int[], int[], text[], text[], text) OWNER TO patella_blind_owner;
GRANT EXECUTE ON FUNCTION admin.allocate(text, int[], int[], text[], text[], text) TO patella_admin;
