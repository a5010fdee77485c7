-- SPDX-License-Identifier: GPL-3.0-or-later
-- Allocation under a key that the database never sees: who reads the table, a backup or the write-ahead log learns no
-- arm.  A masked study for which a key is registered takes cohorts as sealed bytes of one length only; what was
-- entered in the clear before stays, and goes on being read.  README.md, "Allocation under a key", says how.

-- The trail has the hash of what was sealed, so that patella-seal verify tells when it was altered or swapped, and not
-- the sealed bytes themselves, which are nobody's business who reads the trail.
DELETE FROM guard.protection p WHERE (p.kind, p.object) = ('trigger', 'blind.allocation record_insert');

SET LOCAL ROLE patella_blind_owner;

ALTER TABLE blind.allocation
    ALTER cohort DROP NOT NULL,
    ADD cohort_sealed bytea,
    ADD cohort_sealed_sha256 bytea GENERATED ALWAYS AS (pg_catalog.sha256(cohort_sealed)) STORED,
    ADD CONSTRAINT allocation_cohort_one_check CHECK ((cohort IS NULL) <> (cohort_sealed IS NULL)),
    ADD CONSTRAINT allocation_cohort_sealed_check
        CHECK (cohort_sealed IS NULL OR pg_catalog.octet_length(cohort_sealed) = 100);

DROP TRIGGER record_insert ON blind.allocation;
CREATE TRIGGER record_insert AFTER INSERT ON blind.allocation REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert('cohort', 'cohort_sealed');

-- Keys by their ids: the newest one is for new entries, the others for those that they were made with.
CREATE TABLE blind.key (
    study_id int NOT NULL,
    key_no int NOT NULL CHECK (key_no >= 1),
    key_id text COLLATE "C" NOT NULL CHECK (key_id ~ '^[0-9a-f]{16}$'),
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    era smallint NOT NULL DEFAULT audit.current_era(),
    PRIMARY KEY (study_id, key_no),
    UNIQUE (study_id, key_id)
);
ALTER TABLE blind.key ENABLE ROW LEVEL SECURITY;
ALTER TABLE blind.key FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_only ON blind.key TO patella_blind_owner USING (true);
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON blind.key
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON blind.key
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_insert AFTER INSERT ON blind.key REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert();

-- NULL: none.
CREATE FUNCTION blind.newest_key(study int) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN (SELECT k.key_id FROM blind.key k WHERE k.study_id = study ORDER BY k.key_no DESC LIMIT 1);
END
$$;

-- The id of the key that sealed bytes begin with.
CREATE FUNCTION blind.key_of(sealed bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
    RETURN pg_catalog.encode(pg_catalog.substr(sealed, 1, 8), 'hex');
END
$$;

-- ---------------------------------------------------------------------------------------------- for patella-admin

RESET ROLE;

-- True when it was added, false when it is the newest one already.
CREATE FUNCTION admin.add_allocation_key(study text, key_id text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
    actor text := admin.enter();
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(76, study_no);
    IF (SELECT s.masking FROM core.study s WHERE s.study_id = study_no) IS NOT DISTINCT FROM 'none' THEN
        RAISE EXCEPTION 'study "%" is not masked: its allocation is no secret', study
            USING ERRCODE = '22023', HINT = 'leave the key away';
    END IF;
    IF blind.newest_key(study_no) = key_id THEN
        RETURN false;
    END IF;
    IF EXISTS (SELECT FROM blind.key k WHERE (k.study_id, k.key_id) = (study_no, add_allocation_key.key_id)) THEN
        RAISE EXCEPTION 'key % of the study was followed by a newer one', key_id
            USING ERRCODE = '22023', HINT = 'make a new key to change again';
    END IF;
    INSERT INTO blind.key (study_id, key_no, key_id, recorded_by)
    SELECT study_no, COALESCE(pg_catalog.max(k.key_no), 0) + 1, add_allocation_key.key_id, actor
    FROM blind.key k
    WHERE k.study_id = study_no;
    RETURN true;
END
$$;

-- Which keys the arms of a study need, oldest first; NULL stands for entries in the clear.
CREATE FUNCTION admin.list_allocation_keys(study text)
RETURNS TABLE (key_no int, key_id text, recorded_by text, recorded_at timestamptz, entries bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    study_no int := admin.find_study(study);
BEGIN
    RETURN QUERY
    SELECT k.key_no, COALESCE(k.key_id, e.key_id), k.recorded_by, k.recorded_at, COALESCE(e.entries, 0)
    FROM (SELECT x.* FROM blind.key x WHERE x.study_id = study_no) k
    FULL JOIN (SELECT blind.key_of(a.cohort_sealed) AS key_id, pg_catalog.count(*) AS entries
               FROM blind.allocation a
               WHERE a.study_id = study_no
               GROUP BY 1) e ON e.key_id = k.key_id
    ORDER BY k.key_no NULLS FIRST;
END
$$;

-- In front of sealing, for each row of the list in its order: the number of the newest entry (0: none) and the id of
-- its key (NULL: none, or in the clear).  Not the entry itself.
CREATE FUNCTION admin.newest_entries(study text, sites int[], subjects int[], knees text[])
RETURNS TABLE (entry int, key_id text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    study_no int := admin.find_study(study);
BEGIN
    RETURN QUERY
    SELECT COALESCE(newest.entry, 0), blind.key_of(newest.cohort_sealed)
    FROM ROWS FROM (pg_catalog.unnest(sites), pg_catalog.unnest(subjects), pg_catalog.unnest(knees))
        WITH ORDINALITY r (site, subject, knee, ord)
    LEFT JOIN LATERAL (
        SELECT a.entry, a.cohort_sealed
        FROM blind.allocation a
        WHERE (a.study_id, a.site_id, a.subject_no, a.knee) = (study_no, r.site, r.subject, r.knee)
        ORDER BY a.entry DESC
        LIMIT 1) newest ON true
    ORDER BY r.ord;
END
$$;

-- As admin.allocate.  `after`: the number of the newest entry, which the sealed ones come behind; `same`: what the
-- cohort looks like as that entry, under that entry's key (NULL where there is none, or it is in the clear).  So equal
-- cohorts are told without a key: sealing the same for the same place gives the same bytes.
CREATE FUNCTION admin.allocate_sealed(study text, sites int[], subjects int[], knees text[], after int[], same bytea[],
                                      sealed bytea[], reason text)
RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
    actor text := admin.enter(reason);
    key_now text := blind.newest_key(study_no);
    odd record;
    added int;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(76, study_no);

    SELECT r.site, r.subject, s.subject_no IS NULL AS unknown, COALESCE(newest.entry, 0) <> r.after AS moved,
           blind.key_of(r.sealed) IS DISTINCT FROM key_now AS key_differs INTO odd
    FROM ROWS FROM (pg_catalog.unnest(sites), pg_catalog.unnest(subjects), pg_catalog.unnest(knees),
                    pg_catalog.unnest(after), pg_catalog.unnest(same), pg_catalog.unnest(sealed))
        WITH ORDINALITY r (site, subject, knee, after, same, sealed, ord)
    LEFT JOIN core.subject s ON (s.study_id, s.site_id, s.subject_no) = (study_no, r.site, r.subject)
    LEFT JOIN LATERAL (
        SELECT a.entry, a.cohort_sealed
        FROM blind.allocation a
        WHERE (a.study_id, a.site_id, a.subject_no, a.knee) = (study_no, r.site, r.subject, r.knee)
        ORDER BY a.entry DESC
        LIMIT 1) newest ON true
    WHERE s.subject_no IS NULL
       OR COALESCE(newest.entry, 0) IS DISTINCT FROM r.after
       OR blind.key_of(r.sealed) IS DISTINCT FROM key_now
       OR (newest.entry IS NOT NULL AND (newest.cohort_sealed = r.same) IS NOT TRUE AND NOT core.is_reason(reason))
    ORDER BY r.ord
    LIMIT 1;
    IF FOUND THEN
        IF odd.unknown THEN
            RAISE EXCEPTION 'no subject %-% in the study', odd.site, odd.subject
                USING ERRCODE = 'P0002', HINT = 'enrol it first, or correct the list';
        ELSIF odd.moved THEN
            RAISE EXCEPTION 'subject %-% was allocated by somebody else meanwhile', odd.site, odd.subject
                USING ERRCODE = '40001', HINT = 'give the list again';
        ELSIF odd.key_differs THEN
            RAISE EXCEPTION 'the newest key of the study is %', COALESCE(key_now, 'none')
                USING ERRCODE = '22023', HINT = 'give the file that has it';
        END IF;
        RAISE EXCEPTION 'subject %-% is allocated to another cohort already, or in the clear', odd.site, odd.subject
            USING ERRCODE = '22023', HINT = 'give a reason of at least five characters to change it';
    END IF;

    INSERT INTO blind.allocation (study_id, site_id, subject_no, knee, entry, cohort_sealed, reason, entered_by,
                                  entered_at, xid, era)
    SELECT study_no, r.site, r.subject, r.knee, r.after + 1, r.sealed, NULLIF(reason, ''), actor,
           pg_catalog.clock_timestamp(), pg_catalog.pg_current_xact_id(), audit.current_era()
    FROM ROWS FROM (pg_catalog.unnest(sites), pg_catalog.unnest(subjects), pg_catalog.unnest(knees),
                    pg_catalog.unnest(after), pg_catalog.unnest(same), pg_catalog.unnest(sealed))
        r (site, subject, knee, after, same, sealed)
    WHERE NOT EXISTS (
        SELECT
        FROM blind.allocation a
        WHERE (a.study_id, a.site_id, a.subject_no, a.knee, a.entry) = (study_no, r.site, r.subject, r.knee, r.after)
          AND a.cohort_sealed = r.same);
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END
$$;

-- As in 0010, but for studies without a key only.
CREATE OR REPLACE FUNCTION admin.allocate(study text, sites int[], subjects int[], knees text[], cohorts text[],
                                          reason text)
RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
    actor text := admin.enter(reason);
    odd record;
    added int;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(76, study_no);
    IF blind.newest_key(study_no) IS NOT NULL THEN
        RAISE EXCEPTION 'the allocation of study "%" is kept under key %', study, blind.newest_key(study_no)
            USING ERRCODE = '22023', HINT = 'give the file that has it by --allocation-keys';
    END IF;

    -- The list as a whole is right, or nothing of it is entered.
    SELECT r.site, r.subject, s.subject_no IS NULL AS unknown, newest.cohort <> r.cohort AS changes INTO odd
    FROM ROWS FROM (pg_catalog.unnest(sites), pg_catalog.unnest(subjects), pg_catalog.unnest(knees),
                    pg_catalog.unnest(cohorts)) WITH ORDINALITY r (site, subject, knee, cohort, ord)
    LEFT JOIN core.subject s ON (s.study_id, s.site_id, s.subject_no) = (study_no, r.site, r.subject)
    LEFT JOIN LATERAL (
        SELECT a.cohort
        FROM blind.allocation a
        WHERE (a.study_id, a.site_id, a.subject_no, a.knee) = (study_no, r.site, r.subject, r.knee)
        ORDER BY a.entry DESC
        LIMIT 1) newest ON true
    WHERE s.subject_no IS NULL
       OR (newest.cohort <> r.cohort AND NOT core.is_reason(reason))
    ORDER BY r.ord
    LIMIT 1;
    IF odd.unknown THEN
        RAISE EXCEPTION 'no subject %-% in the study', odd.site, odd.subject
            USING ERRCODE = 'P0002', HINT = 'enrol it first, or correct the list';
    ELSIF odd.changes THEN
        RAISE EXCEPTION 'subject %-% is allocated to another cohort already', odd.site, odd.subject
            USING ERRCODE = '22023', HINT = 'give a reason of at least five characters to change it';
    END IF;

    INSERT INTO blind.allocation (study_id, site_id, subject_no, knee, entry, cohort, reason, entered_by, entered_at,
                                  xid, era)
    SELECT study_no, r.site, r.subject, r.knee, COALESCE(newest.entry, 0) + 1, r.cohort, NULLIF(reason, ''), actor,
           pg_catalog.clock_timestamp(), pg_catalog.pg_current_xact_id(), audit.current_era()
    FROM ROWS FROM (pg_catalog.unnest(sites), pg_catalog.unnest(subjects), pg_catalog.unnest(knees),
                    pg_catalog.unnest(cohorts)) r (site, subject, knee, cohort)
    LEFT JOIN LATERAL (
        SELECT a.entry, a.cohort
        FROM blind.allocation a
        WHERE (a.study_id, a.site_id, a.subject_no, a.knee) = (study_no, r.site, r.subject, r.knee)
        ORDER BY a.entry DESC
        LIMIT 1) newest ON true
    WHERE newest.entry IS NULL
       OR newest.cohort IS DISTINCT FROM r.cohort;
    GET DIAGNOSTICS added = ROW_COUNT;
    RETURN added;
END
$$;

ALTER FUNCTION admin.add_allocation_key(text, text) OWNER TO patella_blind_owner;
ALTER FUNCTION admin.list_allocation_keys(text) OWNER TO patella_blind_owner;
ALTER FUNCTION admin.newest_entries(text, int[], int[], text[]) OWNER TO patella_blind_owner;
ALTER FUNCTION admin.allocate_sealed(text, int[], int[], text[], int[], bytea[], bytea[], text)
    OWNER TO patella_blind_owner;
GRANT EXECUTE ON FUNCTION admin.add_allocation_key(text, text), admin.list_allocation_keys(text),
    admin.newest_entries(text, int[], int[], text[]),
    admin.allocate_sealed(text, int[], int[], text[], int[], bytea[], bytea[], text)
    TO patella_admin;

-- ---------------------------------------------------------------------------------------------- for reports

-- As in 0026.  Of a sealed entry the cohort is NULL, and `sealed` is what the program opens.
DROP FUNCTION rep.allocation(int, int, uuid);
CREATE FUNCTION rep.allocation(study int, cut int, request uuid)
RETURNS TABLE (site_id int, subject_no int, knee text, entry int, cohort text, sealed bytea)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    cut_row core.cut;
BEGIN
    IF request IS NULL THEN
        RETURN QUERY
        SELECT a.site_id, a.subject_no, a.knee, NULL::int, a.cohort, NULL::bytea FROM rep.allocation(study, cut) a;
        RETURN;
    END IF;
    IF NOT sec.is_reporter(study) OR NOT EXISTS (
        SELECT
        FROM blind.opening o
        WHERE (o.study_id, o.request_id, o.cut_no, o.db_role) = (study, request, cut, session_user)
          AND o.recorded_at > pg_catalog.clock_timestamp() - interval '1 hour'
          AND o.xid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned())
    THEN
        RAISE EXCEPTION 'the allocation was not opened for this cut' USING ERRCODE = '42501';
    END IF;
    SELECT c.* INTO cut_row FROM core.cut c WHERE c.study_id = study AND c.cut_no = cut;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such cut' USING ERRCODE = 'P0002';
    END IF;

    RETURN QUERY
    SELECT DISTINCT ON (a.site_id, a.subject_no, a.knee) a.site_id, a.subject_no, a.knee, a.entry, a.cohort,
           a.cohort_sealed
    FROM blind.allocation a
    WHERE a.study_id = study
      AND core.is_in_cut(a.xid, a.era, cut_row.snapshot, cut_row.era)
    ORDER BY a.site_id, a.subject_no, a.knee, a.entry DESC;
END
$$;
ALTER FUNCTION rep.allocation(int, int, uuid) OWNER TO patella_blind_owner;
GRANT EXECUTE ON FUNCTION rep.allocation(int, int, uuid) TO patella_reporter;

-- ---------------------------------------------------------------------------------------------- for the collector

DROP FUNCTION api.reveal_allocation(bytea, int, int, int, uuid);
DROP FUNCTION blind.reveal(int, int, int, uuid, text);
SET LOCAL ROLE patella_blind_owner;

-- As in 0026; `keys`: the ids that the program has.  Code allocation_key_missing, with key_id: it could not open what
-- it would be given, so that it is not given it, and nothing is written down as revealed.
CREATE FUNCTION blind.reveal(study int, site int, subject int, request uuid, account text, keys text[])
RETURNS TABLE (code text, knee text, cohort text, entered_at timestamptz, entry int, sealed bytea, key_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    asked blind.emergency;
    missing text;
BEGIN
    SELECT e.* INTO asked
    FROM blind.emergency e
    WHERE (e.study_id, e.site_id, e.request_id, e.subject_no, e.recorded_by) = (study, site, request, subject, account)
      AND e.xid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such request' USING ERRCODE = 'P0002';
    END IF;
    IF asked.recorded_at <= pg_catalog.clock_timestamp() - interval '10 minutes' THEN
        RETURN QUERY SELECT 'request_expired', NULL, NULL, NULL::timestamptz, NULL::int, NULL::bytea, NULL;
        RETURN;
    END IF;
    SELECT blind.key_of(a.cohort_sealed) INTO missing
    FROM (
        SELECT DISTINCT ON (x.knee) x.*
        FROM blind.allocation x
        WHERE (x.study_id, x.site_id, x.subject_no) = (study, site, subject)
        ORDER BY x.knee, x.entry DESC) a
    WHERE a.cohort_sealed IS NOT NULL
      AND (blind.key_of(a.cohort_sealed) = ANY (keys)) IS NOT TRUE
    LIMIT 1;
    IF FOUND THEN
        RETURN QUERY SELECT 'allocation_key_missing', NULL, NULL, NULL::timestamptz, NULL::int, NULL::bytea, missing;
        RETURN;
    END IF;
    PERFORM audit.record('REVEAL', 'blind.allocation', study, site, request, NULL,
                         pg_catalog.jsonb_build_object('subject_no', subject), asked.reason, account);
    RETURN QUERY
    SELECT DISTINCT ON (a.knee) NULL::text, a.knee, a.cohort, a.entered_at, a.entry, a.cohort_sealed,
           blind.key_of(a.cohort_sealed)
    FROM blind.allocation a
    WHERE (a.study_id, a.site_id, a.subject_no) = (study, site, subject)
    ORDER BY a.knee, a.entry DESC;
END
$$;
GRANT EXECUTE ON FUNCTION blind.reveal(int, int, int, uuid, text, text[]) TO patella_api;

RESET ROLE;
SET LOCAL ROLE patella_api;

-- As in 0026, and outcome allocation_key_missing.
CREATE FUNCTION api.reveal_allocation(token bytea, study int, site int, subject int, request uuid, keys text[])
RETURNS TABLE (code text, knee text, cohort text, entered_at timestamptz, entry int, sealed bytea, key_id text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    account text := sec.enter(token, study, 'investigator');
BEGIN
    IF NOT site = ANY (sec.context_sites()) THEN
        RAISE EXCEPTION 'no such request' USING ERRCODE = 'P0002';
    END IF;
    RETURN QUERY
    SELECT r.code, r.knee, r.cohort, r.entered_at, r.entry, r.sealed, r.key_id
    FROM blind.reveal(study, site, subject, request, account, keys) r;
END
$$;
GRANT EXECUTE ON FUNCTION api.reveal_allocation(bytea, int, int, int, uuid, text[]) TO patella_collector;

RESET ROLE;
SELECT guard.record();
