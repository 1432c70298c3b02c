"""Who is behind a request: the cookie holds a random number, the database all else.

A session ended in the database is ended in every browser at the next request.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import current_app, g, session
from sqlalchemy import Select, bindparam, select, update

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
    now = runtime().clock()
    found = runtime().database.look(_SESSION, {"token_hash": token_hash(token)})
    row = found[0] if found else None
    if row is None or not _alive(row, now):
        return None
    visitor = _participant(row) if row.participant_id else _staff(row)
    if visitor and now - row.last_seen_at > SEEN_EVERY:
        _touch(visitor)
    return visitor


def _session_query() -> Select[Any]:
    # On tables, not on mapped classes, and all at once: every request begins with it.
    web, person, link = WebSession.__table__, Participant.__table__, AccessLink.__table__
    staff = Staff.__table__
    both = web.outerjoin(person, person.c.id == web.c.participant_id)
    both = both.outerjoin(link, link.c.id == web.c.access_link_id)
    both = both.outerjoin(staff, staff.c.id == web.c.staff_id)
    return (
        select(
            web.c.token_hash,
            web.c.participant_id,
            web.c.staff_id,
            web.c.created_at,
            web.c.last_seen_at,
            web.c.factor_at,
            web.c.ended_at,
            person.c.site_id,
            person.c.language,
            link.c.revoked_at,
            staff.c.active,
        )
        .select_from(both)
        .where(web.c.token_hash == bindparam("token_hash"))
    )


_SESSION = _session_query()


def _alive(row: Any, now: datetime) -> bool:
    staff = row.staff_id is not None
    idle, life = (STAFF_IDLE, STAFF_LIFE) if staff else (PARTICIPANT_IDLE, PARTICIPANT_LIFE)
    return row.ended_at is None and now - row.last_seen_at <= idle and now - row.created_at <= life


def _participant(row: Any) -> Visitor | None:
    if row.revoked_at is not None:
        return None
    actor = Actor(f"participant:{row.participant_id}", "participant", frozenset({row.site_id}))
    return Visitor(
        actor, row.token_hash, row.factor_at, row.language, participant_id=row.participant_id
    )


def _staff(row: Any) -> Visitor | None:
    if not row.active:
        return None
    with runtime().reading(Actor.system("session")) as ctx:
        staff = ctx.session.get_one(Staff, row.staff_id)
        actor = actor_of(ctx, staff)
    return Visitor(actor, row.token_hash, row.factor_at, staff.language, staff_id=staff.id)


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
