"""Who a participant is: kept apart, encrypted, and opened only where it is needed."""

from dataclasses import dataclass, replace

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import bindparam, delete, select

from qol_app.crypto import public_id
from qol_app.db.base import table_of
from qol_app.db.tables import Contact, Participant
from qol_app.errors import NotAllowed
from qol_app.services import audit
from qol_app.services.contacting import ADDRESSES, BAD_ADDRESS_TASKS
from qol_app.services.context import Context
from qol_app.services.participants import site_code
from qol_app.services.reminders import look_now
from qol_app.services.tasks import finish_of_person

FIELDS = ("name", "phone", "email", "push")

_contact = table_of(Contact)
_DETAILS = {
    field: select(_contact.c[field]).where(_contact.c.identity_ref == bindparam("ref"))
    for field in FIELDS
}


@dataclass(frozen=True)
class Identity:
    """Plain contact details of one participant; never logged, never exported."""

    name: str | None = None
    phone: str | None = None
    email: str | None = None
    push: str | None = None

    def __repr__(self) -> str:
        return "Identity(...)"


def clean_phone(text: str, region: str = "SE") -> str:
    """Return a telephone number in E.164, as ``+46701740605``.

    Raises
    ------
    NotAllowed
        If no such number can exist in any country.
    """
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        raise NotAllowed(
            f"telephone: found {text!r}; wanted a number such as 070-174 06 05"
        ) from error
    if not phonenumbers.is_possible_number(number):
        raise NotAllowed(f"telephone: found {text!r}; wanted a number such as 070-174 06 05")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def clean_email(text: str) -> str:
    """Return an e-mail address in its normal form; one recipient, no header tricks.

    Raises
    ------
    NotAllowed
        If it is not one address.
    """
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as error:
        raise NotAllowed(f"e-mail: found {text!r}; wanted one address such as a@b.se") from error


def store(ctx: Context, identity: Identity, ref: str | None = None) -> str:
    """Encrypt and keep contact details; return the random reference that leads to them."""
    ref = ref or public_id()
    ctx.session.merge(Contact(identity_ref=ref, **sealed_fields(ctx, identity, ref)))
    return ref


def sealed_fields(ctx: Context, identity: Identity, ref: str) -> dict[str, str | None]:
    """Return each detail as ciphertext bound to its row and column; empty ones as None."""
    return {
        field: ctx.vault.seal(value, "contact", field, ref) if value else None
        for field in FIELDS
        for value in [getattr(identity, field)]
    }


def detail_of(ctx: Context, ref: str, field: str) -> str | None:
    """Return one plain detail, the only one that is opened; None where there is none of it."""
    envelope = ctx.session.connection().execute(_DETAILS[field], {"ref": ref}).scalar_one_or_none()
    return ctx.vault.open(envelope, "contact", field, ref) if envelope else None


def identity_of(ctx: Context, ref: str) -> Identity:
    """Return the plain contact details; nothing but None where they were erased."""
    row = ctx.session.get(Contact, ref)
    if row is None:
        return Identity()
    return Identity(
        **{
            field: ctx.vault.open(envelope, "contact", field, ref) if envelope else None
            for field in FIELDS
            for envelope in [getattr(row, field)]
        }
    )


def read(ctx: Context, participant: Participant) -> Identity:
    """Return who a participant is to a person who asked; that they asked enters the trail."""
    site = site_code(ctx, participant)
    audit.record(ctx, "identity.read", "participant", participant.id, site=site)
    return identity_of(ctx, participant.identity_ref)


def change(ctx: Context, participant: Participant, identity: Identity) -> None:
    """Put new contact details in the place of the old; both enter the trail encrypted.

    Raises
    ------
    NotAllowed
        If telephone or e-mail is none, or there would be no way to reach the person.
    """
    ref = participant.identity_ref
    before = identity_of(ctx, ref)
    after = replace(reachable(identity), push=before.push)
    if after == before:
        return
    row = ctx.session.get_one(Contact, ref)
    old = {field: getattr(row, field) for field in FIELDS}
    new = sealed_fields(ctx, after, ref)
    for field, envelope in new.items():
        setattr(row, field, envelope)
    site = site_code(ctx, participant)
    audit.record(ctx, "identity.change", "contact", ref, old=old, new=new, site=site)
    changed = {field for field in FIELDS if getattr(after, field) != getattr(before, field)}
    kinds = {BAD_ADDRESS_TASKS[one] for one, field in ADDRESSES.items() if field in changed}
    finish_of_person(ctx, participant.id, kinds, "the address was changed")
    look_now(ctx, participant.id)


def keep_push(ctx: Context, participant: Participant, subscription: str | None) -> None:
    """Put a browser's subscription, or none, in the place of the old; both enter the trail."""
    ref = participant.identity_ref
    row = ctx.session.get(Contact, ref)
    if row is None or (row.push is None and subscription is None):
        return
    old = row.push
    row.push = ctx.vault.seal(subscription, "contact", "push", ref) if subscription else None
    ctx.session.flush()
    site = site_code(ctx, participant)
    audit.record(
        ctx, "identity.change", "contact", ref, old={"push": old}, new={"push": row.push}, site=site
    )


def reachable(person: Identity) -> Identity:
    """Return contact details in their normal form.

    Raises
    ------
    NotAllowed
        If there is neither telephone nor e-mail, or one of them is none.
    """
    if not (person.phone or person.email):
        raise NotAllowed("contact: found neither telephone nor e-mail; wanted at least one")
    return Identity(
        name=person.name or None,
        phone=clean_phone(person.phone) if person.phone else None,
        email=clean_email(person.email) if person.email else None,
    )


def erase(ctx: Context, ref: str) -> None:
    """Remove who a participant is; clinical rows stay, leading nowhere."""
    ctx.session.execute(delete(Contact).where(Contact.identity_ref == ref))
