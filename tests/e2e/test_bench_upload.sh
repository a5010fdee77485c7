#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/bench/upload with a small file: every line of its tables is there with figures above nought.  None is judged.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
unset PGHOST PGPORT PGUSER PGDATABASE PGSERVICE

BENCH_UPLOAD_BYTES=500000 BENCH_LATENCY_BYTES=500000 BENCH_ROUNDS=1 BENCH_SECONDS=1 tests/bench/upload > "$out" 2>&1
status=$?
sed 's/^/# /' "$out"

# That many of the fields of a line that begins like that are numbers above nought.
figures() { # COUNT BEGINNING
    awk -v least="$1" -v beginning="$2" '
        {line = $0; gsub(/ +/, " ", line)}
        index(line, beginning) == 1 {
            found = 0
            n = split(substr(line, length(beginning) + 1), field, /[^0-9.]+/)
            for (i = 1; i <= n; i++) found += field[i] + 0 > 0
            good = good || found >= least
        }
        END {exit !good}' "$out"
}

check "tests/bench/upload succeeds" test "$status" -eq 0
check "the machine is named" figures 2 "machine:"
check "the upload has its rows, seconds and rate" figures 4 "upload "
# Their seconds may be less than a tenth.
check "COPY has its rows and ratio" figures 4 "COPY "
check "INSERT has its rows and ratio" figures 4 "INSERT "
check "the daemon's memory is measured" figures 2 "Memory of the daemon:"
check "latency is measured without an upload" figures 4 "latency without "
check "the upload beside it was committed" figures 2 "the upload beside them:"
check "nothing is left running" test -z "$(find "${BUILD:-build}" -maxdepth 1 -name 'bench-upload.*')"
plan
