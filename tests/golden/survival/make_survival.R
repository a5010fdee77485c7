# SPDX-License-Identifier: GPL-3.0-or-later
# Data sets and expected numbers for tests/unit/test_stat_survival.c, test_stat_cox.c and test_stat_competing.c.
# R 4.2.2 with survival 3.5-3 and cmprsk 2.2-11 (Debian: r-cran-survival, r-cran-cmprsk):
#   Rscript make_survival.R          (in this folder; writes data.csv and expected.csv)
# gehan.csv is the remission data of Freireich and others 1963 as R's MASS has it.
suppressMessages({library(survival); library(cmprsk)})
set.seed(20261121, kind = "Mersenne-Twister", normal.kind = "Inversion", sample.kind = "Rejection")

sets <- list()
add <- function(name, days, status, group, stratum = 0, x = 0, cluster = seq_along(days) - 1)
  sets[[name]] <<- data.frame(set = name, days = days, status = status, group = group, stratum = stratum, x = x,
                              cluster = cluster)

n <- 120
add("ties", pmax(1, 10 * ceiling(rexp(n, 1 / 12))), rbinom(n, 1, .7), rep(0:1, n / 2), 0, round(rnorm(n), 2))
add("four groups", ceiling(rexp(200, 1 / c(300, 400, 500, 700))), rbinom(200, 1, .6), rep(0:3, 50),
    rep(0:4, each = 40), round(rnorm(200, 30, 5), 1), rep(0:99, each = 2))
add("all censored", c(10, 20, 30, 40, 50, 60), 0, c(0, 0, 0, 1, 1, 1), 0, 1:6)
add("all events", c(5, 9, 9, 12, 30, 31, 2, 9, 9, 33, 40, 50), 1, rep(0:1, each = 6), 0, 12:1)
add("one group without events", c(3, 8, 15, 20, 22, 40, 41, 42, 10, 20, 30, 35, 36, 60, 44, 50, 7, 19, 23, 44),
    c(1, 0, 1, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1), c(rep(0, 8), rep(1, 8), rep(2, 4)), 0,
    c(1, 3, 2, 5, 4, 1, 0, 2, 3, 3, 1, 2, 5, 4, 2, 1, 0, 1, 5, 2))
add("empty group", c(4, 7, 11, 15, 16, 2, 9, 13, 14, 30), c(1, 1, 0, 1, 0, 0, 1, 1, 0, 1),
    rep(c(0, 2), each = 5), 0, 1:10)
add("one event", 14, 1, 0)
add("one censored", 14, 0, 0)
add("last is event", c(1, 2, 3, 4, 5, 6, 7, 8), c(1, 0, 1, 1, 0, 1, 0, 1), rep(0:1, 4), 0, c(2, 1, 2, 3, 1, 5, 4, 2))
add("last is censored", c(1, 2, 3, 4, 5, 6, 7, 8), c(1, 0, 1, 1, 0, 1, 1, 0), rep(0:1, 4), 0, c(2, 1, 2, 3, 1, 5, 4, 2))
add("level at a half", c(10, 20, 30, 40), 1, 0)
strata <- rep(0:5, each = 50)
add("strata", ceiling(rexp(300, (1 + strata) / 900)), rbinom(300, 1, .5), rbinom(300, 1, .5), strata,
    round(rnorm(300), 3), rep(0:149, 2))
k <- 400
add("competing", ceiling(rexp(k, 1 / 250)), sample(0:2, k, TRUE, c(.4, .35, .25)), rep(0:2, length.out = k),
    rep(0:3, each = 100), round(rnorm(k), 2), rep(0:199, 2))
add("competing ties", 30 * ceiling(rexp(k, 1 / 3)), sample(0:2, k, TRUE, c(.3, .4, .3)), rep(0:1, length.out = k),
    rep(0:1, each = 200), rnorm(k))
add("competing only", c(5, 6, 7, 8, 9, 10), c(2, 0, 2, 2, 0, 2), rep(0:1, 3))
far <- 2000
add("two thousand", pmin(731, ceiling(rexp(far, c(.0004, .0003) * exp(.1 * (1:far %% 7))))), 0, rep(0:1, far / 2), 0,
    1:far %% 7)
sets[["two thousand"]]$status <- as.integer(sets[["two thousand"]]$days < 731) * rbinom(far, 1, .8)

rows <- list()
number <- function(v) ifelse(is.na(v), "", sprintf("%.15g", v))
emit <- function(table, row, col, values) for (stat in names(values))
  rows[[length(rows) + 1]] <<- data.frame(table = table, row = row, col = col, stat = stat,
                                          value = number(values[[stat]]))

curve <- function(name, s, g) {
  f <- survfit(Surv(days, status == 1) ~ 1, s, conf.type = "log-log")
  last <- max(s$days)
  at <- unique(pmin(last, c(min(s$days), round(quantile(s$days, c(.2, .5, .8), type = 1)), last)))
  m <- summary(f, times = at)
  se <- ifelse(m$surv == 0, NA, m$std.err)
  for (i in seq_along(at)) emit("curve", name, g, setNames(
    list(m$n.risk[i], m$surv[i], se[i], m$lower[i], m$upper[i]), paste0(c("n_risk", "estimate", "se", "lo", "hi"), "@", at[i])))
  q <- quantile(f, c(.25, .5, .75))
  # SAS: a curve that ends level at the quantile does not reach it; R takes the middle of what was followed.
  q$quantile[abs(tail(f$surv, 1) - c(.75, .5, .25)) < 1e-8] <- NA
  emit("quantile", name, g, setNames(as.list(c(q$quantile, q$lower, q$upper)),
                                     paste0(rep(c("day", "lo", "hi"), each = 3), "@", c(25, 50, 75))))
  for (tau in unique(round(c(.5, .9, 1) * last, 1))) {
    if (tau <= min(s$days)) next     # R has none then
    t <- summary(f, rmean = tau)$table
    emit("rmst", name, g, setNames(list(t[["rmean"]], t[["se(rmean)"]]), paste0(c("mean", "se"), "@", tau)))
  }
}

control <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 60)
cox <- function(name, s, ties, strata, robust) {
  groups <- sort(unique(s$group))
  s$g <- factor(s$group)
  if (length(groups) < 2 || sum(s$status == 1) == 0) return()
  form <- "Surv(days, status == 1) ~ g + x"
  if (strata) form <- paste(form, "+ strata(stratum)")
  m <- suppressWarnings(if (robust) coxph(as.formula(form), s, ties = ties, control = control, cluster = cluster)
                        else coxph(as.formula(form), s, ties = ties, control = control))
  row <- paste0(ties, if (strata) " stratified", if (robust) " robust")
  finite <- !is.na(coef(m)) & diag(if (robust) m$naive.var else m$var) < 1e4
  for (j in which(finite)) {
    v <- m$var[j, j]; b <- coef(m)[[j]]; z <- qnorm(.975)
    emit("cox", name, row, setNames(
      list(b, sqrt(v), sqrt((if (robust) m$naive.var else m$var)[j, j]), exp(b), exp(b - z * sqrt(v)), exp(b + z * sqrt(v)),
           2 * pnorm(-abs(b / sqrt(v)))), paste0(c("coef", "se", "model_se", "hr", "lo", "hi", "p"), "@", j)))
  }
  whole <- list(loglik0 = m$loglik[1], loglik = m$loglik[2], score = m$score, lr = 2 * diff(m$loglik),
                wald = if (all(finite)) m$wald.test[[1]] else NA, infinite = sum(!finite))
  if (whole$loglik > -1e-6) whole$loglik <- NULL     # 0 but for rounding
  emit("cox", name, row, whole)
}

incidence <- function(name, s, g) {
  s$state <- factor(s$status, 0:2, c("censored", "event", "competing"))
  f <- survfit(Surv(days, state) ~ 1, s, conf.type = "log-log")
  at <- unique(c(round(quantile(s$days, c(.2, .5, .8), type = 1)), max(s$days)))
  m <- summary(f, times = at)
  e <- which(f$states == "event")
  for (i in seq_along(at)) {
    p <- m$pstate[i, e]
    emit("incidence", name, g, setNames(list(p, m$std.err[i, e], m$lower[i, e], m$upper[i, e]),
                                        paste0(c("estimate", "se", "lo", "hi"), "@", at[i])))
  }
}

for (name in names(sets)) {
  s <- sets[[name]]
  s$fs <- factor(s$stratum)
  for (g in sort(unique(s$group))) curve(name, s[s$group == g, ], g)
  if (length(unique(s$group)) > 1) {
    for (strata in c(FALSE, TRUE)) {
      if (strata && length(unique(s$stratum)) < 2) next
      if (sum(s$status == 1) > 0) {
        d <- survdiff(if (strata) Surv(days, status == 1) ~ group + strata(fs) else Surv(days, status == 1) ~ group, s)
        exp <- if (strata) rowSums(d$exp) else d$exp
        obs <- if (strata) rowSums(d$obs) else d$obs
        df <- sum(exp > 0) - 1
        emit("logrank", name, if (strata) "stratified" else "", c(
          list(chisq = d$chisq, df = df, p = pchisq(d$chisq, df, lower.tail = FALSE)),
          setNames(as.list(exp), paste0("exp@", sort(unique(s$group)))),
          setNames(as.list(obs), paste0("obs@", sort(unique(s$group))))))
      }
      for (ties in c("efron", "breslow")) for (robust in c(FALSE, TRUE))
        if (!robust || max(s$cluster) < nrow(s)) cox(name, s, ties, strata, robust)
    }
  }
  if (any(s$status == 2) && any(s$status == 1)) {
    for (g in sort(unique(s$group))) incidence(name, s[s$group == g, ], g)
    gray <- function(...) cuminc(s$days, s$status, s$group, ...)$Tests["1", ]
    t <- gray()
    emit("gray", name, "", list(chisq = t[["stat"]], p = t[["pv"]], df = t[["df"]]))
    t <- gray(strata = s$stratum)
    emit("gray", name, "stratified", list(chisq = t[["stat"]], p = t[["pv"]], df = t[["df"]]))
  }
}

gehan <- read.csv("../cases/gehan.csv")
means <- sapply(c("6-MP", "control"), function(g)
  summary(survfit(Surv(time, cens) ~ 1, gehan[gehan$treat == g, ]), rmean = 20)$table[c("rmean", "se(rmean)")])
d <- means[1, 1] - means[1, 2]
se <- sqrt(sum(means[2, ]^2))
emit("rmst difference", "gehan", "6-MP - control", list(difference = d, se = se, lo = d - qnorm(.975) * se,
                                                        hi = d + qnorm(.975) * se, p = 2 * pnorm(-abs(d / se))))

write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
all <- do.call(rbind, sets)
all$x <- sprintf("%.15g", all$x)
write.csv(all, "data.csv", row.names = FALSE, quote = FALSE)
