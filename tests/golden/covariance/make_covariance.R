# SPDX-License-Identifier: GPL-3.0-or-later
# cd tests/golden/covariance && Rscript make_covariance.R (R 4.2.2, data.table, emmeans): numbers of the simulated
# trial in ../trial1000 that its expected/ has not.  Writes equal.csv (its own protocol) and observed.csv (protocol.yaml
# here: more covariates, observed margins, cohorts taken as not randomised), and levels.csv (its claims of subgroups, and
# one of equal.csv's protocol): table,row,col,stat,value.
source("../trial1000/refstats.R", chdir = TRUE)
suppressMessages(library(data.table))
D <- "../trial1000/data"
p <- fread(file.path(D, "patient.csv")); s <- fread(file.path(D, "submission.csv"))
co <- c("PLACEBO", "AD-MSC", "UC-MSC"); vs <- c("M3", "M6", "M12", "M24"); names(vs) <- vs
active <- co[2:3]; against <- paste(active, "- PLACEBO")

# ---- scores
q <- as.matrix(s[, sprintf("q%02d", 1:24), with = FALSE])
sum_of <- function(j, most_open) { x <- q[, j]; open <- rowSums(is.na(x))
  ifelse(open > most_open, NA, length(j) * rowMeans(x, na.rm = TRUE)) }
parts <- cbind(pain = sum_of(1:5, 1), stiff = sum_of(6:7, 1), func = sum_of(8:24, 3))
scores <- data.frame(pain = parts[, 1] / 20, stiff = parts[, 2] / 8, func = parts[, 3] / 68, total = rowSums(parts) / 96) * 100
scores$vas <- s$vas
m <- match(s$pid, p$pid); late <- as.integer(s$visit_date - p$treat_date[m])
r <- data.frame(pid = s$pid, sid = s$sid, day = late + (late >= 0), scores,
                p[m, c("cohort", "site", "sex", "age", "bmi", "kl", "n_inj")])
r$cohort <- factor(r$cohort, co); r$site <- factor(r$site)

# ---- the record of each subject nearest to the target within the windows; baseline: the last on day 1 or before
target <- c(M3 = 92, M6 = 184, M12 = 366, M24 = 731)
analysis <- list(M3 = c(2, 137), M6 = c(138, 274), M12 = c(275, 548), M24 = c(549, 911))
due <- list(M3 = c(78, 106), M6 = c(163, 205), M12 = c(336, 396), M24 = c(671, 791))
base <- r[r$day <= 1, ]; base <- base[order(base$pid, base$day, base$sid), ]
at <- function(v, windows, k) {
  x <- r[r$day >= windows[[v]][1] & r$day <= windows[[v]][2], ]
  x <- x[order(x$pid, abs(x$day - target[[v]]), -x$day, -x$sid), ]; x <- x[!duplicated(x$pid), ]
  b <- base[!is.na(base[[k]]), ]; b <- b[!duplicated(b$pid, fromLast = TRUE), ]
  x$base <- b[[k]][match(x$pid, b$pid)]; x$chg <- x[[k]] - x$base
  x[!is.na(x$chg), ]
}

# ---- models
limits <- function(e, se, df) c(lo = e - qt(.975, df) * se, hi = e + qt(.975, df) * se)
two_sided <- function(t, df) 2 * pt(-abs(t), df)
put_ancova <- function(table, v, x, right, weights) {
  a <- lm(as.formula(paste("chg ~ cohort +", right)), x)
  means <- as.data.frame(emmeans(a, ~cohort, weights = weights)); df <- a$df.residual
  for (i in 1:3) emit(table, v, co[i], c(n = sum(x$cohort == co[i]), lsmean = means$emmean[i], se = means$SE[i], df = df,
                                          limits(means$emmean[i], means$SE[i], df)))
  d <- as.data.frame(contrast(emmeans(a, ~cohort, weights = weights), "trt.vs.ctrl", ref = 1, adjust = "none"))
  for (i in 1:2) emit(table, v, against[i], c(diff = d$estimate[i], se = d$SE[i], df = df, limits(d$estimate[i], d$SE[i], df),
                                              t = d$t.ratio[i], p = d$p.value[i]))
  emit(table, v, "model", c(left_out = 0, rmse = summary(a)$sigma, resid_df = df))
  list(fit = a, d = d)
}
put_terms <- function(table, v, a, names) {
  f <- drop1(a, test = "F")
  for (k in names(names)) emit(table, v, paste("term", names[[k]]),
    c(F = f[k, "F value"], df1 = f[k, "Df"], df2 = a$df.residual, p = f[k, "Pr(>F)"]))
}

# ---- equal.csv: the trial's own protocol
emit_reset()
N <- table(factor(p$cohort, co))
for (k in c("pain", "vas")) for (v in vs) { x <- at(v, analysis, k); for (a in co) {
  y <- x[x$cohort == a & x$base != 0, ]
  emit(paste("pct_change", k), v, a, desc(100 * y$chg / y$base, N[[a]])) } }
terms <- c(cohort = "cohort", base = "base", site = "site")
for (k in c("pain", "stiff", "func", "total", "vas")) for (v in vs) {
  table <- paste("ANCOVA change ~ cohort+base+site", k); x <- at(v, analysis, k)
  a <- lm(chg ~ cohort + base + site, x); put_terms(table, v, a, terms)
  if (k == "pain") { d <- as.data.frame(contrast(emmeans(a, ~cohort), "trt.vs.ctrl", ref = 1, adjust = "none"))
    for (i in 1:2) emit(table, v, against[i], c(tost_p = max(pt((d$estimate[i] + 5) / d$SE[i], d$df[i], lower.tail = FALSE),
                                                             pt((d$estimate[i] - 5) / d$SE[i], d$df[i])))) }
  strict <- paste(table, "due windows"); x <- at(v, due, k)
  put_terms(strict, v, put_ancova(strict, v, x, "base + site", "equal")$fit, terms)
}
levels_of <- function(x, g) switch(g, "KL" = ifelse(x$kl <= 2, "1-2", "3-4"), "BMI" = ifelse(x$bmi < 30, "< 30", ">= 30"),
  "injections" = ifelse(x$n_inj == 1, "1", "2-3"), "sex" = ifelse(x$sex == "F", "female", "male"))
put_forest <- function(v, k, labels) {
  table <- paste("forest", v, k); x <- at(v, analysis, k)
  put <- function(row, x) { a <- lm(chg ~ cohort + base, x)
    d <- as.data.frame(contrast(emmeans(a, ~cohort), "trt.vs.ctrl", ref = 1, adjust = "none"))
    for (i in 1:2) emit(table, row, against[i], c(n1 = sum(x$cohort == active[i]), n0 = sum(x$cohort == co[1]),
      diff = d$estimate[i], se = d$SE[i], df = d$df[i], limits(d$estimate[i], d$SE[i], d$df[i]), t = d$t.ratio[i], p = d$p.value[i])) }
  put("all subjects", x)
  for (g in labels) {
    x$g <- factor(levels_of(x, g)); both <- lm(chg ~ cohort * g + base, x)
    for (l in levels(x$g)) put(paste(g, l), x[x$g == l, ])
    b <- coef(summary(both)); for (i in 1:2) { e <- b[paste0("cohort", active[i], ":g", levels(x$g)[2]), ]; df <- both$df.residual
      emit(table, paste(g, levels(x$g)[2]), against[i], c(interaction = e[[1]], interaction_se = e[[2]], interaction_df = df,
        setNames(limits(e[[1]], e[[2]], df), c("interaction_lo", "interaction_hi")), interaction_p = e[[4]])) }
    f <- drop1(both, test = "F")["cohort:g", ]
    emit(table, g, "interaction", c(F = f[["F value"]], df1 = f[["Df"]], df2 = both$df.residual, p = f[["Pr(>F)"]]))
    emit(table, g, "left out", c(in_no_level = 0, not_answered = 0))
  }
}
for (k in c("pain", "stiff", "func", "total", "vas")) put_forest("M12", k, c("KL", "BMI", "injections", "sex"))
m12 <- c("diff M12"); raw <- fread("../trial1000/expected/mmrm_pain.csv")
raw <- raw[row == "diff M12" & stat == "p_kr"]; holm <- p.adjust(as.numeric(raw$value), "holm")
for (i in 1:2) emit("multiplicity", "pain M12", against[i], c(order = i, p_raw = as.numeric(raw$value)[match(against[i], raw$col)],
                                                              p_adjusted = holm[match(against[i], raw$col)]))
emit_write("equal.csv")

# ---- observed.csv: protocol.yaml of this folder
emit_reset()
named <- c(cohort = "cohort", base = "base", site = "site", sex = "baseline.sex", bmi = "baseline.bmi")
for (k in c("pain", "vas")) for (v in vs) {
  table <- paste("ANCOVA change ~ cohort+base+site+baseline.sex+baseline.bmi", k)
  put_terms(table, v, put_ancova(table, v, at(v, analysis, k), "base + site + sex + bmi", "proportional")$fit, named)
}
# Overlap weights; the variance as the sandwich of the stacked equations, derivatives written out.
smd <- function(x, z, w, share) {
  v <- function(x) if (share) mean(x) * (1 - mean(x)) else var(x)
  (weighted.mean(x[z == 1], w[z == 1]) - weighted.mean(x[z == 0], w[z == 0])) / sqrt((v(x[z == 1]) + v(x[z == 0])) / 2) }
evalue <- function(rr) { rr <- ifelse(rr < 1, 1 / rr, rr); rr + sqrt(rr * (rr - 1)) }
weigh <- function(x, z, right) {
  y <- x$chg
  g <- glm(as.formula(paste("z ~", right)), binomial, cbind(x, z = z), control = glm.control(epsilon = 1e-13, maxit = 60))
  X <- model.matrix(g)[, !is.na(coef(g))]; X <- cbind(1, scale(X[, -1], scale = FALSE)); e <- fitted(g)
  w <- ifelse(z == 1, 1 - e, e)
  mu <- c(weighted.mean(y[z == 1], w[z == 1]), weighted.mean(y[z == 0], w[z == 0]))
  inf <- solve(crossprod(X, X * (e * (1 - e)))); u <- (X * (z - e)) %*% inf
  part <- function(side, sign, mean, weight) { own <- (z == side) * weight * (y - mean)
    slope <- colSums(X * (sign * (z == side) * e * (1 - e) * (y - mean))); (own + u %*% slope) / sum(weight[z == side]) }
  one <- part(1, -1, mu[1], 1 - e); other <- part(0, 1, mu[2], e); infl <- one - other
  d <- mu[1] - mu[2]; se <- sqrt(sum(infl^2)); sp <- sqrt((sum((y[z == 1] - mean(y[z == 1]))^2) + sum((y[z == 0] - mean(y[z == 0]))^2)) / (length(y) - 2))
  lo <- d - Z * se; hi <- d + Z * se
  rr <- exp(.91 * d / sp + c(0, -1.78, 1.78) * se / sp); near <- if (rr[1] < 1) rr[3] else rr[2]
  list(e = e, w = w, log_ratio = c(log(mu[1] / mu[2]), sqrt(sum((one / mu[1] - other / mu[2])^2))), row = c(n1 = sum(z), n0 = sum(1 - z), effective_1 = sum(w[z == 1])^2 / sum(w[z == 1]^2),
    effective_0 = sum(w[z == 0])^2 / sum(w[z == 0]^2), mean_1 = mu[1], mean_0 = mu[2], diff = d, se = se, lo = lo, hi = hi,
    p = 2 * pnorm(-abs(d / se)), sd_pooled = sp, evalue = evalue(rr[1]), evalue_limit = if (rr[2] < 1 & rr[3] > 1) 1 else evalue(near)))
}
all_terms <- "base + age + sex + bmi + factor(kl)"
put_adjusted <- function(k, v, i) {
  x <- at(v, analysis, k); x <- x[x$cohort %in% c(co[1], active[i]), ]
  z <- as.integer(x$cohort == active[i]); a <- weigh(x, z, all_terms); e <- a$e; w <- a$w
  emit(paste("adjusted", k), v, against[i], a$row)
  if (v != "M12") return(invisible())
  one <- 1 + 0 * w
  for (b in c("base", "age", "bmi")) emit(paste("adjusted balance", k), if (b == "base") "base" else paste0("baseline.", c(age = "age_years", bmi = "bmi")[[b]]),
    against[i], c(smd_before = smd(x[[b]], z, one, FALSE)))
  for (l in sort(unique(x$kl))) emit(paste("adjusted balance", k), paste0("baseline.kl_grade=", l), against[i], c(smd_before = smd(1 * (x$kl == l), z, one, TRUE)))
  for (l in c("f", "m")) emit(paste("adjusted balance", k), paste0("baseline.sex=", l), against[i], c(smd_before = smd(1 * (tolower(x$sex) == l), z, one, TRUE)))
  bins <- function(e) tabulate(pmin(floor(e * 20), 19) + 1, 20); b1 <- bins(e[z == 1]); b0 <- bins(e[z == 0])
  for (j in 1:20) emit(paste("adjusted overlap", k), sprintf("%.2f", (j - 1) / 20), against[i], c(n1 = b1[j], n0 = b0[j]))
}
for (k in c("pain", "vas")) for (v in vs) for (i in 1:2) put_adjusted(k, v, i)
# Responders: WOMAC pain less by 10 or more; every treated subject, no value is no response.  The ratio by the sandwich.
b <- base[!is.na(base$pain), ]; b <- b[!duplicated(b$pid, fromLast = TRUE), ]
put_responders <- function(v, i) {
  x <- data.frame(p); x$base <- b$pain[match(x$pid, b$pid)]; y <- at(v, analysis, "pain")
  x$chg <- as.integer(x$pid %in% y$pid[y$chg <= -10 + 1e-9])
  x <- x[x$cohort %in% c(co[1], active[i]) & !is.na(x$base), ]
  z <- as.integer(x$cohort == active[i]); a <- weigh(x, z, all_terms)$row
  l <- weigh(x, z, all_terms)$log_ratio; rr <- exp(l[[1]] + c(0, -Z, Z) * l[[2]])
  emit("adjusted responder mcid", v, against[i], c(a[setdiff(names(a), c("sd_pooled", "evalue", "evalue_limit"))],
    rr = rr[1], rr_lo = rr[2], rr_hi = rr[3], evalue = evalue(rr[1]),
    evalue_limit = if (rr[2] <= 1 & rr[3] >= 1) 1 else evalue(if (rr[1] < 1) rr[3] else rr[2])))
}
for (v in vs) for (i in 1:2) put_responders(v, i)
emit_write("observed.csv")

# ---- levels.csv: cohorts within a level, levels within a cohort
emit_reset()
x <- at("M12", analysis, "pain"); men <- x[x$sex == "M" & x$cohort %in% co[1:2], ]
emit("adjusted pain", "M12 sex (women) male", against[1],
     weigh(men, as.integer(men$cohort == co[2]), "base + age + bmi + factor(kl)")$row)
own <- x[x$cohort == co[2], ]
emit("adjusted pain", "M12 injections 1 - 2-3", co[2], weigh(own, as.integer(own$n_inj == 1), all_terms)$row)
own <- at("M6", analysis, "vas"); own <- own[own$cohort == co[3] & own$kl %in% c(2, 4), ]
emit("adjusted vas", "M6 KL two - four", co[3], weigh(own, as.integer(own$kl == 2), "base + age + sex + bmi")$row)
emit_write("levels.csv")
