"""Which reminders are wanted now: asked of the facts at every tick, never queued.

One sweep takes the assessments whose time to be looked at has come, derives anew what is due
about each, claims it by a row that only one worker can insert, and writes down when to look
again. A tick that was missed is made up for by the next one.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.orm import Session

from qol_app.db.base import table_of
from qol_app.db.tables import Assessment, Participant, Reminder, Submission
from qol_app.definition.protocol import Protocol
from qol_app.definition.protocol_timing import step_applies
from qol_app.schedule.history import Contact
from qol_app.schedule.reminders import (
    Action,
    DueStep,
    Kind,
    PlannedReminder,
    due_steps,
    planned_reminders,
    waiting_reason,
)
from qol_app.schedule.status import AssessmentFacts
from qol_app.schedule.windows import from_day, local_instant
from qol_app.services import audit
from qol_app.services.contacting import Person, facts, people
from qol_app.services.context import Context
from qol_app.services.lease import INSERTS, Lease, still_held
from qol_app.services.looking import Look
from qol_app.services.tasks import finish_by_itself, open_task

AT_ONCE = 200

_ROW, _DONE = table_of(Assessment), table_of(Submission)
_ANY_OVERDUE = select(_ROW.c.id).where(_ROW.c.look_again_at <= bindparam("now")).limit(1)
_OVERDUE = (
    select(_ROW.c.id, _ROW.c.participant_id)
    .where(_ROW.c.look_again_at <= bindparam("now"))
    .order_by(_ROW.c.look_again_at)
    .limit(bindparam("most"))
)
_DUE_ROWS = (
    select(_ROW, _DONE.c.submitted_at)
    .outerjoin(_DONE, _DONE.c.assessment_id == _ROW.c.id)
    .where(
        _ROW.c.participant_id.in_(bindparam("ids", expanding=True)),
        _ROW.c.look_again_at <= bindparam("now"),
    )
    .order_by(_ROW.c.closes_on, _ROW.c.id)
)
_LOOK_AGAIN = update(_ROW).where(_ROW.c.id == bindparam("of")).values(look_again_at=bindparam("at"))
_REMINDER = table_of(Reminder)
_CLAIM = {
    name: insert(_REMINDER).on_conflict_do_nothing().returning(_REMINDER.c.id)
    for name, insert in INSERTS.items()
}


@dataclass(frozen=True)
class Swept:
    """What one sweep did: assessments looked at, reminders claimed, and whether more wait."""

    looked_at: int = 0
    claimed: tuple[int, ...] = ()
    more: bool = False


@dataclass(frozen=True)
class Decision:
    """What is to be done about one assessment now, and when to look at it again."""

    steps: tuple[DueStep, ...]
    look_again_at: datetime | None


def sweep(ctx: Context, lease: Lease, channels: Collection[str], most: int = AT_ONCE) -> Swept:
    """Look at up to ``most`` assessments whose time has come; claim what is due.

    Parameters
    ----------
    lease : Lease
        The right to act; without it nothing is done.
    channels : collection of str
        Those this installation can send by.
    """
    waiting = overdue(ctx, most)
    if not waiting or not still_held(ctx, lease):
        return Swept()
    ids = _locked(ctx.session, {participant_id for _, participant_id in waiting})
    claimed: list[int] = []
    looked_at = 0
    for person, rows in _due_rows(ctx, ids, channels):
        looked_at += len(rows)
        claimed += _look(ctx, lease, person, rows)
    ctx.session.flush()
    return Swept(looked_at, tuple(claimed), more=len(waiting) == most and looked_at > 0)


def overdue(ctx: Context, most: int) -> Sequence[tuple[int, int]]:
    """Return assessments to be looked at by now, with whose they are; one indexed query."""
    ctx.session.flush()
    return ctx.session.connection().execute(_OVERDUE, {"now": ctx.now, "most": most}).all()


def any_overdue(look: Look, now: datetime) -> bool:
    """Return whether any assessment is to be looked at by now: the usual answer is no."""
    return bool(look(_ANY_OVERDUE, {"now": now}))


def look_now(ctx: Context, participant_id: int) -> None:
    """Have the worker look at once at everything of one participant: a wish has changed."""
    ctx.session.execute(
        update(Assessment)
        .where(
            Assessment.participant_id == participant_id,
            Assessment.dropped_at.is_(None),
        )
        .values(look_again_at=ctx.now)
    )


def decide(
    now: datetime, person: Person, facts: AssessmentFacts, done: Collection[str], spent: bool
) -> Decision:
    """Return what is due about one assessment, a pure function of what was loaded.

    Parameters
    ----------
    done : collection of str
        Steps already claimed, given to staff or skipped.
    spent : bool
        Whether this person has been contacted in this very sweep.
    """
    if facts.dropped or facts.merged_into is not None:
        return Decision((), None)
    today = now.astimezone(person.zone).date()
    plan = planned(person, facts)
    if facts.submitted_at is not None or today > facts.window.closes:
        return Decision(tuple(_never_sent(person, facts, plan, done, now)), None)
    last = today if spent else person.last_contact_on
    steps = due_steps(
        person.protocol,
        facts,
        person.history,
        done,
        now,
        person.zone,
        person.preferences,
        last,
    )
    settled = {*done, *(step.step for step in steps)}
    return Decision(tuple(steps), _next_look(now, person, facts, plan, settled))


def planned(person: Person, facts: AssessmentFacts) -> tuple[PlannedReminder, ...]:
    """Return the steps of one assessment, none before consent, if nothing happens in between."""
    window = from_day(facts.window, person.history.date_of("consent"))
    return planned_reminders(
        person.protocol, window, person.zone, person.preferences, facts.timepoint
    )


def _next_look(
    now: datetime,
    person: Person,
    facts: AssessmentFacts,
    plan: Sequence[PlannedReminder],
    settled: Collection[str],
) -> datetime:
    """Return when something may have changed by itself: the next step, or tomorrow.

    A step that is due but has to wait (night, pause, hold, one contact a day) is looked at
    again at the hour at which this person is written to. For whoever died or left the study
    there is nothing to wait for: a retracted event has every row looked at anew.
    """
    after = local_instant(facts.window.closes + timedelta(days=1), 0, person.zone)
    if person.history.stopped_for_good(now.astimezone(person.zone).date()):
        return after
    open_steps = [one for one in plan if one.step not in settled]
    ahead = [one.at for one in open_steps if one.at > now]
    if len(ahead) < len(open_steps):
        ahead.append(next_send_at(now, person))
    return min([*ahead, after])


def next_send_at(now: datetime, person: Person) -> datetime:
    """Return the next instant at which this person may be written to as they like it."""
    rules, own = person.protocol.contact, person.preferences.hour
    awake = own is not None and rules.quiet_until <= own < rules.quiet_from
    hour = own if own is not None and awake else rules.send_hour
    today = now.astimezone(person.zone).date()
    at = local_instant(today, hour, person.zone)
    return at if at > now else local_instant(today + timedelta(days=1), hour, person.zone)


def _never_sent(
    person: Person,
    facts: AssessmentFacts,
    plan: Sequence[PlannedReminder],
    done: Collection[str],
    now: datetime,
) -> Iterator[DueStep]:
    """Yield the steps that submission or closing left behind, with why each never went.

    At closing every message the protocol foresees gets its row, also one that had no day.
    """
    for one in plan:
        if one.step in done or one.kind is not Kind.MESSAGE:
            continue
        if facts.submitted_at is None or one.at <= facts.submitted_at:
            reason = _why_never(person, facts, one.local.date(), now)
            yield DueStep(one.step, one.channel, one.kind, Action.SKIP, one.at, reason)
    if facts.submitted_at is None:
        yield from _never_planned(person, facts, {*done, *(one.step for one in plan)})


def _never_planned(
    person: Person, facts: AssessmentFacts, known: Collection[str]
) -> Iterator[DueStep]:
    """Yield the messages that had no channel or found no day in their window."""
    rules = person.protocol.contact
    at = local_instant(facts.window.closes, rules.send_hour, person.zone)
    channel = next(iter(rules.channels))
    reason = "no_day" if person.preferences.channels else "no_channel"
    for step in sorted(message_steps(person.protocol, facts.timepoint) - set(known)):
        yield DueStep(step, channel, Kind.MESSAGE, Action.SKIP, at, reason)


def message_steps(protocol: Protocol, timepoint: str) -> set[str]:
    """Return the codes of the messages that a protocol foresees about a timepoint."""
    return {
        step.code for step in protocol.reminders if not step.task and step_applies(step, timepoint)
    }


def _why_never(person: Person, facts: AssessmentFacts, planned_on: date, now: datetime) -> str:
    state = person.history.contact_state(planned_on)
    if not state.may_contact:
        return str(state.reason or state.state)
    waited = waiting_reason(person.protocol, now, person.zone, person.preferences)
    if waited in ("no_channel", "paused"):
        return waited
    return "submitted" if facts.submitted_at is not None else "closed"


def _due_rows(
    ctx: Context, ids: Sequence[int], channels: Collection[str]
) -> Iterator[tuple[Person, list[tuple[Row[Any], AssessmentFacts]]]]:
    # Read after locking: what another worker did in between is seen.
    rows: dict[int, list[Row[Any]]] = {}
    values = {"ids": list(ids), "now": ctx.now}
    for row in ctx.session.connection().execute(_DUE_ROWS, values):
        rows.setdefault(row.participant_id, []).append(row)
    known = people(ctx, list(rows), channels)
    for id_, own in rows.items():
        person = known[id_]
        yield person, [(row, facts(row, row.submitted_at, person.zone)) for row in own]


def _look(
    ctx: Context, lease: Lease, person: Person, rows: list[tuple[Row[Any], AssessmentFacts]]
) -> list[int]:
    """Act on all that is due about one person; return the reminders claimed, at most one."""
    claimed: list[int] = []
    again = []
    for row, known in rows:
        decision = decide(ctx.now, person, known, person.steps_done(row.id), bool(claimed))
        for step in decision.steps:
            claimed += _act(ctx, lease, person, row, step)
        for kind, why in _calls_not_needed(ctx.now, person, row.id, known):
            finish_by_itself(ctx, row.id, kind, why)
        again.append({"of": row.id, "at": decision.look_again_at})
    ctx.session.connection().execute(_LOOK_AGAIN, again)
    return claimed


def _calls_not_needed(
    now: datetime, person: Person, assessment_id: int, facts: AssessmentFacts
) -> Iterator[tuple[str, str]]:
    """Yield the calls staff are still asked to make that nobody should make now, with why."""
    state = person.history.contact_state(now.astimezone(person.zone).date())
    if facts.submitted_at is not None:
        why = "submitted"
    elif state.state is Contact.STOPPED:
        why = str(state.reason)
    else:
        return
    calls = {step.code for step in person.protocol.reminders if step.task}
    for task in person.tasks:
        if task.assessment_id == assessment_id and task.done_at is None and task.kind in calls:
            yield task.kind, why


def _act(ctx: Context, lease: Lease, person: Person, row: Row[Any], step: DueStep) -> Iterator[int]:
    if step.action is Action.TASK:
        open_task(ctx, person.participant.id, row.id, step.step)
        return
    status = "claimed" if step.action is Action.SEND else "skipped"
    id_ = _insert(ctx, lease, person.participant.id, row.id, step, status)
    if id_ is None:
        return
    audit.record(
        ctx,
        f"reminder.{'claim' if status == 'claimed' else 'skip'}",
        "reminder",
        id_,
        new={"assessment": row.public_id, "step": step.step, "channel": step.channel},
        site=person.site.code,
        reason=step.reason or "",
    )
    if status == "claimed":
        yield id_


def _insert(
    ctx: Context, lease: Lease, participant_id: int, assessment_id: int, step: DueStep, status: str
) -> int | None:
    """Return the id of the new reminder, or None where the same step has one already."""
    values = {
        "participant_id": participant_id,
        "assessment_id": assessment_id,
        "step": step.step,
        "channel": step.channel,
        "due_at": step.planned_at,
        "status": status,
        "why": step.reason or "",
        "claimed_at": ctx.now,
        "fence": lease.fence,
        "attempts": 0,
    }
    connection = ctx.session.connection()
    return connection.execute(_CLAIM[connection.dialect.name], values).scalar_one_or_none()


def _locked(session: Session, ids: Collection[int]) -> list[int]:
    """Return those participants that no other worker is looking at, kept for ourselves.

    SQLite has no such lock and needs none: its writers stand in one line.
    """
    if session.get_bind().dialect.name == "sqlite":
        return sorted(ids)
    query = select(Participant.id).where(Participant.id.in_(ids)).order_by(Participant.id)
    return list(session.scalars(query.with_for_update(skip_locked=True)))
