-- SPDX-License-Identifier: GPL-3.0-or-later
-- Opening the allocation of a masked study, in two steps: the request commits, and only then, in another transaction,
-- anything is revealed.  In one step both could be rolled back, and the trace of what was seen with it.
--
-- Of one subject in an emergency: an investigator of its site asks with a reason and may look for ten minutes.
-- For a report by cohort: an unmasked statistician asks, an administrator approves, who is somebody else; it serves for
-- seven days.  The audit trail holds every request, approval and opening, never a cohort.

SET LOCAL ROLE patella_audit_owner;
GRANT EXECUTE ON FUNCTION audit.record(text, text, int, int, uuid, bytea, jsonb, text, text, int)
    TO patella_blind_owner;

RESET ROLE;
SET LOCAL ROLE patella_blind_owner;

CREATE TABLE blind.request (
    study_id int NOT NULL,
    request_id uuid NOT NULL,               -- made by who asks: the same one again is the same request
    reason text NOT NULL,
    PRIMARY KEY (study_id, request_id),
    CONSTRAINT request_reason_check CHECK (core.is_reason(reason))
);

CREATE TABLE blind.approval (
    study_id int NOT NULL,
    request_id uuid NOT NULL,
    PRIMARY KEY (study_id, request_id),
    FOREIGN KEY (study_id, request_id) REFERENCES blind.request
);

CREATE TABLE blind.emergency (
    study_id int NOT NULL,
    site_id int NOT NULL,
    request_id uuid NOT NULL,
    subject_no int NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (study_id, site_id, request_id),
    FOREIGN KEY (study_id, site_id, subject_no) REFERENCES core.subject,
    CONSTRAINT emergency_reason_check CHECK (core.is_reason(reason))
);

-- That a report is about to read the allocation at a cut.
CREATE TABLE blind.opening (
    study_id int NOT NULL,
    opening_id uuid NOT NULL,
    request_id uuid NOT NULL,
    cut_no int NOT NULL,
    db_role name NOT NULL,
    PRIMARY KEY (study_id, opening_id),
    FOREIGN KEY (study_id, request_id) REFERENCES blind.request
);

RESET ROLE;

DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['request', 'approval', 'emergency', 'opening'] LOOP
        EXECUTE pg_catalog.format(
            'ALTER TABLE blind.%I '
            'ADD recorded_by text NOT NULL, '
            'ADD recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(), '
            'ADD xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(), '
            'ADD era smallint NOT NULL DEFAULT audit.current_era(), '
            'ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY owner_only ON blind.%I TO patella_blind_owner USING (true)', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON blind.%I FOR EACH ROW '
            'EXECUTE FUNCTION audit.refuse_change()', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_table BEFORE TRUNCATE ON blind.%I FOR EACH STATEMENT '
            'EXECUTE FUNCTION audit.refuse_change()', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER record_insert AFTER INSERT ON blind.%I REFERENCING NEW TABLE AS added '
            'FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert()', tab);
    END LOOP;
END
$$;

SET LOCAL ROLE patella_blind_owner;

-- For schema api, which has asked first whether the account may.  NULL: another request has this id.
CREATE FUNCTION blind.add_request(study int, request uuid, reason text, account text) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    kept blind.request;
BEGIN
    SELECT r.* INTO kept FROM blind.request r WHERE (r.study_id, r.request_id) = (study, request);
    IF NOT FOUND THEN
        INSERT INTO blind.request AS r (study_id, request_id, reason, recorded_by)
        VALUES (study, request, reason, account)
        RETURNING r.* INTO kept;
    END IF;
    RETURN CASE WHEN (kept.reason, kept.recorded_by) = (reason, account) THEN kept.recorded_at END;
END
$$;

CREATE FUNCTION blind.add_emergency(study int, site int, request uuid, subject int, reason text, account text)
RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    kept blind.emergency;
BEGIN
    SELECT e.* INTO kept
    FROM blind.emergency e
    WHERE (e.study_id, e.site_id, e.request_id) = (study, site, request);
    IF NOT FOUND THEN
        INSERT INTO blind.emergency AS e (study_id, site_id, request_id, subject_no, reason, recorded_by)
        VALUES (study, site, request, subject, reason, account)
        RETURNING e.* INTO kept;
    END IF;
    RETURN CASE WHEN (kept.subject_no, kept.reason, kept.recorded_by) = (subject, reason, account)
                THEN kept.recorded_at END;
END
$$;

-- code: why it was refused.
CREATE FUNCTION blind.add_approval(study int, request uuid, account text, OUT code text, OUT at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    asked_by text;
BEGIN
    SELECT r.recorded_by INTO asked_by FROM blind.request r WHERE (r.study_id, r.request_id) = (study, request);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such request' USING ERRCODE = 'P0002';
    END IF;
    IF asked_by = account THEN
        code := 'same_account';
        RETURN;
    END IF;
    SELECT a.recorded_at INTO at FROM blind.approval a WHERE (a.study_id, a.request_id) = (study, request);
    IF NOT FOUND THEN
        INSERT INTO blind.approval AS a (study_id, request_id, recorded_by)
        VALUES (study, request, account)
        RETURNING a.recorded_at INTO at;
    END IF;
END
$$;

-- Whether a report may be made by it now.  Rows of this very transaction do not count: they are not committed.
CREATE FUNCTION blind.is_granted(study int, request uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    own xid8 := pg_catalog.pg_current_xact_id_if_assigned();
BEGIN
    RETURN EXISTS (
        SELECT
        FROM blind.request r
        JOIN blind.approval a USING (study_id, request_id)
        WHERE (r.study_id, r.request_id) = (study, request)
          AND a.recorded_by <> r.recorded_by
          AND a.recorded_at > pg_catalog.clock_timestamp() - interval '7 days'
          AND r.xid IS DISTINCT FROM own
          AND a.xid IS DISTINCT FROM own);
END
$$;

-- Of the study, and of subjects at the sites; newest first.
CREATE FUNCTION blind.list_requests(study int, sites int[])
RETURNS TABLE (request_id uuid, site_id int, subject_no int, reason text, requested_by text, requested_at timestamptz,
               approved_by text, approved_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT l.*
    FROM (
        SELECT r.request_id, NULL::int AS site_id, NULL::int, r.reason, r.recorded_by, r.recorded_at AS at,
               a.recorded_by, a.recorded_at
        FROM blind.request r
        LEFT JOIN blind.approval a USING (study_id, request_id)
        WHERE r.study_id = study
        UNION ALL
        SELECT e.request_id, e.site_id, e.subject_no, e.reason, e.recorded_by, e.recorded_at, NULL, NULL
        FROM blind.emergency e
        WHERE e.study_id = study
          AND e.site_id = ANY (sites)) l
    ORDER BY l.at DESC, l.site_id, l.request_id
    LIMIT 10000;
END
$$;

-- The newest entry of a subject and of each of its knees, for who asked for it less than ten minutes ago in another
-- transaction.  code: why not.
CREATE FUNCTION blind.reveal(study int, site int, subject int, request uuid, account text)
RETURNS TABLE (code text, knee text, cohort text, entered_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    asked blind.emergency;
BEGIN
    SELECT e.* INTO asked
    FROM blind.emergency e
    WHERE (e.study_id, e.site_id, e.request_id, e.subject_no, e.recorded_by) = (study, site, request, subject, account)
      AND e.xid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such request' USING ERRCODE = 'P0002';
    END IF;
    IF asked.recorded_at <= pg_catalog.clock_timestamp() - interval '10 minutes' THEN
        RETURN QUERY SELECT 'request_expired', NULL::text, NULL::text, NULL::timestamptz;
        RETURN;
    END IF;
    PERFORM audit.record('REVEAL', 'blind.allocation', study, site, request, NULL,
                         pg_catalog.jsonb_build_object('subject_no', subject), asked.reason, account);
    RETURN QUERY
    SELECT DISTINCT ON (a.knee) NULL::text, a.knee, a.cohort, a.entered_at
    FROM blind.allocation a
    WHERE (a.study_id, a.site_id, a.subject_no) = (study, site, subject)
    ORDER BY a.knee, a.entry DESC;
END
$$;

GRANT USAGE ON SCHEMA blind TO patella_api, patella_report_owner;
GRANT EXECUTE ON FUNCTION blind.add_request(int, uuid, text, text), blind.add_approval(int, uuid, text),
    blind.add_emergency(int, int, uuid, int, text, text), blind.list_requests(int, int[]),
    blind.reveal(int, int, int, uuid, text)
    TO patella_api;
GRANT EXECUTE ON FUNCTION blind.is_granted(int, uuid) TO patella_api, patella_report_owner;

-- ---------------------------------------------------------------------------------------------- for reports

RESET ROLE;

-- First step of a report by cohort of a masked study: it is written down who opens which cut, and committed.
CREATE FUNCTION rep.open_allocation(study int, cut int, request uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF NOT sec.is_reporter(study) THEN
        RAISE EXCEPTION 'role % may not read this study', session_user USING ERRCODE = '42501';
    END IF;
    IF NOT blind.is_granted(study, request) THEN
        RAISE EXCEPTION 'no approved request for unblinding, not older than seven days, has this number'
            USING ERRCODE = '42501', HINT = 'ask for it and have it approved through the API, or leave it away';
    END IF;
    INSERT INTO blind.opening (study_id, opening_id, request_id, cut_no, db_role, recorded_by)
    VALUES (study, pg_catalog.gen_random_uuid(), request, cut, session_user, 'db:' || session_user);
END
$$;

-- Second step; without a request, the allocation of a study that is not masked.
CREATE FUNCTION rep.allocation(study int, cut int, request uuid)
RETURNS TABLE (site_id int, subject_no int, knee text, cohort text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    cut_row core.cut;
BEGIN
    IF request IS NULL THEN
        RETURN QUERY SELECT a.site_id, a.subject_no, a.knee, a.cohort FROM rep.allocation(study, cut) a;
        RETURN;
    END IF;
    IF NOT sec.is_reporter(study) OR NOT EXISTS (
        SELECT
        FROM blind.opening o
        WHERE (o.study_id, o.request_id, o.cut_no, o.db_role) = (study, request, cut, session_user)
          AND o.recorded_at > pg_catalog.clock_timestamp() - interval '1 hour'
          AND o.xid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned())
    THEN
        RAISE EXCEPTION 'the allocation was not opened for this cut' USING ERRCODE = '42501';
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
ALTER FUNCTION rep.open_allocation(int, int, uuid) OWNER TO patella_blind_owner;
ALTER FUNCTION rep.allocation(int, int, uuid) OWNER TO patella_blind_owner;
GRANT EXECUTE ON FUNCTION rep.open_allocation(int, int, uuid), rep.allocation(int, int, uuid) TO patella_reporter;

-- A job by cohort of a masked study names the request that it is made by.
SET LOCAL ROLE patella_report_owner;
ALTER TABLE rep.job ADD unblinding uuid;

CREATE FUNCTION rep.job_unblinding(job uuid) RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN (SELECT j.unblinding FROM rep.job j WHERE j.job_id = job AND sec.is_reporter(j.study_id));
END
$$;
GRANT EXECUTE ON FUNCTION rep.job_unblinding(uuid) TO patella_reporter;

-- ---------------------------------------------------------------------------------------------- for the collector

RESET ROLE;
DROP FUNCTION api.request_report(bytea, int, int);
DROP FUNCTION api.list_reports(bytea, int);
SET LOCAL ROLE patella_api;

-- As in 0015; `unblinding` is the request by which a masked study is reported by cohort, or NULL.
CREATE FUNCTION api.request_report(token bytea, study int, cut_no int, unblinding uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter_whole_study(token, study, 'statistician', 'statistician_unmasked');
    job uuid := pg_catalog.gen_random_uuid();
BEGIN
    IF NOT EXISTS (SELECT FROM core.cut c WHERE c.study_id = study AND c.cut_no = request_report.cut_no) THEN
        RAISE EXCEPTION 'no such cut' USING ERRCODE = 'P0002';
    END IF;
    IF unblinding IS NOT NULL AND
       NOT (sec.token_role(token) = 'statistician_unmasked' AND blind.is_granted(study, unblinding))
    THEN
        RAISE EXCEPTION 'no approved request for unblinding' USING ERRCODE = '42501';
    END IF;
    -- One request of an account after another: two at once would both count four.
    PERFORM pg_catalog.pg_advisory_xact_lock(79, pg_catalog.hashtext(account));
    IF (SELECT pg_catalog.count(*) FROM rep.job j
        WHERE j.study_id = study AND j.requested_by = account AND j.state IN ('queued', 'running')) >= 5 THEN
        RAISE EXCEPTION 'five reports of this account wait already'
            USING ERRCODE = '53400', HINT = 'ask again when one of them is done';
    END IF;
    INSERT INTO rep.job (study_id, job_id, cut_no, requested_by, requested_at, unblinding)
    VALUES (study, job, cut_no, account, pg_catalog.clock_timestamp(), unblinding);
    RETURN job;
END
$$;

CREATE FUNCTION api.list_reports(token bytea, study int)
RETURNS TABLE (job_id uuid, cut_no int, cut_label text, state text, requested_by text, requested_at timestamptz,
               started_at timestamptz, finished_at timestamptz, message text, sha256 bytea, unblinding uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter_whole_study(token, study, 'administrator', 'statistician', 'statistician_unmasked');

    RETURN QUERY
    SELECT j.job_id, j.cut_no, c.label, j.state, j.requested_by, j.requested_at, j.started_at, j.finished_at,
           j.message, j.sha256, j.unblinding
    FROM rep.job j
    JOIN core.cut c USING (study_id, cut_no)
    WHERE j.study_id = study
    ORDER BY j.requested_at DESC, j.job_id;
END
$$;

-- Files of an unmasked report, even their sizes, are for those who may be unmasked.
CREATE FUNCTION api.need_report(token bytea, study int, job uuid) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    unblinding uuid;
BEGIN
    SELECT j.unblinding INTO unblinding FROM rep.job j WHERE (j.study_id, j.job_id) = (study, job);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such report or file' USING ERRCODE = 'P0002';
    END IF;
    IF unblinding IS NOT NULL AND sec.token_role(token) IS DISTINCT FROM 'statistician_unmasked' THEN
        RAISE EXCEPTION 'not allowed' USING ERRCODE = '42501';
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION api.list_report_files(token bytea, study int, job uuid)
RETURNS TABLE (name text, media_type text, size bigint, sha256 bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter_whole_study(token, study, 'administrator', 'statistician', 'statistician_unmasked');
    PERFORM api.need_report(token, study, job);

    RETURN QUERY
    SELECT f.name, f.media_type, pg_catalog.octet_length(f.bytes)::bigint, f.sha256
    FROM rep.file f
    JOIN rep.job j USING (study_id, job_id)
    WHERE (f.study_id, f.job_id) = (study, job)
      AND j.state = 'done'
    ORDER BY f.name;
END
$$;

CREATE OR REPLACE FUNCTION api.request_report_file(token bytea, study int, job uuid, name text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter_whole_study(token, study, 'statistician', 'statistician_unmasked');
    request uuid := pg_catalog.gen_random_uuid();
    digest bytea;
BEGIN
    PERFORM api.need_report(token, study, job);
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

-- NULL: it may be asked.
CREATE FUNCTION api.refuse_unblinding(study int, reason text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN CASE
        WHEN (SELECT s.masking FROM core.study s WHERE s.study_id = study) IS NOT DISTINCT FROM 'none'
            THEN 'not_masked'
        WHEN NOT core.is_reason(reason) THEN 'reason_missing' END;
END
$$;

-- For a report.  Outcomes not_masked, reason_missing, uuid_reused.
CREATE FUNCTION api.request_unblinding(token bytea, study int, request uuid, reason text) RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter_whole_study(token, study, 'statistician_unmasked');
    refusal text;
    added timestamptz;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(77, study);
    refusal := api.refuse_unblinding(study, reason);
    IF refusal IS NULL THEN
        added := blind.add_request(study, request, reason, account);
    END IF;
    IF added IS NULL THEN
        RETURN api.refuse(COALESCE(refusal, 'uuid_reused'), 'blind.request', study, NULL, request);
    END IF;
    RETURN ROW(NULL, 1, added)::api.outcome;
END
$$;

-- Of one subject.  The same outcomes; P0002 for a subject that the caller does not see.
CREATE FUNCTION api.request_emergency(token bytea, study int, site int, subject int, request uuid, reason text)
RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'investigator');
    refusal text;
    added timestamptz;
BEGIN
    IF NOT EXISTS (SELECT FROM core.subject s WHERE (s.study_id, s.site_id, s.subject_no) = (study, site, subject))
    THEN
        RAISE EXCEPTION 'no such subject' USING ERRCODE = 'P0002';
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(77, study);
    refusal := api.refuse_unblinding(study, reason);
    IF refusal IS NULL THEN
        added := blind.add_emergency(study, site, request, subject, reason, account);
    END IF;
    IF added IS NULL THEN
        RETURN api.refuse(COALESCE(refusal, 'uuid_reused'), 'blind.emergency', study, site, request);
    END IF;
    RETURN ROW(NULL, 1, added)::api.outcome;
END
$$;

-- Outcome same_account.
CREATE FUNCTION api.approve_unblinding(token bytea, study int, request uuid) RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter_whole_study(token, study, 'administrator');
    approval record;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(77, study);
    SELECT a.* INTO approval FROM blind.add_approval(study, request, account) a;
    IF approval.code IS NOT NULL THEN
        RETURN api.refuse(approval.code, 'blind.approval', study, NULL, request);
    END IF;
    RETURN ROW(NULL, 2, approval.at)::api.outcome;
END
$$;

-- Newest first.  state: asked; approved, it serves for reports; ended.  With a subject, a request of an emergency.
CREATE FUNCTION api.list_unblindings(token bytea, study int)
RETURNS TABLE (request_id uuid, site_id int, subject_no int, state text, reason text, requested_by text,
               requested_at timestamptz, approved_by text, approved_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'administrator', 'data_manager', 'investigator', 'statistician_unmasked');

    RETURN QUERY
    SELECT r.request_id, r.site_id, r.subject_no,
           CASE WHEN r.subject_no IS NOT NULL
                    AND r.requested_at <= pg_catalog.clock_timestamp() - interval '10 minutes' THEN 'ended'
                WHEN r.subject_no IS NULL AND blind.is_granted(study, r.request_id) THEN 'approved'
                WHEN r.approved_at IS NOT NULL THEN 'ended'
                ELSE 'asked' END,
           r.reason, r.requested_by, r.requested_at, r.approved_by, r.approved_at
    FROM blind.list_requests(study, sec.context_sites()) r;
END
$$;

-- Outcome in a row alone: request_expired; P0002 for a request of somebody else or of this very transaction.
CREATE FUNCTION api.reveal_allocation(token bytea, study int, site int, subject int, request uuid)
RETURNS TABLE (code text, knee text, cohort text, entered_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    account text := sec.enter(token, study, 'investigator');
BEGIN
    IF NOT site = ANY (sec.context_sites()) THEN
        RAISE EXCEPTION 'no such request' USING ERRCODE = 'P0002';
    END IF;
    RETURN QUERY
    SELECT r.code, r.knee, r.cohort, r.entered_at FROM blind.reveal(study, site, subject, request, account) r;
END
$$;

GRANT EXECUTE ON FUNCTION api.request_report(bytea, int, int, uuid), api.list_reports(bytea, int),
    api.request_unblinding(bytea, int, uuid, text), api.approve_unblinding(bytea, int, uuid),
    api.request_emergency(bytea, int, int, int, uuid, text), api.list_unblindings(bytea, int),
    api.reveal_allocation(bytea, int, int, int, uuid)
    TO patella_collector;

RESET ROLE;
SELECT guard.record();
