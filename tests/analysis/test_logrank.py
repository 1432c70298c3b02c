"""The log-rank family against R, and without enough to compare."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.duration.survfunc import survdiff

from qol_app.analysis.survival import logrank
from qol_app.errors import AnalysisError
from tests.analysis.survival_golden import BY, RESULTS, SETS, assert_same, golden_data, toy

STRATA = {"gbsg": "grade", "colon_death": "extent"}
TESTS = {
    "logrank": lambda name: {},
    "logrank_stratified": lambda name: {"strata": STRATA[name]},
    "peto_rho1": lambda name: {"rho": 1},
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("test", TESTS)
def test_chi_square_observed_and_expected_are_those_of_r(name, test):
    expected = RESULTS[name][test]
    result = logrank(
        golden_data(name), duration="time", event="event", by=BY[name], **TESTS[test](name)
    )
    assert result.df == expected["df"]
    assert_same([result.chisq, result.p_value], [expected["chisq"], expected["p"]])
    for column in ("n", "observed", "expected"):
        assert_same(result.table[column], expected[column])


def test_the_toy_arms_give_the_numbers_worked_out_for_them():
    """Computed with lifelines 0.30.3."""
    result = logrank(toy(), duration="month", event="died", by="arm")
    assert (round(result.chisq, 4), round(result.p_value, 3)) == (2.9288, 0.087)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), rho=st.sampled_from([0, 1]), stratified=st.booleans())
def test_generated_data_give_the_chi_square_of_statsmodels(seed, rho, stratified):
    random = np.random.default_rng(seed)
    data = pd.DataFrame(
        {
            "t": random.integers(1, 12, 60),
            "e": random.integers(0, 2, 60),
            "g": random.integers(0, 3, 60),
            "s": random.integers(0, 2, 60),
        }
    )
    result = logrank(
        data, duration="t", event="e", by="g", rho=rho, strata=["s"] if stratified else ()
    )
    weights = {"weight_type": "fh", "fh_p": 1} if rho else {}
    strata = data["s"] if stratified else None
    with warnings.catch_warnings(action="ignore"):
        chisq, p_value = survdiff(data["t"], data["e"], data["g"], strata=strata, **weights)
    assert_same([result.chisq, result.p_value], [chisq, p_value], 1e-8)


@pytest.mark.parametrize(
    ("data", "note"),
    [
        ({"t": [1, 2], "e": [0, 0], "g": ["a", "b"]}, "no events"),
        ({"t": [1, 2], "e": [1, 1], "g": ["a", "a"]}, "no test"),
        ({"t": [5, 6, 1, 2], "e": [1, 1, 0, 0], "g": ["a", "a", "b", "b"]}, "no events in b"),
        ({"t": [], "e": [], "g": []}, "no rows to analyse"),
        ({"t": [1], "e": [1], "g": ["a"]}, "no test"),
    ],
)
def test_too_little_to_compare_gives_words_and_no_number(data, note):
    result = logrank(pd.DataFrame(data), duration="t", event="e", by="g")
    assert np.isnan(result.chisq)
    assert np.isnan(result.p_value)
    assert any(note in one for one in result.notes)


def test_an_empty_arm_does_not_count_as_a_degree_of_freedom():
    data = toy()
    data["arm"] = pd.Categorical(data["arm"], categories=[0, 1, 2])
    result = logrank(data, duration="month", event="died", by="arm")
    assert result.df == 1
    assert result.notes == ("one arm empty: 2",)


def test_a_negative_rho_is_refused():
    with pytest.raises(AnalysisError, match="rho: found -1"):
        logrank(toy(), duration="month", event="died", by="arm", rho=-1)
