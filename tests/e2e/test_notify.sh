#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# patella-admin notify, notice and audit: notices reach a program at least once, the trail comes out whole.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

bin=${BUILD:-build}/bin
export PGDATABASE=patella_notify_$$
dir=$(mktemp -d) || exit 1
trap 'dropdb --if-exists --force "$PGDATABASE"; rm -rf "$dir"' EXIT
createdb --template=template0 --encoding=UTF8 --locale=C.UTF-8 "$PGDATABASE"
"$bin/patella-migrate" up > "$dir/migrate.log" 2>&1

admin() { env -u PGUSER "$bin/patella-admin" "$@"; }
query() { psql -XAtq --command="$1"; }
is() { [ "$1" = "$2" ] || { echo "\"$1\" is not \"$2\""; return 1; }; }
program() { printf '#!/bin/sh\n%s\n' "$2" > "$dir/$1"; chmod +x "$dir/$1"; }
again() { query "UPDATE audit.notice SET next_try_at = now() - interval '1 s'"; }

program take "cat >> '$dir/taken'; env > '$dir/environment'"
program refuse 'exit 7'
program die 'kill -9 $$'
program deaf "echo called >> '$dir/deaf-was-called'"

check "notify needs a program" says '--to PROGRAM is missing' admin notify
check "one that is there" exits 1 admin notify --to "$dir/nowhere"
check "--once and --every exclude each other" exits 2 admin notify --to "$dir/take" --once --every 5
check "nothing waits: nothing is called" exits 0 admin notify --to "$dir/refuse"

check "notice add" exits 0 admin notice add certificate_expires CN=site7
check "the same again is not added" says 'within the last 24 hours' admin notice add certificate_expires CN=site7
check "a kind must exist" exits 1 admin notice add serious_event CN=site7
check "free text is no object" exits 1 admin notice add seal_failed $'two\nlines'

check "a refusal is said" says 'exit status 7' admin notify --to "$dir/refuse"
check "and kept" is "$(query 'SELECT last_outcome || tries FROM audit.notice')" 'exit status 71'
check "it does not come again at once" exits 0 admin notify --to "$dir/refuse"
again
check "a program that dies is said" says 'signal 9' admin notify --to "$dir/die"
again
check "one that does not read its input may take it" exits 0 admin notify --to "$dir/deaf"
check "and was called" is "$(cat "$dir/deaf-was-called")" called
again
check "what was told does not come again" exits 0 admin notify --to "$dir/refuse"

admin notice add seal_failed 'block 7' > /dev/null
admin notice add seal_failed 'block 8' > /dev/null
PGPASSWORD=canary-password admin notify --to "$dir/take" --once
check "each is one line of JSON" is "$(jq -c '[.kind, .object, .try]' "$dir/taken" | sort)" \
    $'["seal_failed","block 7",1]\n["seal_failed","block 8",1]'
check "the program learns nothing of the database" is "$(grep -c 'PG\|canary' "$dir/environment")" 0
check "notice list tells what became of them" is \
    "$(admin notice list --json | jq -c '[.[] | .last_outcome] | unique')" '["delivered"]'

# For ever: what comes later is told too; SIGTERM ends it well.
env -u PGUSER "$bin/patella-admin" notify --to "$dir/take" --every 1 & notifier=$!
admin notice add seal_failed 'block 9' > /dev/null
for _ in $(seq 200); do
    if grep -q 'block 9' "$dir/taken"; then break; fi
    sleep 0.1
done
check "a notice that comes later is told" grep -q 'block 9' "$dir/taken"
kill "$notifier"
wait "$notifier"
check "SIGTERM ends it well" is $? 0

# ---- the trail ----
admin study add demo --protocol forms/protocols/demo.yaml --forms forms/instruments > /dev/null
admin site add demo 1 --name One --time-zone Europe/Berlin > /dev/null
query "INSERT INTO audit.event (xid, era, at, actor, db_role, operation, object, study_id, site_id, new)
       SELECT pg_current_xact_id(), 1, timestamptz '2020-01-01' + n * interval '1 s', '=me', 'x', 'INSERT', 'test',
              1, 1, '{}'
       FROM generate_series(1, 1234) n"
check "audit export is CSV" is "$(admin audit export demo --object test | head -n 1 | tr -d '\r')" \
    'at,account,operation,object,site,subject,row,sha256,old,new,reason,withheld'
check "with all events" is "$(admin audit export demo --object test | grep -c ",'=me,INSERT,test,1,")" 1234
check "or JSON lines" is "$(admin audit export demo --format jsonl --object test | jq -r .at | sort -u | wc -l)" 1234
check "no other format" exits 2 admin audit export demo --format xml
check "of a time" is "$(admin audit list demo --from 2020-01-01T00:00:10Z --to 2020-01-01T00:00:20Z | wc -l)" 10
check "of a study that is there" exits 1 admin audit list nowhere
check "reading is on the trail" is \
    "$(query "SELECT count(*) FROM audit.event WHERE operation = 'EXPORT' AND object = 'audit.event'
              AND actor LIKE 'db:patella_admin:%'")" 4

# ---- a seal that fails ----
seal() { PGUSER=patella_sealer "$bin/patella-seal" run --once --key "$dir/key" --checkpoints "$dir/checkpoints"; }
failed() { query "SELECT string_agg(object, ' ' ORDER BY object) FROM audit.notice WHERE noticed_at > '$1'"; }
"$bin/patella-seal" keygen --key "$dir/key" --public-key "$dir/key.pub"
now=$(query 'SELECT clock_timestamp()')
check "a seal that goes well" exits 0 seal
check "leaves no notice" is "$(failed "$now")" ''
mv "$dir/checkpoints" "$dir/kept"
printf 'patella block 1 spoilt\n' > "$dir/checkpoints"
check "a seal that fails" exits 1 seal
check "leaves one" is "$(failed "$now")" 'block 2'
check "a seal that fails again" exits 1 seal
mv "$dir/key" "$dir/kept-key"
check "or finds no key" exits 1 seal
check "leaves no second one within a day" is "$(failed "$now")" 'block 2'
rm "$dir/taken"
admin notify --to "$dir/take" --once
check "and it is handed on" is "$(jq -c '[.kind, .object, .severity]' "$dir/taken")" \
    '["seal_failed","block 2","failure"]'
mv "$dir/kept" "$dir/checkpoints"
mv "$dir/kept-key" "$dir/key"
check "a seal that goes well again" exits 0 seal

# ---- its review ----
check "a kind that is not known is named" says 'not "odd"' admin audit review demo --kind odd
check "a number of another kind is named" says 'does not belong to --kind accounts' \
    admin audit review demo --kind accounts --days 3
check "a number out of range" exits 2 admin audit review demo --kind late_entries --days 5000
check "what accounts did" is "$(admin audit review demo --kind accounts --json 2> "$dir/count" |
    jq -r 'select(.account == "=me") | .detail.others')" 1234
check "with --json each line is a finding" is \
    "$(admin audit review demo --kind accounts --json 2> /dev/null | jq -s 'all(has("account"))')" true
check "how many there are" grep -q ' found, ' "$dir/count"
check "nothing was changed after it was signed" says ': 0 found' admin audit review demo --kind after_signature
check "a review is on the trail" is \
    "$(query "SELECT string_agg(new ->> 'kind', ' ' ORDER BY seq) FROM audit.event
              WHERE operation = 'EXPORT' AND new ->> 'what' = 'review'")" 'accounts accounts after_signature'
plan
