-- SPDX-License-Identifier: GPL-3.0-or-later
-- A receipt is an acknowledgement: who gives it waits for the standby.  A commit whose wait for a synchronous standby
-- was cancelled, or outlived its backend, stands on the primary alone; a lock of its row leaves a record behind it in
-- the write-ahead log, so that the reader's own COMMIT waits until the standby has both.

SET LOCAL ROLE patella_api;

-- As in 0041, but for the wait.
CREATE OR REPLACE FUNCTION api.find_upload(token bytea, study int, upload uuid) RETURNS SETOF api.upload
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_variable
DECLARE
    f upload.file;
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked', 'site_machine');
    f := api.get_upload(study, upload);
    IF f.committed_at IS NOT NULL THEN
        PERFORM FROM upload.file x
        WHERE (x.study_id, x.site_id, x.upload_id) = (study, f.site_id, upload)
        FOR KEY SHARE;
    END IF;
    RETURN QUERY
    SELECT (api.as_upload(f, sec.token_role(token) NOT IN ('statistician', 'statistician_unmasked'))).*;
END
$$;

RESET ROLE;
SELECT guard.record();
