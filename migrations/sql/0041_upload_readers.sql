-- SPDX-License-Identifier: GPL-3.0-or-later
-- Lines and findings of an upload hold what stood in the file, in the clear, and not all of it answers a form: they are
-- for those who send and who monitor.  Statisticians, masked or not, see the ledger, its counts and receipts.

SET LOCAL ROLE patella_api;

-- As in 0038, but for the findings.
CREATE OR REPLACE FUNCTION api.find_upload(token bytea, study int, upload uuid) RETURNS SETOF api.upload
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked', 'site_machine');
    RETURN QUERY
    SELECT (api.as_upload(api.get_upload(study, upload),
                          sec.token_role(token) NOT IN ('statistician', 'statistician_unmasked'))).*;
END
$$;

-- As in 0039, for fewer.
CREATE OR REPLACE FUNCTION api.list_upload_lines(token bytea, study int, upload uuid, wanted text, after int, most int)
RETURNS TABLE (line int, verdict text, warned boolean, record text, detail text, cells text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    f upload.file;
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'site_machine');
    f := api.get_upload(study, upload);
    RETURN QUERY
    SELECT l.line, l.verdict, l.warned, l.record, l.detail::text, l.cells::text
    FROM upload.line l
    WHERE (l.study_id, l.site_id, l.upload_id, l.reading_no) = (study, f.site_id, upload, f.reading_no)
      AND l.line > COALESCE(after, 0)
      AND (wanted IS NULL OR l.verdict = wanted OR (wanted = 'warned' AND l.warned))
    ORDER BY l.line
    LIMIT LEAST(GREATEST(most, 1), 1000);
END
$$;

RESET ROLE;
