"""From the facts of an export to analysis tables: windows, baselines, one row per visit."""

import numpy as np
import pandas as pd
import pytest

from qol_app.analysis.change import change_from_baseline
from qol_app.analysis.completion import rates
from qol_app.analysis.dataset import baselines, one_scale, pro_score, pro_visit, with_details
from qol_app.analysis.deterioration import time_to_deterioration
from qol_app.analysis.mmrm import mmrm
from qol_app.errors import AnalysisError
from tests.analysis.facts_factory import (
    make_event,
    make_participant,
    make_score,
    make_visit,
    table,
)

ONE = table(make_participant())


def scores_of(*rows, **arguments):
    visits = table(*[make_visit(r["participant"], r["timepoint"]) for r in rows])
    people = table(
        *[make_participant(name) for name in dict.fromkeys(r["participant"] for r in rows)]
    )
    return pro_score(table(*rows), visits, people, **arguments)


@pytest.mark.parametrize(
    ("expectation", "expected", "pending"),
    [
        ("expected", True, False),
        ("pending", None, True),
        ("dead", False, False),
        ("withdrawn", False, False),
        ("lost", False, False),
        ("ended", False, False),
    ],
)
def test_what_the_schedule_says_of_a_visit_becomes_its_place_in_the_rates(
    expectation, expected, pending
):
    row = pro_visit(table(make_visit(expectation=expectation, complete=False)), ONE).iloc[0]
    assert (None if pd.isna(row["expected"]) else row["expected"]) == expected
    assert row["pending"] == pending


def test_visits_no_longer_asked_for_are_no_visits_and_an_unknown_word_is_refused():
    assert pro_visit(table(make_visit(expectation="dropped"), make_visit()), ONE).shape[0] == 1
    with pytest.raises(AnalysisError, match="expectation: found 'perhaps'"):
        pro_visit(table(make_visit(expectation="perhaps")), ONE)


def test_timepoints_are_ordered_by_their_days_or_as_the_protocol_names_them():
    visits = table(*[make_visit(timepoint=code) for code in ("M6", "T0", "M3", "W6")])
    assert list(pro_visit(visits, ONE)["timepoint"].cat.categories) == ["T0", "W6", "M3", "M6"]
    named = pro_visit(visits, ONE, ["M3", "T0", "M9"])["timepoint"].cat.categories
    assert list(named) == ["M3", "T0", "W6", "M6"]


def test_the_visits_feed_the_rates_with_reasons_for_leaving():
    people = table(
        make_participant("P1"),
        make_participant("P2", death=40),
        make_participant("P3", withdrawn=60),
        make_participant("P4"),
        make_participant("P5", randomised=None),
    )
    visits = table(
        make_visit("P1"),
        make_visit("P2", expectation="dead", complete=False),
        make_visit("P3", expectation="withdrawn", complete=None),
        make_visit("P4", complete=False, late=True),
        make_visit("P5"),
    )
    result = rates(pro_visit(visits, people))
    row = result.table.iloc[0]
    counts = ["randomised", "dead", "withdrawn", "expected", "valid", "late", "missing"]
    assert row[counts].tolist() == [4, 1, 1, 2, 1, 1, 0]
    assert result.left_out == {"not randomised": 1}


@pytest.mark.parametrize(("day", "is_baseline"), [(-29, False), (-28, True), (0, True), (1, False)])
def test_the_baseline_window_includes_both_its_ends(day, is_baseline):
    found = baselines(table(make_score(timepoint="T0", day=day)), ONE)
    assert len(found) == is_baseline


def test_the_last_valid_score_before_allocation_is_the_baseline():
    found = baselines(
        table(
            make_score(timepoint="T0", value=50.0, day=-20),
            make_score(timepoint="T0", value=70.0, day=-3),
            make_score(timepoint="T0", value=None, day=-1),
            make_score(timepoint="T0", value=90.0, day=0, after_allocation=True),
        ),
        ONE,
    )
    assert found[["baseline", "baseline_day"]].to_numpy().tolist() == [[70, -3]]


def test_a_baseline_after_allocation_is_taken_only_when_asked_for_and_flagged():
    rows = table(make_score(timepoint="T0", value=90.0, after_allocation=True))
    assert baselines(rows, ONE).empty
    found = baselines(rows, ONE, after_allocation=True)
    assert found[["baseline", "baseline_flag"]].to_numpy().tolist() == [[90, "AFTER_ALLOCATION"]]


def test_scores_have_day_baseline_and_change():
    row = scores_of(make_score(timepoint="T0", value=75.0), make_score(value=60.0, day=95)).iloc[1]
    assert row[["day", "baseline", "change", "main"]].tolist() == [95, 75, -15, True]


def test_a_score_outside_a_complete_visit_is_kept_but_not_in_the_main_analysis():
    visits = table(make_visit(complete=False, late=True))
    rows = pro_score(table(make_score(late=True)), visits, ONE)
    assert rows[["main", "late"]].to_numpy().tolist() == [[False, True]]
    assert one_scale(rows, pro_visit(visits, ONE), "PF")["value"].isna().all()


def test_one_sitting_that_counts_for_two_timepoints_is_a_score_at_both():
    visits = table(
        make_visit(timepoint="T0"),
        make_visit(timepoint="M3", day=90),
        make_visit(timepoint="PD", anchor=85, day=90, counted_by="P1-M3"),
    )
    scores = table(make_score(timepoint="T0"), make_score(value=60.0, day=90))
    rows = pro_score(scores, visits, ONE)
    assert rows["timepoint"].tolist() == ["T0", "M3", "PD"]
    scale = one_scale(rows, pro_visit(visits, ONE), "PF")
    assert scale["value"].tolist() == [60, 60]
    assert time_to_deterioration(scale).table[["days", "event"]].to_numpy().tolist() == [[90, 1]]


def test_a_scale_has_a_row_for_every_randomised_participant_and_visit_after_baseline():
    people = table(
        make_participant("P1"),
        make_participant("P2", death=50),
        make_participant("P3", randomised=None),
    )
    visits = table(
        *[make_visit("P1", code) for code in ("T0", "M3", "M6")],
        make_visit("P2", "T0"),
        make_visit("P2", "M3", expectation="dead", complete=False),
        make_visit("P3", "T0"),
    )
    scores = table(
        make_score("P1", "T0"), make_score("P1", "M3", 60.0), make_score("P2", "T0", 55.0)
    )
    rows = one_scale(
        pro_score(scores, visits, people), pro_visit(visits, people), "PF", timepoints=["M3", "M6"]
    )
    assert rows[["participant", "timepoint"]].to_numpy().tolist() == [
        ["P1", "M3"],
        ["P1", "M6"],
        ["P2", "M3"],
    ]
    np.testing.assert_array_equal(rows["value"], [60, np.nan, np.nan])
    assert rows["baseline"].tolist() == [80, 80, 55]
    assert rows["death_day"].tolist()[2] == 50
    assert change_from_baseline(rows).left_out == {"no score": 2}


def test_a_scale_code_of_two_instruments_wants_the_instrument():
    scores = table(
        make_score(value=50.0), make_score(value=10.0, instrument="rand-36"), make_score("P1", "T0")
    )
    visits = table(make_visit(), make_visit(timepoint="T0"))
    rows, plan = pro_score(scores, visits, ONE), pro_visit(visits, ONE)
    with pytest.raises(AnalysisError, match="scale PF: found in qlq-c30, rand-36"):
        one_scale(rows, plan, "PF")
    assert one_scale(rows, plan, "PF", "rand-36")["value"].tolist() == [10]


def test_a_pooled_export_without_arms_still_gives_tables():
    pooled = table(make_participant(arm=None))
    visits = table(make_visit(), make_visit(timepoint="T0"))
    assert rates(pro_visit(visits, pooled)).table["valid"].tolist() == [1, 1]
    rows = pro_score(table(make_score()), visits, pooled)
    assert rows["arm"].isna().all()


def test_dates_may_be_texts_as_a_csv_holds_them():
    visits = table(make_visit(), make_visit(timepoint="T0"))
    scores = table(make_score(timepoint="T0"), make_score(value=60.0))
    plain = pro_score(scores, visits, ONE)
    text = {"randomised_on": str}
    as_text = pro_score(
        scores.astype({"answered_on": str}),
        visits.astype(dict.fromkeys(("opens_on", "target_on", "closes_on"), str)),
        ONE.astype(text),
    )
    pd.testing.assert_frame_equal(plain, as_text)
    with pytest.raises(AnalysisError, match="randomised_on: found no date"):
        pro_visit(visits, ONE.assign(randomised_on="soon"))


def test_details_come_out_of_mappings_and_of_json():
    events = table(
        make_event("P1", "adverse_event", 9, term="Fatigue", grade=2),
        {**make_event("P2", "adverse_event", 3), "details": '{"term": "Pain"}'},
        {**make_event("P3", "adverse_event", 3), "details": None},
        make_event("P1", "death", 99),
    )
    found = with_details(events, "adverse_event", ["term", "grade"])
    assert found["term"].tolist() == ["Fatigue", "Pain", None]
    assert found["grade"].tolist() == [2, None, None]
    with pytest.raises(AnalysisError, match="details: found 'term=Pain'"):
        with_details(events.assign(details="term=Pain"), "adverse_event", ["term"])


def test_a_participant_twice_and_a_missing_column_are_named():
    with pytest.raises(AnalysisError, match="participants: found P1 twice"):
        pro_visit(table(make_visit()), table(make_participant(), make_participant()))
    with pytest.raises(AnalysisError, match="no column named 'complete'"):
        pro_visit(table(make_visit()).drop(columns="complete"), ONE)


def test_empty_tables_stay_empty_tables():
    visits, scores = table(make_visit())[:0], table(make_score())[:0]
    plan, rows = pro_visit(visits, ONE), pro_score(scores, visits, ONE)
    assert plan.empty
    assert rows.empty
    assert one_scale(rows, plan, "PF").empty


def test_the_table_of_a_scale_goes_into_the_mixed_model():
    random = np.random.default_rng(3)
    people, visits, scores = [], [], []
    for number in range(30):
        name = f"P{number:02}"
        people.append(make_participant(name, "AB"[number % 2]))
        level = random.normal(70, 10)
        for timepoint in ("T0", "M3", "M6"):
            visits.append(make_visit(name, timepoint))
            value = float(np.round(level + random.normal(0, 8), 2))
            if timepoint == "T0" or random.uniform() < 0.9:
                scores.append(make_score(name, timepoint, value))
    facts = table(*scores), table(*visits), table(*people)
    rows = one_scale(pro_score(*facts), pro_visit(facts[1], facts[2]), "PF")
    result = mmrm(
        rows,
        outcome="change",
        participant="participant",
        visit="timepoint",
        arm="arm",
        covariates=["baseline"],
    )
    assert result.n_given == len(rows) == 60
    assert result.n_used == rows["change"].notna().sum()
    assert list(result.visits) == ["M3", "M6"]
