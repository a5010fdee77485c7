#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A masked study under a key, as its operators run it: nowhere in the cluster's folder, in a dump or in a log does the
# name of the cohort stand; who has key and request gets it.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

bin=${BUILD:-build}/bin
dir=$PWD/${BUILD:-build}/test-sealed-allocation
rm -rf "$dir"
mkdir -p "$dir/enrolment" || exit 1
export DEMO_DIR=$dir DEMO_DATA=$dir/enrolment DEMO_START=2022-01-01 SERVICE_PORT=0
export DEMO_STUDY=sealed DEMO_PROTOCOL=$dir/sealed.yaml
unset PGHOST PGPORT PGUSER PGDATABASE PGSERVICE
trap 'ci/run-demo stop; rm -rf "$dir"' EXIT

# The protocol spells its cohort "AD\x2dCANARY", so that the name as such is nowhere in its text.
protocol_of() { # STUDY COHORT
    sed "s/^  id: demo/  id: $1/; s/masking: none/masking: double/; s/AD-MSC/\"AD\\\\x2d$2\"/g" \
        forms/protocols/demo.yaml
}
protocol_of sealed CANARY > "$dir/sealed.yaml"
protocol_of plain CONTROL > "$dir/plain.yaml"
head -n 3 ci/demo-study/data/01_enrolment.csv > "$dir/enrolment/01_enrolment.csv"
printf 'site,name,time_zone\n1,One,UTC\n' > "$dir/enrolment/sites.csv"
printf 'subject,knee,cohort\n01-0001,,AD-CANARY\n01-0002,,CS\n' > "$dir/enrolment/allocation.csv"

admin() { env -u PGUSER "$bin/patella-admin" "$@"; }
query() { psql -XAtq --command="$1"; }
is() { [ "$1" = "$2" ] || { echo "\"$1\" is not \"$2\""; return 1; }; }
keys=$dir/allocation.key
request=0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5d

# Whether a word stands in a file of the cluster, its write-ahead log and logs among them, in a dump or in a log.
spreads() { # WORD
    query CHECKPOINT
    pg_dump --file="$dir/cluster.sql" || return 2
    LC_ALL=C grep -rlaF -- "$1" "$(query 'SHOW data_directory')" "$dir/cluster.sql" "$dir"/*.log
    local status=$?
    rm -f "$dir/cluster.sql"
    return $status
}

ci/run-demo start > "$dir/start.log" 2>&1
check "run-demo start of a masked study exits 0" test $? -eq 0
grep -v '^allocation' "$dir/start.log" | sed 's/^/# /'
eval "$(ci/service env "$dir")"
eval "$(ci/cluster env "$dir/cluster")"
export PGDATABASE=patella

# ---- keys ----
check "a key's file is for its owner alone" is "$(stat -c %a "$keys")" 600
check "a key is not written over" exits 1 admin allocation-key new "$keys"
check "the study has the key" is "$(admin allocation-key list sealed --json | jq -r '.[].key')" \
    "$(awk '/^patella/ {print $2}' "$keys")"
check "and two entries are sealed with it" is "$(admin allocation-key list sealed --json | jq -r '.[].entries')" 2
check "allocation-key check finds it" exits 0 admin allocation-key check sealed "$keys"
check "allocation-key new prints the id alone" is "$(admin allocation-key new "$dir/other.key" 2> /dev/null)" \
    "$(awk '/^patella/ {print $2}' "$dir/other.key")"
check "allocation-key check misses it in another file" says 'does not have key' \
    admin allocation-key check sealed "$dir/other.key"
admin study add open --protocol <(sed 's/^  id: demo/  id: open/' forms/protocols/demo.yaml) --forms forms/instruments \
    > "$dir/open.log" 2>&1
check "a study that is not masked takes no key" says 'is not masked' admin allocation-key add open "$keys"

# ---- entering ----
list=$dir/allocation.csv
check "without a key the list is refused" exits 2 admin allocate sealed "$list"
check "with another key it is refused" says 'which is not in the file' \
    admin allocate sealed "$list" --allocation-keys "$dir/other.key"
check "the same list again enters nothing" says '2 rows, 0 of them new' \
    admin allocate sealed "$list" --allocation-keys "$keys"
printf 'subject,cohort\n01-0002,AD-CANARY\n' > "$dir/changed.csv"
check "another cohort needs a reason" says 'give a reason' \
    admin allocate sealed "$dir/changed.csv" --allocation-keys "$keys"
check "and is entered with one" says '1 rows, 1 of them new' \
    admin allocate sealed "$dir/changed.csv" --allocation-keys "$keys" --reason 'entered wrongly'
chmod 640 "$dir/other.key"
check "a key that others may read is refused" says 'chmod 600' \
    admin allocate sealed "$list" --allocation-keys "$dir/other.key"
chmod 600 "$dir/other.key"

# ---- a second key ----
cat "$keys" "$dir/other.key" > "$dir/both.keys"
chmod 600 "$dir/both.keys"
check "a second key is added" exits 0 admin allocation-key add sealed "$dir/both.keys"
check "the first alone is not enough then" exits 1 admin allocate sealed "$list" --allocation-keys "$keys"
check "with both nothing is entered again" says '1 rows, 0 of them new' \
    admin allocate sealed "$dir/changed.csv" --allocation-keys "$dir/both.keys"
printf 'subject,cohort\n01-0002,CS\n' > "$dir/changed.csv"
check "what is new is sealed with the second" says '1 rows, 1 of them new' \
    admin allocate sealed "$dir/changed.csv" --allocation-keys "$dir/both.keys" --reason 'it was right before'
check "and the old ones keep theirs" is "$(admin allocation-key list sealed --json | jq -c '[.[].entries]')" '[3,1]'

# ---- seals ----
seal() { env -u PGUSER "$bin/patella-seal" "$@"; }
seal keygen --key "$dir/seal.key" --public-key "$dir/seal.pub"
sealed() { seal run --once --key "$dir/seal.key" --checkpoints "$dir/checkpoints"; }
verified() { seal verify --checkpoints "$dir/checkpoints" --public-key "$dir/seal.pub"; }
check "the trail is sealed" exits 0 sealed
check "and verified" exits 0 verified
swap="SET session_replication_role = replica; UPDATE blind.allocation a SET cohort_sealed = b.cohort_sealed
    FROM blind.allocation b WHERE a.subject_no + b.subject_no = 3 AND a.entry = 1 AND b.entry = 1"
query "$swap"
check "two sealed cohorts that were swapped are found" exits 1 verified
check "and where" says blind.allocation verified

# ---- reports ----
query "SELECT blind.add_request(1, '$request', 'interim analysis', 'anna')"  > /dev/null
query "SELECT blind.add_approval(1, '$request', 'berta')" > /dev/null
report() { # OUT [OPTION...]
    env -u PGUSER "$bin/patella-report" --study sealed --cut 1 --unblinding $request --out "$dir/$1" "${@:2}"
}
check "swapped back they are as before" exits 0 query "$swap"
check "a report by cohort names the key that it wants" says "$(awk '/^patella/ {print $2}' "$keys")" report none
check "and is not made" exits 1 test -e "$dir/none/results.csv"
check "nor with another key" says 'is not in the file' report none --allocation-keys "$dir/other.key"
check "with the key it is made" exits 0 report made --formats html,csv,datasets --allocation-keys "$keys"
check "and has the cohort" grep -rqF AD-CANARY "$dir/made"
query "$swap"
check "with swapped rows it is not" says 'was altered, or comes from another row' report none --allocation-keys "$keys"
query "$swap"

# ---- an emergency ----
admin account add doctor --name 'Doctor Who' 2> /dev/null
admin token add doctor --study sealed --role investigator --all-sites --out "$dir/doctor" 2> /dev/null
(umask 077; echo "Authorization: Bearer $(cat "$dir/doctor")" > "$dir/header")
send() { # PATH BODY
    curl --silent --cacert "$SERVICE_CA" --header @"$dir/header" --header 'Content-Type: application/json' \
        --data "$2" "$SERVICE_URL/api/v1/studies/sealed/subjects/$1"
}
ask='{"request":"'$request'","reason":"anaphylaxis after injection"}'
check "an emergency is asked for" says '"number":1' send 01-0001/unblindings "$ask"
check "and the cohort revealed" says '"cohort":"AD-CANARY"' send "01-0001/unblindings/$request/reveal" '{}'
check "an entry of a key that patellad lacks is not" says allocation_key_missing bash -c "
    $(declare -f send); dir=$dir SERVICE_CA=$SERVICE_CA SERVICE_URL=$SERVICE_URL
    send 01-0002/unblindings '${ask/4a5d/4a5e}' > '$dir/asked'
    send 01-0002/unblindings/${request/4a5d/4a5e}/reveal '{}'"
check "the refusal names it" says "$(awk '/^patella/ {print $2}' "$dir/other.key")" \
    send "01-0002/unblindings/${request/4a5d/4a5e}/reveal" '{}'
check "and reveals nothing" is "$(query "SELECT count(*) FROM audit.event WHERE operation = 'REVEAL'")" 1
query "$swap"
check "a cohort that was swapped is not shown" says 'was altered, or is that of another' \
    send "01-0001/unblindings/$request/reveal" '{}'
query "$swap"
check "swapped back it is" says '"cohort":"AD-CANARY"' send "01-0001/unblindings/$request/reveal" '{}'

# ---- where the name is ----
check "the cohort's name is nowhere in the cluster, a dump or a log" exits 1 spreads AD-CANARY
check "sealed cohorts have one length" is \
    "$(query "SELECT string_agg(DISTINCT octet_length(cohort_sealed)::text, ' ') FROM blind.allocation")" 100
admin study add plain --protocol "$dir/plain.yaml" --forms forms/instruments > "$dir/plain.log" 2>&1
admin site add plain 1 --name One --time-zone UTC
query "SET session_replication_role = replica; INSERT INTO core.subject (study_id, site_id, subject_no, form, knee,
    visit, instance, index_knee, enrolled_on, token_no, recorded_by, recorded_at, xid, era)
    SELECT study_id, 1, 1, 'enrolment', 'none', 'unscheduled', 1, 'left', '2026-01-05', 1, 'anna', now(),
    pg_current_xact_id(), 1 FROM core.study WHERE code = 'plain'"
printf 'subject,cohort\n01-0001,AD-CONTROL\n' > "$dir/plain.csv"
check "before it is entered, neither is that of a study without a key" exits 1 spreads AD-CONTROL
check "which is entered in the clear" says '1 rows, 1 of them new' admin allocate plain "$dir/plain.csv"
check "afterwards it is in the write-ahead log, the table and a dump" is \
    "$(spreads AD-CONTROL | sed "s|.*/pg_wal/.*|wal|; s|.*/base/.*|table|; s|.*/cluster.sql|dump|" | sort -u | xargs)" \
    'dump table wal'
plan
