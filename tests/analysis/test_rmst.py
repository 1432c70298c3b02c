"""Restricted mean survival against survRM2, and where follow-up is too short."""

import numpy as np
import pandas as pd
import pytest

from qol_app.analysis.survival import rmst
from qol_app.errors import AnalysisError
from tests.analysis.survival_golden import RESULTS, assert_same, golden_data, toy


def two_arms(name: str) -> pd.DataFrame:
    data = golden_data(name)
    if name == "gbsg":
        return data.assign(arm=data["hormon"])
    return data[data["rx"] != "Lev"].assign(arm=lambda d: (d["rx"] == "Lev+5FU").astype(int))


@pytest.mark.parametrize("name", ["gbsg", "colon_death"])
@pytest.mark.parametrize("key", ["rmst_1096", "rmst_1826"])
def test_areas_differences_and_ratios_are_those_of_survrm2(name, key):
    expected = RESULTS[name][key]
    result = rmst(two_arms(name), duration="time", event="event", by="arm", tau=expected["tau"])
    arms = [expected["arm0"], expected["arm1"]]
    for column, theirs in [("rmst", "Est."), ("se", "se"), ("ci_low", "lower .95")]:
        assert_same(result.table[column], [arm[theirs] for arm in arms])
    assert_same(result.table["se"] ** 2, [expected["var0"], expected["var1"]])
    contrasts = pd.DataFrame(expected["unadjusted"])
    assert_same(
        result.contrasts[["estimate", "ci_low", "ci_high", "p_value"]],
        contrasts[["est", "lcl", "ucl", "p"]],
    )
    assert_same(result.contrasts["se"][0], expected["se_difference"])


def test_the_toy_arms_give_the_numbers_worked_out_for_them():
    """Computed with lifelines 0.30.3."""
    result = rmst(toy(), duration="month", event="died", by="arm", tau=36)
    assert_same(result.table["rmst"], [23.1111, 29.8646], 5e-6)


def test_lost_time_is_the_rest_up_to_tau():
    table = rmst(toy(), duration="month", event="died", by="arm", tau=36).table
    assert_same(table["rmst"] + table["rmtl"], [36, 36])
    assert_same(table["rmtl_ci_low"] + table["ci_high"], [36, 36])


def test_a_group_censored_before_tau_has_no_value_and_is_named():
    result = rmst(toy(), duration="month", event="died", by="arm", tau=60)
    assert np.isnan(result.table["rmst"][0])
    assert result.table["rmst"][1] > 0
    assert result.contrasts[["estimate", "p_value"]].isna().all(axis=None)
    assert result.notes == ("follow-up of 0 ends at 52, before 60",)


def test_a_group_that_all_died_before_tau_has_its_whole_mean():
    data = pd.DataFrame({"t": [10.0, 20.0, 30.0], "e": 1})
    result = rmst(data, duration="t", event="e", tau=100)
    assert result.table["rmst"].tolist() == [pytest.approx(20)]
    assert result.notes == ()


def test_nobody_lost_any_time_so_there_is_no_ratio():
    data = pd.DataFrame({"t": [40, 40], "e": [0, 0], "arm": [0, 1]})
    result = rmst(data, duration="t", event="e", by="arm", tau=36)
    assert result.table["rmst"].tolist() == [36, 36]
    assert np.isnan(result.contrasts["estimate"].iloc[2])
    assert "no events" in result.notes


def test_an_empty_table_and_an_empty_arm_give_words():
    data = pd.DataFrame({"t": [5.0], "e": [1], "arm": pd.Categorical(["a"], ["a", "b"])})
    assert rmst(data, duration="t", event="e", by="arm", tau=3).notes == ("one arm empty: b",)
    nobody = rmst(data[:0], duration="t", event="e", by="arm", tau=3)
    assert nobody.notes == ("no rows to analyse",)
    assert nobody.table["rmst"].isna().all()


def test_a_tau_that_is_no_day_and_an_unknown_reference_are_refused():
    with pytest.raises(AnalysisError, match="tau: found 0"):
        rmst(toy(), duration="month", event="died", tau=0)
    with pytest.raises(AnalysisError, match="reference of arm: found 'x'; wanted one of: 0, 1"):
        rmst(toy(), duration="month", event="died", by="arm", tau=9, reference="x")
