"""How a participant wants to be written to: by which way, at which hour, after a pause, or not."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta

from qol_app.db.tables import Contact, Participant
from qol_app.definition.protocol_parts import ContactRules
from qol_app.delivery.errors import Undeliverable
from qol_app.delivery.subscription import Subscription, check_address
from qol_app.errors import NotAllowed
from qol_app.services import audit, identity
from qol_app.services.contacting import ADDRESSES, BAD_ADDRESS_TASKS
from qol_app.services.context import Context
from qol_app.services.participants import site_code
from qol_app.services.reminders import look_now
from qol_app.services.tasks import finish_of_person

# Longer than that is no pause: the site should know of it.
LONGEST_PAUSE = timedelta(days=90)


@dataclass(frozen=True)
class Wishes:
    """What a participant has asked for; None where they have no wish.

    ``paused_until`` is the last local day without messages; ``messages`` is false for somebody
    who wants none at all.
    """

    channel: str | None = None
    hour: int | None = None
    paused_until: date | None = None
    messages: bool = True


@dataclass(frozen=True)
class Choices:
    """What can be asked for: ways with an address, waking hours, the days of a pause."""

    channels: tuple[str, ...]
    hours: tuple[int, ...]
    first_day: date
    last_day: date


def wishes_of(participant: Participant) -> Wishes:
    """Return what a participant has asked for so far."""
    return Wishes(
        participant.preferred_channel,
        participant.contact_hour,
        participant.paused_until,
        participant.messages_stopped_at is None,
    )


def choices(ctx: Context, participant: Participant, usable: Collection[str]) -> Choices:
    """Return what a participant can ask for.

    Parameters
    ----------
    usable : collection of str
        The channels this installation can send by.
    """
    contact = ctx.session.get(Contact, participant.identity_ref)
    rules = _rules(ctx, participant)
    today = ctx.today(participant.timezone)
    return Choices(
        channels=tuple(
            channel
            for channel, field in ADDRESSES.items()
            if channel in usable and channel in rules.channels and getattr(contact, field, None)
        ),
        hours=tuple(range(rules.quiet_until, rules.quiet_from)),
        first_day=today,
        last_day=today + LONGEST_PAUSE,
    )


def may_notify(ctx: Context, participant: Participant, usable: Collection[str]) -> bool:
    """Whether a telephone can be asked for notices: by installation and protocol."""
    return "push" in usable and "push" in _rules(ctx, participant).channels


def chosen_phone(ctx: Context, participant: Participant) -> str | None:
    """Return the mark of the subscription of the telephone that gets notices, if one does."""
    kept = identity.identity_of(ctx, participant.identity_ref).push
    return Subscription.from_json(kept).mark if kept else None


def notify_here(
    ctx: Context, participant: Participant, subscription: str, usable: Collection[str]
) -> None:
    """Send notices to the telephone that says so, in the place of any other, from now on.

    Parameters
    ----------
    subscription : str
        What its browser says of itself, as JSON.

    Raises
    ------
    NotAllowed
        If notices are not sent here, or nobody could be written to by that.
    """
    if not may_notify(ctx, participant, usable):
        raise NotAllowed("way: found 'push', which is not used here; wanted another")
    try:
        given = Subscription.from_json(subscription)
        check_address(given.endpoint)
    except Undeliverable as error:
        raise NotAllowed(str(error)) from error
    identity.keep_push(ctx, participant, given.to_json())
    finish_of_person(ctx, participant.id, {BAD_ADDRESS_TASKS["push"]}, "the address was changed")
    change(ctx, participant, replace(wishes_of(participant), channel="push", messages=True), usable)
    look_now(ctx, participant.id)


def notify_no_more(ctx: Context, participant: Participant, usable: Collection[str]) -> None:
    """Forget the telephone that gets notices; other ways stay as they are."""
    identity.keep_push(ctx, participant, None)
    if participant.preferred_channel == "push":
        change(ctx, participant, replace(wishes_of(participant), channel=None), usable)
    look_now(ctx, participant.id)


def change(ctx: Context, participant: Participant, wishes: Wishes, usable: Collection[str]) -> None:
    """Write to this participant as they wish from now on; the worker looks at once.

    Raises
    ------
    NotAllowed
        If there is no address for that way, the hour is at night, or the pause is over
        already or too long.
    """
    before = wishes_of(participant)
    if wishes == before:
        return
    _refuse_what_cannot_be(choices(ctx, participant, usable), before, wishes)
    participant.preferred_channel, participant.contact_hour = wishes.channel, wishes.hour
    participant.paused_until = wishes.paused_until
    if wishes.messages != before.messages:
        participant.messages_stopped_at = None if wishes.messages else ctx.now
    ctx.session.flush()
    audit.record(
        ctx,
        "messages.wishes",
        "participant",
        participant.id,
        old=_said(before),
        new=_said(wishes),
        site=site_code(ctx, participant),
    )
    look_now(ctx, participant.id)


def _rules(ctx: Context, participant: Participant) -> ContactRules:
    return ctx.library.protocol(ctx.session, participant.protocol_id).contact


def _refuse_what_cannot_be(possible: Choices, before: Wishes, wishes: Wishes) -> None:
    """Refuse new wishes that cannot be met; one that stood already may stay."""
    if wishes.channel not in (None, before.channel, *possible.channels):
        known = ", ".join(possible.channels) or "none, as there is no address"
        raise NotAllowed(f"way: found {wishes.channel!r}; wanted one of {known}")
    if wishes.hour not in (None, before.hour, *possible.hours):
        first, last = possible.hours[0], possible.hours[-1]
        raise NotAllowed(f"hour: found {wishes.hour}; wanted {first} to {last}")
    until = wishes.paused_until
    if until in (None, before.paused_until):
        return
    if not possible.first_day <= until <= possible.last_day:
        raise NotAllowed(
            f"pause: found {until}; wanted a day from {possible.first_day} to {possible.last_day}"
        )


def _said(wishes: Wishes) -> dict[str, object]:
    return {
        "channel": wishes.channel,
        "hour": wishes.hour,
        "paused_until": str(wishes.paused_until) if wishes.paused_until else None,
        "messages": wishes.messages,
    }
