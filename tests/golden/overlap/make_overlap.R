# SPDX-License-Identifier: GPL-3.0-or-later
# Expected numbers for tests/unit/test_stat_overlap.c and test_stat_evalue.c.  Made with R 4.2.2 and emmeans:
#   Rscript make_overlap.R        (in this folder; writes data.csv and expected.csv)
# Propensities come from glm; weights, means and standardised differences are written out here; the variance is the
# sandwich A^-1 B A^-T of the stacked estimating equations with A by numeric derivatives.
suppressWarnings(suppressMessages(library(emmeans)))
set.seed(20240615)
rows <- list()
emit <- function(table, row, col, values) for (stat in names(values))
  rows[[length(rows) + 1]] <<- data.frame(table = table, row = row, col = col, stat = stat,
                                          value = sprintf("%.14g", as.numeric(values[[stat]])))
# glm takes a thousandth of epsilon for its rank: no smaller one.
control <- glm.control(epsilon = 1e-10, maxit = 60)

simulate <- function(n, strength) {
  d <- data.frame(sex = sample(c("f", "m"), n, TRUE), kl = sample(c("k1", "k2", "k3"), n, TRUE, c(.2, .5, .3)),
                  age = round(rnorm(n, 61, 9), 1), bmi = round(rnorm(n, 28, 4), 1))
  lp <- strength * with(d, .05 * (age - 61) - .08 * (bmi - 28) + .6 * (sex == "m") + .5 * (kl == "k3"))
  u <- runif(n)
  d$cohort <- ifelse(u < .3, 2, ifelse(runif(n) < plogis(lp), 1, 0))
  d$y <- round(with(d, -12 + .2 * age - .3 * bmi - 4 * cohort + rnorm(n, 0, 9)), 2)
  d$event <- as.integer(runif(n) < plogis(-1 + .02 * (d$age - 61) + .5 * d$cohort))
  d
}
cases <- list(registry = simulate(420, 1), poor_overlap = simulate(400, 2.5), small = simulate(75, 1))
cases$registry$age[c(3, 8)] <- NA; cases$registry$y[c(11, 12, 400)] <- NA
cases$collinear <- transform(simulate(150, 1), bmi = 3 * age - 11)
cases$equal_outcome <- transform(simulate(160, 1), y = 4.5)
d <- simulate(90, 1); d$cohort[d$kl == "k1"] <- 1; cases$separated <- d
cases$apart <- transform(simulate(60, 1), cohort = as.integer(age > 60))
cases$one_cohort <- transform(simulate(30, 1), cohort = 0)
no_estimate <- c("separated", "apart", "one_cohort")

# Central differences with one step of Richardson's extrapolation.
jacobian <- function(f, x) sapply(seq_along(x), function(j) {
  h <- 1e-3 * max(1, abs(x[j])); e <- replace(numeric(length(x)), j, 1)
  d <- function(h) (f(x + h * e) - f(x - h * e)) / (2 * h)
  (64 * d(h / 4) - 20 * d(h / 2) + d(h)) / 45
})

smd <- function(x, z, w, share) {
  s2 <- function(x) if (share) mean(x) * (1 - mean(x)) else var(x)
  (weighted.mean(x[z == 1], w[z == 1]) - weighted.mean(x[z == 0], w[z == 0])) / sqrt((s2(x[z == 1]) + s2(x[z == 0])) / 2)
}

overlap <- function(name, d, first, second, outcome) {
  d <- d[d$cohort %in% c(first, second) & !is.na(d[[outcome]]) & !is.na(d$age), ]
  z <- as.integer(d$cohort == first); y <- d[[outcome]]
  m <- glm(z ~ sex + kl + age + bmi, binomial, d, control = control)
  X <- model.matrix(m)[, !is.na(coef(m)), drop = FALSE]; X <- scale(X, center = c(0, colMeans(X)[-1]), scale = FALSE)
  b <- coef(glm(z ~ X - 1, family = binomial, control = control)); q <- length(b); n <- length(z)
  psi <- function(theta) { e <- plogis(drop(X %*% theta[1:q]))
    cbind(X * (z - e), z * (1 - e) * (y - theta[q + 1]), (1 - z) * e * (y - theta[q + 2])) }
  e <- fitted(m); w <- ifelse(z == 1, 1 - e, e)
  mu <- c(weighted.mean(y[z == 1], w[z == 1]), weighted.mean(y[z == 0], w[z == 0]))
  theta <- c(b, mu)
  A <- jacobian(function(t) colSums(psi(t)), theta); B <- crossprod(psi(theta))
  V <- (solve(A) %*% B %*% t(solve(A)))[q + 1:2, q + 1:2]
  row <- paste(outcome, first, "-", second)
  put <- function(col, est, v) { se <- sqrt(v); k <- qnorm(.975)
    emit(name, row, col, c(estimate = est, se = se, lo = est - k * se, hi = est + k * se, z = est / se, p = 2 * pnorm(-abs(est / se)))) }
  emit(name, row, "first", c(n = sum(z), effective = sum(w[z == 1])^2 / sum(w[z == 1]^2)))
  emit(name, row, "second", c(n = sum(1 - z), effective = sum(w[z == 0])^2 / sum(w[z == 0]^2)))
  if (sd(y) == 0) return(emit(name, row, "difference", c(estimate = mu[1] - mu[2])))
  put("mean first", mu[1], V[1, 1]); put("mean second", mu[2], V[2, 2])
  put("difference", mu[1] - mu[2], V[1, 1] + V[2, 2] - 2 * V[1, 2])
  if (all(mu > 0)) put("log ratio", log(mu[1] / mu[2]), V[1, 1] / mu[1]^2 + V[2, 2] / mu[2]^2 - 2 * V[1, 2] / prod(mu))
  for (v in c("age", "bmi")) emit(name, row, paste("balance", v), c(before = smd(d[[v]], z, 1 + 0 * w, FALSE)))
  for (v in c("sex", "kl")) for (l in sort(unique(d[[v]])))
    emit(name, row, paste("balance", v, l), c(before = smd(1 * (d[[v]] == l), z, 1 + 0 * w, TRUE)))
  bins <- function(e) tabulate(pmin(floor(e * 20), 19) + 1, 20)
  for (k in 1:20) emit(name, row, "histogram", setNames(c(bins(e[z == 1])[k], bins(e[z == 0])[k]), sprintf("n.%s.%d", c("first", "second"), k - 1)))
}
for (case in setdiff(names(cases), no_estimate)) {
  d <- cases[[case]]
  overlap(case, d, 1, 0, "y"); overlap(case, d, 1, 0, "event")
  if (case == "registry") { overlap(case, d, 2, 0, "y"); overlap(case, d, 2, 1, "y"); overlap(case, d, 2, 1, "event") }
}

# Logistic regression of the event in all cohorts.
for (case in c("registry", "small", "collinear")) {
  d <- cases[[case]]; d <- d[complete.cases(d), ]; d$cohort <- factor(d$cohort)
  m <- glm(event ~ cohort + sex + kl + age + bmi, binomial, d, control = control)
  # glm's own covariance is that of the step before the last.
  X <- model.matrix(m)[, !is.na(coef(m)), drop = FALSE]; w <- fitted(m) * (1 - fitted(m))
  V <- solve(crossprod(X * sqrt(w)))
  emit(case, "logistic", "probability", setNames(fitted(m)[1:9], paste0("record", 1:9)))
  emit(case, "logistic", "model", c(n = nrow(d), rank = m$rank))
  for (v in c("cohort", "kl")) {
    p <- as.data.frame(summary(pairs(emmeans(m, v, vcov. = V), reverse = TRUE, adjust = "none"), infer = TRUE))
    for (i in seq_len(nrow(p))) emit(case, paste("logistic", v), as.character(p$contrast[i]), c(estimate = p$estimate[i],
      se = p$SE[i], lo = p$asymp.LCL[i], hi = p$asymp.UCL[i], z = p$z.ratio[i], p = p$p.value[i]))
    k <- grep(paste0("^", v), names(coef(m))); W <- drop(coef(m)[k] %*% solve(V[k, k]) %*% coef(m)[k])
    emit(case, paste("logistic", v), "Wald", c(chisq = W, df1 = length(k), p = pchisq(W, length(k), lower = FALSE)))
  }
  s <- as.data.frame(summary(emmeans(m, "cohort", vcov. = V), infer = TRUE))
  for (i in seq_len(nrow(s))) emit(case, "logistic mean", as.character(s$cohort[i]), c(estimate = s$emmean[i], se = s$SE[i]))
}

# VanderWeele & Ding 2017
ev <- function(r) { r <- ifelse(r < 1, 1 / r, r); r + sqrt(r * (r - 1)) }
for (x in list(c(3.9, 1.8, 8.7), c(.8, .71, .91), c(1.2, .9, 1.6), c(1, .5, 2), c(.2, .05, .8), c(.6, .3, 1)))
  emit("E-value", "ratio", paste(x, collapse = " "), c(estimate = ev(x[1]),
       limit = if (x[2] <= 1 && x[3] >= 1) 1 else if (x[2] > 1) ev(x[2]) else ev(x[3])))
for (x in list(c(.5, .1), c(-.42, .14), c(.1, .2), c(0, .1))) { r <- exp(.91 * x[1] + c(0, -1.78, 1.78) * x[2])
  emit("E-value", "difference", paste(x, collapse = " "), c(ratio = r[1], estimate = ev(r[1]),
       limit = if (r[2] <= 1 && r[3] >= 1) 1 else if (r[2] > 1) ev(r[2]) else ev(r[3]))) }

write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
long <- do.call(rbind, lapply(names(cases), function(c) data.frame(case = c, cases[[c]])))
write.csv(long, "data.csv", row.names = FALSE, quote = FALSE, na = "")
