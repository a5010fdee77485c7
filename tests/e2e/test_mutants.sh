#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/mutants/run, with a handful of mutants: what takes protection away is caught, what takes nothing away is not.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
export MUTANTS_STATE=$dir MUTANTS_JOBS=1 MUTANTS_PROGRAMS='db/test_schema db/test_checks db/test_isolation'
chosen=('trigger:core.submission keep_rows' 'policy:core.submission context using' 'control:*'
    'row security:core.submission no force' 'execute:api.sign(* to public' 'check:core.submission submission_void_check'
    'guard:sec.enter(*IF NOT FOUND THEN')

mutants() { tests/mutants/run "$@"; }
outcome() { awk -F '\t' -v OFS=: '{print $1, $4}' "$dir/results" | sort -u; }
is_caught() { outcome | grep -qx "$1:caught"; }

check "a pattern that fits nothing is refused" says 'no mutant is called like that' mutants 'nothing:*'
check "names are listed" says 'control:a comment' mutants --list 'control:*'
mutants "${chosen[@]}" > "$dir/output" 2>&1
status=$?
sed 's/^/# /' "$dir/output"
check "each that was chosen has an outcome" test "$(wc -l < "$dir/results")" -eq ${#chosen[@]}
for kind in trigger policy 'row security' execute check guard; do
    check "a mutant of kind $kind is caught" is_caught "$kind"
done
check "a comment is not" says 'control:survived' outcome
check "when all were caught the exit status is 0" test "$status" -eq 0
check "what was caught is not run again" says ' 1 of them to be run' mutants "${chosen[@]}"
plan
