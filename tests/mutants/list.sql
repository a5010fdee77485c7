-- SPDX-License-Identifier: GPL-3.0-or-later
-- Mutants that the catalogue of a migrated database names: each takes one protection away.  guards.sql, which comes
-- next in the same session, adds those inside functions; run reads the table `mutant`.
--
-- kind, name  what was taken away; together they are the mutant's name
-- reach       what a program leaves in the server's log when it comes across the protection ('': nothing is known);
--             a mutant whose protection no program comes across survives all of them
-- words       a regular expression of what a program's source names when it has to do with it
-- change      SQL, for the superuser

\set QUIET on
\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET search_path = pg_temp;

CREATE TEMP TABLE mutant (kind text, name text, reach text, words text, change text, PRIMARY KEY (kind, name));

CREATE TEMP TABLE place AS
SELECT n.oid, n.nspname, n.nspname::regnamespace AS schema
FROM pg_namespace n
WHERE n.nspname IN ('audit', 'core', 'sec', 'blind', 'rep', 'upload', 'api', 'admin', 'auth', 'guard',
                    'patella_meta');

CREATE TEMP TABLE tab AS
SELECT c.oid, c.oid::regclass::text AS name, c.relname, p.nspname, c.relowner, c.relacl
FROM pg_class c
JOIN place p ON p.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p');

CREATE TEMP TABLE fun AS
SELECT f.oid, f.oid::regprocedure::text AS name, f.proname, p.nspname, f.proowner, f.proacl, f.prosecdef, f.proconfig,
       l.lanname, f.prosrc
FROM pg_proc f
JOIN place p ON p.oid = f.pronamespace
JOIN pg_language l ON l.oid = f.prolang
WHERE f.prokind = 'f';

-- Who logs in; and who may do what with tables is found by asking, not by reading lists.
CREATE TEMP TABLE login AS
SELECT r.oid, r.rolname FROM pg_roles r WHERE r.rolname LIKE 'patella\_%' AND r.rolcanlogin;

-- ---------------------------------------------------------------------------------------------- triggers, policies

INSERT INTO mutant
SELECT 'trigger', tab.name || ' ' || g.tgname, '', tab.relname, format('DROP TRIGGER %I ON %s', g.tgname, tab.name)
FROM pg_trigger g
JOIN tab ON tab.oid = g.tgrelid
WHERE NOT g.tgisinternal;

INSERT INTO mutant
SELECT 'event trigger', e.evtname, '', 'guard', format('DROP EVENT TRIGGER %I', e.evtname)
FROM pg_event_trigger e;

-- A permissive policy that is dropped lets less through: what is taken away is its condition, or, where it has none,
-- the roles that it is for.
INSERT INTO mutant
SELECT 'policy', concat_ws(' ', tab.name, p.polname, c.what), '', tab.relname,
       CASE WHEN NOT p.polpermissive THEN format('DROP POLICY %I ON %s', p.polname, tab.name)
            ELSE format('ALTER POLICY %I ON %s %s', p.polname, tab.name, c.change) END
FROM pg_policy p
JOIN tab ON tab.oid = p.polrelid
CROSS JOIN LATERAL (VALUES
    ('using', 'USING (true)', pg_get_expr(p.polqual, p.polrelid) <> 'true'),
    ('check', 'WITH CHECK (true)', pg_get_expr(p.polwithcheck, p.polrelid) <> 'true'),
    ('roles', 'TO PUBLIC', COALESCE(pg_get_expr(p.polqual, p.polrelid), 'true') = 'true'
                           AND COALESCE(pg_get_expr(p.polwithcheck, p.polrelid), 'true') = 'true')
    ) c (what, change, applies)
WHERE c.applies;

INSERT INTO mutant
SELECT 'row security', tab.name || ' ' || lower(c.change), '', tab.relname,
       format('ALTER TABLE %s %s ROW LEVEL SECURITY', tab.name, c.change)
FROM tab
JOIN pg_class r ON r.oid = tab.oid
CROSS JOIN LATERAL (VALUES ('DISABLE', r.relrowsecurity), ('NO FORCE', r.relforcerowsecurity)) c (change, applies)
WHERE c.applies;

-- ---------------------------------------------------------------------------------------------- privileges

INSERT INTO mutant
SELECT 'execute', fun.name || ' to public', '', fun.proname,
       format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', fun.name)
FROM fun;

INSERT INTO mutant
SELECT 'execute', fun.name || ' to patella_collector', '', fun.proname,
       format('GRANT EXECUTE ON FUNCTION %s TO patella_collector', fun.name)
FROM fun
WHERE NOT has_function_privilege('patella_collector', fun.oid, 'EXECUTE');

-- Who reads a table already gets the right to change it.
INSERT INTO mutant
SELECT 'privilege', concat_ws(' ', tab.name, 'to', login.rolname), '', tab.relname,
       format('GRANT %s ON %s TO %I',
              CASE WHEN has_table_privilege(login.oid, tab.oid, 'SELECT') THEN 'INSERT, UPDATE, DELETE, TRUNCATE'
                   ELSE 'SELECT' END, tab.name, login.rolname)
FROM tab, login
UNION ALL
SELECT 'privilege', tab.name || ' to public', '', tab.relname,
       format('GRANT ALL ON %s TO PUBLIC', tab.name)
FROM tab;

INSERT INTO mutant
SELECT 'schema', place.nspname || ' ' || lower(c.privilege) || ' by public', '', place.nspname,
       format('GRANT %s ON SCHEMA %s TO PUBLIC', c.privilege, place.schema)
FROM place, (VALUES ('USAGE'), ('CREATE')) c (privilege)
UNION ALL
SELECT 'schema', concat_ws(' ', place.nspname, 'usage by', login.rolname), '', place.nspname,
       format('GRANT USAGE ON SCHEMA %s TO %I', place.schema, login.rolname)
FROM place, login
WHERE NOT has_schema_privilege(login.oid, place.oid, 'USAGE')
UNION ALL
SELECT 'schema', 'public ' || lower(c.privilege) || ' by public', '', 'public',
       format('GRANT %s ON SCHEMA public TO PUBLIC', c.privilege)
FROM (VALUES ('USAGE'), ('CREATE')) c (privilege);

INSERT INTO mutant
SELECT 'large object', p.oid::regprocedure || ' to public', '', 'lo_|large object',
       format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', p.oid::regprocedure)
FROM pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace
  AND (p.proname LIKE 'lo\_%' OR p.proname IN ('loread', 'lowrite'));

INSERT INTO mutant
SELECT 'default privilege', 'functions of ' || d.defaclrole::regrole, '', 'defaclrole|DEFAULT PRIVILEGES',
       format('ALTER DEFAULT PRIVILEGES FOR ROLE %s GRANT EXECUTE ON FUNCTIONS TO PUBLIC', d.defaclrole::regrole)
FROM pg_default_acl d
WHERE d.defaclobjtype = 'f';

INSERT INTO mutant
SELECT 'search path', fun.name, '', fun.proname, format('ALTER FUNCTION %s RESET search_path', fun.name)
FROM fun
WHERE fun.prosecdef
  AND 'search_path=""' = ANY (fun.proconfig);

-- ---------------------------------------------------------------------------------------------- constraints

INSERT INTO mutant
SELECT CASE c.contype WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign key' ELSE 'key' END, tab.name || ' ' || c.conname,
       'constraint ' || c.conname, tab.relname || '|' || c.conname,
       format('ALTER TABLE %s DROP CONSTRAINT %I CASCADE', tab.name, c.conname)
FROM pg_constraint c
JOIN tab ON tab.oid = c.conrelid
WHERE c.contype IN ('c', 'f', 'p', 'u', 'x')
  AND c.conparentid = 0;

INSERT INTO mutant
SELECT 'key', tab.name || ' ' || r.relname, 'constraint ' || r.relname, tab.relname || '|' || r.relname,
       format('DROP INDEX %s', r.oid::regclass)
FROM pg_index i
JOIN pg_class r ON r.oid = i.indexrelid
JOIN tab ON tab.oid = i.indrelid
WHERE i.indisunique
  AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x'));

-- Columns of a primary key cannot lose theirs.
INSERT INTO mutant
SELECT 'not null', tab.name || ' ' || a.attname, 'not null ' || tab.relname || ' ' || a.attname, tab.relname,
       format('ALTER TABLE %s ALTER %I DROP NOT NULL', tab.name, a.attname)
FROM pg_attribute a
JOIN tab ON tab.oid = a.attrelid
WHERE a.attnotnull
  AND a.attnum > 0
  AND NOT a.attisdropped
  AND a.attidentity = ''
  AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary
                  AND a.attnum = ANY (i.indkey));

-- What every test must let live: nothing was taken away.
INSERT INTO mutant VALUES
    ('control', 'a comment', '', 'core.submission', 'COMMENT ON TABLE core.submission IS ''one row, one version''');
