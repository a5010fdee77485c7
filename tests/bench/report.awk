# SPDX-License-Identifier: GPL-3.0-or-later
# The table of tests/bench/report from its rounds, then what R took.

FILENAME == ARGV[1] {
    size = $1; round = $2; stage = $3
    if (!(size in order)) {order[size] = ++sizes; size_at[sizes] = size}
    if (!(stage in place)) {place[stage] = ++stages; stage_at[stages] = stage}
    if (round > rounds) rounds = round
    for (i = 4; i <= 7; i++) value[size, stage, i, round] = $i
    if (stage !~ /^-/) for (i = 4; i <= 6; i++) total[size, i, round] += $i
}
FILENAME == ARGV[2] {r[$1] = $2}

function middle(list, n,    i, j, held) {
    for (i = 2; i <= n; i++) {
        held = list[i]
        for (j = i - 1; j >= 1 && list[j] > held; j--) list[j + 1] = list[j]
        list[j + 1] = held
    }
    return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}

function median(size, stage, i,    n, list) {
    for (n = 1; n <= rounds; n++) list[n] = stage == "" ? total[size, i, n] : value[size, stage, i, n]
    return middle(list, rounds)
}

function print_line(size, name, wall, own, postgres, rss) {
    printf "%9d  %-16s %9.1f %9.1f %9.1f %8.1f\n", size, name, wall, own, postgres, rss
}

END {
    printf "%9s  %-16s %9s %9s %9s %8s\n", "subjects", "stage", "wall ms", "CPU ms", "PG CPU ms", "RSS MiB"
    for (s = 1; s <= sizes; s++) {
        size = size_at[s]
        for (k = 1; k <= stages; k++) {
            most = median(size, stage_at[k], 7)
            print_line(size, stage_at[k], median(size, stage_at[k], 4), median(size, stage_at[k], 5),
                median(size, stage_at[k], 6), most)
        }
        all[size] = median(size, "", 4)
        print_line(size, "all", all[size], median(size, "", 5), median(size, "", 6), most)
    }
    if (10000 in all)
        for (s = 1; s <= sizes; s++)
            if (size_at[s] > 10000)
                printf "%d subjects: %.2f times as long a subject as 10000\n", size_at[s],
                    all[size_at[s]] / all[10000] / (size_at[s] / 10000)
    for (size in r)
        if (r[size] > 0)
            printf "R (nlme::gls) fits one MMRM to %d subjects in %.1f s: %.0f times the whole report\n", size, r[size],
                r[size] * 1000 / all[size]
}
