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

# ---- strata: "x1/n1 x2/n2; ..."
array_of <- function(s) array(rbind(s[1, ], s[2, ] - s[1, ], s[3, ], s[4, ] - s[3, ]), c(2, 2, ncol(s)))
stratified <- function(s, level) {
  z <- qnorm((1 + level) / 2)
  keep <- s[2, ] > 0 & s[4, ] > 0; none <- s[2, ] == 0 & s[4, ] == 0
  out <- c(used = sum(keep), dropped = sum(!keep & !none)); s <- s[, keep, drop = FALSE]
  x1 <- s[1, ]; n1 <- s[2, ]; x2 <- s[3, ]; n2 <- s[4, ]; n <- n1 + n2; W <- sum(n1 * n2 / n); m <- x1 + x2
  d <- sum((x1 * n2 - x2 * n1) / n) / W
  P <- (n1^2 * x2 - n2^2 * x1 + n1 * n2 * (n2 - n1) / 2) / n^2; Q <- (x1 * (n2 - x2) + x2 * (n1 - x1)) / (2 * n)
  sd <- sqrt(d * sum(P) + sum(Q)) / W; some <- any(m > 0 & m < n); if (!some) sd <- NA
  R <- sum(x1 * n2 / n); S <- sum(x2 * n1 / n); rr <- if (R > 0 && S > 0) R / S else NA
  sr <- sqrt(sum((n1 * n2 * m - x1 * x2 * n) / n^2) / (R * S)); if (!some) sr <- NA
  out <- c(out, rd = d, rd_lo = d - z * sd, rd_hi = d + z * sd, rr = rr, rr_lo = rr * exp(-z * sr), rr_hi = rr * exp(z * sr))
  ok <- ncol(s) > 0 && some
  t <- if (ok) tryCatch(mantelhaen.test(array_of(s), correct = FALSE, conf.level = level), error = function(e) NULL)
  or <- if (is.null(t)) NA else t$estimate[[1]]; if (is.na(or) || or == 0 || is.infinite(or)) or <- NA
  c(out, or = or, or_lo = if (is.na(or)) NA else t$conf.int[1], or_hi = if (is.na(or)) NA else t$conf.int[2],
    cmh = if (is.null(t)) NA else t$statistic[[1]], cmh_p = if (is.null(t)) NA else t$p.value)
}
strata <- list(
  c(12, 32, 10, 33, 16, 40, 8, 41, 3, 9, 3, 8),
  c(12, 32, 10, 33, 4, 9, 0, 0, 0, 0, 7, 12, 0, 0, 0, 0, 16, 40, 8, 41),          # an arm empty in two strata
  c(1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1),      # matched pairs
  c(0, 5, 0, 6, 0, 7, 0, 4), c(5, 5, 6, 6, 7, 7, 4, 4), c(0, 5, 2, 6, 0, 7, 1, 4), c(3, 5, 0, 6, 2, 7, 0, 4),
  c(5, 5, 6, 6, 0, 7, 0, 4), c(5, 5, 2, 6, 7, 7, 1, 4),
  c(3, 5, 0, 0, 0, 0, 2, 4),                                                      # nothing to compare
  c(500123, 1e6, 499000, 1e6, 301, 70000, 240, 65000))
for (level in c(.95, .9)) for (v in strata) { s <- matrix(v, 4)
  emit("stratified", paste(sprintf("%.0f/%.0f %.0f/%.0f", s[1, ], s[2, ], s[3, ], s[4, ]), collapse = "; "), level,
       if (any(s[2, ] > 0 & s[4, ] > 0)) stratified(s, level) else
         c(used = 0, dropped = ncol(s), rd = NA, rd_lo = NA, rd_hi = NA, rr = NA, or = NA, cmh = NA)) }

# ---- general Cochran-Mantel-Haenszel: counts [column, row, stratum] in the order of `row`
association <- function(a, rs, cs) {
  C <- dim(a)[1]; R <- dim(a)[2]; total <- list(0, 0, 0); V <- list(0, 0, 0); used <- 0; dropped <- 0
  A <- list(kronecker(diag(1, R), diag(1, C)), kronecker(diag(1, R), t(cs)), kronecker(t(rs), t(cs)))   # all levels: singular
  for (k in seq_len(dim(a)[3])) { n <- t(matrix(a[, , k], C)); N <- sum(n); g <- sum(rowSums(n) > 0)
    used <- used + (g >= 2); dropped <- dropped + (g == 1); if (g < 2) next
    pr <- rowSums(n) / N; pc <- colSums(n) / N; d <- as.vector(t(n - N * outer(pr, pc)))
    v <- N^2 / (N - 1) * kronecker(diag(pr, R) - outer(pr, pr), diag(pc, C) - outer(pc, pc))
    for (i in 1:3) { total[[i]] <- total[[i]] + A[[i]] %*% d; V[[i]] <- V[[i]] + A[[i]] %*% v %*% t(A[[i]]) } }
  out <- c(used = used, dropped = dropped); names <- c("general", "row_means", "correlation")
  for (i in 1:3) {
    q <- NA; df <- NA
    if (used > 0) { e <- eigen(V[[i]], symmetric = TRUE); keep <- e$values > 1e-10 * max(1, e$values)
      if (any(keep)) { q <- sum((t(e$vectors[, keep, drop = FALSE]) %*% total[[i]])^2 / e$values[keep]); df <- sum(keep) } }
    out[paste0(names[i], c("", "_df", "_p"))] <- c(q, df, pchisq(q, df, lower.tail = FALSE)) }
  out
}
tables <- list(                                                     # columns, rows, strata, counts, scores
  list(3, 2, 2, c(10, 5, 3, 4, 8, 9, 7, 7, 2, 3, 6, 11)),
  list(4, 3, 2, c(5, 6, 7, 8, 9, 4, 3, 2, 8, 8, 1, 5, 2, 2, 4, 9, 6, 6, 1, 1, 3, 5, 7, 4)),
  list(4, 3, 1, c(5, 6, 0, 8, 9, 4, 0, 2, 8, 8, 0, 5)),             # a response that nobody gave
  list(3, 3, 2, c(5, 6, 7, 0, 0, 0, 9, 4, 3, 8, 2, 2, 0, 0, 0, 4, 4, 6)),   # a group of nobody
  list(3, 3, 2, c(5, 6, 7, 9, 4, 3, 0, 0, 0, 8, 2, 2, 0, 0, 0, 4, 4, 6)),   # a group missing in one stratum each
  list(3, 2, 3, c(5, 6, 7, 9, 4, 3, 4, 4, 4, 0, 0, 0, 0, 0, 0, 1, 2, 3)),   # strata of one group
  list(4, 3, 2, c(3, 4, 0, 0, 5, 1, 0, 0, 2, 2, 0, 0, 0, 0, 4, 4, 0, 0, 6, 1, 0, 0, 2, 9)),   # responses split by stratum
  list(4, 3, 2, c(3, 4, 0, 0, 5, 1, 0, 0, 2, 4, 0, 0, 0, 0, 4, 7, 0, 0, 6, 1, 0, 0, 2, 9)),   # the same with thirds and sevenths
  list(6, 2, 3, c(3, 4, 0, 0, 0, 0, 9, 1, 0, 0, 0, 0, 0, 0, 2, 5, 0, 0, 0, 0, 8, 8, 0, 0, 0, 0, 0, 0, 1, 6, 0, 0, 0, 0, 3, 3)),
  list(2, 2, 2, c(12, 20, 10, 23, 16, 24, 8, 33)),
  list(3, 2, 1, c(0, 7, 0, 0, 9, 0)), list(3, 2, 1, c(1, 7, 4, 0, 0, 0)),   # one response; one group
  list(3, 2, 2, c(10, 5, 3, 4, 8, 9, 7, 7, 2, 3, 6, 11), c(0, 1), c(0, 1, 5)),
  list(3, 2, 1, c(500123, 300000, 200000, 499000, 301000, 200001)))
for (x in tables) {
  a <- array(x[[4]], c(x[[1]], x[[2]], x[[3]])); scored <- length(x) > 4
  rs <- if (scored) x[[5]] else seq_len(x[[2]]); cs <- if (scored) x[[6]] else seq_len(x[[1]])
  r <- association(a, rs, cs)
  if (all(apply(a, 3, sum) > 1) && all(apply(a, 1, sum) > 0) && all(apply(a, 2, sum) > 0) && r[["general_df"]] == (x[[1]] - 1) * (x[[2]] - 1) && max(dim(a)[1:2]) > 2 && x[[3]] > 1)
    stopifnot(abs(mantelhaen.test(a)$statistic - r[["general"]]) < 1e-9 * r[["general"]])
  if (x[[3]] == 1 && all(apply(a, 1, sum) > 0) && all(apply(a, 2, sum) > 0))
    stopifnot(abs(chisq.test(a[, , 1], correct = FALSE)$statistic * (sum(a) - 1) / sum(a) - r[["general"]]) < 1e-9 * r[["general"]])
  emit("association", paste(c(x[[1]], x[[2]], x[[3]], x[[4]]), collapse = " "), if (scored) paste(c(rs, cs), collapse = " ") else "", r)
}

# ---- rates: "x1/T1 - x2/T2"
rate_variance <- function(x1, t1, x2, t2, d) {          # most likely rate2 by bisection of the score
  score <- function(r) (if (x1 > 0) x1 / (r + d) else 0) - t1 + (if (x2 > 0) x2 / r else 0) - t2
  a <- max(0, -d); b <- a + (x1 + x2 + 1) / min(t1, t2)
  if (score(a + 1e-15 * b) <= 0) b <- a else for (i in 1:300) { m <- (a + b) / 2; if (score(m) > 0) a <- m else b <- m }
  (b + d) / t1 + b / t2
}
rate_lower <- function(x1, t1, x2, t2, z) {
  d0 <- x1 / t1 - x2 / t2; b <- d0; a <- d0 - 10 * (x1 + x2 + z^2) / min(t1, t2)
  for (i in 1:300) { m <- (a + b) / 2; if (d0 - m > z * sqrt(rate_variance(x1, t1, x2, t2, m))) a <- m else b <- m }
  (a + b) / 2
}
rates <- list(c(10, 50, 5, 60), c(0, 12.5, 0, 30), c(0, 12.5, 4, 30), c(7, 12.5, 0, 30), c(1, 0.5, 1, 1000), c(8, 40, 2, 10),
              c(12, 20, 12, 20), c(256, 301.75, 190, 298.5), c(70000, 1.5e6, 69000, 1.5e6), c(3, 2e6, 11, 1e6))
for (level in c(.95, .9)) for (v in rates) {
  z <- qnorm((1 + level) / 2); x1 <- v[1]; t1 <- v[2]; x2 <- v[3]; t2 <- v[4]
  g <- poisson.test(x1, t1, conf.level = level)
  r <- if (x1 + x2 > 0) poisson.test(c(x1, x2), c(t1, t2), conf.level = level)
  d <- x1 / t1 - x2 / t2
  emit("rate", sprintf("%.15g/%.15g - %.15g/%.15g", x1, t1, x2, t2), level, c(
    rate = 100 * x1 / t1, rate_lo = 100 * g$conf.int[1], rate_hi = 100 * g$conf.int[2],
    ratio = if (is.null(r) || x2 == 0) NA else r$estimate[[1]], ratio_lo = if (is.null(r)) NA else r$conf.int[1],
    ratio_hi = if (is.null(r) || x2 == 0) NA else r$conf.int[2], ratio_p = if (is.null(r)) NA else r$p.value,
    difference = 100 * d, difference_lo = 100 * rate_lower(x1, t1, x2, t2, z), difference_hi = -100 * rate_lower(x2, t2, x1, t1, z),
    difference_p = if (x1 + x2 > 0) 2 * pnorm(-abs(d) / sqrt(rate_variance(x1, t1, x2, t2, 0))) else NA)) }

# ---- samples: names of ../statistics/samples.csv, or "seq n a m d": ((0 .. n-1) * a mod m) / d
known <- read.csv("../statistics/samples.csv")
sample_of <- function(name) {
  if (!startsWith(name, "seq ")) return(known$value[known$sample == name])
  v <- as.numeric(strsplit(name, " ")[[1]][-1]); ((0:(v[1] - 1)) * v[2]) %% v[3] / v[4]
}
both <- list(c("hundred", "ties"), c("ties", "hundred"), c("negative", "change"), c("two", "change"), c("change", "change"),
             c("three_equal", "ties"), c("one", "ties"), c("one", "two"), c("seq 3000 7919 10007 7", "seq 2500 7907 10009 8"),
             c("seq 2000 17 41 1", "seq 1501 19 37 1"), c("seq 40 7 101 1", "seq 36 5 101 2"), c("two", "one"))
for (level in c(.95, .9)) for (b in both) {
  x <- sample_of(b[1]); y <- sample_of(b[2]); n1 <- length(x); n2 <- length(y); z <- qnorm((1 + level) / 2)
  w <- suppressWarnings(wilcox.test(x, y, exact = FALSE, correct = FALSE)); wc <- suppressWarnings(wilcox.test(x, y, exact = FALSE, correct = TRUE))
  d <- sort(as.vector(outer(x, y, "-"))); P <- n1 * n2
  k <- floor(P / 2 - z * sqrt(P * (n1 + n2 + 1) / 12))
  out <- c(w = w$statistic[[1]], auc = w$statistic[[1]] / P, p_norm = w$p.value, p_norm_cc = wc$p.value, hl = median(d),
           hl_lo = if (k < 1) NA else d[k], hl_hi = if (k < 1) NA else d[P + 1 - k])
  v <- var(x); if (n1 > 1 && n2 > 1 && var(x) + var(y) > 0) {
    df <- n1 + n2 - 2; sp <- sqrt(((n1 - 1) * var(x) + (n2 - 1) * var(y)) / df); dd <- (mean(x) - mean(y)) / sp
    J <- exp(lgamma(df / 2) - lgamma((df - 1) / 2)) / sqrt(df / 2); g <- J * dd; h <- z * sqrt((n1 + n2) / P + g^2 / (2 * (n1 + n2)))
    t <- t.test(x, y, conf.level = level); s <- t.test(x, y, var.equal = TRUE, conf.level = level)
    out <- c(out, sd_pooled = sp, cohen_d = dd, J = J, g = g, g_lo = g - h, g_hi = g + h,
      welch_t = t$statistic[[1]], welch_df = t$parameter[[1]], welch_p = t$p.value, welch_lo = t$conf.int[1], welch_hi = t$conf.int[2],
      pooled_t = s$statistic[[1]], pooled_df = s$parameter[[1]], pooled_p = s$p.value, pooled_lo = s$conf.int[1], pooled_hi = s$conf.int[2])
  } else out <- c(out, sd_pooled = NA, g = NA, welch_t = NA, pooled_t = NA)
  emit("two samples", paste(b, collapse = " | "), level, out)
}

# ---- one sample: median with order-statistic limits, standardized response mean
singles <- c("one", "two", "ties", "negative", "change", "hundred", "three_equal", "seq 5 3 7 1", "seq 6 3 7 1", "seq 3000 7919 10007 7",
             "seq 100000 7919 100003 7")
for (level in c(.95, .9, .99)) for (name in singles) {
  x <- sort(sample_of(name)); n <- length(x); z <- qnorm((1 + level) / 2)
  k <- qbinom((1 - level) / 2, n, .5)                   # smallest k with P(X <= k) >= tail: P(X < k) < tail
  m <- quantile(x, .5, type = 2, names = FALSE); srm <- if (n > 1 && sd(x) > 0) mean(x) / sd(x) else NA
  h <- z * sqrt(1 / n + srm^2 / (2 * n))
  emit("one sample", name, level, c(median = m, median_lo = if (k < 1) NA else x[k], median_hi = if (k < 1) NA else x[n + 1 - k],
    srm = srm, srm_lo = srm - h, srm_hi = srm + h, srm_p = if (is.na(srm)) NA else t.test(x)$p.value))
}

# ---- Fieller: two sequences of equal length; limits by the roots of the t test in r
fieller <- list(c("seq 40 7 101 1", "seq 40 1 2 1"), c("seq 3000 7919 10007 7", "seq 3000 7 3 2"), c("seq 12 5 13 1", "seq 12 3 5 -1"),
                c("seq 9 1 1 1", "seq 9 4 7 1"), c("seq 12 5 13 1", "seq 12 1 12 12"))
for (level in c(.95, .9)) for (b in fieller) {
  x <- sample_of(b[1]); y <- sample_of(b[2]); n <- length(x); t <- qt((1 + level) / 2, n - 1); r <- mean(x) / mean(y)
  f <- function(q) mean(x - q * y)^2 - t^2 * var(x - q * y) / n
  bounded <- mean(y)^2 > t^2 * var(y) / n; lim <- c(NA, NA)
  if (bounded && sd(x) > 0) { w <- 1; while (f(r - w) <= 0 || f(r + w) <= 0) w <- 2 * w; lim <- c(root(f, r - w, r), root(f, r, r + w)) }
  if (bounded && sd(x) == 0) lim <- c(0, 0)
  emit("ratio of means", paste(b, collapse = " | "), level, c(ratio = r, ratio_lo = lim[1], ratio_hi = lim[2],
       ratio_p = if (sd(x) > 0) t.test(x)$p.value else NA))
}

# ---- multiplicity
for (p in list(c(.01, .04, .03, .005), c(.2, NA, .001, .5, .013), c(.9, .8), .03, c(.02, .02, .02), c(NA, NA)))
  emit("multiplicity", paste(ifelse(is.na(p), "nan", p), collapse = " "), "", c(
    setNames(p.adjust(p, "holm"), paste("holm", seq_along(p))), setNames(cummax(p), paste("sequence", seq_along(p)))))

write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
