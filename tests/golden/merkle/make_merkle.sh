#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Merkle tree hashes by the definition of RFC 6962, section 2.1, with sha256sum alone: word for word the recursion, not
# the way in which collector/merkle.c goes.  Leaf i of n is the text "row i" (row 3 is empty); prints "n,root".
#   tests/golden/merkle/make_merkle.sh > tests/golden/merkle/expected.csv
set -euo pipefail

# Hexadecimal in, hexadecimal out.
sha256() {
    local at
    for ((at = 0; at < ${#1}; at += 2)); do printf '%b' "\\x${1:at:2}"; done | sha256sum | cut -c1-64
}
hex() { printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n'; }
leaf() { if [ "$1" -eq 3 ]; then echo; else echo "row $1"; fi; }

# tree FROM UPTO: MTH of the leaves FROM, FROM + 1, ... UPTO - 1
tree() {
    local from=$1 upto=$2 half=1
    if [ $((upto - from)) -eq 1 ]; then
        sha256 "00$(hex "$(leaf "$from")")"
        return
    fi
    while [ $((half * 2)) -lt $((upto - from)) ]; do half=$((half * 2)); done
    sha256 "01$(tree "$from" $((from + half)))$(tree $((from + half)) "$upto")"
}

echo n,root
echo "0,$(printf '' | sha256sum | cut -c1-64)"
for n in 1 2 3 4 5 6 7 8 9 15 16 17 31 33 100; do
    echo "$n,$(tree 0 "$n")"
done
