-- SPDX-License-Identifier: GPL-3.0-or-later
-- Who disposes of accounts: the administrator of a study through the API, and whoever runs the server by patella-admin.

GRANT USAGE, CREATE ON SCHEMA api TO patella_sec_owner;
SET LOCAL ROLE patella_sec_owner;

-- The context of an administrator of the study, with the second factor.
CREATE FUNCTION sec.enter_administration(token bytea, study int) RETURNS text
LANGUAGE plpgsql SET search_path = ''
AS $$
BEGIN
    PERFORM sec.need_second_factor(token);
    RETURN sec.enter_whole_study(token, study, 'administrator');
END
$$;

-- An account is this study's own to invite and to disable when it has a role here, and neither role nor token anywhere
-- else; of others' accounts the administrator of one study cannot dispose.
CREATE FUNCTION sec.need_own_account(study int, name text) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM sec.membership m
                   WHERE (m.account, m.study_id) = (name, study) AND m.ended_at IS NULL)
    THEN
        RAISE EXCEPTION 'account "%" has no role in the study', name USING ERRCODE = 'P0002';
    END IF;
    IF EXISTS (SELECT FROM sec.membership m WHERE m.account = name AND m.study_id <> study AND m.ended_at IS NULL)
       OR EXISTS (SELECT FROM sec.credential c
                  WHERE c.account = name AND c.study_id <> study AND c.revoked_at IS NULL
                    AND c.expires_at > pg_catalog.clock_timestamp())
    THEN
        RAISE EXCEPTION 'account "%" belongs to other studies too', name USING ERRCODE = '42501';
    END IF;
END
$$;

CREATE FUNCTION api.list_memberships(token bytea, study int)
RETURNS TABLE (account text, full_name text, role text, site_ids int[], added_at timestamptz, password_set boolean,
               second_factor boolean, invited_until timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter_administration(token, study);
    RETURN QUERY
    SELECT m.account, a.full_name, m.role, m.site_ids, m.added_at, p.account IS NOT NULL,
           p.second_factor_at IS NOT NULL,
           (SELECT i.expires_at
            FROM sec.invitation i
            WHERE i.account = m.account AND i.closed_at IS NULL AND i.expires_at > pg_catalog.clock_timestamp())
    FROM sec.membership m
    JOIN sec.account a USING (account)
    LEFT JOIN sec.person p USING (account)
    WHERE m.study_id = study
      AND m.ended_at IS NULL
    ORDER BY m.account;
END
$$;

-- `full_name` makes the account, which must be new then; without it the account must be there.
CREATE FUNCTION api.add_membership(token bytea, study int, name text, full_name text, role text, sites int[])
RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM sec.enter_administration(token, study);
    IF full_name IS NOT NULL THEN
        INSERT INTO sec.account (account, full_name) VALUES (name, full_name);
    END IF;
    RETURN sec.add_membership(study, name, role, sites);
END
$$;

CREATE FUNCTION api.end_membership(token bytea, study int, name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM sec.enter_administration(token, study);
    PERFORM sec.end_membership(study, name);
END
$$;

CREATE FUNCTION api.disable_account(token bytea, study int, name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM sec.enter_administration(token, study);
    PERFORM sec.need_own_account(study, name);
    PERFORM sec.disable_account(name);
END
$$;

CREATE FUNCTION api.list_invitations(token bytea, study int)
RETURNS TABLE (invitation_no int, account text, made_at timestamptz, expires_at timestamptz, opened_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter_administration(token, study);
    RETURN QUERY
    SELECT i.invitation_no, i.account, i.made_at, i.expires_at, i.opened_at
    FROM sec.invitation i
    JOIN sec.membership m ON m.account = i.account AND m.study_id = study AND m.ended_at IS NULL
    WHERE i.closed_at IS NULL
      AND i.expires_at > pg_catalog.clock_timestamp()
    ORDER BY i.invitation_no;
END
$$;

CREATE FUNCTION api.add_invitation(token bytea, study int, name text, token_sha256 bytea)
RETURNS TABLE (invitation_no int, expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter_administration(token, study);
    PERFORM sec.need_own_account(study, name);
    PERFORM sec.add_invitation(name, token_sha256);
    RETURN QUERY
    SELECT i.invitation_no, i.expires_at FROM sec.invitation i WHERE i.account = name AND i.closed_at IS NULL;
END
$$;

CREATE FUNCTION api.end_invitation(token bytea, study int, number int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM sec.enter_administration(token, study);
    PERFORM sec.end_invitation(number, study);
END
$$;

-- ---------------------------------------------------------------------------------------------- for patella-admin

CREATE FUNCTION sec.end_session(number bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    name text := (SELECT s.account FROM sec.session s WHERE s.session_no = number AND s.ended_at IS NULL);
BEGIN
    IF name IS NULL THEN
        RAISE EXCEPTION 'no open session %', number USING ERRCODE = 'P0002';
    END IF;
    PERFORM sec.end_sessions(name, number::int, 'administrator');
END
$$;
GRANT EXECUTE ON FUNCTION sec.end_session(bigint) TO patella_admin_owner;
GRANT SELECT ON sec.membership TO patella_admin_owner;
GRANT SELECT (invitation_no, account, made_at, expires_at, opened_at, closed_at) ON sec.invitation
    TO patella_admin_owner;
GRANT SELECT (session_no, account, address, opened_at, second_factor_at, expires_at, ends_at, ended_at) ON sec.session
    TO patella_admin_owner;
GRANT SELECT (account, second_factor_at) ON sec.person TO patella_admin_owner;

RESET ROLE;
REVOKE CREATE ON SCHEMA api FROM patella_sec_owner;
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT p.oid::regprocedure AS fun
        FROM pg_catalog.pg_proc p
        WHERE p.pronamespace = 'api'::regnamespace
          AND p.proname IN ('list_memberships', 'add_membership', 'end_membership', 'disable_account',
                            'list_invitations', 'add_invitation', 'end_invitation')
    LOOP
        EXECUTE pg_catalog.format('GRANT EXECUTE ON FUNCTION %s TO patella_collector', one.fun);
    END LOOP;
END
$$;

SET LOCAL ROLE patella_admin_owner;

CREATE OR REPLACE FUNCTION admin.disable_account(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM admin.enter();
    PERFORM sec.disable_account(name);
END
$$;

CREATE FUNCTION admin.invite_account(name text, token_sha256 bytea) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM admin.enter();
    RETURN sec.add_invitation(name, token_sha256);
END
$$;

CREATE FUNCTION admin.end_invitation(number bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM admin.enter();
    PERFORM sec.end_invitation(number, NULL);
END
$$;

CREATE FUNCTION admin.add_membership(name text, study text, role text, sites int[]) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM admin.enter();
    RETURN sec.add_membership(admin.find_study(study), name, role, sites);
END
$$;

CREATE FUNCTION admin.end_membership(name text, study text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM admin.enter();
    PERFORM sec.end_membership(admin.find_study(study), name);
END
$$;

CREATE FUNCTION admin.end_session(number bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    PERFORM admin.enter();
    PERFORM sec.end_session(number);
END
$$;

-- NULL: of all studies.
CREATE FUNCTION admin.list_memberships(study text)
RETURNS TABLE (account text, study text, role text, sites int[], second_factor boolean, added_at timestamptz,
               ended_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT m.account, s.code, m.role, m.site_ids,
           EXISTS (SELECT FROM sec.person p WHERE p.account = m.account AND p.second_factor_at IS NOT NULL),
           m.added_at, m.ended_at
    FROM sec.membership m
    JOIN core.study s USING (study_id)
    WHERE $1 IS NULL OR s.study_id = admin.find_study($1)
    ORDER BY m.membership_no
$$;

CREATE FUNCTION admin.list_invitations()
RETURNS TABLE (invitation_no int, account text, made_at timestamptz, expires_at timestamptz, opened_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT i.invitation_no, i.account, i.made_at, i.expires_at, i.opened_at
    FROM sec.invitation i
    WHERE i.closed_at IS NULL AND i.expires_at > pg_catalog.clock_timestamp()
    ORDER BY i.invitation_no
$$;

CREATE FUNCTION admin.list_sessions()
RETURNS TABLE (session_no int, account text, address inet, opened_at timestamptz, second_factor boolean,
               expires_at timestamptz, ends_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT s.session_no, s.account, s.address, s.opened_at, s.second_factor_at IS NOT NULL, s.expires_at, s.ends_at
    FROM sec.session s
    WHERE s.ended_at IS NULL AND s.expires_at > pg_catalog.clock_timestamp()
    ORDER BY s.session_no
$$;

GRANT EXECUTE ON FUNCTION admin.invite_account(text, bytea), admin.end_invitation(bigint),
    admin.add_membership(text, text, text, int[]), admin.end_membership(text, text), admin.end_session(bigint),
    admin.list_memberships(text), admin.list_invitations(), admin.list_sessions()
    TO patella_admin;

RESET ROLE;
SELECT guard.record();
