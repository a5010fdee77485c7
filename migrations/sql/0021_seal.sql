-- SPDX-License-Identifier: GPL-3.0-or-later
-- Sealing: finished rows of the audit trail in blocks that are linked and signed (patella-seal).
--
-- A block covers a range of the key (era, xid, seq).  The ranges of an era follow each other without a gap, so that a
-- row that comes into one later is found as well as one that goes.  A row is finished when every transaction below
-- and including its own has ended: below pg_snapshot_xmin.  What is signed is the header, made in C of the columns of
-- audit.block; the key never comes here.

SET LOCAL ROLE patella_audit_owner;

CREATE TABLE audit.block (
    block_no bigint PRIMARY KEY CHECK (block_no >= 1),
    era smallint NOT NULL REFERENCES audit.era,
    from_xid xid8 NOT NULL,                     -- first key that belongs to it
    from_seq bigint NOT NULL,
    upto_xid xid8 NOT NULL,                     -- first key that does not
    upto_seq bigint NOT NULL,
    row_count int NOT NULL CHECK (row_count >= 0),
    root bytea NOT NULL CHECK (pg_catalog.octet_length(root) = 32),             -- Merkle tree hash, RFC 6962
    list_sha256 bytea NOT NULL CHECK (pg_catalog.octet_length(list_sha256) = 32),
    before bytea NOT NULL CHECK (pg_catalog.octet_length(before) = 32),         -- hash of the block before; zeros
    sealed_at timestamptz NOT NULL,
    key_id bytea NOT NULL CHECK (pg_catalog.octet_length(key_id) = 8),
    hash bytea NOT NULL UNIQUE CHECK (pg_catalog.octet_length(hash) = 32),      -- of the header
    signature bytea NOT NULL CHECK (pg_catalog.octet_length(signature) = 64),   -- Ed25519, of the header
    objects text NOT NULL,                      -- names of tables, a line each
    entries bytea NOT NULL,                     -- 58 bytes a row: which one, of what, its leaf hash (collector/seal.h)
    CONSTRAINT block_range_check CHECK (from_xid < upto_xid OR (from_xid = upto_xid AND from_seq <= upto_seq)),
    CONSTRAINT block_entries_check CHECK (pg_catalog.octet_length(entries) = 58 * row_count)
);
-- Hashes do not compress.
ALTER TABLE audit.block ALTER COLUMN entries SET STORAGE EXTERNAL;

CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON audit.block
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON audit.block
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- The last block that was kept when the era was opened.
ALTER TABLE audit.era ADD COLUMN after_block bigint;

GRANT USAGE ON SCHEMA audit TO patella_sealer;
GRANT SELECT ON audit.block TO patella_auditor;

-- The digest of an answer covers its text; "rest" covers what a report reads beside it, and the link to the version
-- before.  Rows of before this migration go without.
CREATE FUNCTION audit.submission_rest(scores float8[], dated date, form_version int, protocol_version int,
                                      prev_sha256 bytea)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.encode(pg_catalog.sha256(
        pg_catalog.array_send(scores) || pg_catalog.date_send(dated) || pg_catalog.int4send(form_version)
        || pg_catalog.int4send(protocol_version) || COALESCE(prev_sha256, '')), 'hex')
$$;

CREATE OR REPLACE FUNCTION audit.record_submissions() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    era_now smallint := audit.current_era();
BEGIN
    INSERT INTO audit.event (xid, era, at, actor, token_no, db_role, operation, object, study_id, site_id, row_id,
                             digest, new, reason)
    SELECT a.xid, era_now, a.recorded_at, a.recorded_by, a.token_no, session_user, 'INSERT', 'core.submission',
           a.study_id, a.site_id, a.id, a.sha256,
           pg_catalog.jsonb_build_object('subject_no', a.subject_no, 'form', a.form, 'knee', a.knee, 'visit', a.visit,
                                         'instance', a.instance, 'version', a.version, 'status', a.status,
                                         'door', a.door,
                                         'rest', audit.submission_rest(a.scores, a.dated, a.form_version,
                                                                       a.protocol_version, a.prev_sha256)),
           a.reason
    FROM added a;
    RETURN NULL;
END
$$;

-- ---------------------------------------------------------------------------------------------- sealing

-- Where sealing stands.  `next_xid` is the number that the next transaction gets: after a logical restore it is below
-- what was sealed.  `horizon`: all transactions below have ended.  Without a block its columns are NULL.
CREATE FUNCTION audit.seal_state()
RETURNS TABLE (era smallint, next_xid xid8, horizon xid8, block_no bigint, block_era smallint, upto_xid xid8,
               upto_seq bigint, hash bytea)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT audit.current_era(), pg_catalog.pg_snapshot_xmax(now.snapshot), pg_catalog.pg_snapshot_xmin(now.snapshot),
           last.block_no, last.era, last.upto_xid, last.upto_seq, last.hash
    FROM (SELECT pg_catalog.pg_current_snapshot() AS snapshot) now
    LEFT JOIN (SELECT b.* FROM audit.block b ORDER BY b.block_no DESC LIMIT 1) last ON true
$$;

-- Rows of an era from one key (included) to another (not included), in order of the key, `most` at most.
CREATE FUNCTION audit.rows_between(era smallint, from_xid xid8, from_seq bigint, upto_xid xid8, upto_seq bigint,
                                   most bigint)
RETURNS TABLE (xid xid8, seq bigint, era_of_row smallint, at timestamptz, actor text, token_no int, db_role name,
               operation text, object text, study_id int, site_id int, row_id uuid, digest bytea, old jsonb, new jsonb,
               reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT e.xid, e.seq, e.era, e.at, e.actor, e.token_no, e.db_role, e.operation, e.object, e.study_id, e.site_id,
           e.row_id, e.digest, e.old, e.new, e.reason
    FROM audit.event e
    WHERE e.era = rows_between.era
      AND (e.xid, e.seq) >= (rows_between.from_xid, rows_between.from_seq)
      AND (e.xid, e.seq) < (rows_between.upto_xid, rows_between.upto_seq)
    ORDER BY e.xid, e.seq
    LIMIT most
$$;

CREATE FUNCTION audit.count_rows() RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT count(*) FROM audit.event
$$;

-- Refuses what does not follow the last block, and what is not finished.  The caller holds advisory lock 90.
CREATE FUNCTION audit.add_block(block_no bigint, era smallint, from_xid xid8, from_seq bigint, upto_xid xid8,
                                upto_seq bigint, row_count int, root bytea, list_sha256 bytea, before bytea,
                                sealed_us bigint, key_id bytea, hash bytea, signature bytea, objects text,
                                entries bytea)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    state record;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(90, 0);
    SELECT s.* INTO state FROM audit.seal_state() s;
    IF block_no <> COALESCE(state.block_no, 0) + 1
        OR before <> COALESCE(state.hash, pg_catalog.decode(pg_catalog.repeat('00', 32), 'hex'))
    THEN
        RAISE EXCEPTION 'the block does not follow the last one' USING ERRCODE = '55000';
    END IF;
    IF state.block_era = era AND (from_xid <> state.upto_xid OR from_seq <> state.upto_seq)
        OR era < state.block_era OR era > state.era
    THEN
        RAISE EXCEPTION 'the block does not begin where the last one ends' USING ERRCODE = '55000';
    END IF;
    IF era = state.era AND upto_xid > state.horizon THEN
        RAISE EXCEPTION 'the block holds transactions that have not ended' USING ERRCODE = '55000';
    END IF;
    INSERT INTO audit.block (block_no, era, from_xid, from_seq, upto_xid, upto_seq, row_count, root, list_sha256,
                             before, sealed_at, key_id, hash, signature, objects, entries)
    VALUES (block_no, era, from_xid, from_seq, upto_xid, upto_seq, row_count, root, list_sha256, before,
            timestamptz 'epoch' + sealed_us * interval '1 microsecond', key_id, hash, signature, objects, entries);
END
$$;

CREATE FUNCTION audit.list_blocks(from_no bigint, most int)
RETURNS TABLE (block_no bigint, era smallint, from_xid xid8, from_seq bigint, upto_xid xid8, upto_seq bigint,
               row_count int, root bytea, list_sha256 bytea, before bytea, sealed_us bigint, key_id bytea, hash bytea,
               signature bytea, objects text, entries bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT b.block_no, b.era, b.from_xid, b.from_seq, b.upto_xid, b.upto_seq, b.row_count, b.root, b.list_sha256,
           b.before, pg_catalog.round(EXTRACT(EPOCH FROM b.sealed_at) * 1000000)::bigint, b.key_id, b.hash,
           b.signature, b.objects, b.entries
    FROM audit.block b
    WHERE b.block_no >= from_no
    ORDER BY b.block_no
    LIMIT most
$$;

CREATE FUNCTION audit.list_eras() RETURNS TABLE (era smallint, after_block bigint, reason text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT e.era, e.after_block, e.reason FROM audit.era e ORDER BY e.era
$$;

-- ---------------------------------------------------------------------------------------------- is it sealed

-- True when every row that a cut of this snapshot and era holds is in a block: nothing of it lies behind the last one.
CREATE FUNCTION audit.is_sealed(snapshot pg_snapshot, cut_era smallint) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT COALESCE((
        SELECT last.era > cut_era OR last.era = cut_era AND NOT EXISTS (
            SELECT FROM audit.event e
            WHERE e.era = cut_era
              AND (e.xid, e.seq) >= (last.upto_xid, last.upto_seq)
              AND e.xid < pg_catalog.pg_snapshot_xmax(snapshot)
              AND pg_catalog.pg_visible_in_snapshot(e.xid, snapshot))
        FROM audit.block last
        ORDER BY last.block_no DESC
        LIMIT 1), false)
$$;
GRANT EXECUTE ON FUNCTION audit.is_sealed(pg_snapshot, smallint) TO patella_report_owner;

SET LOCAL ROLE patella_report_owner;

CREATE FUNCTION rep.cut_is_sealed(study int, cut int) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    sealed boolean;
BEGIN
    PERFORM rep.need_study(study);
    SELECT audit.is_sealed(c.snapshot, c.era) INTO sealed
    FROM core.cut c
    WHERE c.study_id = study
      AND c.cut_no = cut;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such cut' USING ERRCODE = 'P0002';
    END IF;
    RETURN sealed;
END
$$;
GRANT EXECUTE ON FUNCTION rep.cut_is_sealed(int, int) TO patella_reporter;

RESET ROLE;

-- For the daemon's metrics: how many seconds ago the oldest row came that no block holds (0: there is none), and how
-- many ago the last block was made (NULL: there is none).
CREATE FUNCTION api.seal_status() RETURNS TABLE (oldest_unsealed_s bigint, last_block_s bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH last AS (
        SELECT b.era, b.upto_xid, b.upto_seq, b.sealed_at FROM audit.block b ORDER BY b.block_no DESC LIMIT 1
    ), era AS (
        SELECT audit.current_era() AS era
    ), place AS (
        SELECT era.era, CASE WHEN last.era = era.era THEN last.upto_xid ELSE '0'::xid8 END AS xid,
               CASE WHEN last.era = era.era THEN last.upto_seq ELSE 0 END AS seq
        FROM era
        LEFT JOIN last ON true
    ), oldest AS (
        SELECT e.at
        FROM place, audit.event e
        WHERE e.era = place.era
          AND (e.xid, e.seq) >= (place.xid, place.seq)
          AND e.xid < pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
        ORDER BY e.xid, e.seq
        LIMIT 1
    )
    SELECT COALESCE((SELECT GREATEST(0, EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - oldest.at))::bigint
                     FROM oldest), 0),
           (SELECT GREATEST(0, EXTRACT(EPOCH FROM pg_catalog.clock_timestamp() - last.sealed_at))::bigint FROM last)
$$;
ALTER FUNCTION api.seal_status() OWNER TO patella_audit_owner;
GRANT EXECUTE ON FUNCTION api.seal_status() TO patella_collector;

-- ---------------------------------------------------------------------------------------------- what verify compares

-- The tables whose audit rows carry the whole row, and which columns these leave out.  Owned by the superuser, like
-- the two after it, because row-level security hides the tables from every owner; they show nothing that the audit
-- trail does not show.
CREATE FUNCTION audit.list_objects() RETURNS TABLE (object text, left_out text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT n.nspname || '.' || c.relname,
           ARRAY(SELECT DISTINCT a.name COLLATE "C"
                 FROM pg_catalog.pg_trigger t
                 JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid
                 JOIN pg_catalog.pg_namespace p ON p.oid = f.pronamespace,
                      pg_catalog.unnest(pg_catalog.string_to_array(pg_catalog.encode(t.tgargs, 'escape'), '\000'))
                          AS a (name)
                 WHERE t.tgrelid = c.oid
                   AND p.nspname = 'audit'
                   AND f.proname IN ('record_insert', 'record_update')
                   AND a.name <> ''
                 ORDER BY 1)
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE EXISTS (SELECT
                  FROM pg_catalog.pg_trigger t
                  JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid
                  JOIN pg_catalog.pg_namespace p ON p.oid = f.pronamespace
                  WHERE t.tgrelid = c.oid
                    AND p.nspname = 'audit'
                    AND f.proname = 'record_insert')
    ORDER BY 1
$$;

-- The rows of such a table as its trigger would write them today.  A column sha256 is computed anew from the one
-- column that is left out, where there is just one.
CREATE FUNCTION audit.table_rows(object text) RETURNS TABLE (new jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    columns text[];
    digested text := '';
    content record;
BEGIN
    SELECT o.left_out INTO columns FROM audit.list_objects() o WHERE o.object = table_rows.object;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such table' USING ERRCODE = 'P0002';
    END IF;
    SELECT a.attname, a.atttypid = 'bytea'::pg_catalog.regtype AS is_bytes INTO content
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = object::pg_catalog.regclass
      AND ARRAY[a.attname::text] = columns
      AND EXISTS (SELECT
                  FROM pg_catalog.pg_attribute s
                  WHERE s.attrelid = a.attrelid
                    AND s.attname = 'sha256'
                    AND NOT s.attisdropped);
    IF FOUND THEN
        digested := pg_catalog.format(
            CASE WHEN content.is_bytes THEN ' || pg_catalog.jsonb_build_object(''sha256'', pg_catalog.sha256(t.%I))'
                 ELSE ' || pg_catalog.jsonb_build_object(''sha256'', pg_catalog.sha256('
                      'pg_catalog.convert_to(t.%I::text, ''UTF8'')))' END, content.attname);
    END IF;
    RETURN QUERY EXECUTE pg_catalog.format(
        'SELECT (pg_catalog.to_jsonb(t) - $1)%s FROM %I.%I t', digested,
        pg_catalog.split_part(object, '.', 1), pg_catalog.split_part(object, '.', 2)) USING columns;
END
$$;

-- The first site that has submissions behind this one, so that the table can be read a site at a time.
CREATE FUNCTION audit.next_site(study int, site int) RETURNS TABLE (study_id int, site_id int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT s.study_id, s.site_id
    FROM core.submission s
    WHERE (s.study_id, s.site_id) > (study, site)
    ORDER BY s.study_id, s.site_id
    LIMIT 1
$$;

-- Submissions of a site, version after version: first what their audit row holds, then the links.  The content stays
-- here; its SHA-256 is computed anew.
CREATE FUNCTION audit.submission_rows(study int, site int)
RETURNS TABLE (xid xid8, era smallint, at timestamptz, actor text, token_no int, study_id int, site_id int,
               row_id uuid, digest bytea, new jsonb, reason text, rest text, subject_no int, version int,
               sha256 bytea, prev_sha256 bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT s.xid, s.era, s.recorded_at, s.recorded_by, s.token_no, s.study_id, s.site_id, s.id,
           pg_catalog.sha256(pg_catalog.convert_to(s.content::text, 'UTF8')),
           pg_catalog.jsonb_build_object('subject_no', s.subject_no, 'form', s.form, 'knee', s.knee, 'visit', s.visit,
                                         'instance', s.instance, 'version', s.version, 'status', s.status,
                                         'door', s.door),
           s.reason,
           audit.submission_rest(s.scores, s.dated, s.form_version, s.protocol_version, s.prev_sha256),
           s.subject_no, s.version, s.sha256, s.prev_sha256
    FROM core.submission s
    WHERE s.study_id = study
      AND s.site_id = site
    ORDER BY s.study_id, s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance, s.version
$$;

GRANT EXECUTE ON FUNCTION audit.seal_state(), audit.rows_between(smallint, xid8, bigint, xid8, bigint, bigint),
    audit.count_rows(), audit.list_blocks(bigint, int), audit.list_eras(), audit.list_objects(),
    audit.table_rows(text), audit.next_site(int, int), audit.submission_rows(int, int)
    TO patella_sealer, patella_auditor;
GRANT EXECUTE ON FUNCTION audit.add_block(bigint, smallint, xid8, bigint, xid8, bigint, int, bytea, bytea, bytea,
    bigint, bytea, bytea, bytea, text, bytea)
    TO patella_sealer;

-- ---------------------------------------------------------------------------------------------- eras

-- Which versions a cut held, written down when a new era is opened.
SET LOCAL ROLE patella_owner;

CREATE TABLE core.cut_versions (
    study_id int NOT NULL,
    site_id int NOT NULL,
    cut_no int NOT NULL,
    ids uuid[] NOT NULL,                        -- of its submissions, in order
    sha256 bytea NOT NULL CHECK (pg_catalog.octet_length(sha256) = 32),     -- of the ids' bytes, one after the other
    PRIMARY KEY (study_id, site_id, cut_no),
    FOREIGN KEY (study_id, cut_no) REFERENCES core.cut
);
ALTER TABLE core.cut_versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE core.cut_versions FORCE ROW LEVEL SECURITY;
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON core.cut_versions
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON core.cut_versions
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_insert AFTER INSERT ON core.cut_versions REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert('ids');

RESET ROLE;

-- For the superuser, through patella-seal new-era: after a logical restore, or a restore to an earlier time, numbers
-- of transactions come a second time.  A row of the old era whose number is the new cluster's would count as old, so
-- that nobody may have written before.
CREATE FUNCTION audit.open_era(reason text) RETURNS TABLE (era smallint, after_block bigint)
LANGUAGE plpgsql SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    opened smallint := audit.current_era() + 1;
    last audit.block;
BEGIN
    IF NOT core.is_reason(open_era.reason) THEN
        RAISE EXCEPTION 'a reason is missing'
            USING ERRCODE = '22023', HINT = 'give one of at least five characters that are not blank';
    END IF;
    IF EXISTS (SELECT
               FROM pg_catalog.pg_stat_activity a
               WHERE a.datname = pg_catalog.current_database()
                 AND a.usename = 'patella_collector')
    THEN
        RAISE EXCEPTION 'a collector is connected to the database'
            USING ERRCODE = '55006', HINT = 'stop patellad, open the era, start patellad';
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(90, 0);
    SELECT b.* INTO last FROM audit.block b ORDER BY b.block_no DESC LIMIT 1;
    IF EXISTS (SELECT
               FROM audit.event e
               WHERE e.era = last.era
                 AND (e.xid, e.seq) < (last.upto_xid, last.upto_seq)
                 AND e.at > last.sealed_at)
    THEN
        RAISE EXCEPTION 'rows were written since the restore, among those that are sealed'
            USING ERRCODE = '55000',
                  HINT = 'restore again, and open the era before patellad or patella-admin is used';
    END IF;

    INSERT INTO audit.era (era, reason, after_block) VALUES (opened, open_era.reason, COALESCE(last.block_no, 0));
    PERFORM audit.record('ERA', 'audit.era', NULL, NULL, NULL, last.hash,
                         pg_catalog.jsonb_build_object('era', opened, 'after_block', COALESCE(last.block_no, 0)),
                         open_era.reason);
    INSERT INTO core.cut_versions (study_id, site_id, cut_no, ids, sha256)
    SELECT s.study_id, s.site_id, c.cut_no, pg_catalog.array_agg(s.id ORDER BY s.id),
           pg_catalog.sha256(pg_catalog.string_agg(pg_catalog.uuid_send(s.id), '' ORDER BY s.id))
    FROM core.cut c
    JOIN core.submission s USING (study_id)
    WHERE core.is_in_cut(s.xid, s.era, c.snapshot, c.era)
    GROUP BY s.study_id, s.site_id, c.cut_no
    ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT opened, COALESCE(last.block_no, 0);
END
$$;

DELETE FROM guard.protection WHERE kind = 'function' AND object = 'audit.record_submissions';
SELECT guard.record();
