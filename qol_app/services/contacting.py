"""Everything that decides whether, how and when a participant may be sent something.

Loaded anew at each look, for many participants by a handful of queries; the rules
themselves are those of ``qol_app.schedule``.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row, bindparam, func, literal_column, select

from qol_app.db.base import table_of
from qol_app.db.several import OfSome
from qol_app.db.tables import (
    Assessment,
    Contact,
    Delivery,
    Participant,
    Reminder,
    Site,
    Submission,
    Task,
)
from qol_app.definition.event_kinds import STOPS, effect_of
from qol_app.definition.protocol import Protocol
from qol_app.schedule.history import History
from qol_app.schedule.reminders import Preferences
from qol_app.schedule.status import AssessmentFacts
from qol_app.schedule.windows import VisitWindow
from qol_app.services.context import Context
from qol_app.services.participants import histories

# Column of ``contact`` that holds the address of each channel; the console needs none.
ADDRESSES = {"email": "email", "sms": "phone", "push": "push"}
# The task that asks for another address; while it is open, the channel is left alone.
BAD_ADDRESS_TASKS = {channel: f"bad_{channel}" for channel in ADDRESSES}
# In the order in which they are tried where the participant has no wish.
USUAL_ORDER = ("email", "sms", "push")

# States of a reminder. While ``claimed`` it is waiting for its first or next attempt, while
# ``sending`` an attempt is under way; the others are where it can end.
WAITING, SENDING = "claimed", "sending"
# The provider said that it arrived; nothing that is heard later takes that back.
ARRIVED = "delivered"
GONE_OUT = ("handed_over", ARRIVED, "uncertain")
# Attempts that certainly reached nobody.
REACHED_NOBODY = ("refused", "bounced")
# Why a reminder failed if the address was at fault.
BAD_ADDRESS = "bad_address"

# What decides about contact, of all that is known of a reminder.
REMINDER = ("id", "participant_id", "assessment_id", "step", "channel", "status", "why")
# No reminder has this number.
NOBODYS = 0

# These stand before every message and every decision not to send one, so they are made once.
_reminder, _task, _done = table_of(Reminder), table_of(Task), table_of(Submission)
_delivery = table_of(Delivery)
_PEOPLE = OfSome(
    Participant.id,
    # Of addresses only whether they are there: nothing is decrypted to decide.
    select(Participant, Site, *(getattr(Contact, name).is_not(None) for name in ADDRESSES.values()))
    .join(Site, Site.id == Participant.site_id)
    .outerjoin(Contact, Contact.identity_ref == Participant.identity_ref),
)
_REMINDERS = OfSome(
    _reminder.c.participant_id,
    select(*(_reminder.c[name] for name in REMINDER)).order_by(_reminder.c.id),
)
_TASKS = OfSome(_task.c.participant_id, select(_task).order_by(_task.c.id))
_HANDED_IN = OfSome(_done.c.assessment_id, select(_done.c.assessment_id, _done.c.submitted_at))
_LAST_CONTACTS = OfSome(
    _reminder.c.participant_id,
    select(_reminder.c.participant_id, func.max(_delivery.c.started_at).label("at"))
    .join(_delivery, _delivery.c.reminder_id == _reminder.c.id)
    .where(
        _reminder.c.id != bindparam("apart_from"),
        *(_delivery.c.status != literal_column(repr(status)) for status in REACHED_NOBODY),
    )
    .group_by(_reminder.c.participant_id),
)


@dataclass(frozen=True)
class Person:
    """One participant as the rules of contact see them, without identity."""

    participant: Participant
    site: Site
    protocol: Protocol
    history: History
    preferences: Preferences
    zone: ZoneInfo
    # Rows as they were read: nothing is changed by them.
    reminders: tuple[Row[Any], ...]
    tasks: tuple[Row[Any], ...]
    last_contact_on: date | None

    def steps_done(self, assessment_id: int) -> set[str]:
        """Return the steps of an assessment that need no further thought.

        A step that failed for its address alone is open again: another channel may do. So is
        a call that was called off for an event that was then taken back.
        """
        reminded = {
            reminder.step
            for reminder in self.reminders
            if reminder.assessment_id == assessment_id and reminder.why != BAD_ADDRESS
        }
        return reminded | {
            task.kind
            for task in self.tasks
            if task.assessment_id == assessment_id and not _called_off(task)
        }


def _called_off(task: Row[Any]) -> bool:
    """Whether nobody did this task, because contact had stopped."""
    return task.done_by is None and effect_of(task.outcome) in STOPS


def people(
    ctx: Context, ids: Collection[int], channels: Collection[str], apart_from: int | None = None
) -> dict[int, Person]:
    """Return participants by id with all that decides about contact.

    Parameters
    ----------
    ids : collection of int
    channels : collection of str
        Those this installation can send by.
    apart_from : int, optional
        A reminder that does not count as a contact, because it is the one in question.
    """
    rows = _PEOPLE.rows(ctx.session, ids)
    known = histories(ctx, ids)
    reminders = _by_person(ctx, _REMINDERS, ids)
    tasks = _by_person(ctx, _TASKS, ids)
    contacts = _last_contacts(ctx, ids, apart_from)
    found = {}
    for participant, site, *present in map(tuple, rows):
        has = {channel for channel, there in zip(ADDRESSES, present, strict=True) if there}
        asked_for = tuple(tasks.get(participant.id, ()))
        if participant.preferred_channel == "console":  # a demo's wish; needs no address
            has.add("console")
        usable = has & set(channels) - _bad_channels(asked_for)
        zone = ZoneInfo(participant.timezone)
        own = reminders.get(participant.id, [])
        found[participant.id] = Person(
            participant=participant,
            site=site,
            protocol=ctx.library.protocol(ctx.session, participant.protocol_id),
            history=known[participant.id],
            preferences=preferences(participant, usable),
            zone=zone,
            reminders=tuple(own),
            tasks=asked_for,
            last_contact_on=_last_contact(
                ctx.now, zone, own, contacts.get(participant.id), apart_from
            ),
        )
    return found


def submitted_at(ctx: Context, assessment_ids: Collection[int]) -> dict[int, datetime]:
    """Return when those of the assessments were handed in that were."""
    ctx.session.flush()
    found = _HANDED_IN.rows(ctx.session.connection(), assessment_ids)
    return {row.assessment_id: row.submitted_at for row in found}


def facts(
    row: Assessment | Row[Any], handed_in_at: datetime | None, zone: ZoneInfo
) -> AssessmentFacts:
    """Return what the rules want to know of one assessment."""
    return AssessmentFacts(
        window=VisitWindow(row.opens_on, row.target_on, row.closes_on, row.late_until),
        started_at=row.started_at,
        submitted_at=handed_in_at,
        dropped=row.dropped_at is not None,
        # Which one is asked instead does not matter here, only that another is.
        merged_into=("", row.counted_by_id) if row.counted_by_id is not None else None,
        timepoint=row.timepoint,
        zone=zone,
    )


def preferences(participant: Participant, usable: Collection[str]) -> Preferences:
    """Return a participant's wishes, with the usable channels in the order to be tried."""
    if participant.messages_stopped_at is not None:
        usable = ()
    wished = [participant.preferred_channel] if participant.preferred_channel else []
    order = dict.fromkeys([*wished, *USUAL_ORDER])
    return Preferences(
        channels=tuple(channel for channel in order if channel in usable),
        hour=participant.contact_hour,
        paused_until=participant.paused_until,
        language=participant.language,
    )


def _by_person(ctx: Context, query: OfSome, ids: Collection[int]) -> dict[int, list[Row[Any]]]:
    found: dict[int, list[Row[Any]]] = {}
    for row in query.rows(ctx.session.connection(), ids):
        found.setdefault(row.participant_id, []).append(row)
    return found


def _bad_channels(tasks: Iterable[Row[Any]]) -> set[str]:
    still_open = {task.kind for task in tasks if task.done_at is None}
    return {channel for channel, kind in BAD_ADDRESS_TASKS.items() if kind in still_open}


def _last_contacts(
    ctx: Context, ids: Collection[int], apart_from: int | None
) -> dict[int, datetime]:
    connection = ctx.session.connection()
    rows = _LAST_CONTACTS.rows(connection, ids, apart_from=apart_from or NOBODYS)
    return {row.participant_id: row.at for row in rows}


def _last_contact(
    now: datetime,
    zone: ZoneInfo,
    reminders: Iterable[Row[Any]],
    reached_at: datetime | None,
    apart_from: int | None,
) -> date | None:
    """Return the local day of the last contact; one that is on its way counts as today's."""
    on_its_way = any(
        reminder.status in (WAITING, SENDING) and reminder.id != apart_from
        for reminder in reminders
    )
    if on_its_way:
        return now.astimezone(zone).date()
    return reached_at.astimezone(zone).date() if reached_at else None
