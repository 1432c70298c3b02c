"""Who is behind a request: the cookie holds a random number, the database all else.

A session ended in the database is ended in every browser at the next request.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import current_app, g, session
from sqlalchemy import select, update

from qol_app.crypto import new_token, token_hash
from qol_app.db.tables import AccessLink, Participant, Staff, WebSession
from qol_app.runtime import Runtime
from qol_app.services.context import Actor, Context
from qol_app.services.staff import actor_of

PARTICIPANT_IDLE = timedelta(minutes=30)
PARTICIPANT_LIFE = timedelta(hours=4)
STAFF_IDLE = timedelta(minutes=20)
STAFF_LIFE = timedelta(hours=10)
# How stale "last seen" may be; keeps reading a page from writing each time.
SEEN_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Visitor:
    """A signed-in person and the session by which we know them."""

    actor: Actor
    session_hash: str
    factor_at: datetime
    language: str
    participant_id: int | None = None
    staff_id: int | None = None


def runtime() -> Runtime:
    """Return the installation this application serves."""
    return current_app.extensions["qol_app"]


def current_visitor() -> Visitor | None:
    """Return who is asking, or None; one short read per request."""
    if "visitor" not in g:
        token = session.get("sid")
        g.visitor = _visitor_of(token) if token else None
    return g.visitor


def _visitor_of(token: str) -> Visitor | None:
    with runtime().reading(Actor.system("session")) as ctx:
        row = ctx.session.get(WebSession, token_hash(token))
        if row is None or not _alive(row, ctx.now):
            return None
        visitor = _participant(ctx, row) if row.participant_id else _staff(ctx, row)
        stale = ctx.now - row.last_seen_at > SEEN_EVERY
    if visitor and stale:
        _touch(visitor)
    return visitor


def _alive(row: WebSession, now: datetime) -> bool:
    staff = row.staff_id is not None
    idle, life = (STAFF_IDLE, STAFF_LIFE) if staff else (PARTICIPANT_IDLE, PARTICIPANT_LIFE)
    return row.ended_at is None and now - row.last_seen_at <= idle and now - row.created_at <= life


def _participant(ctx: Context, row: WebSession) -> Visitor | None:
    found = ctx.session.execute(
        select(Participant.site_id, Participant.language, AccessLink.revoked_at)
        .outerjoin(AccessLink, AccessLink.id == row.access_link_id)
        .where(Participant.id == row.participant_id)
    ).one_or_none()
    if found is None or found.revoked_at is not None:
        return None
    actor = Actor(f"participant:{row.participant_id}", "participant", frozenset({found.site_id}))
    return Visitor(
        actor, row.token_hash, row.factor_at, found.language, participant_id=row.participant_id
    )


def _staff(ctx: Context, row: WebSession) -> Visitor | None:
    staff = ctx.session.get(Staff, row.staff_id)
    if staff is None or not staff.active:
        return None
    return Visitor(
        actor_of(ctx, staff), row.token_hash, row.factor_at, staff.language, staff_id=staff.id
    )


def _touch(visitor: Visitor) -> None:
    with runtime().writing(visitor.actor) as ctx:
        ctx.session.execute(
            update(WebSession)
            .where(WebSession.token_hash == visitor.session_hash)
            .values(last_seen_at=ctx.now)
        )


def begin_session(
    ctx: Context,
    *,
    participant_id: int | None = None,
    access_link_id: int | None = None,
    staff_id: int | None = None,
) -> None:
    """Start a session under a new number, whatever the browser had before."""
    token = new_token()
    ctx.session.add(
        WebSession(
            token_hash=token_hash(token),
            participant_id=participant_id,
            access_link_id=access_link_id,
            staff_id=staff_id,
            created_at=ctx.now,
            last_seen_at=ctx.now,
            factor_at=ctx.now,
        )
    )
    session.clear()
    session["sid"] = token
    g.pop("visitor", None)


def end_session(ctx: Context) -> None:
    """End the session of this request, here and in every tab."""
    token = session.pop("sid", None)
    if token:
        ctx.session.execute(
            update(WebSession)
            .where(WebSession.token_hash == token_hash(token), WebSession.ended_at.is_(None))
            .values(ended_at=ctx.now)
        )
    g.pop("visitor", None)
