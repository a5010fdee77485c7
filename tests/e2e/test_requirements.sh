#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The tables of requirements in the READMEs are those that ci/requirements makes, and every test they name exists.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

with() { sed "$1" ci/requirements.list > "$dir/list"; REQUIREMENTS=$dir/list ci/requirements --check; }

check "the tables are what the tests' names make" exits 0 ci/requirements --check
check "a test that does not exist is named" says 'no test of tests/e2e/test_seal.c is called test_nothing' \
    with 's/test_seal.c:test_verify_\*/test_seal.c:test_nothing/'
check "a file that does not exist is named" says 'there is no tests/faults/test_gone.c' \
    with 's|faults/test_dump.c$|faults/test_gone.c|; s|faults/test_restore.c faults/test_dump.c|faults/test_gone.c|'
check "a row that nothing shows is named" says '11.50: nothing shows it' with '/test_sign_holds_name_meaning/d'
check "another word of a requirement is another table" says 'the table of collector/README.md is another one' \
    with 's/asks: steps come in their order/asks: steps come/'
plan
