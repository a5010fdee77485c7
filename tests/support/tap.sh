# SPDX-License-Identifier: GPL-3.0-or-later
# TAP for shell tests: `. tests/support/tap.sh`, then `check NAME COMMAND...` for each test and `plan` at the end.
# shellcheck shell=bash

tap_count=0

# One test: passes when the command does.  What the command prints is shown when it fails.
check() {
    local name=$1 output
    shift
    tap_count=$((tap_count + 1))
    if output=$("$@" 2>&1); then
        echo "ok $tap_count - $name"
    else
        echo "not ok $tap_count - $name"
        output="$* -> $output"
        echo "# ${output//$'\n'/$'\n'# }"
    fi
}

plan() { echo "1..$tap_count"; }

# For commands under check: `exits STATUS COMMAND...` and `says TEXT COMMAND...` (in stdout or stderr, any exit status).
exits() {
    local status=0
    "${@:2}" || status=$?
    [ "$status" -eq "$1" ] || { echo "exit status $status"; return 1; }
}
says() {
    local output
    output=$("${@:2}" 2>&1) || true
    grep -qF -- "$1" <<< "$output" || { echo "$output"; return 1; }
}
