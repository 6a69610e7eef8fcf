# What calibration.R and public_tables.R share: each formula written out, by survfit and glm.
library(survival)
options(digits = 17)

rows <- list()
put <- function(name, value, at = seq_along(value)) {
  rows[[length(rows) + 1]] <<- data.frame(
    name = name, at = format(at, digits = 17, trim = TRUE), value = as.numeric(value))
}
save_rows <- function(path) {
  write.csv(do.call(rbind, rows), path, row.names = FALSE, quote = FALSE)
}

# Weight of each patient's state at h: 1 / G(T-) for any event by h, 1 / G(h) for one followed past
# it. Events leave before censorings at a tied time: move them a little earlier.
weights_at <- function(time, cause, h, stratum = rep(1, length(time))) {
  early <- time - 1e-6 * (cause > 0)
  w <- numeric(length(time))
  for (s in unique(stratum)) {
    i <- stratum == s
    fit <- survfit(Surv(early[i], cause[i] == 0) ~ 1, timefix = FALSE)
    G <- stepfun(fit$time, c(1, fit$surv))
    known <- i & cause > 0 & time <= h
    w[known] <- 1 / G(early[known])
    w[i & time > h] <- 1 / G(h)
  }
  w
}

# Binomial regression of the state, complementary log-log link, weighted; robust variance with the
# weights held fixed.
regress <- function(y, w, X, offset = rep(0, length(y))) {
  known <- w > 0
  fit <- suppressWarnings(glm.fit(X[known, , drop = FALSE], y[known], weights = w[known],
    offset = offset[known], family = binomial("cloglog"),
    control = glm.control(epsilon = 1e-15, maxit = 200)))
  # glm's Fisher scoring ends where the deviance no longer moves, 1e-8 from the maximum; Newton
  # steps by hand, with the second derivative, go the rest of the way.
  b <- fit$coefficients
  for (step in 1:4) {
    H <- exp(drop(X %*% b) + offset)
    r <- H / (exp(H) - 1)
    score <- X * (w * ifelse(y == 1, r, -H))
    bread <- solve(-t(X) %*% (X * (w * ifelse(y == 1, r * (1 - H - r), -H))))
    b <- b + drop(bread %*% colSums(score))
  }
  meat <- t(score) %*% score
  list(b = unname(b), se = unname(sqrt(diag(bread %*% meat %*% bread))))
}

z <- qnorm(0.975)
calibrate <- function(name, time, cause, of, risk, h, stratum = rep(1, length(time))) {
  w <- weights_at(time, cause, h, stratum)
  y <- as.numeric(cause == of & time <= h)
  x <- log(-log(1 - risk))
  one <- matrix(1, length(x), 1)
  a <- regress(y, w, one, x)
  b <- regress(y, w, cbind(1, x))
  put(paste0(name, ":intercept"), c(a$b, a$b - z * a$se, a$b + z * a$se))
  put(paste0(name, ":slope"), c(b$b[2], b$b[2] - z * b$se[2], b$b[2] + z * b$se[2]))
  O <- sum(w * y) / sum(w)
  E <- mean(risk)
  influence <- w * (y - O) / (sum(w) * O) - (risk - E) / (length(risk) * E)
  put(paste0(name, ":observed_expected"), O / E * exp(c(0, -z, z) * sqrt(sum(influence^2))))
  k <- unname(quantile(x, c(0.1, 0.5, 0.9)))
  cube <- function(u, a) pmax(u - a, 0)^3
  bend <- (cube(x, k[1]) - cube(x, k[2]) * (k[3] - k[1]) / (k[3] - k[2]) +
    cube(x, k[3]) * (k[2] - k[1]) / (k[3] - k[2])) / (k[3] - k[1])^2
  X <- if (all(diff(k) > 1e-9)) cbind(1, x, bend) else cbind(1, x)
  s <- regress(y, w, X)
  distance <- abs(1 - exp(-exp(drop(X %*% s$b))) - risk)
  put(paste0(name, ":error"), c(mean(distance), quantile(distance, c(0.5, 0.9))))
}

# Net benefit: weighted by one censoring curve, and by a Kaplan-Meier (Aalen-Johansen) curve among
# those at or above each threshold, as Vickers.
event_risk <- function(time, cause, of, h) {
  state <- factor(cause, 0:2)
  fit <- survfit(Surv(time, state) ~ 1)
  at <- summary(fit, times = h, extend = TRUE)
  at$pstate[1, of + 1]
}
benefit <- function(name, time, cause, of, risk, h, thresholds) {
  w <- weights_at(time, cause, h)
  y <- as.numeric(cause == of & time <= h)
  found <- sapply(thresholds, function(p) {
    above <- risk >= p
    weighted <- sum((w * (y - (1 - y) * p / (1 - p)))[above]) / length(y)
    if (!any(above) || max(time[above]) < h) {
      vickers <- if (any(above)) NA else 0
    } else {
      happened <- event_risk(time[above], cause[above], of, h)
      vickers <- mean(above) * (happened - (1 - happened) * p / (1 - p))
    }
    all <- event_risk(time, cause, of, h)
    c(weighted, vickers, all - (1 - all) * p / (1 - p))
  })
  put(paste0(name, ":net_benefit"), found[1, ], thresholds)
  put(paste0(name, ":net_benefit_vickers"), found[2, ], thresholds)
  put(paste0(name, ":treat_all"), found[3, ], thresholds)
}
