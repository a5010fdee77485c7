# SPDX-License-Identifier: GPL-3.0-or-later
# cd tests/golden/trial1000 && Rscript make_ranks.R (R 4.2.2, data.table): rank tests of the changes of WOMAC function
# and total, where two equal changes differ in their last bits: 100 * 37 / 68 - 100 * 20 / 68 is not
# 100 * 30 / 68 - 100 * 13 / 68.  Rounded to 1e-9, so that ties are ties; items, windows and visits as make_expected.R.
suppressMessages(library(data.table))
p <- fread("data/patient.csv")
s <- fread("data/submission.csv")
items <- as.matrix(s[, sprintf("q%02d", 1:24), with = FALSE])
score <- function(columns, most_missing) {
  x <- items[, columns, drop = FALSE]
  sum <- length(columns) * rowMeans(x, na.rm = TRUE)
  sum[rowSums(is.na(x)) > most_missing] <- NA
  sum
}
s$func <- 100 * score(8:24, 3) / 68
s$total <- 100 * (score(1:5, 1) + score(6:7, 1) + score(8:24, 3)) / 96
treated <- p$treat_date[match(s$pid, p$pid)]
s$cohort <- p$cohort[match(s$pid, p$pid)]
s$day <- as.integer(s$visit_date - treated) + as.integer(s$visit_date >= treated)
visits <- c("BL", "M3", "M6", "M12", "M24")
s$visit <- cut(s$day, c(-Inf, 1, 137, 274, 548, 911), labels = visits)
s$distance <- abs(s$day - c(1, 92, 184, 366, 731)[as.integer(s$visit)])
s <- as.data.frame(s)[!is.na(s$visit), ]
s <- s[order(s$pid, s$visit, s$distance, -s$day, -s$sid), ]
s <- s[!duplicated(s[, c("pid", "visit")]), ]
baseline <- s[s$visit == "BL", ]
rows <- NULL
for (endpoint in c("func", "total")) for (visit in visits[-1]) {
  x <- s[s$visit == visit, ]
  change <- round(x[[endpoint]] - baseline[[endpoint]][match(x$pid, baseline$pid)], 9)
  for (active in c("AD-MSC", "UC-MSC")) {
    a <- na.omit(change[x$cohort == active])
    b <- na.omit(change[x$cohort == "PLACEBO"])
    plain <- wilcox.test(a, b, exact = FALSE, correct = FALSE)
    corrected <- wilcox.test(a, b, exact = FALSE, correct = TRUE)
    w <- plain$statistic[[1]]
    rows <- rbind(rows, data.frame(
      table = paste("effect size", endpoint), row = visit, col = paste(active, "- PLACEBO"),
      stat = c("W", "p_norm", "p_norm_cc", "auc"),
      value = sprintf("%.12g", c(w, plain$p.value, corrected$p.value, w / (length(a) * length(b))))))
  }
}
write.csv(rows, "expected/ranks.csv", row.names = FALSE)
