#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# patella-admin against a database of its own: what it writes, what it refuses, and how it says so.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

bin=${BUILD:-build}/bin
export PGDATABASE=patella_admin_$$
dir=$(mktemp -d) || exit 1
trap 'dropdb --if-exists --force "$PGDATABASE"; rm -rf "$dir"' EXIT
createdb --template=template0 --encoding=UTF8 --locale=C.UTF-8 "$PGDATABASE"

admin() { env -u PGUSER "$bin/patella-admin" "$@"; }
query() { psql -XAtq --command="$1"; }
is() { [ "$1" = "$2" ] || { echo "\"$1\" is not \"$2\""; return 1; }; }
forms=forms/instruments protocol=forms/protocols/demo.yaml

# ---- command line ----
check "--help exits 0" exits 0 admin --help
check "--help of a command shows its options" says '--time-zone ZONE' admin site add --help
check "--version exits 0" says 'patella-admin ' admin --version
check "no command is wrong use" exits 2 admin
check "an unknown command is wrong use" exits 2 admin study remove demo
check "an unknown option is wrong use" exits 2 admin study list --xml
check "a missing operand is wrong use" exits 2 admin site list
check "a missing option is named" says '--time-zone ZONE is missing' admin site add demo 1 --name One
check "a site must be a number" exits 2 admin site add demo one --name One --time-zone UTC
check "a site has four digits at most" exits 2 admin site add demo 10000 --name One --time-zone UTC
check "a time zone must exist" says 'no time zone "Europe/Berlim"' \
    admin site add demo 1 --name One --time-zone Europe/Berlim
check "a role must exist" exits 2 admin token add anna --study demo --role doctor
check "a token lives a year at most" exits 2 \
    admin token add anna --study demo --role coordinator --sites 1 --days 367
for role in coordinator investigator data_manager monitor site_machine; do
    check "a token for a $role names its sites" says --all-sites admin token add anna --study demo --role $role
done
check "some sites and all sites exclude each other" exits 2 \
    admin token add anna --study demo --role coordinator --sites 1 --all-sites
check "a subject has a number" exits 2 admin subject lock demo seven --reason 'data base lock'
check "a lock needs a reason" says '--reason TEXT is missing' admin subject lock demo 01-0001
check "a study cannot be called list" exits 2 admin study add list --protocol $protocol --forms $forms

# ---- schema ----
check "a database without schema is refused" exits 1 admin study list
check "and the message says what to do" says 'patella-migrate up' admin study list
"$bin/patella-migrate" up > "$dir/migrate.log" 2>&1

# ---- study and sites ----
sed 's/score: koos.womac_pain_0_100/score: koos.womac_pane_0_100/' $protocol > "$dir/broken.yaml"
check "a protocol with a mistake is refused" exits 1 admin study add demo --protocol "$dir/broken.yaml" --forms $forms
check "with file and line" says "$dir/broken.yaml:" admin study add demo --protocol "$dir/broken.yaml" --forms $forms
check "and nothing is written" is "$(query 'SELECT count(*) FROM core.study')" 0
check "study add" exits 0 admin study add demo --protocol $protocol --forms $forms
check "study add again is refused" exits 1 admin study add demo --protocol $protocol --forms $forms
check "study list names it" says '"study":"demo"' admin study list --json
check "the same protocol again changes nothing" exits 0 admin study protocol demo $protocol
sed 's/title: .*/title: another title/' $protocol > "$dir/changed.yaml"
check "another text under the same version is refused" exits 1 admin study protocol demo "$dir/changed.yaml"
sed 's/^  version: .*/  version: 7/' $protocol > "$dir/next.yaml"
check "a new version is taken" exits 0 admin study protocol demo "$dir/next.yaml"
check "and is the study's version" says '"protocol_version":7' admin study list --json
sed 's/^  version: .*/  version: 8/; s/masking: none/masking: double/' $protocol > "$dir/masked.yaml"
check "a protocol masked unlike its study is refused" says masking admin study protocol demo "$dir/masked.yaml"
check "and is not the study's" says '"protocol_version":7' admin study list --json
check "the forms again change nothing" exits 0 admin study forms demo $forms
check "site add" exits 0 admin site add demo 1 --name 'Clinic "One"' --time-zone Europe/Berlin
check "site add of the same number is refused" exits 1 admin site add demo 1 --name Two --time-zone UTC
check "site add to an unknown study is refused" exits 1 admin site add nowhere 1 --name One --time-zone UTC
check "site list escapes names in JSON" says '"name":"Clinic \"One\""' admin site list demo --json
check "site list is a table for people" says 'Europe/Berlin' admin site list demo

# ---- accounts and tokens ----
check "account add" exits 0 admin account add anna --name 'Anna Example'
check "account add again is refused" exits 1 admin account add anna --name 'Anna Example'
check "account list" says '"account":"anna","full_name":"Anna Example","disabled":false' admin account list --json
check "token add to a file" exits 0 \
    admin token add anna --study demo --role coordinator --sites 1 --days 7 --out "$dir/token"
check "only the owner may read it" is "$(stat -c %a "$dir/token")" 600
check "the token is the account and 32 random bytes" grep -qE '^anna_[A-Za-z0-9_-]{43}$' "$dir/token"
check "its hash is stored" is "$(query "SELECT encode(token_sha256, 'hex') FROM sec.credential")" \
    "$(tr -d '\n' < "$dir/token" | sha256sum | cut -d' ' -f1)"
check "a file that is there is not written over" exits 1 \
    admin token add anna --study demo --role coordinator --sites 1 --out "$dir/token"
check "and no token comes of it" is "$(query 'SELECT count(*) FROM sec.credential')" 1
check "a refused token leaves no file" exits 1 \
    admin token add nobody --study demo --role coordinator --all-sites --out "$dir/refused"
check "indeed none" exits 1 test -e "$dir/refused"
check "token add prints the token once" is \
    "$(admin token add anna --study demo --role statistician 2>/dev/null | grep -cE '^anna_[A-Za-z0-9_-]{43}$')" 1
check "token list tells sites" says '"role":"coordinator","sites":"1"' admin token list --json
check "token list of an unknown study is refused" exits 1 admin token list nowhere
check "token revoke" exits 0 admin token revoke 1
check "token revoke of no token is refused" exits 1 admin token revoke 99
check "a revoked token says when" exits 1 says '"revoked_at":null' bash -c \
    "env -u PGUSER $bin/patella-admin token list --json | grep '\"token\":1,'"
check "account invite" exits 0 admin account invite anna --out "$dir/invitation"
check "an invitation is a file for its owner alone" is "$(stat -c %a "$dir/invitation")" 600
check "its token has 43 letters" is "$(grep -cE '^[A-Za-z0-9_-]{43}$' "$dir/invitation")" 1
check "the database has its hash" is \
    "$(query "SELECT encode(token_sha256, 'hex') FROM sec.invitation")" \
    "$(tr -d '\n' < "$dir/invitation" | sha256sum | cut -d' ' -f1)"
check "nobody is invited who is not there" says 'no account "nobody"' admin account invite nobody
check "invitation list" is "$(admin invitation list --json | jq -r '.[0].account')" anna
number=$(admin invitation list --json | jq -r '.[0].invitation')
check "invitation end" exits 0 admin invitation end "$number"
check "an invitation ends once" says "no open invitation $number" admin invitation end "$number"
check "membership add needs sites" says --all-sites admin membership add anna demo --role monitor
check "membership add for a machine is refused" exits 2 admin membership add anna demo --role site_machine --sites 1
check "membership add of a statistician has no sites" exits 2 \
    admin membership add anna demo --role statistician --sites 1
check "membership add of an unknown site is refused" says 'no site 99' \
    admin membership add anna demo --role monitor --sites 99
check "membership add" exits 0 admin membership add anna demo --role monitor --sites 1
check "one role in a study" says 'has a role in the study already' \
    admin membership add anna demo --role investigator --sites 1
check "membership list" is "$(admin membership list demo --json | jq -r '.[0].role')" monitor
check "membership end" exits 0 admin membership end anna demo
check "a membership ends once" says 'has no role in the study' admin membership end anna demo
check "session list" is "$(admin session list --json | jq length)" 0
check "session end" says 'no open session 1' admin session end 1
check "account disable" exits 0 admin account disable anna
check "account list says so" says '"disabled":true' admin account list --json

# ---- freezing and locking ----
check "study freeze" exits 0 admin study freeze demo --reason 'data base lock'
check "study list says so" says '"frozen":true' admin study list --json
check "a reason of blanks is refused" exits 1 admin study unfreeze demo --reason '     '
check "study unfreeze" exits 0 admin study unfreeze demo --reason 'late entries'
check "study list says that, too" says '"frozen":false' admin study list --json
check "subject lock of a subject that is not enrolled is refused" exits 1 \
    admin subject lock demo 01-0001 --reason 'data base lock'

# ---- allocation ----
printf 'subject,knee,cohort\n01-0001,,AD-MSC\n1-x,,AD-MSC\n01-0002,left,AD-MSC\n01-0003,,ADMSC\n' > "$dir/wrong.csv"
check "a wrong allocation file is refused" exits 1 admin allocate demo "$dir/wrong.csv"
for line in 3 4 5; do
    check "its line $line is named" says "$dir/wrong.csv:$line: " admin allocate demo "$dir/wrong.csv"
done
printf 'subject,cohort\n01-0001,AD-MSC\n01-0001,CS\n' > "$dir/twice.csv"
check "a subject that stands twice is refused" says 'twice.csv:3: 01-0001 stands in line 2' \
    admin allocate demo "$dir/twice.csv"
printf 'subject,cohort\n01-0001,AD-MSC\n' > "$dir/unknown.csv"
check "a subject that is not enrolled is refused" exits 1 admin allocate demo "$dir/unknown.csv"
printf 'subject,arm\n01-0001,AD-MSC\n' > "$dir/columns.csv"
check "other columns are refused" says 'columns.csv:1: ' admin allocate demo "$dir/columns.csv"

# ---- cuts and reporters ----
check "cut prints its number" is "$(admin cut demo --label 'first cut')" 1
check "cut of the same label is refused" exits 1 admin cut demo --label 'first cut'
check "cut list" says '"label":"first cut"' admin cut list demo --json
query "CREATE ROLE patella_test_reporter_$$"
check "a role whose values would get into the log is refused" says keep_values_out_of_log \
    admin reporter grant demo "patella_test_reporter_$$"
query "SELECT patella_meta.keep_values_out_of_log('patella_test_reporter_$$')" > "$dir/role.log"
check "reporter grant" exits 0 admin reporter grant demo "patella_test_reporter_$$"
query "DROP ROLE patella_test_reporter_$$"

# ---- holds ----
admin subject lock demo 01-0001 --reason 'data base lock' 2> /dev/null
admin study freeze demo --reason 'data base lock'
check "hold list tells that the study is frozen" is "$(admin hold list demo --json | jq -c '.[0].hold')" '"study"'
admin study unfreeze demo --reason 'late entries'
check "redaction list of nothing is empty" is "$(admin redaction list demo --json | jq -c .)" '[]'

# ---- JSON ----
check "cut --json is an object" is "$(admin cut demo --label second --json)" '{"cut":2}'
check "study protocol --json tells version and forms" says '"protocol_version":7,"forms":' \
    admin study protocol demo "$dir/next.yaml" --json
check "and nothing else" is "$(admin study protocol demo "$dir/next.yaml" --json 2>&1 | jq -r .study)" demo
admin account add berta --name Berta
check "token add --json has the token" is \
    "$(admin token add berta --study demo --role statistician --json 2>&1 | jq -r '.token[0:6]')" berta_
check "or the file that it is in" is "$(admin token add berta --study demo --role statistician --json \
    --out "$dir/berta" | jq -c '[.file, .token]')" "[\"$dir/berta\",null]"
check "account invite --json has its number" is "$(admin account invite berta --json | jq -r .number)" \
    "$(admin invitation list --json | jq -r '.[] | select(.account == "berta") | .invitation')"
check "what has nothing to tell is an empty object" is "$(admin account add carla --name Carla --json)" '{}'
check "audit list --json is lines of objects" is \
    "$(admin audit list demo --json | jq -r .object | sort -u | head -n 1)" core.cut
check "audit export --json is JSON lines" is "$(admin audit export demo --json | head -n 1 | jq -r 'type')" object
check "but not CSV" exits 2 admin audit export demo --json --format csv
check "notice add --json says whether it was" is "$(admin notice add certificate_expires CN=site8 --json)" \
    '{"added":true}'
mistake() { admin "$@" --json 2>&1 > /dev/null | jq -r '.error | [.kind, .line, .message] | join("|")'; }
check "a mistake is JSON, with kind and message" is "$(mistake account add carla --name Carla | cut -d'|' -f1)" conflict
check "one of the command line, too" is "$(mistake cut list | cut -d'|' -f1)" usage
check "and before the command is known" is "$(mistake study remove demo | cut -d'|' -f1)" usage
check "several are lines, with their lines in the file" is \
    "$(mistake allocate demo "$dir/wrong.csv" | cut -d'|' -f1,2 | xargs)" 'input|3 input|4 input|5 input|'
check "nothing is on standard output then" is "$(admin cut list nowhere --json 2> /dev/null)" ''
check "the exit status is the same" exits 1 admin cut list nowhere --json

# ---- who it was ----
check "the audit trail has the operator's name" exits 1 is \
    "$(query "SELECT count(*) FROM audit.event WHERE actor = 'db:patella_admin:$(id -un)'")" 0
check "and no token" is "$(query "SELECT count(*) FROM audit.event e WHERE e::text LIKE '%$(cat "$dir/token")%'")" 0
plan
