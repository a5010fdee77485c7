#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# patella-form profile: what it prints, what it refuses, and its exit statuses.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT

profile() { # FILE OPTION...
    "${BUILD:-build}/bin/patella-form" profile "$folder/$1" --protocol forms/protocols/demo.yaml \
        --forms forms/instruments "${@:2}"
}
# What follows is a line of the profile.
prints() { # LINE FILE OPTION...
    local output
    output=$(profile "${@:2}") || return 1
    grep -qxF -- "$1" <<< "$output" || { echo "$output"; return 1; }
}

printf '%s\n' 'record_id,redcap_event_name,knee,vas_date,vas,pain_vas_complete' '1,3_months_arm_1,L,2026-02-17,22.5,2' \
    > "$folder/pain at site 7.csv"
printf 'Patient;knee;visit;date;p1;p5\n1;left;M3;17.02.2026;1;1\n' > "$folder/koos.csv"
printf '\320\317\021\340\241\261\032\341' > "$folder/book.xls"
: > "$folder/empty.csv"

check "the profile is called as the file" prints 'profile: "pain_at_site_7"' 'pain at site 7.csv'
check "or as one says" prints 'profile: "seven"' 'pain at site 7.csv' --name seven
check "a visit is found by the name of its event" prints '  "3_months_arm_1": M3' 'pain at site 7.csv'
check "what nobody knows is for a person to decide" says 'DECIDE: nobody knows' profile 'pain at site 7.csv'
check "a column is an item" prints '  "p1": koos.p1' koos.csv
check "dates are declared where one tells" prints 'dates: dmy' koos.csv
check "the form can be named" prints 'form: koos' koos.csv --form koos
check "a form that the study has not is said" says 'asks for no form' profile koos.csv --form kos
check "a workbook is refused" exits 1 profile book.xls
check "and it is said what to do" says 'CSV' profile book.xls
check "an empty file is refused" exits 1 profile empty.csv
check "a file that is not there" exits 1 profile nothing.csv
check "without a protocol it is wrong use" exits 2 "${BUILD:-build}/bin/patella-form" profile "$folder/koos.csv"
check "an option of another command is" exits 2 profile koos.csv --html x
check "and one of this command elsewhere" exits 2 "${BUILD:-build}/bin/patella-form" check --name x \
    forms/protocols/demo.yaml
plan
