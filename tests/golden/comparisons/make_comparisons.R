# SPDX-License-Identifier: GPL-3.0-or-later
# Expected numbers of the tests of two proportions, Fisher, strata, associations, rates, ranks, effect sizes and
# multiplicity (tests/unit/test_stat_*.c).  Made with R 4.2.2 (2022-10-31), base packages only:
#   Rscript make_comparisons.R       (in this folder; writes expected.csv)
# No random numbers.  An empty value: not estimable.  Samples are those of ../statistics/samples.csv, and sequences
# that row names say.

options(digits = 15, scipen = 30)
Z <- qnorm(.975)
number <- function(x) ifelse(is.finite(x), sprintf("%.15g", x), "")
rows <- list()
emit <- function(table, row, col, values) for (stat in names(values))
  rows[[length(rows) + 1]] <<- data.frame(table = table, row = row, col = col, stat = stat,
                                          value = number(values[[stat]]))
root <- function(f, a, b) uniroot(f, c(a, b), tol = 1e-16, maxiter = 10000)$root

# ---- two proportions

# Miettinen & Nurminen: p2 by the root of the score in p2, not by the cubic; the limit by bisection in d
mn_variance <- function(x1, n1, x2, n2, d) {
  score <- function(p2) { p1 <- p2 + d
    sum(if (x1 > 0) x1 / p1, if (x1 < n1) -(n1 - x1) / (1 - p1), if (x2 > 0) x2 / p2, if (x2 < n2) -(n2 - x2) / (1 - p2)) }
  lo <- max(0, -d); hi <- min(1, 1 - d); e <- 1e-15 * (hi - lo)
  at <- function(w) lo + (hi - lo) * w
  p2 <- if (score(lo + e) <= 0) lo else if (score(hi - e) >= 0) hi else {
    a <- lo; b <- hi
    for (i in 1:200) { m <- (a + b) / 2; if (score(m) > 0) a <- m else b <- m }
    (a + b) / 2 }
  p1 <- p2 + d; N <- n1 + n2
  (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * N / (N - 1)
}
mn_lower <- function(x1, n1, x2, n2, z) {
  d0 <- x1 / n1 - x2 / n2; a <- -1; b <- d0
  if (d0 <= -1) return(-1)
  for (i in 1:200) { m <- (a + b) / 2; if (d0 - m > z * sqrt(mn_variance(x1, n1, x2, n2, m))) a <- m else b <- m }
  (a + b) / 2
}
wilson <- function(x, n, z) { p <- x / n
  h <- z * sqrt(p * (1 - p) / n + z^2 / (4 * n^2)); c <- p + z^2 / (2 * n)
  c(if (x == 0) 0 else (c - h) / (1 + z^2 / n), if (x == n) 1 else (c + h) / (1 + z^2 / n)) }
two <- function(x1, n1, x2, n2, level) {
  z <- qnorm((1 + level) / 2); p1 <- x1 / n1; p2 <- x2 / n2; d <- p1 - p2; N <- n1 + n2
  w1 <- wilson(x1, n1, z); w2 <- wilson(x2, n2, z)
  chi <- function(correct) suppressWarnings(prop.test(c(x1, x2), c(n1, n2), correct = correct))
  score <- sqrt(chi(FALSE)$statistic[[1]] * (N - 1) / N)
  rr <- if (x1 > 0 && x2 > 0) p1 / p2 else NA; sr <- sqrt(1 / x1 - 1 / n1 + 1 / x2 - 1 / n2)
  if (x1 == n1 && x2 == n2) sr <- NA
  or <- x1 * (n2 - x2) / (x2 * (n1 - x1)); so <- sqrt(1 / x1 + 1 / (n1 - x1) + 1 / x2 + 1 / (n2 - x2))
  if (!is.finite(so)) or <- NA
  c(rd = d, newcombe_lo = d - sqrt((p1 - w1[1])^2 + (w2[2] - p2)^2), newcombe_hi = d + sqrt((w1[2] - p1)^2 + (p2 - w2[1])^2),
    mn_lo = mn_lower(x1, n1, x2, n2, z), mn_hi = -mn_lower(x2, n2, x1, n1, z), mn_p = 2 * pnorm(-score),
    rr = rr, rr_lo = exp(log(rr) - z * sr), rr_hi = exp(log(rr) + z * sr),
    or = or, or_lo = exp(log(or) - z * so), or_hi = exp(log(or) + z * so),
    chisq = chi(FALSE)$statistic[[1]], chisq_p = chi(FALSE)$p.value,
    chisq_cc = chi(TRUE)$statistic[[1]], chisq_cc_p = chi(TRUE)$p.value)
}
pairs <- list(c(36, 154, 12, 77), c(0, 10, 0, 20), c(0, 10, 3, 20), c(4, 10, 0, 20), c(10, 10, 20, 20), c(10, 10, 0, 20),
              c(0, 10, 20, 20), c(9, 10, 20, 20), c(10, 10, 3, 20), c(1, 1, 0, 1), c(1, 1, 1, 1), c(0, 1, 0, 1), c(5, 9, 5, 9),
              c(1, 1e6, 0, 1e6), c(500, 1e6, 400, 1e6), c(500123, 1e6, 499000, 1e6), c(999999, 1e6, 1e6, 1e6),
              c(3, 20, 150000, 1e6), c(7, 8, 1, 1e6))
for (level in c(.95, .9)) for (p in pairs)
  emit("two proportions", sprintf("%.0f/%.0f - %.0f/%.0f", p[1], p[2], p[3], p[4]), level, two(p[1], p[2], p[3], p[4], level))

# ---- Fisher
more <- list(c(3, 10, 3, 10), c(2, 7, 5, 7), c(1, 4, 3, 4), c(0, 400, 12, 400), c(40, 60, 20, 60), c(300, 1e5, 380, 1e5))
for (p in c(pairs, more)) emit("fisher", sprintf("%.0f/%.0f - %.0f/%.0f", p[1], p[2], p[3], p[4]), "",
  c(p = fisher.test(matrix(c(p[1], p[2] - p[1], p[3], p[4] - p[3]), 2), conf.int = FALSE, or = 1)$p.value))

write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
