-- SPDX-License-Identifier: GPL-3.0-or-later
-- Studies, what they ask, their subjects, and what was submitted about them.
--
-- study_id and site_id lead every key.  A key that did not hold them would tell one site what another one has: a
-- refused number, a foreign key that finds a hidden row.  Rows are added and never changed, but for three switches
-- (study.frozen, subject.locked, catalogue_state.version), and each row says in which transaction it came (xid, era),
-- so that it can be asked whether a data cut holds it.  Texts that are keys sort by bytes, the same on every machine.

SET LOCAL ROLE patella_owner;

-- A reason for change counts when five characters of it can be seen.  NULL is no reason: CHECK lets NULL through.
CREATE FUNCTION core.is_reason(reason text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.length(pg_catalog.regexp_replace(COALESCE(reason, ''),
        '[\s\u00A0\u00AD\u1680\u180E\u2000-\u200F\u2028-\u202F\u205F\u2060\u3000\uFEFF]', '', 'g')) >= 5
$$;

-- '07-0012' and nothing else for subject 12 of site 7: two digits and four, and more only where they are needed.
CREATE FUNCTION core.is_subject_number(number text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT number ~ '^(?!00-)([0-9]{2}|[1-9][0-9]{2,3})-(?!0000$)([0-9]{4}|[1-9][0-9]{4,5})$'
$$;

-- True when a row of (xid, era) had committed when the cut's snapshot was taken.  Both are data: the answer is the
-- same for ever, and on a standby.
CREATE FUNCTION core.is_in_cut(xid xid8, era smallint, cut_snapshot pg_snapshot, cut_era smallint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT era < cut_era OR (era = cut_era AND pg_catalog.pg_visible_in_snapshot(xid, cut_snapshot))
$$;

CREATE TABLE core.study (
    study_id int PRIMARY KEY CHECK (study_id >= 1),
    code text COLLATE "C" NOT NULL UNIQUE CHECK (code ~ '^[a-z0-9][a-z0-9_-]{0,39}$'),
    title text NOT NULL CHECK (pg_catalog.length(pg_catalog.btrim(title)) > 0),
    masking text NOT NULL CHECK (masking IN ('none', 'double')),
    frozen boolean NOT NULL DEFAULT false,
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    era smallint NOT NULL DEFAULT audit.current_era(),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

CREATE TABLE core.site (
    study_id int NOT NULL REFERENCES core.study,
    site_id int NOT NULL CHECK (site_id BETWEEN 1 AND 9999),
    name text NOT NULL CHECK (pg_catalog.length(pg_catalog.btrim(name)) > 0),
    time_zone text NOT NULL CHECK (pg_catalog.length(time_zone) > 0),
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    era smallint NOT NULL DEFAULT audit.current_era(),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (study_id, site_id)
);

CREATE TABLE core.protocol (
    study_id int NOT NULL REFERENCES core.study,
    version int NOT NULL CHECK (version >= 1),
    yaml text COMPRESSION lz4 NOT NULL CHECK (pg_catalog.octet_length(yaml) BETWEEN 1 AND 1048576),
    sha256 bytea NOT NULL CHECK (pg_catalog.octet_length(sha256) = 32),
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    era smallint NOT NULL DEFAULT audit.current_era(),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (study_id, version)
);

CREATE TABLE core.form (
    study_id int NOT NULL REFERENCES core.study,
    form text COLLATE "C" NOT NULL CHECK (form ~ '^[a-z][a-z0-9_]{0,62}$'),
    version int NOT NULL CHECK (version >= 1),
    yaml text COMPRESSION lz4 NOT NULL CHECK (pg_catalog.octet_length(yaml) BETWEEN 1 AND 1048576),
    sha256 bytea NOT NULL CHECK (pg_catalog.octet_length(sha256) = 32),
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    era smallint NOT NULL DEFAULT audit.current_era(),
    created_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (study_id, form, version)
);

-- Moves on with every change of the tables above, so that a daemon knows when to read them again.
CREATE TABLE core.catalogue_state (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version bigint NOT NULL
);
INSERT INTO core.catalogue_state (version) VALUES (1);

CREATE TABLE core.subject (
    study_id int NOT NULL,
    site_id int NOT NULL,
    subject_no int NOT NULL CHECK (subject_no BETWEEN 1 AND 999999),
    -- The record that enrolled: its newest version is what counts, and a void one means that nobody is enrolled.
    form text COLLATE "C" NOT NULL,
    knee text COLLATE "C" NOT NULL,
    visit text COLLATE "C" NOT NULL,
    instance int NOT NULL,
    -- As its first version said; for what is true now see rep.list_subjects and api.list_subjects.
    index_knee text NOT NULL CHECK (index_knee IN ('left', 'right')),
    enrolled_on date NOT NULL,
    continues text CHECK (COALESCE(core.is_subject_number(continues), true)),
    locked boolean NOT NULL DEFAULT false,
    token_no int NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    xid xid8 NOT NULL,
    era smallint NOT NULL,
    PRIMARY KEY (study_id, site_id, subject_no),
    FOREIGN KEY (study_id, site_id) REFERENCES core.site
);

CREATE TABLE core.knee (
    study_id int NOT NULL,
    site_id int NOT NULL,
    subject_no int NOT NULL,
    knee text NOT NULL CHECK (knee IN ('left', 'right')),
    PRIMARY KEY (study_id, site_id, subject_no, knee),
    FOREIGN KEY (study_id, site_id, subject_no) REFERENCES core.subject
);

-- One row is one version of one record.  There is no foreign key to the subject: the one function that inserts has
-- looked it up, subjects never go away, and the key would cost a fifth of the whole insert.
CREATE TABLE core.submission (
    study_id int NOT NULL,
    site_id int NOT NULL,
    subject_no int NOT NULL,
    form text COLLATE "C" NOT NULL,
    knee text COLLATE "C" NOT NULL CHECK (knee IN ('none', 'left', 'right')),
    visit text COLLATE "C" NOT NULL CHECK (pg_catalog.length(visit) BETWEEN 1 AND 63),
    instance int NOT NULL CHECK (instance BETWEEN 1 AND 9999),
    version int NOT NULL CHECK (version >= 1),
    id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('complete', 'void')),
    form_version int NOT NULL,
    protocol_version int NOT NULL,
    dated date NOT NULL,
    content json COMPRESSION lz4 NOT NULL,      -- json, not jsonb: the very bytes that were hashed
    sha256 bytea NOT NULL CHECK (pg_catalog.octet_length(sha256) = 32),
    prev_sha256 bytea,                          -- of the version before
    scores float8[] NOT NULL,                   -- in the form's order; NaN: not scored
    reason text,
    door text NOT NULL CHECK (door ~ '^[a-z]{1,20}$'),
    token_no int NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    xid xid8 NOT NULL,
    era smallint NOT NULL,
    PRIMARY KEY (study_id, site_id, subject_no, form, knee, visit, instance, version),
    -- Unique within the site: the same number at two sites must not tell either that the other one has it.  The
    -- site stands last, so that a number can be looked for at all sites that somebody sees by one index probe.
    CONSTRAINT submission_id_key UNIQUE (study_id, id, site_id),
    CONSTRAINT submission_reason_check CHECK (version = 1 OR core.is_reason(reason)),
    CONSTRAINT submission_chain_check CHECK (
        CASE WHEN version = 1 THEN prev_sha256 IS NULL
             ELSE COALESCE(pg_catalog.octet_length(prev_sha256), 0) = 32 END),
    CONSTRAINT submission_void_check CHECK (status <> 'void' OR version > 1),
    CONSTRAINT submission_size_check CHECK (pg_catalog.octet_length(content::text) <= 262144)
);

-- A data cut is a snapshot, taken once; its label is for people.
CREATE TABLE core.cut (
    study_id int NOT NULL REFERENCES core.study,
    cut_no int NOT NULL CHECK (cut_no >= 1),
    label text NOT NULL CHECK (pg_catalog.length(pg_catalog.btrim(label)) BETWEEN 1 AND 200),
    snapshot pg_snapshot NOT NULL,
    era smallint NOT NULL,
    protocol_version int NOT NULL,
    made_by text NOT NULL,
    made_at timestamptz NOT NULL,
    PRIMARY KEY (study_id, cut_no),
    CONSTRAINT cut_label_key UNIQUE (study_id, label),
    FOREIGN KEY (study_id, protocol_version) REFERENCES core.protocol
);

-- ---------------------------------------------------------------------------------------------- what stays

CREATE FUNCTION core.move_catalogue() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE core.catalogue_state SET version = version + 1;
    RETURN NULL;
END
$$;

-- Freezing a study and locking a subject wait for submissions that are under way, and hold off new ones until they
-- have committed.  The writer holds the same lock shared.
CREATE FUNCTION core.exclude_writer() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(71, NEW.study_id);
    RETURN NEW;
END
$$;

DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['study', 'site', 'protocol', 'form', 'subject', 'knee', 'submission', 'cut'] LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_table BEFORE TRUNCATE ON core.%I FOR EACH STATEMENT '
            'EXECUTE FUNCTION audit.refuse_change()', tab);
    END LOOP;

    FOREACH tab IN ARRAY ARRAY['site', 'protocol', 'form', 'knee', 'submission', 'cut'] LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON core.%I FOR EACH ROW '
            'EXECUTE FUNCTION audit.refuse_change()', tab);
    END LOOP;

    FOREACH tab IN ARRAY ARRAY['study', 'subject'] LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER exclude_writer BEFORE UPDATE ON core.%I FOR EACH ROW '
            'EXECUTE FUNCTION core.exclude_writer()', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_rows BEFORE UPDATE ON core.%I FOR EACH ROW '
            'EXECUTE FUNCTION audit.refuse_change_except(%L)', tab,
            CASE tab WHEN 'study' THEN 'frozen' ELSE 'locked' END);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_rows_whole BEFORE DELETE ON core.%I FOR EACH ROW '
            'EXECUTE FUNCTION audit.refuse_change()', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER record_update AFTER UPDATE ON core.%I FOR EACH ROW '
            'EXECUTE FUNCTION audit.record_update()', tab);
    END LOOP;

    FOREACH tab IN ARRAY ARRAY['study', 'site', 'protocol', 'form', 'subject', 'knee', 'cut'] LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER record_insert AFTER INSERT ON core.%I REFERENCING NEW TABLE AS added '
            'FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert(''yaml'')', tab);
    END LOOP;

    FOREACH tab IN ARRAY ARRAY['study', 'site', 'protocol', 'form'] LOOP
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER move_catalogue AFTER INSERT OR UPDATE ON core.%I FOR EACH STATEMENT '
            'EXECUTE FUNCTION core.move_catalogue()', tab);
    END LOOP;
END
$$;

CREATE TRIGGER record_submissions AFTER INSERT ON core.submission REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_submissions();

CREATE TRIGGER keep_table BEFORE TRUNCATE ON core.catalogue_state
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_rows BEFORE DELETE ON core.catalogue_state
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();

-- ---------------------------------------------------------------------------------------------- cuts

-- For api, admin and rep, which have asked first whether the caller may.  The lock is a statement of its own, so that
-- the number is looked for after a rival's cut has committed.
CREATE FUNCTION core.add_cut(study int, label text, made_by text) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    protocol_version int;
    number int;
BEGIN
    IF label ~ '^\s*[0-9]+\s*$' THEN
        RAISE EXCEPTION 'the label "%" would be taken for the number of a cut', label
            USING ERRCODE = '22023', HINT = 'choose one that is not digits only';
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(73, study);

    SELECT p.version INTO protocol_version
    FROM core.protocol p
    WHERE p.study_id = study
    ORDER BY p.version DESC
    LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the study has no protocol yet'
            USING ERRCODE = 'P0002', HINT = 'add one with patella-admin before the first cut';
    END IF;

    IF EXISTS (SELECT FROM core.cut c WHERE c.study_id = study AND c.label = add_cut.label) THEN
        RAISE EXCEPTION 'the study has a cut with this label already'
            USING ERRCODE = '23505', CONSTRAINT = 'cut_label_key', HINT = 'choose another label';
    END IF;

    SELECT COALESCE(pg_catalog.max(c.cut_no), 0) + 1 INTO number FROM core.cut c WHERE c.study_id = study;
    INSERT INTO core.cut (study_id, cut_no, label, snapshot, era, protocol_version, made_by, made_at)
    VALUES (study, number, label, pg_catalog.pg_current_snapshot(), audit.current_era(), protocol_version, made_by,
            pg_catalog.clock_timestamp());
    RETURN number;
END
$$;
GRANT EXECUTE ON FUNCTION core.add_cut(int, text, text) TO patella_api, patella_admin_owner, patella_report_owner;

GRANT EXECUTE ON FUNCTION core.is_subject_number(text) TO patella_writer, patella_admin_owner;
GRANT EXECUTE ON FUNCTION core.is_reason(text)
    TO patella_writer, patella_admin_owner, patella_blind_owner;
GRANT EXECUTE ON FUNCTION core.is_in_cut(xid8, smallint, pg_snapshot, smallint)
    TO patella_api, patella_report_owner, patella_blind_owner, patella_reporter;
GRANT USAGE ON SCHEMA core
    TO patella_api, patella_writer, patella_admin_owner, patella_sec_owner, patella_blind_owner, patella_report_owner,
       patella_reporter;
