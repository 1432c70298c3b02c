"""Cumulative incidence against statsmodels, against the jackknife, and against reason."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import CumIncidenceRight

from qol_app.analysis.survival import cumulative_incidence, kaplan_meier
from tests.analysis.survival_golden import assert_same


def generated(seed: int, n: int = 60) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame({"t": random.integers(1, 15, n), "e": random.integers(0, 3, n)})


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_estimates_and_errors_are_those_of_statsmodels(seed):
    data = generated(seed)
    with warnings.catch_warnings(action="ignore"):
        expected = CumIncidenceRight(data["t"].to_numpy(float), data["e"].to_numpy())
    curve = cumulative_incidence(data, duration="t", event="e").curve
    for cause in (1, 2):
        mine = curve[curve["cause"] == cause].set_index("time").loc[expected.times]
        assert_same(mine["incidence"], expected.cinc[cause - 1])
        error = np.asarray(expected.cinc_se[cause - 1])
        known = np.isfinite(error)
        assert_same(mine["se"].to_numpy()[known], error[known], 1e-7)


def jackknife_error(data: pd.DataFrame, moment: float, cause: int) -> float:
    """Return the root of the sum of squared influences, each by nudging one weight."""

    def incidence(weight: np.ndarray) -> float:
        free, total = 1.0, 0.0
        for t in sorted(set(data["t"])):
            if t <= moment:
                n = weight[data["t"] >= t].sum()
                total += free * weight[(data["t"] == t) & (data["e"] == cause)].sum() / n
                free *= 1 - weight[(data["t"] == t) & (data["e"] > 0)].sum() / n
        return total

    nudge, influence = 1e-5, []
    for one in range(len(data)):
        up, down = np.ones(len(data)), np.ones(len(data))
        up[one] += nudge
        down[one] -= nudge
        influence.append((incidence(up) - incidence(down)) / (2 * nudge))
    return float(np.sqrt(np.sum(np.square(influence))))


@pytest.mark.parametrize("moment", [3, 9, 14])
def test_the_error_is_the_infinitesimal_jackknife_that_r_reports(moment):
    data = generated(7)
    found = cumulative_incidence(data, duration="t", event="e", times=[moment]).at_times
    assert_same(found["se"], [jackknife_error(data, moment, cause) for cause in (1, 2)], 1e-6)


def test_without_censoring_incidence_is_a_share_with_its_binomial_error():
    data = pd.DataFrame({"t": [1, 2, 3, 4], "e": [1, 2, 1, 1]})
    result = cumulative_incidence(data, duration="t", event="e", times=[4, 99])
    deteriorated = result.at_times[result.at_times["cause"] == 1]
    assert_same(deteriorated["incidence"], [0.75, 0.75])
    assert_same(deteriorated["se"], [np.sqrt(0.75 * 0.25 / 4)] * 2)


def test_incidences_and_event_free_survival_add_up_to_one():
    data = generated(11)
    curve = cumulative_incidence(data, duration="t", event="e").curve
    free = kaplan_meier(data.assign(e=data["e"] > 0), duration="t", event="e").curve
    assert_same(curve.groupby("time")["incidence"].sum().to_numpy() + free["survival"], [1] * 14)


def test_limits_are_log_log_and_undefined_while_nothing_has_happened():
    data = pd.DataFrame({"t": [1, 2, 3, 4, 5], "e": [0, 1, 2, 1, 0]})
    curve = cumulative_incidence(data, duration="t", event="e").curve
    first = curve[curve["cause"] == 1].set_index("time")
    assert first.loc[1, ["ci_low", "ci_high"]].isna().all()
    row = first.loc[4]
    step = 1.959963984540054 * row["se"] / row["incidence"] / np.log(row["incidence"])
    middle = np.log(-np.log(row["incidence"]))
    assert_same(row["ci_low"], np.exp(-np.exp(middle - step)))
    assert_same(row["ci_high"], np.exp(-np.exp(middle + step)))
    assert row["ci_low"] < row["incidence"] < row["ci_high"]


def test_incidence_after_the_last_censored_participant_is_unknown():
    data = pd.DataFrame({"t": [1, 2, 3], "e": [1, 2, 0]})
    found = cumulative_incidence(data, duration="t", event="e", times=[3, 3.5]).at_times
    assert found["incidence"].isna().tolist() == [False, True, False, True]


def test_causes_have_names_and_one_that_never_came_stays_at_zero():
    data = pd.DataFrame({"t": [1, 2], "e": [1, 0], "arm": ["a", "b"]})
    result = cumulative_incidence(
        data, duration="t", event="e", by="arm", causes={1: "worse", 2: "dead"}, times=[1]
    )
    assert result.table["cause"].tolist() == ["worse", "dead", "worse", "dead"]
    assert result.table["events"].tolist() == [1, 0, 0, 0]
    assert result.at_times["incidence"].tolist() == [1, 0, 0, 0]
    assert result.notes == ("no events in b",)


def test_half_a_cause_is_left_out_and_counted():
    data = pd.DataFrame({"t": [1, 2, 3], "e": [1, 1.5, -1]})
    result = cumulative_incidence(data, duration="t", event="e")
    assert result.left_out == {"event is no whole number from 0": 2}
    assert result.n_used == 1


def test_nobody_gives_words():
    data = pd.DataFrame({"t": [], "e": []})
    result = cumulative_incidence(data, duration="t", event="e", times=[1])
    assert result.notes == ("no rows to analyse",)
    assert result.curve.empty
