# SPDX-License-Identifier: GPL-3.0-or-later
# trial1000.csv: the changes of ../trial1000/data that its expected/mmrm_*.csv were computed from, one line a subject.
# R 4.2.2, base packages; run in this folder:  Rscript make_trial1000.R
# Scores: mean of the answered items when at most 1 (pain, 5 items) or 3 (function, 17) are missing, 0-100.
patient <- read.csv("../trial1000/data/patient.csv", colClasses = c(treat_date = "Date"))
s <- read.csv("../trial1000/data/submission.csv", colClasses = c(visit_date = "Date"))
score <- function(items, missing_most) {
  x <- as.matrix(s[sprintf("q%02d", items)])
  ifelse(rowSums(is.na(x)) > missing_most, NA, rowMeans(x, na.rm = TRUE) * 25)
}
s$pain <- score(1:5, 1)
s$func <- score(8:24, 3)
day <- as.integer(s$visit_date - patient$treat_date[match(s$pid, patient$pid)])
s$day <- ifelse(day >= 0, day + 1, day)
ends <- c(1, 137, 274, 548, 911)
s$visit <- findInterval(s$day, ends, left.open = TRUE)         # 0 baseline, 1-4, 5 too late
s <- s[s$visit <= 4, ]
s$distance <- abs(s$day - c(1, 92, 184, 366, 731)[s$visit + 1])
s <- s[order(s$pid, s$visit, s$distance, -s$day, -s$sid), ]
s <- s[!duplicated(s[c("pid", "visit")]), ]
number <- function(x) ifelse(is.na(x), "", sprintf("%.15g", x))
wide <- do.call(rbind, lapply(c("pain", "func", "vas"), function(k) {
  at <- function(v) { x <- s[s$visit == v, ]; x[[k]][match(patient$pid, x$pid)] }
  base <- at(0)
  d <- data.frame(case = k, id = patient$pid, cohort = patient$cohort, site = patient$site, stratum = "all", base = number(base))
  for (v in 1:4) d[[sprintf("V%02d", v)]] <- number(at(v) - base)
  d
}))
write.csv(wide, "trial1000.csv", row.names = FALSE, quote = FALSE)
