#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The demo as a newcomer runs it, in a folder and on a port of its own, all of its study in the past.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

dir=$PWD/${BUILD:-build}/test-demo
export DEMO_DIR=$dir DEMO_START=2019-01-01 SERVICE_PORT=0
unset PGHOST PGPORT PGUSER PGDATABASE PGSERVICE
trap 'ci/run-demo stop; rm -rf "$dir"' EXIT
ci/run-demo stop
rm -rf "$dir"

statistician() { curl --silent --fail --cacert "$dir/tls/ca.pem" --header @"$dir/statistician" "$@"; }
report_file() { # JOB NAME
    statistician "$SERVICE_URL/api/v1/studies/demo/reports/$1/files/$2"
}
job_is() { # JOB STATE
    local deadline=$((SECONDS + 30))
    until statistician "$SERVICE_URL/api/v1/studies/demo/reports/$1" | jq -e ".state == \"$2\"" > /dev/null; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.2
    done
}
rows() { tail -n +2 "$@" | grep -c .; }
no_token_in() { ! grep -rqFf <(cat "$dir"/tokens/* "$dir"/people/*) "$@"; }
signs_in() { # ACCOUNT
    jq -n --arg account "$1" --rawfile password "$dir/people/$1" \
        '{account: $account, password: ($password | rtrimstr("\n"))}' |
        curl --silent --fail --cacert "$dir/tls/ca.pem" --header 'Content-Type: application/json' --data @- \
            "$SERVICE_URL/api/v1/session" | jq -e ".account == \"$1\""
}
is_private() { [ "$(stat -c %a "$1")" = 600 ]; }
has_ended() {
    [ ! -e "$dir/patellad.pid" ] && [ ! -e "$dir/patella-report.pid" ] && ! ci/cluster status "$dir/cluster"
}

all=0
for file in ci/demo-study/data/[0-9]*.csv; do all=$((all + $(rows "$file"))); done

first=$(ci/run-demo start 2>&1)
check "run-demo start on nothing exits 0" test $? -eq 0
echo "${first//$'\n'/$'\n'# }" | sed '1s/^/# /'
check "every row is stored" grep -q "^$all rows stored now, 0 stored before, 0 refused, 0 left out" <<< "$first"
check "every subject is allocated" grep -q '^240 rows, 240 of them new' <<< "$first"
check "the report is there" test -s "$dir/report-1/report.html"
check "the report has the study's cohorts" grep -q 'Corticosteroid' "$dir/report-1/report.html"
check "the results have the change of pain" grep -q '^change pain,M12,AD-MSC,mean,' "$dir/report-1/results.csv"
echo "$first" > "$dir/first.log"
check "no token is printed or logged" no_token_in "$dir"/*.log
for file in people/demo-anna tokens/coordinator tokens/statistician curl.config tls/ca-key.pem tls/server-key.pem; do
    check "only the owner may read $file" is_private "$dir/$file"
done

eval "$(ci/service env "$dir")"
command=$(sed -n 's/^The API: *//p' <<< "$first")
check "the printed curl line lists subjects" says '"subject":"01-0001"' bash -c "$command --silent"
url=$(sed -n 's/^The app: *\([^ ]*\).*/\1/p' <<< "$first")
check "the printed address is the app" says '<title>' curl --silent --cacert "$dir/tls/ca.pem" "$url"
account=$(sed -n 's/^Sign in as: *\([^,]*\),.*/\1/p' <<< "$first")
check "the printed account signs in" signs_in "$account"
(umask 077; echo "Authorization: Bearer $(cat "$dir/tokens/statistician")" > "$dir/statistician")
check "the certificate is of ECDSA P-256" says 'prime256v1' openssl x509 -in "$dir/tls/server.pem" -noout -text

second=$(ci/run-demo start 2>&1)
check "run-demo start again exits 0" test $? -eq 0
check "every row gets its first receipt again" grep -q "^0 rows stored now, $all stored before, 0 refused" <<< "$second"
check "its password stays" signs_in "$account"
check "no allocation is repeated" grep -q '^240 rows, 0 of them new' <<< "$second"

again() {
    local out=$dir/report-1-again
    env -u PGUSER "${BUILD:-build}/bin/patella-report" --study demo --cut 1 --out "$out" &&
        diff -r "$dir/report-1" "$out"
}
check "the first cut gives the same bytes again" again
job=$(statistician --header 'Content-Type: application/json' --data '{"cut":1}' \
    "$SERVICE_URL/api/v1/studies/demo/reports" | jq -r .report)
check "a report asked for through the API is made" job_is "$job" "done"
check "its results are those of the same cut" cmp <(report_file "$job" results.csv) "$dir/report-1/results.csv"

ci/run-demo stop
check "run-demo stop ends what was started" has_ended
check "run-demo stop again is harmless" ci/run-demo stop
plan
