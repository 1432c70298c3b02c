"""Which worker is the active one: a lease in the database, numbered so that none outlives it.

The number (fence) grows each time the lease changes hands. Whatever a worker is about to do
it first compares with its own number, so that one that was stopped past its lease and wakes
up again finds out before it acts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from qol_app.db.base import table_of
from qol_app.db.tables import WorkerLease
from qol_app.services.context import Context

NAME = "worker"
LIFE = timedelta(seconds=60)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
# Both engines know ON CONFLICT, each in its own dialect.
INSERTS: dict[str, Callable[[Any], Any]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}


_ROW = table_of(WorkerLease)
# Asked at every step of every job, so they are made once and return no mapped object.
_SEEN = select(_ROW.c.holder, _ROW.c.fence, _ROW.c.expires_at).where(_ROW.c.name == NAME)
_PROLONG = (
    update(_ROW)
    .where(
        _ROW.c.name == NAME,
        _ROW.c.holder == bindparam("of"),
        _ROW.c.fence == bindparam("number"),
        _ROW.c.expires_at > bindparam("now"),
    )
    .values(expires_at=bindparam("until"))
)


@dataclass(frozen=True)
class Lease:
    """The right of one worker to act, while the database shows the same holder and fence."""

    holder: str
    fence: int


def had_by_another(ctx: Context, holder: str) -> bool:
    """Return whether somebody else has the lease, without locking or writing anything."""
    row = ctx.session.connection().execute(_SEEN).one_or_none()
    return row is not None and row.holder != holder and row.expires_at > ctx.now


def prolong(ctx: Context, lease: Lease, life: timedelta = LIFE) -> bool:
    """Make a lease that still holds last longer, by one statement; False if it does not hold."""
    values = {
        "of": lease.holder,
        "number": lease.fence,
        "now": ctx.now,
        "until": ctx.now + life,
    }
    return ctx.session.connection().execute(_PROLONG, values).rowcount == 1


def acquire(ctx: Context, holder: str, life: timedelta = LIFE) -> Lease | None:
    """Return the lease, taken or prolonged; None while another worker has it.

    Prolonging keeps the number. A holder whose lease ran out gets a new one like anybody
    else, since in between somebody may have had it.
    """
    row = _locked(ctx.session)
    expired = row.expires_at <= ctx.now
    if row.holder != holder and not expired:
        return None
    if row.holder != holder or expired:
        row.holder, row.fence = holder, row.fence + 1
    row.expires_at = ctx.now + life
    ctx.session.flush()
    return Lease(holder, row.fence)


def still_held(ctx: Context, lease: Lease) -> bool:
    """Return whether a lease holds right now.

    Nothing is locked: whoever takes the lease next also takes over the claims, and each
    claim is won by a conditional update of its own.
    """
    row = ctx.session.connection().execute(_SEEN).one_or_none()
    return (
        row is not None
        and (row.holder, row.fence) == (lease.holder, lease.fence)
        and row.expires_at > ctx.now
    )


def release(ctx: Context, lease: Lease) -> None:
    """Give a lease back, so that the next worker need not wait for it to run out."""
    ctx.session.execute(
        update(WorkerLease)
        .where(
            WorkerLease.name == NAME,
            WorkerLease.holder == lease.holder,
            WorkerLease.fence == lease.fence,
        )
        .values(expires_at=NEVER)
    )


def _locked(session: Session) -> WorkerLease:
    """Return the one row of the lease, locked; it is made where there is none yet."""
    insert = INSERTS[session.get_bind().dialect.name]
    first = {"name": NAME, "holder": "", "fence": 0, "expires_at": NEVER}
    session.execute(insert(WorkerLease).values(**first).on_conflict_do_nothing())
    query = select(WorkerLease).where(WorkerLease.name == NAME).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()
