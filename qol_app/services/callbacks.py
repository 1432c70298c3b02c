"""What providers tell about a message later: it arrived, it came back, somebody said stop.

Reports come doubled, late and out of order, also about earlier attempts. A delivery only ever
moves forward, and the reminder is what its attempts add up to, so that whatever the order, the
end is the same.
"""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message as Mail
from email.policy import default
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from qol_app.db.tables import Delivery, Reminder
from qol_app.errors import NotAllowed, NotFound
from qol_app.services import audit, stopping
from qol_app.services.addresses import Addresses
from qol_app.services.contacting import ARRIVED, BAD_ADDRESS, BAD_ADDRESS_TASKS
from qol_app.services.context import Context
from qol_app.services.outgoing import bad_address
from qol_app.services.tasks import UNCERTAIN_TASK, finish_by_itself

# How much each state knows; a report that knows no more changes nothing.
KNOWS = {
    "started": 0,
    "uncertain": 1,
    "accepted": 2,
    "refused": 3,
    "bounced": 3,
    "delivered": 4,
    "opened": 5,
}
# A reminder is what its attempt that came farthest makes of it: as long as one may still have
# arrived, another that came back says nothing.
FARTHEST = ("refused", "bounced", "started", "uncertain", "accepted", "delivered", "opened")
# The words of gateways (46elks, Twilio and mail relays) for our own.
WORDS = {
    "created": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "accepted",
    "accepted": "accepted",
    "delivered": "delivered",
    "opened": "opened",
    "read": "opened",
    "failed": "bounced",
    "undelivered": "bounced",
    "bounced": "bounced",
}
# Fields in which they say it.
STATUS_FIELDS = ("MessageStatus", "SmsStatus", "status", "event")
SIGNED_FOR = timedelta(minutes=10)


@dataclass(frozen=True)
class Report:
    """What a provider says became of one attempt."""

    reference: str
    status: str


def status_in(fields: Mapping[str, Any]) -> str | None:
    """Return our word for what a provider says, or None if it says nothing we know."""
    for name in STATUS_FIELDS:
        if name in fields:
            return WORDS.get(str(fields[name]).casefold())
    return None


def by_address(addresses: Addresses, channel: str, reference: str, signature: str) -> None:
    """Accept a report that came to the address we gave for one attempt.

    Raises
    ------
    NotFound
        If the address is not one of ours.
    """
    if not addresses.is_ours(f"callback:{channel}", reference, signature):
        raise NotFound("callback: the address is not one of ours")


def by_signature(
    addresses: Addresses, now: datetime, timestamp: str, signature: str, body: bytes
) -> None:
    """Accept a report whose body was signed with our callback key, just now.

    Raises
    ------
    NotFound
        If the signature is wrong or too old.
    """
    wanted = hmac.new(addresses.key, timestamp.encode() + b"." + body, sha256).hexdigest()
    right = hmac.compare_digest(wanted.encode(), signature.encode())
    if not right or not timestamp.isascii() or not timestamp.isdigit():
        raise NotFound("callback: it is not signed with our key")
    if abs(now - datetime.fromtimestamp(int(timestamp), UTC)) > SIGNED_FOR:
        raise NotFound("callback: its signature is too old")


def apply(ctx: Context, channel: str, report: Report) -> bool:
    """Move a delivery forward to what a provider says; False if that says nothing new.

    Raises
    ------
    NotFound
        If there is no such attempt on this channel.
    """
    reminder, delivery, attempts = _locked(ctx, channel, report.reference)
    if KNOWS[report.status] <= KNOWS[delivery.status]:
        return False
    old, delivery.status, delivery.finished_at = delivery.status, report.status, ctx.now
    if old == "uncertain":
        finish_by_itself(ctx, reminder.assessment_id, UNCERTAIN_TASK, report.status)
    farthest = max((one.status for one in attempts), key=FARTHEST.index)
    if reminder.status != ARRIVED and farthest in BECOMES:
        BECOMES[farthest](ctx, reminder)
    ctx.session.flush()
    audit.record(
        ctx,
        "message.report",
        "delivery",
        delivery.id,
        old={"status": old},
        new={"status": report.status},
    )
    return True


def _came_back(ctx: Context, reminder: Reminder) -> None:
    if reminder.why != BAD_ADDRESS:
        bad_address(ctx, reminder)


def _went(ctx: Context, reminder: Reminder) -> None:
    reminder.status, reminder.why = "handed_over", ""


def _arrived(ctx: Context, reminder: Reminder) -> None:
    asked_for = [BAD_ADDRESS_TASKS.get(reminder.channel)] if reminder.why == BAD_ADDRESS else []
    for kind in filter(None, ["message_failed", *asked_for]):
        finish_by_itself(ctx, reminder.assessment_id, kind, "it arrived")
    reminder.status, reminder.why, reminder.retry_at = ARRIVED, "", None


BECOMES: Mapping[str, Callable[[Context, Reminder], None]] = {
    "bounced": _came_back,
    "accepted": _went,
    "delivered": _arrived,
    "opened": _arrived,
}


def _locked(
    ctx: Context, channel: str, reference: str
) -> tuple[Reminder, Delivery, Sequence[Delivery]]:
    """Return a reminder, the attempt of that reference, or the last of that thread, and all."""
    query = (
        select(Reminder)
        .join(Delivery, Delivery.reminder_id == Reminder.id)
        .where(Delivery.channel == channel)
        .with_for_update(of=Reminder)
    )
    if "." in reference:
        query = query.where(Delivery.reference == reference)
    else:
        query = query.where(Delivery.reference.startswith(f"{reference}.", autoescape=True))
    reminder = ctx.session.scalars(query).unique().first()
    if reminder is None:
        raise NotFound("callback: there is no such attempt")
    attempts = select(Delivery).where(Delivery.reminder_id == reminder.id).order_by(Delivery.id)
    known = list(ctx.session.scalars(attempts.with_for_update()))
    exact = [one for one in known if one.reference == reference]
    return reminder, (exact or known)[-1], known


# --- a reply ---------------------------------------------------------------------------


def reply(ctx: Context, fields: Mapping[str, Any]) -> int:
    """Act on a text message from a participant; return how many persons said stop by it."""
    sender = str(fields.get("from") or fields.get("From") or "")
    text = str(fields.get("message") or fields.get("Body") or "")
    if not stopping.means_stop(text):
        return 0
    try:
        people = stopping.by_phone(ctx, sender)
    except NotAllowed:
        return 0  # a short number or a name: nobody's telephone
    return sum(stopping.stop(ctx, participant, "reply") for participant in people)


# --- a bounce --------------------------------------------------------------------------


def bounce(raw: bytes) -> Report | None:
    """Return what a mail server's delivery status notification says, or None if it is none.

    Source
    ------
    RFC 3464. Action ``failed`` with a status of class 5 is for good; delays are not reports.
    """
    mail = message_from_bytes(raw, policy=default)
    if mail.get_content_type() != "multipart/report":
        return None
    failed = any(
        str(block.get("Action", "")).strip().casefold() == "failed"
        and str(block.get("Status", "")).strip().startswith("5")
        for part in mail.walk()
        if part.get_content_type() == "message/delivery-status"
        for block in part.get_payload()
        if isinstance(block, Mail)
    )
    thread = next(filter(None, map(_thread_in, mail.walk())), None)
    return Report(thread, "bounced") if failed and thread else None


def _thread_in(part: Mail) -> str | None:
    """Return the thread that the original message's headers name, if this part has them."""
    kind = part.get_content_type()
    if kind == "message/rfc822":
        inner = part.get_payload(0)
    elif kind == "text/rfc822-headers":
        payload = part.get_payload(decode=True)
        inner = message_from_bytes(payload if isinstance(payload, bytes) else b"", policy=default)
    else:
        return None
    name = str(inner.get("Message-ID", "")) if isinstance(inner, Mail) else ""
    return name.strip().lstrip("<").partition("@")[0] or None
