# R's side of statistics_times.py, which calls it: Rscript statistics_times.R case rows trees leaf
# One call timed, its seconds and values printed as JSON.
given <- commandArgs(trailingOnly = TRUE)
case <- given[1]
trees <- as.integer(given[3])
leaf <- as.integer(given[4])
columns <- c("time", "event", "cause", "group", "patient", paste0("x", 1:5))
if (case == "forest") suppressMessages(library(ranger))
suppressMessages(library(survival))

d <- matrix(readBin(given[2], "double", file.size(given[2]) / 8), ncol = length(columns))
d <- setNames(as.data.frame(d), columns)
d$state <- factor(d$cause, 0:2, c("censored", "event", "competing"))
d$month <- ceiling(d$time / 30.4375 - 1e-6)
d$row <- seq_len(nrow(d))

calls <- list(
  km = function(d) {
    fit <- survfit(Surv(time, event) ~ 1, d, conf.type = "log-log")
    at <- summary(fit, times = 365)
    c(at$surv, at$lower)
  },
  logrank = function(d) survdiff(Surv(time, event) ~ group, d)$chisq,
  cox = function(d) {
    fit <- coxph(Surv(time, event) ~ x1 + x2 + x3 + x4 + x5, d, ties = "efron")
    rbind(coef(fit), sqrt(diag(vcov(fit))))
  },
  robust = function(d) {
    fit <- coxph(Surv(time, event) ~ x1 + x2 + x3 + x4 + x5, d, cluster = patient)
    sqrt(diag(vcov(fit)))
  },
  cif = function(d) {
    fit <- survfit(Surv(time, state) ~ 1, d, conf.type = "log-log")
    at <- summary(fit, times = 365)
    c(at$pstate[, 2], at$std.err[, 2])
  },
  finegray = function(d) {
    rows <- finegray(Surv(time, state) ~ x1 + x2 + x3 + x4 + x5 + row, d, etype = "event")
    fit <- coxph(Surv(fgstart, fgstop, fgstatus) ~ x1 + x2 + x3 + x4 + x5, rows,
                 weights = fgwt, cluster = row)
    rbind(coef(fit), sqrt(diag(vcov(fit))))
  },
  # ranger splits no node smaller than min.node.size, scikit-survival leaves no leaf smaller
  forest = function(d) {
    1 - ranger(Surv(month, event) ~ x1 + x2 + x3 + x4 + x5, d, num.trees = trees, mtry = 2,
               min.node.size = 2 * leaf, importance = "permutation", num.threads = 1,
               seed = 1, verbose = FALSE)$prediction.error
  }
)
invisible(calls[[case]](head(d, 400)))
seconds <- system.time(values <- calls[[case]](d))[["elapsed"]]
cat(sprintf('{"seconds": %.4f, "values": [%s]}\n', seconds,
            paste(sprintf("%.15g", c(values)), collapse = ", ")))
