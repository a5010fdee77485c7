-- SPDX-License-Identifier: GPL-3.0-or-later
-- What leaves the database whole takes a session with the second factor: exports, files of reports, the audit trail and
-- its review, and opening the allocation for a report.  Tokens of programs go on: they are no session's.
--
-- Not the emergency of one subject: whoever can be harmed must not wait for a telephone that is not there.

SET LOCAL ROLE patella_sec_owner;

-- As in 0016, with an SQLSTATE of its own, so that it can be told in words what to do.
CREATE OR REPLACE FUNCTION sec.need_second_factor(token bytea) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF EXISTS (SELECT FROM sec.credential c
               JOIN sec.session s USING (session_no)
               WHERE c.token_sha256 = pg_catalog.sha256(token)
                 AND s.second_factor_at IS NULL)
    THEN
        RAISE EXCEPTION 'the session has no second factor' USING ERRCODE = '42S2F';
    END IF;
END
$$;

RESET ROLE;
SET LOCAL ROLE patella_api;

-- At the beginning of each; who has no valid token at all is told so, as before.
DO $$
DECLARE
    fun text;
    definition text;
BEGIN
    FOREACH fun IN ARRAY ARRAY[
        'api.request_audit(bytea, int, text, timestamptz, timestamptz, text, text, text, int, int)',
        'api.read_audit(bytea, int, uuid, timestamptz, int, int)',
        'api.request_review(bytea, int, text, timestamptz, timestamptz, int, int, int, int, int)',
        'api.read_review(bytea, int, uuid, int)',
        'api.conclude_review(bytea, int, uuid, text)',
        'api.request_export(bytea, int, int)',
        'api.read_export(bytea, int, uuid, text, int, int, text, text, text, int, int, int)',
        'api.find_export(bytea, int, uuid)',
        'api.request_report_file(bytea, int, uuid, text)',
        'api.read_report_file(bytea, int, uuid)',
        'api.request_unblinding(bytea, int, uuid, text)',
        'api.approve_unblinding(bytea, int, uuid)'
    ] LOOP
        definition := pg_catalog.pg_get_functiondef(fun::pg_catalog.regprocedure);
        IF pg_catalog.strpos(definition, E'\nBEGIN\n') = 0 THEN
            RAISE EXCEPTION '% has no beginning', fun;
        END IF;
        EXECUTE pg_catalog.regexp_replace(definition, E'\nBEGIN\n',
                                          E'\nBEGIN\n    PERFORM sec.need_second_factor(token);\n');
    END LOOP;
END
$$;

RESET ROLE;
