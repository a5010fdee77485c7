-- SPDX-License-Identifier: GPL-3.0-or-later
-- What a coordinator's day is made of: of each subject the day 1 of its knees, how it ended, and which of the expected
-- forms are there; open queries, clocks of serious events, uploads with refused rows.
--
-- The database knows no protocol: which (form, visit) is expected comes as two arrays, and is given back as the place
-- in them.  Windows and states are computed by the program, from one reading of all subjects.

SET LOCAL ROLE patella_owner;

-- Void versions are few, and the schedule must take their records away from those that it counts.
CREATE INDEX submission_void ON core.submission (study_id, site_id, subject_no) WHERE status = 'void';

RESET ROLE;
SET LOCAL ROLE patella_blind_owner;

-- Newest allocations of these subjects, sites[n] and subjects[n]; of a masked study none.  For api, which has asked
-- first whether the caller may see the sites.
CREATE FUNCTION blind.list_open_cohorts(study int, sites int[], subjects int[])
RETURNS TABLE (site_id int, subject_no int, knee text, cohort text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    IF EXISTS (SELECT FROM core.study s WHERE s.study_id = study AND s.masking = 'none') THEN
        RETURN QUERY
        SELECT DISTINCT ON (a.site_id, a.subject_no, a.knee) a.site_id, a.subject_no, a.knee, a.cohort
        FROM pg_catalog.generate_series(1, LEAST(pg_catalog.cardinality(sites), 1000)) g
        JOIN blind.allocation a ON (a.study_id, a.site_id, a.subject_no) = (study, sites[g], subjects[g])
        ORDER BY a.site_id, a.subject_no, a.knee, a.entry DESC;
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION blind.list_open_cohorts(int, int[], int[]) TO patella_api;

RESET ROLE;
SET LOCAL ROLE patella_api;

-- Enrolled subjects by site and number; site and subject NULL: all that the token covers.  Day 1 of a knee is its first
-- `treatment` that is not void.  `there` has for each record of an expected form the number 3 * (its place in
-- `forms` and `visits`, from 0) + knee (0 none, 1 left, 2 right), and `gone` those whose newest version is void.
-- The first is read from the primary key alone.
CREATE FUNCTION api.list_desk_subjects(token bytea, study int, site int, subject int, treatment text, forms text[],
                                       visits text[])
RETURNS TABLE (site_id int, subject_no int, index_knee text, enrolled_on date, locked boolean, coordinator text,
               left_day1 date, right_day1 date, there int[], gone int[])
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET jit = off
SET work_mem = '64MB'
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked');

    RETURN QUERY
    WITH slot AS MATERIALIZED (
        SELECT forms[g] AS form, visits[g] AS visit, 3 * (g - 1) AS code
        FROM pg_catalog.generate_series(1, LEAST(pg_catalog.cardinality(forms), 10000)) g
    ), present AS (
        SELECT v.site_id, v.subject_no,
               pg_catalog.array_agg(s.code + CASE v.knee WHEN 'left' THEN 1 WHEN 'right' THEN 2 ELSE 0 END) AS codes
        FROM core.submission v
        JOIN slot s ON (s.form, s.visit) = (v.form, v.visit)
        WHERE v.study_id = study
          AND (list_desk_subjects.site IS NULL OR v.site_id = list_desk_subjects.site)
          AND (list_desk_subjects.subject IS NULL OR v.subject_no = list_desk_subjects.subject)
          AND v.version = 1
        GROUP BY v.site_id, v.subject_no
    ), absent AS (
        SELECT v.site_id, v.subject_no,
               pg_catalog.array_agg(s.code + CASE v.knee WHEN 'left' THEN 1 WHEN 'right' THEN 2 ELSE 0 END) AS codes
        FROM core.submission v
        JOIN slot s ON (s.form, s.visit) = (v.form, v.visit)
        WHERE v.study_id = study
          AND (list_desk_subjects.site IS NULL OR v.site_id = list_desk_subjects.site)
          AND (list_desk_subjects.subject IS NULL OR v.subject_no = list_desk_subjects.subject)
          AND v.status = 'void'
          AND NOT EXISTS (
              SELECT FROM core.submission newer
              WHERE (newer.study_id, newer.site_id, newer.subject_no, newer.form, newer.knee, newer.visit,
                     newer.instance)
                    = (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
                AND newer.version > v.version)
        GROUP BY v.site_id, v.subject_no
    ), treated AS (
        SELECT t.site_id, t.subject_no,
               pg_catalog.min(t.dated) FILTER (WHERE t.knee = 'left') AS left_day1,
               pg_catalog.min(t.dated) FILTER (WHERE t.knee = 'right') AS right_day1
        FROM (SELECT DISTINCT ON (v.site_id, v.subject_no, v.knee, v.visit, v.instance)
                     v.site_id, v.subject_no, v.knee, v.status, v.dated
              FROM core.submission v
              WHERE v.study_id = study
                AND (list_desk_subjects.site IS NULL OR v.site_id = list_desk_subjects.site)
                AND (list_desk_subjects.subject IS NULL OR v.subject_no = list_desk_subjects.subject)
                AND v.form = treatment
              ORDER BY v.site_id, v.subject_no, v.knee, v.visit, v.instance, v.version DESC) t
        WHERE t.status <> 'void'
        GROUP BY t.site_id, t.subject_no
    )
    SELECT s.site_id, s.subject_no,
           CASE e.version WHEN 1 THEN s.index_knee ELSE e.content -> 'answers' ->> 'index_knee' END, e.dated, s.locked,
           s.recorded_by, t.left_day1, t.right_day1, p.codes, a.codes
    FROM core.subject s
    CROSS JOIN LATERAL (
        SELECT v.status, v.version, v.dated, v.content
        FROM core.submission v
        WHERE (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
              = (s.study_id, s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance)
        ORDER BY v.version DESC
        LIMIT 1) e
    LEFT JOIN present p ON (p.site_id, p.subject_no) = (s.site_id, s.subject_no)
    LEFT JOIN absent a ON (a.site_id, a.subject_no) = (s.site_id, s.subject_no)
    LEFT JOIN treated t ON (t.site_id, t.subject_no) = (s.site_id, s.subject_no)
    WHERE s.study_id = study
      AND (list_desk_subjects.site IS NULL OR s.site_id = list_desk_subjects.site)
      AND (list_desk_subjects.subject IS NULL OR s.subject_no = list_desk_subjects.subject)
      AND e.status <> 'void'
    ORDER BY s.site_id, s.subject_no;
END
$$;

-- Records that may end a subject's follow-up, by site, subject and date: all of the form `ending`, and those of the
-- form `screening` in which the item `withdrawal` stands.  Most screenings have no such version: only of the others is
-- the newest looked for.
CREATE FUNCTION api.list_desk_endings(token bytea, study int, site int, subject int, ending text, screening text,
                                      withdrawal text)
RETURNS TABLE (site_id int, subject_no int, form text, form_version int, dated date, content text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_custom_plan SET enable_seqscan = off SET jit = off
SET work_mem = '64MB'
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked');

    RETURN QUERY
    SELECT v.site_id, v.subject_no, v.form, v.form_version, v.dated, v.content
    FROM (SELECT DISTINCT ON (v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
                 v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance
          FROM core.submission v
          WHERE v.study_id = study
            AND (list_desk_endings.site IS NULL OR v.site_id = list_desk_endings.site)
            AND (list_desk_endings.subject IS NULL OR v.subject_no = list_desk_endings.subject)
            AND v.form IN (ending, screening)
            AND (v.form = ending OR pg_catalog.strpos(v.content::text, '"' || withdrawal || '":') > 0)
          ORDER BY v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance) r
    CROSS JOIN LATERAL (
        SELECT x.site_id, x.subject_no, x.form, x.instance, x.form_version, x.status, x.dated, x.recorded_at,
               x.content::text AS content
        FROM core.submission x
        WHERE (x.study_id, x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance)
              = (study, r.site_id, r.subject_no, r.form, r.knee, r.visit, r.instance)
        ORDER BY x.version DESC
        LIMIT 1) v
    WHERE v.status <> 'void'
      AND (v.form = ending OR pg_catalog.strpos(v.content, '"' || withdrawal || '":') > 0)
    ORDER BY v.site_id, v.subject_no, v.dated, v.recorded_at, v.instance;
END
$$;

-- The newest version of each record at a visit, of sites[n] and subjects[n]; not what is void, nor what belongs to no
-- visit.
CREATE FUNCTION api.list_desk_records(token bytea, study int, sites int[], subjects int[])
RETURNS TABLE (site_id int, subject_no int, form text, knee text, visit text, instance int, id uuid, dated date)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked');

    RETURN QUERY
    SELECT r.site_id, r.subject_no, r.form, r.knee, r.visit, r.instance, r.id, r.dated
    FROM pg_catalog.generate_series(1, LEAST(pg_catalog.cardinality(sites), 1000)) g
    CROSS JOIN LATERAL (
        SELECT DISTINCT ON (v.form, v.knee, v.visit, v.instance)
               v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.id, v.dated, v.status
        FROM core.submission v
        WHERE (v.study_id, v.site_id, v.subject_no) = (study, sites[g], subjects[g])
          AND v.visit <> 'unscheduled'
        ORDER BY v.form, v.knee, v.visit, v.instance, v.version DESC) r
    WHERE r.status <> 'void'
    ORDER BY g, r.form, r.knee, r.visit, r.instance;
END
$$;

-- Of sites[n] and subjects[n]: queries that wait for an answer, and in a study that is not masked the cohorts.
CREATE FUNCTION api.list_desk_marks(token bytea, study int, sites int[], subjects int[])
RETURNS TABLE (site_id int, subject_no int, open_queries bigint, cohort text, left_cohort text, right_cohort text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked');

    RETURN QUERY
    WITH asked AS MATERIALIZED (
        SELECT s.site_id, s.subject_no
        FROM pg_catalog.generate_series(1, LEAST(pg_catalog.cardinality(sites), 1000)) g
        JOIN core.subject s ON (s.study_id, s.site_id, s.subject_no) = (study, sites[g], subjects[g])
    ), open_cohort AS MATERIALIZED (
        SELECT c.site_id, c.subject_no, pg_catalog.max(c.cohort) FILTER (WHERE c.knee = 'none') AS whole,
               pg_catalog.max(c.cohort) FILTER (WHERE c.knee = 'left') AS left_knee,
               pg_catalog.max(c.cohort) FILTER (WHERE c.knee = 'right') AS right_knee
        FROM blind.list_open_cohorts(study, (SELECT pg_catalog.array_agg(a.site_id ORDER BY a.site_id, a.subject_no)
                                             FROM asked a),
                                     (SELECT pg_catalog.array_agg(a.subject_no ORDER BY a.site_id, a.subject_no)
                                      FROM asked a)) c
        GROUP BY c.site_id, c.subject_no
    )
    SELECT a.site_id, a.subject_no,
           (SELECT pg_catalog.count(*)
            FROM core.query q
            WHERE (q.study_id, q.site_id, q.subject_no) = (study, a.site_id, a.subject_no)
              AND (SELECT e.kind
                   FROM core.query_event e
                   WHERE (e.study_id, e.site_id, e.query_id) = (q.study_id, q.site_id, q.query_id)
                   ORDER BY e.event_no DESC
                   LIMIT 1) IN ('opened', 'reopened')),
           c.whole, c.left_knee, c.right_knee
    FROM asked a
    LEFT JOIN open_cohort c ON (c.site_id, c.subject_no) = (a.site_id, a.subject_no)
    ORDER BY a.site_id, a.subject_no;
END
$$;

-- What waits beside visits, site NULL: at all sites of the token.  Queries without an answer; serious events of which a
-- clock runs, with the next one to end; uploads that were refused, or of which refused rows can still be fetched (site
-- 0: of several sites).
-- `person`: who sent the file; of the others, coordinators are those of their subjects.
CREATE FUNCTION api.list_desk_items(token bytea, study int, site int)
RETURNS TABLE (kind text, site_id int, subject_no int, knee text, visit text, form text, id uuid, record uuid,
               title text, since timestamptz, until timestamptz, person text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    at timestamptz := pg_catalog.clock_timestamp();
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor');

    RETURN QUERY
    SELECT 'query', q.site_id, q.subject_no, q.knee, q.visit, q.form, q.query_id,
           (SELECT v.id
            FROM core.submission v
            WHERE (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
                  = (study, q.site_id, q.subject_no, q.form, q.knee, q.visit, q.instance)
            ORDER BY v.version DESC
            LIMIT 1),
           pg_catalog.left(last.text, 200), last.recorded_at, NULL::timestamptz, NULL::text
    FROM core.query q
    CROSS JOIN LATERAL (
        SELECT e.kind, e.text, e.recorded_at
        FROM core.query_event e
        WHERE (e.study_id, e.site_id, e.query_id) = (q.study_id, q.site_id, q.query_id)
        ORDER BY e.event_no DESC
        LIMIT 1) last
    WHERE q.study_id = study
      AND (list_desk_items.site IS NULL OR q.site_id = list_desk_items.site)
      AND last.kind IN ('opened', 'reopened');

    RETURN QUERY
    SELECT 'event_clock', n.site_id, n.subject_no, n.knee, n.visit, n.form, v.id, v.id,
           pg_catalog.left(v.content -> 'answers' ->> 'term', 200), n.noticed_at,
           CASE WHEN n.sponsor_due > at THEN n.sponsor_due ELSE n.authority_due END, NULL::text
    FROM (SELECT DISTINCT ON (x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance) x.*
          FROM audit.notice x
          WHERE x.study_id = study
            AND (list_desk_items.site IS NULL OR x.site_id = list_desk_items.site)
            AND x.kind IN ('serious_event', 'serious_event_worse', 'serious_event_withdrawn')
          ORDER BY x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance, x.version DESC) n
    CROSS JOIN LATERAL (
        SELECT r.id, r.content
        FROM core.submission r
        WHERE (r.study_id, r.site_id, r.subject_no, r.form, r.knee, r.visit, r.instance)
              = (study, n.site_id, n.subject_no, n.form, n.knee, n.visit, n.instance)
        ORDER BY r.version DESC
        LIMIT 1) v
    WHERE n.kind <> 'serious_event_withdrawn'
      AND n.authority_due > at;

    RETURN QUERY
    SELECT 'refused_upload', f.site_id, NULL::int, NULL::text, NULL::text, f.form, f.upload_id, NULL::uuid,
           f.name, f.recorded_at, NULL::timestamptz, f.recorded_by
    FROM upload.file f
    WHERE f.study_id = study
      AND (list_desk_items.site IS NULL OR f.site_id = list_desk_items.site)
      AND f.keeps_rows
      AND (f.state = 'refused' OR (f.state = 'committed' AND (f.counts ->> 'refused')::bigint > 0));
END
$$;

GRANT EXECUTE ON FUNCTION api.list_desk_subjects(bytea, int, int, int, text, text[], text[]),
    api.list_desk_endings(bytea, int, int, int, text, text, text),
    api.list_desk_records(bytea, int, int[], int[]),
    api.list_desk_marks(bytea, int, int[], int[]),
    api.list_desk_items(bytea, int, int)
    TO patella_collector;

RESET ROLE;
SELECT guard.record();
