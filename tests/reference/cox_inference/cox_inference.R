# Reference values by R's survival and rms packages.
#   Rscript cox_inference.R [FOLDER]
# in this folder. Reads inputs.csv (simulated), writes simulated.csv, versions.txt. FOLDER holds the
# public tables as CSV (pbc.csv, ...); from them only statistics, coefficients and curve values at
# round times are written (public.csv): no row of a patient.
suppressPackageStartupMessages({library(survival); library(rms)})
control <- coxph.control(eps = 1e-14, iter.max = 60, toler.chol = 1e-15)
rows <- list()
put <- function(name, value, at = seq_along(value)) {
  rows[[length(rows) + 1]] <<- data.frame(
    name = name, at = format(at, digits = 15, trim = TRUE),
    value = format(as.numeric(value), digits = 15, trim = TRUE))
}
save <- function(file) {
  write.csv(do.call(rbind, rows), file, row.names = FALSE, quote = FALSE)
  rows <<- list()
}

put_fit <- function(name, fit) {
  put(paste0(name, ":coefficients"), coef(fit))
  naive <- if (is.null(fit$naive.var)) fit$var else fit$naive.var
  put(paste0(name, ":model_covariance"), naive)
  put(paste0(name, ":covariance"), fit$var)
  put(paste0(name, ":log_likelihood"), fit$loglik)
  put(paste0(name, ":score"), fit$score)
  put(paste0(name, ":wald"), fit$wald.test)
  if (!is.null(fit$rscore)) put(paste0(name, ":robust_score"), fit$rscore)
  put(paste0(name, ":counts"), c(fit$n, fit$nevent))
  s <- summary(fit, conf.int = 0.9)
  put(paste0(name, ":limits"), s$conf.int[, 3:4])
}

put_zph <- function(name, fit, transforms = c("km", "identity", "rank", "log")) {
  for (transform in transforms) {
    z <- cox.zph(fit, transform = transform)
    put(paste0(name, ":zph_", transform), z$table[, "chisq"])
    put(paste0(name, ":zph_df"), z$table[, "df"])
  }
}

# The curve that plot.cox.zph draws of the first term, with its standard error, at nine points.
put_smooth <- function(name, fit) {
  z <- cox.zph(fit, transform = "km")
  x <- seq(min(z$x), max(z$x), length = 40)
  basis <- splines::ns(c(x, z$x), df = 4, intercept = TRUE)
  at <- basis[1:40, ]
  q <- qr(basis[-(1:40), ])
  b <- backsolve(q$qr[1:4, 1:4], diag(4))
  some <- seq(1, 40, by = 5)
  put(paste0(name, ":smooth"), (at %*% qr.coef(q, z$y[, 1]))[some])
  put(paste0(name, ":smooth_error"),
    sqrt(z$var[1, 1] * rowSums((at %*% (b %*% t(b))) * at))[some])
}

put_residuals <- function(name, fit, each = TRUE) {
  for (type in c("martingale", "deviance", "score", "dfbeta", "schoenfeld", "scaledsch")) {
    r <- unname(residuals(fit, type = type))
    # Of patients only a sum of squares and a sum weighted by position in time may leave.
    if (!each) r <- c(sum(r^2), sum(abs(r)))
    label <- if (type == "score") "score_residuals" else type  # "score" is a test
    put(paste0(name, ":", label), r)
  }
}

put_baseline <- function(name, fit, times) {
  h <- basehaz(fit, centered = FALSE)
  if (is.null(h$strata)) h$strata <- factor("all")
  for (s in levels(h$strata)) {
    part <- h[h$strata == s, ]
    value <- c(0, part$hazard)[findInterval(times, part$time) + 1]
    put(paste0(name, ":baseline_", sub(".*=", "", s)), value, times)
  }
}

# ---- simulated rows ------------------------------------------------------------------------------
d <- read.csv("inputs.csv")
d$level <- factor(d$level)
for (ties in c("efron", "breslow")) {
  fits <- list(
    plain = coxph(Surv(time, event) ~ x1 + x2 + level, d, ties = ties, control = control),
    strata = coxph(Surv(time, event) ~ x1 + x2 + level + strata(stratum), d, ties = ties,
      control = control),
    weighted = coxph(Surv(time, event) ~ x1 + x2 + level, d, ties = ties, weights = weight,
      robust = TRUE, control = control),
    clustered = coxph(Surv(time, event) ~ x1 + x2 + level + offset(offset), d, ties = ties,
      cluster = cluster, control = control),
    entry = coxph(Surv(entry, time, event) ~ x1 + x2 + level, d, ties = ties, control = control),
    all = coxph(Surv(entry, time, event) ~ x1 + x2 + level + strata(stratum), d, ties = ties,
      weights = weight, cluster = cluster, control = control))
  for (name in names(fits)) {
    label <- paste0(name, "_", ties)
    put_fit(label, fits[[name]])
    put_residuals(label, fits[[name]])
    put_zph(label, fits[[name]])
    put_smooth(label, fits[[name]])
    put_baseline(label, fits[[name]], c(2, 4, 7, 11, 16))
  }
  z <- cox.zph(fits$all, transform = "km")
  put(paste0("all_", ties, ":zph_points"), z$y)
  put(paste0("all_", ties, ":zph_axis"), z$x)
}
for (n in 3:7) {
  put(paste0("knots_small_", n), rcspline.eval(d$x1, nk = n, knots.only = TRUE))
  long <- c(d$x1, d$x1 + 0.5, d$x1^2)
  put(paste0("knots_large_", n), rcspline.eval(long, nk = n, knots.only = TRUE))
  heaped <- c(rep(-5, 20), long, rep(20, 17))
  put(paste0("knots_heaped_", n), rcspline.eval(heaped, nk = n, knots.only = TRUE))
}
put("spline_columns", rcspline.eval(d$x1, nk = 5, inclx = TRUE))

parametric <- function(name, formula, distribution) {
  fit <- survreg(formula, d, dist = distribution, control = survreg.control(rel.tolerance = 1e-13))
  put(paste0("aft_", name, ":coefficients"), coef(fit))
  put(paste0("aft_", name, ":covariance"), vcov(fit))
  put(paste0("aft_", name, ":scale"), fit$scale)
  put(paste0("aft_", name, ":log_likelihood"), fit$loglik)
  put(paste0("aft_", name, ":aic"), AIC(fit))
  eta <- predict(fit, d[1:3, ], type = "lp")
  s <- sapply(c(2, 5, 9), function(t) {
    if (distribution == "exponential") return(exp(-t / exp(eta)))
    psurvreg(t, mean = eta, scale = fit$scale, distribution = distribution)
  })
  if (distribution != "exponential") s <- 1 - s
  put(paste0("aft_", name, ":survival"), s)
}
for (distribution in c("weibull", "exponential", "lognormal", "loglogistic"))
  parametric(distribution, Surv(time, event) ~ x1 + x2 + level, distribution)
save("simulated.csv")

# ---- public tables: statistics only -----------------------------------------------------------
folder <- commandArgs(trailingOnly = TRUE)
if (length(folder)) {
  read <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
  put_public <- function(name, fit, times) {
    put_fit(name, fit)
    put_residuals(name, fit, each = FALSE)
    put_zph(name, fit, c("km", "identity", "rank"))
    put_smooth(name, fit)
    # Strata of a handful of patients (the institutions of cancer) keep their curves.
    if (length(times)) put_baseline(name, fit, times)
  }
  days <- c(100, 200, 365, 500, 730, 1000, 1500, 2000, 2500)
  go <- function(formula, data, ...) do.call(coxph,
    list(formula, data, control = control, na.action = na.omit, ...))

  pbc <- read("pbc")
  pbc$death <- pbc$status == 2
  put_public("pbc", go(Surv(time, death) ~ age + edema + log(bili) + albumin + log(protime), pbc),
    days)

  colon <- read("colon")
  colon$rx <- relevel(factor(colon$rx), "Obs")
  put_public("colon", go(Surv(time, status) ~ rx + sex + age + node4 + strata(differ),
    subset(colon, etype == 2)), days)
  put_public("colon_both", go(Surv(time, status) ~ rx + sex + age + node4 + strata(etype), colon,
    cluster = colon$id), days)

  mgus2 <- read("mgus2")
  put_public("mgus2", go(Surv(futime, death) ~ age + sex + hgb + creat + mspike, mgus2,
    ties = "breslow", robust = TRUE), c(6, 12, 24, 48, 72, 96, 120, 180, 240))

  rotterdam <- read("rotterdam")
  rotterdam$size <- factor(rotterdam$size, c("<=20", "20-50", ">50"))
  put_public("rotterdam", go(Surv(dtime, death) ~ age + meno + size + grade + nodes + pgr + er +
    hormon + chemo, rotterdam), days)

  gbsg <- read("gbsg")
  gbsg$weight <- 1 + gbsg$pid %% 3
  gbsg$grade <- factor(gbsg$grade)
  put_public("gbsg", go(Surv(rfstime, status) ~ age + meno + size + grade + nodes + pgr + er + hormon,
    gbsg, weights = gbsg$weight, robust = TRUE), days)

  flchain <- subset(read("flchain"), futime > 0)
  flchain$entry <- 365 * flchain$age
  flchain$exit <- flchain$entry + flchain$futime
  put_public("flchain", go(Surv(entry, exit, death) ~ sex + kappa + lambda + mgus, flchain),
    365 * c(55, 60, 65, 70, 75, 80, 85, 90, 95))

  cancer <- read("cancer")
  put_public("cancer", go(Surv(time, status == 2) ~ age + sex + ph.ecog + wt.loss + strata(inst),
    cancer), NULL)

  heart <- read("heart")
  put_public("heart", go(Surv(start, stop, event) ~ age + year + surgery + transplant, heart,
    cluster = heart$id), c(5, 10, 30, 60, 100, 200, 300, 500))

  transplant <- read("transplant")
  transplant$abo <- relevel(factor(transplant$abo), "O")
  put_public("transplant", go(Surv(futime, event == "ltx") ~ age + sex + abo + year, transplant,
    ties = "breslow"), c(10, 30, 60, 100, 200, 300, 500, 1000))

  myeloid <- read("myeloid")
  put_public("myeloid", go(Surv(futime, death) ~ trt + sex + flt3, myeloid), days)

  seq <- read("pbcseq")
  seq <- seq[order(seq$id, seq$day), ]
  latest <- c(seq$id[-1] != seq$id[-nrow(seq)], TRUE)
  seq$stop <- ifelse(latest, seq$futime, c(seq$day[-1], NA))
  seq$death <- latest & seq$status == 2
  seq <- subset(seq, day < stop)
  put_public("pbcseq", go(Surv(day, stop, death) ~ age + edema + log(bili) + albumin, seq,
    cluster = seq$id), days)

  # Splines: rms itself.
  whole <- na.omit(pbc[, c("time", "death", "age", "bili", "albumin")])
  dd <- datadist(whole)
  dd$limits["Adjust to", c("age", "bili")] <- c(50, 1)
  options(datadist = "dd")
  fit <- cph(Surv(time, death) ~ rcs(age, 4) + rcs(bili, 5) + albumin, whole, x = TRUE, y = TRUE,
    eps = 1e-12, tol = 1e-14, iter.max = 60)
  put("rms:coefficients", coef(fit))
  # cph inverts the information of the step before its last; coxph that of the maximum.
  again <- coxph(Surv(time, death) ~ rcs(age, 4) + rcs(bili, 5) + albumin, whole, control = control)
  put("rms:covariance", vcov(again))
  put("rms:covariance_cph", vcov(fit))
  tests <- anova(fit)
  put("rms:nonlinear", tests[rownames(tests) == " Nonlinear", "Chi-Square"])
  for (name in c("age", "bili")) {
    at <- if (name == "age") seq(30, 75, by = 5) else c(0.5, 1, 2, 3, 5, 8, 12, 20)
    curve <- if (name == "age") Predict(fit, age = at, ref.zero = TRUE) else
      Predict(fit, bili = at, ref.zero = TRUE)
    put(paste0("rms:", name), curve$yhat, at)
    put(paste0("rms:", name, "_lower"), curve$lower, at)
  }
  save("public.csv")
}
writeLines(c(R.version.string, paste("survival", packageVersion("survival")),
  paste("rms", packageVersion("rms"))), "versions.txt")
