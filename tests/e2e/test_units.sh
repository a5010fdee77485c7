#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The systemd units: what systemd-analyze says of them, without a running systemd.  Its scale goes from 0 (shut in) to
# 100; each service may have 15 at most.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

exposed_at_most() { # LIMIT UNIT
    systemd-analyze security --no-pager --offline=true --threshold="$1" "$2" > "$dir/out" 2>&1 ||
        { tail -n 3 "$dir/out"; grep '✗' "$dir/out"; return 1; }
}
is_more_exposed() { ! exposed_at_most "$@"; }

# As installed, with programs that are there.
mkdir "$dir/units"
for unit in collector/*.service collector/*.socket reports/*.service; do
    sed "s|/usr/local/bin|$PWD/${BUILD:-build}/bin|g" "$unit" > "$dir/units/${unit##*/}"
done
understood() { # UNIT
    local status=0
    SYSTEMD_UNIT_PATH="$dir/units:" systemd-analyze verify --man=no --recursive-errors=no "$dir/units/$1" \
        > "$dir/out" 2>&1 || status=$?
    if grep -q "$dir/units" "$dir/out"; then status=1; fi
    [ "$status" -eq 0 ] || { cat "$dir/out"; return 1; }
}

for unit in collector/*.service reports/*.service; do
    check "${unit##*/} is exposed to 1.5 at most" exposed_at_most 15 "$unit"
    grep -vE '^(CapabilityBoundingSet|SystemCallFilter|PrivateDevices|ProtectSystem)=' "$unit" > "$dir/open.service"
    check "${unit##*/} without four of its settings is not" is_more_exposed 15 "$dir/open.service"
done
for unit in "$dir"/units/*; do
    check "${unit##*/} is understood by systemd" understood "${unit##*/}"
done

# What the daemon refuses by itself, so that the names must be right.
check "the port for people is called people" grep -qx FileDescriptorName=people collector/patellad.socket
check "the port for machines is called machines" grep -qx FileDescriptorName=machines collector/patellad-machines.socket
plan
