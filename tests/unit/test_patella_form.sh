#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# patella-form as a person calls it: arguments, exit statuses, standard output and error.  Prints TAP.
set -u
cd "$(dirname "$0")/../.." || exit 1
program=${BUILD:-build}/bin/patella-form
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
count=0

# expect STATUS NAME COMMAND...: runs it into $folder/out and $folder/err
expect() {
    wanted=$1 name=$2
    shift 2
    count=$((count + 1))
    "$@" > "$folder/out" 2> "$folder/err"
    status=$?
    if [ "$status" -eq "$wanted" ]; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name: exit $status, not $wanted"
        sed 's/^/# /' "$folder/err"
    fi
}

# has FILE NAME TEXT: the file of the last command holds the text
has() {
    count=$((count + 1))
    if grep -qF -- "$3" "$folder/$1"; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2: no \"$3\""
        sed 's/^/# /' "$folder/$1" | head -n 20
    fi
}

score() {
    "$program" score "$1" < "$2"
}

expect 0 "--help" "$program" --help
has out "help names the commands" "codebook"
expect 0 "--version" "$program" --version
expect 2 "no command" "$program"
expect 2 "an unknown command" "$program" compile
expect 2 "an unknown option" "$program" check --frobnicate
has err "the help is pointed to" "--help"
expect 2 "check without files" "$program" check
expect 2 "score without a form" "$program" score

expect 0 "check: everything that ships" "$program" check forms/instruments/*.yaml forms/protocols/*.yaml
has out "check: counts" "no errors"
expect 0 "check: a protocol against --forms" "$program" check --forms forms/instruments forms/protocols/demo.yaml
expect 2 "check: an absent file" "$program" check "$folder/absent.yaml"
has err "check: names the absent file" "absent.yaml"

sed -e 's/^version: 1/version: x/' -e 's/required: always/requird: always/' \
    forms/instruments/enrolment.yaml > "$folder/a.yaml"
sed 's/koos\.womac_pain_0_100/koos.womac_pane_0_100/' forms/protocols/demo.yaml > "$folder/b.yaml"
printf 'items: {a: 1}\n' > "$folder/c.yaml"
printf 'wording: {form: koos, version: 1, language: de, source: s}\nitems: {p99: x}\n' > "$folder/d.yaml"
expect 2 "check: several wrong files" "$program" check --forms forms/instruments \
    "$folder/a.yaml" "$folder/c.yaml" "$folder/d.yaml"
has err "check: first fault of the first file" "a.yaml:4: \"version\" must be a whole number"
has err "check: second fault of the first file" "index_knee: unknown key \"requird\"; did you mean \"required\"?"
has err "check: a file that is nothing" "c.yaml:1: not a form, protocol or wording"
has err "check: a wording" "d.yaml:2: form koos has no item \"p99\""
expect 2 "check: a protocol with a wrong score" "$program" check --forms forms/instruments "$folder/b.yaml"
has err "check: names the score and a near one" "did you mean \"womac_pain_0_100\"?"

{ printf 'form: many\nversion: 1\n'; seq -f 'x%g: 1' 150; } > "$folder/many.yaml"
expect 2 "check: many faults" "$program" check "$folder/many.yaml"
has err "check: there are more" "there are more faults; correct these first"

sed '1s/"q0\{0,1\}\([0-9]*\)"/"w\1"/g' tests/golden/cases/womac_items.csv > "$folder/womac.csv"
expect 0 "score: WOMAC" score forms/instruments/womac_lk.yaml "$folder/womac.csv"
has out "score: header" "case,pain,stiffness,function,total,pain_0_100"
has out "score: a case with missing items" "7,8.75,2,24,34.75,43.75,25,35.2941176471,36.1979166667"
printf 'case,w1,w2\n1,9,0\n2,0,x\n' > "$folder/wrong.csv"
expect 1 "score: wrong cells" score forms/instruments/womac_lk.yaml "$folder/wrong.csv"
has err "score: first wrong cell" "standard input:2: column 2 (w1): \"9\" is no choice"
has err "score: second wrong cell" "standard input:3: column 3 (w2)"
has err "score: items without a column" "no column for w3"
expect 1 "score: not CSV" score forms/instruments/womac_lk.yaml /dev/null
expect 2 "score: a wrong form" score "$folder/a.yaml" "$folder/womac.csv"

expect 0 "codebook: both files" "$program" codebook forms/protocols/demo.yaml --forms forms/instruments \
    --html "$folder/out.html" --csv "$folder/out.csv"
cp "$folder/out.csv" "$folder/out"
has out "codebook: CSV has an item" "koos,1,item"
expect 0 "codebook: HTML to standard output" "$program" codebook --forms forms/instruments forms/protocols/demo.yaml
has out "codebook: HTML has a title" "<title>Codebook: "
printf 'wording: {form: koos, version: 1, language: de, source: s}\ntitle: Fragebogen\nitems: {p1: Wie oft?}\n' \
    > "$folder/koos.yaml"
printf 'wording: {form: pain_vas, version: 1, language: de, source: s}\ntitle: Schmerz\n' > "$folder/vas.yaml"
printf 'wording: {form: koos, version: 9, language: de, source: s}\n' > "$folder/old.yaml"
expect 0 "codebook: with wordings" "$program" codebook --forms forms/instruments forms/protocols/demo.yaml \
    --wording "$folder/koos.yaml" --wording "$folder/vas.yaml"
has out "codebook: the wording of an item" "Wie oft?"
has out "codebook: the wording of a title" "<h2>Fragebogen</h2>"
has out "codebook: the second wording" "<h2>Schmerz</h2>"
expect 2 "codebook: a wording for no item" "$program" codebook --forms forms/instruments forms/protocols/demo.yaml \
    --wording "$folder/d.yaml"
has err "codebook: names the wording's fault" "d.yaml:2: form koos has no item \"p99\""
expect 2 "codebook: a wording for no version" "$program" codebook --forms forms/instruments \
    forms/protocols/demo.yaml --wording "$folder/old.yaml"
has err "codebook: names the version" "no form koos version 9 to lay this wording over"
expect 2 "codebook: an absent wording" "$program" codebook --forms forms/instruments forms/protocols/demo.yaml \
    --wording "$folder/absent.yaml"
expect 2 "check: --wording" "$program" check --wording "$folder/koos.yaml" forms/instruments/koos.yaml
expect 2 "codebook: a protocol that does not fit" "$program" codebook --forms forms/instruments "$folder/b.yaml"
expect 1 "codebook: an output that cannot be written" "$program" codebook --forms forms/instruments \
    forms/protocols/demo.yaml --html "$folder/no/such/folder.html"
echo "1..$count"
