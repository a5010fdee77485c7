-- SPDX-License-Identifier: GPL-3.0-or-later
-- Notices: what somebody must be told and must not wait, with its clocks; and how they are handed to people.

SET LOCAL ROLE patella_owner;

-- '07-0012' for subject 12 of site 7; NULL when either is.
CREATE FUNCTION core.subject_number(site int, subject int) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT pg_catalog.lpad(site::text, GREATEST(2, pg_catalog.length(site::text)), '0') || '-'
           || pg_catalog.lpad(subject::text, GREATEST(4, pg_catalog.length(subject::text)), '0')
$$;
GRANT EXECUTE ON FUNCTION core.subject_number(int, int) TO patella_api, patella_admin_owner;

RESET ROLE;
SET LOCAL ROLE patella_sec_owner;

GRANT USAGE ON SCHEMA sec TO patella_audit_owner;
GRANT EXECUTE ON FUNCTION sec.context_study(), sec.context_sites() TO patella_audit_owner;

RESET ROLE;
SET LOCAL ROLE patella_audit_owner;

-- One row for each thing that somebody must be told, added by the transaction that makes it true.  It says where to
-- look, never what was answered: names of tables, forms and visits, numbers, times.  A row of no study is the whole
-- installation's.
CREATE TABLE audit.notice (
    notice_id uuid PRIMARY KEY DEFAULT pg_catalog.gen_random_uuid(),
    kind text NOT NULL CHECK (kind IN ('serious_event', 'serious_event_worse', 'serious_event_changed',
                                       'serious_event_withdrawn', 'emergency_unblinding', 'seal_failed',
                                       'certificate_expires', 'upload_refused')),
    severity text NOT NULL CHECK (severity IN ('information', 'serious', 'fatal_or_life_threatening', 'failure')),
    study_id int,
    site_id int,
    subject_no int,
    form text COLLATE "C",
    knee text COLLATE "C",
    visit text COLLATE "C",
    instance int,
    version int,
    object text NOT NULL CHECK (object ~ '^[A-Za-z0-9][A-Za-z0-9 ._:/=,@-]{0,199}$'),
    sponsor_due timestamptz,        -- the site tells the sponsor
    authority_due timestamptz,      -- the sponsor tells the authority, when the event proves unexpected and related
    noticed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    era smallint NOT NULL DEFAULT audit.current_era(),
    tries int NOT NULL DEFAULT 0,
    next_try_at timestamptz NOT NULL,
    last_outcome text CHECK (pg_catalog.length(last_outcome) <= 60),
    delivered_at timestamptz,
    CONSTRAINT notice_site_check CHECK (site_id IS NULL OR study_id IS NOT NULL),
    CONSTRAINT notice_subject_check CHECK (subject_no IS NULL OR site_id IS NOT NULL)
);
CREATE INDEX notice_waiting ON audit.notice (next_try_at) WHERE delivered_at IS NULL;
CREATE INDEX notice_record ON audit.notice (study_id, site_id, subject_no, form);

CREATE TRIGGER keep_rows BEFORE UPDATE ON audit.notice
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change_except('tries', 'next_try_at', 'last_outcome', 'delivered_at');
CREATE TRIGGER keep_rows_whole BEFORE DELETE ON audit.notice
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON audit.notice
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_insert AFTER INSERT ON audit.notice REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert('xid', 'era');
CREATE TRIGGER record_update AFTER UPDATE ON audit.notice
    FOR EACH ROW EXECUTE FUNCTION audit.record_update('xid', 'era');

ALTER TABLE audit.notice ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.notice FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_adds ON audit.notice TO patella_audit_owner USING (true);
CREATE POLICY administration ON audit.notice TO patella_admin_owner USING (true);
CREATE POLICY context ON audit.notice FOR SELECT TO patella_api USING (
    study_id = (SELECT sec.context_study()) AND site_id = ANY ((SELECT sec.context_sites())::int[]));
GRANT SELECT ON audit.notice TO patella_api, patella_admin_owner;
GRANT UPDATE (tries, next_try_at, last_outcome, delivered_at) ON audit.notice TO patella_admin_owner;

-- For what is no submission: a seal that failed, a certificate that ends, an upload that was refused.  For functions of
-- other owners, which have asked first whether the caller may; NULL study: the whole installation.
CREATE FUNCTION audit.add_notice(kind text, severity text, study int, site int, subject int, object text) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    number uuid;
BEGIN
    INSERT INTO audit.notice (kind, severity, study_id, site_id, subject_no, object, noticed_at, next_try_at)
    VALUES (kind, severity, study, site, subject, object, pg_catalog.clock_timestamp(), pg_catalog.clock_timestamp())
    RETURNING notice_id INTO number;
    RETURN number;
END
$$;

-- AFTER INSERT FOR EACH ROW on core.submission, WHEN it is an adverse event: of all other rows nothing is asked but the
-- name of their form.  The items are those of the adverse event form; its clocks run from receipt: 24 hours for the
-- sponsor, 7 days for what killed or threatened life and 15 for what was otherwise serious (ICH E2A; 21 CFR 312.32).
CREATE FUNCTION audit.note_serious_event() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    answers json := NEW.content -> 'answers';
    is_fatal boolean := COALESCE(answers ->> 'serious_death' = 'true', false)
                        OR COALESCE(answers ->> 'outcome' = 'fatal', false)
                        OR COALESCE(answers ->> 'ctcae_grade' = '5', false);
    -- What is not said not to be serious is serious, as in reports.
    is_serious boolean := NEW.status = 'complete'
                          AND (COALESCE(answers ->> 'serious' = 'true', true) OR is_fatal);
    is_grave boolean := is_serious
                        AND (is_fatal OR COALESCE(answers ->> 'serious_life_threatening' = 'true', false)
                             OR COALESCE(answers ->> 'ctcae_grade' = '4', false));
    newest text;                -- severity that was last told of this record
    told text;
BEGIN
    SELECT n.severity INTO newest
    FROM audit.notice n
    WHERE (n.study_id, n.site_id, n.subject_no, n.form) = (NEW.study_id, NEW.site_id, NEW.subject_no, NEW.form)
      AND (n.knee, n.visit, n.instance) = (NEW.knee, NEW.visit, NEW.instance)
    ORDER BY n.version DESC
    LIMIT 1;
    told := CASE WHEN is_serious AND COALESCE(newest, 'information') = 'information' THEN 'serious_event'
                 WHEN is_grave AND newest = 'serious' THEN 'serious_event_worse'
                 WHEN is_serious THEN 'serious_event_changed'
                 WHEN newest IN ('serious', 'fatal_or_life_threatening') THEN 'serious_event_withdrawn' END;
    IF told IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit.notice (kind, severity, study_id, site_id, subject_no, form, knee, visit, instance, version,
                              object, sponsor_due, authority_due, noticed_at, next_try_at)
    VALUES (told,
            CASE WHEN is_grave THEN 'fatal_or_life_threatening' WHEN is_serious THEN 'serious' ELSE 'information' END,
            NEW.study_id, NEW.site_id, NEW.subject_no, NEW.form, NEW.knee, NEW.visit, NEW.instance, NEW.version,
            'core.submission ' || NEW.id,
            CASE WHEN told IN ('serious_event', 'serious_event_worse') THEN NEW.recorded_at + interval '24 hours' END,
            CASE WHEN told IN ('serious_event', 'serious_event_worse')
                 THEN NEW.recorded_at + CASE WHEN is_grave THEN interval '168 hours' ELSE interval '360 hours' END END,
            NEW.recorded_at, NEW.recorded_at);
    RETURN NULL;
END
$$;
GRANT EXECUTE ON FUNCTION audit.note_serious_event() TO patella_owner;
GRANT EXECUTE ON FUNCTION audit.add_notice(text, text, int, int, int, text)
    TO patella_api, patella_writer, patella_sec_owner, patella_blind_owner, patella_report_owner, patella_admin_owner;

RESET ROLE;
SET LOCAL ROLE patella_owner;

CREATE TRIGGER note_serious_event AFTER INSERT ON core.submission
    FOR EACH ROW WHEN (NEW.form = 'adverse_event') EXECUTE FUNCTION audit.note_serious_event();

RESET ROLE;
SET LOCAL ROLE patella_api;

-- In the order in which they came; behind the notice `after`.
CREATE FUNCTION api.list_notices(token bytea, study int, after uuid, most int)
RETURNS TABLE (notice_id uuid, noticed_at timestamptz, kind text, severity text, site_id int, subject text, form text,
               knee text, visit text, instance int, version int, object text, sponsor_due timestamptz,
               authority_due timestamptz, tries int, delivered_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    last audit.notice;
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor');
    IF after IS NOT NULL THEN
        SELECT n.* INTO last FROM audit.notice n WHERE n.notice_id = after;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'no such notice' USING ERRCODE = 'P0002';
        END IF;
    END IF;

    RETURN QUERY
    SELECT n.notice_id, n.noticed_at, n.kind, n.severity, n.site_id, core.subject_number(n.site_id, n.subject_no),
           n.form, n.knee, n.visit, n.instance, n.version, n.object, n.sponsor_due, n.authority_due,
           n.tries, n.delivered_at
    FROM audit.notice n
    WHERE n.study_id = study
      AND (after IS NULL OR (n.noticed_at, n.notice_id) > (last.noticed_at, last.notice_id))
    ORDER BY n.noticed_at, n.notice_id
    LIMIT LEAST(GREATEST(most, 1), 10000);
END
$$;
GRANT EXECUTE ON FUNCTION api.list_notices(bytea, int, uuid, int) TO patella_collector;

RESET ROLE;
SET LOCAL ROLE patella_admin_owner;

-- NULL: of all studies and of none.
CREATE FUNCTION admin.list_notices(study text)
RETURNS TABLE (notice_id uuid, noticed_at timestamptz, kind text, severity text, study text, subject text,
               object text, sponsor_due timestamptz, authority_due timestamptz, tries int, last_outcome text,
               delivered_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT n.notice_id, n.noticed_at, n.kind, n.severity, s.code, core.subject_number(n.site_id, n.subject_no),
           n.object, n.sponsor_due, n.authority_due, n.tries, n.last_outcome, n.delivered_at
    FROM audit.notice n
    LEFT JOIN core.study s USING (study_id)
    WHERE $1 IS NULL OR n.study_id = admin.find_study($1)
    ORDER BY n.noticed_at, n.notice_id
$$;

-- The oldest notice whose time has come, for a program that tells people; no row when there is none.  It comes again
-- after `lease_s` seconds unless admin.finish_notice says how it went: at least once, also when whoever took it dies.
-- Two that take at the same time get different ones.
CREATE FUNCTION admin.take_notice(lease_s int) RETURNS TABLE (notice_id uuid, message text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    taken audit.notice;
BEGIN
    PERFORM admin.enter();
    SELECT n.* INTO taken
    FROM audit.notice n
    WHERE n.delivered_at IS NULL
      AND n.next_try_at <= pg_catalog.clock_timestamp()
    ORDER BY n.next_try_at, n.notice_id
    LIMIT 1
    FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    UPDATE audit.notice n
    SET tries = n.tries + 1, last_outcome = 'under way',
        next_try_at = pg_catalog.clock_timestamp() + lease_s * interval '1 second'
    WHERE n.notice_id = taken.notice_id;

    RETURN QUERY
    SELECT taken.notice_id,
           pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
               'notice', taken.notice_id, 'kind', taken.kind, 'severity', taken.severity,
               'study', (SELECT s.code FROM core.study s WHERE s.study_id = taken.study_id), 'site', taken.site_id,
               'subject', core.subject_number(taken.site_id, taken.subject_no),
               'form', taken.form, 'knee', taken.knee, 'visit', taken.visit, 'instance', taken.instance,
               'version', taken.version, 'object', taken.object, 'noticed_at', taken.noticed_at,
               'sponsor_due', taken.sponsor_due, 'authority_due', taken.authority_due, 'try', taken.tries + 1))::text;
END
$$;

-- After a failure the next try comes after 1, 2, 4 ... minutes, 6 hours at most.
CREATE FUNCTION admin.finish_notice(notice uuid, delivered boolean, outcome text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM admin.enter();
    UPDATE audit.notice n
    SET delivered_at = CASE WHEN delivered THEN pg_catalog.clock_timestamp() END,
        last_outcome = pg_catalog.left(outcome, 60),
        next_try_at = pg_catalog.clock_timestamp()
                      + LEAST(360, pg_catalog.power(2, LEAST(n.tries, 10) - 1)) * interval '1 minute'
    WHERE n.notice_id = notice
      AND n.delivered_at IS NULL;
END
$$;

-- For whoever watches certificates and seals: false when the same was told in the last 24 hours.
CREATE FUNCTION admin.add_notice(kind text, object text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM admin.enter();
    IF kind NOT IN ('certificate_expires', 'seal_failed') THEN
        RAISE EXCEPTION 'no notice of kind "%" can be added by hand', kind
            USING ERRCODE = '22023', HINT = 'it is certificate_expires or seal_failed';
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(80, pg_catalog.hashtext(kind || object));
    IF EXISTS (SELECT FROM audit.notice n
               WHERE (n.kind, n.object) = (add_notice.kind, add_notice.object)
                 AND n.noticed_at > pg_catalog.clock_timestamp() - interval '24 hours')
    THEN
        RETURN false;
    END IF;
    PERFORM audit.add_notice(kind, 'failure', NULL, NULL, NULL, object);
    RETURN true;
END
$$;
GRANT EXECUTE ON FUNCTION admin.list_notices(text), admin.take_notice(int), admin.finish_notice(uuid, boolean, text),
    admin.add_notice(text, text)
    TO patella_admin;

RESET ROLE;
SELECT guard.record();
