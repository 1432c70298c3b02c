"""How far every contact came: planned, claimed, handed over, delivered, opened, completed.

One line for each step of each assessment, from three sources: the rules say what was meant,
the reminders and their attempts what was done, the sessions and submissions what came of it.
An assessment that has no step has a line as well, with why.
"""

import csv
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, TextIO

from sqlalchemy import Row, func, select

from qol_app.db.base import table_of
from qol_app.db.several import OfSome
from qol_app.db.tables import Assessment, Delivery, Participant, Reminder, WebSession
from qol_app.schedule.days_off import may_use
from qol_app.schedule.reminders import Kind, PlannedReminder, waiting_reason
from qol_app.schedule.status import AssessmentFacts
from qol_app.schedule.windows import local_instant
from qol_app.services.contacting import Person, facts, people, submitted_at
from qol_app.services.context import Context
from qol_app.services.participants import visible
from qol_app.services.reminders import message_steps, planned

AT_ONCE = 500
ARRIVED = ("accepted", "delivered", "opened")
# A step that is due may wait so long for the worker before somebody should be told.
GRACE = timedelta(minutes=15)

_reminder = table_of(Reminder)
_REMINDERS = OfSome(_reminder.c.participant_id, select(_reminder).order_by(_reminder.c.id))


@dataclass(frozen=True, slots=True)
class Line:
    """One step of contact about one assessment; instants are UTC, empty where it never came.

    ``status`` is that of the reminder (claimed, sending, handed_over, delivered, failed,
    uncertain, skipped) or of the task (asked, done); for what was not begun: ``planned``,
    ``waiting`` (``why`` says for what), ``not_needed``, or ``unaccounted``: it should have
    gone and nobody knows why it has not.
    """

    study_number: str
    site: str
    assessment: str
    timepoint: str
    occurrence: int
    opens_on: date
    closes_on: date
    step: str = ""
    kind: str = ""
    channel: str = ""
    planned_at: datetime | None = None
    claimed_at: datetime | None = None
    handed_over_at: datetime | None = None
    delivered_at: datetime | None = None
    opened_at: datetime | None = None
    completed_at: datetime | None = None
    attempts: int = 0
    status: str = ""
    why: str = ""


COLUMNS = tuple(field.name for field in fields(Line))


@dataclass(frozen=True)
class _Done:
    """What was done about a chunk of people, by the rows it hangs on."""

    reminders: Mapping[int, Sequence[Row[Any]]]
    handed_in: Mapping[int, datetime]
    attempts: Mapping[int, Sequence[Delivery]]
    opened: Mapping[int, datetime]


def ledger(
    ctx: Context, channels: Collection[str], ids: Collection[int] | None = None
) -> Iterator[Line]:
    """Yield every line of the participants the actor may see, by study number.

    Parameters
    ----------
    channels : collection of str
        Those this installation can send by.
    ids : collection of int, optional
        Only these participants.
    """
    query = visible(ctx).with_only_columns(Participant.id).order_by(Participant.study_number)
    if ids is not None:
        query = query.where(Participant.id.in_(ids))
    wanted = list(ctx.session.scalars(query))
    for start in range(0, len(wanted), AT_ONCE):
        chunk = wanted[start : start + AT_ONCE]
        known, done = people(ctx, chunk, channels), _done(ctx, chunk)
        rows: dict[int, list[Assessment]] = {}
        query_rows = select(Assessment).where(Assessment.participant_id.in_(chunk))
        for row in ctx.session.scalars(query_rows.order_by(Assessment.opens_on, Assessment.id)):
            rows.setdefault(row.participant_id, []).append(row)
        for id_ in chunk:
            for row in rows.get(id_, ()):
                yield from _of_assessment(ctx, known[id_], row, done)


def write_csv(lines: Iterable[Line], stream: TextIO) -> int:
    """Write lines as CSV with a header; return how many there were."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for line in lines:
        writer.writerow([_cell(getattr(line, name)) for name in COLUMNS])
        count += 1
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return "" if value is None else value


def _done(ctx: Context, ids: Collection[int]) -> _Done:
    own = select(Assessment.id).where(Assessment.participant_id.in_(ids))
    attempts: dict[int, list[Delivery]] = {}
    query = (
        select(Delivery)
        .join(Reminder, Reminder.id == Delivery.reminder_id)
        .where(Reminder.participant_id.in_(ids))
        .order_by(Delivery.id)
    )
    for row in ctx.session.scalars(query):
        attempts.setdefault(row.reminder_id, []).append(row)
    opened = (
        select(WebSession.access_link_id, func.min(WebSession.created_at).label("at"))
        .where(WebSession.participant_id.in_(ids), WebSession.access_link_id.is_not(None))
        .group_by(WebSession.access_link_id)
    )
    reminders: dict[int, list[Row[Any]]] = {}
    for one in _REMINDERS.rows(ctx.session.connection(), ids):
        reminders.setdefault(one.assessment_id, []).append(one)
    return _Done(
        reminders,
        submitted_at(ctx, list(ctx.session.scalars(own))),
        attempts,
        {row.access_link_id: row.at for row in ctx.session.execute(opened)},
    )


def _of_assessment(ctx: Context, person: Person, row: Assessment, done: _Done) -> Iterator[Line]:
    known = facts(row, done.handed_in.get(row.id), person.zone)
    head = {
        "study_number": person.participant.study_number,
        "site": person.site.code,
        "assessment": row.public_id,
        "timepoint": row.timepoint,
        "occurrence": row.occurrence,
        "opens_on": row.opens_on,
        "closes_on": row.closes_on,
    }
    reminders = done.reminders.get(row.id, ())
    steps = {step.code for step in person.protocol.reminders if step.task}
    tasks = [one for one in person.tasks if one.assessment_id == row.id and one.kind in steps]
    found = [_reminded(head, one, known, done) for one in reminders]
    found += [_asked(head, one) for one in tasks]
    settled = {line["step"] for line in found}
    found += _ahead(ctx, person, row, known, head, settled)
    if not found:
        why = "merged" if row.counted_by_id is not None else "dropped"
        needed = row.dropped_at is None and row.counted_by_id is None
        found = [{**head, "status": "not_needed", "why": "no_step" if needed else why}]
    # A fixed instant for those without one: they come last.
    yield from sorted(
        (Line(**line) for line in found),
        key=lambda line: (line.planned_at or ctx.now + timedelta(days=36500), line.step),
    )


def _reminded(
    head: Mapping[str, Any], one: Row[Any], known: AssessmentFacts, done: _Done
) -> dict[str, Any]:
    attempts = done.attempts.get(one.id, ())
    last = next((each for each in reversed(attempts) if each.status in ARRIVED), None)
    links = [each.access_link_id for each in attempts if each.access_link_id is not None]
    seen = [done.opened[link] for link in links if link in done.opened]
    told = last.finished_at if last is not None and last.status != "accepted" else None
    if last is not None and last.status == "opened" and told is not None:
        seen.append(told)
    gone_at = last.started_at if last is not None else None
    led = known.submitted_at is not None and gone_at is not None and gone_at <= known.submitted_at
    return {
        **head,
        "step": one.step,
        "kind": Kind.MESSAGE.value,
        "channel": one.channel,
        "planned_at": one.due_at,
        "claimed_at": one.claimed_at if one.status != "skipped" or attempts else None,
        "handed_over_at": gone_at,
        "delivered_at": told,
        "opened_at": min(seen, default=None),
        "completed_at": known.submitted_at if led else None,
        "attempts": len(attempts),
        "status": one.status,
        "why": one.why,
    }


def _asked(head: Mapping[str, Any], one: Row[Any]) -> dict[str, Any]:
    return {
        **head,
        "step": one.kind,
        "kind": Kind.TASK.value,
        "planned_at": one.opened_at,
        "claimed_at": one.opened_at,
        "completed_at": one.done_at,
        "status": "done" if one.done_at else "asked",
    }


def _ahead(
    ctx: Context,
    person: Person,
    row: Assessment,
    known: AssessmentFacts,
    head: Mapping[str, Any],
    settled: Set[str],
) -> list[dict[str, Any]]:
    """Return the steps that have no row: still to come, not needed, or unaccounted for."""
    if known.dropped or known.merged_into is not None:
        return []
    plan = [one for one in planned(person, known) if one.step not in settled]
    found = [
        {
            **head,
            "step": one.step,
            "kind": one.kind.value,
            "channel": one.channel,
            "planned_at": one.at,
            **_outlook(ctx, person, row, known, one),
        }
        for one in plan
    ]
    missing = _never_recorded(ctx, person, row, known) - settled - {one.step for one in plan}
    at = local_instant(row.closes_on, person.protocol.contact.send_hour, person.zone)
    return found + [
        {
            **head,
            "step": step,
            "kind": Kind.MESSAGE.value,
            "planned_at": at,
            **_late(ctx, row, "closed"),
        }
        for step in sorted(missing)
    ]


def _never_recorded(
    ctx: Context, person: Person, row: Assessment, known: AssessmentFacts
) -> set[str]:
    """Return the message steps of which a closed, unanswered assessment must have a row each."""
    if known.submitted_at is not None or ctx.now.astimezone(person.zone).date() <= row.closes_on:
        return set()
    # An amendment may have come between: only what both versions ask for is certain.
    under = ctx.library.protocol(ctx.session, row.protocol_id)
    return message_steps(under, row.timepoint) & message_steps(person.protocol, row.timepoint)


def _outlook(
    ctx: Context, person: Person, row: Assessment, known: AssessmentFacts, one: PlannedReminder
) -> dict[str, str]:
    """Return status and reason of a planned step that has no row."""
    today = ctx.now.astimezone(person.zone).date()
    if known.submitted_at is not None:
        return {"status": "not_needed", "why": "submitted"}
    if today > known.window.closes:
        task = one.kind is Kind.TASK
        return {"status": "not_needed", "why": "closed"} if task else _late(ctx, row, "closed")
    state = person.history.contact_state(max(today, one.local.date()))
    if not state.may_contact:
        held = state.state.value == "held"
        reason = str(state.reason or state.state)
        return {"status": "waiting" if held else "not_needed", "why": reason}
    if one.at > ctx.now:
        return {"status": "planned", "why": ""}
    if one.kind is Kind.MESSAGE:
        waits = waiting_reason(
            person.protocol, ctx.now, person.zone, person.preferences, person.last_contact_on
        )
        if waits is None and not may_use(person.protocol.contact, one.channel, today):
            waits = "day_off"
        if waits is not None:
            return {"status": "waiting", "why": waits}
    return _late(ctx, row, "worker", since=one.at)


def _late(ctx: Context, row: Assessment, why: str, since: datetime | None = None) -> dict[str, str]:
    """Return that a step waits for the worker's next look, or that nobody will look in time."""
    look, soon = row.look_again_at, ctx.now - GRACE
    if since is None:
        waits = look is not None and look >= soon
    else:
        waits = since >= soon or (look is not None and soon <= look <= ctx.now)
    return {"status": "waiting", "why": why} if waits else {"status": "unaccounted", "why": ""}
