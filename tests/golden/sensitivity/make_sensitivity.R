# SPDX-License-Identifier: GPL-3.0-or-later
# expected.csv: reference-based imputation of WOMAC pain of the simulated trial, estimates without their jackknife (that is
# held against R in ../imputation): each subject imputed by itself, lm on the completed data.  R 4.2.2, numbers of the mixed
# model by mmrm_suff.R; changes from ../mmrm/trial1000.csv; run in this folder:  Rscript make_sensitivity.R
source("../trial1000/mmrm_suff.R", chdir = TRUE)
d <- read.csv("../mmrm/trial1000.csv")
d <- d[d$case == "pain" & !is.na(d$base), ]
arms <- c("PLACEBO", "AD-MSC", "UC-MSC")
visits <- c("M3", "M6", "M12", "M24")
m <- length(visits)
d$cohort <- factor(d$cohort, arms)
d$site <- factor(d$site)
Y <- as.matrix(d[sprintf("V%02d", 1:m)])
x <- do.call(rbind, lapply(1:m, function(j) cbind(d[c("id", "cohort", "site", "base")], V = factor(visits[j], visits), y = Y[, j])))
formula <- ~ base * V + site + cohort * V
seen <- x[!is.na(x$y), ]
fit <- mmrm_suff(model.matrix(formula, seen), seen$y, seen$id, as.integer(seen$V), m, tol = 1e-16)
means <- function(z) matrix(drop(model.matrix(formula, z) %*% fit$beta), ncol = m)
own <- means(x)
reference <- means(within(x, cohort[] <- "PLACEBO"))
rows <- list()
add <- function(...) rows[[length(rows) + 1]] <<- data.frame(...)
for (j in 1:m) for (a in arms) add(table = "sensitivity pain", row = visits[j], col = a, stat = "imputed", value = sum(is.na(Y[d$cohort == a, j])))
for (strategy in c("MAR", "J2R", "CR", "CIR")) {
  done <- Y
  for (i in seq_len(nrow(Y))) if (anyNA(Y[i, ])) {
    O <- which(!is.na(Y[i, ])); M <- which(is.na(Y[i, ])); L <- max(O, 0)
    mu <- own[i, ]
    if (d$cohort[i] != "PLACEBO" && L < m && strategy != "MAR") {
      after <- seq_len(m) > L
      if (strategy == "CR") mu <- reference[i, ] else mu[after] <- reference[i, after]
      if (strategy == "CIR" && L > 0) mu[after] <- mu[after] + own[i, L] - reference[i, L]
    }
    done[i, M] <- mu[M]
    if (length(O)) done[i, M] <- mu[M] + fit$Sigma[M, O, drop = FALSE] %*% solve(fit$Sigma[O, O], Y[i, O] - mu[O])
  }
  for (j in 1:m) {
    b <- coef(lm(done[, j] ~ cohort + base + site, d))
    for (a in arms[-1]) add(table = paste("sensitivity pain", strategy), row = visits[j], col = paste(a, "- PLACEBO"),
                            stat = "diff", value = sprintf("%.12g", b[[paste0("cohort", a)]]))
  }
}
add(table = "sensitivity pain", row = "jackknife", col = "model", stat = "subjects", value = nrow(d))
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE)
