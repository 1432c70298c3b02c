"""Complications, early deaths and adverse events: counted once, at their worst, of everybody."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from qol_app.analysis.safety import clavien_dindo, ctcae, mortality_after, pro_ctcae
from qol_app.errors import AnalysisError

pytestmark = pytest.mark.pure

START = date(2026, 3, 2)


def procedure(name, seen=400, dead=None, group="resection") -> dict:
    return {
        "participant": name,
        "procedure_on": START,
        "last_seen_on": START + timedelta(seen),
        "dead_on": None if dead is None else START + timedelta(dead),
        "kind": group,
    }


def complication(name, day, grade) -> dict:
    return {"participant": name, "onset_on": START + timedelta(day), "grade": grade}


NOTHING = pd.DataFrame(columns=["participant", "onset_on", "grade"])


def count(result, horizon, grade) -> list[int]:
    table = result.table
    row = table[(table["horizon"] == horizon) & (table["grade"] == grade)].iloc[0]
    return [int(row["n"]), int(row["followed"]), int(row["not_followed"])]


@pytest.mark.parametrize(("day", "within_30", "within_90"), [(0, 1, 1), (30, 1, 1), (31, 0, 1)])
def test_the_thirtieth_day_belongs_to_the_thirty_days(day, within_30, within_90):
    result = clavien_dindo(
        pd.DataFrame([complication("P1", day, "IIIa")]), pd.DataFrame([procedure("P1")])
    )
    assert count(result, 30, "IIIa")[0] == within_30
    assert count(result, 90, "IIIa")[0] == within_90


def test_a_participant_counts_once_with_the_worst_complication():
    events = [complication("P1", 3, "II"), complication("P1", 5, "IVa"), complication("P2", 9, "I")]
    people = [procedure("P1"), procedure("P2"), procedure("P3"), procedure("P4")]
    result = clavien_dindo(pd.DataFrame(events), pd.DataFrame(people))
    assert count(result, 30, "II")[0] == 0
    assert count(result, 30, "any") == [2, 4, 0]
    assert count(result, 30, "III or more") == [1, 4, 0]
    row = result.table[(result.table["horizon"] == 30) & (result.table["grade"] == "any")].iloc[0]
    low, high = proportion_confint(2, 4, method="wilson")
    expected = [50, 100 * low, 100 * high]
    assert row[["percent", "ci_low", "ci_high"]].tolist() == pytest.approx(expected)


def test_who_was_not_seen_long_enough_is_in_no_denominator_unless_something_happened():
    people = [procedure("P1", seen=20), procedure("P2", seen=20), procedure("P3", seen=60)]
    events = pd.DataFrame([complication("P1", 4, "I")])
    result = clavien_dindo(events, pd.DataFrame(people))
    assert count(result, 30, "any") == [1, 2, 1]
    assert count(result, 90, "any") == [1, 1, 2]


def test_a_death_without_a_fatal_complication_is_pointed_out():
    result = clavien_dindo(NOTHING, pd.DataFrame([procedure("P1", seen=10, dead=10)]))
    assert result.notes == ("1 died within 90 days without a complication of grade V",)
    assert count(result, 90, "any") == [0, 1, 0]


def test_complications_that_belong_to_nobody_are_counted():
    events = pd.DataFrame(
        [
            complication("P9", 1, "I"),
            complication("P1", -1, "I"),
            complication("P1", 100, "I"),
            {"participant": "P1", "onset_on": None, "grade": "I"},
            {"participant": "P1", "onset_on": START, "grade": None},
        ]
    )
    people = pd.DataFrame(
        [procedure("P1"), procedure("P1"), {**procedure("P2"), "procedure_on": None}]
    )
    result = clavien_dindo(events, people)
    assert result.events_left_out == {
        "no participant with a procedure": 1,
        "no date of onset": 1,
        "no grade": 1,
        "before the procedure": 1,
        "after day 90": 1,
    }
    assert result.left_out == {
        "no date of procedure": 1,
        "later procedure of the same participant": 1,
    }
    assert result.n_given == 3


@pytest.mark.parametrize(("dead", "counted"), [(90, 1), (91, 0)])
def test_mortality_includes_the_ninetieth_day(dead, counted):
    people = pd.DataFrame([procedure("P1", seen=dead, dead=dead), procedure("P2")])
    table = mortality_after(people).table
    assert table[["dead", "followed"]].to_numpy().tolist() == [[counted, 2]]


def test_mortality_leaves_out_who_is_alive_but_not_seen_for_so_long():
    people = pd.DataFrame([procedure("P1", seen=89), procedure("P2", group="ablation")])
    result = mortality_after(people, by="kind")
    assert result.left_out == {"not followed for 90 days": 1}
    assert result.n_given == 2
    assert result.table["group"].tolist() == ["ablation", "resection"]
    assert np.isnan(result.table["percent"][1])


PEOPLE = pd.DataFrame({"participant": ["P1", "P2", "P3", "P4"], "arm": ["a", "a", "b", "b"]})


def test_adverse_events_count_participants_at_their_worst_grade_and_all_events():
    events = pd.DataFrame(
        [
            ["P1", "Fatigue", 1],
            ["P1", "Fatigue", 3],
            ["P1", "Nausea", 2],
            ["P3", "Fatigue", 5],
            ["P9", "Fatigue", 1],
            ["P2", None, 1],
            ["P2", "Pain", None],
        ],
        columns=["participant", "term", "grade"],
    )
    result = ctcae(events, PEOPLE)
    table = result.table.set_index(["term", "group"])
    any_a = table.loc[("any", "a")]
    assert any_a[["participants", "events", "with_event", "grade_3"]].tolist() == [2, 3, 1, 1]
    assert table.loc[("Fatigue", "a"), ["grade_1", "grade_3"]].tolist() == [0, 1]
    assert table.loc[("Fatigue", "b"), "percent_grade_3_or_more"] == 50
    assert table.loc[("Nausea", "b"), "with_event"] == 0
    assert result.events_left_out == {
        "not in the safety population": 1,
        "no term": 1,
        "no grade": 1,
    }


def test_participants_grades_stand_apart_and_are_adjusted_for_baseline():
    grades = pd.DataFrame(
        [
            ["P1", "pain", 2, True],
            ["P1", "pain", 2, False],
            ["P1", "pain", 1, False],
            ["P2", "pain", 1, True],
            ["P2", "pain", 3, False],
            ["P3", "pain", 2, False],
        ],
        columns=["participant", "term", "grade", "baseline"],
    )
    result = pro_ctcae(grades, PEOPLE)
    table = result.table.set_index("group")
    assert table.loc["a", [f"grade_{g}" for g in range(4)]].tolist() == [0, 0, 1, 1]
    assert table.loc["a", [f"adjusted_{g}" for g in range(4)]].tolist() == [1, 0, 0, 1]
    assert table.loc["b", ["participants", "answered", "answered_both"]].tolist() == [2, 1, 0]
    assert result.notes[0] == "grades reported by participants, not CTCAE grades"


def test_without_events_or_people_there_are_words():
    none = pd.DataFrame(columns=["participant", "term", "grade", "baseline"])
    assert ctcae(none, PEOPLE).table["with_event"].tolist() == [0, 0]
    assert ctcae(none, PEOPLE[:0]).notes == ("no participant",)
    assert pro_ctcae(none, PEOPLE).table.empty
    nobody = pd.DataFrame([procedure("P1")])[:0]
    assert clavien_dindo(NOTHING, nobody).notes == ("no procedure",)
    assert mortality_after(nobody).table.empty


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: clavien_dindo(
                pd.DataFrame([complication("P1", 1, "3a")]), pd.DataFrame([procedure("P1")])
            ),
            "grade: found '3a'; wanted one of: I, II, IIIa",
        ),
        (
            lambda: ctcae(pd.DataFrame({"participant": ["P1"], "term": "x", "grade": 6}), PEOPLE),
            "grade: found .*6.*; wanted one of: 1, 2, 3, 4, 5",
        ),
        (lambda: mortality_after(PEOPLE), "no column named 'procedure_on'"),
    ],
)
def test_a_grade_that_does_not_exist_is_refused(call, message):
    with pytest.raises(AnalysisError, match=message):
        call()
