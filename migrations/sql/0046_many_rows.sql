-- SPDX-License-Identifier: GPL-3.0-or-later
-- api.submit_batch takes many plain rows of one sender, study and form for less, and api.look_up_records asks once for
-- each subject: an upload is of such rows.
--
-- What a row is asked for in 0013 such rows are asked for together: the credential, the form and the protocol once,
-- each subject once, all ids at once; that a record is there already the primary key tells.  Like the statement of
-- 0013 this one knows only how to say yes, and it says it of all rows or of none: then they go on as if it had not
-- been asked.

RESET ROLE;
GRANT CREATE ON SCHEMA api TO patella_writer;
SET LOCAL ROLE patella_writer;

-- The hashes of the contents, all of which are stored; or NULL, and nothing is.  The caller holds the study's lock,
-- has found one token, study, form and protocol in all rows, and has pinned the planner's settings.
--
-- The enrolment of a subject is a record like others, whose first version is there: a row of its key is no new one.
CREATE FUNCTION api.submit_alike(tokens bytea[], ids uuid[], studies int[], sites int[], subjects int[], knees text[],
    forms text[], form_versions int[], visits text[], instances int[], versions int[], statuses text[], dates date[],
    protocol_versions int[], contents text[], scores float8[], score_froms int[], score_tos int[], doors text[],
    index_knees text[], began timestamptz)
RETURNS bytea[]
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    size constant int := pg_catalog.cardinality(ids);
    study constant int := studies[1];
    this_form constant text := forms[1];
    this_version constant int := form_versions[1];
    this_protocol constant int := protocol_versions[1];
    one_site constant boolean := sites[1] = ALL (sites);
    this_xid constant xid8 := pg_catalog.pg_current_xact_id();
    this_era smallint;
    sender_no int;
    sender text;
    sender_sites int[];
    hashes bytea[];
BEGIN
    IF (1 = ALL (versions) AND 'complete' = ALL (statuses)) IS NOT TRUE
       OR pg_catalog.num_nonnulls(VARIADIC index_knees) > 0
    THEN
        RETURN NULL;
    END IF;
    SELECT x.token_no, x.account, x.site_ids INTO sender_no, sender, sender_sites
    FROM sec.credential x
    WHERE x.token_sha256 = pg_catalog.sha256(tokens[1])
      AND x.revoked_at IS NULL
      AND x.expires_at > pg_catalog.clock_timestamp()
      AND x.role IN ('coordinator', 'investigator', 'data_manager', 'site_machine')
      AND x.study_id = study;
    -- Nothing is looked up that the credential refuses.
    IF NOT FOUND OR NOT (sender_sites = '{}' OR sites <@ sender_sites) THEN
        RETURN NULL;
    END IF;
    IF (SELECT s.frozen FROM core.study s WHERE s.study_id = study)
       OR NOT EXISTS (SELECT FROM core.form f WHERE (f.study_id, f.form, f.version) = (study, this_form, this_version))
       OR NOT EXISTS (SELECT FROM core.protocol p WHERE (p.study_id, p.version) = (study, this_protocol))
    THEN
        RETURN NULL;
    END IF;
    -- Rows of one id are judged together.  At one site the key tells of them.
    IF NOT one_site AND (SELECT pg_catalog.count(DISTINCT u.id) FROM pg_catalog.unnest(ids) u (id)) < size THEN
        RETURN NULL;
    END IF;
    -- A subject that is not there, locked, or no longer enrolled.
    IF EXISTS (SELECT
               FROM (SELECT DISTINCT sites[g] AS site, subjects[g] AS subject
                     FROM pg_catalog.generate_series(1, size) g) d
               WHERE (SELECT NOT s.locked
                             AND (SELECT e.status = 'void'
                                  FROM core.submission e
                                  WHERE (e.study_id, e.site_id, e.subject_no, e.form, e.knee, e.visit, e.instance)
                                        = (s.study_id, s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance)
                                    AND e.version > 1
                                  ORDER BY e.version DESC
                                  LIMIT 1) IS NOT TRUE
                      FROM core.subject s
                      WHERE (s.study_id, s.site_id, s.subject_no) = (study, d.site, d.subject)) IS NOT TRUE)
       -- The same id at another site, unless the sender sees none.
       OR ((NOT one_site OR sender_sites <> sites[1:1])
           AND EXISTS (SELECT
                       FROM pg_catalog.unnest(ids) u (id)
                       WHERE (SELECT true
                              FROM core.submission e
                              WHERE (e.study_id, e.id) = (study, u.id)
                              LIMIT 1)))
    THEN
        RETURN NULL;
    END IF;
    hashes := ARRAY(SELECT CASE WHEN pg_catalog.octet_length(u.content) <= 262144
                                THEN pg_catalog.sha256(pg_catalog.convert_to(u.content, 'UTF8')) END
                    FROM pg_catalog.unnest(contents) u (content));
    IF pg_catalog.num_nulls(VARIADIC hashes) > 0 THEN
        RETURN NULL;
    END IF;
    this_era := (SELECT e.era FROM audit.era e ORDER BY e.era DESC LIMIT 1);
    INSERT INTO core.submission AS v (study_id, site_id, subject_no, form, knee, visit, instance, version, id, status,
                                      form_version, protocol_version, dated, content, sha256, prev_sha256, scores,
                                      reason, door, token_no, recorded_by, recorded_at, xid, era)
    SELECT study, sites[g], subjects[g], this_form, knees[g], visits[g], instances[g], 1, ids[g], 'complete',
           this_version, this_protocol, dates[g], contents[g]::json, hashes[g], NULL,
           COALESCE(scores[score_froms[g]:score_tos[g]], '{}'), NULL, doors[g], sender_no, sender,
           began + (g - 1) * interval '1 microsecond', this_xid, this_era
    FROM pg_catalog.generate_series(1, size) g;
    RETURN hashes;
EXCEPTION WHEN unique_violation THEN
    RETURN NULL;
END
$$;

RESET ROLE;

DO $do$
DECLARE
    definition text := (SELECT pg_catalog.pg_get_functiondef(p.oid)
                        FROM pg_catalog.pg_proc p
                        WHERE p.pronamespace = 'api'::pg_catalog.regnamespace
                          AND p.proname = 'submit_batch');
    old constant text := $x$
    began := pg_catalog.clock_timestamp();
$x$;
    new constant text := $x$
    began := pg_catalog.clock_timestamp();
    -- Many at once that are alike: all of them, or as if they had not been tried.
    IF size >= 16 AND one_form AND one_token IS NOT NULL THEN
        hashes := api.submit_alike(tokens, ids, studies, sites, subjects, knees, forms, form_versions, visits,
                                   instances, versions, statuses, dates, protocol_versions, contents, scores,
                                   score_froms, score_tos, doors, index_knees, began);
        IF hashes IS NOT NULL THEN
            RETURN QUERY
            SELECT g, 'accepted', NULL::text, hashes[g], began + (g - 1) * interval '1 microsecond', 1
            FROM pg_catalog.generate_series(1, size) g;
            RETURN;
        END IF;
    END IF;
$x$;
BEGIN
    IF pg_catalog.strpos(definition, old) = 0 THEN
        RAISE EXCEPTION 'api.submit_batch does not hold %', old;
    END IF;
    EXECUTE pg_catalog.replace(definition, old, new);
END
$do$;

REVOKE CREATE ON SCHEMA api FROM patella_writer;

SET LOCAL ROLE patella_api;

-- As in 0039; what a subject tells is asked once for all keys that are about it.
CREATE OR REPLACE FUNCTION api.look_up_records(token bytea, study int, sites int[], subjects int[], knees text[],
                                               forms text[], visits text[], instances int[], treatment text)
RETURNS TABLE (ord int, subject_known boolean, subject_locked boolean, record_locked boolean, record_signed boolean,
               study_frozen boolean, version int, is_void boolean, taken_back boolean, form_version int, dated date,
               content text, treated_on date, index_knee text)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    is_frozen boolean;
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'investigator', 'data_manager', 'site_machine');
    SELECT s.frozen INTO is_frozen FROM core.study s WHERE s.study_id = study;

    RETURN QUERY
    WITH told AS MATERIALIZED (
        SELECT d.site, d.subject, s.form IS NOT NULL AS there, s.locked, e.status <> 'void' AS known, e.index_knee,
               t.dates
        FROM (SELECT DISTINCT sites[g] AS site, subjects[g] AS subject
              FROM pg_catalog.generate_series(1, LEAST(pg_catalog.cardinality(sites), 1000)) g) d
        LEFT JOIN LATERAL (
            SELECT x.locked, x.form, x.knee, x.visit, x.instance
            FROM core.subject x
            WHERE (x.study_id, x.site_id, x.subject_no) = (study, d.site, d.subject)
            LIMIT 1) s ON true
        LEFT JOIN LATERAL (
            SELECT x.status, x.content -> 'answers' ->> 'index_knee' AS index_knee
            FROM core.submission x
            WHERE s.form IS NOT NULL
              AND (x.study_id, x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance)
                  = (study, d.site, d.subject, s.form, s.knee, s.visit, s.instance)
            ORDER BY x.version DESC
            LIMIT 1) e ON true
        -- Day 1 of each knee that was treated: left, right.
        LEFT JOIN LATERAL (
            SELECT ARRAY[pg_catalog.min(r.dated) FILTER (WHERE r.knee = 'left'),
                         pg_catalog.min(r.dated) FILTER (WHERE r.knee = 'right')] AS dates
            FROM (SELECT DISTINCT ON (x.knee, x.visit, x.instance) x.knee, x.status, x.dated
                  FROM core.submission x
                  WHERE e.status <> 'void'
                    AND (x.study_id, x.site_id, x.subject_no, x.form) = (study, d.site, d.subject, treatment)
                  ORDER BY x.knee, x.visit, x.instance, x.version DESC) r
            WHERE r.status <> 'void') t ON true
    )
    SELECT g, COALESCE(f.known, false), COALESCE(f.locked, false),
           COALESCE((SELECT l.locked
                     FROM core.record_lock l
                     WHERE v.version IS NOT NULL
                       AND (l.study_id, l.site_id, l.subject_no, l.form, l.knee, l.visit, l.instance)
                           = (study, sites[g], subjects[g], forms[g], knees[g], visits[g], instances[g])
                     ORDER BY l.event_no DESC
                     LIMIT 1), false),
           COALESCE((SELECT true
                     FROM core.signature n
                     WHERE (n.study_id, n.site_id, n.submission_id) = (study, sites[g], v.id)
                     LIMIT 1), false),
           is_frozen, COALESCE(v.version, 0), COALESCE(v.status = 'void', false),
           CASE WHEN v.status = 'void' THEN upload.took_back(study, v.xid, v.era) ELSE false END,
           v.form_version, v.dated, v.content::text,
           CASE knees[g] WHEN 'left' THEN f.dates[1]
                         WHEN 'right' THEN f.dates[2]
                         WHEN 'none' THEN COALESCE(
                             f.dates[CASE f.index_knee WHEN 'left' THEN 1 WHEN 'right' THEN 2 END],
                             LEAST(f.dates[1], f.dates[2])) END,
           f.index_knee
    FROM pg_catalog.generate_series(1, LEAST(pg_catalog.cardinality(sites), 1000)) g
    LEFT JOIN told f ON (f.site, f.subject) = (sites[g], subjects[g])
    LEFT JOIN LATERAL (
        SELECT x.id, x.version, x.status, x.form_version, x.dated, x.content, x.xid, x.era
        FROM core.submission x
        WHERE f.there
          AND (x.study_id, x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance)
              = (study, sites[g], subjects[g], forms[g], knees[g], visits[g], instances[g])
        ORDER BY x.version DESC
        LIMIT 1) v ON true
    ORDER BY g;
END
$$;

RESET ROLE;
SELECT guard.record();
