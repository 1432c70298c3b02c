"""A participant's way in: a link that only names them, and a PIN that proves it is they."""

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from qol_app.crypto import Hasher, new_token, token_hash
from qol_app.db.base import table_of
from qol_app.db.tables import AccessLink, AccessPin, AttemptBudget, Participant, Site, WebSession
from qol_app.errors import NotAllowed
from qol_app.services import audit
from qol_app.services.context import Context
from qol_app.services.participants import site_code

LINK_LIFE = timedelta(days=400)
PIN_DIGITS = 6
# For how long a browser whose session ran out is still known by it, PIN in hand.
RETURN_WITHIN = timedelta(hours=24)


_BUDGET = table_of(AttemptBudget)
# The first try makes the row, a later one counts on until the budget is used up.
_CHARGE = {
    name: dialect.insert(_BUDGET)
    .values(scope=bindparam("scope"), period=bindparam("period"), used=1)
    .on_conflict_do_update(
        index_elements=["scope", "period"],
        set_={"used": _BUDGET.c.used + 1},
        where=_BUDGET.c.used < bindparam("most"),
    )
    .inline()
    .execution_options(preserve_rowcount=True)
    for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
}
_REFUND = (
    update(_BUDGET)
    .where(_BUDGET.c.scope == bindparam("of"), _BUDGET.c.period == bindparam("within"))
    .values(used=_BUDGET.c.used - 1)
)
# Straight into the table: every message has a link of its own.
_ADD_LINK = insert(table_of(AccessLink)).returning(table_of(AccessLink).c.id)


@dataclass(frozen=True)
class Budget:
    """How many failed tries one scope may use in one period."""

    scope: str
    period: str
    most: int


# Tries on links that name nobody write as much as others, so that they take as long.
NOBODY = tuple(
    Budget(scope, "-", 2**31 - 1) for scope in ("link:", "participant:", "site:", "study:")
)

_LINK = (
    select(AccessLink.id, AccessLink.participant_id, Participant.site_id, Site.code)
    .join(Participant, Participant.id == AccessLink.participant_id)
    .join(Site, Site.id == Participant.site_id)
    .where(
        AccessLink.token_hash == bindparam("hash"),
        AccessLink.revoked_at.is_(None),
        AccessLink.expires_at > bindparam("now"),
    )
)


@dataclass(frozen=True)
class Admitted:
    """A link and a PIN that belong together."""

    participant_id: int
    access_link_id: int


def issue_link(ctx: Context, participant: Participant, *, life: timedelta = LINK_LIFE) -> str:
    """Return a fresh link token; it is shown once and stored only as a hash."""
    return new_link(ctx, participant, life=life)[0]


def new_link(
    ctx: Context, participant: Participant, *, life: timedelta = LINK_LIFE
) -> tuple[str, int]:
    """Return a fresh link token and the number of its row, for whoever wants to know it again."""
    token = new_token()
    values = {
        "participant_id": participant.id,
        "token_hash": token_hash(token),
        "created_at": ctx.now,
        "created_by": ctx.actor.staff_id,
        "expires_at": ctx.now + life,
    }
    link_id: int = ctx.session.connection().execute(_ADD_LINK, values).scalar_one()
    audit.record(
        ctx,
        "link.issue",
        "access_link",
        link_id,
        new={"participant": participant.id},
        site=site_code(ctx, participant),
    )
    return token, link_id


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
    connection = ctx.session.connection()
    charge = _CHARGE[connection.dialect.name]
    for budget in sorted(wanted, key=lambda one: one.scope):
        if connection.execute(charge, asdict(budget)).rowcount != 1:
            ctx.session.rollback()
            return False
    return True


def refund(ctx: Context, charged: list[Budget]) -> None:
    """Give a try back: the PIN was right, so the person is no guesser."""
    in_order = sorted(charged, key=lambda one: one.scope)
    rows = [{"of": budget.scope, "within": budget.period} for budget in in_order]
    if rows:
        ctx.session.connection().execute(_REFUND, rows)


# --- signing in ------------------------------------------------------------------------------
#
# Three steps, each at the edge of its own: ``begin`` charges the try and is committed; then
# ``is_right`` compares, with no transaction open, since that takes a while on purpose; then
# ``admit`` gives the try back. A program killed in between has counted the try.


@dataclass(frozen=True)
class Attempt:
    """One try, charged already. Of a link nobody knows it is charged all the same, for nobody."""

    factor: str
    charged: tuple[Budget, ...]
    participant_id: int | None = None
    access_link_id: int | None = None
    site: str = ""
    stored: str | None = None


def begin(ctx: Context, link_hash: str, factor: str = "pin") -> Attempt:
    """Charge one try on a link and return it with what the second factor is compared to.

    A link that is unknown, expired or revoked, and one whose tries are used up, come back
    as an attempt that nothing fits.
    """
    found = link_of(ctx, link_hash)
    charged = budgets(ctx.now, link_hash, found.participant_id, found.site_id) if found else NOBODY
    nothing = Attempt(factor, tuple(charged))
    if not reserve(ctx, list(charged)) or found is None:
        return nothing
    audit.record(ctx, "link.try", "access_link", found.id, site=found.code)
    stored = FACTORS[factor].stored(ctx, found.participant_id)
    return replace(
        nothing,
        participant_id=found.participant_id,
        access_link_id=found.id,
        site=found.code,
        stored=stored,
    )


def is_right(hasher: Hasher, attempt: Attempt, given: str) -> bool:
    """Return whether what was given fits; as slow where there is nothing to compare it to."""
    return FACTORS[attempt.factor].fits(hasher, attempt.stored, given)


def admit(ctx: Context, attempt: Attempt) -> Admitted:
    """Return who came in; the try is given back, since the person is no guesser.

    Raises
    ------
    NotAllowed
        If the attempt is of a link that names nobody.
    """
    if attempt.participant_id is None or attempt.access_link_id is None:
        raise NotAllowed("link: found one that names nobody; wanted a participant's")
    refund(ctx, list(attempt.charged))
    link_id = attempt.access_link_id
    audit.record(ctx, "participant.sign_in", "access_link", link_id, site=attempt.site)
    return Admitted(attempt.participant_id, attempt.access_link_id)


def link_of_session(ctx: Context, session_hash: str) -> str | None:
    """Return the hash of the link by which a session began that has merely run out.

    So that somebody who was away for an hour needs the PIN again but not the message with
    the link. A session that was ended, by handing in or signing out, leads nowhere.
    """
    return ctx.session.scalar(
        select(AccessLink.token_hash)
        .join(WebSession, WebSession.access_link_id == AccessLink.id)
        .where(
            WebSession.token_hash == session_hash,
            WebSession.ended_at.is_(None),
            WebSession.last_seen_at > ctx.now - RETURN_WITHIN,
            AccessLink.revoked_at.is_(None),
            AccessLink.expires_at > ctx.now,
        )
    )


def link_of(ctx: Context, link_hash: str) -> Any:
    """Return the row that a link of this hash names, or None if unknown, expired or revoked."""
    return ctx.session.execute(_LINK, {"hash": link_hash, "now": ctx.now}).one_or_none()


@dataclass(frozen=True)
class Factor:
    """A second factor: what is kept of it, and how something given is compared to that."""

    stored: Callable[[Context, int], str | None]
    fits: Callable[[Hasher, str | None, str], bool]


def _stored_pin(ctx: Context, participant_id: int) -> str | None:
    row = ctx.session.get(AccessPin, participant_id)
    return row.pin_hash if row else None


# A code by another channel or an electronic identity is one more entry here.
FACTORS: dict[str, Factor] = {
    "pin": Factor(stored=_stored_pin, fits=lambda hasher, kept, pin: hasher.matches(kept, pin)),
}
