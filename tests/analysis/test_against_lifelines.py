"""Where lifelines and R agree on a definition, lifelines on generated data is a second witness."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import concordance_index, restricted_mean_survival_time

from qol_app.analysis.survival import cox, kaplan_meier, logrank, rmst
from tests.analysis.survival_golden import assert_same

WHAT = {"duration": "t", "event": "e"}


def generated(seed: int, n: int = 150) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    x, z = random.normal(size=n), random.integers(0, 2, n)
    t = np.ceil(random.exponential(40 * np.exp(-0.5 * x + 0.4 * z)))
    end = random.integers(5, 90, n)
    return pd.DataFrame({"t": np.minimum(t, end), "e": (t <= end).astype(int), "x": x, "z": z})


@pytest.mark.parametrize("seed", range(4))
def test_curves_limits_and_medians_agree(seed):
    data = generated(seed)
    ours = kaplan_meier(data, **WHAT)
    theirs = KaplanMeierFitter().fit(data["t"], data["e"])
    times = ours.curve["time"]
    assert_same(ours.curve["survival"], theirs.survival_function_at_times(times))
    limits = theirs.confidence_interval_.loc[times]
    known = ours.curve["ci_low"].notna().to_numpy()
    assert_same(ours.curve[["ci_low", "ci_high"]][known], limits[known], 1e-8)
    assert ours.table["median"][0] == theirs.median_survival_time_


@pytest.mark.parametrize("seed", range(4))
def test_log_rank_tests_agree(seed):
    data = generated(seed)
    theirs = multivariate_logrank_test(data["t"], data["z"], data["e"])
    ours = logrank(data, **WHAT, by="z")
    assert_same([ours.chisq, ours.p_value], [theirs.test_statistic, theirs.p_value])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("strata", [[], ["z"]])
def test_cox_models_with_tied_times_agree(seed, strata):
    data = generated(seed)
    covariates = ["x"] if strata else ["x", "z"]
    ours = cox(data, **WHAT, covariates=covariates, strata=strata)
    columns = [*covariates, *strata, "t", "e"]
    theirs = CoxPHFitter().fit(data[columns], "t", "e", strata=strata or None)
    # lifelines stops its steps a little sooner.
    assert_same(ours.table[["coef", "se"]], theirs.summary[["coef", "se(coef)"]], 1e-4)
    assert_same(ours.loglik, theirs.log_likelihood_, 1e-8)
    if not strata:
        predicted = data[covariates] @ theirs.params_
        assert_same(ours.concordance, concordance_index(data["t"], -predicted, data["e"]))


@pytest.mark.parametrize("seed", range(4))
def test_restricted_means_agree(seed):
    data = generated(seed)
    theirs = restricted_mean_survival_time(KaplanMeierFitter().fit(data["t"], data["e"]), t=40)
    assert_same(rmst(data, **WHAT, tau=40).table["rmst"], [theirs], 1e-8)
