-- SPDX-License-Identifier: GPL-3.0-or-later
-- Drafts: what somebody has typed into a form and not submitted.
--
-- A draft is no record.  It changes and goes, nobody but who types sees it, no cut, report, export or casebook
-- holds it, and the trail has only that it was made and dropped.  Its id is the one that the submission will have:
-- once that is stored, the draft has ended, and goes when its owner asks for drafts the next time.

GRANT EXECUTE ON FUNCTION audit.record(text, text, int, int, uuid, bytea, jsonb, text, text, int) TO patella_owner;

SET LOCAL ROLE patella_owner;

-- The account is part of the key, so that an id tells nobody that somebody else has it.
CREATE TABLE core.draft (
    study_id int NOT NULL,
    site_id int NOT NULL,
    recorded_by text COLLATE "C" NOT NULL DEFAULT audit.actor(),
    draft_id uuid NOT NULL,
    subject_no int NOT NULL CHECK (subject_no BETWEEN 1 AND 999999),    -- perhaps not enrolled yet
    form text COLLATE "C" NOT NULL,
    form_version int NOT NULL,
    knee text COLLATE "C" NOT NULL CHECK (knee IN ('none', 'left', 'right')),
    visit text COLLATE "C" NOT NULL CHECK (pg_catalog.length(visit) BETWEEN 1 AND 63),
    instance int NOT NULL CHECK (instance BETWEEN 1 AND 9999),
    version int NOT NULL CHECK (version >= 1),
    content json COMPRESSION lz4 NOT NULL,      -- answers, also half-typed ones, and what stands beside them
    revision int NOT NULL CHECK (revision >= 1),
    made_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    saved_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (study_id, site_id, recorded_by, draft_id),
    FOREIGN KEY (study_id, site_id) REFERENCES core.site,
    FOREIGN KEY (study_id, form, form_version) REFERENCES core.form,
    CONSTRAINT draft_size_check CHECK (pg_catalog.octet_length(content::text) <= 262144)
);

-- What was typed changes, by one revision at a time; whose it is and of which record, never.
CREATE FUNCTION core.keep_draft() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.recorded_by = audit.actor() THEN
            RETURN OLD;
        END IF;
    ELSIF NEW.revision = OLD.revision + 1
          AND pg_catalog.to_jsonb(NEW) - '{content,revision,saved_at}'::text[]
              = pg_catalog.to_jsonb(OLD) - '{content,revision,saved_at}'::text[]
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on core.draft is refused: only what was typed changes, by who typed it', TG_OP
        USING ERRCODE = '42501';
END
$$;
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON core.draft
    FOR EACH ROW EXECUTE FUNCTION core.keep_draft();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON core.draft
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

-- No rows that a draft of the trail could be held against: it is not of the record, so `patella-seal verify` does not
-- look for it.
CREATE FUNCTION core.record_draft() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    d core.draft := CASE TG_OP WHEN 'INSERT' THEN NEW ELSE OLD END;
BEGIN
    PERFORM audit.record(CASE TG_OP WHEN 'INSERT' THEN 'MAKE DRAFT' ELSE 'DROP DRAFT' END, 'core.draft', d.study_id,
                         d.site_id, d.draft_id, NULL,
                         pg_catalog.jsonb_build_object('subject_no', d.subject_no, 'form', d.form, 'knee', d.knee,
                                                       'visit', d.visit, 'instance', d.instance,
                                                       'version', d.version),
                         NULL);
    RETURN NULL;
END
$$;
CREATE TRIGGER record_draft AFTER INSERT OR DELETE ON core.draft
    FOR EACH ROW EXECUTE FUNCTION core.record_draft();

ALTER TABLE core.draft ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE, UPDATE (content, revision, saved_at) ON core.draft TO patella_api;

RESET ROLE;

CREATE POLICY own ON core.draft TO patella_api
    USING (study_id = (SELECT sec.context_study()) AND site_id = ANY ((SELECT sec.context_sites())::int[])
           AND recorded_by = (SELECT audit.actor()));

SET LOCAL ROLE patella_api;

CREATE FUNCTION api.is_stored(study int, site int, id uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM core.submission v WHERE (v.study_id, v.id, v.site_id) = ($1, $3, $2));
END
$$;

-- `revision`: the one that the caller has seen, 0 for none.  The same again, when the answer was lost, is no change.
CREATE FUNCTION api.put_draft(token bytea, study int, draft uuid, site int, subject int, form text, form_version int,
                              knee text, visit text, instance int, version int, content text, revision int)
RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager');
    d core.draft;
BEGIN
    IF (site = ANY (sec.context_sites())) IS NOT TRUE THEN
        RETURN ROW('unknown_subject', NULL, NULL)::api.outcome;
    END IF;
    IF api.is_stored(study, site, draft) THEN
        DELETE FROM core.draft x
        WHERE (x.study_id, x.site_id, x.recorded_by, x.draft_id) = (study, site, account, draft);
        RETURN ROW('draft_stored', NULL, NULL)::api.outcome;
    END IF;

    SELECT x.* INTO d FROM core.draft x WHERE (x.study_id, x.recorded_by, x.draft_id) = (study, account, draft) LIMIT 1;
    IF NOT FOUND THEN
        IF revision <> 0 THEN
            RETURN ROW('draft_changed', NULL, NULL)::api.outcome;       -- dropped meanwhile
        END IF;
        IF (SELECT pg_catalog.count(*) FROM core.draft x WHERE (x.study_id, x.recorded_by) = (study, account)) >= 200
        THEN
            RETURN ROW('too_many_drafts', NULL, NULL)::api.outcome;
        END IF;
        INSERT INTO core.draft AS x (study_id, site_id, draft_id, subject_no, form, form_version, knee, visit, instance,
                                     version, content, revision)
        VALUES (study, site, draft, subject, form, form_version, knee, visit, instance, version, content::json, 1)
        ON CONFLICT DO NOTHING
        RETURNING x.* INTO d;
        IF NOT FOUND THEN
            RETURN ROW('draft_changed', NULL, NULL)::api.outcome;
        END IF;
        RETURN ROW(NULL, d.revision, d.saved_at)::api.outcome;
    END IF;

    IF (d.site_id, d.subject_no, d.form, d.form_version, d.knee, d.visit, d.instance, d.version)
       <> (site, subject, form, form_version, knee, visit, instance, version)
    THEN
        RETURN ROW('uuid_reused', NULL, NULL)::api.outcome;
    END IF;
    IF d.revision = revision + 1 AND d.content::text = content THEN
        RETURN ROW(NULL, d.revision, d.saved_at)::api.outcome;
    END IF;
    UPDATE core.draft x
    SET content = put_draft.content::json, revision = put_draft.revision + 1, saved_at = pg_catalog.clock_timestamp()
    WHERE (x.study_id, x.site_id, x.recorded_by, x.draft_id) = (study, site, account, draft)
      AND x.revision = put_draft.revision
    RETURNING x.* INTO d;
    IF NOT FOUND THEN
        RETURN ROW('draft_changed', NULL, NULL)::api.outcome;
    END IF;
    RETURN ROW(NULL, d.revision, d.saved_at)::api.outcome;
END
$$;

-- The caller's own that are not stored; `content` only of `one`.
CREATE FUNCTION api.list_drafts(token bytea, study int, one uuid, site int, subject int, wanted_state text,
                                after_site int, after_id uuid, most int)
RETURNS TABLE (draft_id uuid, site_id int, subject_no int, form text, form_version int, knee text, visit text,
               instance int, version int, revision int, made_at timestamptz, saved_at timestamptz, content text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager');
BEGIN
    DELETE FROM core.draft d
    WHERE (d.study_id, d.recorded_by) = (study, account)
      AND api.is_stored(d.study_id, d.site_id, d.draft_id);
    RETURN QUERY
    SELECT d.draft_id, d.site_id, d.subject_no, d.form, d.form_version, d.knee, d.visit, d.instance, d.version,
           d.revision, d.made_at, d.saved_at, CASE WHEN one IS NOT NULL THEN d.content::text END
    FROM core.draft d
    WHERE (d.study_id, d.recorded_by) = (study, account)
      AND (one IS NULL OR d.draft_id = one)
      AND (list_drafts.site IS NULL OR d.site_id = list_drafts.site)
      AND (list_drafts.subject IS NULL OR d.subject_no = list_drafts.subject)
      AND (after_id IS NULL OR (d.site_id, d.draft_id) > (after_site, after_id))
    ORDER BY d.site_id, d.draft_id
    LIMIT LEAST(GREATEST(most, 1), 1000);
END
$$;

CREATE FUNCTION api.drop_draft(token bytea, study int, draft uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager');
BEGIN
    DELETE FROM core.draft d WHERE (d.study_id, d.recorded_by, d.draft_id) = (study, account, draft);
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such draft' USING ERRCODE = 'P0002';
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION
    api.put_draft(bytea, int, uuid, int, int, text, int, text, text, int, int, text, int),
    api.list_drafts(bytea, int, uuid, int, int, text, int, uuid, int),
    api.drop_draft(bytea, int, uuid)
    TO patella_collector;

RESET ROLE;
SELECT guard.record();
