"""The trail: who did what, when and why, written in the transaction of the change itself."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, func, insert, select
from sqlalchemy.orm import Session

from qol_app import __version__
from qol_app.db.base import table_of
from qol_app.db.tables import AuditEvent, AuditSeal
from qol_app.services.context import Context
from qol_app.services.looking import Look

FIRST = "0" * 64
# Below every number an event can have.
EVERY = -(2**31)

_event, _seal = table_of(AuditEvent), table_of(AuditSeal)
# What a link is made of, besides the instant.
CONTENT = tuple(column.key for column in _event.columns if column.key != "at")
_RECORD = insert(_event).inline()
_LAST = select(_seal.c.digest, _seal.c.audit_event_id).order_by(_seal.c.id.desc()).limit(1)
_UNSEALED = (
    select(_event)
    .outerjoin(_seal, _seal.c.audit_event_id == _event.c.id)
    .where(_seal.c.id.is_(None), _event.c.id > bindparam("since"))
    .order_by(_event.c.id)
    .limit(bindparam("most"))
)
# Whether there is any: the same, numbered from the last sealed one by the database itself.
_ANY_UNSEALED = (
    select(_event.c.id)
    .outerjoin(_seal, _seal.c.audit_event_id == _event.c.id)
    .where(
        _seal.c.id.is_(None),
        _event.c.id
        > func.coalesce(
            select(_seal.c.audit_event_id).order_by(_seal.c.id.desc()).limit(1).scalar_subquery()
            - bindparam("back"),
            EVERY,
        ),
    )
    .limit(1)
)
_ADD_LINK = insert(_seal)
_COUNTS = select(
    select(func.count()).select_from(_event).scalar_subquery().label("events"),
    select(func.count()).select_from(_seal).scalar_subquery().label("sealed"),
)


def record(
    ctx: Context,
    action: str,
    subject: str,
    subject_id: object,
    *,
    old: Mapping[str, Any] | None = None,
    new: Mapping[str, Any] | None = None,
    site: str = "",
    reason: str = "",
) -> None:
    """Add one event to the trail; identity values enter as ciphertext or not at all.

    Parameters
    ----------
    action : str
        What was done, as ``noun.verb``: ``participant.enrol``, ``event.correct`` ...
    subject, subject_id : str, object
        The table and the row it was done to.
    old, new : Mapping, optional
        The values before and after, as JSON can hold them.
    site, reason : str
        The site's code where there is one; why, where a reason is asked for.
    """
    # Straight into the table: nearly everything that is done comes by here.
    ctx.session.connection().execute(
        _RECORD,
        {
            "at": ctx.now,
            "actor": ctx.actor.name,
            "role": ctx.actor.role,
            "site": site,
            "action": action,
            "subject": subject,
            "subject_id": str(subject_id),
            "old": dict(old) if old is not None else None,
            "new": dict(new) if new is not None else None,
            "reason": reason,
            "program_version": __version__,
        },
    )


def seal(session: Session, most: int = 10_000, look_back: int | None = None) -> int:
    """Append a link of the hash chain for every event not yet sealed; return how many.

    Only the active worker calls this, so that no lock on the chain slows a saved answer.

    Parameters
    ----------
    most : int
        How many at once.
    look_back : int, optional
        Look only at events numbered no further than this below the one sealed last: numbers
        are given before they are committed, so some come late, but few and soon. Without it
        the whole trail is looked through, which takes the longer the older the study is.
    """
    session.flush()
    connection = session.connection()
    last = connection.execute(_LAST).one_or_none()
    head = last.digest if last else FIRST
    since = last.audit_event_id - look_back if last and look_back is not None else EVERY
    links = []
    for event in connection.execute(_UNSEALED, {"since": since, "most": most}):
        previous, head = head, digest(head, event)
        links.append({"audit_event_id": event.id, "previous": previous, "digest": head})
    if links:
        # One after the other, in this order: the order of their numbers is that of the chain.
        connection.execute(_ADD_LINK, links)
    return len(links)


def any_unsealed(look: Look, look_back: int) -> bool:
    """Return whether ``seal`` would find anything, by one statement that locks nothing."""
    return bool(look(_ANY_UNSEALED, {"back": look_back}))


def is_behind(look: Look) -> bool:
    """Return whether any event is not sealed, by two counts."""
    (counts,) = look(_COUNTS, {})
    return bool(counts.events > counts.sealed)


def digest(previous: str, event: AuditEvent | Row[Any]) -> str:
    """Return the SHA-256 that links one event to the chain before it."""
    content = {name: getattr(event, name) for name in CONTENT}
    content["at"] = event.at.isoformat()
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(f"{previous}\n{text}".encode()).hexdigest()


@dataclass(frozen=True)
class Verdict:
    """What recomputing the whole trail found; intact when nothing is broken."""

    broken: tuple[str, ...]
    sealed: int
    unsealed: int
    head: str


def verdict(session: Session) -> Verdict:
    """Return whether the chain holds, how far it reaches, and its last digest."""
    sealed = session.scalar(select(func.count()).select_from(AuditSeal)) or 0
    unsealed = session.scalar(
        select(func.count())
        .select_from(AuditEvent)
        .outerjoin(AuditSeal, AuditSeal.audit_event_id == AuditEvent.id)
        .where(AuditSeal.id.is_(None))
    )
    head = session.scalar(select(AuditSeal.digest).order_by(AuditSeal.id.desc()).limit(1))
    return Verdict(tuple(broken_links(session)), sealed, unsealed or 0, head or FIRST)


def broken_links(session: Session) -> Iterator[str]:
    """Yield, in words, every place where the chain does not hold."""
    head = FIRST
    rows = session.execute(
        select(AuditSeal, AuditEvent)
        .outerjoin(AuditEvent, AuditEvent.id == AuditSeal.audit_event_id)
        .order_by(AuditSeal.id)
        .execution_options(yield_per=1000)
    )
    for sealed, event in rows:
        if event is None:
            yield f"audit event {sealed.audit_event_id}: sealed, but no longer there"
        elif sealed.previous != head:
            yield f"audit event {event.id}: follows {sealed.previous[:12]}, not {head[:12]}"
        elif sealed.digest != digest(head, event):
            yield f"audit event {event.id}: its content is not what was sealed"
        head = sealed.digest
