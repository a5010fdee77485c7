-- SPDX-License-Identifier: GPL-3.0-or-later
-- What protects the record cannot be taken away by whoever owns it.
--
-- A table's owner may drop its triggers and policies.  Two event triggers look, after every change of the schema,
-- whether all that was recorded here is still there; a session that is no superuser's is refused when it is not.  A
-- migration that adds protection ends with SELECT guard.record(); one that replaces some deletes its row first.

CREATE SCHEMA guard;

CREATE TABLE guard.protection (
    kind text NOT NULL,             -- trigger, row security, policy, function
    object text NOT NULL,
    digest text NOT NULL,           -- of its definition
    PRIMARY KEY (kind, object)
);

CREATE FUNCTION guard.found() RETURNS TABLE (kind text, object text, digest text)
LANGUAGE sql STABLE SET search_path = ''
AS $$
    WITH place AS (
        SELECT n.oid, n.nspname
        FROM pg_catalog.pg_namespace n
        WHERE n.nspname IN ('audit', 'core', 'sec', 'blind', 'rep')
    ), tab AS (
        SELECT c.oid, place.nspname || '.' || c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced
        FROM pg_catalog.pg_class c
        JOIN place ON place.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p')
    )
    SELECT 'trigger', tab.name || ' ' || g.tgname, pg_catalog.md5(pg_catalog.pg_get_triggerdef(g.oid))
    FROM pg_catalog.pg_trigger g
    JOIN tab ON tab.oid = g.tgrelid
    WHERE NOT g.tgisinternal
      AND g.tgenabled IN ('O', 'A')
    UNION ALL
    SELECT 'row security', tab.name, ''
    FROM tab
    WHERE tab.forced
    UNION ALL
    SELECT 'policy', tab.name || ' ' || p.polname,
           pg_catalog.md5(pg_catalog.concat_ws(' | ', p.polcmd, p.polpermissive,
               ARRAY(SELECT pg_catalog.pg_get_userbyid(r) FROM pg_catalog.unnest(p.polroles) r ORDER BY 1),
               COALESCE(pg_catalog.pg_get_expr(p.polqual, p.polrelid), '-'),
               COALESCE(pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid), '-')))
    FROM pg_catalog.pg_policy p
    JOIN tab ON tab.oid = p.polrelid
    UNION ALL
    SELECT 'function', place.nspname || '.' || f.proname,
           pg_catalog.md5(pg_catalog.concat_ws(' | ', pg_catalog.pg_get_userbyid(f.proowner), f.prosecdef,
                                               f.proconfig, f.prosrc))
    FROM pg_catalog.pg_proc f
    JOIN place ON place.oid = f.pronamespace
    WHERE f.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype
$$;

CREATE FUNCTION guard.record() RETURNS void
LANGUAGE sql SET search_path = ''
AS $$
    INSERT INTO guard.protection (kind, object, digest)
    SELECT f.kind, f.object, f.digest FROM guard.found() f
    ON CONFLICT DO NOTHING
$$;

-- Missing or changed protection, and policies that nobody recorded (they could let more through).
CREATE FUNCTION guard.list_faults() RETURNS TABLE (fault text)
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT p.kind || ' ' || p.object
    FROM guard.protection p
    WHERE NOT EXISTS (SELECT FROM guard.found() f WHERE (f.kind, f.object, f.digest) = (p.kind, p.object, p.digest))
    UNION ALL
    SELECT 'new policy ' || f.object
    FROM guard.found() f
    WHERE f.kind = 'policy'
      AND NOT EXISTS (SELECT FROM guard.protection p WHERE (p.kind, p.object) = (f.kind, f.object))
$$;

CREATE FUNCTION guard.refuse_weakening() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    faults text;
BEGIN
    IF (SELECT r.rolsuper FROM pg_catalog.pg_roles r WHERE r.rolname = session_user) THEN
        RETURN;
    END IF;
    SELECT pg_catalog.string_agg(l.fault, ', ') INTO faults FROM guard.list_faults() l;
    IF faults IS NOT NULL THEN
        RAISE EXCEPTION 'refused: this would weaken %', faults USING ERRCODE = '42501';
    END IF;
END
$$;

REVOKE ALL ON SCHEMA guard FROM PUBLIC;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA guard FROM PUBLIC;

SELECT guard.record();

CREATE EVENT TRIGGER patella_guard_end ON ddl_command_end EXECUTE FUNCTION guard.refuse_weakening();
CREATE EVENT TRIGGER patella_guard_drop ON sql_drop EXECUTE FUNCTION guard.refuse_weakening();
