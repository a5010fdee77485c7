-- SPDX-License-Identifier: GPL-3.0-or-later
-- Uploads of CSV files: the profiles that say how a site's files look, the ledger of what was uploaded, and what stands
-- beside it for a while: the bytes, and what a reading of them found.
--
-- The record is the ledger (upload.file) and the profiles: audited, never deleted, changed only from state to state.
-- Bytes, rows and findings hold what people answered, in whatever form it came; they are deleted when nobody needs them
-- any more, by upload.purge alone, and stand nowhere else, not in the trail either.
--
-- Site 0 means that the rows name their sites.  Such a file is about site_ids, the sites of the token that began it; it
-- is seen by who sees all of these.

-- ---------------------------------------------------------------------------------------------- owner

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = 'patella_upload_owner') THEN
        CREATE ROLE patella_upload_owner;
    END IF;
END
$$;
ALTER ROLE patella_upload_owner
    NOLOGIN NOINHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER DEFAULT PRIVILEGES FOR ROLE patella_upload_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE SCHEMA upload AUTHORIZATION patella_upload_owner;

GRANT USAGE ON SCHEMA audit, core TO patella_upload_owner;
GRANT REFERENCES ON core.study TO patella_upload_owner;
GRANT EXECUTE ON FUNCTION core.is_reason(text) TO patella_upload_owner, patella_api;
GRANT EXECUTE ON FUNCTION audit.record_insert(), audit.record_update(), audit.refuse_change(), audit.current_era(),
    audit.actor()
    TO patella_upload_owner;

SET LOCAL ROLE patella_upload_owner;

-- ---------------------------------------------------------------------------------------------- tables

-- How the files of a site look, or those of all sites of a study (site 0).
CREATE TABLE upload.profile (
    study_id int NOT NULL REFERENCES core.study,
    site_id int NOT NULL CHECK (site_id >= 0),
    name text COLLATE "C" NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$'),
    version int NOT NULL CHECK (version >= 1),
    yaml text COMPRESSION lz4 NOT NULL CHECK (pg_catalog.octet_length(yaml) BETWEEN 1 AND 1048576),
    sha256 bytea NOT NULL CHECK (pg_catalog.octet_length(sha256) = 32),
    recorded_by text NOT NULL DEFAULT audit.actor(),
    recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    era smallint NOT NULL DEFAULT audit.current_era(),
    PRIMARY KEY (study_id, site_id, name, version)
);

-- Counts, and nothing else: they stand in the trail.
CREATE FUNCTION upload.are_counts(counts jsonb) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
AS $$
BEGIN
    RETURN pg_catalog.jsonb_typeof(counts) = 'object'
           AND NOT EXISTS (SELECT FROM pg_catalog.jsonb_each(counts) e
                           WHERE pg_catalog.jsonb_typeof(e.value) NOT IN ('number', 'boolean'));
END
$$;
GRANT EXECUTE ON FUNCTION upload.are_counts(jsonb) TO patella_api;

-- The ledger: one row for each file that somebody began to upload.
CREATE TABLE upload.file (
    study_id int NOT NULL REFERENCES core.study,
    site_id int NOT NULL CHECK (site_id >= 0),
    upload_id uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
    site_ids int[] NOT NULL CHECK (pg_catalog.cardinality(site_ids) >= 1),
    token_no int NOT NULL,
    recorded_by text NOT NULL DEFAULT audit.actor(),
    recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    era smallint NOT NULL DEFAULT audit.current_era(),

    -- What was said about it at the beginning.
    name text NOT NULL CHECK (pg_catalog.length(name) BETWEEN 1 AND 255),
    metadata text CHECK (COALESCE(pg_catalog.octet_length(metadata) <= 4096, true)),
    form text COLLATE "C",                          -- NULL: the rows name it
    profile text COLLATE "C",
    profile_site int,
    profile_version int,
    hours int NOT NULL CHECK (hours BETWEEN 1 AND 168),
    size bigint CHECK (COALESCE(size BETWEEN 0 AND 2147483648, true)),
    mode text CHECK (COALESCE(mode IN ('all-or-nothing', 'good-rows'), true)),
    reason text CHECK (reason IS NULL OR core.is_reason(reason)),

    state text NOT NULL DEFAULT 'receiving'
        CHECK (state IN ('receiving', 'queued', 'checking', 'refused', 'repeated', 'previewed', 'committing',
                         'committed', 'taking_back', 'taken_back', 'expired', 'deleted')),
    state_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    problem text CHECK (COALESCE(problem ~ '^[a-z][a-z0-9_]{0,30}$', true)),

    received bigint NOT NULL DEFAULT 0,
    expires_at timestamptz NOT NULL,
    sha256 bytea CHECK (COALESCE(pg_catalog.octet_length(sha256) = 32, true)),
    same_as uuid,

    -- Of the job that reads it.
    reading_no int NOT NULL DEFAULT 0,
    phase text CHECK (COALESCE(pg_catalog.length(phase) BETWEEN 1 AND 40, true)),
    rows_done bigint NOT NULL DEFAULT 0,
    bytes_done bigint NOT NULL DEFAULT 0,
    phase_began_at timestamptz,
    noted_at timestamptz,

    -- What the last reading found.
    counts jsonb CHECK (COALESCE(upload.are_counts(counts), true)),
    digest bytea CHECK (COALESCE(pg_catalog.octet_length(digest) = 32, true)),       -- of the effect
    reason_needed boolean NOT NULL DEFAULT false,
    previewed_at timestamptz,
    preview_token bytea CHECK (COALESCE(pg_catalog.octet_length(preview_token) = 32, true)),     -- its SHA-256
    preview_ends_at timestamptz,

    -- The commit: its transaction is the one of the versions' rows in the trail.
    batch_no int CHECK (COALESCE(batch_no >= 1, true)),
    committed_by text,
    committed_at timestamptz,
    committed_xid xid8,
    committed_era smallint,
    receipt json COMPRESSION lz4,                   -- json, not jsonb: the very bytes that are given out
    receipt_sha256 bytea,
    taken_back_by text,
    taken_back_at timestamptz,
    taken_back_reason text CHECK (taken_back_reason IS NULL OR core.is_reason(taken_back_reason)),

    keeps_bytes boolean NOT NULL DEFAULT true,      -- there may be rows of upload.chunk
    keeps_rows boolean NOT NULL DEFAULT true,       -- ... of upload.line and upload.reading

    PRIMARY KEY (study_id, site_id, upload_id),
    -- Counted among files of the very same sites: a number of the study would tell a site what others upload.
    CONSTRAINT file_batch_key UNIQUE (study_id, site_id, site_ids, batch_no),
    FOREIGN KEY (study_id, profile_site, profile, profile_version) REFERENCES upload.profile,
    FOREIGN KEY (study_id, site_id, same_as) REFERENCES upload.file,
    CONSTRAINT file_sites_check CHECK (site_id = 0 OR site_ids = ARRAY[site_id]),
    CONSTRAINT file_received_check CHECK (received BETWEEN 0 AND COALESCE(size, 2147483648)),
    CONSTRAINT file_profile_check CHECK (pg_catalog.num_nulls(profile, profile_site, profile_version) IN (0, 3)),
    CONSTRAINT file_repeated_check CHECK ((state = 'repeated') = (same_as IS NOT NULL)),
    CONSTRAINT file_preview_check CHECK (
        state <> 'previewed' OR pg_catalog.num_nulls(counts, digest, preview_token, preview_ends_at, sha256) = 0),
    CONSTRAINT file_committed_check CHECK (
        pg_catalog.num_nulls(batch_no, committed_by, committed_at, committed_xid, committed_era, receipt,
                             receipt_sha256)
        = CASE WHEN state IN ('committed', 'taking_back', 'taken_back') THEN 0 ELSE 7 END),
    CONSTRAINT file_taken_back_check CHECK (
        pg_catalog.num_nulls(taken_back_by, taken_back_reason)
        = CASE WHEN state IN ('taking_back', 'taken_back') THEN 0 ELSE 2 END
        AND (state = 'taken_back') = (taken_back_at IS NOT NULL))
);
CREATE INDEX file_newest ON upload.file (study_id, recorded_at, upload_id);
CREATE INDEX file_same ON upload.file (study_id, site_id, sha256);
CREATE INDEX file_keeping ON upload.file (state_at) WHERE keeps_bytes OR keeps_rows;

-- Its bytes, as they came: not compressed, so that a part is read without the whole.
CREATE TABLE upload.chunk (
    study_id int NOT NULL,
    site_id int NOT NULL,
    upload_id uuid NOT NULL,
    start bigint NOT NULL CHECK (start >= 0),       -- place of the first byte in the file
    bytes bytea NOT NULL CHECK (pg_catalog.octet_length(bytes) BETWEEN 1 AND 262144),
    PRIMARY KEY (study_id, site_id, upload_id, start),
    FOREIGN KEY (study_id, site_id, upload_id) REFERENCES upload.file
);
ALTER TABLE upload.chunk ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- What a reading of it told about the file as a whole.
CREATE TABLE upload.reading (
    study_id int NOT NULL,
    site_id int NOT NULL,
    upload_id uuid NOT NULL,
    reading_no int NOT NULL CHECK (reading_no >= 1),
    findings json COMPRESSION lz4 NOT NULL,
    dialect json COMPRESSION lz4 NOT NULL,
    PRIMARY KEY (study_id, site_id, upload_id, reading_no),
    FOREIGN KEY (study_id, site_id, upload_id) REFERENCES upload.file
);

-- ... and about a line of it.
CREATE TABLE upload.line (
    study_id int NOT NULL,
    site_id int NOT NULL,
    upload_id uuid NOT NULL,
    reading_no int NOT NULL CHECK (reading_no >= 1),
    line int NOT NULL CHECK (line >= 1),
    verdict text NOT NULL CHECK (verdict IN ('new', 'changed', 'unchanged', 'refused')),
    warned boolean NOT NULL,
    record text,                                    -- for people
    detail json COMPRESSION lz4 NOT NULL,
    cells json COMPRESSION lz4,                     -- of a refused row, to be given back
    PRIMARY KEY (study_id, site_id, upload_id, reading_no, line),
    FOREIGN KEY (study_id, site_id, upload_id) REFERENCES upload.file
);

-- ---------------------------------------------------------------------------------------------- what stays

-- A file goes from state to state, on these ways only; what it was and who sent it stays, and so does all that a commit
-- wrote down.
CREATE FUNCTION upload.keep_file() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'DELETE on upload.file is refused: rows are only added' USING ERRCODE = '42501';
    END IF;
    IF (NEW.study_id, NEW.site_id, NEW.upload_id, NEW.site_ids, NEW.token_no, NEW.recorded_by, NEW.recorded_at, NEW.xid,
        NEW.era, NEW.name, NEW.metadata, NEW.form, NEW.profile, NEW.profile_site, NEW.profile_version, NEW.hours)
       IS DISTINCT FROM
       (OLD.study_id, OLD.site_id, OLD.upload_id, OLD.site_ids, OLD.token_no, OLD.recorded_by, OLD.recorded_at, OLD.xid,
        OLD.era, OLD.name, OLD.metadata, OLD.form, OLD.profile, OLD.profile_site, OLD.profile_version, OLD.hours)
       OR (NEW.size IS DISTINCT FROM OLD.size OR NEW.received <> OLD.received) AND OLD.state <> 'receiving'
       OR NEW.sha256 IS DISTINCT FROM OLD.sha256 AND OLD.sha256 IS NOT NULL
    THEN
        RAISE EXCEPTION 'UPDATE on upload.file is refused: what was uploaded stays' USING ERRCODE = '42501';
    END IF;
    IF OLD.committed_at IS NOT NULL
       AND (NEW.mode, NEW.reason, NEW.counts, NEW.digest, NEW.batch_no, NEW.committed_by, NEW.committed_at,
            NEW.committed_xid, NEW.committed_era, NEW.receipt::text, NEW.receipt_sha256)
           IS DISTINCT FROM
           (OLD.mode, OLD.reason, OLD.counts, OLD.digest, OLD.batch_no, OLD.committed_by, OLD.committed_at,
            OLD.committed_xid, OLD.committed_era, OLD.receipt::text, OLD.receipt_sha256)
    THEN
        RAISE EXCEPTION 'UPDATE on upload.file is refused: what was committed stays' USING ERRCODE = '42501';
    END IF;
    IF NEW.state <> OLD.state
       AND NEW.state <> ALL (CASE OLD.state
                             WHEN 'receiving' THEN '{queued,repeated,expired,deleted}'::text[]
                             WHEN 'queued' THEN '{checking,expired,deleted}'
                             WHEN 'checking' THEN '{queued,refused,repeated,previewed,committing,expired}'
                             WHEN 'previewed' THEN '{committing,expired,deleted}'
                             WHEN 'committing' THEN '{queued,refused,committed,expired}'
                             WHEN 'committed' THEN '{taking_back}'
                             WHEN 'taking_back' THEN '{committed,taken_back}'
                             WHEN 'refused' THEN '{deleted}'
                             ELSE '{}' END)
    THEN
        RAISE EXCEPTION 'an upload that is % does not become %', OLD.state, NEW.state USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON upload.file
    FOR EACH ROW EXECUTE FUNCTION upload.keep_file();

-- What stands beside the ledger goes when it may: bytes when the file is decided, lines and findings of a reading when
-- there was another one, or 30 days after the file was decided.
CREATE FUNCTION upload.keep_staging() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    f upload.file;
BEGIN
    IF TG_OP = 'DELETE' THEN
        SELECT x.* INTO f
        FROM upload.file x
        WHERE (x.study_id, x.site_id, x.upload_id) = (OLD.study_id, OLD.site_id, OLD.upload_id);
        IF f.state = 'deleted' THEN
            RETURN OLD;
        END IF;
        IF TG_TABLE_NAME = 'chunk' THEN
            IF f.state IN ('refused', 'repeated', 'committed', 'taking_back', 'taken_back', 'expired') THEN
                RETURN OLD;
            END IF;
        ELSIF OLD.reading_no < f.reading_no
              OR f.state IN ('refused', 'repeated', 'committed', 'taken_back', 'expired')
                 AND f.state_at < pg_catalog.clock_timestamp() - interval '30 days'
        THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION '% on %.% is refused: it is needed still', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = '42501';
END
$$;

DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['profile', 'file', 'chunk', 'reading', 'line'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE upload.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_table BEFORE TRUNCATE ON upload.%I FOR EACH STATEMENT '
            'EXECUTE FUNCTION audit.refuse_change()', tab);
        EXECUTE pg_catalog.format('GRANT SELECT, INSERT ON upload.%I TO patella_api', tab);
    END LOOP;

    FOREACH tab IN ARRAY ARRAY['chunk', 'reading', 'line'] LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON upload.%I FOR EACH ROW '
            'EXECUTE FUNCTION upload.keep_staging()', tab);
        -- The policies of upload.file say which are seen.
        EXECUTE pg_catalog.format(
            'CREATE POLICY context ON upload.%1$I TO patella_api USING (EXISTS ('
            'SELECT FROM upload.file f WHERE (f.study_id, f.site_id, f.upload_id) '
            '= (%1$I.study_id, %1$I.site_id, %1$I.upload_id)))', tab);
        EXECUTE pg_catalog.format('CREATE POLICY owner_purges ON upload.%I TO patella_upload_owner USING (true)', tab);
    END LOOP;
END
$$;

CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON upload.profile
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_insert AFTER INSERT ON upload.profile REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert('yaml');

-- The trail has neither what people named a file nor what is in a receipt (its hash is), nor each piece that came.
-- Nor the transactions of commit and taking back: their numbers count what others do; rows of the trail have them.
CREATE TRIGGER record_insert AFTER INSERT ON upload.file REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert('name', 'metadata', 'received', 'expires_at', 'reading_no',
        'phase', 'rows_done', 'bytes_done', 'phase_began_at', 'noted_at', 'preview_token', 'committed_xid',
        'taken_back_xid', 'receipt', 'keeps_bytes', 'keeps_rows');
CREATE TRIGGER record_update AFTER UPDATE ON upload.file
    FOR EACH ROW WHEN (NEW.state <> OLD.state
                       OR NEW.received = OLD.received AND NEW.noted_at IS NOT DISTINCT FROM OLD.noted_at)
    EXECUTE FUNCTION audit.record_update('name', 'metadata', 'received', 'expires_at', 'reading_no',
        'phase', 'rows_done', 'bytes_done', 'phase_began_at', 'noted_at', 'preview_token', 'committed_xid',
        'taken_back_xid', 'receipt', 'keeps_bytes', 'keeps_rows');

GRANT USAGE ON SCHEMA upload TO patella_api;
GRANT UPDATE ON upload.file TO patella_api;

RESET ROLE;

CREATE POLICY context ON upload.file FOR SELECT TO patella_api
    USING (study_id = (SELECT sec.context_study()) AND site_ids <@ (SELECT sec.context_sites())::int[]);
CREATE POLICY context_adds ON upload.file FOR INSERT TO patella_api
    WITH CHECK (study_id = (SELECT sec.context_study()) AND site_ids <@ (SELECT sec.context_sites())::int[]
                AND recorded_by = (SELECT audit.actor()));
CREATE POLICY context_moves ON upload.file FOR UPDATE TO patella_api
    USING (study_id = (SELECT sec.context_study()) AND site_ids <@ (SELECT sec.context_sites())::int[]);
CREATE POLICY owner_purges ON upload.file TO patella_upload_owner USING (true);

CREATE POLICY context ON upload.profile FOR SELECT TO patella_api
    USING (study_id = (SELECT sec.context_study())
           AND (site_id = 0 OR site_id = ANY ((SELECT sec.context_sites())::int[])));
CREATE POLICY context_adds ON upload.profile FOR INSERT TO patella_api
    WITH CHECK (study_id = (SELECT sec.context_study()) AND recorded_by = (SELECT audit.actor())
                AND CASE site_id WHEN 0
                    THEN NOT EXISTS (SELECT FROM core.site s
                                     WHERE s.study_id = profile.study_id
                                       AND s.site_id <> ALL ((SELECT sec.context_sites())::int[]))
                    ELSE site_id = ANY ((SELECT sec.context_sites())::int[]) END);

SET LOCAL ROLE patella_sec_owner;

-- The number by which the trail names a token.
CREATE FUNCTION sec.token_number(token bytea) RETURNS int
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN (SELECT c.token_no FROM sec.credential c WHERE c.token_sha256 = pg_catalog.sha256(token));
END
$$;
GRANT EXECUTE ON FUNCTION sec.token_number(bytea) TO patella_api;

RESET ROLE;

-- ---------------------------------------------------------------------------------------------- the trail, the guard

-- Who sees every site of a study sees the events of what is about several.
DO $$
DECLARE
    old constant text := 'whole AND %s.site_id IS NULL';
    new constant text := 'whole AND COALESCE(%s.site_id, 0) = 0';
    change text[];
    definition text;
BEGIN
    FOREACH change SLICE 1 IN ARRAY ARRAY[
        ['audit.list_events(jsonb, pg_snapshot, smallint, boolean, boolean, timestamptz, int, int)', 'x'],
        ['audit.count_accounts(jsonb, pg_snapshot, smallint, boolean)', 'e']
    ] LOOP
        definition := pg_catalog.pg_get_functiondef(change[1]::pg_catalog.regprocedure);
        IF pg_catalog.strpos(definition, pg_catalog.format(old, change[2])) = 0 THEN
            RAISE EXCEPTION '% does not hold %', change[1], pg_catalog.format(old, change[2]);
        END IF;
        EXECUTE pg_catalog.replace(definition, pg_catalog.format(old, change[2]), pg_catalog.format(new, change[2]));
    END LOOP;
END
$$;

-- It watches this schema too.
DO $$
DECLARE
    definition text := pg_catalog.pg_get_functiondef('guard.found()'::pg_catalog.regprocedure);
    old constant text := '''blind'', ''rep'')';
BEGIN
    IF pg_catalog.strpos(definition, old) = 0 THEN
        RAISE EXCEPTION 'guard.found does not hold %', old;
    END IF;
    EXECUTE pg_catalog.replace(definition, old, '''blind'', ''rep'', ''upload'')');
END
$$;
SELECT guard.record();
