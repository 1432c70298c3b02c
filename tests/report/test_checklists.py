"""Both checklists stand in the report item by item, as published."""

import pytest

from qol_app.definition.protocol_parts import ReminderStep
from qol_app.report.checklists import _reminder
from qol_app.report.page import all_tables
from qol_app.report.speech import ENGLISH

# Calvert et al., JAMA 2018;319:483, table 2: 11 extensions and 5 elaborations.
SPIRIT_PRO = [
    *["5a", "6a", "7", "10", "12", "13", "14", "18a(i)", "18a(ii)", "18a(iii)", "18a(iv)"],
    *["18b(i)", "18b(ii)", "20a", "20c", "22"],
]
# Calvert et al., JAMA 2013;309:814, table: 5 extensions (P) and 9 items elaborated.
CONSORT_PRO = [
    *["P1b", "2a", "P2b", "4a", "P6a", "7a", "P12a", "13a", "15", "16", "17a", "18", "P20/21", "22"]
]
AUTHORS = "To be written by the authors."


@pytest.fixture(scope="module")
def tables(blinded_sections):
    found = all_tables(blinded_sections)
    return {name: found[name].set_index("item")["answer"] for name in ("spirit-pro", "consort-pro")}


def test_every_item_stands_once_in_the_published_order(tables):
    assert list(tables["spirit-pro"].index) == SPIRIT_PRO
    assert list(tables["consort-pro"].index) == CONSORT_PRO


def test_every_item_is_answered_or_said_to_be_for_the_authors(tables):
    for answers in tables.values():
        assert (answers.str.len() > 15).all()
    spirit, consort = (
        set(one.index[one == AUTHORS]) for one in (tables["spirit-pro"], tables["consort-pro"])
    )
    assert spirit == {"5a", "6a", "14"}
    assert consort == {"P1b", "2a", "4a", "7a", "P20/21"}


def test_answers_come_from_protocol_and_data(tables, blinded):
    spirit, consort = tables["spirit-pro"], tables["consort-pro"]
    for one in blinded.planned:
        assert f"{one.code}: {one.day} ({one.opens}–{one.closes}), {one.package}" in spirit["13"]
    assert "EORTC QLQ-C30 3.0: 30 items, 16 scales" in spirit["18a(i)"]
    assert "core: EORTC QLQ-C30, " in spirit["13"]
    assert "qlq-c30" not in " ".join(spirit)
    assert "PD (Progression)" in spirit["18b(ii)"]
    # By their rules: the codes of the steps mean nothing to a reader.
    assert "message 7 days after the window opens; telephone call 7 days" in spirit["18b(i)"]
    assert "day-7" not in spirit["18b(i)"]
    answered = blinded.visits[blinded.visits["timepoint"] == "T0"]["valid"].sum()
    assert f"T0 {answered}/60" in consort["13a"]
    assert consort["15"].startswith("0/60 (0.0 %)")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({"when": {"opens": 0}}, "message the day the window opens"),
        ({"when": {"target": 1}}, "message 1 day after the target day"),
        (
            {"when": {"closes": -2}, "channel": "other"},
            "message by the other channel 2 days before the window closes",
        ),
        (
            {"when": {"target": 7, "closes": -10}, "task": True, "timepoints": ["M3", "M6"]},
            "telephone call 7 days after the target day or 10 days before the window closes, "
            "whichever comes first (M3, M6)",
        ),
    ],
)
def test_a_reminder_is_told_by_its_rule(step, words):
    assert _reminder(ENGLISH, ReminderStep(code="any", **step)) == words
