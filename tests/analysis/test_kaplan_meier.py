"""Curves, bands, medians and differences against R, and what is said when there is little."""

import numpy as np
import pandas as pd
import pytest

from qol_app.analysis.survival import difference_at, kaplan_meier
from qol_app.errors import AnalysisError
from tests.analysis.survival_golden import (
    BY,
    FOLDER,
    RESULTS,
    SETS,
    assert_same,
    golden_data,
    toy,
)

CONF_TYPES = {"log-log": "log_log", "log": "log", "plain": "plain"}


def golden_curve(name: str, conf_type: str = "log-log"):
    return kaplan_meier(
        golden_data(name), duration="time", event="event", by=BY[name], conf_type=conf_type
    )


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("conf_type", CONF_TYPES)
def test_medians_and_quantiles_with_limits_are_those_of_r(name, conf_type):
    expected = RESULTS[name]["km"][CONF_TYPES[conf_type]]
    result = golden_curve(name, conf_type)
    medians = pd.DataFrame(expected["median"])
    assert_same(
        result.table[["n", "events", "median", "ci_low", "ci_high"]],
        medians[["n", "events", "median", "lcl", "ucl"]],
    )
    quantiles = pd.DataFrame(expected["quantiles"])
    found = result.quantiles([0.25, 0.5, 0.75]).sort_values("share", kind="stable")
    assert_same(found[["time", "ci_low", "ci_high"]], quantiles[["time", "lcl", "ucl"]])


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("conf_type", CONF_TYPES)
def test_survival_at_times_with_limits_is_that_of_r(name, conf_type):
    expected = pd.DataFrame(RESULTS[name]["km"][CONF_TYPES[conf_type]]["at_times"])
    found = golden_curve(name, conf_type).survival_at(expected["time"].unique())
    assert_same(
        found[["time", "n_risk", "survival", "se", "ci_low", "ci_high"]],
        expected[["time", "n_risk", "surv", "se", "lcl", "ucl"]],
    )


@pytest.mark.parametrize("name", SETS)
def test_numbers_at_risk_each_half_year_are_those_of_r(name):
    expected = pd.DataFrame(RESULTS[name]["km"]["numbers_at_risk"])
    found = golden_curve(name).numbers_at_risk(expected["time"].unique())
    assert_same(found[["time", "n_risk"]], expected[["time", "n_risk"]])


def test_the_whole_curve_with_its_band_is_that_of_r():
    expected = pd.read_csv(FOLDER / "gbsg_km_curve_loglog.csv")
    found = golden_curve("gbsg").curve
    assert_same(
        found[["time", "n_risk", "n_event", "survival", "se", "ci_low", "ci_high"]],
        expected[["time", "n_risk", "n_event", "surv", "se", "lcl", "ucl"]],
    )


@pytest.mark.parametrize("name", SETS)
def test_the_difference_at_three_years_is_that_of_r(name):
    expected = pd.DataFrame(RESULTS[name]["km"]["difference_at_1096"])
    result = difference_at(
        golden_data(name), duration="time", event="event", by=BY[name], time=1096
    )
    assert_same(
        result.table[["difference", "se", "ci_low", "ci_high"]],
        expected[["difference", "se", "lcl", "ucl"]],
    )


def test_the_toy_arms_give_the_numbers_worked_out_for_them():
    """Computed with lifelines 0.30.3; survival of arm 1 at month 36 also by hand: 0.6563."""
    result = kaplan_meier(toy(), duration="month", event="died", by="arm", times=[36])
    assert_same(result.at_times["survival"], [0.2917, 0.6563], 2e-4)
    assert_same(result.at_times[["ci_low", "ci_high"]], [[0.0724, 0.5609], [0.3204, 0.8557]], 1e-3)
    assert_same(result.table[["median", "ci_low", "ci_high"]], [[24, 6, 41], [49, 13, np.nan]])
    assert pytest.approx(0.65625) == (11 / 12) * (10 / 11) * (9 / 10) * (7 / 8)


def test_a_curve_resting_at_one_half_has_the_middle_as_median_like_r_and_says_so():
    """R 4.2: median(survfit(Surv(1:4, rep(1, 4)) ~ 1)) is 2.5, as of any four numbers."""
    rests = pd.DataFrame({"t": [1, 2, 3, 4], "e": [1, 1, 1, 1]})
    result = kaplan_meier(rests, duration="t", event="e")
    assert result.table["median"].tolist() == [2.5]
    assert "exactly 0.5 from 2 to 3" in " ".join(result.notes)
    by_first = kaplan_meier(rests, duration="t", event="e", at_rest="first")
    assert by_first.table["median"].tolist() == [2]


def test_a_curve_that_ends_at_one_half_reaches_its_median_there():
    ends = pd.DataFrame({"t": [1, 2, 3, 4], "e": [1, 1, 0, 0]})
    result = kaplan_meier(ends, duration="t", event="e")
    assert result.table["median"].tolist() == [2]
    assert result.notes == ()


def test_survival_after_the_last_censored_participant_is_unknown():
    result = kaplan_meier(toy(), duration="month", event="died", by="arm", times=[60])
    assert np.isnan(result.at_times["survival"][0])
    assert result.at_times["survival"][1] > 0
    table = difference_at(toy(), duration="month", event="died", by="arm", time=60)
    assert np.isnan(table.table["difference"]).all()
    assert table.notes == ("follow-up of 0 ends before 60",)


def test_after_the_last_death_nobody_survives_and_no_limits_are_made_up():
    dead = pd.DataFrame({"t": [1.0, 2.0, 3.0], "e": 1})
    row = kaplan_meier(dead, duration="t", event="e").survival_at([5]).iloc[0]
    assert row["survival"] == 0
    assert row[["se", "ci_low", "ci_high"]].isna().all()


def test_every_row_is_used_or_counted_under_a_reason():
    data = pd.DataFrame(
        {
            "t": [1, -2, None, 4, 5, 6, float("inf")],
            "e": [1, 1, 1, 2, None, 0, 1],
            "arm": ["a", "a", "a", "a", "a", None, "a"],
        }
    )
    result = kaplan_meier(data, duration="t", event="e", by="arm")
    assert result.n_used == 1
    assert result.left_out == {
        "no duration": 1,
        "negative duration": 1,
        "endless duration": 1,
        "no event status": 1,
        "event is not 0 or 1": 1,
        "no arm": 1,
    }
    assert result.n_given == len(data)


@pytest.mark.parametrize("conf_type", CONF_TYPES)
def test_without_events_survival_stays_one_and_the_median_is_not_reached(conf_type):
    data = pd.DataFrame({"t": [1, 2, 3], "e": 0})
    result = kaplan_meier(data, duration="t", event="e", conf_type=conf_type)
    assert result.notes == ("no events",)
    assert result.curve["survival"].tolist() == [1, 1, 1]
    assert result.table[["median", "ci_low", "ci_high"]].isna().all(axis=None)


def test_an_empty_arm_is_named_and_has_no_numbers():
    data = pd.DataFrame({"t": [1, 2], "e": [1, 0]})
    data["arm"] = pd.Categorical(["a", "a"], categories=["a", "b"])
    result = kaplan_meier(data, duration="t", event="e", by="arm", times=[1])
    assert result.notes == ("one arm empty: b",)
    assert result.table["n"].tolist() == [2, 0]
    assert np.isnan(result.at_times["survival"][1])


@pytest.mark.parametrize("rows", [0, 1])
def test_nobody_and_one_participant_are_no_reason_to_fail(rows):
    data = pd.DataFrame({"t": [7.0], "e": [1], "arm": ["a"]}).iloc[:rows]
    result = kaplan_meier(data, duration="t", event="e", by="arm", times=[3])
    assert result.n_used == rows
    assert ("no rows to analyse" in result.notes) is (rows == 0)


def test_times_that_differ_by_rounding_only_are_one_time():
    data = pd.DataFrame({"t": [0.3, 0.1 + 0.2, 1.0], "e": [1, 1, 0]})
    assert len(kaplan_meier(data, duration="t", event="e").curve) == 2


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"duration": "days"}, "no column named 'days'"),
        ({"conf_type": "arcsin"}, "conf_type: found 'arcsin'; wanted one of: log-log, log, plain"),
        ({"level": 95}, "level: found 95"),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_wanted(wrong, message):
    arguments = {"duration": "month", "event": "died", **wrong}
    with pytest.raises(AnalysisError, match=message):
        kaplan_meier(toy(), **arguments)


def test_dates_instead_of_days_are_refused():
    data = pd.DataFrame({"t": pd.to_datetime(["2026-01-01"]), "e": [1]})
    with pytest.raises(AnalysisError, match="t: found datetime64"):
        kaplan_meier(data, duration="t", event="e")
