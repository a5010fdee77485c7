-- SPDX-License-Identifier: GPL-3.0-or-later
-- Accounts of people: eight roles instead of four, memberships, passwords and second factors, invitations, sessions.

-- ---------------------------------------------------------------------------------------------- roles

SET LOCAL ROLE patella_sec_owner;

ALTER TABLE sec.credential
    DROP CONSTRAINT credential_role_check,
    ADD CONSTRAINT credential_role_check
        CHECK (role IN ('administrator', 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                        'statistician_unmasked', 'site_machine'));

RESET ROLE;

-- Functions that name roles are those of 0008 to 0015 but for the names: each text is replaced where it stands, so that
-- a long function need not stand here again; a text that is not there stops the migration.
DO $$
DECLARE
    change record;
    definition text;
BEGIN
    FOR change IN
        SELECT c.fun::regprocedure AS fun, c.old, c.new
        FROM (VALUES
            -- Who reads what was recorded.
            ('api.list_subjects(bytea, int, int, int, int)',
             '''coordinator'', ''statistician'')',
             '''data_manager'', ''coordinator'', ''investigator'', ''monitor'', ''statistician'', '
             '''statistician_unmasked'')'),
            ('api.find_submission(bytea, int, uuid)',
             '''coordinator'', ''statistician'')',
             '''data_manager'', ''coordinator'', ''investigator'', ''monitor'', ''statistician'', '
             '''statistician_unmasked'')'),
            ('api.list_submissions(bytea, int, int, int, text, text, int, boolean, int, uuid, int)',
             '''coordinator'', ''statistician'')',
             '''data_manager'', ''coordinator'', ''investigator'', ''monitor'', ''statistician'', '
             '''statistician_unmasked'')'),
            -- Cuts and reports.
            ('api.list_cuts(bytea, int)',
             '''statistician'')', '''statistician'', ''statistician_unmasked'', ''data_manager'')'),
            ('api.make_cut(bytea, int, text)',
             '''statistician'')', '''statistician'', ''statistician_unmasked'', ''data_manager'')'),
            ('api.request_report(bytea, int, int)', '''statistician'')', '''statistician'', ''statistician_unmasked'')'),
            ('api.list_reports(bytea, int)', '''statistician'')', '''statistician'', ''statistician_unmasked'')'),
            ('api.list_report_files(bytea, int, uuid)',
             '''statistician'')', '''statistician'', ''statistician_unmasked'')'),
            ('api.request_report_file(bytea, int, uuid, text)',
             '''statistician'')', '''statistician'', ''statistician_unmasked'')'),
            ('api.read_report_file(bytea, int, uuid)',
             '''statistician'')', '''statistician'', ''statistician_unmasked'')'),
            -- Who sends.
            ('api.read_rest(int[], bytea[], uuid[], int[], int[], int[], text[], text[], int[], text[], int[], int[], '
             'text[], date[], int[], text[], float8[], int[], int[], text[], text[], text[], text[], timestamptz)',
             'c.role NOT IN (''coordinator'', ''site_machine'')',
             'c.role NOT IN (''coordinator'', ''investigator'', ''data_manager'', ''site_machine'')'),
            ('api.submit_batch(bytea[], uuid[], int[], int[], int[], text[], text[], int[], text[], int[], int[], '
             'text[], date[], int[], text[], float8[], int[], int[], text[], text[], text[], text[])',
             'x.role IN (''coordinator'', ''site_machine'')',
             'x.role IN (''coordinator'', ''investigator'', ''data_manager'', ''site_machine'')')
        ) c (fun, old, new)
    LOOP
        definition := pg_catalog.pg_get_functiondef(change.fun);
        IF pg_catalog.strpos(definition, change.old) = 0 THEN
            RAISE EXCEPTION '% does not hold %', change.fun, change.old;
        END IF;
        EXECUTE pg_catalog.replace(definition, change.old, change.new);
    END LOOP;
END
$$;

DELETE FROM guard.protection
WHERE kind = 'policy' AND object IN ('core.subject writer_adds', 'core.submission writer_adds');

DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['subject', 'submission'] LOOP
        EXECUTE pg_catalog.format(
            'ALTER POLICY writer_adds ON core.%1$I WITH CHECK (EXISTS ('
            'SELECT FROM sec.credential c '
            'WHERE c.token_no = %1$I.token_no AND c.account = %1$I.recorded_by AND c.study_id = %1$I.study_id '
            'AND (c.site_ids = ''{}'' OR %1$I.site_id = ANY (c.site_ids)) '
            'AND c.role IN (''coordinator'', ''investigator'', ''data_manager'', ''site_machine'') '
            'AND c.revoked_at IS NULL AND c.expires_at > pg_catalog.statement_timestamp()))', tab);
    END LOOP;
END
$$;

SELECT guard.record();
