"""Descriptives, change, responders and their distribution, by numbers one can check by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap, ttest_1samp
from statsmodels.stats.proportion import proportion_confint

from qol_app.analysis.change import (
    change_from_baseline,
    cumulative_distribution,
    descriptives,
    responders,
)
from qol_app.analysis.shares import wilson
from qol_app.analysis.thresholds import Threshold, achievable_step
from qol_app.errors import AnalysisError

pytestmark = pytest.mark.pure


def scores(values, baseline=80.0, arm="a", timepoint="M6") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "timepoint": timepoint,
            "arm": arm,
            "value": np.array(values, dtype=float),
            "baseline": baseline,
        }
    )


def test_descriptives_of_five_scores():
    row = descriptives(scores([0, 25, 50, 75, 100])).table.iloc[0]
    assert row[["n", "mean", "median", "q1", "q3", "minimum", "maximum"]].tolist() == [
        *[5, 50, 50, 25, 75, 0, 100]
    ]
    assert row["sd"] == pytest.approx(39.528470752)
    interval = ttest_1samp([0, 25, 50, 75, 100], 0).confidence_interval(0.95)
    assert row[["ci_low", "ci_high"]].tolist() == pytest.approx(list(interval))


def test_missing_scores_are_left_out_and_counted():
    data = pd.concat([scores([1, np.nan, 3]), scores([4], arm=None)])
    result = descriptives(data)
    assert result.left_out == {"no score": 1, "no arm": 1}
    assert result.n_given == 4


def test_one_score_has_no_spread_and_no_interval():
    row = descriptives(scores([50])).table.iloc[0]
    assert row["mean"] == 50
    assert row[["sd", "se", "ci_low", "ci_high"]].isna().all()


def test_a_timepoint_nobody_answered_keeps_its_row():
    data = scores([50, 60])
    data["timepoint"] = pd.Categorical(data["timepoint"], ["M6", "M12"])
    table = descriptives(data).table
    assert table[["timepoint", "n"]].to_numpy().tolist() == [["M6", 2], ["M12", 0]]
    assert np.isnan(table["mean"][1])


def test_change_is_score_less_baseline_of_those_who_have_both():
    data = pd.concat([scores([70, 90]), scores([50], baseline=np.nan), scores([np.nan])])
    result = change_from_baseline(data)
    row = result.table.iloc[0]
    assert row[["n", "mean", "mean_baseline"]].tolist() == [2, 0, 80]
    assert result.left_out == {"no score": 1, "no baseline": 1}


@pytest.mark.parametrize(
    ("change", "direction", "category"),
    [
        (-10, "higher_is_better", "deteriorated"),
        (-9.9, "higher_is_better", "stable"),
        (9.9, "higher_is_better", "stable"),
        (10, "higher_is_better", "improved"),
        (10, "higher_is_worse", "deteriorated"),
        (-10, "higher_is_worse", "improved"),
    ],
)
def test_a_change_of_exactly_the_threshold_counts(change, direction, category):
    table = responders(scores([50 + change], baseline=50.0), direction=direction).table
    assert table.loc[table["n"] == 1, "category"].tolist() == [category]


def test_responders_have_numerator_denominator_and_wilson_limits():
    data = scores([60, 65, 70, 80, 80, 80, 80, 95])
    table = responders(data).table.set_index("category")
    assert table["n"].tolist() == [3, 4, 1]
    assert table["total"].tolist() == [8, 8, 8]
    limits = proportion_confint(3, 8, method="wilson")
    found = table.loc["deteriorated", ["percent", "ci_low", "ci_high"]].tolist()
    assert found == pytest.approx([37.5, 100 * limits[0], 100 * limits[1]])


def test_improvement_may_have_a_threshold_and_source_of_its_own():
    result = responders(
        scores([87, 71]),
        threshold=Threshold(10, "plan, section 9"),
        improvement=Threshold(7, "another paper"),
    )
    assert result.table["n"].tolist() == [0, 1, 1]
    assert "10 points or more (plan, section 9)" in result.rule
    assert "7 or more (another paper)" in result.rule


def test_a_threshold_between_two_steps_is_said_to_be_one_step():
    result = responders(scores([80]), step=achievable_step(1, 4))
    assert result.notes == ("the scale moves in steps of 33.3: 10 points ask for 33.3",)
    assert responders(scores([80]), step=5.0).notes == ()
    with pytest.raises(AnalysisError, match="step: found 0"):
        responders(scores([80]), step=0)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 12).map(lambda n: n * 100 / 12), min_size=1, max_size=30))
def test_the_distribution_rises_to_all_and_agrees_with_the_responders(values):
    data = scores(values, baseline=50.0)
    curve = cumulative_distribution(data).table
    assert curve["change"].is_monotonic_increasing
    assert curve["n"].is_monotonic_increasing
    assert curve["percent"].iloc[-1] == 100
    worse = responders(data).table["n"][0]
    below = curve.loc[curve["change"] <= -10 + 1e-6, "n"]
    assert (below.iloc[-1] if len(below) else 0) == worse


@pytest.mark.parametrize(
    "function", [descriptives, change_from_baseline, responders, cumulative_distribution]
)
def test_an_empty_table_gives_words(function):
    result = function(scores([]))
    assert result.notes == ("no rows to analyse",)
    assert result.n_used == 0
    silent = function(scores([np.nan, np.nan]))
    assert silent.left_out == {"no score": 2}


def test_wilson_limits_stay_inside_and_nothing_has_none():
    low, high = wilson(np.array([0, 5, 0]), np.array([5, 5, 0]), 0.95)
    assert low[0] == 0
    assert high[1] == pytest.approx(100)
    assert np.isnan([low[2], high[2]]).all()


def test_the_t_interval_is_close_to_a_bootstrap():
    values = np.random.default_rng(5).normal(60, 20, 80)
    row = descriptives(scores(values)).table.iloc[0]
    resampled = bootstrap((values,), np.mean, rng=np.random.default_rng(6)).confidence_interval
    assert row[["ci_low", "ci_high"]].tolist() == pytest.approx(list(resampled), abs=1)


def test_a_missing_column_is_named():
    with pytest.raises(AnalysisError, match="no column named 'start'"):
        change_from_baseline(scores([1]), baseline="start")
