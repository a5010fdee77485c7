-- SPDX-License-Identifier: GPL-3.0-or-later
-- Uploads are committed, and taken back.
--
-- That a commit is wanted is a transaction of its own, so that everybody sees it, and a second one is refused.  The
-- rows go through api.submit_batch, like all others, in one transaction, however long it takes; its last statements
-- write the receipt into the ledger, with the transaction's number: by that the trail tells which versions the upload
-- stored.  The ledger's row is locked by these last statements only, so that progress can be noted meanwhile.

-- Who submits what is in an upload that is under way waits for a transaction that may take minutes, and the writer's
-- other rows wait behind it: not for long.  Then the call fails, its rows are sent one by one, and this one is
-- answered "later".  An upload waits no longer for others: it is rolled back and tried again.
ALTER FUNCTION api.submit_batch(bytea[], uuid[], int[], int[], int[], text[], text[], int[], text[], int[], int[],
    text[], date[], int[], text[], float8[], int[], int[], text[], text[], text[], text[])
    SET lock_timeout = '500ms';

SET LOCAL ROLE patella_audit_owner;

-- Versions that a transaction stored, newest first, behind `after` (0: from the newest).  `place` counts rows of the
-- trail from the transaction's first one on, with those of others between them: it is for the next call, and for
-- nobody's eyes.
CREATE FUNCTION audit.stored_versions(study int, xid xid8, era smallint, after bigint, most int)
RETURNS TABLE (place bigint, site_id int, id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    first bigint := (SELECT e.seq FROM audit.event e WHERE e.xid = stored_versions.xid ORDER BY e.seq LIMIT 1);
BEGIN
    RETURN QUERY
    SELECT e.seq - first + 1, e.site_id, e.row_id
    FROM audit.event e
    WHERE e.xid = stored_versions.xid
      AND e.seq < CASE after WHEN 0 THEN 9223372036854775807 ELSE first + after - 1 END
      AND e.era = stored_versions.era
      AND e.study_id = study
      AND e.object = 'core.submission'
      AND e.operation = 'INSERT'
    ORDER BY e.xid DESC, e.seq DESC
    LIMIT most;
END
$$;
GRANT EXECUTE ON FUNCTION audit.stored_versions(int, xid8, smallint, bigint, int) TO patella_api;

RESET ROLE;
SET LOCAL ROLE patella_api;

-- ---------------------------------------------------------------------------------------------- committing

-- previewed -> committing by the preview's token; without one checking -> committing, with the mode that was given at
-- the beginning.  NULL when that is done.
CREATE FUNCTION api.ask_upload_commit(token bytea, study int, upload uuid, preview_token bytea, mode text,
                                      reason text)
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_variable
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f upload.file := api.lock_upload(study, upload);
    code text;
BEGIN
    code := CASE WHEN f.state = 'committing' THEN 'under_way'
                 WHEN preview_token IS NULL AND f.state = 'checking' AND f.mode IS NOT NULL THEN NULL
                 WHEN api.upload_state(f) = 'expired' AND f.previewed_at IS NOT NULL THEN 'preview_expired'
                 WHEN f.state <> 'previewed' THEN 'not_previewed'
                 WHEN f.preview_token IS DISTINCT FROM preview_token THEN 'token_wrong' END;
    mode := COALESCE(mode, f.mode);
    reason := COALESCE(reason, f.reason);
    code := COALESCE(code, CASE WHEN (mode IN ('all-or-nothing', 'good-rows')) IS NOT TRUE THEN 'bad_mode'
                                WHEN reason IS NULL AND f.reason_needed THEN 'reason_missing'
                                WHEN reason IS NOT NULL AND NOT core.is_reason(reason) THEN 'reason_missing' END);
    IF code IS NULL THEN
        UPDATE upload.file AS x
        SET state = 'committing', state_at = pg_catalog.clock_timestamp(), mode = mode, reason = reason,
            asked_by = account, problem = NULL
        WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload);
    END IF;
    RETURN code;
END
$$;

-- committing -> queued, for another preview, or refused.
CREATE FUNCTION api.fail_upload_commit(token bytea, study int, upload uuid, wanted_state text, problem text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_variable
DECLARE
    f upload.file;
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f := api.lock_upload(study, upload);
    IF f.state <> 'committing' OR wanted_state NOT IN ('queued', 'refused') THEN
        RAISE EXCEPTION 'the upload is not being committed' USING ERRCODE = '55000';
    END IF;
    UPDATE upload.file AS x
    SET state = wanted_state, state_at = pg_catalog.clock_timestamp(), problem = problem, asked_by = NULL,
        mode = CASE wanted_state WHEN 'refused' THEN x.mode END, phase = NULL
    WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload);
    IF wanted_state = 'refused' THEN
        PERFORM audit.note_refused_file(study, f.site_id, upload);
    END IF;
END
$$;

-- Within the transaction, behind its last row: what the receipt says.  Others who number files of the same sites wait
-- from here until this transaction has ended.
CREATE FUNCTION api.number_upload(token bytea, study int, upload uuid)
RETURNS TABLE (batch_no int, committed_at timestamptz, committed_by text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f upload.file := api.get_upload(study, upload);
BEGIN
    PERFORM api.need_upload(upload);
    IF f.state <> 'committing' OR f.asked_by <> account THEN
        RAISE EXCEPTION 'nobody asked for this commit' USING ERRCODE = '55000';
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(86, pg_catalog.hashtext(pg_catalog.concat_ws(' ', study, f.site_ids)));
    RETURN QUERY
    SELECT COALESCE((SELECT x.batch_no
                     FROM upload.file x
                     WHERE (x.study_id, x.site_id, x.site_ids) = (study, f.site_id, f.site_ids)
                       AND x.batch_no IS NOT NULL
                     ORDER BY x.batch_no DESC
                     LIMIT 1), 0) + 1, pg_catalog.clock_timestamp(), account;
END
$$;

-- And last: committing -> committed.
CREATE FUNCTION api.finish_upload(token bytea, study int, upload uuid, batch int, at timestamptz, counts text,
                                  receipt text)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_variable
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f upload.file := api.lock_upload(study, upload);
BEGIN
    PERFORM api.need_upload(upload);
    IF f.state <> 'committing' OR f.asked_by <> account THEN
        RAISE EXCEPTION 'nobody asked for this commit' USING ERRCODE = '55000';
    END IF;
    UPDATE upload.file AS x
    SET state = 'committed', state_at = pg_catalog.clock_timestamp(), counts = counts::jsonb, batch_no = batch,
        committed_by = account, committed_at = at, committed_xid = pg_catalog.pg_current_xact_id(),
        committed_era = audit.current_era(), receipt = receipt::json,
        receipt_sha256 = pg_catalog.sha256(pg_catalog.convert_to(receipt, 'UTF8')), phase = NULL
    WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload);
END
$$;

-- ---------------------------------------------------------------------------------------------- taking back

-- committed -> taking_back; NULL when that is done.
CREATE FUNCTION api.ask_upload_take_back(token bytea, study int, upload uuid, reason text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_variable
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f upload.file := api.lock_upload(study, upload);
    code text;
BEGIN
    code := CASE WHEN f.state = 'taking_back' THEN 'under_way'
                 WHEN f.state <> 'committed' THEN 'not_committed'
                 WHEN NOT core.is_reason(reason) THEN 'reason_missing' END;
    IF code IS NULL THEN
        UPDATE upload.file AS x
        SET state = 'taking_back', state_at = pg_catalog.clock_timestamp(), taken_back_by = account,
            taken_back_reason = reason, problem = NULL
        WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload);
    END IF;
    RETURN code;
END
$$;

-- What the upload stored, newest first, with what was there before, and the newest version of each record.
CREATE FUNCTION api.list_upload_versions(token bytea, study int, upload uuid, after bigint, most int)
RETURNS TABLE (place bigint, id uuid, site_id int, subject_no int, knee text, form text, visit text, instance int,
               version int, newest int, redacted boolean, content text, status text, dated date, form_version int,
               protocol_version int, before_content text, before_status text, before_dated date,
               before_form_version int, before_protocol_version int)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    f upload.file;
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f := api.get_upload(study, upload);
    RETURN QUERY
    SELECT e.place, v.id, v.site_id, v.subject_no, v.knee, v.form, v.visit, v.instance, v.version,
           (SELECT n.version
            FROM core.submission n
            WHERE (n.study_id, n.site_id, n.subject_no, n.form, n.knee, n.visit, n.instance)
                  = (study, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
            ORDER BY n.version DESC
            LIMIT 1),
           COALESCE(v.content ->> 'redacted' = 'true', false) OR COALESCE(b.content ->> 'redacted' = 'true', false),
           v.content::text, v.status, v.dated, v.form_version, v.protocol_version,
           b.content::text, b.status, b.dated, b.form_version, b.protocol_version
    FROM audit.stored_versions(study, f.committed_xid, f.committed_era, COALESCE(after, 0),
                               LEAST(GREATEST(most, 1), 1000)) e
    CROSS JOIN LATERAL (
        SELECT x.*
        FROM core.submission x
        WHERE (x.study_id, x.id, x.site_id) = (study, e.id, e.site_id)
        LIMIT 1) v
    LEFT JOIN LATERAL (
        SELECT x.content, x.status, x.dated, x.form_version, x.protocol_version
        FROM core.submission x
        WHERE (x.study_id, x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance)
              = (study, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
          AND x.version < v.version
        ORDER BY x.version DESC
        LIMIT 1) b ON true
    ORDER BY e.place DESC;
END
$$;

-- Within the transaction of the versions that undo it, last: taking_back -> taken_back.
CREATE FUNCTION api.finish_upload_take_back(token bytea, study int, upload uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f upload.file := api.lock_upload(study, upload);
BEGIN
    PERFORM api.need_upload(upload);
    IF f.state <> 'taking_back' OR f.taken_back_by <> account THEN
        RAISE EXCEPTION 'nobody asked to take it back' USING ERRCODE = '55000';
    END IF;
    UPDATE upload.file x
    SET state = 'taken_back', state_at = pg_catalog.clock_timestamp(), taken_back_at = pg_catalog.clock_timestamp(),
        taken_back_xid = pg_catalog.pg_current_xact_id(), taken_back_era = audit.current_era(), phase = NULL
    WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload);
END
$$;

-- taking_back -> committed: something stands on it.
CREATE FUNCTION api.fail_upload_take_back(token bytea, study int, upload uuid, problem text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_variable
DECLARE
    f upload.file;
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    f := api.lock_upload(study, upload);
    IF f.state <> 'taking_back' THEN
        RAISE EXCEPTION 'nobody asked to take it back' USING ERRCODE = '55000';
    END IF;
    UPDATE upload.file AS x
    SET state = 'committed', state_at = pg_catalog.clock_timestamp(), taken_back_by = NULL, taken_back_reason = NULL,
        problem = problem, phase = NULL
    WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload);
END
$$;

GRANT EXECUTE ON FUNCTION api.ask_upload_commit(bytea, int, uuid, bytea, text, text),
    api.fail_upload_commit(bytea, int, uuid, text, text), api.number_upload(bytea, int, uuid),
    api.finish_upload(bytea, int, uuid, int, timestamptz, text, text),
    api.ask_upload_take_back(bytea, int, uuid, text), api.list_upload_versions(bytea, int, uuid, bigint, int),
    api.finish_upload_take_back(bytea, int, uuid), api.fail_upload_take_back(bytea, int, uuid, text)
    TO patella_collector;

RESET ROLE;
SELECT guard.record();
