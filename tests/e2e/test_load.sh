#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# patella-load: what it says of refused rows, confirmations, a server that is away, and who it trusts.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

bin=${BUILD:-build}/bin
dir=$(mktemp -d) || exit 1
export DEMO_DIR=$dir DEMO_DATA=$dir/enrolment DEMO_START=2022-01-01 PGDATABASE=patella_load_$$ SERVICE_PORT=0
trap 'ci/run-demo stop; dropdb --if-exists --force "$PGDATABASE"; rm -rf "$dir"' EXIT

# The demo study with one subject.
mkdir "$dir/enrolment"
head -n 2 ci/demo-study/data/01_enrolment.csv > "$dir/enrolment/01_enrolment.csv"
printf 'site,name,time_zone\n1,One,UTC\n' > "$dir/enrolment/sites.csv"
printf 'subject,knee,cohort\n01-0001,,AD-MSC\n' > "$dir/enrolment/allocation.csv"
ci/run-demo start > "$dir/start.log" 2>&1 || { cat "$dir/start.log"; exit 1; }
eval "$(ci/service env "$dir")"

token=$dir/tokens/coordinator
load() { # FOLDER [OPTION...]
    "$bin/patella-load" --url "$SERVICE_URL" --ca "$SERVICE_CA" --token-file "$token" --study demo \
        --forms forms/instruments --start 2022-01-01 "$@"
}
folder() { # NAME FORM LINE...: a folder with one file
    mkdir -p "$dir/$1"
    printf '%s\n' "${@:3}" > "$dir/$1/01_$2.csv"
}

check "--help exits 0" exits 0 "$bin/patella-load" --help
check "no options are wrong use" exits 2 "$bin/patella-load" "$dir"
check "a first day that is no date is wrong use" exits 2 load "$dir/enrolment" --start 1.1.2022
check "a row sent before gets its receipt again" says '0 rows stored now, 1 stored before, 0 refused' \
    load "$dir/enrolment"

# ---- refused rows ----
folder refused pain_vas 'subject,knee,visit,date,vas' '01-0001,left,BL,40,55' '01-0001,left,M3,150,101' \
    '01-0009,left,BL,40,55' '01-0001,left,M4,160,50'
check "a refused row exits 1" exits 1 load "$dir/refused"
check "its file, line, item and rule are named" says "$dir/refused/01_pain_vas.csv:3: vas: range: " load "$dir/refused"
check "an unknown subject is named by its line" says "01_pain_vas.csv:4: unknown_subject: " load "$dir/refused"
check "an unknown visit is named by its line" says "01_pain_vas.csv:5: visit: " load "$dir/refused"
check "the rows beside them are stored" says '0 rows stored now, 1 stored before, 3 refused' load "$dir/refused"
folder doubled pain_vas 'subject,knee,visit,date,vas' '01-0001,left,BL,40,54'
check "a second submission of a record is refused" says ':2: record_exists: ' load "$dir/doubled"

# ---- soft findings ----
columns=$(head -n 1 ci/demo-study/data/03_baseline.csv)
row=$(sed -n 2p ci/demo-study/data/03_baseline.csv)
with() { # NAME VALUE: the demo's first baseline with another value in a column
    awk -F, -v OFS=, -v name="$1" -v value="$2" 'NR == 1 {for (i = 1; i <= NF; i++) if ($i == name) at = i; next}
        {$at = value; print}' <<< "$columns"$'\n'"$row"
}
folder soft baseline "$columns" "$(with age_years 95)"
check "a soft finding without confirmation is refused" says 'age_years: soft_range: ' load "$dir/soft"
row=$(with age_years 95)
folder confirmed baseline "$columns" "$(with '#confirm' 'checked against the passport')"
check "with #confirm it is stored" says '1 rows stored now, 0 stored before, 0 refused' load "$dir/confirmed"
check "and again gets the same receipt" says '0 rows stored now, 1 stored before, 0 refused' load "$dir/confirmed"

# ---- whom it trusts, and who trusts it ----
echo 'demo-coordinator_wrong' > "$dir/wrong-token"
: > "$dir/empty-token"
token=$dir/wrong-token check "a wrong token is refused as a whole" says 'bad_token' load "$dir/enrolment"
token=$dir/empty-token check "a file without token is refused" says "$dir/empty-token:1: " load "$dir/enrolment"
check "a server of another CA is not talked to" exits 1 timeout 10 "$bin/patella-load" --url "$SERVICE_URL" \
    --token-file "$token" --study demo --forms forms/instruments "$dir/enrolment"
check "nor one without TLS" exits 1 timeout 10 "$bin/patella-load" --url "${SERVICE_URL/https/http}" \
    --token-file "$token" --study demo --forms forms/instruments "$dir/enrolment"

# ---- a server that is away ----
away() {
    local loading
    SERVICE_PORT=${SERVICE_URL##*:}
    ci/run-demo stop
    load "$dir/enrolment" > "$dir/away.log" 2>&1 &
    loading=$!
    until grep -q '^waiting for' "$dir/away.log"; do
        kill -0 "$loading" && sleep 0.1 || return 1
    done
    ci/service start "$dir"
    wait "$loading"
}
check "a server that comes back gets its rows" away
check "once" grep -q '^0 rows stored now, 1 stored before' "$dir/away.log"
plan
