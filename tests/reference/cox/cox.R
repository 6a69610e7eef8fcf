# Reference values by R's survival package.
#   Rscript cox.R          (in this folder; reads inputs.csv, writes reference.csv, versions.txt)
# Ties are Efron's. coxph refuses weights of 0, so a patient with weight 0 is left out by `subset`.
library(survival)
options(digits = 17)
exact <- coxph.control(eps = 1e-14, iter.max = 200, toler.chol = 1e-15)

rows <- list()
put <- function(name, value, at = seq_along(value)) {
  rows[[length(rows) + 1]] <<- data.frame(
    name = name, at = format(at, digits = 17, trim = TRUE),
    value = format(as.numeric(value), digits = 17, trim = TRUE))
}

d <- read.csv("inputs.csv")
d$one <- 1
X <- as.matrix(d[c("x1", "x2", "x3", "x4")])

# Partial log-likelihood of a given risk score: its offset, nothing fitted.
likelihood <- function(time, weight, subset = rep(TRUE, nrow(d)), ties = "efron") {
  d$t <- time
  d$w <- weight
  coxph(Surv(t, event) ~ offset(risk_score), d[subset, ], weights = w, ties = ties)$loglik
}
put("likelihood", likelihood(d$time, d$one))
put("likelihood:weighted", likelihood(d$time, d$weight))
put("likelihood:untied", likelihood(d$time_untied, d$one))
put("likelihood:untied_breslow", likelihood(d$time_untied, d$one, ties = "breslow"))
for (f in 0:2) {
  put(paste0("likelihood:without_", f), likelihood(d$time, d$one, d$fold != f))
}

# A light ridge stands for none: theta = 1e-9 leaves 8 digits alone. Penalty is theta/2 sum(beta^2).
for (theta in c(1e-9, 0.1, 3, 50)) {
  for (weights in c("one", "weight")) {
    fit <- coxph(Surv(time, event) ~ ridge(x1, x2, x3, x4, theta = theta, scale = FALSE), d,
      weights = d[[weights]], control = exact)
    put(paste0("coefficients:", weights, ":", theta), coef(fit))
  }
  for (f in 0:2) {
    fit <- coxph(Surv(time, event) ~ ridge(x1, x2, x3, x4, theta = theta, scale = FALSE),
      d[d$fold != f, ], control = exact)
    put(paste0("coefficients:without_", f, ":", theta), coef(fit))
  }
}
# A baseline hazard for each fold.
for (theta in c(1e-9, 0.1, 3, 50)) {
  for (weights in c("one", "weight")) {
    fit <- coxph(Surv(time, event) ~ ridge(x1, x2, x3, x4, theta = theta, scale = FALSE) +
      strata(fold), d, weights = d[[weights]], control = exact)
    put(paste0("strata:", weights, ":", theta), coef(fit))
  }
}
fit <- coxph(Surv(time, event) ~ x1 + x2 + x3 + x4, d, weights = weight, control = exact)
put("coefficients:weight:none", coef(fit))

# Breslow's cumulative baseline hazard at risk score 0, at each event time.
baseline <- function(time, name) {
  d$t <- time
  fit <- coxph(Surv(t, event) ~ offset(risk_score), d, ties = "breslow")
  hazard <- basehaz(fit, centered = FALSE)
  # survfit of an offset-only model is at the mean offset: bring it to offset 0.
  hazard$hazard <- hazard$hazard * exp(-mean(d$risk_score))
  happened <- hazard$time %in% d$t[d$event == 1]
  put(name, hazard$hazard[happened], hazard$time[happened])
}
baseline(d$time_untied, "baseline:untied")
baseline(d$time, "baseline")

curve <- survfit(Surv(time, event) ~ 1, d)
put("kaplan_meier", curve$surv, curve$time)

write.csv(do.call(rbind, rows), "reference.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("survival", packageVersion("survival"))), "versions.txt")
