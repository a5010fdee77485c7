-- SPDX-License-Identifier: GPL-3.0-or-later
-- api.submit_batch waits for nobody who holds a study (who freezes it, locks a subject, or left a transaction open):
-- the submissions of all other studies would wait too, behind the one transaction.  Rows of such a study are refused as
-- `study_busy` and those beside them as `conflict`; nothing is stored or recorded, and the caller sends the same again:
-- the latter at once, the former after a while.

RESET ROLE;
GRANT CREATE ON SCHEMA api TO patella_writer;
SET LOCAL ROLE patella_writer;

-- Alone in the study until the end of the transaction; false when others stay in it.  It queues for the lock, for
-- writers come without end and who only tried would never get it; not for long, because the caller has other work.
CREATE FUNCTION api.exclude_writers(study int) RETURNS boolean
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    earlier text := pg_catalog.current_setting('lock_timeout');
BEGIN
    BEGIN
        PERFORM pg_catalog.set_config('lock_timeout', '200ms', true);
        PERFORM pg_catalog.pg_advisory_xact_lock(71, study);
    EXCEPTION WHEN lock_not_available THEN
        RETURN false;           -- the setting has rolled back
    END;
    PERFORM pg_catalog.set_config('lock_timeout', earlier, true);
    RETURN true;
END
$$;

-- As in 0013, but for the locks.
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
    busy int[] := '{}';         -- studies that somebody holds
BEGIN
    -- Who voids an enrolment must see every record of the subject: no other writer may be under way.
    IF 'void' = ANY (statuses) THEN
        busy := ARRAY(SELECT v.study
                      FROM (SELECT DISTINCT studies[g] AS study
                            FROM pg_catalog.generate_series(1, size) g
                            WHERE statuses[g] = 'void'
                              AND (SELECT true
                                   FROM core.subject s
                                   WHERE (s.study_id, s.site_id, s.subject_no, s.form)
                                         = (studies[g], sites[g], subjects[g], forms[g]))
                            ORDER BY studies[g]) v
                      WHERE NOT api.exclude_writers(v.study));
    END IF;
    -- Excludes freezing and locking.  A statement of its own: the next one's snapshot must come after the grant.
    IF one_study THEN
        IF NOT pg_catalog.pg_try_advisory_xact_lock_shared(71, studies[1]) THEN
            busy := studies[1:1];
        END IF;
    ELSE
        busy := busy || ARRAY(SELECT s.study
                              FROM (SELECT DISTINCT u.study FROM pg_catalog.unnest(studies) u (study)) s
                              WHERE NOT pg_catalog.pg_try_advisory_xact_lock_shared(71, s.study));
    END IF;
    IF pg_catalog.cardinality(busy) > 0 THEN
        RETURN QUERY
        SELECT g, 'refused', CASE WHEN studies[g] = ANY (busy) THEN 'study_busy' ELSE 'conflict' END, NULL::bytea,
               NULL::timestamptz, NULL::int
        FROM pg_catalog.generate_series(1, size) g;
        RETURN;
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

RESET ROLE;
REVOKE CREATE ON SCHEMA api FROM patella_writer;
SELECT guard.record();
