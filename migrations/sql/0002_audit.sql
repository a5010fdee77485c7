-- SPDX-License-Identifier: GPL-3.0-or-later
-- The audit trail: who did what to which row, when, and why.  It is only ever added to.
--
-- Triggers write it, so that no way into a table goes around it; a statement's rows are written by one statement.

SET LOCAL ROLE patella_audit_owner;

-- Transaction numbers start low again after a logical restore: rows say in which era theirs was given.
CREATE TABLE audit.era (
    era smallint PRIMARY KEY CHECK (era >= 1),
    opened_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    reason text NOT NULL
);
INSERT INTO audit.era (era, reason) VALUES (1, 'first installation');

CREATE TABLE audit.event (
    xid xid8 NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,      -- never leaves the server: it would count other sites' work
    era smallint NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,                          -- account, or db:ROLE for what was done without one
    token_no int,
    db_role name NOT NULL,
    operation text NOT NULL,                      -- INSERT, UPDATE, REPLAY, REFUSE <code>, EXPORT
    object text NOT NULL,
    study_id int,
    site_id int,
    row_id uuid,
    digest bytea,                                 -- SHA-256 of the content that is too large to stand here
    old jsonb,
    new jsonb,
    reason text,
    PRIMARY KEY (xid, seq)
);

CREATE FUNCTION audit.current_era() RETURNS smallint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT e.era FROM audit.era e ORDER BY e.era DESC LIMIT 1
$$;

-- patella.account is set by every function that a program may call, before it does anything else; what a program
-- sets itself is overwritten there.
CREATE FUNCTION audit.actor() RETURNS text
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT COALESCE(NULLIF(pg_catalog.current_setting('patella.account', true), ''), 'db:' || session_user)
$$;

-- For what leaves no row behind: exports, replays, refusals.
CREATE FUNCTION audit.record(operation text, object text, study_id int, site_id int, row_id uuid, digest bytea,
                             detail jsonb, reason text, actor text DEFAULT NULL, token_no int DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    INSERT INTO audit.event (xid, era, at, actor, token_no, db_role, operation, object, study_id, site_id, row_id,
                             digest, new, reason)
    VALUES (pg_catalog.pg_current_xact_id(), audit.current_era(), pg_catalog.clock_timestamp(),
            COALESCE(actor, audit.actor()), token_no, session_user, operation, object, study_id, site_id, row_id,
            digest, detail, reason);
END
$$;

-- AFTER INSERT FOR EACH STATEMENT, new rows as `added`; arguments: columns that stay out (TG_ARGV is NULL for none).
CREATE FUNCTION audit.record_insert() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    INSERT INTO audit.event (xid, era, at, actor, token_no, db_role, operation, object, study_id, site_id, new, reason)
    SELECT pg_catalog.pg_current_xact_id(), audit.current_era(), pg_catalog.clock_timestamp(),
           COALESCE(r.j ->> 'recorded_by', audit.actor()), (r.j ->> 'token_no')::int, session_user, 'INSERT',
           TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, (r.j ->> 'study_id')::int, (r.j ->> 'site_id')::int,
           r.j - COALESCE(TG_ARGV, '{}'), r.j ->> 'reason'
    FROM (SELECT pg_catalog.to_jsonb(a) AS j FROM added a) r;
    RETURN NULL;
END
$$;

-- AFTER UPDATE FOR EACH ROW; arguments: columns that stay out.  An update of these alone leaves no trace.
CREATE FUNCTION audit.record_update() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    before jsonb := pg_catalog.to_jsonb(OLD) - COALESCE(TG_ARGV, '{}');
    after jsonb := pg_catalog.to_jsonb(NEW) - COALESCE(TG_ARGV, '{}');
BEGIN
    IF before = after THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit.event (xid, era, at, actor, db_role, operation, object, study_id, site_id, old, new, reason)
    VALUES (pg_catalog.pg_current_xact_id(), audit.current_era(), pg_catalog.clock_timestamp(), audit.actor(),
            session_user, 'UPDATE', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, (after ->> 'study_id')::int,
            (after ->> 'site_id')::int, before, after,
            NULLIF(pg_catalog.current_setting('patella.reason', true), ''));
    RETURN NULL;
END
$$;

-- AFTER INSERT FOR EACH STATEMENT on core.submission: columns are named, because this one runs all day.
CREATE FUNCTION audit.record_submissions() RETURNS trigger
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
                                         'door', a.door),
           a.reason
    FROM added a;
    RETURN NULL;
END
$$;

-- What is only added to.
CREATE FUNCTION audit.refuse_change() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: rows are only added', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = '42501';
END
$$;

-- BEFORE UPDATE FOR EACH ROW; arguments: the columns that may change.
CREATE FUNCTION audit.refuse_change_except() RETURNS trigger
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    IF pg_catalog.to_jsonb(NEW) - TG_ARGV <> pg_catalog.to_jsonb(OLD) - TG_ARGV THEN
        RAISE EXCEPTION 'UPDATE on %.% is refused: only % may change', TG_TABLE_SCHEMA, TG_TABLE_NAME,
            pg_catalog.array_to_string(TG_ARGV, ', ')
            USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON audit.event
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON audit.event
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON audit.era
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON audit.era
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();

GRANT USAGE ON SCHEMA audit TO patella_owner, patella_sec_owner, patella_blind_owner, patella_report_owner,
    patella_api, patella_writer, patella_admin_owner, patella_auditor;
GRANT SELECT ON audit.event, audit.era TO patella_auditor;

-- A trigger's function is checked against the owner of the table when the trigger is made.
GRANT EXECUTE ON FUNCTION audit.record_insert(), audit.record_update(), audit.record_submissions(),
    audit.refuse_change(), audit.refuse_change_except()
    TO patella_owner, patella_sec_owner, patella_blind_owner, patella_report_owner;
GRANT EXECUTE ON FUNCTION audit.current_era(), audit.actor()
    TO patella_owner, patella_sec_owner, patella_blind_owner, patella_report_owner, patella_api, patella_writer,
       patella_admin_owner;
GRANT EXECUTE ON FUNCTION audit.record(text, text, int, int, uuid, bytea, jsonb, text, text, int)
    TO patella_api, patella_writer, patella_report_owner;
