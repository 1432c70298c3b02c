"""Saving answers: stored once, never lost, one state whatever the order."""

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from qol_app.assessment import ItemKey, ResponseStatus
from qol_app.db.tables import AuditEvent, Form, Response
from qol_app.errors import NotAllowed, NotFound, ResponseError
from qol_app.services import answers, events
from qol_app.services.answers import AnswerEvent, Sent
from qol_app.services.context import Actor
from tests.conftest import ENGINES
from tests.participants import due, make_participant

# An answer must be as safe on one engine as on the other.
pytestmark = pytest.mark.parametrize("database_url", ENGINES, indirect=True)

ANSWERED, SKIPPED = ResponseStatus.ANSWERED, ResponseStatus.SKIPPED


@pytest.fixture
def anna(ctx):
    return make_participant(ctx)


@pytest.fixture
def row(ctx, anna):
    return due(ctx, anna)


@pytest.fixture
def sitting(ctx, anna, row):
    return answers.open_assessment(ctx, anna, row)


@pytest.fixture
def c30(sitting):
    return sitting.form("qlq-c30")


@pytest.fixture
def br23(sitting):
    return sitting.form("qlq-br23")


def event(counter=None, base=None, name=None, **more):
    return AnswerEvent(name or str(uuid.uuid4()), counter, base, **more)


def sent(participant_id, ref, instrument="qlq-c30", item="q1", value=1):
    return Sent(participant_id, ref, instrument, item, ANSWERED, value, event(1))


def rows(ctx):
    return ctx.session.scalar(select(func.count()).select_from(Response))


def state(ctx, anna, row, instrument):
    found = answers.sitting(ctx, anna, row).latest[instrument]
    return {item: (one.status, one.value) for item, one in found.items()}


def test_opening_an_assessment_ties_each_form_to_its_version_and_language(ctx, anna, row):
    answers.open_assessment(ctx, anna, row)
    answers.open_assessment(ctx, anna, row)
    query = select(Form).where(Form.assessment_id == row.id).order_by(Form.position)
    forms = ctx.session.scalars(query).all()
    assert [form.instrument for form in forms] == ["qlq-c30", "qlq-lmc21", "qlq-br23", "eq-5d-5l"]
    assert {form.language for form in forms} == {"en"}
    assert row.started_at == ctx.now


def test_an_answer_is_a_new_row_and_the_latest_counts(ctx, anna, row, c30):
    answers.save_response(ctx, c30, "q1", ANSWERED, 2)
    answers.save_response(ctx, c30, "q1", ANSWERED, 3)
    assert rows(ctx) == 2
    assert state(ctx, anna, row, "qlq-c30") == {"q1": ("ANSWERED", 3)}


def test_a_skipped_item_is_stored_as_skipped_and_not_as_nothing(ctx, anna, row, c30):
    answers.save_response(ctx, c30, "q1", SKIPPED)
    assert state(ctx, anna, row, "qlq-c30") == {"q1": ("SKIPPED", None)}


@pytest.mark.requirement("D2")
def test_the_same_event_sent_again_changes_nothing(ctx, c30):
    first = event(1)
    for _ in range(3):
        saved = answers.save_response(ctx, c30, "q1", ANSWERED, 2, first)
        assert (saved.state, saved.conflict) == ("saved", None)
    assert rows(ctx) == 1


def test_an_event_id_that_belongs_to_another_answer_is_refused(ctx, c30):
    first = event(1)
    answers.save_response(ctx, c30, "q1", ANSWERED, 2, first)
    with pytest.raises(ResponseError, match="belongs to another answer"):
        answers.save_response(ctx, c30, "q1", ANSWERED, 3, first)
    with pytest.raises(ResponseError, match="belongs to another answer"):
        answers.save_response(ctx, c30, "q2", ANSWERED, 2, first)


# What one person tapped, in order: BR23's q35 is asked only when q34 is over 1.
TAPPED = [
    ("q31", ANSWERED, 2),
    ("q34", ANSWERED, 3),
    ("q35", ANSWERED, 2),
    ("q31", SKIPPED, None),
    ("q34", ANSWERED, 1),
    ("q36", ANSWERED, 4),
    ("q34", ANSWERED, 4),
    ("q35", ANSWERED, 3),
    ("q45", ANSWERED, 2),
    ("q46", ANSWERED, 2),
    ("q45", SKIPPED, None),
]
IN_ORDER = {
    "q31": ("SKIPPED", None),
    "q34": ("ANSWERED", 4),
    "q35": ("ANSWERED", 3),
    "q36": ("ANSWERED", 4),
    "q45": ("SKIPPED", None),
    "q46": ("NOT_APPLICABLE", None),
}


def deliver(ctx, form, sent):
    """Deliver events as a phone does: what is refused for now is sent again after the rest."""
    left = list(sent)
    while left:
        waiting = []
        for item, status, value, one in left:
            try:
                answers.save_response(ctx, form, item, status, value, one)
            except ResponseError:
                waiting.append((item, status, value, one))
        assert len(waiting) < len(left), waiting
        left = waiting


@pytest.mark.requirement("D2")
@pytest.mark.parametrize("seed", range(12))
def test_events_in_any_order_and_number_give_one_state(ctx, anna, row, br23, seed):
    chance = random.Random(seed)
    sent = [(*tap, event(counter)) for counter, tap in enumerate(TAPPED, start=1)]
    order = chance.choices(sent, k=10) + chance.sample(sent, len(sent))
    deliver(ctx, br23, order if seed else sent)
    assert state(ctx, anna, row, "qlq-br23") == IN_ORDER


def test_changing_the_parent_voids_the_child_and_keeps_what_was_answered(ctx, anna, row, br23):
    answers.save_response(ctx, br23, "q34", ANSWERED, 3)
    answers.save_response(ctx, br23, "q35", ANSWERED, 2)
    saved = answers.save_response(ctx, br23, "q34", ANSWERED, 1)
    assert saved.voided == ("q35",)
    assert state(ctx, anna, row, "qlq-br23")["q35"] == ("NOT_APPLICABLE", None)
    kept = ctx.session.scalars(select(Response).where(Response.item == "q35")).all()
    assert [(one.status, one.value) for one in kept] == [
        ("ANSWERED", 2),
        ("NOT_APPLICABLE", None),
    ]
    now = answers.sitting(ctx, anna, row)
    assert ItemKey("qlq-br23", "q35") not in {screen.key for screen in now.screens}


def test_a_voided_child_is_asked_anew_when_its_condition_holds_again(ctx, anna, row, br23):
    for value in (3, 1, 4):
        answers.save_response(ctx, br23, "q34", ANSWERED, value)
        if value == 3:
            answers.save_response(ctx, br23, "q35", ANSWERED, 2)
    now, key = answers.sitting(ctx, anna, row), ItemKey("qlq-br23", "q35")
    assert now.status(key) is ResponseStatus.NOT_REACHED
    assert now.latest_of(key) is None


@pytest.mark.requirement("I1")
@pytest.mark.parametrize(
    ("item", "status", "value"),
    [
        ("q1", ANSWERED, 5),
        ("q1", ANSWERED, 0),
        ("q1", ANSWERED, -1),
        ("q1", ANSWERED, True),
        ("q1", ANSWERED, 2.0),
        ("q1", ANSWERED, "2 "),
        ("q1", ANSWERED, None),
        ("q1", SKIPPED, 2),
        ("q1", ResponseStatus.NOT_APPLICABLE, None),
        ("q1", ResponseStatus.NOT_REACHED, None),
    ],
)
def test_what_is_no_answer_to_an_item_is_refused(ctx, c30, item, status, value):
    with pytest.raises(ResponseError):
        answers.save_response(ctx, c30, item, status, value)
    assert rows(ctx) == 0


@pytest.mark.requirement("I1")
def test_unknown_items_and_items_not_asked_are_refused(ctx, c30, br23):
    with pytest.raises(NotFound):
        answers.save_response(ctx, c30, "q31", ANSWERED, 1)
    with pytest.raises(ResponseError, match="not asked"):
        answers.save_response(ctx, br23, "q35", ANSWERED, 1)
    answers.save_response(ctx, br23, "q34", ANSWERED, 1)
    with pytest.raises(ResponseError, match="not asked"):
        answers.save_response(ctx, br23, "q35", ANSWERED, 1)
    assert rows(ctx) == 1


@pytest.mark.parametrize("counter", [0, -1, 10**6, 2**40])
def test_a_counter_nobody_can_have_reached_is_refused(ctx, c30, counter):
    with pytest.raises(ResponseError, match="counter"):
        answers.save_response(ctx, c30, "q1", ANSWERED, 1, event(counter))


@pytest.mark.requirement("D5")
def test_a_second_device_that_did_not_see_an_answer_is_told_and_both_are_kept(ctx, c30):
    first = event(1, base="")
    answers.save_response(ctx, c30, "q1", ANSWERED, 2, first)
    saved = answers.save_response(ctx, c30, "q1", ANSWERED, 4, event(1, base=""))
    assert (saved.state, saved.conflict.value) == ("saved", 2)
    assert saved.conflict.event_id == first.event_id
    assert rows(ctx) == 2


def test_the_same_answer_on_two_devices_is_no_conflict(ctx, c30):
    answers.save_response(ctx, c30, "q1", ANSWERED, 2, event(1, base=""))
    saved = answers.save_response(ctx, c30, "q1", ANSWERED, 2, event(1, base=""))
    assert saved.conflict is None


def test_somebody_elses_form_is_not_there(ctx, row, sitting):
    other = make_participant(ctx, "UME-002")
    with pytest.raises(NotFound):
        answers.look_up(ctx, sent(other.id, row.public_id))
    with pytest.raises(NotFound):
        answers.own_assessment(ctx, other.id, row.public_id)


@pytest.mark.parametrize("ref", ["", "x", "\x00", "a" * 1000, "å", "' or 1=1 --"])
def test_a_name_that_no_form_has_is_not_there(ctx, anna, ref):
    with pytest.raises(NotFound):
        answers.look_up(ctx, sent(anna.id, ref))
    with pytest.raises(NotFound):
        answers.own_assessment(ctx, anna.id, ref)


# --- too late ---------------------------------------------------------------------------------


@pytest.mark.requirement("D4")
def test_after_submission_an_answer_is_kept_in_the_trail_and_changes_nothing(ctx, anna, row, c30):
    answers.save_response(ctx, c30, "q1", ANSWERED, 2)
    answers.submit(ctx, anna, row)
    late = event(5, client_at=datetime(2026, 11, 23, 8, tzinfo=UTC))
    for _ in range(2):
        assert answers.save_response(ctx, c30, "q1", ANSWERED, 4, late).state == "submitted"
    assert state(ctx, anna, row, "qlq-c30") == {"q1": ("ANSWERED", 2)}
    kept = ctx.session.scalars(
        select(AuditEvent).where(AuditEvent.action == "response.submitted")
    ).all()
    assert [(one.subject_id, one.new["value"]) for one in kept] == [(late.event_id, 4)]


def test_a_repeat_of_what_was_stored_in_time_is_saved_even_after_submission(ctx, anna, row, c30):
    first = event(1)
    answers.save_response(ctx, c30, "q1", ANSWERED, 2, first)
    answers.submit(ctx, anna, row)
    assert answers.save_response(ctx, c30, "q1", ANSWERED, 2, first).state == "saved"


@pytest.mark.requirement("E5")
@pytest.mark.parametrize(("days", "expected"), [(0, "saved"), (14, "saved"), (15, "closed")])
def test_answers_are_taken_until_grace_ends_in_local_days(runtime, clock, days, expected):
    with runtime.writing(Actor.system("tests")) as ctx:
        anna = make_participant(ctx)
        row = due(ctx, anna)
        answers.open_assessment(ctx, anna, row)
        ref, closes_on, anna_id = row.public_id, row.closes_on, anna.id
    day = closes_on + timedelta(days=days)
    # 22:59 UTC in December is one minute to midnight in Stockholm.
    clock.now = datetime(day.year, day.month, day.day, 22, 59, tzinfo=UTC)
    with runtime.writing(Actor.system("tests")) as ctx:
        assert answers.save_by_name(ctx, sent(anna_id, ref)).state == expected


@pytest.mark.requirement("P3")
@pytest.mark.parametrize("kind", ["death", "withdrawal_qol", "withdrawal_all", "end_of_study"])
def test_after_leaving_the_study_nothing_is_stored(ctx, anna, row, sitting, kind):
    events.record(ctx, anna, kind, ctx.today("Europe/Stockholm"), confirmed=True)
    trail = ctx.session.scalar(select(func.count()).select_from(AuditEvent))
    assert answers.save_by_name(ctx, sent(anna.id, row.public_id)).state == "stopped"
    assert rows(ctx) == 0
    assert ctx.session.scalar(select(func.count()).select_from(AuditEvent)) == trail
    with pytest.raises(NotAllowed):
        answers.open_assessment(ctx, anna, row)


def test_a_pause_in_contact_does_not_keep_anybody_from_answering(ctx, anna, row):
    events.record(
        ctx,
        anna,
        "hold",
        ctx.today("Europe/Stockholm"),
        {"reason": "travel"},
        confirmed=True,
    )
    assert answers.may_answer(ctx, anna, row)
