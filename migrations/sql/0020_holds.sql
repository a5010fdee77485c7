-- SPDX-License-Identifier: GPL-3.0-or-later
-- What holds a record still, and what takes personal data out of it.
--
-- Locks of a record stand beside the switches of 0003: a lock concerns later versions only, so that first versions
-- (the fast path of submit_batch) never ask for it.  A redaction is asked for by one person and approved by another;
-- then the body of the version goes, and its hash, chain, signatures and trail stay.

GRANT EXECUTE ON FUNCTION audit.record(text, text, int, int, uuid, bytea, jsonb, text, text, int) TO patella_owner;

SET LOCAL ROLE patella_owner;

-- No further version of a record; the lock of a subject (0003) stands beside it.
CREATE TABLE core.record_lock (
    study_id int NOT NULL,
    site_id int NOT NULL,
    subject_no int NOT NULL,
    form text COLLATE "C" NOT NULL,
    knee text COLLATE "C" NOT NULL,
    visit text COLLATE "C" NOT NULL,
    instance int NOT NULL,
    event_no int NOT NULL CHECK (event_no >= 1),
    locked boolean NOT NULL,
    reason text NOT NULL CHECK (core.is_reason(reason)),
    first_version int NOT NULL DEFAULT 1 CHECK (first_version = 1),     -- the record exists
    PRIMARY KEY (study_id, site_id, subject_no, form, knee, visit, instance, event_no),
    FOREIGN KEY (study_id, site_id, subject_no, form, knee, visit, instance, first_version) REFERENCES core.submission,
    CONSTRAINT record_lock_order_check CHECK ((event_no % 2 = 1) = locked)
);

-- Asked for by one, decided by another.
CREATE TABLE core.redaction (
    study_id int NOT NULL,
    site_id int NOT NULL,
    redaction_id uuid NOT NULL,
    submission_id uuid NOT NULL,
    reason text NOT NULL CHECK (core.is_reason(reason)),
    PRIMARY KEY (study_id, site_id, redaction_id),
    FOREIGN KEY (study_id, submission_id, site_id) REFERENCES core.submission (study_id, id, site_id)
);

CREATE TABLE core.redaction_decision (
    study_id int NOT NULL,
    site_id int NOT NULL,
    redaction_id uuid NOT NULL,
    asked_by text NOT NULL,
    decision text NOT NULL CHECK (decision IN ('approved', 'declined')),
    reason text,
    PRIMARY KEY (study_id, site_id, redaction_id),
    CONSTRAINT redaction_decision_reason_check CHECK (decision = 'approved' OR core.is_reason(reason))
);

CREATE TRIGGER exclude_writer BEFORE INSERT ON core.record_lock
    FOR EACH ROW EXECUTE FUNCTION core.exclude_writer();

RESET ROLE;

DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['record_lock', 'redaction', 'redaction_decision'] LOOP
        EXECUTE pg_catalog.format(
            'ALTER TABLE core.%I '
            'ADD recorded_by text NOT NULL DEFAULT audit.actor(), '
            'ADD recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(), '
            'ADD xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(), '
            'ADD era smallint NOT NULL DEFAULT audit.current_era(), '
            'ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON core.%I FOR EACH ROW '
            'EXECUTE FUNCTION audit.refuse_change()', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_table BEFORE TRUNCATE ON core.%I FOR EACH STATEMENT '
            'EXECUTE FUNCTION audit.refuse_change()', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER record_insert AFTER INSERT ON core.%I REFERENCING NEW TABLE AS added '
            'FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert()', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY reporter ON core.%I FOR SELECT TO patella_reporter USING '
            '(study_id IN (SELECT g.study_id FROM sec.reporter_grant g WHERE g.role = session_user))', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY context ON core.%I FOR SELECT TO patella_api USING '
            '(study_id = (SELECT sec.context_study()) AND site_id = ANY ((SELECT sec.context_sites())::int[]))', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY context_adds ON core.%I FOR INSERT TO patella_api WITH CHECK '
            '(study_id = (SELECT sec.context_study()) AND site_id = ANY ((SELECT sec.context_sites())::int[]) '
            'AND recorded_by = (SELECT audit.actor()))', tab);
        EXECUTE pg_catalog.format('GRANT SELECT ON core.%I TO patella_reporter', tab);
        EXECUTE pg_catalog.format('GRANT SELECT, INSERT ON core.%I TO patella_api', tab);
    END LOOP;
END
$$;

-- Two persons: the decision names who asked, which the key holds it to, and is another's.
ALTER TABLE core.redaction
    ADD CONSTRAINT redaction_asked_key UNIQUE (study_id, site_id, redaction_id, recorded_by);
ALTER TABLE core.redaction_decision
    ADD CONSTRAINT redaction_decision_asked_fkey FOREIGN KEY (study_id, site_id, redaction_id, asked_by)
        REFERENCES core.redaction (study_id, site_id, redaction_id, recorded_by),
    ADD CONSTRAINT redaction_decision_persons_check CHECK (recorded_by <> asked_by);

-- The switches of 0003, for whom sec.enter has let in.
GRANT UPDATE (locked) ON core.subject TO patella_api;
GRANT UPDATE (frozen) ON core.study TO patella_api;
CREATE POLICY context_locks ON core.subject FOR UPDATE TO patella_api
    USING (study_id = (SELECT sec.context_study()) AND site_id = ANY ((SELECT sec.context_sites())::int[]));
CREATE POLICY context_freezes ON core.study FOR UPDATE TO patella_api
    USING (study_id = (SELECT sec.context_study()));

CREATE POLICY writer ON core.record_lock FOR SELECT TO patella_writer USING (true);
GRANT SELECT ON core.record_lock TO patella_writer;
GRANT EXECUTE ON FUNCTION core.is_subject_number(text) TO patella_api;      -- a CHECK of core.subject calls it

-- ---------------------------------------------------------------------------------------------- submissions

-- api.submit_rest asks for the lock of the record, too.
DO $$
DECLARE
    definition text := pg_catalog.pg_get_functiondef('api.submit_rest(api.request[], int[], uuid[])'::regprocedure);
    change record;
BEGIN
    FOR change IN
        SELECT c.old, c.new
        FROM (VALUES
            ('WHEN subject.locked THEN ''subject_locked''',
             'WHEN subject.locked THEN ''subject_locked''
                    WHEN held.locked THEN ''record_locked'''),
            ('-- The same id at another site that the caller sees, stored or earlier in this call.',
             '-- Whether the record is locked: by its newest event.
        LEFT JOIN LATERAL (
            SELECT x.locked
            FROM core.record_lock x
            WHERE r.denied IS NULL
              AND r.version > 1
              AND (x.study_id, x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance)
                  = (r.study, r.site, r.subject, r.form, r.knee, r.visit, r.instance)
            ORDER BY x.event_no DESC
            LIMIT 1) held ON true
        -- The same id at another site that the caller sees, stored or earlier in this call.')) c (old, new)
    LOOP
        IF pg_catalog.strpos(definition, change.old) = 0 THEN
            RAISE EXCEPTION 'api.submit_rest does not hold %', change.old;
        END IF;
        definition := pg_catalog.replace(definition, change.old, change.new);
    END LOOP;
    EXECUTE definition;
END
$$;

-- ---------------------------------------------------------------------------------------------- redacted bodies

DELETE FROM guard.protection WHERE (kind, object) = ('trigger', 'core.submission keep_rows');
SET LOCAL ROLE patella_owner;

-- The same text without what anybody has entered.  Of an enrolment the knee and the number that it continues stay: they
-- hold the subject together and name nobody.
CREATE FUNCTION core.redacted_content(v core.submission) RETURNS json
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
DECLARE
    answers json := v.content -> 'answers';
    kept text;
BEGIN
    SELECT COALESCE(pg_catalog.string_agg(pg_catalog.to_json(a.key)::text || ':' || a.value::text, ','
                                          ORDER BY a.ord), '')
    INTO kept
    FROM pg_catalog.json_each(answers) WITH ORDINALITY a (key, value, ord)
    WHERE (a.key = 'index_knee' AND answers ->> 'index_knee' IN ('left', 'right'))
       OR (a.key = 'continues' AND core.is_subject_number(answers ->> 'continues'));
    RETURN (
        SELECT '{' || COALESCE(pg_catalog.string_agg(
                   pg_catalog.to_json(e.key)::text || ':'
                   || CASE e.key WHEN 'answers' THEN '{' || kept || '}' ELSE e.value::text END || ',',
                   '' ORDER BY e.ord), '') || '"redacted":true}'
        FROM pg_catalog.json_each(v.content) WITH ORDINALITY e (key, value, ord)
        WHERE e.key NOT IN ('reason', 'not_answered', 'confirmed', 'redacted'))::json;
END
$$;

CREATE FUNCTION core.redacted_scores(scores float8[]) RETURNS float8[]
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
    RETURN ARRAY(SELECT 'NaN'::float8 FROM pg_catalog.unnest(scores));
END
$$;

-- Nothing of a version changes, but that its body goes after a redaction was approved.
CREATE FUNCTION core.keep_submission() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF pg_catalog.to_jsonb(NEW) - '{content,scores}'::text[] = pg_catalog.to_jsonb(OLD) - '{content,scores}'::text[]
           AND NEW.content::text = core.redacted_content(OLD)::text
           AND NEW.scores = core.redacted_scores(OLD.scores)
           AND EXISTS (SELECT FROM core.redaction r
                       JOIN core.redaction_decision d USING (study_id, site_id, redaction_id)
                       WHERE (r.study_id, r.submission_id, r.site_id) = (OLD.study_id, OLD.id, OLD.site_id)
                         AND d.decision = 'approved')
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% on %.% is refused: rows are only added', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = '42501';
END
$$;
DROP TRIGGER keep_rows ON core.submission;
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON core.submission
    FOR EACH ROW EXECUTE FUNCTION core.keep_submission();

-- The approval does it.  Its audit row has the hash of the body that stands there from now on.
CREATE FUNCTION core.redact() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    asked core.redaction;
    redacted core.submission;
BEGIN
    SELECT r.* INTO asked
    FROM core.redaction r
    WHERE (r.study_id, r.site_id, r.redaction_id) = (NEW.study_id, NEW.site_id, NEW.redaction_id);
    UPDATE core.submission v
    SET content = core.redacted_content(v), scores = core.redacted_scores(v.scores)
    WHERE (v.study_id, v.id, v.site_id) = (asked.study_id, asked.submission_id, asked.site_id)
    RETURNING v.* INTO redacted;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nothing to redact' USING ERRCODE = 'P0002';
    END IF;
    PERFORM audit.record('REDACT', 'core.submission', NEW.study_id, NEW.site_id, redacted.id,
                         pg_catalog.sha256(pg_catalog.convert_to(redacted.content::text, 'UTF8')),
                         pg_catalog.jsonb_build_object('redaction_id', NEW.redaction_id), asked.reason);
    RETURN NULL;
END
$$;
CREATE TRIGGER redact AFTER INSERT ON core.redaction_decision
    FOR EACH ROW WHEN (NEW.decision = 'approved') EXECUTE FUNCTION core.redact();

RESET ROLE;

-- The owner of the tables sees and changes a version only once its redaction is approved.
CREATE POLICY owner_reads ON core.redaction FOR SELECT TO patella_owner USING (true);
CREATE POLICY owner_reads ON core.redaction_decision FOR SELECT TO patella_owner USING (true);
CREATE POLICY owner_redacts ON core.submission TO patella_owner USING (EXISTS (
    SELECT FROM core.redaction r
    JOIN core.redaction_decision d USING (study_id, site_id, redaction_id)
    WHERE (r.study_id, r.submission_id, r.site_id) = (submission.study_id, submission.id, submission.site_id)
      AND d.decision = 'approved'));

SET LOCAL ROLE patella_api;

-- ---------------------------------------------------------------------------------------------- locks

-- `id`: of any version of the record.
CREATE FUNCTION api.lock_record(token bytea, study int, id uuid, locked boolean, reason text) RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v core.submission;
    last core.record_lock;
    added core.record_lock;
BEGIN
    PERFORM sec.enter(token, study, 'data_manager');
    PERFORM pg_catalog.pg_advisory_xact_lock(71, study);
    PERFORM pg_catalog.pg_advisory_xact_lock(77, study);

    v := api.find_version(study, id);
    SELECT l.* INTO last
    FROM core.record_lock l
    WHERE (l.study_id, l.site_id, l.subject_no, l.form, l.knee, l.visit, l.instance)
          = (study, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
    ORDER BY l.event_no DESC
    LIMIT 1;
    IF COALESCE(last.locked, false) = locked THEN
        RETURN ROW(NULL, COALESCE(last.event_no, 0), COALESCE(last.recorded_at, v.recorded_at))::api.outcome;
    END IF;
    IF NOT core.is_reason(reason) THEN
        RETURN api.refuse('reason_missing', 'core.record_lock', study, v.site_id, id);
    END IF;

    INSERT INTO core.record_lock AS l (study_id, site_id, subject_no, form, knee, visit, instance, event_no, locked,
                                       reason)
    VALUES (study, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, COALESCE(last.event_no, 0) + 1, locked,
            reason)
    RETURNING l.* INTO added;
    RETURN ROW(NULL, added.event_no, added.recorded_at)::api.outcome;
END
$$;

CREATE FUNCTION api.lock_subject(token bytea, study int, site int, subject int, locked boolean, reason text)
RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM sec.enter(token, study, 'data_manager');
    IF NOT EXISTS (SELECT FROM core.subject s WHERE (s.study_id, s.site_id, s.subject_no) = (study, site, subject)) THEN
        RAISE EXCEPTION 'no such subject' USING ERRCODE = 'P0002';
    END IF;
    IF NOT core.is_reason(reason) THEN
        RETURN api.refuse('reason_missing', 'core.subject', study, site, NULL);
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(71, study);
    PERFORM pg_catalog.set_config('patella.reason', reason, true);
    UPDATE core.subject s
    SET locked = lock_subject.locked
    WHERE (s.study_id, s.site_id, s.subject_no) = (study, site, subject);
    RETURN ROW(NULL, 1, pg_catalog.clock_timestamp())::api.outcome;
END
$$;

CREATE FUNCTION api.freeze_study(token bytea, study int, frozen boolean, reason text) RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM sec.enter_whole_study(token, study, 'data_manager', 'administrator');
    IF NOT core.is_reason(reason) THEN
        RETURN api.refuse('reason_missing', 'core.study', study, NULL, NULL);
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(71, study);
    PERFORM pg_catalog.set_config('patella.reason', reason, true);
    UPDATE core.study s SET frozen = freeze_study.frozen WHERE s.study_id = study;
    RETURN ROW(NULL, 1, pg_catalog.clock_timestamp())::api.outcome;
END
$$;

-- The newest event of each record that was ever locked; the id is that of the record's first version.
CREATE FUNCTION api.list_locks(token bytea, study int, one uuid, site int, subject int, wanted_state text,
                               after_site int, after_id uuid, most int)
RETURNS TABLE (id uuid, site_id int, subject_no int, form text, knee text, visit text, instance int, state text,
               reason text, recorded_by text, recorded_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked');

    RETURN QUERY
    SELECT v.id, l.site_id, l.subject_no, l.form, l.knee, l.visit, l.instance,
           CASE WHEN l.locked THEN 'locked' ELSE 'unlocked' END, l.reason, l.recorded_by, l.recorded_at
    FROM core.record_lock l
    JOIN core.submission v
         ON (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.version)
            = (l.study_id, l.site_id, l.subject_no, l.form, l.knee, l.visit, l.instance, l.first_version)
    WHERE l.study_id = study
      AND (one IS NULL OR v.id = one)
      AND (wanted_state IS NULL OR CASE WHEN l.locked THEN 'locked' ELSE 'unlocked' END = wanted_state)
      AND (list_locks.site IS NULL OR l.site_id = list_locks.site)
      AND (list_locks.subject IS NULL OR l.subject_no = list_locks.subject)
      AND (after_id IS NULL OR (l.site_id, v.id) > (after_site, after_id))
      AND NOT EXISTS (
          SELECT FROM core.record_lock later
          WHERE (later.study_id, later.site_id, later.subject_no, later.form, later.knee, later.visit, later.instance)
                = (l.study_id, l.site_id, l.subject_no, l.form, l.knee, l.visit, l.instance)
            AND later.event_no > l.event_no)
    ORDER BY l.site_id, v.id
    LIMIT LEAST(GREATEST(most, 1), 10000);
END
$$;

-- ---------------------------------------------------------------------------------------------- signatures

-- As in 0017, but the confirmation is asked for last: sec.confirmed takes it, and a refusal must not use it up.
CREATE OR REPLACE FUNCTION api.sign(token bytea, study int, id uuid, signature uuid, sha256 bytea, meaning text)
RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'investigator');
    v core.submission;
    earlier core.signature;
    added timestamptz;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(77, study);

    v := api.find_version(study, id);
    SELECT s.* INTO earlier
    FROM core.signature s
    WHERE (s.study_id, s.signature_id) = (study, signature)
    ORDER BY s.site_id
    LIMIT 1;
    IF FOUND THEN
        IF (earlier.site_id, earlier.submission_id, earlier.sha256, earlier.meaning, earlier.recorded_by)
           = (v.site_id, id, sign.sha256, sign.meaning, account)
        THEN
            RETURN ROW(NULL, 1, earlier.recorded_at)::api.outcome;
        END IF;
        RETURN api.refuse('uuid_reused', 'core.signature', study, v.site_id, id);
    END IF;
    IF v.sha256 IS DISTINCT FROM sign.sha256 THEN
        RETURN api.refuse('content_differs', 'core.signature', study, v.site_id, id);
    END IF;
    IF NOT api.is_newest(v) THEN
        RETURN api.refuse('superseded', 'core.signature', study, v.site_id, id);
    END IF;
    IF EXISTS (SELECT FROM core.signature s
               WHERE (s.study_id, s.site_id, s.submission_id, s.recorded_by, s.meaning)
                     = (study, v.site_id, id, account, sign.meaning))
    THEN
        RETURN api.refuse('signed_already', 'core.signature', study, v.site_id, id);
    END IF;
    IF NOT sec.confirmed(token) THEN
        RETURN api.refuse('not_confirmed', 'core.signature', study, v.site_id, id);
    END IF;

    INSERT INTO core.signature AS s (study_id, site_id, signature_id, submission_id, sha256, meaning, printed_name)
    VALUES (study, v.site_id, signature, id, v.sha256, meaning, sec.full_name(account))
    RETURNING s.recorded_at INTO added;
    RETURN ROW(NULL, 1, added)::api.outcome;
END
$$;

-- ---------------------------------------------------------------------------------------------- redaction

CREATE FUNCTION api.ask_redaction(token bytea, study int, id uuid, redaction uuid, reason text) RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'data_manager');
    v core.submission;
    earlier core.redaction;
    added timestamptz;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(77, study);

    v := api.find_version(study, id);
    SELECT r.* INTO earlier
    FROM core.redaction r
    WHERE (r.study_id, r.redaction_id) = (study, redaction)
    ORDER BY r.site_id
    LIMIT 1;
    IF FOUND THEN
        IF (earlier.site_id, earlier.submission_id, earlier.reason, earlier.recorded_by)
           = (v.site_id, id, ask_redaction.reason, account)
        THEN
            RETURN ROW(NULL, 1, earlier.recorded_at)::api.outcome;
        END IF;
        RETURN api.refuse('uuid_reused', 'core.redaction', study, v.site_id, id);
    END IF;
    IF NOT core.is_reason(reason) THEN
        RETURN api.refuse('reason_missing', 'core.redaction', study, v.site_id, id);
    END IF;

    INSERT INTO core.redaction AS r (study_id, site_id, redaction_id, submission_id, reason)
    VALUES (study, v.site_id, redaction, id, reason)
    RETURNING r.recorded_at INTO added;
    RETURN ROW(NULL, 1, added)::api.outcome;
END
$$;

CREATE FUNCTION api.decide_redaction(token bytea, study int, redaction uuid, decision text, reason text)
RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'administrator');
    asked core.redaction;
    earlier core.redaction_decision;
    added timestamptz;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(77, study);

    SELECT r.* INTO asked
    FROM core.redaction r
    WHERE (r.study_id, r.redaction_id) = (study, redaction)
    ORDER BY r.site_id
    LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such redaction' USING ERRCODE = 'P0002';
    END IF;
    SELECT d.* INTO earlier
    FROM core.redaction_decision d
    WHERE (d.study_id, d.site_id, d.redaction_id) = (study, asked.site_id, redaction);
    IF FOUND AND (earlier.decision, earlier.recorded_by) = (decide_redaction.decision, account) THEN
        RETURN ROW(NULL, 1, earlier.recorded_at)::api.outcome;
    ELSIF FOUND THEN
        RETURN api.refuse('decided_already', 'core.redaction', study, asked.site_id, redaction);
    END IF;
    IF asked.recorded_by = account THEN
        RETURN api.refuse('same_account', 'core.redaction', study, asked.site_id, redaction);
    END IF;
    IF decision = 'declined' AND NOT core.is_reason(reason) THEN
        RETURN api.refuse('reason_missing', 'core.redaction', study, asked.site_id, redaction);
    END IF;

    INSERT INTO core.redaction_decision AS d (study_id, site_id, redaction_id, asked_by, decision, reason)
    VALUES (study, asked.site_id, redaction, asked.recorded_by, decision, reason)
    RETURNING d.recorded_at INTO added;
    RETURN ROW(NULL, 1, added)::api.outcome;
END
$$;

CREATE FUNCTION api.list_redactions(token bytea, study int, one uuid, site int, subject int, wanted_state text,
                                    after_site int, after_id uuid, most int)
RETURNS TABLE (redaction_id uuid, site_id int, subject_no int, form text, knee text, visit text, instance int,
               version int, id uuid, state text, reason text, asked_by text, asked_at timestamptz, decided_by text,
               decided_at timestamptz, decision_reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'administrator', 'data_manager', 'coordinator', 'investigator', 'monitor',
                      'statistician', 'statistician_unmasked');

    RETURN QUERY
    SELECT r.redaction_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.version, v.id,
           COALESCE(d.decision, 'asked'), r.reason, r.recorded_by, r.recorded_at, d.recorded_by, d.recorded_at, d.reason
    FROM core.redaction r
    JOIN core.submission v ON (v.study_id, v.id, v.site_id) = (r.study_id, r.submission_id, r.site_id)
    LEFT JOIN core.redaction_decision d
         ON (d.study_id, d.site_id, d.redaction_id) = (r.study_id, r.site_id, r.redaction_id)
    WHERE r.study_id = study
      AND (one IS NULL OR r.redaction_id = one)
      AND (wanted_state IS NULL OR COALESCE(d.decision, 'asked') = wanted_state)
      AND (list_redactions.site IS NULL OR r.site_id = list_redactions.site)
      AND (list_redactions.subject IS NULL OR v.subject_no = list_redactions.subject)
      AND (after_id IS NULL OR (r.site_id, r.redaction_id) > (after_site, after_id))
    ORDER BY r.site_id, r.redaction_id
    LIMIT LEAST(GREATEST(most, 1), 10000);
END
$$;

GRANT EXECUTE ON FUNCTION api.lock_record(bytea, int, uuid, boolean, text),
    api.lock_subject(bytea, int, int, int, boolean, text), api.freeze_study(bytea, int, boolean, text),
    api.list_locks(bytea, int, uuid, int, int, text, int, uuid, int),
    api.ask_redaction(bytea, int, uuid, uuid, text), api.decide_redaction(bytea, int, uuid, text, text),
    api.list_redactions(bytea, int, uuid, int, int, text, int, uuid, int)
    TO patella_collector;

RESET ROLE;
SELECT guard.record();
