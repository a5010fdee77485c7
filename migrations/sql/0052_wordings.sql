-- SPDX-License-Identifier: GPL-3.0-or-later
-- Wordings: the texts of a form in one language, as a site's file has them, laid over the form where it is shown.
--
-- They change nothing that is stored of a subject: codes, ranges and scores are the form's.  Like a form, a wording is
-- added and never changed; a corrected one is a new revision, and the newest counts.

SET LOCAL ROLE patella_owner;

CREATE TABLE core.wording (
    study_id int NOT NULL,
    form text COLLATE "C" NOT NULL,
    version int NOT NULL,                           -- of the form
    language text COLLATE "C" NOT NULL CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'
                                              AND pg_catalog.length(language) <= 20),
    revision int NOT NULL CHECK (revision >= 1),
    yaml text COMPRESSION lz4 NOT NULL CHECK (pg_catalog.octet_length(yaml) BETWEEN 1 AND 1048576),
    sha256 bytea NOT NULL CHECK (pg_catalog.octet_length(sha256) = 32),
    added_by text NOT NULL DEFAULT audit.actor(),
    added_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    era smallint NOT NULL DEFAULT audit.current_era(),
    PRIMARY KEY (study_id, form, version, language, revision),
    FOREIGN KEY (study_id, form, version) REFERENCES core.form
);

CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON core.wording
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON core.wording
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_insert AFTER INSERT ON core.wording REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert('yaml');
CREATE TRIGGER move_catalogue AFTER INSERT OR UPDATE ON core.wording
    FOR EACH STATEMENT EXECUTE FUNCTION core.move_catalogue();
ALTER TABLE core.wording ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY catalogue ON core.wording FOR SELECT TO patella_api USING (true);
CREATE POLICY administration ON core.wording TO patella_admin_owner USING (true);
GRANT SELECT ON core.wording TO patella_api;
GRANT SELECT, INSERT ON core.wording TO patella_admin_owner;

RESET ROLE;
SET LOCAL ROLE patella_admin_owner;

-- True when it was added; false when the newest revision is this very text.
CREATE FUNCTION admin.put_wording(study text, form text, version int, language text, yaml text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    study_no int := admin.find_study(study);
    digest bytea := pg_catalog.sha256(pg_catalog.convert_to(yaml, 'UTF8'));
    newest core.wording;
BEGIN
    PERFORM admin.enter();
    PERFORM pg_catalog.pg_advisory_xact_lock(74, study_no);
    IF NOT EXISTS (SELECT FROM core.form f
                   WHERE (f.study_id, f.form, f.version) = (study_no, put_wording.form, put_wording.version)) THEN
        RAISE EXCEPTION 'the study has no form "%" version %', form, version
            USING ERRCODE = 'P0002', HINT = 'put the form first with patella-admin study forms';
    END IF;
    SELECT w.* INTO newest
    FROM core.wording w
    WHERE (w.study_id, w.form, w.version, w.language)
          = (study_no, put_wording.form, put_wording.version, put_wording.language)
    ORDER BY w.revision DESC
    LIMIT 1;
    IF FOUND AND newest.sha256 = digest THEN
        RETURN false;
    END IF;
    INSERT INTO core.wording (study_id, form, version, language, revision, yaml, sha256)
    VALUES (study_no, form, version, language, COALESCE(newest.revision, 0) + 1, yaml, digest);
    RETURN true;
END
$$;

-- Those that count.
CREATE FUNCTION admin.list_wordings(study text)
RETURNS TABLE (form text, version int, language text, revision int, added_by text, added_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT DISTINCT ON (w.form, w.version, w.language)
           w.form, w.version, w.language, w.revision, w.added_by, w.added_at
    FROM core.wording w
    WHERE w.study_id = admin.find_study(study)
    ORDER BY w.form, w.version, w.language, w.revision DESC
$$;
GRANT EXECUTE ON FUNCTION admin.put_wording(text, text, int, text, text), admin.list_wordings(text)
    TO patella_admin;

RESET ROLE;
SET LOCAL ROLE patella_api;

-- Those that count, as the catalogue of all studies is read.
CREATE FUNCTION api.list_wordings()
RETURNS TABLE (study_id int, form text, version int, language text, yaml text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT DISTINCT ON (w.study_id, w.form, w.version, w.language) w.study_id, w.form, w.version, w.language, w.yaml
    FROM core.wording w
    ORDER BY w.study_id, w.form, w.version, w.language, w.revision DESC
$$;
GRANT EXECUTE ON FUNCTION api.list_wordings() TO patella_collector;

RESET ROLE;
SELECT guard.record();
