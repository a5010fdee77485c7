# SPDX-License-Identifier: GPL-3.0-or-later
# Expected numbers of reference-based conditional mean imputation, by brute force: the model refitted without each
# subject (or group), each subject imputed by itself, lm on the completed data.  R 4.2.2, numbers of the mixed model by
# mmrm_suff.R; run in this folder:  Rscript make_imputation.R
# data.csv as in ../mmrm; expected.csv: table (case), row (strategy visit), col, stat, value.
source("../trial1000/mmrm_suff.R", chdir = TRUE)

simulate <- function(seed, n, m, arms, sites, hazard, gap) {
  set.seed(seed)
  d <- data.frame(id = seq_len(n), cohort = factor(sample(LETTERS[seq_len(arms)], n, TRUE)),
                  site = factor(sprintf("S%02d", sample(seq_len(sites), n, TRUE))), stratum = "all", base = round(rnorm(n, 55, 15), 1))
  y <- outer(as.integer(d$cohort) - 1, -9 * sqrt(seq_len(m))) - .3 * (d$base - 55) + rnorm(n, 0, 8) + matrix(rnorm(n * m, 0, 7), n)
  for (i in seq_len(n)) {
    out <- which(runif(m) < hazard)
    if (length(out)) y[i, min(out):m] <- NA
    y[i, runif(m) < gap] <- NA
  }
  colnames(y) <- sprintf("V%02d", seq_len(m))
  cbind(d, round(y, 2))
}

impute <- function(d, m, strategy, reference) {
  v <- sprintf("V%02d", seq_len(m))
  x <- do.call(rbind, lapply(seq_len(m), function(j) cbind(d[c("id", "cohort", "site", "base")], V = factor(v[j], v), y = d[[v[j]]])))
  one_site <- nlevels(droplevels(x$site[!is.na(x$y)])) == 1
  fml <- if (one_site) ~ base * V + cohort * V else ~ base * V + site + cohort * V
  seen <- x[!is.na(x$y), ]
  seen$site <- factor(seen$site); x$site <- factor(x$site, levels(seen$site))
  f <- mmrm_suff(model.matrix(fml, seen), seen$y, seen$id, as.integer(seen$V), m, tol = 1e-16)
  mean_of <- function(cohort) { z <- x; z$cohort[] <- cohort; matrix(drop(model.matrix(fml, z) %*% f$beta), ncol = m) }
  own <- matrix(drop(model.matrix(fml, x) %*% f$beta), ncol = m)
  ref <- mean_of(reference)
  Y <- as.matrix(d[v]); gone <- is.na(Y)
  for (i in seq_len(nrow(Y))) if (any(gone[i, ])) {
    O <- which(!gone[i, ]); M <- which(gone[i, ]); L <- if (length(O)) max(O) else 0
    mu <- own[i, ]
    if (d$cohort[i] != reference && L < m) {
      after <- seq_len(m) > L
      if (strategy == "J2R") mu[after] <- ref[i, after]
      if (strategy == "CR") mu <- ref[i, ]
      if (strategy == "CIR") mu[after] <- if (L > 0) own[i, L] + ref[i, after] - ref[i, L] else ref[i, after]
    }
    Y[i, M] <- mu[M] + if (length(O)) drop(f$Sigma[M, O, drop = FALSE] %*% solve(f$Sigma[O, O], Y[i, O] - mu[O])) else 0
  }
  list(Y = Y, gone = gone)
}
ancova <- function(d, Y, j) {
  d$y <- Y[, j]
  d$site <- factor(d$site)
  g <- lm(if (nlevels(d$site) > 1) y ~ cohort + base + site else y ~ cohort + base, d)
  coef(g)[grep("^cohort", names(coef(g)))]
}

rows <- list()
emit <- function(table, row, col, values) for (s in names(values)) rows[[length(rows) + 1]] <<-
  data.frame(table = table, row = row, col = col, stat = s, value = sprintf("%.12g", values[[s]]))

run <- function(case, d, m, strategies = c("MAR", "J2R", "CR", "CIR"), groups = nrow(d), deltas = c(0, 5)) {
  group <- (seq_len(nrow(d)) - 1) %% groups + 1
  arms <- setdiff(levels(d$cohort), "A")
  for (s in strategies) {
    # [replicate, arm, visit, delta]; delta is added to the imputed values of the arm that is compared
    t <- array(0, c(groups + 1, length(arms), m, length(deltas)))
    for (r in 0:groups) {
      e <- d[group != r, ]
      done <- impute(e, m, s, "A")
      for (j in seq_len(m)) for (k in seq_along(deltas)) for (a in seq_along(arms)) {
        Y <- done$Y; add <- done$gone & e$cohort == arms[a]
        Y[add] <- Y[add] + deltas[k]
        t[r + 1, a, j, k] <- ancova(e, Y, j)[a]
      }
    }
    for (j in seq_len(m)) for (a in seq_along(arms)) {
      row <- sprintf("%s V%02d", s, j); col <- paste(arms[a], "- A")
      se <- function(x) sqrt((groups - 1) / groups * sum((x - mean(x))^2))
      one <- t[1, a, j, ]; many <- t[-1, a, j, , drop = FALSE]; dim(many) <- c(groups, length(deltas))
      for (k in seq_along(deltas)) { sd <- se(many[, k]); z <- qnorm(.975)
        emit(case, paste(row, "delta", deltas[k]), col, c(diff = one[k], se = sd, lo = one[k] - z * sd, hi = one[k] + z * sd, p = 2 * pnorm(-abs(one[k] / sd)))) }
      slope <- (one[2] - one[1]) / deltas[2]; slopes <- (many[, 2] - many[, 1]) / deltas[2]
      side <- sign(one[1])
      limit <- function(q) one[1] + q * slope - side * qnorm(.975) * se(many[, 1] + q * slopes)
      if (side * limit(0) > 0 && abs(slope) > 1e-9) {
        at <- seq(0, -side * 300, length.out = 3001)
        k <- which(side * sapply(at, limit) <= 0)
        if (length(k)) { q <- uniroot(limit, sort(at[k[1] - 1:0]), tol = 1e-13)$root; emit(case, row, col, c(tipping = q)) }
      }
    }
  }
}

small <- simulate(21, 42, 3, 3, 2, .15, .12)
small[5, c("V01", "V02", "V03")] <- NA
run("small", small, 3)
# A site with a single subject: without it the model has a column less.
lone <- simulate(22, 36, 3, 2, 2, .15, .1)
levels(lone$site) <- c("S01", "S02", "S03"); lone$site[which(!is.na(lone$V01))[4]] <- "S03"
run("lone site", lone, 3, c("MAR", "J2R"))
large <- simulate(23, 1100, 2, 2, 3, .15, .08)
run("groups", large, 2, "J2R", groups = 200)
out <- do.call(rbind, list(cbind(case = "small", small), cbind(case = "lone site", lone)))
big <- cbind(case = "groups", large); for (v in setdiff(names(out), names(big))) big[[v]] <- NA
write.csv(rbind(out, big[names(out)]), "data.csv", row.names = FALSE, quote = FALSE, na = "")
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE)
