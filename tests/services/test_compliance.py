"""The grid and the rates, from facts in the database."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from qol_app.db.tables import (
    Form,
    Response,
    Site,
)
from qol_app.schedule.status import AssessmentState
from qol_app.services import compliance, events
from qol_app.services.context import Actor
from qol_app.services.standing import people
from tests.bulk import Sketch, Study
from tests.staff_factories import TODAY, answer, assessment_of, make_participant, noon

TARGET, CLOSES = timedelta(days=91), timedelta(days=112)  # of M3, from randomisation


def days_ago(n):
    return TODAY - timedelta(days=n)


def enrolled(ctx, number, randomised_on, arm="A", site="UME"):
    return make_participant(
        ctx, number, site, consent_on=randomised_on, randomised_on=randomised_on, arm=arm
    )


def test_the_worked_example_of_the_rates(ctx):
    """100 randomised, 12 dead, 5 withdrawn, 3 not yet there, 68 valid, so 12 missing."""
    sketches = []
    for n in range(100):
        start = days_ago(100 if n >= 97 else 120)
        happened = [("consent", start), ("randomisation", start)]
        if n < 12:
            happened.append(("death", start + timedelta(days=60)))
        elif n < 17:
            happened.append(("withdrawal_qol", start + timedelta(days=80)))
        answered = {"M3": start + TARGET} if 17 <= n < 85 else {}
        sketches.append(Sketch(happened, "AB"[n % 2], answered))
    Study(ctx).write(sketches)
    found = compliance.rates(people(ctx), ["M3"]).of[""]["M3"]
    assert (found.valid, found.randomised) == (68, 100)
    assert (found.valid, found.old_enough) == (68, 97)
    assert (found.valid, found.expected) == (68, 80)
    assert found.available == pytest.approx(68.0)
    assert round(found.available_old_enough, 1) == 70.1
    assert found.completion == pytest.approx(85.0)


def state_of(ctx, participant, timepoint):
    person = people(ctx, participant_id=participant.id)[0]
    return next(one for one in person.standings if one.timepoint == timepoint)


@pytest.mark.parametrize(
    ("answered", "submit", "state", "complete"),
    [
        (TARGET, True, AssessmentState.SUBMITTED, True),
        (CLOSES, True, AssessmentState.SUBMITTED, True),
        (CLOSES + timedelta(days=1), True, AssessmentState.SUBMITTED_LATE, False),
        (TARGET, False, AssessmentState.PARTIAL, True),
        (None, False, AssessmentState.MISSED, False),
    ],
)
def test_a_closed_window_is_judged_by_the_day_of_the_answer(ctx, answered, submit, state, complete):
    row = enrolled(ctx, "UME-001", days_ago(120))
    if answered is not None:
        at = noon(days_ago(120) + answered)
        answer(ctx, assessment_of(ctx, row, "M3"), at, submit=submit)
    found = state_of(ctx, row, "M3")
    assert (found.state, found.complete) == (state, complete)
    assert found.expectation.counts


@pytest.mark.parametrize(
    ("items", "valid"),
    [
        ({"q29": 4}, True),  # half of the two items of global health are enough
        ({"q29": None, "q30": None}, False),
        ({"q1": 1, "q2": 1}, False),  # two of the five items of physical function are not
        ({"q1": 1, "q2": 1, "q3": 2}, True),
        ({}, False),
    ],
)
def test_answers_are_valid_when_one_scale_can_be_scored(ctx, items, valid):
    row = enrolled(ctx, "UME-001", days_ago(120))
    answer(ctx, assessment_of(ctx, row, "M3"), noon(days_ago(29)), items=items)
    assert state_of(ctx, row, "M3").facts.valid is valid


def test_only_the_latest_answer_to_an_item_counts(ctx):
    row = enrolled(ctx, "UME-001", days_ago(120))
    one = assessment_of(ctx, row, "M3")
    answer(ctx, one, noon(days_ago(29)), items={"q29": 4}, submit=False)
    form = ctx.session.query(Form).filter_by(assessment_id=one.id).one()
    later = {"form_id": form.id, "item": "q29", "status": "SKIPPED", "counter": 2}
    ctx.session.execute(insert(Response).values(event_id="x", recorded_at=ctx.now, **later))
    assert state_of(ctx, row, "M3").facts.valid is False


def test_only_the_randomised_are_in_the_rates(ctx):
    make_participant(ctx, "UME-001")
    assert compliance.rates(people(ctx), ["T0"]).of == {}
    enrolled(ctx, "UME-002", TODAY)
    assert compliance.rates(people(ctx), ["T0"]).of[""]["T0"].randomised == 1


def test_rates_by_site_and_by_arm(ctx):
    for number, site, arm, answers in (
        ("UME-001", "UME", "A", True),
        ("UME-002", "UME", "B", False),
        ("LUN-001", "LUN", "A", True),
    ):
        row = enrolled(ctx, number, days_ago(120), arm, site)
        if answers:
            answer(ctx, assessment_of(ctx, row, "M3"), noon(days_ago(29)))
    persons = people(ctx)
    by_site = compliance.rates(persons, ["M3"], "site").of
    assert (by_site["UME"]["M3"].valid, by_site["UME"]["M3"].expected) == (1, 2)
    assert (by_site["LUN"]["M3"].valid, by_site["LUN"]["M3"].expected) == (1, 1)
    by_arm = compliance.rates(persons, ["M3"], "arm")
    assert by_arm.of["A"]["M3"].completion == 100
    assert by_arm.of["B"]["M3"].completion == 0
    assert any("differs by 100.0 points" in note for note in by_arm.notes)


@pytest.mark.requirement("Z2")
def test_people_are_only_those_of_ones_sites(ctx):
    enrolled(ctx, "UME-001", TODAY)
    enrolled(ctx, "LUN-001", TODAY, site="LUN")
    lund = ctx.session.query(Site).filter_by(code="LUN").one().id
    mine = ctx.acting_as(Actor("staff:9", "coordinator", frozenset({lund})))
    assert [one.study_number for one in people(mine)] == ["LUN-001"]
    nobody = ctx.acting_as(Actor("staff:9", "coordinator", frozenset()))
    assert people(nobody) == []


def test_the_grid_has_a_column_for_each_timepoint_that_is_used(ctx):
    row = enrolled(ctx, "UME-001", days_ago(30))
    events.record(ctx, row, "progression", days_ago(3))
    events.record(ctx, row, "progression", days_ago(1), confirmed=True)
    grid = compliance.grid(people(ctx))
    codes = [one.code for one in grid.columns]
    assert codes[:10] == ["T0", "W6", "M3", "M6", "M9", "M12", "M18", "M24", "M30", "M36"]
    assert codes[10:] == ["PD"]
    cells = grid.lines[0].cells
    assert len(cells["PD"]) == 2
    assert len(cells["M3"]) == 1
