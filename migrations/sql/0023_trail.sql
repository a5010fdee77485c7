-- SPDX-License-Identifier: GPL-3.0-or-later
-- How the audit trail is read, reviewed and given out, and the data of a cut.  Each time a request is stored and
-- committed first, and then read is what it says.

SET LOCAL ROLE patella_sec_owner;

-- Whether the token covers every site of its study, those to come too: only then is what belongs to no site shown.
CREATE FUNCTION sec.has_all_sites(token bytea) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT EXISTS (SELECT FROM sec.credential c
                   WHERE c.token_sha256 = pg_catalog.sha256(token)
                     AND c.site_ids = '{}')
$$;

GRANT EXECUTE ON FUNCTION sec.has_all_sites(bytea) TO patella_api;

-- ---------------------------------------------------------------------------------------------- readings

RESET ROLE;
SET LOCAL ROLE patella_report_owner;

-- Whoever reads the audit trail, reviews it or takes the data of a cut out leaves a row first, which commits; then he
-- reads what that row says, and nothing else: it holds the filter, the cut, and the snapshot as of which he reads.
CREATE TABLE rep.reading (
    study_id int NOT NULL,
    request_id uuid NOT NULL,
    what text NOT NULL CHECK (what IN ('audit', 'review', 'export')),
    filter jsonb NOT NULL,
    cut_no int,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    snapshot pg_snapshot NOT NULL,
    xid xid8 NOT NULL,
    era smallint NOT NULL,
    PRIMARY KEY (study_id, request_id),
    FOREIGN KEY (study_id, cut_no) REFERENCES core.cut,
    CONSTRAINT reading_cut_check CHECK ((what = 'export') = (cut_no IS NOT NULL))
);

-- What somebody found when he reviewed the trail.
CREATE TABLE rep.review (
    study_id int NOT NULL,
    request_id uuid NOT NULL,
    conclusion text NOT NULL CHECK (pg_catalog.length(conclusion) <= 4000),
    concluded_by text NOT NULL,
    concluded_at timestamptz NOT NULL,
    PRIMARY KEY (study_id, request_id),
    FOREIGN KEY (study_id, request_id) REFERENCES rep.reading,
    CONSTRAINT review_words_check CHECK (core.is_reason(conclusion))
);

DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['reading', 'review'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE rep.%I ENABLE ROW LEVEL SECURITY', tab);
        EXECUTE pg_catalog.format('ALTER TABLE rep.%I FORCE ROW LEVEL SECURITY', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY reports ON rep.%I TO patella_report_owner USING (sec.is_reporter(study_id))', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY context ON rep.%I TO patella_api USING (study_id = (SELECT sec.context_study()))', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY administration ON rep.%I TO patella_admin_owner USING (true)', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON rep.%I FOR EACH ROW '
            'EXECUTE FUNCTION audit.refuse_change()', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_table BEFORE TRUNCATE ON rep.%I FOR EACH STATEMENT '
            'EXECUTE FUNCTION audit.refuse_change()', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER record_insert AFTER INSERT ON rep.%I REFERENCING NEW TABLE AS added '
            'FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert(''snapshot'', ''xid'', ''era'')', tab);
        EXECUTE pg_catalog.format('GRANT SELECT, INSERT ON rep.%I TO patella_api', tab);
    END LOOP;
END
$$;
GRANT SELECT, INSERT ON rep.reading TO patella_admin_owner;
GRANT USAGE ON SCHEMA rep TO patella_admin_owner;

RESET ROLE;
SET LOCAL ROLE patella_api;

-- First step.  A row of rep.reading is audited as an INSERT; the EXPORT beside it is what people look for.
CREATE FUNCTION api.add_reading(study int, account text, what text, filter jsonb, cut int) RETURNS uuid
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    request uuid := pg_catalog.gen_random_uuid();
BEGIN
    INSERT INTO rep.reading (study_id, request_id, what, filter, cut_no, requested_by, requested_at, snapshot, xid, era)
    VALUES (study, request, what, pg_catalog.jsonb_strip_nulls(filter), cut, account, pg_catalog.clock_timestamp(),
            pg_catalog.pg_current_snapshot(), pg_catalog.pg_current_xact_id(), audit.current_era());
    PERFORM audit.record('EXPORT', CASE WHEN what = 'export' THEN 'core.cut' ELSE 'audit.event' END, study, NULL,
                         request, NULL,
                         pg_catalog.jsonb_strip_nulls(filter || pg_catalog.jsonb_build_object('what', what)), NULL,
                         account);
    RETURN request;
END
$$;

-- Second step, in another transaction, for the same account; a long body is read in many of them.
CREATE FUNCTION api.find_reading(study int, request uuid, account text, what text) RETURNS rep.reading
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    reading rep.reading;
BEGIN
    SELECT r.* INTO reading
    FROM rep.reading r
    WHERE (r.study_id, r.request_id, r.requested_by, r.what) = (study, request, account, find_reading.what)
      AND r.requested_at > pg_catalog.clock_timestamp() - interval '12 hours'
      AND r.xid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such request' USING ERRCODE = 'P0002', HINT = 'ask for it again';
    END IF;
    RETURN reading;
END
$$;

-- ---------------------------------------------------------------------------------------------- the trail

RESET ROLE;
SET LOCAL ROLE patella_audit_owner;

-- A study's events in the order of time, from any time on.
CREATE INDEX event_study ON audit.event (study_id, at, xid, seq);

-- Events of the context's study: those of its sites and, when `whole`, those of no site.  Of rows whose time is equal
-- the `after_nth` first ones of `after_at` have been seen: xid and seq count other studies' work and do not leave.
-- A call looks at 20,000 rows at most.  The last row says that there is more, and behind which time and number; all its
-- other columns are NULL.  In a masked study what was written about an allocation is left out.
CREATE FUNCTION audit.list_events(filter jsonb, as_of pg_snapshot, as_of_era smallint, whole boolean, masked boolean,
                                  after_at timestamptz, after_nth int, most int)
RETURNS TABLE (at timestamptz, nth int, actor text, operation text, object text, site_id int, subject_no int,
               row_id uuid, digest bytea, old jsonb, new jsonb, reason text, withheld boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    study int := sec.context_study();
    sites int[] := sec.context_sites();
    since timestamptz := COALESCE((filter ->> 'from')::timestamptz, '-infinity');
    until timestamptz := COALESCE((filter ->> 'to')::timestamptz, 'infinity');
    chosen boolean := filter ?| '{account,operation,object,site}';
    looked_at int := CASE WHEN chosen THEN 20000 ELSE most + 1 END;
    hidden text[] := '{xid,era,token_no,token_sha256}';
BEGIN
    IF after_at IS NOT NULL AND after_at >= since THEN
        since := after_at;
    ELSE
        after_nth := 0;
    END IF;

    RETURN QUERY
    WITH seen AS MATERIALIZED (
        SELECT e.*,
               (CASE WHEN e.at = after_at THEN after_nth ELSE 0 END
                + pg_catalog.row_number() OVER (PARTITION BY e.at ORDER BY e.xid, e.seq))::int AS nth,
               pg_catalog.row_number() OVER (ORDER BY e.at, e.xid, e.seq) AS place,
               (filter ->> 'account' IS NULL OR e.actor = filter ->> 'account')
               AND (filter ->> 'operation' IS NULL OR e.operation = filter ->> 'operation'
                    OR pg_catalog.starts_with(e.operation, (filter ->> 'operation') || ' '))
               AND (filter ->> 'object' IS NULL OR e.object = filter ->> 'object')
               AND (filter ->> 'site' IS NULL
                    OR (e.site_id = (filter ->> 'site')::int
                        AND (filter ->> 'subject' IS NULL
                             OR COALESCE(e.new, e.old) ->> 'subject_no' = filter ->> 'subject'))) AS fits
        FROM (SELECT x.*
              FROM audit.event x
              WHERE x.study_id = study
                AND x.at >= since
                AND x.at < until
                AND (x.site_id = ANY (sites) OR (whole AND x.site_id IS NULL))
                AND (x.era < as_of_era
                     OR (x.era = as_of_era AND pg_catalog.pg_visible_in_snapshot(x.xid, as_of)))
              ORDER BY x.study_id, x.at, x.xid, x.seq
              OFFSET after_nth
              LIMIT looked_at) e
    ), counted AS (
        SELECT s.*, pg_catalog.count(*) FILTER (WHERE s.fits) OVER (ORDER BY s.place) AS fitting,
               pg_catalog.max(s.place) OVER () AS places
        FROM seen s
    )
    SELECT c.at, c.nth, c.actor, c.operation, c.object, c.site_id, (COALESCE(c.new, c.old) ->> 'subject_no')::int,
           c.row_id, c.digest, c.old - hidden,
           c.new - (hidden || CASE WHEN masked AND pg_catalog.starts_with(c.object, 'blind.')
                                   THEN '{reason,cohort}'::text[] ELSE '{}' END),
           CASE WHEN NOT masked OR NOT pg_catalog.starts_with(c.object, 'blind.') THEN c.reason END,
           masked AND pg_catalog.starts_with(c.object, 'blind.')
    FROM counted c
    WHERE c.fits
      AND c.fitting <= most
    UNION ALL
    (SELECT c.at, c.nth, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
     FROM counted c
     WHERE (c.fitting = most AND c.fits AND c.place < c.places)
        OR (c.place = c.places AND c.places = looked_at AND c.fitting <= most)
     ORDER BY c.place
     LIMIT 1)
    ORDER BY 1, 2, 4 NULLS LAST;
END
$$;

-- What each account did, for a review; scoped as above.
CREATE FUNCTION audit.count_accounts(filter jsonb, as_of pg_snapshot, as_of_era smallint, whole boolean)
RETURNS TABLE (actor text, first_at timestamptz, last_at timestamptz, counts jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    study int := sec.context_study();
    sites int[] := sec.context_sites();
BEGIN
    RETURN QUERY
    SELECT k.actor, pg_catalog.min(k.first_at), pg_catalog.max(k.last_at), pg_catalog.jsonb_object_agg(k.what, k.events)
    FROM (SELECT e.actor, pg_catalog.min(e.at) AS first_at, pg_catalog.max(e.at) AS last_at,
                 pg_catalog.count(*) AS events,
                 CASE WHEN e.object = 'core.submission' AND e.operation = 'INSERT'
                      THEN CASE WHEN e.new ->> 'status' = 'void' THEN 'voids'
                                WHEN (e.new ->> 'version')::int > 1 THEN 'corrections'
                                ELSE 'entries' END
                      WHEN pg_catalog.starts_with(e.operation, 'REFUSE') THEN 'refused'
                      WHEN e.operation = 'REPLAY' THEN 'repeated'
                      WHEN e.operation = 'EXPORT' THEN 'exports'
                      ELSE 'others' END AS what
          FROM audit.event e
          WHERE e.study_id = study
            AND e.at >= COALESCE((filter ->> 'from')::timestamptz, '-infinity')
            AND e.at < COALESCE((filter ->> 'to')::timestamptz, 'infinity')
            AND (e.site_id = ANY (sites) OR (whole AND e.site_id IS NULL))
            AND (e.era < as_of_era OR (e.era = as_of_era AND pg_catalog.pg_visible_in_snapshot(e.xid, as_of)))
          GROUP BY 1, 5) k
    GROUP BY k.actor
    ORDER BY k.actor;
END
$$;
GRANT EXECUTE ON FUNCTION audit.list_events(jsonb, pg_snapshot, smallint, boolean, boolean, timestamptz, int, int)
    TO patella_api, patella_admin_owner;
GRANT EXECUTE ON FUNCTION audit.count_accounts(jsonb, pg_snapshot, smallint, boolean) TO patella_api;
GRANT EXECUTE ON FUNCTION audit.record(text, text, int, int, uuid, bytea, jsonb, text, text, int)
    TO patella_admin_owner;

RESET ROLE;
SET LOCAL ROLE patella_api;

-- NULL filters nothing.  `format` is only noted: json for a page, csv or jsonl for the whole.
CREATE FUNCTION api.request_audit(token bytea, study int, format text, since timestamptz, until timestamptz,
                                  account text, operation text, object text, site int, subject int) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN api.add_reading(study, sec.enter(token, study, 'administrator', 'data_manager', 'monitor'), 'audit',
                           pg_catalog.jsonb_build_object('format', format, 'from', since, 'to', until,
                                                         'account', account, 'operation', operation, 'object', object,
                                                         'site', site, 'subject', subject), NULL);
END
$$;

CREATE FUNCTION api.read_audit(token bytea, study int, request uuid, after_at timestamptz, after_nth int, most int)
RETURNS TABLE (at timestamptz, nth int, actor text, operation text, object text, site_id int, subject text, row_id uuid,
               digest bytea, old jsonb, new jsonb, reason text, withheld boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    account text := sec.enter(token, study, 'administrator', 'data_manager', 'monitor');
    reading rep.reading := api.find_reading(study, request, account, 'audit');
    masked boolean := (SELECT s.masking <> 'none' FROM core.study s WHERE s.study_id = study);
BEGIN
    RETURN QUERY
    SELECT e.at, e.nth, e.actor, e.operation, e.object, e.site_id, core.subject_number(e.site_id, e.subject_no),
           e.row_id, e.digest, e.old, e.new, e.reason, e.withheld
    FROM audit.list_events(reading.filter, reading.snapshot, reading.era, sec.has_all_sites(token), masked, after_at,
                           after_nth, LEAST(GREATEST(most, 1), 10000)) e;
END
$$;

-- ---------------------------------------------------------------------------------------------- review of the trail

CREATE FUNCTION api.request_review(token bytea, study int, kind text, since timestamptz, until timestamptz, days int,
                                   changes int, minutes int, opens int, closes int) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'administrator', 'data_manager', 'monitor');
BEGIN
    IF kind NOT IN ('late_entries', 'bulk_edits', 'out_of_hours', 'accounts') THEN
        RAISE EXCEPTION 'no review of this kind' USING ERRCODE = '22023';
    END IF;
    RETURN api.add_reading(study, account, 'review',
                           pg_catalog.jsonb_build_object('kind', kind, 'from', since, 'to', until, 'days', days,
                                                         'changes', changes, 'minutes', minutes, 'opens', opens,
                                                         'closes', closes), NULL);
END
$$;

-- At most `most` findings in the order of time, and how many there are.
--   late_entries   first versions recorded more than `days` days after their date, by the calendar of the site
--   bulk_edits     runs of corrections by one account: at least `changes` of them begin within `minutes` minutes
--   out_of_hours   versions recorded on Saturday, Sunday, or before `opens` or from `closes` o'clock on, at the site
--   accounts       what each account did
CREATE FUNCTION api.read_review(token bytea, study int, request uuid, most int)
RETURNS TABLE (found bigint, at timestamptz, account text, site_id int, subject text, detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    reader text := sec.enter(token, study, 'administrator', 'data_manager', 'monitor');
    reading rep.reading := api.find_reading(study, request, reader, 'review');
    filter jsonb := reading.filter;
    since timestamptz := COALESCE((filter ->> 'from')::timestamptz, '-infinity');
    until timestamptz := COALESCE((filter ->> 'to')::timestamptz, 'infinity');
    span interval := (filter ->> 'minutes')::int * interval '1 minute';
BEGIN
    IF filter ->> 'kind' = 'accounts' THEN
        RETURN QUERY
        SELECT pg_catalog.count(*) OVER (), k.first_at, k.actor, NULL::int, NULL::text,
               k.counts || pg_catalog.jsonb_build_object('last_at', k.last_at)
        FROM audit.count_accounts(filter, reading.snapshot, reading.era, sec.has_all_sites(token)) k
        ORDER BY k.actor
        LIMIT most;
    ELSIF filter ->> 'kind' = 'bulk_edits' THEN
        RETURN QUERY
        WITH edits AS (
            SELECT v.recorded_by, v.recorded_at, v.site_id, v.subject_no,
                   pg_catalog.count(*) OVER (PARTITION BY v.recorded_by ORDER BY v.recorded_at
                                             RANGE BETWEEN CURRENT ROW AND span FOLLOWING) AS edits
            FROM core.submission v
            WHERE v.study_id = study
              AND v.version > 1
              AND v.recorded_at >= since AND v.recorded_at < until
              AND core.is_in_cut(v.xid, v.era, reading.snapshot, reading.era)
        ), begun AS (
            SELECT e.*, pg_catalog.lag(e.edits) OVER (PARTITION BY e.recorded_by ORDER BY e.recorded_at) AS before
            FROM edits e
        )
        SELECT pg_catalog.count(*) OVER (), b.recorded_at, b.recorded_by, b.site_id,
               core.subject_number(b.site_id, b.subject_no),
               pg_catalog.jsonb_build_object('changes', b.edits, 'minutes', filter -> 'minutes', 'subjects',
                   (SELECT pg_catalog.count(DISTINCT (e.site_id, e.subject_no))
                    FROM edits e
                    WHERE e.recorded_by = b.recorded_by
                      AND e.recorded_at BETWEEN b.recorded_at AND b.recorded_at + span))
        FROM begun b
        WHERE b.edits >= (filter ->> 'changes')::int
          AND COALESCE(b.before, 0) < (filter ->> 'changes')::int
        ORDER BY b.recorded_at, b.recorded_by
        LIMIT most;
    ELSE
        RETURN QUERY
        SELECT pg_catalog.count(*) OVER (), v.recorded_at, v.recorded_by, v.site_id,
               core.subject_number(v.site_id, v.subject_no),
               pg_catalog.jsonb_build_object('id', v.id, 'form', v.form, 'knee', v.knee, 'visit', v.visit,
                                             'instance', v.instance, 'version', v.version, 'date', v.dated,
                                             'at_site', pg_catalog.to_char(l.local, 'YYYY-MM-DD HH24:MI'),
                                             'days', l.local::date - v.dated)
        FROM core.submission v
        JOIN core.site s ON (s.study_id, s.site_id) = (v.study_id, v.site_id)
        CROSS JOIN LATERAL (SELECT v.recorded_at AT TIME ZONE s.time_zone AS local) l
        WHERE v.study_id = study
          AND v.recorded_at >= since AND v.recorded_at < until
          AND core.is_in_cut(v.xid, v.era, reading.snapshot, reading.era)
          AND CASE filter ->> 'kind'
                  WHEN 'late_entries' THEN v.version = 1 AND l.local::date - v.dated > (filter ->> 'days')::int
                  ELSE pg_catalog.date_part('isodow', l.local) >= 6
                       OR pg_catalog.date_part('hour', l.local) < (filter ->> 'opens')::int
                       OR pg_catalog.date_part('hour', l.local) >= (filter ->> 'closes')::int END
        ORDER BY v.recorded_at, v.site_id, v.id
        LIMIT most;
    END IF;
END
$$;

-- Once for each review, by whoever made it.
CREATE FUNCTION api.conclude_review(token bytea, study int, request uuid, conclusion text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'administrator', 'data_manager', 'monitor');
BEGIN
    IF NOT core.is_reason(conclusion) THEN
        RAISE EXCEPTION 'a conclusion is missing' USING ERRCODE = '22023';
    END IF;
    IF NOT EXISTS (SELECT FROM rep.reading r
                   WHERE (r.study_id, r.request_id, r.requested_by, r.what) = (study, request, account, 'review'))
    THEN
        RAISE EXCEPTION 'no such review' USING ERRCODE = 'P0002';
    END IF;
    INSERT INTO rep.review (study_id, request_id, conclusion, concluded_by, concluded_at)
    VALUES (study, request, conclusion, account, pg_catalog.clock_timestamp());
END
$$;

-- The newest first; a reader of some sites sees his own.
CREATE FUNCTION api.list_reviews(token bytea, study int, most int)
RETURNS TABLE (request_id uuid, requested_by text, requested_at timestamptz, filter jsonb, conclusion text,
               concluded_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    account text := sec.enter(token, study, 'administrator', 'data_manager', 'monitor');
    all_sites boolean := sec.has_all_sites(token);
BEGIN
    RETURN QUERY
    SELECT r.request_id, r.requested_by, r.requested_at, r.filter, v.conclusion, v.concluded_at
    FROM rep.reading r
    LEFT JOIN rep.review v USING (study_id, request_id)
    WHERE r.study_id = study
      AND r.what = 'review'
      AND (all_sites OR r.requested_by = account)
    ORDER BY r.requested_at DESC, r.request_id
    LIMIT LEAST(GREATEST(most, 1), 10000);
END
$$;

-- ---------------------------------------------------------------------------------------------- data of a cut

CREATE FUNCTION api.request_export(token bytea, study int, cut int) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'data_manager', 'statistician', 'statistician_unmasked');
BEGIN
    IF NOT EXISTS (SELECT FROM core.cut c WHERE (c.study_id, c.cut_no) = (study, cut)) THEN
        RAISE EXCEPTION 'no such cut' USING ERRCODE = 'P0002';
    END IF;
    RETURN api.add_reading(study, account, 'export', pg_catalog.jsonb_build_object('cut', cut), cut);
END
$$;

-- Of one form the newest version of each record as of the cut, or, for `form` NULL, all versions without their
-- contents; in the order of their keys, behind that of the record given.
CREATE FUNCTION api.read_export(token bytea, study int, request uuid, form text, after_site int, after_subject int,
                                after_form text, after_knee text, after_visit text, after_instance int,
                                after_version int, most int)
RETURNS SETOF api.submission
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
DECLARE
    account text := sec.enter(token, study, 'data_manager', 'statistician', 'statistician_unmasked');
    reading rep.reading := api.find_reading(study, request, account, 'export');
    cut core.cut;
BEGIN
    SELECT c.* INTO cut FROM core.cut c WHERE (c.study_id, c.cut_no) = (study, reading.cut_no);

    RETURN QUERY
    SELECT v.id, v.site_id, v.subject_no, v.knee, v.form, v.visit, v.instance, v.version, v.status, v.form_version,
           v.protocol_version, v.dated, CASE WHEN read_export.form IS NOT NULL THEN v.content::text END, v.sha256,
           v.prev_sha256, CASE WHEN read_export.form IS NOT NULL THEN v.scores END, v.reason, v.door, v.recorded_by,
           v.recorded_at
    FROM core.submission v
    WHERE v.study_id = study
      AND (read_export.form IS NULL OR v.form = read_export.form)
      AND (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.version)
          > (study, COALESCE(after_site, 0), COALESCE(after_subject, 0), COALESCE(after_form, ''),
             COALESCE(after_knee, ''), COALESCE(after_visit, ''), COALESCE(after_instance, 0),
             COALESCE(after_version, 0))
      AND core.is_in_cut(v.xid, v.era, cut.snapshot, cut.era)
      AND (read_export.form IS NULL
           OR NOT EXISTS (
               SELECT FROM core.submission newer
               WHERE (newer.study_id, newer.site_id, newer.subject_no, newer.form, newer.knee, newer.visit,
                      newer.instance)
                     = (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
                 AND newer.version > v.version
                 AND core.is_in_cut(newer.xid, newer.era, cut.snapshot, cut.era)))
    ORDER BY v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.version
    LIMIT LEAST(GREATEST(most, 1), 1000);
END
$$;

GRANT EXECUTE ON FUNCTION
    api.request_audit(bytea, int, text, timestamptz, timestamptz, text, text, text, int, int),
    api.read_audit(bytea, int, uuid, timestamptz, int, int),
    api.request_review(bytea, int, text, timestamptz, timestamptz, int, int, int, int, int),
    api.read_review(bytea, int, uuid, int), api.conclude_review(bytea, int, uuid, text),
    api.list_reviews(bytea, int, int), api.request_export(bytea, int, int),
    api.read_export(bytea, int, uuid, text, int, int, text, text, text, int, int, int)
    TO patella_collector;

-- ---------------------------------------------------------------------------------------------- for patella-admin

RESET ROLE;
SET LOCAL ROLE patella_admin_owner;

CREATE FUNCTION admin.request_audit(study text, format text, since timestamptz, until timestamptz, account text,
                                    operation text, object text, site int, subject int) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
    operator text := admin.enter();
    request uuid := pg_catalog.gen_random_uuid();
    filter jsonb := pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'format', format, 'from', since, 'to', until, 'account', account, 'operation', operation, 'object', object,
        'site', site, 'subject', subject));
BEGIN
    INSERT INTO rep.reading (study_id, request_id, what, filter, requested_by, requested_at, snapshot, xid, era)
    VALUES (study_no, request, 'audit', filter, operator, pg_catalog.clock_timestamp(),
            pg_catalog.pg_current_snapshot(), pg_catalog.pg_current_xact_id(), audit.current_era());
    PERFORM audit.record('EXPORT', 'audit.event', study_no, NULL, request, NULL,
                         filter || '{"what": "audit"}', NULL, operator);
    RETURN request;
END
$$;

CREATE FUNCTION admin.read_audit(study text, request uuid, after_at timestamptz, after_nth int, most int)
RETURNS TABLE (at timestamptz, nth int, actor text, operation text, object text, site_id int, subject text, row_id uuid,
               digest bytea, old jsonb, new jsonb, reason text, withheld boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    study_no int := admin.find_study(study);
    reading rep.reading;
    masked boolean := (SELECT s.masking <> 'none' FROM core.study s WHERE s.study_id = study_no);
BEGIN
    SELECT r.* INTO reading
    FROM rep.reading r
    WHERE (r.study_id, r.request_id, r.requested_by, r.what) = (study_no, request, admin.enter(), 'audit')
      AND r.xid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such request' USING ERRCODE = 'P0002';
    END IF;
    PERFORM pg_catalog.set_config('patella.study', study_no::text, true),
            pg_catalog.set_config('patella.sites', ARRAY(SELECT s.site_id FROM core.site s
                                                         WHERE s.study_id = study_no)::text, true);
    RETURN QUERY
    SELECT e.at, e.nth, e.actor, e.operation, e.object, e.site_id, core.subject_number(e.site_id, e.subject_no),
           e.row_id, e.digest, e.old, e.new, e.reason, e.withheld
    FROM audit.list_events(reading.filter, reading.snapshot, reading.era, true, masked, after_at, after_nth,
                           LEAST(GREATEST(most, 1), 10000)) e;
END
$$;
GRANT EXECUTE ON FUNCTION admin.request_audit(text, text, timestamptz, timestamptz, text, text, text, int, int),
    admin.read_audit(text, uuid, timestamptz, int, int)
    TO patella_admin;

RESET ROLE;
SELECT guard.record();
