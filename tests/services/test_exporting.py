"""From rows in the database to the long tables: nothing lost, invented, or told too much."""

from datetime import date

import pandas as pd
import pytest
from sqlalchemy import event, select

from qol_app import __version__
from qol_app.analysis.facts import with_details
from qol_app.analysis.safety import ctcae
from qol_app.db.tables import Definition, Site
from qol_app.export.columns import TABLES
from qol_app.scoring import score
from qol_app.services import events, exporting
from qol_app.services.context import Actor
from tests.conftest import ENGINES
from tests.studies import (
    C30,
    C30_SCORES,
    EQ5D,
    EQ5D_SE_2020,
    answered,
    assessment,
    enrolled,
    explained,
    forms_of,
    respond,
)

# Reading in shares is done by other means on each engine.
pytestmark = pytest.mark.parametrize("database_url", ENGINES, indirect=True)

pytestmark = pytest.mark.requirement("D12")


def tables(ctx, *, by_arm=True, at_once=250):
    """Return the whole study's tables as lists of dictionaries."""
    opened = exporting.open_study(ctx, "breclim-2", by_arm=by_arm, people_at_once=at_once)
    found = {name: [] for name in TABLES}
    for part in opened.parts:
        for name, table in part.items():
            found[name] += table.to_pylist()
    return found


def only(rows, **wanted):
    """Return the one row whose columns have these values."""
    [row] = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    return row


@pytest.fixture
def person(ctx):
    return enrolled(ctx, "UME-001")


def test_every_expected_assessment_has_one_row_with_its_dates(ctx, person):
    visits = tables(ctx)["visits"]
    assert [row["timepoint"] for row in visits][:4] == ["T0", "W6", "M3", "M6"]
    assert len(visits) == 10
    month_3 = only(visits, timepoint="M3")
    # Randomised 2 March 2026; day 91, window 77 to 112, 14 days of grace.
    assert month_3["target_on"] == date(2026, 6, 1)
    assert month_3["opens_on"] == date(2026, 5, 18)
    assert month_3["closes_on"] == date(2026, 6, 22)
    assert month_3["late_until"] == date(2026, 7, 6)
    assert month_3["arm"] == "A"
    assert month_3["n_answered"] is None


def test_scores_are_the_ones_computed_by_hand(ctx, person):
    answered(ctx, person, "M3", {"qlq-c30": C30, "eq-5d-5l": EQ5D})
    scores = tables(ctx)["scores"]
    found = {row["scale"]: row for row in scores if row["instrument"] == "qlq-c30"}
    for scale, value in C30_SCORES.items():
        assert found[scale]["value"] == pytest.approx(value, abs=1e-8), scale
    index = only(scores, scale="INDEX_SE_EBS_TTO_2020")
    assert index["value"] == pytest.approx(EQ5D_SE_2020, abs=1e-9)
    assert index["value_set"] == "SE_EBS_TTO_2020"
    assert only(scores, scale="VAS")["value"] == 70
    profile = only(scores, scale="PROFILE")
    assert (profile["value"], profile["value_text"]) == (None, "21132")


def test_exported_scores_are_those_of_score_on_the_exported_items(ctx, person):
    answered(ctx, person, "M3", {"qlq-c30": {**C30, "q1": "SKIPPED", "q29": "SKIPPED"}})
    found = tables(ctx)
    values = {row["item"]: row["value"] for row in found["items"]}
    instrument = ctx.library.instrument(ctx.session, _definition(ctx, "qlq-c30").id)
    frame = pd.DataFrame([values], columns=list(instrument.item_codes), dtype=float)
    expected = score(instrument, frame).iloc[0]
    for row in found["scores"]:
        assert row["value"] == expected[row["scale"]], row["scale"]


def _definition(ctx, code):
    query = select(Definition).where(Definition.kind == "instrument", Definition.code == code)
    return ctx.session.scalars(query).one()


def test_a_score_says_what_it_was_computed_from(ctx, person):
    c30 = {**C30, "q1": "SKIPPED"}
    br23 = {"q44": 2, "q45": 1, "q46": "NOT_APPLICABLE"}
    answered(ctx, person, "M3", {"qlq-c30": c30, "qlq-br23": br23})
    scores = tables(ctx)["scores"]
    function = only(scores, scale="PF")
    assert (function["n_answered"], function["n_expected"]) == (4, 5)
    assert function["definition"] == _definition(ctx, "qlq-c30").sha256
    assert function["program_version"] == __version__
    assert function["submitted"] is True
    assert function["answered_on"] == date(2026, 6, 1)
    enjoyment = only(scores, scale="BRSEE")
    assert enjoyment["value"] is None
    assert (enjoyment["n_answered"], enjoyment["n_not_applicable"]) == (0, 1)
    summary = only(scores, scale="C30SUM")
    assert (summary["n_answered"], summary["n_expected"]) == (26, 27)


@pytest.mark.requirement("E4")
def test_skipped_not_applicable_and_not_reached_are_different(ctx, person):
    br23 = {"q31": 1, "q32": "SKIPPED", "q34": 1, "q35": "NOT_APPLICABLE"}
    answered(ctx, person, "M3", {"qlq-br23": br23}, submit=False)
    items = {row["item"]: row for row in tables(ctx)["items"]}
    assert len(items) == 23
    found = {item: (row["status"], row["value"]) for item, row in items.items()}
    assert found["q31"] == ("ANSWERED", 1.0)
    assert found["q32"] == ("SKIPPED", None)
    assert found["q35"] == ("NOT_APPLICABLE", None)
    assert found["q36"] == ("NOT_REACHED", None)
    assert found["q46"] == ("NOT_REACHED", None)


@pytest.mark.requirement("E4")
def test_an_item_voided_and_then_opened_again_is_not_reached(ctx, person):
    row = answered(
        ctx, person, "M3", {"qlq-br23": {"q34": 1, "q35": "NOT_APPLICABLE"}}, submit=False
    )
    respond(ctx, forms_of(ctx, row)["qlq-br23"], "q34", 3, counter=9, at=row.started_at)
    items = {row["item"]: row for row in tables(ctx)["items"]}
    assert (items["q34"]["value"], items["q34"]["changes"]) == (3.0, 1)
    assert items["q35"]["status"] == "NOT_REACHED"


@pytest.mark.requirement("D2")
def test_the_highest_counter_counts_whatever_order_the_answers_came_in(ctx, person):
    row = answered(ctx, person, "M3", {"qlq-c30": {"q1": 1}}, submit=False)
    form = forms_of(ctx, row)["qlq-c30"]
    at = row.started_at
    respond(ctx, form, "q2", 4, counter=7, at=at)
    respond(ctx, form, "q2", 1, counter=3, at=at)
    respond(ctx, form, "q3", 2, counter=5, at=at, event_id="b")
    respond(ctx, form, "q3", 3, counter=5, at=at, event_id="a")
    items = {row["item"]: row for row in tables(ctx)["items"]}
    assert (items["q2"]["value"], items["q2"]["changes"]) == (4.0, 1)
    assert (items["q3"]["value"], items["q3"]["changes"]) == (2.0, 1)


def test_states_expectations_and_reasons_stand_beside_each_visit(ctx, person):
    answered(ctx, person, "T0", {"qlq-c30": C30}, on=date(2026, 2, 27))
    explained(ctx, assessment(ctx, person, "W6"), "too_ill")
    answered(ctx, person, "M3", {"qlq-c30": C30}, on=date(2026, 6, 30), mode="telephone")
    visits = {row["timepoint"]: row for row in tables(ctx)["visits"]}
    first, week_6, month_3 = visits["T0"], visits["W6"], visits["M3"]
    assert (first["state"], first["complete"], first["late"]) == ("submitted", True, False)
    assert (first["mode"], first["assisted"]) == ("self", False)
    assert (first["n_answered"], first["n_not_reached"]) == (30, 0)
    assert (week_6["state"], week_6["reason"]) == ("missed_explained", "too_ill")
    assert (week_6["expectation"], week_6["late"]) == ("expected", None)
    assert (month_3["state"], month_3["late"]) == ("submitted_late", True)
    assert (month_3["complete"], month_3["valid"]) == (False, True)
    assert (month_3["mode"], month_3["assisted"]) == ("telephone", True)
    assert visits["M18"]["state"] == "not_yet"


def test_a_baseline_answered_after_allocation_says_so(ctx, person):
    answered(ctx, person, "T0", {"qlq-c30": C30}, on=date(2026, 3, 5))
    visit = only(tables(ctx)["visits"], timepoint="T0")
    assert (visit["late"], visit["after_allocation"]) == (True, True)


def test_the_dead_are_not_expected_and_not_missing(ctx, person):
    events.record(ctx, person, "death", date(2026, 5, 1), confirmed=True)
    found = tables(ctx)
    visits = {row["timepoint"]: row for row in found["visits"]}
    assert visits["M3"]["state"] == "not_expected_dead"
    assert visits["M3"]["expectation"] == "dead"
    assert found["participants"][0]["death_on"] == date(2026, 5, 1)


def test_a_visit_counted_by_another_shows_its_answers_through_its_own_window(ctx, person):
    events.record(ctx, person, "progression", date(2026, 6, 3), confirmed=True)
    answered(ctx, person, "M3", {"qlq-c30": C30}, on=date(2026, 6, 5))
    found = tables(ctx)
    extra, asked = only(found["visits"], timepoint="PD"), only(found["visits"], timepoint="M3")
    assert extra["counted_by"] == asked["assessment"]
    assert (extra["complete"], extra["n_answered"]) == (True, None)
    assert {row["assessment"] for row in found["items"]} == {asked["assessment"]}


def test_only_events_that_stand_are_told(ctx, person):
    events.record(ctx, person, "progression", date(2026, 5, 1), confirmed=True)
    standing = events.course(ctx, person.id).standing
    wrong = next(row for row in standing if row.kind == "progression")
    events.correct(ctx, person, wrong.id, date(2026, 5, 2), {}, "read wrongly", confirmed=True)
    events.record(ctx, person, "last_known_alive", date(2026, 8, 1), confirmed=True)
    told = tables(ctx)["events"]
    assert [(row["kind"], row["happened_on"], row["corrected"]) for row in told] == [
        ("consent", date(2026, 2, 20), False),
        ("randomisation", date(2026, 3, 2), False),
        ("progression", date(2026, 5, 2), True),
        ("last_known_alive", date(2026, 8, 1), False),
    ]
    assert only(told, kind="randomisation")["details"] == '{"arm": "A"}'


def test_details_of_adverse_events_are_told_and_counted(ctx, person):
    other = enrolled(ctx, "UME-002")
    on = date(2026, 4, 1)
    surgical = {"term": "Sårinfektion", "grade": "3", "clavien_dindo": "IIIa"}
    events.record(ctx, person, "adverse_event", on, {"grade": "2", "term": "Nausea"})
    events.record(ctx, other, "adverse_event", on, surgical)
    told = pd.DataFrame(tables(ctx)["events"])
    found = with_details(told, "adverse_event", ["term", "grade", "clavien_dindo"])
    assert found["clavien_dindo"].dropna().tolist() == ["IIIa"]
    people = pd.DataFrame({"participant": ["UME-001", "UME-002"], "arm": ["A", "A"]})
    counted = ctcae(found.assign(grade=pd.to_numeric(found["grade"])), people)
    assert counted.events_left_out == {}
    anything = counted.table.set_index("term").loc["any"]
    assert anything[["events", "with_event", "grade_2", "grade_3"]].tolist() == [2, 2, 1, 1]


@pytest.mark.requirement("Z5", "C1")
def test_no_table_tells_who_anybody_is(ctx, person):
    answered(ctx, person, "M3", {"qlq-c30": C30})
    told = repr(tables(ctx))
    for secret in ("Hemlig", "hemlig", "0701740605", "+46701740605", person.identity_ref):
        assert secret not in told


@pytest.mark.requirement("Z5")
def test_who_may_not_see_arms_gets_none_nor_events_that_give_them_away(ctx, person):
    for kind in ("liver_procedure", "progression"):
        events.record(ctx, person, kind, date(2026, 3, 20), confirmed=True)
    answered(ctx, person, "M3", {"qlq-c30": C30})
    found = tables(ctx, by_arm=False)
    assert {row["arm"] for rows in found.values() for row in rows} == {None}
    # Without progressions a pooled progression-free survival would be overall survival.
    kinds = {"consent", "randomisation", "progression"}
    assert {row["kind"] for row in found["events"]} == kinds
    assert {row["details"] for row in found["events"]} == {"{}"}
    assert found["scores"]


@pytest.mark.requirement("Z2")
def test_each_site_gets_its_own_participants_only(ctx):
    for site in ("UME", "GBG", "KAR"):
        person = enrolled(ctx, f"{site}-001", site)
        answered(ctx, person, "M3", {"qlq-c30": C30})
    own = ctx.session.scalars(select(Site.id).where(Site.code == "GBG")).one()
    coordinator = ctx.acting_as(Actor("staff:1", "coordinator", frozenset({own})))
    found = tables(coordinator)
    for name, rows in found.items():
        assert {row["site"] for row in rows} == {"GBG"}, name
    nobody = ctx.acting_as(Actor("staff:2", "coordinator", frozenset()))
    assert all(rows == [] for rows in tables(nobody).values())


@pytest.mark.parametrize("people", [1, 7])
def test_the_number_of_queries_does_not_grow_with_participants(ctx, people):
    for number in range(people):
        person = enrolled(ctx, f"UME-{number:03d}")
        answered(ctx, person, "M3", {"qlq-c30": C30, "eq-5d-5l": EQ5D})
    ctx.session.flush()
    seen = []
    engine = ctx.session.get_bind()
    ctx.session.expire_all()

    def count(_conn, _cursor, statement, *_rest):
        seen.append(statement)

    tables(ctx)  # definitions are parsed once per process
    event.listen(engine, "before_cursor_execute", count)
    tables(ctx)
    event.remove(engine, "before_cursor_execute", count)
    assert len(seen) <= 25, "\n".join(seen)


def test_the_size_of_a_share_changes_nothing_but_memory(ctx):
    for number in range(5):
        person = enrolled(ctx, f"UME-{number:03d}")
        answered(ctx, person, "M3", {"qlq-c30": C30, "eq-5d-5l": EQ5D})
    assert tables(ctx, at_once=2) == tables(ctx, at_once=250)


def test_a_study_without_participants_has_no_rows_and_no_error(ctx):
    assert all(rows == [] for rows in tables(ctx).values())


def test_rows_stand_in_the_order_of_participants_visits_forms_and_items(ctx):
    for number in ("UME-002", "UME-001"):
        person = enrolled(ctx, number)
        answered(ctx, person, "M3", {"qlq-c30": C30, "eq-5d-5l": EQ5D})
        answered(ctx, person, "W6", {"qlq-c30": C30})
    items = tables(ctx)["items"]
    keys = [(row["participant"], row["timepoint"], row["instrument"]) for row in items]
    assert list(dict.fromkeys(keys)) == [
        (number, timepoint, instrument)
        for number in ("UME-001", "UME-002")
        for timepoint, instrument in (("W6", "qlq-c30"), ("M3", "qlq-c30"), ("M3", "eq-5d-5l"))
    ]
    assert [row["item"] for row in items[:30]] == list(C30)
