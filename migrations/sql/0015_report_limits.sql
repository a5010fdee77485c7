-- SPDX-License-Identifier: GPL-3.0-or-later
-- Limits on reports: how many are made at once over all workers, and how many an account may have waiting.  A report
-- of a large study takes a core and some hundred megabytes; whoever asks for a hundred would hold up everybody else's.

RESET ROLE;
SET LOCAL ROLE patella_report_owner;

-- As rep.take_job() of 0011, but no job while others make `at_once`.  Each worker holds one of so many places by an
-- advisory lock of its session, which ends with the session, so that a worker that died holds none; counting jobs
-- would not do, because a role sees only those of its studies.  A worker that asks again is done with the job before.
CREATE FUNCTION rep.take_job(at_once int) RETURNS TABLE (job_id uuid, study_id int, study text, cut_no int)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    place int := 1;
BEGIN
    IF at_once IS NULL OR at_once NOT BETWEEN 1 AND 64 THEN
        RAISE EXCEPTION 'from 1 to 64 reports at once' USING ERRCODE = '22023';
    END IF;
    PERFORM pg_catalog.pg_advisory_unlock(78, l.objid::int)
    FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'advisory' AND l.classid = 78 AND l.objsubid = 2 AND l.pid = pg_catalog.pg_backend_pid();

    WHILE NOT pg_catalog.pg_try_advisory_lock(78, place) LOOP
        place := place + 1;
        IF place > at_once THEN
            RETURN;
        END IF;
    END LOOP;
    RETURN QUERY SELECT t.job_id, t.study_id, t.study, t.cut_no FROM rep.take_job() t;
    IF NOT FOUND THEN
        PERFORM pg_catalog.pg_advisory_unlock(78, place);
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION rep.take_job(int) TO patella_reporter;

RESET ROLE;
SET LOCAL ROLE patella_api;

-- As in 0011, but an account has at most five reports of a study that wait or are being made: 53400 for one more.
CREATE OR REPLACE FUNCTION api.request_report(token bytea, study int, cut_no int) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter_whole_study(token, study, 'statistician');
    job uuid := pg_catalog.gen_random_uuid();
BEGIN
    IF NOT EXISTS (SELECT FROM core.cut c WHERE c.study_id = study AND c.cut_no = request_report.cut_no) THEN
        RAISE EXCEPTION 'no such cut' USING ERRCODE = 'P0002';
    END IF;
    -- One request of an account after another: two at once would both count four.
    PERFORM pg_catalog.pg_advisory_xact_lock(79, pg_catalog.hashtext(account));
    IF (SELECT pg_catalog.count(*) FROM rep.job j
        WHERE j.study_id = study AND j.requested_by = account AND j.state IN ('queued', 'running')) >= 5 THEN
        RAISE EXCEPTION 'five reports of this account wait already'
            USING ERRCODE = '53400', HINT = 'ask again when one of them is done';
    END IF;
    INSERT INTO rep.job (study_id, job_id, cut_no, requested_by, requested_at)
    VALUES (study, job, cut_no, account, pg_catalog.clock_timestamp());
    RETURN job;
END
$$;

RESET ROLE;
