-- SPDX-License-Identifier: GPL-3.0-or-later
-- Drafts among what waits for a coordinator: the caller's own.

SET LOCAL ROLE patella_api;

-- Site and subject NULL: any.  Nothing is deleted here: what is stored by now is passed over.
CREATE FUNCTION api.list_desk_drafts(token bytea, study int, site int, subject int)
RETURNS TABLE (site_id int, subject_no int, knee text, visit text, form text, id uuid, version int,
               saved_at timestamptz, person text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
DECLARE
    account text := sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                              'statistician_unmasked');
BEGIN
    RETURN QUERY
    SELECT d.site_id, d.subject_no, d.knee, d.visit, d.form, d.draft_id, d.version, d.saved_at, d.recorded_by
    FROM core.draft d
    WHERE (d.study_id, d.recorded_by) = (study, account)
      AND (list_desk_drafts.site IS NULL OR d.site_id = list_desk_drafts.site)
      AND (list_desk_drafts.subject IS NULL OR d.subject_no = list_desk_drafts.subject)
      AND NOT api.is_stored(d.study_id, d.site_id, d.draft_id)
    ORDER BY d.site_id, d.subject_no, d.draft_id;
END
$$;
GRANT EXECUTE ON FUNCTION api.list_desk_drafts(bytea, int, int, int) TO patella_collector;

RESET ROLE;
SELECT guard.record();
