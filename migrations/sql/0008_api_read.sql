-- SPDX-License-Identifier: GPL-3.0-or-later
-- What the collector reads for the holder of a token.
--
-- Each function enters the token's context first (sec.enter); row-level security does the rest.  SQLSTATE 28000: no
-- valid token; 42501: not this study, not this role; P0002: what was named is not there, or may not be seen.

SET LOCAL ROLE patella_api;

CREATE TYPE api.submission AS (
    id uuid,
    site_id int,
    subject_no int,
    knee text,
    form text,
    visit text,
    instance int,
    version int,
    status text,
    form_version int,
    protocol_version int,
    dated date,
    content text,
    sha256 bytea,
    prev_sha256 bytea,
    scores float8[],
    reason text,
    door text,
    recorded_by text,
    recorded_at timestamptz
);

-- In order of site and number, beginning behind (after_site, after_subject).  Knee and date are those of the newest
-- version of the enrolment; whose enrolment is void is not enrolled.
CREATE FUNCTION api.list_subjects(token bytea, study int, after_site int, after_subject int, most int)
RETURNS TABLE (site_id int, subject_no int, index_knee text, enrolled_on date, locked boolean, records bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'statistician');

    RETURN QUERY
    SELECT s.site_id, s.subject_no, e.content -> 'answers' ->> 'index_knee', e.dated, s.locked, r.records
    FROM core.subject s
    CROSS JOIN LATERAL (
        SELECT v.status, v.dated, v.content
        FROM core.submission v
        WHERE (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
              = (s.study_id, s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance)
        ORDER BY v.version DESC
        LIMIT 1) e
    CROSS JOIN LATERAL (
        SELECT pg_catalog.count(*) AS records
        FROM core.submission v
        WHERE (v.study_id, v.site_id, v.subject_no) = (s.study_id, s.site_id, s.subject_no)
          AND v.version = 1) r
    WHERE s.study_id = study
      AND e.status <> 'void'
      AND (s.study_id, s.site_id, s.subject_no) > (study, COALESCE(after_site, 0), COALESCE(after_subject, 0))
    ORDER BY s.study_id, s.site_id, s.subject_no
    LIMIT LEAST(GREATEST(most, 1), 10000);
END
$$;

CREATE FUNCTION api.as_submission(v core.submission) RETURNS api.submission
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT v.id, v.site_id, v.subject_no, v.knee, v.form, v.visit, v.instance, v.version, v.status, v.form_version,
           v.protocol_version, v.dated, v.content::text, v.sha256, v.prev_sha256, v.scores, v.reason, v.door,
           v.recorded_by, v.recorded_at
$$;

CREATE FUNCTION api.find_submission(token bytea, study int, id uuid) RETURNS SETOF api.submission
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'statistician');

    RETURN QUERY
    SELECT r.*
    FROM core.submission v
    CROSS JOIN LATERAL api.as_submission(v) r
    WHERE (v.study_id, v.id) = (study, find_submission.id)
    ORDER BY v.site_id
    LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such submission' USING ERRCODE = 'P0002';
    END IF;
END
$$;

-- NULL filters nothing.  The newest version of each record, as of the cut if there is one, or all versions; in order
-- of site, subject, form, knee, visit, instance, version, beginning behind submission `after_id` of site `after_site`:
-- two sites that do not see each other may have given the same id.
CREATE FUNCTION api.list_submissions(token bytea, study int, site int, subject int, form text, visit text, cut int,
                                     all_versions boolean, after_site int, after_id uuid, most int)
RETURNS SETOF api.submission
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    cut_row core.cut;
    last core.submission;
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'statistician');

    IF cut IS NOT NULL THEN
        SELECT c.* INTO cut_row FROM core.cut c WHERE c.study_id = study AND c.cut_no = cut;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no such cut' USING ERRCODE = 'P0002';
        END IF;
    END IF;
    IF after_id IS NOT NULL THEN
        IF after_site IS NULL THEN
            RAISE EXCEPTION 'the site of the last submission is missing' USING ERRCODE = '22023';
        END IF;
        SELECT v.* INTO last
        FROM core.submission v
        WHERE (v.study_id, v.site_id, v.id) = (study, after_site, after_id);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no such submission' USING ERRCODE = 'P0002';
        END IF;
    END IF;

    RETURN QUERY
    SELECT r.*
    FROM core.submission v
    CROSS JOIN LATERAL api.as_submission(v) r
    WHERE v.study_id = study
      AND (list_submissions.site IS NULL OR v.site_id = list_submissions.site)
      AND (list_submissions.subject IS NULL OR v.subject_no = list_submissions.subject)
      AND (list_submissions.form IS NULL OR v.form = list_submissions.form)
      AND (list_submissions.visit IS NULL OR v.visit = list_submissions.visit)
      AND (after_id IS NULL
           OR (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.version)
              > (last.study_id, last.site_id, last.subject_no, last.form, last.knee, last.visit, last.instance,
                 last.version))
      AND (cut IS NULL OR core.is_in_cut(v.xid, v.era, cut_row.snapshot, cut_row.era))
      AND (all_versions
           OR NOT EXISTS (
               SELECT FROM core.submission newer
               WHERE (newer.study_id, newer.site_id, newer.subject_no, newer.form, newer.knee, newer.visit,
                      newer.instance)
                     = (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
                 AND newer.version > v.version
                 AND (cut IS NULL OR core.is_in_cut(newer.xid, newer.era, cut_row.snapshot, cut_row.era))))
    ORDER BY v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.version
    LIMIT LEAST(GREATEST(most, 1), 10000);
END
$$;

CREATE FUNCTION api.list_cuts(token bytea, study int)
RETURNS TABLE (cut_no int, label text, protocol_version int, made_by text, made_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'administrator', 'coordinator', 'statistician');

    RETURN QUERY
    SELECT c.cut_no, c.label, c.protocol_version, c.made_by, c.made_at
    FROM core.cut c
    WHERE c.study_id = study
    ORDER BY c.cut_no;
END
$$;

CREATE FUNCTION api.make_cut(token bytea, study int, label text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN core.add_cut(study, label, sec.enter_whole_study(token, study, 'statistician'));
END
$$;

GRANT EXECUTE ON FUNCTION api.list_subjects(bytea, int, int, int, int),
    api.find_submission(bytea, int, uuid),
    api.list_submissions(bytea, int, int, int, text, text, int, boolean, int, uuid, int),
    api.list_cuts(bytea, int),
    api.make_cut(bytea, int, text)
    TO patella_collector;
