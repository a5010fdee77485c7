-- SPDX-License-Identifier: GPL-3.0-or-later
-- api.submit_batch waits for others as long as it did before 0040; only while an upload of the study is under way it
-- waits for 500 ms at most.  What is long for a transaction of minutes is too short for somebody who has a table.

ALTER FUNCTION api.submit_batch(bytea[], uuid[], int[], int[], int[], text[], text[], int[], text[], int[], int[],
    text[], date[], int[], text[], float8[], int[], int[], text[], text[], text[], text[])
    RESET lock_timeout;

SET LOCAL ROLE patella_upload_owner;

-- Of all others the index knows nothing: to ask it costs next to nothing.
CREATE INDEX file_under_way ON upload.file (study_id) WHERE state IN ('checking', 'committing', 'taking_back');

CREATE FUNCTION upload.is_under_way(studies int[]) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM upload.file f
                   WHERE f.state IN ('checking', 'committing', 'taking_back')
                     AND f.study_id = ANY (studies));
END
$$;
GRANT USAGE ON SCHEMA upload TO patella_writer;
GRANT EXECUTE ON FUNCTION upload.is_under_way(int[]) TO patella_writer;

RESET ROLE;

DO $$
DECLARE
    definition text := (SELECT pg_catalog.pg_get_functiondef(p.oid)
                        FROM pg_catalog.pg_proc p
                        WHERE p.pronamespace = 'api'::pg_catalog.regnamespace
                          AND p.proname = 'submit_batch');
    old constant text := $x$BEGIN
    -- Who voids an enrolment must see$x$;
    new constant text := $x$BEGIN
    -- Behind an upload, which holds its records for as long as it takes, nobody waits for long.
    IF upload.is_under_way(studies) THEN
        PERFORM pg_catalog.set_config('lock_timeout', '500ms', true);
    END IF;
    -- Who voids an enrolment must see$x$;
BEGIN
    IF pg_catalog.strpos(definition, old) = 0 THEN
        RAISE EXCEPTION 'api.submit_batch does not hold %', old;
    END IF;
    EXECUTE pg_catalog.replace(definition, old, new);
END
$$;
