"""A participant's way in: a link that only names them, and a PIN that proves it is they."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite

from qol_app.crypto import new_token, token_hash
from qol_app.db.tables import AccessLink, AccessPin, AttemptBudget, Participant, Site
from qol_app.errors import NotAllowed
from qol_app.services import audit
from qol_app.services.context import Context
from qol_app.services.participants import site_code

LINK_LIFE = timedelta(days=400)
PIN_DIGITS = 6


@dataclass(frozen=True)
class Budget:
    """How many failed tries one scope may use in one period."""

    scope: str
    period: str
    most: int


@dataclass(frozen=True)
class Admitted:
    """A link and a PIN that belong together."""

    participant_id: int
    access_link_id: int


def issue_link(ctx: Context, participant: Participant, *, life: timedelta = LINK_LIFE) -> str:
    """Return a fresh link token; it is shown once and stored only as a hash."""
    token = new_token()
    link = AccessLink(
        participant_id=participant.id,
        token_hash=token_hash(token),
        created_at=ctx.now,
        created_by=ctx.actor.staff_id,
        expires_at=ctx.now + life,
    )
    ctx.session.add(link)
    ctx.session.flush()
    audit.record(
        ctx,
        "link.issue",
        "access_link",
        link.id,
        new={"participant": participant.id},
        site=site_code(ctx, participant),
    )
    return token


def revoke_links(ctx: Context, participant: Participant, reason: str = "") -> None:
    """Make every link of a participant worthless, and with it every open session."""
    ctx.session.execute(
        update(AccessLink)
        .where(AccessLink.participant_id == participant.id, AccessLink.revoked_at.is_(None))
        .values(revoked_at=ctx.now)
    )
    audit.record(
        ctx,
        "link.revoke",
        "participant",
        participant.id,
        reason=reason,
        site=site_code(ctx, participant),
    )


def set_pin(ctx: Context, participant: Participant, pin: str | None = None) -> str:
    """Return a fresh six-digit PIN; it is shown once and stored only as a hash.

    Raises
    ------
    NotAllowed
        If a given PIN is not six digits.
    """
    pin = pin or f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"
    if len(pin) != PIN_DIGITS or not (pin.isascii() and pin.isdigit()):
        raise NotAllowed(f"PIN: found {len(pin)} characters; wanted {PIN_DIGITS} digits")
    ctx.session.merge(
        AccessPin(participant_id=participant.id, pin_hash=ctx.hasher.hash(pin), set_at=ctx.now)
    )
    audit.record(ctx, "pin.set", "participant", participant.id, site=site_code(ctx, participant))
    return pin


def budgets(now: datetime, link_hash: str, participant_id: int, site_id: int) -> list[Budget]:
    """Return what one failed try is charged to; the site's and the whole study's included."""
    day, hour = f"{now:%Y-%m-%d}", f"{now:%Y-%m-%dT%H}"
    return [
        Budget(f"link:{link_hash[:32]}", day, 5),
        Budget(f"participant:{participant_id}", day, 20),
        Budget(f"site:{site_id}", hour, 200),
        Budget("study", hour, 1000),
    ]


def reserve(ctx: Context, wanted: list[Budget]) -> bool:
    """Charge one try to every budget, or to none; False if one is used up.

    Counting and checking are one statement, so that of 200 tries at once only as many
    as the budget holds are ever evaluated. The edge commits this before the PIN is read.
    """
    insert = sqlite.insert if ctx.session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for budget in sorted(wanted, key=lambda one: one.scope):
        ctx.session.execute(
            insert(AttemptBudget)
            .values(scope=budget.scope, period=budget.period, used=0)
            .on_conflict_do_nothing()
        )
        charged = ctx.session.execute(
            update(AttemptBudget)
            .where(
                AttemptBudget.scope == budget.scope,
                AttemptBudget.period == budget.period,
                AttemptBudget.used < budget.most,
            )
            .values(used=AttemptBudget.used + 1)
        )
        if charged.rowcount != 1:
            ctx.session.rollback()
            return False
    return True


def refund(ctx: Context, charged: list[Budget]) -> None:
    """Give a try back: the PIN was right, so the person is no guesser."""
    for budget in sorted(charged, key=lambda one: one.scope):
        ctx.session.execute(
            update(AttemptBudget)
            .where(AttemptBudget.scope == budget.scope, AttemptBudget.period == budget.period)
            .values(used=AttemptBudget.used - 1)
        )


def link_of(ctx: Context, token: str) -> tuple[AccessLink, Participant, Site] | None:
    """Return whom a link names, or None if it is unknown, expired or revoked."""
    row = ctx.session.execute(
        select(AccessLink, Participant, Site)
        .join(Participant, Participant.id == AccessLink.participant_id)
        .join(Site, Site.id == Participant.site_id)
        .where(
            AccessLink.token_hash == token_hash(token),
            AccessLink.revoked_at.is_(None),
            AccessLink.expires_at > ctx.now,
        )
    ).one_or_none()
    return tuple(row) if row else None  # type: ignore[return-value]


def pin_matches(ctx: Context, participant_id: int | None, pin: str) -> bool:
    """Return whether a PIN is the participant's; as slow where there is no participant."""
    row = ctx.session.get(AccessPin, participant_id) if participant_id is not None else None
    return ctx.hasher.matches(row.pin_hash if row else None, pin)
