# Reference values of competing risks by R's survival, cmprsk and riskRegression.
#   Rscript competing.R FOLDER   (in this folder; FOLDER holds the tables of R's survival package as
#                                 CSV; reads inputs.csv, writes reference.csv and versions.txt)
# Public tables give aggregates only: no row and no whole curve is written.
suppressMessages({library(survival); library(cmprsk); library(riskRegression); library(prodlim)})
options(digits = 17)
folder <- commandArgs(trailingOnly = TRUE)[1]

rows <- list()
put <- function(name, value, at = seq_along(value)) {
  rows[[length(rows) + 1]] <<- data.frame(
    name = name, at = format(at, digits = 17, trim = TRUE), value = as.numeric(value))
}

# Multi-state survfit: infinitesimal jackknife, log-log limits. times = NULL writes whole curves.
put_incidence <- function(name, fit, n_causes, times = NULL) {
  s <- if (is.null(times)) fit else summary(fit, times = times)
  put(paste0(name, ":event_free"), s$pstate[, 1], s$time)
  for (k in 1:n_causes) {
    put(paste0(name, ":incidence_", k), s$pstate[, k + 1], s$time)
    put(paste0(name, ":standard_error_", k), s$std.err[, k + 1], s$time)
    put(paste0(name, ":lower_", k), s$lower[, k + 1], s$time)
    put(paste0(name, ":upper_", k), s$upper[, k + 1], s$time)
  }
}
put_gray <- function(name, time, cause, group, ...) {
  tests <- cuminc(time, cause, group, ...)$Tests
  for (k in rownames(tests)) put(paste0(name, ":gray_", k), tests[k, c("stat", "pv", "df")])
}
# For a patient taken at time 0, crr reads G at 0 and not just before it: shift such times.
put_fine_gray <- function(name, time, cause, x, of = 1, ask = NULL, ...) {
  shift <- as.numeric(min(time) == 0)
  fit <- crr(time + shift, cause, x, failcode = of, gtol = 1e-13, maxiter = 100, ...)
  put(paste0(name, ":coefficient"), fit$coef)
  put(paste0(name, ":variance"), fit$var)
  put(paste0(name, ":log_likelihood"), c(fit$loglik.null, fit$loglik))
  if (!is.null(ask)) {
    low <- predict(fit, apply(x, 2, quantile, 0.25, type = 1))
    high <- predict(fit, apply(x, 2, quantile, 0.75, type = 1))
    at <- function(p) stepfun(p[, 1], c(0, p[, 2]))(ask + shift)
    put(paste0(name, ":predicted_low"), at(low), ask)
    put(paste0(name, ":predicted_high"), at(high), ask)
  }
}

# ---- simulated patients -------------------------------------------------------------------------
d <- read.csv("inputs.csv")
d$event <- factor(d$cause, 0:2)
d$id <- seq_len(nrow(d))
x <- as.matrix(d[, c("x1", "x2", "x3")])
fitted <- function(formula, weight = rep(1, nrow(d))) {
  d$w <- weight
  survfit(formula, d, id = id, weights = w, conf.type = "log-log")
}
put_incidence("tied", fitted(Surv(time, event) ~ 1), 2)
put_incidence("untied", fitted(Surv(untied, event) ~ 1), 2)
put_incidence("weighted", fitted(Surv(time, event) ~ 1, d$weight), 2)
put_incidence("entry", fitted(Surv(entry, time, event) ~ 1), 2)
put_incidence("entry_weighted", fitted(Surv(entry, time, event) ~ 1, d$weight), 2)

put_gray("tied", d$time, d$cause, d$group)
put_gray("untied", d$untied, d$cause, d$group)
put_gray("tied_rho", d$time, d$cause, d$group, rho = 1)
put_gray("stratified", d$time, d$cause, d$group, strata = d$stratum)
put_gray("stratified_rho", d$time, d$cause, d$group, strata = d$stratum, rho = -0.5)
put_gray("two_groups", d$time, d$cause, d$stratum)

ask <- c(5, 10, 20, 35)
for (of in 1:2) {
  put_fine_gray(paste0("tied_", of), d$time, d$cause, x, of = of, ask = ask)
  put_fine_gray(paste0("untied_", of), d$untied, d$cause, x, of = of, ask = ask)
}
put_fine_gray("stratified", d$time, d$cause, x, ask = ask, cengroup = d$stratum)
# One stratum is followed for less long: from there on its G is 0.
short <- d$stratum == 0 | d$time <= 12
put_fine_gray("short_stratum", d$time[short], d$cause[short], x[short, ], ask = ask,
  cengroup = d$stratum[short])

# Cause-specific Cox (Breslow ties, as riskRegression predicts) and what follows for a few patients.
csc <- CSC(Hist(time, cause) ~ x1 + x2 + x3, d, method = "breslow")
for (k in 1:2) {
  put(paste0("cause_specific:coefficient_", k), coef(csc$models[[k]]))
  h <- basehaz(coxph(Surv(time, cause == k) ~ x1 + x2 + x3, d, ties = "breslow"), centered = FALSE)
  put(paste0("cause_specific:hazard_", k), h$hazard, h$time)
  p <- predict(csc, d[1:20, ], times = ask, cause = k, product.limit = TRUE)$absRisk
  for (j in seq_along(ask)) put(paste0("cause_specific:incidence_", k, "_at_", ask[j]), p[, j])
}

horizons <- c(6.5, 12.5, 20.5)
risk <- as.matrix(d[, paste0("risk_", horizons)])
put_score <- function(name, formula) {
  s <- Score(list(model = risk), formula, data = d, cause = 1, times = horizons,
    metrics = c("brier", "auc"), cens.model = "km", se.fit = FALSE, conf.int = FALSE,
    summary = "ipa", null.model = TRUE)
  b <- s$Brier$score[s$Brier$score$model == "model", ]
  put(paste0(name, ":brier"), b$Brier, b$times)
  put(paste0(name, ":ipa"), b$IPA, b$times)
  put(paste0(name, ":auc"), s$AUC$score$AUC, s$AUC$score$times)
}
put_score("tied", Hist(time, cause) ~ 1)
put_score("untied", Hist(untied, cause) ~ 1)

# ---- public tables: aggregates ------------------------------------------------------------------
read <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
put_table <- function(name, time, cause, group, x, ask) {
  event <- factor(cause, 0:max(cause))
  fit <- survfit(Surv(time, event) ~ 1, conf.type = "log-log")
  put_incidence(name, fit, max(cause), ask)
  put(paste0(name, ":one_minus_kaplan_meier"),
    1 - summary(survfit(Surv(time, cause == 1) ~ 1), times = ask)$surv, ask)
  put_gray(name, time, cause, group)
  whole <- complete.cases(x)
  put_fine_gray(name, time[whole], cause[whole], as.matrix(x[whole, ]), ask = ask)
  m <- seq_along(time)
  score <- rank(x[, 1]) / length(time) / 2
  s <- Score(list(model = matrix(score, length(time), 3)), Hist(time, cause) ~ 1,
    data = data.frame(time, cause), cause = 1, times = ask[c(2, 4, 6)],
    metrics = c("brier", "auc"), cens.model = "km", se.fit = FALSE, conf.int = FALSE,
    null.model = FALSE)
  put(paste0(name, ":brier"), s$Brier$score$Brier, s$Brier$score$times)
  put(paste0(name, ":auc"), s$AUC$score$AUC, s$AUC$score$times)
}

t <- read("mgus2")
put_table("mgus2", ifelse(t$pstat == 1, t$ptime, t$futime), ifelse(t$pstat == 1, 1, 2 * t$death),
  t$sex, data.frame(t$age, t$sex == "M", t$hgb, t$creat, t$mspike), seq(30, 300, 30))
t <- read("pbc")
put_table("pbc", t$time, t$status, t$edema,
  data.frame(t$age, log(t$bili), t$albumin, t$edema, t$protime), seq(400, 4000, 400))
t <- read("transplant")
put_table("transplant", t$futime, match(t$event, c("ltx", "death", "withdraw"), 0), t$abo,
  data.frame(t$year - 1995, t$abo == "O", t$sex == "m"), seq(100, 1000, 100))
t <- read("colon")
r <- t[t$etype == 1, ]
o <- t[t$etype == 2, ]
o <- o[match(r$id, o$id), ]
put_table("colon", ifelse(r$status == 1, r$time, o$time), ifelse(r$status == 1, 1, 2 * o$status),
  r$rx, data.frame(r$age, r$sex, r$obstruct, r$node4, r$extent, r$differ), seq(250, 2500, 250))
t <- read("rotterdam")
put_table("rotterdam", ifelse(t$recur == 1, t$rtime, t$dtime), ifelse(t$recur == 1, 1, 2 * t$death),
  t$size, data.frame(t$age, t$nodes, t$chemo, t$hormon, t$grade), seq(500, 5000, 500))
t <- read("myeloid")
before <- !is.na(t$txtime) & t$txtime < t$futime
put_table("myeloid", ifelse(before, t$txtime, t$futime), ifelse(before, 1, 2 * t$death),
  t$trt, data.frame(t$id %% 7, t$trt == "A", t$sex == "f", t$flt3 == "A"), seq(100, 1000, 100))
t <- read("flchain")
t$chapter[t$death == 0] <- ""
put_table("flchain", t$futime,
  ifelse(t$death == 0, 0, 3 - 2 * (t$chapter == "Circulatory") - (t$chapter == "Neoplasms")),
  t$flc.grp, data.frame(t$age, t$sex == "M", t$kappa), seq(450, 4500, 450))

write.csv(do.call(rbind, rows), "reference.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string,
  paste(c("survival", "cmprsk", "riskRegression", "prodlim"),
    sapply(c("survival", "cmprsk", "riskRegression", "prodlim"),
      function(p) as.character(packageVersion(p))))), "versions.txt")
