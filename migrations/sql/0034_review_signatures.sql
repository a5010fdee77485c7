-- SPDX-License-Identifier: GPL-3.0-or-later
-- Review of the audit trail: what was changed after it was signed; and reviews by patella-admin.

GRANT USAGE ON SCHEMA api TO patella_admin_owner;

SET LOCAL ROLE patella_api;

-- What a review finds: at most `most` findings in the order of time, and how many there are.  Of the sites of the
-- context; `whole`: of no site too.
--   late_entries      first versions recorded more than `days` days after their date, by the calendar of the site
--   bulk_edits        runs of corrections by one account: at least `changes` of them begin within `minutes` minutes
--   out_of_hours      versions recorded on Saturday, Sunday, or before `opens` or from `closes` o'clock on, at the site
--   after_signature   versions of records of which an older version was signed: these signatures, and whether the
--                     version was signed again
--   accounts          what each account did
CREATE FUNCTION api.find_for_review(reading rep.reading, whole boolean, most int)
RETURNS TABLE (found bigint, at timestamptz, account text, site_id int, subject text, detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    study int := sec.context_study();
    filter jsonb := reading.filter;
    since timestamptz := COALESCE((filter ->> 'from')::timestamptz, '-infinity');
    until timestamptz := COALESCE((filter ->> 'to')::timestamptz, 'infinity');
    span interval := (filter ->> 'minutes')::int * interval '1 minute';
BEGIN
    IF filter ->> 'kind' = 'accounts' THEN
        RETURN QUERY
        SELECT pg_catalog.count(*) OVER (), k.first_at, k.actor, NULL::int, NULL::text,
               k.counts || pg_catalog.jsonb_build_object('last_at', k.last_at)
        FROM audit.count_accounts(filter, reading.snapshot, reading.era, whole) k
        ORDER BY k.actor
        LIMIT most;
    ELSIF filter ->> 'kind' = 'after_signature' THEN
        RETURN QUERY
        SELECT pg_catalog.count(*) OVER (), v.recorded_at, v.recorded_by, v.site_id,
               core.subject_number(v.site_id, v.subject_no),
               pg_catalog.jsonb_build_object(
                   'id', v.id, 'form', v.form, 'knee', v.knee, 'visit', v.visit, 'instance', v.instance,
                   'version', v.version, 'status', v.status, 'signatures', signed.signatures,
                   'signed_again', EXISTS (
                       SELECT FROM core.signature s
                       WHERE (s.study_id, s.site_id, s.submission_id) = (v.study_id, v.site_id, v.id)
                         AND core.is_in_cut(s.xid, s.era, reading.snapshot, reading.era)))
        FROM core.submission v
        CROSS JOIN LATERAL (
            SELECT pg_catalog.jsonb_agg(
                       pg_catalog.jsonb_build_object(
                           'signature', s.signature_id, 'version', older.version, 'meaning', s.meaning,
                           'printed_name', s.printed_name, 'account', s.recorded_by, 'at', s.recorded_at)
                       ORDER BY s.recorded_at, s.signature_id) AS signatures
            FROM core.submission older
            JOIN core.signature s
                 ON (s.study_id, s.site_id, s.submission_id) = (older.study_id, older.site_id, older.id)
            WHERE (older.study_id, older.site_id, older.subject_no, older.form, older.knee, older.visit, older.instance)
                  = (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
              AND older.version < v.version
              AND core.is_in_cut(s.xid, s.era, reading.snapshot, reading.era)) signed
        WHERE v.study_id = study
          AND v.version > 1
          AND v.recorded_at >= since AND v.recorded_at < until
          AND core.is_in_cut(v.xid, v.era, reading.snapshot, reading.era)
          AND signed.signatures IS NOT NULL
        ORDER BY v.recorded_at, v.site_id, v.id
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

CREATE OR REPLACE FUNCTION api.read_review(token bytea, study int, request uuid, most int)
RETURNS TABLE (found bigint, at timestamptz, account text, site_id int, subject text, detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    reader text := sec.enter(token, study, 'administrator', 'data_manager', 'monitor');
    reading rep.reading := api.find_reading(study, request, reader, 'review');
BEGIN
    PERFORM sec.need_second_factor(token);
    RETURN QUERY
    SELECT f.found, f.at, f.account, f.site_id, f.subject, f.detail
    FROM api.find_for_review(reading, sec.has_all_sites(token), most) f;
END
$$;

-- What a review looks at, as it is stored; numbers that the kind does not have are NULL.
CREATE FUNCTION api.review_filter(kind text, since timestamptz, until timestamptz, days int, changes int, minutes int,
                                  opens int, closes int) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF kind IS NULL OR kind NOT IN ('late_entries', 'bulk_edits', 'out_of_hours', 'after_signature', 'accounts') THEN
        RAISE EXCEPTION 'no review of this kind' USING ERRCODE = '22023';
    END IF;
    RETURN pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
        'kind', kind, 'from', since, 'to', until, 'days', days, 'changes', changes, 'minutes', minutes, 'opens', opens,
        'closes', closes));
END
$$;

CREATE OR REPLACE FUNCTION api.request_review(token bytea, study int, kind text, since timestamptz, until timestamptz,
                                              days int, changes int, minutes int, opens int, closes int) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'administrator', 'data_manager', 'monitor');
BEGIN
    PERFORM sec.need_second_factor(token);
    RETURN api.add_reading(study, account, 'review',
                           api.review_filter(kind, since, until, days, changes, minutes, opens, closes), NULL);
END
$$;

GRANT EXECUTE ON FUNCTION
    api.find_for_review(rep.reading, boolean, int),
    api.review_filter(text, timestamptz, timestamptz, int, int, int, int, int)
    TO patella_admin_owner;

-- ---------------------------------------------------------------------------------------------- for patella-admin

RESET ROLE;
SET LOCAL ROLE patella_admin_owner;

CREATE FUNCTION admin.request_review(study text, kind text, since timestamptz, until timestamptz, days int,
                                     changes int, minutes int, opens int, closes int) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
    operator text := admin.enter();
    request uuid := pg_catalog.gen_random_uuid();
    filter jsonb := api.review_filter(kind, since, until, days, changes, minutes, opens, closes);
BEGIN
    INSERT INTO rep.reading (study_id, request_id, what, filter, requested_by, requested_at, snapshot, xid, era)
    VALUES (study_no, request, 'review', filter, operator, pg_catalog.clock_timestamp(),
            pg_catalog.pg_current_snapshot(), pg_catalog.pg_current_xact_id(), audit.current_era());
    PERFORM audit.record('EXPORT', 'audit.event', study_no, NULL, request, NULL,
                         filter || '{"what": "review"}', NULL, operator);
    RETURN request;
END
$$;

CREATE FUNCTION admin.read_review(study text, request uuid, most int)
RETURNS TABLE (found bigint, at timestamptz, account text, site_id int, subject text, detail jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    study_no int := admin.find_study(study);
    reading rep.reading;
BEGIN
    SELECT r.* INTO reading
    FROM rep.reading r
    WHERE (r.study_id, r.request_id, r.requested_by, r.what) = (study_no, request, admin.enter(), 'review')
      AND r.xid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such request' USING ERRCODE = 'P0002';
    END IF;
    PERFORM pg_catalog.set_config('patella.study', study_no::text, true),
            pg_catalog.set_config('patella.sites', ARRAY(SELECT s.site_id FROM core.site s
                                                         WHERE s.study_id = study_no)::text, true);
    RETURN QUERY
    SELECT f.found, f.at, f.account, f.site_id, f.subject, f.detail
    FROM api.find_for_review(reading, true, LEAST(GREATEST(most, 1), 10000)) f;
END
$$;
GRANT EXECUTE ON FUNCTION
    admin.request_review(text, text, timestamptz, timestamptz, int, int, int, int, int),
    admin.read_review(text, uuid, int)
    TO patella_admin;

RESET ROLE;
