# The same formulas on ten tables of R's survival package; aggregates only, no row is written.
#   WORKBENCH_DATA=... Rscript public_tables.R     (in this folder; reads public_settings.csv)
# The predicted risk is a fixed formula of one column, 1 - exp(-exp(constant + (v - centre) / scale
# / 2)), so that nothing is fitted: mostly miscalibrated, which is the point.
source("formulas.R")
settings <- read.csv("public_settings.csv")
folder <- file.path(Sys.getenv("WORKBENCH_DATA"), "survival")

prepared <- function(name) {
  d <- read.csv(file.path(folder, paste0(name, ".csv")))
  if (name == "colon") d <- d[d$etype == 2, ]
  if (name == "pbcseq") d <- d[!duplicated(d$id), ]
  switch(name,
    cancer = data.frame(time = d$time, cause = as.numeric(d$status == 2), v = d$age),
    colon = data.frame(time = d$time, cause = d$status, v = d$age),
    flchain = data.frame(time = d$futime, cause = d$death, v = d$age),
    gbsg = data.frame(time = d$rfstime, cause = d$status, v = log1p(d$nodes)),
    mgus2 = data.frame(time = d$ptime, cause = ifelse(d$pstat == 1, 1, 2 * d$death), v = d$mspike),
    myeloid = data.frame(time = d$futime, cause = d$death, v = match(d$flt3, c("A", "B", "C")) - 1),
    pbc = data.frame(time = d$time, cause = c(0, 2, 1)[d$status + 1], v = d$age),
    pbcseq = data.frame(time = d$futime, cause = c(0, 2, 1)[d$status + 1], v = log(d$bili)),
    rotterdam = data.frame(time = d$rtime, cause = ifelse(d$recur == 1, 1, 2 * d$death), v = d$age),
    transplant = data.frame(time = d$futime, v = d$age,
      cause = c(censored = 0, ltx = 1, death = 2, withdraw = 2)[d$event]))
}

for (i in seq_len(nrow(settings))) {
  s <- settings[i, ]
  d <- prepared(s$table)
  d <- d[complete.cases(d), ]
  risk <- 1 - exp(-exp(s$constant + 0.5 * (d$v - s$centre) / s$scale))
  put(paste0(s$table, ":n"), nrow(d))
  calibrate(s$table, d$time, d$cause, 1, risk, s$horizon)
  put(paste0(s$table, ":incidence"), event_risk(d$time, d$cause, 1, s$horizon))
  benefit(s$table, d$time, d$cause, 1, risk, s$horizon, c(0.1, 0.2, 0.3, 0.5))
}
save_rows("public_reference.csv")
