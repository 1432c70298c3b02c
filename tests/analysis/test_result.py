"""Every row given to an analysis is used or counted under one reason."""

import numpy as np
import pandas as pd
import pytest

from qol_app.analysis.deterioration import time_to_deterioration
from qol_app.analysis.result import (
    AnalysisResult,
    names_of,
    numbers,
    ordered_levels,
    require_columns,
    sift,
)
from qol_app.analysis.survival import (
    cox,
    events_needed,
    forest,
    hazard_ratio_of,
    kaplan_meier,
    logrank,
    power_of,
    rmst,
)
from qol_app.errors import AnalysisError
from tests.analysis.mmrm_data import fit_table, make_trial

pytestmark = pytest.mark.pure


def test_a_row_with_two_faults_is_counted_once_under_the_first():
    data = pd.DataFrame({"a": [1, np.nan, np.nan, 4], "b": [1, 2, np.nan, np.nan]})
    used, left_out = sift(data, {"no a": data["a"].isna(), "no b": data["b"].isna()})
    assert left_out == {"no a": 2, "no b": 1}
    result = AnalysisResult(table=used, n_used=len(used), left_out=left_out)
    assert result.n_given == len(data)


def test_a_reason_that_holds_for_nobody_is_not_mentioned():
    data = pd.DataFrame({"a": [1.0]})
    assert sift(data, {"no a": data["a"].isna()})[1] == {}


def test_a_missing_column_is_named_with_the_ones_there_are():
    with pytest.raises(AnalysisError, match="no column named 'time'; wanted one of: a, b"):
        require_columns(pd.DataFrame({"a": [], "b": []}), "a", None, "time")


def test_a_column_that_stands_twice_is_refused():
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(AnalysisError, match="two columns named 'a'"):
        require_columns(twice, "a")


def test_text_among_numbers_is_named_and_missing_stays_missing():
    assert numbers(pd.DataFrame({"t": [1, None, True]}), "t").isna().tolist() == [
        False,
        True,
        False,
    ]
    with pytest.raises(AnalysisError, match="t: found 'soon'; wanted numbers"):
        numbers(pd.DataFrame({"t": [1, "soon"]}), "t")


def test_levels_keep_the_order_of_categories_and_the_empty_ones():
    arms = pd.Categorical(["control", None], categories=["surgery", "control"])
    assert ordered_levels(pd.Series(arms)) == ["surgery", "control"]
    assert ordered_levels(pd.Series(["b", None, "a", "b"])) == ["a", "b"]
    assert ordered_levels(pd.Series([2, 10, 1])) == [1, 2, 10]


@pytest.mark.parametrize(
    ("columns", "wrong"), [(5, "found 5; wanted names"), (["a", "a"], "found 'a' twice")]
)
def test_names_that_are_none_are_refused_by_the_argument_they_were_given_for(columns, wrong):
    with pytest.raises(AnalysisError, match=f"^strata: {wrong}"):
        names_of(columns, "strata")


def test_a_column_named_by_itself_is_one_column_and_none_is_none():
    assert names_of("base") == ("base",)
    assert names_of(["a", "b"]) == ("a", "b")
    assert names_of(None) == ()


# Whole tables of what is asked wrongly: each answered by one sentence that names it.
PEOPLE = pd.DataFrame(
    {"t": [1.0, 2, 3, 4], "e": [1, 0, 1, 1], "arm": list("abab"), "x": list("ccdd")}
)
TRIAL = make_trial(30, ["W6", "M3"], seed=1)
SURVIVAL = {"duration": "t", "event": "e"}
ANSWERS = pd.DataFrame(
    {"participant": [1, 1], "day": [9, 90], "value": [80.0, 60], "baseline": 80.0}
)
WRONG = {
    "tau: found 'x'": lambda: rmst(PEOPLE, **SURVIVAL, by="arm", tau="x"),
    "level: found '95'": lambda: kaplan_meier(PEOPLE, **SURVIVAL, level="95"),
    r"found \['arm', 'x'\]; wanted the name of one column": lambda: kaplan_meier(
        PEOPLE, **SURVIVAL, by=["arm", "x"]
    ),
    "rho: found 'x'": lambda: logrank(PEOPLE, **SURVIVAL, by="arm", rho="x"),
    "hazard_ratio: found 'x'": lambda: events_needed("x"),
    "events: found None": lambda: power_of(None, 0.6),
    "survival: found 'x'": lambda: hazard_ratio_of("x", 0.4),
    "threshold: found None": lambda: time_to_deterioration(ANSWERS, threshold=None),
    "threshold: found '10'": lambda: time_to_deterioration(ANSWERS, threshold="10"),
    "at: base: found 'x'": lambda: fit_table(TRIAL, at={"base": "x"}),
    "no column named 'site'": lambda: forest(PEOPLE, **SURVIVAL, arm="arm", factors="site"),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_a_wrong_argument_is_named_in_one_sentence(sentence):
    with pytest.raises(AnalysisError, match=sentence) as told:
        WRONG[sentence]()
    assert "\n" not in str(told.value)


def test_one_name_or_none_is_taken_for_a_list_of_names():
    one = cox(PEOPLE, **SURVIVAL, covariates="arm", strata=None)
    many = cox(PEOPLE, **SURVIVAL, covariates=["arm"], strata=())
    pd.testing.assert_frame_equal(one.table, many.table)
    alone = fit_table(TRIAL, covariates="base").table
    pd.testing.assert_frame_equal(alone, fit_table(TRIAL, covariates=["base"]).table)
    assert forest(PEOPLE, **SURVIVAL, arm="arm", factors="x").interactions["factor"].tolist() == [
        "x"
    ]
    assert logrank(PEOPLE, **SURVIVAL, by="arm", strata=None).n_used == 4
