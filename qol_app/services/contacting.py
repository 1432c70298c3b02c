"""Everything that decides whether, how and when a participant may be sent something.

Loaded anew at each look, for many participants by a handful of queries; the rules
themselves are those of ``qol_app.schedule``.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

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
from qol_app.definition.protocol import Protocol
from qol_app.schedule.history import History
from qol_app.schedule.reminders import Preferences
from qol_app.schedule.status import AssessmentFacts
from qol_app.schedule.windows import VisitWindow
from qol_app.services.context import Context
from qol_app.services.participants import courses

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


@dataclass(frozen=True)
class Person:
    """One participant as the rules of contact see them, without identity."""

    participant: Participant
    site: Site
    protocol: Protocol
    history: History
    preferences: Preferences
    zone: ZoneInfo
    reminders: tuple[Reminder, ...]
    tasks: tuple[Task, ...]
    last_contact_on: date | None

    def steps_done(self, assessment_id: int) -> set[str]:
        """Return the steps of an assessment that need no further thought.

        A step that failed for its address alone is open again: another channel may do.
        """
        reminded = {
            reminder.step
            for reminder in self.reminders
            if reminder.assessment_id == assessment_id and reminder.why != BAD_ADDRESS
        }
        return reminded | {task.kind for task in self.tasks if task.assessment_id == assessment_id}


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
    rows = ctx.session.execute(
        select(Participant, Site, *_present())
        .join(Site, Site.id == Participant.site_id)
        .outerjoin(Contact, Contact.identity_ref == Participant.identity_ref)
        .where(Participant.id.in_(ids))
    ).all()
    known = courses(ctx, ids)
    reminders = _reminders(ctx, ids)
    tasks = _tasks(ctx, ids)
    contacts = _last_contacts(ctx, ids, apart_from)
    found = {}
    for participant, site, *present in rows:
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
            history=known[participant.id].history(),
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
    query = select(Submission.assessment_id, Submission.submitted_at)
    found = ctx.session.execute(query.where(Submission.assessment_id.in_(assessment_ids)))
    return {row.assessment_id: row.submitted_at for row in found}


def facts(row: Assessment, handed_in_at: datetime | None, zone: ZoneInfo) -> AssessmentFacts:
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


def _present() -> list:
    # Only whether an address is there: nothing is decrypted to decide.
    return [getattr(Contact, column).is_not(None) for column in ADDRESSES.values()]


def _reminders(ctx: Context, ids: Collection[int]) -> dict[int, list[Reminder]]:
    found: dict[int, list[Reminder]] = {}
    query = select(Reminder).where(Reminder.participant_id.in_(ids))
    for reminder in ctx.session.scalars(query.execution_options(populate_existing=True)):
        found.setdefault(reminder.participant_id, []).append(reminder)
    return found


def _tasks(ctx: Context, ids: Collection[int]) -> dict[int, list[Task]]:
    found: dict[int, list[Task]] = {}
    query = select(Task).where(Task.participant_id.in_(ids))
    for task in ctx.session.scalars(query.execution_options(populate_existing=True)):
        found.setdefault(task.participant_id, []).append(task)
    return found


def _bad_channels(tasks: Iterable[Task]) -> set[str]:
    still_open = {task.kind for task in tasks if task.done_at is None}
    return {channel for channel, kind in BAD_ADDRESS_TASKS.items() if kind in still_open}


def _last_contacts(
    ctx: Context, ids: Collection[int], apart_from: int | None
) -> dict[int, datetime]:
    query = (
        select(Reminder.participant_id, func.max(Delivery.started_at).label("at"))
        .join(Delivery, Delivery.reminder_id == Reminder.id)
        .where(Reminder.participant_id.in_(ids), Delivery.status.not_in(REACHED_NOBODY))
        .group_by(Reminder.participant_id)
    )
    if apart_from is not None:
        query = query.where(Reminder.id != apart_from)
    return {row.participant_id: row.at for row in ctx.session.execute(query)}


def _last_contact(
    now: datetime,
    zone: ZoneInfo,
    reminders: Iterable[Reminder],
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
