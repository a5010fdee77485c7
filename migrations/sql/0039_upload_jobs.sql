-- SPDX-License-Identifier: GPL-3.0-or-later
-- Jobs that read uploads: two at a time in the whole database, each upload by one; what they find, and what is stored
-- of the records that a file names.
--
-- Who has an upload is told by session-level advisory locks (84: slots, 85: uploads), which end with the connection:
-- whatever happens to a daemon, another may go on.

SET LOCAL ROLE patella_upload_owner;

ALTER TABLE upload.file
    ADD asked_by text,                  -- who asked for the commit: it goes on in nobody else's name
    ADD taken_back_xid xid8,
    ADD taken_back_era smallint,
    ADD CONSTRAINT file_taken_back_xid_check
        CHECK (pg_catalog.num_nulls(taken_back_at, taken_back_xid, taken_back_era) IN (0, 3)),
    ADD CONSTRAINT file_asked_check CHECK (state <> 'committing' OR asked_by IS NOT NULL);
CREATE INDEX file_taken_back ON upload.file (study_id, taken_back_xid) WHERE taken_back_xid IS NOT NULL;

-- Whether a transaction took an upload back: which one, of which sites, is not said.
CREATE FUNCTION upload.took_back(study int, xid xid8, era smallint) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM upload.file f
                   WHERE (f.study_id, f.taken_back_xid) = (study, took_back.xid)
                     AND f.taken_back_era = took_back.era);
END
$$;
GRANT EXECUTE ON FUNCTION upload.took_back(int, xid8, smallint) TO patella_api;

RESET ROLE;
SET LOCAL ROLE patella_audit_owner;

-- Somebody must be told of a file that was refused, once for each: whoever sent it may not read the answer.
CREATE FUNCTION audit.note_refused_file(study int, site int, upload uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    told text := 'upload ' || upload;
BEGIN
    IF NOT EXISTS (SELECT FROM audit.notice n WHERE n.object = told AND n.study_id = study) THEN
        PERFORM audit.add_notice('upload_refused', 'failure', study, NULLIF(site, 0), NULL, told);
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION audit.note_refused_file(int, int, uuid) TO patella_api;

RESET ROLE;
SET LOCAL ROLE patella_api;

-- ---------------------------------------------------------------------------------------------- slots

-- False when both are in use.
CREATE FUNCTION api.take_upload_slot() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN pg_catalog.pg_try_advisory_lock(84, 1) OR pg_catalog.pg_try_advisory_lock(84, 2);
END
$$;

-- And the upload that was taken with it.
CREATE FUNCTION api.leave_upload_slot() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM pg_catalog.pg_advisory_unlock_all();
END
$$;

-- Whether this very connection has the upload: after a loss it has not, and must not go on.
CREATE FUNCTION api.need_upload(upload uuid) RETURNS void
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NOT EXISTS (SELECT
                   FROM pg_catalog.pg_locks l
                   WHERE l.locktype = 'advisory'
                     AND l.pid = pg_catalog.pg_backend_pid()
                     AND l.granted
                     AND l.classid = 85
                     AND l.objid = (pg_catalog.hashtext(upload::text)::bigint & 4294967295)::oid
                     AND l.objsubid = 2)
    THEN
        RAISE EXCEPTION 'the upload is not taken by this connection' USING ERRCODE = '55000';
    END IF;
END
$$;

-- NULL when it is taken.  Only for who asked for what is to be done.
CREATE FUNCTION api.take_upload(token bytea, study int, upload uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f upload.file := api.get_upload(study, upload);
    code text;
BEGIN
    IF NOT pg_catalog.pg_try_advisory_lock(85, pg_catalog.hashtext(upload::text)) THEN
        RETURN 'taken';
    END IF;
    f := api.lock_upload(study, upload);
    code := CASE WHEN f.state NOT IN ('queued', 'checking', 'committing', 'taking_back') THEN 'not_queued'
                 WHEN account IS DISTINCT FROM CASE f.state WHEN 'committing' THEN f.asked_by
                                                            WHEN 'taking_back' THEN f.taken_back_by
                                                            ELSE f.recorded_by END THEN 'not_yours'
                 WHEN f.state <> 'taking_back' AND NOT f.keeps_bytes THEN 'gone' END;
    IF code IS NOT NULL THEN
        PERFORM pg_catalog.pg_advisory_unlock(85, pg_catalog.hashtext(upload::text));
        RETURN code;
    END IF;
    UPDATE upload.file x
    SET phase = NULL, rows_done = 0, bytes_done = 0, phase_began_at = NULL, noted_at = NULL
    WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload);
    IF f.state IN ('queued', 'checking') THEN
        UPDATE upload.file x
        SET state = 'checking', state_at = pg_catalog.clock_timestamp(), reading_no = f.reading_no + 1, counts = NULL,
            digest = NULL, reason_needed = false, previewed_at = NULL, preview_token = NULL, preview_ends_at = NULL
        WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload);
    END IF;
    RETURN NULL;
END
$$;

-- checking -> queued: the daemon stops.
CREATE FUNCTION api.put_upload_back(token bytea, study int, upload uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    PERFORM api.get_upload(study, upload);
    UPDATE upload.file x
    SET state = 'queued', state_at = pg_catalog.clock_timestamp()
    WHERE x.study_id = study
      AND x.site_id = ANY (sec.context_sites() || 0)
      AND x.upload_id = upload
      AND x.state = 'checking';
END
$$;

-- ---------------------------------------------------------------------------------------------- reading

-- What is there from `start` on of the piece that holds it; NULL behind the end.
CREATE FUNCTION api.read_upload(token bytea, study int, upload uuid, start bigint) RETURNS bytea
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    site int;
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    site := (api.get_upload(study, upload)).site_id;
    RETURN (SELECT CASE WHEN read_upload.start < c.start + pg_catalog.octet_length(c.bytes)
                        THEN pg_catalog.substring(c.bytes, (read_upload.start - c.start + 1)::int) END
            FROM upload.chunk c
            WHERE (c.study_id, c.site_id, c.upload_id) = (study, site, upload)
              AND c.start <= read_upload.start
            ORDER BY c.start DESC
            LIMIT 1);
END
$$;

CREATE FUNCTION api.note_upload(token bytea, study int, upload uuid, phase text, rows_done bigint, bytes_done bigint)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_variable
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    PERFORM api.get_upload(study, upload);
    UPDATE upload.file AS x
    SET phase = phase, rows_done = rows_done, bytes_done = bytes_done, noted_at = pg_catalog.clock_timestamp(),
        phase_began_at = CASE WHEN x.phase = phase THEN x.phase_began_at ELSE pg_catalog.clock_timestamp() END
    WHERE x.study_id = study
      AND x.site_id = ANY (sec.context_sites() || 0)
      AND x.upload_id = upload
      AND x.state IN ('checking', 'committing', 'taking_back');
END
$$;

-- The upload that was committed with these bytes, of which this one is a repetition; else NULL.
CREATE FUNCTION api.hash_upload(token bytea, study int, upload uuid, sha256 bytea) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_variable
DECLARE
    f upload.file;
    same uuid;
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f := api.lock_upload(study, upload);
    IF f.state <> 'checking' THEN
        RAISE EXCEPTION 'the upload is not being checked' USING ERRCODE = '55000';
    END IF;
    same := api.find_same(f, sha256);
    UPDATE upload.file AS x
    SET sha256 = sha256, same_as = same,
        state = CASE WHEN same IS NULL THEN 'checking' ELSE 'repeated' END,
        state_at = CASE WHEN same IS NULL THEN x.state_at ELSE pg_catalog.clock_timestamp() END
    WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload);
    RETURN same;
END
$$;

-- Lines of the reading that is under way; what is there already stays.
CREATE FUNCTION api.add_upload_lines(token bytea, study int, upload uuid, lines int[], verdicts text[], warned int[],
                                     records text[], details text[], cells text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    f upload.file;
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f := api.get_upload(study, upload);
    IF f.state <> 'checking' THEN
        RAISE EXCEPTION 'the upload is not being checked' USING ERRCODE = '55000';
    END IF;
    INSERT INTO upload.line (study_id, site_id, upload_id, reading_no, line, verdict, warned, record, detail, cells)
    SELECT study, f.site_id, upload, f.reading_no, lines[g], verdicts[g], warned[g] <> 0, records[g],
           details[g]::json, cells[g]::json
    FROM pg_catalog.generate_series(1, pg_catalog.cardinality(lines)) g
    ON CONFLICT DO NOTHING;
END
$$;

-- Of the last reading, by line; `verdict` NULL: any, 'warned': those that somebody should look at.
CREATE FUNCTION api.list_upload_lines(token bytea, study int, upload uuid, wanted text, after int, most int)
RETURNS TABLE (line int, verdict text, warned boolean, record text, detail text, cells text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    f upload.file;
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked', 'site_machine');
    f := api.get_upload(study, upload);
    RETURN QUERY
    SELECT l.line, l.verdict, l.warned, l.record, l.detail::text, l.cells::text
    FROM upload.line l
    WHERE (l.study_id, l.site_id, l.upload_id, l.reading_no) = (study, f.site_id, upload, f.reading_no)
      AND l.line > COALESCE(after, 0)
      AND (wanted IS NULL OR l.verdict = wanted OR (wanted = 'warned' AND l.warned))
    ORDER BY l.line
    LIMIT LEAST(GREATEST(most, 1), 1000);
END
$$;

-- checking -> previewed, which is good for a day, or refused, which somebody is told.
CREATE FUNCTION api.end_upload_check(token bytea, study int, upload uuid, wanted_state text, problem text, counts text,
                                     findings text, dialect text, digest bytea, preview_token bytea,
                                     reason_needed boolean)
RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_variable
DECLARE
    f upload.file;
    now timestamptz := pg_catalog.clock_timestamp();
    ends timestamptz;
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f := api.lock_upload(study, upload);
    IF f.state <> 'checking' OR wanted_state NOT IN ('previewed', 'refused') THEN
        RAISE EXCEPTION 'the upload is not being checked' USING ERRCODE = '55000';
    END IF;
    INSERT INTO upload.reading AS r (study_id, site_id, upload_id, reading_no, findings, dialect)
    VALUES (study, f.site_id, upload, f.reading_no, findings::json, dialect::json)
    ON CONFLICT DO NOTHING;
    UPDATE upload.file AS x
    SET state = wanted_state, state_at = now, problem = COALESCE(problem, x.problem), counts = counts::jsonb,
        digest = digest, reason_needed = COALESCE(reason_needed, false),
        previewed_at = CASE wanted_state WHEN 'previewed' THEN now END,
        preview_token = preview_token,
        preview_ends_at = CASE wanted_state WHEN 'previewed' THEN now + interval '24 hours' END,
        phase = NULL
    WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload)
    RETURNING x.preview_ends_at INTO ends;
    IF wanted_state = 'refused' THEN
        PERFORM audit.note_refused_file(study, f.site_id, upload);
    END IF;
    RETURN ends;
END
$$;

-- ---------------------------------------------------------------------------------------------- what is stored

-- Of each key, in their order: what a version of it would meet.  `treatment`: the form that makes day 1.  About the
-- subject (knee "none") day 1 is that of the index knee as enrolled, or of the knee that was treated.  Each row is
-- looked up by LATERAL (... LIMIT 1) or a sub-select of that kind, by the primary key: see api.submit_batch.
CREATE FUNCTION api.look_up_records(token bytea, study int, sites int[], subjects int[], knees text[], forms text[],
                                    visits text[], instances int[], treatment text)
RETURNS TABLE (ord int, subject_known boolean, subject_locked boolean, record_locked boolean, record_signed boolean,
               study_frozen boolean, version int, is_void boolean, taken_back boolean, form_version int, dated date,
               content text, treated_on date, index_knee text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    is_frozen boolean;
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    SELECT s.frozen INTO is_frozen FROM core.study s WHERE s.study_id = study;

    RETURN QUERY
    SELECT g, COALESCE(e.status <> 'void', false), COALESCE(s.locked, false),
           COALESCE((SELECT l.locked
                     FROM core.record_lock l
                     WHERE v.version IS NOT NULL
                       AND (l.study_id, l.site_id, l.subject_no, l.form, l.knee, l.visit, l.instance)
                           = (study, sites[g], subjects[g], forms[g], knees[g], visits[g], instances[g])
                     ORDER BY l.event_no DESC
                     LIMIT 1), false),
           COALESCE((SELECT true
                     FROM core.signature n
                     WHERE (n.study_id, n.site_id, n.submission_id) = (study, sites[g], v.id)
                     LIMIT 1), false),
           is_frozen, COALESCE(v.version, 0), COALESCE(v.status = 'void', false),
           CASE WHEN v.status = 'void' THEN upload.took_back(study, v.xid, v.era) ELSE false END,
           v.form_version, v.dated, v.content::text,
           CASE WHEN e.status <> 'void' THEN (
               SELECT CASE knees[g] WHEN 'none'
                      THEN COALESCE(pg_catalog.min(t.dated) FILTER (WHERE t.knee = e.index_knee),
                                    pg_catalog.min(t.dated))
                      ELSE pg_catalog.min(t.dated) FILTER (WHERE t.knee = knees[g]) END
               FROM (SELECT DISTINCT ON (x.knee, x.visit, x.instance) x.knee, x.status, x.dated
                     FROM core.submission x
                     WHERE (x.study_id, x.site_id, x.subject_no, x.form) = (study, sites[g], subjects[g], treatment)
                     ORDER BY x.knee, x.visit, x.instance, x.version DESC) t
               WHERE t.status <> 'void'
                 AND t.knee <> 'none') END,
           e.index_knee
    FROM pg_catalog.generate_series(1, LEAST(pg_catalog.cardinality(sites), 1000)) g
    LEFT JOIN LATERAL (
        SELECT x.locked, x.form, x.knee, x.visit, x.instance
        FROM core.subject x
        WHERE (x.study_id, x.site_id, x.subject_no) = (study, sites[g], subjects[g])
        LIMIT 1) s ON true
    LEFT JOIN LATERAL (
        SELECT x.status, x.content -> 'answers' ->> 'index_knee' AS index_knee
        FROM core.submission x
        WHERE s.form IS NOT NULL
          AND (x.study_id, x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance)
              = (study, sites[g], subjects[g], s.form, s.knee, s.visit, s.instance)
        ORDER BY x.version DESC
        LIMIT 1) e ON true
    LEFT JOIN LATERAL (
        SELECT x.id, x.version, x.status, x.form_version, x.dated, x.content, x.xid, x.era
        FROM core.submission x
        WHERE s.form IS NOT NULL
          AND (x.study_id, x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance)
              = (study, sites[g], subjects[g], forms[g], knees[g], visits[g], instances[g])
        ORDER BY x.version DESC
        LIMIT 1) v ON true
    ORDER BY g;
END
$$;

GRANT EXECUTE ON FUNCTION api.take_upload_slot(), api.leave_upload_slot(), api.take_upload(bytea, int, uuid),
    api.put_upload_back(bytea, int, uuid), api.read_upload(bytea, int, uuid, bigint),
    api.note_upload(bytea, int, uuid, text, bigint, bigint), api.hash_upload(bytea, int, uuid, bytea),
    api.add_upload_lines(bytea, int, uuid, int[], text[], int[], text[], text[], text[]),
    api.list_upload_lines(bytea, int, uuid, text, int, int),
    api.end_upload_check(bytea, int, uuid, text, text, text, text, text, bytea, bytea, boolean),
    api.look_up_records(bytea, int, int[], int[], text[], text[], text[], int[], text)
    TO patella_collector;

RESET ROLE;
SELECT guard.record();
