-- SPDX-License-Identifier: GPL-3.0-or-later
-- The one way in: api.submit_batch stores submissions of many people in one call, with a verdict for each.
--
-- Owned by a role of its own, which reads every row that must be judged and adds only what the policy on the
-- credential allows (0005).  One refused row does not fail the others: what a constraint would refuse is judged
-- first, and what loses a race on a key is skipped and explained afterwards.

GRANT USAGE, CREATE ON SCHEMA api TO patella_writer;

SET LOCAL ROLE patella_writer;

CREATE TYPE api.verdict AS (
    ord int,                    -- position in the call, from 1
    verdict text,               -- accepted, replayed, refused
    code text,                  -- why refused
    sha256 bytea,               -- of the stored content
    recorded_at timestamptz,
    version int                 -- stored version; of a refused one, the record's newest when that is the reason
);

-- One row of a call, with the credential that its token belongs to.
CREATE TYPE api.request AS (
    ord int,
    denied text,                -- what the credential refuses: nothing of what is stored may be told then
    token_no int,
    account text,
    visible_sites int[],
    id uuid,
    study int,
    site int,
    subject int,
    knee text,
    form text,
    form_version int,
    visit text,
    instance int,
    version int,
    status text,
    dated date,
    protocol_version int,
    content text,
    sha256 bytea,
    scores float8[],
    reason text,
    door text,
    index_knee text,
    continues text,
    enrols boolean,
    at timestamptz              -- its own, in the order of the call: the later receipt can be told
);

-- Status of the newest version of the subject's enrolment; NULL: nobody has that number.
CREATE FUNCTION api.enrolment_status(study int, site int, subject int) RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT v.status
    FROM core.subject s
    JOIN core.submission v
         ON (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
            = (s.study_id, s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance)
    WHERE (s.study_id, s.site_id, s.subject_no)
          = (enrolment_status.study, enrolment_status.site, enrolment_status.subject)
    ORDER BY v.version DESC
    LIMIT 1
$$;

-- The earlier enrolment that a subject continues.  It is looked up only at sites that the caller sees: at others it
-- is taken as stated, for an answer would tell which numbers exist there.
CREATE FUNCTION api.is_continued_unknown(r api.request) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    earlier_site int;
    earlier_subject int;
BEGIN
    IF r.continues IS NULL THEN
        RETURN false;
    END IF;
    IF NOT core.is_subject_number(r.continues) THEN
        RETURN true;
    END IF;
    earlier_site := pg_catalog.split_part(r.continues, '-', 1)::int;
    earlier_subject := pg_catalog.split_part(r.continues, '-', 2)::int;
    IF (earlier_site, earlier_subject) = (r.site, r.subject) THEN
        RETURN true;
    END IF;
    RETURN (r.visible_sites = '{}' OR earlier_site = ANY (r.visible_sites))
       AND COALESCE(api.enrolment_status(r.study, earlier_site, earlier_subject), 'void') = 'void';
END
$$;

-- One version, outside the set that submit_batch stores at once.  False: its key or its id was taken meanwhile.
CREATE FUNCTION api.add_version(r api.request) RETURNS boolean
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    previous bytea;
BEGIN
    SELECT v.sha256 INTO previous
    FROM core.submission v
    WHERE (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.version)
          = (r.study, r.site, r.subject, r.form, r.knee, r.visit, r.instance, r.version - 1);
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

-- Subject, both knees and the enrolment's own submission, or nothing.  False: somebody enrolled the subject first.
CREATE FUNCTION api.enrol(r api.request) RETURNS boolean
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM pg_catalog.set_config('patella.account', r.account, true);      -- for the trail of the knees
    INSERT INTO core.subject (study_id, site_id, subject_no, form, knee, visit, instance, index_knee, enrolled_on,
                              continues, token_no, recorded_by, recorded_at, xid, era)
    VALUES (r.study, r.site, r.subject, r.form, r.knee, r.visit, r.instance, r.index_knee, r.dated, r.continues,
            r.token_no, r.account, r.at,
            pg_catalog.pg_current_xact_id(), audit.current_era())
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    INSERT INTO core.knee (study_id, site_id, subject_no, knee)
    VALUES (r.study, r.site, r.subject, 'left'),
           (r.study, r.site, r.subject, 'right');

    IF NOT api.add_version(r) THEN
        -- The id came in between under another subject; a subject without its enrolment must not stay.
        RAISE EXCEPTION 'lost a race for the id of an enrolment' USING ERRCODE = '40001';
    END IF;
    RETURN true;
END
$$;

-- True when the subject has a record beside its enrolment that is not void.
CREATE FUNCTION api.has_records(r api.request) RETURNS boolean
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT EXISTS (
        SELECT FROM (
            SELECT DISTINCT ON (v.form, v.knee, v.visit, v.instance) v.form, v.knee, v.visit, v.instance, v.status
            FROM core.submission v
            WHERE (v.study_id, v.site_id, v.subject_no) = (r.study, r.site, r.subject)
            ORDER BY v.form, v.knee, v.visit, v.instance, v.version DESC) newest
        WHERE newest.status <> 'void'
          AND (newest.form, newest.knee, newest.visit, newest.instance) <> (r.form, r.knee, r.visit, r.instance))
$$;

-- Why rows were not stored, or that they had been before.  The row that this very call stored is known by its time
-- and transaction.  Every replay and every refusal of a known caller leaves an audit row; for a replay that is also
-- what makes COMMIT wait until a standby holds the first copy.
CREATE FUNCTION api.explain_batch(requests api.request[], codes text[]) RETURNS SETOF api.verdict
LANGUAGE plpgsql SET search_path = ''
AS $$
DECLARE
    verdicts api.verdict[];
BEGIN
    WITH looked_up AS MATERIALIZED (
        SELECT r.*,
               stored.sha256 AS stored_sha256, stored.recorded_at AS stored_at, stored.version AS stored_version,
               COALESCE(stored.sha256 = r.sha256, false) AS same,
               COALESCE(stored.recorded_at = r.at AND stored.xid = pg_catalog.pg_current_xact_id(), false) AS new,
               newest.version AS newest_version
        FROM pg_catalog.unnest(requests) r
        LEFT JOIN LATERAL (
            SELECT v.sha256, v.recorded_at, v.version, v.xid
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
               CASE WHEN l.new AND l.same AND codes[l.ord] IS NULL THEN 'accepted'
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

-- The arrays as rows, with the credential of each.
CREATE FUNCTION api.read_requests(tokens bytea[], ids uuid[], studies int[], sites int[], subjects int[],
    knees text[], forms text[], form_versions int[], visits text[], instances int[], versions int[], statuses text[],
    dates date[], protocol_versions int[], contents text[], scores float8[], score_froms int[], score_tos int[],
    reasons text[], doors text[], index_knees text[], continues text[], at timestamptz)
RETURNS api.request[]
LANGUAGE sql STABLE SET search_path = ''
AS $$
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
                   c.token_no, c.account, c.site_ids, r.id, r.study, r.site, r.subject, r.knee, r.form,
                   r.form_version, r.visit, r.instance, r.version, r.status, r.dated, r.protocol_version, r.content,
                   pg_catalog.sha256(pg_catalog.convert_to(r.content, 'UTF8')),
                   COALESCE(scores[r.score_from:r.score_to], '{}'), r.reason, r.door, r.index_knee, r.continue_of,
                   r.enrols, at + (r.ord - 1) * interval '1 microsecond')::api.request
               ORDER BY r.ord)
    FROM (
        SELECT u.*, u.index_knee IS NOT NULL AND u.version = 1 AS enrols
        FROM ROWS FROM (
                pg_catalog.unnest(tokens), pg_catalog.unnest(ids), pg_catalog.unnest(studies),
                pg_catalog.unnest(sites), pg_catalog.unnest(subjects), pg_catalog.unnest(knees),
                pg_catalog.unnest(forms), pg_catalog.unnest(form_versions), pg_catalog.unnest(visits),
                pg_catalog.unnest(instances), pg_catalog.unnest(versions), pg_catalog.unnest(statuses),
                pg_catalog.unnest(dates), pg_catalog.unnest(protocol_versions), pg_catalog.unnest(contents),
                pg_catalog.unnest(score_froms), pg_catalog.unnest(score_tos), pg_catalog.unnest(reasons),
                pg_catalog.unnest(doors), pg_catalog.unnest(index_knees), pg_catalog.unnest(continues))
            WITH ORDINALITY
            u (token, id, study, site, subject, knee, form, form_version, visit, instance, version, status, dated,
               protocol_version, content, score_from, score_to, reason, door, index_knee, continue_of, ord)) r
    LEFT JOIN LATERAL (
        SELECT x.*
        FROM sec.credential x
        WHERE x.token_sha256 = pg_catalog.sha256(r.token)
          AND x.revoked_at IS NULL
          AND x.expires_at > pg_catalog.clock_timestamp()
        LIMIT 1) c ON true
    LEFT JOIN LATERAL (
        SELECT x.site_id
        FROM core.site x
        WHERE r.enrols
          AND (x.study_id, x.site_id) = (r.study, r.site)
        LIMIT 1) place ON true
$$;

-- Every row is looked up by LATERAL (... LIMIT 1): one index probe, whatever the planner believes about the tables
-- when it plans this for the first time, which is on an empty database.
CREATE FUNCTION api.submit_batch(tokens bytea[], ids uuid[], studies int[], sites int[], subjects int[],
    knees text[], forms text[], form_versions int[], visits text[], instances int[], versions int[], statuses text[],
    dates date[], protocol_versions int[], contents text[], scores float8[], score_froms int[], score_tos int[],
    reasons text[], doors text[], index_knees text[], continues text[])
RETURNS SETOF api.verdict
LANGUAGE plpgsql SECURITY DEFINER ROWS 64
SET search_path = '' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off
AS $$
DECLARE
    this_xid xid8 := pg_catalog.pg_current_xact_id();
    this_era smallint := audit.current_era();
    requests api.request[];
    codes text[];               -- why a row is refused, in the order of the call; NULL: nothing found
    voids int[];                -- rows that void an enrolment
    stored int;                 -- rows that were really inserted
    one api.request;
BEGIN
    -- Who voids an enrolment must see every record of the subject: no other writer may be under way.
    PERFORM pg_catalog.pg_advisory_xact_lock(71, v.study)
    FROM (SELECT DISTINCT u.study
          FROM ROWS FROM (pg_catalog.unnest(studies), pg_catalog.unnest(sites), pg_catalog.unnest(subjects),
                          pg_catalog.unnest(forms), pg_catalog.unnest(statuses)) u (study, site, subject, form, status)
          JOIN core.subject s ON (s.study_id, s.site_id, s.subject_no, s.form) = (u.study, u.site, u.subject, u.form)
          WHERE u.status = 'void'
          ORDER BY u.study) v;
    -- Excludes freezing and locking.  A statement of its own: the next one's snapshot must come after the grant.
    PERFORM pg_catalog.pg_advisory_xact_lock_shared(71, s.study)
    FROM (SELECT DISTINCT u.study FROM pg_catalog.unnest(studies) u (study) ORDER BY u.study) s;

    requests := api.read_requests(tokens, ids, studies, sites, subjects, knees, forms, form_versions, visits,
                                  instances, versions, statuses, dates, protocol_versions, contents, scores,
                                  score_froms, score_tos, reasons, doors, index_knees, continues,
                                  pg_catalog.clock_timestamp());

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
            WHERE (x.study_id, x.site_id, x.subject_no) = (r.study, r.site, r.subject)
            LIMIT 1) subject ON true
        -- The same id at another site that the caller sees, stored or earlier in this call.
        LEFT JOIN LATERAL (
            SELECT x.site_id
            FROM core.submission x
            WHERE (x.study_id, x.id) = (r.study, r.id)
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
            WHERE r.version > 1
              AND (x.study_id, x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance, x.version)
                  = (r.study, r.site, r.subject, r.form, r.knee, r.visit, r.instance, r.version - 1)
            LIMIT 1) previous ON true
    ), added AS (
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
        RETURNING v.version
    )
    SELECT pg_catalog.array_agg(j.code ORDER BY j.ord),
           COALESCE(pg_catalog.array_agg(j.ord) FILTER (WHERE j.voids_enrolment), '{}'),
           (SELECT pg_catalog.count(*) FROM added)
    INTO codes, voids, stored
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
                stored := stored + 1;
            END IF;
        ELSIF api.has_records(one) THEN
            codes[one.ord] := 'subject_has_records';
        ELSIF api.add_version(one) THEN
            stored := stored + 1;
        END IF;
    END LOOP;

    IF stored = pg_catalog.cardinality(requests) THEN
        RETURN QUERY
        SELECT r.ord, 'accepted', NULL::text, r.sha256, r.at, r.version FROM pg_catalog.unnest(requests) r;
    ELSE
        RETURN QUERY
        SELECT * FROM api.explain_batch(requests, codes);
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION api.submit_batch(bytea[], uuid[], int[], int[], int[], text[], text[], int[], text[], int[],
    int[], text[], date[], int[], text[], float8[], int[], int[], text[], text[], text[], text[])
    TO patella_collector;

RESET ROLE;
REVOKE CREATE ON SCHEMA api FROM patella_writer;
