# SPDX-License-Identifier: GPL-3.0-or-later
# cd tests/golden/tables && Rscript make_tables.R (R 4.2.2, data.table, emmeans, survival, nlme): numbers of the
# simulated trial in ../trial1000 that its expected/ has not, and the two visits of the responder `oarsi` where the
# report follows another definition (../trial1000/README.md).  Writes expected.csv: table,row,col,stat,value.
source("../trial1000/refstats.R", chdir = TRUE)
suppressMessages(library(data.table))
D <- "../trial1000/data"
p <- fread(file.path(D, "patient.csv")); s <- fread(file.path(D, "submission.csv")); ae <- fread(file.path(D, "ae.csv"))
co <- c("PLACEBO", "AD-MSC", "UC-MSC"); ref <- co[1]; vs <- c("M3", "M6", "M12", "M24")

# ---- scores, visits and selection, as in ../trial1000/make_expected.R
items <- as.matrix(s[, sprintf("q%02d", 1:24), with = FALSE])
raw <- function(j, most) { x <- items[, j, drop = FALSE]; open <- rowSums(is.na(x))
  ifelse(open > most, NA, length(j) * rowMeans(x, na.rm = TRUE)) }
s$pain <- raw(1:5, 1) * 5; s$stiff <- raw(6:7, 1) * 12.5; s$func <- raw(8:24, 3) / 68 * 100
s$total <- (raw(1:5, 1) + raw(6:7, 1) + raw(8:24, 3)) / 96 * 100
i <- match(s$pid, p$pid); s$cohort <- p$cohort[i]; s$site <- p$site[i]
late <- as.integer(s$visit_date - p$treat_date[i]); s$ady <- late + (late >= 0)
s$visit <- cut(s$ady, c(-Inf, 1, 137, 274, 548, 911), labels = c("BL", vs))
s$dist <- abs(s$ady - c(1, 92, 184, 366, 731)[as.integer(s$visit)])
s <- as.data.frame(s)[!is.na(s$visit), ]; s <- s[order(s$pid, s$visit, s$dist, -s$ady, -s$sid), ]
s <- s[!duplicated(s[, c("pid", "visit")]), ]
models <- c("pain", "stiff", "func", "total", "vas"); b <- s[s$visit == "BL", ]
for (k in c(models, "pga")) { s[[paste0("b_", k)]] <- b[[k]][match(s$pid, b$pid)]
  s[[paste0("c_", k)]] <- s[[k]] - s[[paste0("b_", k)]] }
N <- table(p$cohort)
emit_reset()

# ---- responders: observed OMERACT-OARSI by completion within the scale, strata of site, number needed
better <- function(b, v, share, points) ifelse(is.na(b) | is.na(v), NA, b > 0 & b - v >= share * b - 1e-9 & b - v >= points - 1e-9)
hi <- cbind(better(s$b_pain, s$pain, .5, 20), better(s$b_func, s$func, .5, 20))
lo <- cbind(better(s$b_pain, s$pain, .2, 10), better(s$b_func, s$func, .2, 10), better(s$b_pga, s$pga, .2, 10))
# a missing value may be anything from 0 to 100
can <- function(b, v, share, points) ifelse(is.na(v) & is.na(b), TRUE,
  ifelse(is.na(b), 100 - v >= pmax(share * 100, points), ifelse(is.na(v), b > 0 & b >= points, FALSE)))
open_hi <- cbind(can(s$b_pain, s$pain, .5, 20), can(s$b_func, s$func, .5, 20))
open_lo <- cbind(can(s$b_pain, s$pain, .2, 10), can(s$b_func, s$func, .2, 10), can(s$b_pga, s$pga, .2, 10))
yes <- rowSums(hi, na.rm = TRUE) > 0 | rowSums(lo, na.rm = TRUE) >= 2
may <- rowSums(is.na(hi) & open_hi) > 0 | rowSums(lo, na.rm = TRUE) + rowSums(is.na(lo) & open_lo) >= 2
s$oarsi <- ifelse(yes, TRUE, ifelse(may, NA, FALSE))
s$oarsi[is.na(s$pain) & is.na(s$func) & is.na(s$pga)] <- NA
s$mcid <- s$c_pain <= -10 + 1e-9; s$noticeable <- s$c_vas <= -20 + 1e-9
stratified <- function(t) {          # t: data frame of stratum, arm (1, 2), response
  n <- function(a, y) tapply(t$arm == a & (y == 2 | t$yes == y), t$stratum, sum)
  x1 <- n(1, 1); n1 <- n(1, 2); x2 <- n(2, 1); n2 <- n(2, 2); both <- n1 > 0 & n2 > 0
  m <- mh_rd(x1[both], n1[both], x2[both], n2[both])
  a <- array(rbind(x1, n1 - x1, x2, n2 - x2)[, both], c(2, 2, sum(both)))
  test <- mantelhaen.test(a, correct = FALSE)
  X1 <- x1[both]; M1 <- n1[both]; X2 <- x2[both]; M2 <- n2[both]; M <- M1 + M2
  up <- sum(X1 * M2 / M); down <- sum(X2 * M1 / M)        # Greenland & Robins 1985
  v <- sum((M1 * M2 * (X1 + X2) - X1 * X2 * M) / M^2) / (up * down)
  c(strata_used = sum(both), strata_dropped = sum(!both & n1 + n2 > 0), mh_rd = m[["rd_mh"]], mh_rd_lo = m[["lo"]],
    mh_rd_hi = m[["hi"]], mh_rr = up / down, mh_rr_lo = up / down * exp(-Z * sqrt(v)),
    mh_rr_hi = up / down * exp(Z * sqrt(v)), mh_or = test$estimate[[1]], mh_or_lo = test$conf.int[1],
    mh_or_hi = test$conf.int[2], cmh = test$statistic[[1]], cmh_p = test$p.value)
}
for (r in c("oarsi", "mcid", "noticeable")) for (v in vs) for (way in c("observed", "non-responder imputation")) {
  x <- merge(p[, c("pid", "site", "cohort")], s[s$visit == v, c("pid", r)], by = "pid", all.x = TRUE)
  x$yes <- x[[r]]; if (way == "observed") x <- x[!is.na(x$yes), ] else x$yes[is.na(x$yes)] <- FALSE
  table <- paste("responder", r, way)
  for (a in co[-1]) {
    t <- x[x$cohort %in% c(a, ref), ]; t$arm <- ifelse(t$cohort == a, 1, 2); t$stratum <- t$site
    emit(table, v, paste(a, "-", ref), stratified(t))
    pair <- two_prop(sum(t$yes[t$arm == 1]), sum(t$arm == 1), sum(t$yes[t$arm == 2]), sum(t$arm == 2))
    emit(table, v, paste(a, "-", ref), c(nnt = 1 / pair[["rd"]], nnt_lo = 1 / pair[["newcombe_hi"]],
      nnt_hi = 1 / pair[["newcombe_lo"]], nnt_through_infinity = pair[["newcombe_lo"]] <= 0 && pair[["newcombe_hi"]] >= 0))
    if (r == "oarsi" && way == "observed" && v %in% c("M6", "M24")) emit(table, v, paste(a, "-", ref), pair)
  }
  if (r == "oarsi" && way == "observed" && v %in% c("M6", "M24")) {
    one <- prop1(sum(x$yes[x$cohort == ref]), sum(x$cohort == ref)); names(one)[1:3] <- paste0(names(one)[1:3], ".", ref)
    emit(table, v, ref, one) }
}

# ---- effect sizes: within cohorts, and limits of the Hodges-Lehmann shift from all differences
for (k in models) for (v in vs) {
  x <- s[s$visit == v & !is.na(s[[paste0("c_", k)]]), ]; change <- split(x[[paste0("c_", k)]], x$cohort)
  for (a in co) { y <- change[[a]]; n <- length(y); d <- mean(y) / sd(y); h <- Z * sqrt(1 / n + d^2 / (2 * n))
    emit(paste("effect size", k), v, a, c(n = n, srm = d, srm_lo = d - h, srm_hi = d + h, paired_p = t.test(y)$p.value)) }
  for (a in co[-1]) { m <- sort(outer(change[[a]], change[[ref]], "-")); n1 <- length(change[[a]]); n2 <- length(change[[ref]])
    q <- floor(n1 * n2 / 2 - Z * sqrt(n1 * n2 * (n1 + n2 + 1) / 12))
    emit(paste("effect size", k), v, paste(a, "-", ref), c(hl_lo = m[q], hl_hi = m[n1 * n2 + 1 - q])) }
}

# ---- adverse events: rates, and their differences, by class; parts of each row; exposure
rate_difference <- function(x1, T1, x2, T2, k) {            # Miettinen & Nurminen 1985: score limits
  d0 <- x1 / T1 - x2 / T2
  f <- function(d) { B <- (T1 + T2) * d - x1 - x2           # (T1 + T2) r^2 + B r - x2 d = 0, r: second rate under d
    r <- (-B + sqrt(B^2 + 4 * (T1 + T2) * x2 * d)) / (2 * (T1 + T2))
    (d0 - d)^2 / (pmax(r + d, 0) / T1 + pmax(r, 0) / T2) - Z^2 }
  top <- 10 * (x1 + x2 + 10) / min(T1, T2)
  edge <- function(a, b) { for (i in 1:300) { m <- (a + b) / 2; if (f(m) < 0) a <- m else b <- m }; (a + b) / 2 }
  k * c(d0, edge(d0, -top), edge(d0, top))
}
compare <- function(x1, T1, x2, T2, ratio, difference) {
  q <- rate_ratio(x1, T1, x2, T2); d <- rate_difference(x1, T1, x2, T2, 100)
  o <- c(q[["rr"]], q[["lo"]], q[["hi"]], q[["p"]], d)
  names(o) <- c(ratio, paste0(ratio, c("_lo", "_hi", "_p")), difference, paste0(difference, c("_lo", "_hi"))); o
}
ae <- as.data.frame(ae); ae$cohort <- p$cohort[match(ae$pid, p$pid)]; ae$term <- paste(ae$soc, ae$pt, sep = " | ")
ae$since <- as.integer(ae$onset_date - p$treat_date[match(ae$pid, p$pid)])
follow <- pmax(1, as.integer(p$eos_date - p$treat_date) + 1)
worst <- function(d, levels, a) { d <- d[d$cohort == a, ]                      # subjects by their worst event
  w <- tapply(match(d$level, levels), factor(d$pid), max); sapply(seq_along(levels), function(i) sum(w == i)) }
shares <- function(names, counts, n) { o <- c(counts, 100 * counts / n); names(o) <- c(names, paste0("pct_", names)); o }
two_fisher <- function(x1, n1, x2, n2) two_prop(x1, n1, x2, n2)[c("rd", "newcombe_lo", "newcombe_hi", "mn_lo", "mn_hi", "fisher_p")]
period <- cut(ae$since, c(-Inf, 7, 30, Inf), labels = c("0-7", "8-30", "> 30"))
stopifnot(ae$since >= 0)
for (k in c("ANY", sort(unique(ae$soc)), sort(unique(ae$term)))) {
  own <- k == "ANY" | ae$soc == k | ae$term == k; d <- ae[own, ]
  first <- tapply(d$since + 1, d$pid, min)[as.character(p$pid)]
  risk <- pmin(follow, ifelse(is.na(first), Inf, pmax(1, first))) / 365.25
  n <- sapply(co, function(a) length(unique(d$pid[d$cohort == a]))); e <- sapply(co, function(a) sum(d$cohort == a))
  T1 <- sapply(co, function(a) sum(risk[p$cohort == a])); T2 <- sapply(co, function(a) sum(follow[p$cohort == a])) / 365.25
  for (a in co) {
    g <- garwood(e[[a]], T2[[a]], 100); emit("AE", k, a, c(rate100 = g[["rate"]], rate_lo = g[["lo"]], rate_hi = g[["hi"]]))
    d$level <- d$severity
    emit("AE severity", k, a, shares(c("mild", "moderate", "severe"), worst(d, c("MILD", "MODERATE", "SEVERE"), a), N[[a]]))
    d$level <- ifelse(d$related %in% c("NONE", "UNLIKELY"), "no", "yes")
    emit("AE relation", k, a, shares(c("not_related", "related"), worst(d, c("no", "yes"), a), N[[a]]))
    for (q in levels(period)) { f <- ae[own & period == q & ae$cohort == a, ]; m <- length(unique(f$pid))
      emit(paste("AE period", q), k, a, c(subjects = m, events = nrow(f), pct = 100 * m / N[[a]])) }
  }
  serious <- sapply(co, function(a) length(unique(d$pid[d$cohort == a & d$serious])))
  for (a in co[-1]) {
    if (!grepl(" | ", k, fixed = TRUE)) emit("AE", k, paste(a, "-", ref), c(
      compare(n[[a]], T1[[a]], n[[ref]], T1[[ref]], "irr", "ird"),
      compare(e[[a]], T2[[a]], e[[ref]], T2[[ref]], "err", "erd")[-4]))
    if (sum(d$serious) > 0 || k == "ANY") emit("AE serious", k, paste(a, "-", ref), two_fisher(serious[[a]], N[[a]], serious[[ref]], N[[ref]]))
  }
  if (sum(d$serious) > 0 || k == "ANY") for (a in co) { x <- prop1(serious[[a]], N[[a]])
    emit("AE serious", k, a, c(subjects = serious[[a]], events = sum(d$serious & d$cohort == a), pct = 100 * x[["p"]],
                               cp_lo = x[["cp_lo"]], cp_hi = x[["cp_hi"]])) }
}
for (a in co) { emit("exposure", "follow_up", a, c(py = sum(follow[p$cohort == a]) / 365.25))
  emit("exposure", "follow_up", a, desc(follow[p$cohort == a] / 365.25)[c("n", "mean", "sd", "q1", "median", "q3", "min", "max")]) }

out <- do.call(rbind, .E$r)[c("table", "row", "col", "stat", "value")]
out <- out[!out$value %in% c("Inf", "-Inf", "NaN"), ]      # the report says why it has none
write.csv(out, "expected.csv", row.names = FALSE, quote = c(1:4))
cat(nrow(out), "rows\n")
