# SPDX-License-Identifier: GPL-3.0-or-later
# Data and expected numbers of the mixed model for repeated measures.  R 4.2.2 with nlme 3.1, lme4 1.1, lmerTest 3.1,
# pbkrtest 0.5, emmeans 1.8, survival; run in this folder:  Rscript make_mmrm.R
# data.csv: one line a subject, an empty cell is a missing value.  expected.csv: table (case), row, col, stat, value.
# "<case>": mmrm_suff.R beside trial1000 (closed-form derivatives in R); "<case> gls", "<case> lmer", "<case> lm",
# "<case> dense": other programs, or the likelihood with the whole matrix of each subject.
source("../trial1000/refstats.R", chdir = TRUE)
suppressMessages({library(nlme); library(lmerTest); library(pbkrtest)})

visits <- function(m) sprintf("V%02d", seq_len(m))
cohorts <- function(n) LETTERS[seq_len(n)]

# Correlated values with drop-out (hazard a visit) and intermittent gaps.
simulate <- function(seed, n, m, arms, sites, hazard = .08, gap = .08, round_to = 0) {
  set.seed(seed)
  d <- data.frame(id = seq_len(n), cohort = factor(sample(cohorts(arms), n, TRUE), cohorts(arms)),
                  site = factor(sprintf("S%02d", sample(seq_len(sites), n, TRUE, seq_len(sites)))),
                  stratum = factor(sample(c("low", "high", "mid"), n, TRUE)), base = round(rnorm(n, 55, 15), 1))
  s <- 12 + 3 * seq_len(m) / m
  sigma <- outer(s, s) * (.3 + .5 * .8^abs(outer(seq_len(m), seq_len(m), "-")))
  diag(sigma) <- s^2
  effect <- outer(as.integer(d$cohort) - 1, -3 * sqrt(seq_len(m)))
  y <- effect - .3 * (d$base - 55) + 2 * as.integer(d$site) + matrix(rnorm(n * m), n) %*% chol(sigma)
  for (i in seq_len(n)) {
    out <- which(runif(m) < hazard)
    if (length(out)) y[i, min(out):m] <- NA
    y[i, runif(m) < gap] <- NA
  }
  y <- if (round_to > 0) round_to * round(y / round_to) else round(y, 3)
  colnames(y) <- visits(m)
  cbind(d, y)
}
long <- function(d, m) {
  x <- do.call(rbind, lapply(visits(m), function(v) cbind(d[c("id", "cohort", "site", "stratum", "base")], V = v,
                                                          y = d[[v]])))
  x <- x[!is.na(x$y), ]
  x$V <- factor(x$V, visits(m))
  x <- x[order(x$id, x$V), ]
  droplevels(x)
}

data <- list()
keep_data <- function(case, d) {
  wide <- d[c("id", "cohort", "site", "stratum", "base")]
  for (v in visits(10)) wide[[v]] <- if (v %in% names(d)) d[[v]] else NA
  data[[case]] <<- cbind(case = case, wide)
}

# The same fit by nlme: estimates, standard errors, Sigma and log likelihood.
by_gls <- function(case, f, fml) {
  d <- f$d
  d$v <- as.integer(d$V)
  g <- gls(fml, d, correlation = corSymm(form = ~v | id), weights = varIdent(form = ~1 | V), method = "REML",
           control = glsControl(tolerance = 1e-13, msTol = 1e-13, maxIter = 500, msMaxIter = 500, opt = "nlminb"))
  m <- nlevels(d$V)
  emit(paste(case, "gls"), "fit", "model", c(m2reml = -2 * as.numeric(logLik(g))))
  full <- names(which.max(table(d$id)))
  s <- getVarCov(g, individual = full)
  if (nrow(s) == m) for (i in seq_len(m)) for (j in seq_len(i))
    emit(paste(case, "gls"), "sigma", sprintf("%d,%d", i, j), c(est = s[i, j]))
  for (i in seq_len(nrow(f$L))) emit(paste(case, "gls"), paste("lsmean", f$grid$V[i]), as.character(f$grid$cohort[i]),
    c(lsmean = sum(f$L[i, ] * coef(g)), se = sqrt(drop(f$L[i, ] %*% vcov(g) %*% f$L[i, ]))))
}

# A line for each combination of visit and cohort as in trial1000/expected, and F of the type III tests.
run <- function(case, d, m, fml = y ~ base * V + site + cohort * V, gls = TRUE, margins = "equal") {
  keep_data(case, d)
  x <- long(d, m)
  f <- mmrm_ref(fml, x, "y", "id", "V", "cohort", "A", case, emm_weights = margins, check = FALSE)
  f$d <- x
  if (gls) by_gls(case, f, fml)
  invisible(f)
}

run("gaps", simulate(1, 150, 4, 3, 5), 4)
run("margins", simulate(1, 150, 4, 3, 5), 4, gls = FALSE, margins = "proportional")
run("two cohorts", simulate(2, 60, 3, 2, 2), 3)
run("six cohorts", simulate(3, 260, 4, 6, 8), 4)
run("ten visits", simulate(4, 320, 10, 2, 4, hazard = .03, gap = .05), 10, gls = FALSE)
run("ties", simulate(5, 120, 4, 3, 4, round_to = 25), 4, gls = FALSE)
run("stratum by visit", simulate(6, 140, 3, 3, 3), 3, y ~ base + site + stratum * V + cohort * V, gls = FALSE)

# One site, one arm.
d <- simulate(7, 60, 4, 2, 1)
f <- run("one site", d, 4, y ~ base * V + cohort * V)
d <- simulate(8, 70, 4, 1, 3)
keep_data("one arm", d)
x <- long(d, 4)
X <- model.matrix(y ~ base * V + site, x)
f <- mmrm_suff(X, x$y, x$id, as.integer(x$V), 4)
rg <- emmeans(lm(y ~ base * V + site, x), ~V)
emit("one arm", "fit", "model", c(subjects = f$ss$n, records = f$ss$N, n_coef = f$ss$q, m2reml = f$m2ll))
for (i in 1:4) {
  a <- con1(f, rg@linfct[i, ], "satt"); k <- con1(f, rg@linfct[i, ], "kr")
  emit("one arm", paste("lsmean", visits(4)[i]), "A", c(lsmean = a[["est"]], se = a[["se"]], df_satt = a[["df"]],
                                                        se_kr = k[["se"]], df_kr = k[["df"]]))
}

# One visit is least squares.
d <- simulate(9, 80, 1, 3, 4)
keep_data("one visit", d)
x <- long(d, 1)
g <- lm(y ~ base + site + cohort, x)
e <- as.data.frame(summary(emmeans(g, ~cohort), infer = TRUE))
for (i in 1:3) emit("one visit lm", "lsmean V01", as.character(e$cohort[i]),
  c(lsmean = e$emmean[i], se = e$SE[i], df_satt = e$df[i], lo = e$lower.CL[i], hi = e$upper.CL[i], se_kr = e$SE[i]))
ct <- as.data.frame(summary(contrast(emmeans(g, ~cohort), "trt.vs.ctrl", ref = 1, adjust = "none"), infer = TRUE))
for (i in 1:2) emit("one visit lm", "diff V01", paste(cohorts(3)[i + 1], "- A"),
  c(diff = ct$estimate[i], se = ct$SE[i], df_satt = ct$df[i], t = ct$t.ratio[i], p_satt = ct$p.value[i]))
an <- anova(lm(y ~ base + site, x), g)
emit("one visit lm", "type 3 F cohort", "all visits", c(F_satt = an$F[2], df1 = an$Df[2], df2_satt = an$Res.Df[2], p_satt = an$`Pr(>F)`[2],
                                                      F_kr = an$F[2], df2_kr = an$Res.Df[2]))

# Nobody of cohort C has a value at the last visit: only estimable rows are written.
d <- simulate(10, 120, 3, 3, 3)
d$V03[d$cohort == "C"] <- NA
keep_data("empty cell", d)
x <- long(d, 3)
X <- model.matrix(~ base * V + site + cohort * V, x)
q <- qr(X); kept <- sort(q$pivot[seq_len(q$rank)])
f <- mmrm_suff(X[, kept], x$y, x$id, as.integer(x$V), 3)
L <- emmeans(lm(y ~ base * V + site + cohort * V, x), ~cohort * V)
grid <- L@grid; L <- L@linfct[, kept]
emit("empty cell", "fit", "model", c(subjects = f$ss$n, records = f$ss$N, n_coef = f$ss$q, m2reml = f$m2ll))
at <- function(c, v) L[grid$cohort == c & grid$V == v, ]
for (v in visits(3)) for (c in cohorts(3)) if (c != "C" || v != "V03") {
  a <- con1(f, at(c, v), "satt"); k <- con1(f, at(c, v), "kr")
  emit("empty cell", paste("lsmean", v), c, c(lsmean = a[["est"]], se = a[["se"]], df_satt = a[["df"]], se_kr = k[["se"]]))
}
Li <- rbind(at("B", "V02") - at("A", "V02") - at("B", "V01") + at("A", "V01"),
            at("C", "V02") - at("A", "V02") - at("C", "V01") + at("A", "V01"),
            at("B", "V03") - at("A", "V03") - at("B", "V01") + at("A", "V01"))
k <- conF_kr(f, Li); s <- conF_satt(f, Li)
emit("empty cell", "type 3 F arm x visit", "interaction", c(F_kr = k[["F"]], df1 = k[["df1"]], df2_kr = k[["df2"]], F_satt = s[["F"]], df2_satt = s[["df2"]]))

# Type III F of terms and of the cohort, from mmrm_suff.
d <- simulate(1, 150, 4, 3, 5); x <- long(d, 4)
X <- model.matrix(~ base * V + site + cohort * V, x); f <- mmrm_suff(X, x$y, x$id, as.integer(x$V), 4)
row <- function(...) { w <- c(...); l <- setNames(numeric(ncol(X)), colnames(X)); stopifnot(names(w) %in% names(l)); l[names(w)] <- w; l }
test <- function(name, L) { k <- conF_kr(f, L); s <- conF_satt(f, L)
  emit("terms", name, "", c(F_kr = k[["F"]], df1 = k[["df1"]], df2_kr = k[["df2"]], p_kr = k[["p"]], F_satt = s[["F"]], df2_satt = s[["df2"]], p_satt = s[["p"]])) }
test("base", rbind(row(base = 1, `base:VV02` = .25, `base:VV03` = .25, `base:VV04` = .25)))
test("base by visit", rbind(row(`base:VV02` = 1), row(`base:VV03` = 1), row(`base:VV04` = 1)))
test("site", rbind(row(siteS02 = 1), row(siteS03 = 1), row(siteS04 = 1), row(siteS05 = 1)))
arm <- function(c) { l <- row(1); l[] <- 0; l[paste0("cohort", c)] <- 1; l[grep(paste0("VV0.:cohort", c), names(l))] <- .25; l }
row <- function(...) { w <- c(...); l <- setNames(numeric(ncol(X)), colnames(X)); if (!is.null(names(w))) l[names(w)] <- w; l }
test("cohort", rbind(arm("B"), arm("C")))
a <- con1(f, row(`VV04:cohortB` = 1, `VV02:cohortB` = -1), "satt"); k <- con1(f, row(`VV04:cohortB` = 1, `VV02:cohortB` = -1), "kr"); ke <- con1(f, row(`VV04:cohortB` = 1, `VV02:cohortB` = -1), "kr_exp")
emit("terms", "diff V04 - V02", "B - A", c(diff = a[["est"]], se = a[["se"]], df_satt = a[["df"]], se_kr = k[["se"]], se_kr_exp = ke[["se"]], df_kr_exp = ke[["df"]]))

# A Sigma for each cohort, without common coefficients: the cohorts apart.
for (c in cohorts(2)) {
  d <- simulate(2, 60, 3, 2, 2); x <- long(d[d$cohort == c, ], 3)
  f <- mmrm_suff(model.matrix(~V - 1, x), x$y, x$id, as.integer(x$V), 3)
  emit("apart", "fit", c, c(m2reml = f$m2ll))
  for (h in 1:6) emit("apart", paste("sigma", h), c, c(est = f$th[h], se = sqrt(f$Wobs[h, h])))
  for (v in 1:3) { a <- con1(f, as.numeric(1:3 == v), "kr"); emit("apart", paste("lsmean", visits(3)[v]), c, c(lsmean = a[["est"]], se_kr = a[["se"]], df_kr = a[["df"]])) }
}

# Compound symmetry: a random intercept.  pbkrtest adjusts with the expected information.
d <- simulate(11, 60, 4, 2, 1); keep_data("cs", d); x <- long(d, 4)
g <- lmer(y ~ base + cohort * V + (1 | id), x, control = lmerControl(optimizer = "bobyqa", optCtrl = list(rhoend = 1e-11, maxfun = 1e5)))
gm <- lme(y ~ base + cohort * V, x, random = ~1 | id, control = lmeControl(tolerance = 1e-12, msTol = 1e-13))
vc <- as.data.frame(VarCorr(g))$vcov
emit("cs lmer", "fit", "model", c(m2reml = as.numeric(REMLcrit(g))))
emit("cs lmer", "sigma", "1,1", c(est = sum(vc))); emit("cs lmer", "sigma", "2,1", c(est = vc[1]))
A <- vcovAdj(g); b <- fixef(g); V0 <- as.matrix(vcov(g))
for (v in 1:4) { l <- setNames(numeric(length(b)), names(b)); l["cohortB"] <- 1; if (v > 1) l[sprintf("cohortB:V%s", visits(4)[v])] <- 1
  ct <- contest1D(g, l)
  emit("cs lmer", paste("diff", visits(4)[v]), "B - A", c(diff = sum(l * b), se = sqrt(drop(l %*% V0 %*% l)), df_satt = ct$df,
       se_kr_exp = sqrt(drop(l %*% as.matrix(A) %*% l)), df_kr_exp = Lb_ddf(l, vcov(g), A))) }
Lx <- matrix(0, 3, length(b)); for (i in 1:3) Lx[i, match(sprintf("cohortB:V%s", visits(4)[i + 1]), names(b))] <- 1
kr <- KRmodcomp(g, Lx)$stats
emit("cs lmer", "type 3 F arm x visit", "interaction", c(F_kr_exp = kr$Fstat, df1 = kr$ndf, df2_kr_exp = kr$ddf, p_kr_exp = kr$p.value))

# Structures by the likelihood of mmrm_suff.R, maximised over their parameters.
structured <- function(x, m, X, sigma_of, start) {
  ss <- suff_stats(X, x$y, x$id, as.integer(x$V), m); ij <- th_index(m)
  th <- function(par) { s <- sigma_of(par); s[ij] }
  value <- function(par) { r <- reml_eval(ss, th(par), 0); if (is.null(r)) 1e10 else r$m2ll }
  slope <- function(par) drop(reml_eval(ss, th(par), 2)$grad %*% numDeriv::jacobian(th, par))
  o <- optim(start, value, slope, method = "BFGS", control = list(reltol = 1e-16, maxit = 2000))
  for (i in 1:10) { H <- numDeriv::jacobian(slope, o$par); o$par <- o$par - drop(solve(H, slope(o$par))) }
  H <- numDeriv::jacobian(slope, o$par); H <- (H + t(H)) / 2
  J <- numDeriv::jacobian(th, o$par); r <- reml_eval(ss, th(o$par), 2)
  r$ss <- ss; r$Wobs <- J %*% (2 * solve(H)) %*% t(J); r$iter <- 0; r$par <- o$par
  I <- t(J) %*% r$Iexp %*% J; r$Wexp <- J %*% (2 * solve(I)) %*% t(J)
  names(r$beta) <- colnames(X); r
}
toeplitz_of <- function(m) function(p) outer(p[1:m], p[1:m]) * matrix(c(1, p[-(1:m)])[1 + abs(outer(1:m, 1:m, "-"))], m)
ar1_of <- function(m) function(p) outer(p[1:m], p[1:m]) * p[m + 1]^abs(outer(1:m, 1:m, "-"))
cs_of <- function(m) function(p) matrix(p[2], m, m) + diag(p[1] - p[2], m)
emit_structured <- function(case, f, X, m) {
  emit(case, "fit", "model", c(m2reml = f$m2ll, aic = f$m2ll + 2 * length(f$par)))
  ij <- th_index(m)
  for (h in seq_len(nrow(ij))) emit(case, "sigma", sprintf("%d,%d", ij[h, 1], ij[h, 2]), c(est = f$th[h], se = sqrt(f$Wobs[h, h])))
  for (v in 1:m) { l <- setNames(numeric(ncol(X)), colnames(X)); l["cohortB"] <- 1; if (v > 1) l[sprintf("V%s:cohortB", visits(m)[v])] <- 1
    a <- con1(f, l, "satt"); emit(case, paste("diff", visits(m)[v]), "B - A", c(diff = a[["est"]], se = a[["se"]], df_satt = a[["df"]])) }
}
d <- simulate(1, 150, 4, 3, 5); x <- long(d, 4); X <- model.matrix(~ base * V + site + cohort * V, x)
emit_structured("toeplitz", structured(x, 4, X, toeplitz_of(4), c(13, 13, 14, 15, .6, .5, .4)), X, 4)
f <- structured(x, 4, X, ar1_of(4), c(13, 13, 14, 15, .6)); emit_structured("ar1", f, X, 4)
x$v <- as.integer(x$V)
g <- gls(y ~ base * V + site + cohort * V, x, correlation = corAR1(form = ~v | id), weights = varIdent(form = ~1 | V),
         control = glsControl(tolerance = 1e-13, msTol = 1e-13, maxIter = 500, msMaxIter = 500, opt = "nlminb"))
emit("ar1", "fit gls", "model", c(m2reml = -2 * as.numeric(logLik(g))))

# Fallback: V1 and V3 never in the same subject, and then compound symmetry with a sandwich by the book.
d <- simulate(12, 120, 4, 2, 2, hazard = 0, gap = 0)
odd <- d$id %% 2 == 0; d$V01[odd] <- NA; d$V03[!odd] <- NA
keep_data("never together", d); x <- long(d, 4); X <- model.matrix(~ base * V + site + cohort * V, x)
emit_structured("never together", structured(x, 4, X, toeplitz_of(4), c(13, 13, 14, 15, .6, .5, .4)), X, 4)

# Each subject has two of six visits: Toeplitz has distances that nobody knows.
d <- simulate(13, 150, 6, 2, 2, hazard = 0, gap = 0)
for (i in d$id) d[i, visits(6)[-((i %% 5) + 1:2)]] <- NA
keep_data("pairs", d); x <- long(d, 6); X <- model.matrix(~ base * V + site + cohort * V, x)
emit_structured("pairs", structured(x, 6, X, ar1_of(6), c(13, 13, 13, 14, 14, 15, .6)), X, 6)

sandwich <- function(f, X, x, m) { B <- 0; S <- f$Sigma
  for (i in unique(x$id)) { k <- x$id == i; v <- as.integer(x$V[k]); u <- t(X[k, , drop = FALSE]) %*% solve(S[v, v, drop = FALSE], x$y[k] - X[k, , drop = FALSE] %*% f$beta); B <- B + u %*% t(u) }
  f$Phi %*% B %*% f$Phi }
d <- simulate(14, 150, 4, 2, 2, hazard = 0, gap = 0)
for (i in d$id) d[i, visits(4)[-list(1, 2, 3, 4, c(1, 4))[[i %% 5 + 1]]]] <- NA
keep_data("no correlation", d); x <- long(d, 4); X <- model.matrix(~ base * V + site + cohort * V, x)
f <- structured(x, 4, X, cs_of(4), c(200, 80)); S <- sandwich(f, X, x, 4)
emit("no correlation", "fit", "model", c(m2reml = f$m2ll, subjects = f$ss$n))
df <- f$ss$n - qr(model.matrix(~ base + site + cohort, d))$rank
for (v in 1:4) { l <- setNames(numeric(ncol(X)), colnames(X)); l["cohortB"] <- 1; if (v > 1) l[sprintf("V%s:cohortB", visits(4)[v])] <- 1
  emit("no correlation", paste("diff", visits(4)[v]), "B - A", c(diff = sum(l * f$beta), se = sqrt(drop(l %*% S %*% l)), df_satt = df)) }

wide <- do.call(rbind, data)
write.csv(wide, "data.csv", row.names = FALSE, quote = FALSE, na = "")
out <- do.call(rbind, .E$r)
write.csv(out[c("table", "row", "col", "stat", "value")], "expected.csv", row.names = FALSE)
