"""One attempt at a reminder: prepared in a transaction, sent in none, concluded in another.

``prepare`` asks once more whether the message is still wanted and commits that an attempt
has begun; whatever happens after that commit, the message is never sent by anybody else.
``conclude`` writes down how it ended. What nobody concluded is *uncertain*.
"""

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, insert, or_, select, update

from qol_app.db.base import table_of
from qol_app.db.tables import Assessment, Delivery, Participant, Reminder
from qol_app.delivery.errors import DeliveryError, TryAgainLater, Uncertain, Undeliverable
from qol_app.delivery.message import HandedOver, Message
from qol_app.schedule.reminders import waiting_reason
from qol_app.services import audit
from qol_app.services.composing import House, address_of, compose
from qol_app.services.contacting import (
    ARRIVED,
    BAD_ADDRESS,
    BAD_ADDRESS_TASKS,
    SENDING,
    WAITING,
    Person,
    people,
    submitted_at,
)
from qol_app.services.context import Context
from qol_app.services.identity import keep_push
from qol_app.services.lease import Lease, still_held
from qol_app.services.looking import Look
from qol_app.services.reminders import next_send_at
from qol_app.services.tasks import UNCERTAIN_TASK, finish_by_itself, open_task

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)
# After so long, or so many tries, a person has to see to it.
GIVE_UP_AFTER = timedelta(hours=24)
MOST_ATTEMPTS = 12
# An attempt still open after so long has lost its thread; no channel takes half as long.
LOST_AFTER = timedelta(minutes=15)

_ROW = table_of(Reminder)
_TAKE = (
    update(_ROW)
    .where(
        _ROW.c.id == bindparam("wanted"),
        _ROW.c.status == WAITING,
        _ROW.c.fence == bindparam("number"),
        or_(_ROW.c.retry_at.is_(None), _ROW.c.retry_at <= bindparam("now")),
    )
    .values(status=SENDING, attempts=_ROW.c.attempts + 1, retry_at=None)
)
# Made once, unlike what ``Session.get`` executes: these stand before and after every message.
_TAKEN = (
    select(Reminder, Assessment)
    .join(Assessment, Assessment.id == Reminder.assessment_id)
    .where(Reminder.id == bindparam("wanted"))
    .execution_options(populate_existing=True)
)
# Everybody locks the reminder before its delivery, so that nobody waits in a circle: the tables
# of a statement are locked in the order in which they stand in it.
_UNDER_WAY = (
    select(Reminder, Delivery)
    .join(Delivery, Delivery.reminder_id == Reminder.id)
    .where(Delivery.id == bindparam("of"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_READY = (
    select(_ROW.c.id)
    .where(
        _ROW.c.status == WAITING,
        _ROW.c.fence == bindparam("number"),
        or_(_ROW.c.retry_at.is_(None), _ROW.c.retry_at <= bindparam("now")),
    )
    .order_by(_ROW.c.due_at)
    .limit(bindparam("most"))
)
_ANY_UNFINISHED = (
    select(_ROW.c.id).where(or_(_ROW.c.status == WAITING, _ROW.c.status == SENDING)).limit(1)
)
_BEGIN = insert(table_of(Delivery)).returning(table_of(Delivery).c.id)


@dataclass(frozen=True)
class Outgoing:
    """A message whose attempt has been committed and may now be handed over, once."""

    reminder_id: int
    delivery_id: int
    channel: str
    message: Message
    begun_at: datetime


def ready(ctx: Context, lease: Lease, most: int) -> list[int]:
    """Return claimed reminders whose first or next attempt is due, oldest first."""
    ctx.session.flush()
    values = {"number": lease.fence, "now": ctx.now, "most": most}
    return list(ctx.session.connection().execute(_READY, values).scalars())


def any_unfinished(look: Look) -> bool:
    """Return whether any reminder waits for an attempt, or is in the middle of one."""
    return bool(look(_ANY_UNFINISHED, {}))


def prepare(
    ctx: Context, house: House, lease: Lease, channels: Collection[str], reminder_id: int
) -> Outgoing | None:
    """Return the message of a claimed reminder, or None if it may not or need not go now.

    Only one caller gets it: the attempt is taken by a conditional update, and the lease is
    compared in the same transaction.
    """
    if not still_held(ctx, lease):
        return None
    taken = _take(ctx, lease, reminder_id)
    if taken is None:
        return None
    reminder, row = taken
    known = people(ctx, [reminder.participant_id], channels, apart_from=reminder_id)
    person = known[reminder.participant_id]
    reason = _no_longer_wanted(ctx, person, row, reminder)
    if reason is not None:
        _drop(ctx, person, row, reminder, reason)
        return None
    if waiting_reason(
        person.protocol, ctx.now, person.zone, person.preferences, person.last_contact_on
    ):
        _postpone(reminder, next_send_at(ctx.now, person))
        return None
    to = address_of(ctx, person, reminder.channel)
    if to is None:
        _drop(ctx, person, row, reminder, "no_channel")
        return None
    message, link_id = compose(ctx, house, person, row, reminder, to)
    return _begin(ctx, person, reminder, message, link_id)


def _take(ctx: Context, lease: Lease, reminder_id: int) -> tuple[Reminder, Assessment] | None:
    """Return the reminder, and what it is about, if this caller won its next attempt."""
    values = {"wanted": reminder_id, "number": lease.fence, "now": ctx.now}
    if ctx.session.connection().execute(_TAKE, values).rowcount != 1:
        return None
    reminder, row = ctx.session.execute(_TAKEN, {"wanted": reminder_id}).one()
    return reminder, row


def _no_longer_wanted(
    ctx: Context, person: Person, row: Assessment, reminder: Reminder
) -> str | None:
    """Return why a claimed reminder must not go any more, or None if it still should."""
    today = ctx.today(person.participant.timezone)
    state = person.history.contact_state(today)
    if row.id in submitted_at(ctx, [row.id]):
        return "submitted"
    if not state.may_contact:
        return str(state.reason or state.state)
    if row.dropped_at is not None or row.counted_by_id is not None:
        return "dropped"
    if reminder.step not in {step.code for step in person.protocol.reminders}:
        return "dropped"  # by an amendment, while it waited
    if not row.opens_on <= today <= row.closes_on:
        return "closed"
    if reminder.channel not in person.preferences.channels:
        return "stopped" if person.participant.messages_stopped_at else "no_channel"
    return None


def _drop(ctx: Context, person: Person, row: Assessment, reminder: Reminder, reason: str) -> None:
    reminder.status, reminder.why = "skipped", reason
    # Another channel or a later step may be wanted in its place.
    row.look_again_at = ctx.now
    ctx.session.flush()
    _audit(ctx, "reminder.skip", person, reminder, reason=reason)


def _postpone(reminder: Reminder, until: datetime) -> None:
    reminder.status, reminder.retry_at = WAITING, until
    reminder.attempts -= 1  # nothing was attempted


def _begin(
    ctx: Context, person: Person, reminder: Reminder, message: Message, link_id: int
) -> Outgoing:
    values = {
        "reminder_id": reminder.id,
        "reference": message.reference,
        "channel": reminder.channel,
        "language": message.language,
        "started_at": ctx.now,
        "access_link_id": link_id,
    }
    delivery_id: int = ctx.session.connection().execute(_BEGIN, values).scalar_one()
    _audit(ctx, "message.begin", person, reminder, reference=message.reference)
    return Outgoing(reminder.id, delivery_id, reminder.channel, message, ctx.now)


# --- how it ended ------------------------------------------------------------------------


def conclude(
    ctx: Context, outgoing: Outgoing, outcome: HandedOver | Exception, rng: random.Random
) -> None:
    """Write down how an attempt ended, unless more is known of it already.

    Parameters
    ----------
    outcome : HandedOver or Exception
        What the channel returned or raised. An exception no channel promises counts as
        uncertain: nobody knows how far it got.
    """
    reminder, delivery = ctx.session.execute(_UNDER_WAY, {"of": outgoing.delivery_id}).one()
    if isinstance(outcome, HandedOver):
        delivery.provider_ref = outcome.provider_ref
    if delivery.status not in ("started", "uncertain"):
        return  # a callback was quicker, and knows more
    ending = next(ENDINGS[kind] for kind in ENDINGS if isinstance(outcome, kind))
    _write_down(ctx, delivery, reminder, ending, outcome, rng)
    delivery.finished_at = ctx.now
    ctx.session.flush()
    audit.record(
        ctx,
        "message.end",
        "delivery",
        delivery.id,
        new={"status": delivery.status, "detail": delivery.detail},
    )


@dataclass(frozen=True)
class Ending:
    """What an outcome makes of the attempt, and what then becomes of the reminder."""

    status: str
    then: Callable[..., None]


def _write_down(
    ctx: Context,
    delivery: Delivery,
    reminder: Reminder,
    ending: Ending,
    outcome: HandedOver | Exception,
    rng: random.Random,
) -> None:
    if delivery.status == "uncertain" and ending.status != "uncertain":
        finish_by_itself(ctx, reminder.assessment_id, UNCERTAIN_TASK, "its worker came back")
    delivery.status, delivery.detail = ending.status, _detail(outcome)
    # An earlier attempt was reported as delivered meanwhile: this one cannot undo that.
    if reminder.status != ARRIVED:
        ending.then(ctx, reminder, outcome, rng)


def _detail(outcome: HandedOver | Exception) -> str:
    if isinstance(outcome, HandedOver):
        return outcome.detail
    # Of a foreign exception only its kind: its text may hold an address.
    return str(outcome) if isinstance(outcome, DeliveryError) else type(outcome).__name__


def _handed_over(ctx: Context, reminder: Reminder, outcome: HandedOver, rng: random.Random) -> None:
    reminder.status, reminder.why = "handed_over", ""


def _later(ctx: Context, reminder: Reminder, outcome: TryAgainLater, rng: random.Random) -> None:
    tired = reminder.attempts >= MOST_ATTEMPTS or ctx.now - reminder.claimed_at >= GIVE_UP_AFTER
    if tired:
        reminder.status, reminder.why = "failed", "provider"
        _ask_for_help(ctx, reminder, "message_failed")
        return
    reminder.status, reminder.why = WAITING, ""
    reminder.retry_at = ctx.now + wait_before(reminder.attempts, rng, outcome.after_s)


def _never(ctx: Context, reminder: Reminder, outcome: Undeliverable, rng: random.Random) -> None:
    bad_address(ctx, reminder)


def _unknown(ctx: Context, reminder: Reminder, outcome: Exception, rng: random.Random) -> None:
    reminder.status, reminder.why = "uncertain", "interrupted"
    _ask_for_help(ctx, reminder, UNCERTAIN_TASK)


ENDINGS: Mapping[type, Ending] = {
    HandedOver: Ending("accepted", _handed_over),
    TryAgainLater: Ending("refused", _later),
    Undeliverable: Ending("refused", _never),
    Uncertain: Ending("uncertain", _unknown),
    Exception: Ending("uncertain", _unknown),
}


def bad_address(ctx: Context, reminder: Reminder) -> None:
    """Stop a reminder whose address will never work; ask for another, try another channel."""
    reminder.status, reminder.why = "failed", BAD_ADDRESS
    if reminder.channel == "push":
        # Nobody can correct a subscription: the browser makes another one, or none.
        keep_push(ctx, ctx.session.get_one(Participant, reminder.participant_id), None)
    _ask_for_help(ctx, reminder, BAD_ADDRESS_TASKS.get(reminder.channel, "message_failed"))
    row = ctx.session.get_one(Assessment, reminder.assessment_id)
    row.look_again_at = ctx.now


def wait_before(attempt: int, rng: random.Random, at_least_s: float | None = None) -> timedelta:
    """Return how long to wait after the n-th attempt: doubling, bounded, never in step.

    The random half keeps a thousand messages refused together from coming back together.
    """
    longest = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
    wait = longest / 2 + rng.random() * longest / 2
    return max(wait, timedelta(seconds=min(at_least_s or 0.0, LONGEST_WAIT.total_seconds())))


# --- what a dead worker left behind ------------------------------------------------------


def recover(ctx: Context, lease: Lease) -> int:
    """Take over what an earlier worker claimed; return how many attempts are now uncertain.

    A claim without an attempt under way is simply ours now. An attempt that nobody will
    conclude any more may have reached the provider: it is uncertain, and stays so until
    the provider tells, or its own worker wakes up and knows better.
    """
    lost = ctx.session.execute(
        select(Reminder, Delivery)
        .join(Delivery, Delivery.reminder_id == Reminder.id)
        .where(
            Reminder.status == SENDING,
            Delivery.status == "started",
            or_(Reminder.fence < lease.fence, Delivery.started_at < ctx.now - LOST_AFTER),
        )
        .with_for_update(of=Reminder, skip_locked=True)
    ).all()
    for reminder, delivery in lost:
        interrupted = Uncertain("the worker was interrupted")
        _write_down(ctx, delivery, reminder, ENDINGS[Uncertain], interrupted, random.Random())
    ctx.session.execute(
        update(Reminder)
        .where(Reminder.status == WAITING, Reminder.fence < lease.fence)
        .values(fence=lease.fence)
    )
    return len(lost)


def _ask_for_help(ctx: Context, reminder: Reminder, kind: str) -> None:
    open_task(ctx, reminder.participant_id, reminder.assessment_id, kind)


def _audit(
    ctx: Context, action: str, person: Person, reminder: Reminder, reason: str = "", **new: str
) -> None:
    audit.record(
        ctx,
        action,
        "reminder",
        reminder.id,
        new={"step": reminder.step, "channel": reminder.channel, **new},
        site=person.site.code,
        reason=reason,
    )
