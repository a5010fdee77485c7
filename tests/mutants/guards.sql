-- SPDX-License-Identifier: GPL-3.0-or-later
-- Mutants inside functions.  Text is changed line by line, which is enough for code that is laid out as ours is; what
-- PostgreSQL does not take is no mutant (run counts these as "invalid").
--
-- guard      IF or ELSIF that leads to RAISE or RETURN: its condition becomes false
-- refusal    CASE WHEN ... THEN 'code': this condition becomes false
-- call       PERFORM of a function that enters, needs, locks or records: taken out
-- roles      the roles that a function names to sec.enter become all roles
-- whole      sec.enter_whole_study becomes sec.enter: a token for some sites will do
-- condition  a line `AND ...` of a query in sec, auth, blind and audit: taken out

-- The lines of a function as CREATE OR REPLACE gives it, which keeps owner and privileges.
CREATE TEMP TABLE line AS
SELECT fun.oid, fun.nspname, fun.proname, fun.name AS fun, fun.lanname, l.no, l.text
FROM fun
CROSS JOIN LATERAL regexp_split_to_table(pg_get_functiondef(fun.oid), E'\n') WITH ORDINALITY l (text, no)
WHERE fun.lanname IN ('sql', 'plpgsql')
  AND fun.nspname <> 'guard';
CREATE UNIQUE INDEX ON line (oid, no);

-- The function with `becomes` in place of the lines first .. last.
CREATE FUNCTION pg_temp.replace_lines(which oid, first bigint, last bigint, becomes text) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT string_agg(l.text, E'\n' ORDER BY l.no) || ';'
    FROM (SELECT x.no, x.text FROM pg_temp.line x WHERE x.oid = which AND x.no NOT BETWEEN first AND last
          UNION ALL
          SELECT first, becomes) l
$$;

-- Statements of one line, and calls of sec.enter that take two.
CREATE TEMP TABLE piece AS
SELECT l.oid, l.nspname, l.proname, l.lanname, l.no AS first, CASE WHEN two THEN l.no + 1 ELSE l.no END AS last,
       CASE WHEN two THEN concat_ws(' ', l.text, btrim(n.text)) ELSE l.text END AS text
FROM line l
CROSS JOIN LATERAL (SELECT l.text ~ 'sec\.enter(_whole_study)?\([^)]*,$' AS two) t
LEFT JOIN line n ON (n.oid, n.no) = (l.oid, l.no + 1);

-- Each IF with the line of its THEN and the statement that follows.
CREATE TEMP TABLE branch AS
SELECT i.oid, i.nspname, i.proname, i.no AS first, t.no AS last, i.text AS if_text, t.text AS then_text,
       btrim(concat_ws(' ', NULLIF(substring(t.text FROM '\mTHEN\M\s+(\S.*)$'), ''),
                       (SELECT string_agg(btrim(b.text), ' ' ORDER BY b.no)
                        FROM line b
                        WHERE b.oid = i.oid AND b.no BETWEEN t.no + 1 AND t.no + 3 AND b.text !~ '^\s*--'))) AS body
FROM line i
CROSS JOIN LATERAL (SELECT x.no, x.text FROM line x
                    WHERE x.oid = i.oid AND x.no >= i.no AND x.text ~ '\mTHEN\M'
                    ORDER BY x.no LIMIT 1) t
WHERE i.lanname = 'plpgsql'
  AND i.text ~ '^\s*(ELS)?IF\M';

CREATE TEMP TABLE found AS
SELECT b.oid, b.first, 'guard' AS kind, btrim(b.if_text) AS what,
       'guard ' || b.nspname || '.' || b.proname || ':' || b.first AS reach, b.last,
       regexp_replace(b.if_text, '\m(ELS)?IF\M.*$', '\1IF false ')
           || substring(b.then_text FROM '\mTHEN\M.*$') AS becomes
FROM branch b
WHERE b.body ~ '^(RAISE|RETURN)\M'
UNION ALL
SELECT l.oid, l.no, 'refusal', btrim(l.text), 'function ' || l.nspname || '.' || l.proname, l.no,
       regexp_replace(l.text, '\mWHEN\M.*\mTHEN\M( ''[a-z_]+'')', 'WHEN false THEN\1')
FROM line l
WHERE l.text ~ 'WHEN [^;]* THEN ''[a-z_]+'''
  AND l.text !~ 'CASE [a-z_.]+ WHEN'
  AND l.text !~ '\mWHEN\M.*\mWHEN\M'
  AND l.nspname IN ('api', 'sec', 'auth', 'blind', 'admin', 'rep', 'upload', 'core', 'audit')
UNION ALL
SELECT l.oid, l.first, 'call', btrim(l.text), 'function ' || l.nspname || '.' || l.proname, l.last,
       regexp_replace(l.text, 'PERFORM .*$', 'NULL;')
FROM piece l
WHERE l.lanname = 'plpgsql'
  AND l.text ~ '^\s*PERFORM [a-z]+\.(enter\w*|need_\w+|lock_\w+|record|use_second_factor|pg_advisory_xact_lock\w*)\('
  AND l.text ~ ';$'
UNION ALL
-- Often in a declaration, of which the log tells nothing: whoever names the function looks.
SELECT l.oid, l.first, 'roles', btrim(l.text), '', l.last,
       regexp_replace(l.text, '(sec\.enter(_whole_study)?\(token, study, )''[^)]*\)',
           '\1VARIADIC ARRAY[''administrator'', ''data_manager'', ''coordinator'', ''investigator'', ''monitor'', '
           '''statistician'', ''statistician_unmasked'', ''site_machine''])')
FROM piece l
WHERE l.text ~ 'sec\.enter(_whole_study)?\(token, study, ''[^)]*\)'
UNION ALL
SELECT l.oid, l.no, 'whole', btrim(l.text), '', l.no,
       replace(l.text, 'sec.enter_whole_study(', 'sec.enter(')
FROM line l
WHERE strpos(l.text, 'sec.enter_whole_study(') > 0
  AND l.text !~ 'FUNCTION'
UNION ALL
SELECT l.oid, l.no, 'condition', btrim(l.text),
       CASE l.lanname WHEN 'plpgsql' THEN 'function ' || l.nspname || '.' || l.proname ELSE '' END, l.no,
       regexp_replace(l.text, 'AND .*?(;?)$', 'AND true\1')
FROM line l
WHERE l.nspname IN ('sec', 'auth', 'blind', 'audit')
  AND l.text ~ '^\s*AND '
  AND l.text !~ '--|THEN|LOOP|BETWEEN'
  AND length(replace(l.text, '(', '')) = length(replace(l.text, ')', ''));

INSERT INTO mutant
SELECT f.kind, x.name || ':' || f.first || ' ' || f.what, f.reach, x.proname,
       pg_temp.replace_lines(f.oid, f.first, f.last, f.becomes)
FROM found f
JOIN fun x ON x.oid = f.oid;

-- Functions as they stand, but that they tell the log where they have come: at their first BEGIN, and in each guard.
-- On a template of its own, this shows which program reaches what.
CREATE TEMP TABLE traced AS
SELECT l.oid, string_agg(
           CASE WHEN l.text = 'BEGIN'
                    AND l.no = (SELECT min(b.no) FROM line b WHERE b.oid = l.oid AND b.text = 'BEGIN')
                THEN format(E'BEGIN\nRAISE LOG ''reach: %%'', %L;', 'function ' || l.nspname || '.' || l.proname)
                WHEN f.reach IS NOT NULL
                THEN regexp_replace(l.text, '\mTHEN\M', format('THEN RAISE LOG ''reach: %%'', %L;', f.reach))
                ELSE l.text END, E'\n' ORDER BY l.no) || ';' AS change
FROM line l
LEFT JOIN found f ON (f.oid, f.last, f.kind) = (l.oid, l.no, 'guard')
WHERE l.lanname = 'plpgsql'
GROUP BY l.oid;


-- Errors come into that log as well: the settings that keep them out of it are others there.
INSERT INTO traced
SELECT fun.oid, replace(pg_get_functiondef(fun.oid), '(''log_min_messages'', ''log'')',
                        '(''log_min_messages'', ''error'')') || ';'
FROM fun
WHERE fun.name = 'patella_meta.log_settings()';
