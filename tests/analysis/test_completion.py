"""Rates to the letter of their definitions, from the worked example to tables without anybody."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qol_app.analysis.completion import (
    NO_REASON,
    consort_flow,
    instrument_completion,
    item_missing,
    rates,
    reasons,
)
from qol_app.errors import AnalysisError

pytestmark = pytest.mark.pure

TARGET = date(2026, 6, 1)


def visit(number: int, **other) -> dict:
    row = {
        "participant": f"P{number:03}",
        "site": "S1",
        "arm": "surgery",
        "timepoint": "M6",
        "target_on": TARGET,
        "opens_on": TARGET - timedelta(28),
        "closes_on": TARGET + timedelta(28),
        "randomised": True,
        "expected": True,
        "valid": False,
        "late": False,
        "reason": None,
        "dead_on": None,
        "withdrawn_on": None,
    }
    row.update(other)
    return {**row, "pending": row["expected"] is None}


def table_of(**groups: int) -> pd.DataFrame:
    """Return so many visits of each kind."""
    kinds = {
        "valid": {"valid": True},
        "missing": {},
        "late": {"late": True},
        "dead": {"expected": False, "dead_on": TARGET - timedelta(9)},
        "withdrawn": {"expected": False, "withdrawn_on": TARGET - timedelta(9)},
        "lost": {"expected": False},
        "pending": {"expected": None},
    }
    rows = []
    for kind, number in groups.items():
        rows += [visit(len(rows) + i, **kinds[kind]) for i in range(number)]
    return pd.DataFrame(rows)


def test_the_worked_example_gives_its_three_rates():
    """100 randomised, 12 dead, 5 withdrawn, 3 not yet there, 68 valid: SISAQOL's definitions."""
    row = rates(table_of(valid=68, missing=12, dead=12, withdrawn=5, pending=3)).table.iloc[0]
    assert (row["fixed_numerator"], row["fixed_denominator"]) == (68, 100)
    assert (row["old_enough_numerator"], row["old_enough_denominator"]) == (68, 97)
    assert (row["completion_numerator"], row["completion_denominator"]) == (68, 80)
    found = [round(row[f"{name}_rate"], 1) for name in ("fixed", "old_enough", "completion")]
    assert found == [68.0, 70.1, 85.0]
    assert [row[name] for name in ("dead", "withdrawn", "pending")] == [12, 5, 3]


COUNT = st.integers(0, 6)


@settings(max_examples=40)
@given(
    valid=COUNT, missing=COUNT, late=COUNT, dead=COUNT, withdrawn=COUNT, lost=COUNT, pending=COUNT
)
def test_every_visit_has_one_outcome_and_the_counts_add_up(**groups):
    visits = table_of(**groups)
    if visits.empty:
        return
    result = rates(visits)
    row = result.table.iloc[0]
    gone = row["dead"] + row["withdrawn"] + row["not_expected_other"] + row["pending"]
    assert row["randomised"] == gone + row["expected"]
    assert row["expected"] == row["valid"] + row["late"] + row["missing"]
    assert row["expected"] == groups["valid"] + groups["late"] + groups["missing"]
    assert result.n_used == len(visits)


def test_a_late_answer_is_expected_and_not_complete():
    row = rates(table_of(valid=1, late=1)).table.iloc[0]
    assert (row["completion_numerator"], row["completion_denominator"]) == (1, 2)
    assert (row["late"], row["missing"]) == (1, 0)


def test_who_answered_validly_was_expected_even_if_the_table_denies_it():
    visits = pd.DataFrame(
        [visit(1, valid=True, expected=False, dead_on=TARGET + timedelta(3)), visit(2)]
    )
    result = rates(visits)
    assert result.table["completion_numerator"][0] == 1
    assert result.table["completion_denominator"][0] == 2
    assert result.notes == ("1 valid answers were marked as not expected and are counted",)


def test_a_valid_answer_in_an_open_window_is_judged_already():
    row = rates(pd.DataFrame([visit(1, valid=True, expected=None)])).table.iloc[0]
    assert (row["pending"], row["completion_rate"]) == (0, 100)


def test_the_fixed_denominator_is_the_same_at_every_timepoint():
    rows = [visit(i) for i in range(4)]
    rows += [visit(i, timepoint="M12", target_on=TARGET + timedelta(182)) for i in range(2)]
    table = rates(pd.DataFrame(rows)).table
    assert table["timepoint"].tolist() == ["M6", "M12"]
    assert table["fixed_denominator"].tolist() == [4, 4]


def test_of_two_assessments_for_one_timepoint_the_valid_one_counts():
    visits = pd.DataFrame([visit(1), visit(1, valid=True), visit(2)])
    result = rates(visits)
    assert result.left_out == {"second assessment of the same timepoint": 1}
    assert result.table["completion_rate"][0] == 50
    assert result.n_given == 3


def test_who_was_not_randomised_is_in_no_rate():
    visits = pd.DataFrame([visit(1, randomised=False, valid=True), visit(2, valid=True)])
    result = rates(visits)
    assert result.left_out == {"not randomised": 1}
    assert result.table["fixed_denominator"][0] == 1


@pytest.mark.parametrize(("answered", "warned"), [(17, False), (16, True), (10, True)])
def test_arms_that_differ_by_ten_points_are_pointed_out(answered, warned):
    rows = [visit(i, valid=i < 18) for i in range(20)]
    rows += [visit(100 + i, arm="control", valid=i < answered) for i in range(20)]
    result = rates(pd.DataFrame(rows), by="arm")
    assert any("differs by" in note for note in result.notes) is warned
    assert result.table["arm"].tolist() == ["control", "surgery"]


def test_pooled_rates_say_nothing_about_arms():
    rows = [visit(i, valid=True) for i in range(5)] + [visit(9, arm="control")]
    assert rates(pd.DataFrame(rows)).notes == ()
    assert "arm" not in rates(pd.DataFrame(rows)).table


def test_site_and_arm_together_give_a_row_for_each_pair():
    rows = [visit(1), visit(2, arm="control"), visit(3, site="S2")]
    table = rates(pd.DataFrame(rows), by=["site", "arm"]).table
    assert table[["site", "arm", "randomised"]].to_numpy().tolist() == [
        ["S1", "control", 1],
        ["S1", "surgery", 1],
        ["S2", "surgery", 1],
    ]


def test_an_arm_without_anybody_has_a_row_and_no_rate():
    visits = table_of(valid=2)
    visits["arm"] = pd.Categorical(visits["arm"], ["surgery", "control"])
    table = rates(visits, by="arm").table
    assert table["randomised"].tolist() == [2, 0]
    assert np.isnan(table["completion_rate"][1])


def test_an_empty_table_gives_words():
    result = rates(table_of(valid=1).iloc[:0], by="arm")
    assert result.table.empty
    assert result.notes == ("no visits of randomised participants",)


def test_reasons_are_counted_among_the_missing_and_silence_is_a_row():
    rows = [visit(1, reason="too_ill"), visit(2, reason="too_ill"), visit(3)]
    rows += [visit(4, valid=True), visit(5, late=True, reason="too_ill")]
    result = reasons(pd.DataFrame(rows))
    assert result.table["reason"].tolist() == ["too_ill", NO_REASON]
    assert result.table["n"].tolist() == [2, 1]
    assert result.table["missing"].tolist() == [3, 3]
    assert result.left_out == {"valid": 1, "answered late": 1}
    assert result.n_given == 5


def test_without_anything_missing_there_are_no_reasons():
    result = reasons(table_of(valid=2), by="arm")
    assert result.table.empty
    assert result.notes == ("no expected assessment is missing",)


def test_the_flow_adds_up_from_randomised_to_reasons():
    rows = [visit(i, valid=i < 3, reason="too_ill" if i == 4 else None) for i in range(6)]
    rows += [visit(10, arm="control", expected=False, dead_on=TARGET)]
    flow = consort_flow(pd.DataFrame(rows)).table.set_index("arm")
    assert flow.loc["surgery", "missing"] == 3
    assert flow.loc["surgery", ["reason: too_ill", f"reason: {NO_REASON}"]].tolist() == [1, 2]
    assert flow.loc["control", ["randomised", "dead", "expected"]].tolist() == [1, 1, 0]
    assert flow.loc["control", f"reason: {NO_REASON}"] == 0


def test_an_instrument_is_complete_when_every_scale_can_be_scored():
    forms = pd.DataFrame(
        {
            "instrument": ["qlq-c30"] * 3 + [None],
            "timepoint": ["M6"] * 4,
            "n_scales": [15] * 4,
            "n_scorable": [15, 14, 15, 15],
        }
    )
    result = instrument_completion(forms)
    assert result.table[["complete", "valid"]].to_numpy().tolist() == [[2, 3]]
    assert result.left_out == {"no instrument, count or group": 1}


def test_items_hidden_or_not_reached_are_not_missing():
    items = pd.DataFrame(
        {
            "instrument": "qlq-br23",
            "status": [*["ANSWERED"] * 3, "SKIPPED", "NOT_APPLICABLE", "NOT_REACHED"],
        }
    )
    result = item_missing(items)
    assert result.table[["skipped", "shown", "rate"]].to_numpy().tolist() == [[1, 4, 25]]
    assert result.left_out == {"not applicable": 1, "not reached": 1}
    assert item_missing(items, by=()).table["rate"].tolist() == [25]


def test_an_unknown_status_and_a_missing_column_are_named():
    with pytest.raises(AnalysisError, match="status: found 'BLANK'"):
        item_missing(pd.DataFrame({"status": ["BLANK"], "instrument": ["x"]}))
    with pytest.raises(AnalysisError, match="no column named 'expected'"):
        rates(table_of(valid=1).drop(columns="expected"))
