# SPDX-License-Identifier: GPL-3.0-or-later
# A database with the simulated trial, for tests/bench/report: rows as the collector stores them, brought by COPY.
# shellcheck shell=bash
# shellcheck disable=SC2154  # bench and sql come from measure.sh

# Defines the study in the database that is used.
define_trial() {
    local admin=$BUILD/bin/patella-admin site
    "$BUILD/bin/patella-migrate" up > /dev/null || fail "the migrations"
    env -u PGUSER "$admin" study add trial1000 --protocol tests/golden/trial1000/protocol.yaml \
        --forms forms/instruments > /dev/null 2>&1 || fail "the study"
    for site in {1..20}; do
        env -u PGUSER "$admin" site add trial1000 "$site" --name "Site $site" --time-zone UTC > /dev/null ||
            fail "the sites"
    done
}

copy_trial() { # SUBJECTS KIND TABLE COLUMNS
    "$bench" trial subjects="$1" kind="$2" xid="$xid" |
        sql -c "SET session_replication_role = replica" -c "COPY $3 ($4) FROM STDIN" || fail "the rows of $3"
}

# The triggers are off: it is their result that is made.  The audit trail of the rows is left out, for no report reads
# it.  The indexes of the submissions, and the foreign keys that stand on them, are made anew behind the rows, which is
# faster and is what REINDEX would leave.
load_trial() { # SUBJECTS
    local xid
    xid=$(sql -c "SELECT pg_current_xact_id()") || fail "no transaction"
    copy_trial "$1" subject core.subject "study_id, site_id, subject_no, form, knee, visit, instance, index_knee,
        enrolled_on, token_no, recorded_by, recorded_at, xid, era"
    copy_trial "$1" knee core.knee "study_id, site_id, subject_no, knee"
    copy_trial "$1" allocation blind.allocation "study_id, site_id, subject_no, knee, entry, cohort, entered_by,
        entered_at, xid, era"
    sql <<'SQL' || fail "the foreign keys and the indexes"
CREATE TABLE public.reference AS
    SELECT conrelid::regclass::text AS relation, conname AS name, pg_get_constraintdef(oid) AS definition
    FROM pg_constraint WHERE confrelid = 'core.submission'::regclass AND contype = 'f';
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', relation, name) FROM public.reference \gexec
ALTER TABLE core.submission DROP CONSTRAINT submission_pkey, DROP CONSTRAINT submission_id_key;
SQL
    copy_trial "$1" submission core.submission "study_id, site_id, subject_no, form, knee, visit, instance, version,
        id, status, form_version, protocol_version, dated, content, sha256, prev_sha256, scores, reason, door,
        token_no, recorded_by, recorded_at, xid, era"
    sql > /dev/null <<'SQL' || fail "the indexes"
SET maintenance_work_mem = '512MB';
ALTER TABLE core.submission
    ADD PRIMARY KEY (study_id, site_id, subject_no, form, knee, visit, instance, version),
    ADD CONSTRAINT submission_id_key UNIQUE (study_id, id, site_id);
SELECT format('ALTER TABLE %s ADD CONSTRAINT %I %s', relation, name, definition) FROM public.reference \gexec
DROP TABLE public.reference;
VACUUM (ANALYZE);
SELECT admin.make_cut('trial1000', 'bench');
CHECKPOINT;
SQL
}
