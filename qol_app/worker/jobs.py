"""The fixed jobs. Each is safe to miss, to repeat, and to run beside any other."""

import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from qol_app.db.base import table_of
from qol_app.db.tables import WorkerTick
from qol_app.services import audit, balance, digests, housekeeping, outgoing, reminders
from qol_app.services import lease as leases
from qol_app.services.balance_rows import Mark, mark
from qol_app.services.context import Context
from qol_app.services.digests import OutgoingDigest
from qol_app.services.lease import INSERTS, LIFE, Lease
from qol_app.worker.sending import ACTOR, Sender

log = logging.getLogger(__name__)

# How many numbers of the trail behind the last sealed one are looked at again each time.
LOOK_BACK = 2_000
# How often it is counted whether an event came too late for that: the longer the trail, the
# longer that takes, and none ever came so late.
COUNT_TRAIL_EVERY = timedelta(days=1)
# How often all messages on file are weighed, and not only what has changed.
WEIGH_WHOLE_EVERY = timedelta(days=1)


_TICK = table_of(WorkerTick)
# A job's line is made the first time, and overwritten from then on.
TICKED = {
    name: made.on_conflict_do_update(
        index_elements=["job"],
        set_={"ticked_at": made.excluded.ticked_at, "detail": made.excluded.detail},
    )
    for name, made in ((name, insert(_TICK)) for name, insert in INSERTS.items())
}


def holder_name() -> str:
    """Return a name for this worker that no other has, on any host, at any time."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


@dataclass
class Worker:
    """One worker process: its sender, its lease if it has one, and what it did when.

    What jobs did is kept here and written down with the next heartbeat, so that a tick
    with nothing to do costs one indexed query and no commit.
    """

    sender: Sender
    holder: str = field(default_factory=holder_name)
    lease: Lease | None = None
    life: timedelta = LIFE
    weigh_whole_every: timedelta = WEIGH_WHOLE_EVERY
    _ticks: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    _count_trail_at: datetime = leases.NEVER
    # How far it was weighed when last all was well; None has everything weighed.
    _weighed: Mark | None = None
    _weigh_whole_at: datetime = leases.NEVER
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def heartbeat(self) -> None:
        """Take or prolong the lease; take over from a dead worker; write down the ticks."""
        before = self.lease
        if before is not None and self._prolonged(before):
            return
        # Workers that stand by only read, so that many of them do not get in the way.
        with self.sender.runtime.reading(ACTOR) as ctx:
            if leases.had_by_another(ctx, self.holder):
                self.lease = None
                return
        with self.sender.runtime.writing(ACTOR) as ctx:
            held = leases.acquire(ctx, self.holder, self.life)
            if held is not None:
                if held != before:
                    lost = outgoing.recover(ctx, held)
                    log.info("lease %s taken, %s uncertain", held.fence, lost)
                self._note("heartbeat", "active")
                self._write_ticks(ctx)
        self.lease = held

    def _prolonged(self, held: Lease) -> bool:
        with self.sender.runtime.writing(ACTOR) as ctx:
            if not leases.prolong(ctx, held, self.life):
                return False
            self._note("heartbeat", "active")
            self._write_ticks(ctx)
        return True

    def remind(self) -> None:
        """Claim what is due and send it."""
        held = self.lease
        if held is None:
            return
        looked_at = claimed = 0
        more = self._anything_due()
        while more:
            with self.sender.runtime.writing(ACTOR) as ctx:
                swept = reminders.sweep(ctx, held, self.sender.channels)
            looked_at += swept.looked_at
            claimed += len(swept.claimed)
            more = swept.more
        sent = self.sender.send_ready(held) if claimed else 0
        self._note("reminders", f"looked at {looked_at}, claimed {claimed}, attempts {sent}")

    def _anything_due(self) -> bool:
        # Nothing due is the usual case: found out by one query that writes nothing.
        runtime = self.sender.runtime
        return reminders.any_overdue(runtime.database.look, runtime.clock())

    def deliver(self) -> None:
        """Make the attempts that are due again, and find those that lost their thread."""
        held = self.lease
        if held is None:
            return
        waiting = outgoing.any_unfinished(self.sender.runtime.database.look)
        if waiting:
            with self.sender.runtime.writing(ACTOR) as ctx:
                outgoing.recover(ctx, held)
        sent = self.sender.send_ready(held) if waiting else 0
        self._note("deliveries", f"attempts {sent}")

    def tell_sites(self) -> None:
        """Send each site its numbers of the morning, once."""
        held, email = self.lease, self.sender.channels.get("email")
        if held is None or email is None:
            return
        runtime = self.sender.runtime
        sites = digests.due_sites(runtime.database.look, runtime.clock())
        for mail in self._mails(held, sites):
            outcome = self.sender.hand_over(email, mail.message, f"digest {mail.digest_id}")
            with runtime.writing(ACTOR) as ctx:
                digests.conclude(ctx, mail, outcome)
        self._note("digests", f"{len(sites)} sites looked at")

    def _mails(self, held: Lease, sites: Sequence[Row[Any]]) -> Sequence[OutgoingDigest]:
        if not sites:
            return ()
        with self.sender.runtime.writing(ACTOR) as ctx:
            if not leases.still_held(ctx, held):
                return ()
            return digests.prepare(ctx, self.sender.house, sites)

    def seal(self) -> None:
        """Add what was recorded since to the chain of the audit trail."""
        runtime, held = self.sender.runtime, self.lease
        if held is None:
            return
        # SQLite's one writer gives numbers in the order of commits: none comes late.
        back = 0 if runtime.database.is_sqlite else LOOK_BACK
        sealed = self._sealed(held, back) if self._anything_unsealed(back) else 0
        if runtime.clock() >= self._count_trail_at:
            self._count_trail_at = runtime.clock() + COUNT_TRAIL_EVERY
            if audit.is_behind(runtime.database.look):
                sealed += self._sealed(held, None)
        self._note("seal", f"sealed {sealed}")

    def _anything_unsealed(self, back: int) -> bool:
        # Mostly nothing was recorded since: found out without the lock of those who write.
        return audit.any_unsealed(self.sender.runtime.database.look, back)

    def _sealed(self, held: Lease, look_back: int | None) -> int:
        with self.sender.runtime.writing(ACTOR) as ctx:
            held_still = leases.still_held(ctx, held)
            return audit.seal(ctx.session, look_back=look_back) if held_still else 0

    def weigh(self) -> None:
        """Count what was expected against what was sent; health shows it if they disagree.

        Mostly of what has changed since the last time. Once a day, and for as long as anything
        does not agree, of everything on file.
        """
        if self.lease is None or self._anything_due():
            return  # what waits for the next sweep is not lost
        with self.sender.runtime.reading(ACTOR) as ctx:
            reached = mark(ctx)
            whole = self._weighed is None or ctx.now >= self._weigh_whole_at
            since = None if whole else self._weighed
            found = balance.balance(ctx, self.sender.channels, since)
        if whole:
            self._weigh_whole_at = self.sender.runtime.clock() + self.weigh_whole_every
        self._weighed = reached if found.balances else None
        self._note(balance.JOB, found.verdict)

    def keep_house(self) -> None:
        """Look whether all promises still hold, mend, and throw old counts away."""
        if self.lease is None:
            return
        self.sender.runtime.check()
        with self.sender.runtime.writing(ACTOR) as ctx:
            done = housekeeping.keep_house(ctx)
        self._note("housekeeping", done)

    def stop(self) -> None:
        """Give the lease back, so that another worker can go on at once."""
        held, self.lease = self.lease, None
        if held is not None:
            with self.sender.runtime.writing(ACTOR) as ctx:
                leases.release(ctx, held)
                self._write_ticks(ctx)

    def _note(self, job: str, what: str) -> None:
        with self._guard:
            self._ticks[job] = (self.sender.runtime.clock(), what)

    def _write_ticks(self, ctx: Context) -> None:
        with self._guard:
            ticks, self._ticks = self._ticks, {}
        rows = [{"job": job, "ticked_at": at, "detail": what} for job, (at, what) in ticks.items()]
        if rows:
            connection = ctx.session.connection()
            connection.execute(TICKED[connection.dialect.name], rows)


@dataclass(frozen=True)
class Job:
    """A job of the worker and how often it runs."""

    name: str
    run: Callable[[Worker], None]
    every: timedelta


JOBS = (
    Job("heartbeat", Worker.heartbeat, timedelta(seconds=15)),
    Job("reminders", Worker.remind, timedelta(minutes=1)),
    Job("deliveries", Worker.deliver, timedelta(seconds=30)),
    Job("digests", Worker.tell_sites, timedelta(minutes=10)),
    Job("seal", Worker.seal, timedelta(seconds=30)),
    Job(balance.JOB, Worker.weigh, timedelta(hours=1)),
    Job("housekeeping", Worker.keep_house, timedelta(hours=1)),
)
