-- SPDX-License-Identifier: GPL-3.0-or-later
-- Allocation: which cohort a subject, or a knee, belongs to.
--
-- It stands in a schema and under an owner of its own, so that it can be closed off: nobody else has a privilege on
-- the table.  It comes in by one function and leaves by one, which refuses a masked study.  The audit trail holds
-- that an allocation was entered, never the cohort: the entries themselves are kept for ever.

GRANT REFERENCES ON core.subject TO patella_blind_owner;

SET LOCAL ROLE patella_blind_owner;

CREATE TABLE blind.allocation (
    study_id int NOT NULL,
    site_id int NOT NULL,
    subject_no int NOT NULL,
    knee text COLLATE "C" NOT NULL CHECK (knee IN ('none', 'left', 'right')),    -- none: the subject as a whole
    entry int NOT NULL CHECK (entry >= 1),                                       -- the newest counts
    cohort text NOT NULL CHECK (pg_catalog.length(pg_catalog.btrim(cohort)) BETWEEN 1 AND 63),
    reason text,
    entered_by text NOT NULL,
    entered_at timestamptz NOT NULL,
    xid xid8 NOT NULL,
    era smallint NOT NULL,
    PRIMARY KEY (study_id, site_id, subject_no, knee, entry),
    FOREIGN KEY (study_id, site_id, subject_no) REFERENCES core.subject,
    CONSTRAINT allocation_reason_check CHECK (entry = 1 OR core.is_reason(reason))
);
ALTER TABLE blind.allocation ENABLE ROW LEVEL SECURITY;
ALTER TABLE blind.allocation FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_only ON blind.allocation TO patella_blind_owner USING (true);

CREATE TRIGGER keep_rows BEFORE UPDATE OR DELETE ON blind.allocation
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER keep_table BEFORE TRUNCATE ON blind.allocation
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER record_insert AFTER INSERT ON blind.allocation REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION audit.record_insert('cohort');
