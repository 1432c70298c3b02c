"""What happens to a participant: recorded on its day, corrected by a new row, never erased."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from qol_app.db.tables import Participant, ParticipantEvent
from qol_app.errors import NotAllowed, NotFound
from qol_app.schedule.history import Event, History
from qol_app.schedule.plausibility import Finding, check_event
from qol_app.schedule.replan import Replan
from qol_app.schedule.timeline import Change, compared
from qol_app.services import audit, foreseeing
from qol_app.services.context import Context
from qol_app.services.participants import course, site_code
from qol_app.services.planning import prospect, replan_participant

NOTHING = Replan((), (), (), ())


@dataclass(frozen=True)
class Preview:
    """What recording, correcting or retracting would do; nothing has been done.

    ``timeline`` has every assessment with its reminders, before and after; both are empty where
    it cannot be saved.
    """

    replan: Replan
    timeline: tuple[Change, ...]
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> bool:
        """Whether it cannot be saved at all."""
        return any(one.severity == "refuse" for one in self.findings)

    @property
    def doubtful(self) -> bool:
        """Whether it may only be saved when a person confirms it."""
        return any(one.severity == "confirm" for one in self.findings)


def preview(
    ctx: Context,
    participant: Participant,
    kind: str,
    on: date,
    details: Mapping[str, str] | None = None,
    correcting: int | None = None,
    *,
    channels: Collection[str] = (),
) -> Preview:
    """Return what an event, or its correction, would change in the plan; nothing is saved.

    Parameters
    ----------
    channels : collection of str
        Those this installation can send by; without any the timeline shows no messages.

    Raises
    ------
    NotFound
        If the event to be corrected is not one that stands for this participant.
    """
    known = course(ctx, participant.id)
    old = _standing(ctx, participant, correcting) if correcting is not None else None
    number = known.number_of(old) if old else known.next_number(kind)
    event = Event(kind, on, dict(details or {}), ctx.now, number)
    rest = known.history(without=old)
    found = tuple(findings(ctx, participant, event, old))
    return _preview(ctx, participant, rest.with_event(event), found, channels)


def preview_retraction(
    ctx: Context, participant: Participant, event_id: int, *, channels: Collection[str] = ()
) -> Preview:
    """Return what taking an event back would change in the plan; nothing is saved.

    Raises
    ------
    NotFound
        If the event is not one that stands for this participant.
    """
    old = _standing(ctx, participant, event_id)
    known = course(ctx, participant.id)
    return _preview(ctx, participant, known.history(without=old), (), channels)


def _preview(
    ctx: Context,
    participant: Participant,
    afterwards: History,
    found: tuple[Finding, ...],
    channels: Collection[str],
) -> Preview:
    if any(one.severity == "refuse" for one in found):
        # What cannot be is not thought through: there may be no days to count from it.
        return Preview(NOTHING, (), found)
    person = foreseeing.person(ctx, participant, channels)
    change = prospect(ctx, participant, afterwards)
    before = foreseeing.timeline(ctx, person)
    after = foreseeing.timeline_after(person, change, afterwards)
    return Preview(change.replan, compared(before, after), found)


def standing_events(ctx: Context, participant: Participant) -> list[ParticipantEvent]:
    """Return the events that stand for this participant, by date."""
    return course(ctx, participant.id).standing


def standing_event(ctx: Context, participant: Participant, event_id: int) -> ParticipantEvent:
    """Return an event that stands for this participant.

    Raises
    ------
    NotFound
        If there is none of that number.
    """
    return _standing(ctx, participant, event_id)


def findings(
    ctx: Context,
    participant: Participant,
    event: Event,
    correcting: ParticipantEvent | None = None,
) -> list[Finding]:
    """Return what speaks against an event, for the person who is about to record it."""
    known = course(ctx, participant.id).history(without=correcting)
    protocol = ctx.library.protocol(ctx.session, participant.protocol_id)
    return check_event(protocol, known, event, ctx.today(participant.timezone))


def record(
    ctx: Context,
    participant: Participant,
    kind: str,
    on: date,
    details: Mapping[str, str] | None = None,
    *,
    confirmed: bool = False,
) -> Replan:
    """Record an event and plan anew; return what that changed.

    Raises
    ------
    NotAllowed
        If the event cannot be, or is doubtful and not confirmed; of a detail that is not
        as the protocol declares it with its name, what was found and what is wanted.
    """
    event = Event(kind, on, dict(details or {}))
    _refuse(findings(ctx, participant, event), confirmed)
    row = _add(ctx, participant, event)
    _audit(ctx, "event.record", participant, row, None)
    return replan_participant(ctx, participant)


def correct(
    ctx: Context,
    participant: Participant,
    event_id: int,
    on: date,
    details: Mapping[str, str] | None,
    reason: str,
    *,
    confirmed: bool = False,
) -> Replan:
    """Put a corrected event in the place of one that stands; the old row stays as it was.

    Raises
    ------
    NotAllowed
        If no reason is given, or the corrected event cannot be.
    NotFound
        If the event is not one that stands for this participant.
    """
    _demand_reason(reason)
    old = _standing(ctx, participant, event_id)
    event = Event(old.kind, on, dict(details or {}))
    _refuse(findings(ctx, participant, event, old), confirmed)
    row = _add(ctx, participant, event, replaces_id=old.id, reason=reason)
    _audit(ctx, "event.correct", participant, row, old, reason)
    return replan_participant(ctx, participant)


def retract(ctx: Context, participant: Participant, event_id: int, reason: str) -> Replan:
    """Take back an event that never was; the row stays, and so does the reason.

    Raises
    ------
    NotAllowed
        If no reason is given.
    NotFound
        If the event is not one that stands for this participant.
    """
    _demand_reason(reason)
    old = _standing(ctx, participant, event_id)
    event = Event(old.kind, old.happened_on, old.details)
    row = _add(ctx, participant, event, replaces_id=old.id, reason=reason, retracted=True)
    _audit(ctx, "event.retract", participant, row, old, reason)
    return replan_participant(ctx, participant)


def _add(
    ctx: Context, participant: Participant, event: Event, **more: int | str | bool
) -> ParticipantEvent:
    row = ParticipantEvent(
        participant_id=participant.id,
        kind=event.kind,
        happened_on=event.on,
        details=dict(event.details),
        recorded_at=ctx.now,
        recorded_by=ctx.actor.staff_id,
        **more,
    )
    ctx.session.add(row)
    ctx.session.flush()
    return row


def _standing(ctx: Context, participant: Participant, event_id: int) -> ParticipantEvent:
    for row in course(ctx, participant.id).standing:
        if row.id == event_id:
            return row
    raise NotFound("event: there is none of that number for this participant")


def _demand_reason(reason: str) -> None:
    if not reason.strip():
        raise NotAllowed("reason: found nothing; wanted why this is corrected, in a few words")


def _refuse(found: list[Finding], confirmed: bool) -> None:
    against = [one.text for one in found if one.severity == "refuse" or not confirmed]
    if against:
        raise NotAllowed(" ".join(against))


def _audit(
    ctx: Context,
    action: str,
    participant: Participant,
    row: ParticipantEvent,
    old: ParticipantEvent | None,
    reason: str = "",
) -> None:
    audit.record(
        ctx,
        action,
        "participant_event",
        row.id,
        old=_values(old) if old else None,
        new=_values(row),
        site=site_code(ctx, participant),
        reason=reason,
    )


def _values(row: ParticipantEvent) -> dict[str, object]:
    return {
        "participant": row.participant_id,
        "kind": row.kind,
        "on": str(row.happened_on),
        "details": row.details,
        "retracted": row.retracted,
    }
