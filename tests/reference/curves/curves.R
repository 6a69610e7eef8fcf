# Reference values by R's survival package.
#   Rscript curves.R [folder of the public tables]
# in this folder; reads inputs.csv and, if it is given, the public tables; writes reference.csv and
# versions.txt. Of public tables it writes statistics and about ten points of curves, never a row.
library(survival)
options(digits = 17)
invisible(Sys.setlocale("LC_COLLATE", "C"))  # labels in the order of their bytes
folder <- commandArgs(TRUE)[1]
probabilities <- c(0.1, 0.25, 0.5, 0.75, 0.9)

rows <- list()
put <- function(name, value, at = seq_along(value)) {
  rows[[length(rows) + 1]] <<- data.frame(
    name = name, at = format(at, digits = 17, trim = TRUE), value = as.numeric(value))
}

# The last point of a curve at or before each time, from the first time on.
at <- function(fit, values, times, start = 1) {
  stepfun(fit$time, c(start, values))(times)
}

put_curve <- function(name, formula, data, times, weights = rep(1, nrow(data))) {
  data$.w <- weights
  for (limits in c("log-log", "log", "plain")) {
    # Greenwood's error, also where weights are fractions
    fit <- survfit(formula, data, weights = .w, conf.type = limits, robust = FALSE)
    if (limits == "log-log") {
      put(paste0(name, ":survival"), at(fit, fit$surv, times), times)
      put(paste0(name, ":error"), at(fit, fit$surv * fit$std.err, times, 0), times)
      put(paste0(name, ":hazard"), at(fit, fit$cumhaz, times, 0), times)
      put(paste0(name, ":hazard_error"), at(fit, fit$std.chaz, times, 0), times)
    }
    put(paste0(name, ":lower_", limits), at(fit, fit$lower, times), times)
    put(paste0(name, ":upper_", limits), at(fit, fit$upper, times), times)
    # Limits can rise again late in a curve. There quantile() takes whichever value is nearest, and
    # print() the first that is low enough, as this package does.
    fit$lower <- cummin(ifelse(fit$surv == 1, 1, fit$lower))
    fit$upper <- cummin(ifelse(fit$surv == 1, 1, fit$upper))
    q <- quantile(fit, probabilities)
    put(paste0(name, ":quantile_", limits), q$quantile, probabilities)
    put(paste0(name, ":quantile_lower_", limits), q$lower, probabilities)
    put(paste0(name, ":quantile_upper_", limits), q$upper, probabilities)
    if (limits == "log-log") {
      tau <- times[7]
      put(paste0(name, ":rmst"), summary(fit, rmean = tau)$table[c("rmean", "se(rmean)")], tau)
    }
  }
}

put_tests <- function(name, time, event, group, stratum) {
  one <- function(name, test) {
    put(name, test$chisq)
    put(paste0(name, "_expected"), rowSums(cbind(test$exp)))
    put(paste0(name, "_observed"), rowSums(cbind(test$obs)))
  }
  y <- Surv(time, event)
  one(paste0(name, ":log_rank"), survdiff(y ~ group))
  one(paste0(name, ":rho_1"), survdiff(y ~ group, rho = 1))
  one(paste0(name, ":rho_half"), survdiff(y ~ group, rho = 0.5))
  one(paste0(name, ":strata"), survdiff(y ~ group + strata(stratum)))
  one(paste0(name, ":strata_rho_1"), survdiff(y ~ group + strata(stratum), rho = 1))
  labels <- sort(unique(group))
  p <- c()
  for (i in seq_along(labels)) for (j in seq_along(labels)) if (i < j) {
    k <- group %in% labels[c(i, j)]
    p <- c(p, survdiff(y[k] ~ group[k])$pvalue)
  }
  put(paste0(name, ":pairwise"), p.adjust(p, "holm"))
}

put_follow_up <- function(name, time, event) {
  q <- quantile(survfit(Surv(time, 1 - event) ~ 1, conf.type = "log-log"), probabilities)
  put(paste0(name, ":follow_up"), q$quantile, probabilities)
  put(paste0(name, ":follow_up_lower"), q$lower, probabilities)
  put(paste0(name, ":follow_up_upper"), q$upper, probabilities)
}

# survdiff knows no late entry: the sums over risk sets, directly.
put_late_test <- function(name, entry, time, event, group) {
  group <- factor(group)
  gap <- numeric(nlevels(group))
  v <- matrix(0, nlevels(group), nlevels(group))
  for (t in sort(unique(time[event == 1]))) {
    risk <- entry < t & time >= t
    n <- sum(risk)
    d <- sum(risk & time == t & event == 1)
    p <- as.vector(table(group[risk])) / n
    gap <- gap + as.vector(table(group[risk & time == t & event == 1])) - d * p
    if (n > 1) v <- v + d * (n - d) / (n - 1) * (diag(p) - outer(p, p))
  }
  put(paste0(name, ":late_log_rank"), sum(solve(v[-1, -1], gap[-1]) * gap[-1]))
}

# ---- simulated patients -------------------------------------------------------------------------
d <- read.csv("inputs.csv")
times <- sort(unique(d$time))
times <- times[times < 24]
times <- times[round(seq(1, length(times), length.out = 12))]
put_curve("simulated", Surv(time, event) ~ 1, d, times)
put_curve("weighted", Surv(time, event) ~ 1, d, times, d$weight)
put_curve("late", Surv(entry, time, event) ~ 1, d, times)
put_curve("late_weighted", Surv(entry, time, event) ~ 1, d, times, d$weight)
put_tests("simulated", d$time, d$event, d$group, d$stratum)
put_follow_up("simulated", d$time, d$event)
put_late_test("simulated", d$entry, d$time, d$event, d$group)
for (g in 0:1) {
  k <- d$treated == g
  w <- ifelse(g == 1, 1, 0) / d$propensity + ifelse(g == 0, 1, 0) / (1 - d$propensity)
  fit <- survfit(Surv(time, event) ~ 1, d[k, ], weights = w[k], robust = TRUE, conf.type = "log-log")
  put(paste0("adjusted_", g, ":survival"), at(fit, fit$surv, times), times)
  put(paste0("adjusted_", g, ":error"), at(fit, fit$std.err, times, 0), times)  # of survival itself
  put(paste0("adjusted_", g, ":lower"), at(fit, fit$lower, times), times)
  put(paste0("adjusted_", g, ":upper"), at(fit, fit$upper, times), times)
}

# ---- public tables: summaries -------------------------------------------------------------------
table_of <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
round_times <- function(time) signif(quantile(time, seq(0.05, 0.9, length.out = 10)), 2)
put_table <- function(name, time, event, group, stratum) {
  data <- data.frame(time, event = as.numeric(event))
  times <- sort(unique(as.numeric(round_times(time))))
  put_curve(name, Surv(time, event) ~ 1, data, times)
  # whole numbers that anyone can make again from the row's number
  put_curve(paste0(name, "_weighted"), Surv(time, event) ~ 1, data, times, 1 + seq_along(time) %% 4)
  put_tests(name, data$time, data$event, as.character(group), as.character(stratum))
  put_follow_up(name, data$time, data$event)
}
if (!is.na(folder)) {
  t <- table_of("pbc"); put_table("pbc", t$time, t$status == 2, t$stage > 2 & !is.na(t$stage), t$sex)
  t <- subset(table_of("colon"), etype == 2); put_table("colon", t$time, t$status, t$rx, t$sex)
  t <- table_of("mgus2"); put_table("mgus2", t$futime, t$death, t$sex, t$age > 70)
  t <- table_of("rotterdam"); put_table("rotterdam", t$dtime, t$death, t$size, t$meno)
  t <- table_of("gbsg"); put_table("gbsg", t$rfstime, t$status, t$grade, t$hormon)
  t <- table_of("flchain"); put_table("flchain", t$futime, t$death, t$flc.grp, t$sex)
  t <- table_of("cancer"); put_table("cancer", t$time, t$status == 2, t$sex, t$age > 65)
  t <- subset(table_of("transplant"), futime > 0)
  put_table("transplant", t$futime, t$event == "death", t$abo, t$sex)
  t <- table_of("myeloid"); put_table("myeloid", t$futime, t$death, t$flt3, t$sex)
  t <- subset(table_of("pbcseq"), day == 0)
  put_table("pbcseq", t$futime, t$status == 2, t$edema, t$trt)

  t <- table_of("heart")
  times <- as.numeric(round_times(t$stop))
  put_curve("heart", Surv(start, stop, event) ~ 1, t, times)
  put_curve("heart_weighted", Surv(start, stop, event) ~ 1, t, times, 1 + seq_len(nrow(t)) %% 4)
  put_late_test("heart", t$start, t$stop, t$event, t$transplant)
  # The same by the score test of a Cox model with exact ties, which is slow where many are tied.
  put("heart:score", coxph(Surv(start, stop, event) ~ transplant, t, ties = "exact")$score)
  # Age at entry and exit as the time scale: everyone enters late.
  t <- table_of("flchain"); t <- t[t$futime > 3, ]
  t$exit <- round(t$age + t$futime / 365, 2)
  times <- c(60, 65, 70, 75, 80, 85, 90, 95)
  put_curve("flchain_age", Surv(age, exit, death) ~ 1, t, times)
}
write.csv(do.call(rbind, rows), "reference.csv", row.names = FALSE, quote = FALSE)
writeLines(c(R.version.string, paste("survival", packageVersion("survival"))), "versions.txt")
