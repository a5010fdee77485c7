# SPDX-License-Identifier: GPL-3.0-or-later
# Expected numbers for tests/unit/test_stat_linear.c.  Made with R 4.2.2, emmeans and sandwich of Debian 12:
#   Rscript make_linear.R        (in this folder; writes data.csv and expected.csv)
suppressWarnings(suppressMessages({library(emmeans); library(sandwich)}))
set.seed(20240614)
number <- function(x) ifelse(is.finite(x), sprintf("%.14g", x), "NA")
rows <- list()
emit <- function(table, row, col, values) for (stat in names(values))
  rows[[length(rows) + 1]] <<- data.frame(table = table, row = row, col = col, stat = stat,
                                          value = number(as.numeric(values[[stat]])))

simulate <- function(n) {
  d <- data.frame(arm = sample(c("A", "B", "C"), n, TRUE, c(.5, .3, .2)), site = sample(paste0("s", 1:4), n, TRUE),
                  group = sample(c("g1", "g2"), n, TRUE, c(.7, .3)), x1 = round(rnorm(n, 55, 12), 1),
                  x2 = round(runif(n, 19, 38), 2))
  d$y <- round(with(d, -8 - 3 * (arm == "B") - 5 * (arm == "C") + 2 * (site == "s2") - .3 * (x1 - 55) + .2 * x2 +
                       rnorm(n, 0, 6 + 4 * (arm == "C"))), 2)
  d
}
cases <- list()
d <- simulate(137); d$x1[c(5, 60)] <- NA; d$x2[9] <- NA; d$y[c(17, 18, 130)] <- NA; cases$unbalanced <- d
cases$empty_cell <- subset(simulate(90), !(arm == "C" & group == "g2"))
d <- simulate(60); d$site <- "s1"; cases$one_site <- d
d <- simulate(40); d$arm <- "A"; cases$one_arm <- d
d <- simulate(30); d$y <- 7.3; cases$equal <- d
d <- simulate(50); d$x2 <- 2 * d$x1 + 3; cases$collinear <- d
d <- simulate(48); d$site[d$arm == "C"] <- "s4"; d$site[d$arm != "C" & d$site == "s4"] <- "s1"; cases$confounded <- d
d <- simulate(70); d$x1 <- 27.3; cases$constant_covariate <- d
d <- simulate(44); d$x1 <- 1e6 + d$x1; cases$far_from_zero <- d
cases$alone <- rbind(subset(simulate(36), site != "s3"), transform(simulate(1), site = "s3"))
cases$saturated <- data.frame(arm = c("A", "B", "B"), site = "s1", group = "g1", x1 = c(1, 2, 5), x2 = 1, y = c(3, 9, 4))

varies <- function(d, v) { x <- d[[v]]; length(unique(x[!is.na(x)])) > 1 }
model <- function(d, terms, extra = NULL) {
  terms <- Filter(function(v) varies(d, v), terms)
  lm(reformulate(c(terms, extra), "y"), d)
}
means <- function(name, row, m, weights, vcov. = NULL, by = NULL) {
  e <- if (is.null(vcov.)) emmeans(m, "arm", by = by, weights = weights)
       else emmeans(m, "arm", by = by, weights = weights, vcov. = vcov.)
  s <- as.data.frame(summary(e, infer = c(TRUE, FALSE)))
  at <- if (is.null(by)) "" else paste0(" in ", s[[by]])
  for (i in seq_len(nrow(s))) emit(name, paste("lsmean", row), paste0(s$arm[i], at[if (is.null(by)) 1 else i]),
    c(lsmean = s$emmean[i], se = s$SE[i], df = s$df[i], lo = s$lower.CL[i], hi = s$upper.CL[i]))
  p <- as.data.frame(summary(contrast(e, "revpairwise", adjust = "none"), infer = TRUE))
  at <- if (is.null(by)) "" else paste0(" in ", p[[by]])
  for (i in seq_len(nrow(p))) emit(name, paste("diff", row), paste0(p$contrast[i], at[if (is.null(by)) 1 else i]),
    c(diff = p$estimate[i], se = p$SE[i], df = p$df[i], lo = p$lower.CL[i], hi = p$upper.CL[i], t = p$t.ratio[i],
      p = p$p.value[i]))
  invisible(p)
}
test <- function(name, term, full, reduced) {
  a <- anova(reduced, full)
  emit(name, "term", term, c(ss = a$`Sum of Sq`[2], F = a$F[2], df1 = a$Df[2], df2 = a$Res.Df[2], p = a$`Pr(>F)`[2]))
}
tost <- function(p, margin) max(pt((p$estimate + margin) / p$SE, p$df, lower = FALSE),
                                pt((p$estimate - margin) / p$SE, p$df))

for (case in names(cases)) {
  d <- cases[[case]]; d <- d[complete.cases(d), ]; d$arm <- factor(d$arm); d$site <- factor(d$site)
  # The same means and tests; with 1e6 left in, emmeans keeps 7 digits of the standard errors.
  if (case == "far_from_zero") d$x1 <- d$x1 - 1e6
  terms <- c("arm", "site", "x1", "x2")
  if (case == "saturated") { emit(case, "model", "", c(n = 3, rank = 3)); next }
  m <- model(d, terms)
  if (case == "equal") { emit(case, "model", "", c(n = nrow(d), rank = m$rank, sd = 0, r2 = NA)); next }
  emit(case, "model", "", c(n = nrow(d), rank = m$rank, sd = sigma(m), r2 = summary(m)$r.squared))
  if (varies(d, "arm")) {
    p <- means(case, "equal", m, "equal"); means(case, "observed", m, "proportional")
    if (case == "unbalanced") {
      means(case, "HC3", m, "equal", vcovHC(m, "HC3"))
      for (i in seq_len(nrow(p))) for (margin in c(3, 8)) emit(case, paste("tost", margin), p$contrast[i],
                                                             c(p = tost(p[i, ], margin)))
      for (level in c(.9, .99)) { s <- as.data.frame(confint(emmeans(m, "arm"), level = level))
        emit(case, paste("level", level), "A", c(lo = s$lower.CL[1], hi = s$upper.CL[1])) }
    }
  }
  for (term in terms) if (varies(d, term)) {
    reduced <- model(d, setdiff(terms, term))
    if (reduced$rank < m$rank) test(case, term, m, reduced)
  }
  if (!varies(d, "arm")) next
  d$group <- factor(d$group)
  full <- lm(y ~ arm * group + x2, d)
  test(case, "arm:group", full, lm(y ~ arm + group + x2, d))
  means(case, "interaction equal", full, "equal"); means(case, "interaction observed", full, "proportional")
  means(case, "interaction", full, "equal", by = "group")
  e <- emmeans(full, ~ arm * group)
  L <- as.data.frame(e)[, c("arm", "group")]
  w <- (L$arm == "B") * ((L$group == "g2") - (L$group == "g1")) - (L$arm == "A") * ((L$group == "g2") - (L$group == "g1"))
  s <- as.data.frame(summary(contrast(e, list(dd = w)), infer = TRUE))
  emit(case, "difference of differences", "B - A", c(diff = s$estimate, se = s$SE, df = s$df, lo = s$lower.CL,
                                                     hi = s$upper.CL, t = s$t.ratio, p = s$p.value))
  slopes <- lm(y ~ arm * x2, d)
  test(case, "arm:x2", slopes, lm(y ~ arm + x2, d))
}

# Many records by a rule that the test follows as well: no file of them.
n <- 200000; i <- 0:(n - 1)
d <- data.frame(arm = factor(c("A", "B", "C")[1 + (i * 7) %% 13 %% 3]), site = factor((i * 31) %% 101 %% 30),
                x1 = (i * 7919) %% 1009 / 10)
d$y <- (i * 104729) %% 2003 / 20 + 3 * (d$arm == "B") - .25 * d$x1 + as.integer(d$site) / 7
m <- lm(y ~ arm + site + x1, d)
emit("many", "model", "", c(n = n, rank = m$rank, sd = sigma(m), r2 = summary(m)$r.squared))
means("many", "equal", m, "equal"); means("many", "observed", m, "proportional"); means("many", "HC3", m, "equal", vcovHC(m, "HC3"))
for (term in c("arm", "site", "x1")) test("many", term, m, update(m, paste(". ~ . -", term)))

write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
long <- do.call(rbind, lapply(names(cases), function(c) data.frame(case = c, cases[[c]])))
write.csv(long, "data.csv", row.names = FALSE, quote = FALSE, na = "")
