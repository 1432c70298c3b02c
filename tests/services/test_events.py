"""What happens to a participant: recorded, corrected, taken back, and what that re-plans."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from qol_app.db.tables import Assessment, AuditEvent, ParticipantEvent
from qol_app.errors import NotAllowed, NotFound
from qol_app.services import events, participants
from qol_app.services.planning import assessments_of
from tests.staff_factories import TODAY, answer, assessment_of, make_participant, noon


@pytest.fixture
def anna(ctx):
    return make_participant(ctx, consent_on=TODAY - timedelta(days=130))


@pytest.fixture
def randomised(ctx):
    start = TODAY - timedelta(days=120)
    return make_participant(ctx, consent_on=start, randomised_on=start)


def kinds(ctx, row):
    return [one.kind for one in participants.course(ctx, row.id).standing]


def row_of(ctx, participant, kind):
    return next(
        one for one in participants.course(ctx, participant.id).standing if one.kind == kind
    )


def dates(ctx, row):
    return {one.timepoint: one.target_on for one in assessments_of(ctx, row.id)}


def test_randomisation_plans_all_timepoints_and_settles_the_first(ctx, anna):
    replan = events.record(ctx, anna, "randomisation", TODAY, {"arm": "A"}, confirmed=True)
    assert len(replan.added) == 9
    assert [one.planned.timepoint for one in replan.moved] == ["T0"]
    assert dates(ctx, anna)["M3"] == TODAY + timedelta(days=91)
    assert not assessment_of(ctx, anna, "T0").provisional


@pytest.mark.requirement("D11")
def test_a_correction_moves_what_has_not_begun_and_keeps_what_has(ctx, randomised):
    answer(ctx, assessment_of(ctx, randomised, "W6"), noon(TODAY - timedelta(days=78)))
    before = dates(ctx, randomised)
    ids = {one.timepoint: one.public_id for one in assessments_of(ctx, randomised.id)}
    event = row_of(ctx, randomised, "randomisation")
    later = event.happened_on + timedelta(days=3)
    replan = events.correct(ctx, randomised, event.id, later, {"arm": "A"}, "Wrong day")
    after = dates(ctx, randomised)
    assert after["W6"] == before["W6"]
    assert after["M3"] == before["M3"] + timedelta(days=3)
    assert [one.key for one in replan.kept] == [("W6", 1)]
    assert {one.timepoint: one.public_id for one in assessments_of(ctx, randomised.id)} == ids


@pytest.mark.requirement("T3")
def test_a_correction_is_a_new_row_and_the_old_one_stays(ctx, randomised):
    old = row_of(ctx, randomised, "randomisation")
    events.correct(ctx, randomised, old.id, old.happened_on, {"arm": "B"}, "Wrong arm")
    rows = participants.course(ctx, randomised.id).rows
    assert [one.details.get("arm") for one in rows if one.kind == "randomisation"] == ["A", "B"]
    assert participants.history(ctx, randomised.id).arm == "B"


@pytest.mark.requirement("T6")
@pytest.mark.parametrize("reason", ["", "   "])
def test_changing_what_was_recorded_wants_a_reason(ctx, randomised, reason):
    old = row_of(ctx, randomised, "randomisation")
    with pytest.raises(NotAllowed, match="reason: found nothing"):
        events.correct(ctx, randomised, old.id, TODAY, {"arm": "A"}, reason)
    with pytest.raises(NotAllowed, match="reason: found nothing"):
        events.retract(ctx, randomised, old.id, reason)


@pytest.mark.requirement("T1", "T2")
def test_the_trail_holds_old_and_new_values_with_site_and_reason(ctx, randomised):
    old = row_of(ctx, randomised, "randomisation")
    events.correct(ctx, randomised, old.id, TODAY, {"arm": "A"}, "Typed wrong", confirmed=True)
    event = ctx.session.scalars(
        select(AuditEvent).where(AuditEvent.action == "event.correct")
    ).one()
    assert event.old["on"] == str(old.happened_on)
    assert event.new["on"] == str(TODAY)
    assert (event.site, event.reason) == ("UME", "Typed wrong")
    planned = select(AuditEvent.site).where(AuditEvent.subject == "assessment").distinct()
    assert ctx.session.scalars(planned).all() == ["UME"]


def test_taking_back_drops_what_hung_on_it_and_keeps_the_row(ctx, randomised):
    old = row_of(ctx, randomised, "randomisation")
    replan = events.retract(ctx, randomised, old.id, "Another person")
    assert len(replan.dropped) == 9
    assert kinds(ctx, randomised) == ["consent"]
    assert ctx.session.get(ParticipantEvent, old.id) is not None
    assert assessment_of(ctx, randomised, "T0").provisional


def test_what_was_corrected_cannot_be_corrected_again(ctx, randomised):
    old = row_of(ctx, randomised, "randomisation")
    events.correct(ctx, randomised, old.id, TODAY, {"arm": "A"}, "x", confirmed=True)
    with pytest.raises(NotFound):
        events.correct(ctx, randomised, old.id, TODAY, {"arm": "A"}, "x", confirmed=True)


@pytest.mark.requirement("Z2")
def test_an_event_of_somebody_else_is_not_there(ctx, randomised):
    other = make_participant(ctx, "UME-002")
    foreign = row_of(ctx, randomised, "randomisation")
    for work in (
        lambda: events.correct(ctx, other, foreign.id, TODAY, {"arm": "A"}, "x"),
        lambda: events.retract(ctx, other, foreign.id, "x"),
        lambda: events.preview(ctx, other, "randomisation", TODAY, {"arm": "A"}, foreign.id),
        lambda: events.preview_retraction(ctx, other, foreign.id),
    ):
        with pytest.raises(NotFound):
            work()


@pytest.mark.parametrize(
    ("kind", "days", "details", "why"),
    [
        ("progression", 1, {}, "lies in the future"),
        ("nothing", 0, {}, "unknown event"),
        ("randomisation", 0, {"arm": "A"}, "is recorded already"),
        ("hold", 0, {"reason": "bored"}, "wanted one of"),
        ("found_again", 0, {}, "no lost_to_follow_up is recorded"),
    ],
)
def test_what_cannot_be_is_refused_confirmed_or_not(ctx, randomised, kind, days, details, why):
    on = TODAY + timedelta(days=days)
    for confirmed in (False, True):
        with pytest.raises(NotAllowed, match=why):
            events.record(ctx, randomised, kind, on, details, confirmed=confirmed)


NAUSEA = {"term": "Nausea", "grade": "2"}


WRONG_DETAILS = (
    ({}, "term: found nothing; wanted one line"),
    ({"term": "Nausea"}, "grade: found nothing; wanted a whole number from 1 to 5"),
    ({**NAUSEA, "grade": "6"}, "grade: found '6'; wanted a whole number from 1 to 5"),
    ({**NAUSEA, "term": "x" * 101}, "term: found 'xxx"),
    ({**NAUSEA, "clavien_dindo": "III"}, "clavien_dindo: found 'III'; wanted one of I, II,"),
    ({**NAUSEA, "arm": "A"}, "arm: found an unknown detail; wanted one of term, grade"),
)


def test_an_adverse_event_with_wrong_details_is_neither_recorded_nor_put_in_place_of_another(
    ctx, randomised
):
    events.record(ctx, randomised, "adverse_event", TODAY, NAUSEA)
    old = row_of(ctx, randomised, "adverse_event")
    for details, why in WRONG_DETAILS:
        assert events.preview(ctx, randomised, "adverse_event", TODAY, details).refused
        with pytest.raises(NotAllowed, match=why):
            events.record(ctx, randomised, "adverse_event", TODAY, details, confirmed=True)
        with pytest.raises(NotAllowed, match=why):
            events.correct(ctx, randomised, old.id, TODAY, details, "x", confirmed=True)
    standing = events.standing_events(ctx, randomised)
    assert [one.id for one in standing if one.kind == "adverse_event"] == [old.id]


def test_details_of_an_adverse_event_are_stored_corrected_and_on_the_trail(ctx, randomised):
    surgical = {**NAUSEA, "clavien_dindo": "IIIa"}
    events.record(ctx, randomised, "adverse_event", TODAY, NAUSEA)
    old = row_of(ctx, randomised, "adverse_event")
    events.correct(ctx, randomised, old.id, TODAY, surgical, "It came of surgery")
    assert row_of(ctx, randomised, "adverse_event").details == surgical
    event = ctx.session.scalars(
        select(AuditEvent).where(AuditEvent.action == "event.correct")
    ).one()
    assert (event.old["details"], event.new["details"]) == (NAUSEA, surgical)
    events.retract(ctx, randomised, row_of(ctx, randomised, "adverse_event").id, "Another person")
    assert kinds(ctx, randomised) == ["consent", "randomisation"]


def test_what_is_doubtful_is_recorded_only_when_confirmed(ctx, randomised):
    early = TODAY - timedelta(days=200)
    with pytest.raises(NotAllowed, match="is before consent"):
        events.record(ctx, randomised, "progression", early)
    events.record(ctx, randomised, "progression", early, confirmed=True)
    assert kinds(ctx, randomised)[0] == "progression"


def test_nothing_happens_after_death(ctx, randomised):
    events.record(ctx, randomised, "death", TODAY - timedelta(days=5))
    with pytest.raises(NotAllowed, match="after the recorded death"):
        events.record(ctx, randomised, "progression", TODAY)


def test_a_preview_says_what_saving_does_and_changes_nothing(ctx, randomised):
    def count():
        tables = (ParticipantEvent, Assessment, AuditEvent)
        return [ctx.session.scalar(select(func.count()).select_from(one)) for one in tables]

    events.record(ctx, randomised, "progression", TODAY - timedelta(days=60))
    old = row_of(ctx, randomised, "randomisation")
    before, later = count(), old.happened_on + timedelta(days=1)
    cases = [
        (("progression", TODAY, {}), lambda: events.record(ctx, randomised, "progression", TODAY)),
        (
            ("randomisation", later, {"arm": "A"}, old.id),
            lambda: events.correct(ctx, randomised, old.id, later, {"arm": "A"}, "x"),
        ),
    ]
    for what, save in cases:
        seen = events.preview(ctx, randomised, *what)
        assert count() == before
        assert not seen.replan.changes_nothing
        saved = save()
        assert keys(seen.replan) == keys(saved)
        before = count()
    retraction = row_of(ctx, randomised, "randomisation")
    seen = events.preview_retraction(ctx, randomised, retraction.id)
    assert count() == before
    assert keys(seen.replan) == keys(events.retract(ctx, randomised, retraction.id, "x"))


def keys(replan):
    return (
        {(one.existing.key, one.planned.window) for one in replan.moved},
        {(one.key, one.window) for one in replan.added},
        {one.key for one in replan.dropped},
        {one.key for one in replan.kept},
    )


def after_progression(ctx, row):
    rows = assessments_of(ctx, row.id)
    return {one.public_id: one.target_on for one in rows if one.timepoint == "PD"}


def test_an_earlier_event_recorded_later_takes_no_assessment_from_the_first(ctx, randomised):
    """Each progression has its own questionnaire, whatever the order in which they are told."""
    events.record(ctx, randomised, "progression", TODAY - timedelta(days=10))
    first = after_progression(ctx, randomised)
    earlier = TODAY - timedelta(days=60)
    seen = events.preview(ctx, randomised, "progression", earlier)
    assert [one.key for one in seen.replan.added] == [("PD", 2)]
    events.record(ctx, randomised, "progression", earlier)
    after = after_progression(ctx, randomised)
    assert first.items() <= after.items()
    assert len(after) == 2


def test_every_open_row_is_looked_at_again_after_an_event(ctx, randomised):
    for one in assessments_of(ctx, randomised.id):
        one.look_again_at = None
    events.record(ctx, randomised, "death", TODAY)
    assert all(one.look_again_at == ctx.now for one in assessments_of(ctx, randomised.id))
