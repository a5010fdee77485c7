-- SPDX-License-Identifier: GPL-3.0-or-later
-- Double entry: another account enters a record a second time; what differs is settled item by item.
--
-- The second entry stands beside the version that it was compared with.  What is to be changed comes as the next
-- version through the one way in, and the reconciliation then names that version: here it is only held against what
-- was settled.

SET LOCAL ROLE patella_owner;

-- What another account has entered for a record, and which version it was compared with.
CREATE TABLE core.second_entry (
    study_id int NOT NULL,
    site_id int NOT NULL,
    entry_id uuid NOT NULL,
    submission_id uuid NOT NULL,
    content json COMPRESSION lz4 NOT NULL,      -- canonical text, like a submission's
    sha256 bytea NOT NULL CHECK (pg_catalog.octet_length(sha256) = 32),
    PRIMARY KEY (study_id, site_id, entry_id),
    FOREIGN KEY (study_id, submission_id, site_id) REFERENCES core.submission (study_id, id, site_id),
    CONSTRAINT second_entry_size_check CHECK (pg_catalog.octet_length(content::text) <= 262144)
);

-- How an item that differs was settled.
CREATE TABLE core.reconciliation (
    study_id int NOT NULL,
    site_id int NOT NULL,
    entry_id uuid NOT NULL,
    item text COLLATE "C" NOT NULL,
    choice text NOT NULL CHECK (choice IN ('first', 'second', 'neither')),
    reason text,
    submission_id uuid NOT NULL,                -- the version that holds what was settled
    PRIMARY KEY (study_id, site_id, entry_id, item),
    FOREIGN KEY (study_id, site_id, entry_id) REFERENCES core.second_entry,
    FOREIGN KEY (study_id, submission_id, site_id) REFERENCES core.submission (study_id, id, site_id),
    CONSTRAINT reconciliation_reason_check CHECK (choice <> 'neither' OR core.is_reason(reason))
);

RESET ROLE;

DO $$
DECLARE
    tab text;
BEGIN
    FOREACH tab IN ARRAY ARRAY['second_entry', 'reconciliation'] LOOP
        EXECUTE pg_catalog.format(
            'ALTER TABLE core.%I '
            'ADD recorded_by text NOT NULL DEFAULT audit.actor(), '
            'ADD recorded_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(), '
            'ADD xid xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(), '
            'ADD era smallint NOT NULL DEFAULT audit.current_era(), '
            'ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', tab);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER keep_table BEFORE TRUNCATE ON core.%I FOR EACH STATEMENT '
            'EXECUTE FUNCTION audit.refuse_change()', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY reporter ON core.%I FOR SELECT TO patella_reporter USING '
            '(study_id IN (SELECT g.study_id FROM sec.reporter_grant g WHERE g.role = session_user))', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY context ON core.%I FOR SELECT TO patella_api USING '
            '(study_id = (SELECT sec.context_study()) AND site_id = ANY ((SELECT sec.context_sites())::int[]))', tab);
        EXECUTE pg_catalog.format(
            'CREATE POLICY context_adds ON core.%I FOR INSERT TO patella_api WITH CHECK '
            '(study_id = (SELECT sec.context_study()) AND site_id = ANY ((SELECT sec.context_sites())::int[]) '
            'AND recorded_by = (SELECT audit.actor()))', tab);
        EXECUTE pg_catalog.format('GRANT SELECT ON core.%I TO patella_reporter', tab);
        EXECUTE pg_catalog.format('GRANT SELECT, INSERT ON core.%I TO patella_api', tab);
    END LOOP;
END
$$;

CREATE TRIGGER record_insert AFTER INSERT ON core.second_entry REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert('content');
CREATE TRIGGER record_insert AFTER INSERT ON core.reconciliation REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert();
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON core.reconciliation
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();

-- ---------------------------------------------------------------------------------------------- redaction

SET LOCAL ROLE patella_owner;

-- What was entered twice goes twice: with the body of a version that of its second entries.
CREATE FUNCTION core.keep_second_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF pg_catalog.to_jsonb(NEW) - 'content' = pg_catalog.to_jsonb(OLD) - 'content'
           AND NEW.content::text = '{"redacted":true}'
           AND EXISTS (SELECT FROM core.redaction r
                       JOIN core.redaction_decision d USING (study_id, site_id, redaction_id)
                       WHERE (r.study_id, r.submission_id, r.site_id) = (OLD.study_id, OLD.submission_id, OLD.site_id)
                         AND d.decision = 'approved')
        THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% on %.% is refused: rows are only added', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = '42501';
END
$$;
CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON core.second_entry
    FOR EACH ROW EXECUTE FUNCTION core.keep_second_entry();

CREATE FUNCTION core.redact_second_entries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
BEGIN
    UPDATE core.second_entry e
    SET content = '{"redacted":true}'
    FROM core.redaction r
    WHERE (r.study_id, r.site_id, r.redaction_id) = (NEW.study_id, NEW.site_id, NEW.redaction_id)
      AND (e.study_id, e.submission_id, e.site_id) = (r.study_id, r.submission_id, r.site_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER redact_second_entries AFTER INSERT ON core.redaction_decision
    FOR EACH ROW WHEN (NEW.decision = 'approved') EXECUTE FUNCTION core.redact_second_entries();

RESET ROLE;

CREATE POLICY owner_redacts ON core.second_entry TO patella_owner USING (EXISTS (
    SELECT FROM core.redaction r
    JOIN core.redaction_decision d USING (study_id, site_id, redaction_id)
    WHERE (r.study_id, r.submission_id, r.site_id)
          = (second_entry.study_id, second_entry.submission_id, second_entry.site_id)
      AND d.decision = 'approved'));

SET LOCAL ROLE patella_api;

-- ---------------------------------------------------------------------------------------------- comparing

-- What a canonical text says of each item; an item that was left open on purpose says why, and `date` stands for the
-- date of the record.
CREATE FUNCTION api.entry_items(content json) RETURNS TABLE (item text, value text)
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
    RETURN QUERY
    SELECT 'date', content ->> 'date'
    WHERE content ->> 'date' IS NOT NULL
    UNION ALL
    SELECT a.key, a.value FROM pg_catalog.json_each_text(content -> 'answers') a
    UNION ALL
    SELECT n.key, 'not answered: ' || n.value FROM pg_catalog.json_each_text(content -> 'not_answered') n;
END
$$;

CREATE FUNCTION api.entry_differences(first_content json, second_content json)
RETURNS TABLE (item text, first_value text, second_value text)
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT item, a.value, b.value
    FROM api.entry_items(first_content) a
    FULL JOIN api.entry_items(second_content) b USING (item)
    WHERE a.value IS DISTINCT FROM b.value
    ORDER BY item COLLATE "C";
END
$$;

-- ---------------------------------------------------------------------------------------------- entering

CREATE FUNCTION api.enter_second(token bytea, study int, entry uuid, site int, subject int, form text, knee text,
                                 visit text, instance int, form_version int, content text)
RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'data_manager');
    digest bytea := pg_catalog.sha256(pg_catalog.convert_to(content, 'UTF8'));
    v core.submission;
    earlier core.second_entry;
    added timestamptz;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(77, study);

    SELECT e.* INTO earlier
    FROM core.second_entry e
    WHERE (e.study_id, e.entry_id) = (study, entry)
    ORDER BY e.site_id
    LIMIT 1;
    IF FOUND THEN
        IF (earlier.site_id, earlier.sha256, earlier.recorded_by) = (site, digest, account) THEN
            RETURN ROW(NULL, 1, earlier.recorded_at)::api.outcome;
        END IF;
        RETURN api.refuse('uuid_reused', 'core.second_entry', study, site, entry);
    END IF;
    SELECT s.* INTO v
    FROM core.submission s
    WHERE (s.study_id, s.site_id, s.subject_no, s.form, s.knee, s.visit, s.instance)
          = (study, site, subject, enter_second.form, enter_second.knee, enter_second.visit, enter_second.instance)
    ORDER BY s.version DESC
    LIMIT 1;
    IF NOT FOUND OR v.status = 'void' OR v.content ->> 'redacted' = 'true' THEN
        RETURN api.refuse('no_first_entry', 'core.second_entry', study, site, entry);
    END IF;
    IF v.recorded_by = account THEN
        RETURN api.refuse('same_account', 'core.second_entry', study, site, entry);
    END IF;
    IF v.form_version IS DISTINCT FROM form_version THEN
        RETURN api.refuse('other_form_version', 'core.second_entry', study, site, entry);
    END IF;

    INSERT INTO core.second_entry AS e (study_id, site_id, entry_id, submission_id, content, sha256)
    VALUES (study, site, entry, v.id, content::json, digest)
    RETURNING e.recorded_at INTO added;
    RETURN ROW(NULL, 1, added)::api.outcome;
END
$$;

-- ---------------------------------------------------------------------------------------------- settling

-- Whether `result` says of each item what was settled, and of all others what both entries say.
CREATE FUNCTION api.is_settled(first_content json, second_content json, result json, items text[], choices text[])
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE SET search_path = ''
AS $$
BEGIN
    RETURN NOT EXISTS (
        SELECT FROM api.entry_items(first_content) a
        FULL JOIN api.entry_items(second_content) b USING (item)
        FULL JOIN api.entry_items(result) c USING (item)
        LEFT JOIN ROWS FROM (pg_catalog.unnest(items), pg_catalog.unnest(choices)) s (item, choice) USING (item)
        WHERE CASE COALESCE(s.choice, 'first')
              WHEN 'first' THEN c.value IS DISTINCT FROM a.value
              WHEN 'second' THEN c.value IS DISTINCT FROM b.value
              ELSE c.value IS NOT DISTINCT FROM a.value OR c.value IS NOT DISTINCT FROM b.value END);
END
$$;

-- `result`: the version behind the compared one, which holds what was settled; NULL when the first entry stands.
CREATE FUNCTION api.reconcile(token bytea, study int, entry uuid, result uuid, items text[], choices text[],
                              reasons text[])
RETURNS api.outcome
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
DECLARE
    account text := sec.enter(token, study, 'coordinator', 'data_manager');
    e core.second_entry;
    v core.submission;
    settled core.submission;
    done timestamptz;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(77, study);

    SELECT x.* INTO e
    FROM core.second_entry x
    WHERE (x.study_id, x.entry_id) = (study, entry)
    ORDER BY x.site_id
    LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such second entry' USING ERRCODE = 'P0002';
    END IF;
    SELECT x.* INTO v
    FROM core.submission x
    WHERE (x.study_id, x.id, x.site_id) = (study, e.submission_id, e.site_id);
    IF v.recorded_by = account THEN
        RETURN api.refuse('same_account', 'core.second_entry', study, e.site_id, entry);
    END IF;
    IF v.content ->> 'redacted' = 'true' THEN
        RETURN api.refuse('no_first_entry', 'core.second_entry', study, e.site_id, entry);
    END IF;
    SELECT pg_catalog.min(r.recorded_at) INTO done
    FROM core.reconciliation r
    WHERE (r.study_id, r.site_id, r.entry_id) = (study, e.site_id, entry);
    IF done IS NOT NULL THEN
        IF ARRAY(SELECT ROW(r.item, r.choice)::text FROM core.reconciliation r
                 WHERE (r.study_id, r.site_id, r.entry_id, r.recorded_by) = (study, e.site_id, entry, account)
                 ORDER BY r.item)
           = ARRAY(SELECT ROW(s.item, s.choice)::text
                   FROM ROWS FROM (pg_catalog.unnest(items), pg_catalog.unnest(choices)) s (item, choice)
                   ORDER BY s.item COLLATE "C")
        THEN
            RETURN ROW(NULL, 1, done)::api.outcome;
        END IF;
        RETURN api.refuse('decided_already', 'core.second_entry', study, e.site_id, entry);
    END IF;

    IF ARRAY(SELECT d.item FROM api.entry_differences(v.content, e.content) d ORDER BY d.item COLLATE "C")
       IS DISTINCT FROM ARRAY(SELECT i FROM pg_catalog.unnest(items) i ORDER BY i COLLATE "C")
       OR pg_catalog.cardinality(items) = 0
       OR pg_catalog.cardinality(choices) IS DISTINCT FROM pg_catalog.cardinality(items)
    THEN
        RETURN api.refuse('items_differ', 'core.second_entry', study, e.site_id, entry);
    END IF;
    IF EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(choices), pg_catalog.unnest(reasons)) s (choice, reason)
               WHERE s.choice = 'neither' AND NOT core.is_reason(s.reason))
    THEN
        RETURN api.refuse('reason_missing', 'core.second_entry', study, e.site_id, entry);
    END IF;
    SELECT x.* INTO settled
    FROM core.submission x
    WHERE (x.study_id, x.site_id, x.subject_no, x.form, x.knee, x.visit, x.instance)
          = (study, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance)
      AND x.id = COALESCE(result, v.id)
      AND x.version = v.version + CASE WHEN result IS NULL THEN 0 ELSE 1 END;
    IF NOT FOUND OR settled.status = 'void' OR settled.form_version <> v.form_version
       OR NOT api.is_settled(v.content, e.content, settled.content, items, choices)
    THEN
        RETURN api.refuse('result_differs', 'core.second_entry', study, e.site_id, entry);
    END IF;

    INSERT INTO core.reconciliation (study_id, site_id, entry_id, item, choice, reason, submission_id)
    SELECT study, e.site_id, entry, s.item, s.choice, s.reason, settled.id
    FROM ROWS FROM (pg_catalog.unnest(items), pg_catalog.unnest(choices), pg_catalog.unnest(reasons))
         s (item, choice, reason);
    RETURN ROW(NULL, 1, pg_catalog.clock_timestamp())::api.outcome;
END
$$;

-- ---------------------------------------------------------------------------------------------- lists

CREATE FUNCTION api.list_second_entries(token bytea, study int, one uuid, site int, subject int, wanted_state text,
                                        after_site int, after_id uuid, most int)
RETURNS TABLE (entry_id uuid, site_id int, subject_no int, form text, knee text, visit text, instance int, version int,
               id uuid, state text, differences bigint, result uuid, first_by text, recorded_by text,
               recorded_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' SET plan_cache_mode = force_custom_plan
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked');

    RETURN QUERY
    SELECT e.entry_id, v.site_id, v.subject_no, v.form, v.knee, v.visit, v.instance, v.version, v.id, s.state,
           compared.differences, settled.submission_id, v.recorded_by, e.recorded_by, e.recorded_at
    FROM core.second_entry e
    JOIN core.submission v ON (v.study_id, v.id, v.site_id) = (e.study_id, e.submission_id, e.site_id)
    CROSS JOIN LATERAL (
        SELECT pg_catalog.count(*) AS differences
        FROM api.entry_differences(v.content, e.content)
        WHERE COALESCE(v.content ->> 'redacted', '') <> 'true') compared
    LEFT JOIN LATERAL (
        SELECT r.submission_id
        FROM core.reconciliation r
        WHERE (r.study_id, r.site_id, r.entry_id) = (e.study_id, e.site_id, e.entry_id)
        LIMIT 1) settled ON true
    CROSS JOIN LATERAL (
        SELECT CASE WHEN v.content ->> 'redacted' = 'true' THEN 'redacted'
                    WHEN settled.submission_id IS NOT NULL THEN 'reconciled'
                    WHEN compared.differences = 0 THEN 'agrees'
                    ELSE 'differs' END AS state) s
    WHERE e.study_id = study
      AND (one IS NULL OR e.entry_id = one)
      AND (wanted_state IS NULL OR s.state = wanted_state)
      AND (list_second_entries.site IS NULL OR e.site_id = list_second_entries.site)
      AND (list_second_entries.subject IS NULL OR v.subject_no = list_second_entries.subject)
      AND (after_id IS NULL OR (e.site_id, e.entry_id) > (after_site, after_id))
    ORDER BY e.site_id, e.entry_id
    LIMIT LEAST(GREATEST(most, 1), 10000);
END
$$;

-- What differs, and how it was settled.
CREATE FUNCTION api.list_differences(token bytea, study int, site int, entry uuid)
RETURNS TABLE (item text, first_value text, second_value text, choice text, reason text, recorded_by text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
AS $$
#variable_conflict use_column
BEGIN
    PERFORM sec.enter(token, study, 'data_manager', 'coordinator', 'investigator', 'monitor', 'statistician',
                      'statistician_unmasked');

    RETURN QUERY
    SELECT d.item, d.first_value, d.second_value, r.choice, r.reason, r.recorded_by
    FROM core.second_entry e
    JOIN core.submission v ON (v.study_id, v.id, v.site_id) = (e.study_id, e.submission_id, e.site_id)
    CROSS JOIN LATERAL api.entry_differences(v.content, e.content) d
    LEFT JOIN core.reconciliation r
         ON (r.study_id, r.site_id, r.entry_id, r.item) = (e.study_id, e.site_id, e.entry_id, d.item)
    WHERE (e.study_id, e.site_id, e.entry_id) = (study, site, entry)
      AND COALESCE(v.content ->> 'redacted', '') <> 'true'
    ORDER BY d.item COLLATE "C";
END
$$;

GRANT EXECUTE ON FUNCTION
    api.enter_second(bytea, int, uuid, int, int, text, text, text, int, int, text),
    api.reconcile(bytea, int, uuid, uuid, text[], text[], text[]),
    api.list_second_entries(bytea, int, uuid, int, int, text, int, uuid, int),
    api.list_differences(bytea, int, int, uuid)
    TO patella_collector;

RESET ROLE;
SELECT guard.record();
