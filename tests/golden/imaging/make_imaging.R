# SPDX-License-Identifier: GPL-3.0-or-later
# cd tests/golden/imaging && Rscript make_imaging.R (R 4.2.2, emmeans): images.csv, one reading a line (subject, cohort,
# visit, reader, reading, MOCART, lesion in mm3; the first reader's first reading is what the report takes), and
# expected.csv for tests/unit/test_analysis_imaging.c: changes adjusted for the baseline (lm, emmeans), and agreement of
# readers, written out from the mean squares of aov.
suppressWarnings(suppressMessages(library(emmeans)))
set.seed(20261121)
options(digits = 15)
rows <- list()
emit <- function(table, row, col, values) for (stat in names(values))
  rows[[length(rows) + 1]] <<- data.frame(table = table, row = row, col = col, stat = stat,
                                          value = sprintf("%.12g", as.numeric(values[[stat]])))
co <- c("AD-MSC", "UC-MSC", "CS")
d <- data.frame(subject = 1:48, cohort = rep(co, 16))
mocart <- function(x) pmin(100, pmax(0, round(x)))
d$m0 <- mocart(rnorm(48, 48, 12)); d$m1 <- mocart(d$m0 + 7 - 4 * (d$cohort == "CS") - .3 * (d$m0 - 48) + rnorm(48, 0, 6))
d$b0 <- round(exp(rnorm(48, 6.5, .8)), 1); d$b1 <- round(d$b0 * exp(-.3 + .2 * (d$cohort == "CS") + rnorm(48, 0, .4)), 1)
d$b0[c(5, 20)] <- 0; d$b1[c(7, 30)] <- 0; d$m1[c(3, 14)] <- NA; d$b1[c(3, 14)] <- NA
long <- rbind(data.frame(subject = d$subject, cohort = d$cohort, visit = "BL", m = d$m0, b = d$b0),
              data.frame(subject = d$subject, cohort = d$cohort, visit = "M12", m = d$m1, b = d$b1))
long <- long[!is.na(long$m), ]
# Reader 2 reads the images of the first 30 subjects, reader 3 those of the first 12; reader 1 reads some twice.
first <- cbind(long, reader = 1, reading = 1)
again <- long[long$subject %% 4 == 1, ]; n <- nrow(again)
again <- cbind(transform(again, m = mocart(m + rnorm(n, 0, 3)), b = round(b * exp(rnorm(n, 0, .1)), 1)), reader = 1, reading = 2)
other <- long[long$subject <= 30, ]; n <- nrow(other)
other <- cbind(transform(other, m = mocart(m + 2 + rnorm(n, 0, 4)), b = round(b * exp(rnorm(n, .05, .15)), 1)), reader = 2, reading = 1)
third <- long[long$subject <= 12, ]; n <- nrow(third)
third <- cbind(transform(third, m = mocart(m - 3 + rnorm(n, 0, 4)), b = round(b * exp(rnorm(n, -.1, .15)), 1)), reader = 3, reading = 1)
images <- rbind(again, other, third, first)
write.csv(images, "images.csv", row.names = FALSE, quote = FALSE)

adjusted <- function(table, x, back, back_contrast) {
  x$cohort <- factor(x$cohort, co); a <- lm(y ~ cohort + base, x); e <- emmeans(a, ~cohort)
  means <- as.data.frame(e); q <- qt(.975, a$df.residual)
  for (i in 1:3) emit(table, "M12", co[i], c(adjusted_n = sum(x$cohort == co[i]), adjusted = back(means$emmean[i]),
    adjusted_lo = back(means$emmean[i] - q * means$SE[i]), adjusted_hi = back(means$emmean[i] + q * means$SE[i])))
  for (p in list(c(1, 3), c(2, 3), c(1, 2))) {
    w <- replace(replace(numeric(3), p[1], 1), p[2], -1); k <- as.data.frame(contrast(e, list(w)))
    values <- back_contrast(k$estimate + c(0, -q, q) * k$SE)
    names(values) <- paste0(if (identical(back, identity)) "adjusted" else "ratio_adjusted", c("", "_lo", "_hi"))
    emit(table, "M12", paste(co[p[1]], "-", co[p[2]]), c(values, adjusted_df = a$df.residual, adjusted_p = k$p.value))
  }
}
x <- d[!is.na(d$m1), ]
adjusted("imaging mocart", data.frame(cohort = x$cohort, base = x$m0, y = x$m1 - x$m0), identity, identity)
x <- x[x$b0 > 0 & x$b1 > 0, ]
percent <- function(v) 100 * expm1(v)
adjusted("imaging bml", data.frame(cohort = x$cohort, base = log(x$b0), y = log(x$b1) - log(x$b0)), percent, exp)

# ICC(2,1), absolute agreement of single readings: Shrout & Fleiss 1979; interval: McGraw & Wong 1996, table 7.
agreement <- function(table, row, m) {
  n <- nrow(m); k <- ncol(m)
  f <- data.frame(y = as.vector(m), image = factor(rep(1:n, k)), reader = factor(rep(1:k, each = n)))
  ms <- summary(aov(y ~ image + reader, f))[[1]][["Mean Sq"]]; msr <- ms[1]; msc <- ms[2]; mse <- ms[3]
  icc <- (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n)
  a <- k * icc / (n * (1 - icc)); b <- 1 + k * icc * (n - 1) / (n * (1 - icc))
  v <- (a * msc + b * mse)^2 / ((a * msc)^2 / (k - 1) + (b * mse)^2 / ((n - 1) * (k - 1)))
  fl <- qf(.975, n - 1, v); fu <- qf(.975, v, n - 1)
  emit(table, row, "all", c(images = n, k = k, icc = icc,
    icc_lo = n * (msr - fl * mse) / (fl * (k * msc + (k * n - k - n) * mse) + n * msr),
    icc_hi = n * (fu * msr - mse) / (k * msc + (k * n - k - n) * mse + n * fu * msr), sem = sqrt((msc - mse) / n + mse)))
}
wide <- function(x, of, by, measure) { id <- paste(x$subject, x$visit, if (by == "reading") x$reader)
  t <- tapply(x[[measure]], list(id, x[[by]]), function(v) v[1]); t[complete.cases(t), , drop = FALSE] }
for (k in list(c("mocart", "m"), c("bml", "b"))) {
  table <- paste("readings", k[1])
  x <- images[images$reading == 1 & images$reader <= 2, ]
  agreement(table, "between readers", wide(x, "", "reader", k[2]))
  agreement(table, "within readers", wide(images[images$reader == 1, ], "", "reading", k[2]))
}
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
