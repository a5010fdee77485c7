-- SPDX-License-Identifier: GPL-3.0-or-later
-- Links by which a subject answers one form at one visit, and nothing else.
--
-- A link is a credential of the role `participant`, for one site, and the row that says which record it is for.  No
-- other function lets that role in, and what it submits is stored only when it is that record, under the id that the
-- link was given: so sending again is always the same submission.  `recorded_by` of such a version is the account
-- `participant`, which nobody can sign in as, its door is `participant`, and its id is the link's, which says who made
-- it, when, and for whom.

SET LOCAL ROLE patella_sec_owner;

ALTER TABLE sec.credential
    DROP CONSTRAINT credential_role_check,
    ADD CONSTRAINT credential_role_check
        CHECK (role IN ('administrator', 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                        'statistician_unmasked', 'site_machine', 'participant')),
    ADD CONSTRAINT credential_participant_check CHECK ((role = 'participant') = (account = 'participant'));
ALTER TABLE sec.membership ADD CONSTRAINT membership_participant_check CHECK (account <> 'participant');
ALTER TABLE sec.person ADD CONSTRAINT person_participant_check CHECK (account <> 'participant');

-- As in 0043, without links: they are no programs.
CREATE OR REPLACE FUNCTION sec.number_tokens(study int)
RETURNS TABLE (number int, token_no int)
LANGUAGE sql STABLE SET search_path = ''
AS $$
    SELECT (pg_catalog.row_number() OVER (ORDER BY c.token_no))::int, c.token_no
    FROM sec.credential c
    WHERE c.study_id = study
      AND c.session_no IS NULL
      AND c.role <> 'participant'
$$;

CREATE FUNCTION sec.add_link_credential(study int, site int, token_sha256 bytea, ends timestamptz) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    number int;
BEGIN
    IF NOT EXISTS (SELECT FROM sec.account a WHERE a.account = 'participant') THEN
        INSERT INTO sec.account (account, full_name) VALUES ('participant', 'A subject, by a link')
        ON CONFLICT DO NOTHING;
    END IF;
    PERFORM sec.lock_account('participant');
    SELECT COALESCE(pg_catalog.max(c.token_no), 0) + 1 INTO number FROM sec.credential c;
    INSERT INTO sec.credential (token_no, token_sha256, account, study_id, role, site_ids, expires_at)
    VALUES (number, token_sha256, 'participant', study, 'participant', ARRAY[site], ends);
    RETURN number;
END
$$;

CREATE FUNCTION sec.end_link_credential(number int) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE sec.credential c
    SET revoked_at = pg_catalog.clock_timestamp()
    WHERE c.token_no = number AND c.role = 'participant' AND c.revoked_at IS NULL;
END
$$;
GRANT EXECUTE ON FUNCTION sec.add_link_credential(int, int, bytea, timestamptz), sec.end_link_credential(int)
    TO patella_api;

SET LOCAL ROLE patella_owner;

-- Of version 7 (RFC 9562): the milliseconds of now, and random bits.
CREATE FUNCTION core.new_id() RETURNS uuid
LANGUAGE sql VOLATILE SET search_path = ''
AS $$
    SELECT pg_catalog.encode(pg_catalog.set_bit(pg_catalog.set_bit(pg_catalog.overlay(
               pg_catalog.uuid_send(pg_catalog.gen_random_uuid()),
               pg_catalog.substring(pg_catalog.int8send(
                   (EXTRACT(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint), 3),
               1, 6), 52, 1), 53, 1), 'hex')::uuid
$$;
GRANT EXECUTE ON FUNCTION core.new_id() TO patella_api;

CREATE TABLE core.participant_link (
    study_id int NOT NULL,
    site_id int NOT NULL,
    link_id uuid NOT NULL DEFAULT core.new_id(),    -- the id that the submission has
    subject_no int NOT NULL,
    form text COLLATE "C" NOT NULL,
    form_version int NOT NULL,
    knee text COLLATE "C" NOT NULL CHECK (knee IN ('none', 'left', 'right')),
    visit text COLLATE "C" NOT NULL CHECK (pg_catalog.length(visit) BETWEEN 1 AND 63),
    language text COLLATE "C" CHECK (COALESCE(language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$', true)),
    token_no int NOT NULL,                          -- of the credential
    expires_at timestamptz NOT NULL,
    recorded_by text NOT NULL DEFAULT audit.actor(),
    recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    era smallint NOT NULL DEFAULT audit.current_era(),
    revoked_at timestamptz,
    revoked_by text,
    answers json COMPRESSION lz4,                   -- so far; as a draft's
    revision int NOT NULL DEFAULT 0 CHECK (revision >= 0),
    PRIMARY KEY (study_id, site_id, link_id),
    CONSTRAINT participant_link_token_key UNIQUE (study_id, site_id, token_no),
    FOREIGN KEY (study_id, site_id, subject_no) REFERENCES core.subject,
    FOREIGN KEY (study_id, form, form_version) REFERENCES core.form,
    CONSTRAINT participant_link_days_check CHECK (expires_at <= recorded_at + interval '31 days'),
    CONSTRAINT participant_link_revoked_check CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)),
    CONSTRAINT participant_link_size_check CHECK (COALESCE(pg_catalog.octet_length(answers::text) <= 262144, true))
);
CREATE INDEX participant_link_subject ON core.participant_link (study_id, site_id, subject_no);

CREATE TRIGGER keep_rows BEFORE UPDATE ON core.participant_link
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change_except('revoked_at', 'revoked_by', 'answers', 'revision');
CREATE TRIGGER keep_rows_whole BEFORE DELETE ON core.participant_link
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON core.participant_link
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_insert AFTER INSERT ON core.participant_link REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert('token_no', 'answers', 'revision');
CREATE TRIGGER record_update AFTER UPDATE ON core.participant_link
    FOR EACH ROW EXECUTE FUNCTION audit.record_update('token_no', 'answers', 'revision');
ALTER TABLE core.participant_link ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, UPDATE (revoked_at, revoked_by, answers, revision) ON core.participant_link TO patella_api;
GRANT SELECT ON core.participant_link TO patella_writer;

-- Whether a first version is the one that the link of this credential is for.
CREATE FUNCTION core.is_of_link(token_no int, study int, site int, id uuid, subject int, form text, form_version int,
                                knee text, visit text, instance int, version int)
RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM core.participant_link l
                   WHERE (l.study_id, l.site_id, l.token_no) = ($2, $3, $1)
                     AND (l.link_id, l.subject_no, l.form, l.form_version, l.knee, l.visit, 1, 1)
                         = ($4, $5, $6, $7, $8, $9, $10, $11));
END
$$;
GRANT EXECUTE ON FUNCTION
    core.is_of_link(int, int, int, uuid, int, text, int, text, text, int, int) TO patella_writer;

RESET ROLE;

CREATE POLICY context ON core.participant_link FOR SELECT TO patella_api
    USING (study_id = (SELECT sec.context_study()) AND site_id = ANY ((SELECT sec.context_sites())::int[]));
CREATE POLICY context_adds ON core.participant_link FOR INSERT TO patella_api
    WITH CHECK (study_id = (SELECT sec.context_study()) AND site_id = ANY ((SELECT sec.context_sites())::int[])
                AND recorded_by = (SELECT audit.actor()));
CREATE POLICY context_changes ON core.participant_link FOR UPDATE TO patella_api
    USING (study_id = (SELECT sec.context_study()) AND site_id = ANY ((SELECT sec.context_sites())::int[]));
CREATE POLICY writer ON core.participant_link FOR SELECT TO patella_writer USING (true);

-- ---------------------------------------------------------------------------------------------- the one way in

-- A row of a participant is never plain: it takes the whole judgement, which asks for its link.
DO $$
DECLARE
    fun constant regprocedure :=
        (SELECT p.oid FROM pg_catalog.pg_proc p
         WHERE p.pronamespace = 'api'::pg_catalog.regnamespace AND p.proname = 'read_rest');
    definition text := pg_catalog.pg_get_functiondef(fun);
    old constant text :=
        'WHEN c.role NOT IN (''coordinator'', ''investigator'', ''data_manager'', ''site_machine'') THEN';
    new constant text :=
        'WHEN CASE c.role WHEN ''participant'' THEN core.is_of_link(c.token_no, r.study, r.site, ids[r.i], '
        'subjects[r.i], forms[r.i], form_versions[r.i], knees[r.i], visits[r.i], instances[r.i], '
        'versions[r.i]) IS NOT TRUE '
        'ELSE c.role NOT IN (''coordinator'', ''investigator'', ''data_manager'', ''site_machine'') END THEN';
BEGIN
    IF pg_catalog.strpos(definition, old) = 0 THEN
        RAISE EXCEPTION 'api.read_rest does not hold %', old;
    END IF;
    EXECUTE pg_catalog.replace(definition, old, new);
END
$$;

DELETE FROM guard.protection WHERE (kind, object) = ('policy', 'core.submission writer_adds');
ALTER POLICY writer_adds ON core.submission WITH CHECK (EXISTS (
    SELECT FROM sec.credential c
    WHERE c.token_no = submission.token_no AND c.account = submission.recorded_by AND c.study_id = submission.study_id
      AND (c.site_ids = '{}' OR submission.site_id = ANY (c.site_ids))
      AND CASE c.role
          WHEN 'participant'
          THEN core.is_of_link(c.token_no, submission.study_id, submission.site_id, submission.id,
                               submission.subject_no, submission.form, submission.form_version, submission.knee,
                               submission.visit, submission.instance, submission.version)
               AND submission.door = 'participant'
          ELSE c.role IN ('coordinator', 'investigator', 'data_manager', 'site_machine') END
      AND c.revoked_at IS NULL AND c.expires_at > pg_catalog.statement_timestamp()));

-- ---------------------------------------------------------------------------------------------- functions

SET LOCAL ROLE patella_api;

-- Whether the subject has left the study: the newest version of its end of study, or of a screening that holds a
-- withdrawal from more than the treatment.
CREATE FUNCTION api.has_left(study int, site int, subject int) RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM core.submission v
        WHERE (v.study_id, v.site_id, v.subject_no) = ($1, $2, $3)
          AND v.form IN ('end_of_study', 'screening')
          AND v.status = 'complete'
          AND (v.form = 'end_of_study'
               OR v.content #>> '{answers,withdrawal_date}' IS NOT NULL
                  AND v.content #>> '{answers,withdrawal_scope}' IS DISTINCT FROM 'treatment')
          AND api.is_newest(v));
END
$$;

-- Why a link for this record does not open now; NULL: it does.
CREATE FUNCTION api.why_closed(study int, site int, subject int, form text, knee text, visit text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = ''
AS $$
BEGIN
    RETURN CASE
        WHEN api.newest_version($1, $2, $3, $4, $5, $6, 1) > 0 THEN 'record_exists'
        WHEN EXISTS (SELECT FROM core.study s WHERE s.study_id = $1 AND s.frozen) THEN 'study_frozen'
        WHEN EXISTS (SELECT FROM core.subject s WHERE (s.study_id, s.site_id, s.subject_no) = ($1, $2, $3) AND s.locked)
        THEN 'subject_locked'
        WHEN api.has_left($1, $2, $3) THEN 'subject_left' END;
END
$$;

CREATE FUNCTION api.add_participant_link(token bytea, study int, token_sha256 bytea, site int, subject int, form text,
                                         form_version int, knee text, visit text, language text, days int)
RETURNS TABLE (code text, link_id uuid, expires_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager');
    ends timestamptz := pg_catalog.now() + pg_catalog.make_interval(days => days);
    why text;
BEGIN
    IF NOT EXISTS (SELECT FROM api.list_subjects(token, study, site, subject - 1, 1) s
                   WHERE (s.site_id, s.subject_no) = (site, subject))
    THEN
        why := 'unknown_subject';
    ELSE
        PERFORM pg_catalog.pg_advisory_xact_lock(77, study);
        why := COALESCE(
            api.why_closed(study, site, subject, add_participant_link.form, add_participant_link.knee,
                           add_participant_link.visit),
            (SELECT 'too_many_links'
             FROM core.participant_link l
             WHERE (l.study_id, l.site_id, l.subject_no) = (study, site, subject)
               AND l.revoked_at IS NULL AND l.expires_at > pg_catalog.now()
               AND NOT api.is_stored(l.study_id, l.site_id, l.link_id)
             HAVING pg_catalog.count(*) >= 5));
    END IF;
    IF why IS NOT NULL THEN
        PERFORM api.refuse(why, 'core.participant_link', study, site, NULL);
        RETURN QUERY SELECT why, NULL::uuid, NULL::timestamptz;
        RETURN;
    END IF;
    RETURN QUERY
    INSERT INTO core.participant_link AS l (study_id, site_id, subject_no, form, form_version, knee, visit, language,
                                            token_no, expires_at)
    VALUES (study, site, subject, add_participant_link.form, add_participant_link.form_version,
            add_participant_link.knee, add_participant_link.visit, add_participant_link.language,
            sec.add_link_credential(study, site, token_sha256, ends), ends)
    RETURNING NULL::text, l.link_id, l.expires_at;
END
$$;

CREATE FUNCTION api.list_participant_links(token bytea, study int, one uuid, site int, subject int, wanted_state text,
                                           after_site int, after_id uuid, most int)
RETURNS TABLE (link_id uuid, site_id int, subject_no int, form text, form_version int, knee text, visit text,
               language text, state text, expires_at timestamptz, recorded_by text, recorded_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'coordinator', 'investigator', 'data_manager');
    RETURN QUERY
    SELECT l.link_id, l.site_id, l.subject_no, l.form, l.form_version, l.knee, l.visit, l.language, s.state,
           l.expires_at, l.recorded_by, l.recorded_at
    FROM core.participant_link l
    CROSS JOIN LATERAL (
        SELECT CASE WHEN api.is_stored(l.study_id, l.site_id, l.link_id) THEN 'sent'
                    WHEN l.revoked_at IS NOT NULL THEN 'revoked'
                    WHEN l.expires_at <= pg_catalog.now() THEN 'expired'
                    ELSE 'open' END AS state) s
    WHERE l.study_id = study
      AND (one IS NULL OR l.link_id = one)
      AND (wanted_state IS NULL OR s.state = wanted_state)
      AND (list_participant_links.site IS NULL OR l.site_id = list_participant_links.site)
      AND (list_participant_links.subject IS NULL OR l.subject_no = list_participant_links.subject)
      AND (after_id IS NULL OR (l.site_id, l.link_id) > (after_site, after_id))
    ORDER BY l.site_id, l.link_id
    LIMIT LEAST(GREATEST(most, 1), 1000);
END
$$;

CREATE FUNCTION api.revoke_participant_link(token bytea, study int, link uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'investigator', 'data_manager');
    number int;
BEGIN
    UPDATE core.participant_link l
    SET revoked_at = COALESCE(l.revoked_at, pg_catalog.clock_timestamp()), revoked_by = COALESCE(l.revoked_by, account),
        answers = NULL
    WHERE l.study_id = study AND l.link_id = link
    RETURNING l.token_no INTO number;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such link' USING ERRCODE = 'P0002';
    END IF;
    PERFORM sec.end_link_credential(number);
END
$$;

-- The link of a participant's token, and why it does not open: link_sent once its submission is stored.
CREATE FUNCTION api.find_participant_link(token bytea, study int)
RETURNS TABLE (code text, link_id uuid, site_id int, subject_no int, form text, form_version int, knee text,
               visit text, language text, expires_at timestamptz, answers text, revision int, sent_on date)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'participant');
    UPDATE core.participant_link l          -- what was sent is a record; nobody needs it here any more
    SET answers = NULL
    WHERE l.study_id = study AND l.token_no = sec.token_number(token) AND l.answers IS NOT NULL
      AND api.is_stored(l.study_id, l.site_id, l.link_id);
    RETURN QUERY
    SELECT CASE WHEN v.dated IS NOT NULL THEN 'link_sent'
                ELSE api.why_closed(l.study_id, l.site_id, l.subject_no, l.form, l.knee, l.visit) END,
           l.link_id, l.site_id, l.subject_no, l.form, l.form_version, l.knee, l.visit, l.language, l.expires_at,
           l.answers::text, l.revision, v.dated
    FROM core.participant_link l
    LEFT JOIN core.submission v ON (v.study_id, v.id, v.site_id) = (l.study_id, l.link_id, l.site_id)
    WHERE l.study_id = study
      AND l.token_no = sec.token_number(token)
      AND l.revoked_at IS NULL;
END
$$;

CREATE FUNCTION api.put_participant_answers(token bytea, study int, answers text, revision int) RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    l core.participant_link;
    why text;
BEGIN
    PERFORM sec.enter(token, study, 'participant');
    SELECT f.code INTO why FROM api.find_participant_link(token, study) f;
    IF why IS NOT NULL THEN
        RETURN ROW(why, NULL, NULL)::api.outcome;
    END IF;
    UPDATE core.participant_link x
    SET answers = put_participant_answers.answers::json, revision = put_participant_answers.revision + 1
    WHERE x.study_id = study
      AND x.token_no = sec.token_number(token)
      AND x.revoked_at IS NULL
      AND (x.revision = put_participant_answers.revision
           OR x.revision = put_participant_answers.revision + 1
              AND x.answers::text = put_participant_answers.answers)
    RETURNING x.* INTO l;
    IF NOT FOUND THEN
        RETURN ROW('draft_changed', NULL, NULL)::api.outcome;
    END IF;
    RETURN ROW(NULL, l.revision, pg_catalog.clock_timestamp())::api.outcome;
END
$$;

GRANT EXECUTE ON FUNCTION
    api.add_participant_link(bytea, int, bytea, int, int, text, int, text, text, text, int),
    api.list_participant_links(bytea, int, uuid, int, int, text, int, uuid, int),
    api.revoke_participant_link(bytea, int, uuid),
    api.find_participant_link(bytea, int),
    api.put_participant_answers(bytea, int, text, int)
    TO patella_collector;

RESET ROLE;
SELECT guard.record();
