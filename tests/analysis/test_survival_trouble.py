"""Whatever the table holds, every function answers in numbers or words, never by falling over.

pytest turns warnings into errors, so a warning that escapes a library fails these too.
"""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol_app.analysis.survival import (
    cox,
    cumulative_incidence,
    difference_at,
    forest,
    kaplan_meier,
    logrank,
    rmst,
)
from qol_app.errors import AnalysisError

TIME = st.one_of(st.integers(-2, 9), st.just(math.nan), st.just(math.inf), st.just(2.5))
STATUS = st.sampled_from([0, 1, 1, 1, 2, math.nan, -1])
ARM = st.sampled_from(["a", "a", "b", "b", None])
NUMBER = st.one_of(st.integers(-1, 2), st.just(math.nan), st.just(1e9))
FACTOR = st.sampled_from(["x", "y", None])
ROWS = st.lists(st.tuples(TIME, STATUS, ARM, NUMBER, FACTOR), max_size=14)

CALLS = {
    "curve": lambda data: kaplan_meier(data, **WHAT, by="arm", times=[0, 3, 99]),
    "curve, log": lambda data: kaplan_meier(data, **WHAT, by="arm", conf_type="log"),
    "curve of all": lambda data: kaplan_meier(data, **WHAT, conf_type="plain", times=[2]),
    "difference": lambda data: difference_at(data, **WHAT, by="arm", time=3),
    "log-rank": lambda data: logrank(data, **WHAT, by="arm", strata="factor"),
    "wilcoxon": lambda data: logrank(data, **WHAT, by="arm", rho=1),
    "cox": lambda data: cox(data, **WHAT, covariates=["arm", "number"]),
    "cox, strata": lambda data: cox(
        data, **WHAT, covariates=["arm"], strata="factor", ties="breslow"
    ),
    "rmst": lambda data: rmst(data, **WHAT, by="arm", tau=4),
    "incidence": lambda data: cumulative_incidence(data, **WHAT, by="arm", times=[3]),
    "forest": lambda data: forest(data, **WHAT, arm="arm", factors=["factor", "number"]),
}
WHAT = {"duration": "time", "event": "event"}


def as_table(rows) -> pd.DataFrame:
    data = pd.DataFrame(rows, columns=["time", "event", "arm", "number", "factor"])
    return data.astype({"time": float, "event": float, "number": float})


@pytest.mark.parametrize("call", CALLS)
@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
def test_any_table_gives_a_result_that_adds_up_or_a_sentence(call, rows):
    data = as_table(rows)
    before = data.copy()
    try:
        result = CALLS[call](data)
    except AnalysisError:
        # The only thing that cannot be said in a result: there is no arm to refer to.
        assert data["arm"].isna().all() or not len(data)
        return
    assert result.n_given == len(data)
    pd.testing.assert_frame_equal(data, before)
    numbers = result.table.select_dtypes("number")
    if not numbers.notna().any(axis=None):
        assert result.notes or not result.n_used


@settings(max_examples=15, deadline=None)
@given(rows=ROWS)
def test_survival_lies_between_zero_and_one_inside_its_limits(rows):
    curve = kaplan_meier(as_table(rows), **WHAT, by="arm").curve
    assert curve["survival"].between(0, 1).all()
    known = curve[curve["ci_low"].notna()]
    assert (known["ci_low"] <= known["survival"] + 1e-12).all()
    assert (known["ci_high"] >= known["survival"] - 1e-12).all()


def test_text_for_a_duration_or_an_event_is_refused_by_value():
    data = as_table([(1, 1, "a", 0, "x")]).astype(object)
    with pytest.raises(AnalysisError, match="time: found 'a week'; wanted numbers"):
        kaplan_meier(data.assign(time="a week"), **WHAT)
    with pytest.raises(AnalysisError, match="event: found 'dead'; wanted numbers"):
        cox(data.assign(event="dead"), **WHAT, covariates=["number"])


def test_a_list_is_no_table():
    with pytest.raises(AnalysisError, match="data: found list; wanted a DataFrame"):
        kaplan_meier([1, 2], **WHAT)


def test_true_and_false_are_events_and_rows_may_share_an_index():
    data = pd.DataFrame({"time": [3, 5], "event": [True, False]}, index=[7, 7])
    result = kaplan_meier(data, **WHAT, times=[4])
    assert result.at_times["survival"].tolist() == [0.5]


def test_a_covariate_of_a_thousand_millions_is_fitted_as_well_as_one_of_units():
    random = np.random.default_rng(9)
    data = pd.DataFrame({"time": random.exponential(size=90), "event": 1})
    data["unit"] = random.normal(size=90)
    data["huge"] = data["unit"] * 1e9 + 5e9
    small, large = (cox(data, **WHAT, covariates=[name]).table.iloc[0] for name in ("unit", "huge"))
    assert large["coef"] * 1e9 == pytest.approx(small["coef"], rel=1e-6)
    assert large["p_value"] == pytest.approx(small["p_value"], rel=1e-6)
