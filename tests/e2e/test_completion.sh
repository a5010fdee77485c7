#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What bash completes is what the programs take, and the manual page of patella-admin has every command and option.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

bin=${BUILD:-build}/bin
page=collector/patella-admin.1

# "study add": the lines of --help, without operands and options.
commands_of() { "$bin/$1" --help | sed -nE "s/^  $1 ([a-z][a-z -]*[a-z]).*/\1/p" | sed 's/ --.*//'; }
options_of() { # PROGRAM WORD...
    "$bin/$1" "${@:2}" --help | sed -nE 's/^  --([a-z-]+) .*/\1/p'
}

# What bash offers behind these words and the beginning of the next one.
offered() { # PROGRAM WORD... BEGINNING
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    "_${1//-/_}"
    printf '%s\n' "${COMPREPLY[@]}"
}
offers() { # WANTED PROGRAM WORD... BEGINNING
    local list
    list=$(offered "${@:2}")
    grep -qxF -e "$1" <<< "$list" || { echo "offered: $list"; return 1; }
}

words_are_offered() { # PROGRAM WORD...
    local program=$1 typed=()
    shift
    for word in "$@"; do
        offers "$word" "$program" "${typed[@]}" '' && offers "$word" "$program" "${typed[@]}" "${word:0:1}" || return 1
        typed+=("$word")
    done
}
options_are_offered() { # PROGRAM WORD...
    local option count=0
    for option in $(options_of "$@"); do
        offers "--$option" "$@" -- && offers "--$option" "$@" OPERAND "--${option:0:2}" || return 1
        count=$((count + 1))
    done
    [ $count -ge 2 ]
}

# The paragraph of a command: from its .It to the next.
paragraph() { awk -v head=".It Cm $1" '/^\.It |^\.El/ {on = index($0 " ", head " ") == 1} on' "$page"; }
stands_in_page() { # WORD...
    local option text
    text=$(paragraph "$*")
    [ -n "$text" ] || { echo "no .It Cm $*"; return 1; }
    for option in $(options_of patella-admin "$@" | grep -vxE 'db|json|help|version'); do
        grep -qE "Fl -$option( |\$)" <<< "$text" || { echo "--$option is missing"; return 1; }
    done
}

for program in patella-admin patella-seal patella-upload; do
    # shellcheck disable=SC1090
    . <(ci/completion $program)
    count=0
    while read -r -a words; do
        check "$program ${words[*]} is completed" words_are_offered $program "${words[@]}"
        check "and its options" options_are_offered $program "${words[@]}"
        count=$((count + 1))
    done < <(commands_of $program)
    check "$program has commands" test $count -ge 4
done
check "what is no command is not offered" exits 1 offers remove patella-admin study ''
check "nor an option of another command" exits 1 offers --label patella-admin study list --
check "where no word can come, files are offered" offers Makefile patella-admin allocate demo Makef
check "options of a command without words" options_are_offered patella-upload
check "are offered where a word is none" exits 1 offers --commit patella-upload status --
check "a file can come in the place of its words" offers Makefile patella-upload Makef

while read -r -a words; do
    check "the page has ${words[*]} with its options" stands_in_page "${words[@]}"
done < <(commands_of patella-admin)
check "the page has no command that there is not" exits 1 stands_in_page study remove
gone() {
    local head words
    while read -r head; do
        words=$(sed -E 's/^\.It Cm ([a-z -]+[a-z])( (Ar|Fl|Op|Cm) .*)?$/\1/' <<< "$head")
        commands_of patella-admin | grep -qxF "$words" || { echo "$head"; return 1; }
    done < <(sed -n '/^\.Sh DESCRIPTION/,/^\.Sh ALLOCATION/s/^\(\.It Cm .*\)/\1/p' "$page")
}
check "nor one that is gone" gone
for option in db json help; do check "and --$option" grep -q "Fl -$option" "$page"; done

for program in patella-report patella-migrate patella-load patella-form patellad; do
    check "$program has a completion" says --help ci/completion $program
    check "that bash reads" bash -n <(ci/completion $program)
done
plan
