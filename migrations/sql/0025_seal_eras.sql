-- SPDX-License-Identifier: GPL-3.0-or-later
-- What a cut held is held against its SHA-256 by audit.table_rows, which takes that of the text: so core.cut_versions
-- has the SHA-256 of its ids as text, not of their bytes.

CREATE OR REPLACE FUNCTION audit.open_era(reason text) RETURNS TABLE (era smallint, after_block bigint)
LANGUAGE plpgsql SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    opened smallint := audit.current_era() + 1;
    last audit.block;
BEGIN
    IF NOT core.is_reason(open_era.reason) THEN
        RAISE EXCEPTION 'a reason is missing'
            USING ERRCODE = '22023', HINT = 'give one of at least five characters that are not blank';
    END IF;
    IF EXISTS (SELECT
               FROM pg_catalog.pg_stat_activity a
               WHERE a.datname = pg_catalog.current_database()
                 AND a.usename = 'patella_collector')
    THEN
        RAISE EXCEPTION 'a collector is connected to the database'
            USING ERRCODE = '55006', HINT = 'stop patellad, open the era, start patellad';
    END IF;
    PERFORM pg_catalog.pg_advisory_xact_lock(90, 0);
    SELECT b.* INTO last FROM audit.block b ORDER BY b.block_no DESC LIMIT 1;
    IF EXISTS (SELECT
               FROM audit.event e
               WHERE e.era = last.era
                 AND (e.xid, e.seq) < (last.upto_xid, last.upto_seq)
                 AND e.at > last.sealed_at)
    THEN
        RAISE EXCEPTION 'rows were written since the restore, among those that are sealed'
            USING ERRCODE = '55000',
                  HINT = 'restore again, and open the era before patellad or patella-admin is used';
    END IF;

    INSERT INTO audit.era (era, reason, after_block) VALUES (opened, open_era.reason, COALESCE(last.block_no, 0));
    PERFORM audit.record('ERA', 'audit.era', NULL, NULL, NULL, last.hash,
                         pg_catalog.jsonb_build_object('era', opened, 'after_block', COALESCE(last.block_no, 0)),
                         open_era.reason);
    INSERT INTO core.cut_versions (study_id, site_id, cut_no, ids, sha256)
    SELECT s.study_id, s.site_id, c.cut_no, pg_catalog.array_agg(s.id ORDER BY s.id),
           pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.array_agg(s.id ORDER BY s.id)::text, 'UTF8'))
    FROM core.cut c
    JOIN core.submission s USING (study_id)
    WHERE core.is_in_cut(s.xid, s.era, c.snapshot, c.era)
    GROUP BY s.study_id, s.site_id, c.cut_no
    ON CONFLICT DO NOTHING;
    RETURN QUERY SELECT opened, COALESCE(last.block_no, 0);
END
$$;
