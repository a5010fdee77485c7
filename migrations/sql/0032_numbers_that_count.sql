-- SPDX-License-Identifier: GPL-3.0-or-later
-- Numbers that told one study how much goes on in others (tests/e2e/test_site_isolation.c found them).
--
-- Invitations were counted over all studies.  Their numbers are random now; and two invitations at once do not want the
-- same one any more.  The trail's row of a cut held its snapshot, which is transaction numbers, and those of people the
-- numbers of roles and sessions, counted over all studies too: they are left out like xid.

GRANT CREATE ON SCHEMA api TO patella_sec_owner;
SET LOCAL ROLE patella_sec_owner;

-- Replaces an older one; what the account has as password stays until the link is used.
CREATE OR REPLACE FUNCTION sec.add_invitation(name text, token_sha256 bytea) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    number int;
BEGIN
    PERFORM sec.lock_account(name);
    PERFORM sec.close_invitations(name, 'replaced');
    LOOP
        -- 31 bits of a random id
        number := ('x' || pg_catalog.left(pg_catalog.gen_random_uuid()::text, 8))::bit(32)::int & 2147483647;
        CONTINUE WHEN number = 0;
        INSERT INTO sec.invitation (invitation_no, account, token_sha256, made_at, expires_at)
        VALUES (number, name, token_sha256, pg_catalog.now(), pg_catalog.now() + interval '72 hours')
        ON CONFLICT (invitation_no) DO NOTHING;
        EXIT WHEN FOUND;
    END LOOP;
    RETURN number;
END
$$;

CREATE OR REPLACE FUNCTION api.list_invitations(token bytea, study int)
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
    ORDER BY i.made_at, i.account;
END
$$;

RESET ROLE;
REVOKE CREATE ON SCHEMA api FROM patella_sec_owner;
SET LOCAL ROLE patella_admin_owner;

CREATE OR REPLACE FUNCTION admin.list_invitations()
RETURNS TABLE (invitation_no int, account text, made_at timestamptz, expires_at timestamptz, opened_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ''
AS $$
    SELECT i.invitation_no, i.account, i.made_at, i.expires_at, i.opened_at
    FROM sec.invitation i
    WHERE i.closed_at IS NULL AND i.expires_at > pg_catalog.clock_timestamp()
    ORDER BY i.made_at, i.account
$$;

RESET ROLE;
SET LOCAL ROLE patella_audit_owner;

-- audit.list_events stays as it is but for the columns that it does not give out.
DO $$
DECLARE
    was text := pg_catalog.pg_get_functiondef(
        'audit.list_events(jsonb, pg_snapshot, smallint, boolean, boolean, timestamptz, int, int)'::regprocedure);
    becomes text := pg_catalog.replace(was, '{xid,era,token_no,token_sha256}',
        '{xid,era,snapshot,token_no,token_sha256,membership_no,session_no,invitation_no}');
BEGIN
    ASSERT becomes <> was;
    EXECUTE becomes;
END
$$;
