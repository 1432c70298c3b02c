"""Is this installation well? Each check by itself, in a word and a sentence without names."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, text

from qol_app.db.tables import Assessment, AuditEvent, AuditSeal, Delivery, Reminder, WorkerTick
from qol_app.services.balance import BALANCES, JOB
from qol_app.services.context import Context

# The heartbeat comes every quarter of a minute, the reminders' tick every minute.
SILENT_AFTER = timedelta(minutes=5)
LATE_AFTER = timedelta(minutes=15)
UNSEALED_AFTER = timedelta(minutes=10)
CLOCK_APART = timedelta(seconds=60)
PROBE = "probe"


@dataclass(frozen=True)
class Check:
    """One thing looked at: whether it is well, and what was found."""

    name: str
    well: bool
    found: str


def checks(ctx: Context) -> list[Check]:
    """Return the checks of the database's content; what settings promise is checked elsewhere."""
    return [write(ctx), *readable(ctx)]


def readable(ctx: Context) -> list[Check]:
    """Return the checks that need no write."""
    return [worker(ctx), overdue(ctx), ledger(ctx), sealing(ctx), clock(ctx)]


def write(ctx: Context) -> Check:
    """Write a row that means nothing; whether it could be committed shows at the end."""
    row = ctx.session.get(WorkerTick, PROBE)
    if row is None:
        ctx.session.add(WorkerTick(job=PROBE, ticked_at=ctx.now))
    else:
        row.ticked_at = ctx.now
    ctx.session.flush()
    return Check("write", True, "the database takes writes")


def worker(ctx: Context) -> Check:
    """Tell whether a worker has been heard of in the last five minutes."""
    heard = ctx.session.get(WorkerTick, "heartbeat")
    if heard is None:
        return Check("worker", False, "no worker was ever heard of; start one: flask worker")
    silent = ctx.now - heard.ticked_at
    if silent > SILENT_AFTER:
        return Check("worker", False, f"no worker heard of {_for(silent)}; start one: flask worker")
    return Check("worker", True, f"silent {_for(silent)}")


def overdue(ctx: Context) -> Check:
    """Tell whether reminders wait that should have been looked at long ago."""
    limit = ctx.now - LATE_AFTER
    late = ctx.session.scalar(
        select(func.count()).select_from(Assessment).where(Assessment.look_again_at < limit)
    )
    stuck = ctx.session.scalar(
        select(func.count())
        .select_from(Reminder)
        .where(
            Reminder.status == "claimed",
            func.coalesce(Reminder.retry_at, Reminder.claimed_at) < limit,
        )
    )
    uncertain = ctx.session.scalar(
        select(func.count()).select_from(Delivery).where(Delivery.status == "uncertain")
    )
    waits = (late or 0) + (stuck or 0)
    return Check("reminders", waits == 0, f"{waits} late, {uncertain} uncertain in all")


def ledger(ctx: Context) -> Check:
    """Tell whether expected and sent agreed when the worker last weighed them."""
    weighed = ctx.session.get(WorkerTick, JOB)
    if weighed is None:
        return Check("ledger", True, "not weighed yet")
    return Check("ledger", weighed.detail == BALANCES, weighed.detail)


def sealing(ctx: Context) -> Check:
    """Tell whether the trail is being sealed."""
    oldest = ctx.session.scalar(
        select(func.min(AuditEvent.at))
        .outerjoin(AuditSeal, AuditSeal.audit_event_id == AuditEvent.id)
        .where(AuditSeal.id.is_(None))
    )
    waited = ctx.now - oldest if oldest else timedelta(0)
    return Check("trail", waited <= UNSEALED_AFTER, f"oldest unsealed event waits {_for(waited)}")


def clock(ctx: Context) -> Check:
    """Tell whether this machine and the database agree on what time it is."""
    if ctx.session.get_bind().dialect.name == "sqlite":
        return Check("clock", True, "the database has no clock of its own")
    there: datetime = ctx.session.execute(text("SELECT now()")).scalar_one()
    apart = abs(ctx.now - there)
    return Check("clock", apart <= CLOCK_APART, f"{_for(apart)} from the database's clock")


def _for(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    return f"for {seconds} s" if seconds < 120 else f"for {seconds // 60} min"
