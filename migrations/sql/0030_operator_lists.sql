-- SPDX-License-Identifier: GPL-3.0-or-later
-- What an operator looks up before taking a hold away, or when somebody asks: what is frozen or locked, and which
-- redactions were asked for.  Locking a record, asking and approving are the data manager's and the administrator's.

SET LOCAL ROLE patella_owner;
CREATE POLICY administration ON core.record_lock FOR SELECT TO patella_admin_owner USING (true);
CREATE POLICY administration ON core.redaction FOR SELECT TO patella_admin_owner USING (true);
CREATE POLICY administration ON core.redaction_decision FOR SELECT TO patella_admin_owner USING (true);
GRANT SELECT ON core.record_lock, core.redaction, core.redaction_decision TO patella_admin_owner;

RESET ROLE;
SET LOCAL ROLE patella_admin_owner;

CREATE FUNCTION admin.subject_number(site int, subject int) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = ''
AS $$
    SELECT pg_catalog.lpad(site::text, GREATEST(2, pg_catalog.length(site::text)), '0') || '-'
           || pg_catalog.lpad(subject::text, GREATEST(4, pg_catalog.length(subject::text)), '0')
$$;

-- What takes no submissions now.  Who froze or locked a study or a subject, and why, is in the audit trail.
CREATE FUNCTION admin.list_holds(study text)
RETURNS TABLE (hold text, subject text, form text, knee text, visit text, instance int, reason text, recorded_by text,
               recorded_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    study_no int := admin.find_study(study);
BEGIN
    RETURN QUERY
    SELECT 'study', NULL, NULL, NULL, NULL, NULL::int, NULL, NULL, NULL::timestamptz
    FROM core.study s
    WHERE s.study_id = study_no
      AND s.frozen;
    RETURN QUERY
    SELECT 'subject', admin.subject_number(s.site_id, s.subject_no), NULL, NULL, NULL, NULL::int, NULL, NULL,
           NULL::timestamptz
    FROM core.subject s
    WHERE s.study_id = study_no
      AND s.locked
    ORDER BY s.site_id, s.subject_no;
    RETURN QUERY
    SELECT 'record', admin.subject_number(l.site_id, l.subject_no), l.form, l.knee, l.visit, l.instance, l.reason,
           l.recorded_by, l.recorded_at
    FROM (
        SELECT DISTINCT ON (x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance) x.*
        FROM core.record_lock x
        WHERE x.study_id = study_no
        ORDER BY x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance, x.event_no DESC) l
    WHERE l.locked
    ORDER BY l.site_id, l.subject_no, l.form, l.knee, l.visit, l.instance;
END
$$;

-- Oldest first.  state: asked, approved, declined.
CREATE FUNCTION admin.list_redactions(study text)
RETURNS TABLE (redaction_id uuid, site_id int, submission_id uuid, state text, reason text, asked_by text,
               asked_at timestamptz, decided_by text, decided_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    study_no int := admin.find_study(study);
BEGIN
    RETURN QUERY
    SELECT r.redaction_id, r.site_id, r.submission_id, COALESCE(d.decision, 'asked'), r.reason, r.recorded_by,
           r.recorded_at, d.recorded_by, d.recorded_at
    FROM core.redaction r
    LEFT JOIN core.redaction_decision d
         ON (d.study_id, d.site_id, d.redaction_id) = (r.study_id, r.site_id, r.redaction_id)
    WHERE r.study_id = study_no
    ORDER BY r.recorded_at, r.site_id, r.redaction_id;
END
$$;

GRANT EXECUTE ON FUNCTION admin.list_holds(text), admin.list_redactions(text) TO patella_admin;

RESET ROLE;
SELECT guard.record();
