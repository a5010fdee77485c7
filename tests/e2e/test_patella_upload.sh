#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# patella-upload against a running patellad: previews, what is stored and what is not, refused rows, receipts, lines
# that break, exit statuses; and its manual page.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
. tests/support/tap.sh

bin=${BUILD:-build}/bin
page=collector/patella-upload.1
dir=$(mktemp -d) || exit 1
export DEMO_DIR=$dir DEMO_DATA=$dir/enrolment DEMO_START=2022-01-01 PGDATABASE=patella_upload_$$ SERVICE_PORT=0
export XDG_STATE_HOME=$dir/state
trap 'ci/run-demo stop; dropdb --if-exists --force "$PGDATABASE"; rm -rf "$dir"' EXIT

# The demo study with one subject.
mkdir "$dir/enrolment"
head -n 2 ci/demo-study/data/01_enrolment.csv > "$dir/enrolment/01_enrolment.csv"
printf 'site,name,time_zone\n1,One,UTC\n' > "$dir/enrolment/sites.csv"
printf 'subject,knee,cohort\n01-0001,,AD-MSC\n' > "$dir/enrolment/allocation.csv"
ci/run-demo start > "$dir/start.log" 2>&1 || { cat "$dir/start.log"; exit 1; }
eval "$(ci/service env "$dir")"
SERVICE_PORT=${SERVICE_URL##*:}

token=$dir/tokens/coordinator
collector() { # WORD...: with the connection's options
    "$bin/patella-upload" "$@" --url "$SERVICE_URL" --ca "$SERVICE_CA" --token-file "$token" --study demo
}
upload() { collector "$dir/$1" --form pain_vas "${@:2}" < /dev/null; }        # FILE [OPTION...]
file() { printf '%s\n' "${@:2}" > "$dir/$1"; }  # NAME LINE...
stored() { psql -qAtc "SELECT count(*) FROM core.submission WHERE form = 'pain_vas'"; }
is() { [ "$1" = "$2" ] || { echo "\"$1\" is not \"$2\""; return 1; }; }

# ---- how it is called ----
check "--help exits 0" exits 0 "$bin/patella-upload" --help
check "no file is wrong use" exits 2 collector
check "a mode that there is not is wrong use" exits 2 upload none.csv --commit some
check "--yes and good-rows are wrong use" exits 2 upload none.csv --yes --commit good-rows
check "a reason that says nothing is wrong use" exits 2 upload none.csv --reason '  ab'
check "a certificate without its key is wrong use" exits 2 collector list --cert "$SERVICE_CA"
check "patience is a number" exits 2 collector list --patience soon
: > "$dir/there"
check "a receipt is not written over a file" says 'the file is there already' upload none.csv --receipt "$dir/there"
check "nor are refused rows" exits 2 upload none.csv --refused "$dir/there"
check "a file that is not there exits 1" exits 1 upload none.csv

words_of() { "$bin/patella-upload" --help | sed -nE 's/^  patella-upload ([a-z-]+).*/\1/p'; }
in_page() { # WORD...: all options of a command
    local option
    while read -r option; do
        grep -qE "Fl -$option( |\$)" "$page" || { echo "--$option"; return 1; }
    done < <("$bin/patella-upload" "$@" --help | sed -nE 's/^  --([a-z-]+) .*/\1/p' | grep -vxE 'help|version')
}
check "the page has all options of a file" in_page
while read -r word; do
    check "the page has $word" grep -q "^\.It Cm $word" "$page"
    check "and its options" in_page "$word"
done < <(words_of)
options_of_page() {
    local option help
    help=$("$bin/patella-upload" --help; "$bin/patella-upload" take-back --help)
    while read -r option; do
        grep -q -- "--$option " <<< "$help" || { echo "--$option"; return 1; }
    done < <(grep -oE 'Fl -[a-z-]+' "$page" | sed 's/Fl -//' | sort -u)
}
check "and no option that is gone" options_of_page
statuses() { sed -nE 's/^\.It ([0-9])$/\1/p' "$page" | paste -sd ' '; }
check "and every exit status" is "$(statuses)" '0 1 2 3 4 5'

# ---- a preview stores nothing ----
file first.csv 'subject,knee,visit,date,vas' '01-0001,left,BL,2022-02-10,55' '01-0001,right,BL,2022-02-10,40.5'
check "a preview without anybody to ask exits 5" exits 5 upload first.csv
check "it says what would be new" says '2 new, 0 changed, 0 unchanged, 0 refused' upload first.csv
check "what was assumed" says 'assumed:' upload first.csv
check "and stores nothing" is "$(stored)" 0
json_preview() {
    upload first.csv --json > "$dir/preview.json" 2> "$dir/preview.log"
    is "$(jq -r '[.outcome, .upload.state, .upload.rows.new] | join(" ")' "$dir/preview.json")" 'previewed previewed 2'
}
check "--json is one document" json_preview
quiet() { is "$(upload first.csv --quiet 2>&1)" ''; }
check "--quiet says nothing" quiet
asked() { # FILE QUESTION ANSWERS STATUS: on a terminal
    local status=0
    script -qec "$(declare -f collector); bin=$bin SERVICE_URL=$SERVICE_URL SERVICE_CA=$SERVICE_CA token=$token
        collector $dir/$1 --form pain_vas" /dev/null <<< "$3" > "$dir/asked" || status=$?
    cat "$dir/asked"
    grep -qF "$2" "$dir/asked" && is $status "$4"
}
check "on a terminal it asks, and takes no for an answer" asked first.csv 'Store 2 new and 0 changed rows?' n 5
check "with a bar" grep -qF '[##############################] 100 %' "$dir/asked"
check "nothing is stored then" is "$(stored)" 0

# ---- stored ----
first() { upload first.csv --yes --receipt "$dir/first.json" > "$dir/first.log" 2>&1; }
check "--yes stores" first
check "what the preview has shown, without sending it again" exits 1 grep -q '^sending' "$dir/first.log"
check "what was new" is "$(stored)" 2
receipt() { is "$(jq -r '[.file.name, .file.sha256, .rows.new, .mode] | join(" ")' "$dir/first.json")" \
    "first.csv $(sha256sum < "$dir/first.csv" | cut -d ' ' -f 1) 2 all-or-nothing"; }
check "the receipt names file, SHA-256 and counts" receipt
again() {
    upload first.csv --yes --receipt "$dir/again.json" > "$dir/again.log" && cmp "$dir/first.json" "$dir/again.json"
}
check "the same file again gets the same receipt" again
check "and says so" grep -q 'uploaded before' "$dir/again.log"
file reordered.csv 'visit,date,vas,knee,subject' 'BL,2022-02-10,55,left,01-0001'
check "the same values in another file are nothing to store" says 'nothing to store' upload reordered.csv
check "which exits 0" exits 0 upload reordered.csv
check "and stores nothing twice" is "$(stored)" 2

# ---- changes ----
file changed.csv 'subject,knee,visit,date,vas' '01-0001,left,BL,2022-02-10,60'
check "a change is shown with the value before and after" says 'vas 55 -> 60' upload changed.csv
check "without a reason it is not stored" exits 1 upload changed.csv --yes
check "and the reason is asked for" says 'give --reason' upload changed.csv --yes
check "on a terminal too" asked changed.csv 'Reason for the changes:' $'y\n' 1
check "with one it is" asked changed.csv 'batch ' $'y\nmisread on paper' 0
check "as a new version" is "$(stored)" 3

# ---- refused rows ----
file mixed.csv 'subject,knee,visit,date,vas' '01-0001,left,M3,2022-05-10,30' '01-0001,right,M3,2022-05-10,101' \
    '01-0009,left,M3,2022-05-10,30'
check "a refused row is named by its code and line" says 'range (line 3)' upload mixed.csv
check "all or nothing stores nothing" exits 1 upload mixed.csv --commit all-or-nothing --refused "$dir/nothing.csv"
refused_json() { upload mixed.csv --yes --json 2> "$dir/none" | jq -r '[.outcome, .upload.rows.refused] | join(" ")'; }
check "and tells it as JSON" is "$(refused_json)" 'refused 2'
check "and says what can be done" says '--commit good-rows' upload mixed.csv --yes
check "nothing" is "$(stored)" 3
check "the good rows alone exit 3" exits 3 upload mixed.csv --commit good-rows --refused "$dir/refused.csv"
check "and are stored" is "$(stored)" 4
check "the refused rows are those of the file" grep -q '^01-0001,right,M3,2022-05-10,101,' "$dir/refused.csv"
check "with what is wrong" grep -q 'error_line,error_column,error_code,error_text' "$dir/refused.csv"
check "the same in both modes" cmp "$dir/nothing.csv" "$dir/refused.csv"
check "for nobody else to read" is "$(stat -c %a "$dir/refused.csv")" 600
sed 's/,101,/,31,/; /^01-0009/d' "$dir/refused.csv" > "$dir/mended.csv"
check "mended it is uploaded as it is" exits 0 upload mended.csv --yes --refused "$dir/none-refused.csv"
check "no refused rows, no file" exits 1 test -e "$dir/none-refused.csv"
check "and stored" is "$(stored)" 5
file bad.csv 'subject,knee,visit,date,vas,colour' '01-0001,left,M6,2022-08-10,30,blue'
check "a file that is refused exits 1" exits 1 upload bad.csv --commit good-rows
check "and says why" says 'unknown_column' upload bad.csv
printf 'PK\003\004[Content_Types].xml' > "$dir/book.xlsx"
check "a workbook is not sent" says 'CSV UTF-8' upload book.xlsx

# ---- profiles ----
file site.csv 'Pat.;Seite;Visite;Datum;VAS' '01-0001;L;M6;10.08.2022;30'
file site.yaml 'profile: hand-made' 'version: 1' 'delimiter: ";"' 'dates: dmy' 'form: pain_vas' 'columns:' \
    '  Pat.: subject' '  Seite: knee' '  Visite: visit' '  Datum: date' '  VAS: pain_vas.vas'
check "a profile is handed in and used" exits 0 collector "$dir/site.csv" --profile "$dir/site.yaml" --yes
check "and can be named from then on" says 'uploaded before' collector "$dir/site.csv" --profile hand-made
file broken.yaml 'profile: [' 'delimiter: ";"'
check "one that is no YAML is not" says "$dir/broken.yaml:" collector "$dir/site.csv" --profile "$dir/broken.yaml"
file wrong.yaml 'profile: wrong' 'version: 1' 'dates: sometimes'
check "nor one that says what cannot be" says 'sometimes' collector "$dir/site.csv" --profile "$dir/wrong.yaml"

# ---- the other commands ----
id=$(jq -r .id "$dir/first.json")
check "list has the uploads" says "$id  committed" collector list
check "status tells of one" says 'first.csv' collector status "$id"
check "and of none that there is not" says 'not_found' collector status 0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b
check "an upload below a later change is not taken back" exits 1 collector take-back "$id" --reason 'wrong file'
id=$(collector list --json | jq -r '.uploads[] | select(.file.name == "changed.csv" and .state == "committed").id')
check "one without is" exits 0 collector take-back "$id" --reason 'wrong file'
check "and so becomes what it was" says '1 unchanged' upload reordered.csv
check "in a new version" is "$(stored)" 7

# ---- whom it trusts, and who trusts it ----
echo 'wrong' > "$dir/wrong-token"
token=$dir/wrong-token check "a wrong token exits 1" exits 1 upload first.csv
token=$dir/wrong-token check "and is refused" says 'bad_token' upload first.csv
token=$dir/tokens/statistician check "nor may a statistician upload" says 'not_allowed' upload first.csv
json_error() {
    token=$dir/wrong-token upload first.csv --json > "$dir/none" 2> "$dir/error.json"
    is "$(jq -r .error.kind "$dir/error.json")" denied
}
check "--json tells mistakes too" json_error
check "a server of another CA is not talked to" exits 1 timeout 10 "$bin/patella-upload" --url "$SERVICE_URL" \
    --token-file "$token" "$dir/first.csv"
check "nor one without TLS" exits 1 timeout 10 "$bin/patella-upload" --url "${SERVICE_URL/https/http}" \
    --token-file "$token" "$dir/first.csv"

# ---- a line that breaks ----
# Some 40 MB in 200 rows: the last column is one that is known and ignored.
padded() { # NAME VAS
    local pad i
    pad=$(printf '%0200000d' 0)
    {
        echo 'subject,knee,visit,instance,date,vas,error_text'
        for ((i = 1; i <= 200; i++)); do echo "01-0001,left,unscheduled,$i,2022-03-01,$2,$pad"; done
    } > "$dir/$1"
}
begin() { # FILE LOG [OPTION...]: stopped when some of the file is sent
    collector "$dir/$1" --form pain_vas "${@:3}" < /dev/null > "$dir/$2" 2>&1 &
    sending=$!
    until grep -q '^sending' "$dir/$2" 2> /dev/null; do kill -0 $sending || return 1; done
    kill -STOP $sending
}
restarted() {
    begin large.csv large.log --yes && ci/run-demo stop && kill -CONT "$sending" || return 1
    until grep -q '^waiting for' "$dir/large.log"; do kill -0 "$sending" && sleep 0.1 || return 1; done
    ci/service start "$dir" && wait "$sending"
}
padded large.csv 50
check "a collector that is started anew gets the rest of the file" restarted
unscheduled() { psql -qAtc "SELECT count(*) FROM core.submission WHERE form = 'pain_vas' AND visit = 'unscheduled'"; }
check "all rows once" is "$(unscheduled)" 200
remembers() { grep -rq "$dir/$1" "$dir/state"; }
check "nothing is remembered then" exits 1 remembers large.csv
killed() { begin "$1" killed.log && kill -KILL "$sending" && ! wait "$sending" 2> /dev/null; }
resumed() {
    padded resumed.csv 51 && killed resumed.csv && remembers resumed.csv &&
        says 'going on with what was begun before' upload resumed.csv
}
check "a run that was killed is gone on with" resumed
check "the token is not remembered" exits 1 grep -rqF "$(cat "$token")" "$dir/state"
changed_meanwhile() {
    padded moved.csv 52 && killed moved.csv && padded moved.csv 53 && says 'has changed since' upload moved.csv
}
check "a file that has changed since is sent anew" changed_meanwhile
check "as it is now" says 'vas 50 -> 53' upload moved.csv
# While another session keeps the records to itself, a commit waits.
state_of() { psql -qAtc "SELECT state FROM upload.file WHERE name = '$1'"; }
until_it() { # COMMAND...: of the upload that is under way
    until "$@"; do kill -0 "$sending" && sleep 0.1 || return 1; done
}
committing() { [ "$(state_of locked.csv)" = committing ]; }
commit_restarted() {
    local holder
    file locked.csv 'subject,knee,visit,date,vas' '01-0001,left,M12,2023-02-10,20'
    coproc psql -qAt
    holder=$COPROC_PID
    echo "BEGIN; LOCK TABLE core.submission IN EXCLUSIVE MODE; SELECT 'held';" >&"${COPROC[1]}"
    read -r -u "${COPROC[0]}" && is "$REPLY" held || return 1
    collector "$dir/locked.csv" --form pain_vas --yes < /dev/null > "$dir/locked.log" 2>&1 &
    sending=$!
    until_it committing && ci/run-demo stop || return 1
    kill "$holder"
    ci/service start "$dir" && wait "$sending" && is "$(state_of locked.csv)" committed
}
check "a collector that is started anew while it stores ends what it began" commit_restarted
check "once" is "$(psql -qAtc "SELECT count(*) FROM core.submission WHERE visit = 'M12'")" 1
ci/run-demo stop
check "a collector that is away exits 4" exits 4 upload first.csv --patience 0
plan
