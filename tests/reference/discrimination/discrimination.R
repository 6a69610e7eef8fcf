# Reference values by R's survival (concordance) and riskRegression (AUC, Brier score, IPA).
#   WORKBENCH_DATA=<folder> Rscript discrimination.R     (in this folder)
# Reads inputs.csv, tables.csv, models.csv and the tables under $WORKBENCH_DATA/survival; writes
# reference.csv and versions.txt. Of the tables it writes statistics only: no row, no whole curve.
suppressMessages({library(survival); library(riskRegression)})

rows <- list()
put <- function(name, value, at = seq_along(value)) {
  rows[[length(rows) + 1]] <<- data.frame(
    name = name, at = trimws(format(at, digits = 17)), value = as.numeric(value))
}

# A higher score is worse: reverse. dfbeta of two fits gives the variance of their difference.
fit <- function(d, x, weights = rep(1, nrow(d)), strata = rep(1, nrow(d)), cluster = NULL, ...) {
  outcome <- if (is.null(d$entry)) Surv(d$time, d$event) else Surv(d$entry, d$time, d$event)
  concordancefit(outcome, x, strata = strata, weights = weights, cluster = cluster,
    reverse = TRUE, influence = 1, ...)
}
put_fit <- function(name, f) put(name, c(f$concordance, sqrt(f$var)), c("estimate", "standard_error"))
put_difference <- function(name, one, two) {
  put(name, c(one$concordance - two$concordance, sqrt(sum((one$dfbeta - two$dfbeta)^2))),
    c("estimate", "standard_error"))
}

put_concordance <- function(name, d, tau) {
  put(paste0(name, ":n"), c(nrow(d), sum(d$event)), c("patients", "events"))
  put_fit(paste0(name, ":harrell"), fit(d, d$score))
  put_fit(paste0(name, ":harrell_stratified"), fit(d, d$score, strata = d$stratum))
  put_fit(paste0(name, ":harrell_weighted"), fit(d, d$score, weights = d$weight))
  put_fit(paste0(name, ":harrell_clustered"), fit(d, d$score, cluster = d$cluster))
  put_difference(paste0(name, ":harrell_difference"), fit(d, d$score), fit(d, d$other))
  if (is.null(d$entry)) {
    uno <- function(x, ...) fit(d, x, timewt = "n/G2", ymax = tau, ...)
    put_fit(paste0(name, ":uno"), uno(d$score))
    put_fit(paste0(name, ":uno_clustered"), uno(d$score, cluster = d$cluster))
    put_difference(paste0(name, ":uno_difference"), uno(d$score), uno(d$other))
  }
}

put_scores <- function(name, d, risks, horizons) {
  by_risk <- Score(risks, formula = Surv(time, event) ~ 1, data = d, times = horizons,
    metrics = c("AUC", "Brier"), summary = "ipa", se.fit = TRUE, cens.model = "km")
  put_columns <- function(metric, table, estimate) {
    for (model in names(risks)) {
      own <- table[table$model == model & table$times %in% horizons, ]
      put(paste(name, model, metric, sep = ":"), own[[estimate]], own$times)
      put(paste(name, model, metric, "se", sep = ":"), own$se, own$times)
    }
  }
  brier <- as.data.frame(by_risk$Brier$score)
  put_columns("auc", as.data.frame(by_risk$AUC$score), "AUC")
  put_columns("brier", brier, "Brier")
  for (model in names(risks)) {
    own <- brier[brier$model == model, ]
    put(paste(name, model, "ipa", sep = ":"), own$IPA, own$times)
  }
  against <- function(metric, table, delta) {
    own <- table[table$model == "small" & table$reference == "full", ]
    put(paste0(name, ":difference:", metric), own[[delta]], own$times)
    put(paste0(name, ":difference:", metric, ":se"), own$se, own$times)
  }
  against("auc", as.data.frame(by_risk$AUC$contrasts), "delta.AUC")
  against("brier", as.data.frame(by_risk$Brier$contrasts), "delta.Brier")
}

# ---- simulated patients -------------------------------------------------------------------------
d <- read.csv("inputs.csv")
names(d)[names(d) == "risk_score"] <- "score"
put_concordance("late_entry", d, NULL)
now <- d; now$entry <- NULL
put_concordance("simulated", now, 20.5)

horizons <- c(1.5, 4.5, 8.5, 14.5)
predicted <- as.matrix(d[paste0("survival_", horizons)])
late <- horizons[-1]  # nobody has had the event by the first
put_scores("simulated", now, list(full = unname(1 - predicted[, -1]),
  small = 1 - exp(-outer(exp(0.7 * d$other), late / 15))), late)

# Antolini's index is concordance with a score that changes at each horizon, and one cluster a
# patient. A curve is 1 before the first horizon.
long <- survSplit(Surv(time, event) ~ ., cbind(now, id = seq_len(nrow(now))), cut = horizons,
  episode = "step")
long$survival <- cbind(1, predicted)[cbind(long$id, long$step)]
antolini <- concordance(Surv(tstart, time, event) ~ survival, long, cluster = id)
put_fit("simulated:antolini", list(concordance = antolini$concordance, var = antolini$var))

# ---- public tables ------------------------------------------------------------------------------
folder <- file.path(Sys.getenv("WORKBENCH_DATA"), "survival")
blank <- function(x) is.na(x) || x == ""
for (k in seq_len(nrow(spec <- read.csv("tables.csv")))) {
  s <- spec[k, ]
  raw <- read.csv(file.path(folder, paste0(s$table, ".csv")))
  d <- data.frame(time = raw[[s$time]], event = as.integer(raw[[s$event]] == s$event_is))
  for (role in c("entry", "score", "other", "stratum", "weight", "cluster"))
    if (!blank(s[[role]])) d[[role]] <- raw[[s[[role]]]]
  d <- d[complete.cases(d), ]
  if (is.null(d$weight)) d$weight <- rep(1, nrow(d))
  if (!is.null(d$entry)) d <- d[d$entry < d$time, ]
  put_concordance(s$table, d, s$tau)
}

# A Cox model's coefficients and baseline hazard at the horizons suffice to predict again.
for (k in seq_len(nrow(spec <- read.csv("models.csv")))) {
  s <- spec[k, ]
  raw <- read.csv(file.path(folder, paste0(s$table, ".csv")))
  d <- data.frame(time = raw[[s$time]], event = as.integer(raw[[s$event]] == s$event_is))
  columns <- strsplit(s$full, "+", fixed = TRUE)[[1]]
  d <- cbind(d, raw[columns])
  d <- d[complete.cases(d), ]
  horizons <- unlist(s[paste0("horizon_", 1:3)])
  risks <- lapply(c(full = "full", small = "small"), function(model) {
    terms <- strsplit(s[[model]], "+", fixed = TRUE)[[1]]
    cox <- coxph(as.formula(paste("Surv(time, event) ~", s[[model]])), d)
    hazard <- basehaz(cox, centered = FALSE)
    at <- stepfun(hazard$time, c(0, hazard$hazard))(horizons)
    put(paste("model", s$table, model, "coefficient", sep = ":"), coef(cox), terms)
    put(paste("model", s$table, model, "hazard", sep = ":"), at, horizons)
    1 - exp(-outer(exp(as.vector(as.matrix(d[terms]) %*% coef(cox))), at))
  })
  put_scores(paste0("model:", s$table), d, risks, horizons)
}

found <- do.call(rbind, rows)
found$value <- sprintf("%.17g", found$value)
write.csv(found, "reference.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("survival", packageVersion("survival")),
  paste("riskRegression", packageVersion("riskRegression"))), "versions.txt")
