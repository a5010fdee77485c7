-- SPDX-License-Identifier: GPL-3.0-or-later
-- Notices of seals that fail, certificates that end and emergency unblinding, by whoever finds it out: patella-seal,
-- patellad, and the request itself, in its transaction.
--
-- The programs have a function each, which takes no words: what a notice says is made here.

SET LOCAL ROLE patella_audit_owner;

-- False when the same was told of the same object in the last 24 hours.
CREATE FUNCTION audit.add_notice_once(kind text, object text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(80, pg_catalog.hashtext(kind || object));
    IF EXISTS (SELECT FROM audit.notice n
               WHERE (n.kind, n.object) = (add_notice_once.kind, add_notice_once.object)
                 AND n.noticed_at > pg_catalog.clock_timestamp() - interval '24 hours')
    THEN
        RETURN false;
    END IF;
    PERFORM audit.add_notice(kind, 'failure', NULL, NULL, NULL, object);
    RETURN true;
END
$$;
GRANT EXECUTE ON FUNCTION audit.add_notice_once(text, text) TO patella_api, patella_admin_owner;

-- The index that this asks for, among notices of all kinds.
CREATE INDEX notice_object ON audit.notice (object, noticed_at);

-- For patella-seal: the block behind the last one could not be made.  Why stands in its log.
CREATE FUNCTION audit.note_failed_seal() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN audit.add_notice_once('seal_failed', 'block ' || COALESCE((SELECT b.block_no
                                                                      FROM audit.block b
                                                                      ORDER BY b.block_no DESC
                                                                      LIMIT 1), 0) + 1);
END
$$;
GRANT EXECUTE ON FUNCTION audit.note_failed_seal() TO patella_sealer;

RESET ROLE;
SET LOCAL ROLE patella_api;

-- For patellad: `what` ends at `ends_at`.  Told from 14 days before, a list of revoked certificates from 48 hours
-- before; earlier it is false, as when it was told within a day.
CREATE FUNCTION api.note_expiry(what text, ends_at timestamptz) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    now timestamptz := pg_catalog.clock_timestamp();
    subject text := CASE what WHEN 'server_certificate' THEN 'certificate of the server'
                              WHEN 'machine_ca' THEN 'certificate of the CA of machines'
                              WHEN 'machine_crl' THEN 'list of revoked certificates of machines' END;
    before interval := CASE what WHEN 'machine_crl' THEN interval '48 hours' ELSE interval '14 days' END;
BEGIN
    IF subject IS NULL OR ends_at IS NULL THEN
        RAISE EXCEPTION 'nothing of this kind ends' USING ERRCODE = '22023';
    END IF;
    IF ends_at - before > now THEN
        RETURN false;
    END IF;
    RETURN audit.add_notice_once('certificate_expires',
                                 subject || CASE WHEN ends_at <= now THEN ', ended'
                                                 ELSE ', until ' || pg_catalog.to_char(ends_at AT TIME ZONE 'UTC',
                                                                                       'YYYY-MM-DD') END);
END
$$;
GRANT EXECUTE ON FUNCTION api.note_expiry(text, timestamptz) TO patella_collector;

RESET ROLE;
SET LOCAL ROLE patella_blind_owner;

-- As in 0026, and with a notice for the sponsor's side: that it was asked for, of which subject, never a cohort.
CREATE OR REPLACE FUNCTION blind.add_emergency(study int, site int, request uuid, subject int, reason text,
                                               account text)
RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    kept blind.emergency;
BEGIN
    SELECT e.* INTO kept
    FROM blind.emergency e
    WHERE (e.study_id, e.site_id, e.request_id) = (study, site, request);
    IF NOT FOUND THEN
        INSERT INTO blind.emergency AS e (study_id, site_id, request_id, subject_no, reason, recorded_by)
        VALUES (study, site, request, subject, reason, account)
        RETURNING e.* INTO kept;
        PERFORM audit.add_notice('emergency_unblinding', 'serious', study, site, subject,
                                 'blind.emergency ' || request);
    END IF;
    RETURN CASE WHEN (kept.subject_no, kept.reason, kept.recorded_by) = (subject, reason, account)
                THEN kept.recorded_at END;
END
$$;

RESET ROLE;
SET LOCAL ROLE patella_admin_owner;

-- As in 0022.
CREATE OR REPLACE FUNCTION admin.add_notice(kind text, object text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM admin.enter();
    IF kind NOT IN ('certificate_expires', 'seal_failed') THEN
        RAISE EXCEPTION 'no notice of kind "%" can be added by hand', kind
            USING ERRCODE = '22023', HINT = 'it is certificate_expires or seal_failed';
    END IF;
    RETURN audit.add_notice_once(kind, object);
END
$$;

RESET ROLE;
