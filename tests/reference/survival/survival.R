# Reference values by R's survival package.
#   Rscript survival.R          (in this folder; reads inputs.csv, writes reference.csv, versions.txt)
# Data of R's survival package (pbc, colon, rotterdam) give summaries only: no row is written.
library(survival)
options(digits = 17)

rows <- list()
put <- function(name, value, at = seq_along(value)) {
  rows[[length(rows) + 1]] <<- data.frame(
    name = name, at = format(at, digits = 17, trim = TRUE), value = as.numeric(value))
}

put_curve <- function(name, fit) {
  put(paste0(name, ":survival"), fit$surv, fit$time)
  put(paste0(name, ":lower"), fit$lower, fit$time)
  put(paste0(name, ":upper"), fit$upper, fit$time)
  put(paste0(name, ":n_at_risk"), fit$n.risk, fit$time)
  q <- quantile(fit, 0.5)
  put(paste0(name, ":median"), c(q$quantile, q$lower, q$upper))
}

put_concordance <- function(name, time, event, score, strata = rep(1, length(time)), tau = NULL) {
  outcome <- Surv(time, event)
  pooled <- function(...) {
    counts <- concordance(outcome ~ score + strata(strata), reverse = TRUE, ...)$count
    sums <- colSums(rbind(counts))
    unname((sums["concordant"] + sums["tied.x"] / 2) /
      (sums["concordant"] + sums["discordant"] + sums["tied.x"]))
  }
  put(paste0(name, ":harrell"), pooled())
  if (!is.null(tau)) put(paste0(name, ":uno"), pooled(timewt = "n/G2", ymax = tau))
}

put_test <- function(name, time, event, group) {
  test <- survdiff(Surv(time, event) ~ group)
  put(paste0(name, ":log_rank"), test$chisq)
  put(paste0(name, ":expected"), test$exp)
}

# ---- simulated patients -------------------------------------------------------------------------
d <- read.csv("inputs.csv")
put_curve("simulated", survfit(Surv(time, event) ~ 1, d, conf.type = "log-log"))
put_test("simulated", d$time, d$event, d$group)
put_concordance("simulated", d$time, d$event, d$risk_score, tau = 20.5)
put_concordance("simulated_within_fold", d$time, d$event, d$risk_score, strata = d$fold)

# Censoring curve of each stratum. Events leave before censorings at a tied time: move them a little
# earlier, which also makes G(T) of an event G(T-).
early <- d$time - 1e-6 * d$event
G <- function(t, s) {
  fit <- survfit(Surv(early, 1 - d$event) ~ 1, subset = d$stratum == s)
  stepfun(fit$time, c(1, fit$surv))(t)
}
for (h in c(6.5, 12.5, 24.5)) {
  S <- d[[paste0("survival_", h)]]
  case <- d$event == 1 & d$time <= h
  alive <- d$time > h
  w <- numeric(nrow(d))
  for (s in 0:1) {
    i <- case & d$stratum == s
    w[i] <- 1 / G(early[i], s)
    j <- alive & d$stratum == s
    w[j] <- 1 / G(h, s)
  }
  put("brier", mean(w * (alive - S)^2), h)
  pairs <- outer(w * case, w * alive)
  agree <- outer(d$risk_score, d$risk_score, ">") + 0.5 * outer(d$risk_score, d$risk_score, "==")
  put("auc", sum(pairs * agree) / sum(pairs), h)
  put("auc_within_fold",
    sum(pairs * agree * outer(d$fold, d$fold, "==")) / sum(pairs * outer(d$fold, d$fold, "==")), h)

  x <- log(-log(S))
  y <- as.numeric(case)
  known <- w > 0
  regress <- function(formula) suppressWarnings(glm(formula, binomial("cloglog"),
    weights = w, subset = known, control = glm.control(epsilon = 1e-14, maxit = 100)))
  put("calibration_intercept", coef(regress(y ~ offset(x))), h)
  put("calibration_slope", coef(regress(y ~ x))[2], h)
  put("observed_expected", sum(w * y) / sum(w) / mean(1 - S), h)

  k <- unname(quantile(x, c(0.1, 0.5, 0.9)))
  bend <- function(x) {
    cube <- function(a) pmax(x - a, 0)^3
    (cube(k[1]) - cube(k[2]) * (k[3] - k[1]) / (k[3] - k[2]) +
      cube(k[3]) * (k[2] - k[1]) / (k[3] - k[2])) / (k[3] - k[1])^2
  }
  b <- coef(regress(y ~ x + bend(x)))
  ends <- 1 - exp(-exp(quantile(x, c(0.02, 0.98))))
  risk <- seq(ends[1], ends[2], length.out = 40)
  g <- log(-log(1 - risk))
  put(paste0("curve_", h), 1 - exp(-exp(b[1] + b[2] * g + b[3] * bend(g))), risk)
}

# Uno's pairs with a censoring curve of each stratum: 1 / (G_i(T_i-) G_j(T_i-)).
tau <- 20.5
top <- bottom <- 0
for (i in which(d$event == 1 & d$time < tau)) {
  later <- d$time > d$time[i] | (d$time == d$time[i] & d$event == 0)
  Gj <- ifelse(d$stratum == 0, G(early[i], 0), G(early[i], 1))
  w <- later / (Gj[i] * Gj)
  top <- top + sum(w * ((d$risk_score[i] > d$risk_score) + 0.5 * (d$risk_score[i] == d$risk_score)))
  bottom <- bottom + sum(w)
}
put("uno_stratified", top / bottom)

# ---- data of R's survival package: summaries ----------------------------------------------------
pbc$event <- pbc$status == 2
put_curve_summary <- function(name, fit) {
  q <- quantile(fit, 0.5)
  put(paste0(name, ":median"), c(q$quantile, q$lower, q$upper))
  s <- summary(fit, times = c(365, 1095, 1825))
  put(paste0(name, ":survival"), s$surv, s$time)
  put(paste0(name, ":lower"), s$lower, s$time)
  put(paste0(name, ":upper"), s$upper, s$time)
  put(paste0(name, ":n_at_risk"), s$n.risk, s$time)
}
put_curve_summary("pbc", survfit(Surv(time, event) ~ 1, pbc, conf.type = "log-log"))
put_test("pbc", pbc$time, pbc$event, pbc$edema)
put_concordance("pbc", pbc$time, pbc$event, pbc$bili, tau = 2000.5)

death <- subset(colon, etype == 2)
put_curve_summary("colon", survfit(Surv(time, status) ~ 1, death, conf.type = "log-log"))
put_test("colon", death$time, death$status, as.character(death$rx))
put_concordance("colon", death$time, death$status, death$age, tau = 2000.5)

put_curve_summary("rotterdam",
  survfit(Surv(dtime, death) ~ 1, rotterdam, conf.type = "log-log"))
put_test("rotterdam", rotterdam$dtime, rotterdam$death, rotterdam$grade)
put_concordance("rotterdam", rotterdam$dtime, rotterdam$death, rotterdam$nodes, tau = 2000.5)

write.csv(do.call(rbind, rows), "reference.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("survival", packageVersion("survival"))), "versions.txt")
