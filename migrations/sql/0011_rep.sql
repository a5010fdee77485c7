-- SPDX-License-Identifier: GPL-3.0-or-later
-- Reports: jobs that the API asks for, the files that patella-report makes of them, and what it reads on the way.
--
-- patella-report connects as a role that was granted studies (sec.reporter_grant); everything here asks session_user.

GRANT REFERENCES ON core.cut TO patella_report_owner;

SET LOCAL ROLE patella_report_owner;

CREATE TABLE rep.job (
    study_id int NOT NULL,
    job_id uuid NOT NULL,
    cut_no int NOT NULL,
    state text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    attempts smallint NOT NULL DEFAULT 0,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    message text,
    sha256 bytea,               -- of the list of its files, see rep.finish_job
    PRIMARY KEY (study_id, job_id),
    FOREIGN KEY (study_id, cut_no) REFERENCES core.cut
);
CREATE INDEX job_waiting ON rep.job (requested_at) WHERE state IN ('queued', 'running');

CREATE TABLE rep.file (
    study_id int NOT NULL,
    job_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$'),
    media_type text NOT NULL CHECK (media_type ~ '^[a-z]+/[a-z0-9.+-]+(; charset=utf-8)?$'),
    bytes bytea NOT NULL CHECK (pg_catalog.octet_length(bytes) <= 67108864),
    sha256 bytea NOT NULL CHECK (pg_catalog.octet_length(sha256) = 32),
    added_at timestamptz NOT NULL,
    PRIMARY KEY (study_id, job_id, name),
    FOREIGN KEY (study_id, job_id) REFERENCES rep.job
);

-- A file leaves in two steps: this row commits, then the bytes go.  Reading and recording in one transaction could be
-- rolled back, and the trace of what was seen with it.
CREATE TABLE rep.export (
    study_id int NOT NULL,
    request_id uuid NOT NULL,
    job_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    xid xid8 NOT NULL,
    PRIMARY KEY (study_id, request_id),
    FOREIGN KEY (study_id, job_id, name) REFERENCES rep.file
);

DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['job', 'file', 'export'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE rep.%I ENABLE ROW LEVEL SECURITY', tab);
        EXECUTE pg_catalog.format('ALTER TABLE rep.%I FORCE ROW LEVEL SECURITY', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY reports ON rep.%I TO patella_report_owner USING (sec.is_reporter(study_id))', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY context ON rep.%I TO patella_api USING (study_id = (SELECT sec.context_study()))', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_table BEFORE TRUNCATE ON rep.%I FOR EACH STATEMENT '
            'EXECUTE FUNCTION audit.refuse_change()', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER record_insert AFTER INSERT ON rep.%I REFERENCING NEW TABLE AS added '
            'FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert(''bytes'')', tab);
    END LOOP;
END
$$;
CREATE TRIGGER keep_rows BEFORE UPDATE ON rep.job
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change_except('state', 'attempts', 'started_at', 'finished_at',
                                                            'message', 'sha256');
CREATE TRIGGER keep_rows_whole BEFORE DELETE ON rep.job
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_update AFTER UPDATE ON rep.job
    FOR EACH ROW EXECUTE FUNCTION audit.record_update();
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON rep.file
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON rep.export
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();

GRANT USAGE ON SCHEMA rep TO patella_api, patella_blind_owner;
GRANT SELECT, INSERT ON rep.job TO patella_api;
GRANT SELECT ON rep.file TO patella_api;
GRANT SELECT, INSERT ON rep.export TO patella_api;

-- ---------------------------------------------------------------------------------------------- for patella-report

CREATE FUNCTION rep.need_study(study int) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    IF NOT sec.is_reporter(study) THEN
        RAISE EXCEPTION 'role % may not read this study', session_user
            USING ERRCODE = '42501', HINT = 'patella-admin grants studies to reporting roles';
    END IF;
END
$$;

CREATE FUNCTION rep.make_cut(study int, label text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM rep.need_study(study);
    PERFORM pg_catalog.set_config('patella.account', 'db:' || session_user, true);
    RETURN core.add_cut(study, label, 'db:' || session_user);
END
$$;

-- Leaves the trace of a report that is about to be made: to be committed before anything of the cut is read.
CREATE FUNCTION rep.open_cut(study int, cut int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM rep.need_study(study);
    IF NOT EXISTS (SELECT FROM core.cut c WHERE c.study_id = study AND c.cut_no = cut) THEN
        RAISE EXCEPTION 'no such cut' USING ERRCODE = 'P0002';
    END IF;
    PERFORM audit.record('EXPORT', 'core.cut', study, NULL, NULL, NULL,
                         pg_catalog.jsonb_build_object('cut_no', cut), NULL, 'db:' || session_user);
END
$$;

-- Who was enrolled as of the cut, as the newest version of each enrolment then said.  Not a definer's function: the
-- policies on the role that is connected decide what it reads.
CREATE FUNCTION rep.list_subjects(study int, cut int)
RETURNS TABLE (site_id int, subject_no int, index_knee text, enrolled_on date, continues text)
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT newest.site_id, newest.subject_no, newest.content -> 'answers' ->> 'index_knee', newest.dated,
           newest.content -> 'answers' ->> 'continues'
    FROM (
        SELECT DISTINCT ON (v.site_id, v.subject_no) v.site_id, v.subject_no, v.status, v.dated, v.content
        FROM core.cut c
        JOIN core.subject s ON s.study_id = c.study_id
        JOIN core.submission v
             ON (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
                = (s.study_id, s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance)
        WHERE c.study_id = study
          AND c.cut_no = cut
          AND core.is_in_cut(v.xid, v.era, c.snapshot, c.era)
        ORDER BY v.site_id, v.subject_no, v.version DESC) newest
    WHERE newest.status <> 'void'
    ORDER BY newest.site_id, newest.subject_no
$$;

-- The oldest job that waits.  The session holds an advisory lock for as long as it works on the job, so that others
-- can tell a worker that is busy from one that died.
CREATE FUNCTION rep.take_job() RETURNS TABLE (job_id uuid, study_id int, study text, cut_no int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    taken rep.job;
BEGIN
    PERFORM pg_catalog.set_config('patella.account', 'db:' || session_user, true);

    SELECT j.* INTO taken
    FROM rep.job j
    WHERE j.state = 'queued'
    ORDER BY j.requested_at, j.job_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;

    PERFORM pg_catalog.pg_advisory_lock(77, pg_catalog.hashtext(taken.job_id::text));
    UPDATE rep.job j
    SET state = 'running', attempts = j.attempts + 1, started_at = pg_catalog.clock_timestamp(), message = NULL
    WHERE (j.study_id, j.job_id) = (taken.study_id, taken.job_id);

    RETURN QUERY
    SELECT taken.job_id, taken.study_id, s.code, taken.cut_no
    FROM core.study s
    WHERE s.study_id = taken.study_id;
END
$$;

CREATE FUNCTION rep.running_study(job uuid) RETURNS int
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    found_study int;
BEGIN
    SELECT j.study_id INTO found_study FROM rep.job j WHERE j.job_id = job AND j.state = 'running';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such job is running' USING ERRCODE = 'P0002';
    END IF;
    RETURN found_study;
END
$$;

CREATE FUNCTION rep.add_file(job uuid, name text, media_type text, bytes bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM pg_catalog.set_config('patella.account', 'db:' || session_user, true);
    INSERT INTO rep.file (study_id, job_id, name, media_type, bytes, sha256, added_at)
    VALUES (rep.running_study(job), job, name, media_type, bytes, pg_catalog.sha256(bytes),
            pg_catalog.clock_timestamp());
END
$$;

-- The report's own SHA-256 is that of its list of files, as sha256sum prints it: hash, two blanks, name, newline; in
-- order of names.
CREATE FUNCTION rep.finish_job(job uuid, ok boolean, message text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study int := rep.running_study(job);
    list text;
BEGIN
    PERFORM pg_catalog.set_config('patella.account', 'db:' || session_user, true);
    SELECT pg_catalog.string_agg(pg_catalog.encode(f.sha256, 'hex') || '  ' || f.name || E'\n', '' ORDER BY f.name)
    INTO list
    FROM rep.file f
    WHERE (f.study_id, f.job_id) = (study, job);

    UPDATE rep.job j
    SET state = CASE WHEN ok THEN 'done' ELSE 'failed' END, finished_at = pg_catalog.clock_timestamp(),
        message = finish_job.message,
        sha256 = CASE WHEN ok THEN pg_catalog.sha256(pg_catalog.convert_to(COALESCE(list, ''), 'UTF8')) END
    WHERE (j.study_id, j.job_id) = (study, job);
    PERFORM pg_catalog.pg_advisory_unlock(77, pg_catalog.hashtext(job::text));
END
$$;

-- Jobs whose worker died wait again; after the third time they have failed.  Files are kept only when a job had
-- added none: a half-written report is not continued.
CREATE FUNCTION rep.release_stale_jobs() RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    stale rep.job;
    released int := 0;
    give_up boolean;
BEGIN
    PERFORM pg_catalog.set_config('patella.account', 'db:' || session_user, true);
    FOR stale IN SELECT j.* FROM rep.job j WHERE j.state = 'running' FOR UPDATE SKIP LOCKED LOOP
        IF pg_catalog.pg_try_advisory_xact_lock(77, pg_catalog.hashtext(stale.job_id::text)) THEN
            give_up := stale.attempts >= 3 OR EXISTS (
                SELECT FROM rep.file f WHERE (f.study_id, f.job_id) = (stale.study_id, stale.job_id));
            UPDATE rep.job j
            SET state = CASE WHEN give_up THEN 'failed' ELSE 'queued' END,
                finished_at = CASE WHEN give_up THEN pg_catalog.clock_timestamp() END,
                message = 'the program that made this report ended before it was done; ask for it again'
            WHERE (j.study_id, j.job_id) = (stale.study_id, stale.job_id);
            released := released + 1;
        END IF;
    END LOOP;
    RETURN released;
END
$$;

GRANT EXECUTE ON FUNCTION rep.make_cut(int, text), rep.open_cut(int, int), rep.list_subjects(int, int),
    rep.take_job(), rep.add_file(uuid, text, text, bytea),
    rep.finish_job(uuid, boolean, text), rep.release_stale_jobs()
    TO patella_reporter;

RESET ROLE;

-- The only way an allocation leaves the database, and only for a study that is not masked.  As of the cut: the newest
-- entry that had committed then.
CREATE FUNCTION rep.allocation(study int, cut int) RETURNS TABLE (site_id int, subject_no int, knee text, cohort text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    cut_row core.cut;
BEGIN
    IF NOT sec.is_reporter(study) THEN
        RAISE EXCEPTION 'role % may not read this study', session_user USING ERRCODE = '42501';
    END IF;
    IF (SELECT s.masking FROM core.study s WHERE s.study_id = study) IS DISTINCT FROM 'none' THEN
        RAISE EXCEPTION 'the study is masked: its allocation stays closed'
            USING ERRCODE = '42501', HINT = 'report it with all cohorts in one column';
    END IF;
    SELECT c.* INTO cut_row FROM core.cut c WHERE c.study_id = study AND c.cut_no = cut;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such cut' USING ERRCODE = 'P0002';
    END IF;

    RETURN QUERY
    SELECT DISTINCT ON (a.site_id, a.subject_no, a.knee) a.site_id, a.subject_no, a.knee, a.cohort
    FROM blind.allocation a
    WHERE a.study_id = study
      AND core.is_in_cut(a.xid, a.era, cut_row.snapshot, cut_row.era)
    ORDER BY a.site_id, a.subject_no, a.knee, a.entry DESC;
END
$$;
ALTER FUNCTION rep.allocation(int, int) OWNER TO patella_blind_owner;
GRANT EXECUTE ON FUNCTION rep.allocation(int, int) TO patella_reporter;

-- ---------------------------------------------------------------------------------------------- for the collector

-- A report counts all sites, so that only who may see all of them gets it.
SET LOCAL ROLE patella_api;

CREATE FUNCTION api.request_report(token bytea, study int, cut_no int) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter_whole_study(token, study, 'statistician');
    job uuid := pg_catalog.gen_random_uuid();
BEGIN
    IF NOT EXISTS (SELECT FROM core.cut c WHERE c.study_id = study AND c.cut_no = request_report.cut_no) THEN
        RAISE EXCEPTION 'no such cut' USING ERRCODE = 'P0002';
    END IF;
    INSERT INTO rep.job (study_id, job_id, cut_no, requested_by, requested_at)
    VALUES (study, job, cut_no, account, pg_catalog.clock_timestamp());
    RETURN job;
END
$$;

CREATE FUNCTION api.list_reports(token bytea, study int)
RETURNS TABLE (job_id uuid, cut_no int, cut_label text, state text, requested_by text, requested_at timestamptz,
               started_at timestamptz, finished_at timestamptz, message text, sha256 bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter_whole_study(token, study, 'administrator', 'statistician');

    RETURN QUERY
    SELECT j.job_id, j.cut_no, c.label, j.state, j.requested_by, j.requested_at, j.started_at, j.finished_at,
           j.message, j.sha256
    FROM rep.job j
    JOIN core.cut c USING (study_id, cut_no)
    WHERE j.study_id = study
    ORDER BY j.requested_at DESC, j.job_id;
END
$$;

-- Files of a report that is done; one that failed half-way shows none.
CREATE FUNCTION api.list_report_files(token bytea, study int, job uuid)
RETURNS TABLE (name text, media_type text, size bigint, sha256 bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter_whole_study(token, study, 'administrator', 'statistician');
    IF NOT EXISTS (SELECT FROM rep.job j WHERE (j.study_id, j.job_id) = (study, job)) THEN
        RAISE EXCEPTION 'no such report' USING ERRCODE = 'P0002';
    END IF;

    RETURN QUERY
    SELECT f.name, f.media_type, pg_catalog.octet_length(f.bytes)::bigint, f.sha256
    FROM rep.file f
    JOIN rep.job j USING (study_id, job_id)
    WHERE (f.study_id, f.job_id) = (study, job)
      AND j.state = 'done'
    ORDER BY f.name;
END
$$;

-- First step; it counts when it has committed, and for five minutes.
CREATE FUNCTION api.request_report_file(token bytea, study int, job uuid, name text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter_whole_study(token, study, 'statistician');
    request uuid := pg_catalog.gen_random_uuid();
    digest bytea;
BEGIN
    SELECT f.sha256 INTO digest
    FROM rep.file f
    JOIN rep.job j USING (study_id, job_id)
    WHERE (f.study_id, f.job_id, f.name) = (study, job, request_report_file.name)
      AND j.state = 'done';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such report or file' USING ERRCODE = 'P0002';
    END IF;
    INSERT INTO rep.export (study_id, request_id, job_id, name, requested_by, requested_at, xid)
    VALUES (study, request, job, name, account, pg_catalog.clock_timestamp(), pg_catalog.pg_current_xact_id());
    PERFORM audit.record('EXPORT', 'rep.file', study, NULL, job, digest,
                         pg_catalog.jsonb_build_object('name', name), NULL, account);
    RETURN request;
END
$$;

-- Second step: the bytes, for the same account, in another transaction than the request's.  A row of another one can
-- be seen only when that has committed.
CREATE FUNCTION api.read_report_file(token bytea, study int, request uuid)
RETURNS TABLE (media_type text, bytes bytea, sha256 bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    account text := sec.enter_whole_study(token, study, 'statistician');
BEGIN
    RETURN QUERY
    SELECT f.media_type, f.bytes, f.sha256
    FROM rep.export e
    JOIN rep.file f USING (study_id, job_id, name)
    WHERE (e.study_id, e.request_id, e.requested_by) = (study, request, account)
      AND e.requested_at > pg_catalog.clock_timestamp() - interval '5 minutes'
      AND e.xid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such request' USING ERRCODE = 'P0002', HINT = 'ask for the file again';
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION api.request_report(bytea, int, int), api.list_reports(bytea, int),
    api.list_report_files(bytea, int, uuid), api.request_report_file(bytea, int, uuid, text),
    api.read_report_file(bytea, int, uuid)
    TO patella_collector;
