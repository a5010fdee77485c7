-- SPDX-License-Identifier: GPL-3.0-or-later
-- A submission of a site's machine that is refused leaves a notice in the same transaction: nobody reads the reply.

SET LOCAL ROLE patella_audit_owner;

-- Once a day for each site and code; of two transactions at the same time each may leave one.
CREATE FUNCTION audit.note_refused_upload(study int, site int, code text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    told text := 'submission ' || code;
BEGIN
    IF NOT EXISTS (SELECT FROM audit.notice n
                   WHERE (n.kind, n.object, n.study_id, n.site_id) = ('upload_refused', told, study, site)
                     AND n.noticed_at > pg_catalog.clock_timestamp() - interval '24 hours')
    THEN
        PERFORM audit.add_notice('upload_refused', 'failure', study, site, NULL, told);
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION audit.note_refused_upload(int, int, text) TO patella_writer;

RESET ROLE;

-- As in 0013, and with the notice: of sites that the token covers, and not of what is worth another try.
DO $$
DECLARE
    fun constant text := 'api.explain_batch(api.request[], text[], int[])';
    definition text := pg_catalog.pg_get_functiondef(fun::pg_catalog.regprocedure);
    change text[];
BEGIN
    FOREACH change SLICE 1 IN ARRAY ARRAY[
        [$x$    )
    SELECT pg_catalog.array_agg($x$,
         $x$    ), told AS MATERIALIZED (
        SELECT j.ord, audit.note_refused_upload(j.study, j.site, j.code) AS nothing
        FROM judged j
        JOIN sec.credential c ON c.token_no = j.token_no
        WHERE j.verdict = 'refused'
          AND j.code NOT IN ('no_session', 'conflict', 'study_busy')
          AND c.role = 'site_machine'
          AND c.study_id = j.study
          AND (c.site_ids = '{}' OR j.site = ANY (c.site_ids))
    )
    SELECT pg_catalog.array_agg($x$],
        [$x$    LEFT JOIN recorded USING (ord);       -- so that it runs$x$,
         $x$    LEFT JOIN recorded USING (ord)        -- so that it runs, and so does the next
    LEFT JOIN told USING (ord);$x$]
    ] LOOP
        IF pg_catalog.strpos(definition, change[1]) = 0 THEN
            RAISE EXCEPTION '% does not hold %', fun, change[1];
        END IF;
        definition := pg_catalog.replace(definition, change[1], change[2]);
    END LOOP;
    EXECUTE definition;
END
$$;
