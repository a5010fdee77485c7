# SPDX-License-Identifier: GPL-3.0-or-later
# Two whole studies and their tables.  R 4.2.2 with emmeans and survival; run in this folder:  Rscript make_other_studies.R
# Writes FOLDER/data/*.csv, one row a form, and FOLDER/expected.csv (table,row,col,stat,value; names of results.csv).
source("../trial1000/refstats.R", chdir = TRUE)
RNGkind("Mersenne-Twister", "Inversion", "Rejection")

keep <- function(folder, ...) { dir.create(file.path(folder, "data"), FALSE); sets <- list(...)
  for (k in names(sets)) write.csv(sets[[k]], file.path(folder, "data", paste0(k, ".csv")), row.names = FALSE, quote = FALSE, na = "") }
study_day <- function(date, first) { late <- as.integer(date - first); late + (late >= 0) }
# The record nearest to the target within the window, of two as near the later one.
nearest <- function(x, window, target) {
  x <- x[x$day >= window[1] & x$day <= window[2], ]
  x <- x[order(x$pid, abs(x$day - target), -x$day), ]
  x[!duplicated(x$pid), ]
}
last_before <- function(x, k) { x <- x[x$day <= 1 & !is.na(x[[k]]), ]; x <- x[order(x$pid, -x$day), ]; x[!duplicated(x$pid), ] }
describe <- function(x, level) { d <- desc(x, length(x)); n <- d[["n"]]
  if (n > 1) d[c("lo", "hi")] <- mean(x, na.rm = TRUE) + c(-1, 1) * qt((1 + level) / 2, n - 1) * d[["se"]]
  d[!is.na(d)] }
part <- function(x, n, level, cohort) { w <- wilson(x, n, qnorm((1 + level) / 2)); k <- clopper(x, n, 1 - level)
  p <- c(x, n, x / n, w, k); setNames(p, c(paste0(c("x.", "n.", "p."), cohort), "wilson_lo", "wilson_hi", "cp_lo", "cp_hi")) }
put_responders <- function(table, visit, yes, seen, cohort, pairs, level, strata = NULL, within = strata) {
  for (a in unique(unlist(pairs))) { i <- seen & cohort == a; emit(table, visit, a, part(sum(yes[i]), sum(i), level, a)) }
  for (p in pairs) { i <- seen & cohort %in% p; g <- factor(cohort[i], p); y <- factor(yes[i], c(TRUE, FALSE)); m <- table(g, y)
    w <- newcombe(m[1, 1], sum(m[1, ]), m[2, 1], sum(m[2, ]), qnorm((1 + level) / 2))
    row <- c(x1 = m[1, 1], n1 = sum(m[1, ]), x2 = m[2, 1], n2 = sum(m[2, ]), rd = m[1, 1] / sum(m[1, ]) - m[2, 1] / sum(m[2, ]),
             newcombe_lo = w[[1]], newcombe_hi = w[[2]], fisher_p = fisher.test(m)$p.value)
    if (!is.null(strata)) { s <- factor(strata[i]); both <- s %in% levels(s)[apply(table(s, g) > 0, 1, all)]
      k <- mantelhaen.test(table(g[both], y[both], factor(s[both])), correct = FALSE)
      row <- c(row, strata_used = nlevels(factor(s[both])), cmh = k$statistic[[1]], cmh_p = k$p.value) }
    emit(table, visit, paste(p[1], "-", p[2]), row) }
  if (length(unique(unlist(pairs))) > 2) { k <- factor(within[seen]); used <- table(k, cohort[seen]) > 0
    k <- factor(k, levels(k)[rowSums(used) > 1])
    k <- list(n = nlevels(k), test = mantelhaen.test(table(cohort[seen], yes[seen], k), correct = FALSE))
    emit(table, visit, "cohorts", c(strata_used = k$n, gcmh = k$test$statistic[[1]], gcmh_df = k$test$parameter[[1]], gcmh_p = k$test$p.value)) }
}
items <- function(n, count, mean, from, to, open) { x <- round(matrix(rnorm(n * count, mean, 1), n)); x[] <- pmin(to, pmax(from, x))
  x[runif(length(x)) < open] <- NA; x }
sum_of <- function(x, least) ifelse(rowSums(!is.na(x)) < least, NA, ncol(x) * rowMeans(x, na.rm = TRUE))

# ---- weeks: two cohorts, level 0.9, observed margins
set.seed(20261122); n <- 74; level <- .9
s <- data.frame(pid = seq_len(n), site = sample(c(1, 2, 5), n, TRUE, c(.5, .35, .15)), cohort = sample(c("PLASMA", "SALINE"), n, TRUE, c(.6, .4)),
  treated = as.Date("2025-02-03") + sample(0:150, n, TRUE), age_years = round(runif(n, 22, 80)), works = sample(c("true", "false"), n, TRUE),
  severity = sample(c("light", "middling", "heavy"), n, TRUE, c(.2, .5, .3)))
target <- c(W0 = 1, W4 = 29, W8 = 57, W13 = 92); window <- list(W4 = c(2, 43), W8 = c(44, 71), W13 = c(72, 1e6))
level_of <- rnorm(n, 3.4, .5) + .4 * (s$severity == "heavy")
a <- do.call(rbind, lapply(names(target), function(v) { i <- which(runif(n) > if (v == "W0") .03 else .16)
  late <- if (v == "W0") -sample(0:9, length(i), TRUE) else target[[v]] - 1 + sample(-12:12, length(i), TRUE)
  gain <- (.25 + .45 * (s$cohort[i] == "PLASMA")) * (v != "W0")
  d <- items(length(i), 14, level_of[i] - gain, 1, 5, .03); colnames(d) <- paste0("d", 1:14)
  data.frame(pid = s$pid[i], visit = v, date = s$treated[i] + late, d, knee_now = pmin(5, pmax(1, round(rnorm(length(i), 2.7 + 1.2 * gain, .9))))) }))
again <- a[a$visit == "W8" & a$pid %% 9 == 0, ]; again$date <- again$date + 3; again$d1 <- 5     # a second record in a window
a <- rbind(a, again); a <- a[order(a$pid, a$date), ]; a <- a[!duplicated(a[c("pid", "date")]), ]
ends <- data.frame(pid = s$pid, last_contact = s$treated + ifelse(runif(n) < .15, sample(20:80, n, TRUE), 110), reason = "completed")
ends$reason[ends$last_contact < s$treated + 100] <- "lost_to_follow_up"
free <- which(runif(n) < .7); since <- s$treated[free] + ceiling(rexp(length(free), 1 / ifelse(s$cohort[free] == "PLASMA", 40, 60)))
told <- pmin(since + sample(1:9, length(free), TRUE), ends$last_contact[free]); free <- free[since < told]; told <- told[since < told]
since <- s$treated[free] + pmax(1, as.integer(told - s$treated[free]) - sample(2:30, length(free), TRUE))
since <- pmin(since, told); month_only <- seq_along(free) %% 4 == 0
stopped <- data.frame(pid = free, date = told, without = "true", since = ifelse(month_only, format(since, "%Y-%m"), format(since)))
others <- setdiff(s$pid, free)[1:9]; stopped <- rbind(stopped, data.frame(pid = others, date = s$treated[others] + 30, without = "false", since = NA))
k <- sample(s$pid, 90, TRUE); onset <- s$treated[k] + sample(-25:95, 90, TRUE); shape <- sample(1:3, 90, TRUE, c(.6, .3, .1))
ae <- data.frame(pid = k, date = onset + 5, onset = ifelse(shape == 1, format(onset), ifelse(shape == 2, format(onset, "%Y-%m"), format(onset, "%Y"))),
  end = ifelse(runif(90) < .5, format(onset + sample(0:6, 90, TRUE)), NA), severity = sample(c("mild", "moderate", "severe", NA), 90, TRUE, c(.4, .3, .1, .2)),
  serious = sample(c("true", "false"), 90, TRUE, c(.15, .85)), related_product = sample(c("none", "possible", "probable", NA), 90, TRUE, c(.4, .2, .2, .2)),
  term = sample(c("Arthralgia", "Swelling", "Nausea", "Headache"), 90, TRUE))
ae$class <- c(Arthralgia = "Joints", Swelling = "Joints", Nausea = "Stomach", Headache = "Nerves")[ae$term]
keep("weeks", subjects = s, activities = a, stopped = stopped, ends = ends, adverse_events = ae)

emit_reset()
a$effort <- sum_of(as.matrix(a[paste0("d", 1:14)]), 12); a$now <- a$knee_now; a$day <- study_day(a$date, s$treated[a$pid])
pair <- list(c("PLASMA", "SALINE")); name <- "PLASMA - SALINE"; strata <- paste(s$site, s$severity)
wide <- list()
for (e in c("effort", "now")) { b <- last_before(a, e); base <- b[[e]][match(s$pid, b$pid)]
  for (v in names(target)) { x <- if (v == "W0") b else nearest(a, window[[v]], target[[v]])
    value <- x[[e]][match(s$pid, x$pid)]; wide[[e]][[v]] <- value
    for (co in pair[[1]]) { i <- s$cohort == co
      emit(paste("value", e), v, co, describe(value[i], level))
      if (v != "W0") emit(paste("change", e), v, co, describe((value - base)[i], level)) } }
  wide[[e]]$base <- base }
base <- wide$effort$base
for (v in names(window)) { d <- data.frame(s, base = base, chg = wide$effort[[v]] - base); d <- d[!is.na(d$chg), ]
  d$cohort <- factor(d$cohort, c("SALINE", "PLASMA")); d$site <- factor(d$site); m <- lm(chg ~ cohort + base + site + severity, d)
  table <- "ANCOVA change ~ cohort+base+site+baseline.severity effort"
  e <- emmeans(m, ~cohort, weights = "proportional"); l <- as.data.frame(summary(e, level = level))
  for (i in 1:2) emit(table, v, as.character(l$cohort[i]), c(n = sum(d$cohort == l$cohort[i]), lsmean = l$emmean[i], se = l$SE[i], df = l$df[i],
                                                            lo = l$lower.CL[i], hi = l$upper.CL[i]))
  k <- as.data.frame(summary(contrast(e, "revpairwise"), infer = TRUE, level = level))
  emit(table, v, name, c(diff = k$estimate, se = k$SE, df = k$df, lo = k$lower.CL, hi = k$upper.CL, t = k$t.ratio, p = k$p.value,
    tost_p = max(pt((k$estimate + 3) / k$SE, k$df, lower.tail = FALSE), pt((k$estimate - 3) / k$SE, k$df)))) }
x <- do.call(rbind, lapply(names(window), function(v) data.frame(s, base = base, V = factor(v, names(window)), y = wide$effort[[v]] - base)))
x <- x[!is.na(x$y), ]; x$cohort <- factor(x$cohort, c("SALINE", "PLASMA")); x$site <- factor(x$site); x <- x[order(x$pid, x$V), ]
X <- model.matrix(~ base * V + site + severity + cohort * V, x); f <- mmrm_suff(X, x$y, x$pid, as.integer(x$V), 3, tol = 1e-16)
emit("MMRM effort", "fit", "model", c(subjects = f$ss$n, records = f$ss$N, n_coef = f$ss$q, m2reml = f$m2ll))
for (v in names(window)) { c1 <- setNames(numeric(ncol(X)), colnames(X)); c1["cohortPLASMA"] <- 1
  if (v != "W4") c1[paste0("V", v, ":cohortPLASMA")] <- 1
  q <- con1(f, c1, "satt"); k <- con1(f, c1, "kr"); lim <- q[["est"]] + c(-1, 1) * qt((1 + level) / 2, q[["df"]]) * q[["se"]]
  emit("MMRM effort", paste("diff", v), name, c(diff = q[["est"]], se = q[["se"]], df_satt = q[["df"]], t = q[["t"]], p_satt = q[["p"]],
    lo = lim[1], hi = lim[2], se_kr = k[["se"]], df_kr = k[["df"]], p_kr = k[["p"]])) }
for (v in names(window)) { now <- wide$now[[v]]; gone <- wide$effort[[v]] - base
  eased <- !is.na(gone) & gone <= -6 + 1e-9; good <- !is.na(now) & now >= 4
  put_responders("responder eased observed", v, eased, !is.na(gone), s$cohort, pair, level, strata)
  put_responders("responder eased non-responder imputation", v, eased, rep(TRUE, n), s$cohort, pair, level, strata)
  put_responders("responder good observed", v, good, !is.na(now), s$cohort, pair, level, strata)
  put_responders("responder good non-responder imputation", v, good, rep(TRUE, n), s$cohort, pair, level, strata) }
# Of a month the last day, but not after the form.
latest <- function(text, most) { day <- sapply(text, function(t) { if (is.na(t)) return(NA); if (nchar(t) == 10) return(as.numeric(as.Date(t)))
  first <- as.Date(paste0(t, if (nchar(t) == 7) "-01" else "-01-01")); as.numeric(seq(first, by = if (nchar(t) == 7) "month" else "year", length.out = 2)[2] - 1) })
  as.Date(pmin(day, as.numeric(most)), origin = "1970-01-01") }
earliest <- function(text) as.Date(ifelse(nchar(text) == 10, text, paste0(text, ifelse(nchar(text) == 7, "-01", "-01-01"))))
yes <- stopped[stopped$without == "true", ]; when <- latest(yes$since, yes$date)
event <- s$pid %in% yes$pid; day <- study_day(ends$last_contact, s$treated); day[match(yes$pid, s$pid)] <- study_day(when, s$treated[yes$pid])
km <- survfit(Surv(day, event) ~ s$cohort, conf.type = "log-log", conf.int = level)
for (at in c(15, 29, 57, 92)) { m <- summary(km, times = at, extend = TRUE)
  for (i in 1:2) emit("KM free", paste("day", at), sub(".*=", "", m$strata[i]), c(n_risk = m$n.risk[i], surv = m$surv[i], se = m$std.err[i], lo = m$lower[i], hi = m$upper[i])) }
for (co in pair[[1]]) emit("KM free", "quartiles", co, c(n = sum(s$cohort == co), events = sum(event[s$cohort == co]), censored = sum(!event[s$cohort == co])))
g <- survdiff(Surv(day, event) ~ s$cohort); emit("KM free", "log-rank", "overall", c(chisq = g$chisq, df = 1, p = pchisq(g$chisq, 1, lower.tail = FALSE)))
g <- survdiff(Surv(day, event) ~ s$cohort + strata(strata))
emit("KM free", "log-rank stratified", "overall", c(chisq = g$chisq, df = 1, p = pchisq(g$chisq, 1, lower.tail = FALSE)))
emit("KM free", "derivation", "overall", c(partial_dates = sum(nchar(yes$since) < 10)))
cox <- coxph(Surv(day, event) ~ factor(s$cohort, c("SALINE", "PLASMA")), control = coxph.control(eps = 1e-12, toler.chol = 1e-14, iter.max = 50)); b <- coef(cox)[[1]]; se <- sqrt(vcov(cox)[1])
emit("Cox free", "efron", name, c(coef = b, se = se, hr = exp(b), lo = exp(b - qnorm(.95) * se), hi = exp(b + qnorm(.95) * se), p = 2 * pnorm(-abs(b / se))))
# Adverse events: a partial onset counts when it can lie on or after the treatment and the event did not end before it.
first <- s$treated[ae$pid]; can <- latest(ae$onset, as.Date("2999-12-31")) >= first & !(!is.na(ae$end) & as.Date(ae$end) < first)
te <- ae[can, ]; te$may_be_before <- earliest(te$onset) < first[can]; te$cohort <- s$cohort[te$pid]
put_ae <- function(table, row, x, limits = TRUE) for (co in pair[[1]]) { y <- x[x$cohort == co, ]; N <- sum(s$cohort == co); u <- length(unique(y$pid)); k <- clopper(u, N, 1 - level)
  emit(table, row, co, c(subjects = u, events = nrow(y), pct = 100 * u / N, if (limits) c(cp_lo = k[[1]], cp_hi = k[[2]]))) }
related <- is.na(te$related_product) | te$related_product != "none"
put_ae("AE overview", "any", te); put_ae("AE overview", "related", te[related, ]); put_ae("AE overview", "related_missing", te[is.na(te$related_product), ])
put_ae("AE overview", "serious", te[te$serious == "true", ]); put_ae("AE overview", "severe", te[te$severity %in% "severe", ])
put_ae("AE overview", "serious_related", te[related & te$serious == "true", ]); put_ae("AE overview", "onset_imputed", te[te$may_be_before, ])
put_ae("AE", "ANY", te)
for (cl in unique(te$class)) put_ae("AE", cl, te[te$class == cl, ])
for (te1 in split(te, te$term)) put_ae("AE", paste(te1$class[1], "|", te1$term[1]), te1)
worst <- tapply(match(te$severity, c("mild", "moderate", "severe")), te$pid, function(x) if (all(is.na(x))) 4 else max(x, na.rm = TRUE))
for (co in pair[[1]]) { w <- worst[s$cohort[as.integer(names(worst))] == co]
  for (i in 1:4) emit("AE max severity", c("MILD", "MODERATE", "SEVERE", "MISSING")[i], co, c(subjects = sum(w == i))) }
emit_write("weeks/expected.csv")

# ---- doses: six cohorts of unequal size, one site, ten visits
set.seed(20261123); n <- 150; cohorts <- c(paste0("DOSE", 1:5), "PLACEBO"); level <- .95
s <- data.frame(pid = seq_len(n), cohort = sample(cohorts, n, TRUE, c(.1, .12, .15, .18, .2, .25)), treated = as.Date("2024-05-06") + sample(0:90, n, TRUE),
                age_years = round(runif(n, 30, 85)), grade = sample(1:3, n, TRUE))
visits <- paste0("V", 0:10); target <- setNames(c(1, 1 + 14 * 1:10), visits)
window <- setNames(c(list(c(-1e6, 1)), lapply(1:9, function(k) c(14 * k - 5, 14 * k + 8)), list(c(135, 155))), visits); window$V1 <- c(2, 22)
dose <- match(s$cohort, cohorts) %% 6; own <- rnorm(n, 1.6, .6); out <- ifelse(runif(n) < .25, sample(3:10, n, TRUE), 99)
r <- do.call(rbind, lapply(0:10, function(k) { i <- which(k < out & runif(n) > if (k == 0) 0 else .07)
  date <- s$treated[i] + if (k == 0) 0 else 14 * k + sample(-3:3, length(i), TRUE)
  d <- items(length(i), 12, own[i] + .05 * dose[i] * sqrt(k), 0, 4, .02); colnames(d) <- paste0("f", 1:12)
  data.frame(pid = s$pid[i], visit = visits[k + 1], date = date, d, pain = pmin(10, pmax(1, round(rnorm(length(i), 6 - .2 * dose[i] * sqrt(k), 1.8))))) }))
r$pain[r$visit == "V10" & s$cohort[r$pid] == "DOSE3"] <- NA                     # a cell without values
keep("doses", subjects = s, visits = r)
emit_reset()
r$tasks <- sum_of(as.matrix(r[paste0("f", 1:12)]), 10); r$day <- study_day(r$date, s$treated[r$pid]); wide <- list()
for (e in c("tasks", "pain")) { b <- last_before(r, e); base <- b[[e]][match(s$pid, b$pid)]; wide[[e]]$base <- base
  for (v in visits[-1]) { x <- nearest(r, window[[v]], target[[v]]); value <- x[[e]][match(s$pid, x$pid)]; wide[[e]][[v]] <- value - base
    for (co in cohorts) emit(paste("change", e), v, co, describe((value - base)[s$cohort == co], level)) } }
pairs <- lapply(cohorts[1:5], function(co) c(co, "PLACEBO"))
for (v in visits[-1]) { d <- data.frame(s, base = wide$tasks$base, chg = wide$tasks[[v]]); d <- d[!is.na(d$chg), ]; d$cohort <- factor(d$cohort, c("PLACEBO", cohorts[1:5]))
  e <- emmeans(lm(chg ~ cohort + base, d), ~cohort); k <- as.data.frame(summary(contrast(e, "trt.vs.ctrl", ref = 1, adjust = "none"), infer = TRUE))
  for (i in 1:5) emit("ANCOVA change ~ cohort+base tasks", v, paste(cohorts[i], "- PLACEBO"), c(diff = k$estimate[i], se = k$SE[i], df = k$df[i],
    lo = k$lower.CL[i], hi = k$upper.CL[i], t = k$t.ratio[i], p = k$p.value[i])) 
  gain <- wide$tasks[[v]]; less <- wide$pain[[v]]; b <- wide$pain$base
  put_responders("responder able observed", v, !is.na(gain) & gain >= 5 - 1e-9, !is.na(gain), s$cohort, pairs, level, within = s$grade)
  put_responders("responder third non-responder imputation", v, !is.na(less) & -10 * less >= 3 * b, rep(TRUE, n), s$cohort, pairs, level, within = s$grade) }
emit_write("doses/expected.csv")
