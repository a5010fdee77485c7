# SPDX-License-Identifier: GPL-3.0-or-later
# The table of tests/bench/run from the lines of its rounds (columns: tests/bench/measure.sh).

{
    if (!($2 in seen)) order[++counts] = $2
    seen[$2] = 1
    n = ++lines[$1, $2]
    for (column = 3; column <= 15; column++) value[$1, $2, column, n] = $column
}

function sort(list, n,    i, j, held) {
    for (i = 2; i <= n; i++) {
        held = list[i]
        for (j = i - 1; j >= 1 && list[j] > held; j--) list[j + 1] = list[j]
        list[j + 1] = held
    }
}

function middle(list, n) {
    sort(list, n)
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function median(who, connections, column,    i, list) {
    for (i = 1; i <= lines[who, connections]; i++) list[i] = value[who, connections, column, i] + 0
    return middle(list, lines[who, connections])
}

function cpu(who, connections) {
    return median(who, connections, 7) + median(who, connections, 8) + median(who, connections, 9)
}

function print_line(who, connections) {
    printf "%11d %8s %8.0f %8.2f %8.2f %8.2f | %6.1f %6.1f %6.1f | %6.2f %6.2f | %6.3f %6.0f %6.0f\n", connections, who,
        median(who, connections, 3), median(who, connections, 4), median(who, connections, 5),
        median(who, connections, 6), median(who, connections, 7), median(who, connections, 8),
        median(who, connections, 9), median(who, connections, 10), median(who, connections, 11),
        median(who, connections, 13), median(who, connections, 14), median(who, connections, 15)
}

# The rounds come in pairs, one of each.
function print_ratio(connections,    i, list, n) {
    n = lines["pgbench", connections]
    for (i = 1; i <= n; i++) list[i] = value["patellad", connections, 3, i] / value["pgbench", connections, 3, i]
    printf "ratio %9d: %5.2f (%.2f to %.2f)   CPU of all processes a submission: %4.0f/%4.0f us = %.2f\n", connections,
        middle(list, n), list[1], list[n], cpu("patellad", connections), cpu("pgbench", connections),
        cpu("patellad", connections) / cpu("pgbench", connections)
}

# One connection has nobody to share a COMMIT with: where its time goes.
function print_single(who,    whole, sync) {
    whole = 1e6 / median(who, 1, 3)
    sync = median(who, 1, 13) * median(who, 1, 14)
    printf "%10s %8.0f %8.0f %8.0f %8.0f %8.0f %8.0f\n", who, whole, median(who, 1, 7), median(who, 1, 8),
        median(who, 1, 9), sync, whole - cpu(who, 1) - sync
}

function difference(column) { return median("patellad", 1, column) - median("pgbench", 1, column) }

# What patellad takes longer with, in the order of the table above.
function print_lost(    whole, sync) {
    whole = 1e6 / median("patellad", 1, 3) - 1e6 / median("pgbench", 1, 3)
    sync = median("patellad", 1, 13) * median("patellad", 1, 14) - median("pgbench", 1, 13) * median("pgbench", 1, 14)
    printf "%10s %8.0f %8.0f %8.0f %8.0f %8.0f %8.0f\n", "lost", whole, difference(7), difference(8), difference(9),
        sync, whole - difference(7) - difference(8) - difference(9) - sync
}

END {
    n = lines["pgbench", order[1]]
    printf "Submissions (patellad) and bare transactions (pgbench) a second, medians of %d rounds:\n", n
    printf "%36s %26s | %20s | %13s | %20s\n", "", "latency, ms", "CPU us each", "waits each", "WAL: syncs, us, bytes"
    printf "%11s %8s %8s %8s %8s %8s | %6s %6s %6s | %6s %6s | %6s %6s %6s\n", "connections", "system", "rate/s", "p50",
        "p95", "p99", "daemon", "PgSQL", "client", "daemon", "PgSQL", "each", "of one", "each"
    for (i = 1; i <= counts; i++) {
        print_line("patellad", order[i])
        print_line("pgbench", order[i])
    }
    printf "\nRatio of the rates patellad/pgbench, median (least to greatest):\n"
    for (i = 1; i <= counts; i++) print_ratio(order[i])
    if (!(1 in seen)) exit
    printf "\nOne connection, us of a submission (medians):\n"
    printf "%10s %8s %8s %8s %8s %8s %8s\n", "system", "whole", "daemon", "PgSQL", "client", "WALsync", "rest"
    print_single("patellad")
    print_single("pgbench")
    print_lost()
    print "daemon, PgSQL, client: CPU time.  WALsync: waiting for the disk at COMMIT.  rest: waking up the next"
    print "process or thread in the row (client, event loop, writer, backend, and back), less what overlaps."
    print "With pgbench there is no TLS, HTTP, JSON, check, score, SHA-256 or verdict of the database; nobody shares"
    print "the COMMIT."
}
