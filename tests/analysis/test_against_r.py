"""Beside the golden files: R itself, where it is installed, on data sets that come with it."""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from qol_app.analysis.mmrm import mmrm
from qol_app.analysis.survival import cox, cumulative_incidence, kaplan_meier, logrank, rmst
from tests.with_r import require_r

SURVIVAL = """
suppressMessages(library(survival))
save <- function(d, n) write.csv(d, paste0(n, ".csv"), row.names = FALSE, na = "")
name <- function(f) sub("arm=", "", names(f$strata))
sets <- list(
  lung = transform(lung[, c("time", "status", "age", "sex")], status = status - 1,
                   arm = ifelse(sex == 1, "M", "F")),
  veteran = transform(veteran, arm = paste0("t", trt), celltype = as.character(celltype)))
for (n in names(sets)) {
  d <- sets[[n]]
  save(d, n)
  f <- survfit(Surv(time, status) ~ arm, d, conf.type = "log-log")
  s <- summary(f, times = 100)
  q <- quantile(f, 0.5)
  r <- summary(f, rmean = 300)$table
  save(data.frame(median = c(q$quantile), lower = c(q$lower), upper = c(q$upper), at = s$surv,
                  at_low = s$lower, rmst = r[, "rmean"], rmst_se = r[, "se(rmean)"]),
       paste0(n, "-curve"))
  m <- coxph(Surv(time, status) ~ arm + age, d)
  z <- cox.zph(m)$table
  save(data.frame(coef = coef(m), se = sqrt(diag(vcov(m))), chisq = z[1:2, 1],
                  log_rank = survdiff(Surv(time, status) ~ arm, d)$chisq), paste0(n, "-cox"))
}
m <- transform(mgus2, time = ifelse(pstat == 0, futime, ptime),
               status = ifelse(pstat == 0, 2 * death, 1), arm = as.character(sex))
save(m[, c("time", "status", "arm")], "mgus2")
a <- summary(survfit(Surv(time, factor(status, 0:2)) ~ arm, m), times = c(60, 240))
save(data.frame(incidence = a$pstate[, 2], se = a$std.err[, 2]), "mgus2-incidence")
"""
GLS = """
library(nlme)
d <- transform(as.data.frame(Orthodont), visit = factor(age), Subject = as.character(Subject))
m <- gls(distance ~ visit * Sex, d, corSymm(form = ~ 1 | Subject), varIdent(form = ~ 1 | visit),
         method = "REML", control = glsControl(tolerance = 1e-10, msTol = 1e-12))
t <- summary(m)$tTable["SexFemale", 1:2]
write.csv(d[, c("distance", "visit", "Subject", "Sex")], "orthodont.csv", row.names = FALSE)
write.csv(data.frame(loglik = c(logLik(m)), estimate = t[1], se = t[2]), "gls.csv")
"""
TIMES = {"duration": "time", "event": "status"}


def run(script: str, folder: Path) -> None:
    subprocess.run(["Rscript", "-e", script], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    require_r("survival")
    made = tmp_path_factory.mktemp("r")
    run(SURVIVAL, made)
    return made


def assert_close(found, wanted, rel=1e-7):
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(wanted, float), rtol=rel)


@pytest.mark.parametrize("name", ["lung", "veteran"])
def test_curves_medians_and_restricted_means_are_those_of_r(folder, name):
    data, wanted = pd.read_csv(folder / f"{name}.csv"), pd.read_csv(folder / f"{name}-curve.csv")
    curve = kaplan_meier(data, by="arm", times=[100], **TIMES)
    assert_close(curve.table[["median", "ci_low", "ci_high"]], wanted.iloc[:, :3])
    assert_close(curve.at_times[["survival", "ci_low"]], wanted[["at", "at_low"]])
    area = rmst(data, by="arm", tau=300, **TIMES)
    assert_close(area.table[["rmst", "se"]], wanted[["rmst", "rmst_se"]])


@pytest.mark.parametrize("name", ["lung", "veteran"])
def test_regressions_and_tests_are_those_of_r(folder, name):
    data, wanted = pd.read_csv(folder / f"{name}.csv"), pd.read_csv(folder / f"{name}-cox.csv")
    model = cox(data, covariates=["arm", "age"], **TIMES)
    assert_close(model.table[["coef", "se"]], wanted[["coef", "se"]])
    checks = model.proportional_hazards
    usual = checks[(checks["transform"] == "km") & (checks["term"] != "GLOBAL")]
    assert_close(usual["chisq"], wanted["chisq"], 1e-6)
    assert_close([logrank(data, by="arm", **TIMES).chisq], wanted["log_rank"].head(1))


def test_cumulative_incidence_is_that_of_r(folder):
    data = pd.read_csv(folder / "mgus2.csv")
    wanted = pd.read_csv(folder / "mgus2-incidence.csv")
    found = cumulative_incidence(
        data, by="arm", times=[60, 240], causes={1: "pcm", 2: "death"}, **TIMES
    )
    first = found.at_times[found.at_times["cause"] == "pcm"]
    assert_close(first[["incidence", "se"]], wanted)


def test_the_mixed_model_is_generalised_least_squares_of_r(tmp_path):
    require_r("nlme")
    run(GLS, tmp_path)
    data = pd.read_csv(tmp_path / "orthodont.csv", dtype={"visit": str})
    wanted = pd.read_csv(tmp_path / "gls.csv").iloc[0]
    found = mmrm(
        data, outcome="distance", participant="Subject", visit="visit", arm="Sex",
        visit_order=["8", "10", "12", "14"], arm_order=["Male", "Female"],
    )  # fmt: skip
    assert_close([found.minus2_restricted_loglik / -2], [wanted["loglik"]])
    # R's search for the covariance stops a little earlier than ours.
    assert_close(found.contrasts[["estimate", "se"]].iloc[0], wanted[["estimate", "se"]], 1e-4)
