# Expected values of test_survival.py: R 4.2.2, survival 3.5-3, cmprsk 2.2-11.
#
#     cd tests/conformance && Rscript survival.R > survival.json
#
# One record per data set and statistic: the call as R ran it, and what came out of it with 17
# significant digits. `d` is the data set's frame, made by the call under "frame"; `fit` is the
# object of the call. cohorts.py makes the same frames from the same data in Python.
suppressMessages({
  library(survival)
  library(cmprsk)
})
options(warn = 1)

# ---- frames ------------------------------------------------------------------------------
# time, event: the outcome. group, ordered, stratum, cluster: what tests compare, order, hold
# apart and gather by. ctime, cause: the competing outcome (0 censored, 1 of interest, 2).
# The rest are covariates. at: the times asked for. tau: the horizon of the restricted mean.
sets <- list(
  lung = list(
    frame = quote(with(lung, data.frame(
      time, event = as.integer(status == 2), group = sex, ordered = ph.ecog, stratum = ph.ecog,
      cluster = ifelse(is.na(inst), 0, inst), age, sex, wt.loss))),
    x = c("age", "sex", "wt.loss"), at = c(90, 180, 365, 730), tau = 730, smooth = "age"),
  veteran = list(
    frame = quote(with(veteran, data.frame(
      time, event = status, group = as.character(celltype),
      ordered = findInterval(karno, c(50, 70)), stratum = trt, cluster = seq_along(time),
      karno, age, diagtime))),
    x = c("karno", "age", "diagtime"), at = c(30, 90, 180, 365), tau = 365, smooth = "karno"),
  # death; competing outcome: recurrence (1), death without recurrence (2)
  colon = list(
    frame = quote(with(merge(subset(colon, etype == 2), subset(colon, etype == 1),
                             by = "id", suffixes = c("", ".r")), data.frame(
      time, event = status, group = as.character(rx), ordered = extent, stratum = surg,
      cluster = id, age, sex, nodes, adhere,
      ctime = ifelse(status.r == 1, time.r, time),
      cause = ifelse(status.r == 1, 1, 2 * status)))),
    x = c("age", "sex", "nodes", "adhere"), at = c(365, 730, 1826, 2500), tau = 1826),
  # death; competing outcome: death (1), transplantation (2)
  pbc = list(
    frame = quote(with(pbc, data.frame(
      time, event = as.integer(status == 2), group = trt, ordered = stage,
      stratum = as.integer(edema > 0), cluster = id, age, bili, albumin, protime,
      ctime = time, cause = c(0, 2, 1)[status + 1]))),
    x = c("age", "bili", "albumin", "protime"), at = c(365, 1000, 2000, 3650), tau = 3650),
  # recurrences 1-4 of one patient as rows (Wei, Lin and Weissfeld's layout)
  bladder = list(
    frame = quote(with(bladder, data.frame(
      time = stop, event, group = rx, ordered = findInterval(number, c(2, 4)), stratum = enum,
      cluster = id, rx, number, size))),
    x = c("rx", "number", "size"), at = c(6, 12, 24, 36), tau = 36),
  # two eyes of one patient
  retinopathy = list(
    frame = quote(with(retinopathy, data.frame(
      time = futime, event = status, group = trt, ordered = findInterval(risk, c(9, 11)),
      stratum = as.character(type), cluster = id, trt, age, risk))),
    x = c("trt", "age", "risk"), at = c(6, 12, 24, 48), tau = 48),
  # death; competing outcome: plasma cell malignancy (1), death without it (2); whole months
  mgus2 = list(
    frame = quote(with(mgus2, data.frame(
      time = futime, event = death, group = as.character(sex),
      ordered = findInterval(age, c(60, 70, 80)), stratum = as.character(sex), cluster = dxyr,
      age, hgb, creat, mspike,
      ctime = ifelse(pstat == 1, ptime, futime), cause = ifelse(pstat == 1, 1, 2 * death)))),
    x = c("age", "hgb", "creat", "mspike"), at = c(12, 60, 120, 240), tau = 240, smooth = "age"),
  # death; competing outcome: recurrence (1), death without it (2)
  rotterdam = list(
    frame = quote(with(rotterdam, data.frame(
      time = dtime, event = death, group = hormon, ordered = as.integer(size) - 1,
      stratum = meno, cluster = year, age, grade, nodes, hormon,
      ctime = ifelse(recur == 1, rtime, dtime), cause = ifelse(recur == 1, 1, 2 * death)))),
    x = c("age", "grade", "nodes", "hormon"), at = c(365, 1826, 3652, 5000), tau = 3652),
  gbsg = list(
    frame = quote(with(gbsg, data.frame(
      time = rfstime, event = status, group = hormon, ordered = grade, stratum = meno,
      cluster = pid, age, size, nodes, grade, hormon))),
    x = c("age", "size", "nodes", "grade", "hormon"), at = c(365, 730, 1461, 2000), tau = 1826),
  # ---- made by hand ----
  ties = list(
    frame = quote(with(read.csv("data/ties.csv"), data.frame(
      time, event = as.integer(cause == 1), group, ordered, stratum, cluster, x, z,
      ctime = time, cause))),
    x = c("x", "z"), at = c(1, 2, 4, 6), tau = 6),
  lesions = list(
    frame = quote(with(read.csv("data/lesions.csv"), data.frame(
      time, event = as.integer(cause == 1), group,
      ordered = findInterval(bed, c(80, 110)), stratum = as.integer(diameter > 3),
      cluster = patient, bed, diameter, ctime = time, cause))),
    x = c("bed", "diameter"), at = c(3, 6, 12, 20), tau = 24),
  half = list(frame = quote(read.csv("data/half.csv")), at = c(3, 8), tau = 8),
  half.falls = list(
    frame = quote(subset(read.csv("data/half.csv"), group == "falls")), at = c(5, 6, 13), tau = 10),
  half.stretch = list(
    frame = quote(subset(read.csv("data/half.csv"), group == "stretch")), at = c(4, 9), tau = 9),
  half.ends = list(
    frame = quote(subset(read.csv("data/half.csv"), group == "ends")), at = c(3, 8), tau = 8),
  censored_group = list(
    frame = quote(read.csv("data/censored_group.csv")), x = "x", at = c(4, 9, 13), tau = 12),
  last_event = list(
    frame = quote(with(read.csv("data/last_event.csv"), data.frame(
      time, event = as.integer(cause == 1), group, ctime = time, cause))),
    at = c(1, 5, 9), tau = 9),
  # no event in one level: the partial likelihood is monotone
  separated = list(
    frame = quote(with(read.csv("data/separated.csv"), data.frame(
      time, event, group = level, level, x))),
    x = c("level", "x"), at = c(5, 10), tau = 10)
)

# Newton's steps until nothing moves: coxph's default stops at 1e-9 of the log likelihood.
precise <- coxph.control(eps = 1e-13, toler.chol = 1e-14, iter.max = 60)

# ---- what is kept of a fit ---------------------------------------------------------------
bare <- function(x) unname(as.vector(x))

curve <- function(fit, at) {
  s <- summary(fit, times = at)
  list(time = s$time, surv = s$surv, se = s$std.err, low = s$lower, high = s$upper,
       at_risk = s$n.risk)
}

quartiles <- function(q) list(p = c(.25, .5, .75), value = bare(q$quantile),
                              low = bare(q$lower), high = bare(q$upper))

by_group <- function(fit) {
  t <- summary(fit)$table
  list(group = sub("group=", "", rownames(t)), n = bare(t[, "records"]),
       events = bare(t[, "events"]), median = bare(t[, "median"]),
       low = bare(t[, "0.95LCL"]), high = bare(t[, "0.95UCL"]))
}

restricted <- function(fit, tau) {
  t <- summary(fit, rmean = tau)$table
  if (is.null(dim(t))) t <- t(t)
  list(tau = tau, rmean = bare(t[, "rmean"]), se = bare(t[, "se(rmean)"]))
}

difference <- function(test) {
  total <- function(m) if (is.matrix(m)) rowSums(m) else m
  df <- sum(total(test$exp) > 0) - 1
  list(group = sub("^[a-z]+=", "", names(test$n)), n = bare(test$n),
       observed = bare(total(test$obs)), expected = bare(total(test$exp)),
       variance = unname(test$var), chisq = bare(test$chisq), df = df,
       p = pchisq(test$chisq, df, lower.tail = FALSE))
}

trend <- function(test) {
  score <- as.numeric(sub("^[a-z]+=", "", names(test$n)))
  u <- sum(score * (test$obs - test$exp))
  v <- c(score %*% test$var %*% score)
  list(score = score, u = u, v = v, chisq = u^2 / v, p = pchisq(u^2 / v, 1, lower.tail = FALSE))
}

# the log-rank hazard ratio of the second group to the first: as MedCalc prints it, and Peto's
hazard_ratio <- function(test) {
  o <- test$obs; e <- test$exp; v <- test$var[2, 2]; z <- qnorm(.975)
  log_hr <- log((o[2] / e[2]) / (o[1] / e[1])); se <- sqrt(sum(1 / e))
  peto <- (o[2] - e[2]) / v
  list(hr = exp(log_hr), low = exp(log_hr - z * se), high = exp(log_hr + z * se), se = se,
       peto_hr = exp(peto), peto_low = exp(peto - z / sqrt(v)),
       peto_high = exp(peto + z / sqrt(v)), peto_se = 1 / sqrt(v))
}

cox <- function(fit) {
  s <- summary(fit)
  tests <- lapply(list(lr = s$logtest, wald = s$waldtest, score = s$sctest),
                  function(t) list(chisq = bare(t[1]), df = bare(t[2]), p = bare(t[3])))
  # print rounds Wald's test to two decimals
  tests$wald$chisq <- bare(fit$wald.test)
  tests$wald$p <- pchisq(tests$wald$chisq, tests$wald$df, lower.tail = FALSE)
  c(list(term = names(coef(fit)), coef = bare(coef(fit)), se = sqrt(bare(diag(fit$var))),
         loglik = fit$loglik[2], null = fit$loglik[1], n = fit$n, events = fit$nevent), tests)
}

clustered <- function(fit) {
  score <- summary(fit)$robscore
  list(term = names(coef(fit)), coef = bare(coef(fit)), se = sqrt(bare(diag(fit$var))),
       naive = sqrt(bare(diag(fit$naive.var))), var = unname(fit$var),
       wald = list(chisq = fit$wald.test, df = length(coef(fit)),
                   p = pchisq(fit$wald.test, length(coef(fit)), lower.tail = FALSE)),
       score = list(chisq = bare(score[1]), df = bare(score[2]), p = bare(score[3])))
}

proportional <- function(z) list(term = rownames(z$table), chisq = bare(z$table[, "chisq"]),
                                 df = bare(z$table[, "df"]), p = bare(z$table[, "p"]))

agreement <- function(c) list(concordance = bare(c$concordance), se = sqrt(bare(c$var)))

incidence <- function(fit, at) {
  s <- summary(fit, times = at, extend = FALSE)
  column <- match("1", fit$states); other <- match("2", fit$states)
  list(time = s$time, cif = s$pstate[, column], se = s$std.err[, column],
       low = s$lower[, column], high = s$upper[, column],
       other = s$pstate[, other], other_se = s$std.err[, other])
}

points <- function(fit, at) {
  t <- timepoints(fit[names(fit) != "Tests"], at)
  keep <- colSums(is.na(t$est)) == 0
  list(curve = rownames(t$est), time = at[keep], cif = unname(t$est[, keep, drop = FALSE]),
       se = sqrt(unname(t$var[, keep, drop = FALSE])))
}

gray <- function(fit) list(cause = rownames(fit$Tests), chisq = bare(fit$Tests[, "stat"]),
                           df = bare(fit$Tests[, "df"]), p = bare(fit$Tests[, "pv"]))

subdistribution <- function(fit) list(coef = bare(fit$coef), se = sqrt(bare(diag(fit$var))),
                                      loglik = fit$loglik, null = fit$loglik.null)

# Profile likelihood limits of each coefficient: where twice the drop of the log likelihood,
# with the other coefficients at their maximum, is qchisq(.95, 1).
profiled <- function(fit, ties) {
  x <- model.matrix(fit); y <- fit$y; b <- coef(fit); se <- sqrt(diag(vcov(fit)))
  bound <- function(k, side) {
    drop <- function(v) {
      held <- x[, k] * v
      rest <- if (ncol(x) == 1) coxph(y ~ offset(held), ties = ties)
              else coxph(y ~ x[, -k] + offset(held), ties = ties, control = precise)
      2 * (fit$loglik[2] - tail(rest$loglik, 1)) - qchisq(.95, 1)
    }
    uniroot(drop, sort(b[k] + side * se[k] * c(.5, 6)), tol = 1e-14 * se[k], maxiter = 500)$root
  }
  list(term = names(b), low = sapply(seq_along(b), bound, -1),
       high = sapply(seq_along(b), bound, 1))
}

# Firth's penalised partial likelihood by its definition, maximised without derivatives' code:
# log likelihood + 0.5 log det of the information, both by coxph at given coefficients.
firth <- function(d, x, ties) {
  design <- scale(as.matrix(d[x]), scale = apply(d[x], 2, sd)); y <- Surv(d$time, d$event)
  size <- attr(design, "scaled:scale")
  at <- function(b) coxph.fit(design, y, NULL, NULL, b, coxph.control(iter.max = 0), NULL, ties,
                              NULL)   # coxph without its formula
  penalised <- function(b) {
    f <- at(b)
    f$loglik[2] - 0.5 * as.numeric(determinant(f$var)$modulus)
  }
  gradient <- function(f, b, h = 1e-3) sapply(seq_along(b), function(i) {
    e <- replace(0 * b, i, h)   # eighth-order central difference
    sum(c(4/5, -1/5, 4/105, -1/280) * sapply(1:4, function(m) f(b + m * e) - f(b - m * e))) / h
  })
  climb <- function(f, b) {
    b <- optim(b, f, method = "BFGS", control = list(fnscale = -1, reltol = 1e-9))$par
    for (i in 1:4) {           # then Newton's method on the difference quotients
      hessian <- sapply(seq_along(b), function(j) {
        e <- replace(0 * b, j, 1e-3); (gradient(f, b + e) - gradient(f, b - e)) / 2e-3 })
      b <- b - solve(hessian, gradient(f, b))
    }
    b
  }
  b <- climb(penalised, rep(0, length(x)))
  top <- penalised(b)
  held <- function(k, v) {
    if (length(x) == 1) return(penalised(v))
    put <- function(r) append(r, v, k - 1)
    penalised(put(climb(function(r) penalised(put(r)), b[-k])))
  }
  se <- sqrt(diag(at(b)$var))
  bound <- function(k, side) uniroot(
    function(v) 2 * (top - held(k, v)) - qchisq(.95, 1),
    sort(b[k] + side * se[k] * c(.3, 8)), tol = 1e-12)$root
  list(term = x, coef = b / size, se = se / size,
       # the penalty on the covariates as they are, not on the standardised ones
       loglik = top + sum(log(size)),
       low = sapply(seq_along(b), bound, -1) / size, high = sapply(seq_along(b), bound, 1) / size,
       p = sapply(seq_along(b), function(k)
         pchisq(2 * (top - held(k, 0)), 1, lower.tail = FALSE)))
}

spline <- function(fit) {
  s <- summary(fit)$coefficients
  list(term = rownames(s), coef = bare(s[, "coef"]), chisq = bare(s[, "Chisq"]),
       df = bare(s[, "DF"]), p = bare(s[, "p"]))
}

nested <- function(a) list(loglik = a$loglik, chisq = a$Chisq[2], df = a$Df[2],
                           p = a[["P(>|Chi|)"]][2] %||% a[["Pr(>|Chi|)"]][2])
`%||%` <- function(a, b) if (is.null(a)) b else a

pairs <- function(d) {
  levels <- sort(unique(d$group))
  two <- combn(levels, 2)
  p <- apply(two, 2, function(g) {
    test <- survdiff(Surv(time, event) ~ group, d[d$group %in% g, ])
    pchisq(test$chisq, 1, lower.tail = FALSE)
  })
  list(first = two[1, ], second = two[2, ], p = p, holm = p.adjust(p, "holm"),
       bonferroni = p.adjust(p, "bonferroni"), bh = p.adjust(p, "BH"))
}

# ---- the calls ---------------------------------------------------------------------------
expected <- list()

# Runs `call` where `d` is the set's frame, keeps what `of` says of it beside the call.
record <- function(set, what, call, of, ...) {
  fit <- eval(call, list2env(list(d = frame), parent = globalenv()))
  text <- gsub(" +", " ", paste(deparse(call, width.cutoff = 500L), collapse = " "))
  expected[[set]][[what]] <<- list(call = text, value = of(fit, ...))
}

for (name in names(sets)) {
  set <- sets[[name]]
  frame <- eval(set$frame)
  has <- function(...) all(c(...) %in% names(frame))
  say <- function(what, call, of, ...) record(name, what, call, of, ...)
  numbers <- Filter(is.numeric, frame)
  expected[[name]]$frame <- list(
    call = gsub(" +", " ", paste(deparse(set$frame, width.cutoff = 500L), collapse = " ")),
    value = list(n = nrow(frame), sums = lapply(numbers, function(v) sum(v, na.rm = TRUE)),
                 missing = lapply(frame, function(v) sum(is.na(v))), covariates = as.list(set$x),
                 at = set$at, tau = set$tau, smooth = set$smooth))

  for (transform in c("log-log", "log", "plain")) {
    call <- bquote(survfit(Surv(time, event) ~ 1, d, conf.type = .(transform)))
    say(paste0("km.", transform), call, curve, set$at)
    say(paste0("quantiles.", transform), bquote(quantile(.(call), c(.25, .5, .75))), quartiles)
  }
  say("rmst", quote(survfit(Surv(time, event) ~ 1, d)), restricted, set$tau)
  follow <- quote(survfit(Surv(time, event == 0) ~ 1, d, conf.type = "log-log"))
  say("reverse.km", follow, curve, set$at)
  say("reverse.quantiles", bquote(quantile(.(follow), c(.25, .5, .75))), quartiles)

  if (has("group") && length(unique(na.omit(frame$group))) > 1) {
    say("km.by_group", quote(survfit(Surv(time, event) ~ group, d, conf.type = "log-log")),
        by_group)
    if (!name %in% c("censored_group", "last_event", "separated"))
      say("rmst.by_group", quote(survfit(Surv(time, event) ~ group, d)), restricted, set$tau)
    test <- quote(survdiff(Surv(time, event) ~ group, d))
    say("logrank", test, difference)
    say("logrank.rho1", quote(survdiff(Surv(time, event) ~ group, d, rho = 1)), difference)
    if (has("stratum") && name != "mgus2")
      say("logrank.stratified", quote(survdiff(Surv(time, event) ~ group + strata(stratum), d)),
          difference)
    if (length(unique(na.omit(frame$group))) == 2 && name != "separated")
      say("logrank.hr", test, hazard_ratio)
    if (length(unique(na.omit(frame$group))) > 2 && name != "censored_group")
      say("logrank.pairs", quote(d), pairs)
  }
  if (has("ordered")) say("trend", quote(survdiff(Surv(time, event) ~ ordered, d)), trend)

  if (!is.null(set$x) && !name %in% c("censored_group", "separated")) {
    x <- paste(set$x, collapse = " + ")
    model <- function(right, ties, ...) as.call(c(
      list(quote(coxph), str2lang(paste("Surv(time, event) ~", right)), quote(d)),
      list(...), list(ties = ties, control = quote(precise))))
    for (ties in c("efron", "breslow")) {
      say(paste0("cox.", ties), model(x, ties), cox)
      say(paste0("cox.clustered.", ties), model(x, ties, cluster = quote(cluster)), clustered)
      say(paste0("cox.profile.", ties), model(x, ties), profiled, ties)
    }
    strata <- paste(x, "+ strata(stratum)")
    say("cox.stratified", model(strata, "efron"), cox)
    say("cox.stratified.clustered", model(strata, "efron", cluster = quote(cluster)), clustered)
    for (transform in c("km", "rank", "identity", "log")) {
      say(paste0("zph.", transform),
          bquote(cox.zph(.(model(x, "efron")), transform = .(transform))), proportional)
      say(paste0("zph.stratified.", transform),
          bquote(cox.zph(.(model(strata, "efron")), transform = .(transform))), proportional)
    }
    say("zph.breslow.km", bquote(cox.zph(.(model(x, "breslow")), transform = "km")), proportional)
    fit <- model(x, "efron")
    for (weight in c("n", "S", "S/G", "n/G2"))
      say(paste0("concordance.", weight), bquote(concordance(.(fit), timewt = .(weight))),
          agreement)
    say("concordance.n/G2.tau", bquote(concordance(.(fit), timewt = "n/G2", ymax = .(set$tau))),
        agreement)
    if (!anyNA(frame[set$x]))
      say("concordance.n.clustered", bquote(concordance(.(fit), cluster = d$cluster)), agreement)
  }

  if (has("cause")) {
    for (transform in c("log-log", "log", "plain"))
      say(paste0("cif.", transform), bquote(survfit(
        Surv(ctime, factor(cause, 0:2)) ~ 1, d, conf.type = .(transform))), incidence, set$at)
    say("cuminc", quote(cuminc(d$ctime, d$cause)), points, set$at)
    # an NA group is left out: cuminc would say so on the output
    known <- quote(subset(d, !is.na(group)))
    say("gray", bquote(with(.(known), cuminc(ctime, cause, group))), gray)
    say("cuminc.by_group", bquote(with(.(known), cuminc(ctime, cause, group))), points, set$at)
    if (has("stratum") && name != "mgus2")
      say("gray.stratified", bquote(with(subset(d, !is.na(group) & !is.na(stratum)),
                                         cuminc(ctime, cause, group, stratum))), gray)
    if (!is.null(set$x)) {
      x <- paste(set$x, collapse = " + ")
      complete <- bquote(na.omit(d[.(c("ctime", "cause", "cluster", set$x))]))
      say("finegray.crr", bquote(with(.(complete), crr(ctime, cause, .(str2lang(
        paste0("cbind(", paste(set$x, collapse = ", "), ")"))), gtol = 1e-13, maxiter = 60))),
        subdistribution)
      expanded <- bquote(finegray(Surv(ctime, factor(cause, 0:2)) ~ ., transform(
        .(complete), id = seq_along(ctime)), etype = "1"))
      for (ties in c("efron", "breslow")) {
        weighted <- function(cluster) as.call(list(
          quote(coxph), str2lang(paste("Surv(fgstart, fgstop, fgstatus) ~", x)), expanded,
          weights = quote(fgwt), cluster = cluster, ties = ties, control = quote(precise)))
        say(paste0("finegray.", ties), weighted(quote(id)), clustered)
        say(paste0("finegray.clustered.", ties), weighted(quote(cluster)), clustered)
      }
      say("causespecific", str2lang(paste0(
        "coxph(Surv(ctime, cause == 1) ~ ", x, ", d, ties = \"efron\", control = precise)")), cox)
      say("causespecific.clustered", str2lang(paste0(
        "coxph(Surv(ctime, cause == 1) ~ ", x,
        ", d, cluster = cluster, ties = \"efron\", control = precise)")), clustered)
    }
  }

  if (!is.null(set$smooth)) {
    x <- paste(setdiff(set$x, set$smooth), collapse = " + ")
    # R lays knots before it drops rows with a missing covariate: drop them first
    complete <- bquote(na.omit(d[.(c("time", "event", set$x))]))
    smoothed <- function(term) as.call(list(
      quote(coxph), str2lang(paste("Surv(time, event) ~", term, "+", x)), complete,
      control = quote(precise)))
    say("spline.pspline", smoothed(paste0("pspline(", set$smooth, ", df = 4)")), spline)
    for (basis in c("splines::ns", "nsk"))   # boundary knots: the range; its 5 % and 95 % points
      say(paste0("spline.", sub("splines::", "", basis)), bquote(anova(
        .(smoothed(set$smooth)), .(smoothed(paste0(basis, "(", set$smooth, ", df = 3)"))))), nested)
  }
}

# ---- one data set each -------------------------------------------------------------------
frame <- eval(sets$veteran$frame)
fit <- quote(coxph(Surv(time, event) ~ karno + age + diagtime, d, ties = "efron",
                   control = precise))
matrix_of <- function(m) list(time = as.numeric(rownames(m)), value = unname(as.matrix(m)))
record("veteran", "schoenfeld", bquote(residuals(.(fit), "schoenfeld")), matrix_of)
record("veteran", "schoenfeld.scaled", bquote(cox.zph(.(fit), transform = "identity")),
       function(z) list(time = z$time, value = unname(z$y)))
record("veteran", "schoenfeld.scaledsch", bquote(residuals(.(fit), "scaledsch")), matrix_of)
record("veteran", "cox.time_varying", quote(coxph(
  Surv(time, event) ~ karno + age + diagtime + tt(karno), d, tt = function(x, t, ...) x * log(t),
  ties = "efron", control = precise)), cox)

frame <- eval(sets$lung$frame)
fit <- quote(coxph(Surv(time, event) ~ age + sex + wt.loss, d, ties = "efron", control = precise))
record("lung", "dfbeta", bquote(residuals(.(fit), "dfbeta")), function(m) unname(m))

frame <- eval(sets$retinopathy$frame)
fit <- quote(coxph(Surv(time, event) ~ trt + age + risk, d, ties = "efron", control = precise))
record("retinopathy", "dfbeta.clustered", bquote(residuals(.(fit), "dfbeta", collapse = d$cluster)),
       function(m) list(cluster = as.numeric(rownames(m)), value = unname(m)))

for (name in c("separated", "lesions", "ties")) {
  frame <- eval(sets[[name]]$frame)
  for (ties in c("efron", "breslow"))
    record(name, paste0("firth.", ties), bquote(firth(d, .(sets[[name]]$x), .(ties))), identity)
}

# ---- compact JSON, every digit (jsonlite stops at 15) ------------------------------------
json <- function(x) {
  if (is.null(x)) return("null")
  if (is.list(x)) {
    items <- vapply(x, json, "")
    if (is.null(names(x))) return(paste0("[", paste(items, collapse = ","), "]"))
    keys <- encodeString(names(x), quote = '"')
    return(paste0("{", paste0(keys, ":", items, collapse = ","), "}"))
  }
  if (is.matrix(x))
    return(paste0("[", paste(apply(x, 1, many), collapse = ","), "]"))
  if (length(x) == 1 && is.null(attr(x, "vector"))) return(one(x))
  many(x)
}
one <- function(v) {
  if (is.character(v)) return(encodeString(v, quote = '"'))
  if (is.logical(v)) return(ifelse(is.na(v), "null", tolower(v)))
  if (!is.finite(v)) return("null")
  short <- formatC(v, digits = 15, format = "g")
  trimws(if (as.numeric(short) == v) short else sprintf("%.17g", v))
}
many <- function(v) paste0("[", paste(vapply(v, one, ""), collapse = ","), "]")

versions <- list(R = as.character(getRversion()),
                 survival = as.character(packageVersion("survival")),
                 cmprsk = as.character(packageVersion("cmprsk")))
lines <- unlist(lapply(names(expected), function(set) paste0(
  "\"", set, "\": {\n",
  paste0("\"", names(expected[[set]]), "\": ", vapply(expected[[set]], json, ""), collapse = ",\n"),
  "\n}")))
cat("{\n\"versions\": ", json(versions), ",\n\"sets\": {\n", paste(lines, collapse = ",\n"),
    "\n}\n}\n", sep = "")
