# Reference values for calibration, decision curves, optimism, error rates and site summaries.
#   Rscript calibration.R     (in this folder; reads inputs.csv, bootstraps.csv, sites.csv)
# No package defines calibration as here: formulas.R writes it out with glm and survfit.
source("formulas.R")
suppressPackageStartupMessages({library(metafor); library(riskRegression); library(prodlim)})
h <- 12.5
d <- read.csv("inputs.csv")
d$event <- as.numeric(d$cause > 0)

# ---- calibration --------------------------------------------------------------------------------
calibrate("any", d$time, d$event, 1, d$any_risk, h)
calibrate("any_stratified", d$time, d$event, 1, d$any_risk, h, d$stratum)
calibrate("cause", d$time, d$cause, 1, d$risk, h)
put("kaplan_meier", 1 - summary(survfit(Surv(time, event) ~ 1, d), times = h)$surv)
state <- factor(d$cause, 0:2)
put("aalen_johansen", summary(survfit(Surv(time, state) ~ 1, d), times = h)$pstate[1, 2])

# Bins of 60 patients: survfit, standard error by the infinitesimal jackknife.
bin <- integer(nrow(d)); bin[order(d$risk)] <- rep(1:5, each = 60)
for (b in 1:5) {
  at <- summary(survfit(Surv(time, state) ~ 1, d, subset = bin == b), times = h)
  put("bin_observed", at$pstate[1, 2], b)
  put("bin_error", at$std.err[1, 2], b)
}
# The same bins as riskRegression makes them (prodlim).
scored <- Score(list(m = matrix(d$risk, ncol = 1)), formula = Hist(time, cause) ~ 1, data = d,
  times = h, cause = 1, plots = "calibration", metrics = NULL, cens.model = "km",
  null.model = FALSE, conf.int = FALSE)
frame <- plotCalibration(scored, method = "quantile", q = 5, plot = FALSE, cens.method = "local",
  bars = FALSE)$plotFrames[[1]]
put("bin_predicted_riskregression", frame$Pred)
put("bin_observed_riskregression", frame$Obs)

# Smoothed by a Cox model of x instead (Austin, Harrell and van Klaveren 2020), for comparison.
x <- log(-log(1 - d$any_risk))
suppressPackageStartupMessages(library(rms))
cox <- coxph(Surv(time, event) ~ rcs(x, 3), d)
smooth <- 1 - exp(-predict(cox, data.frame(time = h, event = 0, x = x), type = "expected"))
distance <- abs(smooth - d$any_risk)
put("any:error_by_cox", c(mean(distance), quantile(distance, c(0.5, 0.9))))

# ---- decision curves ----------------------------------------------------------------------------
p <- c(0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.95)
benefit("any", d$time, d$event, 1, d$any_risk, h, p)
benefit("cause", d$time, d$cause, 1, d$risk, h, p)
benefit("crude", d$time, d$cause, 1, d$crude_risk, h, p)

# ---- optimism: Cox's model of two variables, Harrell's C, the same bootstraps -------------------
resamples <- as.matrix(read.csv("bootstraps.csv")) + 1
concordant <- function(fit, data) {
  data$score <- predict(fit, data, type = "lp")
  concordance(Surv(time, event) ~ score, data, reverse = TRUE)$concordance
}
model <- function(data) coxph(Surv(time, event) ~ log_hazard + other + stratum + group, data)
app <- concordant(model(d), d)
pairs <- apply(resamples, 1, function(i) {
  fit <- model(d[i, ])
  c(concordant(fit, d[i, ]), concordant(fit, d))
})
optimism <- mean(pairs[1, ] - pairs[2, ])
put("optimism", c(app, optimism, app - optimism,
  quantile(pairs[1, ], c(0.025, 0.975)) - optimism))

# ---- error rates by group at a threshold --------------------------------------------------------
w <- weights_at(d$time, d$event, h, d$group)
y <- d$event == 1 & d$time <= h
high <- d$any_risk >= 0.5
for (g in 0:2) {
  i <- d$group == g
  tp <- sum(w[i & y & high]); fn <- sum(w[i & y & !high])
  fp <- sum(w[i & !y & high]); tn <- sum(w[i & !y & !high])
  put(paste0("rates_", g), c(tp / (tp + fn), tn / (tn + fp), tp / (tp + fp), tn / (tn + fn),
    fp / (tn + fp), fn / (tp + fn)))
}

# ---- random effects over sites (metafor) --------------------------------------------------------
s <- read.csv("sites.csv")
for (column in c("spread", "alike")) {
  fit <- rma(s[[column]], sei = s$standard_error, method = "DL", test = "knha")
  half <- qt(0.975, nrow(s) - 2) * sqrt(fit$tau2 + fit$se^2)
  put(paste0("sites_", column), c(fit$beta, fit$ci.lb, fit$ci.ub, fit$tau2, fit$I2, fit$QE,
    fit$beta - half, fit$beta + half))
}

save_rows("reference.csv")
writeLines(c(R.version.string, sapply(
  c("survival", "metafor", "riskRegression", "prodlim", "rms"),
  function(p) paste(p, packageVersion(p)))), "versions.txt")
