-- SPDX-License-Identifier: GPL-3.0-or-later
-- api.submit_batch for less: what it did with a row in 0009 it still does, in fewer steps.
--
-- Nearly every row is the first version of a record of an enrolled subject.  Such plain rows are judged and
-- stored by one statement that knows only how to say yes; what it leaves goes through the whole judgement of 0009.
-- What a call costs beside its rows counts too, for at low load a call has few of them.  So: no function in SQL
-- is called that PostgreSQL would parse and plan anew in each transaction, arrays are subscripted (plpgsql keeps
-- them taken apart) and not unnested side by side, and no constraint names a function that would be inlined anew
-- for each statement.

DELETE FROM guard.protection WHERE (kind, object) = ('function', 'audit.record_submissions');

SET LOCAL ROLE patella_audit_owner;

-- In plpgsql, because its plan is kept.
CREATE OR REPLACE FUNCTION audit.current_era() RETURNS smallint
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN (SELECT e.era FROM audit.era e ORDER BY e.era DESC LIMIT 1);
END
$$;

-- The era and the rows in one statement.
CREATE OR REPLACE FUNCTION audit.record_submissions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    INSERT INTO audit.event (xid, era, at, actor, token_no, db_role, operation, object, study_id, site_id, row_id,
                             digest, new, reason)
    SELECT a.xid, (SELECT e.era FROM audit.era e ORDER BY e.era DESC LIMIT 1), a.recorded_at, a.recorded_by,
           a.token_no, session_user, 'INSERT', 'core.submission', a.study_id, a.site_id, a.id, a.sha256,
           pg_catalog.jsonb_build_object('subject_no', a.subject_no, 'form', a.form, 'knee', a.knee, 'visit', a.visit,
                                         'instance', a.instance, 'version', a.version, 'status', a.status,
                                         'door', a.door),
           a.reason
    FROM added a;
    RETURN NULL;
END
$$;
GRANT SELECT ON audit.era TO patella_writer;

SET LOCAL ROLE patella_owner;

-- In plpgsql, so that the constraint on core.submission calls it for a later version only, and is not parsed with
-- its text each time that a first version is stored.
CREATE OR REPLACE FUNCTION core.is_reason(reason text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN pg_catalog.length(pg_catalog.regexp_replace(COALESCE(reason, ''),
        '[\s\u00A0\u00AD\u1680\u180E\u2000-\u200F\u2028-\u202F\u205F\u2060\u3000\uFEFF]', '', 'g')) >= 5;
END
$$;

RESET ROLE;
GRANT CREATE ON SCHEMA api TO patella_writer;
SET LOCAL ROLE patella_writer;

-- The arrays as rows, with the credential of each: those at the positions in `rest`, numbered anew from 1.
CREATE FUNCTION api.read_rest(rest int[], tokens bytea[], ids uuid[], studies int[], sites int[], subjects int[],
    knees text[], forms text[], form_versions int[], visits text[], instances int[], versions int[], statuses text[],
    dates date[], protocol_versions int[], contents text[], scores float8[], score_froms int[], score_tos int[],
    reasons text[], doors text[], index_knees text[], continues text[], at timestamptz)
RETURNS api.request[]
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN (
        SELECT pg_catalog.array_agg(
                   ROW(r.ord,
                       CASE WHEN c.token_no IS NULL THEN 'no_session'
                            WHEN c.role NOT IN ('coordinator', 'site_machine') THEN 'not_allowed'
                            WHEN c.study_id IS DISTINCT FROM r.study THEN 'not_allowed'
                            WHEN c.site_ids = '{}' OR r.site = ANY (c.site_ids) THEN
                                CASE WHEN place.site_id IS NULL AND r.enrols THEN 'not_allowed' END
                            WHEN r.enrols THEN 'not_allowed'
                            -- A subject of another site is as unknown as one that nobody has.
                            ELSE 'unknown_subject' END,
                       c.token_no, c.account, c.site_ids, ids[r.i], r.study, r.site, subjects[r.i], knees[r.i],
                       forms[r.i], form_versions[r.i], visits[r.i], instances[r.i], versions[r.i], statuses[r.i],
                       dates[r.i], protocol_versions[r.i], contents[r.i],
                       pg_catalog.sha256(pg_catalog.convert_to(contents[r.i], 'UTF8')),
                       COALESCE(scores[score_froms[r.i]:score_tos[r.i]], '{}'), reasons[r.i], doors[r.i],
                       index_knees[r.i], continues[r.i],
                       r.enrols, at + (r.i - 1) * interval '1 microsecond')::api.request
                   ORDER BY r.ord)
        FROM (
            SELECT g.ord, g.i, studies[g.i] AS study, sites[g.i] AS site,
                   index_knees[g.i] IS NOT NULL AND versions[g.i] = 1 AS enrols
            FROM pg_catalog.unnest(rest) WITH ORDINALITY g (i, ord)) r
        LEFT JOIN LATERAL (
            SELECT x.*
            FROM sec.credential x
            WHERE x.token_sha256 = pg_catalog.sha256(tokens[r.i])
              AND x.revoked_at IS NULL
              AND x.expires_at > pg_catalog.clock_timestamp()
            LIMIT 1) c ON true
        LEFT JOIN LATERAL (
            SELECT x.site_id
            FROM core.site x
            WHERE r.enrols
              AND (x.study_id, x.site_id) = (r.study, r.site)
            LIMIT 1) place ON true);
END
$$;

-- In 0009 a join in SQL, planned in each transaction, and read in the order of the wrong index.
CREATE OR REPLACE FUNCTION api.enrolment_status(study int, site int, subject int) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN (
        SELECT (SELECT v.status
                FROM core.submission v
                WHERE (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
                      = (s.study_id, s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance)
                ORDER BY v.version DESC
                LIMIT 1)
        FROM core.subject s
        WHERE (s.study_id, s.site_id, s.subject_no) = (study, site, subject));
END
$$;

-- In 0009 with an equality on the version: see submit_batch on what that may cost.
CREATE OR REPLACE FUNCTION api.add_version(r api.request) RETURNS boolean
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    previous bytea;
BEGIN
    SELECT v.sha256 INTO previous
    FROM core.submission v
    WHERE (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
          = (r.study, r.site, r.subject, r.form, r.knee, r.visit, r.instance)
      AND v.version BETWEEN r.version - 1 AND r.version - 1
    ORDER BY v.version
    LIMIT 1;
    INSERT INTO core.submission (study_id, site_id, subject_no, form, knee, visit, instance, version, id, status,
                                 form_version, protocol_version, dated, content, sha256, prev_sha256, scores, reason,
                                 door, token_no, recorded_by, recorded_at, xid, era)
    VALUES (r.study, r.site, r.subject, r.form, r.knee, r.visit, r.instance, r.version, r.id, r.status,
            r.form_version, r.protocol_version, r.dated, r.content::json, r.sha256, previous, r.scores,
            CASE WHEN r.version > 1 THEN r.reason END, r.door, r.token_no, r.account, r.at,
            pg_catalog.pg_current_xact_id(), audit.current_era())
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;

-- Why rows were not stored, or that they had been before.  `added`: which ones this call has stored; a time could not
-- tell, for clocks step back.  Every replay and every refusal of a known caller leaves an audit row; for a replay that
-- is also what makes COMMIT wait until a standby holds the first copy.
CREATE FUNCTION api.explain_batch(requests api.request[], codes text[], added int[]) RETURNS SETOF api.verdict
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    verdicts api.verdict[];
BEGIN
    WITH looked_up AS MATERIALIZED (
        SELECT r.*,
               stored.sha256 AS stored_sha256, stored.recorded_at AS stored_at, stored.version AS stored_version,
               COALESCE(stored.sha256 = r.sha256, false) AS same,
               newest.version AS newest_version
        FROM pg_catalog.unnest(requests) r
        LEFT JOIN LATERAL (
            SELECT v.sha256, v.recorded_at, v.version
            FROM core.submission v
            WHERE r.denied IS NULL
              AND (v.study_id, v.site_id, v.id) = (r.study, r.site, r.id)
            LIMIT 1) stored ON true
        LEFT JOIN LATERAL (
            SELECT v.version
            FROM core.submission v
            WHERE r.denied IS NULL
              AND (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
                  = (r.study, r.site, r.subject, r.form, r.knee, r.visit, r.instance)
            ORDER BY v.version DESC
            LIMIT 1) newest ON true
    ), judged AS MATERIALIZED (
        SELECT l.*,
               CASE WHEN l.ord = ANY (added) THEN 'accepted'
                    WHEN l.same THEN 'replayed'
                    ELSE 'refused' END AS verdict,
               CASE WHEN l.same THEN NULL
                    WHEN l.stored_sha256 IS NOT NULL THEN 'uuid_reused'
                    WHEN codes[l.ord] IS NOT NULL THEN codes[l.ord]
                    WHEN l.enrols THEN 'subject_exists'
                    WHEN l.newest_version IS NULL THEN 'conflict'
                    WHEN l.version = 1 THEN 'record_exists'
                    ELSE 'version_conflict' END AS code
        FROM looked_up l
    ), recorded AS MATERIALIZED (
        SELECT j.ord,
               audit.record(CASE j.verdict WHEN 'replayed' THEN 'REPLAY' ELSE 'REFUSE ' || j.code END,
                            'core.submission', j.study, j.site, j.id, j.sha256,
                            pg_catalog.jsonb_build_object('subject_no', j.subject, 'form', j.form, 'knee', j.knee,
                                                          'visit', j.visit, 'instance', j.instance,
                                                          'version', j.version, 'door', j.door),
                            j.reason, j.account, j.token_no)
        FROM judged j
        WHERE j.verdict <> 'accepted'
          AND j.code IS DISTINCT FROM 'no_session'      -- strangers cannot fill the trail
    )
    SELECT pg_catalog.array_agg(
               ROW(j.ord, j.verdict, j.code,
                   CASE WHEN j.same THEN j.stored_sha256 END,
                   CASE WHEN j.same THEN j.stored_at END,
                   CASE WHEN j.same THEN j.stored_version
                        WHEN j.code IN ('record_exists', 'version_conflict', 'record_void') THEN j.newest_version
                        END)::api.verdict
               ORDER BY j.ord)
    INTO verdicts
    FROM judged j
    LEFT JOIN recorded USING (ord);       -- so that it runs

    RETURN QUERY SELECT * FROM pg_catalog.unnest(verdicts);
END
$$;

-- The whole judgement, and a verdict for each request.  `own_studies`, `own_ids`: rows that the call has stored
-- already; they are not seen as versions to follow, for rows of one call do not depend on each other.
CREATE FUNCTION api.submit_rest(requests api.request[], own_studies int[], own_ids uuid[]) RETURNS SETOF api.verdict
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    this_xid xid8 := pg_catalog.pg_current_xact_id();
    this_era smallint := audit.current_era();
    codes text[];               -- why a row is refused, in the order of the requests; NULL: nothing found
    voids int[];                -- rows that void an enrolment
    added int[];                -- rows that were really inserted
    one api.request;
BEGIN
    WITH judged AS MATERIALIZED (
        SELECT r.*, previous.sha256 AS prev_sha256,
               COALESCE(subject.enrolment AND r.status = 'void', false) AS voids_enrolment,
               CASE WHEN r.denied IS NOT NULL THEN r.denied
                    WHEN r.study = ANY (ARRAY(SELECT s.study_id FROM core.study s WHERE s.frozen)) THEN 'study_frozen'
                    WHEN r.enrols AND subject.locked IS NOT NULL THEN 'subject_exists'
                    WHEN NOT r.enrols AND subject.locked IS NULL THEN 'unknown_subject'
                    WHEN subject.void AND NOT subject.enrolment THEN 'unknown_subject'
                    WHEN subject.locked THEN 'subject_locked'
                    WHEN elsewhere.site_id IS NOT NULL
                         OR CASE r.visible_sites WHEN '{}' THEN twin.sites <> '{}'
                                                 ELSE twin.sites && r.visible_sites END THEN 'uuid_reused'
                    WHEN form.version IS NULL OR protocol.version IS NULL THEN 'unknown_form'
                    WHEN pg_catalog.octet_length(r.content) > 262144 THEN 'too_large'
                    WHEN r.version > 1 AND NOT core.is_reason(r.reason) THEN 'reason_missing'
                    WHEN previous.status = 'void' AND r.status = 'void' THEN 'record_void'
                    WHEN r.version > 1 AND previous.sha256 IS NULL THEN 'version_conflict'
                    WHEN r.version < 1 OR (r.version = 1 AND r.status = 'void') THEN 'version_conflict'
                    WHEN (r.enrols OR subject.enrolment) AND api.is_continued_unknown(r) THEN 'continues_unknown'
               END AS code
        FROM pg_catalog.unnest(requests) r
        LEFT JOIN LATERAL (
            SELECT x.locked, enrolled.status = 'void' AS void,
                   (x.form, x.knee, x.visit, x.instance) = (r.form, r.knee, r.visit, r.instance) AS enrolment
            FROM core.subject x
            LEFT JOIN LATERAL (
                SELECT v.status
                FROM core.submission v
                WHERE (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
                      = (x.study_id, x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance)
                ORDER BY v.version DESC
                LIMIT 1) enrolled ON true
            WHERE r.denied IS NULL
              AND (x.study_id, x.site_id, x.subject_no) = (r.study, r.site, r.subject)
            LIMIT 1) subject ON true
        -- The same id at another site that the caller sees, stored or earlier in this call.
        LEFT JOIN LATERAL (
            SELECT x.site_id
            FROM core.submission x
            WHERE r.denied IS NULL
              AND (x.study_id, x.id) = (r.study, r.id)
              AND x.site_id <> r.site
              AND (r.visible_sites = '{}' OR x.site_id = ANY (r.visible_sites))
            LIMIT 1) elsewhere ON true
        LEFT JOIN (
            SELECT q.ord,
                   pg_catalog.array_remove(pg_catalog.array_agg(q.site) FILTER (WHERE q.denied IS NULL)
                                               OVER (PARTITION BY q.study, q.id ORDER BY q.ord), q.site) AS sites
            FROM pg_catalog.unnest(requests) q) twin ON twin.ord = r.ord
        LEFT JOIN LATERAL (
            SELECT x.version
            FROM core.form x
            WHERE (x.study_id, x.form, x.version) = (r.study, r.form, r.form_version)
            LIMIT 1) form ON true
        LEFT JOIN LATERAL (
            SELECT x.version
            FROM core.protocol x
            WHERE (x.study_id, x.version) = (r.study, r.protocol_version)
            LIMIT 1) protocol ON true
        LEFT JOIN LATERAL (
            SELECT x.sha256, x.status
            FROM core.submission x
            WHERE r.denied IS NULL
              AND r.version > 1
              AND (x.study_id, x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance)
                  = (r.study, r.site, r.subject, r.form, r.knee, r.visit, r.instance)
              AND x.version BETWEEN r.version - 1 AND r.version - 1
              AND (x.xid <> this_xid
                   OR (x.study_id, x.id) NOT IN (SELECT o.study, o.id
                                                 FROM ROWS FROM (pg_catalog.unnest(own_studies),
                                                                 pg_catalog.unnest(own_ids)) o (study, id)))
            ORDER BY x.version
            LIMIT 1) previous ON true
    ), inserted AS (
        INSERT INTO core.submission AS v (study_id, site_id, subject_no, form, knee, visit, instance, version, id,
                                          status, form_version, protocol_version, dated, content, sha256,
                                          prev_sha256, scores, reason, door, token_no, recorded_by, recorded_at, xid,
                                          era)
        SELECT j.study, j.site, j.subject, j.form, j.knee, j.visit, j.instance, j.version, j.id, j.status,
               j.form_version, j.protocol_version, j.dated, j.content::json, j.sha256, j.prev_sha256, j.scores,
               CASE WHEN j.version > 1 THEN j.reason END, j.door, j.token_no, j.account, j.at, this_xid, this_era
        FROM judged j
        WHERE j.code IS NULL
          AND NOT j.enrols
          AND NOT j.voids_enrolment
        ON CONFLICT DO NOTHING
        RETURNING v.recorded_at         -- each request has its own
    )
    SELECT pg_catalog.array_agg(j.code ORDER BY j.ord),
           COALESCE(pg_catalog.array_agg(j.ord) FILTER (WHERE j.voids_enrolment), '{}'),
           COALESCE(pg_catalog.array_agg(j.ord) FILTER (WHERE j.at IN (SELECT i.recorded_at FROM inserted i)), '{}')
    INTO codes, voids, added
    FROM judged j;

    -- Enrolments, and the ends of some, come seldom: one by one, each whole or not at all.
    FOR one IN
        SELECT r.*
        FROM pg_catalog.unnest(requests) r
        WHERE (r.enrols OR r.ord = ANY (voids)) AND codes[r.ord] IS NULL
        ORDER BY r.ord
    LOOP
        IF one.enrols THEN
            IF NOT EXISTS (SELECT FROM core.submission v
                           WHERE (v.study_id, v.site_id, v.id) = (one.study, one.site, one.id))
               AND api.enrol(one)
            THEN
                added := added || one.ord;
            END IF;
        ELSIF api.has_records(one) THEN
            codes[one.ord] := 'subject_has_records';
        ELSIF api.add_version(one) THEN
            added := added || one.ord;
        END IF;
    END LOOP;

    IF pg_catalog.cardinality(added) = pg_catalog.cardinality(requests) THEN
        RETURN QUERY
        SELECT r.ord, 'accepted', NULL::text, r.sha256, r.at, r.version FROM pg_catalog.unnest(requests) r;
    ELSE
        RETURN QUERY
        SELECT * FROM api.explain_batch(requests, codes, added);
    END IF;
END
$$;

-- A probe of an index is a sub-select that yields one value or nothing, so that there is no order of joins to choose.
-- Which index serves it remains the planner's choice, and when it plans this for the first time, on an empty database,
-- all cost the same: an equality on the whole primary key may then be looked up by the two columns that lead
-- submission_id_key with the site, which reads all of a site for each row.  Therefore a version is asked for by a range
-- and in its order, which the primary key alone gives without sorting.
CREATE OR REPLACE FUNCTION api.submit_batch(tokens bytea[], ids uuid[], studies int[], sites int[], subjects int[],
    knees text[], forms text[], form_versions int[], visits text[], instances int[], versions int[], statuses text[],
    dates date[], protocol_versions int[], contents text[], scores float8[], score_froms int[], score_tos int[],
    reasons text[], doors text[], index_knees text[], continues text[])
RETURNS SETOF api.verdict
LANGUAGE plpgsql SECURITY DEFINER ROWS 64
SET search_path = '' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    size int := pg_catalog.cardinality(ids);
    one_study boolean := studies[1] = ALL (studies);
    -- One probe of the catalogue does for all rows.
    one_form boolean := one_study
                        AND forms[1] = ALL (forms)
                        AND form_versions[1] = ALL (form_versions)
                        AND protocol_versions[1] = ALL (protocol_versions);
    one_token bytea := CASE WHEN tokens[1] = ALL (tokens) THEN pg_catalog.sha256(tokens[1]) END;
    this_xid xid8 := pg_catalog.pg_current_xact_id();
    began timestamptz;
    hashes bytea[];             -- SHA-256 of the contents
    stored int := 0;            -- rows that were really inserted
    rest int[];                 -- positions of the others
BEGIN
    -- Who voids an enrolment must see every record of the subject: no other writer may be under way.
    IF 'void' = ANY (statuses) THEN
        PERFORM pg_catalog.pg_advisory_xact_lock(71, v.study)
        FROM (SELECT DISTINCT studies[g] AS study
              FROM pg_catalog.generate_series(1, size) g
              WHERE statuses[g] = 'void'
                AND (SELECT true
                     FROM core.subject s
                     WHERE (s.study_id, s.site_id, s.subject_no, s.form)
                           = (studies[g], sites[g], subjects[g], forms[g]))
              ORDER BY studies[g]) v;
    END IF;
    -- Excludes freezing and locking.  A statement of its own: the next one's snapshot must come after the grant.
    IF one_study THEN
        PERFORM pg_catalog.pg_advisory_xact_lock_shared(71, studies[1]);
    ELSE
        PERFORM pg_catalog.pg_advisory_xact_lock_shared(71, s.study)
        FROM (SELECT DISTINCT u.study FROM pg_catalog.unnest(studies) u (study) ORDER BY u.study) s;
    END IF;
    began := pg_catalog.clock_timestamp();

    BEGIN
        hashes := ARRAY(SELECT pg_catalog.sha256(pg_catalog.convert_to(contents[g], 'UTF8'))
                        FROM pg_catalog.generate_series(1, size) g);
        INSERT INTO core.submission AS v (study_id, site_id, subject_no, form, knee, visit, instance, version, id,
                                          status, form_version, protocol_version, dated, content, sha256,
                                          prev_sha256, scores, reason, door, token_no, recorded_by, recorded_at, xid,
                                          era)
        SELECT studies[g], sites[g], subjects[g], forms[g], knees[g], visits[g], instances[g], 1, ids[g],
               'complete', form_versions[g], protocol_versions[g], dates[g], contents[g]::json, hashes[g], NULL,
               COALESCE(scores[score_froms[g]:score_tos[g]], '{}'), NULL, doors[g], c.token_no, c.account,
               began + (g - 1) * interval '1 microsecond', this_xid,
               (SELECT e.era FROM audit.era e ORDER BY e.era DESC LIMIT 1)
        FROM pg_catalog.generate_series(1, size) g
        CROSS JOIN LATERAL (
            SELECT x.token_no, x.account, x.study_id
            FROM sec.credential x
            WHERE x.token_sha256 = COALESCE(one_token, pg_catalog.sha256(tokens[g]))
              AND x.revoked_at IS NULL
              AND x.expires_at > pg_catalog.clock_timestamp()
              AND x.role IN ('coordinator', 'site_machine')
              AND x.study_id = studies[g]
              AND (x.site_ids = '{}' OR sites[g] = ANY (x.site_ids))
            LIMIT 1) c
        WHERE versions[g] = 1
          AND statuses[g] = 'complete'
          AND index_knees[g] IS NULL
          AND pg_catalog.octet_length(contents[g]) <= 262144
          AND studies[g] <> ALL (ARRAY(SELECT s.study_id FROM core.study s WHERE s.frozen))
          -- Rows of one id are judged together.
          AND (size = 1 OR (SELECT pg_catalog.count(DISTINCT u.id) FROM pg_catalog.unnest(ids) u (id)) = size)
          -- Enrolled and not locked.  Only a later version of an enrolment can be void.  This and the last two ask
          -- by the credential's study, so they come after the credential: nothing is looked up that it refuses.
          AND (SELECT NOT s.locked
                      AND (s.form, s.knee, s.visit, s.instance) <> (forms[g], knees[g], visits[g], instances[g])
                      AND (SELECT e.status = 'void'
                           FROM core.submission e
                           WHERE (e.study_id, e.site_id, e.subject_no, e.form, e.knee, e.visit, e.instance)
                                 = (s.study_id, s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance)
                             AND e.version > 1
                           ORDER BY e.version DESC
                           LIMIT 1) IS NOT TRUE
               FROM core.subject s
               WHERE (s.study_id, s.site_id, s.subject_no) = (c.study_id, sites[g], subjects[g]))
          AND CASE WHEN one_form
                   THEN (SELECT true
                         FROM core.form f, core.protocol p
                         WHERE (f.study_id, f.form, f.version) = (studies[1], forms[1], form_versions[1])
                           AND (p.study_id, p.version) = (studies[1], protocol_versions[1]))
                   ELSE (SELECT true
                         FROM core.form f, core.protocol p
                         WHERE (f.study_id, f.form, f.version) = (studies[g], forms[g], form_versions[g])
                           AND (p.study_id, p.version) = (studies[g], protocol_versions[g])) END
          AND (SELECT true
               FROM core.submission e
               WHERE (e.study_id, e.id) = (c.study_id, ids[g])
               LIMIT 1) IS NULL
          AND (SELECT true
               FROM core.submission e
               WHERE (e.study_id, e.site_id, e.subject_no, e.form, e.knee, e.visit, e.instance)
                     = (c.study_id, sites[g], subjects[g], forms[g], knees[g], visits[g], instances[g])
                 AND e.version <= 1
               ORDER BY e.version
               LIMIT 1) IS NULL;
        GET DIAGNOSTICS stored = ROW_COUNT;
    EXCEPTION WHEN unique_violation THEN
        -- A race that is lost, or one record twice in this call: which row it is, the whole judgement tells.  Nearly
        -- never, therefore no ON CONFLICT above, which costs a tenth of each row.
        stored := 0;
    END;

    IF stored = size THEN
        RETURN QUERY
        SELECT g, 'accepted', NULL::text, hashes[g], began + (g - 1) * interval '1 microsecond', 1
        FROM pg_catalog.generate_series(1, size) g;
        RETURN;
    END IF;

    -- What this very call stored is known by the subtransaction of the block above, the youngest of this transaction;
    -- a time could not tell it from rows of the calls before, for clocks step back.
    rest := ARRAY(SELECT found.g
                  FROM (SELECT probe.g, probe.age, pg_catalog.min(probe.age) OVER () AS youngest
                        FROM (SELECT g,
                                     (SELECT pg_catalog.age(e.xmin)
                                      FROM core.submission e
                                      WHERE (e.study_id, e.site_id, e.id) = (studies[g], sites[g], ids[g])
                                        AND e.xid = this_xid
                                        AND stored > 0) AS age
                              FROM pg_catalog.generate_series(1, size) g) probe) found
                  WHERE stored = 0
                     OR found.age IS DISTINCT FROM found.youngest
                  ORDER BY found.g);
    RETURN QUERY
    SELECT g, 'accepted', NULL::text, hashes[g], began + (g - 1) * interval '1 microsecond', 1
    FROM pg_catalog.generate_series(1, size) g
    WHERE g <> ALL (rest);
    RETURN QUERY
    SELECT rest[v.ord], v.verdict, v.code, v.sha256, v.recorded_at, v.version
    FROM api.submit_rest(
             api.read_rest(rest, tokens, ids, studies, sites, subjects, knees, forms, form_versions, visits, instances,
                           versions, statuses, dates, protocol_versions, contents, scores, score_froms, score_tos,
                           reasons, doors, index_knees, continues, began),
             ARRAY(SELECT studies[g] FROM pg_catalog.generate_series(1, size) g WHERE g <> ALL (rest) ORDER BY g),
             ARRAY(SELECT ids[g] FROM pg_catalog.generate_series(1, size) g WHERE g <> ALL (rest) ORDER BY g)) v;
END
$$;

DROP FUNCTION api.read_requests(bytea[], uuid[], int[], int[], int[], text[], text[], int[], text[], int[], int[],
    text[], date[], int[], text[], float8[], int[], int[], text[], text[], text[], text[], timestamptz);
DROP FUNCTION api.explain_batch(api.request[], text[]);

RESET ROLE;
REVOKE CREATE ON SCHEMA api FROM patella_writer;
SELECT guard.record();
