-- SPDX-License-Identifier: GPL-3.0-or-later
-- Uploads as they come in: begun, added to piece by piece, ended or given up; the ledger, profiles, what is deleted.
--
-- patella_collector has no privilege on a table, and COPY wants one: pieces come as parameters of a function, at most
-- 256 KiB each, which costs a round trip and a sec.enter for each and no more bytes on the wire than COPY.  What an
-- upload is refused for has a code and leaves no audit row: nothing was stored, and nothing about a patient was tried.

SET LOCAL ROLE patella_api;

CREATE TYPE api.upload AS (
    upload_id uuid,
    site_id int,
    account text,
    name text,
    form text,
    profile text,
    profile_version int,
    profile_site int,
    metadata text,
    size bigint,
    received bigint,
    sha256 bytea,
    state text,
    problem text,
    mode text,
    reason text,
    begun_at timestamptz,
    expires_at timestamptz,
    phase text,
    rows_done bigint,
    bytes_done bigint,
    phase_began_at timestamptz,
    noted_at timestamptz,
    counts text,
    digest bytea,
    reason_needed boolean,
    previewed_at timestamptz,
    preview_ends_at timestamptz,
    batch_no int,
    committed_by text,
    committed_at timestamptz,
    receipt text,
    same_as uuid,
    taken_back_by text,
    taken_back_at timestamptz,
    taken_back_reason text,
    findings text,              -- of the last reading
    dialect text
);

-- The state as it is now: what has expired says so before anybody has marked it.
CREATE FUNCTION api.upload_state(f upload.file) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN CASE WHEN f.state = 'receiving' AND f.expires_at <= pg_catalog.clock_timestamp() THEN 'expired'
                WHEN f.state = 'previewed' AND f.preview_ends_at <= pg_catalog.clock_timestamp() THEN 'expired'
                ELSE f.state END;
END
$$;

CREATE FUNCTION api.as_upload(f upload.file, whole boolean) RETURNS api.upload
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    receipt text := f.receipt::text;
    found_findings text;
    found_dialect text;
BEGIN
    IF f.same_as IS NOT NULL THEN
        SELECT x.receipt::text INTO receipt
        FROM upload.file x
        WHERE (x.study_id, x.site_id, x.upload_id) = (f.study_id, f.site_id, f.same_as);
    END IF;
    IF whole THEN
        SELECT r.findings::text, r.dialect::text INTO found_findings, found_dialect
        FROM upload.reading r
        WHERE (r.study_id, r.site_id, r.upload_id, r.reading_no) = (f.study_id, f.site_id, f.upload_id, f.reading_no);
    END IF;
    RETURN ROW(f.upload_id, f.site_id, f.recorded_by, f.name, f.form, f.profile, f.profile_version, f.profile_site,
               f.metadata, f.size, f.received, f.sha256, api.upload_state(f), f.problem, f.mode, f.reason,
               f.recorded_at, f.expires_at, f.phase, f.rows_done, f.bytes_done, f.phase_began_at, f.noted_at,
               f.counts::text, f.digest, f.reason_needed, f.previewed_at, f.preview_ends_at, f.batch_no,
               f.committed_by, f.committed_at, receipt, f.same_as, f.taken_back_by, f.taken_back_at,
               f.taken_back_reason, found_findings, found_dialect)::api.upload;
END
$$;

-- One that the context sees.
CREATE FUNCTION api.get_upload(study int, upload uuid) RETURNS upload.file
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    f upload.file;
BEGIN
    SELECT x.* INTO f
    FROM upload.file x
    WHERE x.study_id = study
      AND x.site_id = ANY (sec.context_sites() || 0)
      AND x.upload_id = upload;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such upload' USING ERRCODE = 'P0002';
    END IF;
    RETURN f;
END
$$;

-- The same, and its row is the transaction's; `account`: of this account only, for others do not add to it.
CREATE FUNCTION api.lock_upload(study int, upload uuid, account text DEFAULT NULL) RETURNS upload.file
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    f upload.file;
BEGIN
    SELECT x.* INTO f
    FROM upload.file x
    WHERE x.study_id = study
      AND x.site_id = ANY (sec.context_sites() || 0)
      AND x.upload_id = upload
      AND (lock_upload.account IS NULL OR x.recorded_by = lock_upload.account)
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such upload' USING ERRCODE = 'P0002';
    END IF;
    RETURN f;
END
$$;

-- ---------------------------------------------------------------------------------------------- the ledger

CREATE FUNCTION api.find_upload(token bytea, study int, upload uuid) RETURNS SETOF api.upload
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked', 'site_machine');
    RETURN QUERY SELECT (api.as_upload(api.get_upload(study, upload), true)).*;
END
$$;

-- Newest first, behind the upload `after`; NULL filters nothing.
CREATE FUNCTION api.list_uploads(token bytea, study int, site int, wanted_state text, after uuid, most int)
RETURNS SETOF api.upload
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    last upload.file;
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked', 'site_machine');
    IF after IS NOT NULL THEN
        last := api.get_upload(study, after);
    END IF;

    RETURN QUERY
    SELECT v.*
    FROM (SELECT x
          FROM upload.file x
          WHERE x.study_id = study
            AND (site IS NULL OR x.site_id = site)
            AND (after IS NULL OR (x.recorded_at, x.upload_id) < (last.recorded_at, last.upload_id))
            AND (wanted_state IS NULL OR api.upload_state(x) = wanted_state)
          ORDER BY x.recorded_at DESC, x.upload_id DESC
          LIMIT LEAST(GREATEST(most, 1), 10000)) f
    CROSS JOIN LATERAL api.as_upload(f.x, false) v;
END
$$;

-- ---------------------------------------------------------------------------------------------- receiving

-- The profile of that name, of the site or else of the study; version NULL or 0: the newest.
CREATE FUNCTION api.get_profile(study int, site int, name text, version int) RETURNS upload.profile
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    p upload.profile;
BEGIN
    SELECT x.* INTO p
    FROM upload.profile x
    WHERE x.study_id = study
      AND x.site_id IN (site, 0)
      AND x.name = get_profile.name
      AND (COALESCE(get_profile.version, 0) = 0 OR x.version = get_profile.version)
    ORDER BY x.site_id DESC, x.version DESC
    LIMIT 1;
    RETURN p;
END
$$;

-- `site` NULL: the rows name it, unless the token is for one site.
CREATE FUNCTION api.begin_upload(token bytea, study int, site int, name text, form text, profile text,
                                 profile_version int, size bigint, mode text, reason text, metadata text, hours int)
RETURNS TABLE (code text, upload_id uuid, site_id int, expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_variable
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    sites int[] := ARRAY(SELECT s FROM pg_catalog.unnest(sec.context_sites()) s ORDER BY s);
    p upload.profile;
    f upload.file;
BEGIN
    IF site IS NOT NULL THEN
        IF site <> ALL (sites) THEN
            RETURN QUERY SELECT 'unknown_site', NULL::uuid, NULL::int, NULL::timestamptz;
            RETURN;
        END IF;
        sites := ARRAY[site];
    END IF;
    p := api.get_profile(study, CASE pg_catalog.cardinality(sites) WHEN 1 THEN sites[1] ELSE 0 END, profile,
                         profile_version);
    code := CASE WHEN sites = '{}' THEN 'unknown_site'
                 WHEN pg_catalog.length(name) NOT BETWEEN 1 AND 255 THEN 'bad_name'
                 WHEN form IS NOT NULL
                      AND NOT EXISTS (SELECT FROM core.form x WHERE (x.study_id, x.form) = (study, form))
                     THEN 'unknown_form'
                 WHEN profile IS NOT NULL AND p.name IS NULL THEN 'unknown_profile'
                 WHEN mode NOT IN ('all-or-nothing', 'good-rows') THEN 'bad_mode'
                 WHEN reason IS NOT NULL AND NOT core.is_reason(reason) THEN 'reason_missing'
                 WHEN size > 2147483648 OR pg_catalog.octet_length(metadata) > 4096 THEN 'too_large'
                 -- Who begins and never ends would fill the disk.
                 WHEN (SELECT pg_catalog.count(*)
                       FROM upload.file x
                       WHERE x.keeps_bytes
                         AND x.study_id = study
                         AND x.recorded_by = account
                         AND x.state = 'receiving'
                         AND x.expires_at > pg_catalog.clock_timestamp()) >= 100 THEN 'too_many' END;
    IF code IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;
    INSERT INTO upload.file AS n (study_id, site_id, site_ids, token_no, name, metadata, form, profile, profile_site,
                                  profile_version, hours, size, mode, reason, expires_at)
    VALUES (study, CASE pg_catalog.cardinality(sites) WHEN 1 THEN sites[1] ELSE 0 END, sites, sec.token_number(token),
            name, metadata, form, p.name, p.site_id, p.version, LEAST(GREATEST(hours, 1), 168), size, mode, reason,
            pg_catalog.clock_timestamp() + LEAST(GREATEST(hours, 1), 168) * interval '1 hour')
    RETURNING n.* INTO f;
    RETURN QUERY SELECT NULL::text, f.upload_id, f.site_id, f.expires_at;
END
$$;

-- The piece that begins at `start`.  It may come again as it is, when its answer was lost.
CREATE FUNCTION api.append_upload(token bytea, study int, upload uuid, start bigint, piece bytea)
RETURNS TABLE (code text, received bigint, expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_variable
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f upload.file := api.lock_upload(study, upload, account);
    length int := pg_catalog.octet_length(piece);
BEGIN
    received := f.received;
    expires_at := f.expires_at;
    code := CASE WHEN api.upload_state(f) = 'expired' THEN 'expired'
                 WHEN f.state <> 'receiving' THEN 'not_receiving'
                 WHEN length NOT BETWEEN 1 AND 262144 THEN 'too_large' END;
    IF code IS NULL AND start + length <= f.received
       AND EXISTS (SELECT FROM upload.chunk c
                   WHERE (c.study_id, c.site_id, c.upload_id, c.start) = (study, f.site_id, upload, start)
                     AND c.bytes = piece)
    THEN
        RETURN NEXT;
        RETURN;
    END IF;
    code := COALESCE(code, CASE WHEN start IS DISTINCT FROM f.received THEN 'wrong_offset'
                                WHEN start + length > COALESCE(f.size, 2147483648) THEN 'too_large' END);
    IF code IS NULL THEN
        INSERT INTO upload.chunk (study_id, site_id, upload_id, start, bytes)
        VALUES (study, f.site_id, upload, start, piece);
        UPDATE upload.file AS x
        SET received = f.received + length, expires_at = pg_catalog.clock_timestamp() + f.hours * interval '1 hour'
        WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload)
        RETURNING x.received, x.expires_at INTO received, expires_at;
    END IF;
    RETURN NEXT;
END
$$;

-- The upload that was committed with these bytes, and stands.
CREATE FUNCTION api.find_same(f upload.file, sha256 bytea) RETURNS uuid
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN (SELECT x.upload_id
            FROM upload.file x
            WHERE (x.study_id, x.site_id, x.sha256) = (f.study_id, f.site_id, find_same.sha256)
              AND x.site_ids = f.site_ids
              AND (x.form, x.profile, x.profile_site, x.profile_version)
                  IS NOT DISTINCT FROM (f.form, f.profile, f.profile_site, f.profile_version)
              AND x.state IN ('committed', 'taking_back')
            ORDER BY x.committed_at
            LIMIT 1);
END
$$;

-- `sha256` NULL: a job will say.
CREATE FUNCTION api.end_upload(token bytea, study int, upload uuid, size bigint, sha256 bytea)
RETURNS TABLE (code text, same_as uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_variable
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f upload.file := api.lock_upload(study, upload, account);
BEGIN
    same_as := f.same_as;
    IF f.state NOT IN ('receiving', 'expired', 'deleted') AND f.size = size THEN
        RETURN NEXT;                -- it was ended before, and the answer was lost
        RETURN;
    END IF;
    code := CASE WHEN api.upload_state(f) = 'expired' THEN 'expired'
                 WHEN f.state <> 'receiving' THEN 'not_receiving'
                 WHEN f.received IS DISTINCT FROM size OR COALESCE(f.size, size) <> size THEN 'incomplete' END;
    IF code IS NULL THEN
        same_as := api.find_same(f, sha256);
        UPDATE upload.file AS x
        SET state = CASE WHEN same_as IS NULL THEN 'queued' ELSE 'repeated' END,
            state_at = pg_catalog.clock_timestamp(), same_as = same_as, size = f.received, sha256 = sha256
        WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload);
    END IF;
    RETURN NEXT;
END
$$;

-- By who began it.  The row stays; its bytes go with the next purge.
CREATE FUNCTION api.delete_upload(token bytea, study int, upload uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f upload.file := api.lock_upload(study, upload, account);
BEGIN
    IF f.state IN ('checking', 'committing', 'taking_back') THEN
        RETURN 'under_way';
    ELSIF f.state IN ('committed', 'taken_back') THEN
        RETURN 'committed';
    ELSIF f.state IN ('receiving', 'queued', 'previewed', 'refused') THEN
        UPDATE upload.file x
        SET state = 'deleted', state_at = pg_catalog.clock_timestamp()
        WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload);
    END IF;
    RETURN NULL;
END
$$;

-- ---------------------------------------------------------------------------------------------- profiles

-- The next version; the newest one's very bytes again are that one.  Site 0: of all sites.
CREATE FUNCTION api.add_upload_profile(token bytea, study int, site int, name text, yaml text)
RETURNS SETOF upload.profile
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'data_manager');
    digest bytea := pg_catalog.sha256(pg_catalog.convert_to(yaml, 'UTF8'));
    newest upload.profile;
BEGIN
    IF (site = ANY (sec.context_sites()) OR (site = 0 AND sec.has_all_sites(token))) IS NOT TRUE THEN
        RAISE EXCEPTION 'no such site' USING ERRCODE = 'P0002';
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(87, study);
    SELECT p.* INTO newest
    FROM upload.profile p
    WHERE (p.study_id, p.site_id, p.name) = (study, site, add_upload_profile.name)
    ORDER BY p.version DESC
    LIMIT 1;
    IF newest.sha256 = digest THEN
        RETURN NEXT newest;
        RETURN;
    END IF;
    RETURN QUERY
    INSERT INTO upload.profile AS p (study_id, site_id, name, version, yaml, sha256)
    VALUES (study, site, name, COALESCE(newest.version, 0) + 1, yaml, digest)
    RETURNING p.*;
END
$$;

-- The newest version of each.
CREATE FUNCTION api.list_upload_profiles(token bytea, study int) RETURNS SETOF upload.profile
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked', 'site_machine');
    RETURN QUERY
    SELECT DISTINCT ON (p.site_id, p.name) p.*
    FROM upload.profile p
    WHERE p.study_id = study
    ORDER BY p.site_id, p.name, p.version DESC;
END
$$;

-- Version 0: the newest.
CREATE FUNCTION api.find_upload_profile(token bytea, study int, site int, name text, version int)
RETURNS SETOF upload.profile
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    p upload.profile;
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked', 'site_machine');
    p := api.get_profile(study, site, name, version);
    IF p.name IS NULL THEN
        RAISE EXCEPTION 'no such profile' USING ERRCODE = 'P0002';
    END IF;
    RETURN NEXT p;
END
$$;

-- ---------------------------------------------------------------------------------------------- what is deleted

RESET ROLE;
SET LOCAL ROLE patella_upload_owner;

-- Marks what has expired, and deletes at most `most` rows of bytes, lines and findings that are not needed any more;
-- true when more may be left.  One at a time: who comes second has nothing to do.
CREATE FUNCTION upload.purge(most int) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    now timestamptz := pg_catalog.clock_timestamp();
    f upload.file;
    gone int;
    left_over int := most;
    old_lines boolean;
BEGIN
    IF NOT pg_catalog.pg_try_advisory_xact_lock(84, 0) THEN
        RETURN false;
    END IF;
    UPDATE upload.file x
    SET state = 'expired', state_at = now
    WHERE (x.keeps_bytes OR x.keeps_rows)
      AND (x.state = 'receiving' AND x.expires_at <= now
           OR x.state = 'previewed' AND x.preview_ends_at <= now
           -- Whose owner never came back.
           OR x.state IN ('queued', 'checking', 'committing')
              AND x.state_at < now - interval '7 days'
              AND pg_catalog.pg_try_advisory_xact_lock(85, pg_catalog.hashtext(x.upload_id::text)));

    FOR f IN
        SELECT x.*
        FROM upload.file x
        WHERE x.keeps_bytes
          AND x.state IN ('refused', 'repeated', 'committed', 'taking_back', 'taken_back', 'expired', 'deleted')
        ORDER BY x.state_at
    LOOP
        DELETE FROM upload.chunk c
        WHERE (c.study_id, c.site_id, c.upload_id) = (f.study_id, f.site_id, f.upload_id)
          AND c.start IN (SELECT d.start
                          FROM upload.chunk d
                          WHERE (d.study_id, d.site_id, d.upload_id) = (f.study_id, f.site_id, f.upload_id)
                          ORDER BY d.start
                          LIMIT left_over);
        GET DIAGNOSTICS gone = ROW_COUNT;
        left_over := left_over - gone;
        IF left_over = 0 THEN
            RETURN true;
        END IF;
        UPDATE upload.file x
        SET keeps_bytes = false
        WHERE (x.study_id, x.site_id, x.upload_id) = (f.study_id, f.site_id, f.upload_id);
    END LOOP;

    FOR f IN
        SELECT x.*
        FROM upload.file x
        WHERE x.keeps_rows
        ORDER BY x.state_at
    LOOP
        old_lines := f.state = 'deleted'
                     OR f.state IN ('refused', 'repeated', 'committed', 'taken_back', 'expired')
                        AND f.state_at < now - interval '30 days';
        DELETE FROM upload.line l
        WHERE (l.study_id, l.site_id, l.upload_id) = (f.study_id, f.site_id, f.upload_id)
          AND (l.reading_no, l.line) IN (SELECT d.reading_no, d.line
                                         FROM upload.line d
                                         WHERE (d.study_id, d.site_id, d.upload_id)
                                               = (f.study_id, f.site_id, f.upload_id)
                                           AND (old_lines OR d.reading_no < f.reading_no)
                                         ORDER BY d.reading_no, d.line
                                         LIMIT left_over);
        GET DIAGNOSTICS gone = ROW_COUNT;
        left_over := left_over - gone;
        IF left_over = 0 THEN
            RETURN true;
        END IF;
        DELETE FROM upload.reading r
        WHERE (r.study_id, r.site_id, r.upload_id) = (f.study_id, f.site_id, f.upload_id)
          AND (old_lines OR r.reading_no < f.reading_no);
        IF old_lines THEN
            UPDATE upload.file x
            SET keeps_rows = false
            WHERE (x.study_id, x.site_id, x.upload_id) = (f.study_id, f.site_id, f.upload_id);
        END IF;
    END LOOP;
    RETURN false;
END
$$;
GRANT EXECUTE ON FUNCTION upload.purge(int) TO patella_api;

RESET ROLE;
SET LOCAL ROLE patella_api;

-- For patellad, now and then; nobody asks for it.
CREATE FUNCTION api.purge_uploads() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN upload.purge(1000);
END
$$;

GRANT EXECUTE ON FUNCTION api.find_upload(bytea, int, uuid), api.list_uploads(bytea, int, int, text, uuid, int),
    api.begin_upload(bytea, int, int, text, text, text, int, bigint, text, text, text, int),
    api.append_upload(bytea, int, uuid, bigint, bytea), api.end_upload(bytea, int, uuid, bigint, bytea),
    api.delete_upload(bytea, int, uuid), api.add_upload_profile(bytea, int, int, text, text),
    api.list_upload_profiles(bytea, int), api.find_upload_profile(bytea, int, int, text, int), api.purge_uploads()
    TO patella_collector;

RESET ROLE;
SELECT guard.record();
