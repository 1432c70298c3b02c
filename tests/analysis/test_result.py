"""Every row given to an analysis is used or counted under one reason."""

import numpy as np
import pandas as pd
import pytest

from qol_app.analysis.result import (
    AnalysisResult,
    numbers,
    ordered_levels,
    require_columns,
    sift,
)
from qol_app.errors import AnalysisError

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
