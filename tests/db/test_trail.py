"""The trail is written with the change, or neither is; and the state can be rebuilt from it."""

import random
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from qol_app.db.tables import (
    Assessment,
    AuditEvent,
    AuditSeal,
    Participant,
    ParticipantEvent,
    Site,
)
from qol_app.errors import NotAllowed
from qol_app.services import audit, enrolment, events
from qol_app.services.context import Actor
from qol_app.services.identity import Identity
from tests.db.facts import PERSON

pytestmark = pytest.mark.requirement("D12")
SEED = 7
SITES = ("UME", "GBG", "KAR", "LIN", "LUN", "UPP")


class Interrupted(Exception):
    """The process ended before the commit."""


def counts(runtime):
    with runtime.database.read() as session:
        return {
            table.__tablename__: session.scalar(select(func.count()).select_from(table))
            for table in (AuditEvent, Participant, ParticipantEvent, Assessment)
        }


@pytest.mark.requirement("T2")
def test_change_and_trail_stand_or_fall_together(runtime):
    before = counts(runtime)

    def enrol_and_break_off():
        with runtime.writing(Actor.system("tests")) as ctx:
            enrol(ctx, "UME-001", "UME")
            ctx.session.flush()
            raise Interrupted

    with pytest.raises(Interrupted):
        enrol_and_break_off()
    assert counts(runtime) == before
    with runtime.writing(Actor.system("tests")) as ctx:
        enrol(ctx, "UME-001", "UME")
    after = counts(runtime)
    assert all(after[name] > before[name] for name in before)


@pytest.mark.requirement("T2")
def test_a_refused_change_leaves_nothing_on_the_trail(runtime):
    before = counts(runtime)
    with pytest.raises(NotAllowed), runtime.writing(Actor.system("tests")) as ctx:
        enrol(ctx, "no good number", "UME")
    assert counts(runtime) == before


@pytest.mark.requirement("T1")
def test_an_event_says_who_what_old_new_when_why_and_by_which_program(runtime):
    actor = Actor("staff:7", "coordinator", None, None)
    with runtime.writing(actor) as ctx:
        participant = enrol(ctx, "UME-001", "UME")
        events.record(
            ctx, participant, "randomisation", date(2026, 11, 20), {"arm": "A"}, confirmed=True
        )
        first = ctx.session.scalars(
            select(ParticipantEvent).where(ParticipantEvent.kind == "randomisation")
        ).one()
        day = date(2026, 11, 21)
        events.correct(
            ctx, participant, first.id, day, {"arm": "A"}, "read wrongly", confirmed=True
        )
    with runtime.reading(actor) as ctx:
        row = ctx.session.scalars(
            select(AuditEvent).where(AuditEvent.action == "event.correct")
        ).one()
    assert (row.actor, row.role, row.site) == ("staff:7", "coordinator", "UME")
    assert (row.old["on"], row.new["on"]) == ("2026-11-20", "2026-11-21")
    assert row.reason == "read wrongly"
    assert row.at == runtime.clock()
    assert row.program_version


@pytest.mark.requirement("T1", "T4")
@pytest.mark.slow
def test_state_rebuilt_from_the_trail_equals_the_tables_after_random_actions(runtime, clock):
    chance = random.Random(SEED)
    for step in range(400):
        clock.move(hours=1)
        with runtime.writing(Actor.system("tests")) as ctx:
            act(ctx, chance, step)
    with runtime.writing(Actor.system("tests")) as ctx:
        audit.seal(ctx.session)
    with runtime.reading(Actor.system("tests")) as ctx:
        trail = list(ctx.session.scalars(select(AuditEvent).order_by(AuditEvent.id)))
        assert rebuilt(trail) == actual(ctx), f"seed {SEED}"
        assert list(audit.broken_links(ctx.session)) == []
        assert ctx.session.scalar(select(func.count()).select_from(AuditSeal)) == len(trail)


def act(ctx, chance, step):
    """Do one thing at random; what is refused changes nothing."""
    everybody = list(ctx.session.scalars(select(Participant).order_by(Participant.id)))
    if not everybody or chance.random() < 0.15:
        enrol(ctx, f"{chance.choice(SITES)}-{step:03d}", chance.choice(SITES))
        return
    one = chance.choice(everybody)
    standing = events.course(ctx, one.id).standing
    on = ctx.today("Europe/Stockholm") - timedelta(days=chance.randrange(40))
    kind = chance.choice(["randomisation", "progression", "liver_procedure", "death", "hold"])
    details = {
        "randomisation": {"arm": chance.choice("AB")},
        "hold": {"until": str(on + timedelta(days=20)), "reason": "too_ill"},
    }.get(kind, {})
    with ctx.session.begin_nested() as savepoint:
        try:
            if standing and chance.random() < 0.3:
                old = chance.choice(standing)
                events.correct(ctx, one, old.id, on, old.details, "corrected", confirmed=True)
            elif len(standing) > 1 and chance.random() < 0.1:
                events.retract(ctx, one, chance.choice(standing[1:]).id, "never was")
            else:
                events.record(ctx, one, kind, on, details, confirmed=True)
        except NotAllowed:
            savepoint.rollback()


def enrol(ctx, number, site):
    return enrolment.enrol(
        ctx,
        "breclim-2",
        number,
        site,
        "sv",
        Identity(phone=PERSON.phone),
        consent_on=ctx.today("Europe/Stockholm") - timedelta(days=45),
    )


def rebuilt(trail):
    """Replay the trail: participants, their events that stand, and their windows."""
    participants, standing, windows = {}, {}, {}
    for one in trail:
        if one.action == "participant.enrol":
            participants[one.new["study_number"]] = (one.new["site"], one.new["language"])
        elif one.action in ("event.record", "event.correct", "event.retract"):
            key = (one.new["participant"], one.new["kind"], one.new["on"])
            if one.old:
                standing[one.old["participant"], one.old["kind"], one.old["on"]] -= 1
            if not one.new["retracted"]:
                standing[key] = standing.get(key, 0) + 1
        elif one.action in ("assessment.plan", "assessment.move"):
            windows[one.subject_id] = (one.new["timepoint"], one.new["target_on"], False)
        elif one.action == "assessment.drop":
            windows[one.subject_id] = (*windows[one.subject_id][:2], True)
    return participants, {key: n for key, n in standing.items() if n}, windows


def actual(ctx):
    """Read the same from the tables."""
    people = ctx.session.execute(select(Participant, Site.code).join(Site)).all()
    standing: dict[tuple[int, str, str], int] = {}
    for person, _site in people:
        for row in events.course(ctx, person.id).standing:
            key = (person.id, row.kind, str(row.happened_on))
            standing[key] = standing.get(key, 0) + 1
    windows = {
        row.public_id: (row.timepoint, str(row.target_on), row.dropped_at is not None)
        for row in ctx.session.scalars(select(Assessment))
    }
    participants = {one.study_number: (site, one.language) for one, site in people}
    return participants, standing, windows


def looking(ctx):
    return lambda statement, values: ctx.session.connection().execute(statement, values).all()


def test_whether_anything_is_unsealed_is_known_before_the_first_link_and_after_the_last(ctx):
    look = looking(ctx)
    audit.record(ctx, "test.happen", "test", 1)
    assert audit.any_unsealed(look, 0)
    audit.seal(ctx.session)
    assert not audit.any_unsealed(look, 0)
    audit.record(ctx, "test.happen", "test", 2)
    assert audit.any_unsealed(look, 0)
    assert audit.seal(ctx.session, look_back=0) == 1
    assert not audit.any_unsealed(look, 0)


def test_an_event_that_came_late_is_sealed_by_the_look_at_everything(ctx):
    for number in range(6):
        audit.record(ctx, "test.happen", "test", number)
    ctx.session.flush()
    first = ctx.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).first()
    audit.seal(ctx.session)
    late = AuditEvent(
        **{
            column.key: getattr(first, column.key)
            for column in AuditEvent.__table__.columns
            if column.key != "id"
        },
        id=first.id - 1_000_000,  # its number was given long before it was committed
    )
    ctx.session.add(late)
    ctx.session.flush()

    look = looking(ctx)
    assert audit.is_behind(look)
    assert not audit.any_unsealed(look, 10)
    assert audit.seal(ctx.session, look_back=10) == 0
    assert audit.any_unsealed(look, 2_000_000)
    assert audit.seal(ctx.session) == 1
    assert not audit.is_behind(look)
    assert list(audit.broken_links(ctx.session)) == []
