# SPDX-License-Identifier: GPL-3.0-or-later
# One line of the table of tests/bench/large for each kind of ids, from the rounds at so many `rows` stored.

{
    n = ++lines[$1]
    rate[$1, n] = $3
    daemon[$1, n] = $7
    postgres[$1, n] = $8
    wal[$1, n] = $15
}

function middle(list, n,    i, j, held) {
    for (i = 2; i <= n; i++) {
        held = list[i]
        for (j = i - 1; j >= 1 && list[j] > held; j--) list[j + 1] = list[j]
        list[j + 1] = held
    }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function median(values, who,    i, list) {
    for (i = 1; i <= lines[who]; i++) list[i] = values[who, i] + 0
    return middle(list, lines[who])
}

# How many of n ordered values lie below an interval that holds the median with 95 % or more, whatever their
# distribution: the greatest k with 2 P(X < k) <= 0.05, X binomial of n and 1/2; at least 1.
function rank(n,    k, p, below) {
    p = 2 ^ -n
    for (k = 0; 2 * (below + p) <= 0.05; k++) {
        below += p
        p *= (n - k) / (k + 1)
    }
    return k < 1 ? 1 : k
}

function cpu(who) { return median(daemon, who) + median(postgres, who) }

function print_line(ids,    i, n, list, ratio) {
    n = lines["filled-" ids]
    for (i = 1; i <= n; i++) list[i] = rate["filled-" ids, i] / rate["empty-" ids, i]
    ratio = middle(list, n)
    printf "%10d %9s %4s %8.0f %8.0f %6.2f %8.2f %8.2f %7.1f %7.1f %7.1f %7.1f %6.2f %10.0f\n", rows, size, ids,
        median(rate, "empty-" ids), median(rate, "filled-" ids), ratio, list[rank(n)], list[n + 1 - rank(n)],
        median(daemon, "empty-" ids), median(postgres, "empty-" ids), median(daemon, "filled-" ids),
        median(postgres, "filled-" ids), cpu("filled-" ids) / cpu("empty-" ids), median(wal, "filled-" ids)
}

END {
    print_line("v7")
    print_line("v4")
}
