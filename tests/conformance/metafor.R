# Expected values of test_metafor.py: R 4.2.2, metafor 3.8-1.
#
#     Rscript tests/conformance/metafor.R > tests/conformance/metafor.json
#
# Each set is rates in percent of so many patients, and where there is one a dose in Gy.
suppressMessages(library(metafor))

sets <- list(
  # every rate within sampling error of the others: tau2 is 0
  alike = list(rate = c(85.9, 90, 88, 84), n = c(24, 44, 15, 16),
               dose = c(110.625, 106.25, 100, 138)),
  spread = list(rate = c(66.4, 46, 50, 96.2, 82), n = c(24, 44, 15, 28, 44),
                dose = c(110.625, 106.25, 100, 142.5, 87.5)),
  # dose explains part of tau2
  trend = list(rate = c(58.3, 85.9, 90, 72, 95, 64, 97), n = c(37, 24, 44, 60, 80, 52, 31),
               dose = c(60, 100, 106.25, 75, 150, 85.5, 125)),
  # cells without an event
  bounds = list(rate = c(100, 80, 0, 62.5), n = c(12, 25, 9, 40), dose = c(120, 90, 40, 75)),
  three = list(rate = c(60, 80, 95), n = c(30, 40, 50), dose = NULL),
  # half of n need not be whole
  halves = list(rate = c(66.4, 46, 50, 96.2, 100), n = c(24, 44, 15, 28, 13) / 2, dose = NULL)
)

pooled <- function(yi, vi) {
  fit <- rma(yi, vi, method = "REML", test = "adhoc")
  at <- predict(fit)
  plain <- rma(yi, vi, method = "REML", test = "knha")
  list(logit = c(fit$beta), se = fit$se, low = fit$ci.lb, high = fit$ci.ub,
       low_plain = plain$ci.lb, high_plain = plain$ci.ub,
       prediction_low = at$pi.lb, prediction_high = at$pi.ub,
       prediction_low_plain = predict(plain)$pi.lb, prediction_high_plain = predict(plain)$pi.ub,
       tau2 = fit$tau2, i2 = fit$I2, q = fit$QE, q_p = fit$QEp,
       weights = unname(weights(fit)))
}

regression <- function(yi, vi, dose) {
  fit <- rma(yi, vi, mods = ~ I(dose / 10), method = "REML", test = "adhoc")
  around <- rma(yi, vi, method = "REML")
  line <- predict(fit, newmods = 10)   # at 100 Gy
  list(coefficients = c(fit$beta), se = fit$se, low = fit$ci.lb[2], high = fit$ci.ub[2],
       p = fit$pval[2], tau2 = fit$tau2, i2 = fit$I2, around = around$tau2,
       line = c(line$pred, line$ci.lb, line$ci.ub))
}

of <- function(set) {
  effect <- escalc(measure = "PLO", xi = set$n * set$rate / 100, ni = set$n,
                   add = 1/2, to = "only0")
  yi <- c(effect$yi)
  vi <- c(effect$vi)
  out <- c(set[c("rate", "n")], list(yi = yi, vi = vi, pooled = pooled(yi, vi)))
  if (length(yi) > 3) {
    left <- unclass(leave1out(rma(yi, vi, method = "REML", test = "adhoc")))
    without <- lapply(seq_along(yi), function(i)
      predict(rma(yi[-i], vi[-i], method = "REML", test = "adhoc")))
    out$leave_one_out <- list(logit = unname(left$estimate), low = unname(left$ci.lb),
                              high = unname(left$ci.ub), tau2 = unname(left$tau2),
                              i2 = unname(left$I2),
                              prediction_low = sapply(without, function(p) p$pi.lb),
                              prediction_high = sapply(without, function(p) p$pi.ub))
  }
  if (!is.null(set$dose)) {
    out$dose <- set$dose
    out$regression <- regression(yi, vi, set$dose)
  }
  out
}

json <- function(x) {
  if (!is.list(x)) {
    text <- sprintf("%.15g", x)
    return(if (length(x) == 1) text else paste0("[", paste(text, collapse = ", "), "]"))
  }
  pairs <- sprintf("\"%s\": %s", names(x), vapply(x, json, ""))
  paste0("{\n", paste(pairs, collapse = ",\n"), "\n}")
}
cat(json(lapply(sets, of)), "\n", sep = "")
