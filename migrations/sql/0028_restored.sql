-- SPDX-License-Identifier: GPL-3.0-or-later
-- A database that came out of a dump: it is told by its numbers of transactions, and its guard finds it whole.

-- Of a comparison of rows PostgreSQL keeps another expression than it reads back from a dump, so that the guard took
-- these policies for changed ones.
DELETE FROM guard.protection
WHERE (kind, object) IN (('policy', 'core.knee writer_adds'), ('policy', 'core.submission owner_redacts'),
                         ('policy', 'core.second_entry owner_redacts'));

SET LOCAL ROLE patella_owner;

ALTER POLICY writer_adds ON core.knee WITH CHECK (EXISTS (
    SELECT FROM core.subject s
    WHERE s.study_id = knee.study_id
      AND s.site_id = knee.site_id
      AND s.subject_no = knee.subject_no
      AND s.xid = pg_catalog.pg_current_xact_id()));

ALTER POLICY owner_redacts ON core.submission USING (EXISTS (
    SELECT FROM core.redaction r
    JOIN core.redaction_decision d USING (study_id, site_id, redaction_id)
    WHERE r.study_id = submission.study_id
      AND r.submission_id = submission.id
      AND r.site_id = submission.site_id
      AND d.decision = 'approved'));

ALTER POLICY owner_redacts ON core.second_entry USING (EXISTS (
    SELECT FROM core.redaction r
    JOIN core.redaction_decision d USING (study_id, site_id, redaction_id)
    WHERE r.study_id = second_entry.study_id
      AND r.submission_id = second_entry.submission_id
      AND r.site_id = second_entry.site_id
      AND d.decision = 'approved'));

RESET ROLE;

-- True when the next transaction of this era has a number that is behind those that rows, blocks or cuts of the era
-- know of: what is written now would count among the rows of old cuts.  Owned by the superuser, for row-level security
-- hides the cuts of all studies from every owner.  After a new era the last number is that of an older one, so that
-- blocks and cuts alone tell.
CREATE FUNCTION api.transactions_went_back() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    WITH now AS (
        SELECT audit.current_era() AS era, pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot()) AS next_xid
    ), last_event AS (
        SELECT e.era, e.xid FROM audit.event e ORDER BY e.xid DESC, e.seq DESC LIMIT 1
    ), last_block AS (
        SELECT b.era, b.upto_xid FROM audit.block b ORDER BY b.block_no DESC LIMIT 1
    )
    SELECT EXISTS (SELECT FROM last_event e JOIN now USING (era) WHERE e.xid >= now.next_xid)
        OR EXISTS (SELECT FROM last_block b JOIN now USING (era) WHERE b.upto_xid > now.next_xid)
        OR EXISTS (SELECT FROM core.cut c JOIN now USING (era)
                   WHERE pg_catalog.pg_snapshot_xmax(c.snapshot) > now.next_xid)
$$;
GRANT EXECUTE ON FUNCTION api.transactions_went_back()
    TO patella_collector, patella_admin, patella_reporter, patella_sealer;

SELECT guard.record();
