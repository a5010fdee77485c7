-- SPDX-License-Identifier: GPL-3.0-or-later
-- Who sees and adds which rows.  Forced, so that it binds the owners of the tables too.
--
-- patella_api      reads the study and the sites of the token's context (sec.enter), and the catalogue of all studies
-- patella_writer   reads what it must judge; adds only rows that the credential they carry allows: what its one
--                  function got wrong, the policy refuses
-- patella_reporter reads the studies granted to the role that is connected (session_user: SET ROLE changes nothing)
-- The settings stand in sub-selects, which run once for a statement and not once for a row.

DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['study', 'site', 'protocol', 'form', 'subject', 'knee', 'submission', 'cut'] LOOP
        EXECUTE pg_catalog.format('ALTER TABLE core.%I ENABLE ROW LEVEL SECURITY', tab);
        EXECUTE pg_catalog.format('ALTER TABLE core.%I FORCE ROW LEVEL SECURITY', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY reporter ON core.%I FOR SELECT TO patella_reporter USING '
            '(study_id IN (SELECT g.study_id FROM sec.reporter_grant g WHERE g.role = session_user))', tab);
        EXECUTE pg_catalog.format('GRANT SELECT ON core.%I TO patella_reporter', tab);
    END LOOP;

    FOREACH tab IN ARRAY ARRAY['study', 'site', 'protocol', 'form'] LOOP
        EXECUTE pg_catalog.format('CREATE POLICY catalogue ON core.%I FOR SELECT TO patella_api USING (true)', tab);
        EXECUTE pg_catalog.format('GRANT SELECT ON core.%I TO patella_api', tab);
        EXECUTE pg_catalog.format('CREATE POLICY writer ON core.%I FOR SELECT TO patella_writer USING (true)', tab);
        EXECUTE pg_catalog.format('GRANT SELECT ON core.%I TO patella_writer', tab);
        EXECUTE pg_catalog.format('CREATE POLICY administration ON core.%I TO patella_admin_owner USING (true)', tab);
        EXECUTE pg_catalog.format('GRANT SELECT, INSERT ON core.%I TO patella_admin_owner', tab);
    END LOOP;

    FOREACH tab IN ARRAY ARRAY['subject', 'knee', 'submission'] LOOP
        EXECUTE pg_catalog.format(
            'CREATE POLICY context ON core.%I FOR SELECT TO patella_api USING '
            '(study_id = (SELECT sec.context_study()) AND site_id = ANY ((SELECT sec.context_sites())::int[]))', tab);
        EXECUTE pg_catalog.format('GRANT SELECT ON core.%I TO patella_api', tab);
        EXECUTE pg_catalog.format('CREATE POLICY writer ON core.%I FOR SELECT TO patella_writer USING (true)', tab);
        EXECUTE pg_catalog.format('GRANT SELECT, INSERT ON core.%I TO patella_writer', tab);
    END LOOP;

    FOREACH tab IN ARRAY ARRAY['subject', 'submission'] LOOP
        EXECUTE pg_catalog.format(
            'CREATE POLICY writer_adds ON core.%1$I FOR INSERT TO patella_writer WITH CHECK (EXISTS ('
            'SELECT FROM sec.credential c '
            'WHERE c.token_no = %1$I.token_no AND c.account = %1$I.recorded_by AND c.study_id = %1$I.study_id '
            'AND (c.site_ids = ''{}'' OR %1$I.site_id = ANY (c.site_ids)) '
            'AND c.role IN (''coordinator'', ''site_machine'') '
            'AND c.revoked_at IS NULL AND c.expires_at > pg_catalog.statement_timestamp()))', tab);
    END LOOP;
END
$$;

-- Knees come with the enrolment of their subject and at no other time.
CREATE POLICY writer_adds ON core.knee FOR INSERT TO patella_writer WITH CHECK (EXISTS (
    SELECT FROM core.subject s
    WHERE (s.study_id, s.site_id, s.subject_no) = (knee.study_id, knee.site_id, knee.subject_no)
      AND s.xid = pg_catalog.pg_current_xact_id()));

-- The switches.
GRANT UPDATE (frozen) ON core.study TO patella_admin_owner;
GRANT SELECT, UPDATE (locked) ON core.subject TO patella_admin_owner;
CREATE POLICY administration ON core.subject TO patella_admin_owner USING (true);

-- Cuts: added by core.add_cut, which runs as the owner, and read by everybody who may read the study.
CREATE POLICY owner_adds ON core.cut TO patella_owner USING (true);
CREATE POLICY owner_reads ON core.protocol FOR SELECT TO patella_owner USING (true);
CREATE POLICY context ON core.cut FOR SELECT TO patella_api USING (study_id = (SELECT sec.context_study()));
CREATE POLICY administration ON core.cut FOR SELECT TO patella_admin_owner USING (true);
GRANT SELECT ON core.cut TO patella_api, patella_admin_owner, patella_report_owner, patella_blind_owner;
GRANT SELECT ON core.catalogue_state TO patella_api;

-- Names of studies, and sites of a token that has all.
CREATE POLICY credentials ON core.study FOR SELECT TO patella_sec_owner USING (true);
CREATE POLICY credentials ON core.site FOR SELECT TO patella_sec_owner USING (true);
GRANT SELECT ON core.study, core.site TO patella_sec_owner;

-- Allocation: which subjects exist, whether the study is masked, what the cut is.
CREATE POLICY allocation ON core.study FOR SELECT TO patella_blind_owner USING (true);
CREATE POLICY allocation ON core.subject FOR SELECT TO patella_blind_owner USING (true);
CREATE POLICY allocation ON core.cut FOR SELECT TO patella_blind_owner USING (true);
GRANT SELECT ON core.study, core.subject TO patella_blind_owner;

-- Report jobs, for the studies of the role that is connected.
CREATE POLICY reports ON core.study FOR SELECT TO patella_report_owner USING (sec.is_reporter(study_id));
CREATE POLICY reports ON core.cut FOR SELECT TO patella_report_owner USING (sec.is_reporter(study_id));
GRANT SELECT ON core.study TO patella_report_owner;
