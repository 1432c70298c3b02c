"""Handing in: once, whoever presses however often, flagged where it was late or unblinded."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError

from qol_app.assessment import ResponseStatus
from qol_app.db.tables import AuditEvent, Participant, Response, Submission
from qol_app.errors import NotAllowed, NotFound
from qol_app.services import answers, events, submissions
from qol_app.services.answers import AnswerEvent, Sent
from qol_app.services.context import Actor
from qol_app.services.planning import assessments_of
from tests.conftest import ENGINES
from tests.participants import due, enrolled, make_participant

# A submission must be made once on either engine.
pytestmark = pytest.mark.parametrize("database_url", ENGINES, indirect=True)

ME = Actor.system("tests")


def participant_of(ctx, person):
    return ctx.session.get_one(Participant, person.id)


def begin(ctx, participant, timepoint="M3"):
    row = due(ctx, participant, timepoint)
    form = answers.open_assessment(ctx, participant, row).forms[0]
    answers.save_response(ctx, form, "q1", ResponseStatus.ANSWERED, 2)
    return row


@pytest.mark.requirement("D3")
def test_fifty_submissions_at_once_make_one_row_and_one_receipt(runtime):
    person = enrolled(runtime)
    with runtime.writing(ME) as ctx:
        begin(ctx, participant_of(ctx, person))

    def press(_):
        with runtime.writing(ME) as ctx:
            participant = participant_of(ctx, person)
            row = answers.own_assessment(ctx, person.id, person.ref)
            return answers.submit(ctx, participant, row).receipt

    with ThreadPoolExecutor(50) as pool:
        receipts = set(pool.map(press, range(50)))
    assert len(receipts) == 1
    with runtime.reading(ME) as ctx:
        assert ctx.session.scalar(select(func.count()).select_from(Submission)) == 1
        sent = select(AuditEvent).where(AuditEvent.action == "assessment.submit")
        assert len(ctx.session.scalars(sent).all()) == 1


@pytest.mark.requirement("D4")
def test_no_answer_lands_behind_a_submission_that_runs_at_the_same_time(runtime):
    person = enrolled(runtime)
    with runtime.writing(ME) as ctx:
        begin(ctx, participant_of(ctx, person))

    def save(number):
        answered, event = ResponseStatus.ANSWERED, AnswerEvent(str(uuid.uuid4()), 2)
        item, value = f"q{number % 28 + 1}", number % 4 + 1
        one = Sent(person.id, person.ref, "qlq-c30", item, answered, value, event)
        try:
            with runtime.database.alone() as alone:
                saved = answers.save_ordinary(alone, runtime.library, runtime.clock(), one)
        except IntegrityError:  # the database saw a submission come in between
            saved = None
        if saved is not None:
            return saved
        with runtime.writing(ME) as ctx:
            return answers.save_by_name(ctx, one)

    def press():
        with runtime.writing(ME) as ctx:
            row = answers.own_assessment(ctx, person.id, person.ref)
            answers.submit(ctx, participant_of(ctx, person), row)
            # What counted at the moment of handing in.
            return ctx.session.scalar(select(func.max(Response.id)))

    with ThreadPoolExecutor(12) as pool:
        before = [pool.submit(save, number) for number in range(20)]
        pressed = pool.submit(press)
        after = [pool.submit(save, number) for number in range(20)]
        last = pressed.result()
        saved = [one.result() for one in before + after]
    with runtime.reading(ME) as ctx:
        stored = set(ctx.session.scalars(select(Response.event_id)))
        assert ctx.session.scalar(select(func.max(Response.id))) == last
    assert {one.event_id for one in saved if one.state == "saved"} <= stored
    assert not {one.event_id for one in saved if one.state == "submitted"} & stored


@pytest.mark.requirement("D4", "D11")
def test_the_database_itself_refuses_an_answer_behind_a_submission(runtime):
    person = enrolled(runtime)
    with runtime.writing(ME) as ctx:
        participant = participant_of(ctx, person)
        row = begin(ctx, participant)
        answers.submit(ctx, participant, row)
    with runtime.reading(ME) as ctx:
        first = ctx.session.scalars(select(Response)).one()
    forged = {"form_id": first.form_id, "item": "q2", "status": "ANSWERED", "value": 1}
    forged |= {"counter": 9, "recorded_at": runtime.clock(), "mode": "self", "device": ""}
    with pytest.raises(IntegrityError, match="after the submission"), runtime.writing(ME) as ctx:
        ctx.session.execute(insert(Response).values(event_id="forged", **forged))


def test_nothing_answered_cannot_be_handed_in(ctx):
    anna = make_participant(ctx)
    row = due(ctx, anna)
    answers.open_assessment(ctx, anna, row)
    with pytest.raises(NotAllowed, match="no answers"):
        answers.submit(ctx, anna, row)


@pytest.mark.requirement("E5")
@pytest.mark.parametrize(("days", "late"), [(112, False), (113, True)])
def test_late_is_after_the_closing_day(ctx, days, late):
    anna = make_participant(ctx, randomised_on=ctx.today("Europe/Stockholm") - timedelta(days=days))
    done = answers.submit(ctx, anna, begin(ctx, anna))
    assert done.late is late
    assert not done.after_allocation


def test_a_baseline_begun_after_randomisation_was_recorded_is_flagged(ctx):
    today = ctx.today("Europe/Stockholm")
    anna = make_participant(ctx, arm=None, randomised_on=today)
    row = begin(ctx, anna, "T0")
    assert not answers.submit(ctx, anna, row).after_allocation
    berit = make_participant(ctx, "UME-002", randomised_on=today)
    assert answers.submit(ctx, berit, begin(ctx, berit, "T0")).after_allocation


def test_the_worker_looks_again_at_what_was_handed_in_and_what_it_counts_for(ctx):
    today = ctx.today("Europe/Stockholm")
    anna = make_participant(ctx)
    events.record(ctx, anna, "progression", today, confirmed=True)
    rows = assessments_of(ctx, anna.id)
    for row in rows:
        row.look_again_at = None
    done = begin(ctx, anna)
    answers.submit(ctx, anna, done)
    merged = [row for row in rows if row.counted_by_id == done.id]
    for row in [done, *merged]:
        ctx.session.refresh(row)
        assert row.look_again_at == ctx.now
    assert merged


def test_a_receipt_is_found_by_its_code_only(ctx):
    anna = make_participant(ctx)
    done = answers.submit(ctx, anna, begin(ctx, anna))
    assert submissions.receipt(ctx, done.receipt)[0].assessment_id == done.assessment_id
    with pytest.raises(NotFound):
        submissions.receipt(ctx, "AAAA-BBBB-CCCC")
