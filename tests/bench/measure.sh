# SPDX-License-Identifier: GPL-3.0-or-later
# What tests/bench/run and tests/bench/large share: a cluster of their own, a registry with its daemon, and rounds of
# patellad and of pgbench, each of which adds a line to $rounds.  Set before: $dir, a folder of its own.
#
# Columns of a line: 1 system  2 connections  3 submissions/s  4-6 p50, p95, p99 in ms
#                    7-9 CPU us a submission: daemon, PostgreSQL, client  10-11 waits a submission: daemon, PostgreSQL
#                    12 submissions  13 WAL syncs a submission  14 us a WAL sync  15 bytes of WAL a submission
# shellcheck shell=bash
# shellcheck disable=SC2154  # dir comes from the caller

export BUILD=${BUILD:-build}
bench=$BUILD/bench/bench
rounds=$dir/rounds
site=10
system=patellad                 # what rounds of patellad are called

fail() { echo "$0: $*" >&2; exit 1; }
sql() { psql --no-psqlrc --quiet --tuples-only --no-align --field-separator=$'\t' --set ON_ERROR_STOP=1 "$@"; }

start_cluster() { # [NAME=VALUE...]: settings of PostgreSQL
    local setting
    ci/cluster start "$dir/cluster" || fail "no cluster"
    eval "$(ci/cluster env "$dir/cluster")"
    for setting in track_wal_io_timing=on "$@"; do
        sql -d postgres -c "ALTER SYSTEM SET ${setting%%=*} = '${setting#*=}'" || fail "the setting $setting"
    done
    ci/cluster stop "$dir/cluster"
    ci/cluster start "$dir/cluster" || fail "no cluster"
    postmaster=$(head -n 1 "$dir/cluster/place/data/postmaster.pid")
    if [ "$(sql -d postgres -c 'SHOW fsync')/$(sql -d postgres -c 'SHOW synchronous_commit')" != on/on ]; then
        fail "fsync or synchronous_commit is off: these figures would mean nothing"
    fi
}

declare -A registry_pid registry_input registry_words

# A database of its own and a daemon on it; becomes the one that is used.
start_registry() { # NAME [SETTING=VALUE...]
    local input words
    mkfifo "$dir/$1.input" "$dir/$1.output" || fail "no pipe"
    "$bench" registry "${@:2}" < "$dir/$1.input" > "$dir/$1.output" &
    registry_pid[$1]=$!
    exec {input}> "$dir/$1.input"
    registry_input[$1]=$input
    read -r words < "$dir/$1.output" || fail "no daemon"
    registry_words[$1]=$words
    use_registry "$1"
}

# Sets server (options of bench), database, port and PGDATABASE.
use_registry() { # NAME
    read -ra server <<< "${registry_words[$1]} postmaster=$postmaster"
    database=${server[0]#database=}
    # shellcheck disable=SC2034  # tests/bench/run has a URL to make
    port=${server[1]#port=}
    export PGDATABASE=$database
}

# All inputs are closed before anything is waited for: a daemon has inherited those of the daemons before it.
stop_registries() {
    local name input
    unset PGDATABASE
    for input in "${registry_input[@]}"; do exec {input}>&-; done
    registry_input=()
    for name in "${!registry_pid[@]}"; do
        wait "${registry_pid[$name]}" || echo "$0: the daemon of $name did not end well" >&2
    done
    registry_pid=()
}

# At the end, however it comes.
clean_up() {
    stop_registries
    ci/cluster stop "$dir/cluster"
    rm -rf "$(readlink -f "$dir/cluster/place" 2> /dev/null)" "$dir"
}

wal() {
    sql -c "SELECT wal_sync, (wal_sync_time * 1000)::bigint, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')
            FROM pg_stat_wal" || fail "no figures of the WAL"
}

# WAL syncs a submission, microseconds a sync and bytes of WAL a submission, between two lines of wal.
wal_columns() { # FROM TO SUBMISSIONS
    awk -v from="$1" -v to="$2" -v count="$3" 'BEGIN {
        split(from, a, "\t"); split(to, b, "\t"); n = b[1] - a[1]
        printf "%.3f\t%.0f\t%.0f\n", n / count, (n > 0 ? (b[2] - a[2]) / n : 0), (b[3] - a[3]) / count }'
}

# A site of its own for each round, so that the ledger knows what must be there.
enrol_site() { # [OPTION=VALUE...]
    site=$((site + 1))
    "$bench" enrol "${server[@]}" site=$site "$@" || fail "enrolment"
}

patellad_round() { # CONNECTIONS SECONDS [OPTION=VALUE...]
    enrol_site "${@:3}"
    site_round "$@"
}

# The same on a site whose subjects are enrolled.
site_round() { # CONNECTIONS SECONDS [OPTION=VALUE...]
    local line before
    before=$(wal)
    line=$("$bench" load "${server[@]}" site=$site connections="$1" seconds="$2" "${@:3}") ||
        fail "the ledger of a round with $1 connections is not right"
    printf '%s\t%s\t%s\t%s\n' "$system" "$1" "$line" \
        "$(wal_columns "$before" "$(wal)" "$(cut -f 10 <<< "$line")")" >> "$rounds"
}

# ---- pgbench ----

# Bare tables: the same columns and indexes, no triggers, checks, policies and foreign keys; values of a real row.
make_bare_tables() {
    local like='INCLUDING INDEXES INCLUDING IDENTITY INCLUDING STORAGE INCLUDING COMPRESSION'
    sql -c 'CREATE SCHEMA bench' -c "CREATE TABLE bench.submission (LIKE core.submission $like)" \
        -c "CREATE TABLE bench.event (LIKE audit.event $like)"
    sample_values=()
    local name value
    while IFS=$'\t' read -r name value; do sample_values+=(-D "$name=$value"); done < <(sql -c "
        SELECT v.* FROM core.submission s JOIN audit.event e ON e.row_id = s.id AND e.operation = 'INSERT',
        LATERAL (VALUES ('content', s.content::text), ('digest', s.sha256::text), ('scores', s.scores::text),
                        ('account', s.recorded_by), ('detail', e.new::text)) v
        WHERE s.form = 'koos' ORDER BY s.recorded_at LIMIT 5")
    [ ${#sample_values[@]} -eq 10 ] || fail "there is no KOOS submission to take values from"
}

# One transaction: the version, its audit row.  Ids grow like version 7: by time first, then by client.
write_script() {
    cat > "$dir/script.sql" <<'SQL'
\set n :n + 1
\set id :round * 10000000000 + :n * 1000 + :client_id
BEGIN;
INSERT INTO bench.submission (study_id, site_id, subject_no, form, knee, visit, instance, version, id, status,
    form_version, protocol_version, dated, content, sha256, scores, door, token_no, recorded_by, recorded_at, xid, era)
VALUES (1, :round, :client_id, 'koos', 'left', 'unscheduled', :n, 1, pg_catalog.lpad(:id, 32, '0')::uuid, 'complete',
    1, 1, '2024-02-02', :content, :digest, :scores, 'api', 3, :account, pg_catalog.now(),
    pg_catalog.pg_current_xact_id(), 1);
INSERT INTO bench.event (xid, era, at, actor, token_no, db_role, operation, object, study_id, site_id, row_id,
    digest, new)
VALUES (pg_catalog.pg_current_xact_id(), 1, pg_catalog.now(), :account, 3, 'patella_collector', 'INSERT',
    'core.submission', 1, :round, pg_catalog.lpad(:id, 32, '0')::uuid, :digest, :detail);
COMMIT;
SQL
}

# Connections of pgbench that are open now.
pgbench_connections() { sql -c "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'"; }

# Rate and latencies of the transactions that ended between two instants (ms) from pgbench's own logs.
read_pgbench_logs() { # FROM TO
    cat "$dir"/pgbench_log.* |
        awk -v from="$1" -v to="$2" '{at = $5 * 1000 + $6 / 1000} at >= from && at < to {print $3}' | sort -n |
        awk -v seconds="$(($2 - $1))e-3" '
            {us[NR] = $1}
            function share(p,  i) {i = int(p * NR + 0.999999); return us[i < 1 ? 1 : i] / 1000}
            END {
                if (NR > 0)
                    printf "%.1f\t%.3f\t%.3f\t%.3f\t%d\n", NR / seconds, share(.5), share(.95), share(.99), NR
            }'
    rm -f "$dir"/pgbench_log.*
}

pgbench_round() { # CONNECTIONS SECONDS
    local from to line before after pid
    site=$((site + 1))
    (cd "$dir" && exec pgbench --no-vacuum --protocol=prepared --client="$1" --jobs=$(($1 > 1 ? 2 : 1)) \
        --time=$(($2 + 2 + $1 / 64)) --file=script.sql -D n=0 -D round=$site "${sample_values[@]}" \
        --log > pgbench.out 2>&1) &
    pid=$!
    until [ "$(pgbench_connections)" -eq "$1" ]; do
        kill -0 "$pid" 2> /dev/null || { cat "$dir/pgbench.out" >&2; fail "pgbench ended"; }
        sleep 0.05
    done
    before=$(wal)
    from=$("$bench" sample postmaster="$postmaster" client="$pid")
    sleep "$2"
    to=$("$bench" sample postmaster="$postmaster" client="$pid")
    after=$(wal)
    wait "$pid" || { cat "$dir/pgbench.out" >&2; fail "pgbench failed"; }
    line=$(read_pgbench_logs "${from%%$'\t'*}" "${to%%$'\t'*}")
    [ -n "$line" ] || fail "pgbench did nothing"
    awk -v from="$from" -v to="$to" -v line="$line" -v connections="$1" 'BEGIN {
        split(from, a, "\t"); split(to, b, "\t"); split(line, l, "\t"); n = l[5]
        printf "pgbench\t%d\t%s\t%s\t%s\t%s\t0\t%.1f\t%.1f\t0\t%.2f\t%d\t", connections, l[1], l[2], l[3], l[4],
            (b[2] - a[2]) / n, (b[4] - a[4]) / n, (b[3] - a[3]) / n, n }' >> "$rounds"
    wal_columns "$before" "$after" "${line##*$'\t'}" >> "$rounds"
}

# ---- what all tables begin with ----

print_machine() {
    local memory
    memory=$(awk '/^MemTotal/ {printf "%.0f", $2 / 1048576}' /proc/meminfo)
    echo "machine: $(nproc) processors, $memory GB; PostgreSQL $(sql -c "SHOW server_version")"
    sql -F ', ' -c "SELECT name || '=' || setting || COALESCE(' ' || unit, '') FROM pg_settings WHERE name IN
        ('fsync', 'synchronous_commit', 'wal_sync_method', 'shared_buffers', 'max_wal_size', 'full_page_writes',
         'data_checksums', 'track_wal_io_timing') ORDER BY name" | paste -sd, | sed 's/,/, /g; s/^/PostgreSQL: /'
    echo "patellad: default settings, access log to a file; client, daemon and PostgreSQL share the machine"
}
