-- SPDX-License-Identifier: GPL-3.0-or-later
-- What stands beside the versions in the data of a cut: queries, signatures and verification marks, as of the cut.
--
-- Page by page in the order of their keys, behind that of the row given.  A cut is the same for ever, so that the pages
-- of many transactions fit together.

SET LOCAL ROLE patella_api;

-- True when a version is its record's newest of the cut.
CREATE FUNCTION api.is_newest_in_cut(v core.submission, cut core.cut) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN NOT EXISTS (
        SELECT FROM core.submission newer
        WHERE (newer.study_id, newer.site_id, newer.subject_no, newer.form, newer.knee, newer.visit, newer.instance)
              = (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
          AND newer.version > v.version
          AND core.is_in_cut(newer.xid, newer.era, cut.snapshot, cut.era));
END
$$;

-- The cut of a request for an export that this account has made.
CREATE FUNCTION api.find_export(token bytea, study int, request uuid) RETURNS core.cut
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'data_manager', 'statistician', 'statistician_unmasked');
    reading rep.reading := api.find_reading(study, request, account, 'export');
    cut core.cut;
BEGIN
    SELECT c.* INTO cut FROM core.cut c WHERE (c.study_id, c.cut_no) = (study, reading.cut_no);
    RETURN cut;
END
$$;

-- A row for each event of a query; `version` is the record's newest when it was opened, 0: not entered yet.
CREATE FUNCTION api.read_export_queries(token bytea, study int, request uuid, after_site int, after_id uuid,
                                        after_no int, most int)
RETURNS TABLE (site_id int, subject text, knee text, form text, visit text, instance int, version int, item text,
               query_id uuid, event_no int, kind text, recorded_by text, recorded_at timestamptz, text text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    cut core.cut := api.find_export(token, study, request);
BEGIN
    RETURN QUERY
    SELECT q.site_id, core.subject_number(q.site_id, q.subject_no), q.knee, q.form, q.visit, q.instance, q.version,
           q.item, q.query_id, e.event_no, e.kind, e.recorded_by, e.recorded_at, e.text
    FROM core.query_event e
    JOIN core.query q ON (q.study_id, q.site_id, q.query_id) = (e.study_id, e.site_id, e.query_id)
    WHERE e.study_id = study
      AND (e.study_id, e.site_id, e.query_id, e.event_no)
          > (study, COALESCE(after_site, 0), COALESCE(after_id, '00000000-0000-0000-0000-000000000000'),
             COALESCE(after_no, 0))
      AND core.is_in_cut(e.xid, e.era, cut.snapshot, cut.era)
    ORDER BY e.study_id, e.site_id, e.query_id, e.event_no
    LIMIT LEAST(GREATEST(most, 1), 1000);
END
$$;

-- `covers`: the signed version is the newest of its record in the cut.  `after_no` is that of the other functions: a
-- signature has no number.
CREATE FUNCTION api.read_export_signatures(token bytea, study int, request uuid, after_site int, after_id uuid,
                                           after_no int, most int)
RETURNS TABLE (site_id int, subject text, knee text, form text, visit text, instance int, version int, id uuid,
               signature_id uuid, meaning text, printed_name text, recorded_by text, recorded_at timestamptz,
               sha256 bytea, covers boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    cut core.cut := api.find_export(token, study, request);
BEGIN
    RETURN QUERY
    SELECT v.site_id, core.subject_number(v.site_id, v.subject_no), v.knee, v.form, v.visit, v.instance, v.version,
           v.id, s.signature_id, s.meaning, s.printed_name, s.recorded_by, s.recorded_at, s.sha256,
           api.is_newest_in_cut(v, cut)
    FROM core.signature s
    JOIN core.submission v ON (v.study_id, v.id, v.site_id) = (s.study_id, s.submission_id, s.site_id)
    WHERE s.study_id = study
      AND (s.study_id, s.site_id, s.signature_id)
          > (study, COALESCE(after_site, 0), COALESCE(after_id, '00000000-0000-0000-0000-000000000000'))
      AND core.is_in_cut(s.xid, s.era, cut.snapshot, cut.era)
    ORDER BY s.study_id, s.site_id, s.signature_id
    LIMIT LEAST(GREATEST(most, 1), 1000);
END
$$;

-- A row for each time that a version was marked as verified or the mark was withdrawn.  `covers`: it is the last word
-- of the cut about its version, says verified, and the version is the newest of its record in the cut.
CREATE FUNCTION api.read_export_verifications(token bytea, study int, request uuid, after_site int, after_id uuid,
                                              after_no int, most int)
RETURNS TABLE (site_id int, subject text, knee text, form text, visit text, instance int, version int, id uuid,
               event_no int, kind text, recorded_by text, recorded_at timestamptz, covers boolean, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET enable_bitmapscan = off
SET enable_hashjoin = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    cut core.cut := api.find_export(token, study, request);
BEGIN
    RETURN QUERY
    SELECT v.site_id, core.subject_number(v.site_id, v.subject_no), v.knee, v.form, v.visit, v.instance, v.version,
           v.id, e.event_no, e.kind, e.recorded_by, e.recorded_at,
           e.kind = 'verified'
           AND NOT EXISTS (
               SELECT FROM core.verification later
               WHERE (later.study_id, later.site_id, later.submission_id) = (e.study_id, e.site_id, e.submission_id)
                 AND later.event_no > e.event_no
                 AND core.is_in_cut(later.xid, later.era, cut.snapshot, cut.era))
           AND api.is_newest_in_cut(v, cut),
           e.reason
    FROM core.verification e
    JOIN core.submission v ON (v.study_id, v.id, v.site_id) = (e.study_id, e.submission_id, e.site_id)
    WHERE e.study_id = study
      AND (e.study_id, e.site_id, e.submission_id, e.event_no)
          > (study, COALESCE(after_site, 0), COALESCE(after_id, '00000000-0000-0000-0000-000000000000'),
             COALESCE(after_no, 0))
      AND core.is_in_cut(e.xid, e.era, cut.snapshot, cut.era)
    ORDER BY e.study_id, e.site_id, e.submission_id, e.event_no
    LIMIT LEAST(GREATEST(most, 1), 1000);
END
$$;

GRANT EXECUTE ON FUNCTION
    api.read_export_queries(bytea, int, uuid, int, uuid, int, int),
    api.read_export_signatures(bytea, int, uuid, int, uuid, int, int),
    api.read_export_verifications(bytea, int, uuid, int, uuid, int, int)
    TO patella_collector;

RESET ROLE;
