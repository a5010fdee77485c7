# SPDX-License-Identifier: GPL-3.0-or-later
# Expected numbers of tests/unit/test_stat_distribution.c.  Made with R 4.2.2 (2022-10-31), base packages only:
#   Rscript make_distributions.R     (in this folder; writes expected.csv)
# table: the function; row: its arguments; value: 17 digits.

rows <- list()
emit <- function(table, f, ...) for (arguments in list(...))
  rows[[length(rows) + 1]] <<- data.frame(table = table, row = paste(sprintf("%.17g", arguments), collapse = " "),
    col = "", stat = "value", value = sprintf("%.17g", do.call(f, as.list(arguments))))

emit("normal_quantile", qnorm, .975, .5, 1e-10, .9999999)
emit("normal_upper", function(z) pnorm(z, lower.tail = FALSE), 0, 1.5, 8, 37, -9)
emit("normal_two_sided", function(z) 2 * pnorm(-abs(z)), 0, 1.96, -1.96, 12, 38)
emit("t_quantile", qt, c(.975, 1), c(.975, 3.7), c(.975, 160.69), c(.025, 1e6), c(.9999, 12))
emit("t_upper", function(t, df) pt(t, df, lower.tail = FALSE), c(0, 5), c(2.3, 1), c(-2.3, 11.5), c(40, 900))
emit("t_two_sided", function(t, df) 2 * pt(-abs(t), df), c(0, 5), c(2.3, 1), c(-2.3, 11.5), c(30, 1e5))
emit("f_quantile", qf, c(.95, 3, 20), c(.95, 1, 7.25), c(.5, 12, 1e6))
emit("f_upper", function(f, a, b) pf(f, a, b, lower.tail = FALSE), c(0, 3, 20), c(3.1, 3, 20.5), c(250, 2, 1e5),
     c(2.6, 4, Inf))
emit("chi_square_upper", function(x, df) pchisq(x, df, lower.tail = FALSE), c(0, 1), c(3.84, 1), c(16.8, 4), c(900, 3))
emit("gamma_quantile", qgamma, c(.025, 1), c(.975, 2), c(.975, 50001), c(.025, 1e6), c(.5, .5))
emit("beta_quantile", qbeta, c(.975, 301, 29700), c(.025, 1, 1e6), c(.5, .5, .5))
emit("binomial_density", dbinom, c(3, 20, .3), c(0, 1000, .001), c(499000, 1e6, .5), c(20, 20, .3))
emit("binomial_lower", pbinom, c(3, 20, .3), c(0, 1000, .001), c(499000, 1e6, .5), c(20, 20, .3))
emit("binomial_upper", function(x, n, p) pbinom(x, n, p, lower.tail = FALSE), c(3, 20, .3), c(0, 1000, .001),
     c(505000, 1e6, .5), c(20, 20, .3))
emit("log_gamma", lgamma, 1, .5, 57.5, 1e6, 5e5 + .5)
write.csv(do.call(rbind, rows), "expected.csv", row.names = FALSE, quote = FALSE)
