-- SPDX-License-Identifier: GPL-3.0-or-later
-- What a redaction takes away goes where else it stands, too: with drafts of the record, whosever they are, and from
-- what the form of a subject's link holds.

DELETE FROM guard.protection WHERE (kind, object) = ('function', 'core.keep_draft');
SET LOCAL ROLE patella_owner;

-- Whether the body of any version of the record was redacted.
CREATE FUNCTION core.is_redacted(study int, site int, subject int, form text, knee text, visit text, instance int)
RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM core.submission v
        JOIN core.redaction r ON (r.study_id, r.submission_id, r.site_id) = (v.study_id, v.id, v.site_id)
        JOIN core.redaction_decision d ON (d.study_id, d.site_id, d.redaction_id)
                                          = (r.study_id, r.site_id, r.redaction_id)
        WHERE (v.study_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
              = ($1, $2, $3, $4, $5, $6, $7)
          AND d.decision = 'approved');
END
$$;

-- As in 0045; a draft of a record that was redacted may go, whoever asks.
CREATE OR REPLACE FUNCTION core.keep_draft() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.recorded_by = audit.actor() THEN
            RETURN OLD;
        END IF;
        IF core.is_redacted(OLD.study_id, OLD.site_id, OLD.subject_no, OLD.form, OLD.knee, OLD.visit, OLD.instance) THEN
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

CREATE FUNCTION core.redact_unsent() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    of core.submission;
BEGIN
    SELECT v.* INTO of
    FROM core.redaction r
    JOIN core.submission v ON (v.study_id, v.id, v.site_id) = (r.study_id, r.submission_id, r.site_id)
    WHERE (r.study_id, r.site_id, r.redaction_id) = (NEW.study_id, NEW.site_id, NEW.redaction_id);
    DELETE FROM core.draft d
    WHERE (d.study_id, d.site_id, d.subject_no, d.form, d.knee, d.visit, d.instance)
          = (of.study_id, of.site_id, of.subject_no, of.form, of.knee, of.visit, of.instance);
    UPDATE core.participant_link l
    SET answers = NULL
    WHERE (l.study_id, l.site_id, l.subject_no, l.form, l.knee, l.visit, 1)
          = (of.study_id, of.site_id, of.subject_no, of.form, of.knee, of.visit, of.instance)
      AND l.answers IS NOT NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER redact_unsent AFTER INSERT ON core.redaction_decision
    FOR EACH ROW WHEN (NEW.decision = 'approved') EXECUTE FUNCTION core.redact_unsent();

RESET ROLE;

CREATE POLICY owner_redacts ON core.draft TO patella_owner
    USING (core.is_redacted(study_id, site_id, subject_no, form, knee, visit, instance));
CREATE POLICY owner_redacts ON core.participant_link TO patella_owner
    USING (core.is_redacted(study_id, site_id, subject_no, form, knee, visit, 1));

SELECT guard.record();
