"""Hazard ratios, tests, proportional hazards and concordance against R, and where there is none."""

import re
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.hazard_regression import PHReg

from qol_app.analysis.survival import CoxResult, cox
from qol_app.errors import AnalysisError
from tests.analysis.survival_golden import RESULTS, SETS, assert_same, golden_data, toy

MODELS = [(name, key) for name in SETS for key in RESULTS[name] if key.startswith("cox")]


@cache
def fitted(name: str, key: str) -> tuple[CoxResult, dict[str, Any]]:
    expected = RESULTS[name][key]
    strata = re.findall(r"strata\((\w+)\)", expected["formula"])
    main = re.sub(r"\+ strata\(\w+\)", "", expected["formula"])
    result = cox(
        golden_data(name),
        duration="time",
        event="event",
        covariates=[term.strip() for term in main.split("+")],
        strata=strata,
        ties=expected["ties"],
    )
    return result, expected


@pytest.mark.parametrize(("name", "key"), MODELS)
def test_coefficients_and_their_covariance_are_those_of_r(name, key):
    result, expected = fitted(name, key)
    coef = pd.DataFrame(expected["coef"])
    assert result.table["term"].tolist() == coef["term"].tolist()
    assert_same(
        result.table[["coef", "se", "z", "p_value", "hazard_ratio", "ci_low", "ci_high"]],
        coef[["coef", "se", "z", "p", "hr", "lcl", "ucl"]],
    )
    assert_same(result.vcov, expected["vcov"])
    assert (result.n_used, result.n_events) == (expected["n"], expected["events"])


@pytest.mark.parametrize(("name", "key"), MODELS)
def test_tests_of_the_whole_model_are_those_of_r(name, key):
    result, expected = fitted(name, key)
    theirs = [expected[test] for test in ("lrt", "wald", "score")]
    assert_same([result.loglik, result.loglik_null], [expected["loglik"], expected["loglik_null"]])
    assert_same(result.tests["p_value"], [test["pvalue"] for test in theirs])
    assert result.tests["df"].tolist() == [test["df"] for test in theirs]
    assert_same(result.tests["chisq"][[0, 2]], [theirs[0]["test"], theirs[2]["test"]])
    # R's summary rounds this one.
    assert round(result.tests["chisq"][1], 2) == theirs[1]["test"]


@pytest.mark.parametrize(("name", "key"), MODELS)
def test_concordance_and_its_error_are_those_of_r(name, key):
    result, expected = fitted(name, key)
    assert_same(
        [result.concordance, result.concordance_se],
        [expected["concordance"], expected["concordance_se"]],
    )


@pytest.mark.parametrize(("name", "key"), MODELS)
def test_proportional_hazards_are_tested_as_by_cox_zph_of_r(name, key):
    result, expected = fitted(name, key)
    theirs = pd.DataFrame(expected["zph"]).rename(columns={"p": "p_value"})
    found = result.proportional_hazards
    pd.testing.assert_frame_equal(
        found[["transform", "term"]], theirs[["transform", "term"]], check_dtype=False
    )
    assert_same(found[["chisq", "df", "p_value"]], theirs[["chisq", "df", "p_value"]])


def test_participants_without_a_covariate_are_left_out_and_counted():
    result, _ = fitted("colon_death", "cox_adjusted")
    assert result.left_out == {"no nodes": 18}
    assert result.n_given == 929


def test_the_toy_arms_give_the_numbers_worked_out_for_them():
    """Computed with lifelines 0.30.3."""
    result = cox(toy(), duration="month", event="died", covariates=["arm"])
    row = result.table.iloc[0]
    found = row[["coef", "hazard_ratio", "se", "ci_low", "ci_high", "p_value"]]
    assert_same(found, [-0.8923, 0.4097, 0.5385, 0.1426, 1.1772, 0.0975], 5e-4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), ties=st.sampled_from(["efron", "breslow"]))
def test_at_the_estimate_the_score_is_zero_and_no_neighbour_is_likelier(seed, ties):
    random = np.random.default_rng(seed)
    data = pd.DataFrame({"t": random.integers(1, 15, 80), "e": random.integers(0, 2, 80)})
    data["x"], data["z"] = random.normal(50, 20, 80), random.integers(0, 2, 80)
    result = cox(data, duration="t", event="e", covariates=["x", "z"], ties=ties)
    model = PHReg(data["t"], data[["x", "z"]], data["e"], ties=ties)
    coef = result.table["coef"].to_numpy()
    assert np.abs(model.score(coef)).max() < 1e-6
    assert model.loglike(coef) == pytest.approx(result.loglik, rel=1e-10)
    for nudge in np.vstack([np.eye(2), -np.eye(2)]) * 1e-3:
        assert model.loglike(coef + nudge) < result.loglik


def test_the_reference_of_a_category_can_be_named():
    data = golden_data("colon_death").assign(rx=lambda d: d["rx"].astype(str))
    arguments = {"duration": "time", "event": "event", "covariates": ["rx"]}
    by_name = cox(data, **arguments, references={"rx": "Obs"})
    assert by_name.table["term"].tolist() == ["rxLev", "rxLev+5FU"]
    first = cox(data, **arguments)
    assert first.table["reference"].tolist() == ["Lev", "Lev"]
    with pytest.raises(AnalysisError, match="reference of rx: found 'Nobody'"):
        cox(data, **arguments, references={"rx": "Nobody"})


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_separation_is_named_and_has_no_finite_ratio_but_a_likelihood_ratio_test(ties):
    ages = np.random.default_rng(1).permutation(range(50, 74))
    data = toy().assign(died=lambda d: d["died"] * (d["arm"] == 0), age=ages)
    result = cox(data, duration="month", event="died", covariates=["arm", "age"], ties=ties)
    arm, age = result.table.iloc[0], result.table.iloc[1]
    assert arm["hazard_ratio"] == 0
    assert arm[["se", "ci_low", "ci_high", "p_value"]].isna().all()
    assert any(note.startswith("separation: the hazard ratio of arm") for note in result.notes)
    assert result.tests["p_value"][0] < 0.05
    assert result.proportional_hazards.empty
    # With the other arm never at risk of anything, only this one speaks of age.
    alone = cox(
        data[data["arm"] == 0], duration="month", event="died", covariates=["age"], ties=ties
    )
    assert_same(age[["coef", "se"]], alone.table.loc[0, ["coef", "se"]], 1e-6)


def test_separation_by_a_perfect_order_is_found_too():
    data = pd.DataFrame({"t": range(1, 11), "e": 1, "x": range(10, 0, -1)})
    result = cox(data, duration="t", event="e", covariates=["x"])
    assert result.table["hazard_ratio"].tolist() == [np.inf]
    assert result.table["p_value"].isna().all()


def test_a_strong_but_finite_effect_is_no_separation():
    random = np.random.default_rng(4)
    x = random.normal(size=400)
    data = pd.DataFrame({"x": x, "t": random.exponential(np.exp(-4 * x)), "e": 1})
    result = cox(data, duration="t", event="e", covariates=["x"])
    assert result.notes == ()
    assert result.table["coef"][0] == pytest.approx(4, abs=3 * result.table["se"][0])


@pytest.mark.parametrize(
    ("data", "note"),
    [
        ({"t": [1, 2], "e": [0, 0], "x": [1, 2]}, "no events"),
        ({"t": [], "e": [], "x": []}, "no rows to analyse"),
        ({"t": [None, None], "e": [1, 1], "x": [1, 2]}, "no rows to analyse"),
        ({"t": [4], "e": [1], "x": [3]}, "nothing to estimate: no variation in x"),
        ({"t": [4, 5, 6], "e": [1, 1, 0], "x": [3, 3, 3]}, "nothing to estimate"),
        ({"t": [1, 2, 9], "e": [0, 0, 1], "x": [1, 2, 3]}, "nothing to estimate"),
    ],
)
def test_where_nothing_can_be_estimated_words_stand_for_numbers(data, note):
    result = cox(pd.DataFrame(data), duration="t", event="e", covariates=["x"])
    numbers = ["coef", "se", "hazard_ratio", "ci_low", "ci_high", "p_value"]
    assert result.table[numbers].isna().all(axis=None)
    assert result.tests["p_value"].isna().all()
    assert any(note in one for one in result.notes)
    assert result.n_given == len(data["t"])


def test_an_empty_arm_leaves_a_row_without_numbers_and_the_rest_as_it_was():
    data = golden_data("colon_death")
    full = cox(data[data["rx"] != "Lev"], duration="time", event="event", covariates=["rx"])
    assert full.table["term"].tolist() == ["rxLev", "rxLev+5FU"]
    assert np.isnan(full.table["coef"][0])
    assert full.notes == ("rxLev is not estimated: nothing of it beside the other terms",)
    two = data[data["rx"] != "Lev"].assign(rx=lambda d: d["rx"].cat.remove_unused_categories())
    alone = cox(two, duration="time", event="event", covariates=["rx"])
    assert_same(full.table["coef"][1], alone.table["coef"][0])
    assert full.tests["df"].tolist() == [1, 1, 1]


def test_a_covariate_that_repeats_another_is_named_and_changes_nothing():
    data = golden_data("gbsg").assign(age_in_months=lambda d: d["age"] * 12)
    twice = cox(data, duration="time", event="event", covariates=["age", "age_in_months"])
    once = cox(data, duration="time", event="event", covariates=["age"])
    assert np.isnan(twice.table["coef"][1])
    assert_same(twice.table["coef"][0], once.table["coef"][0])


def test_an_event_on_day_zero_leaves_the_logarithm_of_time_out_of_the_check():
    data = toy().assign(month=lambda d: d["month"] - d["month"].min())
    checks = cox(data, duration="month", event="died", covariates=["arm"]).proportional_hazards
    unknown = checks.loc[checks["p_value"].isna(), "transform"].unique().tolist()
    assert unknown == ["log"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ties": "exact"}, "ties: found 'exact'; wanted one of: efron, breslow"),
        ({"covariates": []}, "covariates: found none"),
        ({"covariates": ["sex"]}, "no column named 'sex'"),
        ({"strata": "site"}, "no column named 'site'"),
    ],
)
def test_a_wrong_argument_is_named_with_what_was_wanted(wrong, message):
    arguments = {"duration": "month", "event": "died", "covariates": ["arm"], **wrong}
    with pytest.raises(AnalysisError, match=message):
        cox(toy(), **arguments)
