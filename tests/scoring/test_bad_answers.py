"""What is no answer is refused by row, column, value and what is allowed; nothing is guessed."""

import numpy as np
import pandas as pd
import pytest

from qol_app.definition.instrument import Instrument
from qol_app.errors import DefinitionError, ResponseError
from qol_app.scoring import score, score_form
from qol_app.scoring.answers import BLOCK_ROWS, BadAnswer, without_out_of_range


def _forms(instrument: Instrument, n: int = 3) -> pd.DataFrame:
    return pd.DataFrame({item.code: np.full(n, float(item.first)) for item in instrument.items})


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5.0, "5"),
        (0.0, "0"),
        (-1.0, "-1"),
        (2.5, "2.5"),
        (1e-9, "1e-09"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (65538.0, "65538"),  # wraps to 2 in sixteen bits
        (4294967298.0, "4294967298"),
        (1e300, "1e+300"),
        (-32768.0, "-32768"),
    ],
)
@pytest.mark.parametrize("row", [0, 1, BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 5])
def test_a_number_that_is_no_code_is_refused_wherever_it_stands(instrument, value, shown, row):
    forms = _forms(instrument("qlq-c30"), BLOCK_ROWS + 6)
    forms.loc[row, "q12"] = value
    with pytest.raises(BadAnswer) as caught:
        score(instrument("qlq-c30"), forms)
    assert (caught.value.row, caught.value.item.code) == (row, "q12")
    assert str(caught.value) == (
        f"row {row + 1}, column q12: found {shown}; wanted a whole number from 1 to 4, "
        "or nothing where it is missing"
    )


@pytest.mark.parametrize(("item", "last"), [("q28", 4), ("q29", 7)])
def test_each_item_has_its_own_range(instrument, item, last):
    forms = _forms(instrument("qlq-c30"))
    forms[item] = float(last)
    assert score(instrument("qlq-c30"), forms).notna().all(axis=None)
    forms[item] = last + 1.0
    with pytest.raises(BadAnswer, match=f"column {item}: found {last + 1}"):
        score(instrument("qlq-c30"), forms)


@pytest.mark.parametrize("value", ["2", "two", "", True, b"2", [2], pd.Timestamp("2026-01-01")])
def test_what_is_not_a_number_is_refused(instrument, value):
    forms = _forms(instrument("qlq-c30")).astype(object)
    forms.at[1, "q3"] = value
    with pytest.raises(BadAnswer, match="row 2, column q3: found"):
        score(instrument("qlq-c30"), forms)


def test_a_column_of_truth_values_is_refused(instrument):
    forms = _forms(instrument("qlq-c30")).assign(q3=[True, False, True])
    with pytest.raises(BadAnswer, match="row 1, column q3: found True"):
        score(instrument("qlq-c30"), forms)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, float("nan")])
def test_every_way_of_saying_nothing_is_missing(instrument, missing):
    forms = _forms(instrument("qlq-c30")).astype(object)
    forms.at[1, "q8"] = missing
    assert score(instrument("qlq-c30"), forms)["DY"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    "dtype", ["int8", "int64", "float32", "Int64", "Float64", "int64[pyarrow]", "object"]
)
def test_any_numeric_type_gives_the_same_scores(instrument, dtype):
    c30 = instrument("qlq-c30")
    forms = _forms(c30)
    pd.testing.assert_frame_equal(score(c30, forms.astype(dtype)), score(c30, forms))


def test_missing_and_repeated_columns_are_named(instrument):
    forms = _forms(instrument("qlq-c30"))
    with pytest.raises(ResponseError, match="qlq-c30: found no column q7, q30; wanted 30 item"):
        score(instrument("qlq-c30"), forms.drop(columns=["q7", "q30"]))
    twice = pd.concat([forms, forms[["q7"]]], axis=1)
    with pytest.raises(ResponseError, match="column q7: found 2 times; wanted it once"):
        score(instrument("qlq-c30"), twice)


def test_a_library_needs_whole_terms_and_at_least_one(instrument):
    library = instrument("pro-ctcae")
    with pytest.raises(ResponseError, match="found no column 48_severity, 48_interference"):
        score(library, pd.DataFrame({"48_frequency": [1.0]}))
    with pytest.raises(ResponseError, match="found no column of any item"):
        score(library, pd.DataFrame({"x": [1.0]}))
    assert list(score(library, pd.DataFrame({"1_severity": [1.0], "x": ["a"]}))) == ["1_GRADE"]


def test_an_unknown_value_set_is_refused_by_name(instrument):
    forms = _forms(instrument("eq-5d-5l"))
    with pytest.raises(DefinitionError, match="no value set 'SE'; known: SE_EBS_TTO_2020"):
        score(instrument("eq-5d-5l"), forms, value_sets=["SE"])


def test_facit_codes_8_and_9_stand_for_missing(instrument):
    fact = instrument("fact-g")
    forms = _forms(fact, 2)
    forms.loc[0, ["GP1", "GS7"]] = 8.0
    forms.loc[1, ["GP1", "GS7"]] = 9.0
    empty = _forms(fact, 2)
    empty.loc[:, ["GP1", "GS7"]] = np.nan
    pd.testing.assert_frame_equal(score(fact, forms), score(fact, empty))
    forms.loc[0, "GP1"] = 7.0
    with pytest.raises(BadAnswer, match="row 1, column GP1: found 7"):
        score(fact, forms)


def test_out_of_range_may_be_taken_as_missing_and_is_counted(instrument):
    c30 = instrument("qlq-c30")
    forms = _forms(c30)
    forms.loc[0, "q8"], forms.loc[1, "q8"], forms.loc[2, "q29"] = 5.0, 0.0, 9.0
    cleaned, counts = without_out_of_range(c30, forms)
    assert counts == {"q8": 2, "q29": 1}
    assert score(c30, cleaned)["DY"].isna().tolist() == [True, True, False]
    assert forms.loc[0, "q8"] == 5.0
    forms.loc[0, "q8"] = 2.5
    with pytest.raises(BadAnswer, match=r"found 2\.5"):
        score(c30, without_out_of_range(c30, forms)[0])


def test_no_forms_give_no_scores(instrument):
    scores = score(instrument("eq-5d-5l"), _forms(instrument("eq-5d-5l"), 0))
    assert scores.shape[0] == 0
    assert "PROFILE" in scores


def test_answers_are_not_changed_and_the_index_is_kept(instrument):
    br23 = instrument("qlq-br23")
    forms = _forms(br23)
    forms["q35"], forms.index = 3.0, pd.Index(["a", "b", "c"], name="form")
    before = forms.copy()
    scores = score(br23, forms, provenance=True)
    pd.testing.assert_frame_equal(forms, before)
    pd.testing.assert_index_equal(scores.index, forms.index)


def test_provenance_tells_missing_from_not_applicable(instrument):
    br23 = instrument("qlq-br23")
    forms = _forms(br23, 4)
    forms["q34"] = [1.0, 2.0, np.nan, 1.0]
    forms["q35"], forms["q46"] = [np.nan, np.nan, np.nan, 4.0], np.nan
    scores = score(br23, forms, provenance=True)
    assert scores["BRHL"].isna().all()
    assert scores["BRHL_N"].tolist() == [0, 0, 0, 0]
    assert scores["BRHL_NA"].tolist() == [1, 0, 0, 1]
    assert scores["BRHL_EXPECTED"].tolist() == [1, 1, 1, 1]
    assert scores["AGAINST_CONDITION"].tolist() == [0, 0, 0, 1]
    assert scores["BRST_N"].tolist() == [7, 7, 6, 7]
    assert set(scores["DEFINITION_SHA256"]) == {br23.sha256}


def test_one_form_scores_as_it_does_among_many(instrument):
    c30 = instrument("qlq-c30")
    one = score_form(c30, {"q8": 3, "q29": 5, "q30": None})
    assert (one["DY"], one["QL"]) == (pytest.approx(200 / 3), pytest.approx(200 / 3))
    assert one["PF"] is None
