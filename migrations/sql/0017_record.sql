-- SPDX-License-Identifier: GPL-3.0-or-later
-- What is said about a record beside its versions: queries, source data verification, signatures.
--
-- Each is a table of events that are only added; the newest event is the state.  A record is named by its key, a
-- version by the id of its submission.  Functions give back an outcome: what was refused for a reason of its own has a
-- code and leaves an audit row, like a refused submission; SQLSTATE 28000, 42501 and P0002 are those of 0008.
--
-- Advisory lock 77 of a study: one at a time of these acts.  Who needs 71 too (no submission under way) takes it first.

SET LOCAL ROLE patella_sec_owner;

CREATE FUNCTION sec.token_role(token bytea) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN (SELECT c.role FROM sec.credential c WHERE c.token_sha256 = pg_catalog.sha256(token));
END
$$;

-- As a signature prints it.
CREATE FUNCTION sec.full_name(account text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN (SELECT a.full_name FROM sec.account a WHERE a.account = full_name.account);
END
$$;

-- Whether the holder has given password and second factor in this session within ten minutes.  A token of a program is
-- nobody's session.
CREATE FUNCTION sec.confirmed(token bytea) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN false;
END
$$;
GRANT EXECUTE ON FUNCTION sec.token_role(bytea), sec.full_name(text), sec.confirmed(bytea) TO patella_api;

SET LOCAL ROLE patella_owner;

-- A question about an item, or about a record as a whole, answered and entered or not.
CREATE TABLE core.query (
    study_id int NOT NULL,
    site_id int NOT NULL,
    query_id uuid NOT NULL,                 -- made by who asks: the same one again is the same query
    subject_no int NOT NULL,
    form text COLLATE "C" NOT NULL,
    knee text COLLATE "C" NOT NULL CHECK (knee IN ('none', 'left', 'right')),
    visit text COLLATE "C" NOT NULL CHECK (pg_catalog.length(visit) BETWEEN 1 AND 63),
    instance int NOT NULL CHECK (instance BETWEEN 1 AND 9999),
    item text COLLATE "C" CHECK (COALESCE(pg_catalog.length(item) BETWEEN 1 AND 63, true)),     -- NULL: the record
    version int NOT NULL CHECK (version >= 0),      -- the record's newest at that time; 0: not entered yet
    PRIMARY KEY (study_id, site_id, query_id),
    FOREIGN KEY (study_id, site_id, subject_no) REFERENCES core.subject
);
CREATE INDEX query_subject ON core.query (study_id, site_id, subject_no);

CREATE TABLE core.query_event (
    study_id int NOT NULL,
    site_id int NOT NULL,
    query_id uuid NOT NULL,
    event_no int NOT NULL CHECK (event_no >= 1),
    kind text NOT NULL CHECK (kind IN ('opened', 'answered', 'closed', 'reopened')),
    text text NOT NULL CHECK (pg_catalog.length(pg_catalog.btrim(text)) BETWEEN 1 AND 2000),
    PRIMARY KEY (study_id, site_id, query_id, event_no),
    FOREIGN KEY (study_id, site_id, query_id) REFERENCES core.query,
    CONSTRAINT query_event_first_check CHECK ((event_no = 1) = (kind = 'opened'))
);

-- That a version was compared with its source.  It says nothing about the versions behind it.
CREATE TABLE core.verification (
    study_id int NOT NULL,
    site_id int NOT NULL,
    submission_id uuid NOT NULL,
    event_no int NOT NULL CHECK (event_no >= 1),
    kind text NOT NULL CHECK (kind IN ('verified', 'withdrawn')),
    reason text,
    PRIMARY KEY (study_id, site_id, submission_id, event_no),
    FOREIGN KEY (study_id, submission_id, site_id) REFERENCES core.submission (study_id, id, site_id),
    CONSTRAINT verification_order_check CHECK ((event_no % 2 = 1) = (kind = 'verified')),
    CONSTRAINT verification_reason_check CHECK (kind = 'verified' OR core.is_reason(reason))
);

-- Bound to the version and to its content.  That the hash is the version's is asked by a trigger: neither ever changes,
-- and a key over both would be one more index that every submission pays for.
CREATE TABLE core.signature (
    study_id int NOT NULL,
    site_id int NOT NULL,
    signature_id uuid NOT NULL,
    submission_id uuid NOT NULL,
    sha256 bytea NOT NULL CHECK (pg_catalog.octet_length(sha256) = 32),
    meaning text NOT NULL CHECK (meaning IN ('authorship', 'review', 'approval', 'responsibility')),
    printed_name text NOT NULL CHECK (pg_catalog.length(pg_catalog.btrim(printed_name)) > 0),
    PRIMARY KEY (study_id, site_id, signature_id),
    FOREIGN KEY (study_id, submission_id, site_id) REFERENCES core.submission (study_id, id, site_id)
);

CREATE FUNCTION core.check_signed_content() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM core.submission v
                   WHERE (v.study_id, v.id, v.site_id, v.sha256)
                         = (NEW.study_id, NEW.submission_id, NEW.site_id, NEW.sha256))
    THEN
        RAISE EXCEPTION 'the signed hash is not that of the version'
            USING ERRCODE = '23503', CONSTRAINT = 'signature_content_fkey';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER check_signed_content BEFORE INSERT ON core.signature
    FOR EACH ROW EXECUTE FUNCTION core.check_signed_content();

RESET ROLE;

-- What all of them have: who, when and in which transaction; and that nothing of it goes away.
DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['query', 'query_event', 'verification', 'signature'] LOOP
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

ALTER TABLE core.signature
    ADD CONSTRAINT signature_once_key UNIQUE (study_id, site_id, submission_id, recorded_by, meaning);

GRANT EXECUTE ON FUNCTION core.is_reason(text) TO patella_api;

SET LOCAL ROLE patella_api;

CREATE TYPE api.outcome AS (
    code text,                  -- why it was refused; NULL: done, now or before
    number int,                 -- of the event
    at timestamptz              -- when that was recorded
);

-- Commits, and leaves what was tried.
CREATE FUNCTION api.refuse(code text, object text, study int, site int, row_id uuid) RETURNS api.outcome
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM audit.record('REFUSE ' || code, object, study, site, row_id, NULL, NULL, NULL);
    RETURN ROW(code, NULL, NULL)::api.outcome;
END
$$;

-- The version with that id at the sites of the context; where two have it, the one that api.find_submission shows.
CREATE FUNCTION api.find_version(study int, id uuid) RETURNS core.submission
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    found_version core.submission;
BEGIN
    SELECT v.* INTO found_version
    FROM core.submission v
    WHERE (v.study_id, v.id) = (study, find_version.id)
    ORDER BY v.site_id
    LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such submission' USING ERRCODE = 'P0002';
    END IF;
    RETURN found_version;
END
$$;

CREATE FUNCTION api.newest_version(study int, site int, subject int, form text, knee text, visit text, instance int)
RETURNS int
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN COALESCE((SELECT v.version
                     FROM core.submission v
                     WHERE (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
                           = ($1, $2, $3, $4, $5, $6, $7)
                     ORDER BY v.version DESC
                     LIMIT 1), 0);
END
$$;

CREATE FUNCTION api.is_newest(v core.submission) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN v.version = api.newest_version(v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance);
END
$$;

-- ---------------------------------------------------------------------------------------------- queries

CREATE FUNCTION api.open_query(token bytea, study int, id uuid, site int, subject int, form text, knee text,
                               visit text, instance int, item text, words text)
RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'data_manager', 'monitor', 'investigator');
    earlier record;
    first_event core.query_event;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(77, study);

    -- The same request again is answered as the first time; at another site that the caller sees it is another query.
    SELECT q.* INTO earlier FROM core.query q WHERE (q.study_id, q.query_id) = (study, id) ORDER BY q.site_id LIMIT 1;
    IF FOUND THEN
        SELECT e.* INTO first_event
        FROM core.query_event e
        WHERE (e.study_id, e.site_id, e.query_id, e.event_no) = (study, earlier.site_id, id, 1);
        IF (earlier.site_id, earlier.subject_no, earlier.form, earlier.knee, earlier.visit, earlier.instance,
            earlier.recorded_by, first_event.text) = (site, subject, form, knee, visit, instance, account, words)
           AND earlier.item IS NOT DISTINCT FROM item
        THEN
            RETURN ROW(NULL, 1, first_event.recorded_at)::api.outcome;
        END IF;
        RETURN api.refuse('uuid_reused', 'core.query', study, site, id);
    END IF;
    IF NOT EXISTS (SELECT FROM core.subject s WHERE (s.study_id, s.site_id, s.subject_no) = (study, site, subject)) THEN
        RETURN api.refuse('unknown_subject', 'core.query', study, site, id);
    END IF;
    IF NOT EXISTS (SELECT FROM core.form f WHERE (f.study_id, f.form) = (study, open_query.form)) THEN
        RETURN api.refuse('unknown_form', 'core.query', study, site, id);
    END IF;

    INSERT INTO core.query (study_id, site_id, query_id, subject_no, form, knee, visit, instance, item, version)
    VALUES (study, site, id, subject, form, knee, visit, instance, item,
            api.newest_version(study, site, subject, form, knee, visit, instance));
    INSERT INTO core.query_event AS e (study_id, site_id, query_id, event_no, kind, text)
    VALUES (study, site, id, 1, 'opened', words)
    RETURNING e.* INTO first_event;
    RETURN ROW(NULL, 1, first_event.recorded_at)::api.outcome;
END
$$;

-- What may follow which state.  A monitor closes and reopens only what he has opened himself.
CREATE FUNCTION api.add_query_event(token bytea, study int, id uuid, kind text, words text) RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text;
    about core.query;
    last core.query_event;
    added timestamptz;
BEGIN
    IF kind = 'answered' THEN
        account := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager');
    ELSE
        account := sec.enter(token, study, 'data_manager', 'monitor');
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(77, study);

    SELECT q.* INTO about FROM core.query q WHERE (q.study_id, q.query_id) = (study, id) ORDER BY q.site_id LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such query' USING ERRCODE = 'P0002';
    END IF;
    SELECT e.* INTO last
    FROM core.query_event e
    WHERE (e.study_id, e.site_id, e.query_id) = (study, about.site_id, id)
    ORDER BY e.event_no DESC
    LIMIT 1;
    IF (last.kind, last.text, last.recorded_by) = (kind, words, account) THEN
        RETURN ROW(NULL, last.event_no, last.recorded_at)::api.outcome;     -- sent again
    END IF;
    IF kind <> 'answered' AND sec.token_role(token) = 'monitor' AND about.recorded_by <> account THEN
        RETURN api.refuse('query_of_another', 'core.query', study, about.site_id, id);
    END IF;
    IF (last.kind, kind) NOT IN (('opened', 'answered'), ('reopened', 'answered'), ('opened', 'closed'),
                                 ('reopened', 'closed'), ('answered', 'closed'), ('answered', 'reopened'),
                                 ('closed', 'reopened'))
    THEN
        RETURN api.refuse('query_state', 'core.query', study, about.site_id, id);
    END IF;

    INSERT INTO core.query_event AS e (study_id, site_id, query_id, event_no, kind, text)
    VALUES (study, about.site_id, id, last.event_no + 1, kind, words)
    RETURNING e.recorded_at INTO added;
    RETURN ROW(NULL, last.event_no + 1, added)::api.outcome;
END
$$;

-- NULL filters nothing; by site and id, beginning behind (after_site, after_id).
CREATE FUNCTION api.list_queries(token bytea, study int, one uuid, site int, subject int, wanted_state text,
                                 after_site int, after_id uuid, most int)
RETURNS TABLE (query_id uuid, site_id int, subject_no int, form text, knee text, visit text, instance int, version int,
               item text, state text, text text, opened_by text, opened_at timestamptz, changed_by text,
               changed_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked');

    RETURN QUERY
    SELECT q.query_id, q.site_id, q.subject_no, q.form, q.knee, q.visit, q.instance, q.version, q.item,
           CASE last.kind WHEN 'opened' THEN 'open' WHEN 'reopened' THEN 'open' ELSE last.kind END,
           opening.text, q.recorded_by, q.recorded_at, last.recorded_by, last.recorded_at
    FROM core.query q
    JOIN core.query_event opening
         ON (opening.study_id, opening.site_id, opening.query_id, opening.event_no)
            = (q.study_id, q.site_id, q.query_id, 1)
    CROSS JOIN LATERAL (
        SELECT e.kind, e.recorded_by, e.recorded_at
        FROM core.query_event e
        WHERE (e.study_id, e.site_id, e.query_id) = (q.study_id, q.site_id, q.query_id)
        ORDER BY e.event_no DESC
        LIMIT 1) last
    WHERE q.study_id = study
      AND (one IS NULL OR q.query_id = one)
      AND (list_queries.site IS NULL OR q.site_id = list_queries.site)
      AND (list_queries.subject IS NULL OR q.subject_no = list_queries.subject)
      AND (wanted_state IS NULL
           OR CASE last.kind WHEN 'opened' THEN 'open' WHEN 'reopened' THEN 'open' ELSE last.kind END
              = wanted_state)
      AND (after_id IS NULL OR (q.site_id, q.query_id) > (after_site, after_id))
    ORDER BY q.site_id, q.query_id
    LIMIT LEAST(GREATEST(most, 1), 10000);
END
$$;

CREATE FUNCTION api.list_query_events(token bytea, study int, site int, id uuid)
RETURNS TABLE (event_no int, kind text, text text, recorded_by text, recorded_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked');

    RETURN QUERY
    SELECT e.event_no, e.kind, e.text, e.recorded_by, e.recorded_at
    FROM core.query_event e
    WHERE (e.study_id, e.site_id, e.query_id) = (study, site, id)
    ORDER BY e.event_no;
END
$$;

-- ---------------------------------------------------------------------------------------------- verification

CREATE FUNCTION api.verify_version(token bytea, study int, id uuid, kind text, reason text) RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    v core.submission;
    last core.verification;
    added core.verification;
BEGIN
    PERFORM sec.enter(token, study, 'monitor');
    PERFORM pg_catalog.pg_advisory_xact_lock(77, study);

    v := api.find_version(study, id);
    SELECT e.* INTO last
    FROM core.verification e
    WHERE (e.study_id, e.site_id, e.submission_id) = (study, v.site_id, id)
    ORDER BY e.event_no DESC
    LIMIT 1;
    IF COALESCE(last.kind, 'withdrawn') = kind THEN
        IF last.kind IS NULL THEN
            RETURN api.refuse('not_verified', 'core.verification', study, v.site_id, id);
        END IF;
        RETURN ROW(NULL, last.event_no, last.recorded_at)::api.outcome;
    END IF;
    IF kind = 'verified' AND NOT api.is_newest(v) THEN
        RETURN api.refuse('superseded', 'core.verification', study, v.site_id, id);
    END IF;
    IF kind = 'withdrawn' AND NOT core.is_reason(reason) THEN
        RETURN api.refuse('reason_missing', 'core.verification', study, v.site_id, id);
    END IF;

    INSERT INTO core.verification AS e (study_id, site_id, submission_id, event_no, kind, reason)
    VALUES (study, v.site_id, id, COALESCE(last.event_no, 0) + 1, kind, CASE WHEN kind = 'withdrawn' THEN reason END)
    RETURNING e.* INTO added;
    RETURN ROW(NULL, added.event_no, added.recorded_at)::api.outcome;
END
$$;

-- The newest mark of each version that has one; by site and id.  `covers`: no newer version of the record is there.
CREATE FUNCTION api.list_verifications(token bytea, study int, one uuid, site int, subject int, wanted_state text,
                                       after_site int, after_id uuid, most int)
RETURNS TABLE (id uuid, site_id int, subject_no int, form text, knee text, visit text, instance int, version int,
               state text, covers boolean, reason text, recorded_by text, recorded_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked');

    RETURN QUERY
    SELECT v.id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.version, e.kind,
           e.kind = 'verified' AND api.is_newest(v), e.reason, e.recorded_by, e.recorded_at
    FROM core.verification e
    JOIN core.submission v ON (v.study_id, v.id, v.site_id) = (e.study_id, e.submission_id, e.site_id)
    WHERE e.study_id = study
      AND (one IS NULL OR e.submission_id = one)
      AND (wanted_state IS NULL OR e.kind = wanted_state)
      AND (list_verifications.site IS NULL OR e.site_id = list_verifications.site)
      AND (list_verifications.subject IS NULL OR v.subject_no = list_verifications.subject)
      AND (after_id IS NULL OR (e.site_id, e.submission_id) > (after_site, after_id))
      AND NOT EXISTS (
          SELECT FROM core.verification later
          WHERE (later.study_id, later.site_id, later.submission_id) = (e.study_id, e.site_id, e.submission_id)
            AND later.event_no > e.event_no)
    ORDER BY e.site_id, e.submission_id
    LIMIT LEAST(GREATEST(most, 1), 10000);
END
$$;

-- ---------------------------------------------------------------------------------------------- signatures

-- `sha256`: of the content that the signer has seen.  Who signs has given password and second factor in this session
-- within ten minutes (sec.confirmed).
CREATE FUNCTION api.sign(token bytea, study int, id uuid, signature uuid, sha256 bytea, meaning text)
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
    IF NOT sec.confirmed(token) THEN
        RETURN api.refuse('not_confirmed', 'core.signature', study, v.site_id, id);
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

    INSERT INTO core.signature AS s (study_id, site_id, signature_id, submission_id, sha256, meaning, printed_name)
    VALUES (study, v.site_id, signature, id, v.sha256, meaning, sec.full_name(account))
    RETURNING s.recorded_at INTO added;
    RETURN ROW(NULL, 1, added)::api.outcome;
END
$$;

-- By site and id.
CREATE FUNCTION api.list_signatures(token bytea, study int, one uuid, site int, subject int, wanted_state text,
                                    after_site int, after_id uuid, most int)
RETURNS TABLE (signature_id uuid, site_id int, subject_no int, form text, knee text, visit text, instance int,
               version int, id uuid, sha256 bytea, covers boolean, meaning text, printed_name text, recorded_by text,
               recorded_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked');

    RETURN QUERY
    SELECT s.signature_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.version, v.id, s.sha256,
           api.is_newest(v), s.meaning, s.printed_name, s.recorded_by, s.recorded_at
    FROM core.signature s
    JOIN core.submission v ON (v.study_id, v.id, v.site_id) = (s.study_id, s.submission_id, s.site_id)
    WHERE s.study_id = study
      AND (one IS NULL OR s.signature_id = one)
      AND (wanted_state IS NULL OR CASE WHEN api.is_newest(v) THEN 'current' ELSE 'superseded' END = wanted_state)
      AND (list_signatures.site IS NULL OR s.site_id = list_signatures.site)
      AND (list_signatures.subject IS NULL OR v.subject_no = list_signatures.subject)
      AND (after_id IS NULL OR (s.site_id, s.signature_id) > (after_site, after_id))
    ORDER BY s.site_id, s.signature_id
    LIMIT LEAST(GREATEST(most, 1), 10000);
END
$$;

GRANT EXECUTE ON FUNCTION api.open_query(bytea, int, uuid, int, int, text, text, text, int, text, text),
    api.add_query_event(bytea, int, uuid, text, text),
    api.list_queries(bytea, int, uuid, int, int, text, int, uuid, int),
    api.list_query_events(bytea, int, int, uuid),
    api.verify_version(bytea, int, uuid, text, text),
    api.list_verifications(bytea, int, uuid, int, int, text, int, uuid, int),
    api.sign(bytea, int, uuid, uuid, bytea, text),
    api.list_signatures(bytea, int, uuid, int, int, text, int, uuid, int)
    TO patella_collector;

RESET ROLE;
SELECT guard.record();
