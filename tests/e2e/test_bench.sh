#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# tests/bench/run, as short as it can be: every row of its table is there with figures above nought, and it fails when
# a round's ledger is not right.  No figure is judged.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
unset PGHOST PGPORT PGUSER PGDATABASE PGSERVICE

command -v wrk > /dev/null || export BENCH_WRK=no
BENCH_CONNECTIONS="1 4" BENCH_ROUNDS=1 BENCH_SECONDS=1 BENCH_IDLE="1 20" tests/bench/run > "$out" 2>&1
status=$?
sed 's/^/# /' "$out"

# That many of the fields of the one line that begins like that are numbers above nought.
figures() { # COUNT BEGINNING
    awk -v least="$1" -v beginning="$2" '
        {line = $0; gsub(/ +/, " ", line); sub(/^ /, "", line)}
        index(line, beginning) == 1 {
            lines++
            n = split(substr(line, length(beginning) + 1), field, /[^0-9.]+/)
            for (i = 1; i <= n; i++) found += field[i] + 0 > 0
        }
        END {exit !(lines == 1 && found >= least)}' "$out"
}

check "tests/bench/run succeeds" test "$status" -eq 0
check "the machine is named" figures 2 "machine:"
check "fsync and synchronous_commit are on" grep -q 'fsync=on.*synchronous_commit=on' "$out"
for count in 1 4; do
    check "patellad has its figures at $count connections" figures 10 "$count patellad"
    check "pgbench has its figures at $count connections" figures 8 "$count pgbench"
    check "the ratio stands at $count connections" figures 6 "ratio $count:"
done
check "the time of one connection is parted for patellad" figures 5 "patellad "
check "the time of one connection is parted for pgbench" figures 4 "pgbench "
check "what is lost at one connection is parted" figures 4 "lost "
check "memory is measured with 1 idle connection" figures 3 "idle 1"
check "handshakes are counted" figures 3 "handshakes:"
if [ "${BENCH_WRK:-}" != no ]; then check "wrk stores submissions" figures 2 "wrk:"; fi
check "the ledger was right" grep -q '^The ledger was right after every round' "$out"
check "nothing is left running" test -z "$(find "${BUILD:-build}" -maxdepth 1 -name 'bench-run.*')"

# A figure that is not there must be seen.
printf '4 patellad 0 0 0\n' > "$out"
check "noughts are not figures" exits 1 figures 1 "4 patellad"
plan
