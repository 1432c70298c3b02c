"""A participant's own word on messages: stop, by the link in each message or by a reply."""

import unicodedata

from sqlalchemy import select

from qol_app.db.tables import Contact, Participant, Site
from qol_app.errors import NotFound
from qol_app.services import audit, identity
from qol_app.services.addresses import Addresses
from qol_app.services.context import Context
from qol_app.services.reminders import look_now

STOP_WORDS = {"stop", "stopp", "sluta", "avsluta", "nej", "unsubscribe", "end", "quit", "cancel"}


def by_link(
    ctx: Context, addresses: Addresses, public_id: str, signature: str
) -> tuple[Participant, Site]:
    """Return whose messages a stop link is about.

    Raises
    ------
    NotFound
        If the link is not one of ours.
    """
    right = addresses.is_ours("stop", public_id, signature)
    query = (
        select(Participant, Site)
        .join(Site, Site.id == Participant.site_id)
        .where(Participant.public_id == public_id)
    )
    row = ctx.session.execute(query).one_or_none() if right else None
    if row is None:
        raise NotFound("stop link: it is not one of ours")
    return row.Participant, row.Site


def stop(ctx: Context, participant: Participant, how: str) -> bool:
    """Send this participant no more messages; False if that was so already.

    Questionnaires stay expected and can be answered: this is a wish about messages, not a
    withdrawal, and the site is free to telephone.
    """
    if participant.messages_stopped_at is not None:
        return False
    participant.messages_stopped_at = ctx.now
    audit.record(ctx, "messages.stop", "participant", participant.id, new={"how": how})
    return True


def resume(ctx: Context, participant: Participant) -> None:
    """Send messages again, at the participant's wish."""
    if participant.messages_stopped_at is None:
        return
    participant.messages_stopped_at = None
    look_now(ctx, participant.id)
    audit.record(ctx, "messages.resume", "participant", participant.id)


def means_stop(text: str) -> bool:
    """Return whether a reply asks for no more messages, in either language."""
    words = unicodedata.normalize("NFC", text).casefold().split()
    return bool(words) and words[0].strip(".,!\"'") in STOP_WORDS


def by_phone(ctx: Context, phone: str) -> list[Participant]:
    """Return the participants with this telephone number.

    Numbers are stored encrypted, each under its own nonce, so all of them are opened: a
    reply is rare, and a second, searchable copy of every number is not worth one.
    """
    wanted = identity.clean_phone(phone)
    query = select(Participant, Contact).join(
        Contact, Contact.identity_ref == Participant.identity_ref
    )
    return [
        participant
        for participant, contact in ctx.session.execute(query.where(Contact.phone.is_not(None)))
        if contact.phone
        and ctx.vault.open(contact.phone, "contact", "phone", contact.identity_ref) == wanted
    ]
