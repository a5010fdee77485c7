#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/bench/desk, as short as it can be: every line is there, and the study is one that something waits in.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
unset PGHOST PGPORT PGUSER PGDATABASE PGSERVICE

BENCH_SUBJECTS=400 BENCH_ROUNDS=1 tests/bench/desk > "$out" 2>&1
status=$?
sed 's/^/# /' "$out"

check "tests/bench/desk succeeds" test "$status" -eq 0
check "visits are overdue and due" grep -Eq '"overdue":[1-9].*"due":[1-9]' "$out"
for what in "worklist, first page" "worklist of one site" "schedule, first page" "schedule of a subject"; do
    check "$what has its time" grep -Eq "^$what +[0-9]+[.][0-9] +[0-9.]+ +[0-9.]+ +[0-9.]+ +[0-9.]+$" "$out"
done
check "nothing is left running" test -z "$(find "${BUILD:-build}" -maxdepth 1 -name 'bench-desk.*')"
plan
