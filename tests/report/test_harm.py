"""Safety tables count adverse events as they are recorded: text details, as JSON or mappings."""

import json
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from qol_app.definition.instrument import load_instrument
from qol_app.i18n import translations
from qol_app.report.harm import safety
from qol_app.report.page import grid
from qol_app.report.speech import Speech
from tests.report.made_report import QUESTIONNAIRES, made_data, made_facts


def days_after(start, days):
    return pd.Timestamp(start).date() + timedelta(days=days)


def happened(person, kind, days, **details):
    return {
        "participant": person.participant,
        "kind": kind,
        "happened_on": days_after(person.randomised_on, days),
        "details": json.dumps(details),
    }


@pytest.fixture(scope="module")
def harmed():
    """Return facts of two in arm A and one in arm B with adverse events."""
    facts = made_facts(n=24)
    people = facts.participants
    [first, second] = people[people["arm"] == "A"].head(2).itertuples()
    [other] = people[people["arm"] == "B"].head(1).itertuples()
    added = [
        happened(first, "liver_procedure", 5),
        happened(second, "liver_procedure", 5),
        happened(first, "adverse_event", 8, term="Leak", grade="3", clavien_dindo="IIIa"),
        happened(first, "adverse_event", 9, term="Leak", grade="2", clavien_dindo="II"),
        happened(second, "adverse_event", 9, term="Nausea", grade="1"),
        happened(other, "adverse_event", 9, term="Nausea", grade="4"),
        # Recorded before the protocol asked for more than the day.
        happened(other, "adverse_event", 9),
    ]
    events = pd.concat([facts.events, pd.DataFrame(added)], ignore_index=True)
    return replace(facts, events=events)


@pytest.fixture(scope="module")
def tables(harmed):
    """Return the safety tables and notes."""
    section = safety(made_data(harmed))
    assert not any("could not be computed" in one for one in section.notes), section.notes
    return {one.name: one.frame for one in section.tables}, " ".join(section.notes)


def test_each_participant_counts_once_at_the_worst_grade_of_each_term(tables):
    table = tables[0]["ctcae"].set_index(["term", "group"])
    names = ["events", "with_event", *(f"grade_{one}" for one in range(1, 6))]
    assert table.loc[("Leak", "A"), names].tolist() == [2, 1, 0, 0, 1, 0, 0]
    assert table.loc[("Nausea", "A"), names].tolist() == [1, 1, 1, 0, 0, 0, 0]
    assert table.loc[("Nausea", "B"), names].tolist() == [1, 1, 0, 0, 0, 1, 0]
    assert table.loc[("any", "A"), names].tolist() == [3, 2, 1, 0, 1, 0, 0]


def test_the_worst_complication_after_the_procedure_is_counted(tables):
    table = tables[0]["clavien-dindo"]
    within_90 = table[(table["horizon"] == 90) & (table["group"] == "A")].set_index("grade")["n"]
    assert within_90.to_dict() == {
        **dict.fromkeys(["I", "II", "IIIb", "IVa", "IVb", "V"], 0),
        **{"IIIa": 1, "any": 1, "III or more": 1},
    }


def test_an_event_without_details_is_left_out_and_said(tables):
    assert "no term 1" in tables[1]


def test_swedish_safety_tables_have_swedish_headings(harmed):
    say = Speech(translations("sv").gettext, ",")
    section = safety(made_data(harmed, language="sv", say=say))
    headings = {one.name: grid(one, say)[0] for one in section.tables}
    assert headings["clavien-dindo"][:4] == ["Inom dagar", "Grupp", "Grad", "n"]
    assert {"Med händelse", "Grad 1", "Grad 3 eller mer"} <= set(headings["ctcae"])
    assert not any("_" in one for found in headings.values() for one in found)


def test_grades_by_participants_stand_apart_under_the_names_of_their_terms():
    data = made_data(made_facts(n=24))
    asked = load_instrument(QUESTIONNAIRES / "instruments" / "pro-ctcae")
    mine = data.scores[(data.scores["scale"] == "PF") & data.scores["main"]]
    start = mine["day"] <= 0
    grades = mine.assign(instrument="pro-ctcae", scale="1_GRADE", value=(~start).astype(float))
    instruments = {**data.study.instruments, (asked.code, asked.sha256): asked}
    section = safety(
        replace(data, scores=grades, study=replace(data.study, instruments=instruments))
    )
    table = next(one.frame for one in section.tables if one.name == "pro-ctcae")
    assert set(table["term"]) == {"1 Dry Mouth"}
    answered_later = mine[~start].groupby("arm", observed=True)["participant"].nunique()
    assert table.set_index("group")["grade_1"].to_dict() == answered_later.to_dict()
    assert any("grades reported by participants" in one for one in section.notes)
