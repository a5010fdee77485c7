-- SPDX-License-Identifier: GPL-3.0-or-later
-- Casebooks: everything about one subject as of a cut, and the archive of a site, which is all of its casebooks.
--
-- Two steps, as in rep.open_cut: the row of rep.casebook commits, and only then the trail, the notices and the names of
-- people are given, to the same role of PostgreSQL.  The records are read under the policies on that role.

SET LOCAL ROLE patella_report_owner;

CREATE TABLE rep.casebook (
    study_id int NOT NULL,
    site_id int NOT NULL,
    request_id uuid NOT NULL,
    subject_no int,                             -- NULL: the archive of the site
    cut_no int NOT NULL,
    unblinding uuid,                            -- the request by which a masked study is shown unmasked
    db_role name NOT NULL,
    requested_at timestamptz NOT NULL,
    snapshot pg_snapshot NOT NULL,              -- of the cut
    cut_era smallint NOT NULL,
    xid xid8 NOT NULL,
    era smallint NOT NULL,
    PRIMARY KEY (study_id, site_id, request_id),
    FOREIGN KEY (study_id, cut_no) REFERENCES core.cut
);
ALTER TABLE rep.casebook ENABLE ROW LEVEL SECURITY;
ALTER TABLE rep.casebook FORCE ROW LEVEL SECURITY;
CREATE POLICY reports ON rep.casebook TO patella_report_owner USING (sec.is_reporter(study_id));
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON rep.casebook
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON rep.casebook
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_insert AFTER INSERT ON rep.casebook REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert('snapshot', 'cut_era', 'xid', 'era');

-- First step.  The EXPORT row beside that of the table is what people look for.
CREATE FUNCTION rep.open_casebook(study int, cut int, site int, subject int, unblinding uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    request uuid := pg_catalog.gen_random_uuid();
    cut_row core.cut;
BEGIN
    PERFORM rep.need_study(study);
    SELECT c.* INTO cut_row FROM core.cut c WHERE c.study_id = study AND c.cut_no = cut;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such cut' USING ERRCODE = 'P0002';
    END IF;
    IF unblinding IS NOT NULL AND NOT blind.is_granted(study, unblinding) THEN
        RAISE EXCEPTION 'no approved request for unblinding, not older than seven days, has this number'
            USING ERRCODE = '42501', HINT = 'ask for it and have it approved through the API, or leave it away';
    END IF;
    PERFORM pg_catalog.set_config('patella.account', 'db:' || session_user, true);
    INSERT INTO rep.casebook (study_id, site_id, request_id, subject_no, cut_no, unblinding, db_role, requested_at,
                              snapshot, cut_era, xid, era)
    VALUES (study, site, request, subject, cut, unblinding, session_user, pg_catalog.clock_timestamp(),
            cut_row.snapshot, cut_row.era, pg_catalog.pg_current_xact_id(), audit.current_era());
    PERFORM audit.record('EXPORT', 'core.cut', study, site, request, NULL,
                         pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
                             'what', CASE WHEN subject IS NULL THEN 'site archive' ELSE 'casebook' END,
                             'cut_no', cut, 'subject_no', subject, 'unblinding', unblinding)), NULL,
                         'db:' || session_user);
    RETURN request;
END
$$;

-- Second step, in other transactions, for the same role, within seven days: an archive with pages for paper is long.
CREATE FUNCTION rep.need_casebook(study int, request uuid) RETURNS rep.casebook
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
DECLARE
    opened rep.casebook;
BEGIN
    PERFORM rep.need_study(study);
    SELECT c.* INTO opened
    FROM rep.casebook c
    WHERE (c.study_id, c.request_id, c.db_role) = (study, request, session_user)
      AND c.requested_at > pg_catalog.clock_timestamp() - interval '7 days'
      AND c.xid IS DISTINCT FROM pg_catalog.pg_current_xact_id_if_assigned();
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the casebook was not opened' USING ERRCODE = '42501';
    END IF;
    RETURN opened;
END
$$;
GRANT EXECUTE ON FUNCTION rep.open_casebook(int, int, int, int, uuid) TO patella_reporter;

-- ---------------------------------------------------------------------------------------------- the trail

RESET ROLE;
SET LOCAL ROLE patella_audit_owner;

-- Events of subjects of a site, by subject and time.  An event that does not name its subject is one of a version, a
-- query, a redaction or a second entry that does.  Subject 0: freezing of the study, which concerns all.
CREATE FUNCTION audit.subject_events(study int, site int, first_subject int, last_subject int, as_of pg_snapshot,
                                     as_of_era smallint, masked boolean)
RETURNS TABLE (subject_no int, at timestamptz, actor text, operation text, object text, row_id uuid, old jsonb,
               new jsonb, reason text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    hidden text[] := '{xid,era,token_no,token_sha256,study_id,site_id}';
BEGIN
    RETURN QUERY
    WITH seen AS MATERIALIZED (
        SELECT e.*, CASE WHEN e.site_id IS NULL THEN 0
                         ELSE (COALESCE(e.new, e.old) ->> 'subject_no')::int END AS said
        FROM audit.event e
        WHERE e.study_id = study
          AND (e.site_id = site OR e.site_id IS NULL AND e.object = 'core.study' AND e.operation = 'UPDATE')
          AND (e.era < as_of_era OR (e.era = as_of_era AND pg_catalog.pg_visible_in_snapshot(e.xid, as_of)))
    ), named AS (
        SELECT CASE s.object WHEN 'core.submission' THEN 'version ' || s.row_id
                             WHEN 'core.query' THEN 'query ' || (s.new ->> 'query_id')
                             ELSE 'emergency ' || (s.new ->> 'request_id') END AS name, s.said
        FROM seen s
        WHERE s.operation = 'INSERT'
          AND s.object IN ('core.submission', 'core.query', 'blind.emergency')
    ), linked AS MATERIALIZED (
        SELECT n.name, n.said FROM named n
        UNION ALL
        SELECT CASE s.object WHEN 'core.redaction' THEN 'redaction ' || (s.new ->> 'redaction_id')
                             ELSE 'entry ' || (s.new ->> 'entry_id') END, n.said
        FROM seen s
        JOIN named n ON n.name = 'version ' || (s.new ->> 'submission_id')
        WHERE s.operation = 'INSERT'
          AND s.object IN ('core.redaction', 'core.second_entry')
    ), placed AS (
        SELECT s.*,
               CASE WHEN s.said IS NOT NULL THEN NULL
                    WHEN s.object IN ('core.query', 'core.query_event')
                        THEN 'query ' || COALESCE(s.new ->> 'query_id', s.row_id::text)
                    WHEN s.object IN ('core.reconciliation', 'core.second_entry') AND s.new ->> 'submission_id' IS NULL
                        THEN 'entry ' || COALESCE(s.new ->> 'entry_id', s.row_id::text)
                    WHEN s.object = 'core.redaction_decision' THEN 'redaction ' || (s.new ->> 'redaction_id')
                    WHEN s.object = 'blind.emergency' THEN 'emergency ' || s.row_id
                    ELSE 'version ' || COALESCE(s.new ->> 'submission_id', s.row_id::text) END AS name,
               -- A refused act on a redaction names the version where it was to be asked for, else the redaction.
               CASE WHEN s.object = 'core.redaction' THEN 'redaction ' || s.row_id END AS other_name
        FROM seen s
    ), told AS (
        SELECT p.*, COALESCE(p.said, l.said, o.said) AS subject
        FROM placed p
        LEFT JOIN linked l ON l.name = p.name
        LEFT JOIN linked o ON o.name = p.other_name
    )
    SELECT t.subject, t.at, t.actor, t.operation, t.object, t.row_id, t.old - hidden,
           t.new - (hidden || CASE WHEN masked AND pg_catalog.starts_with(t.object, 'blind.')
                                   THEN '{reason,cohort}'::text[] ELSE '{}' END),
           CASE WHEN NOT masked OR NOT pg_catalog.starts_with(t.object, 'blind.') THEN t.reason END
    FROM told t
    WHERE t.subject = 0 OR t.subject BETWEEN first_subject AND last_subject
    ORDER BY t.subject, t.at, t.xid, t.seq;
END
$$;

CREATE FUNCTION audit.subject_notices(study int, site int, subject int, as_of pg_snapshot, as_of_era smallint)
RETURNS TABLE (notice_id uuid, kind text, severity text, form text, knee text, visit text, instance int, version int,
               sponsor_due timestamptz, authority_due timestamptz, noticed_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT n.notice_id, n.kind, n.severity, n.form, n.knee, n.visit, n.instance, n.version, n.sponsor_due,
           n.authority_due, n.noticed_at
    FROM audit.notice n
    WHERE (n.study_id, n.site_id, n.subject_no) = (study, site, subject)
      AND (n.era < as_of_era OR (n.era = as_of_era AND pg_catalog.pg_visible_in_snapshot(n.xid, as_of)))
    ORDER BY n.noticed_at, n.notice_id;
END
$$;
GRANT EXECUTE ON FUNCTION audit.subject_events(int, int, int, int, pg_snapshot, smallint, boolean),
    audit.subject_notices(int, int, int, pg_snapshot, smallint)
    TO patella_report_owner;

-- ---------------------------------------------------------------------------------------------- who they are

RESET ROLE;
SET LOCAL ROLE patella_sec_owner;

-- Whoever had a role in the study by then: the name that belongs to the account, and the roles.
CREATE FUNCTION sec.study_people(study int, by_then timestamptz)
RETURNS TABLE (account text, full_name text, roles text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT a.account, a.full_name, pg_catalog.string_agg(DISTINCT r.role, ', ' ORDER BY r.role)
    FROM sec.account a
    JOIN (SELECT c.account, c.role FROM sec.credential c WHERE c.study_id = study AND c.created_at <= by_then
          UNION ALL
          SELECT m.account, m.role FROM sec.membership m WHERE m.study_id = study AND m.added_at <= by_then) r
         USING (account)
    GROUP BY a.account, a.full_name
    ORDER BY a.account;
END
$$;
GRANT EXECUTE ON FUNCTION sec.study_people(int, timestamptz) TO patella_report_owner;

-- ---------------------------------------------------------------------------------------------- for patella-report

RESET ROLE;
SET LOCAL ROLE patella_report_owner;

-- "2026-11-21 23:15:04", UTC.
CREATE FUNCTION rep.instant(at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = ''
AS $$
    SELECT pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
$$;

CREATE FUNCTION rep.casebook_trail(study int, request uuid, first_subject int, last_subject int)
RETURNS TABLE (subject_no int, event json)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    opened rep.casebook := rep.need_casebook(study, request);
    masked boolean := opened.unblinding IS NULL
                      AND (SELECT s.masking <> 'none' FROM core.study s WHERE s.study_id = study);
BEGIN
    RETURN QUERY
    SELECT e.subject_no,
           pg_catalog.json_build_object('at', rep.instant(e.at), 'actor', e.actor, 'operation', e.operation,
                                        'object', e.object, 'row_id', e.row_id, 'old', e.old, 'new', e.new,
                                        'reason', e.reason)
    FROM audit.subject_events(study, opened.site_id, COALESCE(opened.subject_no, first_subject),
                              COALESCE(opened.subject_no, last_subject), opened.snapshot, opened.cut_era, masked) e;
END
$$;

CREATE FUNCTION rep.casebook_notices(study int, request uuid, subject int) RETURNS SETOF json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    opened rep.casebook := rep.need_casebook(study, request);
BEGIN
    RETURN QUERY
    SELECT pg_catalog.json_build_object('notice_id', n.notice_id, 'kind', n.kind, 'severity', n.severity,
                                        'form', n.form, 'knee', n.knee, 'visit', n.visit, 'instance', n.instance,
                                        'version', n.version, 'sponsor_due', rep.instant(n.sponsor_due),
                                        'authority_due', rep.instant(n.authority_due),
                                        'noticed_at', rep.instant(n.noticed_at))
    FROM audit.subject_notices(study, opened.site_id, COALESCE(opened.subject_no, subject), opened.snapshot,
                               opened.cut_era) n;
END
$$;

CREATE FUNCTION rep.casebook_people(study int, request uuid)
RETURNS TABLE (account text, full_name text, roles text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    opened rep.casebook := rep.need_casebook(study, request);
BEGIN
    RETURN QUERY
    SELECT p.account, p.full_name, p.roles
    FROM core.cut c
    CROSS JOIN LATERAL sec.study_people(study, c.made_at) p
    WHERE (c.study_id, c.cut_no) = (study, opened.cut_no);
END
$$;

-- What stands in the record about a subject as of a cut, a row for each thing with its kind.  Not a definer's function:
-- the policies on the role that is connected decide what it reads.  Of redactions those count, too, that came after
-- the cut: they took the body out of versions that it holds.
CREATE FUNCTION rep.casebook_rows(study int, cut int, site int, subject int) RETURNS TABLE (kind text, thing json)
LANGUAGE plpgsql STABLE SET search_path = '' SET plan_cache_mode = force_custom_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    c core.cut;
BEGIN
    SELECT x.* INTO c FROM core.cut x WHERE (x.study_id, x.cut_no) = (study, cut);

    RETURN QUERY
    SELECT 'subject', pg_catalog.json_build_object(
               'index_knee', s.index_knee, 'enrolled_on', s.enrolled_on, 'continues', s.continues,
               'recorded_by', s.recorded_by, 'recorded_at', rep.instant(s.recorded_at))
    FROM core.subject s
    WHERE (s.study_id, s.site_id, s.subject_no) = (study, site, subject)
      AND core.is_in_cut(s.xid, s.era, c.snapshot, c.era);

    RETURN QUERY
    SELECT 'version', pg_catalog.json_build_object(
               'id', v.id, 'form', v.form, 'knee', v.knee, 'visit', v.visit, 'instance', v.instance,
               'version', v.version, 'status', v.status, 'form_version', v.form_version,
               'protocol_version', v.protocol_version, 'dated', v.dated, 'content', v.content,
               'sha256', pg_catalog.encode(v.sha256, 'hex'), 'prev_sha256', pg_catalog.encode(v.prev_sha256, 'hex'),
               'scores', v.scores, 'reason', v.reason, 'door', v.door, 'recorded_by', v.recorded_by,
               'recorded_at', rep.instant(v.recorded_at))
    FROM core.submission v
    WHERE (v.study_id, v.site_id, v.subject_no) = (study, site, subject)
      AND core.is_in_cut(v.xid, v.era, c.snapshot, c.era)
    ORDER BY v.form, v.knee, v.visit, v.instance, v.version;

    RETURN QUERY
    SELECT 'query', pg_catalog.json_build_object(
               'id', q.query_id, 'form', q.form, 'knee', q.knee, 'visit', q.visit, 'instance', q.instance,
               'version', q.version, 'item', q.item,
               'events', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                                     'kind', e.kind, 'text', e.text, 'by', e.recorded_by,
                                     'at', rep.instant(e.recorded_at)) ORDER BY e.event_no)
                          FROM core.query_event e
                          WHERE (e.study_id, e.site_id, e.query_id) = (q.study_id, q.site_id, q.query_id)
                            AND core.is_in_cut(e.xid, e.era, c.snapshot, c.era)))
    FROM core.query q
    WHERE (q.study_id, q.site_id, q.subject_no) = (study, site, subject)
      AND core.is_in_cut(q.xid, q.era, c.snapshot, c.era)
    ORDER BY q.recorded_at, q.query_id;

    RETURN QUERY
    SELECT 'verification', pg_catalog.json_build_object(
               'version_id', x.submission_id, 'kind', x.kind, 'reason', x.reason, 'by', x.recorded_by,
               'at', rep.instant(x.recorded_at))
    FROM core.submission v
    JOIN core.verification x
         ON (x.study_id, x.site_id, x.submission_id) = (v.study_id, v.site_id, v.id)
    WHERE (v.study_id, v.site_id, v.subject_no) = (study, site, subject)
      AND core.is_in_cut(x.xid, x.era, c.snapshot, c.era)
    ORDER BY x.recorded_at, x.submission_id, x.event_no;

    RETURN QUERY
    SELECT 'signature', pg_catalog.json_build_object(
               'id', x.signature_id, 'version_id', x.submission_id, 'meaning', x.meaning,
               'sha256', pg_catalog.encode(x.sha256, 'hex'), 'same', x.sha256 = v.sha256, 'name', x.printed_name,
               'by', x.recorded_by, 'at', rep.instant(x.recorded_at))
    FROM core.submission v
    JOIN core.signature x
         ON (x.study_id, x.site_id, x.submission_id) = (v.study_id, v.site_id, v.id)
    WHERE (v.study_id, v.site_id, v.subject_no) = (study, site, subject)
      AND core.is_in_cut(x.xid, x.era, c.snapshot, c.era)
    ORDER BY x.recorded_at, x.signature_id;

    RETURN QUERY
    SELECT 'lock', pg_catalog.json_build_object(
               'form', x.form, 'knee', x.knee, 'visit', x.visit, 'instance', x.instance, 'locked', x.locked,
               'reason', x.reason, 'by', x.recorded_by, 'at', rep.instant(x.recorded_at))
    FROM core.record_lock x
    WHERE (x.study_id, x.site_id, x.subject_no) = (study, site, subject)
      AND core.is_in_cut(x.xid, x.era, c.snapshot, c.era)
    ORDER BY x.form, x.knee, x.visit, x.instance, x.event_no;

    RETURN QUERY
    SELECT 'redaction', pg_catalog.json_build_object(
               'id', r.redaction_id, 'version_id', r.submission_id, 'reason', r.reason, 'asked_by', r.recorded_by,
               'asked_at', rep.instant(r.recorded_at), 'decision', d.decision, 'decided_by', d.recorded_by,
               'decided_at', rep.instant(d.recorded_at), 'decision_reason', d.reason,
               'after_cut', NOT core.is_in_cut(COALESCE(d.xid, r.xid), COALESCE(d.era, r.era), c.snapshot, c.era))
    FROM core.redaction r
    JOIN core.submission v ON (v.study_id, v.id, v.site_id) = (r.study_id, r.submission_id, r.site_id)
    LEFT JOIN core.redaction_decision d
         ON (d.study_id, d.site_id, d.redaction_id) = (r.study_id, r.site_id, r.redaction_id)
        AND (d.decision = 'approved' OR core.is_in_cut(d.xid, d.era, c.snapshot, c.era))
    WHERE (r.study_id, r.site_id) = (study, site)
      AND v.subject_no = subject
      AND core.is_in_cut(v.xid, v.era, c.snapshot, c.era)
      AND (d.decision = 'approved' OR core.is_in_cut(r.xid, r.era, c.snapshot, c.era))
    ORDER BY r.recorded_at, r.redaction_id;

    RETURN QUERY
    SELECT 'second_entry', pg_catalog.json_build_object(
               'id', x.entry_id, 'version_id', x.submission_id, 'content', x.content, 'by', x.recorded_by,
               'sha256', pg_catalog.encode(x.sha256, 'hex'), 'at', rep.instant(x.recorded_at),
               'settled', (SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
                                      'item', s.item, 'choice', s.choice, 'reason', s.reason, 'by', s.recorded_by,
                                      'at', rep.instant(s.recorded_at), 'version_id', s.submission_id)
                                      ORDER BY s.item)
                           FROM core.reconciliation s
                           WHERE (s.study_id, s.site_id, s.entry_id) = (x.study_id, x.site_id, x.entry_id)
                             AND core.is_in_cut(s.xid, s.era, c.snapshot, c.era)))
    FROM core.submission v
    JOIN core.second_entry x
         ON (x.study_id, x.site_id, x.submission_id) = (v.study_id, v.site_id, v.id)
    WHERE (v.study_id, v.site_id, v.subject_no) = (study, site, subject)
      AND core.is_in_cut(x.xid, x.era, c.snapshot, c.era)
    ORDER BY x.recorded_at, x.entry_id;
END
$$;
GRANT EXECUTE ON FUNCTION rep.instant(timestamptz), rep.casebook_trail(int, uuid, int, int),
    rep.casebook_notices(int, uuid, int), rep.casebook_people(int, uuid), rep.casebook_rows(int, int, int, int)
    TO patella_reporter;

RESET ROLE;
SET LOCAL ROLE patella_owner;

-- Second entries of one record, also where a study enters everything twice.
CREATE INDEX second_entry_version ON core.second_entry (study_id, site_id, submission_id);

RESET ROLE;
SELECT guard.record();
