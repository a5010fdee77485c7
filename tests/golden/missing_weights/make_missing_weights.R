# SPDX-License-Identifier: GPL-3.0-or-later
# Expected numbers for tests/unit/test_stat_missing_weights.c (data.csv, expected.csv) and test_analysis_sensitivity.c
# (trial1000.csv, of ../mmrm/trial1000.csv).  Base R 4.2.2 only; run in this folder:  Rscript make_missing_weights.R
# Probabilities by glm, weighted least squares by lm, its sandwich (HC0, weights known) by matrix algebra.
set.seed(20241107)
rows <- list()
emit <- function(table, row, col, values) for (stat in names(values))
  rows[[length(rows) + 1]] <<- data.frame(table = table, row = row, col = col, stat = stat, value = sprintf("%.14g", values[[stat]]))

# Where a level has only values glm goes on to a probability of 1 and warns; with this limit to 1 - 1e-12.
probabilities <- function(formula, d) suppressWarnings(
  fitted(glm(formula, binomial, d, control = glm.control(epsilon = 1e-13, maxit = 27))))

# d complete but for y; contrasts: pairs of cohorts, the first less the second.
weighted <- function(table, row, d, weight_formula, formula, contrasts) {
  d$seen <- as.integer(!is.na(d$y))
  p <- if (all(d$seen == 1)) rep(1, nrow(d)) else probabilities(weight_formula, d)
  d$w <- ave(d$seen, d$cohort) / p
  o <- d[d$seen == 1, ]
  o[] <- lapply(o, function(x) if (is.factor(x)) droplevels(x) else x)
  m <- lm(formula, o, weights = w)
  X <- model.matrix(m)[, !is.na(coef(m)), drop = FALSE]; b <- coef(m)[!is.na(coef(m))]
  e <- drop(o$y - X %*% b)
  bread <- solve(crossprod(X * sqrt(o$w)))
  V <- bread %*% crossprod(X * (o$w * e)) %*% bread
  df <- nrow(X) - ncol(X)
  for (pair in contrasts) {
    k <- setNames(numeric(length(b)), names(b))
    for (s in 1:2) if (paste0("cohort", pair[s]) %in% names(k)) k[[paste0("cohort", pair[s])]] <- c(1, -1)[s]
    est <- sum(k * b); se <- sqrt(drop(k %*% V %*% k)); t <- qt(.975, df)
    both <- split(o$w, o$cohort)[pair]
    emit(table, row, paste(pair[1], "-", pair[2]), c(diff = est, se = se, df = df, lo = est - t * se, hi = est + t * se, t = est / se,
         p = 2 * pt(-abs(est / se), df), n = sum(lengths(both)), ess = sum(sapply(both, function(w) sum(w)^2 / sum(w^2))),
         weight_max = max(unlist(both))))
  }
}
flush <- function(file) { write.csv(do.call(rbind, rows), file, row.names = FALSE, quote = FALSE); rows <<- list() }

simulate <- function(n, missing, sites = 4) {
  d <- data.frame(cohort = sample(c("a", "b", "c"), n, TRUE, c(.4, .35, .25)), site = sample(sprintf("s%d", 1:sites), n, TRUE),
                  base = round(runif(n, 20, 90)), age = round(rnorm(n, 61, 9), 1))
  d$y <- round(with(d, -4 - .3 * (base - 55) - 5 * (cohort == "b") - 8 * (cohort == "c") + .2 * (age - 61) + rnorm(n, 0, 8 + base / 15)), 1)
  lp <- with(d, missing - .03 * (base - 55) - .5 * (cohort == "c") + .05 * (age - 61) + .3 * (site == "s2"))
  d$y[runif(n) < plogis(lp)] <- NA
  d
}
cases <- list(trial = simulate(420, -1.2), heavy = simulate(300, .9), small = simulate(36, -1.5, 2), rare = simulate(500, -4.2))
cases$complete <- transform(simulate(120, -40))
d <- simulate(200, -1); full <- d$cohort == "a" | d$site == "s3"; d$y[full] <- simulate(200, -40)$y[full]; cases$full_levels <- d
d <- simulate(240, -1); d$y[d$site == "s4"] <- NA; cases$empty_site <- d
d <- simulate(200, -1); d$y[d$cohort == "b"] <- NA; cases$empty_cohort <- d
d <- simulate(160, -1); d$base[c(4, 90)] <- NA; d$age[c(7, 31)] <- NA; cases$gaps <- d
d <- simulate(150, -1); d$y <- ifelse(d$age > 60, 3 - d$base, NA); cases$separated <- d
for (case in setdiff(names(cases), "separated")) {
  d <- cases[[case]]; d <- d[!is.na(d$base) & !is.na(d$age), ]
  d$cohort <- factor(d$cohort); d$site <- factor(d$site)
  pairs <- if (case == "empty_cohort") list(c("c", "a")) else list(c("b", "a"), c("c", "a"), c("c", "b"))
  for (how in c("all", "cohort + base")) {
    # A level without any value that the model knows: probability 0, and the weights are those of the others.
    lost <- if (case == "empty_cohort") d$cohort == "b" else case == "empty_site" & d$site == "s4" & how == "all"
    weighted(case, how, droplevels(d[!lost, ]), if (how == "all") seen ~ cohort + base + site + age else seen ~ cohort + base,
             y ~ cohort + base + site, pairs)
  }
}
flush("expected.csv")
long <- do.call(rbind, lapply(names(cases), function(c) data.frame(case = c, cases[[c]])))
write.csv(long, "data.csv", row.names = FALSE, quote = FALSE, na = "")

# The simulated trial: WOMAC pain, site in both models.
d <- read.csv("../mmrm/trial1000.csv")
d <- d[d$case == "pain" & !is.na(d$base), ]
d$cohort <- factor(d$cohort, c("PLACEBO", "AD-MSC", "UC-MSC")); d$site <- factor(d$site)
visits <- c("M3", "M6", "M12", "M24")
for (j in 1:4) {
  d$y <- d[[sprintf("V%02d", j)]]
  weighted("sensitivity pain IPW", visits[j], d, seen ~ cohort + base + site, y ~ cohort + base + site,
           list(c("AD-MSC", "PLACEBO"), c("UC-MSC", "PLACEBO")))
}
flush("trial1000.csv")
