# SPDX-License-Identifier: GPL-3.0-or-later
# Expected statistics for tests/unit/test_stat_*.c.  Made with R 4.2.2 (2022-10-31), base packages only:
#   Rscript make_statistics.R        (in this folder; writes samples.csv and expected.csv)
# No random numbers, so that every run gives the same files.

samples <- list(
  one = 42.5,
  two = c(10, 13),
  three_equal = c(7, 7, 7),
  ties = c(0, 0, 5, 5, 5, 100, 100, 25, 25, 50, 5),
  negative = c(-12.5, 3, -40, 8.25, 0, -12.5, 19, 2),
  hundred = ((0:99) * 37) %% 101 / 7,
  far_from_zero = 1e9 + ((0:22) * 7) %% 23 / 10,
  change = c(-30, -25, -12.5, 0, 4.5, -55, -20, -20, -17.5, 10, -41, -3, -8)
)

number <- function(x) ifelse(is.na(x), "", sprintf("%.15g", x))
rows <- list()
emit <- function(table, row, col, values) for (stat in names(values))
  rows[[length(rows) + 1]] <<- data.frame(table = table, row = row, col = col, stat = stat,
                                          value = number(values[[stat]]))

describe <- function(x, level) {
  n <- length(x)
  s <- if (n > 1) sd(x) else NA
  half <- if (n > 1) qt((1 + level) / 2, n - 1) * s / sqrt(n) else NA
  q <- quantile(x, c(.25, .5, .75), type = 2, names = FALSE)
  c(n = n, mean = mean(x), sd = s, se = s / sqrt(n), lo = mean(x) - half, hi = mean(x) + half,
    q1 = q[1], median = q[2], q3 = q[3], min = min(x), max = max(x))
}
for (level in c(.95, .9)) for (name in names(samples)) emit("describe", name, level, describe(samples[[name]], level))

proportion <- function(x, n, level) {
  z <- qnorm((1 + level) / 2); p <- x / n
  centre <- (p + z^2 / (2 * n)) / (1 + z^2 / n)
  half <- z * sqrt(p * (1 - p) / n + z^2 / (4 * n^2)) / (1 + z^2 / n)
  exact <- binom.test(x, n, conf.level = level)$conf.int
  c(p = p, wilson_lo = if (x == 0) 0 else centre - half, wilson_hi = if (x == n) 1 else centre + half,
    cp_lo = exact[1], cp_hi = exact[2])
}
for (level in c(.95, .9, .99)) for (case in list(c(0, 1), c(1, 1), c(5, 10), c(1, 338), c(17, 338), c(300, 30000),
                                                 c(1000, 100000), c(99999, 100000), c(0, 100000),
                                                 # tests/support/trial1000.c has these two at 0.95
                                                 c(102, 280), c(70, 222)))
  emit("proportion", sprintf("%d/%d", case[1], case[2]), level, proportion(case[1], case[2], level))

# Austin 2009, equation 1
smd_numeric <- function(a, b) (mean(a) - mean(b)) / sqrt((var(a) + var(b)) / 2)
pairs <- list(c("hundred", "ties"), c("ties", "hundred"), c("negative", "change"), c("two", "change"))
for (p in pairs) emit("smd numeric", p[1], p[2], c(smd = smd_numeric(samples[[p[1]]], samples[[p[2]]])))

# Yang & Dalton 2012: all categories but the last
smd_categorical <- function(a, b) {
  keep <- a + b > 0
  p <- a[keep] / sum(a); q <- b[keep] / sum(b); k <- length(p) - 1
  if (k < 1) return(0)
  cov <- function(p) diag(p, length(p)) - outer(p, p)
  S <- ((cov(p) + cov(q)) / 2)[1:k, 1:k, drop = FALSE]; d <- (p - q)[1:k]
  sqrt(drop(t(d) %*% solve(S) %*% d))
}
counts <- list(list(c(10, 20), c(15, 15)), list(c(0, 30), c(3, 27)), list(c(5, 12, 40, 3, 0), c(9, 9, 30, 12, 0)),
               list(c(20, 30, 50), c(20, 30, 50)), list(c(1, 2, 3, 4, 5), c(50, 40, 30, 20, 10)), list(8, 9),
               list(c(4, 0, 6), c(0, 5, 5)))
for (c2 in counts) emit("smd categorical", paste(c2[[1]], collapse = " "), paste(c2[[2]], collapse = " "),
                        c(smd = smd_categorical(c2[[1]], c2[[2]])))

write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
long <- do.call(rbind, lapply(names(samples), function(s) data.frame(sample = s, value = sprintf("%.17g", samples[[s]]))))
write.csv(long, "samples.csv", row.names = FALSE, quote = FALSE)
