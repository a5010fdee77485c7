-- SPDX-License-Identifier: GPL-3.0-or-later
-- Whoever leaves a study leaves no open link behind: the token of a link may be in hands that shall not have it any
-- more, and would answer in a subject's name.  The subject gets a new link from somebody who stays.

SET LOCAL ROLE patella_owner;

-- The open links that an account made, in one study or (NULL) in all; gives the numbers of their tokens.
CREATE FUNCTION core.revoke_links_of(maker text, study int, by text) RETURNS int[]
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    numbers int[];
BEGIN
    WITH revoked AS (
        UPDATE core.participant_link l
        SET revoked_at = pg_catalog.clock_timestamp(), revoked_by = by, answers = NULL
        WHERE l.recorded_by = maker
          AND (study IS NULL OR l.study_id = study)
          AND l.revoked_at IS NULL
          AND l.expires_at > pg_catalog.clock_timestamp()
        RETURNING l.token_no)
    SELECT pg_catalog.array_agg(r.token_no) INTO numbers FROM revoked r;
    RETURN numbers;
END
$$;
GRANT EXECUTE ON FUNCTION core.revoke_links_of(text, int, text) TO patella_sec_owner;
GRANT USAGE ON SCHEMA core TO patella_sec_owner;

RESET ROLE;

CREATE POLICY owner_finds ON core.participant_link FOR SELECT TO patella_owner USING (true);
CREATE POLICY owner_revokes ON core.participant_link FOR UPDATE TO patella_owner
    USING (revoked_at IS NULL) WITH CHECK (revoked_at IS NOT NULL);

SET LOCAL ROLE patella_sec_owner;

-- Of an account all, of a membership those in its study.
CREATE FUNCTION sec.end_links_of_leaver() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    numbers constant int[] := core.revoke_links_of(NEW.account, (pg_catalog.to_jsonb(NEW) ->> 'study_id')::int,
                                                   COALESCE(audit.actor(), session_user::text));
BEGIN
    UPDATE sec.credential c
    SET revoked_at = pg_catalog.clock_timestamp()
    WHERE c.role = 'participant'
      AND c.revoked_at IS NULL
      AND c.token_no = ANY (numbers);
    RETURN NULL;
END
$$;
CREATE TRIGGER end_links AFTER UPDATE OF disabled_at ON sec.account
    FOR EACH ROW WHEN (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL)
    EXECUTE FUNCTION sec.end_links_of_leaver();
CREATE TRIGGER end_links AFTER UPDATE OF ended_at ON sec.membership
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION sec.end_links_of_leaver();

RESET ROLE;
SELECT guard.record();
